"""Inputs of a selective scan, checked and brought into one shape."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from dltsym.errors import DomainError, DTypeError, ShapeError, suggest
from dltsym.kernels.dispatch import require_integers

MODES = ("euler", "zoh")
LONGEST = 1024
"""Longest chunk."""
TYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16)


@dataclass(frozen=True)
class Arguments:
    """Inputs with one leading dimension, and nothing absent but the gate.

    Attributes
    ----------
    u, raw : Tensor
        Input and step sizes, ``(batch, L, D)``.
    A : Tensor
        Rates, ``(D, N)``, real or complex.
    B, C : Tensor
        Input and output vectors, ``(batch, L, N)``.
    D, bias : Tensor
        Skip and offset of the step sizes, ``(D,)``.
    h0 : Tensor
        First state, ``(batch, D, N)``.
    z : Tensor or None
        Gate, ``(batch, L, D)``.
    lead : tuple of int
        Leading dimensions before they became one.
    euler, softplus : bool
        Which input weight; whether step sizes are a softplus.
    chunk : int
        Steps of one associative scan.
    """

    u: torch.Tensor
    raw: torch.Tensor
    A: torch.Tensor
    B: torch.Tensor
    C: torch.Tensor
    D: torch.Tensor
    bias: torch.Tensor
    h0: torch.Tensor
    z: torch.Tensor | None
    lead: tuple[int, ...]
    euler: bool
    softplus: bool
    chunk: int


def choices(mode: str, softplus: bool, gate: bool | None, chunk: int, given: Mapping[str, Any]) -> tuple[Any, ...]:
    """Check the static choices of a call.

    Parameters
    ----------
    mode : {"euler", "zoh"}
        Input weight.
    softplus : bool
        Whether step sizes are a softplus.
    gate : bool or None
        Whether there has to be a gate; None for whatever is given.
    chunk : int
        Steps of one associative scan.
    given : mapping
        Inputs by name.

    Returns
    -------
    tuple
        ``euler``, ``softplus``, ``chunk`` of `Arguments`.

    Raises
    ------
    DomainError
        For an unknown mode, a chunk that is no power of two, or a gate that is missing or too much.
    """
    if mode not in MODES:
        raise DomainError(f"selective_scan: mode must be one of {', '.join(MODES)}, not {mode!r}{suggest(mode, MODES)}")
    require_integers("selective_scan", chunk=chunk)
    if chunk < 2 or chunk > LONGEST or chunk & (chunk - 1):
        raise DomainError(f"selective_scan: chunk must be a power of two from 2 to {LONGEST}, not {chunk}")
    if gate is not None and gate != (given.get("z") is not None):
        raise DomainError(f"selective_scan: gate={gate}, but z is {'absent' if gate else 'given'}")
    return mode == "euler", bool(softplus), chunk


def prepare(given: Mapping[str, torch.Tensor | None], static: tuple[Any, ...]) -> Arguments:
    """Check shapes and types, fill in what is absent, and flatten the leading dimensions.

    Parameters
    ----------
    given : mapping of str to Tensor or None
        Inputs by name; complex ones may have a trailing axis of 2 instead.
    static : tuple
        What `choices` returns.

    Returns
    -------
    Arguments

    Raises
    ------
    ShapeError
        When sizes do not fit together.
    """
    there = paired({k: x for k, x in given.items() if x is not None})
    _types(there)
    u, A = there["u"], there["A"]
    if u.ndim < 2 or A.ndim != 2:
        raise ShapeError(f"selective_scan: u is (..., L, D) and A is (D, N), not {_of(u)} and {_of(A)}")
    (length, channels), states = u.shape[-2:], A.shape[1]
    wanted = {
        "u": (length, channels), "raw": (length, channels), "z": (length, channels), "A": (channels, states),
        "B": (length, states), "C": (length, states), "D": (channels,), "bias": (channels,), "h0": (channels, states),
    }  # fmt: skip
    for name, x in there.items():
        size = wanted[name]
        single = name in ("A", "D", "bias")
        if x.shape[-len(size) :] != size or (single and x.ndim != len(size)):
            lead = "" if single else "..., "
            raise ShapeError(f"selective_scan: {name} must be ({lead}{', '.join(map(str, size))}), not {_of(x)}")
    lead = _lead({k: x.shape[:-2] for k, x in there.items() if k not in ("A", "D", "bias")})

    def flat(name: str) -> torch.Tensor:
        x, size = there[name], wanted[name]
        return x.expand(*lead, *size).reshape(math.prod(lead), *size)

    kind = {"dtype": A.dtype, "device": u.device}
    if "h0" not in there:
        there["h0"] = torch.zeros(*lead, channels, states, **kind)
    zero = torch.zeros(channels, dtype=u.dtype, device=u.device)
    gate = flat("z") if "z" in there else None
    many = [flat(k) for k in ("u", "raw")] + [finite(A)] + [flat(k) for k in ("B", "C")]
    return Arguments(*many, there.get("D", zero), there.get("bias", zero), flat("h0"), gate, lead, *static)


def finite(A: torch.Tensor) -> torch.Tensor:
    """Return rates without -inf: the most negative number forgets as much, and 0 times it is 0.

    Parameters
    ----------
    A : Tensor
        Rates, real or complex.

    Returns
    -------
    Tensor
    """
    if A.is_complex():
        return torch.complex(finite(A.real), A.imag)
    return A.clamp_min(torch.finfo(A.dtype).min)


def paired(there: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Make complex arrays of real and imaginary parts on a trailing axis of 2, if `A` has that axis.

    Parameters
    ----------
    there : mapping of str to Tensor
        Inputs by name.

    Returns
    -------
    dict of str to Tensor

    Raises
    ------
    ShapeError
        When B, C or h0 lack the trailing axis that `A` has.
    """
    A, acc = there["A"], torch.float64 if there["u"].dtype == torch.float64 else torch.float32
    if A.is_complex() or A.ndim != 3 or A.shape[-1] != 2:
        return dict(there)
    out = dict(there)
    for name in sorted({"A", "B", "C", "h0"} & set(there)):
        if there[name].shape[-1:] != (2,):
            raise ShapeError(f"selective_scan: A has a trailing axis of 2, so {name} must too, not {_of(there[name])}")
        out[name] = torch.complex(*there[name].to(acc).unbind(-1))
    return out


def _types(there: Mapping[str, torch.Tensor]) -> None:
    for name, x in there.items():
        may = name in ("A", "B", "C", "h0") and x.is_complex()
        if x.dtype not in TYPES and not may:
            raise DTypeError(f"selective_scan: {name} cannot be {str(x.dtype).removeprefix('torch.')}")
        if may and not there["A"].is_complex():
            raise DomainError(f"selective_scan: {name} is complex, so A must be complex too")
        if x.device != there["u"].device:
            raise DomainError(f"selective_scan: {name} is on {x.device}, u on {there['u'].device}")


def _lead(shapes: Mapping[str, torch.Size]) -> tuple[int, ...]:
    try:
        return tuple(torch.broadcast_shapes(*shapes.values()))
    except RuntimeError:
        told = ", ".join(f"{k} {tuple(s)}" for k, s in shapes.items())
        raise ShapeError(f"selective_scan: leading dimensions do not broadcast: {told}") from None


def _of(x: torch.Tensor) -> str:
    return str(tuple(x.shape))
