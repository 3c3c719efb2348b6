"""Fractions of rational polynomials modulo relations: the arithmetic under the exact tower.

A `Field` owns one polynomial ring over numbered generators and a list of relations ``den * g**degree = num``. The
invariant of every fraction: wherever the expression it stands for is defined, the denominator is not zero there and
the quotient is the value. Only true relations and factors of denominators that are known not to vanish are used.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from fractions import Fraction

from flint import Ordering, fmpq, fmpq_mpoly, fmpq_mpoly_ctx

MAX_TERMS, MAX_POWER, MAX_WORK, MAX_SIZE = 20_000, 200, 2_000_000, 400


class Unknown(Exception):
    """The tower cannot decide: a node it cannot represent, or a budget is spent."""


@dataclass(frozen=True)
class Frac:
    """A fraction of two polynomials of one `Field`; the denominator has leading coefficient 1."""

    num: fmpq_mpoly
    den: fmpq_mpoly

    def __str__(self) -> str:
        return f"({self.num})/({self.den})"


@dataclass(frozen=True)
class Relation:
    """``den * g**degree = num`` for generator number `gen`; `num` has lower degree in it.

    `unit` says that the generator does not vanish where it is divided by, so that ``1/g`` may be rewritten.
    """

    gen: int
    degree: int
    num: fmpq_mpoly
    den: fmpq_mpoly
    unit: bool


def rational(value: Fraction | int) -> fmpq:
    """Return a number as a flint rational."""
    value = Fraction(value)
    return fmpq(value.numerator, value.denominator)


def fraction(value: fmpq) -> Fraction:
    """Return a flint rational as a Python fraction."""
    value = fmpq(value)
    return Fraction(int(value.p), int(value.q))


class Field:
    """Arithmetic on `Frac` with budgets; raises `Unknown` when one is spent."""

    def __init__(self, size: int, deadline: float) -> None:
        self.ctx = fmpq_mpoly_ctx.get(("g", size), Ordering.lex)
        self.vars = self.ctx.gens()
        self.one = self.ctx.constant(1)
        self.relations: list[Relation] = []
        self.deadline = deadline
        self.checks = 0

    def const(self, value: Fraction | int) -> Frac:
        """Return a constant."""
        return Frac(self.ctx.constant(rational(value)), self.one)

    def poly(self, num: fmpq_mpoly) -> Frac:
        """Return a polynomial as a fraction."""
        return Frac(num, self.one)

    def constant_of(self, a: Frac) -> Fraction | None:
        """Return the value of a constant fraction, else None."""
        if not (a.num.is_constant() and a.den.is_constant()):
            return None
        return fraction(a.num.leading_coefficient()) if not a.num.is_zero() else Fraction(0)

    def product(self, a: fmpq_mpoly, b: fmpq_mpoly) -> fmpq_mpoly:
        """Multiply two polynomials within the budgets."""
        if len(a) * len(b) > MAX_WORK:
            raise Unknown("a polynomial grew too large")
        out = a * b
        self.check(out)
        return out

    def check(self, p: fmpq_mpoly) -> None:
        """Raise `Unknown` when a polynomial or the time is over budget."""
        if len(p) > MAX_TERMS:
            raise Unknown("a polynomial grew too large")
        self.checks += 1
        if self.checks % 16 == 0 and time.process_time() > self.deadline:  # to ask for the time takes time
            raise Unknown("timeout")

    def poly_power(self, p: fmpq_mpoly, n: int) -> fmpq_mpoly:
        """Raise a polynomial to a small natural power."""
        if n > MAX_POWER and not p.is_constant():
            raise Unknown(f"exponent {n} is too large")
        if p.is_constant() and not p.is_zero():
            size = len(str(p.leading_coefficient()))
            if size * n > 20_000:
                raise Unknown(f"a number with {size * n} digits is too long")
        out = self.one
        while n:
            out = self.product(out, p) if n & 1 else out
            n >>= 1
            p = self.product(p, p) if n else p
        return out

    def reduce(self, p: fmpq_mpoly) -> tuple[fmpq_mpoly, fmpq_mpoly]:
        """Return ``(q, d)`` with ``p = q/d`` modulo the relations, latest relation first."""
        den = self.one
        for rel in reversed(self.relations):
            while (top := int(p.degrees()[rel.gen])) >= rel.degree:
                times = top // rel.degree
                p, extra = self._lower(p, rel, times)
                den = self.product(den, extra)
        return p, den

    def _lower(self, p: fmpq_mpoly, rel: Relation, times: int) -> tuple[fmpq_mpoly, fmpq_mpoly]:
        groups: dict[int, dict[tuple[int, ...], fmpq]] = {}
        for exponents, c in p.to_dict().items():
            k = exponents[rel.gen] // rel.degree
            rest = list(exponents)
            rest[rel.gen] -= k * rel.degree
            groups.setdefault(k, {})[tuple(rest)] = c
        out = self.ctx.constant(0)
        for k, part in groups.items():
            factor = self.product(self.poly_power(rel.num, k), self.poly_power(rel.den, times - k))
            out += self.product(self.ctx.from_dict(part), factor)
        return out, self.poly_power(rel.den, times)

    def normal(self, num: fmpq_mpoly, den: fmpq_mpoly) -> Frac:
        """Return ``num/den`` reduced modulo the relations and cancelled."""
        if self.relations:
            num, below = self.reduce(num)
            den, above = self.reduce(den)
            num, den = self.product(num, above), self.product(den, below)
            num, den = self._rationalise(num, den)
        if den.is_zero():
            raise Unknown("a denominator is identically zero")
        if num.is_zero():
            return Frac(num, self.one)
        if not den.is_constant():
            if len(num) > MAX_SIZE * 10 or len(den) > MAX_SIZE:
                raise Unknown("a fraction is too large to cancel")
            common = num.gcd(den)
            if not common.is_constant():
                num, den = num / common, den / common
        self.check(num)
        lead = den.leading_coefficient()
        return Frac(num / lead, den / lead)

    def _rationalise(self, num: fmpq_mpoly, den: fmpq_mpoly) -> tuple[fmpq_mpoly, fmpq_mpoly]:
        """Clear generators with a relation from a monomial factor of the denominator: ``1/r = r**(d-1)/f``."""
        for rel in reversed(self.relations):
            if not rel.unit or den.is_zero():
                continue
            low = min(e[rel.gen] for e in den.monoms())
            if low:
                lift = self.vars[rel.gen] ** (rel.degree - low)
                (num, below), (den, above) = self.reduce(num * lift), self.reduce(den * lift)
                num, den = self.product(num, above), self.product(den, below)
        return num, den

    def add(self, a: Frac, b: Frac) -> Frac:
        """Add."""
        if a.den == b.den:
            return self.normal(a.num + b.num, a.den)
        return self.normal(self.product(a.num, b.den) + self.product(b.num, a.den), self.product(a.den, b.den))

    def neg(self, a: Frac) -> Frac:
        """Negate."""
        return Frac(-a.num, a.den)

    def sub(self, a: Frac, b: Frac) -> Frac:
        """Subtract."""
        return self.add(a, self.neg(b))

    def mul(self, a: Frac, b: Frac) -> Frac:
        """Multiply."""
        return self.normal(self.product(a.num, b.num), self.product(a.den, b.den))

    def div(self, a: Frac, b: Frac) -> Frac:
        """Divide; the caller's expression is defined only where `b` is not zero."""
        if b.num.is_zero():
            raise Unknown("a denominator is identically zero")
        return self.normal(self.product(a.num, b.den), self.product(a.den, b.num))

    def scale(self, a: Frac, c: Fraction) -> Frac:
        """Multiply by a number."""
        return Frac(a.num * rational(c), a.den)

    def power(self, a: Frac, n: int) -> Frac:
        """Raise to an integer power."""
        if n < 0:
            return self.div(self.const(1), self.power(a, -n))
        return self.normal(self.poly_power(a.num, n), self.poly_power(a.den, n))

    def factors(self, a: Frac) -> tuple[Fraction, list[tuple[fmpq_mpoly, int]]]:
        """Factor over the rationals: a constant and primitive irreducible polynomials with exponents."""
        terms = max(len(a.num), len(a.den))
        if terms > MAX_SIZE or (terms > 8 and max(a.num.total_degree(), a.den.total_degree()) > 60):
            raise Unknown("a polynomial is too large to factor")
        if a.num.is_zero():
            return Fraction(0), []
        top, upper = a.num.factor()
        bottom, lower = a.den.factor()
        parts = [(f, int(e)) for f, e in upper] + [(f, -int(e)) for f, e in lower]
        return fraction(top) / fraction(bottom), sorted(parts, key=lambda fe: str(fe[0]))
