"""Lemmas at an instance: what they ask of the step that uses them, and what they may not smuggle in."""

from collections.abc import Callable
from typing import Any

import pytest
from small_records import SOURCE, Library, report, scope, state

from dltsym.chain import derive, thm
from dltsym.record import Theorem, premise
from dltsym.statement import Scope

LIBRARY: Library = {
    "pos": state("x pos", "x > 0"),
    "slope": state("x real; y real", "diff(x*y, x) = y"),
    "every": state("n count; p array n; i index n", "Sum(p[j], (j, 1, n)) <= n", given="p[i] <= 1",
                   proof=derive("Sum(p[j], (j, 1, n))").le("Sum(1, (j, 1, n))", hint="termwise").eq("n")),
    "nonneg": state("n count; p array n lo=0", "Sum(p[j], (j, 1, n)) >= 0"),
    "inverse": state("a real; b real", "a**2 > 0", given="a*b = 1"),
    "pinsker": state("q prob; p prob open=True", "kl(q, p) >= 2*(p - q)**2"),
    "whole": state("n integer", "cos(2*pi*n) = cos(2*pi*n)"),
    "wrong": state("x real", "x**2 >= 1"),
    "cited": state("x real; y real", "x <= y", given=premise("source", "x <= y", SOURCE),
                   proof=derive("x").le("y", by="source")),
}  # fmt: skip


def use(declare: str, start: str, op: str, end: str, by: Any, given: Any = ()) -> Theorem:
    claim = f"{start} {op} {end}"
    step = {"<=": "le", ">=": "ge", ">": "gt", "=": "eq"}[op]
    return state(declare, claim, given=given, proof=getattr(derive(start), step)(end, by=by))


def last(theorem: Theorem) -> tuple[str, str]:
    made = report(theorem, LIBRARY)
    row = made.steps[-1]
    return row.grade, str(row.evidence.get("reason", ""))


def foreign() -> Theorem:
    other = scope("y pos").symbols["y"]
    return use("y real", "y", ">=", "0", thm("pos", x=other))


REFUSED: tuple[tuple[str, Callable[[], Theorem], str], ...] = (
    ("a value of another scope", foreign, "pos, x: symbol y is not declared here (it belongs to another scope)"),
    ("outside its domain", lambda: use("y real", "y", ">=", "0", thm("pos", x="y")), "pos needs 0 < y"),
    ("a universal hypothesis at one index",
     lambda: use("n count; p array n", "Sum(p[j],(j,1,n))", "<=", "n", thm("every", i=1), "p[1] <= 1"),
     "every needs p[any.i] <= 1"),
    ("a universal hypothesis on a part of the range",
     lambda: use("n count; p array n; i index 1", "Sum(p[j],(j,1,n))", "<=", "n", thm("every"), "p[i] <= 1"),
     "every needs p[any.i] <= 1"),
    ("a symbol with the name of a generic index",
     lambda: use("n count; any0 real", "Sum(j*any0,(j,1,n))", ">=", "0", thm("nonneg", p=lambda j: j * ANY)),
     "belongs to another scope"),
    ("an array of another length",
     lambda: use("n count; m count; q array m lo=0", "Sum(q[j],(j,1,m))", ">=", "0", thm("nonneg", p="q")),
     "the ranges of q differ from those of p"),
    ("a number for an array",
     lambda: use("n count; x real", "n*x", ">=", "0", thm("nonneg", p="x + 0", n="n")), "nonneg needs an array for p"),
    ("an array for a number",
     lambda: use("n count; q array n lo=0", "1", ">", "0", thm("pos", x="q")), "needs a number for x, got the array q"),
    ("a fraction for an integer",
     lambda: use("n integer", "cos(pi*n)", "=", "1", thm("whole", n="n/2")), "whole needs an integer for n, got n/2"),
    ("an undefined value", lambda: use("y real", "y**2", ">", "0", thm("inverse", a="y", b="1/y")), "1/y needs y != 0"),
    ("Pinsker at p = 1", lambda: use("q prob", "kl(q, 1)", ">=", "2*(1-q)**2", thm("pinsker", q="q", p=1)), "1 < 1"),
    ("Pinsker outside", lambda: use("q real; p real", "kl(q, p)", ">=", "2*(p-q)**2", thm("pinsker")), "0 <= q"),
    ("an unknown symbol", lambda: use("x real", "x", ">", "0", thm("pos", z=1)), "pos has no symbol z; it has x"),
    ("a missing value", lambda: use("y pos", "y", ">", "-1", thm("pos")), "pos: give a value for x"),
    ("no such part", lambda: use("y pos", "y", ">", "-1", thm("pos", part=3, x="y")), "has 1 claim(s), no part 3"),
    ("a lemma that is false", lambda: use("y real", "y**2", ">=", "1/2", thm("wrong", x="y")), "is not proved itself"),
    ("a premise that does not hold", lambda: use("x real; y real", "x", "<=", "y", thm("cited")), "cited needs x <= y"),
)  # fmt: skip
ANY = scope("any0 real lo=0").symbols["any0"]


