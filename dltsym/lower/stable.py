"""Elementwise functions that stay accurate at the ends of their domain, for numpy and torch alike.

Every function takes the array namespace as `xp` first. The double ``where`` keeps the gradients of the branch that is
not taken finite in torch.
"""

from __future__ import annotations

from typing import Any

_SERIES = (1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5040, 1 / 40320)


def log_ratio(xp: Any, a: Any, b: Any) -> Any:
    """Return ``log(a/b)`` without overflow, and accurately when the two are close.

    Parameters
    ----------
    xp : module
        numpy or torch.
    a, b : array
        Positive numbers.

    Returns
    -------
    array
    """
    near = (a < 2 * b) & (b < 2 * a)
    safe = xp.where(near, a, b)
    return xp.where(near, xp.log1p((safe - b) / b), xp.log(xp.where(near, b, a)) - xp.log(b))


def log_product(xp: Any, a: Any, b: Any) -> Any:
    """Return ``log(a*b)`` without overflow or underflow of the product.

    Parameters
    ----------
    xp : module
        numpy or torch.
    a, b : array
        Positive numbers.

    Returns
    -------
    array
    """
    tiny, huge = _limits(xp, a, b)
    product = a * b
    plain = (product > tiny) & (product < huge)
    return xp.where(plain, xp.log(xp.where(plain, product, a * 0 + 1)), xp.log(a) + xp.log(b))


def _limits(xp: Any, *arrays: Any) -> tuple[float, float]:
    info = xp.finfo(xp.result_type(*arrays)) if xp.__name__ == "numpy" else xp.finfo(arrays[0].dtype)
    return float(info.tiny) * 1e8, float(info.max) / 8


def xlogx(xp: Any, u: Any) -> Any:
    """Return ``u log u`` with value 0 at 0.

    Parameters
    ----------
    xp : module
        numpy or torch.
    u : array
        Non-negative numbers.

    Returns
    -------
    array
    """
    positive = u > 0
    return xp.where(positive, u * xp.log(xp.where(positive, u, u * 0 + 1)), u * 0)


def _v(xp: Any, x: Any) -> Any:
    """Return ``x - log(1 + x)`` for abs(x) <= 1/2 without cancellation, by the series of atanh."""
    z = x / (2 + x)
    w = z * z
    series = w * 0
    for k in range(33, 1, -2):
        series = (series + 1.0 / k) * w
    return x * z - 2 * z * series


def kl_bernoulli(xp: Any, q: Any, p: Any) -> Any:
    """Return the relative entropy of two Bernoulli laws, accurate for nearly equal means and at q in {0, 1}.

    Parameters
    ----------
    xp : module
        numpy or torch.
    q : array
        First mean in [0, 1].
    p : array
        Second mean in (0, 1).

    Returns
    -------
    array
    """
    return p * _h(xp, (q - p) / p) + (1 - p) * _h(xp, (p - q) / (1 - p))


def _h(xp: Any, x: Any) -> Any:
    """Return ``(1 + x) log(1 + x) - x`` for x >= -1, without cancellation near 0."""
    small = abs(x) <= 0.5
    near = xp.where(small, x, x * 0)
    return xp.where(small, near * xp.log1p(near) - _v(xp, near), xlogx(xp, xp.where(small, x * 0 + 1, 1 + x)) - x)


def binary_entropy(xp: Any, p: Any) -> Any:
    """Return the entropy of a Bernoulli law in nats.

    Parameters
    ----------
    xp : module
        numpy or torch.
    p : array
        Mean in [0, 1].

    Returns
    -------
    array
    """
    inside = p < 1
    rest = xp.where(inside, p, p * 0)
    return -xlogx(xp, p) - xp.where(inside, (1 - rest) * xp.log1p(-rest), p * 0)


def softplus(xp: Any, u: Any) -> Any:
    """Return ``log(1 + exp(u))`` without overflow.

    Parameters
    ----------
    xp : module
        numpy or torch.
    u : array
        Real numbers.

    Returns
    -------
    array
    """
    return xp.where(u > 0, u, u * 0) + xp.log1p(xp.exp(-abs(u)))


def sigmoid(xp: Any, u: Any) -> Any:
    """Return the logistic function without overflow.

    Parameters
    ----------
    xp : module
        numpy or torch.
    u : array
        Real numbers.

    Returns
    -------
    array
    """
    e = xp.exp(-abs(u))
    return xp.where(u >= 0, 1 / (1 + e), e / (1 + e))


def phi1(xp: Any, z: Any) -> Any:
    """Return ``(exp(z) - 1)/z`` with value 1 at 0.

    Parameters
    ----------
    xp : module
        numpy or torch.
    z : array
        Real numbers.

    Returns
    -------
    array
    """
    small = abs(z) < 1e-2
    y = xp.where(small, z, z * 0)
    series = z * 0
    for c in reversed(_SERIES):
        series = (series + c) * y
    far = xp.where(small, z * 0 + 1, z)
    return xp.where(small, 1 + y * 0.5 + y * series, xp.expm1(far) / far)


def log_sum_exp(xp: Any, terms: Any) -> Any:
    """Return ``log(sum(exp(t)))`` over a list of arrays, shifted by their maximum.

    Parameters
    ----------
    xp : module
        numpy or torch.
    terms : list of array
        Exponents; an empty list gives minus infinity.

    Returns
    -------
    array
    """
    top = terms[0]
    for t in terms[1:]:
        top = xp.where(t > top, t, top)
    top = xp.where(xp.isfinite(top), top, xp.zeros_like(top))
    return top + xp.log(sum(xp.exp(t - top) for t in terms))


def real(xp: Any, x: Any) -> Any:
    """Return `x` as something the namespace's functions take: a plain number becomes a 0-d array of doubles.

    Parameters
    ----------
    xp : module
        numpy or torch.
    x : array or number
        Value.

    Returns
    -------
    array
    """
    return xp.asarray(float(x), dtype=xp.float64) if isinstance(x, int | float) else x
