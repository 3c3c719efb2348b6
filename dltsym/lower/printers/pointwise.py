"""Pointwise operations: sums with their signs, products with their denominators, powers, masks and the op table."""

from __future__ import annotations

import ast
import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING

from dltsym.errors import UnsupportedError
from dltsym.lower.axes import Axis
from dltsym.lower.nodes import Node
from dltsym.lower.printers.kinds import is_indicator
from dltsym.lower.printers.target import dims_text
from dltsym.lower.printers.value import ATOM, LOOSE, PLUS, TIMES, UNARY, Value
from dltsym.lower.sizes import parse_size

if TYPE_CHECKING:
    from dltsym.lower.printers.base import Printer

FORMS = frozenset({"where", "cmp", "and", "or", "not"})
_CMP = {"<": "<", "<=": "<=", "=": "==", "!=": "!="}
_PURE = {"exp": None, "sqrt": "math.sqrt({0})"}


def read(printer: Printer, node: Node, real: bool = True) -> Value:
    """Print an operand, as a real number unless integers or truths are wanted as they are.

    Parameters
    ----------
    printer : Printer
        Printer.
    node : Node
        Node.
    real : bool
        Whether to convert integers and truths to the compute type.

    Returns
    -------
    Value
    """
    kind = printer.kind(node)
    if not real or kind == "real" or node.op in ("num", "size"):
        return printer.operand(node)
    if node.op == "iota":
        return iota(printer, node, printer.dtype, "real")
    if is_indicator(node):
        return indicator(printer, node)
    return printer.real(printer.operand(node))


def iota(printer: Printer, node: Node, dtype: str, kind: str) -> Value:
    """Print the index of an axis.

    Parameters
    ----------
    printer : Printer
        Printer.
    node : Node
        The index.
    dtype : str
        Type of the entries.
    kind : str
        Their kind.

    Returns
    -------
    Value
    """
    axis: Axis = node.data[0]
    size = printer.sizes.text(axis.size)
    code = printer.target.arange.format(size, dtype=dtype, device=printer.device)
    return Value(code, (axis,), kind, batch=False)


def indicator(printer: Printer, node: Node) -> Value:
    """Print ``where(c, 1, 0)`` or ``where(c, 0, 1)`` as a conversion.

    Parameters
    ----------
    printer : Printer
        Printer.
    node : Node
        Such a node.

    Returns
    -------
    Value
    """
    truth = printer.lift(printer.operand(node.args[0]), printer.target.truth, "truth")
    if node.args[1].data[0] == 0:
        truth = replace(truth, code=truth.filled(printer.target.negate), level=UNARY)
    return printer.real(truth)


def emit(printer: Printer, node: Node) -> Value:
    """Print a pointwise node.

    Parameters
    ----------
    printer : Printer
        Printer.
    node : Node
        Node.

    Returns
    -------
    Value
    """
    match node.op:
        case "where":
            return _where(printer, node)
        case "cmp":
            return _cmp(printer, node)
        case "and" | "or":
            sign = " & " if node.op == "and" else " | "
            if not node.args:
                return Value(str(node.op == "and"), kind="truth", pure=True)
            values = [printer.lift(printer.operand(a), printer.target.truth, "truth") for a in node.args]
            return infix(printer, values, [sign] * len(values), ATOM, LOOSE, "truth")
        case "not":
            truth = printer.lift(printer.operand(node.args[0]), printer.target.truth, "truth")
            return replace(truth, code=truth.filled(printer.target.negate), level=UNARY)
    return _row(printer, node)


def joined(printer: Printer, values: Sequence[Value]) -> tuple[tuple[Axis, ...], list[Value]]:
    """Align values with their common axes.

    Parameters
    ----------
    printer : Printer
        Printer.
    values : sequence of Value
        Operands.

    Returns
    -------
    tuple
        Axes and aligned values.
    """
    every = frozenset(a for v in values for a in v.axes)
    # The order of an operand that has all axes costs nothing; any other would permute the largest array.
    whole = [v.axes for v in values if len(v.axes) == len(every)]
    order = whole[0] if whole else printer.order(every)
    return order, [printer.aligned(v, order) for v in values]


def infix(
    printer: Printer, values: Sequence[Value], signs: Sequence[str], level: int, out: int, kind: str = "real"
) -> Value:
    """Join aligned operands with operators.

    Parameters
    ----------
    printer : Printer
        Printer.
    values : sequence of Value
        Operands.
    signs : sequence of str
        Operator before each; the first is not printed.
    level, out : int
        How tightly the operators bind, and the result.
    kind : str
        Kind of the result.

    Returns
    -------
    Value
    """
    order, aligned = joined(printer, values)
    code = aligned[0].inside(level)
    for sign, v in zip(signs[1:], aligned[1:], strict=True):
        code += sign + v.inside(level + 1 if level < ATOM else ATOM)
    host = not order and any(v.host for v in values) and all(v.host or v.pure for v in values) and kind != "truth"
    return Value(code, order, kind, all(v.pure for v in values), out, *union(values), host)


def union(values: Sequence[Value]) -> tuple[bool, frozenset[str]]:
    """Return whether any operand has batch dimensions, and the temporaries that they hold."""
    return any(v.batch and not v.pure for v in values), frozenset().union(*(v.holds for v in values))


