"""Arithmetic of the extended real line on balls: what a formula means where it meets log 0, a mask or an empty sum.

A value is a `flint.fmpq` (exact), or a `flint.arb`: a finite ball, an exact infinity, or nan where the formula has no
value. `DEAD` is the zero of something that was left out: a false mask, ``exp(-inf)``, an empty sum. Rules:
``log 0 = -inf``, ``exp(-inf) = 0``, ``DEAD * inf = DEAD``, ``DEAD / DEAD = DEAD``, so that a weighted mean over
nothing is 0. Nothing is guessed: where a ball is too wide to know which rule applies, `Undecided` is raised.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from flint import arb, fmpq

from dltsym.errors import Undecided
from dltsym.notation.balls import NAN, NotRational, exact_power, power

DEAD = arb(0)
INF, NEG_INF = arb.pos_inf(), arb.neg_inf()
ZERO = fmpq(0)
Value = Any


def ball(x: Value) -> arb:
    """Return a value as a ball."""
    return x if isinstance(x, arb) else arb(x)


def from_data(x: Any) -> Value:
    """Turn an entry of an input array into an exact value.

    Parameters
    ----------
    x : bool, int, float, Fraction, fmpq or arb
        Entry; a float is taken exactly.

    Returns
    -------
    fmpq or arb
    """
    if isinstance(x, arb | fmpq):
        return x
    if isinstance(x, float):
        return INF if x == float("inf") else NEG_INF if x == float("-inf") else arb(x)
    q = Fraction(x)
    return fmpq(q.numerator, q.denominator)


def tame(x: Value) -> Value:
    """Return a rational with a gigantic numerator or denominator as a ball, anything else unchanged."""
    if isinstance(x, fmpq) and x.p.bit_length() + x.q.bit_length() > 4096:
        return arb(x)
    return x


def undefined(x: Value) -> bool:
    """Say whether a value does not exist."""
    return isinstance(x, arb) and x.is_nan()


def infinite(x: Value) -> bool:
    """Say whether a value is exactly plus or minus infinity."""
    return isinstance(x, arb) and not x.is_finite() and x.is_exact() and not x.is_nan()


def sign(x: Value) -> int | None:
    """Return the sign of a value, None when a ball does not tell."""
    if x > 0:
        return 1
    if x < 0:
        return -1
    return 0 if (isinstance(x, fmpq) or x.is_zero()) else None


def _lost(x: Value, y: Value) -> bool:
    """Say whether an operand is a ball of infinite radius."""
    return any(isinstance(v, arb) and not (v.is_finite() or v.is_nan() or v.is_exact()) for v in (x, y))


def plus(x: Value, y: Value) -> Value:
    """Add.

    Parameters
    ----------
    x, y : fmpq or arb
        Terms.

    Returns
    -------
    fmpq or arb

    Raises
    ------
    Undecided
        For a ball of infinite radius.
    """
    if x is DEAD or y is DEAD:
        return y if x is DEAD else x
    out = x + y
    if isinstance(out, fmpq) or out.is_finite():
        return out
    if undefined(x) or undefined(y):
        return NAN
    if _lost(x, y) or not (infinite(x) or infinite(y)):
        raise Undecided("a sum is too wide")
    if infinite(x) and infinite(y):
        return x if sign(x) == sign(y) else NAN
    return x if infinite(x) else y


def times(x: Value, y: Value) -> Value:
    """Multiply; `DEAD` times infinity is `DEAD`, any other exact 0 times infinity has no value.

    Parameters
    ----------
    x, y : fmpq or arb
        Factors.

    Returns
    -------
    fmpq or arb

    Raises
    ------
    Undecided
        When the sign of a factor of infinity is not known, or for a ball of infinite radius.
    """
    if x is DEAD or y is DEAD:
        return NAN if undefined(x) or undefined(y) else DEAD
    out = x * y
    if isinstance(out, fmpq) or out.is_finite():
        return out
    if undefined(x) or undefined(y):
        return NAN
    if _lost(x, y) or not (infinite(x) or infinite(y)):
        raise Undecided("a product is too wide")
    a, b = sign(x), sign(y)
    if a is None or b is None:
        raise Undecided("the sign of a factor of infinity is not known")
    return NAN if a * b == 0 else INF if a * b > 0 else NEG_INF


def over(x: Value, y: Value) -> Value:
    """Divide; `DEAD` over `DEAD` is `DEAD`, anything else over an exact 0 has no value.

    Parameters
    ----------
    x, y : fmpq or arb
        Numerator and denominator.

    Returns
    -------
    fmpq or arb

    Raises
    ------
    Undecided
        When it is not known whether the denominator is 0.
    """
    if undefined(x) or undefined(y):
        return NAN
    down = sign(y)
    if down is None or _lost(x, y):
        raise Undecided("it is not known whether a denominator is 0")
    if infinite(y):
        return NAN if infinite(x) else DEAD if x is DEAD else arb(0)
    if x is DEAD:
        return DEAD if down or y is DEAD else NAN
    if down == 0:
        return NAN
    return times(x, INF if down > 0 else NEG_INF) if infinite(x) else x / y


def exp(x: Value) -> arb:
    """Return the exponential; `DEAD` at minus infinity.

    Parameters
    ----------
    x : fmpq or arb
        Exponent.

    Returns
    -------
    arb

    Raises
    ------
    Undecided
        When the value is too large to write down.
    """
    x = ball(x)
    out = x.exp()
    if not out.is_finite():
        if undefined(x) or infinite(x):
            return NAN if undefined(x) else INF
        raise Undecided("an exponential is too large to write down")
    return DEAD if infinite(x) else out


def log(x: Value) -> arb:
    """Return the logarithm; minus infinity at an exact 0, no value below.

    Parameters
    ----------
    x : fmpq or arb
        Argument.

    Returns
    -------
    arb

    Raises
    ------
    Undecided
        When the sign of the argument is not known.
    """
    if undefined(x):
        return NAN
    s = sign(x)
    if s is None:
        raise Undecided("the sign of the argument of a logarithm is not known")
    if s <= 0:
        return NEG_INF if s == 0 else NAN
    return INF if infinite(x) else ball(x).log()


def sqrt(x: Value) -> arb:
    """Return the square root, no value below 0.

    Parameters
    ----------
    x : fmpq or arb
        Argument.

    Returns
    -------
    arb

    Raises
    ------
    Undecided
        When the sign of the argument is not known.
    """
    if undefined(x) or x is DEAD:
        return x
    s = sign(x)
    if s is None:
        raise Undecided("the sign of the argument of a square root is not known")
    if s <= 0:
        return NAN if s else arb(0)
    return INF if infinite(x) else ball(x).sqrt()


def raised(x: Value, y: Value) -> Value:
    """Return a power: any base to a whole exponent, a base that is not negative to any other.

    Parameters
    ----------
    x, y : fmpq or arb
        Base and exponent; only a rational exponent counts as whole.

    Returns
    -------
    fmpq or arb

    Raises
    ------
    Undecided
        When the sign of the base is not known and matters.
    """
    if undefined(x) or undefined(y):
        return NAN
    if isinstance(y, fmpq) and y.q == 1:
        return _whole(x, int(y.p))
    if isinstance(y, fmpq) and y == fmpq(1, 2):
        return sqrt(x)
    s = sign(x)
    if s is None:
        raise Undecided("the sign of the base of a power is not known")
    if s < 0:
        return NAN
    return exp(times(y, log(x)))


def _whole(x: Value, n: int) -> Value:
    if n == 0:
        return fmpq(1)
    s = sign(x)
    if n < 0 and s in (0, None):
        if s is None:
            raise Undecided("it is not known whether a denominator is 0")
        return NAN
    if x is DEAD:
        return DEAD
    if infinite(x):
        return DEAD if n < 0 else INF if s == 1 or n % 2 == 0 else NEG_INF
    if isinstance(x, fmpq):
        try:
            return exact_power(x, n)
        except NotRational:
            x = arb(x)
    out = power(x, n)
    if not out.is_finite():
        raise Undecided("a power is too wide")
    return out


def larger(x: Value, y: Value) -> Value:
    """Return the maximum; it needs no decision, the balls are joined where they overlap."""
    if undefined(x) or undefined(y):
        return NAN
    if x >= y:
        return x
    if x <= y:
        return y
    return arb.max(ball(x), ball(y))


def smaller(x: Value, y: Value) -> Value:
    """Return the minimum; see `larger`."""
    if undefined(x) or undefined(y):
        return NAN
    if x <= y:
        return x
    if x >= y:
        return y
    return arb.min(ball(x), ball(y))


def compare(op: str, x: Value, y: Value) -> bool:
    """Decide a relation between two values that exist.

    Parameters
    ----------
    op : {"=", "!=", "<", "<=", ">", ">="}
        Relation.
    x, y : fmpq or arb
        Sides.

    Returns
    -------
    bool

    Raises
    ------
    Undecided
        When the balls overlap.
    """
    if op in (">", ">="):
        op, x, y = {">": "<", ">=": "<="}[op], y, x
    if x < y:
        return op != "="
    if x > y:
        return op == "!="
    if x >= y and x <= y:  # the same exact number
        return op in ("=", "<=")
    if op == "<=" and x <= y:
        return True
    if op == "<" and x >= y:
        return False
    raise Undecided("two balls overlap")
