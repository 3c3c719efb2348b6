"""Selective scans, real and in conjugate pairs: kernels against twin and theorem, tails, chunks, states handed on."""

import math

import numpy as np
import pytest
import torch
from largest import Largest

from dltsym.errors import DltsymError, DomainError, DTypeError, ShapeError
from dltsym.implementation import implementation_of
from dltsym.kernels.scan import complex_scan, launching, selective_scan
from dltsym.kernels.scan.cases import CASES, PAIRS
from dltsym.oracle import run, sanitizer
from dltsym.oracle.adapters import candidate
from dltsym.oracle.cases import make_inputs
from dltsym.oracle.statement import spec_of
from dltsym.oracle.tolerance import tolerance

KEYS = {selective_scan: "ssm.selective_scan", complex_scan: "ssm.complex_scan"}
BY_NAME = {c.name: c for c in CASES}
LN2 = math.log(2)


def told(f):
    found = implementation_of(f)
    assert found is not None
    return found


def draw(*shapes, seed=0, dtype=torch.float64):
    g = torch.Generator().manual_seed(seed)
    return [torch.randn(s, generator=g, dtype=torch.float64).to(dtype) for s in shapes]


def drawn(f, case, dtype):
    arrays = make_inputs(spec_of(KEYS[f]), case, dtype)
    return {k: torch.tensor(a, dtype=getattr(torch, dtype)).requires_grad_() for k, a in arrays.items()}


def results(f, case, backend, **options):
    """Return outputs and gradients in double precision, by name."""
    x = drawn(f, case, "float64")
    out = f(**x, **case.modes, backend=backend, **options)
    weight = draw(*(y.shape for y in out), seed=5)
    loss = torch.stack([(w * y).sum() for w, y in zip(weight, out, strict=True)]).sum()
    slopes = torch.autograd.grad(loss, list(x.values()))
    names = (*told(f).outputs, *x)
    return {n: v.detach() for n, v in zip(names, (*out, *slopes), strict=True)}


@pytest.mark.parametrize(
    ("f", "case"),
    [(selective_scan, c) for c in CASES[1::4]] + [(complex_scan, c) for c in PAIRS[1:3]],
    ids=lambda x: getattr(x, "name", getattr(x, "__name__", "")),
)
def test_double_precision_agrees_with_the_twin(f, case) -> None:
    expected = results(f, case, "torch")
    for name, got in results(f, case, "triton").items():
        assert (got - expected[name]).abs().max() <= 1e-12 * (1e-9 + expected[name].abs().max()), name


@pytest.mark.parametrize(
    ("dtype", "name"),
    [
        ("float64", "2 steps"),
        ("float32", "1 step"), ("float32", "own sizes"), ("float32", "130 steps zoh"),
        ("float32", "tiny and huge steps"), ("float32", "strong decay"),
        ("float16", "17 steps"), ("bfloat16", "50 steps"),
    ],
)  # fmt: skip
def test_within_the_tolerance_of_the_theorem(dtype: str, name: str) -> None:
    spec, grads = spec_of("ssm.selective_scan"), told(selective_scan).grads
    result = run.run_case(spec, candidate(selective_scan, spec), BY_NAME[name], dtype, grads)
    assert result.verdict == "pass", result.message


@pytest.mark.parametrize("dtype", ["float32"])
def test_pairs_are_within_the_tolerance_of_the_theorem(dtype: str) -> None:
    spec, grads = spec_of("ssm.complex_scan"), told(complex_scan).grads
    result = run.run_case(spec, candidate(complex_scan, spec), PAIRS[1], dtype, grads)
    assert result.verdict == "pass", result.message


@pytest.mark.parametrize("f", [selective_scan, complex_scan], ids=["real", "complex"])
def test_no_array_of_all_steps_channels_and_states(f, monkeypatch) -> None:
    steps, channels, states = 130, 24, 4
    monkeypatch.setattr(launching, "PROGRAMS", 2)
    shapes = ((steps, channels), (steps, channels), (channels, states), (steps, states), (steps, states))
    u, raw, A, B, C = (x.requires_grad_() for x in draw(*shapes, dtype=torch.float32))
    more = {"A_im": A.detach()} if f is complex_scan else {}
    with Largest() as seen:
        out = f(u=u, raw=raw, A=-A.abs(), B=B, C=C, mode="zoh", backend="triton", **more)
        torch.autograd.grad(out[0].sum(), (u, raw, A, B, C))
    assert seen.entries <= steps * max(channels, 2 * states)


def test_sums_over_channels_do_not_depend_on_how_launches_are_grouped(monkeypatch) -> None:
    case = next(c for c in CASES if c.sizes["E"] > launching.CHANNELS)
    whole = results(selective_scan, case, "triton")
    monkeypatch.setattr(launching, "PROGRAMS", 1)
    for name, got in results(selective_scan, case, "triton").items():
        assert (got - whole[name]).abs().max() <= 1e-14 * whole[name].abs().max(), name


