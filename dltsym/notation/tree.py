"""The display tree: what the author wrote, in the author's order, with exact numbers only.

Every other layer reads this tree: LaTeX is printed from it, engines work on it, SymPy is built from it on demand
(`dltsym.notation.sympy_bridge`). It never rewrites itself: ``sqrt(B/2)`` stays ``sqrt(B/2)``.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from dltsym.errors import NotationError
from dltsym.notation.declared import Decl
from dltsym.notation.remembered import hashed, stored

_uids = itertools.count(1)
RELATIONS = ("=", "<=", "<", ">=", ">", "!=")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+|/0*[1-9][0-9]*)?")
_FLIP = {">": "<", ">=": "<="}


class Expr:
    """Base class of all expression nodes; Python operators build larger trees."""

    is_matrix = False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.__hash__ = hashed  # a dataclass leaves it in place
        cls.__getstate__ = stored

    def __add__(self, other: Any) -> Expr:
        if isinstance(other, Expr) and other.is_matrix:  # the matrix knows what to do
            return NotImplemented
        left = self.args if isinstance(self, Add) else (self,)
        return Add((*left, as_expr(other)))

    def __radd__(self, other: Any) -> Expr:
        return as_expr(other) + self

    def __sub__(self, other: Any) -> Expr:
        if isinstance(other, Expr) and other.is_matrix:  # the matrix knows what to do
            return NotImplemented
        return self + Neg(as_expr(other))

    def __rsub__(self, other: Any) -> Expr:
        return as_expr(other) + Neg(self)

    def __mul__(self, other: Any) -> Expr:
        if isinstance(other, Expr) and other.is_matrix:  # the matrix knows what to do
            return NotImplemented
        left = self.args if isinstance(self, Mul) else (self,)
        return Mul((*left, as_expr(other)))

    def __rmul__(self, other: Any) -> Expr:
        return as_expr(other) * self

    def __truediv__(self, other: Any) -> Expr:
        if isinstance(other, Expr) and other.is_matrix:  # the matrix knows what to do
            return NotImplemented
        return Div(self, as_expr(other))

    def __rtruediv__(self, other: Any) -> Expr:
        return Div(as_expr(other), self)

    def __pow__(self, other: Any) -> Expr:
        if isinstance(other, Expr) and other.is_matrix:  # the matrix knows what to do
            return NotImplemented
        return Pow(self, as_expr(other))

    def __rpow__(self, other: Any) -> Expr:
        return Pow(as_expr(other), self)

    def __neg__(self) -> Expr:
        return Neg(self)

    def __le__(self, other: Any) -> Rel:
        return Rel(self, "<=", as_expr(other))

    def __lt__(self, other: Any) -> Rel:
        return Rel(self, "<", as_expr(other))

    def __ge__(self, other: Any) -> Rel:
        return Rel(self, ">=", as_expr(other))

    def __gt__(self, other: Any) -> Rel:
        return Rel(self, ">", as_expr(other))

    def __bool__(self) -> bool:
        raise NotationError("an expression has no truth value; compare with <=, <, Eq(a, b) to build a relation")

    def __float__(self) -> float:
        raise TypeError(f"{self} is an expression, not a number; log, exp, sqrt and others come from dltsym, not math")

    def __str__(self) -> str:
        from dltsym.notation.text import to_text

        return to_text(self)

    __repr__ = __str__

    def _repr_latex_(self) -> str:
        from dltsym.notation.latex import to_latex

        return f"$\\displaystyle {to_latex(self)}$"

    def sympy(self) -> Any:
        """Return the canonical SymPy expression.

        Returns
        -------
        sympy.Expr
        """
        from dltsym.notation.sympy_bridge import to_sympy

        return to_sympy(self)


@dataclass(frozen=True, repr=False)
class Num(Expr):
    """An exact rational number; `text` keeps the author's spelling (``0.05``)."""

    value: Fraction
    text: str | None = field(default=None, compare=False)


@dataclass(frozen=True, repr=False)
class Const(Expr):
    """A named constant: ``pi`` or ``oo`` (only as a limit)."""

    name: str


@dataclass(frozen=True, repr=False)
class Sym(Expr):
    """A declared symbol."""

    decl: Decl

    @property
    def name(self) -> str:
        """Name of the symbol."""
        return self.decl.name

    def __getitem__(self, index: Any) -> Expr:
        idx = tuple(as_expr(i) for i in (index if isinstance(index, tuple) else (index,)))
        if self.decl.sort != "array":
            raise NotationError(f"{self.name} is a scalar ({self.decl.sort}) and cannot be indexed")
        if len(idx) != len(self.decl.shape):
            raise NotationError(f"{self.name} has {len(self.decl.shape)} indices, got {len(idx)}")
        return Index(self, idx)

    def __iter__(self) -> Any:
        raise NotationError(f"{self.name} is symbolic and cannot be iterated; index it or sum over an index")


@dataclass(frozen=True, repr=False)
class Neg(Expr):
    """``-arg``."""

    arg: Expr


@dataclass(frozen=True, repr=False)
class Add(Expr):
    """Sum of two or more terms in the author's order."""

    args: tuple[Expr, ...]


@dataclass(frozen=True, repr=False)
class Mul(Expr):
    """Product of two or more factors in the author's order."""

    args: tuple[Expr, ...]


@dataclass(frozen=True, repr=False)
class Div(Expr):
    """``num/den``."""

    num: Expr
    den: Expr


