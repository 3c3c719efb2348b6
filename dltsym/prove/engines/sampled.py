"""Engine ``sampled``: random points inside the hypotheses; the last resort, and only evidence."""

from __future__ import annotations

from dltsym.notation.walk import free_symbols
from dltsym.prove.engines import Engine
from dltsym.prove.problem import Problem
from dltsym.prove.sample import tested
from dltsym.prove.verdict import Verdict, open_


def run(problem: Problem) -> Verdict:
    """Test the goal at 64 effective points at up to 333 bits.

    Parameters
    ----------
    problem : Problem
        Problem.

    Returns
    -------
    Verdict
    """
    if problem.goal.op == "=" and not free_symbols(problem.goal):
        return open_("sampled", "two constants are never found equal by digits")
    return tested(problem)


ENGINE = Engine("sampled", "tested", 900, ("=", "<", "<=", "!="), 5.0, run)
