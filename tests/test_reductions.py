"""Induction for inequalities (`stepping`) and reductions (cases, squares, means, logarithms), with their mutants."""

from __future__ import annotations

import pytest

from dltsym.cases.domains import declare
from dltsym.notation.macros import PLAIN
from dltsym.notation.parse import parse_relations
from dltsym.notation.scope import Scope
from dltsym.notation.tree import Rel
from dltsym.prove.decide import decide
from dltsym.prove.engines import reduce, stepping
from dltsym.prove.problem import Problem, prepare
from dltsym.prove.replay import Rejected, replay
from dltsym.prove.replay.reduction import ways

N = {"n": "count"}
UNIT = {"p": "(0, 1)", "q": "(0, 1)"}
WEIGHTS = {"n": "count", "P": "positive array n", "X": "array n"}
SUM_ONE = ("Sum(P[i], (i, 1, n)) = 1",)


def problem(claim: str, domains: dict[str, str], given: tuple[str, ...] = ()) -> Problem:
    scope = Scope()
    for name, domain in domains.items():
        declare(scope, name, domain, PLAIN)
    (goal,) = parse_relations(claim, scope.symbols)
    return prepare(goal, [r for g in given for r in parse_relations(g, scope.symbols)])


STEPS = [
    ("(1 + x)**n >= 1 + n*x", {"x": "real", **N}, ("x >= -1",)),
    ("1 - (1 - p)**n <= n*p", {"p": "[0, 1]", **N}, ()),
    ("2**n >= n + 1", N, ()),
    ("2**n > n", N, ()),
    ("n**2 <= 2**n", {"n": "integer"}, ("n >= 4",)),
    ("Sum(1/i, (i, 1, n)) <= 1 + log(n)", N, ()),
    ("Sum(1/i, (i, 1, n)) >= log(n + 1)", N, ()),
    ("Sum(1/i**2, (i, 1, n)) <= 2 - 1/n", N, ()),
    ("Sum(1/sqrt(i), (i, 1, n)) <= 2*sqrt(n)", N, ()),
    ("abs(Sum(X[i], (i, 1, n))) <= Sum(abs(X[i]), (i, 1, n))", {**N, "X": "array n"}, ()),
]
NOT_STEPS = [  # false, or true only from a later start
    ("(1 + x)**n >= 1 + n*x", {"x": "real", **N}, ("x >= -3",)),
    ("(1 + x)**n <= 1 + n*x", {"x": "real", **N}, ("x >= -1",)),
    ("1 - (1 - p)**n <= (n - 1)*p", {"p": "[0, 1]", **N}, ()),
    ("2**n >= n + 2", N, ()),
    ("2**n > 2*n", N, ()),
    ("n**2 <= 2**n", {"n": "integer"}, ("n >= 2",)),
    ("n**2 < 2**n", {"n": "integer"}, ("n >= 4",)),
    ("Sum(1/i, (i, 1, n)) <= 9/10 + log(n)", N, ()),
    ("Sum(1/i, (i, 1, n)) >= log(n + 2)", N, ()),
    ("Sum(1/i**2, (i, 1, n)) < 2 - 1/n", N, ()),
    ("Sum(1/i, (i, 1, n)) <= 3", N, ()),
    ("abs(Sum(X[i], (i, 1, n))) >= Sum(abs(X[i]), (i, 1, n))", {**N, "X": "array n"}, ()),
    ("Sum(X[i], (i, 1, n)) <= n*b", {**N, "X": "array n", "b": "real"}, ("X[1] <= b",)),
    ("n <= k", {**N, "k": "real"}, ("1 <= k",)),
    ("a**n <= n", {"a": "[0, 2]", **N}, ()),
]


@pytest.mark.parametrize(("claim", "domains", "given"), STEPS)
def test_induction_proves(claim, domains, given):
    assert stepping.run(problem(claim, domains, given)).status == "proved"


@pytest.mark.parametrize(("claim", "domains", "given"), NOT_STEPS)
def test_induction_proves_nothing_false(claim, domains, given):
    assert stepping.run(problem(claim, domains, given)).status != "proved"


def test_a_hypothesis_about_every_size_is_not_used_for_smaller_ones():
    """At n - 1 the hypothesis on the sum says something else, so the step may not assume the claim there."""
    case = problem("Sum(X[i], (i, 1, n)) >= n", {**N, "X": "array n"}, ("Sum(X[i], (i, 1, n)) >= n - 1",))
    assert stepping.run(case).status == "open"


