"""Which matrices are known to be invertible: by a hypothesis about a determinant, or by their form."""

from __future__ import annotations

from fractions import Fraction

from dltsym.errors import UnknownNode
from dltsym.notation.commuting import Alphabet, Poly, scalar_add, vanishes
from dltsym.notation.matrices import Det, Eye, Inverse, MatMul, Matrix, MatScale, Transpose, same_size
from dltsym.notation.tree import Expr, Rel
from dltsym.notation.walk import key
from dltsym.notation.words import expand, flipped, plus, scalar_of
from dltsym.prove.axioms import certain
from dltsym.prove.problem import Problem
from dltsym.prove.signs import entails
from dltsym.prove.tower_signs import ZERO
from dltsym.prove.verdict import Row, weakest


def nonzero(rel: Rel, problem: Problem) -> Row | None:
    """Prove a side condition about matrices: ``det(S) != 0``, or another number that a hypothesis keeps from zero.

    Parameters
    ----------
    rel : Rel
        Condition, with zero on the right.
    problem : Problem
        Where it has to follow from.

    Returns
    -------
    Row or None
    """
    if rel.op != "!=" or rel.rhs != ZERO:
        return None
    if isinstance(rel.lhs, Det):
        return invertible(rel.lhs.arg, problem)
    al = Alphabet()
    wanted = scalar_of(al, rel.lhs)
    for known, grade in zip(problem.known, _grades(problem), strict=True):
        if known.op in ("!=", "<") and not known.lhs.is_matrix and certain(known, problem):
            gap = scalar_add(scalar_of(al, known.lhs), scalar_of(al, known.rhs), -1)
            if any(vanishes(al, scalar_add(gap, wanted, sign)) for sign in (1, -1)):
                return Row(str(rel), grade, str(known))
    return None


def _grades(problem: Problem) -> list[str]:
    return ["exact"] * len(problem.given) + [f.grade for f in problem.facts]


def invertible(s: Expr, problem: Problem) -> Row | None:
    """Prove ``det(s) != 0``; None means unknown.

    Parameters
    ----------
    s : Matrix
        Square matrix, itself defined.
    problem : Problem
        Where it has to follow from.

    Returns
    -------
    Row or None
    """
    found = _form(s, problem) or _given(s, problem)
    if found is None:
        return None
    grade, why = found
    return Row(str(Rel(Det(s), "!=", ZERO)), grade, why)


def _form(s: Expr, problem: Problem) -> tuple[str, str] | None:
    match s:
        case Eye() | Inverse():
            return "exact", "an identity or an inverse"
        case Transpose(arg):
            row = invertible(arg, problem)
            return None if row is None else (row.grade, row.why)
        case MatScale(factor, arg):
            rows = [entails(Rel(factor, "!=", ZERO), problem), invertible(arg, problem)]
        case MatMul(args) if all(isinstance(a, Matrix) and same_size(*a.shape) for a in args):
            rows = [invertible(a, problem) for a in args]
        case _:
            return None
    if any(r is None for r in rows):
        return None
    return weakest(r.grade for r in rows if r is not None), "a product of invertible factors"


def _given(s: Expr, problem: Problem) -> tuple[str, str] | None:
    for rel, grade in zip(problem.known, _grades(problem), strict=True):
        if not certain(rel, problem):
            continue
        for a, b in ((rel.lhs, rel.rhs), (rel.rhs, rel.lhs)):
            if rel.op in ("!=", "<") and isinstance(a, Det) and b == ZERO and _same(a.arg, s):
                return grade, str(rel)
            if rel.op == "=" and isinstance(b, Eye) and _factor_of_identity(a, s):
                return grade, str(rel)
    return None


def _factor_of_identity(product: Expr, s: Expr) -> bool:
    """Whether a product of square matrices that is an identity has `s` or its transposed among its factors."""
    if not isinstance(product, MatMul):
        return False
    square = all(isinstance(a, Matrix) and same_size(*a.shape) for a in product.args)
    return square and any(key(s) in (key(a), key(Transpose(a))) or key(Transpose(s)) == key(a) for a in product.args)


def _same(known: Expr, s: Expr) -> bool:
    """Whether ``det(known) != 0`` gives ``det(s) != 0``: equal up to sign or transposition, or Sylvester's pair."""
    al = Alphabet()
    try:
        a, b = expand(al, known), expand(al, s)
    except UnknownNode:
        return False
    for other in (b, flipped(al, b)):
        for sign in (1, -1):
            if all(vanishes(al, c) for c in plus(a, other, {(): Fraction(sign)}).values()):
                return True
    return _sylvester(al, a, b)


def _sylvester(al: Alphabet, a: Poly, b: Poly) -> bool:
    """Whether both are ``c + d*w`` with the same numbers, ``c`` not zero, and words that are rotations (Sylvester)."""
    words = [[w for w in p if w] for p in (a, b)]
    if any(len(w) != 1 for w in words) or () not in a or () not in b:
        return False
    (u,), (v,) = words
    same = a[()] == b[()] and set(a[()]) == {()} and a[u] == b[v]
    return same and any(v == u[k:] + u[:k] for k in range(len(u)))
