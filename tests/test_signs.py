"""Signs and side conditions: what follows, and above all what must not; source: dltsym design note, parts 1, 3, 6."""

from __future__ import annotations

import random

import cases
import pytest

from dltsym.notation.scope import Scope
from dltsym.notation.tree import Rel
from dltsym.prove.definedness import conditions, discharge
from dltsym.prove.problem import Fact, Problem, prepare
from dltsym.prove.sample import refute
from dltsym.prove.signs import entails


def scope() -> Scope:
    v = Scope()
    for name in ("x", "y", "z", "p", "q", "B", "k", "r", "u", "ab", "ap", "lam"):
        v.real(name)
    n, m = v.count("n"), v.count("m", lo=0)
    v.index("i", n)
    v.index("j", n)
    v.array("X", n)
    v.array("P", n, lo=0, lo_open=True)
    v.array("Z", m, lo=0, lo_open=True)
    v.array("M", (n, n))
    return v


def problem(*given: str, goal: str = "x = x") -> tuple[Scope, Problem]:
    v = scope()
    return v, prepare(v.relations(goal)[0], [r for text in given for r in v.relations(text)])


def grade(goal: str, *given: str, deep: bool = True) -> str | None:
    v, p = problem(*given)
    row = entails(v.relations(goal)[0], p, deep=deep)
    return row.grade if row else None


TRUE = [
    ("q < 1", "0 < q < p < 1"), ("q/p < 1", "0 < q < p < 1"), ("log(q/p) < 0", "0 < q < p < 1"),
    ("log(q) < log(p)", "0 < q < p < 1"), ("exp(x) > 0",), ("x**2 >= 0",), ("x**2 > 0", "x != 0"),
    ("1 + exp(x) != 0",), ("Sum(exp(X[i]), (i, 1, n)) > 0",), ("Sum(exp(X[i]), (i, 1, m)) >= 0",),
    ("Sum(Z[i], (i, 1, m)) >= 0",), ("P[1] > 0",), ("X[j] > 0", "X[i] > 0"), ("Sum(X[i], (i, 1, n)) > 0", "X[i] > 0"),
    ("P[i]/Sum(P[j], (j, 1, n)) <= 1",), ("P[i]/Sum(P[j], (j, 1, n)) > 0",), ("n >= 1",), ("n >= 2", "n > 1"),
    ("sqrt(B) >= 0", "B >= 0"), ("1/x > 0", "x > 0"), ("1/(1 - x)**2 > 0", "x != 1"), ("1 - x/3 > 0", "0 <= x < 3"),
    ("exp(-x) <= 1", "x >= 0"), ("1 - p*(1 - exp(-lam)) > 0", "0 < p < 1", "lam >= 0"),
    ("(1 - ap)/(1 - ab) <= 1", "0 < ab < ap < 1"), ("Sum(P[i]*X[i]**2, (i, 1, n)) >= 0",),
    ("Sum(P[i], (i, 1, n)) <= Sum(2*P[i], (i, 1, n))",), ("log(2*sqrt(n)/p) >= 0", "0 < p < 1"),
    ("kl(q, p) >= 0", "0 <= q <= 1", "0 < p < 1"), ("2**n >= 1",), ("x**y > 0", "x > 0"), ("p**n <= 1", "0 < p < 1"),
    ("(p - q)*(1 - p)/p >= 0", "0 < q < p < 1"), ("abs(x) >= 0",), ("1 - tanh(x)**2 > 0",), ("1/x < 1/y", "0 < y < x"),
    ("pi > 3",), ("log(1 + x) >= 0", "x >= 0"), ("i >= 1",), ("i <= n",),
]  # fmt: skip


@pytest.mark.parametrize("row", TRUE, ids=lambda row: row[0])
def test_structural_rules_prove(row: tuple[str, ...]) -> None:
    assert grade(*row, deep=False) == "exact"


def test_glue_takes_over() -> None:
    assert grade("max(x, y) <= z", "x <= z", "y <= z") == "exact"
    assert grade("B/2 >= 0", "k <= B", "k >= 2*(p - q)**2") == "exact"
    assert grade("max(x, y) <= z", "x <= z") is None


