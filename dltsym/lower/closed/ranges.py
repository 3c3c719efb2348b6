"""How large every intermediate result can get, from the declared domains; in units of single precision.

`Range` bounds a value (``least``, ``most``) and the binary logarithm of its size where it is not 0 (``lo``, ``hi``). A
result that may leave the range of its type is computed with `dltsym.lower.closed.wide`. Whole numbers count as at most
2**64, real symbols as anything a 32-bit float can be; for 64-bit floats all limits scale alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import reduce

from dltsym.notation.tree import Add, Call, Const, Div, Expr, Mul, Neg, Num, Pow, Sym

INF = math.inf
TINY, HUGE, WHOLE, ULP = -149.0, 128.0, 64.0, 24.0
FLOOR, CEILING = TINY - ULP - 2, HUGE + 12  # a small constant or the logarithm of a number near 1 may touch the ends


@dataclass(frozen=True)
class Range:
    """Bounds of a value and of the binary logarithm of its size."""

    lo: float
    hi: float
    least: float = -INF
    most: float = INF
    integral: bool = False

    @property
    def outside(self) -> bool:
        """Whether some value does not fit its type."""
        return self.lo < FLOOR or self.hi > CEILING

    @property
    def lossy(self) -> bool:
        """Whether some value is too small to be held to full precision, or too large."""
        return self.lo < TINY + ULP - 1 or self.hi > HUGE

    @property
    def nonzero(self) -> bool:
        """Whether the value cannot be 0."""
        return self.least > 0 or self.most < 0


def _log2(x: float) -> float:
    return math.log2(x) if 0 < x < INF else (-INF if x == 0 else INF)


def _tight(lo: float, hi: float, least: float, most: float, integral: bool = False) -> Range:
    if least > 0:
        lo = max(lo, _log2(least))
    if most < 0:
        lo = max(lo, _log2(-most))
    hi = min(hi, _log2(max(abs(least), abs(most))))
    return Range(max(lo, 0) if integral else lo, hi, least, most, integral)


def _times(a: float, b: float) -> float:
    return 0.0 if a == 0 or b == 0 else a * b


class Ranges:
    """Ranges of trees, each node computed once; call it with a tree."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Expr, Range]] = {}

    def __call__(self, e: Expr) -> Range:  # noqa: D102 - the class says it
        known = self._known.get(id(e))
        if known is None:
            known = self._known[id(e)] = (e, self._find(e))  # the tree is kept, so its id stays its own
        return known[1]

    def _find(self, e: Expr) -> Range:
        match e:
            case Num(value):
                return _number(value.numerator, value.denominator)
            case Const():
                return _tight(-1, 2, 3.14, 3.15)
            case Sym():
                return _symbol(e)
            case Neg(arg):
                r = self(arg)
                return Range(r.lo, r.hi, -r.most, -r.least, r.integral)
            case Add(args):
                return self._add([self(a) for a in args])
            case Mul(args):
                return reduce(_product, map(self, args))
            case Div(num, den):
                return _quotient(self(num), self(den))
            case Pow():
                return self._power(e)
            case Call():
                return self._call(e)
        return Range(-INF, INF)

    def _add(self, parts: list[Range]) -> Range:
        least, most = sum(r.least for r in parts), sum(r.most for r in parts)
        hi = max(r.hi for r in parts) + math.log2(len(parts))
        whole = all(r.integral for r in parts)
        if all(r.least >= 0 for r in parts) or all(r.most <= 0 for r in parts):
            sure = [r.lo for r in parts if r.nonzero]
            return _tight(max(sure) if sure else min(r.lo for r in parts), hi, least, most, whole)
        sure = [r.lo for r in parts if r.nonzero] if len(parts) == 2 else []
        lo = (max(sure) if sure else min(r.lo for r in parts)) - ULP - 1
        if not any(r.outside for r in parts):
            lo = max(lo, TINY)  # a sum of floating-point numbers is 0 or at least the smallest one
        return _tight(lo, hi, least, most, whole)

    def _power(self, e: Pow) -> Range:
        r, c = self(e.base), self(e.exponent)
        if not isinstance(e.exponent, Num):
            return _tight(-INF, INF, 0.0, INF) if r.least >= 0 else Range(-INF, INF)
        power = float(e.exponent.value)
        lo, hi = sorted((_times(r.lo, power), _times(r.hi, power)))
        even = c.integral and power % 2 == 0
        if not (even or r.least >= 0):
            return Range(lo, hi, integral=r.integral and c.integral and power > 0)
        ends = [x**power for x in (r.least, r.most) if 0 < x < INF and abs(_log2(x) * power) < 1000]
        least, most = 0.0, INF
        if r.least >= 0 and len(ends) == 2:
            least, most = min(ends), max(ends)
        elif r.least > 0 and power > 0 and ends:
            least = ends[0]
        return _tight(lo, hi, least, most, r.integral and c.integral and power > 0)

    def _call(self, e: Call) -> Range:
        r = self(e.args[0])
        match e.name:
            case "exp":
                least, most = (math.exp(x) if x < 700 else INF for x in (r.least, r.most))
                return _tight(r.least / math.log(2), r.most / math.log(2), least, most)
            case "log":
                least = math.log(r.least) if r.least > 0 else -INF
                most = math.log(r.most) if 0 < r.most < INF else INF
                return _tight(-ULP, _log2(max(abs(r.lo), abs(r.hi), 2)) + 1, least, most)
            case "sqrt":
                least, most = (math.sqrt(x) if x > 0 else 0.0 for x in (r.least, r.most))
                return _tight(r.lo / 2, r.hi / 2, least, most)
            case "abs":
                return _tight(r.lo, r.hi, max(r.least, -r.most, 0.0), max(abs(r.least), abs(r.most)), r.integral)
            case "max" | "min":
                s = self(e.args[1])
                pick = max if e.name == "max" else min
                least, most = pick(r.least, s.least), pick(r.most, s.most)
                return _tight(min(r.lo, s.lo), max(r.hi, s.hi), least, most, r.integral and s.integral)
            case "log1pmx":
                return Range(min(2 * r.lo, r.lo), r.hi, 0.0)
            case "log_cosh":
                return Range(min(2 * r.lo - 2, 0.0), r.hi, 0.0)
            case "expm1mx":
                return Range(min(2 * r.lo - 3, 0.0), max(max(r.most, 0.0) / math.log(2) + 1, r.hi), 0.0)
            case "power1p":
                return _tight(-INF, INF, 0.0, INF)
            case "expm1" | "phi1":
                high = max(r.most, 0.0) / math.log(2) + 1
                return Range(min(r.lo, 0.0) if e.name == "expm1" else -INF if r.least == -INF else r.lo, high,
                             -1.0 if e.name == "expm1" else 0.0)  # fmt: skip
        return _FUNCTIONS.get(e.name, Range(TINY, HUGE))


