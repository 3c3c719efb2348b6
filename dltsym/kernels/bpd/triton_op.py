"""Smoothed bits per token on Triton: launches, and their derivative."""

from __future__ import annotations

from math import log
from typing import Any

import torch
import triton

from dltsym.kernels.bpd.inputs import Tokens
from dltsym.kernels.bpd.triton_bits import bits_gradient_kernel, bits_kernel, document_kernel
from dltsym.kernels.bpd.triton_sums import sums_kernel
from dltsym.kernels.dispatch import interpreted
from dltsym.kernels.launch import block, launch, scalar, storage_types

Outputs = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def smoothed_bpd(p: Tokens) -> Outputs:
    """Compute means, code lengths and entropies; memory beside the inputs is O(tokens (G + 4)).

    Parameters
    ----------
    p : Tokens
        Checked inputs.

    Returns
    -------
    tuple of Tensor
        Shapes (documents, G), (documents, n, G), (documents, n).
    """
    return _Bits.apply(p.z, p)


def token_sums(A: torch.Tensor, s: torch.Tensor) -> torch.Tensor:
    """Sum x - log(1 + x) over tokens for every scale, x = s A, in two levels with compensation.

    Parameters
    ----------
    A : Tensor
        Shape (n,).
    s : Tensor
        Shape (K,).

    Returns
    -------
    Tensor
        Shape (K,), in double precision.
    """
    acc, tl_acc = storage_types(A)
    n, scales = A.shape[0], s.shape[0]
    step, tile = (64, 16) if interpreted() else (128, 16)
    per = step * max(2, triton.cdiv(n, step * 256))
    parts = max(1, triton.cdiv(n, per))
    out = torch.empty(parts, scales, dtype=acc, device=A.device)
    grid = (triton.cdiv(scales, tile), parts)
    launch(sums_kernel, grid, A.contiguous(), s.contiguous(), out, n, scales, per, BT=step, BS=tile, ACC=tl_acc)
    return out.double().sum(0)


def _tiles(x: torch.Tensor) -> dict[str, Any]:
    wide = 64 if interpreted() else 1024
    return {"BT": 16 if interpreted() else 4, "BV": min(block(x.shape[-1], 16), wide), "ACC": storage_types(x)[1]}


class _Bits(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: torch.Tensor, p: Tokens) -> Outputs:  # type: ignore[override]
        flat = z.reshape(-1, z.shape[-1])
        flat = flat if flat.stride(-1) == 1 else flat.contiguous()
        (documents, n, words), grid = z.shape, p.ours.shape[0]
        acc, tl_acc = storage_types(z)
        bits = torch.empty(documents * n, grid, dtype=acc, device=z.device)
        logp, top, norm, entropy = (torch.empty(documents * n, dtype=acc, device=z.device) for _ in range(4))
        options = _tiles(z)
        log2e = scalar(1 / log(2), z)
        keep, y = p.keep.reshape(-1), p.y.reshape(-1)
        launch(
            bits_kernel, (triton.cdiv(documents * n, options["BT"]),), flat, y, keep, p.ours, p.floor, log2e,
            bits, logp, top, norm, entropy, flat.stride(0), documents * n, words, grid, **options,
        )  # fmt: skip
        mean, count = torch.empty(documents, grid, dtype=acc, device=z.device), p.keep.sum(-1).to(acc)
        wide = block(grid, 1, 16)
        launch(
            document_kernel, (documents, triton.cdiv(grid, wide)), bits, count, mean, n, grid,
            BT=64, BG=wide, ACC=tl_acc,
        )  # fmt: skip
        ctx.save_for_backward(flat, y, keep, p.ours, p.floor, log2e, count, logp, top, norm, entropy)
        ctx.shape = z.shape
        return mean, bits.reshape(documents, n, grid), entropy.reshape(documents, n)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *g: torch.Tensor) -> tuple[torch.Tensor, None]:  # type: ignore[override]
        z, y, keep, ours, floor, log2e, count, logp, top, norm, entropy = ctx.saved_tensors
        by_mean, by_bits, by_entropy = (x.contiguous() for x in g)
        out = torch.empty(z.shape, dtype=z.dtype, device=z.device)
        options = _tiles(z)
        launch(
            bits_gradient_kernel, (triton.cdiv(z.shape[0], options["BT"]), triton.cdiv(z.shape[1], options["BV"])),
            z, y, keep, ours, floor, log2e, count, logp, top, norm, entropy, by_bits, by_mean, by_entropy, out,
            z.stride(0), out.stride(0), z.shape[0], z.shape[1], ctx.shape[1], ours.shape[0], **options,
        )  # fmt: skip
        return out.reshape(ctx.shape), None
