"""Calls whose kernels the compiler has to build for hardware."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dltsym.kernels.variant import Variant


def variants() -> Iterator[Variant]:
    """Yield the calls: both types, both kinds of gates, expert choice, forward and backward.

    Yields
    ------
    Variant
    """
    yield Variant("f32 E=64 K=2", _router("float32", 64, 2, False))
    yield Variant("bf16 E=256 K=8 renormalised", _router("bfloat16", 256, 8, True))
    yield Variant("f32 expert choice", _choice("float32"))
    yield Variant("bf16 expert choice", _choice("bfloat16"))


def _router(dtype: str, experts: int, k: int, renormalise: bool) -> Callable[[], None]:
    def call() -> None:
        import torch

        from dltsym.kernels.router import router

        z = torch.zeros(1024, experts, dtype=getattr(torch, dtype), requires_grad=True)
        out = router(z, K=k, renormalise=renormalise, backend="triton")
        (out.p.float().sum() + out.gates.float().sum() + out.cv2 + out.switch + out.z_loss).backward()

    return call


def _choice(dtype: str) -> Callable[[], None]:
    def call() -> None:
        import torch

        from dltsym.kernels.router import expert_choice

        s = torch.zeros(1024, 64, dtype=getattr(torch, dtype), requires_grad=True)
        expert_choice(s, C=128, backend="triton").gates.float().sum().backward()

    return call
