"""Identities: does an expression vanish wherever it is defined? Own small normal form, for the checker alone.

An expression becomes a quotient of polynomials over generators: symbols, ``exp`` of monomials, ``log|f|`` of
irreducible polynomials f, roots of ``|f|``, ``|f|`` itself, and terms that are not looked into. Where ``log(a)`` is
defined, ``log(a) = sum e_i*log|f_i|`` for ``a = prod f_i**e_i``, whatever the signs. The sign of f is asked for only
where ``|f|`` itself is left over, as in ``sqrt(f**2)``. A numerator that is not zero proves nothing.
"""

from __future__ import annotations

import math
from fractions import Fraction

from flint import fmpq, fmpq_mpoly, fmpz

from dltsym.functions.table import FUNCTIONS
from dltsym.notation.parse import row_text
from dltsym.notation.tree import Add, Call, Const, Div, Expr, Index, Mul, Neg, Num, Pow, Sum, Sym
from dltsym.prove.replay.plain import may_be_whole, term
from dltsym.prove.replay.ratio import (
    CTX,
    MAX_POWER,
    ONE,
    SIZE,
    Field,
    Finer,
    Ratio,
    Sign,
    Unreadable,
    constant,
    generator,
    make,
    number,
    raised,
    reduced,
    times,
    tree,
    var,
)

MAX_ROUNDS, MAX_BITS = 40, 128
VALUES = {("erf", 0): 0, ("atan", 0): 0, ("asin", 0): 0, ("sin", 0): 0, ("acos", 1): 0, ("cos", 0): 1}


def is_zero(expr: Expr, sign: Sign, closed: frozenset[str] = frozenset()) -> bool:
    """Whether an expression vanishes wherever it is defined; False means unknown.

    Parameters
    ----------
    expr : Expr
        Tree.
    sign : callable
        Gives 1, -1 or 0 (unknown) for a tree that is ``>= 0`` or ``<= 0`` wherever the claim is made, and whether it
        is strict.
    closed : frozenset of str
        Defined functions that are not to be expanded.

    Returns
    -------
    bool
    """
    scales: dict[str, int] = {}
    for _ in range(MAX_ROUNDS):
        try:
            return bool(_ratio(Field(sign, scales, closed), expr).num.is_zero())
        except Finer:
            continue
        except Unreadable:
            return False
    return False


# ---- trees ----


def _ratio(f: Field, e: Expr) -> Ratio:
    match e:
        case Num(value):
            return number(value)
        case Neg(arg):
            return times(f, number(-1), _ratio(f, arg))
        case Add(args):
            return _added(f, [_ratio(f, a) for a in args])
        case Mul(args):
            out = number(1)
            for a in args:
                out = times(f, out, _ratio(f, a))
            return out
        case Div(a, b):
            return times(f, _ratio(f, a), raised(f, _ratio(f, b), -1))
        case Pow(base, exponent):
            return _power(f, e, base, exponent)
        case Call(name, args):
            return _call(f, e, name, args)
        case Sym() | Index() | Sum() | Const("pi"):
            return var(generator(f, term(e), e))
    raise Unreadable(f"{type(e).__name__} is not looked into")


def _added(f: Field, terms: list[Ratio]) -> Ratio:
    out = terms[0]
    for t in terms[1:]:
        out = make(f, out.num * t.den + t.num * out.den, out.den * t.den)
    return out


def _power(f: Field, e: Expr, base: Expr, exponent: Expr) -> Ratio:
    b = _ratio(f, exponent)
    c, a = constant(b), _ratio(f, base)
    if c is not None:
        return raised(f, a, int(c)) if c.denominator == 1 else _root(f, a, c)
    if may_be_whole(exponent) and f.sign(base) != (1, True):  # base**n of any sign: not exp(n*log(base))
        return _whole_power(f, e, a, b)
    return _exp(f, times(f, b, _log(f, a)))


def _whole_power(f: Field, e: Pow, a: Ratio, b: Ratio) -> Ratio:
    """Return ``a**(r + k)`` as ``a**(r + low) * a**(k - low)``, `low` being the least whole k that occurs with r."""
    # a may be 0: where both powers are defined the exponents are not negative, and for k > low both sides are 0.
    terms = b.num.to_dict()
    k = terms.pop((0,) * SIZE, fmpq(0))
    if not b.den.is_one() or k.q != 1:
        return var(generator(f, term(e), e))
    name = f"low {a} {CTX.from_dict(terms)}"
    low = f.scales.setdefault(name, int(k.p))
    if k < low:
        f.scales[name] = int(k.p)
        raise Finer
    if abs(int(k.p) - low) > MAX_POWER:
        raise Unreadable("a large power")
    least = e if k == low else Pow(e.base, Add((e.exponent, Num(Fraction(low - int(k.p))))))
    return times(f, var(generator(f, name, least)), raised(f, a, int(k.p) - low))


