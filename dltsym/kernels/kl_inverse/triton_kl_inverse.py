"""The inverse of Bernoulli relative entropy in Triton, elementwise.

The unknown is s = log((1 - q)/(1 - p)): then p - q = -(1 - q) expm1(-s) and 1 - p = (1 - q) e^-s keep their digits at
both ends, kl = (1 - q)(s - 1 + e^-s) + p G(-d/p) with G(x) = (1 + x) log(1 + x) - x is a sum of two terms >= 0, and it
is increasing and convex in s with the slope d/p. A start at most 1.8 times too large needs two steps of Halley's
method in single precision and three in double.
"""

# pyright: reportGeneralTypeIssues=false
# (a tuple returned by a jit function is an error to the checker, and so is a static range)

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl

from dltsym.kernels.device import expm1, log1p
from dltsym.kernels.launch import cdiv, launch, storage_types

BLOCK = 256


@triton.jit
def _rise(s, TERMS: tl.constexpr):
    """Return s - 1 + exp(-s) for s >= 0: the series below 1."""
    small = tl.minimum(s, 1.0)
    inner = small * 0.0 + 1.0
    for j in tl.static_range(TERMS - 2):
        inner = 1.0 - inner * small * (1.0 / (TERMS - j))
    return tl.where(s < 1.0, 0.5 * small * small * inner, s + expm1(-s))


@triton.jit
def _drop(x, ratio, TERMS: tl.constexpr):
    """(1 - x) log(1 - x) + x for 0 <= x <= 1, where ratio is 1 - x: the series below 1/2."""
    small = tl.minimum(x, 0.5)
    inner = small * 0.0
    for j in tl.static_range(TERMS - 1):
        inner = inner * small + 1.0 / ((TERMS - j) * (TERMS - j - 1))
    far = ratio * tl.log(tl.where(ratio > 0.0, ratio, 1.0)) + x
    return tl.where(x < 0.5, small * small * inner, far)


@triton.jit
def _start(q, c, rest):
    """Least of four upper bounds on the unknown; each has the relative entropy at least c."""
    entropy = q * tl.log(tl.where(q > 0.0, q, 1.0))
    tilt = (c * (1.0 - 2.0 * q) + tl.sqrt(c * c + 2.0 * q * c * rest)) / (1.0 + 2.0 * c)
    d = tl.where(q + tilt <= 0.5, tilt, c + tl.sqrt(c * c + 2.0 * q * c))
    d = tl.minimum(d, tl.sqrt(0.5 * c))
    d = tl.where(q >= 0.5, tl.minimum(d, tl.sqrt(2.0 * q * rest * c)), d)
    share = d / rest
    near = -log1p(-tl.minimum(share, 0.99))
    return tl.minimum(tl.where(share < 0.99, near, float("inf")), (c - entropy) / rest)


@triton.jit
def _parts(s, q, rest):
    """Return p - q, p and 1 - p at an unknown."""
    d = tl.abs(rest * expm1(-s))  # not -0: the gradient divides by it
    return d, q + d, rest * tl.exp(-s)


@triton.jit
def _entropy(s, q, rest, d, p, SERIES: tl.constexpr, TERMS: tl.constexpr):
    """Relative entropy at an unknown; its relative error is below 32 units."""
    over = tl.where(p > 0.0, p, 1.0)
    return rest * _rise(s, SERIES) + p * _drop(d / over, q / over, TERMS)


@triton.jit
def _solve(q, c, rest, STEPS: tl.constexpr, SERIES: tl.constexpr, TERMS: tl.constexpr):
    """Halley steps on the unknown from above."""
    s = _start(q, c, rest)
    for _ in tl.static_range(STEPS):
        d, p, r = _parts(s, q, rest)
        over = tl.where(d > 0.0, d, 1.0)
        newton = (_entropy(s, q, rest, d, p, SERIES, TERMS) - c) * (p / over)
        bend = (q / over) * (r / tl.where(p > 0.0, p, 1.0))
        s = tl.where(d > 0.0, s - newton / (1.0 - 0.5 * newton * bend), s)
    return s


