"""Rewriting a tree into one that rounds well, by patterns of cancellation; see `rewritten`.

The result may call functions that no author writes: ``expm1``, ``expm1mx``, ``gain``, ``log1mexp``,
``log1p(t, total)``, ``log1pmx``, ``log_cosh``, ``power1p``, ``xlogx_step``, ``cumulant``, ``dot``,
``kl_upper_odds``, ``kl_upper_rest`` and ``complement(flag, exp(x), sum)``. They exist between here and the printer.
"""

from __future__ import annotations

from fractions import Fraction
from math import isqrt

from dltsym.lower.closed.linear import linear, log_odds
from dltsym.lower.closed.ranges import Ranges
from dltsym.lower.closed.terms import (
    ONE,
    TWO,
    Term,
    combine,
    exponential_sum,
    exponents,
    factors,
    is_exp,
    polynomial,
    product,
    shifted,
    signed_terms,
    spelled,
    sum_of,
    times,
)  # fmt: skip
from dltsym.notation.tree import Add, Call, Diff, Div, Expr, Integral, Limit, Mul, Neg, Num, Pow
from dltsym.notation.walk import subterms, transform


def rewritten(tree: Expr) -> Expr:
    """Return an equal tree without the cancellations that patterns know.

    Parameters
    ----------
    tree : Expr
        Tree without let-names and derivatives.

    Returns
    -------
    Expr
    """
    if any(isinstance(t, Integral | Limit | Diff) for t in subterms(tree)):
        return tree  # the printer refuses these by name
    ranges = Ranges()
    return transform(tree, lambda e: _rule(e, ranges))


def _rule(e: Expr, ranges: Ranges) -> Expr:
    match e:
        case Neg(Num(value)):
            return Num(-value)
        case Div(Num(p), Num(q)) if q:
            return Num(p / q)
        case Add():
            values = [a.value for a in e.args if isinstance(a, Num)]
            if len(values) == len(e.args):
                return Num(sum(values, Fraction(0)))
            return sum_of(_patterns(signed_terms(e), ranges))
        case Call("log", (arg,)):
            return _log(arg, ranges)
        case Mul(args) if sum(isinstance(a, Neg) for a in args) > 0:
            plain = Mul(tuple(a.arg if isinstance(a, Neg) else a for a in args))
            return Neg(plain) if sum(isinstance(a, Neg) for a in args) % 2 else plain
        case Neg(Neg(arg)):
            return arg
        case Mul() | Div() if sum(is_exp(f) for part in factors(e) for f in part) > 1:
            return _one_exponential(e)
        case Pow(Add() as base, exponent) if not isinstance(exponent, Num) and (1, ONE) in signed_terms(base):
            rest = sum_of([t for t in signed_terms(base) if t != (1, ONE)])
            return e if ranges(rest).integral else Call("power1p", (rest, exponent, base))
        case Pow(base, exponent) if not isinstance(exponent, Num):
            return _power(base, exponent, ranges)
    return e


def _one_exponential(e: Expr) -> Expr:
    """``exp(a) * exp(b) / exp(c) = exp(a + b - c)`` where terms of the exponents cancel."""
    up, down = factors(e)
    exps = [(1, f.args[0]) for f in up if isinstance(f, Call) and is_exp(f)]
    exps += [(-1, f.args[0]) for f in down if isinstance(f, Call) and is_exp(f)]
    atoms: dict[str, Expr] = {}
    parts = [(sign, polynomial(a, atoms)) for sign, a in exps]
    power = combine(parts)
    if len(power) == len({m for _, p in parts for m in p}):
        return e
    top, bottom = ([f for f in side if not is_exp(f)] for side in (up, down))
    top.append(Call("exp", (sum_of(spelled(power, atoms)),)))
    return Div(product(top), product(bottom)) if bottom else product(top)


def _power(base: Expr, c: Expr, ranges: Ranges) -> Expr:
    """``(a**b * r)**c = a**(b*c) * r**c``: a power of a power near 1 would lose what the second one needs."""
    up, down = factors(base)
    inner = [f for f in (*up, *down) if isinstance(f, Pow) and not isinstance(f.exponent, Num)]
    if not inner or any(ranges(f).least < 0 for f in (*up, *down)) or any(ranges(f.base).least < 0 for f in inner):
        return Pow(base, c)

    rests = [[f for f in items if f not in inner] for items in (up, down)]

    def raised(items: list[Expr]) -> list[Expr]:
        rest = [] if rests[0] and rests[1] else [f for f in items if f not in inner]
        powers = [Pow(f.base, times(f.exponent, c)) for f in items if isinstance(f, Pow) and f in inner]
        return [*powers, *([Pow(product(rest), c)] if rest else [])]

    top, bottom = raised(up), raised(down)
    if rests[0] and rests[1]:  # one power of their quotient: two of them may both vanish
        top.append(Pow(Div(product(rests[0]), product(rests[1])), c))
    return Div(product(top), product(bottom)) if bottom else product(top)


