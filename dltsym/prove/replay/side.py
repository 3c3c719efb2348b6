"""Side conditions for the checker: enclosures of trees by small structural rules, from facts.

A `Store` holds facts, relations that hold wherever a claim is made. `enclose` gives rational ends of an expression:
known ends of its parts, ranges of functions, and facts whose difference is the expression up to a factor and a
constant, at most `DEPTH` of them in a row. Nothing is searched for: the rules are tried in a fixed order.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from dltsym.functions.table import FUNCTIONS
from dltsym.notation.parse import row_text
from dltsym.notation.tree import Add, Call, Const, Div, Expr, Index, Mul, Neg, Num, Pow, Rel, Sum, Sym
from dltsym.notation.walk import key
from dltsym.prove.replay import algebra, plain
from dltsym.prove.replay.interval import ANY, Interval, at, meet, product, reciprocal, total, whole_power

DEPTH = 3
ZERO, ONE = Num(Fraction(0)), Num(Fraction(1))
POSITIVE, NOT_NEGATIVE = Interval(Fraction(0), True), Interval(Fraction(0))
RANGES = {
    "exp": POSITIVE,
    "sqrt": NOT_NEGATIVE,
    "abs": NOT_NEGATIVE,
    "acos": NOT_NEGATIVE,
    "sin": Interval(Fraction(-1), False, Fraction(1), False),
    "cos": Interval(Fraction(-1), False, Fraction(1), False),
    "erf": Interval(Fraction(-1), True, Fraction(1), True),
    "delta": Interval(Fraction(0), False, Fraction(1), False),
}
INCREASING = {"exp": (0, 1), "log": (1, 0), "sqrt": (1, 1), "erf": (0, 0), "atan": (0, 0), "asin": (0, 0)}
AT_ENDS = ("kl_bernoulli", "xlogx", "binary_entropy", "phi1")  # defined at points where their definition is not
PI = Interval(Fraction(3), True, Fraction(22, 7), True)


@dataclass(frozen=True)
class Known:
    """A fact as a polynomial: ``poly > 0``, ``>= 0`` or ``= 0``; `level` counts the facts used in a row."""

    poly: plain.Poly
    op: str


@dataclass
class Store:
    """Facts, with what has been worked out from them."""

    facts: tuple[Rel, ...]
    known: list[Known] = field(default_factory=list)
    apart: list[plain.Poly] = field(default_factory=list)
    atoms: dict[str, Expr] = field(default_factory=dict)
    memo: dict[tuple[str, int], Interval] = field(default_factory=dict)
    shown: dict[tuple[tuple[Rel, ...], tuple[Rel, ...]], bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for rel in self.facts:
            self._note(rel.flipped())

    def _note(self, rel: Rel) -> None:
        poly = plain.read(rel.rhs + Neg(rel.lhs), self.atoms)
        if not any(poly):
            return
        if rel.op == "!=":
            self.apart.append(poly)
        elif rel.op == "<" and integral(rel.lhs) and integral(rel.rhs):
            self.known.append(Known(plain.plus(poly, {(): Fraction(-1)}), ">="))
        else:
            self.known.append(Known(poly, {"<": ">", "<=": ">=", "=": "="}[rel.op]))

    def sign(self, expr: Expr) -> tuple[int, bool]:
        """Return 1, -1 or 0 (unknown) for ``>= 0`` and ``<= 0``, and whether it is strict.

        Parameters
        ----------
        expr : Expr
            Tree.

        Returns
        -------
        tuple of (int, bool)
        """
        box = enclose(expr, self)
        if box.low is not None and box.low >= 0:
            return 1, box.low > 0 or box.low_open
        if box.high is not None and box.high <= 0:
            return -1, box.high < 0 or box.high_open
        return 0, False

    def zero(self, expr: Expr, closed: frozenset[str] = frozenset()) -> bool:
        """Whether an expression vanishes wherever it is defined and the facts hold.

        Parameters
        ----------
        expr : Expr
            Tree.
        closed : frozenset of str
            Defined functions that are not to be expanded, because that is not shown to be defined.

        Returns
        -------
        bool
        """
        return algebra.is_zero(expr, self.sign, closed)

    def follows(self, rel: Rel) -> bool:
        """Whether a relation follows by the structural rules, wherever its sides are defined.

        Parameters
        ----------
        rel : Rel
            Relation.

        Returns
        -------
        bool
        """
        rel = rel.flipped()
        gap = rel.rhs if rel.lhs == ZERO else Neg(rel.lhs) if rel.rhs == ZERO else rel.rhs + Neg(rel.lhs)
        if rel.op == "!=":
            return self.nonzero(gap)
        box = enclose(gap, self)
        if rel.op == "=":
            return (box.low, box.high) == (0, 0)
        return box.low is not None and (box.low > 0 or (box.low == 0 and (box.low_open or rel.op == "<=")))

    def nonzero(self, expr: Expr) -> bool:
        """Whether an expression cannot be 0.

        Parameters
        ----------
        expr : Expr
            Tree.

        Returns
        -------
        bool
        """
        if self.sign(expr)[1]:
            return True
        match expr:
            case Neg(arg) | Pow(arg, _) | Div(arg, _):
                if self.nonzero(arg):
                    return True
            case Mul(args):
                if all(map(self.nonzero, args)):
                    return True
        poly = plain.read(expr)
        return any(_multiple(poly, other) for other in self.apart)


def with_facts(store: Store, *more: Rel) -> Store:
    """Return a store with further facts.

    Parameters
    ----------
    store : Store
        Store.
    *more : Rel
        Facts.

    Returns
    -------
    Store
    """
    return Store((*store.facts, *more)) if more else store


def _multiple(a: plain.Poly, b: plain.Poly) -> bool:
    c = plain.ratio(a, b)
    return c is not None and a.get((), Fraction(0)) == c * b.get((), Fraction(0))


def integral(e: Expr) -> bool:
    """Whether an expression is an integer by its form.

    Parameters
    ----------
    e : Expr
        Tree.

    Returns
    -------
    bool
    """
    match e:
        case Num(value):
            return value.denominator == 1
        case Sym():
            return e.decl.sort in ("integer", "index", "bound")
        case Neg(arg):
            return integral(arg)
        case Add(args) | Mul(args):
            return all(map(integral, args))
        case Pow(base, Num(value)):
            return integral(base) and value.denominator == 1 and value >= 0
    return False


# ---- enclosures ----


def enclose(expr: Expr, store: Store, level: int = 0) -> Interval:
    """Enclose the values of an expression wherever it is defined and the facts hold.

    Parameters
    ----------
    expr : Expr
        Tree.
    store : Store
        Facts.
    level : int
        How many facts have been used in a row.

    Returns
    -------
    Interval
    """
    name = (plain.term(expr), level)
    if name not in store.memo:
        store.memo[name] = ANY
        poly = plain.read(expr, store.atoms)
        constant = all(not m for m in poly)
        out = at(poly.get((), Fraction(0))) if constant else _parts(expr, store, level)
        store.memo[name] = _by_facts(poly, out, store, level) if level < DEPTH and not constant else out
    return store.memo[name]


def _by_facts(poly: plain.Poly, out: Interval, store: Store, level: int) -> Interval:
    for fact in store.known:
        c = plain.ratio(poly, fact.poly)
        if c is not None:
            out = meet(out, _shifted(fact, c, at(poly.get((), Fraction(0)) - c * fact.poly.get((), Fraction(0)))))
        elif (mono := _shared(poly, fact.poly)) is not None:
            c = poly[mono] / fact.poly[mono]
            rest = plain.plus(poly, fact.poly, -c)
            if len(rest) <= len(poly):
                out = meet(out, _shifted(fact, c, enclose(plain.tree(rest, store.atoms), store, level + 1)))
    return out


def _shared(poly: plain.Poly, fact: plain.Poly) -> plain.Mono | None:
    return next((m for m in poly if m and m in fact), None)


def _shifted(fact: Known, c: Fraction, rest: Interval) -> Interval:
    """Enclose ``c*d + rest`` for a fact about d."""
    zero = Fraction(0)
    if fact.op == "=":
        return rest
    up = Interval(zero, fact.op == ">")
    return total(product(at(c), up), rest)


def _parts(expr: Expr, store: Store, level: int) -> Interval:
    def of(e: Expr) -> Interval:
        return enclose(e, store, level)

    match expr:
        case Num(value):
            return at(value)
        case Const("pi"):
            return PI
        case Neg(arg):
            return product(at(Fraction(-1)), of(arg))
        case Add(args):
            out = of(args[0])
            for a in args[1:]:
                out = total(out, of(a))
            return out
        case Mul(args):
            return _mul(args, store, level)
        case Div(a, b):
            return product(of(a), reciprocal(of(b)))
        case Pow(base, exponent):
            return _pow(of(base), of(exponent), exponent, base, store)
        case Call(name, args):
            return _call(expr, name, args, store, level)
        case Index(array, _):
            low, high = (None if b is None else of(b) for b in (array.decl.lo, array.decl.hi))
            return Interval(
                None if low is None else low.low,
                array.decl.lo_open or (low is not None and low.low_open),
                None if high is None else high.high,
                array.decl.hi_open or (high is not None and high.high_open),
            )
        case Sum():
            return _sum(expr, store)
    return ANY


def _mul(args: tuple[Expr, ...], store: Store, level: int) -> Interval:
    out, left = at(Fraction(1)), list(args)
    while left:
        a = left.pop(0)
        twin = next((b for b in left if key(b) == key(a)), None)
        box = enclose(a, store, level)
        if twin is not None:
            left.remove(twin)
            box = whole_power(box, 2, store.nonzero(a))
        out = product(out, box)
    return out


def _pow(base: Interval, power: Interval, exponent: Expr, tree: Expr, store: Store) -> Interval:
    if isinstance(exponent, Num) and exponent.value.denominator == 1:
        n = int(exponent.value)
        box = whole_power(base, abs(n), store.nonzero(tree)) if abs(n) <= 60 else ANY
        return box if n >= 0 else reciprocal(box)
    if base.low is None or base.low < 0:
        if isinstance(exponent, Num):  # a root is defined for a base that is not negative
            return Interval(Fraction(0), store.nonzero(tree))
        return ANY if plain.may_be_whole(exponent) else POSITIVE
    out = POSITIVE if base.low > 0 or base.low_open else NOT_NEGATIVE
    if base.low >= 1 and power.low is not None and power.low >= 0:
        out = Interval(Fraction(1))
    if base.high is not None and base.high <= 1 and power.low is not None and power.low >= 0:
        out = meet(out, Interval(None, False, Fraction(1), False))
    return out


def _call(expr: Call, name: str, args: tuple[Expr, ...], store: Store, level: int) -> Interval:
    row = FUNCTIONS[name]
    if row.definition is not None:
        whole = row_text(expr, row.definition)
        assert isinstance(whole, Expr)
        return ANY if name in AT_ENDS else enclose(whole, store, level)
    boxes = [enclose(a, store, level) for a in args]
    out = RANGES.get(name, ANY)
    if name in ("max", "min"):
        return _extreme(name, boxes)
    if name == "abs":
        return _absolute(boxes[0], store.nonzero(args[0]))
    if name in ("kl_upper", "kl_lower"):
        return _inverse(name == "kl_upper", *boxes)
    if name in INCREASING:
        arg, value = (Fraction(v) for v in INCREASING[name])
        u = boxes[0]
        if u.low is not None and u.low >= arg:
            out = meet(out, Interval(value, u.low > arg or u.low_open))
        if u.high is not None and u.high <= arg:
            out = meet(out, Interval(None, False, value, u.high < arg or u.high_open))
        if name == "sqrt" and (u.low is not None and (u.low > 0 or (u.low == 0 and u.low_open))):
            out = meet(out, POSITIVE)
    return out


def _inverse(upper: bool, q: Interval, c: Interval) -> Interval:
    """Enclose an inverse of relative entropy: between q and 1 (0 and q); an end only if q is, and for c > 0 not q."""
    moved = meet(c, NOT_NEGATIVE).low_open or (c.low is not None and c.low > 0)
    q = meet(q, Interval(Fraction(0), False, Fraction(1), False))
    inner = q.high_open or q.high != 1 if upper else q.low_open or q.low != 0
    if upper:
        return Interval(q.low, q.low_open or (moved and (inner or q.low == 0)), Fraction(1), inner)
    return Interval(Fraction(0), inner, q.high, q.high_open or (moved and (inner or q.high == 1)))


def _absolute(box: Interval, nonzero: bool) -> Interval:
    for side in (box, product(at(Fraction(-1)), box)):
        if side.low is not None and side.low >= 0:
            return meet(side, POSITIVE) if nonzero else side
    return POSITIVE if nonzero else NOT_NEGATIVE


def _extreme(name: str, boxes: list[Interval]) -> Interval:
    if name == "max":
        lows = [b for b in boxes if b.low is not None]
        best = max(lows, key=lambda b: (b.low, b.low_open), default=ANY)
        return Interval(best.low, best.low_open)
    highs = [b for b in boxes if b.high is not None]
    best = min(highs, key=lambda b: (b.high, not b.high_open), default=ANY)
    return Interval(None, False, best.high, best.high_open)


def _sum(expr: Sum, store: Store) -> Interval:
    """Enclose a finite sum by the sign of its terms; it is strict when the range holds at least one index."""
    ranges = [r for v, lo, hi in expr.limits for r in (Rel(lo, "<=", v), Rel(v, "<=", hi))]
    sign, strict = with_facts(store, *ranges).sign(expr.body)
    filled = len(expr.limits) == 1 and store.follows(Rel(expr.limits[0][1], "<=", expr.limits[0][2]))
    if sign > 0:
        return Interval(Fraction(0), strict and filled)
    return Interval(None, False, Fraction(0), strict and filled) if sign < 0 else ANY
