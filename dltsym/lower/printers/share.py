"""Sharing modulo the names of free axes (dltsym design note, 4.5.3), and the order of axes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from dltsym.lower.axes import Axis
from dltsym.lower.ir import Table
from dltsym.lower.nodes import Node, bound_axes, occurrence


class Templates:
    """Nodes with their free axes replaced by placeholders in order of first occurrence.

    Parameters
    ----------
    table : Table
        Owner of the nodes.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._memo = table.templates

    def of(self, node: Node) -> tuple[Node, tuple[Axis, ...]]:
        """Return the template of a node and the axes that its placeholders stand for.

        Parameters
        ----------
        node : Node
            Node.

        Returns
        -------
        tuple
        """
        found = self._memo.get(id(node))
        if found is None:
            axes = tuple(occurrence((node,), sorted(node.axes)))
            names = {a: Axis(f"@{q}", a.size) for q, a in enumerate(axes)}
            found = self._memo[id(node)] = (self._table.rename(node, names), axes)
        return found

    def uses(self, roots: Iterable[Node]) -> Counter[int]:
        """Return how often every template is read, by the identity of the template.

        Parameters
        ----------
        roots : iterable of Node
            Outputs.

        Returns
        -------
        Counter
        """
        count: Counter[int] = Counter()
        seen: set[int] = set()
        stack = list(roots)
        while stack:
            node = stack.pop()
            key = id(self.of(node)[0])
            count[key] += 1
            if key not in seen:
                seen.add(key)
                stack += node.args
        return count


def ranks(outputs: Iterable[tuple[Axis, ...]], roots: Iterable[Node]) -> dict[Axis, int]:
    """Return the place of every axis in the common order: axes of outputs, then outer before inner bound axes.

    Parameters
    ----------
    outputs : iterable of tuple of Axis
        Axes of the outputs in order.
    roots : iterable of Node
        Outputs.

    Returns
    -------
    dict of Axis to int
    """
    order: dict[Axis, int] = {}
    for axes in outputs:
        for a in axes:
            order.setdefault(a, len(order))
    bound: dict[Axis, tuple[int, int]] = {}
    seen: set[int] = set()
    stack = list(roots)
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        for q, a in enumerate(bound_axes(node)):
            bound.setdefault(a, (-node.height, q))
        for a in sorted(node.axes):
            bound.setdefault(a, (-node.height - 1, 0))
        stack += reversed(node.args)
    for a in sorted(bound, key=lambda a: (bound[a], a)):
        order.setdefault(a, len(order))
    return order
