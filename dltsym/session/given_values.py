"""Values of names, as exact numbers: read, put into trees, and held against domains and hypotheses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dltsym.errors import RecordError
from dltsym.notation.evaluate import holds
from dltsym.notation.parse import parse_expr
from dltsym.notation.tree import Expr, Rel, Sym
from dltsym.notation.walk import expand_lets, free_symbols, substitute
from dltsym.prove.problem import declared_bounds
from dltsym.session.state import SESSION, in_force


def numbers(at: Mapping[str, Any]) -> dict[str, Expr]:
    """Read values of names; text may hold any expression without names, such as ``exp(2)``.

    Parameters
    ----------
    at : mapping of str to number or text
        Values.

    Returns
    -------
    dict of str to Expr

    Raises
    ------
    RecordError
        For a name that is not declared.
    """
    for name in at:
        if name not in SESSION.symbols:
            raise RecordError(f"at= names {name}, which is not declared")
    return {n: parse_expr(v, {}) if isinstance(v, str) else SESSION.read(v) for n, v in at.items()}


def at_values(node: Any, n: Sym | None, values: Mapping[str, Any]) -> Any:
    """Put values for the names of a tree, but for `n`.

    Parameters
    ----------
    node : Expr or Rel
        Tree.
    n : Sym or None
        Name that keeps standing for itself.
    values : mapping of str to Expr
        Values by name.

    Returns
    -------
    Expr or Rel
    """
    node = expand_lets(node)
    return substitute(node, {s: values[s.name] for s in free_symbols(node) if s != n and s.name in values})


def inside(rel: Rel, n: Sym | None, values: Mapping[str, Any]) -> None:
    """Raise unless the bounds and hypotheses that the values decide are certified at them.

    Parameters
    ----------
    rel : Rel
        Relation; the bounds of its names are looked at.
    n : Sym or None
        Name without a value.
    values : mapping of str to Expr
        Values by name.

    Raises
    ------
    RecordError
        Naming the bound or hypothesis.
    """
    names = sorted(free_symbols(expand_lets(rel)), key=lambda s: s.name)
    rows = [b for s in names for b in declared_bounds(s)] + [a.rel for a in in_force() if not a.cite]
    for row in rows:
        there = at_values(row, n, values)
        if not free_symbols(there) and holds(there, {}) is not True:
            raise RecordError(f"the values are not certified to meet {row}")
