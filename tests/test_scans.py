"""Scans of generated code, against plain loops."""

from __future__ import annotations

import itertools
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pytest
from ir_functions import BACKENDS, array, function, run

from dltsym.errors import UnsupportedError
from dltsym.lower.algebra.constructors import Algebra
from dltsym.lower.axes import Axis
from dltsym.lower.nodes import Node

torch = pytest.importorskip("torch")

T, C = Axis("t", "T"), Axis("c", "C")
LENGTHS = (0, 1, 63, 64, 65, 1000)
WAYS = list(itertools.product((1, -1), (True, False)))


# Affine scans


@cache
def affine(backend: str, step: int, own: bool, bounded: bool, start: bool = True) -> Any:
    """Return h <- a h + b over t, for c at once."""
    limits = {"lo": Fraction(-1), "hi": Fraction(1)} if bounded else {}
    inputs = [array("a", "T", "C", **limits), array("b", "T", "C"), array("h", "C")]

    def build(alg: Algebra) -> Node:
        init = alg.ref("h", (C,)) if start else alg.num(0)
        return alg.scan("affine", T, step, own, alg.ref("a", (T, C)), alg.ref("b", (T, C)), init)

    return function(inputs if start else inputs[:2], build, (T, C), backend)


def by_hand(a: np.ndarray, b: np.ndarray, h: np.ndarray, step: int, own: bool) -> np.ndarray:
    """Run the recurrence entry by entry."""
    out = np.empty_like(b)
    for t in range(len(b))[::step]:
        before, h = h, a[t] * h + b[t]
        out[t] = h if own else before
    return out


