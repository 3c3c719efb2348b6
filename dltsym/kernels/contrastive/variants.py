"""Calls whose kernels the compiler has to build for hardware."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dltsym.kernels.variant import Variant


def variants() -> Iterator[Variant]:
    """Yield the calls: both types, both losses, targets, forward and backward.

    Yields
    ------
    Variant
    """
    yield Variant("bf16 d=128", _call("bfloat16", 128))
    yield Variant("f32 tf32x3 d=64", _call("float32", 64))
    yield Variant("f32 tf32x3 d=64 targets", _targets("float32", 64))


def _call(dtype: str, d: int) -> Callable[[], None]:
    def call() -> None:
        import torch

        from dltsym.kernels.contrastive import infonce

        x, y = (torch.zeros(512, d, dtype=getattr(torch, dtype), requires_grad=True) for _ in range(2))
        loss, *_ = infonce(x, y, torch.tensor(14.0, requires_grad=True), backend="triton")
        loss.backward()

    return call


def _targets(dtype: str, d: int) -> Callable[[], None]:
    def call() -> None:
        import torch

        from dltsym.kernels.contrastive import infonce_target

        x, y = (torch.zeros(n, d, dtype=getattr(torch, dtype), requires_grad=True) for n in (512, 1024))
        loss, *_ = infonce_target(x, y, 14.0, torch.arange(512), backend="triton")
        loss.backward()

    return call
