"""Scalar factors of a matrix product go into its smaller operand, which saves a pass over the result."""

from __future__ import annotations

import math
from collections import Counter

from dltsym.lower.axes import Axis
from dltsym.lower.ir import Table
from dltsym.lower.nodes import Node
from dltsym.lower.passes.factor import TYPICAL
from dltsym.lower.passes.rebuild import rewrite, subnodes
from dltsym.lower.printers.share import Templates

_OTHER = 64


def scaled(table: Table, roots: list[Node]) -> list[Node]:
    """Move scalar factors into matrix products that nothing else reads.

    Parameters
    ----------
    table : Table
        Owner of the nodes.
    roots : list of Node
        Outputs.

    Returns
    -------
    list of Node
    """
    if not any(n.op == "mul" and any(map(_product, n.args)) for n in subnodes(*roots)):
        return roots
    templates = Templates(table)
    uses = templates.uses(roots)
    memo: dict[Node, Node] = {}

    def rule(node: Node) -> Node:
        return _moved(table, node, templates, uses) if node.op == "mul" else node

    return [rewrite(table, r, rule, memo) for r in roots]


def _moved(table: Table, node: Node, templates: Templates, uses: Counter[int]) -> Node:
    scalars = [a for a in node.args if not a.axes]
    hosts = [a for a in node.args if a.axes]
    if len(hosts) != 1 or not _product(hosts[0]):
        return node
    if all(s.op == "num" and abs(s.data[0]) == 1 for s in scalars) or uses[id(templates.of(hosts[0])[0])] > 1:
        return node
    small = min(hosts[0].args, key=lambda f: (_size(f.axes), f.key))
    if _size(small.axes) >= _size(hosts[0].axes):
        return node
    args, bound = table.open(hosts[0])
    place = hosts[0].args.index(small)
    factor = scalars[0] if len(scalars) == 1 else table.make("mul", scalars)
    new = table.make("mul", (factor, args[place]))
    return table.bind("contract", (new, args[1 - place]), bound)


def _product(node: Node) -> bool:
    if node.op != "contract" or len(node.args) != 2:
        return False
    a, b = node.args
    return len(node.data[-1]) == 1 and bool(a.axes - b.axes) and bool(b.axes - a.axes)


def _size(axes: frozenset[Axis]) -> int:
    return math.prod(TYPICAL.get(a.size, _OTHER) for a in axes)
