"""Relative entropy of diagonal Gaussians over very many weights, in one pass and bounded memory.

A coordinate costs (expm1(rho) - rho + (m - m0)**2/s0**2)/2 with rho = 2 log(s/s0): no term is negative, so nothing
cancels, also for weights that training hardly moved. Blocks are added exactly (Shewchuk 1997).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dltsym.errors import DTypeError, ShapeError
from dltsym.lower.closed.space import is_torch
from dltsym.lower.closed.stable import expm1mx

__all__ = ["GaussianKL", "gaussian_kl"]

CHUNK = 1 << 18


@dataclass(frozen=True)
class GaussianKL:
    """What one pass over the weights finds.

    Attributes
    ----------
    kl : float
        Divergence from the prior, in nats; nan or infinite where a weight is.
    count : int
        Weights.
    spread : float
        Sum of ``s**2 + (m - m0)**2``.
    log_variances : float
        Sum of ``log(s**2)``.
    """

    kl: float
    count: int
    spread: float
    log_variances: float

    @property
    def best_variance(self) -> float:
        """The shared prior variance with the least divergence; it was chosen after the data and has to be paid for."""
        return self.spread / self.count

    @property
    def kl_at_best(self) -> float:
        """Divergence from the prior with that variance."""
        return (self.count * math.log(self.best_variance) - self.log_variances) / 2


def gaussian_kl(
    means: Any, log_stds: Any, prior_means: Any = 0.0, prior_log_stds: Any = 0.0, *, chunk: int = CHUNK
) -> GaussianKL:
    r"""Return the divergence of a diagonal Gaussian posterior from a diagonal Gaussian prior.

    $\frac12\sum_i [\ln(s_{0,i}^2/s_i^2) + (s_i^2 + (m_i - m_{0,i})^2)/s_{0,i}^2 - 1]$.

    Parameters
    ----------
    means, log_stds : array, Tensor, path of an .npy file, or mapping of names to these
        Means and logarithms of standard deviations. Files are mapped, not read; short floating types are widened before
        anything is subtracted.
    prior_means, prior_log_stds : number, or as above
        Of the prior, fixed before the data.
    chunk : int
        Weights at a time; a block takes about 100 bytes per weight.

    Returns
    -------
    GaussianKL

    Raises
    ------
    ShapeError
        When sizes or names do not agree, or there is no weight.
    DTypeError
        When something is not made of floating-point numbers.

    References
    ----------
    ``dziugaite2017``.

    Examples
    --------
    >>> round(gaussian_kl([0.3], [np.log(0.5)]).kl, 12)
    0.36314718056
    """  # noqa: DOC502
    totals: list[list[float]] = [[], [], []]
    count = 0
    with np.errstate(all="ignore"):
        for parts in _together(means, log_stds, prior_means, prior_log_stds):
            size = next(p.size for p in parts if not isinstance(p, float))
            for start in range(0, size, chunk):
                m, logs, m0, logs0 = (p if isinstance(p, float) else p.take(start, chunk) for p in parts)
                count += min(chunk, size - start)
                for total, x in zip(totals, _block(m, logs, m0, logs0), strict=True):
                    total.append(x)
    if not count:
        raise ShapeError("there are no weights")
    kl, spread, logs = map(_sum, totals)
    return GaussianKL(kl, count, spread, logs)


def _block(m: Any, logs: Any, m0: Any, logs0: Any) -> tuple[float, float, float]:
    rho = 2 * (logs - logs0)
    away = m - m0
    square = away * away
    shape = np.where(np.isinf(rho), np.inf, expm1mx(np.where(np.isinf(rho), 0.0, rho)))
    moved = np.where(away == 0, 0.0, (away * np.exp(-logs0)) ** 2)
    return float(np.sum(shape + moved) / 2), float(np.sum(np.exp(2 * logs) + square)), float(2 * np.sum(logs))


def _sum(parts: list[float]) -> float:
    if all(map(math.isfinite, parts)):
        return math.fsum(parts)
    return float(np.sum(np.array(parts)))


class _Flat:
    """One array as a row of doubles, a block at a time."""

    def __init__(self, x: Any, what: str) -> None:
        if is_torch(x):
            self.x, real = x.detach().reshape(-1), x.dtype.is_floating_point
            self.size = int(self.x.numel())
        else:
            self.x = np.asarray(x).reshape(-1)
            self.size, real = int(self.x.size), self.x.dtype.kind == "f"
        if not real:
            raise DTypeError(f"{what} are {self.x.dtype}, not floating-point numbers")

    def take(self, start: int, count: int) -> Any:
        part = self.x[start : start + count]
        if is_torch(part):
            return part.double().cpu().numpy()  # type: ignore[union-attr]
        return np.asarray(part, dtype=np.float64)


def _together(*given: Any) -> Iterator[tuple[Any, ...]]:
    """Yield the four rows of each array, with numbers where one number stands for all."""
    words = ("means", "log_stds", "prior_means", "prior_log_stds")
    if not any(isinstance(x, Mapping) for x in given):
        yield _row(given, words)
        return
    names = list(next(x for x in given if isinstance(x, Mapping)))
    for x, what in zip(given, words, strict=True):
        if not isinstance(x, Mapping | int | float) or (isinstance(x, Mapping) and set(x) != set(names)):
            raise ShapeError(f"{what} do not have the names of the others")
    for name in names:
        yield _row(tuple(x[name] if isinstance(x, Mapping) else x for x in given), [f"{w} of {name}" for w in words])


def _row(given: tuple[Any, ...], words: Any) -> tuple[Any, ...]:
    out: list[Any] = []
    for x, what in zip(given, words, strict=True):
        if isinstance(x, str | Path):
            x = np.load(x, mmap_mode="r")
        out.append(float(x) if isinstance(x, int | float) else _Flat(x, what))
    if isinstance(out[0], float) or isinstance(out[1], float):
        raise ShapeError("means and log_stds are arrays")
    sizes = {p.size for p in out if not isinstance(p, float)}
    if len(sizes) > 1:
        raise ShapeError(f"{words[0]} and the others have different sizes: {', '.join(map(str, sorted(sizes)))}")
    return tuple(out)
