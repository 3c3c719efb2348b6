"""Sums of squares: acceptance rows, certificates that replay, tampered ones that do not, and nothing false proved."""

import copy
import json
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import cases
import pytest
from flint import fmpq
from small_records import problem

from dltsym.notation.tree import Decl, Num, Rel, Sym
from dltsym.prove.decide import decide
from dltsym.prove.definedness import discharge
from dltsym.prove.engines import sos
from dltsym.prove.mutants import mutants
from dltsym.prove.problem import Problem, prepare
from dltsym.prove.replay import Rejected, replay
from dltsym.prove.replay.sos import Constraint
from dltsym.prove.replay.sos_laws import LAWS
from dltsym.prove.replay.sos_terms import GENS
from dltsym.prove.sample import refute
from dltsym.prove.sos import holds, refutation
from dltsym.prove.sos_solve import ldl

ROWS = [c for c in cases.INEQUALITIES if c.id[0] in "PG"]
FALSE = [c for c in cases.MUTANTS if c.id in ("M21", "M22", "M23", "M24", "M25")]


@pytest.mark.parametrize("case", ROWS, ids=lambda c: c.id)
def test_rows_of_the_table_have_a_certificate(case: cases.Case) -> None:
    p = cases.build(case)
    found = sos.certificate(p, True)
    assert found is not None
    replay(p, json.loads(json.dumps(found)))


@pytest.mark.parametrize("name", ["P04", "P05", "G01"])
def test_the_pipeline_calls_them_exact(name: str) -> None:
    out = decide(cases.build(next(c for c in ROWS if c.id == name)))
    assert (out.status, out.grade) == ("proved", "exact")


@pytest.mark.parametrize("case", FALSE, ids=lambda c: c.id)
def test_false_rows_have_none(case: cases.Case) -> None:
    assert sos.run(cases.build(case)).status == "open"


@pytest.mark.parametrize("case", ROWS, ids=lambda c: c.id)
def test_refuted_mutants_have_none(case: cases.Case) -> None:
    p = cases.build(case)
    every = list(mutants(p.goal, 12))
    for m in every[ROWS.index(case) % 5 :: 5]:
        q = prepare(m.rel, p.given)
        if not discharge(q)[1] and refute(q, points=24) is not None:
            assert sos.run(q).status == "open", m.what


# ---- further statements ----

PROVED = (
    ("x real", "x**2 - 2*x + 2 > 0", ()),
    ("x real; y real", "x = y", ("(x - y)**2 <= 0",)),
    ("x real; y real", "x*y != 2", ("x + y = 2",)),
    ("x real; y real; z real", "(x + y + z)**2 <= 3*(x**2 + y**2 + z**2)", ()),
    ("a real; b real; c real; d real", "a*b*c*d <= (a**4 + b**4 + c**4 + d**4)/4", ()),
    ("x real; y real", "x**4 + y**4 >= x**3*y + x*y**3", ()),
    ("x pos; y pos", "x/y + y/x >= 2", ()),
    ("x pos; y pos; z pos", "x/(y + z) + y/(x + z) + z/(x + y) >= Rational(3, 2)", ()),
    ("x nonneg; y nonneg", "sqrt(x*y) <= (x + y)/2", ()),
    ("x real; y real; p prob", "(p*x + (1 - p)*y)**2 <= p*x**2 + (1 - p)*y**2", ()),
    ("p prob; q prob", "p*(1 - p) + q*(1 - q) <= Rational(1, 2)", ()),
    ("n count", "n**2 >= n", ()),
    ("n count; m count", "n + 1 <= m", ("n < m",)),
    ("x real; y real", "exp(x) <= exp(y)", ("x <= y",)),
    ("x pos; y pos; c pos", "log(x)/c < log(y)/c", ("x < y",)),
    ("n count; P array n lo=0; i index n; m real", "P[i]**2 <= m*P[i]", ("P[i] <= m",)),
    ("n count; P array n lo=0; i index n; k index n", "P[k] <= 1", ("P[i] <= 1",)),
)


@pytest.mark.parametrize(("declare", "goal", "given"), PROVED)
def test_what_it_proves(declare: str, goal: str, given: tuple[str, ...]) -> None:
    p = problem(declare, goal, given)
    assert not discharge(p)[1]
    found = sos.certificate(p, True)
    assert found is not None
    replay(p, found)
    used = sos.verdict(p, found).evidence["used"]
    assert set(used) <= set(map(str, p.given))


