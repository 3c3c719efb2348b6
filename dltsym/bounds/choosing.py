"""A parameter that may be chosen after the data: any value certifies, so a good one is searched for, not the best."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

from dltsym.bounds.objects import BoundObject
from dltsym.errors import DomainError
from dltsym.lower.closed.oracle import point
from dltsym.notation.tree import Num, Sym

__all__ = ["open_choices", "settled"]

SCAN, ROUNDS = 400, 5
SPAN = 30.0  # decades of a scale without ends, in natural logarithms
MOST = 2**40
Values = Callable[[BoundObject, str, list[Any]], list[float]]


def settled(what: BoundObject, values_at: Values) -> BoundObject:
    """Return a bound with its free parameter chosen, where it has one that is not given.

    Parameters
    ----------
    what : BoundObject
        Bound.
    values_at : callable
        Estimates of a bound at many values of a parameter; nan where there is none.

    Returns
    -------
    BoundObject
        With a note on the choice.

    Raises
    ------
    DomainError
        When several parameters are free, or no value gives a number.
    """
    free = open_choices(what)
    if not free:
        return what
    if len(free) > 1:
        raise DomainError(f"{what.key}: give {', '.join(free[1:])}; only one free parameter is searched for")
    name = free[0]
    sign = 1 if what.statement.side == "upper" else -1

    def at(xs: list[Any]) -> list[float]:
        return [sign * y if y == y else math.inf for y in values_at(what, name, xs)]

    found = _integer(at, what.record.symbols[name]) if _whole(what, name) else _real(at, what.record.symbols[name])
    if found is None:
        raise DomainError(f"{what.key}: no value of {name} gives a number at these inputs; give {name}")
    note = f"{name} = {float(found):.12g} chosen with the data, which the statement allows; not claimed to be the best"
    return replace(put(what, name, found), notes=(*what.notes, note))


def open_choices(what: BoundObject) -> list[str]:
    """Return the free parameters of a bound that are not given, and that any value of certifies.

    Parameters
    ----------
    what : BoundObject
        Bound.

    Returns
    -------
    list of str
    """
    from dltsym.bounds.values import needed

    wanted, s = needed(what.record, what.statement.of), what.statement
    return [x for x in s.free if x in wanted and x not in what.inputs and x not in s.tied]


def put(what: BoundObject, name: str, x: Any) -> BoundObject:
    """Return a bound with one more input.

    Parameters
    ----------
    what : BoundObject
        Bound.
    name : str
        Symbol.
    x : number
        Its value, exactly.

    Returns
    -------
    BoundObject

    A value outside the domain of the record is a `DomainError`.
    """
    inputs = {**what.inputs, name: Fraction(x)}
    point(what.record, inputs)
    return replace(what, inputs=inputs)


def _whole(what: BoundObject, name: str) -> bool:
    return what.record.symbols[name].decl.sort in ("integer", "index")


def _ends(sym: Sym) -> tuple[float | None, float | None]:
    lo, hi = (float(e.value) if isinstance(e, Num) else None for e in (sym.decl.lo, sym.decl.hi))
    return lo, hi


def _real(at: Callable[[list[Any]], list[float]], sym: Sym) -> Fraction | None:
    """Scan the interval of a parameter on a scale that reaches its ends, then again and again around the best point."""
    lo, hi = _ends(sym)
    lo = 0.0 if lo is None else lo

    def point(t: float) -> float:  # t in (0, 1)
        if hi is None:
            return lo + math.exp(SPAN * (2 * t - 1))
        u = 1 / (1 + math.exp(-SPAN * (2 * t - 1)))
        return min(max(lo + (hi - lo) * u, math.nextafter(lo, hi)), math.nextafter(hi, lo))

    a, b, best = 0.0, 1.0, (math.inf, 0.5)
    for _ in range(ROUNDS):
        places = [a + (b - a) * k / SCAN for k in range(1, SCAN)]
        found, t = min(zip(at([point(t) for t in places]), places, strict=True))
        best = min(best, (found, t))
        a, b = max(0.0, t - (b - a) / SCAN), min(1.0, t + (b - a) / SCAN)
    return None if best[0] == math.inf else Fraction(point(best[1]))


def _integer(at: Callable[[list[Any]], list[float]], sym: Sym) -> Fraction | None:
    """Scan integers on a geometric scale, then all those near the best one."""
    lo, hi = _ends(sym)
    first, last = int(lo or 0), int(hi if hi is not None else MOST)
    steps, k = [first], 1
    while steps[-1] < last:
        steps.append(min(last, first + k))
        k = max(k + 1, k * 5 // 4)
    best = min(zip(at(steps), steps, strict=True))
    spread = max(2, (best[1] - first) // 3)
    while best[0] < math.inf and spread:
        step = max(1, spread // 200)
        near = list(range(max(first, best[1] - spread), min(last, best[1] + spread) + 1, step))
        best = min(best, min(zip(at(near), near, strict=True)))
        spread = step if step > 1 else 0
    return None if best[0] == math.inf else Fraction(best[1])
