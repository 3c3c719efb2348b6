"""Entropies of generated kernels, accurate where they nearly vanish and at the ends of their domain.

At an end where the true slope is infinite, such as ``u log u`` at 0, the gradient is the one of the constant value.
"""

from __future__ import annotations

from typing import Any

from dltsym.lower.closed.space import detach, is_number, nil, space
from dltsym.lower.closed.stable import log1pmx, log_ratio, together
from dltsym.lower.closed.wide import Wide


def xlogx(u: Any) -> Any:
    """Return ``u log u`` with value 0 at 0.

    Parameters
    ----------
    u : array or number
        Non-negative numbers.

    Returns
    -------
    array
    """
    xp = space(u)
    positive = u > 0
    return xp.where(positive, u * xp.log(xp.where(positive, u, nil(u) + 1)), u * 0)


def gain(x: Any) -> Any:
    """Return ``(1 + x) log(1 + x) - x`` without cancellation near 0.

    Parameters
    ----------
    x : array or number
        Numbers from -1 on.

    Returns
    -------
    array
    """
    xp = space(x)
    near, one = abs(detach(x)) <= 0.5, xp.ones_like(x)
    y = xp.where(near, x, nil(x))
    return xp.where(near, y * xp.log1p(y) - log1pmx(y), xlogx(xp.where(near, one, 1 + x)) - x)


def kl_bernoulli(q: Any, p: Any) -> Any:
    """Return the relative entropy of two Bernoulli laws, accurate for nearly equal means and at q in {0, 1}.

    Parameters
    ----------
    q : array or number
        First mean in [0, 1].
    p : array or number
        Second mean in (0, 1).

    Returns
    -------
    array
    """
    xp = space(q, p)
    q, p = together(q, p)
    near = detach((q > p / 2) & (q < 2 * p) & (1 - q > (1 - p) / 2) & (1 - q < 2 * (1 - p)))
    half = nil(q) + 0.5
    a, b = xp.where(near, q, half), xp.where(near, p, half)
    close = b * gain((a - b) / b) + (1 - b) * gain((b - a) / (1 - b))
    inner, low = detach(q) > 0, detach(q) < 1
    a, b = xp.where(near | ~inner, half, q), xp.where(near, half, p)
    first = xp.where(inner, a * log_ratio(a, b), q * 0)
    a = xp.where(near | ~low, half, q)
    last = xp.where(low, (1 - a) * (xp.log1p(-a) - xp.log1p(-b)), q * 0)
    return xp.where(near, close, first + last)


def binary_entropy(p: Any) -> Any:
    """Return the entropy of a Bernoulli law in nats.

    Parameters
    ----------
    p : array or number
        Mean in [0, 1].

    Returns
    -------
    array
    """
    xp = space(p)
    rest = xp.where(p < 1, p, nil(p))
    return -xlogx(p) - xp.where(p < 1, (1 - rest) * xp.log1p(-rest), p * 0)


def xlogx_step(c: Any) -> Any:
    """Return ``(1 + c) log(1 + c) - c log c``, accurate for large c and 0 at 0.

    Parameters
    ----------
    c : array, number or Wide
        Non-negative numbers.

    Returns
    -------
    array
    """
    if isinstance(c, Wide):
        plain = c.value()
        zero = space(plain).zeros_like(plain)
        tiny, huge = detach(plain) < 1e-30, detach(plain) > 1e30  # the next terms are c/2 and 1/(2 c) times as large
        some = Wide(space(plain).where(detach(c.m) > 0, c.m, zero + 1), c.e)
        ends = space(plain).where(huge, some.log() + 1, (c * (1 - some.log())).value())
        inner = xlogx_step(space(plain).where(tiny | huge, zero + 1, plain))
        return space(plain).where(tiny | huge, ends, inner)
    xp = space(c)
    big = detach(c) > 1 if not is_number(c) else c > 1
    large, small = xp.where(big, c, nil(c) + 1), xp.where(big, nil(c), c)
    return xp.log1p(c) + xp.where(big, large * xp.log1p(1 / large), small * xp.log1p(small) - xlogx(small))


def cumulant(p: Any, h: Any) -> Any:
    """Return ``log(1 - p + p exp(h)) - p h``, the centred cumulant function of a Bernoulli law.

    Parameters
    ----------
    p : array or number
        Mean in [0, 1].
    h : array or number
        Real numbers.

    Returns
    -------
    array
    """
    xp = space(p, h)
    p, h = together(p, h)
    small = detach(abs(h) <= 0.5)
    t = xp.where(small, h, nil(h))
    terms = nil(t)
    for k in range(14, 2, -1):  # (exp(t) - 1 - t)/(t*t/2)
        terms = (terms + 1) * t / k
    near = p * (t * t / 2 * (1 + terms)) - log1pmx(p * xp.expm1(t))
    far, zero = xp.where(small, nil(h) + 1, h), nil(h)
    inside = (detach(p) > 0) & (detach(p) < 1)
    a = xp.where(inside, p, zero + 0.5)
    # log(1 - p + p exp(h)) = log1p(p expm1(h)) while p expm1(h) is moderate, else by logarithms of both terms
    rise = a * xp.expm1(xp.where(far < 30, far, zero))
    gentle = detach((far < 30) & (rise > -0.5))
    mild = xp.log1p(xp.where(gentle, rise, zero))
    steep = xp.logaddexp(xp.log1p(-a), xp.log(a) + far)
    return xp.where(small, near, xp.where(inside, xp.where(gentle, mild, steep) - a * far, zero))
