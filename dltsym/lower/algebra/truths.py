"""Truths and choices: comparisons, masks (C8 of the dltsym design note, table 4.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dltsym.lower.algebra.forms import addends, coefficient, conjuncts, is_cut, is_minus_inf, is_zero, split_exp
from dltsym.lower.nodes import Node

if TYPE_CHECKING:
    from dltsym.lower.algebra.constructors import Algebra

_SWAP = {">": "<", ">=": "<="}
_NOT = {"<": "<=", "<=": "<"}


def true(alg: Algebra) -> Node:
    """Return the truth that always holds: a conjunction of nothing."""
    return alg.table.make("and", ())


def false(alg: Algebra) -> Node:
    """Return the truth that never holds: a disjunction of nothing."""
    return alg.table.make("or", ())


def compare(alg: Algebra, op: str, a: Node, b: Node) -> Node:
    """Return a comparison, decided where the facts decide it.

    Parameters
    ----------
    alg : Algebra
        Constructors.
    op : str
        One of ``< <= = != > >=``.
    a, b : Node
        Numbers.

    Returns
    -------
    Node
    """
    if op in _SWAP:
        op, a, b = _SWAP[op], b, a
    if alg.raw:
        return alg.table.make("cmp", (a, b), (op,))
    if a is b:
        return true(alg) if op in ("<=", "=") else false(alg)
    known = _decided(alg, op, a, b)
    if known is not None:
        return true(alg) if known else false(alg)
    return alg.table.make("cmp", (a, b), (op,))


def _decided(alg: Algebra, op: str, a: Node, b: Node) -> bool | None:
    fa, fb = alg.facts(a), alg.facts(b)
    below = (
        fa.hi is not None and fb.lo is not None and (fa.hi < fb.lo or (fa.hi == fb.lo and (fa.hi_open or fb.lo_open)))
    )
    upto = fa.hi is not None and fb.lo is not None and fa.hi <= fb.lo
    above = (
        fa.lo is not None and fb.hi is not None and (fa.lo > fb.hi or (fa.lo == fb.hi and (fa.lo_open or fb.hi_open)))
    )
    over = fa.lo is not None and fb.hi is not None and fa.lo >= fb.hi
    same = fa.lo is not None and fa.lo == fa.hi == fb.lo == fb.hi
    match op:
        case "<":
            return True if below or _in_range(a, b) else False if over else None
        case "<=":
            return True if upto else False if above or _in_range(b, a) else None
        case "=":
            return False if below or above or _in_range(a, b) or _in_range(b, a) else True if same else None
    return True if below or above or _in_range(a, b) or _in_range(b, a) else False if same else None


def _in_range(a: Node, b: Node) -> bool:
    return a.op == "iota" and b.op == "size" and a.data[0].size == b.data[0]


def junction(alg: Algebra, op: str, cs: Sequence[Node]) -> Node:
    """Return the conjunction or disjunction, flat and without repetition.

    Parameters
    ----------
    alg : Algebra
        Constructors.
    op : {"and", "or"}
        Which.
    cs : sequence of Node
        Truths.

    Returns
    -------
    Node
    """
    flat = list({id(t): t for c in cs for t in (c.args if c.op == op else (c,))}.values())
    if alg.raw:
        return alg.table.make(op, flat) if len(flat) != 1 else flat[0]
    stop = "or" if op == "and" else "and"
    if any(c.op == stop and not c.args for c in flat):
        return alg.table.make(stop, ())
    return flat[0] if len(flat) == 1 else alg.table.make(op, flat)


def negate(alg: Algebra, c: Node) -> Node:
    """Return the negation of a truth.

    Parameters
    ----------
    alg : Algebra
        Constructors.
    c : Node
        Truth.

    Returns
    -------
    Node
    """
    if c.op == "not":
        return c.args[0]
    if alg.raw:
        return alg.table.make("not", (c,))
    if c.op == "cmp":
        op, (a, b) = c.data[0], c.args
        if op in _NOT:
            return compare(alg, _NOT[op], b, a)
        return alg.table.make("cmp", c.args, ("!=" if op == "=" else "=",))
    if c.op in ("and", "or") and len(c.args) != 1:
        return junction(alg, "or" if c.op == "and" else "and", [negate(alg, t) for t in c.args])
    return alg.table.make("not", (c,))


def where(alg: Algebra, c: Node, a: Node, b: Node) -> Node:
    """Return a choice in normal form.

    Parameters
    ----------
    alg : Algebra
        Constructors.
    c : Node
        Truth.
    a, b : Node
        Value where it holds, and where not.

    Returns
    -------
    Node
    """
    make = alg.table.make
    if alg.raw:
        return make("where", (c, a, b))
    if c.op in ("and", "or") and not c.args:
        return a if c.op == "and" else b
    if a is b:
        return a
    if c.op == "not" and not (is_zero(b) or is_minus_inf(b)):  # else the next rule would turn it back
        return where(alg, c.args[0], b, a)
    if is_minus_inf(a) or (is_zero(a) and not is_minus_inf(b)):
        return where(alg, negate(alg, c), b, a)
    if is_minus_inf(b):
        if is_cut(a):
            return where(alg, alg.both(c, a.args[0]), a.args[1], b)
        known = _given(alg, c, a)
        return make("where", (c, a, b)) if known is a else where(alg, c, known, b)
    if is_zero(b):
        return _masked(alg, c, a)
    if a.op == "exp" and b.op == "exp":
        return alg.exp(where(alg, c, a.args[0], b.args[0]))
    return make("where", (c, a, b))


def _given(alg: Algebra, c: Node, x: Node) -> Node:
    # x - where(c, y, -inf) where c holds is x - y: what cancels there would be inf - inf elsewhere.
    held = conjuncts(c)
    out = []
    for t in addends(x):
        k, f = coefficient(alg.table, t)
        if f.op == "where" and any(p in held for p in conjuncts(f.args[0])):
            left = alg.both(*(p for p in conjuncts(f.args[0]) if p not in held))
            t = alg.mul(alg.num(k), where(alg, left, *f.args[1:]))
        out.append(t)
    return x if all(a is b for a, b in zip(out, addends(x), strict=True)) else alg.add(*out)


def _masked(alg: Algebra, c: Node, a: Node) -> Node:
    make = alg.table.make
    if a.op == "num":
        return alg.mul(a, make("where", (c, alg.one, alg.zero)))
    if a.op == "where" and is_zero(a.args[2]):
        return where(alg, alg.both(c, a.args[0]), a.args[1], alg.zero)
    inside, rest = split_exp(a)
    if inside is not None:
        alg.note("C8")
        outer = alg.mul(*rest)
        if not alg.facts(outer).finite:
            outer = where(alg, c, outer, alg.zero)
        return alg.mul(alg.exp(where(alg, c, inside, alg.minus_inf)), outer)
    k, rest_node = coefficient(alg.table, a)
    if k != 1:
        return alg.mul(alg.num(k), where(alg, c, rest_node, alg.zero))
    return make("where", (c, a, alg.zero))
