"""Engine ``constants``: a goal without free symbols, compared strictly by balls at growing precision.

Balls separate different numbers; they never show that two numbers are equal. Rational values are compared exactly.
"""

from __future__ import annotations

from dltsym.errors import UnknownNode
from dltsym.notation.evaluate import compile_expr, decide
from dltsym.notation.walk import free_symbols
from dltsym.prove.engines import Engine
from dltsym.prove.problem import Problem
from dltsym.prove.sample import interval
from dltsym.prove.verdict import Verdict, open_, proved, refuted

PRECS = (64, 256, 1024, 4096)


def run(problem: Problem) -> Verdict:
    """Compare two closed constants.

    Parameters
    ----------
    problem : Problem
        Problem.

    Returns
    -------
    Verdict
        A false comparison is refuted only without hypotheses: they might contradict each other.
    """
    goal = problem.goal
    if free_symbols(goal):
        return open_("constants", "the goal has free symbols")
    try:
        truth, prec = decide(goal, {}, PRECS)
        sides = [compile_expr(e).ball({}, prec or PRECS[0]) for e in (goal.lhs, goal.rhs)]
    except UnknownNode as err:
        return open_("constants", f"unknown node: {err}")
    if truth is None:
        return open_("constants", f"not separated at {PRECS[-1]} bits")
    lhs, rhs = map(interval, sides)
    if truth:
        certificate = {"kind": "constants", "bits": prec or PRECS[0]}
        return proved("constants", "exact", lhs=lhs, rhs=rhs, precision=prec, certificate=certificate)
    if problem.known:
        return open_("constants", "false as it stands, but the hypotheses may contradict each other", lhs=lhs, rhs=rhs)
    return refuted("constants", {}, lhs=lhs, rhs=rhs, precision=prec, hypotheses=[])


ENGINE = Engine("constants", "exact", 50, ("=", "<", "<=", "!="), 2.0, run)
