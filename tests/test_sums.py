"""Sums with symbolic limits: the tables of the dltsym design note (6.1 S, 6.3 M), more identities, false mutants."""

from fractions import Fraction

import pytest
from cases import ALL, build

from dltsym.notation.scope import Scope
from dltsym.notation.tree import Num, Rel
from dltsym.notation.walk import key
from dltsym.prove.engines import induction, sums
from dltsym.prove.problem import Fact, Problem, prepare
from dltsym.prove.sums import canonical_sums
from dltsym.prove.sums_frame import frame_of, positive
from dltsym.prove.sums_linear import implied, linear, to_expr
from dltsym.prove.verdict import Verdict

SUMS = [c for c in ALL.values() if c.engine == "sums"]
INDUCTION = [c for c in ALL.values() if c.engine == "induction"]
FALSE = [ALL[k] for k in ("M07", "M08", "M09", "M10", "M11", "M12", "M13", "M14")]


def scope(lo: int = 1) -> Scope:
    """Declare n, m, indices, scalars, real arrays X Y a s, positive arrays p q P Q and matrices M, W > 0."""
    v = Scope()
    n, m = v.count("n", lo=lo), v.count("m")
    for name, top in (("i", n), ("j", m), ("k", n), ("l", n)):
        v.index(name, top)
    for name in ("a0", "b", "c"):
        v.real(name)
    for name in ("Z", "T", "r"):
        v.pos(name)
    for name in ("X", "Y", "a", "s"):
        v.array(name, n)
    for name in ("p", "q", "P", "Q"):
        v.array(name, n, lo=0, lo_open=True)
    v.array("M", (n, m))
    v.array("W", (n, m), lo=0, lo_open=True)
    return v


def problem(goal: str, given: tuple[str, ...] = (), lo: int = 1, hint: str = "") -> Problem:
    """Read a goal and hypotheses over `scope`."""
    v = scope(lo)
    return prepare(v.relations(goal)[0], [r for g in given for r in v.relations(g)], hint=hint)


def verdicts(what: Problem) -> list[Verdict]:
    """Ask both engines."""
    return [sums.run(what), induction.run(what)]


# The tables


@pytest.mark.parametrize("case", SUMS, ids=lambda c: c.id)
def test_table(case) -> None:
    verdict = sums.run(build(case))
    assert (verdict.status, verdict.grade) == ("proved", "exact"), verdict.evidence


@pytest.mark.parametrize("case", INDUCTION, ids=lambda c: c.id)
def test_induction_table(case) -> None:
    verdict = induction.run(build(case))
    assert (verdict.status, verdict.grade) == ("proved", "exact"), verdict.evidence


@pytest.mark.parametrize("case", FALSE, ids=lambda c: c.id)
def test_false_table(case) -> None:
    assert [v.status for v in verdicts(build(case))] == ["open", "open"]


def test_range_rows_are_kept() -> None:
    rows = {r.text for r in sums.run(build(ALL["S08"])).rows}
    assert {"1 <= k", "k <= n"} <= rows


# More true identities

