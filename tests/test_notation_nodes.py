"""Folds, cases, recurrences, orders, iterations: text, keys, substitution, values, derivatives, no false proof."""

from __future__ import annotations

from fractions import Fraction

import pytest
import sympy as sp
from flint import arb, ctx

from dltsym.errors import DomainError, NotationError, UnknownNode
from dltsym.notation.calculus import derivative
from dltsym.notation.calls import diff, exp, log, sqrt  # pyright: ignore[reportAttributeAccessIssue]
from dltsym.notation.evaluate import evaluate, evaluate_exact, holds
from dltsym.notation.folds import Cases, Fold, Order
from dltsym.notation.folds_api import (
    argmax_over,
    argmin_over,
    cases,
    iterate,
    lse_over,
    max_over,
    min_over,
    prod_over,
    rank_over,
    scan_over,
    sum_over,
    topk_over,
)
from dltsym.notation.latex import to_latex
from dltsym.notation.scope import Scope
from dltsym.notation.sympy_bridge import from_sympy, to_sympy
from dltsym.notation.tree import Eq, Expr, Rel
from dltsym.notation.walk import children, free_symbols, key, rebuild, substitute
from dltsym.prove.decide import Effort, decide
from dltsym.prove.problem import prepare

v = Scope()
n, m, h, p = v.count("n"), v.count("m"), v.real("h"), v.pos("p")
x, A, t = v.array("x", n), v.array("A", (n, m)), v.index("t", n)
ids = v.array("ids", n, entries="integer", lo=1, hi=n)
mask = v.array("mask", n, entries="bool")
POINT = {
    "n": 3, "m": 2, "t": 2, "h": Fraction(1, 3), "p": Fraction(1, 2), "x": [Fraction(1, 2), 2, Fraction(5, 3)],
    "A": [[1, 2], [3, 4], [5, 6]], "ids": [3, 1, 1], "mask": [1, 0, 1],
}  # fmt: skip
TWO = {"u": ([n], 1, lambda u, w, i: u[i] / (w + 1 + h)), "w": ([], h, lambda u, w: sum_over(n, lambda i: u[i]) + w)}
NODES: dict[str, Expr] = {
    "prod": prod_over(n, lambda j: 1 - x[j] * h),
    "prod of two": prod_over(n, m, lambda i, j: A[i, j] + h),
    "triangular": prod_over((t, n), (1, t), lambda j, i: x[i] + x[j] * h),
    "max": max_over(n, m, lambda i, j: A[i, j] * h),
    "min": min_over(n, lambda j: (x[j] - h) ** 2),
    "lse": lse_over((1, t), lambda j: x[j] * h),
    "argmax": argmax_over(n, lambda j: x[j] * h),
    "argmin": x[argmin_over(n, lambda j: x[j])] * h,
    "affine": scan_over(t, lambda s, g: x[s] * g + h, init=h),
    "scan": scan_over(n, lambda s, g: exp(-g * h) + x[s], init=1),
    "topk": topk_over(n, lambda j: x[j] * h, at=t, k=2),
    "rank": rank_over(n, lambda j: x[j], at=t) + h,
    "cases": cases((t <= n, x[t] * h), ((h > 0, h < 1), h**2), 0),
    "masked": sum_over(n, lambda j: cases((mask[j], x[j] * h), 0)),
    "gather": sum_over(n, lambda j: x[ids[j]] * h),
    "iterate": iterate(3, TWO, lambda u, w: u[t] + w * h),
    "together": iterate(3, TWO, lambda u, w: u[t] + w * h, simultaneous=True),
    "until": iterate(30, {"w": ([], 1, lambda w: w / 2 + 1 / w)}, lambda w: w + h, tol=v.parse("0.000001")),
}


@pytest.mark.parametrize("node", NODES.values(), ids=NODES)
def test_text_parses_back(node: Expr) -> None:
    again = v.parse(str(node))
    assert key(again) == key(node)
    assert str(again) == str(node)
    assert key(rebuild(node, children(node))) == key(node)
    assert "Traceback" not in to_latex(node)


@pytest.mark.parametrize("node", NODES.values(), ids=NODES)
def test_sizes_are_replaced_everywhere(node: Expr) -> None:
    done = substitute(node, {n: v.parse("2*m"), h: h * p})
    assert n not in free_symbols(done)
    assert key(v.parse(str(done))) == key(done)


