"""Pointwise operations of the tensor IR on balls, with the conventions of floating point at infinities.

A value is a rational, a ball, an exact infinity, nan, or `LOST`: a value that these balls do not tell, which asks for
more bits. A truth is True, False, or None when it is lost. Unlike the oracle's reading of a formula
(`dltsym.notation.extended`), ``0 * inf`` and ``0 / 0`` are nan here: the IR is what gets printed.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb, ctx, fmpq

from dltsym.errors import Undecided
from dltsym.functions.table import FUNCTIONS
from dltsym.lower.interpret.ir_counts import log_binomial
from dltsym.notation import extended as ext
from dltsym.notation.balls import NAN, REAL, rational
from dltsym.notation.evaluate import compile_expr
from dltsym.notation.extended import DEAD, INF, NEG_INF, Value
from dltsym.notation.extended_inverses import kl_lower, kl_upper
from dltsym.notation.scope import Scope
from dltsym.notation.tree import Call

LOST = arb(0, INF)
Truth = bool | None


def lost(x: Any) -> bool:
    """Say whether a value or a truth is not told by its ball."""
    if isinstance(x, arb):
        return not (x.is_finite() or x.is_nan() or x.is_exact())
    return x is None


def safe(op: Callable[..., Value]) -> Callable[..., Value]:
    """Return a function whose value is `LOST` instead of an `Undecided` error, and `LOST` for lost operands.

    Parameters
    ----------
    op : callable
        Function of values.

    Returns
    -------
    callable
    """

    def f(*xs: Value) -> Value:
        if any(lost(x) for x in xs):
            return LOST
        try:
            out = op(*xs)
        except Undecided:
            return LOST
        return arb(0) if out is DEAD else out

    return f


def _times(x: Value, y: Value) -> Value:
    if (ext.infinite(x) and ext.sign(y) == 0) or (ext.infinite(y) and ext.sign(x) == 0):
        return NAN
    return ext.times(x, y)


def _quick(op: Callable[[Value, Value], Value], careful: Callable[..., Value]) -> Callable[[Value, Value], Value]:
    """Return a function that takes the short way for finite operands with a finite result, which are nearly all."""

    def f(x: Value, y: Value) -> Value:
        if (type(x) is fmpq or x.is_finite()) and (type(y) is fmpq or y.is_finite()):
            out = op(x, y)
            if type(out) is fmpq or out.is_finite():
                return out
        return careful(x, y)

    return f


plus = _quick(operator.add, safe(ext.plus))
times = _quick(operator.mul, safe(_times))
larger = safe(ext.larger)
smaller = safe(ext.smaller)
exp = safe(ext.exp)
log = safe(ext.log)


def power_of(q: Fraction | int) -> Callable[[Value], Value]:
    """Return the function ``x -> x**q``; infinite at 0 for negative q.

    Parameters
    ----------
    q : Fraction or int
        Exponent.

    Returns
    -------
    callable
    """
    exponent = rational(q)

    def f(x: Value) -> Value:
        if q < 0 and not ext.undefined(x) and ext.sign(x) == 0:
            return INF
        return ext.raised(x, exponent)

    return safe(f)


def compare(op: str, x: Value, y: Value) -> Truth:
    """Compare as floating point does: nan is unequal to everything.

    Parameters
    ----------
    op : {"<", "<=", "=", "!="}
        Relation.
    x, y : fmpq or arb
        Values.

    Returns
    -------
    bool or None
    """
    if ext.undefined(x) or ext.undefined(y):
        return op == "!="
    if lost(x) or lost(y):
        return None
    try:
        return ext.compare(op, x, y)
    except Undecided:
        return None


def both(*cs: Truth) -> Truth:
    """Return the conjunction of truths."""
    return False if False in cs else None if None in cs else True


def either(*cs: Truth) -> Truth:
    """Return the disjunction of truths."""
    return True if True in cs else None if None in cs else False


def negate(c: Truth) -> Truth:
    """Return the negation of a truth."""
    return None if c is None else not c


def where(c: Truth, a: Any, b: Any) -> Any:
    """Select; the union of both values when the condition is lost.

    Parameters
    ----------
    c : bool or None
        Condition.
    a, b : Value or Truth
        Values.

    Returns
    -------
    Value or Truth
    """
    if c is not None:
        return a if c else b
    if isinstance(a, bool | None) or isinstance(b, bool | None):
        return a if a is b else None
    if all(isinstance(v, fmpq) or v.is_finite() for v in (a, b)):
        return ext.ball(a).union(ext.ball(b))
    return a if a is b else LOST


def _defined(name: str) -> Callable[..., arb]:
    row, v = FUNCTIONS[name], Scope()
    names = [f"x_{k}" for k in range(len(row.args))]
    value = compile_expr(Call(name, tuple(v.real(n) for n in names)))
    return lambda *xs: value.ball(dict(zip(names, xs, strict=True)), ctx.prec)


def _real(name: str) -> Callable[..., Value]:
    fn = REAL.get(name) or _defined(name)

    def f(*xs: Value) -> Value:
        if any(ext.undefined(x) for x in xs):
            return NAN
        out = fn(*[ext.ball(x) for x in xs])
        if out.is_finite() or ext.infinite(out):
            return out
        return NAN if all(isinstance(x, fmpq) or x.is_exact() for x in xs) else LOST

    return f


def _ends(at_minus: Value, f: Callable[[arb], arb], at_plus: Value) -> Callable[[Value], Value]:
    """Extend a function that is defined on the whole line by its limits."""

    def g(x: Value) -> Value:
        x = ext.ball(x)
        if x.is_finite():
            out = f(x)
            return out if out.is_finite() else LOST
        return NAN if x.is_nan() else at_plus if x > 0 else at_minus

    return g


def _positive(at_zero: Value, f: Callable[[arb], arb], at_plus: Value, below: Value = NAN) -> Callable[[Value], Value]:
    """Extend a function on (0, inf) by its limits."""

    def g(x: Value) -> Value:
        if ext.undefined(x):
            return NAN
        s = ext.sign(x)
        if s is None:
            raise Undecided("the sign is not known")
        if s <= 0:
            return below if s else at_zero
        x = ext.ball(x)
        return f(x) if x.is_finite() else at_plus

    return g


def _log1p(x: Value) -> Value:
    s = ext.sign(ext.plus(x, fmpq(1))) if not ext.undefined(x) else -1
    if s is None:
        raise Undecided("the sign is not known")
    x = ext.ball(x)
    return (x.log1p() if x.is_finite() else INF) if s > 0 else NEG_INF if s == 0 else NAN


def _logaddexp(x: Value, y: Value) -> Value:
    if ext.undefined(x) or ext.undefined(y):
        return NAN
    for a, b in ((x, y), (y, x)):
        if ext.infinite(a):
            return INF if a > 0 else b
    x, y = ext.ball(x), ext.ball(y)
    if x >= y:
        return x + (y - x).exp().log1p()
    return y + (x - y).exp().log1p()


def _stepped(x: Value) -> Value:
    s = ext.sign(x)
    if s is None:
        return NAN if ext.undefined(x) else arb(0).union(arb(1))
    return fmpq(1 if s > 0 else 0)


def _signed(x: Value) -> Value:
    s = ext.sign(x)
    if s is None:
        return NAN if ext.undefined(x) else arb(-1).union(arb(1))
    return fmpq(s)


def _floor(x: Value) -> Value:
    out = ext.ball(x).floor()
    if ext.undefined(x) or ext.infinite(x):
        return x
    if not out.is_exact():
        raise Undecided("it is not known on which side of an integer a value lies")
    return out


def _xlogy(x: Value, y: Value) -> Value:
    if ext.undefined(x) or ext.undefined(y):
        return NAN
    return arb(0) if ext.sign(x) == 0 else _times(x, ext.log(y))


def _phi1d(x: arb) -> arb:
    return arb(1) / 2 if x.is_zero() else (x.exp() * (x - 1) + 1) / (x * x)


def _half_erfc(x: arb) -> arb:
    return ((-x / arb(2).sqrt()).erfc() / 2).log()


def _log_cosh(x: arb) -> arb:
    s = (x / 2).sinh()
    return (2 * s * s).log1p()


_MINE: dict[str, Callable[..., Value]] = {
    "add": ext.plus,
    "mul": _times,
    "exp": ext.exp,
    "log": ext.log,
    "log1p": _log1p,
    "expm1": _ends(fmpq(-1), arb.expm1, INF),
    "log1mexp": _positive(NEG_INF, lambda x: (-(-x).expm1()).log(), fmpq(0)),
    "logaddexp": _logaddexp,
    "softplus": _ends(fmpq(0), lambda x: x.exp().log1p(), INF),
    "sigmoid": _ends(fmpq(0), lambda x: 1 / (1 + (-x).exp()), fmpq(1)),
    "logsigmoid": _ends(NEG_INF, lambda x: -(-x).exp().log1p(), fmpq(0)),
    "sqrt": ext.sqrt,
    "rsqrt": _positive(INF, arb.rsqrt, fmpq(0)),
    "maximum": ext.larger,
    "minimum": ext.smaller,
    "abs": lambda x: abs(x),
    "sign": _signed,
    "step": _stepped,
    "floor": _floor,
    "tanh": _ends(fmpq(-1), arb.tanh, fmpq(1)),
    "sinh": _ends(NEG_INF, arb.sinh, INF),
    "cosh": _ends(INF, arb.cosh, INF),
    "atan": lambda x: NAN if ext.undefined(x) else ext.ball(x).atan(),
    "erf": _ends(fmpq(-1), arb.erf, fmpq(1)),
    "erfc": _ends(fmpq(2), arb.erfc, fmpq(0)),
    "log_cosh": _ends(INF, _log_cosh, INF),
    "sech2": _ends(fmpq(0), lambda x: 1 / (x.cosh() ** 2), fmpq(0)),
    "log_ndtr": _ends(NEG_INF, _half_erfc, fmpq(0)),
    "lgamma": _positive(INF, arb.lgamma, INF),
    "digamma": _positive(NEG_INF, arb.digamma, INF),
    "trigamma": _positive(INF, lambda x: arb(2).zeta(x), fmpq(0)),
    "xlogx": lambda x: _xlogy(x, x),
    "xlogy": _xlogy,
    "xexpx": _ends(fmpq(0), lambda x: x * x.exp(), INF),
    "phi1": _ends(fmpq(0), REAL["phi1"], INF),
    "phi1d": _ends(fmpq(0), _phi1d, INF),
    "log1pmx": lambda x: ext.plus(_log1p(x), -x),
    "expm1mx": _ends(INF, lambda x: x.expm1() - x, INF),
} | {"log_binomial": log_binomial, "kl_upper": kl_upper, "kl_lower": kl_lower}
POINTWISE = {name: safe(f) for name, f in _MINE.items()}


def pointwise(op: str) -> Callable[..., Value] | None:
    """Return the function of one row of the op table on values.

    Parameters
    ----------
    op : str
        Operation.

    Returns
    -------
    callable or None
        None for a name that is no pointwise operation on numbers.
    """
    if op in POINTWISE:
        return POINTWISE[op]
    known = op in REAL or (op in FUNCTIONS and FUNCTIONS[op].definition is not None)
    return safe(_real(op)) if known else None


def mapped(f: Callable[..., Any], *arrays: Any) -> Any:
    """Apply a function entry by entry to arrays of objects.

    Parameters
    ----------
    f : callable
        Function, or a ufunc made from one.
    *arrays : ndarray of object
        Operands; they are broadcast.

    Returns
    -------
    ndarray of object
    """
    g = f if isinstance(f, np.ufunc) else np.frompyfunc(f, len(arrays), 1)
    out = g(*arrays)
    if isinstance(out, np.ndarray):
        return out
    alone = np.empty((), dtype=object)
    alone[()] = out
    return alone


def folded(f: Callable[..., Any], array: Any, unit: Any) -> Any:
    """Fold the last dimension of an array of objects.

    Parameters
    ----------
    f : callable
        Function of two values.
    array : ndarray of object
        Values.
    unit : Value
        Fold of nothing.

    Returns
    -------
    ndarray of object
    """
    out = np.empty(array.shape[:-1], dtype=object)
    for at in np.ndindex(*out.shape):
        total = unit
        for x in array[at]:
            total = f(total, x)
        out[at] = total
    return out


PLUS, TIMES = np.frompyfunc(plus, 2, 1), np.frompyfunc(times, 2, 1)
