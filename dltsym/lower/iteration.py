"""Fixed-point iterations opened: states under fresh names, over fresh axes. Whoever rewrites one goes through here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from dltsym.lower.ir import State, Table
from dltsym.lower.nodes import Node


@dataclass(frozen=True)
class Loop:
    """An opened iteration: states have fresh names, entries of states fresh axes."""

    count: Node
    states: tuple[State, ...]
    out: Node
    simultaneous: bool
    tol: Node | None

    def mapped(self, f: Callable[[Node], Node]) -> Loop:
        """Return the loop with a function applied to every node of it."""
        states = tuple(replace(s, init=f(s.init), step=f(s.step)) for s in self.states)
        return Loop(f(self.count), states, f(self.out), self.simultaneous, None if self.tol is None else f(self.tol))

    def close(self, table: Table) -> Node:
        """Return the ``iterate`` node."""
        return table.iterate(self.count, self.states, self.out, self.simultaneous, self.tol)


def open_iterate(table: Table, node: Node) -> Loop:
    """Open an iteration.

    Parameters
    ----------
    table : Table
        Owner of the node.
    node : Node
        An ``iterate``.

    Returns
    -------
    Loop
    """
    return _opened(table, node, *_states(table, node))


def view_iterate(table: Table, node: Node) -> Loop:
    """Return what `open_iterate` does, with the same names at every call for one loop, whatever is read from it.

    For walks that open a node, treat each part and close it again, as for `Table.view`.

    Parameters
    ----------
    table : Table
        Owner of the node.
    node : Node
        An ``iterate``.

    Returns
    -------
    Loop
    """
    # A loop inside another has a smaller height, so the names of two that are open at once differ.
    key = (node.height, node.data, node.args[: 2 * len(node.data[0]) + 1])
    if key not in table.loops:
        table.loops[key] = _states(table, node)
    return _opened(table, node, *table.loops[key])


def _states(table: Table, node: Node) -> tuple[dict[str, str], tuple[State, ...]]:
    n = len(node.data[0])
    inits, steps = node.args[1 : n + 1], node.args[n + 1 : 2 * n + 1]
    labels = {old: f"${table.fresh('').name}" for old in state_names(node)}
    states = []
    for label, axes, init, step in zip(labels.values(), node.data[0], inits, steps, strict=True):
        own = {a: table.fresh(a.size) for a in axes}
        step = table.rename(table.relabel(step, labels), own)
        states.append(State(label, tuple(own.values()), table.rename(init, own), step))
    return labels, tuple(states)


def _opened(table: Table, node: Node, labels: Mapping[str, str], states: tuple[State, ...]) -> Loop:
    out, *tol = node.args[2 * len(states) + 1 :]
    return Loop(node.args[0], states, table.relabel(out, labels), node.data[1], tol[0] if tol else None)


def state_names(node: Node) -> tuple[str, ...]:
    """Return the names under which the steps and the output of an iteration refer to its states.

    Parameters
    ----------
    node : Node
        An ``iterate``.

    Returns
    -------
    tuple of str
    """
    return tuple(f"${node.height - 1}.{k}" for k in range(len(node.data[0])))
