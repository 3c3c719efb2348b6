"""A sum that stands inside no other, read term by term; each term is remembered, for many goals share it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

from dltsym.notation.tree import Add, Expr, Neg, Sum
from dltsym.prove.problem import Problem
from dltsym.prove.sums_frame import Frame, Known, Rule
from dltsym.prove.sums_linear import Linear
from dltsym.prove.sums_poly import Poly, TooBig, add, scale
from dltsym.prove.verdict import Row

Reader = Callable[[Sum, Frame], Poly]


def outermost(expr: Sum, frame: Frame, reader: Reader) -> Poly:
    """Return the expanded form of a sum.

    Parameters
    ----------
    expr : Sum
        Sum.
    frame : Frame
        What is known around it; it is inside no other sum.
    reader : callable
        Reads one sum.

    Returns
    -------
    dict

    Raises
    ------
    TooBig
        When a term is too large.
    """
    out: Poly = {}
    for sign, piece in _pieces(expr):
        found = _read(piece, frame.problem.context, frame.facts, frame.rules, frame.sums, reader)
        if found is None:
            raise TooBig(f"{piece} is too large")
        out = add(out, scale(found[0], sign))
        for row in found[1]:
            frame.note(row.text, row.grade, row.why)
    return out


def _pieces(expr: Expr) -> Iterator[tuple[int, Sum]]:
    """Split a sum of sums of terms into one sum per term, with its sign."""
    assert isinstance(expr, Sum)
    yield from ((sign, Sum(term, expr.limits)) for sign, term in _terms(expr.body))


def _terms(expr: Expr) -> Iterator[tuple[int, Expr]]:
    match expr:
        case Add(args):
            yield from (t for a in args for t in _terms(a))
        case Neg(arg):
            yield from ((-sign, t) for sign, t in _terms(arg))
        case Sum():
            yield from _pieces(expr)
        case _:
            yield 1, expr


@lru_cache(maxsize=4096)
def _read(
    expr: Sum,
    problem: Problem,
    facts: tuple[Linear, ...],
    rules: tuple[Rule, ...],
    sums: tuple[Known, ...],
    reader: Reader,
) -> tuple[Poly, tuple[Row, ...]] | None:
    frame = Frame(problem, facts, rules, (), [], sums)
    try:
        return reader(expr, frame), tuple(frame.rows or ())
    except TooBig:
        return None
