"""The tensor IR by plain loops: one number at a time, for tests. Nothing here is shared with the printers."""

import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from dltsym.lower.axes import Axis, Shift, Slot
from dltsym.lower.nodes import Node, bound_axes
from dltsym.lower.program import Program

_CMP: dict[str, Callable[[float, float], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}
_ONE: dict[str, Any] = {
    "and": lambda *truths: all(truths),
    "or": lambda *truths: any(truths),
    "not": lambda truth: not truth,
    "exp": math.exp,
    "log": lambda x: math.log(x) if x else -math.inf,
    "tanh": math.tanh,
    "abs": abs,
    "maximum": max,
    "minimum": min,
    "log1mexp": lambda x: math.log(-math.expm1(-x)),
    "softplus": lambda x: max(x, 0) + math.log1p(math.exp(-abs(x))),
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "phi1": lambda z: math.expm1(z) / z if z else 1.0,
    "sqrt": math.sqrt,
    "lgamma": math.lgamma,
    "erf": math.erf,
}


def plain(program: Program, arrays: Mapping[str, np.ndarray], sizes: Mapping[str, int]) -> list[np.ndarray]:
    """Return the outputs of a program without batch dimensions.

    Parameters
    ----------
    program : Program
        Program.
    arrays : mapping of str to ndarray
        Values of the inputs.
    sizes : mapping of str to int
        Values of the sizes.

    Returns
    -------
    list of ndarray
    """
    out = []
    for o in program.outputs:
        shape = [_size(a, sizes) for a in o.axes]
        entries = [
            _value(o.node, dict(zip(o.axes, at, strict=True)), arrays, sizes)
            for at in itertools.product(*map(range, shape))
        ]
        out.append(np.array(entries, dtype=float).reshape(shape))
    return out


def _size(axis: Axis, sizes: Mapping[str, int]) -> int:
    return eval(axis.size, {}, dict(sizes))


def _value(node: Node, at: dict[Axis, int], arrays: Mapping[str, np.ndarray], sizes: Mapping[str, int]) -> float:
    def go(n: Node, more: dict[Axis, int] | None = None) -> float:
        return _value(n, {**at, **(more or {})}, arrays, sizes)

    def points(axes: tuple[Axis, ...]) -> list[dict[Axis, int]]:
        return [dict(zip(axes, p, strict=True)) for p in itertools.product(*(range(_size(a, sizes)) for a in axes))]

    match node.op:
        case "num":
            return float(node.data[0])
        case "const":
            return getattr(math, node.data[0])
        case "size":
            return eval(node.data[0], {}, dict(sizes))
        case "iota":
            return at[node.data[0]]
        case "ref":
            name, places = node.data
            return float(arrays[name][tuple(_place(p, at, node, go) for p in places)])
        case "add":
            return sum(go(a) for a in node.args)
        case "mul":
            return math.prod(go(a) for a in node.args)
        case "pow":
            return go(node.args[0]) ** float(node.data[0])
        case "where":
            return go(node.args[1] if go(node.args[0]) else node.args[2])
        case "cmp":
            return _CMP[node.data[0]](go(node.args[0]), go(node.args[1]))
        case "contract":
            return sum(math.prod(go(a, p) for a in node.args) for p in points(bound_axes(node)))
        case "reduce":
            return _folded(node.data[0], [go(node.args[0], p) for p in points(bound_axes(node))])
        case "softmax" | "log_softmax":
            total = _folded("lse", [go(node.args[0], p) for p in points(node.data[0])])
            log = go(node.args[0]) - total if total > -math.inf else -math.inf
            return log if node.op == "log_softmax" else math.exp(log)
        case "take":
            axis, place = node.data
            return go(node.args[0], {axis: int(go(node.args[1])) if isinstance(place, Slot) else place})
    return _ONE[node.op](*(go(a) for a in node.args))


def _place(place: object, at: dict[Axis, int], node: Node, go: Callable[[Node], float]) -> int:
    if isinstance(place, Shift):
        return at[place.axis] + place.by
    if isinstance(place, Slot):
        return int(go(node.args[place.arg]))
    return at[place] if isinstance(place, Axis) else place  # type: ignore[return-value]


def _folded(monoid: str, values: list[float]) -> float:
    match monoid:
        case "max":
            return max(values)
        case "min":
            return min(values)
        case "prod":
            return math.prod(values)
        case "sum":
            return sum(values)
        case "argmax":
            return values.index(max(values))
        case "argmin":
            return values.index(min(values))
    top = max(values)
    return top + math.log(sum(math.exp(v - top) for v in values)) if top > -math.inf else top
