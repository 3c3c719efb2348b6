"""Printing of scans, orders, gathers, scatters and other cells; iterations are in `dltsym.lower.printers.rounds`.

The text is the same for every backend: it calls helpers, whose source is copied into the file. Source: dltsym design
note, sections 3.4, 4.6 and 5.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dltsym.errors import UnsupportedError
from dltsym.lower.axes import Axis, Slot
from dltsym.lower.nodes import Node
from dltsym.lower.printers import pointwise
from dltsym.lower.printers.rounds import iterate
from dltsym.lower.printers.value import LOOSE, Value

if TYPE_CHECKING:
    from dltsym.lower.printers.base import Printer

OPS = frozenset({"scan", "order", "iterate", "scatter", "cross_entropy", "sdpa", "logmm", "sqdist"})
_SCANS = ("sum", "prod", "max", "min", "lse", "affine", "log-affine")


def emit(node: Node, printer: Printer) -> Value:
    """Print a node of `OPS`, an argmax or argmin, or an entry at places that are data.

    Parameters
    ----------
    node : Node
        Node.
    printer : Printer
        Printer.

    Returns
    -------
    Value

    Raises
    ------
    UnsupportedError
        If there is no form for it.
    """
    match node.op:
        case "scan":
            return _scan(node, printer)
        case "order":
            return _order(node, printer)
        case "reduce":
            return _arg(node, printer)
        case "iterate":
            return iterate(node, printer)
        case "ref":
            return _entries(node, printer)
        case "take":
            return _gather(printer, printer.operand(node.args[0]), [(node.data[0], node.args[1])])
        case "scatter":
            return _scatter(node, printer)
        case "cross_entropy":
            return _cross_entropy(node, printer)
        case "sdpa":
            return _sdpa(node, printer)
        case "logmm" | "sqdist":
            return _pair(node, printer)
    raise UnsupportedError(f"{printer.target.name}: no form for {node.op}")


def _array(printer: Printer, node: Node) -> Value:
    return printer.lift(pointwise.read(printer, node))


def _scan(node: Node, printer: Printer) -> Value:
    monoid, axis, step, own = node.data
    if monoid not in _SCANS:
        raise UnsupportedError(f"{printer.target.name}: no scan of the monoid {monoid}; there are {', '.join(_SCANS)}")
    values = [_array(printer, a) for a in node.args]
    order = printer.order(node.axes)
    texts = [printer.align(v, order, LOOSE) for v in values]
    if monoid == "affine" and node.args[2].op == "num" and node.args[2].data[0] == 0:
        texts[2] = "None"
    dim = order.index(axis) - len(order)
    direct = printer.target.scans.get(monoid)
    if direct and step == 1 and own and axis in values[0].axes:
        (x,) = values
        return printer.line(direct.format(x.inside(LOOSE), dim=x.dims([axis])[0]), x.axes, batch=x.batch)
    extra = f", {contracting(printer, node.args[0])}" if monoid == "affine" else ""
    name = f"_scan_{monoid.replace('-', '_')}"
    code = f"{name}({', '.join(texts)}, {dim}, {printer.size(axis.size)}, {step}, {own}{extra})"
    return printer.line(code, order, batch=any(v.batch for v in values))


def contracting(printer: Printer, decay: Node) -> bool:
    """Return whether every decay of an affine scan is known to lie between -1 and 1.

    Only then may products of decays be formed apart from the states: elsewhere they overflow where no state does.

    Parameters
    ----------
    printer : Printer
        Printer.
    decay : Node
        Decay.

    Returns
    -------
    bool
    """
    from dltsym.lower.algebra.constructors import Algebra

    known = Algebra(printer.table, printer.inputs).facts(decay)
    return known.lo is not None and known.hi is not None and known.lo >= -1 and known.hi <= 1


def _order(node: Node, printer: Printer) -> Value:
    kind, axis, k = node.data
    x = _array(printer, node.args[0])
    if axis not in x.axes:
        order = (*x.axes, axis)
        spread = f"_spread(-1, {printer.size(axis.size)}, {printer.align(x, order, LOOSE)})[0]"
        x = printer.line(spread, order, batch=x.batch)
    dim = x.axes.index(axis) - len(x.axes)
    if kind == "topk":
        return printer.line(f"_topk({x.inside(LOOSE)}, {k}, {dim})", x.axes, "truth", x.batch)
    if kind == "rank":
        return printer.line(f"_rank({x.inside(LOOSE)}, {dim})", x.axes, "integer", x.batch)
    raise UnsupportedError(f"{printer.target.name}: no order statistic {kind}; there are topk and rank")


def _arg(node: Node, printer: Printer) -> Value:
    monoid, bound = node.data
    if len(bound) != 1:
        raise UnsupportedError(f"{printer.target.name}: {monoid} over {len(bound)} indices at once; use one")
    x = _array(printer, node.args[0])
    if bound[0] not in x.axes:
        return Value("0", kind="integer", pure=True)
    (dim,) = x.dims(bound)
    axes = tuple(a for a in x.axes if a not in bound)
    return printer.line(f"_{monoid}({x.inside(LOOSE)}, {dim})", axes, "integer", x.batch)


# Places


def _entries(node: Node, printer: Printer) -> Value:
    name, places = node.data
    state = printer.states.get(name)
    shape = [a.size for a in state.axes] if state else printer.inputs[name].shape
    slots, plain = [], []
    for dim, place in enumerate(places):
        if isinstance(place, Slot):
            slots.append((Axis(f"&{dim}", shape[dim]), node.args[place.arg]))
            plain.append(slots[-1][0])
        else:
            plain.append(place)
    return _gather(printer, printer.operand(printer.table.make("ref", (), (name, tuple(plain)))), slots)


def _gather(printer: Printer, x: Value, slots: Sequence[tuple[Axis, Node]]) -> Value:
    """Read x at places along some of its axes; several axes become one first."""
    slots = [(axis, n) for axis, n in slots if axis in x.axes]
    if not slots:
        return x
    drop = [axis for axis, _ in slots]
    indices = [printer.lift(printer.operand(n), printer.target.integer, "integer") for _, n in slots]
    kept = [a for a in x.axes if a not in drop]
    batch = x.batch or any(i.batch for i in indices)
    if len(slots) == 1 and not set(kept) & set(indices[0].axes):
        index, cut = indices[0], x.axes.index(drop[0])
        tail = len(x.axes) - cut - 1
        code = f"_places({x.inside(LOOSE)}, {index.inside(LOOSE)}, {cut}, {len(index.axes)}, {tail})"
        return printer.line(code, (*x.axes[:cut], *index.axes, *x.axes[cut + 1 :]), x.kind, batch)
    order = printer.order(frozenset(kept).union(*(i.axes for i in indices)))
    text = printer.align(x, (*order, *drop))
    places = [printer.align(i, order, LOOSE) for i in indices]
    if len(slots) > 1:
        sizes = ", ".join(printer.size(a.size) for a in drop)
        text = f"{text}.reshape(*{text}.shape[:-{len(drop)}], -1)"
        places = [f"_ravel(({sizes}), {', '.join(places)})"]
    return printer.line(f"_gather({text}, {places[0]})", order, x.kind, batch)


def _scatter(node: Node, printer: Printer) -> Value:
    axis, over = node.data
    x, index = _array(printer, node.args[0]), printer.operand(node.args[1])
    front = printer.order(frozenset(index.axes).difference(over))
    tail = printer.order(frozenset(x.axes).difference(over, front))
    given = printer.align(x, (*front, *over, *tail), LOOSE)
    places = printer.align(index, (*front, *over), LOOSE)
    code = f"_scatter({given}, {places}, {len(over)}, {len(tail)}, {printer.size(axis.size)})"
    return printer.line(code, (*front, axis, *tail), batch=x.batch or index.batch)


# Other cells


def _cross_entropy(node: Node, printer: Printer) -> Value:
    (axis,) = node.data[0]
    x, index = _array(printer, node.args[0]), printer.operand(node.args[1])
    index = printer.lift(index, printer.target.integer, "integer")
    order = printer.order(frozenset((*x.axes, *index.axes)) - {axis})
    code = f"_cross_entropy({printer.align(x, (*order, axis), LOOSE)}, {printer.align(index, order, LOOSE)})"
    return printer.line(code, order, batch=x.batch or index.batch)


def _sdpa(node: Node, printer: Printer) -> Value:
    j, k = sorted(node.data[0], key=lambda a: a in node.args[0].axes)
    q, key, v = (_array(printer, a) for a in node.args[:3])
    (i,), (c,) = set(q.axes) - {k}, set(v.axes) - {j}
    scale = printer.operand(node.args[3])
    text = printer.align(q, (i, k))
    if scale.pure:
        factor = scale.inside(LOOSE)
    else:
        text, factor = f"{printer.align(scale, (i, k))} * {text}", "1.0"
    mask, causal = "None", False
    if len(node.args) > 4:
        causal = _is_causal(node.args[4], i, j)
        mask = "None" if causal else printer.align(printer.operand(node.args[4]), (i, j), LOOSE)
    code = f"_sdpa({text}, {printer.align(key, (j, k))}, {printer.align(v, (j, c))}, {factor}, {mask}, {causal})"
    return printer.line(code, (i, c))


def _is_causal(mask: Node, i: Axis, j: Axis) -> bool:
    return (
        mask.op == "cmp" and mask.data == ("<=",) and [a.data for a in mask.args] == [(j,), (i,)] and i.size == j.size
    )


def _pair(node: Node, printer: Printer) -> Value:
    """Print a cell of two operands like a product of matrices."""
    (bound,) = node.data[0]
    a, b = (_array(printer, n) for n in node.args)
    shared = printer.order(frozenset(a.axes) & frozenset(b.axes) - {bound})
    (row,), (column,) = (frozenset(x.axes).difference(y.axes) for x, y in ((a, b), (b, a)))
    second = (*shared, bound, column) if node.op == "logmm" else (*shared, column, bound)
    code = f"_{node.op}({printer.align(a, (*shared, row, bound), LOOSE)}, {printer.align(b, second, LOOSE)})"
    return printer.line(code, (*shared, row, column), batch=a.batch or b.batch)
