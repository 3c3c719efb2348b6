"""Polynomials over named atoms with rational coefficients, and quotients of them with factored denominators.

An atom is a text key; what it stands for is kept by `dltsym.prove.atoms`. Polynomials are plain dicts from monomials
to non-zero coefficients and are never changed once built.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce

from dltsym.errors import UnknownNode

Mono = tuple[tuple[str, int], ...]
Poly = dict[Mono, Fraction]
Frozen = tuple[tuple[Mono, Fraction], ...]
MAX_TERMS = 600
ONE: Poly = {(): Fraction(1)}


@dataclass(frozen=True)
class Ratio:
    """``num`` over the product of ``factor**exponent``; every factor is known not to vanish."""

    num: Poly
    den: tuple[tuple[Frozen, int], ...] = ()


def constant(value: Fraction | int) -> Poly:
    """Return a constant polynomial.

    Parameters
    ----------
    value : Fraction or int
        Its value.

    Returns
    -------
    Poly
    """
    return {(): Fraction(value)} if value else {}


def variable(name: str, exponent: int = 1) -> Poly:
    """Return a power of one atom.

    Parameters
    ----------
    name : str
        Atom.
    exponent : int
        Positive exponent.

    Returns
    -------
    Poly
    """
    return {((name, exponent),): Fraction(1)}


def add(a: Poly, b: Poly, scale: Fraction | int = 1) -> Poly:
    """Return ``a + scale*b``.

    Parameters
    ----------
    a, b : Poly
        Polynomials.
    scale : Fraction or int
        Factor of `b`.

    Returns
    -------
    Poly
    """
    if not scale:
        return dict(a)
    out = dict(a)
    for mono, c in b.items():
        more = c if scale == 1 else scale * c
        if mono not in out:
            out[mono] = more
        elif total := out[mono] + more:
            out[mono] = total
        else:
            del out[mono]
    return out


def join(a: Mono, b: Mono) -> Mono:
    """Return the product of two monomials.

    Parameters
    ----------
    a, b : Mono
        Monomials.

    Returns
    -------
    Mono
    """
    if not a or not b:
        return a or b
    powers = dict(a)
    for name, k in b:
        powers[name] = powers.get(name, 0) + k
    return tuple(sorted(powers.items()))


def mul(a: Poly, b: Poly) -> Poly:
    """Return the product.

    Parameters
    ----------
    a, b : Poly
        Polynomials.

    Returns
    -------
    Poly

    Raises
    ------
    UnknownNode
        When it would have too many terms.
    """
    if len(a) * len(b) > 20 * MAX_TERMS:
        raise UnknownNode("the polynomial is too large")
    if a == ONE or b == ONE:
        return b if a == ONE else a
    out: Poly = {}
    for m, c in a.items():
        for k, d in b.items():
            mono, part = join(m, k), c * d
            out[mono] = out[mono] + part if mono in out else part
    out = {m: c for m, c in out.items() if c}
    if len(out) > MAX_TERMS:
        raise UnknownNode("the polynomial is too large")
    return out


def power(a: Poly, k: int) -> Poly:
    """Return ``a**k`` for a whole number `k`.

    Parameters
    ----------
    a : Poly
        Base.
    k : int
        Exponent, not negative.

    Returns
    -------
    Poly

    Raises
    ------
    UnknownNode
        When the exponent is too large.
    """
    if k > 40:
        raise UnknownNode("the exponent is too large")
    if len(a) == 1:
        ((mono, c),) = a.items()
        return {tuple((name, e * k) for name, e in mono): c**k} if k else ONE
    return reduce(mul, [a] * k, ONE)


def freeze(a: Poly) -> Frozen:
    """Return a hashable form.

    Parameters
    ----------
    a : Poly
        Polynomial.

    Returns
    -------
    Frozen
    """
    return tuple(sorted(a.items()))


def text_of(num: Poly, den: tuple[tuple[Frozen, int], ...] = ()) -> str:
    """Return a canonical text of a polynomial or quotient.

    Parameters
    ----------
    num : Poly
        Numerator.
    den : tuple of (Frozen, int)
        Denominator factors.

    Returns
    -------
    str
    """
    top = "+".join(f"{c}*{_mono(m)}" for m, c in freeze(num))
    below = "*".join(f"({text_of(dict(f))})^{k}" for f, k in den)
    return f"[{top}]/[{below}]" if den else f"[{top}]"


def _mono(m: Mono) -> str:
    return "*".join(f"{n}^{k}" for n, k in m)


def names(a: Poly) -> Iterable[str]:
    """Yield the atoms of a polynomial, in order, once each.

    Parameters
    ----------
    a : Poly
        Polynomial.

    Returns
    -------
    iterable of str
    """
    return dict.fromkeys(name for mono in sorted(a) for name, _ in mono)


def factors(a: Poly) -> tuple[Fraction, list[tuple[Frozen, int]]]:
    """Split off what every term shares: coefficient, common atoms, and the monic rest.

    Parameters
    ----------
    a : Poly
        Polynomial, not zero.

    Returns
    -------
    coefficient : Fraction
        Leading coefficient.
    parts : list of (Frozen, int)
        Factors with exponents.
    """
    shared = dict(next(iter(a)))
    for mono in a:
        powers = dict(mono)
        shared = {name: min(k, powers[name]) for name, k in shared.items() if name in powers}
    lead = a[max(a)]
    parts = [(freeze(variable(name)), k) for name, k in sorted(shared.items())]
    rest = {_without(mono, shared): c / lead for mono, c in a.items()}
    if len(rest) > 1:
        parts.append((freeze(rest), 1))
    return lead, parts


def _without(mono: Mono, shared: dict[str, int]) -> Mono:
    return tuple((name, k - shared.get(name, 0)) for name, k in mono if k > shared.get(name, 0))


def ratio_add(a: Ratio, b: Ratio, scale: Fraction | int = 1) -> Ratio:
    """Return ``a + scale*b`` over the least common denominator.

    Parameters
    ----------
    a, b : Ratio
        Quotients.
    scale : Fraction or int
        Factor of `b`.

    Returns
    -------
    Ratio
    """
    left, right = dict(a.den), dict(b.den)
    den = {f: max(left.get(f, 0), right.get(f, 0)) for f in (*left, *right)}
    nums = [mul(r.num, expand((f, k - have.get(f, 0)) for f, k in den.items())) for r, have in ((a, left), (b, right))]
    return reduced(add(nums[0], nums[1], scale), den)


def ratio_mul(a: Ratio, b: Ratio) -> Ratio:
    """Return the product of two quotients.

    Parameters
    ----------
    a, b : Ratio
        Quotients.

    Returns
    -------
    Ratio
    """
    den = dict(a.den)
    for f, k in b.den:
        den[f] = den.get(f, 0) + k
    return reduced(mul(a.num, b.num), den)


def ratio_inverse(a: Ratio) -> Ratio:
    """Return ``1/a``; the caller knows that the numerator does not vanish.

    Parameters
    ----------
    a : Ratio
        Quotient.

    Returns
    -------
    Ratio
    """
    lead, parts = factors(a.num)
    num = mul(constant(1 / lead), expand(a.den))
    return reduced(num, dict(parts))


def expand(parts: Iterable[tuple[Frozen, int]]) -> Poly:
    """Multiply out factors.

    Parameters
    ----------
    parts : iterable of (Frozen, int)
        Factors with exponents.

    Returns
    -------
    Poly
    """
    return reduce(mul, (power(dict(f), k) for f, k in parts if k > 0), ONE)


def reduced(num: Poly, den: dict[Frozen, int]) -> Ratio:
    """Cancel denominators that divide the numerator visibly (an atom, or the whole numerator).

    Parameters
    ----------
    num : Poly
        Numerator.
    den : dict
        Denominator factors with exponents; none of them vanishes.

    Returns
    -------
    Ratio
    """
    left = dict(den)
    for f in den:
        while left[f] > 0 and num and (smaller := _divided(num, f)) is not None:
            num, left[f] = smaller, left[f] - 1
    return Ratio(num, tuple(sorted((f, k) for f, k in left.items() if k > 0)) if num else ())


def _divided(num: Poly, factor: Frozen) -> Poly | None:
    if len(factor) == 1:
        ((mono, _),) = factor
        ((name, _),) = mono
        if all(name in dict(m) for m in num):
            return {_without(m, {name: 1}): c for m, c in num.items()}
        return None
    lead = num[max(num)]
    if len(num) == len(factor) and all(num.get(m) == lead * c for m, c in factor):
        return constant(lead)
    return None
