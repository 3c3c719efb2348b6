"""What the interpreter hides and the sanitizer finds; every bug here passes without it, or breaks the process."""

from typing import Any

import pytest
import torch

pytest.importorskip("triton", reason="the triton backend is optional: pip install dltsym[gpu]")
import triton
import triton.language as tl

from dltsym.kernels.launch import launch
from dltsym.oracle import sanitizer

pytestmark = pytest.mark.skipif(torch.cuda.is_available(), reason="the interpreter is for machines without a device")


@triton.jit
def mean(x, out, n, B: tl.constexpr):
    i = tl.arange(0, B)
    tl.store(out, tl.sum(tl.load(x + i, mask=i < n), axis=0) / n)


@triton.jit
def no_tail(x, out, n, B: tl.constexpr):
    i = tl.program_id(0) * B + tl.arange(0, B)
    tl.store(out + i, 2.0 * tl.load(x + i, mask=i < n, other=0.0))


@triton.jit
def tail(x, out, n, B: tl.constexpr):
    i = tl.program_id(0) * B + tl.arange(0, B)
    tl.store(out + i, 2.0 * tl.load(x + i, mask=i < n, other=0.0), mask=i < n)


@triton.jit
def accumulate(x, out, n, B: tl.constexpr):
    i = tl.program_id(0) * B + tl.arange(0, B)
    tl.store(out, tl.load(out) + tl.sum(tl.load(x + i, mask=i < n, other=0.0), axis=0))


@triton.jit
def atomic(x, out, n, B: tl.constexpr):
    i = tl.program_id(0) * B + tl.arange(0, B)
    tl.atomic_add(out, tl.sum(tl.load(x + i, mask=i < n, other=0.0), axis=0))


@triton.jit
def atomic_outside(x, out, n, B: tl.constexpr):
    tl.atomic_add(out + 1 + tl.program_id(0), 1.0)


@triton.jit
def chain(x, out, n, B: tl.constexpr):
    p = tl.program_id(0)
    tl.store(out + p, tl.load(x + p) + tl.load(out + p - 1, mask=p > 0, other=0.0))


@triton.jit
def read_ahead(x, out, n, B: tl.constexpr):
    p = tl.program_id(0)
    tl.store(out + p, tl.load(out + p + 1, mask=p < 1, other=0.0))


@triton.jit
def last_wins(x, out, n, B: tl.constexpr):
    tl.store(out, tl.load(x + tl.program_id(0)))


