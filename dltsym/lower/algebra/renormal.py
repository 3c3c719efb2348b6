"""Rebuilding nodes through the constructors, and reading them at one place of an axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dltsym.lower.algebra.terms import chain, total_log
from dltsym.lower.axes import Axis, Shift, Slot, mentioned
from dltsym.lower.iteration import open_iterate
from dltsym.lower.nodes import KEEPERS, Node, kept

if TYPE_CHECKING:
    from dltsym.lower.algebra.constructors import Algebra

_LEAVES = frozenset({"num", "const", "size", "iota"})


def renorm(alg: Algebra, node: Node) -> Node:
    """Rebuild a node bottom-up.

    Parameters
    ----------
    alg : Algebra
        Constructors.
    node : Node
        Node.

    Returns
    -------
    Node
    """
    if node.op in _LEAVES:
        return node
    if node.op in ("contract", "reduce", "take"):
        args, axes = alg.table.view(node)
        return again(alg, node, [alg.renorm(a) for a in args], axes)
    if node.op == "iterate":
        return open_iterate(alg.table, node).mapped(alg.renorm).close(alg.table)
    if node.op == "logaddexp" and not alg.raw:
        return total_log(alg, [alg.renorm(a) for a in chain(node)])
    return again(alg, node, [alg.renorm(a) for a in node.args], ())


def again(alg: Algebra, node: Node, args: list[Node], axes: tuple[Axis, ...]) -> Node:
    """Build a node of the same kind from other arguments.

    Parameters
    ----------
    alg : Algebra
        Constructors.
    node : Node
        Node to imitate.
    args : list of Node
        Its arguments; those of a binder over `axes`.
    axes : tuple of Axis
        The axes to bind.

    Returns
    -------
    Node
    """
    match node.op:
        case "num" | "const" | "size" | "iota":
            return node
        case "ref":
            return alg.table.make("ref", args, node.data)
        case "pow":
            return alg.power(args[0], node.data[0])
        case "where":
            return alg.where(*args)
        case "cmp":
            return alg.cmp(node.data[0], *args)
        case "and":
            return alg.both(*args)
        case "or":
            return alg.either(*args)
        case "not":
            return alg.negate(*args)
        case "contract":
            return alg.contract(args, axes)
        case "reduce":
            return alg.reduce(node.data[0], args[0], axes)
        case "scan":
            return alg.scan(*node.data, *args)
        case "take":
            return alg.take(args[0], axes[0], node.data[1], *args[1:])
        case "order" | "softmax" | "log_softmax":
            return alg.table.make(node.op, args, node.data)
    return alg.call(node.op, *args)


def take(alg: Algebra, x: Node, axis: Axis, place: int | Slot | Node) -> Node:
    """Read a node at one place of an axis; references are read there directly.

    Parameters
    ----------
    alg : Algebra
        Constructors.
    x : Node
        Node.
    axis : Axis
        Axis.
    place : int or Node
        Place from 0, or an integer node.

    Returns
    -------
    Node

    Raises
    ------
    TypeError
        For a slot without its index node.
    """
    if isinstance(place, Slot):
        raise TypeError("a slot needs its index node")
    if alg.raw:
        return _bound_take(alg, x, axis, place)
    return _at(alg, x, axis, place, {})


def _bound_take(alg: Algebra, x: Node, axis: Axis, place: int | Node) -> Node:
    if isinstance(place, Node):
        return alg.table.bind("take", (x, place), (axis,), (Slot(1),))
    return alg.table.bind("take", (x,), (axis,), (place,))


def _at(alg: Algebra, x: Node, axis: Axis, place: int | Node, memo: dict[int, Node]) -> Node:
    if axis not in x.axes:
        return x
    done = memo.get(id(x))
    if done is None:
        done = memo[id(x)] = _read(alg, x, axis, place, memo)
    return done


def _read(alg: Algebra, x: Node, axis: Axis, place: int | Node, memo: dict[int, Node]) -> Node:
    if x.op == "iota":
        return place if isinstance(place, Node) else alg.num(place)
    if x.op == "ref":
        return _entry(alg, x, axis, place, memo)
    if x.op == "iterate" or (x.op in KEEPERS and (axis in kept(x) or _runs_along(place, kept(x)))):
        return _bound_take(alg, x, axis, place)
    if x.op in ("contract", "reduce", "take"):
        args, axes = alg.table.open(x)
        return again(alg, x, [_at(alg, a, axis, place, {}) for a in args], axes)
    return again(alg, x, [_at(alg, a, axis, place, memo) for a in x.args], ())


def _runs_along(place: int | Node, axes: tuple[Axis, ...]) -> bool:
    # An index that depends on the axis of a scan belongs to the entry that is read, not to the terms of the scan.
    return isinstance(place, Node) and not place.axes.isdisjoint(axes)


def _entry(alg: Algebra, x: Node, axis: Axis, place: int | Node, memo: dict[int, Node]) -> Node:
    name, places = x.data
    args = [_at(alg, a, axis, place, memo) for a in x.args]
    if axis not in mentioned(places):
        return alg.table.make("ref", args, x.data)
    new = []
    for p in places:
        by = p.by if isinstance(p, Shift) else 0
        if (p.axis if isinstance(p, Shift) else p) != axis:
            new.append(p)
        elif isinstance(place, int):
            new.append(place + by)
        else:
            args.append(alg.add(place, alg.num(by)))
            new.append(Slot(len(args) - 1))
    return alg.table.make("ref", args, (name, tuple(new)))
