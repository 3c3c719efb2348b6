"""One denoising step in Triton: a single pass, coefficients from a table in the accumulator's type.

Noise is a tensor, or drawn inside: four normal numbers from each Philox draw, and the counter is the place of the
element, so (seed, counter) replays it exactly, whatever the blocks.
"""

# pyright: reportGeneralTypeIssues=false
# (a tuple returned by a jit function is an error to the checker)

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl

from dltsym.kernels.launch import cdiv, launch, storage_types

BLOCK = 1024


@triton.jit
def _normal(seed, place, BLOCK: tl.constexpr):
    """Draw normal numbers for BLOCK elements from `place` on, a multiple of 4."""
    quads = place // 4 + tl.arange(0, BLOCK // 4).to(tl.int64)
    a, b, c, d = tl.randn4x(seed, quads)
    return tl.interleave(tl.interleave(a, c), tl.interleave(b, d))


@triton.jit
def _coefficients(COEF, at, inside, n, PER_ROW: tl.constexpr):
    """Load the six coefficients of every element, or of all of them."""
    row = (at // n) * 6 if PER_ROW else at * 0
    clean = tl.load(COEF + row, mask=inside, other=0.0)
    by_x = tl.load(COEF + row + 1, mask=inside, other=0.0)
    by_model = tl.load(COEF + row + 2, mask=inside, other=0.0)
    kept = tl.load(COEF + row + 3, mask=inside, other=0.0)
    guess = tl.load(COEF + row + 4, mask=inside, other=0.0)
    sigma = tl.load(COEF + row + 5, mask=inside, other=0.0)
    return clean, by_x, by_model, kept, guess, sigma


@triton.jit
def _clipped(x):
    """Clip to [-1, 1]; nan stays."""
    return tl.where(x > 1.0, 1.0, tl.where(x < -1.0, -1.0, x))


@triton.jit
def _forward(
    X, MODEL, NOISE, OUT, COEF, total, n, xs, ms, zs, seed, counter,
    DRAW: tl.constexpr, GIVEN: tl.constexpr, CLIP: tl.constexpr, PER_ROW: tl.constexpr, ACC: tl.constexpr,
    BLOCK: tl.constexpr,
):  # fmt: skip
    start = tl.program_id(0).to(tl.int64) * BLOCK
    at = start + tl.arange(0, BLOCK)
    inside = at < total
    x = tl.load(X + at * xs, mask=inside, other=0.0).to(ACC)
    model = tl.load(MODEL + at * ms, mask=inside, other=0.0).to(ACC)
    clean, by_x, by_model, kept, guess, sigma = _coefficients(COEF, at, inside, n, PER_ROW)
    out = by_x * x + by_model * model
    if CLIP:
        out += clean * _clipped(kept * x + guess * model)
    if GIVEN:
        out += sigma * tl.load(NOISE + at * zs, mask=inside, other=0.0).to(ACC)
    if DRAW:
        out += sigma * _normal(seed, counter + start, BLOCK).to(ACC)
    tl.store(OUT + at, out, mask=inside)


@triton.jit
def _backward(
    X, MODEL, DOUT, DX, DMODEL, DNOISE, COEF, total, n, xs, ms, ds,
    GIVEN: tl.constexpr, CLIP: tl.constexpr, PER_ROW: tl.constexpr, ACC: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = at < total
    dout = tl.load(DOUT + at * ds, mask=inside, other=0.0).to(ACC)
    clean, by_x, by_model, kept, guess, sigma = _coefficients(COEF, at, inside, n, PER_ROW)
    if CLIP:
        x = tl.load(X + at * xs, mask=inside, other=0.0).to(ACC)
        model = tl.load(MODEL + at * ms, mask=inside, other=0.0).to(ACC)
        x0 = kept * x + guess * model
        free = tl.where((x0 >= -1.0) & (x0 <= 1.0), clean, 0.0)
        by_x += free * kept
        by_model += free * guess
    tl.store(DX + at, by_x * dout, mask=inside)
    tl.store(DMODEL + at, by_model * dout, mask=inside)
    if GIVEN:
        tl.store(DNOISE + at, sigma * dout, mask=inside)


@triton.jit
def _draw(OUT, total, seed, counter, BLOCK: tl.constexpr):
    start = tl.program_id(0).to(tl.int64) * BLOCK
    at = start + tl.arange(0, BLOCK)
    tl.store(OUT + at, _normal(seed, counter + start, BLOCK), mask=at < total)


class Step(torch.autograd.Function):
    """A step of flat tensors and its gradient."""

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, model: torch.Tensor, noise: torch.Tensor | None, table: torch.Tensor, n: int,
        clip: bool, seed: int | None, counter: int,
    ) -> torch.Tensor:  # fmt: skip
        """Return the sample before."""
        ctx.save_for_backward(x, model, table)
        ctx.settings = noise is not None, n, clip
        out, (_, ACC) = torch.empty(x.numel(), dtype=x.dtype, device=x.device), storage_types(x)
        z = x if noise is None else noise
        launch(
            _forward, (cdiv(x.numel(), BLOCK),), x, model, z, out, table, x.numel(), n,
            x.stride(0), model.stride(0), z.stride(0), seed or 0, counter,
            DRAW=seed is not None, GIVEN=noise is not None, CLIP=clip, PER_ROW=len(table) > 1, ACC=ACC, BLOCK=BLOCK,
            num_warps=4,
        )  # fmt: skip
        return out

    @staticmethod
    def backward(ctx: Any, dout: torch.Tensor) -> Any:
        """Return the gradients by the sample, the output of the network and the noise."""
        (x, model, table), (given, n, clip) = ctx.saved_tensors, ctx.settings
        total, (_, ACC) = x.numel(), storage_types(x)
        dx, dmodel, dnoise = (torch.empty(total, dtype=x.dtype, device=x.device) for _ in range(3))
        launch(
            _backward, (cdiv(total, BLOCK),), x, model, dout, dx, dmodel, dnoise, table, total, n,
            x.stride(0), model.stride(0), dout.stride(0),
            GIVEN=given, CLIP=clip, PER_ROW=len(table) > 1, ACC=ACC, BLOCK=BLOCK, num_warps=4,
        )  # fmt: skip
        return dx, dmodel, dnoise if given else None, None, None, None, None, None


def advance(
    x: torch.Tensor, model: torch.Tensor, noise: torch.Tensor | None, table: torch.Tensor, n: int, clip: bool,
    seed: int | None, counter: int,
) -> torch.Tensor:  # fmt: skip
    """Take a step.

    Parameters
    ----------
    x, model : Tensor
        Noisy sample and output of the network, of one shape.
    noise : Tensor or None
        Normal noise of this shape.
    table : Tensor, shape (rows, 6)
        Coefficients, one row for each n elements, or one row.
    n : int
        Elements of a row.
    clip : bool
        Whether x0 is clipped.
    seed : int or None
        Seed of noise that is drawn here.
    counter : int
        Place of the first element, a multiple of 4.

    Returns
    -------
    Tensor
    """
    acc, _ = storage_types(x)
    flat = None if noise is None else noise.reshape(-1)
    out = Step.apply(x.reshape(-1), model.reshape(-1), flat, table.to(acc).contiguous(), n, clip, seed, counter)
    return out.reshape(x.shape)


def draw(total: int, seed: int, counter: int, device: Any) -> torch.Tensor:
    """Draw the noise that a step with this seed and counter adds.

    Parameters
    ----------
    total : int
        How many.
    seed : int
        Seed.
    counter : int
        Place of the first number, a multiple of 4.
    device : torch.device
        Device.

    Returns
    -------
    Tensor, shape (total,)
        Single precision.
    """
    out = torch.empty(total, dtype=torch.float32, device=device)
    launch(_draw, (cdiv(total, BLOCK),), out, total, seed, counter, BLOCK=BLOCK, num_warps=4)
    return out