@triton.jit
def _outward(s, q, c, rest, unit, SERIES: tl.constexpr, TERMS: tl.constexpr):
    """Round outward: an unknown certainly not below the solution, p rounded up and 1 - p rounded down."""
    # Relative entropy is convex in the unknown, so the tangent at any point meets c beyond the solution. The value at
    # the point is taken 32 units low, the slope 16, and every later operation is charged its rounding.
    d, p, _ = _parts(s, q, rest)
    low = _entropy(s, q, rest, d, p, SERIES, TERMS) * (1.0 - 32.0 * unit)
    missing = tl.where(c > low, c - low, 0.0)
    s = (s + missing * (p / tl.where(d > 0.0, d, 1.0)) * (1.0 + 16.0 * unit)) * (1.0 + 4.0 * unit)
    d, _, r = _parts(s, q, rest)
    p = (q + d * (1.0 + 8.0 * unit)) * (1.0 + 2.0 * unit)
    return s, tl.where(p > 1.0, 1.0, p), r * (1.0 - (8.0 + 2.0 * s) * unit)


@triton.jit
def _round_up(p, io: tl.constexpr):
    """Round to the type of the output, never down; p lies in [0, 1]."""
    out = p.to(io)
    short: tl.constexpr = io.primitive_bitwidth == 16
    if short:
        bits = out.to(tl.int16, bitcast=True)
        out = tl.where(out.to(p.dtype) < p, bits + 1, bits).to(tl.int16).to(io, bitcast=True)
    return out


@triton.jit
def _round_down(r, io: tl.constexpr):
    """Round to the type of the output, never up; negative results become 0."""
    r = tl.where(r < 0.0, 0.0, r)  # nan stays
    out = r.to(io)
    short: tl.constexpr = io.primitive_bitwidth == 16
    if short:
        bits = out.to(tl.int16, bitcast=True)
        out = tl.where(out.to(r.dtype) > r, bits - 1, bits).to(tl.int16).to(io, bitcast=True)
    return out


@triton.jit
def _forward(
    Q, C, P, R, UNIT, n, qs, cs,
    ACC: tl.constexpr, OUTWARD: tl.constexpr, STEPS: tl.constexpr, SERIES: tl.constexpr, TERMS: tl.constexpr,
    BLOCK: tl.constexpr,
):  # fmt: skip
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    q = tl.load(Q + at * qs, mask=at < n, other=0.5).to(ACC)
    c = tl.load(C + at * cs, mask=at < n, other=0.5).to(ACC)
    unit = tl.load(UNIT)
    whole = (q == 1.0) & (c >= 0.0)
    wrong = (q != q) | (c != c) | (q < 0.0) | (q > 1.0) | (c < 0.0)
    easy = wrong | whole | (c == float("inf"))
    q0, c0 = tl.where(easy, 0.5, q), tl.where(easy, 0.5, c)
    rest = 1.0 - q0
    s = _solve(q0, c0, rest, STEPS, SERIES, TERMS)
    _, p, r = _parts(s, q0, rest)
    if OUTWARD:
        _, p, r = _outward(s, q0, c0, rest, unit, SERIES, TERMS)
        p = tl.where((c0 == 0.0), q0, p)
    p = tl.where(easy, tl.where(wrong, float("nan"), 1.0), p)
    r = tl.where(easy, tl.where(wrong, float("nan"), 0.0), r)
    io: tl.constexpr = P.dtype.element_ty
    tl.store(P + at, _round_up(p, io) if OUTWARD else p.to(io), mask=at < n)
    tl.store(R + at, _round_down(r, io) if OUTWARD else r.to(io), mask=at < n)


