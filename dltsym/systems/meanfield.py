"""The mean-field statement at work: the field of a law of tokens, distances of laws, refinement of the particles."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dltsym.errors import DomainError, ShapeError
from dltsym.systems.compiled import tensor
from dltsym.systems.flows import FIELD, flow
from dltsym.systems.inputs import MOST, Array, number, real_array, temperatures, tokens

__all__ = ["Refinement", "circle_distance", "field", "refine", "sphere_distance"]


@dataclass(frozen=True, eq=False)
class Refinement:
    """Distances of the laws of n and 2n particles.

    Attributes
    ----------
    n : ndarray of int
        Numbers of particles.
    start, end : ndarray
        Distance to the law of twice as many particles, at time 0 and at the last time.
    """

    n: Array
    start: Array
    end: Array


def field(y: Any, X: Any, beta: float, *, normalise: bool = False) -> Array:
    """Return the velocity field that the law of some tokens makes, at any points of the sphere.

    Parameters
    ----------
    y : array_like, shape (m, d)
        Points, unit rows.
    X : array_like, shape (n, d)
        Tokens, unit rows.
    beta : float
        Inverse temperature.
    normalise : bool
        Divide rows by their norms.

    Returns
    -------
    ndarray, shape (m, d)
        Tangent vectors; at the tokens they are their velocities (SA).

    Raises
    ------
    ShapeError
        When dimensions differ, or there are batches, of points, tokens or temperatures.
    """
    points, x = tokens(y, normalise, "y"), tokens(X, normalise, "X")
    if points.ndim != 2 or x.ndim != 2 or points.shape[1] != x.shape[1]:
        raise ShapeError(f"y has shape {points.shape}, X {x.shape}; they must be (m, d) and (n, d)")
    b, _ = temperatures(number(beta, "beta"), ())
    return tensor(FIELD, "field", "c")(x=x, y=points, beta=b)


def _order(p: int) -> int:
    if number(p, "p") not in (1, 2):
        raise DomainError(f"p = {p}: distances of order 1 and 2 are there")
    return int(p)


def _alike(a: Array, b: Array) -> tuple[Array, Array]:
    """Repeat points so that two uniform laws have equally many."""
    size = math.lcm(len(a), len(b))
    return np.repeat(a, size // len(a), 0), np.repeat(b, size // len(b), 0)


def circle_distance(a: Any, b: Any, p: int = 1) -> float:
    """Return the Wasserstein distance of two uniform laws on points of the circle, along arcs.

    Both samples are sorted; an optimal matching then shifts one of them cyclically, and all shifts are tried.

    Parameters
    ----------
    a, b : array_like, shapes (n,) and (m,)
        Angles in radians, modulo a turn.
    p : {1, 2}
        Order.

    Returns
    -------
    float

    Raises
    ------
    ShapeError
        For anything but non-empty lists of angles.

    Examples
    --------
    >>> round(circle_distance([0.1], [2 * math.pi - 0.1]), 12)
    0.2
    """
    u, w = real_array(a, "a"), real_array(b, "b")
    if u.ndim != 1 or w.ndim != 1 or not u.size or not w.size:
        raise ShapeError(f"angles have shapes {u.shape} and {w.shape}; they must be non-empty lists")
    turn = 2 * np.pi
    u, w = (np.arctan2(np.sin(x), np.cos(x)) % turn for x in (u, w))  # a float of a turn does not count many of them
    u, w = _alike(np.sort(u), np.sort(w))
    lifted = np.concatenate([w - turn, w, w + turn])
    costs = [np.mean(np.abs(u - lifted[k : k + len(u)]) ** _order(p)) for k in range(2 * len(u) + 1)]
    return float(min(costs) ** (1 / p))


def sphere_distance(X: Any, Y: Any, p: int = 1, *, normalise: bool = False) -> float:
    """Return the Wasserstein distance of two uniform laws on tokens, by optimal assignment.

    Parameters
    ----------
    X, Y : array_like, shapes (n, d) and (m, d)
        Tokens, unit rows; repeated up to a common number.
    p : {1, 2}
        Order; the distance of two tokens is the angle between them.
    normalise : bool
        Divide rows by their norms.

    Returns
    -------
    float

    Raises
    ------
    ShapeError
        When dimensions differ, or there are batches.
    """
    from scipy.optimize import linear_sum_assignment

    x, y = tokens(X, normalise, "X"), tokens(Y, normalise, "Y")
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1]:
        raise ShapeError(f"X has shape {x.shape}, Y {y.shape}; they must be (n, d) and (m, d)")
    x, y = _alike(x, y)
    apart = np.linalg.norm(x[:, None] - y, axis=-1)
    angles = 2 * np.arcsin(np.minimum(apart / 2, 1))  # keeps the digits of small angles, unlike the arc cosine
    cost = angles ** _order(p)
    rows, columns = linear_sum_assignment(cost)
    return float(cost[rows, columns].mean() ** (1 / p))


def refine(
    quantile: Callable[[Array], Array],
    sizes: Any,
    beta: float,
    t: float,
    *,
    rule: str = "sa",
    p: int = 1,
    tol: float = 1e-9,
) -> Refinement:
    """Approximate the flow of a law on the circle by particles, and watch it settle as their number doubles.

    Parameters
    ----------
    quantile : callable
        Angles at probabilities between 0 and 1: ``quantile(u)``, shape (n,). Particles start at the midpoints
        ``(i + 1/2)/n``.
    sizes : sequence of int
        Numbers of particles; each is compared with twice as many.
    beta : float
        Inverse temperature.
    t : float
        Last time.
    rule : {"sa", "usa"}
        Weights divided by their sum, or by n.
    p : {1, 2}
        Order of the distance.
    tol : float
        Tolerance of the integration.

    Returns
    -------
    Refinement
        Distances at the end are at most ``exp(O(1) t)`` times those at the start; the constant is not explicit.

    Raises
    ------
    DomainError
        For numbers of particles that are not positive integers.
    ShapeError
        When there is no list of them, or the quantiles are not n angles.
    """
    if real_array(sizes, "sizes").ndim > 1:
        raise ShapeError(f"sizes has shape {np.shape(sizes)}; it must be a list")
    counts = np.atleast_1d(np.asarray(sizes))
    if counts.dtype.kind not in "iu" or counts.size == 0 or (counts < 1).any() or (counts > MOST).any():
        raise DomainError(f"sizes = {sizes}: a list of positive integers is needed")
    beta, p = number(beta, "beta"), _order(p)

    def laws(n: int) -> tuple[Array, Array]:
        angles = real_array(quantile((np.arange(n) + 0.5) / n), "quantile")
        if angles.shape != (n,):
            raise ShapeError(f"quantile gives shape {angles.shape} for {n} probabilities; it must be ({n},)")
        x = np.stack([np.cos(angles), np.sin(angles)], -1)
        end = flow(x, beta, times=[t], rule=rule, rtol=tol, atol=tol, balance=False).X[0]
        return angles, np.arctan2(end[:, 1], end[:, 0])

    known = {n: laws(n) for n in {int(m) for n in counts for m in (n, 2 * n)}}
    start, end = (
        np.array([circle_distance(known[int(n)][k], known[2 * int(n)][k], p) for n in counts]) for k in (0, 1)
    )
    return Refinement(counts, start, end)
