"""From the scale of a record to that of the loss, and the ends at which a value is cut off."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from flint import arb

from dltsym.bounds.amounts import as_ball
from dltsym.bounds.objects import BoundObject
from dltsym.notation.balls import working

__all__ = ["as_float", "back", "clip", "clip_float", "limits", "near"]

BITS = 768


def back(what: BoundObject, ball: arb) -> arb:
    """Map a value on the scale of the record back to the loss.

    Parameters
    ----------
    what : BoundObject
        Bound.
    ball : arb
        Value.

    Returns
    -------
    arb
    """
    s = what.statement
    if s.rescaled and what.loss is not None:
        a, b = (Fraction(x) for x in s.loss)
        lo, hi = what.loss
        if (lo, hi) != (a, b):
            shift = Fraction(0) if s.gap else a
            ball = as_ball(Fraction(0) if s.gap else lo) + (ball - as_ball(shift)) * as_ball((hi - lo) / (b - a))
    return ball + as_ball(what.measured) if s.gap and what.measured is not None else ball


def limits(what: BoundObject) -> tuple[Any, Any]:
    """Return where the value is clipped: the range of the loss, or what the user asks for beyond it.

    Parameters
    ----------
    what : BoundObject
        Bound.

    Returns
    -------
    tuple
        Numbers, or None on a side without an end.
    """
    lo, hi = what.loss if what.loss is not None else (None, None)
    if what.statement.gap and what.measured is None:
        return None, None
    return (lo, hi if what.clip is None else what.clip)


def clip(ball: arb, lo: Any, hi: Any) -> arb:
    """Cut an enclosure off at two ends, where there are any.

    Parameters
    ----------
    ball : arb
        Enclosure.
    lo, hi : Fraction, arb or None
        Ends.

    Returns
    -------
    arb
    """
    with working(BITS):
        out = ball if hi is None else ball.min(as_ball(hi))
        return out if lo is None else out.max(as_ball(lo))


def clip_float(x: float, lo: Any, hi: Any) -> float:
    """Cut a float off at two ends; nan stays.

    Parameters
    ----------
    x : float
        Number.
    lo, hi : Fraction, arb or None
        Ends.

    Returns
    -------
    float
    """
    x = x if hi is None else min(x, near(hi)) if x == x else x
    return x if lo is None or x != x else max(x, near(lo))


def near(x: Any) -> float:
    """Return the float next to an exact number; infinite where it is too large for one.

    Parameters
    ----------
    x : Fraction or arb
        Number.

    Returns
    -------
    float
    """
    if not isinstance(x, Fraction):
        return float(x.mid())
    try:
        return float(x)
    except OverflowError:
        return math.inf if x > 0 else -math.inf


def as_float(x: Any) -> Any:
    """Return exact numbers as the nearest floats; whole ones as integers where they fit.

    Parameters
    ----------
    x : Fraction, arb or nested sequence
        Numbers.

    Returns
    -------
    int, float or nested list
    """
    if isinstance(x, list | tuple):
        return [as_float(y) for y in x]
    if isinstance(x, Fraction):
        return int(x) if x.denominator == 1 and abs(x) < 2**53 else near(x)
    return float(x.mid())
