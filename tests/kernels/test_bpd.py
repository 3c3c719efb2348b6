"""Smoothed bits per token and token sums: cases of the oracle, closed values, masks, edges, memory, bits."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the torch backend is optional: pip install dltsym[torch]")
pytest.importorskip("triton", reason="the triton backend is optional: pip install dltsym[gpu]")

from largest import Largest  # noqa: E402

from dltsym.errors import DomainError, DTypeError, ShapeError  # noqa: E402
from dltsym.implementation import implementation_of  # noqa: E402
from dltsym.kernels.bpd import smoothed_bpd, smoothed_bpd_reference, token_sums, token_sums_reference  # noqa: E402
from dltsym.oracle import sanitizer  # noqa: E402
from dltsym.oracle.adapters import candidate  # noqa: E402
from dltsym.oracle.run import run_case  # noqa: E402
from dltsym.oracle.statement import spec_of  # noqa: E402

DTYPES = ("float64", "float32", "float16", "bfloat16")
RUN: dict[str, Any] = {"backend": "triton"}


def judged(function: Any, name: str, dtype: str, grads: tuple[str, ...] = ()) -> None:
    told = implementation_of(function)
    assert told is not None
    (case,) = (c for c in told.cases if c.name == name)
    spec = spec_of(told.key)
    result = run_case(spec, candidate(function, spec), case, dtype, grads)
    assert result.verdict == "pass", result


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["one token", "two blocks of words", "far below", "sure and right"])
def test_within_the_derived_tolerance(name: str, dtype: str) -> None:
    judged(smoothed_bpd, name, dtype, ("z",))


@pytest.mark.parametrize("name", ["sure and wrong", "uniform", "hidden words", "many words"])
def test_hard_values(name: str) -> None:
    judged(smoothed_bpd, name, "float32", ("z",))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["one token", "tokens", "small"])
def test_token_sums(name: str, dtype: str) -> None:
    judged(token_sums, name, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_twin_keeps_the_mass_of_the_others_too(dtype: str) -> None:
    told = implementation_of(smoothed_bpd)
    assert told is not None
    (case,) = (c for c in told.cases if c.name == "sure and right")
    spec = spec_of(told.key)
    twin = candidate(smoothed_bpd_reference, spec, told=replace(told, backend="torch"))
    assert run_case(spec, twin, case, dtype, ("z",)).verdict == "pass"


def test_the_uniform_model_has_log_v_bits_for_every_weight() -> None:
    al = torch.tensor([1e-4, 0.1, 0.5])
    mean, bits, entropy = smoothed_bpd(torch.full((5, 1000), 7.0), torch.arange(5), al, **RUN)
    assert bits.flatten().tolist() == pytest.approx([math.log2(1000)] * 15, rel=1e-6)
    assert mean.tolist() == pytest.approx([math.log2(1000)] * 3, rel=1e-6)
    assert entropy.tolist() == pytest.approx([math.log(1000)] * 5, rel=1e-6)


def test_code_lengths_stay_in_their_interval() -> None:
    al, words = torch.tensor([0.1, 0.5]), 1000
    z = torch.full((2, words), -60.0)
    z[:, 3] = 60.0
    _, bits, _ = smoothed_bpd(z, torch.tensor([3, 4]), al, **RUN)
    for row, ends in zip(bits.T.tolist(), (0.1, 0.5), strict=True):
        assert row[0] == pytest.approx(-math.log2(1 - ends + ends / words), rel=1e-5)
        assert row[1] == pytest.approx(math.log2(words / ends), rel=1e-6)


def test_masked_tokens_enter_nothing() -> None:
    z, y, al = torch.randn(2, 40, 37), torch.randint(0, 37, (2, 40)), torch.tensor([0.2])
    keep = torch.rand(2, 40) > 0.3
    keep[:, 0] = True
    z.requires_grad_()
    mean, bits, entropy = smoothed_bpd(z, torch.where(keep, y, -100), al, keep, **RUN)
    for document in range(2):
        own = smoothed_bpd_reference(z[document, keep[document]], y[document, keep[document]], al)
        assert torch.allclose(mean[document], own[0], rtol=1e-6)
    assert not bits[~keep].any()
    assert not entropy[~keep].any()
    (g,) = torch.autograd.grad(mean.sum() + entropy.sum(), z)
    assert not g[~keep].any()
    assert g[keep].isfinite().all()


@pytest.mark.parametrize("gap", [6.0, 20.0, 60.0])
@pytest.mark.parametrize(("place", "words"), [(2, 8), (0, 150), (130, 150)])  # one block of words; first, last of three
def test_a_sure_model_keeps_the_mass_of_the_others(gap: float, place: int, words: int) -> None:
    z = torch.zeros(1, words)
    z[0, place] = gap
    z.requires_grad_()
    _, bits, entropy = smoothed_bpd(z, torch.tensor([place]), torch.tensor([0.25]), **RUN)
    p = (words - 1) * math.exp(-gap) / (1 + (words - 1) * math.exp(-gap))
    share = 0.75 * (1 - p) / (0.75 * (1 - p) + 0.25 / words)
    (g,) = torch.autograd.grad(bits.sum(), z, retain_graph=True)
    assert g[0, place].item() == pytest.approx(-p * share / math.log(2), rel=3e-6, abs=0)
    assert g.sum().item() == pytest.approx(0.0, abs=1e-6 * p)
    rest = p / (words - 1)
    assert entropy.item() == pytest.approx(-p * math.log(rest) - (1 - p) * math.log1p(-p), rel=3e-6, abs=0)
    (h,) = torch.autograd.grad(entropy.sum(), z)
    assert h[0, place].item() == pytest.approx(-p * (1 - p) * gap, rel=3e-6, abs=0)


def test_gradients_against_finite_differences() -> None:
    z = torch.randn(3, 5, dtype=torch.float64, requires_grad=True)
    al = torch.tensor([0.1, 0.6], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: smoothed_bpd(x, torch.tensor([0, 4, 2]), al, **RUN), (z,))


@pytest.mark.unwatched
def test_memory_is_that_of_the_tokens() -> None:
    z, y, al = torch.randn(64, 1000), torch.randint(0, 1000, (64,)), torch.tensor([0.1, 0.5])
    with Largest() as seen:
        smoothed_bpd(z, y, al, **RUN)
    assert seen.entries <= 64 * 8
    with Largest() as seen:
        smoothed_bpd_reference(z, y, al)
    assert seen.entries == 64 * 1000


@pytest.mark.unwatched
def test_bits_do_not_depend_on_the_order_of_programs() -> None:
    z, y, al = torch.randn(70, 150, requires_grad=True), torch.randint(0, 150, (70,)), torch.rand(5) / 2 + 0.1

    def run(order: Any) -> list[Any]:
        with sanitizer.watch(order=order):
            out = smoothed_bpd(z, y, al, **RUN)
            return [*out, *torch.autograd.grad(out[0].sum() + out[2].sum(), z), token_sums(al, al, **RUN)]

    for a, b in zip(run("natural"), run(7), strict=True):
        assert torch.equal(a, b)


def test_sums_of_many_tokens_keep_their_digits() -> None:
    A, s = torch.rand(5000) * 1e-3, torch.tensor([0.01, 0.9])
    assert torch.allclose(token_sums(A, s, **RUN), token_sums_reference(A, s), rtol=3e-7)


def test_edges() -> None:
    al = torch.tensor([0.1])
    out = smoothed_bpd(torch.zeros(0, 4, 8), torch.zeros(0, 4, dtype=torch.int64), al, **RUN)
    assert [x.shape for x in out] == [(0, 1), (0, 4, 1), (0, 4)]
    z = torch.randn(3, 8)
    z[1] = -math.inf
    z[2, 0] = math.nan
    bits = smoothed_bpd(z, torch.tensor([0, 1, 2]), al, **RUN)[1][:, 0]
    assert bits.isnan().tolist() == [False, True, True]
    wide = torch.randn(4, 16)
    given = (wide[:, ::2], torch.tensor([0, 1, 2, 3]), al)
    assert torch.allclose(smoothed_bpd(*given, **RUN)[1], smoothed_bpd_reference(*given)[1], rtol=1e-6)


def test_errors_say_what_was_given() -> None:
    z, y, al = torch.zeros(4, 8), torch.zeros(4, dtype=torch.int64), torch.tensor([0.1])
    with pytest.raises(DomainError, match=r"in \(0, 1\)"):
        smoothed_bpd(z, y, torch.tensor([0.0]))
    with pytest.raises(DomainError, match="0 to 7"):
        smoothed_bpd(z, y + 8, al)
    with pytest.raises(DomainError, match="at least 2"):
        smoothed_bpd(z[:, :1], y, al)
    with pytest.raises(DTypeError, match="integer targets"):
        smoothed_bpd(z, y.float(), al)
    with pytest.raises(ShapeError, match="grid"):
        smoothed_bpd(z, y, al[0])
    with pytest.raises(ShapeError, match="token_sums"):
        token_sums(z, al)
