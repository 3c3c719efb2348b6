"""Random well-formed index expressions with the inputs that go with them; typed, so that every one has a value.

A term is drawn through a `Pick`, which hypothesis or a plain random generator implements, so that the same generator
serves shrinking, CI and long runs by hand. Real terms may be anything; positive ones are safe under log, in powers and
in denominators; tame ones are safe under exp. Exponents of 300 occur only where a compiler has to survive them.
"""

from fractions import Fraction
from functools import partial
from typing import Any

from fuzz_lower_case import SIZES, Case, Pick, declared
from fuzz_lower_patterns import cancelling, moment, rare, rounds, segment

from dltsym.notation.folds_api import (
    argmax_over,
    argmin_over,
    cases,
    lse_over,
    max_over,
    min_over,
    prod_over,
    rank_over,
    scan_over,
    sum_over,
    topk_over,
)
from dltsym.notation.scope import Scope
from dltsym.notation.tree import Call, Diff, Expr, Num, Rel, Sym
from dltsym.notation.walk import free_symbols, substitute

DEPTH = 4


class Terms:
    """Draws one case.

    Parameters
    ----------
    pick : Pick
        Choices.
    """

    def __init__(self, pick: Pick) -> None:
        self.pick = pick
        v = self.v = Scope()
        self.case = Case(v)
        self.size: dict[str, Expr] = {s: v.count(s) for s in SIZES}
        self.made: dict[tuple[str, tuple[str, ...]], list[Sym]] = {}
        self.bound = 0

    def one(self, *options: Any) -> Any:
        """Choose; the first option is the simplest."""
        return options[self.pick.below(len(options))]

    def chance(self, percent: int) -> bool:
        """Say yes so often; no is simpler."""
        return self.pick.below(100) >= 100 - percent

    def draw(self) -> Case:
        """Return a case."""
        c = self.case
        c.seed = self.pick.below(10_000)
        lengths = [self.one(2, 3, 1, 4, 5) for _ in SIZES]
        c.sizes = dict(zip(SIZES, lengths, strict=True))
        names = [self.one(*SIZES) for _ in range(self.one(1, 0, 2, 2))]
        c.axes = tuple(self.v.index(f"{'ijk'[k]}", self.size[s]) for k, s in enumerate(names))
        scope = dict(zip(c.axes, names, strict=True))
        c.tree = self.real(scope, self.one(2, 3, DEPTH, DEPTH))
        missing = [i for i in c.axes if i not in free_symbols(c.tree)]
        for i in missing:
            c.tree = c.tree + self.array("real", (scope[i],))[i]
        return self.slope(c) if self.chance(8) else c

    def slope(self, c: Case) -> Case:
        """Return the derivative of a case by an entry of one of its arrays."""
        smooth = [(name, shape) for name, (kind, shape) in c.kinds.items() if kind in ("real", "pos", "decay", "unit")]
        smooth = [(name, shape) for name, shape in smooth if len(shape) + len(c.axes) <= 3]
        if smooth:
            name, shape = self.one(*smooth)
            at = tuple(self.v.index("pqr"[k], self.size[s]) for k, s in enumerate(shape))
            array = self.v.symbols[name]
            if array in free_symbols(c.tree):
                c.tree, c.axes = Diff(c.tree, array[at] if at else array), (*c.axes, *at)
        return c

    # Leaves

    def array(self, kind: str, shape: tuple[str, ...]) -> Sym:
        """Return an array of this kind and shape, an old one or a new one."""
        known = self.made.setdefault((kind, shape), [])
        if known and not (len(known) < 2 and self.chance(40)):
            return self.one(*known)
        name = f"{'rlpzudBI'[_letter(kind)]}{sum(map(len, self.made.values()))}"
        sym = declared(self.v, name, kind, shape)
        self.case.kinds[name] = (kind, shape)
        known.append(sym)
        return sym

    def entry(self, scope: dict[Sym, str], kind: str, some: tuple[Sym, ...] = ()) -> Expr:
        """Return an array entry at some of the indices, or a parameter."""
        names = list(scope)
        chosen = [i for i in names if i in some or self.pick.below(3) > 0]
        if len(chosen) > 1 and self.chance(30):
            chosen.reverse()
        if chosen and self.chance(8):
            chosen.append(chosen[0])  # a diagonal
        if not chosen:
            return self.array(kind, ()) if kind in ("real", "pos") else self.array(kind, ("n",))[1]
        shape = [scope[i] for i in chosen]
        places: list[Expr] = list(chosen)
        if self.chance(12):  # a gather
            k = self.pick.below(len(places))
            at = chosen[k]
            places[k] = self.array(shape[k], (scope[at],))[at]
            if self.chance(50):
                shape[k] = self.one(*SIZES)
                places[k] = self.array(shape[k], (scope[at],))[at]
        return self.array(kind, tuple(shape))[tuple(places)]

    def number(self) -> Expr:
        """Return a small rational."""
        return Num(self.one(Fraction(2), Fraction(1), Fraction(-1), Fraction(1, 2), Fraction(3), Fraction(-2, 3)))

    def within(self, scope: dict[Sym, str]) -> tuple[Any, str] | None:
        """Return a range for one more index, unless there are three already."""
        if len(scope) >= 3:
            return None
        name = self.one(*SIZES)
        return self.size[name], name

    def over(self, fold: Any, scope: dict[Sym, str], body: Any) -> Expr:
        """Fold a body over a fresh index; the body gets the index and the wider scope."""
        size, name = self.within(scope)  # type: ignore[misc]
        limits: Any = size
        like = [i for i, s in scope.items() if s == name]
        if like and fold in (sum_over, lse_over, prod_over, max_over) and self.chance(15):
            limits = self.one((1, like[0]), (like[0], size), (1, like[0]))  # a dependent limit
        return fold(limits, lambda s: body(s, {**scope, s: name}))

    # Terms

    def real(self, scope: dict[Sym, str], depth: int) -> Expr:
        """Return any term."""
        if depth <= 0:
            return self.leaf(scope)
        room = len(scope) < 3
        rules: list[Any] = [self.leaf, self.arithmetic, self.arithmetic, self.function, self.positive, self.log,
                            self.choice, self.ordered, *(partial(f, self) for f in (rare, cancelling))]  # fmt: skip
        if room:
            rules += [self.total, self.total, self.quotient, self.quotient, self.shifted, self.extreme, self.scan,
                      *(partial(f, self) for f in (moment, segment, rounds))]  # fmt: skip
        rule = self.one(*rules)
        return rule(scope) if rule == self.leaf else rule(scope, depth)

    def leaf(self, scope: dict[Sym, str]) -> Expr:
        """Return an entry, an index as a number, or a number."""
        which = self.pick.below(10)
        if which == 9:
            return self.number()
        if which == 8 and scope:
            return self.one(*scope) * Num(Fraction(1, 4))
        return self.entry(scope, self.one("real", "real", "decay", "nonneg", "unit"))

    def arithmetic(self, scope: dict[Sym, str], depth: int) -> Expr:
        """Add, multiply, divide."""
        a = self.real(scope, depth - 1)
        match self.pick.below(6):
            case 0:
                return a + self.real(scope, depth - 1)
            case 1:
                return a * self.real(scope, depth - 1)
            case 2:
                return a - self.real(scope, depth - 1)
            case 3:
                return a / self.positive(scope, depth - 1)
            case 4:
                return -(self.number() * a)
        return a**2

    def function(self, scope: dict[Sym, str], depth: int) -> Expr:
        """Apply a function that is defined everywhere."""
        name = self.one("tanh", "sigmoid", "softplus", "abs", "sin", "cos", "erf", "atan", "max", "min")
        a = self.real(scope, depth - 1)
        if name in ("max", "min"):
            return Call(name, (a, self.one(Num(Fraction(0)), self.leaf(scope))))
        return Call(name, (a,))

    def tame(self, scope: dict[Sym, str], depth: int) -> Expr:
        """Return a term of a few units."""
        x = self.entry(scope, self.one("real", "decay"))
        match self.pick.below(6) if depth > 0 else 0:
            case 1:
                return x - self.entry(scope, "real")
            case 2:
                return x * self.entry(scope, "decay")
            case 3:
                return Call(self.one("tanh", "sin", "sigmoid"), (self.real(scope, depth - 1),))
            case 4:
                return self.number() * x
            case 5 if len(scope) < 3:
                product = lambda s, inner: self.entry(inner, "decay") * self.entry(inner, "unit")  # noqa: E731
                return self.over(sum_over, scope, product)
        return x

    def positive(self, scope: dict[Sym, str], depth: int) -> Expr:
        """Return a positive term."""
        which = self.pick.below(9) if depth > 0 else self.pick.below(2)
        if which in (6, 7) and len(scope) >= 3:
            which = 2
        match which:
            case 0:
                return self.entry(scope, self.one("pos", "unit"))
            case 1:
                return Call("exp", (self.tame(scope, depth - 1),))
            case 2:
                return self.positive(scope, depth - 1) + self.positive(scope, depth - 1)
            case 3:
                return self.positive(scope, depth - 1) * self.positive(scope, depth - 1)
            case 4:
                return self.positive(scope, depth - 1) / self.positive(scope, depth - 1)
            case 5:
                return self.powered(scope, depth)
            case 6:
                return self.over(sum_over, scope, lambda s, inner: self.positive(inner, depth - 1))
            case 7:
                return self.over(prod_over, scope, lambda s, inner: self.positive(inner, depth - 2))
        return 1 + self.real(scope, depth - 1) ** 2

    def powered(self, scope: dict[Sym, str], depth: int) -> Expr:
        """Return a power of a positive term."""
        base = self.positive(scope, depth - 1)
        p = self.one(Fraction(1, 2), Fraction(2), Fraction(-1), Fraction(-1, 2), Fraction(3, 2), Fraction(3))
        if p == Fraction(1, 2) and self.chance(50):
            return Call("sqrt", (base,))
        if scope and self.chance(15):
            return self.entry(scope, "unit") ** self.one(*scope)
        return base ** Num(p)

    def log(self, scope: dict[Sym, str], depth: int) -> Expr:
        """Return a logarithm."""
        return Call("log", (self.positive(scope, depth - 1),))

    def choice(self, scope: dict[Sym, str], depth: int) -> Expr:
        """Choose by a condition."""
        a, b = self.real(scope, depth - 1), self.one(Num(Fraction(0)), self.real(scope, depth - 1))
        return cases((self.condition(scope), a), b)

    def condition(self, scope: dict[Sym, str]) -> Any:
        """Return a condition on indices or data."""
        names = list(scope)
        if len(names) >= 2:
            i, j = names[-1], names[0]
            w = Num(Fraction(self.one(1, 2)))
            band = (Rel(i - j, "<", w), Rel(j - i, "<", w))
            found = [Rel(i, "<=", j), band, Rel(i, "=", j), Rel(i, "!=", j), Rel(i + j, ">", 3 * w)]
            if self.chance(70):
                return self.one(*found)
        if self.chance(50):
            return self.entry(scope, "bool", tuple(names))
        other = self.one(Num(Fraction(0)), self.entry(scope, "real"))
        return Rel(self.entry(scope, "real"), self.one(">", "<="), other)

    def ordered(self, scope: dict[Sym, str], depth: int) -> Expr:
        """Return a top-k mask or a rank."""
        if not scope or len(scope) >= 3:
            return self.function(scope, depth)
        at = self.one(*scope)
        rest = {i: s for i, s in scope.items() if i != at}
        body = lambda j: self.entry({**rest, j: scope[at]}, "real", (j,))  # noqa: E731
        if self.chance(40):
            return rank_over(self.size[scope[at]], body, at=at) * self.leaf(scope)
        return topk_over(self.size[scope[at]], body, at=at, k=self.one(1, 2)) * self.real(scope, depth - 1)

    # Terms with one more index

    def total(self, scope: dict[Sym, str], depth: int) -> Expr:
        """Return a sum, plain, with two factors, or with a delta."""
        match self.pick.below(4):
            case 0:
                return self.over(sum_over, scope, lambda s, inner: self.real(inner, depth - 1))
            case 1:
                return self.over(sum_over, scope, lambda s, inner: self.entry(inner, "real", (s,))
                                 * self.entry(inner, "real", (s,)))  # fmt: skip
            case 2 if scope:
                i = self.one(*scope)
                return self.over(sum_over, scope, lambda s, inner: Call("delta", (s, i)) * self.real(inner, depth - 1))
        return self.over(sum_over, scope, lambda s, inner: self.real(inner, depth - 1) * self.real(inner, depth - 2))

    def score(self, scope: dict[Sym, str], depth: int) -> Expr:
        """Return an exponent, possibly of hundreds."""
        if self.chance(40):
            return self.entry(scope, "large", (list(scope)[-1],))
        return self.tame(scope, depth)

    def weights(self, scope: dict[Sym, str], s: Sym, inner: dict[Sym, str], depth: int) -> Expr:
        """Return a weight ``mask * prior * exp(score)``."""
        w: Expr = Call("exp", (self.score(inner, depth - 1),))
        if self.chance(25):
            w = self.entry(inner, self.one("pos", "nonneg"), (s,)) * w
        elif self.chance(33):
            condition = self.condition(inner)
            w = cases((condition, w), 0) if self.chance(60) else cases((condition, 1), 0) * w
        return w

    def quotient(self, scope: dict[Sym, str], depth: int) -> Expr:
        """Return a weighted mean, or one weight of a softmax."""
        size, name = self.within(scope)  # type: ignore[misc]
        shared: dict[Sym, Expr] = {}

        def weight(s: Sym) -> Expr:
            if not shared:
                shared[s] = self.weights(scope, s, {**scope, s: name}, depth)
            ((first, w),) = shared.items()
            return w if first == s else substitute(w, {first: s})

        below = sum_over(size, weight)
        like = [i for i in scope if scope[i] == name and i not in free_symbols(below)]
        if like and self.chance(40):
            return weight(like[0]) / below
        # With values that do not depend on the index the weights cancel, also where all of them are 0.
        value = lambda s: self.real({**scope, s: name}, depth - 2) + self.array("real", (name,))[s]  # noqa: E731
        return sum_over(size, lambda s: weight(s) * value(s)) / below

    def shifted(self, scope: dict[Sym, str], depth: int) -> Expr:
        """Return a log-sum-exp, written out or not."""
        if self.chance(50):
            return self.over(lse_over, scope, lambda s, inner: self.score(inner, depth - 1))
        inside = self.over(sum_over, scope, lambda s, inner: self.weights(scope, s, inner, depth))
        return Call("log", (inside,))

    def extreme(self, scope: dict[Sym, str], depth: int) -> Expr:
        """Return a maximum, a minimum, or an entry at the place of one."""
        if self.chance(70):
            return self.over(self.one(max_over, min_over), scope, lambda s, inner: self.real(inner, depth - 1))
        size, name = self.within(scope)  # type: ignore[misc]
        fold = self.one(argmax_over, argmin_over)
        place = fold(size, lambda s: self.entry({**scope, s: name}, "real", (s,)))
        return self.one(place * self.leaf(scope), self.array("real", (name,))[place])

    def scan(self, scope: dict[Sym, str], depth: int) -> Expr:
        """Return a recurrence, a running sum, or a product over an interval."""
        if not scope:
            return self.total(scope, depth)
        t = self.one(*scope)
        rest = {i: s for i, s in scope.items() if i != t}
        at = lambda s: {**rest, s: scope[t]}  # noqa: E731
        if self.chance(60):
            init = self.one(Num(Fraction(0)), self.entry(rest, "real"))
            return scan_over(
                t, lambda s, h: self.entry(at(s), "decay", (s,)) * h + self.real(at(s), depth - 2), init=init
            )
        return sum_over((1, t), lambda s: self.real(at(s), depth - 1))


def _letter(kind: str) -> int:
    order = ("real", "large", "pos", "nonneg", "unit", "decay", "bool")
    return order.index(kind) if kind in order else 7
