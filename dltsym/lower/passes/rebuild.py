"""Rewriting bottom-up through binders: what every pass after the constructors shares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from dltsym.lower.axes import Axis, Shift, Slot
from dltsym.lower.ir import State, Table
from dltsym.lower.nodes import BINDERS, KEEPERS, Node, kept
from dltsym.lower.program import Program

Rule = Callable[[Node], Node]


def rewrite(table: Table, node: Node, rule: Rule, memo: dict[Node, Node]) -> Node:
    """Apply a rule to every node below and then to the node itself.

    Binders are opened first: a rule that changes the height of an argument could otherwise meet a bound name twice.

    Parameters
    ----------
    table : Table
        Owner of the node.
    node : Node
        Node.
    rule : callable
        Gets a node whose arguments are rewritten.
    memo : dict
        Results so far; shared between calls with one rule.

    Returns
    -------
    Node
    """
    done = memo.get(node)
    if done is not None:
        return done
    if node.op == "iterate":
        new = open_iterate(table, node).mapped(lambda n: rewrite(table, n, rule, memo)).close(table)
    elif node.op in BINDERS:
        args, bound = table.view(node)
        new = table.bind(node.op, [rewrite(table, a, rule, memo) for a in args], bound, head(node))
    else:
        args = tuple(rewrite(table, a, rule, memo) for a in node.args)
        new = node if all(map(lambda a, b: a is b, args, node.args)) else table.make(node.op, args, node.data)
    done = memo[node] = rule(new)
    return done


def rewritten(program: Program, rule: Rule, name: str) -> Program:
    """Apply a rule to every output of a program, and note its name if anything changed.

    Parameters
    ----------
    program : Program
        Program.
    rule : callable
        Rule.
    name : str
        Name for the header.

    Returns
    -------
    Program
    """
    memo: dict[Node, Node] = {}
    outputs = tuple(replace(o, node=rewrite(program.table, o.node, rule, memo)) for o in program.outputs)
    if all(a.node is b.node for a, b in zip(outputs, program.outputs, strict=True)):
        return program
    return replace(program, outputs=outputs, rewrites=(*program.rewrites, name))


def head(node: Node) -> tuple[Any, ...]:
    """Return what `Table.bind` wants besides the bound axes of a binder.

    Parameters
    ----------
    node : Node
        Binder other than ``iterate``.

    Returns
    -------
    tuple
    """
    return node.data[1:] if node.op == "take" else node.data[:-1]


@dataclass(frozen=True)
class Loop:
    """An opened iteration: states have fresh names, entries of states fresh axes."""

    count: Node
    states: tuple[State, ...]
    out: Node
    simultaneous: bool
    tol: Node | None

    def mapped(self, f: Rule) -> Loop:
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
    shapes, simultaneous = node.data[0], node.data[1]
    n = len(shapes)
    inits, steps = node.args[1 : n + 1], node.args[n + 1 : 2 * n + 1]
    out, *tol = node.args[2 * n + 1 :]
    labels = {old: f"${table.fresh('').name}" for old in state_names(node)}
    states = []
    for label, axes, init, step in zip(labels.values(), shapes, inits, steps, strict=True):
        own = {a: table.fresh(a.size) for a in axes}
        step = table.rename(table.relabel(step, labels), own)
        states.append(State(label, tuple(own.values()), table.rename(init, own), step))
    return Loop(node.args[0], tuple(states), table.relabel(out, labels), simultaneous, tol[0] if tol else None)


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


def subnodes(*roots: Node) -> list[Node]:
    """Return every node under some roots once, arguments first.

    Parameters
    ----------
    *roots : Node
        Where to start.

    Returns
    -------
    list of Node
    """
    seen: dict[Node, None] = {}

    def walk(node: Node) -> None:
        if node not in seen:
            for a in node.args:
                walk(a)
            seen[node] = None

    for root in roots:
        walk(root)
    return list(seen)


def at(table: Table, node: Node, axis: Axis, index: Node) -> Node:
    """Return a node at a place of one of its free axes.

    Parameters
    ----------
    table : Table
        Owner of the node.
    node : Node
        Node.
    axis : Axis
        Axis that goes away.
    index : Node
        Integer-valued node, free of `axis`.

    Returns
    -------
    Node
    """
    if axis not in node.axes:
        return node
    if index.op == "iota":
        return table.rename(node, {axis: index.data[0]})
    if node.op == "iota":
        return index
    if node.op in KEEPERS and not {axis, *index.axes}.isdisjoint(kept(node)):  # the index may not be drawn inside
        return table.bind("take", (node, index), (axis,), (Slot(1),))
    if node.op == "iterate":
        return open_iterate(table, node).mapped(lambda n: at(table, n, axis, index)).close(table)
    if node.op in BINDERS:
        args, bound = table.open(node)
        return table.bind(node.op, [at(table, a, axis, index) for a in args], bound, head(node))
    args = [at(table, a, axis, index) for a in node.args]
    if node.op != "ref":
        return table.make(node.op, args, node.data)
    places = []
    for p in node.data[1]:
        if p == axis or (isinstance(p, Shift) and p.axis == axis):
            places.append(Slot(len(args)))
            shifted = isinstance(p, Shift)
            args.append(table.make("add", (table.num(p.by), index)) if shifted else index)
        else:
            places.append(p)
    return table.make("ref", args, (node.data[0], tuple(places)))


def split(table: Table, node: Node) -> tuple[Fraction, Node]:
    """Split a term into its rational coefficient and the rest.

    Parameters
    ----------
    table : Table
        Owner of the node.
    node : Node
        Term.

    Returns
    -------
    tuple
    """
    if node.op == "num":
        return node.data[0], table.num(1)
    if node.op != "mul":
        return Fraction(1), node
    coefficient, rest = Fraction(1), []
    for a in node.args:
        if a.op == "num":
            coefficient *= a.data[0]
        else:
            rest.append(a)
    return coefficient, rest[0] if len(rest) == 1 else table.make("mul", rest)


def terms(table: Table, node: Node) -> dict[Node, Fraction]:
    """Return the terms of a sum with their coefficients; anything else is a sum of one term.

    Parameters
    ----------
    table : Table
        Owner of the node.
    node : Node
        Sum.

    Returns
    -------
    dict
    """
    out: dict[Node, Fraction] = {}
    for term in node.args if node.op == "add" else (node,):
        q, rest = split(table, term)
        out[rest] = out.get(rest, Fraction(0)) + q
    return {n: q for n, q in out.items() if q}


def total(table: Table, parts: dict[Node, Fraction]) -> Node:
    """Build the sum of some terms, flat, without algebra.

    Parameters
    ----------
    table : Table
        Owner of the nodes.
    parts : dict
        Terms and their coefficients.

    Returns
    -------
    Node
    """
    out = []
    for rest, q in parts.items():
        if rest.op == "num":
            out.append(table.num(q * rest.data[0]))
        elif q == 1:
            out.append(rest)
        elif rest.op == "mul":
            out.append(table.make("mul", (table.num(q), *rest.args)))
        else:
            out.append(table.make("mul", (table.num(q), rest)))
    return table.num(0) if not out else out[0] if len(out) == 1 else table.make("add", out)
