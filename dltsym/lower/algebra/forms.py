"""Reading nodes in normal form: addends, factors, coefficients, exponents, masks."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from dltsym.lower.axes import Axis
from dltsym.lower.ir import Table
from dltsym.lower.nodes import Node


def addends(node: Node) -> tuple[Node, ...]:
    """Return the terms of a sum, the node itself if it is none."""
    return node.args if node.op == "add" else (node,)


def factors(node: Node) -> tuple[Node, ...]:
    """Return the factors of a product, the node itself if it is none."""
    return node.args if node.op == "mul" else (node,)


def number(node: Node) -> Fraction | None:
    """Return the value of a number, else None."""
    return node.data[0] if node.op == "num" else None


def is_zero(node: Node) -> bool:
    """Tell whether a node is the number 0."""
    return node.op == "num" and node.data[0] == 0


def is_one(node: Node) -> bool:
    """Tell whether a node is the number 1."""
    return node.op == "num" and node.data[0] == 1


def is_minus_inf(node: Node) -> bool:
    """Tell whether a node is minus infinity."""
    return node.op == "mul" and len(node.args) == 2 and number(node.args[0]) == -1 and is_inf(node.args[1])


def is_inf(node: Node) -> bool:
    """Tell whether a node is infinity."""
    return node.op == "const" and node.data[0] == "inf"


def is_mask(node: Node) -> bool:
    """Tell whether a node is 1 where a truth holds and 0 elsewhere."""
    return node.op == "where" and is_one(node.args[1]) and is_zero(node.args[2])


def is_cut(node: Node) -> bool:
    """Tell whether a node is minus infinity outside a mask."""
    return node.op == "where" and is_minus_inf(node.args[2])


def coefficient(table: Table, node: Node) -> tuple[Fraction, Node]:
    """Split a term into its rational coefficient and the rest.

    Parameters
    ----------
    table : Table
        Owner of the node.
    node : Node
        Term; a number is its own coefficient.

    Returns
    -------
    tuple
    """
    if node.op == "num":
        return node.data[0], table.num(1)
    if node.op == "mul" and node.args[0].op == "num":
        rest = node.args[1:]
        return node.args[0].data[0], rest[0] if len(rest) == 1 else table.make("mul", rest)
    return Fraction(1), node


def base(node: Node) -> tuple[Node, Fraction]:
    """Split a factor into base and exponent."""
    return (node.args[0], node.data[0]) if node.op == "pow" else (node, Fraction(1))


def split_exp(node: Node) -> tuple[Node | None, tuple[Node, ...]]:
    """Split a term into the exponent of its exponential factor, None without one, and the other factors."""
    inside, rest = None, []
    for f in factors(node):
        if f.op == "exp" and inside is None:
            inside = f.args[0]
        else:
            rest.append(f)
    return inside, tuple(rest)


def has_exp(node: Node) -> bool:
    """Tell whether a term has an exponential factor."""
    return any(f.op == "exp" for f in factors(node))


def touches(node: Node, axes: Iterable[Axis]) -> bool:
    """Tell whether a node depends on one of some axes."""
    return any(a in node.axes for a in axes)


def conjuncts(node: Node) -> tuple[Node, ...]:
    """Return the truths that a conjunction is made of."""
    return node.args if node.op == "and" else (node,)


def holds(node: Node, part: Node) -> bool:
    """Tell whether a node is, or is made of, another one."""
    seen: set[int] = set()
    todo = [node]
    while todo:
        n = todo.pop()
        if n is part:
            return True
        if id(n) not in seen and n.height >= part.height:
            seen.add(id(n))
            todo.extend(n.args)
    return False
