"""Lowering: expressions in index notation to fast, stable array code, with its rounding error known; see README.md."""
