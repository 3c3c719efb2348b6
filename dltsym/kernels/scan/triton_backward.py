"""Backward selective scan: chunks from the last to the first, states computed again from those at chunk starts."""

import triton
import triton.language as tl

from dltsym.kernels.device import expm1, sigmoid
from dltsym.kernels.scan.triton_steps import (
    compose,
    input_weight,
    phi1_slope,
    put,
    row_of,
    states_after,
    step_sizes,
    tile,
    vector,
)


@triton.jit
def _adjoints(later, rate, direct, carry):
    """Return G in ``G_t = C_t dy_t + a_{t+1} G_{t+1}``; `later` holds the sizes of the next steps."""
    a = tl.exp(later[:, :, None] * rate[None, :, :])
    decay, state = tl.associative_scan((a, direct), 0, compose, reverse=True)
    return decay * carry[None, :, :] + state


@triton.jit
def _ungate(dout, y, Z, z_row, DZ, channels, t, d, live, ACC: tl.constexpr):
    """Write the adjoint of the gate and return that of the output before it."""
    z = tile(Z, z_row, t, d, live, ACC)
    s = sigmoid(z)
    put(DZ, channels, t, d, live, dout * y * (s * (1.0 + z * sigmoid(-z))))
    return dout * (z * s)


@triton.jit
def _slopes(delta, rate, w, a, past, drive, EULER: tl.constexpr):
    """Return the derivatives by step size and by rate, from ``G h_{t-1} a`` and ``G B u``."""
    if EULER:
        by_size = past * rate[None, :, :] + drive
        by_rate = past * delta[:, :, None]
    else:
        by_size = past * rate[None, :, :] + drive * a
        by_rate = past * delta[:, :, None] + drive * (delta * delta)[:, :, None] * phi1_slope(w, a)
    return by_size, by_rate


@triton.jit
def _chunk(
    U, R, Z, B, C, DOUT, DU, DR, DZ, DB, DC, rate, skip, bias, start, carry, da, dskip, dbias,
    length, channels, states, u_row, r_row, z_row, b_row, c_row, o_row, c, d, n,
    EULER: tl.constexpr, SOFTPLUS: tl.constexpr, GATED: tl.constexpr, ACC: tl.constexpr, BT: tl.constexpr,
):  # fmt: skip
    """Write the gradients of one chunk; return its first adjoint, that of its start, and the sums so far."""
    t = c * BT + tl.arange(0, BT)
    in_d = (d < channels)[None, :]
    in_n = (n < states)[None, :]
    live = (t < length)[:, None] & in_d
    row_live = (t < length)[:, None] & in_n
    moved = ((t > c * BT) & (t <= length))[:, None]
    u = tile(U, u_row, t, d, live, ACC)
    b = tile(B, b_row, t, n, row_live, ACC)
    cs = tile(C, c_row, t, n, row_live, ACC)
    dy = tile(DOUT, o_row, t, d, live, ACC)
    delta = step_sizes(R, r_row, bias, t, d, live, SOFTPLUS, ACC)
    past_u = tile(U, u_row, t - 1, d, moved & in_d, ACC)
    past_b = tile(B, b_row, t - 1, n, moved & in_n, ACC)
    past_delta = step_sizes(R, r_row, bias, t - 1, d, moved & in_d, SOFTPLUS, ACC)
    before = states_after(past_u, past_delta, rate, past_b, start, EULER)
    w = delta[:, :, None] * rate[None, :, :]
    a = tl.exp(w)
    weight = input_weight(delta, w, a, EULER)
    h = a * before + weight * (b[:, None, :] * u[:, :, None])
    if GATED:
        y = tl.sum(h * cs[:, None, :], 2) + skip[None, :] * u
        dy = _ungate(dy, y, Z, z_row, DZ, channels, t, d, live, ACC)
    later = step_sizes(R, r_row, bias, t + 1, d, ((t + 1) < length)[:, None] & in_d, SOFTPLUS, ACC)
    g = _adjoints(later, rate, cs[:, None, :] * dy[:, :, None], carry)
    by_size, by_rate = _slopes(delta, rate, w, a, g * before * a, g * (b[:, None, :] * u[:, :, None]), EULER)
    draw = tl.where(live, tl.sum(by_size, 2), 0.0)
    if SOFTPLUS:
        draw = draw * -expm1(-delta)
    put(DR, channels, t, d, live, draw)
    put(DU, channels, t, d, live, skip[None, :] * dy + tl.sum(weight * g * b[:, None, :], 2))
    put(DB, states, t, n, row_live, tl.sum(weight * g * u[:, :, None], 1))
    put(DC, states, t, n, row_live, tl.sum(h * dy[:, :, None], 1))
    dskip += tl.sum(dy * u, 0)
    return row_of(g, 0, BT), row_of(a * g, 0, BT), da + tl.sum(by_rate, 0), dskip, dbias + tl.sum(draw, 0)


@triton.jit
def backward(
    U, R, Z, A, B, C, SKIP, BIAS, STARTS, DOUT, DLAST, DU, DR, DZ, DA, DB, DC, DSKIP, DBIAS, DH0,
    length, channels, states, chunks, first_tile,
    u_batch, u_row, r_batch, r_row, z_batch, z_row, b_batch, b_row, c_batch, c_row, o_batch, o_row,
    EULER: tl.constexpr, SOFTPLUS: tl.constexpr, GATED: tl.constexpr, ACC: tl.constexpr,
    BT: tl.constexpr, BD: tl.constexpr, BN: tl.constexpr,
):  # fmt: skip
    """Write all gradients; those that are summed over channels or batch as one part per program."""
    batch = tl.program_id(0).to(tl.int64)
    d = (first_tile + tl.program_id(1)) * BD + tl.arange(0, BD)
    n = tl.arange(0, BN)
    held = (d < channels)[:, None] & (n < states)[None, :]
    place = d.to(tl.int64)[:, None] * states + n[None, :]
    plane = channels.to(tl.int64) * states
    rate = tl.load(A + place, mask=held, other=0.0).to(ACC)
    skip = vector(SKIP, d, channels, ACC)
    bias = vector(BIAS, d, channels, ACC)
    carry = tl.load(DLAST + batch * plane + place, mask=held, other=0.0).to(ACC)
    dstart = carry
    da = tl.zeros((BD, BN), ACC)
    dskip = tl.zeros((BD,), ACC)
    dbias = tl.zeros((BD,), ACC)
    flat = batch * length * channels
    part = (batch * tl.num_programs(1) + tl.program_id(1)) * length * states
    for back in range(0, chunks):
        c = chunks - 1 - back
        start = tl.load(STARTS + (batch * chunks + c) * plane + place, mask=held, other=0.0)
        carry, dstart, da, dskip, dbias = _chunk(
            U + batch * u_batch, R + batch * r_batch, Z + batch * z_batch, B + batch * b_batch, C + batch * c_batch,
            DOUT + batch * o_batch, DU + flat, DR + flat, DZ + flat, DB + part, DC + part,
            rate, skip, bias, start, carry, da, dskip, dbias,
            length, channels, states, u_row, r_row, z_row, b_row, c_row, o_row, c, d, n,
            EULER, SOFTPLUS, GATED, ACC, BT,
        )  # fmt: skip
    tl.store(DA + batch * plane + place, da, mask=held)
    tl.store(DSKIP + batch * channels + d, dskip, mask=d < channels)
    tl.store(DBIAS + batch * channels + d, dbias, mask=d < channels)
    tl.store(DH0 + batch * plane + place, dstart, mask=held)
