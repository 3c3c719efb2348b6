"""Arrays with named axes in float64, shared by the error models: alignment by name, entries, contractions.

An `Item` is the value of a node together with arrays of the same layout that a model attaches to it (a bound,
variances, magnitudes). Named axes come last in the order `Item.axes`; every dimension before them is a batch dimension.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dltsym.errors import DomainError, ShapeError
from dltsym.lower.axes import Axis, Shift, Slot
from dltsym.lower.program import Program
from dltsym.lower.sizes import carriers, parse_size

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Item:
    """A value and what a model says about it.

    Attributes
    ----------
    v : ndarray
        Value, float64; truths are 0 and 1.
    parts : tuple of ndarray
        Arrays of the layout of `v`; none when nothing is attached.
    axes : tuple of Axis
        Names of the last dimensions.
    tags : tuple
        One label per part.
    host : bool
        Whether it is computed in double precision before any array is touched.
    whole : bool
        Whether entries are integers by construction.
    nonneg : bool
        Whether the computed entries cannot be negative.
    """

    v: Array
    parts: tuple[Array, ...] = ()
    axes: tuple[Axis, ...] = ()
    tags: tuple[Any, ...] = ()
    host: bool = False
    whole: bool = False
    nonneg: bool = False

    def over(self, f: Callable[[Array], Array], axes: Sequence[Axis]) -> Item:
        """Apply a rearrangement of entries to the value and to every part.

        Parameters
        ----------
        f : callable
            Rearrangement.
        axes : sequence of Axis
            Named axes of its results.

        Returns
        -------
        Item
        """
        return replace(self, v=f(self.v), parts=tuple(f(p) for p in self.parts), axes=tuple(axes))


def laid(array: Array, axes: Sequence[Axis], order: Sequence[Axis]) -> Array:
    """Permute named dimensions to an order that holds all of them; missing ones get length 1.

    Parameters
    ----------
    array : ndarray
        Array.
    axes : sequence of Axis
        Names of its last dimensions.
    order : sequence of Axis
        Wanted names.

    Returns
    -------
    ndarray
    """
    if tuple(axes) == tuple(order):
        return array
    batch = array.ndim - len(axes)
    have = [a for a in order if a in axes]
    array = array.transpose(*range(batch), *(batch + list(axes).index(a) for a in have))
    places = tuple(slice(None) if a in have else None for a in order)
    return array[(..., *places)]


def aligned(item: Item, order: Sequence[Axis]) -> Item:
    """Lay an item out over an order of axes that holds all of its own.

    Parameters
    ----------
    item : Item
        Item.
    order : sequence of Axis
        Axes.

    Returns
    -------
    Item
    """
    return item.over(lambda x: laid(x, item.axes, order), order)


def union(items: Sequence[Item]) -> tuple[Axis, ...]:
    """Return the axes of several items, each once, in order of occurrence.

    Parameters
    ----------
    items : sequence of Item
        Items.

    Returns
    -------
    tuple of Axis
    """
    return tuple(dict.fromkeys(a for item in items for a in item.axes))


def together(items: Sequence[Item]) -> tuple[list[Item], tuple[Axis, ...]]:
    """Lay items out over the union of their axes.

    Parameters
    ----------
    items : sequence of Item
        Items.

    Returns
    -------
    tuple
        The items and the axes.
    """
    order = union(items)
    return [aligned(item, order) for item in items], order


# Sizes


def sizes_of(program: Program, inputs: Mapping[str, Any]) -> dict[str, int]:
    """Read the sizes off the arrays; a size that no array carries is an integer argument.

    Parameters
    ----------
    program : Program
        Program.
    inputs : mapping
        Its arguments.

    Returns
    -------
    dict

    Raises
    ------
    ShapeError
        Two arrays disagree, or an array has too few dimensions.
    """
    sizes: dict[str, int] = {}
    carried = []
    for one in program.inputs:
        if one.name not in inputs:
            raise ShapeError(f"argument {one.name} is missing")
        array = np.asarray(inputs[one.name])
        if array.ndim < len(one.shape):
            raise ShapeError(f"{one.name} needs {len(one.shape)} trailing dims {one.shape}, got shape {array.shape}")
        carried += list(zip(one.shape, array.shape[array.ndim - len(one.shape) :], strict=True))
        if not one.shape and one.entries == "integer" and array.ndim == 0:
            sizes[one.name] = int(array)
    lengths = dict(carried)
    for name, carrier in carriers(tuple(text for text, _ in carried)).items():
        value = carrier.solve(lengths[carrier.text], sizes)
        if value is None:
            raise ShapeError(f"an axis of size {carrier.text} has {lengths[carrier.text]} entries")
        sizes[name] = value
    for text, length in carried:
        size = parse_size(text)
        if size.names <= sizes.keys() and size.at(sizes) != length:
            raise ShapeError(f"an axis of size {text} = {size.at(sizes)} has {length} entries")
    return sizes


# Entries


def entries(array: Item, places: Sequence[Any], slots: Sequence[Item], length: Callable[[Axis], int]) -> Item:
    """Read an array at places: axes, shifted axes, integers and integer arrays.

    Parameters
    ----------
    array : Item
        Array; its last ``len(places)`` dimensions are indexed.
    places : sequence
        Places as in `Table`.
    slots : sequence of Item
        What a `Slot` refers to.
    length : callable
        Size of an axis.

    Returns
    -------
    Item

    Raises
    ------
    DomainError
        A place is out of range.
    """
    axes = [p for p in places if isinstance(p, Axis)]
    if len(axes) == len(places) == len(set(axes)):
        return array.over(lambda x: x, axes)
    order = tuple(dict.fromkeys([*axes, *(p.axis for p in places if isinstance(p, Shift)), *union(slots)]))
    batch = array.v.ndim - len(places)
    index = []
    for dim, place in enumerate(places):
        one = _index(place, slots, order, length)
        limit = array.v.shape[batch + dim]
        if one.size and (one.min() < 0 or one.max() >= limit):
            raise DomainError(f"place {int(one.min())}..{int(one.max())} is outside an axis of {limit} entries")
        index.append(one)
    return array.over(lambda x: _picked(x, index, len(places), len(order)), order)


def _index(place: Any, slots: Sequence[Item], order: Sequence[Axis], length: Callable[[Axis], int]) -> Array:
    match place:
        case Slot(arg):
            return laid(slots[arg].v, slots[arg].axes, order).astype(np.int64)
        case Axis():
            return laid(np.arange(length(place)), (place,), order)
        case Shift(axis, by):
            return laid(np.arange(length(axis)) + by, (axis,), order)
    return np.array(place).reshape((1,) * len(order))


def _picked(x: Array, index: Sequence[Array], dims: int, named: int) -> Array:
    batch = np.broadcast_shapes(x.shape[: x.ndim - dims], *(i.shape[: i.ndim - named] for i in index))
    if not any(i.ndim > named for i in index):
        return x[(..., *index)]
    x = np.broadcast_to(x, (*batch, *x.shape[x.ndim - dims :]))
    own = [np.arange(n).reshape(n, *(1,) * (len(batch) - k - 1 + named)) for k, n in enumerate(batch)]
    return x[(*own, *index)]


def at_place(item: Item, axis: Axis, place: Item | int) -> Item:
    """Remove an axis by reading it at an integer or at an integer array.

    Parameters
    ----------
    item : Item
        Item with the axis.
    axis : Axis
        Axis to remove.
    place : Item or int
        Where.

    Returns
    -------
    Item

    Raises
    ------
    DomainError
        The place is out of range.
    """
    rest = tuple(a for a in item.axes if a != axis)
    order = (*rest, *(a for a in (() if isinstance(place, int) else place.axes) if a not in rest))
    full = aligned(item, (*order, axis))
    where = np.array(place) if isinstance(place, int) else laid(place.v, place.axes, order).astype(np.int64)
    limit = full.v.shape[-1]
    if where.size and (where.min() < 0 or where.max() >= limit):
        raise DomainError(f"place {int(where.min())}..{int(where.max())} is outside an axis of {limit} entries")

    def read(x: Array) -> Array:
        if isinstance(place, int):
            return x[..., place]
        shape = np.broadcast_shapes(x.shape[:-1], where.shape)
        x = np.broadcast_to(x, (*shape, limit))
        return np.take_along_axis(x, np.broadcast_to(where, shape)[..., None], -1)[..., 0]

    return full.over(read, order)


# Contractions


def contracted(factors: Sequence[tuple[Array, Sequence[Axis]]], bound: Sequence[Axis], order: Sequence[Axis],
               length: Callable[[Axis], int]) -> Array:  # fmt: skip
    """Sum a product of named arrays over axes, by matrix products; an axis that no factor has counts.

    Parameters
    ----------
    factors : sequence of (ndarray, axes)
        Factors.
    bound : sequence of Axis
        Axes to sum over.
    order : sequence of Axis
        Axes of the result.
    length : callable
        Size of an axis.

    Returns
    -------
    ndarray
    """
    todo = list(factors)
    unused = [b for b in bound if not any(b in axes for _, axes in todo)]
    scale = float(np.prod([length(b) for b in unused])) if unused else 1.0
    value, axes = todo.pop(0)
    while todo:
        other, theirs = todo.pop(0)
        later = {a for _, more in todo for a in more}
        gone = [b for b in bound if b not in later and (b in axes or b in theirs)]
        value, axes = _product(value, list(axes), other, list(theirs), gone)
    left = [b for b in bound if b in axes]
    dims = tuple(list(axes).index(b) - len(axes) for b in left)
    value, axes = (value.sum(dims), [a for a in axes if a not in left]) if dims else (value, axes)
    return laid(scale * value if scale != 1.0 else value, axes, order)


def _product(x: Array, xs: list[Axis], y: Array, ys: list[Axis], gone: list[Axis]) -> tuple[Array, list[Axis]]:
    for b in [b for b in gone if not (b in xs and b in ys)]:
        if b in xs:
            x, xs = x.sum(xs.index(b) - len(xs)), [a for a in xs if a != b]
        elif b in ys:
            y, ys = y.sum(ys.index(b) - len(ys)), [a for a in ys if a != b]
    inner = [a for a in xs if a in ys and a in gone]
    both = [a for a in xs if a in ys and a not in gone]
    if not inner:
        order = [*xs, *(a for a in ys if a not in xs)]
        return laid(x, xs, order) * laid(y, ys, order), order
    left, right = [a for a in xs if a not in ys], [a for a in ys if a not in xs]
    a, b = laid(x, xs, [*both, *left, *inner]), laid(y, ys, [*both, *inner, *right])
    a = a.reshape(*a.shape[: a.ndim - len(left) - len(inner)], _size(a, len(inner), len(left)), _size(a, 0, len(inner)))
    shape = b.shape[b.ndim - len(right) :]
    rows = laid(x, xs, [*both, *left, *inner]).shape
    rows = rows[len(rows) - len(left) - len(inner) : len(rows) - len(inner)]
    b = b.reshape(
        *b.shape[: b.ndim - len(inner) - len(right)], _size(b, len(right), len(inner)), _size(b, 0, len(right))
    )
    out = a @ b
    return out.reshape((*out.shape[:-2], *rows, *shape)), [*both, *left, *right]


def _size(x: Array, skip: int, count: int) -> int:
    end = x.ndim - skip
    return int(np.prod(x.shape[end - count : end], dtype=int))
