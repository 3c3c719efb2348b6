"""Equiangular tokens: the curve of their common cosine, hitting times, the phase curve, and two bounds as checks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltsym.errors import DomainError, ShapeError
from dltsym.systems.compiled import closed, tensor
from dltsym.systems.energies import RULES
from dltsym.systems.inputs import Array, choice, count, grid, number, real_array
from dltsym.systems.integrate import steps

__all__ = [
    "Curve",
    "Halfway",
    "Hitting",
    "PhaseCurve",
    "curve",
    "envelope",
    "halfway_bound",
    "hitting_time",
    "phase_curve",
]

HITTING = "particles.hitting_time"
AT_REST = 8 * np.finfo(float).eps  # of 1 + (n - 1) gamma, at a simplex that has been rounded
FARTHEST = 700.0  # y, where the gap is far below the spacing of floats and exp(y) does not overflow yet
SWIFTEST = 1e-100  # a faster curve is at the end of its way within no time; more would overflow in the solver
HOTTEST = 1e100  # beyond, balls are too wide for 15 digits
HOTTEST_FLOAT = 500.0  # larger exponents are left to balls: they neither overflow nor miss a narrow peak


@dataclass(frozen=True, eq=False)
class Curve:
    """Common cosine in time.

    Attributes
    ----------
    times : ndarray, shape (T,)
        Times (depth).
    gamma : ndarray, shape (T, ...)
        Cosine, never above 1.
    gap : ndarray, shape (T, ...)
        One minus the cosine, with all its digits near consensus.
    """

    times: Array
    gamma: Array
    gap: Array


@dataclass(frozen=True, eq=False)
class Hitting:
    """Time until a cosine is reached, and its logarithm, which does not overflow."""

    time: Array
    log_time: Array


@dataclass(frozen=True, eq=False)
class PhaseCurve:
    """Inverse temperature at which a cosine is reached at a given time.

    Attributes
    ----------
    t : ndarray
        Times.
    beta : ndarray
        Inverse temperatures; NaN at times before `first_time`.
    first_time : float
        Time at beta = 0, the smallest one.
    note : str
        Why there are NaN, or nothing.
    """

    t: Array
    beta: Array
    first_time: float
    note: str


@dataclass(frozen=True, eq=False)
class Halfway:
    """Upper bound of one minus the cosine, and where it holds: from the time by which half of the way is done."""

    bound: Array
    valid: Any


def _count(n: Any) -> int:
    return count(n, "n", 2, "the number of tokens of an inner product")


def _together(*arrays: Array) -> tuple[Array, ...]:
    try:
        return tuple(np.broadcast_arrays(*arrays))
    except ValueError:
        raise ShapeError(f"shapes {', '.join(str(a.shape) for a in arrays)} do not broadcast") from None


def _cosines(g: Any, n: int, name: str) -> tuple[Array, NDArray[np.bool_]]:
    """Return cosines and where they are those of a simplex, the smallest possible."""
    out = real_array(g, name)
    rest = 1 + (n - 1) * out.clip(-1, 1)
    if (np.abs(out) > 1).any() or (rest < -AT_REST * n).any():
        raise DomainError(f"{name} = {g}: {n} unit vectors have a common cosine of at least -1/(n - 1), at most 1")
    return out, rest <= AT_REST * n


def curve(
    n: int,
    beta: Any,
    *,
    t: float | None = None,
    times: Sequence[float] | Array | None = None,
    g0: Any = 0.0,
    rule: str = "sa",
    rtol: float = 1e-12,
) -> Curve:
    """Integrate the common cosine of equiangular tokens, :cite:`geshkovski2025`.

    The unknown is ``y = log((1 + (n-1) gamma)/(1 - gamma))``, whose speed is smooth and bounded: no step size can make
    the cosine overshoot 1.

    Parameters
    ----------
    n : int
        Number of tokens, at least 2.
    beta : float or array_like
        Inverse temperatures, of any sign.
    t : float, optional
        Last time of 101 equal steps from 0.
    times : sequence of float, optional
        Times of the output instead.
    g0 : float or array_like
        Cosine at time 0, broadcast with `beta`.
    rule : {"sa", "usa"}
        Weights divided by their sum, or by n.
    rtol : float
        Tolerance of y, relative and absolute.

    Returns
    -------
    Curve

    Raises
    ------
    ShapeError
        When shapes do not broadcast, or to nothing.
    DomainError
        For numbers outside their domains, and when the solver gives up.

    Examples
    --------
    >>> round(float(curve(128, 1.0, times=[2.0]).gamma[0]), 12)
    0.285276830302
    """  # noqa: DOC502 - raised where each input is read
    n, when = _count(n), grid(t, times)
    start, simplex = _cosines(g0, n, "g0")
    b, start, simplex = _together(real_array(beta, "beta"), start, simplex)
    if not b.size:
        raise ShapeError(f"beta and g0 have the common shape {b.shape}: there is no curve in it")
    together = start >= 1
    inner = np.where(simplex | together, 0.0, start)
    # The identity of the speeds holds for every real beta, while the record of hitting times declares beta >= 0.
    slowness = tensor(HITTING, {"sa": "slowness", "usa": "slowness_usa"}[choice(rule, "rule", RULES)]).function

    def speed(_t: float, y: Array) -> Array:
        with np.errstate(over="ignore"):  # an infinite slowness is a speed of 0
            return 1 / np.maximum(slowness(n=n, be=b.ravel(), s=np.minimum(y, FARTHEST)), SWIFTEST)

    y0 = tensor(HITTING, "y")(n=n, g=inner.ravel())
    found, k = np.empty((len(when), b.size)), int(when[0] == 0)
    found[:k] = y0
    for step in steps(speed, y0, float(when[-1]), rtol=rtol, atol=rtol, parts=b.size):
        last = int(np.searchsorted(when, step.end, "right"))
        if last > k:
            found[k:last], k = step.at(when[k:last]).T, last
    gap = tensor(HITTING, "gap")(n=n, s=np.minimum(found, FARTHEST)).reshape(-1, *b.shape)
    gap = np.where(simplex, 1 - start, np.where(together, 0.0, gap))
    return Curve(when, np.where(simplex, start, 1 - gap), gap)


def hitting_time(n: int, beta: Any, g: Any, g0: Any = 0.0, rule: str = "sa") -> Hitting:
    """Return the time that equiangular tokens take from one cosine to another.

    Parameters
    ----------
    n : int
        Number of tokens, at least 2.
    beta : float or array_like
        Inverse temperatures, not negative. Beyond the range of floating point the logarithm of the time is certified
        by ball arithmetic.
    g : float or array_like
        Cosine to reach; 1 takes for ever.
    g0 : float or array_like
        Cosine at the start; the simplex ``-1/(n-1)`` is at rest.
    rule : {"sa", "usa"}
        Weights divided by their sum, or by n.

    Returns
    -------
    Hitting
        In the common shape of `beta`, `g` and `g0`.

    Raises
    ------
    DomainError
        When the cosine would have to fall, or beta is negative.

    Examples
    --------
    >>> round(float(hitting_time(128, 9.0, 0.999).time), 10)
    82.593357502
    """
    n, of = _count(n), {"sa": "T", "usa": "T_usa"}[choice(rule, "rule", RULES)]
    b, (end, _), (start, simplex) = real_array(beta, "beta"), _cosines(g, n, "g"), _cosines(g0, n, "g0")
    b, end, start, simplex = _together(b, end, start, simplex)
    if (b < 0).any() or (b > HOTTEST).any():
        raise DomainError(f"hitting times are stated for beta >= 0, and certified up to {HOTTEST:g}")
    if (end < start).any():
        raise DomainError("the common cosine only grows: g has to be at least g0")
    out = np.empty((2, *b.shape))
    for at in np.ndindex(b.shape):
        if end[at] == start[at]:
            out[(slice(None), *at)] = 0.0, -math.inf
        elif simplex[at] or end[at] >= 1:
            out[(slice(None), *at)] = math.inf
        else:
            out[(slice(None), *at)] = _hit(n, float(b[at]), float(start[at]), float(end[at]), of)
    return Hitting(out[0], out[1])


def _hit(n: int, beta: float, start: float, end: float, of: str) -> tuple[float, float]:
    exact = {"n": n, "be": Fraction(beta), "g0": Fraction(start), "g": Fraction(end)}
    if beta * (1 - start) <= HOTTEST_FLOAT:
        time = float(closed(HITTING, of)(**exact))
        return time, math.log(time)
    if of == "T":
        log_time = float(closed(HITTING, "log_T", "ball")(**exact))
        return (math.exp(log_time) if log_time < math.log(np.finfo(float).max) else math.inf), log_time
    time = closed(HITTING, of, "ball")(**exact)
    return float(time), float(time.log())  # the logarithm does not underflow either


def phase_curve(t: Any, n: int, delta: float) -> PhaseCurve:
    """Return the inverse temperatures at which orthogonal tokens have met up to `delta` at given times.

    Parameters
    ----------
    t : float or array_like
        Times.
    n : int
        Number of tokens, at least 2.
    delta : float
        One minus the cosine to reach, between 0 and 1.

    Returns
    -------
    PhaseCurve

    Raises
    ------
    DomainError
        For a delta that is not between 0 and 1.

    Examples
    --------
    >>> round(float(phase_curve(30.0, 128, 1e-3).beta), 10)
    7.7848772709
    """
    n, when, key, delta = _count(n), real_array(t, "t"), "particles.phase_curve", number(delta, "delta")
    if not 0 < delta < 1:
        raise DomainError(f"delta = {delta} has to lie between 0 and 1")
    first = float(closed(key, "first_time")(n=n, dl=delta))
    beta = np.full(when.shape, math.nan)
    for at in np.ndindex(when.shape):
        if abs(when[at] - first) <= 4 * np.spacing(first):
            beta[at] = 0.0
        elif when[at] > first:
            exact = {"n": n, "dl": Fraction(delta), "t": Fraction(float(when[at]))}
            backend = "numpy" if when[at] < math.exp(HOTTEST_FLOAT / 2) else "ball"
            beta[at] = float(closed(key, "beta", backend)(**exact))
    missed = int(np.isnan(beta).sum())
    note = f"{missed} of the times come before {first:.6g}, the time at beta = 0: larger beta only takes longer"
    return PhaseCurve(when, beta, first, note if missed else "")


def envelope(t: Any, n: int, beta: Any, g0: Any = 0.0) -> tuple[Array, Array]:
    """Return two curves between which the cosine of SA lies: a check of any solver that costs nothing.

    Parameters
    ----------
    t : float or array_like
        Times.
    n : int
        Number of tokens, at least 2.
    beta : float or array_like
        Inverse temperatures, not negative.
    g0 : float or array_like
        Cosine at time 0, not negative, below 1.

    Returns
    -------
    lower, upper : ndarray

    Raises
    ------
    DomainError
        For a negative beta or `g0`.
    """
    n, when = _count(n), real_array(t, "t")
    b, (start, _) = real_array(beta, "beta"), _cosines(g0, n, "g0")
    if (b < 0).any() or (start < 0).any() or (start >= 1).any() or (when < 0).any():
        raise DomainError("the envelope is stated for t >= 0, beta >= 0 and 0 <= g0 < 1")
    when, b, start = _together(when, b, start)
    lower, upper = (closed("particles.equiangular_monotone", of) for of in ("lower", "upper"))
    return np.asarray(lower(n=n, be=b, t=when, g0=start)), np.asarray(upper(n=n, t=when, g0=start))


def halfway_bound(t: Any, n: int, beta: Any, rule: str = "sa") -> Halfway:
    """Return the corrected exponential bound of one minus the cosine of tokens that start orthogonal.

    Parameters
    ----------
    t : float or array_like
        Times.
    n : int
        Number of tokens, at least 2.
    beta : float or array_like
        Inverse temperatures, not negative.
    rule : {"sa", "usa"}
        Weights divided by their sum, or by n.

    Returns
    -------
    Halfway
        The bound is one half at the first time at which it is valid, and falls.

    Raises
    ------
    DomainError
        For a negative time or beta.
    """
    n, of = _count(n), choice(rule, "rule", RULES)
    when, b = _together(real_array(t, "t"), real_array(beta, "beta"))
    if (b < 0).any() or (when < 0).any():
        raise DomainError("the bound is stated for t >= 0 and beta >= 0")
    kernel = tensor("particles.halfway_bound", of)  # unlike the closed kernel it may be asked outside the hypotheses
    with np.errstate(over="ignore", invalid="ignore"):
        bound = np.asarray(kernel(n=n, be=b, **{{"sa": "t", "usa": "t2"}[of]: when}))
    # Where exp(beta) overflows, SA is 0 times an infinite exponent, long before half of the way, and USA exactly there.
    bound = np.where(np.isnan(bound), np.inf if of == "sa" else 0.5, bound)
    return Halfway(bound, bound <= 0.5)
