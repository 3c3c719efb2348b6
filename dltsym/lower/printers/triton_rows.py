"""Expressions of a triton kernel: every value lives over at most two of the axes tile, streamed, column, contracted.

A value is computed in the smallest scope that has its axes: what does not depend on the streamed axis is computed once,
before the loop. Loads mask their tails with 0. What cannot be printed is noted as a reason, and printing goes on, so
that one error names all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from dltsym.lower.algebra.forms import factors
from dltsym.lower.axes import Axis, Shift, Slot
from dltsym.lower.ir import Table
from dltsym.lower.nodes import Node
from dltsym.lower.ops import OPS
from dltsym.lower.printers.names import Sizes
from dltsym.lower.printers.triton_helpers import FORMS
from dltsym.lower.printers.value import ATOM, LOOSE, PLUS, TIMES, UNARY, Value
from dltsym.lower.program import Input

_COMPARE = {"=": "==", "!=": "!=", "<": "<", "<=": "<="}
_INLINE = 60
RESERVED = frozenset(
    ("tl", "triton", "contextlib", "batch", "start", "out", "consts", "ACC", "PREC", "acc", "lead", "precision",
     "result")
)  # fmt: skip
"""Names of a generated file that no argument may have."""


@dataclass
class Loop:
    """One pass over a streamed axis: what stands before it, in it and after it."""

    level: int
    axis: Axis
    init: list[str] = field(default_factory=list)
    body: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    weights: dict[int, tuple[Value, Value, Value, Value]] = field(default_factory=dict)
    logs: dict[int, Value] = field(default_factory=dict)


@dataclass
class Rows:
    """State of printing one kernel.

    Attributes
    ----------
    table : Table
        Owner of the nodes.
    inputs : dict
        Inputs by name.
    names : dict
        Python names of the arguments.
    sizes : Sizes
        Text of sizes in the launcher.
    tile, col : Axis or None
        Axis of a program's rows, and of the columns that only the streamed sums have.
    wanted : tuple of Axis
        Axes of the output in order; of those that are neither, each program has one place.
    counts : Counter
        How often each value is read, from an earlier run.
    """

    table: Table
    inputs: dict[str, Input]
    names: dict[str, str]
    sizes: Sizes
    tile: Axis | None
    col: Axis | None
    wanted: tuple[Axis, ...]
    counts: Counter[tuple[int, object]] = field(default_factory=Counter)
    reads: Counter[tuple[int, object]] = field(default_factory=Counter)
    reasons: dict[str, None] = field(default_factory=dict)
    at: dict[int, list[str]] = field(default_factory=dict)
    loops: dict[tuple[int, Axis], Loop] = field(default_factory=dict)
    streamed: dict[Axis, None] = field(default_factory=dict)
    summed: dict[Axis, None] = field(default_factory=dict)
    letters: dict[Axis, str] = field(default_factory=dict)
    bases: dict[tuple[str, tuple[tuple[int, ...], ...]], str] = field(default_factory=dict)
    strides: dict[tuple[str, int], str] = field(default_factory=dict)
    extents: dict[str, str] = field(default_factory=dict)
    consts: dict[str, str] = field(default_factory=dict)
    functions: dict[str, str] = field(default_factory=dict)
    counted: dict[Axis, None] = field(default_factory=dict)
    _memo: dict[tuple[int, object], Value] = field(default_factory=dict)
    _stages: dict[int, int] = field(default_factory=dict)
    _opened: dict[int, tuple[tuple[Node, ...], tuple[Axis, ...]]] = field(default_factory=dict)
    _taken: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        sizes = {text for i in self.inputs.values() for text in i.shape}
        self._taken = {*RESERVED, *self.names.values(), *map(self.sizes.text, sorted(sizes))}
        for axis, letter in ((self.tile, "i"), (self.col, "c")):
            if axis is not None:
                self.letters[axis] = self.unique(axis.name if axis.name.isidentifier() else letter)

    @property
    def lead(self) -> tuple[Axis, ...]:
        """Axes of the output that each program has one place of."""
        return tuple(a for a in self.wanted if a not in (self.tile, self.col))

    # Names and sections

    def unique(self, stem: str) -> str:
        """Return an unused identifier."""
        name, k = stem, 0
        while name in self._taken:
            name, k = f"{stem}{k}", k + 1
        self._taken.add(name)
        return name

    def refuse(self, reason: str) -> Value:
        """Note why the kernel cannot be printed."""
        self.reasons.setdefault(reason)
        return Value("0.0", pure=True, batch=False)

    def lines(self, node: Node, loop: Loop | None) -> list[str]:
        """Return the section that computes a node."""
        return loop.body if loop is not None else self.at.setdefault(self.stage(node), [])

    def dims(self, axes: frozenset[Axis]) -> tuple[Axis, ...]:
        """Return the axes of a block in their fixed order."""
        roles = [self.tile, *self.streamed, self.col, *self.summed]
        out = tuple(a for a in roles if a is not None and a in axes)
        if len(out) > 2:
            self.refuse(f"a term over {len(out)} axes at once, {', '.join(self.letters[a] for a in out)}")
        return out[:2]

    def ranged(self, axis: Axis, kind: str) -> Axis:
        """Register an axis that a binder was opened over."""
        group, stem = (self.streamed, "j") if kind == "stream" else (self.summed, "k")
        if axis not in group:
            group[axis] = None
            self.letters[axis] = self.unique(stem)
        return axis

    def extent(self, size: str) -> str:
        """Return the kernel's name of a size; the launcher passes it."""
        text = self.sizes.text(size)
        if text not in self.extents:  # the name of a size is reserved for it
            self.extents[text] = text if text.isidentifier() else self.unique("size")
        return self.extents[text]

    def spread(self, value: Value, dims: Sequence[Axis]) -> Value:
        """Return a value as a block over `dims`; a number stays one."""
        if not value.axes or tuple(value.axes) == tuple(dims):
            return value
        return value.indexed([":" if a in value.axes else "None" for a in dims], tuple(dims))

    def mask(self, dims: Sequence[Axis]) -> str:
        """Return the truth that a place of a block is in range."""
        parts = [Value(f"in_{self.letters[a]}", (a,), batch=False) for a in dims]
        return " & ".join(self.spread(p, dims).code for p in parts)

    def name(self, section: list[str], stem: str, value: Value) -> Value:
        """Assign a value to a name."""
        name = self.unique(stem)
        section.append(f"{name} = {value.code}")
        return Value(name, value.axes, value.kind, batch=False)

    # Structure

    def is_stream(self, node: Node) -> bool:
        """Whether a node is a fold that no block of a streamed axis depends on."""
        return node.op in ("contract", "reduce", "sqdist") and not any(a in self.streamed for a in node.axes)

    def stage(self, node: Node) -> int:
        """Return how many loops have to be over before a node can be computed."""
        known = self._stages.get(id(node))
        if known is None:
            if self.is_stream(node):
                known = 1 + max((self.stage(a) for a in self.open(node)[0]), default=0)
            elif node.op in ("softmax", "log_softmax"):
                known = self.stage(self.log_sum(node))
            elif node.op in ("contract", "sqdist"):
                known = max((self.stage(a) for a in self.open(node)[0]), default=0)
            else:
                known = max((self.stage(a) for a in node.args), default=0)
            self._stages[id(node)] = known
        return known

    def log_sum(self, node: Node) -> Node:
        """Return the log-sum-exp that a softmax divides by."""
        return self.table.bind("reduce", node.args, node.data[0], ("lse",))

    def open(self, node: Node) -> tuple[tuple[Node, ...], tuple[Axis, ...]]:
        """Open a fold, over axes shared by all folds of the same size and kind."""
        known = self._opened.get(id(node))
        if known is None:
            kind, names = ("stream" if self.is_stream(node) else "sum"), {}
            for a in node.data[-1]:
                q = 0
                while (axis := Axis(f"#{kind}{q}", a.size)) in node.axes or axis in names.values():
                    q += 1
                names[a] = self.ranged(axis, kind)
            args = tuple(self.table.rename(a, names) for a in node.args)
            known = self._opened[id(node)] = (args, tuple(names.values()))
        return known

    # Values

    def value(self, node: Node, loop: Loop | None = None) -> Value:
        """Return a node as a block over its own axes."""
        if not any(a in self.streamed for a in node.axes):
            loop = None
        key = (id(node), None if loop is None else (loop.level, loop.axis))
        self.reads[key] += 1
        if key not in self._memo:
            made = self._make(node, loop)
            plain = made.code.isidentifier() or made.pure or made.kind == "place"
            if not plain and (self.counts[key] > 1 or len(made.code) > _INLINE):
                made = self.name(self.lines(node, loop), "t0", made)
            self._memo[key] = made
        return self._memo[key]

    def _make(self, node: Node, loop: Loop | None) -> Value:
        if is_host(node):
            return self._host(node)
        match node.op:
            case "ref":
                return self.load(node, loop, storage=False)
            case "iota":
                return self._iota(node.data[0])
            case "cmp" | "and" | "or" | "not" | "where":
                return self._choice(node, loop)
            case "add" | "mul" | "pow":
                return self._arithmetic(node, loop)
            case "softmax" | "log_softmax":
                return self._softmax(node, loop)
            case "contract" | "reduce" | "sqdist":
                from dltsym.lower.printers.triton_streams import inner, stream

                return stream(self, node) if self.is_stream(node) else inner(self, node, loop)
        row = OPS.get(node.op)
        form = FORMS.get(node.op) or (row.triton if row else "")
        if not form:
            return self.refuse(f"{node.op} has no form in triton")
        dims = self.dims(node.axes)
        args = [self.spread(self.real(self.value(a, loop)), dims).inside(UNARY) for a in node.args]
        level = TIMES if node.op == "tan" else ATOM
        return Value(form.format(*args), dims, level=level, batch=False)

    def real(self, value: Value) -> Value:
        """Cast integers to the type of the accumulator."""
        if value.kind == "real" or value.pure:
            return value
        return Value(f"{value.inside(ATOM)}.to(ACC)", value.axes, batch=False)

    def _host(self, node: Node) -> Value:
        if node.op == "num":
            value = node.data[0]
            kind = "integer" if value.denominator == 1 else "real"
            text = str(value.numerator) if kind == "integer" else repr(float(value))
            return Value(text, kind=kind, pure=True, level=ATOM if value >= 0 else UNARY, batch=False)
        if node.op == "const" and node.data[0] == "inf":
            return Value('float("inf")', pure=True, batch=False)
        if node.op == "size":
            return Value(self.extent(node.data[0]), kind="integer", batch=False)
        if is_minus_inf(node):
            return Value('-float("inf")', pure=True, level=UNARY, batch=False)
        from dltsym.lower.printers.triton_terms import host_text

        text = host_text(self, node)
        if text not in self.consts:
            self.consts[text] = self.unique("c0")
        return Value(self.consts[text], batch=False)

    def _iota(self, axis: Axis) -> Value:
        if axis in self.letters:
            return Value(self.letters[axis], (axis,), "integer", batch=False)
        inner = [self.extent(a.size) for a in self.lead[self.lead.index(axis) + 1 :]]
        text = f"batch // ({' * '.join(inner)})" if inner else "batch"
        return Value(f"{text} % {self.extent(axis.size)}", (), "integer", level=TIMES, batch=False)

    def _softmax(self, node: Node, loop: Loop | None) -> Value:
        # The shift is subtracted first and alone: a log-sum-exp would carry the rounding of the largest score.
        from dltsym.lower.printers.triton_streams import normaliser

        dims, log, x = self.dims(node.axes), node.op == "log_softmax", self.value(node.args[0], loop)
        parts = normaliser(self, self.log_sum(node), log)
        top, total, *logs = (self.spread(v, dims).inside(PLUS) for v in parts)
        gap = f"{self.spread(self.real(x), dims).inside(PLUS)} - {top}"
        if not log:
            return Value(f"tl.where({total} == 0.0, 0.0, tl.exp({gap}) / {total})", dims, batch=False)
        return Value(f'tl.where({total} == 0.0, -float("inf"), {gap} - {logs[0]})', dims, batch=False)

    def _choice(self, node: Node, loop: Loop | None) -> Value:
        dims = self.dims(node.axes)
        args = [self.value(a, loop) for a in node.args]
        if node.op == "where" or (node.op == "cmp" and any(a.kind == "real" for a in args)):
            args = [a if a.kind == "truth" else self.real(a) for a in args]
        args = [self.spread(a, dims) for a in args]
        match node.op:
            case "cmp":
                a, b = (v.inside(PLUS) for v in args)
                return Value(f"{a} {_COMPARE[node.data[0]]} {b}", dims, "truth", level=LOOSE, batch=False)
            case "not":
                return Value(f"~{args[0].inside(ATOM)}", dims, "truth", level=UNARY, batch=False)
            case "where":
                cast = ".to(ACC)" if args[1].pure and args[2].pure else ""  # two numbers make a float32
                return Value(f"tl.where({', '.join(a.code for a in args)}){cast}", dims, batch=False)
        between, end = (" & ", "False") if node.op == "and" else (" | ", "True")
        one, many = [], []
        for v in args:
            (many if v.axes else one).append(v.inside(ATOM))
        if one and many:  # the interpreter spreads the truth of a scalar comparison as a float, which takes no & or |
            parts = (between.join(many), end) if node.op == "and" else (end, between.join(many))
            return Value(f"tl.where({between.join(one)}, {', '.join(parts)})", dims, "truth", batch=False)
        return Value(between.join(one + many), dims, "truth", level=LOOSE, batch=False)

    def _arithmetic(self, node: Node, loop: Loop | None) -> Value:
        from dltsym.lower.printers.triton_terms import power, product, sum_

        return {"add": sum_, "mul": product, "pow": power}[node.op](self, node, loop)

    # Loads

    def load(self, node: Node, loop: Loop | None, storage: bool) -> Value:
        """Load an entry, a row, a column or a block of an array; `storage` keeps the type of its entries."""
        name, places = node.data
        given = self.inputs[name]
        if storage:
            key = (-id(node), None if loop is None else (loop.level, loop.axis))
            if key in self._memo:
                return self._memo[key]
        terms = self._terms(name, places)
        dims = self.dims(node.axes)
        address = " + ".join([self._base(name, places), *(self.spread(t, dims).code for t in terms)])
        masked = f", mask={self.mask(dims)}, other={'0.0' if given.entries == 'real' else '0'}" if dims else ""
        cast = {"bool": " != 0", "integer": ".to(tl.int64)"}.get(given.entries, "" if storage else ".to(ACC)")
        letters = "".join(self.letters[a] for p in places if (a := _axis(p)) in dims)
        made = Value(f"tl.load({address}{masked}){cast}", dims, batch=False)
        made = self.name(self.lines(node, loop), f"{self.names[name]}_{letters or '0'}", made)
        kind = {"bool": "truth", "integer": "integer"}.get(given.entries, "real")
        made = Value(made.code, dims, kind, batch=False)
        if storage:
            self._memo[key] = made
        return made

    def _terms(self, name: str, places: Sequence[object]) -> list[Value]:
        out = []
        for q, place in enumerate(places):
            axis, by = _axis(place), place.by if isinstance(place, Shift) else place if isinstance(place, int) else 0
            if isinstance(place, Slot):
                self.refuse(f"a gather from {name} inside the loop")
                continue
            stride = self.stride(name, q) if axis in self.letters or by else ""
            if axis in self.letters:
                index = self.letters[axis] + (f" + {by}" if by > 0 else f" - {-by}" if by else "")
                index = f"({index})" if by else index
                out.append(Value(f"{index} * {stride}", (axis,), level=TIMES, batch=False))
            elif by:
                out.append(Value(f"{by} * {stride}", level=TIMES, batch=False))
        return out

    def stride(self, name: str, place: int) -> str:
        """Return the kernel's name of a stride; the launcher passes it."""
        key = (name, place - len(self.inputs[name].shape))
        if key not in self.strides:
            self.strides[key] = self.unique(f"{self.names[name]}_s{place}")
        return self.strides[key]

    def _base(self, name: str, places: Sequence[object]) -> str:
        dims = tuple(tuple(q for q, p in enumerate(places) if _axis(p) == a) for a in self.lead)
        key = (name, dims)
        if key not in self.bases:
            self.bases[key] = self.unique(f"{self.names[name]}_at")
        return self.bases[key]


def _axis(place: object) -> Axis | None:
    return place if isinstance(place, Axis) else place.axis if isinstance(place, Shift) else None


def is_host(node: Node) -> bool:
    """Whether a node is made of numbers and sizes only."""
    if node.op in ("num", "const", "size"):
        return True
    return node.op in OPS and bool(node.args) and all(is_host(a) for a in node.args)


def is_minus_inf(node: Node) -> bool:
    """Whether a node is minus infinity."""
    parts = factors(node)
    signs = [p.data[0] < 0 for p in parts if p.op == "num"]
    return any(p.op == "const" and p.data[0] == "inf" for p in parts) and len(parts) == 2 and signs == [True]