def _log(u: Expr, ranges: Ranges) -> Expr:
    match u:
        case Call("exp", (w,)):
            return w
        case Neg(Call("expm1", (w,))):
            return Call("log1mexp", (w,))
        case Call("expm1", (w,)):
            return Add((w, Call("log1mexp", (Neg(w),))))
        case Call("sigmoid", (w,)):
            return Neg(Call("softplus", (Neg(w),)))
        case Call("cosh", (w,)):
            return Call("log_cosh", (w,))
        case Pow(Call("cosh", (w,)), Num() as k):
            return Mul((k, Call("log_cosh", (w,))))
        case Add((Num(value), Call("exp", (w,)))) | Add((Call("exp", (w,)), Num(value))) if value == 1:
            return Call("softplus", (w,))
        case Add():
            return _log_of_sum(u, ranges)
        case Mul() | Div():
            return _log_of_product(u, ranges)
    return Call("log", (u,))


def _log_of_sum(u: Add, ranges: Ranges) -> Expr:
    if exponential_sum(u):
        return Call("log", (u,))
    terms = signed_terms(u)
    found = _cancelled(terms)
    if found is not None:
        terms = found if (1, ONE) in found else terms
    if (1, ONE) not in terms:
        terms = _opened(u, ranges) or terms
    if (1, ONE) not in terms:
        return Call("log", (u,))
    terms.remove((1, ONE))
    return Call("log1p", (sum_of(terms), u))


def _opened(u: Add, ranges: Ranges) -> list[Term] | None:
    """Open products, ``(1 - a) + a b = 1 - a + a b``, where that shows a 1 and no large term."""
    atoms: dict[str, Expr] = {}
    terms = spelled(polynomial(u, atoms), atoms)
    small = all(ranges(t).least >= -1 and ranges(t).most <= 1 for _, t in terms)
    return terms if (1, ONE) in terms and small else None


def _log_of_product(u: Expr, ranges: Ranges) -> Expr:
    up, down = factors(u)
    odds = log_odds(up, down)
    if odds is not None:
        return odds
    curved = [[f for f in side if _is_cosh(f)] for side in (up, down)]
    if any(curved):
        rest = [[f for f in side if not _is_cosh(f)] for side in (up, down)]
        logs = [(sign, _log(f, ranges)) for sign, side in zip((1, -1), curved, strict=True) for f in side]
        over, under = map(product, rest)
        return sum_of([*logs, *([(1, _log(Div(over, under) if rest[1] else over, ranges))] if any(rest) else [])])
    exps = [(1, f) for f in up if is_exp(f)] + [(-1, f) for f in down if is_exp(f)]
    rest, below = [f for f in up if not is_exp(f)], [f for f in down if not is_exp(f)]
    if not exps:
        return Neg(_log(product(down), ranges)) if not up else Call("log", (u,))
    power = sum_of([(sign, f.args[0]) for sign, f in exps if isinstance(f, Call)])
    sums = [f for f in below if exponential_sum(f)]
    if len(sums) == 1:
        below.remove(sums[0])
        over = product([shifted(sums[0], power), *below])
        return Neg(_log(Div(over, product(rest)) if rest or below else over, ranges))
    if not rest and not below:
        return power
    return Add((power, _log(Div(product(rest), product(below)) if below else product(rest), ranges)))


def _is_cosh(e: Expr) -> bool:
    match e:
        case Call("cosh", _) | Pow(Call("cosh", _), Num()):
            return True
    return False


# Sums that cancel


def _patterns(terms: list[Term], ranges: Ranges) -> list[Term]:
    if len(terms) == 2:
        pair = _pair(terms, ranges)
        if pair is not None:
            return [(1, pair)]
    exact = linear(terms, ranges)
    if exact is not None:
        return [(1, exact)]
    for rule in (_log_minus_own, _log_minus, _steps, _gains, _cumulants):
        terms = rule(terms, ranges)
    if sum(any(is_exp(f) for f in factors(t)[0]) for _, t in terms) == 1 and not _agree(terms, ranges):
        return _exp_minus(_cancelled(terms) or terms)
    return terms


