"""Calls of the chunked scan that the compiler has to build."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from dltsym.kernels.variant import Variant


def _call(dtype: str, chunk: int) -> Callable[[], Any]:
    def call() -> None:
        import torch

        from dltsym.kernels.ssd import ssd

        def new(*size: int) -> torch.Tensor:
            return torch.zeros(*size, dtype=getattr(torch, dtype), requires_grad=True)

        x, log_a, B, C = new(2, 4, 256, 64), new(2, 4, 256), new(2, 2, 256, 128), new(2, 2, 256, 128)
        y, h = ssd(x, log_a, B, C, new(2, 4, 128, 64), chunk=chunk, backend="triton")
        (y.sum() + h.sum()).backward()

    return call


def variants() -> Iterator[Variant]:
    """Yield one variant per width of numbers, with the state size of released models.

    Yields
    ------
    Variant
    """
    yield Variant("bf16 chunks of 64, 64 x 128 states", _call("bfloat16", 64))
    yield Variant("f32 chunks of 64, 64 x 128 states", _call("float32", 64))
