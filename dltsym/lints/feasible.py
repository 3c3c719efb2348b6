"""Whether a mask carries a plan with given marginals, and which of its pairs no such plan uses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def feasible(keep: NDArray[np.bool_], a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[float, int]:
    """Find the largest mass that a mask can carry, by a linear program.

    Parameters
    ----------
    keep : ndarray of bool, shape (n, m)
        Allowed pairs.
    a, b : ndarray, shapes (n,), (m,)
        Masses of queries and keys, of one sum.

    Returns
    -------
    tuple of float and int
        Share of the mass that can be carried; and, if it is all, how many allowed pairs have mass in no plan. A pair
        has mass in some plan if it has mass in the one that was found, or lies on a cycle of moves.
    """
    from scipy.optimize import linprog
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n, m = keep.shape
    i, j = np.nonzero(keep)
    if not i.size:
        return 0.0, 0
    at = np.arange(i.size)
    limits = coo_array((np.ones(2 * i.size), (np.concatenate([i, n + j]), np.concatenate([at, at]))), (n + m, i.size))
    solved = linprog(-np.ones(i.size), A_ub=limits.tocsr(), b_ub=np.concatenate([a, b]), method="highs")
    flow = np.maximum(solved.x, 0)
    carried = float(flow.sum() / a.sum())
    if carried < 1 - 1e-9:
        return carried, 0
    used = flow > 1e-9 * a.sum()
    tails, heads = np.concatenate([i, n + j[used]]), np.concatenate([n + j, i[used]])
    graph = coo_array((np.ones(tails.size), (tails, heads)), (n + m, n + m))
    _, part = connected_components(graph.tocsr(), connection="strong")
    return carried, int((~used & (part[i] != part[n + j])).sum())
