"""Self-test of the repaired interpreter: each part against torch or float64, and a wrong scan that has to fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import triton
import triton.language as tl

from dltsym.oracle.interpreter import decode, encode, tf32

__all__ = ["failures"]

SIDE = 64
LENGTH = 256


@triton.jit
def _cast(x, y, back, N: tl.constexpr):
    i = tl.arange(0, N)
    short = tl.load(x + i).to(tl.bfloat16)
    tl.store(y + i, short)
    tl.store(back + i, (short + short).to(tl.float32))


@triton.jit
def _product(a, b, out, N: tl.constexpr, PRECISION: tl.constexpr):
    at = tl.arange(0, N)[:, None] * N + tl.arange(0, N)[None, :]
    tl.store(out + at, tl.dot(tl.load(a + at), tl.load(b + at), input_precision=PRECISION))


@triton.jit
def _affine(a1, b1, a2, b2):
    return a1 * a2, a2 * b1 + b2


@triton.jit
def _forgetful(a1, b1, a2, b2):
    return a2, a2 * b1 + b2


@triton.jit
def _recurrence(a, b, out, N: tl.constexpr, COMBINE: tl.constexpr, REVERSE: tl.constexpr):
    i = tl.arange(0, N)
    _, h = tl.associative_scan((tl.load(a + i), tl.load(b + i)), 0, COMBINE, reverse=REVERSE)
    tl.store(out + i, h)


@triton.jit
def _count(out, n):
    total = tl.zeros((1,), tl.int32)
    for i in range(n):
        total += i
    tl.store(out + tl.arange(0, 1), total)


def failures() -> list[str]:
    """Run the self-test.

    Returns
    -------
    list of str
        What failed; empty if all is well.
    """
    tests: tuple[Callable[[], bool], ...] = (
        rounds_to_bfloat16,
        rounds_to_tf32,
        multiplies_bfloat16,
        multiplies_tf32,
        scans_in_tree_order,
        takes_run_time_bounds,
    )
    return [f"{test.__name__.replace('_', ' ')}: no" for test in tests if not test()]


def rounds_to_bfloat16() -> bool:
    """Every pattern of the upper half, with ties, subnormals, infinities and nan, bit for bit as torch rounds."""
    upper = np.arange(2**16, dtype=np.uint32) << 16
    lower = np.random.default_rng(0).choice(np.array([0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF], np.uint32), 2**16)
    x = torch.from_numpy((upper | lower).view(np.float32))
    bits, nan = x.bfloat16().view(torch.uint16).numpy(), np.isnan(x.numpy())
    same = np.where(nan, np.isnan(decode(encode(x.numpy()))), encode(x.numpy()) == bits).all()
    few = x[::64].contiguous()
    y, doubled = torch.empty(few.shape, dtype=torch.bfloat16), torch.empty(few.shape)
    _cast[(1,)](few, y, doubled, few.numel())
    kernel = torch.equal(torch.nan_to_num(y), torch.nan_to_num(few.bfloat16()))
    return bool(same) and kernel and torch.equal(doubled.nan_to_num(), (y + y).float().nan_to_num())


def rounds_to_tf32() -> bool:
    """Half a unit of 2^-11, low bits gone, infinities kept."""
    x = np.random.default_rng(1).standard_normal(10**4).astype(np.float32)
    y = tf32(x)
    close = np.abs(y.astype(np.float64) - x) <= 2.0**-11 * np.abs(x)
    return bool(close.all() and not (y.view(np.uint32) & 0x1FFF).any() and np.isinf(tf32(np.float32([np.inf])))[0])


def multiplies_bfloat16() -> bool:
    """Products of short operands are summed in single precision."""
    return _error_of_product(torch.bfloat16, "ieee") < 2.0**-20


def multiplies_tf32() -> bool:
    """One pass is as inexact as hardware's, not better; three passes are almost exact."""
    return 1e-4 < _error_of_product(torch.float32, "tf32") < 1e-3 and _error_of_product(torch.float32, "tf32x3") < 1e-6


def scans_in_tree_order() -> bool:
    """Get a recurrence right in both directions, and a combine function that is not associative wrong."""
    right = max(_error_of_scan(_affine, False), _error_of_scan(_affine, True))
    return right < 1e-5 and _error_of_scan(_forgetful, False) > 0.1


def takes_run_time_bounds() -> bool:
    """Run a loop up to an argument."""
    out = torch.zeros(1, dtype=torch.int32)
    _count[(1,)](out, 5)
    return int(out) == 10


def _error_of_product(dtype: torch.dtype, precision: str) -> float:
    generator = torch.Generator().manual_seed(2)
    a, b = (torch.randn(SIDE, SIDE, generator=generator).to(dtype) for _ in range(2))
    out = torch.empty(SIDE, SIDE)
    _product[(1,)](a, b, out, SIDE, precision)
    exact = a.double() @ b.double()
    return float((out - exact).norm() / exact.norm())


def _error_of_scan(combine: Any, reverse: bool) -> float:
    generator = torch.Generator().manual_seed(3)
    a, b = 0.5 + 0.5 * torch.rand(LENGTH, generator=generator), torch.randn(LENGTH, generator=generator)
    out = torch.empty(LENGTH)
    _recurrence[(1,)](a, b, out, LENGTH, combine, reverse)
    h, exact = 0.0, torch.zeros(LENGTH, dtype=torch.float64)
    for i in reversed(range(LENGTH)) if reverse else range(LENGTH):
        h = exact[i] = a[i].double() * h + b[i].double()
    return float((out - exact).norm() / exact.norm())
