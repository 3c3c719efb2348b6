"""The repaired interpreter against torch and float64, the jit helpers against exact values, and the self-test."""

from typing import Any

import mpmath
import numpy as np
import pytest
import torch

pytest.importorskip("triton", reason="the triton backend is optional: pip install dltsym[gpu]")
import triton
import triton.language as tl
from triton.runtime import interpreter as triton_interpreter

from dltsym.errors import DTypeError, UnsupportedError
from dltsym.kernels import device
from dltsym.kernels.launch import block, launch, scalar, storage_types
from dltsym.oracle import interpreter, interpreter_check

pytestmark = pytest.mark.skipif(torch.cuda.is_available(), reason="the interpreter is for machines without a device")

N = 64


@triton.jit
def elementwise(x, y, out, N: tl.constexpr, OP: tl.constexpr):
    i = tl.arange(0, N)
    a = tl.load(x + i)
    b = tl.load(y + i)
    if OP == "add":
        c = a + b
    elif OP == "sub":
        c = a - b
    elif OP == "mul":
        c = a * b
    elif OP == "neg":
        c = -a
    elif OP == "abs":
        c = tl.abs(a)
    elif OP == "where":
        c = tl.where(a > b, a, b)
    elif OP == "max":
        c = tl.maximum(a, b)
    elif OP == "fma":
        c = tl.fma(a, b, a)
    else:
        c = tl.clamp(a, -b, b)
    tl.store(out + i, c)


@triton.jit
def reductions(x, out, N: tl.constexpr):
    a = tl.load(x + tl.arange(0, N))
    tl.store(out, tl.sum(a, axis=0))
    tl.store(out + 1, tl.max(a, axis=0))
    tl.store(out + 2, tl.argmax(a, axis=0).to(tl.float32))


@triton.jit
def scans(x, out, N: tl.constexpr):
    i = tl.arange(0, N)
    tl.store(out + i, tl.cumsum(tl.load(x + i), axis=0))


@triton.jit
def full(out, N: tl.constexpr):
    tl.store(out + tl.arange(0, N), tl.full((N,), 0.3, tl.bfloat16))


@triton.jit
def from_integers(x, out, back, N: tl.constexpr):
    i = tl.arange(0, N)
    a = tl.load(x + i).to(tl.bfloat16)
    tl.store(out + i, a)
    tl.store(back + i, a.to(tl.int32))


@triton.jit
def welford(m1, c1, m2, c2):
    return (m1 * c1 + m2 * c2) / (c1 + c2), c1 + c2


@triton.jit
def not_associative(m1, c1, m2, c2):
    return (m1 + m2) / 2.0, c1 + c2


@triton.jit
def pairs(x, out, M: tl.constexpr, N: tl.constexpr, COMBINE: tl.constexpr):
    i, j = tl.arange(0, M), tl.arange(0, N)
    a = tl.load(x + i[:, None] * N + j[None, :])
    mean, _ = tl.reduce((a, tl.full((M, N), 1.0, tl.float32)), 1, COMBINE)
    tl.store(out + i, mean)


@triton.jit
def helpers(x, out, N: tl.constexpr, WHICH: tl.constexpr):
    i = tl.arange(0, N)
    a = tl.load(x + i)
    if WHICH == "log1p":
        b = device.log1p(a)
    elif WHICH == "expm1":
        b = device.expm1(a)
    elif WHICH == "expm1_over":
        b = device.expm1_over(a)
    elif WHICH == "softplus":
        b = device.softplus(a)
    elif WHICH == "log_sigmoid":
        b = device.log_sigmoid(a)
    elif WHICH == "sigmoid":
        b = device.sigmoid(a)
    elif WHICH == "silu":
        b = device.silu(a)
    else:
        b = device.log_add_exp(a, 0.5 - a)
    tl.store(out + i, b)


TORCH = {
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "neg": lambda a, b: -a,
    "abs": lambda a, b: a.abs(),
    "where": lambda a, b: torch.where(a > b, a, b),
    "max": torch.maximum,
    "fma": lambda a, b: (a.double() * b.double() + a.double()).to(a.dtype),
    "clamp": lambda a, b: torch.minimum(torch.maximum(a, -b), b),
}


