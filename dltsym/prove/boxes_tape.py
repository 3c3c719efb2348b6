"""Straight-line programs: some trees compiled together, equal subterms computed once, for millions of ball evaluations.

The operations and their order are those of `dltsym.notation.closures`, so that a value here is a value there.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from flint import arb

from dltsym.errors import UnknownNode
from dltsym.notation.balls import NAN, REAL, power, rational, real_power
from dltsym.notation.tree import Add, Call, Const, Div, Expr, Mul, Neg, Num, Pow, Sum, Sym
from dltsym.notation.walk import expand_definitions, substitute
from dltsym.prove.replay.spans import constant

MAX_UNROLLED = 400


class Tape:
    """A program for several trees in the same variables.

    Parameters
    ----------
    variables : sequence of Sym
        Real variables; `run` takes their balls in this order.
    trees : sequence of Expr
        What to compute.
    """

    def __init__(self, variables: Sequence[Sym], trees: Sequence[Expr]) -> None:
        self.inputs = len(variables)
        self._slots: dict[Any, int] = {v: k for k, v in enumerate(variables)}
        self._start: list[Any] = [None] * self.inputs
        self._steps: list[tuple[Callable[..., arb], int, int, int]] = []
        self._constants: list[tuple[int, Callable[[], arb]]] = []
        self._left = MAX_UNROLLED
        self.outputs = tuple(self._add(t) for t in trees)
        self.load()

    def load(self) -> None:
        """Recompute the constants at flint's current precision."""
        for slot, make in self._constants:
            self._start[slot] = make()

    def run(self, values: Sequence[arb]) -> list[arb]:
        """Return the balls of the trees.

        Parameters
        ----------
        values : sequence of arb
            One ball for each variable.

        Returns
        -------
        list of arb
        """
        v = self._start.copy()
        v[: self.inputs] = values
        for f, out, a, b in self._steps:
            v[out] = f(v[a]) if b < 0 else f(v[a], v[b])
        return [v[k] for k in self.outputs]

    def _emit(self, f: Callable[..., arb], a: int, b: int = -1, tag: Any = None) -> int:
        name = (tag or f, a, b)
        if name not in self._slots:
            self._slots[name] = len(self._start)
            self._start.append(None)
            self._steps.append((f, self._slots[name], a, b))
        return self._slots[name]

    def _constant(self, name: Any, make: Callable[[], arb]) -> int:
        if name not in self._slots:
            self._slots[name] = len(self._start)
            self._start.append(None)
            self._constants.append((self._slots[name], make))
        return self._slots[name]

    def _add(self, node: Expr) -> int:
        match node:
            case Num(value):
                return self._constant(value, lambda: arb(rational(value)))
            case Const("pi"):
                return self._constant("pi", arb.pi)
            case Sym() if node in self._slots:
                return self._slots[node]
            case Neg(arg):
                return self._emit(operator.neg, self._add(arg))
            case Add(args) | Mul(args):
                join = operator.mul if isinstance(node, Mul) else operator.add
                first, *rest = [self._add(a) for a in args]
                for slot in rest:
                    first = self._emit(join, first, slot)
                return first
            case Div(a, b):
                return self._emit(operator.truediv, self._add(a), self._add(b))
            case Pow(base, exponent):
                return self._power(base, exponent)
            case Call(name, args):
                return self._call(node, name, args)
            case Sum():
                return self._add(self._unrolled(node))
        raise UnknownNode(f"{type(node).__name__} cannot be evaluated on boxes: {node}")

    def _power(self, base: Expr, exponent: Expr) -> int:
        n = constant(exponent)
        if n is None:
            return self._emit(real_power, self._add(base), self._add(exponent))
        if n.denominator == 1:
            k = int(n)
            return self._emit(lambda x: power(x, k), self._add(base), -1, ("power", k))
        if n.denominator == 2:
            k = n.numerator
            return self._emit(lambda x: power(x.sqrt(), k) if x > 0 else NAN, self._add(base), -1, ("root", k))
        return self._emit(real_power, self._add(base), self._add(exponent))

    def _call(self, node: Call, name: str, args: tuple[Expr, ...]) -> int:
        if name not in REAL or len(args) > 2:
            wider = expand_definitions(node)
            if wider == node:
                raise UnknownNode(f"{name} cannot be evaluated on boxes")
            return self._add(wider)
        slots = [self._add(a) for a in args]
        return self._emit(REAL[name], slots[0], slots[1] if len(slots) == 2 else -1, name)

    def _unrolled(self, node: Sum) -> Expr:
        """Write out the outermost range of a sum with whole numbers as ends."""
        *inner, (var, low, high) = node.limits
        lo, hi = constant(low), constant(high)
        if lo is None or hi is None or lo.denominator * hi.denominator != 1:
            raise UnknownNode(f"the range of {node} is not known")
        count = int(hi - lo) + 1
        self._left -= max(count, 0)
        if self._left < 0:
            raise UnknownNode(f"more than {MAX_UNROLLED} terms in sums")
        body = Sum(node.body, tuple(inner)) if inner else node.body
        terms = [Num(Fraction(0)), *(substitute(body, {var: Num(lo + k)}) for k in range(count))]
        return Add(tuple(terms)) if count > 0 else terms[0]
