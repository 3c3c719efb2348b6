r"""The largest value of the C-bound over what a sample allows, certified from above.

A maximum that a search has reached may be too small, so it is no certificate. Here boxes of joint error e and
disagreement d are kept until their bound is within a tolerance of a value that is reached: by monotonicity of the
C-bound, and by Lagrange's form F - mu (kl - radius), which is stationary at the optimum for the right mu and bounds F
from above wherever the radius is kept, whatever mu >= 0 is.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from typing import Any

from flint import arb

from dltsym.bounds.moments import _exact, xi
from dltsym.bounds.rounding import up
from dltsym.errors import DomainError
from dltsym.notation.balls import rational, working
from dltsym.notation.balls_inverse import kl_upper
from dltsym.notation.optima import near_minimum

__all__ = ["VoteBound", "majority_vote_bound"]

BITS, MOST = 96, 3000


@dataclass(frozen=True)
class VoteBound:
    """A certified majority-vote bound.

    Attributes
    ----------
    value : float
        Certificate: no allowed pair has a larger C-bound.
    reached : float
        C-bound of an allowed pair, in floating point.
    joint_error, disagreement : float
        That pair.
    """

    value: float
    reached: float
    joint_error: float
    disagreement: float


@dataclass(frozen=True)
class _Region:
    """Pairs within a radius of the empirical ones; `most` bounds the joint error."""

    e: arb
    d: arb
    radius: arb
    most: arb

    def entropy(self, e: arb, d: arb) -> arb:
        rest = 1 - self.e - self.d
        parts = ((self.e, e), (self.d, d), (rest, 1 - e - d))
        return sum((a * (a / b).log() for a, b in parts if not a.is_zero()), arb(0))


def majority_vote_bound(
    risk: Any, disagreement: Any, n: int, kl: Any, delta: Any, *, joint: bool = False, tol: float = 1e-13,
    boxes: int = 20_000,
) -> VoteBound:  # fmt: skip
    """Bound the risk of a majority vote by the C-bound over a region of joint errors and disagreements.

    Parameters
    ----------
    risk, disagreement : number
        Empirical Gibbs risk and disagreement; floats are taken exactly, decimal text too.
    n : int
        Examples.
    kl : number
        Divergence of posterior and prior, in nats.
    delta : number
        Failure probability.
    joint : bool
        Bound the joint error separately too, at half of delta (the second form).
    tol : float
        Wanted gap between the certificate and what is reached.
    boxes : int
        Most boxes; fewer only make the certificate larger.

    Returns
    -------
    VoteBound

    Raises
    ------
    DomainError
        For data that no voters can have (a disagreement above 2 R (1 - R)), and inputs outside their domains.

    References
    ----------
    ``germain2015``, bounds on majority votes.
    """
    r, d, k, fail = (Fraction(x) for x in (risk, disagreement, kl, delta))
    e = r - d / 2
    if not (0 <= r <= 1 and 0 <= d <= 2 * r * (1 - r) and k >= 0 and 0 < fail <= 1 and n >= 1):
        raise DomainError("this needs 0 <= disagreement <= 2 risk (1 - risk), kl >= 0, n >= 1 and 0 < delta <= 1")
    with working(BITS):
        region = _region(e, d, n, k, fail, joint)
        best, at = _guess(region)
        found = _search(region, best, at, tol, boxes)
    return VoteBound(min(up(found), 1.0), best, *at)


def _region(e: Fraction, d: Fraction, n: int, kl: Fraction, delta: Fraction, joint: bool) -> _Region:
    moment = arb(rational(_exact(n))) if n <= MOST else arb(xi(n)) * (1 + arb(10) ** -12)
    a, b, fail = arb(rational(e)), arb(rational(d)), arb(rational(delta))
    twice = 2 * arb(rational(kl))
    share = 2 if joint else 1
    radius = (twice + (share * (moment + n) / fail).log()) / n
    most = kl_upper(a, (twice + (2 * moment / fail).log()) / n) if joint else arb(1) / 2
    return _Region(a, b, radius, most)


def _c_bound(e: Any, d: Any) -> Any:
    a, b = 1 - 2 * e - d, 1 - 2 * d
    return 1 - a * a / b


def _guess(region: _Region) -> tuple[float, tuple[float, float]]:
    """Return the largest value that a search in floating point reaches, and where."""
    a, b, radius, most = (float(x) for x in (region.e, region.d, region.radius, region.most))
    rest = 1 - a - b

    def excess(e: float, d: float) -> float:
        parts = ((a, e), (b, d), (rest, 1 - e - d))
        if any(y <= 0 < x for x, y in parts):
            return math.inf
        return sum(x * math.log(x / y) for x, y in parts if x > 0) - radius

    def end(e: float, inside: float, outside: float) -> float:
        for _ in range(80):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if excess(e, middle) <= 0 else (inside, middle)
        return inside

    def best(e: float) -> tuple[float, float]:
        middle = b * (1 - e) / (1 - a) if a < 1 else 0.0
        if excess(e, middle) > 0:
            return math.inf, middle
        low, high = end(e, middle, 0.0), end(e, middle, 1 - e)
        d = min(max(2 * e, low), high, 2 * (math.sqrt(e) - e))
        return (-_c_bound(e, d), d) if d < 0.5 and 2 * e + d < 1 and d >= low else (math.inf, d)

    e = near_minimum(lambda x: best(x)[0], max(min(a, most), 1e-12), min(most, 0.5))
    value, d = best(e)
    return (-value, (e, d)) if value < math.inf else (1.0, (a, b))


def _search(region: _Region, best: float, at: tuple[float, float], tol: float, boxes: int) -> arb:
    weight = _multiplier(region, *at)
    order, target = count(), arb(best) + arb(tol)
    heap: list[tuple[float, int, arb, tuple[arb, ...]]] = []

    def push(box: tuple[arb, ...]) -> None:
        bound = _bound(region, weight, *box)
        if bound is not None:
            heapq.heappush(heap, (-float(bound), next(order), bound, box))

    top = region.most.upper()
    push((arb(0), top if top < 0.5 else arb(1) / 2, arb(0), arb(1) / 2))
    for _ in range(boxes):
        if not heap or heap[0][2] <= target:
            break
        e1, e2, d1, d2 = heapq.heappop(heap)[3]
        if e2 - e1 > d2 - d1:
            cut = ((e1 + e2) / 2).mid()
            halves = ((e1, cut, d1, d2), (cut, e2, d1, d2))
        else:
            cut = ((d1 + d2) / 2).mid()
            halves = ((e1, e2, d1, cut), (e1, e2, cut, d2))
        for box in halves:
            push(box)
    out = arb(best)
    for _, _, bound, _ in heap:
        out = bound if bound > out else out
    return out


def _multiplier(region: _Region, e: float, d: float) -> arb:
    """Return a price of the radius, from the derivative by d, or by e where the joint error is not at its bound."""
    x, y = arb(e), arb(d)
    by_e, by_d, kl_e, kl_d = _slopes(region, x, y)
    free = float(region.most) - e > 1e-9
    price = by_e / kl_e if free else by_d / kl_d
    return price.mid() if price.is_finite() and price > 0 else arb(0)


def _slopes(region: _Region, e: arb, d: arb) -> tuple[arb, arb, arb, arb]:
    a, b, last = 1 - 2 * e - d, 1 - 2 * d, (1 - region.e - region.d) / (1 - e - d)
    return 4 * a / b, 2 * a * (2 * e - d) / (b * b), last - region.e / e, last - region.d / d


def _bound(region: _Region, weight: arb, e1: arb, e2: arb, d1: arb, d2: arb) -> arb | None:
    """Return an upper bound of the C-bound over the allowed pairs of a box, or None when it has none."""
    quarter = arb(1) / 4
    peak = e2 if e2 <= quarter else e1 if e1 >= quarter else quarter
    if d1 > 2 * (peak.sqrt() - peak) or 2 * e1 + d1 >= 1:
        return None
    rest = 1 - region.e - region.d
    least = [(region.e, e2), (region.d, d2), (rest, 1 - e1 - d1)]
    if all(y > 0 for _, y in least):
        kl = sum((x * (x / y).log() for x, y in least if not x.is_zero()), arb(0))
        if kl > region.radius:
            return None
    spot = 2 * e2
    spot = d1 if spot < d1 else d2 if spot > d2 else spot
    flat = arb(1)
    if spot < 0.5 and 2 * e2 + d2 < 1:  # else an allowed pair may come close to the value 1
        flat = _c_bound(e2, spot).upper()
        flat = flat if flat < 1 else arb(1)
    bent = _lagrange(region, weight, e1, e2, d1, d2) if d2 < 0.5 and e1 > 0 and d1 > 0 else None
    return bent if bent is not None and bent < flat else flat


def _lagrange(region: _Region, weight: arb, e1: arb, e2: arb, d1: arb, d2: arb) -> arb | None:
    if not 1 - e2 - d2 > 0:
        return None
    e, d = e1.union(e2), d1.union(d2)
    by_e, by_d, kl_e, kl_d = _slopes(region, e, d)
    x, left = _place(by_e - weight * kl_e, e1, e2)
    y, more = _place(by_d - weight * kl_d, d1, d2)
    value = _c_bound(x, y) - weight * (region.entropy(x, y) - region.radius)
    out = (value + left + more).upper()
    return out if out.is_finite() else None


def _place(slope: arb, low: arb, high: arb) -> tuple[arb, arb]:
    """Return the end where a function is largest, or the middle with what it can rise by."""
    if slope >= 0:
        return high, arb(0)
    if slope <= 0:
        return low, arb(0)
    middle = ((low + high) / 2).mid()
    return middle, abs(slope).upper() * (high - low)
