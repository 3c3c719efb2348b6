"""Changes of the inputs whose effect on the outputs is known, by one more call."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from dltsym.operators import Relation
from dltsym.relations.arrays import (
    Names,
    When,
    along,
    full,
    join,
    kept,
    line,
    names_of,
    other_order,
    present,
    tail,
    take,
    turn,
)


def shifted(
    names: Names, by: float, moves: Mapping[str, float] | None = None, *, only: Names = (), when: When = None
) -> Relation:
    """Add a number to every entry of some inputs: the outputs in `moves` move by their amount, others stay.

    Parameters
    ----------
    names : str or sequence of str
        Inputs.
    by : float
        What is added; large ones (300) catch a missing maximum.
    moves : mapping of str to float, optional
        By how much an output moves.
    only : str or sequence of str
        Outputs that are compared; all by default.
    when : callable, optional
        From inputs and modes to whether the relation applies.

    Returns
    -------
    Relation

    Examples
    --------
    >>> r = shifted("lp", 300, {"L": 300})
    >>> r.name
    'lp + 300'
    >>> r.expect({"o": 1.0, "L": 2.0}, {})
    {'o': 1.0, 'L': 302.0}
    """
    own, moved = names_of(names), dict(moves or {})
    return Relation(
        f"{', '.join(own)} {'+' if by >= 0 else '-'} {abs(by):g}",
        lambda x: {**x, **{n: x[n] + by for n in own}},
        lambda out, x: {o: y + moved[o] if o in moved else y for o, y in kept(out, only).items()},
        when=present(own, when),
    )


def scaled(
    factors: Mapping[str, float],
    outputs: Mapping[str, float] | None = None,
    *,
    exact: bool = False,
    only: Names = (),
    when: When = None,
) -> Relation:
    """Multiply inputs by numbers: the outputs are multiplied by theirs, 1 by default.

    Parameters
    ----------
    factors : mapping of str to float
        Factor of each input; powers of two are exact.
    outputs : mapping of str to float, optional
        Factor of each output that changes.
    exact : bool
        Whether the outputs must agree bit for bit.
    only : str or sequence of str
        Outputs that are compared; all by default.
    when : callable, optional
        From inputs and modes to whether the relation applies.

    Returns
    -------
    Relation
    """
    gains = dict(outputs or {})
    return Relation(
        ", ".join(f"{f:g} {n}" for n, f in factors.items()),
        lambda x: {**x, **{n: x[n] * f for n, f in factors.items()}},
        lambda out, x: {o: y * gains[o] if o in gains else y for o, y in kept(out, only).items()},
        exact,
        present(factors, when),
    )


def permuted(
    axes: Mapping[str, int | Sequence[int]],
    outputs: Mapping[str, int | Sequence[int]] | None = None,
    *,
    only: Names = (),
    when: When = None,
) -> Relation:
    """Put the entries along one axis of some inputs in another order, the same for all.

    Parameters
    ----------
    axes : mapping of str to int
        Axis of each input, from the right: ``{"k": -2, "lp": -1}``; several axes where both index the same thing.
    outputs : mapping of str to int, optional
        Axes of the outputs that follow the order; others stay.
    only : str or sequence of str
        Outputs that are compared; all by default.
    when : callable, optional
        From inputs and modes to whether the relation applies.

    Returns
    -------
    Relation
    """
    follow = dict(outputs or {})

    def change(x: Mapping[str, Any]) -> dict[str, Any]:
        return {**x, **{n: along(x[n], a, other_order) for n, a in axes.items() if n in x}}

    def expect(out: Mapping[str, Any], x: Mapping[str, Any]) -> dict[str, Any]:
        return {o: along(y, follow[o], other_order) if o in follow else y for o, y in kept(out, only).items()}

    return Relation(f"permuted {', '.join(axes)}", change, expect, when=present(list(axes)[:1], when))


def swapped(
    first: str, second: str, outputs: Sequence[tuple[str, str]] = (), *, only: Names = (), when: When = None
) -> Relation:
    """Exchange two inputs: the outputs of each pair are exchanged, others stay.

    Parameters
    ----------
    first, second : str
        Inputs.
    outputs : sequence of tuple of str
        Pairs of outputs.
    only : str or sequence of str
        Outputs that are compared; all by default.
    when : callable, optional
        From inputs and modes to whether the relation applies.

    Returns
    -------
    Relation
    """
    other = {a: b for a, b in outputs} | {b: a for a, b in outputs}
    return Relation(
        f"{first} and {second} exchanged",
        lambda x: {**x, first: x[second], second: x[first]},
        lambda out, x: {o: out[other.get(o, o)] for o in kept(out, only)},
        when=present((first, second), when),
    )


def filled(inputs: Mapping[str, float], gives: Mapping[str, Any], *, when: When = None) -> Relation:
    """Set every entry of some inputs to one number: some outputs are then known.

    Parameters
    ----------
    inputs : mapping of str to float
        Number of each input.
    gives : mapping of str to float or callable
        Number of each output, or a function of the inputs before the change to an array of its shape.
    when : callable, optional
        From inputs and modes to whether the relation applies.

    Returns
    -------
    Relation
    """

    def expect(out: Mapping[str, Any], x: Mapping[str, Any]) -> dict[str, Any]:
        return {o: out[o] * 0 + (g(x) if callable(g) else g) for o, g in gives.items() if o in out}

    told = ", ".join(f"{n} = {c:g}" for n, c in inputs.items())
    return Relation(
        told, lambda x: {**x, **{n: full(x[n], c) for n, c in inputs.items()}}, expect, when=present(inputs, when)
    )


def padded(
    inputs: Mapping[str, tuple[int, float]],
    *,
    count: int = 3,
    first: bool = False,
    only: Names = (),
    when: When = None,
) -> Relation:
    """Add entries that have no weight along an axis: nothing changes.

    Parameters
    ----------
    inputs : mapping of str to tuple
        Axis, from the right, and value of the new entries: ``{"k": (-2, 7), "v": (-2, 7), "lp": (-1, -inf)}``.
    count : int
        How many.
    first : bool
        Before the others instead of after them.
    only : str or sequence of str
        Outputs that are compared; all by default.
    when : callable, optional
        From inputs and modes to whether the relation applies.

    Returns
    -------
    Relation
    """

    def grown(x: Any, axis: int, value: float) -> Any:
        extra = full(take(x, axis, [0] * count), value)
        return join((extra, x) if first else (x, extra), axis)

    return Relation(
        f"{count} more entries without weight in {', '.join(inputs)}",
        lambda x: {**x, **{n: grown(x[n], a, c) for n, (a, c) in inputs.items()}},
        lambda out, x: kept(out, only),
        when=present(inputs, when),
    )


def duplicated(axes: Mapping[str, int], log_weight: str, *, only: Names = (), when: When = None) -> Relation:
    """Double the last entry along an axis and take log 2 off the log weight of both: nothing changes.

    Parameters
    ----------
    axes : mapping of str to int
        Axis of each input, from the right, the log weights among them.
    log_weight : str
        Input of log weights.
    only : str or sequence of str
        Outputs that are compared; all by default.
    when : callable, optional
        From inputs and modes to whether the relation applies.

    Returns
    -------
    Relation
    """

    def change(x: Mapping[str, Any]) -> dict[str, Any]:
        more = {n: take(x[n], a, [*range(x[n].shape[a]), -1]) for n, a in axes.items()}
        size = more[log_weight].shape[axes[log_weight]]
        less = [0.0] * (size - 2) + [math.log(2)] * 2
        return {**x, **more, log_weight: more[log_weight] - line(less, more[log_weight], axes[log_weight])}

    name = f"last entry of {', '.join(n for n in axes if n != log_weight)} doubled, {log_weight} - log 2"
    return Relation(name, change, lambda out, x: kept(out, only), when=present(axes, when))


def later(inputs: Mapping[str, int], outputs: Mapping[str, int], *, exact: bool = True, when: When = None) -> Relation:
    """Change the last entries along an axis: outputs at earlier places do not see them.

    Both axes are aligned at their ends, as causal attention of queries over more keys is.

    Parameters
    ----------
    inputs : mapping of str to int
        Axis of each input, from the right.
    outputs : mapping of str to int
        Axis of each output, from the right.
    exact : bool
        Whether the earlier outputs must agree bit for bit.
    when : callable, optional
        From inputs and modes to whether the relation applies (such as that the causal mask is on).

    Returns
    -------
    Relation
    """

    def change(x: Mapping[str, Any]) -> dict[str, Any]:
        new = dict(x)
        for name, axis in inputs.items():
            size = x[name].shape[axis]
            steps = [0.0 if i < size - tail(x, inputs) else 1.0 for i in range(size)]
            new[name] = x[name] + line(steps, x[name], axis)
        return new

    def expect(out: Mapping[str, Any], x: Mapping[str, Any]) -> dict[str, Any]:
        blank = {}
        for name, axis in outputs.items():
            if name in out:
                size = out[name].shape[axis]
                hide = [0.0 if i < size - tail(x, inputs) else math.nan for i in range(size)]
                blank[name] = out[name] + line(hide, out[name], axis)
        return blank

    return Relation(f"later entries of {', '.join(inputs)} changed", change, expect, exact, present(inputs, when))


def rotated(
    names: Names, axis: int = -1, outputs: Sequence[str] = (), *, only: Names = (), when: When = None
) -> Relation:
    """Turn vectors by the same orthogonal map, which mixes neighbouring coordinates and reverses their order.

    Parameters
    ----------
    names : str or sequence of str
        Inputs.
    axis : int
        Axis of the coordinates, from the right.
    outputs : sequence of str
        Outputs that turn along, on the same axis; others stay.
    only : str or sequence of str
        Outputs that are compared; all by default.
    when : callable, optional
        From inputs and modes to whether the relation applies.

    Returns
    -------
    Relation
    """
    own = names_of(names)

    def expect(out: Mapping[str, Any], x: Mapping[str, Any]) -> dict[str, Any]:
        return {o: turn(y, axis) if o in outputs else y for o, y in kept(out, only).items()}

    return Relation(
        f"{', '.join(own)} rotated",
        lambda x: {**x, **{n: turn(x[n], axis) for n in own}},
        expect,
        when=present(own, when),
    )
