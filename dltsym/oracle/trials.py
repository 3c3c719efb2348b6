"""One run of a candidate under the sanitizer and a time limit, with a digest of the bits of its results."""

from __future__ import annotations

import hashlib
import signal
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from types import FrameType
from typing import Any

import numpy as np

from dltsym.implementation import Case
from dltsym.oracle.candidate import Candidate

LIMIT = 60.0
"""Seconds for one call of a kernel."""


def attempt(spec: Any, own: Any, prepared: Any, order: str = "natural") -> tuple[Any, str]:
    """Run a candidate on a prepared case under the sanitizer and a time limit.

    Parameters
    ----------
    spec : Spec
        Statement.
    own : Candidate
        Candidate.
    prepared : Prepared
        Case.
    order : str
        Order of the programs of a launch.

    Returns
    -------
    tuple of Seen and str
        What came of it, and a digest of the bits of all results.
    """
    from dltsym.oracle.extras import Seen
    from dltsym.oracle.run import tried

    with watched(order), hurried(LIMIT):
        result, outcome = tried(spec, own, prepared)
    bits = result.verdict if outcome is None else digest(outcome.values, outcome.dtypes)
    return Seen(prepared, outcome, result), bits


def digest(values: Mapping[str, Any], dtypes: Mapping[str, str]) -> str:
    """Return a digest of results; all nan are one.

    Parameters
    ----------
    values : mapping of str to array
        Results in float64.
    dtypes : mapping of str to str
        Types in which they came.

    Returns
    -------
    str
    """
    told = hashlib.sha256()
    for name in sorted(values):
        x = np.ascontiguousarray(values[name])
        x = np.where(np.isnan(x), np.nan, x)
        told.update(f"{name} {dtypes.get(name)} {x.shape}".encode() + x.tobytes())
    return told.hexdigest()


def portable(case: Case) -> Case:
    """Return a case without the functions in it, which cannot travel; its inputs are drawn already.

    Parameters
    ----------
    case : Case
        Case.

    Returns
    -------
    Case
    """
    return replace(case, values={k: x for k, x in case.values.items() if isinstance(x, str)})


@contextmanager
def hurried(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in what runs longer than a limit; only in the main thread of a process that has alarms.

    Parameters
    ----------
    seconds : float
        Limit.

    Yields
    ------
    None
    """

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"stopped after {seconds:g} s")

    try:
        before: Callable[..., Any] | int | None = signal.signal(signal.SIGALRM, ring)
    except (ValueError, AttributeError):  # not the main thread, or a system without alarms
        yield
        return
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def watched(order: str = "natural") -> Any:
    """Return the sanitizer as a context, where Triton is interpreted.

    Parameters
    ----------
    order : str
        Order of the programs of a launch.

    Returns
    -------
    context manager
    """
    from dltsym.kernels.dispatch import interpreted

    if not interpreted():
        return nullcontext()
    from dltsym.oracle import sanitizer

    return sanitizer.watch(order)


def ready() -> None:
    """Repair the interpreter, where Triton is interpreted."""
    from dltsym.kernels.dispatch import interpreted

    if interpreted():
        from dltsym.oracle import interpreter

        interpreter.install()


def repaired() -> bool:
    """Repair the interpreter if there is one that can be repaired; otherwise functions of torch are still checked.

    Returns
    -------
    bool
        Whether Triton is interpreted and can be watched.
    """
    from importlib.util import find_spec

    from dltsym.errors import UnsupportedError
    from dltsym.kernels.dispatch import interpreted

    if not interpreted() or find_spec("triton") is None:
        return False
    from dltsym.oracle import interpreter

    try:
        interpreter.install()
    except UnsupportedError as error:
        warnings.warn(f"{error}; bfloat16 and tf32 are not to be trusted in it", RuntimeWarning, stacklevel=2)
        return False
    return True


def limited(own: Candidate, seconds: float) -> Candidate:
    """Return a candidate whose calls raise TimeoutError after a time.

    Parameters
    ----------
    own : Candidate
        Candidate.
    seconds : float
        Limit of one call.

    Returns
    -------
    Candidate
    """

    def call(inputs: Mapping[str, Any], modes: Mapping[str, Any]) -> Mapping[str, Any]:
        with hurried(seconds):
            return own.call(inputs, modes)

    return replace(own, call=call)
