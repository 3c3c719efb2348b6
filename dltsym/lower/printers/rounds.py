"""Printing of iterations: a Python ``for`` over the rounds, with everything that no round changes in front of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dltsym.lower.axes import Axis
from dltsym.lower.iteration import state_names
from dltsym.lower.nodes import Node
from dltsym.lower.printers import pointwise
from dltsym.lower.printers.value import LOOSE, Value

if TYPE_CHECKING:
    from dltsym.lower.printers.base import Printer

_LEAF = frozenset({"num", "const", "size", "iota"})


def iterate(node: Node, printer: Printer) -> Value:
    """Print an iteration; autograd unrolls it.

    Parameters
    ----------
    node : Node
        An ``iterate``.
    printer : Printer
        Printer.

    Returns
    -------
    Value
    """
    names, shapes = state_names(node), node.data[0]
    key = _same(printer, node)
    variables = printer.rounds.get(key)
    if variables is None:
        variables = printer.rounds[key] = _loop(node, printer)
    known = dict(printer.states)
    printer.states.update({n: Value(v, tuple(axes)) for n, v, axes in zip(names, variables, shapes, strict=True)})
    for name in names:
        printer.forget(name)
    out = printer.named(printer.value(node.args[2 * len(names) + 1]))
    printer.states.clear()
    printer.states.update(known)
    return out


def _same(printer: Printer, node: Node) -> tuple[object, ...]:
    # Two results of one loop differ in their last argument, and through it perhaps in the names of states and axes.
    n = len(node.data[0])
    names = {old: f"$@{k}" for k, old in enumerate(state_names(node))}
    own = [a for axes in node.data[0] for a in axes]
    axes = {a: Axis(f"@{q}", a.size) for q, a in enumerate(own)}
    count, *parts = node.args[: 2 * n + 1]
    parts = [printer.table.rename(printer.table.relabel(p, names), axes) for p in parts]
    return (id(printer.body), node.data[1:], *(count, *parts, *node.args[2 * n + 2 :]))


def _loop(node: Node, printer: Printer) -> list[str]:
    """Print the rounds and return the names of the states after them."""
    names, shapes, simultaneous = state_names(node), node.data[0], node.data[1]
    n = len(names)
    count, inits, steps = node.args[0], node.args[1 : n + 1], node.args[n + 1 : 2 * n + 1]
    limit = node.args[2 * n + 2 :]
    rounds = printer.value(count).inside(LOOSE)
    variables = [_start(printer, init, axes) for init, axes in zip(inits, shapes, strict=True)]
    known = dict(printer.states)
    hoisted = _Hoist(printer, frozenset(printer.states))
    steps = [hoisted.of(s) for s in steps]
    tol = pointwise.read(printer, limit[0]).inside(LOOSE) if limit else ""
    for name, variable, axes in zip(names, variables, shapes, strict=True):
        printer.states[name] = Value(variable, tuple(axes))
        printer.forget(name)
    with printer.block(f"for _ in range({rounds}):"):
        before = [printer.line(v).code for v in variables] if tol else []
        new = []
        for name, variable, axes, step in zip(names, variables, shapes, steps, strict=True):
            text = _full(printer, step, axes)
            if simultaneous:
                new.append(printer.line(text).code)
            else:
                printer.statement(f"{variable} = {text}")
                printer.forget(name)
        if simultaneous:
            printer.statement(f"{', '.join(variables)} = {', '.join(new)}")
        if tol:
            moves = [f"_moved({v}, {old}) <= {tol}" for v, old in zip(variables, before, strict=True)]
            with printer.block(f"if {' and '.join(moves)}:"):
                printer.statement("break")
    printer.states.clear()
    printer.states.update(known)
    return variables


def _start(printer: Printer, init: Node, axes: tuple) -> str:
    variable = printer.variable()
    printer.statement(f"{variable} = {_full(printer, init, axes)}")
    return variable


def _full(printer: Printer, node: Node, axes: tuple) -> str:
    # A state with a dimension of length 1 would be contracted as if it were short.
    value = printer.lift(pointwise.read(printer, node))
    text = printer.align(value, axes, LOOSE)
    missing = [a for a in axes if a not in value.axes]
    return f"_expand({text}, {', '.join(printer.size(a.size) for a in axes)})" if missing else text


class _Hoist:
    """Prints what a step has in common with every other round, and puts references in its place."""

    def __init__(self, printer: Printer, outer: frozenset[str]) -> None:
        self._printer, self._outer = printer, outer
        self._memo: dict[Node, Node] = {}
        self._inside: dict[Node, frozenset[str]] = {}

    def of(self, node: Node) -> Node:
        done = self._memo.get(node)
        if done is None:
            if self._states(node) <= self._outer:
                done = self._printed(node)
            else:
                args = tuple(map(self.of, node.args))
                same = all(map(lambda a, b: a is b, args, node.args))
                done = node if same else self._printer.table.make(node.op, args, node.data)
            self._memo[node] = done
        return done

    def _printed(self, node: Node) -> Node:
        printer = self._printer
        if node.op in _LEAF or (node.op == "ref" and not node.args) or not node.args:
            return node
        if printer.kind(node) != "real":
            return node
        value = printer.value(node)
        if value.pure:
            return node
        value = printer.named(value)
        name = f"$&{value.code}"
        printer.states[name] = value
        return printer.table.make("ref", (), (name, value.axes))

    def _states(self, node: Node) -> frozenset[str]:
        found = self._inside.get(node)
        if found is None:
            own = [node.data[0]] if node.op == "ref" and node.data[0].startswith("$") else []
            found = self._inside[node] = frozenset(own).union(*map(self._states, node.args))
        return found
