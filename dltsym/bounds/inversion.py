"""The inverses of Bernoulli relative entropy for many pairs at once: fast estimates, or certificates rounded outward.

Both go block by block over a few threads (`dltsym.bounds.fast`, `dltsym.bounds.proved`); the few pairs that these hand
back are done here. A certificate starts from the estimate. There the relative entropy is evaluated as a sum of two
terms >= 0 in pairs of doubles, with an error below 2**-66 of what is added up; it is convex, so its tangent meets c
beyond the root, from whichever side the estimate came (`information.kl_inverse`). What the pairs of doubles cannot hold
is left to balls.
"""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from flint import arb

from dltsym.bounds import twofold
from dltsym.bounds.fast import BLOCK, Estimator
from dltsym.bounds.proved import outward
from dltsym.bounds.rounding import down, up
from dltsym.bounds.twofold import Pair, minus, over, plus, series, times, two_sum
from dltsym.errors import DomainError, DTypeError
from dltsym.lower.closed.inverse import pair
from dltsym.lower.closed.space import is_torch
from dltsym.notation.balls import working
from dltsym.notation.balls_inverse import kl_lower as ball_lower
from dltsym.notation.balls_inverse import kl_upper as ball_upper

__all__ = ["kl_lower", "kl_upper"]

THREADS = min(4, os.cpu_count() or 1)
ERROR, ROUNDING = 2.0**-66, 2.0**-94
TINY, HUGE = 1e-250, 1e250
BITS = 160


def kl_upper(q: Any, c: Any, *, mode: str = "estimate", complement: bool = False, backend: str = "auto") -> Any:
    r"""Return the largest p in [q, 1] with $\mathrm{kl}(q\|p) \le c$.

    Parameters
    ----------
    q : number, array or Tensor
        Smaller means in [0, 1], taken exactly.
    c : number, array or Tensor
        Radii in nats, not negative, taken exactly; infinity gives 1. Both broadcast.
    mode : {"estimate", "certified"}
        An estimate has at most four units of error on either side, and its complement about 4 (1 + s) units, where s is
        log((1 - q)/(1 - p)); a certificate is never below the solution, and at most two units in the last place above.
    complement : bool
        Return 1 - p too, which keeps its digits where p rounds to 1; certified, it is never above its true value.
    backend : {"auto", "numpy", "torch", "triton"}
        Kernel of an estimate for tensors: by default Triton on an accelerator, else plain torch.

    Returns
    -------
    float, array, Tensor or a tuple of two
        In double precision, or in the type of floating tensors.

    Raises
    ------
    DomainError
        When a mean lies outside [0, 1], a radius is negative, or anything is nan.

    References
    ----------
    ``langford2005``.

    Examples
    --------
    >>> kl_upper(0.0, [0.0, 50.0], mode="certified", complement=True)[1]
    array([1.00000000e+00, 1.92874985e-22])
    """  # noqa: DOC502
    return _called(q, c, mode, complement, backend, True)


def kl_lower(q: Any, c: Any, *, mode: str = "estimate", complement: bool = False, backend: str = "auto") -> Any:
    r"""Return the smallest p in [0, q] with $\mathrm{kl}(q\|p) \le c$.

    Parameters
    ----------
    q : number, array or Tensor
        Larger means in [0, 1], taken exactly.
    c : number, array or Tensor
        Radii in nats, not negative, taken exactly; infinity gives 0. Both broadcast.
    mode : {"estimate", "certified"}
        An estimate has about 4 (1 + s) units of error where s is log(q/p), and its complement four; a certificate is
        never above the solution, and at most two units in the last place below it.
    complement : bool
        Return 1 - p too; certified, it is never below its true value.
    backend : {"auto", "numpy", "torch", "triton"}
        Kernel of an estimate for tensors.

    Returns
    -------
    float, array, Tensor or a tuple of two

    Raises
    ------
    DomainError
        When a mean lies outside [0, 1], a radius is negative, or anything is nan.

    Examples
    --------
    >>> round(kl_lower(0.1, 0.02), 15)
    0.050629153907815
    """  # noqa: DOC502
    return _called(q, c, mode, complement, backend, False)


