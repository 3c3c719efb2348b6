"""Dead rows: a softmax over entries that are all -inf is 0, its logarithm -inf, and its gradient 0.

The libraries give nan there. The entries of such a row are replaced by finite ones where they come from, which costs
nothing, and the result is selected afterwards, after the contraction that follows where there is one. A row with an
entry that cannot be masked, such as the diagonal of a causal mask, needs none of this. Source: dltsym design note, 3.6.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from dltsym.lower.algebra.constructors import Algebra
from dltsym.lower.axes import Axis
from dltsym.lower.ir import Table
from dltsym.lower.nodes import Node

Linear = dict[Axis | None, Fraction]


def revived(alg: Algebra, node: Node) -> Node:
    """Rewrite a softmax, or its logarithm, that may have dead rows.

    Parameters
    ----------
    alg : Algebra
        Constructors, for what is known of the arguments.
    node : Node
        A ``softmax`` or ``log_softmax``.

    Returns
    -------
    Node
        The node itself if no row can be dead.
    """
    table, axes = alg.table, node.data[0]
    alive = alive_where(alg, node.args[0])
    if alive is None or _never_empty(alg, alive, axes):
        return node
    along = [a for a in axes if a in alive.axes]
    row = _any(table, alive, along)
    inside = table.make(node.op, (_filled(alg, node.args[0], row),), node.data)
    if node.op == "log_softmax":
        return table.make("where", (row, inside, alg.minus_inf))
    # All is finite, so a product does what a selection does, in a third of the time.
    return table.make("mul", (table.make("where", (row, alg.num(1), alg.num(0))), inside))


def summed(alg: Algebra, node: Node) -> Node:
    """Rewrite a log-sum-exp whose rows may be dead by a logarithm: the library has no gradient there.

    Parameters
    ----------
    alg : Algebra
        Constructors, for what is known of the arguments.
    node : Node
        A log-sum-exp.

    Returns
    -------
    Node
        The node itself if no row can be dead, or only by a mask around all else, which cuts the gradient.
    """
    table = alg.table
    (x,), bound = table.view(node)
    if x.op == "where" and x.args[2] is alg.minus_inf and alive_where(alg, x.args[1]) is None:
        return node
    alive = alive_where(alg, x)
    if alive is None or _never_empty(alg, alive, bound):
        return node
    row = _any(table, alive, [a for a in bound if a in alive.axes])
    inside = table.bind("reduce", (_filled(alg, x, row),), bound, ("lse",))
    return table.make("where", (row, inside, alg.minus_inf))


def _any(table: Table, truth: Node, axes: list[Axis]) -> Node:
    if not axes:
        return truth
    own = {a: table.fresh(a.size) for a in axes}
    inside = table.make("where", (table.rename(truth, own), table.num(1), table.num(0)))
    return table.make("cmp", (table.num(0), table.bind("reduce", (inside,), own.values(), ("max",))), ("<",))


def _filled(alg: Algebra, node: Node, row: Node) -> Node:
    """Return the entries with finite ones in the rows that are dead."""
    table, zero = alg.table, alg.num(0)
    if node.op == "where" and node.args[2] is alg.minus_inf and row.axes <= node.args[0].axes | node.args[1].axes:
        truth, inner, _ = node.args
        if alive_where(alg, inner) is None:
            return table.make("where", (truth, inner, table.make("where", (row, alg.minus_inf, zero))))
    if node.op == "log" and row.axes <= node.args[0].axes:
        return table.make("log", (table.make("where", (row, node.args[0], alg.num(1))),))
    sources = [a for a in node.args if alive_where(alg, a) is not None] if node.op in ("add", "mul") else []
    if len(sources) == 1 and row.axes <= sources[0].axes:
        args = [_filled(alg, a, row) if a is sources[0] else a for a in node.args]
        return table.make(node.op, args, node.data)
    return table.make("where", (row, node, zero))


def alive_where(alg: Algebra, node: Node) -> Node | None:
    """Return where entries are above -inf as far as masks and logarithms tell, None for everywhere.

    Parameters
    ----------
    alg : Algebra
        Constructors.
    node : Node
        Entries.

    Returns
    -------
    Node or None
    """
    table = alg.table
    if node is alg.minus_inf:
        return table.make("or")
    if node.op == "where":
        truth, *branches = node.args
        conditions = (truth, table.make("not", (truth,)))
        parts = []
        for condition, branch in zip(conditions, branches, strict=True):
            if branch is alg.minus_inf:
                continue
            inner = alive_where(alg, branch)
            parts.append(condition if inner is None else table.make("and", (condition, inner)))
        cut = any(b is alg.minus_inf or alive_where(alg, b) is not None for b in branches)
        return None if not cut else _joined(table, "or", parts)
    if node.op == "log":
        known = alg.facts(node.args[0])
        if known.lo is not None and (known.lo > 0 or (known.lo == 0 and known.lo_open)):
            return None
        return table.make("cmp", (alg.num(0), node.args[0]), ("<",))
    if node.op == "logaddexp":
        parts = [alive_where(alg, a) for a in node.args]
        return None if None in parts else _joined(table, "or", [p for p in parts if p is not None])
    if (node.op == "reduce" and node.data[0] == "lse") or (node.op == "scan" and node.data[0] in ("lse", "log-affine")):
        own = node.args[0] if node.data[0] == "lse" else node.args[1]
        late = node.op == "scan" and not node.data[3]
        return table.make("cmp", (alg.minus_inf, node), ("<",)) if late or alive_where(alg, own) is not None else None
    if node.op == "add" or (node.op == "mul" and not (node.args[0].op == "num" and node.args[0].data[0] < 0)):
        return _joined(table, "and", [p for a in node.args if (p := alive_where(alg, a)) is not None])
    return None


def _joined(table: Table, op: str, parts: list[Node]) -> Node | None:
    if not parts:
        return None if op == "and" else table.make("or")
    return parts[0] if len(parts) == 1 else table.make(op, dict.fromkeys(parts))


def _never_empty(alg: Algebra, alive: Node, axes: tuple[Axis, ...]) -> bool:
    if alive.op == "cmp" and alive.data == ("<",) and alive.args[0] is alg.num(0):
        return bool(alg.facts(alive.args[1]).sum_one & frozenset(axes))
    if len(axes) != 1:
        return False
    axis = axes[0]
    others = sorted(a for a in alive.axes if a.size == axis.size and a != axis)
    return any(_true(alive, axis, at) for at in (None, *others))


def _true(truth: Node, axis: Axis, at: Axis | None) -> bool:
    """Return whether a relation of indices holds with `axis` at the index `at`, or at 0, for all other indices."""
    if truth.op in ("and", "or"):
        return (all if truth.op == "and" else any)(_true(a, axis, at) for a in truth.args)
    if truth.op == "not":
        inner = truth.args[0]
        return inner.op == "cmp" and inner.data == ("<",) and _least(inner.args[::-1], axis, at, 0)
    if truth.op != "cmp":
        return False
    match truth.data[0]:
        case "<":
            return _least(truth.args, axis, at, 1)
        case "<=":
            return _least(truth.args, axis, at, 0)
        case "=":
            return _least(truth.args, axis, at, 0) and _least(truth.args[::-1], axis, at, 0)
    return False


def _least(args: Iterable[Node], axis: Axis, at: Axis | None, margin: int) -> bool:
    """Return whether the second number is at least the first plus a margin; indices are nonnegative."""
    a, b = (_linear(x, axis, at) for x in args)
    if a is None or b is None:
        return False
    gap = {k: b.get(k, Fraction(0)) - a.get(k, Fraction(0)) for k in {*a, *b}}
    return gap.get(None, Fraction(0)) >= margin and all(v >= 0 for k, v in gap.items() if k is not None)


def _linear(node: Node, axis: Axis, at: Axis | None) -> Linear | None:
    if node.op == "num":
        return {None: node.data[0]}
    if node.op == "iota":
        own = node.data[0]
        if own != axis:
            return {own: Fraction(1)}
        return {} if at is None else {at: Fraction(1)}
    if node.op == "mul" and len(node.args) == 2 and node.args[0].op == "num":
        inner = _linear(node.args[1], axis, at)
        return None if inner is None else {k: v * node.args[0].data[0] for k, v in inner.items()}
    if node.op == "add":
        total: Linear = {}
        for a in node.args:
            part = _linear(a, axis, at)
            if part is None:
                return None
            for k, v in part.items():
                total[k] = total.get(k, Fraction(0)) + v
        return total
    return None
