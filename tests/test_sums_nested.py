"""Nested sums: an outer index is fixed first, so that row sums cancel; empty ranges; each rule with false mutants."""

import pytest

from dltsym.notation.scope import Scope
from dltsym.prove.engines import induction, sums
from dltsym.prove.problem import Problem, prepare
from dltsym.prove.sample import refute

Z = "Sum(exp(-C[{0},k]/e),(k,1,m))"
COLUMN = "Sum(exp(-C[k,{0}]/e),(k,1,n))"
PLAN = "a[r]*exp(-C[r,c]/e)/" + Z.format("r")
COST = f"Sum(C[r,c]*({PLAN}),(r,1,n),(c,1,m))"
ENTROPY = f"Sum(xlogx({PLAN}) - {PLAN},(r,1,n),(c,1,m))"
BEST = f"Sum(a[r]*(e*log(a[r]) - e*log({Z.format('r')})),(r,1,n)) - e*Sum(a[r],(r,1,n))"
SOFT = "exp(S[r,c])/Sum(exp(S[r,k]),(k,1,n))"
CAUSAL = "exp(S[r,c])/Sum(exp(S[r,k]),(k,1,r))"


def problem(goal: str, given: tuple[str, ...] = (), lo: int = 1) -> Problem:
    """Read a goal over sizes n, m >= lo, positive arrays a, b, matrices C (n, m), S and T (n, n), X (n), e > 0."""
    v = Scope()
    n, m, h = v.count("n", lo=lo), v.count("m", lo=lo), v.count("h", lo=lo)
    v.index("i", n), v.index("j", m)
    v.pos("e"), v.real("x")
    v.array("a", n, lo=0, lo_open=True), v.array("b", m, lo=0, lo_open=True)
    v.array("C", (n, m)), v.array("P", (n, m), lo=0)
    v.array("S", (n, n)), v.array("T", (n, n)), v.array("X", n)
    v.array("H", (h, n, m))
    return prepare(v.relations(goal)[0], [r for g in given for r in v.relations(g)])


TRUE = [
    f"Sum({PLAN},(r,1,n),(c,1,m)) = Sum(a[r],(r,1,n))",
    f"Sum({PLAN},(c,1,m),(r,1,n)) = Sum(a[k],(k,1,n))",
    f"{COST} + e*{ENTROPY} = {BEST}",
    f"Sum((e*log(a[r]) - e*log({Z.format('r')}))*a[r],(r,1,n)) - e*Sum({PLAN},(r,1,n),(c,1,m)) = {BEST}",
    # normalised over the other index
    f"Sum(b[c]*exp(-C[r,c]/e)/{COLUMN.format('c')},(r,1,n),(c,1,m)) = Sum(b[c],(c,1,m))",
    f"Sum(b[c]*exp(-C[r,c]/e)/{COLUMN.format('c')} - ({PLAN}),(r,1,n),(c,1,m)) = Sum(b[c],(c,1,m)) - Sum(a[r],(r,1,n))",
    # both ranges are the same: the inner sum says which index is outer
    f"Sum(X[r]*{SOFT},(r,1,n),(c,1,n)) = Sum(X[r],(r,1,n))",
    "Sum(X[c]*exp(S[c,r])/Sum(exp(S[c,k]),(k,1,n)),(r,1,n),(c,1,n)) = Sum(X[c],(c,1,n))",
    f"Sum({SOFT},(r,1,n),(c,1,n)) = n",
    # a row sum inside a sum, not alone
    f"Sum(exp(-C[r,c]/e)/(1 + {Z.format('r')}),(r,1,n),(c,1,m)) + Sum(1/(1 + {Z.format('r')}),(r,1,n)) = n",
    f"Sum({PLAN}*log({Z.format('r')}),(r,1,n),(c,1,m)) = Sum(a[r]*log({Z.format('r')}),(r,1,n))",
    # the inner range depends on the outer index
    f"Sum(Sum({CAUSAL},(c,1,r)),(r,1,n)) = n",
    f"Sum(X[r]*Sum({CAUSAL},(c,1,r)),(r,1,n)) = Sum(X[r],(r,1,n))",
    # three indices, two of them inside
    "Sum(exp(H[q,r,c])/Sum(exp(H[q,k,l]),(k,1,n),(l,1,m)),(q,1,h),(r,1,n),(c,1,m)) = h",
    "Sum(a[r]*exp(H[q,r,c])/Sum(exp(H[q,r,l]),(l,1,m)),(q,1,h),(r,1,n),(c,1,m)) = h*Sum(a[r],(r,1,n))",
]

