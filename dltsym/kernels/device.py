"""Functions that Triton lacks, as jit helpers of every family: stable, in single and double precision, no libdevice.

Traps: a number given a name inside a jit function is rounded to single precision, so constants stand in the formulas;
and nothing here may rely on a maximum to carry nan.
"""

import triton
import triton.language as tl


@triton.jit
def log1p(x):
    """log(1 + x) for x >= -1; the rounding of 1 + x cancels in the quotient (Kahan), at most 4 units."""
    w = 1.0 + x
    exact = (w == 1.0) | (w == float("inf"))
    return tl.where(exact, x, x * tl.log(w) / tl.where(exact, 1.0, w - 1.0))


@triton.jit
def expm1(x):
    """exp(x) - 1 without cancellation (Kahan), also where exp overflows or vanishes."""
    w = tl.exp(x)
    d = w - 1.0
    far = (d == -1.0) | (w == float("inf"))
    ratio = x / tl.where(far | (d == 0.0), 1.0, tl.log(w))
    return tl.where(far, d, tl.where(d == 0.0, x, d * ratio))


@triton.jit
def expm1_over(x):
    """(exp(x) - 1) / x, and 1 at 0: the weight of an exact (zero-order-hold) step."""
    return tl.where(x == 0.0, 1.0, expm1(x) / tl.where(x == 0.0, 1.0, x))


@triton.jit
def softplus(x):
    """log(1 + exp(x)), exact in relative terms on both tails."""
    return tl.where(x > 0.0, x, 0.0) + log1p(tl.exp(-tl.abs(x)))


@triton.jit
def log_sigmoid(x):
    """log(1 / (1 + exp(-x)))."""
    return -softplus(-x)


@triton.jit
def sigmoid(x):
    """1 / (1 + exp(-x)), exact in relative terms on the left tail; 1 - sigmoid(x) is sigmoid(-x)."""
    z = tl.exp(-tl.abs(x))
    return tl.where(x >= 0.0, 1.0, z) / (1.0 + z)


@triton.jit
def silu(x):
    """Return x sigmoid(x)."""
    return x * sigmoid(x)


@triton.jit
def log_add_exp(x, y):
    """log(exp(x) + exp(y)), also where both are the same infinity."""
    gap = tl.where(x == y, 0.0, tl.abs(x - y))
    return tl.where(x > y, x, y) + log1p(tl.exp(-gap))
