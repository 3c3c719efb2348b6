"""Pieces that the forward and backward scans share: tiles, step sizes, input weights, and how steps compose.

Lanes behind the end are steps of size 0: they change no state, and the last state is that of the last lane.
"""

import triton
import triton.language as tl

from dltsym.kernels.device import softplus


@triton.jit
def compose(a1, b1, a2, b2):
    """Return the map ``h -> a2 (a1 h + b1) + b2`` of two steps, the earlier one first."""
    return a1 * a2, a2 * b1 + b2


@triton.jit
def tile(X, stride, t, d, live, ACC: tl.constexpr):
    """Load rows `t` and columns `d` in the accumulator's type, 0 where nothing is there."""
    return tl.load(X + t.to(tl.int64)[:, None] * stride + d[None, :], mask=live, other=0.0).to(ACC)


@triton.jit
def put(X, stride, t, d, live, values):
    """Store a tile in the type of its array."""
    tl.store(X + t.to(tl.int64)[:, None] * stride + d[None, :], values.to(X.dtype.element_ty), mask=live)


@triton.jit
def vector(X, d, channels, ACC: tl.constexpr):
    """Load one number per channel."""
    return tl.load(X + d, mask=d < channels, other=0.0).to(ACC)


@triton.jit
def step_sizes(R, row, bias, t, d, live, SOFTPLUS: tl.constexpr, ACC: tl.constexpr):
    """Return step sizes; they become 0 behind the end after bias and softplus, not before."""
    delta = tile(R, row, t, d, live, ACC) + bias[None, :]
    if SOFTPLUS:
        delta = softplus(delta)
    return tl.where(live, delta, 0.0)


@triton.jit
def phi1(w, a):
    """Return ``(e^w - 1) / w`` given ``a = e^w``: a series below 1, where the difference would cancel."""
    p = tl.zeros_like(w) + 1.0
    for k in tl.static_range(0, 18):
        p = 1.0 + p * (w * (1.0 / (19 - k)))
    large = tl.abs(w) >= 1.0
    return tl.where(large, (a - 1.0) / tl.where(large, w, 1.0), p)


@triton.jit
def phi1_slope(w, a):
    """Return ``((w - 1) e^w + 1) / w^2``, the derivative of `phi1`, by a series below 1."""
    p = tl.zeros_like(w) + 1.0
    for k in tl.static_range(0, 19):
        p = 1.0 + p * (w * ((20 - k) / ((19 - k) * (21 - k))))
    large = tl.abs(w) >= 1.0
    safe = tl.where(large, w, 1.0)
    return tl.where(large, (a - (a - 1.0) / safe) / safe, 0.5 * p)


@triton.jit
def input_weight(delta, w, a, EULER: tl.constexpr):
    """Return what multiplies ``B u``: the step size (Euler), or the step size times `phi1` (zero-order hold)."""
    weight = delta[:, :, None] + tl.zeros_like(w)
    if not EULER:
        weight = weight * phi1(w, a)
    return weight


@triton.jit
def states_after(u, delta, rate, b, start, EULER: tl.constexpr):
    """Return the state after each step, from that before the first one."""
    w = delta[:, :, None] * rate[None, :, :]
    a = tl.exp(w)
    x = input_weight(delta, w, a, EULER) * b[:, None, :] * u[:, :, None]
    decay, state = tl.associative_scan((a, x), 0, compose)
    return decay * start[None, :, :] + state


@triton.jit
def row_of(x, place, BT: tl.constexpr):
    """Return one row of a tile of states."""
    return tl.sum(tl.where((tl.arange(0, BT) == place)[:, None, None], x, 0.0), 0)
