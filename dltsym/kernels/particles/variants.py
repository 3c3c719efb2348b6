"""Calls whose kernels the compiler has to build for hardware."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dltsym.kernels.variant import Variant


def variants() -> Iterator[Variant]:
    """Yield the calls: both moves, both types.

    Yields
    ------
    Variant
    """
    yield Variant("f32 tf32x3 d=16 sa project", _call("float32", 16, "sa", "project"))
    told = {"step_kernel": "a table for the sine and cosine of large arguments"}
    yield Variant("bf16 d=64 usa geodesic", _call("bfloat16", 64, "usa", "geodesic"), stack=told)


def _call(dtype: str, d: int, rule: str, move: str) -> Callable[[], None]:
    def call() -> None:
        import torch

        from dltsym.kernels.particles import particle_step

        particle_step(torch.zeros(1024, d, dtype=getattr(torch, dtype)), 4.0, 0.1, rule, move, backend="triton")

    return call
