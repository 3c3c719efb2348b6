"""Lints: what is wrong with a piece of attention code, or with its parameters, told from how it behaves.

A callable is run on inputs for which the theorems say what must come out: other numbers of queries than of keys,
batches, shifted and scaled scores, hidden keys. Its source text is never read. Names are loaded on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_NAMES = {
    "finding": ("Finding", "Findings", "LINTS"),
    "run": ("lint_attention",),
    "tolerances": ("lint_tolerance",),
    "matrix": ("lint_parameters", "Parameters"),
}
_HOME = {name: module for module, names in _NAMES.items() for name in names}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return list(__all__)
