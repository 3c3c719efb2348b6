"""Names of a package that are loaded on first use (PEP 562), so that importing the package imports nothing heavy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

__all__ = ["attach"]


def attach(
    package: str, home: Mapping[str, str], also: Sequence[str] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return what a package needs to load its public names on first use.

    Parameters
    ----------
    package : str
        Its ``__name__``.
    home : mapping of str to str
        Full name of the module of each public name. The trailing underscore that keeps ``max_`` apart from a builtin is
        not part of the name there.
    also : sequence of str
        Other names that the package has already, for `dir`.

    Returns
    -------
    tuple
        ``__getattr__``, ``__dir__`` and ``__all__``.

    Examples
    --------
    >>> get, names, public = attach("mine", {"sqrt": "math"})
    >>> get("sqrt")(4.0), names(), public
    (2.0, ['sqrt'], ['sqrt'])
    """
    public = sorted(home)

    def load(name: str) -> Any:
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(home[name]), name.rstrip("_"))

    return load, lambda: [*public, *also], public
