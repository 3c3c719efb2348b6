"""The inverses of Bernoulli relative entropy in numpy and torch: Halley's method without branches, in double precision.

The unknown is s = log((1 - q)/(1 - p)): then p - q = (1 - q)(1 - e^-s) and 1 - p = (1 - q) e^-s keep their digits at
both ends, kl = (1 - q)(s - 1 + e^-s) + p G((p - q)/p) with G(x) = (1 - x) log(1 - x) + x is a sum of two terms >= 0,
and it is increasing and convex in s with the slope (p - q)/p. Terms are divided by c before they can underflow.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from dltsym.lower.closed.space import is_number, space
from dltsym.lower.closed.wide import value

HALLEY = 3
"""Steps; the start is at most 1.8 times the solution, so that three are enough for 53 bits."""
LARGEST = 1e300


def kl_upper(q: Any, c: Any) -> Any:
    """Return the largest p in [q, 1] with ``kl(q, p) <= c``.

    Parameters
    ----------
    q : array or number
        Smaller mean in [0, 1].
    c : array or number
        Radius, not negative; may be infinite.

    Returns
    -------
    array or number
        nan outside the domain.
    """
    return _inverse(q, c, True)


def kl_lower(q: Any, c: Any) -> Any:
    """Return the smallest p in [0, q] with ``kl(q, p) <= c``.

    Parameters
    ----------
    q : array or number
        Larger mean in [0, 1].
    c : array or number
        Radius, not negative; may be infinite.

    Returns
    -------
    array or number
        nan outside the domain.
    """
    return _inverse(q, c, False)


def kl_upper_rest(q: Any, c: Any) -> Any:
    """Return ``1 - kl_upper(q, c)`` with its digits.

    Parameters
    ----------
    q, c : array or number
        Smaller mean in [0, 1] and radius, not negative.

    Returns
    -------
    array or number
    """
    return _double(lambda q, c: pair(q, c)[1], q, c)


def kl_upper_odds(q: Any, c: Any) -> Any:
    """Return by how much the logarithm of the odds of ``kl_upper(q, c)`` exceeds that of the odds of q.

    Parameters
    ----------
    q, c : array or number
        Smaller mean in (0, 1) and radius, not negative.

    Returns
    -------
    array or number
        Also where ``1 - kl_upper(q, c)`` underflows. The slopes are 1/(p - q) by c, and the value times it minus
        1/(q(1 - q)) by q.
    """
    return _double(_odds, q, c)


def _odds(q: Any, c: Any) -> Any:
    xp = space(q, c)
    if xp.__name__ == "torch":
        q, c = xp.broadcast_tensors(q, c)
        a, b = q.detach(), c.detach()
        out, d = _odds_of(a, b)
        by_c = 1 / d
        by_q = out * by_c - 1 / (a * (1 - a))
        moves = ((x - x.detach(), g) for x, g in ((c, by_c), (q, by_q)))
        return out + sum(xp.where(g.isfinite(), x, 0.0) * xp.where(g.isfinite(), g, 0.0) for x, g in moves)
    with xp.errstate(all="ignore"):
        return _odds_of(*xp.broadcast_arrays(q, c))[0]


def _odds_of(q: Any, c: Any) -> tuple[Any, Any]:
    xp = space(q, c)
    inner = (q > 0) & (q < 1) & (c >= 0) & (c < float("inf"))
    a, b = xp.where(inner, q, xp.full_like(q, 0.5)), xp.where(inner, c, xp.full_like(c, 0.5))
    s = unknown(a, b, 1 - a)
    d = -(1 - a) * xp.expm1(-s)
    near = d < a * 1e9
    close = xp.log1p(xp.where(near, d, a) / a)
    up = xp.where(near, close, xp.log(a + d) - xp.log(a))
    ends = xp.where((q > 0) & (q < 1) & (c == float("inf")), c, xp.full_like(c, float("nan")))
    return xp.where(inner, up + s, ends), d


def _inverse(q: Any, c: Any, up: bool) -> Any:
    def run(q: Any, c: Any) -> Any:
        move, rest = pair(q, c) if up else pair(1 - q, c, q)
        return q + move if up else rest

    return _double(run, q, c)


def _double(run: Any, q: Any, c: Any) -> Any:
    """Run a function of two arrays in double precision, and return its result in their type."""
    q, c = value(q), value(c)
    plain = is_number(q) and is_number(c)
    xp = space(q, c)
    if xp.__name__ == "torch":
        like = q.dtype if not is_number(q) else c.dtype
        q, c = (xp.as_tensor(x, dtype=xp.float64, device=(c if is_number(q) else q).device) for x in (q, c))
        return run(q, c).to(like)
    like = xp.result_type(q, c) if not plain else float
    out = run(*xp.broadcast_arrays(*(xp.asarray(x, dtype=xp.float64) for x in (q, c))))
    return float(out) if plain else out.astype(like if xp.issubdtype(like, xp.floating) else xp.float64)


def pair(q: Any, c: Any, rest: Any = None, slack: float = 0.0) -> tuple[Any, Any]:
    """Return p - q and 1 - p for the largest p with ``kl(q, p) <= c``, both with their digits.

    Parameters
    ----------
    q, c : array of float64
        Smaller mean and radius, of one shape.
    rest : array of float64, optional
        1 - q, where it is known to more digits than q itself.
    slack : float
        Relative amount by which the unknown is made larger, to round outward.

    Returns
    -------
    tuple of array
        Differentiable in torch by implicit formulas; nan outside the domain.
    """
    xp = space(q, c)
    rest = 1 - q if rest is None else rest
    if xp.__name__ == "torch":
        q, c, rest = xp.broadcast_tensors(q, c, rest)
        return _function().apply(q, c, rest, slack)
    with xp.errstate(all="ignore"):
        return _pair(q, c, rest, slack)


def _pair(q: Any, c: Any, rest: Any, slack: float) -> tuple[Any, Any]:
    xp = space(q, c)
    wrong, whole = ~((q >= 0) & (rest >= 0) & (c >= 0)), (rest <= 0) | (c == float("inf"))
    easy, half = wrong | whole, xp.full_like(c, 0.5)
    q0, rest0, c0 = xp.where(easy, half, q), xp.where(easy, half, rest), xp.where(easy, half, c)
    s = unknown(q0, c0, rest0)
    s = s * (1 + slack) if slack else s
    move, left = -rest0 * xp.expm1(-s), rest0 * xp.exp(-s)
    end = xp.where(wrong, xp.full_like(c, float("nan")), half * 0)
    return xp.where(easy, rest + end, move), xp.where(easy, end, left)


def unknown(q: Any, c: Any, rest: Any) -> Any:
    """Return log((1 - q)/(1 - p)) for the largest p with ``kl(q, p) <= c``.

    Parameters
    ----------
    q, c, rest : array of float64
        Mean in [0, 1), radius in [0, inf), and 1 - q.

    Returns
    -------
    array of float64
        Its relative error is a few units, half of the time downward.
    """
    xp = space(q, c)
    root = xp.sqrt(c)
    over = xp.where(root > 0, root, xp.ones_like(c))
    s, most = start(q, c, rest), xp.full_like(c, LARGEST)
    for _ in range(HALLEY):
        share = -xp.expm1(-s)
        d = rest * share
        p = q + d
        moved = d > 0
        slope = xp.where(moved, d / xp.where(p > 0, p, xp.ones_like(p)), xp.ones_like(p))
        ratio = q / xp.where(p > 0, p, xp.ones_like(p))
        excess = _relative(s, share, d / over, p, slope, ratio, rest, c, over) - 1
        newton = xp.maximum(xp.minimum(excess * (c / slope), most), -most)
        turn = newton / xp.where(moved, share, xp.ones_like(share)) * (ratio * (1 - share))
        s = xp.where(moved, xp.minimum(xp.maximum(s - newton / (1 - turn / 2), s / 8), most), s)
    return s


def start(q: Any, c: Any, rest: Any) -> Any:
    """Return a point at which relative entropy is at least c: the least of several bounds, at most 1.8 times too large.

    Parameters
    ----------
    q, c, rest : array of float64
        As for `unknown`.

    Returns
    -------
    array of float64
    """
    xp = space(q, c)
    cut = xp.minimum(c, xp.full_like(c, 4.0))  # beyond, no bound by squares is below 1
    root = xp.sqrt(cut)
    tilt = (cut * (1 - 2 * q) + root * xp.sqrt(cut + 2 * q * rest)) / (1 + 2 * cut)
    d = xp.where(q + tilt <= 0.5, tilt, cut + root * xp.sqrt(cut + 2 * q))
    share = xp.minimum(d, root * 0.5**0.5) / rest
    share = xp.where(q >= 0.5, xp.minimum(share, root * xp.sqrt(2 * q / rest)), share)
    top = xp.full_like(share, 0.99)
    near = xp.where(share < 0.99, -xp.log1p(-xp.minimum(share, top)), xp.full_like(share, LARGEST))
    entropy = q * xp.where(
        q < 0.5, xp.log(xp.where(q > 0, q, xp.ones_like(q))), xp.log1p(-xp.where(q < 0.5, rest * 0, rest))
    )
    return xp.minimum(xp.minimum(near, (c - entropy) / rest), xp.full_like(share, LARGEST))


def _relative(s: Any, share: Any, scaled: Any, p: Any, slope: Any, ratio: Any, rest: Any, c: Any, root: Any) -> Any:
    """Return relative entropy over c; `scaled` is (p - q) over the root of c."""
    xp = space(s)
    small, ones = xp.where(s < 1, s, xp.ones_like(s)), xp.ones_like(s)
    inner = ones
    for k in range(18, 2, -1):  # (s - 1 + exp(-s)) 2/s**2
        inner = 1 - inner * small / k
    a = small / root
    first = xp.where(s < 1, a * rest * a * inner / 2, rest * ((s - share) / xp.where(c > 0, c, ones)))
    over = xp.where(p > 0, p, ones)
    x = xp.where(slope < 0.5, slope, ones / 2)
    z = x / (2 - x)
    w, tail = z * z, z * 0
    for k in range(31, 1, -2):
        tail = tail * w + 1 / k
    curve = 1 - (1 - x) * (1 + 2 * z * tail / (2 - x)) / (2 - x)  # G(x)/x**2
    steep = (ratio * xp.log(xp.where(ratio > 0, ratio, ones)) + slope) * (p / xp.where(c > 0, c, ones))
    return first + xp.where(slope < 0.5, scaled * (scaled / over) * curve, steep)


@lru_cache(maxsize=1)
def _function() -> Any:
    import torch

    class Pair(torch.autograd.Function):
        """p - q and 1 - p, with their derivatives by implicit differentiation."""

        @staticmethod
        def forward(ctx: Any, q: Any, c: Any, rest: Any, slack: float) -> Any:
            """Return both."""
            out = _pair(q, c, rest, slack)
            ctx.save_for_backward(q, c, rest, *out)
            return out

        @staticmethod
        def backward(ctx: Any, by_move: Any, by_left: Any) -> Any:  # type: ignore[override]
            """Return the gradients: dp/dc = p(1 - p)/(p - q), dp/dq the log odds ratio times it; 0 where flat."""
            q, c, rest, move, left = ctx.saved_tensors
            inner = (move > 0) & (left > 0)
            d, r, b = (torch.where(inner, x, 0.5) for x in (move, left, rest))
            a = torch.where(inner, q, 0.5)
            by_c = (a + d) * (r / d)
            ratio = d / b
            s = torch.where(ratio < 0.5, -torch.log1p(-ratio.clamp_max(0.5)), -torch.log(r / b))
            by_q = (torch.log1p(d / a) + s) * by_c
            still = torch.where((move == 0) & ((rest > 0) | (c == 0)), 1.0, 0.0)  # p is q; it is 1 at q = 1 or c = inf
            by_c, by_q = torch.where(inner, by_c, 0.0), torch.where(inner, by_q, still)
            g = by_move - by_left
            none = g == 0  # an infinite slope that nobody asks for
            return torch.where(none, 0.0, g * by_q) - by_move, torch.where(none, 0.0, g * by_c), None, None

    return Pair