@pytest.mark.parametrize("name", TORCH)
def test_bfloat16_operations_round_as_torch_does(name: str) -> None:
    torch.manual_seed(0)
    a, b = torch.randn(N).bfloat16(), torch.rand(N).bfloat16()
    out = torch.empty_like(a)
    elementwise[(1,)](a, b, out, N, name)
    assert torch.equal(out, TORCH[name](a, b))


def test_bfloat16_reductions_scans_and_constants() -> None:
    x = torch.arange(N).bfloat16() / 8
    out = torch.empty(3)
    reductions[(1,)](x, out, N)
    assert out.tolist() == [float(x.double().sum().bfloat16()), float(x.max()), N - 1]
    sums = torch.empty_like(x)
    scans[(1,)](x, sums, N)
    assert torch.allclose(sums.double(), x.double().cumsum(0), rtol=2**-5)
    made = torch.empty(N, dtype=torch.bfloat16)
    full[(1,)](made, N)
    assert torch.equal(made, torch.full((N,), 0.3).bfloat16())


def test_integers_become_bfloat16_and_return() -> None:
    x = torch.arange(-500, -500 + 17 * N, 17, dtype=torch.int32)
    out, back = torch.empty(N, dtype=torch.bfloat16), torch.empty_like(x)
    from_integers[(1,)](x, out, back, N)
    assert torch.equal(out, x.bfloat16())
    assert torch.equal(back, x.bfloat16().int())


def test_maximum_drops_nan_as_the_instruction_does() -> None:
    a, b = torch.full((N,), torch.nan), torch.ones(N)
    out = torch.empty(N)
    elementwise[(1,)](a, b, out, N, "max")
    assert torch.equal(out, b)


def test_a_sum_in_pairs_shows_a_combine_function_that_is_not_associative() -> None:
    x = torch.randn(16, 64, generator=torch.Generator().manual_seed(0))
    x[:, 0] += 100
    out = torch.empty(16)
    pairs[(1,)](x, out, 16, 64, welford)
    assert torch.allclose(out, x.mean(1), rtol=1e-5)
    uneven = torch.empty(16)
    pairs[(1,)](x, uneven, 16, 64, not_associative)
    assert torch.isfinite(uneven).all()


# Reference, points, and how many units in the last place of the type the helper may be off (interpreter: numpy's own
# log and exp are within one unit).
EXACT: dict[str, tuple[Any, float]] = {
    "log1p": (mpmath.log1p, 4),
    "expm1": (mpmath.expm1, 5),
    "expm1_over": (lambda x: mpmath.expm1(x) / x if x else mpmath.mpf(1), 6),
    "softplus": (lambda x: mpmath.log1p(mpmath.exp(x)), 8),
    "log_sigmoid": (lambda x: -mpmath.log1p(mpmath.exp(-x)), 8),
    "sigmoid": (lambda x: 1 / (1 + mpmath.exp(-x)), 8),
    "silu": (lambda x: x / (1 + mpmath.exp(-x)), 8),
    "log_add_exp": (lambda x: mpmath.log(mpmath.exp(x) + mpmath.exp(mpmath.mpf("0.5") - x)), 8),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["f32", "f64"])
