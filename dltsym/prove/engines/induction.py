"""Induction on the upper limit of a sum: the base case, and the step ``S(n) = S(n - 1) + f(n)``."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction

from dltsym.notation.tree import Add, Decl, Diff, Expr, Integral, Limit, Neg, Num, Rel, Sum, Sym
from dltsym.notation.walk import children, free_symbols, key, rebuild, substitute, subterms
from dltsym.prove.axioms import certain
from dltsym.prove.engines import Engine
from dltsym.prove.problem import Problem, declared_bounds
from dltsym.prove.sums import canonical_problem
from dltsym.prove.sums_domain import bounds, forms_of
from dltsym.prove.sums_linear import Linear, implied, linear, to_expr
from dltsym.prove.sums_prove import prove_equation
from dltsym.prove.verdict import Row, Verdict, open_, proved

ZERO, ONE = Num(Fraction(0)), Num(Fraction(1))
MAX_BASE = 6


class Refused(Exception):
    """The goal is not of a shape that this rule can treat soundly."""


@dataclass(frozen=True)
class Setting:
    """Induction on `var` from `base`; `given` are the hypotheses without it, `upper` bounds it from above."""

    var: Sym
    base: Linear
    given: tuple[Rel, ...]
    upper: tuple[Rel, ...]


def run(problem: Problem) -> Verdict:
    """Decide an equation about sums by induction on an integer symbol.

    Parameters
    ----------
    problem : Problem
        Problem with the goal ``lhs = rhs``; the hint ``induction(n)`` names the symbol.

    Returns
    -------
    Verdict
        ``proved`` or ``open``.
    """
    reasons = []
    for var in _candidates(problem):
        for start in _forms(problem):
            try:
                rows = _by_induction(start, var)
            except Refused as why:
                reasons.append(f"{var.name}: {why}")
                continue
            if rows is not None:
                return proved("induction", "exact", rows, way=f"induction on {var.name}", normal=str(start.goal))
            reasons.append(f"{var.name}: base case or step not proved")
    return open_("induction", "; ".join(dict.fromkeys(reasons)) or "no sum up to an integer symbol")


def _candidates(problem: Problem) -> list[Sym]:
    tops = {s for t in subterms(problem.goal) if isinstance(t, Sum) for _, _, hi in t.limits for s in free_symbols(hi)}
    named = re.search(r"induction\(\s*(\w+)\s*\)", problem.hint)
    found = [s for s in sorted(tops, key=lambda s: s.name) if s.decl.sort == "integer"]
    return [s for s in found if named is None or s.name == named[1]]


def _forms(problem: Problem) -> list[Problem]:
    """Return the goal as written, and with canonical sums (a factor that depends on n may then leave the summand)."""
    canonical = canonical_problem(problem, ())
    return [problem] if canonical is None else [problem, replace(problem, goal=canonical[0].goal)]


def _by_induction(problem: Problem, var: Sym) -> tuple[Row, ...] | None:
    at = _setting(problem, var)
    gap = Add((problem.goal.lhs, Neg(problem.goal.rhs)))
    base = prove_equation(_problem(problem, at, _first(gap, at), ZERO, at.base))
    if base is None:
        return None
    above = Rel(to_expr(at.base.plus(1)), "<=", var)
    now, before, checks = _step(problem, gap, at, above)
    step = _problem(problem, at, now, before)
    proof = prove_equation(replace(step, given=(*step.given, above)))
    if proof is None:  # with the induction hypothesis, before = 0, in place of a difference
        known = _problem(problem, at, now, ZERO)
        proof = prove_equation(replace(known, given=(*known.given, above, Rel(before, "=", ZERO))))
    if proof is None:
        return None
    ends = (
        Row(f"base case {var.name} = {to_expr(at.base)}", "exact", base.normal),
        Row(f"step from {var.name} - 1 to {var.name}", "exact", proof.normal),
    )
    return tuple(dict.fromkeys((*ends, *checks, *base.rows, *proof.rows)))


def _setting(problem: Problem, var: Sym) -> Setting:
    """Split the hypotheses. Trap: one that mentions n need not hold at n - 1, nor need the goal then be defined."""
    for s in problem.symbols:
        d = s.decl
        ends = [e for e in (d.lo, d.hi) if e is not None]
        if s != var and any(var in free_symbols(e) for e in ends):
            raise Refused(f"the domain of {s.name} depends on it")
    given, upper, lows = [], [], []
    for rel in (*declared_bounds(var), *problem.known):
        if var not in free_symbols(rel):
            given.append(rel)
            continue
        forms = forms_of(rel) if certain(rel, problem) else []
        if len(forms) != 1 or abs(forms[0].coefficient(var)) != 1 or not forms[0].whole:
            raise Refused(f"the hypothesis {rel} mentions it")
        below, above = bounds(var, forms)
        if any(var in b.symbols for b in (*below, *above)):
            raise Refused(f"the hypothesis {rel} mentions it")
        lows += below
        upper += [rel] if above else []
    known = [f for r in given if certain(r, problem) for f in forms_of(r)]
    for low in lows:
        if all(implied(known, low - other) for other in lows):
            return Setting(var, low, tuple(given), tuple(upper))
    raise Refused("no single lower bound to start from")


def _problem(problem: Problem, at: Setting, lhs: Expr, rhs: Expr, value: Linear | None = None) -> Problem:
    given = (*at.given, *at.upper)
    goal = Rel(lhs, "=", rhs)
    if value is not None:
        to = {at.var: to_expr(value)}
        goal, given = substitute(goal, to), tuple(substitute(r, to) for r in given)
    return Problem(goal, given, (), "", None)


def _sums(gap: Expr, at: Setting) -> dict[str, tuple[Sum, Linear, Linear]]:
    """Return the sums whose range ends at n + c, with lower end and c; refuse other uses of n in a sum."""
    found: dict[str, tuple[Sum, Linear, Linear]] = {}
    for t in subterms(gap):
        if isinstance(t, Integral | Limit | Diff):
            raise Refused("an integral, limit or derivative is left")
        if not isinstance(t, Sum) or at.var not in free_symbols(t):
            continue
        if len(t.limits) != 1 or at.var in free_symbols(t.body) - {t.limits[0][0]}:
            raise Refused(f"the summand or an inner range of {t} depends on it")
        _, lo, hi = t.limits[0]
        shift = linear(hi) - linear(at.var)
        if at.var in free_symbols(lo) or at.var in shift.symbols or not shift.whole or not linear(lo).whole:
            raise Refused(f"the range of {t} does not simply end at it")
        found[key(t)] = t, linear(lo), shift
    if not found:
        raise Refused("no sum ends at it")
    return found


def _swap(node: Expr, table: dict[str, Expr]) -> Expr:
    if isinstance(node, Sum) and key(node) in table:
        return table[key(node)]
    kids = children(node)
    return rebuild(node, tuple(_swap(c, table) for c in kids)) if kids else node


def _first(gap: Expr, at: Setting) -> Expr:
    """Return the goal's difference with every sum written out at the base."""
    table: dict[str, Expr] = {}
    for name, (t, lo, shift) in _sums(gap, at).items():
        length = at.base + shift - lo
        if length.terms or length.const >= MAX_BASE:
            raise Refused(f"the number of terms of {t} in the base case is not a small number")
        v = t.limits[0][0]
        terms = [substitute(t.body, {v: to_expr(lo.plus(k))}) for k in range(int(length.const) + 1)]
        table[name] = Add((ZERO, *terms))
    return _swap(gap, table)


