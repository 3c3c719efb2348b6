"""How large a power would be, found without computing it: ``10**10**10`` is refused where it is read."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from dltsym.notation.tree import Add, Div, Expr, Mul, Neg, Num, Pow
from dltsym.notation.walk import children

_SMALL = 64


@dataclass(frozen=True)
class Size:
    """Bounds for an expression.

    `bits` counts the binary digits of a closed one and is None for any other; `value` is known when it is short;
    `degree` is the exponent that the expanded expression may show.
    """

    bits: int | None = None
    value: Fraction | None = None
    degree: int = 1


def size(e: Expr) -> Size:
    """Measure an expression, without arithmetic on long numbers.

    Parameters
    ----------
    e : Expr
        Tree.

    Returns
    -------
    Size
    """
    if isinstance(e, Num):
        bits = max(e.value.numerator.bit_length(), e.value.denominator.bit_length())
        return Size(bits, e.value if bits <= _SMALL else None, 0)
    if isinstance(e, Pow):
        return _power(size(e.base), size(e.exponent))
    if not isinstance(e, Neg | Add | Mul | Div):
        return Size()
    parts = [size(c) for c in children(e)]
    degree = (max if isinstance(e, Neg | Add) else sum)(p.degree for p in parts)
    lengths = [p.bits for p in parts if p.bits is not None]
    bits = sum(lengths) + len(parts) if len(lengths) == len(parts) else None
    return Size(bits, _value(e, [p.value for p in parts]) if bits is not None and bits <= _SMALL else None, degree)


def _power(base: Size, exponent: Size) -> Size:
    if exponent.value is None:
        return Size(degree=base.degree)
    times = max(1, -(-abs(exponent.value) // 1))
    bits = None if base.bits is None else base.bits * times
    value = None
    if bits is not None and bits <= _SMALL and base.value is not None and exponent.value.denominator == 1:
        value = None if base.value == 0 else base.value**exponent.value.numerator
    return Size(bits, value, base.degree * times)


def _value(e: Expr, values: list[Fraction | None]) -> Fraction | None:
    known = [v for v in values if v is not None]
    if len(known) < len(values) or (isinstance(e, Div) and known[1] == 0):
        return None
    if isinstance(e, Neg):
        return -known[0]
    out = known[0]
    for v in known[1:]:
        out = out + v if isinstance(e, Add) else out / v if isinstance(e, Div) else out * v
    return out