def _agree(terms: list[Term], ranges: Ranges) -> bool:
    """Tell whether the exponential term and all the others together have the same sign."""
    parts = [[], []]
    for term in terms:
        parts[any(is_exp(f) for f in factors(term[1])[0])].append(term)
    a, b = (ranges(sum_of(p)) for p in parts)
    return (a.least >= 0 and b.least >= 0) or (a.most <= 0 and b.most <= 0)


def _pair(terms: list[Term], ranges: Ranges) -> Expr | None:
    terms = sorted(terms, key=lambda t: -t[0])
    (plus, a), (minus, b) = terms
    if (plus, minus) != (1, -1):
        return None
    p, q = _root(a), _root(b)
    if p is not None and q is not None:
        return Mul((Add((p, Neg(q))), Add((p, q))))  # a**2 - b**2
    half = {"cos": "sin", "cosh": "sinh"}
    match a, b:
        case (Num(value), Call("sigmoid", (u,))) if value == 1:
            return Call("sigmoid", (Neg(u),))
        case (Mul((Num(two), Call("sigmoid", (u,)))), Num(value)) if two == 2 * value == 2:
            return Call("tanh", (Div(u, TWO),))
        case (Call("sqrt", (u,)), _) if ranges(b).least >= 0 and (rest := _beyond(u, b)) is not None:
            return Div(rest, Add((a, b)))
        case (Num(value), Call("cos", (u,))) | (Call("cosh", (u,)), Num(value)) if value == 1:
            name = next(x.name for x in (a, b) if isinstance(x, Call))
            return Mul((TWO, Pow(Call(half[name], (Div(u, TWO),)), TWO)))
        case (Num() | Call("delta", _), Div(Call("exp", (x,)), den)) if a == ONE or isinstance(a, Call):
            if _pure(den) and x in exponents(den):
                return Call("complement", (a, Call("exp", (x,)), den))
        case (Num(value), Call("kl_upper", args)) if value == 1:
            return Call("kl_upper_rest", args)
        case (Num(value), Div(num, Add() as den)) if value == 1 and (1, num) in signed_terms(den):
            rest = signed_terms(den)
            rest.remove((1, num))
            return Div(sum_of(rest), den)  # 1 - a/(a + b)
    return None


def _beyond(u: Expr, b: Expr) -> Expr | None:
    """Return ``u - b**2`` if ``b**2`` cancels in it, for ``sqrt(u) - b = (u - b**2)/(sqrt(u) + b)``."""
    atoms: dict[str, Expr] = {}
    whole, square = polynomial(_flat(u), atoms), polynomial(_flat(Mul((b, b))), atoms)
    rest = combine([(1, whole), (-1, square)])
    if not square or set(rest) & set(square) or not rest:
        return None
    return sum_of(spelled(rest, atoms))


def _flat(e: Expr) -> Expr:
    """Write squares and divisions by numbers as products, which `polynomial` opens."""
    match e:
        case Pow(base, Num(value)) if value == 2:
            return Mul((_flat(base), _flat(base)))
        case Div(num, Num(q)) if q:
            return Mul((Num(1 / q), _flat(num)))
        case Neg(arg):
            return Neg(_flat(arg))
        case Add(args):
            return Add(tuple(map(_flat, args)))
        case Mul(args):
            return Mul(tuple(map(_flat, args)))
    return e


def _pure(e: Expr) -> bool:
    """Tell whether every term of a sum is an exponential without a factor."""
    return isinstance(e, Add) and all(map(is_exp, e.args))


def _root(e: Expr) -> Expr | None:
    match e:
        case Pow(base, Num(value)) if value == 2:
            return base
        case Num(value) if value > 0 and all(isqrt(k) ** 2 == k for k in (value.numerator, value.denominator)):
            return Num(Fraction(isqrt(value.numerator), isqrt(value.denominator)))
    return None


def _log_minus_own(terms: list[Term], ranges: Ranges) -> list[Term]:
    """``log(sum(exp(t))) - x``, where `x` is one of the `t`."""
    for k, (sign, t) in enumerate(terms):
        if not (isinstance(t, Call) and t.name == "log" and exponential_sum(t.args[0])):
            continue
        own = exponents(t.args[0])
        for i, (other, x) in enumerate(terms):
            if other == -sign and i != k and x in own:
                rest = [term for n, term in enumerate(terms) if n not in (i, k)]
                return [(sign, Call("log", (shifted(t.args[0], x),))), *rest]
    return terms


