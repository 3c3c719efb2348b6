"""Evaluation by balls and exact rationals, the sampler, and the engines that rest on them."""

import json
import math
from fractions import Fraction as F

import flint
import pytest
from cases import ALL, IDENTITIES, INEQUALITIES, MUTANTS, build
from hypothesis import given as draws
from hypothesis import strategies as st

from dltsym.errors import DomainError, UnknownNode
from dltsym.notation.evaluate import Balls, compile_expr, evaluate, evaluate_exact, holds
from dltsym.notation.scope import Scope
from dltsym.notation.tree import Num, Sum, bound_symbol
from dltsym.prove import sample
from dltsym.prove.engines import constants, finite, sampled
from dltsym.prove.problem import Fact, Problem, prepare
from dltsym.prove.setting import setting

NO_VALUE = {"C01", "C02"}  # infinite range, limit


def names() -> Scope:
    v = Scope()
    n, m = v.count("n"), v.count("m")
    for name in ("x", "y", "z", "s", "A", "B", "C", "D", "N", "R"):
        v.real(name)
    v.integer("k")
    v.integer("t", lo=1, hi=n)
    v.index("i", n), v.index("j", n), v.index("l", m)
    v.array("X", n), v.array("Y", n), v.array("S", (n, n))
    v.array("p", n, lo=0), v.array("q", n, lo=0, lo_open=True), v.array("W", (n, m), lo=0)
    v.array("a", n, lo=0, lo_open=True), v.array("b", m, lo=0, lo_open=True)
    return v


def problem(goal: str, *given: str, facts: tuple[tuple[str, str], ...] = ()) -> Problem:
    v = names()
    known = [Fact(f"fact{k}", r, grade) for k, (f, grade) in enumerate(facts) for r in v.relations(f)]
    return prepare(v.relations(goal)[0], [r for g in given for r in v.relations(g)], known)


def value(text: str, prec: int = 128, **env: object) -> flint.arb:
    return evaluate(names().parse(text), env, prec)


def exact(text: str, **env: object) -> F | None:
    return evaluate_exact(names().parse(text), env)


@pytest.mark.parametrize(
    ("text", "env", "expected"),
    [
        ("kl(x, y)", {"x": 0, "y": F(1, 2)}, math.log(2)),
        ("kl(x, y)", {"x": 1, "y": F(1, 3)}, math.log(3)),
        ("binary_entropy(x)", {"x": F(1, 4)}, -0.25 * math.log(0.25) - 0.75 * math.log(0.75)),
        ("xlogx(x)", {"x": 0}, 0.0),
        ("phi1(x)", {"x": 0}, 1.0),
        ("phi1(x)", {"x": -2}, (1 - math.exp(-2)) / 2),
        ("softplus(x)", {"x": -200}, math.exp(-200)),
        ("sigmoid(x)", {"x": 3}, 1 / (1 + math.exp(-3))),
        ("tanh(x) + sinh(x)/cosh(x)", {"x": 1}, 2 * math.tanh(1)),
        (
            "erf(x) + acos(x) + asin(y) + atan(x) + tan(y)",
            {"x": F(1, 2), "y": F(1, 4)},
            math.erf(0.5) + math.acos(0.5) + math.asin(0.25) + math.atan(0.5) + math.tan(0.25),
        ),
        ("max(x, y) - min(x, y) + abs(x)", {"x": -3, "y": 2}, 8.0),
        ("x**(1/3)", {"x": 8}, 2.0),
        ("x**y", {"x": 2, "y": F(1, 2)}, math.sqrt(2)),
        ("x**k", {"x": -2, "k": -3}, -0.125),
        ("x**k", {"x": 0, "k": 0}, 1.0),
        ("sqrt(x - y)", {"x": F(1, 3), "y": F(1, 3)}, 0.0),
        ("Sum(X[i]*k, (i, 1, n))", {"X": (1, 2, F(1, 2)), "n": 3, "k": 2}, 7.0),
        ("Sum(Sum(X[j], (j, 1, i)), (i, 1, n))", {"X": (1, 2, F(1, 2)), "n": 3}, 7.5),
        ("Sum(i*j, (j, 1, i), (i, 1, n))", {"n": 3}, 25.0),
        ("Sum(X[i], (i, 1, n - 5))", {"X": (1, 2, 3), "n": 3}, 0.0),
        ("Sum(delta(i, k), (i, 1, n))", {"n": 4, "k": 5}, 0.0),
        ("Integral(exp(-x**2/2), (x, 0, y))", {"y": 3}, math.sqrt(math.pi / 2) * math.erf(3 / math.sqrt(2))),
        ("diff(x**3*exp(x), x)", {"x": 1}, 4 * math.e),
        ("pi*x", {"x": 2}, 2 * math.pi),
    ],
)
def test_values(text: str, env: dict, expected: float) -> None:
    got = value(text, **env)
    assert got.is_finite()
    assert abs(float(got.mid()) - expected) <= 1e-13 * max(1, abs(expected))


