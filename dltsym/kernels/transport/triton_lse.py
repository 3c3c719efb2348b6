"""Half a step of Sinkhorn: the log-sum-exp of every row of scores plus a potential, streamed; base 2 inside."""

import triton
import triton.language as tl

from dltsym.kernels.products import pair_scores


@triton.jit
def seen_pairs(rows, cols, n_rows, n_cols, shift, CAUSAL: tl.constexpr):
    """Pairs that exist: query i sees keys up to i + shift; our rows are the queries (1) or the keys (2)."""
    seen = (rows < n_rows)[:, None] & (cols < n_cols)[None, :]
    if CAUSAL == 1:
        seen = seen & (cols[None, :] <= rows[:, None] + shift)
    if CAUSAL == 2:
        seen = seen & (rows[:, None] <= cols[None, :] + shift)
    return seen


@triton.jit
def lse_kernel(
    Q, K, W, SCALE, LN2, OUT,
    q_batch, q_row, k_batch, k_row, n_rows, n_cols, dim, shift,
    BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, CHUNKS: tl.constexpr,
    CAUSAL: tl.constexpr, ACC: tl.constexpr, PREC: tl.constexpr,
):  # fmt: skip
    """Per row i: LSE_j(scale <q_i, k_j> + w_j), scale and w in base 2, the result in nats."""
    batch = tl.program_id(1).to(tl.int64)
    rows = tl.program_id(0) * BM + tl.arange(0, BM)
    Q += batch * q_batch
    K += batch * k_batch
    scale = tl.load(SCALE + batch)
    top = tl.full((BM,), -1e30, ACC)
    total = tl.zeros((BM,), ACC)
    for start in range(0, n_cols, BN):
        cols = start + tl.arange(0, BN)
        raw = pair_scores(Q, K, rows, cols, q_row, k_row, n_rows, n_cols, dim, BM, BN, BK, CHUNKS, ACC, PREC)
        w = tl.load(W + batch * n_cols + cols, mask=cols < n_cols, other=0.0)
        t = scale * raw + w[None, :]
        seen = seen_pairs(rows, cols, n_rows, n_cols, shift, CAUSAL)
        t = tl.where(seen & ~(t < -1e30), t, -1e30)  # also what arrives as -inf; nan stays
        peak = tl.maximum(top, tl.max(t, 1))
        total = total * tl.exp2(top - peak) + tl.sum(tl.exp2(t - peak[:, None]), 1)
        top = peak
    # A row that sees nothing; a sum that is nan must not pass for one, whatever the maximum did with the nan.
    empty = (top < -5e29) & (total == total)
    out = tl.where(empty, float("-inf"), (top + tl.log2(total)) * tl.load(LN2))
    tl.store(OUT + batch * n_rows + rows, out, mask=rows < n_rows)
