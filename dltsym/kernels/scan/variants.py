"""Calls of the selective scan that the compiler has to build."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from dltsym.kernels.variant import Variant

TREE = "two tree scans of 64 x 2 x 16 states need four registers more than the 255 there are"
SIN = "sine and cosine reduce large arguments on the stack"


def _call(dtype: str, mode: str, pairs: bool = False) -> Callable[[], Any]:
    def call() -> None:
        import torch

        from dltsym.kernels.scan import complex_scan, selective_scan

        def new(*size: int) -> torch.Tensor:
            return torch.zeros(*size, dtype=getattr(torch, dtype), requires_grad=True)

        u, raw, z, A = new(2, 256, 64), new(2, 256, 64), new(2, 256, 64), new(64, 16)
        B, C, D, bias = new(2, 256, 16), new(2, 256, 16), new(64), new(64)
        if pairs:
            y, h, _ = complex_scan(u, raw, A, A, B, C, B, C, D, z, bias, mode=mode, backend="triton")
        else:
            y, h = selective_scan(u, raw, A, B, C, D, z, bias, mode=mode, backend="triton")
        (y.sum() + h.sum()).backward()

    return call


def variants() -> Iterator[Variant]:
    """Yield one variant per input weight and width of numbers, and one of conjugate pairs.

    Yields
    ------
    Variant
    """
    tree = {"backward": TREE}
    yield Variant("bf16 Euler, 16 states", _call("bfloat16", "euler"), stack=tree)
    yield Variant("f32 zero-order hold, 16 states", _call("float32", "zoh"), stack=tree)
    stack = {"forward_complex": SIN, "backward_complex": SIN}
    yield Variant("f32 pairs, zero-order hold", _call("float32", "zoh", pairs=True), stack=stack)
