"""Magnitude of a program: its formula on absolute values, every minus a plus, functions by value and slope.

It serves where nothing is known of the other kernel's algorithm: a healthy one stays within ``4 u M``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from dltsym.errors import UnsupportedError
from dltsym.lower.interpret.functions import FUNCTIONS
from dltsym.lower.interpret.model import F64
from dltsym.lower.interpret.sigma_axes import _last
from dltsym.lower.interpret.sigma_parts import times
from dltsym.lower.interpret.sigma_rules import _TURNED, _slope
from dltsym.lower.interpret.sigma_truths import _pair
from dltsym.lower.interpret.values import Array, Item, at_place, contracted, together, union
from dltsym.lower.interpret.walk import Rules, Walk, evaluate
from dltsym.lower.nodes import Node
from dltsym.lower.program import Program


def magnitude(program: Program, inputs: Mapping[str, Any]) -> dict[str, Array]:
    """Return the magnitude of every output.

    Parameters
    ----------
    program : Program
        Program.
    inputs : mapping
        Arguments in float64, batch dimensions leading.

    Returns
    -------
    dict
        Per output an array of its shape.
    """
    return {name: np.array(_size(item)) for name, item in evaluate(program, inputs, F64, RULES).items()}


def _size(item: Item) -> Array:
    return item.parts[0] if item.parts else np.abs(item.v)


def _made(v: Array, size: Array, axes: Any, **more: Any) -> Item:
    shape = np.broadcast_shapes(v.shape, size.shape)
    return Item(np.broadcast_to(v, shape), (np.broadcast_to(size, shape),), tuple(axes), ("m",), **more)


def _leaf(_walk: Walk, item: Item) -> Item:
    return _made(item.v, np.abs(item.v), item.axes, whole=item.whole)


def _added(_walk: Walk, _node: Node, args: list[Item]) -> Item:
    items, axes = together(args)
    return _made(sum((i.v for i in items), np.zeros(())), sum((_size(i) for i in items), np.zeros(())), axes)


def _multiplied(_walk: Walk, _node: Node, args: list[Item]) -> Item:
    items, axes = together(args)
    v, size = np.ones(()), np.ones(())
    for item in items:
        v, size = v * item.v, size * _size(item)
    return _made(v, size, axes)


def _contracted(walk: Walk, node: Node, args: list[Item]) -> Item:
    bound = node.data[-1]
    order = [a for a in union(args) if a not in bound]
    v, size = (
        contracted([(f(i), i.axes) for i in args], bound, order, walk.size) for f in (lambda i: i.v, _size)
    )  # fmt: skip
    return _made(v, size, order)


def _powered(_walk: Walk, node: Node, args: list[Item]) -> Item:
    p, x = float(node.data[0]), args[0].v
    v = np.sqrt(x) if p == 0.5 else x**p
    return _made(v, np.abs(v) + times(_size(args[0]), np.abs(p * x ** (p - 1))), args[0].axes)


def _function(name: str) -> Callable[[Walk, Node, list[Item]], Item]:
    f = FUNCTIONS.get(name) or _TURNED[name]

    def rule(_walk: Walk, _node: Node, args: list[Item]) -> Item:
        x = args[0].v
        v, slope = f.value(x), np.abs((f.steep or _slope(f))(x))
        dead = np.isinf(x)
        return _made(v, np.abs(v) + np.where(dead, 0.0, slope * _size(args[0])), args[0].axes)

    return rule


def _paired(_walk: Walk, node: Node, args: list[Item]) -> Item:
    items, axes = together(args)
    out = items[0]
    for item in items[1:]:
        v, left, right = _pair(node.op, out.v, item.v)
        out = _made(v, np.abs(v) + times(_size(out), np.abs(left)) + times(_size(item), np.abs(right)), axes)
    return out


def _stepped(_walk: Walk, node: Node, args: list[Item]) -> Item:
    f = {"sign": np.sign, "step": lambda x: (x > 0).astype(float), "floor": np.floor}[node.op]
    return _made(f(args[0].v), np.abs(f(args[0].v)), args[0].axes)


def _truth(_walk: Walk, node: Node, args: list[Item]) -> Item:
    items, axes = together(args)
    if node.op == "cmp":
        test = {"<": np.less, "<=": np.less_equal, "=": np.equal, "!=": np.not_equal}[node.data[0]]
        v = test(items[0].v, items[1].v).astype(float)
    elif node.op == "not":
        v = 1.0 - items[0].v
    else:
        v = items[0].v
        for item in items[1:]:
            v = np.minimum(v, item.v) if node.op == "and" else np.maximum(v, item.v)
    return _made(v, v, axes)


def _chosen(_walk: Walk, _node: Node, args: list[Item]) -> Item:
    (c, a, b), axes = together(args)
    return _made(np.where(c.v != 0, a.v, b.v), np.where(c.v != 0, _size(a), _size(b)), axes)


def _shares(walk: Walk, item: Item, axes: Any) -> tuple[Item, Any, Array, Array, Array]:
    full, rest = _last(walk, item, axes)
    over = tuple(range(-len(axes), 0))
    m = full.v.max(over, keepdims=True)
    terms = np.exp(full.v - np.where(np.isinf(m), 0.0, m))
    total = terms.sum(over, keepdims=True)
    p = terms / np.where(total == 0, 1.0, total)
    mean = times(p, _size(full)).sum(over, keepdims=True)
    return full, rest, p, mean, np.where(np.isinf(m), 0.0, m) + np.log(total)


def _softmax(walk: Walk, node: Node, args: list[Item]) -> Item:
    axes = node.data[0]
    full, rest, p, mean, lse = _shares(walk, args[0], axes)
    order = (*rest, *axes)
    if node.op == "softmax":
        return _made(p, times(p, 1 + _size(full) + mean), order)
    return _made(full.v - lse, np.where(np.isinf(full.v), 0.0, _size(full) + mean + np.abs(full.v - lse)), order)


def _reduced(walk: Walk, node: Node, args: list[Item]) -> Item:
    monoid, axes = node.data
    full, rest, _, mean, lse = _shares(walk, args[0], axes)
    flat = (*full.v.shape[: full.v.ndim - len(axes)], -1)
    x, size = full.v.reshape(flat), _size(full).reshape(flat)
    cut = (..., *[0] * len(axes))
    match monoid:
        case "lse":
            return _made(lse[cut], np.where(np.isinf(lse), 0.0, np.abs(lse) + mean)[cut], rest)
        case "max" | "min":
            best = (x if monoid == "max" else -x).argmax(-1)[..., None]
            v, top = (np.take_along_axis(y, best, -1)[..., 0] for y in (x, size))
            return _made(v, top, rest)
        case "prod":
            return _made(x.prod(-1), size.prod(-1) * x.shape[-1], rest)
        case "argmax" | "argmin":
            v = (x.argmax(-1) if monoid == "argmax" else x.argmin(-1)).astype(float)
            return _made(v, v, rest)
    raise UnsupportedError(f"the magnitude has no rule for the reduction {monoid}")


def _ordered(walk: Walk, node: Node, args: list[Item]) -> Item:
    kind, axis, k = node.data
    full, rest = _last(walk, args[0], (axis,))
    place = np.argsort(np.argsort(-full.v, -1, kind="stable"), -1, kind="stable").astype(float)
    v = place if kind == "rank" else (place < k).astype(float)
    return _made(v, v, (*rest, axis))


def _scanned(walk: Walk, node: Node, args: list[Item]) -> Item:
    monoid, axis, direction, own = node.data
    monoid = monoid.replace("-", "_")
    items, order = together(args)
    rest = [a for a in order if a != axis]
    full = [_last(walk, Item(i.v, i.parts, tuple(order), i.tags), (axis,))[0] for i in items]
    shape = np.broadcast_shapes(*(i.v.shape for i in full))
    turn = slice(None, None, direction)

    def timed(x: Array) -> Array:
        return np.moveaxis(np.broadcast_to(x, shape)[..., turn], -1, 0)

    step = _STEPS.get(monoid)
    if step is None:
        raise UnsupportedError(f"the magnitude has no rule for the scan {monoid}")
    lines = [(timed(i.v), timed(_size(i))) for i in full]
    unit = {"sum": 0.0, "prod": 1.0, "affine": None, "log_affine": None, "min": np.inf}.get(monoid, -np.inf)
    state = (
        (lines[2][0][0], lines[2][1][0])
        if unit is None
        else (np.full(shape[:-1], unit), np.zeros(shape[:-1]) + (monoid == "prod"))
    )
    out = []
    for t in range(shape[-1]):
        after = step(state, [(v[t], m[t]) for v, m in lines])
        out.append(after if own else state)
        state = after
    v, size = (np.moveaxis(np.stack(x)[turn], 0, -1) for x in zip(*out, strict=True))
    return _made(v, size, (*rest, axis))


Pair = tuple[Array, Array]


def _log_sum(x: Pair, y: Pair) -> Pair:
    v, left, right = _pair("logaddexp", x[0], y[0])
    return v, np.where(np.isfinite(v), np.abs(v), 0.0) + times(x[1], left) + times(y[1], right)


_STEPS: dict[str, Callable[[Pair, list[Pair]], Pair]] = {
    "sum": lambda h, x: (h[0] + x[0][0], h[1] + x[0][1]),
    "prod": lambda h, x: (h[0] * x[0][0], h[1] * x[0][1]),
    "max": lambda h, x: (np.maximum(h[0], x[0][0]), np.maximum(h[1], x[0][1])),
    "min": lambda h, x: (np.minimum(h[0], x[0][0]), np.maximum(h[1], x[0][1])),
    "lse": lambda h, x: _log_sum(h, x[0]),
    "affine": lambda h, x: (x[0][0] * h[0] + x[1][0], x[0][1] * h[1] + x[1][1]),
    "log_affine": lambda h, x: _log_sum((x[0][0] + h[0], np.where(np.isinf(h[0]), 0.0, x[0][1] + h[1])), x[1]),
}


def _scattered(walk: Walk, node: Node, args: list[Item]) -> Item:
    from dltsym.lower.interpret.sigma_cells import scattered

    plain = scattered(walk, node, [Item(i.v, (), i.axes) for i in args])
    size = scattered(walk, node, [Item(_size(args[0]), (), args[0].axes), Item(args[1].v, (), args[1].axes)])
    return _made(plain.v, size.v, plain.axes)


def _crossed(walk: Walk, node: Node, args: list[Item]) -> Item:
    (axis,) = node.data[-1]
    full, rest, _, mean, lse = _shares(walk, args[0], (axis,))
    return at_place(_made(lse - full.v, mean + _size(full) + np.abs(lse - full.v), (*rest, axis)), axis, args[1])


def _unfolded(walk: Walk, node: Node, _args: list[Item]) -> Item:
    from dltsym.lower.passes.cells import unfold

    return walk.item(unfold(walk.program.table, node))


RULES = Rules(
    "the magnitude",
    _leaf,
    {
        **{name: _function(name) for name in (*FUNCTIONS, *_TURNED)},
        "add": _added, "mul": _multiplied, "pow": _powered, "contract": _contracted,
        "sign": _stepped, "step": _stepped, "floor": _stepped,
        "maximum": _paired, "minimum": _paired, "logaddexp": _paired, "xlogy": _paired,
        "cmp": _truth, "and": _truth, "or": _truth, "not": _truth, "where": _chosen,
        "softmax": _softmax, "log_softmax": _softmax, "reduce": _reduced, "scan": _scanned, "order": _ordered,
        "scatter": _scattered, "cross_entropy": _crossed,
        "sdpa": _unfolded, "sqdist": _unfolded, "logmm": _unfolded,
    },
    lambda out, _slots: out,
    lambda out, _model: out,
)  # fmt: skip
