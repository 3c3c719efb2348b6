"""Expert choice in Triton: exact selection of the C best tokens of every expert by radix histograms.

A score becomes an integer key of the same order. Eight bits at a time, from the top, a histogram of the keys that still
match tells the next digit of the C-th largest key; then one pass writes the tokens above it, and as many equal ones as
there is room for, in the order of the tokens. A second kernel counts for each token the experts that took it.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl

from dltsym.kernels.launch import block, cdiv, launch, storage_types


@triton.jit
def _key(s, WIDE: tl.constexpr):
    """Integer that orders as the score does; nan lies lowest, -0 is 0."""
    s = tl.where(s == s, s, float("-inf"))
    s = tl.where(s == 0.0, 0.0, s)
    if WIDE:
        bits = s.to(tl.int64, bitcast=True)
        key = bits ^ ((bits >> 63) & 0x7FFFFFFFFFFFFFFF)
    else:
        bits = s.to(tl.int32, bitcast=True)
        key = bits ^ ((bits >> 31) & 0x7FFFFFFF)
    return key


@triton.jit
def _column(S, MASK, b, e, rows, sb, st, se, mb, mt, T, HAS_MASK: tl.constexpr, ACC: tl.constexpr):
    """Scores of one expert for a block of tokens, and which of them count."""
    valid = rows < T
    if HAS_MASK:
        valid = valid & (tl.load(MASK + b * mb + rows * mt, mask=valid, other=0) != 0)
    score = tl.load(S + b * sb + rows * st + e * se, mask=valid, other=0.0)
    return score, score.to(ACC), valid


@triton.jit
def _digit(histogram, wanted):
    """Largest digit at or above which `wanted` keys lie, and how many lie strictly above it."""
    bins = tl.arange(0, 256)
    above = tl.sum(histogram, 0) - tl.cumsum(histogram, 0)
    digit = tl.max(tl.where(above + histogram >= wanted, bins, 0), 0)
    return digit, tl.sum(tl.where(bins == digit, above, 0), 0)


@triton.jit
def _histogram(S, MASK, b, e, sb, st, se, mb, mt, T, prefix, step: tl.constexpr,
               HAS_MASK: tl.constexpr, ACC: tl.constexpr, WIDE: tl.constexpr, BT: tl.constexpr):  # fmt: skip
    """Count the digits of this step over the tokens whose higher digits are `prefix`."""
    SHIFT: tl.constexpr = (56 if WIDE else 24) - 8 * step
    counts = tl.zeros((256,), tl.int32)
    for start in range(0, T, BT):
        rows = start + tl.arange(0, BT).to(tl.int64)
        _, score, valid = _column(S, MASK, b, e, rows, sb, st, se, mb, mt, T, HAS_MASK, ACC)
        key = _key(score, WIDE)
        digit = (key >> SHIFT) & 255
        if step == 0:
            digit = digit ^ 128  # the sign
        else:
            valid = valid & ((key >> (SHIFT + 8)) == prefix)
        counts += tl.histogram(tl.where(valid, digit, 0).to(tl.int32), 256, mask=valid)
    return counts


@triton.jit
def _write(S, MASK, INDEX, GATE, b, e, sb, st, se, mb, mt, T, E, C, bound, room,
           HAS_MASK: tl.constexpr, ACC: tl.constexpr, WIDE: tl.constexpr, BT: tl.constexpr):  # fmt: skip
    """Write the chosen tokens in order; return how many, and the last one that was taken with the bound itself."""
    taken, ties, last = tl.zeros((1,), tl.int32), tl.zeros((1,), tl.int32), tl.zeros((1,), tl.int64) - 1
    for start in range(0, T, BT):
        rows = start + tl.arange(0, BT).to(tl.int64)
        raw, score, valid = _column(S, MASK, b, e, rows, sb, st, se, mb, mt, T, HAS_MASK, ACC)
        key = _key(score, WIDE)
        tie = valid & (key == bound)
        before = ties + tl.cumsum(tie.to(tl.int32), 0) - tie.to(tl.int32)
        tie_taken = tie & (before < room)
        take = (valid & (key > bound)) | tie_taken
        place = taken + tl.cumsum(take.to(tl.int32), 0) - take.to(tl.int32)
        at = (b * E + e) * C + place
        tl.store(INDEX + at, rows, mask=take)
        tl.store(GATE + at, raw, mask=take)
        ties += tl.sum(tie.to(tl.int32), 0)
        taken += tl.sum(take.to(tl.int32), 0)
        last = tl.maximum(last, tl.max(tl.where(tie_taken, rows, -1), 0))
    return taken, last


@triton.jit
def _choose(
    S, MASK, INDEX, GATE, BOUND, LAST, sb, st, se, mb, mt, T, E, C,
    HAS_MASK: tl.constexpr, ACC: tl.constexpr, WIDE: tl.constexpr, BT: tl.constexpr, BC: tl.constexpr,
):  # fmt: skip
    e, b = tl.program_id(0), tl.program_id(1).to(tl.int64)
    prefix = tl.zeros((1,), tl.int64 if WIDE else tl.int32)
    wanted = tl.zeros((1,), tl.int32) + C
    for step in tl.static_range(8 if WIDE else 4):
        counts = _histogram(S, MASK, b, e, sb, st, se, mb, mt, T, prefix, step, HAS_MASK, ACC, WIDE, BT)
        if step == 0:
            wanted = tl.minimum(wanted, tl.sum(counts, 0))
        digit, above = _digit(counts, wanted)
        prefix = prefix * 256 + digit
        if step == 0:
            prefix = prefix - 128
        wanted = wanted - above
    taken, last = _write(
        S, MASK, INDEX, GATE, b, e, sb, st, se, mb, mt, T, E, C, prefix, wanted, HAS_MASK, ACC, WIDE, BT
    )
    for start in range(0, C, BC):
        place = start + tl.arange(0, BC)
        at, rest = (b * E + e) * C + place, (place >= taken) & (place < C)
        tl.store(INDEX + at, tl.full((BC,), -1, tl.int64), mask=rest)
        tl.store(GATE + at, tl.zeros((BC,), ACC), mask=rest)
    one = tl.arange(0, 1)
    tl.store(BOUND + b * E + e + one, prefix)
    tl.store(LAST + b * E + e + one, last)


@triton.jit
def _cover(
    S, MASK, BOUND, LAST, COVERED, sb, st, se, mb, mt, T, E,
    HAS_MASK: tl.constexpr, ACC: tl.constexpr, WIDE: tl.constexpr, BT: tl.constexpr, BE: tl.constexpr,
):  # fmt: skip
    b = tl.program_id(1).to(tl.int64)
    rows = tl.program_id(0).to(tl.int64) * BT + tl.arange(0, BT)
    valid = rows < T
    if HAS_MASK:
        valid = valid & (tl.load(MASK + b * mb + rows * mt, mask=valid, other=0) != 0)
    covered = tl.zeros((BT,), tl.int64)
    for start in range(0, E, BE):
        columns = start + tl.arange(0, BE)
        inside = valid[:, None] & (columns < E)[None, :]
        at = b * sb + rows[:, None] * st + columns[None, :] * se
        key = _key(tl.load(S + at, mask=inside, other=0.0).to(ACC), WIDE)
        bound = tl.load(BOUND + b * E + columns, mask=columns < E, other=0)[None, :]
        last = tl.load(LAST + b * E + columns, mask=columns < E, other=-1)[None, :]
        chosen = inside & ((key > bound) | ((key == bound) & (rows[:, None] <= last)))
        covered += tl.sum(chosen.to(tl.int64), 1)
    tl.store(COVERED + b * T + rows, covered, mask=rows < T)


@triton.jit
def _scatter(INDEX, DGATE, DS, db, de, dc, T, E, C, BC: tl.constexpr):
    e, b = tl.program_id(1), tl.program_id(2).to(tl.int64)
    place = tl.program_id(0) * BC + tl.arange(0, BC)
    token = tl.load(INDEX + (b * E + e) * C + place, mask=place < C, other=-1)
    dgate = tl.load(DGATE + b * db + e * de + place * dc, mask=token >= 0, other=0.0)
    tl.store(DS + (b * T + token) * E + e, dgate, mask=token >= 0)


class Choice(torch.autograd.Function):
    """Selection and its gradient: the gates of the chosen tokens go back to where they came from."""

    @staticmethod
    def forward(ctx: Any, s: torch.Tensor, mask: torch.Tensor | None, C: int) -> Any:
        """Return indices and gates (B, E, C) and the number of experts of each token (B, T)."""
        (B, T, E), (acc, ACC) = s.shape, storage_types(s)
        wide = acc == torch.float64
        index = torch.empty((B, E, C), dtype=torch.int64, device=s.device)
        gate = torch.empty((B, E, C), dtype=s.dtype, device=s.device)
        bound = torch.empty((B, E), dtype=torch.int64 if wide else torch.int32, device=s.device)
        last = torch.empty((B, E), dtype=torch.int64, device=s.device)
        covered = torch.empty((B, T), dtype=torch.int64, device=s.device)
        m = s if mask is None else mask
        given = *s.stride(), m.stride(0), m.stride(1), T, E
        options = {"HAS_MASK": mask is not None, "ACC": ACC, "WIDE": wide}
        rows = block(T, 64, 1024)
        by_column = s.transpose(1, 2).contiguous().transpose(1, 2)  # each expert reads its scores five times
        strides = *by_column.stride(), *given[3:]
        launch(_choose, (E, B), by_column, m, index, gate, bound, last, *strides, C, **options, BT=rows, BC=256)
        columns = block(E, 8, 64)
        launch(_cover, (cdiv(T, 64), B), s, m, bound, last, covered, *given, **options, BT=64, BE=columns, num_warps=4)
        ctx.save_for_backward(index)
        ctx.shape = s.shape
        ctx.mark_non_differentiable(index, covered)
        return index, gate, covered

    @staticmethod
    def backward(ctx: Any, _index: Any, dgate: torch.Tensor, _covered: Any) -> Any:
        """Return the gradient by the scores."""
        (index,), (B, T, E) = ctx.saved_tensors, ctx.shape
        ds, C = torch.zeros((B, T, E), dtype=dgate.dtype, device=dgate.device), index.shape[-1]
        launch(_scatter, (cdiv(C, 256), E, B), index, dgate, ds, *dgate.stride(), T, E, C, BC=256)
        return ds, None, None


def choose(s: torch.Tensor, mask: torch.Tensor | None, C: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Choose with leading batch dimensions, each batch entry on its own.

    Parameters
    ----------
    s : Tensor
        Scores, shape (..., T, E).
    mask : Tensor or None
        Which tokens count, shape (..., T).
    C : int
        Tokens of an expert.

    Returns
    -------
    tuple of Tensor
        Indices and gates (..., E, C), number of experts of each token (..., T).
    """
    lead, (T, E) = s.shape[:-2], s.shape[-2:]
    flat = None if mask is None else mask.expand(*lead, T).reshape(-1, T)
    index, gate, covered = Choice.apply(s.reshape(-1, T, E), flat, C)
    return index.reshape(*lead, E, C), gate.reshape(*lead, E, C), covered.reshape(*lead, T)
