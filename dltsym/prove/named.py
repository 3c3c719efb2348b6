"""Polynomials whose variables are named generators, so that they survive a change of ring, and tower forms of them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from flint import fmpq, fmpq_mpoly, fmpq_mpoly_ctx

from dltsym.notation.calculus import ONE, ZERO
from dltsym.notation.tree import Add, Div, Expr, Mul, Neg, Num, Pow, Rel
from dltsym.notation.walk import key
from dltsym.prove.region import Sign
from dltsym.prove.tower import Form, Gen
from dltsym.prove.verdict import Row

Sparse = dict[tuple[tuple[str, int], ...], fmpq]


@dataclass(frozen=True)
class Quotient:
    """A tower form with generators by name: ``num/den``."""

    num: Sparse
    den: Sparse
    gens: dict[str, Gen]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Linear:
    """A hypothesis as a polynomial that is ``>= 0``, ``> 0`` or ``= 0``, and the sign of its denominator."""

    poly: Sparse
    op: str
    rel: Rel
    bottom: Sign


def quotient(form: Form) -> tuple[Quotient, dict[str, Sparse]]:
    """Return a form with its generators called by name, and ``r**2 - u`` for those that are roots.

    Parameters
    ----------
    form : Form
        Tower form.

    Returns
    -------
    tuple of (Quotient, dict of str to Sparse)
        Roots where no other generator is a power of something.
    """
    names, roots = [key(g.arg) for g in form.gens], {}
    for rel in form.relations:
        if form.gens[rel.gen].kind == "root":
            g = form.num.context().gens()[rel.gen]
            roots[names[rel.gen]] = sparse(rel.den * g**rel.degree - rel.num, names)
    gens = dict(zip(names, form.gens, strict=True))
    return Quotient(sparse(form.num, names), sparse(form.den, names), gens, form.rows), roots


def sparse(poly: fmpq_mpoly, names: list[str]) -> Sparse:
    """Return a polynomial with its generators called by name.

    Parameters
    ----------
    poly : fmpq_mpoly
        Polynomial whose variable k is ``names[k]``.
    names : list of str
        Names.

    Returns
    -------
    Sparse
    """
    return {tuple(sorted((names[k], int(e)) for k, e in enumerate(exps) if e)): c for exps, c in poly.to_dict().items()}


def dense(poly: Sparse, ctx: fmpq_mpoly_ctx, at: dict[str, int]) -> fmpq_mpoly:
    """Return a named polynomial in a ring.

    Parameters
    ----------
    poly : Sparse
        Polynomial.
    ctx : fmpq_mpoly_ctx
        Ring.
    at : dict of str to int
        Position of every generator.

    Returns
    -------
    fmpq_mpoly
    """
    out = {}
    for mono, c in poly.items():
        exps = [0] * ctx.nvars()
        for g, e in mono:
            exps[at[g]] = e
        out[tuple(exps)] = c
    return ctx.from_dict(out)


def product(a: Sparse, b: Sparse) -> Sparse:
    """Multiply two named polynomials.

    Parameters
    ----------
    a, b : Sparse
        Polynomials.

    Returns
    -------
    Sparse
    """
    out: Sparse = {}
    for m, c in a.items():
        for n, d in b.items():
            powers = dict(m)
            for g, e in n:
                powers[g] = powers.get(g, 0) + e
            mono = tuple(sorted(powers.items()))
            out[mono] = out.get(mono, fmpq(0)) + c * d
    return {m: c for m, c in out.items() if c != 0}


def poly_expr(poly: Sparse, q: Quotient) -> Expr:
    """Return a named polynomial as a tree.

    Parameters
    ----------
    poly : Sparse
        Polynomial.
    q : Quotient
        Form that owns the generators.

    Returns
    -------
    Expr
    """
    terms = []
    for mono, c in sorted(poly.items()):
        factors = [q.gens[g].arg if e == 1 else Pow(q.gens[g].arg, Num(Fraction(e))) for g, e in mono]
        value = Fraction(int(c.p), int(c.q))
        if abs(value) != 1 or not factors:
            factors.insert(0, Num(abs(value)))
        body = factors[0] if len(factors) == 1 else Mul(tuple(factors))
        terms.append(Neg(body) if value < 0 else body)
    return ZERO if not terms else terms[0] if len(terms) == 1 else Add(tuple(terms))


def form_tree(q: Quotient) -> Expr:
    """Return a form as a tree.

    Parameters
    ----------
    q : Quotient
        Form.

    Returns
    -------
    Expr
    """
    top, bottom = poly_expr(q.num, q), poly_expr(q.den, q)
    return top if bottom == ONE else Div(top, bottom)
