"""Exponentials, logarithms, roots and absolute values of tower fractions.

Traps: ``sqrt(u**2)`` is ``|u|`` and ``log(u**2)`` is ``2 log|u|`` unless the sign of ``u`` is proved; ``(a*b)**c``
splits only for factors that are not negative; where the sign of a factor is not known the radicand stays together.
"""

from __future__ import annotations

from fractions import Fraction

from flint import fmpq_mat, fmpq_mpoly, fmpz

from dltsym.notation.tree import Expr, Num, Pow
from dltsym.prove.tower_field import Field, Frac, Unknown, fraction
from dltsym.prove.tower_signs import factor_sign, learn, nonzero
from dltsym.prove.tower_state import Tower, Unit, call

MAX_BITS, MAX_UNITS = 128, 40
Factor = tuple[fmpq_mpoly, int]


def pieces(t: Tower, u: Frac) -> list[tuple[Fraction, Frac]]:
    """Write a fraction as rational multiples of monic pieces: ``(x + 2*y)/T`` as ``1 * x/T + 2 * y/T``."""
    whole, rest = divmod(u.num, u.den)
    parts = [(part, t.field.one) for part in whole.terms()] + [(part, u.den) for part in rest.terms()]
    found: dict[str, tuple[Fraction, Frac]] = {}
    for (exponents, c), den in parts:
        m = t.field.normal(t.field.ctx.from_dict({exponents: c}), den)
        lead = fraction(m.num.leading_coefficient())
        m = t.field.scale(m, 1 / lead)
        old = found.get(str(m), (Fraction(0), m))[0]
        found[str(m)] = (old + lead, m)
    return [(c, m) for c, m in found.values() if c]


def in_span(field: Field, basis: list[Frac], m: Frac) -> list[Fraction] | None:
    """Return rational coefficients of `m` over the linearly independent `basis`, or None."""
    for k, b in enumerate(basis):
        if b.num == m.num and b.den == m.den:
            return [Fraction(int(j == k)) for j in range(len(basis))]
    if not basis or len(basis) > MAX_UNITS:
        return None
    common = field.one
    for b in (*basis, m):
        common = field.product(common, b.den / common.gcd(b.den))
    rows = [field.product(b.num, common / b.den).to_dict() for b in (*basis, m)]
    monomials = sorted(set().union(*rows))
    matrix = fmpq_mat([[row.get(e, 0) for row in rows] for e in monomials])
    reduced, rank = matrix.rref()
    if rank != len(basis) or any(reduced[k, k] != 1 for k in range(rank)):
        return None
    return [fraction(reduced[k, len(basis)]) for k in range(rank)]


def exp_of(t: Tower, u: Frac) -> Frac:
    """Return ``exp(u)``: powers for multiples of logarithms, generators for the other pieces."""
    out = t.field.const(1)
    for c, m in pieces(t, u):
        out = t.field.mul(out, _exp_piece(t, c, m))
    return out


def _exp_piece(t: Tower, c: Fraction, m: Frac) -> Frac:
    number = t.bare(m.num) if m.den.is_one() else None
    if number is not None and t.gens[number].kind == "log":
        return rational_power(t, t.meaning[number][1], c)
    inside = in_span(t.field, [u.value for u in t.exponents], m)
    if inside is None:
        name = f"exp {t.name(m)}"
        scale = t.scale_of(name)
        gen = t.generator(name, "exp", call("exp", t.tree(t.field.scale(m, Fraction(1, scale)))), True)
        t.meaning[gen] = ("exp", m, scale)
        t.exponents.append(Unit(name, m, scale, (gen,)))
        inside = [Fraction(0)] * (len(t.exponents) - 1) + [Fraction(1)]
    out = t.field.const(1)
    for k, unit in zip(inside, t.exponents, strict=True):
        if k:
            out = t.field.mul(out, t.field.power(t.var(unit.gens[0]), t.count(unit.name, c * k)))
    return out