FALSE = [
    f"Sum({PLAN},(r,1,n),(c,1,m)) = Sum(b[r],(r,1,m))",
    f"Sum({PLAN},(r,1,n),(c,1,n)) = Sum(a[r],(r,1,n))",
    f"Sum({PLAN},(r,1,n),(c,2,m)) = Sum(a[r],(r,1,n))",
    f"Sum({PLAN},(r,1,n),(c,1,m)) = e*Sum(a[r],(r,1,n))",
    f"Sum({PLAN.replace('a[r]*', '')},(r,1,n),(c,1,m)) = Sum(a[r],(r,1,n))",
    f"Sum({PLAN.replace('-C[r,c]', 'C[r,c]')},(r,1,n),(c,1,m)) = Sum(a[r],(r,1,n))",
    f"{COST} + e*{ENTROPY} = {BEST.replace('- e*log(Sum', '+ e*log(Sum')}",
    f"{COST} + e*{ENTROPY} = {BEST.replace(') - e*Sum', ') + e*Sum')}",
    f"{COST} + e*{ENTROPY} = {BEST.replace('C[r,k]', 'C[1,k]')}",
    f"{COST} - e*{ENTROPY} = {BEST}",
    f"{COST} + {ENTROPY} = {BEST}",
    f"{COST} + e*{ENTROPY} = {BEST.replace('a[r]*(', '(')}",
    f"{COST.replace('C[r,k]', 'C[1,k]')} + e*{ENTROPY} = {BEST}",
    # the wrong index is normalised
    f"Sum(a[r]*exp(-C[r,c]/e)/{COLUMN.format('c')},(r,1,n),(c,1,m)) = Sum(a[r],(r,1,n))",
    f"Sum(X[c]*{SOFT},(r,1,n),(c,1,n)) = Sum(X[r],(r,1,n))",
    "Sum(X[r]*exp(S[c,r])/Sum(exp(S[r,k]),(k,1,n)),(r,1,n),(c,1,n)) = Sum(X[r],(r,1,n))",
    f"Sum({SOFT},(r,1,n),(c,1,n)) = n**2",
    f"Sum({SOFT.replace('(k,1,n)', '(k,1,m)')},(r,1,n),(c,1,n)) = n",
    f"Sum(exp(-C[r,c]/e)/(1 + {Z.format('r')}),(r,1,n),(c,1,m)) + Sum(1/(1 + {Z.format('r')}),(r,1,n)) = m",
    f"Sum(exp(-C[r,c]/e)/(1 + {Z.format('r')}),(r,1,n),(c,1,m)) + Sum(1/(2 + {Z.format('r')}),(r,1,n)) = n",
    f"Sum({PLAN}*log({Z.format('r')}),(r,1,n),(c,1,m)) = Sum(a[r]*log(a[r]*{Z.format('r')}),(r,1,n))",
    f"Sum(Sum({CAUSAL},(c,1,r)),(r,1,n)) = n - 1",
    f"Sum({CAUSAL},(c,1,n),(r,1,n)) = n",
    f"Sum(Sum({CAUSAL.replace('(k,1,r)', '(k,1,n)')},(c,1,r)),(r,1,n)) = n",
    "Sum(exp(H[q,r,c])/Sum(exp(H[q,k,l]),(k,1,n),(l,1,m)),(q,1,h),(r,1,n),(c,1,m)) = n",
    "Sum(exp(H[q,r,c])/Sum(exp(H[q,r,l]),(l,1,m)),(q,1,h),(r,1,n),(c,1,m)) = h",
]


