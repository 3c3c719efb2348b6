"""Rules of the statistical model for reductions, normalisations, scans, orders and the cells of the last pass."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dltsym.errors import UnsupportedError
from dltsym.lower.axes import Axis
from dltsym.lower.interpret.functions import ulp
from dltsym.lower.interpret.model import Model
from dltsym.lower.interpret.sigma_parts import (
    SURE,
    Part,
    converted,
    made,
    noise,
    parts_of,
    summing,
    times,
    unit,
    variance,
)  # fmt: skip
from dltsym.lower.interpret.values import Array, Item, aligned, together
from dltsym.lower.interpret.walk import Walk
from dltsym.lower.nodes import Node


def _last(walk: Walk, item: Item, axes: Sequence[Axis]) -> tuple[Item, tuple[Axis, ...]]:
    """Lay an item out with some axes last, in full length."""
    rest = tuple(a for a in item.axes if a not in axes)
    order = (*rest, *axes)
    out = aligned(item, order)
    shape = (*out.v.shape[: out.v.ndim - len(axes)], *(walk.size(a) for a in axes))
    return out.over(
        lambda x: np.broadcast_to(x, (*x.shape[: x.ndim - len(axes)], *shape[len(shape) - len(axes) :])), order
    ), rest


def _weighed(p: Array, item: Item, axes: Sequence[Axis]) -> tuple[list[Part], list[Part]]:
    """Split the error of ``x - sum(p x)`` over the last axes into the part of the own entry and that of the others."""
    over, own, others = tuple(range(-len(axes), 0)), [], []
    for tag, w in parts_of(item):
        alone = [a for a in axes if a in tag]
        if len(alone) == len(axes):
            total = (p * p * w).sum(over, keepdims=True)
            own.append((tag, w * (1 - p) ** 2))
            others.append((tag - set(axes), np.maximum(total - p * p * w, 0.0)))
        elif not np.all(w == w.max(over, keepdims=True)):
            mean = (p * np.sqrt(w)).sum(over, keepdims=True)
            own.append((tag - set(axes), (np.sqrt(w) + mean) ** 2 * (p < 1)))
    return own, others


def _shift(x: Array, over: tuple[int, ...]) -> tuple[Array, Array, Array, Array]:
    m = x.max(over, keepdims=True, initial=-np.inf)
    m = np.where(np.isinf(m), 0.0, m)
    terms = np.exp(x - m)
    total = terms.sum(over, keepdims=True)
    return m, total, terms / np.where(total == 0, 1.0, total), np.where(np.isinf(x), 0.0, x - m)


def _local(item: Item, gap: Array, model: Model, own: Sequence[Axis]) -> Item:
    """Add the rounding of the shift and of the exponentials to the logits."""
    c = ulp("exp") * model.calls
    extra = unit(model.u) ** 2 * (gap**2 + c * c)
    return made(item.v, [*parts_of(item), (frozenset(own), extra)], item.axes)


def _sum_error(p: Array, over: tuple[int, ...], model: Model) -> Array:
    n = float(np.prod(p.shape[p.ndim - len(over) :], dtype=float))
    squares = (p * p).sum(over, keepdims=True)
    # Libraries keep the sum of a normalisation in the storage type, even where they add in a wider one.
    stored = unit(model.u) ** 2 if model.u > model.u_a and n > 1 else 0.0
    return summing(squares, np.ones(squares.shape), n, model) + stored


def softmax(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Propagate variances through a softmax or its logarithm.

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
    again = walk.model.twice and not _summed_at_once(walk, node)
    return weights(walk, converted(args[0], walk.model), node.data[0], node.op == "log_softmax", again)


def _summed_at_once(walk: Walk, node: Node) -> bool:
    todo, seen = [o.node for o in walk.program.outputs], set()
    while todo:
        one = todo.pop()
        if one.op == "contract" and any(a is node for a in one.args):
            return True
        todo += [a for a in one.args if id(a) not in seen]
        seen |= {id(a) for a in one.args}
    return False


def weights(walk: Walk, item: Item, axes: Sequence[Axis], log: bool = False, again: bool = False) -> Item:
    """Propagate variances through the softmax of logits, or its logarithm.

    Parameters
    ----------
    walk : Walk
        Evaluation.
    item : Item
        Logits.
    axes : sequence of Axis
        Axes to normalise over.
    log : bool
        Whether the logarithm is asked for.
    again : bool
        Whether the logits are computed again for the weights.

    Returns
    -------
    Item
    """
    model = walk.model
    item, rest = _last(walk, item, axes)
    over, order = tuple(range(-len(axes), 0)), (*rest, *axes)
    m, total, p, gap = _shift(item.v, over)
    local = _local(item, gap, model, order)
    own, others = _weighed(p, local, axes)
    if again:
        own += [(tag, w) for tag, w in parts_of(item) if item.axes]
    common = [*others, (frozenset(rest), _sum_error(p, over, model))]
    if not log:
        v = np.where(total == 0, 0.0, p)
        parts = [(tag, times(np.square(p), w)) for tag, w in (*own, *common)]
        parts = _lopsided(p, parts)
        return made(v, [*parts, noise(p, model, order)], order, nonneg=True)
    v = np.where(total == 0, -np.inf, item.v - m - np.log(total))
    slip = unit(model.u) * ulp("log") * model.calls * np.abs(np.where(total == 0, 0.0, np.log(total)))
    parts = [*own, *common, (frozenset(rest), slip**2), noise(v, model, order)]
    return made(v, [(tag, np.where(np.isinf(v), 0.0, w)) for tag, w in parts], order)


def _lopsided(p: Array, parts: list[Part]) -> list[Part]:
    # Six deviations of a logit multiply its weight by an exponential, but no weight is further off than by 1.
    w: Array = sum((w for _, w in parts), np.zeros(p.shape))
    d = 6 * np.sqrt(w) / np.where(p == 0, 1.0, p)
    most = np.maximum(np.minimum((p * np.expm1(d) / 6) ** 2, 1 / 36), w * (d < 0.1))
    factor = np.where((d < 0.1) | (w == 0), 1.0, most / np.where(w == 0, 1.0, w))
    return [(tag, times(share, factor)) for tag, share in parts]


def _lse(walk: Walk, item: Item, axes: Sequence[Axis], rest: Sequence[Axis]) -> Item:
    model, over = walk.model, tuple(range(-len(axes), 0))
    m, total, p, gap = _shift(item.v, over)
    with_local = _local(item, gap, model, (*rest, *axes))
    v = np.where(total == 0, -np.inf, m + np.log(total))
    parts = [(tag - set(axes), _averaged(p, w, tag, axes)) for tag, w in parts_of(with_local)]
    log = unit(model.u) * ulp("log") * model.calls * np.abs(np.where(total == 0, 0.0, np.log(total)))
    parts += [(frozenset(rest), _sum_error(p, over, model)), (frozenset(rest), log**2), noise(v, model, rest)]
    cut = (..., *[0] * len(axes))
    return made(v[cut], [(tag, np.where(np.isinf(v), 0.0, w)[cut]) for tag, w in parts], rest)


def _averaged(p: Array, w: Array, tag: frozenset[Axis], axes: Sequence[Axis]) -> Array:
    """Return the variance of a weighted sum over the last axes: entries alike in an axis add up, others average."""
    common = tuple(k - len(axes) for k, a in enumerate(axes) if a not in tag)
    alone = tuple(k - len(axes) for k, a in enumerate(axes) if a in tag)
    reach = 6 * np.sqrt(w)  # what six deviations of one logit do: log(1 - p + p e^reach), p reach to first order
    with np.errstate(all="ignore"):
        far = np.logaddexp(np.log1p(-p), np.log(p) + reach)
    each = np.where((reach < 0.1) | (p == 0), p * reach, far) / 6
    amplitude = each.sum(common, keepdims=True) if common else each
    return (amplitude**2).sum(alone, keepdims=True) if alone else amplitude**2


def reduced(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Propagate variances through a fold over axes.

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
    item, rest = _last(walk, converted(args[0], walk.model) if monoid in ("lse", "prod") else args[0], axes)
    flat = (*item.v.shape[: item.v.ndim - len(axes)], -1)
    x, w = item.v.reshape(flat), variance(item).reshape(flat)
    match monoid:
        case "lse":
            return _lse(walk, item, axes, rest)
        case "max" | "min":
            v = x.max(-1, keepdims=True) if monoid == "max" else x.min(-1, keepdims=True)
            close = np.abs(x - v) <= SURE * (np.sqrt(w) + np.sqrt(w.max(-1, keepdims=True)))
            parts = [
                (tag - set(axes), np.where(close | (x == v), y.reshape(flat), 0.0).max(-1)) for tag, y in parts_of(item)
            ]
            return made(v[..., 0], parts, rest, whole=item.whole, nonneg=item.nonneg)
        case "prod":
            v = x.prod(-1)
            total = (np.where(w == 0, 0.0, w / x**2)).sum(-1) + (x.shape[-1] - 1) * unit(walk.model.u) ** 2
            return made(v, [(frozenset(), v * v * total), noise(v, walk.model, rest)], rest)
        case "argmax" | "argmin":
            s = x if monoid == "argmax" else -x
            best = s.argmax(-1)[..., None]
            gap = np.take_along_axis(s, best, -1) - s
            spread = w + np.take_along_axis(w, best, -1)
            rival = (spread > 0) & ~(gap > SURE * np.sqrt(spread))
            np.put_along_axis(rival, best, False, -1)
            return made(
                best[..., 0].astype(float), [(frozenset(), np.where(rival.any(-1), np.inf, 0.0))], rest, whole=True
            )
    raise UnsupportedError(f"the statistical model has no rule for the reduction {monoid}")


def ordered(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Propagate the doubt about the order of entries.

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
    item, rest = _last(walk, args[0], (axis,))
    x, w = item.v, variance(item)
    before, doubt = np.zeros(x.shape), np.zeros(x.shape)
    for i in range(x.shape[-1]):
        own, spread = x[..., i : i + 1], w + w[..., i : i + 1]
        first = (x > own) | ((x == own) & (np.arange(x.shape[-1]) < i)) | (np.isnan(x) & ~np.isnan(own))
        open_ = (spread > 0) & ~(np.abs(x - own) > SURE * np.sqrt(spread))
        open_[..., i] = first[..., i] = False
        before[..., i], doubt[..., i] = first.sum(-1), open_.sum(-1)
    if kind == "rank":
        return made(before, [(frozenset(), doubt**2)], (*rest, axis), whole=True, nonneg=True)
    changed = (before - doubt < k) != (before + doubt < k)
    return made(
        (before < k).astype(float), [(frozenset(), changed.astype(float))], (*rest, axis), whole=True, nonneg=True
    )


# Scans


def scanned(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Propagate variances through a scan; errors at different times are not independent of each other.

    Parameters
    ----------
    walk : Walk
        Evaluation.
    node : Node
        Scan.
    args : list of Item
        Operands.

    Returns
    -------
    Item

    Raises
    ------
    UnsupportedError
        The monoid has no rule.
    """
    monoid, axis, direction, own = node.data
    monoid = monoid.replace("-", "_")
    if monoid not in (*_ADD, "affine", "log_affine"):
        raise UnsupportedError(f"the statistical model has no rule for the scan {monoid}")
    whole = monoid in ("sum", "prod", "max", "min") and all(a.whole and not a.parts for a in args)
    items, order = together([a if whole else converted(a, walk.model) for a in args])
    rest = [a for a in order if a != axis]
    full = [_last(walk, Item(i.v, i.parts, tuple(order), i.tags), (axis,))[0] for i in items]
    shape = np.broadcast_shapes(*(i.v.shape for i in full))
    turn = slice(None, None, direction)

    def timed(x: Array) -> Array:
        return np.moveaxis(np.broadcast_to(x, shape)[..., turn], -1, 0)

    lines = [timed(i.v) for i in full]
    v, start, slopes, extra = _steps(monoid, lines, walk.model)
    parts = [(frozenset(rest), _spread(slopes[0], extra, True, 0.0))]
    for i, slope in zip(full, slopes[1:], strict=False):
        for tag, w in parts_of(i):
            parts.append((tag - {axis}, _spread(slopes[0], timed(w) * slope**2, axis in tag, 0.0)))
    if len(full) == 3:
        first = [(tag - {axis}, timed(w)[0]) for tag, w in parts_of(full[2])]
        parts += [(tag, _spread(slopes[0], np.zeros(v.shape), True, w)) for tag, w in first]
    v = v if own else np.concatenate([np.broadcast_to(start, v[:1].shape), v[:-1]])
    if not own:
        parts = [(tag, np.concatenate([np.zeros_like(w[:1]), w[:-1]])) for tag, w in parts]

    def back(x: Array) -> Array:
        return np.moveaxis(x[turn], 0, -1)

    parts = [(tag, back(w)) for tag, w in parts]
    if whole:
        return Item(back(v), (), (*rest, axis), (), whole=True)
    return made(back(v), [*parts, noise(back(v), walk.model, (*rest, axis))], (*rest, axis))


