"""Engines, one file each: a module here with a constant ``ENGINE`` is found, ordered and used.

An engine gets a `Problem` whose goal is known to be defined wherever the hypotheses hold (side conditions are proved
before, in `dltsym.prove.definedness`) and returns a `Verdict`. It may answer ``open`` for any reason; it may answer
``proved`` only with a certificate. An exception or a timeout is ``open``.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module

from dltsym.prove.problem import Problem
from dltsym.prove.verdict import Verdict


@dataclass(frozen=True)
class Engine:
    """One decision procedure: goals with a relation in `ops`, tried in increasing `order` for `budget` seconds."""

    name: str
    grade: str
    order: int
    ops: tuple[str, ...]
    budget: float
    run: Callable[[Problem], Verdict]


@lru_cache(maxsize=1)
def engines() -> tuple[Engine, ...]:
    """Return every engine in this folder, in the order in which they are tried.

    Returns
    -------
    tuple of Engine
    """
    modules = [import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__)]
    return tuple(sorted((m.ENGINE for m in modules if "ENGINE" in vars(m)), key=lambda e: e.order))
