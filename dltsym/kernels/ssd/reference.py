"""The scan with scalar decay as a loop over time: slow and obvious, any type, differentiated by autograd."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from dltsym.kernels.ssd.arguments import Arguments


def scan(x: Arguments) -> tuple[torch.Tensor, torch.Tensor]:
    """Run ``H <- a H + B x^T``, ``y = C H`` step by step.

    Parameters
    ----------
    x : Arguments
        Inputs, in one shape.

    Returns
    -------
    tuple of Tensor
        Output ``(outer, H, T, P)`` in the type of `x`; last state ``(outer, H, N, P)``, at least in single precision.
    """
    import torch

    acc = torch.float64 if x.x.dtype == torch.float64 else torch.float32
    u, log_a, B, C, h = (v.to(acc) for v in (x.x, x.log_a, x.B, x.C, x.h0))
    share = u.shape[1] // max(B.shape[1], 1)
    B, C = (v.repeat_interleave(share, 1) for v in (B, C))
    outputs = []
    for t in range(u.shape[2]):
        h = torch.exp(log_a[:, :, t, None, None]) * h + B[:, :, t, :, None] * u[:, :, t, None, :]
        outputs.append((C[:, :, t, :, None] * h).sum(-2))
    y = torch.stack(outputs, 2) if outputs else torch.zeros_like(u)
    return y.to(x.x.dtype), h
