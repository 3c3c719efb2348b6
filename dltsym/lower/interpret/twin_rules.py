"""Rules of the magnitude twin for sums, products, functions and choices."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from dltsym.lower.interpret.functions import FUNCTIONS, Fn, ulp
from dltsym.lower.interpret.sigma_parts import times
from dltsym.lower.interpret.sigma_rules import _TURNED, _slope
from dltsym.lower.interpret.sigma_truths import _pair, deepened
from dltsym.lower.interpret.twin_parts import Units, charge, exact, made, moved, size, units
from dltsym.lower.interpret.values import Array, Item, contracted, together, union
from dltsym.lower.interpret.walk import Rule, Walk
from dltsym.lower.nodes import Node

LIGHT = frozenset(
    {"ref", "num", "const", "size", "iota", "mul", "add", "pow", "where", "cmp", "and", "or", "not", "abs"}
)
"""Operations that a kernel applies to an input while it loads it; anything else is a result that may be cast."""


def added(walk: Walk, _node: Node, args: list[Item]) -> Item:
    """Add errors and magnitudes; one operand that is not 0 is not rounded.

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
    items, axes = together(args)
    zero = np.zeros(())
    v, e, a = (sum((f(i) for i in items), zero) for f in (lambda i: i.v, moved, size))
    facts = {"host": all(i.host for i in items), "whole": all(i.whole for i in items)}
    if exact(items):
        return made(v, e, axes, **facts)
    alone = sum(((size(i) > 0).astype(float) for i in items), zero) <= 1
    return made(v, e + np.where(alone, 0.0, charge(v, units(walk), 1.0, a)), axes, a)


def multiplied(walk: Walk, _node: Node, args: list[Item]) -> Item:
    """Weigh the error of each factor by the magnitudes of the others; powers of two cost nothing.

    Parameters
    ----------
    walk : Walk
        Evaluation.
    args : list of Item
        Factors.

    Returns
    -------
    Item
    """
    items, axes = together(args)
    v, e, a, seen = np.ones(()), np.zeros(()), np.ones(()), np.ones(())
    for i in items:
        e = times(e, near(i)) + times(moved(i), seen)
        v, a, seen = v * i.v, times(a, size(i)), times(seen, near(i))
    facts = {"host": all(i.host for i in items), "whole": all(i.whole for i in items)}
    if exact(items):
        return made(v, e, axes, **facts)
    plain = sum(not _dyadic(i) for i in args) <= 1
    return made(v, e if plain else e + charge(v, units(walk), 1.0, a), axes, a)


def near(item: Item) -> Array:
    """Return the absolute value of an item with its error, 0 where it is infinite.

    Parameters
    ----------
    item : Item
        Item.

    Returns
    -------
    ndarray
    """
    return np.where(np.isfinite(item.v), np.abs(item.v), 0.0) + moved(item)


def _dyadic(item: Item) -> bool:
    return item.v.ndim == 0 and not item.parts and bool(np.abs(np.frexp(item.v)[0]) == 0.5)


