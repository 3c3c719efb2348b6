"""The double where: the argument of a function with an unbounded derivative is guarded in the branch not taken.

`where` cuts the value but not the gradient: 0 times an infinite derivative is nan. Source: dltsym design note, 3.5.
"""

from __future__ import annotations

from fractions import Fraction

from dltsym.lower.ir import Table
from dltsym.lower.nodes import BINDERS, KEEPERS, Node

_SINGULAR = frozenset(
    ("log", "log1p", "exp", "expm1", "log1mexp", "sinh", "cosh", "tan", "asin", "acos", "lgamma", "digamma", "trigamma",
     "rsqrt", "sqrt", "xlogx", "xlogy", "log1pmx", "expm1mx", "log_ndtr", "phi1", "phi1d")
)  # fmt: skip
_SAFE = Fraction(1, 2)


def guarded(table: Table, node: Node) -> Node:
    """Guard both branches of a ``where``.

    Parameters
    ----------
    table : Table
        Owner of the node.
    node : Node
        A ``where``.

    Returns
    -------
    Node
    """
    truth, yes, no = node.args
    data = reads(truth)
    inside = _guard(table, yes, truth, True, data, {})
    outside = _guard(table, no, truth, False, data, {})
    return table.make("where", (truth, inside, outside))


def _guard(table: Table, node: Node, truth: Node, taken: bool, data: frozenset[str], memo: dict[Node, Node]) -> Node:
    if not node.args or node.op in BINDERS | KEEPERS:
        return node
    if node not in memo:
        args = [_guard(table, a, truth, taken, data, memo) for a in node.args]
        if node.op in _SINGULAR or (node.op == "pow" and _steep(node.data[0])):
            args = [_cut(table, a, truth, taken) if _tied(a, truth, data) else a for a in args]
        memo[node] = table.make(node.op, args, node.data)
    return memo[node]


def _steep(exponent: Fraction) -> bool:
    return exponent < 0 or exponent.denominator != 1


def _cut(table: Table, node: Node, truth: Node, taken: bool) -> Node:
    if node.op == "where" and node.args[0] is truth:
        return node
    safe = table.num(_SAFE)
    return table.make("where", (truth, node, safe) if taken else (truth, safe, node))


def _tied(node: Node, truth: Node, data: frozenset[str]) -> bool:
    # A condition on other indices would enlarge the argument; one on the same data says where the argument is bad.
    if not node.axes >= truth.axes:
        return False
    return bool(truth.axes) or bool(data & reads(node))


def reads(node: Node) -> frozenset[str]:
    """Return the names of the arrays and sizes that a node refers to.

    Parameters
    ----------
    node : Node
        Node.

    Returns
    -------
    frozenset of str
    """
    own = frozenset([node.data[0]]) if node.op in ("ref", "size") else frozenset()
    return own.union(*(reads(a) for a in node.args))
