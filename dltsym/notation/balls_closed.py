"""Ball functions up to the end of their domain, for arguments that are known to lie in it.

A ball around ``[0, a]`` always contains negative numbers, because its radius is rounded up. Where an exact argument
shows that the value is not negative (`dltsym.prove.replay.closed`), these functions leave out what only rounding adds.
Their names hold a colon, so that no text can mention them.
"""

from __future__ import annotations

from collections.abc import Callable

from flint import arb

SUFFIX = ":closed"
ZERO, ONE = arb(0), arb(1)
NAN = arb.nan()


def sqrt(u: arb) -> arb:
    """Return ``sqrt(u)`` for u >= 0.

    Parameters
    ----------
    u : arb
        Ball around a number that is not negative.

    Returns
    -------
    arb
    """
    if u > 0:
        return u.sqrt()
    top = u.upper()
    return ZERO.union(top.sqrt()) if top > 0 else ZERO if top == 0 else NAN


def xlogx(u: arb) -> arb:
    """Return ``u log u`` for u >= 0, 0 at 0; over ``[0, b]`` it lies between -1/e (or b log b) and 0 or b log b.

    Parameters
    ----------
    u : arb
        Ball around a number that is not negative.

    Returns
    -------
    arb
    """
    if u > 0:
        return u * u.log()
    top = u.upper()
    if not top.is_finite() or top < 0:
        return NAN
    if top == 0:
        return ZERO
    out = ZERO.union(top * top.log())
    valley = (-ONE).exp()
    return out if top < valley else out.union(-valley)


def binary_entropy(p: arb) -> arb:
    """Return ``-p log p - (1 - p) log(1 - p)`` for 0 <= p <= 1.

    Parameters
    ----------
    p : arb
        Ball around a probability.

    Returns
    -------
    arb
    """
    return -xlogx(p) - xlogx(1 - p)


def kl_bernoulli(q: arb, p: arb) -> arb:
    """Return ``kl(q, p)`` for 0 <= q <= 1 and 0 < p < 1.

    Parameters
    ----------
    q, p : arb
        Balls; the second has to lie inside ``(0, 1)``.

    Returns
    -------
    arb
    """
    r, s = 1 - p, 1 - q
    if not (p > 0 and r > 0):
        return NAN
    if q > 0 and s > 0:
        return q * (q / p).log() + s * (s / r).log()
    return xlogx(q) + xlogx(s) - q * p.log() - s * r.log()


def acos(u: arb) -> arb:
    """Return ``acos(u)`` for -1 <= u <= 1; it decreases.

    Parameters
    ----------
    u : arb
        Ball around such a number.

    Returns
    -------
    arb
    """
    lo, hi = u.lower(), u.upper()
    if not u.is_finite() or lo > 1 or hi < -1:
        return NAN
    left = arb.pi() if lo <= -1 else lo.acos()
    return left.union(ZERO if hi >= 1 else hi.acos())


def asin(u: arb) -> arb:
    """Return ``asin(u)`` for -1 <= u <= 1.

    Parameters
    ----------
    u : arb
        Ball around such a number.

    Returns
    -------
    arb
    """
    return arb.pi() / 2 - acos(u)


CLOSED: dict[str, Callable[..., arb]] = {
    f.__name__ + SUFFIX: f for f in (sqrt, xlogx, binary_entropy, kl_bernoulli, acos, asin)
}
