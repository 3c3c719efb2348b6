"""Signs inside the exact tower: by inspection of coefficients, from the hypotheses, or because a node is defined.

Every sign that is used is recorded as a `Row` in the memory of the tower.
"""

from __future__ import annotations

from fractions import Fraction

from flint import fmpq_mpoly

from dltsym.notation.text import to_text
from dltsym.notation.tree import Expr, Num, Rel, Sum
from dltsym.notation.walk import key
from dltsym.prove.problem import Problem
from dltsym.prove.tower_field import Frac
from dltsym.prove.tower_state import Again, Tower, poly_tree
from dltsym.prove.verdict import Row

ZERO = Num(Fraction(0))
MAX_ASKED = 40


def entailed(rel: Rel, problem: Problem, deep: bool = False) -> Row | None:
    """Return a row that proves `rel` from the problem's declarations and hypotheses, or None.

    Parameters
    ----------
    rel : Rel
        Relation with ``<``, ``<=`` or ``!=``.
    problem : Problem
        Where it must hold.
    deep : bool
        Whether z3 may be asked; its rows are ``smt``.

    Returns
    -------
    Row or None
    """
    from dltsym.prove.signs import entails

    return entails(rel, problem, deep=deep)


def positive(t: Tower, number: int) -> bool:
    """Return whether a generator is known to be above zero; about a sum this is asked only when it matters."""
    gen = t.gens[number]
    if gen.positive or not isinstance(gen.arg, Sum):
        return gen.positive
    name = key(gen.arg)
    if name not in t.memory.sums:
        row = entailed(Rel(ZERO, "<", gen.arg), t.problem)
        t.memory.sums[name] = row is not None
        if row is not None:
            note(t, row)
    return t.memory.sums[name]


def by_coefficients(t: Tower, p: fmpq_mpoly) -> tuple[int, bool]:
    """Return the sign that the terms of a polynomial share, and whether one of them cannot vanish."""
    signs, strict = {1 if c > 0 else -1 for _, c in p.terms()}, False
    if len(signs) != 1:
        return 0, False
    for exponents in p.monoms():
        if any(e % 2 and not positive(t, i) for i, e in enumerate(exponents)):
            return 0, False
        strict = strict or all(positive(t, i) for i, e in enumerate(exponents) if e)
    return signs.pop(), strict


def factor_sign(t: Tower, p: fmpq_mpoly) -> tuple[int, bool]:
    """Return ``(sign, strict)`` of an irreducible factor; sign 0 is unknown, not strict means "or zero"."""
    found = by_coefficients(t, p)
    tree = poly_tree(p, t.gens)
    name = key(tree)
    if found[1]:
        op = "<" if found[0] > 0 else ">"
        note(t, Row(to_text(Rel(ZERO, op, tree)), "exact", "every term has this sign"))
        return found
    if name not in t.memory.signs:
        t.memory.signs[name] = _ask(t, tree, found) if len(p) <= MAX_ASKED else found
    return t.memory.signs[name]


def _ask(t: Tower, tree: Expr, found: tuple[int, bool]) -> tuple[int, bool]:
    """Ask the hypotheses for the sign of a tree; `found` is what is known already."""
    weak = found[0]
    tries = [(1, Rel(ZERO, "<", tree), True), (-1, Rel(tree, "<", ZERO), True)]
    tries += [(1, Rel(ZERO, "<=", tree), False), (-1, Rel(tree, "<=", ZERO), False)] if not weak else []
    for sign, rel, strict in tries:
        if weak == -sign:
            continue
        t.field.check(t.field.one)
        row = entailed(rel, t.problem, t.memory.deep)
        if row is not None:
            note(t, row)
            return sign, strict
    t.memory.unsure = True
    return found


def nonzero(t: Tower, p: fmpq_mpoly) -> bool:
    """Return whether a polynomial is proved not to vanish."""
    if p.is_constant():
        return not p.is_zero()
    if factor_sign(t, p)[1]:
        return True
    row = entailed(Rel(poly_tree(p, t.gens), "!=", ZERO), t.problem, t.memory.deep) if len(p) <= MAX_ASKED else None
    if row is not None:
        note(t, row)
    return row is not None


def sign(t: Tower, a: Frac) -> tuple[int, bool]:
    """Return ``(sign, strict)`` of a fraction wherever it is defined; sign 0 is unknown."""
    c, factors = t.field.factors(a)
    total, strict = (1 if c > 0 else -1 if c < 0 else 0), c != 0
    for p, e in factors:
        s, sure = factor_sign(t, p)
        total *= s if e % 2 else 1
        strict = strict and (sure or e < 0 or (e % 2 == 0 and nonzero(t, p)))
        if not total:
            return 0, False
    return total, strict


def learn(t: Tower, p: fmpq_mpoly, s: int, strict: bool, why: str) -> None:
    """Record the sign of a factor that a defined logarithm or root forces; start again if it was unknown before."""
    tree = poly_tree(p, t.gens)
    name = key(tree)
    if t.memory.signs.get(name, (0, False)) in ((s, True), (s, strict)):
        return
    t.memory.signs[name] = (s, strict)
    op = ("<" if s > 0 else ">") + ("" if strict else "=")
    note(t, Row(to_text(Rel(ZERO, op, tree)), "exact", why))
    raise Again


def note(t: Tower, row: Row) -> None:
    """Keep a row as evidence."""
    t.memory.rows.setdefault(row.text, row)