ONE = ("Sum(p[i],(i,1,n)) = 1", "Sum(q[i],(i,1,n)) = 1")
SOFTMAX = ("p[i] = exp(s[i])/Sum(exp(s[j]),(j,1,n))",)
TRUE = [
    # definitions of arrays by hypotheses, for every index
    (
        "Sum(p[i]*log(p[i]),(i,1,n)) = Sum(p[i]*s[i],(i,1,n)) - log(Z)",
        ("p[i] = exp(s[i])/Z", "Z = Sum(exp(s[j]),(j,1,n))"),
    ),
    ("Sum(p[i],(i,1,n)) = 1", SOFTMAX),
    ("log(p[k]) = s[k] - log(Z)", ("p[i] = exp(s[i])/Z",)),
    ("Sum(q[i]*log(p[i]),(i,1,n)) = Sum(q[i]*s[i],(i,1,n)) - log(Z)", ("log(p[i]) = s[i] - log(Z)", ONE[1])),
    ("Sum(q[i]*log(p[i]),(i,1,n)) = Sum(q[i]*s[i],(i,1,n)) - log(Z)", ("Z*p[i] = exp(s[i])", ONE[1])),
    (
        "Sum(q[i]*log(q[i]/p[i]),(i,1,n)) = Sum(q[i]*log(q[i]),(i,1,n)) - Sum(q[i]*s[i],(i,1,n))"
        " + log(Sum(exp(s[i]),(i,1,n)))",
        (*SOFTMAX, ONE[1]),
    ),
    (
        "diff(exp(X[k])/Sum(exp(X[j]),(j,1,n)),X[l]) = p[k]*(delta(k,l) - p[l])",
        ("p[i] = exp(X[i])/Sum(exp(X[j]),(j,1,n))",),
    ),
    # equalities between sums
    ("n*Sum(p[i]**2,(i,1,n)) = 1 + Sum((n*p[i]-1)**2,(i,1,n))/n", ONE),
    ("Sum(p[i]*(X[i]-b)**2,(i,1,n)) = Sum(p[i]*X[i]**2,(i,1,n)) - b**2", (ONE[0], "b = Sum(p[i]*X[i],(i,1,n))")),
    ("Sum((sqrt(p[i])-sqrt(q[i]))**2,(i,1,n)) = 2 - 2*Sum(sqrt(p[i]*q[i]),(i,1,n))", ONE),
    (
        "Sum(q[i]*X[i],(i,1,n)) - log(Sum(P[i]*exp(X[i]),(i,1,n))) - Sum(q[i]*log(q[i]/P[i]),(i,1,n))"
        " = -Sum(q[i]*log(q[i]*Sum(P[j]*exp(X[j]),(j,1,n))/(P[i]*exp(X[i]))),(i,1,n))",
        ONE,
    ),
    # sums that a hypothesis gives for every index
    ("Sum(W[i,j]*X[i],(j,1,m),(i,1,n)) = Sum(X[i],(i,1,n))", ("Sum(W[i,j],(j,1,m)) = 1",)),
    ("Sum(W[i,j]*X[i]*Y[k],(j,1,m),(i,1,n)) = Y[k]*Sum(X[i]*a[i],(i,1,n))", ("Sum(W[i,j],(j,1,m)) = a[i]",)),
    ("Sum(W[k,j],(j,1,m)) = 1", ("Sum(W[i,j],(j,1,m)) = 1",)),
    # the summand needs the tower
    ("Sum(sigmoid(X[i]),(i,1,n)) + Sum(sigmoid(-X[i]),(i,1,n)) = n", ()),
    ("Sum(softplus(X[i]),(i,1,n)) = Sum(X[i],(i,1,n)) + Sum(softplus(-X[i]),(i,1,n))", ()),
    ("Sum(P[i]/(P[i]+r),(i,1,n)) = n - r*Sum(1/(P[i]+r),(i,1,n))", ()),
    ("Sum(tanh(X[i]),(i,1,n)) = 2*Sum(sigmoid(2*X[i]),(i,1,n)) - n", ()),
    # exp, log, roots and powers inside a sum
    ("Sum(exp(X[i]+c),(i,1,n)) = exp(c)*Sum(exp(X[i]),(i,1,n))", ()),
    ("log(Sum(exp(X[i]+c),(i,1,n))) = c + log(Sum(exp(X[i]),(i,1,n)))", ()),
    ("Sum(exp((X[i]+c)/T),(i,1,n)) = exp(c/T)*Sum(exp(X[i]/T),(i,1,n))", ()),
    ("T*log(Sum(exp(X[i]/T)/n,(i,1,n))) = T*log(Sum(exp(X[i]/T),(i,1,n))) - T*log(n)", ()),
    ("Sum(sqrt(P[i]*Q[i]),(i,1,n)) = Sum(sqrt(P[i])*sqrt(Q[i]),(i,1,n))", ()),
    ("Sum(xlogx(P[i]),(i,1,n)) = Sum(P[i]*log(P[i]),(i,1,n))", ()),
    ("Sum(Z**(i-1),(i,1,n)) = Sum(Z**i,(i,0,n-1))", ()),
    ("Sum(c**(i-1),(i,1,n)) = Sum(c**i,(i,1,n))/c", ("c != 0",)),
    # ranges
    ("Sum(X[i+1],(i,0,n-1)) = Sum(X[i],(i,1,n))", ()),
    ("Sum(X[i],(i,1,n)) = Sum(X[i],(i,1,n-1)) + X[n]", ()),
    ("Sum(X[i+1]-X[i],(i,1,n-1)) = X[n] - X[1]", ()),
    ("Sum(X[i]*Y[j],(j,1,i),(i,1,n)) = Sum(X[i]*Y[j],(i,j,n),(j,1,n))", ()),
    ("Sum((X[i]-X[j])**2,(j,1,i-1),(i,1,n)) = Sum((X[i]-X[j])**2,(i,j+1,n),(j,1,n))", ()),
    ("Sum(Sum((X[i]-X[j])**2,(j,1,n)),(i,1,n))/2 = Sum((X[i]-X[j])**2,(j,1,i-1),(i,1,n))", ()),
    ("Sum(X[i]*X[j],(j,1,i),(i,1,n)) = (Sum(X[i],(i,1,n))**2 + Sum(X[i]**2,(i,1,n)))/2", ()),
    ("Sum(i,(i,1,n)) = n*(n+1)/2", ()),
    ("Sum(i*j,(i,1,j),(j,1,n)) = n*(n+1)*(n+2)*(3*n+1)/24", ()),
    ("Sum(1,(i,k,n)) = n - k + 1", ()),
    # powers and products of sums
    ("Sum(M[i,j]*X[i]*X[k]*M[k,j],(i,1,n),(k,1,n),(j,1,m)) = Sum(Sum(M[i,j]*X[i],(i,1,n))**2,(j,1,m))", ()),
    ("Sum(X[i]*Sum(Y[j],(j,1,n))/n,(i,1,n)) = Sum(X[i],(i,1,n))*Sum(Y[i],(i,1,n))/n", ()),
    # index calculus and deltas
    ("X[k]*delta(k,l) = X[l]*delta(k,l)", ()),
    ("delta(k,l)**2 = delta(l,k)", ()),
    ("Sum(delta(i,k)*delta(i,l)*X[i],(i,1,n)) = delta(k,l)*X[k]", ()),
    ("Sum(delta(i,j)*X[i],(j,1,i),(i,1,n)) = Sum(X[i],(i,1,n))", ()),
    ("Sum(delta(i,j)*X[i],(j,1,i-1),(i,1,n)) = 0", ()),
    ("diff(Sum(X[i]**2,(i,1,n)),X[k]) = 2*X[k]", ()),
    ("diff(Sum((X[i]-b)**2,(i,1,n)),b) = 2*n*b - 2*Sum(X[i],(i,1,n))", ()),
    ("diff(log(Sum(exp(X[i]/T),(i,1,n))),T) = -Sum(X[i]*exp(X[i]/T),(i,1,n))/(T**2*Sum(exp(X[i]/T),(i,1,n)))", ()),
]


