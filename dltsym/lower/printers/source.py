"""What goes into the header of a generated function, and what comes out of printing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Header:
    """What the header comment says besides what the program tells: the formula and the hash of the expression."""

    formula: str = ""
    digest: str = ""


@dataclass(frozen=True)
class Source:
    """A generated function.

    Attributes
    ----------
    text : str
        Python source of a module that defines it.
    name : str
        Name of the function.
    argnames : tuple of str
        Python names of its arguments, in the order of the inputs.
    returns : tuple of str
        Names of its results; it returns a tuple when there are several.
    """

    text: str
    name: str
    argnames: tuple[str, ...]
    returns: tuple[str, ...]