def test_names_of_bound_variables_do_not_matter() -> None:
    a = scan_over(t, lambda s, g: x[s] * g, init=h)
    b = scan_over(t, lambda r, y: x[r] * y, init=h)
    assert key(a) == key(b)
    assert key(a) != key(scan_over(t, lambda s, g: x[s] * g, init=p))
    assert key(NODES["iterate"]) != key(NODES["together"])
    assert key(cases((h < 0, 1), 0)) != key(cases((h <= 0, 1), 0))
    assert key(topk_over(n, lambda j: x[j], at=t, k=1)) != key(rank_over(n, lambda j: x[j], at=t))


def test_a_state_is_seen_in_its_step_only() -> None:
    node = scan_over(t, lambda s, h: x[s] * h, init=h)  # the state has the name of a symbol outside
    assert h in free_symbols(node)
    moved = substitute(node, {h: p})
    assert str(moved) == "scan_over(x[s]*h, (h, p), (s, 1, t))"
    captured = substitute(scan_over(t, lambda s, g: g + p, init=0), {p: v.parse("h + 1")})
    assert evaluate_exact(captured, POINT) == 2 * (POINT["h"] + 1)


def test_printing_keeps_equal_names_apart() -> None:
    node = derivative(NODES["prod"], x[2])
    text = str(node)
    assert "j_1 = j" in text
    assert evaluate_exact(v.parse(text), POINT) == evaluate_exact(node, POINT) is not None


VALUES = {
    "prod": Fraction(5, 6) * Fraction(1, 3) * Fraction(4, 9),
    "max": 2,
    "argmax": 2,
    "topk": 1,
    "rank": Fraction(1, 3),
    "cases": Fraction(2, 3),
    "masked": Fraction(13, 18),
    "gather": Fraction(8, 9),
    "affine": Fraction(4, 3),
}


@pytest.mark.parametrize("name", VALUES)
def test_exact_values(name: str) -> None:
    assert evaluate_exact(NODES[name], POINT) == VALUES[name]
    assert evaluate(NODES[name] - VALUES[name], POINT).contains(0)


@pytest.mark.parametrize("name", [k for k in NODES if k != "until"])
@pytest.mark.parametrize("by", ["h", "entry"])
def test_derivatives_are_slopes(name: str, by: str) -> None:
    node, eps = NODES[name], Fraction(1, 10**20)
    slope = derivative(node, h if by == "h" else x[2], kinks=True)

    def at(shift: Fraction) -> arb:
        moved = dict(POINT)
        if by == "h":
            moved["h"] += shift
        else:
            moved["x"] = [moved["x"][0], moved["x"][1] + shift, moved["x"][2]]
        return evaluate(node, moved, 300)

    old, ctx.prec = ctx.prec, 300
    try:
        found = (at(eps) - at(-eps)) * 10**20 / 2
        assert abs(found - evaluate(slope, POINT, 300)) < arb("1e-15")
    finally:
        ctx.prec = old


def test_what_changes_with_a_choice_has_no_derivative_everywhere() -> None:
    for name in ("max", "min", "argmax", "topk", "cases"):
        with pytest.raises(UnknownNode):
            evaluate(diff(NODES[name], h), POINT)
    for name in ("lse", "masked", "gather", "prod", "iterate"):  # masks by a mask array do not change with h
        assert evaluate(diff(NODES[name], h), POINT).is_finite()
    for text in ("abs(h)", "max(h, p)", "min(p, h)", "relu(h)", "x[argmax_over(x[j]*h, (j, 1, n))]", "sign(h)"):
        node = v.parse(text)
        with pytest.raises(UnknownNode):
            derivative(node, h)
        assert evaluate(derivative(node, h, kinks=True), POINT).is_finite()
    with pytest.raises(UnknownNode, match="when it stops"):
        derivative(iterate(3, {"w": ([], h, lambda w: w / 2)}, lambda w: w, tol=1), h, kinks=True)
    with pytest.raises(UnknownNode, match="depends on"):
        derivative(prod_over((1, h), lambda j: x[j]), h)


EMPTY = {
    "max": (max_over((2, 1), lambda j: x[j]), None),
    "argmin": (argmin_over((2, 1), lambda j: x[j]), None),
    "lse": (lse_over((2, 1), lambda j: x[j]), None),
    "prod": (prod_over((2, 1), lambda j: x[j]), 1),
    "sum": (sum_over((2, 1), lambda j: x[j]), 0),
    "scan": (scan_over((2, 1), lambda s, g: s * g, init=h), Fraction(1, 3)),
    "topk": (topk_over((2, 1), lambda j: x[j], at=2, k=1), None),
    "rounds": (iterate(0, TWO, lambda u, w: w), Fraction(1, 3)),
}