@pytest.mark.parametrize(("goal", "given"), TRUE, ids=[g for g, _ in TRUE])
def test_true(goal: str, given: tuple[str, ...]) -> None:
    verdict = sums.run(problem(goal, given))
    assert (verdict.status, verdict.grade) == ("proved", "exact"), verdict.evidence


# False mutants, and true statements whose range condition is missing

MUTANTS = [
    ("Sum(log(Sum(exp(M[i,j]),(j,1,m))),(i,1,n)) = Sum(log(Sum(exp(M[i,j]),(i,1,n))),(j,1,m))", ()),
    ("Sum(delta(i,0)*X[i],(i,1,n)) = X[0]", ()),
    ("Sum(delta(i,n+1)*X[i],(i,1,n)) = X[n+1]", ()),
    ("Sum(delta(i,k+1)*X[i],(i,1,n)) = X[k+1]", ()),  # k + 1 may be n + 1
    ("Sum(delta(i,m)*X[i],(i,1,n)) = X[m]", ()),
    ("Sum(delta(i,j)*X[i],(j,1,i-1),(i,1,n)) = Sum(X[i],(i,1,n))", ()),
    ("Sum(delta(i,k)*delta(i,l)*X[i],(i,1,n)) = X[k]", ()),
    ("X[k]*delta(k,l) = X[l]", ()),
    ("delta(k,l) = 1", ()),
    ("delta(k,l) = 0", ()),
    ("Sum(X[i],(i,1,n)) = Sum(X[i+1],(i,1,n))", ()),
    ("Sum(X[i],(i,1,n)) = Sum(X[i],(i,0,n))", ()),
    ("Sum(X[i],(i,1,n)) = Sum(X[i],(i,1,n-1))", ()),
    ("Sum(X[i],(i,1,n)) = Sum(X[i],(i,1,n+1))", ()),
    ("Sum(X[i],(i,1,n)) = Sum(X[i],(i,1,m))", ()),
    ("Sum(X[i],(i,1,n)) = Sum(X[i],(i,2,n))", ()),
    ("Sum(X[i],(i,1,n)) = Sum(X[i],(i,1,n-1)) + X[n-1]", ()),
    ("Sum(X[i+1]-X[i],(i,1,n)) = X[n] - X[1]", ()),
    ("Sum(1,(i,1,m-n)) = m - n", ()),  # an empty range counts 0
    ("Sum(i,(i,1,m-n)) = (m-n)*(m-n+1)/2", ()),
    ("Sum(c,(i,n,m)) = c*(m-n+1)", ()),
    ("Sum(M[i,j],(j,1,i),(i,1,n)) = Sum(M[i,j],(j,i,n),(i,1,n))", ()),
    ("Sum(M[i,j],(j,1,i),(i,1,n)) = Sum(M[i,j],(j,1,n),(i,1,j))", ("n = m",)),
    ("Sum(X[i]*Y[j],(j,1,i),(i,1,n)) = Sum(X[i]*Y[j],(i,1,j),(j,1,n))", ()),
    ("Sum(X[i]*Y[j],(j,1,i-1),(i,1,n)) = (Sum(X[i],(i,1,n))*Sum(Y[i],(i,1,n)) - Sum(X[i]*Y[i],(i,1,n)))/2", ()),
    ("Sum(X[i]*X[j],(j,1,i),(i,1,n)) = (Sum(X[i],(i,1,n))**2 - Sum(X[i]**2,(i,1,n)))/2", ()),
    ("Sum(M[i,j],(i,1,n),(j,1,m)) = Sum(M[j,i],(i,1,n),(j,1,m))", ()),
    ("Sum(X[i]*Y[i],(i,1,n)) = Sum(X[i],(i,1,n))*Sum(Y[i],(i,1,n))", ()),
    ("Sum(X[i],(i,1,n))**2 = Sum(X[i]**2,(i,1,n))", ()),
    ("Sum(Sum(M[i,j],(i,1,n))**2,(j,1,m)) = Sum(M[i,j]*M[k,j],(i,1,n),(j,1,m))", ()),
    ("Sum((X[i]-X[j])**2,(i,1,n),(j,1,n)) = 2*n*Sum(X[i]**2,(i,1,n)) - Sum(X[i],(i,1,n))**2", ()),
    ("Sum(exp(X[i]+c),(i,1,n)) = exp(n*c)*Sum(exp(X[i]),(i,1,n))", ()),
    ("log(Sum(exp(X[i]),(i,1,n))) = Sum(X[i],(i,1,n))", ()),
    ("Sum(sqrt(X[i]**2),(i,1,n)) = Sum(X[i],(i,1,n))", ()),
    ("Sum(log(X[i]**2),(i,1,n)) = 2*Sum(log(P[i]),(i,1,n))", ()),
    ("Sum(c**(i-1),(i,1,n)) = Sum(c**i,(i,1,n))*c", ("c != 0",)),
    ("Sum(sigmoid(X[i]),(i,1,n)) + Sum(sigmoid(-X[i]),(i,1,n)) = n + 1", ()),
    ("Sum(sigmoid(X[i]),(i,1,n)) + Sum(sigmoid(-X[i]),(i,1,m)) = n", ()),
    ("Sum(P[i]/(P[i]+r),(i,1,n)) = n + r*Sum(1/(P[i]+r),(i,1,n))", ()),
    # hypotheses that say less than is claimed
    ("Sum(W[i,j]*X[i],(j,1,m),(i,1,n)) = Sum(X[i],(i,1,n))", ("Sum(W[i,j],(i,1,n)) = 1",)),
    ("Sum(W[i,j]*X[j],(j,1,m),(i,1,n)) = Sum(X[j],(j,1,m))", ("Sum(W[i,j],(j,1,m)) = 1",)),
    ("Sum(p[i],(i,1,n+1)) = Sum(exp(s[i]),(i,1,n+1))", ("p[i] = exp(s[i])",)),
    ("p[n+1] = exp(s[n+1])", ("p[i] = exp(s[i])",)),
    ("p[m] = exp(s[m])", ("p[i] = exp(s[i])",)),
    ("p[k] = s[k]", ("b*p[i] = s[i]",)),
    ("Sum(p[i]**2,(i,1,n)) = 1", ONE),
    ("Sum(p[i],(i,1,m)) = 1", ONE),
]


