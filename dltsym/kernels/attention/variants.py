"""Calls whose kernels the compiler has to build for hardware."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dltsym.kernels.variant import Variant

WIDE = "rows of 256 in single precision, three products for one: blocks of 16 x 16 are the least, and still spill"


def variants() -> Iterator[Variant]:
    """Yield the calls: both types, the masks, the usual head sizes, forward and backward.

    Yields
    ------
    Variant
    """
    yield Variant("bf16 d=64 causal prior slope", _call("bfloat16", 64, causal=True, biased=True))
    yield Variant("bf16 d=128", _call("bfloat16", 128))
    yield Variant("f32 tf32x3 d=64 causal prior slope", _call("float32", 64, causal=True, biased=True))
    yield Variant("f16 d=256", _call("float16", 256))
    yield Variant("f32 tf32x3 d=64 causal prior", _call("float32", 64, causal=True, biased=True, sloped=False))
    yield Variant("f32 tf32x3 d=128 causal prior slope", _call("float32", 128, causal=True, biased=True))
    wide = dict.fromkeys(("forward_kernel", "keys_kernel", "queries_kernel"), WIDE)
    yield Variant("f32 tf32x3 d=256 causal prior slope", _call("float32", 256, causal=True, biased=True), stack=wide)


def _call(dtype: str, d: int, causal: bool = False, biased: bool = False, sloped: bool = True) -> Callable[[], None]:
    def call() -> None:
        import torch

        from dltsym.kernels.attention import one_sided_eot

        kind = getattr(torch, dtype)
        q, k, v = (torch.zeros(1, 2, 512, d, dtype=kind, requires_grad=True) for _ in range(3))
        lp = torch.zeros(2, 512, requires_grad=True) if biased else None
        slope = torch.zeros(2, requires_grad=True) if biased and sloped else None
        o, lse, entropy = one_sided_eot(q, k, v, 8.0, lp, slope, causal, backend="triton")
        (o.float().sum() + lse.sum() + (entropy.sum() if biased else 0)).backward()

    return call
