"""Integers of an expression as linear forms, and the places they give in arrays. Nothing is ever clipped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from dltsym.errors import ShapeError
from dltsym.lower.axes import Axis, Shift, Slot
from dltsym.lower.nodes import Node
from dltsym.lower.sizes import Poly, at_least, parse_size, poly
from dltsym.notation.tree import Expr, Sym

if TYPE_CHECKING:
    from dltsym.lower.algebra.constructors import Algebra


@dataclass(frozen=True)
class Lin:
    """An integer ``sum of coefficient * node + constant``; the nodes are index values and integer array entries."""

    atoms: tuple[tuple[Node, Fraction], ...] = ()
    const: Poly = field(default_factory=Poly)

    def __add__(self, other: Lin) -> Lin:
        total = dict(self.atoms)
        for node, c in other.atoms:
            total[node] = total.get(node, Fraction(0)) + c
        kept = sorted(((n, c) for n, c in total.items() if c), key=lambda p: p[0].key)
        return Lin(tuple(kept), self.const + other.const)

    def __sub__(self, other: Lin) -> Lin:
        return self + other.times(Fraction(-1))

    def times(self, factor: Fraction) -> Lin:
        """Return a multiple.

        Parameters
        ----------
        factor : Fraction
            Not zero.

        Returns
        -------
        Lin
        """
        return Lin(tuple((n, c * factor) for n, c in self.atoms), self.const * poly(factor))

    @property
    def axis(self) -> Axis | None:
        """The axis when the form is one index value plus a constant, else None."""
        if len(self.atoms) == 1 and self.atoms[0][1] == 1 and self.atoms[0][0].op == "iota":
            return self.atoms[0][0].data[0]
        return None

    def end(self, sign: int) -> Poly | None:
        """Return the greatest (`sign` 1) or smallest (-1) value; None when an entry of an array is part of it."""
        total = self.const
        for node, c in self.atoms:
            if node.op != "iota":
                return None
            if (c > 0) == (sign > 0):
                total = total + (parse_size(node.data[0].size) - 1) * poly(c)
        return total


@dataclass(frozen=True)
class Env:
    """What names mean at one place of a tree: integers as linear forms, states as nodes, and what is known to hold."""

    names: Mapping[Sym, Lin | Any] = field(default_factory=dict)
    guards: tuple[Node, ...] = ()

    def bind(self, names: Mapping[Sym, Any]) -> Env:
        """Return the environment with further names.

        Parameters
        ----------
        names : mapping of Sym
            Meanings; the innermost binding wins.

        Returns
        -------
        Env
        """
        return replace(self, names={**self.names, **names})

    def under(self, *conditions: Node) -> Env:
        """Return the environment where further conditions hold.

        Parameters
        ----------
        *conditions : Node
            Truths.

        Returns
        -------
        Env
        """
        return replace(self, guards=tuple(dict.fromkeys((*self.guards, *conditions))))


@dataclass(frozen=True)
class Check:
    """What a call has to hold: the size text `need` is not negative, unless one of the `unless` sizes is 0."""

    need: str
    says: str
    unless: tuple[str, ...] = ()


@dataclass(frozen=True)
class Range:
    """What a call has to hold: every entry of the integer input `name` lies in ``lo..hi``, size texts."""

    name: str
    lo: str
    hi: str


def iota(algebra: Algebra, axis: Axis, start: Poly | int = 0) -> Lin:
    """Return the index value of an axis counted from `start`.

    Parameters
    ----------
    algebra : Algebra
        Constructors.
    axis : Axis
        Axis.
    start : Poly or int
        Value at place 0.

    Returns
    -------
    Lin
    """
    return Lin(((algebra.iota(axis), Fraction(1)),), poly(start))


def fresh(algebra: Algebra, size: Poly, start: Poly | int = 0) -> tuple[Axis, Lin]:
    """Return a new axis and its index value.

    Parameters
    ----------
    algebra : Algebra
        Constructors.
    size : Poly
        Size of the axis.
    start : Poly or int
        First value.

    Returns
    -------
    tuple
    """
    axis = algebra.table.fresh(size.text)
    return axis, iota(algebra, axis, start)


def place_of(
    entry: Expr, at: Lin, dim: tuple[Poly, Poly], floors: Mapping[str, int], *, guarded: bool
) -> tuple[Any, list[Check | Range]]:
    """Return the place of an array entry and what a call has to check for it.

    Parameters
    ----------
    entry : Expr
        The entry, for messages.
    at : Lin
        Index as the author numbers it.
    dim : tuple of Poly
        First and last index of the dimension.
    floors : mapping of str to int
        Smallest value of each size.
    guarded : bool
        Whether conditions hold here that may keep the index in range.

    Returns
    -------
    tuple
        ``Axis``, ``Shift``, int or the linear form of a computed place (then it has to be guarded), and the checks.

    Raises
    ------
    ShapeError
        When the place is out of range whatever the sizes.
    """
    low, high = dim
    p = at - Lin((), low)
    size = high - low + 1
    known = p.const.constant
    axis = p.axis
    if axis is not None and known == 0 and axis.size == size.text:
        return axis, []
    top, bottom = p.end(1), p.end(-1)
    if top is None or bottom is None:
        return p, [] if guarded else _entries(p, size)
    sizes = tuple(n.data[0].size for n, _ in p.atoms)
    room = (bottom, size - 1 - top)
    if all(at_least(r, 0, floors) for r in room):
        if known is not None and known.denominator == 1:
            if axis is not None:
                return Shift(axis, int(known)), []
            if not p.atoms:
                return int(known), []
        return p, []
    if guarded:
        return p, []
    says = f"{entry} leaves the range of {getattr(entry, 'array', entry)}"
    filled = all(at_least(parse_size(s), 1, floors) for s in sizes)
    if filled and any(at_least(-r, 1, floors) for r in room):
        raise ShapeError(f"{says}: its place runs from {bottom.text} to {top.text}, the size is {size.text}")
    checks: list[Check | Range] = [Check(r.text, says, sizes) for r in room if not at_least(r, 0, floors)]
    if known is not None and known.denominator == 1 and known >= 0:
        if axis is not None:
            return Shift(axis, int(known)), checks
        if not p.atoms:
            return int(known), checks
    return p, checks


def _entries(p: Lin, size: Poly) -> list[Check | Range]:
    if len(p.atoms) == 1 and p.atoms[0][1] == 1 and p.atoms[0][0].op == "ref":
        return [Range(p.atoms[0][0].data[0], (-p.const).text, (size - 1 - p.const).text)]
    return []


def slotted(places: list[Any], node_of: Any) -> tuple[tuple[Any, ...], tuple[Node, ...]]:
    """Turn linear forms among places into slots.

    Parameters
    ----------
    places : list
        Places.
    node_of : callable
        From a linear form to its node.

    Returns
    -------
    tuple
        Places and the nodes that the slots number.
    """
    out, nodes = [], []
    for p in places:
        if isinstance(p, Lin):
            out.append(Slot(len(nodes)))
            nodes.append(node_of(p))
        else:
            out.append(p)
    return tuple(out), tuple(nodes)