def primes(c: Fraction) -> list[tuple[int, int]]:
    """Factor a positive rational; a long number stays whole."""
    out = []
    for n, s in ((c.numerator, 1), (c.denominator, -1)):
        if n.bit_length() > MAX_BITS:
            out.append((n, s))
        elif n > 1:
            out += [(int(p), s * int(e)) for p, e in fmpz(n).factor()]
    return sorted(out)


def log_of(t: Tower, a: Frac) -> Frac:
    """Return ``log(a)``; wherever it is defined ``a`` is positive, so every factor is not zero there."""
    c, factors = t.field.factors(a)
    if not c:
        raise Unknown("the logarithm of zero")
    s, odd, out = (1 if c > 0 else -1), [], t.field.const(0)
    for p, e in primes(abs(c)):
        out = t.field.add(out, t.field.scale(_log_poly(t, t.field.ctx.constant(p)), Fraction(e)))
    for f, e in factors:
        known = factor_sign(t, f)[0]
        if not known and e % 2:
            odd.append((f, e))
            continue
        s *= known if e % 2 else 1
        base = f * known if known else absolute_factor(t, f).num
        out = t.field.add(out, t.field.scale(_log_poly(t, base), Fraction(e)))
    if not odd and s < 0:
        raise Unknown("the logarithm of a negative number")
    return t.field.add(out, _log_rest(t, odd, s)) if odd else out


def _log_rest(t: Tower, odd: list[Factor], s: int) -> Frac:
    """Return the logarithm of ``s`` times a product of factors of unknown sign, all to odd powers."""
    if len(odd) == 1:
        f, e = odd[0]
        learn(t, f, s, True, "a logarithm of it is defined")
        raise Unknown("unreachable: learning a sign starts again")
    rest = t.field.const(s)
    for f, e in odd:
        rest = t.field.mul(rest, t.field.power(t.field.poly(f), e))
    flipped = t.field.div(t.field.const(1), rest)
    if t.name(flipped) < t.name(rest):
        return t.field.neg(_log_gen(t, flipped))
    return _log_gen(t, rest)


def _log_gen(t: Tower, a: Frac) -> Frac:
    c = t.field.constant_of(a)
    tree = t.tree(a)
    number = t.generator(f"log {t.name(a)}", "log", call("log", tree), c is not None and c > 1)
    t.meaning[number] = ("log", a, 1)
    return t.var(number)


def _meaning(t: Tower, p: fmpq_mpoly) -> tuple[str, Frac, int]:
    """Return what kind of generator a polynomial is, with its argument and scale; an empty kind for any other."""
    number = t.bare(p)
    return t.meaning.get(-1 if number is None else number, ("", t.field.poly(p), 1))


def _log_poly(t: Tower, p: fmpq_mpoly) -> Frac:
    """Return the logarithm of a positive polynomial; generators that are exponentials or roots are unwrapped."""
    kind, inner, scale = _meaning(t, p)
    if kind == "exp":
        return t.field.scale(inner, Fraction(1, scale))
    if kind == "root":
        return t.field.scale(log_of(t, inner), Fraction(1, scale))
    return _log_gen(t, t.field.poly(p))


def rational_power(t: Tower, a: Frac, c: Fraction) -> Frac:
    """Return ``a**c`` for a rational ``c``; for a fractional one ``a`` is not negative wherever that is defined."""
    if c.denominator == 1:
        return t.field.power(a, int(c))
    k, factors = t.field.factors(a)
    if not k:
        if c < 0:
            raise Unknown("a negative power of zero")
        return t.field.const(0)
    s, outside, inside = _split(t, factors)
    s *= 1 if k > 0 else -1
    if s < 0 and not inside:
        raise Unknown("a root of a negative number")
    out = t.field.const(1)
    for p, e in primes(abs(k)):
        out = t.field.mul(out, _root(t, t.field.ctx.constant(p), e * c))
    for p, e in outside:
        out = t.field.mul(out, _root(t, p, e * c))
    return t.field.mul(out, _root_rest(t, inside, s, c)) if inside else out


