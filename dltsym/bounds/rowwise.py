"""What has to be judged for every row of a file: its measured risk, and what its events may fail with together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from fractions import Fraction
from typing import Any

from dltsym.bounds.objects import BoundObject
from dltsym.bounds.ranges import out_of_range, shown
from dltsym.bounds.reading import ledger_of
from dltsym.notation.tree import Num
from dltsym.notation.walk import expand_lets, free_symbols

__all__ = ["LINTS", "judge", "own_ranges"]

LINTS = ("delta-double-spent", "baseline-missing")
"""Objections to one row, that others need not meet."""


def own_ranges(what: BoundObject, names: Collection[str]) -> bool:
    """Tell whether the range of the loss moves with some inputs.

    Parameters
    ----------
    what : BoundObject
        Bound.
    names : collection of str
        Symbols of these inputs.

    Returns
    -------
    bool
    """
    trees = (t for name, t in what.statement.trees.items() if name.startswith("loss "))
    return any(x.name in names for t in trees for x in free_symbols(expand_lets(t)))


def judge(what: BoundObject, names: Collection[str]) -> Callable[[Mapping[str, Any]], str] | None:
    """Return what says why a row cannot have a bound, beyond the domains of its inputs.

    Parameters
    ----------
    what : BoundObject
        Bound of one of the rows.
    names : collection of str
        Symbols that differ from row to row.

    Returns
    -------
    callable or None
        From inputs of a row to words, empty where nothing is wrong; None where nothing can be.
    """
    s = what.statement
    ranged = s.emp_risk in names and not own_ranges(what, names) and not _within(what)
    several = len(s.deltas) > 1 and any(name in names for name in s.deltas)

    def told(row: Mapping[str, Any]) -> str:
        if ranged and (text := out_of_range(row[s.emp_risk], what.loss, "loss from" not in s.trees)):
            return text
        total = ledger_of(s, {**what.inputs, **row}, "").delta if several else 0
        return f"delta-double-spent: the events fail with probability up to {shown(total)}" if total >= 1 else ""

    return told if ranged or several else None


def _within(what: BoundObject) -> bool:
    """Whether the domain of the measured risk is the range of the loss already."""
    s = what.statement
    d = what.record.symbols[s.emp_risk].decl
    ends = tuple(e.value if isinstance(e, Num) else None for e in (d.lo, d.hi))
    return s.rescaled and ends == tuple(map(Fraction, s.loss))
