"""Ends of balls as binary64 numbers and decimal text, rounded outward; and balls compared with what they must beat."""

from __future__ import annotations

import math
import sys
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

from flint import arb

from dltsym.bounds.amounts import as_ball
from dltsym.notation.balls import working

__all__ = ["below", "decimal", "down", "up"]

INF = math.inf
BITS = 192


def up(x: arb) -> float:
    """Return a binary64 number that is certainly at least every number of a ball, the next one where possible.

    Parameters
    ----------
    x : arb
        Ball; one that is not finite gives infinity.

    Returns
    -------
    float

    Examples
    --------
    >>> up(arb(1) / 3) >= 1 / 3, up(arb(1))
    (True, 1.0)
    """
    if not x.is_finite():
        return INF
    with working(max(BITS, x.bits())):  # the end of a ball is rounded to the working precision
        end = x.upper()
        near = max(float(end), -sys.float_info.max)
        while near < INF and not arb(near) >= end:
            near = math.nextafter(near, INF)
    return near


def down(x: arb) -> float:
    """Return a binary64 number that is certainly at most every number of a ball.

    Parameters
    ----------
    x : arb
        Ball.

    Returns
    -------
    float
    """
    with working(max(BITS, x.bits())):  # negation rounds as well
        return -up(-x)


def decimal(x: float | Fraction, sign: int, digits: int | None = None, places: int | None = None) -> str:
    """Return decimal text that is not on the wrong side of a number: a certificate stays one where its text is read.

    The shortest text that reads back as the same binary64 number, which Python prints, is half of the time below it.

    Parameters
    ----------
    x : float or Fraction
        Number; an exact one is written with `digits`, 17 of them by default.
    sign : int
        1 for text that is at least the number, -1 for text that is at most that, 0 for the nearest.
    digits, places : int, optional
        Significant digits, or digits after the point; by default as many as it takes to read back as x.

    Returns
    -------
    str

    Examples
    --------
    >>> decimal(0.3, 1), decimal(0.3, -1), decimal(2 / 3, 1, digits=3), decimal(2 / 3, -1, places=3)
    ('0.3', '0.29999999999999998', '0.667', '0.666')
    >>> decimal(Fraction(1, 3 * 10**400), 1, digits=2)
    '3.4e-401'
    """
    way = {1: ROUND_CEILING, 0: ROUND_HALF_EVEN, -1: ROUND_FLOOR}[sign]
    if isinstance(x, Fraction):
        context = Context(prec=digits or 17, rounding=way)
        return str(context.divide(Decimal(x.numerator), Decimal(x.denominator)).normalize(context)).lower()
    short = repr(x)
    if not math.isfinite(x):
        return short
    exact, near = Decimal(x), Decimal(short)
    if digits is not None:
        return str(Context(prec=digits, rounding=way).create_decimal(exact)).lower()
    if places is not None:
        return f"{exact.quantize(Decimal(1).scaleb(-places), way, Context(prec=400)):f}"
    count = len(near.as_tuple().digits)
    while not (near >= exact if sign > 0 else near <= exact) or float(near) != x:
        near = Context(prec=count, rounding=way).create_decimal(exact)
        short, count = str(near).lower(), count + 1
    return short


def below(x: arb, limit: Fraction | arb) -> bool | None:
    """Tell whether a ball lies below a number.

    Parameters
    ----------
    x : arb
        Ball.
    limit : Fraction or arb
        Number.

    Returns
    -------
    bool or None
        True where all of it is below, False where all of it is at least the number, None where that is not certain.
    """
    y = as_ball(limit)
    return True if x < y else False if x >= y else None
