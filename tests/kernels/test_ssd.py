"""Chunked scans with scalar decay: kernels against twin and theorem, strong decay, head groups, states handed on."""

import numpy as np
import pytest
import torch

from dltsym.errors import DltsymError, DomainError, DTypeError, ShapeError
from dltsym.implementation import implementation_of
from dltsym.kernels.scan import selective_scan
from dltsym.kernels.ssd import ssd
from dltsym.kernels.ssd.cases import CASES
from dltsym.oracle import run, sanitizer
from dltsym.oracle.adapters import candidate
from dltsym.oracle.cases import make_inputs
from dltsym.oracle.statement import spec_of
from dltsym.oracle.tolerance import tolerance

BY_NAME = {c.name: c for c in CASES}


def told(f):
    found = implementation_of(f)
    assert found is not None
    return found


def draw(*shapes, seed=0, dtype=torch.float64):
    g = torch.Generator().manual_seed(seed)
    return [torch.randn(s, generator=g, dtype=torch.float64).to(dtype) for s in shapes]


def drawn(case, dtype):
    arrays = make_inputs(spec_of("ssm.ssd"), case, dtype)
    return {k: torch.tensor(a, dtype=getattr(torch, dtype)).requires_grad_() for k, a in arrays.items()}


def results(x, backend, **options):
    """Return outputs and gradients, by name."""
    out = ssd(**x, backend=backend, **options)
    weight = draw(*(y.shape for y in out), seed=5)
    loss = torch.stack([(w * y).sum() for w, y in zip(weight, out, strict=True)]).sum()
    slopes = torch.autograd.grad(loss, list(x.values()))
    return {n: v.detach() for n, v in zip(("y", "h", *x), (*out, *slopes), strict=True)}


@pytest.mark.parametrize("case", [c for c in CASES[::3] if c.sizes["T"] < 200], ids=lambda c: c.name)
def test_double_precision_agrees_with_the_twin(case) -> None:
    x = drawn(case, "float64")
    expected = results(x, "torch")
    for name, got in results(x, "triton").items():
        assert (got - expected[name]).abs().max() <= 1e-12 * (1e-9 + expected[name].abs().max()), name


@pytest.mark.parametrize(
    ("dtype", "name"),
    [
        ("float64", "17 steps"), ("float32", "1 step"), ("float32", "decay 12"), ("float32", "mixed decay"),
        ("float32", "40 states"), ("float16", "decay 12"), ("bfloat16", "17 steps"),
    ],
)  # fmt: skip
def test_within_the_tolerance_of_the_theorem(dtype: str, name: str) -> None:
    spec, grads = spec_of("ssm.ssd"), told(ssd).grads
    result = run.run_case(spec, candidate(ssd, spec), BY_NAME[name], dtype, grads)
    assert result.verdict == "pass", result.message


@pytest.mark.parametrize("backend", ["torch", "triton"])
def test_published_value(backend: str) -> None:
    x, log_a = torch.tensor([[1.0], [2.0]]), torch.tensor([0.0, 0.5]).log()
    B, C = torch.tensor([[1.0, 0.0], [1.0, 1.0]]), torch.tensor([[1.0, 1.0], [2.0, 1.0]])
    y, h = ssd(x, log_a, B, C, backend=backend)
    assert y[:, 0].tolist() == pytest.approx([1, 7])
    assert h[:, 0].tolist() == pytest.approx([2.5, 2])


def test_gradcheck_in_every_input() -> None:
    x, log_a, B, C, h0 = (t.requires_grad_() for t in draw((3, 2), (3,), (3, 1), (3, 1), (1, 2), seed=1))

    def scan(x, log_a, *rest):
        return ssd(x, -log_a.abs(), *rest, chunk=16, backend="triton")

    assert torch.autograd.gradcheck(scan, (x, log_a, B, C, h0), atol=1e-7)


@pytest.mark.parametrize("name", ["decay 30", "decay of a few percent"])
def test_the_chunk_changes_rounding_errors_only(name: str) -> None:
    spec, arithmetic = spec_of("ssm.ssd"), told(ssd).arithmetic("float32")
    arrays = make_inputs(spec, BY_NAME[name], "float32")
    limit = tolerance(spec, arrays, {}, arithmetic).limit
    x = {k: torch.tensor(a, dtype=torch.float32) for k, a in arrays.items()}
    found = [ssd(**x, chunk=q, backend="triton") for q in (32, 64, 256)]
    for other in found[1:]:
        for part, a, b in zip(("y", "h"), found[0], other, strict=True):
            assert np.all((a - b).abs().double().numpy() <= 2 * limit[part]), part


@pytest.mark.parametrize("cut", [64, 100])
def test_a_sequence_continues_from_its_state(cut: int) -> None:
    x = {k: t.detach() for k, t in drawn(BY_NAME["130 steps"], "float64").items()}
    whole = ssd(**x, backend="triton")
    rows = {k: t for k, t in x.items() if k != "h0"}
    first = ssd(**{k: t[:, :cut] for k, t in rows.items()}, h0=x["h0"], backend="triton")
    second = ssd(**{k: t[:, cut:] for k, t in rows.items()}, h0=first[1], backend="triton")
    assert torch.allclose(torch.cat((first[0], second[0]), 1), whole[0], rtol=0, atol=1e-12)
    assert torch.allclose(second[1], whole[1], rtol=0, atol=1e-12)


