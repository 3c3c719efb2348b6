"""What Sinkhorn attention takes: checked once, for every backend."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from dltsym.errors import DomainError, DTypeError, ShapeError, UnknownKey, suggest
from dltsym.kernels.dispatch import leading, require_numbers, require_tensors, torch_module
from dltsym.kernels.transport.lints import lints

if TYPE_CHECKING:
    import torch

MARGINALS = ("balanced", "relaxed")
GRADIENTS = ("unrolled", "implicit")


@dataclass(frozen=True, eq=False)
class Problem:
    """Checked inputs with one batch axis; numbers and potentials in the accumulator's type.

    Attributes
    ----------
    q, k, v : Tensor
        Shapes (batch, n, d), (batch, m, d), (batch, m, dv).
    eps, scale : Tensor
        Temperature and 1 / eps, shape (batch,).
    la, lb : Tensor
        Logarithms of the marginals, normalised, shapes (batch, n) and (batch, m).
    level : Tensor
        What was subtracted from lb to normalise it, shape (batch, 1).
    kappa : Tensor
        rho / (rho + eps), shape (batch,): how much of a column step is taken.
    T : int
        Half-steps.
    causal : bool
        Whether query i sees only the keys j <= i + m - n.
    batch : tuple of int
        Leading dimensions as the caller gave them.
    """

    q: torch.Tensor
    k: torch.Tensor
    v: torch.Tensor
    eps: torch.Tensor
    scale: torch.Tensor
    la: torch.Tensor
    lb: torch.Tensor
    level: torch.Tensor
    kappa: torch.Tensor
    T: int
    causal: bool
    batch: tuple[int, ...]


def checked(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, eps: float | torch.Tensor, la: torch.Tensor | None,
    lb: torch.Tensor | None, rho: float | torch.Tensor | None, T: int, marginal: str, causal: bool,
) -> Problem:  # fmt: skip
    """Check the inputs and give them one batch axis.

    Parameters
    ----------
    q, k, v : Tensor
        Queries, keys and values.
    eps : float or Tensor
        Temperature.
    la, lb : Tensor or None
        Log weights of queries and keys.
    rho : float, Tensor or None
        Price of leaving the column marginal.
    T : int
        Half-steps.
    marginal : str
        One of `MARGINALS`.
    causal : bool
        Mask.

    Returns
    -------
    Problem
    """
    torch = torch_module()
    require_tensors("sinkhorn", q=q, k=k, v=v, la=la, lb=lb)
    require_numbers("sinkhorn", eps=eps, rho=math.inf if rho is None else rho)
    _fits(q, k, v, la, lb)
    acc = torch.float64 if q.dtype == torch.float64 else torch.float32
    _in_domain(eps, rho, T, marginal, acc)
    heat = torch.as_tensor(eps, dtype=acc, device=q.device)
    price = torch.as_tensor(math.inf if rho is None else rho, dtype=acc, device=q.device).detach()
    shapes = {name: x.shape[:-2] for name, x in (("q", q), ("k", k), ("v", v))}
    shapes |= {name: x.shape[:-1] for name, x in (("la", la), ("lb", lb)) if x is not None}
    batch = leading("sinkhorn", **shapes, eps=heat.shape, rho=price.shape)
    for sentence in lints(q.shape[-2], k.shape[-2], q.shape[-1], heat, marginal, causal):
        warnings.warn(sentence, UserWarning, stacklevel=4)

    def joined(x: torch.Tensor, tail: int) -> torch.Tensor:
        shape = x.shape[x.ndim - tail :]
        return x.expand((*batch, *shape)).reshape(prod(batch), *shape)

    sides = ((la, q.shape[-2]), (lb, k.shape[-2]))
    (log_a, _), (log_b, level) = (normalised(x, length, acc, q.device) for x, length in sides)
    finite = torch.where(price.isinf(), 1.0, price)
    kappa = torch.where(price.isinf(), 1.0, finite / (finite + heat))
    return Problem(
        *(joined(x, 2) for x in (q, k, v)), joined(heat, 0), joined(1 / heat, 0),
        *(joined(x, 1) for x in (log_a, log_b, level)), joined(kappa, 0), T, causal, batch,
    )  # fmt: skip


def normalised(
    x: torch.Tensor | None, length: int, acc: torch.dtype, device: torch.device | str = "cpu"
) -> tuple[torch.Tensor, torch.Tensor]:
    """Normalise log weights to total mass 1; without any, or without mass, every entry weighs the same.

    Parameters
    ----------
    x : Tensor or None
        Log weights, shape (..., length); -inf for no mass.
    length : int
        Number of entries.
    acc : torch.dtype
        Type of the result.
    device : torch.device
        Where it lies.

    Returns
    -------
    tuple of Tensor
        Logarithms of the marginal, shape (..., length), and what was subtracted, shape (..., 1).
    """
    torch = torch_module()
    x = torch.zeros(length, dtype=acc, device=device) if x is None else x.to(acc)
    total = torch.logsumexp(x, -1, keepdim=True)
    level = torch.where(total == -math.inf, 0.0, total)
    return x - level, level


def _fits(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, la: torch.Tensor | None, lb: torch.Tensor | None
) -> None:  # fmt: skip
    if min(q.ndim, k.ndim, v.ndim) < 2 or q.shape[-1] != k.shape[-1] or k.shape[-2] != v.shape[-2]:
        raise ShapeError(
            "sinkhorn needs q (..., n, d), k (..., m, d) and v (..., m, dv); "
            f"got {tuple(q.shape)}, {tuple(k.shape)}, {tuple(v.shape)}"
        )
    if 0 in (*q.shape[-2:], k.shape[-2], v.shape[-1]):
        raise ShapeError("sinkhorn needs at least one query, one key, and one entry in each; got "
                         f"{tuple(q.shape)}, {tuple(k.shape)}, {tuple(v.shape)}")  # fmt: skip
    if not q.dtype == k.dtype == v.dtype or not q.is_floating_point():
        raise DTypeError(f"sinkhorn needs q, k and v of one floating type; got {q.dtype}, {k.dtype}, {v.dtype}")
    for name, x, of in (("la", la, q), ("lb", lb, k)):
        if x is not None and (x.ndim < 1 or x.shape[-1] != of.shape[-2]):
            raise ShapeError(f"sinkhorn needs {name} (..., {of.shape[-2]}); got {tuple(x.shape)}")


def _in_domain(
    eps: float | torch.Tensor, rho: float | torch.Tensor | None, T: int, marginal: str, acc: torch.dtype
) -> None:
    torch = torch_module()
    if marginal not in MARGINALS:
        raise UnknownKey(f"no marginal {marginal!r}{suggest(marginal, MARGINALS)}; there are {', '.join(MARGINALS)}")
    if (rho is not None and marginal != "relaxed") or (rho is None and marginal == "relaxed" and T != 1):
        raise DomainError("sinkhorn: rho belongs to marginal='relaxed', and that needs one; balanced is rho = inf")
    if not isinstance(T, int) or T < 1 or T % 2 == 0:
        raise DomainError(
            f"sinkhorn counts half-steps and ends on rows, so T is 1, 3, 5, ...; got {T!r}. "
            f"{'k full iterations and the last row step are T = 2 k + 1' if T else 'softmax attention is T = 1'}"
        )
    heat, price = (torch.as_tensor(x, dtype=torch.float64) for x in (eps, 0.0 if rho is None else rho))
    least = torch.finfo(acc).tiny
    if not heat.is_cuda and not bool(((heat >= least) & heat.isfinite()).all()):
        raise DomainError(f"sinkhorn needs a finite temperature eps of at least {least:.3g} ({acc}); got {eps}")
    if not price.is_cuda and not bool((price >= 0).all()):
        raise DomainError(f"sinkhorn needs rho in [0, inf]; got {rho}")
