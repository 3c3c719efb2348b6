"""Sample points inside the hypotheses of a lemma, to give up early on signs that are not there; no proof uses them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from fractions import Fraction

from flint import arb

from dltsym.formal.forms import Poly
from dltsym.notation.evaluate import evaluate, holds
from dltsym.notation.tree import Expr, Rel, Sym
from dltsym.notation.walk import free_symbols

Point = Mapping[str, Fraction]
TRIES, WANTED, SEED = 600, 10, 20240
SCALES = (Fraction(1, 16), Fraction(1, 4), Fraction(1), Fraction(1), Fraction(4), Fraction(16))


def find(given: Iterable[Rel], symbols: Iterable[Sym], wanted: int = WANTED) -> tuple[Point, ...]:
    """Return a few points that satisfy the hypotheses, the same ones every time; none when chance finds none.

    Parameters
    ----------
    given : iterable of Rel
        Hypotheses.
    symbols : iterable of Sym
        Further symbols that need a value.
    wanted : int
        How many.

    Returns
    -------
    tuple of dict
    """
    given = sorted(given, key=lambda r: len(free_symbols(r)))
    names = sorted(frozenset(symbols).union(*(free_symbols(r) for r in given)), key=lambda s: s.name)
    draw = random.Random(SEED)
    out: list[Point] = []
    for _ in range(TRIES):
        point = {
            s.name: draw.choice((-1, 1, 1, 1)) * draw.choice(SCALES) * Fraction(draw.randint(1, 63), 64) for s in names
        }
        if all(holds(r, point) for r in given):
            out.append(point)
            if len(out) == wanted:
                break
    return tuple(out)


def value(e: Expr, point: Point) -> arb:
    """Return the value of a tree.

    Parameters
    ----------
    e : Expr
        Tree.
    point : dict
        Values of its symbols.

    Returns
    -------
    arb
    """
    return evaluate(e, point, 64)


def at(poly: Poly, values: Mapping[int, arb]) -> arb:
    """Evaluate a polynomial in generators.

    Parameters
    ----------
    poly : fmpq_mpoly
        Polynomial.
    values : dict of int to arb
        Values of generators.

    Returns
    -------
    arb
    """
    total = arb(0)
    for exps, c in poly.to_dict().items():
        term = arb(c)
        for v, n in enumerate(map(int, exps)):
            if n:
                term *= values[v] ** n
        total += term
    return total
