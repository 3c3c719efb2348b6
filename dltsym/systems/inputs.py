"""What the systems accept: arrays of tokens on the sphere, inverse temperatures, times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltsym.errors import DomainError, DTypeError, ShapeError, UnknownKey, suggest

__all__ = ["Array", "choice", "grid", "real_array", "temperatures", "tokens"]

Array = NDArray[np.float64]
NEARLY = 1e-6  # rows that single precision has normalised count as unit rows
COLDEST = 1e12  # beyond, the rounding of an inner product moves a weight by more than 1e-4 of itself


def real_array(x: Any, name: str) -> Array:
    """Return finite real numbers in double precision.

    Parameters
    ----------
    x : array_like
        Numbers.
    name : str
        Named in errors.

    Returns
    -------
    ndarray

    Raises
    ------
    ShapeError
        For rows of unequal length.
    DTypeError
        For anything but real numbers.
    DomainError
        When an entry is not finite; the first one is named.
    """
    try:
        found = np.asarray(x)
    except ValueError as error:
        raise ShapeError(f"{name} is no rectangular array: {error}") from None
    if found.dtype.kind not in "fiu":
        raise DTypeError(f"{name} has entries of type {found.dtype}; real numbers are needed")
    out = found.astype(np.float64)
    if not np.isfinite(out).all():
        at = tuple(map(int, np.argwhere(~np.isfinite(out))[0]))
        raise DomainError(f"{name}{list(at) or ''} is {out[at]}; every entry must be finite")
    return out


def tokens(x: Any, normalise: bool = False, name: str = "X0") -> Array:
    """Return tokens as unit rows.

    Parameters
    ----------
    x : array_like, shape (..., n, d)
        Tokens.
    normalise : bool
        Divide each row by its norm; otherwise rows must be unit vectors up to 1e-6.
    name : str
        Named in errors.

    Returns
    -------
    ndarray, shape (..., n, d)

    Raises
    ------
    ShapeError
        Without a token or without a dimension.
    DomainError
        For a row of zeros, or one that is not a unit vector; the first one is named.
    """
    out = real_array(x, name)
    if out.ndim < 2 or 0 in out.shape:
        raise ShapeError(f"{name} has shape {out.shape}; it must be (..., n, d) without an empty axis")
    largest = np.abs(out).max(-1, keepdims=True)
    if (largest == 0).any():
        at = list(map(int, np.argwhere(largest[..., 0] == 0)[0]))
        raise DomainError(f"{name}{at} is a row of zeros, which has no direction; drop it")
    out = out / largest if normalise else out  # so that no square over- or underflows
    norms = np.linalg.norm(out, axis=-1, keepdims=True)
    if not normalise and (far := np.abs(norms[..., 0] - 1) > NEARLY).any():
        at = tuple(map(int, np.argwhere(far)[0]))
        raise DomainError(f"{name}{list(at)} has norm {norms[at][0]:.6g}, not 1; pass normalise=True to divide by it")
    for _ in range(2):  # the second time for what the first one rounded
        norms = np.linalg.norm(out, axis=-1, keepdims=True)
        out = np.where(np.abs(norms - 1) <= 2 * np.finfo(float).eps, out, out / norms)  # unit rows stay as they are
    return out


def temperatures(beta: Any, batch: tuple[int, ...]) -> tuple[Array, tuple[int, ...]]:
    """Return inverse temperatures and the batch shape that they have together with the tokens.

    Parameters
    ----------
    beta : float or array_like
        Inverse temperatures.
    batch : tuple of int
        Batch shape of the tokens.

    Returns
    -------
    ndarray and tuple of int

    Raises
    ------
    ShapeError
        When the shapes do not broadcast.
    DomainError
        When one is not finite, or beyond what double precision resolves.
    """
    out = real_array(beta, "beta")
    if (np.abs(out) > COLDEST).any():
        raise DomainError(
            f"beta = {out.flat[np.abs(out).argmax()]:.6g}: beyond {COLDEST:g} the rounding of inner products decides"
        )
    try:
        return out, np.broadcast_shapes(out.shape, batch)
    except ValueError:
        raise ShapeError(f"beta has shape {out.shape}, the tokens have batch shape {batch}") from None


def grid(t: float | None, times: Sequence[float] | Array | None) -> Array:
    """Return the times of the output.

    Parameters
    ----------
    t : float, optional
        Last time of 101 equal steps from 0.
    times : sequence of float, optional
        Times, not negative and increasing.

    Returns
    -------
    ndarray, shape (T,)

    Raises
    ------
    DomainError
        When both or none are given, or they are not times.
    """
    if (t is None) == (times is None):
        raise DomainError("give either t, the last time, or times")
    if times is None:
        last = real_array(t, "t")
        if last.ndim or last < 0:
            raise DomainError(f"t is {t}; it must be one number that is not negative")
        return np.linspace(0, float(last), 101) if last else np.zeros(1)
    out = real_array(times, "times")
    if out.ndim != 1 or not out.size or out[0] < 0 or (np.diff(out) <= 0).any():
        raise DomainError("times must be a list of increasing numbers, the first one not negative")
    return out


def choice(value: str, name: str, known: Sequence[str]) -> str:
    """Return one of some words.

    Parameters
    ----------
    value : str
        Word.
    name : str
        Of the argument.
    known : sequence of str
        Words that it may be.

    Returns
    -------
    str

    Raises
    ------
    UnknownKey
        For any other.
    """
    if value not in known:
        raise UnknownKey(f"no {name} {value!r}; there are {', '.join(known)}{suggest(str(value), known)}")
    return value
