"""Closed forms over scalars and small arrays, with extended exponents; see `kernel`."""

from dltsym.lower.closed.kernel import BACKENDS, Kernel, backends, kernel

__all__ = ["BACKENDS", "Kernel", "backends", "kernel"]
