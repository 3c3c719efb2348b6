"""What the systems accept: arrays of tokens on the sphere, inverse temperatures, times."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltsym.errors import DomainError, DTypeError, ShapeError, UnknownKey, suggest

__all__ = [
    "Array", "choice", "count", "generator", "grid", "number", "real_array", "reals", "score_array", "temperatures",
    "tokens",
]  # fmt: skip

Array = NDArray[np.float64]
NEARLY = 1e-6  # rows that single precision has normalised count as unit rows
MOST = 2**53  # larger integers are not all floats
WIDEST = 1e300  # beyond, differences of scores and their quotients with a temperature leave floating point
FAINTEST = 1e-300  # positive prices and temperatures below have reciprocals that do
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
        For anything but real numbers, and for masked arrays.
    DomainError
        When an entry is not finite; the first one is named.
    """  # noqa: DOC502 - some are raised by `reals`
    out = reals(x, name)
    if not np.isfinite(out).all():
        at = tuple(map(int, np.argwhere(~np.isfinite(out))[0]))
        raise DomainError(f"{name}{list(at) or ''} is {out[at]}; every entry must be finite")
    return out


def reals(x: Any, name: str) -> Array:
    """Return real numbers in double precision, also those that are not finite.

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
        For anything but real numbers, and for masked arrays.
    """
    if isinstance(x, np.ma.MaskedArray):
        raise DTypeError(f"{name} is a masked array, whose mask would be lost; give a plain one")
    try:
        found = np.asarray(x)
    except ValueError as error:
        raise ShapeError(f"{name} is no rectangular array: {error}") from None
    if found.dtype.kind not in "fiu" and found.size:
        raise DTypeError(f"{name} has entries of type {found.dtype}; real numbers are needed")
    with np.errstate(over="ignore"):  # what is too large for double precision is infinite in it
        return found.astype(np.float64)


def score_array(x: Any, name: str) -> Array:
    """Return scores: finite numbers, and -inf for what is hidden.

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
    DomainError
        For nan, +inf, and numbers beyond 1e300, whose differences would overflow.
    """
    out = reals(x, name)
    held = real_array(np.where(np.isneginf(out), 0, out), name)
    if (np.abs(held) > WIDEST).any():
        raise DomainError(
            f"{name} reaches {held.flat[np.abs(held).argmax()]:.6g}, near the end of floating point; rescale it"
        )
    return out


def number(x: Any, name: str, *, infinite: bool = False) -> float:
    """Return one real number.

    Parameters
    ----------
    x : float
        Number, of any type of real numbers that numpy has.
    name : str
        Named in errors.
    infinite : bool
        Whether it may be infinite.

    Returns
    -------
    float

    Raises
    ------
    ShapeError
        For an array.
    """
    found = reals(x, name)
    if found.ndim:
        raise ShapeError(f"{name} has shape {found.shape}; one number is needed")
    return float(found) if infinite and np.isinf(found) else float(real_array(found, name))


def count(n: Any, name: str, least: int = -MOST, what: str = "a count") -> int:
    """Return a number of things.

    Parameters
    ----------
    n : int
        Number.
    name : str
        Named in errors.
    least : int
        Smallest one; without it the caller says what is too few.
    what : str
        What is counted.

    Returns
    -------
    int

    Raises
    ------
    DTypeError
        When it is no integer.
    DomainError
        When there are too few, or so many that floating point does not count them any more.
    """
    if isinstance(n, bool | np.bool_) or not isinstance(n, Integral):
        raise DTypeError(f"{name} is {n!r}; {what} is an integer")
    if abs(int(n)) > MOST:
        raise DomainError(f"{name} has {len(f'{abs(int(n)):b}')} bits; {what} is at most 2**53")
    if n < least:
        raise DomainError(f"{name} is {n}; {what} is at least {least}")
    return int(n)


def generator(seed: Any) -> np.random.Generator:
    """Return a generator of random numbers.

    Parameters
    ----------
    seed : int
        Seed, not negative; equal seeds give equal numbers.

    Returns
    -------
    numpy.random.Generator

    Raises
    ------
    DomainError
        For anything that is no seed.
    """
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError):
        raise DomainError(f"seed is {seed!r}; a seed is an integer that is not negative") from None


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
    with np.errstate(over="ignore"):
        norms = largest * np.linalg.norm(out / largest, axis=-1, keepdims=True)  # no square over- or underflows
    if not normalise and (far := np.abs(norms[..., 0] - 1) > NEARLY).any():
        at = tuple(map(int, np.argwhere(far)[0]))
        raise DomainError(f"{name}{list(at)} has norm {norms[at][0]:.6g}, not 1; pass normalise=True to divide by it")
    out = out / largest if normalise else out
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
        When the shapes do not broadcast, or there is no temperature.
    DomainError
        When one is not finite, or beyond what double precision resolves.
    """
    out = real_array(beta, "beta")
    if not out.size:
        raise ShapeError(f"beta has shape {out.shape}: there is no temperature in it")
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
        last = number(t, "t")
        if last < 0:
            raise DomainError(f"t is {t}; it must be one number that is not negative")
        grown = np.linspace(0, last, 101)
        return grown if (grown[1:] > grown[:-1]).all() else np.array([0.0, last] if last else [0.0])
    out = real_array(times, "times")
    if out.ndim != 1 or not out.size or out[0] < 0 or (out[1:] <= out[:-1]).any():
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
    if not isinstance(value, str) or value not in known:
        raise UnknownKey(f"no {name} {value!r}; there are {', '.join(known)}{suggest(str(value), known)}")
    return value