@triton.jit
def _backward(
    Q, C, DP, DR, DQ, DC, n, qs, cs, dps, drs,
    ACC: tl.constexpr, HAS_DP: tl.constexpr, HAS_DR: tl.constexpr, STEPS: tl.constexpr, SERIES: tl.constexpr,
    TERMS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    q = tl.load(Q + at * qs, mask=at < n, other=0.5).to(ACC)
    c = tl.load(C + at * cs, mask=at < n, other=0.5).to(ACC)
    out = tl.zeros((BLOCK,), ACC)
    if HAS_DP:
        out += tl.load(DP + at * dps, mask=at < n, other=0.0).to(ACC)
    if HAS_DR:
        out -= tl.load(DR + at * drs, mask=at < n, other=0.0).to(ACC)
    flat = (q == 1.0) | (c == float("inf"))
    q0, c0 = tl.where(flat, 0.5, q), tl.where(flat, 0.5, c)
    rest = 1.0 - q0
    s = _solve(q0, c0, rest, STEPS, SERIES, TERMS)
    d, p, r = _parts(s, q0, rest)
    by_c = p * (r / d)  # infinite at c = 0, where d = 0
    ratio = tl.where(q0 > 0.0, d / tl.where(q0 > 0.0, q0, 1.0), float("inf"))
    odds = log1p(ratio) + s
    by_q = tl.where(d > 0.0, odds * by_c, 1.0)
    zero = out == 0.0
    tl.store(DC + at, tl.where(flat | zero, 0.0, out * by_c), mask=at < n)
    tl.store(DQ + at, tl.where(flat | zero, 0.0, out * by_q), mask=at < n)


def _settings(x: torch.Tensor) -> dict[str, Any]:
    acc, ACC = storage_types(x)
    wide = acc == torch.float64
    return {
        "ACC": ACC, "STEPS": 3 if wide else 2, "SERIES": 20 if wide else 12, "TERMS": 46 if wide else 20,
        "BLOCK": BLOCK, "num_warps": 4,
    }  # fmt: skip


class Inverse(torch.autograd.Function):
    """The inverse of flat tensors and its gradient by implicit differentiation."""

    @staticmethod
    def forward(ctx: Any, q: torch.Tensor, c: torch.Tensor, outward: bool) -> Any:
        """Return p and 1 - p."""
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(q, c)
        n = q.numel()
        p, r = (torch.empty(n, dtype=q.dtype, device=q.device) for _ in "pr")
        acc, _ = storage_types(q)
        unit = torch.full((1,), torch.finfo(acc).eps / 2, dtype=acc, device=q.device)
        grid = (cdiv(n, BLOCK),)
        launch(_forward, grid, q, c, p, r, unit, n, q.stride(0), c.stride(0), OUTWARD=outward, **_settings(q))
        return p, r

    @staticmethod
    def backward(ctx: Any, dp: torch.Tensor | None, dr: torch.Tensor | None) -> Any:
        """Return the gradients by q and c."""
        q, c = ctx.saved_tensors
        dq, dc = (torch.empty(q.numel(), dtype=q.dtype, device=q.device) for _ in "qc")
        by_p, by_r = (q if dp is None else dp), (q if dr is None else dr)
        launch(
            _backward, (cdiv(q.numel(), BLOCK),), q, c, by_p, by_r, dq, dc, q.numel(), q.stride(0), c.stride(0),
            by_p.stride(0), by_r.stride(0), HAS_DP=dp is not None, HAS_DR=dr is not None, **_settings(q),
        )  # fmt: skip
        return dq, dc, None


def invert(q: torch.Tensor, c: torch.Tensor, outward: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Invert for broadcast tensors of any shape.

    Parameters
    ----------
    q, c : Tensor
        Smaller mean and relative entropy, of one type.
    outward : bool
        Whether p is an upper and 1 - p a lower bound.

    Returns
    -------
    tuple of Tensor
        p and 1 - p.
    """
    q, c = torch.broadcast_tensors(q, c)
    p, r = Inverse.apply(q.reshape(-1), c.reshape(-1), outward)
    return p.reshape(q.shape), r.reshape(q.shape)
