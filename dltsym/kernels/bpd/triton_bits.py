"""Smoothed bits per token: one pass over the vocabulary, then every smoothing weight at once."""

import triton
import triton.language as tl

from dltsym.kernels.device import expm1, log1p, log_add_exp, sigmoid


@triton.jit
def vocabulary_pass(Z, rows, live, z_row, vocabulary, LOG2E, BT: tl.constexpr, BV: tl.constexpr, ACC: tl.constexpr):
    """Largest logit, sum of the other exponentials, and sum of exponential times exponent, all relative to it."""
    top = tl.full((BT,), -1e30, ACC)
    rest = tl.zeros((BT,), ACC)  # without the 1 of the largest: of a sure model nothing else is left
    spread = tl.zeros((BT,), ACC)
    for start in range(0, vocabulary, BV):
        cols = start + tl.arange(0, BV)
        seen = live[:, None] & (cols < vocabulary)[None, :]
        z = tl.load(Z + rows.to(tl.int64)[:, None] * z_row + cols[None, :], mask=seen, other=0.0)
        x = z.to(ACC)
        x = tl.where(seen & ~(x < -5e29), x, -1e30)  # also what arrives as -inf; nan stays
        peak = tl.maximum(top, tl.max(x, 1))
        shrink = tl.exp2((top - peak) * LOG2E)
        p = tl.exp2((x - peak[:, None]) * LOG2E)  # z - max is exact, its multiple is not
        moved = (peak > top).to(ACC)  # then the former largest is one of the others, and one of these is not
        equal = x == peak[:, None]
        spread = shrink * spread + (1.0 + rest) * (shrink * (top - peak)) + tl.sum(p * (x - peak[:, None]), 1)
        rest = shrink * (rest + moved) + (tl.sum(tl.where(equal, p, 0.0), 1) - moved)
        rest += tl.sum(tl.where(equal, 0.0, p), 1)
        top = peak
    return top, rest, spread


@triton.jit
def bits_kernel(
    Z, Y, KEEP, OURS, FLOOR, LOG2E, BITS, LOGP, TOP, NORM, ENTROPY, z_row, n_rows, vocabulary, grid,
    BT: tl.constexpr, BV: tl.constexpr, ACC: tl.constexpr,
):  # fmt: skip
    """Per token: log p of the target, log-sum-exp in two parts, entropy (nats), and code lengths (bits)."""
    rows = tl.program_id(0) * BT + tl.arange(0, BT)
    live = rows < n_rows
    keep = tl.load(KEEP + rows, mask=live, other=0) != 0
    log2e = tl.load(LOG2E)
    top, rest, spread = vocabulary_pass(  # pyright: ignore[reportGeneralTypeIssues]
        Z, rows, keep, z_row, vocabulary, log2e, BT, BV, ACC
    )
    top = tl.where(keep & (top < -5e29), float("nan"), top)  # every word hidden
    y = tl.load(Y + rows, mask=keep, other=0)
    known = keep & (y >= 0) & (y < vocabulary)
    own = tl.load(Z + rows.to(tl.int64) * z_row + y, mask=known, other=float("nan")).to(ACC)
    norm = log1p(rest)
    logp = (own - top) - norm  # both parts have one sign, here and in the entropy: nothing cancels
    entropy = norm - spread / (1.0 + rest) + (top - top)  # nan where nothing is known
    tl.store(TOP + rows, top, mask=live)
    tl.store(NORM + rows, norm, mask=live)
    tl.store(LOGP + rows, logp, mask=live)
    tl.store(ENTROPY + rows, tl.where(keep, entropy, 0.0), mask=live)
    for g in range(0, grid):
        smoothed = log_add_exp(tl.load(OURS + g) + logp, tl.load(FLOOR + g))
        bits = -smoothed * log2e
        tl.store(BITS + rows.to(tl.int64) * grid + g, tl.where(keep, bits, 0.0), mask=live)


