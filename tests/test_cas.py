"""E10: SymPy in a child process, believed only with numbers that agree. C rows: dltsym design note, table 6.1."""

import multiprocessing
import time

import pytest

from dltsym.notation.scope import Scope
from dltsym.prove.cas_check import gaps
from dltsym.prove.decide import decide
from dltsym.prove.engines import cas
from dltsym.prove.problem import Problem, prepare


def goal(text: str, *given: str) -> Problem:
    """Build a problem; K is positive, n a size."""
    v = Scope()
    v.pos("K"), v.real("x"), v.real("c"), v.count("n"), v.integer("m")
    return prepare(v.relations(text)[0], [r for g in given for r in v.relations(g)])


@pytest.mark.parametrize("text", [
    "Integral(z**2*exp(-z**2/2)/sqrt(2*pi), (z, 0, oo)) = Rational(1, 2)",  # C01
    "limit((exp(z) - 1)/z, z, 0) = 1",  # C02
    "limit((1 + K/z)**z, z, oo) = exp(K)",
    "limit(1/log(z), z, oo) = 0",
    "sqrt(5 + 2*sqrt(6)) = sqrt(2) + sqrt(3)",
])  # fmt: skip
def test_true_claims_are_cas(text: str) -> None:
    out = cas.run(goal(text))
    assert (out.status, out.grade) == ("proved", "cas"), out.evidence
    assert out.evidence["cross_check"]
    assert out.evidence["version"]


@pytest.mark.parametrize("text", [
    "limit((exp(z) - 1)/z, z, 0) = 2",
    "Integral(1/z**2, (z, -1, 1)) = -2",
    "Sum(1, (i, 1, m)) = m",  # SymPy agrees for every m, sets only for m >= 0
])  # fmt: skip
def test_false_claims_are_open(text: str) -> None:
    assert cas.run(goal(text)).status == "open"


@pytest.mark.parametrize("text", [
    "limit((exp(z) - 1)/z, z, 0) = 1 + Rational(1, 10**6)",
    "Integral(exp(-K*z), (z, 0, oo)) = 1/K + Rational(1, 10**8)",
    "limit(abs(z)/z, z, 0) = 1",  # wrong from the left
    "x = x + Rational(1, 10**6)",
])  # fmt: skip
def test_a_wrong_zero_is_an_internal_error(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cas, "ask", lambda *_: {"zero": True, "call": "none", "version": "none"})
    with pytest.raises(cas.CrossCheckFailed, match="differ by"):
        cas.run(goal(text.replace("10**6", "1000000").replace("10**8", "100000000")))


def test_without_numbers_there_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cas, "ask", lambda *_: {"zero": True, "call": "none", "version": "none"})
    assert cas.run(goal("x = x + 1", "x < 0", "0 < x")).status == "open"


def test_numbers_near_a_limit_and_under_an_integral() -> None:
    found = gaps(goal("limit(log(z)/z, z, oo) = Integral(z, (z, -K, K))"))
    assert found
    assert all(g.agrees for g in found)
    assert not any(g.agrees for g in gaps(goal("limit(log(z)/z, z, oo) = Integral(z, (z, 0, K))")))


def test_a_slow_child_is_killed() -> None:
    started = time.perf_counter()
    answer = cas.ask(goal("Integral(exp(-K*z), (z, 0, oo)) = 1/K").goal, {}, seconds=0.05)
    assert answer == {"zero": False, "timeout": True, "call": "timeout after 0.05 s"}
    assert time.perf_counter() - started < 5


def in_child(out: multiprocessing.SimpleQueue) -> None:
    """Prove a limit inside a daemonic worker, which may not have children through `multiprocessing`."""
    out.put(cas.run(goal("limit((exp(z) - 1)/z, z, 0) = 1")).grade)


def test_it_works_inside_a_worker_process() -> None:
    context = multiprocessing.get_context("spawn")
    out = context.SimpleQueue()
    worker = context.Process(target=in_child, args=(out,), daemon=True)
    worker.start()
    worker.join(60)
    assert worker.exitcode == 0
    assert out.get() == "cas"


def test_the_variable_of_an_integral_inside_a_limit_is_its_own() -> None:
    [right, left] = gaps(goal("limit(Integral(exp(-t*z), (t, 0, 1)), z, 0) = 1"))
    assert right.agrees
    assert left.agrees


def test_a_limit_that_is_reached_too_slowly_says_nothing() -> None:
    assert gaps(goal("limit(log(log(z))/log(z), z, oo) = 0")) == []
    assert (
        gaps(goal("limit(abs(z) - z + (1 - z/abs(z))*(Rational(1, 50) - 1/log(abs(z))), z, 0) = 0")) == []
    )  # 0 and 1/25
    assert [g.agrees for g in gaps(goal("limit(1/z, z, oo) = 1"))] == [False]


@pytest.mark.parametrize(("text", "grade"), [
    ("limit(z*sin(1/z), z, 0) = 0", "cas"), ("limit(Integral(exp(-t*z), (t, 0, 1)), z, 0) = 1", "cas"),
    ("0*limit(z*sin(1/z), z, 0) = 0", "open"), ("limit(0*Integral(1, (t, 0, oo)), z, 0) = 0", "open"),
    ("limit(z*sin(1/z), z, 0) = limit(0*z, z, 0)", "open"),
])  # fmt: skip
def test_sympy_may_give_the_value_of_one_limit_and_no_more(text: str, grade: str) -> None:
    assert decide(goal(text)).grade == grade
