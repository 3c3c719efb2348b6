"""From a final program to the source of one function.

A value is printed with its own order of axes; whoever consumes it aligns it with ``[..., None, :]``. A value that
depends on an array or a scalar parameter may have batch dimensions in front, so it is always padded; numbers are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from dltsym.lower.axes import Axis
from dltsym.lower.nodes import Node
from dltsym.lower.printers.align import Aligner
from dltsym.lower.printers.lines import INDENT, Block, Line, mark_dead, render
from dltsym.lower.printers.names import Sizes, argument_names, python_name
from dltsym.lower.printers.share import Templates, ranks
from dltsym.lower.printers.source import Header, Source
from dltsym.lower.printers.target import Target
from dltsym.lower.printers.targets import target as target_of
from dltsym.lower.printers.value import ATOM, PLUS, TIMES, Value
from dltsym.lower.program import Input, Output, Program

_HEAVY = frozenset(
    ("contract", "reduce", "softmax", "log_softmax", "scan", "order", "iterate", "scatter", "cross_entropy", "sdpa",
     "logmm", "sqdist", "layer_norm")
)  # fmt: skip
_LEAF = frozenset({"num", "const", "size", "ref", "iota", "take"})
_WIDTH = 88


def print_program(program: Program, target: str, name: str, header: Header | None = None) -> Source:
    """Print a program as one self-contained function.

    Parameters
    ----------
    program : Program
        Program after the last pass.
    target : str
        Backend, a file of `dltsym.lower.printers.targets`.
    name : str
        Name of the function.
    header : Header, optional
        Formula and hash.

    Returns
    -------
    Source
    """
    printer = Printer(program, target_of(target), python_name(name))
    printer.returns(program.outputs)
    text = printer.text(header or Header())
    return Source(text, printer.name, tuple(printer.names.values()), tuple(o.name for o in program.outputs))


@dataclass
class Printer(Aligner):
    """The state of one printing: statements so far, and which node is in which temporary."""

    program: Program
    target: Target
    name: str
    names: dict[str, str] = field(init=False)
    states: dict[str, Value] = field(init=False, default_factory=dict)
    rounds: dict[tuple[object, ...], list[str]] = field(init=False, default_factory=dict)
    body: list[Line | Block] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        inputs, outputs = self.program.inputs, self.program.outputs
        self.table = self.program.table
        self.names = argument_names(inputs, self.name)
        self.inputs: dict[str, Input] = {i.name: i for i in inputs}
        self.sizes = Sizes(inputs, self.names)
        self.templates = Templates(self.table)
        roots = [o.node for o in outputs]
        self.rank = ranks([o.axes for o in outputs], roots)
        self.uses = self.templates.uses(roots)
        self.kinds: dict[int, str] = {}
        self._memo: dict[int, tuple[Value, Node]] = {}
        self.leading: frozenset[Axis] = frozenset()
        self._count = 0
        self._temporaries: set[str] = set()
        self._entered: set[str] = set()
        arrays = [i for i in inputs if i.entries == "real" and i.shape]
        scalars = [i for i in inputs if i.entries == "real"]
        like = next(iter(arrays or scalars), None)
        first = like or next((i for i in inputs if i.shape), None)
        self._like = self.names[like.name] if like else ""
        self._bare = not arrays
        self.dtype = self.target.dtype.format(self._like) if like else self.target.default
        self.device = self.target.device.format(self.names[first.name]) if first and self.target.device else "None"

    # Statements

    def statement(self, text: str) -> None:
        """Append a statement as it is.

        Parameters
        ----------
        text : str
            Statement.
        """
        self.body.append(Line(text))

    def fresh(self) -> str:
        """Return the name of a new temporary.

        Returns
        -------
        str
        """
        self._count += 1
        name = f"_t{self._count - 1}"
        self._temporaries.add(name)
        return name

    def variable(self) -> str:
        """Return a new name that is assigned more than once and therefore never deleted.

        Returns
        -------
        str
        """
        name = self.fresh()
        self._temporaries.discard(name)
        return name

    def line(self, code: str, axes: Sequence[Axis] = (), kind: str = "real", batch: bool = True) -> Value:
        """Append an assignment to a new temporary.

        Parameters
        ----------
        code : str
            Expression.
        axes : sequence of Axis
            Axes of its last dimensions.
        kind : str
            Type of the entries.
        batch : bool
            Whether there may be batch dimensions.

        Returns
        -------
        Value
        """
        name = self.fresh()
        self.body.append(Line(f"{name} = {code}", name))
        holds = frozenset([name]) if len(axes) > 1 else frozenset()
        return Value(name, tuple(axes), kind, batch=batch, holds=holds)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Append a compound statement; what is printed inside is not reused outside.

        Parameters
        ----------
        head : str
            Its first line, with the colon.

        Yields
        ------
        None
        """
        outer, memo = self.body, dict(self._memo)
        inner = Block(head)
        outer.append(inner)
        self.body = inner.body
        yield
        self.body, self._memo = outer, memo

    def forget(self, state: str) -> None:
        """Drop every value that depends on a state, because the state has changed.

        Parameters
        ----------
        state : str
            Name of its references.
        """
        self._memo = {k: v for k, v in self._memo.items() if not _mentions(v[1], state)}

    # Values

    def size(self, text: str) -> str:
        """Return Python text of a size, in parentheses where needed.

        Parameters
        ----------
        text : str
            Canonical text.

        Returns
        -------
        str
        """
        out = self.sizes.text(text)
        return out if re.fullmatch(r"\w+", out) else f"({out})"

    def value(self, node: Node) -> Value:
        """Print a node, or find it printed up to the names of its free axes.

        Parameters
        ----------
        node : Node
            Node.

        Returns
        -------
        Value
        """
        template, axes = self.templates.of(node)
        known = self._memo.get(id(template))
        if known is not None:
            names = {Axis(f"@{q}", a.size): a for q, a in enumerate(axes)}
            return replace(known[0], axes=tuple(names[a] for a in known[0].axes))
        value = self._emit(node)
        if not value.pure and node.op not in _LEAF:
            shared = self.uses[id(template)] > 1
            if shared or (node.op in _HEAVY and not self._light(node)) or len(value.code) > _WIDTH:
                value = self.named(value)
        if value.pure or node.op in _LEAF or _is_name(value.code):
            places = {a: Axis(f"@{q}", a.size) for q, a in enumerate(axes)}
            self._memo[id(template)] = (replace(value, axes=tuple(places[a] for a in value.axes)), template)
        return value

    def _light(self, node: Node) -> bool:
        # A reduction may stand inside another expression if what it reduces stays alive anyway.
        if node.op not in ("contract", "reduce") or len(node.args) != 1 or node.data[0] in ("argmax", "argmin"):
            return False
        inside = node.args[0]
        return inside.op == "ref" or self.uses[id(self.templates.of(inside)[0])] > 1

    def _emit(self, node: Node) -> Value:
        from dltsym.lower.printers.dispatch import emit

        if node.op not in _HEAVY:
            return emit(self, node)
        leading, self.leading = self.leading, frozenset()
        value = emit(self, node)
        self.leading = leading
        return value

    def operand(self, node: Node) -> Value:
        """Print a node to be read by another operation: arrays made from temporaries get a line of their own.

        Parameters
        ----------
        node : Node
            Node.

        Returns
        -------
        Value
        """
        value = self.value(node)
        # Inside a nested expression the temporary would stay alive one operation too long.
        return self.named(value) if value.holds and node.op not in _LEAF else value

    def named(self, value: Value) -> Value:
        """Put a value into a temporary unless it is a name already.

        Parameters
        ----------
        value : Value
            Value.

        Returns
        -------
        Value
        """
        if _is_name(value.code):
            return value
        return replace(self.line(value.code, value.axes, value.kind, value.batch), host=value.host)

    def kind(self, node: Node) -> str:
        """Return the type of the entries of a node.

        Parameters
        ----------
        node : Node
            Node.

        Returns
        -------
        {"real", "integer", "truth"}
        """
        from dltsym.lower.printers.kinds import kind

        return kind(self, node)

    def enter(self, name: str) -> Value:
        """Return a scalar argument as an array, converted at the top of the function.

        Parameters
        ----------
        name : str
            Name of the input.

        Returns
        -------
        Value
        """
        self._entered.add(name)
        return Value(self.names[name], host=not self._bare)

    # The whole

    def returns(self, outputs: Sequence[Output]) -> None:
        """Append the return statement.

        Parameters
        ----------
        outputs : sequence of Output
            Results.
        """
        from dltsym.lower.printers.dispatch import result

        codes = [result(self, o) for o in outputs]
        last = self.body[-1] if self.body else None
        if isinstance(last, Line) and [last.defines] == codes:
            codes = [last.text.removeprefix(f"{last.defines} = ")]
            self.body.pop()
        self.statement(f"return {', '.join(codes)}")

    def text(self, header: Header) -> str:
        """Return the module text.

        Parameters
        ----------
        header : Header
            What to say on top.

        Returns
        -------
        str
        """
        from dltsym.lower.printers.frame import frame

        mark_dead(self.body, frozenset(), frozenset(self._temporaries))
        return frame(self, header, self._prologue(), render(self.body))

    def _prologue(self) -> list[str]:
        reads = [INDENT + s for s in self.sizes.prologue()]
        enters = []
        for name, text in self.names.items():
            if name not in self._entered and not (self._bare and text == self._like):
                continue
            dtype = self.dtype
            if self._bare and text == self._like:
                enters.insert(0, f"{INDENT}{text} = {self.target.first.format(text)}")
                continue
            enter = self.target.tensor if self._bare else self.target.enter  # functions take no Python numbers
            enters.append(f"{INDENT}{text} = {enter.format(text, dtype=dtype, device=self.device)}")
        return [*reads, *enters]


def _is_name(code: str) -> bool:
    return re.fullmatch(r"[A-Za-z_]\w*", code) is not None


def _mentions(node: Node, state: str) -> bool:
    return (node.op == "ref" and node.data[0] == state) or any(_mentions(a, state) for a in node.args)


__all__ = ["ATOM", "PLUS", "TIMES", "Header", "Printer", "Source", "Value", "print_program"]
