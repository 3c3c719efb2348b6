"""Small programs of the tensor IR built by hand, with inputs: cases of the printer tests."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from dltsym.lower.axes import Axis, Shift
from dltsym.lower.ir import Table
from dltsym.lower.nodes import Node
from dltsym.lower.printers.layout import layout
from dltsym.lower.program import Input, Output, Program

SIZES = {"n": 3, "m": 5, "d": 2, "c": 4}
I, J, K, C = (  # noqa: E741
    Axis(name, size) for name, size in zip("ijkc", SIZES, strict=True)
)
P = Axis("p", "n")
Q = Axis("q", "n - 1")
INPUTS = {
    "x": Input("x", ("n", "m")),
    "y": Input("y", ("n", "m")),
    "Q": Input("Q", ("n", "d")),
    "K": Input("K", ("m", "d")),
    "V": Input("V", ("m", "c")),
    "S": Input("S", ("n", "n")),
    "W": Input("W", ("d", "m", "c")),
    "a": Input("a", ("n",)),
    "b": Input("b", ("m",), lo=Fraction(0)),
    "eps": Input("eps", lo=Fraction(0), lo_open=True),
    "M": Input("M", ("n", "m"), "bool"),
    "I": Input("I", ("n",), "integer"),
}


class Terms:
    """Short names for the constructors of one table."""

    def __init__(self) -> None:
        self.table = Table()

    def __call__(self, op: str, *args: Node, data: tuple = ()) -> Node:
        return self.table.make(op, args, data)

    def ref(self, name: str, *places: object) -> Node:
        return self("ref", data=(name, places))

    def num(self, value: Fraction | int | str) -> Node:
        return self.table.num(Fraction(value))

    def size(self, text: str) -> Node:
        return self("size", data=(text,))

    def iota(self, axis: Axis) -> Node:
        return self("iota", data=(axis,))

    def neg(self, x: Node) -> Node:
        return self("mul", self.num(-1), x)

    def power(self, x: Node, exponent: Fraction | int) -> Node:
        return self("pow", x, data=(Fraction(exponent),))

    def cmp(self, sign: str, a: Node, b: Node) -> Node:
        return self("cmp", a, b, data=(sign,))

    def sum(self, axes: tuple[Axis, ...], *factors: Node) -> Node:
        return self.table.bind("contract", factors, axes)

    def fold(self, monoid: str, axes: tuple[Axis, ...], x: Node) -> Node:
        return self.table.bind("reduce", (x,), axes, (monoid,))

    def softmax(self, x: Node, *axes: Axis, log: bool = False) -> Node:
        return self("log_softmax" if log else "softmax", x, data=(axes,))

    @property
    def minus_inf(self) -> Node:
        return self.neg(self("const", data=("inf",)))


@dataclass(frozen=True)
class Case:
    """A program, named."""

    name: str
    build: Callable[[Terms], Node]
    axes: tuple[Axis, ...]

    def program(self) -> Program:
        """Return the program after the layout pass."""
        return layout(self.raw())

    def reads(self) -> set[str]:
        """Return the inputs whose values matter, not only their sizes."""
        return _names(self.build(Terms()))

    def raw(self) -> Program:
        """Return the program as it was built."""
        t = Terms()
        node = self.build(t)
        used = _names(node)
        inputs = tuple(i for name, i in INPUTS.items() if name in used or name in _carriers(node, used))
        return Program(t.table, inputs, (Output(self.name, node, self.axes),))


def _names(node: Node) -> set[str]:
    own = {node.data[0]} if node.op == "ref" else set()
    return own.union(*(_names(a) for a in node.args))


def _carriers(node: Node, used: set[str]) -> set[str]:
    # Sizes that the expression mentions but no array of it carries are read off x.
    return set() if used & {"x", "y", "Q", "K", "S", "W"} else {"x"}


def arrays(names: tuple[str, ...], sizes: dict[str, int], seed: int = 0, batch: tuple[int, ...] = ()) -> dict:
    """Return random values of inputs."""
    rng = np.random.default_rng(seed)
    out = {}
    for name in names:
        given = INPUTS[name]
        shape = (*batch, *(sizes[s] for s in given.shape))
        match given.entries:
            case "bool":
                out[name] = rng.random(shape) < 0.6
            case "integer":
                out[name] = rng.integers(0, sizes["m"], shape)
            case _:
                x = rng.standard_normal(shape)
                out[name] = np.abs(x) + 0.1 if given.lo is not None else x
    return out


def scores(t: Terms, i: Axis = I, j: Axis = J) -> Node:
    product = t.sum((K,), t.ref("Q", i, K), t.ref("K", j, K))
    return t("mul", t.power(t.size("d"), Fraction(-1, 2)), t.power(t.ref("eps"), -1), product)


def _distance(t: Terms) -> Node:
    return t.sum((K,), t.power(t("add", t.ref("Q", I, K), t.neg(t.ref("K", J, K))), 2))


def _dual(t: Terms) -> Node:
    inside = t("mul", t.power(t.ref("eps"), -1), t("add", t.ref("a", I), t.neg(_distance(t))))
    lse = t.fold("lse", (J,), t("add", t("log", t.ref("b", J)), inside))
    return t("mul", t.num(-1), t.ref("eps"), lse)


def _masked(t: Terms) -> Node:
    scores = t("where", t.ref("M", I, J), t.ref("x", I, J), t.minus_inf)
    return t.sum((J,), t.softmax(scores, J), t.ref("V", J, C))


def _kept_rows(t: Terms) -> Node:
    # The mask is not that of the softmax: it may have batch dimensions of its own.
    mask = t("where", t.cmp("<", t.num(0), t.ref("a", I)), t.num(1), t.num(0))
    return t("mul", mask, t.sum((J,), t.softmax(t.ref("x", I, J), J), t.ref("V", J, C)))


def _causal(t: Terms) -> Node:
    mask = t.cmp("<=", t.iota(P), t.iota(I))
    return t.softmax(t("where", mask, t.ref("S", I, P), t.minus_inf), P)


def _mean_square(t: Terms) -> Node:
    # A value without axes that meets an array again: the padding trap.
    mean = t("mul", t.power(t.size("n"), -1), t.sum((I,), t.ref("a", I)))
    return t.power(t("add", t.ref("a", I), t.neg(mean)), 2)


def _less_mean(t: Terms) -> Node:
    mean = t("mul", t.power(t.size("m"), -1), t.sum((J,), t.ref("x", I, J)))
    return t("add", t.ref("x", I, J), t.neg(mean))


CASES = (
    Case("map", lambda t: t("add", t("exp", t.ref("x", I, J)), t("mul", t.num(-3), t.ref("y", I, J))), (I, J)),
    Case("transposed", lambda t: t("tanh", t.ref("x", I, J)), (J, I)),
    Case("outer", lambda t: t("mul", t.ref("a", I), t.ref("b", J)), (I, J)),
    Case("matmul", lambda t: t.sum((K,), t.ref("Q", I, K), t.ref("K", J, K)), (J, I)),
    Case("matvec", lambda t: t.sum((J,), t.ref("x", I, J), t.ref("b", J)), (I,)),
    Case("vecmat", lambda t: t.sum((I,), t.ref("x", I, J), t.ref("a", I)), (J,)),
    Case("dot", lambda t: t.sum((I,), t.ref("a", I), t.ref("a", I)), ()),
    Case("frobenius", lambda t: t.sum((I, J), t.ref("x", I, J), t.ref("y", I, J)), ()),
    Case("rows", lambda t: t.sum((J,), t.ref("x", I, J), t.ref("y", I, J)), (I,)),
    Case("three", lambda t: t.sum((J,), t.ref("b", J), t.ref("x", I, J), t.ref("V", J, C)), (I, C)),
    Case("einsum", lambda t: t.sum((J,), t.ref("x", I, J), t.ref("W", K, J, C)), (I, K, C)),
    Case("einsum2",
         lambda t: t.sum((J, K), t.ref("W", K, J, C), t.sum((I,), t.ref("Q", I, K), t.ref("x", I, J))), (C,)),
    Case("batched", lambda t: t.sum((J,), t("exp", t.ref("W", K, J, C)), t.ref("K", J, K)), (K, C)),
    Case("attention", lambda t: t.sum((J,), t.softmax(scores(t), J), t.ref("V", J, C)), (I, C)),
    Case("log_softmax", lambda t: t.softmax(t.ref("x", I, J), I, log=True), (I, J)),
    Case("softmax2", lambda t: t.softmax(t.ref("x", I, J), I, J), (I, J)),
    Case("lse2", lambda t: t.fold("lse", (I, J), t.ref("x", I, J)), ()),
    Case("extremes", lambda t: t("add", t.fold("max", (J,), t.ref("x", I, J)), t.fold("min", (I, J), t.ref("x", I, J))),
         (I,)),
    Case("prod", lambda t: t.fold("prod", (I, J), t.ref("x", I, J)), ()),
    Case("distance", _distance, (I, J)),
    Case("dual", _dual, (I,)),
    Case("masked", _masked, (I, C)),
    Case("causal", _causal, (I, P)),
    Case("centred", _mean_square, (I,)),
    Case("diagonal", lambda t: t("exp", t.ref("S", I, I)), (I,)),
    Case("shift",
         lambda t: t("add", t.ref("S", Shift(Q, 1), 0), t.neg(t.ref("S", 0, Shift(Q, 0)))),
         (Q,)),
    Case("select", lambda t: t("take", t("exp", t.ref("x", I, J)), data=(J, 0)), (I,)),
    Case("index", lambda t: t("mul", t.iota(I), t.ref("a", I), t.power(t("add", t.num(1), t.iota(J)), Fraction(-1, 2))),
         (I, J)),
    Case("mask", lambda t: t("mul", t("where", t.ref("M", I, J), t.num(1), t.num(0)), t.ref("x", I, J)), (I, J)),
    Case("count", lambda t: t.sum((J,), t("where", t.ref("M", I, J), t.num(1), t.num(0))), (I,)),
    Case("logic", lambda t: t("where", t("and", t.ref("M", I, J), t("not", t.cmp("<", t.ref("x", I, J), t.num(0)))),
                              t("sqrt", t.ref("x", I, J)), t.num("1/3")), (I, J)),
    Case("constant", lambda t: t("mul", t.num("2/3"), t("const", data=("pi",)), t.size("n")), (I,)),
    Case("scalars",
         lambda t: t("mul", t.num(2), t("log", t.ref("eps")), t.ref("x", I, J), t.ref("a", I), t.ref("b", J)),
         (I, J)),
    Case("powers", lambda t: t("add", *(t.power(t.ref("b", J), Fraction(e)) for e in ("3", "-2", "1/3", "-3/2", "4"))),
         (J,)),
    Case("relu", lambda t: t("maximum", t.num(0), t("add", t.ref("x", I, J), t.num("-1/10"))), (I, J)),
    Case("special",
         lambda t: t("add", t("log1mexp", t.ref("b", J)), t("softplus", t.ref("b", J)),
                     t("sigmoid", t.ref("b", J)), t("lgamma", t.ref("b", J)), t("erf", t.ref("b", J))), (J,)),
    Case("unused", lambda t: t.table.bind("contract", (t.ref("a", I),), (J,)), (I,)),
    Case("unused_prod", lambda t: t.fold("prod", (J,), t.ref("a", I)), (I,)),
    Case("unused_lse", lambda t: t.fold("lse", (J, I), t.ref("a", I)), ()),
    Case("held",
         lambda t: t("mul", t.ref("x", I, J), t("phi1", t("mul", t.ref("x", I, J), t.ref("V", J, C)))), (I, J, C)),
    Case("positive_held", lambda t: t("mul", t.ref("a", I), t("phi1", t("mul", t.ref("a", I), t.ref("b", J)))), (I, J)),
    Case("negated", lambda t: t("mul", t.num(-2), t.sum((J,), t("add", t.neg(t.ref("b", J)),
                                t("mul", t.num(-3), t("exp", t.ref("b", J)))))), ()),
    Case("axpy", lambda t: t("add", t.ref("a", I), t("mul", t.power(t.ref("eps"), -1), t.ref("x", I, J)),
                             t("mul", t.num("1/2"), t.ref("y", I, J))), (I, J)),
    Case("mean", _less_mean, (I, J)),
    Case("one_less", lambda t: t("mul", t.ref("a", I), t("where", t.cmp("!=", t.size("n - 1"), t.num(0)),
                                t.power(t.size("n - 1"), -1), t.num(7))), (I,)),
    Case("cold", lambda t: t("where", t.cmp("<", t.num(0), t.ref("eps")), t.power(t.ref("eps"), -1), t.num(0)), ()),
    Case("kept_rows", _kept_rows, (I, C)),
    Case("subtracted",
         lambda t: t("add", t.neg(t("add", t.ref("x", I, J), t.ref("y", I, J))), t.neg(t.ref("a", I))), (I, J)),
    Case("sum_two", lambda t: t.sum((I, J), t("exp", t.neg(t.ref("x", I, J)))), ()),
)  # fmt: skip
BY_NAME = {c.name: c for c in CASES}
