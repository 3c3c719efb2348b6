"""A callable under test in one shape, whatever it was: inputs by the names of the statement, outputs by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dltsym.errors import DltsymError
from dltsym.implementation import Arithmetic

__all__ = ["Candidate", "Misbehaved"]


class Misbehaved(DltsymError):
    """A callable did what no kernel may do: it changed an input, or wrote beside its output, or left it unwritten.

    Parameters
    ----------
    kind : str
        ``mutated input``, ``out of bounds`` or ``unwritten``.
    message : str
        What happened to which array.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class Candidate:
    """A callable under test.

    Attributes
    ----------
    name : str
        For reports.
    call : callable
        From tensors by input name and the modes, ``call(inputs, modes)``, to tensors by output name. Inputs that are
        absent are not in the mapping. A result that was mapped by an inverted expression is in double precision.
    outputs : tuple of str
        Outputs of the statement that it returns.
    arithmetic : callable
        From a type such as ``"float32"`` to its contract.
    grads : tuple of str
        Inputs that autograd can differentiate its outputs by.
    device : str
        Where its tensors have to be.
    untested : tuple of str
        Inputs that the mapping fixes to one value.
    modes : mapping of str to tuple
        The modes that it takes, with the values that it accepts; others are left at their default.
    fixed : mapping of str to callable
        For each input in `untested` its value from the sizes by name; None for one that is absent in every call.
    dtypes : tuple of str
        Types that it takes; empty for all.
    parts : callable, optional
        From the shapes of the inputs to the batches, counted from the last, along which it is called part by part: it
        never sees the sum of the gradients of these parts.
    kind : str
        What it was: ``torch``, ``numpy``, ``kernel``, ``library`` and so on.
    """

    name: str
    call: Callable[[Mapping[str, Any], Mapping[str, Any]], Mapping[str, Any]]
    outputs: tuple[str, ...]
    arithmetic: Callable[[str], Arithmetic]
    grads: tuple[str, ...] = ()
    device: str = "cpu"
    untested: tuple[str, ...] = ()
    modes: Mapping[str, tuple[Any, ...]] | None = None
    fixed: Mapping[str, Callable[[Mapping[str, int]], float] | None] = field(default_factory=dict)
    dtypes: tuple[str, ...] = ()
    parts: Callable[[Mapping[str, tuple[int, ...]]], tuple[int, ...]] | None = None
    kind: str = "torch"