def _spread(keep: Array, add: Array, independent: bool, start: Array | float) -> Array:
    """Run ``w -> keep^2 w + add``; for one error common to all times the deviations add up instead."""
    out = np.empty(np.broadcast_shapes(keep.shape, add.shape))
    w = np.broadcast_to(np.sqrt(start) if not independent else start, out.shape[1:])
    for t in range(len(out)):
        w = times(w, keep[t] ** 2) + add[t] if independent else times(w, np.abs(keep[t])) + np.sqrt(add[t])
        out[t] = w
    return out if independent else out**2


def _steps(monoid: str, lines: list[Array], model: Model) -> tuple[Array, Array | float, list[Array], Array]:
    """Return values, the value before the first, the slopes in the state and in each operand, and local variances."""
    x, s2, one = lines[0], unit(model.u_a) ** 2, np.ones(lines[0].shape)
    add = _ADD.get(monoid)
    if add is not None:
        v, unit_ = add.accumulate(x, 0), {"sum": 0.0, "prod": 1.0, "min": np.inf}.get(monoid, -np.inf)
        before = np.concatenate([np.full_like(v[:1], unit_), v[:-1]])
        if monoid == "sum":
            return v, unit_, [one, one], s2 * v * v
        if monoid == "prod":
            return v, unit_, [x, before], s2 * v * v
        if monoid == "max":
            return v, unit_, [(before >= x) * one, (x > before) * one], 0 * one
        if monoid == "min":
            return v, unit_, [(before <= x) * one, (x < before) * one], 0 * one
        return v, unit_, [_share(before, v), _share(x, v)], _log_noise(v, before, x, model)
    a, b, start = lines[0], lines[1], lines[2][0]
    v, state = np.empty(b.shape), start
    for t in range(len(v)):
        v[t] = state = a[t] * state + b[t] if monoid == "affine" else np.logaddexp(a[t] + state, b[t])
    before = np.concatenate([start[None], v[:-1]])
    if monoid == "affine":
        local = s2 * (v * v + (0.0 if model.fma else 1.0) * (a * before) ** 2)
        return v, start, [a, before, one], local + _joints(a, b, start, s2)
    kept = _share(a + before, v)
    local = _log_noise(v, a + before, b, model)
    return v, start, [kept, kept, _share(b, v)], local


def _joints(a: Array, b: Array, start: Array, s2: float) -> Array:
    # Long scans run in chunks, which are joined by sums that may cancel: there the rounding is that of the magnitudes.
    out, state, width = np.zeros(b.shape), np.abs(start), int(len(b) ** 0.5)
    for t in range(len(b) if len(b) >= 64 else 0):
        state = np.abs(a[t]) * state + np.abs(b[t])
        if t % width == 0:
            out[t] = 2 * s2 * state**2
    return out


_ADD: dict[str, np.ufunc] = {
    "sum": np.add,
    "prod": np.multiply,
    "max": np.maximum,
    "min": np.minimum,
    "lse": np.logaddexp,
}


def _share(x: Array, v: Array) -> Array:
    return np.where(v == -np.inf, 0.0, np.exp(np.where(v == -np.inf, 0.0, x - v)))


def _log_noise(v: Array, x: Array, y: Array, model: Model) -> Array:
    both = np.isfinite(x) & np.isfinite(y)
    size = np.where(np.isfinite(v), np.abs(v), 0.0) + np.log(2.0)
    return np.where(both, (unit(model.u_a) * (ulp("logaddexp") + 1) * model.calls * size) ** 2, 0.0)
