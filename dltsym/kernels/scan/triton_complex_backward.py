"""Backward scan of conjugate pairs. A gradient is dL/dRe + i dL/dIm, so adjoints are multiplied by conjugates."""

# pyright: reportGeneralTypeIssues=false

import triton
import triton.language as tl

from dltsym.kernels.device import expm1, sigmoid
from dltsym.kernels.scan.triton_complex_steps import (
    compose_complex,
    conj_times,
    pair,
    phi1_slope_complex,
    steps_complex,
    times,
    turn,
    weight_complex,
)
from dltsym.kernels.scan.triton_steps import put, row_of, step_sizes, tile, vector


@triton.jit
def _adjoints(later, rate_r, rate_i, cr, ci, dy, carry_r, carry_i):
    """Return G in ``G_t = 2 conj(C_t) dy_t + conj(a_{t+1}) G_{t+1}``."""
    _, _, ar, ai = turn(later, rate_r, rate_i)
    xr = 2.0 * cr[:, None, :] * dy[:, :, None]
    xi = -2.0 * ci[:, None, :] * dy[:, :, None]
    dr, di, sr, si = tl.associative_scan((ar, -ai, xr, xi), 0, compose_complex, reverse=True)
    gr, gi = times(dr, di, carry_r[None, :, :], carry_i[None, :, :])
    return gr + sr, gi + si


@triton.jit
def _ungate(dout, y, Z, z_row, DZ, channels, t, d, live, ACC: tl.constexpr):
    """Write the adjoint of the gate and return that of the output before it."""
    z = tile(Z, z_row, t, d, live, ACC)
    s = sigmoid(z)
    put(DZ, channels, t, d, live, dout * y * (s * (1.0 + z * sigmoid(-z))))
    return dout * (z * s)


@triton.jit
def _chunk(
    U, R, Z, BR, BI, CR, CI, DOUT, DU, DR, DZ, DBR, DBI, DCR, DCI, rate_r, rate_i, skip, bias, start_r, start_i,
    carry_r, carry_i, dar, dai, dskip, dbias, length, channels, states, u_row, r_row, z_row, o_row, c, d, n,
    EULER: tl.constexpr, SOFTPLUS: tl.constexpr, GATED: tl.constexpr, ACC: tl.constexpr, BT: tl.constexpr,
):  # fmt: skip
    """Write the gradients of one chunk; return its first adjoint, that of its start, and the sums so far."""
    t = c * BT + tl.arange(0, BT)
    in_d, in_n = (d < channels)[None, :], (n < states)[None, :]
    live, row_live = (t < length)[:, None] & in_d, (t < length)[:, None] & in_n
    moved = ((t > c * BT) & (t <= length))[:, None]
    u = tile(U, u_row, t, d, live, ACC)
    dy = tile(DOUT, o_row, t, d, live, ACC)
    br, bi = pair(BR, BI, states, t, n, row_live, ACC)
    cr, ci = pair(CR, CI, states, t, n, row_live, ACC)
    delta = step_sizes(R, r_row, bias, t, d, live, SOFTPLUS, ACC)
    past = step_sizes(R, r_row, bias, t - 1, d, moved & in_d, SOFTPLUS, ACC)
    past_br, past_bi = pair(BR, BI, states, t - 1, n, moved & in_n, ACC)
    past_u = tile(U, u_row, t - 1, d, moved & in_d, ACC)
    before_r, before_i = steps_complex(past_u, past, rate_r, rate_i, past_br, past_bi, start_r, start_i, EULER)
    wr, wi, ar, ai = turn(delta, rate_r, rate_i)
    fr, fi = weight_complex(delta, wr, wi, EULER)
    vr, vi = times(fr, fi, br[:, None, :], bi[:, None, :])
    hr, hi = times(ar, ai, before_r, before_i)
    hr, hi = hr + vr * u[:, :, None], hi + vi * u[:, :, None]
    if GATED:
        y = 2.0 * tl.sum(cr[:, None, :] * hr - ci[:, None, :] * hi, 2) + skip[None, :] * u
        dy = _ungate(dy, y, Z, z_row, DZ, channels, t, d, live, ACC)
    later = step_sizes(R, r_row, bias, t + 1, d, ((t + 1) < length)[:, None] & in_d, SOFTPLUS, ACC)
    gr, gi = _adjoints(later, rate_r, rate_i, cr, ci, dy, carry_r, carry_i)
    _rows(gr, gi, fr, fi, hr, hi, u, dy, DBR, DBI, DCR, DCI, states, t, n, row_live)
    put(DU, channels, t, d, live, skip[None, :] * dy + tl.sum(vr * gr + vi * gi, 2))
    dsize, drr, dri = _slopes(delta, rate_r, rate_i, wr, wi, ar, ai, gr, gi, before_r, before_i, br, bi, u, EULER)
    draw = tl.where(live, dsize, 0.0)
    if SOFTPLUS:
        draw = draw * -expm1(-delta)
    put(DR, channels, t, d, live, draw)
    qr, qi = conj_times(ar, ai, gr, gi)
    return (row_of(gr, 0, BT), row_of(gi, 0, BT), row_of(qr, 0, BT), row_of(qi, 0, BT),
            dar + drr, dai + dri, dskip + tl.sum(dy * u, 0), dbias + tl.sum(draw, 0))  # fmt: skip