@pytest.mark.parametrize(("goal", "given"), MUTANTS, ids=[g for g, _ in MUTANTS])
def test_false(goal: str, given: tuple[str, ...]) -> None:
    assert all(v.status == "open" for v in verdicts(problem(goal, given)))


def test_an_empty_range_proves_nothing_about_the_rest() -> None:
    # With n = 0 the hypothesis about every index is empty: it must not give n >= 1, nor a value of anything.
    assert sums.run(problem("Sum(1/n,(i,1,n)) = 1", lo=0)).status == "open"
    assert sums.run(problem("Sum(1/n**2,(j,1,n),(i,1,n)) = 1", lo=0)).status == "open"
    assert sums.run(problem("b = c", ("b + 0*p[i] = 1", "c + 0*p[i] = 1"), lo=0)).status == "open"
    assert sums.run(problem("Sum(X[i],(i,1,n)) = Sum(X[i],(i,1,n-1)) + X[n]", ("0 < p[i]",), lo=0)).status == "open"
    assert sums.run(problem("Sum(2*X[i],(i,1,n)) = 2*Sum(X[i],(i,1,n))", lo=0)).status == "proved"


def test_infinite_and_nonlinear_ranges_stay_opaque() -> None:
    v = scope()
    for text in ("Sum(2*Z**i,(i,0,oo))", "Sum(2*X[i],(i,1,oo))"):
        claim = prepare(Rel(v.parse(text), "=", Num(Fraction(0))))
        assert key(canonical_sums(claim.goal.lhs, claim)[0]) == key(claim.goal.lhs)
    assert sums.run(problem("Sum(2*X[j],(j,1,i**2),(i,1,n)) = 2*Sum(X[j],(i,1,j),(j,1,n**2))")).status == "open"


