"""Importing this module loads every engine and checker: a worker does it once, and each task forks from it."""

from contextlib import suppress
from importlib import import_module

from dltsym.prove.engines import engines
from dltsym.prove.replay import kinds

ENGINES, CHECKERS = engines(), kinds()
with suppress(ImportError):  # the engines say themselves what they miss
    import_module("z3")
