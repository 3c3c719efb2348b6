"""Reductions: a claim follows from easier ones, which go to the engines for one inequality.

The rules are in `dltsym.prove.replay.reduction` (cases, squares, means), because the checker has to write down the
same parts. One more is used here only: for positive sides with symbolic exponents, ``a <= b`` exactly when ``log a <=
log b``. A proof is as strong as its weakest part; a part that is not proved says nothing about the goal.
"""

from __future__ import annotations

from collections.abc import Iterator

from dltsym.notation.tree import Pow, Rel, Sum
from dltsym.notation.walk import free_symbols, subterms
from dltsym.prove.engines import Engine, boundary, direct, finite, ladder, loglinear, smt, termwise
from dltsym.prove.problem import Problem
from dltsym.prove.replay.reduction import KIND, Reduction, ways
from dltsym.prove.stage import refuted
from dltsym.prove.sumterms import has_sum
from dltsym.prove.tower import Unknown
from dltsym.prove.verdict import PROVED, Row, Verdict, open_, proved, weakest

NAME = "reduction"
MAX_DEPTH, SECONDS_EACH = 4, 1.0
LOGS = "logarithms of both sides"


def run(problem: Problem) -> Verdict:
    """Decide an inequality by reduction to others.

    Parameters
    ----------
    problem : Problem
        Goal ``<`` or ``<=``.

    Returns
    -------
    Verdict
        ``proved`` or ``open``.
    """
    return _reduced(problem, 0)


def _reduced(problem: Problem, depth: int) -> Verdict:
    tried = []
    for way, rows in _ways(problem):
        done: list[Verdict] = []
        for part in way.parts:
            out = _part(part, depth)
            if out is None:
                tried.append(f"{way.rule}: {part.goal} is not proved")
                break
            done.append(out)
        else:
            return combined(NAME, problem, way, rows, done)
    return open_(NAME, "; ".join(tried) or "nothing to reduce")


def combined(name: str, problem: Problem, way: Reduction, rows: tuple[Row, ...], done: list[Verdict]) -> Verdict:
    """Return the proof of a goal from those of its parts.

    Parameters
    ----------
    name : str
        Engine.
    problem : Problem
        Problem.
    way : Reduction
        How it was reduced.
    rows : tuple of Row
        Side conditions of the reduction.
    done : list of Verdict
        Proofs of the parts, in their order.

    Returns
    -------
    Verdict
    """
    every = tuple(dict.fromkeys((*rows, *(r for v in done for r in v.rows))))
    parts = [
        {"goal": str(p.goal), "given": [str(r) for r in p.given[len(problem.given) :]], "engine": v.engine}
        for p, v in zip(way.parts, done, strict=True)
    ]
    inner = [v.evidence.get("certificate") for v in done]
    missing = [v.engine for v, c in zip(done, inner, strict=True) if not isinstance(c, dict) or c["kind"] == "none"]
    written = {"kind": KIND, "rule": way.rule, "parts": inner}
    if missing:
        written = {"kind": "none", "why": f"a part proved by {missing[0]} has no certificate"}
    certificate = {} if way.rule == LOGS else {"certificate": written}
    return proved(name, weakest(v.grade for v in done), every, method=way.rule, parts=parts, **certificate)


def _part(part: Problem, depth: int) -> Verdict | None:
    if refuted(part, 8):
        return None
    first = (lambda p: _reduced(p, depth + 1),) if depth < MAX_DEPTH else ()
    plain = (direct.run, lambda p: ladder.run(p, SECONDS_EACH), boundary.run)
    runs = (*first, *((termwise.run,) if has_sum(part.goal) else plain), smt.run, finite.run)
    return next((out for run in runs if (out := run(part)).status == PROVED), None)


def _ways(problem: Problem) -> Iterator[tuple[Reduction, tuple[Row, ...]]]:
    yield from ((way, ()) for way in ways(problem))
    goal = problem.goal
    if not any(isinstance(t, Pow) and free_symbols(t.exponent) for t in subterms(goal)):
        return
    if any(isinstance(t, Sum) for t in subterms(goal)):
        return
    rows: dict[str, Row] = {}
    try:
        small, big = (loglinear.log_form(s, problem, rows) for s in (goal.lhs, goal.rhs))
    except (loglinear.NotPositive, Unknown):
        return
    yield Reduction(LOGS, (problem.with_goal(Rel(small, goal.op, big)),)), tuple(rows.values())


ENGINE = Engine(NAME, "exact", 380, ("<", "<="), 8.0, run)