def test_a_fact_is_used_like_a_hypothesis() -> None:
    v = scope()
    fact = Fact("normalised", v.relations("Sum(p[i],(i,1,n)) = 1")[0], "cited")
    goal = v.relations("Sum(p[i]*(X[i]+c),(i,1,n)) = Sum(p[i]*X[i],(i,1,n)) + c")[0]
    assert sums.run(prepare(goal, facts=[fact])).status == "proved"
    assert sums.run(prepare(goal)).status == "open"


# Induction

GEOMETRIC = ("0 < c", "c < 1")
INDUCTIVE = [
    ("Sum(c**i,(i,0,n)) = (1-c**(n+1))/(1-c)", GEOMETRIC, ""),
    ("Sum(c**i,(i,1,n)) = c*(1-c**n)/(1-c)", GEOMETRIC, "induction(n)"),
    ("Sum(c**(n-i),(i,1,n)) = (1-c**n)/(1-c)", GEOMETRIC, ""),
    ("Sum(i/2**i,(i,1,n)) = 2 - (n+2)/2**n", (), ""),
    ("Sum(1/(i*(i+1)),(i,1,n)) = n/(n+1)", (), ""),
    ("Sum(1/(i*(i+1)),(i,1,n)) = n/(n+1)", ("n >= 3", "n <= m"), ""),
    ("(n+1)*Sum(1/(i*(i+1)),(i,1,n)) = n", (), ""),
]


