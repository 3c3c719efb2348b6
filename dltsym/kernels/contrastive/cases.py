"""Inputs of the check of InfoNCE: sizes around one block of 64 rows, two blocks, and scores that cancel.

Where many pairs are summed, half-precision weights hide the gradient by the scale; a few pairs, each batch with a scale
of its own, show it.
"""

from __future__ import annotations

from typing import Any

from dltsym.implementation import Case


def _unit(rng: Any, shape: tuple[int, ...]) -> Any:
    """Return rows of length 1."""
    rows = rng.normal(size=shape)
    return rows / (rows**2).sum(-1, keepdims=True) ** 0.5


def _equal(rng: Any, shape: tuple[int, ...]) -> Any:
    return rng.normal(size=shape[-1:]) + 0 * rng.normal(size=shape)


def _axes(_rng: Any, shape: tuple[int, ...]) -> Any:
    """Return rows e_1, e_2, ...: pairs that are as separate as can be."""
    import numpy as np

    return np.broadcast_to(np.eye(shape[-2], shape[-1]), shape)


CASES = (
    Case("one pair", {"N": 1, "d": 16}),
    Case("two pairs", {"N": 2, "d": 3}, {"": (2,)}),
    Case("three pairs, scales", {"N": 3, "d": 16}, {"": (12,), "T": (12,)}),
    Case("a block less one", {"N": 63, "d": 16}, modes={"loss": "one_sided"}),
    Case("two blocks", {"N": 100, "d": 40}, {"": (2,)}),
    Case("two blocks, rows", {"N": 100, "d": 16}, modes={"loss": "one_sided"}),
    Case("two blocks and one", {"N": 129, "d": 16}, values={"T": "14.3"}),
    Case("separate pairs", {"N": 24, "d": 24}, values={"x": _axes, "y": _axes, "T": "20"}),
    Case("equal rows", {"N": 66, "d": 16}, values={"x": _equal, "y": _equal, "T": "100"}),
    Case("long rows", {"N": 70, "d": 130}, values={"x": _unit, "y": _unit, "T": "20"}),
)


TARGET_CASES = (
    Case("one query, one key", {"N": 1, "M": 1, "d": 16}),
    Case("more keys", {"N": 63, "M": 129, "d": 16}, {"": (2,)}),
    Case("more queries", {"N": 100, "M": 40, "d": 20}),
    Case(
        "cold",
        {"N": 66, "M": 70, "d": 16},
        values={"x": _unit, "y": _unit, "T": "50"},
    ),
)
