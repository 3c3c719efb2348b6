"""Which of the two lowerings serves a record: closed scalar kernels, or the tensor compiler."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dltsym.errors import DltsymError, UnknownNode
from dltsym.lower import closed
from dltsym.lower.front.computed import BACKENDS, computed

if TYPE_CHECKING:
    from dltsym.record import Theorem


def kernel(theorem: Theorem, backend: str, of: str | None, options: Mapping[str, Any]) -> Any:
    """Return a kernel of a record.

    Parameters
    ----------
    theorem : Theorem
        Record.
    backend : {"numpy", "torch", "ball", "triton"}
        Where it runs.
    of : str or None
        One output.
    options : mapping
        Options of the tensor compiler; none for a closed kernel.

    Returns
    -------
    Kernel

    Raises
    ------
    UnknownNode
        When neither lowering can represent an output; the reason is that of the closed one.
    """
    from dltsym.lower.compiler import compile as compiled

    closed_form = bool(theorem.outputs) if of is None else of in theorem.outputs
    if theorem.algorithm is not None and not closed_form:
        return computed(theorem, backend, of, options)
    if options or backend == "triton":
        return compiled(theorem, backend=backend, of=of, **options)
    try:
        return closed.kernel(theorem, backend, of)
    except UnknownNode as reason:
        try:
            return compiled(theorem, backend=backend, of=of)
        except UnknownNode:
            raise reason from None


def backends(theorem: Theorem) -> list[str]:
    """Return the backends that can evaluate every output of a record.

    Parameters
    ----------
    theorem : Theorem
        Record.

    Returns
    -------
    list of str
    """
    if theorem.algorithm is not None and not theorem.outputs:
        return list(BACKENDS)
    known = closed.backends(theorem)
    if known or not theorem.outputs:
        return known
    try:
        kernel(theorem, "numpy", None, {})
    except DltsymError:
        return []
    return ["numpy", "torch", "ball"]
