"""Operations printed as one: ``x + s y``, ``d phi1(d a)``, a sum divided by its length."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dltsym.lower.nodes import Node
from dltsym.lower.printers.guard import reads
from dltsym.lower.printers.kinds import is_indicator
from dltsym.lower.printers.pointwise import joined, read, union
from dltsym.lower.printers.value import ATOM, LOOSE, Value

if TYPE_CHECKING:
    from dltsym.lower.printers.base import Printer
    from dltsym.lower.program import Input


def axpy(printer: Printer, node: Node) -> Value | None:
    """Print ``x + s y`` with a number s in one pass over the array y, which must be as large as the sum.

    Parameters
    ----------
    printer : Printer
        Printer.
    node : Node
        An ``add``.

    Returns
    -------
    Value or None
        None if the sum has no such term.
    """
    for place, term in enumerate(node.args):
        rest = [a for k, a in enumerate(node.args) if k != place]
        scalars = [a for a in term.args if not a.axes] if term.op == "mul" else []
        if len(term.args) != 2 or len(scalars) != 1 or len(term.axes) < 2 or not term.axes >= node.axes:
            continue
        if scalars[0].op == "num" and abs(scalars[0].data[0]) == 1:
            continue
        if printer.uses[id(printer.templates.of(term)[0])] > 1:
            continue
        scale = printer.operand(scalars[0])
        if not (scale.pure or scale.host):
            continue
        other = read(printer, rest[0] if len(rest) == 1 else printer.table.make("add", rest))
        if other.pure or other.host:
            continue
        big = read(printer, next(a for a in term.args if a.axes))
        order, (x, y) = joined(printer, [other, big])
        values = [other, big]
        if scale.pure:
            code = printer.target.axpy.format(x.inside(LOOSE), y.inside(LOOSE), scale.inside(LOOSE))
        else:
            code = f"_axpy({x.inside(LOOSE)}, {y.inside(LOOSE)}, {printer.aligned(scale, order).inside(LOOSE)})"
        return Value(code, order, "real", False, ATOM, *union(values))
    return None


def held(printer: Printer, args: list[Node]) -> tuple[list[Value], list[Node]]:
    """Print ``d phi1(d a)`` as one function of d and a.

    Parameters
    ----------
    printer : Printer
        Printer.
    args : list of Node
        Factors of a product.

    Returns
    -------
    tuple of list of Value and list of Node
        The function, if it is there, and the other factors.
    """
    for phi in args:
        inside = phi.args[0] if phi.op == "phi1" else phi
        if inside.op != "mul" or len(inside.args) != 2 or phi is inside:
            continue
        for d, a in (inside.args, inside.args[::-1]):
            if d in args and d.axes and a.axes:
                order, (x, y) = joined(printer, [read(printer, d), read(printer, a)])
                given = printer.inputs.get(a.data[0]) if a.op == "ref" else None
                apart = given is not None and _nonzero(given)
                code = f"_held({x.code}, {y.code}, {apart})"
                return [Value(code, order, holds=x.holds | y.holds)], [n for n in args if n is not phi and n is not d]
    return [], args


def _nonzero(given: Input) -> bool:
    above = given.lo is not None and (given.lo > 0 or (given.lo == 0 and given.lo_open))
    return above or (given.hi is not None and (given.hi < 0 or (given.hi == 0 and given.hi_open)))


def mean_divisor(printer: Printer, node: Node, below: list[Node]) -> Node | None:
    """Return the divisor that makes a sum a mean.

    Parameters
    ----------
    printer : Printer
        Printer.
    node : Node
        Factor that may be a sum.
    below : list of Node
        Divisors.

    Returns
    -------
    Node or None
        None if there is none, or if the sum is needed as well.
    """
    if node.op != "contract" or len(node.args) != 1 or len(node.data[-1]) != 1 or printer.kind(node) != "real":
        return None
    axis = node.data[-1][0]
    if axis not in node.args[0].axes or printer.uses[id(printer.templates.of(node)[0])] > 1:
        return None
    return next((b for b in below if b.data[0] == -1 and b.args[0].data == (axis.size,)), None)


def cut(printer: Printer, node: Node) -> Value | None:
    """Print a matrix product times the indicator of live rows, in place: nothing needs the product for a gradient.

    Parameters
    ----------
    printer : Printer
        Printer.
    node : Node
        A ``mul``.

    Returns
    -------
    Value or None
        None unless the indicator depends on nothing but what the softmax in the product depends on.
    """
    if len(node.args) != 2 or not printer.target.inplace:
        return None
    for indicator, product in (node.args, node.args[::-1]):
        if not is_indicator(indicator) or indicator.args[1].data[0] != 1 or product.op != "contract":
            continue
        softmax = any(f.op == "softmax" for f in product.args) and len(product.args) == 2
        if not softmax or not reads(indicator) <= reads(product) or not indicator.axes <= product.axes:
            continue  # batch dimensions that only the indicator has would not fit into the product
        if printer.uses[id(printer.templates.of(product)[0])] > 1:
            continue
        value = printer.value(product)
        truth = printer.align(printer.operand(indicator.args[0]), value.axes)
        return replace(value, code=printer.target.inplace.format(value.code, truth))
    return None
