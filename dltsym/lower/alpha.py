"""Equality up to the names of bound indices and the order of commutative arguments; no algebra."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dltsym.lower.axes import Axis, Shift
from dltsym.lower.nodes import SORTED, Node, anonymous, bound_axes

LIMIT = 20_000
"""Number of comparisons after which the answer is unknown."""

Names = tuple[tuple[Axis, Axis], ...]


class _Tired(Exception):
    """The budget is used up."""


def alpha_equal(a: Any, b: Any) -> bool | None:
    """Tell whether two expressions are equal up to renaming of bound indices and reordering of sums and products.

    Parameters
    ----------
    a, b : Expr, sympy.Expr or text of records' symbols
        Expressions over the same declarations.

    Returns
    -------
    bool or None
        True implies equality. False says that no renaming and reordering makes them alike; they may still be equal.
        None when there are too many orders to try.

    Examples
    --------
    >>> from dltsym import Scope
    >>> v = Scope()
    >>> n = v.count("n")
    >>> x, y = v.array("x", n), v.array("y", n)
    >>> alpha_equal(v.sum(lambda i: x[i] * y[i], n), v.sum(lambda k: y[k] * x[k], n))
    True
    """
    from dltsym.lower.compiler import build
    from dltsym.lower.front.reading import question

    program, _ = build(question({"a": a, "b": b}), raw=True)
    left, right = (o.node for o in program.outputs)
    if left is right:
        return True
    if left.axes != right.axes:
        return False
    try:
        return next(_Match().nodes(left, right, ()), None) is not None
    except _Tired:
        return None


class _Match:
    """One search for a renaming of bound axes that makes two nodes the same."""

    def __init__(self) -> None:
        self.left = LIMIT

    def nodes(self, a: Node, b: Node, names: Names) -> Iterator[Names]:
        self.left -= 1
        if self.left < 0:
            raise _Tired
        if a is b and not any(x.name.startswith("%") for x in a.axes):
            yield names
            return
        if a.op != b.op or len(a.args) != len(b.args) or _colour(a) != _colour(b):
            return
        inner = tuple(p for p in names if p[0] not in bound_axes(a) and p[1] not in bound_axes(b))
        outside = tuple(p for p in names if p not in inner)
        own, other = frozenset(bound_axes(a)), frozenset(bound_axes(b))
        for found in self.data(_rest(a), _rest(b), inner):
            for done in self.args(a.args, b.args, found, a.op in SORTED):
                yield (*outside, *(p for p in done if p[0] not in own and p[1] not in other))

    def args(self, left: tuple[Node, ...], right: tuple[Node, ...], names: Names, free: bool) -> Iterator[Names]:
        if not left:
            yield names
            return
        for k in range(len(right)) if free else (0,):
            for found in self.nodes(left[0], right[k], names):
                yield from self.args(left[1:], (*right[:k], *right[k + 1 :]), found, free)

    def data(self, a: Any, b: Any, names: Names) -> Iterator[Names]:
        match a, b:
            case (Axis(), Axis()):
                found = _paired(a, b, names)
                if found is not None:
                    yield found
            case (Shift(), Shift()):
                if a.by == b.by:
                    yield from self.data(a.axis, b.axis, names)
            case (tuple(), tuple()) if len(a) == len(b):
                if not a:
                    yield names
                else:
                    for found in self.data(a[0], b[0], names):
                        yield from self.data(a[1:], b[1:], found)
            case _ if a == b:
                yield names


def _rest(node: Node) -> tuple[Any, ...]:
    # Bound axes pair up where they are used; here only their number counts, and for an iteration their sizes.
    match node.op:
        case "contract" | "reduce":
            return (*node.data[:-1], len(node.data[-1]))
        case "take":
            return node.data[1:]
        case "iterate":
            return (tuple(tuple(x.size for x in own) for own in node.data[0]), *node.data[1:])
    return node.data


def _paired(a: Axis, b: Axis, names: Names) -> Names | None:
    if a.size != b.size or a.name.split(".")[0] != b.name.split(".")[0]:  # bound at another depth
        return None
    if not (a.name.startswith("%") and b.name.startswith("%")):
        return names if a == b else None
    for x, y in names:
        if (x == a) != (y == b):
            return None
        if x == a:
            return names
    return (*names, (a, b))


def _colour(node: Node) -> Any:
    hidden = frozenset(a for a in node.axes if a.name.startswith("%"))
    sizes = sorted(a.size for a in bound_axes(node))
    return sizes, _shape(node, hidden)


def _shape(node: Node, hidden: frozenset[Axis]) -> Any:
    return anonymous(node, hidden)[:2] if hidden else node.key[:2]