@pytest.mark.parametrize(("goal", "given", "hint"), INDUCTIVE)
def test_induction(goal: str, given: tuple[str, ...], hint: str) -> None:
    verdict = induction.run(problem(goal, given, hint=hint))
    assert (verdict.status, verdict.grade) == ("proved", "exact"), verdict.evidence


NOT_INDUCTIVE = [
    ("Sum(c**i,(i,0,n)) = (1-c**n)/(1-c)", GEOMETRIC),  # step holds, base fails
    ("Sum(c**i,(i,1,n)) = (1-c**(n+1))/(1-c)", GEOMETRIC),
    ("Sum(i*c**(i-1),(i,1,n)) = (1-(n+1)*c**n+n*c**(n+1))/(1-c)", GEOMETRIC),
    ("Sum(1/(i*(i+1)),(i,1,n)) = 1/2", ("n <= 1", "n = m")),  # true there, but the hypothesis mentions n twice
    ("Sum(1/(i*(i+1)),(i,1,n)) = 1/2", ()),
    ("Sum(1/(i*(i+1)),(i,1,n)) = n/(n+1) + b", ("b*n = 0",)),  # the hypothesis mentions n
    ("Sum(i/2**i,(i,1,n)) = 2 - (n+2)/2**n + c*(n-1)", ()),
    ("Sum(X[i],(i,1,n)) = n*X[n]", ()),
    ("Sum(X[i],(i,1,n)) = n*X[1]", ()),
    ("Sum(n*X[i],(i,1,n)) = n*Sum(X[i],(i,1,n)) + c", ()),
]


@pytest.mark.parametrize(("goal", "given"), NOT_INDUCTIVE)
def test_induction_refuses(goal: str, given: tuple[str, ...]) -> None:
    assert all(v.status == "open" for v in verdicts(problem(goal, given)))


def test_induction_starts_at_no_bound_about_an_index_without_values() -> None:
    v = Scope()
    v.count("n"), v.index("s", v.integer("m", lo=0))
    (goal,), given = v.relations("Sum(i, (i, 3, n)) = n*(n + 1)/2 - 3"), v.relations("n >= 3 + s - s")
    assert induction.run(prepare(goal, given)).status == "open"


# Signs and linear arithmetic


def test_signs() -> None:
    def known(text: str, given: tuple[str, ...], strict: bool = True) -> bool:
        claim = problem(f"{text} = 0", given)
        return positive(claim.goal.lhs, frame_of(claim, claim.goal.lhs), strict)

    assert known("c", ("c > 0",))
    assert known("c", ("c >= 1",))
    assert known("c", ("c >= b", "b > 0"))
    assert not known("c", ("c >= 0",))
    assert known("c", ("c >= 0",), strict=False)
    assert not known("c", ("c != 0",))
    assert not known("c", ())
    assert known("n", ())
    assert not known("n - 1", ())
    assert known("n - k + 1", ())
    assert known("X[k]", ("X[i] > 0",))
    assert not known("X[n+1]", ("X[i] > 0",))
    assert known("Sum(P[i],(i,1,n))", ())
    assert not known("Sum(P[i],(i,2,n))", ())
    assert known("Sum(P[i],(i,2,n))", (), strict=False)
    assert not known("Sum(X[i],(i,1,n))", (), strict=False)


def test_implied() -> None:
    v = scope()

    def form(text: str) -> object:
        return linear(v.parse(text))

    known = (form("n - k"), form("k - 1"), form("2*m - 3"))
    assert implied(known, form("n - 1"))
    assert implied(known, form("m - 2"))  # 2*m >= 3 over the integers
    assert implied(known, form("3*n - k - 2"))
    assert not implied(known, form("n - 2"))
    assert not implied(known, form("m - 3"))
    assert not implied(known, form("k - n"))
    assert not implied((), form("n"))
    assert str(to_expr(form("2*(n - 1) + n/2"))) == "5/2*n - 2"
