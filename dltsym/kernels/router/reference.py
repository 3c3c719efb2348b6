"""Plain torch twins of the router kernels: slow, obvious, differentiable by autograd, any type and device."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def router(
    z: torch.Tensor, mask: torch.Tensor | None = None, K: int = 2, renormalise: bool = False, per_k: bool = True
) -> tuple[torch.Tensor, ...]:
    """Route tokens to experts: `dltsym.kernels.router.router` in plain torch.

    Parameters
    ----------
    z, mask, K, renormalise, per_k
        As there.

    Returns
    -------
    tuple of Tensor
        As there.
    """
    import torch

    x, E = z.to(torch.float64 if z.dtype == torch.float64 else torch.float32), z.shape[-1]
    valid = torch.ones(z.shape[:-1], dtype=torch.bool, device=z.device) if mask is None else (mask != 0)
    valid = valid.expand(z.shape[:-1])
    x = torch.where(valid[..., None], x, 0.0)
    empty = (x == float("-inf")).all(-1, keepdim=True)
    safe = torch.where(empty, 0.0, x)
    p = torch.where(valid[..., None] & ~empty, torch.softmax(safe, -1), 0.0)
    top = safe.detach().amax(-1)
    lse = torch.where(empty[..., 0], float("-inf"), top + torch.logsumexp(safe - top[..., None], -1))  # nan where inf
    order = torch.where(x.isnan(), float("-inf"), x).sort(dim=-1, descending=True, stable=True).indices[..., :K]
    indices = torch.nn.functional.pad(order, (0, K - order.shape[-1]), value=-1)
    indices = torch.where(valid[..., None], indices, -1)
    of = (x if renormalise else p).gather(-1, indices.clamp_min(0))
    gates = torch.where(indices < 0, 0.0, _among(of, p, indices) if renormalise else of)
    counts = (indices[..., None] == torch.arange(E, device=z.device)).sum((-3, -2))
    n = valid.sum(-1).to(p.dtype)
    over = n.clamp_min(1)
    share = p.sum(-2)
    cv2 = E * _apart(x, p, valid).sum(-2).square().sum(-1) / over.square()
    switch = E * (counts / (over * (K if per_k else 1))[..., None] * share / over[..., None]).sum(-1)
    z_loss = torch.where(valid, lse.square(), 0.0).sum(-1) / over
    return p.to(z.dtype), indices, gates.to(z.dtype), counts, share, cv2, switch, z_loss


def _among(x: torch.Tensor, p: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
    """Return the softmax of the selected logits alone: p over its sum, with a gradient that does not cancel."""
    import torch

    there = (indices >= 0) & (x > float("-inf"))
    some = there.any(-1, keepdim=True)
    full = torch.softmax(torch.where(some, torch.where(there, x, float("-inf")), 0.0), -1)
    return torch.where(p.isnan().any(-1, keepdim=True), p.sum(-1, keepdim=True), torch.where(there, full, 0.0))


def _apart(x: torch.Tensor, p: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """Return p minus 1/E for the tokens that count: by the theorem's second form, with the gradient of p."""
    import torch

    y = x - x.amax(-1, keepdim=True)
    grown = torch.expm1(y)
    apart = (grown - grown.mean(-1, keepdim=True)) / y.exp().sum(-1, keepdim=True)
    apart = torch.where((x == float("-inf")).all(-1, keepdim=True), -1 / x.shape[-1], apart)
    # The gradient of that form would cancel where a token is sure; that of the softmax, which it equals, does not.
    return torch.where(valid[..., None], apart.detach() + (p - p.detach()), 0.0)


def expert_choice(
    s: torch.Tensor, mask: torch.Tensor | None = None, C: int = 1
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Let experts choose tokens: `dltsym.kernels.router.expert_choice` in plain torch.

    Parameters
    ----------
    s, mask, C
        As there.

    Returns
    -------
    tuple of Tensor
        As there.
    """
    import torch

    columns, T = s.transpose(-1, -2), s.shape[-2]
    valid = torch.ones(s.shape[:-1], dtype=torch.bool, device=s.device) if mask is None else (mask != 0)
    valid = valid.expand(s.shape[:-1])[..., None, :].expand(columns.shape)
    score = torch.where(columns.isnan(), float("-inf"), columns).double()
    order = score.sort(dim=-1, descending=True, stable=True).indices
    order = order.gather(-1, (~valid).gather(-1, order).to(torch.int8).sort(dim=-1, stable=True).indices)
    order = torch.nn.functional.pad(order, (0, max(0, C - T)), value=T)[..., :C]
    room = valid.sum(-1, keepdim=True)
    order = torch.where(torch.arange(C, device=s.device) < room, order, T).sort(-1).values
    chosen = torch.where(order < T, order, -1)
    if T:
        gates = torch.where(chosen < 0, 0.0, columns.gather(-1, chosen.clamp_min(0)))
    else:
        gates = columns.new_zeros(chosen.shape)
    covered = (chosen[..., None] == torch.arange(T, device=s.device)).sum((-3, -2))
    return chosen, gates, covered
