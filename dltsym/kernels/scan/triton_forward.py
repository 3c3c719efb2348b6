"""Forward selective scan: one program per batch element and tile of channels, chunk after chunk."""

import triton
import triton.language as tl

from dltsym.kernels.device import sigmoid
from dltsym.kernels.scan.triton_steps import put, row_of, states_after, step_sizes, tile, vector


@triton.jit
def forward(
    U, R, Z, A, B, C, SKIP, BIAS, H0, OUT, LAST, STARTS,
    length, channels, states, chunks,
    u_batch, u_row, r_batch, r_row, z_batch, z_row, b_batch, b_row, c_batch, c_row,
    EULER: tl.constexpr, SOFTPLUS: tl.constexpr, GATED: tl.constexpr, KEEP: tl.constexpr, ACC: tl.constexpr,
    BT: tl.constexpr, BD: tl.constexpr, BN: tl.constexpr,
):  # fmt: skip
    """Write outputs, the last state, and (for the backward pass) the states at chunk starts."""
    batch = tl.program_id(0).to(tl.int64)
    d = tl.program_id(1) * BD + tl.arange(0, BD)
    n = tl.arange(0, BN)
    held = (d < channels)[:, None] & (n < states)[None, :]
    place = d.to(tl.int64)[:, None] * states + n[None, :]
    plane = channels.to(tl.int64) * states
    rate = tl.load(A + place, mask=held, other=0.0).to(ACC)
    skip = vector(SKIP, d, channels, ACC)
    bias = vector(BIAS, d, channels, ACC)
    h = tl.load(H0 + batch * plane + place, mask=held, other=0.0).to(ACC)
    for c in range(0, chunks):
        if KEEP:
            tl.store(STARTS + (batch * chunks + c) * plane + place, h, mask=held)
        t = c * BT + tl.arange(0, BT)
        live = (t < length)[:, None] & (d < channels)[None, :]
        row_live = (t < length)[:, None] & (n < states)[None, :]
        u = tile(U + batch * u_batch, u_row, t, d, live, ACC)
        delta = step_sizes(R + batch * r_batch, r_row, bias, t, d, live, SOFTPLUS, ACC)
        b = tile(B + batch * b_batch, b_row, t, n, row_live, ACC)
        hs = states_after(u, delta, rate, b, h, EULER)
        cs = tile(C + batch * c_batch, c_row, t, n, row_live, ACC)
        y = tl.sum(hs * cs[:, None, :], 2) + skip[None, :] * u
        if GATED:
            z = tile(Z + batch * z_batch, z_row, t, d, live, ACC)
            y = y * (z * sigmoid(z))
        put(OUT + batch * length * channels, channels, t, d, live, y)
        h = row_of(hs, BT - 1, BT)
    tl.store(LAST + batch * plane + place, h, mask=held)