@dataclass(frozen=True, repr=False)
class Pow(Expr):
    """``base**exponent``."""

    base: Expr
    exponent: Expr


@dataclass(frozen=True, repr=False)
class Call(Expr):
    """A named function of the table `dltsym.functions.table` applied to arguments."""

    name: str
    args: tuple[Expr, ...]


@dataclass(frozen=True, repr=False)
class Index(Expr):
    """An array entry ``X[i]``."""

    array: Sym
    idx: tuple[Expr, ...]


@dataclass(frozen=True, repr=False)
class Sum(Expr):
    """Finite sum; `limits` holds ``(bound variable, lo, hi)``, innermost first. Set semantics: empty if hi < lo."""

    body: Expr
    limits: tuple[tuple[Sym, Expr, Expr], ...]


@dataclass(frozen=True, repr=False)
class Diff(Expr):
    """Unevaluated derivative of order `order` with respect to a symbol or an array entry."""

    body: Expr
    var: Expr
    order: int = 1


@dataclass(frozen=True, repr=False)
class Integral(Expr):
    """Definite integral of `body` over the bound variable `var` from `lo` to `hi` (``oo`` allowed)."""

    body: Expr
    var: Sym
    lo: Expr
    hi: Expr


@dataclass(frozen=True, repr=False)
class Limit(Expr):
    """Limit of `body` as the bound variable `var` tends to `point` from side ``+``, ``-`` or ``+-``."""

    body: Expr
    var: Sym
    point: Expr
    side: str = "+-"


@dataclass(frozen=True, repr=False)
class Rel:
    """A relation ``lhs op rhs`` kept as written; it has no truth value."""

    lhs: Expr
    op: str
    rhs: Expr

    def __hash__(self) -> int:
        return hashed(self)

    def __getstate__(self) -> dict[str, Any]:
        return stored(self)

    def __post_init__(self) -> None:
        if self.op not in RELATIONS:
            raise NotationError(f"unknown relation {self.op!r}; use one of {' '.join(RELATIONS)}")

    def flipped(self) -> Rel:
        """Return the same relation with ``>`` and ``>=`` turned into ``<`` and ``<=``.

        Returns
        -------
        Rel
        """
        return Rel(self.rhs, _FLIP[self.op], self.lhs) if self.op in _FLIP else self

    def __bool__(self) -> bool:
        raise NotationError(
            f"the relation {self} has no truth value; write a chain such as 0 < q < p as the text '0 < q < p'"
        )

    def __str__(self) -> str:
        from dltsym.notation.text import to_text

        return to_text(self)

    __repr__ = __str__

    def _repr_latex_(self) -> str:
        from dltsym.notation.latex import to_latex

        return f"$\\displaystyle {to_latex(self)}$"


def as_expr(value: Any) -> Expr:
    """Turn an integer, fraction, expression or SymPy expression into a tree; refuse floats.

    Parameters
    ----------
    value : int, Fraction, str, Expr or sympy.Expr
        What to convert; text is a decimal or a quotient of integers, such as ``"0.05"`` or ``"1/4"``.

    Returns
    -------
    Expr

    Raises
    ------
    NotationError
        For a float (not exact), a truth value, text that is no number, or anything else.

    Examples
    --------
    >>> as_expr("0.05"), as_expr("1/4")
    (0.05, 1/4)
    """
    if isinstance(value, Expr):
        return value
    if isinstance(value, bool):
        raise NotationError(f"a truth value ({value}) is not an expression; did a comparison collapse?")
    if isinstance(value, int):
        return Num(Fraction(value))
    if isinstance(value, Fraction):
        return Num(value)
    if isinstance(value, float):
        raise NotationError(f"{value!r} is a float and not exact; write Fraction or the text '{value!r}'")
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value):
            raise NotationError(f"the text {value!r} is no number; write the whole statement as text, or none of it")
        return Num(Fraction(value), value if "." in value else None)
    if any(c.__module__.split(".")[0] == "sympy" for c in type(value).__mro__):
        from dltsym.notation.sympy_bridge import from_sympy

        return from_sympy(value, loose=True)
    raise NotationError(f"cannot use {value!r} ({type(value).__name__}) in an expression")


def bound_symbol(name: str, sort: str = "bound", shape: tuple[tuple[Expr, Expr], ...] = ()) -> Sym:
    """Return a fresh bound variable; it differs from every other symbol whatever its name.

    Parameters
    ----------
    name : str
        Printed name.
    sort : str
        ``bound`` for an integer summation index, ``boundreal`` for a real variable, ``array`` for a bound array.
    shape : tuple of pairs
        Ranges of the indices of an array.

    Returns
    -------
    Sym
    """
    return Sym(Decl(name, sort, shape=shape, uid=next(_uids)))


def Eq(lhs: Any, rhs: Any) -> Rel:
    """Build the equation ``lhs = rhs`` (``==`` on trees compares structure).

    Parameters
    ----------
    lhs, rhs : Expr or number
        Both sides.

    Returns
    -------
    Rel
    """
    return Rel(as_expr(lhs), "=", as_expr(rhs))


def Ne(lhs: Any, rhs: Any) -> Rel:
    """Build the relation ``lhs != rhs``; it is never read as a bound.

    Parameters
    ----------
    lhs, rhs : Expr or number
        Both sides.

    Returns
    -------
    Rel
    """
    return Rel(as_expr(lhs), "!=", as_expr(rhs))
