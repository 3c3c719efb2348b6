"""A callable under test in one shape, whatever it was: inputs by the names of the statement, outputs by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dltsym.implementation import Arithmetic


@dataclass(frozen=True)
class Candidate:
    """A callable under test.

    Attributes
    ----------
    name : str
        For reports.
    call : callable
        From tensors by input name and the modes, ``call(inputs, modes)``, to tensors by output name. Inputs that are
        absent are not in the mapping.
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
    """

    name: str
    call: Callable[[Mapping[str, Any], Mapping[str, Any]], Mapping[str, Any]]
    outputs: tuple[str, ...]
    arithmetic: Callable[[str], Arithmetic]
    grads: tuple[str, ...] = ()
    device: str = "cpu"
    untested: tuple[str, ...] = ()
    modes: Mapping[str, tuple[Any, ...]] | None = None
