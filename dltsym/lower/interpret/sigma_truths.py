"""Rules of the statistical model for comparisons, choices, steps and operations of two arguments."""

from __future__ import annotations

import numpy as np

from dltsym.lower.interpret.functions import kl_inverse, log_binomial, ulp
from dltsym.lower.interpret.model import U64
from dltsym.lower.interpret.sigma_parts import SURE, arithmetic, converted, made, noise, parts_of, times, variance
from dltsym.lower.interpret.values import Array, Item, together
from dltsym.lower.interpret.walk import Walk
from dltsym.lower.nodes import Node

CALLED = frozenset({"logaddexp", "xlogy", "log_binomial", "kl_upper", "kl_lower"})
"""Operations of two arguments that are library calls on arrays."""


def stepped(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Propagate the doubt about the side of a step.

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
    x = args[0].v
    reach = SURE * np.sqrt(variance(args[0]))
    far = np.maximum(np.abs(f(x + reach) - f(x)), np.abs(f(x - reach) - f(x)))
    return made(f(x), [(frozenset(), np.where(reach == 0, 0.0, far**2))], args[0].axes, host=args[0].host)


def paired(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Propagate variances through ``maximum``, ``minimum`` and `CALLED`.

    Parameters
    ----------
    walk : Walk
        Evaluation.
    node : Node
        Operation.
    args : list of Item
        Operands.

    Returns
    -------
    Item
    """
    items, model, host = arithmetic(args, walk.model)
    if host or node.op in CALLED:
        items, model, host = [converted(a, walk.model) for a in args], walk.model, False
    items, axes = together(items)
    out = items[0]
    for item in items[1:]:
        v, left, right = _pair(node.op, out.v, item.v)
        parts = [(tag, times(w, left**2)) for tag, w in parts_of(out)]
        parts += [(tag, times(w, right**2)) for tag, w in parts_of(item)]
        if node.op in CALLED:
            floor = np.where(np.isfinite(v), np.log(2.0) * (node.op == "logaddexp"), 0.0)
            own = np.abs(v) * deepened(node.op, out.v, v, model.u) + floor
            parts.append(noise(own, model, axes, ulp(node.op) * model.calls))
        whole = node.op in ("maximum", "minimum") and out.whole and item.whole
        out = made(v, parts, axes, host=host, whole=whole)
    return out


def deepened(op: str, x: Array, v: Array, unit: float) -> Array | float:
    """Return by how much the error of a call exceeds that of its row.

    Parameters
    ----------
    op : str
        Operation.
    x, v : ndarray
        First argument and value.
    unit : float
        Rounding unit of the kernel.

    Returns
    -------
    ndarray or float
        ``kl_lower`` is q e**-s, whose error in double precision grows with s.
    """
    if op != "kl_lower" or not unit > 0:
        return 1.0
    return 1.0 + np.log(np.maximum(x, v) / np.where(v > 0, v, 1.0)) * (U64 / unit) * (v > 0)


def _pair(op: str, x: Array, y: Array) -> tuple[Array, Array, Array]:
    if op == "logaddexp":
        v = np.logaddexp(x, y)
        dead = v == -np.inf
        return v, np.where(dead, 0.0, np.exp(x - v)), np.where(dead, 0.0, np.exp(y - v))
    if op == "xlogy":
        return np.where(x == 0, 0.0, x * np.log(y)), np.log(y), x / y
    if op == "log_binomial":
        steep = np.log1p(np.maximum(x, 0.0)) + 0.6
        return log_binomial(x, y), steep, steep
    if op in ("kl_upper", "kl_lower"):
        return kl_inverse(op, x, y)
    left = x >= y if op == "maximum" else x <= y
    return np.where(left, x, y), left.astype(float), (~left).astype(float)


def compared(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Decide a comparison where the gap is many deviations.

    Parameters
    ----------
    walk : Walk
        Evaluation.
    node : Node
        Comparison.
    args : list of Item
        Operands.

    Returns
    -------
    Item
    """
    (a, b), axes = together(arithmetic(args, walk.model)[0])
    truth = {"<": np.less, "<=": np.less_equal, "=": np.equal, "!=": np.not_equal}[node.data[0]](a.v, b.v)
    w = variance(a) + variance(b)
    doubt = (w > 0) & ~(np.abs(a.v - b.v) > SURE * np.sqrt(w))
    return made(truth.astype(float), [(frozenset(), doubt.astype(float))], axes, whole=True, nonneg=True)


def connected(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Combine truths.

    Parameters
    ----------
    walk : Walk
        Evaluation.
    node : Node
        ``and``, ``or`` or ``not``.
    args : list of Item
        Truths.

    Returns
    -------
    Item
    """
    items, axes = together(args)
    if node.op == "not":
        return made(1.0 - items[0].v, [(frozenset(), variance(items[0]))], axes, whole=True, nonneg=True)
    stop = 0.0 if node.op == "and" else 1.0
    v, open_, closed = np.full((), 1.0 - stop), np.zeros((), bool), np.zeros((), bool)
    for item in items:
        doubt = variance(item) > 0
        v = np.minimum(v, item.v) if node.op == "and" else np.maximum(v, item.v)
        open_, closed = open_ | doubt, closed | (~doubt & ((item.v != 0) == stop))
    return made(v, [(frozenset(), (open_ & ~closed).astype(float))], axes, whole=True, nonneg=True)


def chosen(walk: Walk, _node: Node, args: list[Item]) -> Item:
    """Take the variance of the chosen branch; where the choice is in doubt, that of both and their distance.

    Parameters
    ----------
    walk : Walk
        Evaluation.
    args : list of Item
        Truth, value if true, value if false.

    Returns
    -------
    Item
    """
    branches, _, host = arithmetic(args[1:], walk.model)
    (c, a, b), axes = together([args[0], *branches])
    yes, doubt = c.v != 0, variance(c) > 0
    v = np.where(yes, a.v, b.v)
    parts = [(tag, np.where(yes | doubt, w, 0.0)) for tag, w in parts_of(a)]
    parts += [(tag, np.where(~yes | doubt, w, 0.0)) for tag, w in parts_of(b)]
    gap = np.where(a.v == b.v, 0.0, (a.v - b.v) ** 2)
    parts.append((frozenset(), np.where(doubt, gap, 0.0)))
    return made(v, parts, axes, host=host and args[0].host, whole=a.whole and b.whole)