def _call(f: Field, e: Call, name: str, args: tuple[Expr, ...]) -> Ratio:
    row = FUNCTIONS[name]
    if name in f.closed:
        return var(generator(f, term(e), e))
    if row.definition is not None:
        whole = row_text(e, row.definition)
        assert isinstance(whole, Expr)
        return _ratio(f, whole)
    values = [_ratio(f, a) for a in args]
    if name == "exp":
        return _exp(f, values[0])
    if name == "log":
        return _log(f, values[0])
    if name == "sqrt":
        return _root(f, values[0], Fraction(1, 2))
    if name == "abs":
        return _abs(f, values[0])
    if name in ("max", "min"):
        gap = _abs(f, _added(f, [values[0], times(f, number(-1), values[1])]))
        gap = gap if name == "max" else times(f, number(-1), gap)
        return times(f, number(Fraction(1, 2)), _added(f, [*values, gap]))
    known = VALUES.get((name, constant(values[0]))) if len(values) == 1 else None  # type: ignore[arg-type]
    if known is not None:
        return number(known)
    if name in ("sin", "cos"):
        return _wave(f, name, values[0], args[0])
    return var(generator(f, f"{name} {' '.join(map(str, values))}", e))


def _wave(f: Field, name: str, u: Ratio, arg: Expr) -> Ratio:
    turns = constant(times(f, u, raised(f, times(f, _ratio(f, Const("pi")), number(Fraction(1, 2))), -1)))
    if turns is not None and turns.denominator == 1:  # whole quarter turns
        return number((1, 0, -1, 0)[int(turns - (name == "sin")) % 4])
    flip = u.num.leading_coefficient() < 0
    u, arg = (Ratio(-u.num, u.den), Neg(arg)) if flip else (u, arg)
    c, s = (generator(f, f"{n} {u}", Call(n, (arg,))) for n in ("cos", "sin"))
    if all(v != s for v, _, _ in f.rules):
        f.rules.append((s, 2, ONE - CTX.gens()[c] ** 2))
    out = var(s if name == "sin" else c)
    return Ratio(-out.num, ONE) if flip and name == "sin" else out


# ---- exponentials, logarithms, roots ----


def _parts(f: Field, name: str, c: Fraction) -> tuple[int, int]:
    """Return how many of the parts of a generator make ``c`` of it, and how many parts it has."""
    scale = f.scales.setdefault(name, 1)
    if scale % c.denominator:
        f.scales[name] = math.lcm(scale, c.denominator)
        raise Finer
    return int(c * scale), scale


def _exp(f: Field, u: Ratio) -> Ratio:
    whole, rest = divmod(u.num, u.den)
    out = number(1)
    for p, den in ((whole, ONE), (rest, u.den)):
        for e, c in p.to_dict().items():
            m = make(f, CTX.from_dict({e: fmpq(1)}), den)
            out = times(f, out, _exp_of(f, Fraction(int(c.p), int(c.q)), m))
    return out


def _exp_of(f: Field, c: Fraction, m: Ratio) -> Ratio:
    log = _bare(m.num) if m.den.is_one() else None
    if log is not None and f.inner.get(log, ("",))[0] == "log":
        return _absolute_power(f, f.inner[log][1].num, c)
    name = f"exp {m}"
    n, scale = _parts(f, name, c)
    part = make(f, m.num / scale, m.den)
    k = generator(f, name, Call("exp", (Div(tree(f, part.num), tree(f, part.den)),)))
    f.inner[k] = ("exp", m, scale)
    return raised(f, var(k), n)


def _bare(p: fmpq_mpoly) -> int | None:
    """Return the generator that a polynomial is, if it is one."""
    if len(p) != 1 or p.total_degree() != 1 or p.leading_coefficient() != 1:
        return None
    return next(k for k, e in enumerate(p.monoms()[0]) if e)


def _kind(f: Field, p: fmpq_mpoly) -> tuple[str, Ratio, int]:
    k = _bare(p)
    return f.inner.get(-1 if k is None else k, ("", Ratio(p, ONE), 1))


