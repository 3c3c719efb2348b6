"""What passes hand to each other: inputs, outputs and findings of one compilation. A pass is ``Program -> Program``."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from dltsym.lower.axes import Axis
from dltsym.lower.ir import Table
from dltsym.lower.nodes import Node
from dltsym.lower.report import Finding


@dataclass(frozen=True)
class Input:
    """One argument of a kernel.

    Attributes
    ----------
    name : str
        Name of its references in the IR.
    shape : tuple of str
        Canonical size texts, outermost first; empty for a scalar parameter.
    entries : {"real", "integer", "bool"}
        Type of the entries. Integers are places counted from `base`.
    lo, hi : Fraction or None
        Bounds of every entry.
    lo_open, hi_open : bool
        Whether a bound is excluded.
    sum_one : tuple of int
        Axes over which the entries are known to sum to 1.
    base : int
        For integers: the number of the first place of what they index.
    """

    name: str
    shape: tuple[str, ...] = ()
    entries: str = "real"
    lo: Fraction | None = None
    hi: Fraction | None = None
    lo_open: bool = False
    hi_open: bool = False
    sum_one: tuple[int, ...] = ()
    base: int = 0


@dataclass(frozen=True)
class Output:
    """One result: its node and the order of its axes, which come last; batch axes lead."""

    name: str
    node: Node
    axes: tuple[Axis, ...]


@dataclass(frozen=True)
class Program:
    """One compilation between two passes.

    Attributes
    ----------
    table : Table
        Owner of every node.
    inputs : tuple of Input
        Arguments in order.
    outputs : tuple of Output
        Results.
    findings : tuple of Finding
        What could not be made safe.
    rewrites : tuple of str
        Names of the rewrites that were applied, for the header.
    frozen : tuple
        Contractions of three or more factors whose order is fixed in the source (`dltsym.lower.passes.factor`).
    floors : tuple of (str, int)
        Smallest values of sizes and counts; 1 for those that are not named.
    """

    table: Table
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    findings: tuple[Finding, ...] = ()
    rewrites: tuple[str, ...] = ()
    frozen: tuple[Any, ...] = ()
    floors: tuple[tuple[str, int], ...] = ()
