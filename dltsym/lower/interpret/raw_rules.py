"""How the raw walk reads sums, products, quotients and functions; the closures under `raw_walk`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flint import arb, fmpq

from dltsym.errors import DomainError, Undecided
from dltsym.notation import extended as ext
from dltsym.notation.balls import EXACT, NAN, NotRational, exact_power, exact_root
from dltsym.notation.extended import DEAD, Value
from dltsym.notation.extended_inverses import kl_lower, kl_upper
from dltsym.notation.folds import Cases, Order
from dltsym.notation.tree import Call, Expr, Index, Num, Rel, Sum
from dltsym.notation.walk import free_symbols, subterms

Fn = Callable[[list[Any]], Any]


def is_mask(node: Expr) -> bool:
    """Say whether a factor is 0 or 1 by its form."""
    match node:
        case Index(array, _):
            return array.decl.entries == "bool"
        case Call(name, _):
            return name == "delta"
        case Cases():
            return all(isinstance(e, Num) for e in (*(value for _, value in node.branches), node.otherwise))
    return isinstance(node, Order) and node.kind == "topk"


def sum_of(fs: list[Fn]) -> Fn:
    """Return the closure of a sum."""
    first, *rest = fs
    plus = ext.plus

    def f(env: list[Any]) -> Value:
        out = first(env)
        for g in rest:
            out = plus(out, g(env))
        return out

    return f


def product_of(masks: list[Fn], fs: list[Fn], free: list[Fn], weights: list[Fn]) -> Fn:
    """Return the closure of a product.

    A false mask hides an exponential whatever its exponent, and nothing else: a factor without a value stays without.

    Parameters
    ----------
    masks, fs : list of callable
        Factors that are 0 or 1, and the others.
    free : list of callable
        Those of the others that are no exponential.
    weights : list of callable
        Those of the others that are entries of arrays: 0 log 0 = 0 for them.

    Returns
    -------
    callable
    """
    times = ext.times

    def hidden(zero: Value, env: list[Any]) -> Value:
        for g in free:
            try:
                if ext.undefined(g(env)):
                    return NAN
            except (DomainError, Undecided):  # out of range, or on a jump: it is not needed
                continue
        return zero

    def f(env: list[Any]) -> Value:
        out = None
        for g in masks:
            x = g(env)
            if x is DEAD or (isinstance(x, fmpq) and x == 0):
                return hidden(x, env)
            out = x if out is None else times(out, x)
        for g in fs:
            out = g(env) if out is None else times(out, g(env))
        if isinstance(out, arb) and out.is_nan() and any(g(env) == 0 for g in weights):
            return NAN if any(ext.undefined(g(env)) for g in fs) else DEAD
        return out

    return f


def irrational(_env: list[Any]) -> Value:
    """Give up: the value is no rational that is known."""
    raise NotRational


def rational_call(fn: Callable[..., fmpq], fs: list[Fn]) -> Fn:
    """Return the closure of a function of rationals."""

    def f(env: list[Any]) -> Value:
        return fn(*[g(env) for g in fs])

    return f


def binomial(n: Value, k: Value) -> Value:
    """Return a binomial coefficient: the number itself, or a ball by the gamma function where it has too many digits.

    Parameters
    ----------
    n, k : Value
        Whole numbers, 0 <= k <= n.

    Returns
    -------
    Value

    Raises
    ------
    Undecided
        For other numbers, and balls.
    """
    if not (isinstance(n, fmpq) and isinstance(k, fmpq) and n.q == k.q == 1 and 0 <= k <= n):
        raise Undecided("a binomial coefficient needs whole numbers 0 <= k <= n")
    try:
        return EXACT["binomial"](n, k)
    except NotRational:
        top, low, high = ((arb(x) + 1).lgamma() for x in (n, k, n - k))
        return (top - low - high).exp()


def is_exponential(node: Expr | Rel) -> bool:
    """Say whether a node is an exponential."""
    return isinstance(node, Call) and node.name == "exp"


def is_partition(node: Expr | Rel) -> bool:
    """Say whether a node is a sum of exponentials that depend on what it sums over."""
    if not isinstance(node, Sum):
        return False
    own = {v for v, _, _ in node.limits}
    return any(is_exponential(t) and free_symbols(t) & own for t in subterms(node.body))


def plain_over(x: Value, y: Value) -> Value:
    """Divide; only a softmax over nothing is 0 by agreement, a mean over nothing has no value."""
    return NAN if x is DEAD and y is DEAD else ext.over(x, y)


def exact_over(x: fmpq, y: fmpq) -> fmpq:
    """Divide rationals."""
    if y == 0:
        raise NotRational
    return x / y


def exact_raised(x: fmpq, y: fmpq) -> fmpq:
    """Return a power of rationals."""
    if y.q == 1:
        return exact_power(x, int(y.p))
    if y.q == 2 and x >= 0:
        return exact_power(exact_root(x), int(y.p))
    raise NotRational


def real_function(fn: Callable[..., arb]) -> Callable[..., Value]:
    """Return a function of balls on values; it has no value where it is not finite on exact operands."""

    def f(*xs: Value) -> Value:
        if any(ext.undefined(x) for x in xs):
            return NAN
        out = fn(*[ext.ball(x) for x in xs])
        if out.is_finite() or ext.infinite(out):
            return out
        if all(isinstance(x, fmpq) or x.is_exact() for x in xs):
            return NAN
        raise Undecided("it is not known whether a function has a value")

    return f


def _size(x: Value) -> Value:
    return x if ext.undefined(x) or x is DEAD else abs(x)


def _xlogx(x: Value) -> Value:
    nothing = x is DEAD or (isinstance(x, fmpq) and x == 0) or (isinstance(x, arb) and x.is_zero())
    return x if nothing else ext.times(x, ext.log(x))


EXTENDED: dict[str, Callable[..., Value]] = {
    "exp": ext.exp,
    "log": ext.log,
    "sqrt": ext.sqrt,
    "max": ext.larger,
    "min": ext.smaller,
    "abs": _size,
    "xlogx": _xlogx,
    "kl_upper": kl_upper,
    "kl_lower": kl_lower,
}
