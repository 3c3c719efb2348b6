"""Start the kernels of the complex scan, forward and backward; complex arrays travel as two real ones."""

from __future__ import annotations

from typing import Any

import torch
from torch.autograd.function import once_differentiable

from dltsym.kernels.launch import block, cdiv, launch, storage_types
from dltsym.kernels.scan.arguments import Arguments
from dltsym.kernels.scan.launching import CHANNELS, groups, narrow, rows, strides
from dltsym.kernels.scan.triton_complex_backward import backward_complex
from dltsym.kernels.scan.triton_complex_forward import forward_complex


def run(x: Arguments) -> tuple[torch.Tensor, torch.Tensor]:
    """Run the scan in Triton.

    Parameters
    ----------
    x : Arguments
        Inputs, `A` complex; the others may be.

    Returns
    -------
    tuple of Tensor
        Output ``(batch, L, D)`` in the type of `u`, last state ``(batch, D, N)``, complex.
    """
    real = [rows(v) for v in (x.u, x.raw)]
    pairs = [part.contiguous() for v in (x.A, x.B, x.C) for part in parts(v)]
    ends = [x.D.contiguous(), x.bias.contiguous(), *(part.contiguous() for part in parts(x.h0))]
    gate = None if x.z is None else rows(x.z)
    y, hr, hi = ComplexScan.apply(*real, *pairs, *ends, gate, x.euler, x.softplus, x.chunk)
    return y, torch.complex(hr, hi)


def parts(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return real and imaginary part.

    Parameters
    ----------
    x : Tensor
        Real or complex.

    Returns
    -------
    tuple of Tensor
    """
    return (x.real, x.imag) if x.is_complex() else (x, torch.zeros_like(x))


class ComplexScan(torch.autograd.Function):
    """The scan with its hand-written gradient."""

    @staticmethod
    def forward(ctx: Any, u: Any, raw: Any, AR: Any, AI: Any, BR: Any, BI: Any, CR: Any, CI: Any, D: Any, bias: Any,
                HR: Any, HI: Any, z: Any, *static: Any):  # fmt: skip
        """Run the forward kernel and keep the states at chunk starts."""
        euler, softplus, chunk = static
        acc, ACC = storage_types(u)
        (batch, length, channels), states = u.shape, AR.shape[1]
        chunks, keep, gate = cdiv(length, chunk), any(ctx.needs_input_grad), u if z is None else z

        def new(*size: int, dtype: Any = acc) -> Any:
            return torch.empty(*size, dtype=dtype, device=u.device)

        out = new(batch, length, channels, dtype=u.dtype)
        last = [new(batch, channels, states) for _ in range(2)]
        starts = [new(batch, chunks if keep else 0, channels, states) for _ in range(2)]
        launch(
            forward_complex, (batch, cdiv(channels, CHANNELS)),
            u, raw, gate, AR, AI, BR, BI, CR, CI, D, bias, HR, HI, out, *last, *starts,
            length, channels, states, chunks, *strides(u, raw, gate),
            EULER=euler, SOFTPLUS=softplus, GATED=z is not None, KEEP=keep, ACC=ACC,
            BT=chunk, BD=CHANNELS, BN=block(states, least=1), num_warps=8,
        )  # fmt: skip
        ctx.save_for_backward(u, raw, AR, AI, BR, BI, CR, CI, D, bias, HR, z, *starts)
        ctx.static = static
        return out, *last

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dout: Any, *dlast: Any):
        """Run the backward kernel; parts of sums over channels and batch are added in a fixed order."""
        u, raw, AR, AI, BR, BI, CR, CI, D, bias, HR, z, *starts = ctx.saved_tensors
        euler, softplus, chunk = ctx.static
        acc, ACC = storage_types(u)
        (batch, length, channels), states = u.shape, AR.shape[1]
        wide, gate, dout = narrow(1), u if z is None else z, rows(dout)

        def new(*size: int, dtype: Any = acc) -> Any:
            return torch.empty(*size, dtype=dtype, device=u.device)

        du, dr = new(*u.shape, dtype=u.dtype), new(*u.shape, dtype=raw.dtype)
        dz = du if z is None else new(*u.shape, dtype=z.dtype)
        da, dh = ([new(batch, channels, states) for _ in range(2)] for _ in range(2))
        sums = [torch.zeros(batch, length, states, dtype=acc, device=u.device) for _ in range(4)]
        dskip, dbias = new(batch, channels), new(batch, channels)
        for first, count in groups(cdiv(channels, wide), batch):
            parts = [new(batch, count, length, states) for _ in range(4)]
            launch(
                backward_complex, (batch, count),
                u, raw, gate, AR, AI, BR, BI, CR, CI, D, bias, *starts, dout, *(g.contiguous() for g in dlast),
                du, dr, dz, *da, *parts, dskip, dbias, *dh,
                length, channels, states, cdiv(length, chunk), first, *strides(u, raw, gate, dout),
                EULER=euler, SOFTPLUS=softplus, GATED=z is not None, ACC=ACC,
                BT=chunk, BD=wide, BN=block(states, least=1), num_warps=8,
            )  # fmt: skip
            sums = [s + g.sum(1) for s, g in zip(sums, parts, strict=True)]
        summed = [g.sum(0).to(AR.dtype) for g in da]
        summed += [s.to(x.dtype) for s, x in zip(sums, (BR, BR, CR, CR), strict=True)]
        ends = (dskip.sum(0).to(D.dtype), dbias.sum(0).to(bias.dtype), *(g.to(HR.dtype) for g in dh))
        return du, dr, *summed, *ends, dz if z is not None else None, None, None, None
