"""Number types as data, without torch: rounding to them, their spacing, their largest and least values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dltsym.errors import UnknownKey
from dltsym.implementation import DTYPES

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Format:
    """A binary floating point type: `precision` bits with the leading one, exponents from `least` to `most`."""

    precision: int
    least: int
    most: int

    @property
    def unit(self) -> float:
        """Unit roundoff."""
        return 2.0**-self.precision

    @property
    def largest(self) -> float:
        """Largest finite value."""
        return float(np.ldexp(2 - 2 * self.unit, self.most))

    @property
    def overflow(self) -> float:
        """Smallest magnitude that rounds to infinity; infinite where float64 cannot hold it."""
        with np.errstate(over="ignore"):
            return float(np.ldexp(2 - self.unit, self.most))

    @property
    def normal(self) -> float:
        """Least normal value."""
        return float(np.ldexp(1.0, self.least))

    @property
    def subnormal(self) -> float:
        """Least positive value."""
        return float(np.ldexp(1.0, self.least - self.precision + 1))


FORMATS = {
    "float64": Format(53, -1022, 1023),
    "float32": Format(24, -126, 127),
    "float16": Format(11, -14, 15),
    "bfloat16": Format(8, -126, 127),
}
SHORT = {long: short for short, long in DTYPES.items()}


def full_name(dtype: str) -> str:
    """Return the full name of a number type, ``"float32"`` for ``"f32"``.

    Parameters
    ----------
    dtype : str
        Short or full name.

    Returns
    -------
    str

    Raises
    ------
    UnknownKey
        For another name.
    """
    name = DTYPES.get(dtype, dtype)
    if name not in FORMATS:
        raise UnknownKey(f"no number type {dtype!r}; there are {', '.join(DTYPES)}")
    return name


def ulp(x: Array | float, dtype: str) -> Array:
    """Return the spacing of a type at given values; at 0 and in the subnormal range it is the least subnormal.

    Parameters
    ----------
    x : array
        Values; not finite ones count as the largest finite one.
    dtype : str
        Type.

    Returns
    -------
    numpy.ndarray

    Examples
    --------
    >>> float(ulp(1.0, "float32")) == 2.0**-23
    True
    """
    fmt = FORMATS[full_name(dtype)]
    size = np.abs(np.asarray(x, dtype=np.float64))
    size = np.where(np.isfinite(size), np.minimum(size, fmt.largest), fmt.largest)
    exponent = np.where(size == 0, fmt.least, np.frexp(size)[1] - 1)
    return np.ldexp(1.0, np.maximum(exponent, fmt.least) - fmt.precision + 1)


def rounded(x: Array | float, dtype: str) -> Array:
    """Round to nearest, ties to even, once; too large values become infinite.

    Parameters
    ----------
    x : array
        Values.
    dtype : str
        Type.

    Returns
    -------
    numpy.ndarray
        Values of the type, held in float64.

    Examples
    --------
    >>> float(rounded(1 + 2.0**-8, "bf16")), float(rounded(70000.0, "f16"))
    (1.0, inf)
    """
    name = full_name(dtype)
    x = np.asarray(x, dtype=np.float64)
    if name == "float64":
        return x
    with np.errstate(all="ignore"):
        step = ulp(x, name)
        out = np.where(np.isfinite(x), np.rint(x / step) * step, x)
    return np.where(np.isfinite(out) & (np.abs(out) > FORMATS[name].largest), np.copysign(np.inf, x), out)
