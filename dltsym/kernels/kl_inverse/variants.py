"""Calls whose kernels the compiler has to build for hardware."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dltsym.kernels.variant import Variant


def variants() -> Iterator[Variant]:
    """Yield the calls: both types, nearest and outward.

    Yields
    ------
    Variant
    """
    yield Variant("f32", _call("float32", False))
    yield Variant("f32 outward", _call("float32", True))
    yield Variant("bf16", _call("bfloat16", False))


def _call(dtype: str, outward: bool) -> Callable[[], None]:
    def call() -> None:
        import torch

        from dltsym.kernels.kl_inverse import kl_inverse

        q, c = (torch.zeros(4096, dtype=getattr(torch, dtype)) for _ in range(2))
        kl_inverse(q, c, outward, backend="triton")

    return call
