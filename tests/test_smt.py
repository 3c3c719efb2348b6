"""The glue engine: z3 over abstracted atoms; source: dltsym design note, tables 6.2 and 6.3, rows X1 to X9."""

from __future__ import annotations

import json

import cases
import pytest
import z3

from dltsym.prove import glue
from dltsym.prove.definedness import discharge
from dltsym.prove.engines.smt import ENGINE, run, unsatisfiable
from dltsym.prove.sample import refute_at
from dltsym.prove.shapes import FULL
from dltsym.prove.signs import Query, extended, store_of
from dltsym.prove.verdict import OPEN, PROVED, REFUTED

GLUE = [f"G{k:02}" for k in range(1, 11)]
POLYNOMIAL = [f"P{k:02}" for k in range(1, 9)]
LIFTED = [f"M{k}" for k in range(21, 26)]
FALSE = [c.id for c in cases.MUTANTS]


@pytest.mark.parametrize("name", GLUE + POLYNOMIAL)
def test_proves(name: str) -> None:
    problem = cases.build(cases.ALL[name])
    assert discharge(problem)[1] == ()
    verdict = run(problem)
    assert (verdict.status, verdict.grade, verdict.engine) == (PROVED, "exact", "sos")
    json.dumps(dict(verdict.evidence))


@pytest.mark.parametrize("name", FALSE)
def test_never_proves_a_mutant(name: str) -> None:
    verdict = run(cases.build(cases.ALL[name]))
    assert verdict.status in (REFUTED, OPEN)
    assert name not in LIFTED or (verdict.status == REFUTED and verdict.engine == "z3" and verdict.witness)


def test_evidence_names_the_hypotheses_that_were_needed() -> None:
    used = run(cases.build("p <= q+sqrt(B/2)", ("k<=B", "k>=2*(p-q)**2", "q<7", "p!=3"))).evidence["used"]
    assert used == ["k <= B", "2*(p - q)**2 <= k"]


WITHOUT = [
    ("p <= q+sqrt(B/2)", ("k>=2*(p-q)**2", "B>=0")), ("p <= q+sqrt(B/2)", ("k<=B", "B>=0")),
    ("f1 <= f0-eta/2*g2", ("eta>0", "eta*L<=1", "f1<=f0-eta*g2+L*eta**2/2*g2")),
    ("K/lam+lam/(8*n) >= sqrt(K/(2*n))", ("K>=0", "n>0", "lam<0")),
    ("((1+d*A/2)/(1-d*A/2))**2 <= 1", ("A<=0", "d<0", "d*A<1")),
    ("x <= 2*a+b**2", ("x>=0", "x<=a+b*sqrt(x)+1")), ("(1-x)*exp(x) <= 99/100", ("x<1",)),
    ("x/y <= 1", ("x<=y", "y<0")), ("abs(x) <= x", ("x>-1",)), ("max(x, y) <= x", ("x+1>=y",)),
    ("min(x, y) >= x", ("x>=0",)), ("exp(x+y) <= exp(x)*exp(2*y)", ("y>-1",)),
    ("sqrt(x)*sqrt(x) <= x-1/100", ("x>=0",)),
    ("log(x*y) >= log(x)", ("x>0", "y>0")), ("tanh(x) >= 0", ("x>-1",)), ("x**2 >= x", ("x>=0",)),
    ("1/x <= 1/y", ("y<=x", "x!=0", "y!=0")), ("x**n >= 1", ("x>=0", "n>=1")), ("delta(i, j)*x <= 0", ("x>=0",)),
]  # fmt: skip


@pytest.mark.parametrize(("goal", "given"), WITHOUT, ids=[g for g, _ in WITHOUT])
def test_never_proves_glue_with_a_hypothesis_dropped_or_a_constant_changed(goal: str, given: tuple[str, ...]) -> None:
    assert run(cases.build(goal, given)).status in (REFUTED, OPEN)


