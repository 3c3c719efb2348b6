"""Shares of a row: ``w exp(x - lse(log w + x))`` is a softmax, and what is no softmax counts from the largest entry.

Where ``x`` is huge, a rounding of ``lse x`` is larger than ``log 2``, and ``exp(x - lse x)`` is 1 for each of two equal
maxima. A softmax subtracts the largest entry first, which is exact where it matters. So weights that stand beside the
exponential go back under it where that completes a softmax (`completed`, before the cells), and any other difference
``x - lse(w + x)`` becomes ``(x - c) - lse(w + (x - c))`` with ``c = max x`` (`centred`, after them).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import permutations

from dltsym.lower.algebra.constructors import Algebra
from dltsym.lower.algebra.forms import factors, is_cut
from dltsym.lower.axes import Axis
from dltsym.lower.ir import Table
from dltsym.lower.nodes import Node
from dltsym.lower.passes.overflow import LARGE
from dltsym.lower.passes.rebuild import rewritten, split, terms, total
from dltsym.lower.program import Program

Terms = Mapping[Node, Fraction]
ONE = Fraction(1)


def completed(program: Program) -> Program:
    """Move weights into the exponent, and under a log-sum-exp over other axes, where that completes a softmax.

    Parameters
    ----------
    program : Program
        Program in normal form.

    Returns
    -------
    Program
    """
    alg = Algebra(program.table, program.inputs)

    def rule(node: Node) -> Node:
        match node.op:
            case "mul":
                return _product(alg, node)
            case "add":
                return _sum(alg, node)
        return node

    return rewritten(program, rule, "shares")


def _product(alg: Algebra, node: Node) -> Node:
    table = alg.table
    weights = {table.make("log", (f,)): f for f in node.args if alg.facts(f).nonneg and f.op not in ("exp", "num")}
    for hot in node.args if weights else ():
        parts = _with(table, hot.args[0], weights) if hot.op == "exp" else None
        if parts is not None:
            exponent, used = parts
            gone = {hot, *(weights[u] for u in used)}
            rest = [f for f in node.args if f not in gone]
            share = table.make("exp", (exponent,))
            return table.make("mul", (*rest, share)) if rest else share
    return node


def _sum(alg: Algebra, node: Node) -> Node:
    table, parts = alg.table, terms(alg.table, node)
    for top, q in parts.items():
        weights = {t for t, c in parts.items() if c == q and t.op == "log" and alg.facts(t.args[0]).positive}
        done = _under(table, top, weights) if weights and _is_lse(top) else None
        if done is not None:
            under, used = done
            rest = {t: c for t, c in parts.items() if t is not top and t not in used}
            return total(table, rest | {under: rest.get(under, Fraction(0)) + q})
    return node


def _with(table: Table, x: Node, weights: Iterable[Node]) -> tuple[Node, list[Node]] | None:
    """Add the logarithms that make an exponent ``z - lse z`` and other terms; None where they are not at hand."""
    mask, inside = _uncut(x)
    parts, every = terms(table, inside), dict.fromkeys(weights, ONE)
    for top, q in parts.items():
        if not _is_lse(top):
            continue
        if q == 1:
            done = _under(table, top, weights)
            if done is not None:
                rest = {t: c for t, c in parts.items() if t is not top}
                return _cut(table, x, total(table, rest | {done[0]: ONE})), done[1]
        for z, _, own in _rows(table, top, [x, *every]) if q == -1 else ():
            lacking = [t for t in z if parts.get(t) != z[t]]
            fits = own is mask and 0 < len(lacking) < len(z)
            if fits and all(t not in parts and every.get(t) == z[t] for t in lacking):
                return _cut(table, x, total(table, {**parts, **{t: z[t] for t in lacking}})), lacking
    return None


def _uncut(x: Node) -> tuple[Node | None, Node]:
    return (x.args[0], x.args[1]) if is_cut(x) else (None, x)


def _cut(table: Table, x: Node, inside: Node) -> Node:
    return table.make("where", (x.args[0], inside, x.args[2])) if is_cut(x) else inside


def _under(table: Table, top: Node, weights: Iterable[Node]) -> tuple[Node, list[Node]] | None:
    if _uncut(top.args[0])[1].op != "add":
        return None
    (body,), bound = table.open(top)
    done = _with(table, body, weights)
    return None if done is None else (table.bind("reduce", (done[0],), bound, ("lse",)), done[1])


def _is_lse(node: Node) -> bool:
    return node.op == "reduce" and node.data[0] == "lse"


def _rows(
    table: Table, top: Node, nodes: Iterable[Node]
) -> Iterator[tuple[dict[Node, Fraction], tuple[Axis, ...], Node | None]]:
    """Yield the terms that a log-sum-exp adds up, two or more, on each choice of free axes, that choice, the mask."""
    if _uncut(top.args[0])[1].op != "add":
        return
    (body,), bound = table.open(top)
    mask, row = _uncut(body)
    inside = terms(table, row)
    free = sorted({a for n in nodes for a in n.axes} - top.axes)
    for axes in permutations(free, len(bound)) if len(bound) <= 3 else ():
        if all(a.size == b.size for a, b in zip(axes, bound, strict=True)):
            names = dict(zip(bound, axes, strict=True))
            here = {table.rename(t, names): q for t, q in inside.items()}
            yield here, axes, mask if mask is None else table.rename(mask, names)


def centred(program: Program) -> Program:
    """Count from the largest entry what is subtracted from a log-sum-exp of it and of other terms.

    Parameters
    ----------
    program : Program
        Program with its cells.

    Returns
    -------
    Program
    """
    alg, known = Algebra(program.table, program.inputs), dict[Node, Node]()

    def rule(node: Node) -> Node:
        return _from_the_largest(alg, node, known) if node.op == "add" else node

    def other(node: Node) -> Node:
        return _same_row(program.table, node, known) if node.op == "softmax" else node

    program = rewritten(program, rule, "centred")
    return rewritten(program, other, "centred") if known else program


def _from_the_largest(alg: Algebra, node: Node, known: dict[Node, Node]) -> Node:
    table, parts = alg.table, terms(alg.table, node)
    for part, q in parts.items():
        scale, top = _factor(part, _is_lse)
        for z, axes, mask in _rows(table, top, parts) if top is not None else ():
            against = {t: split(table, alg.mul(table.num(-q * c), *scale, t)) for t, c in z.items()}
            x = {t: z[t] for t, (c, other) in against.items() if parts.get(other) == c}
            if mask is None and 0 < len(x) < len(z) and _large(alg, total(table, x)):
                moved, row = _row(table, z, x, axes)
                known[top] = under = table.bind("reduce", (row,), axes, ("lse",))
                gone = {part, *(against[t][1] for t in x)}
                rest = {t: c for t, c in parts.items() if t not in gone}
                return total(table, rest | {_times(table, scale, moved): -q, _times(table, scale, under): q})
        if top is part:
            for mean in parts:
                done = _mean(alg, mean, top, known) if parts[mean] == -q else None
                if done is not None:
                    rest = {t: c for t, c in parts.items() if t not in (part, mean)}
                    return total(table, rest | {done: -q, known[top]: q})
    return node


def _mean(alg: Algebra, mean: Node, top: Node, known: dict[Node, Node]) -> Node | None:
    """Return ``sum softmax(z) x`` for the terms x of z, which stands beside ``lse z``, from the largest x."""
    table = alg.table
    scale, inner = _factor(mean, lambda f: f.op == "contract")
    args, bound = table.open(inner) if inner is not None else ((), ())
    p = next((f for f in args if f.op == "softmax" and set(f.data[0]) == set(bound)), None)
    if p is None or table.bind("reduce", p.args, bound, ("lse",)) is not top:
        return None
    z, x = terms(table, p.args[0]), terms(table, alg.mul(*scale, *(f for f in args if f is not p)))
    if any(z.get(t) != c for t, c in x.items()) or not _large(alg, total(table, x)):
        return None
    moved, row = _row(table, z, x, bound)
    known[top] = table.bind("reduce", (row,), bound, ("lse",))
    return table.bind("contract", (moved, table.make("softmax", (row,), p.data)), bound)


def _factor(node: Node, wanted: Callable[[Node], bool]) -> tuple[tuple[Node, ...], Node | None]:
    """Split a product into a factor of a kind and the others."""
    parts = factors(node)
    found = [f for f in parts if wanted(f)]
    return (tuple(f for f in parts if f is not found[0]), found[0]) if len(found) == 1 else ((), None)


def _times(table: Table, scale: tuple[Node, ...], node: Node) -> Node:
    return table.make("mul", (*scale, node)) if scale else node


def _row(table: Table, z: Terms, x: Terms, axes: tuple[Axis, ...]) -> tuple[Node, Node]:
    """Return some terms of a row from their largest entry, and the row with them."""
    own = total(table, dict(x))
    largest = table.bind("reduce", (own,), axes, ("max",))
    moved = table.make("add", (own, table.make("mul", (table.num(-1), largest))))
    return moved, total(table, {t: c for t, c in z.items() if t not in x} | {moved: ONE})


def _same_row(table: Table, node: Node, known: Mapping[Node, Node]) -> Node:
    """Take the shares of a row that is at hand, centred."""
    under = known.get(table.bind("reduce", node.args, node.data[0], ("lse",)))
    if under is None or len(node.data[0]) > 1:
        return node
    (row,), (axis,) = table.open(under)
    return table.make("softmax", (table.rename(row, {axis: node.data[0][0]}),), node.data)


def _large(alg: Algebra, x: Node) -> bool:
    facts = alg.facts(x)
    small = facts.lo is not None and facts.hi is not None and facts.lo >= -LARGE and facts.hi <= LARGE
    return facts.finite and not small
