"""Two patterns of cancellation: a linear form at the end of a range, and odds of an inverse of relative entropy."""

from __future__ import annotations

from fractions import Fraction

from dltsym.lower.closed.ranges import Ranges
from dltsym.lower.closed.terms import ONE, Term, polynomial, product, sum_of
from dltsym.notation.tree import Add, Call, Expr, Neg, Num, Sym
from dltsym.notation.walk import free_symbols, key


def linear(terms: list[Term], ranges: Ranges) -> Expr | None:
    """Return ``c + (n - 1) x``, with x from a range whose ends are computed, opened and as a call of ``dot``.

    Parameters
    ----------
    terms : list of tuple
        Signed terms of a sum.
    ranges : Ranges
        Sizes of trees.

    Returns
    -------
    Expr or None
        None where the sum is not of this kind, or cannot vanish.
    """
    tree = sum_of(terms)
    if len(terms) != 2 or not (ranges(tree).least < 0 < ranges(tree).most):
        return None
    atoms: dict[str, Expr] = {}
    poly = polynomial(tree, atoms)
    symbols = [a for a in atoms.values() if isinstance(a, Sym)]
    ends = [b for a in symbols for b in (a.decl.lo, a.decl.hi) if b is not None]
    plain = len(symbols) == len(atoms) and all(abs(c) == 1 for m, c in poly.items() if m)
    if not plain or not any(map(free_symbols, ends)) or {len(m) for m in poly} != {0, 1, 2}:
        return None
    return Call("dot", tuple(_term([atoms[a] for a in m], c) for m, c in poly.items()))


def _term(items: list[Expr], c: Fraction) -> Expr:
    if not items:
        return Num(c)
    return product([Neg(items[0]) if c < 0 else items[0], *items[1:]])


def log_odds(up: list[Expr], down: list[Expr]) -> Expr | None:
    """Return ``log(p (1 - q)/(q (1 - p)))`` for p = kl_upper(q, c), which may agree with q or with 1 to all digits.

    Parameters
    ----------
    up, down : list of Expr
        Factors above and below the fraction bar, ``1 - p`` as a call of ``kl_upper_rest``.

    Returns
    -------
    Expr or None
        None where the quotient is not of this kind.
    """
    for p in up:
        if isinstance(p, Call) and p.name == "kl_upper" and len(up) == len(down) == 2:
            rest = {key(f) for f in up if f is not p}
            below = {key(p.args[0]), key(Call("kl_upper_rest", p.args))}
            if rest == {key(Add((ONE, Neg(p.args[0]))))} and {key(f) for f in down} == below:
                return Call("kl_upper_odds", p.args)
    return None
