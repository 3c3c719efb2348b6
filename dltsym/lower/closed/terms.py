"""Trees as sums of signed terms, products of factors, sums of exponentials and polynomials."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from math import prod

from dltsym.notation.tree import Add, Call, Div, Expr, Mul, Neg, Num, Pow
from dltsym.notation.walk import key

ZERO, ONE, TWO = (Num(Fraction(k)) for k in range(3))
Term = tuple[int, Expr]
Poly = dict[tuple[str, ...], Fraction]


def signed_terms(e: Expr, sign: int = 1) -> list[Term]:
    """Return the terms of a sum with their signs, nested sums and negations opened.

    Parameters
    ----------
    e : Expr
        Tree.
    sign : int
        Sign of the whole.

    Returns
    -------
    list of tuple
    """
    if isinstance(e, Neg):
        return signed_terms(e.arg, -sign)
    if isinstance(e, Add):
        return [t for a in e.args for t in signed_terms(a, sign)]
    if isinstance(e, Num) and e.value < 0:
        return [(-sign, Num(-e.value))]
    if isinstance(e, Div) and isinstance(e.num, Neg):
        return [(-sign, Div(e.num.arg, e.den))]
    return [(sign, e)]


def sum_of(terms: list[Term]) -> Expr:
    """Add signed terms; none gives 0.

    Parameters
    ----------
    terms : list of tuple
        Signs and trees.

    Returns
    -------
    Expr
    """
    args = tuple(t if sign > 0 else Neg(t) for sign, t in terms)
    return args[0] if len(args) == 1 else Add(args) if args else ZERO


def factors(e: Expr) -> tuple[list[Expr], list[Expr]]:
    """Return the factors above and below the fraction bar.

    Parameters
    ----------
    e : Expr
        Tree.

    Returns
    -------
    tuple of list of Expr
    """
    match e:
        case Mul(args):
            pairs = [factors(a) for a in args]
            return [f for up, _ in pairs for f in up], [f for _, down in pairs for f in down]
        case Div(num, den):
            (a, b), (c, d) = factors(num), factors(den)
            return a + d, b + c
    return [] if e == ONE else [e], []


def product(items: list[Expr]) -> Expr:
    """Multiply; an empty list gives 1.

    Parameters
    ----------
    items : list of Expr
        Factors.

    Returns
    -------
    Expr
    """
    return items[0] if len(items) == 1 else Mul(tuple(items)) if items else ONE


def is_exp(e: Expr) -> bool:
    """Tell whether a tree is an exponential.

    Parameters
    ----------
    e : Expr
        Tree.

    Returns
    -------
    bool
    """
    return isinstance(e, Call) and e.name == "exp"


# Sums of exponentials


def exponential_sum(e: Expr) -> bool:
    """Tell whether a tree is a sum of two or more terms with exactly one exponential factor each.

    Parameters
    ----------
    e : Expr
        Tree.

    Returns
    -------
    bool
    """
    return isinstance(e, Add) and all(exponential_sum(a) or _one_exponential(a) for a in e.args)


def _one_exponential(e: Expr) -> bool:
    up, down = factors(e)
    return sum(map(is_exp, up)) == 1 and not any(map(is_exp, down))


def shifted(e: Expr, by: Expr) -> Expr:
    """Return a sum of exponentials divided by ``exp(by)``.

    Parameters
    ----------
    e : Expr
        Sum of exponentials.
    by : Expr
        Exponent to take off.

    Returns
    -------
    Expr
    """
    if isinstance(e, Add):
        return Add(tuple(shifted(a, by) for a in e.args))
    up, down = factors(e)
    new = [Call("exp", (Add((f.args[0], Neg(by))),)) if isinstance(f, Call) and f.name == "exp" else f for f in up]
    return product(new) if not down else Div(product(new), product(down))


def exponents(e: Expr) -> list[Expr]:
    """Return the exponents of a sum of exponentials.

    Parameters
    ----------
    e : Expr
        Sum of exponentials.

    Returns
    -------
    list of Expr
    """
    if isinstance(e, Add):
        return [x for a in e.args for x in exponents(a)]
    return [f.args[0] for f in factors(e)[0] if isinstance(f, Call) and f.name == "exp"]


def coefficients(e: Expr) -> list[Expr]:
    """Return what multiplies each exponential of a sum of exponentials, in the order of `exponents`.

    Parameters
    ----------
    e : Expr
        Sum of exponentials.

    Returns
    -------
    list of Expr
    """
    if isinstance(e, Add):
        return [x for a in e.args for x in coefficients(a)]
    up, down = factors(e)
    top = product([f for f in up if not is_exp(f)])
    return [Div(top, product(down)) if down else top]


# Logarithms


def times(a: Expr, b: Expr) -> Expr:
    """Multiply two trees, without a factor 1 or a nested product.

    Parameters
    ----------
    a, b : Expr
        Factors.

    Returns
    -------
    Expr
    """
    return b if a == ONE else Mul((*a.args, b)) if isinstance(a, Mul) else Mul((a, b))


def combine(parts: list[tuple[int, Poly]]) -> Poly:
    """Add signed polynomials.

    Parameters
    ----------
    parts : list of tuple
        Signs and polynomials.

    Returns
    -------
    dict
    """
    out: Poly = {}
    for sign, poly in parts:
        for monomial, c in poly.items():
            out[monomial] = out.get(monomial, Fraction(0)) + sign * c
    return {m: c for m, c in out.items() if c}


def polynomial(e: Expr, atoms: dict[str, Expr] | None = None) -> Poly:
    """Expand sums and products; anything else is an atom.

    Parameters
    ----------
    e : Expr
        Tree.
    atoms : dict, optional
        Filled with the atoms by key.

    Returns
    -------
    dict
        Coefficient of each sorted tuple of atoms.
    """
    match e:
        case Num(value):
            return {(): value} if value else {}
        case Neg(arg):
            return combine([(-1, polynomial(arg, atoms))])
        case Add(args) | Call("dot", args):
            return combine([(1, polynomial(a, atoms)) for a in args])
        case Mul(args) if prod(_width(a) for a in args) <= 64:
            out: Poly = {(): Fraction(1)}
            for a in args:
                p = polynomial(a, atoms)
                out = combine([(1, {tuple(sorted(m + n)): c * d}) for m, c in out.items() for n, d in p.items()])
            return out
    name = key(e)
    if atoms is not None:
        atoms[name] = e
    return {(name,): Fraction(1)}


def _width(e: Expr) -> int:
    return sum(map(_width, e.args)) if isinstance(e, Add) else prod(map(_width, e.args)) if isinstance(e, Mul) else 1


def spelled(poly: Poly, atoms: dict[str, Expr]) -> list[Term]:
    """Return a polynomial as signed terms.

    Parameters
    ----------
    poly : dict
        Polynomial.
    atoms : dict
        Atoms by key.

    Returns
    -------
    list of tuple
    """
    out: list[Term] = []
    for monomial, c in poly.items():
        items = [atoms[a] if n == 1 else Pow(atoms[a], Num(Fraction(n))) for a, n in Counter(monomial).items()]
        size = [Num(abs(c))] if abs(c) != 1 or not items else []
        out.append((1 if c > 0 else -1, product([*size, *items])))
    return out
