"""Rules of the worst-case bound for the opt-in cells, which round differently from what they stand for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dltsym.lower.axes import Axis
from dltsym.lower.interpret.bound_axes import weights
from dltsym.lower.interpret.bound_parts import TINY, converted, error, growth, made, model_calls, normal, settled
from dltsym.lower.interpret.bound_products import product
from dltsym.lower.interpret.bound_rules import summed
from dltsym.lower.interpret.bound_truths import chosen
from dltsym.lower.interpret.functions import EVALUATOR, worst
from dltsym.lower.interpret.model import U64, Model
from dltsym.lower.interpret.values import Array, Item, aligned, contracted, union
from dltsym.lower.interpret.walk import Walk
from dltsym.lower.nodes import Node

FUSED_EXP = 48.0
"""Error of the exponential inside fused attention, in units of rounding: it may be the 20 ulp variant."""
BLOCK = 16
"""Streaming kernels take at least so many keys at a time."""


def _total(walk: Walk, factors: Sequence[tuple[Array, Sequence[Axis]]], bound: Sequence[Axis], out: Item) -> Array:
    return contracted(list(factors), bound, out.axes, walk.size)


def attention(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Bound fused attention, streamed or not: the shift moves from block to block, every move rescales.

    Parameters
    ----------
    walk : Walk
        Evaluation.
    node : Node
        ``sdpa`` of queries, keys, values, scale and perhaps a mask.
    args : list of Item
        Operands.

    Returns
    -------
    Item
    """
    model = walk.model
    j, k = sorted(node.data[0], key=lambda a: a in node.args[0].axes)
    q, key, v = (converted(a, model) for a in args[:3])
    raw = summed(walk, [q, key], [k])
    score = product([args[3], raw], model)
    # The scale may be multiplied to either factor, or its root to both.
    size = _total(walk, [(np.abs(x.v) + error(x), x.axes) for x in (q, key)], [k], score)
    scale = np.max(np.abs(args[3].v) + error(args[3]))
    size = (growth(4, model.u) + 4 * U64) * scale * size
    score = made(score.v, error(score) + size, score.axes)
    if len(args) > 4:
        none = Item(np.array(-np.inf), host=True)
        score = chosen(walk, node, [args[4], score, none])
    p = weights(_streamed(score, j, walk), [j], model)
    out = summed(walk, [p, v], [j])
    size = _total(walk, [(np.abs(x.v) + error(x), x.axes) for x in (p, v)], [j], out)
    blocks = walk.size(j) / BLOCK + 2
    cast = model.u if model.u > model.u_a else 0.0
    return made(out.v, error(out) + (growth(blocks, model.u_a) + 2 * cast + growth(blocks, U64)) * size, out.axes)


def _streamed(score: Item, axis: Axis, walk: Walk) -> Item:
    # All shifts lie between the least and the greatest logit, and only rise: their differences add up to one range.
    model, x, e = walk.model, score.v, error(score)
    dim = score.axes.index(axis) - len(score.axes)
    live = ~((x == -np.inf) & (e == 0))
    high = np.where(live, x + e, -np.inf).max(dim, keepdims=True)
    low = np.where(live, x - e, np.inf).min(dim, keepdims=True)
    blocks = walk.size(axis) / BLOCK + 2
    extra = (model.u + 4 * U64) * (2 * (high - low) + blocks * (FUSED_EXP + 2)) + FUSED_EXP * model.u
    return made(x, np.where(live, e + np.where(np.isfinite(high), extra, 0.0), 0.0), score.axes)


