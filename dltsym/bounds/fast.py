r"""Estimates of the inverse of Bernoulli relative entropy for a great many pairs: some 60 array operations in all.

The unknown is $s = \log((1-q)/(1-p))$, and $F(s) = (1-q)s - q\log(p/q) - c$ with $p = q + (1-q)(1-e^{-s})$ is
increasing and convex with $F' = (p-q)/p$. A rational start in $r = \sqrt{2c/(q(1-q))}$, fitted to 0.7 per cent, and
one step of Newton's method are taken in single precision, whose arrays are twice as fast. One step of order four
in double precision, which needs one `expm1` and one `log1p`, ends it. A pair whose last step was longer than the
order can make good is handed back; so are those at the edges, where something overflows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["BLOCK", "Estimator"]

BLOCK = 1 << 14
STEP = 2.0**-14
"""Longest last step, relative to s: its fourth power is 2**-56."""
TINY, TINY32 = 1e-300, np.float32(1e-30)
_ROOT, _SIXTH, _LEFT = np.float32(-(0.5**0.5)), np.float32(-1 / 6), np.float32(-0.1449)
_NOISE = np.float32(1 / 180)
"""A step is shortened where it is smaller than what single precision can tell of the error."""


class Estimator:
    """Room for one block of pairs, and the method; one per thread.

    Parameters
    ----------
    size : int
        Most pairs of a block.
    """

    def __init__(self, size: int = BLOCK) -> None:
        self.wide = np.empty((8, size))
        self.short = np.empty((8, size), np.float32)
        self.fine = np.empty(size, bool)

    def solve(self, q: Any, rest: Any, c: Any, fall: Any, left: Any) -> Any:
        """Write q - p and 1 - p for the largest p with kl(q, p) <= c.

        Parameters
        ----------
        q, rest, c : ndarray of float64, shape (n,)
            Mean, 1 - mean and radius; n is at most the size of a block.
        fall, left : ndarray of float64, shape (n,), or None
            Where results go, if they are wanted; neither may be one of the inputs.

        Returns
        -------
        ndarray of bool, shape (n,)
            Where the results are good to a few units; the next call overwrites it.
        """
        n = q.size
        with np.errstate(all="ignore"):
            s = self._coarse(q, rest, c)
            return self._finish(q, rest, c, s, fall, left, self.fine[:n])

    def _coarse(self, q: Any, rest: Any, c: Any) -> Any:
        """Return -s in single precision, to about 3e-5."""
        q1, rest1, c1, r, a, b, n, g = self.short[:, : q.size]
        for target, x in ((q1, q), (rest1, rest), (c1, c)):
            np.copyto(target, x, casting="same_kind")
        np.add(q1, TINY32, out=q1)
        np.divide(c1, rest1, out=g)
        np.divide(g, q1, out=r)
        np.sqrt(r, out=r)  # -s = -c/(1 - q) - q r/(1 + (1 + q)/6 r + b q r**2), with r over the root of 2 here
        np.multiply(r, _LEFT, out=b)
        np.add(b, _SIXTH, out=b)
        np.multiply(b, q1, out=b)
        np.add(b, _SIXTH, out=b)
        np.multiply(b, r, out=b)
        np.add(b, _ROOT, out=b)
        np.multiply(r, q1, out=r)
        np.divide(r, b, out=n)
        np.subtract(n, g, out=n)
        return self._newton(q1, rest1, c1, n, a, b, r)

    @staticmethod
    def _newton(q: Any, rest: Any, c: Any, n: Any, a: Any, b: Any, f: Any) -> Any:
        """Add a step of Newton's method to n = -s."""
        np.expm1(n, out=a)
        np.multiply(a, rest, out=a)  # q - p
        np.divide(a, q, out=f)
        np.negative(f, out=f)
        np.log1p(f, out=f)
        np.multiply(f, q, out=f)
        np.add(f, c, out=f)
        np.multiply(rest, n, out=b)
        np.add(f, b, out=f)  # -F
        np.subtract(q, a, out=b)  # p
        np.multiply(f, b, out=f)
        np.multiply(b, rest, out=b)
        np.multiply(b, _NOISE, out=b)
        np.subtract(a, b, out=a)
        np.divide(f, a, out=f)  # F p/(p - q), but for the noise
        np.add(n, f, out=n)
        return n

    def _finish(self, q: Any, rest: Any, c: Any, start: Any, fall: Any, left: Any, fine: Any) -> Any:
        """Take the last step, of order four, and evaluate what is wanted."""
        m, n, d, x, f, u, y, t = self.wide[:, : q.size]
        np.subtract(-TINY, q, out=m)  # -q
        np.copyto(n, start)
        np.expm1(n, out=d)
        np.multiply(d, rest, out=d)  # q - p
        np.divide(d, m, out=x)
        np.log1p(x, out=f)
        np.multiply(f, m, out=f)
        np.multiply(n, rest, out=y)
        np.subtract(y, f, out=f)
        np.add(f, c, out=f)  # -F
        np.divide(f, d, out=u)  # F/(p - q)
        np.add(rest, d, out=t)  # 1 - p
        np.multiply(t, u, out=y)
        np.divide(y, x, out=y)  # F F''/F'^2
        np.add(t, 1.0, out=t)
        np.multiply(t, u, out=t)
        np.multiply(t, 1 / 3, out=t)
        np.add(t, y, out=t)
        np.add(t, 1.0, out=t)
        np.multiply(t, y, out=t)
        np.multiply(t, 0.5, out=t)
        np.add(t, 1.0, out=t)  # 1 + a + 2 a^2 - F''' F^2/(6 F'^3) with a = F F''/(2 F'^2)
        np.add(m, d, out=m)  # -p
        np.multiply(u, m, out=u)
        np.multiply(u, t, out=u)
        np.subtract(n, u, out=n)
        self._write(rest, n, fall, left)
        np.abs(u, out=u)
        np.multiply(n, -STEP, out=n)
        return np.less(u, n, out=fine)  # false where both are infinite

    @staticmethod
    def _write(rest: Any, n: Any, fall: Any, left: Any) -> None:
        if fall is not None:
            np.expm1(n, out=fall)
            np.multiply(fall, rest, out=fall)
        if left is not None:
            np.exp(n, out=left)
            np.multiply(left, rest, out=left)
