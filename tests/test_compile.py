"""The tensor compiler's lowering: each expression against a reference by hand, and against balls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from compile_world import World, tensors, values

import dltsym
from dltsym import (
    UnsupportedError,
    argmax_over,
    cases_,
    compile,
    delta,
    exp,
    iterate,
    log,
    lse_over,
    max_,
    max_over,
    min_,
    min_over,
    prod_over,
    scan_over,
    sum_over,
    tanh,
    topk_over,
)
from dltsym.notation.tree import Expr

torch = pytest.importorskip("torch")


# Lowering: each expression against a reference written by hand, and against balls


def running(f: Callable[[int], float], n: int = 5) -> np.ndarray:
    return np.array([f(t) for t in range(n)])


def decayed(x: np.ndarray, a: Callable[[int, int], float], upto: int) -> float:
    return sum(a(s, upto) * x[s] for s in range(upto + 1))


CASES: dict[str, tuple[Callable[[World], Expr], Callable[..., Any]]] = {
    "diagonal": (lambda o: o.A[o.i, o.i], lambda A: np.diag(A)),
    "fixed entries": (lambda o: o.A[1, o.i] * o.A[o.n, 1], lambda A: A[0] * A[-1, 0]),
    "gather": (lambda o: o.x[o.at[o.k]], lambda x, at: x[at - 1]),
    "scatter": (lambda o: sum_over(o.m, lambda q: delta(o.i, o.at[q]) * o.y[q]),
                lambda at, y, n: np.bincount(at - 1, y, n)),
    "one hot": (lambda o: sum_over(o.n, lambda q: delta(q, o.at[o.k]) * o.x[q]), lambda at, x: x[at - 1]),
    "delta of unequal sizes": (lambda o: sum_over(o.n, lambda q: delta(q, o.k) * o.x[q]) * o.y[o.k],
                               lambda x, y: np.concatenate([x, [0, 0]]) * y),
    "shift": (lambda o: o.w[o.i + 1] - o.w[o.i], lambda w: np.diff(w)),
    "narrow range": (lambda o: sum_over((2, o.n), lambda q: o.z[q - 1] * o.x[q]), lambda z, x: (z * x[1:]).sum()),
    "reversed": (lambda o: o.x[o.n + 1 - o.i], lambda x: x[::-1]),
    "toeplitz": (lambda o: cases_((o.j <= o.i, o.x[o.i - o.j + 1]), 0),
                 lambda x: np.array([[x[i - j] if j <= i else 0 for i in range(5)] for j in range(5)])),
    "convolution": (lambda o: sum_over((1, o.i), lambda q: o.x[o.i - q + 1] * o.b[q]),
                    lambda x, b: np.convolve(x, b)[:5]),
    "running sum": (lambda o: sum_over((1, o.t), lambda q: o.x[q]), lambda x: x.cumsum()),
    "running sum, own entry left out": (lambda o: sum_over((1, o.t - 1), lambda q: o.x[q]), lambda x: x.cumsum() - x),
    "running sum from 2": (lambda o: sum_over((2, o.t), lambda q: o.x[q]), lambda x: x.cumsum() - x[0]),
    "running sum one further": (lambda o: sum_over((1, o.t + 1), lambda q: o.w[q]), lambda w: w.cumsum()[1:]),
    "suffix sum": (lambda o: sum_over((o.t, o.n), lambda q: o.x[q]), lambda x: x[::-1].cumsum()[::-1]),
    "suffix sum, own entry left out": (lambda o: sum_over((o.t + 1, o.n), lambda q: o.x[q]),
                                       lambda x: x[::-1].cumsum()[::-1] - x),
    "shorter suffix sum": (lambda o: sum_over((o.t, o.n - 1), lambda q: o.z[q]),
                           lambda z: np.append(z[::-1].cumsum()[::-1], 0)),
    "window": (lambda o: sum_over((max_(1, o.t - 2), min_(o.n, o.t + 1)), lambda q: o.x[q]),
               lambda x: running(lambda t: x[max(0, t - 2) : t + 2].sum())),
    "both ends move": (lambda o: sum_over((o.mid, o.late), lambda q: o.x[q]),
                       lambda x: np.array([[x[s:t].sum() for t in (3, 4, 5)] for s in (1, 2, 3, 4)])),
    "late index": (lambda o: sum_over((2, o.late - 2), lambda q: o.x[q]), lambda x: np.array([0, x[1], x[1] + x[2]])),
    "no index at all": (lambda o: o.r * sum_over((3, 1), lambda q: o.x[q]), lambda r, x: np.array(0)),
    "running product": (lambda o: prod_over((1, o.t), lambda q: 1 - o.b[q]), lambda b: np.cumprod(1 - b)),
    "running maximum": (lambda o: max_over((1, o.t), lambda q: o.x[q]), lambda x: np.maximum.accumulate(x)),
    "running minimum": (lambda o: min_over((1, o.t), lambda q: o.x[q]), lambda x: np.minimum.accumulate(x)),
    "running log-sum-exp": (lambda o: lse_over((1, o.t), lambda q: o.x[q]), lambda x: np.log(np.exp(x).cumsum())),
    "running argmax": (lambda o: argmax_over((1, o.t), lambda q: o.x[q]),
                       lambda x: running(lambda t: x[: t + 1].argmax() + 1)),
    "best entry": (lambda o: o.x[argmax_over(o.n, lambda q: o.A[o.i, q])], lambda A, x: x[A.argmax(1)]),
    "decay": (lambda o: sum_over((1, o.t), lambda q: prod_over((q + 1, o.t), lambda u: o.b[u]) * o.x[q]),
              lambda b, x: running(lambda t: decayed(x, lambda s, u: b[s + 1 : u + 1].prod(), t))),
    "decay with the own factor": (
        lambda o: sum_over((1, o.t), lambda q: prod_over((q, o.t), lambda u: o.b[u]) * o.x[q]),
        lambda b, x: running(lambda t: decayed(x, lambda s, u: b[s : u + 1].prod(), t))),
    "late decay": (lambda o: sum_over((1, o.t), lambda q: prod_over((q, o.t - 1), lambda u: o.b[u]) * o.x[q]),
                   lambda b, x: running(lambda t: decayed(x, lambda s, u: b[s:u].prod(), t))),
    "early decay": (lambda o: sum_over((1, o.t - 1), lambda q: prod_over((q + 1, o.t), lambda u: o.b[u]) * o.x[q]),
                    lambda b, x: running(lambda t: sum(b[s + 1 : t + 1].prod() * x[s] for s in range(t)))),
    "exponential decay": (
        lambda o: sum_over((1, o.t), lambda q: exp(-o.p * sum_over((q + 1, o.t), lambda u: o.b[u])) * o.x[q]),
        lambda p, b, x: running(lambda t: decayed(x, lambda s, u: np.exp(-p * b[s + 1 : u + 1].sum()), t))),
    "moving average": (lambda o: sum_over((1, o.t), lambda q: o.r ** (o.t - q + 1) * o.x[q]),
                       lambda r, x: running(lambda t: decayed(x, lambda s, u: r ** (u - s + 1), t))),
    "mixed triangle": (
        lambda o: sum_over((1, o.t), lambda q: o.A[o.t, q] * exp(-sum_over((q + 1, o.t), lambda u: o.b[u])) * o.x[q]),
        lambda A, b, x: running(lambda t: decayed(x, lambda s, u: A[u, s] * np.exp(-b[s + 1 : u + 1].sum()), t))),
    "triangle": (lambda o: sum_over(o.n, lambda q: sum_over((1, q), lambda u: o.A[q, u])), lambda A: np.tril(A).sum()),
    "causal softmax": (
        lambda o: (sum_over((1, o.t), lambda q: exp(o.A[o.t, q]) * o.x[q])
                   / sum_over((1, o.t), lambda q: exp(o.A[o.t, q]))),
        lambda A, x: np.tril(np.exp(A)) @ x / np.tril(np.exp(A)).sum(1)),
    "mask": (lambda o: sum_over(o.n, lambda q: o.M[o.i, q] * o.x[q]), lambda M, x: M @ x),
    "ragged": (lambda o: sum_over((1, min_(o.n, o.at[o.k])), lambda q: o.x[q]), lambda at, x: x.cumsum()[at - 1]),
    "recurrence": (lambda o: scan_over(o.t, lambda q, h: o.b[q] * h + o.x[q], 2),
                   lambda b, x: running(lambda t: decayed(np.append(2, x), lambda s, u: b[s:u].prod(), t + 1))),
    "recurrence from an index": (lambda o: scan_over(o.t, lambda q, h: h + o.A[o.i, q], o.x[o.i]),
                                 lambda A, x: x[:, None] + A.cumsum(1)),
    "last state": (lambda o: scan_over(o.n, lambda q, h: o.b[q] * h + 1, 0),
                   lambda b: sum(b[s + 1 :].prod() for s in range(5))),
    "late start": (lambda o: scan_over((2, o.t), lambda q, h: h * o.b[q], 3), lambda b: 3 * b.cumprod() / b[0]),
    "running maximum by steps": (lambda o: scan_over(o.t, lambda q, h: max_(h, o.x[q]), 0),
                                 lambda x: np.maximum.accumulate(x).clip(0)),
    "nonlinear recurrence": (lambda o: scan_over(o.t, lambda q, h: tanh(o.b[q] * h + o.x[q]), 0),
                             lambda b, x: running(lambda t: rolled(b, x, t))),
    "two best": (lambda o: topk_over(o.n, lambda q: o.A[o.i, q], at=o.j, k=2),
                 lambda A: (A.argsort(1).argsort(1) >= 3) * 1.0),
    "index in the exponent": (lambda o: o.r ** (o.i - o.j + 5),
                              lambda r, n: r ** (np.arange(n)[:, None] - np.arange(n) + 5)),
    "iteration": (lambda o: iterate(4, {"h": ([], 1, lambda h: (h + o.b[o.i] / h) / 2)}, lambda h: h),
                  lambda b: newton(b)),
    "mean": (lambda o: sum_over(o.n, lambda q: o.x[q]) / o.n, lambda x: x.mean()),
}  # fmt: skip


def rolled(b: np.ndarray, x: np.ndarray, t: int) -> float:
    h = 0.0
    for q in range(t + 1):
        h = np.tanh(b[q] * h + x[q])
    return float(h)


def newton(b: np.ndarray) -> np.ndarray:
    h = np.ones_like(b)
    for _ in range(4):
        h = (h + b / h) / 2
    return h


@pytest.mark.parametrize("name", CASES)
def test_lowering(name: str) -> None:
    make, reference = CASES[name]
    kernel = compile(make(World()), backend="numpy")
    inputs = values(kernel)
    wanted = np.asarray(reference(**inputs), float)
    got = np.asarray(kernel(**inputs), float)
    assert got.shape == wanted.shape
    np.testing.assert_allclose(got, wanted, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(kernel.to("torch")(**tensors(inputs)), wanted, rtol=1e-11, atol=1e-12)
    assert np.abs(kernel.oracle(**inputs).error(got)).max() < 1e-11


@pytest.mark.parametrize("name", ["running sum", "decay", "moving average", "late decay", "recurrence"])
def test_triangular_sums_that_need_no_mask_have_none(name: str) -> None:
    kernel = compile(CASES[name][0](World()))
    assert kernel.report == ()
    assert "scan" in kernel.ir


@pytest.mark.parametrize("name", ["window", "causal softmax", "mixed triangle"])
def test_triangular_sums_by_a_mask_say_so(name: str) -> None:
    kernel = compile(CASES[name][0](World()))
    assert "W06" in [f.code for f in kernel.report]
    with pytest.raises(UnsupportedError, match="W06"):
        compile(CASES[name][0](World()), strict=True)


def test_derivatives_inside_of_expressions() -> None:
    o = World()
    lse = o.p * log(sum_over(o.n, lambda q: exp(o.x[q] / o.p)))
    kernel = compile(dltsym.diff(lse, o.x[o.i]))
    inputs = tensors(values(kernel))
    torch.testing.assert_close(kernel(**inputs), torch.softmax(inputs["x"] / inputs["p"], -1))
    assert "softmax" in kernel.source


def test_the_tolerance_of_an_iteration_may_be_the_deepest_part() -> None:
    v = dltsym.Scope()
    n = v.count("n")
    x = v.array("x", n, lo=0)
    tol = sum_over(n, lambda j: x[j] * max_over(n, lambda k: x[k] * sum_over(n, lambda q: x[q] * x[k]))) / 10**9
    e = iterate(60, {"h": ([], 1, lambda h: h / 2 + x[1])}, lambda h: h, tol=tol)
    got = compile(e, backend="numpy")(np.array([0.3, 0.5]))
    assert 0 < abs(float(got) - 0.6) < 1e-8
