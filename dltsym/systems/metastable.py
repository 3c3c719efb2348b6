"""Clusters that live long: the window of times of the theorem, and runs that follow the number of clusters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltsym.errors import DomainError
from dltsym.systems.clusters import cluster_counts
from dltsym.systems.compiled import tensor
from dltsym.systems.flows import Flow, flow, random_tokens
from dltsym.systems.inputs import Array, count, number, tokens

__all__ = ["Metastable", "Window", "metastability_run", "metastability_window"]


@dataclass(frozen=True, eq=False)
class Window:
    """Times between which separated clusters are tight; the theorem says nothing when `margin` is not positive."""

    start: float
    end: float
    margin: float

    @property
    def empty(self) -> bool:
        """Whether the theorem names no time at all."""
        return not (self.margin > 0 and self.start <= self.end)


@dataclass(frozen=True, eq=False)
class Metastable:
    """A run, and the number of clusters (connected components) in time, shape (T, ...)."""

    run: Flow
    components: NDArray[np.int64]


def metastability_window(n: int, beta: float, eps: float, alpha: float, lam: float) -> Window:
    """Return the times between which separated clusters are tight, :cite:`geshkovski2024`.

    Parameters
    ----------
    n : int
        Number of tokens, at least 2.
    beta : float
        Inverse temperature, above 1.
    eps : float
        Size of the caps ``<x, w> >= 1 - eps``, between 0 and 1/16.
    alpha : float
        Largest inner product between different caps of size ``2 eps``.
    lam : float
        Rate within a cap, below the bounds of the theorem.

    Returns
    -------
    Window

    Raises
    ------
    DTypeError
        When n is no integer.
    DomainError
        Outside these ranges.
    """  # noqa: DOC502 - `count` raises the first
    n = count(n, "n", 2, "the number of tokens")
    given = {"be": (beta, "beta"), "eps": (eps, "eps"), "al": (alpha, "alpha"), "lam": (lam, "lam")}
    parts = {symbol: number(x, name) for symbol, (x, name) in given.items()}
    if not (parts["be"] > 1 and 0 < parts["eps"] < 1 / 16 and -1 <= parts["al"] < 1 and parts["lam"] > 0):
        raise DomainError("the theorem needs n >= 2, beta > 1, 0 < eps < 1/16, -1 <= alpha < 1 and lam > 0")
    found = []
    for of in ("T1", "T2", "margin"):
        kernel = tensor("particles.metastability", of)
        with np.errstate(over="ignore"):  # a window beyond floating point ends at inf
            found.append(float(kernel(**{k: x for k, x in (parts | {"n": n}).items() if k in kernel.inputs})))
    return Window(*found)


def metastability_run(
    n: int,
    beta: Any,
    *,
    t: float | None = None,
    times: Sequence[float] | Array | None = None,
    X0: Any = None,
    d: int = 2,
    batch: int | None = None,
    seed: int = 0,
    delta: float = 0.01,
    rule: str = "sa",
    tol: float = 1e-7,
) -> Metastable:
    """Follow the number of clusters in time, by default from independent uniform tokens.

    Parameters
    ----------
    n : int
        Number of tokens.
    beta : float or array_like
        Inverse temperatures.
    t : float, optional
        Last time of 101 equal steps from 0.
    times : sequence of float, optional
        Times of the output instead.
    X0 : array_like, shape (..., n, d), optional
        Tokens at time 0.
    d : int
        Dimension.
    batch : int, optional
        Number of independent runs.
    seed : int
        Of the start.
    delta : float
        Tokens are neighbours when their inner product is above ``1 - delta``.
    rule : {"sa", "usa"}
        Weights divided by their sum, or by n.
    tol : float
        Tolerance of the integration.

    Returns
    -------
    Metastable
    """
    start = random_tokens((n, d) if batch is None else (batch, n, d), seed) if X0 is None else tokens(X0)
    run = flow(start, beta, t=t, times=times, rule=rule, rtol=tol, atol=tol, balance=False)
    return Metastable(run, cluster_counts(run.X, delta).components)
