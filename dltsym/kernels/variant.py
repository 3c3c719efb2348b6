"""How a family says which of its launches the compiler has to build: by example calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Variant"]


@dataclass(frozen=True)
class Variant:
    """One example call; every kernel that it launches is compiled as launched, and nothing runs.

    A family lists its variants in ``variants.py`` as a function ``variants()`` without arguments. Tensors are on the
    CPU, outputs stay as allocated, so a call must not branch on results.

    Attributes
    ----------
    name : str
        Short name, unique in the family, such as ``"bf16 d=64 causal"``.
    call : callable
        Runs the public function with ``backend="triton"``, and its gradient if that has kernels of its own.
    tensor_cores : bool
        Whether every kernel with a matrix product must use tensor cores.
    stack : mapping of str to str
        Kernels that may spill registers, by the name of the jit function, with the reason.
    """

    name: str
    call: Callable[[], Any]
    tensor_cores: bool = True
    stack: Mapping[str, str] = field(default_factory=dict)
