"""Expressions that occur several times get a name, so that a long statement can be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from dltsym.notation.latex import to_latex
from dltsym.notation.tree import Call, Decl, Expr, Index, Num, Pow, Sym, bound_symbol
from dltsym.notation.walk import children, free_symbols, key, substitute, subterms, transform

__all__ = ["Named", "named_parts"]

LEAST = 48
"""Length of LaTeX from which a repeated part is worth a name."""
SHORT = 5
"""Parts that a function of one name may have to be written where it occurs."""
INDICES = ("index", "bound")
_ARRAYS = tuple(Sym(Decl(f"part {c}", "array", latex=rf"\mathcal{{{c}}}")) for c in "ABCDEFGHJKLMNPQRSTUVWXYZ")
_SLOTS = tuple(bound_symbol(f"slot{n}") for n in range(8))


@dataclass(frozen=True)
class Named:
    """A name and what it stands for."""

    name: Expr
    meaning: Expr


def named_parts(outputs: Mapping[str, Expr]) -> tuple[dict[str, Expr], tuple[Named, ...]]:
    """Give names to the long parts that occur more than once, equal up to the names of their indices.

    Parameters
    ----------
    outputs : mapping of str to Expr
        Expressions by name.

    Returns
    -------
    tuple
        The expressions with names in them, and the names, each defined by those after it.
    """
    trees, named = dict(outputs), list[Named]()
    while len(named) < len(_ARRAYS) and (found := _longest(trees, named)) is not None:
        (pattern, places), array = found, _ARRAYS[len(named)]
        name = Index(array, places) if places else Sym(replace(array.decl, sort="real"))
        meaning = next(e for e in _parts(trees, named) if _pattern(e) == found)

        def put(node: Expr, pattern: str = pattern, name: Expr = name) -> Expr:
            mine = _pattern(node)
            if mine is None or mine[0] != pattern:
                return node
            return Index(name.array, mine[1]) if isinstance(name, Index) else name

        trees = {o: transform(e, put) for o, e in trees.items()}
        named = [*(Named(n.name, transform(n.meaning, put)) for n in named), Named(name, meaning)]
    return _lettered(*_without_short(trees, named))


def _parts(trees: Mapping[str, Expr], named: list[Named]) -> Iterator[Expr]:
    for tree in (*trees.values(), *(n.meaning for n in named)):
        for node in subterms(tree):
            if isinstance(node, Expr):
                yield node
                if isinstance(node, Call) and node.name == "xlogx":  # it prints its argument twice
                    yield from (e for arg in node.args for e in subterms(arg) if isinstance(e, Expr))


def _longest(trees: Mapping[str, Expr], named: list[Named]) -> tuple[str, tuple[Sym, ...]] | None:
    """Find the longest part that occurs twice."""
    seen: dict[str, tuple[str, tuple[Sym, ...]]] = {}
    again: set[str] = set()
    for node in _parts(trees, named):
        mine = _pattern(node)
        if mine is not None:
            again |= {mine[0]} & set(seen)
            seen.setdefault(mine[0], mine)
    return seen[max(again, key=len)] if again else None


def _without_short(trees: dict[str, Expr], named: list[Named]) -> tuple[dict[str, Expr], list[Named]]:
    """Write short functions of one name, such as its cosine, where they occur."""
    for one in [n for n in named if isinstance(n.meaning, Call | Pow) and _weight(n.meaning) <= SHORT]:

        def put(node: Expr, one: Named = one) -> Expr:
            if isinstance(one.name, Index) and isinstance(node, Index) and node.array == one.name.array:
                return substitute(one.meaning, dict(zip(one.name.idx, node.idx, strict=True)))  # type: ignore[arg-type]
            return one.meaning if node == one.name else node

        named = [n for n in named if n is not one and n.name != one.name]
        trees = {o: transform(e, put) for o, e in trees.items()}
        named = [Named(n.name, transform(n.meaning, put)) for n in named]
    return trees, named


def _weight(node: Expr) -> int:
    if isinstance(node, Index | Sym | Num):
        return 1
    return 1 + sum(_weight(e) for e in children(node))


def _lettered(trees: dict[str, Expr], named: list[Named]) -> tuple[dict[str, Expr], tuple[Named, ...]]:
    """Give the letters in their order to the names that are left."""
    own = [n.name.array if isinstance(n.name, Index) else n.name for n in named]
    new = {a: Sym(replace(b.decl, sort=a.decl.sort)) for a, b in zip(own, _ARRAYS, strict=False) if isinstance(a, Sym)}
    found = tuple(Named(substitute(n.name, new), substitute(n.meaning, new)) for n in named)
    return {o: substitute(e, new) for o, e in trees.items()}, found


@lru_cache(maxsize=4096)
def _pattern(node: Expr) -> tuple[str, tuple[Sym, ...]] | None:
    """Return what a part is up to the names of its indices, and these; None where it deserves no name."""
    if isinstance(node, Sym | Num | Index):
        return None
    free = free_symbols(node)
    if any(s.decl.uid and s.decl.sort != "bound" for s in free) or len(to_latex(node)) < LEAST:
        return None
    order = dict.fromkeys(s for s in subterms(node) if isinstance(s, Sym) and s in free and s.decl.sort in INDICES)
    if len(order) > len(_SLOTS):
        return None
    return key(substitute(node, dict(zip(order, _SLOTS, strict=False)))), tuple(order)