def _number(p: int, q: int) -> Range:
    if p == 0:
        return Range(0.0, 0.0, 0.0, 0.0, True)
    size = math.log2(abs(p)) - math.log2(q)
    x = math.copysign(2.0**size if abs(size) < 1000 else (INF if size > 0 else 0.0), p)
    if q == 1 and abs(p) < 2**53:
        x = float(p)
    return Range(size, size, x, x, q == 1)


def _symbol(s: Sym) -> Range:
    d = s.decl
    whole = d.sort in ("integer", "index")
    least, most = (float(b.value) if isinstance(b, Num) else end for b, end in ((d.lo, -INF), (d.hi, INF)))
    lo, hi = (0.0, WHOLE) if whole else (TINY, HUGE)
    return _tight(lo, hi, least, most, whole)


def _product(a: Range, b: Range) -> Range:
    corners = [_times(x, y) for x in (a.least, a.most) for y in (b.least, b.most)]
    return _tight(a.lo + b.lo, a.hi + b.hi, min(corners), max(corners), a.integral and b.integral)


def _quotient(a: Range, b: Range) -> Range:
    lo, hi = a.lo - b.hi, a.hi - b.lo
    lo, hi = (-INF if math.isnan(lo) else lo), (INF if math.isnan(hi) else hi)
    low, high = 1 / b.most if b.most else INF, 1 / b.least if b.least else INF
    if b.least < 0 < b.most or b.least == -INF or b.most < 0:
        return _tight(lo, hi, -INF, INF)
    corners = [_times(x, y) for x in (a.least, a.most) for y in (low, high)]
    return _tight(lo, hi, min(corners), max(corners))


_UNIT = Range(TINY, 1.0, -1.0, 1.0)
_FUNCTIONS = {
    "sin": _UNIT, "cos": _UNIT, "tanh": _UNIT, "erf": _UNIT,
    "sigmoid": Range(-INF, 0.0, 0.0, 1.0), "softplus": Range(-INF, HUGE, 0.0), "delta": Range(0.0, 0.0, 0.0, 1.0, True),
    "kl_bernoulli": Range(TINY, 9.0, 0.0), "binary_entropy": Range(TINY, 0.0, 0.0, 0.6932),
    "kl_upper_rest": Range(-INF, 0.0, 0.0, 1.0), "kl_upper_odds": Range(TINY, 12.0, 0.0),
    "kl_lower": Range(-INF, 0.0, 0.0, 1.0), "kl_upper": Range(TINY, 0.0, 0.0, 1.0), "xlogx": Range(TINY, HUGE, -0.4),
    "acos": Range(TINY, 2.0, 0.0, 3.15), "asin": Range(TINY, 1.0, -1.6, 1.6), "atan": Range(TINY, 1.0, -1.6, 1.6),
    "log1p": Range(TINY, 10.0), "xlogx_step": Range(TINY, HUGE, 0.0),
    "cumulant": Range(TINY, HUGE, 0.0), "complement": Range(-INF, 0.0, -1.0, 1.0),
}  # fmt: skip