def _where(printer: Printer, node: Node) -> Value:
    kind = printer.kind(node)
    if kind == "real" and is_indicator(node):
        return indicator(printer, node)
    truth = printer.lift(printer.operand(node.args[0]), printer.target.truth, "truth")
    a, b = (read(printer, x, kind == "real") for x in node.args[1:])
    a, b = (printer.lift(v) if v.host else v for v in (a, b))
    if a.pure and b.pure and kind == "real":
        a = printer.lift(a)
    order, aligned = joined(printer, [truth, a, b])
    code = printer.target.where.format(*(v.code for v in aligned))
    return Value(code, order, kind, False, ATOM, *union([truth, a, b]))


def _cmp(printer: Printer, node: Node) -> Value:
    low, high = node.args
    if node.data == ("<",) and low.op == "num" and not low.data[0] and high.op == "reduce" and high.data[0] == "max":
        inside = high.args[0]
        if is_indicator(inside) and inside.args[1].data[0] == 1:
            return _any(printer, inside.args[0], high.data[1])
    real = any(printer.kind(a) == "real" for a in node.args)
    values = [read(printer, a, real) for a in node.args]
    if all(v.host or v.pure for v in values):
        values = [printer.lift(v) if v.host else v for v in values]
    order, (a, b) = joined(printer, values)
    code = f"{a.inside(PLUS)} {_CMP[node.data[0]]} {b.inside(PLUS)}"
    return Value(code, order, "truth", all(v.pure for v in values), LOOSE, *union(values))


def _any(printer: Printer, truth: Node, bound: tuple[Axis, ...]) -> Value:
    value = printer.operand(truth)
    axes = [a for a in bound if a in value.axes]
    code = value.filled(printer.target.any, dims=dims_text(value.dims(axes)))
    return replace(value, code=code, axes=tuple(a for a in value.axes if a not in axes), level=ATOM)


def host_log(printer: Printer, node: Node, code: str) -> Value:
    """Print the logarithm of a number of the host; Python has none of 0.

    Parameters
    ----------
    printer : Printer
        Printer.
    node : Node
        The number.
    code : str
        Its text.

    Returns
    -------
    Value
    """
    least = _least(printer, node)
    if least is None or least <= 0:
        return Value(f"math.log({code}) if {code} else -math.inf", pure=True, level=LOOSE)
    return Value(f"math.log({code})", pure=True)


def _least(printer: Printer, node: Node) -> Fraction | None:
    """Return a lower bound of a number made of numbers and sizes, None if none is known."""
    if node.op == "num":
        return node.data[0]
    if node.op == "size":
        terms, floors = parse_size(node.data[0]).terms, dict(printer.program.floors)
        if any(c < 0 and names for names, c in terms):
            return None
        return sum((Fraction(c) * math.prod(floors.get(n, 1) for n in names) for names, c in terms), Fraction(0))
    parts = [_least(printer, a) for a in node.args]
    known = [p for p in parts if p is not None]
    if len(known) < len(parts) or node.op not in ("add", "mul") or (node.op == "mul" and min(known) < 0):
        return Fraction(3) if node.op == "const" else None
    return sum(known, Fraction(0)) if node.op == "add" else math.prod(known, start=Fraction(1))


def _row(printer: Printer, node: Node) -> Value:
    template = printer.target.ops[node.op]
    if not template:
        msg = f"{printer.target.name}: no form for {node.op}; another backend may have one"
        raise UnsupportedError(msg)
    if node.op in printer.target.vanishing and all(map(_vanishes, node.args)):
        template = printer.target.vanishing[node.op]
    kind = printer.kind(node)
    values = [read(printer, a, kind == "real") for a in node.args]
    if node.op == "log" and values[0].pure:
        return host_log(printer, node.args[0], values[0].code)
    if all(v.pure for v in values) and _PURE.get(node.op):
        return Value(_PURE[node.op].format(values[0].code), pure=True)
    values = [printer.lift(v) if v.host else v for v in values]
    clamp = printer.target.clamp.get(node.op)
    if clamp and any(v.pure for v in values):
        low, x = sorted(values, key=lambda v: not v.pure)
        if not x.pure:
            return replace(x, code=clamp.format(low.code, x.inside(ATOM)), kind=kind, level=ATOM)
    # maximum and its like need arrays on both sides.
    values = [printer.lift(v) for v in values]
    order, aligned = joined(printer, values)
    texts = [_argument(template, q, v) for q, v in enumerate(aligned)]
    if printer.target.inplace and node.op == "xexpx" and _last(printer, node.args[0]):
        texts[0] += ", True"
    return Value(template.format(*texts), order, kind, False, _level(template), *union(values))


def _vanishes(node: Node) -> bool:
    """Tell whether a logarithm may be -inf: a mask or a state that starts from nothing stands in it."""
    return (node.op == "const" and node.data[0] == "inf") or any(map(_vanishes, node.args))


@cache
def _level(template: str) -> int:
    match ast.parse(template.format("x", "y"), mode="eval").body:
        case ast.BinOp(op=ast.Mult() | ast.Div()) | ast.UnaryOp():
            return TIMES
        case ast.BinOp():
            return PLUS
    return ATOM


def _last(printer: Printer, node: Node) -> bool:
    # A fresh array that nothing else reads, unlike an argument or a view.
    return node.op == "log_softmax" and printer.uses[id(printer.templates.of(node)[0])] == 1


def _argument(template: str, place: int, value: Value) -> str:
    # A bare operand inside a bracket needs none of its own.
    field = f"{{{place}}}"
    bare = all(template[:k].endswith(("(", ", ")) and template[k + len(field)] in ",)" for k in _all(template, field))
    return value.inside(LOOSE if bare else ATOM)


def _all(text: str, part: str) -> list[int]:
    return [k for k in range(len(text)) if text.startswith(part, k)]
