"""Forward pass in one sweep over the keys: maximum, sum, entropy moment and output of a row are rescaled together."""

# pyright: reportGeneralTypeIssues=false
# (a tuple returned by a jit function is an error to the checker)

from __future__ import annotations

import torch
import triton
import triton.language as tl

from dltsym.kernels.launch import cdiv, launch

from .launching import constants, rows, scales, shape_of_blocks
from .triton_tiles import EMPTY, MASKED, place, put, scores, tile


@triton.jit
def absorb(x, value, top, total, moment, acc, ENTROPY: tl.constexpr, PRECISION: tl.constexpr):
    """Take a block of keys into the running state of each row."""
    # moment is the sum of p (x - top); when the maximum moves by d, it changes by d times the sum of p
    new = tl.maximum(top, tl.max(x, 1))
    decay = tl.exp2(top - new)
    p = tl.exp2(x - new[:, None])
    if ENTROPY:
        moment = decay * (moment + total * (top - new)) + tl.sum(p * (x - new[:, None]), 1)
    total = decay * total + tl.sum(p, 1)
    acc = acc * decay[:, None]
    acc += tl.dot(p.to(value.dtype), value, input_precision=PRECISION, out_dtype=acc.dtype)
    return new, total, moment, acc


@triton.jit
def sweep(
    first, last, query, rows, state, k, v, lp, slope, scale, log2e, n, m, skm, svm,
    D: tl.constexpr, DV: tl.constexpr, BD: tl.constexpr, BV: tl.constexpr, BN: tl.constexpr,
    CAUSAL: tl.constexpr, HAS_LP: tl.constexpr, HAS_SLOPE: tl.constexpr, TAIL: tl.constexpr,
    ENTROPY: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Absorb the keys from `first` to `last`, a block at a time."""
    top, total, moment, acc = state
    for start in range(first, last, BN):
        cols = start + tl.arange(0, BN)
        key = tile(k, cols, m, skm, D, BD)
        prior = scale
        if HAS_LP:
            prior = (tl.load(lp + cols, mask=cols < m, other=0.0) * log2e)[None, :]
        product = tl.dot(query, tl.trans(key), input_precision=PRECISION, out_dtype=acc.dtype)
        x = scores(product, rows[:, None], cols[None, :], prior, slope, scale, n, m, CAUSAL, HAS_LP, HAS_SLOPE, TAIL)
        value = tile(v, cols, m, svm, DV, BV)
        top, total, moment, acc = absorb(x, value, top, total, moment, acc, ENTROPY, PRECISION)
    return top, total, moment, acc


@triton.jit
def finish(state, o, lse, entropy, z, rows, n, ln2, DV: tl.constexpr, BV: tl.constexpr, ENTROPY: tl.constexpr):
    """Divide, and store what leaves the kernel; log-sum-exp and entropy leave in nats.

    A maximum does not carry nan, the sum does: a row of nan must not be taken for a row without keys.
    """
    top, total, moment, acc = state
    empty = (top < EMPTY) & (total == total)
    total = tl.where(empty, 1.0, total)
    put(o + z * n * DV, rows, n, tl.where(empty[:, None], 0.0, acc / total[:, None]), DV, BV)
    bits = tl.log2(total)
    tl.store(lse + z * n + rows, tl.where(empty, float("-inf"), ln2 * (top + bits)), mask=rows < n)
    if ENTROPY:
        spread = ln2 * (bits - moment / total)
        tl.store(entropy + z * n + rows, tl.where(empty, 0.0, spread), mask=rows < n)


@triton.jit
def forward_kernel(
    q, k, v, lp, slope, scale, log2e, ln2, o, lse, entropy, n, m, heads,
    sqb, sqh, sqn, skb, skh, skm, svb, svh, svm, slb, slh,
    D: tl.constexpr, DV: tl.constexpr, BD: tl.constexpr, BV: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr,
    CAUSAL: tl.constexpr, HAS_LP: tl.constexpr, HAS_SLOPE: tl.constexpr, ENTROPY: tl.constexpr,
    PRECISION: tl.constexpr,
):  # fmt: skip
    """Attend from one block of queries: blocks of keys that all see, then those where a mask decides."""
    z, b, h, start = place(n, heads, BM)
    rows = start + tl.arange(0, BM)
    query = tile(q + b * sqb + h * sqh, rows, n, sqn, D, BD)
    k += b * skb + h * skh
    v += b * svb + h * svh
    lp += b * slb + h * slh
    factor = tl.load(scale + z)
    unit = tl.load(log2e)
    steep = tl.load(slope + z)
    top = tl.full([BM], MASKED, factor.dtype)
    zero = tl.zeros([BM], factor.dtype)
    state = (top, zero, zero, tl.zeros([BM, BV], factor.dtype))
    last = m
    plain = m
    if CAUSAL:
        last = tl.minimum(m, start + BM + m - n)
        plain = tl.maximum(tl.minimum(m, start + 1 + m - n), 0)
    plain = plain // BN * BN
    state = sweep(
        0, plain, query, rows, state, k, v, lp, steep, factor, unit, n, m, skm, svm, D, DV, BD, BV, BN,
        False, HAS_LP, HAS_SLOPE, False, ENTROPY, PRECISION,
    )  # fmt: skip
    state = sweep(
        plain, last, query, rows, state, k, v, lp, steep, factor, unit, n, m, skm, svm, D, DV, BD, BV, BN,
        CAUSAL, HAS_LP, HAS_SLOPE, True, ENTROPY, PRECISION,
    )  # fmt: skip
    finish(state, o, lse, entropy, z, rows, n, tl.load(ln2), DV, BV, ENTROPY)


def forward(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, tau: torch.Tensor, lp: torch.Tensor | None,
    slope: torch.Tensor | None, causal: bool, entropy: bool, precision: str,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:  # fmt: skip
    """Launch the forward kernel; no array of the size of the scores is ever made.

    Parameters
    ----------
    q, k, v : Tensor, shapes (B, H, n, d), (B, H, m, d), (B, H, m, dv)
        Queries, keys, values, of any strides.
    tau, slope : Tensor, shape (B, H)
        Temperature and slopes (or None) in the accumulator's type.
    lp : Tensor or None, shape (B, H, m)
        Log prior in the accumulator's type.
    causal, entropy : bool
        Whether later keys are hidden, and whether the entropy is wanted.
    precision : str
        ``input_precision`` of matrix products.

    Returns
    -------
    tuple
        Output in the type of the inputs; log-sum-exp and entropy (nats) in the accumulator's type.
    """
    q, k, v, lp = rows(q), rows(k), rows(v), None if lp is None else rows(lp)
    batch, heads, n, _ = q.shape
    steep, scale, unit, ln2 = scales(q, tau, slope)
    o = torch.empty((batch, heads, n, v.shape[-1]), dtype=q.dtype, device=q.device)
    lse = torch.empty((batch, heads, n), dtype=tau.dtype, device=q.device)
    spread = torch.empty_like(lse) if entropy else None
    fixed = constants(q, v, lp, slope, causal)
    fixed |= shape_of_blocks(q.dtype, max(fixed["BD"], fixed["BV"]), precision, backward=False)
    launch(
        forward_kernel, (cdiv(n, fixed["BM"]) * batch * heads,),
        q, k, v, scale if lp is None else lp, steep, scale, unit, ln2, o, lse, lse if spread is None else spread,
        n, k.shape[2], heads, *q.stride()[:3], *k.stride()[:3], *v.stride()[:3],
        *((0, 0) if lp is None else lp.stride()[:2]), **fixed, ENTROPY=entropy, PRECISION=precision,
    )  # fmt: skip
    return o, lse, spread
