"""The goal is a hypothesis or fact, weaker than one with the same sides, or a non-negative multiple of one."""

from __future__ import annotations

from dltsym.form import same
from dltsym.notation.calculus import ZERO
from dltsym.notation.tree import Mul, Rel
from dltsym.notation.walk import key
from dltsym.prove.engines import Engine
from dltsym.prove.problem import Problem
from dltsym.prove.replay.names import readable
from dltsym.prove.signs import entails
from dltsym.prove.verdict import Verdict, open_, proved

NAME = "given"


def run(problem: Problem) -> Verdict:
    """Look the goal up among the hypotheses and facts.

    Parameters
    ----------
    problem : Problem
        Problem.

    Returns
    -------
    Verdict
    """
    problem = readable(problem)
    found = stated(problem)
    found = _product(problem) if found is None else found
    return open_(NAME, "no hypothesis or fact states the goal") if found is None else found


def stated(problem: Problem) -> Verdict | None:
    """Return the proof when a hypothesis or fact is the goal itself: then nothing needs to be shown to be defined.

    Parameters
    ----------
    problem : Problem
        Problem.

    Returns
    -------
    Verdict or None
    """
    problem = readable(problem)
    rel = next((r for r in problem.known if same(r, problem.goal)), None)
    certificate = {"kind": NAME, "rel": key(rel)} if rel is not None else {}
    return None if rel is None else proved(NAME, "exact", used=str(rel), certificate=certificate)


def _product(problem: Problem) -> Verdict | None:
    """Prove ``0 <= a*X`` from a known ``0 <= X`` and ``a >= 0``."""
    goal = problem.goal
    if goal.op != "<=" or goal.lhs != ZERO or not isinstance(goal.rhs, Mul):
        return None
    for k, factor in enumerate(goal.rhs.args):
        sign = Rel(ZERO, "<=", factor)
        known = next((rel for rel in problem.known if same(rel, sign)), None)
        if known is not None:
            others = [entails(Rel(ZERO, "<=", f), problem) for f in (*goal.rhs.args[:k], *goal.rhs.args[k + 1 :])]
            rows = tuple(row for row in others if row is not None)
            if len(rows) == len(others):
                certificate = {"kind": NAME, "rel": key(known), "factor": k}
                return proved(NAME, "exact", rows, used=str(sign), certificate=certificate)
    return None


ENGINE = Engine(NAME, "exact", 50, ("=", "<", "<=", "!="), 1.0, run)
