"""The selective scan as a loop over time: slow and obvious, any type, any device, differentiated by autograd."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from dltsym.kernels.scan.arguments import Arguments


def scan(x: Arguments) -> tuple[torch.Tensor, torch.Tensor]:
    """Run the recurrence step by step.

    Parameters
    ----------
    x : Arguments
        Inputs, in one shape; with a complex `A` the state is complex, and twice the real part is read.

    Returns
    -------
    tuple of Tensor
        Output ``(batch, L, D)`` in the type of `u`; last state ``(batch, D, N)``, at least in single precision.
    """
    import torch

    acc = torch.float64 if x.u.dtype == torch.float64 else torch.float32
    state = acc.to_complex() if x.A.is_complex() else acc
    u, raw, skip, bias = (w.to(acc) for w in (x.u, x.raw, x.D, x.bias))
    A, B, C, h = (w.to(state) for w in (x.A, x.B, x.C, x.h0))
    delta = raw + bias
    if x.softplus:
        delta = torch.logaddexp(delta, torch.zeros_like(delta))
    outputs = []
    for t in range(u.shape[1]):
        w = delta[:, t, :, None] * A
        weight = delta[:, t, :, None] * (1 if x.euler else phi1(w))
        h = torch.exp(w) * h + weight * B[:, t, None, :] * u[:, t, :, None]
        y = (C[:, t, None, :] * h).sum(-1)
        outputs.append((2 * y.real if y.is_complex() else y) + skip * u[:, t])
    out = torch.stack(outputs, 1) if outputs else torch.zeros_like(u)
    if x.z is not None:
        out = out * torch.nn.functional.silu(x.z.to(acc))
    return out.to(x.u.dtype), h


def phi1(w: torch.Tensor) -> torch.Tensor:
    """Return ``(e^w - 1) / w`` by its series below 1, where the difference would cancel.

    Parameters
    ----------
    w : Tensor
        Real or complex.

    Returns
    -------
    Tensor
    """
    import torch

    large = w.abs() >= 1
    small = torch.where(large, 0, w)
    series: Any = torch.ones_like(w)
    for k in range(19, 1, -1):
        series = 1 + series * small / k
    safe = torch.where(large, w, 1)
    return torch.where(large, (torch.exp(safe) - 1) / safe, series)
