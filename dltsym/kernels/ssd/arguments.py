"""Inputs of a chunked scan, checked and brought into one shape."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from dltsym.errors import DomainError, DTypeError, ShapeError
from dltsym.kernels.dispatch import require_integers

TYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
LARGEST = 256
"""Longest chunk, largest state."""


@dataclass(frozen=True)
class Arguments:
    """Inputs with two leading dimensions, an outer one and heads.

    Attributes
    ----------
    x : Tensor
        Input, ``(outer, H, T, P)``.
    log_a : Tensor
        Log decays, ``(outer, H, T)``.
    B, C : Tensor
        Input and output vectors, ``(outer, G, T, N)``, each shared by H/G heads in a row.
    h0 : Tensor
        First state, ``(outer, H, N, P)``.
    lead : tuple of int
        Leading dimensions before they became two.
    chunk : int
        Steps of a chunk.
    """

    x: torch.Tensor
    log_a: torch.Tensor
    B: torch.Tensor
    C: torch.Tensor
    h0: torch.Tensor
    lead: tuple[int, ...]
    chunk: int


def prepare(given: Mapping[str, torch.Tensor | None], chunk: int) -> Arguments:
    """Check shapes and types, fill in what is absent, and make the leading dimensions two.

    Parameters
    ----------
    given : mapping of str to Tensor or None
        Inputs by name.
    chunk : int
        Steps of a chunk.

    Returns
    -------
    Arguments

    Raises
    ------
    ShapeError
        When sizes do not fit together.
    DomainError
        When arrays are on several devices, the chunk is no power of two from 16 to 256, or the state is too large.
    DTypeError
        For a type that is not a real floating-point one.
    """
    require_integers("ssd", chunk=chunk)
    if chunk < 16 or chunk > LARGEST or chunk & (chunk - 1):
        raise DomainError(f"ssd: chunk must be a power of two from 16 to {LARGEST}, not {chunk}")
    there = {k: v for k, v in given.items() if v is not None}
    x, B = there["x"], there["B"]
    for name, v in there.items():
        if v.dtype not in TYPES:
            raise DTypeError(f"ssd: {name} cannot be {str(v.dtype).removeprefix('torch.')}")
        if v.device != x.device:
            raise DomainError(f"ssd: {name} is on {v.device}, x on {x.device}")
    if x.ndim < 2 or B.ndim < 2:
        raise ShapeError(f"ssd: x is (..., T, P) and B is (..., T, N), not {tuple(x.shape)} and {tuple(B.shape)}")
    (length, columns), inner = x.shape[-2:], B.shape[-1]
    if inner > LARGEST:
        raise DomainError(f"ssd: B and C have {inner} entries a step, at most {LARGEST} are possible")
    wanted = {"x": (length, columns), "log_a": (length,), "B": (length, inner), "C": (length, inner)}
    wanted["h0"] = (inner, columns)
    leads = {}
    for name, v in there.items():
        size = wanted[name]
        if tuple(v.shape[-len(size) :]) != size:
            raise ShapeError(f"ssd: {name} must be (..., {', '.join(map(str, size))}), not {tuple(v.shape)}")
        leads[name] = (1, *v.shape[: v.ndim - len(size)])
    lead, groups = _lead(leads)
    outer, heads = math.prod(lead[:-1]), lead[-1]

    def flat(name: str, last: int) -> torch.Tensor:
        v, size = there[name], wanted[name]
        return v.expand(*lead[:-1], last, *size).reshape(outer, last, *size)

    if "h0" not in there:
        there["h0"] = torch.zeros(inner, columns, dtype=x.dtype, device=x.device)
    full = {k: flat(k, groups if k in ("B", "C") else heads) for k in wanted}
    known = max((len(s) - 1 for s in leads.values()), default=0)
    return Arguments(**full, lead=lead[len(lead) - known :], chunk=chunk)


def _lead(leads: Mapping[str, tuple[int, ...]]) -> tuple[tuple[int, ...], int]:
    """Return the common leading dimensions, heads last, and the number of groups that B and C have."""
    told = ", ".join(f"{k} {s[1:]}" for k, s in leads.items())
    shared = [leads[k][-1] for k in ("B", "C")]
    groups = max(shared) if 0 not in shared else 0
    try:
        alone = torch.broadcast_shapes(*(s for k, s in leads.items() if k not in ("B", "C")))
        heads = alone[-1] if alone[-1] != 1 else groups
        parts = [(*s[:-1], 1) for k, s in leads.items() if k in ("B", "C")]
        lead = torch.broadcast_shapes((*alone[:-1], heads), *parts)
        torch.broadcast_shapes(*((g,) for g in shared))
    except RuntimeError:
        raise ShapeError(f"ssd: leading dimensions do not broadcast: {told}") from None
    if groups and heads % groups:
        raise ShapeError(f"ssd: {heads} heads do not fall into {groups} groups of B and C: {told}")
    return tuple(lead), groups
