"""How far the columns of a plan are from what was asked, and how sure that is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from dltsym.kernels.dispatch import torch_module
from dltsym.kernels.transport.inputs import normalised

if TYPE_CHECKING:
    import torch

UNITS = {"float64": 2.0**-53, "float32": 2.0**-24}
DOTS = {"tf32x3": 2.0**-21, "tf32": 2.0**-10, "ieee": 2.0**-24}
"""Error of one product of two single precision operands, by how it is formed."""


class Certificate(NamedTuple):
    """Result of `column_certificate`.

    Attributes
    ----------
    gap : Tensor
        Balanced: sum_j |c_j - b_j|. Relaxed: max_j |eps v_j / rho + log(c_j / b_j)|, 0 at the optimum.
    rounding : Tensor
        What rounding may have changed in the gap, at most.
    """

    gap: torch.Tensor
    rounding: torch.Tensor


def column_certificate(
    q: torch.Tensor, k: torch.Tensor, eps: float | torch.Tensor, row: torch.Tensor, column: torch.Tensor,
    mass: torch.Tensor, la: torch.Tensor | None = None, lb: torch.Tensor | None = None,
    rho: float = math.inf, *, dot: str = "tf32x3",
) -> Certificate:  # fmt: skip
    """Measure how far the column masses of a plan are from the marginal, with the rounding error of the measurement.

    A plan can be finite and useless: it is its mass that has to be looked at.

    Parameters
    ----------
    q, k : Tensor
        Queries (..., n, d) and keys (..., m, d).
    eps : float or Tensor
        Temperature.
    row, column, mass : Tensor
        Potentials (..., n), (..., m) and masses (..., m) that `sinkhorn` returned.
    la, lb : Tensor, optional
        Log weights as they were given to it.
    rho : float
        Price of leaving the marginal; inf for balanced.
    dot : {"tf32x3", "tf32", "ieee"}
        What products did with single precision.

    Returns
    -------
    Certificate
        Both of the batch shape.
    """
    torch = torch_module()
    acc = mass.dtype
    eps = torch.as_tensor(eps, dtype=acc, device=q.device)[..., None]
    log_a, _ = normalised(la, q.shape[-2], acc, q.device)
    log_b, _ = normalised(lb, k.shape[-2], acc, q.device)
    b = torch.exp(log_b)
    unit = UNITS[str(acc).removeprefix("torch.")]
    product = unit if q.dtype != torch.float32 else DOTS[dot]
    longest = q.to(acc).norm(dim=-1).amax(-1, keepdim=True)
    score = longest * k.to(acc).norm(dim=-1) / eps * (1 + 4 * unit)
    finite = torch.where(row.isfinite(), row, 0.0).abs() + torch.where(log_a.isfinite(), log_a, 0.0).abs()
    sizes = finite.amax(-1, keepdim=True) + torch.where(log_b.isfinite(), log_b, 0.0).abs() + column.abs()
    # Products of d terms, three more operations on each score, exp and log at 4 units, a sum of n positive terms.
    depth = q.shape[-2] / 64 + 64 + 16
    off = score * (product + (q.shape[-1] + 4) * unit) + unit * (8 * (score + sizes) + depth)
    if rho == math.inf:
        gap = (mass - b).abs().sum(-1)
        return Certificate(gap, (mass * torch.expm1(off) + 2 * unit * (mass + b)).sum(-1) + 8 * unit * gap)
    if rho == 0:
        return Certificate(torch.zeros_like(mass.sum(-1)), torch.zeros_like(mass.sum(-1)))
    term = eps * column / rho + torch.log(mass) - log_b
    seen = (b > 0) & (mass > 0)
    size = (
        (eps * column / rho).abs() + torch.where(seen, log_b, 0.0).abs() + torch.where(seen, torch.log(mass), 0.0).abs()
    )
    gap = torch.where(seen, term.abs(), 0.0).amax(-1)
    return Certificate(gap, torch.where(seen, off + 8 * unit * size, 0.0).amax(-1))
