"""The tensor IR: nodes with named axes, hash-consed in one table per compilation.

A node denotes a function from values of its free axes to the extended reals. Axes form a set; order exists only in the
printer. Equality is identity. Binders are locally nameless by height: the bound axes of a binder whose arguments have
height ``h`` are called ``%h.0, %h.1, ...``, so alpha-equal binders are one object. Invariants that nothing else guards:

* user axes never start with ``%``, ``#`` or ``$``, and substitution is done only on opened arguments;
* a pass that changes what is inside a binder goes through `Table.open` and `Table.bind`, never reuses the stored names;
* `Table.rename` rebuilds bottom-up, so the arguments of commutative nodes are sorted again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from typing import Any

from dltsym.lower.axes import Axis, Slot, mapped
from dltsym.lower.nodes import (
    BINDERS,
    KEEPERS,
    SORTED,
    Node,
    collapses,
    coloured,
    commutes,
    disguised,
    free_axes,
    height,
    kept,
    merges,
    occurrence,
    sort_key,
)


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
    axes per state, whether updates are simultaneous, and True if there is a tolerance.
    An `iterate` over s states has the arguments ``count, init_1..init_s, step_1..step_s, out`` and possibly the
    tolerance; inside steps and outputs a state is a ``ref`` whose name is ``$<height>.<number>``.
    """

    def __init__(self) -> None:
        self._nodes: dict[tuple[Any, ...], Node] = {}
        self._fresh = 0
        self.loops: dict[tuple[Any, ...], tuple[dict[str, str], tuple[State, ...]]] = {}  # see `iteration.view_iterate`
        self.templates: dict[int, tuple[Node, tuple[Axis, ...]]] = {}  # see `printers.share`; nodes live as long
        self._views: dict[Node, tuple[tuple[Node, ...], tuple[Axis, ...]]] = {}

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
        if commutes(op, data):
            args = tuple(sorted(args, key=lambda a: a.key))
        known = (op, tuple(map(id, args)), data)
        node = self._nodes.get(known)
        if node is None:
            node = self._nodes[known] = Node(
                op, args, data, free_axes(op, args, data), height(op, args), sort_key(op, args, data)
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
        colours = coloured(args, bound)
        if op in SORTED:
            args = tuple(sorted(args, key=lambda a: disguised(a, colours)))
        ordered = occurrence(args, bound, colours)
        # Inside a binder that was not opened, its canonical names are free: none of them may be bound again.
        taken = {x.name for a in args for x in a.axes if x.name[0] == "%" and x not in bound}
        free = (name for q in count() if (name := f"%{height}.{q}") not in taken)
        names = {b: Axis(next(free), b.size) for b in ordered}
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

    def view(self, node: Node) -> tuple[tuple[Node, ...], tuple[Axis, ...]]:
        """Return what `open` does, with the same axes at every call for one node.

        For walks that open a node, treat each argument and close it again. Never hold the views of two occurrences of
        one node at once: their axes are the same.

        Parameters
        ----------
        node : Node
            Binder.

        Returns
        -------
        tuple
        """
        known = self._views.get(node)
        if known is None:
            known = self._views[node] = self.open(node)
        return known

    def iterate(
        self, count: Node, states: Iterable[State], out: Node, simultaneous: bool = False, tol: Node | None = None
    ) -> Node:
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
        tol : Node or None
            Stop after the first round in which no entry of a state changed by more than this.

        Returns
        -------
        Node
        """
        states = tuple(states)
        tail = (out,) if tol is None else (out, tol)
        height = max(n.height for n in (count, *tail, *(n for s in states for n in (s.init, s.step))))
        names = {s.name: f"${height}.{k}" for k, s in enumerate(states)}
        shapes, inits, steps, start = [], [], [], 0
        for s in states:
            own = {a: Axis(f"%{height}.{start + q}", a.size) for q, a in enumerate(s.axes)}
            start += len(own)
            shapes.append(tuple(own.values()))
            inits.append(self.rename(s.init, own))
            steps.append(self.rename(self.relabel(s.step, names), own))
        args = (count, *inits, *steps, self.relabel(out, names), *tail[1:])
        return self.make("iterate", args, (tuple(shapes), simultaneous, *(True for _ in tail[1:])))

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
        memo: dict[int, Node] = {}

        def walk(n: Node) -> Node:
            if id(n) not in memo:
                data = (names.get(n.data[0], n.data[0]), *n.data[1:]) if n.op == "ref" else n.data
                memo[id(n)] = self.make(n.op, tuple(map(walk, n.args)), data)
            return memo[id(n)]

        return walk(node)

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
        return self._renamed(node, names, {})

    def _renamed(self, node: Node, names: Mapping[Axis, Axis], memo: dict[int, Node]) -> Node:
        if names.keys().isdisjoint(node.axes):
            return node
        done = memo.get(id(node))
        if done is None:
            if node.op in KEEPERS and merges(node, names):
                done = self._apart(node, names)
            elif node.op in BINDERS and node.op != "iterate" and collapses(node, names):
                # An argument may grow a binder (`_apart`), whose canonical name would be one of ours: open first.
                args, bound = self.open(node)
                head = node.data[1:] if node.op == "take" else node.data[:-1]
                done = self.bind(node.op, [self._renamed(a, names, {}) for a in args], bound, mapped(head, names))
            elif node.op == "iterate" and collapses(node, names):
                done = self._rounds(node, names)
            else:
                args = tuple(self._renamed(a, names, memo) for a in node.args)
                done = self.make(node.op, args, mapped(node.data, names) if node.data else ())
            memo[id(node)] = done
        return done

    def _rounds(self, node: Node, names: Mapping[Axis, Axis]) -> Node:
        shapes, simultaneous, n = node.data[0], node.data[1], len(node.data[0])
        labels = {f"${node.height - 1}.{k}": f"${self.fresh('').name}" for k in range(n)}
        states = []
        for label, axes, init, step in zip(
            labels.values(), shapes, node.args[1 : n + 1], node.args[n + 1 : 2 * n + 1], strict=True
        ):
            own = {a: self.fresh(a.size) for a in axes}
            both = [self.rename(self.rename(x, own), names) for x in (init, self.relabel(step, labels))]
            states.append(State(label, tuple(own.values()), *both))
        out, *tol = (self.rename(self.relabel(x, labels), names) for x in node.args[2 * n + 1 :])
        return self.iterate(self.rename(node.args[0], names), states, out, simultaneous, *tol)

    def _apart(self, node: Node, names: Mapping[Axis, Axis]) -> Node:
        # A scan along t of something with a free axis s, read at s = t, is an entry of the scan: not a scan of entries.
        axis, *_ = kept(node)
        own = self.fresh(axis.size)
        inner = self.rename(self.rename(node, {axis: own}), names)
        return self.bind("take", (inner, self.make("iota", (), (names.get(axis, axis),))), (own,), (Slot(1),))
