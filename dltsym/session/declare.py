"""Declaring names in the session: numbers, sizes, indices and arrays."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from dltsym.errors import NotationError, UndeclaredSymbol, suggest
from dltsym.notation.tree import Sym
from dltsym.session.state import SESSION


def _declare(names: str, declare: Callable[[str], Sym]) -> Any:
    made = tuple(declare(name) for name in re.split(r"[\s,]+", names.strip()) if name)
    if not made:
        raise NotationError('give the names as text, for example reals("x y")')
    return made[0] if len(made) == 1 else made


def reals(names: str) -> Any:
    """Declare real numbers in the session.

    Parameters
    ----------
    names : str
        Names, separated by spaces.

    Returns
    -------
    Sym or tuple of Sym

    Examples
    --------
    >>> reals("x y")
    (x, y)
    """
    return _declare(names, SESSION.real)


def positives(names: str) -> Any:
    """Declare positive real numbers in the session.

    Parameters
    ----------
    names : str
        Names, separated by spaces.

    Returns
    -------
    Sym or tuple of Sym
    """
    return _declare(names, SESSION.pos)


def nonnegatives(names: str) -> Any:
    """Declare non-negative real numbers in the session.

    Parameters
    ----------
    names : str
        Names, separated by spaces.

    Returns
    -------
    Sym or tuple of Sym
    """
    return _declare(names, SESSION.nonneg)


def probs(names: str, *, open: bool = False) -> Any:
    """Declare probabilities, numbers in [0, 1], in the session.

    Parameters
    ----------
    names : str
        Names, separated by spaces.
    open : bool
        Exclude both ends.

    Returns
    -------
    Sym or tuple of Sym
    """
    return _declare(names, lambda name: SESSION.prob(name, open=open))


def integers(names: str) -> Any:
    """Declare integers in the session.

    Parameters
    ----------
    names : str
        Names, separated by spaces.

    Returns
    -------
    Sym or tuple of Sym
    """
    return _declare(names, SESSION.integer)


def counts(names: str) -> Any:
    """Declare positive integers (sizes) in the session.

    Parameters
    ----------
    names : str
        Names, separated by spaces.

    Returns
    -------
    Sym or tuple of Sym
    """
    return _declare(names, SESSION.count)


def indices(names: str, hi: Any) -> Any:
    """Declare indices in ``1..hi`` in the session; a free index in a statement means "for every".

    Parameters
    ----------
    names : str
        Names, separated by spaces.
    hi : Expr, str or int
        Last value.

    Returns
    -------
    Sym or tuple of Sym
    """
    return _declare(names, lambda name: SESSION.index(name, SESSION.expression(hi)))


def arrays(names: str, *shape: Any, positive: bool = False) -> Any:
    """Declare real arrays, indexed from 1, in the session.

    Parameters
    ----------
    names : str
        Names, separated by spaces.
    *shape : Expr, str or int
        One size per index.
    positive : bool
        Whether every entry is positive.

    Returns
    -------
    Sym or tuple of Sym

    Raises
    ------
    NotationError
        When no size is given.

    Examples
    --------
    >>> counts("n"), arrays("X", "n")
    (n, X)
    """
    sizes = tuple(SESSION.expression(s) for s in shape)
    if not sizes:
        raise NotationError('give the sizes of the array, for example arrays("X", "n")')
    lo = {"lo": 0, "lo_open": True} if positive else {}
    return _declare(names, lambda name: SESSION.array(name, sizes, **lo))


def forget(names: str = "") -> None:
    """Forget declared names.

    Parameters
    ----------
    names : str
        Names, separated by spaces; all of them when empty.

    Raises
    ------
    UndeclaredSymbol
        When a name is not declared.
    """
    chosen = names.split() or list(SESSION.symbols)
    for name in chosen:
        if name not in SESSION.symbols:
            raise UndeclaredSymbol(f"{name} is not declared{suggest(name, SESSION.symbols)}")
    while chosen:  # first those on which nothing rests
        name = next((n for n in chosen if not SESSION.users(n)), chosen[0])
        SESSION.drop(name)
        chosen.remove(name)
