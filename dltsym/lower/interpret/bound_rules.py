"""Rules of the worst-case bound for sums and contractions; proofs in docs/explain/rounding.md."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dltsym.lower.axes import Axis
from dltsym.lower.interpret.bound_parts import (
    TINY,
    ZERO,
    arithmetic,
    converted,
    error,
    growth,
    made,
    settled,
)  # fmt: skip
from dltsym.lower.interpret.model import F64, U64, Model
from dltsym.lower.interpret.values import Array, Item, contracted, together, union
from dltsym.lower.interpret.walk import Walk
from dltsym.lower.nodes import Node


def added(walk: Walk, _node: Node, args: list[Item]) -> Item:
    """Bound a sum of operands, whatever its order.

    Parameters
    ----------
    walk : Walk
        Evaluation.
    args : list of Item
        Operands.

    Returns
    -------
    Item
    """
    items, model, host = arithmetic(args, walk.model)
    items, axes = together(items)
    v, e, size = ZERO, ZERO, ZERO
    for item in items:
        v, e, size = v + item.v, e + error(item), size + np.abs(item.v) + error(item)
    facts = {"host": host, "whole": all(i.whole for i in items), "nonneg": all(i.nonneg for i in items)}
    if facts["whole"] and (size * U64 <= 1).all():
        return made(v, e, axes, **facts)
    out = settled(v, e, model)
    if len(items) > 2:
        out = e + (growth(len(items) - 1, model.u) + growth(len(items), U64)) * size + len(items) * (model.eta + TINY)
        out = np.where(size * (1 + growth(len(items), model.u)) > model.top, np.inf, out)
    still = (e == 0) & (v == 0) if len(items) == 2 else size == 0
    return made(v, np.where(still | _infinite(v, items, model), 0.0, out), axes, **facts)


def _infinite(v: Array, items: Sequence[Item], model: Model) -> Array:
    # A sum is exactly infinite when an exact infinity meets numbers that stay finite.
    if not np.isinf(v).any():
        return np.zeros((), bool)
    rest, fine = ZERO, np.ones((), bool)
    for item in items:
        inf = np.isinf(item.v)
        fine = fine & (~inf | (error(item) == 0))
        rest = rest + np.where(inf, 0.0, np.abs(item.v) + error(item))
    return np.isinf(v) & fine & (rest < min(model.top, F64.top) / 2)


def contraction(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Bound a sum of products, whatever its order: the telescoping identity and `growth`.

    Parameters
    ----------
    walk : Walk
        Evaluation.
    node : Node
        Contraction.
    args : list of Item
        Factors.

    Returns
    -------
    Item
    """
    items = list(args) if all(a.whole for a in args) else [converted(a, walk.model) for a in args]
    if len(items) > 1 and walk.model.weights:
        items = [_cast(i, walk.model) if a.op == "softmax" else i for i, a in zip(items, node.args, strict=True)]
    return summed(walk, items, node.data[-1])


def summed(walk: Walk, items: list[Item], bound: Sequence[Axis]) -> Item:
    """Bound the sum over axes of a product of items.

    Parameters
    ----------
    walk : Walk
        Evaluation.
    items : list of Item
        Factors.
    bound : sequence of Axis
        Axes.

    Returns
    -------
    Item
    """
    model = walk.model
    order = [a for a in union(items) if a not in bound]

    def total(arrays: list[Array]) -> Array:
        return contracted([(x, i.axes) for x, i in zip(arrays, items, strict=True)], bound, order, walk.size)

    v = total([i.v for i in items])
    low = [np.abs(i.v) for i in items]
    high = [x + error(i) if i.parts else x for x, i in zip(low, items, strict=True)]
    e = ZERO
    for r, item in enumerate(items):
        if item.parts:
            e = e + total([*high[:r], error(item), *low[r + 1 :]])
    size = total(high)
    terms, factors = float(np.prod([walk.size(b) for b in bound], dtype=float)), len(items)
    tall = float(np.prod([max(float(np.max(h, initial=1.0)), 1.0) for h in high]))
    facts = {"nonneg": all(i.nonneg for i in items), "whole": all(i.whole for i in items)}
    if facts["whole"] and (size * U64 <= 1).all():
        return made(v, e, order, **facts)
    out = e + contraction_rounding(model, terms, factors) * size
    out = out + terms * factors * (model.eta_a + (model.eta if factors > 1 else 0.0) + TINY) * (
        tall if factors > 2 else 1.0
    )
    out = settled(v, out, model)
    over = (size * (1 + growth(terms + factors, model.u_a)) > model.top_a) | (factors > 1 and tall > model.top)
    out = np.where(over, np.inf, out)
    if (size == 0).any():
        out = np.where(total([(h > 0).astype(float) for h in high]) == 0, 0.0, out)
    return made(v, out, order, **facts)


def _cast(item: Item, model: Model) -> Item:
    size = np.abs(item.v) + error(item)
    return made(item.v, error(item) + model.weights * size + max(model.eta, 2.0**-24), item.axes, nonneg=item.nonneg)


def contraction_rounding(model: Model, terms: float, factors: int) -> float:
    """Return the relative error of a sum of products in any order, here and in the kernel.

    Parameters
    ----------
    model : Model
        Arithmetic.
    terms : float
        Number of products.
    factors : int
        Factors of each.

    Returns
    -------
    float
    """
    cast = (1 + model.gemm) ** factors if factors > 1 else 1.0
    kernel = (1 + growth(factors - 1, model.u)) * (1 + growth(model.depth(terms), model.u_a)) * cast - 1
    return kernel + growth(terms + factors, U64)
