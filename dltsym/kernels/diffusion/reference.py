"""Denoising steps in plain torch, and the same Philox noise as the kernel draws."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dltsym.kernels.diffusion.coefficients import coefficients

if TYPE_CHECKING:
    import torch

Number = "float | torch.Tensor"
MASK = 0xFFFFFFFF
ROUND = (0xD2511F53, 0xCD9E8D57)
KEY = (0x9E3779B9, 0xBB67AE85)
"""Multipliers and key increments of Philox 4x32 (Salmon et al., 2011)."""


def step(
    x: torch.Tensor, model: torch.Tensor, now: float | torch.Tensor, before: float | torch.Tensor,
    noise: torch.Tensor | None = None, eta: float | torch.Tensor = 0.0, method: str = "ddpm", prediction: str = "eps",
    variance: str = "posterior", clip: bool = False, *, seed: int | None = None, counter: int = 0,
) -> torch.Tensor:  # fmt: skip
    """Take a denoising step: `dltsym.kernels.diffusion.step` in plain torch.

    Parameters
    ----------
    x, model, now, before, noise, eta, method, prediction, variance, clip, seed, counter
        As there.

    Returns
    -------
    Tensor
        The sample before.
    """
    import torch

    acc = torch.float64 if x.dtype == torch.float64 else torch.float32
    numbers = (torch.as_tensor(a, dtype=torch.float64, device=x.device) for a in (now, before, eta))
    found = coefficients(*torch.broadcast_tensors(*numbers), method, prediction, variance, clip)
    c = [a.to(acc)[..., None] if a.ndim else a.to(acc) for a in found]
    x0 = c[3] * x.to(acc) + c[4] * model.to(acc)
    out = c[1] * x.to(acc) + c[2] * model.to(acc)
    if clip:
        out = out + c[0] * x0.clamp(-1, 1)
    if seed is not None:
        noise = normal(x.numel(), seed, counter, x.device).reshape(x.shape)
    if noise is not None:
        out = out + c[5] * noise.to(acc)
    return out.to(x.dtype)


def normal(total: int, seed: int, counter: int = 0, device: torch.device | str = "cpu") -> torch.Tensor:
    """Draw normal noise by Philox and Box-Muller: number i is lane i % 4 of draw i // 4.

    Parameters
    ----------
    total : int
        How many.
    seed : int
        Seed, the key of 64 bits.
    counter : int
        Place of the first number, a multiple of 4.
    device : torch.device or str
        Device.

    Returns
    -------
    Tensor, shape (total,)
        Single precision; within a few units of what a kernel draws, whose sine and logarithm differ.
    """
    import torch

    place = counter // 4 + torch.arange((total + 3) // 4, device=device)
    low, high = place & MASK, place >> 32
    uniform = [_uniform(w) for w in philox(seed, low, high)]
    lanes = []
    for a, b in (uniform[:2], uniform[2:]):
        radius = torch.sqrt(-2.0 * torch.log(a.clamp_min(1e-7)))
        lanes += [radius * torch.cos(b * (2 * math.pi)), radius * torch.sin(b * (2 * math.pi))]
    return torch.stack(lanes, -1).reshape(-1)[:total]


def philox(seed: int, low: torch.Tensor, high: torch.Tensor) -> list[torch.Tensor]:
    """Return four words of 32 bits for each counter: ten rounds of Philox 4x32.

    Parameters
    ----------
    seed : int
        Key of 64 bits.
    low, high : Tensor
        Words of the counter, int64.

    Returns
    -------
    list of Tensor
        Words, int64.
    """
    c = [low, high, low * 0, low * 0]
    key = [seed & MASK, (seed >> 32) & MASK]
    for _ in range(10):
        a, b = _wide(ROUND[0], c[0]), _wide(ROUND[1], c[2])
        c = [b[0] ^ c[1] ^ key[0], b[1], a[0] ^ c[3] ^ key[1], a[1]]
        key = [(k + step) & MASK for k, step in zip(key, KEY, strict=True)]
    return c


def _wide(a: int, b: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the high and low words of a product of two words, without leaving 63 bits."""
    low, high = a * (b & 0xFFFF), a * (b >> 16)
    middle = high + (low >> 16)
    return middle >> 16, ((middle & 0xFFFF) << 16) | (low & 0xFFFF)


def _uniform(word: torch.Tensor) -> torch.Tensor:
    """Return a number in [0, 1) from a word: the word as a signed integer, negative ones reflected."""
    import torch

    signed = torch.where(word > 0x7FFFFFFF, word - (1 << 32), word)
    return torch.where(signed < 0, -signed - 1, signed).float() * 4.6566127342e-10
