"""Goals about the inverses of relative entropy, reduced by their definition; see `dltsym.prove.replay.inverses`."""

from __future__ import annotations

from dltsym.notation.tree import Call
from dltsym.notation.walk import subterms
from dltsym.prove.engines import Engine, boundary, direct, exact, given, ladder, loglinear, smt
from dltsym.prove.engines.reduce import combined
from dltsym.prove.problem import Problem
from dltsym.prove.replay.inverses import NAMES
from dltsym.prove.replay.reduction import by_definition
from dltsym.prove.sample import refute
from dltsym.prove.verdict import PROVED, Verdict, open_

NAME = "inverse"
MAX_DEPTH, SECONDS_EACH = 3, 1.0


def run(problem: Problem) -> Verdict:
    """Prove a goal about an inverse by goals about relative entropy itself.

    Parameters
    ----------
    problem : Problem
        Goal ``<``, ``<=`` or ``=``.

    Returns
    -------
    Verdict
        ``proved`` or ``open``.
    """
    return _reduced(problem, 0)


def _reduced(problem: Problem, depth: int) -> Verdict:
    tried = []
    for way in by_definition(problem):
        done: list[Verdict] = []
        for part in way.parts:
            out = _part(part, depth)
            if out is None:
                tried.append(f"{way.rule}: {part.goal} is not proved")
                break
            done.append(out)
        else:
            return combined(NAME, problem, way, (), done)
    return open_(NAME, "; ".join(tried) or "no inverse of relative entropy")


def _part(part: Problem, depth: int) -> Verdict | None:
    quick = given.run(part)
    if quick.status == PROVED:
        return quick
    if any(isinstance(t, Call) and t.name in NAMES for t in subterms(part.goal)) and depth < MAX_DEPTH:
        out = _reduced(part, depth + 1)
        if out.status == PROVED:
            return out
    if refute(part, points=8) is not None:
        return None
    if part.goal.op == "=":
        runs = (exact.run, loglinear.run, smt.run)
    else:
        runs = (direct.run, smt.run, lambda p: ladder.run(p, SECONDS_EACH), boundary.run)
    return next((out for run in runs if (out := run(part)).status == PROVED), None)


ENGINE = Engine(NAME, "exact", 55, ("=", "<", "<="), 8.0, run)
