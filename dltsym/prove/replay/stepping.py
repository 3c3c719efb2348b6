"""Replay of induction on an integer for inequalities: ``F(n0) >= 0`` and ``F(n) >= c*F(n - 1)`` with ``c >= 0``.

``{"kind": "stepping", "variable": n, "multiplier": c, "base": CERTIFICATE, "factor": CERTIFICATE, "step":
CERTIFICATE}``; `factor` is missing for the multiplier 1. ``F`` is the right side minus the left. The checker writes the
parts down itself: a sum that ends at n is a symbol for what it was before plus its last term.

Trap: a hypothesis that mentions n says nothing about n - 1. Only lower bounds of n by numbers are allowed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from dltsym.notation.calculus import ZERO, add, mul
from dltsym.notation.tree import Add, Decl, Diff, Expr, Integral, Limit, Neg, Num, Rel, Sum, Sym
from dltsym.notation.walk import children, free_symbols, key, rebuild, substitute, subterms
from dltsym.prove.problem import Problem, declared_bounds
from dltsym.prove.replay import plain, replay
from dltsym.prove.replay.place import Bad, Place, need, only
from dltsym.prove.replay.side import Store
from dltsym.prove.replay.sos_laws import indices

KIND = "stepping"
MAX_TERMS = 8


@dataclass(frozen=True)
class Parts:
    """The claim at the first value, and ``F(n)``, ``F(n - 1)`` for every later one under the hypotheses of `step`."""

    base: Problem
    step: Problem
    now: Expr
    before: Expr

    def with_factor(self, c: Expr) -> Problem:
        """Return the step with a multiplier.

        Parameters
        ----------
        c : Expr
            Multiplier.

        Returns
        -------
        Problem
        """
        return self.step.with_goal(Rel(ZERO, "<=", add(self.now, Neg(mul(c, self.before)))))


def check(problem: Problem, certificate: Mapping[str, Any]) -> None:
    """Replay an induction.

    Parameters
    ----------
    problem : Problem
        Goal ``<`` or ``<=``.
    certificate : mapping
        Certificate of the form above.
    """
    plain_step = certificate.get("multiplier") == "1"
    only(certificate, "kind", "variable", "multiplier", "base", "step", *([] if plain_step else ["factor"]))
    var = next((s for s in problem.symbols if s.name == certificate["variable"]), None)
    need(var is not None and problem.goal.op in ("<", "<="), "no such variable of an inequality")
    assert var is not None
    here = parts(problem, var)
    names = {s.name: s for s in problem.symbols}
    c = Place(names, Store(here.step.known)).read(certificate["multiplier"])
    replay(here.base, certificate["base"])
    if not plain_step:
        replay(here.step.with_goal(Rel(ZERO, problem.goal.op, c)), certificate["factor"])
    replay(here.with_factor(c), certificate["step"])


def parts(problem: Problem, var: Sym) -> Parts:
    """Write down the base case and the step of an induction.

    Parameters
    ----------
    problem : Problem
        Goal ``<`` or ``<=``.
    var : Sym
        Integer variable.

    Returns
    -------
    Parts

    Raises
    ------
    Bad
        When the goal is not of a shape for this rule.
    """
    first, given = _start(problem, var)
    gap = add(problem.goal.rhs, Neg(problem.goal.lhs))
    base, now, before = dict[str, Expr](), dict[str, Expr](), dict[str, Expr]()
    taken = {s.name for s in problem.symbols}
    for k, (name, (total, lo, shift)) in enumerate(_sums(gap, var).items(), 1):
        v, count = total.limits[0][0], first + shift - lo + 1
        if not 0 <= count <= MAX_TERMS:
            raise Bad(f"{total} has {count} terms in the base case")
        base[name] = Add((ZERO, *(substitute(total.body, {v: Num(Fraction(lo + j))}) for j in range(count))))
        old = Sym(Decl(next(n for n in (f"T{k}{'_' * j}" for j in range(99)) if n not in taken), "real"))
        last = add(var, Num(Fraction(shift))) if shift else var
        before[name], now[name] = old, old + substitute(total.body, {v: last})
    at = Rel(ZERO, problem.goal.op, substitute(_put(gap, base), {var: Num(Fraction(first))}))
    above = Rel(Num(Fraction(first + 1)), "<=", var)
    step = Problem(Rel(ZERO, "<=", gap), (*given, above), (), "", None)
    earlier = substitute(_put(gap, before), {var: add(var, Num(Fraction(-1)))})
    return Parts(Problem(at, given, (), "", None), step, _put(gap, now), earlier)


def _start(problem: Problem, var: Sym) -> tuple[int, tuple[Rel, ...]]:
    """Return the smallest value that the lower bounds allow, and the hypotheses that do not mention the variable."""
    if var.decl.sort != "integer":
        raise Bad("not an integer")
    for s in problem.symbols:
        if s != var and any(var in free_symbols(e) for e in (s.decl.lo, s.decl.hi) if e is not None):
            raise Bad(f"the domain of {s.name} depends on it")
    given, lows = [], []
    for rel in (*declared_bounds(var), *problem.known):
        if var not in free_symbols(rel):
            given.append(rel)
            continue
        low = plain.read(rel.lhs)  # trap: for an index without values, what is said about all of them is nothing
        if key(rel.rhs) != key(var) or rel.op not in ("<", "<=") or any(low) or indices(rel):
            raise Bad(f"the hypothesis {rel} mentions it")
        value = low.get((), Fraction(0))
        lows.append(math.floor(value) + 1 if rel.op == "<" else math.ceil(value))
    if not lows:
        raise Bad("no lower bound to start from")
    return max(lows), tuple(given)


def _sums(gap: Expr, var: Sym) -> dict[str, tuple[Sum, int, int]]:
    """Return the sums that end at ``n + c``, with lower end and c; refuse other uses of n in a sum."""
    found: dict[str, tuple[Sum, int, int]] = {}
    for t in subterms(gap):
        if isinstance(t, Integral | Limit | Diff):
            raise Bad("an integral, limit or derivative is left")
        if not isinstance(t, Sum) or var not in free_symbols(t):
            continue
        v, lo, hi = t.limits[0]
        low, shift = plain.read(lo), plain.read(add(hi, Neg(var)))
        if len(t.limits) != 1 or var in free_symbols(t.body) - {v} or any(low) or any(shift):
            raise Bad(f"{t} does not simply end at it")
        ends = [p.get((), Fraction(0)) for p in (low, shift)]
        if any(e.denominator != 1 for e in ends):
            raise Bad(f"the range of {t} is not made of integers")
        found[key(t)] = t, int(ends[0]), int(ends[1])
    return found


def _put(node: Expr, table: Mapping[str, Expr]) -> Expr:
    if isinstance(node, Sum) and key(node) in table:
        return table[key(node)]
    kids = children(node)
    return rebuild(node, tuple(_put(c, table) for c in kids)) if kids else node
