"""The inverse of Bernoulli relative entropy in plain torch: `dltsym.lower.closed.inverse`, rounded outward."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dltsym.lower.closed.inverse import pair

if TYPE_CHECKING:
    import torch

SLACK = 2.0**-47
"""What makes the unknown safe: it is 64 units, and the solution is known to a few."""


def kl_inverse(q: torch.Tensor, c: torch.Tensor, outward: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    """Invert relative entropy: `dltsym.kernels.kl_inverse.kl_inverse` in plain torch.

    Parameters
    ----------
    q, c, outward
        As there.

    Returns
    -------
    tuple of Tensor
        As there.
    """
    import torch

    Q, C = torch.broadcast_tensors(q.double(), c.double())
    move, r = pair(Q, C, slack=SLACK if outward else 0.0)
    p = Q + move
    if not outward:
        return p.to(q.dtype), r.to(q.dtype)
    up = torch.where(C > 0, _towards(p * (1 + 2.0**-51), q, 1.0).clamp_max(1), p.to(q.dtype))
    return up, torch.where(r > 0, _towards(r, q, 0.0), r.to(q.dtype))


def _towards(x: torch.Tensor, like: torch.Tensor, end: float) -> torch.Tensor:
    """Round to a type in one direction."""
    import torch

    out = x.to(like.dtype)
    wrong = out.double() < x if end else out.double() > x
    if like.dtype == torch.float64:
        return torch.nextafter(x, torch.full_like(x, end))
    bits = out.view({2: torch.int16, 4: torch.int32}[out.element_size()])
    return torch.where(wrong, bits + (1 if end else -1), bits).to(bits.dtype).view(out.dtype)
