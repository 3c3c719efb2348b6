"""Functions of generated kernels with results of any size: `Wide` numbers where the plain ones leave their range."""

from __future__ import annotations

from typing import Any

from dltsym.lower.closed.space import detach, nil, space
from dltsym.lower.closed.stable import expm1, expm1mx, log_cosh, phi1, together
from dltsym.lower.closed.wide import Wide, value, wide, wide_exp


def _chosen(where: Any, a: Wide, b: Wide) -> Wide:
    """Return the entries of `a` where a condition holds, else those of `b`."""
    xp = space(a.m, b.m)
    return Wide(xp.where(where, a.m, b.m), xp.where(where, a.e, b.e))


def wide_phi1(z: Any) -> Wide:
    """Return ``(exp(z) - 1)/z`` of any size.

    Parameters
    ----------
    z : array
        Real numbers.

    Returns
    -------
    Wide
    """
    return wide_expm1(z, phi1)


def wide_expm1(z: Any, near: Any = expm1) -> Wide:
    """Return ``exp(z) - 1`` of any size.

    Parameters
    ----------
    z : array
        Real numbers.
    near : callable
        Used below 1 in size; `phi1` divides by `z`.

    Returns
    -------
    Wide
    """
    xp = space(z)
    big = detach(z) > 1
    small = wide(near(xp.where(big, nil(z), z)))
    at = xp.where(big, z, nil(z) + 1)
    large = wide_exp(at) - 1
    large = large / at if near is phi1 else large
    return _chosen(big, large, small)


def wide_expm1mx(z: Any) -> Wide:
    """Return ``exp(z) - 1 - z`` of any size.

    Parameters
    ----------
    z : array or Wide
        Real numbers.

    Returns
    -------
    Wide
    """
    x = value(z)
    xp = space(x)
    zero = xp.zeros_like(x)
    tiny, big = abs(detach(x)) < 1e-8, detach(x) > 1
    far = wide(z, x)
    middle = wide(expm1mx(xp.where(tiny | big, zero, x)))
    low = far * far * (0.5 + xp.where(tiny, x, zero) / 6)
    high = wide_exp(xp.where(big, x, zero)) - (1 + xp.where(big, x, zero))
    return _chosen(big, high, _chosen(tiny, low, middle))


def wide_log_cosh(z: Any) -> Wide:
    """Return ``log(cosh(z))`` of any size.

    Parameters
    ----------
    z : array or Wide
        Real numbers.

    Returns
    -------
    Wide
    """
    x = value(z)
    xp = space(x)
    zero = xp.zeros_like(x)
    tiny, big = abs(detach(x)) < 1e-8, ~xp.isfinite(detach(x))
    far = wide(z, x)
    middle = wide(log_cosh(xp.where(tiny | big, zero, x)))
    return _chosen(big, abs(far), _chosen(tiny, far * far / 2, middle))


def power1p(x: Any, c: Any, total: Any) -> Wide:
    """Return ``(1 + x)**c`` of any size, accurate also where x is small and c is large.

    Parameters
    ----------
    x, c : array or number
        Numbers, ``1 + x`` not negative.
    total : array, number or Wide
        ``1 + x`` computed in another way, which is used where `x` is not within 1/2 of 0.

    Returns
    -------
    Wide
    """
    xp = space(x, c, value(total))
    x, c = together(x, c)
    near, zero = abs(detach(x)) < 0.5, xp.zeros_like(x)
    far = _chosen(near, wide(zero + 1), wide(total, x))
    return _chosen(near, wide_exp(c * xp.log1p(xp.where(near, x, zero))), far**c)