@pytest.mark.parametrize(
    ("text", "env"),
    [
        ("log(x)", {"x": 0}),
        ("log(x)", {"x": -1}),
        ("1/x", {"x": 0}),
        ("x/x", {"x": 0}),
        ("sqrt(x)", {"x": -1}),
        ("x**y", {"x": 0, "y": 2}),
        ("x**y", {"x": -1, "y": 2}),
        ("x**(1/3)", {"x": -8}),
        ("x**k", {"x": 0, "k": -1}),
        ("acos(x)", {"x": 2}),
        ("xlogx(x)", {"x": -1}),
        ("kl(x, y)", {"x": F(1, 2), "y": 1}),
        ("0*log(x)", {"x": 0}),
        ("kl(x, y)", {"x": 0, "y": 0}),
        ("kl(x, y)", {"x": 2, "y": F(1, 2)}),
        ("delta(x, 1)", {"x": F(1, 2)}),
        ("exp(exp(exp(x)))", {"x": 99}),
        ("Integral(log(x), (x, -1, 2))", {}),
        ("Integral(1/x, (x, -1, 1))", {}),
        ("X[k]", {"X": (1, 2), "k": 0}),
        ("x*log(x)", {"x": 0}),
        ("log(x)**0", {"x": -1}),
    ],
)
def test_undefined_is_not_finite(text: str, env: dict) -> None:
    assert not value(text, **env).is_finite()
    assert exact(text, **env) is None
    v = names()
    for op in ("=", "!=", "<", "<="):
        assert holds(v.relations(f"{text} {op} 7")[0], env) is None


def test_errors_that_are_not_values() -> None:
    with pytest.raises(DomainError, match="not an integer"):
        value("Sum(X[i], (i, 1, x))", x=F(5, 2), X=(1,))
    with pytest.raises(DomainError, match="more than 2000000"):
        value("Sum(Sum(1, (i, 1, 2*k)), (j, 1, 1000))", k=10**6)
    with pytest.raises(DomainError, match="not an exact number"):
        value("x", x=0.5)
    with pytest.raises(DomainError, match="symbol y"):
        value("x + y", x=1)
    with pytest.raises(UnknownNode):
        value("limit(x, x, 0)")
    with pytest.raises(UnknownNode):
        value("Sum(1/i**2, (i, 1, oo))")
    with pytest.raises(UnknownNode):
        value("Integral(exp(-x), (x, 0, oo))")


def test_exact_path() -> None:
    assert exact("x/3 + sqrt(y)", x=1, y=F(4, 9)) == 1
    assert exact("Sum(1/i, (i, 1, n))", n=4) == F(25, 12)
    assert exact("log(x)", x=2) is None
    assert exact("kl(x, x)", x=F(1, 3)) == 0
    assert exact("x**k", x=F(3, 2), k=10**9) is None  # too large to write down
    v = names()
    assert holds(v.relations("1/3 + 1/3 = 2/3")[0], {}) is True
    assert holds(v.relations("log(4) = 2*log(2)")[0], {}) is None  # balls never show equality
    assert holds(v.relations("log(4) != 2*log(2)")[0], {}) is None
    assert holds(v.relations("log(4) <= 2*log(2)")[0], {}) is None
    assert holds(v.relations("log(4) = 2*log(2) + 1/10**60")[0], {}) is False  # decided at 333 bits


def test_same_bound_symbol_nested() -> None:
    i = bound_symbol("i")
    inner = Sum(i, ((i, Num(F(1)), Num(F(2))),))
    outer = Sum(i * inner + i, ((i, Num(F(1)), Num(F(3))),))
    assert evaluate_exact(outer, {}) == 24
    assert evaluate(outer, {}).mid() == 24


