"""Sums in a form in which equal ones look alike: bodies expanded, what does not depend on the index taken out.

``Sum(a*X[i] + b, (i, 1, n))`` becomes ``a*Sum(X[i], (i, 1, n)) + b*(n - 1 + 1)``; a sum over two independent indices
becomes products of sums. Counting an index that does not occur needs a range that is not negative.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from dltsym.notation.tree import Add, Div, Expr, Mul, Neg, Num, Pow, Rel, Sum, Sym
from dltsym.notation.walk import children, free_symbols, fresh_binders, rebuild
from dltsym.prove.replay import plain
from dltsym.prove.replay.side import ONE

MAX_POWER = 12
Follows = Callable[[Rel], bool]


def collected(expr: Expr, follows: Follows) -> Expr:
    """Return an equal tree with its sums in a common form.

    Parameters
    ----------
    expr : Expr
        Tree.
    follows : callable
        Says whether a relation holds; asked for ranges only.

    Returns
    -------
    Expr
    """
    inner = fresh_binders(expr) if isinstance(expr, Sum) else expr
    done = rebuild(inner, tuple(collected(c, follows) for c in children(inner)))
    if not isinstance(done, Sum):
        return done
    body = done.body
    for v, lo, hi in done.limits:
        body = _over(body, v, lo, hi, follows)
    return body


def _over(body: Expr, v: Sym, lo: Expr, hi: Expr, follows: Follows) -> Expr:
    """Return the sum of a body over one index."""
    atoms: dict[str, Expr] = {}
    groups: dict[plain.Mono, plain.Poly] = {}
    for mono, c in _read(body, atoms).items():
        mine = tuple((a, e) for a, e in mono if v in free_symbols(atoms[a]))
        rest = tuple((a, e) for a, e in mono if v not in free_symbols(atoms[a]))
        groups.setdefault(mine, {})[rest] = c
    out: list[Expr] = []
    for mine, factor in groups.items():
        coefficient = plain.tree(factor, atoms)
        if mine:
            out.append(Mul((coefficient, Sum(plain.tree({mine: Fraction(1)}, atoms), ((v, lo, hi),)))))
        elif follows(Rel(lo, "<=", hi + ONE)):
            out.append(Mul((coefficient, Add((hi, Neg(lo), ONE)))))
        else:
            out.append(Sum(coefficient, ((v, lo, hi),)))
    return out[0] if len(out) == 1 else Add(tuple(out)) if out else Num(Fraction(0))


def _read(e: Expr, atoms: dict[str, Expr]) -> plain.Poly:
    """Read a polynomial in which quotients are products with the inverses of their denominators."""
    match e:
        case Num(value):
            return {(): value} if value else {}
        case Neg(arg):
            return plain.scaled(_read(arg, atoms), Fraction(-1))
        case Add(args):
            out: plain.Poly = {}
            for a in args:
                out = plain.plus(out, _read(a, atoms))
            return out
        case Mul(args):
            out = {(): Fraction(1)}
            for a in args:
                out = plain.times(out, _read(a, atoms))
            return out
        case Div(num, den):
            return plain.times(_read(num, atoms), _inverse(den, atoms))
        case Pow(base, Num(value)) if value.denominator == 1 and 0 <= value <= MAX_POWER:
            return plain.power(_read(base, atoms), int(value))
    return _atom(e, atoms)


def _inverse(e: Expr, atoms: dict[str, Expr]) -> plain.Poly:
    match e:
        case Num(value) if value:
            return {(): 1 / value}
        case Mul(args):
            out: plain.Poly = {(): Fraction(1)}
            for a in args:
                out = plain.times(out, _inverse(a, atoms))
            return out
        case Pow(base, Num(value)) if value.denominator == 1 and 0 < value <= MAX_POWER:
            return plain.power(_inverse(base, atoms), int(value))
    return _atom(Div(ONE, e), atoms)


def _atom(e: Expr, atoms: dict[str, Expr]) -> plain.Poly:
    name = plain.term(e)
    atoms.setdefault(name, e)
    return {((name, 1),): Fraction(1)}
