"""`Ball`: a number that record code computes with; a comparison that is not certain raises instead of guessing."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NoReturn

from flint import acb, arb

from dltsym.errors import DomainError, Undecided
from dltsym.notation.balls import COMPLEX, power, rational, real_power


class Ball:
    """An enclosure with operators; ``value`` is the ball of flint, complex inside an integral.

    A ball of flint answers ``a < b`` with False when it does not know, so that code with an ``if`` would guess. This
    one raises `Undecided`.
    """

    __slots__ = ("value",)
    __hash__ = None  # type: ignore[assignment] - equality of enclosures is not decidable

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return str(self.value)

    def __add__(self, other: Any) -> Ball:
        return _both(self, other, lambda a, b: a + b)

    def __sub__(self, other: Any) -> Ball:
        return _both(self, other, lambda a, b: a - b)

    def __mul__(self, other: Any) -> Ball:
        return _both(self, other, lambda a, b: a * b)

    def __truediv__(self, other: Any) -> Ball:
        return _both(self, other, lambda a, b: a / b)

    def __pow__(self, other: Any) -> Ball:
        return _both(self, other, _power)

    def __radd__(self, other: Any) -> Ball:
        return _both(self, other, lambda a, b: b + a)

    def __rsub__(self, other: Any) -> Ball:
        return _both(self, other, lambda a, b: b - a)

    def __rmul__(self, other: Any) -> Ball:
        return _both(self, other, lambda a, b: b * a)

    def __rtruediv__(self, other: Any) -> Ball:
        return _both(self, other, lambda a, b: b / a)

    def __rpow__(self, other: Any) -> Ball:
        return _both(self, other, lambda a, b: _power(b, a))

    def __neg__(self) -> Ball:
        return Ball(-self.value)

    def __pos__(self) -> Ball:
        return self

    def __abs__(self) -> Ball:
        if isinstance(self.value, acb):
            raise DomainError("abs is not analytic; split the integral where its argument is 0")
        return Ball(abs(self.value))

    def __lt__(self, other: Any) -> bool:
        return _compared(self, other, "<")

    def __le__(self, other: Any) -> bool:
        return _compared(self, other, "<=")

    def __gt__(self, other: Any) -> bool:
        return _compared(self, other, ">")

    def __ge__(self, other: Any) -> bool:
        return _compared(self, other, ">=")

    def __eq__(self, other: object) -> bool:
        return _compared(self, other, "=")

    def __ne__(self, other: object) -> bool:
        return not _compared(self, other, "=")

    def __bool__(self) -> bool:
        return not _compared(self, 0, "=")

    def __float__(self) -> NoReturn:
        raise DomainError("an enclosure is not a float; compute with it, or use m.upper for a bound")

    def __int__(self) -> NoReturn:
        raise DomainError("an enclosure is not an integer; counts are given as integers")


def lift(x: Any) -> Any:
    """Return the ball of flint for a number.

    Parameters
    ----------
    x : Ball, arb, int, float, Fraction or str
        Number; floats and decimal text are taken exactly.

    Returns
    -------
    arb or acb

    Raises
    ------
    DomainError
        When `x` is not a finite number.
    """
    if isinstance(x, Ball):
        return x.value
    if isinstance(x, arb | acb):
        return x
    try:
        value = Fraction(x)
    except (ValueError, OverflowError, ZeroDivisionError, TypeError):
        raise DomainError(f"{x!r} is not a finite number; give an integer, a fraction or decimal text") from None
    return arb(rational(value))


def bare(x: Any) -> Any:
    """Return the balls of flint inside nested lists and dicts.

    Parameters
    ----------
    x : Ball, sequence or dict
        What record code computed.

    Returns
    -------
    arb, list or dict

    Anything else is returned as it is.
    """
    if isinstance(x, list | tuple):
        return [bare(y) for y in x]
    if isinstance(x, dict):
        return {name: bare(y) for name, y in x.items()}
    return x.value if isinstance(x, Ball) else x


def _both(a: Ball, b: Any, op: Any) -> Any:
    if not isinstance(b, Ball | int | float | Fraction) or isinstance(b, bool):
        return NotImplemented
    return Ball(op(a.value, lift(b)))


def _power(base: Any, exponent: Any) -> Any:
    whole = exponent.real if isinstance(exponent, acb) and exponent.imag.is_zero() else exponent
    if isinstance(whole, arb) and whole.is_integer() and abs(whole) < 2**30:
        return power(base, int(whole.unique_fmpz()))
    if isinstance(base, acb) or isinstance(exponent, acb):
        return (exponent * COMPLEX["log"](acb(base))).exp()
    return real_power(base, exponent)


def _compared(a: Ball, other: Any, op: str) -> bool:
    x, y = a.value, lift(other)
    if isinstance(x, acb) or isinstance(y, acb):
        raise Undecided(f"the integrand compares {x} with {y}; split the integral there")
    yes, no = {
        "<": (x < y, x >= y), "<=": (x <= y, x > y), ">": (x > y, x <= y), ">=": (x >= y, x < y),
        "=": (x == y, x != y),
    }[op]  # fmt: skip
    if not (yes or no):
        raise Undecided(f"whether {x} {op} {y} is not certain at this precision")
    return bool(yes)
