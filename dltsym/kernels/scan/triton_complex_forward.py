"""Forward scan of conjugate pairs: as the real one, with complex rates, input and output vectors."""

# pyright: reportGeneralTypeIssues=false

import triton
import triton.language as tl

from dltsym.kernels.device import sigmoid
from dltsym.kernels.scan.triton_complex_steps import pair, steps_complex
from dltsym.kernels.scan.triton_steps import put, row_of, step_sizes, tile, vector


@triton.jit
def forward_complex(
    U, R, Z, AR, AI, BR, BI, CR, CI, SKIP, BIAS, HR, HI, OUT, LR, LI, SR, SI,
    length, channels, states, chunks, u_batch, u_row, r_batch, r_row, z_batch, z_row,
    EULER: tl.constexpr, SOFTPLUS: tl.constexpr, GATED: tl.constexpr, KEEP: tl.constexpr, ACC: tl.constexpr,
    BT: tl.constexpr, BD: tl.constexpr, BN: tl.constexpr,
):  # fmt: skip
    """Write outputs, the last state, and (for the backward pass) the states at chunk starts."""
    batch = tl.program_id(0).to(tl.int64)
    d = tl.program_id(1) * BD + tl.arange(0, BD)
    n = tl.arange(0, BN)
    held = (d < channels)[:, None] & (n < states)[None, :]
    plane = channels.to(tl.int64) * states
    first = batch * plane
    rate_r, rate_i = pair(AR, AI, states, d, n, held, ACC)
    hr, hi = pair(HR + first, HI + first, states, d, n, held, ACC)
    skip = vector(SKIP, d, channels, ACC)
    bias = vector(BIAS, d, channels, ACC)
    rows = batch * length * states
    for c in range(0, chunks):
        if KEEP:
            put(SR + (batch * chunks + c) * plane, states, d, n, held, hr)
            put(SI + (batch * chunks + c) * plane, states, d, n, held, hi)
        t = c * BT + tl.arange(0, BT)
        live = (t < length)[:, None] & (d < channels)[None, :]
        row_live = (t < length)[:, None] & (n < states)[None, :]
        u = tile(U + batch * u_batch, u_row, t, d, live, ACC)
        delta = step_sizes(R + batch * r_batch, r_row, bias, t, d, live, SOFTPLUS, ACC)
        br, bi = pair(BR + rows, BI + rows, states, t, n, row_live, ACC)
        cr, ci = pair(CR + rows, CI + rows, states, t, n, row_live, ACC)
        xr, xi = steps_complex(u, delta, rate_r, rate_i, br, bi, hr, hi, EULER)
        y = 2.0 * tl.sum(cr[:, None, :] * xr - ci[:, None, :] * xi, 2) + skip[None, :] * u
        if GATED:
            z = tile(Z + batch * z_batch, z_row, t, d, live, ACC)
            y = y * (z * sigmoid(z))
        put(OUT + batch * length * channels, channels, t, d, live, y)
        hr = row_of(xr, BT - 1, BT)
        hi = row_of(xi, BT - 1, BT)
    put(LR + first, states, d, n, held, hr)
    put(LI + first, states, d, n, held, hi)
