"""Sums with shifted, reversed and split ranges: true equations are exact, mutants are refuted or open."""

import pytest

from dltsym.notation.scope import Scope
from dltsym.prove.decide import decide
from dltsym.prove.engines import rearrange
from dltsym.prove.problem import Problem, prepare


def goal(text: str) -> Problem:
    """Build a problem: X of size n + 1, Z of size 2n, M square, t an index in 1..n, m any integer >= 0."""
    v = Scope()
    n = v.count("n")
    v.integer("m", lo=0), v.array("X", n + 1), v.array("Z", 2 * n), v.array("M", (n, n)), v.index("t", n)
    return prepare(v.relations(text)[0])


TRUE = [
    "Sum(X[i + 1], (i, 0, n - 1)) = Sum(X[i], (i, 1, n))",
    "Sum(X[i], (i, 1, n + 1)) = Sum(X[i], (i, 1, n)) + X[n + 1]",
    "Sum(X[n + 1 - i], (i, 1, n)) = Sum(X[i], (i, 1, n))",
    "Sum(Z[i], (i, 1, 2*n)) = Sum(Z[i], (i, 1, n)) + Sum(Z[n + i], (i, 1, n))",
    "Sum(X[i], (i, 1, n)) = Sum(X[i], (i, 1, t)) + Sum(X[i], (i, t + 1, n))",
    "Sum(M[i, j], (i, 1, n), (j, 1, n)) = Sum(M[i, j], (j, 1, i), (i, 1, n)) + Sum(M[i, j], (j, i + 1, n), (i, 1, n))",
    "Sum(M[i, j] + M[j, i], (j, 1, i - 1), (i, 1, n)) + Sum(M[i, i], (i, 1, n)) = Sum(M[i, j], (i, 1, n), (j, 1, n))",
]
FALSE = [
    "Sum(X[i + 1], (i, 0, n - 1)) = Sum(X[i], (i, 2, n + 1))",
    "Sum(X[i], (i, 1, n + 1)) = Sum(X[i], (i, 1, n)) + X[n]",
    "Sum(X[n + 1 - i], (i, 1, n)) = Sum(X[i + 1], (i, 1, n))",
    "Sum(Z[i], (i, 1, 2*n)) = Sum(Z[i], (i, 1, n)) + Sum(Z[n + i], (i, 2, n))",
    "Sum(Z[i], (i, 1, 2*n)) = 2*Sum(Z[i], (i, 1, n))",
    "Sum(X[i], (i, 1, n)) = Sum(X[i], (i, 1, t)) + Sum(X[i], (i, t, n))",
    "Sum(M[i, j], (i, 1, n), (j, 1, n)) = Sum(M[i, j], (j, 1, i), (i, 1, n)) + Sum(M[i, j], (j, i, n), (i, 1, n))",
    "Sum(M[i, j] + M[j, i], (j, 1, i), (i, 1, n)) = Sum(M[i, j], (i, 1, n), (j, 1, n))",
]


@pytest.mark.parametrize("text", TRUE)
def test_rearranged_sums_are_equal(text: str) -> None:
    out = rearrange.run(goal(text))
    assert (out.status, out.grade) == ("proved", "exact"), out.evidence


@pytest.mark.parametrize("text", FALSE)
def test_mutants_are_refuted(text: str) -> None:
    assert rearrange.run(goal(text)).status == "open"
    assert decide(goal(text)).status == "refuted"


def test_a_range_is_split_only_inside() -> None:
    text = "Sum(i, (i, 1, n)) + 0*m = Sum(i, (i, 1, m)) + Sum(i, (i, m + 1, n))"  # false for m > n, sets being empty
    assert rearrange.run(goal(text)).status == "open"
    assert decide(goal(text)).status == "refuted"
