"""Sinkhorn attention: cases of the oracle, gradients, certificate, closed values, edges, memory, bits, refusals."""

from __future__ import annotations

import math
import warnings
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the torch backend is optional: pip install dltsym[torch]")
pytest.importorskip("triton", reason="the triton backend is optional: pip install dltsym[gpu]")

from largest import Largest  # noqa: E402

from dltsym.errors import DomainError, DTypeError, ShapeError, UnknownKey  # noqa: E402
from dltsym.implementation import Case, implementation_of  # noqa: E402
from dltsym.kernels.attention import one_sided_eot  # noqa: E402
from dltsym.kernels.transport import column_certificate, sinkhorn, sinkhorn_reference  # noqa: E402
from dltsym.oracle import sanitizer  # noqa: E402
from dltsym.oracle.adapters import candidate  # noqa: E402
from dltsym.oracle.run import run_case  # noqa: E402
from dltsym.oracle.statement import spec_of  # noqa: E402

DTYPES = ("float64", "float32", "float16", "bfloat16")
RUN: dict[str, Any] = {"backend": "triton"}


def drawn(n: int, m: int, d: int, dv: int, dtype: Any = torch.float64, seed: int = 1) -> list[Any]:
    draw = torch.Generator().manual_seed(seed)
    shapes = ((2, n, d), (2, m, d), (2, m, dv), (), (n,), (2, m))
    out = [torch.randn(s, generator=draw, dtype=torch.float64) for s in shapes]
    out[3] = 1 + out[3].abs()
    return [x.to(dtype).requires_grad_() for x in out]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["one query, one key", "softmax", "two blocks", "relaxed"])
def test_within_the_derived_tolerance(name: str, dtype: str) -> None:
    told = implementation_of(sinkhorn)
    assert told is not None
    (case,) = (c for c in told.cases if c.name == name)
    spec = spec_of(told.key)
    assert run_case(spec, candidate(sinkhorn, spec), case, dtype).verdict == "pass"


@pytest.mark.parametrize("name", ["free", "hidden keys", "hidden queries", "causal", "cold"])
def test_hard_values(name: str) -> None:
    told = implementation_of(sinkhorn)
    assert told is not None
    (case,) = (c for c in told.cases if c.name == name)
    spec = spec_of(told.key)
    assert run_case(spec, candidate(sinkhorn, spec), case, "float32").verdict == "pass"


@pytest.mark.parametrize(
    "options",
    [
        {"T": 5},
        {"T": 5, "rho": 0.7, "marginal": "relaxed"},
        {"T": 3, "rho": 0.7, "marginal": "relaxed", "causal": True},
        {"T": 1},
    ],
)
def test_unrolled_gradients_are_those_of_the_plain_iteration(options: dict[str, Any]) -> None:
    inputs = drawn(19, 70, 5, 3)
    outputs, wanted = sinkhorn(*inputs, **options, **RUN), sinkhorn_reference(*inputs, **options)
    assert outputs[0].shape == (2, 19, 3)
    weights = [torch.randn(x.shape, dtype=x.dtype) for x in wanted]

    def gradients(out: Any) -> Any:
        return torch.autograd.grad(sum((w * x).sum() for w, x in zip(weights, out, strict=True)), inputs)

    for a, b in zip((*outputs, *gradients(outputs)), (*wanted, *gradients(wanted)), strict=True):
        assert (a - b).abs().max() <= 1e-12 * max(b.abs().max(), 1e-3)


