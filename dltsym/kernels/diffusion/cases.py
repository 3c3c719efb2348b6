"""Inputs on which denoising steps are checked; the signals kept are exact in every type."""

from __future__ import annotations

from typing import Any

import numpy as np

from dltsym.implementation import Case


def _case(name: str, n: int, now: Any = "0.5", before: Any = "0.625", noise: Any = "", **modes: Any) -> Case:
    batch, eta = modes.pop("batch", {}), modes.pop("eta", "absent")
    values = {"now": now, "before": before, "noise": noise, "eta": eta}
    return Case(name, {"n": n}, batch, modes, values, seed=n)


def _each(*values: float) -> Any:
    """Give every row a value of its own, exact in every type."""
    return lambda _rng, shape: np.resize(values, shape)


ROWS = {"": (3,), "now": (3,), "before": (3,), "eta": (3,)}
OWN = {"now": _each(0.125, 0.25, 0.5), "before": _each(0.6875, 0.5, 0.75), "eta": _each(0.5, 1.0, 0.25)}
CASES: tuple[Case, ...] = (
    _case("posterior", 100),
    _case("one", 1),
    _case("early", 1025, "0.0078125", "0.015625"),
    _case("late", 64, "0.9921875", "0.99609375", variance="beta"),
    _case("beta", 129, variance="beta"),
    _case("first", 63, "0.75", "1"),
    _case("first, beta", 63, "0.75", "1", variance="beta"),
    _case("v", 65, prediction="v"),
    _case("clipped", 200, "0.125", "0.1875", clip=True),
    _case("clipped v", 200, "0.125", "0.1875", clip=True, prediction="v", variance="beta"),
    _case("without noise", 50, noise="absent"),
    _case("deterministic", 100, method="ddim"),
    _case("eta 1", 100, eta="1", method="ddim"),
    _case("eta", 129, "0.125", "0.6875", eta="0.5", method="ddim"),
    _case("eta, v", 63, "0.125", "0.6875", eta="0.5", method="ddim", prediction="v"),
    _case("to the end", 64, "0.25", "1", eta="1", method="ddim"),
    _case("clipped family", 200, "0.0625", "0.25", eta="0.25", method="ddim", clip=True),
    _case("rows", 50, method="ddim", batch=ROWS, **OWN),
    _case(
        "rows, posterior",
        33,
        method="ddpm",
        batch={k: x for k, x in ROWS.items() if k != "eta"},
        **OWN | {"eta": "absent"},
    ),
    _case("two batches", 33, batch={"": (2, 3)}, noise="view"),
)
