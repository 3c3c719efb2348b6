"""Tokens on the circle: angles, growth of the modes of the uniform law, and the triangle."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from dltsym.errors import DomainError, ShapeError
from dltsym.systems.compiled import closed, tensor
from dltsym.systems.energies import FASTEST, RULES
from dltsym.systems.inputs import Array, choice, count, generator, grid, number, real_array, temperatures
from dltsym.systems.integrate import Progress, steps

__all__ = [
    "AngleFlow",
    "Growth",
    "angle_drift",
    "angle_flow",
    "mode_growth",
    "mode_rates",
    "on_circle",
    "triangle_growth",
    "triangle_rate",
]

FARTHEST = 1e15  # radians, beyond which the next float is a good part of a turn away
ANGLES, TRIANGLE, MODES = "particles.kuramoto_limit", "particles.circle_threshold", "particles.mode_growth"
OUTPUT = {"sa": "drift", "usa": "unnormalised"}


@dataclass(frozen=True, eq=False)
class AngleFlow:
    """Angles in time, not reduced modulo a turn: `times` (T,) and `theta` (T, ..., n), in radians."""

    times: Array
    theta: Array


@dataclass(frozen=True, eq=False)
class Growth:
    """Rate at which a small perturbation grew in a simulation, beside the rate of the record."""

    measured: float
    predicted: float


def on_circle(theta: Any) -> Array:
    """Return the tokens at some angles.

    Parameters
    ----------
    theta : array_like, shape (..., n)
        Angles in radians.

    Returns
    -------
    ndarray, shape (..., n, 2)
    """
    angles = _angles(theta)
    return np.stack([np.cos(angles), np.sin(angles)], -1)


def _angles(theta: Any) -> Array:
    out = real_array(theta, "theta")
    if out.ndim < 1 or 0 in out.shape:
        raise ShapeError(f"theta has shape {out.shape}; it must be (..., n) with at least one token")
    if (np.abs(out) > FARTHEST).any():
        raise DomainError(f"theta reaches {out.flat[np.abs(out).argmax()]:.6g}, where floats do not resolve a turn")
    return out


def angle_drift(theta: Any, beta: Any, rule: str = "sa") -> Array:
    """Return the velocities of the angles of tokens on the circle.

    Parameters
    ----------
    theta : array_like, shape (..., n)
        Angles in radians.
    beta : float or array_like, shape (...)
        Inverse temperatures; at 0 both rules are Kuramoto's model with coupling 1 and equal frequencies.
    rule : {"sa", "usa"}
        Weights divided by their sum, or by n.

    Returns
    -------
    ndarray, shape (..., n)
    """
    angles = _angles(theta)
    b, _ = temperatures(beta, angles.shape[:-1])
    return _velocity(angles, b, choice(rule, "rule", RULES))


def _velocity(angles: Array, beta: Array, rule: str) -> Array:
    if rule == "usa" and (np.abs(beta) > FASTEST).any():
        raise DomainError("USA moves at speeds up to exp(abs(beta)), which overflows: use flow(..., scaled=True)")
    return tensor(ANGLES, OUTPUT[rule], "i")(th=angles, be=beta)


def angle_flow(
    theta0: Any,
    beta: Any,
    *,
    t: float | None = None,
    times: Sequence[float] | Array | None = None,
    rule: str = "sa",
    rtol: float = 1e-10,
    atol: float = 1e-12,
    progress: Progress | None = None,
) -> AngleFlow:
    """Integrate tokens on the circle in angles; small differences of angles keep their digits.

    Parameters
    ----------
    theta0 : array_like, shape (..., n)
        Angles at time 0, in radians.
    beta : float or array_like, shape (...)
        Inverse temperatures.
    t : float, optional
        Last time of 101 equal steps from 0.
    times : sequence of float, optional
        Times of the output instead.
    rule : {"sa", "usa"}
        Weights divided by their sum, or by n.
    rtol, atol : float
        Tolerances, which each batch entry meets.
    progress : callable, optional
        Called with the time reached and the last time, after each step.

    Returns
    -------
    AngleFlow

    Examples
    --------
    >>> run = angle_flow([0.0, math.pi / 2], 0.0, times=[1.0])
    >>> round(float(run.theta[0, 1] - run.theta[0, 0]), 9)  # 2 atan(exp(-t))
    0.705026844
    """
    angles, when = _angles(theta0), grid(t, times)
    b, batch = temperatures(beta, angles.shape[:-1])
    choice(rule, "rule", RULES)
    angles = np.array(np.broadcast_to(angles, (*batch, angles.shape[-1])))
    found, k = np.empty((len(when), *angles.shape)), int(when[0] == 0)
    found[:k] = angles
    walk = steps(
        lambda _t, y: _velocity(y.reshape(angles.shape), b, rule).ravel(),
        angles.ravel(),
        float(when[-1]),
        rtol=rtol,
        atol=atol,
        parts=int(np.prod(batch)),
        progress=progress,
    )
    for step in walk:
        last = int(np.searchsorted(when, step.end, "right"))
        if last > k:
            found[k:last], k = np.moveaxis(step.at(when[k:last]), -1, 0).reshape(-1, *angles.shape), last
    return AngleFlow(when, found)


def triangle_rate(beta: Any, rule: str = "sa") -> Array:
    """Return the rate at which perturbations of the equilateral triangle grow; its sign changes at beta = -2/3.

    Parameters
    ----------
    beta : float or array_like
        Inverse temperatures.
    rule : {"sa", "usa"}
        Weights divided by their sum, or by n.

    Returns
    -------
    ndarray
    """
    return np.asarray(tensor(TRIANGLE, choice(rule, "rule", RULES))(be=temperatures(beta, ())[0]))


def triangle_growth(beta: float, rule: str = "sa", *, size: float = 1e-6, t: float = 1.0, seed: int = 0) -> Growth:
    """Measure that rate in a simulation of three tokens.

    Parameters
    ----------
    beta : float
        Inverse temperature.
    rule : {"sa", "usa"}
        Weights divided by their sum, or by n.
    size : float
        Size of the perturbation at the start, in radians.
    t : float
        Time of the measurement.
    seed : int
        Of the perturbation.

    Returns
    -------
    Growth

    Raises
    ------
    DomainError
        For a size or a time that is not positive, or so small that nothing is left of the perturbation.
    """
    beta, size, t = number(beta, "beta"), number(size, "size"), number(t, "t")
    if not (size > 0 and t > 0):
        raise DomainError(f"size = {size} and t = {t} must be positive: a rate is measured between two times")
    corners = 2 * np.pi / 3 * np.arange(3)
    noise = generator(seed).standard_normal(3)
    noise -= noise.mean()
    run = angle_flow(corners + size * noise / np.abs(noise).max(), beta, times=[t], rule=rule, atol=1e-9 * size)
    ends = [
        x - x.mean() - (corners - corners.mean()) for x in (corners + size * noise / np.abs(noise).max(), run.theta[0])
    ]
    return Growth(_rate(*map(np.linalg.norm, ends), t), float(triangle_rate(beta, rule)))


def _rate(before: Any, after: Any, t: float) -> float:
    if not (before > 0 and after > 0):
        raise DomainError("nothing is left of the perturbation beside the rounding: take a larger size, or another t")
    with np.errstate(over="ignore"):
        return float(np.log(after / before) / t)


def mode_rates(beta: float, kmax: int, *, d: int = 2, rule: str = "sa") -> Array:
    """Return the growth rates of the modes of the uniform law on the sphere.

    Parameters
    ----------
    beta : float
        Inverse temperature, positive.
    kmax : int
        Largest degree.
    d : int
        Dimension of the space.
    rule : {"sa", "usa"}
        Weights divided by their sum, or by n.

    Returns
    -------
    ndarray, shape (kmax + 1,)
        Rates by degree, from 0; from certified enclosures.

    Raises
    ------
    ShapeError
        For more than one beta.
    DTypeError
        For a degree or a dimension that is no integer.
    DomainError
        For a beta that is not positive, or a degree below 0.
    """  # noqa: DOC502 - raised where each input is read
    b, kmax, d = number(beta, "beta"), count(kmax, "kmax", what="a degree"), count(d, "d", 2, "a dimension")
    if kmax < 0:
        raise DomainError(f"kmax is {kmax}; degrees count from 0")
    kernel = closed(
        MODES, {"sa": "rate", "usa": "usa"}[choice(rule, "rule", RULES)], "ball"
    )  # Bessel functions overflow
    exact = {"d": d, "be": Fraction(b)}
    return np.array([_nearest(kernel(k=k, **exact)) for k in range(kmax + 1)])


def _nearest(ball: Any) -> float:
    """Return the middle of a ball, infinite beyond the range of floating point."""
    try:
        return float(ball)
    except OverflowError:
        return math.inf


def mode_growth(
    beta: float, k: int, *, n: int = 128, rule: str = "sa", size: float = 1e-6, t: float | None = None
) -> Growth:
    """Measure the growth of a mode of the uniform law in a simulation of equally spaced tokens.

    Tokens are moved by ``size * sin(k theta) / k``, and the coefficient ``mean(exp(i k theta))`` is compared at two
    times. With n tokens the modes ``n - k`` are mixed in, by about ``exp(-(n - k)^2 / (2 beta))``.

    Parameters
    ----------
    beta : float
        Inverse temperature, positive.
    k : int
        Degree, at least 1, well below n / 2.
    n : int
        Number of tokens.
    rule : {"sa", "usa"}
        Weights divided by their sum, or by n.
    size : float
        Relative size of the perturbation of the density at the start.
    t : float, optional
        Time of the measurement; by default the mode grows or decays by a factor of about e.

    Returns
    -------
    Growth

    Raises
    ------
    DomainError
        For a degree that n tokens do not resolve, and a size that leaves no perturbation.
    """
    beta, size = number(beta, "beta"), number(size, "size")
    k, n = count(k, "k", 1, "a degree"), count(n, "n", 1, "the number of tokens")
    if not 1 <= k < n / 2:
        raise DomainError(f"{n} tokens resolve the modes 1 to {(n - 1) // 2}, not {k}")
    predicted = float(mode_rates(beta, k, rule=rule)[k])
    last = 1 / max(abs(predicted), 0.01) if t is None else number(t, "t")
    if not (size > 0 and last > 0):
        raise DomainError(f"size = {size} and t = {last} must be positive: a rate is measured between two times")
    start = 2 * np.pi / n * np.arange(n)
    run = angle_flow(start + size / k * np.sin(k * start), beta, times=[0.0, last], rule=rule, atol=1e-9 * size)
    moved = run.theta - start  # mean(exp(i k theta)) without the cancellation of n unit vectors
    waves = np.exp(1j * k * start) * np.expm1(1j * k * moved)
    before, after = np.abs(waves.mean(-1))
    return Growth(_rate(before, after, last), predicted)