# A statement of T half-steps and its derivatives compile once for all types; those of T = 5 take the longest. There
# the gradients of k, v and la are left to the comparison with the plain iteration above, to 1e-12.
@pytest.mark.parametrize("T", [1, 3, pytest.param(5, marks=pytest.mark.slow)])
@pytest.mark.parametrize("values", [{}, {"rho": "0.7", "eps": "0.6"}], ids=["balanced", "relaxed"])
def test_gradients_within_the_derived_tolerance(T: int, values: dict[str, str]) -> None:
    spec = spec_of("attention.sinkhorn")
    names = ("q", "eps", "lb") if T == 5 else ("q", "k", "v", "eps", "la", "lb")
    modes = {"T": T, "marginal": "relaxed" if values else "balanced"}
    case = Case("gradients", {"n": 5, "m": 6, "d": 4, "dv": 3}, modes=modes, values=values)
    for dtype in DTYPES:
        result = run_case(spec, candidate(sinkhorn, spec), case, dtype, names)
        assert result.verdict == "pass", result
        assert {"d" + name for name in names} <= {c.output for c in result.comparisons}


@pytest.mark.parametrize("backend", ["triton", "torch"])
@pytest.mark.parametrize("options", [{}, {"rho": 0.9, "marginal": "relaxed"}], ids=["balanced", "relaxed"])
def test_the_implicit_gradient_is_that_of_the_limit(options: dict[str, Any], backend: str) -> None:
    inputs = drawn(9, 12, 5, 3)
    values = [x.detach().clone().requires_grad_() for x in inputs]
    got = sinkhorn(*inputs, **options, T=121, gradient="implicit", backend=backend)[0]
    want = sinkhorn_reference(*values, **options, T=121)[0]
    assert torch.allclose(got, want, rtol=1e-12, atol=1e-14)
    by_limit = torch.autograd.grad(got.square().sum(), inputs)
    by_steps = torch.autograd.grad(want.square().sum(), values)
    for a, b in zip(by_limit, by_steps, strict=True):
        assert (a - b).abs().max() <= 1e-9 * b.abs().max() + 1e-12


def test_one_half_step_is_softmax_attention_with_the_prior() -> None:
    q, k, v, eps, la, lb = drawn(20, 30, 8, 4)
    o, row, column, _ = sinkhorn(q, k, v, eps, la, lb, T=1, **RUN)
    wanted, lse, _ = one_sided_eot(q[:, None], k[:, None], v[:, None], eps, torch.log_softmax(lb, -1)[:, None], **RUN)
    assert torch.allclose(o, wanted[:, 0], rtol=1e-13, atol=1e-15)
    assert torch.allclose(row, -lse[:, 0], rtol=1e-13)
    assert not column.any()
    free = sinkhorn(q, k, v, eps, la, lb, 0.0, T=5, marginal="relaxed", **RUN)[0]
    assert torch.allclose(o, free, rtol=1e-12)
    huge = sinkhorn(q, k, v, eps, la, lb, math.inf, T=5, marginal="relaxed", **RUN)[0]
    assert torch.equal(huge, sinkhorn(q, k, v, eps, la, lb, T=5, **RUN)[0])


def test_two_by_two_has_a_closed_form() -> None:
    scores = torch.tensor([[0.3, -1.1], [0.8, 0.5]], dtype=torch.float64)
    eye = torch.eye(2, dtype=torch.float64)
    o, *_ = sinkhorn(scores, eye, eye, 1.0, T=81, **RUN)
    assert o[0, 0].item() == pytest.approx(0.634135591010801, rel=1e-13)


def test_the_certificate_is_the_mass_of_the_columns() -> None:
    q, k, _, eps, la, lb = (x.detach() for x in drawn(40, 30, 8, 4, torch.float32))
    gaps = []
    for T in (1, 3, 41):
        weights, row, column, mass = sinkhorn(q, k, torch.eye(30), eps, la, lb, T=T, **RUN)
        a, b = torch.softmax(la.double(), -1), torch.softmax(lb.double(), -1)
        assert torch.allclose(mass.double(), (a[:, None] * weights.double()).sum(1), rtol=1e-4)
        found = column_certificate(q, k, eps, row, column, mass, la, lb)
        wide = (q.double(), k.double(), torch.eye(30).double(), eps.double(), la, lb)
        true = (sinkhorn_reference(*wide, T=T)[3] - b).abs().sum(-1)
        assert ((found.gap - true).abs() <= found.rounding).all()
        gaps.append(found.gap.max().item())
    assert gaps[0] > gaps[1] > gaps[2]
    relaxed = sinkhorn(q, k, k, eps, la, lb, 0.8, T=61, marginal="relaxed", **RUN)
    found = column_certificate(q, k, eps, *relaxed[1:], la, lb, 0.8)
    assert (found.gap <= found.rounding).all()


