"""Systems with behaviour: what the theorems say, set in motion; arrays in, arrays and certificates out.

Right sides, closed forms and bounds are read off the records of the catalogue. What is added here is iteration,
integration in time, bookkeeping, and the certificates that come with a result. Names are loaded on first use.
"""

from __future__ import annotations

from dltsym.lazy import attach

_NAMES = {
    "flows": ("Flow", "flow", "particle_drift", "random_tokens"),
    "energies": ("energy", "energy_rate"),
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
__getattr__, __dir__, __all__ = attach(
    __name__, {name: f"{__name__}.{module}" for module, names in _NAMES.items() for name in names}
)
