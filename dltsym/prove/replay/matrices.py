"""Matrix identities: the moves of a certificate are made again, and what is left must be zero.

A move subtracts a multiple of a relation that holds, or multiplies by a matrix that occurs inverted. The relations are
read off the problem here, by the names in the certificate, never off the certificate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

from dltsym.notation.commuting import UNIT, Alphabet, Poly, Scalar, scalar_add, scalar_mul, vanishes
from dltsym.notation.matrices import Matrix
from dltsym.notation.tree import Num, Rel
from dltsym.notation.words import difference, flipped, outside, plus, tidy, times, trace_word
from dltsym.prove.problem import Problem, declared_bounds
from dltsym.prove.replay import Certificate, Rejected
from dltsym.prove.replay.sos_laws import indices

KIND = "matrices"
ZERO = Num(Fraction(0))


def check(problem: Problem, certificate: Certificate) -> None:
    """Check the moves of a matrix identity.

    Parameters
    ----------
    problem : Problem
        Prepared problem.
    certificate : mapping
        ``moves``: each with ``subtract`` (a relation), ``left``, ``right``, ``factor``, ``trace`` and ``word``, or with
        ``multiply`` (an inverse letter) and ``side``.

    Raises
    ------
    Rejected
        When a move is not allowed, or something is left.
    """
    if problem.goal.op != "=":
        raise Rejected("goal", "only equations are proved by moves")
    al = Alphabet()
    poly = difference(al, problem.goal)
    fixed = indices(problem.goal)  # trap: what is said about every value of another index may be about none
    usable = [r.op == "=" and isinstance(r.lhs, Matrix) and indices(r) <= fixed for r in problem.known]
    known = [difference(al, r) if ok else None for r, ok in zip(problem.known, usable, strict=True)]
    given = (r for r in problem.given if indices(r) <= fixed)
    nonzero = {atom for r in (*given, *_bounds(problem)) for atom in _nonzero(r)}
    for k, move in enumerate(certificate["moves"]):
        where = f"move {k + 1}"
        if "multiply" in move:
            poly = _multiply(al, problem, poly, move, where)
        else:
            poly = _subtract(al, poly, _relation(al, known, move["subtract"], where), move, nonzero, where)
    left = [" ".join(w) for w, c in sorted(poly.items()) if not vanishes(al, c)]
    if left:
        raise Rejected("end", f"left over: {'; '.join(left)}")


def _bounds(problem: Problem) -> list[Rel]:
    return [r for s in problem.symbols if s.decl.sort in ("real", "integer") for r in declared_bounds(s)]


def _nonzero(rel: Rel) -> list[str]:
    """Return the symbols that a relation keeps away from zero, by its form."""
    low, high = rel.lhs, rel.rhs
    if (rel.op == "!=" and ZERO in (low, high)) or (rel.op == "<" and ZERO in (low, high)):
        return [str(high if low == ZERO else low)]
    above = isinstance(low, Num) and low.value > 0 and rel.op in ("<", "<=")
    return [str(high)] if above else [str(low)] if isinstance(high, Num) and high.value < 0 else []


def _multiply(al: Alphabet, problem: Problem, poly: Poly, move: Mapping[str, Any], where: str) -> Poly:
    letter, side = move["multiply"], move["side"]
    base = letter.removesuffix("'")
    if base not in al.inverses or side not in ("left", "right") or not isinstance(problem.goal.lhs, Matrix):
        raise Rejected(where, f"{letter} is no inverse that occurs")
    by = flipped(al, al.inverses[base]) if letter != base else al.inverses[base]
    size = al.shape(letter)[0]
    for word in poly:
        if word and al.shape(word[0])[0] != size if side == "left" else word and al.shape(word[-1])[1] != size:
            raise Rejected(where, "sizes differ")
    return outside(al, by, poly, letter, side == "left")


def _relation(al: Alphabet, known: list[Poly | None], name: Sequence[Any], where: str) -> Poly:
    match list(name):
        case ["given", int(k), *rest] if 0 <= k < len(known):
            out = known[k]
        case ["inverse", str(letter), ("left" | "right") as side, *rest] if letter in al.inverses:
            word, arg = {(letter,): UNIT}, al.inverses[letter]
            out = times(al, arg, word) if side == "left" else times(al, word, arg)
            out = plus(out, {(): {(): Fraction(-1)}})
        case _:
            raise Rejected(where, f"{name} is no relation of the problem")
    if out is None or rest not in ([], ["transposed"]):
        raise Rejected(where, f"{name} is no relation of the problem")
    return flipped(al, out) if rest else out


def _subtract(al: Alphabet, poly: Poly, relation: Poly, move: Mapping[str, Any], nonzero: set[str], where: str) -> Poly:
    left, right, outer = (tuple(map(str, move[k])) for k in ("left", "right", "word"))
    factor = _scalar(al, move["factor"], nonzero, where)
    for w in relation:
        _fits(al, (*left, *w, *right), where)
    out: Poly = {}
    for w, c in relation.items():
        whole, number = tidy(al, left + w + right)
        if not move["trace"]:
            out = plus(out, {whole: scalar_mul(c, number)})
            continue
        if left or (outer and outer not in poly):
            raise Rejected(where, "a trace starts with its relation")
        value = scalar_mul(number, trace_word(al, whole)) if whole else number
        if not (whole or w or right):
            value = al.scales[al.shape(max(relation)[0])[0]]
        out = plus(out, {outer: scalar_mul(c, value)})
    if not move["trace"] and not set(out) & set(poly):
        raise Rejected(where, "the multiple has another shape")
    return plus(poly, out, scalar_add({}, factor, -1))


def _fits(al: Alphabet, word: tuple[str, ...], where: str) -> None:
    if not {x.removesuffix("'") for x in word} <= al.sizes.keys():
        raise Rejected(where, "unknown letters")
    for a, b in pairwise(word):
        if al.shape(a)[1] != al.shape(b)[0]:
            raise Rejected(where, f"{a} and {b} do not fit")


def _scalar(al: Alphabet, data: Sequence[Any], nonzero: set[str], where: str) -> Scalar:
    """Read a factor; a negative power needs an atom that is not zero, and every atom must be known."""
    out: Scalar = {}
    for mono, c in data:
        for atom, k in mono:
            if not isinstance(k, int) or (k < 0 and atom not in nonzero and not _below(al, atom)):
                raise Rejected(where, f"{atom} may be zero")
        out = scalar_add(out, {tuple(sorted((str(a), k) for a, k in mono)): Fraction(c)})
    return out


def _below(al: Alphabet, atom: str) -> bool:
    """Whether an atom is divided by in the statement itself: that it is not zero is then a side condition."""
    return atom in al.dens or atom in al.divided
