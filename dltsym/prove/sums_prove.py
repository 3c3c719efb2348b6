"""Proving an equation between sums: canonical form, then the tower, then cases of a delta, then term by term."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from dltsym.notation.tree import (
    Add,
    Call,
    Decl,
    Diff,
    Div,
    Expr,
    Integral,
    Limit,
    Neg,
    Num,
    Rel,
    Sum,
    Sym,
    bound_symbol,
)
from dltsym.notation.walk import children, free_symbols, key, rebuild, substitute, subterms, transform
from dltsym.prove.problem import Problem, bounds_of
from dltsym.prove.sums import canonical_problem, loose
from dltsym.prove.sums_domain import range_forms
from dltsym.prove.sums_frame import Rule, definitions, frame_of, positive
from dltsym.prove.sums_linear import linear, to_expr
from dltsym.prove.sums_poly import Mono, Poly, TooBig, to_tree
from dltsym.prove.sums_read import read
from dltsym.prove.tower import Unknown, prove_zero
from dltsym.prove.verdict import Row

ZERO, ONE = Num(Fraction(0)), Num(Fraction(1))
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
    for way, start, rules in _starts(problem):
        found = canonical_problem(start, rules)
        if found is None:
            continue
        proof = _finish(found[0], depth)
        if proof is not None:
            return replace(proof, way=f"{way}, {proof.way}", rows=tuple(dict.fromkeys((*found[1], *proof.rows))))
    return None


def _starts(problem: Problem) -> Iterator[tuple[str, Problem, tuple[Rule, ...]]]:
    rules = definitions(problem)
    yield ("canonical sums with definitions" if rules else "canonical sums"), problem, rules
    if rules:
        yield "canonical sums", problem, ()
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


def _finish(problem: Problem, depth: int) -> Proof | None:
    """Prove a goal whose sums are canonical."""
    gap = Add((problem.goal.lhs, Neg(problem.goal.rhs)))
    flat = _flat(problem)
    try:
        zero = prove_zero(Add((flat.goal.lhs, Neg(flat.goal.rhs))), flat)
    except Unknown:
        zero = None
    if zero is not None:
        return Proof("tower", str(problem.goal), zero.rows, zero.uses)
    return _cases(problem, depth) or _termwise(problem, gap, depth)


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


@dataclass(frozen=True)
class Opened:
    """The terms ``c * Sum(f)`` of one domain, as ``sum of c*f`` at a fixed index tuple."""

    body: Expr
    ranges: tuple[Rel, ...]
    count: Expr | None


def _termwise(problem: Problem, gap: Expr, depth: int) -> Proof | None:
    """Prove that a linear combination of sums over one domain vanishes, because its summand does."""
    if depth >= MAX_DEPTH:
        return None
    try:
        left = read(gap, frame_of(problem, gap))
    except TooBig:
        return None
    rows: list[Row] = []
    for name in sorted({key(_shell(s)) for m in left for s in _sums(m)}):
        mine = {m: c for m, c in left.items() if [key(_shell(s)) for s in _sums(m)] == [name]}
        rest = {m: c for m, c in left.items() if m not in mine}
        opened = _open(mine)
        if opened is None:
            continue
        # Everything else may be spread over the terms of a sum that is certainly not empty.
        spread: list[Expr] = [ZERO]
        if rest and opened.count is not None:
            spread.append(Div(to_tree(rest), opened.count))
        for extra in spread:
            goal = Rel(Add((opened.body, extra)), "=", ZERO)
            proof = prove_equation(problem.with_goal(goal, *opened.ranges), depth + 1)
            if proof is None:
                continue
            if extra != ZERO:
                checked = _count_row(problem, opened)
                if checked is None:
                    continue
                rows, rest = [*rows, checked], {}
            rows, left = [*rows, *proof.rows], rest
            break
    if not left:
        return Proof("term by term", str(problem.goal), tuple(dict.fromkeys(rows)))
    return None


def _shell(s: Sum) -> Sum:
    return Sum(ZERO, s.limits)


def _sums(mono: Mono) -> list[Sum]:
    """Return the sums of a term that may be opened; a power of a sum counts as many."""
    out: list[Sum] = []
    for a, e in mono:
        if isinstance(a.expr, Sum):
            out += [a.expr] * (int(e) if e.denominator == 1 and e > 0 else 0)
    return out


def _open(terms: Poly) -> Opened | None:
    parts: list[Expr] = []
    names: list[Sym] = []
    limits: tuple = ()
    for mono, c in terms.items():
        (s,) = _sums(mono)
        if not names:
            names, limits = [bound_symbol(v.name) for v, _, _ in s.limits], s.limits
        others = to_tree({tuple((a, e) for a, e in mono if a.expr is not s): c})
        parts.append(others * substitute(s.body, dict(zip((v for v, _, _ in s.limits), names, strict=True))))
    to = dict(zip((v for v, _, _ in limits), names, strict=True))
    ranges: list[Rel] = []
    for v, lo, hi in limits:
        if range_forms(v, lo, hi) is None:
            return None
        ranges += [Rel(substitute(lo, to), "<=", to[v]), Rel(to[v], "<=", substitute(hi, to))]
    count = None
    if len(limits) == 1:
        count = to_expr(linear(limits[0][2]) - linear(limits[0][1]) + linear(ONE))
    return Opened(Add((*parts, ZERO)), tuple(ranges), count)


def _count_row(problem: Problem, opened: Opened) -> Row | None:
    assert opened.count is not None
    if not linear(opened.count).whole:
        return None
    if not frame_of(problem, opened.count).holds(linear(opened.count).plus(-1)):
        return None
    return Row(str(Rel(ONE, "<=", opened.count)), "exact", "the sum is not empty")
