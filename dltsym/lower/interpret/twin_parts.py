"""Parts of every rule of the magnitude twin: its units, its items, and the charge for one operation.

An item carries a first-order error and, where terms may have cancelled, a magnitude: the formula on absolute values.
Two units are charged. Every operation of the statement costs `Units.unit`, a few roundings of the accumulator, times
its magnitude, for the kernel may group it otherwise; every cast of the contract costs one rounding to the storage
type.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dltsym.lower.axes import Axis
from dltsym.lower.interpret.model import Model
from dltsym.lower.interpret.sigma_parts import times
from dltsym.lower.interpret.values import Array, Item
from dltsym.lower.interpret.walk import Walk


@dataclass(frozen=True)
class Units(Model):
    """What the operations and casts of a kernel cost; the fields of `Model` describe its accumulator.

    Attributes
    ----------
    unit : float
        Charge of one operation, relative to its magnitude.
    cast : float
        Rounding to the storage type, relative; 0 where nothing is cast.
    least : float
        Absolute error of a cast that underflows.
    sites : frozenset of str
        Casts on the way: ``"P"`` for what meets an input in a sum of products, ``"dS"`` for the same in a gradient.
    factors : float
        Relative charge of both factors of a product of matrices together.
    normal : float
        Least normal number of the accumulator: what a result that is flushed to zero is off by.
    exp, log : float
        Charge of an exponential and of a logarithm in units.
    gradient : bool
        Whether the program is a gradient.
    """

    unit: float = 2.0**-22
    cast: float = 0.0
    least: float = 0.0
    sites: frozenset[str] = frozenset()
    factors: float = 0.0
    normal: float = 2.0**-126
    exp: float = 1.0
    log: float = 1.0
    gradient: bool = False


def units(walk: Walk) -> Units:
    """Return the units of an evaluation.

    Parameters
    ----------
    walk : Walk
        Evaluation.

    Returns
    -------
    Units
    """
    model = walk.model
    assert isinstance(model, Units)
    return model


def moved(item: Item) -> Array:
    """Return the first-order error of an item.

    Parameters
    ----------
    item : Item
        Item.

    Returns
    -------
    ndarray
    """
    return item.parts[0] if item.parts else np.broadcast_to(np.zeros(()), item.v.shape)


def size(item: Item) -> Array:
    """Return the magnitude of an item, 0 where it is infinite.

    Parameters
    ----------
    item : Item
        Item.

    Returns
    -------
    ndarray
    """
    if len(item.parts) > 1:
        return item.parts[1]
    return np.where(np.isfinite(item.v), np.abs(item.v), 0.0)


def made(v: Array, error: Array, axes: Sequence[Axis], magnitude: Array | None = None, **facts: Any) -> Item:
    """Attach an error and a magnitude to a value; exact infinities have neither.

    Parameters
    ----------
    v, error : ndarray
        Value and error.
    axes : sequence of Axis
        Named axes.
    magnitude : ndarray, optional
        Magnitude, where it is not that of the value.
    **facts : Any
        Other fields of `Item`.

    Returns
    -------
    Item
    """
    shape = np.broadcast_shapes(v.shape, error.shape, () if magnitude is None else magnitude.shape)
    v = np.broadcast_to(v, shape)
    error = np.where(np.isinf(v) & np.isfinite(error), 0.0, np.where(np.isnan(error) | np.isnan(v), np.inf, error))
    parts: tuple[Array, ...] = (error,) if error.any() else ()
    if magnitude is not None:
        known = np.where(np.isfinite(v), np.where(np.isnan(magnitude), np.inf, magnitude), 0.0)
        parts = (np.broadcast_to(error, shape), np.broadcast_to(known, shape))
    return Item(v, parts, tuple(axes), **facts)


def charge(v: Array, model: Units, count: Array | float = 1.0, magnitude: Array | None = None) -> Array:
    """Return the local error of an operation; an exact 0 costs nothing.

    Parameters
    ----------
    v : ndarray
        Result.
    model : Units
        Units.
    count : ndarray or float
        Units to charge.
    magnitude : ndarray, optional
        Magnitude of the result, where it is not that of the value.

    Returns
    -------
    ndarray
    """
    near = np.where(np.isfinite(v), np.abs(v), 0.0) if magnitude is None else magnitude
    return times(near, model.unit * np.asarray(count)) + np.where(near > 0, model.normal, 0.0)


def exact(items: Sequence[Item]) -> bool:
    """Tell whether an operation on some items is exact: all on the host, or all on integers.

    Parameters
    ----------
    items : sequence of Item
        Operands.

    Returns
    -------
    bool
    """
    return all(i.host for i in items) or all(i.whole for i in items)


def leaf(_walk: Walk, item: Item) -> Item:
    """Return an input or a number: the kernel has it exactly, or rounds it in the next operation.

    Parameters
    ----------
    item : Item
        Leaf.

    Returns
    -------
    Item
    """
    return Item(item.v, (), item.axes, (), item.host, item.whole, item.nonneg)
