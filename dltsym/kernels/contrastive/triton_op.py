"""InfoNCE on Triton: launches, and their derivative."""

from __future__ import annotations

from math import log
from typing import Any

import torch
import triton

from dltsym.kernels.contrastive.inputs import Pairs
from dltsym.kernels.contrastive.triton_grad import gradient_kernel
from dltsym.kernels.contrastive.triton_rows import rows_kernel
from dltsym.kernels.dispatch import interpreted
from dltsym.kernels.launch import block, launch, scalar, storage_types

LN2 = log(2.0)
Side = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def tiles(x: torch.Tensor, dot: str) -> dict[str, Any]:
    """Return block sizes and the precision of the products, for one type of numbers and dimension."""
    short = x.dtype in (torch.float16, torch.bfloat16)
    side = 128 if short and not interpreted() else 64
    depth = block(x.shape[-1], 16, 64 if short else 32) if not interpreted() else block(x.shape[-1], 16, 128)
    return {
        "BM": side,
        "BN": side,
        "BK": depth,
        "CHUNKS": triton.cdiv(x.shape[-1], depth),
        "ACC": storage_types(x)[1],
        "PREC": dot if x.dtype == torch.float32 else "ieee",
        "num_warps": 8 if short else 4,
        "num_stages": 3 if short else 2,
    }


def infonce(pairs: Pairs, dot: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Compute the loss without ever storing the scores.

    Parameters
    ----------
    pairs : Pairs
        Checked inputs.
    dot : {"tf32x3", "tf32", "ieee"}
        What products do with single precision.

    Returns
    -------
    tuple of Tensor
        Loss of shape (batch,) and losses of the rows, shape (batch, N), in the accumulator's type.
    """
    rows = _Losses.apply(pairs.x, pairs.y, pairs.scale, pairs.target, pairs.loss, dot)
    return rows.mean(-1), rows


def _rows(
    x: torch.Tensor, y: torch.Tensor, target: torch.Tensor | None, scale: torch.Tensor, dot: str, turned: bool = False
) -> Side:
    """Return delta, loss and norm (log2 of the sum of all exponentials) of every row of x."""
    (batch, n, d), m = x.shape, y.shape[1]
    acc, _ = storage_types(x)
    delta, nll, norm = (torch.empty(batch, n, dtype=acc, device=x.device) for _ in range(3))
    options = tiles(x, dot)
    of = scale if target is None else target  # never read without targets
    launch(
        rows_kernel, (triton.cdiv(n, options["BM"]), batch),
        x, y, of, scale / LN2, scalar(LN2, x), delta, nll, norm,
        x.stride(0), x.stride(1), y.stride(0), y.stride(1), of.stride(0), n, m, d,
        TARGETS=target is not None, TURNED=turned, **options,
    )  # fmt: skip
    return delta, nll, norm


def _gradient(
    x: torch.Tensor, y: torch.Tensor, target: torch.Tensor | None, whose: int, scale: torch.Tensor,
    factor: torch.Tensor, ours: Side | None, theirs: Side | None, dot: str,
) -> tuple[torch.Tensor, torch.Tensor]:  # fmt: skip
    """Return the gradient by x, and per row the sum of weight times score."""
    (batch, n, d), m = x.shape, y.shape[1]
    out = torch.empty((batch, n, d), dtype=x.dtype, device=x.device)
    by_scale = torch.empty(batch, n, dtype=storage_types(x)[0], device=x.device)
    options = tiles(x, dot)
    if not interpreted():  # two tiles and two products live at once
        options |= {"BM": 64, "BN": 32} if options["BM"] == 128 else {"BM": 32, "BN": 32}
    width = block(d, 16, 256 if options["BM"] > 32 else 128)
    none = (scale, scale, scale)
    of = scale if target is None else target
    launch(
        gradient_kernel, (triton.cdiv(n, options["BM"]), batch, triton.cdiv(d, width)),
        x, y, of, scale / LN2, factor * scale, *(ours or none), *(theirs or none), out, by_scale,
        x.stride(0), x.stride(1), y.stride(0), y.stride(1), of.stride(0), out.stride(0), out.stride(1), n, m, d,
        BD=width, TARGETS=0 if target is None else whose, OURS=ours is not None, THEIRS=theirs is not None,
        TURNED=whose == 2, **options,
    )  # fmt: skip
    return out, by_scale


class _Losses(torch.autograd.Function):
    @staticmethod
    def forward(  # type: ignore[override]
        ctx: Any, x: torch.Tensor, y: torch.Tensor, scale: torch.Tensor, target: torch.Tensor, loss: str, dot: str
    ) -> torch.Tensor:
        x, y = (a if a.stride(-1) == 1 else a.contiguous() for a in (x, y))
        acc, _ = storage_types(x)
        full = scale.to(acc).contiguous()
        index = target.contiguous() if loss == "target" else None
        delta, nll, norm = _rows(x, y, index, full, dot)
        if loss == "symmetric":
            column_delta, column_nll, column_norm = _rows(y, x, None, full, dot, turned=True)
            nll = 0.5 * (nll + column_nll)
            ctx.save_for_backward(x, y, full, delta, norm, column_delta, column_norm)
        else:
            ctx.save_for_backward(x, y, full, delta, norm)
        ctx.index, ctx.dot, ctx.scale_type = index, dot, scale.dtype
        return nll

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, g: torch.Tensor) -> tuple[torch.Tensor | None, ...]:  # type: ignore[override]
        x, y, scale, delta, norm, *columns = ctx.saved_tensors
        weight = 0.5 * g if columns else g
        # Weights of size 1 whatever the loss is multiplied by: they are cast to the type of x before the product.
        factor = weight.abs().amax(-1)
        factor = torch.where(factor == 0, 1.0, factor)
        weight = (weight / factor[:, None]).contiguous()
        ours = (norm, delta, weight)
        theirs = (columns[1], columns[0], weight) if columns else None
        dx, by_scale = _gradient(x, y, ctx.index, 1, scale, factor, ours, theirs, ctx.dot)
        dy, _ = _gradient(y, x, ctx.index, 2, scale, factor, theirs, ours, ctx.dot)
        return dx, dy, (factor * by_scale.sum(-1)).to(ctx.scale_type), None, None, None