@triton.jit
def lanes_disagree(x, out, n, B: tl.constexpr):
    i = tl.arange(0, B)
    tl.store(out + i // 2, tl.load(x + i, mask=i < n, other=0.0))


@triton.jit
def lanes_agree(x, out, n, B: tl.constexpr):
    i = tl.arange(0, B)
    tl.store(out + i // 2, i // 2 + 0.5)


@triton.jit
def into_the_neighbour(x, out, n, B: tl.constexpr, AWAY: tl.constexpr):
    tl.store(out + AWAY + tl.arange(0, B), 7.0)


@triton.jit
def table(index, x, out, n, B: tl.constexpr):
    i = tl.arange(0, B)
    at = tl.load(index + i, mask=i < n)
    tl.store(out + i, tl.load(x + at))


@triton.jit
def rows(x, out, stride, B: tl.constexpr):
    i = tl.program_id(0) * stride + tl.arange(0, B)
    tl.store(out + i, tl.load(x + i))


def inputs(n: int = 100, outputs: int = 100) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.rand(n, generator=torch.Generator().manual_seed(0)) + 1, torch.zeros(outputs)


BUGS: dict[str, tuple[Any, int, int, type, str]] = {
    "store without the tail's mask": (
        no_tail,
        2,
        100,
        sanitizer.OutOfBounds,
        r"28/64 lanes.*\(1, 0, 0\), argument out",
    ),
    "sum over programs without atomics": (accumulate, 2, 1, sanitizer.Race, r"may read 1 elements of argument out"),
    "program p reads what p - 1 wrote": (chain, 2, 2, sanitizer.Race, r"program \(0, 0, 0\), which wrote it"),
    "program p reads what p + 1 writes": (read_ahead, 2, 2, sanitizer.Race, "which read it"),
    "all programs write one place": (last_wins, 2, 1, sanitizer.Race, "which wrote it too"),
    "lanes of one store write one place": (lanes_disagree, 1, 64, sanitizer.Race, "lanes of one store"),
    "atomic outside": (atomic_outside, 1, 1, sanitizer.OutOfBounds, "atomic: 1/1 lanes"),
}


@pytest.mark.parametrize("bug", BUGS)
def test_it_is_found(bug: str) -> None:
    kernel, programs, outputs, kind, told = BUGS[bug]
    x, out = inputs(outputs=outputs)
    with pytest.raises(kind, match=f"{kernel.fn.__name__}: .*{told}"):
        launch(kernel, (programs,), x, out, 100, 64)


@pytest.mark.unwatched
@pytest.mark.parametrize("bug", BUGS)
def test_without_the_sanitizer_it_passes(bug: str) -> None:
    kernel, programs, outputs, *_ = BUGS[bug]
    x = inputs()[0]
    roomy = torch.zeros(4 * 64 + outputs)  # what lies outside of the first elements belongs to nobody else
    launch(kernel, (programs,), x, roomy[:outputs], 100, 64)
    wrong = {"store without the tail's mask": roomy[100:128], "atomic outside": roomy[1:2]}
    assert bug not in wrong or wrong[bug].ne(-1).all()


def test_undefined_lanes_are_poisoned() -> None:
    x, out = inputs(outputs=1)
    launch(mean, (1,), x, out, 100, 128)
    assert out.isnan().all()
    for dtype in (torch.float64, torch.float16, torch.bfloat16):
        short = torch.zeros(1, dtype=dtype)
        launch(mean, (1,), x.to(dtype), short, 100, 128)
        assert short.isnan().all()


@pytest.mark.unwatched
def test_without_the_sanitizer_undefined_lanes_are_zero() -> None:
    x, out = inputs(outputs=1)
    launch(mean, (1,), x, out, 100, 128)
    assert torch.allclose(out, x.mean())


def test_an_undefined_index_leads_outside() -> None:
    x, out = inputs()
    index = torch.arange(64, dtype=torch.int64)
    launch(table, (1,), index, x, out, 64, 64)
    assert torch.equal(out[:64], x[:64])
    with pytest.raises(sanitizer.OutOfBounds, match="14/64 lanes"):
        launch(table, (1,), index, x, out, 50, 64)


def test_correct_kernels_pass_in_every_order() -> None:
    for order in ("natural", "reverse", 7):
        with sanitizer.watch(order) as seen:
            x, out = inputs()
            launch(tail, (2,), x, out, 100, 64)
            assert torch.equal(out, 2 * x)
            total = torch.zeros(1)
            launch(atomic, (2,), x, total, 100, 64)
            assert torch.allclose(total, x.sum())
            launch(lanes_agree, (1,), x, out, 100, 64)
        assert (seen.launches, seen.programs) == (3, 5)


def test_a_watch_inside_a_watch() -> None:
    x, out = inputs()
    with sanitizer.watch("reverse") as seen:
        launch(tail, (2,), x, out, 100, 64)
        with pytest.raises(sanitizer.OutOfBounds, match="28/64"):
            launch(no_tail, (2,), x, out, 100, 64)
    assert (seen.launches, torch.equal(out, 2 * x)) == (2, True)


@pytest.mark.unwatched
def test_programs_run_in_the_order_asked_for() -> None:
    found = []
    for order in ("natural", "reverse", 3):
        x, out = torch.arange(8.0), torch.zeros(1)
        with sanitizer.watch(order), pytest.raises(sanitizer.Race) as raised:
            launch(last_wins, (8,), x, out, 100, 64)
        found.append(str(raised.value).split("may")[0])
    assert found[0] == "last_wins: program (1, 0, 0) "
    assert found[1] == "last_wins: program (6, 0, 0) "


def test_a_neighbouring_tensor_is_out_of_bounds() -> None:
    both = torch.zeros(128)
    first, second = both[:64], both[64:]
    launch(into_the_neighbour, (1,), second, first, 64, 16, 48)
    with pytest.raises(sanitizer.OutOfBounds, match="argument out, first 64 elements from its start"):
        launch(into_the_neighbour, (1,), second, first, 64, 16, 64)
    with pytest.raises(sanitizer.OutOfBounds, match="16/16 lanes"):
        launch(into_the_neighbour, (1,), second, first, 64, 16, -16)


def test_gaps_of_a_view_may_be_read_but_not_written() -> None:
    whole = torch.zeros(4, 32)
    view = whole[:, :16]
    launch(rows, (4,), view, view, 32, 16)
    with pytest.raises(sanitizer.OutOfBounds, match="store: 16/32 lanes"):
        launch(rows, (4,), view, view, 32, 32)


def test_new_memory_is_poisoned_and_the_setting_is_restored() -> None:
    before = torch.are_deterministic_algorithms_enabled()
    with sanitizer.watch():
        x = torch.randn(3, 5)
        assert torch.empty(4).isnan().all()
        assert torch.empty_like(x).isnan().all()
        assert x.new_empty(2, dtype=torch.int32).eq(torch.iinfo(torch.int32).max).all()
    assert torch.are_deterministic_algorithms_enabled() == before


@pytest.mark.unwatched
def test_what_was_replaced_is_restored_even_after_an_error() -> None:
    from triton.runtime import interpreter as interp

    before = interp.InterpreterBuilder.create_masked_store, interp.GridExecutor.__call__, interp._implicit_cvt
    x, out = inputs()
    with sanitizer.watch(), pytest.raises(sanitizer.OutOfBounds):
        launch(no_tail, (2,), x, out, 100, 64)
    assert before == (interp.InterpreterBuilder.create_masked_store, interp.GridExecutor.__call__, interp._implicit_cvt)


def test_a_grid_that_no_device_takes() -> None:
    x, out = inputs()
    with pytest.raises(sanitizer.SanitizerError, match="at most 65535"):
        launch(tail, (1, 65536), x, out, 100, 64)
