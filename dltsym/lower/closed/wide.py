"""Numbers that neither overflow nor underflow: a floating-point mantissa and an exponent that is a whole double.

Generated code uses them only where an intermediate result may leave the range of its type although the final one does
not, such as the square in ``(p - q)**2/(2*p)`` or the exponentials of a softmax. Gradients flow through mantissas;
exponents are constants.
"""

from __future__ import annotations

import math
from typing import Any

from dltsym.lower.closed.space import ZERO_EXPONENT, aligned, detach, is_number, leading, rounded, scaled, space, split

LN2 = math.log(2)
LN2_TAIL = 2.3190468138462996e-17  # log 2 minus the double LN2


class Wide:
    """The array ``m * 2**e``."""

    __array_ufunc__ = None  # numpy: leave mixed operators to this class
    __slots__ = ("e", "m")

    def __init__(self, m: Any, e: Any) -> None:
        self.m, self.e = m, e

    def normal(self) -> Wide:
        """Return the same numbers with mantissas in [1/2, 1).

        Returns
        -------
        Wide
        """
        m, e = split(self.m)
        return Wide(m, e + self.e)

    def value(self) -> Any:
        """Return the nearest plain numbers; too large is infinite.

        Returns
        -------
        array
        """
        m, e = split(self.m)
        return scaled(m, e + self.e)

    def __neg__(self) -> Wide:
        return Wide(-self.m, self.e)

    def __mul__(self, other: Any) -> Wide:
        other = wide(other, self)
        return Wide(self.m * other.m, self.e + other.e)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Wide:
        other = wide(other, self)
        return Wide(self.m / other.m, self.e - other.e)

    def __rtruediv__(self, other: Any) -> Wide:
        return wide(other, self) / self

    def __add__(self, other: Any) -> Wide:
        a, b = self.normal(), wide(other, self).normal()
        xp = space(a.m, b.m)
        top = xp.maximum(leading(a.m, a.e), leading(b.m, b.e))
        top = xp.where(top == ZERO_EXPONENT, xp.maximum(a.e, b.e), top)
        return Wide(aligned(a.m, a.e, top) + aligned(b.m, b.e, top), top)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Wide:
        return self + -wide(other, self)

    def __rsub__(self, other: Any) -> Wide:
        return -self + other

    def sum(self, axis: int) -> Wide:
        """Return the sum along an axis, which is kept with size 1.

        Parameters
        ----------
        axis : int
            Axis.

        Returns
        -------
        Wide
        """
        a = self.normal()
        if a.m.shape[axis] == 0:
            return wide(a.m.sum(axis, keepdims=True), a)
        xp = space(a.m)
        e = xp.broadcast_to(a.e, a.m.shape)
        top = xp.amax(leading(a.m, e), axis, keepdims=True)
        top = xp.where(top == ZERO_EXPONENT, xp.amax(e, axis, keepdims=True), top)
        return Wide(aligned(a.m, e, top).sum(axis, keepdims=True), top)

    def log(self) -> Any:
        """Return natural logarithms as plain numbers.

        Returns
        -------
        array
        """
        m, e = centred(self)
        return space(m).log(m) + LN2 * as_float(e, m)

    def sqrt(self) -> Wide:
        """Return square roots.

        Returns
        -------
        Wide
        """
        m, e = split(self.m)
        e = e + self.e
        odd = e % 2
        xp = space(m)
        zero = m == 0  # the slope at 0 is infinite; keep it out of the gradient of the rest
        root = xp.where(zero, m, xp.sqrt(xp.where(zero, m + 1, scaled(m, odd))))
        return Wide(root, (e - odd) / 2)

    def __pow__(self, c: Any) -> Wide:
        if isinstance(c, int) and abs(c) <= 16:
            a, out = self.normal(), Wide(self.m * 0 + 1, self.e * 0)
            for _ in range(abs(c)):
                out = (out * a).normal()
            return 1 / out if c < 0 else out
        xp = space(self.m)
        m, e = centred(self)
        c = c.value() if isinstance(c, Wide) else c + self.m * 0
        zero = m == 0
        size = xp.where(zero, m, xp.log2(xp.where(zero, m + 1, abs(m)))) * c
        endless = abs(detach(c)) == math.inf  # then the exponent of the base decides, and its mantissa where that is 0
        size = xp.where(endless & (e != 0), xp.zeros_like(size), size)
        high = xp.where((detach(c) == 0) | (endless & (e == 0)), xp.zeros_like(size), c * as_float(e, m))
        k = rounded(detach(size + high))
        power = xp.exp2(xp.where(abs(k) > _far(m), xp.zeros_like(size), (high - as_float(k, m)) + size))
        ends = xp.where(detach(c) > 0, xp.zeros_like(power), xp.zeros_like(power) + math.inf)
        power = xp.where(zero & (detach(c) != 0), ends, power)
        odd = detach(c) % 2 == 1
        sign = xp.where(detach(m) < 0, xp.where(odd, -1.0, xp.where(detach(c) % 2 == 0, 1.0, xp.nan)), 1.0)
        return Wide(power * as_float(sign, m), k)

    def __rpow__(self, base: Any) -> Wide:
        return wide(base, self) ** self.value()

    def __abs__(self) -> Wide:
        return Wide(abs(self.m), self.e)


