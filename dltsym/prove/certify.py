"""Certify one point: every bound, integrality, range, hypothesis and fact, by exact rationals or balls."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from flint import arb

from dltsym.errors import DltsymError, DomainError
from dltsym.notation.evaluate import compile_expr, exact_value, holds
from dltsym.notation.tree import Expr, Num, Rel, Sym
from dltsym.prove.problem import bounds_of, declared_bounds
from dltsym.prove.setting import Check, Point, Setting, Table

MAX_INSTANCES = 4096


def number(expr: Expr, point: Point) -> tuple[Fraction, bool] | None:
    """Return a rational value of a tree at a point, and whether it is exact; None when it has no finite value.

    Parameters
    ----------
    expr : Expr
        Tree.
    point : dict
        Point, possibly without some symbols.

    Returns
    -------
    tuple or None
    """
    try:
        f = compile_expr(expr)
        exact = f.exact(point)
        if exact is not None:
            return exact_value(exact), True
        return rounded(f.ball(point, 128))
    except DltsymError:
        return None


def rounded(ball: arb) -> tuple[Fraction, bool] | None:
    """Return the middle of a ball as a rational of moderate size, marked as not exact.

    Parameters
    ----------
    ball : arb
        Ball.

    Returns
    -------
    tuple or None
    """
    if not ball.is_finite() or abs(ball) > 1e300:
        return None
    if abs(ball) < 1e-300:  # its denominator could have millions of digits, and nobody can wait for their sums
        return Fraction(0), False
    return exact_value(ball.mid().fmpq()), False


def instances(indices: tuple[Sym, ...], point: Point) -> Iterator[Point]:
    """Yield the point extended by every value of some index symbols.

    Parameters
    ----------
    indices : tuple of Sym
        Index symbols.
    point : dict
        Point with the sizes.

    Yields
    ------
    dict

    Raises
    ------
    DomainError
        When a range is not known exactly, or is too long to walk.
    """
    if not indices:
        yield point
        return
    spans = []
    for s in indices:
        ends = [number(e, point) for e in (s.decl.lo, s.decl.hi) if e is not None]
        if len(ends) != 2 or any(e is None or not e[1] or e[0].denominator != 1 for e in ends):
            raise DomainError(f"the range of {s.name} is not known here")
        spans.append(range(int(ends[0][0]), int(ends[1][0]) + 1))  # type: ignore[index]
    total = 1
    for span in spans:
        total *= len(span)
    if total > MAX_INSTANCES:
        raise DomainError(f"{total} values of {', '.join(s.name for s in indices)} are too many")
    for values in itertools.product(*spans):
        yield {**point, **{s.name: v for s, v in zip(indices, values, strict=True)}}


def check(row: Check, point: Point, precs: tuple[int, ...] = (64, 128, 333)) -> bool | None:
    """Decide a check at a point, for all values of its index symbols.

    Parameters
    ----------
    row : Check
        What must hold.
    point : dict
        Point.
    precs : tuple of int
        Precisions.

    Returns
    -------
    bool or None
    """
    out: bool | None = True
    try:
        for at in instances(row.indices, point):
            truth = holds(row.rel, at, precs)
            if truth is False:
                return False
            out = out if truth else None
    except DltsymError:
        return None
    return out


def admissible(s: Setting, point: Point) -> bool:
    """Certify that a point satisfies every bound, integrality, range, hypothesis and fact.

    Parameters
    ----------
    s : Setting
        Prepared problem.
    point : dict
        Point.

    Returns
    -------
    bool
        False also means "not certified".
    """
    if any(not _in_domain(sym, point) for sym in s.symbols):
        return False
    if any(not defined(value, point) for _, value in s.solved):
        return False
    for row in s.checks:
        truth = check(row, point)
        if truth is False or (truth is None and row.assumed):
            return False
    return True


def _in_domain(sym: Sym, point: Point) -> bool:
    value = point.get(sym.name)
    if value is None:
        return False
    if sym.decl.sort == "array":
        return isinstance(value, Table) and entries_in_bounds(sym, value, point)
    if sym.decl.sort == "index":
        return isinstance(value, int) and all(holds(r, point) for r in declared_bounds(sym))
    return isinstance(value, int) or sym.decl.sort != "integer"


def defined(expr: Expr, point: Point) -> bool:
    """Say whether a tree has a finite value at a point, with certainty, for all values of its index symbols.

    Parameters
    ----------
    expr : Expr
        Tree.
    point : dict
        Point.

    Returns
    -------
    bool
    """
    f = compile_expr(expr)
    try:
        every = instances(tuple(x for x in f.symbols if x.decl.sort == "index"), point)
        return all(any(f.ball(at, prec).is_finite() for prec in (64, 333)) for at in every)
    except DltsymError:
        return False


def entries_in_bounds(sym: Sym, table: Table, point: Point) -> bool:
    """Certify that all entries of an array respect its declared bounds.

    Parameters
    ----------
    sym : Sym
        Array.
    table : Table
        Its entries.
    point : dict
        Point, for symbolic bounds.

    Returns
    -------
    bool
    """
    if sym.decl.entries != "real" and any(x.denominator != 1 for x in table.entries.values()):
        return False
    bounds = bounds_of(sym, sym)
    if not bounds:
        return True
    ends = _ends(sym, point)
    if all(e is None or e[1] for e, _ in ends):
        return all(_inside(x, *ends) for x in table.entries.values())
    for x in table.entries.values():
        rows = (Rel(r.lhs if r.lhs != sym else Num(x), r.op, r.rhs if r.rhs != sym else Num(x)) for r in bounds)
        if not all(holds(r, point) for r in rows):
            return False
    return True


def _ends(sym: Sym, point: Point) -> list[tuple[tuple[Fraction, bool] | None, bool]]:
    d = sym.decl
    unknown = (Fraction(0), False)
    pairs = ((d.lo, d.lo_open), (d.hi, d.hi_open))
    return [(None if e is None else number(e, point) or unknown, open_) for e, open_ in pairs]


def _inside(x: Fraction, lo: Any, hi: Any) -> bool:
    (low, low_open), (high, high_open) = lo, hi
    if low is not None and (x <= low[0] if low_open else x < low[0]):
        return False
    return not (high is not None and (x >= high[0] if high_open else x > high[0]))
