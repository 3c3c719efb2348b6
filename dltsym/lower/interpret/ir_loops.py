"""Scans, orders and iterations of the tensor IR on balls; the loops under `dltsym.lower.interpret.ir_arb`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from flint import fmpq

from dltsym.errors import Undecided, UnsupportedError
from dltsym.lower.axes import Axis
from dltsym.lower.interpret import ir_values as iv
from dltsym.lower.interpret.ir_values import mapped
from dltsym.lower.interpret.values import Array, Item, laid, together
from dltsym.lower.nodes import Node
from dltsym.notation import extended as ext
from dltsym.notation.extended import NEG_INF

if TYPE_CHECKING:
    from dltsym.lower.interpret.ir_arb import Run

LSE = iv.POINTWISE["logaddexp"]
_STEPS: dict[str, tuple[Callable[..., Any], Any]] = {
    "sum": (iv.plus, fmpq(0)),
    "prod": (iv.times, fmpq(1)),
    "max": (iv.larger, NEG_INF),
    "min": (iv.smaller, ext.INF),
    "lse": (LSE, NEG_INF),
}


def scanned(run: Run, node: Node) -> Item:
    """Evaluate a prefix or suffix fold.

    Parameters
    ----------
    run : Run
        Owner of the values.
    node : Node
        A ``scan``.

    Returns
    -------
    Item

    Raises
    ------
    UnsupportedError
        For an unknown monoid.
    """
    monoid, axis, direction, inclusive = node.data
    if monoid in _STEPS:
        f, unit = _STEPS[monoid]
        columns, start, order = _columns(run, [run.value(node.args[0])], None, axis)
        steps: Callable[..., Array] = lambda h, x: mapped(f, h, x)  # noqa: E731
        state: Any = np.full(start, unit, dtype=object)
    elif monoid in ("affine", "log-affine", "log_affine"):
        init = run.value(node.args[2])
        columns, start, order = _columns(run, [run.value(a) for a in node.args[:2]], init, axis)
        state = np.broadcast_to(laid(init.v, init.axes, order[:-1]), start)
        log = monoid != "affine"
        steps = lambda h, a, b: mapped(_log_affine if log else _affine, a, h, b)  # noqa: E731
    else:
        raise UnsupportedError(f"the ball evaluator has no rule for the scan {monoid}")
    n = run.length(axis)
    out: list[Any] = [None] * n
    for t in range(n)[:: 1 if direction > 0 else -1]:
        after = steps(state, *(c[..., t] for c in columns))
        out[t], state = (after if inclusive else state), after
    return Item(_stacked(out, start), axes=order)


def _affine(a: Any, h: Any, b: Any) -> Any:
    return iv.plus(iv.times(a, h), b)


def _log_affine(a: Any, h: Any, b: Any) -> Any:
    return LSE(iv.plus(a, h), b)


def _columns(
    run: Run, items: Sequence[Item], init: Item | None, axis: Axis
) -> tuple[list[Array], tuple[int, ...], tuple[Axis, ...]]:
    """Lay operands out with the axis last; also return the shape of a state and the order of the axes."""
    given = [run.spread(i, axis) for i in items]
    every, axes = together([*given, *(() if init is None else (init,))])
    order = (*(a for a in axes if a != axis), axis)
    arrays = [laid(i.v, axes, order) for i in every]
    full = np.broadcast_shapes(*(a.shape for a in arrays))
    shape = (*full[: len(full) - len(order)], *(run.length(a) for a in order))
    return [np.broadcast_to(a, shape) for a in arrays[: len(items)]], shape[:-1], order


def _stacked(columns: Sequence[Any], shape: tuple[int, ...]) -> Array:
    out = np.empty((*shape, len(columns)), dtype=object)
    for t, c in enumerate(columns):
        out[..., t] = c
    return out


# Order


def _before(row: Array, i: int, j: int) -> bool | None:
    """Say whether entry i comes before entry j in descending order; nan first, ties by index."""
    x, y = row[i], row[j]
    if ext.undefined(x) or ext.undefined(y):
        return i < j if ext.undefined(x) and ext.undefined(y) else ext.undefined(x)
    larger = iv.compare("<", y, x)
    if larger is None and i < j:
        return iv.compare("<=", y, x)
    if larger or larger is None:
        return larger
    return i < j and iv.compare("<=", y, x)


def ordered(run: Run, node: Node) -> Item:
    """Evaluate a rank or a top-k mask.

    Parameters
    ----------
    run : Run
        Owner of the values.
    node : Node
        An ``order``.

    Returns
    -------
    Item
    """
    kind, axis, k = node.data
    k = run.size(k) if isinstance(k, str) else k
    (x,), shape, order = _columns(run, [run.value(node.args[0])], None, axis)
    out = np.empty(x.shape, dtype=object)
    for at in np.ndindex(*shape):
        row = x[at]
        for i in range(len(row)):
            before = [_before(row, j, i) for j in range(len(row)) if j != i]
            low, high = before.count(True), before.count(True) + before.count(None)
            if kind == "topk":
                out[*at, i] = True if high < k else False if low >= k else None
            else:
                out[*at, i] = fmpq(low) if low == high else iv.LOST
    return Item(out, axes=order)


def best(x: Item, axis: Axis, monoid: str) -> Item:
    """Evaluate the place of the largest or smallest entry, the first of equals.

    Parameters
    ----------
    x : Item
        Values.
    axis : Axis
        Axis to reduce.
    monoid : {"argmax", "argmin"}
        Which.

    Returns
    -------
    Item
    """
    order = (*(a for a in x.axes if a != axis), axis)
    v = laid(x.v, x.axes, order)
    out = np.empty(v.shape[:-1], dtype=object)
    for at in np.ndindex(*out.shape):
        row = v[at] if monoid == "argmax" else mapped(lambda e: -e, v[at])
        first = [all(_before(row, i, j) is True for j in range(len(row)) if j != i) for i in range(len(row))]
        out[at] = fmpq(first.index(True)) if True in first else iv.LOST
    return Item(out, axes=order[:-1])


# Iteration


def iterated(run: Run, node: Node) -> Item:
    """Evaluate an iteration round by round.

    Parameters
    ----------
    run : Run
        Owner of the values.
    node : Node
        An ``iterate``.

    Returns
    -------
    Item
    """
    from dltsym.lower.interpret.ir_arb import whole

    shapes, together_ = node.data[:2]
    n = len(shapes)
    inits, steps, tail = node.args[1 : n + 1], node.args[n + 1 : 2 * n + 1], list(node.args[2 * n + 1 :])
    names = [f"${node.height - 1}.{k}" for k in range(n)]
    count = int(whole(run.value(node.args[0])).v.item())
    states = [_shaped(run, run.value(i), axes) for i, axes in zip(inits, shapes, strict=True)]
    level = len(run.memos)
    run.memos.append({})
    run.levels.update({name: level for name in names})
    run.forget()

    def put(name: str, state: Item) -> None:
        run.states[name] = state
        run.memos[level].clear()

    for name, state in zip(names, states, strict=True):
        put(name, state)
    for _ in range(count):
        old, new = [run.states[name] for name in names], []
        for name, step, axes in zip(names, steps, shapes, strict=True):
            new.append(_shaped(run, run.value(step), axes))
            if not together_:
                put(name, new[-1])
        for name, state in zip(names, new, strict=True):
            put(name, state)
        if len(tail) > 1 and _settled(old, new, run.value(tail[1])):
            break
    out = run.value(tail[0])
    run.memos.pop()
    for name in names:
        del run.levels[name]
    run.forget()
    return out


def _shaped(run: Run, item: Item, axes: Sequence[Axis]) -> Item:
    """Return a state as an array over all of its axes and no names."""
    full = run.spread(item, *axes)
    extra = [a for a in full.axes if a not in axes]
    if extra:
        raise UnsupportedError(f"a state depends on the free axis {extra[0].name}")
    return Item(laid(full.v, full.axes, tuple(axes)))


def _settled(old: Sequence[Item], new: Sequence[Item], tol: Item) -> bool:
    limit: Any = tol.v.item()
    for o, n in zip(old, new, strict=True):
        gaps = mapped(lambda a, b: iv.POINTWISE["abs"](iv.plus(a, -b)), n.v, o.v)
        close = [iv.compare("<=", g, limit) for g in gaps.flat]
        if None in close:
            raise Undecided("it is not known whether an iteration has settled")
        if False in close:
            return False
    return True
