"""Smoothed bits per token, and sums of x - log(1 + x), in plain torch."""

from __future__ import annotations

from math import log

import torch

from dltsym.kernels.bpd.inputs import Tokens

HIDDEN = -5e29
"""Logits below hide a word, as -inf does."""


def smoothed_bpd(p: Tokens) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Compute means, code lengths and entropies from the log-softmax of all logits.

    The largest logit is kept out of the sum: where the model is sure and right, 1 - p and its gradient keep their
    digits.

    Parameters
    ----------
    p : Tokens
        Checked inputs.

    Returns
    -------
    tuple of Tensor
        Shapes (documents, G), (documents, n, G), (documents, n).
    """
    # nan of a token that does not count must not reach its gradient through 0 * nan
    z = torch.where(p.keep[..., None] != 0, p.z.to(p.ours.dtype), 0.0)
    hidden = z < HIDDEN
    none = hidden.all(-1, keepdim=True)
    z = torch.where(hidden & ~none, float("-inf"), z) + torch.where(none | (z == float("inf")), float("nan"), 0.0)
    top = z.argmax(-1, keepdim=True)
    first = torch.zeros_like(z, dtype=torch.bool).scatter(-1, top, True)
    gap = (z - z.gather(-1, top)).masked_fill(first, 0.0)
    lp = gap - torch.log1p(torch.exp(gap).masked_fill(first, 0.0).sum(-1, keepdim=True))
    hidden = lp < HIDDEN
    own = lp.gather(-1, torch.where(p.keep != 0, p.y, 0)[..., None])
    bits = -torch.logaddexp(p.ours + own, p.floor.expand(*own.shape[:-1], -1)) / log(2)
    bits = torch.where(p.keep[..., None] != 0, bits, 0.0)
    safe = torch.where(hidden, 0.0, lp)
    entropy = _entropy(z, safe, hidden)
    mean = bits.sum(-2) / p.keep.sum(-1)[..., None]
    return mean, bits, torch.where(p.keep != 0, entropy, 0.0)


def _entropy(z: torch.Tensor, lp: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
    """Return entropies whose gradient is -p (log p + H) as it stands: autograd would subtract sums that cancel."""
    p, lp = torch.where(hidden, 0.0, torch.exp(lp)).detach(), lp.detach()
    entropy = -(p * lp).sum(-1)
    z = torch.where(hidden, 0.0, z)
    return entropy - (p * (lp + entropy[..., None]) * (z - z.detach())).sum(-1)


def token_sums(A: torch.Tensor, s: torch.Tensor) -> torch.Tensor:
    """Sum x - log(1 + x) over tokens in double precision; a power series below 1/100.

    Parameters
    ----------
    A : Tensor
        Centred and scaled losses, shape (n,).
    s : Tensor
        Scales, shape (K,).

    Returns
    -------
    Tensor
        Shape (K,), in double precision.
    """
    x = s.double()[:, None] * A.double()
    small = x.abs() < 1e-2
    y = torch.where(small, x, 0.0)
    series = torch.zeros_like(y)
    for power in range(11, 1, -1):
        series = series * y + (-1) ** power / power
    return torch.where(small, series * y * y, x - torch.log1p(torch.where(small, 0.0, x))).sum(-1)
