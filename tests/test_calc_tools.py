"""The tools at the prompt: relax, substitute, simplify, minimise, solve_for, compare; none of them believes anybody."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest

from dltsym import (
    NotationError,
    ProofError,
    RecordError,
    StepOpen,
    StepRefuted,
    Undefined,
    calc,
    check,
    compare,
    counts,
    forget,
    given,
    hyp,
    minimise,
    non_vacuous,
    positives,
    probs,
    reals,
    relax,
    simplify,
    solve_for,
    substitute,
    thm,
)
from dltsym.notation.evaluate import holds
from dltsym.session import ideas, optimum
from dltsym.session.state import SESSION


@pytest.fixture(autouse=True)
def _no_names() -> Iterator[None]:
    forget()
    yield
    forget()


def read(text: str) -> Any:
    return SESSION.expression(text)


# relax, substitute, simplify


def test_relax_goes_the_true_way_only() -> None:
    probs("a b", open=True)
    assert str(relax("kl(a, b)", by=thm.pinsker).claim) == "kl_bernoulli(a, b) >= 2*(b - a)**2"
    assert relax("1 - kl(a, b)", by=thm.pinsker).claim.op == "<="
    with pytest.raises(StepRefuted):
        relax("kl(a, b)", by=thm.pinsker, op="<=")
    with pytest.raises(RecordError, match="no term"):
        relax("a + b", by=thm.pinsker)
    chain = calc("kl(a, b) + 1").relax(thm.pinsker, "Pinsker")
    assert chain.close().grade in ("exact", "smt")


def test_relax_by_a_hypothesis() -> None:
    positives("r B n")
    with given(hyp("h", "r <= B/n", cite="Nobody 2020")):
        done = relax("sqrt(r)", by="h")
    assert (str(done.claim), done.grade, done.cited) == ("sqrt(r) <= sqrt(B/n)", "cited", ["Nobody 2020"])


def test_an_instance_is_proved_where_its_hypotheses_hold() -> None:
    reals("x y")
    with given("x > 1"):
        done = calc("log(x)").gt(0).close()
    with given("y > 0"):
        assert str(substitute(done, {"x": "exp(y)"}).claim) == "log(exp(y)) > 0"
    with pytest.raises(ProofError, match="1 < exp"):
        substitute(done, {"x": "exp(y)"})
    two = calc("x").le("x + y**2").le("x + y**2 + 1").close()
    assert str(substitute(two, {"y": "sqrt(2)*x"}).claim) == "x <= x + (sqrt(2)*x)**2 + 1"
    with pytest.raises(RecordError, match="z"):
        substitute(two, {"z": 1})
    assert str(substitute("x + y <= x", {"y": "x**2"})) == "x + x**2 <= x"


def test_simplify_keeps_the_domain() -> None:
    reals("x")
    with pytest.raises(Undefined, match="x != 0"):
        simplify("x/x")
    with given("x != 0"):
        assert str(simplify("x/x").end) == "1"


def test_simplify_believes_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    reals("x")
    lies = [{"form": read(t)} for t in ("x", "-x", "x + 0", "1", "2")]
    monkeypatch.setattr(ideas, "consult", lambda *_: lies)
    monkeypatch.setattr(ideas, "_own", lambda _: iter(()))
    assert str(simplify("sqrt(x**2)").end) == "sqrt(x**2)"
    with given("x >= 0"):
        assert str(simplify("sqrt(x**2)").end) == "x"
    assert str(simplify("log(exp(x)*exp(x))").end) == "log(exp(x)*exp(x))"


# minimise


def test_minimum_in_closed_form() -> None:
    positives("K n lam")
    best = minimise("K/lam + lam/(8*n)", over="lam")
    assert (str(best.value), best.grade) == ("sqrt(K/(2*n))", "exact")
    assert check("K/lam + lam/(8*n) >= sqrt(K/(2*n))", by=best).status == "proved"
    assert r"\min" in best._repr_latex_()


def test_minimum_under_a_constraint() -> None:
    positives("A B C N D a b")
    best = minimise("A/N**a + B/D**b", over="N D", subject_to="6*N*D = C")
    assert best.grade == "exact"
    assert check(f"6*({best.at[SESSION.symbols['N']]})*({best.at[SESSION.symbols['D']]}) = C").grade == "exact"


@pytest.mark.parametrize("wrong", ["sqrt(7*n*K)", "sqrt(8*n/K)"])
def test_a_false_minimiser_is_refused(wrong: str) -> None:
    positives("K n lam")
    with pytest.raises(ProofError):
        minimise("K/lam + lam/(8*n)", over="lam", at={"lam": wrong})


def test_a_stationary_point_is_no_minimum(monkeypatch: pytest.MonkeyPatch) -> None:
    reals("x")
    monkeypatch.setattr(optimum, "consult", lambda *_: [{"x": read(t)} for t in ("0", "1", "-1")])
    for objective in ("-x**2", "x**3 - 3*x"):
        with pytest.raises(ProofError):
            minimise(objective, over="x")


def test_a_minimiser_outside_the_domain_is_none() -> None:
    reals("x")
    with given("x >= 3"):
        best = minimise("x**2", over="x")
        assert str(best.value) == "9"
        with pytest.raises(ProofError):
            minimise("x**2", over="x", at={"x": 0})
    with given("x > 3"), pytest.raises(ProofError):
        minimise("x**2", over="x")


def test_minimum_in_numbers() -> None:
    reals("x")
    best = minimise("exp(x) + x**2", over="x")
    low, high = map(Fraction, best.enclosures["value"])
    assert low <= high < low + Fraction(1, 10**12)
    assert low < Fraction("0.827184026127525") < high + Fraction(1, 10**12)
    assert check(f"exp(x) + x**2 >= {best.enclosures['value'][0]}", by=best).status == "proved"


def test_minimum_with_values() -> None:
    positives("K n lam")
    best = minimise("K/lam + lam/(8*n) + exp(lam)/1000", over="lam", values={"K": 2, "n": 100})
    low, high = map(Fraction, best.enclosures["value"])
    here = Fraction(2, 5) + Fraction(5, 800) + Fraction(149, 1000)  # at lam = 5, exp(5) > 148
    assert 0 < low <= high < here
    assert str(minimise("K/lam + lam/(8*n)", over="lam", values={"K": 2, "n": 4}).value) == "1/2"
    with pytest.raises(RecordError, match="certified"):
        minimise("K/lam + lam", over="lam", values={"K": -1})


def test_convexity_says_nothing_across_a_gap() -> None:
    reals("x")
    with given("x != 0"), pytest.raises(ProofError):  # it falls without end for negative x
        minimise("1/x**2 + x + exp(x)/10**9", over="x")
    with given("x > 0"):
        best = minimise("1/x**2 + x + exp(x)/10**9", over="x")
    assert best.grade == "ball"
    with pytest.raises(ProofError):
        calc("1/x**2 + x + exp(x)/10**9").ge(str(best.claim.lhs), by=best)


# solve_for, non_vacuous


def test_sample_size_in_closed_form() -> None:
    positives("eps delta")
    counts("n")
    with given("delta < 1"):
        found = solve_for("n", "2*exp(-2*n*eps**2) <= delta", at={"delta": "1/20", "eps": "1/10"})
    assert str(found.condition) == "n >= (-log(delta/2))/(2*eps**2)"
    assert (found.grade, found.least) == ("exact", 185)


def test_the_least_value_meets_the_hypotheses() -> None:
    """The condition is the relation under the hypotheses only: (n - 5)**2 >= 4 holds at n = 1 too."""
    counts("n")
    with given("n >= 10"):
        assert solve_for("n", "(n - 5)**2 >= 4").least == 10
    with given("n <= 2"), pytest.raises(StepOpen):
        solve_for("n", "1/n <= 1/3")


def test_the_direction_is_proved_not_guessed() -> None:
    reals("x a b")
    with given("a < 0"):
        assert str(solve_for("x", "a*x <= b").condition) == "x >= b/a"
    with given("a > 0"):
        assert str(solve_for("x", "a*x <= b").condition) == "x <= b/a"
    with pytest.raises(StepOpen):
        solve_for("x", "a*x <= b")
    with pytest.raises(StepOpen):
        solve_for("x", "x**2 <= b")


def test_solved_relations_agree_with_numbers() -> None:
    positives("a b")
    reals("x")
    solved = []
    for relation in (
        "-a/(b*x - 2*b*x) >= 1/2",
        "exp(-x/a) < b",
        "log(b/sqrt(a)) <= x",
        "3 - 2*sqrt(a) > b",
        "a**3/8 >= b",
    ):
        name = "a" if "x" not in relation or "log" in relation else "x"
        try:
            found = solve_for(name, relation)
        except StepOpen:
            continue
        solved.append(relation)
        for k in range(40):
            point = {"a": Fraction(k % 7 + 1, 3), "b": Fraction(k % 5 + 1, 2), "x": Fraction(2 * k - 41, 6)}
            truth = {holds(found.relation, point), holds(found.condition, point)} - {None}
            assert len(truth) < 2, (found, point)
    assert len(solved) >= 3, solved


def test_sample_size_in_numbers() -> None:
    counts("n")
    positives("D")
    found = solve_for("n", "sqrt((D + log(2*sqrt(n)))/(2*n)) <= 1/10", at={"D": 5})
    assert found.condition is None
    assert "holds for every larger one" in found.scope
    least = found.least
    assert check(f"sqrt((5 + log(2*sqrt({least})))/(2*{least})) <= 1/10").status == "proved"
    assert check(f"sqrt((5 + log(2*sqrt({least - 1})))/(2*{least - 1})) <= 1/10").status == "refuted"


def test_a_relation_that_holds_and_fails_again_is_not_called_monotone() -> None:
    counts("n")
    found = solve_for("n", "(n - 10)**2 + exp(-n) <= 30")
    assert found.least == 6 or "nothing is proved" in found.scope
    assert "holds for every larger one" not in found.scope


def test_values_outside_the_hypotheses_are_refused() -> None:
    positives("D")
    counts("n")
    with given("D < 10"), pytest.raises(RecordError, match="D < 10"):
        solve_for("n", "D/n <= 1", at={"D": 11})
    with pytest.raises(NotationError, match="float"):
        solve_for("n", "D/n <= 1", at={"D": 0.1})


def test_whether_a_bound_says_anything() -> None:
    positives("D")
    counts("n")
    assert non_vacuous("sqrt(D/(2*n))", at={"D": 50, "n": 100}).answer == "yes"
    assert non_vacuous("sqrt(D/(2*n))", at={"D": "1e13", "n": "1e12"}).answer == "no"
    assert non_vacuous("sqrt(D/(2*n))").answer == "no"
    with given("D < n"):
        assert non_vacuous("sqrt(D/(2*n))").answer == "yes"
        assert non_vacuous("sqrt(D/(2*n))", at={"D": 50}).answer == "yes"
    found = non_vacuous("sqrt(D/(2*n))", at={"D": 50}, solve="n")
    assert (str(found.threshold.condition), found.threshold.least) == ("n > D/2", 26)


# compare


def test_which_bound_is_tighter_where() -> None:
    counts("n")
    table = compare({"fast": "8/n", "slow": "1/sqrt(n)"}, {"n": [4, 64, 256]})
    assert table.tightest == ("slow", "slow = fast", "fast") or table.tightest == ("slow", "fast = slow", "fast")
    assert table.dominance == ()


def test_a_crossing_is_enclosed() -> None:
    positives("x")
    (crossing,) = compare({"a": "x", "b": "x**2 + exp(x) - exp(1)"}, {"x": ["1/2", 3]}).crossings
    assert (crossing.first, crossing.second, crossing.exact) == ("b", "a", None)
    assert crossing.low <= 1 <= crossing.high < crossing.low + Fraction(1, 10**6)


def test_bounds_that_cross_between_the_points_do_not_dominate() -> None:
    positives("x")
    dip = "x + (x - 1)**2*(x - 2)**2 - 1/1000"
    table = compare({"a": "x", "b": dip}, {"x": ["1/4", "3/2", 3]})
    assert table.tightest == ("a", "a", "a")
    assert table.dominance == ()
    (found,) = compare({"a": "x", "b": "x + (x - 1)**2*(x - 2)**2"}, {"x": ["1/4", "3/2", 3]}).dominance
    assert str(found.claim).startswith("x <= ")


def test_unknown_stays_unknown() -> None:
    positives("x")
    assert compare({"a": "x", "b": "exp(log(x))"}, {"x": [3]}).tightest == ("unknown",)


def test_points_outside_the_domain_are_refused() -> None:
    positives("x")
    with pytest.raises(RecordError, match="certified"):
        compare(["x", "x**2"], {"x": [-1]})


def test_a_name_that_drops_out_is_not_solved_for() -> None:
    counts("n")
    with pytest.raises(StepOpen):
        solve_for("n", "n >= n + 1")
