"""Conversion and alignment of printed values."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from dataclasses import replace

from dltsym.lower.axes import Axis
from dltsym.lower.printers.target import Target
from dltsym.lower.printers.value import ATOM, Value


class Aligner(ABC):
    """The part of a printer that gives values the type and the dimensions that their consumer needs.

    Attributes
    ----------
    target : Target
        Backend.
    dtype, device : str
        Text of the compute type and of the device.
    rank : dict of Axis to int
        Common order of axes.
    leading : frozenset of Axis
        Axes that come first while a broadcast sum over them is printed.
    """

    target: Target
    dtype: str
    device: str
    rank: dict[Axis, int]
    leading: frozenset[Axis]

    def real(self, value: Value) -> Value:
        """Convert integers and truths to the compute type.

        Parameters
        ----------
        value : Value
            Value.

        Returns
        -------
        Value
        """
        if value.kind == "real" or (value.pure and value.kind == "integer"):
            return value
        return self.cast(value, self.dtype, "real")

    def cast(self, value: Value, dtype: str, kind: str) -> Value:
        """Convert a value.

        Parameters
        ----------
        value : Value
            Value.
        dtype : str
            Text of the type.
        kind : str
            Kind of the result.

        Returns
        -------
        Value
        """
        if value.pure:
            return self.lift(value, dtype, kind)
        code = value.filled(self.target.cast, dtype=dtype)
        return replace(value, code=code, kind=kind, level=ATOM)

    def lift(self, value: Value, dtype: str = "", kind: str = "real") -> Value:
        """Turn a number into an array without dimensions.

        Parameters
        ----------
        value : Value
            Value; one that is an array already is returned.
        dtype : str
            Text of the type; the compute type if empty.
        kind : str
            Kind of the result.

        Returns
        -------
        Value
        """
        if value.host:
            code = self.target.tensor.format(value.code, dtype=self.dtype, device=self.device)
            return Value(code)
        if not value.pure:
            return value
        code = self.target.lift.format(value.code, dtype=dtype or self.dtype, device=self.device)
        return Value(code, kind=kind, batch=False)

    def order(self, axes: frozenset[Axis] | set[Axis]) -> tuple[Axis, ...]:
        """Return axes in the common order.

        Parameters
        ----------
        axes : set of Axis
            Axes.

        Returns
        -------
        tuple of Axis
        """
        return tuple(sorted(axes, key=lambda a: (a not in self.leading, self.rank.get(a, len(self.rank)), a)))

    def permuted(self, value: Value, axes: tuple[Axis, ...]) -> Value:
        """Return the value with its axes in another order.

        Parameters
        ----------
        value : Value
            Value.
        axes : tuple of Axis
            The same axes.

        Returns
        -------
        Value
        """
        if value.axes == axes:
            return value
        if value.axes[:-2] == axes[:-2]:
            return replace(value, code=value.filled(self.target.mT), axes=axes, level=ATOM)
        rank = len(axes)
        moved = [(value.axes.index(a) - rank, q - rank) for q, a in enumerate(axes) if value.axes[q] != a]
        source, target = (f"({', '.join(str(m[k]) for m in moved)})" for k in (0, 1))
        code = value.filled(self.target.move, source=source, target=target)
        return replace(value, code=code, axes=axes, level=ATOM)

    def aligned(self, value: Value, order: tuple[Axis, ...]) -> Value:
        """Return the value with dimensions for all axes of an order, of length 1 where it has none.

        Parameters
        ----------
        value : Value
            Value with a subset of the axes.
        order : tuple of Axis
            Order.

        Returns
        -------
        Value
        """
        if value.pure or not order:
            return value
        if value.host:
            return Value(f"_pad({value.code}, {len(order)})", tuple(order))
        if value.keep[0] == value.code and value.keep[2] == tuple(a if a in value.axes else None for a in order):
            return replace(value, code=value.keep[1], axes=order)
        axes = tuple(a for a in order if a in value.axes)
        if self.leading and axes != value.axes and len(axes) < len(order):
            # Rows of a broadcast sum must be contiguous; copying the small operand is worth it.
            moved = self.permuted(value, axes)
            value = replace(moved, code=moved.filled(self.target.dense))
        value = self.permuted(value, axes)
        picks = [":" if a in value.axes else "None" for a in order]
        if not value.batch:
            while picks and picks[0] == "None":
                picks = picks[1:]
            return value if not picks else value.indexed(picks, order)
        return value.indexed(picks, order)

    def align(self, value: Value, order: Sequence[Axis], level: int = ATOM) -> str:
        """Return the text of an aligned value.

        Parameters
        ----------
        value : Value
            Value.
        order : sequence of Axis
            Order.
        level : int
            Needed level.

        Returns
        -------
        str
        """
        return self.aligned(self.lift(value) if value.host else value, tuple(order)).inside(level)
