"""Products with a plan that is never stored: plan entries are recomputed from the potentials, tile by tile."""

import triton
import triton.language as tl

from dltsym.kernels.products import pair_scores
from dltsym.kernels.transport.triton_lse import seen_pairs


@triton.jit
def plan_kernel(
    Q, K, OURS, THEIRS, WEIGHT, SCALE, FACTOR, OUT, MASS, RAW,
    q_batch, q_row, k_batch, k_row, n_rows, n_cols, dim, shift,
    BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, CHUNKS: tl.constexpr, BD: tl.constexpr,
    MATRIX: tl.constexpr, CAUSAL: tl.constexpr, ACC: tl.constexpr, PREC: tl.constexpr,
):  # fmt: skip
    """With E_ij = 2^(scale <q_i, k_j> + ours_i + theirs_j) w_j: sum_j E_ij k_j, sum_j E_ij, sum_j E_ij <q_i, k_j>."""
    batch = tl.program_id(1).to(tl.int64)
    rows = tl.program_id(0) * BM + tl.arange(0, BM)
    e = tl.program_id(2) * BD + tl.arange(0, BD)
    live = rows < n_rows
    Q += batch * q_batch
    K += batch * k_batch
    at = batch * n_rows + rows
    ours = tl.load(OURS + at, mask=live, other=0.0)
    acc = tl.zeros((BM, BD), ACC)
    mass = tl.zeros((BM,), ACC)
    by_raw = tl.zeros((BM,), ACC)
    for start in range(0, n_cols, BN):
        cols = start + tl.arange(0, BN)
        raw = pair_scores(Q, K, rows, cols, q_row, k_row, n_rows, n_cols, dim, BM, BN, BK, CHUNKS, ACC, PREC)
        theirs = tl.load(THEIRS + batch * n_cols + cols, mask=cols < n_cols, other=0.0)
        weight = tl.load(WEIGHT + batch * n_cols + cols, mask=cols < n_cols, other=0.0)
        seen = seen_pairs(rows, cols, n_rows, n_cols, shift, CAUSAL)
        plan = tl.exp2(tl.load(SCALE + batch) * raw + ours[:, None] + theirs[None, :])
        plan = tl.where(seen, plan * weight[None, :], 0.0)
        mass += tl.sum(plan, 1)
        by_raw += tl.sum(plan * raw, 1)
        if MATRIX:
            k_mask = (cols < n_cols)[:, None] & (e < dim)[None, :]
            k = tl.load(K + cols.to(tl.int64)[:, None] * k_row + e[None, :], mask=k_mask, other=0.0)
            acc += tl.dot(plan.to(k.dtype), k, input_precision=PREC, out_dtype=ACC)
    if MATRIX:
        place = OUT + (at * dim)[:, None] + e[None, :]
        factor = tl.load(FACTOR + at, mask=live, other=0.0)
        tl.store(place, acc * factor[:, None], mask=live[:, None] & (e < dim)[None, :])
    if tl.program_id(2) == 0:
        tl.store(MASS + at, mass, mask=live)
        tl.store(RAW + at, by_raw, mask=live)
