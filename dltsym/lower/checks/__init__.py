"""Kernels held against the expression as written: validation, rounding error, and the judging of other code."""
