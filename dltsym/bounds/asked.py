"""Which inputs a result of an algorithm depends on: one that it does without need not be given.

Nothing rests on this but the question to the user. An input that is left out is not a number in the evaluation too, and
a ball that has met it is no enclosure: a result that does depend on it gets no certificate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from flint import arb

from dltsym.bounds.nearly import Certain
from dltsym.bounds.objects import record_of
from dltsym.bounds.scale import as_float
from dltsym.errors import DltsymError
from dltsym.lower.closed.oracle import exact
from dltsym.notation.tree import Num, Sym

__all__ = ["alone", "dispensable", "given"]

BITS = 96


def alone(record: Any, of: str) -> Any:
    """Return the algorithm of a record as one that computes a single result.

    Parameters
    ----------
    record : Theorem
        Record.
    of : str
        Result.

    Returns
    -------
    Algorithm
    """
    return replace(record.algorithm, computes=(of,))


@cache
def dispensable(key: str, of: str, name: str) -> bool:
    """Tell whether a result has a value without one of the inputs, where its first published value was computed.

    Parameters
    ----------
    key, of : str
        Record, and result of its algorithm.
    name : str
        Input.

    Returns
    -------
    bool
        Also False where nothing is published, or other inputs are no plain numbers.
    """
    record = record_of(key)
    told = next((v for v in record.values if v.of == of), None)
    if record.algorithm is None or len(record.algorithm.computes) < 2 or told is None or name not in told.inputs:
        return False
    try:
        env = {n: exact(x) for n, x in told.inputs.items()}
    except DltsymError:  # arrays
        return False
    return _finite(record, of, {**env, name: arb.nan()})


def _finite(record: Any, of: str, env: Mapping[str, Any]) -> bool:
    try:
        return bool(alone(record, of)(Certain(BITS), env)[of].is_finite())
    except DltsymError:
        return False


def given(x: Any, sym: Sym) -> Any:
    """Return an exact input as floats; for one that was left out, any number of its domain, as nothing depends on it.

    Parameters
    ----------
    x : Fraction, arb or nested sequence
        Input.
    sym : Sym
        Its symbol.

    Returns
    -------
    int, float or nested list
    """
    return _placeholder(sym) if isinstance(x, arb) and x.is_nan() else as_float(x)


def _placeholder(sym: Sym) -> float:
    lo, hi = (float(e.value) if isinstance(e, Num) else None for e in (sym.decl.lo, sym.decl.hi))
    if lo is not None and hi is not None:
        return (lo + hi) / 2
    return lo + 1 if lo is not None else hi - 1 if hi is not None else 1.0
