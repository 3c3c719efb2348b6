"""Calls whose kernels the compiler has to build for hardware."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from dltsym.kernels.variant import Variant


def variants() -> Iterator[Variant]:
    """Yield the calls: both types, both marginals, forward and backward.

    Yields
    ------
    Variant
    """
    yield Variant("bf16 d=64", _call("bfloat16"))
    yield Variant("f32 tf32x3 d=64 relaxed causal", _call("float32", marginal="relaxed", rho=0.7, causal=True))


def _call(dtype: str, **options: Any) -> Callable[[], None]:
    def call() -> None:
        import torch

        from dltsym.kernels.transport import sinkhorn

        kind = getattr(torch, dtype)
        q, k, v = (torch.zeros(1, 2, 512, 64, dtype=kind, requires_grad=True) for _ in range(3))
        out = sinkhorn(q, k, v, torch.tensor(0.5, requires_grad=True), T=3, backend="triton", **options)
        out[0].float().sum().backward()

    return call
