"""How far a result is from its reference, in every unit that says something, and whether that is too far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltsym.oracle.formats import FORMATS, Array, full_name, ulp

ILL = 0.1
"""A tolerance above this share of the value sees nothing there."""


@dataclass(frozen=True)
class Comparison:
    """One output held against its reference.

    Attributes
    ----------
    output : str
        Output, or ``d<input>`` for a gradient.
    count, ill : int
        Entries, and those where the tolerance is too wide to see anything.
    ratio : float
        Largest error in units of its tolerance: the number that decides.
    ulp, rel, norm, abs : float
        Largest error in units in the last place, relative to the value, and absolute; `norm` relates the norms.
    z, bias : float
        Largest error, and mean signed error, in standard deviations of the rounding error.
    zeros : int
        Zeros of the wrong sign; they are no error.
    ties : int
        Integers that differ only because two scores are closer than rounding can tell.
    verdict : {"pass", "fail", "ill"}
        What follows.
    place : tuple of int
        Entry with the largest ratio.
    expected, got : float
        Its reference and result.
    note : str
        What is wrong where a number cannot say it.
    """

    output: str
    count: int = 0
    ill: int = 0
    ratio: float = 0.0
    ulp: float = 0.0
    rel: float = 0.0
    norm: float = 0.0
    abs: float = 0.0
    z: float = 0.0
    bias: float = 0.0
    zeros: int = 0
    ties: int = 0
    verdict: str = "pass"
    place: tuple[int, ...] = ()
    expected: float = float("nan")
    got: float = float("nan")
    note: str = ""


def distance(got: Any, expected: Any, dtype: str, *, ftz: bool = False) -> Array:
    """Return the absolute error, total: every pair of values has one.

    A nan against a nan is no error, against anything else an infinite one. An infinite result counts as the next value
    after the largest finite one, unless the reference is infinite, or rounds to infinity: then it is no error.

    Parameters
    ----------
    got, expected : array
        Result and reference.
    dtype : str
        Type of the result.
    ftz : bool
        Whether a subnormal value may become 0.

    Returns
    -------
    numpy.ndarray
        Not negative, never nan.
    """
    fmt = FORMATS[full_name(dtype)]
    y, r = np.asarray(got, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    with np.errstate(all="ignore"):
        next_after = np.where(np.isposinf(y), 1.0, -1.0) * np.ldexp(1.0, min(fmt.most + 1, 1023))
        error = np.abs(np.where(np.isinf(y) & np.isfinite(r), next_after, y) - r)
    error = np.where(np.isinf(r), np.where(y == r, 0.0, np.inf), error)
    beyond = np.isinf(y) & np.isfinite(r) & (np.abs(r) >= fmt.overflow) & (np.sign(y) == np.sign(r))
    error = np.where(beyond, 0.0, error)
    if ftz:
        error = np.where((np.abs(r) < fmt.normal) & (y == 0), 0.0, error)
    return np.where(np.isnan(y) | np.isnan(r), np.where(np.isnan(y) & np.isnan(r), 0.0, np.inf), error)


def ulps(got: Any, expected: Any, dtype: str, *, ftz: bool = False) -> Array:
    """Return the error in units in the last place of the exact reference.

    Parameters
    ----------
    got, expected : array
        Result and reference.
    dtype : str
        Type of the result.
    ftz : bool
        Whether a subnormal value may become 0.

    Returns
    -------
    numpy.ndarray

    Examples
    --------
    >>> float(ulps(1 + 2.0**-23, 1.0, "float32")), float(ulps(float("nan"), 1.0, "float32"))
    (1.0, inf)
    """
    with np.errstate(all="ignore"):
        return distance(got, expected, dtype, ftz=ftz) / ulp(np.asarray(expected, dtype=np.float64), dtype)


def compare(
    output: str,
    got: Array,
    expected: Array,
    limit: Array,
    dtype: str,
    *,
    radius: Array | float = 0.0,
    tail: Array | float = 0.0,
    sigma: Array | None = None,
    ftz: bool = False,
) -> Comparison:
    """Hold an output against its reference.

    An entry fails when its error exceeds the tolerance for every value that the reference may have, and passes when it
    does for none. Nothing is seen where the tolerance is unknown or above a tenth of the value and of a typical one.

    Parameters
    ----------
    output : str
        Its name.
    got, expected, limit : array
        Result, reference and tolerance, of one shape.
    dtype : str
        Type of the result.
    radius : array
        How far the reference may be off; not finite where nobody knows.
    tail : array
        What the rounding of the reference to float64 left over.
    sigma : array, optional
        Standard deviations of the rounding error.
    ftz : bool
        Whether a subnormal value may become 0.

    Returns
    -------
    Comparison
    """
    if got.shape != expected.shape:
        return Comparison(output, verdict="fail", ratio=np.inf, note=f"shape {got.shape}, expected {expected.shape}")
    if got.size == 0:
        return Comparison(output, note="empty")
    error = distance(got, expected, dtype, ftz=ftz)
    limit, radius, tail = (np.broadcast_to(np.asarray(x), error.shape) for x in (limit, radius, tail))
    with np.errstate(invalid="ignore"):  # beyond float64 an error is known to the last bit of the reference
        error = np.where((error > 0) & np.isfinite(got - expected), np.abs(got - expected - tail), error)
    lost = ~np.isfinite(radius)
    radius = np.where(np.isfinite(radius), np.maximum(radius - np.abs(tail) * (1 + 2.0**-50), 0.0), 0.0)
    lowest, highest = np.maximum(error - radius, 0.0), error + radius
    ratio = np.where(lost, 0.0, _over(lowest, limit))
    pattern = np.isinf(error) & ~lost  # a nan or an infinity where there is none, or the reverse
    blind = lost | (~pattern & (blind_entries(expected, limit) | ((highest > limit) & (lowest <= limit))))
    failed = (pattern | (lowest > limit)) & ~lost
    at = np.unravel_index(int(np.argmax(np.where(np.isnan(ratio), -1.0, ratio))), error.shape)
    verdict = "fail" if bool(failed.any()) else "ill" if bool(blind.all()) else "pass"
    note = "nan or inf where there is none, or the reverse" if bool(pattern.any()) else ""
    with np.errstate(over="ignore"):  # a wrong answer may be more units away than there are numbers
        in_units = error / ulp(expected, dtype)
    return Comparison(
        output,
        count=int(got.size),
        ill=int((blind & ~failed).sum()),
        ratio=float(np.nanmax(np.where(np.isnan(ratio), 0.0, ratio))),
        ulp=float(in_units.max()),
        **_sizes(error, expected),
        **_standard(got, expected, np.where(lost, np.nan, lowest), sigma),
        zeros=int(((got == 0) & (expected == 0) & (np.signbit(got) != np.signbit(expected))).sum()),
        verdict=verdict,
        place=tuple(int(i) for i in at),
        expected=float(expected[at]),
        got=float(got[at]),
        note=note,
    )


def blind_entries(expected: Array, limit: Array) -> NDArray[np.bool_]:
    """Tell where a tolerance sees nothing: unknown, or above a tenth of the value and of a typical one.

    Parameters
    ----------
    expected, limit : array
        Reference and tolerance.

    Returns
    -------
    numpy.ndarray
    """
    known = np.where(np.isfinite(expected), np.abs(expected), 0.0)
    with np.errstate(over="ignore"):
        typical = float(np.sqrt((known**2).mean())) if known.size else 0.0
    scale = np.maximum(known, typical if typical > 0 else 1.0)
    return np.isfinite(expected) & ~(limit <= ILL * scale)


def compare_exactly(output: str, got: Array, expected: Array, explained: NDArray[np.bool_] | None = None) -> Comparison:
    """Hold integers against their reference: they must agree.

    Parameters
    ----------
    output : str
        Its name.
    got, expected : array
        Result and reference, of one shape.
    explained : array of bool, optional
        Entries where the result belongs to inputs closer than rounding can tell.

    Returns
    -------
    Comparison
    """
    if got.shape != expected.shape:
        return Comparison(output, verdict="fail", ratio=np.inf, note=f"shape {got.shape}, expected {expected.shape}")
    wrong = ~((got == expected) | (np.isnan(got) & np.isnan(expected)))
    tied = wrong & explained if explained is not None else np.zeros_like(wrong)
    left = wrong & ~tied
    at = np.unravel_index(int(np.argmax(left)), left.shape) if left.size else ()
    bad = bool(left.any())
    return Comparison(
        output,
        count=int(got.size),
        ratio=np.inf if bad else 0.0,
        abs=float(np.nanmax(np.abs(got - expected))) if got.size and not np.isnan(got - expected).all() else 0.0,
        ties=int(tied.sum()),
        verdict="fail" if bad else "pass",
        place=tuple(int(i) for i in at) if bad else (),
        expected=float(expected[at]) if got.size else np.nan,
        got=float(got[at]) if got.size else np.nan,
        note=f"{int(left.sum())} of {left.size} integers differ" if bad else "",
    )


def _over(error: Array, limit: Array) -> Array:
    """Return error over limit: 0 over 0 is 0, anything else over 0 is infinite, and over an unknown limit nan."""
    with np.errstate(all="ignore"):
        return np.where(error == 0, np.where(np.isnan(limit), np.nan, 0.0), error / limit)


def _sizes(error: Array, expected: Array) -> dict[str, Any]:
    finite = np.isfinite(expected)
    with np.errstate(all="ignore"):
        rel = np.where(error == 0, 0.0, error / np.abs(expected))
        norm = float(np.sqrt((expected[finite] ** 2).sum()))
        off = float(np.sqrt((error**2).sum()))
    largest = float(np.fmax.reduce(rel, axis=None))  # nan only where every entry is: nanmax would warn of that
    return {"rel": largest, "abs": float(error.max()), "norm": off / norm if norm > 0 else off}


def _standard(got: Array, expected: Array, error: Array, sigma: Array | None) -> dict[str, Any]:
    if sigma is None:
        return {"z": np.nan, "bias": np.nan}
    sigma = np.broadcast_to(sigma, error.shape)
    use = np.isfinite(error) & (sigma > 0) & np.isfinite(sigma)
    if not bool(use.any()):
        return {"z": np.nan, "bias": np.nan}
    with np.errstate(all="ignore"):
        signed = np.where(np.isfinite(got - expected), got - expected, 0.0)[use] / sigma[use]
    return {"z": float((error[use] / sigma[use]).max()), "bias": float(signed.mean())}
