"""Lints: what is wrong with a piece of attention code, or with its parameters, told from how it behaves.

A callable is run on inputs for which the theorems say what must come out: other numbers of queries than of keys,
batches, shifted and scaled scores, hidden keys. Its source text is never read. Names are loaded on first use.
"""

from __future__ import annotations

from dltsym.lazy import attach

_NAMES = {
    "finding": ("Finding", "Findings", "LINTS"),
    "run": ("lint_attention",),
    "tolerances": ("lint_tolerance",),
    "matrix": ("lint_parameters", "Parameters"),
}
__getattr__, __dir__, __all__ = attach(
    __name__, {name: f"{__name__}.{module}" for module, names in _NAMES.items() for name in names}
)