def _step(problem: Problem, gap: Expr, at: Setting, above: Rel) -> tuple[Expr, Expr, list[Row]]:
    """Return the difference at n and at n - 1, both in terms of the sums up to n - 1."""
    known = [f for r in (*at.given, *at.upper, above) if certain(r, problem) for f in forms_of(r)]
    taken = {s.name for s in problem.symbols}
    now: dict[str, Expr] = {}
    before: dict[str, Expr] = {}
    checks: list[Row] = []
    for k, (text, (t, lo, shift)) in enumerate(_sums(gap, at).items(), 1):
        top = linear(at.var) + shift
        if not implied(known, top - lo):
            raise Refused(f"{t} might be empty after the step")
        checks.append(Row(str(Rel(to_expr(lo), "<=", to_expr(top))), "exact", "the last term belongs to the sum"))
        name = next(n for n in (f"T{k}{'_' * j}" for j in range(99)) if n not in taken)
        old = Sym(Decl(name, "real"))
        now[text] = old + substitute(t.body, {t.limits[0][0]: to_expr(top)})
        before[text] = old
    earlier = to_expr(linear(at.var).plus(-1))
    return _swap(gap, now), substitute(_swap(gap, before), {at.var: earlier}), checks


ENGINE = Engine("induction", "exact", 250, ("=",), 5.0, run)
