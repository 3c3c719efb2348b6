"""Inputs on which scans are checked: tails of chunks, both input weights, tiny and huge steps, absent inputs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from dltsym.implementation import Case

BARE = {"D": "absent", "bias": "absent", "h0": "absent"}
PLAIN = {"u": "ladder", "raw": "zeros", "B": "ones", "C": "ones", "A": "-1", **BARE}
OPEN = {"z": "absent"}
OWN = {"raw": "uniform", "bias": "uniform"}


def _case(name: str, sizes: tuple[int, int, int], mode: str, seed: int, batch: int = 2,
          dtypes: tuple[str, ...] = (), **more: Any) -> Case:  # fmt: skip
    """Return a case of given length, channels and states; `more` are recipes, and the other modes."""
    modes = {"mode": mode, "softplus": more.pop("softplus", True), "gate": more.pop("gate", True)}
    values: Mapping[str, Any] = {
        "u": "normal", "raw": "normal", "z": "normal", "A": "negative", "B": "normal", "C": "normal",
        "D": "normal", "bias": "normal", "h0": "normal", **more.pop("values", {}), **({} if modes["gate"] else OPEN),
    }  # fmt: skip
    lead = {"": (batch,) if batch else (), "A": (), "D": (), "bias": ()}
    return Case(name, dict(zip("LEN", sizes, strict=True)), lead, modes, values, seed, dtypes)


def _ends(rng: Any, shape: tuple[int, ...]) -> Any:
    """Return raw values of -19, -12, 0 and 20: steps between nothing and everything."""
    return rng.choice([-19.0, -12.0, 0.0, 20.0], size=shape)


CASES: tuple[Case, ...] = (
    _case("1 step", (1, 3, 2), "euler", 1),
    _case("1 step zoh", (1, 1, 1), "zoh", 2, gate=False),
    _case("2 steps", (2, 5, 3), "zoh", 3),
    _case("published", (3, 1, 1), "euler", 4, 0, gate=False, values=PLAIN),
    _case("published zoh", (3, 1, 1), "zoh", 5, 0, gate=False, values=PLAIN),
    _case("17 steps", (17, 5, 3), "euler", 6),
    _case("17 steps zoh, 16 states", (17, 3, 16), "zoh", 7),
    _case("50 steps", (50, 6, 3), "zoh", 8),
    _case("own sizes", (50, 5, 2), "euler", 9, softplus=False, gate=False, values=OWN),
    _case("own sizes zoh", (50, 5, 2), "zoh", 10, softplus=False, values={"raw": "uniform", **BARE}),
    _case("64 steps", (64, 4, 3), "euler", 11, 0),
    _case("130 steps", (130, 5, 3), "euler", 12),
    _case("130 steps zoh", (130, 5, 3), "zoh", 13),
    _case("strong decay", (130, 4, 3), "zoh", 14, 0, values={"A": "-200", "raw": "normal + 1"}),
    _case("strong decay euler", (70, 4, 2), "euler", 15, values={"A": "20 negative"}),
    _case("tiny steps", (50, 3, 2), "zoh", 16, values={"raw": "-12", "bias": "zeros", "D": "absent", "h0": "absent"}),
    _case("tiny and huge steps", (50, 5, 2), "zoh", 17, values={"raw": _ends, "bias": "zeros"}),
    _case("tiny and huge steps euler", (17, 5, 2), "euler", 18, values={"raw": _ends, "bias": "zeros"}),
    _case(
        "raw -19",
        (17, 3, 2),
        "euler",
        19,
        0,
        values={"raw": "-19", "bias": "zeros", "D": "absent", "h0": "absent"},
        dtypes=("float64", "float32", "bfloat16"),
    ),
    _case("raw 20", (17, 3, 2), "euler", 20, 0, values={"raw": "20", "bias": "zeros"}),
    _case("hardly any decay", (130, 2, 1), "zoh", 21, 0, gate=False, values={"A": "1e-3 negative"}),
    _case("integrators", (50, 3, 2), "zoh", 22, 0, values={"A": "zeros"}),
    _case(
        "views", (50, 5, 3), "euler", 23, values={"u": "normal, view", "raw": "normal, transposed", "B": "normal, view"}
    ),
    _case("shared B and C", (50, 5, 3), "euler", 24, values={**BARE, "raw": f"{math.log(2)} normal - 4"}),
)
"""A tile of the Triton kernel has 64 steps and 4 channels."""


def _pairs(name: str, sizes: tuple[int, int, int], mode: str, seed: int, batch: int = 2, gate: bool = True,
           **values: Any) -> Case:  # fmt: skip
    """Return a case of conjugate pairs."""
    real = _case(name, sizes, mode, seed, batch, gate=gate)
    more = {"A_im": "3 normal", "B_im": "normal", "C_im": "normal", "h0_im": "normal"}
    modes = {"mode": mode, "gate": gate}
    return Case(name, real.sizes, {**real.batch, "A_im": ()}, modes, {**real.values, **more, **values}, seed)


PAIRS: tuple[Case, ...] = (
    _pairs("1 step", (1, 3, 2), "zoh", 31),
    _pairs("2 steps", (2, 5, 2), "euler", 32, gate=False),
    _pairs("17 steps", (17, 5, 3), "zoh", 33),
    _pairs("50 steps", (50, 3, 2), "euler", 34, 0),
    _pairs("64 steps", (64, 2, 1), "zoh", 35, 0),
    _pairs("66 steps", (66, 5, 1), "euler", 36, 0),
    _pairs("130 steps zoh", (130, 2, 1), "zoh", 37, 0),
    _pairs("real B and C", (17, 3, 2), "zoh", 38, **BARE, B_im="absent", C_im="absent", h0_im="absent"),
    _pairs("fast turns", (50, 2, 2), "zoh", 39, 0, A_im="60 normal"),
    _pairs("tiny steps", (17, 3, 2), "zoh", 40, 0, raw="-12", bias="zeros"),
    _pairs("strong decay", (70, 2, 1), "zoh", 41, 0, A="-200"),
    _pairs("hardly any decay", (70, 2, 1), "euler", 42, 0, False, A="1e-3 negative"),
)
