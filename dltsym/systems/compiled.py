"""Kernels of records, compiled once: the systems read their formulas here and type none of them again."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from dltsym.catalogue import get
from dltsym.lower.compiler import compile as compiled
from dltsym.lower.kernel import Kernel
from dltsym.notation.calls import exp
from dltsym.statement import Scope

__all__ = ["closed", "several", "tensor"]


@cache
def tensor(key: str, of: str, axes: str = "", scaled: bool = False) -> Kernel:
    """Return the numpy kernel of one output, over arrays with any batch dimensions.

    Parameters
    ----------
    key : str
        Record.
    of : str
        Output of the record.
    axes : str
        Its free indices, in order.
    scaled : bool
        Multiply by ``exp(-shift)``, where `shift` is one more argument; nothing overflows on the way.

    Returns
    -------
    Kernel
        Takes its inputs by name; its `function` is the same without the checks of a call.
    """
    output = get(key).outputs[of]
    if scaled:
        output = output * exp(-Scope().real("shift", "logarithm of the unit"))
    return compiled({of: output}, axes=axes, of=of, backend="numpy")


@cache
def several(key: str, axes: tuple[tuple[str, str], ...]) -> Kernel:
    """Return one numpy kernel of several outputs, which computes what they share once.

    Parameters
    ----------
    key : str
        Record.
    axes : tuple of pairs
        Outputs, each with its free indices.

    Returns
    -------
    Kernel
        Its `function` returns the results in this order.
    """
    outputs = get(key).outputs
    return compiled({of: outputs[of] for of, _ in axes}, axes=dict(axes), backend="numpy")


@cache
def closed(key: str, of: str, backend: str = "numpy") -> Callable[..., Any]:
    """Return the kernel of a scalar output, or of a result of the algorithm of a record.

    Parameters
    ----------
    key : str
        Record.
    of : str
        Output, or result of the algorithm.
    backend : {"numpy", "ball"}
        Floating point, or certified enclosures.

    Returns
    -------
    Kernel
        Takes its inputs by name, and checks them against the declarations of the record.
    """
    record: Any = get(key)
    return record.kernel(backend, of=of)
