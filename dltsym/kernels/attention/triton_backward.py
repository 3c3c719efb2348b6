"""Backward pass: one kernel over rows, one over blocks of keys, one over blocks of queries; no atomics, no n x m array.

With P recomputed from the log-sum-exp L, dx_ij = P_ij (<dO_i, v_j> - Delta_i - dH_i (x_ij - L_i)) where
Delta_i = <dO_i, o_i> - dL_i + dH_i H_i. Everything else is a product or a sum of it.
"""

# pyright: reportGeneralTypeIssues=false
# (a tuple returned by a jit function is an error to the checker)

from __future__ import annotations

import torch
import triton
import triton.language as tl

from dltsym.kernels.launch import block, cdiv, launch

from .launching import Saved, constants, rows, scales, shape_of_blocks
from .triton_tiles import MASKED, distance, place, put, scores, tile


@triton.jit
def delta_kernel(
    do, o, lse, entropy, dlse, dentropy, log2e, delta, shift, n, heads, sgb, sgh, sgn,
    DV: tl.constexpr, BV: tl.constexpr, BM: tl.constexpr, HAS_DL: tl.constexpr, HAS_DH: tl.constexpr,
):  # fmt: skip
    """Store Delta and the log-sum-exp to the base 2; a row without keys gets one that makes all its weights 0."""
    z, b, h, start = place(n, heads, BM)
    rows = start + tl.arange(0, BM)
    inside = rows < n
    grad = tile(do + b * sgb + h * sgh, rows, n, sgn, DV, BV).to(lse.dtype.element_ty)
    out = tile(o + z * n * DV, rows, n, DV, DV, BV).to(lse.dtype.element_ty)
    total = tl.load(lse + z * n + rows, mask=inside, other=0.0)
    value = tl.sum(grad * out, 1)
    if HAS_DL:
        value -= tl.load(dlse + z * n + rows, mask=inside, other=0.0)
    if HAS_DH:
        gain = tl.load(dentropy + z * n + rows, mask=inside, other=0.0)
        value += gain * tl.load(entropy + z * n + rows, mask=inside, other=0.0)
    empty = total == float("-inf")
    tl.store(delta + z * n + rows, tl.where(empty, 0.0, value), mask=inside)
    tl.store(shift + z * n + rows, tl.where(empty, -MASKED, total * tl.load(log2e)), mask=inside)


@triton.jit
def weights(x, shift, dp, delta, gain, ln2, HAS_DH: tl.constexpr):
    """Return P and the gradient of the scores (nats); a key of weight 0 gets none from the entropy."""
    p = tl.exp2(x - shift)
    inner = dp - delta
    if HAS_DH:
        inner -= tl.where(p == 0, 0.0, gain * ln2 * (x - shift))
    return p, p * inner


@triton.jit
def per_row(delta, shift, dentropy, rows, n, HAS_DH: tl.constexpr):
    """Load what the backward kernels need of each row; rows beyond the last have weights 0."""
    inside = rows < n
    gain = tl.load(delta + rows, mask=inside, other=0.0)
    value = gain
    top = tl.load(shift + rows, mask=inside, other=-MASKED)
    if HAS_DH:
        gain = tl.load(dentropy + rows, mask=inside, other=0.0)
    return value, top, gain


@triton.jit
def from_queries(
    first, cols, key, value, prior, steep, factor, unit, ln2, q, do, delta, shift, dentropy, n, m, sqn, sgn,
    D: tl.constexpr, DV: tl.constexpr, BD: tl.constexpr, BV: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr,
    CAUSAL: tl.constexpr, HAS_LP: tl.constexpr, HAS_SLOPE: tl.constexpr, HAS_DH: tl.constexpr,
    PRECISION: tl.constexpr,
):  # fmt: skip
    """Sum over queries: gradients of a block of values, keys, prior, and of the slope. Scores are formed transposed."""
    dv = tl.zeros([BN, BV], factor.dtype)
    dk = tl.zeros([BN, BD], factor.dtype)
    dlp = tl.zeros([BN], factor.dtype)
    bend = tl.zeros([BN], factor.dtype)
    for start in range(first, n, BM):
        rows = start + tl.arange(0, BM)
        query = tile(q, rows, n, sqn, D, BD)
        grad = tile(do, rows, n, sgn, DV, BV)
        less, top, gain = per_row(delta, shift, dentropy, rows, n, HAS_DH)
        product = tl.dot(key, tl.trans(query), input_precision=PRECISION, out_dtype=dk.dtype)
        x = scores(product, rows[None, :], cols[:, None], prior, steep, factor, n, m, CAUSAL, HAS_LP, HAS_SLOPE, True)
        dp = tl.dot(value, tl.trans(grad), input_precision=PRECISION, out_dtype=dk.dtype)
        p, dx = weights(x, top[None, :], dp, less[None, :], gain[None, :], ln2, HAS_DH)
        dv += tl.dot(p.to(grad.dtype), grad, input_precision=PRECISION, out_dtype=dk.dtype)
        dk += tl.dot(dx.to(query.dtype), query, input_precision=PRECISION, out_dtype=dk.dtype)
        dlp += tl.sum(dx, 1)
        if HAS_SLOPE:
            bend -= tl.sum(dx * distance(rows[None, :], cols[:, None], n, m, dx), 1)
    return dv, dk, dlp, tl.sum(bend, 0)