TRAPS = [
    ("x > 0", "x != 0"), ("x**2 > 0",), ("x >= 0", "x**2 >= 0"),
    ("n >= 2", "n != 1"), ("x >= 1", "x > 0"), ("m > 0",),  # != is no bound, reals are not integers, m may be 0
    ("Sum(exp(X[i]), (i, 1, m)) > 0",), ("Sum(Z[i], (i, 1, m)) > 0",),  # an empty range
    ("P[0] > 0",), ("X[0] > 0", "X[i] > 0"), ("Z[1] > 0",),  # outside the declared shape
    ("P[i]/Sum(P[j], (j, 1, n)) < 1",),  # n may be 1
    ("Sum(P[i]*X[i]**2, (i, 1, n)) > 0",),
    ("Sum(P[i], (i, 1, n)) <= Sum(P[i]*P[i], (i, 1, n))",),
    ("B >= 0", "p >= sqrt(B)"), ("x > 0", "log(x) >= 5"), ("x > 0", "sqrt(x) >= 1"),  # X2: own axioms
    ("x >= 0", "x >= sqrt(y)", "y >= sqrt(x)"), ("y >= 0", "x = sqrt(y)", "y = sqrt(x)"),  # two that rest on each other
    ("x != 0", "x*(1/x) = 1"), ("x > 0", "1/x > 0"), ("x > 0", "1/x > 1/y", "y > 1/x"),
    ("1/(1 - x) > 0", "x != 1"), ("1/(1 - x) + 1 - exp(-x) >= 0", "x >= 0", "x != 1"),  # a pole inside the domain
    ("1 - x/3 > 0", "x >= 0"), ("kl(q, p) >= 0",), ("x**y > 0",), ("x/y <= 1", "x <= y", "y < 0"),
    ("x*y >= 0", "x >= 0", "y < 1"), ("log(x) >= 0", "x > 0"), ("exp(x) > 1", "x >= 0"),
]  # fmt: skip


@pytest.mark.parametrize("row", TRAPS, ids=lambda row: f"{row[0]} from {row[1:]}")
def test_traps_are_not_proved(row: tuple[str, ...]) -> None:
    assert grade(*row) is None


def test_quantified_hypothesis_over_an_empty_range_says_nothing() -> None:
    v = Scope()
    m = v.count("m", lo=0)
    v.real("B")
    v.index("i", m)
    v.array("A", m)
    p = prepare(v.relations("B = B")[0], [*v.relations("i + B >= 1 + i"), *v.relations("A[i] <= B")])
    assert entails(v.relations("m >= 1")[0], p) is None
    assert entails(v.relations("B >= 1")[0], p) is None
    inside = v.relations("m >= 1")
    assert entails(v.relations("B >= 1")[0], p, inside) is not None


def test_index_arithmetic_is_transitive() -> None:
    v, p = problem("1 <= i", goal="x = x")
    local = v.relations("1 <= x <= y <= n")
    assert entails(v.relations("x <= n")[0], p, local) is not None
    assert entails(v.relations("n - x + 1 >= 1")[0], p, local) is not None


def test_two_domains_with_one_name_are_told_apart() -> None:
    for declare, expected in (("pos", True), ("real", False)):
        v = Scope()
        getattr(v, declare)("x")
        p = prepare(v.relations("x = x")[0])
        assert (entails(v.relations("x > 0")[0], p) is not None) is expected


def test_facts_count() -> None:
    v, p = problem()
    rel = v.relations("x >= 2")[0]
    p = prepare(p.goal, (), [Fact("lemma", rel, "exact")])
    assert entails(v.relations("x > 1")[0], p) is not None


WHAT = {
    "log(x)/x": ["x > 0", "x != 0"], "u/u": ["u != 0"], "sqrt(B/2)": ["B/2 >= 0"], "x**2": [], "x**(-1)": ["x != 0"],
    "x**(1/2)": ["x >= 0"], "x**(-1/2)": ["x > 0"], "x**y": ["x > 0"], "x**n": ["x != 0"],
    "X[i]": ["1 <= i", "i <= n"], "kl(q, p)": ["q >= 0", "q <= 1", "p > 0", "p < 1"],
    "Sum(1/X[i], (i, 1, n))": ["1 <= i", "i <= n", "X[i] != 0"], "diff(log(x), x)": ["x > 0"],
    "Integral(1/u, (u, x, y))": ["x <= y", "u != 0"], "limit(1/u, u, x)": ["u != 0"],
}  # fmt: skip


@pytest.mark.parametrize("text", WHAT)
def test_conditions(text: str) -> None:
    assert [str(c.rel) for c in conditions(scope().parse(text))] == WHAT[text]


