"""Words for what every kernel of a theorem must satisfy: shifts, permutations, scalings, splits, sums, balances.

A record lists them in its operator; the oracle runs them. Nothing here needs a reference. Arrays may be numpy arrays or
torch tensors; axes count from the right, because batch dimensions come first. Numbers that are added or multiplied are
powers of two or coarse, so that the changed inputs are as exact as the inputs were.
"""

from dltsym.relations.calls import adds, increasing, split
from dltsym.relations.changes import duplicated, filled, later, padded, permuted, rotated, scaled, shifted, swapped
from dltsym.relations.families import softmax_average, transport_average
from dltsym.relations.laws import euler, gradient_shift, sums_to, within

__all__ = [
    "adds", "duplicated", "euler", "filled", "gradient_shift", "increasing", "later", "padded", "permuted", "rotated",
    "scaled", "shifted", "softmax_average", "split", "sums_to", "swapped", "transport_average", "within",
]  # fmt: skip
