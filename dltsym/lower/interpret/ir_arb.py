"""Balls of a program of the tensor IR: the second evaluator, on object arrays with named axes.

It follows the nodes as they are, so it is what a kernel would compute without rounding; products of matrices go
through `flint.arb_mat`. The oracle of `dltsym.lower.interpret.raw_arb` judges it, and it judges programs that are too
large for the oracle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from flint import arb, arb_mat, fmpq

from dltsym.errors import Undecided, UnsupportedError
from dltsym.lower.axes import Axis
from dltsym.lower.interpret import ir_values as iv
from dltsym.lower.interpret.ir_loops import best, iterated, ordered, scanned
from dltsym.lower.interpret.ir_values import TIMES, folded, mapped
from dltsym.lower.interpret.raw_arb import MAX_PREC, BallArray, narrow, plain
from dltsym.lower.interpret.values import Array, Item, aligned, at_place, entries, laid, sizes_of, together
from dltsym.lower.nodes import Node
from dltsym.lower.program import Input, Program
from dltsym.lower.sizes import parse_size
from dltsym.notation.balls import working
from dltsym.notation.extended import INF, NEG_INF, ball, from_data

FOLDS: dict[str, tuple[Callable[..., Any], Any]] = {
    "sum": (iv.plus, fmpq(0)),
    "prod": (iv.times, fmpq(1)),
    "max": (iv.larger, NEG_INF),
    "min": (iv.smaller, INF),
}


def ir_balls(
    program: Program, inputs: Mapping[str, Any], prec: int = 128, enough: int = MAX_PREC
) -> dict[str, BallArray]:
    """Evaluate a program in balls of relative radius below 2**-60.

    Parameters
    ----------
    program : Program
        Program between any two passes.
    inputs : mapping of str to array or number
        Its arguments; leading axes are batch axes.
    prec : int
        Bits to begin with; doubled while an entry is too wide.
    enough : int
        Bits from which on finite balls are taken as they are, for a caller who reads their radii: the exact 0 of a
        sum that cancels never gets narrow.

    Returns
    -------
    dict of str to BallArray

    Raises
    ------
    Undecided
        When an entry stays too wide at 4096 bits.
    """
    given = {name: plain(x) for name, x in inputs.items()}
    sizes = sizes_of(program, given)
    while True:
        with working(prec):
            run = Run(program, given, sizes)
            out = {o.name: run.output(o.node, o.axes) for o in program.outputs}
            fine = narrow if prec < enough else _known
            wide = [b for one in out.values() for b in one.balls.flat if not fine(b)]
        if not wide:
            return out
        if 2 * prec > MAX_PREC:
            raise Undecided(f"an entry of the tensor program is {wide[0]} with {prec} bits")
        prec *= 2


def _known(b: Any) -> bool:
    return b.is_finite() or narrow(b)


class Run:
    """One evaluation of a program at the precision that is set.

    Parameters
    ----------
    program : Program
        Program.
    inputs : mapping of str to ndarray
        Arguments.
    sizes : mapping of str to int
        Sizes.
    """

    def __init__(self, program: Program, inputs: Mapping[str, Array], sizes: Mapping[str, int]) -> None:
        self.program, self.sizes = program, sizes
        self.arrays = {i.name: _entries_of(i, inputs[i.name]) for i in program.inputs}
        self.states: dict[str, Item] = {}
        self.memos: list[dict[Node, Item]] = [{}]
        self.levels: dict[str, int] = {}
        self._mentions: dict[Node, frozenset[str]] = {}

    def output(self, node: Node, axes: Sequence[Axis]) -> BallArray:
        """Return the value of a node as an array with the given last axes."""
        item = self.value(node)
        shape = (*item.v.shape[: item.v.ndim - len(item.axes)], *(self.length(a) for a in axes))
        v = np.broadcast_to(aligned(item, axes).v, shape)
        out = np.empty(shape, dtype=object)
        for at in np.ndindex(*shape):
            out[at] = ball(v[at])
        return BallArray(out)

    def length(self, axis: Axis) -> int:
        """Return the size of an axis."""
        return self.size(axis.size)

    def size(self, text: str) -> int:
        """Return the value of a size text."""
        return parse_size(text).at(self.sizes)

    def mentions(self, node: Node) -> frozenset[str]:
        """Return the names of the states that a node refers to."""
        out = self._mentions.get(node)
        if out is None:
            own = {node.data[0]} if node.op == "ref" and node.data[0] in self.levels else ()
            out = self._mentions[node] = frozenset().union(own, *(self.mentions(a) for a in node.args))
        return out

    def forget(self) -> None:
        """Drop what is known about states, whose names mean something else from here."""
        self._mentions.clear()

    def value(self, node: Node) -> Item:
        """Return the value of a node; remembered until a state that it refers to changes.

        Parameters
        ----------
        node : Node
            Node.

        Returns
        -------
        Item
        """
        memo = self.memos[max((self.levels[n] for n in self.mentions(node)), default=0)]
        out = memo.get(node)
        if out is None:
            out = memo[node] = self._evaluate(node)
        return out

    def _evaluate(self, node: Node) -> Item:
        match node.op:
            case "num":
                q = node.data[0]
                return scalar(fmpq(q.numerator, q.denominator))
            case "const":
                return scalar({"pi": arb.pi, "inf": arb.pos_inf}[node.data[0]]())
            case "size":
                return scalar(fmpq(self.size(node.data[0])))
            case "iota":
                return Item(objects([fmpq(i) for i in range(self.length(node.data[0]))]), axes=node.data)
            case "ref":
                return self._entry(node)
            case "take":
                return self._taken(node)
            case "contract":
                return self._contracted(node)
            case "reduce":
                return self._reduced(node)
            case "scan":
                return scanned(self, node)
            case "order":
                return ordered(self, node)
            case "iterate":
                return iterated(self, node)
            case "softmax" | "log_softmax":
                return self._softmax(node)
        return self._pointwise(node)

    def _pointwise(self, node: Node) -> Item:
        if not node.args:  # a truth that was decided: the conjunction or disjunction of nothing
            return scalar(node.op == "and")
        f = _function(node)
        if f is None:
            from dltsym.lower.passes.cells import unfold

            wider = unfold(self.program.table, node)
            if wider is node:
                raise UnsupportedError(f"the ball evaluator has no rule for {node.op}")
            return self.value(wider)
        items, order = together([self.value(a) for a in node.args])
        if node.op in ("add", "mul", "and", "or"):
            out = items[0].v
            for item in items[1:]:
                out = mapped(f, out, item.v)
            return Item(out, axes=order)
        return Item(mapped(f, *(i.v for i in items)), axes=order)

    # Entries

    def _entry(self, node: Node) -> Item:
        name, places = node.data
        array = self.states[name] if name in self.levels else Item(self.arrays[name])
        slots = [whole(self.value(a)) for a in node.args]
        return entries(array, places, slots, self.length)

    def _taken(self, node: Node) -> Item:
        axis, place = node.data
        at = place if isinstance(place, int) else whole(self.value(node.args[1]))
        inner = self.value(node.args[0])
        return at_place(self.spread(inner, axis), axis, at)

    def spread(self, item: Item, *axes: Axis) -> Item:
        """Give an item axes that it is constant along."""
        missing = [a for a in axes if a not in item.axes]
        if not missing:
            return item
        order = (*item.axes, *missing)
        v = aligned(item, order).v
        shape = (*v.shape[: v.ndim - len(order)], *(self.length(a) for a in order))
        return Item(np.broadcast_to(v, shape), axes=order)

    # Sums

    def _contracted(self, node: Node) -> Item:
        bound = node.data[-1]
        items = [self.value(a) for a in node.args]
        unused = [b for b in bound if not any(b in i.axes for i in items)]
        items = [self.spread(items[0], *unused), *items[1:]]
        fast = _matrix_product(items, bound) if len(items) == 2 else None
        if fast is not None:
            return fast
        items, order = together(items)
        out = items[0].v
        for item in items[1:]:
            out = mapped(TIMES, out, item.v)
        return self._folded(Item(out, axes=order), bound, iv.plus, fmpq(0))

    def _folded(self, item: Item, bound: Sequence[Axis], f: Callable[..., Any], unit: Any) -> Item:
        rest = tuple(a for a in item.axes if a not in bound)
        v = self.spread(item, *bound)
        v = laid(v.v, v.axes, (*rest, *bound))
        v = v.reshape(*v.shape[: v.ndim - len(bound)], -1) if bound else v[..., None]
        return Item(folded(f, v, unit), axes=rest)

    def _reduced(self, node: Node) -> Item:
        monoid, bound = node.data
        (x,) = (self.value(a) for a in node.args)
        if monoid in FOLDS:
            return self._folded(x, bound, *FOLDS[monoid])
        if monoid == "lse":
            total = self._folded(Item(mapped(iv.exp, x.v), axes=x.axes), bound, iv.plus, fmpq(0))
            return Item(mapped(iv.log, total.v), axes=total.axes)
        if monoid in ("argmax", "argmin") and len(bound) == 1:
            return best(self.spread(x, *bound), bound[0], monoid)
        raise UnsupportedError(f"the ball evaluator has no rule for the reduction {monoid}")

    def _softmax(self, node: Node) -> Item:
        axes, x = node.data[0], self.spread(self.value(node.args[0]), *node.data[0])
        e = Item(mapped(iv.exp, x.v), axes=x.axes)
        total = self._folded(e, axes, iv.plus, fmpq(0))
        (x, e, total), order = together([x, e, total])
        if node.op == "softmax":
            return Item(mapped(_share, e.v, total.v), axes=order)
        return Item(mapped(_log_share, x.v, total.v), axes=order)


def _share(e: Any, total: Any) -> Any:
    return arb(0) if not iv.lost(total) and total == 0 else iv.times(e, iv.power_of(-1)(total))


def _log_share(x: Any, total: Any) -> Any:
    return NEG_INF if not iv.lost(total) and total == 0 else iv.plus(x, -iv.log(total))


def _function(node: Node) -> Callable[..., Any] | None:
    match node.op:
        case "cmp":
            return lambda x, y: iv.compare(node.data[0], x, y)
        case "pow":
            return iv.power_of(node.data[0])
    return _LOGIC.get(node.op) or iv.pointwise(node.op)


_LOGIC: dict[str, Callable[..., Any]] = {"and": iv.both, "or": iv.either, "not": iv.negate, "where": iv.where}


def scalar(x: Any) -> Item:
    """Return a value without axes.

    Parameters
    ----------
    x : fmpq or arb
        Value.

    Returns
    -------
    Item
    """
    out = np.empty((), dtype=object)
    out[()] = x
    return Item(out)


def objects(values: Sequence[Any]) -> Array:
    """Return a one-dimensional array of objects.

    Parameters
    ----------
    values : sequence
        Entries.

    Returns
    -------
    ndarray
    """
    out = np.empty(len(values), dtype=object)
    out[:] = list(values)
    return out


def whole(item: Item) -> Item:
    """Return an item of integers as an array of machine integers.

    Parameters
    ----------
    item : Item
        Item whose entries are integers.

    Returns
    -------
    Item

    Raises
    ------
    Undecided
        When an entry is not known exactly.
    """
    out = np.empty(item.v.shape, dtype=np.int64)
    for at in np.ndindex(*item.v.shape):
        x = item.v[at]
        if isinstance(x, arb) and x.is_exact() and x.is_integer():
            x = x.fmpq()
        if not isinstance(x, fmpq) or x.q != 1:
            raise Undecided(f"a place in an array is {x}")
        out[at] = int(x.p)
    return Item(out, axes=item.axes)


def _entries_of(i: Input, array: Array) -> Array:
    out = np.empty(array.shape, dtype=object)
    for at in np.ndindex(*array.shape):
        x = array[at]
        x = x.item() if isinstance(x, np.generic) else x
        out[at] = bool(x) if i.entries == "bool" else from_data(x)
    return out


def _matrix_product(items: Sequence[Item], bound: Sequence[Axis]) -> Item | None:
    a, b = items
    left, right = ([x for x in i.axes if x not in o.axes] for i, o in ((a, b), (b, a)))
    if {x for x in a.axes if x in b.axes} != set(bound):
        return None
    x, y = laid(a.v, a.axes, (*left, *bound)), laid(b.v, b.axes, (*bound, *right))
    if not all(isinstance(v, fmpq) or v.is_finite() for v in (*x.flat, *y.flat)):
        return None
    lead = np.broadcast_shapes(*(i.v.shape[: i.v.ndim - len(i.axes)] for i in items))
    own = [v.shape[v.ndim - n :] for v, n in ((x, len(left) + len(bound)), (y, len(bound) + len(right)))]
    shape = (*own[0][: len(left)], *own[1][len(bound) :])
    rows, inner, columns = (int(np.prod(s, dtype=int)) for s in (own[0][: len(left)], own[1][: len(bound)],
                                                               own[1][len(bound) :]))  # fmt: skip
    x, y = (np.broadcast_to(v, (*lead, *s)) for v, s in zip((x, y), own, strict=True))
    out = np.empty((*lead, *shape), dtype=object)
    for at in np.ndindex(*lead):
        product = arb_mat(rows, inner, list(x[at].flat)) * arb_mat(inner, columns, list(y[at].flat))
        out[(*at, ...)] = objects(product.entries()).reshape(shape)
    return Item(out, axes=(*left, *right))
