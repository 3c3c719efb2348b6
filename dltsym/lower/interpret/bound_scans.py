"""Rules of the worst-case bound for scans and for the cells of the last pass; proofs in docs/explain/rounding.md.

A scan may run entry by entry, in chunks or in a tree: the bounds hold for all three. ``log-affine`` runs entry by
entry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from dltsym.errors import UnsupportedError
from dltsym.lower.axes import Axis
from dltsym.lower.interpret.bound_axes import _lse_error, shares
from dltsym.lower.interpret.bound_parts import TINY, converted, error, growth, made, model_calls, settled
from dltsym.lower.interpret.functions import worst
from dltsym.lower.interpret.model import U64, Model
from dltsym.lower.interpret.values import Array, Item, aligned, at_place, together
from dltsym.lower.interpret.walk import Walk
from dltsym.lower.nodes import Node


@dataclass(frozen=True)
class Line:
    """One operand of a scan with the time first: values, magnitudes and bounds."""

    v: Array
    e: Array

    @property
    def high(self) -> Array:
        """The largest magnitude of each computed entry."""
        return np.abs(self.v) + self.e


def scanned(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Bound a prefix or suffix fold.

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
    whole = monoid in ("sum", "prod", "max", "min") and all(a.whole and not a.parts for a in args)
    items = list(args) if whole else [converted(a, walk.model) for a in args]
    lines, rest = timed(items, axis, walk.size(axis), direction)
    rule = {
        "sum": _sum,
        "prod": _prod,
        "max": _max,
        "min": _min,
        "lse": _lse,
        "affine": _affine,
        "log_affine": _log_affine,
    }.get(monoid.replace("-", "_"))
    if rule is None:
        raise UnsupportedError(f"the error bound has no rule for the scan {monoid}")
    v, e = rule(lines, walk.model)
    e = np.zeros(v.shape) if whole else e
    if not own:
        first = lines[2] if len(lines) == 3 else Line(*_unit(monoid, lines[0].v))
        v = np.concatenate([np.broadcast_to(first.v[:1], v[:1].shape), v[:-1]])
        e = np.concatenate([np.broadcast_to(first.e[:1], e[:1].shape), e[:-1]])
    v, e = (x[::-1] if direction < 0 else x for x in (v, e))
    nonneg = monoid in ("sum", "prod", "max", "min", "affine") and all(i.nonneg for i in items)
    return made(np.moveaxis(v, 0, -1), np.moveaxis(e, 0, -1), (*rest, axis), nonneg=nonneg, whole=whole)


def timed(items: Sequence[Item], axis: Axis, length: int, direction: int) -> tuple[list[Line], list[Axis]]:
    """Lay operands out with the axis of the scan first, in the order in which it runs.

    Parameters
    ----------
    items : sequence of Item
        Operands.
    axis : Axis
        Axis.
    length : int
        Its length.
    direction : int
        1 or -1.

    Returns
    -------
    tuple
        Operands and the other axes.
    """
    laid, order = together(items)
    rest = [a for a in order if a != axis]
    full = [aligned(Item(i.v, i.parts, order), (*rest, axis)) for i in laid]
    shape = (*np.broadcast_shapes(*(i.v.shape[:-1] for i in full)), length)
    arrays = [[np.broadcast_to(x, shape) for x in (i.v, error(i))] for i in full]
    turn = slice(None, None, direction)
    return [Line(*(np.moveaxis(x[..., turn], -1, 0) for x in pair)) for pair in arrays], rest


def _unit(monoid: str, like: Array) -> tuple[Array, Array]:
    value = {"sum": 0.0, "prod": 1.0, "max": -np.inf, "min": np.inf, "lse": -np.inf}[monoid]
    return np.full_like(like, value), np.zeros_like(like)


def _run(step: Callable[[int, Array], Array], start: Array, length: int) -> Array:
    out = np.empty((length, *start.shape))
    for t in range(length):
        out[t] = start = step(t, start)
    return out


def _steps(x: Array) -> Array:
    return np.arange(1.0, len(x) + 1).reshape(-1, *(1,) * (x.ndim - 1))


def _sum(lines: list[Line], model: Model) -> tuple[Array, Array]:
    x = lines[0]
    v, size, t = np.cumsum(x.v, 0), np.cumsum(x.high, 0), _steps(x.v)
    out = np.cumsum(x.e, 0) + (np.expm1(t * np.log1p(model.u_a)) + np.expm1(t * np.log1p(U64))) * size
    out = settled(v, out + t * (model.eta_a + TINY), model)
    out = np.where(size * 1.01 > model.top_a, np.inf, out)
    return v, np.where(size == 0, 0.0, out)


def _prod(lines: list[Line], model: Model) -> tuple[Array, Array]:
    x, t, one = lines[0], _steps(lines[0].v), np.ones(lines[0].v.shape[1:])
    v, size = np.cumprod(x.v, 0), np.cumprod(x.high, 0)
    low, high = np.cumprod(np.abs(x.v), 0), np.cumprod(np.maximum(x.high, 1.0), 0)
    before = np.concatenate([one[None], low[:-1]])
    out = _run(lambda k, d: d * x.high[k] + before[k] * x.e[k], 0 * one, len(v))
    out = out + (np.expm1(t * np.log1p(model.u_a)) + np.expm1(t * np.log1p(U64))) * size
    out = settled(v, out + t * (model.eta_a + TINY) * high, model)
    nil = np.maximum.accumulate((x.v == 0) & (x.e == 0), 0) & np.isfinite(high) & (high <= model.top_a)
    return v, np.where(nil, 0.0, np.where(high > model.top_a, np.inf, out))


def _max(lines: list[Line], model: Model) -> tuple[Array, Array]:
    return np.maximum.accumulate(lines[0].v, 0), np.maximum.accumulate(lines[0].e, 0)


def _min(lines: list[Line], model: Model) -> tuple[Array, Array]:
    return np.minimum.accumulate(lines[0].v, 0), np.maximum.accumulate(lines[0].e, 0)


def _lse(lines: list[Line], model: Model) -> tuple[Array, Array]:
    x = lines[0]
    return np.logaddexp.accumulate(x.v, 0), _log_error(x, model, _steps(x.v))


def _log_error(x: Line, model: Model, t: Array) -> Array:
    # Every entry passes at most t additions in the logarithm, or t rescalings by the exponential of a difference.
    dead = (x.v == -np.inf) & (x.e == 0)
    shift = np.maximum.accumulate(np.where(dead, 0.0, x.e), 0)
    reach = np.maximum.accumulate(np.where(dead, 0.0, np.abs(x.v)), 0) + shift + np.log(t)
    calls = (worst("logaddexp") + worst("exp") + 2) * model_calls(model) * model.u + 32 * U64
    out = shift + t * (calls * (2 * reach + 2) + 2 * (model.eta + TINY))
    out = np.where(2 * reach + out > model.top, np.inf, out)
    return np.where(np.minimum.accumulate(dead, 0), 0.0, out)


def _affine(lines: list[Line], model: Model) -> tuple[Array, Array]:
    a, b, start = lines
    depth = 3 + np.ceil(np.log2(max(len(a.v), 2)))
    grown = [growth(2, u) for u in (model.u_a, U64)]
    fixed = [growth(depth, u) for u in (model.u_a, U64)]
    v = _run(lambda t, h: a.v[t] * h + b.v[t], start.v[0], len(a.v))
    size = _run(lambda t, h: a.high[t] * h + b.high[t], start.high[0], len(a.v)) * (1 + sum(fixed))
    # Upper sums: as `size`, with both roundings in every step.
    tall = _run(
        lambda t, h: a.high[t] * (1 + sum(grown)) * h + b.high[t] * (1 + sum(fixed)),
        start.high[0] * (1 + sum(fixed)), len(a.v),
    )  # fmt: skip
    previous = np.concatenate([start.high[:1] * (1 + sum(fixed)), tall[:-1]])
    more = b.e + sum(fixed) * b.high
    out = _run(
        lambda t, d: np.abs(a.v[t]) * d + (a.e[t] + sum(grown) * a.high[t]) * previous[t] + more[t],
        start.e[0] + sum(fixed) * start.high[0], len(a.v),
    )  # fmt: skip
    reach = _run(lambda t, q: np.maximum(a.high[t] * q, 1.0), np.ones(a.v.shape[1:]), len(a.v))
    most = np.maximum(np.maximum.accumulate(np.maximum(tall, start.high), 0), 1.0)
    drop = 4 * (len(a.v) + 1) * (model.eta_a + TINY) * np.maximum.accumulate(reach, 0) * most
    out = settled(v, out + drop, model)
    bad = np.maximum.accumulate(reach, 0) * most > model.top_a
    still = (size == 0) & np.minimum.accumulate((b.high == 0) & ((a.e == 0) | (start.high == 0)), 0)
    return v, np.where(bad, np.inf, np.where(still, 0.0, out))


def _log_affine(lines: list[Line], model: Model) -> tuple[Array, Array]:
    a, b, start = lines
    calls = (worst("logaddexp") + 1) * model_calls(model) * model.u_a + 32 * U64
    v, e, h, d = np.empty(b.v.shape), np.empty(b.v.shape), start.v[0], start.e[0]
    for t in range(len(v)):
        x, dx = a.v[t] + h, d + a.e[t]
        dead = (x == -np.inf) & (dx == 0)
        dx = np.where(dead, 0.0, dx + (model.u_a + 4 * U64) * (np.abs(x) + dx) + model.eta_a)
        h = np.logaddexp(x, b.v[t])
        fine = 1 + 32 * U64 * sum(np.where(np.isinf(z), 0.0, np.abs(z)) for z in (h, x, np.ones(())))
        left, right = (np.where(np.isinf(z), 0.0, np.exp(z - h) * fine) for z in (x, b.v[t]))
        lost = np.where(np.isinf(h), dx + b.e[t], np.log1p(left * np.expm1(dx) + right * np.expm1(b.e[t])))
        d = lost + calls * (np.abs(h) + np.log(2.0) + lost) + model.eta_a + TINY
        d = np.where(np.isnan(d) | (np.abs(h) + d > model.top_a), np.inf, d) * (1 + 2.0**-40)
        d = np.where((h == -np.inf) & dead & (b.e[t] == 0), 0.0, d)
        v[t], e[t] = h, d
    return v, np.where(e == 0, 0.0, settled(np.where(np.isinf(v), 0.0, v), e, model))


# Cells


def scattered(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Bound sums of entries by their place, in any order.

    Parameters
    ----------
    walk : Walk
        Evaluation.
    node : Node
        ``scatter`` of values and places; data holds the new axis and the axes that are summed over.
    args : list of Item
        Values and places.

    Returns
    -------
    Item
    """
    into, bound = node.data
    model = walk.model
    source, place = args[0] if args[0].whole else converted(args[0], model), args[1]
    (x, where), order = together([source, place])
    rest = tuple(a for a in order if a not in bound)
    x, where = (aligned(Item(i.v, i.parts, order), (*rest, *bound)) for i in (x, where))
    shape = (*np.broadcast_shapes(x.v.shape, where.v.shape)[: x.v.ndim - len(bound)], *(walk.size(b) for b in bound))
    index = np.broadcast_to(where.v, shape).astype(np.int64).reshape(*shape[: len(shape) - len(bound)], -1)

    def gathered(values: Array) -> Array:
        flat = np.broadcast_to(values, shape).reshape(index.shape)
        out = np.zeros((*index.shape[:-1], walk.size(into)))
        rows = np.indices(index.shape)[:-1]
        np.add.at(out, (*rows, index), flat)
        return out

    v, size = gathered(x.v), gathered(np.abs(x.v) + error(x))
    n = gathered(np.ones(()))
    e = gathered(error(x)) + (np.expm1(n * np.log1p(model.u_a)) + np.expm1(n * np.log1p(U64))) * size
    e = settled(v, e + n * (model.eta_a + TINY), model)
    e = np.where(size * 1.01 > model.top_a, np.inf, np.where(size == 0, 0.0, e))
    e = np.zeros(v.shape) if source.whole and not source.parts else e
    doubt = np.full(v.shape, np.inf) if error(where).any() else e
    return made(v, doubt, (*rest, into), nonneg=x.nonneg, whole=source.whole)


def crossed(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Bound the negative logarithm of one share of a softmax, however it is grouped.

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
    (axis,), model = node.data[-1], walk.model
    x = converted(args[0], model)
    rest = tuple(a for a in x.axes if a != axis)
    full = aligned(x, (*rest, axis))
    s = shares(full, 1, model)
    v = s.m + np.log(s.total) - full.v
    e = s.far + _lse_error(s, model) + (model.u + 4 * U64) * (np.abs(full.v - s.m) + np.abs(v)) + 2 * model.eta
    at = at_place(made(v, settled(v, e, model), (*rest, axis)), axis, args[1])
    return made(at.v, np.where(error(args[1]).any(), np.inf, error(at)), at.axes)
