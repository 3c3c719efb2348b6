"""Cells and contractions: what is recognised, what is left alone, and that values stay what they were."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from ir_functions import BACKENDS, array, check, executed, finished, ops, program, run, values

from dltsym.errors import UnsupportedError
from dltsym.lower.algebra.constructors import Algebra
from dltsym.lower.axes import Axis, Slot
from dltsym.lower.nodes import Node
from dltsym.lower.passes.cells import cells

torch = pytest.importorskip("torch")

N, M, D, C, E, T = Axis("i", "n"), Axis("j", "m"), Axis("k", "d"), Axis("c", "c"), Axis("e", "E"), Axis("t", "T")
N2 = Axis("l", "n")
Q, K, V = array("Q", "n", "d"), array("K", "m", "d"), array("V", "m", "c")
Z, Y = array("z", "n", "m"), array("Y", "n", entries="integer")


def score(alg: Algebra, i: Axis = N, j: Axis = M) -> Node:
    """Return Q_i . K_j."""
    return alg.contract([alg.ref("Q", (i, D)), alg.ref("K", (j, D))], (D,))


def quotient(alg: Algebra, x: Node, axis: Axis) -> Node:
    """Return e^x over its sum, as it is written."""
    return alg.div(alg.exp(x), alg.contract([alg.exp(x)], (axis,)))


def lse(alg: Algebra, x: Node, *axes: Axis) -> Node:
    """Return log sum exp."""
    return alg.reduce("lse", x, axes)


# Softmax


def test_attention() -> None:
    def build(alg: Algebra) -> Node:
        e = alg.exp(score(alg))
        return alg.div(alg.contract([e, alg.ref("V", (M, C))], (M,)), alg.contract([e], (M,)))

    after = check([Q, K, V], build, (N, C))
    assert ops(after).count("softmax") == 1
    assert "exp" not in ops(after)


def test_softmax_over_two_axes() -> None:
    after = check([Z], lambda alg: alg.exp(alg.sub(alg.ref("z", (N, M)), lse(alg, alg.ref("z", (N, M)), N, M))), (N, M))
    assert ops(after) == ["ref", "softmax"]


@pytest.mark.parametrize("factor_of", [Fraction(1), Fraction(-1), Fraction(2), Fraction(-3, 2)])
def test_log_softmax_with_a_coefficient(factor_of: Fraction) -> None:
    def build(alg: Algebra) -> Node:
        x = alg.mul(alg.num(3), alg.ref("z", (N, M)))
        first = alg.mul(alg.num(factor_of), x)
        return alg.add(first, alg.mul(alg.num(-factor_of), lse(alg, x, M)), alg.ref("w", (N, M)))

    assert "log_softmax" in ops(check([Z, array("w", "n", "m")], build, (N, M)))


def test_no_softmax_on_a_diagonal() -> None:
    # x_ii - lse_j x_ij is one entry of a log-softmax, not a row of it.
    square = array("z", "n", "n")

    def build(alg: Algebra) -> Node:
        return alg.sub(alg.ref("z", (N, N)), lse(alg, alg.ref("z", (N, N2)), N2))

    after = check([square], build, (N,))
    assert "log_softmax" not in ops(after)
    assert "cross_entropy" in ops(after)


def test_no_softmax_of_another_argument() -> None:
    wide = array("w", "n", "m")
    for x in (lambda alg: alg.ref("w", (N, M)), lambda alg: alg.mul(alg.num(2), alg.ref("z", (N, M)))):
        after = check([Z, wide], lambda alg: alg.sub(x(alg), lse(alg, alg.ref("z", (N, M)), M)), (N, M))  # noqa: B023
        assert "log_softmax" not in ops(after)


def test_no_softmax_over_an_axis_of_another_size() -> None:
    wide, longer = array("w", "n", "T"), Axis("t", "T")
    before = program(
        [Z, wide], lambda alg: alg.sub(alg.ref("w", (N, longer)), lse(alg, alg.ref("z", (N, M)), M)), (N, T)
    )
    assert "log_softmax" not in ops(cells(before))


def test_masked_softmax() -> None:
    mask = array("B", "n", "m", entries="bool")

    def build(alg: Algebra) -> Node:
        x = alg.where(alg.ref("B", (N, M)), alg.ref("z", (N, M)), alg.minus_inf)
        return alg.exp(alg.where(alg.ref("B", (N, M)), alg.sub(alg.ref("z", (N, M)), lse(alg, x, M)), alg.minus_inf))

    before = program([Z, mask], build, (N, M))
    after = finished(before)
    assert "softmax" in ops(after)
    z, b = values([Z, mask])
    b[2] = False
    got = [run(executed(after, backend), backend, z, b) for backend in BACKENDS]
    p = np.where(b, np.exp(z), 0)
    for g in got:
        assert (g[2] == 0).all()
        np.testing.assert_allclose(g, p / np.maximum(p.sum(-1, keepdims=True), 1e-300), rtol=1e-12)


# Entropy


def test_entropy_shares_one_log_softmax() -> None:
    def build(alg: Algebra) -> Node:
        p = quotient(alg, alg.ref("z", (N, M)), M)
        return alg.neg(alg.contract([p, alg.log(p)], (M,)))

    after = check([Z], build, (N,))
    assert ops(after).count("log_softmax") == 1
    assert "softmax" not in ops(after)
    z = values([Z])[0]
    z[1, 2] = z[3] = -np.inf
    z[3, 0] = 4.0
    for backend in BACKENDS:
        h = run(executed(after, backend), backend, z)
        assert np.isfinite(h).all()
        assert h[3] == 0
    x = torch.tensor(z, requires_grad=True)
    executed(after, "torch")(x).sum().backward()
    assert x.grad.isfinite().all()


def test_probabilities_and_their_logarithms_share() -> None:
    def build(alg: Algebra) -> Node:
        x = alg.ref("z", (N, M))
        p = quotient(alg, x, M)
        return alg.contract([p, alg.add(alg.log(p), alg.ref("w", (N, M)))], (M,))

    after = check([Z, array("w", "n", "m")], build, (N,))
    assert ops(after).count("log_softmax") == 1
    assert "softmax" not in ops(after)


def test_row_entropy_of_attention_has_one_product() -> None:
    def build(alg: Algebra) -> Node:
        p = quotient(alg, score(alg), M)
        return alg.neg(alg.contract([p, alg.log(p)], (M,)))

    after = check([Q, K], build, (N,))
    assert ops(after).count("contract") == 2  # the scores, and the sum over j


# Cross-entropy, gather, scatter


def cross(alg: Algebra, place: Node) -> Node:
    """Return the mean negative logarithm of the softmax at a place."""
    p = alg.div(alg.exp(alg.ref("z", (N, Slot(0)), place)), alg.contract([alg.exp(alg.ref("z", (N, M)))], (M,)))
    return alg.neg(alg.contract([alg.log(p)], (N,)))


def test_cross_entropy() -> None:
    after = check([Z, Y], lambda alg: cross(alg, alg.ref("Y", (N,))), ())
    assert ops(after).count("cross_entropy") == 1
    assert "reduce" not in ops(after)


def test_cross_entropy_of_scores() -> None:
    square = [Q, array("K", "n", "d")]

    def build(alg: Algebra) -> Node:
        ratio = alg.div(alg.exp(score(alg, N, N)), alg.contract([alg.exp(score(alg, N, N2))], (N2,)))
        return alg.neg(alg.contract([alg.log(ratio)], (N,)))

    after = check(square, build, ())
    assert "cross_entropy" in ops(after)
    assert ops(after).count("contract") == 2


@pytest.mark.parametrize("backend", BACKENDS)
def test_wrong_labels_are_not_ignored(backend: str) -> None:
    f = executed(finished(program([Z, Y], lambda alg: cross(alg, alg.ref("Y", (N,))), ())), backend)
    for wrong in (-1, -100, 7):
        z, y = values([Z, Y])
        y[2] = wrong
        with pytest.raises((IndexError, RuntimeError)):
            run(f, backend, z, y)


def test_no_cross_entropy_of_another_array() -> None:
    def build(alg: Algebra) -> Node:
        other = alg.ref("w", (N, Slot(0)), alg.ref("Y", (N,)))
        return alg.sub(lse(alg, alg.ref("z", (N, M)), M), other)

    assert "cross_entropy" not in ops(check([Z, Y, array("w", "n", "m")], build, (N,)))


X, PLACE, LIKE = array("x", "T", "c"), array("I", "T", entries="integer"), array("like", "E")


def hits(alg: Algebra, place: Node | None = None) -> Node:
    """Return [e = I_t]."""
    return alg.where(alg.cmp("=", alg.iota(E), place or alg.ref("I", (T,))), alg.num(1), alg.num(0))


def test_scatter() -> None:
    after = check([X, PLACE, LIKE], lambda alg: alg.contract([hits(alg), alg.ref("x", (T, C))], (T,)), (E, C))
    assert "scatter" in ops(after)
    assert "where" not in ops(after)


def test_scatter_of_a_product_reads_what_depends_on_the_place_there() -> None:
    inputs = [X, array("w", "T", "E"), PLACE, LIKE]
    build = lambda alg: alg.contract([hits(alg), alg.ref("x", (T, C)), alg.ref("w", (T, E))], (T,))  # noqa: E731
    after = check(inputs, build, (E, C))
    assert "scatter" in ops(after)
    square = [array("W", "T", "c", "d"), PLACE, LIKE]
    after = check(square, lambda alg: alg.contract([hits(alg), alg.ref("W", (T, C, D))], (T, D)), (E, C))
    assert "scatter" in ops(after)


def test_counts() -> None:
    after = check([PLACE, LIKE], lambda alg: alg.contract([hits(alg)], (T,)), (E,))
    assert "scatter" in ops(after)


def test_no_scatter_of_a_place_that_may_leave_the_range() -> None:
    def later(alg: Algebra) -> Node:
        return alg.contract([hits(alg, alg.add(alg.ref("I", (T,)), alg.num(1))), alg.ref("x", (T, C))], (T,))

    assert "scatter" not in ops(check([X, PLACE, LIKE], later, (E, C)))
    real = array("I", "T")  # not an integer array
    before = program([X, real, LIKE], lambda alg: alg.contract([hits(alg), alg.ref("x", (T, C))], (T,)), (E, C))
    assert "scatter" not in ops(cells(before))
    based = array("I", "T", entries="integer", base=1)  # counted from 1, so I_t itself is one too far
    before = program([X, based, LIKE], lambda alg: alg.contract([hits(alg), alg.ref("x", (T, C))], (T,)), (E, C))
    assert "scatter" not in ops(cells(before))


def test_scatter_gradient() -> None:
    given = program([X, PLACE, LIKE], lambda alg: alg.contract([hits(alg), alg.ref("x", (T, C))], (T,)), (E, C))
    f = executed(finished(given), "torch")
    _, place, like = (torch.as_tensor(v) for v in values([X, PLACE, LIKE]))
    x = torch.rand(2, 9, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: f(x, place, like), (x,))


# Opt-in cells


@pytest.mark.parametrize("mask", ["none", "bool", "causal"])
def test_sdpa(mask: str) -> None:
    inputs = [Q, array("K", "n", "d"), array("V", "n", "c")] if mask == "causal" else [Q, K, V]
    inputs += [array("B", "n", "m", entries="bool")] if mask == "bool" else []
    j = N2 if mask == "causal" else M

    def build(alg: Algebra) -> Node:
        x = alg.mul(alg.num(Fraction(1, 3)), score(alg, N, j))
        if mask != "none":
            c = alg.ref("B", (N, M)) if mask == "bool" else alg.cmp("<=", alg.iota(j), alg.iota(N))
            x = alg.where(c, x, alg.minus_inf)
        p = alg.table.make("softmax", (x,), ((j,),))
        return alg.table.bind("contract", (p, alg.ref("V", (j, C))), (j,))

    before = program(inputs, build, (N, C))
    after = finished(before, "sdpa")
    assert "sdpa" in ops(after)
    assert "sdpa" not in ops(finished(before))
    args = values(inputs)
    if mask == "bool":
        args[3][1] = False
    wanted = run(executed(finished(before), "numpy"), "numpy", *args)
    for backend in BACKENDS:
        f = executed(after, backend)
        np.testing.assert_allclose(run(f, backend, *args), wanted, rtol=1e-11)
        batch = [np.stack([a, a]) for a in args[:3]]
        np.testing.assert_allclose(run(f, backend, *batch, *args[3:])[1], wanted, rtol=1e-11)


def test_logmm() -> None:
    inputs = [Z, array("b", "m", "c")]
    build = lambda alg: lse(alg, alg.add(alg.ref("z", (N, M)), alg.ref("b", (M, C))), M)  # noqa: E731
    assert "logmm" in ops(check(inputs, build, (N, C), "logmm"))
    assert "logmm" not in ops(check(inputs, build, (N, C)))
    same_axes = lambda alg: lse(alg, alg.add(alg.ref("z", (N, M)), alg.ref("w", (N, M))), M)  # noqa: E731
    assert "logmm" not in ops(check([Z, array("w", "n", "m")], same_axes, (N,), "logmm"))


def test_sqdist_is_centred() -> None:
    def build(alg: Algebra) -> Node:
        return alg.contract([alg.power(alg.sub(alg.ref("Q", (N, D)), alg.ref("K", (M, D))), 2)], (D,))

    after = check([Q, K], build, (N, M), "sqdist_gemm")
    assert "sqdist" in ops(after)
    q, k = (torch.as_tensor(v, dtype=torch.float32) + 1e3 for v in values([Q, K]))
    wanted = ((q[:, None].double() - k.double()) ** 2).sum(-1)
    assert ((executed(after, "torch")(q, k) - wanted).abs() / wanted).max() < 1e-4
    same_rows = lambda alg: alg.contract([alg.power(alg.sub(alg.ref("Q", (N, D)), alg.ref("w", (N, D))), 2)], (D,))  # noqa: E731
    assert "sqdist" not in ops(check([Q, array("w", "n", "d")], same_rows, (N,), "sqdist_gemm"))


def test_an_unknown_cell_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="flash"):
        cells(program([Z], lambda alg: alg.ref("z", (N, M)), (N, M)), ("flash",))
