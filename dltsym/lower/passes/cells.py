"""Cells: patterns of the normal form that have a faster or more accurate name in the libraries.

Each rule states its side condition; where it fails the node stays as it is. `unfold` gives every cell its meaning back.
Source: dltsym design note, section 4.6.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import replace
from fractions import Fraction

from dltsym.lower.algebra.constructors import Algebra
from dltsym.lower.algebra.forms import factors
from dltsym.lower.axes import Axis, Slot
from dltsym.lower.ir import Table
from dltsym.lower.nodes import Node, anonymous
from dltsym.lower.passes.optional import optional_cells
from dltsym.lower.passes.rebuild import at, rewrite, rewritten, split, subnodes, terms, total
from dltsym.lower.program import Input, Program


def cells(program: Program, names: Iterable[str] = ()) -> Program:
    """Recognise softmax, log-softmax, cross-entropy, scatter and friends.

    Parameters
    ----------
    program : Program
        Program in normal form; contractions not grouped yet.
    names : iterable of str
        Cells that are opt-in: ``sdpa``, ``logmm``, ``sqdist_gemm``.

    Returns
    -------
    Program
    """
    table = program.table
    inputs = {i.name: i for i in program.inputs}
    alg, chosen = Algebra(table, program.inputs), tuple(names)
    extra = optional_cells(table, inputs, chosen)
    if not chosen and not any(map(_promising, subnodes(*(o.node for o in program.outputs)))):
        return program

    def rule(node: Node) -> Node:
        match node.op:
            case "add":
                return _log_softmax(table, _cross_entropy(table, node))
            case "where":
                return _cut(table, node)
            case "exp":
                return _weighted_share(alg, node)
            case "mul":
                return _entropy_factors(table, _logsigmoid(table, _flat(table, node.args)))
            case "contract":
                q, inner = _factors(table, node)
                return total(table, {extra(_scatter(table, inputs, inner)): q})
        return extra(node)

    return _shared(rewritten(program, rule, "cells"))


def _promising(node: Node) -> bool:
    # Every cell replaces a log-sum-exp, a softplus, a product with an exponential or a sum over equal places.
    match node.op:
        case "reduce":
            return node.data[0] == "lse"
        case "contract" | "mul":
            return any(a.op in ("exp", "where") for a in node.args)
    return node.op in ("softplus", "softmax", "log_softmax")


def unfold(table: Table, node: Node) -> Node:
    """Return the ordinary expression that a cell stands for; any other node is returned as it is.

    Parameters
    ----------
    table : Table
        Owner of the node.
    node : Node
        Node.

    Returns
    -------
    Node
    """
    match node.op:
        case "softmax" | "log_softmax":
            (x,), axes = node.args, node.data[0]
            difference = total(table, {x: Fraction(1), table.bind("reduce", (x,), axes, ("lse",)): Fraction(-1)})
            return difference if node.op == "log_softmax" else table.make("exp", (difference,))
        case "xexpx":
            p = table.make("exp", node.args)
            return table.make("where", (_equal(table, p, table.num(0)), p, table.make("mul", (p, *node.args))))
        case "scatter":
            (x, index), bound = table.open(node)
            hit = _equal(table, table.make("iota", (), (node.data[0],)), index)
            return table.bind("contract", (table.make("where", (hit, table.num(1), table.num(0))), x), bound)
        case "cross_entropy":
            (x, index), bound = table.open(node)
            lse = table.bind("reduce", (x,), bound, ("lse",))
            return total(table, {lse: Fraction(1), at(table, x, bound[0], index): Fraction(-1)})
        case "sdpa":
            (q, key, v, *scale), bound = table.open(node)
            j, k = sorted(bound, key=lambda a: a in q.axes)
            score = table.make("mul", (*scale[:1], table.bind("contract", (q, key), (k,))))
            if len(scale) > 1:
                score = table.make("where", (scale[1], score, _minus_infinity(table)))
            return table.bind("contract", (table.make("softmax", (score,), ((j,),)), v), (j,))
        case "logmm":
            args, bound = table.open(node)
            return table.bind("reduce", (table.make("add", args),), bound, ("lse",))
        case "sqdist":
            (x, y), bound = table.open(node)
            difference = total(table, {x: Fraction(1), y: Fraction(-1)})
            return table.bind("contract", (table.make("pow", (difference,), (Fraction(2),)),), bound)
    return node


def _equal(table: Table, a: Node, b: Node) -> Node:
    return table.make("cmp", (a, b), ("=",))


def _minus_infinity(table: Table) -> Node:
    return table.make("mul", (table.num(-1), table.make("const", (), ("inf",))))


def _log_softmax(table: Table, node: Node) -> Node:
    """Find ``q (x - lse_B x)`` among the terms of a sum."""
    # Side condition: the axes that stand for B are not free in the lse; else it is one entry, not a row.
    if node.op != "add":
        return node
    parts = terms(table, node)
    for lse, q in list(parts.items()):
        if lse.op != "reduce" or lse.data[0] != "lse" or parts.get(lse) != q:
            continue
        (x,), bound = table.open(lse)
        free = sorted(node.axes - lse.axes)
        for axes in itertools.permutations(free, len(bound)):
            if any(a.size != b.size for a, b in zip(axes, bound, strict=True)):
                continue
            here = table.rename(x, dict(zip(bound, axes, strict=True)))
            rest = _without(parts, terms(table, here), -q)
            if rest is not None:
                del rest[lse]
                cell = table.make("log_softmax", (here,), (axes,))
                parts = rest | {cell: rest.get(cell, Fraction(0)) - q}
                break
    return total(table, parts) if parts != terms(table, node) else node


def _weighted_share(alg: Algebra, node: Node) -> Node:
    """Turn ``exp(log w + log_softmax x)`` into ``w softmax x``, also in a sum: a share is at most 1, whatever x is."""
    (inside,) = node.args
    if inside.op == "reduce" and inside.data[0] == "lse":
        if all(t.op != "log_softmax" for t in terms(alg.table, inside.args[0])):
            return node
        (body,), bound = alg.table.open(inside)
        share = _weighted_share(alg, alg.table.make("exp", (body,)))
        return node if share.op == "exp" else alg.table.bind("contract", factors(share), bound)
    parts = terms(alg.table, inside)
    shares = [t for t in parts if t.op == "log_softmax"]
    logs = [t for t in parts if t.op == "log" and alg.facts(t.args[0]).nonneg and alg.facts(t.args[0]).finite]
    if len(shares) != 1 or len(logs) + 1 != len(parts) or set(parts.values()) != {1}:
        return node
    p = alg.table.make("softmax", shares[0].args, shares[0].data)
    return alg.table.make("mul", (*(t.args[0] for t in logs), p)) if logs else p


def _cut(table: Table, node: Node) -> Node:
    """Turn ``where(c, x - lse_B where(c, x, -inf), -inf)`` into a log-softmax: a dead row is -inf in both."""
    c, value, other = node.args
    if other is not _minus_infinity(table):
        return node
    parts = terms(table, value)
    for lse, q in parts.items():
        if q != -1 or lse.op != "reduce" or lse.data[0] != "lse":
            continue
        (x,), bound = table.open(lse)
        for axes in itertools.permutations(sorted(node.axes - lse.axes), len(bound)):
            names = dict(zip(bound, axes, strict=True))
            if all(a.size == b.size for a, b in names.items()):
                here = table.rename(x, names)
                cut = here.op == "where" and here.args[0] is c and here.args[2] is other
                if cut and _without(parts, terms(table, here.args[1]), Fraction(1)) == {lse: Fraction(-1)}:
                    return table.make("log_softmax", (here,), (axes,))
    return node


def _without(parts: Mapping[Node, Fraction], less: Mapping[Node, Fraction], q: Fraction) -> dict[Node, Fraction] | None:
    # The terms that remain when q times `less` is taken out whole; None if it is not there.
    out = dict(parts)
    for n, c in less.items():
        if out.get(n) != q * c:
            return None
        del out[n]
    return out


def _cross_entropy(table: Table, node: Node) -> Node:
    """Find ``q (lse_c x - x[c = index])``: one bound axis, an index free of it."""
    parts = terms(table, node)
    for lse, q in list(parts.items()):
        if lse.op != "reduce" or lse.data[0] != "lse" or len(lse.data[1]) != 1 or parts.get(lse) != q:
            continue
        (x,), (axis,) = table.open(lse)
        if axis not in x.axes:
            continue
        for index in _indices(table, [n for n in parts if n is not lse], axis, lse.axes):
            found = [
                rest
                for place in (at(table, x, axis, index), table.bind("take", (x, index), (axis,), (Slot(1),)))
                if (rest := _without(parts, terms(table, place), -q)) is not None
            ]
            if found:
                (rest, *_) = found
                del rest[lse]
                cell = table.bind("cross_entropy", (x, index), (axis,))
                parts = rest | {cell: rest.get(cell, Fraction(0)) + q}
                break
    return total(table, parts) if parts != terms(table, node) else node


def _indices(table: Table, nodes: Iterable[Node], axis: Axis, free: frozenset[Axis]) -> list[Node]:
    # Places at which other terms may read the axis: axes of the same size, and indices of gathers.
    found = [table.make("iota", (), (a,)) for a in sorted(free) if a.size == axis.size]
    for n in subnodes(*nodes):
        slots = [p.arg for p in n.data[1] if isinstance(p, Slot)] if n.op == "ref" else []
        slots += [1] if n.op == "take" and isinstance(n.data[1], Slot) else []
        found += [n.args[k] for k in slots if n.args[k] not in found]
    return found


def _logsigmoid(table: Table, node: Node) -> Node:
    """Turn ``-softplus(-x)`` into ``logsigmoid(x)``."""
    q, rest = split(table, node)
    if q == -1 and rest.op == "softplus":
        c, x = split(table, rest.args[0])
        if c < 0:
            return table.make("logsigmoid", (total(table, {x: -c}),))
    return node


def _pairs(table: Table, factors: list[Node]) -> list[Node]:
    """Turn a factor p = softmax x and a factor log p into one, whose value is 0 where p is."""
    out = list(factors)
    for p in factors:
        if p.op == "softmax":
            log_p = table.make("log_softmax", p.args, p.data)
        elif p.op == "exp":
            log_p = p.args[0]
        else:
            continue
        if p in out and log_p in out:
            out.remove(p)
            out.remove(log_p)
            out.append(table.make("xexpx", (log_p,)))
    return out


def _entropy_factors(table: Table, node: Node) -> Node:
    if node.op != "mul":
        return node
    out = _pairs(table, list(node.args))
    return node if len(out) == len(node.args) else out[0] if len(out) == 1 else table.make("mul", out)


def _factors(table: Table, node: Node) -> tuple[Fraction, Node]:
    """Take the numbers out of a contraction that a new factor brought in, and look for entropies."""
    factors, bound = table.open(node)
    q, rest = split(table, _flat(table, factors))
    flat = list(rest.args) if rest.op == "mul" else [rest]
    out = _pairs(table, flat)
    if q in (0, 1) and len(out) == len(factors):
        return Fraction(1), node
    return q, table.bind("contract", out, bound)


def _flat(table: Table, factors: Iterable[Node]) -> Node:
    parts = [g for f in factors for g in (f.args if f.op == "mul" else (f,))]
    q = Fraction(1)
    for g in parts:
        q *= g.data[0] if g.op == "num" else 1
    rest = [g for g in parts if g.op != "num"]
    if q != 1 or not rest:
        rest = [table.num(q), *rest]
    return rest[0] if len(rest) == 1 else table.make("mul", rest)


def _scatter(table: Table, inputs: Mapping[str, Input], node: Node) -> Node:
    """Turn ``Sum_t [e = I_t] x_t`` into additions at places; what depends on e is read at I."""
    # Side conditions: e is free, some bound axis occurs in I, and I is an entry of an integer array in its own
    # numbering: any other index may leave the range, where the sum is 0 and the library raises.
    if node.op != "contract":
        return node
    factors, bound = table.open(node)
    for k, f in enumerate(factors):
        hit = _indicator(f)
        for e, index in hit:
            over = [b for b in bound if b in index.axes]
            if e in bound or e in index.axes or not over or not _own_number(table, inputs, index):
                continue
            others = [at(table, g, e, index) for q, g in enumerate(factors) if q != k]
            inner = [b for b in bound if b not in over]
            x = _product(table, others, inner)
            return table.bind("scatter", (x, index), over, (e,))
    return node


def _product(table: Table, factors: list[Node], bound: list[Axis]) -> Node:
    if bound:
        return table.bind("contract", factors, bound)
    return table.num(1) if not factors else factors[0] if len(factors) == 1 else table.make("mul", factors)


def _indicator(node: Node) -> list[tuple[Axis, Node]]:
    # The pairs (e, I) with node = 1 where e = I and 0 elsewhere.
    if node.op != "where" or [a.data for a in node.args[1:]] != [(Fraction(1),), (Fraction(0),)]:
        return []
    test = node.args[0]
    if test.op != "cmp" or test.data != ("=",):
        return []
    a, b = test.args
    return [(p.data[0], q) for p, q in ((a, b), (b, a)) if p.op == "iota" and q.op != "iota"]


def _own_number(table: Table, inputs: Mapping[str, Input], index: Node) -> bool:
    parts = terms(table, index)
    refs = [n for n in parts if n.op == "ref"]
    if len(refs) != 1 or refs[0].data[0] not in inputs or parts[refs[0]] != 1:
        return False
    declared = inputs[refs[0].data[0]]
    base = {table.num(1): Fraction(-declared.base)} if declared.base else {}
    return declared.entries == "integer" and parts == {refs[0]: Fraction(1)} | base


def _shared(program: Program) -> Program:
    """Take p = exp(log p) where log p is needed anyway: one pass over the scores instead of two."""
    table = program.table
    everything = subnodes(*(o.node for o in program.outputs))
    known = {anonymous(n, n.axes) for n in everything if n.op == "log_softmax"}
    if not known or not any(n.op == "softmax" for n in everything):
        return program
    memo: dict[Node, Node] = {}

    def rule(node: Node) -> Node:
        if node.op == "softmax":
            log_p = table.make("log_softmax", node.args, node.data)
            if anonymous(log_p, log_p.axes) in known:
                return table.make("exp", (log_p,))
        return node

    outputs = tuple(replace(o, node=rewrite(table, o.node, rule, memo)) for o in program.outputs)
    return replace(program, outputs=outputs)
