"""Arithmetic of one-sided series with exact coefficients in a small variable ``t > 0``.

A `Series` stands for ``sum c_k t**(val + k) + O(t**(val + n))``; `val` is a lower bound of the order, a coefficient may
be zero without being known to be. Terms smaller than every power of t (``exp(-1/t)``) are dropped. A logarithm of t is
the symbol `LOG`: powers of it are smaller than any negative power of t, and nothing is divided by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from dltsym.errors import UnknownNode
from dltsym.notation.calculus import add, derivative, mul
from dltsym.notation.evaluate import evaluate
from dltsym.notation.tree import Decl, Div, Expr, Neg, Num, Rel, Sym
from dltsym.notation.walk import free_symbols, key
from dltsym.prove.problem import Problem
from dltsym.prove.shapes import rational
from dltsym.prove.signs import entails
from dltsym.prove.tower import Unknown, form_tree, rational_form
from dltsym.prove.verdict import Row

ZERO, ONE = Num(Fraction(0)), Num(Fraction(1))
INFINITE = 10**6  # order of what is zero, or smaller than every power
LOG = Sym(Decl("log t", "real"))
MAX_TEXT = 600


class NoSeries(Exception):
    """No series can be given, with the reason."""


class Grows(NoSeries):
    """An exponential grows beyond every power; `arg` is its argument."""

    def __init__(self, arg: Expr) -> None:
        self.arg = arg
        super().__init__(f"exp({arg}) grows beyond every power")


@dataclass(frozen=True)
class Series:
    """``sum coeffs[k]*t**(val + k)``, up to a multiple of ``t**(val + len(coeffs))``."""

    val: int
    coeffs: tuple[Expr, ...]

    @property
    def end(self) -> int:
        """Order of what is left out."""
        return self.val + len(self.coeffs)


NOTHING = Series(INFINITE, ())


@dataclass
class Work:
    """One expansion: hypotheses, number of terms, the rows used, and answers so far."""

    problem: Problem
    size: int
    var: Sym
    start: Series
    rows: dict[str, Row] = field(default_factory=dict)
    known: dict[str, Expr] = field(default_factory=dict)

    def normal(self, c: Expr) -> Expr:
        """Simplify a coefficient; zero is recognised where the tower does.

        Parameters
        ----------
        c : Expr
            Coefficient.

        Returns
        -------
        Expr

        Raises
        ------
        NoSeries
            When the coefficient becomes too long.
        """
        value = rational(c)
        if value is not None:
            return Num(value)
        name = key(c)
        if name not in self.known:
            try:
                form = rational_form(c, self.problem)
            except (Unknown, UnknownNode):
                self.known[name] = c
            else:
                new = ZERO if form.num.is_zero() else form_tree(form)
                self.rows |= {r.text: r for r in form.rows}
                self.known[name] = new if len(str(new)) <= len(str(c)) or new == ZERO else c
        out = self.known[name]
        if len(str(out)) > MAX_TEXT:
            raise NoSeries("a coefficient grows too long")
        return out

    def sign(self, c: Expr, op: str) -> bool:
        """Prove ``0 < c``, ``c < 0`` or ``c != 0`` (given as op ``<``, ``>`` or ``!=``).

        Parameters
        ----------
        c : Expr
            Coefficient.
        op : str
            Relation of zero to c.

        Returns
        -------
        bool
        """
        value = rational(c)
        if value is not None:
            return {"<": value > 0, ">": value < 0, "!=": value != 0}[op]
        if LOG in free_symbols(c):  # the logarithm tends to minus infinity
            slope = self.normal(derivative(c, LOG))
            return LOG not in free_symbols(slope) and self.sign(slope, {"<": ">", ">": "<"}.get(op, op))
        if not free_symbols(c):
            ball = evaluate(c, {}, 256)
            return bool({"<": ball > 0, ">": ball < 0, "!=": not ball.contains(0)}[op]) and ball.is_finite()
        row = entails(Rel(ZERO, op, c).flipped(), self.problem)
        if row is not None:
            self.rows[row.text] = row
        return row is not None


def constant(w: Work, e: Expr) -> Series:
    """Return the series of an expression free of the variable.

    Parameters
    ----------
    w : Work
        Context.
    e : Expr
        Constant.

    Returns
    -------
    Series
    """
    c = w.normal(e)
    return NOTHING if c == ZERO else cut(w, Series(0, (c, *(ZERO,) * (w.size - 1))))


def cut(w: Work, s: Series) -> Series:
    """Normalise coefficients, drop leading zeros, keep at most `size` of the others.

    Parameters
    ----------
    w : Work
        Context.
    s : Series
        Series.

    Returns
    -------
    Series
    """
    coeffs = [w.normal(c) for c in s.coeffs]
    lead = next((k for k, c in enumerate(coeffs) if c != ZERO), len(coeffs))
    return Series(s.val + lead, tuple(coeffs[lead : lead + w.size]))


def scaled(w: Work, s: Series, c: Expr) -> Series:
    """Return a series times a coefficient.

    Parameters
    ----------
    w : Work
        Context.
    s : Series
        Series.
    c : Expr
        Factor, free of the variable.

    Returns
    -------
    Series
    """
    return cut(w, Series(s.val, tuple(mul(c, a) for a in s.coeffs)))


def total(w: Work, parts: list[Series]) -> Series:
    """Return the sum of some series.

    Parameters
    ----------
    w : Work
        Context.
    parts : list of Series
        Terms.

    Returns
    -------
    Series
    """
    parts = [p for p in parts if p.val < INFINITE]
    if not parts:
        return NOTHING
    low, end = min(p.val for p in parts), min(p.end for p in parts)

    def at(k: int) -> Expr:
        return add(*(p.coeffs[k - p.val] for p in parts if p.val <= k < p.end))

    return cut(w, Series(min(low, end), tuple(at(k) for k in range(low, end))))


def times(w: Work, a: Series, b: Series) -> Series:
    """Return the product of two series.

    Parameters
    ----------
    w : Work
        Context.
    a, b : Series
        Factors.

    Returns
    -------
    Series
    """
    if INFINITE in (a.val, b.val):
        return NOTHING
    n = min(len(a.coeffs), len(b.coeffs))
    coeffs = [add(*(mul(a.coeffs[i], b.coeffs[k - i]) for i in range(k + 1))) for k in range(n)]
    return cut(w, Series(a.val + b.val, tuple(coeffs)))


def inverse(w: Work, s: Series) -> Series:
    """Return the reciprocal of a series whose first coefficient is proved not to be zero.

    Parameters
    ----------
    w : Work
        Context.
    s : Series
        Series.

    Returns
    -------
    Series

    Raises
    ------
    NoSeries
        When the first coefficient is not known to differ from zero.
    """
    if not s.coeffs or not w.sign(s.coeffs[0], "!="):
        raise NoSeries("a first coefficient is not known to differ from zero")
    first = s.coeffs[0]
    out: list[Expr] = [w.normal(Div(ONE, first))]
    for k in range(1, len(s.coeffs)):
        tail = add(*(mul(s.coeffs[i], out[k - i]) for i in range(1, k + 1)))
        out.append(w.normal(Neg(Div(tail, first))))
    return cut(w, Series(-s.val, tuple(out)))


def compose(w: Work, factors: Sequence[Expr], inner: Series) -> Series:
    """Return ``sum factors[k]*inner**k`` for an inner series of positive order.

    Parameters
    ----------
    w : Work
        Context.
    factors : list of Expr
        Taylor coefficients, at least `size` of them.
    inner : Series
        Series without constant term.

    Returns
    -------
    Series
    """
    out, power = [constant(w, factors[0])], None
    if inner.val >= INFINITE:
        return out[0]
    for k in range(1, w.size):
        power = inner if power is None else times(w, power, inner)
        if power.val > w.size:
            return total(w, [*out, Series(power.val, ())])  # this power and the higher ones are left out
        out.append(scaled(w, power, factors[k]))
    return total(w, [*out, Series(inner.val * w.size, ())])
