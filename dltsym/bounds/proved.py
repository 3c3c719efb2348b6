r"""Outward bounds of the inverse of Bernoulli relative entropy: an estimate, and one evaluation with a proved error.

At any p the tangent of kl(q, .) meets c outside of the solution: $p + (c - \mathrm{kl}(q\|p))\,p(1-p)/(p-q)$ is a bound
(`information.kl_inverse`). Relative entropy is $-q\log(1+x) - (1-q)\log(1+y)$ with $x = (p-q)/q$, $y = -(p-q)/(1-q)$.
Sums, products and quotients are pairs of doubles; a logarithm is $-\log R + \log(1+r)$ with $r = (1+x)R - 1$ and a
reciprocal R of nine bits out of a table, so that r is exact but for rounding below 2**-100, and $\log(1+r)$ is a
polynomial of degree nine. No claim about a mathematics library enters. What is outside the tables is handed back.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from flint import arb

from dltsym.bounds.twofold import Pair, two_product, two_sum
from dltsym.notation.balls import working

__all__ = ["outward"]

LOWEST, HIGHEST = -8, 44
"""Binary exponents of the arguments of a logarithm."""
BITS = 7
"""Bits of an argument that choose a reciprocal."""
WIDEST = 0.0079
"""Largest r: a reciprocal is that of a number less than 1/128 away, relatively."""
ERROR = 2.0**-57
"""Error of relative entropy, relative to q |log(1 + x)| + (1 - q) |log(1 + y)|: 2**-58 of each logarithm, the rest from
rounding the low parts, which are below 2**-7 of the high ones."""
NEAR, FAR = 2.0**-40, 2.0**-46
"""Least distance of p and q, and largest distance of an estimate from a solution, relative to p."""
TINY, HUGE = 1e-250, 1e250
_COEFFICIENTS = tuple((-1) ** (k + 1) / k for k in range(8, 1, -1))
_SPLIT = 134217729.0


@cache
def _tables() -> tuple[Any, Any, Any]:
    """Return reciprocals R of nine bits and -log(R) in two parts, for each interval of arguments."""
    scale = 1 << 160
    with working(240):
        two = _whole(arb(2).log() * scale)
        logs = {n: _whole((arb(n) / 512).log() * scale) for n in range(256, 513)}
    one = 1 << BITS
    size = (HIGHEST - LOWEST) * one
    inverse, high, low = np.empty(size), np.empty(size), np.empty(size)
    for e in range(LOWEST, HIGHEST):
        for j in range(one):
            n = (2048 * one // (2 * one + 2 * j + 1) + 1) // 2
            n = 512 if (e, j) == (0, 0) else 256 if (e, j) == (-1, one - 1) else n  # R = 1 on either side of 1
            at = (e - LOWEST) * one + j
            total = e * two - logs[n]
            inverse[at] = np.ldexp(n / 512, -e)
            high[at] = total / scale
            top, bottom = high[at].as_integer_ratio()
            low[at] = (total - top * scale // bottom) / scale
    return inverse, high, low


def _whole(x: arb) -> int:
    """Return a whole number at most 1 away."""
    found = x.mid().floor().unique_fmpz()
    return int(found if found is not None else 0)


def _log(x: Any, tail: Any) -> tuple[Any, Any, Any]:
    """Return log(1 + x + tail) in two parts, and r; the error is below 2**-58 of the logarithm where r is small."""
    # The polynomial below r costs at most four roundings of r**2/2. Where R = 1 that is 2**-59 of r, for |r| < 2**-7;
    # elsewhere |r| < 0.006 and the logarithm is above 2**-8. What rest * r**2 would add is below 2**-60 as R < 2**9.
    inverse, high, low = _tables()
    at = ((1.0 + x).view(np.int64) >> (52 - BITS)) - ((1023 + LOWEST) << BITS)
    R, first, second = (np.take(t, at, mode="clip") for t in (inverse, high, low))
    big = _SPLIT * x
    big = big - (big - x)
    r, rest = two_sum(big * R + (R - 1.0), (x - big) * R)
    rest = rest + tail * R
    poly = (1 / 9) * r
    for k in _COEFFICIENTS:
        poly = (poly + k) * r
    total, lost = two_sum(first, r)
    return total, (lost + second) + (rest - rest * r + poly * r), r


def outward(mean: Pair, rest: Pair, c: Any, p: Any, upper: bool) -> tuple[Any, Any]:
    """Return bounds of a solution beside estimates, and where they are proved.

    Parameters
    ----------
    mean, rest : pair of ndarray of float64, shape (n,)
        Means q in [0, 1] and 1 - q, both exact as unevaluated sums.
    c : ndarray of float64, shape (n,)
        Radii, not negative.
    p : ndarray of float64, shape (n,)
        Estimates.
    upper : bool
        Whether the solution above q is meant, and rounding is upward.

    Returns
    -------
    tuple of ndarray, shape (n,)
        Bounds, less than two units in the last place outside of the solution, and flags.
    """
    (q, tail), (rest, slip) = mean, rest
    with np.errstate(all="ignore"):
        d, low = two_sum(p, -q)
        d, low = two_sum(d, low - tail)
        base = np.maximum(q, p * 2.0**-43)
        x = d / base
        t, e = two_product(x, base)
        a, a1, r = _log(x, ((((d - t) - e) + low) - x * tail) / base)
        good = np.abs(r) < WIDEST
        y = -d / rest
        t, e = two_product(y, rest)
        b, b1, r = _log(y, ((((-d - t) - e) - low) - y * slip) / rest)
        good &= np.abs(r) < WIDEST
        first, e1 = two_product(q, a)
        second, e2 = two_product(rest, b)
        size = np.abs(first) + np.abs(second)
        s, f = two_sum(first, second)
        s, g = two_sum(s, c)
        missing = s + ((f + g) + ((e1 + e2) + ((q * a1 + tail * a) + (rest * b1 + slip * b))))
        turn = (missing + size * ERROR) * ((1.0 - p) / d * p)
        out = _rounded(p, turn, 1.0 if upper else -1.0)
        d, apart = np.abs(d), np.abs(turn)
        good &= (apart <= p * FAR) & (d >= p * NEAR) & (c > TINY) & (p > TINY) & (rest > TINY)
        good &= (base == q) & (q > TINY) | (q == 0)
    return out, good


def _rounded(p: Any, turn: Any, sign: float) -> Any:
    """Return p + turn, rounded in the direction of the sign; turn has a few units of error."""
    out, lost = two_sum(p, turn + sign * np.abs(turn) * 2.0**-48)
    bits = out.view(np.int64)
    bits += (lost > 0) if sign > 0 else 0
    bits -= (lost < 0) if sign < 0 else 0
    return np.minimum(out, 1.0)
