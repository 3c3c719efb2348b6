"""Least and largest values of a formula on an interval, certified: an argument, a value, and how far off at most.

The value at any argument bounds a least value from above, so no optimality is needed for that; that nothing smaller
exists is shown by branch and bound over boxes. A search that stops on a plateau can therefore not pass for a minimum.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flint import arb

from dltsym.bounds.rounding import down, up
from dltsym.errors import DomainError
from dltsym.notation.balls import working
from dltsym.notation.enclosed import Ball
from dltsym.notation.numbers import Balls
from dltsym.notation.optima import enclosed_least

__all__ = ["Extreme", "largest", "least", "least_grid_catoni"]


@dataclass(frozen=True)
class Extreme:
    """A least or largest value on an interval.

    Attributes
    ----------
    at : float
        Argument, near the best one.
    value : float
        For a least value not below the formula at `at`, for a largest one not above it.
    limit : float
        No argument in the interval does better than this; infinite where the search was not asked for it.
    boxes : int
        Most boxes that the search was allowed.
    """

    at: float
    value: float
    limit: float
    boxes: int

    @property
    def gap(self) -> float:
        """How far `value` is from the best one at most."""
        return abs(self.value - self.limit)


def least(
    f: Callable[..., Any],
    lo: Any,
    hi: Any,
    *,
    tol: float = 1e-9,
    slope: Callable[..., Any] | None = None,
    below: Callable[..., Any] | None = None,
    boxes: int = 20_000,
    bits: int = 96,
) -> Extreme:
    """Minimise a formula of one number on an interval, with a certificate from both sides.

    Parameters
    ----------
    f : callable
        ``f(m, x)`` over a system of numbers (`dltsym.notation.numbers.Balls`); called with points and whole boxes.
    lo, hi : number
        Ends, exact.
    tol : float
        Wanted gap.
    slope : callable, optional
        ``slope(m, x)``, its derivative; the search then needs few boxes.
    below : callable, optional
        ``below(m, a, b)`` is at most the formula on [a, b], such as a formula that is monotone in each place.
    boxes : int
        Most boxes; 0 asks for no lower limit.
    bits : int
        Working precision.

    Returns
    -------
    Extreme

    Raises
    ------
    DomainError
        When the ends are not in order, or the formula has no value anywhere.

    Examples
    --------
    >>> found = least(lambda m, x: x * m.log(x), 0.1, 2, slope=lambda m, x: m.log(x) + 1)
    >>> found.gap < 1e-9
    True
    """
    m = Balls(bits)
    with m:
        ends = [m.number(x).value for x in (lo, hi)]
        calls = [None if g is None else _flat(m, g) for g in (f, slope, below)]
        at, best, limit = enclosed_least(calls[0], *ends, arb(tol), calls[1], calls[2], boxes)  # type: ignore[arg-type]
        if not best.is_finite():
            raise DomainError(f"the formula has no value between {lo} and {hi}")
        x = float(at)
        value = up(calls[0](arb(x))) if ends[0] <= arb(x) <= ends[1] else up(best)  # type: ignore[misc]
        return Extreme(x, value, down(limit) if limit.is_finite() else -float("inf"), boxes)


def largest(f: Callable[..., Any], lo: Any, hi: Any, **options: Any) -> Extreme:
    """Maximise a formula; `value` is reached, and `limit` is a certificate from above.

    Parameters
    ----------
    f : callable
        ``f(m, x)``.
    lo, hi : number
        Ends.
    **options
        As for `least`; ``slope`` is the derivative of f and ``above(m, a, b)`` at least f on [a, b].

    Returns
    -------
    Extreme

    What `least` raises is raised.
    """
    slope, above = options.pop("slope", None), options.pop("above", None)
    found = least(
        lambda m, x: -f(m, x), lo, hi, **options,
        slope=slope and (lambda m, x: -slope(m, x)), below=above and (lambda m, a, b: -above(m, a, b)),
    )  # fmt: skip
    return Extreme(found.at, -found.value, -found.limit, found.boxes)


def least_grid_catoni(q: Any, kl: Any, n: Any, delta: Any, alpha: Any, *, tol: float = 1e-9, boxes: int = 0) -> Extreme:
    r"""Minimise the continuous form of Catoni's bound on a grid over $g = \log\lambda$ in [0, 4 + log n].

    Parameters
    ----------
    q : number
        Empirical risk in [0, 1].
    kl : number
        Divergence of posterior and prior, in nats.
    n : int
        Examples.
    delta, alpha : number
        Failure probability, and relative step of the grid.
    tol : float
        Wanted gap where `boxes` are given.
    boxes : int
        Most boxes of the proof that nothing smaller exists: 1e-4 takes some hundreds, 1e-7 about ten thousand.

    Returns
    -------
    Extreme
        The argument is $g$.

    Raises
    ------
    DomainError
        When an input lies outside its domain.

    References
    ----------
    ``zhou2019``, ``lotfi2022``.
    """
    with working(128):
        r, d, size, fail, step = (Balls(128).number(x) for x in (q, kl, n, delta, alpha))
        if not (0 <= r <= 1 and d >= 0 and size >= 1 and 0 < fail <= 1 and step > 0):
            raise DomainError("grid Catoni needs 0 <= q <= 1, kl >= 0, n >= 1, 0 < delta <= 1 and alpha > 0")

    def bound(m: Any, rate: Any, share: Any) -> Any:  # rises with the rate and falls with the share, while x <= 1
        x = r + (1 + step) * m.exp(-share) * (d - m.log(fail) + 2 * m.log(2 + rate / m.log(1 + step)))
        scale = m.exp(rate) / size
        return m.number(1) if x >= 1 else m.expm1(-scale * x) / m.expm1(-scale)

    with working(128):
        top = 4 + Balls(128).log(size)
    return least(
        lambda m, g: bound(m, g, g), 0, Balls(128).lower(top),
        tol=tol, below=bound, boxes=boxes, bits=128,
    )  # fmt: skip


def _flat(m: Balls, f: Callable[..., Any]) -> Callable[..., arb]:
    def call(*x: arb) -> arb:
        return m.number(f(m, *map(Ball, x))).value

    return call
