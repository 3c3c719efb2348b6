"""Rearranging finite sums before they are compared: shifted, reversed and split ranges.

Each move keeps the value for every range, also an empty one: ``i -> i - c`` and ``i -> lo + hi - i`` permute the set of
indices, and a sum over lo..hi is the sum over lo..m and m + 1..hi when ``lo - 1 <= m <= hi`` is proved.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice

from dltsym.notation.tree import Expr, Index, Integral, Limit, Rel, Sum, Sym
from dltsym.notation.walk import children, free_symbols, fresh_binders, key, rebuild, substitute, subterms
from dltsym.prove.problem import Problem
from dltsym.prove.signs import entails
from dltsym.prove.sums_linear import Linear, linear, to_expr
from dltsym.prove.sums_prove import prove_equation
from dltsym.prove.verdict import Row

MAX_SUMS, MAX_TRIES = 6, 80
QUICK = 3  # depth at which sums are compared by their canonical form alone
Step = tuple[Rel, str, tuple[Row, ...]]


def prove(problem: Problem) -> tuple[str, tuple[Row, ...]] | None:
    """Prove an equation between sums after one or two rearrangements.

    Parameters
    ----------
    problem : Problem
        Goal with ``=``.

    Returns
    -------
    tuple or None
        What was rearranged, and the rows; None when unknown.
    """
    if any(isinstance(t, Integral | Limit) for t in subterms(problem.goal)):
        return None
    start = _shifted(problem.goal)
    first = [(start, "shifted ranges", ())] if start != problem.goal else []
    first += [*_reversed(start), *_splits(start, problem)]
    second = ((g, f"{way}, {more}", (*rows, *new)) for h, way, rows in first for g, more, new in _splits(h, problem))
    for goal, way, rows in islice(chain(first, second), MAX_TRIES):
        proof = prove_equation(problem.with_goal(goal), QUICK)
        if proof is not None:
            return way, tuple(dict.fromkeys((*rows, *proof.rows)))
    return None


def _sums(goal: Rel) -> list[Sum]:
    found = {key(t): t for t in subterms(goal) if isinstance(t, Sum)}
    return [found[k] for k in sorted(found)][:MAX_SUMS]


def _replace(goal: Rel, table: dict[str, Expr]) -> Rel:
    def swap(e: Expr) -> Expr:
        if isinstance(e, Sum) and key(e) in table:
            return table[key(e)]
        kids = children(e)
        return rebuild(e, tuple(map(swap, kids))) if kids else e

    return Rel(swap(goal.lhs), goal.op, swap(goal.rhs))


def _moved(s: Sum, pos: int, image: Expr, lo: Expr, hi: Expr) -> Sum:
    """Return the sum with another index at a position: the old one is `image` of it, the range lo..hi."""
    v = s.limits[pos][0]
    to = {v: image}
    inner = tuple((w, substitute(a, to), substitute(b, to)) for w, a, b in s.limits[:pos])
    return Sum(substitute(s.body, to), (*inner, (v, lo, hi), *s.limits[pos + 1 :]))


def _shifted(goal: Rel) -> Rel:
    """Shift indices so that the first array entry with an index has no symbol added to it."""
    table: dict[str, Expr] = {}
    for s in _sums(goal):
        new = s
        for pos, (v, lo, hi) in enumerate(s.limits):
            gap = next((g for e in subterms(new.body) if isinstance(e, Index) for g in _gaps(e, v)), None)
            if gap is not None and not (gap.symbols & {w for w, _, _ in s.limits}):
                c = to_expr(gap)
                ends = (to_expr(linear(lo) + gap), to_expr(linear(hi) + gap))
                new = _moved(new, pos, to_expr(linear(v) - linear(c)), *ends)
        if new is not s:
            table[key(s)] = new
    return _replace(goal, table)


def _gaps(e: Index, v: Sym) -> Iterator[Linear]:
    for i in e.idx:
        rest = linear(i) - linear(v)
        if v in free_symbols(i) and v not in rest.symbols and rest.terms and rest.whole:
            yield rest


def _reversed(goal: Rel) -> list[Step]:
    """Reverse the range of one sum, or of all of them."""
    out: list[Step] = []
    for s in _sums(goal):
        for pos, (v, lo, hi) in enumerate(s.limits):
            image = to_expr(linear(lo) + linear(hi) - linear(v))
            out.append((_replace(goal, {key(s): _moved(s, pos, image, lo, hi)}), f"{s} reversed", ()))
    return out


def _part(s: Sum, pos: int, lo: Expr, hi: Expr) -> Expr:
    """Return the sum with another range at a position; a range of one index is put in."""
    v = s.limits[pos][0]
    if str(lo) != str(hi):
        return fresh_binders(Sum(s.body, (*s.limits[:pos], (v, lo, hi), *s.limits[pos + 1 :])))
    to = {v: lo}
    inner = tuple((w, substitute(a, to), substitute(b, to)) for w, a, b in s.limits[:pos])
    limits = (*inner, *s.limits[pos + 1 :])
    return fresh_binders(Sum(substitute(s.body, to), limits)) if limits else substitute(s.body, to)


def _splits(goal: Rel, problem: Problem) -> Iterator[Step]:
    """Split a range where another sum, or an outer index, has an end."""
    sums = _sums(goal)
    ends = {key(e): e for s in sums for _, lo, hi in s.limits for e in (hi, to_expr(linear(lo).plus(-1)))}
    for s in sums:
        for pos, (_, lo, hi) in enumerate(s.limits):
            outer = {w for w, _, _ in s.limits[pos + 1 :]}
            near = [p for w in sorted(outer, key=lambda w: w.name) for p in (w, to_expr(linear(w).plus(-1)))]
            local = tuple(r for w, a, b in s.limits[pos + 1 :] for r in (Rel(a, "<=", w), Rel(w, "<=", b)))
            for m in (*near, *(ends[k] for k in sorted(ends))):
                bound = {x for x in free_symbols(m) if x.decl.uid}
                if not bound <= outer or str(m) in (str(hi), str(to_expr(linear(lo).plus(-1)))) or not linear(m).whole:
                    continue
                rows = [
                    entails(r, problem, local) for r in (Rel(to_expr(linear(lo).plus(-1)), "<=", m), Rel(m, "<=", hi))
                ]
                if any(r is None for r in rows):
                    continue
                rest = to_expr(linear(m).plus(1))
                apart = _part(s, pos, lo, m) + _part(s, pos, rest, hi)
                yield _replace(goal, {key(s): apart}), f"{s} split at {m}", tuple(r for r in rows if r is not None)
