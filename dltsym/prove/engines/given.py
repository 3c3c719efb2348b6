"""The goal is one of the hypotheses or facts, or weaker than one of them with the same sides."""

from __future__ import annotations

from dltsym.prove.engines import Engine
from dltsym.prove.problem import Problem
from dltsym.prove.verdict import Verdict, open_, proved
from dltsym.form import same

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
    for rel in problem.known:
        if same(rel, problem.goal):
            return proved(NAME, "exact", used=str(rel))
    return open_(NAME, "no hypothesis or fact states the goal")


ENGINE = Engine(NAME, "exact", 50, ("=", "<", "<=", "!="), 1.0, run)
