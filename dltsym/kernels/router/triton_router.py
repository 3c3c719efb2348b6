"""The router in Triton: one pass over the tokens, partial sums in fixed order, a second small pass for the losses.

The deviation of the importance from balance is summed on its own, p - 1/E = (x_e - mean x) / sum e^y with x = e^y - 1
and y the logits minus their maximum: so the coefficient of variation of a nearly balanced router keeps its digits.
"""

# pyright: reportGeneralTypeIssues=false
# (a tuple returned by a jit function is an error to the checker)

from __future__ import annotations

from typing import Any, NamedTuple

import torch
import triton
import triton.language as tl

from dltsym.kernels.device import expm1
from dltsym.kernels.launch import block, cdiv, launch, scalar, storage_types

TILE = 2048
"""Logits in one block."""
PROGRAMS = 1024
"""At most so many programs, and rows of partial sums, for each batch entry."""


@triton.jit
def row_softmax(z, inside, E):
    """Softmax of rows, its deviation from 1/E, and the log-sum-exp; a row of -inf has weights 0."""
    top = tl.max(tl.where(inside, z, float("-inf")), 1)
    top = tl.where(top == float("-inf"), 0.0, top)
    y = z - top[:, None]
    weight = tl.where(inside, tl.exp(y), 0.0)
    total = tl.sum(weight, 1)
    over = tl.where(total == 0.0, 1.0, total)[:, None]
    x = tl.where(inside, expm1(y), 0.0)
    spread = (x - (tl.sum(x, 1) / E)[:, None]) / over
    spread = tl.where((total == 0.0)[:, None], (total[:, None] - 1.0) / E, spread)
    return weight / over, spread, top + tl.log(total)


@triton.jit
def best(score, free, columns, E):
    """Column of the largest free score of each row, the lowest where several are equal; E where none is free."""
    open_score = tl.where(free, score, float("-inf"))
    most = tl.max(open_score, 1)
    return tl.min(tl.where(free & (open_score == most[:, None]), columns[None, :], E), 1)


@triton.jit
def _chosen_weight(weight, score, inside, columns, E, K: tl.constexpr):
    """Total weight of the K best columns of each row."""
    free = inside
    total = tl.sum(weight, 1) * 0.0
    for _ in tl.static_range(K):
        hit = columns[None, :] == best(score, free, columns, E)[:, None]
        total += tl.sum(tl.where(hit, weight, 0.0), 1)
        free = free & (hit == 0)
    return total


@triton.jit
def _forward(
    Z, MASK, PROB, INDEX, GATE, SHARE, SPREAD, COUNT, SQUARE, VALID,
    zb, zt, ze, mb, mt, T, E, per,
    K: tl.constexpr, RENORM: tl.constexpr, HAS_MASK: tl.constexpr,
    ACC: tl.constexpr, BT: tl.constexpr, BE: tl.constexpr,
):  # fmt: skip
    part, b = tl.program_id(0), tl.program_id(1).to(tl.int64)
    columns = tl.arange(0, BE)
    share_sum, spread_sum = tl.zeros((BE,), ACC), tl.zeros((BE,), ACC)
    square_sum = tl.zeros((BT,), ACC)
    count_sum, valid_sum = tl.zeros((BE,), tl.int32), tl.zeros((BT,), tl.int32)
    for step in range(per):
        rows = (part * per + step).to(tl.int64) * BT + tl.arange(0, BT)
        valid = rows < T
        if HAS_MASK:
            valid = valid & (tl.load(MASK + b * mb + rows * mt, mask=valid, other=0) != 0)
        inside = (columns < E)[None, :] & valid[:, None]
        z = tl.load(Z + b * zb + rows[:, None] * zt + columns[None, :] * ze, mask=inside, other=0.0).to(ACC)
        prob, spread, lse = row_softmax(z, (columns < E)[None, :], E)
        prob = tl.where(inside, prob, 0.0)
        here = (b * T + rows) * E
        tl.store(PROB + here[:, None] + columns[None, :], prob, mask=(rows < T)[:, None] & (columns < E)[None, :])
        counted = _select(INDEX, GATE, z, prob, inside, rows, columns, b, T, E, K, RENORM)
        share_sum += tl.sum(prob, 0)
        spread_sum += tl.sum(tl.where(inside, spread, 0.0), 0)
        count_sum += tl.sum(counted, 0)
        square_sum += tl.where(valid, lse * lse, 0.0)
        valid_sum += valid.to(tl.int32)
    row = b * tl.num_programs(0) + part
    tl.store(SHARE + row * E + columns, share_sum, mask=columns < E)
    tl.store(SPREAD + row * E + columns, spread_sum, mask=columns < E)
    tl.store(COUNT + row * E + columns, count_sum, mask=columns < E)
    tl.store(SQUARE + row, tl.sum(square_sum, 0))
    tl.store(VALID + row, tl.sum(valid_sum, 0))


