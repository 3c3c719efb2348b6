"""Inputs on which attention kernels are checked: odd sizes, maxima that move, priors that overflow, empty rows."""

from __future__ import annotations

import math
from typing import Any

from dltsym.implementation import Case

Shape = tuple[int, int, int, int, int]
SHAPES: tuple[tuple[str, Shape, dict[str, Any]], ...] = (
    ("1x1", (2, 2, 1, 1, 16), {}),
    ("2x2", (2, 3, 2, 2, 16), {}),
    ("63x63", (2, 3, 63, 63, 16), {}),
    ("100x100", (2, 2, 100, 100, 16), {}),
    ("129x129 growing", (1, 2, 129, 129, 32), {"k": "growing"}),
    ("50x100", (2, 2, 50, 100, 16), {}),
    ("64x100", (2, 2, 64, 100, 16), {}),
    ("100x100 prior +300", (1, 2, 100, 100, 16), {"lp": "normal + 300"}),
    ("100x100 prior -300", (1, 2, 100, 100, 16), {"lp": "normal - 300"}),
    ("63x63 peaked", (1, 2, 63, 63, 16), {"q": "12 normal"}),
    ("64x64 hidden half", (1, 2, 64, 64, 16), {"lp": "normal, first half -inf"}),
)
"""Batch, heads, queries, keys, head size; what is drawn in a special way."""


def _case(name: str, shape: Shape, causal: bool, values: dict[str, Any], seed: int, dv: int = 0, **batch: Any) -> Case:
    b, h, n, m, d = shape
    drawn = {"tau": f"{0.8 * math.sqrt(d):.6f}", "lp": "normal", "slope": "uniform", **values}
    lead = {"": (b, h), "lp": (h,), "slope": (h,), **batch}
    sizes = {"n": n, "m": m, "d": d, "dv": dv or d}
    return Case(f"{name} causal" if causal else name, sizes, lead, {"causal": causal}, drawn, seed)


def _more() -> tuple[Case, ...]:
    """Fewer queries than keys and more, tails of every block, one row, all that is optional left out, temperatures."""
    bare = {"lp": "absent", "slope": "absent"}
    # Many pairs hide the gradients by temperature, slope and prior behind the rounding of half-precision weights.
    each, single = {name: (8, 8) for name in ("tau", "lp", "slope")}, {"tau": "positive"}
    return (
        _case("1x12 each head its own", (8, 8, 1, 12, 2), False, single, 48, dv=1, **each),
        _case("1x12 each head its own", (8, 8, 1, 12, 2), True, single, 49, dv=1, **each),
        _case("100x50", (1, 2, 100, 50, 16), True, {}, 31),
        _case("1x100", (2, 2, 1, 100, 16), True, {}, 32),
        _case("100x1", (2, 2, 100, 1, 16), False, {}, 33),
        _case("128x65 odd head", (2, 2, 128, 65, 40), False, {}, 34, dv=24),
        _case("3x5 head 1", (2, 3, 3, 5, 1), True, {}, 35, dv=3),
        _case("65x130 bare", (1, 2, 65, 130, 16), True, bare, 36),
        _case("63x64 bare", (2, 1, 63, 64, 16), False, bare, 37),
        _case("70x70 prior of each batch", (2, 3, 70, 70, 16), False, {"slope": "absent"}, 38, lp=(2, 3)),
        _case("70x70 slopes", (2, 3, 70, 70, 16), True, {"lp": "absent", "slope": "2 uniform"}, 39),
        _case("70x70 cold", (1, 2, 70, 70, 16), False, {"tau": "0.03125"}, 40),
        _case("70x70 hot", (1, 2, 70, 70, 16), False, {"tau": "1024"}, 41),
        _case("70x70 equal keys", (1, 2, 70, 70, 16), False, {"k": "equal", "lp": "zeros"}, 42),
        _case("66x66 all hidden", (1, 2, 66, 66, 16), False, {"lp": "normal, all -inf"}, 43),
        _case("66x66 scattered", (2, 2, 66, 66, 16), True, {"lp": "normal, some -inf"}, 44),
        _case("66x66 views", (2, 2, 66, 66, 16), False, {"q": "normal, view", "k": "normal, transposed"}, 45),
        _case("66x66 priors in levels", (2, 2, 66, 66, 16), False, {"lp": "levels"}, 47, lp=(2, 2)),
        _case("66x66 temperatures", (2, 2, 66, 66, 16), False, {"tau": "positive"}, 46, tau=(2,)),
    )


CASES: tuple[Case, ...] = (
    *(
        _case(name, shape, causal, values, seed)
        for seed, (name, shape, values) in enumerate(SHAPES, 1)
        for causal in (False, True)
    ),
    *_more(),
)
"""The 22 of the acceptance study, then more."""
