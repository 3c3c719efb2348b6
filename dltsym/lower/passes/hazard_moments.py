"""Hazards H1 and H2 of the dltsym design note: second moments and deviations from a mean.

With ``W = sum w`` and ``mu_f = sum w f / W``, ``sum w f g - (sum w f)(sum w g)/W = sum w (f - mu_f)(g - mu_g)``. The
mean is subtracted twice: the rounding error of the first mean, large when values share an offset, is removed by the
second. A second moment does not change when values are shifted, so where weights have axes that values have not (rows
of attention), the first of the two is the plain mean, which is as small as the values. Values that are themselves
computed carry rounding errors as large as that of their mean, so for them once is enough.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import permutations, product
from typing import TYPE_CHECKING

from dltsym.lower.algebra.forms import addends, base, coefficient, factors
from dltsym.lower.algebra.means import unfolded
from dltsym.lower.axes import Axis
from dltsym.lower.nodes import Node

if TYPE_CHECKING:
    from dltsym.lower.algebra.constructors import Algebra
    from dltsym.lower.passes.hazards import Walk

_MOST = 5


def expanded(nodes: tuple[Node, ...]) -> list[Node]:
    """Return factors with squares written out."""
    out = []
    for f in nodes:
        b, k = base(f)
        out += [b, b] if k == 2 else [f]
    return out


def twice(walk: Walk, f: Node, weights: list[Node], axes: tuple[Axis, ...], shift: bool = False) -> Node:
    """Return ``f`` less its weighted mean over axes, subtracted twice; `f` stays over these axes.

    Parameters
    ----------
    walk : Walk
        The pass.
    f : Node
        Values.
    weights : list of Node
        Factors of the weight.
    axes : tuple of Axis
        Axes of the mean; free in `f` and bound in the mean.
    shift : bool
        Whether what is subtracted first may be any number that is close.

    Returns
    -------
    Node
    """
    alg, table = walk.alg, walk.alg.table
    scale = alg.neg(alg.power(total_weight(walk, weights, axes), -1))
    value = walk.visit(f)
    parts = [g for w in weights for g in factors(walk.visit(w))]
    own = tuple(a for a in axes if a in f.axes)
    wide = shift and any(w.axes - f.axes - set(axes) for w in weights)
    rounds = (True, False) if f.op == "ref" or wide else (True,)
    for first in rounds:
        if first and wide:
            plain = alg.neg(alg.power(alg.mul(*(alg.size(a.size) for a in own)), -1))
            mean = table.bind("contract", [value], own)
            down = table.make("mul", (*factors(plain), mean))
        else:
            mean = table.bind("contract", [*parts, value], axes)
            down = table.make("mul", (*factors(walk.visit(scale)), mean))
        value = walk.keep(table.make("add", (value, down)), "H2")
    return value


def total_weight(walk: Walk, weights: list[Node], axes: tuple[Axis, ...]) -> Node:
    """Return the sum of a weight over axes."""
    alg = walk.alg
    return alg.contract(weights, axes) if weights else alg.mul(*(alg.size(a.size) for a in axes))


def covariance(walk: Walk, node: Node) -> Node | None:
    """Replace ``sum w f g - (sum w f)(sum w g)/W`` by the centred form (H1).

    Parameters
    ----------
    walk : Walk
        The pass.
    node : Node
        Sum.

    Returns
    -------
    Node or None
    """
    alg = walk.alg
    terms = [unfolded(alg, t) for t in node.args]
    for first, second in permutations(terms, 2):
        for outer, moment in _scaled_contracts(alg, first):
            found = _covariance(walk, node, outer, moment, second)
            if found is None:
                continue
            rest = [walk.visit(t) for s, t in zip(terms, node.args, strict=True) if s is not first and s is not second]
            parts = [f for f in factors(walk.visit(outer)) if f is not alg.one]
            new = found if not parts else alg.table.make("mul", (*parts, found))
            walk.applied["H1"] = None
            return new if not rest else alg.table.make("add", (*rest, new))
    return None


def _scaled_contracts(alg: Algebra, term: Node) -> Iterator[tuple[Node, Node]]:
    parts = factors(term)
    for f in parts:
        if f.op == "contract":
            yield alg.mul(*(g for g in parts if g is not f)), f


def _covariance(walk: Walk, node: Node, outer: Node, moment: Node, second: Node) -> Node | None:
    alg, table = walk.alg, walk.alg.table
    flat = expanded(factors(second))
    sums = [f for f in flat if f.op == "contract"]
    if len(sums) < 2:
        return None
    args, axes = table.open(moment)
    inside = expanded(args)
    if len(inside) < 2 or len(inside) > _MOST:
        return None
    for left, right in _pairs(sums):
        others = list(flat)
        for s in (left, right):
            others.remove(s)
        scale = alg.neg(alg.mul(*others))
        if coefficient(table, scale)[0] * coefficient(table, outer)[0] <= 0:
            continue
        for weights, f, g in _splits(inside):
            sums_ = (unfolded(alg, alg.contract([*weights, *h], axes)) for h in (f, g))
            if not all(s is t for s, t in zip(sums_, (left, right), strict=True)):
                continue
            weight = total_weight(walk, weights, axes)
            if alg.mul(scale, weight) is not outer:
                walk.warn("W03", node)
                continue
            one = twice(walk, alg.mul(*f), weights, axes, shift=True)
            two = one if alg.mul(*f) is alg.mul(*g) else twice(walk, alg.mul(*g), weights, axes, shift=True)
            square = [table.make("pow", (one,), (Fraction(2),))] if one is two else [one, two]
            parts = [h for w in weights for h in factors(walk.visit(w))]
            return table.bind("contract", [*parts, *square], axes)
    return None


def _pairs(sums: list[Node]) -> Iterator[tuple[Node, Node]]:
    for p, q in permutations(range(len(sums)), 2):
        yield sums[p], sums[q]


def _splits(inside: list[Node]) -> Iterator[tuple[list[Node], list[Node], list[Node]]]:
    for labels in product(range(3), repeat=len(inside)):
        parts = [[n for n, k in zip(inside, labels, strict=True) if k == which] for which in range(3)]
        if parts[1] and parts[2]:
            yield parts[0], parts[1], parts[2]


def centred(walk: Walk, node: Node) -> Node | None:
    """Replace ``x - mean x`` by the deviation from the mean subtracted twice (H2).

    Parameters
    ----------
    walk : Walk
        The pass.
    node : Node
        Sum.

    Returns
    -------
    Node or None
    """
    alg, table = walk.alg, walk.alg.table
    for t in node.args:
        k, rest = coefficient(table, unfolded(alg, t))
        for f in factors(rest):
            if f.op != "contract":
                continue
            found = _deviation(walk, node, t, k, rest, f)
            if found is not None:
                used, value, scale = found
                left = [walk.visit(a) for a in node.args if a is not t and not any(a is u for u in used)]
                new = value if scale == 1 else table.make("mul", (alg.num(scale), value))
                return new if not left else table.make("add", (*left, new))
    return None


def _deviation(
    walk: Walk, node: Node, term: Node, k: Fraction, rest: Node, mean: Node
) -> tuple[list[Node], Node, Fraction] | None:
    alg, table = walk.alg, walk.alg.table
    args, axes = table.open(mean)
    free = sorted(node.axes - mean.axes)
    if len(args) > _MOST or len(free) < len(axes):
        return None
    for chosen in permutations(free, len(axes)):
        if any(a.size != b.size for a, b in zip(chosen, axes, strict=True)):
            continue
        names = dict(zip(axes, chosen, strict=True))
        for n in range(len(args)):
            weights = [a for m, a in enumerate(args) if m != n]
            weight = total_weight(walk, weights, axes)
            c, full = coefficient(table, alg.mul(alg.power(weight, -1), mean))
            if full is not rest or c == 0:
                continue
            scale = -k / c
            wanted = [alg.mul(alg.num(scale), t) for t in addends(table.rename(args[n], names))]
            used = [a for a in node.args if a is not term and any(a is w for w in wanted)]
            if len(used) == len(wanted):
                own = [table.rename(w, names) for w in weights]
                return used, twice(walk, table.rename(args[n], names), own, chosen), scale
    return None
