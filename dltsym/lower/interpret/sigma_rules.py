"""Rules of the statistical model for arithmetic, named functions, truths and contractions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from dltsym.lower.axes import Axis
from dltsym.lower.interpret.bound_functions import HOSTED
from dltsym.lower.interpret.bound_parts import normal
from dltsym.lower.interpret.functions import FUNCTIONS, Fn, ulp
from dltsym.lower.interpret.model import F64, Model
from dltsym.lower.interpret.sigma_parts import (
    LEAST,
    arithmetic,
    converted,
    made,
    noise,
    parts_of,
    summing,
    times,
    unit,
    variance,
)  # fmt: skip
from dltsym.lower.interpret.values import Array, Item, contracted, laid, together, union
from dltsym.lower.interpret.walk import Rule, Walk
from dltsym.lower.nodes import Node


def _exact(items: list[Item], v: Array) -> bool:
    return all(i.whole for i in items) and bool((np.abs(v) * F64.u <= 1).all())


def added(walk: Walk, _node: Node, args: list[Item]) -> Item:
    """Add variances, and the rounding of every partial sum.

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
    laid_out, axes = together(items)
    v, seen, parts = laid_out[0].v, list(items[0].axes), parts_of(laid_out[0])
    for item, own in zip(laid_out[1:], items[1:], strict=True):
        v = v + item.v
        seen += [a for a in own.axes if a not in seen]
        parts += parts_of(item)
        if not _exact(items, v) and not (item.v.ndim == 0 and item.v == 0):
            parts.append(noise(v, model, seen))
    facts = {"host": host, "whole": all(i.whole for i in items), "nonneg": all(i.nonneg for i in items)}
    return made(v, parts, axes, **facts)


