"""What a callable is held against: a theorem's operator, any compiled expression, or a user's own statement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dltsym.operators import Law, Relation


@dataclass(frozen=True)
class SpecInput:
    """An input: its axes as sizes, what its entries are, its domain, and the value that stands for its absence."""

    name: str
    axes: tuple[str, ...]
    kind: str = "real"
    lo: float | None = None
    hi: float | None = None
    lo_open: bool = False
    hi_open: bool = False
    absent: float | None = None


@dataclass(frozen=True)
class SpecOutput:
    """An output: its axes as sizes, and whether it is an integer that must agree exactly."""

    name: str
    axes: tuple[str, ...]
    exact: bool = False


@dataclass(frozen=True, eq=False)
class Spec:
    """A statement to hold callables against.

    Attributes
    ----------
    key, title : str
        Theorem, or a name of the user's.
    inputs, outputs : tuple
        In the order of the statement.
    sizes : mapping of str to int
        Names of the sizes and the smallest value of each.
    modes : mapping of str to tuple
        Static choices, the default first.
    grads : tuple of str
        Inputs with gradients.
    relations : tuple of Relation or Law
        What every implementation must satisfy.
    weights : tuple of str
        Log weights of which only differences count.
    """

    key: str
    title: str
    inputs: tuple[SpecInput, ...]
    outputs: tuple[SpecOutput, ...]
    sizes: Mapping[str, int]
    modes: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    grads: tuple[str, ...] = ()
    relations: tuple[Relation | Law, ...] = ()
    weights: tuple[str, ...] = ()
