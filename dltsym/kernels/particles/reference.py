"""A step of attention dynamics as the theorem says it, in plain torch, with an n x n array of weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def particle_step(
    x: torch.Tensor, beta: float | torch.Tensor, h: float | torch.Tensor, rule: str = "sa", move: str = "project"
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Move tokens on the sphere once.

    Parameters
    ----------
    x : Tensor, shape (..., n, d)
        Tokens, unit vectors.
    beta, h : float or Tensor, shape (...)
        Inverse temperature and size of the step.
    rule : {"sa", "usa"}
        Weights over their sum, or over n.
    move : {"project", "geodesic"}
        Add and normalise, or follow the geodesic.

    Returns
    -------
    tuple of Tensor
        Moved tokens (..., n, d), log-sum-exps (..., n), squared speeds (..., n), logarithm of the energy (...).
    """
    import torch

    acc = torch.float64 if x.dtype == torch.float64 else torch.float32
    t, n = x.to(acc), x.shape[-2]
    beta, h = (torch.as_tensor(a, dtype=acc, device=x.device) for a in (beta, h))
    scores = beta[..., None, None] * (t @ t.mT)
    lse = scores.logsumexp(-1)
    weights = scores.softmax(-1) if rule == "sa" else scores.exp() / n
    mean = weights @ t
    w = mean - (mean * t).sum(-1, keepdim=True) * t
    square = (w * w).sum(-1)
    step = h[..., None, None]
    if move == "geodesic":
        speed = torch.where(square > 0, square, 1.0).sqrt()[..., None]
        angle = step * speed
        turned = angle.cos() * t + angle.sin() / speed * w
        y = torch.where((square > 0)[..., None], turned, t + step * w)
    else:
        far = t + step * w
        y = far / (far * far).sum(-1, keepdim=True).sqrt()
    energy = lse.logsumexp(-1) - (2 * beta).log() - 2 * torch.tensor(float(n), dtype=acc).log()
    return y.to(x.dtype), lse, square, energy
