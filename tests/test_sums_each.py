"""Sums with facts on every index: shifted definitions, equations and bounds used term by term, deltas that vanish."""

import pytest

from dltsym.notation.scope import Scope
from dltsym.prove.decide import NORMAL, confirmed, run_engine
from dltsym.prove.definedness import discharge
from dltsym.prove.engines import sums, termwise
from dltsym.prove.problem import Fact, Problem, prepare

SHIFTED = ("e<=N-1", "b[k+1]=a[k+1]+a[k]")
PASCAL = "binomial(e+u,k) = binomial(e+u-1,k)+binomial(e+u-1,k-1)"
COLUMN = "Sum(r[i]*A[i,j],(i,1,m)) <= 1"
LEFT, RIGHT = "Sum(binomial(e+u,k),(k,1,{}))", "Sum(binomial(e+u-1,k)+binomial(e+u-1,k-1),(k,1,{}))"
WEIGHED = "Sum(c[j]*Sum(r[i]*A[i,j],(i,1,m)),(j,1,n))"

TRUE = [
    ("Sum(b[k],(k,2,e)) = Sum(a[k],(k,2,e))+Sum(a[k],(k,1,e-1))", SHIFTED, ""),
    (f"{LEFT.format('e-1')} = {RIGHT.format('e-1')}", (), PASCAL),
    (f"{WEIGHED} <= Sum(c[j],(j,1,n))", (), COLUMN),
    ("delta(p,q)*x = 0", ("p<q",), ""),
    ("x+delta(q,p) = x", ("p!=q",), ""),
]
FALSE = [
    ("Sum(b[k],(k,1,e)) = Sum(a[k],(k,1,e))+Sum(a[k],(k,1,e-1))", SHIFTED, ""),
    ("Sum(b[k],(k,2,e)) = Sum(a[k],(k,2,e))+Sum(a[k],(k,2,e-1))", SHIFTED, ""),
    ("Sum(b[k],(k,2,e+1)) = Sum(a[k],(k,2,e+1))+Sum(a[k],(k,1,e))", SHIFTED, ""),
    (f"{LEFT.format('e')} = {RIGHT.format('e')}", (), "binomial(e+u,k) = 2*binomial(e+u-1,k)"),
    (f"{WEIGHED} <= Sum(c[j],(j,1,n))/2", (), COLUMN),
    (f"{WEIGHED} <= Sum(c[j],(j,1,n))", (), "Sum(r[i]*A[i,j],(i,1,m)) <= 2"),
    (f"{WEIGHED.replace('c[j]*', 'y[j]*')} <= Sum(y[j],(j,1,n))", (), COLUMN),
    ("delta(p,q)*x = 0", ("p<=q",), ""),
    ("x+delta(q,p) = x", (), ""),
]


def problem(claim: str, given: tuple[str, ...], fact: str) -> Problem:
    v = Scope()
    size, e, m, n = v.count("N"), v.count("e", lo=2), v.count("m"), v.count("n")
    v.count("u"), v.integer("p"), v.integer("q"), v.real("x")
    v.index("k", e - 1), v.index("j", n)
    v.array("a", size), v.array("b", size), v.array("c", n, lo=0), v.array("y", n)
    v.array("r", m, lo=0), v.array("A", (m, n))
    ((goal,), facts) = v.relations(claim), [Fact("fact", r, "exact") for t in (fact,) if t for r in v.relations(t)]
    return prepare(goal, [r for t in given for r in v.relations(t)], facts)


def verdict(p: Problem):
    return run_engine((sums if p.goal.op == "=" else termwise).ENGINE, p, NORMAL)


@pytest.mark.parametrize(("claim", "given", "fact"), TRUE)
def test_true(claim: str, given: tuple[str, ...], fact: str) -> None:
    p = problem(claim, given, fact)
    out = verdict(p)
    assert (out.status, out.grade) == ("proved", "exact"), out.evidence
    assert confirmed(p, out) is out
    assert not discharge(p)[1]


@pytest.mark.parametrize(("claim", "given", "fact"), FALSE)
def test_false_is_not_proved(claim: str, given: tuple[str, ...], fact: str) -> None:
    assert verdict(problem(claim, given, fact)).status == "open"


def test_a_bound_with_a_denominator_does_not_ask_for_itself() -> None:
    v = Scope()
    n = v.count("n", lo=2)
    low = -1 / (n - 1)
    for name in ("g", "h"):
        v.real(name, lo=low, hi=1, lo_open=True, hi_open=True)
    v.real("s")
    (given,), (goal,), (wrong,) = map(v.relations, ("g<h", "1/(exp(s)+n-1) <= 5", "1/(exp(s)+n-3) <= 5"))
    assert not discharge(prepare(goal, [given]))[1]
    assert discharge(prepare(wrong, [given]))[1]
