"""Cross-check of derivatives: power series with balls at exact points, independent of the rules of calculus."""

from __future__ import annotations

from fractions import Fraction

from flint import arb, arb_series, ctx, fmpq

from dltsym.notation.evaluate import evaluate
from dltsym.notation.tree import Add, Call, Const, Div, Expr, Mul, Neg, Num, Pow, Sym
from dltsym.notation.walk import expand_definitions, free_symbols
from dltsym.prove.replay.place import Place, need

POINTS, ENOUGH, BITS = 12, 3, 128
VALUES = tuple(
    Fraction(*p) for p in ((1, 2), (1, 3), (3, 4), (2, 1), (1, 7), (5, 3), (-1, 2), (9, 10), (-3, 1), (7, 1))
)
FUNCTIONS = {
    "exp": arb_series.exp,
    "log": arb_series.log,
    "sqrt": arb_series.sqrt,
    "sin": arb_series.sin,
    "cos": arb_series.cos,
    "atan": arb_series.atan,
    "asin": arb_series.asin,
    "acos": arb_series.acos,
    "erf": arb_series.erf,
}


class _Unknown(ValueError):
    """A node without a series rule."""


def need_slope(f: Expr, slope: Expr, var: Sym, place: Place) -> None:
    """Require that a derivative agrees with the second coefficient of a power series at exact points.

    Parameters
    ----------
    f, slope : Expr
        Function and its derivative.
    var : Sym
        Variable.
    place : Place
        Only points where the series is finite count; there may be none.
    """
    f = expand_definitions(f)
    others = sorted(free_symbols(f) | free_symbols(slope), key=lambda s: s.name)
    if any(s.decl.sort == "array" for s in others):
        return
    found = 0
    for k in range(POINTS):
        at = {s: VALUES[(k + 3 * n + n * k) % len(VALUES)] for n, s in enumerate(others)}
        at.setdefault(var, VALUES[k % len(VALUES)])
        expected, got = _second(f, var, at), evaluate(slope, {s.name: v for s, v in at.items()}, BITS)
        if expected is None or not (expected.is_finite() and got.is_finite()):
            continue
        need(bool(expected.overlaps(got)), f"{slope} is not the derivative of {f} by {var}")
        found += 1
        if found == ENOUGH:
            return


def _second(f: Expr, var: Sym, at: dict[Sym, Fraction]) -> arb | None:
    """Return the coefficient of h in ``f(x + h)``."""
    old = ctx.prec, ctx.cap
    ctx.prec, ctx.cap = BITS, 2
    try:
        return _series(f, var, at)[1]
    except (_Unknown, ValueError, ZeroDivisionError, OverflowError):
        return None
    finally:
        ctx.prec, ctx.cap = old


def _series(e: Expr, var: Sym, at: dict[Sym, Fraction]) -> arb_series:
    match e:
        case Num(value):
            return _constant(value)
        case Const("pi"):
            return arb_series([arb.pi()])
        case Sym():
            return arb_series([_ball(at[e]), 1]) if e == var else _constant(at[e])
        case Neg(arg):
            return -_series(arg, var, at)
        case Add(args):
            return sum((_series(a, var, at) for a in args), _constant(Fraction(0)))
        case Mul(args):
            out = _constant(Fraction(1))
            for a in args:
                out = out * _series(a, var, at)
            return out
        case Div(a, b):
            return _series(a, var, at) / _series(b, var, at)
        case Pow(base, Num(value)) if value.denominator == 1 and abs(value) <= 100:
            out = _constant(Fraction(1))
            for _ in range(abs(int(value))):
                out = out * _series(base, var, at)
            return out if value >= 0 else _constant(Fraction(1)) / out
        case Pow(base, exponent):
            return (_series(base, var, at).log() * _series(exponent, var, at)).exp()
        case Call(name, (arg,)) if name in FUNCTIONS:
            return FUNCTIONS[name](_series(arg, var, at))
    raise _Unknown(type(e).__name__)


def _ball(c: Fraction) -> arb:
    return arb(fmpq(c.numerator, c.denominator))


def _constant(c: Fraction) -> arb_series:
    return arb_series([_ball(c)])
