"""Least values on an interval: a guess that no plateau can stop, and an enclosure by branch and bound."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count
from typing import Any

from flint import arb

from dltsym.errors import DomainError, Undecided

POINTS, STEPS, BOXES = 513, 90, 6000
GOLDEN = (5**0.5 - 1) / 2


def near_minimum(f: Callable[[float], float], lo: float, hi: float, points: int = POINTS) -> float:
    """Return a point near the least value of a function: a scan of the whole interval, then golden sections.

    Parameters
    ----------
    f : callable
        Function; nan counts as infinite.
    lo, hi : float
        Ends.
    points : int
        Points of the scan.

    Returns
    -------
    float
        The best point that was evaluated; no claim goes with it.
    """

    def at(x: float) -> tuple[float, float]:
        y = f(x)
        return (y if y == y else float("inf"), x)

    grid = [lo + (hi - lo) * k / (points - 1) for k in range(points)]
    seen = [at(x) for x in grid]
    k = min(range(points), key=lambda i: seen[i])
    best, a, b = seen[k], grid[max(k - 1, 0)], grid[min(k + 1, points - 1)]
    left, right = at(b - GOLDEN * (b - a)), at(a + GOLDEN * (b - a))
    for _ in range(STEPS):
        best = min(best, left, right)
        if left <= right:
            b, right = right[1], left
            left = at(b - GOLDEN * (b - a))
        else:
            a, left = left[1], right
            right = at(a + GOLDEN * (b - a))
    return min(best, left, right)[1]


def enclosed_least(
    f: Callable[[arb], arb],
    lo: arb,
    hi: arb,
    tol: arb,
    slope: Callable[[arb], arb] | None = None,
    below: Callable[[arb, arb], arb] | None = None,
    boxes: int = BOXES,
) -> tuple[arb, arb, arb]:
    """Enclose the least value of a function on an interval by branch and bound.

    A box is bounded below by the function over the whole box, by the mean value form where a slope is given, and by
    `below`; a bound that is not finite says nothing. The value at any point is an upper bound, so a plateau, a wrong
    guess or an interrupted search only widen the enclosure.

    Parameters
    ----------
    f : callable
        Function of a ball, with an enclosure of its values there.
    lo, hi : arb
        Ends, ``lo <= hi``.
    tol : arb
        Wanted gap.
    slope : callable, optional
        Derivative, over balls.
    below : callable, optional
        ``below(a, b)`` is at most the function on [a, b].
    boxes : int
        Most boxes.

    Returns
    -------
    tuple of arb
        A point, an upper bound of the value there, and a lower bound of the least value (-inf where none was found).

    Raises
    ------
    DomainError
        When the ends are not in order.
    """
    lo, hi = lo.mid() if lo.is_exact() else lo.lower(), hi.mid() if hi.is_exact() else hi.upper()
    if not lo <= hi:
        raise DomainError(f"a least value is looked for between two points, not {lo} and {hi}")
    x = arb(near_minimum(lambda t: _float(f, arb(t)), float(lo), float(hi), 257))
    x = lo if x < lo else hi if x > hi else x
    best, at = _value(f, x).upper(), x
    order = count()
    heap: list[tuple[float, int, Any, arb, arb]] = []

    def push(a: arb, b: arb) -> None:
        bound = _bound(f, a, b, slope, below)
        heapq.heappush(heap, (float(bound), next(order), bound, a, b))

    push(lo, hi)
    for _ in range(boxes):
        _, _, bound, a, b = heap[0]
        if best - bound <= tol:
            break
        heapq.heappop(heap)
        middle = ((a + b) / 2).mid()
        if not a < middle < b:
            heapq.heappush(heap, (float(bound), next(order), bound, a, b))
            break
        value = _value(f, middle).upper()
        if value < best:
            best, at = value, middle
        push(a, middle)
        push(middle, b)
    least = heap[0][2]
    for _, _, bound, _, _ in heap:
        least = bound if bound < least else least
    return at, best, least


def _bound(f: Any, a: arb, b: arb, slope: Any, below: Any) -> arb:
    box, out = a.union(b), arb("-inf")
    found = [_value(f, box)]
    if slope is not None:
        middle = ((a + b) / 2).mid()
        found.append(_value(f, middle) + _value(slope, box) * (box - middle))
    if below is not None:
        found.append(_value(lambda _: below(a, b), box))
    for ball in found:
        end = ball.lower() if ball.is_finite() else out
        out = end if end > out else out
    return out


def _value(f: Any, x: arb) -> arb:
    try:
        return f(x)
    except (Undecided, ZeroDivisionError):
        return arb.nan()


def _float(f: Any, x: arb) -> float:
    value = _value(f, x)
    return float(value.mid()) if value.is_finite() else float("inf")


def binomial_tail(k: int, n: int, p: arb) -> arb:
    """Return the probability of at most k successes in n independent trials, by the incomplete beta function.

    Parameters
    ----------
    k, n : int
        Successes and trials.
    p : arb
        Probability of success.

    Returns
    -------
    arb

    Raises
    ------
    DomainError
        When ``0 <= k <= n`` does not hold.
    """
    if not 0 <= k <= n:
        raise DomainError(f"there are no {k} successes among {n} trials")
    if not (p >= 0 and p <= 1):
        return arb.nan()
    if k == n or p.is_zero():
        return arb(1)
    if p == 1:
        return arb(0)
    ends = [(1 - x).beta_lower(arb(n - k), arb(k + 1), regularized=True) for x in (p.lower(), p.upper())]  # it falls
    out = ends[0].union(ends[1])
    return out if out.is_finite() else arb(0).union(arb(1))
