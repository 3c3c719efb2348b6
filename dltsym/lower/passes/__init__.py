"""Rewrites of the tensor IR, one file each, in the order of `dltsym.lower.compiler`."""
