"""Proving an equation between sums: canonical form, then the tower, then cases of a delta, then term by term."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from dltsym.notation.tree import Add, Call, Decl, Diff, Expr, Integral, Limit, Neg, Num, Rel, Sum, Sym
from dltsym.notation.walk import children, free_symbols, key, rebuild, substitute, subterms, transform
from dltsym.prove.problem import Problem, bounds_of
from dltsym.prove.signs import entails
from dltsym.prove.stage import refuted
from dltsym.prove.sums import canonical_problem, loose
from dltsym.prove.sums_frame import Rule, definitions, frame_of, positive
from dltsym.prove.sums_linear import linear, to_expr
from dltsym.prove.sums_open import vanishes
from dltsym.prove.sums_poly import TooBig
from dltsym.prove.sums_read import read
from dltsym.prove.tower import Unknown, prove_zero
from dltsym.prove.verdict import Row

ZERO = Num(Fraction(0))
MAX_CASES, MAX_DEPTH = 3, 2


@dataclass(frozen=True)
class Proof:
    """How an equation was proved: the canonical difference, the way, the rows and the hypotheses used."""

    way: str
    normal: str
    rows: tuple[Row, ...]
    uses: tuple[str, ...] = ()


def prove_equation(problem: Problem, depth: int = 0) -> Proof | None:
    """Prove the goal of a problem, an equation; None means unknown.

    Parameters
    ----------
    problem : Problem
        Problem whose goal has the operation ``=``.
    depth : int
        How many sums were already opened.

    Returns
    -------
    Proof or None
    """
    ready: list[tuple[str, Problem, tuple[Row, ...]]] = []
    for way, start, rules in _starts(problem):
        found = canonical_problem(start, rules)
        if found is not None and not any(_same(found[0], p) for _, p, _ in ready):
            ready.append((way, *found))
    # Opening sums is slow: the tower gets every form before that.
    for finish in (_tower, _cases, _termwise):
        for way, canonical, rows in ready:
            proof = finish(canonical, depth)
            if proof is not None:
                return replace(proof, way=f"{way}, {proof.way}", rows=tuple(dict.fromkeys((*rows, *proof.rows))))
    return None


def _same(a: Problem, b: Problem) -> bool:
    return [key(r) for r in (a.goal, *a.known)] == [key(r) for r in (b.goal, *b.known)]


def _starts(problem: Problem) -> Iterator[tuple[str, Problem, tuple[Rule, ...]]]:
    """Yield what to start from: with arrays replaced by their definitions (first, if those say it in goal terms)."""
    rules = definitions(problem)
    mine = free_symbols(problem.goal)
    new = any(s.decl.sort == "array" for r in rules for s in free_symbols(r.rhs) - mine)
    starts = [("canonical sums with definitions", problem, rules), ("canonical sums", problem, ())]
    yield from (starts[::-1] if new else starts) if rules else starts[1:]
    plain = _without_scalars(problem)
    if plain is not problem:
        yield "canonical sums with definitions", plain, definitions(plain)


def _without_scalars(problem: Problem) -> Problem:
    """Substitute hypotheses ``s = expr`` for real symbols s that stand inside a sum."""
    sums = [t for r in (problem.goal, *problem.known) for t in subterms(r) if isinstance(t, Sum)]
    inside = frozenset().union(*map(free_symbols, sums))
    for rel in problem.known:
        for s, value in ((rel.lhs, rel.rhs), (rel.rhs, rel.lhs)):
            if rel.op == "=" and s in inside and isinstance(s, Sym) and s.decl.sort == "real" and _plain(s, value):
                to = {s: value}
                given = [substitute(r, to) for r in (*problem.given, *bounds_of(s, s)) if r is not rel]
                facts = tuple(replace(f, rel=substitute(f.rel, to)) for f in problem.facts if f.rel is not rel)
                goal = substitute(problem.goal, to)
                return _without_scalars(replace(problem, goal=goal, given=tuple(given), facts=facts))
    return problem


def _plain(sym: Sym, value: Expr) -> bool:
    free = free_symbols(value)
    return sym not in free and not any(s.decl.sort == "index" for s in free)


def _tower(problem: Problem, depth: int) -> Proof | None:
    """Prove a goal whose sums are canonical, each sum a symbol."""
    flat = _flat(problem)
    try:
        zero = prove_zero(Add((flat.goal.lhs, Neg(flat.goal.rhs))), flat)
    except Unknown:
        return None
    return None if zero is None else Proof("tower", str(problem.goal), zero.rows, zero.uses)


def _flat(problem: Problem) -> Problem:
    """Replace every canonical sum by a real symbol, with the sign that its terms give it."""
    table: dict[str, Sym] = {}

    def swap(e: Expr) -> Expr:
        if isinstance(e, Integral | Limit | Diff):
            return e  # a sum in there may depend on the variable that is bound there
        if not isinstance(e, Sum):
            return rebuild(e, tuple(swap(c) for c in children(e))) if children(e) else e
        if key(e) not in table:
            frame = frame_of(problem, e)
            strict = positive(e, frame)
            lo = ZERO if strict or positive(e, frame, strict=False) else None
            table[key(e)] = Sym(Decl(f"S{len(table) + 1}: {e}", "real", lo=lo, lo_open=strict))
        return table[key(e)]

    def swap_rel(r: Rel) -> Rel:
        return Rel(swap(r.lhs), r.op, swap(r.rhs))

    # A sum in a statement about every index is not one number; equations of that kind were used before.
    kept = [r for r in problem.given if not (r.op == "=" and loose(r, problem))]
    facts = [f for f in problem.facts if not (f.rel.op == "=" and loose(f.rel, problem))]
    return replace(
        problem,
        goal=swap_rel(problem.goal),
        given=tuple(r if loose(r, problem) else swap_rel(r) for r in kept),
        facts=tuple(f if loose(f.rel, problem) else replace(f, rel=swap_rel(f.rel)) for f in facts),
    )


def _cases(problem: Problem, depth: int) -> Proof | None:
    """Split on a delta of fixed indices: once they are equal, once the delta is 0."""
    if depth >= MAX_CASES:
        return None
    terms = list(subterms(problem.goal))
    bound = {v for t in terms if isinstance(t, Sum) for v, _, _ in t.limits}
    deltas = [t for t in terms if isinstance(t, Call) and t.name == "delta"]
    for d in sorted((t for t in deltas if not free_symbols(t) & bound), key=str):
        apart = entails(Rel(d.args[0], "!=", d.args[1]), problem, deep=False)
        if apart is not None:
            proof = prove_equation(_unequal(problem, d), depth + 1)
            return proof and replace(proof, way=f"{d} = 0, {proof.way}", rows=(apart, *proof.rows))
        gap = linear(d.args[0]) - linear(d.args[1])
        for s in sorted(gap.symbols - bound, key=lambda s: s.name):
            if abs(gap.coefficient(s)) != 1 or s.decl.sort not in ("index", "integer") or not gap.whole:
                continue
            same = prove_equation(_equal(problem, s, to_expr(linear(s) - gap.scaled(gap.coefficient(s)))), depth + 1)
            other = same and prove_equation(_unequal(problem, d), depth + 1)
            if same and other:
                both = tuple(dict.fromkeys((*same.rows, *other.rows)))
                return Proof(f"cases of {d}", str(problem.goal), both, (*same.uses, *other.uses))
            return None
    return None


def _equal(problem: Problem, s: Sym, value: Expr) -> Problem:
    to = {s: value}
    # A hypothesis about an index holds for every index, and one about an integer still holds: both stay.
    given = (*problem.given, *(substitute(r, to) for r in (*problem.known, *bounds_of(s, s)) if s in free_symbols(r)))
    return replace(problem, goal=substitute(problem.goal, to), given=tuple(given), written=None)


def _unequal(problem: Problem, d: Call) -> Problem:
    names = {key(d), key(Call("delta", d.args[::-1]))}

    def rule(e: Expr) -> Expr:
        return ZERO if isinstance(e, Call) and e.name == "delta" and key(e) in names else e

    return problem.with_goal(transform(problem.goal, rule), Rel(d.args[0], "!=", d.args[1]))


def _termwise(problem: Problem, depth: int) -> Proof | None:
    """Prove that a linear combination of sums vanishes, because a summand does at every index."""
    if depth >= MAX_DEPTH:
        return None
    gap = Add((problem.goal.lhs, Neg(problem.goal.rhs)))
    try:
        left = read(gap, frame_of(problem, gap))
    except TooBig:
        return None

    false: dict[str, bool] = {}

    def inside(summand: Problem, deep: bool) -> tuple[Row, ...] | None:
        name = key(summand.goal.lhs)  # the same summand comes back with leave to open further sums
        if name not in false:
            false[name] = refuted(summand, 6)
        if false[name]:  # a filter only: it saves the search for a proof that cannot be
            return None
        proof = prove_equation(summand, depth + 1 if deep else MAX_DEPTH)
        return None if proof is None else proof.rows

    rows = vanishes(left, problem, inside)
    return None if rows is None else Proof("term by term", str(problem.goal), rows)
