"""Inputs of the check of Sinkhorn attention.

A sum over all pairs hides the gradient by the temperature behind the rounding of half-precision plans; small problems,
each with a temperature of its own, show it.
"""

from __future__ import annotations

from dltsym.implementation import Case

SIZES = {"n": 19, "m": 33, "d": 16, "dv": 8}
CASES = (
    Case("one query, one key", {"n": 1, "m": 1, "d": 16, "dv": 16}),
    Case("softmax", {"n": 63, "m": 100, "d": 16, "dv": 16}, {"": (2,)}, {"T": 1}),
    Case("small problems", {"n": 3, "m": 2, "d": 2, "dv": 1}, {"": (24,), "eps": (24,)}, {"T": 3}),
    Case("small softmax", {"n": 2, "m": 3, "d": 4, "dv": 2}, {"": (24,), "eps": (24,)}, {"T": 1}, seed=7),
    Case("two blocks", {"n": 70, "m": 100, "d": 16, "dv": 24}, {"": (2,)}),
    Case("no marginals", SIZES, values={"la": "absent", "lb": "absent"}),
    Case("far below", SIZES, values={"q": "normal + 8", "k": "normal - 8"}),
    Case("cold", SIZES, values={"eps": "0.5"}),
    Case("relaxed", SIZES, modes={"marginal": "relaxed"}, values={"eps": "0.5", "rho": "0.7"}),
    Case("free", SIZES, modes={"marginal": "relaxed"}, values={"rho": "0"}),
    Case("hidden keys", SIZES, values={"lb": "half -inf"}),
    Case("hidden queries", SIZES, values={"la": "half -inf"}),
    Case("causal", {"n": 50, "m": 70, "d": 16, "dv": 8}, modes={"marginal": "relaxed", "causal": True}),
)
