"""Folds and scans: extremes, products, running sums (dltsym design note, sections 3.4 and 4.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dltsym.functions.monoids import FOLDED
from dltsym.lower.algebra.forms import addends, factors, has_exp, is_one, is_zero
from dltsym.lower.algebra.rows import folded
from dltsym.lower.algebra.running import carried
from dltsym.lower.algebra.sums import contract, lse, split_exponent, split_factors
from dltsym.lower.axes import Axis
from dltsym.lower.nodes import Node

if TYPE_CHECKING:
    from dltsym.lower.algebra.constructors import Algebra


def reduce(alg: Algebra, monoid: str, x: Node, bound: Sequence[Axis]) -> Node:
    """Return a fold over axes, in normal form.

    Parameters
    ----------
    alg : Algebra
        Constructors.
    monoid : str
        ``sum``, ``prod``, ``max``, ``min``, ``lse``, ``argmax``, ``argmin``, or another row over one axis.
    x : Node
        What is folded.
    bound : sequence of Axis
        Axes.

    Returns
    -------
    Node
    """
    if monoid == "sum":
        return contract(alg, (x,), bound)
    if monoid in FOLDED:
        return folded(alg, monoid, x, *bound)
    if not bound:
        return x
    if alg.raw or monoid in ("argmax", "argmin"):
        return alg.table.bind("reduce", (x,), bound, (monoid,))
    if monoid == "lse":
        return lse(alg, x, list(dict.fromkeys(bound)))
    if monoid == "prod":
        return _product_over(alg, x, list(bound))
    return _extreme_over(alg, monoid, x, list(bound))


def _extreme_over(alg: Algebra, monoid: str, x: Node, bound: list[Axis]) -> Node:
    used = [b for b in bound if b in x.axes]
    empty = alg.minus_inf if monoid == "max" else alg.inf
    for b in bound:
        if b not in x.axes:  # nothing is folded where the axis is empty
            x = alg.where(alg.cmp("<", alg.zero, alg.size(b.size)), x, empty)
    if not used:
        return x
    if x.op == "reduce" and x.data[0] == monoid:
        args, axes = alg.table.open(x)
        return alg.table.bind("reduce", args, (*used, *axes), (monoid,))
    return alg.table.bind("reduce", (x,), used, (monoid,))


def _product_over(alg: Algebra, x: Node, bound: list[Axis]) -> Node:
    used = [b for b in bound if b in x.axes]
    unused = [b for b in bound if b not in x.axes]
    if unused and (is_one(x) or is_zero(x)):
        return x if is_one(x) else alg.mask(alg.either(*(alg.cmp("=", alg.size(b.size), alg.zero) for b in unused)))
    hot = [f for f in factors(x) if f.op == "exp"]
    if hot and not unused:
        rest = [f for f in factors(x) if f.op != "exp"]
        raised = alg.exp(contract(alg, (hot[0].args[0],), bound))
        return alg.mul(raised, *([_product_over(alg, alg.mul(*rest), bound)] if rest else []))
    if len(used) and x.op == "reduce" and x.data[0] == "prod" and not unused:
        args, axes = alg.table.open(x)
        return alg.table.bind("reduce", args, (*used, *axes), ("prod",))
    return alg.table.bind("reduce", (x,), bound, ("prod",))


def scan(alg: Algebra, monoid: str, axis: Axis, direction: int, inclusive: bool, args: Sequence[Node]) -> Node:
    """Return prefix folds, in normal form.

    Parameters
    ----------
    alg : Algebra
        Constructors.
    monoid : str
        ``sum prod max min lse`` with one argument, ``affine`` and ``log-affine`` with three.
    axis : Axis
        Axis along which the fold runs; it stays free.
    direction : int
        1 from the first entry on, -1 from the last.
    inclusive : bool
        Whether the own entry is included.
    args : sequence of Node
        Arguments.

    Returns
    -------
    Node
    """
    data = (monoid, axis, direction, inclusive)
    if alg.raw:
        return alg.table.make("scan", args, data)
    if monoid == "affine" and has_exp(args[1]) and all(alg.facts(a).nonneg for a in args):
        return alg.exp(scan(alg, "log-affine", *data[1:], [alg.log(a) for a in args]))
    if monoid in ("sum", "prod", "lse"):
        moved = _scan_moved(alg, data, args[0])
        if moved is not None:
            return moved
    return alg.table.make("scan", args, data)


def _scan_moved(alg: Algebra, data: tuple[str, Axis, int, bool], x: Node) -> Node | None:
    monoid, axis = data[:2]
    if monoid == "sum":
        if is_zero(x):
            return x
        inside, out = split_factors(alg, x, [axis])
        if out and inside:
            return alg.mul(*out, scan(alg, *data, (alg.mul(*inside),)))
        hot = [f for f in inside if f.op == "exp"]
        if len(hot) == 1 and all(alg.facts(f).nonneg for f in inside):
            return alg.exp(scan(alg, "lse", *data[1:], (alg.log(x),)))
    if monoid == "lse":
        kept, free = split_exponent(alg, x, [axis])
        if not is_zero(free) and axis in kept.axes:
            return alg.add(free, scan(alg, *data, (kept,)))
        if not has_exp(alg.exp(x)):
            return alg.log(scan(alg, "sum", *data[1:], (alg.exp(x),)))
    if monoid == "prod" and x.op == "exp":
        return alg.exp(scan(alg, "sum", *data[1:], (x.args[0],)))
    return None


def relative_scan(alg: Algebra, inside: Node, node: Node) -> tuple[Node, Node] | None:
    """Divide a running sum that holds exponentials by its own running log-sum-exp where that cancels an exponent.

    Parameters
    ----------
    alg : Algebra
        Constructors.
    inside : Node
        Exponent of the exponential that the running sum is multiplied by.
    node : Node
        Scan, ``sum`` or ``affine`` from 0.

    Returns
    -------
    tuple or None
        The new exponent and the scan it then multiplies; None where nothing cancels.
    """
    found = carried(alg, node)
    if found is None:
        return None
    joined = alg.add(inside, found.top)
    if len(addends(joined)) >= len(addends(inside)) + len(addends(found.top)):
        return None
    return joined, found.average(alg, node)
