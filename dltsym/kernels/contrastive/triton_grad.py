"""InfoNCE backward: one tile formula for both sides; weights are recomputed, never stored, and no atomics."""

import triton
import triton.language as tl

from dltsym.kernels.device import sigmoid
from dltsym.kernels.products import scores_of_x


@triton.jit
def side(NORM, DELTA, WEIGHT, at, mask):
    """Load what one axis knows of its rows; a side that takes no part has an empty mask and is never read."""
    norm = tl.load(NORM + at, mask=mask, other=0.0)
    delta = tl.load(DELTA + at, mask=mask, other=0.0)
    weight = tl.load(WEIGHT + at, mask=mask, other=0.0)
    return norm, delta, weight


@triton.jit
def share(gap):
    """Return a softmax weight from the logarithm: at most 1, though two products for one score may round apart."""
    return tl.exp2(tl.where(gap > 0.0, 0.0, gap))


@triton.jit
def pair_hits(TARGET, rows, cols, live, seen, TARGETS: tl.constexpr):
    """Which pairs are positives: the diagonal (0), by our rows (1) or by their columns (2)."""
    ours = rows
    theirs = cols
    if TARGETS == 1:
        ours = tl.load(TARGET + rows, mask=live, other=-1).to(tl.int32)
    if TARGETS == 2:
        theirs = tl.load(TARGET + cols, mask=seen, other=-1).to(tl.int32)
    return ours[:, None] == theirs[None, :]


@triton.jit
def pair_weights(
    s, hit, our_norm, our_delta, our_weight, norm, delta, weight, OURS: tl.constexpr, THEIRS: tl.constexpr
):  # fmt: skip
    """Return the derivative by the scores off the targets, and on them the mass of the others; 1 - p would cancel."""
    w = tl.zeros_like(s)
    own = tl.zeros_like(s)
    if OURS:
        w += our_weight[:, None] * share(s - our_norm[:, None])
        own += (our_weight * sigmoid(our_delta))[:, None]
    if THEIRS:
        w += weight[None, :] * share(s - norm[None, :])
        own += (weight * sigmoid(delta))[None, :]
    return tl.where(hit, 0.0, w), tl.where(hit, own, 0.0)


@triton.jit
def split_dot(w, y, ACC: tl.constexpr, PREC: tl.constexpr):
    """Product with weights in two parts, so that a single large weight is not rounded to a short type."""
    if y.dtype == ACC:
        return tl.dot(w, y, input_precision=PREC, out_dtype=ACC)
    else:  # noqa: RET505 (the branch is chosen when the kernel is compiled)
        # Each row by a power of two to about 1: the mass of the others is often below the least float16.
        peak = tl.max(tl.abs(w), 1)
        lift = tl.where((peak > 0.0) & (peak < float("inf")), tl.exp2(-tl.floor(tl.log2(peak))), 1.0)[:, None]
        first = (w * lift).to(y.dtype)
        out = tl.dot(first, y, input_precision=PREC, out_dtype=ACC)
        out += tl.dot((w * lift - first.to(ACC)).to(y.dtype), y, input_precision=PREC, out_dtype=ACC)
        return out / lift


@triton.jit
def gradient_kernel(
    X, Y, TARGET, SCALE, FACTOR, OUR_NORM, OUR_DELTA, OUR_WEIGHT, NORM, DELTA, WEIGHT, OUT, BY_SCALE,
    x_batch, x_row, y_batch, y_row, t_batch, o_batch, o_row, n_rows, n_cols, dim,
    BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, CHUNKS: tl.constexpr, BD: tl.constexpr,
    TARGETS: tl.constexpr, OURS: tl.constexpr, THEIRS: tl.constexpr, ACC: tl.constexpr, PREC: tl.constexpr,
    TURNED: tl.constexpr,
):  # fmt: skip
    """Gradient of a block of our rows, and per row the sum of weight times score for the scale."""
    batch = tl.program_id(1).to(tl.int64)
    rows = tl.program_id(0) * BM + tl.arange(0, BM)
    e = tl.program_id(2) * BD + tl.arange(0, BD)
    live = rows < n_rows
    X += batch * x_batch
    Y += batch * y_batch
    scale = tl.load(SCALE + batch)
    our_norm, our_delta, our_weight = side(  # pyright: ignore[reportGeneralTypeIssues]
        OUR_NORM, OUR_DELTA, OUR_WEIGHT, batch * n_rows + rows, live & OURS
    )
    acc = tl.zeros((BM, BD), ACC)
    by_scale = tl.zeros((BM,), ACC)
    for start in range(0, n_cols, BN):
        cols = start + tl.arange(0, BN)
        seen = cols < n_cols
        raw = scores_of_x(
            X, Y, rows, cols, x_row, y_row, n_rows, n_cols, dim, BM, BN, BK, CHUNKS, ACC, PREC, TURNED
        )  # fmt: skip
        norm, delta, weight = side(NORM, DELTA, WEIGHT, batch * n_cols + cols, seen & THEIRS)
        hit = pair_hits(TARGET + batch * t_batch, rows, cols, live, seen, TARGETS)
        hit = hit & seen[None, :] & live[:, None]
        w, own = pair_weights(  # pyright: ignore[reportGeneralTypeIssues]
            scale * raw, hit, our_norm, our_delta, our_weight, norm, delta, weight, OURS, THEIRS
        )
        w = tl.where(seen[None, :] & live[:, None], w, 0.0)
        by_scale += tl.sum((w - own) * raw, 1)
        y_mask = seen[:, None] & (e < dim)[None, :]
        y = tl.load(Y + cols.to(tl.int64)[:, None] * y_row + e[None, :], mask=y_mask, other=0.0)
        acc += tl.dot(w.to(y.dtype), y, input_precision=PREC, out_dtype=ACC)
        if tl.max(tl.max(hit.to(tl.int32), 1), 0) > 0:
            acc -= split_dot(own, y, ACC, PREC)
    out = acc * tl.load(FACTOR + batch)
    place = OUT + batch * o_batch + rows.to(tl.int64)[:, None] * o_row + e[None, :]
    tl.store(place, out.to(OUT.dtype.element_ty), mask=live[:, None] & (e < dim)[None, :])
    if tl.program_id(2) == 0:
        tl.store(BY_SCALE + batch * n_rows + rows, by_scale, mask=live)
