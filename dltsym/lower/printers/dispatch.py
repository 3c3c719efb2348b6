"""Which function prints which node, and how results leave the function."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from dltsym.errors import UnsupportedError
from dltsym.lower.axes import Axis, Shift, Slot
from dltsym.lower.nodes import Node
from dltsym.lower.ops import OPS
from dltsym.lower.printers import arithmetic, pointwise, reduce
from dltsym.lower.printers.kinds import from_data
from dltsym.lower.printers.value import ATOM, LOOSE, PLUS, TIMES, UNARY, Value
from dltsym.lower.program import Output

if TYPE_CHECKING:
    from dltsym.lower.printers.base import Printer

_LOOPS = frozenset(
    {"reduce", "scan", "order", "iterate", "scatter", "cross_entropy", "sdpa", "logmm", "sqdist", "layer_norm"}
)
_EXACT = 2**53


def emit(printer: Printer, node: Node) -> Value:
    """Print one node.

    Parameters
    ----------
    printer : Printer
        Printer.
    node : Node
        Node.

    Returns
    -------
    Value

    Raises
    ------
    UnsupportedError
        If the backend has no form for it.
    """
    match node.op:
        case "num":
            return number(node.data[0])
        case "const":
            return Value(f"math.{node.data[0]}", pure=True)
        case "size":
            text = printer.sizes.text(node.data[0])
            return Value(text, kind="integer", pure=True, level=ATOM if text.isidentifier() else PLUS)
        case "iota":
            return pointwise.iota(printer, node, printer.target.integer, "integer")
        case "ref":
            return _ref(printer, node)
        case "take":
            return _take(printer, node)
        case "add":
            return arithmetic.added(printer, node)
        case "mul":
            return arithmetic.multiplied(printer, node)
        case "pow":
            base = pointwise.read(printer, node.args[0], printer.kind(node) == "real")
            return arithmetic.power(printer, base, node.data[0])
        case "contract":
            return reduce.contract(printer, node)
        case "reduce" if node.data[0] not in ("argmax", "argmin"):
            return reduce.fold(printer, node)
        case "softmax" | "log_softmax":
            return reduce.normalised(printer, node)
    if node.op in _LOOPS:
        return _loops(printer, node)
    if node.op in OPS or node.op in pointwise.FORMS:
        return pointwise.emit(printer, node)
    msg = f"{printer.target.name}: no form for {node.op}; another backend may have one"
    raise UnsupportedError(msg)


def number(value: Fraction) -> Value:
    """Return the text of a rational number.

    Parameters
    ----------
    value : Fraction
        Number.

    Returns
    -------
    Value

    Raises
    ------
    UnsupportedError
        If no floating-point number is as large.
    """
    kind = "integer" if value.denominator == 1 else "real"
    if value < 0:
        return replace(number(-value), code=f"-{number(-value).inside(UNARY)}", level=UNARY)
    if value.denominator == 1 and value <= _EXACT:
        return Value(str(value.numerator), kind=kind, pure=True)
    try:
        short = float(value)
    except OverflowError as error:
        msg = "a number is larger than any floating-point number"
        raise UnsupportedError(msg) from error
    if Fraction(short) == value and len(repr(short)) < 16:
        return Value(repr(short), kind="real", pure=True)
    if max(value.numerator, value.denominator) <= _EXACT:
        return Value(f"{value.numerator} / {value.denominator}", pure=True, level=TIMES)
    return Value(repr(short), pure=True)


def _ref(printer: Printer, node: Node) -> Value:
    name, places = node.data
    if any(isinstance(p, Slot) for p in places):
        return _loops(printer, node)
    if name in printer.states:
        base, shape = printer.states[name], [a.size for a in printer.states[name].axes]
        kind = base.kind
    else:
        given = printer.inputs[name]
        kind = printer.kind(node)
        shape = list(given.shape)
        if not places:
            if kind == "integer":  # a Python number, like a size, but perhaps negative
                return Value(printer.names[name], kind=kind, pure=True, batch=False)
            return printer.enter(name) if kind == "real" else Value(printer.names[name], kind=kind)
        base = Value(printer.names[name], kind=kind)
    return placed(printer, base, places, shape)


def placed(printer: Printer, base: Value, places: tuple[object, ...], shape: list[str]) -> Value:
    """Read an array at axes, shifted axes and integers.

    Parameters
    ----------
    printer : Printer
        Printer.
    base : Value
        The array; only its text, its kind and whether it has batch dimensions matter.
    places : tuple
        One place per dimension.
    shape : list of str
        Sizes of the dimensions.

    Returns
    -------
    Value
    """
    rank, code, picks, axes = len(places), base.inside(ATOM), [], []
    for dim, place in enumerate(places):
        axis, by = (place.axis, place.by) if isinstance(place, Shift) else (place, 0)
        picks.append(":" if isinstance(axis, Axis) else str(axis))
        if not isinstance(axis, Axis):
            continue
        axes.append(axis)
        if by or axis.size != shape[dim]:
            size = printer.sizes.text(axis.size)
            code = printer.target.narrow.format(code, dim=dim - rank, start=by, size=size)
    batch = "..., " if base.batch else ""
    if any(p != ":" for p in picks):
        code = f"{code}[{batch}{', '.join(picks)}]"
    return diagonals(printer, replace(base, code=code, axes=(), level=ATOM), axes)


def diagonals(printer: Printer, base: Value, axes: list[Axis]) -> Value:
    """Read diagonals of an array whose dimensions repeat an axis.

    Parameters
    ----------
    printer : Printer
        Printer.
    base : Value
        Array.
    axes : list of Axis
        Axis of every dimension, with repetitions.

    Returns
    -------
    Value
    """
    code, axes = base.code, list(axes)
    for axis in sorted({a for a in axes if axes.count(a) > 1}):
        while axes.count(axis) > 1:
            first, second = [q - len(axes) for q, a in enumerate(axes) if a == axis][:2]
            code = printer.target.diagonal.format(code, dim1=first, dim2=second)
            # The diagonal comes last.
            axes = [a for q, a in enumerate(axes) if q - len(axes) not in (first, second)] + [axis]
    return replace(base, code=code, axes=tuple(axes))


def _take(printer: Printer, node: Node) -> Value:
    axis, place = node.data
    x = node.args[0]
    if isinstance(place, int):
        value = printer.operand(x)
        if axis not in value.axes:
            return value
        picks = [str(place) if a == axis else ":" for a in value.axes]
        return value.indexed(picks, tuple(a for a in value.axes if a != axis))
    index = node.args[1]
    if index.op == "iota" and index.data[0].size == axis.size and axis in x.axes:
        value = printer.named(printer.operand(x))
        own = index.data[0]
        return diagonals(printer, replace(value, axes=()), [own if a == axis else a for a in value.axes])
    return _loops(printer, node)


def _loops(printer: Printer, node: Node) -> Value:
    from dltsym.lower.printers import loops

    return loops.emit(node, printer)


def result(printer: Printer, output: Output) -> str:
    """Return the text of a result, with its axes in the requested order.

    Parameters
    ----------
    printer : Printer
        Printer.
    output : Output
        Result.

    Returns
    -------
    str
    """
    node = output.node
    value = pointwise.read(printer, node, real=not from_data(printer, node) and printer.kind(node) != "truth")
    value = printer.lift(value)
    missing = [a for a in output.axes if a not in value.axes]
    if not missing:
        return printer.permuted(value, output.axes).inside(LOOSE)
    shape = ", ".join("1" if a in value.axes else printer.sizes.text(a.size) for a in output.axes)
    shape = f"({shape},)" if len(output.axes) == 1 else f"({shape})"
    zeros = printer.target.zeros.format(shape, dtype=printer.dtype, device=printer.device)
    return f"{printer.align(value, output.axes, PLUS)} + {zeros}"
