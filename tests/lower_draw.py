"""Random index expressions as recipes, for the tests of the algebra: two algebras build the same one."""

from __future__ import annotations

import random
from fractions import Fraction

from dltsym.lower.algebra.constructors import Algebra
from dltsym.lower.axes import Axis, Slot
from dltsym.lower.program import Input

INPUTS = (
    Input("x", ("n", "m")),
    Input("y", ("m",)),
    Input("z", ("n", "p")),
    Input("w", ("m",), lo=Fraction(0)),
    Input("W", ("n", "m"), lo=Fraction(0)),
    Input("c", ("n",), lo=Fraction(0), lo_open=True),
    Input("P", ("n", "m"), lo=Fraction(0), hi=Fraction(1), sum_one=(1,)),
    Input("q", ("m",), lo=Fraction(0), hi=Fraction(1)),
    Input("M", ("n", "m"), "bool"),
    Input("I", ("n",), "integer"),
    Input("eps", (), lo=Fraction(0), lo_open=True),
)
SIZES = {"n": 2, "m": 3, "p": 4, "r": 5}
AXES = (Axis("i", "n"), Axis("j", "m"), Axis("k", "p"), Axis("l", "m"), Axis("r", "r"))
I, J, K, L, R = AXES  # noqa: E741


class Draw:
    """A random expression as a recipe, so that two algebras build the same one."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def real(self, depth: int):
        r = self.rng
        if depth == 0:
            return r.choice([self.leaf, self.positive_leaf])()
        kinds = "add add mul mul neg sum sum exp ratio where mask square log soft lse delta sub leaf scan max quot sig"
        kind = r.choice(kinds.split())
        sub = lambda: self.real(depth - 1)  # noqa: E731
        pos = lambda: self.positive(depth - 1)  # noqa: E731
        match kind:
            case "add" | "mul":
                return (kind, *(sub() for _ in range(r.choice([2, 2, 3]))))
            case "sub":
                a = sub()
                return ("sub", a, r.choice([a, sub()]))
            case "neg" | "square":
                return (kind, sub())
            case "exp":
                return ("exp", sub())
            case "sum":
                return ("sum", tuple(sub() for _ in range(r.choice([1, 2, 3]))), self.bound())
            case "ratio":
                e, over = sub(), self.bound()
                extra = [r.choice([sub, pos])() for _ in range(r.choice([0, 1, 2]))]
                shared = [pos()] if r.random() < 0.4 else []
                return ("quot", ("sum", (("exp", e), *extra, *shared), over), ("sum", (("exp", e), *shared), over))
            case "where":
                return ("where", self.truth(), sub(), sub())
            case "mask":
                return ("mul", ("mask", self.truth()), sub())
            case "log":
                return ("log", pos())
            case "soft":
                return ("call", r.choice(["softplus", "sigmoid", "tanh", "expm1", "abs"]), sub())
            case "quot":
                return ("quot", sub(), pos())
            case "sig":
                return ("quot", ("num", 1), ("add", ("num", 1), ("exp", sub())))
        return self.folded(kind, sub)

    def folded(self, kind, sub):
        """Draw a fold, a scan or a delta."""
        r = self.rng
        match kind:
            case "delta" if r.random() < 0.4:
                return ("sum", (("spot", r.choice([J, L])), sub()), (r.choice([J, L, I]),))
            case "lse" | "max" if r.random() < 0.3:
                return ("reduce", "prod", sub(), self.bound()[:1])
            case "lse" | "max":
                return ("reduce", kind, sub(), self.bound()[:1])
            case "delta":
                a, b = r.choice([(J, L), (L, J), (I, J), (K, I)])
                return ("sum", (("delta", a, b), sub()), (a,))
            case "scan" if r.random() < 0.4:  # a running softmax, with or without decay
                axis, way = r.choice(AXES[:2]), r.choice([1, -1])
                e, decay, value = ("exp", sub()), r.choice([("num", 1), ("ref", "c", I), ("ref", "P", I, J)]), sub()
                below, above = (("affine", axis, way, decay, x) for x in (e, ("mul", e, value)))
                return ("quot", above, below)
            case "scan":
                axis = r.choice(AXES[:2])
                return ("scan", r.choice(["sum", "lse"]), axis, r.choice([1, -1]), r.choice([True, True, False]), sub())
        return self.leaf()

    def positive(self, depth: int):
        r = self.rng
        if depth == 0:
            return self.positive_leaf()
        match r.choice(["exp", "exp", "sum", "add", "mul", "leaf", "square", "root", "mask", "inverse", "one"]):
            case "exp":
                return ("exp", self.real(depth - 1))
            case "sum":
                return ("sum", tuple(self.positive(depth - 1) for _ in range(r.choice([1, 2]))), self.bound())
            case "add":
                return ("add", *(self.positive(depth - 1) for _ in range(r.choice([2, 3]))))
            case "mul":
                return ("mul", self.positive(depth - 1), self.positive(depth - 1))
            case "square":
                return ("square", self.real(depth - 1))
            case "root":
                return ("power", self.positive(depth - 1), r.choice([Fraction(1, 2), Fraction(3, 2), Fraction(-1, 2)]))
            case "inverse":
                return ("power", self.positive(depth - 1), Fraction(r.choice([-1, -2])))
            case "mask":
                return ("mul", ("mask", self.truth()), self.positive(depth - 1))
            case "one":
                return ("add", ("num", 1), self.positive(depth - 1))
        return self.positive_leaf()

    def bound(self):
        return tuple(self.rng.sample(AXES, self.rng.choice([1, 1, 1, 2])))

    def truth(self):
        i, j = self.rng.sample(AXES, 2)
        return self.rng.choice(
            [("mark", I, J), ("mark", I, L), ("cmp", "<=", i, j), ("cmp", "<", i, j), ("cmp", "=", i, j)]
        )

    def leaf(self):
        return self.rng.choice(
            [("ref", "x", I, J), ("ref", "x", I, L), ("ref", "y", J), ("ref", "y", L), ("ref", "z", I, K),
             ("num", Fraction(self.rng.randint(-3, 3), 2)), ("ref", "x", I, J)]
        )  # fmt: skip

    def positive_leaf(self):
        return self.rng.choice(
            [("ref", "w", J), ("ref", "w", L), ("ref", "W", I, J), ("ref", "c", I), ("ref", "P", I, J), ("ref", "eps"),
             ("ref", "q", J), ("num", 2), ("size", "m")]
        )  # fmt: skip


def build(alg: Algebra, e):
    """Build a recipe with an algebra."""
    do = lambda x: build(alg, x)  # noqa: E731
    match e:
        case ("ref", name, *places):
            return alg.ref(name, tuple(places))
        case ("gather", name):
            return alg.ref(name, (Slot(0),), alg.ref("I", (I,)))
        case ("num", v):
            return alg.num(v)
        case ("size", text):
            return alg.size(text)
        case ("add", *xs):
            return alg.add(*map(do, xs))
        case ("mul", *xs):
            return alg.mul(*map(do, xs))
        case ("sub", a, b):
            return alg.sub(do(a), do(b))
        case ("neg", a):
            return alg.neg(do(a))
        case ("quot", a, b):
            return alg.div(do(a), do(b))
        case ("square", a):
            return alg.power(do(a), 2)
        case ("power", a, k):
            return alg.power(do(a), k)
        case ("exp", a):
            return alg.exp(do(a))
        case ("log", a):
            return alg.log(do(a))
        case ("call", op, a):
            return alg.call(op, do(a))
    return build_fold(alg, e)


def build_fold(alg: Algebra, e):
    """Build a fold, a choice or a truth."""
    do = lambda x: build(alg, x)  # noqa: E731
    match e:
        case ("sum", fs, over):
            return alg.contract([do(f) for f in fs], over)
        case ("reduce", monoid, a, over):
            return alg.reduce(monoid, do(a), over)
        case ("scan", monoid, axis, way, incl, a):
            return alg.scan(monoid, axis, way, incl, do(a))
        case ("affine", axis, way, a, b):
            return alg.scan("affine", axis, way, True, do(a), do(b), alg.zero)
        case ("where", c, a, b):
            return alg.where(do(c), do(a), do(b))
        case ("mask", c):
            return alg.mask(do(c))
        case ("mark", *places):
            return alg.ref("M", tuple(places))
        case ("cmp", op, a, b):
            return alg.cmp(op, alg.iota(a), alg.iota(b))
        case ("spot", a):
            return alg.mask(alg.cmp("=", alg.iota(a), alg.ref("I", (I,))))
        case ("delta", a, b):
            return alg.mask(alg.cmp("=", alg.iota(a), alg.iota(b)))
    raise AssertionError(e)
