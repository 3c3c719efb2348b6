"""Sums and array entries of generated kernels: every bound index has an axis of its own at the end of each shape."""

from __future__ import annotations

from functools import reduce
from math import exp, log
from typing import Any

from dltsym.errors import DomainError
from dltsym.lower.closed.space import ZERO_EXPONENT, aligned, detach, integers, is_number, lifted, rounded, space
from dltsym.lower.closed.wide import Wide, as_float, value, wide, wide_exp

MAX_TERMS = 10**7


def index(lo: Any, hi: Any, depth: int, like: Any) -> Any:
    """Return the values of a bound index along axis ``-1 - depth``.

    Parameters
    ----------
    lo, hi : number or array
        Range; of arrays the widest.
    depth : int
        How many sums are around this one.
    like : array
        Sets module, type and device.

    Returns
    -------
    array

    Raises
    ------
    DomainError
        When the range is too long to be held in memory.
    """
    first = int(lo if is_number(lo) else lo.min())
    last = int(hi if is_number(hi) else hi.max())
    if last - first >= MAX_TERMS:
        raise DomainError(f"a sum from {first} to {last} has too many terms for an array kernel")
    xp = space(like)
    where = {"device": like.device} if xp.__name__ == "torch" else {}
    return xp.arange(first, max(last + 1, first), dtype=like.dtype, **where).reshape((-1, *(1,) * depth))


def within(x: Any, j: Any, lo: Any, hi: Any) -> Any:
    """Return `x` with 0 where the index `j` is outside its range.

    Parameters
    ----------
    x : array or Wide
        Terms of a sum.
    j, lo, hi : array or number
        Index and range.

    Returns
    -------
    array or Wide
    """
    inside = (j >= lo) & (j <= hi)
    m = x.m if isinstance(x, Wide) else lifted(x, j)
    kept = space(m).where(inside, m, space(m).zeros_like(m))
    return Wide(kept, x.e) if isinstance(x, Wide) else kept


def spread(x: Any, j: Any) -> Any:
    """Return `x` repeated along the axis of an index.

    Parameters
    ----------
    x : array, number or Wide
        Terms of a sum; they need not depend on the index.
    j : array
        Values of the index.

    Returns
    -------
    array or Wide
    """
    return Wide(x.m + 0 * j, x.e + rounded(0 * j)) if isinstance(x, Wide) else x + 0 * j


def total(x: Any, j: Any) -> Any:
    """Return the sum of terms over an index; its axis is kept with size 1.

    Parameters
    ----------
    x : array, number or Wide
        Terms.
    j : array
        Values of the index.

    Returns
    -------
    array or Wide
    """
    return spread(x, j).sum(-len(j.shape), **({} if isinstance(x, Wide) else {"keepdims": True}))


def take(x: Any, rank: int, *at: Any) -> Any:
    """Return array entries at indices that start from 1.

    Parameters
    ----------
    x : array
        Array; leading axes are batches.
    rank : int
        Number of axes of bound indices at the end of every shape.
    *at : array or number
        One index per trailing axis; leading axes are batches.

    Returns
    -------
    array

    Raises
    ------
    DomainError
        When an entry does not exist.
    """
    xp = space(x)
    like = {"device": x.device} if xp.__name__ == "torch" else {}
    places, sizes = [], x.shape[len(x.shape) - len(at) :]
    for i, size in zip(at, sizes, strict=True):
        k = integers(xp.asarray(i, **like) if is_number(i) else i) - 1
        if bool(((k < 0) | (k >= size)).any()):
            bad = int(k.min()) if int(k.min()) < 0 else int(k.max())
            raise DomainError(f"index {bad + 1} is outside 1..{size}")
        places.append(k.reshape((*(1,) * (rank - len(k.shape)), *k.shape)))
    outer = [k.shape[: len(k.shape) - rank] for k in places]
    if not any(outer):
        return x[(..., *places)]
    batch = tuple(xp.broadcast_shapes(x.shape[: len(x.shape) - len(at)], *outer))
    inner = tuple(xp.broadcast_shapes(*(k.shape[len(k.shape) - rank :] for k in places)))
    flat = xp.broadcast_to(x, (*batch, *sizes)).reshape((-1, *sizes))
    rows = xp.arange(flat.shape[0], **like).reshape((-1, *(1,) * rank))
    picks = [xp.broadcast_to(k, (*batch, *inner)).reshape((-1, *inner)) for k in places]
    return flat[(rows, *picks)].reshape((*batch, *inner))


class Over:
    """Terms that still have to be summed over some indices."""

    __slots__ = ("axes", "x")

    def __init__(self, x: Any, *indices: Any) -> None:
        for j in indices:
            x = spread(x, j)
        self.x, self.axes = x, [-len(j.shape) for j in indices]


