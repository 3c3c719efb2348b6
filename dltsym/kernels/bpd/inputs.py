"""What smoothed bits per token take: checked once, for every backend."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from dltsym.errors import DomainError, DTypeError, ShapeError
from dltsym.kernels.dispatch import leading, require_tensors, torch_module

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class Tokens:
    """Checked inputs; the documents are one axis.

    Attributes
    ----------
    z : Tensor
        Logits, shape (documents, n, V).
    y : Tensor
        Targets from 0, shape (documents, n).
    keep : Tensor
        1 for tokens that count, 0 for others, shape (documents, n).
    ours, floor : Tensor
        log(1 - alpha) and log(alpha / V), shape (G,), in the accumulator's type.
    batch : tuple of int
        Leading dimensions as the caller gave them.
    """

    z: torch.Tensor
    y: torch.Tensor
    keep: torch.Tensor
    ours: torch.Tensor
    floor: torch.Tensor
    batch: tuple[int, ...]


def checked(z: torch.Tensor, y: torch.Tensor, al: torch.Tensor, keep: torch.Tensor | None) -> Tokens:
    """Check the inputs and make the documents one axis.

    Parameters
    ----------
    z : Tensor
        Logits, shape (..., n, V).
    y : Tensor
        Targets, shape (..., n).
    al : Tensor
        Smoothing weights, shape (G,).
    keep : Tensor or None
        Which tokens count, shape (..., n).

    Returns
    -------
    Tokens

    Raises
    ------
    DomainError
        For a vocabulary of one word, a weight outside (0, 1), or a target outside the vocabulary.
    """
    torch = torch_module()
    require_tensors("smoothed_bpd", z=z, y=y, al=al, keep=keep)
    _fits(z, y, al, keep)
    words = z.shape[-1]
    if words < 2:
        raise DomainError("smoothed_bpd needs a vocabulary of at least 2 words; got 1")
    shapes = {"z": z.shape[:-2], "y": y.shape[:-1]} | ({} if keep is None else {"keep": keep.shape[:-1]})
    batch = leading("smoothed_bpd", **shapes)

    def joined(x: torch.Tensor, tail: int) -> torch.Tensor:
        shape = x.shape[x.ndim - tail :]
        return x.expand((*batch, *shape)).reshape(prod(batch), *shape)

    keep = torch.ones_like(y) if keep is None else (keep != 0).to(torch.int64)
    weights = al.detach().to(torch.float64)
    if not z.is_cuda:
        if not bool(((weights > 0) & (weights < 1)).all()):
            raise DomainError(f"smoothed_bpd needs smoothing weights in (0, 1); got {al.tolist()}")
        if bool(((keep != 0) & ((y < 0) | (y >= words))).any()):
            raise DomainError(f"smoothed_bpd: targets of tokens that count are 0 to {words - 1}")
    acc = torch.float64 if z.dtype == torch.float64 else torch.float32
    ours, floor = (
        torch.log1p(-weights).to(acc),
        (torch.log(weights) - torch.log(torch.tensor(float(words)).double())).to(acc),
    )
    return Tokens(joined(z, 2), joined(y, 1).long(), joined(keep, 1), ours.contiguous(), floor.contiguous(), batch)


def _fits(z: torch.Tensor, y: torch.Tensor, al: torch.Tensor, keep: torch.Tensor | None) -> None:
    if z.ndim < 2 or 0 in z.shape[-2:] or y.ndim < 1 or y.shape[-1] != z.shape[-2]:
        raise ShapeError(f"smoothed_bpd needs z (..., n, V) and y (..., n); got {tuple(z.shape)} and {tuple(y.shape)}")
    if al.ndim != 1 or not al.numel():
        raise ShapeError(f"smoothed_bpd needs a grid of weights al (G,); got {tuple(al.shape)}")
    if keep is not None and (keep.ndim < 1 or keep.shape[-1] != z.shape[-2]):
        raise ShapeError(f"smoothed_bpd needs keep (..., {z.shape[-2]}); got {tuple(keep.shape)}")
    if not z.is_floating_point() or y.is_floating_point():
        raise DTypeError(f"smoothed_bpd needs floating logits and integer targets; got {z.dtype} and {y.dtype}")
