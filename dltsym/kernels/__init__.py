"""Hand-written Triton kernels for theorems that deserve one, each with a plain torch twin; found by a walk."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterator
from importlib import import_module
from types import ModuleType
from typing import Any

from dltsym.errors import UnknownKey, suggest
from dltsym.implementation import implementation_of


def families() -> Iterator[ModuleType]:
    """Walk the families of kernels, one package each; none imports torch or triton.

    Yields
    ------
    module
    """
    for found in pkgutil.iter_modules(__path__):
        if not found.ispkg:
            continue  # device and launch need triton
        module = import_module(f"{__name__}.{found.name}")
        if any(implementation_of(x) for x in vars(module).values()):
            yield module


def everything() -> dict[str, Callable[..., Any]]:
    """Return every kernel of this package by its name, ``family.function``.

    Returns
    -------
    dict of str to callable
    """
    return {
        f"{module.__name__.rsplit('.', 1)[-1]}.{name}": function
        for module in families()
        for name, function in vars(module).items()
        if implementation_of(function) is not None and function.__module__.startswith(module.__name__)
    }


def find(key: str) -> list[Callable[..., Any]]:
    """Return the kernels of a theorem.

    Parameters
    ----------
    key : str
        Key of a theorem.

    Returns
    -------
    list of callable

    Raises
    ------
    UnknownKey
        When no kernel implements it.
    """
    kernels = everything().values()
    known = sorted({_key(f) for f in kernels})
    if key not in known:
        raise UnknownKey(f"no kernel implements {key}{suggest(key, known)}; there are {', '.join(known)}")
    return [f for f in kernels if _key(f) == key]


def _key(function: Callable[..., Any]) -> str:
    told = implementation_of(function)
    return told.key if told else ""