def missing(goal: str, *given: str) -> tuple[str, ...]:
    return discharge(problem(*given, goal=goal)[1])[1]


def test_discharge() -> None:
    assert missing("sqrt(B/2) >= 0", "k <= B", "k >= 2*(p - q)**2") == ()
    assert missing("B >= 0", "p >= sqrt(B)") == ("sqrt(B) needs B >= 0",)  # X2
    assert missing("B >= 0", "p >= sqrt(B)", "B >= 1") == ()
    assert missing("x**n >= 0") == ()  # 0**0 = 1, as in a polynomial
    assert missing("x**(n - 2) >= 0") == ("x**(n - 2) needs x != 0",)
    assert missing("u/u = 1") == ("u/u needs u != 0",)
    assert missing("exp(x) <= 1/(1 - x/3)", "x >= 0") == ("1/(1 - x/3) needs 1 - x/3 != 0",)  # X9
    assert missing("diff(sqrt(x), x) >= 0", "x >= 0") == ("1/(2*sqrt(x)) needs 2*sqrt(x) != 0",)
    assert missing("log(Sum(exp(X[i]), (i, 1, n))) <= x") == ()
    assert missing("log(Sum(exp(X[1]), (i, 1, m))) <= x") != ()
    assert missing("Sum(X[i + 1], (i, 0, n - 1)) <= x") == ()
    assert missing("Sum(X[i], (i, 0, n)) <= x") == ("X[i] needs 1 <= i",)
    assert missing("Integral(1/u, (u, x, y)) >= 0", "0 < x < y") == ()
    assert missing("Integral(1/u, (u, x, y)) >= 0", "x > 0") == ("Integral(1/u, (u, x, y)) needs x <= y",)
    assert missing("Sum(1/n, (i, 1, oo)) <= x") == ("Sum(1/n, (i, 1, oo)) (absolute convergence) needs oo < oo",)


NEED_MORE = {"M08": "X[0] needs 1 <= 0", "M14": "M[i, j] needs i <= n"}


@pytest.mark.parametrize("name", cases.ALL)
def test_all_cases_are_defined(name: str) -> None:
    rows, lacking = discharge(cases.build(cases.ALL[name]))
    assert lacking[:1] == ((NEED_MORE[name],) if name in NEED_MORE else ())
    assert all(row.grade in ("exact", "smt") for row in rows)


LEAVES = ("x", "y", "p", "n", "1", "2", "X[i]", "P[i]", "Z[1]", "Sum(P[k], (k, 1, n))", "Sum(k*x, (k, 1, m))")
SHAPES = (
    "({0})+({1})",
    "({0})-({1})",
    "({0})*({1})",
    "({0})/({1})",
    "exp({0})",
    "log({0})",
    "sqrt({0})",
    "abs({0})",
    "({0})**2",
    "({0})**n",
    "max({0}, {1})",
    "softplus({0})",
    "sinh({0})",
    "kl({0}, {1})",
)


def drawn(rng: random.Random, depth: int) -> str:
    if depth == 0 or rng.random() < 0.2:
        return rng.choice(LEAVES)
    return rng.choice(SHAPES).format(drawn(rng, depth - 1), drawn(rng, depth - 1))


GIVEN = ("x > 0", "y >= x", "x != 1", "X[i] <= 2", "p <= y", "n <= 3", "x*y >= 1", "exp(x) <= y", "X[i] >= x", "y < -1",
         "Sum(P[k], (k, 1, n)) = 1", "abs(y) <= p", "m >= 1", "x**2 < y")  # fmt: skip


def test_random_statements_that_are_proved_have_no_counterexample() -> None:
    rng, held = random.Random(5), 0
    for turn in range(120):
        v = scope()
        op = rng.choice(("<", "<=", "!="))
        goal: Rel = v.relations(f"{rng.choice(('0', '0', '1', drawn(rng, 1)))} {op} {drawn(rng, 2)}")[0]
        given = [r for text in rng.sample(GIVEN, 2) for r in v.relations(text)]
        p = prepare(goal, [*given, *v.relations("0 < p < 1")])
        if entails(goal, p, deep=turn % 4 == 0) is not None and not discharge(p)[1]:
            held += 1
            assert refute(p, points=12) is None, f"{goal} from {given}"
    assert held > 20
