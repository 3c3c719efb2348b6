"""The exact tower: expressions as fractions of polynomials over exp, log, root, sine and opaque generators.

`is_zero` proves that an expression vanishes wherever it is defined. `rational_form` gives the fraction itself, for
sign analysis: a `Form` has numerator and denominator in ``fmpq_mpoly`` over numbered variables, and `Form.gens` says
which tree each variable stands for (`Gen.kind`, `Gen.arg`, `Gen.positive`). Powers that `Form.relations` rewrite are
gone already. `poly_tree` and `form_tree` lead back to trees, `form_factors` factors over the rationals. All of them
raise `Unknown` for a node that the tower cannot represent, and when a budget is spent.

Two assumptions, both the caller's: the expression is defined at the points in question, and the hypotheses hold there.
A sign that is used comes from `prove.signs.entails`, from coefficients, or from definedness (``log(u)`` in the
expression means ``u > 0``), and is listed in `Form.rows`. A numerator that is not zero proves nothing: generators may
depend on each other.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import TypeVar

from flint import Ordering, fmpq_mpoly, fmpq_mpoly_ctx

from dltsym.notation.tree import Add, Div, Expr, Neg
from dltsym.prove.problem import Problem
from dltsym.prove.tower_equations import eliminate, equations
from dltsym.prove.tower_field import Frac, Relation, Unknown
from dltsym.prove.tower_map import to_frac
from dltsym.prove.tower_signs import positive, sign
from dltsym.prove.tower_state import Again, Gen, Memory, Tower, poly_tree
from dltsym.prove.verdict import Row

__all__ = [
    "Form",
    "Gen",
    "Unknown",
    "difference",
    "form_factors",
    "form_tree",
    "is_zero",
    "poly_tree",
    "prove_positive",
    "prove_zero",
    "rational_form",
]

BUDGET, MAX_RESTARTS = 2.0, 60
T = TypeVar("T")


@dataclass(frozen=True)
class Form:
    """An expression as ``num/den``; variable number k of both polynomials stands for ``gens[k].arg``.

    Wherever the expression is defined, `den` is not zero and the quotient is its value, given the `rows`.
    """

    num: fmpq_mpoly
    den: fmpq_mpoly
    gens: tuple[Gen, ...]
    relations: tuple[Relation, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Zero:
    """Certificate that an expression vanishes: generators, signs used, hypotheses used."""

    generators: tuple[str, ...]
    rows: tuple[Row, ...]
    uses: tuple[str, ...]


def construct(problem: Problem, work: Callable[[Tower], T], deep: bool = False) -> tuple[T, Memory]:
    """Run `work` on a tower, again from the start whenever a finer unit or a learnt sign asks for it.

    Parameters
    ----------
    problem : Problem
        Where signs come from.
    work : callable
        Gets a fresh tower.
    deep : bool
        Whether z3 may be asked for signs.

    Returns
    -------
    tuple
        What `work` returned, and what was learnt.

    Raises
    ------
    Unknown
        When a budget is spent or a node cannot be represented.
    """
    memory, deadline = Memory(deep), time.process_time() + BUDGET
    for _ in range(MAX_RESTARTS):
        try:
            return work(Tower(problem, memory, deadline)), memory
        except Again:
            continue
    raise Unknown("the tower did not settle")


def rational_form(expr: Expr, problem: Problem) -> Form:
    """Write an expression as a quotient of polynomials over generators.

    Parameters
    ----------
    expr : Expr
        Tree, defined at the points in question.
    problem : Problem
        Declarations and hypotheses that signs are proved from; its goal plays no part.

    Returns
    -------
    Form
    """
    return _rational_form(expr, problem.context)


@lru_cache(maxsize=4096)
def _rational_form(expr: Expr, problem: Problem) -> Form:
    (tower, frac), memory = construct(problem, lambda t: (t, to_frac(t, expr)))
    return _compress(tower, frac, memory)


def _compress(t: Tower, a: Frac, memory: Memory) -> Form:
    """Keep only the generators that occur, or that a relation of one that occurs needs."""
    used = {i for p in (a.num, a.den) for e in p.monoms() for i, n in enumerate(e) if n}
    relations = []
    for rel in reversed(t.field.relations):
        if rel.gen in used:
            relations.append(rel)
            used |= {i for p in (rel.num, rel.den) for e in p.monoms() for i, n in enumerate(e) if n}
    order = sorted(used)
    ctx = fmpq_mpoly_ctx.get(("g", max(len(order), 1)), Ordering.lex)

    def move(p: fmpq_mpoly) -> fmpq_mpoly:
        return ctx.from_dict({tuple(e[i] for i in order) or (0,): c for e, c in p.to_dict().items()})

    moved = tuple(Relation(order.index(r.gen), r.degree, move(r.num), move(r.den), r.unit) for r in reversed(relations))
    gens = tuple(replace(t.gens[i], positive=positive(t, i)) for i in order)
    return Form(move(a.num), move(a.den), gens, moved, tuple(memory.rows.values()))


def form_tree(form: Form) -> Expr:
    """Return a form as a tree.

    Parameters
    ----------
    form : Form
        Quotient.

    Returns
    -------
    Expr
    """
    top = poly_tree(form.num, form.gens)
    return top if form.den.is_one() else Div(top, poly_tree(form.den, form.gens))


def form_factors(form: Form) -> tuple[Fraction, list[tuple[fmpq_mpoly, int]]]:
    """Factor a form over the rationals.

    Parameters
    ----------
    form : Form
        Quotient.

    Returns
    -------
    tuple
        A constant, and primitive irreducible polynomials with their exponents (negative in the denominator).
    """
    top, upper = form.num.factor()
    bottom, lower = form.den.factor()
    c = top / bottom
    parts = [(f, int(e)) for f, e in upper] + [(f, -int(e)) for f, e in lower]
    return Fraction(int(c.p), int(c.q)), sorted(parts, key=lambda fe: str(fe[0]))


def is_zero(expr: Expr, problem: Problem) -> bool:
    """Return whether an expression is proved to vanish wherever it is defined; False means unknown.

    Parameters
    ----------
    expr : Expr
        Tree.
    problem : Problem
        Declarations and hypotheses.

    Returns
    -------
    bool
    """
    try:
        return prove_zero(expr, problem) is not None
    except Unknown:
        return False


def prove_zero(expr: Expr, problem: Problem, deep: bool = False) -> Zero | None:
    """Prove that an expression vanishes wherever it is defined and the hypotheses hold.

    Parameters
    ----------
    expr : Expr
        Tree.
    problem : Problem
        Declarations and hypotheses; equalities among them are used by linear elimination.
    deep : bool
        Whether z3 may be asked for signs in a last attempt.

    Returns
    -------
    Zero or None
        A certificate, or None when the numerator is not zero.
    """
    found, unsure = _attempt(expr, problem, (), ())
    if found is not None:
        return found
    solved, left = equations(problem, expr, construct)
    uses: list[str] = []
    for s in solved:
        new = s.apply(expr)
        if new is not expr:
            uses.append(s.text)
            expr = new
    if uses or left:
        found, unsure = _attempt(expr, problem, tuple(uses), left)
    return found or (_attempt(expr, problem, tuple(uses), left, deep=True)[0] if deep and unsure else None)


def _attempt(
    expr: Expr,
    problem: Problem,
    uses: tuple[str, ...],
    left: tuple[tuple[str, Expr], ...],
    deep: bool = False,
) -> tuple[Zero | None, bool]:
    """Map, eliminate by the equations not solved on trees, look at the numerator; also whether a sign was missing."""

    def work(t: Tower) -> tuple[bool, tuple[str, ...], tuple[str, ...]]:
        num, more = to_frac(t, expr).num, ()
        if not num.is_zero() and left:
            num, more = eliminate(t, num, [(text, to_frac(t, e).num) for text, e in left])
        return num.is_zero(), more, tuple(str(g.arg) for g in t.gens)

    (zero, more, generators), memory = construct(problem, work, deep=deep)
    found = Zero(generators, tuple(memory.rows.values()), (*uses, *more)) if zero else None
    return found, memory.unsure


def prove_positive(expr: Expr, problem: Problem) -> tuple[Row, ...] | None:
    """Prove ``0 < expr`` wherever it is defined, factor by factor.

    Parameters
    ----------
    expr : Expr
        Tree.
    problem : Problem
        Declarations and hypotheses.

    Returns
    -------
    tuple of Row or None
        The signs used, or None: unknown.
    """
    found, memory = construct(problem, lambda t: sign(t, to_frac(t, expr)))
    return tuple(memory.rows.values()) if found == (1, True) else None


def difference(lhs: Expr, rhs: Expr) -> Expr:
    """Return ``lhs - rhs``.

    Parameters
    ----------
    lhs, rhs : Expr
        Both sides.

    Returns
    -------
    Expr
    """
    return Add((lhs, Neg(rhs)))
