"""Axes, and the places of array entries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, order=True)
class Axis:
    """A named axis; `size` is canonical text, arithmetic in size names such as ``n`` or ``n - 1``."""

    name: str
    size: str

    # Axes are compared and hashed more than anything else; the generated methods build tuples of tuples
    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Axis) and self.name == other.name and self.size == other.size)

    def __hash__(self) -> int:
        return hash((self.name, self.size))

    def __repr__(self) -> str:
        return f"{self.name}<{self.size}"


@dataclass(frozen=True, slots=True)
class Shift:
    """The place ``axis + by`` of an array entry; the range must fit the array."""

    axis: Axis
    by: int


@dataclass(frozen=True, slots=True)
class Slot:
    """The place of an array entry that argument number `arg` of the reference gives, an integer-valued node."""

    arg: int


_NAMED = (tuple, Axis, Shift)


def mapped(data: Any, names: Mapping[Axis, Axis]) -> Any:
    """Rename the axes in the data of a node.

    Parameters
    ----------
    data : tuple
        Data.
    names : mapping of Axis to Axis
        New names.

    Returns
    -------
    tuple
    """
    kind = type(data)
    if kind is tuple:
        return tuple([mapped(d, names) if type(d) in _NAMED else d for d in data])
    if kind is Axis:
        return names.get(data, data)
    return Shift(names.get(data.axis, data.axis), data.by) if kind is Shift else data


def mentioned(data: Any) -> list[Axis]:
    """Return the axes in the data of a node, in order.

    Parameters
    ----------
    data : tuple
        Data.

    Returns
    -------
    list of Axis
    """
    if isinstance(data, Axis | Shift):
        return [data if isinstance(data, Axis) else data.axis]
    return [a for d in data for a in mentioned(d)] if isinstance(data, tuple) else []
