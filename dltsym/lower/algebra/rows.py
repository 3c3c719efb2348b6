"""Folds with a row of the table of monoids that no library has: a loop made from the texts of the row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from dltsym.functions.monoids import functions
from dltsym.lower.axes import Axis, Slot
from dltsym.lower.ir import State
from dltsym.lower.nodes import Node

if TYPE_CHECKING:
    from dltsym.lower.algebra.constructors import Algebra


@dataclass(frozen=True, eq=False)
class _Term:
    """A node with the operators of a text."""

    alg: Algebra
    node: Node

    def make(self, name: str, *args: Any) -> _Term:
        """Call a constructor on terms and numbers."""
        return _Term(self.alg, getattr(self.alg, name)(*(a if isinstance(a, str) else self.of(a) for a in args)))

    def of(self, x: Any) -> Node:
        """Return the node of a term or of a number."""
        return x.node if isinstance(x, _Term) else self.alg.num(Fraction(x))

    def __add__(self, x: Any) -> _Term:
        return self.make("add", self, x)

    def __sub__(self, x: Any) -> _Term:
        return self.make("sub", self, x)

    def __rsub__(self, x: Any) -> _Term:
        return self.make("sub", x, self)

    def __mul__(self, x: Any) -> _Term:
        return self.make("mul", self, x)

    def __truediv__(self, x: Any) -> _Term:
        return self.make("div", self, x)

    def __rtruediv__(self, x: Any) -> _Term:
        return self.make("div", x, self)

    def __neg__(self) -> _Term:
        return self.make("neg", self)

    __radd__, __rmul__ = __add__, __mul__


def _calls(alg: Algebra) -> dict[str, Any]:
    one, low = _Term(alg, alg.one), _Term(alg, alg.minus_inf)

    def call(op: str) -> Callable[..., _Term]:
        return lambda *xs: one.make("call", op, *xs)

    def unless(x: Any, special: Any, a: Any, b: Any) -> _Term:
        return one.make("where", one.make("cmp", "=", x, special), a, b)

    return {
        "inf": _Term(alg, alg.inf), "max": call("maximum"), "min": call("minimum"), "exp": call("exp"),
        "log": call("log"), "logaddexp": call("logaddexp"), "where": lambda c, a, b: one.make("where", c, a, b),
        "ce": lambda m, top: unless(m, low, 0, one.make("call", "exp", m - unless(top, low, 0, top))),
        "alive": lambda x, v: unless(x, low, 0, v),
        "ratio": lambda a, b: unless(b, 0, 0, a / b),  # the printers guard what is not chosen
    }  # fmt: skip


def folded(alg: Algebra, name: str, x: Node, axis: Axis) -> Node:
    """Fold along an axis, from its first entry on.

    Parameters
    ----------
    alg : Algebra
        Constructors.
    name : str
        Row of the table.
    x : Node
        What is folded.
    axis : Axis
        Along which axis.

    Returns
    -------
    Node
        An iteration whose states are those of the row and the place.
    """
    table, row = alg.table, functions(name, _calls(alg))
    axes = tuple(sorted(x.axes - {axis}))
    names = [f"${table.fresh('1').name}" for _ in row.unit]
    place = f"${table.fresh('1').name}"
    at = alg.ref(place, ())
    state = tuple(_Term(alg, alg.ref(n, axes)) for n in names)
    after = row.combine(state, row.lift(_Term(alg, alg.take(x, axis, Slot(1), at))))
    moved = {a: table.fresh(a.size) for a in axes}
    states = [
        State(n, tuple(moved.values()), state[0].of(unit), table.rename(state[0].of(step), moved))
        for n, unit, step in zip(names, row.unit, after, strict=True)
    ]
    counter = State(place, (), alg.zero, alg.add(at, alg.one))
    return table.iterate(alg.size(axis.size), (*states, counter), state[0].of(row.project(state)), True)
