"""Parts of every rule of the statistical model: variances with the axes along which their errors are independent.

Roundings are independent of each other and have mean 0. An error made where a node has the axes ``{i, j}`` is
independent along both; once it is used along another axis it is the same error there, and a sum over that axis adds it
up instead of averaging it out. Every variance therefore carries, as its tag, the set of axes along which its errors are
independent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from dltsym.lower.axes import Axis
from dltsym.lower.interpret.model import EXACT, F64, Model, rounded
from dltsym.lower.interpret.values import Array, Item, union
from dltsym.lower.interpret.walk import Walk

Part = tuple[frozenset[Axis], Array]
LEAST = 1e-320
STILL = 32.0
"""A state is at rest if a round moves it by so many units of rounding."""
SURE = 8.0
"""A comparison is decided where the gap exceeds so many standard deviations."""


def made(v: Array, parts: Iterable[Part], axes: Sequence[Axis], **more: Any) -> Item:
    """Attach variances to a value; those with one tag are added up.

    Parameters
    ----------
    v : ndarray
        Value.
    parts : iterable of (frozenset of Axis, ndarray)
        Variances.
    axes : sequence of Axis
        Named axes.
    **more : Any
        Other fields of `Item`.

    Returns
    -------
    Item
    """
    total: dict[frozenset[Axis], Array] = {}
    for tag, w in parts:
        tag = tag & frozenset(axes)
        total[tag] = total[tag] + w if tag in total else w
    shape = np.broadcast_shapes(v.shape, *(w.shape for w in total.values()))
    v = np.broadcast_to(v, shape)
    kept = {tag: np.broadcast_to(np.where(np.isnan(w), np.inf, w), shape) for tag, w in total.items() if np.any(w != 0)}
    return Item(v, tuple(kept.values()), tuple(axes), tuple(kept), **more)


def variance(item: Item) -> Array:
    """Return the variance of every entry.

    Parameters
    ----------
    item : Item
        Item.

    Returns
    -------
    ndarray
    """
    return sum(item.parts, np.zeros(item.v.shape))


def parts_of(item: Item) -> list[Part]:
    """Return the variances of an item with their tags.

    Parameters
    ----------
    item : Item
        Item.

    Returns
    -------
    list
    """
    return list(zip(item.tags, item.parts, strict=True))


def unit(u: float) -> float:
    """Return the standard deviation of one rounding, relative to the result.

    Parameters
    ----------
    u : float
        Unit.

    Returns
    -------
    float
    """
    return u / 3.0**0.5


def noise(v: Array, model: Model, axes: Iterable[Axis], calls: Array | float = 1.0) -> Part:
    """Return the variance of the rounding of a result.

    Parameters
    ----------
    v : ndarray
        Result.
    model : Model
        Arithmetic.
    axes : iterable of Axis
        Axes of the result where it is rounded.
    calls : ndarray or float
        Units of rounding.

    Returns
    -------
    tuple
    """
    size = np.where(np.isfinite(v), np.abs(v), 0.0)
    # The square of a tiny deviation would underflow to none at all.
    return frozenset(axes), (calls * unit(model.u) * size) ** 2 + max(model.eta**2 / 3, LEAST) * (size > 0)


def arithmetic(items: Sequence[Item], model: Model) -> tuple[list[Item], Model, bool]:
    """Say where an operation runs, and convert what the host computed if it is the kernel.

    Parameters
    ----------
    items : sequence of Item
        Operands.
    model : Model
        Arithmetic of the kernel.

    Returns
    -------
    tuple
        Operands, arithmetic, whether it is the host.
    """
    if all(item.host for item in items):
        return list(items), F64, True
    if all(item.whole for item in items):
        return list(items), EXACT, False
    return [converted(item, model) for item in items], model, False


def converted(item: Item, model: Model) -> Item:
    """Convert a host number or integers to the storage type: the error is known, and the same wherever it is used.

    Parameters
    ----------
    item : Item
        Number.
    model : Model
        Arithmetic.

    Returns
    -------
    Item
    """
    if not (item.host or item.whole):
        return item
    slip = (rounded(item.v, model) - item.v) ** 2
    slip = np.where(np.isfinite(item.v), slip, 0.0)
    return made(item.v, [*parts_of(item), (frozenset(), slip)], item.axes, nonneg=item.nonneg)


def leaf(walk: Walk, item: Item) -> Item:
    """Attach nothing to a leaf, but to a parameter its conversion.

    Parameters
    ----------
    walk : Walk
        Evaluation.
    item : Item
        Leaf.

    Returns
    -------
    Item
    """
    if item.host or item.whole or item.v.ndim:
        return Item(item.v, (), item.axes, (), item.host, item.whole, item.nonneg)
    return made(item.v, [(frozenset(), (rounded(item.v, walk.model) - item.v) ** 2)], item.axes, nonneg=item.nonneg)


def gathered(out: Item, slots: list[Item]) -> Item:
    """Give up on entries read at a place that rounding may have moved.

    Parameters
    ----------
    out : Item
        Entries.
    slots : list of Item
        Places.

    Returns
    -------
    Item
    """
    from dltsym.lower.interpret.values import laid

    if not any(s.parts for s in slots):
        return out
    order = (*out.axes, *(a for a in union(slots) if a not in out.axes))
    parts = [(tag, laid(w, out.axes, order)) for tag, w in parts_of(out)]
    doubt = sum(laid(variance(s), s.axes, order) for s in slots)
    return made(laid(out.v, out.axes, order), [*parts, (frozenset(), np.where(doubt > 0, np.inf, 0.0))], order)


def times(w: Array, factor: Array) -> Array:
    """Return ``w * factor`` with ``0 * inf = 0``: no error stays no error.

    Parameters
    ----------
    w, factor : ndarray
        Variance and squared slope.

    Returns
    -------
    ndarray
    """
    return np.where(w == 0, 0.0, w * factor)


def summing(q: Array, total: Array, terms: float, model: Model) -> Array:
    """Return the variance of the additions of a sum in random order (design note of the compiler, section 6.2).

    Parameters
    ----------
    q : ndarray
        Sum of the squares of the terms.
    total : ndarray
        Sum of the terms.
    terms : float
        Their number.
    model : Model
        Arithmetic; `Model.sums` says how sums are grouped.

    Returns
    -------
    ndarray
    """
    k, s2 = terms, unit(model.u_a) ** 2
    if k <= 1:
        return np.zeros(q.shape)
    cross = total**2 - q
    if model.sums == "pairwise":
        depth = np.log2(k)
        out = q * depth + cross * (2 * k - 2 - depth) / (k - 1)
    else:
        b = min(float(model.block), k) if model.sums == "blocked" else k
        out = q * (b + 1) / 2 + cross * (b * b - 1) / (3 * (k - 1))
        if b < k:
            blocks = k / b
            out = out + q * (blocks + 1) / 2 + cross * (blocks + 1) * (b * (2 * blocks + 1) / 6 - 0.5) / (k - 1)
    return np.maximum(out, q) * s2


def repeated(old: Item, new: Item, alone: Callable[[Model], Item], model: Model) -> Item:
    """Add deviations instead of variances where an error returns in every round of a loop.

    The errors of what is computed in front of the loop always do. Where a round repeats the numbers of the one before,
    so do its own roundings.

    Parameters
    ----------
    old, new : Item
        A state before and after the round.
    alone : callable
        Gives what the round makes of exact states in an arithmetic.
    model : Model
        Arithmetic.

    Returns
    -------
    Item
    """
    if not old.parts:
        return new
    with np.errstate(all="ignore"):
        still = np.abs(new.v - old.v) <= STILL * model.u * np.abs(new.v) + model.eta
        zero = np.zeros(new.v.shape)
        own = variance(alone(model)) if still.any() else zero
        shared = variance(alone(EXACT)) if not still.all() else zero
        total, again = variance(new), np.where(still, own, shared)
        together = (np.sqrt(np.maximum(total - again, 0.0)) + np.sqrt(again)) ** 2
        factor = np.where((total > 0) & np.isfinite(total), together / total, 1.0)
    return made(new.v, [(tag, w * factor) for tag, w in parts_of(new)], new.axes, nonneg=new.nonneg, whole=new.whole)
