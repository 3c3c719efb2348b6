"""Lowering: records to callables. This part lowers closed forms over scalars and small arrays; see `kernel`."""

from dltsym.lower.kernel import BACKENDS, Kernel, backends, kernel

__all__ = ["BACKENDS", "Kernel", "backends", "kernel"]
