"""Identities between matrices: words, rewrite rules from inverses and hypotheses, and multiplying out.

A matrix equation holds if its difference E becomes zero by two moves: subtract a multiple ``l (L - R) r`` of a relation
``L = R`` that is known (``S inv(S) = I``, a hypothesis, their transposes), and multiply E from the left or right by an
invertible matrix. The moves made are the certificate. Termination: a rule replaces its longest word by shorter ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from dltsym.notation.commuting import (
    UNIT,
    Alphabet,
    Poly,
    Scalar,
    Word,
    reciprocal,
    scalar_add,
    scalar_mul,
    vanishes,
)
from dltsym.notation.matrices import Matrix, MatrixNode
from dltsym.notation.tree import Rel
from dltsym.notation.walk import subterms
from dltsym.notation.words import difference, flipped, outside, plus, tidy, times, trace_word
from dltsym.prove.axioms import certain
from dltsym.prove.problem import Problem
from dltsym.prove.signs import entails
from dltsym.prove.tower_signs import ZERO
from dltsym.prove.verdict import Row

MAX_STEPS, MAX_DEPTH, MAX_NODES = 400, 4, 150
Move = dict[str, Any]


@dataclass(frozen=True)
class Rule:
    """A relation ``poly = 0`` read as ``lead -> ...``; `over` divides by the coefficient of `lead`."""

    name: tuple[Any, ...]
    lead: Word
    poly: Poly
    over: Scalar


@dataclass
class Proof:
    """Moves that bring the difference of the two sides to zero, and the rows that they need."""

    moves: list[Move]
    rows: list[Row] = field(default_factory=list)


def has_matrices(problem: Problem) -> bool:
    """Return whether a matrix occurs in the goal or in what is known.

    Parameters
    ----------
    problem : Problem
        Problem.

    Returns
    -------
    bool
    """
    return any(isinstance(t, MatrixNode) for r in (problem.goal, *problem.known) for t in subterms(r))


def prove(problem: Problem) -> Proof | None:
    """Prove an equation between matrices or traces; None means unknown.

    Parameters
    ----------
    problem : Problem
        Problem whose goal has the operation ``=``.

    Returns
    -------
    Proof or None
    """
    al = Alphabet()
    start = difference(al, problem.goal)
    rows: list[Row] = []
    rules = [r for r in map(lambda p: _oriented(al, problem, *p, rows), relations(al, problem)) if r is not None]
    seen, todo = 0, [(start, [], 0)]
    while todo and seen < MAX_NODES:
        poly, before, depth = todo.pop(0)
        seen += 1
        poly, done = reduce(al, rules, poly)
        moves = [*before, *done]
        if all(vanishes(al, c) for c in poly.values()):
            return Proof(moves, list(dict.fromkeys(rows)))
        if depth < MAX_DEPTH and isinstance(problem.goal.lhs, Matrix):
            todo += [(new, [*moves, move], depth + 1) for move, new in _multiplied(al, poly)]
    return None


def relations(al: Alphabet, problem: Problem) -> list[tuple[tuple[Any, ...], Poly]]:
    """Return the relations that hold: inverses from both sides, and hypotheses, each also transposed.

    Parameters
    ----------
    al : Alphabet
        Alphabet of the goal; letters of the hypotheses are added.
    problem : Problem
        Problem.

    Returns
    -------
    list of (name, Poly)
    """
    found: list[tuple[tuple[Any, ...], Poly]] = []
    for k, rel in enumerate(problem.known):
        if rel.op == "=" and isinstance(rel.lhs, Matrix) and certain(rel, problem):
            found.append((("given", k), difference(al, rel)))
    for letter, arg in list(al.inverses.items()):
        word: Poly = {(letter,): UNIT}
        unit: Poly = {(): {(): -UNIT[()]}}
        found.append((("inverse", letter, "left"), plus(times(al, arg, word), unit)))
        found.append((("inverse", letter, "right"), plus(times(al, word, arg), unit)))
    return [*found, *(((*name, "transposed"), flipped(al, p)) for name, p in found)]


def _oriented(al: Alphabet, problem: Problem, name: tuple[Any, ...], poly: Poly, rows: list[Row]) -> Rule | None:
    if not poly:
        return None
    lead = max(poly, key=lambda w: (len(w), w))
    if not lead:
        return None
    coefficient = poly[lead]
    if set(coefficient) == {()}:
        return Rule(name, lead, poly, reciprocal(al, coefficient))
    found = _nonzero(problem, coefficient)
    if found is None:
        return None
    rows += found
    return Rule(name, lead, poly, reciprocal(al, coefficient))


def _nonzero(problem: Problem, a: Scalar) -> list[Row] | None:
    """Prove that a product of symbols does not vanish."""
    if len(a) != 1:
        return None
    symbols = {s.name: s for s in problem.symbols}
    rows = []
    for atom, _ in next(iter(a)):
        row = entails(Rel(symbols[atom], "!=", ZERO), problem) if atom in symbols else None
        if row is None:
            return None
        rows.append(row)
    return rows


def reduce(al: Alphabet, rules: list[Rule], poly: Poly) -> tuple[Poly, list[Move]]:
    """Rewrite until no rule applies, in words and in traces.

    Parameters
    ----------
    al : Alphabet
        Meaning of letters and atoms.
    rules : list of Rule
        Rules.
    poly : Poly
        What to rewrite.

    Returns
    -------
    tuple
        The normal form, and the moves made.
    """
    moves: list[Move] = []
    for _ in range(MAX_STEPS):
        hit = next(_hits(al, rules, poly), None)
        if hit is None:
            break
        rule, left, right, word, factor, in_trace = hit
        move: Move = {
            "subtract": list(rule.name),
            "left": list(left),
            "right": list(right),
            "factor": encode(factor),
            "trace": in_trace,
            "word": list(word),
        }
        poly = plus(poly, multiple(al, rule.poly, left, right, word, in_trace), scalar_add({}, factor, -1))
        poly = {w: c for w, c in poly.items() if not vanishes(al, c)}
        moves.append(move)
    return poly, moves


def _hits(al: Alphabet, rules: list[Rule], poly: Poly) -> Iterator[tuple[Rule, Word, Word, Word, Scalar, bool]]:
    for word in sorted(poly, key=lambda w: (-len(w), w)):
        for rule in rules:
            n = len(rule.lead)
            for k in range(len(word) - n + 1):
                if word[k : k + n] == rule.lead:
                    yield rule, word[:k], word[k + n :], (), scalar_mul(poly[word], rule.over), False
        for atom in sorted({a for m in poly[word] for a, _ in m if a in al.traces}):
            rest = {tuple(p for p in m if p[0] != atom): c for m, c in poly[word].items() if (atom, 1) in m}
            found = _in_trace(al, rules, al.traces[atom]) if rest else None
            if found is not None:
                rule, right = found
                yield rule, (), right, word, scalar_mul(rest, rule.over), True


def _in_trace(al: Alphabet, rules: list[Rule], word: Word) -> tuple[Rule, Word] | None:
    """Find a rotation of the word, or of its transposed, that starts with the longest word of a rule."""
    back = tuple(al.flip(x) for x in reversed(word))
    for rule in rules:
        n = len(rule.lead)
        for w in (word, back):
            for k in range(len(w)):
                turned = w[k:] + w[:k]
                if n <= len(w) and turned[:n] == rule.lead:
                    return rule, turned[n:]
    return None


def multiple(al: Alphabet, poly: Poly, left: Word, right: Word, word: Word, in_trace: bool) -> Poly:
    """Return ``left * poly * right``, or its trace times a word.

    Parameters
    ----------
    al : Alphabet
        Meaning of the letters.
    poly : Poly
        A relation, ``poly = 0``.
    left, right : Word
        What to multiply it by.
    word : Word
        Factor of the trace.
    in_trace : bool
        Whether to take the trace.

    Returns
    -------
    Poly
    """
    out: Poly = {}
    for w, c in poly.items():
        whole, number = tidy(al, left + w + right)
        if in_trace:
            value = scalar_mul(number, trace_word(al, whole)) if whole else number
            if not (whole or left or w or right):  # an identity
                value = al.scales[al.shape(max(poly)[0])[0]]
            out = plus(out, {word: scalar_mul(c, value)})
        else:
            out = plus(out, {whole: scalar_mul(c, number)})
    return out


def _multiplied(al: Alphabet, poly: Poly) -> Iterator[tuple[Move, Poly]]:
    """Multiply by a matrix whose inverse begins or ends a word."""
    first = {w[0] for w in poly if w}
    last = {w[-1] for w in poly if w}
    for letter, arg in sorted(al.inverses.items(), key=lambda p: (-len(p[0]), p[0])):
        for x, s in ((letter, arg), (al.flip(letter), flipped(al, arg))):
            if x in first:
                yield {"multiply": x, "side": "left"}, outside(al, s, poly, x, True)
            if x in last:
                yield {"multiply": x, "side": "right"}, outside(al, s, poly, x, False)


def encode(a: Scalar) -> list[list[Any]]:
    """Return a scalar as plain data.

    Parameters
    ----------
    a : Scalar
        Polynomial in atoms.

    Returns
    -------
    list
    """
    return [[[[x, k] for x, k in mono], str(c)] for mono, c in sorted(a.items())]
