"""The one rule that chooses between a Triton kernel and its plain torch twin."""

from __future__ import annotations

import os
from importlib.util import find_spec
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from dltsym.errors import DTypeError, ShapeError, UnknownKey, UnsupportedError, suggest

if TYPE_CHECKING:
    import torch

BACKENDS = ("auto", "triton", "torch")
PRECISIONS = ("tf32x3", "tf32", "ieee")


def interpreted() -> bool:
    """Tell whether Triton's interpreter is asked for; it is read once, when triton is first imported.

    Returns
    -------
    bool
    """
    return os.environ.get("TRITON_INTERPRET") == "1"


def compiling() -> bool:
    """Tell whether launches are only compiled, for hardware that is not there; nothing runs.

    Returns
    -------
    bool
    """
    return os.environ.get("DLTSYM_COMPILE_ONLY") == "1"


def chosen(backend: str, *tensors: torch.Tensor | None) -> str:
    """Choose what runs: Triton for tensors on an accelerator, the torch twin on the CPU, unless one is asked for.

    Parameters
    ----------
    backend : {"auto", "triton", "torch"}
        What the caller asks for.
    *tensors : Tensor or None
        Arguments.

    Returns
    -------
    {"triton", "torch"}

    Raises
    ------
    UnknownKey
        For an unknown backend.
    UnsupportedError
        When Triton is asked for and cannot run: not installed, or the tensors are on the CPU outside its interpreter.
    """
    if backend not in BACKENDS:
        raise UnknownKey(f"no backend {backend!r}; there are {', '.join(BACKENDS)}{suggest(backend, BACKENDS)}")
    on_cpu = all(t is None or t.device.type == "cpu" for t in tensors)
    if backend == "auto":
        return "torch" if on_cpu or find_spec("triton") is None else "triton"
    if backend == "triton":
        if find_spec("triton") is None:
            raise UnsupportedError("triton is not installed; pip install dltsym[gpu]")
        if on_cpu and not (interpreted() or compiling()):
            raise UnsupportedError(
                "triton needs tensors on an accelerator; on the CPU set TRITON_INTERPRET=1 before triton is imported"
            )
    return backend


def require_tensors(kernel: str, **given: Any) -> None:
    """Refuse what is no dense tensor, in words; an argument that may be left out is None then.

    Parameters
    ----------
    kernel : str
        Who asks.
    **given : Tensor or None
        Arguments by name.

    Raises
    ------
    DTypeError
        Naming the first argument that is none, and what to write.
    """
    torch = torch_module()
    for name, x in given.items():
        if x is not None and not isinstance(x, torch.Tensor):
            kind = type(x).__name__
            raise DTypeError(f"{kernel}: {name} is of type {kind}, expected a torch tensor; write torch.as_tensor(...)")
        if x is not None and x.layout != torch.strided:
            raise DTypeError(f"{kernel}: {name} has the layout {x.layout}, expected a dense tensor; use to_dense()")


def require_numbers(kernel: str, **given: Any) -> None:
    """Refuse what is neither a real number nor a dense tensor, in words.

    Parameters
    ----------
    kernel : str
        Who asks.
    **given : float or Tensor
        Arguments by name.

    Raises
    ------
    DTypeError
        Naming the first argument that is neither.
    """
    torch = torch_module()
    for name, x in given.items():
        if isinstance(x, torch.Tensor):
            require_tensors(kernel, **{name: x})
            if x.is_complex():
                raise DTypeError(f"{kernel}: {name} has the type {x.dtype}, expected a real number or a real tensor")
        elif not isinstance(x, Real):
            raise DTypeError(f"{kernel}: {name} is of type {type(x).__name__}, expected a real number or a real tensor")


def require_integers(kernel: str, **given: Any) -> None:
    """Refuse a count that is no integer, in words.

    Parameters
    ----------
    kernel : str
        Who asks.
    **given : int
        Arguments by name.

    Raises
    ------
    DTypeError
        Naming the first argument that is none.
    """
    for name, x in given.items():
        if not isinstance(x, Integral) or isinstance(x, bool):
            raise DTypeError(f"{kernel}: {name} = {x!r} is no integer")


def require_precision(kernel: str, dot: str) -> None:
    """Refuse an unknown precision of matrix products, whatever runs.

    Parameters
    ----------
    kernel : str
        Who asks.
    dot : str
        Precision.

    Raises
    ------
    UnknownKey
        For an unknown one.
    """
    if dot not in PRECISIONS:
        raise UnknownKey(f"{kernel}: no dot {dot!r}{suggest(str(dot), PRECISIONS)}; there are {', '.join(PRECISIONS)}")


def leading(kernel: str, **shapes: Any) -> tuple[int, ...]:
    """Broadcast the leading dimensions of several arguments.

    Parameters
    ----------
    kernel : str
        Who asks.
    **shapes : tuple of int
        Leading dimensions by name of argument.

    Returns
    -------
    tuple of int

    Raises
    ------
    ShapeError
        When they do not broadcast.
    """
    try:
        return tuple(torch_module().broadcast_shapes(*shapes.values()))
    except RuntimeError:
        told = ", ".join(f"{name} {tuple(shape)}" for name, shape in shapes.items())
        raise ShapeError(f"{kernel}: the leading dimensions do not broadcast: {told}") from None


def torch_module() -> Any:
    """Return torch, or say which extra brings it.

    Returns
    -------
    module

    Raises
    ------
    UnsupportedError
        When torch is not installed.
    """
    try:
        import torch
    except ImportError:
        raise UnsupportedError("torch is not installed; pip install dltsym[torch]") from None
    return torch
