"""Compile a tree into nested closures ``f(B, E)``: `B` holds balls and `E` exact rationals, one slot per symbol.

Limits of sums, array indices and the arguments of ``delta`` are decided on the exact path only. An undefined value is a
ball that is not finite; on the exact path it raises `NotRational`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from flint import acb, arb, fmpq

from dltsym.errors import DomainError, UnknownNode
from dltsym.notation.balls import (
    COMPLEX,
    EXACT,
    MAX_BITS,
    NAN,
    Q0,
    REAL,
    ZERO,
    NotRational,
    exact_power,
    exact_root,
    power,
    rational,
    real_power,
)
from dltsym.notation.binding import Binding
from dltsym.notation.closures_folds import folded
from dltsym.notation.tree import Add, Call, Const, Div, Expr, Index, Integral, Mul, Neg, Num, Pow, Sum, Sym
from dltsym.notation.walk import expand_definitions, free_symbols, subterms

MAX_TERMS = 2_000_000
Ball = Callable[[list, list], Any]
_INTEGER_SORTS = ("integer", "index", "bound")


class Slots:
    """Slot numbers of the symbols of one tree; slot 0: the precision, the budget of terms and if balls are made."""

    def __init__(self, symbols: tuple[Sym, ...]) -> None:
        self.of = {s: k for k, s in enumerate(symbols, 1)}
        self.size = len(symbols) + 1
        self.known: dict[Sym, int] = {}
        self.memo: dict[tuple[Any, ...], tuple[Expr, Ball]] = {}

    def new(self, sym: Sym) -> int:
        """Give a bound variable its slot: always the same one, but another inside its own scope."""
        slot = self.known.get(sym, self.size)
        if slot == self.size or sym in self.of:
            slot = self.known[sym] = self.size
            self.size += 1
        self.of[sym] = slot
        return slot


def _never(_b: list, _e: list) -> fmpq:
    raise NotRational


# The exact path


def exact_path(node: Expr, slots: Slots) -> Ball:
    """Compile the exact path of a tree.

    Parameters
    ----------
    node : Expr
        Tree without let-names and derivatives.
    slots : Slots
        Where the symbols live.

    Returns
    -------
    callable
    """
    match node:
        case Num(value):
            q = rational(value)
            return lambda B, E: q
        case Sym():
            return _exact_symbol(slots.of[node])
        case Neg(arg):
            f = exact_path(arg, slots)
            return lambda B, E: -f(B, E)
        case Add(args):
            return _fold(tuple(exact_path(a, slots) for a in args), False)
        case Mul(args):
            return _fold(tuple(exact_path(a, slots) for a in args), True)
        case Div(a, b):
            return _exact_quotient(exact_path(a, slots), exact_path(b, slots))
        case Pow():
            return _exact_power(node, slots)
        case Call(name, args):
            return _exact_call(EXACT.get(name), tuple(exact_path(a, slots) for a in args))
        case Index(array, idx):
            return _exact_entry(slots.of[array], tuple(exact_path(i, slots) for i in idx))
        case Sum():
            return _sum(node, slots, exact_path, Q0)
        case Binding():
            return folded(node, slots, exact_path, ball_path, None)
    return _never


def _exact_symbol(slot: int) -> Ball:
    def f(B: list, E: list) -> fmpq:
        value = E[slot]
        if value is None:
            raise NotRational
        return value

    return f


def _exact_quotient(a: Ball, b: Ball) -> Ball:
    def f(B: list, E: list) -> fmpq:
        den = b(B, E)
        if den == 0:
            raise NotRational
        return a(B, E) / den

    return f


def _integral_exponent(node: Expr) -> bool:
    return all(s.decl.sort in _INTEGER_SORTS for s in free_symbols(node))


def _exact_power(node: Pow, slots: Slots) -> Ball:
    base, exponent = exact_path(node.base, slots), exact_path(node.exponent, slots)
    whole = _integral_exponent(node.exponent)

    def f(B: list, E: list) -> fmpq:
        x, n = base(B, E), exponent(B, E)
        if n.q == 1 and (whole or x > 0):
            return exact_power(x, int(n.p))
        if n.q == 2 and (x > 0 or (whole and x == 0)):
            return exact_power(exact_root(x), int(n.p))
        raise NotRational

    return f


def _exact_call(fn: Callable[..., fmpq] | None, args: tuple[Ball, ...]) -> Ball:
    if fn is None:
        return _never
    return lambda B, E: fn(*[a(B, E) for a in args])


def _exact_entry(slot: int, idx: tuple[Ball, ...]) -> Ball:
    def f(B: list, E: list) -> fmpq:
        value = E[slot].exact(_integers(idx, B, E))
        if value is None or isinstance(value, arb):
            raise NotRational
        return rational(value)

    return f


def _integers(idx: tuple[Ball, ...], B: list, E: list) -> tuple[int, ...]:
    out = []
    for i in idx:
        value = i(B, E)
        if value.q != 1:
            raise DomainError(f"an array index is {value}: not an integer")
        out.append(int(value.p))
    return tuple(out)


# Sums, for both paths


def _fold(fs: tuple[Ball, ...], times: bool) -> Ball:
    first, *rest = fs
    if len(rest) == 1:
        (second,) = rest
        return (lambda B, E: first(B, E) * second(B, E)) if times else (lambda B, E: first(B, E) + second(B, E))

    def f(B: list, E: list) -> Any:
        out = first(B, E)
        for g in rest:
            out = out * g(B, E) if times else out + g(B, E)
        return out

    return f


def _sum(node: Sum, slots: Slots, path: Callable[[Expr, Slots], Ball], zero: Any) -> Ball:
    outer, loops = dict(slots.of), []
    for var, lo, hi in reversed(node.limits):  # a limit sees only the indices outside it
        if any(isinstance(t, Const) and t.name == "oo" for e in (lo, hi) for t in subterms(e)):
            raise UnknownNode(f"the sum over {var.name} is infinite")
        ends = exact_path(lo, slots), exact_path(hi, slots)
        loops.append((slots.new(var), *ends))
    f = path(node.body, slots)
    slots.of = outer
    for slot, lo_at, hi_at in reversed(loops):
        f = _one_sum(f, slot, lo_at, hi_at, zero, str(node))
    return f


def _one_sum(body: Ball, slot: int, lo: Ball, hi: Ball, zero: Any, text: str) -> Ball:
    exact = isinstance(zero, fmpq)

    def f(B: list, E: list) -> Any:
        try:
            a, b = lo(B, E), hi(B, E)
        except NotRational:
            raise DomainError(f"a limit of {text} is not an exact integer") from None
        if a.q != 1 or b.q != 1:
            raise DomainError(f"a limit of {text} is {a if a.q != 1 else b}: not an integer")
        terms = max(int((b - a).p) + 1, 0)
        E[0][0] -= terms
        if E[0][0] < 0:
            raise DomainError(f"{text} has more than {MAX_TERMS} terms here")
        total, start = zero, int(a.p)
        for i in range(start, start + terms):
            E[slot] = fmpq(i)
            if exact:
                if E[0][1]:
                    B[slot] = arb(i)
                total = total + body(B, E)
                if total.q.bit_length() > MAX_BITS:
                    raise NotRational
            else:
                B[slot] = arb(i)
                total = total + body(B, E)
        return total

    return f


# The ball path


def ball_path(node: Expr, slots: Slots, functions: Mapping[str, Callable[..., Any]] = REAL) -> Ball:
    """Compile the ball path of a tree.

    Parameters
    ----------
    node : Expr
        Tree without let-names and derivatives.
    slots : Slots
        Where the symbols live.
    functions : mapping
        ``REAL``, or ``COMPLEX`` inside an integral.

    Returns
    -------
    callable

    Raises
    ------
    UnknownNode
        For a node that has no value at a point.
    """

    def sub(e: Expr) -> Ball:
        return ball_path(e, slots, functions)

    match node:
        case Num(value):
            return _constant(value)
        case Const("pi"):
            return lambda B, E: arb.pi()
        case Sym():
            slot = slots.of[node]
            return lambda B, E: B[slot]
        case Neg(arg):
            f = sub(arg)
            return lambda B, E: -f(B, E)
        case Add(args) | Mul(args):
            return _fold(tuple(map(sub, args)), isinstance(node, Mul))
        case Div(a, b):
            f, g = sub(a), sub(b)
            return lambda B, E: f(B, E) / g(B, E)
        case Pow():
            return _ball_power(node, slots, functions)
        case Call():
            return _ball_call(node, slots, functions)
        case Index(array, idx):
            return _ball_entry(slots.of[array], tuple(exact_path(i, slots) for i in idx))
        case Sum():
            return _sum(node, slots, lambda e, s: ball_path(e, s, functions), ZERO)
        case Integral():
            return _quadrature(node, slots)
        case Binding():
            return folded(node, slots, exact_path, ball_path, functions)
    raise UnknownNode(f"{type(node).__name__} cannot be evaluated: {node}")


def _ball_entry(slot: int, idx: tuple[Ball, ...]) -> Ball:
    def f(B: list, E: list) -> arb:
        try:
            at = _integers(idx, B, E)
        except NotRational:
            return NAN
        return E[slot].ball(at)

    return f


def _constant(value: Fraction) -> Ball:
    if value.denominator == 1:
        exact = arb(value.numerator)
        return lambda B, E: exact
    q = rational(value)
    return lambda B, E: arb(q)


def _ball_power(node: Pow, slots: Slots, functions: Mapping[str, Any]) -> Ball:
    base, exponent = ball_path(node.base, slots, functions), ball_path(node.exponent, slots, functions)
    exact_base, exact_exponent = exact_path(node.base, slots), exact_path(node.exponent, slots)
    if all(isinstance(t, Num | Neg | Add | Mul | Div) for t in subterms(node.exponent)):
        n = _try(exact_exponent, [], [])
        if n is not None and n.q == 1:
            whole = int(n.p)
            return lambda B, E: power(base(B, E), whole)
    integral = _integral_exponent(node.exponent)

    def f(B: list, E: list) -> Any:
        n, x = _try(exact_exponent, B, E), base(B, E)
        if n is not None and n.q == 1 and integral:
            return power(x, int(n.p))
        if isinstance(x, acb):
            return (exponent(B, E) * COMPLEX["log"](x)).exp()
        if n is not None and n.q == 2 and x > 0:
            return power(x.sqrt(), int(n.p))
        if x > 0:
            return real_power(x, exponent(B, E))
        at_zero = integral and n is not None and n > 0 and _try(exact_base, B, E) == 0
        return ZERO if at_zero else NAN

    return f


def _try(f: Ball, B: list, E: list) -> Any:
    try:
        return f(B, E)
    except NotRational:
        return None


def _ball_call(node: Call, slots: Slots, functions: Mapping[str, Any]) -> Ball:
    if node.name not in functions:
        wider = expand_definitions(node)
        if wider == node:
            raise UnknownNode(f"{node.name} cannot be evaluated here")
        return ball_path(wider, slots, functions)
    fn, args = functions[node.name], tuple(ball_path(a, slots, functions) for a in node.args)
    if functions is not REAL:
        return lambda B, E: fn(*[acb(a(B, E)) for a in args])
    if node.name in ("exp", "sin", "cos", "erf", "atan", "tanh", "sigmoid", "softplus"):  # never undefined
        (arg,) = args
        return lambda B, E: fn(arg(B, E))
    exact = _exact_call(EXACT.get(node.name), tuple(exact_path(a, slots) for a in node.args))
    exact_args = tuple(exact_path(a, slots) for a in node.args)

    def f(B: list, E: list) -> arb:
        out = fn(*[a(B, E) for a in args])
        if out.is_finite():
            return out
        # The end of a domain (sqrt(x - y) at x = y): rounding spoils the ball, the exact path may still know.
        value = _try(exact, B, E)
        if value is not None:
            return arb(value)
        values = [_try(a, B, E) for a in exact_args]
        return out if None in values else fn(*[arb(v) for v in values])

    return f


def _quadrature(node: Integral, slots: Slots) -> Ball:
    lo, hi = ball_path(node.lo, slots), ball_path(node.hi, slots)
    outer = dict(slots.of)
    slot = slots.new(node.var)
    body = ball_path(node.body, slots, COMPLEX)
    slots.of = outer

    def f(B: list, E: list) -> arb:
        a, b = lo(B, E), hi(B, E)
        if not (a.is_finite() and b.is_finite()):
            return NAN

        def integrand(z: acb, _analytic: bool) -> acb:
            B[slot], E[slot] = z, None
            try:
                return acb(body(B, E))
            except (NotRational, DomainError):  # flint cannot pass an exception through
                return acb(NAN)

        out = acb.integral(integrand, acb(a), acb(b), eval_limit=20_000)
        return out.real if out.imag.contains(0) else NAN

    return f
