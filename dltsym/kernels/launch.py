"""What every launcher does: pick the accumulator, wrap scalars, size blocks, start the kernel and explain a failure."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
import triton
import triton.language as tl

from dltsym.errors import DTypeError, UnsupportedError
from dltsym.kernels.dispatch import interpreted

__all__ = ["block", "cdiv", "launch", "scalar", "storage_types"]

ACCUMULATORS = {
    torch.float64: (torch.float64, tl.float64),
    torch.float32: (torch.float32, tl.float32),
    torch.float16: (torch.float32, tl.float32),
    torch.bfloat16: (torch.float32, tl.float32),
}
cdiv = triton.cdiv


def storage_types(x: torch.Tensor) -> tuple[torch.dtype, Any]:
    """Return the accumulator of a tensor's type: double for double, single for everything shorter.

    Parameters
    ----------
    x : Tensor
        Input.

    Returns
    -------
    tuple
        The type for torch, and for Triton (the constant ``ACC`` of a kernel).

    Raises
    ------
    DTypeError
        For a type that no kernel takes.
    """
    if x.dtype not in ACCUMULATORS:
        raise DTypeError(f"no kernel takes {x.dtype}; there are {', '.join(str(d)[6:] for d in ACCUMULATORS)}")
    return ACCUMULATORS[x.dtype]


def scalar(value: float | torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Put a number into a tensor of one element, in the accumulator's type.

    A Python float would be double precision in the interpreter and single precision on hardware.

    Parameters
    ----------
    value : float or Tensor
        Number, or a tensor of one element.
    like : Tensor
        Whose device and accumulator to take.

    Returns
    -------
    Tensor
        Of shape (1,).
    """
    acc, _ = storage_types(like)
    # The type is named at once: a Python float would pass through single precision otherwise. Filling is no copy from
    # the host, which would wait for the device, and could not be part of a graph.
    if not isinstance(value, torch.Tensor):
        return torch.full((1,), float(value), dtype=acc, device=like.device)
    return value.to(like.device, acc).detach().reshape(1)


def block(n: int, least: int = 16, most: int | None = None) -> int:
    """Return the next power of two, at least `least` (16 is the smallest side of a matrix product).

    Parameters
    ----------
    n : int
        Length to cover.
    least, most : int
        Limits.

    Returns
    -------
    int
    """
    size = max(least, triton.next_power_of_2(max(n, 1)))
    return size if most is None else min(size, most)


def launch(kernel: Any, grid: tuple[int, ...] | Callable[..., tuple[int, ...]], *args: Any, **options: Any) -> None:
    """Start a kernel on the device of its first tensor.

    Parameters
    ----------
    kernel : JITFunction
        Kernel.
    grid : tuple of int or callable
        Number of programs; where one number is 0 nothing is started.
    *args, **options
        Arguments, constants, ``num_warps``, ``num_stages``.

    Raises
    ------
    UnsupportedError
        When there is neither a device nor the interpreter.
    RuntimeError
        As Triton raised it.
    """
    if not callable(grid) and 0 in grid:
        return
    tensors = (a for a in (*args, *options.values()) if isinstance(a, torch.Tensor))
    on = next((t.device for t in tensors if t.is_cuda), None)
    try:
        with torch.cuda.device(on) if on is not None else _quiet():
            kernel[grid](*args, **options)
    except RuntimeError as e:
        if "active drivers" not in str(e):
            raise
        raise UnsupportedError(
            "triton found no device; set TRITON_INTERPRET=1 before triton is imported to run kernels on the CPU"
        ) from None


def _quiet() -> AbstractContextManager[Any]:
    """Ignore what numpy says of the interpreter's overflows and nan: hardware says nothing either."""
    return _Quiet() if interpreted() else nullcontext()


class _Quiet(warnings.catch_warnings):
    def __enter__(self) -> None:
        super().__enter__()
        warnings.filterwarnings("ignore", "All-NaN")
        self._numpy = np.errstate(all="ignore")
        self._numpy.__enter__()

    def __exit__(self, *what: object) -> None:
        self._numpy.__exit__(*what)
        super().__exit__(*what)