@triton.jit
def _select(INDEX, GATE, z, prob, inside, rows, columns, b, T, E, K: tl.constexpr, RENORM: tl.constexpr):
    """Store the K best experts of each row and their gates; return the choices as 0 and 1."""
    score = tl.where((z == z) & inside, z, float("-inf"))  # nan is chosen last
    over = (rows * 0).to(prob.dtype) + 1.0
    if RENORM:
        over = _chosen_weight(prob, score, inside, columns, E, K)
        over = tl.where(over == 0.0, 1.0, over)
    free = inside
    for k in tl.static_range(K):
        place = best(score, free, columns, E)
        hit = free & (columns[None, :] == place[:, None])
        gate = tl.where(place < E, tl.sum(tl.where(hit, prob, 0.0), 1) / over, 0.0)
        at = (b * T + rows) * K + k
        tl.store(INDEX + at, tl.where(place < E, place, -1), mask=rows < T)
        tl.store(GATE + at, gate, mask=rows < T)
        free = free & (hit == 0)
    return (inside & (free == 0)).to(tl.int32)


@triton.jit
def _finish(
    SHARE, SPREAD, COUNT, SQUARE, VALID, SHARES, SPREADS, COUNTS, LOSSES, TOKENS, PICKS, parts, E,
    ACC: tl.constexpr, BP: tl.constexpr, BE: tl.constexpr,
):  # fmt: skip
    b = tl.program_id(0).to(tl.int64)
    columns = tl.arange(0, BE)
    share, spread, count = tl.zeros((BE,), ACC), tl.zeros((BE,), ACC), tl.zeros((BE,), tl.int64)
    square, valid = tl.zeros((BP,), ACC), tl.zeros((BP,), tl.int64)
    for start in range(0, parts, BP):
        row = start + tl.arange(0, BP)
        at = (b * parts + row)[:, None] * E + columns[None, :]
        inside = (row < parts)[:, None] & (columns < E)[None, :]
        share += tl.sum(tl.load(SHARE + at, mask=inside, other=0.0), 0)
        spread += tl.sum(tl.load(SPREAD + at, mask=inside, other=0.0), 0)
        count += tl.sum(tl.load(COUNT + at, mask=inside, other=0).to(tl.int64), 0)
        square += tl.load(SQUARE + b * parts + row, mask=row < parts, other=0.0)
        valid += tl.load(VALID + b * parts + row, mask=row < parts, other=0).to(tl.int64)
    tokens = tl.sum(valid, 0).to(ACC)
    n = tl.where(tokens == 0.0, 1.0, tokens)
    picks = n * tl.load(PICKS)
    tl.store(SHARES + b * E + columns, share, mask=columns < E)
    tl.store(SPREADS + b * E + columns, spread, mask=columns < E)
    tl.store(COUNTS + b * E + columns, count, mask=columns < E)
    tl.store(LOSSES + b * 3, E * tl.sum(spread * spread, 0) / (n * n))
    tl.store(LOSSES + b * 3 + 1, E * tl.sum(tl.where(columns < E, (count.to(ACC) / picks) * (share / n), 0.0), 0))
    tl.store(LOSSES + b * 3 + 2, tl.sum(square, 0) / n)
    tl.store(TOKENS + b, tokens)


@triton.jit
def _shared(SPREADS, COUNTS, TOKENS, PICKS, DSHARE, DLOSSES, b, columns, E, ACC: tl.constexpr):
    """Gradient by the importance of each expert: of the importance itself, CV^2 and Switch; and the weight of LSE."""
    tokens = tl.load(TOKENS + b)
    n = tl.where(tokens == 0.0, 1.0, tokens)
    picks = n * tl.load(PICKS)
    spread = tl.load(SPREADS + b * E + columns, mask=columns < E, other=0.0)
    count = tl.load(COUNTS + b * E + columns, mask=columns < E, other=0).to(ACC)
    dcv2, dswitch = tl.load(DLOSSES + b * 3), tl.load(DLOSSES + b * 3 + 1)
    dz = tl.load(DLOSSES + b * 3 + 2)
    row = tl.load(DSHARE + b * E + columns, mask=columns < E, other=0.0)
    row += tl.where(dcv2 == 0.0, 0.0, dcv2 * (2.0 * E * spread / (n * n)))  # a nan of one token stays with its own loss
    row += dswitch * (E * (count / picks) / n)
    return row, 2.0 * dz / n


