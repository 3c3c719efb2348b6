"""Polynomials read off a tree as written: ``+ - *``, quotients by numbers, whole powers; everything else is an atom.

Nothing is known about an atom but that it is a real number; equal atoms are equal texts (`term`).
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

from dltsym.notation.tree import Add, Const, Div, Expr, Mul, Neg, Num, Pow, Sym
from dltsym.notation.walk import key, transform

Mono = tuple[tuple[str, int], ...]
Poly = dict[Mono, Fraction]
MAX_TERMS, MAX_POWER = 2000, 60


class TooLarge(ValueError):
    """A polynomial has more terms than a certificate may ask for."""


@lru_cache(maxsize=8192)
def term(expr: Expr) -> str:
    """Return the name of a tree as an atom: equal for trees that differ in the spelling of numbers only.

    Parameters
    ----------
    expr : Expr
        Tree.

    Returns
    -------
    str
    """
    return key(transform(expr, _number))


def _number(e: Expr) -> Expr:
    match e:
        case Neg(Num(value)):
            return Num(-value)
        case Div(Num(a), Num(b)) if b:
            return Num(a / b)
        case Div(Neg(a), b):
            return Neg(Div(a, b))
    return e


def read(expr: Expr, atoms: dict[str, Expr] | None = None) -> Poly:
    """Read a polynomial; atoms that occur are noted in `atoms`.

    Parameters
    ----------
    expr : Expr
        Tree.
    atoms : dict of str to Expr, optional
        Filled with the trees of the atoms.

    Returns
    -------
    Poly
    """
    match expr:
        case Num(value):
            return {(): value} if value else {}
        case Neg(arg):
            return scaled(read(arg, atoms), Fraction(-1))
        case Add(args):
            out: Poly = {}
            for a in args:
                out = plus(out, read(a, atoms))
            return out
        case Mul(args):
            out = {(): Fraction(1)}
            for a in args:
                out = times(out, read(a, atoms))
            return out
        case Div(top, below):
            bottom = read(below, atoms if not isinstance(below, Num) else None)
            if list(bottom) == [()]:
                return scaled(read(top, atoms), 1 / bottom[()])
        case Pow(base, Num(value)) if value.denominator == 1 and 0 <= value <= MAX_POWER:
            return power(read(base, atoms), int(value))
    name = term(expr)
    if atoms is not None:
        atoms.setdefault(name, expr)
    return {((name, 1),): Fraction(1)}


def plus(a: Poly, b: Poly, c: Fraction = Fraction(1)) -> Poly:
    """Return ``a + c*b``.

    Parameters
    ----------
    a, b : Poly
        Polynomials.
    c : Fraction
        Factor of the second.

    Returns
    -------
    Poly
    """
    out = dict(a)
    for mono, value in b.items():
        out[mono] = out.get(mono, Fraction(0)) + c * value
    return {m: v for m, v in out.items() if v}


def scaled(a: Poly, c: Fraction) -> Poly:
    """Return ``c*a``.

    Parameters
    ----------
    a : Poly
        Polynomial.
    c : Fraction
        Factor.

    Returns
    -------
    Poly
    """
    return {m: c * v for m, v in a.items()} if c else {}


def times(a: Poly, b: Poly) -> Poly:
    """Multiply.

    Parameters
    ----------
    a, b : Poly
        Polynomials.

    Returns
    -------
    Poly

    Raises
    ------
    TooLarge
        For more than `MAX_TERMS` terms.
    """
    out: Poly = {}
    for m, v in a.items():
        for n, w in b.items():
            powers = dict(m)
            for name, e in n:
                powers[name] = powers.get(name, 0) + e
            mono = tuple(sorted(powers.items()))
            out[mono] = out.get(mono, Fraction(0)) + v * w
    if len(out) > MAX_TERMS:
        raise TooLarge(f"a polynomial with {len(out)} terms")
    return {m: v for m, v in out.items() if v}


def power(a: Poly, n: int) -> Poly:
    """Return ``a**n``.

    Parameters
    ----------
    a : Poly
        Polynomial.
    n : int
        Not negative.

    Returns
    -------
    Poly
    """
    out: Poly = {(): Fraction(1)}
    for _ in range(n):
        out = times(out, a)
    return out


def tree(poly: Poly, atoms: dict[str, Expr]) -> Expr:
    """Return a polynomial as a tree.

    Parameters
    ----------
    poly : Poly
        Polynomial.
    atoms : dict of str to Expr
        Trees of its atoms.

    Returns
    -------
    Expr
    """
    terms: list[Expr] = []
    for mono, c in poly.items():
        factors = [atoms[a] if e == 1 else Pow(atoms[a], Num(Fraction(e))) for a, e in mono]
        body = [Num(c), *factors] if c != 1 or not factors else factors
        terms.append(body[0] if len(body) == 1 else Mul(tuple(body)))
    return terms[0] if len(terms) == 1 else Add(tuple(terms)) if terms else Num(Fraction(0))


def ratio(a: Poly, b: Poly) -> Fraction | None:
    """Return c with ``a = c*b``, up to the constant terms; None if there is none.

    Parameters
    ----------
    a, b : Poly
        Polynomials, `b` not constant.

    Returns
    -------
    Fraction or None
    """
    free = [m for m in b if m]
    if not free or {m for m in a if m} != set(free):
        return None
    c = a[free[0]] / b[free[0]]
    return c if all(a[m] == c * b[m] for m in free) else None


def may_be_whole(e: Expr) -> bool:
    """Whether an exponent may be an integer by its form: then the base of the power need not be positive.

    Parameters
    ----------
    e : Expr
        Exponent.

    Returns
    -------
    bool
        False only when a power with this exponent is defined for positive bases alone.
    """
    match e:
        case Num(value):
            return value.denominator == 1
        case Sym():
            return e.decl.sort != "real"
        case Neg(arg):
            return may_be_whole(arg)
        case Add(args) | Mul(args):
            return all(map(may_be_whole, args))
        case Div() | Const():
            return False
    return True
