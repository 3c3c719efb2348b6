"""What the forward and the backward kernels share: tiles of rows, and masked scores to the base 2."""

from __future__ import annotations

import triton
import triton.language as tl

MASKED = tl.constexpr(-1e30)
"""Score of a key that is not visible. It is finite: -inf - (-inf) would be nan."""
EMPTY = tl.constexpr(-5e29)
"""A largest score below this belongs to a row without any visible key."""


@triton.jit
def place(length, heads, BLOCK: tl.constexpr):
    """Return batch times head, batch, head, and first row of this program; long rows of a causal mask come first."""
    blocks = tl.cdiv(length, BLOCK)
    pid = tl.program_id(0)
    z = (pid // blocks).to(tl.int64)
    return z, z // heads, z % heads, (blocks - 1 - pid % blocks) * BLOCK


@triton.jit
def tile(base, rows, limit, stride, WIDTH: tl.constexpr, PADDED: tl.constexpr):
    """Load rows of a matrix, padded with zeros to a width that a matrix product takes."""
    cols = tl.arange(0, PADDED)
    inside = (rows < limit)[:, None] & (cols < WIDTH)[None, :]
    return tl.load(base + (rows.to(tl.int64) * stride)[:, None] + cols[None, :], mask=inside, other=0.0)


@triton.jit
def put(base, rows, limit, value, WIDTH: tl.constexpr, PADDED: tl.constexpr):
    """Store rows of a contiguous matrix."""
    cols = tl.arange(0, PADDED)
    inside = (rows < limit)[:, None] & (cols < WIDTH)[None, :]
    tl.store(base + (rows.to(tl.int64) * WIDTH)[:, None] + cols[None, :], value.to(base.dtype.element_ty), mask=inside)


@triton.jit
def distance(rows, cols, n, m, like):
    """Return how far query and key are apart when the last query is aligned with the last key."""
    return tl.abs(rows + (m - n) - cols).to(like.dtype)


@triton.jit
def scores(
    product, rows, cols, prior, slope, scale, n, m,
    CAUSAL: tl.constexpr, HAS_LP: tl.constexpr, HAS_SLOPE: tl.constexpr, TAIL: tl.constexpr,
):  # fmt: skip
    """Return scores to the base 2 from products of queries and keys; the prior comes after the temperature."""
    # A score of -inf becomes a finite one: 0 * -inf in the gradient of the entropy would be nan. A comparison, not a
    # maximum, does this, because on a GPU the maximum of nan and a number is the number.
    x = product * scale
    if HAS_LP:
        x += prior
    if HAS_SLOPE:
        x -= slope * distance(rows, cols, n, m, x)
    if TAIL:
        x = tl.where(cols < m, x, MASKED)
    if CAUSAL:
        x = tl.where(cols <= rows + (m - n), x, MASKED)
    return tl.where(x < MASKED, MASKED, x)
