"""Termwise rule: table rows T01 to T03 of the dltsym design note, further true claims, and false mutants."""

import pytest
from cases import ALL, build

from dltsym.prove.engines import termwise

P1, Q1 = "Sum(P[i],(i,1,n)) = 1", "Sum(Q[i],(i,1,n)) = 1"
KL, LSE = "Sum(P[i]*log(P[i]/Q[i]),(i,1,n))", "log(Sum(exp(X[i]),(i,1,n)))"
BELOW, K = ("X[i]<=c", "1<=i", "i<=n"), ("1<=k", "k<=n")
SQUARES = "Sum(X[i]**2,(i,1,n))"

TRUE = [
    *((ALL[k].statement, ALL[k].given) for k in ("T01", "T02", "T03")),
    (f"{LSE} <= c + log(n)", BELOW),
    (f"{LSE} >= X[k]", K),
    ("Sum(exp(X[i]-c),(i,1,n)) <= n", BELOW),
    (f"{KL} >= 0", (P1, Q1)),
    ("Sum(P[i]*log(P[i]),(i,1,n)) >= -log(n)", (P1,)),
    ("Sum(P[i]**2,(i,1,n)) >= 1/n", (P1,)),
    ("n*Sum(P[i]**2,(i,1,n))/Sum(P[i],(i,1,n))**2 >= 1", ()),
    ("Sum(P[i],(i,1,n)) >= P[k]", K),
    ("Sum(P[i],(i,1,n)) > 0", ()),
    (f"Sum(X[i],(i,1,n))**2 <= n*{SQUARES}", ()),
    (f"{SQUARES} >= 0", ()),
    (f"Sum(P[i]*X[i],(i,1,n)) - {KL} <= log(Sum(Q[i]*exp(X[i]),(i,1,n)))", (P1,)),
    (f"Sum(X[i]*Y[i],(i,1,n)) <= ({SQUARES}+Sum(Y[i]**2,(i,1,n)))/2", ()),
]

FALSE = [
    (f"Sum(X[i],(i,1,n))**2 <= {SQUARES}", ()),
    ("Sum(P[i],(i,1,n)) > 2*P[k]", K),
    ("Sum(X[i],(i,1,n)) >= X[k]", K),
    (f"{LSE} <= c", BELOW),
    (f"{KL} >= 0", (P1,)),
    (f"{KL} <= Sum((P[i]-Q[i])**2/Q[i],(i,1,n))/2", (P1, Q1)),
    (f"{KL} <= Sum((P[i]-Q[i])**2/Q[i],(i,1,n))", (P1,)),
    (f"{SQUARES} > 0", ()),
    ("Sum(P[i],(i,1,n)) > P[k]", K),
    ("Sum(P[i],(i,1,n)) >= P[0]", ()),
    ("Sum(P[i]**2,(i,1,n)) >= 2/n", (P1,)),
    (f"{LSE} <= c + log(n)/2", BELOW),
    ("Sum(P[i],(i,2,n)) > 0", ()),
    ("Sum(P[i],(i,1,n)) >= P[n+1]", ()),
    (f"{KL} > 0", (P1, Q1)),
    (f"{LSE} > X[k]", K),
    ("Sum(P[i]*log(P[i]),(i,1,n)) >= -log(n)/2", (P1,)),
    ("Sum(exp(X[i]-c),(i,1,n)) < n", BELOW),
]


@pytest.mark.parametrize(("claim", "given"), TRUE)
def test_true(claim: str, given: tuple[str, ...]) -> None:
    out = termwise.run(build(claim, given))
    assert (out.status, out.grade) == ("proved", "exact"), out.evidence


@pytest.mark.parametrize(("claim", "given"), FALSE)
def test_false_is_not_proved(claim: str, given: tuple[str, ...]) -> None:
    assert termwise.run(build(claim, given)).status == "open"


def test_an_empty_range_is_no_reason_to_spread_evenly() -> None:
    out = termwise.run(build("Sum(P[i],(i,2,n)) >= 0", ()))
    assert out.status == "proved"
    assert out.evidence["how"] == "nothing to spread"
