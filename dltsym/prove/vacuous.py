"""Hypotheses that nothing satisfies: a claim under them says nothing, and must not look proved."""

from __future__ import annotations

from dltsym.prove.engines.smt import unsatisfiable
from dltsym.prove.integers import no_integers
from dltsym.prove.problem import Problem
from dltsym.prove.sample import find_point
from dltsym.prove.verdict import VACUOUS, Verdict


def satisfied_at(problem: Problem) -> dict[str, str] | Verdict | None:
    """Return a point at which the hypotheses hold, or the verdict ``vacuous``, or None when neither was found.

    Parameters
    ----------
    problem : Problem
        Problem; its goal plays no part, except that a free index of it is one fixed index.

    Returns
    -------
    dict or Verdict or None
    """
    point = find_point(problem)
    return point if point is not None else vacuous(problem)


def vacuous(problem: Problem) -> Verdict | None:
    """Prove that no point satisfies the hypotheses.

    Parameters
    ----------
    problem : Problem
        As in `satisfied_at`.

    Returns
    -------
    Verdict or None
        ``vacuous`` with the smallest contradictory set that was found; None proves nothing.
    """
    for engine, search in (("integers", no_integers), ("z3", unsatisfiable)):
        core = search(problem)
        if core:
            return Verdict(VACUOUS, VACUOUS, engine, 0.0, {"contradiction": list(core)})
    return None
