"""Columns of numbers for a bound: which header feeds which input, exact cells, the reasons why a row is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np

from dltsym.boundform import Bound
from dltsym.bounds.checks import BOUND_LINTS
from dltsym.bounds.reading import ROLES, symbol_of
from dltsym.errors import DomainError, suggest
from dltsym.lower.closed.domain import describe, whole
from dltsym.notation.tree import Num, Rel, Sym
from dltsym.notation.walk import expand_lets, free_symbols
from dltsym.record import Theorem

__all__ = ["Column", "Span", "cell", "columns_of", "exact_hypotheses", "refusals"]

_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?(/[0-9]+)?", re.ASCII)
LONGEST = 400  # characters of a number
UNITS = ("nat", "bit")


@dataclass(frozen=True)
class Column:
    """Input of a bound: its symbol, the place of its cells in a row, and the unit in which they are given."""

    symbol: str
    place: int
    header: str
    unit: str = ""


@dataclass(frozen=True)
class Span:
    """A cell such as ``0.02..0.03``: a number that is only known to lie between two."""

    low: Fraction
    high: Fraction


def columns_of(
    record: Theorem, statement: Bound, header: Sequence[str], mapping: Mapping[str, str], fixed: Sequence[str]
) -> tuple[Column, ...]:
    """Return which columns feed which inputs.

    Parameters
    ----------
    record : Theorem
        Record.
    statement : Bound
        Roles of its symbols.
    header : sequence of str
        Names of the columns; those that are inputs or roles are found by themselves: as they are spelled, and names of
        more than one letter in any case where nothing is spelled so.
    mapping : mapping of str to str
        From inputs or roles to headers, where they differ; ``bits:bit`` says that a column is in bits.
    fixed : sequence of str
        Symbols or roles that are the same in all rows.

    Returns
    -------
    tuple of Column

    Raises
    ------
    DomainError
        For a header that is not there, two columns for one input, and a column whose name speaks of bits where nats
        are due.
    """
    places, found = {name: k for k, name in enumerate(header)}, dict[str, Column]()
    for name, target in mapping.items():
        text, _, unit = target.rpartition(":") if target.endswith(tuple(f":{u}" for u in UNITS)) else (target, "", "")
        if text not in places:
            raise DomainError(f"there is no column {text!r}{suggest(text, header)}; there are {', '.join(header)}")
        symbol = symbol_of(record, statement, name)
        found[symbol] = Column(symbol, places[text], text, unit or ("bit" if name == "bits" else ""))
    declared = [k for k, s in record.symbols.items() if s.decl.sort != "let"]
    known = (*declared, *(r for r in ROLES if _plays(record, statement, r)))
    folded = {k.casefold(): k for k in known if len(k) > 1}
    taken = {c.header for c in found.values()}
    done = {*found, *(symbol_of(record, statement, name) for name in fixed)}
    for spelled in (True, False):
        new = dict[str, Column]()
        for text, k in places.items():
            name = (text if text in known else "") if spelled else folded.get(text.casefold(), "")
            symbol = symbol_of(record, statement, name) if name and text not in taken else ""
            if symbol in new:
                raise DomainError(
                    f"the columns {new[symbol].header!r} and {text!r} could both be {symbol}; say {symbol}={text}"
                )
            if symbol and symbol not in done:
                new[symbol] = Column(symbol, k, text, "bit" if name == "bits" else "")
        found |= new
        done |= set(new)
    for c in found.values():
        if c.symbol == statement.complexity and not c.unit and "bit" in c.header.casefold():
            unit = record.symbols[c.symbol].decl.unit
            if unit == "nat":
                raise DomainError(
                    f"bits-in-nats-slot: the column {c.header!r} seems to be in bits, and {c.symbol} is in nats; write "
                    f"{c.symbol}={c.header}:bit or {c.symbol}={c.header}:nat ({BOUND_LINTS['bits-in-nats-slot']})"
                )
    return tuple(found.values())


def _plays(record: Theorem, statement: Bound, role: str) -> bool:
    try:
        symbol_of(record, statement, role)
    except DomainError:
        return False
    return True


def cell(text: str) -> Fraction | Span | str:
    """Read an exact number or a range of numbers, or say why there is none.

    Parameters
    ----------
    text : str
        Cell.

    Returns
    -------
    Fraction, Span or str
        The reason, in words, for anything that is not a number.

    Examples
    --------
    >>> cell("0.05"), cell("nan")
    (Fraction(1, 20), "'nan' is not a finite number")
    >>> cell("0.02..0.03")
    Span(low=Fraction(1, 50), high=Fraction(3, 100))
    """
    text = text.strip()
    first, dots, second = text.partition("..")
    if dots:
        low, high = _number(first), _number(second)
        if isinstance(low, str) or isinstance(high, str):
            return f"in the range {text[:40]!r}: {low if isinstance(low, str) else high}"
        return Span(low, high) if low <= high else f"the range {text[:40]!r} runs downward"
    return _number(text)


def _number(text: str) -> Fraction | str:
    text = text.strip()
    if not text:
        return "the cell is empty"
    if len(text) > LONGEST:
        return f"{len(text)} characters are too long for a number"
    if not _NUMBER.fullmatch(text):
        return f"{text[:40]!r} is not a finite number"
    top, _, bottom = text.partition("/")
    if bottom and not int(bottom):
        return f"{text[:40]!r} divides by zero"
    return Fraction(top) / int(bottom or 1)


def refusals(symbols: Sequence[Sym], values: Mapping[str, Any], texts: Mapping[str, Sequence[str]]) -> dict[int, str]:
    """Return why rows are refused: by place in the chunk, the first symbol outside its declared domain.

    Parameters
    ----------
    symbols : sequence of Sym
        Inputs.
    values : mapping of str to ndarray, shape (rows,)
        Numbers by symbol; nan where there is none.
    texts : mapping of str to sequence of str
        Cells, for the message.

    Returns
    -------
    dict of int to str
    """
    out: dict[int, str] = {}
    for sym in symbols:
        x = values[sym.name]
        bad = ~np.isfinite(x)
        for end, strict, sign in ((sym.decl.lo, sym.decl.lo_open, 1), (sym.decl.hi, sym.decl.hi_open, -1)):
            limit = _limit(end, values)
            if limit is not None:
                bad |= ~((sign * x > sign * limit) if strict else (sign * x >= sign * limit))
        if whole(sym):
            bad |= x != np.floor(x)
        for k in map(int, np.flatnonzero(bad)):
            if not np.isfinite(x[k]):
                size = "large" if np.isinf(x[k]) else "small"
                out.setdefault(
                    k, f"{sym.name}: {texts[sym.name][k][:40]} is too {size} for floating point; use --certified"
                )
                continue
            shown = texts[sym.name][k][:40] if sym.name in texts else f"{x[k]:.12g}"
            out.setdefault(k, f"{describe(sym)}, got {shown}")
    return out


def _limit(end: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(end, Num):
        return float(end.value)
    return values.get(end.name) if isinstance(end, Sym) else None


@cache
def exact_hypotheses(rels: tuple[Rel, ...], names: frozenset[str]) -> tuple[Rel, ...]:
    """Return the hypotheses that inputs alone decide.

    Parameters
    ----------
    rels : tuple of Rel
        Hypotheses.
    names : frozenset of str
        Inputs.

    Returns
    -------
    tuple of Rel
    """
    return tuple(r for r in rels if {s.name for s in free_symbols(expand_lets(r)) if not s.decl.uid} <= names)
