r"""Balls of the inverses of Bernoulli relative entropy, from a tangent above the root and a sign below it.

The unknown is s = log((1 - q)/(1 - p)): then p - q = (1 - q)(1 - e^-s) and 1 - p = (1 - q) e^-s keep their digits at
both ends, and relative entropy is an increasing convex function of s with the slope (p - q)/p. So the tangent at any
point meets c beyond the root, however the point was found; a point below is certified by its sign. Both inverses are
monotone in both arguments, so the ends of balls enclose them.
"""

from __future__ import annotations

from collections.abc import Callable

from flint import arb, ctx

NAN = arb.nan()
ZERO, ONE = arb(0), arb(1)
NEWTON, LOWERINGS = 200, 60


def kl_upper(q: arb, c: arb) -> arb:
    """Return the largest p in [q, 1] with ``kl(q, p) <= c``, for 0 <= q <= 1 and c >= 0.

    Parameters
    ----------
    q, c : arb
        Smaller mean and radius.

    Returns
    -------
    arb
    """
    if not _inside(q, c):
        return NAN
    return _upper(_end(q.lower()), c.lower()).union(_upper(_end(q.upper()), c.upper()))


def kl_lower(q: arb, c: arb) -> arb:
    """Return the smallest p in [0, q] with ``kl(q, p) <= c``, for 0 <= q <= 1 and c >= 0.

    Parameters
    ----------
    q, c : arb
        Larger mean and radius.

    Returns
    -------
    arb
    """
    if not _inside(q, c):
        return NAN
    return _lower(_end(q.lower()), c.upper()).union(_lower(_end(q.upper()), c.lower()))


def _inside(q: arb, c: arb) -> bool:
    return bool(q >= 0 and q <= 1 and c >= 0 and c.is_finite())


def _end(q: arb) -> arb:
    return ZERO if q < 0 else ONE if q > 1 else q  # an end is rounded outward


def _upper(q: arb, c: arb) -> arb:
    if c <= 0 or q == 1:
        return q
    if q.is_zero():
        return -(-c).expm1()
    out = _precise(lambda: q + (1 - q) * -(-_root(q, 1 - q, c)).expm1(), q, c)
    return out if out.is_finite() else q.union(ONE)


def _lower(q: arb, c: arb) -> arb:
    if c <= 0 or q.is_zero():
        return q
    if q == 1:
        return (-c).exp()
    out = _precise(lambda: q * (-_root(1 - q, q, c)).exp(), q, c)
    return out if out.is_finite() else q.union(ZERO)


def _precise(f: Callable[[], arb], q: arb, c: arb) -> arb:
    """Evaluate with the bits that small radii and extreme means cancel, then round to the working precision."""
    prec = ctx.prec
    lost = sum(max(0.0, -float(x.log()) * 1.5) for x in (q, 1 - q, c) if x > 0)
    try:
        ctx.prec = prec + 40 + 2 * int(lost)
        out = f()
        ctx.prec = prec
        return +out
    finally:
        ctx.prec = prec


def _root(q: arb, rest: arb, c: arb) -> arb:
    """Enclose the unknown, for 0 < q < 1, rest = 1 - q and c > 0."""
    s = _newton(q, rest, c)
    value, slope = _entropy(s, q, rest)
    high = (s + (c - value) / slope).upper()
    if not (high > 0 and high.is_finite()):
        return NAN
    step = (abs(high - s) + s * arb(2) ** (16 - ctx.prec)).upper()
    for _ in range(LOWERINGS):
        low = (s - step).lower()
        if low <= 0:
            break
        if _entropy(low, q, rest)[0] <= c:
            return low.union(high)
        step = 2 * step
    return ZERO.union(high)


def _entropy(s: arb, q: arb, rest: arb) -> tuple[arb, arb]:
    """Return relative entropy and its slope at an unknown s > 0."""
    move = -(-s).expm1()
    d = rest * move
    p = q + d
    slope = d / p
    return rest * (s - move) + q * (-slope).log1p() + d, slope


def _newton(q: arb, rest: arb, c: arb) -> arb:
    """Return a point close to the root, without any claim: Newton's method from above."""
    root = (c * (c + 2 * q)).sqrt()
    starts = [(c - q * q.log()) / rest]
    starts += [-(-share).log1p() for share in ((c / 2).sqrt() / rest, (c + root) / rest) if share < 1]
    s = starts[0]
    for other in starts[1:]:
        s = other if other < s else s
    s, full = s.mid(), ctx.prec
    for _ in range(NEWTON):
        value, slope = _entropy(s, q, rest)
        step = ((value - c) / slope).mid()
        after = (s - step).mid()
        if not after > 0:
            after = (s / 2).mid()
        done = abs(step) <= s * arb(2) ** (20 - full // 2)  # the next error is about the square of this one
        s = after
        if done or not s.is_finite():
            break
    return s


INVERSE: dict[str, Callable[..., arb]] = {"kl_upper": kl_upper, "kl_lower": kl_lower}
