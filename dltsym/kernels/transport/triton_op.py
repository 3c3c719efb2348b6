"""Log-sum-exp of rows on Triton, its derivative, and products with the plan of two potentials."""

from __future__ import annotations

from math import log
from typing import Any

import torch
import triton

from dltsym.kernels.dispatch import interpreted
from dltsym.kernels.launch import block, launch, scalar, storage_types
from dltsym.kernels.transport.triton_lse import lse_kernel
from dltsym.kernels.transport.triton_plan import plan_kernel

LN2 = log(2.0)


def tiles(x: torch.Tensor, dot: str, backward: bool = False) -> dict[str, Any]:
    """Return block sizes and the precision of the products, for one type of numbers and dimension."""
    short, d = x.dtype in (torch.float16, torch.bfloat16), x.shape[-1]
    if interpreted():
        side, depth = 64, block(d, 16, 128)
    else:
        side = (64 if backward else 128) if short else (32 if backward else 64)
        depth = block(d, 16, 64 if short else 32)
    return {
        "BM": side,
        "BN": side,
        "BK": depth,
        "CHUNKS": triton.cdiv(d, depth),
        "ACC": storage_types(x)[1],
        "PREC": dot if x.dtype == torch.float32 else "ieee",
        "num_warps": 8 if short and not backward else 4,
        "num_stages": 3 if short else 2,
    }


def lse_rows(
    q: torch.Tensor, k: torch.Tensor, w: torch.Tensor, scale: torch.Tensor, causal: int = 0, dot: str = "tf32x3",
    wide: tuple[torch.Tensor, torch.Tensor] | None = None,
) -> torch.Tensor:  # fmt: skip
    """Compute LSE_j(scale <q_i, k_j> + w_j) for every row i, without storing the scores.

    Parameters
    ----------
    q, k : Tensor
        Rows and columns, shapes (batch, n, d) and (batch, m, d).
    w : Tensor
        Potential of the columns in nats, shape (batch, m), in the accumulator's type; -inf hides a column.
    scale : Tensor
        Inverse temperature, shape (batch,), in the accumulator's type.
    causal : {0, 1, 2}
        No mask, or one in which rows (1) or columns (2) are the queries; the last query sees the last key.
    dot : {"tf32x3", "tf32", "ieee"}
        What products do with single precision.
    wide : tuple of Tensor, optional
        q and k in the accumulator's type: gradients go there, so that a sum over many calls is rounded once.

    Returns
    -------
    Tensor
        Shape (batch, n), in nats; -inf for a row that sees nothing.
    """
    return _LseRows.apply(*(wide or (q, k)), w, scale, q.detach(), k.detach(), causal, dot)


def plan_product(
    q: torch.Tensor, k: torch.Tensor, ours: torch.Tensor, theirs: torch.Tensor, weight: torch.Tensor,
    scale: torch.Tensor, causal: int = 0, dot: str = "tf32x3", factor: torch.Tensor | None = None,
) -> tuple[torch.Tensor | None, torch.Tensor, torch.Tensor]:  # fmt: skip
    """Multiply a plan by weights, by weighted columns, and by weights times scores.

    Parameters
    ----------
    q, k : Tensor
        Rows and columns, shapes (batch, n, d) and (batch, m, d).
    ours, theirs : Tensor
        Log potentials of rows and columns in nats, shapes (batch, n) and (batch, m); -inf for what has no mass.
    weight : Tensor
        Weights of the columns, of size 1: they are rounded to the type of k, times the plan, before its product.
    scale : Tensor
        Inverse temperature, shape (batch,).
    causal, dot
        As for `lse_rows`.
    factor : Tensor, optional
        For the product with columns: what its rows are multiplied by, shape (batch, n).

    Returns
    -------
    tuple of Tensor
        sum_j E_ij k_j times the factor, shape (batch, n, d), or None without one; sum_j E_ij and
        sum_j E_ij <q_i, k_j>, shape (batch, n), all in the accumulator's type.
    """
    (batch, n, d), m = q.shape, k.shape[1]
    acc, _ = storage_types(q)
    mass, raw = (torch.empty(batch, n, dtype=acc, device=q.device) for _ in range(2))
    out = None if factor is None else torch.empty(batch, n, d, dtype=acc, device=q.device)
    options = tiles(q, dot, backward=True)
    width = block(d, 16, 128)
    launch(
        plan_kernel, (triton.cdiv(n, options["BM"]), batch, 1 if out is None else triton.cdiv(d, width)),
        q, k, potential(ours), potential(theirs), weight.contiguous(), potential(scale),
        mass if factor is None else factor.contiguous(), mass if out is None else out, mass, raw,
        q.stride(0), q.stride(1), k.stride(0), k.stride(1), n, m, d, _shift(n, m, causal),
        BD=16 if out is None else width, MATRIX=out is not None, CAUSAL=causal, **options,
    )  # fmt: skip
    return out, mass, raw


def potential(x: torch.Tensor) -> torch.Tensor:
    """Return a potential in base 2 as the kernels read it: dividing keeps the strides of a transposed array."""
    return (x / LN2).contiguous()


def _shift(n: int, m: int, causal: int) -> int:
    """Return how many keys more than queries there are."""
    return n - m if causal == 2 else m - n


class _LseRows(torch.autograd.Function):
    @staticmethod
    def forward(  # type: ignore[override]
        ctx: Any, q_wide: torch.Tensor, k_wide: torch.Tensor, w: torch.Tensor, scale: torch.Tensor,
        q: torch.Tensor, k: torch.Tensor, causal: int, dot: str,
    ) -> torch.Tensor:  # fmt: skip
        q, k = (x if x.stride(-1) == 1 else x.contiguous() for x in (q, k))
        (batch, n, d), m = q.shape, k.shape[1]
        out = torch.empty(batch, n, dtype=storage_types(q)[0], device=q.device)
        options = tiles(q, dot)
        launch(
            lse_kernel, (triton.cdiv(n, options["BM"]), batch),
            q, k, potential(w), potential(scale), scalar(LN2, q), out,
            q.stride(0), q.stride(1), k.stride(0), k.stride(1), n, m, d, _shift(n, m, causal),
            CAUSAL=causal, **options,
        )  # fmt: skip
        ctx.save_for_backward(q, k, w, scale, out)
        ctx.causal, ctx.dot = causal, dot
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, g: torch.Tensor) -> tuple[torch.Tensor | None, ...]:  # type: ignore[override]
        q, k, w, scale, out = ctx.saved_tensors
        # A row that sees nothing takes no part: -inf for both signs of an infinite potential.
        ours = torch.where(out.isinf(), float("-inf"), -out)
        g = torch.where(out.isinf(), 0.0, g)
        size = g.abs().amax(-1, keepdim=True)
        size = torch.where(size == 0, 1.0, size)
        other = {0: 0, 1: 2, 2: 1}[ctx.causal]
        dq, _, raw = plan_product(q, k, ours, w, torch.ones_like(w), scale, ctx.causal, ctx.dot, scale[:, None] * g)
        dk, mass, _ = plan_product(
            k, q, w, ours, g / size, scale, other, ctx.dot, (scale[:, None] * size).expand_as(w)
        )  # fmt: skip
        return dq, dk, size * mass, (g * raw).sum(-1), None, None, None, None
