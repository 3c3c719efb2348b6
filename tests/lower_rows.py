"""What a row of the acceptance table of the tensor compiler is made of; `lower_cases` has the rows.

A row holds an expression in our notation, inputs, a reference written by hand in torch, the ratio of times that is
allowed, and demands on extreme inputs.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from dltsym.lower.compiler import compile as lower

Inputs = dict[str, Any]
Sizes = Mapping[str, int]
Generator = np.random.Generator


@dataclass(frozen=True)
class Asked:
    """What is compiled: expressions, the order of axes and further options."""

    what: Any
    axes: Any = ()
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """One row of the table.

    Attributes
    ----------
    name : str
        Number in the table and what it is.
    build : callable
        Gives what is compiled.
    inputs : callable
        Inputs for a generator and sizes, in float64.
    reference : callable
        The best hand-written torch for the inputs as tensors.
    sizes, small : mapping
        Sizes of the benchmark, and tiny ones that all differ.
    ratio : float
        Time of the generated function over that of the reference that the table allows.
    demands : tuple of callable
        What must hold at extreme inputs; each takes the row.
    dtype : torch.dtype
        Type of the benchmark.
    backward : bool
        Whether the ratio holds for the gradient too.
    compiled : float or None
        Ratio under ``torch.compile``, where the table names one.
    smooth : bool
        Whether the gradient can be checked by differences.
    batches : bool
        Whether the reference takes leading dimensions.
    """

    name: str
    build: Callable[[], Asked]
    inputs: Callable[[Generator, Sizes], Inputs]
    reference: Callable[..., Any]
    sizes: Sizes
    small: Sizes
    ratio: float
    demands: tuple[Callable[[Row], None], ...] = ()
    dtype: torch.dtype = torch.float32
    backward: bool = False
    compiled: float | None = None
    smooth: bool = True
    batches: bool = True

    def kernel(self, **options: Any) -> Any:
        """Compile the row; several results come as a mapping."""
        asked = self.build()
        return lower(asked.what, asked.axes, **{**asked.options, **options})

    def tensors(self, inputs: Inputs, dtype: torch.dtype | None = None, grad: bool = False) -> Inputs:
        """Return inputs as tensors: real ones in a type, scalars as they are."""
        return {k: _tensor(x, dtype or self.dtype, grad) for k, x in inputs.items()}

    def truth(self, inputs: Inputs) -> Any:
        """Return what the reference gives in float64 at inputs that were rounded to the type of the row."""
        rounded = {k: x.double() if _is_real(x) else x for k, x in self.tensors(inputs).items()}
        return self.reference(**rounded)

    def drawn(self, seed: int = 0, sizes: Sizes | None = None) -> Inputs:
        """Return the inputs for a seed."""
        return self.inputs(np.random.default_rng(seed), sizes or self.small)


def _is_real(x: Any) -> bool:
    return isinstance(x, torch.Tensor) and x.is_floating_point()


def _tensor(x: Any, dtype: torch.dtype, grad: bool) -> Any:
    if not isinstance(x, np.ndarray):
        return x
    if x.dtype.kind in "bi":
        return torch.from_numpy(np.ascontiguousarray(x))
    return torch.tensor(x, dtype=dtype, requires_grad=grad)


def gap(got: Any, want: Any) -> float:
    """Return the largest difference relative to the largest entry of what is wanted; infinite if one is not finite."""
    got, want = torch.as_tensor(got).double(), torch.as_tensor(want).double()
    assert got.shape == want.shape, f"shape {tuple(got.shape)}, expected {tuple(want.shape)}"
    if not torch.isfinite(got).all():
        return float("inf")
    return float((got - want).abs().max() / want.abs().max().clamp(min=1e-300))


def each(got: Any, want: Any) -> float:
    """Return the largest relative difference of an entry."""
    got, want = torch.as_tensor(got).double(), torch.as_tensor(want).double()
    assert got.shape == want.shape
    return float(((got - want).abs() / want.abs()).max()) if torch.isfinite(got).all() else float("inf")


def gradients(kernel: Any, values: Inputs) -> list[Any]:
    """Return the gradients of the sum of a result by every tensor that asks for one."""
    wanted = [x for x in values.values() if isinstance(x, torch.Tensor) and x.requires_grad]
    found = torch.autograd.grad(kernel(**values).sum(), wanted, allow_unused=True)
    return [g for g in found if g is not None]


def finite(*results: Any) -> bool:
    """Say whether everything is finite."""
    return all(bool(torch.isfinite(x).all()) for x in results)


def normal(rng: Generator, *shape: int, scale: float = 1.0) -> Any:
    """Draw a standard normal array, scaled."""
    return scale * rng.standard_normal(shape)


def share(rng: Generator, *shape: int) -> Any:
    """Draw positive rows that sum to 1."""
    x = rng.uniform(0.1, 1, shape)
    return x / x.sum(-1, keepdims=True)


class Watch(TorchDispatchMode):
    """Watches arrays being made: the `largest` size, how many of `size` entries were `made`, and the most `alive`."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size, self.largest, self.made, self.alive = size, 0, 0, 0
        self.kept: list[weakref.ref[Any]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation and note what it returns; views make nothing."""
        out = func(*args, **(kwargs or {}))
        if isinstance(out, torch.Tensor) and not func.is_view and out._base is None:
            entries = out.untyped_storage().nbytes() // out.element_size()
            self.largest = max(self.largest, entries)
            if entries == self.size:
                self.made += 1
                self.kept.append(weakref.ref(out))
                self.alive = max(self.alive, sum(r() is not None for r in self.kept))
        return out
