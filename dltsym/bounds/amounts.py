"""Amounts with a unit: complexities in nats or bits, messages of a code, finite grids; conversions are visible."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

from flint import arb

from dltsym.catalogue import get
from dltsym.errors import DomainError
from dltsym.lower.closed.oracle import exact
from dltsym.notation.balls import rational, working
from dltsym.notation.evaluate import Evaluator, compile_expr
from dltsym.notation.walk import expand_lets

__all__ = ["Amount", "Grid", "Message", "as_ball", "bits", "flops", "kraft_constant", "nats"]

BITS = 320  # working precision of a conversion: what is converted is a ball far narrower than any result
OVERHEADS = ("prefix-free", "2 log2 l", "normalised")


@dataclass(frozen=True)
class Amount:
    """A number with its unit: nat, bit, or flop, which is no unit of complexity."""

    value: Any
    unit: str

    def to(self, unit: str) -> Any:
        """Return the value in nats or bits, as an exact number or a narrow ball.

        Parameters
        ----------
        unit : {"nat", "bit"}
            Wanted unit.

        Returns
        -------
        Fraction or arb
        """
        if unit == self.unit or self.unit == "flop":  # a lint stops flops
            return self.value
        with working(BITS):
            log2 = arb(2).log()
            return as_ball(self.value) * log2 if unit == "nat" else as_ball(self.value) / log2

    def ball(self) -> arb:
        """Return the value as a narrow ball.

        Returns
        -------
        arb
        """
        with working(BITS):
            return as_ball(self.value)

    def __str__(self) -> str:
        return f"{_short(self.value)} {self.unit}{'' if self.value == 1 else 's'}"


@dataclass(frozen=True)
class Message:
    """A message that names a hypothesis.

    Attributes
    ----------
    payload : number
        Its bits.
    overhead : {"prefix-free", "2 log2 l", "normalised"}
        What makes lengths a prior: nothing, for a code that is prefix-free already; ``2 log2 l`` more bits, which is no
        prior; the same and ``log2(pi**2/6)`` bits, which is one.
    extra : number
        Further bits that are sent, such as the number of a configuration.
    """

    payload: Any
    overhead: str = "prefix-free"
    extra: Any = 0

    def amount(self) -> Amount:
        """Return all bits.

        Returns
        -------
        Amount

        Raises
        ------
        DomainError
            For numbers that are not finite, and unknown overheads.
        """
        payload, extra = exact(self.payload), exact(self.extra)
        if self.overhead not in OVERHEADS:
            raise DomainError(f"overhead {self.overhead!r} is not one of {', '.join(OVERHEADS)}")
        if self.overhead == "prefix-free" or payload <= 0:  # a lint stops empty messages
            return Amount(payload + extra, "bit")
        with working(BITS):
            total = as_ball(extra) + _kraft("bits").ball({"ell": payload}, BITS)
            return Amount(total + kraft_constant() if self.overhead == "normalised" else total, "bit")


@dataclass(frozen=True)
class Grid:
    """A finite set, fixed before the data, out of which the data chose; `size` counts its members."""

    size: int

    def __post_init__(self) -> None:
        if isinstance(self.size, bool) or not isinstance(self.size, int) or self.size < 1:
            raise DomainError(f"a grid has a whole number of members, at least 1, not {self.size!r}")


def bits(value: Any) -> Amount:
    """Return an amount in bits.

    Parameters
    ----------
    value : number or text
        Exact: decimal text, integers, fractions, and floats as the binary numbers that they are.

    Returns
    -------
    Amount

    Examples
    --------
    >>> str(bits("400.5"))
    '400.5 bits'
    """
    return Amount(exact(value), "bit")


def nats(value: Any) -> Amount:
    """Return an amount in nats.

    Parameters
    ----------
    value : number or text
        Exact, as in `bits`.

    Returns
    -------
    Amount
    """
    return Amount(exact(value), "nat")


def flops(value: Any) -> Amount:
    """Return a number of floating-point operations, which no bound takes for a complexity.

    Parameters
    ----------
    value : number or text
        Exact, as in `bits`.

    Returns
    -------
    Amount
    """
    return Amount(exact(value), "flop")


def as_ball(value: Any) -> arb:
    """Return a ball for an exact number.

    Parameters
    ----------
    value : Fraction, int or arb
        Number.

    Returns
    -------
    arb
        At the working precision.
    """
    return value if isinstance(value, arb) else arb(rational(value))


def kraft_constant() -> arb:
    """Return the bits that make lengths ``l + 2 log2 l`` a prior.

    Returns
    -------
    arb
    """
    return _kraft("constant").ball({}, BITS)


@cache
def _kraft(of: str) -> Evaluator:
    """Return what a record says about the bits of messages of any length."""
    record: Any = get("information.kraft_prefix")
    return compile_expr(expand_lets(record.outputs[of]))


def _short(value: Any) -> str:
    if isinstance(value, Fraction | int):
        near = float(value) if abs(value) < Fraction(10) ** 300 else None
        return str(value) if near is None else f"{near:.12g}"
    return value.str(12, radius=False)