@pytest.mark.parametrize("name", EMPTY)
def test_empty_ranges(name: str) -> None:
    node, want = EMPTY[name]
    assert evaluate_exact(node, POINT) == want
    assert evaluate(node, POINT).is_finite() == (want is not None)


def test_an_open_choice_is_unknown() -> None:
    near = sqrt(h) * sqrt(h)  # equal to h, which balls cannot know
    for node in (
        cases((near <= h, 1), 0),
        cases((Eq(near, h), 1), 0),
        argmax_over(2, lambda j: cases((Eq(j, 1), near), h)),
        topk_over(2, lambda j: cases((Eq(j, 1), near), h), at=1, k=1),
        rank_over(2, lambda j: cases((Eq(j, 1), near), h), at=2),
        iterate(3, {"w": ([], near, lambda w: h)}, lambda w: w, tol=0),
        cases((1 / (h - h) > 0, 1), 1),
        max_over(2, lambda j: 1 / (j - 1)),
    ):
        assert not evaluate(node, POINT).is_finite()
        assert holds(Rel(node, "=", node), POINT) is None
    assert evaluate(cases((near <= h + 1, 1), 1 / (h - h)), POINT) == 1  # the other branch needs no value
    assert evaluate(x[argmax_over(n, lambda j: exp(x[j]))], POINT) == 2


def test_ties_go_to_the_smallest_index() -> None:
    flat = [2, 2, 2, 1]
    point = {"n": 4, "x": flat}
    assert evaluate_exact(argmax_over(n, lambda j: x[j]), point) == 1
    top = [evaluate_exact(topk_over(n, lambda j: x[j], at=k, k=2), point) for k in (1, 2, 3, 4)]
    assert top == [1, 1, 0, 0]
    ranks = [evaluate_exact(rank_over(n, lambda j: x[j], at=k), point) for k in (1, 2, 3, 4)]
    assert ranks == [0, 1, 2, 3]


def test_counting_from_zero() -> None:
    w = Scope(base=0)
    k = w.count("k")
    y, i = w.array("y", k), w.index("i", k)
    at = {"k": 3, "y": [5, 7, 6], "i": 0}
    assert str(y.decl.shape) == "((0, k - 1),)"
    assert evaluate_exact(y[i] + 10 * y[2], at) == 65
    assert evaluate_exact(w.sum(lambda j: y[j] * (j + 1), k), at) == 5 + 14 + 18
    assert evaluate_exact(argmax_over(k, lambda j: y[j], base=0), at) == 1
    assert not evaluate(y[3], at).is_finite()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("max_over(x[j])", "write max_over"),
        ("argmax_over(A[i, j], (i, 1, n), (j, 1, m))", "more than one index"),
        ("scan_over(h, (h, 0))", "write scan_over"),
        ("topk_over(x[j], (j, 1, n), t)", "write topk_over"),
        ("cases((h, 1), 0)", "expected a relation"),
        ("cases(0)", "write cases"),
        ("iterate(u, 3, (u[i], 0, 1))", "same names"),
        ("iterate(u[1], 3, (u[1], 0, 1, (i, 1, n)))", "names"),
        ("h < 0", "not part of the grammar"),
        ("rank_over(x[j], (j, 1, n), q)", "q is not declared"),
        ("scan_over(s*h, (h, s), (s, 1, 3))", "s is not declared"),
    ],
)
def test_bad_text_is_refused(text: str, message: str) -> None:
    with pytest.raises(NotationError, match=message):
        v.parse(text)


def test_bad_nodes_are_refused() -> None:
    with pytest.raises(NotationError, match="unknown reduction"):
        Fold("median", x[1], NODES["max"].limits)  # type: ignore[attr-defined]
    with pytest.raises(NotationError, match="at least one branch"):
        Cases((), h)
    with pytest.raises(NotationError, match="unknown order"):
        Order("third", x[1], t, h, h, h)
    with pytest.raises(NotationError, match="real, integer or bool"):
        v.array("bad", n, entries="complex")
    with pytest.raises(NotationError, match="takes 1 indices"):
        max_over(n, m, lambda j: x[j])
    with pytest.raises(DomainError, match="too many terms"):
        evaluate(prod_over((1, 10**8), lambda j: 1 + h * j), POINT)