def _called(q: Any, c: Any, mode: str, complement: bool, backend: str, upper: bool) -> Any:
    if mode not in ("estimate", "certified"):
        raise DomainError(f"mode is 'estimate' or 'certified', not {mode!r}")
    if backend not in ("auto", "numpy", "torch", "triton"):
        raise DomainError(f"backend is 'auto', 'numpy', 'torch' or 'triton', not {backend!r}")
    if is_torch(q) or is_torch(c):
        out = _tensors(q, c, mode, backend, upper)
        return out if complement else out[0]
    out = _arrays(q, c, mode, upper, complement)
    return out if complement else out[0]


def _arrays(q: Any, c: Any, mode: str, upper: bool, both: bool = True) -> tuple[Any, Any]:
    """Return p, and 1 - p where both are wanted, block by block on a few threads."""
    q, c = _exact(q, "a mean"), _exact(c, "a radius")
    shape = np.broadcast_shapes(q.shape, c.shape)
    q, c = (np.ascontiguousarray(np.broadcast_to(x, shape)).reshape(-1) for x in (q, c))
    p, r = np.empty(q.size), np.empty(q.size if both else 0)
    code = _Certificates if mode == "certified" else _Estimates

    def run(start: int, end: int) -> bool:
        block, left = code(min(BLOCK, end - start), upper), (list[Any](), list[Any]())
        for a in range(start, end, BLOCK):
            at = slice(a, min(a + BLOCK, end))
            if not _fits(q[at], c[at]):
                return False
            flags = block.write(q[at], c[at], p[at], r[at] if both else None)
            for places, fine in zip(left, flags if both else flags[:1], strict=False):
                if not fine.all():
                    places.append(np.flatnonzero(~fine) + a)
        for k, out in enumerate((p, r)):
            for at in _batches(left[k]):  # together: a few pairs cost as much as a block
                out[at] = block.slow(q[at], c[at])[k]
        return True

    threads = min(THREADS, max(1, q.size // BLOCK))
    cuts = [q.size * k // threads for k in range(threads + 1)]
    if threads > 1:
        with ThreadPoolExecutor(threads) as pool:
            done = list(pool.map(run, cuts[:-1], cuts[1:]))
    else:
        done = [run(0, q.size)]
    if not all(done):
        _inside(q, c, lambda bad: f"at place {int(np.argmax(bad))} q = {q[np.argmax(bad)]} and c = {c[np.argmax(bad)]}")
    if shape == ():
        return float(p[0]), float(r[0]) if both else None
    return p.reshape(shape), r.reshape(shape) if both else None


def _fits(q: Any, c: Any) -> bool:
    return bool(q.min() >= 0 and q.max() <= 1 and c.min() >= 0)


def _batches(places: list[Any]) -> list[Any]:
    if not places:
        return []
    every = np.concatenate(places)
    return np.array_split(every, range(BLOCK, every.size, BLOCK))


class _Estimates:
    """Plain estimates of one block; the pairs that the fast method hands back take Halley's steps without it."""

    def __init__(self, size: int, upper: bool) -> None:
        self.upper, self.fast, self.rest = upper, Estimator(size), np.empty(size)

    def write(self, q: Any, c: Any, p: Any, r: Any) -> tuple[Any, Any]:
        rest = np.subtract(1.0, q, out=self.rest[: q.size])
        if self.upper:
            fine = self.fast.solve(q, rest, c, p, r)
            np.subtract(q, p, out=p)
        else:
            fine = self.fast.solve(rest, q, c, r, p)
            if r is not None:
                np.subtract(rest, r, out=r)
        return fine, fine

    def slow(self, q: Any, c: Any) -> tuple[Any, Any]:
        return _estimate(q, c, self.upper)


class _Certificates:
    """Outward bounds of one block; what the proof hands back is done in pairs of doubles or balls."""

    def __init__(self, size: int, upper: bool) -> None:
        self.upper, self.fast = upper, _Estimates(size, upper)
        self.near, self.left = np.empty(size), np.empty(size)

    def write(self, q: Any, c: Any, p: Any, r: Any) -> tuple[Any, Any]:
        near = self.near[: q.size]
        left = self.left[: q.size] if r is not None else None
        self.fast.write(q, c, near, left)
        mean, rest = (q, 0.0), two_sum(1.0, -q)
        p[:], good = outward(mean, rest, c, near, self.upper)
        if r is None:
            return good, good
        r[:], fine = outward(rest, mean, c, left, not self.upper)  # 1 - p solves the mirrored equation
        return good, fine

    def slow(self, q: Any, c: Any) -> tuple[Any, Any]:
        return _certified(q, c, self.upper)


def _exact(x: Any, what: str) -> Any:
    x = np.asarray(x)
    if x.dtype == object or x.dtype.kind not in "fiu" or x.dtype.itemsize > 8:
        raise DTypeError(f"{what} is {x.dtype}; give numbers that binary64 can hold")
    out = x.astype(np.float64, copy=False)
    if x.dtype.kind in "iu" and np.any((x > 2**53) | (x < -(2**53))):
        raise DTypeError(f"{what} is an integer that binary64 cannot hold exactly")
    return out


def _inside(q: Any, c: Any, where: Any) -> None:
    bad = ~((q >= 0) & (q <= 1) & (c >= 0))
    if bool(bad.any()):
        raise DomainError(f"a mean lies in [0, 1] and a radius is not negative, but {where(bad)}")


def _tensors(q: Any, c: Any, mode: str, backend: str, upper: bool) -> tuple[Any, Any]:
    import torch

    like = q if is_torch(q) else c
    q, c = (x if is_torch(x) else torch.as_tensor(x, dtype=like.dtype, device=like.device) for x in (q, c))
    if not (q.dtype == c.dtype and q.dtype.is_floating_point):
        raise DTypeError(f"q and c have the types {q.dtype} and {c.dtype}, expected one floating-point type for both")
    q, c = torch.broadcast_tensors(q, c)
    _inside(q.detach(), c.detach(), lambda bad: f"{int(bad.sum())} pairs are not so")
    plain = backend in ("auto", "numpy") and q.device.type == "cpu" and not (q.requires_grad or c.requires_grad)
    if plain and mode == "estimate":
        p, r = _arrays(q.double().numpy(), c.double().numpy(), mode, upper)
        return torch.as_tensor(p).to(q.dtype), torch.as_tensor(r).to(q.dtype)
    if mode == "certified":
        p, r = _arrays(q.detach().double().cpu().numpy(), c.detach().double().cpu().numpy(), mode, upper)
        ways = (upper, not upper)
        return tuple(
            _towards(torch.as_tensor(x), q.dtype, way).to(q.device) for x, way in zip((p, r), ways, strict=True)
        )  # type: ignore[return-value]
    chosen = {"auto": "auto", "triton": "triton"}.get(backend, "torch")
    if upper and (chosen == "triton" or q.device.type != "cpu"):
        from dltsym.kernels.kl_inverse import kl_inverse

        return kl_inverse(q, c, backend=chosen)
    wide, radius = q.double(), c.double()
    move, rest = pair(wide, radius) if upper else pair(1 - wide, radius, wide)
    out = (wide + move, rest) if upper else (rest, 1 - wide + move)
    return out[0].to(q.dtype), out[1].to(q.dtype)


def _towards(x: Any, dtype: Any, high: bool) -> Any:
    """Round doubles to a type in one direction."""
    import torch

    near = x.to(dtype)
    wrong = near.double() < x if high else near.double() > x
    end = torch.full_like(near, float("inf") if high else float("-inf"))
    return torch.where(wrong, torch.nextafter(near, end), near)


def _estimate(q: Any, c: Any, upper: bool) -> tuple[Any, Any]:
    if upper:
        move, rest = pair(q, c)
        return q + move, rest
    move, rest = pair(1 - q, c, q)
    return rest, (1 - q) + move


def _certified(q: Any, c: Any, upper: bool) -> tuple[Any, Any]:
    """Return a bound of the solution and of its complement, outward (p up and 1 - p down for the upper one)."""
    with np.errstate(all="ignore"):
        one_minus = two_sum(np.ones_like(q), -q)
        mean, rest = ((q, np.zeros_like(q)), one_minus) if upper else (one_minus, (q, np.zeros_like(q)))
        move, left = pair(mean[0], c, rest[0])
        p, r, good = _tangent(mean, rest, c, move, left)
    p, r = (p, r) if upper else (r, p)
    for i in np.flatnonzero(~good):
        p[i], r[i] = _ball(float(q[i]), float(c[i]), upper)
    return p, r


def _tangent(q: Pair, rest: Pair, c: Any, move: Any, left: Any) -> tuple[Any, Any, Any]:
    """Return p rounded up, 1 - p rounded down, and where both are certain."""
    zero = np.zeros_like(c)
    near = left < rest[0] / 2
    d, r = minus(rest, (left, zero)), minus(rest, (move, zero))
    d, r = _either(near, d, (move, zero)), _either(near, (left, zero), r)
    p = plus(q, d)
    value, size = _entropy(q, rest, p, d, r, near)
    missing = (c - value[0]) - value[1] + (size + c) * ERROR
    turn = missing * (p[0] / d[0])  # what -log(1 - p) misses at most; no product here may underflow
    turn = turn + np.abs(turn) * 2.0**-40
    fall = turn * r[0]
    fall = fall + np.abs(fall) * 2.0**-40
    low = _up_of((-r[0], -r[1]), fall, near, left, turn)
    high = _up_of(p, fall, near, left, turn, low)
    usual = (q[0] == 0) | (q[0] > TINY)
    good = usual & (rest[0] > TINY) & (c > TINY) & (c < HUGE) & (d[0] > TINY) & (r[0] > TINY) & np.isfinite(high)
    good &= np.isfinite(low) & (np.abs(missing) < 2.0**-36 * (size + c))
    return np.minimum(high, 1.0), -low, good


def _up_of(x: Pair, fall: Any, near: Any, left: Any, turn: Any, low: Any = None) -> Any:
    """Round up 1 - r or -r, where r falls by the tangent; `low` is the second one where the first is wanted."""
    flat = plus(x, (fall + np.abs(x[0]) * ROUNDING, np.zeros_like(fall)))
    if low is None:  # exp(-turn) is at least 1 - turn
        bent = twofold.times((-left, np.zeros_like(left)), two_sum(np.ones_like(turn), -turn - ROUNDING))
    else:
        bent = two_sum(np.ones_like(low), low)
    hi, lo = _either(near, bent, flat)
    return np.where(lo > 0, np.nextafter(hi, np.inf), hi)


def _either(where: Any, x: Pair, y: Pair) -> Pair:
    return np.where(where, x[0], y[0]), np.where(where, x[1], y[1])


def _entropy(q: Pair, rest: Pair, p: Pair, d: Pair, r: Pair, near: Any) -> tuple[Pair, Any]:
    """Return relative entropy, and the size of what was added up: its error is below 2**-66 of that."""
    # q v(d/q) + (1 - q) v(-d/(1 - q)) with v(x) = x - log(1 + x): each term by a series in x/(2 + x) where that is
    # below 1/3, and by a logarithm elsewhere.
    one, zero = np.ones_like(d[0]), np.zeros_like(d[0])
    full, none = (one, zero), (zero, zero)
    small = d[0] < q[0]
    z = _either(small, over(d, _either(small, plus((2 * q[0], 2 * q[1]), d), full)), none)
    first = minus(times(d, z), _tail(q, z))
    positive = q[0] > 0
    ratio = over(p, _either(positive, q, p))
    lost = times(q, twofold.logarithm(_either(small | ~positive, full, ratio)))
    first, size = _either(small, first, minus(d, lost)), d[0] + np.where(small, 0.0, lost[0])
    z = _either(near, none, over(d, _either(near, full, minus((2 * rest[0], 2 * rest[1]), d))))
    last = plus(times(d, z), _tail(rest, z))
    gone = times(rest, twofold.logarithm(_either(near, over(rest, _either(near, r, full)), full)))
    last, more = _either(near, minus(gone, d), last), np.where(near, gone[0] + d[0], last[0])
    small_first = np.where(small, 4 * first[0], size)
    return plus(first, last), small_first + more


def _tail(weight: Pair, z: Pair) -> Pair:
    w = times(z, z)
    out = times(times(weight, z), times(w, series(w)))
    return 2 * out[0], 2 * out[1]


def _ball(q: float, c: float, upper: bool) -> tuple[float, float]:
    """Return the same bounds by balls."""
    f, other = (ball_upper, ball_lower) if upper else (ball_lower, ball_upper)
    ends = (up, down) if upper else (down, up)
    if c == float("inf"):
        return (1.0, 0.0) if upper else (0.0, 1.0)
    lost = -math.frexp(q)[1] if q else 0
    with working(BITS + max(lost, 0)):  # so that 1 - q is exact
        one = arb(1) - arb(q)
        p, r = f(arb(q), arb(c)), other(one, arb(c))
        bounds = ends[0](p), ends[1](r)
    return min(max(bounds[0], 0.0), 1.0), min(max(bounds[1], 0.0), 1.0)
