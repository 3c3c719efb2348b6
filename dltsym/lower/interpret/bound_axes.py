"""Rules of the worst-case bound for reductions, orders and normalisations; proofs in docs/explain/rounding.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dltsym.errors import UnsupportedError
from dltsym.lower.axes import Axis
from dltsym.lower.interpret.bound_parts import (
    TINY,
    converted,
    error,
    growth,
    made,
    model_calls,
    settled,
)  # fmt: skip
from dltsym.lower.interpret.functions import EVALUATOR, worst
from dltsym.lower.interpret.model import U64, Model
from dltsym.lower.interpret.values import Array, Item, aligned
from dltsym.lower.interpret.walk import Walk
from dltsym.lower.nodes import Node

FAR = 1000.0
"""Below ``exp(-FAR)`` a term of a normalisation is less than the smallest number of every type."""


# Normalisations


@dataclass(frozen=True)
class Shares:
    """Terms ``exp(x - max x)`` of a normalisation over the last `dims` dimensions, and bounds of their sum.

    However large the logits are, `most` bounds the logarithm of what their sum is off by (a sum moves no more than its
    largest factor), and a weight is a term over a sum that holds it: at most 1, up to `rounding`, where `held`.
    """

    x: Array
    m: Array
    total: Array
    p: Array
    far: Array
    shift: Array
    up: Array
    lo: Array
    above: Array
    below: Array
    dead: Array
    known: Array
    most: Array
    rounding: Array
    held: Array


def shares(item: Item, dims: int, model: Model) -> Shares:
    """Bound the terms of a softmax and the relative error of their sum.

    Parameters
    ----------
    item : Item
        Logits.
    dims : int
        Number of last dimensions to normalise over.
    model : Model
        Arithmetic.

    Returns
    -------
    Shares
    """
    x, e, over = item.v, error(item), tuple(range(-dims, 0))
    count = float(np.prod(x.shape[x.ndim - dims :], dtype=float))
    m = x.max(over, keepdims=True, initial=-np.inf)
    out = (x == -np.inf) & (e == 0)
    shift = np.where(out, 0.0, e).max(over, keepdims=True, initial=0.0)
    terms = np.where(out, 0.0, np.exp(x - np.where(np.isinf(m), 0.0, m)))
    total = terms.sum(over, keepdims=True)
    p = terms / np.where(total == 0, 1.0, total)
    gap = np.where(out, 0.0, np.abs(x - m))
    u, c = model.u + 4 * U64, worst("exp") * model_calls(model) * model.u + EVALUATOR * U64
    far = e + u * (gap + e + shift)
    far = np.where((gap + e + shift > model.top) & (e + shift < FAR), e, np.where(out, 0.0, far))
    up, lo = np.expm1(far) + np.exp(far) * c, -np.expm1(-far) + np.exp(-far) * c
    rounding, tiny = (
        growth(model.depth(count), model.u_a) + growth(count + 2, U64),
        count * (model.eta + TINY) * np.exp(shift),
    )
    above = (p * up).sum(over, keepdims=True) + tiny
    below = (p * lo).sum(over, keepdims=True) + tiny
    above, below = above + rounding + above * rounding, below + rounding
    known = out.all(over, keepdims=True)
    most = far.max(over, keepdims=True, initial=0.0) + 2 * (c + rounding) + 4 * count * (model.eta + TINY)
    held = (out | (np.abs(x) + e <= model.top)).all(over, keepdims=True)
    return Shares(x, m, total, p, far, shift, up, lo, above, below, total == 0, known, most, rounding + c, held)


def _last(item: Item, axes: Sequence[Axis]) -> tuple[Item, tuple[Axis, ...]]:
    rest = tuple(a for a in item.axes if a not in axes)
    return aligned(item, (*rest, *axes)), rest


def _lse_error(s: Shares, model: Model, capped: bool = False) -> Array:
    """Bound the logarithm of a sum of exponentials before the shift is added back."""
    inside = np.maximum(np.log1p(s.above), np.where(s.below < 1, -np.log1p(-np.minimum(s.below, 1.0)), np.inf))
    inside = np.fmin(inside, s.most) if capped else inside
    c = worst("log") * model_calls(model) * model.u + EVALUATOR * U64
    return inside + c * (np.abs(np.log(s.total)) + s.shift + inside) + model.eta + TINY


def softmax(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Bound a softmax; a row of exact minus infinities is exactly 0.

    Parameters
    ----------
    walk : Walk
        Evaluation.
    node : Node
        ``softmax`` or ``log_softmax``.
    args : list of Item
        Logits.

    Returns
    -------
    Item
    """
    return weights(converted(args[0], walk.model), node.data[0], walk.model, node.op == "log_softmax")