@triton.jit
def _rows(gr, gi, fr, fi, hr, hi, u, dy, DBR, DBI, DCR, DCI, states, t, n, row_live):
    """Write the gradients by B, ``conj(weight) G u``, and by C, ``2 conj(h) dy``."""
    pr, pi = conj_times(fr, fi, gr, gi)
    put(DBR, states, t, n, row_live, tl.sum(pr * u[:, :, None], 1))
    put(DBI, states, t, n, row_live, tl.sum(pi * u[:, :, None], 1))
    put(DCR, states, t, n, row_live, tl.sum(2.0 * hr * dy[:, :, None], 1))
    put(DCI, states, t, n, row_live, tl.sum(-2.0 * hi * dy[:, :, None], 1))


@triton.jit
def _slopes(delta, rate_r, rate_i, wr, wi, ar, ai, gr, gi, before_r, before_i, br, bi, u, EULER: tl.constexpr):
    """Return the derivatives by step size, summed over states, and by rate, summed over steps."""
    pr, pi = conj_times(before_r, before_i, gr, gi)
    pr, pi = conj_times(ar, ai, pr, pi)
    qr, qi = conj_times(br[:, None, :] * u[:, :, None], bi[:, None, :] * u[:, :, None], gr, gi)
    size = delta[:, :, None]
    by_size = rate_r[None, :, :] * pr + rate_i[None, :, :] * pi
    if EULER:
        by_size += qr
        rr, ri = size * pr, size * pi
    else:
        by_size += ar * qr + ai * qi
        sr, si = phi1_slope_complex(wr, wi, ar, ai)
        sr, si = conj_times(sr, si, qr, qi)
        rr, ri = size * pr + size * size * sr, size * pi + size * size * si
    return tl.sum(by_size, 2), tl.sum(rr, 0), tl.sum(ri, 0)


@triton.jit
def backward_complex(
    U, R, Z, AR, AI, BR, BI, CR, CI, SKIP, BIAS, SR, SI, DOUT, GR, GI,
    DU, DR, DZ, DAR, DAI, DBR, DBI, DCR, DCI, DSKIP, DBIAS, DHR, DHI,
    length, channels, states, chunks, first_tile, u_batch, u_row, r_batch, r_row, z_batch, z_row, o_batch, o_row,
    EULER: tl.constexpr, SOFTPLUS: tl.constexpr, GATED: tl.constexpr, ACC: tl.constexpr,
    BT: tl.constexpr, BD: tl.constexpr, BN: tl.constexpr,
):  # fmt: skip
    """Write all gradients; those that are summed over channels or batch as one part per program."""
    batch = tl.program_id(0).to(tl.int64)
    d = (first_tile + tl.program_id(1)) * BD + tl.arange(0, BD)
    n = tl.arange(0, BN)
    in_d = d < channels
    held = in_d[:, None] & (n < states)[None, :]
    plane = channels.to(tl.int64) * states
    first = batch * plane
    rate_r, rate_i = pair(AR, AI, states, d, n, held, ACC)
    carry_r, carry_i = pair(GR + first, GI + first, states, d, n, held, ACC)
    skip, bias = vector(SKIP, d, channels, ACC), vector(BIAS, d, channels, ACC)
    dhr, dhi = carry_r, carry_i
    dar, dai = tl.zeros((BD, BN), ACC), tl.zeros((BD, BN), ACC)
    dskip, dbias = tl.zeros((BD,), ACC), tl.zeros((BD,), ACC)
    flat, rows = batch * length * channels, batch * length * states
    part = (batch * tl.num_programs(1) + tl.program_id(1)) * length * states
    for back in range(0, chunks):
        c = chunks - 1 - back
        start_r, start_i = pair(
            SR + (batch * chunks + c) * plane, SI + (batch * chunks + c) * plane, states, d, n, held, ACC
        )
        carry_r, carry_i, dhr, dhi, dar, dai, dskip, dbias = _chunk(
            U + batch * u_batch, R + batch * r_batch, Z + batch * z_batch, BR + rows, BI + rows, CR + rows, CI + rows,
            DOUT + batch * o_batch, DU + flat, DR + flat, DZ + flat, DBR + part, DBI + part, DCR + part, DCI + part,
            rate_r, rate_i, skip, bias, start_r, start_i, carry_r, carry_i, dar, dai, dskip, dbias,
            length, channels, states, u_row, r_row, z_row, o_row, c, d, n, EULER, SOFTPLUS, GATED, ACC, BT,
        )  # fmt: skip
    put(DAR + first, states, d, n, held, dar)
    put(DAI + first, states, d, n, held, dai)
    put(DHR + first, states, d, n, held, dhr)
    put(DHI + first, states, d, n, held, dhi)
    tl.store(DSKIP + batch * channels + d, dskip, mask=in_d)
    tl.store(DBIAS + batch * channels + d, dbias, mask=in_d)