def _split(t: Tower, factors: list[Factor]) -> tuple[int, list[Factor], list[Factor]]:
    """Split a radicand: the sign of what leaves it, factors ``>= 0`` that leave, factors that must stay together."""
    s, strict, weak, even, odd = 1, [], [], [], []
    for f, e in factors:
        known, sure = factor_sign(t, f)
        if known:
            s *= known if e % 2 else 1
            (strict if sure or e < 0 else weak).append((f, e, known))
        elif e % 2:
            odd.append((f, e))
        else:
            (strict if e < 0 or nonzero(t, f) else even).append((f, e, 0))
    outside = [(f * known if known else absolute_factor(t, f).num, e) for f, e, known in strict]
    if not odd:
        outside += [(f * known if known else absolute_factor(t, f).num, e) for f, e, known in weak + even]
        return s, outside, []
    for _, e, known in weak:  # a factor that may be zero says nothing about the sign of the others
        s *= known if e % 2 else 1
    return s, outside, odd + [(f, e) for f, e, _ in weak + even]


def _root_rest(t: Tower, inside: list[Factor], s: int, c: Fraction) -> Frac:
    """Return ``(s * product)**c`` for factors whose signs are not known one by one."""
    if len(inside) == 1:
        f, e = inside[0]
        learn(t, f, s, False, "a root of it is defined")
        raise Unknown("a factor of unknown sign under a root")
    body = t.field.const(s)
    for f, e in inside:
        body = t.field.mul(body, t.field.power(t.field.poly(f), e))
    whole = c.numerator // c.denominator
    out = t.field.power(body, whole)
    return t.field.mul(out, _root_gen(t, body, c - whole, False))


def _root(t: Tower, p: fmpq_mpoly, c: Fraction) -> Frac:
    """Return ``p**c`` for a polynomial or whole number that is not negative."""
    kind, inner, scale = _meaning(t, p)
    if kind == "exp":
        return _exp_piece(t, c / scale, inner)
    if kind == "root":
        return rational_power(t, inner, c / scale)
    if kind == "abs" and c.denominator == 1 and c % 2 == 0:
        return t.field.power(inner, int(c))
    whole = c.numerator // c.denominator
    out = t.field.power(t.field.poly(p), whole)
    if c == whole:
        return out
    strict = p.is_constant() or factor_sign(t, p)[1]
    return t.field.mul(out, _root_gen(t, t.field.poly(p), c - whole, strict))


def _root_gen(t: Tower, radicand: Frac, c: Fraction, strict: bool) -> Frac:
    """Return ``radicand**c`` with ``0 < c < 1`` as a power of the generator ``r``, ``r**scale = radicand``."""
    name = f"root {t.name(radicand)}"
    n, scale = t.count(name, c), t.scale_of(name)
    tree = t.tree(radicand)
    shown: Expr = call("sqrt", tree) if scale == 2 else Pow(tree, Num(Fraction(1, scale)))
    number = t.generator(name, "root", shown, strict)
    t.meaning[number] = ("root", radicand, scale)
    t.relate(number, scale, radicand)
    return t.field.power(t.var(number), n)


def absolute_factor(t: Tower, p: fmpq_mpoly) -> Frac:
    """Return the generator ``|p|`` with ``|p|**2 = p**2`` for a factor of unknown sign."""
    f = t.field.poly(p)
    number = t.generator(f"abs {t.name(f)}", "opaque", call("abs", t.tree(f)))
    t.meaning[number] = ("abs", f, 1)
    t.relate(number, 2, t.field.power(f, 2))
    return t.var(number)


def absolute(t: Tower, a: Frac) -> Frac:
    """Return ``|a|``, factor by factor."""
    c, factors = t.field.factors(a)
    out = t.field.const(abs(c))
    for f, e in factors:
        known = factor_sign(t, f)[0]
        base = t.field.poly(f * known) if known else absolute_factor(t, f)
        out = t.field.mul(out, t.field.power(base, e))
    return out
