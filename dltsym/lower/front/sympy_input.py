"""SymPy expressions in index notation as trees: 0-based, with the shapes of their `IndexedBase` as declarations.

Free and bound occurrences are told apart here, because SymPy's ``free_symbols`` of a sum contains bound entries, and
nothing is substituted, because ``subs`` and ``xreplace`` capture.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import sympy as sp

from dltsym.errors import NotationError, UnsupportedError
from dltsym.notation.sympy_bridge import DeclaredSymbol, from_sympy
from dltsym.notation.tree import Decl, Expr, Neg, Num, Sym

ZERO = Num(Fraction(0))


@dataclass
class _Found:
    """What some expressions mention outside of their binders."""

    arrays: dict[str, Any] = field(default_factory=dict)
    symbols: dict[str, Any] = field(default_factory=dict)
    sizes: dict[str, None] = field(default_factory=dict)
    ranges: dict[str, Any] = field(default_factory=dict)
    inside: dict[str, None] = field(default_factory=dict)
    indices: dict[Any, Any] = field(default_factory=dict)

    def plain(self, e: Any) -> Any:
        """Put a dummy for every `Idx`; its range is remembered, and a dummy captures nothing."""
        if not isinstance(e, sp.Basic):
            raise UnsupportedError(f"{type(e).__name__} is no expression in index notation; compile its entries")
        for i in sorted(e.atoms(sp.Idx), key=sp.default_sort_key):
            self.indices.setdefault(i, sp.Dummy(i.name, integer=True))
        return e.xreplace(self.indices)

    def declare(self) -> None:
        """Take the ranges of the `Idx` that occur free."""
        for i, dummy in self.indices.items():
            if self.symbols.get(dummy.name) is dummy and i.lower is not None and i.upper is not None:
                for end in (i.lower, i.upper):
                    self.size(end, frozenset())
                self.ranges[dummy.name] = i.lower, i.upper

    def walk(self, e: Any, bound: frozenset[Any]) -> None:
        if isinstance(e, sp.Symbol):
            if e not in bound and not isinstance(e, DeclaredSymbol):
                self.once(self.symbols, e.name, e)
        elif isinstance(e, sp.Indexed):
            self.entry(e, bound)
        elif isinstance(e, sp.Sum | sp.Product | sp.Integral):
            limits: Any = e.limits
            for index, *ends in map(tuple, reversed(limits)):
                for end in ends:
                    self.size(end, bound)
                bound = bound | {index}
            self.walk(e.function, bound)
        else:
            for a in e.args:
                self.walk(a, bound)

    def once(self, table: dict[str, Any], name: str, what: Any) -> None:
        other = self.arrays if table is self.symbols else self.symbols
        if table.setdefault(name, what) != what or name in other:
            raise NotationError(f"two different SymPy symbols are called {name}; they print alike and are not equal")

    def size(self, e: Any, bound: frozenset[Any]) -> None:
        self.walk(e, bound)
        self.sizes |= {s.name: None for s in sorted(e.free_symbols - bound, key=str) if isinstance(s, sp.Symbol)}

    def entry(self, e: Any, bound: frozenset[Any]) -> None:
        label, shape = e.base.label, e.base.shape
        if isinstance(label, DeclaredSymbol):
            for index in e.indices:
                self.walk(index, bound)
            return
        if shape is None:
            raise UnsupportedError(f"IndexedBase {label} has no shape; write IndexedBase({str(label)!r}, shape=(n, m))")
        if len(shape) != len(e.indices):
            raise NotationError(f"{label} has {len(shape)} dimensions, but {e} has {len(e.indices)} indices")
        self.once(self.arrays, label.name, e.base)
        for size, index in zip(shape, e.indices, strict=True):
            self.size(size, frozenset())
            self.walk(index, bound)
            free = index.free_symbols - bound
            if isinstance(index, sp.Symbol) and index in free:
                _, last = self.ranges.setdefault(index.name, (sp.Integer(0), size - 1))
                if last != size - 1 and not any(d is index for d in self.indices.values()):
                    raise UnsupportedError(f"the index {index} runs over {last + 1} and over {size} places")
            else:
                self.inside |= {s.name: None for s in sorted(free, key=str) if isinstance(s, sp.Symbol)}


def trees(many: Mapping[str, Any]) -> dict[str, Expr]:
    """Return SymPy expressions as trees over declarations read off them; everything is counted from 0.

    Parameters
    ----------
    many : mapping of str to sympy.Expr
        Expressions; one symbol means the same in all of them.

    Returns
    -------
    dict of str to Expr

    Raises
    ------
    UnsupportedError
        When the range of an index or the shape of an array is unknown.
    """
    found = _Found()
    many = {name: found.plain(e) for name, e in many.items()}
    for e in many.values():
        found.walk(e, frozenset())
    found.declare()
    names: dict[str, Sym] = {}
    for name, s in found.symbols.items():
        if name in found.sizes and name not in found.ranges:
            names[name] = _number(s, "integer", 0)
    for name, s in found.symbols.items():
        if name in names:
            continue
        if name in found.ranges:
            first, last = (from_sympy(end, names) for end in found.ranges[name])
            names[name] = Sym(Decl(name, "index", lo=first, hi=last))
        elif name in found.inside:
            raise UnsupportedError(f"the range of the index {name} is unknown: it never stands alone in an array")
        else:
            names[name] = _number(s, "integer" if s.is_integer else "real", None)
    for name, base in found.arrays.items():
        names[name] = _array(name, base, names)
    return {name: from_sympy(e, names) for name, e in many.items()}


def _number(s: Any, sort: str, least: int | None) -> Sym:
    lo, lo_open, hi, hi_open = _bounds(s)
    if sort == "integer" and lo is not None:
        lo, lo_open = (Num(Fraction(1)) if lo_open else lo), False
    if lo is None and least is not None:
        lo = Num(Fraction(least))
    if sort == "integer" and hi is not None:
        hi, hi_open = (Neg(Num(Fraction(1))) if hi_open else hi), False
    return Sym(Decl(s.name, sort, lo=lo, lo_open=lo_open, hi=hi, hi_open=hi_open))


def _bounds(s: Any) -> tuple[Expr | None, bool, Expr | None, bool]:
    lo = ZERO if s.is_nonnegative else None
    hi = ZERO if s.is_nonpositive else None
    return lo, bool(s.is_positive), hi, bool(s.is_negative)


def _array(name: str, base: Any, names: Mapping[str, Sym]) -> Sym:
    label = base.label
    shape = tuple((ZERO, from_sympy(size - 1, names)) for size in base.shape)
    entries = "integer" if label.is_integer else "real"
    lo, lo_open, hi, hi_open = _bounds(label)
    if entries == "integer":
        lo_open = hi_open = False
    return Sym(Decl(name, "array", lo=lo, lo_open=lo_open, hi=hi, hi_open=hi_open, shape=shape, entries=entries))