@pytest.mark.parametrize("goal", TRUE)
def test_an_outer_index_is_fixed_first(goal: str) -> None:
    verdict = sums.run(problem(goal))
    assert (verdict.status, verdict.grade) == ("proved", "exact"), verdict.evidence


@pytest.mark.parametrize("goal", FALSE)
def test_false_nested_sums_are_open(goal: str) -> None:
    claim = problem(goal)
    assert (sums.run(claim).status, induction.run(claim).status) == ("open", "open")
    refuted = refute(claim)
    assert refuted is not None
    assert refuted.status == "refuted"


def test_a_known_row_sum_is_used_inside_an_outer_sum() -> None:
    rows = ("a[i] = Sum(P[i,k],(k,1,m))",)
    assert sums.run(problem("Sum(X[r]*P[r,c]/a[r],(r,1,n),(c,1,m)) = Sum(X[r],(r,1,n))", rows)).status == "proved"
    assert sums.run(problem("Sum(X[r]*P[r,c]/a[r],(r,1,n),(c,1,m)) = Sum(X[r],(r,1,n))")).status == "open"
    assert sums.run(problem("Sum(X[r]*P[r,c]/a[1],(r,1,n),(c,1,m)) = Sum(X[r],(r,1,n))", rows)).status == "open"


def test_an_outer_range_that_may_be_empty() -> None:
    # With m = 0 every inner sum is empty, so the double sum is 0 and not n.
    goal = "Sum(exp(C[r,c])/Sum(exp(C[r,k]),(k,1,m)),(r,1,n),(c,1,m)) = n"
    assert sums.run(problem(goal)).status == "proved"
    assert sums.run(problem(goal, lo=0)).status == "open"
    # A constant is spread over the outer range only when that is certainly not empty.
    assert sums.run(problem("Sum(X[r] + x,(r,1,n)) - Sum(X[r],(r,1,n)) = x", lo=0)).status == "open"


EMPTY = [
    ("Sum(X[k],(k,1,0)) = 0", ()),
    ("log(e + Sum(exp(X[k]),(k,1,0))) = log(e)", ()),
    ("x*Sum(X[k]/x,(k,3,1)) = 0", ()),
    ("exp(Sum(log(X[k]),(k,2,1))) = 1", ()),
    ("Sum(X[k],(k,n+1,n)) = 0", ()),
    ("Sum(Sum(X[k],(k,r+1,r)),(r,1,n)) = 0", ()),
    ("Sum(X[k],(k,1,n)) = 0", ("n <= 0",)),
    ("log(e + Sum(exp(S[1,k]),(k,n,m))) = log(e)", ("m < n",)),
]
NOT_EMPTY = [
    ("Sum(X[k],(k,1,1)) = 0", ()),
    ("log(e + Sum(exp(X[k]),(k,0,0))) = log(e)", ()),
    ("Sum(X[k],(k,n,n)) = 0", ()),
    ("Sum(X[k],(k,n,n+1)) = 0", ()),
    ("Sum(Sum(X[k],(k,r,r)),(r,1,n)) = 0", ()),
    ("Sum(X[k],(k,1,n)) = 0", ("n <= 1",)),
    ("Sum(X[k],(k,n,m)) = 0", ("m <= n",)),
    ("Sum(1,(k,1,0)) = 1", ()),
]


@pytest.mark.parametrize(("goal", "given"), EMPTY)
def test_an_empty_range_sums_to_zero(goal: str, given: tuple[str, ...]) -> None:
    assert sums.run(problem(goal, given, lo=0)).status == "proved"


@pytest.mark.parametrize(("goal", "given"), NOT_EMPTY)
def test_a_range_with_one_point_is_not_empty(goal: str, given: tuple[str, ...]) -> None:
    claim = problem(goal, given, lo=0)
    assert (sums.run(claim).status, induction.run(claim).status) == ("open", "open")
