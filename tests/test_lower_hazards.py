"""The hazards of the tensor compiler keep the value, in extended precision, near and far from cancellation."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from lower_eval import Evaluator, sample

from dltsym.lower.algebra.constructors import Algebra
from dltsym.lower.axes import Axis
from dltsym.lower.ir import Table
from dltsym.lower.nodes import Node
from dltsym.lower.passes.hazards import hazards
from dltsym.lower.passes.residual import residual
from dltsym.lower.program import Input, Output, Program

ZERO, ONE, HALF = Fraction(0), Fraction(1), Fraction(1, 2)
INPUTS = (
    Input("x", ("n", "m")),
    Input("y", ("n", "m")),
    Input("v", ("m", "d")),
    Input("p", ("n", "m"), lo=ZERO, hi=ONE),
    Input("q", ("n", "m"), lo=ZERO, hi=ONE),
    Input("P", ("n", "m"), lo=ZERO, sum_one=(1,)),
    Input("Q", ("n", "m"), lo=ZERO, sum_one=(1,)),
    Input("w", ("m",), lo=ZERO),
    Input("s", ("n", "m"), lo=ZERO, lo_open=True),
    Input("r", ("n", "m"), lo=ZERO, lo_open=True),
    Input("a", ("m", "d")),
)
SIZES = {"n": 2, "m": 5, "d": 3}
I, J, K, L, C, E = (  # noqa: E741
    Axis("i", "n"), Axis("j", "m"), Axis("k", "m"), Axis("l", "m"), Axis("c", "d"), Axis("e", "d"),
)  # fmt: skip


class Write:
    """The expressions of the table, as an author writes them."""

    def __init__(self, alg: Algebra) -> None:
        self.alg = alg

    def ref(self, name: str) -> Callable[[Axis], Node]:
        return lambda j: self.alg.ref(name, (I, j))

    def total(self, body: Callable[[Axis], Node]) -> Node:
        over = self.alg.table.fresh("m")
        return self.alg.contract([body(over)], [over])

    def soft(self, name: str) -> Callable[[Axis], Node]:
        x, exp = self.ref(name), self.alg.exp
        return lambda j: self.alg.div(exp(x(j)), self.total(lambda l: exp(x(l))))  # noqa: E741

    def divergence(self, p: Callable[[Axis], Node], q: Callable[[Axis], Node]) -> Node:
        alg = self.alg
        return self.total(lambda j: alg.mul(p(j), alg.log(alg.div(p(j), q(j)))))

    def variance(self, weight: Callable[[Axis], Node]) -> Node:
        alg, x = self.alg, self.ref("x")
        second = self.total(lambda j: alg.mul(weight(j), alg.power(x(j), 2)))
        return alg.sub(second, alg.power(self.total(lambda j: alg.mul(weight(j), x(j))), 2))

    def mean(self, body: Callable[[Axis], Node]) -> Node:
        return self.alg.div(self.total(body), self.alg.size("m"))


def _h1_rows(t: Write) -> Node:
    p, alg = t.soft("y"), t.alg
    v = lambda j, c: alg.ref("v", (j, c))  # noqa: E731
    both = t.total(lambda j: alg.mul(p(j), v(j, C), v(j, E)))
    return alg.sub(both, alg.mul(*(t.total(lambda j, c=c: alg.mul(p(j), v(j, c))) for c in (C, E))))


def _h1_weights(t: Write) -> Node:
    alg, x = t.alg, t.ref("x")
    w = lambda j: alg.ref("w", (j,))  # noqa: E731
    whole = t.total(w)
    mean = lambda k: alg.div(t.total(lambda j: alg.mul(w(j), alg.power(x(j), k))), whole)  # noqa: E731
    return alg.sub(mean(2), alg.power(mean(1), 2))


def _h1_unbiased(t: Write) -> Node:
    alg, x, m = t.alg, t.ref("x"), t.alg.size("m")
    square = alg.power(t.total(x), 2)
    return alg.div(alg.sub(t.total(lambda j: alg.power(x(j), 2)), alg.div(square, m)), alg.sub(m, alg.one))


def _bernoulli(t: Write) -> Node:
    alg, p, q = t.alg, t.ref("p")(J), t.ref("q")(J)
    term = lambda a, b: alg.mul(a, alg.log(alg.div(a, b)))  # noqa: E731
    return alg.add(term(q, p), term(alg.sub(alg.one, q), alg.sub(alg.one, p)))


def _gaussian(t: Write) -> Node:
    alg, s, r = t.alg, t.ref("s"), t.ref("r")
    ratio = lambda j: alg.div(alg.power(s(j), 2), alg.power(r(j), 2))  # noqa: E731
    return t.total(lambda j: alg.add(ratio(j), alg.num(-1), alg.neg(alg.log(ratio(j)))))


def _quotient(t: Write) -> Node:
    alg = t.alg
    a = alg.ref("a", (J, C))
    return alg.div(alg.sub(alg.exp(alg.mul(t.ref("x")(J), a)), alg.one), a)


def _prefix(t: Write) -> Node:
    alg = t.alg
    run = lambda j: alg.scan("sum", j, 1, True, t.ref("x")(j))  # noqa: E731
    masked = alg.mul(alg.mask(alg.cmp("<=", alg.iota(K), alg.iota(J))), alg.exp(alg.sub(run(J), run(K))))
    return alg.add(masked, alg.exp(alg.sub(run(J), run(L))))


ROWS: dict[str, tuple[str, Callable[[Write], Node]]] = {
    "softmax rows": ("H1", _h1_rows),
    "declared weights": ("H1", lambda t: t.variance(t.ref("P"))),
    "weights by their sum": ("H1", _h1_weights),
    "unbiased": ("H1", _h1_unbiased),
    "scaled": (
        "H1",
        lambda t: t.alg.sub(
            t.alg.mul(t.alg.size("m"), t.total(lambda j: t.alg.power(t.ref("x")(j), 2))),
            t.alg.power(t.total(t.ref("x")), 2),
        ),
    ),
    "values known to be positive": (
        "H1",
        lambda t: t.alg.sub(
            t.total(lambda j: t.alg.mul(t.soft("x")(j), t.alg.power(t.ref("s")(j), 2))),
            t.alg.power(t.total(lambda j: t.alg.mul(t.soft("x")(j), t.ref("s")(j))), 2),
        ),
    ),
    "deviation": ("H2", lambda t: t.alg.sub(t.ref("x")(J), t.mean(t.ref("x")))),
    "deviation of a sum": (
        "H2",
        lambda t: t.alg.add(
            t.ref("x")(J),
            t.ref("y")(J),
            t.alg.neg(t.mean(lambda j: t.alg.add(t.ref("x")(j), t.ref("y")(j)))),
        ),
    ),
    "quotient": ("H3", _quotient),
    "softmax divergence": ("H4", lambda t: t.divergence(t.soft("x"), t.soft("y"))),
    "declared divergence": ("H5", lambda t: t.divergence(t.ref("P"), t.ref("Q"))),
    "Bernoulli": ("H5", _bernoulli),
    "Gaussian": ("H5", _gaussian),
    "survival": ("H7", lambda t: t.alg.sub(t.alg.one, _survival(t))),
    "complement of erf": ("H6", lambda t: t.alg.sub(t.alg.one, t.alg.call("erf", t.ref("x")(J)))),
    "complement of tanh": ("H6", lambda t: t.alg.add(t.alg.one, t.alg.call("tanh", t.ref("x")(J)))),
    "complement of tanh squared": (
        "H6",
        lambda t: t.alg.sub(t.alg.one, t.alg.power(t.alg.call("tanh", t.ref("x")(J)), 2)),
    ),
    "complement of cos": ("H6", lambda t: t.alg.sub(t.alg.one, t.alg.call("cos", t.ref("x")(J)))),
    "roots": (
        "H6",
        lambda t: t.alg.sub(t.alg.power(t.alg.add(t.alg.one, t.alg.power(t.ref("x")(J), 2)), HALF), t.alg.one),
    ),
    "log ratio": ("H6", lambda t: t.alg.log(t.alg.div(t.ref("s")(J), t.ref("r")(J)))),
    "prefix": ("H8", _prefix),
}


def _survival(t: Write) -> Node:
    return t.alg.reduce("prod", t.alg.sub(t.alg.one, t.ref("p")(J)), [J])


def _drawn(seed: int, near: float) -> dict[str, Any]:
    given = sample(INPUTS, SIZES, seed)
    if near:
        given["y"] = given["x"] + near * given["y"]
        given["q"] = np.clip(given["p"] + near * (given["q"] - 0.5), 0.01, 0.99)
        given["r"] = given["s"] * (1 + near * given["y"])
        given["Q"] = given["P"] * (1 + near * given["x"])
        given["Q"] = given["Q"] / given["Q"].sum(1, keepdims=True)
    return given


@pytest.mark.parametrize("name", ROWS)
def test_a_hazard_keeps_the_value(name: str) -> None:
    rule, write = ROWS[name]
    table = Table()
    node, raw = write(Write(Algebra(table, INPUTS))), write(Write(Algebra(table, INPUTS, raw=True)))
    axes = tuple(sorted(node.axes))
    program = hazards(Program(table, INPUTS, (Output("out", node, axes),)))
    assert rule in program.rewrites
    final = residual(program).outputs[0].node
    for seed in range(3):
        for near in (0.0, 0.3, 1e-4):
            given = _drawn(seed, near)
            want, got = (Evaluator(table, given, SIZES).values(n, axes) for n in (raw, final))
            np.testing.assert_allclose(got, want, rtol=1e-8, atol=1e-17)


@pytest.mark.parametrize("name", ["declared divergence", "Bernoulli"])
def test_weights_of_zero_give_no_nan(name: str) -> None:
    table, given = Table(), _drawn(0, 0.3)
    node = ROWS[name][1](Write(Algebra(table, INPUTS)))
    for key, other in (("q", "p"), ("P", "Q")):
        given[key] = np.zeros_like(given[key])
        given[key][:, 0] = 1
        given[other] = np.full_like(given[other], 1 / 5)
    axes = tuple(sorted(node.axes))
    final = residual(hazards(Program(table, INPUTS, (Output("out", node, axes),)))).outputs[0].node
    got = Evaluator(table, given, SIZES).values(final, axes)
    want = np.log(5) if name == "declared divergence" else np.where(np.arange(5) == 0, np.log(5), -np.log1p(-0.2))
    np.testing.assert_allclose(np.asarray(got, float), np.broadcast_to(want, got.shape), rtol=1e-12)