@pytest.mark.parametrize("bounded", [True, False])
@pytest.mark.parametrize(("step", "own"), WAYS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_affine(backend: str, step: int, own: bool, bounded: bool) -> None:
    f = affine(backend, step, own, bounded)
    for length in LENGTHS:
        rng = np.random.default_rng(length)
        a, b, h = rng.uniform(-1, 1, (length, 3)), rng.normal(size=(length, 3)), rng.normal(size=3)
        np.testing.assert_allclose(run(f, backend, a, b, h), by_hand(a, b, h, step, own), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("backend", BACKENDS)
def test_affine_batch(backend: str) -> None:
    f = affine(backend, 1, True, True)
    rng = np.random.default_rng(0)
    a, b, h = rng.uniform(-1, 1, (4, 70, 3)), rng.normal(size=(70, 3)), rng.normal(size=(2, 1, 3))
    got = run(f, backend, a, b, h)
    assert got.shape == (2, 4, 70, 3)
    for p, q in itertools.product(range(2), range(4)):
        np.testing.assert_allclose(got[p, q], by_hand(a[q], b, h[p, 0], 1, True), rtol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_affine_scan_of_constants_has_the_length_of_its_axis(backend: str) -> None:
    f = function(
        [array("a", "C"), array("x", "T")],
        lambda alg: alg.table.make("scan", (alg.ref("a", (C,)), alg.num(1), alg.num(0)), ("affine", T, 1, True)),
        (T, C),
        backend,
    )
    got = run(f, backend, np.array([0.5, 1.0]), np.zeros(4))
    np.testing.assert_allclose(got, np.stack([2 - 0.5 ** np.arange(4.0), np.arange(1.0, 5.0)], -1))


@pytest.mark.parametrize("bounded", [True, False])
def test_decay_zero_and_poison(bounded: bool) -> None:
    f, length = affine("torch", 1, True, bounded), 100
    a, b = torch.full((length, 2), 0.9, dtype=torch.float64), torch.ones(length, 2, dtype=torch.float64)
    a[40] = 0.0
    b[30, 1] = torch.nan
    got = f(a, b, torch.zeros(2, dtype=torch.float64))
    assert got.isfinite()[:, 0].all()
    assert got[:30, 1].isfinite().all()
    assert got[30:, 1].isnan().all()
    torch.testing.assert_close(got[40:80, 0], got[:40, 0])  # it starts afresh


@pytest.mark.parametrize("backend", BACKENDS)
def test_growth_that_overflows_apart_from_the_states(backend: str) -> None:
    # Products of decays reach 1e300 many times over; the states stay 0 until the end.
    f, length = affine(backend, 1, True, False), 200
    a, b = np.full((length, 1), 1e30), np.zeros((length, 1))
    b[-1] = 3.0
    got = run(f, backend, a, b, np.zeros(1))
    assert (got[:-1] == 0).all()
    assert got[-1] == 3


@pytest.mark.parametrize("backend", BACKENDS)
def test_from_zero_the_first_decay_does_not_matter(backend: str) -> None:
    for own, wanted in ((True, [2.0, 3.0]), (False, [0.0, 2.0])):
        f = affine(backend, 1, own, False, start=False)
        got = run(f, backend, np.array([[np.inf], [0.5]]), np.full((2, 1), 2.0))
        assert got[:, 0].tolist() == wanted


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("bounded", [True, False])
def test_half_precision_keeps_its_state_in_single(dtype: str, bounded: bool) -> None:
    torch.manual_seed(0)
    f, kind = affine("torch", 1, True, bounded), getattr(torch, dtype)
    a, b = torch.full((2048, 4), 0.99).to(kind), torch.rand(2048, 4).to(kind)
    got = f(a, b, torch.zeros(4, dtype=kind))
    wanted = f(a.double(), b.double(), torch.zeros(4, dtype=torch.float64))
    assert got.dtype == kind
    # One rounding at the end, not 2048 on the way.
    assert ((got.double() - wanted).abs() <= 1.01 * torch.finfo(kind).eps / 2 * wanted.abs()).all()


@pytest.mark.parametrize("bounded", [True, False])
@pytest.mark.parametrize(("step", "own"), WAYS)
def test_affine_gradients(step: int, own: bool, bounded: bool) -> None:
    f = affine("torch", step, own, bounded)
    torch.manual_seed(0)
    for length in (1, 5, 66):
        a, b = (torch.rand(length, 2, dtype=torch.float64, requires_grad=True) for _ in range(2))
        h = torch.randn(2, dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(f, (a, b, h))


def test_affine_adjoint_is_the_reverse_scan() -> None:
    # dL/db_t = G_t = g_t + a_{t+1} G_{t+1} and dL/da_t = G_t h_{t-1}.
    torch.manual_seed(1)
    a, b, g = (torch.rand(70, 3, dtype=torch.float64) for _ in range(3))
    h0 = torch.rand(3, dtype=torch.float64)
    a.requires_grad_()
    b.requires_grad_()
    h = affine("torch", 1, True, True)(a, b, h0)
    h.backward(g)
    with torch.no_grad():
        later = torch.cat([a[1:], torch.zeros(1, 3, dtype=torch.float64)])
        adjoint = affine("torch", -1, True, True)(later, g, torch.zeros(3, dtype=torch.float64))
        before = affine("torch", 1, False, True)(a, b, h0)
    torch.testing.assert_close(b.grad, adjoint, rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(a.grad, adjoint * before, rtol=1e-12, atol=1e-13)


def test_affine_under_vmap() -> None:
    f = affine("torch", 1, True, True)
    a, b, h = torch.rand(3, 80, 2), torch.rand(3, 80, 2), torch.rand(2)
    together = torch.func.vmap(f, in_dims=(0, 0, None))(a, b, h)
    torch.testing.assert_close(together, torch.stack([f(x, y, h) for x, y in zip(a, b, strict=True)]))


# Other scans

FOLDS = {
    "sum": (np.add, 0.0), "prod": (np.multiply, 1.0), "max": (np.maximum, -np.inf), "min": (np.minimum, np.inf),
    "lse": (np.logaddexp, -np.inf),
}  # fmt: skip


@cache
def prefix(backend: str, monoid: str, step: int, own: bool) -> Any:
    """Return prefix folds over t."""
    return function(
        [array("x", "T", "C")], lambda alg: alg.scan(monoid, T, step, own, alg.ref("x", (T, C))), (T, C), backend
    )


@pytest.mark.parametrize("monoid", FOLDS)
@pytest.mark.parametrize(("step", "own"), WAYS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_prefix_folds(backend: str, step: int, own: bool, monoid: str) -> None:
    f, (fold, unit) = prefix(backend, monoid, step, own), FOLDS[monoid]
    for length in (0, 1, 2, 65):
        x = np.random.default_rng(length).normal(size=(length, 3))
        if monoid == "lse":
            x[: length // 2, 0] = -np.inf
        run_over = x[::step]
        wanted = fold.accumulate(run_over, 0) if length else x
        if not own:
            wanted = np.concatenate([np.full((min(length, 1), 3), unit), wanted[:-1]])
        got = run(f, backend, x)
        assert got.shape == x.shape
        np.testing.assert_allclose(got, wanted[::step], rtol=1e-12, atol=1e-13)


def test_lse_prefix_has_gradients_after_dead_entries() -> None:
    f = prefix("torch", "lse", 1, True)
    x = torch.tensor([[-torch.inf], [-torch.inf], [1.0], [2.0]], dtype=torch.float64, requires_grad=True)
    y = f(x)
    assert y[:2].tolist() == [[-torch.inf], [-torch.inf]]
    y[2:].sum().backward()
    p = torch.sigmoid(torch.tensor(1.0, dtype=torch.float64))
    torch.testing.assert_close(x.grad[:, 0], torch.tensor([0.0, 0.0, 2 - p, p], dtype=torch.float64))


def test_prefix_sums_of_half_precision() -> None:
    x = torch.full((4096, 1), 0.25, dtype=torch.float16)
    assert prefix("torch", "sum", 1, True)(x)[-1].item() == 1024


@pytest.mark.parametrize("backend", BACKENDS)
def test_log_affine_is_the_logarithm_of_affine(backend: str) -> None:
    inputs = [array("al", "T", "C"), array("be", "T", "C"), array("h", "C")]
    for step, own in WAYS:
        args = lambda alg: (alg.ref("al", (T, C)), alg.ref("be", (T, C)), alg.ref("h", (C,)))  # noqa: E731
        f = function(inputs, lambda alg: alg.scan("log-affine", T, step, own, *args(alg)), (T, C), backend)  # noqa: B023
        rng = np.random.default_rng(0)
        al, be, h = rng.normal(size=(9, 3)), rng.normal(size=(9, 3)), rng.normal(size=3)
        be[0] = be[-1] = -np.inf
        with np.errstate(divide="ignore"):
            wanted = np.log(by_hand(np.exp(al), np.exp(be), np.exp(h), step, own))
        np.testing.assert_allclose(run(f, backend, al, be, h), wanted, rtol=1e-12, atol=1e-13)
        huge = run(f, backend, al * 1e4, be, np.full(3, -np.inf))
        assert not np.isnan(huge).any()


def test_an_unknown_scan_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="welford"):
        function(
            [array("x", "T")],
            lambda alg: alg.table.make("scan", (alg.ref("x", (T,)),), ("welford", T, 1, True)),
            (T,),
            "torch",
        )
