"""Direct sign and derivative ladder: tables 6.2 and 6.3 of the dltsym design note, strict claims, and false mutants."""

import re
from fractions import Fraction
from typing import Any

import pytest
from cases import ALL, build
from flint import Ordering, fmpq, fmpq_mpoly_ctx

from dltsym.notation.tree import Num, Rel
from dltsym.notation.walk import children, rebuild, subterms
from dltsym.prove.domains import affine, domain, number
from dltsym.prove.engines import direct, ladder
from dltsym.prove.flatten import flatten
from dltsym.prove.polysign import sign
from dltsym.prove.problem import Problem
from dltsym.prove.region import End, Region
from dltsym.prove.sample import refute
from dltsym.prove.verdict import PROVED, Verdict

TABLE = [k for k in ALL if re.fullmatch(r"L\d\d", k)]
UNIT = ("0<p", "p<1", "0<q", "q<1")


def decide(problem: Problem) -> Verdict:
    """Try the direct engine, then the ladder."""
    out = direct.run(problem)
    return out if out.status == PROVED else ladder.run(problem)


@pytest.mark.parametrize("case", TABLE)
def test_table(case: str) -> None:
    out = decide(build(ALL[case]))
    assert (out.status, out.grade) == ("proved", "exact"), out.evidence
    assert out.evidence["method"] in ("direct", "log rule", "ladder", "concave ends")


@pytest.mark.parametrize("case", [k for k in TABLE if k not in ("L23", "L24", "L25")])
def test_the_ladder_needs_no_hint(case: str) -> None:
    assert ladder.run(build(ALL[case].statement, ALL[case].given)).status == PROVED


@pytest.mark.parametrize("case", ["M15", "M16", "M17", "M18", "M19", "M20"])
def test_false_table_rows_are_not_proved(case: str) -> None:
    assert decide(build(ALL[case])).status == "open"


def test_a_pole_hidden_by_a_hypothesis_is_seen() -> None:
    out = ladder.run(build("1/(1-x)+1-exp(-x) >= 0", ("x>=0", "x!=1"), "x @ 0"))
    assert "defined" in out.evidence["reason"]


def test_without_its_upper_bound_a_claim_has_a_pole() -> None:
    assert decide(build(ALL["L22"].statement, ("x>=0",), "x @ 0")).status == "open"


def test_contradictory_bounds_prove_nothing() -> None:
    assert ladder.run(build(ALL["L01"].statement, (*ALL["L01"].given, "q>1"), "p @ q")).status == "open"


STRICT = [
    ("log(1+x) < x", ("x>0",)),
    ("log(x) < x-1", ("x>0", "x!=1")),
    ("exp(x) > 1+x", ("x!=0",)),
    ("exp(x) > 1+x", ("x>0",)),
    ("kl(p,q) > 0", (*UNIT, "p!=q")),
    ("log(1-x) < -x", ("0<x", "x<1")),
    ("kl(q,p) > 2*(p-q)**2", ("0<q", "q<p", "p<1")),
    ("tanh(x) < x", ("x>0",)),
    ("tanh(x) < 1", ()),
]


@pytest.mark.parametrize(("claim", "given"), STRICT)
def test_strict(claim: str, given: tuple[str, ...]) -> None:
    assert decide(build(claim, given)).grade == "exact"


NOT_STRICT = [
    ("log(1+x) < x", ("x>=0",)),
    ("log(x) < x-1", ("x>0",)),
    ("exp(x) > 1+x", ()),
    ("kl(p,q) > 0", UNIT),
    ("kl(q,p) > 2*(p-q)**2", ("0<q", "q<=p", "p<1")),
    ("x**2 > 0", ()),
    ("x*(1-x) > 0", ("0<=x", "x<=1")),
    ("x+y > 0", ("x>=0", "y>=0")),
    ("exp(x) > 1", ("x>=0",)),
    ("sg(x)*(1-sg(x)) < Rational(1,4)", ()),
    ("x*exp(y) > 0", ("x>=0",)),
    ("(x-y)**2 > 0", ("x>0", "y>0")),
]


