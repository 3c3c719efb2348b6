"""Rules of the worst-case bound for comparisons, choices, maxima; proofs in docs/explain/rounding.md."""

from __future__ import annotations

import numpy as np

from dltsym.lower.interpret.bound_parts import arithmetic, converted, error, made, model_calls, settled
from dltsym.lower.interpret.functions import worst
from dltsym.lower.interpret.values import Item, together
from dltsym.lower.interpret.walk import Walk
from dltsym.lower.nodes import Node


def compared(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Decide a comparison where the operands are further apart than their errors.

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
    e = error(a) + error(b)
    sure = (e == 0) | (np.abs(a.v - b.v) > e * (1 + 2.0**-40))
    return made(truth.astype(float), np.where(sure, 0.0, 1.0), axes, whole=True, nonneg=True)


def connected(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Combine truths: an operand that decides the result alone decides it whatever the others are.

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
    stop = 0.0 if node.op == "and" else 1.0
    if node.op == "not":
        return made(1.0 - items[0].v, error(items[0]), axes, whole=True, nonneg=True)
    v, open_, closed = np.full((), 1.0 - stop), np.zeros((), bool), np.zeros((), bool)
    for item in items:
        v = np.minimum(v, item.v) if node.op == "and" else np.maximum(v, item.v)
        open_ = open_ | (error(item) > 0)
        closed = closed | ((error(item) == 0) & ((item.v != 0) == stop))
    return made(v, np.where(closed | ~open_, 0.0, 1.0), axes, whole=True, nonneg=True)


def chosen(walk: Walk, _node: Node, args: list[Item]) -> Item:
    """Bound a choice; where it is undecided, by both branches.

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
    if host and not all(b.whole for b in branches):
        branches, host = [converted(b, walk.model) for b in branches], False
    (c, a, b), axes = together([args[0], *branches])
    yes = c.v != 0
    v, e = np.where(yes, a.v, b.v), np.where(yes, error(a), error(b))
    other, slack = np.where(yes, b.v, a.v), np.where(yes, error(b), error(a))
    gap = np.where(other == v, 0.0, np.abs(other - v)) + slack
    e = np.where(error(c) == 0, e, np.maximum(e, gap))
    facts = {"whole": a.whole and b.whole, "nonneg": a.nonneg and b.nonneg}
    return made(v, e, axes, host=host and args[0].host, **facts)


def extreme(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Bound the larger or smaller operand, or both orders of ``logaddexp``, by the largest error.

    Parameters
    ----------
    walk : Walk
        Evaluation.
    node : Node
        ``maximum``, ``minimum`` or ``logaddexp``.
    args : list of Item
        Operands.

    Returns
    -------
    Item
    """
    items, model, host = arithmetic(args, walk.model)
    if host or node.op == "logaddexp":
        items, model, host = [converted(a, walk.model) for a in args], walk.model, False
    items, axes = together(items)
    f = {"maximum": np.maximum, "minimum": np.minimum, "logaddexp": np.logaddexp}[node.op]
    v, e = items[0].v, error(items[0])
    for item in items[1:]:
        exact = (e == 0) & (error(item) == 0) & (np.isinf(v) | np.isinf(item.v))
        v, e = f(v, item.v), np.maximum(e, error(item))
        if node.op == "logaddexp":
            out = settled(v, e, model, (worst("logaddexp") + 1) * model_calls(model), float(np.log(2.0)))
            e = np.where(exact, 0.0, out)
    low = all(i.nonneg for i in items) or (node.op == "maximum" and any(i.nonneg for i in items))
    return made(v, e, axes, host=host, nonneg=low, whole=node.op != "logaddexp" and all(i.whole for i in items))