def as_float(e: Any, like: Any) -> Any:
    """Return exponents in the type of `like`.

    Parameters
    ----------
    e : array of float64
        Exponents.
    like : array
        Sets the type.

    Returns
    -------
    array
    """
    return e.to(like.dtype) if space(e).__name__ == "torch" else e.astype(like.dtype)


def centred(x: Wide) -> tuple[Any, Any]:
    """Return mantissas in [sqrt(1/2), sqrt(2)) and exponents, so that a number near 1 has exponent 0.

    Parameters
    ----------
    x : Wide
        Numbers.

    Returns
    -------
    tuple of array
    """
    m, e = split(x.m)
    low = abs(detach(m)) < math.sqrt(0.5)
    shift = space(m).where(low, 1, 0)
    return scaled(m, shift), e + x.e - shift


def _far(x: Any) -> float:
    """Return where neighbouring numbers of a type begin to differ by more than 1."""
    return 1 / float(space(x).finfo(x.dtype).eps)


def wide(x: Any, like: Any = None) -> Wide:
    """Lift numbers to `Wide`.

    Parameters
    ----------
    x : array, number or Wide
        Numbers.
    like : Wide or array, optional
        Sets module and type when `x` is a Python number.

    Returns
    -------
    Wide
    """
    if isinstance(x, Wide):
        return x
    if is_number(x) and like is not None:
        m = like.m if isinstance(like, Wide) else like
        mantissa, e = math.frexp(x)
        zero = detach(m) * 0
        return Wide(zero + mantissa, rounded(zero) + e)
    return Wide(*split(x))


def wide_exp(x: Any) -> Wide:
    """Return ``exp(x)`` of any size.

    Parameters
    ----------
    x : array
        Plain exponents.

    Returns
    -------
    Wide
    """
    xp = space(x)
    k = rounded(detach(x) / LN2)
    n = as_float(k, x)
    rest = (x - n * LN2) - n * LN2_TAIL
    far = abs(k) > _far(x)
    if bool(far.any()):  # one constant mantissa in [1/2, 1); an infinite exponent makes it nan, never a wrong number
        zero, endless = detach(x) == -math.inf, detach(x) == math.inf
        rest = xp.where(far & ~(zero | endless), (x - detach(x)) - LN2, xp.where(far, xp.zeros_like(x), rest))
        m = xp.where(zero, xp.zeros_like(x), xp.where(endless, x, xp.exp(rest)))
        return Wide(m, xp.where(zero | endless, 0.0, k))
    return Wide(xp.exp(rest), k)


def value(x: Any) -> Any:
    """Return plain numbers.

    Parameters
    ----------
    x : Wide or array
        Numbers.

    Returns
    -------
    array
    """
    return x.value() if isinstance(x, Wide) else x
