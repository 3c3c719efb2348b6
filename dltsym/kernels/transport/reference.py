"""Sinkhorn attention in plain torch: every half-step on the matrix of scores, differentiated by autograd."""

from __future__ import annotations

import math

import torch

from dltsym.kernels.transport.implicit import Plan, limit
from dltsym.kernels.transport.inputs import Problem

Outputs = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


def sinkhorn(p: Problem, gradient: str = "unrolled") -> Outputs:
    """Compute output, both scaled potentials, and the column masses.

    Parameters
    ----------
    p : Problem
        Checked inputs.
    gradient : {"unrolled", "implicit"}
        Of the T half-steps, or of the limit that they are taken to have reached.

    Returns
    -------
    tuple of Tensor
        Shapes (batch, n, dv), (batch, n), (batch, m), (batch, m).
    """
    acc = p.scale.dtype
    scores = (p.q.to(acc) @ p.k.to(acc).mT) * p.scale[:, None, None]
    n, m = scores.shape[1:]
    place = torch.arange(n, device=scores.device)[:, None] + (m - n if p.causal else m)
    later = torch.arange(m, device=scores.device) > place

    def by_rows(column: torch.Tensor) -> torch.Tensor:
        # Hidden after the sum: a potential of nan must not reach what cannot see it.
        return (scores + (p.lb + column)[:, None]).masked_fill(later, -math.inf)

    def by_columns(row: torch.Tensor) -> torch.Tensor:
        return (scores.mT + _seen(p.la, row)[:, None]).masked_fill(later.mT, -math.inf)

    def after(column: torch.Tensor) -> torch.Tensor:
        return _damped(_lse(by_columns(-_lse(by_rows(column)))), p.kappa)

    column = torch.zeros_like(p.lb)
    with torch.set_grad_enabled(torch.is_grad_enabled() and gradient == "unrolled"):
        for _ in range((p.T - 1) // 2):
            column = after(column)
    if gradient == "implicit" and p.T > 1:
        still = column.detach()
        column = limit(after(column), lambda: _plan(p, by_rows(still).detach()))
    x = by_rows(column)
    total = _lse(x)
    weights = _weights(x, total)
    mass = torch.exp(p.lb + column + _lse(by_columns(-total)))
    return (weights @ p.v.to(acc)).to(p.v.dtype), -total, column, mass


def _weights(x: torch.Tensor, total: torch.Tensor) -> torch.Tensor:
    """Return the rows of exponentials over their sums; 0 for a row that sees nothing."""
    empty = total == -math.inf
    return torch.where(empty[..., None], 0.0, torch.exp(x - torch.where(empty, 0.0, total)[..., None]))


def _plan(p: Problem, x: torch.Tensor) -> Plan:
    by_rows = _weights(x, _lse(x))
    return Plan(
        lambda v: (by_rows @ v[..., None])[..., 0],
        lambda v: (by_rows.mT @ v[..., None])[..., 0],
        torch.exp(p.la.detach()),
        p.kappa.detach(),
    )


def _lse(x: torch.Tensor) -> torch.Tensor:
    """Return the log-sum-exp of the last axis; -inf, with gradient 0, where there is nothing."""
    empty = (x == -math.inf).all(-1)
    out = torch.logsumexp(torch.where(empty[..., None], 0.0, x), -1)
    return torch.where(empty, -math.inf, out)


def _seen(la: torch.Tensor, row: torch.Tensor) -> torch.Tensor:
    """Return log a + u, where a query that sees no key has no mass to send."""
    return torch.where(row == math.inf, -math.inf, la + row)


def _damped(total: torch.Tensor, kappa: torch.Tensor) -> torch.Tensor:
    """Return the potential of the columns; one that no query sees keeps 0."""
    return torch.where(total == -math.inf, 0.0, -kappa[:, None] * torch.where(total == -math.inf, 0.0, total))
