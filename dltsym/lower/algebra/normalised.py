"""Recognising ``x - lse x`` in an exponent, masks included."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

from dltsym.lower.algebra.forms import addends, coefficient, is_cut
from dltsym.lower.axes import Axis
from dltsym.lower.ir import Table
from dltsym.lower.nodes import Node


def normalised(table: Table, exponent: Node) -> tuple[Node, tuple[Axis, ...]] | None:
    """Read an exponent as ``x - lse_B x``.

    Parameters
    ----------
    table : Table
        Owner of the node.
    exponent : Node
        Exponent, or a logarithm of probabilities.

    Returns
    -------
    tuple or None
        ``x`` and the axes ``B``; None where it is something else.
    """
    inside = exponent.args[1] if is_cut(exponent) else exponent
    if inside.op != "add":
        return None
    for t in inside.args:
        k, total = coefficient(table, t)
        if k != -1 or total.op != "reduce" or total.data[0] != "lse":
            continue
        rest = [a for a in inside.args if a is not t]
        x = rest[0] if len(rest) == 1 else table.make("add", rest)
        if is_cut(exponent):
            x = table.make("where", (exponent.args[0], x, exponent.args[2]))
        for axes in matches(table, total, x):
            return x, axes
    return None


def matches(table: Table, total: Node, x: Node) -> Iterator[tuple[Axis, ...]]:
    """Yield the axes over which `total` folds `x`.

    Parameters
    ----------
    table : Table
        Owner of the nodes.
    total : Node
        A ``reduce``.
    x : Node
        Candidate for its argument.

    Yields
    ------
    tuple of Axis
    """
    free = sorted(x.axes - total.axes)
    (body,), axes = table.open(total)
    if len(free) != len(axes) or len(axes) > 3:
        return
    for order in permutations(free):
        fits = all(a.size == b.size for a, b in zip(order, axes, strict=True))
        if fits and table.rename(body, dict(zip(axes, order, strict=True))) is x:
            yield order
            return


def nonpos_exponent(table: Table, exponent: Node) -> bool:
    """Tell whether an exponent is ``x - lse x``, so that its exponential is at most 1."""
    inside = exponent.args[1] if is_cut(exponent) else exponent
    return len(addends(inside)) > 1 and normalised(table, exponent) is not None