@triton.jit
def document_kernel(BITS, COUNT, MEAN, length, grid, BT: tl.constexpr, BG: tl.constexpr, ACC: tl.constexpr):
    """Mean over the tokens of a document; what a sum loses is carried along and added at the end."""
    document = tl.program_id(0).to(tl.int64)
    g = tl.program_id(1) * BG + tl.arange(0, BG)
    total = tl.zeros((BT, BG), ACC)
    lost = tl.zeros((BT, BG), ACC)
    for start in range(0, length, BT):
        t = start + tl.arange(0, BT)
        mask = (t < length)[:, None] & (g < grid)[None, :]
        x = tl.load(BITS + (document * length + t)[:, None] * grid + g[None, :], mask=mask, other=0.0)
        whole = total + x
        back = whole - total
        lost += (total - (whole - back)) + (x - back)
        total = whole
    count = tl.load(COUNT + document)
    mean = (tl.sum(total, 0) + tl.sum(lost, 0)) / count
    tl.store(MEAN + document * grid + g, mean, mask=g < grid)


@triton.jit
def token_weight(DBITS, DMEAN, OURS, FLOOR, COUNT, rows, keep, logp, length, grid, BT: tl.constexpr, ACC: tl.constexpr):
    """Return what the gradient of all code lengths of a token multiplies softmax - one-hot by, in bits."""
    weight = tl.zeros((BT,), ACC)
    document = rows.to(tl.int64) // length
    count = tl.load(COUNT + document, mask=keep, other=1.0)
    for g in range(0, grid):
        share = sigmoid(tl.load(OURS + g) + logp - tl.load(FLOOR + g))
        outer = tl.load(DBITS + rows.to(tl.int64) * grid + g, mask=keep, other=0.0)
        outer += tl.load(DMEAN + document * grid + g, mask=keep, other=0.0) / count
        weight += share * outer
    return weight


@triton.jit
def bits_gradient_kernel(
    Z, Y, KEEP, OURS, FLOOR, LOG2E, COUNT, LOGP, TOP, NORM, ENTROPY, DBITS, DMEAN, DENTROPY, OUT,
    z_row, o_row, n_rows, vocabulary, length, grid, BT: tl.constexpr, BV: tl.constexpr, ACC: tl.constexpr,
):  # fmt: skip
    """Gradient by a tile of logits: share of the model in the mixture times (softmax - one-hot), and the entropy's."""
    rows = tl.program_id(0) * BT + tl.arange(0, BT)
    cols = tl.program_id(1) * BV + tl.arange(0, BV)
    live = rows < n_rows
    keep = tl.load(KEEP + rows, mask=live, other=0) != 0
    y = tl.load(Y + rows, mask=keep, other=-1)
    logp = tl.load(LOGP + rows, mask=keep, other=0.0)
    top = tl.load(TOP + rows, mask=keep, other=0.0)
    norm = tl.load(NORM + rows, mask=keep, other=0.0)
    entropy = tl.load(ENTROPY + rows, mask=keep, other=0.0)
    by_entropy = tl.load(DENTROPY + rows, mask=keep, other=0.0)
    log2e = tl.load(LOG2E)
    weight = token_weight(DBITS, DMEAN, OURS, FLOOR, COUNT, rows, keep, logp, length, grid, BT, ACC) * log2e
    seen = keep[:, None] & (cols < vocabulary)[None, :]
    place = rows.to(tl.int64)[:, None] * z_row + cols[None, :]
    z = tl.load(Z + place, mask=seen, other=0.0).to(ACC)
    lp = (z - top[:, None]) - norm[:, None]
    lp = tl.where(lp < -5e29, -1e30, lp)
    p = tl.exp2(lp * log2e)
    # On the target the mass of the others, negative: p - 1 would cancel, and log p keeps its digits however small.
    apart = tl.where(cols[None, :] == y[:, None], expm1(logp)[:, None], p)
    out = weight[:, None] * apart - (by_entropy[:, None] * p) * (lp + entropy[:, None])
    out = tl.where(keep[:, None], out, 0.0)
    there = OUT + rows.to(tl.int64)[:, None] * o_row + cols[None, :]
    tl.store(there, out.to(OUT.dtype.element_ty), mask=live[:, None] & (cols < vocabulary)[None, :])
