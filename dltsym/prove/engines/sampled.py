"""Engine ``sampled``: random points inside the hypotheses; the last resort, and only evidence."""

from __future__ import annotations

from dltsym.prove.engines import Engine
from dltsym.prove.problem import Problem
from dltsym.prove.sample import tested
from dltsym.prove.verdict import Verdict


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
    return tested(problem)


ENGINE = Engine("sampled", "tested", 900, ("=", "<", "<=", "!="), 5.0, run)
