"""Sinkhorn attention on Triton: T - 1 half-steps that stream, then one call of the attention kernel."""

from __future__ import annotations

import math

import torch

from dltsym.kernels.attention import one_sided_eot
from dltsym.kernels.transport.inputs import Problem
from dltsym.kernels.transport.triton_implicit import converged
from dltsym.kernels.transport.triton_op import lse_rows

Outputs = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


def sinkhorn(p: Problem, dot: str, gradient: str) -> Outputs:
    """Compute output, both scaled potentials, and the column masses; no n x m array is stored.

    Parameters
    ----------
    p : Problem
        Checked inputs.
    dot : {"tf32x3", "tf32", "ieee"}
        What products do with single precision.
    gradient : {"unrolled", "implicit"}
        Of the T half-steps, or of the limit that they are taken to have reached.

    Returns
    -------
    tuple of Tensor
        Shapes (batch, n, dv), (batch, n), (batch, m), (batch, m).
    """
    acc = p.scale.dtype
    wide = (p.q.to(acc), p.k.to(acc))

    def row_step(column: torch.Tensor) -> torch.Tensor:
        return -lse_rows(p.q, p.k, p.lb + column, p.scale, int(p.causal), dot, wide)

    def column_sums(row: torch.Tensor) -> torch.Tensor:
        seen = torch.where(row == math.inf, -math.inf, p.la + row)
        return lse_rows(p.k, p.q, seen, p.scale, 2 * p.causal, dot, wide[::-1])

    def column_step(row: torch.Tensor) -> torch.Tensor:
        total = column_sums(row)
        return torch.where(total == -math.inf, 0.0, -p.kappa[:, None] * total)

    column = torch.zeros_like(p.lb)
    steps = (p.T - 1) // 2
    with torch.set_grad_enabled(torch.is_grad_enabled() and gradient == "unrolled"):
        for _ in range(steps):
            row = row_step(column)
            column = column_step(row)
    if gradient == "implicit" and steps:
        column = converged(p, column, column_step(row_step(column)), dot)
    q, k = (x.to(p.q.dtype)[:, None] for x in wide)
    # Weights do not move with the level of lb, only the row potential does. What is left of the sum of all gradients by
    # lp when the output was rounded must not come back through the level: keys of little mass would get too much.
    free = p.level - p.level.detach()  # 0, with the gradient of the level
    lp = (p.lb + free + column)[:, None]
    out, total, _ = one_sided_eot(
        q, k, p.v[:, None], p.eps[:, None], lp, causal=p.causal, backend="triton", input_precision=dot
    )
    row = free - total[:, 0]
    mass = torch.exp(p.lb + column + column_sums(row))
    return out[:, 0], row, column, mass
