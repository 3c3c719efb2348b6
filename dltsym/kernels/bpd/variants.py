"""Calls whose kernels the compiler has to build for hardware."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dltsym.kernels.variant import Variant


def variants() -> Iterator[Variant]:
    """Yield the calls: both types of logits, forward and backward, and sums over tokens.

    Yields
    ------
    Variant
    """
    yield Variant("bf16 V=32000", _call("bfloat16"))
    yield Variant("f32 V=32000", _call("float32"))
    yield Variant("f32 token sums", _sums)


def _call(dtype: str) -> Callable[[], None]:
    def call() -> None:
        import torch

        from dltsym.kernels.bpd import smoothed_bpd

        z = torch.zeros(64, 32000, dtype=getattr(torch, dtype), requires_grad=True)
        out = smoothed_bpd(z, torch.zeros(64, dtype=torch.int64), torch.tensor([0.1, 0.5]), backend="triton")
        out[0].float().sum().backward()

    return call


def _sums() -> None:
    import torch

    from dltsym.kernels.bpd import token_sums

    token_sums(torch.zeros(4096), torch.tensor([0.5, 0.9]), backend="triton")
