"""Attention as the theorem says it, in plain torch: an n x m array of scores, differentiated by autograd."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def one_sided_eot(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, tau: float | torch.Tensor, lp: torch.Tensor | None = None,
    slope: torch.Tensor | None = None, causal: bool = False,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:  # fmt: skip
    """Attend with one array of scores.

    Parameters
    ----------
    q, k, v : Tensor, shapes (..., n, d), (..., m, d), (..., m, dv)
        Queries, keys and values; leading dimensions broadcast.
    tau : float or Tensor, shape (...)
        Temperature.
    lp : Tensor, shape (..., m), optional
        Log prior; -inf hides a key.
    slope : Tensor, shape (...), optional
        Penalty for each place of distance.
    causal : bool
        Whether query i sees only the keys j <= i + m - n.

    Returns
    -------
    tuple of Tensor
        Output in the type of the inputs; log-sum-exp and entropy (nats) in single precision or better.
    """
    import torch

    acc = torch.float64 if q.dtype == torch.float64 else torch.float32
    n, m = q.shape[-2], k.shape[-2]
    place = torch.arange(n, device=q.device)[:, None] + (m - n) - torch.arange(m, device=q.device)
    x = (q.to(acc) @ k.to(acc).mT) / torch.as_tensor(tau, dtype=acc, device=q.device)[..., None, None]
    if lp is not None:
        x = x + lp.to(acc)[..., None, :]
    if slope is not None:
        x = x - slope.to(acc)[..., None, None] * place.abs().to(acc)
    seen = x != float("-inf")  # nan is seen
    if causal:
        seen = seen & (place >= 0)
    empty = ~seen.any(-1)
    low = torch.full_like(x, float("-inf"))
    top = torch.where(seen, x, low).amax(-1) if m else x.new_full(x.shape[:-1], 0.0)
    top = torch.where(empty, 0.0, top).detach()
    y = torch.where(seen, x, top[..., None]) - top[..., None]
    e = torch.where(seen, y.exp(), 0.0)
    total = torch.where(empty, 1.0, e.sum(-1))
    p = e / total[..., None]
    bits = total.log()
    spread = bits - (p * y).sum(-1)
    lse = torch.where(empty, float("-inf"), top + bits)
    o = p @ v.to(acc)
    return o.to(q.dtype), lse.expand(o.shape[:-1]), spread.expand(o.shape[:-1])