def test_precision_is_restored_and_used() -> None:
    before = flint.ctx.prec
    low, high = value("exp(x)", 64, x=1), value("exp(x)", 333, x=1)
    assert flint.ctx.prec == before
    assert high.rad() < low.rad() * flint.arb(2) ** -200
    with pytest.raises(DomainError):
        value("Sum(1, (i, 1, x))", x=F(1, 2))
    assert flint.ctx.prec == before


def test_boxes_are_enclosed() -> None:
    box = flint.arb(0.5, 0.25)
    for text in ("x**2", "kl(x, 1/2)", "phi1(x - 1/2)", "abs(x - 1/2)", "sigmoid(x)", "(x - 1/2)**3"):
        whole = value(text, x=box)
        for k in range(9):
            assert whole.contains(value(text, 256, x=F(1, 4) + F(k, 16)).mid())
    assert value("(x - 1/2)**2", x=box) >= -1e-8  # tight around zero


@draws(st.fractions(F(1, 50), F(49, 50)), st.fractions(F(1, 50), F(49, 50)))
def test_defined_functions_agree_with_their_definitions(x: F, y: F) -> None:
    pairs = {
        "kl(x, y)": "x*log(x/y) + (1-x)*log((1-x)/(1-y))",
        "phi1(x)": "(exp(x) - 1)/x",
        "binary_entropy(x)": "-x*log(x) - (1-x)*log(1-x)",
        "tanh(x)": "2*sigmoid(2*x) - 1",
        "softplus(x) - softplus(-x)": "x",
        "x**y": "exp(y*log(x))",
        "x**(3/2)": "x*sqrt(x)",
    }
    for a, b in pairs.items():
        gap = value(f"{a} - ({b})", 200, x=x, y=y)
        assert gap.contains(0)
        assert gap.rad() < 1e-40


def test_balls_for_fixtures() -> None:
    def softmin(m: Balls, costs: list, eps: str) -> flint.arb:
        e = m.number(eps)
        return -e * m.log(sum((m.exp(-c / e) for c in m.number(costs)), m.number(0)))

    before = flint.ctx.prec
    got = Balls(200).run(softmin, costs=["0.1", 0.5, F(1, 3), 2], eps="1e-1")
    assert flint.ctx.prec == before
    want = -0.1 * math.log(sum(math.exp(-c / 0.1) for c in (0.1, 0.5, 1 / 3, 2)))
    assert abs(float(got.mid()) - want) < 1e-14
    assert got.rad() < 1e-50
    assert Balls().number(0.1) != Balls().number("0.1")  # a float is taken exactly
    assert Balls().maximum(1, 2) == 2
    for bad in ("one", "nan", float("inf"), None):
        with pytest.raises(DomainError):
            Balls().number(bad)
    with pytest.raises(AttributeError):
        _ = Balls().gamma


# The sampler


@pytest.mark.parametrize("case", MUTANTS, ids=lambda c: c.id)
def test_every_mutant_is_refuted(case: object) -> None:
    found = sample.refute(build(case), effort="full")
    assert found is not None
    assert found.status == "refuted"
    json.dumps([dict(found.evidence), dict(found.witness or {})])
    low, high = (F(x) for x in found.evidence["difference"])
    assert low > 0 or high < 0


@pytest.mark.parametrize("case", [c for c in (*IDENTITIES, *INEQUALITIES) if c.id not in NO_VALUE], ids=lambda c: c.id)
def test_true_statements_pass(case: object) -> None:
    goal = build(case)
    assert sample.refute(goal) is None
    found = sample.tested(goal)
    assert (found.status, found.grade) == ("proved", "tested")
    assert found.evidence["points"] == 64
    assert sample.find_point(goal) is not None


@pytest.mark.parametrize("case", INEQUALITIES[::9], ids=lambda c: c.id)
def test_directed_search_keeps_true_statements(case: object) -> None:
    assert sample.refute(build(case), effort="full") is None


@pytest.mark.parametrize("ident", sorted(NO_VALUE))
def test_nodes_without_values_stay_open(ident: str) -> None:
    assert sample.refute(build(ALL[ident])) is None
    assert sample.tested(build(ALL[ident])).status == "open"


