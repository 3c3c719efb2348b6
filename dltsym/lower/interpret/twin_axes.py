"""Rules of the magnitude twin for normalisations, folds, orders, scans and scatters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from dltsym.errors import UnsupportedError
from dltsym.lower.axes import Axis
from dltsym.lower.interpret import bound_axes
from dltsym.lower.interpret.sigma_axes import _last
from dltsym.lower.interpret.sigma_parts import times
from dltsym.lower.interpret.sigma_truths import _pair
from dltsym.lower.interpret.twin_parts import Units, charge, made, moved, size, units
from dltsym.lower.interpret.values import Array, Item, at_place, together
from dltsym.lower.interpret.walk import Walk
from dltsym.lower.nodes import Node


@dataclass(frozen=True)
class Shares:
    """Softmax over the last dimensions: logits, weights, log-sum, relative errors of terms and of the sum."""

    x: Item
    rest: tuple[Axis, ...]
    m: Array
    p: Array
    lse: Array
    term: Array
    sum: Array


def shares(walk: Walk, item: Item, axes: Sequence[Axis]) -> Shares:
    """Return the terms of a normalisation: each is off by the error of its logit, its shift and its exponential.

    Parameters
    ----------
    walk : Walk
        Evaluation.
    item : Item
        Logits.
    axes : sequence of Axis
        Axes to normalise over.

    Returns
    -------
    Shares
    """
    model = units(walk)
    x, rest = _last(walk, item, axes)
    over = tuple(range(-len(axes), 0))
    m = x.v.max(over, keepdims=True, initial=-np.inf)
    m = np.where(np.isfinite(m), m, 0.0)
    terms = np.exp(x.v - m)
    total = terms.sum(over, keepdims=True)
    p = terms / np.where(total == 0, 1.0, total)
    gap = np.where(np.isfinite(x.v), np.abs(x.v - m), 0.0)
    term = np.where(np.isfinite(x.v), moved(x) + model.unit * (gap + model.exp), 0.0)
    mean = np.log1p(times(p, np.expm1(term)).sum(over, keepdims=True))
    return Shares(x, rest, m, p, m + np.log(total), term, mean)


def softmax(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Move a softmax or its logarithm; a row without entries is exact.

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
    axes, model = node.data[0], units(walk)
    s = shares(walk, args[0], axes)
    if node.op == "softmax":
        far = np.minimum(times(s.p, np.expm1(s.term + s.sum + model.unit + _saved(s, model))), 1.0)
        off = far + np.where(np.isfinite(s.x.v), model.normal, 0.0)
        return made(s.p, off, (*s.rest, *axes), nonneg=True)
    v = np.where(np.isinf(s.lse), -np.inf, s.x.v - s.lse)
    return made(v, _log_error(s, v, model), (*s.rest, *axes))


def _log_error(s: Shares, v: Array, model: Units) -> Array:
    gap = np.where(np.isfinite(s.x.v), np.abs(s.x.v - s.m), 0.0)
    near = np.where(np.isfinite(v), np.abs(v), 0.0) + gap + model.log
    return moved(s.x) + np.where(np.isfinite(s.lse), s.sum, 0.0) + model.unit * near + _saved(s, model)


def _saved(s: Shares, model: Units) -> Array:
    # Going backwards, weights are computed again from logits and the log-sum that was saved: it has been rounded.
    return np.where(np.isfinite(s.lse), model.unit * np.abs(s.lse), 0.0) if model.gradient else np.zeros(())


def crossed(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Move the negative logarithm of one share.

    Parameters
    ----------
    walk : Walk
        Evaluation.
    node : Node
        ``cross_entropy`` of logits and places.
    args : list of Item
        Logits and places.

    Returns
    -------
    Item
    """
    (axis,) = node.data[-1]
    s = shares(walk, args[0], (axis,))
    v = s.lse - s.x.v
    return at_place(made(v, _log_error(s, v, units(walk)), (*s.rest, axis)), axis, args[1])


