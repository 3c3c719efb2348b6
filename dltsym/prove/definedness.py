"""Side conditions: what must hold for a written statement to mean anything, read off the display tree.

They are collected before anything is cancelled (``u/u`` still asks for ``u != 0``) and proved from declarations,
hypotheses and facts. A condition of a hypothesis never rests on laws of the term that it makes meaningful.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

from dltsym.functions.table import FUNCTIONS
from dltsym.notation.binding import Binding
from dltsym.notation.matrices import Det, Inverse, MatrixNode
from dltsym.notation.parse import row_text
from dltsym.notation.tree import (
    Call,
    Const,
    Div,
    Expr,
    Index,
    Integral,
    Limit,
    Neg,
    Num,
    Pow,
    Rel,
    Sum,
)
from dltsym.notation.walk import children, free_symbols, key, subterms
from dltsym.prove.axioms import closure
from dltsym.prove.definedness_folds import needs
from dltsym.prove.limits_near import Near, holds_near
from dltsym.prove.matrices_defined import nonzero
from dltsym.prove.problem import Problem, declared_bounds
from dltsym.prove.shapes import ZERO, is_integer, rational
from dltsym.prove.signs import entails
from dltsym.prove.verdict import Row

ONE = Num(Fraction(1))
OO = Const("oo")
Local = tuple[Rel, ...]


@dataclass(frozen=True)
class Condition:
    """`rel` must hold under the local hypotheses `local`; any relation of `instead` would do as well.

    Inside a limit it is enough if it holds close to the point (`near`).
    """

    rel: Rel
    local: Local
    why: str
    instead: tuple[Rel, ...] = ()
    near: Near | None = None

    def __str__(self) -> str:
        return f"{self.why} needs {self.rel}"


@lru_cache(maxsize=4096)
def conditions(node: Expr | Rel) -> tuple[Condition, ...]:
    """Collect the side conditions of a tree, without repetition.

    Parameters
    ----------
    node : Expr or Rel
        Tree as written, let-names expanded.

    Returns
    -------
    tuple of Condition

    Examples
    --------
    >>> from dltsym.notation.scope import Scope
    >>> v = Scope()
    >>> x = v.real("x")
    >>> [str(c) for c in conditions(v.parse("log(x)/x"))]
    ['log(x) needs x > 0', 'log(x)/x needs x != 0']
    """
    found = {(key(c.rel), *map(key, c.local), *map(key, c.instead)): c for c in reversed([*_walk(node, ())])}
    return tuple(reversed(found.values()))


def _walk(node: Expr | Rel, local: Local) -> Iterator[Condition]:
    match node:
        case Sum():
            yield from _sum(node, local)
            return
        case Integral():
            yield from _integral(node, local)
            return
        case Limit():
            yield from _limit(node, local)
            return
        case Binding():
            yield from _folded(node, local)
            return
    for child in children(node):
        yield from _walk(child, local)
    yield from _own(node, local)


def _own(node: Expr | Rel, local: Local) -> Iterator[Condition]:
    match node:
        case Div(_, den):
            if not rational(den):
                yield Condition(Rel(den, "!=", ZERO), local, str(node))
        case Call("delta", args):
            for arg in args:
                yield from _whole(arg, local, f"delta at {arg}, no integer by its form,")
        case Call(name, args):
            for arg in args if name == "binomial" else ():
                yield from _whole(arg, local, f"binomial at {arg}, no integer by its form,")
            for row in FUNCTIONS[name].domain:
                rel = row_text(node, row)
                assert isinstance(rel, Rel)
                yield Condition(rel, local, str(node))
        case Pow():
            yield from _power(node, local)
        case Inverse(arg):
            yield Condition(Rel(Det(arg), "!=", ZERO), local, str(node))
        case Index(array, idx):
            for i, (lo, hi) in zip(idx, array.decl.shape, strict=True):
                yield from _whole(i, local, f"{node} at {i}, no integer by its form,")
                yield Condition(Rel(lo, "<=", i), local, str(node))
                yield Condition(Rel(i, "<=", hi), local, str(node))


def _whole(e: Expr, local: Local, why: str) -> Iterator[Condition]:
    """Ask for the impossible unless `e` is an integer by its form: SymPy sums to n/2 as if every n were even."""
    if not is_integer(e):
        yield Condition(Rel(ONE, "=", ZERO), local, why)


def _power(node: Pow, local: Local) -> Iterator[Condition]:
    base, exponent, c = node.base, node.exponent, rational(node.exponent)
    if c is None:
        if is_integer(exponent):  # base**0 = 1 for every base, as in a polynomial
            yield Condition(Rel(base, "!=", ZERO), local, str(node), (Rel(ZERO, "<=", exponent),))
        else:
            yield Condition(Rel(base, ">", ZERO), local, str(node))
    elif c.denominator != 1:
        yield Condition(Rel(base, ">=" if c > 0 else ">", ZERO), local, str(node))
    elif c < 0:
        yield Condition(Rel(base, "!=", ZERO), local, str(node))


def _sum(node: Sum, local: Local) -> Iterator[Condition]:
    inner = local
    for v, lo, hi in reversed(node.limits):  # outermost first: a range may mention the indices outside it
        for end in (lo, hi):
            yield from _walk(end, inner)
            if _infinite(end):
                yield Condition(Rel(end, "<", OO), inner, f"{node} (absolute convergence)")
            else:
                yield from _whole(end, inner, f"{node} up to {end}, no integer by its form,")
        inner = (*inner, Rel(lo, "<=", v), Rel(v, "<=", hi))
    yield from _walk(node.body, inner)


def _integral(node: Integral, local: Local) -> Iterator[Condition]:
    ends = [e for e in (node.lo, node.hi) if not _infinite(e)]
    for end in ends:
        yield from _walk(end, local)
    if len(ends) == 2:  # with hi < lo the local range below would be empty and prove anything
        yield Condition(Rel(node.lo, "<=", node.hi), local, str(node))
    below = () if _infinite(node.lo) else (Rel(node.lo, "<=", node.var),)
    above = () if _infinite(node.hi) else (Rel(node.var, "<=", node.hi),)
    yield from _walk(node.body, (*local, *below, *above))


def _limit(node: Limit, local: Local) -> Iterator[Condition]:
    """Ask for the body near the point, not at it: within 1 of it or beyond 1 for an infinite one, or still closer."""
    var, point = node.var, node.point
    if _infinite(point):
        near: Local = (Rel(ONE, "<=", var),) if point == OO else (Rel(var, "<=", Neg(ONE)),)
    else:
        yield from _walk(point, local)
        sides = {"+": (Rel(point, "<", var),), "-": (Rel(var, "<", point),)}.get(node.side, (Rel(var, "!=", point),))
        near = (Rel(point - 1, "<", var), Rel(var, "<", point + 1), *sides)
    for condition in _walk(node.body, (*local, *near)):
        yield replace(condition, near=condition.near or Near(var, point, node.side))


def _folded(node: Binding, local: Local) -> Iterator[Condition]:
    """Ask for each part where it is used: a body inside its range, a branch where the ones before it fail."""
    for need in needs(node):
        inner = (*local, *need.local)
        for part in need.parts:
            yield from _walk(part, inner)
        for end in need.whole:
            yield from _whole(end, inner, f"{node} with {end}, no integer by its form,")
        yield from (Condition(rel, inner, str(node)) for rel in need.rels)


def _infinite(e: Expr) -> bool:
    return e == OO or e == Neg(OO)


def discharge(problem: Problem, facts_defined: bool = True) -> tuple[tuple[Row, ...], tuple[str, ...]]:
    """Prove the side conditions of the goal and of the hypotheses.

    Parameters
    ----------
    problem : Problem
        Prepared problem.
    facts_defined : bool
        Whether the facts are known to be defined (instances of proved lemmas whose hypotheses were checked).

    Returns
    -------
    rows : tuple of Row
        Proved conditions.
    missing : tuple of str
        Conditions that were not proved, each with the term that needs it.
    """
    used = [problem.goal] if problem.written is None else [problem.written, problem.goal]
    used += problem.given if facts_defined else problem.known
    rows: dict[str, Row] = {}
    missing: dict[str, None] = {}
    for rel in used:
        index = tuple(b for s in closure(free_symbols(rel)) for b in declared_bounds(s))
        for condition in conditions(rel):
            row = prove(condition, problem, index)
            if row is not None:
                rows.setdefault(row.text, row)
            elif not any(str(condition.rel) == m.split(" needs ")[1] for m in missing):
                missing[str(condition)] = None
    return tuple(rows.values()), tuple(missing)


def prove(condition: Condition, problem: Problem, index: Local = ()) -> Row | None:
    """Prove one side condition.

    Parameters
    ----------
    condition : Condition
        What is needed.
    problem : Problem
        From what.
    index : tuple of Rel
        Ranges of the free indices of the relation that it comes from.

    Returns
    -------
    Row or None
    """
    for rel in (condition.rel, *condition.instead):
        about_matrices = any(isinstance(t, MatrixNode) for t in subterms(rel))
        row = nonzero(rel, problem) if about_matrices else entails(rel, problem, (*index, *condition.local))
        if row is not None:
            return Row(str(rel), row.grade, f"{condition.why} ({row.why})")
    if condition.near is None:
        return None
    rows = (holds_near(rel, condition.near, problem) for rel in (condition.rel, *condition.instead))
    return next((r for r in rows if r is not None), None)
