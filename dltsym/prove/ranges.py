"""Intervals with rational or infinite ends, open or closed: what is known about the value of a term."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

Bound = Fraction | None
_End = tuple[float | Fraction, bool]
_INF = float("inf")


@dataclass(frozen=True)
class Range:
    """All reals between `lo` and `hi` (None: unbounded); an open end is excluded. `nonzero` excludes 0 as well."""

    lo: Bound = None
    lo_open: bool = True
    hi: Bound = None
    hi_open: bool = True
    nonzero: bool = False

    @property
    def nonnegative(self) -> bool:
        """Whether every value is >= 0."""
        return self.lo is not None and self.lo >= 0

    @property
    def positive(self) -> bool:
        """Whether every value is > 0."""
        return self.nonnegative and self.without_zero

    @property
    def nonpositive(self) -> bool:
        """Whether every value is <= 0."""
        return self.hi is not None and self.hi <= 0

    @property
    def negative(self) -> bool:
        """Whether every value is < 0."""
        return self.nonpositive and self.without_zero

    @property
    def without_zero(self) -> bool:
        """Whether 0 is excluded."""
        low = self.lo is not None and (self.lo > 0 or (self.lo == 0 and self.lo_open))
        high = self.hi is not None and (self.hi < 0 or (self.hi == 0 and self.hi_open))
        return self.nonzero or low or high


ALL = Range()


def point(value: Fraction) -> Range:
    """Return the range of one number.

    Parameters
    ----------
    value : Fraction
        The number.

    Returns
    -------
    Range
    """
    return Range(value, False, value, False)


def meet(a: Range, b: Range) -> Range:
    """Return the intersection of two ranges (both are known to hold).

    Parameters
    ----------
    a, b : Range
        Ranges of the same term.

    Returns
    -------
    Range
    """
    lo, lo_open = max(_low(a), _low(b), key=lambda e: (e[0], e[1]))
    hi, hi_open = min(_high(a), _high(b), key=lambda e: (e[0], not e[1]))
    return _range((lo, lo_open), (hi, hi_open), a.nonzero or b.nonzero)


def plus(a: Range, b: Range) -> Range:
    """Return the range of a sum.

    Parameters
    ----------
    a, b : Range
        Ranges of the terms.

    Returns
    -------
    Range
    """
    lo = None if a.lo is None or b.lo is None else a.lo + b.lo
    hi = None if a.hi is None or b.hi is None else a.hi + b.hi
    return Range(lo, a.lo_open or b.lo_open, hi, a.hi_open or b.hi_open)


def times(a: Range, b: Range) -> Range:
    """Return the range of a product.

    Parameters
    ----------
    a, b : Range
        Ranges of the factors.

    Returns
    -------
    Range
    """
    ends = [_product(x, y) for x in (_low(a), _high(a)) for y in (_low(b), _high(b))]
    low = min(ends, key=lambda e: (e[0], e[1]))
    high = max(ends, key=lambda e: (e[0], not e[1]))
    return _range(low, high, a.without_zero and b.without_zero)


def power(a: Range, k: int) -> Range:
    """Return the range of ``x**k`` for a whole number k >= 1; an even power is never negative.

    Parameters
    ----------
    a : Range
        Range of x.
    k : int
        Exponent.

    Returns
    -------
    Range
    """
    out = a
    for _ in range(k - 1):
        out = times(out, a)
    if k % 2 == 0:
        out = meet(out, Range(Fraction(0), False, None, True, a.without_zero))
    return out


def inverse(a: Range) -> Range:
    """Return the range of ``1/x``; all reals unless `a` has one sign.

    Parameters
    ----------
    a : Range
        Range of x.

    Returns
    -------
    Range
    """
    if a.positive:
        low = (0, True) if not a.hi else (1 / a.hi, a.hi_open)
        high = (_INF, True) if not a.lo else (1 / a.lo, a.lo_open)
        return _range((Fraction(low[0]), low[1]), high, True)
    if a.negative:
        mirrored = inverse(scaled(a, Fraction(-1)))
        return scaled(mirrored, Fraction(-1))
    return Range(nonzero=True)


def scaled(a: Range, c: Fraction) -> Range:
    """Return the range of ``c*x``.

    Parameters
    ----------
    a : Range
        Range of x.
    c : Fraction
        Factor.

    Returns
    -------
    Range
    """
    if c == 0:
        return point(c)
    if c == 1:
        return a
    low = a.lo * c if a.lo else a.lo  # None and 0 stay what they are
    high = a.hi * c if a.hi else a.hi
    if c > 0:
        return Range(low, a.lo_open, high, a.hi_open, a.nonzero)
    return Range(high, a.hi_open, low, a.lo_open, a.nonzero)


def increasing(name: str, a: Range) -> Range:
    """Return the range of an increasing function, its ends enclosed by ball arithmetic.

    Parameters
    ----------
    name : {"exp", "log", "sqrt"}
        Function; it must be defined on the open range.
    a : Range
        Range of the argument.

    Returns
    -------
    Range
    """
    lo, lo_open = (None, True) if a.lo is None else _image(name, a.lo, a.lo_open, 0)
    hi, hi_open = (None, True) if a.hi is None else _image(name, a.hi, a.hi_open, 1)
    return Range(lo, lo_open, hi, hi_open)


def balls_ends(ball: Any) -> tuple[Fraction, Fraction] | None:
    """Return rational ends of a finite `flint.arb`, or None.

    Parameters
    ----------
    ball : flint.arb
        Enclosure.

    Returns
    -------
    tuple of Fraction or None
    """
    if not ball.is_finite():
        return None
    return _exact(ball.lower()), _exact(ball.upper())


def _exact(ball: Any) -> Fraction:
    mantissa, exponent = ball.mid().man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


_EXACT: dict[str, tuple[int, int]] = {"exp": (0, 1), "log": (1, 0), "sqrt": (0, 0)}


@lru_cache(maxsize=4096)
def _image(name: str, at: Fraction, is_open: bool, side: int) -> tuple[Bound, bool]:
    where, value = _EXACT[name]
    if at == where:
        return Fraction(value), is_open
    if (name != "exp" and at <= 0) or abs(at) > 10_000:
        return None, True
    from flint import arb, fmpq

    function: Callable[[Any], Any] = {"exp": arb.exp, "log": arb.log, "sqrt": arb.sqrt}[name]
    ends = balls_ends(function(arb(fmpq(at.numerator, at.denominator))))
    return (None, True) if ends is None else (ends[side], ends[0] != ends[1] or is_open)


def _low(a: Range) -> _End:
    return (-_INF, True) if a.lo is None else (a.lo, a.lo_open)


def _high(a: Range) -> _End:
    return (_INF, True) if a.hi is None else (a.hi, a.hi_open)


def _range(low: _End, high: _End, nonzero: bool) -> Range:
    lo = low[0] if isinstance(low[0], Fraction) else None
    hi = high[0] if isinstance(high[0], Fraction) else None
    return Range(lo, low[1] or lo is None, hi, high[1] or hi is None, nonzero)


def _product(x: _End, y: _End) -> _End:
    if x[0] == 0 or y[0] == 0:
        closed = (x[0] == 0 and not x[1]) or (y[0] == 0 and not y[1])
        return Fraction(0), not closed
    if isinstance(x[0], Fraction) and isinstance(y[0], Fraction):
        return x[0] * y[0], x[1] or y[1]
    return (_INF if (x[0] > 0) == (y[0] > 0) else -_INF), True
