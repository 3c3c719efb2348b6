"""What kernels of a theorem compute: the tensor statement, its modes, and relations that every kernel must satisfy.

Everything here is data that a record file writes down. Nothing is evaluated: the oracle does that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dltsym.notation.tree import Expr, Sym

__all__ = ["Law", "Operator", "Relation", "Root"]


@dataclass(frozen=True)
class Root:
    """An output that is defined implicitly: the only zero in ``unknown`` of an increasing `residual` on [lo, hi].

    Attributes
    ----------
    unknown : Sym
        Declared symbol that stands for the output in the residual.
    residual : Expr
        Increasing in the unknown; at most 0 at `lo`. Where it is still negative at `hi`, the output is `hi`.
    lo, hi : Expr
        Ends of the bracket.
    """

    unknown: Sym
    residual: Expr
    lo: Expr
    hi: Expr


@dataclass(frozen=True)
class Relation:
    """A change of the inputs whose effect on the outputs is known; it needs no reference.

    Attributes
    ----------
    name : str
        What is changed, in a few words.
    change : callable
        From the inputs by name to the changed inputs, or to a tuple of them when it takes several calls.
    expect : callable
        From the outputs and the inputs before the change to the outputs after it; outputs that it leaves out are not
        compared, and neither are entries that are nan.
    exact : bool
        Whether the outputs of the kernels of this package must agree bit for bit. A theorem promises values, not bits:
        those of other callables must agree within their tolerances.
    when : callable, optional
        Tells from inputs and modes whether the relation applies.
    read : callable, optional
        From the outputs of the changed calls, a tuple, and those before the change to what is compared; by default the
        outputs of the only changed call.
    modes : mapping
        Modes of the changed calls, where they differ.
    """

    name: str
    change: Callable[[dict[str, Any]], Mapping[str, Any] | tuple[Mapping[str, Any], ...]]
    expect: Callable[[Mapping[str, Any], Mapping[str, Any]], Mapping[str, Any]]
    exact: bool = False
    when: Callable[[Mapping[str, Any], Mapping[str, Any]], bool] | None = None
    read: Callable[[tuple[Mapping[str, Any], ...], Mapping[str, Any]], Mapping[str, Any]] | None = None
    modes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Law:
    """A property of one call: rows that sum to 1, an entropy between its bounds, two gradients that must balance.

    Attributes
    ----------
    name : str
        What holds, in a few words.
    residual : callable
        From inputs, outputs and gradients (``d<input>``, ``cotangent_<output>``) to an array that must be 0.
    allowed : callable
        From inputs, outputs and the tolerances of all results (the same names) to how far from 0 it may be.
    gradients : bool
        Whether it speaks of gradients.
    when : callable, optional
        Tells from inputs and modes whether the law applies.
    """

    name: str
    residual: Callable[[Mapping[str, Any], Mapping[str, Any]], Any]
    allowed: Callable[[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]], Any]
    gradients: bool = False
    when: Callable[[Mapping[str, Any], Mapping[str, Any]], bool] | None = None


@dataclass(frozen=True)
class Operator:
    """What the kernels of a theorem compute.

    Attributes
    ----------
    statement : callable
        From the modes to the outputs by name; free indices are the axes of an output. A mode is a static choice (mask,
        a discretisation, a number of steps) that changes the formula.
    axes : mapping of str to str
        For each output the order of its axes by index names, such as ``"i c"``.
    modes : mapping of str to tuple
        Allowed values by name; the first is the default.
    absent : mapping of str to number
        Inputs that a caller may leave out, and the value that they then have.
    grads : tuple of str
        Inputs that kernels may differentiate by.
    exact : tuple of str
        Outputs that are integers and must agree exactly.
    relations : tuple of Relation or Law
        What every kernel must satisfy.
    forms : mapping of str to callable
        Other statements with the same value, proved equal in the record; a kernel that claims one is charged the
        rounding errors of that form.
    weights : tuple of str
        Inputs that are log weights, made to sum to 1 along their last axis: adding a constant to all changes nothing.
    """

    statement: Callable[..., Mapping[str, Expr | Root]]
    axes: Mapping[str, str]
    modes: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    absent: Mapping[str, float] = field(default_factory=dict)
    grads: tuple[str, ...] = ()
    exact: tuple[str, ...] = ()
    relations: tuple[Relation | Law, ...] = ()
    forms: Mapping[str, Callable[..., Mapping[str, Expr | Root]]] = field(default_factory=dict)
    weights: tuple[str, ...] = ()
