"""Deciding a goal with integrals or limits: put proved values in, then ask the tower, signs or the refuter."""

from __future__ import annotations

from typing import Any

from dltsym.errors import UnknownNode
from dltsym.notation.tree import Integral, Limit, Rel
from dltsym.notation.walk import subterms
from dltsym.prove.cas_check import CrossCheckFailed, gaps
from dltsym.prove.integrals import NoValue, evaluated
from dltsym.prove.limits import Diverges
from dltsym.prove.problem import Problem
from dltsym.prove.replay import Rejected, replay
from dltsym.prove.sample import find_point, refute
from dltsym.prove.signs import entails
from dltsym.prove.sums_prove import prove_equation
from dltsym.prove.tower import Unknown, difference, prove_zero
from dltsym.prove.verdict import REFUTED, Row, Verdict, open_, proved, refuted


def run(name: str, problem: Problem) -> Verdict:
    """Decide a goal by the values of its integrals and limits.

    Parameters
    ----------
    name : str
        Engine.
    problem : Problem
        Goal with ``=``, ``!=``, ``<`` or ``<=``.

    Returns
    -------
    Verdict
    """
    goal = problem.goal
    try:
        lhs, rhs = evaluated(goal.lhs, problem), evaluated(goal.rhs, problem)
    except NoValue as why:
        return open_(name, str(why))
    except Diverges as why:
        return _nothing_there(name, problem, str(why))
    plain = problem.with_goal(Rel(lhs.expr, goal.op, rhs.expr))
    values = [w for w in (lhs.way, rhs.way) if w]
    rows = _proof(plain)
    if rows is not None:
        both = tuple(dict.fromkeys((*lhs.rows, *rhs.rows, *rows)))
        checks = _cross_check(problem) if goal.op == "=" else []
        more = _certificate(problem, (*lhs.steps, *rhs.steps))
        return proved(name, "exact", both, values=values, goal=str(plain.goal), cross_check=checks, **more)
    bad = refute(plain, points=32)
    if bad is not None and bad.status == REFUTED:
        weak = {r.grade for r in (*lhs.rows, *rhs.rows)} - {"exact", "smt"}
        if not weak:
            return refuted(name, bad.witness or {}, **{**bad.evidence, "values": values})
    return open_(name, f"undecided with the values in: {plain.goal}", values=values)


def _certificate(problem: Problem, steps: tuple[dict[str, str] | None, ...]) -> dict[str, Any]:
    """Return the certificate, if the checker can follow every step: it knows fewer rules than the tower."""
    certificate = {"kind": "integrals", "integrals": list(steps)}
    if problem.goal.op != "=" or not all(steps):
        return {}
    try:
        replay(problem, certificate)
    except (Rejected, UnknownNode):
        return {}
    return {"certificate": certificate}


def _cross_check(problem: Problem) -> list[dict[str, Any]]:
    """Compare with quadrature and with points near the limits; what was proved and differs is an internal error."""
    if any(
        isinstance(t, Integral) for s in subterms(problem.goal) if isinstance(s, Integral) for t in subterms(s.body)
    ):
        return []  # a quadrature inside a quadrature takes minutes
    found = gaps(problem)
    slow = has(problem, Limit)
    for g in found:
        if not g.agrees and (g.size > 0.1 or not slow):
            raise CrossCheckFailed(f"{problem.goal} is proved, but at {g.point} the sides differ by {g.size:.3g}")
    return [{"point": g.point, "difference": f"{g.size:.1e}"} for g in found if g.agrees]


def _proof(plain: Problem) -> tuple[Row, ...] | None:
    """Prove a goal without integrals and limits."""
    goal = plain.goal
    if goal.op != "=":
        row = entails(goal, plain)
        return None if row is None else (row,)
    try:
        zero = prove_zero(difference(goal.lhs, goal.rhs), plain, deep=True)
    except Unknown:
        zero = None
    if zero is not None:
        return zero.rows
    proof = prove_equation(plain)
    return None if proof is None else proof.rows


def _nothing_there(name: str, problem: Problem, why: str) -> Verdict:
    """Refute a claim about a limit that does not exist, at a point that meets the hypotheses."""
    point = find_point(problem.with_goal(Rel(problem.goal.lhs, "=", problem.goal.lhs))) if problem.symbols else {}
    if point is None or problem.goal.op != "=":
        return open_(name, why)
    return refuted(name, {**point, "limit": why}, reason=why)


def has(problem: Problem, kind: type[Integral] | type[Limit]) -> bool:
    """Return whether a node of a kind occurs in the goal.

    Parameters
    ----------
    problem : Problem
        Problem.
    kind : type
        Integral or Limit.

    Returns
    -------
    bool
    """
    return any(isinstance(t, kind) for t in subterms(problem.goal))