@pytest.mark.parametrize(("claim", "given"), NOT_STRICT)
def test_equality_somewhere_is_not_strict(claim: str, given: tuple[str, ...]) -> None:
    assert decide(build(claim, given)).status == "open"


MORE = [
    ("kl(q,p) <= (p-q)**2/(p*(1-p))", UNIT),
    ("x*log(x) >= -exp(-1)", ("x>0",)),
    ("x**2*exp(-x) <= 4*exp(-2)", ("x>=0",)),
    ("binary_entropy(p) <= log(2)-2*(p-1/2)**2", ("0<p", "p<1")),
    ("erf(x) <= 2*x/sqrt(pi)", ("x>=0",)),
    ("1-p+p*exp(s) <= exp(p*s+s**2/8)", ("0<p", "p<1")),
    ("x-log(1+x) <= x**2/(2*(1+x))", ("x>-1", "x<0")),
    ("sqrt(x*y) <= (x+y)/2", ("x>0", "y>0")),
    ("log(1+x)/x >= 1/(1+x)", ("x>0",)),
    ("n*log(1+x/n) <= x", ("x>=0", "n>0")),
    ("p*log(p/q)-p+q >= 0", ("p>0", "q>0")),
    ("cos(x) >= 1-x**2/2", ()),
    ("exp(x) <= 1/(1-x)", ("x<1",)),
    ("L*P-P*X+P*log(P/Q)-P+Q*exp(X-L) >= 0", ("P>0", "Q>0")),
    ("p+q <= 1+p*q", ("0<=p", "p<=1", "0<=q", "q<=1")),
]


@pytest.mark.parametrize(("claim", "given"), MORE)
def test_more_true_claims(claim: str, given: tuple[str, ...]) -> None:
    assert decide(build(claim, given)).grade == "exact"


FALSE = [
    ("kl(p,q) <= 3*(p-q)**2", UNIT),
    ("log(x) <= x-2", ("x>0",)),
    ("exp(x) <= 1+x+x**2", ("x>=0", "x<=2")),
    ("sqrt(x) <= x", ("x>=0",)),
    ("1/x >= 0", ("x!=0",)),
    ("log(x**2) <= 2*x-2", ("x!=0",)),
    ("exp(x) >= 1+x+x**2/2", ()),
    ("x <= y", ("x>=0", "y>=0")),
    ("sin(x) <= x", ()),
    ("tanh(x) <= x", ()),
    ("log(1+x) >= x/(1+x)-1/100", ("x>=-1",)),
    ("kl(q,p) >= (p-q)**2/(2*p)", UNIT),
    ("1/(x-2) <= 1/(x-1)", ("x>0", "x!=1", "x!=2")),
    ("abs(x) <= x", ("x>=-1",)),
    ("sqrt((x-1)**2) <= x-1", ("x>=0",)),
    ("max(x,0) <= x", ("x>=-1",)),
    ("x**3 >= x", ("x>=0",)),
    ("x*y <= 1", ("x<=1", "y<=1")),
]


@pytest.mark.parametrize(("claim", "given"), FALSE)
@pytest.mark.parametrize("hint", ["", "x @ 1"])
def test_false_claims_are_not_proved(claim: str, given: tuple[str, ...], hint: str) -> None:
    assert decide(build(claim, given, hint)).status == "open"


def mutants(goal: Rel) -> list[Rel]:
    """Return the relation turned round, and every number times 1.01 and 0.99, the first one with the other sign."""
    out = [Rel(goal.rhs, goal.op, goal.lhs), Rel(goal.lhs, "<", goal.rhs)]
    numbers = [t for t in subterms(goal) if isinstance(t, Num) and t.value != 0]
    for k, chosen in enumerate(numbers):
        for factor in (Fraction(101, 100), Fraction(99, 100), Fraction(-1))[: 2 if k else 3]:
            out.append(_swapped(goal, chosen, Num(chosen.value * factor)))
    return out


def _swapped(node: Any, chosen: Num, new: Num) -> Any:
    if node is chosen:
        return new
    return rebuild(node, tuple(_swapped(c, chosen, new) for c in children(node)))


