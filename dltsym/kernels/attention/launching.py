"""What the launchers of both passes share: scales to the base 2, strides, block sizes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch

from dltsym.kernels.dispatch import interpreted
from dltsym.kernels.launch import block, scalar


@dataclass(frozen=True, eq=False)
class Saved:
    """What the backward pass reads: the inputs (q, k, v, tau, lp, slope), the results, and the static choices."""

    inputs: tuple[Any, ...]
    o: torch.Tensor
    lse: torch.Tensor
    entropy: torch.Tensor | None
    causal: bool
    precision: str


LOG2E = math.log2(math.e)
LN2 = math.log(2.0)


def rows(x: torch.Tensor) -> torch.Tensor:
    """Return the tensor itself, or a copy where its last axis is not contiguous.

    Parameters
    ----------
    x : Tensor
        Of shape (..., n, d).

    Returns
    -------
    Tensor
    """
    return x if x.stride(-1) == 1 or x.shape[-1] == 1 else x.contiguous()


def scales(
    q: torch.Tensor, tau: torch.Tensor, slope: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return slope and inverse temperature to the base 2 for every head, log2 e, and ln 2.

    They arrive in a kernel as tensors of the accumulator's type, because a number would be single precision there.

    Parameters
    ----------
    q : Tensor
        Queries, whose accumulator counts.
    tau : Tensor, shape (B, H)
        Temperature.
    slope : Tensor or None, shape (B, H)
        Slopes.

    Returns
    -------
    tuple of Tensor
    """
    unit = scalar(LOG2E, q)
    scale = (unit / tau).contiguous()
    return scale if slope is None else (unit * slope).contiguous(), scale, unit, scalar(LN2, q)


def constants(
    q: torch.Tensor, v: torch.Tensor, lp: torch.Tensor | None, slope: torch.Tensor | None, causal: bool
) -> dict[str, Any]:
    """Return what is compiled into every kernel of a call.

    Parameters
    ----------
    q, v : Tensor
        Queries and values.
    lp, slope : Tensor or None
        Log prior and slopes.
    causal : bool
        Whether later keys are hidden.

    Returns
    -------
    dict
    """
    d, dv = q.shape[-1], v.shape[-1]
    flags = {"CAUSAL": causal, "HAS_LP": lp is not None, "HAS_SLOPE": slope is not None}
    return {"D": d, "DV": dv, "BD": block(d), "BV": block(dv), **flags}


def shape_of_blocks(dtype: torch.dtype, width: int, precision: str, backward: bool) -> dict[str, int]:
    """Return rows and columns of a block, warps and stages; one fixed choice, so that bits are reproducible.

    Parameters
    ----------
    dtype : torch.dtype
        Type of the inputs.
    width : int
        Larger of the two padded head sizes.
    precision : str
        What matrix products do with single precision operands.
    backward : bool
        For the backward kernels, which hold more tiles.

    Returns
    -------
    dict
        ``BM``, ``BN``, ``num_warps``, ``num_stages``.
    """
    if interpreted():
        return {"BM": 64, "BN": 64, "num_warps": 4, "num_stages": 1}
    half = dtype in (torch.float16, torch.bfloat16)
    if half and not backward:
        wide = width > 128
        return {"BM": 128, "BN": 32 if wide else 64, "num_warps": 8, "num_stages": 2 if wide else 3}
    if half:
        side = 64 if width <= 128 else 32
        return {"BM": side, "BN": side, "num_warps": 4 if width <= 64 else 8, "num_stages": 2}
    if width <= 64 and (precision == "tf32" or not backward):
        return {"BM": 64, "BN": 64 if precision == "tf32" else 32, "num_warps": 8 if backward else 4, "num_stages": 2}
    if width <= 64:
        return {"BM": 32, "BN": 32, "num_warps": 4, "num_stages": 2}
    # Three products for one, wider than 64: the largest blocks that spill nothing on sm_90, and beyond 128 those that
    # spill least.
    side, warps = (32, 8) if width <= 128 and not backward else (16, 4 if width <= 128 else 8)
    return {"BM": side, "BN": side, "num_warps": warps, "num_stages": 1}
