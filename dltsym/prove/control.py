"""Negative control: altered versions of every proved step have to be refuted, and may not be proved.

What becomes of an altered relation: it is *refuted* at a certified point, or means nothing there; it is *equivalent* to
the original, or *true* as well (the original has slack at that place), and then there was nothing to refute; else it
survives. Every refuted one is also given to the engine that proved the original, for as long as that took; one that
took longer than `MOST` is not asked, for it would be cut off before it could err.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from dltsym.errors import DltsymError
from dltsym.notation.tree import Rel
from dltsym.prove.decide import Effort, proved_by, run_engine
from dltsym.prove.definedness import discharge
from dltsym.prove.engines import engines
from dltsym.prove.mutants import Mutant, mutants, same_bits, weaker
from dltsym.prove.problem import Fact, Problem
from dltsym.prove.report import MutantReport
from dltsym.prove.sample import FULL, refute
from dltsym.prove.search import lowest
from dltsym.prove.stage import Stage, stage_of
from dltsym.prove.undefined import undefined
from dltsym.prove.verdict import OPEN, PROVED, REFUTED

POINTS = 24
LEAST, MOST = 0.03, 0.15  # seconds of processor time for the engine that proved the original
SEARCH = 0.5  # what is found downhill is mostly found at once
OTHERS = Effort(0.1, seconds=2.0)  # for all engines together: a proof of what is true is mostly found at once
REFUTED_AT, UNDEFINED, EQUIVALENT, TRUE, ALIVE = "refuted", "undefined", "equivalent", "true", "not decided"
_BY_VALUE = ("integrals", "limits")  # points know no limits


@dataclass(frozen=True)
class Proof:
    """A proved step: its problem, its engine and how long that took, the premises that the record cites."""

    problem: Problem
    engine: str
    premises: tuple[Fact, ...] = ()
    spent: float = MOST

    @property
    def effort(self) -> Effort:
        """Effort of the engine on an altered claim: half as much again as the original took, within limits."""
        return Effort(0.1, seconds=min(MOST, max(LEAST, 1.5 * self.spent)))

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """Points of the step; what premises imply is rarely met by chance, and points of theirs are easier to find."""
        alone = stage_of(self.problem)
        return (alone, stage_of(self.problem.knowing(self.premises))) if self.premises else (alone,)

    @cached_property
    def others(self) -> Stage:
        """Other points than those that refute."""
        return Stage(self.problem, seed=3)

    def about_points(self, altered: Problem) -> bool:
        """Whether the points of the step say something about an altered one; matrices have a sampler of their own."""
        return not any(s.is_matrix for s in self.problem.symbols) and self.stages[0].takes(altered.goal)


def control(proofs: Sequence[Proof], most: int = 45) -> tuple[MutantReport, list[str]]:
    """Refute altered versions of every proved step, and hold the engine that proved it against each of them.

    Parameters
    ----------
    proofs : sequence of Proof
        Proved steps.
    most : int
        About how many altered relations to make in all.

    Returns
    -------
    tuple of MutantReport and list of str
        The report, and what an engine has wrongly proved.
    """
    each = max(2, min(12, most // max(len(proofs), 1)))
    tally = _Tally()
    for proof in proofs:
        problem = proof.problem
        for m in mutants(problem.goal if problem.written is None else problem.written, each):
            tally.add(m, *fate(m.rel, proof))
    return MutantReport(tally.made, tally.rejected, tuple(tally.survivors), tuple(tally.true)), tally.wrong


@dataclass
class _Tally:
    """Fates so far."""

    made: int = 0
    rejected: int = 0
    survivors: list[dict[str, str]] = field(default_factory=list)
    true: list[dict[str, str]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def add(self, m: Mutant, what: str, reason: str) -> None:
        row = {"mutant": f"{m.rel}", "what": m.what, "reason": reason or what}
        if what == TRUE:
            self.true.append(row)
        elif what != EQUIVALENT:
            self.made += 1
            self.rejected += what in (REFUTED_AT, UNDEFINED)
            self.survivors += [row] if what == ALIVE else []
            self.wrong += [f"internal error: {reason} the refuted mutant {m.rel}"] if reason and what != ALIVE else []


def fate(rel: Rel, proof: Proof) -> tuple[str, str]:
    """Say what becomes of an altered relation.

    Parameters
    ----------
    rel : Rel
        As a writer would have it.
    proof : Proof
        Of the original.

    Returns
    -------
    what : {"refuted", "undefined", "equivalent", "true", "not decided"}
        Verdict.
    reason : str
        Why it is not decided; of a refuted or undefined one, what was wrongly proved.
    """
    original = proof.problem
    try:
        altered = original.stating(rel)
        if _refuted(altered, proof):
            return REFUTED_AT, f"{proof.engine} proves" if _status(proof, altered) == PROVED else ""
        if proof.about_points(altered) and undefined(altered, original, proof.stages[0], POINTS) is not None:
            return UNDEFINED, "" if discharge(altered)[1] else "side conditions are proved of"
        like = original.goal.op != "=" and altered.goal.op == original.goal.op
        if like and weaker(altered.goal, original.goal, proof.others, POINTS):
            return EQUIVALENT, ""
        if same_bits(altered.goal, original.goal):
            return (EQUIVALENT if original.goal.op == "=" else TRUE), ""
        proved = _status(proof, altered) == PROVED
        if proof.about_points(altered) and proof.stages[0].refutes(altered.goal, FULL):
            return REFUTED_AT, f"{proof.engine} proves" if proved else ""
        if proved or proved_by(altered.knowing(proof.premises) if proof.premises else altered, OTHERS):
            return (EQUIVALENT if original.goal.op == "=" else TRUE), ""
        if proof.about_points(altered) and undefined(altered, original, proof.stages[0], FULL) is not None:
            return UNDEFINED, "" if discharge(altered)[1] else "side conditions are proved of"
        return (REFUTED_AT if _attacked(altered, proof) else ALIVE), ""
    except DltsymError as err:
        return ALIVE, f"{ALIVE}: {err}"


def _refuted(altered: Problem, proof: Proof) -> bool:
    if not proof.about_points(altered):
        return refute(altered, POINTS) is not None
    if any(stage.refutes(altered.goal, POINTS) for stage in proof.stages):
        return True
    return proof.engine in _BY_VALUE and _status(proof, altered) == REFUTED


def _status(proof: Proof, altered: Problem) -> str:
    """Ask the engine of a proof; the side conditions are proved only when it says something, for that is slower."""
    asked = proof.spent <= MOST or proof.engine in _BY_VALUE
    usable = (e for e in engines() if e.name == proof.engine and altered.goal.op in e.ops and e.order < 600)
    engine = next(usable, None) if asked else None
    found = OPEN if engine is None else run_engine(engine, altered, proof.effort).status
    return OPEN if found == OPEN or discharge(altered)[1] else found


def _attacked(altered: Problem, proof: Proof) -> bool:
    """Search downhill from the points that do not refute it."""
    if not proof.about_points(altered):
        return refute(altered, FULL, effort="full") is not None
    stage, until = proof.stages[0], time.process_time() + SEARCH
    goal = stage.solve(altered.goal)
    if goal.op not in ("<", "<="):
        return False
    seen = [point for k, point in stage.points(FULL, certified=False) if stage.truth(goal, k) is not None]
    s = replace(stage.setting, problem=replace(stage.setting.problem, goal=goal))
    return lowest(s, seen, 0, until) is not None