def test_it_is_masked_attention_and_a_selective_scan() -> None:
    x, log_a, B, C = draw((40, 3), (40,), (40, 2), (40, 2), seed=2)
    log_a = -log_a.abs()
    y, h = ssd(x, log_a, B, C, backend="triton")
    segments = torch.stack([torch.where(torch.arange(40) > s, log_a, 0).cumsum(0) for s in range(40)], 1)
    assert torch.allclose(y, (segments.exp().tril() * (C @ B.T)) @ x, rtol=1e-12)
    steps = (-log_a)[:, None].expand(40, 3)
    scan, state = selective_scan(
        x / steps, steps, -torch.ones(3, 2, dtype=x.dtype), B, C, mode="euler", softplus=False, backend="triton"
    )
    assert torch.allclose(y, scan, rtol=1e-10)
    assert torch.allclose(h, state.T, rtol=1e-10)


def test_heads_in_a_row_share_a_group() -> None:
    x, log_a, B, C = draw((6, 20, 3), (6, 20), (2, 20, 2), (2, 20, 2), seed=3)
    given = {"x": x, "log_a": -log_a.abs(), "B": B, "C": C}
    given = {k: t.requires_grad_() for k, t in given.items()}
    whole = {k: t.detach().repeat_interleave(3, 0) if k in "BC" else t.detach() for k, t in given.items()}
    got, wide = results(given, "triton"), results({k: t.requires_grad_() for k, t in whole.items()}, "triton")
    assert torch.equal(got["y"], wide["y"])
    assert torch.equal(got["h"], wide["h"])
    summed = wide["B"].reshape(2, 3, 20, 2).sum(1)
    assert torch.allclose(got["B"], summed, rtol=1e-12)
    assert torch.allclose(got["x"], wide["x"], rtol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_decay_of_zero_forgets_everything(dtype: torch.dtype) -> None:
    x, log_a, B, C = draw((70, 3), (70,), (70, 2), (70, 2), dtype=dtype)
    log_a = torch.where(torch.arange(70) == 66, float("-inf"), -log_a.abs())
    first = [t.requires_grad_() for t in (x, log_a, B, C)]
    y, h = ssd(*first, backend="triton")
    rest, last = ssd(*(t[66:] for t in first), backend="triton")
    assert torch.allclose(y[66:].float(), rest.float(), rtol=2e-2 if dtype == torch.bfloat16 else 1e-5, atol=1e-5)
    assert torch.allclose(h, last, rtol=1e-2 if dtype == torch.bfloat16 else 1e-5, atol=1e-5)
    slopes = torch.autograd.grad(y.float().sum() + h.sum(), first)
    assert all(g.isfinite().all() for g in slopes)


def test_two_runs_give_the_same_bits() -> None:
    x = drawn(BY_NAME["70 steps, batch 2, 2 heads share B and C"], "float32")
    once = results(x, "triton")
    with sanitizer.watch(order="reverse"):
        backwards = results(x, "triton")
    for name, value in once.items():
        assert torch.equal(value, backwards[name]), name


def test_empty_sequences_and_batches() -> None:
    x, log_a, B, C, h0 = draw((2, 0, 3), (2, 0), (2, 0, 2), (2, 0, 2), (2, 2, 3))
    for backend in ("torch", "triton"):
        y, h = ssd(x, log_a, B, C, h0, backend=backend)
        assert y.shape == (2, 0, 3)
        assert torch.equal(h, h0)
        y, h = ssd(*(t[:0] for t in (x, log_a, B, C)), backend=backend)
        assert y.shape == (0, 0, 3)
        assert h.shape == (0, 2, 3)


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"chunk": 8}, DomainError, "power of two from 16 to 256"),
        ({"chunk": 96}, DomainError, "power of two"),
        ({"B": torch.zeros(5, 300), "C": torch.zeros(5, 300)}, DomainError, "at most 256"),
        ({"log_a": torch.zeros(4)}, ShapeError, "log_a must be"),
        ({"x": torch.zeros(4, 5, 2), "B": torch.zeros(3, 5, 2)}, ShapeError, "do not fall into 3 groups"),
        ({"x": torch.zeros(2, 4, 5, 2), "B": torch.zeros(3, 1, 5, 2)}, ShapeError, "do not broadcast"),
        ({"C": torch.zeros(5, 2, dtype=torch.complex64)}, DTypeError, "C cannot be complex64"),
    ],
)
def test_bad_input_is_explained(change, error, text: str) -> None:
    good = {"x": torch.zeros(5, 2), "log_a": torch.zeros(5), "B": torch.zeros(5, 2), "C": torch.zeros(5, 2)}
    with pytest.raises(error, match=text) as caught:
        ssd(**{**good, **change})
    assert isinstance(caught.value, DltsymError)
