"""Closed forms and bounds of recurrences by induction: true ones, mutants, and traps with index symbols."""

import pytest

from dltsym.notation.scope import Scope
from dltsym.prove.decide import decide
from dltsym.prove.engines import recurrences
from dltsym.prove.problem import Problem, prepare


def goal(text: str, *given: str) -> Problem:
    """Build a problem: a, b, x real, K, c positive, q in (0, 1), X, Y of size n + 1, Z of size n + 2, t in 1..n."""
    v = Scope()
    v.real("a"), v.real("b"), v.real("x"), v.pos("K"), v.pos("c"), v.prob("q", open=True)
    n = v.count("n")
    v.array("X", n + 1), v.array("Y", n + 1), v.array("Z", n + 2), v.index("t", n)
    return prepare(v.relations(text)[0], [r for g in given for r in v.relations(g)])


TRUE = [
    ("X[n + 1] = a**n*X[1] + b*(1 - a**n)/(1 - a)", "X[t + 1] = a*X[t] + b", "a != 1"),
    ("X[n + 1] = X[1] + n*b", "X[t + 1] = X[t] + b"),
    ("X[t + 1] = X[1] + t*b", "X[t + 1] = X[t] + b"),
    ("X[n + 1] = x*c**n", "X[1] = x", "X[t + 1] = c*X[t]"),
    ("X[n + 1] = Sum(c**(n - i)*Y[i], (i, 1, n)) + c**n*X[1]", "X[t + 1] = c*X[t] + Y[t]"),
    ("X[n + 1] = (1 - q)**n*X[1] + q*Sum((1 - q)**(n - i)*Y[i], (i, 1, n))", "X[t + 1] = (1 - q)*X[t] + q*Y[t]"),
    ("X[n + 1] = X[1] + Sum(Y[i], (i, 1, n))", "X[t + 1] = X[t] + Y[t]"),
    ("X[n + 1] = n*(n + 1)/2", "X[1] = 0", "X[t + 1] = X[t] + t"),
    ("X[n + 1] = 1/(n + 1)", "X[1] = 1", "X[t + 1] = X[t]*t/(t + 1)"),
    ("Z[n + 2] = 2**(n + 1)", "Z[t + 2] = Z[t + 1] + 2*Z[t]", "Z[1] = 1", "Z[2] = 2"),
    ("X[n + 1] <= X[1] + n*K", "X[t + 1] <= X[t] + K"),
    ("X[n + 1] <= (1 - q)**n*X[1] + K/q", "X[t + 1] <= (1 - q)*X[t] + K"),
    ("X[n + 1] >= 0", "X[1] >= 0", "X[t + 1] = c*X[t]"),
    ("X[n + 1] > 0", "X[1] > 0", "X[t + 1] >= c*X[t]"),
]  # fmt: skip
MUTANTS = [
    ("X[n + 1] = a**n*X[1] + b*(1 - a**n)/(1 + a)", "X[t + 1] = a*X[t] + b", "a != 1", "a != -1"),
    ("X[n + 1] = X[1] + (n + 1)*b", "X[t + 1] = X[t] + b"),
    ("X[n + 1] = c**(n + 1)*X[1]", "X[t + 1] = c*X[t]"),
    ("X[n + 1] = Sum(c**(n - i)*Y[i], (i, 1, n)) + c**n*X[1]", "X[t + 1] = c*X[t] + Y[t + 1]"),
    ("X[n + 1] = n*(n - 1)/2", "X[1] = 0", "X[t + 1] = X[t] + t"),
    ("Z[n + 2] = 2**(n + 1)", "Z[t + 2] = Z[t + 1] + 2*Z[t]", "Z[1] = 1"),  # a base case is missing
    ("X[n + 1] <= X[1] + n*K", "X[t + 1] <= X[t] + 2*K"),
    ("X[n + 1] >= X[1] + n*K", "X[t + 1] <= X[t] + K"),
    ("X[n + 1] <= (1 - a)**n*X[1] + K/a", "X[t + 1] <= (1 - a)*X[t] + K", "a != 0"),  # 1 - a may be negative
    ("X[n + 1] > 0", "X[1] >= 0", "X[t + 1] = c*X[t]"),
    ("X[n + 1] < X[1] + n*K", "X[t + 1] <= X[t] + K"),
    ("X[t + 1] = X[1] + n*b", "X[t + 1] = X[t] + b"),  # an index is not the last one
    ("X[t + 1] = X[1] + 2*t*b", "X[t + 1] = X[t] + b"),
    ("X[n] = X[n + 1]", "X[t + 1] = c*X[t]"),
]  # fmt: skip


@pytest.mark.parametrize("case", TRUE, ids=lambda c: c[0])
def test_true_claims_are_exact(case: tuple[str, ...]) -> None:
    out = recurrences.run(goal(*case))
    assert (out.status, out.grade) == ("proved", "exact"), out.evidence


@pytest.mark.parametrize("case", MUTANTS, ids=lambda c: c[0])
def test_mutants_are_not_proved(case: tuple[str, ...]) -> None:
    assert recurrences.run(goal(*case)).status == "open"


def test_a_recurrence_that_stops_early_proves_nothing_beyond() -> None:
    v = Scope()
    n = v.count("n", lo=2)
    v.real("b"), v.array("X", n + 1), v.index("t", n - 1)
    rec = v.relations("X[t + 1] = X[t] + b")
    assert recurrences.run(prepare(v.relations("X[n + 1] = X[1] + n*b")[0], rec)).status == "open"
    assert recurrences.run(prepare(v.relations("X[n] = X[1] + (n - 1)*b")[0], rec)).status == "proved"


def test_decide_proves_and_refutes() -> None:
    assert decide(goal(*TRUE[1])).engine == "recurrences"
    assert decide(goal(*MUTANTS[1])).status == "refuted"


LOOSE = [  # t in 1..n, s in 1..m: with m = 0 nothing is said about any s
    ("X[n + 1] = X[1]", "X[t + 1] = X[t] + s - s"),
    ("X[n + 1] <= X[1]", "X[t + 1] <= X[t] - s + s"),
    ("X[n + 1] >= 0", "X[t + 1] = X[t] + 1", "X[1] >= s - s"),
    ("X[n + 1] >= X[1]", "X[t + 1] = X[t] + a", "a >= s - s"),
]


@pytest.mark.parametrize("case", LOOSE, ids=lambda c: c[0])
def test_an_index_without_values_says_nothing(case: tuple[str, ...]) -> None:
    v = Scope()
    v.real("a")
    n, m = v.count("n"), v.integer("m", lo=0)
    v.array("X", n + 1), v.index("t", n), v.index("s", m)
    given = [r for g in case[1:] for r in v.relations(g)]
    assert recurrences.run(prepare(v.relations(case[0])[0], given)).status == "open"


@pytest.mark.parametrize("slope", ["t - 5/2", "(2*t - 5)/2"])
def test_a_bound_carries_over_to_a_base_entry_only_where_the_recurrence_increases(slope: str) -> None:
    """X = 0, 1, -3/2, 7/4, ... is not below n - 3: the slope is negative at t = 1 and t = 2."""
    v = Scope()
    v.integer("n", lo=3, hi=5), v.array("X", 7), v.index("t", 5)
    given = [r for g in (f"X[t + 2] = ({slope})*X[t + 1] + X[t]", "X[1] = 0", "X[2] = 1") for r in v.relations(g)]
    assert recurrences.run(prepare(v.relations("X[n] <= n - 3")[0], given)).status == "open"
