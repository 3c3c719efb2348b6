"""Start the kernels of the real scan, forward and backward."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch.autograd.function import once_differentiable

from dltsym.kernels.dispatch import interpreted
from dltsym.kernels.launch import block, cdiv, launch, storage_types
from dltsym.kernels.scan.arguments import Arguments
from dltsym.kernels.scan.triton_backward import backward
from dltsym.kernels.scan.triton_forward import forward

CHANNELS = 4
"""Channels of one program: a tile of states has chunk x channels x states entries."""


PROGRAMS = 512
"""Programs of one backward launch, about: each leaves a part ``(L, N)`` of the sums over channels behind."""


def groups(tiles: int, batch: int) -> Iterator[tuple[int, int]]:
    """Cut tiles of channels into launches: all at once would leave an array of all steps, channels and states behind.

    Parameters
    ----------
    tiles, batch : int
        How many of them.

    Yields
    ------
    tuple of int
        First tile, number of tiles.
    """
    size = max(cdiv(PROGRAMS, max(batch, 1)), 1)
    for first in range(0, tiles, size):
        yield first, min(size, tiles - first)


def narrow(channels: int) -> int:
    """Return the channels of one backward program: few, or registers spill; in the interpreter programs cost most.

    Parameters
    ----------
    channels : int
        Channels that the compiled kernel takes.

    Returns
    -------
    int
    """
    return CHANNELS if interpreted() else channels


def run(x: Arguments) -> tuple[torch.Tensor, torch.Tensor]:
    """Run the scan in Triton.

    Parameters
    ----------
    x : Arguments
        Inputs, all real.

    Returns
    -------
    tuple of Tensor
        Output ``(batch, L, D)`` in the type of `u`, last state ``(batch, D, N)`` in that of the accumulator.
    """
    given = (rows(x.u), rows(x.raw), x.A, rows(x.B), rows(x.C), x.D, x.bias, x.h0, None if x.z is None else rows(x.z))
    return SelectiveScan.apply(*given, x.euler, x.softplus, x.chunk)


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
    """Return the strides of batch and rows, array by array.

    Parameters
    ----------
    *arrays : Tensor
        Arrays of three axes.

    Returns
    -------
    list of int
    """
    return [s for x in arrays for s in x.stride()[:2]]


class SelectiveScan(torch.autograd.Function):
    """The scan with its hand-written gradient."""

    @staticmethod
    def forward(ctx: Any, u: Any, raw: Any, A: Any, B: Any, C: Any, D: Any, bias: Any, h0: Any, z: Any, *static: Any):
        """Run the forward kernel and keep the states at chunk starts."""
        euler, softplus, chunk = static
        acc, ACC = storage_types(u)
        (batch, length, channels), states = u.shape, A.shape[1]
        chunks = cdiv(length, chunk)
        keep = any(ctx.needs_input_grad)
        out = torch.empty(batch, length, channels, dtype=u.dtype, device=u.device)
        last = torch.empty(batch, channels, states, dtype=acc, device=u.device)
        starts = torch.empty(batch, chunks if keep else 0, channels, states, dtype=acc, device=u.device)
        A, D, bias, h0 = (x.contiguous() for x in (A, D, bias, h0))
        gate = u if z is None else z
        launch(
            forward, (batch, cdiv(channels, CHANNELS)),
            u, raw, gate, A, B, C, D, bias, h0, out, last, starts, length, channels, states, chunks,
            *strides(u, raw, gate, B, C),
            EULER=euler, SOFTPLUS=softplus, GATED=z is not None, KEEP=keep, ACC=ACC,
            BT=chunk, BD=CHANNELS, BN=block(states, least=1), num_warps=4,
        )  # fmt: skip
        ctx.save_for_backward(u, raw, A, B, C, D, bias, h0, z, starts)
        ctx.static = static
        return out, last

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dout: Any, dlast: Any):
        """Run the backward kernel; parts of sums over channels and batch are added in a fixed order."""
        u, raw, A, B, C, D, bias, h0, z, starts = ctx.saved_tensors
        euler, softplus, chunk = ctx.static
        acc, ACC = storage_types(u)
        (batch, length, channels), states = u.shape, A.shape[1]
        wide, gate, dout = narrow(2), u if z is None else z, rows(dout)

        def new(*size: int, like: Any = None) -> Any:
            return torch.empty(*size, dtype=acc if like is None else like.dtype, device=u.device)

        du, dr = new(*u.shape, like=u), new(*u.shape, like=raw)
        dz = new(*u.shape, like=gate) if z is not None else du
        da, dh0 = new(batch, channels, states), new(batch, channels, states)
        db, dc = (torch.zeros(batch, length, states, dtype=acc, device=u.device) for _ in range(2))
        dskip, dbias = new(batch, channels), new(batch, channels)
        for first, count in groups(cdiv(channels, wide), batch):
            parts_b, parts_c = new(batch, count, length, states), new(batch, count, length, states)
            launch(
                backward, (batch, count),
                u, raw, gate, A, B, C, D, bias, starts, dout, dlast.contiguous(),
                du, dr, dz, da, parts_b, parts_c, dskip, dbias, dh0, length, channels, states, cdiv(length, chunk),
                first, *strides(u, raw, gate, B, C, dout),
                EULER=euler, SOFTPLUS=softplus, GATED=z is not None, ACC=ACC,
                BT=chunk, BD=wide, BN=block(states, least=1), num_warps=8, num_stages=1,
            )  # fmt: skip
            db, dc = db + parts_b.sum(1), dc + parts_c.sum(1)
        da, db, dc = da.sum(0).to(A.dtype), db.to(B.dtype), dc.to(C.dtype)
        dskip, dbias = dskip.sum(0).to(D.dtype), dbias.sum(0).to(bias.dtype)
        return du, dr, da, db, dc, dskip, dbias, dh0.to(h0.dtype), dz if z is not None else None, None, None, None
