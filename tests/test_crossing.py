"""A claim f != 0 is refuted where f changes sign on a convex domain, and only there."""

from fractions import Fraction

import pytest
from small_records import problem

from dltsym.prove.decide import decide
from dltsym.prove.engines.crossing import ENGINE, run

FALSE = [
    ("x real lo=0", "x**2 != 2", []), ("x real", "exp(x) != 3", []), ("x real", "x**3 - x - 1 != 0", []),
    ("x real; y real", "x*y != exp(x)", ["x + y < 5"]), ("x real", "cos(x) != x", []),
    ("p real lo=0 hi=1 lo_open=True hi_open=True", "kl_bernoulli(p, 1/3) != 1/20", []),
    ("x real lo=1 hi=2", "x*log(x) != 1", []),
]  # fmt: skip


@pytest.mark.parametrize(("declare", "goal", "given"), FALSE, ids=lambda x: str(x)[:30])
def test_a_change_of_sign_refutes(declare: str, goal: str, given: list[str]) -> None:
    verdict = run(problem(declare, goal, given))
    assert verdict.status == "refuted"
    assert (
        Fraction(verdict.evidence["below"]["difference"][1]) < 0 < Fraction(verdict.evidence["above"]["difference"][0])
    )
    assert verdict.witness


TRUE_OR_UNKNOWN = [
    ("x real", "1/x != 0", ["x != 0"]), ("x real", "x != 0", ["x**2 >= 1"]), ("n integer", "n**2 != 2", []),
    ("x real; n integer", "x*n != 1/2", []), ("x real", "exp(x) != 0", []), ("x real", "x**2 != -1", []),
    ("x real; y real", "x != y", ["x < y"]), ("x real; y real", "x != 0", ["x*y > 1"]),
    ("x real; y real", "x - y != 0", ["x**2 + y**2 = 1"]), ("n count; X array n", "X[1] != 2**(1/2)", []),
]  # fmt: skip


@pytest.mark.parametrize(("declare", "goal", "given"), TRUE_OR_UNKNOWN, ids=lambda x: str(x)[:30])
def test_nothing_else_is_refuted(declare: str, goal: str, given: list[str]) -> None:
    assert run(problem(declare, goal, given)).status == "open"


def test_it_is_asked_and_never_for_an_undefined_claim() -> None:
    verdict = decide(problem("x real lo=0", "x**2 != 2"))
    assert (verdict.status, verdict.engine) == ("refuted", ENGINE.name)
    assert decide(problem("x real", "1/x != 0")).status == "open"
    assert decide(problem("x real", "tan(x) != 1/2")).status == "open"