@pytest.mark.parametrize(("make", "message"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED])
def test_a_lemma_that_does_not_apply_leaves_the_step_open(make: Callable[[], Theorem], message: str) -> None:
    grade, reason = last(make())
    assert grade == "open"
    assert message in reason


@pytest.mark.parametrize(
    "make",
    [
        lambda: use("t real", "2*t", "=", "t", thm("slope", x="t", y="t")),
        lambda: use("t real", "t", "=", "0", thm("slope", x="t + 1", y="t")),
        lambda: use("t real", "t", "=", "0", thm("slope", x=3, y="t")),
        lambda: use("x real", "3*x**2", "=", "x**2", thm("slope", y="x**2")),
    ],
)
def test_an_instance_of_a_derivative_is_not_the_derivative_of_the_instance(make: Callable[[], Theorem]) -> None:
    assert last(make())[0] == "refuted"


def test_the_generic_index_of_an_array_is_nobodys_namesake() -> None:
    v = Scope()
    n, x = v.count("n"), v.real("any0")
    total = v.sum(lambda j: j * x, n)
    theorem = v.theorem(title="t", cite=SOURCE, claim=total >= 0,
                        proof=derive(total).ge(0, by=thm("nonneg", p=lambda j: j * x)))  # fmt: skip
    grade, reason = last(theorem)
    assert grade == "open"
    assert "needs 0 <= any.0*any0" in reason


def test_an_instance_may_refer_to_an_outer_index() -> None:
    """Sum_i Sum_j M[i,j] at a fixed row i; nothing is captured by the index of the lemma."""
    v = Scope()
    n = v.count("n")
    v.index("i", n)
    v.index("j", n)
    M = v.array("M", (n, n), lo=0)
    i, j = v.symbols["i"], v.symbols["j"]
    row = v.sum(lambda k: M[i, k], n)
    good = v.theorem(title="t", cite=SOURCE, claim=row >= 0,
                     proof=derive(row).ge(0, by=thm("nonneg", p=lambda k: M[i, k])))  # fmt: skip
    assert last(good)[0] in ("exact", "smt")
    column = v.sum(lambda k: M[k, j] - M[i, k], n)
    bad = v.theorem(title="t", cite=SOURCE, claim=column >= 0,
                    proof=derive(column).ge(0, by=thm("nonneg", p=lambda k: M[k, j] - M[i, k])))  # fmt: skip
    assert last(bad)[0] == "open"


def test_good_instances_are_used_and_leave_rows() -> None:
    good = use("n count; p array n; i index n", "Sum(p[j],(j,1,n))", "<=", "n", thm("every"), "p[i] <= 1")
    made = report(good, LIBRARY)
    assert made.ok
    assert made.grade in ("exact", "smt")
    assert made.uses == ("every",)
    assert [r.text for r in made.steps[-1].rows][:1] == ["p[any.i] <= 1"]
    made = report(use("q prob; p prob open=True", "kl(q, p)", ">=", "2*(p-q)**2", thm("pinsker")), LIBRARY)
    assert made.ok


def test_premises_of_a_lemma_stay_visible() -> None:
    made = report(use("x real; y real", "x", "<=", "y + 1", thm("cited"), "x <= y"), LIBRARY)
    assert made.grade == "cited"
    assert made.cited == ("key place",)
    assert made.grade_without_cited in ("exact", "smt")
