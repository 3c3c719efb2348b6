"""Inputs on which the chunked scan is checked: tails of chunks, decay from none to a full stop, shared B and C."""

from __future__ import annotations

from typing import Any

from dltsym.implementation import Case


def _case(name: str, sizes: tuple[int, int, int], seed: int, lead: tuple[int, ...] = (2,), decay: Any = "negative",
          shared: bool = False, **values: Any) -> Case:  # fmt: skip
    """Return a case of given length, columns and state size; `shared` has one B and C for all heads."""
    drawn = {"x": "normal", "log_a": decay, "B": "normal", "C": "normal", "h0": "normal", **values}
    group = {"B": (*lead[:-1], 1), "C": (*lead[:-1], 1)} if shared else {}
    return Case(name, dict(zip("TPN", sizes, strict=True)), {"": lead, **group}, {}, drawn, seed)


def _resets(rng: Any, shape: tuple[int, ...]) -> Any:
    """Log decays near 0, and -inf at every seventh step or so: the state starts anew."""
    mild = -rng.random(shape) / 8
    mild[rng.random(shape) < 1 / 7] = float("-inf")
    return mild


CASES: tuple[Case, ...] = (
    _case("1 step", (1, 3, 2), 1),
    _case("2 steps", (2, 1, 2), 2),
    _case("17 steps", (17, 5, 3), 3, h0="absent"),
    _case("50 steps", (50, 6, 3), 4),
    _case("64 steps", (64, 4, 5), 5, ()),
    _case("130 steps", (130, 5, 3), 6),
    _case("130 steps, 3 heads share B and C", (130, 4, 3), 7, (1, 3), shared=True),
    _case("70 steps, batch 2, 2 heads share B and C", (70, 4, 3), 8, (2, 2), shared=True),
    _case("two tiles of columns", (66, 70, 3), 9, (1,)),
    _case("40 states", (66, 3, 40), 10, (1,)),
    _case("decay 12", (130, 4, 3), 11, decay="-12"),
    _case("decay 3", (300, 3, 2), 12, (1,), decay="-3"),
    _case("decay 30", (130, 4, 3), 13, decay="30 negative"),
    _case("decay of a few percent", (300, 3, 2), 14, (1,), decay="0.02 negative"),
    _case("no decay", (130, 3, 2), 15, (1,), decay="zeros"),
    _case("mixed decay", (130, 4, 3), 16, (1,), decay="30 negative, half -0.01"),
    _case("resets", (70, 4, 3), 17, decay=_resets),
    _case("views", (66, 4, 3), 18, x="normal, view", B="normal, transposed", C="normal, view"),
    _case("no first state", (130, 4, 3), 19, (1,), h0="absent"),
)
"""A chunk of the Triton kernels has 64 steps; they use at most 64 columns at a time."""
