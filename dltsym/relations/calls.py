"""Changes that take several calls, or compare in one direction only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dltsym.operators import Relation
from dltsym.relations.arrays import Names, When, along, exp, logaddexp, names_of, other_order, present, take


def split(
    axes: Mapping[str, int], lse: str, averages: Sequence[str] = (), *, when: When = None, columns: Names = ()
) -> Relation:
    """Call on both halves of an axis and merge: log-sum-exps add up, averages are weighted by them.

    Parameters
    ----------
    axes : mapping of str to int
        Axis of each input that is cut, from the right.
    lse : str
        Output with the log-sum-exp, in nats.
    averages : sequence of str
        Outputs that are averages; they have one more axis than the log-sum-exp where `columns` names them.
    when : callable, optional
        From inputs and modes to whether the relation applies.
    columns : str or sequence of str
        Averages with one more axis on the right.

    Returns
    -------
    Relation
    """
    wide = names_of(columns)

    def change(x: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
        some = next(iter(axes))
        size = x[some].shape[axes[some]]
        halves = range(size // 2), range(size // 2, size)
        return tuple({**x, **{n: take(x[n], a, list(h)) for n, a in axes.items() if n in x}} for h in halves)

    def read(after: Sequence[Mapping[str, Any]], before: Mapping[str, Any]) -> dict[str, Any]:
        a, b = after
        whole = logaddexp(a[lse], b[lse])
        out = {lse: whole}
        for name in averages:
            u, w = (exp(part[lse] - whole) for part in (a, b))
            u, w = (u[..., None], w[..., None]) if name in wide else (u, w)
            out[name] = u * a[name] + w * b[name]
        return out

    def expect(out: Mapping[str, Any], x: Mapping[str, Any]) -> dict[str, Any]:
        return {o: out[o] for o in (lse, *averages)}

    def two(x: Mapping[str, Any], modes: Mapping[str, Any]) -> bool:
        some = next(iter(axes))
        return some in x and x[some].shape[axes[some]] > 1 and (when is None or when(x, modes))

    return Relation(f"{', '.join(axes)} in two halves", change, expect, when=two, read=read)


def adds(name: str, outputs: Names, *, when: When = None) -> Relation:
    """Add another array to an input: linear outputs add up, ``f(x + y) - f(y) = f(x)``.

    Parameters
    ----------
    name : str
        Input.
    outputs : str or sequence of str
        Outputs that are linear in it.
    when : callable, optional
        From inputs and modes to whether the relation applies.

    Returns
    -------
    Relation
    """

    def change(x: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
        other = along(x[name], tuple(range(-len(x[name].shape), 0)), other_order) * 2
        return {**x, name: other}, {**x, name: x[name] + other}

    def read(after: Sequence[Mapping[str, Any]], before: Mapping[str, Any]) -> dict[str, Any]:
        return {o: after[1][o] - after[0][o] for o in names_of(outputs)}

    def expect(out: Mapping[str, Any], x: Mapping[str, Any]) -> dict[str, Any]:
        return {o: out[o] for o in names_of(outputs)}

    return Relation(f"linear in {name}", change, expect, when=present((name,), when), read=read)


def increasing(name: str, outputs: Names, by: float = 0.25, *, when: When = None) -> Relation:
    """Add to an input: outputs do not decrease.

    Parameters
    ----------
    name : str
        Input.
    outputs : str or sequence of str
        Outputs that increase with it.
    by : float
        What is added.
    when : callable, optional
        From inputs and modes to whether the relation applies.

    Returns
    -------
    Relation
    """

    def read(after: Sequence[Mapping[str, Any]], before: Mapping[str, Any]) -> dict[str, Any]:
        steps = {o: after[0][o] - before[o] for o in names_of(outputs)}
        return {o: (s - abs(s)) / 2 for o, s in steps.items()}

    return Relation(
        f"increasing in {name}",
        lambda x: {**x, name: x[name] + by},
        lambda out, x: {o: out[o] * 0 for o in names_of(outputs)},
        when=present((name,), when),
        read=read,
    )
