"""Products, log-sum-exp and cases to SymPy, and products and piecewise expressions back."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import sympy as sp

from dltsym.errors import UnknownNode
from dltsym.notation.folds import Binding, Cases, Fold
from dltsym.notation.tree import Expr, Num, Rel

RELATIONS = {"=": sp.Eq, "<=": sp.Le, "<": sp.Lt, ">=": sp.Ge, ">": sp.Gt, "!=": sp.Ne}
BACK = {sp.Eq: "=", sp.Le: "<=", sp.Lt: "<", sp.Ge: ">=", sp.Gt: ">", sp.Ne: "!="}


def write_fold(e: Binding, writer: Any) -> Any:
    """Return the SymPy form of a fold or of cases.

    Parameters
    ----------
    e : Binding
        Node.
    writer : object
        What writes its parts.

    Returns
    -------
    sympy.Expr

    Raises
    ------
    UnknownNode
        For a node that SymPy does not have.
    """
    match e:
        case Fold("prod" | "lse" as op, body, limits):
            out = []
            for v, lo, hi in reversed(limits):
                ends = writer.expr(lo), writer.expr(hi)
                out.insert(0, (writer.bind(v), *ends))
            inside = writer.expr(body)
            return sp.Product(inside, *out) if op == "prod" else sp.log(sp.Sum(sp.exp(inside), *out))
        case Cases(branches, otherwise):
            pairs = [(writer.expr(value), sp.And(*(_condition(c, writer) for c in cs))) for cs, value in branches]
            return sp.Piecewise(*pairs, (writer.expr(otherwise), True))
    raise UnknownNode(f"{type(e).__name__} {e} has no counterpart in SymPy")


def _condition(rel: Rel, writer: Any) -> Any:
    return RELATIONS[rel.op](writer.expr(rel.lhs), writer.expr(rel.rhs))


def read_fold(e: Any, reader: Any) -> Expr | None:
    """Return the tree of a product or of a piecewise expression; None for anything else.

    Parameters
    ----------
    e : sympy.Expr
        Expression.
    reader : object
        What reads its parts.

    Returns
    -------
    Expr or None

    Raises
    ------
    UnknownNode
        For a piecewise expression that does not say what it is otherwise.
    """
    if isinstance(e, sp.Product):
        limits = []
        for v, lo, hi in reversed([t.args for t in e.limits]):
            ends = reader.expr(lo), reader.expr(hi)
            limits.insert(0, (reader.bind(v, "bound"), *ends))
        return Fold("prod", reader.expr(e.function), tuple(limits))
    if not isinstance(e, sp.Piecewise):
        return None
    branches: list[tuple[tuple[Rel, ...], Expr]] = []
    for value, condition in map(tuple, e.args):  # type: ignore[arg-type]
        if condition == sp.true:
            last = reader.expr(value)
            return Cases(tuple(branches), last) if branches else last
        branches += [(cs, reader.expr(value)) for cs in _alternatives(condition, reader)]
    raise UnknownNode(f"{e} does not say what it is otherwise; end it with (value, True)")


def _alternatives(condition: Any, reader: Any) -> list[tuple[Rel, ...]]:
    """Return sets of relations, one of which must hold as a whole."""
    if isinstance(condition, sp.Or):
        return [cs for c in condition.args for cs in _alternatives(c, reader)]
    if isinstance(condition, sp.And):
        out: list[tuple[Rel, ...]] = [()]
        for c in condition.args:
            out = [(*left, *right) for left in out for right in _alternatives(c, reader)]
        return out
    op = next((op for kind, op in BACK.items() if isinstance(condition, kind)), None)
    if op is None and isinstance(condition, sp.Indexed):  # an entry of a mask
        return [(Rel(reader.expr(condition), "!=", Num(Fraction(0))),)]
    if op is None:
        raise UnknownNode(f"{condition} is not a relation")
    return [(Rel(reader.expr(condition.lhs), op, reader.expr(condition.rhs)),)]
