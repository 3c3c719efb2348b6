"""Systems with behaviour: what the theorems say, set in motion; arrays in, arrays and certificates out.

Right sides, closed forms and bounds are read off the records of the catalogue. What is added here is iteration,
integration in time, bookkeeping, and the certificates that come with a result. Names are loaded on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_NAMES = {
    "flows": ("Flow", "energy", "energy_rate", "flow", "particle_drift", "random_tokens"),
    "clusters": ("Counts", "cluster_counts"),
    "equiangular": (
        "Curve",
        "Halfway",
        "Hitting",
        "PhaseCurve",
        "curve",
        "envelope",
        "halfway_bound",
        "hitting_time",
        "phase_curve",
    ),
    "circle": (
        "AngleFlow",
        "Growth",
        "angle_drift",
        "angle_flow",
        "mode_growth",
        "mode_rates",
        "on_circle",
        "triangle_growth",
        "triangle_rate",
    ),
    "metastable": ("Metastable", "Window", "metastability_run", "metastability_window"),
    "meanfield": ("Refinement", "circle_distance", "field", "refine", "sphere_distance"),
    "transport": ("Plan", "semirelaxed", "sinkhorn"),
    "relaxation": ("CausalLimit", "Family", "Unbalanced", "causal_limit", "family", "unbalanced2"),
    "masks": ("Support", "causal_mask", "hall_deficit", "support"),
    "temperature": ("Temperature", "choose_temperature", "gaps"),
    "sharpness": ("Sharpness", "attention_sharpness", "score_bounds"),
    "tensorfiles": ("TensorFile", "open_tensor"),
}
_HOME = {name: module for module, names in _NAMES.items() for name in names}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return list(__all__)