OPEN = (
    ("x real; y real", "x**4*y**2 + x**2*y**4 + 1 >= 3*x**2*y**2 + Rational(1, 1000000)", ()),
    ("x real", "x**2 > 0", ()),
    ("x real; y real", "exp(x) < exp(y)", ("x <= y",)),
    ("x pos", "log(x) <= x - 1 - (x - 1)**2/10**6", ()),
    ("x real; y real", "sqrt(x**2) = x", ()),
    ("n count; P array n; i index n; k integer", "P[k] <= 1", ("P[i] <= 1",)),
    ("m integer lo=0; P array m; i index m; x real", "x <= 0", ("x <= P[i]", "P[i] <= 0")),
    ("x real", "x <= 0", ("x != 1",)),
    ("x nonneg", "x**(101/50) <= x**2", ()),
    ("x real", "x <= 0", ("1 <= 0",)),
    ("x real", "x = 0", ("1 <= 0",)),
    ("x real; y real", "x <= 0", ("y < 1", "2 < y")),
)


@pytest.mark.parametrize(("declare", "goal", "given"), OPEN)
def test_what_it_leaves_open(declare: str, goal: str, given: tuple[str, ...]) -> None:
    assert sos.certificate(problem(declare, goal, given)) is None


# ---- tampering ----

Path = tuple[Any, ...]


def altered(data: Any) -> Iterator[tuple[str, Any]]:
    """Yield copies of a certificate with one number, text or entry changed."""
    for path, value in list(_leaves(data, ())):
        for what, new in _changes(path, value):
            whole = copy.deepcopy(data)
            at = whole
            *above, last = path
            for step in above:
                at = at[step]
            at[last] = new
            yield f"{path}: {value!r} -> {what}", whole
    for path in [p for p, v in _lists(data, ()) if v and p and p[-1] in ("terms", "equal", "squares", "uses")]:
        whole = copy.deepcopy(data)
        at = whole
        for step in path:
            at = at[step]
        del at[-1]
        yield f"{path}: last entry dropped", whole


