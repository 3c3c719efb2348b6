"""Contractions, folds and normalisations, all over dimensions counted from the right."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dltsym.errors import UnsupportedError
from dltsym.lower.axes import Axis
from dltsym.lower.nodes import Node
from dltsym.lower.printers.pointwise import host_log, joined, read
from dltsym.lower.printers.target import dims_text
from dltsym.lower.printers.value import ATOM, LOOSE, PLUS, POWER, TIMES, UNARY, Value

if TYPE_CHECKING:
    from dltsym.lower.printers.base import Printer

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def contract(printer: Printer, node: Node) -> Value:
    """Print the sum over bound axes of a product.

    Parameters
    ----------
    printer : Printer
        Printer.
    node : Node
        Contraction.

    Returns
    -------
    Value
    """
    real = printer.kind(node) == "real"
    if len(node.args) == 1:
        # A sum of something broadcast is fastest over the outermost dimension: up to 3 times for short sums.
        printer.leading = frozenset(node.data[-1])
    values = [read(printer, a, real) for a in node.args]
    printer.leading = frozenset()
    bound = [a for a in node.data[-1] if any(a in v.axes for v in values)]
    while len(values) > 1:
        values = _shorter(printer, values, frozenset(bound), real)
    out = summed(printer, values[0], [a for a in bound if a in values[0].axes])
    return _repeated(printer, out, [a for a in node.data[-1] if a not in bound])


def _shorter(printer: Printer, values: list[Value], bound: frozenset[Axis], real: bool) -> list[Value]:
    # Factors that add no axis are multiplied in first; then the first two are contracted.
    for p, a in enumerate(values):
        for q, b in enumerate(values):
            if len(values) > 2 and p != q and set(a.axes) <= set(b.axes):
                rest = [v for k, v in enumerate(values) if k not in (p, q)]
                return [_times(printer, a, b), *rest]
    first, second, *rest = values
    late = frozenset(a for v in rest for a in v.axes)
    return [pair(printer, first, second, bound - late, real), *rest]


def _times(printer: Printer, a: Value, b: Value) -> Value:
    order, (x, y) = joined(printer, [a, b])
    holds = a.holds | b.holds
    code = f"{x.inside(TIMES)} * {y.inside(UNARY)}"
    kind = "real" if "real" in (a.kind, b.kind) else "integer"
    host = not order and (a.host or b.host) and all(v.host or v.pure for v in (a, b))
    return Value(code, order, kind, a.pure and b.pure, TIMES, a.batch or b.batch, holds, host)


def _repeated(printer: Printer, value: Value, axes: list[Axis]) -> Value:
    for a in axes:
        size = Value(printer.size(a.size), kind="integer", pure=True)
        value = _times(printer, size, value)
    return value


def mean(printer: Printer, node: Node) -> Value:
    """Print the mean over the bound axis of a contraction of one factor.

    Parameters
    ----------
    printer : Printer
        Printer.
    node : Node
        Contraction; its factor has the axis.

    Returns
    -------
    Value
    """
    printer.leading = frozenset(node.data[-1])
    value = read(printer, node.args[0])
    printer.leading = frozenset()
    return _reduced(printer, value, list(node.data[-1]), printer.target.mean)


def _reduced(printer: Printer, value: Value, axes: list[Axis], template: str) -> Value:
    code = value.filled(template, dims=dims_text(value.dims(axes)))
    left = tuple(a for a in value.axes if a not in axes)
    keep = (code, f"{code[:-1]}, {printer.target.keep})", tuple(a if a in left else None for a in value.axes))
    return replace(value, code=code, axes=left, level=ATOM, keep=keep)


def summed(printer: Printer, value: Value, axes: list[Axis]) -> Value:
    """Print a sum over axes of one value.

    Parameters
    ----------
    printer : Printer
        Printer.
    value : Value
        What to sum.
    axes : list of Axis
        Axes to sum over.

    Returns
    -------
    Value
    """
    if not axes:
        return value
    return _reduced(printer, value, axes, printer.target.sum)


def pair(printer: Printer, a: Value, b: Value, bound: frozenset[Axis], real: bool) -> Value:
    """Print the sum over bound axes of the product of two values.

    Parameters
    ----------
    printer : Printer
        Printer.
    a, b : Value
        Factors.
    bound : frozenset of Axis
        Axes to sum over, where they have them.
    real : bool
        Whether the factors are real.

    Returns
    -------
    Value
    """
    both = set(a.axes) & set(b.axes)
    a = summed(printer, a, [x for x in a.axes if x in bound and x not in both])
    b = summed(printer, b, [x for x in b.axes if x in bound and x not in both])
    inner = [x for x in a.axes if x in bound and x in both]
    rows = [x for x in a.axes if x not in both]
    columns = [x for x in b.axes if x not in both]
    if not inner:
        return _times(printer, a, b)
    if real and a.axes == b.axes and len(inner) == len(a.axes) and printer.target.dot:
        flat = (f"{v.inside(ATOM)}.flatten(-{len(inner)})" if len(inner) > 1 else v.code for v in (a, b))
        return Value(printer.target.dot.format(*flat), holds=a.holds | b.holds)
    if not real or not (rows or columns):
        return summed(printer, _times(printer, a, b), inner)
    if len(inner) == 1 and len(rows) <= 1 and len(columns) <= 1:
        return _matmul(printer, a, b, inner[0], rows, columns)
    return _einsum(printer, a, b, inner)


def _matmul(printer: Printer, a: Value, b: Value, inner: Axis, rows: list[Axis], columns: list[Axis]) -> Value:
    batch = tuple(printer.order({x for x in a.axes if x in b.axes and x != inner}))
    if _better_swapped(printer, a, b, inner, rows, columns):
        a, b, rows, columns = b, a, columns, rows
    holds = a.holds | b.holds
    a = printer.permuted(a, (*batch, *rows, inner))
    b = printer.permuted(b, (*batch, inner, *columns))
    left, right, tail = a.inside(ATOM), b.inside(ATOM), ""
    if not rows:
        left, tail = f"{left}[..., None, :]", "[..., 0, :]"
    if not columns:
        right, tail = f"{right}[..., None]", "[..., 0]"
    code = printer.target.matmul.format(left, right)
    axes = (*batch, *rows, *columns)
    if tail:
        return Value(f"({code}){tail}", axes, holds=holds)
    return Value(code, axes, level=TIMES, holds=holds)


def _better_swapped(printer: Printer, a: Value, b: Value, inner: Axis, rows: list[Axis], columns: list[Axis]) -> bool:
    """Return whether the second operand comes first: with fewer transposes, or for the order of the result."""
    if not rows or not columns:
        return not rows and b.axes[-1] == inner
    straight = (a.axes[-1] != inner) + (b.axes[-1] == inner)
    swapped = (b.axes[-1] != inner) + (a.axes[-1] == inner)
    return swapped < straight or (swapped == straight and printer.order({*rows, *columns})[0] == columns[0])


def _einsum(printer: Printer, a: Value, b: Value, inner: list[Axis]) -> Value:
    out = printer.order({*a.axes, *b.axes}.difference(inner))
    letters: dict[Axis, str] = {}
    for x in (*a.axes, *b.axes):
        letters.setdefault(x, _LETTERS[len(letters)])
    plain = ["".join(letters[x] for x in axes) for axes in (a.axes, b.axes, out)]
    spec, dots = (f"{p}{plain[0]},{p}{plain[1]}->{p}{plain[2]}" for p in ("", "..."))
    code = printer.target.einsum.format(a.inside(LOOSE), b.inside(LOOSE), spec=spec, dots=dots)
    return Value(code, out, holds=a.holds | b.holds)


def fold(printer: Printer, node: Node) -> Value:
    """Print a reduction by a monoid.

    Parameters
    ----------
    printer : Printer
        Printer.
    node : Node
        Reduction.

    Returns
    -------
    Value

    Raises
    ------
    UnsupportedError
        If the backend has no form for the monoid.
    """
    monoid, bound = node.data
    value = printer.lift(read(printer, node.args[0], printer.kind(node) == "real" or monoid == "lse"))
    axes = [a for a in bound if a in value.axes]
    template = printer.target.folds.get(monoid)
    absent = [a for a in bound if a not in axes]
    if monoid == "sum":
        return _repeated(printer, summed(printer, value, axes), absent)
    if template is None or (absent and monoid in ("argmax", "argmin")):
        msg = f"{printer.target.name}: no form for {node!r}"
        raise UnsupportedError(msg)
    return _constant(printer, _folded(printer, node, value, axes, template), monoid, absent)


def _constant(printer: Printer, value: Value, monoid: str, absent: list[Axis]) -> Value:
    """Fold over axes that the value does not depend on."""
    for a in absent:
        size = printer.sizes.text(a.size)
        if monoid == "prod":
            value = replace(value, code=f"{value.inside(ATOM)} ** {printer.size(a.size)}", level=POWER)
        elif monoid == "lse":
            count = host_log(printer, printer.table.make("size", (), (a.size,)), size)
            value = replace(value, code=f"{value.inside(PLUS)} + {count.inside(TIMES)}", level=PLUS)
    return value


def _folded(printer: Printer, node: Node, value: Value, axes: list[Axis], template: str) -> Value:
    monoid = node.data[0]
    kind = printer.kind(node)
    if not axes:
        return value
    groups = [[a] for a in value.axes[::-1] if a in axes] if monoid in printer.target.single else [axes]
    for group in groups:
        value = _reduced(printer, value, group, template)
    return replace(value, kind=kind, keep=value.keep if len(groups) == 1 else ("", "", ()))


def normalised(printer: Printer, node: Node) -> Value:
    """Print a softmax or its logarithm.

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
    template = getattr(printer.target, node.op)
    value = read(printer, node.args[0])
    along = [a for a in value.axes if a in node.data[0]]
    if len(along) == 1 or node.op not in printer.target.single:
        code = value.filled(template, dims=dims_text(value.dims(along)))
        return replace(value, code=code, level=ATOM)
    value = printer.permuted(value, (*(a for a in value.axes if a not in along), *along))
    sizes = ", ".join(printer.sizes.text(a.size) for a in along)
    flat = f"{value.inside(ATOM)}.flatten(-{len(along)})"
    code = f"{template.format(flat, dims=-1)}.unflatten(-1, ({sizes}))"
    return replace(value, code=code, level=ATOM)
