"""Antiderivatives to be checked: polynomials times exponentials of polynomials of degree two, by parts.

Nothing here is trusted: `dltsym.prove.integrals` differentiates what it gets and proves that the integrand comes back.
Formulas: integration by parts, and completing the square (``int exp(a*x**2 + b*x)`` with an error function).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import comb

from dltsym.notation.calculus import add, mul
from dltsym.notation.tree import Add, Call, Const, Div, Expr, Mul, Neg, Num, Pow, Rel, Sym
from dltsym.notation.walk import free_symbols
from dltsym.prove.problem import Problem
from dltsym.prove.shapes import rational
from dltsym.prove.signs import entails
from dltsym.prove.tower import Unknown, form_tree, rational_form

ZERO, ONE = Num(Fraction(0)), Num(Fraction(1))
MAX_POWER, MAX_TERMS = 24, 60


@dataclass(frozen=True)
class Term:
    """``c * x**(j + p) * exp(a*x**2 + b*x + g)`` with c, p, a, b, g free of x."""

    c: Expr
    j: int
    a: Expr = ZERO
    b: Expr = ZERO
    g: Expr = ZERO
    p: Expr = ZERO


def antiderivative(f: Expr, x: Sym, problem: Problem) -> Expr | None:
    """Return an antiderivative in closed form, or None.

    Parameters
    ----------
    f : Expr
        Integrand.
    x : Sym
        Variable.
    problem : Problem
        Where signs of coefficients come from.

    Returns
    -------
    Expr or None
    """
    terms = _read(f, x)
    if terms is None or len(terms) > MAX_TERMS:
        return None
    groups: dict[tuple[str, ...], tuple[tuple[Expr, ...], dict[int, list[Expr]]]] = {}
    for t in terms:
        shape = tuple(simple(u, problem) for u in (t.a, t.b, t.p))
        factor = mul(t.c, Call("exp", (t.g,))) if t.g != ZERO else t.c
        groups.setdefault(tuple(map(str, shape)), (shape, {}))[1].setdefault(t.j, []).append(factor)
    parts = []
    for (a, b, p), powers in groups.values():
        for j, cs in sorted(powers.items()):
            c = simple(add(*cs), problem)
            if c == ZERO:
                continue
            one = _one(j, a, b, x, problem) if p == ZERO else _real_power(add(p, Num(Fraction(j + 1))), a, b, x)
            if one is None:
                return None
            parts.append(mul(c, one))
    return add(*parts)


def simple(e: Expr, problem: Problem) -> Expr:
    """Simplify a coefficient with the tower, where it can.

    Parameters
    ----------
    e : Expr
        Tree.
    problem : Problem
        Hypotheses.

    Returns
    -------
    Expr
    """
    value = rational(e)
    if value is not None:
        return Num(value)
    try:
        form = rational_form(e, problem)
    except Unknown:
        return e
    return ZERO if form.num.is_zero() else form_tree(form)


def _read(e: Expr, x: Sym) -> list[Term] | None:
    if x not in free_symbols(e):
        return [Term(e, 0)]
    match e:
        case Sym():
            return [Term(ONE, 1)]
        case Neg(arg):
            return _times([Term(Num(Fraction(-1)), 0)], _read(arg, x))
        case Add(args):
            parts = [_read(a, x) for a in args]
            return None if any(p is None for p in parts) else [t for p in parts for t in p or ()]
        case Mul(args):
            out: list[Term] | None = [Term(ONE, 0)]
            for a in args:
                out = _times(out, _read(a, x))
            return out
        case Div(num, den):
            return _times(_read(num, x), _reciprocal(_read(den, x)))
        case Pow(base, Num(n)) if n.denominator == 1 and abs(n) <= MAX_POWER:
            root = _read(base, x) if n > 0 else _reciprocal(_read(base, x))
            out = [Term(ONE, 0)]
            for _ in range(abs(int(n))):
                out = _times(out, root)
            return out
        case Pow(base, exponent) if base == x and x not in free_symbols(exponent):
            return [Term(ONE, 0, p=exponent)]
        case Call("sqrt", (base,)) if base == x:
            return [Term(ONE, 0, p=Num(Fraction(1, 2)))]
        case Call("exp", (u,)):
            return _exponential(_read(u, x))
    return None


def _times(a: list[Term] | None, b: list[Term] | None) -> list[Term] | None:
    if a is None or b is None or len(a) * len(b) > MAX_TERMS:
        return None
    return [
        Term(mul(s.c, t.c), s.j + t.j, add(s.a, t.a), add(s.b, t.b), add(s.g, t.g), add(s.p, t.p)) for s in a for t in b
    ]


def _reciprocal(terms: list[Term] | None) -> list[Term] | None:
    """Return the reciprocal of a single term."""
    if terms is None or len(terms) != 1:
        return None
    (t,) = terms
    return [Term(Div(ONE, t.c), -t.j, *(Neg(u) if u != ZERO else ZERO for u in (t.a, t.b, t.g, t.p)))]


def _exponential(terms: list[Term] | None) -> list[Term] | None:
    if terms is None or any(t.j not in (0, 1, 2) or (t.a, t.b, t.g, t.p) != (ZERO,) * 4 for t in terms):
        return None
    a, b, g = (add(*(t.c for t in terms if t.j == k)) for k in (2, 1, 0))
    return [Term(ONE, 0, a, b, g)]


def _one(j: int, a: Expr, b: Expr, x: Sym, problem: Problem) -> Expr | None:
    """Return an antiderivative of ``x**j * exp(a*x**2 + b*x)``."""
    power = Call("exp", (add(mul(a, Pow(x, Num(Fraction(2)))), mul(b, x)),))
    if a == ZERO and b == ZERO:
        return Call("log", (x,)) if j == -1 else Div(Pow(x, Num(Fraction(j + 1))), Num(Fraction(j + 1)))
    if j < 0:
        return None
    if a == ZERO:
        done = Div(power, b)
        for k in range(1, j + 1):
            done = add(Div(mul(_x(x, k), power), b), Neg(mul(Div(Num(Fraction(k)), b), done)))
        return done
    if entails(Rel(a, "<", ZERO), problem) is None:
        return None
    return _gaussian(j, a, b, x, power)


def _real_power(p: Expr, a: Expr, b: Expr, x: Sym) -> Expr | None:
    return Div(Pow(x, p), p) if a == ZERO and b == ZERO else None


def _gaussian(j: int, a: Expr, b: Expr, x: Sym, power: Expr) -> Expr:
    """Complete the square: with ``y = x - m`` and ``m = -b/(2a)`` the moments of ``exp(a*y**2)`` by parts."""
    m = Div(Neg(b), mul(Num(Fraction(2)), a)) if b != ZERO else ZERO
    y: Expr = x - m if m != ZERO else x
    root = Call("sqrt", (Neg(a),))
    height = Call("exp", (Neg(Div(Pow(b, Num(Fraction(2))), mul(Num(Fraction(4)), a))),)) if b != ZERO else ONE
    erf = Call("erf", (mul(root, y),))
    moments = [mul(height, Div(Call("sqrt", (Const("pi"),)), mul(Num(Fraction(2)), root)), erf)]
    moments.append(Div(power, mul(Num(Fraction(2)), a)))
    for k in range(2, j + 1):
        first = Div(mul(_x(y, k - 1), power), mul(Num(Fraction(2)), a))
        moments.append(add(first, Neg(mul(Div(Num(Fraction(k - 1)), mul(Num(Fraction(2)), a)), moments[k - 2]))))
    if m == ZERO:
        return moments[j]
    return add(*(mul(Num(Fraction(comb(j, k))), _x(m, j - k), moments[k]) for k in range(j + 1)))


def _x(x: Expr, k: int) -> Expr:
    return ONE if k == 0 else x if k == 1 else Pow(x, Num(Fraction(k)))