def multiplied(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Add relative variances, and the rounding of every partial product.

    Parameters
    ----------
    walk : Walk
        Evaluation.
    node : Node
        Product.
    args : list of Item
        Operands.

    Returns
    -------
    Item
    """
    return product(args, walk.model)


def product(args: list[Item], model: Model) -> Item:
    """Propagate variances through a product.

    Parameters
    ----------
    args : list of Item
        Factors.
    model : Model
        Arithmetic of the kernel.

    Returns
    -------
    Item
    """
    items, model, host = arithmetic(args, model)
    laid_out, axes = together(items)
    v, seen, parts = laid_out[0].v, list(items[0].axes), parts_of(laid_out[0])
    for item, own, last in zip(laid_out[1:], items[1:], items[:-1], strict=True):
        parts = [(tag, times(w, item.v**2)) for tag, w in parts]
        parts += [(tag, times(w, v**2)) for tag, w in parts_of(item)]
        v = v * item.v
        seen += [a for a in own.axes if a not in seen]
        if not (_dyadic(own) or _dyadic(last) or _exact(items, v)):
            parts.append(noise(v, model, seen))
    facts = {"host": host, "whole": all(i.whole for i in items), "nonneg": all(i.nonneg for i in items)}
    return made(v, parts, axes, **facts)


def _dyadic(item: Item) -> bool:
    return item.v.ndim == 0 and not item.parts and bool(np.abs(np.frexp(item.v)[0]) == 0.5)


def applied(walk: Walk, item: Item, f: Fn, calls: Array | float, host: bool = True) -> Item:
    """Propagate variances through a function by its slope, or by what six deviations do to it if that is more.

    Parameters
    ----------
    walk : Walk
        Evaluation.
    item : Item
        Argument.
    f : Fn
        Function.
    calls : float
        Units of rounding.
    host : bool
        Whether a call with a host number runs on the host.

    Returns
    -------
    Item
    """
    model = F64 if item.host and host else walk.model
    item = item if item.host and host else converted(item, walk.model)
    x, v = item.v, f.value(item.v)
    parts = []
    if item.parts:
        w = variance(item)
        parts = [(tag, times(share, _moved(f, x, v, w))) for tag, share in parts_of(item)]
    if f.steep_tail:
        calls = calls + x * x
    extra = unit(model.u) * f.floor * calls
    parts.append(noise(v, model, item.axes, calls * model.calls))
    lost = max(normal(model) ** 2, LEAST) if f.flushed else 0.0
    parts.append((frozenset(item.axes), np.where(np.isfinite(v), extra**2 + lost, 0.0)))
    return made(v, parts, item.axes, host=item.host)


def _moved(f: Fn, x: Array, v: Array, w: Array) -> Array:
    """Return the factor from the variance of an argument to that of the value."""
    reach = 6 * np.sqrt(w)
    low, high = np.abs(f.value(x - reach) - v), np.abs(f.value(x + reach) - v)
    far = np.where(np.isnan(low) | np.isnan(high), np.inf, np.maximum(low, high)) ** 2 / np.where(w == 0, 1, 36 * w)
    slope = (f.steep or _slope(f))(x) ** 2
    # The first order suffices but for large errors: an exponential makes them lopsided, a logarithm leaves its domain.
    return np.where(np.isfinite(slope) & (far < 1.2 * slope), slope, far)


def _slope(f: Fn) -> Callable[[Array], Array]:
    def slope(x: Array) -> Array:
        h = 1e-6 * (1 + np.abs(x))
        return (f.value(x + h) - f.value(x - h)) / (2 * h)

    return slope


def powered(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Propagate variances through a constant power.

    Parameters
    ----------
    walk : Walk
        Evaluation.
    node : Node
        Power.
    args : list of Item
        The base.

    Returns
    -------
    Item
    """
    p = float(node.data[0])
    f = Fn(lambda x: np.sqrt(x) if p == 0.5 else x**p, steep=lambda x: p * x ** (p - 1))
    out = applied(walk, args[0], f, 1.0 if p in (2.0, -1.0, 0.5) else 2.0 if p == -0.5 else 3.0)
    if p > 0 and p == int(p) and _exact(args, out.v):
        exact = applied(walk, args[0], f, 0.0)
        return replace(exact, whole=True)
    return out


def function(name: str) -> Rule:
    """Return the rule of a row of `FUNCTIONS`.

    Parameters
    ----------
    name : str
        Row.

    Returns
    -------
    callable
    """

    def rule(walk: Walk, _node: Node, args: list[Item]) -> Item:
        x = args[0]
        if name == "abs":
            return made(np.abs(x.v), parts_of(x), x.axes, host=x.host, whole=x.whole)
        return applied(walk, x, FUNCTIONS[name], ulp(name), name in HOSTED)

    return rule


_TURNED = {
    "sin": Fn(np.sin, steep=np.cos),
    "cos": Fn(np.cos, steep=np.sin),
    "tan": Fn(np.tan, steep=lambda x: 1 + np.tan(x) ** 2),
}


def turned(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Propagate variances through a circular function.

    Parameters
    ----------
    walk : Walk
        Evaluation.
    node : Node
        ``sin``, ``cos`` or ``tan``.
    args : list of Item
        The angle.

    Returns
    -------
    Item
    """
    return applied(walk, args[0], _TURNED[node.op], ulp(node.op), False)


def contraction(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Propagate variances through a sum of products.

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
        items = [
            _cast(i, walk.model.weights) if a.op == "softmax" else i for i, a in zip(items, node.args, strict=True)
        ]
    return summed(walk, items, node.data[-1])


def summed(walk: Walk, items: list[Item], bound: Sequence[Axis]) -> Item:
    """Propagate variances through the sum over axes of a product of items.

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
    v = contracted([(i.v, i.axes) for i in items], bound, order, walk.size)
    if len(items) == 2 and model.gemm:
        items = [_cast(i, model.gemm) for i in items]
    parts = [
        (tag, _through(walk, items, r, tag, w, bound, order)) for r, one in enumerate(items) for tag, w in parts_of(one)
    ]
    squares = contracted([(i.v**2, i.axes) for i in items], bound, order, walk.size)
    terms = float(np.prod([walk.size(b) for b in bound], dtype=float))
    local = summing(squares, v, terms, replace(model, block=model.panel) if _matrix(items) else model)
    if model.fma and _matrix(items):
        local = np.maximum(local, unit(model.u_a) ** 2 * squares)  # one term is rounded once
    elif len(items) > 1:
        # Factors with the same axes are multiplied first, in the storage type; a matrix product keeps them wide.
        u = model.u_a if _matrix(items) else max(model.u, model.u_a)
        local = local + (len(items) - 1) * unit(u) ** 2 * squares
    if _exact(items, v):
        return made(v, parts, order, whole=True)
    parts.append((frozenset(order), local))
    if model.u > model.u_a:
        parts.append(noise(v, model, order))
    return made(v, parts, order, nonneg=all(i.nonneg for i in items))


def _matrix(items: list[Item]) -> bool:
    return len(items) == 2 and set(items[0].axes) != set(items[1].axes)


def _cast(item: Item, u: float) -> Item:
    return made(item.v, [*parts_of(item), (frozenset(item.axes), (unit(u) * item.v) ** 2)], item.axes)


def _through(walk: Walk, items: list[Item], r: int, tag: frozenset[Axis], w: Array, bound: Sequence[Axis],
             order: list[Axis]) -> Array:  # fmt: skip
    others = [(i.v, i.axes) for q, i in enumerate(items) if q != r]
    common = [b for b in bound if b not in tag]
    alone = [b for b in bound if b in tag]
    if not common:
        return contracted([(w, items[r].axes), *((x * x, a) for x, a in others)], bound, order, walk.size)
    kept = [*order, *alone]
    amplitude = contracted(
        [(np.sqrt(w), items[r].axes), *((np.abs(x), a) for x, a in others)], common, kept, walk.size
    )  # fmt: skip
    squared = amplitude**2
    return laid(squared.sum(tuple(range(-len(alone), 0))) if alone else squared, order, order)
