"""Checking whole records: a false record is never fine, and the report says what is wrong with it."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import record_files
from small_records import SOURCE, problem, report, scope, state, verdicts

from dltsym import catalogue
from dltsym.chain import derive
from dltsym.errors import CyclicLemma
from dltsym.notation.calls import diff
from dltsym.notation.tree import Eq
from dltsym.prove.check import check_audit
from dltsym.prove.decide import decide
from dltsym.prove.engines import engines
from dltsym.prove.engines.smt import unsatisfiable
from dltsym.prove.verdict import PROVED
from dltsym.record import Audit, Break, Convex, Gap, Ode, Optimum, Rate, Theorem, premise, value


def grades(theorem: Theorem) -> dict[str, str]:
    return verdicts(report(theorem))


# What the note fixes beyond points (design note, rows X1-X9)


@pytest.mark.parametrize("given", [["p < q", "q < p"], ["p > 1", "p < 1"], ["p = q", "p != q"], ["p**2 < 0"]])
def test_contradictory_hypotheses_are_vacuous(given: list[str]) -> None:
    made = report(state("p real; q real", "p = 17", given=given))
    assert (made.grade, made.ok) == ("vacuous", False)
    assert made.steps[0].evidence["contradiction"]


@pytest.mark.parametrize(
    ("declare", "goal", "given", "what"),
    [
        ("p real; B real", "B >= 0", ["p >= sqrt(B)"], "sqrt(B) needs B >= 0"),
        ("x real", "exp(x)-1-x <= x**2/(2*(1-x/3))", ["x >= 0"], "needs 2*(1 - x/3) != 0"),
        ("x real", "x/x = 1", [], "x/x needs x != 0"),
        ("x real", "log(x) <= x", [], "log(x) needs x > 0"),
        ("x real; y real", "x**y > 0", ["x >= 0"], "x**y needs x > 0"),
        ("x real; y real", "y = y", ["1/x <= 1"], "1/x needs x != 0"),
        ("n count; z real; X array n lo=0", "X[z] >= 0", ["1 <= z", "z <= n"], "no integer by its form"),
        ("n count", "Sum(1, (i, 1, n/2)) = n/2", [], "no integer by its form"),
        ("z real", "delta(z, z/2) = 0", [], "no integer by its form"),
        ("n count; X array n; k index n", "X[k+1] = X[k+1]", [], "k + 1 <= n"),
    ],
)
def test_what_may_be_undefined_is_open_and_named(declare: str, goal: str, given: list[str], what: str) -> None:
    made = report(state(declare, goal, given=given))
    assert made.grade in ("open", "refuted")
    row = made.steps[-1]
    assert row.grade == "refuted" or what in row.evidence["reason"], row.evidence


def test_the_box_engine_alone_leaves_a_tight_claim_open() -> None:
    p = problem("p real; q real", "kl(p, q) >= 2*(p-q)**2", ["1/5 <= p", "p <= 4/5", "1/5 <= q", "q <= 4/5"])
    balls = [e for e in engines() if e.name in ("balls", "box", "finite") and p.goal.op in e.ops]
    assert all(e.run(p).status == "open" for e in balls)


def test_a_contact_outside_the_hypotheses_is_vacuous() -> None:
    assert unsatisfiable(problem("p real; q real", "kl(p, q) >= 0", ["0 < q", "q < 1", "q > 1", "0 < p", "p < 1"]))


def test_a_circle_of_lemmas_is_an_error_with_its_path(pack: Callable[..., Path]) -> None:
    looped = record_files.USER.replace("LEMMA", "algebra.user").replace("x=y", "y=y")
    pack(algebra__user=looped)
    with pytest.raises(CyclicLemma, match=r"algebra\.user -> algebra\.user"):
        catalogue.check("algebra.user", cache=False)


def test_a_missing_source_is_named(pack: Callable[..., Path]) -> None:
    pack(algebra__square=record_files.NO_SOURCE)
    made = catalogue.check("algebra.square", cache=False)
    assert not made.ok
    assert any("euklid" in p and "algebra.square" in p for p in made.problems)


# Chains


def test_a_premise_is_available_only_to_steps_that_name_it() -> None:
    source = premise("bound", "x <= y", SOURCE)
    named = report(state("x real; y real", "x <= y + 1", given=source, proof=derive("x").le("y + 1", by="bound")))
    assert (named.grade, named.cited) == ("cited", ("key place",))
    assert named.grade_without_cited in ("exact", "smt")
    silent = report(state("x real; y real", "x <= y + 1", given=source, proof=derive("x").le("y + 1")))
    assert silent.grade == "refuted"


def test_an_open_or_refuted_chain_is_not_usable() -> None:
    false = [derive("x").le("0").named("lie"), derive("x").le("1", by="lie")]
    made = report(state("x real", "x <= 1", proof=false))
    assert [s.grade for s in made.steps[1:]] == ["refuted", "open"]
    assert "chain 'lie' is refuted" in made.steps[-1].evidence["reason"]


@pytest.mark.parametrize("names", [("chain 1", "chain 1"), ("#foo", "foo"), ("foo", "#foo"), ("chain 2", "chain 2")])
def test_no_name_makes_a_chain_usable_before_its_end(names: tuple[str, str]) -> None:
    mine, other = names
    chains = [derive("x**2").ge("0"), derive("x").le("x").le("0", by=other if other != mine else mine).named(mine)]
    chains += [derive("x").le("x").named(other)] if other != mine else []
    chains.append(derive("x").le("0", by=mine))
    made = report(state("x real", ["x**2 >= 0", "x <= 0"], proof=chains))
    assert not made.ok
    assert set(verdicts(made).values()) >= {"open"}


def test_a_single_named_chain_serves_a_structured_claim() -> None:
    v = scope("x real")
    x = v.symbols["x"]
    best = Optimum("min", "x**2 + 1", (x,), {x: 0}, 1, Gap("x**2", by="square"))
    made = report(v.theorem(title="t", cite=SOURCE, claim=best, proof=derive("x**2").ge("0").named("square")))
    assert (made.grade, made.problems) == ("exact", ())


@pytest.mark.parametrize(
    ("given", "chain"),
    [
        ("x >= 2", derive("x >= 2").iff("x >= 1")),
        # the converse of step 2 may not start from x >= 2
        ("x >= 2", derive("x >= 2").iff("x - 2 >= 0").iff("x >= 1")),
        (premise("p", "x >= 2", SOURCE), derive("x >= 2").iff("x >= 1", by="p")),
    ],
)
def test_an_equivalence_needs_its_converse(given: Any, chain: Any) -> None:
    made = report(state("x real", "x >= 1", given=given, proof=chain))
    assert not made.ok
    assert "proved" not in {s.grade for s in made.steps if s.role == "converse"}
    assert any(s.grade in ("open", "refuted") for s in made.steps if s.role == "converse")


def test_a_true_equivalence_is_proved_both_ways() -> None:
    made = report(state("x real", "2*x - 4 >= 0", given="x >= 2", proof=derive("x >= 2").iff("2*x - 4 >= 0")))
    assert made.ok
    assert [s.role for s in made.steps] == ["hypotheses", "step", "converse"]


# Structured claims that are false: (objective, at, value, proof, more)


def optimum(declare: str, objective: str, at: str, best: str, proof: Any, **more: Any) -> Theorem:
    v = scope(declare)
    x = v.symbols["x"]
    if isinstance(proof, tuple):
        proof = Convex(v.symbols["u"], inverse=proof[0], param={x: proof[1]})
    given = more.pop("given", ())
    claim = Optimum(more.pop("sense", "min"), objective, (x,), {x: at}, best, proof, **more)
    return v.theorem(title="t", cite=SOURCE, claim=claim, given=given)


FREE = "x real; u real; c real"
LINE = ("x", "u")
FALSE_OPTIMA = {
    "wrong argmin": lambda: optimum(FREE, "(x-1)**2", "2", "0", LINE),
    "wrong value": lambda: optimum(FREE, "(x-1)**2", "1", "1", LINE),
    "concave": lambda: optimum(FREE, "-(x-1)**2", "1", "0", LINE),
    "minimum called maximum": lambda: optimum(FREE, "(x-1)**2", "1", "0", LINE, sense="max"),
    "flat, not strict": lambda: optimum(FREE, "0*x", "1", "0", LINE),
    "curve covers a part": lambda: optimum(FREE, "x**3", "0", "0", ("sqrt(x)", "u**2")),
    "parameter in a part of the line": lambda: optimum("x real lo=-1 hi=1; u real lo=0 hi=1 lo_open=True", "x**3", "0",
                                                       "0", LINE),
    "parameter leaves the domain": lambda: optimum("x real lo=0; u real", "(x+1)**2", "-1", "0", LINE),
    "optimum leaves the domain": lambda: optimum("x real lo=0; u real lo=0", "(x+1)**2", "-1", "0", LINE),
    "constraint not met at the optimum": lambda: optimum(FREE, "x**2", "0", "0", Gap("x**2"), subject_to="x >= 1"),
    "hypothesis not met at the optimum": lambda: optimum(FREE, "x**2", "0", "0", Gap("x**2"), given="x >= 1"),
    "hypothesis not met, curve": lambda: optimum(FREE, "x**2", "0", "0", LINE, given="x >= 1"),
    "constraint hidden in a name": lambda: optimum("x real; F let x-1", "x**2", "0", "0", Gap("x**2"), given="F >= 0",
                                                   subject_to="F >= 0"),
    "domain of another symbol": lambda: optimum("x real; c real hi=x; u real", "x**2", "0", "0", Gap("x**2")),
    "wrong gap": lambda: optimum(FREE, "x**2", "0", "0", Gap("x**2 + 1")),
    "negative gap": lambda: optimum(FREE, "x**3", "0", "0", Gap("x**3")),
    "half of an integer": lambda: optimum("x integer", "(2*x-1)**2", "1/2", "0", Gap("(2*x-1)**2")),
    "no derivative at the kink": lambda: optimum(FREE, "abs(x)", "0", "0", LINE),
}  # fmt: skip


@pytest.mark.parametrize("name", FALSE_OPTIMA)
def test_a_false_optimum_is_never_fine(name: str) -> None:
    made = report(FALSE_OPTIMA[name]())
    assert not made.ok, verdicts(made)


def test_entries_of_an_optimal_array_lie_in_their_domain() -> None:
    v = scope("n count; p array n lo=1")
    p, total = v.symbols["p"], "Sum(p[i], (i, 1, n))"
    wrong = v.theorem(title="t", cite=SOURCE, claim=Optimum("min", total, (p,), {p: lambda i: 0}, 0, Gap(total)))
    assert not report(wrong).ok
    best = Optimum("min", total, (p,), {p: lambda i: 1}, "n", Gap("Sum(p[i] - 1, (i, 1, n))"))
    right = v.theorem(title="t", cite=SOURCE, claim=best)
    assert report(right).grade != "refuted"


def test_true_optima_are_proved() -> None:
    assert report(optimum(FREE, "(x-c)**2 + 1", "c", "1", LINE)).grade == "exact"
    assert report(optimum(FREE, "1 - (x-c)**2", "c", "1", LINE, sense="max")).grade == "exact"
    assert report(optimum("x pos; u real", "x - log(x)", "1", "1", ("log(x)", "exp(u)"))).ok


def ode(solution: str, initial: str, equation: Callable[..., Any] = lambda y, t: Eq(diff(y, t), y)) -> Theorem:
    v = scope("y real; t real; c real; z let y**2")
    y, t = v.symbols["y"], v.symbols["t"]
    return v.theorem(title="t", cite=SOURCE, claim=Ode(y, t, equation(y, t), solution, 0, initial))


def test_odes_and_rates() -> None:
    assert report(ode("c*exp(t)", "c")).grade == "exact"
    assert report(ode("c*exp(2*t)", "c")).grade == "refuted"
    assert report(ode("c*exp(t)", "2*c")).grade == "refuted"
    v = scope("y real; t real; z let y**2")
    y, t, z = (v.symbols[s] for s in "ytz")
    hidden = Ode(y, t, Eq(diff(z, t), 0), "t", 0, 0)  # the unknown inside a let-name is replaced too
    assert report(v.theorem(title="t", cite=SOURCE, claim=hidden)).grade == "refuted"
    w = scope("x pos; a real")
    assert report(w.theorem(title="t", cite=SOURCE, claim=Rate("3*x**a", w.symbols["x"], "a"))).grade == "exact"
    assert report(w.theorem(title="t", cite=SOURCE, claim=Rate("3*x**a", w.symbols["x"], "a + 1"))).grade == "refuted"


# Tight sets, values, breaks, audits


def test_tight_sets() -> None:
    good = state("x real; y real", "2*x*y <= x**2 + y**2", tight={"x": "y"})
    assert report(good).ok
    assert not report(state("x real; y real", "2*x*y <= x**2 + y**2", tight={"x": "2*y"})).ok
    assert not report(state("x real", "x**2 >= 0", given="x >= 1", tight={"x": 0})).ok  # the set misses the hypotheses
    assert not report(state("x pos", "x**2 >= 0", tight={"x": 0})).ok
    assert not report(state("n integer", "4*n*(n - 1) >= -1", tight={"n": "1/2"})).ok


def test_values() -> None:
    def with_value(item: Any) -> Any:
        declare, out = "n count; p array n lo=0 hi=1", "n*Sum(p[i], (i, 1, n))"
        return report(state(declare, "n >= 1", outputs={"a": out}, values=[item]))

    assert with_value(value("3", "s", n=2, p=["1/2", 1])).ok
    wrong = with_value(value("3.01", "s", n=2, p=["1/2", 1]))
    assert "value a expected 3.01, got 3" in wrong.problems[0]
    for item, what in [
        (value("3", "s", n=2, p=[2, "-1/2"]), "an entry violates"),
        (value("3", "s", n="5/2", p=["1/2", 1]), "n is an integer, not 5/2"),
        (value("3", "s", n=2, p=["1/2", 1, 0]), "wrong size"),
        (value("3", "s", n=2, p="3/2"), "p has 1 indices"),
        (value("0", "s", n=0, p=[]), "they violate 1 <= n"),
        (value("3", "s", n=2.0, p=["1/2", 1]), "must be an integer, a Fraction or text"),
        (value("3", "s", n=2), "no value is given for the symbol p"),
    ]:
        assert any(what in p for p in with_value(item).problems), (what, with_value(item).problems)


def test_values_are_held_against_hypotheses_for_every_index() -> None:
    made = report(state("n count; p array n; i index n", "n >= 1", given="p[i] <= 1", outputs={"a": "p[1]"},
                        values=[value("1", "s", n=2, p=[1, 2])]))  # fmt: skip
    assert any("they violate p[i] <= 1" in p for p in made.problems)


@pytest.mark.parametrize(
    ("at", "what"),
    [
        ({"x": 2, "n": 1}, "the claim does not certainly fail there"),
        ({"x": "1/2", "n": "1/2"}, "n is an integer, not 1/2"),
        ({"x": 0.5, "n": 1}, "must be an integer"),
    ],
)
def test_a_break_that_does_not_break_is_open(at: dict[str, Any], what: str) -> None:
    made = report(state("x real; n count", "x**n >= 1", given="x >= 1", breaks=[Break(at, "x is small")]))
    assert not made.ok
    assert made.steps[-1].evidence["reason"].startswith(what) or what in made.steps[-1].evidence["reason"]


def test_a_break_outside_the_hypotheses_is_certified() -> None:
    made = report(state("x real; n count", "x**n >= 1", given="x >= 1", breaks=[Break({"x": "1/2", "n": 1}, "small")]))
    assert (made.steps[-1].grade, made.steps[-1].role) == ("ball", "break")


def audit(verdict: str, claim: str = "n*Sum(p[i]**2, (i, 1, n)) >= 2", **parts: Any) -> Audit:
    v = scope("n count; p array n lo=0; i index n")
    return v.audit(title="t", source=SOURCE, prints="p", claim=claim, verdict=verdict, corrected="c", **parts)


def test_audits() -> None:
    point = {"n": 2, "p": ["1/2", "1/2"]}
    assert check_audit(audit("refuted", at=point)).ok
    wrong = check_audit(audit("holds", at=point))
    assert "declared 'holds', but the machine finds the printed claim refuted" in wrong.problems[0]
    for at in ({"n": "3/2", "p": [0, 0]}, {"n": 2, "p": [-1, 0]}, {"n": 2, "p": [0]}, {"n": 2, "p": 1}, {"n": 2}):
        assert not check_audit(audit("refuted", at=at)).ok, at
    outside = check_audit(audit("refuted", at=point, given="p[i] >= 1"))
    assert "does not certainly satisfy" in str(outside.witness)
    assert check_audit(audit("holds", claim="n >= 1")).ok
    assert not check_audit(audit("refuted", claim="n >= 1")).ok


# Ends of domains


@pytest.mark.parametrize(
    ("declare", "goal", "given", "ok"),
    [
        ("q prob; p prob open=True", "kl(q, p) >= 2*(p-q)**2", [], True),
        ("q prob", "xlogx(q) <= 0", [], True),
        ("p prob open=True", "kl_bernoulli(0, p) >= p", [], True),
        ("p prob open=True", "kl_bernoulli(1, p) = -log(p)", [], True),
        ("p prob open=True", "kl_bernoulli(1, p) = -log(1 - p)", [], False),
        ("p prob", "kl_bernoulli(0, p) = -log(1 - p)", [], False),
        ("q prob; y prob open=True", "kl(q, y) = -binary_entropy(q) - q*log(y) - (1-q)*log(1-y)", [], True),
        ("q prob; y prob open=True", "kl(q, y) = xlogx(q) - q*log(y) + xlogx(1-q) - (1-q)*log(y)", [], False),
        ("q prob; y prob open=True", "kl(1 - q, 1 - y) = kl(q, y)", [], True),
        ("q nonneg", "xlogx(2*q) = 2*xlogx(q) + 2*q*log(2)", [], True),
        ("q nonneg", "xlogx(2*q + 1) = 2*xlogx(q) + 2*q*log(2)", [], False),
        ("q prob; p prob", "xlogx(q) + xlogx(p) <= 0", [], True),
        ("q prob; p prob", "xlogx(q) + xlogx(p) < 0", [], False),
        ("q prob", "binary_entropy(q) > 0", [], False),
        ("q prob", "q > 0", ["xlogx(q) <= 0"], False),
        ("q prob; p prob open=True", "q > 0", ["kl(q, p) <= 1"], False),
        ("q prob; x real", "x >= 0", ["xlogx(q) <= 0", "x >= log(q)"], False),
        ("n count; q array n lo=0 hi=1", "Sum(xlogx(q[i]), (i, 1, n)) < 0", [], False),
        ("q nonneg", "xlogx(q) >= q - 1", [], True),
        ("q nonneg", "xlogx(q) >= q - 99/100", [], False),
    ],
)
def test_end_points_are_cases_of_their_own(declare: str, goal: str, given: list[str], ok: bool) -> None:
    out = decide(problem(declare, goal, given))
    assert (out.status == PROVED) == ok, out


def test_exact_inputs_only() -> None:
    assert Fraction("0.1") == Fraction(1, 10)
    assert report(state("x real", "x = x", outputs={"a": "x"}, values=[value("0.1", "s", x="0.1")])).ok