TRUE = [
    ("abs(x*y) = abs(x)*abs(y)", ()), ("max(x, y) + min(x, y) = x + y", ()), ("exp(x+y) = exp(x)*exp(y)", ()),
    ("sqrt(x)*sqrt(y) = sqrt(x*y)", ("x>=0", "y>=0")), ("log(x/y) = log(x) - log(y)", ("x>0", "y>0")),
    ("tanh(x)**2 < 1", ()), ("exp(x) >= exp(y)", ("x>=y",)), ("r**(1/3) <= 2", ("0<=r", "r<=8")),
    ("sinh(x)**2 + 1 = cosh(x)**2", ()), ("kl(q, p) >= 0", ("0<=q", "q<=1", "0<p", "p<1")), ("x != y", ("x<y",)),
    ("log(2) >= 69/100", ()), ("p <= 1/2", ("p**2 <= 1/4", "p > 0")), ("q <= p", ("exp(q) <= exp(p)",)),
]  # fmt: skip


@pytest.mark.parametrize(("goal", "given"), TRUE, ids=[g for g, _ in TRUE])
def test_proves_more(goal: str, given: tuple[str, ...]) -> None:
    assert run(cases.build(goal, given)).status == PROVED


def test_a_spurious_model_is_open() -> None:
    """X3: with the tangent axiom alone z3 has a model with exp(0) = 2; it is never a refutation."""
    problem = cases.build("(1-x)*exp(x) <= 1", ("x<1",))
    query = Query("x3", extended(store_of(problem), problem.goal, ()), FULL, frozenset(), True, problem.goal)
    _, poly, facts = glue._prepared(query, False)
    few = [f for f in facts if "<= 1" not in f.name]
    status, model = glue.check(few, (poly, "<"), glue.SMALL)
    assert status == "sat"
    assert refute_at(problem, {"x": model["x"]}) is None
    verdict = run(cases.build("exp(x) <= 1+x+x**2", ("0<=x", "x<=1")))
    assert (verdict.status, verdict.evidence["reason"]) == (OPEN, "does not follow from the facts used")
    assert "x" in verdict.evidence["model"]


def test_integers_are_relaxed_but_a_model_is_lifted_to_integers_only() -> None:
    verdict = run(cases.build("Sum(P[i],(i,1,n))*(n-1)*(n-2) >= 0"))  # false only between 1 and 2
    assert verdict.status in (PROVED, OPEN)


CONTRADICTORY = [
    (("p<q", "q<p"), ("p < q", "q < p")),  # X1
    (("p<q", "q<r", "r<=s", "s<=p", "p>0"), ("p < q", "q < r", "r <= s", "s <= p")),
    (("0<p", "p<1", "0<q", "q<1", "q>1"), ("q < 1", "1 < q")),  # X6
    (("x**2=2", "x<0", "x>-1"), ("x**2 = 2", "x < 0", "-1 < x")), (("x!=x",), ("x != x",)),
]  # fmt: skip


@pytest.mark.parametrize(("given", "core"), CONTRADICTORY, ids=str)
def test_contradictions_come_with_a_minimal_set(given: tuple[str, ...], core: tuple[str, ...]) -> None:
    assert unsatisfiable(cases.build("x <= 1", given)) == core


CONSISTENT = [
    ("p<=q", "q<=p"), ("x**2=2", "x<0"), ("p>=sqrt(B)",), ("log(x)<=1", "x>2"), ("x!=1", "x>=1"), ("n>1", "n<2"),
]  # fmt: skip


@pytest.mark.parametrize("given", CONSISTENT, ids=str)
def test_satisfiable_hypotheses_are_not_called_contradictory(given: tuple[str, ...]) -> None:
    assert unsatisfiable(cases.build("x <= 1", given)) == ()


def test_no_case_has_contradictory_hypotheses() -> None:
    for name in (*GLUE, *LIFTED, "L01", "S07", "I04"):
        assert unsatisfiable(cases.build(cases.ALL[name])) == ()


def test_engine_entry() -> None:
    assert (ENGINE.name, ENGINE.grade, ENGINE.order, ENGINE.ops) == ("z3", "smt", 400, ("=", "<", "<=", "!="))


def test_the_question_is_kept_in_smt_lib_and_any_solver_can_be_asked_again() -> None:
    motzkin = cases.build("x**4*y**2 + x**2*y**4 + z**6 >= 3*x**2*y**2*z**2")
    out = run(motzkin)
    assert (out.status, out.grade) == ("proved", "smt")
    again = z3.Solver()
    again.from_string(out.evidence["query"])
    assert again.check() == z3.unsat