def _log_minus(terms: list[Term], ranges: Ranges) -> list[Term]:
    """``t - log(1 + t)``."""
    for k, (sign, t) in enumerate(terms):
        if isinstance(t, Call) and t.name == "log1p" and (-sign, t.args[0]) in terms:
            i = terms.index((-sign, t.args[0]))
            rest = [term for n, term in enumerate(terms) if n not in (i, k)]
            return [(-sign, Call("log1pmx", (t.args[0],))), *rest]
    return terms


def _steps(terms: list[Term], ranges: Ranges) -> list[Term]:
    """``(1 + c) log(1 + c) - c log(c)``."""
    for k, (sign, t) in enumerate(terms):
        up, down = factors(t)
        ones = [f for f in up if isinstance(f, Call) and f.name == "log1p"]
        if down or len(up) != 2 or len(ones) != 1:
            continue
        c = ones[0].args[0]
        if polynomial(next(f for f in up if f is not ones[0])) != polynomial(Add((ONE, c))):
            continue
        for i, (other, x) in enumerate(terms):
            if other == -sign and x in (Mul((c, Call("log", (c,)))), Mul((Call("log", (c,)), c)), Call("xlogx", (c,))):
                return [(sign, Call("xlogx_step", (c,))), *(u for n, u in enumerate(terms) if n not in (i, k))]
    return terms


def _gains(terms: list[Term], ranges: Ranges) -> list[Term]:
    """``(1 + c) log(1 + c) - c``."""
    for k, (sign, t) in enumerate(terms):
        up, down = factors(t)
        ones = [f for f in up if isinstance(f, Call) and f.name == "log1p"]
        if down or len(up) != 2 or len(ones) != 1 or (-sign, ones[0].args[0]) not in terms:
            continue
        c = ones[0].args[0]
        if polynomial(next(f for f in up if f is not ones[0])) == polynomial(Add((ONE, c))):
            i = terms.index((-sign, c))
            return [(sign, Call("gain", (c,))), *(u for n, u in enumerate(terms) if n not in (i, k))]
    return terms


def _exp_minus(terms: list[Term]) -> list[Term]:
    """``exp(w) - 1 - w``."""
    for k, (sign, t) in enumerate(terms):
        if isinstance(t, Call) and t.name == "expm1" and (-sign, t.args[0]) in terms:
            i = terms.index((-sign, t.args[0]))
            return [(sign, Call("expm1mx", t.args)), *(u for n, u in enumerate(terms) if n not in (i, k))]
    return terms


def _cumulants(terms: list[Term], ranges: Ranges) -> list[Term]:
    """``log(1 - p + p exp(h)) - p h``."""
    for k, (sign, t) in enumerate(terms):
        if not (isinstance(t, Call) and t.name == "log1p"):
            continue
        up, down = factors(t.args[0])
        inner = [f for f in up if isinstance(f, Call) and f.name == "expm1"]
        p = product([f for f in up if f not in inner])
        if down or len(inner) != 1 or ranges(p).least < 0 or ranges(p).most > 1:
            continue
        h = inner[0].args[0]
        for i, (other, x) in enumerate(terms):
            if other == -sign and polynomial(x) == polynomial(Mul((p, h))):
                return [(sign, Call("cumulant", (p, h))), *(u for n, u in enumerate(terms) if n not in (i, k))]
    return terms


# ``a exp(w) + r = a expm1(w) + (a + r)``, when a + r has fewer terms than a and r


def _cancelled(terms: list[Term]) -> list[Term] | None:
    for k, (sign, t) in enumerate(terms):
        up, down = factors(t)
        exps = [f for f in up if is_exp(f)]
        if len(exps) != 1 or down or len(terms) < 2:
            continue
        w = exps[0]
        assert isinstance(w, Call)
        a = product([f for f in up if f is not w])
        atoms: dict[str, Expr] = {}
        left, right = polynomial(a, atoms), polynomial(sum_of([u for n, u in enumerate(terms) if n != k]), atoms)
        both = combine([(sign, left), (1, right)])
        if (set(left) & set(right)) - set(both):
            return [(sign, times(a, Call("expm1", w.args))), *spelled(both, atoms)]
    return None