def reduced(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Move a fold over axes.

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
    if monoid == "lse":
        return _lse(walk, args[0], axes)
    full, rest = _last(walk, args[0], axes)
    flat = (*full.v.shape[: full.v.ndim - len(axes)], -1)
    x, e = full.v.reshape(flat), moved(full).reshape(flat)
    match monoid:
        case "max" | "min":
            sign = 1.0 if monoid == "max" else -1.0
            v = sign * (sign * x).max(-1)
            rival = sign * (v[..., None] - x) <= e + e.max(-1, keepdims=True)
            return made(v, np.where(rival, e, 0.0).max(-1), rest, whole=full.whole, host=full.host)
        case "prod":
            return _prod(x, e, rest, units(walk), exact=full.whole and not full.parts)
        case "argmax" | "argmin":
            return bound_axes._place(Item(full.v, (moved(full),), full.axes), rest, monoid)
    raise UnsupportedError(f"the magnitude twin has no rule for the reduction {monoid}")


def _lse(walk: Walk, item: Item, axes: Sequence[Axis]) -> Item:
    s, model = shares(walk, item, axes), units(walk)
    near = np.maximum(np.abs(s.lse), np.abs(s.lse - s.m)) + model.log
    cut = (..., *[0] * len(axes))
    e = np.where(np.isfinite(s.lse), s.sum + model.unit * near, 0.0)
    return made(s.lse[cut], e[cut], s.rest)


def _prod(x: Array, e: Array, rest: Sequence[Axis], model: Units, *, exact: bool) -> Item:
    v, size_, off = np.ones(x.shape[:-1]), np.ones(x.shape[:-1]), np.zeros(x.shape[:-1])
    for k in range(x.shape[-1]):
        off = off * np.abs(x[..., k]) + size_ * e[..., k]
        v, size_ = v * x[..., k], size_ * np.abs(x[..., k])
    local = 0.0 if exact else charge(v, model, float(x.shape[-1]))
    return made(v, off + local, rest, whole=exact)


def ordered(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Move a rank or a top-k mask where rounding may change the order.

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
    full, _ = _last(walk, args[0], (node.data[1],))
    return bound_axes.ordered(walk, node, [Item(full.v, (moved(full),), full.axes)])


def scattered(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Move a sum by places.

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
    from dltsym.lower.interpret.sigma_cells import scattered as plain

    def total(x: Array) -> Item:
        return plain(walk, node, [Item(x, (), args[0].axes, (), whole=True), Item(args[1].v, (), args[1].axes)])

    out, e, a = total(args[0].v), total(moved(args[0])).v, total(size(args[0])).v
    if moved(args[1]).any():
        e = np.full(e.shape, np.inf)
    if args[0].whole:
        return made(out.v, e, out.axes, whole=True)
    return made(out.v, e + charge(out.v, units(walk), 1.0, a), out.axes, a)


# Scans

Triple = tuple[Array, Array, Array]


def scanned(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Move a scan by its own recurrence.

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
    step = _STEPS.get(monoid.replace("-", "_"))
    if step is None:
        raise UnsupportedError(f"the magnitude twin has no rule for the scan {monoid}")
    items, order = together(args)
    rest = [a for a in order if a != axis]
    full = [_last(walk, Item(i.v, (moved(i), size(i)), tuple(order)), (axis,))[0] for i in items]
    shape = np.broadcast_shapes(*(i.v.shape for i in full))
    turn, exact = slice(None, None, direction), all(i.whole and not i.parts for i in args)
    model = units(walk)

    def timed(x: Array) -> Array:
        return np.moveaxis(np.broadcast_to(x, shape)[..., turn], -1, 0)

    lines = [(timed(i.v), timed(i.parts[0]), timed(i.parts[1])) for i in full]
    state = tuple(x[0] for x in lines[2]) if len(lines) == 3 else _unit(monoid, shape[:-1])
    out = []
    for t in range(shape[-1]):
        after = step(state, [(v[t], e[t], a[t]) for v, e, a in lines], model)  # type: ignore[arg-type]
        out.append(after if own else state)
        state = after
    v, e, a = (np.moveaxis(np.stack(x)[turn], 0, -1) for x in zip(*out, strict=True))
    if exact and monoid in ("sum", "prod", "max", "min"):
        return made(v, np.zeros(()), (*rest, axis), whole=True)
    if monoid == "sum":
        e = e + charge(v, model, 1.0, a)  # in any order, not once per step
    return made(v, e, (*rest, axis), a)


def _unit(monoid: str, shape: tuple[int, ...]) -> Triple:
    value = {"sum": 0.0, "prod": 1.0, "min": np.inf}.get(monoid, -np.inf)
    return np.full(shape, value), np.zeros(shape), np.zeros(shape) + (monoid == "prod")


def _times(x: Triple, y: Triple, model: Units) -> Triple:
    a = times(x[2], y[2])
    v = np.where((x[0] == 0) | (y[0] == 0), 0.0, x[0] * y[0])
    return v, times(x[1], y[2]) + times(y[1], x[2]) + charge(v, model, 1.0, a), a


def _plus(x: Triple, y: Triple, model: Units) -> Triple:
    a = x[2] + y[2]
    alone = (x[2] == 0) | (y[2] == 0)
    return x[0] + y[0], x[1] + y[1] + np.where(alone, 0.0, charge(x[0] + y[0], model, 1.0, a)), a


def _log_sum(x: Triple, y: Triple, model: Units) -> Triple:
    v, left, right = _pair("logaddexp", x[0], y[0])
    near = np.where(np.isfinite(v), np.abs(v) + np.log(2.0), 0.0)
    dead = np.isinf(x[0]) | np.isinf(y[0])
    return v, times(x[1], left) + times(y[1], right) + np.where(dead, 0.0, model.unit * near), near


def _largest(x: Triple, y: Triple, sign: float) -> Triple:
    first = sign * x[0] >= sign * y[0]
    near = np.abs(x[0] - y[0]) <= x[1] + y[1]
    e = np.where(near, np.maximum(x[1], y[1]), np.where(first, x[1], y[1]))
    return np.where(first, x[0], y[0]), e, np.where(first, x[2], y[2])


_STEPS: dict[str, Callable[[Triple, list[Triple], Units], Triple]] = {
    "sum": lambda h, x, _: (h[0] + x[0][0], h[1] + x[0][1], h[2] + x[0][2]),
    "prod": lambda h, x, m: _times(h, x[0], m),
    "max": lambda h, x, _: _largest(h, x[0], 1.0),
    "min": lambda h, x, _: _largest(h, x[0], -1.0),
    "lse": lambda h, x, m: _log_sum(h, x[0], m),
    "affine": lambda h, x, m: _plus(_times(x[0], h, m), x[1], m),
    "log_affine": lambda h, x, m: _log_sum(_plus(x[0], h, m), x[1], m),
}
