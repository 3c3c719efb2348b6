"""Abbreviations that a text may use, and how large they make it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dltsym.notation.tree import Expr, Sym
from dltsym.notation.walk import children


@dataclass(frozen=True)
class Macro:
    """A named abbreviation with parameters; a use of it is the body with the arguments in their place."""

    params: tuple[Sym, ...]
    body: Expr


@dataclass(frozen=True)
class Language:
    """What a text may use besides the grammar: `macros`, and whether ``0.5`` may stand for 1/2."""

    macros: Mapping[str, Macro]
    decimals: bool = True


PLAIN = Language({})


def weight(tree: Expr, at: Mapping[Sym, int]) -> int:
    """Count the nodes of a tree, with a given weight for some symbols.

    Parameters
    ----------
    tree : Expr
        Tree of few nodes: what is shared is counted each time.
    at : mapping of Sym to int
        Weights; any other leaf counts as 1.

    Returns
    -------
    int
    """
    total, todo = 0, [tree]
    while todo:
        node = todo.pop()
        total += at.get(node, 1) if isinstance(node, Sym) else 1
        todo += children(node)
    return total
