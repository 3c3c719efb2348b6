"""What InfoNCE takes: checked once, for every backend."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from dltsym.errors import DomainError, DTypeError, ShapeError, UnknownKey, suggest
from dltsym.kernels.dispatch import leading, require_numbers, require_tensors, torch_module

if TYPE_CHECKING:
    import torch

LOSSES = ("symmetric", "one_sided")


@dataclass(frozen=True, eq=False)
class Pairs:
    """Checked inputs with one batch axis.

    Attributes
    ----------
    x, y : Tensor
        Rows, shapes (batch, N, d) and (batch, M, d).
    scale : Tensor
        Inverse temperature, shape (batch,).
    target : Tensor
        Row of y that belongs to each row of x, from 0, shape (batch, N).
    loss : str
        One of `LOSSES`, or ``target``.
    batch : tuple of int
        Leading dimensions as the caller gave them.
    """

    x: torch.Tensor
    y: torch.Tensor
    scale: torch.Tensor
    target: torch.Tensor
    loss: str
    batch: tuple[int, ...]


def checked(x: torch.Tensor, y: torch.Tensor, T: float | torch.Tensor, t: torch.Tensor | None, loss: str) -> Pairs:
    """Check the inputs and give them one batch axis.

    Parameters
    ----------
    x, y : Tensor
        Rows, shapes (..., N, d) and (..., M, d).
    T : float or Tensor
        Inverse temperature, one number or of the batch shape.
    t : Tensor or None
        Targets, shape (..., N), from 0.
    loss : str
        One of `LOSSES`, or ``target`` with targets.

    Returns
    -------
    Pairs

    Raises
    ------
    UnknownKey
        For an unknown loss.
    DomainError
        For a target outside the rows of y; shapes and types are checked too.
    """
    torch = torch_module()
    if loss not in LOSSES and t is None:
        raise UnknownKey(f"infonce has no loss {loss!r}{suggest(loss, LOSSES)}; there are {', '.join(LOSSES)}")
    require_tensors("infonce", x=x, y=y, t=t)
    require_numbers("infonce", T=T)
    _fits(x, y, t)
    scale = T.to(x.device) if isinstance(T, torch.Tensor) else torch.as_tensor(T, dtype=torch.float64, device=x.device)
    if not x.is_cuda and not bool(scale.isfinite().all()):
        raise DomainError(f"infonce: T = {T}; the scale of the scores must be finite")
    batch = leading(
        "infonce", x=x.shape[:-2], y=y.shape[:-2], T=scale.shape, **({} if t is None else {"t": t.shape[:-1]})
    )
    flat = prod(batch)

    def joined(a: torch.Tensor, tail: int) -> torch.Tensor:
        shape = a.shape[a.ndim - tail :]
        return a.expand((*batch, *shape)).reshape(flat, *shape)

    n, m = x.shape[-2], y.shape[-2]
    target = torch.arange(n, device=x.device) if t is None else t
    if t is not None and not t.is_cuda and t.numel() and not (int(t.min()) >= 0 and int(t.max()) < m):
        raise DomainError(f"infonce: targets are rows of y, 0 to {m - 1}; got {int(t.min())} to {int(t.max())}")
    return Pairs(joined(x, 2), joined(y, 2), joined(scale, 0), joined(target, 1).long(), loss, batch)


def _fits(x: torch.Tensor, y: torch.Tensor, t: torch.Tensor | None) -> None:
    if x.ndim < 2 or y.ndim < 2 or x.shape[-1] != y.shape[-1]:
        raise ShapeError(
            f"infonce needs x (..., N, d) and y (..., M, d) with one d; got {tuple(x.shape)}, {tuple(y.shape)}"
        )
    if x.shape[-2] == 0 or y.shape[-2] == 0:
        raise ShapeError("infonce needs at least one pair; got no rows")
    if x.dtype != y.dtype or not x.is_floating_point():
        raise DTypeError(f"infonce needs x and y of one floating type; got {x.dtype} and {y.dtype}")
    if t is not None and (t.is_floating_point() or t.ndim < 1 or t.shape[-1] != x.shape[-2]):
        raise ShapeError(f"infonce needs integer targets t (..., N), N = {x.shape[-2]}; got {t.dtype} {tuple(t.shape)}")
    if t is None and x.shape[-2] != y.shape[-2]:
        raise ShapeError(f"infonce pairs row i of x with row i of y; got {x.shape[-2]} and {y.shape[-2]} rows")
