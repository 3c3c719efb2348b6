"""`decide`: one problem, from side conditions to a verdict. Refutation comes first; unknown stays ``open``."""

from __future__ import annotations

import itertools
import signal
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

from dltsym.errors import InternalError
from dltsym.notation.matrices import MatrixNode
from dltsym.notation.tree import Call, Rel
from dltsym.prove.definedness import discharge
from dltsym.prove.engines import Engine, engines, given
from dltsym.prove.existence import doubtful, is_value
from dltsym.prove.problem import Problem, nodes
from dltsym.prove.replay import Rejected, replay
from dltsym.prove.replay.inverses import NAMES as INVERSES
from dltsym.prove.sample import refute
from dltsym.prove.stage import refuted
from dltsym.prove.verdict import PROVED, REFUTED, Row, Verdict, open_


class Memo(Protocol):
    """Where verdicts are kept between runs: any mapping-like store of JSON values."""

    def get(self, key: str) -> dict[str, Any] | None:
        """Return the stored value, or None."""

    def put(self, key: str, value: dict[str, Any]) -> None:
        """Store a value."""


@dataclass(frozen=True)
class Effort:
    """How hard to try: a factor on every budget, the slow refuter when all engines stop, the most that a step may take.

    The engines share `seconds` of processor time, and none takes more than half of what is left; sampling has its own,
    so that a step is at least tested. With refuters and side conditions a problem takes at most three times that.
    """

    scale: float = 1.0
    full_refuter: bool = True
    seconds: float = 10.0

    def of(self, engine: Engine, left: float | None = None) -> float:
        """Return the seconds of processor time that an engine gets: at most half of what the step has `left`."""
        share = self.seconds if left is None or engine.grade == "tested" else min(self.seconds, left / 2)
        return min(engine.budget * self.scale, share)

    @property
    def in_all(self) -> float:
        """Seconds of processor time for one problem."""
        return 3 * self.seconds


NORMAL = Effort()
OURS = str(Path(__file__).parents[1])
TICK, PATIENCE = 0.02, 2.0  # seconds of processor time
SHORT = 0.3  # seconds of processor time for an engine in the first round
BY_VALUES = ("integrals", "limits")  # engines that prove the value of every integral and limit in the goal
LATE = 600  # engines from this order on are asked after the others have had all their time
REFUTER = 605  # engines of a higher order run after the slow refuter


class BudgetOver(Exception):
    """An engine used up its time. It is ``open``, never a verdict."""