@pytest.mark.parametrize("name", EXACT)
def test_helpers_are_accurate_everywhere(name: str, dtype: torch.dtype) -> None:
    exact, ulp = EXACT[name]
    generator = np.random.default_rng(0)
    small = np.concatenate([10.0 ** generator.uniform(-30, 0, 40), generator.uniform(0.5, 80, 22), [19.0, 0.0]])
    signs = generator.choice([-1.0, 1.0], 64)
    points = np.where(small < 0.9, small * signs, small) if name == "log1p" else small * signs
    x = torch.from_numpy(points).to(dtype)
    out = torch.empty_like(x)
    launch(helpers, (1,), x, out, 64, name)
    with mpmath.workdps(50):
        true = [exact(mpmath.mpf(t)) for t in x.tolist()]
        error = [abs(y - t) / abs(t) if t else abs(y) for y, t in zip(out.tolist(), true, strict=True)]
    assert max(error) <= ulp * torch.finfo(dtype).eps, (x[error.index(max(error))], float(max(error)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["f32", "f64"])
def test_helpers_at_the_ends(dtype: torch.dtype) -> None:
    inf, nan = torch.inf, torch.nan
    x = torch.tensor([-inf, -1e4, 1e4, inf, nan, -1.0, 0.0, 1.0], dtype=dtype).repeat(8)
    want = {
        "expm1": [-1, -1, inf, inf, nan],
        "expm1_over": [0, 1e-4, inf, inf, nan],
        "softplus": [0, 0, 1e4, inf, nan],
        "log_sigmoid": [-inf, -1e4, 0, 0, nan],
        "sigmoid": [0, 0, 1, 1, nan],
        "log_add_exp": [inf, 10000.5, 1e4, inf, nan],
    }
    for name, values in want.items():
        out = torch.empty_like(x)
        launch(helpers, (1,), x, out, 64, name)
        if name == "expm1_over":
            out, values = out[1:3], values[1:3]
        torch.testing.assert_close(out[: len(values)], torch.tensor(values, dtype=dtype), equal_nan=True)
    out = torch.empty_like(x)
    launch(helpers, (1,), x, out, 64, "log1p")
    assert out[3] == inf
    assert out[4].isnan()
    assert out[5] == -inf


def test_launch_helpers() -> None:
    assert [block(n) for n in (0, 1, 16, 17, 100)] == [16, 16, 16, 32, 128]
    assert block(1000, most=64) == 64
    like = torch.zeros(2, dtype=torch.bfloat16)
    assert storage_types(like) == (torch.float32, tl.float32)
    assert scalar(0.1, like.double()).tolist() == [0.1]
    assert scalar(torch.tensor(2.0, requires_grad=True), like).dtype == torch.float32
    with pytest.raises(DTypeError, match="no kernel takes"):
        storage_types(torch.zeros(1, dtype=torch.int8))
    launch(helpers, (0,), like, like, 64, "no such thing")  # nothing to do, nothing is done


@triton.jit
def twice(x):
    return x + x


@triton.jit
def calling(out, N: tl.constexpr):
    i = tl.program_id(0) * N + tl.arange(0, N)
    tl.store(out + i, twice(twice(i)))


def test_a_launch_patches_the_language_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    patch = triton_interpreter._patch_builtin
    monkeypatch.setattr(triton_interpreter, "_patch_builtin", lambda *args: seen.append(args[0]) or patch(*args))
    add, out = tl.tensor.__add__, torch.zeros(320, dtype=torch.int32)
    launch(calling, (3,), out, 64)
    one = len(seen)
    launch(calling, (5,), out, 64)
    assert len(seen) == 2 * one
    assert out.tolist() == list(range(0, 1280, 4))
    assert tl.tensor.__add__ is add, "a launch leaves the language as it was"


BREAKS = {
    "rounds to bfloat16": ("encode", lambda x: (np.float32(x).view(np.uint32) >> 16).astype(np.uint16)),
    "rounds to tf32": ("tf32", lambda x: x),
}


@pytest.mark.parametrize("what", BREAKS)
def test_the_self_test_names_what_is_broken(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, wrong = BREAKS[what]
    monkeypatch.setattr(interpreter_check, name, wrong)
    with np.errstate(all="ignore"):
        assert any(told.startswith(what) for told in interpreter_check.failures())


def test_the_self_test_fails_on_the_interpreter_as_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert interpreter_check.failures() == []
    from triton.runtime import interpreter as interp

    monkeypatch.setattr(interp.ScanOps, "generic_scan", _in_sequence)
    assert interpreter_check.failures() == ["scans in tree order: no"]


def _in_sequence(self: Any, given: Any) -> Any:
    """Scan one element after the other, as the interpreter does."""
    columns = [x.handle.data for x in given]
    state, rows = [c[:1] for c in columns], []
    for i in range(len(columns[0])):
        if i:
            parts = [*state, *(c[i : i + 1] for c in columns)]
            state = [x.handle.data for x in self.combine_fn.fn(*(self.to_tensor(p, tl.float32) for p in parts))]
        rows.append(state)
    return [self.to_tensor(np.concatenate(column), tl.float32) for column in zip(*rows, strict=True)]


def test_only_tested_versions_are_repaired(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triton, "__version__", "2.0.0")
    with pytest.raises(UnsupportedError, match="untested interpreter; tested: 3"):
        interpreter.install.__wrapped__()


def test_without_the_interpreter_nothing_is_repaired(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITON_INTERPRET", "0")
    with pytest.raises(UnsupportedError, match="TRITON_INTERPRET=1"):
        interpreter.install.__wrapped__()
