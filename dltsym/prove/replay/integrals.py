"""Integrals by the fundamental theorem: antiderivatives are differentiated here, their end values worked out here.

``{"kind": "integrals", "integrals": [{"antiderivative": G, "value": V}, ...]}``, in the order in which the integrals
stand in the goal, from left to right; the variable is called ``integration_variable``. At an infinite end only limits
that are read off the form of G are accepted: vanishing exponentials and powers, error functions and arc tangents.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from dltsym.notation.calculus import add, derivative, mul
from dltsym.notation.tree import Add, Call, Const, Decl, Div, Expr, Integral, Limit, Mul, Neg, Num, Pow, Rel, Sum, Sym
from dltsym.notation.walk import children, expand_definitions, free_symbols, rebuild, substitute, subterms, transform
from dltsym.prove.problem import Problem
from dltsym.prove.replay import Rejected
from dltsym.prove.replay.defined import gap
from dltsym.prove.replay.place import Place, only
from dltsym.prove.replay.setting import FIELDS, setting
from dltsym.prove.replay.side import Store, with_facts

KIND = "integrals"
OO, ZERO, ONE = Const("oo"), Num(Fraction(0)), Num(Fraction(1))
X = Sym(Decl("integration_variable", "real"))
MAX_DEGREE = 2


def check(problem: Problem, certificate: Mapping[str, Any]) -> None:
    """Replay an equation between integrals.

    Parameters
    ----------
    problem : Problem
        Prepared problem.
    certificate : mapping
        Certificate of the form above.

    Raises
    ------
    Rejected
        When a step does not hold, or the goal is no equation.
    """
    only(certificate, *FIELDS, "integrals")
    here = setting(problem, certificate)
    if here.goal.op != "=":
        raise Rejected("goal", "only equations are proved by values")
    steps = iter(certificate["integrals"])
    lhs, rhs = (_valued(e, here.place, steps) for e in (here.goal.lhs, here.goal.rhs))
    if next(steps, None) is not None:
        raise Rejected("integrals", "more steps than integrals")
    if not here.place.store.zero(lhs + Neg(rhs)):
        raise Rejected("goal", "the values do not make both sides equal")


def _valued(e: Expr, place: Place, steps: Iterator[Mapping[str, Any]]) -> Expr:
    if isinstance(e, Integral):
        step = next(steps, None)
        if step is None:
            raise Rejected("integrals", f"no step for {e}")
        only(step, "antiderivative", "value")
        return _integral(e, place, step)
    if isinstance(e, Sum | Limit) and any(isinstance(t, Integral) for t in subterms(e)):
        raise Rejected("integrals", "an integral inside a sum or a limit")
    kids = children(e)
    return rebuild(e, tuple(_valued(c, place, steps) for c in kids)) if kids else e


def _integral(node: Integral, place: Place, step: Mapping[str, Any]) -> Expr:
    here = Place({**place.names, X.name: X}, place.store)
    body = substitute(node.body, {node.var: X})
    found, value = expand_definitions(here.read(step["antiderivative"])), place.read(step["value"])
    ends = {s: e for s, e in (("low", node.lo), ("high", node.hi)) if e not in (OO, Neg(OO))}
    if node.lo == OO or node.hi == Neg(OO) or any(_jumps(t) for f in (body, found) for t in subterms(f)):
        raise Rejected("integral", "the range or the integrand is of a kind that is not treated")
    if len(ends) == 2 and not place.store.follows(Rel(node.lo, "<=", node.hi)):
        raise Rejected("integral", f"{node.lo} <= {node.hi} is not known")
    inside, closed = (with_facts(place.store, *_range(ends, op)) for op in ("<", "<="))
    slope = expand_definitions(derivative(found, X))
    missing = gap(closed, found, body) or gap(inside, slope) or gap(place.store, *ends.values())
    if missing is not None:
        raise Rejected("integral", f"{missing} is not known on the range")
    if not inside.zero(slope + Neg(body)):
        raise Rejected("antiderivative", "its derivative is not the integrand")
    high = substitute(found, {X: node.hi}) if "high" in ends else _far(found, place.store)
    turned = substitute(found, {X: Neg(X)})
    low = substitute(found, {X: node.lo}) if "low" in ends else _far(turned, place.store)
    difference = transform(value + Neg(high) + low, _odd)
    if gap(place.store, value) is not None or not place.store.zero(difference):
        raise Rejected("value", "it is not the difference of the values at the ends")
    return value


def _odd(e: Expr) -> Expr:
    """Take minus signs out of odd functions."""
    match e:
        case Call(("erf" | "atan") as name, (Neg(u),)):
            return Neg(Call(name, (u,)))
        case Call(("erf" | "atan") as name, (Mul(args),)) if any(isinstance(a, Neg) for a in args):
            k = next(k for k, a in enumerate(args) if isinstance(a, Neg))
            return _odd(Call(name, (Neg(Mul((*args[:k], args[k].arg, *args[k + 1 :]))),)))  # type: ignore[attr-defined]
    return e


def _range(ends: Mapping[str, Expr], op: str) -> tuple[Rel, ...]:
    low = (Rel(ends["low"], op, X),) if "low" in ends else ()
    return (*low, *((Rel(X, op, ends["high"]),) if "high" in ends else ()))


def _jumps(t: object) -> bool:
    return isinstance(t, Integral | Limit | Sum) or (isinstance(t, Call) and t.name == "delta")


def _far(e: Expr, store: Store) -> Expr:
    """Return the limit of an expression as x grows, where its form shows it."""
    if X not in free_symbols(e):
        return e
    match e:
        case Neg(arg):
            return Neg(_far(arg, store))
        case Add(args):
            return add(*(_far(a, store) for a in args))
        case Div(num, den) if X not in free_symbols(den):
            return Div(_far(num, store), den)
        case Mul(args):
            if any(_vanishes(a, store) for a in args) and all(_vanishes(a, store) or _tame(a) for a in args):
                return ZERO
            return mul(*(_far(a, store) for a in args))
        case Call("exp", _) if _vanishes(e, store):
            return ZERO
        case Call(("erf" | "atan") as name, (u,)):
            end = ONE if name == "erf" else Div(Const("pi"), Num(Fraction(2)))
            return end if _grows(u, store) == 1 else Neg(end) if _grows(u, store) == -1 else _unknown(e)
        case Pow(base, exponent) if base == X and store.follows(Rel(exponent, "<", ZERO)):
            return ZERO
    return _unknown(e)


def _unknown(e: Expr) -> Expr:
    raise Rejected("end", f"the limit of {e} is not read off its form")


def _vanishes(e: Expr, store: Store) -> bool:
    """Whether an expression is an exponential whose exponent tends to minus infinity, up to constant factors."""
    match e:
        case Neg(arg):
            return _vanishes(arg, store)
        case Div(num, den):
            return X not in free_symbols(den) and _vanishes(num, store)
        case Mul(args):
            return any(_vanishes(a, store) for a in args) and all(_vanishes(a, store) or _tame(a) for a in args)
        case Call("exp", (u,)):
            return _grows(u, store) == -1
    return False


def _tame(e: Expr) -> bool:
    """Whether an expression grows at most like a power: polynomials, bounded functions, sums and products of such."""
    if X not in free_symbols(e):
        return True
    match e:
        case Sym() | Call("erf" | "atan" | "sin" | "cos", _):
            return True
        case Neg(arg) | Pow(arg, Num(_)):
            return _tame(arg) and not (isinstance(e, Pow) and isinstance(e.exponent, Num) and e.exponent.value < 0)
        case Add(args) | Mul(args):
            return all(map(_tame, args))
        case Div(num, den):
            return X not in free_symbols(den) and _tame(num)
    return False


def _grows(u: Expr, store: Store) -> int:
    """Return 1 or -1 where a polynomial of degree 1 or 2 tends to plus or minus infinity, else 0."""
    if any(isinstance(t, Call | Pow) and X in free_symbols(t) and not _square(t) for t in subterms(u)):
        return 0
    slopes = [u]
    for _ in range(MAX_DEGREE):
        slopes.append(derivative(slopes[-1], X))
    if not store.zero(derivative(slopes[-1], X)):
        return 0
    for slope in reversed(slopes[1:]):
        at = substitute(slope, {X: ZERO})
        if not store.zero(slope + Neg(at)):
            return 0
        if not store.zero(at):
            sign, strict = store.sign(at)
            return sign if strict else 0
    return 0


def _square(t: object) -> bool:
    return isinstance(t, Pow) and t.exponent in (ONE, Num(Fraction(2)))