@pytest.mark.unwatched
def test_memory_is_linear() -> None:
    n, d = 130, 16
    q, k, v = (torch.randn(n, d, requires_grad=True) for _ in range(3))
    with Largest() as seen:
        sinkhorn(q, k, v, 4.5, T=3, **RUN)[0].sum().backward()
    assert seen.entries == n * d
    with Largest() as seen:
        sinkhorn_reference(q, k, v, 4.5, T=3)
    assert seen.entries == n * n


@pytest.mark.unwatched
def test_bits_do_not_depend_on_the_order_of_programs() -> None:
    inputs = drawn(70, 66, 8, 4, torch.float32)

    def run(order: Any) -> list[Any]:
        with sanitizer.watch(order=order):
            out = sinkhorn(*inputs, T=3, **RUN)
            return [*out, *torch.autograd.grad(out[0].sum() + out[3].square().sum(), inputs)]

    for a, b in zip(run("natural"), run(7), strict=True):
        assert torch.equal(a, b)


def test_refusals() -> None:
    q = torch.ones(4, 4)
    with pytest.raises(DomainError, match="1, 3, 5"):
        sinkhorn(q, q, q, 1.0, T=4)
    with pytest.raises(DomainError, match="needs one"):
        sinkhorn(q, q, q, 1.0, marginal="relaxed")
    with pytest.raises(UnknownKey, match="balanced"):
        sinkhorn(q, q, q, 1.0, marginal="balancd")
    with pytest.raises(DomainError, match="temperature eps"):
        sinkhorn(q, q, q, 0.0)
    with pytest.raises(ShapeError, match="lb"):
        sinkhorn(q, q, q, 1.0, lb=torch.zeros(5))
    with pytest.raises(DTypeError, match="float64"):
        sinkhorn(q, q, q.double(), 1.0)
    with pytest.raises(DomainError, match=r"plain tf32 would bend the plan by 0\.02"):
        sinkhorn(q, q, q, 0.1, dot="tf32", **RUN)
    sinkhorn(q, q, q, 0.6, dot="tf32", **RUN)


def test_lints() -> None:
    q = torch.ones(4, 16)
    with pytest.warns(UserWarning, match="degenerate"):
        sinkhorn(q, q, q, 1.0, causal=True)
    with pytest.warns(UserWarning, match="multiplies the scores"):
        sinkhorn(q, q, q, 0.25)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sinkhorn(q, q, q, 4.0)


def test_nan_and_empty_batches() -> None:
    q, k, v = torch.randn(70, 8), torch.randn(66, 8), torch.randn(66, 4)
    q[66] = math.nan
    assert sinkhorn(q, k, v, 1.0, T=1, **RUN)[0].isnan().any(-1).nonzero().flatten().tolist() == [66]
    out = sinkhorn(*(torch.zeros(0, *x.shape) for x in (q, k, v)), 1.0, **RUN)
    assert [x.shape for x in out] == [(0, 70, 4), (0, 70), (0, 66), (0, 66)]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_light_key_gets_no_gradient_from_the_rounding_of_the_output(dtype: Any) -> None:
    q, k, v, *_ = (x.detach().abs().to(dtype) for x in drawn(4, 3, 8, 16))
    k[:, 2] = -50  # nobody attends to this key, though it has a third of the mass
    lb = torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
    out = sinkhorn(q, k, v, 1.0, lb=lb, T=1, **RUN)[0]
    (given,) = torch.autograd.grad(out.float().sum(), lb)
    assert given.abs().max() > 0
    assert given[:, 2].abs().max() <= 1e-6 * given.abs().max()
