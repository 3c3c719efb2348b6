"""Types of entries: real, integer or truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dltsym.lower.nodes import Node

if TYPE_CHECKING:
    from dltsym.lower.printers.base import Printer

_TRUTHS = frozenset({"cmp", "and", "or", "not"})
_FOLLOW = frozenset({"add", "mul", "maximum", "minimum", "abs", "contract", "take", "scatter"})
_INTEGER_FOLDS = frozenset({"argmax", "argmin"})
_ENTRIES = {"real": "real", "integer": "integer", "bool": "truth"}


def kind(printer: Printer, node: Node) -> str:
    """Return the type of the entries of a node.

    Parameters
    ----------
    printer : Printer
        Printer, which knows the inputs.
    node : Node
        Node.

    Returns
    -------
    {"real", "integer", "truth"}
    """
    known = printer.kinds.get(id(node))
    if known is None:
        known = printer.kinds[id(node)] = _kind(printer, node)
    return known


def _kind(printer: Printer, node: Node) -> str:
    if node.op == "num":
        return "integer" if node.data[0].denominator == 1 else "real"
    if node.op in ("size", "iota"):
        return "integer"
    if node.op == "ref":
        given = printer.inputs.get(node.data[0])
        return _ENTRIES[given.entries] if given else "real"
    if node.op in _TRUTHS:
        return "truth"
    if node.op == "order":
        return "truth" if node.data[0] == "topk" else "integer"
    if node.op == "reduce" and node.data[0] in _INTEGER_FOLDS:
        return "integer"
    return _follow(printer, node)


def _follow(printer: Printer, node: Node) -> str:
    args: tuple[Node, ...] = ()
    if node.op in _FOLLOW:
        args = node.args[:1] if node.op in ("take", "scatter") else node.args
    elif node.op == "where":
        args = node.args[1:]
    elif (
        (node.op == "reduce" and node.data[0] in ("max", "min", "prod"))
        or (node.op == "scan" and node.data[0] in ("sum", "max", "prod"))
        or (node.op == "pow" and node.data[0].denominator == 1 and node.data[0] > 0)
    ):
        args = node.args
    kinds = {kind(printer, a) for a in args}
    return "truth" if kinds == {"truth"} else "integer" if kinds and "real" not in kinds else "real"


def from_data(printer: Printer, node: Node) -> bool:
    """Return whether an integer-valued node gets its integers from an array or from an argmax or a rank.

    Parameters
    ----------
    printer : Printer
        Printer.
    node : Node
        Node.

    Returns
    -------
    bool
    """
    if (node.op == "reduce" and node.data[0] in _INTEGER_FOLDS) or node.op == "order":
        return True
    if node.op == "ref":
        return kind(printer, node) == "integer"
    args = node.args[1:] if node.op == "where" else node.args
    return any(from_data(printer, a) for a in args)


def is_indicator(node: Node) -> bool:
    """Return whether a node is ``where(c, 1, 0)`` or ``where(c, 0, 1)``.

    Parameters
    ----------
    node : Node
        Node.

    Returns
    -------
    bool
    """
    if node.op != "where":
        return False
    return [a.data[0] if a.op == "num" else None for a in node.args[1:]] in ([1, 0], [0, 1])
