"""Binomial tails in log space, their inverse, and the moment of relative entropy, in double precision.

Logarithms of binomial probabilities come from relative entropy and the small Stirling residuals, so that nothing large
cancels: they keep their digits where the probability itself underflows and for 10**6 trials and more.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dltsym.lower.closed.entropy import kl_bernoulli
from dltsym.lower.closed.inverse import kl_upper

_HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)
_TABLE = np.array(
    [0.0]
    + [math.lgamma(j + 1) - ((j + 0.5) * math.log(j) - j + _HALF_LOG_TWO_PI) for j in range(1, 16)]
)  # fmt: skip
NEWTON = 60


def stirling_residual(j: Any) -> Any:
    """Return ``log j! - log(sqrt(2 pi j) (j/e)**j)``, and 0 at 0.

    Parameters
    ----------
    j : array
        Whole numbers, not negative.

    Returns
    -------
    array of float64
        Its error is below 1e-14.
    """
    j = np.asarray(j, dtype=np.float64)
    x = np.maximum(j, 16.0)
    w = 1 / (x * x)
    series = (1 / 12 - w * (1 / 360 - w * (1 / 1260 - w / 1680))) / x
    return np.where(j < 16, _TABLE[np.minimum(j, 15).astype(np.int64)], series)


def log_pmf(k: Any, n: Any, p: Any) -> Any:
    """Return the logarithm of the probability of k successes in n trials.

    Parameters
    ----------
    k, n : array
        Whole numbers, 0 <= k <= n, n >= 1.
    p : array
        Probability of success in (0, 1).

    Returns
    -------
    array of float64
    """
    k, n, p = (np.asarray(x, dtype=np.float64) for x in (k, n, p))
    inner = (k > 0) & (k < n)
    a, b = np.where(inner, k, 1.0), np.where(inner, n - k, 1.0)
    rest = stirling_residual(n) - stirling_residual(a) - stirling_residual(b)
    shape = -0.5 * np.log(2 * np.pi * a * b / np.where(inner, n, 2.0)) + rest
    with np.errstate(all="ignore"):
        return np.where(inner, shape, 0.0) - n * kl_bernoulli(k / n, p)


def log_tail(k: Any, n: Any, p: Any) -> tuple[Any, Any]:
    """Return the logarithm of P(at most k successes), for p >= k/n, and the tail over the probability of k.

    Parameters
    ----------
    k, n : array
        Whole numbers, 0 <= k < n.
    p : array
        Probability of success in [k/n, 1).

    Returns
    -------
    tuple of array
    """
    k, n, p = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (k, n, p)))
    odds = (1 - p) / np.where(p > 0, p, 1.0)
    total, term, j = np.ones_like(p), np.ones_like(p), k.copy()
    while True:
        term = term * (j / (n - j + 1)) * odds
        total = total + term
        j = np.maximum(j - 1, 0)
        if not np.any(term > total * 2.0**-60):
            break
    return log_pmf(k, n, p) + np.log(total), total


def log_tail_inverse(k: Any, n: Any, logdelta: Any) -> Any:
    """Return the largest p under which at most k successes in n trials have a probability of at least delta.

    The logarithm of the tail is concave in p, so Newton's method falls to the root from the inverse of relative
    entropy, which lies above it (Langford 2005).

    Parameters
    ----------
    k, n : array
        Whole numbers, 0 <= k <= n, n >= 1.
    logdelta : array
        Logarithm of delta, below -log(2).

    Returns
    -------
    array of float64
    """
    k, n, level = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (k, n, logdelta)))
    whole, none = k == n, k == 0
    m = np.where(whole | none, np.maximum(n - 1, 1), k)
    trials = np.where(whole | none, np.maximum(n, 2), n)
    m = np.minimum(m, trials - 1)
    p = np.minimum(kl_upper(m / trials, -level / trials), 1 - 2.0**-53)
    for _ in range(NEWTON):
        tail, share = log_tail(m, trials, p)
        step = (level - tail) * share * (1 - p) / (trials - m)
        p = np.clip(p - step, m / trials, 1 - 2.0**-53)
        if not np.any(np.abs(step) > 4e-16 * p):
            break
    return np.where(whole, 1.0, np.where(none, -np.expm1(level / n), p))