@pytest.mark.parametrize("backend", ["torch", "triton"])
def test_published_values(backend: str) -> None:
    one = torch.ones(3, 1, dtype=torch.float64)
    u, A = torch.tensor([[1.0], [2.0], [3.0]], dtype=torch.float64), -one[:1]
    euler, _ = selective_scan(u, 0 * one, A, one, one, mode="euler", backend=backend)
    hold, last = selective_scan(u, 0 * one, A, one, one, mode="zoh", backend=backend)
    expected = [0.6931471805599453, 1.7328679513998633, 2.9458755173797675]
    assert euler[:, 0].tolist() == pytest.approx(expected, rel=1e-15)
    assert hold[:, 0].tolist() == pytest.approx([0.5, 1.25, 2.125], rel=1e-15)
    assert last.item() == pytest.approx(2.125)


def test_gradcheck_in_every_input() -> None:
    shapes = ((3, 1), (3, 1), (1, 2), (3, 2), (3, 2), (1,), (3, 1), (1,), (1, 2))
    x = [t.requires_grad_() for t in draw(*shapes, seed=1)]

    def scan(u, raw, A, *rest):
        return selective_scan(u, raw, -A.abs(), *rest, mode="zoh", chunk=2, backend="triton")

    assert torch.autograd.gradcheck(scan, x, atol=1e-7)


def test_gradcheck_of_pairs() -> None:
    u, raw, D = draw((3, 1), (3, 1), (1,), seed=2)
    A, B, C, h0 = (torch.complex(*draw(s, s, seed=k)) for k, s in enumerate(((1, 1), (3, 1), (3, 1), (1, 1))))
    x = [t.requires_grad_() for t in (u, raw, A, B, C, D, h0)]

    def scan(u, raw, A, B, C, D, h0):
        return selective_scan(u, raw, A, B, C, D, h0=h0, mode="zoh", chunk=2, backend="triton")

    assert torch.autograd.gradcheck(scan, x, atol=1e-7)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_chunk_changes_rounding_errors_only(dtype: str) -> None:
    case = BY_NAME["130 steps zoh"]
    spec, arithmetic = spec_of("ssm.selective_scan"), told(selective_scan).arithmetic(dtype)
    arrays = make_inputs(spec, case, dtype)
    limit = tolerance(spec, arrays, case.modes, arithmetic).limit
    x = {k: torch.tensor(a, dtype=getattr(torch, dtype)) for k, a in arrays.items()}
    found = [selective_scan(**x, **case.modes, chunk=q, backend="triton") for q in (16, 64, 256)]
    for other in found[1:]:
        for name, a, b in zip(("y", "h"), found[0], other, strict=True):
            assert np.all((a - b).abs().double().numpy() <= 2 * limit[name]), name


@pytest.mark.parametrize("cut", [17, 64])
def test_a_sequence_continues_from_its_state(cut: int) -> None:
    case = BY_NAME["130 steps"]
    x = {k: t.detach() for k, t in drawn(selective_scan, case, "float64").items()}
    whole = selective_scan(**x, **case.modes, backend="triton")
    rows = {k: t for k, t in x.items() if k in ("u", "raw", "z", "B", "C")}
    first = selective_scan(**{**x, **{k: t[:, :cut] for k, t in rows.items()}}, **case.modes, backend="triton")
    rest = {**x, **{k: t[:, cut:] for k, t in rows.items()}, "h0": first[1]}
    second = selective_scan(**rest, **case.modes, backend="triton")
    assert torch.allclose(torch.cat((first[0], second[0]), 1), whole[0], rtol=0, atol=1e-13)
    assert torch.allclose(second[1], whole[1], rtol=0, atol=1e-13)


def test_tiny_and_huge_steps() -> None:
    one = torch.ones(2, 1)
    tiny, _ = selective_scan(one, -19 * one, -one[:1], one, one, mode="zoh", backend="triton")
    assert tiny[0].item() == pytest.approx(math.log1p(math.exp(-19)), rel=1e-6)
    assert tiny[1].item() == pytest.approx(2 * math.log1p(math.exp(-19)), rel=1e-6)
    huge, _ = selective_scan(one, 20 * one, -one[:1], one, one, mode="euler", backend="triton")
    assert huge[0].item() == pytest.approx(20, rel=1e-6)


@pytest.mark.parametrize("mode", ["euler", "zoh"])
def test_strong_decay_keeps_gradients_finite(mode: str) -> None:
    u, raw, B, C = (t.requires_grad_() for t in draw((70, 2), (70, 2), (70, 1), (70, 1), dtype=torch.float32))
    A = torch.full((2, 1), -200.0, requires_grad=True)
    y, h = selective_scan(u, raw, A, B, C, mode=mode, backend="triton")
    slopes = torch.autograd.grad(y.sum() + h.sum(), (u, raw, A, B, C))
    assert all(g.isfinite().all() for g in slopes)