SIMPLEX = "Sum(p[i], (i, 1, n)) = 1"
TRUE = [
    ("Sum(p[i]**2, (i, 1, n)) >= 1/n", SIMPLEX),
    ("Sum(p[i]**2, (i, 1, n)) <= s**2", "Sum(p[i], (i, 1, n)) = s"),
    ("Sum(p[i] - q[i], (i, 1, n)) = 0", "Sum(p[i], (i, 1, n)) = Sum(q[i], (i, 1, n))"),
    ("Sum(W[i, l], (l, 1, m), (i, 1, n)) = n", "Sum(W[i, l], (l, 1, m)) = 1"),
    (
        "Sum(W[i, l], (l, 1, m), (i, 1, n)) = 1",
        "Sum(W[i, l], (l, 1, m)) = a[i]",
        "Sum(W[i, l], (i, 1, n)) = b[l]",
        "Sum(a[i], (i, 1, n)) = 1",
    ),
    ("Sum(S[i, j]*X[j], (j, 1, n), (i, 1, n)) = Sum(S[j, i]*X[j], (j, 1, n), (i, 1, n))", "S[i, j] = S[j, i]"),
    ("Sum(X[i]*Y[i], (i, 1, n)) <= 1", "Sum(X[i]**2, (i, 1, n)) = 1", "Sum(Y[i]**2, (i, 1, n)) = 1"),
    ("A*x*y = B*y", "A*x = B", "A != 0"),
    ("N*D = C/6", "6*N*D = C", "N > 0", "D > 0"),
    ("x >= y", "exp(y) = x + 1"),
    ("x*y <= 1/2", "x**2 + y**2 = 1"),
    ("x <= y + sqrt(B/2)", "kl(y, x) <= B", "B >= 0", "0 < x < 1", "0 < y < 1"),
    ("Sum(exp(X[i] - x), (i, 1, n)) <= n", "X[i] <= x"),
    ("Sum(exp(X[j]), (j, 1, n)) <= n*exp(X[t])", "X[i] <= X[t]"),
    ("X[t]**2 <= R**2", "Sum(X[i]**2, (i, 1, n)) <= R**2"),
    ("Sum(a[i], (i, 1, n)) = 1", "a[j] = exp(X[j])/Sum(exp(X[i]), (i, 1, n))"),
    ("y != 0", "x = 1/y"),
    ("y != 0", "x/y = z"),
    ("y >= 0", "sqrt(x) = y"),
    ("X[i] <= 5", "X[j] <= 5"),
    ("y + z >= 0", "x**0.5 = y + z"),
    ("y >= 0", "x**(1/3) = y"),
    ("X[t] != 0", "Y[i] = 1/X[i]"),
    ("X[t] > 0", "Y[i] = log(X[i])"),
    ("z*x = 1 + y*x", "z = 1/x + y"),
]


@pytest.mark.parametrize("texts", TRUE, ids=lambda t: t[0])
def test_hypotheses_are_met(texts: tuple[str, ...]) -> None:
    goal = problem(*texts)
    assert sample.refute(goal) is None
    assert sample.tested(goal).grade == "tested"


FALSE = [
    ("Sum(p[i]**2, (i, 1, n)) >= 101/(100*n)", SIMPLEX),
    ("Sum(X[i]*Y[i], (i, 1, n)) <= 99/100", "Sum(X[i]**2, (i, 1, n)) = 1", "Sum(Y[i]**2, (i, 1, n)) = 1"),
    ("Sum(S[i, j]*X[j], (j, 1, n), (i, 1, n)) = Sum(X[i], (i, 1, n))", "S[i, j] = S[j, i]"),
    ("x <= y + sqrt(B*49/100)", "kl(y, x) <= B", "0 < x < 1", "0 < y < 1"),
    ("x <= y + sqrt(B*49/100)", "kl(y, x) = B", "0 < x < 1", "0 < y < 1"),
    ("kl(x, y) >= 2001/1000*(x - y)**2", "0 < x < 1", "0 < y < 1"),
    ("x + y <= 141/100", "x**2 + y**2 = 1"),
    ("log(x) = y + y**2/1000", "x = exp(y)"),
    ("Sum(exp(X[i] - x), (i, 1, n)) <= n - 1/1000", "X[i] <= x"),
    ("(x - 37/13)**2 + (y - pi)**2*(2 + sin(x*y)) >= 1/10**6", "x >= -50"),
    ("x**4 - 3*x**2*y**2 + 2*y**4 + (x + y)/8 >= -1/1000", "x > 0", "y > 0"),
    ("X[i+1] <= 5", "X[j] <= 5"),
]


