"""Logarithms of sums, and shares of a sum, of generated kernels: the largest term is taken out first."""

from __future__ import annotations

from functools import reduce
from math import exp, log
from typing import Any

from dltsym.lower.closed.space import ZERO_EXPONENT, aligned, detach, is_number, lifted, space
from dltsym.lower.closed.wide import Wide, as_float, wide, wide_exp


def log_sum(*terms: Any) -> Any:
    """Return the logarithm of a sum, ``log T + log1p(rest/T)`` with T the largest term.

    Parameters
    ----------
    *terms : array, number or Wide
        Terms; their sum must not be negative.

    Returns
    -------
    array
    """
    like = next((t for t in terms if not is_number(t)), None)
    if like is None:
        return log(sum(terms))
    pieces = [wide(t, like).normal() for t in terms]
    xp = space(pieces[0].e, pieces[0].m)
    # a negative term is never the largest
    scale = reduce(xp.maximum, [xp.where(detach(w.m) > 0, w.e, ZERO_EXPONENT) for w in pieces])
    zero = xp.zeros_like(as_float(scale, pieces[0].m))
    top, rest = _largest((aligned(w.m, w.e, scale) for w in pieces), zero)
    some = detach(top) > 0
    safe = xp.where(some & (detach(top) < xp.inf), top, xp.ones_like(top))
    lead = Wide(safe, scale).log()
    ends = xp.where(some, xp.zeros_like(top) + xp.inf, xp.zeros_like(top) - xp.inf)
    return xp.where(some & (detach(top) < xp.inf), lead + xp.log1p(rest / safe), ends)


def log_sum_exp(*exponents: Any) -> Any:
    """Return ``log(sum(exp(t)))`` as the largest exponent plus ``log1p`` of the others relative to it.

    Parameters
    ----------
    *exponents : array or number
        Exponents.

    Returns
    -------
    array
    """
    like = next((t for t in exponents if not is_number(t)), None)
    if like is None:
        return log(sum(map(exp, exponents)))
    parts = [lifted(t, like) for t in exponents]
    xp = space(like)
    lead = reduce(xp.maximum, map(detach, parts))
    lead = xp.where(xp.isfinite(lead), lead, xp.zeros_like(lead))
    top, rest = _largest((xp.exp(x - lead) for x in parts), xp.zeros_like(lead))
    some = detach(top) > 0
    safe = xp.where(some, top, xp.ones_like(top))
    return lead + xp.where(some, xp.log(safe) + xp.log1p(rest / safe), xp.zeros_like(top) - xp.inf)


def _largest(terms: Any, zero: Any) -> tuple[Any, Any]:
    """Return the largest term and the sum of the others."""
    xp, top, rest = space(zero), zero, zero
    for a in terms:
        low, top = xp.minimum(top, a), xp.maximum(top, a)
        rest = rest + low
    return top, rest


def dot(*terms: Any) -> Any:
    """Return a sum of numbers and of products of two numbers as if computed with twice the digits, then rounded.

    Parameters
    ----------
    *terms : array, number or pair of them
        Terms; a pair stands for its product (Ogita, Rump and Oishi 2005, algorithm Dot2).

    Returns
    -------
    array
    """
    total: Any = None
    tail: Any = 0.0
    for t in terms:
        a, b = t if isinstance(t, tuple) else (t, 1)
        high = a * b
        if isinstance(t, tuple):
            tail = tail + _lost(detach(a), detach(b), detach(high))
        if total is None:
            total = high
            continue
        x, y, s = detach(total), detach(high), detach(total + high)
        tail = tail + ((x - (s - (s - x))) + (y - (s - x)))
        total = total + high
    if is_number(total):
        return total + tail
    xp = space(total)
    return total + xp.where(xp.isfinite(detach(total)) & xp.isfinite(tail + 0 * detach(total)), tail, 0.0)


def _lost(a: Any, b: Any, high: Any) -> Any:
    """Return ``a b - high``, by Veltkamp's halves; nan where a half overflows."""
    kind = high.dtype if not is_number(high) else None
    split = 2.0 ** (12 if kind is not None and kind.itemsize == 4 else 27) + 1
    (a1, a2), (b1, b2) = ((c - (c - x), x - (c - (c - x))) for x, c in ((a, split * a), (b, split * b)))
    return ((a1 * b1 - high) + a1 * b2 + a2 * b1) + a2 * b2


def complement(flag: Any, x: Any, *exponents: Any) -> Wide:
    """Return ``flag - exp(x)/sum(exp(t))`` for a flag in {0, 1}; the term equal to `x` is left out of ``1 - p``.

    Parameters
    ----------
    flag : array or number
        0 or 1.
    x : array
        Exponent of the chosen term.
    *exponents : array
        Exponents of the sum.

    Returns
    -------
    Wide
    """
    found, bottom, others = None, None, None
    like = next(t for t in (x, *exponents) if not is_number(t))
    x = lifted(x, like)
    for t in (lifted(p, like) for p in exponents):
        xp = space(t, x)
        mine = detach(t) == detach(x)  # the first equal term only
        mine = mine if found is None else mine & ~found
        term = wide_exp(t)
        left = Wide(xp.where(mine, xp.zeros_like(term.m + x), term.m), term.e)
        found = mine if found is None else found | mine
        bottom, others = (term, left) if bottom is None else (bottom + term, others + left)
    assert bottom is not None
    assert others is not None
    xp = space(bottom.m)
    share = wide_exp(x)
    away = bottom - share
    rest = Wide(xp.where(found, others.m, away.m), xp.where(found, others.e, away.e)) / bottom
    part = -(share / bottom)
    on = detach(flag) == 1 if not is_number(flag) else flag == 1
    return Wide(xp.where(xp.asarray(on), rest.m, part.m), xp.where(xp.asarray(on), rest.e, part.e))
