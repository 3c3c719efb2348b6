"""Outputs of the chunked scan: inside a chunk masked attention, and what the state at its start gives."""

import triton
import triton.language as tl

from dltsym.kernels.ssd.triton_steps import decayed, log_decays, onwards, put, scores_and_reading, tile


@triton.jit
def outputs(
    X, B, C, L, STARTS, Y,
    length, inner, columns, heads, group, chunks,
    x_outer, x_head, x_row, b_outer, b_group, b_row, c_outer, c_group, c_row, l_outer, l_head, l_row,
    PRECISION: tl.constexpr, ACC: tl.constexpr, Q: tl.constexpr, BN: tl.constexpr, BP: tl.constexpr,
):  # fmt: skip
    """Write ``y = (decay o C B^T) x + e^l C H`` of one chunk and tile of columns."""
    row = tl.program_id(0).to(tl.int64)
    outer, head = row // heads, row % heads
    c = tl.program_id(1)
    t = c * Q + tl.arange(0, Q)
    p = tl.program_id(2) * BP + tl.arange(0, BP)
    log_a = log_decays(L + outer * l_outer + head * l_head, l_row, t, length, ACC)
    x = tile(X + outer * x_outer + head * x_head, x_row, t, p, length, columns, ACC)
    scores, reading = scores_and_reading(
        B + outer * b_outer + (head // group) * b_group, b_row, C + outer * c_outer + (head // group) * c_group, c_row,
        STARTS + (row * chunks + c) * inner * columns, c, p, length, inner, columns, True, PRECISION, ACC, Q, BN, BP,
    )  # fmt: skip
    y = onwards(decayed(scores, log_a, Q), x, False, PRECISION, ACC)
    since = tl.exp(tl.cumsum(log_a, 0))
    y += since[:, None] * reading
    put(Y + row * length * columns, columns, t, p, length, columns, y)
