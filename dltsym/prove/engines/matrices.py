"""Matrix identities: sums of words, rules from inverses and hypotheses; counterexamples in small rational matrices.

The only engine that may look at a matrix: every other one reads numbers, whose products commute.
"""

from __future__ import annotations

from dltsym.errors import UnknownNode
from dltsym.prove.engines import Engine
from dltsym.prove.matrices import has_matrices, prove
from dltsym.prove.matrices_points import refute
from dltsym.prove.problem import Problem
from dltsym.prove.verdict import Verdict, open_, proved, refuted

NAME = "matrices"


def run(problem: Problem) -> Verdict:
    """Decide an equation between matrices, or between numbers made of traces.

    Parameters
    ----------
    problem : Problem
        Goal with ``=`` or ``!=``.

    Returns
    -------
    Verdict
    """
    if not has_matrices(problem):
        return open_(NAME, "no matrix in the goal")
    point = refute(problem)
    if point is not None:
        return refuted(NAME, point["witness"], lhs=point["lhs"], rhs=point["rhs"], exact=True)
    if problem.goal.op != "=":
        return open_(NAME, "no counterexample, and only equations are proved")
    try:
        proof = prove(problem)
    except UnknownNode as why:
        return open_(NAME, str(why))
    if proof is None:
        return open_(NAME, "the words do not cancel")
    certificate = {"kind": "matrices", "moves": proof.moves, "nonzero": [r.text for r in proof.rows]}
    return proved(NAME, "exact", tuple(proof.rows), certificate=certificate)


ENGINE = Engine(NAME, "exact", 60, ("=", "!="), 4.0, run)