def _quiet(_signum: int, _frame: FrameType | None) -> None:
    """Ignore an alarm that rang while its limit was being lifted."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `BudgetOver` in the main thread after `seconds` of processor time; elsewhere only the pool's limit applies.

    Processor time, so that a busy machine gives the same verdicts. The alarm rings again until it finds one of our own
    frames on top: an exception out of z3's constructors or a garbage collector callback would be lost or do harm
    there. Code that never calls ours is stopped after `PATIENCE`.

    Parameters
    ----------
    seconds : float
        Budget.

    Yields
    ------
    None
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    rings = itertools.count()

    def ring(_signum: int, frame: FrameType | None) -> None:
        ours = frame is not None and frame.f_code.co_filename.startswith(OURS)
        if ours or next(rings) * TICK > PATIENCE:
            raise BudgetOver(f"budget of {seconds:g} s used up")

    outer, again = signal.getitimer(signal.ITIMER_PROF)
    budget = min(seconds, outer) if outer else seconds
    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, budget, TICK)
    started = time.process_time()
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before if callable(before) else _quiet)  # a late ring must find a handler
        if outer:
            signal.setitimer(signal.ITIMER_PROF, max(outer - (time.process_time() - started), TICK), again)


def run_engine(engine: Engine, problem: Problem, effort: Effort, left: float | None = None) -> Verdict:
    """Run one engine inside its budget; an exception or a timeout is ``open`` with the reason kept.

    Parameters
    ----------
    engine : Engine
        Which one.
    problem : Problem
        What to decide.
    effort : Effort
        Budget factor.
    left : float, optional
        Seconds of processor time that the step has left.

    Returns
    -------
    Verdict
    """
    if engine.name != "matrices" and any(issubclass(t, MatrixNode) for t in nodes(problem)):
        return open_(engine.name, "matrices do not commute")
    if engine.grade != "tested" and problem.folds:
        return open_(engine.name, "folds, cases, orders and loops are only tested")
    started, before = time.perf_counter(), time.process_time()
    try:
        with time_limit(effort.of(engine, left)):
            out = engine.run(problem)
    except BudgetOver as over:
        out = open_(engine.name, f"timeout: {over}", timeout=True)
    except InternalError as err:
        out = open_(engine.name, f"internal error: {err}", internal=True)
    except Exception as err:  # the guarded door: a failing engine decides nothing, and says why
        out = open_(engine.name, f"{type(err).__name__}: {err}", traceback=traceback.format_exc(limit=-4))
    spent = time.process_time() - before
    return replace(out, engine=out.engine or engine.name, seconds=time.perf_counter() - started, spent=spent)


def decide(problem: Problem, effort: Effort = NORMAL, memo: Memo | None = None) -> Verdict:
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
    slot = f"verdict-{problem.key}-{effort.scale:g}-{effort.full_refuter:d}-{effort.seconds:g}"
    kept = memo.get(slot) if memo else None
    if kept is not None and (known := _still(problem, from_json(kept))) is not None:
        return known
    started = time.perf_counter()
    try:
        with time_limit(effort.in_all):
            out = _decide(problem, effort)
    except BudgetOver as over:
        out = open_("decide", f"timeout: {over}", timeout=True)
    except RecursionError:
        out = open_("decide", "the statement is nested too deeply")
    out = replace(out, seconds=time.perf_counter() - started)
    if memo:
        memo.put(slot, to_json(out))
    return out


def _decide(problem: Problem, effort: Effort) -> Verdict:
    stated = given.stated(problem)
    if stated is not None:
        return stated
    rows, missing = discharge(problem)
    bad = refute(problem, points=16) if refuted(problem, 16) else None  # with a witness only where there is one
    if bad is not None:
        return bad
    if missing:
        return open_("definedness", "undefined: " + "; ".join(missing), missing=list(missing))
    return _asked(problem, rows, effort)


def _asked(problem: Problem, rows: tuple[Row, ...], effort: Effort) -> Verdict:
    """Ask the engines in order, at first for a short time each; those that stopped at that are asked again after it.

    What an engine of a lower grade proves in the first round is kept until the others have had their time.

    Returns
    -------
    Verdict
    """
    tried: list[dict[str, Any]] = []
    again: list[tuple[Engine, Problem, float]] = []
    weaker: Verdict | None = None
    until = time.process_time() + effort.seconds
    for engine, goal, most in _rounds(problem, effort, again):
        if engine.order >= LATE and weaker is not None:
            break
        if engine.order > REFUTER and effort.full_refuter and all(t["engine"] != "refuter" for t in tried):
            tried.append({"engine": "refuter", "reason": "no counterexample"})
            bad = refute(problem, points=64, effort="full")
            if bad is not None:
                return bad
        left = until - time.process_time()
        if effort.of(engine, left) <= 0:
            tried.append({"engine": engine.name, "reason": f"timeout: {effort.seconds:g} s are over", "timeout": True})
            continue
        out = _concluded(problem, goal, confirmed(goal, run_engine(engine, goal, replace(effort, seconds=most), left)))
        if out.status == PROVED:
            out = replace(out, rows=(*rows, *out.rows))
            if out.grade == "exact" or not again:
                return out
            weaker = weaker or out
        elif out.engine == "definedness" or out.status == REFUTED or out.evidence.get("internal"):
            return out  # no later engine may paper over a disagreement
        elif out.evidence.get("timeout") and most < effort.of(engine, until - time.process_time()):
            again.append((engine, goal, effort.seconds))
        else:
            late = {"timeout": True} if out.evidence.get("timeout") else {}
            tried.append({"engine": out.engine, "reason": str(out.evidence.get("reason", "unknown")), **late})
    if weaker is not None:
        return weaker
    more = {"timeout": True} if any("timeout" in t for t in tried) else {}
    return open_("", "every engine stopped", tried=tried, **more)


def _concluded(problem: Problem, goal: Problem, out: Verdict) -> Verdict:
    """Return what the answer of an engine about a goal says about the problem."""
    if out.status == PROVED:
        missing = doubtful(problem, out.engine in BY_VALUES or (out.engine == "cas" and is_value(problem.goal)))
        if missing:
            return open_("definedness", "undefined: " + "; ".join(missing), missing=list(missing))
    if out.status == REFUTED and goal is not problem:  # a refuted equation does not refute the inequality
        return open_(out.engine, str(out.evidence.get("reason", "unknown")))
    return out


def proved_by(problem: Problem, effort: Effort) -> str:
    """Ask the engines that come before the slow refuter for a proof, and nothing else.

    Parameters
    ----------
    problem : Problem
        Prepared problem.
    effort : Effort
        Budgets.

    Returns
    -------
    str
        Name of the engine that proves it; empty when none does.
    """
    if discharge(problem)[1]:
        return ""
    until = time.process_time() + effort.seconds * effort.scale
    for engine, goal in _attempts(problem):
        left = until - time.process_time()
        if engine.order > REFUTER or left <= 0:
            break
        out = confirmed(goal, run_engine(engine, goal, effort, left))
        if out.status == PROVED and not doubtful(problem, out.engine in BY_VALUES):
            return out.engine
    return ""


def confirmed(problem: Problem, verdict: Verdict) -> Verdict:
    """Replay the certificate of a proof, if it has one (``none`` says why not); one that is rejected proves nothing.

    Parameters
    ----------
    problem : Problem
        What the engine was asked.
    verdict : Verdict
        What it answered.

    Returns
    -------
    Verdict
        The same, or ``open`` with an internal error.
    """
    certificate = verdict.evidence.get("certificate")
    if verdict.status != PROVED or not isinstance(certificate, dict) or certificate.get("kind") == "none":
        return verdict
    try:
        replay(problem, certificate)
    except Rejected as err:
        return open_(verdict.engine, f"internal error: certificate rejected: {err}", internal=True)
    return verdict


def _still(problem: Problem, kept: Verdict) -> Verdict | None:
    """Return a verdict from the store when its certificate still holds, for the goal or for its equation."""
    if confirmed(problem, kept).status == kept.status:
        return kept
    equal = problem.with_goal(Rel(problem.goal.lhs, "=", problem.goal.rhs))
    return kept if problem.goal.op == "<=" and confirmed(equal, kept).status == kept.status else None


def _attempts(problem: Problem) -> Iterator[tuple[Engine, Problem]]:
    fast = sorted((e for e in engines() if e.order < LATE), key=lambda e: e.name not in _first(problem))
    yield from ((e, problem) for e in fast if problem.goal.op in e.ops)
    if problem.goal.op == "<=":
        equal = problem.with_goal(Rel(problem.goal.lhs, "=", problem.goal.rhs))
        yield from ((e, equal) for e in fast if e.grade == "exact" and "=" in e.ops and "<" not in e.ops)
    yield from ((e, problem) for e in engines() if e.order >= LATE and problem.goal.op in e.ops)


def _rounds(
    problem: Problem, effort: Effort, again: list[tuple[Engine, Problem, float]]
) -> Iterator[tuple[Engine, Problem, float]]:
    """Yield engines with their goal and seconds: the fast ones, those put into `again` meanwhile, the late ones."""
    attempts, first = list(_attempts(problem)), _first(problem)
    for engine, goal in attempts:
        if engine.order < LATE:
            yield engine, goal, effort.seconds if engine.name in first else min(SHORT, effort.seconds)
    yield from again
    yield from ((engine, goal, effort.seconds) for engine, goal in attempts if engine.order >= LATE)


def _first(problem: Problem) -> tuple[str, ...]:
    """Return the engine that the author's hint names, or those that know how to use facts when the step names some."""
    if problem.hint:
        return ("ladder", "boundary") if "@" in problem.hint else (problem.hint.partition("(")[0],)
    if not problem.facts or problem.goal.op == "=":
        return ()
    defined = any(isinstance(side, Call) and side.name in INVERSES for side in (problem.goal.lhs, problem.goal.rhs))
    return (given.NAME, "inverse", "z3") if defined else (given.NAME, "z3")


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
