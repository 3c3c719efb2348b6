"""Rules of the statistical model for the cells of the last pass."""

from __future__ import annotations

import numpy as np

from dltsym.lower.interpret.functions import ulp
from dltsym.lower.interpret.sigma_axes import _last, _local, _shift, _sum_error, _weighed, weights
from dltsym.lower.interpret.sigma_parts import converted, made, noise, parts_of, summing, unit, variance
from dltsym.lower.interpret.sigma_rules import product, summed
from dltsym.lower.interpret.sigma_truths import chosen
from dltsym.lower.interpret.values import Array, Item, aligned, at_place, contracted, together, union
from dltsym.lower.interpret.walk import Walk
from dltsym.lower.nodes import Node


def scattered(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Propagate variances through sums of entries by their place.

    Parameters
    ----------
    walk : Walk
        Evaluation.
    node : Node
        ``scatter``.
    args : list of Item
        Values and places.

    Returns
    -------
    Item
    """
    into, bound = node.data
    source, place = args[0] if args[0].whole else converted(args[0], walk.model), args[1]
    (x, where), order = together([source, place])
    rest = tuple(a for a in order if a not in bound)
    x, where = (
        _last(walk, aligned(Item(i.v, i.parts, tuple(order), i.tags), (*rest, *bound)), bound)[0] for i in (x, where)
    )
    shape = np.broadcast_shapes(x.v.shape, where.v.shape)
    index = np.broadcast_to(where.v, shape).astype(np.int64).reshape(*shape[: len(shape) - len(bound)], -1)
    rows = np.indices(index.shape)[:-1]

    def gathered(values: Array) -> Array:
        out = np.zeros((*index.shape[:-1], walk.size(into)))
        np.add.at(out, (*rows, index), np.broadcast_to(values, shape).reshape(index.shape))
        return out

    if source.whole and not source.parts and not place.parts:
        return Item(gathered(x.v), (), (*rest, into), (), whole=True)
    v, q, n = gathered(x.v), gathered(x.v**2), gathered(np.ones(()))
    local = unit(walk.model.u_a) ** 2 * np.maximum(q * (n + 1) / 2 + (v * v - q) * (n + 1) / 3, 0.0)
    parts = [(frozenset((*rest, into)), np.where(n > 1, local, 0.0)), noise(v, walk.model, (*rest, into))]
    for tag, w in parts_of(x):
        alone = all(b in tag for b in bound)
        parts.append(
            (tag - set(bound) | ({into} if alone else set()), gathered(w) if alone else gathered(np.sqrt(w)) ** 2)
        )
    doubt = np.inf if variance(where).any() else 0.0
    return made(v, [*parts, (frozenset(), np.full(v.shape, doubt))], (*rest, into))


def crossed(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Propagate variances through the negative logarithm of one share of a softmax.

    Parameters
    ----------
    walk : Walk
        Evaluation.
    node : Node
        ``cross_entropy``.
    args : list of Item
        Logits and places.

    Returns
    -------
    Item
    """
    (axis,) = node.data[-1]
    item, rest = _last(walk, converted(args[0], walk.model), (axis,))
    _, total, p, gap = _shift(item.v, (-1,))
    with_local = _local(item, gap, walk.model, (*rest, axis))
    own, others = _weighed(p, with_local, (axis,))
    v = np.log(total) - gap - np.where(np.isinf(item.v), -np.inf, 0.0) * -1.0
    parts = [*own, *others, (frozenset(rest), _sum_error(p, (-1,), walk.model)), noise(v, walk.model, (*rest, axis))]
    full = made(v, parts, (*rest, axis))
    out = at_place(full, axis, args[1])
    return made(out.v, [(tag - {axis}, w) for tag, w in parts_of(out)], out.axes)


def attention(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Propagate variances through fused attention, as through its parts.

    Parameters
    ----------
    walk : Walk
        Evaluation.
    node : Node
        ``sdpa``.
    args : list of Item
        Queries, keys, values, scale and perhaps a mask.

    Returns
    -------
    Item
    """
    model = walk.model
    j, k = sorted(node.data[0], key=lambda a: a in node.args[0].axes)
    q, key, v = (converted(a, model) for a in args[:3])
    # The scale is multiplied to a factor, or its root to both.
    q = made(q.v, [*parts_of(q), (frozenset(q.axes), 2 * (unit(model.u) * q.v) ** 2)], q.axes)
    score = product([args[3], summed(walk, [q, key], [k])], model)
    if len(args) > 4:
        score = chosen(walk, node, [args[4], score, Item(np.array(-np.inf), host=True)])
    p = weights(walk, score, [j])
    # The fast exponential, and one more rescaling per block.
    p = made(p.v, [*parts_of(p), (frozenset(p.axes), (4 * unit(model.u_a) * p.v) ** 2)], p.axes)
    if model.u > model.u_a:
        p = made(p.v, [*parts_of(p), noise(p.v, model, p.axes)], p.axes)
    return summed(walk, [p, v], [j])


def distances(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Propagate variances through squared distances by a product about a common centre.

    Parameters
    ----------
    walk : Walk
        Evaluation.
    node : Node
        ``sqdist``.
    args : list of Item
        Both arrays of rows.

    Returns
    -------
    Item
    """
    model, (k,) = walk.model, node.data[-1]
    x, y = (converted(a, model) for a in args)
    (row,) = set(x.axes) - set(y.axes)
    mean = x.v.mean(x.axes.index(row) - len(x.axes), keepdims=True)
    rest = Item(np.squeeze(mean, x.axes.index(row) - len(x.axes)), (), tuple(a for a in x.axes if a != row))
    sides = [(one.v - aligned(rest, one.axes).v, one) for one in (x, y)]
    order = [a for a in union([x, y]) if a != k]
    s = unit(model.u)

    def total(a: Array, b: Array) -> Array:
        return contracted([(a, x.axes), (b, y.axes)], [k], order, walk.size)

    ones = [np.ones_like(side) for side, _ in sides]
    (p, _), (q, _) = sides
    squares = [total(p * p, ones[1]), total(ones[0], q * q)]
    fourth = [total(p**4, ones[1]), total(ones[0], q**4)]
    cross, mixed, terms = total(p, q), total(p * p, q * q), float(walk.size(k))
    v = np.maximum(squares[0] + squares[1] - 2 * cross, 0.0)
    slips = [variance(one) + (s * side) ** 2 for side, one in sides]
    w = 4 * (total(slips[0] * p * p, ones[1]) - 2 * total(slips[0] * p, q) + total(slips[0], q * q))
    w = w + 4 * (total(p * p, slips[1]) - 2 * total(p, slips[1] * q) + total(ones[0], slips[1] * q * q))
    w = np.maximum(w, 0.0) + 4 * (summing(mixed, cross, terms, model) + s * s * (mixed + cross**2))
    for square, four in zip(squares, fourth, strict=True):
        w = w + summing(four, square, terms, model) + s * s * (four + square**2)
    w = w + s * s * ((squares[0] + squares[1]) ** 2) + 8 * (unit(model.gemm) ** 2) * mixed
    return made(v, [(frozenset(order), w), noise(v, model, order)], order)


def log_product(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Propagate variances through the logarithm of a product of exponentials.

    Parameters
    ----------
    walk : Walk
        Evaluation.
    node : Node
        ``logmm``.
    args : list of Item
        Both arrays of logarithms.

    Returns
    -------
    Item
    """
    model, (j,) = walk.model, node.data[-1]
    order = [a for a in union(args) if a != j]
    s, c, sides = unit(model.u), ulp("exp") * model.calls, []
    for one in (converted(a, model) for a in args):
        dim = one.axes.index(j) - len(one.axes)
        m = one.v.max(dim, keepdims=True)
        m = np.where(np.isinf(m), 0.0, m)
        gap = np.where(np.isinf(one.v), 0.0, one.v - m)
        rest = tuple(a for a in one.axes if a != j)
        sides.append(
            (
                np.exp(one.v - m),
                variance(one) + s * s * (gap**2 + c * c),
                aligned(Item(m.squeeze(dim), (), rest), order).v,
            )
        )

    def total(a: Array, b: Array) -> Array:
        return contracted([(a, args[0].axes), (b, args[1].axes)], [j], order, walk.size)

    (a, wa, m), (b, wb, n) = sides
    value, squares = total(a, b), total(a * a, b * b)
    safe = np.where(value == 0, 1.0, value)
    w = total(a * a * wa, b * b) + total(a * a, b * b * wb) + summing(squares, value, float(walk.size(j)), model)
    w = (w + 2 * s * s * squares + (s * value) ** 2) / safe**2
    log = np.log(safe)
    v = np.where(value == 0, -np.inf, log + m + n)
    w = w + (ulp("log") * model.calls * s * log) ** 2 + (s * (log + m)) ** 2
    return made(v, [(frozenset(order), np.where(value == 0, 0.0, w)), noise(v, model, order)], order)