def test_sympy_both_ways() -> None:
    for name in ("prod", "triangular", "cases"):
        back = from_sympy(to_sympy(NODES[name]), v.symbols)
        assert evaluate(Rel(back, "=", back).lhs - NODES[name], POINT).contains(0)
    i, j, k = sp.symbols("i j k", integer=True)
    y = sp.IndexedBase("x")
    both = from_sympy(sp.Piecewise((1, (j <= i) | (j > k)), (y[j], True)), {"i": t, "j": n, "k": m, "x": x})
    assert str(both).startswith("cases((")
    assert len(both.branches) == 2
    with pytest.raises(UnknownNode, match="otherwise"):
        from_sympy(sp.Piecewise((1, j < i)), {"i": t, "j": n})
    with pytest.raises(UnknownNode):
        to_sympy(NODES["topk"])


def test_latex() -> None:
    assert to_latex(NODES["prod"]) == r"\prod_{j=1}^{n} (1 - x_{j} h)"
    assert to_latex(p * NODES["max"]) == r"p \, \max_{1 \le i \le n, 1 \le j \le m} A_{ij} h"
    assert to_latex(topk_over(n, lambda j: x[j], at=t, k=2)) == (
        r"\mathbf{1}\left[t \in \operatorname{top}_{2} \left\{x_{j}\right\}_{j=1}^{n}\right]"
    )
    assert r"\begin{cases} x_{t} h & \text{if } t \le n" in to_latex(NODES["cases"])
    assert to_latex(NODES["affine"]) == (
        r"\left[h_{t} \;\middle|\; g_{s} = x_{s} g_{s - 1} + h,\; g_{0} = h\right]".replace("h_{t}", "g_{t}")
    )


MX, LSE = max_over(n, lambda j: x[j]), lse_over(n, lambda j: x[j])
HALVED = scan_over(t, lambda s, g: g / 2, init=p)
FALSE: list[tuple[tuple[Rel, ...], Rel]] = [
    ((), MX <= 0),
    ((), x[t] >= MX),
    ((), LSE <= MX),
    ((), Eq(LSE, MX)),
    ((), argmax_over(n, lambda j: x[j]) <= 1),
    ((), x[argmax_over(n, lambda j: x[j])] <= x[t]),
    ((), prod_over(n, lambda j: x[j]) >= 0),
    ((), Eq(cases((h < 0, -h), h), h)),
    ((), Eq(cases((h < 0, 1), (h > 0, 1), 0), 1)),
    ((), Eq(HALVED, p)),
    ((), topk_over(n, lambda j: x[j], at=t, k=1) >= 1),
    ((), rank_over(n, lambda j: x[j], at=t) <= 0),
    ((), Eq(iterate(3, {"w": ([], p, lambda w: w / 2)}, lambda w: w), p)),
    ((), sum_over(n, lambda i: max_over(n, lambda j: x[j] - x[i])) <= 0),
    ((), Eq(max_over((t + 1, n), lambda j: x[j]) * 0, 0)),
    ((), Eq(1 / MX * MX, 1)),
    ((), log(LSE) <= 5),
    ((), 2 * ids[t] >= 3),
    ((), x[ids[t]] <= x[t]),
    ((), Eq(mask[t], Fraction(1, 2))),
    ((), sum_over(n, lambda j: mask[j] * x[j]) <= sum_over(n, lambda j: x[j])),
    ((MX <= 0,), x[t] <= -1),
    ((Eq(cases((h < 0, -h), h), 1),), Eq(h, 1)),
    ((Eq(argmax_over(n, lambda j: x[j]), 1),), x[t] <= 0),
    ((1 / MX >= 0,), h <= 0),
    ((Eq(MX / MX, 2),), h <= 0),
]


@pytest.mark.parametrize("case", FALSE, ids=lambda c: f"{c[1]} from {len(c[0])}")
def test_nothing_false_is_proved(case: tuple[tuple[Rel, ...], Rel]) -> None:
    given, goal = case
    assert decide(prepare(goal, given), Effort(seconds=1.0)).status != "proved"


def test_what_is_true_is_tested_and_never_more() -> None:
    for goal in (x[t] <= MX, MX <= LSE, p >= HALVED, Eq(mask[t] * (1 - mask[t]), 0)):
        out = decide(prepare(goal), Effort(seconds=1.0))
        assert (out.status, out.grade) == ("proved", "tested")
    assert decide(prepare(ids[t] <= n)).grade == "exact"
