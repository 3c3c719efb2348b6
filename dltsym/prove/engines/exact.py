"""E1, exact tower: an identity holds because the numerator of its difference is the zero polynomial."""

from __future__ import annotations

from dltsym.prove.certificates import identity
from dltsym.prove.engines import Engine
from dltsym.prove.problem import Problem
from dltsym.prove.tower import Unknown, difference, prove_zero
from dltsym.prove.verdict import Verdict, open_, proved

NAME = "tower"


def run(problem: Problem) -> Verdict:
    """Prove ``lhs = rhs`` by the exact tower.

    Parameters
    ----------
    problem : Problem
        Goal with ``=``.

    Returns
    -------
    Verdict
    """
    try:
        zero = prove_zero(difference(problem.goal.lhs, problem.goal.rhs), problem, deep=True)
    except Unknown as why:
        return open_(NAME, str(why))
    if zero is None:
        return open_(NAME, "the numerator of lhs - rhs is not the zero polynomial")
    return proved(
        NAME,
        "exact",
        zero.rows,
        certificate=identity(problem),
        generators=list(zero.generators),
        uses=list(zero.uses),
    )


ENGINE = Engine(NAME, "exact", 100, ("=",), 3.0, run)
