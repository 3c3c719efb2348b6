"""What is certain about a plan: errors of its marginals, rates, bounds of its distance to the limit, enclosures."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from dltsym.errors import DomainError, ShapeError
from dltsym.systems.compiled import tensor
from dltsym.systems.inputs import WIDEST, Array, real_array
from dltsym.systems.masks import masses

if TYPE_CHECKING:
    from dltsym.systems.problems import Problem

__all__ = ["Certified", "contraction", "enclosure", "judged", "marginal_errors", "second_value"]

LARGEST = 400  # entries of a problem that is solved in balls
BLOCK = 2**22  # entries of a block of differences of rows


@dataclass(frozen=True, eq=False)
class Certified:
    """Enclosures of the limit: every true number is within its radius.

    Attributes
    ----------
    A, A_radius : ndarray, shape (n, m)
        Attention.
    value, value_radius : float
        Objective.
    """

    A: Array
    A_radius: Array
    value: float
    value_radius: float


def judged(
    p: Problem, A: Array, f: Array, g: Array, rho: float, moved: Array, end: str, bounds: bool
) -> dict[str, Array]:
    """Return what is known of a plan, by the names of its fields.

    Parameters
    ----------
    p : Problem
        Problem.
    A, f, g : ndarray
        Attention and potentials.
    rho : float
        Price of the columns.
    moved : ndarray
        Change of a potential, in units of the temperature, that the next step would make.
    end : {"row", "column"}
        Kind of the last step.
    bounds : bool
        Also rates and the distance to the limit.

    Returns
    -------
    dict of str to ndarray, shape (...)
    """
    P = p.a[..., None] * A
    columns, rows = P.sum(-2), P.sum(-1)
    share = np.divide(columns, p.b, out=np.ones_like(columns), where=p.b > 0)
    known = {
        "row_error": np.abs(np.where(p.a > 0, A.sum(-1), 1.0) - 1).max(-1),
        "column_error": np.abs(share - 1).max(-1),
        "column_l1": np.abs(columns - p.b).sum(-1),
        "kl_lower": _missing(p.b, columns) if end == "row" else _missing(p.a, rows),
    }
    blank = np.full(p.batch, np.nan)
    known |= {"rate": blank, "birkhoff": blank, "log_error": blank}
    if bounds:
        target = p.b if rho == np.inf else columns
        kappa, rest = contraction(p.S, p.eps)
        left = 0.0 if rho == np.inf else p.eps / (rho + p.eps)
        known["birkhoff"] = (1 - left) * kappa
        known["rate"] = (1 - left) * second_value(P, p.a if end == "row" else rows, target, p.seen)
        moves, pull = np.ptp(moved, axis=-1), left + (1 - left) * rest
        with np.errstate(over="ignore"):
            known["log_error"] = np.divide(moves, pull, out=np.full(p.batch, np.inf), where=pull > 0)
    return known | _duality(p, P, f, g, rho)


def marginal_errors(P: Any, a: Any = None, b: Any = None) -> dict[str, Array]:
    """Return what the marginals alone say of a plan from anywhere.

    Parameters
    ----------
    P : array_like, shape (..., n, m)
        Plan that should have row masses `a` and column masses `b`.
    a, b : array_like, shape (..., n) and (..., m), optional
        Masses, each of sum 1; uniform by default.

    Returns
    -------
    dict of str to ndarray, shape (...)
        ``mass``; ``row_error`` and ``column_error``, relative to the targets; ``kl_lower``, a lower bound of the
        relative entropy of every plan with these marginals to this one.

    Raises
    ------
    ShapeError
        For fewer than two axes, and batches that do not fit.
    DomainError
        For entries that are not finite, or negative, or beyond 1e300.

    Examples
    --------
    >>> float(marginal_errors([[0.25, 0.25], [0.25, 0.25]])["kl_lower"])
    0.0
    """
    plan = real_array(P, "P")
    if plan.ndim < 2 or 0 in plan.shape[-2:]:
        raise ShapeError(f"P has shape {plan.shape}; it must be (..., n, m)")
    if (plan < 0).any():
        raise DomainError(f"P{list(map(int, np.argwhere(plan < 0)[0]))} is negative")
    if (plan > WIDEST).any():
        raise DomainError(f"P reaches {plan.max():.6g}, near the end of floating point: a plan has mass 1")
    targets = masses(a, plan.shape[-2], "a"), masses(b, plan.shape[-1], "b")
    try:
        batch = np.broadcast_shapes(plan.shape[:-2], *(x.shape[:-1] for x in targets))
    except ValueError:
        raise ShapeError(f"P has shape {plan.shape}, a {targets[0].shape}, b {targets[1].shape}") from None
    plan = np.broadcast_to(plan, (*batch, *plan.shape[-2:]))
    pairs = list(zip(targets, (plan.sum(-1), plan.sum(-2)), strict=True))
    rows, columns = (
        np.abs(np.divide(now, want, out=np.ones_like(now), where=want > 0) - 1).max(-1)
        for want, now in ((np.broadcast_to(w, s.shape), s) for w, s in pairs)
    )
    lower = [_missing(np.broadcast_to(want, now.shape), now) for want, now in pairs]
    return {
        "mass": plan.sum((-1, -2)),
        "row_error": rows,
        "column_error": columns,
        "kl_lower": np.maximum(*lower),
    }


def _missing(target: Array, found: Array) -> Array:
    """Return the generalised relative entropy of a target marginal to the one found."""
    lost = (target > 0) & ~(found > 0)
    p, w = np.where(target > 0, target, 1.0), np.where(target > 0, np.where(lost, 1.0, found), 1.0)
    key = "information.gibbs_inequality"
    kl = tensor(key, "kl")(p=p, w=w) - tensor(key, "mass")(p=p, w=w)
    return np.where(lost.any(-1), np.inf, np.maximum(kl + np.where(target > 0, 0.0, found).sum(-1), 0.0))


def _duality(p: Problem, P: Array, f: Array, g: Array, rho: float) -> dict[str, Array]:
    # An entry that nothing reaches has no part in any sum; a score far below all others keeps 0 * log(0) out of them.
    S = np.where(-np.inf < p.S, p.S, -1e300)
    a, b = np.where(p.a > 0, p.a, 1e-300), np.where(p.b > 0, p.b, 1e-300)
    held = {"S": S, "a": a, "b": b, "eps": p.eps}
    if rho == np.inf:
        key = "attention.sinkhorn_duality"
        dual = tensor(key, "dual")(f=f, g=g, **held)
        gap = tensor(key, "gap")(P=_rounded(P, p.a, p.b), f=f, g=g, **held)
        gap = np.where(p.seen.all((-1, -2)), np.maximum(gap, 0.0), np.inf)
        return {"value": tensor(key, "value")(P=P, **held), "lower": dual, "gap": gap}
    key = "attention.semirelaxed_duality"
    if rho == 0:  # g is 0 and the columns cost nothing: the dual value at any price is the objective
        value = tensor(key, "dual")(f=f, g=g, rho=1.0, **held)
        return {"value": value, "lower": value, "gap": np.zeros(p.batch)}
    value = tensor(key, "value")(P=P, rho=rho, **held)
    gap = tensor(key, "gap")(P=P, f=f, g=g, rho=rho, **held)
    return {"value": value, "lower": tensor(key, "dual")(f=f, g=g, rho=rho, **held), "gap": np.maximum(gap, 0.0)}


def _rounded(P: Array, a: Array, b: Array) -> Array:
    """Return a plan with exactly these marginals: scale down what is too much, add what is missing."""
    for axis, target in ((-1, a), (-2, b)):
        now = P.sum(axis)
        factor = np.divide(target, now, out=np.ones_like(now), where=now > target)
        P = P * np.expand_dims(np.minimum(factor, 1.0), axis)
    rows, columns = np.maximum(a - P.sum(-1), 0.0), np.maximum(b - P.sum(-2), 0.0)
    total = rows.sum(-1)[..., None, None]
    extra = rows[..., None] * columns[..., None, :]
    return P + np.divide(extra, total, out=np.zeros_like(extra), where=total > 0)


def contraction(S: Array, eps: Array) -> tuple[Array, Array]:
    """Return the bound of the contraction of a full iteration, and 1 minus it without cancellation.

    Parameters
    ----------
    S : ndarray, shape (..., n, m)
        Scores; with a -inf among them the bound is 1.
    eps : ndarray, shape (...)
        Temperatures.

    Returns
    -------
    tuple of ndarray, shape (...)
        `attention.sinkhorn_birkhoff`. Two by two the bound is the rate itself, so that record gives both numbers.
    """
    n, m = S.shape[-2:]
    rows = S if n <= m else np.swapaxes(S, -1, -2)
    masked = ~(rows > -np.inf).all((-1, -2))
    rows = np.where(masked[..., None, None], 0.0, rows)
    size = np.zeros(S.shape[:-2])
    step = max(1, BLOCK // max(rows.size, 1))
    for start in range(0, min(n, m), step):
        apart = rows[..., None, :, :] - rows[..., start : start + step, None, :]
        size = np.maximum(size, np.ptp(apart, axis=-1).max((-1, -2), initial=0))
    zero = np.zeros(size.shape)
    square = tensor("attention.sinkhorn_2x2", "factor")
    limit = tensor("attention.sinkhorn_2x2", "A")
    kappa = square(s11=size, s12=zero, s21=zero, s22=zero, eps=eps)
    ends = [limit(s11=x, s12=zero, s21=zero, s22=zero, eps=eps) for x in (size, -size)]
    return np.where(masked, 1.0, kappa), np.where(masked, 0.0, 4 * ends[0] * ends[1])


def second_value(P: Array, a: Array, b: Array, seen: Any) -> Array:
    """Return the square of the second singular value of a plan scaled by its marginals.

    A mask of several blocks has one singular value 1 for each, which shifts the potentials of the block and leaves the
    plan as it is; the next one is returned.

    Parameters
    ----------
    P : ndarray, shape (..., n, m)
        Plan.
    a, b : ndarray, shape (..., n) and (..., m)
        Its marginals.
    seen : ndarray of bool, shape (..., n, m)
        Where mass can flow.

    Returns
    -------
    ndarray, shape (...)
    """
    if min(P.shape[-2:]) < 2 or not P.size:
        return np.zeros(P.shape[:-2])
    tiny = 1e-300
    live = (a > tiny)[..., None] & (b > tiny)[..., None, :]
    row, column = (np.where(x > tiny, x, 1.0) for x in (a, b))
    D = tensor("attention.sinkhorn_rate", "scaled", "i j")(P=P, a=row, b=column)
    values = np.linalg.svd(np.where(live, D, 0.0), compute_uv=False) ** 2
    second = values[..., 1].copy()
    for at in np.ndindex(second.shape):
        if not seen[at].all():
            blocks = _blocks(seen[at])
            second[at] = values[at][blocks] if blocks < values.shape[-1] else 0.0
    return second


def _blocks(seen: Any) -> int:
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    used = seen[np.ix_(seen.any(1), seen.any(0))]
    n, m = used.shape
    arcs = np.zeros((n + m, n + m), bool)
    arcs[:n, n:] = used
    return int(connected_components(csr_array(arcs), directed=False, return_labels=False))


def enclosure(p: Problem, rho: float) -> Certified:
    """Enclose the limit by the algorithm of the record, over balls.

    Parameters
    ----------
    p : Problem
        One problem, small, without masks and with positive masses.
    rho : float
        Price of the columns.

    Returns
    -------
    Certified

    Raises
    ------
    DomainError
        For a batch, a mask, a mass of 0, or more than 400 entries.
    """
    from dltsym.algorithms import enclosed
    from dltsym.catalogue import get

    n, m = p.S.shape[-2:]
    if p.batch or not p.seen.all() or n * m > LARGEST or rho == 0:
        raise DomainError(f"certify takes one problem of at most {LARGEST} entries, without masks, at a positive price")
    exact = [[Fraction(float(x)) for x in row] for row in p.S]
    given = [[Fraction(1, x.size)] * x.size if p.uniform else [Fraction(float(y)) for y in x] for x in (p.a, p.b)]
    env = {"S": exact, "a": given[0], "b": given[1], "eps": Fraction(float(p.eps))}
    key, of = ("attention.sinkhorn_limit", "value") if rho == np.inf else ("attention.semirelaxed", "objective")
    if rho < np.inf:
        env["rho"] = Fraction(rho)
    runs: dict[int, Any] = {}
    code = get(key).algorithm
    A, A_radius = _floats(enclosed(code, env, "A", 12, runs))
    value, radius = _floats(enclosed(code, env, of, 12, runs))
    return Certified(A, A_radius, float(value), float(radius))


def _floats(balls: Any) -> tuple[Array, Array]:
    """Return middles, and radii that also cover the rounding of the middles."""
    if isinstance(balls, list):
        middles, radii = zip(*map(_floats, balls), strict=True)
        return np.array(middles), np.array(radii)
    middle = float(balls.mid())
    return np.array(middle), np.array(np.nextafter(float((balls - middle).abs_upper()), np.inf))