def distances(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Bound squared distances of rows by a product about a common centre.

    Parameters
    ----------
    walk : Walk
        Evaluation.
    node : Node
        ``sqdist`` of two arrays of rows.
    args : list of Item
        Both arrays.

    Returns
    -------
    Item
    """
    model, (k,) = walk.model, node.data[-1]
    x, y = (converted(a, model) for a in args)
    (row,) = set(x.axes) - set(y.axes)
    n = float(walk.size(row))
    centre = summed(walk, [x], [row])
    centre = made(centre.v / n, settled(centre.v / n, error(centre) / n, model), centre.axes)
    # The exact centre of the kernel cancels; only how far the rows are from it matters.
    tall, moved, shifted = [], [], []
    for one in (x, y):
        c = aligned(centre, one.axes)
        far = np.abs(one.v - c.v) + error(c)
        off = error(one) + (model.u + 4 * U64) * (far + error(one)) + model.eta + TINY
        shifted.append((one.v - c.v, one.axes))
        moved.append((off, one.axes))
        tall.append((far + off, one.axes))
    order = [a for a in union([x, y]) if a != k]

    def total(a: tuple[Array, Sequence[Axis]], b: tuple[Array, Sequence[Axis]]) -> Array:
        return contracted([a, b], [k], order, walk.size)

    def whole(a: list[tuple[Array, Sequence[Axis]]], b: list[tuple[Array, Sequence[Axis]]]) -> Array:
        return total(a[0], b[0]) + total(a[0], b[1]) + total(a[1], b[0]) + total(a[1], b[1])

    v = total(shifted[0], shifted[0]) + total(shifted[1], shifted[1]) - 2 * total(shifted[0], shifted[1])
    terms = float(walk.size(k))
    rounding = (1 + growth(5, model.u)) * (1 + growth(terms + 1, model.u_a)) * (1 + model.gemm) ** 2 - 1
    e = 2 * whole(tall, moved) + (rounding + growth(terms + 6, U64)) * whole(tall, tall)
    e = e + 4 * (terms + 2) * (model.eta + model.eta_a + TINY)
    e = np.where(whole(tall, tall) * 1.01 > model.top, np.inf, settled(v, e, model))
    return made(np.maximum(v, 0.0), e, order, nonneg=True)


def log_product(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Bound the logarithm of a product of exponentials, scaled by the largest entries of rows and columns.

    Parameters
    ----------
    walk : Walk
        Evaluation.
    node : Node
        ``logmm`` of two arrays of logarithms.
    args : list of Item
        Both arrays.

    Returns
    -------
    Item
    """
    model, (j,) = walk.model, node.data[-1]
    sides = [_scaled(converted(a, model), j, model) for a in args]
    order = [a for a in union(args) if a != j]

    def total(a: Array, b: Array) -> Array:
        return contracted([(a, args[0].axes), (b, args[1].axes)], [j], order, walk.size)

    (a, up_a, m), (b, up_b, n) = sides
    terms = float(walk.size(j))
    s, tiny = total(a, b), 2 * normal(model)
    rounding = (1 + growth(2, model.u)) * (1 + growth(terms + 1, model.u_a)) - 1 + growth(terms + 4, U64)
    shifts = [aligned(shift, order) for shift in (m, n)]
    moved = error(shifts[0]) + error(shifts[1])
    off = total(a * up_a, b * (1 + up_b)) + total(a, b * up_b) + terms * tiny * 4 * np.exp(moved)
    share = (off + rounding * (s + off)) / np.where(s == 0, 1.0, s)
    inside = np.where((share < 1) & (s > 0), -np.log1p(-np.minimum(share, 1.0)), np.inf)
    log = np.log(s)
    v = log + shifts[0].v + shifts[1].v
    c = worst("log") * model_calls(model) * model.u + EVALUATOR * U64
    reach = np.abs(log) + inside + moved
    e = inside + c * reach + (model.u + 4 * U64) * (np.abs(log + shifts[0].v) + reach)
    known = (
        total((up_a == 0) * (a == 0) * 1.0, np.ones_like(b)) + total((a > 0) * 1.0, (b == 0) * (up_b == 0) * 1.0)
        == terms
    )
    return made(v, np.where(known, 0.0, settled(np.where(known, 0.0, v), e, model)), order)


def _scaled(x: Item, axis: Axis, model: Model) -> tuple[Array, Array, Item]:
    e, dim = error(x), x.axes.index(axis) - len(x.axes)
    out = (x.v == -np.inf) & (e == 0)
    m = x.v.max(dim, keepdims=True)
    m = np.where(np.isfinite(m), m, 0.0)
    shift = np.where(out, 0.0, e).max(dim, keepdims=True)
    gap = np.where(out, 0.0, np.abs(x.v - m))
    far = np.where(out, 0.0, e + (model.u + 4 * U64) * (gap + e + shift))
    c = worst("exp") * model_calls(model) * model.u + EVALUATOR * U64
    up = np.where(out, 0.0, np.expm1(far) + np.exp(far) * c)
    rest = [a for a in x.axes if a != axis]
    return np.where(out, 0.0, np.exp(x.v - m)), up, Item(np.squeeze(m, dim), (np.squeeze(shift, dim),), tuple(rest))
