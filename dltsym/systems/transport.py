"""Sinkhorn attention and its relatives with a price on the column marginal, each with certificates of its own error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dltsym.errors import DomainError, ShapeError
from dltsym.systems.certificates import Certified, enclosure, judged
from dltsym.systems.compiled import tensor
from dltsym.systems.inputs import FAINTEST, WIDEST, Array, choice, count, number, real_array
from dltsym.systems.masks import Support, causal_mask, support
from dltsym.systems.problems import Problem, posed

__all__ = ["Plan", "semirelaxed", "sinkhorn"]

DUALITY = "attention.semirelaxed_duality"
PATIENCE = 50  # iterations without a smaller error: rounding has the last word
WILD = 1e100  # an entry of attention is at most 1 but for rounding, which is relative in score over temperature
FLAT = 1e8  # from this price on, in units of the potential, the shift is the mean up to rounding


@dataclass(frozen=True, eq=False)
class Plan:
    """A plan, its potentials, and what is certain about it; all fields have the batch shape of the scores.

    Attributes
    ----------
    A : ndarray, shape (..., n, m)
        Attention: the plan with every row divided by its mass in `a`.
    P : ndarray, shape (..., n, m)
        Plan, of total mass 1.
    f, g : ndarray, shape (..., n) and (..., m)
        Potentials in density form, ``P = a b exp((f + g + S) / eps)``; a shift of both leaves the plan as it is.
    row_error, column_error : ndarray, shape (...)
        Largest error of a marginal, relative to its target.
    column_l1 : ndarray, shape (...)
        Sum of the absolute errors of the columns.
    kl_lower : ndarray, shape (...)
        Lower bound of the relative entropy of the balanced solution to this plan (`attention.sinkhorn_pythagoras`).
    log_error : ndarray, shape (...)
        Every entry is that of the limit up to the factor ``exp(+-log_error)``, by the contraction of the Hilbert
        metric; infinite under a mask. Rounding is not counted: see `certify`.
    rate : ndarray, shape (...)
        Factor of the error per full iteration, from the singular values of this plan (`attention.sinkhorn_rate`).
    birkhoff : ndarray, shape (...)
        Upper bound of that factor for the scores; 1 under a mask.
    value : ndarray, shape (...)
        Objective at `P`: cost plus eps KL(P || a b), plus the price of the columns.
    lower : ndarray, shape (...)
        Dual value at the potentials; no plan with the marginals has a smaller objective.
    gap : ndarray, shape (...)
        By how much at most an explicit plan with the right marginals misses the optimum: this plan when the columns
        have a price, else this plan with its missing mass added. Infinite for a balanced plan under a mask.
        Rounding is not counted: `value`, `lower` and `gap` carry errors of the order 1e-16 times the largest score or
        finite price, and entries of the plan relative ones of 1e-16 times score over temperature; see `certify`.
    half_steps : int
        Steps made; 1 is softmax attention.
    converged : ndarray of bool, shape (...)
        The tolerance was met.
    errors : ndarray, shape (K, ...)
        What the tolerance is held against, before each column step.
    empty_rows : ndarray of bool, shape (..., n)
        Rows that see no key; their attention is 0.
    support : Support or None
        What the mask allows, when there is one mask; None without a mask.
    certified : Certified or None
        Enclosures of the limit, on demand.
    """

    A: Array
    P: Array
    f: Array
    g: Array
    row_error: Array
    column_error: Array
    column_l1: Array
    kl_lower: Array
    log_error: Array
    rate: Array
    birkhoff: Array
    value: Array
    lower: Array
    gap: Array
    half_steps: int
    converged: Any
    errors: Array
    empty_rows: Any
    support: Support | None
    certified: Certified | None


def _step(S: Array, g: Array, b: Array, eps: Array) -> Array:
    """Return the potentials of the rows; 0 for a row that sees nothing."""
    open_ = np.where((b > 0)[..., None, :], S, -np.inf)
    empty = ~(open_ > -np.inf).any(-1)
    found = tensor(DUALITY, "row", "i")(S=np.where(empty[..., None], 0.0, open_), g=g, b=b, eps=eps)
    return np.where(empty, 0.0, found)


def _shifted(g: Array, b: Array, rho: float) -> Array:
    if rho > FLAT * max(float(np.ptp(g, axis=-1).max(initial=0)), 1e-300):
        return g - (b * g).sum(-1, keepdims=True)
    return tensor("attention.semirelaxed_rate", "shifted", "j")(g=g, b=b, rho=rho)


@dataclass(frozen=True, eq=False)
class _Walk:
    f: Array
    g: Array
    steps: int
    errors: Array
    moved: Array  # scaled change of the potential that the next step would make


def _walk(p: Problem, rho: float, half_steps: int | None, tol: float, limit: int, start: Array) -> _Walk:
    """Alternate row and column steps until the error, or the number of half-steps, is reached."""
    tau: Any = np.ones(()) if rho == np.inf else np.zeros(())
    if 0 < rho < np.inf:
        tau = tensor(DUALITY, "tau")(rho=rho, eps=p.eps)[..., None]
    back, units = np.swapaxes(p.S, -1, -2), p.eps[..., None]
    dead = ~p.seen.any(-2)  # a column that no query sees keeps its potential
    g, f, errors, count, best, since = start, start, [], 0, np.inf, 0
    while True:
        f, count = _step(p.S, g, p.b, p.eps), count + 1
        full = np.where(dead, g, _step(back, f, p.a, p.eps))
        # a column step that is not damped moves the potential by eps log(b / column sum)
        new = full if rho == np.inf else np.where(dead, 0.0, tau * full)
        if 0 < rho < np.inf:
            new = np.where(dead, 0.0, _shifted(new, p.b, rho))
        moved = np.where(dead | (p.b == 0), 0.0, (new - g) / units)
        with np.errstate(over="ignore"):  # an error beyond floating point is infinite
            off = np.where(dead, 0.0, p.b * np.expm1((g - full) / units))
        errors.append(np.abs(off).sum(-1) if rho == np.inf else np.ptp(moved, axis=-1))
        worst = float(errors[-1].max(initial=0))
        since = 0 if worst < best else since + 1
        best = min(best, worst)
        if count == half_steps or (half_steps is None and (worst <= tol or since > PATIENCE or count + 2 > limit)):
            return _Walk(f, g, count, np.array(errors), moved)
        g, count = new, count + 1
        if count == half_steps:
            return _Walk(f, g, count, np.array(errors), (_step(p.S, g, p.b, p.eps) - f) / units)


def _allowed(p: Problem, balanced: bool, masks: str) -> Support | None:
    """Refuse masks under which no plan exists, or which the iteration only creeps to."""
    choice(masks, "masks", ("refuse", "flag"))
    seen = p.seen
    if seen.all() or not seen.size:
        return None
    flat = [x.reshape(-1, *x.shape[len(p.batch) :]) for x in (-np.inf < p.S, p.a, p.b)]
    found: dict[bytes, Support] = {}
    for k, (s, a, b) in enumerate(zip(*flat, strict=True)):
        key = b"".join(np.ascontiguousarray(x).tobytes() for x in (s, a, b))
        if key in found or not (s.size - s.sum() or (a == 0).any() or (b == 0).any()):
            continue
        one = found[key] = support(s, a, b)
        if masks == "refuse":
            where = list(map(int, np.unravel_index(k, p.batch))) if p.batch else ""
            _refuse(one, balanced, bool((s <= causal_mask(*s.shape)).all()), f"the mask {where}".rstrip())
    return next(iter(found.values())) if len(found) == 1 else None


def _refuse(s: Support, balanced: bool, causal: bool, what: str) -> None:
    more = "; masks='flag' goes on, with the measured error"
    if s.empty_rows:
        raise DomainError(
            f"{what} hides every key from query {s.empty_rows[0]} (attention.kl_prior){more} and rows of 0"
        )
    if not balanced:
        return
    if s.empty_columns:
        raise DomainError(f"{what} hides key {s.empty_columns[0]} from every query: its mass is not reached{more}")
    if not s.feasible:
        raise DomainError(
            f"{what} allows no balanced plan: rows {list(s.rows)} see only columns {list(s.columns)}, and a row error "
            f"of {s.deficit:.6g} stays at every iteration count (attention.finite_sinkhorn_error){more}"
        )
    if not s.total:
        causal_text = "a causal mask with equal marginals tends to the identity (attention.causal_sinkhorn): "
        at = list(map(int, np.argwhere(s.vanishing)[0]))
        raise DomainError(
            f"{causal_text if causal else ''}{what} allows entry {at}, which is 0 in every balanced plan, and the "
            f"iteration loses it at the rate 1/k only; use semirelaxed, or a column target that the mask allows{more}"
        )


def _started(start: Any, p: Problem) -> Array:
    g = real_array(start, "start")
    try:
        g = np.broadcast_to(g, p.b.shape)
    except ValueError:
        raise ShapeError(f"start has shape {g.shape}; the columns have {p.b.shape}") from None
    most, least = float(np.abs(g).max(initial=0.0)), float(p.eps.min(initial=1.0))
    if most > WIDEST * min(1.0, least):
        raise DomainError(f"start reaches {most:.6g} at a temperature of {least:.6g}: the quotient overflows")
    return g


def _solved(
    p: Problem, rho: float, half_steps: int | None, end: str, tol: float, limit: int, masks: str, start: Any,
    bounds: bool, certify: bool,
) -> Plan:  # fmt: skip
    tol, limit = number(tol, "tol"), count(limit, "limit", 1, "the number of half-steps")
    if not tol > 0:
        raise DomainError(f"tol = {tol} must be positive")
    half_steps = None if half_steps is None else count(half_steps, "half_steps", 1, "the number of half-steps")
    choice(end, "end", ("row", "column"))
    if half_steps is not None and (half_steps % 2 == 1) != (end == "row"):
        last = "row" if half_steps % 2 else "column"
        raise DomainError(f"{half_steps} half-steps end on a {last} step: pass end={last!r}, or another count")
    held = _allowed(p, rho == np.inf, masks)
    g = np.zeros(p.b.shape) if start is None else _started(start, p)
    done = _walk(p, rho, half_steps, tol, limit, g)
    f, g, made, moved = done.f, done.g, done.steps, done.moved
    if end == "column" and half_steps is None:
        g, made = _step(np.swapaxes(p.S, -1, -2), f, p.a, p.eps), made + 1
        moved = (_step(p.S, g, p.b, p.eps) - f) / p.eps[..., None]
    plan: Callable[..., Array] = tensor("attention.semirelaxed", "plan", "i j")
    A = plan(S=p.S, f=f, g=g, a=np.ones(p.a.shape), b=p.b, eps=p.eps)
    A = np.where(-np.inf < p.S, A, 0.0)
    if not (A <= WILD).all():
        raise DomainError("scores are so large against the temperature that their rounding decides; raise eps")
    facts = judged(p, A, f, g, rho, moved, end, bounds)
    return Plan(
        A=A,
        P=p.a[..., None] * A,
        f=f,
        g=g,
        half_steps=made,
        converged=done.errors[-1] <= tol,
        errors=done.errors,
        empty_rows=~((-np.inf < p.S) & (p.b > 0)[..., None, :]).any(-1),
        support=held,
        certified=enclosure(p, rho) if certify else None,
        **facts,
    )


def sinkhorn(
    S: Any,
    eps: Any,
    a: Any = None,
    b: Any = None,
    *,
    half_steps: int | None = None,
    end: str = "row",
    tol: float = 1e-12,
    limit: int = 20_001,
    log_prior: Any = None,
    mask: Any = None,
    masks: str = "refuse",
    start: Any = None,
    bounds: bool = True,
    certify: bool = False,
) -> Plan:
    """Return the plan between two marginals with the best scores at a temperature, in the log domain.

    Parameters
    ----------
    S : array_like, shape (..., n, m)
        Scores, minus the cost; -inf hides a key.
    eps : float or array_like, shape (...)
        Temperatures, in units of the scores.
    a, b : array_like, shape (..., n) and (..., m), optional
        Row and column masses, each of sum 1; uniform by default.
    half_steps : int, optional
        Exact number of row and column steps, a row step first: 1 is softmax attention with prior `b`. By default steps
        are made until the L1 error of the columns is at most `tol`, rounding stops it, or there are `limit` of them.
    end : {"row", "column"}
        Kind of the last step. After a row step every output is an average of values.
    tol : float
        Of the L1 error of the columns.
    limit : int
        Most half-steps.
    log_prior : array_like, optional
        Added to ``S / eps``. A prior over keys alone changes the iteration, but not the limit.
    mask : array_like of bool or {"causal"}, optional
        True where a query sees a key.
    masks : {"refuse", "flag"}
        What to do with a mask that allows no plan, or entries that are 0 in every plan.
    start : array_like, shape (..., m), optional
        Column potentials to start from.
    bounds : bool
        Also find `rate`, `birkhoff` and `log_error`, which cost more than an iteration.
    certify : bool
        Also enclose the limit in balls; for small problems without masks.

    Returns
    -------
    Plan

    Raises
    ------
    DomainError
        For inputs outside their domains, and refused masks.
    ShapeError
        When shapes do not fit.

    Examples
    --------
    >>> plan = sinkhorn([[0.0, -1.0], [-1.0, 0.0]], 1.0)
    >>> round(float(plan.P[0, 0]), 12)
    0.365529289315
    """  # noqa: DOC502 - raised where each input is read
    p = posed(S, eps, a, b, log_prior, mask)
    return _solved(p, np.inf, half_steps, end, tol, limit, masks, start, bounds, certify)


def semirelaxed(
    S: Any,
    eps: Any,
    rho: float,
    a: Any = None,
    b: Any = None,
    *,
    half_steps: int | None = None,
    tol: float = 1e-12,
    limit: int = 20_001,
    log_prior: Any = None,
    mask: Any = None,
    masks: str = "refuse",
    start: Any = None,
    bounds: bool = True,
    certify: bool = False,
) -> Plan:
    """Return the plan with exact rows whose columns may miss their masses at a price.

    The potential is shifted in each step so that its slow constant part does not count, and steps are made until the
    oscillation of its change, in units of the temperature, is at most `tol`.

    Parameters
    ----------
    S : array_like, shape (..., n, m)
        Scores, minus the cost; -inf hides a key.
    eps : float or array_like, shape (...)
        Temperatures, in units of the scores.
    rho : float
        Price per unit of KL(columns || b): 0 is softmax attention with prior `b`, infinity is `sinkhorn`.
    a, b : array_like, shape (..., n) and (..., m), optional
        Row and column masses, each of sum 1; uniform by default.
    half_steps : int, optional
        Exact number of row and column steps, odd.
    tol : float
        Tolerance.
    limit : int
        Most half-steps.
    log_prior, mask, masks, start, bounds, certify
        As for `sinkhorn`. Only rows that see no key are refused at a finite price.

    Returns
    -------
    Plan

    Raises
    ------
    DomainError
        For inputs outside their domains, and refused masks. Inputs that do not fit together raise what `posed` raises.
    """
    price = number(rho, "rho", infinite=True)
    if not price >= 0 or 0 < price < FAINTEST:
        raise DomainError(f"rho is {rho}; it must be 0 or at least {FAINTEST:g}, and may be infinite")
    p = posed(S, eps, a, b, log_prior, mask)
    half = 1 if price == 0 and half_steps is None else half_steps
    return _solved(p, price, half, "row", tol, limit, masks, start if price else None, bounds, certify)
