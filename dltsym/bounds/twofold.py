"""Arithmetic on unevaluated sums of two doubles, in numpy: about 100 bits, where nothing underflows.

Sums and products of two doubles are exact as such pairs (Dekker 1971; Knuth, TAOCP 2, section 4.2.2), whatever the
mathematics library of the platform does; logarithms are series of these operations, so no claim about a library enters.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Pair = tuple[Any, Any]
_SPLIT = 134217729.0  # 2**27 + 1
LN2 = (0.6931471805599453, 2.3190468138462996e-17)
_INVERSE = (
    (1 / 3, 1.850371707708594e-17), (0.2, -1.1102230246251566e-17), (1 / 7, 7.93016446160826e-18),
    (1 / 9, 6.1679056923619804e-18),
)  # fmt: skip
"""Reciprocals of 3, 5, 7, 9."""
_HORNER = tuple(1 / k for k in range(45, 9, -2))


def two_sum(a: Any, b: Any) -> Pair:
    """Return ``a + b`` exactly.

    Parameters
    ----------
    a, b : array of float64
        Numbers.

    Returns
    -------
    tuple of array
    """
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


def two_product(a: Any, b: Any) -> Pair:
    """Return ``a * b`` exactly, but for underflow.

    Parameters
    ----------
    a, b : array of float64
        Numbers below 1e290 in size.

    Returns
    -------
    tuple of array
    """
    p = a * b
    t = _SPLIT * a
    a1 = t - (t - a)
    t = _SPLIT * b
    b1 = t - (t - b)
    a2, b2 = a - a1, b - b1
    return p, ((a1 * b1 - p) + a1 * b2 + a2 * b1) + a2 * b2


def _fast(a: Any, b: Any) -> Pair:
    s = a + b
    return s, b - (s - a)


def plus(x: Pair, y: Pair) -> Pair:
    """Return a sum; its relative error is below 2**-100 even where it cancels.

    Parameters
    ----------
    x, y : pair
        Numbers.

    Returns
    -------
    pair
    """
    s, e = two_sum(x[0], y[0])
    t, f = two_sum(x[1], y[1])
    s, e = _fast(s, e + t)
    return _fast(s, e + f)


def minus(x: Pair, y: Pair) -> Pair:
    """Return a difference, as `plus` does.

    Parameters
    ----------
    x, y : pair
        Numbers.

    Returns
    -------
    pair
    """
    return plus(x, (-y[0], -y[1]))


def times(x: Pair, y: Pair) -> Pair:
    """Return a product; its relative error is below 2**-100.

    Parameters
    ----------
    x, y : pair
        Numbers.

    Returns
    -------
    pair
    """
    p, e = two_product(x[0], y[0])
    return _fast(p, e + (x[0] * y[1] + x[1] * y[0]))


def over(x: Pair, y: Pair) -> Pair:
    """Return a quotient; its relative error is below 2**-98.

    Parameters
    ----------
    x, y : pair
        Numbers, y not 0.

    Returns
    -------
    pair
    """
    q = x[0] / y[0]
    p, e = two_product(q, y[0])
    rest = ((x[0] - p) - e) + (x[1] - q * y[1])
    return _fast(q, rest / y[0])


def series(w: Pair) -> Pair:
    """Return ``1/3 + w/5 + w**2/7 + ...``.

    Parameters
    ----------
    w : pair
        Numbers in [0, 1/9].

    Returns
    -------
    pair
        Its relative error is below 2**-66: only the terms from w**4 on, below 2e-5, are summed in doubles.
    """
    tail = w[0] * 0
    for k in _HORNER:
        tail = tail * w[0] + k
    third, fifth, seventh, ninth = _INVERSE
    out = plus(ninth, (w[0] * tail, w[0] * 0))
    for known in (seventh, fifth, third):
        out = plus(known, times(w, out))
    return out


def logarithm(x: Pair) -> Pair:
    """Return a natural logarithm.

    Parameters
    ----------
    x : pair
        Positive numbers in the normal range.

    Returns
    -------
    pair
        Its relative error is below 2**-70.
    """
    m, e = np.frexp(x[0])
    low = m < 0.7071067811865476
    m, e = np.where(low, 2 * m, m), e - low
    m = m, np.ldexp(x[1], -e)
    z = over(plus(m, (-1.0, 0.0)), plus(m, (1.0, 0.0)))
    w = times(z, z)
    twice = 2 * z[0], 2 * z[1]
    log = plus(twice, times(twice, times(w, series(w))))
    return plus(times((e.astype(np.float64), np.zeros_like(z[0])), LN2), log)
