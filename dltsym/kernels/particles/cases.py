"""Inputs on which steps of attention dynamics are checked."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from dltsym.implementation import Case

SHAPES = (("2", 2, 2), ("63", 63, 16), ("70", 70, 2), ("129", 129, 40))
"""Name, tokens, dimension."""
SHORT = ("float32", "float16", "bfloat16")
LARGEST = 300
"""Most numbers of a case in double precision: its reference, in balls, costs the square."""


def cluster(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Draw unit vectors close to one another.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    shape : tuple of int
        Shape.

    Returns
    -------
    array
    """
    x = np.ones(shape) + 0.05 * rng.standard_normal(shape)
    return x / np.sqrt((x**2).sum(-1, keepdims=True))


def axes(_rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Return unit vectors along the axes, each with its opposite: some are at rest.

    Parameters
    ----------
    _rng : numpy.random.Generator
        Not needed.
    shape : tuple of int
        Shape.

    Returns
    -------
    array
    """
    place = np.arange(shape[-2]) % (2 * shape[-1])
    return np.broadcast_to(np.eye(shape[-1])[place // 2] * np.where(place % 2, -1.0, 1.0)[:, None], shape).copy()


def _case(name: str, n: int, d: int, rule: str, move: str, seed: int, **values: Any) -> Case:
    lead = {"": (2,), "beta": (2,)} if n <= 64 else {}
    drawn = {"x": "unit", "beta": "2", "h": "1", **values}
    modes = {"rule": rule, "move": move}
    return Case(f"{name} {rule} {move}", {"n": n, "d": d}, lead, modes, drawn, seed, SHORT if n * d > LARGEST else ())


CASES: tuple[Case, ...] = (
    *(
        _case(name, n, d, rule, move, 1 + k)
        for k, ((name, n, d), rule, move) in enumerate(
            product(SHAPES, ("sa", "usa"), ("project", "geodesic")),
        )
    ),
    _case("one token", 1, 3, "sa", "project", 31),
    _case("one token", 1, 3, "usa", "geodesic", 32),
    _case("cluster", 70, 8, "sa", "geodesic", 33, x=cluster),
    _case("axes", 12, 3, "sa", "geodesic", 34, x=axes),
    _case("axes", 13, 3, "usa", "project", 35, x=axes, beta="1"),
    _case("cold", 70, 16, "sa", "project", 36, beta="64"),
    _case("cold", 70, 16, "usa", "geodesic", 37, beta="16", h="0.0009765625"),
    _case("hot", 70, 16, "sa", "geodesic", 38, beta="0.015625", h="2"),
    _case("short step", 20, 5, "usa", "project", 43, beta="4", h="0.125"),
    _case("line", 70, 1, "sa", "project", 39),
    _case("transposed", 40, 7, "usa", "project", 40, x="unit, transposed"),
    _case("temperatures", 40, 5, "sa", "geodesic", 41, beta="positive"),
    _case("not moved", 20, 5, "usa", "geodesic", 42, h="0"),
)
