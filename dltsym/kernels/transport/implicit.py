"""Derivative of the limit of Sinkhorn's iteration: one symmetric linear system, by conjugate gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch

STEPS = 200
"""Most steps of conjugate gradients."""
Product = Callable[[torch.Tensor], torch.Tensor]


class Plan(NamedTuple):
    """What the system needs of a plan P at the limit.

    Attributes
    ----------
    forth, back : callable
        Products with P / a by rows and with its transpose, of arrays (batch, m) and (batch, n).
    rows : Tensor
        Masses a of the rows, shape (batch, n).
    kappa : Tensor
        How much of a column step is taken, shape (batch,).
    """

    forth: Product
    back: Product
    rows: torch.Tensor
    kappa: torch.Tensor


def limit(again: torch.Tensor, plan: Callable[[], Plan]) -> torch.Tensor:
    """Return `again`, the potential after one more round, with the derivative that the limit of all rounds has.

    With v = Phi(v) the adjoint of the limit is (1 - Phi')^-T. For W = P / c by columns and R = P / a by rows,
    Phi' = kappa W^T R, and with lambda = c mu the system is symmetric: (diag(c) - kappa P^T diag(1/a) P) mu = v'.
    Without damping it has the null vector 1, to which v' is orthogonal.

    Parameters
    ----------
    again : Tensor
        Potential after one more round from the limit, shape (batch, m), with the derivative of that round.
    plan : callable
        Makes the products; called once, in the backward pass.

    Returns
    -------
    Tensor
        Shape (batch, m).
    """
    return _Limit.apply(again, plan) if again.requires_grad else again


class _Limit(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, again: torch.Tensor, plan: Callable[[], Plan]) -> torch.Tensor:  # type: ignore[override]
        ctx.plan = plan
        return again.clone()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, g: torch.Tensor) -> tuple[torch.Tensor | None, ...]:  # type: ignore[override]
        forth, back, a, kappa = ctx.plan()
        c = back(a)
        kappa = kappa[:, None]

        def system(x: torch.Tensor) -> torch.Tensor:
            return c * x - kappa * back(a * forth(x))

        g = g - torch.where(kappa == 1, (g.sum(-1, keepdim=True) / c.sum(-1, keepdim=True)) * c, 0.0)
        return c * solve(system, g, c), None


def solve(system: Any, b: torch.Tensor, diagonal: torch.Tensor, steps: int = STEPS) -> torch.Tensor:
    """Solve a positive semi-definite system by conjugate gradients, preconditioned by a diagonal.

    Parameters
    ----------
    system : callable
        Product with the matrix.
    b : Tensor
        Right side, shape (batch, m), orthogonal to the null space.
    diagonal : Tensor
        Positive diagonal, shape (batch, m); where it is 0 the solution is 0.
    steps : int
        Most steps.

    Returns
    -------
    Tensor
        Shape (batch, m).
    """
    inverse = torch.where(diagonal > 0, 1 / torch.where(diagonal > 0, diagonal, 1.0), 0.0)
    x, r = torch.zeros_like(b), b.clone()
    z = inverse * r
    direction, rz = z.clone(), (r * z).sum(-1, keepdim=True)
    goal = (4 * torch.finfo(b.dtype).eps) ** 2 * rz
    for _ in range(min(steps, 2 * b.shape[-1] + 10)):
        image = system(direction)
        curvature = (direction * image).sum(-1, keepdim=True)
        open_ = (rz > goal) & (curvature > 0)
        if not bool(open_.any()):
            break
        step = torch.where(open_, rz / torch.where(open_, curvature, 1.0), 0.0)
        x, r = x + step * direction, r - step * image
        z = inverse * r
        after = (r * z).sum(-1, keepdim=True)
        direction = torch.where(open_, z + after / torch.where(rz > 0, rz, 1.0) * direction, direction)
        rz = torch.where(open_, after, rz)
    return x
