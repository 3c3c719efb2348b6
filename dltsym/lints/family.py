r"""What a matrix of weights says of the rule that made it: potentials, temperature, and the half-steps behind it.

Softmax, its priors, balanced and relaxed Sinkhorn attention all have $\log A_{ij} = f_i + g_j + B_{ij} +
S_{ij}/\epsilon$. Between two inputs the fixed bias $B$ cancels, and taking means out of rows and columns removes both
potentials; what is left is proportional to the scores, and the factor is the temperature.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
FREE = 4
"""Fewest entries that a fit must explain beside its potentials: sparse weights could fit by chance."""


@dataclass(frozen=True)
class Fit:
    """Scores against the logarithms of weights.

    Attributes
    ----------
    eps : float
        Temperature on the raw scores.
    residual : float
        Largest error of a logarithm.
    """

    eps: float
    residual: float


def fit(first: Array, second: Array, change: Array, tolerance: float) -> Fit | None:
    """Fit the temperature to the weights of two inputs.

    Parameters
    ----------
    first, second : ndarray, shape (..., n, m)
        Weights.
    change : ndarray, shape (..., n, m)
        Scores of the second less those of the first.
    tolerance : float
        Largest error of a logarithm.

    Returns
    -------
    Fit or None
        None where the weights are of no such family.
    """
    known = (first > 0) & (second > 0) & np.isfinite(first) & np.isfinite(second)
    if not known.any():
        return None
    logs = np.where(known, np.log(np.where(known, second, 1)) - np.log(np.where(known, first, 1)), 0)
    if sum(_free(k) for k in flat(known)) < FREE:
        return None
    x = np.concatenate([bare(s, k)[k] for s, k in zip(flat(change), flat(known), strict=True)])
    y = np.concatenate([bare(s, k)[k] for s, k in zip(flat(logs), flat(known), strict=True)])
    weight = float(x @ x)
    if weight < 1e-6:
        return None
    theta = float(x @ y) / weight
    residual = float(np.abs(y - theta * x).max())
    if residual > tolerance * max(1.0, float(np.abs(y).max())) or abs(theta) < 1e-9:
        return None
    return Fit(1 / theta, residual)


def _free(known: NDArray[np.bool_]) -> int:
    """Return how many known entries the potentials of rows and columns leave free."""
    rows, columns = np.nonzero(known)
    n, m = known.shape
    design = np.zeros((rows.size, n + m))
    at = np.arange(rows.size)
    design[at, rows] = 1
    design[at, n + columns] = 1
    return rows.size - int(np.linalg.matrix_rank(design)) if rows.size else 0


def flat(x: Array) -> Array:
    """Put all batches into one.

    Parameters
    ----------
    x : ndarray, shape (..., n, m)
        Matrices.

    Returns
    -------
    ndarray, shape (b, n, m)
    """
    return x.reshape(-1, *x.shape[-2:])


def bare(x: Array, known: NDArray[np.bool_]) -> Array:
    """Take out of a matrix the best sum of a number per row and one per column, over its known entries.

    Parameters
    ----------
    x : ndarray, shape (n, m)
        Matrix.
    known : ndarray of bool, shape (n, m)
        Which entries count; the others come back as 0.

    Returns
    -------
    ndarray, shape (n, m)
    """
    n, m = x.shape
    rows, columns = np.nonzero(known)
    design = np.zeros((rows.size, n + m))
    at = np.arange(rows.size)
    design[at, rows] = 1
    design[at, n + columns] = 1
    solved, *_ = np.linalg.lstsq(design, x[rows, columns], rcond=None)
    out = np.zeros_like(x)
    out[rows, columns] = x[rows, columns] - design @ solved
    return out


def remainder(weights: Array, s: Array, eps: float) -> Array:
    """Return what the scores leave of the logarithms, the mean of each row taken out; 0 at weight 0.

    Parameters
    ----------
    weights, s : ndarray, shape (..., n, m)
        Weights and raw scores.
    eps : float
        Temperature.

    Returns
    -------
    ndarray, shape (..., n, m)
    """
    known = weights > 0
    x = np.where(known, np.log(np.where(known, weights, 1)) - s / eps, 0)
    mean = x.sum(-1, keepdims=True) / np.maximum(known.sum(-1, keepdims=True), 1)
    return np.where(known, x - mean, 0)


def half_steps(s: Array, eps: float, count: int, *, first: str = "row", keep: NDArray[np.bool_] | None = None) -> Array:
    """Return balanced Sinkhorn attention after each of some half-steps, with equal masses, as rows that sum to 1.

    Parameters
    ----------
    s : ndarray, shape (n, m)
        Scores.
    eps : float
        Temperature.
    count : int
        How many half-steps.
    first : {"row", "column"}
        The first one.
    keep : ndarray of bool, shape (n, m), optional
        Allowed pairs.

    Returns
    -------
    ndarray, shape (count, n, m)
        Attention: n times the plan.
    """
    from scipy.special import logsumexp

    n, m = s.shape
    logits = s / eps if keep is None else np.where(keep, s / eps, -np.inf)
    f, g = np.zeros((n, 1)), np.zeros((1, m))
    out = np.empty((count, n, m))
    with np.errstate(all="ignore"):
        for t in range(count):
            if (t % 2 == 0) == (first == "row"):
                f = -np.log(n) - logsumexp(logits + g, axis=1, keepdims=True)
            else:
                g = -np.log(m) - logsumexp(logits + f, axis=0, keepdims=True)
            out[t] = n * np.exp(logits + f + g)
    return out
