"""One case, proved: a pure function of plain data that runs in a worker process."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from dltsym.cache import Cache
from dltsym.cases.read import ERROR, Case
from dltsym.cases.state import CaseError, Statement, reading, state
from dltsym.packs import RecordFile
from dltsym.prove.decide import BudgetOver, Effort, decide, time_limit
from dltsym.prove.facts import Used, grade_with, inhabited, lemma_fact
from dltsym.prove.problem import Problem, prepare
from dltsym.prove.vacuous import satisfied_at
from dltsym.prove.verdict import OPEN, PROVED, REFUTED, TESTED, VACUOUS, Verdict, open_, weakest
from dltsym.record import Lemma
from dltsym.task import Memo, Outcome, lemma, lemma_report


@dataclass(frozen=True)
class Library:
    """Theorems that cases may use: the file of every key and alias, and the reports of those that are used."""

    files: Mapping[str, RecordFile]
    reports: Mapping[str, Outcome]


def prove_case(case: Case, library: Library, cache: Cache, seconds: float) -> Outcome:
    """Prove one case.

    Parameters
    ----------
    case : Case
        Case as it is written.
    library : Library
        Theorems.
    cache : Cache
        Where verdicts are kept.
    seconds : float
        Processor time of the engines; the whole case takes at most three times that.

    Returns
    -------
    dict
        Plain data; the keys are those of `blank`.
    """
    started, effort = time.perf_counter(), Effort(seconds=seconds)
    try:
        with time_limit(effort.in_all):
            out = _proved(case, library, cache, effort)
    except CaseError as err:
        out = failed(case, err)
    except BudgetOver as over:
        out = unknown(case, f"timeout: {over}", timeout=True)
    except RecursionError:
        out = unknown(case, "the statement is nested too deeply")
    out["seconds"] = round(time.perf_counter() - started, 3)
    return json.loads(json.dumps(out, default=str), parse_constant=str)


def blank(case: Case) -> Outcome:
    """Return the outcome of a case of which nothing is known.

    Parameters
    ----------
    case : Case
        Case.

    Returns
    -------
    dict
    """
    return {
        "id": case.id, "line": case.line, "claim": case.claim.text, "status": OPEN, "grade": "open", "engine": "",
        "seconds": 0.0, "timeout": False, "witness": None, "certificate": None, "rows": [], "reason": "",
        "evidence": [], "satisfied_at": None, "cited": [], "error": None, "expect": case.expect, "ok": False,
    }  # fmt: skip


def unknown(case: Case, reason: str, timeout: bool = False) -> Outcome:
    """Return the outcome of a case that could not be decided.

    Parameters
    ----------
    case : Case
        Case.
    reason : str
        Why.
    timeout : bool
        Whether more time might help.

    Returns
    -------
    dict
    """
    return blank(case) | {"reason": reason, "timeout": timeout}


def failed(case: Case, err: CaseError) -> Outcome:
    """Return the outcome of a case that cannot be read.

    Parameters
    ----------
    case : Case
        Case.
    err : CaseError
        What is wrong.

    Returns
    -------
    dict
    """
    column = None if err.column is None else err.column + 1
    place = {"part": err.where, "line": err.line, "column": column, "message": err.why}
    return blank(case) | {"status": ERROR, "grade": ERROR, "reason": str(err), "error": place}


def _proved(case: Case, library: Library, cache: Cache, effort: Effort) -> Outcome:
    statement = state(case)
    with reading("claim", case.claim):  # derivatives are carried out here, those that there are
        goals = [prepare(rel, statement.given, (), case.hint) for rel in statement.claim]
    point: dict[str, str] | None = None
    for goal in goals:
        found = _satisfied(goal, effort)
        if isinstance(found, Verdict):
            return _outcome(case, [found], None, ())
        point = found
    verdicts, cited = [], []
    for goal in goals:
        used = _facts(case, statement, goal, library)
        verdicts.append(_decided(statement, goal, used, cache, effort))
        cited += [c for u in used for c in u.cited]
        if verdicts[-1].status == REFUTED:
            break
    return _outcome(case, verdicts, point, tuple(dict.fromkeys(cited)))


def _satisfied(problem: Problem, effort: Effort) -> dict[str, str] | Verdict | None:
    try:
        with time_limit(effort.seconds):
            return satisfied_at(problem)
    except BudgetOver:
        return None


def _facts(case: Case, statement: Statement, goal: Problem, library: Library) -> tuple[Used, ...]:
    out = []
    for use in case.by:
        with reading('"by"', use.key):
            out.append(lemma_fact(
                Lemma(use.key.text, use.at, use.part), goal, statement.scope.symbols,
                lambda key: lemma(library.files, key), lambda key: lemma_report(library.files, library.reports, key),
            ))  # fmt: skip
    return tuple(out)


def _decided(statement: Statement, goal: Problem, used: Sequence[Used], cache: Cache, effort: Effort) -> Verdict:
    facts = prepare(goal.goal, (), dict.fromkeys(u.fact for u in used)).facts
    problem = replace(goal, facts=facts)
    rows, empty = inhabited(problem, [goal.goal], statement.given)
    missing = [*(m for u in used for m in u.missing), *empty]
    if missing:
        return open_("lemmas", "; ".join(missing))
    verdict = decide(problem, effort, Memo(cache))
    if verdict.status != PROVED:
        return verdict
    verdict = replace(verdict, rows=(*verdict.rows, *rows, *(r for u in used for r in u.rows)))
    return replace(verdict, grade=weakest([grade_with(tuple(used), verdict.grade)[0], *(r.grade for r in rows)]))


def _outcome(case: Case, verdicts: Sequence[Verdict], point: Mapping[str, str] | None, cited: Sequence[str]) -> Outcome:
    """Put the links of a claim together: it is known as well as its weakest link."""
    order = (PROVED, OPEN, VACUOUS, REFUTED)
    status = max((v.status for v in verdicts), key=order.index)
    worst = next(v for v in verdicts if v.status == status)
    grade = weakest([v.grade for v in verdicts]) if status == PROVED else worst.grade
    certificates = [v.evidence.get("certificate") for v in verdicts] if status == PROVED else [None]
    return blank(case) | {
        "status": TESTED if status == PROVED and any(map(_only_tested, verdicts)) else status,
        "grade": grade,
        "engine": ", ".join(dict.fromkeys(v.engine for v in verdicts if v.status == status)),
        "timeout": any(v.evidence.get("timeout") is True for v in verdicts if v.status == OPEN),
        "witness": dict(worst.witness) if status == REFUTED and worst.witness else None,
        "certificate": certificates[0] if len(certificates) == 1 else certificates,
        "rows": [asdict(r) for v in verdicts for r in v.rows],
        "reason": _reason(worst, bool(case.given) and point is None),
        "evidence": [{k: e for k, e in v.evidence.items() if k != "certificate"} for v in verdicts],
        "satisfied_at": point,
        "cited": list(cited),
    }


def _only_tested(verdict: Verdict) -> bool:
    """Whether a step rests on random points, whatever else weakens its grade: that is no proof."""
    return TESTED in (verdict.grade, *(r.grade for r in verdict.rows)) or verdict.engine == "sampled"


def _reason(verdict: Verdict, unsure: bool) -> str:
    evidence = verdict.evidence
    if verdict.status == VACUOUS:
        return f"these hypotheses contradict each other: {', '.join(evidence['contradiction'])}"
    if verdict.status == REFUTED and "difference" in evidence:
        return "there, left side minus right side lies in [{}, {}]".format(*evidence["difference"])
    if verdict.status == OPEN:
        tried = [t["engine"] for t in evidence.get("tried", ()) if not t.get("timeout")]
        late = [t["engine"] for t in evidence.get("tried", ()) if t.get("timeout")]
        parts = (f"tried {', '.join(tried)}" if tried else "", f"out of time: {', '.join(late)}" if late else "")
        return "; ".join(x for x in (str(evidence.get("reason", "not decided")), *parts) if x)
    return "no point that satisfies the hypotheses was found" if verdict.status == PROVED and unsure else ""
