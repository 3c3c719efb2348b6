"""Rewriting bottom-up through binders: what every pass after the constructors shares."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

from dltsym.lower.axes import Axis, Shift, Slot
from dltsym.lower.ir import Table
from dltsym.lower.iteration import open_iterate, view_iterate
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
    new = below(table, node, lambda n: rewrite(table, n, rule, memo))
    done = memo[node] = rule(new)
    return done


def below(table: Table, node: Node, visit: Rule) -> Node:
    """Apply a function to the parts of a node; binders are opened before and closed after.

    Parameters
    ----------
    table : Table
        Owner of the node.
    node : Node
        Node.
    visit : callable
        Function.

    Returns
    -------
    Node
        The node itself if no part changed.
    """
    if node.op == "iterate":
        loop = view_iterate(table, node)
        changed = loop.mapped(visit)
        return node if changed == loop else changed.close(table)
    args, bound = table.view(node) if node.op in BINDERS else (node.args, ())
    new = [visit(a) for a in args]
    if all(map(operator.is_, new, args)):
        return node
    return table.bind(node.op, new, bound, head(node)) if node.op in BINDERS else table.make(node.op, new, node.data)


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
