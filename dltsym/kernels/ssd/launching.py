"""Start the kernels of the chunked scan, forward and backward."""

from __future__ import annotations

from typing import Any

import torch
from torch.autograd.function import once_differentiable

from dltsym.kernels.launch import block, cdiv, launch, storage_types
from dltsym.kernels.ssd.arguments import Arguments
from dltsym.kernels.ssd.triton_backward import input_gradient, other_gradients
from dltsym.kernels.ssd.triton_forward import outputs
from dltsym.kernels.ssd.triton_steps import carry, chunk_states

COLUMNS = {torch.float64: 32, torch.float32: 32, torch.float16: 64, torch.bfloat16: 64}
"""Most columns of one program; three tf32 products for one need more registers."""
ENTRIES = 32
"""Entries of B and C that a kernel with several products takes at a time; all of them together spill registers."""
STATE = 1024
"""Entries of a state that one program carries from chunk to chunk."""
PRECISION = {torch.float64: "ieee", torch.float32: "tf32x3", torch.float16: "tf32", torch.bfloat16: "tf32"}


def run(x: Arguments) -> tuple[torch.Tensor, torch.Tensor]:
    """Run the scan in Triton.

    Parameters
    ----------
    x : Arguments
        Inputs.

    Returns
    -------
    tuple of Tensor
        Output ``(outer, H, T, P)`` in the type of `x`, last state ``(outer, H, N, P)`` in that of the accumulator.
    """
    return ChunkedScan.apply(*(rows(v) for v in (x.x, x.log_a, x.B, x.C)), x.h0.contiguous(), x.chunk)


def rows(x: torch.Tensor) -> torch.Tensor:
    """Return a tensor whose last axis has stride 1, a view wherever possible.

    Parameters
    ----------
    x : Tensor
        Any strides.

    Returns
    -------
    Tensor
    """
    return x if x.stride(-1) == 1 or x.shape[-1] <= 1 else x.contiguous()


def strides(*arrays: torch.Tensor) -> list[int]:
    """Return the first three strides of every array.

    Parameters
    ----------
    *arrays : Tensor
        Arrays of three or four axes.

    Returns
    -------
    list of int
    """
    return [s for x in arrays for s in x.stride()[:3]]


def sizes(x: torch.Tensor, B: torch.Tensor, chunk: int) -> tuple[int, int, int, int, int, int]:
    """Return what every kernel is told: length, state and column sizes, heads, heads per group, chunks.

    Parameters
    ----------
    x, B : Tensor
        Input and input vectors.
    chunk : int
        Steps of one chunk.

    Returns
    -------
    tuple of int
    """
    _, heads, length, columns = x.shape
    return length, B.shape[3], columns, heads, heads // max(B.shape[1], 1), cdiv(length, chunk)


class ChunkedScan(torch.autograd.Function):
    """The scan with its hand-written gradient."""

    @staticmethod
    def forward(ctx: Any, x: Any, log_a: Any, B: Any, C: Any, h0: Any, chunk: int):
        """Add up every chunk, carry the states, write the outputs."""
        acc, ACC = storage_types(x)
        told = sizes(x, B, chunk)
        length, inner, columns, heads, _, chunks = told
        rows_, plane = x.shape[0] * heads, inner * columns
        wide = {"Q": chunk, "BN": ENTRIES, "BP": block(columns, most=COLUMNS[x.dtype]), "ACC": ACC}
        wide |= {"PRECISION": PRECISION[x.dtype], "num_warps": 8, "num_stages": 2}
        whole = wide | {"BN": block(inner)}
        grid = (rows_, chunks, cdiv(columns, wide["BP"]))
        starts = torch.empty(rows_, chunks, inner, columns, dtype=acc, device=x.device)
        last = torch.empty_like(h0, dtype=acc)
        y = torch.empty(x.shape, dtype=x.dtype, device=x.device)
        launch(chunk_states, grid, x, B, log_a, starts, *told, *strides(x, B, log_a), SUFFIX=True, **whole)
        launch(
            carry, (rows_, cdiv(plane, STATE)), starts, h0, last, log_a,
            length, plane, heads, chunks, *strides(log_a), BACKWARD=False, ACC=ACC, Q=chunk, BLOCK=STATE,
        )  # fmt: skip
        launch(outputs, grid, x, B, C, log_a, starts, y, *told, *strides(x, B, C, log_a), **wide)
        ctx.save_for_backward(x, log_a, B, C, h0, starts)
        ctx.chunk, ctx.wide, ctx.whole = chunk, wide, whole
        return y, last

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Any, dlast: Any):
        """Add up the adjoints of every chunk, carry them back, write the gradients."""
        x, log_a, B, C, h0, starts = ctx.saved_tensors
        chunk, wide, whole, tiles = ctx.chunk, ctx.wide, ctx.whole, cdiv(B.shape[3], ENTRIES)
        told = sizes(x, B, chunk)
        length, inner, columns, heads, group, chunks = told
        rows_, plane = x.shape[0] * heads, inner * columns
        grid = (rows_, chunks, cdiv(columns, wide["BP"]))
        dy, dlast, ends = rows(dy), dlast.contiguous(), torch.empty_like(starts)
        dh0 = torch.empty_like(dlast)
        launch(chunk_states, grid, dy, C, log_a, ends, *told, *strides(dy, C, log_a), SUFFIX=False, **whole)
        launch(
            carry, (rows_, cdiv(plane, STATE)), ends, dlast, dh0, log_a,
            length, plane, heads, chunks, *strides(log_a), BACKWARD=True, ACC=wide["ACC"], Q=chunk, BLOCK=STATE,
        )  # fmt: skip
        dx = torch.empty(x.shape, dtype=x.dtype, device=x.device)
        dl = torch.empty(rows_, tiles, length, dtype=starts.dtype, device=x.device)
        parts = (x.shape[0], heads // group, group, length, inner)
        db, dc = (torch.empty(parts, dtype=starts.dtype, device=x.device) for _ in range(2))
        launch(input_gradient, grid, B, C, log_a, dy, ends, dx, *told, *strides(dy, B, C, log_a), **wide)
        launch(
            other_gradients, (rows_, chunks, tiles), x, B, C, log_a, dy, starts, ends, db, dc, dl,
            *told, *strides(x, dy, B, C, log_a), **wide | {"BP": max(16, wide["BP"] // 2)},
        )  # fmt: skip
        dl = dl.sum(1).reshape(log_a.shape).to(log_a.dtype)
        return dx, dl, db.sum(2).to(B.dtype), dc.sum(2).to(C.dtype), dh0.to(h0.dtype), None
