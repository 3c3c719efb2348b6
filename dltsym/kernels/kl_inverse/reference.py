"""The inverse of Bernoulli relative entropy in plain torch: Newton's method from above in double precision."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

NEWTON = 12
"""Newton steps; the start is at most 1.8 times the solution in double precision."""


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
    wrong, whole = ~((Q >= 0) & (Q <= 1) & (C >= 0)), (Q == 1) | C.isinf()
    easy = wrong | whole
    safe_q, safe_c = torch.where(easy, 0.5, Q), torch.where(easy, 0.5, C)
    s = _solve(safe_q.detach(), safe_c.detach())
    if outward:
        s = s * (1 + 2.0**-47)
    s = _attached(s, safe_q, safe_c)
    p, r = safe_q - (1 - safe_q) * torch.expm1(-s), (1 - safe_q) * torch.exp(-s)
    p, r = (torch.where(easy, torch.where(wrong, float("nan"), end), x) for x, end in ((p, 1.0), (r, 0.0)))
    if not outward:
        return p.to(q.dtype), r.to(q.dtype)
    up = torch.where(safe_c > 0, _towards(p * (1 + 2.0**-51), q, 1.0).clamp_max(1), p.to(q.dtype))
    return up, _towards(r, q, 0.0)


def _attached(s: torch.Tensor, q: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
    """Make the solution depend on q and c as implicit differentiation says: ds = (dc - kl_q dq) / kl_s."""
    import torch

    if not (torch.is_grad_enabled() and (q.requires_grad or c.requires_grad)):
        return s
    d = -(1 - q.detach()) * torch.expm1(-s)
    slope = d / (q.detach() + d)
    held = _entropy(s, q)  # at fixed s, a smooth function of q > 0
    move = (c - c.detach() - (held - held.detach())) / torch.where(slope > 0, slope, 1.0)
    return s + torch.where(slope > 0, move, 0.0)


def _entropy(s: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
    import torch

    d = -(1 - q) * torch.expm1(-s)
    p = q + d
    over = torch.where(p > 0, p, 1.0)
    return (1 - q) * _rise(s) + p * _drop(d / over, q / over)


def _rise(s: torch.Tensor) -> torch.Tensor:
    """Return s - 1 + exp(-s)."""
    import torch

    small, inner = s.clamp_max(1.0), torch.ones_like(s)
    for k in range(20, 2, -1):
        inner = 1 - inner * small / k
    return torch.where(s < 1, small * small * inner / 2, s + torch.expm1(-s))


def _drop(x: torch.Tensor, ratio: torch.Tensor) -> torch.Tensor:
    """Return (1 - x) log(1 - x) + x, where ratio is 1 - x."""
    import torch

    small, inner = x.clamp_max(0.5), torch.zeros_like(x)
    for k in range(48, 1, -1):
        inner = inner * small + 1 / (k * (k - 1))
    return torch.where(x < 0.5, small * small * inner, torch.xlogy(ratio, ratio) + x)


def _solve(q: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
    """Newton's method for the unknown log((1 - q)/(1 - p)), in which relative entropy is convex."""
    import torch

    rest = 1 - q
    share = torch.minimum(torch.sqrt(c / 2), c + torch.sqrt(c * c + 2 * q * c)) / rest
    s = torch.where(share < 0.99, -torch.log1p(-share.clamp_max(0.99)), float("inf"))
    s = torch.minimum(s, (c - torch.xlogy(q, q)) / rest)
    for _ in range(NEWTON):
        d = -rest * torch.expm1(-s)
        s = torch.where(d > 0, s - (_entropy(s, q) - c) * (q + d) / torch.where(d > 0, d, 1.0), s)
    return s


def _towards(x: torch.Tensor, like: torch.Tensor, end: float) -> torch.Tensor:
    """Round to a type in one direction."""
    import torch

    out = x.to(like.dtype)
    wrong = out.double() < x if end else out.double() > x
    if like.dtype == torch.float64:
        return torch.nextafter(x, torch.full_like(x, end))
    bits = out.view({2: torch.int16, 4: torch.int32}[out.element_size()])
    return torch.where(wrong, bits + (1 if end else -1), bits).to(bits.dtype).view(out.dtype)
