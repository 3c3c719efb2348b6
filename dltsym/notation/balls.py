"""The named functions on rigorous real balls, on complex balls and on exact rationals.

``REAL`` maps a name to a function of `flint.arb`; where a value is undefined, or cannot be shown to be defined, the
result is not finite (never an exception, never a made-up number). ``EXACT`` maps it to a function of rationals that
raises `NotRational` unless the value is a rational it knows. ``COMPLEX`` serves rigorous quadrature only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

from flint import acb, arb, ctx, fmpq, fmpz

from dltsym.errors import DomainError
from dltsym.notation.balls_closed import CLOSED
from dltsym.notation.balls_inverse import INVERSE
from dltsym.notation.balls_stable import STABLE


class NotRational(Exception):
    """The exact path does not know this value; the ball path may."""


ZERO, ONE = arb(0), arb(1)
NAN = arb.nan()
Q0, Q1 = fmpq(0), fmpq(1)
MAX_BITS = 40_000


@contextmanager
def working(prec: int) -> Iterator[None]:
    """Set flint's global precision inside a block and restore it after.

    Parameters
    ----------
    prec : int
        Bits.

    Yields
    ------
    None
    """
    old = ctx.prec
    ctx.prec = prec
    try:
        yield
    finally:
        ctx.prec = old


def rational(x: Any) -> fmpq:
    """Turn an int or Fraction into a flint rational.

    Parameters
    ----------
    x : int, Fraction or fmpq
        Exact number.

    Returns
    -------
    fmpq

    Raises
    ------
    DomainError
        For a float or anything else that is not exact.
    """
    if isinstance(x, fmpq):
        return x
    if isinstance(x, Fraction):
        return fmpq(*x.as_integer_ratio())
    if not isinstance(x, int):
        raise DomainError(f"{x!r} ({type(x).__name__}) is not an exact number; give an integer or a Fraction")
    return fmpq(x)


def power(x: Any, n: int) -> Any:
    """Return ``x**n`` for an integer n, tight on balls around 0 (flint's own power is not finite there).

    Parameters
    ----------
    x : arb or acb
        Base.
    n : int
        Exponent.

    Returns
    -------
    arb or acb
    """
    if n == 2 and not x.contains(0):
        return x * x
    if n < 0:
        return 1 / power(x, -n)
    if n == 0:
        return ONE if x.is_finite() else NAN
    if isinstance(x, arb) and not x.is_zero() and x.contains(0) and x.is_finite():
        hi, lo = _binary(x.upper(), n), _binary(x.lower(), n)
        return hi.union(lo) if n % 2 else ZERO.union(hi).union(lo)
    return _binary(x, n)


def _binary(x: Any, n: int) -> Any:
    if n > 64 and isinstance(x, arb) and not x.contains(0):  # one logarithm beats many roundings
        size = (n * abs(x).log()).exp()
        return size if n % 2 == 0 or x > 0 else -size
    out = None
    while n:
        if n & 1:
            out = x if out is None else out * x
        n >>= 1
        if n:
            x = x * x
    return out


def real_power(x: arb, y: arb) -> arb:
    """Return ``exp(y log x)``; not finite unless x > 0 for certain.

    Parameters
    ----------
    x, y : arb
        Base and exponent.

    Returns
    -------
    arb
    """
    return (y * x.log()).exp() if x > 0 else NAN


def _xlogx(u: arb) -> arb:
    if u > 0:
        return u * u.log()
    return ZERO if u.is_zero() else NAN


def _kl(q: arb, p: arb) -> arb:
    r = 1 - p
    if not (p > 0 and r > 0):
        return NAN
    s = 1 - q
    if q > 0 and s > 0:
        return q * (q / p).log() + s * (s / r).log()
    if q.is_zero():
        return -r.log()
    return -p.log() if s.is_zero() else NAN


def _phi1(z: arb) -> arb:
    if not z.contains(0):
        if z.rad() * 1024 < abs(z.mid()):
            return z.expm1() / z
        return _phi1(z.lower()).union(_phi1(z.upper()))  # increasing: the ends enclose a wide ball
    if z.is_zero() or not z.is_finite():
        return ONE if z.is_zero() else NAN
    return _phi1(z.lower()).union(_phi1(z.upper()))


def _acos(u: arb) -> arb:
    if u == ONE:
        return ZERO
    return u.acos()


def _sigmoid(u: arb) -> arb:
    return 1 / (1 + (-u).exp())


def _undecided(*_: arb) -> arb:
    return NAN  # a function of integers, which only the exact path knows


REAL: dict[str, Callable[..., Any]] = {
    "exp": arb.exp,
    "log": arb.log,
    "sqrt": arb.sqrt,
    "sin": arb.sin,
    "cos": arb.cos,
    "tan": arb.tan,
    "acos": _acos,
    "asin": arb.asin,
    "atan": arb.atan,
    "erf": arb.erf,
    "abs": abs,
    "max": arb.max,
    "min": arb.min,
    "sinh": arb.sinh,
    "cosh": arb.cosh,
    "tanh": arb.tanh,
    "sigmoid": _sigmoid,
    "softplus": lambda u: u.exp().log1p(),
    "kl_bernoulli": _kl,
    "binary_entropy": lambda p: -_xlogx(p) - _xlogx(1 - p),
    "phi1": _phi1,
    "xlogx": _xlogx,
    "delta": _undecided,
    "binomial": _undecided,
    **STABLE,
    **CLOSED,
    **INVERSE,
}


def _right(f: Callable[[acb], acb]) -> Callable[[acb], acb]:
    """Restrict to the open right half plane: holomorphic there, and real exactly where the real function is."""
    return lambda w: f(w) if w.real > 0 else acb(NAN)


def _ctanh(u: acb) -> acb:
    return 1 - 2 / ((2 * u).exp() + 1) if u.real > 0 else 2 / (1 + (-2 * u).exp()) - 1


COMPLEX: dict[str, Callable[[acb], acb]] = {
    "exp": acb.exp,
    "sin": acb.sin,
    "cos": acb.cos,
    "erf": acb.erf,
    "sinh": acb.sinh,
    "cosh": acb.cosh,
    "tanh": _ctanh,
    "log": _right(acb.log),
    "sqrt": _right(acb.sqrt),
    "sigmoid": lambda u: 1 / (1 + (-u).exp()),
}


def exact_power(base: fmpq, n: int) -> fmpq:
    """Return ``base**n`` exactly, refusing zero divisors and gigantic results.

    Parameters
    ----------
    base : fmpq
        Base.
    n : int
        Exponent.

    Returns
    -------
    fmpq

    Raises
    ------
    NotRational
        When the power is undefined or too large to write down.
    """
    if base == 0 and n < 0:
        raise NotRational
    if abs(n) * max(base.p.bit_length(), base.q.bit_length(), 1) > MAX_BITS and base not in (0, 1, -1):
        raise NotRational
    if base in (1, -1):
        return base if n % 2 else Q1
    return base**n


def exact_root(u: fmpq) -> fmpq:
    """Return the square root of a perfect square.

    Parameters
    ----------
    u : fmpq
        Radicand.

    Returns
    -------
    fmpq

    Raises
    ------
    NotRational
        When the root is not rational, or not real.
    """
    if u < 0:
        raise NotRational
    p, q = u.p.isqrt(), u.q.isqrt()
    if p * p != u.p or q * q != u.q:
        raise NotRational
    return fmpq(p, q)


def _only(at: int, value: fmpq) -> Callable[[fmpq], fmpq]:
    def f(u: fmpq) -> fmpq:
        if u == at:
            return value
        raise NotRational

    return f


def _zero_at(*points: int) -> Callable[[fmpq], fmpq]:
    def f(u: fmpq) -> fmpq:
        if u in points:
            return Q0
        raise NotRational

    return f


def _exact_kl(q: fmpq, p: fmpq) -> fmpq:
    if q == p and 0 < p < 1:
        return Q0
    raise NotRational


def _exact_bessel(nu: fmpq, u: fmpq) -> fmpq:
    if u == 0 <= nu:
        return Q1 if nu == 0 else Q0
    raise NotRational


def _exact_inverse(end: int) -> Callable[[fmpq, fmpq], fmpq]:
    def f(q: fmpq, c: fmpq) -> fmpq:
        if 0 <= q <= 1 and c >= 0 and (q == end or c == 0):
            return q
        raise NotRational

    return f


def _exact_delta(i: fmpq, j: fmpq) -> fmpq:
    if i.q != 1 or j.q != 1:
        raise NotRational
    return Q1 if i == j else Q0


def _exact_binomial(n: fmpq, k: fmpq) -> fmpq:
    if n.q != 1 or k.q != 1 or not 0 <= k <= n or n > MAX_BITS:
        raise NotRational
    return fmpq(fmpz.bin_uiui(int(n.p), int(k.p)))


EXACT: dict[str, Callable[..., fmpq]] = {
    "exp": _only(0, Q1),
    "log": _only(1, Q0),
    "sqrt": exact_root,
    "sin": _only(0, Q0),
    "cos": _only(0, Q1),
    "tan": _only(0, Q0),
    "acos": _only(1, Q0),
    "asin": _only(0, Q0),
    "atan": _only(0, Q0),
    "erf": _only(0, Q0),
    "abs": abs,
    "max": max,
    "min": min,
    "sinh": _only(0, Q0),
    "cosh": _only(0, Q1),
    "tanh": _only(0, Q0),
    "sigmoid": _only(0, fmpq(1, 2)),
    "kl_bernoulli": _exact_kl,
    "binary_entropy": _zero_at(0, 1),
    "phi1": _only(0, Q1),
    "xlogx": _zero_at(0, 1),
    "relu": lambda u: max(u, Q0),
    "log1pmx": _only(0, Q0),
    "expm1mx": _only(0, Q0),
    "log1p": _only(0, Q0),
    "expm1": _only(0, Q0),
    "erfc": _only(0, Q1),
    "sign": lambda u: fmpq((u > 0) - (u < 0)),
    "floor": lambda u: fmpq(u.p // u.q),
    "bessel_i": _exact_bessel,
    "bessel_ie": _exact_bessel,
    "kl_upper": _exact_inverse(1),
    "kl_lower": _exact_inverse(0),
    "delta": _exact_delta,
    "binomial": _exact_binomial,
}
