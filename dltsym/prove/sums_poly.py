"""Expanded form of a summand: rational coefficients times powers of atoms, and the way back to a tree."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from math import gcd, lcm

from dltsym.errors import DltsymError
from dltsym.notation.tree import Add, Call, Expr, Mul, Num, Pow
from dltsym.notation.walk import key

MAX_TERMS, MAX_POWER = 400, 8
ONE = Fraction(1)


class TooBig(DltsymError):
    """The expanded form is too large, or a shape is not handled; the caller answers "unknown"."""


@dataclass(frozen=True)
class Atom:
    """A factor that is not taken apart; a group (a sum used as a base) also carries its expanded form."""

    key: str
    expr: Expr = field(compare=False)
    inside: tuple[tuple[Mono, Fraction], ...] | None = field(default=None, compare=False)


Mono = tuple[tuple[Atom, Fraction], ...]
Poly = dict[Mono, Fraction]


def atom(expr: Expr) -> Atom:
    """Return an expression as an atom.

    Parameters
    ----------
    expr : Expr
        Expression in canonical form.

    Returns
    -------
    Atom
    """
    return Atom(_key(expr), expr)


@lru_cache(maxsize=8192)
def _key(expr: Expr) -> str:
    return key(expr)


def constant(value: Fraction | int) -> Poly:
    """Return a number.

    Parameters
    ----------
    value : Fraction
        Number.

    Returns
    -------
    dict
    """
    return {(): Fraction(value)} if value else {}


def single(base: Expr | Atom, exponent: Fraction = ONE) -> Poly:
    """Return one atom to a power.

    Parameters
    ----------
    base : Expr or Atom
        Base.
    exponent : Fraction
        Exponent.

    Returns
    -------
    dict
    """
    return {((base if isinstance(base, Atom) else atom(base), exponent),): ONE}


def add(*polys: Poly) -> Poly:
    """Add expanded forms.

    Parameters
    ----------
    *polys : dict
        Terms.

    Returns
    -------
    dict
    """
    out: Poly = {}
    for p in polys:
        for mono, c in p.items():
            total = out.get(mono, Fraction(0)) + c
            if total:
                out[mono] = total
            else:
                out.pop(mono, None)
    return out


def scale(p: Poly, c: Fraction | int) -> Poly:
    """Multiply by a number.

    Parameters
    ----------
    p : dict
        Expanded form.
    c : Fraction
        Number.

    Returns
    -------
    dict
    """
    return {m: k * c for m, k in p.items()} if c else {}


def multiply(p: Poly, q: Poly) -> Poly:
    """Multiply expanded forms.

    Parameters
    ----------
    p, q : dict
        Factors.

    Returns
    -------
    dict

    Raises
    ------
    TooBig
        When the product has too many terms.
    """
    if len(p) * len(q) > MAX_TERMS:
        raise TooBig(f"a product of {len(p)} by {len(q)} terms")
    return add(*(scale(_join(m, k), c * d) for m, c in p.items() for k, d in q.items()))


def _join(left: Mono, right: Mono) -> Poly:
    powers = dict(left)
    for a, e in right:
        powers[a] = powers.get(a, Fraction(0)) + e
    return settle(powers)


def settle(powers: dict[Atom, Fraction]) -> Poly:
    """Turn powers of atoms into an expanded form: whole powers of numbers, deltas and groups are resolved.

    Parameters
    ----------
    powers : dict of Atom to Fraction
        Exponents.

    Returns
    -------
    dict
    """
    coef, kept, extra = ONE, [], []
    for a, e in powers.items():
        if not e:
            continue
        if isinstance(a.expr, Num) and e.denominator == 1:
            coef *= a.expr.value**e.numerator
        elif isinstance(a.expr, Call) and a.expr.name == "delta" and e > 0:
            kept.append((a, ONE))
        elif a.inside is not None and e.denominator == 1 and e > 0:
            extra.append(integer_power(dict(a.inside), e.numerator))
        else:
            kept.append((a, e))
    out: Poly = {tuple(sorted(kept, key=lambda t: t[0].key)): coef}
    for p in extra:
        out = multiply(out, p)
    return out


def integer_power(p: Poly, e: int) -> Poly:
    """Expand a positive whole power.

    Parameters
    ----------
    p : dict
        Base.
    e : int
        Exponent, at least 0.

    Returns
    -------
    dict

    Raises
    ------
    TooBig
        When the exponent is too large to expand.
    """
    if len(p) > 1 and e > MAX_POWER:
        raise TooBig(f"power {e} of {len(p)} terms")
    if len(p) == 1:
        ((mono, c),) = p.items()
        return scale(settle({a: k * e for a, k in mono}), c**e)
    out = constant(1)
    for _ in range(e):
        out = multiply(out, p)
    return out


def content(p: Poly) -> tuple[Fraction, dict[Atom, Fraction], Poly]:
    """Split off the positive rational content and the common power of every atom.

    Parameters
    ----------
    p : dict
        Non-zero expanded form.

    Returns
    -------
    tuple
        Content, common powers, what is left (with whole coprime coefficients).
    """
    den = lcm(*(c.denominator for c in p.values()))
    num = gcd(*(int(c * den) for c in p.values()))
    atoms = {a for mono in p for a, _ in mono}
    common = {a: min(dict(mono).get(a, Fraction(0)) for mono in p) for a in atoms}
    common = {a: e for a, e in sorted(common.items(), key=lambda t: t[0].key) if e}
    rest: Poly = {}
    for mono, c in p.items():
        powers = dict(mono)
        for a, e in common.items():
            powers[a] = powers.get(a, Fraction(0)) - e
        left = tuple((a, powers[a]) for a in sorted(powers, key=lambda a: a.key) if powers[a])
        rest[left] = c * Fraction(den, num)
    return Fraction(num, den), common, rest


def group(p: Poly) -> Atom:
    """Return an expanded form as one atom, to stand under a power that cannot be expanded.

    Parameters
    ----------
    p : dict
        Expanded form.

    Returns
    -------
    Atom
    """
    tree = to_tree(p)
    return Atom(_key(tree), tree, tuple(p.items()))


def to_tree(p: Poly) -> Expr:
    """Return the tree of an expanded form, terms and factors sorted by key.

    Parameters
    ----------
    p : dict
        Expanded form.

    Returns
    -------
    Expr
    """
    terms = sorted((_term(mono, c) for mono, c in p.items()), key=_key)
    if not terms:
        return Num(Fraction(0))
    return terms[0] if len(terms) == 1 else Add(tuple(terms))


def _term(mono: Mono, c: Fraction) -> Expr:
    factors = sorted((_factor(a.expr, e) for a, e in mono), key=_key)
    if c != 1 or not factors:
        factors.insert(0, Num(c))
    return factors[0] if len(factors) == 1 else Mul(tuple(factors))


def _factor(base: Expr, e: Fraction) -> Expr:
    if e == 1:
        return base
    if isinstance(base, Call) and base.name == "exp":
        inner = base.args[0]
        rest = inner.args if isinstance(inner, Mul) else (inner,)
        return Call("exp", (Mul((Num(e), *rest)),))
    if e == Fraction(1, 2):
        return Call("sqrt", (base,))
    return Pow(base, Num(e))


def sort_tree(expr: Expr) -> Expr:
    """Sort terms and factors of one node by key; numbers stay in front of a product.

    Parameters
    ----------
    expr : Expr
        Node whose children are sorted already.

    Returns
    -------
    Expr
    """
    if isinstance(expr, Add):
        return Add(tuple(sorted(expr.args, key=_key)))
    if isinstance(expr, Mul):
        return Mul(tuple(sorted(expr.args, key=lambda a: (not isinstance(a, Num), _key(a)))))
    if isinstance(expr, Call) and expr.name in ("delta", "max", "min"):
        return Call(expr.name, tuple(sorted(expr.args, key=_key)))
    return expr
