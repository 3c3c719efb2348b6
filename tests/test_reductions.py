"""Induction for inequalities (`stepping`) and reductions (cases, squares, means, logarithms), with their mutants."""

from __future__ import annotations

import pytest

from dltsym.cases.domains import declare
from dltsym.notation.macros import PLAIN
from dltsym.notation.parse import parse_relations
from dltsym.notation.scope import Scope
from dltsym.notation.tree import Rel
from dltsym.prove.decide import confirmed, decide
from dltsym.prove.engines import inverse, reduce, stepping
from dltsym.prove.problem import Problem, prepare
from dltsym.prove.replay import Rejected, replay
from dltsym.prove.replay.reduction import ways
from dltsym.prove.verdict import proved

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


@pytest.mark.parametrize(
    ("bare", "kind"), [({"kind": "none", "why": "bare"}, "none"), (None, "none"), ({"kind": "x"}, "reduction")]
)
def test_a_part_without_a_certificate_leaves_the_whole_without_one(bare: dict[str, str] | None, kind: str) -> None:
    """And a proof that says ``none`` is not replayed as if it said something."""
    claim, domains, given = next(c for c in REDUCED if list(ways(problem(*c))))
    case = problem(claim, domains, given)
    way = next(iter(ways(case)))
    parts = [proved("smt", "smt", certificate=bare) if bare else proved("smt", "smt") for _ in way.parts]
    whole = reduce.combined(reduce.NAME, case, way, (), parts)
    assert whole.evidence["certificate"]["kind"] == kind
    if kind == "none":
        assert confirmed(case, whole) is whole


KL = {"q": "[0, 1]", "p": "(0, 1)", "c": "nonneg", "a": "nonneg"}
INNER = {**KL, "q": "(0, 1)", "c": "positive"}
INVERTED = [
    ("p <= kl_upper(q, c)", KL, ("kl_bernoulli(q, p) <= c",)),
    ("p < kl_upper(q, c)", KL, ("kl_bernoulli(q, p) < c",)),
    ("kl_lower(q, c) <= p", KL, ("kl_bernoulli(q, p) <= c",)),
    ("kl_upper(q, c) <= p", KL, ("q <= p", "kl_bernoulli(q, p) >= c")),
    ("p <= kl_lower(q, c)", KL, ("p <= q", "kl_bernoulli(q, p) >= c")),
    ("kl_upper(q, c) < 1", {**KL, "q": "[0, 1)"}, ()),
    ("kl_lower(q, c) > 0", {**KL, "q": "(0, 1]"}, ()),
    ("kl_bernoulli(q, kl_upper(q, c)) = c", INNER, ()),
    ("kl_bernoulli(q, kl_lower(q, c)) = c", INNER, ()),
    ("p = kl_upper(q, c)", KL, ("q <= p", "kl_bernoulli(q, p) = c")),
    ("kl_upper(0, c) = 1 - exp(-c)", KL, ()),
    ("kl_upper(q, 0) = q", KL, ()),
    ("kl_lower(1, c) = exp(-c)", KL, ()),
]
NOT_INVERTED = [
    ("p <= kl_upper(q, c)", KL, ("kl_bernoulli(q, p) <= 2*c",)),
    ("p < kl_upper(q, c)", KL, ("kl_bernoulli(q, p) <= c",)),
    ("p <= kl_lower(q, c)", KL, ("kl_bernoulli(q, p) >= c",)),  # p may lie above q
    ("kl_upper(q, c) <= p", KL, ("kl_bernoulli(q, p) >= c",)),  # p may lie below q
    ("kl_upper(q, c) <= p", KL, ("q <= p", "kl_bernoulli(q, p) <= c")),
    ("p = kl_upper(q, c)", KL, ("kl_bernoulli(q, p) = c",)),
    ("kl_upper(q, c) < 1", KL, ()),
    ("kl_upper(q, c) > q", {**KL, "c": "positive"}, ()),  # not at q = 1
    ("kl_upper(q, c) > q", {**KL, "q": "[0, 1)"}, ()),  # not at c = 0
    ("kl_lower(q, c) > 0", KL, ()),
    ("kl_bernoulli(q, kl_upper(q, c)) = c", KL, ()),  # undefined at the ends
    ("kl_upper(q, c) <= kl_upper(q, a)", KL, ("a <= c",)),
    ("kl_upper(0, c) = 1 - exp(-2*c)", KL, ()),
    ("kl_lower(q, c) = kl_upper(1 - q, c)", INNER, ()),
]


@pytest.mark.parametrize(("claim", "domains", "given"), INVERTED)
def test_inverses_of_relative_entropy_by_definition(claim, domains, given):
    out = decide(problem(claim, domains, given))
    assert (out.status, out.engine) == ("proved", "inverse")
    certificate = out.evidence["certificate"]
    if certificate["kind"] != "none":
        replay(problem(claim, domains, given), certificate)


@pytest.mark.parametrize(("claim", "domains", "given"), NOT_INVERTED)
def test_nothing_false_about_inverses(claim, domains, given):
    assert inverse.run(problem(claim, domains, given)).status != "proved"


def test_a_name_for_an_inverse_speaks_about_one_index_only():
    """A hypothesis with an index holds for every index, so a value with an index gets no name."""
    domains = {"n": "count", "i": "index 1..n", "q": "array n", "c": "nonneg"}
    case = problem("kl_upper(q[i], c) <= 1", domains, ("q[i] >= 0", "q[i] <= 1"))
    assert all("b1 =" not in way.rule for way in ways(case))


def test_an_altered_certificate_of_an_inverse_is_rejected():
    case = problem("p <= kl_upper(q, c)", KL, ("kl_bernoulli(q, p) <= c",))
    certificate = decide(case).evidence["certificate"]
    for altered in (
        {**certificate, "rule": certificate["rule"].replace("within", "beyond")},
        {**certificate, "parts": certificate["parts"][:2]},
    ):
        with pytest.raises(Rejected):
            replay(case, altered)