def contraction(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Sum over axes a product; what the contract casts or splits on the way is charged here.

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
    bound = node.data[-1]
    order = [a for a in union(args) if a not in bound]

    def total(arrays: Sequence[Array]) -> Array:
        return contracted([(x, i.axes) for x, i in zip(arrays, args, strict=True)], bound, order, walk.size)

    v, a, e = total([i.v for i in args]), total([size(i) for i in args]), np.zeros(())
    sizes = [near(i) for i in args]
    for r, i in enumerate(args):
        if i.parts and moved(i).any():
            e = e + total([*sizes[:r], moved(i), *sizes[r + 1 :]])
    if exact(args):
        return made(v, e, order, a, whole=all(i.whole for i in args), host=all(i.host for i in args))
    return made(v, e + _local(walk, node, args, total, v, a), order, a)


def _local(
    walk: Walk, node: Node, args: list[Item], total: Callable[[Sequence[Array]], Array], v: Array, a: Array
) -> Array:
    model = units(walk)
    terms = float(np.prod([walk.size(b) for b in node.data[-1]], dtype=float))
    out = charge(v, model, 1.0, a) + np.where(a > 0, terms * model.normal, 0.0)
    reals = [k for k, i in enumerate(args) if i.axes and not i.whole]
    if len(reals) < 2:
        return out
    out = out + model.factors * a
    made_here = [k for k in reals if not light(node.args[k])]
    if model.cast and made_here and site([node.args[k] for k in made_here], model) in model.sites:
        # What meets an input is rounded as it is; what two results make was made of sums that have been rounded.
        met = any(light(node.args[k]) for k in reals)
        weight = total([near(i) for i in args]) if met else a
        out = out + model.cast * weight
        if model.least > 2.0**-100:
            others = [np.ones(()) if k in made_here else size(i) for k, i in enumerate(args)]
            axes = [() if k in made_here else i.axes for k, i in enumerate(args)]
            order = [x for x in union(args) if x not in node.data[-1]]
            lost = contracted(list(zip(others, axes, strict=True)), node.data[-1], order, walk.size)
            out = out + np.where(a > 0, model.least * lost, 0.0)
    return out


def light(node: Node) -> bool:
    """Tell whether a factor is an input, perhaps scaled, shifted or masked: a kernel does not cast it.

    Parameters
    ----------
    node : Node
        Factor.

    Returns
    -------
    bool
    """
    return node.op in LIGHT and all(light(a) for a in node.args)


def site(nodes: Sequence[Node], model: Units) -> str:
    """Return the name of the cast of some results in a product.

    Parameters
    ----------
    nodes : sequence of Node
        Factors that were computed.
    model : Units
        Units.

    Returns
    -------
    str
        ``"P"`` in a statement, and for weights alone in a gradient; ``"dS"`` for anything else in a gradient.
    """
    return "P" if not model.gradient or all(_weights(n) for n in nodes) else "dS"


def _weights(node: Node) -> bool:
    if node.op in ("softmax", "exp"):
        return True
    return node.op in ("mul", "where") and any(_weights(a) for a in node.args) and all(
        _weights(a) or light(a) or not a.axes or a.op == "where" for a in node.args)  # fmt: skip


def powered(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Move a power.

    Parameters
    ----------
    walk : Walk
        Evaluation.
    node : Node
        Power.
    args : list of Item
        Base.

    Returns
    -------
    Item
    """
    p = float(node.data[0])
    f = Fn(lambda x: np.sqrt(x) if p == 0.5 else x**p, steep=lambda x: p * x ** (p - 1), kept=p > 0)
    if exact(args) and (args[0].host or p > 0):
        whole = args[0].whole and p > 0 and p == int(p)
        return made(f.value(args[0].v), np.zeros(()), args[0].axes, host=args[0].host, whole=whole)
    return applied(walk, args[0], f, max(1.0, abs(p) / 2))


def function(name: str) -> Rule:
    """Return the rule of a named function.

    Parameters
    ----------
    name : str
        Row of the table of functions.

    Returns
    -------
    callable
    """
    f = FUNCTIONS.get(name) or _TURNED[name]

    def rule(walk: Walk, _node: Node, args: list[Item]) -> Item:
        if name == "abs":
            x = args[0]
            return made(np.abs(x.v), moved(x), x.axes, size(x), whole=x.whole, host=x.host)
        model = units(walk)
        count = {"exp": model.exp, "log": model.log}.get(name, max(1.0, ulp(name) / 2))
        return applied(walk, args[0], f, count)

    return rule


def applied(walk: Walk, item: Item, f: Fn, count: float) -> Item:
    """Move a function of one argument: by its slope, or by the ends of the interval where the slope changes much.

    Parameters
    ----------
    walk : Walk
        Evaluation.
    item : Item
        Argument.
    f : Fn
        Function.
    count : float
        Units to charge for one call.

    Returns
    -------
    Item
    """
    model, x, e = units(walk), item.v, moved(item)
    v = f.value(x)
    far = _carried(f, x, e, v) if e.any() else np.zeros(())
    if f.steep_tail:
        count = count + 4 * (np.abs(x) ** 2 + 1)  # type: ignore[assignment]
    local = charge(v, model, count, np.where(np.isfinite(v), np.abs(v) + f.floor, 0.0))
    still = (e == 0) & ((v == 0) & ((x == 0) | np.isinf(x)) | np.isinf(v))
    return made(v, np.where(still, 0.0, far + local), item.axes, host=item.host and f.kept and not e.any())


def _carried(f: Fn, x: Array, e: Array, v: Array) -> Array:
    steep = f.steep or _slope(f)
    lo, hi = x - e, x + e
    lo = np.where(np.isnan(f.value(lo)) & (x >= 0), 0.0, lo)
    slope, most = np.abs(steep(x)), np.maximum(np.abs(steep(lo)), np.abs(steep(hi)))
    ends = np.maximum(np.abs(f.value(lo) - v), np.abs(f.value(hi) - v))
    out = np.where(most <= 4 * slope, np.maximum(slope, most) * e, np.where(np.isnan(ends), slope * e, ends))
    return np.where(e == 0, 0.0, out)


def paired(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Move ``maximum``, ``minimum``, ``logaddexp``, ``xlogy``, ``log_binomial`` and inverses.

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
    items, axes = together(args)
    out = items[0]
    for item in items[1:]:
        v, left, right = _pair(node.op, out.v, item.v)
        if node.op in ("maximum", "minimum"):
            close = np.abs(out.v - item.v) <= moved(out) + moved(item)
            e = np.where(
                close, np.maximum(moved(out), moved(item)), times(moved(out), left) + times(moved(item), right)
            )
            out = made(v, e, axes, whole=out.whole and item.whole, host=out.host and item.host)
            continue
        floor = np.log(2.0) if node.op == "logaddexp" else 0.0
        e = times(moved(out), np.abs(left)) + times(moved(item), np.abs(right))
        fine = np.isfinite(v) & ((v != 0) | (node.op == "logaddexp"))
        near = np.abs(v) * deepened(node.op, items[0].v, v, units(walk).unit) + floor
        out = made(v, e + charge(v, units(walk), units(walk).log, np.where(fine, near, 0.0)), axes)
    return out


def chosen(_walk: Walk, _node: Node, args: list[Item]) -> Item:
    """Take the chosen branch; where rounding may have decided otherwise, both and their distance.

    Parameters
    ----------
    args : list of Item
        Truth, value if true, value if false.

    Returns
    -------
    Item
    """
    (c, a, b), axes = together(args)
    yes, doubt = c.v != 0, moved(c) > 0
    v, e, m = (np.where(yes, f(a), f(b)) for f in (lambda i: i.v, moved, size))
    if doubt.any():
        other = np.where(yes, b.v, a.v)
        gap = np.where(other == v, 0.0, np.abs(other - v)) + np.where(yes, moved(b), moved(a))
        e = np.where(doubt, np.maximum(e, gap), e)
    host = a.host and b.host and c.host
    return made(v, e, axes, m, whole=a.whole and b.whole, host=host)