def log_sum(*parts: Any) -> Any:
    """Return the logarithm of a sum, ``log T + log1p(rest/T)`` with T the largest single term.

    Parameters
    ----------
    *parts : array, number, Wide or Over
        Terms; their sum must not be negative.

    Returns
    -------
    array
    """
    arrays = [p for p in (q.x if isinstance(q, Over) else q for q in parts) if not is_number(p)]
    if not arrays:
        return log(sum(parts))
    like = arrays[0]
    pieces = [(wide(p.x if isinstance(p, Over) else p, like).normal(), p.axes if isinstance(p, Over) else [])
              for p in parts]  # fmt: skip
    pieces = [(w, axes) for w, axes in pieces if 0 not in w.m.shape]
    if not pieces:
        return space(value(like)).log(value(like).sum() * 0)
    scale = _largest_exponent(pieces)
    xp = space(scale)
    top = rest = xp.zeros_like(as_float(scale, pieces[0][0].m))
    for w, axes in pieces:
        a, b = aligned(w.m, w.e, scale), None
        for axis in axes:
            a, b = _peel(a, b, axis)
        low, top = xp.minimum(top, a), xp.maximum(top, a)
        rest = rest + low + (0 if b is None else b)
    some = detach(top) > 0
    safe = xp.where(some, top, xp.ones_like(top))
    lead = Wide(safe, scale).log()
    return xp.where(some, lead + xp.log1p(rest / safe), xp.zeros_like(top) - xp.inf)


def log_sum_exp(*exponents: Any) -> Any:
    """Return ``log(sum(exp(t)))`` as the largest exponent plus ``log1p`` of the others relative to it.

    Parameters
    ----------
    *exponents : array or Over
        Exponents; no term at all gives minus infinity.

    Returns
    -------
    array
    """
    like = next((p.x if isinstance(p, Over) else p for p in exponents if not is_number(p)), None)
    if like is None:
        return log(sum(map(exp, exponents)))
    parts = [(p.x, p.axes) if isinstance(p, Over) else (lifted(p, like), []) for p in exponents]
    xp = space(like)
    some = [(x, axes) for x, axes in parts if 0 not in x.shape]
    if not some:
        return parts[0][0].sum() - xp.inf
    tops = [_amax(detach(x), axes) for x, axes in some]
    lead = reduce(xp.maximum, tops)
    lead = xp.where(xp.isfinite(lead), lead, xp.zeros_like(lead))
    top = rest = xp.zeros_like(lead)
    for x, axes in some:
        a, b = xp.exp(x - lead), None
        for axis in axes:
            a, b = _peel(a, b, axis)
        low, top = xp.minimum(top, a), xp.maximum(top, a)
        rest = rest + low + (0 if b is None else b)
    return lead + _log_of(top, rest)


def _log_of(top: Any, rest: Any) -> Any:
    """Return ``log(top + rest)``, minus infinity where `top` is 0."""
    xp = space(top)
    some = detach(top) > 0
    safe = xp.where(some, top, xp.ones_like(top))
    return xp.where(some, xp.log(safe) + xp.log1p(rest / safe), xp.zeros_like(top) - xp.inf)


def _amax(x: Any, axes: list[int]) -> Any:
    for axis in axes:
        x = space(x).amax(x, axis, keepdims=True)
    return x


def _largest_exponent(pieces: list[tuple[Wide, list[int]]]) -> Any:
    top: Any = None
    for w, axes in pieces:
        xp = space(w.e, w.m)
        e = _amax(xp.where(detach(w.m) > 0, w.e, ZERO_EXPONENT), axes)  # a negative term is never the largest
        top = e if top is None else xp.maximum(top, e)
    return top


def _peel(a: Any, b: Any, axis: int) -> tuple[Any, Any]:
    """Return the largest entry along an axis, and the sum of the others plus the sum of `b`."""
    xp = space(a)
    at = xp.argmax(detach(a), axis, keepdims=True)
    ticks = integers(xp.zeros_like(detach(a))) + _ticks(a, axis)
    mine = ticks == at
    zero = xp.zeros_like(a)
    largest = xp.where(mine, a, zero).sum(axis, keepdims=True)
    others = xp.where(mine, zero, a).sum(axis, keepdims=True)
    return largest, others if b is None else others + b.sum(axis, keepdims=True)


def _ticks(a: Any, axis: int) -> Any:
    xp = space(a)
    like = {"device": a.device} if xp.__name__ == "torch" else {}
    return xp.arange(a.shape[axis], **like).reshape((-1, *(1,) * (-axis - 1)))


def complement(flag: Any, x: Any, *exponents: Any) -> Wide:
    """Return ``flag - exp(x)/sum(exp(t))`` for a flag in {0, 1}; the term equal to `x` is left out of ``1 - p``.

    Parameters
    ----------
    flag : array or number
        0 or 1.
    x : array
        Exponent of the chosen term.
    *exponents : array or Over
        Exponents of the sum.

    Returns
    -------
    Wide
    """
    found, bottom, others = None, None, None
    terms = [p.x if isinstance(p, Over) else p for p in exponents]
    like = next(t for t in (x, *terms) if not is_number(t))
    x = lifted(x, like)
    for part in (lifted(p, like) for p in exponents):
        t, axes = (part.x, part.axes) if isinstance(part, Over) else (part, [])
        xp = space(t, x)
        mine = detach(t) == detach(x)
        for axis in axes:  # the first equal term only
            mine = mine & (mine.cumsum(axis) == 1)
        mine = mine if found is None else mine & ~found
        term = wide_exp(t)
        left = Wide(xp.where(mine, xp.zeros_like(term.m + x), term.m), term.e)
        for axis in axes:
            term, left, mine = term.sum(axis), left.sum(axis), xp.any(mine, axis, keepdims=True)
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


__all__ = ["Over", "complement", "index", "log_sum", "spread", "take", "total", "within"]