@triton.jit
def keys_kernel(
    q, k, v, lp, slope, scale, inverse, log2e, ln2, do, delta, shift, dentropy, dk, dv, dlp, dslope, n, m, heads,
    sqb, sqh, sqn, skb, skh, skm, svb, svh, svm, slb, slh, sgb, sgh, sgn,
    D: tl.constexpr, DV: tl.constexpr, BD: tl.constexpr, BV: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr,
    CAUSAL: tl.constexpr, HAS_LP: tl.constexpr, HAS_SLOPE: tl.constexpr, HAS_DH: tl.constexpr,
    PRECISION: tl.constexpr,
):  # fmt: skip
    """Gradients of one block of keys; the slope's is a partial sum for each block, added up in a fixed order later."""
    z, b, h, start = place(m, heads, BN)
    cols = start + tl.arange(0, BN)
    key = tile(k + b * skb + h * skh, cols, m, skm, D, BD)
    value = tile(v + b * svb + h * svh, cols, m, svm, DV, BV)
    factor = tl.load(scale + z)
    unit = tl.load(log2e)
    prior = factor
    if HAS_LP:
        prior = (tl.load(lp + b * slb + h * slh + cols, mask=cols < m, other=0.0) * unit)[:, None]
    first = 0
    if CAUSAL:
        first = tl.maximum(start - (m - n), 0) // BM * BM
    grad_v, grad_k, grad_lp, bend = from_queries(
        first, cols, key, value, prior, tl.load(slope + z), factor, unit, tl.load(ln2), q + b * sqb + h * sqh,
        do + b * sgb + h * sgh, delta + z * n, shift + z * n, dentropy + z * n, n, m, sqn, sgn,
        D, DV, BD, BV, BM, BN, CAUSAL, HAS_LP, HAS_SLOPE, HAS_DH, PRECISION,
    )  # fmt: skip
    put(dv + z * m * DV, cols, m, grad_v, DV, BV)
    put(dk + z * m * D, cols, m, grad_k * tl.load(inverse + z), D, BD)
    if HAS_LP:
        tl.store(dlp + z * m + cols, grad_lp, mask=cols < m)
    if HAS_SLOPE:
        tl.store(dslope + z * tl.cdiv(m, BN) + start // BN, bend)


@triton.jit
def from_keys(
    last, rows, query, grad, less, top, gain, steep, factor, unit, ln2, k, v, lp, n, m, skm, svm,
    D: tl.constexpr, DV: tl.constexpr, BD: tl.constexpr, BV: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr,
    CAUSAL: tl.constexpr, HAS_LP: tl.constexpr, HAS_SLOPE: tl.constexpr, HAS_DH: tl.constexpr,
    PRECISION: tl.constexpr,
):  # fmt: skip
    """Sum over keys: gradient of a block of queries, before the temperature divides it."""
    dq = tl.zeros([BM, BD], factor.dtype)
    for start in range(0, last, BN):
        cols = start + tl.arange(0, BN)
        key = tile(k, cols, m, skm, D, BD)
        value = tile(v, cols, m, svm, DV, BV)
        prior = factor
        if HAS_LP:
            prior = (tl.load(lp + cols, mask=cols < m, other=0.0) * unit)[None, :]
        product = tl.dot(query, tl.trans(key), input_precision=PRECISION, out_dtype=dq.dtype)
        x = scores(product, rows[:, None], cols[None, :], prior, steep, factor, n, m, CAUSAL, HAS_LP, HAS_SLOPE, True)
        dp = tl.dot(grad, tl.trans(value), input_precision=PRECISION, out_dtype=dq.dtype)
        _, dx = weights(x, top[:, None], dp, less[:, None], gain[:, None], ln2, HAS_DH)
        dq += tl.dot(dx.to(key.dtype), key, input_precision=PRECISION, out_dtype=dq.dtype)
    return dq


@triton.jit
def queries_kernel(
    q, k, v, lp, slope, scale, inverse, log2e, ln2, do, delta, shift, dentropy, dq, dtau, n, m, heads,
    sqb, sqh, sqn, skb, skh, skm, svb, svh, svm, slb, slh, sgb, sgh, sgn,
    D: tl.constexpr, DV: tl.constexpr, BD: tl.constexpr, BV: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr,
    CAUSAL: tl.constexpr, HAS_LP: tl.constexpr, HAS_SLOPE: tl.constexpr, HAS_DH: tl.constexpr,
    PRECISION: tl.constexpr,
):  # fmt: skip
    """Gradient of one block of queries, and its part of the temperature's, -(1/tau) sum of <q_i, dq_i>."""
    z, b, h, start = place(n, heads, BM)
    rows = start + tl.arange(0, BM)
    query = tile(q + b * sqb + h * sqh, rows, n, sqn, D, BD)
    grad = tile(do + b * sgb + h * sgh, rows, n, sgn, DV, BV)
    less, top, gain = per_row(delta + z * n, shift + z * n, dentropy + z * n, rows, n, HAS_DH)
    last = m
    if CAUSAL:
        last = tl.minimum(m, start + BM + m - n)
    acc = from_keys(
        last, rows, query, grad, less, top, gain, tl.load(slope + z), tl.load(scale + z), tl.load(log2e),
        tl.load(ln2), k + b * skb + h * skh, v + b * svb + h * svh, lp + b * slb + h * slh, n, m, skm, svm,
        D, DV, BD, BV, BM, BN, CAUSAL, HAS_LP, HAS_SLOPE, HAS_DH, PRECISION,
    )  # fmt: skip
    cold = tl.load(inverse + z)
    acc = acc * cold
    put(dq + z * n * D, rows, n, acc, D, BD)
    tl.store(dtau + z * tl.cdiv(n, BM) + start // BM, -cold * tl.sum(tl.sum(query.to(acc.dtype) * acc, 1), 0))


def row_terms(
    o: torch.Tensor, lse: torch.Tensor, entropy: torch.Tensor | None, do: torch.Tensor, dlse: torch.Tensor | None,
    dentropy: torch.Tensor | None, unit: torch.Tensor, blocks: dict[str, int],
) -> tuple[torch.Tensor, torch.Tensor]:  # fmt: skip
    """Launch the kernel over rows.

    Parameters
    ----------
    o, lse, entropy : Tensor
        Results of the forward pass.
    do, dlse, dentropy : Tensor or None
        Their gradients.
    unit : Tensor
        log2 e.
    blocks : dict
        Sizes of blocks.

    Returns
    -------
    tuple of Tensor
        Delta, and the log-sum-exp to the base 2, each of shape (B, H, n).
    """
    batch, heads, n, dv = o.shape
    delta, shift = torch.empty_like(lse), torch.empty_like(lse)
    launch(
        delta_kernel, (cdiv(n, blocks["BM"]) * batch * heads,),
        do, o, lse, lse if entropy is None else entropy, lse if dlse is None else dlse,
        lse if dentropy is None else dentropy, unit, delta, shift, n, heads, *do.stride()[:3],
        DV=dv, BV=block(dv), BM=blocks["BM"], HAS_DL=dlse is not None, HAS_DH=dentropy is not None,
        num_warps=blocks["num_warps"],
    )  # fmt: skip
    return delta, shift


def backward(
    saved: Saved, do: torch.Tensor, dlse: torch.Tensor | None, dentropy: torch.Tensor | None
) -> tuple[torch.Tensor | None, ...]:
    """Launch the backward kernels.

    Parameters
    ----------
    saved : Saved
        Inputs and results of the forward pass.
    do, dlse, dentropy : Tensor or None
        Gradients of the results.

    Returns
    -------
    tuple
        Gradients of q, k, v, tau, lp and slope; the last two are None where the input is.
    """
    q, k, v, tau, lp, slope = saved.inputs
    q, k, v, do, lp = rows(q), rows(k), rows(v), rows(do), None if lp is None else rows(lp)
    batch, heads, n, m = *q.shape[:3], k.shape[2]
    steep, scale, unit, ln2 = scales(q, tau, slope)
    fixed = constants(q, v, lp, slope, saved.causal)
    fixed |= shape_of_blocks(q.dtype, max(fixed["BD"], fixed["BV"]), saved.precision, backward=True)
    dlse, dentropy = (None if g is None else g.to(tau.dtype).contiguous() for g in (dlse, dentropy))
    delta, shift = row_terms(saved.o, saved.lse, saved.entropy, do, dlse, dentropy, unit, fixed)
    programs, parts = (cdiv(n, fixed["BM"]), cdiv(m, fixed["BN"])), batch * heads
    inputs = (q, k, v, scale if lp is None else lp, steep, scale, (1 / tau).contiguous(), unit, ln2)
    terms = (do, delta, shift, delta if dentropy is None else dentropy)
    strides = [s for x in (q, k, v) for s in x.stride()[:3]]
    strides += [*((0, 0) if lp is None else lp.stride()[:2]), *do.stride()[:3]]
    flags = {**fixed, "HAS_DH": dentropy is not None, "PRECISION": saved.precision}
    dq, dk, dvalue = (torch.empty(x.shape, dtype=x.dtype, device=x.device) for x in (q, k, v))
    dtau, bend = (torch.empty((batch, heads, p), dtype=tau.dtype, device=q.device) for p in programs)
    dlp = torch.empty((batch, heads, m), dtype=tau.dtype, device=q.device)
    launch(keys_kernel, (programs[1] * parts,), *inputs, *terms, dk, dvalue, dlp, bend, n, m, heads, *strides, **flags)
    launch(queries_kernel, (programs[0] * parts,), *inputs, *terms, dq, dtau, n, m, heads, *strides, **flags)
    dslope = None if slope is None else bend.sum(-1)
    return dq, dk, dvalue, dtau.sum(-1), None if lp is None else dlp, dslope
