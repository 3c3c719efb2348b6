"""The array backends: one file each, found by walking this folder; each holds one `Target`."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

from dltsym.errors import UnsupportedError
from dltsym.lower.printers.target import Target


@cache
def names() -> tuple[str, ...]:
    """Return the names of the array backends.

    Returns
    -------
    tuple of str
    """
    return tuple(sorted(m.name for m in pkgutil.iter_modules(__path__)))


@cache
def target(name: str) -> Target:
    """Return an array backend.

    Parameters
    ----------
    name : str
        Its file.

    Returns
    -------
    Target

    Raises
    ------
    UnsupportedError
        If there is no such file.
    """
    if name not in names():
        raise UnsupportedError(f"there is no printer for {name}; there are {', '.join(names())}")
    return import_module(f"{__name__}.{name}").TARGET


def host(backend: str) -> str:
    """Return the array library that a backend takes its arguments from: torch unless its target says otherwise.

    Parameters
    ----------
    backend : str
        Any backend.

    Returns
    -------
    str
    """
    return target(backend).host if backend in names() else "torch"
