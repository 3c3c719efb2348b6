"""Complex numbers as pairs of real tiles, and what the passes of the complex scan share."""

# pyright: reportGeneralTypeIssues=false

import triton
import triton.language as tl

from dltsym.kernels.device import expm1
from dltsym.kernels.scan.triton_steps import tile


@triton.jit
def times(ar, ai, br, bi):
    """Return ``a b``."""
    return ar * br - ai * bi, ar * bi + ai * br


@triton.jit
def conj_times(ar, ai, br, bi):
    """Return ``conj(a) b``."""
    return ar * br + ai * bi, ar * bi - ai * br


@triton.jit
def compose_complex(a1r, a1i, b1r, b1i, a2r, a2i, b2r, b2i):
    """Return the map ``h -> a2 (a1 h + b1) + b2`` of two steps, the earlier one first."""
    return (
        a1r * a2r - a1i * a2i,
        a1r * a2i + a1i * a2r,
        a2r * b1r - a2i * b1i + b2r,
        a2r * b1i + a2i * b1r + b2i,
    )


@triton.jit
def turn(delta, rate_r, rate_i):
    """Return ``w = delta A`` and ``e^w``."""
    wr = delta[:, :, None] * rate_r[None, :, :]
    wi = delta[:, :, None] * rate_i[None, :, :]
    size = tl.exp(wr)
    return wr, wi, size * tl.cos(wi), size * tl.sin(wi)


@triton.jit
def phi1_complex(wr, wi):
    """Return ``(e^w - 1) / w``: a series where ``|w|`` is below 1, a quotient without cancellation elsewhere."""
    pr = tl.zeros_like(wr) + 1.0
    pi = tl.zeros_like(wr)
    for k in tl.static_range(0, 18):
        pr, pi = times(pr, pi, wr * (1.0 / (19 - k)), wi * (1.0 / (19 - k)))
        pr = pr + 1.0
    large = wr * wr + wi * wi >= 1.0
    half = tl.sin(0.5 * wi)
    er = expm1(wr) * tl.cos(wi) - 2.0 * half * half
    ei = tl.exp(wr) * tl.sin(wi)
    below = tl.where(large, wr * wr + wi * wi, 1.0)
    qr, qi = conj_times(wr, wi, er, ei)
    return tl.where(large, qr / below, pr), tl.where(large, qi / below, pi)


@triton.jit
def phi1_slope_complex(wr, wi, ar, ai):
    """Return ``(e^w - phi1(w)) / w``, the derivative of `phi1_complex`, by a series below 1."""
    pr = tl.zeros_like(wr) + 1.0
    pi = tl.zeros_like(wr)
    for k in tl.static_range(0, 19):
        pr, pi = times(pr, pi, wr, wi)
        pr, pi = pr * ((20 - k) / ((19 - k) * (21 - k))), pi * ((20 - k) / ((19 - k) * (21 - k)))
        pr = pr + 1.0
    large = wr * wr + wi * wi >= 1.0
    below = tl.where(large, wr * wr + wi * wi, 1.0)
    fr, fi = phi1_complex(wr, wi)
    qr, qi = conj_times(wr, wi, ar - fr, ai - fi)
    return tl.where(large, qr / below, 0.5 * pr), tl.where(large, qi / below, 0.5 * pi)


@triton.jit
def weight_complex(delta, wr, wi, EULER: tl.constexpr):
    """Return what multiplies ``B u``: the step size (Euler), or the step size times `phi1_complex`."""
    size = delta[:, :, None] + tl.zeros_like(wr)
    none = tl.zeros_like(wr)
    if not EULER:
        fr, fi = phi1_complex(wr, wi)
        none = size * fi
        size = size * fr
    return size, none


@triton.jit
def pair(XR, XI, stride, t, n, live, ACC: tl.constexpr):
    """Load a tile of a complex array."""
    return tile(XR, stride, t, n, live, ACC), tile(XI, stride, t, n, live, ACC)


@triton.jit
def steps_complex(u, delta, rate_r, rate_i, br, bi, start_r, start_i, EULER: tl.constexpr):
    """Return the state after each step, from that before the first one."""
    wr, wi, ar, ai = turn(delta, rate_r, rate_i)
    fr, fi = weight_complex(delta, wr, wi, EULER)
    xr, xi = times(fr, fi, br[:, None, :] * u[:, :, None], bi[:, None, :] * u[:, :, None])
    dr, di, sr, si = tl.associative_scan((ar, ai, xr, xi), 0, compose_complex)
    hr, hi = times(dr, di, start_r[None, :, :], start_i[None, :, :])
    return hr + sr, hi + si
