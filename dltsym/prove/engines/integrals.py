"""Goals with integrals: proved values put in, the rest by the exact tower (`dltsym.prove.integrals_goal`)."""

from __future__ import annotations

from dltsym.notation.tree import Integral
from dltsym.prove.engines import Engine
from dltsym.prove.integrals_goal import has
from dltsym.prove.integrals_goal import run as by_values
from dltsym.prove.problem import Problem
from dltsym.prove.verdict import Verdict, open_

NAME = "integrals"


def run(problem: Problem) -> Verdict:
    """Decide a goal with integrals.

    Parameters
    ----------
    problem : Problem
        Goal with ``=``, ``!=``, ``<`` or ``<=``.

    Returns
    -------
    Verdict
    """
    return by_values(NAME, problem) if has(problem, Integral) else open_(NAME, "no Integral in the goal")


ENGINE = Engine(NAME, "exact", 260, ("=", "!=", "<", "<="), 6.0, run)
