"""Where a relation means nothing: a point inside the hypotheses at which a side condition is certified to fail."""

from __future__ import annotations

from collections.abc import Iterator

from dltsym.errors import DltsymError
from dltsym.notation.evaluate import holds
from dltsym.notation.tree import Rel, Sym
from dltsym.notation.walk import free_symbols, key
from dltsym.prove.certify import number
from dltsym.prove.definedness import Condition, conditions
from dltsym.prove.problem import Problem
from dltsym.prove.setting import Point
from dltsym.prove.stage import Stage

MOST = 64  # values of bound variables at one point


def undefined(altered: Problem, original: Problem, stage: Stage, count: int) -> str | None:
    """Look for a point where a condition of an altered goal fails that the original goal does not ask for.

    Parameters
    ----------
    altered, original : Problem
        Prepared problems with the same hypotheses.
    stage : Stage
        Points of the original.
    count : int
        How many of them to try.

    Returns
    -------
    str or None
        The condition; None says nothing.
    """
    asked = {key(c.rel) for c in _conditions(original)}
    for condition in _conditions(altered):
        if key(condition.rel) in asked or condition.near is not None:
            continue
        rels = tuple(map(stage.solve, (condition.rel.flipped(), *(r.flipped() for r in condition.instead))))
        local = tuple(stage.solve(r.flipped()) for r in condition.local)
        for _, point in stage.points(count):
            try:
                if any(all(holds(r, at) is False for r in rels) for at in _inside(local, rels, point)):
                    return str(condition)
            except DltsymError:
                continue
    return None


def _conditions(problem: Problem) -> Iterator[Condition]:
    for rel in (problem.written, problem.goal):
        if rel is not None:
            yield from conditions(rel)


def _inside(local: tuple[Rel, ...], rels: tuple[Rel, ...], point: Point) -> Iterator[Point]:
    """Yield the point with values of the bound integers for which the local hypotheses are certified to hold."""
    symbols = {s for r in (*local, *rels) for s in free_symbols(r)}
    if len({s.name for s in symbols}) < len(symbols):  # two symbols of one name: a point cannot tell them apart
        return
    todo: list[Point] = [{k: v for k, v in point.items() if not any(s.name == k and s.decl.uid for s in symbols)}]
    for k, rel in enumerate(local):
        var = rel.rhs
        if isinstance(var, Sym) and var.decl.uid and all(var.name not in at for at in todo):
            if var.decl.sort != "bound" or k + 1 == len(local) or local[k + 1].lhs != var:
                return
            todo = [{**at, var.name: n} for at in todo for n in _range(rel, local[k + 1], at)][:MOST]
    yield from (at for at in todo if all(holds(r, at) is True for r in local))


def _range(low: Rel, high: Rel, at: Point) -> range:
    ends = number(low.lhs, at), number(high.rhs, at)
    if any(e is None or not e[1] or e[0].denominator != 1 for e in ends):
        return range(0)
    return range(int(ends[0][0]), int(ends[1][0]) + 1)  # type: ignore[index]
