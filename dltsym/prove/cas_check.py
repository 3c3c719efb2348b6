"""Numbers for the ``cas`` engine: quadrature for integrals, points close by for limits, balls for the rest.

SymPy's answer is never taken alone: both sides are evaluated here, without SymPy, at certified points.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, pairwise, product
from typing import Any

import mpmath
from flint import arb

from dltsym.errors import DltsymError, InternalError
from dltsym.notation.evaluate import compile_expr
from dltsym.notation.tree import Const, Decl, Expr, Integral, Limit, Neg, Num, Sum, Sym
from dltsym.notation.walk import children, rebuild, substitute, subterms
from dltsym.prove.certify import admissible
from dltsym.prove.problem import Problem
from dltsym.prove.sample import candidates
from dltsym.prove.setting import Point, setting

POINTS, TRIES, BITS, STEPS = 3, 60, 256, (8, 16, 32, 64)
CLOSE, RELIABLE = 1e-9, 1e-12
FAR = 20_000  # binary exponents beyond this are zero or no number
INFINITY = Const("oo")
PROBE = "quadrature point"  # no scope can declare this name
SLOWLY = 0.95  # a difference that still falls faster than this has not settled


class CrossCheckFailed(InternalError):
    """A proof or SymPy says equal, numbers say otherwise: an internal error, to be reported and never a verdict."""


class NoNumber(Exception):
    """A side has no reliable value at a point."""


@dataclass(frozen=True)
class Gap:
    """Difference of the two sides at one point, seen from one side of each limit."""

    point: dict[str, str]
    size: float
    agrees: bool


def gaps(problem: Problem) -> list[Gap]:
    """Compare both sides of an equation at a few certified points.

    Parameters
    ----------
    problem : Problem
        Goal with ``=``.

    Returns
    -------
    list of Gap
        Empty when no point gave numbers, or a limit is reached too slowly to tell.
    """
    s = setting(problem)
    out: list[Gap] = []
    found = (p for p in candidates(s, 5, TRIES) if admissible(s, p))
    goal = s.problem.goal
    both = any(isinstance(t, Limit) and t.side == "+-" and not _infinite(t.point) for t in subterms(goal))
    points = islice(found, POINTS if s.symbols else 1)
    for point, sign in product(points, (1, -1) if both else (1,)):
        shown = {k: str(v) for k, v in point.items() if isinstance(v, int | Fraction)}
        try:
            sizes = _sizes(goal.lhs, goal.rhs, point, sign)
        except (NoNumber, DltsymError, ValueError, ZeroDivisionError):
            continue
        if len(sizes) > 1 and not _vanishes(sizes) and sizes[-1] <= SLOWLY * sizes[-2]:
            return []  # one side of a limit that has not settled: the other side alone says nothing
        out.append(Gap(shown, float(sizes[-1]), _vanishes(sizes)))
    return out


def _sizes(lhs: Expr, rhs: Expr, point: Point, sign: int) -> list[Any]:
    """Return relative differences of the sides, with limits replaced by ever closer points."""
    steps = STEPS if any(isinstance(t, Limit) for e in (lhs, rhs) for t in subterms(e)) else STEPS[:1]
    out = []
    for k in steps:
        a, b = (value(e, point, k, sign) for e in (lhs, rhs))
        out.append(abs(a - b) / (1 + abs(a) + abs(b)))
    return out


def _vanishes(sizes: list[Any]) -> bool:
    falls = len(sizes) > 1 and all(5 * b <= 3 * a for a, b in pairwise(sizes))  # a wrong limit stops falling
    return bool(sizes[-1] <= CLOSE or falls)


def value(e: Expr, point: Point, k: int, sign: int) -> Any:
    """Return a number for a tree; a limit is read ``2**-k`` (or ``2**k``) away from its point.

    Without a value, or without a reliable one, `NoNumber` is raised.

    Parameters
    ----------
    e : Expr
        Tree.
    point : dict
        Values of the free symbols.
    k, sign : int
        How close to read limits, and from which side where both are allowed.

    Returns
    -------
    mpmath.mpf
    """
    return _middle(compile_expr(_numbers(e, point, k, sign)).ball(point, BITS))


def _middle(ball: arb) -> Any:
    """Return the middle of a narrow ball."""
    if not ball.is_finite() or ball.rad() > 1e-15 * (1 + abs(ball.mid())):
        raise NoNumber
    man, exp = ball.mid().man_exp()  # not a fraction: exp(-10**9) has a denominator of 10**9 bits
    return mpmath.ldexp(mpmath.mpf(int(man)), int(exp))


def _function(body: Expr, var: Sym, point: Point, k: int, sign: int) -> Callable[[Fraction], Any]:
    """Return the body of an integral or limit as a function of its variable, under a name of its own."""
    probe = Sym(Decl(f"{PROBE} {len(point)}", "real"))  # nested ones see a longer point
    body = substitute(body, {var: probe})
    if any(isinstance(t, Limit | Integral) for t in subterms(body)):
        return lambda x: value(body, {**point, probe.name: x}, k, sign)
    compiled = compile_expr(body)
    return lambda x: _middle(compiled.ball({**point, probe.name: x}, BITS))


def _numbers(e: Expr, point: Point, k: int, sign: int) -> Expr:
    """Replace integrals and limits by rational numbers."""
    match e:
        case Limit(body, var, at, side):
            return Num(_near(body, var, at, {"+": 1, "-": -1}.get(side, sign), point, k))
        case Integral(body, var, lo, hi):
            return Num(_area(body, var, (lo, hi), point, k, sign))
        case Sum() if any(isinstance(t, Limit | Integral) for t in subterms(e)):
            raise NoNumber
    return rebuild(e, tuple(_numbers(c, point, k, sign) for c in children(e)))


def _near(body: Expr, var: Sym, at: Expr, sign: int, point: Point, k: int) -> Fraction:
    """Return the value of a body close to the point of its limit."""
    if _infinite(at):
        x = Fraction(2**k if at == INFINITY else -(2**k))
    else:
        x = exact(value(at, point, k, sign)) + Fraction(sign, 2**k)
    return exact(_function(body, var, point, k, sign)(x))


def _area(body: Expr, var: Sym, ends: tuple[Expr, Expr], point: Point, k: int, sign: int) -> Fraction:
    """Return an integral by quadrature, if its error estimate is small."""
    limits = []
    for end in ends:
        if _infinite(end):
            limits.append(mpmath.inf if end == INFINITY else -mpmath.inf)
        else:
            limits.append(value(end, point, k, sign))

    f = _function(body, var, point, k, sign)
    area, error = mpmath.quad(lambda z: f(exact(z)), limits, error=True)
    if not error <= RELIABLE * (1 + abs(area)):
        raise NoNumber
    return exact(area)


def _infinite(e: Expr) -> bool:
    return e in (INFINITY, Neg(INFINITY))


def exact(x: Any) -> Fraction:
    """Return a finite binary number as a fraction."""
    if not mpmath.isfinite(x):
        raise NoNumber
    man, exp = mpmath.mpf(x).man_exp
    if abs(exp) > FAR:
        if exp < 0:
            return Fraction(0)
        raise NoNumber
    return int(mpmath.sign(x)) * abs(int(man)) * Fraction(2) ** int(exp)  # man_exp drops the sign
