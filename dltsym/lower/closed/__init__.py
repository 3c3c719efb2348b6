"""Closed forms over scalars, with extended exponents; outputs over arrays run the tensor kernel; see `kernel`."""

from dltsym.lower.closed.kernel import BACKENDS, Kernel, backends, kernel

__all__ = ["BACKENDS", "Kernel", "backends", "kernel"]
