r"""Binomial tails with their inverses, and the moment of relative entropy that Maurer bounds by $2\sqrt n$."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from dltsym.bounds.rounding import up
from dltsym.errors import DomainError, Undecided
from dltsym.lower.closed.binomial import log_tail, log_tail_inverse, stirling_residual
from dltsym.notation.numbers import Balls

__all__ = ["binomial_log_tail", "binomial_upper", "xi"]

EXACT = 300
MOST = 10**9
_BLOCK = 1 << 20


def binomial_log_tail(k: Any, n: Any, p: Any) -> Any:
    """Return the logarithm of the probability of at most k successes, for p at least k/n.

    Parameters
    ----------
    k, n : int or array
        Successes and trials, 0 <= k <= n.
    p : number or array
        Probability of success in [k/n, 1).

    Returns
    -------
    float or array
        Also where the probability itself underflows.

    Raises
    ------
    DomainError
        Outside that domain: below k/n the logarithm of the other tail is the small one.

    Examples
    --------
    >>> round(binomial_log_tail(5, 100, 0.10225337764327), 10)
    -2.9957322736
    """
    k, n = _counts(k, n)
    p = np.asarray(p, dtype=np.float64)
    if bool(np.any(~((p >= k / n) & (p <= 1)))):
        raise DomainError("the probability of success has to lie in [k/n, 1]")
    whole = k == n
    m, trials = np.where(whole, 0, k), np.where(whole, 1, n)
    q = np.where(whole | (p == 1), np.maximum(m / trials, 0.5), p)
    with np.errstate(all="ignore"):
        out = np.where(whole, 0.0, np.where(p == 1, -np.inf, log_tail(m, trials, q)[0]))
    return float(out) if out.shape == () else out


def binomial_upper(k: Any, n: Any, log_delta: Any, *, mode: str = "estimate") -> Any:
    """Return the largest probability of success under which at most k successes have probability delta (Langford 2005).

    Parameters
    ----------
    k, n : int or array
        Successes and trials, 0 <= k <= n.
    log_delta : number or array
        Logarithm of delta, at most -log(2); delta itself may underflow, and an estimate takes 1e5 nats and more.
    mode : {"estimate", "certified"}
        A certificate is never below the solution; it is computed one element at a time.

    Returns
    -------
    float or array
        1 where k = n.

    Raises
    ------
    DomainError
        Outside that domain.

    Examples
    --------
    >>> binomial_upper(0, 100, -3.0, mode="certified") >= -math.expm1(-3.0 / 100)
    True
    """
    k, n = _counts(k, n)
    level = np.asarray(log_delta, dtype=np.float64)
    if bool(np.any(~(level <= -math.log(2)))):
        raise DomainError("log_delta has to be at most -log(2)")
    if mode not in ("estimate", "certified"):
        raise DomainError(f"mode is 'estimate' or 'certified', not {mode!r}")
    if mode == "estimate":
        out = log_tail_inverse(k, n, level)
    else:
        k, n, level = np.broadcast_arrays(k, n, level)
        out = np.array([_certified(*x) for x in zip(k.flat, n.flat, level.flat, strict=True)]).reshape(k.shape)
    return float(out) if out.shape == () else out


def _certified(k: Any, n: Any, level: Any) -> float:
    for bits in (96, 192, 384, 768):
        if math.isinf(level):
            break
        m = Balls(bits)
        try:
            with m:
                found = m.binomial_upper(int(k), int(n), float(level)).value
        except Undecided:  # too close to 1 for so many bits
            continue
        if found.is_finite() and found.rel_accuracy_bits() > 60:
            return min(up(found), 1.0)
    return 1.0


def xi(n: Any, *, exact: bool = False) -> Any:
    r"""Return $\xi(n) = \sum_k \binom nk (k/n)^k (1 - k/n)^{n - k}$, between $\sqrt n$ and $2\sqrt n$.

    Parameters
    ----------
    n : int or array of int
        Sizes from 1 on.
    exact : bool
        Return a Fraction, for one n up to 300.

    Returns
    -------
    float, array or Fraction
        Up to 300 correctly rounded, beyond with a relative error below 1e-13, in time proportional to n.

    Raises
    ------
    DomainError
        When n is no whole number from 1 to 10**9, or an exact value of a large one is asked for.

    References
    ----------
    ``maurer2004``.

    Examples
    --------
    >>> xi(3, exact=True), xi(20)
    (Fraction(26, 9), 6.2935845860009)
    """
    sizes = np.asarray(n)
    if sizes.dtype.kind not in "iu" or bool(np.any((sizes < 1) | (sizes > MOST))):
        raise DomainError("n is a whole number from 1 to 10**9")
    if exact:
        if sizes.shape != () or int(sizes) > EXACT:
            raise DomainError(f"exact values are for one n up to {EXACT}")
        return _exact(int(sizes))
    known = {int(m): float(_exact(int(m))) if m <= EXACT else _large(int(m)) for m in np.unique(sizes)}
    return known[int(sizes)] if sizes.shape == () else np.vectorize(known.__getitem__, otypes=[float])(sizes)


def _exact(n: int) -> Fraction:
    total = sum(math.comb(n, k) * k**k * (n - k) ** (n - k) for k in range(n + 1))
    return Fraction(total, n**n)


def _large(n: int) -> float:
    half = (n - 1) // 2
    parts = []
    for start in range(1, half + 1, _BLOCK):
        parts.append(float(np.sum(_terms(n, np.arange(start, min(start + _BLOCK, half + 1), dtype=np.float64)))))
    middle = float(_terms(n, np.array([n / 2.0]))[0]) if n % 2 == 0 else 0.0
    return 2 + math.fsum([2 * math.fsum(parts), middle])


def _terms(n: int, k: Any) -> Any:
    rest = stirling_residual(float(n)) - stirling_residual(k) - stirling_residual(n - k)
    return np.sqrt(n / (2 * np.pi * k * (n - k))) * np.exp(rest)


def _counts(k: Any, n: Any) -> tuple[Any, Any]:
    k, n = np.asarray(k), np.asarray(n)
    if k.dtype.kind not in "iu" or n.dtype.kind not in "iu" or bool(np.any((k < 0) | (k > n) | (n < 1) | (n > 2**53))):
        raise DomainError("k and n are whole numbers with 0 <= k <= n and n >= 1")
    return k.astype(np.float64), n.astype(np.float64)