def _leaves(data: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(data, dict | list):
        for k, v in data.items() if isinstance(data, dict) else enumerate(data):
            yield from _leaves(v, (*path, k))
    elif path[-1] != "kind":
        yield path, data


def _lists(data: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(data, dict | list):
        if isinstance(data, list):
            yield path, data
        for k, v in data.items() if isinstance(data, dict) else enumerate(data):
            yield from _lists(v, (*path, k))


def _changes(path: Path, value: Any) -> Iterator[tuple[str, Any]]:
    last = path[-1]
    if last == 0 and "squares" in path[-3:-2]:
        yield from ((w, w) for w in (f"-{value}", f"{fmpq(*map(int, value.split('/'))) + 1}", "0"))
    elif isinstance(value, str) and last in ("by", 1) and "law" not in path:
        yield from ((t, t) for t in (f"({value}) + 1", f"2*({value})"))
        if last == "by":
            yield "-", f"-({value})"
    elif isinstance(value, int):
        yield "another number", value + 1


def accepted(p: Problem, data: dict[str, Any]) -> bool:
    try:
        replay(p, data)
    except Rejected:
        return False
    return True


ODE = (
    "n count lo=2; g real; t nonneg",
    "((1 + (n - 1)*g)*exp(2*t) - (1 - g))/((1 + (n - 1)*g)*exp(2*t) + (n - 1)*(1 - g)) <= 1",
    ("-1/(n - 1) <= g", "g < 1"),
)


def test_signs_of_denominators_are_certificates_of_their_own() -> None:
    p = problem(*ODE)
    found = sos.certificate(p, True)
    assert found is not None
    assert [side["rel"] for side in found["sides"]]
    for what, data in altered(found):
        assert not accepted(p, data), f"accepted with {what}"


def test_a_generic_index_has_a_name_that_can_be_read() -> None:
    n = problem("n count; P array n lo=0", "P[1] >= 0").symbols
    array, size = next(s for s in n if s.name == "P"), next(s for s in n if s.name == "n")
    index = Sym(Decl("P.0", "index", lo=Num(Fraction(1)), hi=size))
    p = prepare(Rel(Num(Fraction(0)), "<=", array[index]))
    found = sos.certificate(p)
    assert found is not None
    assert "P_0]" in str(found)
    replay(p, found)


TAMPERED = ("P01", "P03", "P04", "P06", "G01", "G05", "G07", "G09")


@pytest.mark.parametrize("name", TAMPERED)
def test_a_tampered_certificate_is_rejected(name: str) -> None:
    p = cases.build(next(c for c in ROWS if c.id == name))
    found = sos.certificate(p, True)
    assert found is not None
    tried = 0
    for what, data in altered(found):
        assert not accepted(p, data), f"accepted with {what}"
        tried += 1
    assert tried > 8


def test_the_checker_takes_no_certificate_for_another_problem() -> None:
    p = cases.build("x**2 + y**2 >= 2*x*y")
    found = sos.certificate(p)
    assert found is not None
    for goal in ("x**2 + y**2 >= 3*x*y", "x**2 + y**2 > 2*x*y", "x**2 + y**2 <= 2*x*y", "x**2 + y**2 = 2*x*y"):
        with pytest.raises(Rejected):
            replay(cases.build(goal), found)


def refused(p: Problem, uses: list[dict[str, Any]], why: str) -> None:
    """Expect that the checker refuses a source before it comes to the identity."""
    with pytest.raises(Rejected, match=why):
        replay(p, {"kind": "sos", "uses": uses, "terms": [], "equal": []})


def test_the_checker_refuses_sources_that_hold_nothing() -> None:
    p = problem("x real; m integer lo=0; P array m; i index m; n count", "x <= 0", ("P[i] <= 0", "x < n"))
    with pytest.raises(Rejected, match="not used"):
        replay(p, {"kind": "sos", "uses": [], "terms": [{"of": [], "squares": [["1", "1"]]}], "equal": []})
    refused(p, [{"given": 7}], "no given 7")
    refused(p, [{"given": True}], "no given True")
    refused(p, [{"given": -1}], "no given -1")
    refused(p, [{"given": 0}], "may be empty")
    refused(p, [{"given": 0, "at": {"i": "1"}}], "not proved to be in the range")
    refused(p, [{"given": 0, "at": {"i": "x"}}], "no integer")
    refused(p, [{"given": 1, "whole": True}], "no strict relation between integers")
    refused(p, [{"bound": "i"}], "may be empty")
    refused(p, [{"law": "hope", "of": ["x"]}], "unknown law")
    refused(p, [{"law": "order", "of": ["exp(x)", "exp(n)"], "row": 0}, {"law": "order", "of": ["exp(n)", "exp(x)"]}],
            "needs n <= x")  # fmt: skip
    refused(p, [{"law": "logs", "of": ["log(x*n)"]}], "needs 0 < x")
    refused(p, [{"case": 0}], "no case")
    refused(p, [{"given": 1, "fact": 0}], "no source")
    refused(p, [{"law": "sum", "of": ["Sum(P[k], (k, 1, m))"]}], "needs 0 <= P")


def test_a_law_of_a_term_that_may_be_undefined_is_refused() -> None:
    p = problem("x real", "x <= -1 + x**2 + x", ())
    for law in ({"law": "table", "of": ["log(x)"]}, {"law": "table", "of": ["sqrt(x)"]}):
        data = {"kind": "sos", "uses": [law], "terms": [{"of": [0], "squares": [["1", "1"]]}], "equal": []}
        with pytest.raises(Rejected):
            replay(p, data)
    q = problem("x real", "0 <= 1/x**2", ())  # stated in the goal, hence a matter of its side conditions
    assert sos.certificate(q) is not None


def test_a_side_condition_has_to_be_proved_and_to_make_sense() -> None:
    p = problem("x real", "log(1 + x**2) <= x**2", ())
    law = {"law": "table", "of": ["log(1 + x**2)"]}
    proof = {
        "uses": [law],
        "terms": [{"of": [0], "squares": [["1", "1"]]}, {"of": [1], "squares": [["1", "1"]]}],
        "equal": [],
    }
    square = {"kind": "sos", "uses": [], "terms": [{"of": [0], "squares": [["1", "1"]]}, {"of": [], "squares": [["1", "x"]]}], "equal": []}  # fmt: skip  # noqa: E501
    replay(p, {"kind": "sos", **proof})
    replay(p, {"kind": "sos", "sides": [{"rel": "0 <= x**2", "by": square}], **proof})
    for rel in ("0 < x**2", "0 <= x", "0 <= sqrt(x)**2"):
        with pytest.raises(Rejected):
            replay(p, {"kind": "sos", "sides": [{"rel": rel, "by": square}], **proof})


# ---- the solver by itself ----


def test_every_law_is_named_once_and_refuses_other_terms() -> None:
    x = problem("x real", "x <= 1").symbols[0]
    for name, law in LAWS.items():
        count = law.__code__.co_argcount
        assert law(*[x] * count) == (), name


def test_ldl_is_exact() -> None:
    one, two = fmpq(1), fmpq(2)
    assert ldl([[one, two], [two, fmpq(4)]]) == ([one], [[one, two]])
    assert ldl([[one, two], [two, fmpq(399, 100)]]) is None
    assert ldl([[fmpq(0), one], [one, one]]) is None


def test_signs_under_constraints() -> None:
    x, y = GENS[:2]
    above = [Constraint(x, ">="), Constraint(y - x, ">=")]
    found = refutation([Constraint(x**2 - y**2, ">"), *above])
    assert found is not None
    assert holds([Constraint(x**2 - y**2, ">"), *above], found)
    assert not holds([Constraint(x**2 - y**2 + 1, ">"), *above], found)
    assert refutation([Constraint(x**2 - y**2, ">="), *above], 0.5) is None
    assert refutation([Constraint(x**2 - y**2 - 1, ">="), *above]) is not None
    assert refutation([Constraint(x**2 + 1, "=")]) is not None
    assert refutation([Constraint(x**2 - 1, "=")]) is None
