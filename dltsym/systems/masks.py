"""What a mask allows: whether a plan with given marginals exists under it, and which entries every such plan loses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dltsym.errors import DomainError, DTypeError, ShapeError
from dltsym.systems.inputs import Array, count, real_array

__all__ = ["Support", "causal_mask", "hall_deficit", "mask_array", "masses", "support"]

UNITS = 2**29  # of mass; SciPy's flows are 32-bit integers


@dataclass(frozen=True, eq=False)
class Support:
    """Plans with given marginals under a mask.

    Attributes
    ----------
    feasible : bool
        Some plan exists. For marginals that are not uniform this is decided up to ``(n + m) / 2**29`` of the mass.
    deficit : float
        0 when feasible. Otherwise, whatever the number of iterations, the rows of `rows` are on average short by at
        least this part of their mass after a column step: ``1 - |N(I)|/|I|`` for uniform masses.
    rows, columns : tuple of int
        The rows I of the deficit, and all columns N(I) that they see.
    carried : float
        Largest part of the mass that a plan on the mask can carry without too much in any row or column.
    vanishing : ndarray of bool, shape (n, m)
        Allowed entries that are 0 in every plan: Sinkhorn's iteration loses them at the rate 1/k only.
    empty_rows, empty_columns : tuple of int
        Rows that see no key, and columns that no query sees, among those of positive mass.
    """

    feasible: bool
    deficit: float
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    carried: float
    vanishing: Any
    empty_rows: tuple[int, ...]
    empty_columns: tuple[int, ...]

    @property
    def total(self) -> bool:
        """Every allowed entry is positive in some plan, so that the iteration converges at a linear rate."""
        return self.feasible and not self.vanishing.any()


def causal_mask(n: int, m: int | None = None) -> Any:
    """Return the mask in which a query sees no later key; the last query sees all keys.

    Parameters
    ----------
    n : int
        Queries.
    m : int, optional
        Keys, n by default.

    Returns
    -------
    ndarray of bool, shape (n, m)
    """
    n = count(n, "n", 0, "the number of queries")
    m = n if m is None else count(m, "m", 0, "the number of keys")
    return np.tri(n, m, m - n, dtype=bool)


def mask_array(mask: Any) -> Any:
    """Return a mask.

    Parameters
    ----------
    mask : array_like of bool
        True where a query may see a key.

    Returns
    -------
    ndarray of bool

    Raises
    ------
    ShapeError
        For rows of unequal length.
    DTypeError
        For any other type: additive masks have the opposite meaning of 0.
    """
    if isinstance(mask, np.ma.MaskedArray):
        raise DTypeError("the mask is itself a masked array, whose own mask would be lost; give a plain one")
    try:
        seen = np.asarray(mask)
    except ValueError as error:
        raise ShapeError(f"the mask is no rectangular array: {error}") from None
    if seen.dtype != bool:
        raise DTypeError(f"a mask is an array of bool, True where a query may see a key, not of {seen.dtype}")
    return seen


def masses(x: Any, size: int, name: str) -> Array:
    """Return masses that sum to 1.

    Parameters
    ----------
    x : array_like, shape (..., size), or None
        Masses, not negative, that sum to 1 up to 1e-6; uniform by default.
    size : int
        Number of them.
    name : str
        Named in errors.

    Returns
    -------
    ndarray, shape (..., size)

    Raises
    ------
    ShapeError
        For another number of masses.
    DomainError
        When one is negative, or the sum is not 1.
    """
    if x is None:
        return np.full(size, 1 / size)
    out = real_array(x, name)
    if out.ndim < 1 or out.shape[-1] != size:
        raise ShapeError(f"{name} has shape {out.shape}; it needs {size} masses")
    if (out < 0).any():
        at = list(map(int, np.argwhere(out < 0)[0]))
        raise DomainError(f"{name}{at} is {out[tuple(at)]}; a mass is not negative")
    with np.errstate(over="ignore"):
        total = out.sum(-1, keepdims=True)
    if (np.abs(total - 1) > 1e-6).any():
        raise DomainError(
            f"{name} sums to {total.flat[np.abs(total - 1).argmax()]:.6g}; masses sum to 1, divide by the sum"
        )
    return out / total


def support(mask: Any, a: Any = None, b: Any = None) -> Support:
    """Say which plans with given marginals a mask allows, by a maximal flow.

    Parameters
    ----------
    mask : array_like of bool, shape (n, m)
        True where a query may see a key.
    a, b : array_like, shape (n,) and (m,), optional
        Row and column masses, each of sum 1; uniform by default.

    Returns
    -------
    Support

    Raises
    ------
    DTypeError
        For a mask that is not of type bool: additive masks have the opposite meaning of 0.
    ShapeError
        For another shape.

    Examples
    --------
    >>> support([[True, False], [True, False]]).deficit
    0.5
    """  # noqa: DOC502 - `mask_array` raises the first
    seen = mask_array(mask)
    if seen.ndim != 2 or 0 in seen.shape:
        raise ShapeError(f"the mask has shape {seen.shape}; it must be (n, m)")
    n, m = seen.shape
    row, column = masses(a, n, "a"), masses(b, m, "b")
    if row.ndim > 1 or column.ndim > 1:
        raise ShapeError("support takes one mask with one pair of marginals")
    used = seen & (row > 0)[:, None] & (column > 0)
    exact = bool(np.ptp(row) == 0 and np.ptp(column) == 0)
    slack = 0 if exact else n + m
    supply, demand = (_exact(n, m), _exact(m, n)) if exact else (_units(row, 1.0), _units(column, 1.0))
    flow, reached = _flow(used, supply, demand, slack)
    feasible = int(supply.sum()) - int(flow.sum()) <= slack
    empty = (np.flatnonzero((row > 0) & ~used.any(1)), np.flatnonzero((column > 0) & ~used.any(0)))
    short = np.zeros(n, bool) if feasible else _worst(used, row, column, reached)
    hidden = _vanishing(used, flow > slack) if feasible else np.zeros_like(used)
    near = used[short].any(0)
    deficit = 0.0 if feasible else float(1 - _share(column[near], row[short], exact, n, m))
    whole = [tuple(map(int, x)) for x in (np.flatnonzero(short), np.flatnonzero(near), *empty)]
    carried = 1.0 if feasible else float(flow.sum() / supply.sum())
    return Support(feasible, deficit, whole[0], whole[1], carried, hidden, whole[2], whole[3])


def hall_deficit(mask: Any, a: Any = None, b: Any = None) -> float:
    """Return the smallest largest row error, relative to the row mass, that any iteration count leaves under a mask.

    Parameters
    ----------
    mask : array_like of bool, shape (n, m)
        True where a query may see a key.
    a, b : array_like, shape (n,) and (m,), optional
        Row and column masses; uniform by default.

    Returns
    -------
    float
        0 when the mask is feasible. After a column step some row is short by this part of its mass, by
        `attention.finite_sinkhorn_error`.
    """
    return support(mask, a, b).deficit


def _exact(size: int, other: int) -> Any:
    return np.full(size, other // np.gcd(size, other), np.int64)


def _units(mass: Array, scale: float) -> Any:
    return np.rint(mass * scale * UNITS).astype(np.int64)


def _share(near: Array, short: Array, exact: bool, n: int, m: int) -> float:
    return near.size * n / (short.size * m) if exact else float(near.sum() / short.sum())


def _flow(used: Any, supply: Any, demand: Any, slack: int) -> tuple[Any, Any]:
    """Return a maximal flow, and the rows from which more mass could still start."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import breadth_first_order, maximum_flow

    n, m = used.shape
    i, j = np.nonzero(used)
    sources, sinks = np.flatnonzero(supply), np.flatnonzero(demand)
    tails = np.concatenate([np.zeros_like(sources), i + 1, sinks + n + 1])
    heads = np.concatenate([sources + 1, j + n + 1, np.full_like(sinks, n + m + 1)])
    room = np.concatenate([supply[sources], np.minimum(supply[i], demand[j]) + 1, demand[sinks]])
    graph = csr_array((room.astype(np.int32), (tails, heads)), shape=(n + m + 2, n + m + 2))
    moved = maximum_flow(graph, 0, n + m + 1).flow.toarray()
    left = graph.toarray() - moved
    left[left <= slack] = 0
    reached = np.zeros(n + m + 2, bool)
    reached[breadth_first_order(csr_array(left), 0, return_predecessors=False)] = True
    return np.maximum(moved[1 : n + 1, n + 1 : n + m + 1], 0), reached[1 : n + 1]


def _worst(used: Any, a: Array, b: Array, rows: Any) -> Any:
    """Minimise b(N(I)) / a(I) over sets I of rows, by Dinkelbach's iteration from the minimal cut."""
    demand, slack = _units(b, 0.5), sum(used.shape)
    best, share = rows, np.inf
    for _ in range(64):
        if not rows.any() or not (now := b[used[rows].any(0)].sum() / a[rows].sum()) < share:
            break
        best, share = rows, now
        rows = _flow(used, _units(a, share / 2), demand, slack)[1]
    return best


def _vanishing(used: Any, flows: Any) -> Any:
    """Return the entries that lie on no cycle along which a flow can be changed."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    n, m = used.shape
    arcs = np.zeros((n + m, n + m), bool)
    arcs[:n, n:], arcs[n:, :n] = used, flows.T
    part = connected_components(csr_array(arcs), connection="strong")[1]
    return used & (part[:n, None] != part[n:])
