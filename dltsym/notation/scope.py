"""`Scope`: the declared symbols of one record, and the text reader bound to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from dltsym.errors import NotationError, UndeclaredSymbol, suggest
from dltsym.functions.table import NUMERIC, lookup
from dltsym.notation.folds_api import span, sum_over
from dltsym.notation.matrices import MatrixSym
from dltsym.notation.parse import parse_expr, parse_relations
from dltsym.notation.tree import Decl, Expr, Num, Rel, Sum, Sym, as_expr
from dltsym.notation.walk import T, free_symbols, substitute

PLURALS = ("nats", "bits", "rads", "FLOPs")  # a unit is compared as text, so it has one spelling
ZERO, ONE = Num(Fraction(0)), Num(Fraction(1))


@dataclass
class Scope:
    """Owner of the symbols of one record; every symbol has a meaning, a unit and a domain.

    `base` is the number of the first place of arrays, indices and sums, 1 or 0: a size ``n`` stands for ``1..n`` or for
    ``0..n - 1``.

    Examples
    --------
    >>> v = Scope()
    >>> n = v.count("n", "training examples")
    >>> B = v.nonneg("B", "bound on the relative entropy", unit="nat")
    >>> v.parse("sqrt(B/2)")
    sqrt(B/2)
    """

    symbols: dict[str, Sym] = field(default_factory=dict)
    base: int = 1

    def _add(self, decl: Decl) -> Sym:
        name = decl.name
        if not name.isidentifier() or name.startswith("__"):
            raise NotationError(f"{name!r} is not a usable symbol name")
        if name in self.symbols:
            raise NotationError(f"{name} is declared twice")
        if (lookup(name) is not None and name not in NUMERIC) or name in ("pi", "oo", "value"):
            raise NotationError(f"{name} is the name of a function or constant")
        if decl.unit in PLURALS:
            raise NotationError(f"the unit of {name} is written {decl.unit[:-1]!r}, not {decl.unit!r}")
        sym = self.symbols[name] = Sym(decl)
        return sym

    def _written(self, what: Any) -> Any:
        """Read a bound, a size, or a pair of ends; each may be text."""
        if isinstance(what, tuple):
            return tuple(map(self._written, what))
        return self.parse(what) if isinstance(what, str) else as_expr(what)

    def real(
        self,
        name: str,
        meaning: str = "",
        *,
        unit: str = "1",
        latex: str | None = None,
        lo: Any = None,
        hi: Any = None,
        lo_open: bool = False,
        hi_open: bool = False,
    ) -> Sym:
        """Declare a real number, with optional bounds (closed unless said otherwise).

        Parameters
        ----------
        name, meaning : str
            Name and what it means.
        unit : str
            Unit, ``"1"`` for none.
        latex : str, optional
            LaTeX, by default derived from the name.
        lo, hi : int, Fraction, text or Expr, optional
            Bounds.
        lo_open, hi_open : bool
            Whether a bound is excluded.

        Returns
        -------
        Sym
        """
        lo, hi = (None if b is None else self._written(b) for b in (lo, hi))
        return self._add(Decl(name, "real", meaning, unit, lo, lo_open, hi, hi_open, latex=latex))

    def pos(self, name: str, meaning: str = "", *, unit: str = "1", latex: str | None = None) -> Sym:
        """Declare a positive real number.

        Parameters
        ----------
        name, meaning, unit, latex : str
            As in `real`.

        Returns
        -------
        Sym
        """
        return self.real(name, meaning, unit=unit, latex=latex, lo=0, lo_open=True)

    def nonneg(self, name: str, meaning: str = "", *, unit: str = "1", latex: str | None = None) -> Sym:
        """Declare a non-negative real number.

        Parameters
        ----------
        name, meaning, unit, latex : str
            As in `real`.

        Returns
        -------
        Sym
        """
        return self.real(name, meaning, unit=unit, latex=latex, lo=0)

    def prob(self, name: str, meaning: str = "", *, open: bool = False, latex: str | None = None) -> Sym:
        """Declare a probability in [0, 1], or in (0, 1) with ``open=True``.

        Parameters
        ----------
        name, meaning, latex : str
            As in `real`.
        open : bool
            Exclude both ends.

        Returns
        -------
        Sym
        """
        return self.real(name, meaning, latex=latex, lo=0, hi=1, lo_open=open, hi_open=open)

    def integer(
        self, name: str, meaning: str = "", *, lo: Any = None, hi: Any = None, unit: str = "1", latex: str | None = None
    ) -> Sym:
        """Declare an integer with optional closed bounds.

        Parameters
        ----------
        name, meaning, unit, latex : str
            As in `real`.
        lo, hi : int or Expr, optional
            Bounds.

        Returns
        -------
        Sym
        """
        lo, hi = (None if b is None else self._written(b) for b in (lo, hi))
        return self._add(Decl(name, "integer", meaning, unit, lo, False, hi, False, latex=latex))

    def count(self, name: str, meaning: str = "", *, lo: Any = 1, latex: str | None = None) -> Sym:
        """Declare a positive integer (a size).

        Parameters
        ----------
        name, meaning, latex : str
            As in `real`.
        lo : int or Expr
            Smallest value.

        Returns
        -------
        Sym
        """
        return self.integer(name, meaning, lo=lo, latex=latex)

    def index(self, name: str, hi: Any, meaning: str = "", *, lo: Any = None) -> Sym:
        """Declare an index in ``lo..hi``. Free in a claim or a hypothesis it means "for every".

        Parameters
        ----------
        name, meaning : str
            Name and what it counts.
        hi : int or Expr
            Last value; the size of the range if `lo` is not given.
        lo : int or Expr, optional
            First value, by default the base of the scope.

        Returns
        -------
        Sym
        """
        last = self._written(hi)
        ends = span(last, self.base) if lo is None else span((self._written(lo), last))
        return self._add(Decl(name, "index", meaning, "1", ends[0], False, ends[1], False))

    def array(
        self,
        name: str,
        shape: Any,
        meaning: str = "",
        *,
        unit: str = "1",
        latex: str | None = None,
        lo: Any = None,
        hi: Any = None,
        lo_open: bool = False,
        hi_open: bool = False,
        entries: str = "real",
    ) -> Sym:
        """Declare an array indexed from the base of the scope; bounds hold for every entry.

        Parameters
        ----------
        name, meaning, unit, latex : str
            As in `real`.
        shape : int, Expr or tuple
            One size per index.
        lo, hi : int, Fraction or Expr, optional
            Bounds of every entry.
        lo_open, hi_open : bool
            Whether a bound is excluded.
        entries : {"real", "integer", "bool"}
            What the entries are: places of another array (in its numbering, its range being `lo` to `hi`), or 0 and 1.

        Returns
        -------
        Sym

        Raises
        ------
        NotationError
            For entries of another kind.
        """
        if entries not in ("real", "integer", "bool"):
            raise NotationError(f"the entries of {name} cannot be {entries!r}: they are real, integer or bool")
        sizes = shape if isinstance(shape, tuple) else (shape,)
        ranges = tuple(span(self._written(s), self.base) for s in sizes)
        lo, hi = (0, 1) if entries == "bool" else (lo, hi)
        ends = [None if b is None else self._written(b) for b in (lo, hi)]
        decl = Decl(name, "array", meaning, unit, ends[0], lo_open, ends[1], hi_open, ranges, latex, entries=entries)
        return self._add(decl)

    def matrix(self, name: str, rows: Any, columns: Any, meaning: str = "", *, latex: str | None = None) -> MatrixSym:
        """Declare a real matrix as one symbol whose products do not commute (entries are not indexed).

        Parameters
        ----------
        name, meaning, latex : str
            As in `real`.
        rows, columns : int or Expr
            Shape.

        Returns
        -------
        MatrixSym

        Examples
        --------
        >>> v = Scope()
        >>> n = v.count("n")
        >>> A, B = v.matrix("A", n, n), v.matrix("B", n, n)
        >>> v.parse("transpose(A)@B - 2*inv(A)")
        transpose(A)@B - 2*inv(A)
        """
        shape = tuple((ONE, as_expr(s)) for s in (rows, columns))
        self._add(Decl(name, "matrix", meaning, latex=latex, shape=shape))
        sym = self.symbols[name] = MatrixSym(self.symbols[name].decl)
        return sym

    def let(self, name: str, definition: Any, meaning: str = "", *, unit: str = "1", latex: str | None = None) -> Sym:
        """Name an expression; the name is printed, the definition is what engines see.

        Parameters
        ----------
        name, meaning, unit, latex : str
            As in `real`.
        definition : Expr or number
            What the name stands for.

        Returns
        -------
        Sym
        """
        tree = self.read(definition)
        self.check_declared(tree, f"the definition of {name}")
        return self._add(Decl(name, "let", meaning, unit, latex=latex, definition=tree))

    def sum(self, body: Callable[..., Any], *ranges: Any) -> Sum:
        """Sum over fresh indices named after the parameters of `body`.

        Parameters
        ----------
        body : callable
            ``lambda i: ...``; one parameter per range.
        *ranges : Expr, int or tuple
            ``n`` for 1..n (0..n-1 if the scope counts from 0), or ``(lo, hi)``.

        Returns
        -------
        Sum

        Examples
        --------
        >>> v = Scope()
        >>> n = v.count("n")
        >>> p = v.array("p", n)
        >>> v.sum(lambda i: p[i] ** 2, n)
        Sum(p[i]**2, (i, 1, n))
        """
        return sum_over(*ranges, body, base=self.base)

    def read(self, what: Any) -> Expr:
        """Turn text or anything `as_expr` takes into a tree over this scope.

        Parameters
        ----------
        what : str, Expr or number
            What to read.

        Returns
        -------
        Expr
        """
        return self.parse(what) if isinstance(what, str) else self.adopt(as_expr(what))

    def adopt(self, node: T) -> T:
        """Replace symbols that came in with SymPy expressions by the declared ones of the same name.

        Parameters
        ----------
        node : Expr or Rel
            Tree.

        Returns
        -------
        Expr or Rel
        """
        foreign = [s for s in free_symbols(node) if s.decl.sort == "foreign" and s.name in self.symbols]
        return substitute(node, {s: self.symbols[s.name] for s in foreign}) if foreign else node

    def parse(self, text: str) -> Expr:
        """Read an expression from text; names must be declared here.

        Parameters
        ----------
        text : str
            Source in the grammar of `dltsym.notation.parse`.

        Returns
        -------
        Expr
        """
        return parse_expr(text, dict(self.symbols))

    def relations(self, what: Any) -> tuple[Rel, ...]:
        """Read a relation, or a chain of relations from text.

        Parameters
        ----------
        what : str or Rel
            ``"0 < q < p"`` or a relation.

        Returns
        -------
        tuple of Rel

        Raises
        ------
        NotationError
            For anything else.
        """
        if isinstance(what, str):
            return parse_relations(what, dict(self.symbols))
        if any(c.__module__.split(".")[0] == "sympy" for c in type(what).__mro__):
            from dltsym.notation.sympy_bridge import from_sympy

            what = from_sympy(what, self.symbols)
        if not isinstance(what, Rel):
            raise NotationError(f"{what!r} is not a relation; a comparison of plain Python numbers collapses to a bool")
        return (self.adopt(what),)

    def check_declared(self, node: Expr | Rel, where: str) -> None:
        """Raise if `node` uses a symbol that this scope does not own.

        Parameters
        ----------
        node : Expr or Rel
            Tree to check.
        where : str
            Named in the message.

        Raises
        ------
        UndeclaredSymbol
            When a free symbol is unknown or belongs to another scope.
        """
        for sym in sorted(free_symbols(node), key=lambda s: s.name):
            if self.symbols.get(sym.name) != sym:
                other = " here (it belongs to another scope)" if sym.name in self.symbols else ""
                hint = suggest(sym.name, self.symbols)
                raise UndeclaredSymbol(f"{where}: symbol {sym.name} is not declared{other}{hint}")