def _factors(a: Ratio) -> tuple[Fraction, list[tuple[fmpq_mpoly, int]]]:
    """Factor a quotient; polynomials are primitive with a positive leading coefficient."""
    (top, upper), (bottom, lower) = a.num.factor(), a.den.factor()
    c = Fraction(int(top.p), int(top.q)) / Fraction(int(bottom.p), int(bottom.q))
    out = []
    for p, e in [*upper, *((p, -e) for p, e in lower)]:
        if p.leading_coefficient() < 0:
            p, c = -p, c * (-1 if e % 2 else 1)
        out.append((p, int(e)))
    return c, out


def _primes(c: Fraction) -> list[tuple[int, int]]:
    out = []
    for n, s in ((c.numerator, 1), (c.denominator, -1)):
        if n.bit_length() > MAX_BITS:
            raise Unreadable("a long number under a logarithm or root")
        out += [(int(p), s * int(e)) for p, e in fmpz(n).factor()] if n > 1 else []
    return out


def _log(f: Field, a: Ratio) -> Ratio:
    if a.num.is_zero():
        raise Unreadable("the logarithm of zero")
    c, factors = _factors(a)
    _learn(f, c, factors)
    pairs = [(CTX.constant(p), e) for p, e in _primes(abs(c))] + factors
    return _added(f, [number(0), *(times(f, number(e), _log_of(f, p)) for p, e in pairs)])


def _log_of(f: Field, p: fmpq_mpoly) -> Ratio:
    """Return ``log|p|`` of an irreducible polynomial or a prime."""
    kind, inner, scale = _kind(f, p)
    if kind == "exp":
        return times(f, number(Fraction(1, scale)), inner)
    if kind in ("root", "abs"):
        return times(f, number(Fraction(1, scale)), _log(f, inner))
    k = generator(f, f"log {p}", Call("log", (Call("abs", (tree(f, p),)),)))
    f.inner[k] = ("log", Ratio(p, ONE), 1)
    return var(k)


def _root(f: Field, a: Ratio, c: Fraction) -> Ratio:
    """Return ``a**c`` for a fraction c: a is not negative where that is defined."""
    if a.num.is_zero():
        if c < 0:
            raise Unreadable("a negative power of zero")
        return a
    k, factors = _factors(a)
    if not any(e % 2 == 0 and e > 0 for _, e in factors):  # such a factor may vanish and hide a sign
        _learn(f, k, factors)
    out = number(1)
    for p, e in [(CTX.constant(p), e) for p, e in _primes(abs(k))] + factors:
        out = times(f, out, _absolute_power(f, p, e * c))
    return out


def _learn(f: Field, c: Fraction, factors: list[tuple[fmpq_mpoly, int]]) -> None:
    """Note the sign of the only odd factor of a product that is not negative wherever the expression is defined."""
    odd = [p for p, e in factors if e % 2]
    if len(odd) == 1:
        f.learnt[str(odd[0])] = 1 if c > 0 else -1


def _absolute_power(f: Field, p: fmpq_mpoly, c: Fraction) -> Ratio:
    """Return ``|p|**c`` for an irreducible polynomial or a prime, as a whole power times a root."""
    kind, inner, scale = _kind(f, p)
    if kind == "exp":
        return _exp_of(f, c / scale, inner)
    if kind == "root":
        return _absolute_power(f, inner.num, c / scale)
    whole = math.floor(c)
    base = Ratio(p, ONE) if whole % 2 == 0 else _absolute(f, p)
    out = raised(f, base, whole)
    if c == whole:
        return out
    name = f"root {p}"
    n, scale = _parts(f, name, c - whole)
    value = _absolute(f, p)
    new = generator(f, name, Pow(tree(f, value.num), Num(Fraction(1, scale))))
    if new not in f.inner:
        f.inner[new] = ("root", Ratio(p, ONE), scale)
        f.rules.append((new, scale, value.num))
    return times(f, out, raised(f, var(new), n))


def _absolute(f: Field, p: fmpq_mpoly) -> Ratio:
    """Return ``|p|``: p, -p, or a generator whose square is p**2."""
    if p.is_constant():
        return Ratio(p, ONE)
    known = f.sign(tree(f, p))[0] or f.learnt.get(str(p), 0)
    if known:
        return Ratio(p * known, ONE)
    k = generator(f, f"abs {p}", Call("abs", (tree(f, p),)))
    if k not in f.inner:
        f.inner[k] = ("abs", Ratio(p, ONE), 1)
        f.rules.append((k, 2, reduced(f, p**2)))
    return var(k)


def _abs(f: Field, a: Ratio) -> Ratio:
    if a.num.is_zero():
        return a
    c, factors = _factors(a)
    out = number(abs(c))
    for p, e in factors:
        out = times(f, out, raised(f, Ratio(p, ONE) if e % 2 == 0 else _absolute(f, p), e))
    return out