@triton.jit
def _picked(INDEX, DGATE, rows, columns, b, T, dgb, dgt, dgk, K: tl.constexpr, ACC: tl.constexpr):
    """Spread the gradients of the gates over the columns; tell which columns were picked."""
    spread = tl.zeros((rows.shape[0], columns.shape[0]), ACC)
    picked = (rows < 0)[:, None] & (columns < 0)[None, :]
    for k in tl.static_range(K):
        place = tl.load(INDEX + (b * T + rows) * K + k, mask=rows < T, other=-1)
        dgate = tl.load(DGATE + b * dgb + rows * dgt + k * dgk, mask=rows < T, other=0.0).to(ACC)
        hit = place[:, None] == columns[None, :]
        spread += tl.where(hit, dgate[:, None], 0.0)
        picked = picked | hit
    return spread, picked


@triton.jit
def _backward(
    Z, MASK, INDEX, DPROB, DGATE, SPREADS, COUNTS, TOKENS, PICKS, DSHARE, DLOSSES, DZ,
    zb, zt, ze, mb, mt, dpb, dpt, dpe, dgb, dgt, dgk, T, E,
    K: tl.constexpr, RENORM: tl.constexpr, HAS_MASK: tl.constexpr, HAS_DP: tl.constexpr, HAS_DG: tl.constexpr,
    ACC: tl.constexpr, BT: tl.constexpr, BE: tl.constexpr,
):  # fmt: skip
    b = tl.program_id(1).to(tl.int64)
    columns = tl.arange(0, BE)
    rows = tl.program_id(0).to(tl.int64) * BT + tl.arange(0, BT)
    valid = rows < T
    if HAS_MASK:
        valid = valid & (tl.load(MASK + b * mb + rows * mt, mask=valid, other=0) != 0)
    inside = (columns < E)[None, :] & valid[:, None]
    z = tl.load(Z + b * zb + rows[:, None] * zt + columns[None, :] * ze, mask=inside, other=0.0).to(ACC)
    prob, _, lse = row_softmax(z, (columns < E)[None, :], E)
    shared, by_lse = _shared(SPREADS, COUNTS, TOKENS, PICKS, DSHARE, DLOSSES, b, columns, E, ACC)
    by_prob = tl.zeros((BT, BE), ACC) + shared[None, :]
    if HAS_DP:
        at = b * dpb + rows[:, None] * dpt + columns[None, :] * dpe
        by_prob += tl.load(DPROB + at, mask=inside, other=0.0).to(ACC)
    lse = tl.where(lse == float("-inf"), 0.0, lse)  # a token of -inf weighs nothing
    dz = prob * (by_lse * lse)[:, None]
    if HAS_DG:
        by_gate, picked = _picked(INDEX, DGATE, rows, columns, b, T, dgb, dgt, dgk, K, ACC)
        if RENORM:
            weight = tl.where(picked, prob, 0.0)
            total = tl.sum(weight, 1)
            weight = weight / tl.where(total == 0.0, 1.0, total)[:, None]
            dz += weight * (by_gate - tl.sum(weight * by_gate, 1)[:, None])
        else:
            by_prob += by_gate
    dz += prob * (by_prob - tl.sum(prob * by_prob, 1)[:, None])
    at = (b * T + rows)[:, None] * E + columns[None, :]
    tl.store(DZ + at, tl.where(inside, dz, 0.0), mask=(rows < T)[:, None] & (columns < E)[None, :])


class Tiles(NamedTuple):
    """Blocks of one call: rows and columns of a tile, rows of partial sums, tiles of each."""

    rows: int
    columns: int
    parts: int
    per: int