REDUCED = [
    ("abs(p - q) <= sqrt(kl_bernoulli(p, q)/2)", UNIT, ()),
    ("abs(a + b) <= abs(a) + abs(b)", {"a": "real", "b": "real"}, ()),
    ("max(a, b) <= log(exp(a) + exp(b))", {"a": "real", "b": "real"}, ()),
    ("log(exp(a) + exp(b)) <= max(a, b) + log(2)", {"a": "real", "b": "real"}, ()),
    ("min(a, b) <= sqrt(a*b)", {"a": "nonneg", "b": "nonneg"}, ()),
    ("(1 + 1/x)**x <= exp(1)", {"x": "positive"}, ()),
    ("Sum(P[i]*X[i], (i, 1, n))**2 <= Sum(P[i]*X[i]**2, (i, 1, n))", WEIGHTS, SUM_ONE),
    ("Sum(P[i]*X[i], (i, 1, n)) <= sqrt(Sum(P[i]*X[i]**2, (i, 1, n)))", WEIGHTS, SUM_ONE),
    ("sqrt((x + u)**2 + (y + v)**2) <= sqrt(x**2 + y**2) + sqrt(u**2 + v**2)", dict.fromkeys("xyuv", "real"), ()),
]
NOT_REDUCED = [
    ("abs(p - q) <= sqrt(kl_bernoulli(p, q)/3)", UNIT, ()),
    ("abs(a + b) <= abs(a)", {"a": "real", "b": "real"}, ()),
    ("abs(a + b) < abs(a) + abs(b)", {"a": "real", "b": "real"}, ()),
    ("abs(a) <= a", {"a": "real"}, ()),
    ("abs(a) <= -a", {"a": "real"}, ()),
    ("max(a, b) <= a", {"a": "real", "b": "real"}, ()),
    ("max(a, b) >= log(exp(a) + exp(b))", {"a": "real", "b": "real"}, ()),
    ("min(a, b) >= sqrt(a*b)", {"a": "nonneg", "b": "nonneg"}, ()),
    ("a <= sqrt(a**2 - 1)", {"a": "real"}, ("a >= 1",)),
    ("sqrt(a) <= b", {"a": "nonneg", "b": "real"}, ("a <= b**2",)),  # b may be negative
    ("sqrt(a) <= a", {"a": "nonneg"}, ()),
    ("sqrt((x + u)**2 + (y + v)**2) >= sqrt(x**2 + y**2) + sqrt(u**2 + v**2)", dict.fromkeys("xyuv", "real"), ()),
    ("sqrt(a + b) >= sqrt(a) + sqrt(b)", {"a": "nonneg", "b": "nonneg"}, ()),
    ("(1 + 1/x)**x <= exp(99/100)", {"x": "positive"}, ()),
    ("(1 + 1/x)**x >= exp(1)", {"x": "positive"}, ()),
    ("Sum(P[i]*X[i], (i, 1, n))**2 >= Sum(P[i]*X[i]**2, (i, 1, n))", WEIGHTS, SUM_ONE),
    ("Sum(P[i]*X[i], (i, 1, n))**2 <= Sum(P[i]*X[i]**2, (i, 1, n))", WEIGHTS, ()),  # weights that do not add up
    ("exp(Sum(P[i]*X[i], (i, 1, n))) >= Sum(P[i]*exp(X[i]), (i, 1, n))", WEIGHTS, SUM_ONE),
]


@pytest.mark.parametrize(("claim", "domains", "given"), REDUCED)
def test_reductions_prove(claim, domains, given):
    assert reduce.run(problem(claim, domains, given)).status == "proved"


@pytest.mark.parametrize(("claim", "domains", "given"), NOT_REDUCED)
def test_reductions_prove_nothing_false(claim, domains, given):
    assert reduce.run(problem(claim, domains, given)).status != "proved"


def test_jensen_for_a_convex_function_needs_the_tangent_at_the_mean():
    case = problem("exp(Sum(P[i]*X[i], (i, 1, n))) <= Sum(P[i]*exp(X[i]), (i, 1, n))", WEIGHTS, SUM_ONE)
    out = decide(case)
    assert (out.status, out.grade) == ("proved", "exact")


def test_whole_powers_of_a_base_that_may_be_zero_merge():
    assert (
        decide(problem("Sum(r**i, (i, 0, n - 1)) = (1 - r**n)/(1 - r)", {"r": "real", **N}, ("r != 1",))).grade
        == "exact"
    )
    assert decide(problem("r**(n + 1) = r**n", {"r": "real", **N})).status == "refuted"


CERTIFIED = [row for row in (*REDUCED, *STEPS) if "**x" not in row[0]]  # logarithms of both sides have none


@pytest.mark.parametrize(("claim", "domains", "given"), CERTIFIED)
def test_certificates_replay_and_do_not_prove_the_converse(claim, domains, given):
    case = problem(claim, domains, given)
    out = (stepping if (claim, domains, given) in STEPS else reduce).run(case)
    certificate = out.evidence["certificate"]
    replay(case, certificate)
    other = case.with_goal(Rel(case.goal.rhs, case.goal.op, case.goal.lhs))
    with pytest.raises(Rejected):
        replay(other, certificate)


BOUNDED = {"n": "count", "X": "array n", "a": "real", "b": "real", "i": "index 1..n"}
MEAN = "Sum(X[k], (k, 1, n))/n"


@pytest.mark.parametrize(("bound", "status"), [("(b - a)**2/4", "proved"), ("(b - a)**2/5", "refuted")])
def test_the_variance_of_bounded_entries_needs_the_secant(bound, status):
    """Popoviciu's inequality: the body is made equal at both ends of the range of an entry."""
    case = problem(f"Sum((X[j] - {MEAN})**2, (j, 1, n))/n <= {bound}", BOUNDED, ("a <= X[i]", "X[i] <= b"))
    assert decide(case).status == status


LOOSE = {**N, "m": "nonneg integer", "s": "index 1..m", "A": "nonneg array m", "X": "array n"}


@pytest.mark.parametrize(
    ("claim", "given", "engine"),
    [
        ("exp(-Sum(X[k], (k, 1, n))) <= 1", "A[s] <= Sum(X[k], (k, 1, n))", reduce),
        ("exp(-Sum(m, (k, 1, n))) < 1", "A[s] <= 5", reduce),
        ("2**n >= n + 3", "n >= 3 + s - s", stepping),
        ("n**2 <= 2**n", "n >= 4 + s - s", stepping),
    ],
)
def test_a_hypothesis_about_every_index_may_be_about_none(claim, given, engine):
    """False for m = 0, where the hypothesis says nothing."""
    assert engine.run(problem(claim, LOOSE, (given,))).status == "open"


def test_a_sum_under_a_binder_is_no_mean():
    """Its value depends on the variable that is bound there, so it is not one number."""
    case = problem("Integral(exp(Sum(z*X[i], (i, 1, n))), (z, 0, 1)) >= 0", {**N, "X": "array n", "z": "real"})
    assert not list(ways(case))
