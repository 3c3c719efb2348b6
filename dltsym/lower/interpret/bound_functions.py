"""Rules of the worst-case bound for named functions; proofs in docs/explain/rounding.md."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dltsym.lower.interpret.bound_parts import (
    TINY,
    ZERO,
    converted,
    error,
    growth,
    made,
    model_calls,
    normal,
    settled,
)
from dltsym.lower.interpret.functions import EVALUATOR, FUNCTIONS, Fn, kl_inverse, log_binomial, worst
from dltsym.lower.interpret.model import F64, U64, Model
from dltsym.lower.interpret.values import Array, Item, together
from dltsym.lower.interpret.walk import Rule, Walk
from dltsym.lower.nodes import Node

HOSTED = frozenset({"log", "sqrt"})
"""Functions that run on the host when their argument does; the printers turn any other argument into an array."""
POSITIVE = frozenset({"exp", "softplus", "sigmoid", "sqrt", "rsqrt", "cosh", "sech2", "expm1mx", "phi1", "erfc"})
"""Functions whose computed values cannot be negative."""
ODD = frozenset({"log1p", "expm1", "asin", "atan", "sinh", "tanh", "erf", "log_cosh", "xexpx"})
"""Functions whose computed values cannot be negative where the argument is not."""


def moved(f: Fn, v: Array, e: Array, nonneg: bool = False) -> tuple[Array, Array]:
    """Return the value of a function and how far it can move on an interval: it is monotone between its turns.

    Parameters
    ----------
    f : Fn
        Function.
    v, e : ndarray
        Middle and radius of the interval.
    nonneg : bool
        Whether the argument cannot be negative.

    Returns
    -------
    tuple of ndarray
    """
    value = f.value(v)
    if not e.any():
        return value, np.broadcast_to(ZERO, value.shape)
    lo, hi = np.nextafter(v - e, -np.inf), np.nextafter(v + e, np.inf)
    if nonneg:
        lo = np.maximum(lo, 0.0)
    ends = [f.value(lo), f.value(hi)]
    for turn in f.turns:
        ends.append(np.where((lo < turn) & (turn < hi), f.value(np.array(turn)), value))
    far = np.max([np.abs(end - value) for end in ends], axis=0)
    size = np.max([np.abs(end) for end in (*ends, value)], axis=0)
    far = far + 2 * EVALUATOR * U64 * (size + f.floor)
    if f.above is not None:
        far = np.where(lo <= f.above, np.inf, far)
    return value, np.where(e == 0, 0.0, np.where(np.isfinite(e), far, np.inf))


def applied(walk: Walk, item: Item, f: Fn, calls: float, host: bool = True) -> Item:
    """Bound a function of one argument that is monotone between its turns.

    Parameters
    ----------
    walk : Walk
        Evaluation.
    item : Item
        Argument.
    f : Fn
        Function.
    calls : float
        Error of one call in units of rounding.
    host : bool
        Whether a call with a host number runs on the host.

    Returns
    -------
    Item
    """
    item, model = _operand(walk, item, host)
    e = error(item)
    v, far = moved(f, item.v, e, item.nonneg)
    if f.above is not None:
        far = np.where((item.v < f.above) | ((item.v == f.above) & (f.pole != f.above)), np.inf, far)
    units = calls * model_calls(model)
    if f.steep_tail:
        units = units + 4 * ((np.abs(item.v) + e) ** 2 + 1)
    out = settled(v, far, model, units, f.floor) + (normal(model) if f.steep_tail or f.flushed else 0.0)
    exact = (e == 0) & (np.isinf(item.v) & ((v == 0) | np.isinf(v)))
    if f.kept:
        exact = exact | ((e == 0) & (item.v == 0))
    if f.pole is not None:
        exact = exact | ((e == 0) & (item.v == f.pole))
    return made(v, np.where(exact & ~np.isnan(v), 0.0, out), item.axes, host=item.host)


def _operand(walk: Walk, item: Item, host: bool) -> tuple[Item, Model]:
    if item.host and host:
        return item, walk.model if walk.model.u == 0 else F64
    return converted(item, walk.model), walk.model


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
    f = FUNCTIONS[name]

    def rule(walk: Walk, node: Node, args: list[Item]) -> Item:
        if name == "abs":
            x = converted(args[0], walk.model) if args[0].host else args[0]
            return made(np.abs(x.v), error(x), x.axes, host=x.host, whole=x.whole, nonneg=True)
        out = applied(walk, args[0], f, worst(name), name in HOSTED)
        if name == "phi1":
            # Printed as expm1(D A) / A where it is multiplied by D: the product D A may lose digits to underflow.
            e = error(args[0])
            left = np.maximum(np.abs(args[0].v) - e, TINY)
            lost = np.where((args[0].v == 0) & (e == 0), 0.0, np.minimum(walk.model.eta / left, 1.0))
            out = made(out.v, error(out) + lost, out.axes, host=out.host)
        if name == "exp" and node.args[0].op == "log_softmax":
            out = _share(walk, node.args[0], args[0], out)
        return replace(out, nonneg=name in POSITIVE or (name in ODD and args[0].nonneg))

    return rule


def _share(walk: Walk, row: Node, log: Item, out: Item) -> Item:
    """Bound ``exp(log_softmax x)`` by what a share can be: the logarithm subtracted is that of 1 or more."""
    model, count = walk.model, float(np.prod([walk.size(a) for a in row.data[0]], dtype=float))
    calls = (worst("exp") + worst("log")) * model_calls(model) * model.u + 2 * EVALUATOR * U64
    slack = np.expm1(2 * (growth(count + 8, max(model.u, model.u_a)) + growth(count + 8, U64) + calls))
    most = np.where(np.isfinite(error(log)), np.maximum(out.v, slack + 1 - out.v) + 2 * (model.eta + TINY), np.inf)
    return made(out.v, np.fmin(error(out), most), out.axes, host=out.host)


def turned(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Bound a circular function: sine and cosine never stretch, the tangent is monotone between its poles.

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
    item, model = _operand(walk, args[0], False)
    e, f = error(item), {"sin": np.sin, "cos": np.cos, "tan": np.tan}[node.op]
    v = f(item.v)
    if node.op == "tan":
        near = np.abs(item.v - (np.floor(item.v / np.pi) + 0.5) * np.pi) - e - 8 * U64 * (np.abs(item.v) + 1)
        _, far = moved(Fn(np.tan), item.v, e)
        far = np.where((near > 0) | (e == 0), far, np.inf)
    else:
        far = np.where(np.isfinite(e), np.minimum(e, 2.0), np.inf)
    out = settled(v, far, model, worst(node.op) * model_calls(model))
    fixed = (e == 0) & (item.v == 0) & (node.op != "cos")
    return made(v, np.where(fixed, 0.0, out), item.axes, host=item.host)


def stepped(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Bound a step function by its values at both ends of the interval.

    Parameters
    ----------
    walk : Walk
        Evaluation.
    node : Node
        ``sign``, ``step`` or ``floor``.
    args : list of Item
        Argument.

    Returns
    -------
    Item
    """
    f = {"sign": np.sign, "step": lambda x: (x > 0).astype(float), "floor": np.floor}[node.op]
    item, e = args[0], error(args[0])
    v = f(item.v)
    lo, hi = f(np.nextafter(item.v - e, -np.inf)), f(np.nextafter(item.v + e, np.inf))
    far = np.maximum(hi - v, v - lo)
    nonneg = node.op == "step" or item.nonneg
    far = np.where(np.isfinite(e) | (node.op != "floor"), far, np.inf)
    return made(v, np.where(e == 0, 0.0, far), item.axes, host=item.host, nonneg=nonneg)


