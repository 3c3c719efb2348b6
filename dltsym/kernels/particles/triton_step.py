# pyright: reportGeneralTypeIssues=false
# (a tuple returned by a jit function is an error to the checker)
"""One sweep over all tokens for each block of tokens; keys and values of this attention are the tokens themselves."""

from __future__ import annotations

import math

import torch
import triton
import triton.language as tl

from dltsym.kernels.attention.triton_tiles import MASKED, place, put, tile
from dltsym.kernels.dispatch import interpreted
from dltsym.kernels.launch import block, cdiv, launch, scalar

LOG2E = math.log2(math.e)


@triton.jit
def gather(
    x, rows, own, scale, n, stride, D: tl.constexpr, BD: tl.constexpr, BN: tl.constexpr, PRECISION: tl.constexpr
):
    """Return for each row the largest score to the base 2, the sum of weights, and the weighted sum of tokens."""
    top = tl.full([own.shape[0]], MASKED, scale.dtype)
    total = tl.zeros([own.shape[0]], scale.dtype)
    acc = tl.zeros([own.shape[0], BD], scale.dtype)
    for start in range(0, n, BN):
        cols = start + tl.arange(0, BN)
        other = tile(x, cols, n, stride, D, BD)
        score = tl.dot(own, tl.trans(other), input_precision=PRECISION, out_dtype=acc.dtype) * scale
        score = tl.where((cols < n)[None, :], score, MASKED)
        new = tl.maximum(top, tl.max(score, 1))
        decay = tl.exp2(top - new)
        p = tl.exp2(score - new[:, None])
        total = decay * total + tl.sum(p, 1)
        acc = acc * decay[:, None]
        acc += tl.dot(p.to(other.dtype), other, input_precision=PRECISION, out_dtype=acc.dtype)
        top = new
    return top, total, acc


@triton.jit
def tangent(token, top, total, acc, n, USA: tl.constexpr):
    """Return the velocity: the weighted mean (or the sum over n) of the tokens, without its part along the token."""
    mean = acc / total[:, None]
    if USA:
        mean = acc * (tl.exp2(top) / n)[:, None]
    return mean - tl.sum(mean * token, 1)[:, None] * token


@triton.jit
def moved(token, velocity, square, h, GEODESIC: tl.constexpr):
    """Return the tokens after the step; a token at rest stays where it is, without 0 / 0."""
    if GEODESIC:
        speed = tl.sqrt(square)
        turn = tl.where(square > 0, tl.sin(h * speed) / tl.where(square > 0, speed, 1.0), h)
        goal = tl.cos(h * speed)[:, None] * token + turn[:, None] * velocity
    else:
        far = token + h * velocity
        goal = far / tl.sqrt(tl.sum(far * far, 1))[:, None]
    return goal


@triton.jit
def step_kernel(
    x, beta, h, log2e, ln2, y, lse, speed, n, sxb, sxn,
    D: tl.constexpr, BD: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, USA: tl.constexpr,
    GEODESIC: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Move one block of tokens."""
    z, _, _, start = place(n, 1, BM)
    rows = start + tl.arange(0, BM)
    own = tile(x + z * sxb, rows, n, sxn, D, BD)
    scale = tl.load(beta + z) * tl.load(log2e)
    top, total, acc = gather(x + z * sxb, rows, own, scale, n, sxn, D, BD, BN, PRECISION)
    token = own.to(scale.dtype)
    velocity = tangent(token, top, total, acc, n, USA)
    square = tl.sum(velocity * velocity, 1)
    put(y + z * n * D, rows, n, moved(token, velocity, square, tl.load(h + z), GEODESIC), D, BD)
    tl.store(lse + z * n + rows, tl.load(ln2) * (top + tl.log2(total)), mask=rows < n)
    tl.store(speed + z * n + rows, square, mask=rows < n)


def step(
    x: torch.Tensor, beta: torch.Tensor, h: torch.Tensor, usa: bool, geodesic: bool, precision: str
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Launch the kernel, and add up the energy in a fixed order.

    Parameters
    ----------
    x : Tensor, shape (B, n, d)
        Tokens, of any strides.
    beta, h : Tensor, shape (B,)
        Inverse temperature and size of the step, in the accumulator's type.
    usa, geodesic : bool
        Which dynamics, and how to step.
    precision : str
        ``input_precision`` of matrix products.

    Returns
    -------
    tuple of Tensor
        Moved tokens, log-sum-exps, squared speeds, logarithm of the energy.
    """
    x = x if x.stride(-1) == 1 or x.shape[-1] == 1 else x.contiguous()
    batch, n, d = x.shape
    y = torch.empty((batch, n, d), dtype=x.dtype, device=x.device)
    lse, speed = (torch.empty((batch, n), dtype=beta.dtype, device=x.device) for _ in range(2))
    rows = 64 if interpreted() or d <= 64 else 32
    launch(
        step_kernel, (cdiv(n, rows) * batch,), x, beta.contiguous(), h.contiguous(), scalar(LOG2E, x),
        scalar(math.log(2.0), x), y, lse, speed, n, *x.stride()[:2], D=d, BD=block(d), BM=rows, BN=rows, USA=usa,
        GEODESIC=geodesic, PRECISION=precision, num_warps=4, num_stages=2,
    )  # fmt: skip
    return y, lse, speed, torch.logsumexp(lse, -1) - (2 * beta).log() - 2 * math.log(n)