def test_real_rates_as_pairs_read_twice_the_state() -> None:
    u, raw, A, B, C = draw((2, 20, 3), (2, 20, 3), (3, 2), (2, 20, 2), (2, 20, 2), seed=3)
    real, state = selective_scan(u, raw, -A.abs(), B, C, mode="zoh", backend="triton")
    twice, pair = selective_scan(u, raw, (-A.abs()).to(torch.complex128), B, C, mode="zoh", backend="triton")
    assert torch.allclose(twice, 2 * real, rtol=1e-13)
    assert torch.allclose(pair.real, state, rtol=1e-13)
    assert pair.imag.abs().max() == 0


def test_a_trailing_axis_of_two_stands_for_complex() -> None:
    u, raw, A, B, C = draw((9, 3), (9, 3), (3, 2, 2), (9, 2, 2), (9, 2, 2), seed=4)
    y, h = selective_scan(u, raw, A, B, C, mode="euler", backend="triton")
    whole = [torch.view_as_complex(t) for t in (A, B, C)]
    expected, state = selective_scan(u, raw, *whole, mode="euler", backend="torch")
    assert torch.allclose(y, expected, rtol=1e-12)
    assert h.shape == (3, 2, 2)
    assert torch.allclose(torch.view_as_complex(h), state, rtol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_the_state_is_in_single_precision(dtype: torch.dtype) -> None:
    u, raw, A, B, C = draw((130, 2), (130, 2), (2, 2), (130, 2), (130, 2), dtype=dtype)
    y, h = selective_scan(u, raw, -A.abs(), B, C, mode="euler", backend="triton")
    assert (y.dtype, h.dtype) == (dtype, torch.float32)
    _, exact = selective_scan(*(t.double() for t in (u, raw, -A.abs(), B, C)), mode="euler")
    assert (h - exact).abs().max() <= 1e-5 * exact.abs().max()


def test_empty_sequences_and_batches() -> None:
    u, raw, A, B, C, h0 = draw((2, 0, 3), (2, 0, 3), (3, 2), (2, 0, 2), (2, 0, 2), (2, 3, 2))
    for backend in ("torch", "triton"):
        y, h = selective_scan(u, raw, -A.abs(), B, C, h0=h0, mode="zoh", backend=backend)
        assert y.shape == (2, 0, 3)
        assert torch.equal(h, h0)
        none = [t[:0] for t in (u, raw)] + [A] + [t[:0] for t in (B, C)]
        y, h = selective_scan(*none, mode="zoh", backend=backend)
        assert y.shape == (0, 0, 3)
        assert h.shape == (0, 3, 2)


def test_leading_dimensions_broadcast() -> None:
    u, raw, A, B, C = draw((2, 3, 9, 2), (3, 9, 2), (2, 2), (2, 1, 9, 2), (9, 2))
    y, h = selective_scan(u, raw, -A.abs(), B, C, mode="euler", backend="triton")
    assert y.shape == (2, 3, 9, 2)
    assert h.shape == (2, 3, 2, 2)
    alone, _ = selective_scan(u[1, 2], raw[2], -A.abs(), B[1, 0], C, mode="euler", backend="triton")
    assert torch.equal(y[1, 2], alone)


def test_two_runs_give_the_same_bits() -> None:
    case = BY_NAME["130 steps"]
    once, again = (results(selective_scan, case, "triton") for _ in range(2))
    with sanitizer.watch(order="reverse"):
        backwards = results(selective_scan, case, "triton")
    for name, value in once.items():
        assert all(torch.equal(value, other[name]) for other in (again, backwards)), name


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"mode": "foh"}, DomainError, "mode must be one of euler, zoh"),
        ({"chunk": 48}, DomainError, "power of two"),
        ({"gate": True}, DomainError, "z is absent"),
        ({"B": torch.zeros(5, 3)}, ShapeError, "B must be"),
        ({"A": torch.zeros(2)}, ShapeError, "A is"),
        ({"D": torch.zeros(3)}, ShapeError, "D must be"),
        ({"u": torch.zeros(5, 2, dtype=torch.int64)}, DTypeError, "u cannot be int64"),
        ({"C": torch.zeros(5, 2, dtype=torch.complex64)}, DomainError, "A must be complex too"),
        ({"raw": torch.zeros(2, 5, 2), "B": torch.zeros(3, 5, 2)}, ShapeError, "do not broadcast"),
    ],
)
def test_bad_input_is_explained(change, error, text: str) -> None:
    good = {"u": torch.zeros(5, 2), "raw": torch.zeros(5, 2), "A": -torch.ones(2, 2)}
    good |= {"B": torch.zeros(5, 2), "C": torch.zeros(5, 2), "mode": "euler"}
    with pytest.raises(error, match=text) as caught:
        selective_scan(**{**good, **change})
    assert isinstance(caught.value, DltsymError)


def test_there_is_no_default_input_weight() -> None:
    x = [torch.zeros(5, 2), torch.zeros(5, 2), -torch.ones(2, 2), torch.zeros(5, 2), torch.zeros(5, 2)]
    with pytest.raises(TypeError, match="mode"):
        selective_scan(*x)  # pyright: ignore[reportCallIssue]
