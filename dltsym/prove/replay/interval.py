"""Intervals with rational ends, open or closed, or without an end."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Interval:
    """Numbers from `low` to `high`; an end is None when there is none, and excluded when open."""

    low: Fraction | None = None
    low_open: bool = False
    high: Fraction | None = None
    high_open: bool = False


ANY = Interval()


def at(c: Fraction) -> Interval:
    """Return the interval of one number.

    Parameters
    ----------
    c : Fraction
        Number.

    Returns
    -------
    Interval
    """
    return Interval(c, False, c, False)


def meet(a: Interval, b: Interval) -> Interval:
    """Return what two intervals have in common; the tighter end wins.

    Parameters
    ----------
    a, b : Interval
        Intervals.

    Returns
    -------
    Interval
    """
    low = max(((x.low, x.low_open) for x in (a, b) if x.low is not None), default=(None, False))
    high = min(((x.high, not x.high_open) for x in (a, b) if x.high is not None), default=(None, True))
    return Interval(*low, high[0], not high[1])


def total(a: Interval, b: Interval) -> Interval:
    """Add two intervals.

    Parameters
    ----------
    a, b : Interval
        Intervals.

    Returns
    -------
    Interval
    """
    low = a.low + b.low if a.low is not None and b.low is not None else None
    high = a.high + b.high if a.high is not None and b.high is not None else None
    return Interval(low, a.low_open or b.low_open, high, a.high_open or b.high_open)


def _negated(a: Interval) -> Interval:
    low = None if a.high is None else -a.high
    high = None if a.low is None else -a.low
    return Interval(low, a.high_open, high, a.low_open)


def product(a: Interval, b: Interval) -> Interval:
    """Multiply two intervals of which at least one has a known sign; else nothing is known.

    Parameters
    ----------
    a, b : Interval
        Intervals.

    Returns
    -------
    Interval
    """
    zero = at(Fraction(0))
    if zero in (a, b):
        return zero
    for x, y in ((a, b), (b, a)):
        if x.low is not None and x.low >= 0:
            return _scaled(x, y)
        if x.high is not None and x.high <= 0:
            return _negated(_scaled(_negated(x), y))
    return ANY


def _scaled(x: Interval, y: Interval) -> Interval:
    """Multiply an interval of numbers ``>= 0`` with any other."""
    assert x.low is not None
    low = high = None
    low_open = high_open = False
    if y.low is not None:
        low, low_open = _least(x, y.low, y.low_open)
    if y.high is not None:
        least, high_open = _least(x, -y.high, y.high_open)
        high = None if least is None else -least
    return Interval(low, low_open, high, high_open)


def _least(x: Interval, end: Fraction, open_: bool) -> tuple[Fraction | None, bool]:
    """Return the greatest lower bound of ``s*t`` for s in x (``>= 0``) and ``t >= end``."""
    assert x.low is not None
    if end >= 0:
        value = x.low * end
        if value > 0:
            return value, open_ or x.low_open
        positive = (x.low > 0 or x.low_open) and (end > 0 or open_)
        return Fraction(0), positive
    if x.high is None:
        return None, False
    return x.high * end, (open_ or x.high_open) and x.high != 0


def reciprocal(a: Interval) -> Interval:
    """Return ``1/a`` for numbers of one sign; 0 is excluded because the quotient is defined.

    Parameters
    ----------
    a : Interval
        Interval.

    Returns
    -------
    Interval
    """
    if a.low is not None and a.low >= 0:
        low = Fraction(0) if not a.high else 1 / a.high
        high = None if not a.low else 1 / a.low
        return Interval(low, not a.high or a.high_open, high, a.low_open)
    if a.high is not None and a.high <= 0:
        return _negated(reciprocal(_negated(a)))
    return ANY


def whole_power(a: Interval, n: int, nonzero: bool) -> Interval:
    """Return ``a**n`` for a whole number n that is not negative.

    Parameters
    ----------
    a : Interval
        Interval.
    n : int
        Exponent.
    nonzero : bool
        Whether 0 is excluded.

    Returns
    -------
    Interval
    """
    if n == 0:
        return at(Fraction(1))
    if a.low is not None and a.low >= 0:
        return Interval(
            a.low**n, a.low_open or (nonzero and a.low == 0), None if a.high is None else a.high**n, a.high_open
        )
    if a.high is not None and a.high <= 0:
        out = whole_power(_negated(a), n, nonzero)
        return out if n % 2 == 0 else _negated(out)
    if n % 2:
        low, high = (None if e is None else e**n for e in (a.low, a.high))
        return Interval(low, a.low_open, high, a.high_open)
    high = None if a.low is None or a.high is None else max(-a.low, a.high) ** n
    return Interval(Fraction(0), nonzero, high, False)
