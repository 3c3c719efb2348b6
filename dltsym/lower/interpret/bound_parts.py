"""Parts of every rule of the worst-case bound: bounds of values, conversions, the rounding of a result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dltsym.lower.interpret.functions import EVALUATOR
from dltsym.lower.interpret.model import EXACT, F64, U64, Model, rounded
from dltsym.lower.interpret.values import Array, Item, together, union
from dltsym.lower.interpret.walk import Walk

TINY = 2.0**-1060
SLACK = 1 + 2.0**-30
ZERO = np.zeros(())


def error(item: Item) -> Array:
    """Return the bound attached to an item, in the layout of its value.

    Parameters
    ----------
    item : Item
        Item.

    Returns
    -------
    ndarray
    """
    return item.parts[0] if item.parts else np.broadcast_to(ZERO, item.v.shape)


def made(v: Array, e: Array, axes: Sequence[Any], **more: Any) -> Item:
    """Attach a bound to a value: not a number becomes infinite, and a bound of 0 everywhere is dropped.

    Parameters
    ----------
    v, e : ndarray
        Value and bound.
    axes : sequence of Axis
        Named axes.
    **more : Any
        Other fields of `Item`.

    Returns
    -------
    Item
    """
    e = np.where(np.isnan(e) | np.isnan(v), np.inf, e * SLACK)
    parts = (np.broadcast_to(e, np.broadcast_shapes(e.shape, v.shape)),) if e.any() else ()
    return Item(np.broadcast_to(v, parts[0].shape) if parts else v, parts, tuple(axes), **more)


def growth(count: float, u: float) -> float:
    """Return ``(1 + u)^count - 1``, the relative error of so many roundings.

    Parameters
    ----------
    count : float
        Roundings.
    u : float
        Unit.

    Returns
    -------
    float
    """
    return float(np.expm1(count * np.log1p(u)))


def settled(v: Array, e: Array, model: Model, calls: Array | float = 1.0, floor: float = 0.0) -> Array:
    """Add the rounding of one result, and that of its float64 value here, to a propagated bound.

    Parameters
    ----------
    v, e : ndarray
        Value and propagated bound.
    model : Model
        Arithmetic.
    calls : ndarray or float
        Error in units of rounding.
    floor : float
        See `Fn.floor`.

    Returns
    -------
    ndarray
    """
    size = np.abs(v) + floor
    own = U64 * np.where(np.equal(calls, 1.0), 2.0, EVALUATOR + np.asarray(calls))
    out = e + calls * model.u * (size + e) + model.eta + own * size + TINY
    return np.where(np.abs(v) + out > model.top, np.inf, out)


def normal(model: Model) -> float:
    """Return the smallest normal number, here and in the kernel.

    Parameters
    ----------
    model : Model
        Arithmetic.

    Returns
    -------
    float
    """
    return max(model.eta / (2 * model.u) if model.u > 0 else 0.0, 2.0**-1022)


def arithmetic(items: Sequence[Item], model: Model) -> tuple[list[Item], Model, bool]:
    """Say where an operation runs: on the host in double, on integers, or on numbers, to which the others convert.

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
        return list(items), model if model.u == 0 else F64, True
    if all(item.whole for item in items):
        return list(items), EXACT, False
    return [converted(item, model) for item in items], model, False


def converted(item: Item, model: Model) -> Item:
    """Convert a host number or integers to the storage type; what it holds stays exact.

    Parameters
    ----------
    item : Item
        Operand.
    model : Model
        Arithmetic.

    Returns
    -------
    Item
    """
    if not (item.host or item.whole):
        return item
    v, e = item.v, error(item)
    if model.u == 0:
        return replace(item, host=False, whole=False)
    exact = (e == 0) & (rounded(v, model) == v)
    return made(v, np.where(exact, 0.0, settled(v, e, model)), item.axes, nonneg=item.nonneg)


def leaf(walk: Walk, item: Item) -> Item:
    """Attach to an input or a number what the kernel's copy of it is off by.

    Parameters
    ----------
    walk : Walk
        Evaluation.
    item : Item
        Leaf; a part is the error of the float64 value of a written number.

    Returns
    -------
    Item
    """
    model, v = walk.model, item.v
    if model.u == 0:
        return made(v, error(item), item.axes, host=item.host, whole=item.whole, nonneg=item.nonneg)
    if item.host or item.whole or v.ndim:
        return replace(item, parts=())
    near = rounded(v, model)
    return made(v, np.where(near == v, 0.0, np.abs(near - v)), item.axes, nonneg=item.nonneg)


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
    if not any(s.parts for s in slots):
        return out
    order = (*out.axes, *(a for a in union(slots) if a not in out.axes))
    items, _ = together([Item(out.v, out.parts, out.axes), *slots])
    doubt = sum(error(s) for s in items[1:]) > 0
    return made(items[0].v, np.where(doubt, np.inf, error(items[0])), order)


def model_calls(model: Model) -> float:
    """Return the factor on library errors; without rounding there is none.

    Parameters
    ----------
    model : Model
        Arithmetic.

    Returns
    -------
    float
    """
    return model.calls if model.u > 0 else 1.0
