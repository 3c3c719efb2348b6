"""Evaluate a tree rigorously: balls at any precision, and exact rationals where the value is one.

Sums have set semantics. An undefined value is a ball that is not finite; nothing is ever concluded from one.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any

from flint import arb, ctx, fmpq

from dltsym.errors import DomainError, UnknownNode
from dltsym.notation.balls import NAN, NotRational, rational
from dltsym.notation.calculus import evaluate_derivatives
from dltsym.notation.closures import MAX_TERMS, Slots, ball_path, exact_path
from dltsym.notation.numbers import Balls
from dltsym.notation.tree import Expr, Num, Rel, Sym
from dltsym.notation.walk import expand_lets, free_symbols

__all__ = [
    "Balls",
    "Evaluator",
    "compare",
    "compile_expr",
    "decide",
    "evaluate",
    "evaluate_exact",
    "exact_value",
    "holds",
]

PRECISIONS = (64, 128, 333)
_ONE = Num(Fraction(1))
Env = Mapping[str, Any]


class _Array:
    """An array at a point: entries on demand, converted to balls once per evaluation."""

    __slots__ = ("balls", "first", "source")

    def __init__(self, source: Any, first: tuple[int, ...] = ()) -> None:
        self.source = source
        self.first = first  # number of the first place of each index, 1 if not said
        self.balls: dict[tuple[int, ...], Any] = {}

    def exact(self, idx: tuple[int, ...]) -> Any:
        """Return the entry as it was given; None outside a nested tuple."""
        if callable(self.source):
            return self.source(idx)
        value = self.source
        for i, first in zip(idx, self.first or (1,) * len(idx), strict=True):
            if not 0 <= i - first < len(value):
                return None
            value = value[i - first]
        return value

    def ball(self, idx: tuple[int, ...]) -> arb:
        """Return the entry as a ball."""
        if idx not in self.balls:
            value = self.exact(idx)
            self.balls[idx] = NAN if value is None else value if isinstance(value, arb) else arb(rational(value))
        return self.balls[idx]


def _first(sym: Sym, env: Env) -> tuple[int, ...]:
    """Return the numbers of the first places of an array; a value of another form than a sequence knows its own."""
    if all(lo == _ONE for lo, _ in sym.decl.shape):
        return ()
    out = []
    for lo, _ in sym.decl.shape:
        at = lo.value if isinstance(lo, Num) else evaluate_exact(lo, env)
        if at is None or at.denominator != 1:
            raise DomainError(f"the first place of {sym.name} is {lo}: not an integer")
        out.append(int(at))
    return tuple(out)


class Evaluator:
    """A compiled tree; call `ball` or `exact` with an environment of symbol values.

    Attributes
    ----------
    symbols : tuple of Sym
        Free symbols, sorted by name.
    """

    def __init__(self, expr: Expr) -> None:
        expr = evaluate_derivatives(expand_lets(expr))
        self.symbols = tuple(sorted(free_symbols(expr), key=lambda s: s.name))
        if any(s.is_matrix for s in self.symbols):
            raise UnknownNode(f"{expr} is about matrices, which have no ball")
        self._slots = Slots(self.symbols)
        self._exact = exact_path(expr, self._slots)
        self._ball = ball_path(expr, self._slots)

    def _frame(self, env: Env, balls: bool) -> tuple[list, list]:
        size = self._slots.size
        B, E = [None] * size, [None] * size
        B[0], E[0] = ctx.prec, [MAX_TERMS, balls]
        for slot, sym in enumerate(self.symbols, 1):
            try:
                value = env[sym.name]
            except KeyError:
                raise DomainError(f"no value is given for the symbol {sym.name}") from None
            if sym.decl.sort == "array":
                B[slot] = E[slot] = value if isinstance(value, _Array) else _Array(value, _first(sym, env))
            elif isinstance(value, arb):
                B[slot] = value
            else:
                E[slot] = q = rational(value)
                if balls:
                    B[slot] = arb(q)
        return B, E

    def ball(self, env: Env, prec: int = 128) -> arb:
        """Return a rigorous enclosure at `env`; not finite where the value is, or may be, undefined.

        Parameters
        ----------
        env : mapping
            Symbol name to int, Fraction or `flint.arb`; an array to nested sequences, read from its first place, or to
            a callable of the index tuple.
        prec : int
            Working precision in bits.

        Returns
        -------
        arb

        A missing value, a limit of a sum that is not an integer, or a gigantic sum raises `DomainError`.
        """
        old = ctx.prec
        ctx.prec = prec
        try:
            out = self._ball(*self._frame(env, True))
            return out if isinstance(out, arb) else arb(out)
        finally:
            ctx.prec = old

    def exact(self, env: Env) -> fmpq | None:
        """Return the value as a rational when the exact path finds one, else None; parameters as in `ball`.

        Parameters
        ----------
        env : mapping
            Symbol values.

        Returns
        -------
        fmpq or None
        """
        try:
            return self._exact(*self._frame(env, False))
        except NotRational:
            return None


# The public doors


@lru_cache(maxsize=8192)
def compile_expr(expr: Expr) -> Evaluator:
    """Compile a tree once; use the result in loops.

    Parameters
    ----------
    expr : Expr
        Tree; let-names are expanded and derivatives carried out.

    Returns
    -------
    Evaluator
        A node without a value at a point, such as `Limit` or an infinite range, raises `UnknownNode`.
    """
    return Evaluator(expr)


def evaluate(expr: Expr, env: Env, prec: int = 128) -> arb:
    """Return a rigorous enclosure of a tree at a point; see `Evaluator.ball`.

    Parameters
    ----------
    expr : Expr
        Tree.
    env : mapping
        Symbol name to value.
    prec : int
        Bits.

    Returns
    -------
    arb
    """
    return compile_expr(expr).ball(env, prec)


def exact_value(q: fmpq) -> Fraction:
    """Turn a flint rational into a Fraction.

    Parameters
    ----------
    q : fmpq
        Number.

    Returns
    -------
    Fraction
    """
    return Fraction(int(q.p), int(q.q))


def evaluate_exact(expr: Expr, env: Env) -> Fraction | None:
    """Return the value of a tree at a point when it is a rational that the exact path finds, else None.

    Parameters
    ----------
    expr : Expr
        Tree.
    env : mapping
        Symbol name to value.

    Returns
    -------
    Fraction or None
    """
    q = compile_expr(expr).exact(env)
    return None if q is None else exact_value(q)


def decide(rel: Rel, env: Env, precs: tuple[int, ...] = PRECISIONS) -> tuple[bool | None, int]:
    """Decide a relation at a point; see `holds`. Also say how.

    Parameters
    ----------
    rel : Rel
        Relation.
    env : mapping
        Symbol name to value.
    precs : tuple of int
        Precisions to try.

    Returns
    -------
    tuple
        Truth or None, and the precision that decided it (0 for exact rationals).
    """
    rel = rel.flipped()
    left, right = compile_expr(rel.lhs), compile_expr(rel.rhs)
    try:
        a = left.exact(env)
        b = right.exact(env) if a is not None else None
        if a is not None and b is not None:
            return compare(a, rel.op, b), 0
        for prec in precs:
            truth = compare(left.ball(env, prec), rel.op, right.ball(env, prec))
            if truth is not None:
                return truth, prec
    except DomainError:  # undefined at this point
        return None, 0
    return None, precs[-1]


def compare(x: arb | fmpq, op: str, y: arb | fmpq) -> bool | None:
    """Compare two exact rationals, or two balls with certainty.

    Parameters
    ----------
    x, y : arb or fmpq
        Both balls, or both exact.
    op : {"=", "!=", "<", "<="}
        Relation.

    Returns
    -------
    bool or None
        None when balls overlap or one is not finite.
    """
    if isinstance(x, fmpq):
        return {"=": x == y, "!=": x != y, "<": x < y, "<=": x <= y}[op]
    assert isinstance(y, arb)
    if not (x.is_finite() and y.is_finite()):
        return None
    if op in ("=", "!="):  # equality is never concluded from balls
        return None if x.overlaps(y) else op == "!="
    if op == "<":
        return True if x < y else False if x >= y else None
    return True if x <= y else False if x > y else None


def holds(rel: Rel, env: Env, precs: tuple[int, ...] = PRECISIONS) -> bool | None:
    """Decide a relation at a point with certainty; None when it stays undecided or a side is undefined.

    Parameters
    ----------
    rel : Rel
        Relation.
    env : mapping
        Symbol name to value.
    precs : tuple of int
        Precisions to try in turn, after exact rationals.

    Returns
    -------
    bool or None
    """
    return decide(rel, env, precs)[0]
