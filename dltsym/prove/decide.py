"""`decide`: one problem, from side conditions to a verdict. Refutation comes first; unknown stays ``open``."""

from __future__ import annotations

import signal
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

from dltsym.notation.tree import Rel
from dltsym.prove.definedness import discharge
from dltsym.prove.engines import Engine, engines, given
from dltsym.prove.problem import Problem
from dltsym.prove.sample import refute
from dltsym.prove.verdict import PROVED, REFUTED, Row, Verdict, open_, proved


class Memo(Protocol):
    """Where verdicts are kept between runs: any mapping-like store of JSON values."""

    def get(self, key: str) -> dict[str, Any] | None:
        """Return the stored value, or None."""

    def put(self, key: str, value: dict[str, Any]) -> None:
        """Store a value."""


@dataclass(frozen=True)
class Effort:
    """How hard to try: a factor on every engine's budget, and whether the slow refuter runs when all engines stop."""

    scale: float = 1.0
    full_refuter: bool = True


class BudgetOver(Exception):
    """An engine used up its time. It is ``open``, never a verdict."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `BudgetOver` in the main thread after `seconds`; elsewhere only the pool's own limit applies.

    Parameters
    ----------
    seconds : float
        Wall-clock budget.

    Yields
    ------
    None

    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(_signum: int, _frame: object) -> None:
        raise BudgetOver(f"budget of {seconds:g} s used up")

    before = signal.signal(signal.SIGALRM, ring)
    outer = signal.setitimer(signal.ITIMER_REAL, seconds)[0]
    started = time.monotonic()
    try:
        yield
    finally:
        left = outer - (time.monotonic() - started) if outer else 0
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, max(left, 0.001) if outer else 0)


def run_engine(engine: Engine, problem: Problem, effort: Effort) -> Verdict:
    """Run one engine inside its budget; an exception or a timeout is ``open`` with the reason kept.

    Parameters
    ----------
    engine : Engine
        Which one.
    problem : Problem
        What to decide.
    effort : Effort
        Budget factor.

    Returns
    -------
    Verdict
    """
    started = time.perf_counter()
    try:
        with time_limit(engine.budget * effort.scale):
            out = engine.run(problem)
    except BudgetOver as over:
        out = open_(engine.name, f"timeout: {over}")
    except Exception as err:
        out = open_(engine.name, f"{type(err).__name__}: {err}", traceback=traceback.format_exc(limit=-4))
    return replace(out, engine=out.engine or engine.name, seconds=time.perf_counter() - started)


def decide(problem: Problem, effort: Effort = Effort(), memo: Memo | None = None) -> Verdict:
    """Decide a problem: side conditions, quick refuter, engines in order, full refuter and sampling.

    Parameters
    ----------
    problem : Problem
        Prepared problem.
    effort : Effort
        Budgets.
    memo : Memo, optional
        Store of earlier verdicts, keyed by the content of the problem.

    Returns
    -------
    Verdict
        ``proved`` with its grade and side conditions, ``refuted`` with a witness, or ``open``.
    """
    slot = f"verdict-{problem.key}-{effort.scale:g}"
    kept = memo.get(slot) if memo else None
    if kept is not None:
        return from_json(kept)
    started = time.perf_counter()
    out = replace(_decide(problem, effort), seconds=time.perf_counter() - started)
    if memo:
        memo.put(slot, to_json(out))
    return out


def _decide(problem: Problem, effort: Effort) -> Verdict:
    stated = given.run(problem)
    if stated.status == PROVED:
        return stated
    rows, missing = discharge(problem)
    if missing:
        bad = refute(problem, points=16)
        if bad is not None:
            return bad
        return open_("definedness", "undefined: " + "; ".join(missing), missing=list(missing))
    bad = refute(problem, points=16)
    if bad is not None:
        return bad
    tried: list[dict[str, str]] = []
    for engine, goal in _attempts(problem):
        out = run_engine(engine, goal, effort)
        if out.status == PROVED:
            done = proved(out.engine, out.grade, (*rows, *out.rows), **out.evidence)
            return replace(done, witness=out.witness)
        if out.status == REFUTED:
            return out
        tried.append({"engine": out.engine, "reason": str(out.evidence.get("reason", "unknown"))})
        if engine.order >= 600 and effort.full_refuter and not any(t["engine"] == "refuter" for t in tried):
            tried.append({"engine": "refuter", "reason": "no counterexample"})
            bad = refute(problem, points=64, effort="full")
            if bad is not None:
                return bad
    return open_("", "every engine stopped", tried=tried)


def _attempts(problem: Problem) -> Iterator[tuple[Engine, Problem]]:
    fast = sorted((e for e in engines() if e.order < 600), key=lambda e: e.name not in _first(problem))
    late = [e for e in engines() if e.order >= 600]
    yield from ((e, problem) for e in fast if problem.goal.op in e.ops)
    if problem.goal.op == "<=":
        equal = problem.with_goal(Rel(problem.goal.lhs, "=", problem.goal.rhs))
        yield from ((e, equal) for e in fast if e.grade == "exact" and "=" in e.ops and "<" not in e.ops)
    yield from ((e, problem) for e in late if problem.goal.op in e.ops)


def _first(problem: Problem) -> tuple[str, ...]:
    """Return the engine that the author's hint names, or the glue when the step names facts."""
    if problem.hint:
        return ("ladder", "boundary") if "@" in problem.hint else (problem.hint.partition("(")[0],)
    return ("z3",) if problem.facts and problem.goal.op != "=" else ()


def to_json(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict as plain data.

    Parameters
    ----------
    verdict : Verdict
        Verdict.

    Returns
    -------
    dict
    """
    return asdict(verdict)


def from_json(data: dict[str, Any]) -> Verdict:
    """Read back what `to_json` wrote.

    Parameters
    ----------
    data : dict
        Plain data.

    Returns
    -------
    Verdict
    """
    return Verdict(**{**data, "rows": tuple(Row(**r) for r in data["rows"])})


