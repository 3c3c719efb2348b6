"""Deltas inside sums: substitution where the sizes are equal, gathers, masks otherwise (C9 of the design note)."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from dltsym.lower.algebra.forms import addends, conjuncts, is_mask
from dltsym.lower.axes import Axis
from dltsym.lower.nodes import Node

if TYPE_CHECKING:
    from dltsym.lower.algebra.constructors import Algebra


def has_delta(alg: Algebra, condition: Node, bound: list[Axis]) -> bool:
    """Tell whether a truth says where a bound index is, so that the sum over it has one term.

    Parameters
    ----------
    alg : Algebra
        Constructors.
    condition : Node
        Truth.
    bound : list of Axis
        Axes.

    Returns
    -------
    bool
    """
    return any(_usable(alg, c, bound) is not None for c in conjuncts(condition))


def _usable(alg: Algebra, c: Node, bound: list[Axis]) -> tuple[Axis, Node] | None:
    if c.op != "cmp" or c.data[0] != "=":
        return None
    for p, q in (c.args, c.args[::-1]):
        if p.op != "iota" or p.data[0] not in bound or p.data[0] in q.axes:
            continue
        axis = p.data[0]
        if q.op == "iota" and q.data[0].size == axis.size:
            return axis, q
        if (q.op == "num" and _fits(alg, q.data[0], axis)) or _is_place(alg, q):
            return axis, q
    return None


def apply_delta(alg: Algebra, mask: Node, rest: list[Node], bound: list[Axis]) -> tuple[list[Node], list[Axis]] | None:
    """Use up one delta of a contraction.

    Parameters
    ----------
    alg : Algebra
        Constructors.
    mask : Node
        The factor that is 1 under a condition.
    rest : list of Node
        Other factors.
    bound : list of Axis
        Bound axes.

    Returns
    -------
    tuple or None
        Factors and bound axes without the delta; None where it must stay a mask.
    """
    found = _usable(alg, mask.args[0], bound)
    if found is None:
        return None
    axis, q = found
    left = [b for b in bound if b != axis]
    if q.op == "iota":
        return [alg.renorm(alg.table.rename(f, {axis: q.data[0]})) for f in rest], left
    if q.op == "num":
        return [alg.take(f, axis, int(q.data[0])) for f in rest], left
    if any(is_mask(f) and axis in f.axes and has_delta(alg, f.args[0], [axis]) for f in rest):
        return None  # two places for one index: both masks stay
    return [alg.take(f, axis, 0, q) for f in rest], left


def _fits(alg: Algebra, place: Fraction, axis: Axis) -> bool:
    least = alg.least(axis.size)
    return place.denominator == 1 and place >= 0 and least is not None and place < least


def _is_place(alg: Algebra, q: Node) -> bool:
    # An entry of an integer array, less the number of its first place: it is checked to be in range at run time.
    terms = addends(q)
    refs = [t for t in terms if t.op == "ref" and t.data[1] and t.data[0] in alg.inputs]
    others = [t for t in terms if t.op != "ref"]
    if len(refs) != 1 or len(refs) + len(others) != len(terms):
        return False
    given = alg.inputs[refs[0].data[0]]
    shift = others[0].data[0] if len(others) == 1 and others[0].op == "num" else Fraction(0)
    return given.entries == "integer" and len(others) <= 1 and shift == -given.base
