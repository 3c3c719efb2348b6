"""Nodes of the tensor IR, and what follows from their structure; only `dltsym.lower.ir.Table` builds them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from dltsym.lower.axes import Axis, mapped, mentioned

SORTED = frozenset({"add", "mul", "and", "or", "maximum", "minimum", "logaddexp", "contract"})
CELLS = frozenset({"scatter", "cross_entropy", "sdpa", "logmm", "sqdist"})
BINDERS = frozenset({"contract", "reduce", "take", "iterate"}) | CELLS
KEEPERS = frozenset({"scan", "order", "softmax", "log_softmax", "scatter"})
_RANK = {"num": 0, "const": 1, "size": 2, "ref": 4, "iota": 5}


@dataclass(frozen=True, eq=False, repr=False)
class Node:
    """One hash-consed node; build it with `Table.make` or `Table.bind` only.

    Attributes
    ----------
    op : str
        ``num`` ``const`` ``size`` ``ref`` ``iota`` ``cmp`` ``where``, a row of `dltsym.lower.ops.OPS`, or one of
        ``contract`` ``reduce`` ``take`` ``iterate`` (binders) and ``scan`` ``order`` ``softmax`` ``log_softmax``.
    args : tuple of Node
        Arguments.
    data : tuple
        What else it is made of; see `Table`.
    axes : frozenset of Axis
        Free axes.
    height : int
        Greatest number of binders on a path down.
    key : tuple
        Structural sort key, the same in every process.
    """

    op: str
    args: tuple[Node, ...]
    data: tuple[Any, ...]
    axes: frozenset[Axis]
    height: int
    key: tuple[int, str, str]

    def __repr__(self) -> str:
        from dltsym.lower.show import show

        return show(self)


def commutes(op: str, data: tuple[Any, ...]) -> bool:
    """Tell whether the order of the arguments of an operation does not matter.

    Parameters
    ----------
    op : str
        Operation.
    data : tuple
        Its data.

    Returns
    -------
    bool
    """
    return op in SORTED or (op == "cmp" and data[0] in ("=", "!="))


def kept(node: Node) -> tuple[Axis, ...]:
    """Return the axes along which a scan, an order or a softmax works; they stay free.

    Parameters
    ----------
    node : Node
        Node with an operation of `KEEPERS`.

    Returns
    -------
    tuple of Axis
    """
    if node.op in ("softmax", "log_softmax"):
        return node.data[0]
    return (node.data[0] if node.op == "scatter" else node.data[1],)


def bound_axes(node: Node) -> tuple[Axis, ...]:
    """Return the axes that a node binds, none for most.

    Parameters
    ----------
    node : Node
        Any node.

    Returns
    -------
    tuple of Axis
    """
    if node.op == "take":
        return (node.data[0],)
    if node.op in BINDERS and node.op != "iterate":
        return node.data[-1]
    return tuple(a for axes in node.data[0] for a in axes) if node.op == "iterate" else ()


def occurrence(args: Iterable[Node], wanted: Iterable[Axis], colours: Mapping[Axis, Axis] | None = None) -> list[Axis]:
    """Return axes in the order in which they first occur in arguments; those that do not occur come last, by size.

    Parameters
    ----------
    args : iterable of Node
        Where to look.
    wanted : iterable of Axis
        What to look for.
    colours : mapping of Axis to Axis
        Names to sort by, which do not depend on those about to go.

    Returns
    -------
    list of Axis
    """
    todo, out, seen = list(wanted), [], set()
    names = colours if colours is not None else {a: Axis("?", a.size) for a in todo}

    def walk(node: Node) -> None:
        if id(node) in seen or not any(a in node.axes for a in todo):
            return
        seen.add(id(node))
        for a in mentioned(node.data):
            if a in todo and a in node.axes:
                todo.remove(a)
                out.append(a)
        inside = node.args
        if len(todo) > 1 and commutes(node.op, node.data):  # the stored order knows the names about to go
            inside = sorted(inside, key=lambda a: disguised(a, names))
        for arg in inside:
            walk(arg)

    for arg in args:
        walk(arg)
    return [*out, *sorted(todo, key=lambda a: a.size)]


def anonymous(node: Node, hidden: frozenset[Axis]) -> tuple[Any, ...]:
    """Return a sort key that does not see the names of some axes.

    Parameters
    ----------
    node : Node
        Node.
    hidden : frozenset of Axis
        Axes about to be bound.

    Returns
    -------
    tuple
    """
    return disguised(node, {a: Axis("?", a.size) for a in hidden})


def disguised(node: Node, names: Mapping[Axis, Axis]) -> tuple[Any, ...]:
    """Return the sort key that a node would have with other names for some axes; two may get the same.

    Parameters
    ----------
    node : Node
        Node.
    names : mapping of Axis to Axis
        New names.

    Returns
    -------
    tuple
    """
    hidden, memo = names.keys(), {}
    if hidden.isdisjoint(node.axes):
        return node.key

    def one(n: Node) -> str:
        if hidden.isdisjoint(n.axes):
            return n.key[2]
        done = memo.get(id(n))
        if done is None:
            parts = [one(a) for a in n.args]
            if commutes(n.op, n.data):
                parts.sort()
            done = memo[id(n)] = _digest(n.op, mapped(n.data, names), parts)
        return done

    return (*node.key[:2], one(node))


def coloured(args: tuple[Node, ...], bound: tuple[Axis, ...]) -> dict[Axis, Axis]:
    """Colour axes about to be bound by where they stand (colour refinement), whatever they are called.

    Parameters
    ----------
    args : tuple of Node
        Arguments.
    bound : tuple of Axis
        Axes.

    Returns
    -------
    dict of Axis to Axis
        A name per colour; axes of one colour are interchangeable as far as refinement sees.
    """
    colours = {b: Axis("?", b.size) for b in bound}
    count = len(set(colours.values()))
    while count < len(bound):
        new = {}
        for b, colour in colours.items():
            marked = {**colours, b: Axis("!" + colour.name, b.size)}
            seen = sorted(disguised(a, marked)[2] for a in args if b in a.axes)
            new[b] = Axis(_digest("colour", colour.name, seen), b.size)
        if len(set(new.values())) == count:
            break
        colours, count = new, len(set(new.values()))
    return colours


def collapses(node: Node, names: Mapping[Axis, Axis]) -> bool:
    """Tell whether a renaming makes two free axes of a node one.

    Parameters
    ----------
    node : Node
        Node.
    names : mapping of Axis to Axis
        New names.

    Returns
    -------
    bool
    """
    return len({names.get(a, a) for a in node.axes}) < len(node.axes)


def merges(node: Node, names: Mapping[Axis, Axis]) -> bool:
    """Tell whether a renaming makes an axis that a scan, an order or a softmax works along equal to another one.

    Parameters
    ----------
    node : Node
        Node with an operation of `KEEPERS`.
    names : mapping of Axis to Axis
        New names.

    Returns
    -------
    bool
    """
    targets = [names.get(a, a) for a in node.axes]
    return any(targets.count(names.get(a, a)) > 1 for a in kept(node))


def free_axes(op: str, args: tuple[Node, ...], data: tuple[Any, ...]) -> frozenset[Axis]:
    """Return the free axes of a node to be.

    Parameters
    ----------
    op : str
        Operation.
    args : tuple of Node
        Arguments.
    data : tuple
        What else the node is made of.

    Returns
    -------
    frozenset of Axis
    """
    inside = frozenset().union(*(a.axes for a in args))
    match op:
        case "ref":
            return inside.union(mentioned(data[1]))
        case "iota":
            return frozenset(data)
        case "scan" | "order":
            return inside | {data[1]}
        case "contract" | "reduce":
            return inside.difference(data[-1])
        case "take":
            return args[0].axes - {data[0]} | (args[1].axes if len(args) > 1 else frozenset())
        case "scatter":
            return inside.difference(data[-1]) | {data[0]}
        case "iterate":
            return inside.difference(a for axes in data[0] for a in axes)
    return inside.difference(data[-1]) if op in CELLS else inside


def height(op: str, args: tuple[Node, ...]) -> int:
    """Return the greatest number of binders on a path down from a node to be.

    Parameters
    ----------
    op : str
        Operation.
    args : tuple of Node
        Arguments.

    Returns
    -------
    int
    """
    inside = max((a.height for a in args), default=0)
    return inside + 1 if op in BINDERS else inside


def sort_key(op: str, args: tuple[Node, ...], data: tuple[Any, ...]) -> tuple[int, str, str]:
    """Return the structural sort key of a node to be, the same in every process.

    Parameters
    ----------
    op : str
        Operation.
    args : tuple of Node
        Arguments.
    data : tuple
        What else the node is made of.

    Returns
    -------
    tuple
    """
    label = str(data[0]) if op in ("ref", "size", "const") else op
    rank = 3 if op == "ref" and not data[1] else _RANK.get(op, 7 if op in BINDERS | KEEPERS else 6)
    return (rank, label, _digest(op, data, [a.key[2] for a in args]))


def _digest(op: str, data: Any, parts: list[str]) -> str:
    return blake2b(f"{op}|{data!r}|{','.join(parts)}".encode(), digest_size=12).hexdigest()
