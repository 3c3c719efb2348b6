"""Products with the plan at the limit of Sinkhorn's iteration, for the derivative of that limit."""

from __future__ import annotations

import math

import torch

from dltsym.kernels.transport.implicit import Plan, limit
from dltsym.kernels.transport.inputs import Problem
from dltsym.kernels.transport.triton_op import lse_rows, plan_product


def converged(p: Problem, column: torch.Tensor, again: torch.Tensor, dot: str) -> torch.Tensor:
    """Return `again`, the potential after one more round, with the derivative that the limit of all rounds has.

    Parameters
    ----------
    p : Problem
        Inputs.
    column : Tensor
        Potential of the columns at the limit, shape (batch, m).
    again : Tensor
        Potential after one more round from `column`, with the derivative of that round.
    dot : str
        What products do with single precision.

    Returns
    -------
    Tensor
        Shape (batch, m).
    """
    column = column.detach()

    def plan() -> Plan:
        q, k, scale, la, lb = (x.detach() for x in (p.q, p.k, p.scale, p.la, p.lb))
        q, k = (x if x.stride(-1) == 1 else x.contiguous() for x in (q, k))
        ours = lb + column
        total = lse_rows(q, k, ours, scale, int(p.causal), dot)
        row = torch.where(total == -math.inf, -math.inf, -total)  # log of the row factor

        def forth(x: torch.Tensor) -> torch.Tensor:
            return plan_product(q, k, row, ours, x, scale, int(p.causal), dot)[1]

        def back(x: torch.Tensor) -> torch.Tensor:
            return plan_product(k, q, ours, row, x, scale, 2 * p.causal, dot)[1]

        return Plan(forth, back, torch.exp(la), p.kappa.detach())

    return limit(again, plan)
