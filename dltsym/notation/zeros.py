"""Certified zeros: bisection on signs that are certain, with steps that double the digits where a line fits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flint import arb

from dltsym.errors import DomainError, Undecided

Function = Callable[[arb], arb]


def enclosed_zero(f: Function, lo: arb, hi: arb, prec: int) -> arb:
    """Enclose the only zero of a continuous monotone function between two points.

    Every shrinking of the bracket rests on two certain signs that differ, so a zero stays inside by the theorem of
    intermediate values whatever the guesses were. Source: Abbott 2006, quadratic interval refinement.

    Parameters
    ----------
    f : callable
        Function; a value that contains 0, is not finite, or raises `Undecided` says nothing.
    lo, hi : arb
        Ends, ``lo < hi``.
    prec : int
        Bits wanted.

    Returns
    -------
    arb

    Raises
    ------
    Undecided
        When a sign at an end is not certain.
    DomainError
        When the signs at the ends do not differ, or the ends do not.
    """
    if not lo < hi:
        raise DomainError(f"a root is looked for between two points, not {lo} and {hi}")
    ends = [(x, *_sign(f, x)) for x in (lo, hi)]
    for x, sign, _ in ends:
        if sign == 0:
            return x
    if None in (ends[0][1], ends[1][1]):
        at = ends[0][0] if ends[0][1] is None else ends[1][0]
        raise Undecided(f"the sign of the function at {at}, an end of the bracket, is not certain")
    if ends[0][1] == ends[1][1]:
        raise DomainError(f"the function has the same sign at {lo} and at {hi}")
    return _narrowed(f, _Bracket(*((x.mid(), s, v) for x, s, v in ends)), prec)


class _Bracket:
    """Two exact points with certain signs that differ."""

    def __init__(self, low: Any, high: Any) -> None:
        self.a, self.sign, self.fa = low
        self.b, _, self.fb = high

    @property
    def width(self) -> arb:
        return (self.b - self.a).mid()

    def guess(self) -> arb:
        """Return where the line through the ends is 0."""
        x = (self.a - self.fa * (self.b - self.a) / (self.fb - self.fa)).mid()
        return x if self.a < x < self.b else ((self.a + self.b) / 2).mid()

    def cut(self, f: Function, x: arb) -> arb | None:
        """Move an end to `x` if its sign is certain; return `x` when it is the zero itself."""
        if not self.a < x < self.b:
            return None
        sign, value = _sign(f, x)
        if sign == 0:
            return x
        if sign == self.sign:
            self.a, self.fa = x, value
        elif sign is not None:
            self.b, self.fb = x, value
        return None


def _narrowed(f: Function, now: _Bracket, prec: int) -> arb:
    bits = 2
    for _ in range(20 * prec):
        size = abs(now.a).max(abs(now.b)).max(arb(2) ** -(2 * prec))
        before = now.width
        if before <= size * arb(2) ** (4 - prec):
            break
        step, x = (before * arb(2) ** -bits).mid(), now.guess()
        points = [(x - step).mid(), (x + step).mid()]
        for point in points:
            if (zero := now.cut(f, point)) is not None:
                return zero
        if now.width <= 3 * step:
            bits = min(2 * bits, prec)
            continue
        bits = max(1, bits // 2)
        for part in (arb(1) / 2, arb(3) / 8, arb(5) / 8):  # the middle may be the zero, where no sign is certain
            width = now.width
            if (zero := now.cut(f, (now.a + part * (now.b - now.a)).mid())) is not None:
                return zero
            if now.width < width:
                break
        if not now.width < before:
            break
    return now.a.union(now.b)


def _sign(f: Function, x: arb) -> tuple[int | None, arb]:
    try:
        value = f(x)
    except Undecided:
        return None, arb.nan()
    return (1 if value > 0 else -1 if value < 0 else 0 if value.is_zero() else None), value.mid()
