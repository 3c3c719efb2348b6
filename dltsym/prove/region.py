"""Regions: lower and upper ends of the variables of a polynomial ring, and exact points inside them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property

from flint import fmpq, fmpq_mpoly, fmpq_mpoly_ctx

from dltsym.notation.tree import Expr, Rel

_FRACTIONS = tuple(fmpq(*p) for p in ((1, 2), (1, 5), (5, 6), (1, 40), (39, 40), (1, 3), (2, 3), (1, 11), (8, 9)))


@dataclass(frozen=True)
class ByFact:
    """An end read off a relation: ``rhs - lhs`` is ``content * prod parts`` times what the end says."""

    rel: Rel
    content: fmpq
    parts: tuple[tuple[Sign, int], ...]


@dataclass(frozen=True)
class ByOrder:
    """An end by an increasing function: the sign of the difference of arguments, negated if `flipped`."""

    sign: Sign
    flipped: bool = False


@dataclass(frozen=True)
class ByIdentity:
    """An end that is the value itself."""


@dataclass(frozen=True)
class ByChain:
    """An end of a variable through another one."""

    through: int
    first: End
    then: End


Why = ByFact | ByOrder | ByIdentity | ByChain | None  # None: by the kind of the variable


@dataclass(frozen=True)
class End:
    """One end of a variable: the value ``num/den`` with ``den > 0``, excluded if `strict`."""

    num: fmpq_mpoly
    den: fmpq_mpoly
    strict: bool
    why: Why = None
    below: Sign | None = None  # of the denominator, when that is not 1

    @cached_property
    def mentions(self) -> frozenset[int]:
        """The variables that occur in the end."""
        return frozenset(v for p in (self.num, self.den) for v, d in enumerate(p.degrees()) if d > 0)


@dataclass(frozen=True)
class Sign:
    """A proved sign: ``>= 0`` or ``<= 0``, strict or not, with the certificate as text."""

    positive: bool
    strict: bool
    why: str
    proof: Proof = None

    def flipped(self, flip: bool) -> Sign:
        """Return the sign of the negative if `flip` is true.

        Parameters
        ----------
        flip : bool
            Whether to turn the sign round.

        Returns
        -------
        Sign
        """
        return Sign(self.positive != flip, self.strict, self.why, self.proof)


@dataclass(frozen=True)
class Plan:
    """Replace variables one after the other, each between, above or below ends."""

    choices: tuple[tuple[int, End | None, End | None], ...]


@dataclass(frozen=True)
class Quadratic:
    """A polynomial of degree 2 in a variable: signs of ``a``, of ``c`` if needed, and of ``4*a*c - b**2``."""

    var: int
    lead: Sign
    last: Sign | None
    rest: Sign


@dataclass(frozen=True)
class Product:
    """``content * prod poly**power``, each factor with the proof of its sign (None: an even power)."""

    region: Region | None
    content: fmpq
    parts: tuple[tuple[fmpq_mpoly, int, Plan | Quadratic | None], ...] = ()


Proof = Product | Plan | Quadratic | tuple[tuple[Product, int], ...] | None


@dataclass
class Region:
    """Ends per variable of one polynomial ring; signs already found are remembered."""

    ctx: fmpq_mpoly_ctx
    lower: dict[int, list[End]] = field(default_factory=dict)
    upper: dict[int, list[End]] = field(default_factory=dict)
    memo: dict[tuple[str, bool], Sign | None] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    terms: tuple[Expr, ...] = ()

    @cached_property
    def points(self) -> tuple[tuple[fmpq, ...], ...]:
        """Some exact points of the region; two of them with opposite values rule a sign out at once."""
        count = self.ctx.nvars()
        seeds = [[_FRACTIONS[(k * (v + 1) + v) % len(_FRACTIONS)] for v in range(count)] for k in range(8)]
        orders = (range(count), range(count - 1, -1, -1))
        tries = [_point(self, s, orders[k % 2]) for k, s in enumerate(seeds)]
        return tuple(p for p in tries if p is not None)


def label(poly: fmpq_mpoly, region: Region) -> str:
    """Print a polynomial with the labels of the region.

    Parameters
    ----------
    poly : fmpq_mpoly
        Polynomial.
    region : Region
        Where the labels are.

    Returns
    -------
    str
    """
    if not region.labels:
        return str(poly)
    at = dict(zip(region.ctx.names(), region.labels, strict=True))
    return re.sub(r"g\d+", lambda m: at[m[0]] if at[m[0]].isidentifier() else f"({at[m[0]]})", str(poly))


def value_at(poly: fmpq_mpoly, point: tuple[fmpq, ...]) -> fmpq:
    """Evaluate a polynomial at an exact point.

    Parameters
    ----------
    poly : fmpq_mpoly
        Polynomial.
    point : tuple of fmpq
        One value per variable.

    Returns
    -------
    fmpq
    """
    return poly(*point)


def _point(region: Region, fractions: list[fmpq], order: range) -> tuple[fmpq, ...] | None:
    """Pick a value for one variable after the other inside its ends; None if an end is then violated."""
    values: dict[int, fmpq] = {}

    def known(ends: list[End]) -> list[fmpq]:
        out = []
        for e in ends:
            if all(v in values for v in e.mentions):
                full = tuple(values.get(v, fmpq(0)) for v in range(region.ctx.nvars()))
                out += [value_at(e.num, full) / d] if (d := value_at(e.den, full)) > 0 else []
        return out

    for v in order:
        low = max(known(region.lower.get(v, [])), default=None)
        high = min(known(region.upper.get(v, [])), default=None)
        f = fractions[v]
        if low is not None and high is not None:
            values[v] = low + (high - low) * f
        elif low is not None:
            values[v] = low + f / (1 - f)
        elif high is not None:
            values[v] = high - f / (1 - f)
        else:
            values[v] = (2 * f - 1) * 4
    point = tuple(values[v] for v in range(region.ctx.nvars()))
    return point if _inside(region, point) else None


def _inside(region: Region, point: tuple[fmpq, ...]) -> bool:
    for ends, side in ((region.lower, 1), (region.upper, -1)):
        for v, items in ends.items():
            for e in items:
                gap = (point[v] * value_at(e.den, point) - value_at(e.num, point)) * side
                if gap < 0 or (gap == 0 and e.strict) or value_at(e.den, point) <= 0:
                    return False
    return True
