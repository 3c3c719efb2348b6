"""What numpy and torch spell differently, so that everything above is written once."""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import Any

ZERO_EXPONENT = -1e290  # of nothing but zeros


def is_number(x: Any) -> bool:
    """Tell whether a value is a plain Python number; a numpy scalar is an array, though it is a `float` too.

    Parameters
    ----------
    x : object
        Value.

    Returns
    -------
    bool
    """
    return type(x) is int or type(x) is float


@lru_cache(maxsize=256)
def _torch(cls: type) -> Any:
    """Return torch for the class of a tensor, else None; a tensor exists only once torch is imported."""
    torch = sys.modules.get("torch")
    return torch if torch is not None and issubclass(cls, torch.Tensor) else None


@lru_cache(maxsize=1)
def _numpy() -> Any:
    import numpy  # not at the top: printing the source of a kernel needs no numpy

    return numpy


def is_torch(x: Any) -> bool:
    """Tell whether a value is a torch tensor, without importing torch.

    Parameters
    ----------
    x : object
        Value.

    Returns
    -------
    bool
    """
    return _torch(type(x)) is not None


def space(*values: Any) -> Any:
    """Return the array module of some values: torch if one is a tensor, else numpy.

    Parameters
    ----------
    *values : array or number
        Values.

    Returns
    -------
    module
    """
    for x in values:
        found = _torch(type(x))
        if found is not None:
            return found
    return _numpy()


def lifted(x: Any, like: Any) -> Any:
    """Return a Python number as a 0-d array; anything else as it is.

    Parameters
    ----------
    x : array or number
        Value.
    like : array
        Sets module, type and device.

    Returns
    -------
    array
    """
    if not is_number(x):
        return x
    xp = space(like)
    return xp.asarray(x, dtype=like.dtype, **({"device": like.device} if xp.__name__ == "torch" else {}))


def detach(x: Any) -> Any:
    """Return `x` without its autograd history.

    Parameters
    ----------
    x : array
        Value.

    Returns
    -------
    array
    """
    return x.detach() if is_torch(x) else x


def nil(x: Any) -> Any:
    """Return zeros of the shape and type of values, without a gradient; ``x * 0`` is nan where x is infinite.

    Parameters
    ----------
    x : array or number
        Values.

    Returns
    -------
    array or number
    """
    return 0.0 if is_number(x) else space(x).zeros_like(detach(x))


def rounded(x: Any) -> Any:
    """Return the nearest whole numbers in double precision, without gradients.

    Parameters
    ----------
    x : array
        Values.

    Returns
    -------
    array of float64
    """
    xp = space(x)
    return detach(x).to(xp.float64).round() if xp.__name__ == "torch" else xp.rint(x, dtype=xp.float64)


def integers(x: Any) -> Any:
    """Return the nearest 64-bit integers.

    Parameters
    ----------
    x : array
        Values below 2**63 in size.

    Returns
    -------
    array of int64
    """
    k = rounded(x)
    return k.to(space(k).int64) if is_torch(k) else k.astype("int64")


def scaled(m: Any, e: Any) -> Any:
    """Return ``m * 2**e`` with one rounding, differentiable in `m`.

    Parameters
    ----------
    m : array
        Values.
    e : array of float64
        Whole exponents of any size.

    Returns
    -------
    array
    """
    xp = space(m)
    if xp.__name__ == "numpy":
        return xp.ldexp(m, xp.minimum(xp.maximum(e, -9999.0), 9999.0).astype(xp.int64))
    e = e.clamp(-2600, 2600)
    most = 900 if m.dtype == xp.float64 else 100
    if not bool((e.abs() > most).any()):
        return m * xp.exp2(e.to(m.dtype))
    for _ in range(3 if most == 900 else 26):  # 2**e alone may overflow where the product does not
        step = e.clamp(-most, most)
        m, e = m * xp.exp2(step.to(m.dtype)), e - step
    return m


def split(x: Any) -> tuple[Any, Any]:
    """Return mantissas of size in [1/2, 1) and exponents, ``x = m * 2**e``; a zero keeps its slope with exponent 0.

    Parameters
    ----------
    x : array
        Values.

    Returns
    -------
    tuple of array
    """
    xp = space(x)
    if xp.__name__ == "numpy":
        m, e = xp.frexp(x)
        return m, e.astype(xp.float64)
    e = xp.frexp(detach(x))[1].to(xp.float64)
    return scaled(x, -e), e


def aligned(m: Any, e: Any, top: Any) -> Any:
    """Return ``m * 2**(e - top)`` for the largest exponent `top`; a zero, whose exponent may be larger, stays finite.

    Parameters
    ----------
    m : array
        Mantissas.
    e, top : array of float64
        Exponents.

    Returns
    -------
    array
    """
    xp = space(m)
    most = 900.0 if m.dtype == xp.float64 else 100.0
    shift = e - top
    return scaled(m, xp.where(shift > most, most, shift))


def leading(m: Any, e: Any) -> Any:
    """Return exponents for comparing sizes: that of a zero is below all others.

    Parameters
    ----------
    m : array
        Mantissas.
    e : array of float64
        Exponents.

    Returns
    -------
    array of float64
    """
    return space(m).where(detach(m) == 0, ZERO_EXPONENT, e)
