"""Gradients of the chunked scan, given the states at chunk starts and the adjoints at chunk ends."""

import triton
import triton.language as tl

from dltsym.kernels.ssd.triton_steps import after, decayed, log_decays, onwards, put, scores_and_reading, tile


@triton.jit
def input_gradient(
    B, C, L, DY, ENDS, DX,
    length, inner, columns, heads, group, chunks,
    y_outer, y_head, y_row, b_outer, b_group, b_row, c_outer, c_group, c_row, l_outer, l_head, l_row,
    PRECISION: tl.constexpr, ACC: tl.constexpr, Q: tl.constexpr, BN: tl.constexpr, BP: tl.constexpr,
):  # fmt: skip
    """Write ``dx = (decay o C B^T)^T dy + e^g B dH`` of one chunk and tile of columns."""
    row = tl.program_id(0).to(tl.int64)
    outer, head = row // heads, row % heads
    c = tl.program_id(1)
    t = c * Q + tl.arange(0, Q)
    p = tl.program_id(2) * BP + tl.arange(0, BP)
    decays = L + outer * l_outer + head * l_head
    dy = tile(DY + outer * y_outer + head * y_head, y_row, t, p, length, columns, ACC)
    scores, reading = scores_and_reading(
        B + outer * b_outer + (head // group) * b_group, b_row, C + outer * c_outer + (head // group) * c_group, c_row,
        ENDS + (row * chunks + c) * inner * columns, c, p, length, inner, columns, False, PRECISION, ACC, Q, BN, BP,
    )  # fmt: skip
    weights = decayed(scores, log_decays(decays, l_row, t, length, ACC), Q)
    dx = onwards(tl.trans(weights), dy, True, PRECISION, ACC)
    until = tl.exp(after(decays, l_row, c, length, Q, ACC))
    dx += until[:, None] * reading
    put(DX + row * length * columns, columns, t, p, length, columns, dx)


@triton.jit
def _products(
    x_rows, x_row, y_rows, y_row, starts, ends, t, n, length, inner, columns,
    PRECISION: tl.constexpr, ACC: tl.constexpr, Q: tl.constexpr, BN: tl.constexpr, BP: tl.constexpr,
):  # fmt: skip
    """Return ``dy x^T``, ``dy H^T``, ``x dH^T`` and ``<H, dH>``, summed over the tiles of columns."""
    pairs = tl.zeros((Q, Q), ACC)
    from_start = tl.zeros((Q, BN), ACC)
    to_end = tl.zeros((Q, BN), ACC)
    through = tl.zeros((BN,), ACC)
    for i in range(0, tl.cdiv(columns, BP)):
        p = i * BP + tl.arange(0, BP)
        x = tile(x_rows, x_row, t, p, length, columns, ACC)
        dy = tile(y_rows, y_row, t, p, length, columns, ACC)
        start = tile(starts, columns, n, p, inner, columns, ACC)
        end = tile(ends, columns, n, p, inner, columns, ACC)
        pairs += tl.dot(dy, tl.trans(x), input_precision=PRECISION, out_dtype=ACC)
        from_start += tl.dot(dy, tl.trans(start), input_precision=PRECISION, out_dtype=ACC)
        to_end += tl.dot(x, tl.trans(end), input_precision=PRECISION, out_dtype=ACC)
        through += tl.sum(start * end, 1)
    return pairs, from_start, to_end, tl.sum(through, 0)


@triton.jit
def _decay_gradient(crossing, from_start, to_end, through, Q: tl.constexpr):
    """Return the derivative by each log decay: the sum of everything that crosses its step."""
    # What starts at s crosses all later steps, so those sums stand one place to the left: a selection moves them.
    # Differences of <dy, y> and <dx, x> would be shorter, and cancel where decay is strong.
    t = tl.arange(0, Q)[:, None]
    s = tl.arange(0, Q)[None, :]
    inside = tl.sum(tl.where(t > s, tl.cumsum(crossing, 1), 0.0), 0) + tl.cumsum(to_end, 0)
    moved = tl.sum(tl.where(t == s + 1, inside[None, :], 0.0), 1)
    return moved + tl.cumsum(from_start, 0, reverse=True) + through


@triton.jit
def other_gradients(
    X, B, C, L, DY, STARTS, ENDS, DB, DC, DL,
    length, inner, columns, heads, group, chunks,
    x_outer, x_head, x_row, y_outer, y_head, y_row,
    b_outer, b_group, b_row, c_outer, c_group, c_row, l_outer, l_head, l_row,
    PRECISION: tl.constexpr, ACC: tl.constexpr, Q: tl.constexpr, BN: tl.constexpr, BP: tl.constexpr,
):  # fmt: skip
    """Write the gradients by B, C (one part per head) and by the log decays (one part per tile of the state)."""
    row = tl.program_id(0).to(tl.int64)
    outer, head = row // heads, row % heads
    c = tl.program_id(1)
    t = c * Q + tl.arange(0, Q)
    n = tl.program_id(2) * BN + tl.arange(0, BN)
    decays = L + outer * l_outer + head * l_head
    b = tile(B + outer * b_outer + (head // group) * b_group, b_row, t, n, length, inner, ACC)
    cs = tile(C + outer * c_outer + (head // group) * c_group, c_row, t, n, length, inner, ACC)
    log_a = log_decays(decays, l_row, t, length, ACC)
    since = tl.exp(tl.cumsum(log_a, 0))[:, None]
    until = tl.exp(after(decays, l_row, c, length, Q, ACC))[:, None]
    plane = (row * chunks + c) * inner * columns
    pairs, from_start, to_end, through = _products(
        X + outer * x_outer + head * x_head, x_row, DY + outer * y_outer + head * y_head, y_row,
        STARTS + plane, ENDS + plane, t, n, length, inner, columns, PRECISION, ACC, Q, BN, BP,
    )  # fmt: skip
    weighted = decayed(pairs, log_a, Q)
    # No `onwards` here: it would spill registers. A nan in C reaches dB of its whole chunk, one in B reaches dC.
    db = tl.dot(tl.trans(weighted), cs, input_precision=PRECISION, out_dtype=ACC) + until * to_end
    dc = tl.dot(weighted, b, input_precision=PRECISION, out_dtype=ACC) + since * from_start
    put(DB + row * length * inner, inner, t, n, length, inner, db)
    put(DC + row * length * inner, inner, t, n, length, inner, dc)
    crossing = weighted * tl.dot(cs, tl.trans(b), input_precision=PRECISION, out_dtype=ACC)
    into, out_of = tl.sum(since * from_start * cs, 1), tl.sum(until * to_end * b, 1)
    through = through * tl.exp(tl.sum(log_a, 0))
    dl = _decay_gradient(crossing, into, out_of, through, Q)
    tl.store(DL + (row * tl.num_programs(2) + tl.program_id(2)) * length + t, dl, mask=t < length)
