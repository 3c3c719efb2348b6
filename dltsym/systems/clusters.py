"""Counting clusters of tokens: two spectral counts, which do not see signs, and connected components, which do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltsym.errors import DomainError
from dltsym.systems.compiled import tensor
from dltsym.systems.inputs import Array, number, tokens

__all__ = ["Counts", "cluster_counts"]

DIVERSITY = "particles.cluster_diversity"
ROWS = 1024  # of the Gram matrix at a time


@dataclass(frozen=True, eq=False)
class Counts:
    """Numbers of clusters, for every batch entry.

    Attributes
    ----------
    participation : ndarray, shape (...)
        Participation ratio ``n^2 / sum(G_ij^2)`` of the Gram matrix: diversity of order 2 of its spectrum.
    entropy : ndarray, shape (...)
        Exponential of the entropy of the spectrum of ``G / n``: diversity of order 1. Never below the participation.
    components : ndarray of int, shape (...)
        Connected components of the graph ``G_ij > 1 - delta``. Antipodal groups are 1 for the first two counts, 2 here.
    labels : ndarray of int, shape (..., n)
        Component of each token, numbered from 0.
    """

    participation: Array
    entropy: Array
    components: NDArray[np.int64]
    labels: NDArray[np.int64]


def cluster_counts(X: Any, delta: float = 0.01, *, normalise: bool = False) -> Counts:
    """Count the clusters of tokens in three ways.

    The spectral counts are the outputs of the record ``particles.cluster_diversity`` at the eigenvalues of ``G / n``,
    which sum to 1 for unit rows.

    Parameters
    ----------
    X : array_like, shape (..., n, d)
        Tokens, unit rows.
    delta : float
        Tokens are neighbours when their inner product is above ``1 - delta``, strictly; in (0, 2].
    normalise : bool
        Divide rows by their norms.

    Returns
    -------
    Counts

    Raises
    ------
    DomainError
        For a delta outside (0, 2], rows that are no unit vectors, and rows of zeros, which have no direction.

    Examples
    --------
    >>> counts = cluster_counts([[1, 0], [1, 0], [1, 0], [0, 1]])
    >>> round(float(counts.participation), 9), int(counts.components)
    (1.6, 2)
    """
    x, delta = tokens(X, normalise, "X"), number(delta, "delta")
    if not 0 < delta <= 2:
        raise DomainError(f"delta = {delta} has to lie in (0, 2]")
    law = np.linalg.svd(x, compute_uv=False) ** 2
    law /= law.sum(-1, keepdims=True)
    law = np.maximum(law, np.finfo(float).tiny)  # p log p at 0
    participation, entropy = (np.asarray(tensor(DIVERSITY, of)(p=law)) for of in ("participation", "entropy"))
    components = np.empty(x.shape[:-2], np.int64)
    labels = np.empty(x.shape[:-1], np.int64)
    for at in np.ndindex(components.shape):
        components[at], labels[at] = _components(x[at], delta)
    return Counts(participation, entropy, components, labels)


def _components(x: Array, delta: float) -> tuple[int, NDArray[np.int64]]:
    from scipy.sparse import csr_array, vstack
    from scipy.sparse.csgraph import connected_components

    rows = [csr_array(x[k : k + ROWS] @ x.T > 1 - delta) for k in range(0, len(x), ROWS)]
    count, labels = connected_components(vstack(rows), directed=False)
    return int(count), labels
