"""Quotients of polynomials over generators: the normal form in which the exporter thinks.

Generators have a number: below `REAL` the symbols, exponentials, logarithms and roots of one proof, from `REAL` on its
facts (polynomials that are known not to be negative), which a sign certificate is a polynomial in.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from flint import Ordering, fmpq, fmpq_mpoly, fmpq_mpoly_ctx

REAL, ALL = 40, 80
Poly = fmpq_mpoly


@lru_cache(maxsize=1)
def ring() -> fmpq_mpoly_ctx:
    """Return the one ring that all proofs share.

    Returns
    -------
    fmpq_mpoly_ctx
    """
    return fmpq_mpoly_ctx.get(tuple(f"g{k}" for k in range(ALL)), Ordering.degrevlex)


def constant(c: Fraction | int) -> Poly:
    """Return a constant polynomial.

    Parameters
    ----------
    c : Fraction or int
        Value.

    Returns
    -------
    fmpq_mpoly
    """
    c = Fraction(c)
    return ring().constant(fmpq(c.numerator, c.denominator))


def fraction(c: fmpq) -> Fraction:
    """Return a coefficient as a `Fraction`.

    Parameters
    ----------
    c : fmpq
        Coefficient.

    Returns
    -------
    Fraction
    """
    return Fraction(int(c.p), int(c.q))


@dataclass(frozen=True)
class Quotient:
    """``num/den`` in lowest terms, the leading coefficient of ``den`` is 1."""

    num: Poly
    den: Poly

    def __add__(self, other: Quotient) -> Quotient:
        return quotient(self.num * other.den + other.num * self.den, self.den * other.den)

    def __mul__(self, other: Quotient) -> Quotient:
        return quotient(self.num * other.num, self.den * other.den)

    def inverse(self) -> Quotient:
        """Return the inverse.

        Returns
        -------
        Quotient
        """
        return quotient(self.den, self.num)

    def __pow__(self, n: int) -> Quotient:
        return Quotient(self.num**n, self.den**n) if n >= 0 else self.inverse() ** (-n)


def quotient(num: Poly, den: Poly | None = None) -> Quotient:
    """Build a quotient in lowest terms.

    Parameters
    ----------
    num, den : fmpq_mpoly
        Numerator, and denominator (1 by default).

    Returns
    -------
    Quotient
    """
    den = constant(1) if den is None else den
    if num.is_zero():
        return Quotient(num, constant(1))
    common = num.gcd(den)
    num, den = num / common, den / common
    lead = den.leading_coefficient()
    return Quotient(num / lead, den / lead)


def variables(poly: Poly) -> list[int]:
    """Return the numbers of the generators that occur.

    Parameters
    ----------
    poly : fmpq_mpoly
        Polynomial.

    Returns
    -------
    list of int
    """
    return [v for v, d in enumerate(poly.degrees()) if d > 0] if not poly.is_constant() else []


def coefficients(poly: Poly, v: int) -> dict[int, Poly]:
    """Return the coefficients of a polynomial in one generator.

    Parameters
    ----------
    poly : fmpq_mpoly
        Polynomial.
    v : int
        Generator.

    Returns
    -------
    dict of int to fmpq_mpoly
    """
    parts: dict[int, dict[tuple[int, ...], fmpq]] = {}
    for exps, c in poly.to_dict().items():
        parts.setdefault(exps[v], {})[(*exps[:v], 0, *exps[v + 1 :])] = c
    return {k: ring().from_dict(part) for k, part in parts.items()}


def primes(n: int) -> dict[int, int]:
    """Factor a positive integer below a million squared by trial division.

    Parameters
    ----------
    n : int
        Integer.

    Returns
    -------
    dict of int to int
        Prime to exponent; a large rest is left whole.
    """
    out: dict[int, int] = {}
    p = 2
    while p * p <= n and p < 10**6:
        while n % p == 0:
            out[p] = out.get(p, 0) + 1
            n //= p
        p += 1
    if n > 1:
        out[n] = out.get(n, 0) + 1
    return out
