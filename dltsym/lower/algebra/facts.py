"""What is known of every value of a node: range, integrality, finiteness, sums that are 1.

Facts come from the declared inputs and travel upwards. They are mathematical: rounding and overflow do not enter. A
value may be minus infinity (the logarithm of a zero weight, a masked score), so `Facts.nonneg` includes 0 and
`Facts.finite` is a fact of its own. Entries of inputs are finite by contract.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from dltsym.lower.axes import Axis
from dltsym.lower.nodes import Node
from dltsym.lower.ops import OPS
from dltsym.lower.program import Input

if TYPE_CHECKING:
    from dltsym.lower.algebra.constructors import Algebra


@dataclass(frozen=True)
class Facts:
    """What holds for every value of a node.

    Attributes
    ----------
    lo, hi : Fraction or None
        Bounds.
    lo_open, hi_open : bool
        Whether a bound is not attained.
    integer, truth, finite : bool
        Whether values are integers, truth values, finite.
    sum_one : frozenset of Axis
        Axes over which the sum is 1; empty if none is known.
    apart : bool
        Whether 0 is excluded for another reason than the bounds.
    """

    lo: Fraction | None = None
    hi: Fraction | None = None
    lo_open: bool = False
    hi_open: bool = False
    integer: bool = False
    truth: bool = False
    finite: bool = False
    sum_one: frozenset[Axis] = frozenset()
    apart: bool = False

    @property
    def nonneg(self) -> bool:
        """Whether every value is at least 0."""
        return self.lo is not None and self.lo >= 0

    @property
    def positive(self) -> bool:
        """Whether every value is greater than 0."""
        return self.nonneg and (self.apart or self.lo_open or self.lo != 0)

    @property
    def nonpos(self) -> bool:
        """Whether every value is at most 0."""
        return self.hi is not None and self.hi <= 0

    @property
    def negative(self) -> bool:
        """Whether every value is less than 0."""
        return self.nonpos and (self.apart or self.hi_open or self.hi != 0)

    @property
    def nonzero(self) -> bool:
        """Whether 0 is excluded."""
        return self.apart or self.positive or self.negative

    @property
    def sign(self) -> str:
        """The sign as a word: ``zero``, ``+``, ``>=0``, ``-``, ``<=0``, or ``real``."""
        if self.lo == self.hi == 0:
            return "zero"
        if self.nonneg:
            return "+" if self.positive else ">=0"
        if self.nonpos:
            return "-" if self.negative else "<=0"
        return "real"


_TRUTH = Facts(Fraction(0), Fraction(1), integer=True, truth=True, finite=True)
_BOUNDED = Facts(finite=True)


def infer(alg: Algebra, node: Node) -> Facts:
    """Derive the facts of a node from those of its arguments.

    Parameters
    ----------
    alg : Algebra
        Owner of the inputs and of the facts of the arguments.
    node : Node
        Node.

    Returns
    -------
    Facts
    """
    match node.op:
        case "num":
            value = node.data[0]
            return Facts(value, value, integer=value.denominator == 1, finite=True)
        case "const":
            return (
                Facts(Fraction(3), Fraction(4), True, True, finite=True) if node.data[0] == "pi" else Facts(Fraction(0))
            )
        case "size":
            return Facts(alg.least(node.data[0]), integer=True, finite=True)
        case "iota":
            size = alg.exact_size(node.data[0].size)
            return Facts(Fraction(0), None if size is None else Fraction(max(size - 1, 0)), integer=True, finite=True)
        case "ref":
            return _reference(alg.inputs, node)
        case "cmp" | "and" | "or" | "not":
            return _TRUTH
    args = tuple(alg.facts(a) for a in node.args)
    match node.op:
        case "add":
            return _sum(args)
        case "mul":
            return _product(args)
        case "pow":
            return _power(args[0], node.data[0])
        case "where":
            return hull(args[1], args[2])
        case "maximum" | "minimum":
            return _extreme(node.op, args)
        case "contract":
            return _contract(args)
        case "reduce" | "scan" | "order" | "take" | "iterate":
            return _fold(alg, node, args)
        case "softmax":
            one = frozenset(node.data[0])
            return Facts(Fraction(0), Fraction(1), finite=True, sum_one=one)
        case "log_softmax":
            return Facts(None, Fraction(0))
    return _pointwise(node.op, args)


def _reference(inputs: Mapping[str, Input], node: Node) -> Facts:
    name, places = node.data
    given = inputs.get(name)
    if given is None:  # the state of an iteration
        return _BOUNDED
    if given.entries == "bool":
        return _TRUTH
    over = tuple(places[k] for k in given.sum_one) if len(places) > max(given.sum_one, default=0) else ()
    plain = bool(over) and all(isinstance(p, Axis) for p in over)
    others = {a for k, p in enumerate(places) if k not in given.sum_one and isinstance(p, Axis) for a in (p,)}
    known = frozenset(over) if plain and len(set(over)) == len(over) and not others & set(over) else frozenset()
    return Facts(
        given.lo, given.hi, given.lo_open, given.hi_open, given.entries == "integer", finite=True, sum_one=known
    )


def _sum(args: tuple[Facts, ...]) -> Facts:
    los, his = [a.lo for a in args], [a.hi for a in args]
    lo = None if None in los else sum(los, Fraction(0))  # type: ignore[arg-type]
    hi = None if None in his else sum(his, Fraction(0))  # type: ignore[arg-type]
    lo_open = any(a.lo_open or (a.apart and a.lo == 0) for a in args)
    hi_open = any(a.hi_open or (a.apart and a.hi == 0) for a in args)
    return Facts(lo, hi, lo_open, hi_open, all(a.integer for a in args), finite=all(a.finite for a in args))


def _times(a: Facts, b: Facts) -> Facts:
    flags: dict[str, Any] = {
        "integer": a.integer and b.integer,
        "finite": a.finite and b.finite,
        "apart": a.nonzero and b.nonzero,
    }
    if a.lo is not None and a.lo == a.hi != 0 and a.finite:
        ends = [None if e is None else e * a.lo for e in (b.lo, b.hi)]
        if a.lo > 0:
            return Facts(ends[0], ends[1], b.lo_open, b.hi_open, **flags)
        return Facts(ends[1], ends[0], b.hi_open, b.lo_open, **flags)
    if None not in (a.lo, a.hi, b.lo, b.hi):
        products = [x * y for x in (a.lo, a.hi) for y in (b.lo, b.hi)]  # type: ignore[operator]
        return Facts(min(products), max(products), **flags)
    if a.nonneg and b.nonneg:
        return Facts(a.lo * b.lo, **flags)  # type: ignore[operator]
    if (a.nonneg and b.nonpos) or (a.nonpos and b.nonneg):
        return Facts(None, Fraction(0), **flags)
    return Facts(Fraction(0), **flags) if a.nonpos and b.nonpos else Facts(**flags)


def _product(args: tuple[Facts, ...]) -> Facts:
    out = args[0]
    for a in args[1:]:
        out = _times(out, a)
    return out


def _power(a: Facts, k: Fraction) -> Facts:
    finite = a.finite and (k > 0 or a.nonzero)
    flags: dict[str, Any] = {
        "integer": a.integer and k.denominator == 1 and k > 0,
        "finite": finite,
        "apart": a.nonzero and a.finite,
    }
    even = k.denominator == 1 and k % 2 == 0
    if even and not a.nonneg and not a.nonpos:
        top = None if a.lo is None or a.hi is None or k < 0 else max(-a.lo, a.hi) ** int(k)
        return Facts(Fraction(0), top, **flags)
    if k.denominator == 1 and k > 0:
        ends = [None if e is None else e ** int(k) for e in (a.lo, a.hi)]
        if a.nonpos and even:
            return Facts(ends[1], ends[0], a.hi_open, a.lo_open, **flags)
        return Facts(ends[0], ends[1], a.lo_open, a.hi_open, **flags)
    if even and not a.nonneg:
        return Facts(Fraction(0), **flags)
    if a.nonneg or k.denominator != 1:
        small = Fraction(1) if a.hi is not None and a.hi <= 1 and k < 0 else Fraction(0)
        unit = Fraction(1) if a.hi is not None and a.hi <= 1 and k > 0 else None
        unit = Fraction(1) if a.lo is not None and a.lo >= 1 and k < 0 else unit
        small = Fraction(1) if a.lo is not None and a.lo >= 1 and k > 0 else small
        return Facts(small, unit, **flags)
    return Facts(None, Fraction(0), **flags) if a.nonpos else Facts(**flags)


def hull(a: Facts, b: Facts) -> Facts:
    """Return what holds for a value that is one of two.

    Parameters
    ----------
    a, b : Facts
        Facts of the two.

    Returns
    -------
    Facts
    """
    lo = None if a.lo is None or b.lo is None else min(a.lo, b.lo)
    hi = None if a.hi is None or b.hi is None else max(a.hi, b.hi)
    return Facts(
        lo,
        hi,
        all(x.lo_open or x.lo != lo for x in (a, b)),
        all(x.hi_open or x.hi != hi for x in (a, b)),
        a.integer and b.integer,
        a.truth and b.truth,
        a.finite and b.finite,
        apart=a.nonzero and b.nonzero,
    )


def _extreme(op: str, args: tuple[Facts, ...]) -> Facts:
    los, his = [a.lo for a in args if a.lo is not None], [a.hi for a in args if a.hi is not None]
    whole = (len(los) == len(args), len(his) == len(args))
    if op == "maximum":
        lo, hi = max(los, default=None), max(his) if whole[1] else None
    else:
        lo, hi = min(los) if whole[0] else None, min(his, default=None)
    apart = all(a.positive for a in args) or (any(a.positive for a in args) and op == "maximum")
    return Facts(lo, hi, integer=all(a.integer for a in args), finite=all(a.finite for a in args), apart=apart)


def _contract(args: tuple[Facts, ...]) -> Facts:
    one = _product(args)
    lo = Fraction(0) if one.nonneg else None
    hi = Fraction(0) if one.nonpos else None
    return Facts(lo, hi, integer=one.integer, finite=one.finite)


def _fold(alg: Algebra, node: Node, args: tuple[Facts, ...]) -> Facts:
    kind = node.data[0]
    if node.op == "take":
        return replace(args[0], sum_one=frozenset())
    if node.op == "iterate":
        return _BOUNDED
    if node.op == "order":
        hi = Fraction(1) if kind == "topk" else None
        return Facts(Fraction(0), hi, integer=True, truth=kind == "topk", finite=True)
    x = args[0]
    if kind in ("argmax", "argmin"):
        return Facts(Fraction(0), integer=True, finite=True)
    filled = node.data[3] if node.op != "reduce" else all((alg.least(a.size) or 0) >= 1 for a in node.data[-1])
    if kind in ("max", "min"):
        if filled:
            return replace(x, sum_one=frozenset(), truth=False)
        return Facts(x.lo if kind == "min" else None, x.hi if kind == "max" else None)
    if kind == "sum":
        return _contract((x,))
    if kind == "prod":
        inside = x.nonneg and x.hi is not None and x.hi <= 1
        return Facts(
            Fraction(0) if x.nonneg else None, Fraction(1) if inside else None, finite=x.finite, apart=x.nonzero
        )
    if kind == "affine":
        good = x.nonneg and all(a.nonneg for a in args)
        return Facts(Fraction(0) if good else None, finite=all(a.finite for a in args))
    return Facts(finite=filled and x.finite)


def _pointwise(op: str, args: tuple[Facts, ...]) -> Facts:
    if op not in OPS:  # a cell
        return Facts(finite=all(a.finite for a in args))
    row, x = OPS[op], args[0]
    lo = None if row.lo is None else Fraction(row.lo)
    hi = None if row.hi is None else Fraction(row.hi)
    lo = Fraction(0) if lo is None and row.sign in ("+", ">=0") else lo
    hi = Fraction(0) if hi is None and row.sign == "<=0" else hi
    known = all(a.finite for a in args)
    total = op not in ("log", "log1p", "log1mexp", "lgamma", "digamma", "trigamma", "asin", "acos", "tan", "rsqrt")
    apart = (row.sign == "+" and known) or (row.sign == "odd" and x.nonzero)
    if row.sign == "odd":
        lo = Fraction(0) if x.nonneg and (lo is None or lo < 0) else lo
        hi = Fraction(0) if x.nonpos and (hi is None or hi > 0) else hi
    match op:
        case "exp":
            hi = Fraction(1) if x.nonpos else None
            lo = Fraction(1) if x.nonneg else lo
        case "log":
            total = x.positive
            lo = Fraction(0) if x.lo is not None and x.lo >= 1 else None
            hi = Fraction(0) if x.hi is not None and x.hi <= 1 else None
        case "log1p":
            total = x.lo is not None and (x.lo > -1 or (x.lo == -1 and x.lo_open))
        case "abs":
            bound = None if x.lo is None or x.hi is None else max(-x.lo, x.hi)
            return Facts(Fraction(0), bound, integer=x.integer, finite=x.finite, apart=x.nonzero)
        case "lgamma" | "digamma" | "trigamma" | "rsqrt":
            total = x.positive
        case "kl_upper" | "kl_lower":
            total = x.nonneg and x.hi is not None and x.hi <= 1 and args[1].nonneg
    integer = op in ("sign", "floor", "step") or (op == "abs" and x.integer)
    return Facts(lo, hi, integer=integer, finite=known and total, apart=apart)
