"""Goals with limits: proved values put in, the rest by the exact tower (`dltsym.prove.integrals_goal`)."""

from __future__ import annotations

from dltsym.notation.tree import Integral, Limit
from dltsym.prove.engines import Engine
from dltsym.prove.integrals_goal import has
from dltsym.prove.integrals_goal import run as by_values
from dltsym.prove.problem import Problem
from dltsym.prove.verdict import Verdict, open_

NAME = "limits"


def run(problem: Problem) -> Verdict:
    """Decide a goal with limits.

    Parameters
    ----------
    problem : Problem
        Goal with ``=``, ``!=``, ``<`` or ``<=``.

    Returns
    -------
    Verdict
    """
    if has(problem, Integral):
        return open_(NAME, "the goal has an integral")
    return by_values(NAME, problem) if has(problem, Limit) else open_(NAME, "no Limit in the goal")


ENGINE = Engine(NAME, "exact", 262, ("=", "!=", "<", "<="), 6.0, run)