def tiles(tokens: int, experts: int) -> Tiles:
    """Choose blocks; they depend on the sizes only, so that results repeat bit for bit.

    Parameters
    ----------
    tokens, experts : int
        Sizes.

    Returns
    -------
    Tiles
    """
    columns = block(experts, 8)
    rows = max(1, TILE // columns)
    blocks = cdiv(tokens, rows)
    per = max(1, cdiv(blocks, PROGRAMS))
    return Tiles(rows, columns, cdiv(blocks, per), per)


def _three(x: torch.Tensor, *last: int) -> torch.Tensor:
    return x.reshape(-1, *last)


def forward(z: torch.Tensor, mask: torch.Tensor | None, K: int, renorm: bool, picks: int) -> tuple[Any, ...]:
    """Run the forward kernels on logits (B, T, E).

    Parameters
    ----------
    z : Tensor
        Logits, shape (B, T, E).
    mask : Tensor or None
        Which tokens count, shape (B, T).
    K : int
        Experts of a token.
    renorm : bool
        Whether the gates of a token sum to 1.
    picks : int
        What a fraction of tokens is divided by: K or 1.

    Returns
    -------
    tuple of Tensor
        Probabilities, indices, gates, counts, importance, losses (B, 3), deviations from balance, tokens.
    """
    (acc, ACC), (B, T, E) = storage_types(z), z.shape
    t = tiles(T, E)
    prob, gate = (torch.empty((B, T, c), dtype=z.dtype, device=z.device) for c in (E, K))
    index = torch.empty((B, T, K), dtype=torch.int64, device=z.device)
    share, spread, shares, spreads = (
        torch.empty((B, r, E), dtype=acc, device=z.device) for r in (t.parts, t.parts, 1, 1)
    )
    square, losses, tokens = (torch.empty((B, r), dtype=acc, device=z.device) for r in (t.parts, 3, 1))
    count, valid = (torch.empty((B, t.parts, c), dtype=torch.int32, device=z.device) for c in (E, 1))
    counts = torch.empty((B, 1, E), dtype=torch.int64, device=z.device)
    m = z if mask is None else mask
    launch(
        _forward, (t.parts, B), z, m, prob, index, gate, share, spread, count, square, valid,
        *z.stride(), m.stride(0), m.stride(1), T, E, t.per,
        K=K, RENORM=renorm, HAS_MASK=mask is not None, ACC=ACC, BT=t.rows, BE=t.columns, num_warps=4,
    )  # fmt: skip
    launch(
        _finish, (B,), share, spread, count, square, valid, shares, spreads, counts, losses, tokens,
        scalar(picks, z), t.parts, E, ACC=ACC, BP=min(16, block(t.parts, 1)), BE=t.columns, num_warps=4,
    )  # fmt: skip
    return prob, index, gate, counts[:, 0], shares[:, 0], losses, spreads, tokens


class Router(torch.autograd.Function):
    """The router and its closed-form gradient."""

    @staticmethod
    def forward(ctx: Any, z: torch.Tensor, mask: torch.Tensor | None, K: int, renorm: bool, picks: int) -> Any:
        """Return all outputs of flattened logits."""
        ctx.set_materialize_grads(False)
        prob, index, gate, counts, share, losses, spreads, tokens = forward(z, mask, K, renorm, picks)
        ctx.save_for_backward(z, mask, index, counts, spreads, tokens)
        ctx.settings = K, renorm, picks
        ctx.mark_non_differentiable(index, counts)
        return prob, index, gate, counts, share, losses

    @staticmethod
    def backward(ctx: Any, dprob: Any, _index: Any, dgate: Any, _counts: Any, dshare: Any, dlosses: Any) -> Any:
        """Return the gradient by the logits."""
        z, mask, index, counts, spreads, tokens = ctx.saved_tensors
        K, renorm, picks = ctx.settings
        (acc, ACC), (B, T, E) = storage_types(z), z.shape
        dshare = torch.zeros((B, E), dtype=acc, device=z.device) if dshare is None else dshare.contiguous()
        dlosses = torch.zeros((B, 3), dtype=acc, device=z.device) if dlosses is None else dlosses.contiguous()
        m, t, dz = z if mask is None else mask, tiles(T, E), torch.empty((B, T, E), dtype=z.dtype, device=z.device)
        dp, dg = z if dprob is None else dprob, z if dgate is None else dgate
        launch(
            _backward, (cdiv(T, t.rows), B), z, m, index, dp, dg, spreads, counts, tokens, scalar(picks, z),
            dshare, dlosses, dz, *z.stride(), m.stride(0), m.stride(1), *dp.stride(), *dg.stride(), T, E,
            K=K, RENORM=renorm, HAS_MASK=mask is not None, HAS_DP=dprob is not None, HAS_DG=dgate is not None,
            ACC=ACC, BT=t.rows, BE=t.columns, num_warps=8 if E > 128 else 4,
        )  # fmt: skip
        return dz, None, None, None, None


def route(z: torch.Tensor, mask: torch.Tensor | None, K: int, renorm: bool, picks: int) -> tuple[torch.Tensor, ...]:
    """Route tokens with leading batch dimensions, each batch entry on its own.

    Parameters
    ----------
    z, mask, K, renorm, picks
        As in `forward`, with any leading dimensions.

    Returns
    -------
    tuple of Tensor
        Probabilities, indices, gates, counts, importance, CV^2, Switch and z losses.
    """
    lead, (T, E) = z.shape[:-2], z.shape[-2:]
    flat = None if mask is None else mask.expand(*lead, T).reshape(-1, T)
    prob, index, gate, counts, share, losses = Router.apply(_three(z, T, E), flat, K, renorm, picks)
    wide = prob.reshape(z.shape), index.reshape(*lead, T, K), gate.reshape(*lead, T, K)
    return *wide, counts.reshape(*lead, E), share.reshape(*lead, E), *losses.reshape(*lead, 3).unbind(-1)
