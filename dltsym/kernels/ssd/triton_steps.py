"""Pieces that the kernels of the chunked scan share: tiles, segment sums and decays, and the pass over the chunks.

Rows behind the end have log decay 0 and no input: they change no state.
"""

import triton
import triton.language as tl


@triton.jit
def tile(X, stride, t, p, rows, columns, ACC: tl.constexpr):
    """Load rows `t` and columns `p` in the accumulator's type, 0 where nothing is there."""
    live = (t < rows)[:, None] & (p < columns)[None, :]
    return tl.load(X + t.to(tl.int64)[:, None] * stride + p[None, :], mask=live, other=0.0).to(ACC)


@triton.jit
def put(X, stride, t, p, rows, columns, values):
    """Store a tile in the type of its array."""
    live = (t < rows)[:, None] & (p < columns)[None, :]
    tl.store(X + t.to(tl.int64)[:, None] * stride + p[None, :], values.to(X.dtype.element_ty), mask=live)


@triton.jit
def log_decays(L, stride, t, length, ACC: tl.constexpr):
    """Load the log decays of steps `t`."""
    return tl.load(L + t.to(tl.int64) * stride, mask=t < length, other=0.0).to(ACC)


@triton.jit
def after(L, stride, c, length, Q: tl.constexpr, ACC: tl.constexpr):
    """Return the sums of log decays from each step of a chunk, itself left out, to its end."""
    place = tl.arange(0, Q)
    t = c * Q + place + 1
    later = tl.where(place < Q - 1, log_decays(L, stride, t, length, ACC), 0.0)
    return tl.cumsum(later, 0, reverse=True)


@triton.jit
def decayed(x, log_a, Q: tl.constexpr):
    """Return ``e^g_ts x_ts`` for t >= s, else 0, where ``g_ts`` is the sum of log decays from s + 1 to t."""
    # A sum of what lies inside, because a difference of two long sums cancels. What lies above the diagonal is selected
    # away, not multiplied by 0.
    t = tl.arange(0, Q)[:, None]
    s = tl.arange(0, Q)[None, :]
    g = tl.cumsum(tl.where(t > s, log_a[:, None], 0.0), 0)
    return tl.where(t >= s, tl.exp(g) * x, 0.0)


@triton.jit
def onwards(weights, x, BACK: tl.constexpr, PRECISION: tl.constexpr, ACC: tl.constexpr):
    """Multiply by a triangle of weights; a nan or infinity becomes nan in later (`BACK`: earlier) rows, no others."""
    # Past the diagonal the weights are 0, and 0 times nan would reach every row of the chunk.
    known = (x - x) == 0.0
    out = tl.dot(weights, tl.where(known, x, 0.0), input_precision=PRECISION, out_dtype=ACC)
    return out + tl.cumsum(x - x, 0, reverse=BACK)


@triton.jit
def scores_and_reading(
    B, b_row, C, c_row, STATE, c, p, length, inner, columns, BY_C: tl.constexpr,
    PRECISION: tl.constexpr, ACC: tl.constexpr, Q: tl.constexpr, BN: tl.constexpr, BP: tl.constexpr,
):  # fmt: skip
    """Return ``C B^T`` of a chunk, and ``C H`` (or ``B H``), summed over tiles of the state."""
    t = c * Q + tl.arange(0, Q)
    scores = tl.zeros((Q, Q), ACC)
    reading = tl.zeros((Q, BP), ACC)
    for i in range(0, tl.cdiv(inner, BN)):
        n = i * BN + tl.arange(0, BN)
        b = tile(B, b_row, t, n, length, inner, ACC)
        cs = tile(C, c_row, t, n, length, inner, ACC)
        state = tile(STATE, columns, n, p, inner, columns, ACC)
        scores += tl.dot(cs, tl.trans(b), input_precision=PRECISION, out_dtype=ACC)
        reading += tl.dot(cs if BY_C else b, state, input_precision=PRECISION, out_dtype=ACC)
    return scores, reading


@triton.jit
def chunk_states(
    X, B, L, STATES,
    length, inner, columns, heads, group, chunks,
    x_outer, x_head, x_row, b_outer, b_group, b_row, l_outer, l_head, l_row,
    SUFFIX: tl.constexpr, PRECISION: tl.constexpr, ACC: tl.constexpr,
    Q: tl.constexpr, BN: tl.constexpr, BP: tl.constexpr,
):  # fmt: skip
    """Write ``B^T (decay x)`` of each chunk, decayed to its end (`SUFFIX`) or from its start."""
    row = tl.program_id(0).to(tl.int64)
    outer, head = row // heads, row % heads
    c = tl.program_id(1)
    t = c * Q + tl.arange(0, Q)
    n = tl.arange(0, BN)
    p = tl.program_id(2) * BP + tl.arange(0, BP)
    decays = L + outer * l_outer + head * l_head
    g = after(decays, l_row, c, length, Q, ACC) if SUFFIX else tl.cumsum(log_decays(decays, l_row, t, length, ACC), 0)
    x = tile(X + outer * x_outer + head * x_head, x_row, t, p, length, columns, ACC)
    b = tile(B + outer * b_outer + (head // group) * b_group, b_row, t, n, length, inner, ACC)
    state = tl.dot(tl.trans(b), x * tl.exp(g)[:, None], input_precision=PRECISION, out_dtype=ACC)
    plane = inner.to(tl.int64) * columns
    put(STATES + (row * chunks + c) * plane, columns, n, p, inner, columns, state)


@triton.jit
def carry(
    STATES, FIRST, LAST, L,
    length, plane, heads, chunks, l_outer, l_head, l_row,
    BACKWARD: tl.constexpr, ACC: tl.constexpr, Q: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Turn what each chunk adds into the state that it starts from (backward: the adjoint of the one it ends with)."""
    row = tl.program_id(0).to(tl.int64)
    decays = L + (row // heads) * l_outer + (row % heads) * l_head
    e = tl.program_id(1).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    h = tl.load(FIRST + row * plane + e, mask=e < plane, other=0.0).to(ACC)
    for i in range(0, chunks):
        c = i
        if BACKWARD:
            c = chunks - 1 - i
        here = STATES + (row * chunks + c) * plane + e
        added = tl.load(here, mask=e < plane, other=0.0)
        tl.store(here, h, mask=e < plane)
        log_a = log_decays(decays, l_row, c * Q + tl.arange(0, Q), length, ACC)
        h = tl.exp(tl.sum(log_a, 0)) * h + added
    tl.store(LAST + row * plane + e, h, mask=e < plane)
