"""Closed forms and bounds of recurrences by induction on the index (`dltsym.prove.recurrences`)."""

from __future__ import annotations

from dltsym.prove.engines import Engine
from dltsym.prove.problem import Problem
from dltsym.prove.recurrences import Refused, prove
from dltsym.prove.verdict import Verdict, open_, proved

NAME = "recurrences"


def run(problem: Problem) -> Verdict:
    """Decide a claim about an entry of a sequence that a hypothesis defines step by step.

    Parameters
    ----------
    problem : Problem
        Goal with ``=``, ``<`` or ``<=``.

    Returns
    -------
    Verdict
    """
    try:
        way, rows = prove(problem)
    except Refused as why:
        return open_(NAME, str(why))
    return proved(NAME, "exact", rows, way=way)


ENGINE = Engine(NAME, "exact", 252, ("=", "<", "<="), 5.0, run)
