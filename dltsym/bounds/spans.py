"""Rows of which a cell is a range: they are evaluated at the worse end, by the direction that the bound declares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dltsym.boundform import Bound
from dltsym.bounds.columns import Column, Span

__all__ = ["both_ends", "spanned"]


def both_ends(
    statement: Bound, columns: Sequence[Column], exact: Mapping[str, list[Any]], why: dict[int, str]
) -> tuple[Mapping[str, list[Any]], dict[int, dict[str, dict[int, Any]]]]:
    """Return the inputs with the worse end of every range, and for rows with ranges those with the better ends.

    Parameters
    ----------
    statement : Bound
        Which way it goes in its symbols.
    columns : sequence of Column
        Inputs.
    exact : mapping of str to list
        Numbers and ranges by symbol.
    why : dict of int to str
        Rows that are refused; one is added where no direction is declared.

    Returns
    -------
    tuple
        Columns; and by row the inputs, by symbol and row.
    """
    spans = {k for cells in exact.values() for k, x in enumerate(cells) if isinstance(x, Span)}
    if not spans:
        return exact, {}
    signs = statement.signs()
    worst = {name: list(cells) for name, cells in exact.items()}
    best = {k: {name: {k: cells[k]} for name, cells in exact.items()} for k in spans}
    for c in columns:
        high = (signs.get(c.symbol, 0) > 0) == (statement.side == "upper")
        for k in spans:
            x = exact[c.symbol][k]
            if isinstance(x, Span):
                ends = (x.high, x.low) if high else (x.low, x.high)
                worst[c.symbol][k], best[k][c.symbol][k] = ends
                if c.symbol not in signs:
                    why.setdefault(k, f"{c.header}: a range says nothing, as no direction in {c.symbol} is declared")
    return worst, best


def spanned(worse: Sequence[str], better: Sequence[str]) -> tuple[str, ...]:
    """Return the results of a row with a range.

    Parameters
    ----------
    worse, better : sequence of str
        Estimate, certificate, other end, value before clipping and verdict at both ends.

    Returns
    -------
    tuple of str
        The certificate of the worse end and the other end of the better one; a verdict that both imply, or none.
    """
    estimate, certificate, _, unclipped, verdict = worse
    if verdict == "vacuous" and better[4] != "vacuous":
        verdict = "undecided"
    return estimate, certificate, better[2], unclipped, verdict
