"""Sums of x - log(1 + x) over tokens, for a grid of scales: what a martingale bound for tokens pays."""

import triton
import triton.language as tl

from dltsym.kernels.device import log1p


@triton.jit
def excess(x):
    """X - log(1 + x) without cancellation: with r = x / (2 + x) it is x r - 2 (r^3/3 + r^5/5 + ...)."""
    r = x / (2.0 + x)
    s = r * r
    tail = s / 29.0 + 1.0 / 27.0
    tail = tail * s + 1.0 / 25.0
    tail = tail * s + 1.0 / 23.0
    tail = tail * s + 1.0 / 21.0
    tail = tail * s + 1.0 / 19.0
    tail = tail * s + 1.0 / 17.0
    tail = tail * s + 1.0 / 15.0
    tail = tail * s + 1.0 / 13.0
    tail = tail * s + 1.0 / 11.0
    tail = tail * s + 1.0 / 9.0
    tail = tail * s + 1.0 / 7.0
    tail = tail * s + 1.0 / 5.0
    tail = tail * s + 1.0 / 3.0
    near = x * r - 2.0 * (r * s) * tail
    far = tl.where(x > 1e30, tl.log(x), log1p(tl.where(x > 1e30, 0.0, x)))  # log1p multiplies by x
    return tl.where(tl.abs(r) < 0.2, near, x - far)


@triton.jit
def sums_kernel(
    A, S, PART, n_tokens, n_scales, per, BT: tl.constexpr, BS: tl.constexpr, ACC: tl.constexpr
):  # fmt: skip
    """Partial sums of one stretch of tokens for a block of scales; what a sum loses is carried along."""
    k = tl.program_id(0) * BS + tl.arange(0, BS)
    part = tl.program_id(1).to(tl.int64)
    s = tl.load(S + k, mask=k < n_scales, other=0.0).to(ACC)
    total = tl.zeros((BS, BT), ACC)
    lost = tl.zeros((BS, BT), ACC)
    for start in range(0, per, BT):
        t = part * per + start + tl.arange(0, BT)
        a = tl.load(A + t, mask=(t < n_tokens) & (start + tl.arange(0, BT) < per), other=0.0).to(ACC)
        x = excess(s[:, None] * a[None, :])
        whole = total + x
        back = whole - total
        lost += (total - (whole - back)) + (x - back)
        total = whole
    tl.store(PART + part * n_scales + k, tl.sum(total, 1) + tl.sum(lost, 1), mask=k < n_scales)
