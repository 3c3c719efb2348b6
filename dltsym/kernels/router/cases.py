"""Inputs on which the router kernels are checked."""

from __future__ import annotations

from typing import Any

import numpy as np

from dltsym.implementation import Case


def _tied(rng: Any, shape: tuple[int, ...]) -> Any:
    """Logits with few values: most rows have several best experts."""
    return np.round(rng.standard_normal(shape))


def _padding(_rng: Any, shape: tuple[int, ...]) -> Any:
    """Mask out the last three tenths of the tokens."""
    return (np.arange(shape[-1]) < 0.7 * shape[-1]).astype(float) * np.ones(shape)


def _router(name: str, T: int, E: int, z: Any = "normal", mask: Any = "absent", **modes: Any) -> Case:
    batch = modes.pop("batch", {})
    return Case(name, {"T": T, "E": E}, batch, modes, {"z": z, "mask": mask}, seed=T + E)


ROUTER_CASES: tuple[Case, ...] = (
    _router("one", 1, 8, K=1),
    _router("two", 2, 8, K=2, renormalise=True),
    _router("wide", 130, 256, K=8),
    _router("one expert", 3, 1, K=1),
    _router("block", 64, 64, K=8),
    _router("tails", 100, 16, mask=_padding, K=2),
    _router("K not shared", 129, 8, K=2, per_k=False),
    _router("renormalised", 63, 16, "3 normal", K=2, renormalise=True, batch={"": (2,)}),
    _router("renormalised one", 33, 8, K=1, renormalise=True),
    _router("ties", 63, 8, _tied, mask=_padding, K=2),
    _router("balanced", 128, 8, "1e-5 normal", K=1),
    _router("confident", 70, 8, "12 normal", K=2),
    _router("one logit", 40, 16, "spike", K=2),
    _router("shifted", 65, 8, "normal + 300", mask=_padding, K=2),
    _router("layers", 50, 40, "normal, view", K=2, batch={"": (2, 3)}),
    _router("random mask", 90, 24, mask="", K=2, renormalise=True, batch={"": (2,)}),
    _router("nothing counts", 20, 8, mask="zeros", K=2),
)


def _choice(name: str, T: int, E: int, s: Any = "normal", mask: Any = "absent", **modes: Any) -> Case:
    batch = modes.pop("batch", {})
    return Case(name, {"T": T, "E": E}, batch, modes, {"s": s, "mask": mask}, seed=T + E)


CHOICE_CASES: tuple[Case, ...] = (
    _choice("one", 1, 4, C=1),
    _choice("tails", 100, 6, C=16),
    _choice("two blocks", 129, 4, "3 normal", mask=_padding, C=16),
    _choice("ties", 90, 8, _tied, C=16, batch={"": (2,)}),
    _choice("equal", 65, 3, "zeros", mask="", C=16),
    _choice("same digits", 70, 5, "1e-3 uniform + 1", C=4),
    _choice("wide range", 80, 5, "lognormal", C=4),
    _choice("negative", 75, 3, "negative", C=4),
    _choice("two blocks of tokens", 1100, 1, _tied, C=4),
    _choice("no room", 3, 5, C=4),
    _choice("few count", 20, 4, mask="zeros, first half 1", C=16),
)
