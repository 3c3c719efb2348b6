"""Exact limits by one-sided series: true ones, false ones, and what must stay open."""

import pytest

from dltsym.notation.scope import Scope
from dltsym.prove.decide import decide
from dltsym.prove.engines import limits
from dltsym.prove.problem import Problem, prepare


def goal(text: str, *given: str) -> Problem:
    """Build a problem: K, c positive, a, x real."""
    v = Scope()
    v.pos("K"), v.pos("c"), v.real("a"), v.real("x"), v.count("n")
    return prepare(v.relations(text)[0], [r for g in given for r in v.relations(g)])


TRUE = [
    ("limit((exp(z) - 1)/z, z, 0) = 1",),
    ("limit((exp(a*z) - 1 - a*z)/z**2, z, 0) = a**2/2",),
    ("limit((1 + K/z)**z, z, oo) = exp(K)",),
    ("limit(1 - (1 - K/z)**z, z, oo) = 1 - exp(-K)",),
    ("limit(1/log(z), z, oo) = 0",),
    ("limit(log(z)/z, z, oo) = 0",),
    ('limit(z**2*log(z)**3, z, 0, "+") = 0',),
    ('limit(z**z, z, 0, "+") = 1',),
    ('limit(abs(z)/z, z, 0, "-") = -1',),
    ("limit((1 - cos(z))/z**2, z, 0) = 1/2",),
    ("limit((tanh(z) - z)/z**3, z, 0) = -1/3",),
    ("limit(erf(c*z), z, -oo) = -1",),
    ("limit(z**5*exp(-c*z), z, oo) = 0",),
    ("limit(exp(-1/z**2)/z**7, z, 0) = 0",),
    ("limit((exp(c*z) - 1)/(exp(c*z) + 1), z, oo) = 1",),
    ("limit(log(1 + exp(z)) - z, z, oo) = 0",),
    ("limit(softplus(z) - z, z, oo) = 0",),
    ("limit(sqrt(z**2 + z) - z, z, oo) = 1/2",),
    ("limit(z*(pi/2 - atan(z)), z, oo) = 1",),
    ("limit((z**2 - a**2)/(z - a), z, a) = 2*a",),
    ("limit((log(z) - log(c))/(z - c), z, c) = 1/c",),
    ("limit((1 - exp(-c*z))/(1 - exp(-z)), z, 0) = c",),
    ("limit(((1 + z)**K - 1)/z, z, 0) = K",),
    ("limit(max(z, 0), z, 0) = 0",),
    ("limit(K*z**(-c), z, oo) = 0",),
    ("limit((a*z**2 + 1)/(c*z**2 + z), z, oo) = a/c",),
    ("limit((exp(c*z) - 1)/(exp(z) - 1), z, 0) + limit(sin(z)/z, z, 0) = c + 1",),
]  # fmt: skip

FALSE = [
    ("limit((exp(z) - 1)/z, z, 0) = 2",),
    ("limit((exp(a*z) - 1 - a*z)/z**2, z, 0) = a**2",),
    ("limit((1 + K/z)**z, z, oo) = exp(-K)",),
    ("limit((1 - cos(z))/z**2, z, 0) = 1",),
    ("limit(abs(z)/z, z, 0) = 1",),  # differs from the left
    ('limit(1/z, z, 0, "+") = K',),
    ("limit(1/z, z, 0) = 0",),
    ("limit(log(z), z, oo) = 3",),
    ("limit(exp(z)/z**3, z, oo) = 0",),
    ("limit(sqrt(z**2 + z) - z, z, oo) = 0",),
    ("limit((tanh(z) - z)/z**3, z, 0) = 1/3",),
    ("limit(erf(c*z), z, -oo) = 1",),
    ("limit((1 - exp(-c*z))/(1 - exp(-z)), z, 0) = 1/c",),
    ("limit((exp(z) - 1)/z, z, 0) = 1 + 1/1000000",),
    ("limit(z**5*exp(-z), z, oo) != 0",),
    ("limit(delta(n, 1)*z, z, 0) = 1",),
]  # fmt: skip

OPEN = [
    ("limit(sin(1/z), z, 0) = 0",),
    ("limit(cos(z), z, oo) = 1",),
    ("limit(exp(a*z), z, oo) = 0",),  # the sign of a is not known
    ("limit((a*z**2 + 1)/(a*z**2 - z), z, oo) = 1",),  # false for a = 0
    ("limit(z**a, z, oo) = 0",),
]  # fmt: skip


@pytest.mark.parametrize("case", TRUE, ids=lambda c: c[0])
def test_true_limits_are_exact(case: tuple[str, ...]) -> None:
    out = limits.run(goal(*case))
    assert (out.status, out.grade) == ("proved", "exact"), out.evidence
    assert out.evidence["values"]


@pytest.mark.parametrize("case", FALSE, ids=lambda c: c[0])
def test_false_limits_are_refuted(case: tuple[str, ...]) -> None:
    out = limits.run(goal(*case))
    assert out.status == "refuted", out.evidence


@pytest.mark.parametrize("case", OPEN, ids=lambda c: c[0])
def test_what_is_not_known_stays_open(case: tuple[str, ...]) -> None:
    assert limits.run(goal(*case)).status == "open"


def test_signs_that_a_limit_rests_on_are_rows() -> None:
    out = limits.run(goal("limit(exp(a*z), z, oo) = 0", "a < 0"))
    assert out.grade == "exact"
    assert any(r.text == "a < 0" for r in out.rows)


def test_numbers_cross_check_a_limit() -> None:
    assert limits.run(goal("limit((exp(z) - 1)/z, z, 0) = 1")).evidence["cross_check"]


def test_decide_uses_it() -> None:
    out = decide(goal("limit((exp(z) - 1)/z, z, 0) = 1"))
    assert (out.engine, out.grade) == ("limits", "exact")
    bad = decide(goal('limit(1/z, z, 0, "+") = K'))
    assert bad.status == "refuted"
    assert "no finite limit" in (bad.witness or {})["limit"]


def test_a_limit_is_defined_if_its_body_is_close_to_the_point() -> None:
    assert decide(goal("limit(log(1 + K*z)/z, z, 0) = K")).grade == "exact"  # not for every z within 1 of 0
    assert decide(goal("limit(1/log(z), z, oo) = 0")).grade == "exact"
    assert decide(goal("limit(1/(z - a), z, 0) = -1/a", "a != 0")).grade == "exact"
    not_for_all_y = "limit(Integral(exp(-y)*log(1 - z*y), (y, 0, oo)), z, 0) = 0"
    bad = "limit(sqrt(z), z, 0) = 0", "limit(log(K - z**2), z, oo) = 1", "limit(1/sin(1/z), z, 0) = 1", not_for_all_y
    for text in bad:
        assert decide(goal(text)).engine == "definedness"