def weights(item: Item, axes: Sequence[Axis], model: Model, log: bool = False) -> Item:
    """Bound the softmax of logits, or its logarithm.

    Parameters
    ----------
    item : Item
        Logits.
    axes : sequence of Axis
        Axes to normalise over.
    model : Model
        Arithmetic.
    log : bool
        Whether the logarithm is asked for.

    Returns
    -------
    Item
    """
    item, rest = _last(item, axes)
    s = shares(item, len(axes), model)
    alive = ~s.known & ~((s.x == -np.inf) & (error(item) == 0))
    if log:
        v = np.where(s.known, -np.inf, s.x - s.m - np.log(s.total))
        e = s.far + _lse_error(s, model, capped=True)
        e = settled(np.where(np.isinf(v), 0.0, v), e, model) + 2 * U64 * np.abs(s.x - s.m)
        e = np.where(np.isinf(v) & alive, np.inf, e)
    else:
        v, three = np.where(s.known, 0.0, s.p), growth(3, model.u) + growth(3, U64)
        left = np.where(s.below < 1, 1 - s.below, 0.0)
        high = (s.up + three + s.up * three + s.below) / left
        low = (s.above + s.lo + three) / (1 + s.above)
        tiny = (model.eta + TINY) * np.exp(s.shift) * (1 + three) / left + 2 * (model.eta + TINY)
        all_of_it = np.maximum(v, np.expm1(2 * (s.rounding + three)) + 1 - v) + 2 * (model.eta + TINY)
        e = np.fmin(s.p * np.maximum(high, low) + tiny, np.where(s.held, all_of_it, np.inf))
    return made(v, np.where(alive, e, 0.0), (*rest, *axes), nonneg=not log)