@pytest.mark.parametrize("texts", FALSE, ids=lambda t: t[0])
def test_false_statements_are_refuted(texts: tuple[str, ...]) -> None:
    assert sample.refute(problem(*texts), effort="full") is not None


def test_contradictions_have_no_points() -> None:
    goal = problem("x < y", "x < y", "y < x")
    assert sample.find_point(goal, tries=50) is None
    assert sample.refute(goal, effort="full") is None
    assert sample.tested(goal).status == "open"


def test_facts_are_hypotheses_of_a_point() -> None:
    assert sample.refute(problem("x <= y", facts=(("x <= z", "cited"), ("z <= y", "exact"))), effort="full") is None
    found = sample.refute(problem("x <= y", "z >= 0", facts=(("x <= y + z", "cited"),)))
    assert found is not None
    at = {k: F(v) for k, v in (found.witness or {}).items()}
    assert at["x"] > at["y"]
    assert at["x"] <= at["y"] + at["z"]


def test_a_free_index_of_a_goal_stays_in_its_range() -> None:
    assert sample.refute(problem("i <= n"), effort="full") is None
    assert sample.refute(problem("i <= n - 1")) is not None


def test_proposed_values_are_lifted_only_when_certified() -> None:
    goal = problem("x <= y + B", "kl(y, x) <= B", "0 < x < 1", "0 < y < 1")
    assert sample.refute_at(goal, {"x": F(1, 2), "y": F(1, 4), "B": 0}) is None  # kl is 0.14 there
    assert sample.refute_at(goal, {"x": F(1, 2), "y": F(1, 4), "B": F(3, 20)}) is not None


def test_witness_says_what_a_solved_symbol_is() -> None:
    found = sample.refute(problem("x <= 1", "x = exp(y)", "y >= 1"))
    assert found is not None
    assert (found.witness or {})["x"].startswith("exp(y) = ")
    assert setting(problem("x <= 1", "x = exp(y)")).symbols[0].name == "y"


def test_runs_repeat() -> None:
    goal = build(ALL["M21"])
    assert sample.refute(goal, effort="full") == sample.refute(goal, effort="full")
    assert sample.tested(build(ALL["L01"])).evidence == sample.tested(build(ALL["L01"])).evidence


# The engines


def test_constants() -> None:
    got = constants.run(problem("exp(pi) > pi**exp(1)"))
    assert (got.status, got.grade) == ("proved", "exact")
    assert constants.run(problem("1 + 1 = 2")).grade == "exact"
    assert constants.run(problem("log(4) = 2*log(2)")).status == "open"
    assert constants.run(problem("log(4) <= 2*log(2)")).status == "open"
    assert constants.run(problem("exp(1) < 2")).status == "refuted"
    assert constants.run(problem("exp(1) < 2", "x < 0")).status == "open"
    assert constants.run(problem("log(-1) < 2")).status == "open"
    assert constants.run(problem("x < 2")).status == "open"


def test_finite_families() -> None:
    assert finite.run(problem("Sum(i, (i, 1, k)) = k*(k+1)/2", "0 <= k", "k <= 40")).grade == "exact"
    assert finite.run(problem("Sum(1/i, (i, 1, k)) <= 1 + log(k)", "1 <= k", "k <= 40")).grade == "ball"
    bad = finite.run(problem("Sum(1/i, (i, 1, k)) <= log(k) + 3/5", "1 <= k", "k < 40"))
    assert bad.status == "refuted"
    assert bad.witness == {"k": "1"}
    for goal in (
        problem("k >= k", "1 <= k"),
        problem("k*k < 0", "1 <= k", "k <= 9", "k >= 20"),
        problem("x >= 1", "1 <= x", "x <= 2"),
        problem("k < 0", "1 <= k", "k <= 9", "x**2 < 0"),
        problem("k >= 1", "1 <= k", "k <= 10**9"),
    ):
        assert finite.run(goal).status == "open"


def test_sampled_engine() -> None:
    assert sampled.run(build(ALL["R01"])).grade == "tested"
    assert sampled.run(build(ALL["M20"])).status == "refuted"


def test_compiled_trees_are_shared() -> None:
    tree = names().parse("kl(x, y)")
    assert compile_expr(tree) is compile_expr(names().parse("kl(x, y)"))
