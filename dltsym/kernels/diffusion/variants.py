"""Calls whose kernels the compiler has to build for hardware."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from dltsym.kernels.variant import Variant


def variants() -> Iterator[Variant]:
    """Yield the calls: both types, both steps, given and drawn noise.

    Yields
    ------
    Variant
    """
    cosine = {"_forward": "the cosine of Box and Muller keeps a table for large angles there"}
    yield Variant("f32 ddpm drawn noise", _call("float32", method="ddpm", seed=1), stack=cosine)
    yield Variant("bf16 ddim", _call("bfloat16", method="ddim"))
    yield Variant("f32 ddim v clipped", _call("float32", method="ddim", prediction="v", clip=True))


def _call(dtype: str, **options: Any) -> Callable[[], None]:
    def call() -> None:
        import torch

        from dltsym.kernels.diffusion import step

        x, model = (torch.zeros(4096, dtype=getattr(torch, dtype)) for _ in range(2))
        step(x, model, 0.5, 0.7, backend="triton", **options)

    return call
