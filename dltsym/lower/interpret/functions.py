"""The named functions in float64, and how far each can move: what the error rules ask of a row of the op table."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from dltsym.lower.ops import OPS, Op

Array = np.ndarray[Any, Any]
EVALUATOR = 24.0
"""Error of one call of the functions below, in units of 2^-53, at most; the tests compare them with balls."""


@dataclass(frozen=True)
class Fn:
    """One function of one argument.

    Attributes
    ----------
    value : callable
        The function in float64; nan outside its domain.
    turns : tuple of float
        Arguments at which it turns from rising to falling or back; between them it is monotone.
    pole : float or None
        Argument at which it is exactly infinite.
    above : float or None
        It is only bounded for arguments greater than this.
    floor : float
        Error of a call is ``ulp * u * (|f| + floor)``: a zero of `f` that libraries do not resolve relatively.
    kept : bool
        Whether ``f(0) = 0`` is computed exactly.
    steep : callable or None
        Derivative, for the statistical model; None takes a difference quotient.
    steep_tail : bool
        Whether a library may lose as much as a rounding of its argument would: ``u x^2`` in the tail of a Gaussian.
    flushed : bool
        Whether a library may return 0 for a subnormal value: the sigmoid as ``1/(1 + exp(-x))``.
    """

    value: Callable[[Array], Array]
    turns: tuple[float, ...] = ()
    pole: float | None = None
    above: float | None = None
    floor: float = 0.0
    kept: bool = False
    steep: Callable[[Array], Array] | None = None
    steep_tail: bool = False
    flushed: bool = False


def log1mexp(x: Array) -> Array:
    """Return ``log(1 - exp(-x))``.

    Parameters
    ----------
    x : ndarray
        Argument, positive.

    Returns
    -------
    ndarray
    """
    return np.where(x < np.log(2.0), np.log(-np.expm1(-x)), np.log1p(-np.exp(-x)))


def log_cosh(x: Array) -> Array:
    """Return ``log cosh x``.

    Parameters
    ----------
    x : ndarray
        Argument.

    Returns
    -------
    ndarray
    """
    a = np.abs(x)
    near = np.log1p(2.0 * np.sinh(np.minimum(a, 1.0) / 2) ** 2)
    return np.where(a < 1.0, near, a + np.log1p(np.exp(-2 * a)) - np.log(2.0))


def sech2(x: Array) -> Array:
    """Return ``1 / cosh(x)^2``.

    Parameters
    ----------
    x : ndarray
        Argument.

    Returns
    -------
    ndarray
    """
    e = np.exp(-2 * np.abs(x))
    return 4 * e / (1 + e) ** 2


def _series(terms: int, coefficient: Callable[[int], float]) -> Callable[[Array], Array]:
    table = [coefficient(k) for k in range(terms)]

    def value(z: Array) -> Array:
        total = np.zeros_like(z)
        for c in reversed(table):
            total = total * z + c
        return total

    return value


_FACTORIAL = [float(special.factorial(k, exact=True)) for k in range(40)]
_PHI1D = _series(20, lambda k: (k + 1) / _FACTORIAL[k + 2])
_EXPM1MX = _series(20, lambda k: 1 / _FACTORIAL[k + 2])
_LOG1PMX = _series(24, lambda k: 1.0 / (2 * k + 3))


def phi1d(z: Array) -> Array:
    """Return the derivative of ``(exp(z) - 1) / z``.

    Parameters
    ----------
    z : ndarray
        Argument.

    Returns
    -------
    ndarray
    """
    near = np.abs(z) < 1.0
    safe = np.where(near, 2.0, z)
    return np.where(near, _PHI1D(np.where(near, z, 0.0)), (np.exp(safe) * (safe - 1) + 1) / safe**2)


def log1pmx(t: Array) -> Array:
    """Return ``log(1 + t) - t``.

    Parameters
    ----------
    t : ndarray
        Argument, at least -1.

    Returns
    -------
    ndarray
    """
    near = np.abs(t) < 0.4
    z = np.where(near, t, 0.0)
    r = z / (2 + z)
    y = r * r
    return np.where(near, r * (2 * y * _LOG1PMX(y) - z), np.log1p(t) - t)


def expm1mx(z: Array) -> Array:
    """Return ``exp(z) - 1 - z``.

    Parameters
    ----------
    z : ndarray
        Argument.

    Returns
    -------
    ndarray
    """
    near = np.abs(z) < 1.0
    return np.where(near, z * z * _EXPM1MX(np.where(near, z, 0.0)), np.expm1(z) - z)


def xlogx(x: Array) -> Array:
    """Return ``x log x``, 0 at 0.

    Parameters
    ----------
    x : ndarray
        Argument, nonnegative.

    Returns
    -------
    ndarray
    """
    return np.where(x < 0, np.nan, -special.entr(x))


def xexpx(x: Array) -> Array:
    """Return ``x exp x``, 0 at minus infinity.

    Parameters
    ----------
    x : ndarray
        Argument.

    Returns
    -------
    ndarray
    """
    return np.where(x == -np.inf, 0.0, x * np.exp(x))


def log_binomial(n: Array, k: Array) -> Array:
    """Return the logarithm of a binomial coefficient.

    Parameters
    ----------
    n, k : ndarray
        Whole numbers.

    Returns
    -------
    ndarray
        ``-inf`` outside ``0 <= k <= n``.
    """
    return _log_binomial(np.asarray(n, float), np.asarray(k, float))


def kl_inverse(op: str, q: Array, c: Array) -> tuple[Array, Array, Array]:
    """Return an inverse of Bernoulli relative entropy with its slopes.

    Parameters
    ----------
    op : str
        ``kl_upper`` or ``kl_lower``.
    q, c : ndarray
        Means and radii.

    Returns
    -------
    tuple of ndarray
        Value, slope by q, slope by c; nan outside the domain.
    """
    q, c = np.broadcast_arrays(np.asarray(q, float), np.asarray(c, float))
    a, b = (q, 1 - q) if op == "kl_upper" else (1 - q, q)
    with np.errstate(all="ignore"):
        d, r = _kl_pair(a, c, b, 0.0)
        by_c = (a + d) * (r / d)
        by_q = np.where(d > 0, (np.log1p(d / a) + np.log(b / r)) * by_c, 1.0)
    return (q + d, by_q, by_c) if op == "kl_upper" else (r, by_q, -by_c)


def _counting() -> tuple[Callable[[Array, Array], Array], Callable[..., tuple[Array, Array]]]:
    from dltsym.lower.printers.counting import NUMPY_COUNTS
    from dltsym.lower.printers.inverses import NUMPY_INVERSES

    space: dict[str, Any] = {"np": np, "math": math}
    exec("\n".join((*NUMPY_COUNTS.values(), *NUMPY_INVERSES.values())), space)
    return space["_log_binomial"], space["_kl_pair"]


_log_binomial, _kl_pair = _counting()
_ROOT_PI = 2 / np.sqrt(np.pi)
FUNCTIONS: dict[str, Fn] = {
    "abs": Fn(np.abs, (0.0,), kept=True, steep=np.sign),
    "exp": Fn(np.exp, steep=np.exp),
    "log": Fn(np.log, pole=0.0, steep=lambda x: 1 / x),
    "log1p": Fn(np.log1p, pole=-1.0, kept=True, steep=lambda x: 1 / (1 + x)),
    "expm1": Fn(np.expm1, kept=True, steep=np.exp),
    "log1mexp": Fn(log1mexp, pole=0.0, above=0.0, steep=lambda x: 1 / np.expm1(x)),
    "softplus": Fn(lambda x: np.logaddexp(x, 0.0), steep=special.expit),
    "sigmoid": Fn(special.expit, steep=lambda x: special.expit(x) * special.expit(-x), flushed=True),
    "logsigmoid": Fn(lambda x: -np.logaddexp(-x, 0.0), steep=lambda x: special.expit(-x)),
    "sqrt": Fn(np.sqrt, kept=True, steep=lambda x: 0.5 / np.sqrt(x)),
    "rsqrt": Fn(lambda x: 1 / np.sqrt(x), pole=0.0, above=0.0, steep=lambda x: -0.5 / (x * np.sqrt(x))),
    "asin": Fn(np.arcsin, kept=True, steep=lambda x: 1 / np.sqrt((1 - x) * (1 + x))),
    "acos": Fn(np.arccos, steep=lambda x: -1 / np.sqrt((1 - x) * (1 + x))),
    "atan": Fn(np.arctan, kept=True, steep=lambda x: 1 / (1 + x * x)),
    "sinh": Fn(np.sinh, kept=True, steep=np.cosh),
    "cosh": Fn(np.cosh, (0.0,), steep=np.sinh),
    "tanh": Fn(np.tanh, kept=True, steep=sech2),
    "log_cosh": Fn(log_cosh, (0.0,), kept=True, steep=np.tanh),
    "sech2": Fn(sech2, (0.0,), steep=lambda x: -2 * np.tanh(x) * sech2(x)),
    "erf": Fn(special.erf, kept=True, steep=lambda x: _ROOT_PI * np.exp(-x * x)),
    "erfc": Fn(special.erfc, steep=lambda x: -_ROOT_PI * np.exp(-x * x), steep_tail=True),
    "log_ndtr": Fn(special.log_ndtr, steep_tail=True),
    "lgamma": Fn(special.gammaln, (1.4616321449683623,), above=0.0, floor=1.0, steep=special.psi),
    "digamma": Fn(special.psi, above=0.0, floor=1.0, steep=lambda x: special.polygamma(1, x)),
    "trigamma": Fn(lambda x: special.polygamma(1, x), above=0.0),
    "xlogx": Fn(xlogx, (float(np.exp(-1.0)),), kept=True, steep=lambda x: 1 + np.log(x)),
    "xexpx": Fn(xexpx, (-1.0,), kept=True, steep=lambda x: (1 + x) * np.exp(x)),
    "phi1": Fn(special.exprel, steep=phi1d),
    "phi1d": Fn(phi1d),
    "log1pmx": Fn(log1pmx, (0.0,), pole=-1.0, kept=True, steep=lambda x: -x / (1 + x)),
    "expm1mx": Fn(expm1mx, (0.0,), kept=True, steep=np.expm1),
}
"""Functions of one argument that are monotone between finitely many turns."""


def _read(row: Op) -> Callable[[Array], Array]:
    # The text of the numpy backend, with the helpers that it calls: the row says how wrong it may be.
    from dltsym.lower.printers.helpers import NUMPY

    space: dict[str, Any] = {"np": np, "special": special}
    exec("\n".join(NUMPY.values()), space)
    return eval(f"lambda x: {row.numpy.format('x')}", space)


FUNCTIONS |= {
    row.name: Fn(_read(row))
    for row in OPS.values()
    if row.trend and row.name not in FUNCTIONS and "{1}" not in row.numpy and row.ulp <= EVALUATOR
}


def ulp(op: str) -> float:
    """Return the error of one library call in units of the rounding unit, at least that of one rounding.

    Parameters
    ----------
    op : str
        Row of the op table.

    Returns
    -------
    float
    """
    return max(1.0, OPS[op].ulp) if op in OPS else 1.0


def worst(op: str) -> float:
    """Return the error of one library call that the guarantee assumes: vectorised libraries exceed the usual one.

    Parameters
    ----------
    op : str
        Row of the op table.

    Returns
    -------
    float
    """
    return 2.0 if op == "sqrt" else max(6.0, 2 * ulp(op))
