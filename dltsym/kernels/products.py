"""Tiles of inner products, as a jit helper of the families that stream over a matrix of scores."""

import triton
import triton.language as tl


@triton.jit
def pair_scores(
    X, Y, rows, cols, x_row, y_row, n_rows, n_cols, dim,
    BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, CHUNKS: tl.constexpr, ACC: tl.constexpr, PREC: tl.constexpr,
):  # fmt: skip
    """Inner products of a block of rows with a block of columns, in chunks of the dimension; unit last strides."""
    s = tl.zeros((BM, BN), ACC)
    for chunk in tl.static_range(CHUNKS):
        k = chunk * BK + tl.arange(0, BK)
        x_mask = (rows < n_rows)[:, None] & (k < dim)[None, :]
        y_mask = (cols < n_cols)[None, :] & (k < dim)[:, None]
        x = tl.load(X + rows.to(tl.int64)[:, None] * x_row + k[None, :], mask=x_mask, other=0.0)
        y = tl.load(Y + cols.to(tl.int64)[None, :] * y_row + k[:, None], mask=y_mask, other=0.0)
        s += tl.dot(x, y, input_precision=PREC, out_dtype=ACC)
    return s


@triton.jit
def scores_of_x(
    X, Y, rows, cols, x_row, y_row, n_rows, n_cols, dim,
    BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, CHUNKS: tl.constexpr, ACC: tl.constexpr, PREC: tl.constexpr,
    TURNED: tl.constexpr,
):  # fmt: skip
    """Compute the same; where X and Y changed places (TURNED) as the others did before that, to the same bits."""
    if TURNED:
        return tl.trans(
            pair_scores(Y, X, cols, rows, y_row, x_row, n_cols, n_rows, dim, BN, BM, BK, CHUNKS, ACC, PREC)
        )  # fmt: skip
    else:  # noqa: RET505 (the branch is chosen when the kernel is compiled)
        return pair_scores(X, Y, rows, cols, x_row, y_row, n_rows, n_cols, dim, BM, BN, BK, CHUNKS, ACC, PREC)
