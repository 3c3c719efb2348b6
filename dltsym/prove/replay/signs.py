"""Certificates of signs: a product of polynomials in real terms, each with a proof of its sign.

SIGN is ``{"content": "p/q", "factors": [{"poly": text, "power": n, "by": PROOF}, ...]}``: ``content * prod poly**n``.
Content 0 stands for the zero expression. A poly is a polynomial in *terms* (symbols, ``exp(s)``, ``log(p)``, ...), each
of which is taken for a real number. PROOF is one of

- ``"even"``: the power is even (nothing strict follows for a positive one);
- ``"side"``: `dltsym.prove.replay.side` encloses the polynomial on one side of 0;
- ``{"plan": [{"term": x, "low": END, "high": END}, ...]}``: one after the other, ``x = (l + u*t)/(1 + t)`` between two
  ends, ``x = l + t`` above one, ``x = u - t`` below one, with ``t >= 0``; the terms that are left occur in even powers
  only, and all coefficients then have one sign;
- ``{"quadratic": x, "lead": SIGN, "last": SIGN, "rest": SIGN}`` for ``a*x**2 + b*x + c`` with ``a``, ``c`` and
  ``4*a*c - b**2``; `last` is left out when `lead` is strict.

END is ``{"num": text, "den": SIGN, "why": WHY}``, the value num/den with a positive den (left out: 1). WHY, left out
when `side` shows it, is ``{"by": "fact", "rel": relation, "times": SIGN}`` (rhs - lhs is a positive multiple of
``x*den - num``, up to the direction), ``{"by": "order", "sign": SIGN}`` (an increasing function: the sign of the
difference of arguments), ``{"by": "radicand", "sign": SIGN}``, ``{"by": "identity"}`` or ``{"by": "chain", "through":
y, "first": WHY, "then": END}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from dltsym.notation.parse import parse_expr
from dltsym.notation.tree import Call, Div, Expr, Mul, Neg, Num, Pow, Rel
from dltsym.notation.walk import key
from dltsym.prove.replay import plain
from dltsym.prove.replay.place import Bad, Json, Place, need, need_defined, need_zero, number, only, text_of
from dltsym.prove.replay.side import ONE, ZERO, with_facts
from dltsym.prove.replay.substitution import MAX_DEGREE, End, Signed, Step, substituted

AT_BASE = {"exp": (ZERO, ONE), "log": (ONE, ZERO), "sqrt": (ONE, ONE), "erf": (ZERO, ZERO)}


def product(sign: Json, names: Mapping[str, Expr]) -> Expr:
    """Return the product that a SIGN speaks about, as a tree.

    Parameters
    ----------
    sign : mapping
        SIGN.
    names : mapping of str to Expr
        Names of its texts.

    Returns
    -------
    Expr
    """
    top: list[Expr] = []
    bottom: list[Expr] = []
    for f in sign["factors"]:
        base, n = parse_expr(text_of(f["poly"]), names), _whole(f["power"])
        (top if n > 0 else bottom).append(base if abs(n) == 1 else Pow(base, Num(Fraction(abs(n)))))
    c = number(sign["content"])
    if c != 1 or not top:
        top.insert(0, Num(c))
    num = top[0] if len(top) == 1 else Mul(tuple(top))
    return Div(num, bottom[0] if len(bottom) == 1 else Mul(tuple(bottom))) if bottom else num


def _whole(value: Any) -> int:
    if type(value) is not int or not value or abs(value) > MAX_DEGREE:
        raise Bad(f"{value!r} is no exponent")
    return value


def check(sign: Json, place: Place) -> Signed:
    """Check every proof in a SIGN and return the sign of its product.

    Parameters
    ----------
    sign : mapping
        SIGN.
    place : Place
        Where it holds.

    Returns
    -------
    Signed
    """
    return combined(sign, check_each(sign, place))


def check_each(sign: Json, place: Place) -> list[Signed]:
    """Check every proof in a SIGN and return the signs of its factors, powers included.

    Parameters
    ----------
    sign : mapping
        SIGN.
    place : Place
        Where it holds.

    Returns
    -------
    list of Signed
    """
    only(sign, "content", "factors")
    need(number(sign["content"]) != 0 or not sign["factors"], "a zero product with factors")
    out = []
    for f in sign["factors"]:
        only(f, "poly", "power", "by")
        n = _whole(f["power"])
        got = _proof(place.expr(f["poly"]), f["by"], n, place)
        need(n > 0 or got.strict, f"{f['poly']} in a denominator is not shown to be non-zero")
        out.append(Signed(got.positive or n % 2 == 0, got.strict))
    return out


def combined(sign: Json, factors: list[Signed]) -> Signed:
    """Return the sign of a product from those of its factors.

    Parameters
    ----------
    sign : mapping
        SIGN.
    factors : list of Signed
        What `check_each` returned.

    Returns
    -------
    Signed
    """
    content = number(sign["content"])
    positive = (content >= 0) == (sum(not f.positive for f in factors) % 2 == 0)
    return Signed(positive, content != 0 and all(f.strict for f in factors))


def prove(expr: Expr, sign: Json, place: Place) -> Signed:
    """Check that a SIGN is about an expression, and return its sign.

    Parameters
    ----------
    expr : Expr
        Tree, defined.
    sign : mapping
        SIGN.
    place : Place
        Where.

    Returns
    -------
    Signed
    """
    got = check(sign, place)
    need_zero(expr + Neg(product(sign, place.names)), place, f"the product of the sign is not {expr}")
    return got


def lemmas(items: list[Json], place: Place) -> Place:
    """Check facts with SIGNs, one after the other, and return the place with them.

    Parameters
    ----------
    items : list of mapping
        ``{"rel": relation, "sign": SIGN}``.
    place : Place
        Where.

    Returns
    -------
    Place
    """
    for item in items:
        only(item, "rel", "sign")
        rel = place.rel(item["rel"])
        need_defined(rel.rhs + Neg(rel.lhs), place)
        got = prove(rel.rhs + Neg(rel.lhs), item["sign"], place)
        fine = {"<": got.positive and got.strict, "<=": got.positive, "!=": got.strict}.get(rel.op, False)
        need(fine, f"the sign does not give {rel}")
        place = Place(place.names, with_facts(place.store, rel))
    return place


# ---- proofs of one factor ----


def _proof(poly: Expr, by: Any, power: int, place: Place) -> Signed:
    if by == "even":
        need(power % 2 == 0, "an odd power is said to be even")
        return Signed(True, power < 0 and place.store.nonzero(poly))
    if by == "side":
        sign, strict = place.store.sign(poly)
        need(sign != 0, f"{poly} has no sign by the rules")
        return Signed(sign > 0, strict)
    if "quadratic" in by:
        return _quadratic(poly, by, place)
    only(by, "plan")
    return _plan(poly, by["plan"], place)


def _quadratic(poly: Expr, by: Json, place: Place) -> Signed:
    only(by, "quadratic", "lead", "last", "rest")
    name = plain.term(parse_expr(text_of(by["quadratic"]), place.names))
    parts: dict[int, plain.Poly] = {0: {}, 1: {}, 2: {}}
    for mono, c in plain.read(poly).items():
        powers = dict(mono)
        parts[powers.pop(name, 0)][tuple(sorted(powers.items()))] = c
    a, b, c = parts[2], parts[1], parts[0]
    four = plain.plus(plain.scaled(plain.times(a, c), Fraction(4)), plain.times(b, b), Fraction(-1))
    lead, rest = signed_poly(a, by["lead"], place), signed_poly(four, by["rest"], place)
    if not lead.strict:
        last = signed_poly(c, by["last"], place)
        need(not c or last.positive == lead.positive, "first and last coefficient differ in sign")
    else:
        need("last" not in by, "a needless part")
    need(rest.positive or not four, "the discriminant has the wrong sign")
    return Signed(lead.positive, lead.strict and rest.strict)


def signed_poly(poly: plain.Poly, sign: Json, place: Place) -> Signed:
    """Check a SIGN whose product has to be a given polynomial, term by term, and return its sign.

    Parameters
    ----------
    poly : Poly
        Polynomial.
    sign : mapping
        SIGN.
    place : Place
        Where.

    Returns
    -------
    Signed
    """
    got = check(sign, place)
    out: plain.Poly = {(): number(sign["content"])} if number(sign["content"]) else {}
    for f in sign["factors"]:
        need(f["power"] > 0, "a quotient where a polynomial is needed")
        out = plain.times(out, plain.power(plain.read(parse_expr(f["poly"], place.names)), f["power"]))
    need(out == poly, "the product of the sign is another polynomial")
    return got


def _plan(poly: Expr, steps: list[Json], place: Place) -> Signed:
    return substituted(plain.read(poly), [_step(s, place) for s in steps])


# ---- ends ----


def _step(step: Json, place: Place) -> Step:
    only(step, "term", "low", "high")
    term = place.expr(step["term"])
    low, high = (_end(term, step[s], d, place) if s in step else None for s, d in (("low", 1), ("high", -1)))
    need(low is not None or high is not None, "a step without ends")
    return Step(plain.term(term), low, high)


def _end(term: Expr, end: Json, side: int, place: Place) -> End:
    only(end, "num", "den", "why")
    num, den = place.expr(end["num"]), ONE
    if "den" in end:
        got = check(end["den"], place)
        need(got.positive and got.strict, "a denominator of an end is not shown to be positive")
        den = product(end["den"], place.names)
    strict = _why(term, num, den, side, end.get("why"), place)
    return End(plain.read(num), plain.read(den), strict)


def _why(term: Expr, num: Expr, den: Expr, side: int, why: Json | None, place: Place) -> bool:
    """Check that ``side*(term*den - num) >= 0``; return whether it is strict."""
    away = (term if den == ONE else Mul((term, den))) + Neg(num)
    away = away if side > 0 else Neg(away)
    if why is None:
        strict = place.store.follows(Rel(ZERO, "<", away))
        need(strict or place.store.follows(Rel(ZERO, "<=", away)), f"{away} >= 0 is not shown")
        return strict
    match why["by"]:
        case "fact":
            return _fact(away, why, place)
        case "order":
            only(why, "by", "sign")
            return _order(term, num, den, side, why["sign"], place)
        case "radicand":
            only(why, "by", "sign")
            need(side > 0 and num == ZERO, "a root is compared with 0 only")
            got = prove(_radicand(term), why["sign"], place)
            need(got.positive and got.strict, "the radicand is not shown to be positive")
            return True
        case "identity":
            only(why, "by")
            need_zero(away, place, f"{away} = 0 is not an identity")
            return False
        case "chain":
            only(why, "by", "through", "first", "then")
            middle = place.expr(why["through"])
            first = _why(term, middle, ONE, side, why.get("first"), place)
            then = _end(middle, why["then"], side, place)
            fits = plain.times(then.num, plain.read(den)) == plain.times(then.den, plain.read(num))
            need(fits, "the chain ends elsewhere")
            return first or then.strict
    raise Bad(f"unknown reason {why['by']!r}")


def _fact(away: Expr, why: Json, place: Place) -> bool:
    only(why, "by", "rel", "times")
    rel = place.rel(why["rel"])
    gap_ = rel.rhs + Neg(rel.lhs)
    known = any(r.op == rel.op and plain.read(r.rhs + Neg(r.lhs)) == plain.read(gap_) for r in place.store.facts)
    need(known and rel.op != "!=", f"{rel} is not known")
    need_defined(gap_, place)
    got = check(why["times"], place)
    need(got.strict and (got.positive or rel.op == "="), "the multiplier is not shown to be positive")
    scaled = Mul((product(why["times"], place.names), away))
    need_zero(gap_ + Neg(scaled), place, f"{rel} is no multiple of {away} >= 0")
    return rel.op == "<"


def _order(term: Expr, num: Expr, den: Expr, side: int, sign: Json, place: Place) -> bool:
    need(den == ONE and isinstance(term, Call) and term.name in AT_BASE, "no increasing function")
    assert isinstance(term, Call)
    at, value = AT_BASE[term.name]
    if isinstance(num, Call) and num.name == term.name:
        at = num.args[0]
    else:
        need(num == value, "an increasing function is compared with another value")
    difference = term.args[0] if at == ZERO else term.args[0] + Neg(at)
    got = prove(difference, sign, place)
    need(got.positive == (side > 0), "the arguments are in the other order")
    return got.strict


def _radicand(term: Expr) -> Expr:
    match term:
        case Call("sqrt", (u,)):
            return u
        case Pow(u, _):
            return u
    raise Bad(f"{key(term)} is no root")
