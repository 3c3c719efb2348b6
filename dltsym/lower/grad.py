r"""Derivatives from IR to IR, taken of the normal form so that the derivative is as stable as the value.

One algorithm serves gradients, Jacobians and second derivatives: a cotangent travels from the root down, and a node
``x`` with cotangent ``g`` stands for :math:`\sum g\,\partial x` over those axes of ``x`` that are not axes of the
root. At an entry ``wrt[p]`` the sum meets :math:`\prod_k \delta(p_k, a_k)`, which the constructors collapse. Binders
are opened over axes from a small pool, so that scores that occur under two binders are one node and get one
cotangent. Because every step is linear, the order in which nodes are visited changes cost and never the result.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from dltsym.errors import UnsupportedError
from dltsym.lower.algebra.constructors import Algebra
from dltsym.lower.axes import Axis, Shift, Slot, mapped
from dltsym.lower.nodes import Node
from dltsym.lower.program import Input, Output, Program
from dltsym.lower.report import Finding

if TYPE_CHECKING:
    from dltsym.lower.ir import Table

Place = Axis | int | Node
FLAT = frozenset({"cmp", "and", "or", "not", "iota", "num", "const", "size", "order", "floor", "sign", "step"})
"""Operations whose value does not move: truths, places, counts and steps."""


@dataclass
class Reverse:
    """State of one differentiation.

    Attributes
    ----------
    algebra : Algebra
        Constructors.
    wrt : str
        Name of the array or parameter.
    at : tuple of Place
        Entry of it.
    keep : frozenset of Axis
        Axes of the root that are not summed over.
    found : list of Finding
        Findings of the derivative.
    """

    algebra: Algebra
    wrt: str
    at: tuple[Place, ...]
    keep: frozenset[Axis]
    found: list[Finding]
    _pools: dict[str, list[Axis]] = field(default_factory=dict)
    _moves: dict[int, bool] = field(default_factory=dict)
    _depths: dict[int, int] = field(default_factory=dict)
    _opened: dict[int, tuple[tuple[Node, ...], tuple[Axis, ...]]] = field(default_factory=dict)
    _pending: dict[int, tuple[Node, list[Node]]] = field(default_factory=dict)
    _queue: list[tuple[int, int, int]] = field(default_factory=list)
    _pushed: int = 0
    _leaves: list[Node] = field(default_factory=list)

    @property
    def table(self) -> Table:
        """Owner of the nodes."""
        return self.algebra.table

    @cached_property
    def one(self) -> Node:
        """Number 1."""
        return self.algebra.num(1)

    @cached_property
    def zero(self) -> Node:
        """Number 0."""
        return self.algebra.num(0)

    @cached_property
    def taken(self) -> frozenset[Axis]:
        """Axes that an opened binder must not use."""
        places = (p.axes if isinstance(p, Node) else {p} if isinstance(p, Axis) else () for p in self.at)
        return self.keep.union(*places)

    # Walking

    def run(self, root: Node, cotangent: Node) -> Node:
        """Return the sum of all contributions at entries of `wrt`."""
        outer, self.algebra.slopes = self.algebra.slopes, True
        try:
            return self._run(root, cotangent)
        finally:
            self.algebra.slopes = outer

    def _run(self, root: Node, cotangent: Node) -> Node:
        from dltsym.lower.grad_rules import apply_rule

        if self.moves(root):
            self.push(root, (cotangent,), root.axes)
        while self._queue:
            known = heapq.heappop(self._queue)[2]
            if known not in self._pending:
                continue
            node, parts = self._pending.pop(known)
            g = self.algebra.add(*parts)
            if g is self.zero:
                continue
            if node.op == "ref":
                self._leaf(node, g)
            else:
                apply_rule(self, node, g)
        return self.algebra.add(*self._leaves) if self._leaves else self.zero

    def push(self, arg: Node, factors: Sequence[Node], axes: Iterable[Axis]) -> None:
        """Give `arg` the cotangent ``Sum of the product of factors`` over the axes that it does not have."""
        if not self.moves(arg):
            return
        free = frozenset(axes).union(*(f.axes for f in factors))
        g = self.sum(factors, free - arg.axes - self.keep)
        if g is self.zero:
            return
        entry = self._pending.setdefault(id(arg), (arg, []))
        entry[1].append(g)
        self._pushed += 1
        heapq.heappush(self._queue, (-self.depth(arg), self._pushed, id(arg)))

    def _leaf(self, node: Node, g: Node) -> None:
        over, names, fixed, deltas = set(node.axes | g.axes) - self.keep, {}, {}, []
        for place, at in zip(node.data[1], self.at, strict=True):
            whole = isinstance(place, Axis) and place in over and place not in {**names, **fixed}
            if whole and isinstance(at, Axis) and at.size == place.size:
                names[place] = at
            elif whole and not isinstance(at, Axis):  # the entry exists, so the place is in range
                fixed[place] = at
            else:
                deltas.append(self.delta(self.place(node, place), self.place(node, at)))
        factors = [self.table.rename(f, names) for f in (g, *deltas)]
        out = self.sum(factors, over - {*names, *fixed})
        for axis, at in fixed.items():
            out = self._read(out, axis, at)
        self._leaves.append(out)

    def _read(self, node: Node, axis: Axis, at: int | Node) -> Node:
        if axis not in node.axes:
            return node
        if isinstance(at, int):
            return self.algebra.take(node, axis, at)
        return self.algebra.take(node, axis, Slot(1), at)

    # Building

    def sum(self, factors: Sequence[Node], axes: Iterable[Axis]) -> Node:
        """Contract factors over axes, in the order of their names."""
        ordered = tuple(sorted(axes))
        return self.algebra.contract(tuple(factors), ordered) if ordered else self.algebra.mul(*factors)

    def place(self, node: Node, place: Axis | Shift | Slot | int | Node) -> Node:
        """Return a place of a reference as an integer-valued node."""
        match place:
            case Axis():
                return self.algebra.iota(place)
            case Shift(axis, by):
                return self.algebra.add(self.algebra.iota(axis), self.algebra.num(by))
            case Slot(arg):
                return node.args[arg]
            case int():
                return self.algebra.num(place)
        return place

    def delta(self, p: Node, q: Node) -> Node:
        """Return 1 where two places are equal, else 0."""
        return self.one if p is q else self.indicator(self.algebra.cmp("=", p, q))

    def indicator(self, truth: Node) -> Node:
        """Return 1 where a truth holds, else 0."""
        return self.algebra.where(truth, self.one, self.zero)

    def times(self, g: Node, factor: Node) -> Node:
        """Multiply pointwise, inside the guard of `g`: the factor may be infinite where the guard is off."""
        if g.op == "where" and g.args[2] is self.zero and factor.axes <= g.axes:
            return self.algebra.where(g.args[0], self.times(g.args[1], factor), self.zero)
        return self.algebra.mul(g, factor)

    # Asking

    def moves(self, node: Node) -> bool:
        """Whether the value can change, to first order, with `wrt`."""
        known = self._moves.get(id(node))
        if known is None:
            if node.op == "ref":
                known = node.data[0] == self.wrt
            elif node.op in FLAT or (node.op == "reduce" and node.data[0] in ("argmax", "argmin")):
                self._steps(node)
                known = False
            elif node.op in ("where", "take"):
                self._steps(node.args[0 if node.op == "where" else -1])
                known = any([self.moves(a) for a in (node.args[1:] if node.op == "where" else node.args[:1])])
            else:
                known = any([self.moves(a) for a in node.args])
            self._moves[id(node)] = known
        return known

    def _steps(self, node: Node) -> None:
        counts = node.op == "order" or (node.op == "reduce" and node.data[0] in ("argmax", "argmin"))
        if counts and any(self.moves(a) for a in node.args):
            self.report("W13", node)
        for a in node.args:
            if node.op in FLAT or counts:
                self._steps(a)

    def depth(self, node: Node) -> int:
        """Length of the longest path down."""
        known = self._depths.get(id(node))
        if known is None:
            known = self._depths[id(node)] = 1 + max((self.depth(a) for a in node.args), default=0)
        return known

    def report(self, code: str, node: Node) -> None:
        """Add a finding, once."""
        kind = f"{node.op} {node.data[0]}" if node.data and not isinstance(node.data[0], Axis | tuple) else node.op
        finding = Finding(code, f"the derivative with respect to {self.wrt} meets {kind}")
        if finding not in self.found:
            self.found.append(finding)

    # Axes

    def spare(self, size: str, busy: frozenset[Axis]) -> Axis:
        """Return the first axis of the pool that is not busy."""
        pool = self._pools.setdefault(size, [])
        for axis in pool:
            if axis not in busy:
                return axis
        pool.append(self.table.fresh(size))
        return pool[-1]

    def open(self, node: Node, g: Node) -> tuple[tuple[Node, ...], tuple[Axis, ...]]:
        """Open a binder over axes of the pool that occur neither in it nor in its cotangent."""
        bound = (node.data[0],) if node.op == "take" else node.data[-1]
        names, busy = {}, self.taken | node.axes | g.axes
        for b in bound:
            names[b] = self.spare(b.size, busy)
            busy |= {names[b]}
        return tuple(self.table.rename(a, names) for a in node.args), tuple(names.values())

    def apart(self, node: Node, g: Node, axes: Iterable[Axis]) -> tuple[Node, Node]:
        """Move a node that works along kept axes to axes of its own, and its cotangent to the entry that is kept."""
        # A scan read at the kept place t depends on entries at other places of the same axis.
        names, busy, factors = {}, self.taken | node.axes | g.axes, [g]
        for a in axes:
            if a in self.keep:
                names[a] = self.spare(a.size, busy)
                busy |= {names[a]}
                factors.append(self.delta(self.algebra.iota(names[a]), self.algebra.iota(a)))
        if not names:
            return node, g
        args = tuple(self.table.rename(a, names) for a in node.args)
        data = mapped(node.data, names)
        return self.table.make(node.op, args, data), self.algebra.mul(*factors)


def gradient(algebra: Algebra, node: Node, wrt: str, at: Sequence[Place], found: list[Finding] | None = None) -> Node:
    r"""Differentiate a node with respect to one array entry.

    Parameters
    ----------
    algebra : Algebra
        Constructors over the table of `node`.
    node : Node
        What to differentiate, in normal form; its free axes stay free.
    wrt : str
        Name of the array or scalar parameter.
    at : sequence of Axis, int or Node
        Entry of the array, counted from 0; none for a scalar. An axis of `node` may occur in it.
    found : list of Finding, optional
        Receives findings.

    Returns
    -------
    Node
        :math:`\partial\,\mathrm{node} / \partial\,\mathrm{wrt}[\mathrm{at}]`.
    """
    state = Reverse(algebra, wrt, tuple(at), node.axes, [] if found is None else found)
    return state.run(node, state.one)


def pullback(program: Program, wrt: str, output: str | None = None, cotangent: str = "cotangent") -> Program:
    r"""Return the program of the vector-Jacobian product of one output.

    Parameters
    ----------
    program : Program
        After the constructors and the hazards.
    wrt : str
        Input to differentiate with respect to.
    output : str, optional
        Output; the only one by default.
    cotangent : str
        Name of the input that multiplies an output with axes; a scalar output needs none.

    Returns
    -------
    Program
        One output ``grad_<wrt>``: :math:`\sum g\,\partial\,\mathrm{out}/\partial\,\mathrm{wrt}[a]`, shaped as `wrt`.

    Raises
    ------
    UnsupportedError
        When there is nothing to differentiate, or an operation on the way has no derivative here.
    """
    out, given = _chosen(program, wrt, output)
    if out.axes and any(i.name == cotangent for i in program.inputs):
        raise UnsupportedError(f"the cotangent needs a name of its own, {cotangent} is an input")
    more = (Input(cotangent, tuple(a.size for a in out.axes)),) if out.axes else ()
    algebra = Algebra(program.table, {i.name: i for i in (*program.inputs, *more)})
    own = {a: program.table.fresh(a.size) for a in out.axes}
    at = _entry(given, frozenset())
    found = list(program.findings)
    state = Reverse(algebra, wrt, at, frozenset(), found)
    g = algebra.ref(cotangent, tuple(own.values())) if more else state.one
    root = program.table.rename(out.node, own)
    state.push(root, (g,), (*own.values(), *root.axes))
    node = state.run(state.zero, state.zero)
    made = (Output(f"grad_{wrt}", node, at),)
    return replace(
        program,
        inputs=(*program.inputs, *more),
        outputs=made,
        findings=tuple(found),
        rewrites=(*program.rewrites, "derivative"),
    )


def jacobian(program: Program, wrt: str, output: str | None = None) -> Program:
    """Return the program of all partial derivatives of one output.

    Parameters
    ----------
    program : Program
        After the constructors and the hazards.
    wrt : str
        Input to differentiate with respect to.
    output : str, optional
        Output; the only one by default.

    Returns
    -------
    Program
        One output ``jac_<wrt>``, over the axes of the output and then those of `wrt`.
    """
    out, given = _chosen(program, wrt, output)
    algebra = Algebra(program.table, {i.name: i for i in program.inputs})
    at = _entry(given, frozenset(a.name for a in (*out.axes, *out.node.axes)))
    found = list(program.findings)
    state = Reverse(algebra, wrt, at, frozenset(out.axes) | out.node.axes, found)
    made = (Output(f"jac_{wrt}", state.run(out.node, state.one), (*out.axes, *at)),)
    return replace(program, outputs=made, findings=tuple(found), rewrites=(*program.rewrites, "derivative"))


def _chosen(program: Program, wrt: str, output: str | None) -> tuple[Output, Input]:
    outputs = [o for o in program.outputs if output is None or o.name == output]
    if len(outputs) != 1:
        names = ", ".join(o.name for o in program.outputs)
        raise UnsupportedError(f"name the output to differentiate; there are {names}")
    given = [i for i in program.inputs if i.name == wrt]
    if not given:
        names = ", ".join(i.name for i in program.inputs)
        raise UnsupportedError(f"no input is called {wrt}; there are {names}")
    if given[0].entries != "real":
        raise UnsupportedError(f"{wrt} holds {given[0].entries} entries; only real ones have a derivative")
    return outputs[0], given[0]


def _entry(given: Input, busy: frozenset[str]) -> tuple[Axis, ...]:
    out = []
    for k, size in enumerate(given.shape):
        name = f"{given.name}_{k}"
        while name in busy:
            name += "_"
        out.append(Axis(name, size))
    return tuple(out)
