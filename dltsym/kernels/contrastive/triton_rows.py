"""InfoNCE forward: for every row the log-sum-exp of its other scores, streamed; the target is kept apart."""

import triton
import triton.language as tl

from dltsym.kernels.device import softplus
from dltsym.kernels.products import scores_of_x


@triton.jit
def rows_kernel(
    X, Y, TARGET, SCALE, LN2, DELTA, NLL, NORM,
    x_batch, x_row, y_batch, y_row, t_batch, n_rows, n_cols, dim,
    BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, CHUNKS: tl.constexpr,
    TARGETS: tl.constexpr, ACC: tl.constexpr, PREC: tl.constexpr, TURNED: tl.constexpr,
):  # fmt: skip
    """Per row: delta = LSE of the others - own score, loss softplus(delta), and log2 of the sum of all exponentials."""
    batch = tl.program_id(1).to(tl.int64)
    rows = tl.program_id(0) * BM + tl.arange(0, BM)
    live = rows < n_rows
    target = rows
    if TARGETS:
        target = tl.load(TARGET + batch * t_batch + rows, mask=live, other=-1).to(tl.int32)
    X += batch * x_batch
    Y += batch * y_batch
    scale = tl.load(SCALE + batch)
    ln2 = tl.load(LN2)
    top = tl.full((BM,), float("-inf"), ACC)
    total = tl.zeros((BM,), ACC)
    own = tl.zeros((BM,), ACC)
    for start in range(0, n_cols, BN):
        cols = start + tl.arange(0, BN)
        s = scale * scores_of_x(
            X, Y, rows, cols, x_row, y_row, n_rows, n_cols, dim, BM, BN, BK, CHUNKS, ACC, PREC, TURNED
        )  # fmt: skip
        s = s + (s - s)  # an infinity is as little known as nan
        hit = cols[None, :] == target[:, None]
        own += tl.sum(tl.where(hit, s, 0.0), 1)
        s = tl.where((cols < n_cols)[None, :] & ~hit, s, float("-inf"))
        peak = tl.maximum(top, tl.max(s, 1))
        from_top = tl.where(peak == float("-inf"), 0.0, peak)  # nothing seen so far
        total = total * tl.exp2(top - from_top) + tl.sum(tl.exp2(s - from_top[:, None]), 1)
        top = peak
    # A row without others; a sum that is nan must not pass for one, whatever the maximum did with the nan.
    alone = (top == float("-inf")) & (total == total)
    delta = tl.where(alone, float("-inf"), ((top - own) + tl.log2(total)) * ln2)
    known = (target >= 0) & (target < n_cols)
    delta = tl.where(known, delta, float("nan"))
    nll = softplus(delta) + (own - own)
    # In base 2 from the larger part, and not by way of nats: weights stay below 1 at any scale of the scores.
    most = tl.where(alone | (own > top), own, top)
    norm = most + tl.log2(tl.where(alone, 0.0, total * tl.exp2(top - most)) + tl.exp2(own - most))
    at = batch * n_rows + rows
    tl.store(DELTA + at, delta, mask=live)
    tl.store(NLL + at, nll, mask=live)
    tl.store(NORM + at, tl.where(known, norm, float("nan")), mask=live)
