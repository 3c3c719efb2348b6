"""The last pass: operands in the grouping in which they are printed, so that interpreters see what is computed."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

from dltsym.lower.algebra.constructors import Algebra
from dltsym.lower.axes import Axis
from dltsym.lower.ir import Table
from dltsym.lower.nodes import Node
from dltsym.lower.passes.rebuild import rewrite
from dltsym.lower.printers.dead import revived, summed
from dltsym.lower.printers.fold import folded
from dltsym.lower.printers.guard import guarded
from dltsym.lower.printers.kinds import is_indicator
from dltsym.lower.printers.scale import scaled
from dltsym.lower.program import Program


def layout(program: Program) -> Program:
    """Group sums and products by axes: scalars with scalars first, then with vectors, then with the largest operand.

    Parameters
    ----------
    program : Program
        Program after every other pass.

    Returns
    -------
    Program
        The same values; ``add`` and ``mul`` are nested where that saves a pass over a large array.
    """
    alg = Algebra(program.table, {i.name: i for i in program.inputs})
    memo: dict[Node, Node] = {}

    def rule(node: Node) -> Node:
        return _laid(alg, node)

    nodes = folded(alg, [rewrite(program.table, o.node, rule, memo) for o in program.outputs])
    nodes = scaled(program.table, nodes)
    outputs = tuple(replace(o, node=node) for o, node in zip(program.outputs, nodes, strict=True))
    return replace(program, outputs=outputs)


def _laid(alg: Algebra, node: Node) -> Node:
    match node.op:
        case "add":
            return _grouped(alg.table, node.op, node.args)
        case "mul":
            args = _means(alg.table, _flat(alg.table, node.args))
            return args[0] if len(args) == 1 else _grouped(alg.table, node.op, args)
        case "softmax" | "log_softmax":
            return revived(alg, node)
        case "reduce" if node.data[0] == "lse":
            return summed(alg, node)
        case "where":
            return guarded(alg.table, node)
        case "contract":
            return _selected(alg.table, _positive(alg.table, node))
    return node


def _positive(table: Table, node: Node) -> Node:
    """Take the sign out of a sum of terms that are all subtracted, which saves a pass."""
    if len(node.args) != 1 or node.args[0].op != "add" or not all(map(_negative, node.args[0].args)):
        return node
    (inside,), bound = table.open(node)
    terms = [_times(table, Fraction(-1), a) for a in inside.args]
    return table.make("mul", (table.num(-1), table.bind("contract", (table.make("add", terms),), bound)))


def _negative(node: Node) -> bool:
    return node.op == "mul" and node.args[0].op == "num" and node.args[0].data[0] < 0


def _times(table: Table, factor: Fraction, node: Node) -> Node:
    number = node.args[0].data[0] * factor
    rest = node.args[1:]
    if number == 1:
        return rest[0] if len(rest) == 1 else table.make("mul", rest)
    return table.make("mul", (table.num(number), *rest))


def _flat(table: Table, args: tuple[Node, ...]) -> tuple[Node, ...]:
    """Merge the signs that were taken out of sums into the other number of a product."""
    signed = [a for a in args if a.op == "mul" and a.args[0].op == "num" and a.args[0].data[0] == -1]
    if not signed:
        return args
    sign = Fraction(-1) ** len(signed)
    rest = [x for a in args for x in (a.args[1:] if a in signed else (a,))]
    number = math.prod((a.data[0] for a in rest if a.op == "num"), start=sign)
    rest = [a for a in rest if a.op != "num"]
    return tuple(rest) if number == 1 else (table.num(number), *rest)


def _means(table: Table, args: tuple[Node, ...]) -> tuple[Node, ...]:
    """Turn ``n^k / (sum x)^k`` into powers of the mean of x, and keep a mean that is subtracted as a factor."""
    for a in args:
        inside = a.args[0] if a.op == "pow" else a
        if inside.op != "contract" or len(inside.args) != 1 or len(inside.data[-1]) != 1:
            continue
        exponent = a.data[0] if a.op == "pow" else Fraction(1)
        size = table.make("size", (), (inside.data[-1][0].size,))
        count = table.make("pow", (size,), (-exponent,)) if exponent != -1 else size
        signs = [b for b in args if b is not a and b is not count]
        if count not in args or (exponent == 1 and signs != [table.num(-1)]):
            continue
        mean = table.make("mul", (table.make("pow", (size,), (Fraction(-1),)), inside))
        return (*signs, table.make("pow", (mean,), (exponent,)) if exponent != 1 else mean)
    return args


def _selected(table: Table, node: Node) -> Node:
    """Cut dead rows after a contraction where they are cut before it: the result is smaller."""
    for place, factor in enumerate(node.args):
        if factor.op != "mul" or len(factor.args) != 2:
            continue
        for k, cut in enumerate(factor.args):
            if is_indicator(cut) and cut.axes.isdisjoint(node.data[-1]) and factor.args[1 - k].op == "softmax":
                args, bound = table.open(node)
                rest = [a.args[1 - k] if q == place else a for q, a in enumerate(args)]
                return table.make("mul", (cut, table.bind("contract", rest, bound)))
    return node


def _grouped(table: Table, op: str, args: tuple[Node, ...]) -> Node:
    groups: dict[frozenset[Axis], list[Node]] = {}
    for a in args:
        groups.setdefault(a.axes, []).append(a)
    order = sorted(groups, key=lambda axes: (len(axes), sorted(axes)))
    tops: list[Node] = []
    for k, axes in enumerate(order):
        host = next((b for b in order[k + 1 :] if axes < b), None)
        members = groups[axes]
        if host is None:
            tops += members
        elif len(members) == 1:
            groups[host].append(members[0])
        else:
            groups[host].append(table.make(op, members))
    return tops[0] if len(tops) == 1 else table.make(op, tops)
