"""Induction for inequalities: ``F(n0) >= 0`` and ``F(n) >= c*F(n - 1)`` with a multiplier ``c >= 0`` give ``F >= 0``.

``F`` is the difference of both sides. The multiplier 1 compares increments (sums that end at n); the base of a power
with n in its exponent is the multiplier of Bernoulli's inequality and of ``2**n > n``. The parts are written down by
`dltsym.prove.replay.stepping`; here the multiplier is found and the parts go to the engines for one inequality.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dltsym.notation.calculus import ONE, ZERO
from dltsym.notation.tree import Call, Expr, Num, Pow, Rel, Sum, Sym
from dltsym.notation.walk import free_symbols, key, subterms
from dltsym.prove.domains import affine
from dltsym.prove.engines import Engine, direct, ladder, smt
from dltsym.prove.problem import Problem
from dltsym.prove.replay.place import Bad
from dltsym.prove.replay.stepping import KIND, Parts, parts
from dltsym.prove.stage import refuted
from dltsym.prove.verdict import PROVED, Verdict, open_, proved, weakest

NAME = "stepping"


def run(problem: Problem) -> Verdict:
    """Decide an inequality by induction on an integer symbol.

    Parameters
    ----------
    problem : Problem
        Goal ``<`` or ``<=``; the hint ``induction(n)`` names the symbol.

    Returns
    -------
    Verdict
        ``proved`` or ``open``.
    """
    reasons = []
    for var in _candidates(problem):
        try:
            here = parts(problem, var)
        except Bad as why:
            reasons.append(f"{var.name}: {why}")
            continue
        base = _prove(here.base)
        if base is None:
            reasons.append(f"{var.name}: the base case {here.base.goal} is not proved")
            continue
        for c in _multipliers(problem, here, var):
            out = _with_factor(problem, here, base, var, c)
            if out is not None:
                return out
        reasons.append(f"{var.name}: the step is not proved")
    return open_(NAME, "; ".join(reasons) or "no integer symbol in a sum or an exponent")


def _candidates(problem: Problem) -> list[Sym]:
    named = re.search(r"induction\(\s*(\w+)\s*\)", problem.hint)
    places = [t.exponent for t in subterms(problem.goal) if isinstance(t, Pow)]
    places += [hi for t in subterms(problem.goal) if isinstance(t, Sum) for _, _, hi in t.limits]
    whole = {s for e in places for s in free_symbols(e) if s.decl.sort == "integer" and s in problem.symbols}
    return [s for s in sorted(whole, key=lambda s: s.name) if named is None or s.name == named[1]]


def _multipliers(problem: Problem, here: Parts, var: Sym) -> Iterator[Expr]:
    """Yield 1 and the bases of powers whose exponent contains the variable."""
    found: dict[str, Expr] = {key(ONE): ONE}
    for t in subterms(here.now):
        if isinstance(t, Pow) and var in free_symbols(t.exponent) and free_symbols(t.base) <= set(problem.symbols):
            found[key(t.base)] = t.base
        elif isinstance(t, Call) and t.name == "exp" and (split := affine(t.args[0], var)) and split[0]:
            rate = Call("exp", (Num(split[0]),))
            found[key(rate)] = rate
    yield from (c for c in found.values() if var not in free_symbols(c))


def _with_factor(problem: Problem, here: Parts, base: Verdict, var: Sym, c: Expr) -> Verdict | None:
    """Prove the step with one multiplier; a strict claim needs a positive one."""
    factor = base if c == ONE else _prove(here.step.with_goal(Rel(ZERO, problem.goal.op, c)))
    step = _prove(here.with_factor(c)) if factor is not None else None
    if factor is None or step is None:
        return None
    inner = {"base": base, "step": step, **({} if c == ONE else {"factor": factor})}
    given = {name: v.evidence.get("certificate") for name, v in inner.items()}
    whole = all(isinstance(v, dict) for v in given.values())
    certificate = {"certificate": {"kind": KIND, "variable": var.name, "multiplier": str(c), **given}} if whole else {}
    return proved(
        NAME,
        weakest(v.grade for v in inner.values()),
        tuple(dict.fromkeys(r for v in inner.values() for r in v.rows)),
        method=f"induction on {var.name}",
        base=str(here.base.goal),
        step=str(here.with_factor(c).goal),
        multiplier=str(c),
        **certificate,
    )


def _prove(problem: Problem) -> Verdict | None:
    """Prove one inequality with the first engine that can."""
    if refuted(problem, 8):
        return None
    return next((out for e in (direct, ladder, smt) if (out := e.run(problem)).status == PROVED), None)


ENGINE = Engine(NAME, "exact", 320, ("<", "<="), 6.0, run)
