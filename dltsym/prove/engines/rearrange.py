"""Sums that are equal after a shift, a reversal or a split of their ranges (`dltsym.prove.recurrences_split`)."""

from __future__ import annotations

from dltsym.prove.engines import Engine
from dltsym.prove.problem import Problem
from dltsym.prove.recurrences_split import prove
from dltsym.prove.sums import has_sums
from dltsym.prove.verdict import Verdict, open_, proved

NAME = "rearrange"


def run(problem: Problem) -> Verdict:
    """Decide an equation between sums by rearranging their ranges.

    Parameters
    ----------
    problem : Problem
        Goal with ``=``.

    Returns
    -------
    Verdict
    """
    if not has_sums(problem):
        return open_(NAME, "no sum in the goal")
    found = prove(problem)
    if found is None:
        return open_(NAME, "no rearrangement makes the sums equal")
    return proved(NAME, "exact", found[1], way=found[0])


ENGINE = Engine(NAME, "exact", 256, ("=",), 4.0, run)
