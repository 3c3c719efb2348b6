"""Engine E3: identities between sums with symbolic limits, by canonical form and the exact tower."""

from __future__ import annotations

from dltsym.prove.certificates import identity
from dltsym.prove.engines import Engine
from dltsym.prove.problem import Problem
from dltsym.prove.sums import has_sums
from dltsym.prove.sums_prove import prove_equation
from dltsym.prove.verdict import Verdict, open_, proved


def run(problem: Problem) -> Verdict:
    """Decide an equation by the canonical form of its sums.

    Parameters
    ----------
    problem : Problem
        Problem with the goal ``lhs = rhs``.

    Returns
    -------
    Verdict
        ``proved`` or ``open``.
    """
    if not has_sums(problem):
        return open_("sums", "no sum, array entry or delta in the goal")
    proof = prove_equation(problem)
    if proof is None:
        return open_("sums", "the canonical forms differ")
    evidence = {"certificate": identity(problem), "way": proof.way, "normal": proof.normal, "uses": list(proof.uses)}
    return proved("sums", "exact", proof.rows, **evidence)


ENGINE = Engine("sums", "exact", 200, ("=",), 5.0, run)