def xlogy(walk: Walk, _node: Node, args: list[Item]) -> Item:
    """Bound ``x log y``, which is 0 at ``x = 0``, by telescoping.

    Parameters
    ----------
    walk : Walk
        Evaluation.
    args : list of Item
        Both arguments.

    Returns
    -------
    Item
    """
    items, model, host = [converted(a, walk.model) for a in args], walk.model, False
    (x, y), axes = together(items)
    log, far = moved(FUNCTIONS["log"], y.v, error(y), y.nonneg)
    v = np.where(x.v == 0, 0.0, x.v * log)
    nil = (x.v == 0) & (error(x) == 0)
    e = (np.abs(x.v) + error(x)) * far + error(x) * np.abs(log)
    out = settled(v, e, model, worst("xlogy") * model_calls(model))
    return made(v, np.where(nil, 0.0, out), axes, host=host)


def counted(walk: Walk, _node: Node, args: list[Item]) -> Item:
    """Bound ``log_binomial``, whose slopes are at most ``log(n + 1) + 0.6`` in size (DLMF 5.11, 5.15).

    Parameters
    ----------
    walk : Walk
        Evaluation.
    args : list of Item
        Both arguments.

    Returns
    -------
    Item
    """
    (n, k), axes = together([converted(a, walk.model) for a in args])
    e = error(n) + error(k)
    v = log_binomial(n.v, k.v)
    inside = (k.v - e >= 0) & (k.v + e <= n.v)
    far = np.where(inside, e * (np.log1p(np.maximum(n.v, 0) + e) + 0.6), np.inf)
    out = settled(v, np.where(e == 0, 0.0, far), walk.model, worst("log_binomial") * model_calls(walk.model))
    return made(v, np.where((e == 0) & ((v == 0) | np.isinf(v)), 0.0, out), axes)


def inverted(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Bound an inverse of relative entropy by its values at the corners: it is monotone in both arguments.

    Parameters
    ----------
    walk : Walk
        Evaluation.
    node : Node
        ``kl_upper`` or ``kl_lower``.
    args : list of Item
        Mean and radius.

    Returns
    -------
    Item
        The bound is infinite where rounding may lead out of the domain.
    """
    (q, c), axes = together([converted(a, walk.model) for a in args])
    e, f, way = error(q), error(c), 1.0 if node.op == "kl_upper" else -1.0
    (low, high), (least, most) = ((np.nextafter(x.v - w, -np.inf), np.nextafter(x.v + w, np.inf)) for x, w in
                                  ((q, e), (c, f)))  # fmt: skip
    v, top, bottom = (
        kl_inverse(node.op, np.clip(a, 0.0, 1.0), np.maximum(b, 0.0))[0]
        for a, b in ((q.v, c.v), (high, most if way > 0 else least), (low, least if way > 0 else most))
    )
    inside = (q.v >= e) & (q.v + e <= 1) & (c.v >= f)
    far = np.where(inside, np.maximum(top - v, v - bottom), np.inf)
    deep = np.log(np.maximum(q.v, v) / np.where(v > 0, v, 1.0)) if way < 0 else 0.0  # e**-s has an error of s units
    lost = 2 * U64 * worst(node.op) * (top + v) * np.where(v > 0, 1.0 + deep, 1.0)
    out = settled(
        v, np.where((e == 0) & (f == 0), 0.0, far) + lost, walk.model, worst(node.op) * model_calls(walk.model)
    )
    return made(np.where((q.v >= 0) & (q.v <= 1) & (c.v >= 0), v, np.nan), out, axes)
