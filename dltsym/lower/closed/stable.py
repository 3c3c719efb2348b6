"""Elementwise functions of generated kernels, for numpy, torch, `Wide` and plain Python numbers.

A branch that is not taken is evaluated at a harmless point (the "double where"), so that its gradient is finite too.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from dltsym.lower.closed.space import detach, is_number, nil, space
from dltsym.lower.closed.wide import Wide, value, wide

_SERIES = (1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5040, 1 / 40320, 1 / 362880)


def _apply(name: str, x: Any) -> Any:
    x = value(x)
    xp = space(x)
    return float(getattr(xp, name)(x)) if is_number(x) else getattr(xp, name)(x)


exp = partial(_apply, "exp")
expm1 = partial(_apply, "expm1")
sin, cos, tan = (partial(_apply, name) for name in ("sin", "cos", "tan"))
sinh, cosh, tanh = (partial(_apply, name) for name in ("sinh", "cosh", "tanh"))
acos, asin, atan = (partial(_apply, name) for name in ("arccos", "arcsin", "arctan"))


def log(x: Any) -> Any:
    """Return natural logarithms.

    Parameters
    ----------
    x : array, number or Wide
        Positive numbers.

    Returns
    -------
    array or number
    """
    return x.log() if isinstance(x, Wide) else _apply("log", x)


def sqrt(x: Any) -> Any:
    """Return square roots, wide for wide numbers.

    Parameters
    ----------
    x : array, number or Wide
        Non-negative numbers.

    Returns
    -------
    array, number or Wide
    """
    return x.sqrt() if isinstance(x, Wide) else _apply("sqrt", x)


def erf(x: Any) -> Any:
    """Return the error function.

    Parameters
    ----------
    x : array or number
        Real numbers.

    Returns
    -------
    array or number
    """
    xp = space(x)
    if xp.__name__ == "torch":
        return xp.erf(x)
    from scipy.special import erf as scipy_erf

    return scipy_erf(x)


def maximum(a: Any, b: Any) -> Any:
    """Return the larger of two numbers.

    Parameters
    ----------
    a, b : array, number or Wide
        Real numbers.

    Returns
    -------
    array or number
    """
    a, b = value(a), value(b)
    if is_number(a) and is_number(b):
        return max(a, b)
    return space(a, b).maximum(*together(a, b))


def minimum(a: Any, b: Any) -> Any:
    """Return the smaller of two numbers.

    Parameters
    ----------
    a, b : array, number or Wide
        Real numbers.

    Returns
    -------
    array or number
    """
    return -maximum(-value(a), -value(b))


def delta(i: Any, j: Any) -> Any:
    """Return 1 where two integers are equal, else 0.

    Parameters
    ----------
    i, j : array or number
        Integers.

    Returns
    -------
    array or number
    """
    if is_number(i) and is_number(j):
        return int(i == j)
    i, j = together(i, j)
    xp = space(i)
    return xp.where(i == j, xp.ones_like(i), xp.zeros_like(i))


def log_ratio(a: Any, b: Any) -> Any:
    """Return ``log(a/b)`` also where the quotient overflows or underflows, accurately when the two are close.

    Parameters
    ----------
    a, b : array or number
        Positive numbers.

    Returns
    -------
    array or number
    """
    xp = space(a, b)
    if is_number(a) and is_number(b):
        return float(xp.log(a) - xp.log(b))
    a, b = together(a, b)
    r = detach(a) / detach(b)
    limit = float(xp.finfo(r.dtype).max) ** 0.125
    if 0 in r.shape or (r.max() < limit and r.min() > 1.5):  # the usual case, such as log(n/delta)
        return xp.log(r if xp.__name__ == "numpy" else a / b)
    plain, near = (r * limit > 1) & (r < limit), abs(r - 1) < 0.5
    if bool(plain.all()) and not bool(near.any()):
        return xp.log(a / b)
    one = xp.ones_like(a)

    def only(where: Any) -> tuple[Any, Any]:
        return xp.where(where, a, one), xp.where(where, b, one)

    (c, d), (e, f), (g, h) = only(near), only(plain & ~near), only(~plain)
    return xp.where(near, xp.log1p((c - d) / d), xp.where(plain, xp.log(e / f), xp.log(g) - xp.log(h)))


def together(*values: Any) -> tuple[Any, ...]:
    """Broadcast arrays and numbers against each other.

    Parameters
    ----------
    *values : array or number
        Values, one array among them.

    Returns
    -------
    tuple of array
    """
    like = next(v for v in values if not is_number(v))
    values = tuple(nil(like) + v if is_number(v) else v for v in values)
    xp = space(like)
    return tuple(xp.broadcast_tensors(*values) if xp.__name__ == "torch" else xp.broadcast_arrays(*values))


def log1p(x: Any, total: Any = None) -> Any:
    """Return ``log(1 + x)``.

    Parameters
    ----------
    x : array or number
        Numbers above -1.
    total : array or number, optional
        ``1 + x`` computed in another way, which is used where `x` is below -1/2.

    Returns
    -------
    array or number
    """
    if total is None or is_number(x):
        return _apply("log1p", x)
    xp = space(x)
    low = detach(x) < -0.5
    if not bool(low.any()):
        return xp.log1p(x)
    return xp.where(low, xp.log(xp.where(low, total, xp.ones_like(x))), xp.log1p(xp.where(low, nil(x), x)))


def log1mexp(w: Any) -> Any:
    """Return ``log(1 - exp(w))``.

    Parameters
    ----------
    w : array or number
        Negative numbers.

    Returns
    -------
    array
    """
    xp = space(w)
    near = detach(w) > -0.7 if not is_number(w) else w > -0.7
    a, b = xp.where(near, w, nil(w) - 1), xp.where(near, nil(w) - 1, w)
    return xp.where(near, xp.log(-xp.expm1(a)), xp.log1p(-xp.exp(b)))


def log1pmx(x: Any) -> Any:
    """Return ``x - log(1 + x)`` without cancellation, wide for wide numbers.

    Parameters
    ----------
    x : array, number or Wide
        Numbers above -1.

    Returns
    -------
    array or Wide
    """
    if isinstance(x, Wide):
        plain = x.value()
        xp = space(plain)
        big = detach(plain) > 1e3
        if not bool(big.any()):
            return log1pmx(plain)
        near, far = wide(log1pmx(xp.where(big, xp.zeros_like(plain), plain))), x - (1 + x).log()
        return Wide(xp.where(big, far.m, near.m), xp.where(big, far.e, near.e))
    xp = space(x)
    small = abs(detach(x)) <= 0.5 if not is_number(x) else abs(x) <= 0.5
    y, far = xp.where(small, x, nil(x)), xp.where(small, nil(x), x)
    z = y / (2 + y)
    w = z * z
    series = nil(w)
    for k in range(37, 1, -2):
        series = (series + 1.0 / k) * w
    return xp.where(small, y * z - 2 * z * series, far - xp.log1p(far))


def expm1mx(x: Any) -> Any:
    """Return ``exp(x) - 1 - x`` without cancellation.

    Parameters
    ----------
    x : array or number
        Real numbers.

    Returns
    -------
    array
    """
    xp = space(x)
    near = abs(detach(x)) <= 1 if not is_number(x) else abs(x) <= 1
    y, far = xp.where(near, x, nil(x)), xp.where(near, nil(x), x)
    series = nil(y) + 1
    for k in range(20, 2, -1):
        series = 1 + y * series / k
    return xp.where(near, y * y * series / 2, xp.expm1(far) - far)


def log_cosh(x: Any) -> Any:
    """Return ``log(cosh(x))`` without overflow, and without cancellation near 0.

    Parameters
    ----------
    x : array or number
        Real numbers.

    Returns
    -------
    array
    """
    xp = space(x)
    near = abs(detach(x)) <= 1 if not is_number(x) else abs(x) <= 1
    y, far = xp.where(near, x, nil(x)), abs(xp.where(near, nil(x) + 1, x))
    half = xp.sinh(y / 2)
    return xp.where(near, xp.log1p(2 * half * half), far + xp.log1p(xp.exp(-2 * far)) - math.log(2))


def softplus(u: Any) -> Any:
    """Return ``log(1 + exp(u))`` without overflow.

    Parameters
    ----------
    u : array or number
        Real numbers.

    Returns
    -------
    array
    """
    return space(u).logaddexp(u, nil(u))


def sigmoid(u: Any) -> Any:
    """Return the logistic function without overflow.

    Parameters
    ----------
    u : array or number
        Real numbers.

    Returns
    -------
    array
    """
    xp = space(u)
    if xp.__name__ == "torch":
        return xp.sigmoid(u)
    from scipy.special import expit

    return expit(u)


def phi1(z: Any) -> Any:
    """Return ``(exp(z) - 1)/z`` with value 1 at 0.

    Parameters
    ----------
    z : array or number
        Real numbers.

    Returns
    -------
    array
    """
    xp = space(z)
    small = abs(z) < 0.05
    y = xp.where(small, z, nil(z))
    series = nil(z)
    for c in reversed(_SERIES):
        series = (series + c) * y
    far = xp.where(small, nil(z) + 1, z)
    return xp.where(small, 1 + y * 0.5 + y * series, xp.expm1(far) / far)
