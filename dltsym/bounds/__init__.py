"""Bounds that people compute with: a record's formula with its inputs, its ledger, its lints and a certified value.

The formulas are those of the catalogue. What is added here is bookkeeping: units, ranges, what was fixed before the
data, who pays for what was not, rounding outward, and the comparison with a baseline. Names are loaded on first use.
"""

from __future__ import annotations

from dltsym.lazy import attach

_NAMES = {
    "amounts": ("Amount", "Grid", "Message", "bits", "flops", "nats"),
    "ledger": ("Entry", "Ledger", "Payment"),
    "objects": ("BoundObject", "bound", "pay", "union"),
    "checks": ("BOUND_LINTS", "IllegalBound", "Lint", "lint_bound"),
    "values": ("Evaluation", "evaluate", "merge"),
    "ranking": ("compare", "crossover", "tighten"),
    "inversion": ("kl_lower", "kl_upper"),
    "extremes": ("Extreme", "largest", "least", "least_grid_catoni"),
    "majority": ("VoteBound", "majority_vote_bound"),
    "moments": ("binomial_log_tail", "binomial_upper", "xi"),
    "gaussian": ("GaussianKL", "gaussian_kl"),
}
__getattr__, __dir__, __all__ = attach(
    __name__, {name: f"{__name__}.{module}" for module, names in _NAMES.items() for name in names}
)
