"""Sums of powers of one variable, and where the derivative of two of them vanishes. Candidates only."""

from __future__ import annotations

from fractions import Fraction

from dltsym.notation.tree import Add, Call, Div, Expr, Mul, Neg, Num, Pow, Sym
from dltsym.notation.walk import free_symbols
from dltsym.prove.shapes import rational

ZERO, ONE, HALF = Num(Fraction(0)), Num(Fraction(1)), Num(Fraction(1, 2))
Term = tuple[Expr, Expr]


def times(a: Expr, b: Expr) -> Expr:
    """Return a product without needless ones, minus signs in front, numbers first.

    Parameters
    ----------
    a, b : Expr
        Factors.

    Returns
    -------
    Expr
    """
    (an, ad), (bn, bd) = _fraction(a), _fraction(b)
    return _quotient((*_factors(an), *_factors(bn)), (*_factors(ad), *_factors(bd)))


def over(a: Expr, b: Expr) -> Expr:
    """Return a quotient without quotients inside.

    Parameters
    ----------
    a, b : Expr
        Numerator and denominator.

    Returns
    -------
    Expr
    """
    (an, ad), (bn, bd) = _fraction(a), _fraction(b)
    return _quotient((*_factors(an), *_factors(bd)), (*_factors(ad), *_factors(bn)))


def _fraction(e: Expr) -> tuple[Expr, Expr]:
    if isinstance(e, Neg):
        top, bottom = _fraction(e.arg)
        return Neg(top), bottom
    return (e.num, e.den) if isinstance(e, Div) else (e, ONE)


def _factors(e: Expr) -> tuple[Expr, ...]:
    match e:
        case Neg(arg):
            return (Num(Fraction(-1)), *_factors(arg))
        case Mul(args):
            return tuple(f for a in args for f in _factors(a))
    return (e,)


def _quotient(top: tuple[Expr, ...], bottom: tuple[Expr, ...]) -> Expr:
    number = Fraction(1)
    for f in top:
        number *= f.value if isinstance(f, Num) else 1
    for f in bottom:
        number /= f.value if isinstance(f, Num) else 1
    num, den = ([f for f in part if not isinstance(f, Num)] for part in (top, bottom))
    for f in list(den):
        if f in num:
            num.remove(f)
            den.remove(f)
    up, down = _product_of(abs(number.numerator), num), _product_of(number.denominator, den)
    up = Neg(up) if number < 0 else up  # the text -a/b reads back as (-a)/b
    return up if down == ONE or number == 0 else Div(up, down)


def _product_of(number: int, factors: list[Expr]) -> Expr:
    if number == 0:
        return ZERO
    every = [*([Num(Fraction(number))] if number != 1 or not factors else []), *factors]
    return every[0] if len(every) == 1 else Mul(tuple(every))


def plus(a: Expr, b: Expr) -> Expr:
    """Return a sum without needless zeros.

    Parameters
    ----------
    a, b : Expr
        Terms.

    Returns
    -------
    Expr
    """
    if (
        isinstance(a, Num | Neg)
        and isinstance(b, Num | Neg)
        and all(isinstance(f, Num) for f in (*_factors(a), *_factors(b)))
    ):
        return _quotient((Num(_value(a) + _value(b)),), ())
    if a == ZERO or b == ZERO:
        return b if a == ZERO else a
    return Add((b, a)) if isinstance(a, Neg) and not isinstance(b, Neg) else Add((a, b))


def _value(e: Expr) -> Fraction:
    out = Fraction(1)
    for f in _factors(e):
        out *= f.value if isinstance(f, Num) else 1
    return out


def minus(a: Expr) -> Expr:
    """Return the negative.

    Parameters
    ----------
    a : Expr
        Term.

    Returns
    -------
    Expr
    """
    return times(Num(Fraction(-1)), a)


def to_power(base: Expr, exponent: Expr) -> Expr:
    """Return a power; a square root is written as one.

    Parameters
    ----------
    base, exponent : Expr
        Base and exponent.

    Returns
    -------
    Expr
    """
    number = rational(exponent)
    if number == 1 or base == ONE:
        return base
    if isinstance(base, Num) and number is not None and number.denominator == 1 and abs(number) < 100:
        return _quotient((Num(base.value**number.numerator),), ())
    if number == HALF.value:
        return Call("sqrt", (base,))
    if isinstance(_fraction(exponent)[0], Neg):
        return over(ONE, to_power(base, minus(exponent)))
    return Pow(base, exponent)


def terms(e: Expr, x: Sym) -> list[Term] | None:
    """Write an expression as a sum of ``coefficient * x**exponent``.

    Parameters
    ----------
    e : Expr
        Expression.
    x : Sym
        Variable.

    Returns
    -------
    list of tuple or None
        None when it is not visibly such a sum.
    """
    if x not in free_symbols(e):
        return [(e, ZERO)]
    match e:
        case Sym():
            return [(ONE, ONE)]
        case Neg(arg):
            inner = terms(arg, x)
            return None if inner is None else [(minus(c), k) for c, k in inner]
        case Add(args):
            parts = [terms(a, x) for a in args]
            return None if None in parts else [t for p in parts for t in p or ()]
        case Mul(args):
            out: list[Term] | None = [(ONE, ZERO)]
            for a in args:
                inner = terms(a, x)
                out = None if out is None or inner is None else _product(out, inner)
            return out
        case Div(num, den):
            top, bottom = terms(num, x), _single(den, x)
            return (
                None
                if top is None or bottom is None
                else [(over(c, bottom[0]), plus(k, minus(bottom[1]))) for c, k in top]
            )
        case Pow(base, n) if x not in free_symbols(n):
            one = _single(base, x)
            return None if one is None else [(to_power(one[0], n), times(one[1], n))]
        case Call("sqrt", (arg,)):
            one = _single(arg, x)
            return None if one is None else [(to_power(one[0], HALF), times(one[1], HALF))]
    return None


def _product(a: list[Term], b: list[Term]) -> list[Term]:
    return [(times(c, d), plus(k, m)) for c, k in a for d, m in b]


def _single(e: Expr, x: Sym) -> Term | None:
    found = terms(e, x)
    return found[0] if found is not None and len(found) == 1 else None


def stationary(e: Expr, x: Sym) -> Expr | None:
    """Return the point where the derivative of a constant plus two powers vanishes.

    Parameters
    ----------
    e : Expr
        Expression.
    x : Sym
        Positive variable.

    Returns
    -------
    Expr or None
    """
    moving = [t for t in terms(e, x) or () if t[1] != ZERO]
    if len(moving) != 2:
        return None
    (c, k), (d, m) = sorted(moving, key=lambda t: isinstance(_fraction(t[1])[0], Neg))
    ratio = over(minus(times(d, m)), times(c, k))  # x**(k - m)
    return to_power(ratio, over(ONE, plus(k, minus(m))))
