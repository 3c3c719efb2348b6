"""Closed forms and bounds of recurrences, by induction on the index with as many base cases as the recurrence is deep.

The hypothesis ``X[t + 1] = a*X[t] + b`` for every t in a range, and the claim ``X[n + s] = R(n)``: with the claimed
value ``C(j) = R(j - s)`` of ``X[j]``, the step proves ``C(j) = F(C(j - 1), ...)`` for ``X[j] = F(X[j - 1], ...)``. A
bound ``X[n + s] <= R(n)`` needs F to be affine and increasing in the earlier entries, and ``F(C(j - 1), ...) <= C(j)``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from dltsym.errors import UnknownNode
from dltsym.notation.calculus import add, derivative
from dltsym.notation.tree import Decl, Diff, Expr, Index, Integral, Limit, Num, Pow, Rel, Sum, Sym
from dltsym.notation.walk import children, free_symbols, key, rebuild, substitute, subterms, transform
from dltsym.prove.axioms import closure
from dltsym.prove.definedness import conditions
from dltsym.prove.definedness import prove as defined
from dltsym.prove.exactsign import Exact
from dltsym.prove.problem import Problem, declared_bounds
from dltsym.prove.signs import entails
from dltsym.prove.sums_linear import Linear, linear, to_expr
from dltsym.prove.sums_prove import prove_equation
from dltsym.prove.tower import Unknown, difference, prove_zero
from dltsym.prove.verdict import Row

ZERO = Num(Fraction(0))
MAX_DEPTH, MAX_BASE = 4, 6


class Refused(Exception):
    """The goal or the recurrence is not of a form that this rule treats soundly."""


@dataclass(frozen=True)
class Claim:
    """``X[var + shift] op value``, `below` if the entry is on the left; `var` is an index or an integer symbol."""

    entry: Index
    var: Sym
    shift: int
    value: Expr
    op: str
    below: bool

    def at(self, j: Expr) -> Expr:
        """Return the claimed value of ``X[j]``."""
        return substitute(self.value, {self.var: to_expr(linear(j).plus(-self.shift))})


@dataclass(frozen=True)
class Recurrence:
    """``X[t + top] op body`` for every index t of its range; `lags` are the earlier entries ``X[t + top - lag]``."""

    rel: Rel
    index: Sym
    top: int
    body: Expr
    lags: tuple[int, ...]


def prove(problem: Problem) -> tuple[str, tuple[Row, ...]]:
    """Prove the goal from a recurrence among the hypotheses.

    Parameters
    ----------
    problem : Problem
        Goal with ``=``, ``<`` or ``<=``.

    Returns
    -------
    way : str
        What was done.
    rows : tuple of Row
        Base cases, step and side conditions.

    Raises
    ------
    Refused
        When nothing was proved, with the reason.
    """
    reasons = []
    for claim in _claims(problem):
        for rec in _recurrences(problem, claim):
            try:
                rows = _by_induction(problem, claim, rec)
            except Refused as why:
                reasons.append(f"{rec.rel}: {why}")
                continue
            return f"induction along {rec.rel}", tuple(dict.fromkeys(rows))
    raise Refused("; ".join(dict.fromkeys(reasons)) or "no recurrence for an entry of the goal")


def _claims(problem: Problem) -> Iterator[Claim]:
    goal = problem.goal
    for entry, value, below in ((goal.lhs, goal.rhs, True), (goal.rhs, goal.lhs, False)):
        if not (isinstance(entry, Index) and len(entry.idx) == 1):
            continue
        form = linear(entry.idx[0])
        for v in sorted(form.symbols, key=lambda s: s.name):
            shift = form - linear(v)
            if not shift.terms and shift.const.denominator == 1 and v.decl.sort in ("integer", "index"):
                yield Claim(entry, v, int(shift.const), value, goal.op, below)


def _recurrences(problem: Problem, claim: Claim) -> Iterator[Recurrence]:
    fixed = closure(free_symbols(problem.goal))
    for rel in problem.known:
        for head, body, below in ((rel.lhs, rel.rhs, True), (rel.rhs, rel.lhs, False)):
            fits = rel.op == "=" or (claim.op in ("<", "<=") and rel.op in ("<", "<=") and below == claim.below)
            if not (fits and isinstance(head, Index) and head.array == claim.entry.array and len(head.idx) == 1):
                continue
            form = linear(head.idx[0])
            for t in form.symbols:
                top = _offset(form, t)
                lags = _lags(body, claim.entry.array, t, top) if top is not None else None
                # Trap: what holds for every value of another index says nothing when that has none.
                alone = set(closure(free_symbols(rel))) <= {t, *fixed}
                if top is not None and lags and t.decl.sort == "index" and alone:
                    yield Recurrence(rel, t, top, body, lags)


def _offset(form: Linear, t: Sym) -> int | None:
    rest = form - linear(t)
    return int(rest.const) if not rest.terms and rest.const.denominator == 1 else None


def _lags(body: Expr, array: Sym, t: Sym, top: int) -> tuple[int, ...] | None:
    """Return how far back the entries of the array in the body are; None when one is not a fixed step back."""
    out = set()
    for e in subterms(body):
        if isinstance(e, Integral | Limit | Diff):
            return None
        if isinstance(e, Index) and e.array == array:
            at = _offset(linear(e.idx[0]), t)
            if at is None or not 1 <= top - at <= MAX_DEPTH:
                return None
            out.add(top - at)
        elif e == array:
            continue
    return tuple(sorted(out))


def _by_induction(problem: Problem, claim: Claim, rec: Recurrence) -> list[Row]:
    inner, k = _opened(problem, claim)
    first, last = _range(problem, claim)
    lo, hi = rec.index.decl.lo, rec.index.decl.hi
    if lo is None or hi is None or claim.var in free_symbols(lo):
        raise Refused("the range of the recurrence starts nowhere fixed")
    start = linear(first).plus(claim.shift)  # the first entry that the claim is about
    begin = linear(lo).plus(rec.top)  # the first entry that the recurrence gives
    gap = begin - start
    if gap.terms:
        raise Refused("claim and recurrence do not start a fixed number of steps apart")
    steps = max(int(gap.const), max(rec.lags))  # so many base cases, then every earlier entry is covered
    if steps > MAX_BASE:
        raise Refused("too many base cases")
    rows = _side_rows(problem, claim, rec, inner, k, last)
    for m in range(steps):
        rows += _base(problem, claim, rec, start, start.plus(m), m >= gap.const)
    at = to_expr(linear(k).plus(claim.shift))
    above = Rel(to_expr(start.plus(steps - claim.shift)), "<=", k)
    step = inner.with_goal(inner.goal, above)
    return [*rows, *_step(step, claim, rec, at)]


def _opened(problem: Problem, claim: Claim) -> tuple[Problem, Sym]:
    """Return the problem about an index k of its own between the ends of the claim; hypotheses stay as they are."""
    taken = {s.name for s in problem.symbols}
    name = next(n for n in (f"k{'_' * j}" for j in range(1, 99)) if n not in taken)
    k = Sym(Decl(name, "integer"))
    first, last = _range(problem, claim)
    return replace(problem, given=(*problem.given, Rel(first, "<=", k), Rel(k, "<=", last)), written=None), k


def _range(problem: Problem, claim: Claim) -> tuple[Expr, Expr]:
    """Return the ends of the induction. Trap: a hypothesis about an index is about all of them, so none enters one."""
    lows = [r.lhs for r in declared_bounds(claim.var) if r.rhs == claim.var]
    if len(lows) != 1:
        raise Refused(f"{claim.var} has no declared lower bound")
    top = claim.var.decl.hi if claim.var.decl.sort == "index" else claim.var
    if top is None:
        raise Refused(f"{claim.var} has no last value")
    return lows[0], top


def _end(rec: Recurrence) -> Expr:
    if rec.index.decl.hi is None:
        raise Refused("the recurrence has no last index")
    return rec.index.decl.hi


def _side_rows(problem: Problem, claim: Claim, rec: Recurrence, inner: Problem, k: Sym, last: Expr) -> list[Row]:
    """Prove that the recurrence reaches as far as the claim, and that the claim means something at every k."""
    value = claim.at(to_expr(linear(k).plus(claim.shift)))
    if any(isinstance(t, Index) and t.array == claim.entry.array and k in free_symbols(t) for t in subterms(value)):
        raise Refused("the claimed value mentions the sequence itself")
    reach = Rel(to_expr(linear(last).plus(claim.shift - rec.top)), "<=", _end(rec))
    row = entails(reach, problem)
    if row is None:
        raise Refused(f"the recurrence is not known up to there: {reach}")
    rows = [row]
    for condition in conditions(value):
        one = defined(condition, inner)
        if one is None:
            raise Refused(f"the claim is not defined at every step: {condition}")
        rows.append(one)
    return rows


def _at_least(form: Linear) -> bool:
    return not form.terms and form.const >= 0


def written_out(e: Expr) -> Expr:
    """Write sums between numbers as their terms, and indices in normal form.

    Parameters
    ----------
    e : Expr
        Tree.

    Returns
    -------
    Expr
    """

    def rule(t: Expr) -> Expr:
        if isinstance(t, Index):
            return Index(t.array, tuple(to_expr(linear(i)) for i in t.idx))
        if not (isinstance(t, Sum) and len(t.limits) == 1):
            return t
        v, lo, hi = t.limits[0]
        first, last = linear(lo), linear(hi)
        if first.terms or last.terms or not (first.whole and last.whole) or last.const - first.const >= MAX_BASE:
            return t
        terms = [substitute(t.body, {v: Num(Fraction(i))}) for i in range(int(first.const), int(last.const) + 1)]
        return add(*map(written_out, terms))

    return transform(e, rule)


def _base(problem: Problem, claim: Claim, rec: Recurrence, start: Linear, j: Linear, reached: bool) -> list[Row]:
    """Prove the claim at a base entry, with the recurrence there if it reaches that far back."""
    at = to_expr(j)
    # With a smaller last value the entry is not asked for, and nothing is lost.
    here = problem.with_goal(problem.goal, Rel(to_expr(j.plus(-claim.shift)), "<=", _range(problem, claim)[1]))
    side: Expr = Index(claim.entry.array, (at,))
    more: list[Row] = []
    if reached:
        earlier = [e for e in (to_expr(j.plus(-lag)) for lag in rec.lags) if _at_least(linear(e) - start)]
        names = {to_text(e): Sym(Decl(f"entry {to_text(e)}", "real")) for e in earlier}
        body = substitute(rec.body, {rec.index: to_expr(j.plus(-rec.top))})
        opened = _replaced(body, claim.entry.array, names)
        more, _ = _increasing(here, claim, rec, opened, tuple(names.values()))
        side = substitute(opened, {names[to_text(e)]: claim.at(e) for e in earlier})
    value = claim.at(at)
    rel = Rel(side, claim.op, value) if claim.below or claim.op == "=" else Rel(value, claim.op, side)
    rel = Rel(written_out(rel.lhs), rel.op, written_out(rel.rhs))
    rows = _decided(here.with_goal(rel))
    if rows is None:
        raise Refused(f"base case not proved: {rel}")
    return [Row(f"base case: {rel}", "exact", "recurrence and hypotheses"), *more, *rows]


def _step(problem: Problem, claim: Claim, rec: Recurrence, at: Expr) -> list[Row]:
    t = to_expr(linear(at).plus(-rec.top))
    body = substitute(rec.body, {rec.index: t})
    earlier = {lag: to_expr(linear(at).plus(-lag)) for lag in rec.lags}
    names = {lag: Sym(Decl(f"entry {lag} before", "real")) for lag in rec.lags}
    opened = _replaced(body, claim.entry.array, {to_text(e): names[lag] for lag, e in earlier.items()})
    if claim.entry.array in free_symbols(opened) - free_symbols(claim.value):
        raise Refused("an earlier entry is not where it should be")
    rows, strict = _increasing(problem, claim, rec, opened, tuple(names.values()))
    new = substitute(opened, {names[lag]: claim.at(e) for lag, e in earlier.items()})
    value = claim.at(at)
    op = "<=" if claim.op == "<" and strict else claim.op
    rel = Rel(new, op, value) if claim.below else Rel(value, op, new)
    found = _decided(problem.with_goal(rel))
    if found is None:
        raise Refused(f"step not proved: {rel}")
    return [Row(f"step: {rel}", "exact", "with the claim at the earlier entries"), *rows, *found]


def _increasing(
    problem: Problem, claim: Claim, rec: Recurrence, body: Expr, entries: tuple[Sym, ...]
) -> tuple[list[Row], bool]:
    """Prove that a bound on the earlier entries carries over; also whether a strict one stays strict."""
    rows: list[Row] = []
    strict = rec.rel.op == "<"
    if claim.op == "=":
        return rows, strict
    for s in entries:
        slope = derivative(body, s)
        if any(x in free_symbols(slope) for x in entries):
            raise Refused(f"the recurrence is not affine in {s}")
        up = entails(Rel(ZERO, "<", slope), problem)
        row = up or entails(Rel(ZERO, "<=", slope), problem)
        if row is None:
            raise Refused(f"the recurrence is not increasing in {s}")
        strict = strict or up is not None
        rows.append(row)
    return rows, strict


def to_text(e: Expr) -> str:
    """Return a name of an index that equal linear forms share.

    Parameters
    ----------
    e : Expr
        Index.

    Returns
    -------
    str
    """
    return str(to_expr(linear(e)))


def _replaced(e: Expr, array: Sym, table: Mapping[str, Expr]) -> Expr:
    if isinstance(e, Index) and e.array == array and to_text(e.idx[0]) in table:
        return table[to_text(e.idx[0])]
    kids = children(e)
    return rebuild(e, tuple(_replaced(c, array, table) for c in kids)) if kids else e


def _decided(problem: Problem) -> tuple[Row, ...] | None:
    """Prove a relation by the canonical sums, the tower, or exact signs."""
    goal = problem.goal
    if goal.op in ("=", "<="):
        same = problem.with_goal(Rel(goal.lhs, "=", goal.rhs))
        rows = _equal(same)
        if rows is None:
            plain, more = _plain_bases(same)
            rows = _equal(plain) if plain is not same else None
            rows = None if rows is None else (*rows, *more)
        if rows is not None:
            return rows
    if goal.op == "=":
        return None
    row = Exact(problem).holds(goal, deep=True) or entails(goal, problem)
    return None if row is None else (row,)


def _equal(problem: Problem) -> tuple[Row, ...] | None:
    try:
        zero = prove_zero(difference(problem.goal.lhs, problem.goal.rhs), problem)
    except (Unknown, UnknownNode):
        zero = None
    if zero is not None:
        return zero.rows
    proof = prove_equation(problem)
    return None if proof is None else proof.rows


def _plain_bases(problem: Problem) -> tuple[Problem, tuple[Row, ...]]:
    """Name the positive base of each symbolic power, wherever it stands: ``(1 - q)**(n - i)`` is ``r**(n - i)``."""
    table: dict[str, Sym] = {}
    rows = []
    for t in subterms(problem.goal):
        if isinstance(t, Pow) and not isinstance(t.base, Sym | Num) and free_symbols(t.exponent):
            bound = any(s.decl.uid for s in free_symbols(t.base))
            row = None if bound or key(t.base) in table else entails(Rel(ZERO, "<", t.base), problem)
            if row is not None:
                rows.append(row)
                table[key(t.base)] = Sym(Decl(f"base {t.base}", "real", lo=ZERO, lo_open=True))
    if not table:
        return problem, ()

    def swap(e: Expr) -> Expr:
        if key(e) in table:
            return table[key(e)]
        kids = children(e)
        return rebuild(e, tuple(map(swap, kids))) if kids else e

    return problem.with_goal(Rel(swap(problem.goal.lhs), "=", swap(problem.goal.rhs))), tuple(rows)
