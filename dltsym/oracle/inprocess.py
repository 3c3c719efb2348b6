"""Checks in the process of a test: which device, which inputs, and whether Triton can run here at all."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from types import CodeType
from typing import TYPE_CHECKING, Any

from dltsym.errors import UnsupportedError
from dltsym.implementation import Case, implementation_of
from dltsym.kernels.dispatch import interpreted, torch_module
from dltsym.oracle.replay import curated, spread
from dltsym.oracle.spec import Spec

if TYPE_CHECKING:
    from dltsym.oracle.report import Report

ADVICE = (
    "there is no GPU, and Triton was imported without its interpreter. Set TRITON_INTERPRET=1 before triton is first "
    "imported (in the environment, or at the top of conftest.py), or run `dltsym kernel check`, which checks in a "
    "process of its own"
)


def device() -> str:
    """Return where a check runs unless it is told: a GPU if there is one and Triton is not interpreted.

    Returns
    -------
    str
    """
    return "cuda" if torch_module().cuda.is_available() and not interpreted() else "cpu"


def require_interpreter(function: Any, place: str) -> None:
    """Refuse to launch Triton where it cannot run, instead of letting every case crash.

    Parameters
    ----------
    function : callable
        What is to be checked.
    place : str
        Device.

    Raises
    ------
    UnsupportedError
        When it launches a compiled kernel and there is no GPU.
    """
    if place != "cpu":
        return
    told = implementation_of(function)
    if (told is not None and told.backend == "triton" and not interpreted()) or any(_launches(function)):
        raise UnsupportedError(f"{getattr(function, '__qualname__', function)} launches a Triton kernel: {ADVICE}")


def require_driver(report: Report) -> None:
    """Say what is wrong when Triton found no driver.

    Parameters
    ----------
    report : Report
        Report of a check.

    Raises
    ------
    UnsupportedError
        When it found none.
    """
    if any("active drivers" in r.message for r in report.failures):
        raise UnsupportedError(f"{report.candidate.name} launches a Triton kernel: {ADVICE}")


def _launches(function: Any, depth: int = 3) -> Iterator[bool]:
    """Look for compiled kernels among the globals and closures that a function names, and those that it calls name."""
    if "triton" not in sys.modules:
        return
    inner = getattr(function, "__wrapped__", None) or getattr(function, "func", None) or function
    code, space = getattr(inner, "__code__", None), getattr(inner, "__globals__", {})
    if not isinstance(code, CodeType) or depth == 0:
        return
    cells = [c.cell_contents for c in inner.__closure__ or () if _filled(c)]
    for value in [*(space[n] for n in _names(code) if n in space), *cells]:
        kind = type(value)
        if kind.__module__.partition(".")[0] == "triton" and kind.__name__ in (
            "JITFunction",
            "Autotuner",
            "Heuristics",
        ):
            yield not interpreted()
        elif getattr(value, "__module__", None) == inner.__module__ and value is not function:
            yield from (x for x in _launches(value, depth - 1) if x)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names(inner)


def _filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:  # a cell that nothing was put into yet
        return False


def cases(spec: Spec, function: Any, wanted: int | Sequence[Case] | None) -> tuple[Case, ...]:
    """Choose the inputs of a check.

    Parameters
    ----------
    spec : Spec
        Statement.
    function : callable
        What is checked.
    wanted : int, sequence of Case or None
        Inputs, or at most how many of those that kernels bring, or of automatic ones.

    Returns
    -------
    tuple of Case
    """
    from dltsym.oracle.cases import automatic

    if isinstance(wanted, Sequence):
        return tuple(wanted)
    return some(curated(spec, function) or automatic(spec), wanted)


def some(items: Sequence[Case], count: int | None) -> tuple[Case, ...]:
    """Choose some cases, spread evenly.

    Parameters
    ----------
    items : sequence of Case
        Cases.
    count : int or None
        At most how many; None for all.

    Returns
    -------
    tuple of Case
    """
    return spread(items, count) if count else tuple(items)