def reduced(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Bound a fold over axes: max, min, lse, prod, argmax, argmin.

    Parameters
    ----------
    walk : Walk
        Evaluation.
    node : Node
        Reduction.
    args : list of Item
        What is folded.

    Returns
    -------
    Item

    Raises
    ------
    UnsupportedError
        The monoid has no rule.
    """
    monoid, axes = node.data
    item, model = args[0], walk.model
    item = converted(item, model) if item.host or monoid == "lse" else item
    missing = [a for a in axes if a not in item.axes]
    if missing:
        shape = tuple(walk.size(a) for a in missing)
        item = item.over(
            lambda x: np.broadcast_to(x[(..., *[None] * len(shape))], (*x.shape, *shape)), (*item.axes, *missing)
        )
    item, rest = _last(item, axes)
    over, e = tuple(range(-len(axes), 0)), error(item)
    match monoid:
        case "max" | "min":
            v = item.v.max(over) if monoid == "max" else item.v.min(over)
            return made(v, e.max(over), rest, nonneg=item.nonneg, whole=item.whole)
        case "lse":
            return _lse(item, len(axes), rest, model)
        case "prod":
            return _prod(item, over, rest, model)
        case "argmax" | "argmin":
            return _place(item, rest, monoid)
    raise UnsupportedError(f"the error bound has no rule for the reduction {monoid}")


def _lse(item: Item, dims: int, rest: Sequence[Axis], model: Model) -> Item:
    s = shares(item, dims, model)
    v = np.where(s.known, -np.inf, s.m + np.log(s.total))
    e = settled(np.where(np.isinf(v), 0.0, v), _lse_error(s, model), model) + 2 * U64 * np.abs(s.m)
    e = np.where(np.isinf(v), np.inf, e)
    cut = (..., *[0] * dims)
    return made(v[cut], np.where(s.known, 0.0, e)[cut], rest)


def _prod(item: Item, over: tuple[int, ...], rest: Sequence[Axis], model: Model) -> Item:
    x, e = np.abs(item.v), error(item)
    if item.whole and not item.parts:
        return Item(item.v.prod(over), (), tuple(rest), whole=True, nonneg=item.nonneg)
    item = converted(item, model)
    flat = (*x.shape[: x.ndim - len(over)], -1)
    x, e = x.reshape(flat), np.broadcast_to(e, x.shape).reshape(flat)
    moved, size, high = np.zeros(flat[:-1]), np.ones(flat[:-1]), np.ones(flat[:-1])
    for k in range(x.shape[-1]):
        moved = moved * (x[..., k] + e[..., k]) + np.prod(x[..., :k], -1) * e[..., k]
        size, high = size * (x[..., k] + e[..., k]), high * np.maximum(x[..., k] + e[..., k], 1.0)
    v, n = item.v.prod(over), x.shape[-1]
    out = moved + (growth(n, model.u) + growth(n, U64)) * size + n * (model.eta + TINY) * high
    out = np.where(high > model.top, np.inf, settled(v, out, model))
    nil = ((x == 0) & (e == 0)).any(-1) & np.isfinite(high) & (high <= model.top)
    return made(v, np.where(nil, 0.0, out), rest, nonneg=item.nonneg)


def _place(item: Item, rest: Sequence[Axis], monoid: str) -> Item:
    shape = item.v.shape[len(item.v.shape) - (len(item.axes) - len(rest)) :]
    flat = (*item.v.shape[: item.v.ndim - len(shape)], -1)
    x, e = (item.v if monoid == "argmax" else -item.v).reshape(flat), error(item).reshape(flat)
    best = x.argmax(-1)[..., None]
    top, off = np.take_along_axis(x, best, -1), np.take_along_axis(e, best, -1)
    rival = ~((e == 0) & (off == 0)) & ~(top - x > (off + e) * (1 + 2.0**-40))
    np.put_along_axis(rival, best, False, -1)
    return made(best[..., 0].astype(float), np.where(rival.any(-1), np.inf, 0.0), rest, whole=True, nonneg=True)


# Orders


def ordered(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Bound a rank by the number of entries whose order is undecided, a top-k mask by what they can change.

    Parameters
    ----------
    walk : Walk
        Evaluation.
    node : Node
        Order.
    args : list of Item
        What is ordered.

    Returns
    -------
    Item
    """
    kind, axis, k = node.data
    item, rest = _last(args[0], (axis,))
    x, e = item.v, error(item)
    before, doubtful = np.zeros(x.shape), np.zeros(x.shape)
    for i in range(x.shape[-1]):
        own, off = x[..., i : i + 1], e[..., i : i + 1]
        first = (x > own) | ((x == own) & (np.arange(x.shape[-1]) < i)) | (np.isnan(x) & ~np.isnan(own))
        decided = ((e == 0) & (off == 0)) | (np.abs(x - own) > (e + off) * (1 + 2.0**-40))
        first[..., i], decided[..., i] = False, True
        before[..., i], doubtful[..., i] = (first & decided).sum(-1), (~decided).sum(-1)
        if kind == "rank":
            before[..., i] = first.sum(-1)
    if kind == "rank":
        return made(before, doubtful, (*rest, axis), whole=True, nonneg=True)
    low, high = before < k, before + doubtful < k
    exact = _top(x, k)
    return made(exact, np.where(low != high, 1.0, 0.0), (*rest, axis), whole=True, nonneg=True)


def _top(x: Array, k: int) -> Array:
    best = np.argsort(-x, -1, kind="stable")[..., :k]
    out = np.zeros(x.shape)
    np.put_along_axis(out, best, 1.0, -1)
    return out
