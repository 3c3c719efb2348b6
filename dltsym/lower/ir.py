"""The tensor IR: nodes with named axes, hash-consed in one table per compilation.

A node denotes a function from values of its free axes to the extended reals. Axes form a set; order exists only in the
printer. Equality is identity. Binders are locally nameless by height: the bound axes of a binder whose arguments have
height ``h`` are called ``%h.0, %h.1, ...``, so alpha-equal binders are one object. Invariants that nothing else guards:

* user axes never start with ``%``, ``#`` or ``$``, and substitution is done only on opened arguments;
* a pass that changes what is inside a binder goes through `Table.open` and `Table.bind`, never reuses the stored names;
* `Table.rename` rebuilds bottom-up, so the arguments of commutative nodes are sorted again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from hashlib import blake2b
from typing import Any

SORTED = frozenset({"add", "mul", "and", "or", "maximum", "minimum", "logaddexp", "contract"})
BINDERS = frozenset({"contract", "reduce", "take", "iterate"})
KEEPERS = frozenset({"scan", "order", "softmax", "log_softmax"})
_RANK = {"num": 0, "const": 1, "size": 2, "ref": 4, "iota": 5}


@dataclass(frozen=True, slots=True, order=True)
class Axis:
    """A named axis; `size` is canonical text, arithmetic in size names such as ``n`` or ``n - 1``."""

    name: str
    size: str


@dataclass(frozen=True, slots=True)
class Shift:
    """The place ``axis + by`` of an array entry; the range must fit the array."""

    axis: Axis
    by: int


@dataclass(frozen=True, slots=True)
class Slot:
    """The place of an array entry that argument number `arg` of the reference gives, an integer-valued node."""

    arg: int


@dataclass(frozen=True, eq=False, repr=False)
class Node:
    """One hash-consed node; build it with `Table.make` or `Table.bind` only.

    Attributes
    ----------
    op : str
        ``num`` ``const`` ``size`` ``ref`` ``iota`` ``cmp`` ``where``, a row of `dltsym.lower.ops.OPS`, or one of
        ``contract`` ``reduce`` ``take`` ``iterate`` (binders) and ``scan`` ``order`` ``softmax`` ``log_softmax``.
    args : tuple of Node
        Arguments.
    data : tuple
        What else it is made of; see `Table`.
    axes : frozenset of Axis
        Free axes.
    height : int
        Greatest number of binders on a path down.
    key : tuple
        Structural sort key, the same in every process.
    """

    op: str
    args: tuple[Node, ...]
    data: tuple[Any, ...]
    axes: frozenset[Axis]
    height: int
    key: tuple[int, str, str]

    def __repr__(self) -> str:
        from dltsym.lower.show import show

        return show(self)


@dataclass(frozen=True)
class State:
    """One state of an iteration: its name in references, the axes of an entry, and its two updates over them."""

    name: str
    axes: tuple[Axis, ...]
    init: Node
    step: Node


class Table:
    """Owner of the nodes of one compilation.

    What `data` holds: ``num`` a Fraction; ``const`` a name (``pi``, ``inf``); ``size`` a canonical text; ``ref`` the
    name and a tuple of places (`Axis`, `Shift`, int or `Slot`), counted from 0, none for a scalar parameter; ``iota``
    the axis, counted from 0; ``cmp`` one of ``< <= = !=`` (arguments numbers, value a truth); ``contract`` the bound
    axes (sum over them of the product of the arguments); ``reduce`` the monoid and the bound axes; ``scan`` the
    monoid, the axis, the direction (1 prefix, -1 suffix) and whether the own entry is included; ``order`` the kind
    (``topk``, ``rank``), the axis and k; ``take`` the axis and a place (an int, or `Slot(1)`) at which the first
    argument is read; ``softmax`` and ``log_softmax`` the axes they normalise over; ``iterate`` one tuple of state
    axes per state and whether updates are simultaneous.
    An `iterate` over s states has the arguments ``count, init_1..init_s, step_1..step_s, out_1``; inside steps and
    outputs a state is a ``ref`` whose name is ``$<height>.<number>``.
    """

    def __init__(self) -> None:
        self._nodes: dict[tuple[Any, ...], Node] = {}
        self._fresh = 0

    # Construction

    def make(self, op: str, args: Iterable[Node] = (), data: tuple[Any, ...] = ()) -> Node:
        """Intern a node as it is, with the arguments of commutative operations sorted; no algebra is done.

        Parameters
        ----------
        op : str
            Operation; for a binder `data` must hold canonical names already, so use `bind`.
        args : iterable of Node
            Arguments.
        data : tuple
            What else it is made of.

        Returns
        -------
        Node
        """
        args = tuple(args)
        if op in SORTED:
            args = tuple(sorted(args, key=lambda a: a.key))
        known = (op, tuple(map(id, args)), data)
        node = self._nodes.get(known)
        if node is None:
            node = self._nodes[known] = Node(
                op, args, data, _axes(op, args, data), _height(op, args), _key(op, args, data)
            )
        return node

    def num(self, value: Fraction | int) -> Node:
        """Return a rational number.

        Parameters
        ----------
        value : Fraction or int
            Number.

        Returns
        -------
        Node
        """
        return self.make("num", (), (Fraction(value),))

    def bind(self, op: str, args: Iterable[Node], bound: Iterable[Axis], head: tuple[Any, ...] = ()) -> Node:
        """Close a binder: give the bound axes their canonical names and intern.

        Parameters
        ----------
        op : {"contract", "reduce", "take"}
            Binder.
        args : iterable of Node
            Arguments over the axes in `bound`, whatever their names.
        bound : iterable of Axis
            Axes to bind.
        head : tuple
            For ``reduce`` the monoid, for ``take`` the place.

        Returns
        -------
        Node
        """
        args, bound = tuple(args), tuple(bound)
        height = max((a.height for a in args), default=0)
        if op in SORTED:
            args = tuple(sorted(args, key=lambda a: anonymous(a, frozenset(bound))))
        ordered = occurrence(args, bound)
        names = {b: Axis(f"%{height}.{q}", b.size) for q, b in enumerate(ordered)}
        args = tuple(self.rename(a, names) for a in args)
        axes = tuple(names[b] for b in ordered)
        data = (axes[0], *head) if op == "take" else (*head, axes)
        return self.make(op, args, data)

    def fresh(self, size: str) -> Axis:
        """Return an axis that occurs nowhere else.

        Parameters
        ----------
        size : str
            Its size.

        Returns
        -------
        Axis
        """
        self._fresh += 1
        return Axis(f"#{self._fresh}", size)

    def open(self, node: Node) -> tuple[tuple[Node, ...], tuple[Axis, ...]]:
        """Return the arguments of a ``contract``, ``reduce`` or ``take`` over fresh axes, and these axes.

        Parameters
        ----------
        node : Node
            Binder.

        Returns
        -------
        tuple
        """
        bound = (node.data[0],) if node.op == "take" else node.data[-1]
        names = {b: self.fresh(b.size) for b in bound}
        return tuple(self.rename(a, names) for a in node.args), tuple(names.values())

    def iterate(self, count: Node, states: Iterable[State], out: Node, simultaneous: bool = False) -> Node:
        """Close a fixed-point iteration; entries of its states are references to the names given here.

        Parameters
        ----------
        count : Node
            Number of rounds.
        states : iterable of State
            States in the order in which a round updates them.
        out : Node
            Value after the last round.
        simultaneous : bool
            Whether every update of a round reads the states as the round found them.

        Returns
        -------
        Node
        """
        states = tuple(states)
        height = max(n.height for n in (count, out, *(n for s in states for n in (s.init, s.step))))
        names = {s.name: f"${height}.{k}" for k, s in enumerate(states)}
        shapes, inits, steps, start = [], [], [], 0
        for s in states:
            own = {a: Axis(f"%{height}.{start + q}", a.size) for q, a in enumerate(s.axes)}
            start += len(own)
            shapes.append(tuple(own.values()))
            inits.append(self.rename(s.init, own))
            steps.append(self.rename(self.relabel(s.step, names), own))
        args = (count, *inits, *steps, self.relabel(out, names))
        return self.make("iterate", args, (tuple(shapes), simultaneous))

    # Substitution

    def relabel(self, node: Node, names: Mapping[str, str]) -> Node:
        """Give other names to the arrays that a node refers to.

        Parameters
        ----------
        node : Node
            Node.
        names : mapping of str to str
            New names.

        Returns
        -------
        Node
        """
        args = tuple(self.relabel(a, names) for a in node.args)
        data = (names.get(node.data[0], node.data[0]), *node.data[1:]) if node.op == "ref" else node.data
        return self.make(node.op, args, data)

    def rename(self, node: Node, names: Mapping[Axis, Axis]) -> Node:
        """Rename free axes. Two axes may become one: a reference then reads a diagonal.

        Parameters
        ----------
        node : Node
            Node.
        names : mapping of Axis to Axis
            New names; all at once.

        Returns
        -------
        Node
        """
        return self.rebuild(node, lambda a: names.get(a, a), {})

    def rebuild(self, node: Node, of: Callable[[Axis], Axis], memo: dict[int, Node]) -> Node:
        """Apply a map of axes bottom-up; `memo` is shared between calls with the same map."""
        if all(of(a) == a for a in node.axes):
            return node
        done = memo.get(id(node))
        if done is None:
            if node.op in KEEPERS and _merges(node, of):
                done = self._apart(node, of)
            else:
                args = tuple(self.rebuild(a, of, memo) for a in node.args)
                done = self.make(node.op, args, mapped(node.data, of))
            memo[id(node)] = done
        return done

    def _apart(self, node: Node, of: Callable[[Axis], Axis]) -> Node:
        # A scan along t of something with a free axis s, read at s = t, is an entry of the scan: not a scan of entries.
        axis, *_ = kept(node)
        own = self.fresh(axis.size)
        inner = self.rebuild(node, lambda a: own if a == axis else a, {})
        inner = self.rebuild(inner, lambda a: a if a == own else of(a), {})
        return self.bind("take", (inner, self.make("iota", (), (of(axis),))), (own,), (Slot(1),))


def kept(node: Node) -> tuple[Axis, ...]:
    """Return the axes along which a scan, an order or a softmax works; they stay free.

    Parameters
    ----------
    node : Node
        Node with an operation of `KEEPERS`.

    Returns
    -------
    tuple of Axis
    """
    return node.data[0] if node.op in ("softmax", "log_softmax") else (node.data[1],)


def bound_axes(node: Node) -> tuple[Axis, ...]:
    """Return the axes that a node binds, none for most.

    Parameters
    ----------
    node : Node
        Any node.

    Returns
    -------
    tuple of Axis
    """
    if node.op in ("contract", "reduce"):
        return node.data[-1]
    if node.op == "take":
        return (node.data[0],)
    return tuple(a for axes in node.data[0] for a in axes) if node.op == "iterate" else ()


def mapped(data: Any, of: Callable[[Axis], Axis]) -> Any:
    """Apply a map of axes to the data of a node.

    Parameters
    ----------
    data : tuple
        Data.
    of : callable
        Map.

    Returns
    -------
    tuple
    """
    if isinstance(data, Axis):
        return of(data)
    if isinstance(data, Shift):
        return Shift(of(data.axis), data.by)
    return tuple(mapped(d, of) for d in data) if isinstance(data, tuple) else data


def mentioned(data: Any) -> list[Axis]:
    """Return the axes in the data of a node, in order.

    Parameters
    ----------
    data : tuple
        Data.

    Returns
    -------
    list of Axis
    """
    if isinstance(data, Axis | Shift):
        return [data if isinstance(data, Axis) else data.axis]
    return [a for d in data for a in mentioned(d)] if isinstance(data, tuple) else []


def occurrence(args: Iterable[Node], wanted: Iterable[Axis]) -> list[Axis]:
    """Return axes in the order in which they first occur in arguments; those that do not occur come last, by size.

    Parameters
    ----------
    args : iterable of Node
        Where to look.
    wanted : iterable of Axis
        What to look for.

    Returns
    -------
    list of Axis
    """
    todo, out, seen = list(wanted), [], set()

    def walk(node: Node) -> None:
        if id(node) in seen or not any(a in node.axes for a in todo):
            return
        seen.add(id(node))
        for a in mentioned(node.data):
            if a in todo and a in node.axes:
                todo.remove(a)
                out.append(a)
        for arg in node.args:
            walk(arg)

    for arg in args:
        walk(arg)
    return [*out, *sorted(todo, key=lambda a: a.size)]


def anonymous(node: Node, hidden: frozenset[Axis]) -> tuple[Any, ...]:
    """Return a sort key that does not see the names of some axes.

    Parameters
    ----------
    node : Node
        Node.
    hidden : frozenset of Axis
        Axes about to be bound.

    Returns
    -------
    tuple
    """
    if not node.axes & hidden:
        return node.key

    def one(n: Node) -> str:
        if not n.axes & hidden:
            return n.key[2]
        parts = [one(a) for a in n.args]
        if n.op in SORTED:
            parts.sort()
        return _digest(n.op, mapped(n.data, lambda a: Axis("?", a.size) if a in hidden else a), parts)

    return (*node.key[:2], one(node))


def _merges(node: Node, of: Callable[[Axis], Axis]) -> bool:
    targets = [of(a) for a in node.axes]
    return any(targets.count(of(a)) > 1 for a in kept(node))


def _axes(op: str, args: tuple[Node, ...], data: tuple[Any, ...]) -> frozenset[Axis]:
    inside = frozenset().union(*(a.axes for a in args))
    match op:
        case "ref":
            return inside.union(mentioned(data[1]))
        case "iota":
            return frozenset(data)
        case "scan" | "order":
            return inside | {data[1]}
        case "contract" | "reduce":
            return inside.difference(data[-1])
        case "take":
            return args[0].axes - {data[0]} | (args[1].axes if len(args) > 1 else frozenset())
        case "iterate":
            return inside.difference(a for axes in data[0] for a in axes)
    return inside


def _height(op: str, args: tuple[Node, ...]) -> int:
    inside = max((a.height for a in args), default=0)
    return inside + 1 if op in BINDERS else inside


def _key(op: str, args: tuple[Node, ...], data: tuple[Any, ...]) -> tuple[int, str, str]:
    label = str(data[0]) if op in ("ref", "size", "const") else op
    rank = 3 if op == "ref" and not data[1] else _RANK.get(op, 7 if op in BINDERS | KEEPERS else 6)
    return (rank, label, _digest(op, data, [a.key[2] for a in args]))


def _digest(op: str, data: Any, parts: list[str]) -> str:
    return blake2b(f"{op}|{data!r}|{','.join(parts)}".encode(), digest_size=12).hexdigest()