@pytest.mark.parametrize("case", TABLE)
def test_mutants(case: str) -> None:
    problem = build(ALL[case])
    for goal in mutants(problem.goal):
        mutant = Problem(goal, problem.given, hint=problem.hint)
        if refute(mutant, points=24) is not None:
            assert direct.run(mutant).status == "open", goal
            assert ladder.run(mutant, 0.1).status == "open", goal


def test_the_domain_keeps_bounds_only() -> None:
    flat = flatten(build("x+y >= 0", ("x>=0", "x!=1", "2*x+y<=3", "x**2<=4", "y>0")))
    x = next(s for s in flat.symbols if s.name == "x")
    dom = domain(flat, x)
    assert [str(r) for r in dom.relations()] == ["0 <= x", "x <= -1/2*(-(2*0 + y) + 3)"] or len(dom.upper) == 1
    assert {str(r) for r in dom.dropped} == {"x != 1", "x**2 <= 4"}
    assert any("y" in str(r) for r in dom.rest)
    assert affine(flat.goal.rhs, x) is not None
    assert number(Num(Fraction(1, 2))) == Fraction(1, 2)


def test_entries_become_scalars_with_their_bounds() -> None:
    flat = flatten(build("P[k]*X[k] <= X[k]**2+P[k]**2+c", ("1<=k", "k<=n", "X[k]<=c")))
    assert {str(r) for r in flat.given} >= {"0 < P_0", "X_1 <= c"}


# ---- signs of polynomials ----


def unit_box() -> tuple[Region, list[Any]]:
    """Return 0 < x <= y < 1 with its generators; the third variable is free."""
    ctx = fmpq_mpoly_ctx.get(("x", "y", "z"), Ordering.lex)
    x, y, _ = ctx.gens()
    one, zero = ctx.constant(1), ctx.constant(0)
    lower = {0: [End(zero, one, True)], 1: [End(x, one, False), End(zero, one, True)]}
    upper = {0: [End(y, one, False), End(one, one, True)], 1: [End(one, one, True)]}
    return Region(ctx, lower, upper), list(ctx.gens())


def test_polynomial_signs() -> None:
    region, (x, y, z) = unit_box()
    for p, strict in (
        (y - x**2, True),
        (y - x, False),
        (x * y + z**2, True),
        ((2 * x - 1) ** 2, False),
        (z**2 - 2 * z * y + y, True),
        (x**2 - 2 * x * z + z**2 + 1, True),
        (1 - x * y, True),
    ):
        got = sign(p, region)
        assert got is not None
        assert got.positive
        assert (sign(p, region, strict=True) is not None) == strict
    for p in (1 - x - y, z, z**3 + x, x - y**2, z**2 - x):
        assert sign(p, region) is None


def test_closed_ends_are_not_strict() -> None:
    ctx = fmpq_mpoly_ctx.get(("x",), Ordering.lex)
    (x,) = ctx.gens()
    one, zero = ctx.constant(1), ctx.constant(0)
    closed = Region(ctx, {0: [End(zero, one, False)]}, {0: [End(one, one, False)]})
    assert sign(x, closed, strict=True) is None
    assert sign(1 - x, closed, strict=True) is None
    assert sign(x * (1 - x), closed, strict=True) is None
    assert sign(x + fmpq(1, 9), closed, strict=True) is not None


def test_ends_that_mention_each_other_in_a_circle_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    from dltsym.prove import polysign

    many, asked, options = 12, [], polysign._options
    ctx = fmpq_mpoly_ctx.get(("x", many), Ordering.degrevlex)
    xs, one = list(ctx.gens()), ctx.constant(1)
    lower = {k: [End(xs[k - 1] - 1, one, False)] for k in range(many)}
    upper = {k: [End(xs[k - 1] + 1, one, False)] for k in range(many)}
    monkeypatch.setattr(polysign, "_options", lambda v, region: asked.append(v) or options(v, region))
    assert sign(sum((-1) ** k * x**2 for k, x in enumerate(xs)) + xs[0], Region(ctx, lower, upper)) is None
    assert len(asked) < 3 * polysign.MAX_CHOICES < 3**many
