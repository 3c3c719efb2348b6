"""Inputs of the check of smoothed bits per token."""

from __future__ import annotations

from typing import Any

from dltsym.implementation import Case


def _sure(rng: Any, shape: tuple[int, ...]) -> Any:
    """Return logits of a model that is sure of one word: for most targets it is the wrong one."""
    z = rng.normal(size=shape)
    z[..., 3 % shape[-1]] += 60
    return z


def _right(rng: Any, shape: tuple[int, ...]) -> Any:
    """Return logits of a model that gives nearly all mass to the first word."""
    z = rng.normal(size=shape)
    z[..., 0] += 16
    return z


CASES = (
    Case("one token", {"n": 1, "V": 2, "G": 1}),
    Case("two blocks of words", {"n": 3, "V": 70, "G": 3}, {"z": (2,), "y": (2,), "keep": (2,)}),
    Case("many words", {"n": 33, "V": 150, "G": 8}, values={"keep": "absent"}),
    Case("a large vocabulary", {"n": 3, "V": 1000, "G": 2}),
    Case("far below", {"n": 17, "V": 20, "G": 2}, values={"z": "normal - 300"}),
    Case("sure and wrong", {"n": 20, "V": 40, "G": 4}, values={"z": _sure}),
    Case("sure and right", {"n": 20, "V": 70, "G": 4}, values={"z": _right, "y": "zeros"}),
    Case("uniform", {"n": 18, "V": 70, "G": 4}, values={"z": "zeros"}),
    Case("hidden words", {"n": 18, "V": 70, "G": 4}, values={"z": "normal, some -inf"}),
)
SUM_CASES = (
    Case("one token", {"n": 1, "K": 1}),
    Case("tokens", {"n": 300, "K": 20}),
    Case("small", {"n": 200, "K": 17}, values={"A": "1e-3 normal"}),
)
