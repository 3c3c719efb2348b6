"""Between softmax and Sinkhorn, and beyond: the family in the price, both marginals relaxed, the causal mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from dltsym.errors import DomainError
from dltsym.systems.compiled import closed
from dltsym.systems.inputs import Array, count, number
from dltsym.systems.transport import Plan, semirelaxed

__all__ = ["CausalLimit", "Family", "Unbalanced", "causal_limit", "family", "unbalanced2"]


@dataclass(frozen=True, eq=False)
class Family:
    """Plans at rising prices of the column marginal.

    Attributes
    ----------
    rhos : ndarray, shape (R,)
        Prices.
    plans : tuple of Plan
        One for each price.
    from_softmax, from_balanced : ndarray, shape (R, ...)
        Largest difference of an entry of the attention to that at price 0, and at an infinite price; the first is
        linear in the price near 0, the second in its inverse near infinity.
    """

    rhos: Array
    plans: tuple[Plan, ...]
    from_softmax: Array
    from_balanced: Array


@dataclass(frozen=True)
class Unbalanced:
    """Two points against two with both marginals relaxed: entries of the plan on and off the diagonal, and its mass."""

    diagonal: float
    off: float
    mass: float


@dataclass(frozen=True, eq=False)
class CausalLimit:
    """What a causal mask leaves of a balanced plan after k full iterations, to leading order in 1/k.

    Attributes
    ----------
    subdiagonal : ndarray, shape (n - 1,)
        Entries ``A[i + 1, i]``.
    row_error : float
        Largest row error after a column step.
    largest : float
        Largest entry of ``A - I`` in absolute value, after a column step.
    """

    subdiagonal: Array
    row_error: float
    largest: float


def family(S: Any, eps: Any, rhos: Sequence[float], **options: Any) -> Family:
    """Return the plans at several prices, each started from the one before it.

    Parameters
    ----------
    S : array_like, shape (..., n, m)
        Scores.
    eps : float or array_like, shape (...)
        Temperatures.
    rhos : sequence of float
        Prices from 0, softmax attention, to infinity, Sinkhorn attention.
    **options
        Of `semirelaxed`.

    Returns
    -------
    Family

    Raises
    ------
    DomainError
        For no price, and one that is negative.
    """
    prices = [number(r, "a price", infinite=True) for r in (rhos if np.iterable(rhos) else [rhos])]
    if not prices:
        raise DomainError("rhos is empty; give at least one price")
    if not min(prices) >= 0:
        raise DomainError(f"rhos is {rhos}; a price is not negative")
    softmax, balanced = (semirelaxed(S, eps, r, **options) for r in (0.0, np.inf))
    plans: list[Plan] = []
    for price in prices:
        start = {"start": plans[-1].g} if plans and "start" not in options else {}
        plans.append(semirelaxed(S, eps, price, **options | start))
    ends = ([np.abs(p.A - q.A).max((-1, -2)) for p in plans] for q in (softmax, balanced))
    return Family(np.array(prices), tuple(plans), *map(np.array, ends))


def unbalanced2(rho: float, eps: float = 1.0) -> Unbalanced:
    """Return the plan between two points and two, weights 1/2, costs 0 and 1, when both marginals have a price.

    Parameters
    ----------
    rho : float
        Price per unit of (generalised) relative entropy of a marginal; infinity gives the balanced plan.
    eps : float
        Temperature.

    Returns
    -------
    Unbalanced
        `attention.unbalanced_2x2`. The penalty of the plan is the relative entropy to the product of the marginals;
        solvers that penalise with the entropy alone solve another problem.

    Raises
    ------
    DomainError
        For a price or a temperature that is not positive.

    Examples
    --------
    >>> round(unbalanced2(1.0).diagonal, 7)
    0.3220536
    """
    key, price, heat = "attention.unbalanced_2x2", number(rho, "rho", infinite=True), number(eps, "eps")
    if not (price > 0 and heat > 0):
        raise DomainError(f"rho = {rho} and eps = {eps} must be positive")
    if price == np.inf:
        diagonal = float(closed(key, "balanced")(eps=heat))
        return Unbalanced(diagonal, 0.5 - diagonal, 1.0)
    names, given = ("diagonal", "off", "mass"), {"eps": heat, "rho": price}
    with np.errstate(all="ignore"):
        found = [float(closed(key, of)(**given)) for of in names]
    if not np.isfinite(found).all():  # two numbers of the formula overflow, and their quotient does not
        exact = {name: Fraction(x) for name, x in given.items()}
        found = [float(closed(key, of, "ball")(**exact)) for of in names]
    return Unbalanced(*found)


def causal_limit(n: int, k: int) -> CausalLimit:
    """Predict what Sinkhorn's iteration under a causal mask with equal marginals leaves after k full iterations.

    Parameters
    ----------
    n : int
        Tokens, at least 2.
    k : int
        Full iterations.

    Returns
    -------
    CausalLimit
        `attention.causal_sinkhorn`: for every score matrix; proved for two tokens, observed for more. The relative
        error of the prediction is of the order log(k)/k.

    Raises
    ------
    DTypeError
        For numbers that are no integers.
    DomainError
        For fewer than two tokens or no iteration.

    Examples
    --------
    >>> causal_limit(4, 1000).row_error
    0.0015
    """  # noqa: DOC502 - `count` raises the first
    n, k = count(n, "n", what="the number of tokens"), count(k, "k", what="the number of iterations")
    if n < 2 or k < 1:
        raise DomainError(f"n = {n} and k = {k}: at least two tokens and one iteration are needed")
    profile, key = closed("attention.causal_sinkhorn", "profile"), "attention.causal_sinkhorn"
    below = np.array([float(profile(n=n, c=c)) for c in range(1, n)]) / k
    return CausalLimit(below, float(closed(key, "row error")(n=n, k=k)), float(below.max()))
