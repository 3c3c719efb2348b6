"""InfoNCE in plain torch: the same signature, the same off-diagonal form, and all scores in memory."""

from __future__ import annotations

import torch

from dltsym.kernels.contrastive.inputs import Pairs


def infonce(pairs: Pairs) -> tuple[torch.Tensor, torch.Tensor]:
    """Compute the loss from the matrix of all scores.

    Parameters
    ----------
    pairs : Pairs
        Checked inputs.

    Returns
    -------
    tuple of Tensor
        Loss of shape (batch,) and losses of the rows, shape (batch, N), in the accumulator's type.
    """
    acc = torch.float64 if pairs.x.dtype == torch.float64 else torch.float32
    scores = pairs.scale.to(acc)[:, None, None] * (pairs.x.to(acc) @ pairs.y.to(acc).mT)
    scores = scores + (scores - scores).detach()  # an infinity is as little known as nan
    rows = _against_others(scores, pairs.target)
    if pairs.loss == "symmetric":
        rows = (rows + _against_others(scores.mT, pairs.target)) / 2
    return rows.mean(-1), rows


def _against_others(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return softplus(LSE of the other scores - own score) of every row; a row without others costs nothing."""
    own = scores.gather(-1, target[..., None])[..., 0]
    if scores.shape[-1] == 1:
        return 0.0 * own
    hit = target[..., None] == torch.arange(scores.shape[-1], device=scores.device)
    gap = torch.logsumexp(scores.masked_fill(hit, float("-inf")), -1) - own
    return torch.logaddexp(gap, torch.zeros_like(gap))
