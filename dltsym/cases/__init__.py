"""Cases: claims from a JSON file, decided without any Python of their author (``dltsym prove FILE.json``).

A case is data: symbols with domains, hypotheses and a claim as text in the grammar of `dltsym.notation.parse`. The file
is checked as a whole first (`CasesError`); then every case is read and decided in a guarded process of its own, and one
that cannot be read is an outcome like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future, as_completed
from typing import Any

from dltsym import batch
from dltsym import index as indexing
from dltsym.cache import Cache
from dltsym.cases.jsontext import CasesError, Document, document
from dltsym.cases.read import Case, read
from dltsym.cases.state import CaseError
from dltsym.cases.task import Library, failed, prove_case, unknown
from dltsym.errors import BrokenRecord, UnknownKey
from dltsym.pool import GuardedPool, TaskTimeout, WorkerDied, cores
from dltsym.prove.verdict import GRADES, OPEN, PROVED, TESTED
from dltsym.task import Outcome

__all__ = ["Case", "CasesError", "Document", "document", "read", "run"]
PRELOAD = ("dltsym.prove.ready", "dltsym.cases.task")
SECONDS = 10.0
Progress = Callable[[int, int, str, Mapping[str, Any]], None]


def run(
    cases: Sequence[Case],
    cache: Cache,
    *,
    seconds: float = SECONDS,
    jobs: int | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> list[Outcome]:
    """Decide cases, each in a guarded process, and hold the outcomes against what their author expects.

    Parameters
    ----------
    cases : sequence of Case
        Cases.
    cache : Cache
        Where verdicts are kept.
    seconds : float
        Processor time of the engines; a case takes at most three times that, and some more on a busy machine.
    jobs : int, optional
        Processes, by default one per core.
    executor : Executor, optional
        Who runs the tasks instead.
    progress : callable, optional
        Called with number done, total, id and outcome; once at the start with 0 and no id.

    Returns
    -------
    list of dict
        One outcome per case, in the order of the cases.
    """
    if executor is None:  # its limit is twice the processor time of a case: it holds when a solver does not listen
        with GuardedPool(min(jobs or cores(), len(cases)), timeout=12 * seconds + 10, preload=PRELOAD) as pool:
            return run(cases, cache, seconds=seconds, jobs=jobs, executor=pool, progress=progress)
    if progress:
        progress(0, len(cases), "", {})
    library, wrong = _library(cases, cache, jobs)
    outcomes = [failed(case, wrong[case.id]) if case.id in wrong else {} for case in cases]
    sound = [True] * len(cases)
    todo = [k for k, case in enumerate(cases) if case.id not in wrong]
    done = len(cases) - len(todo)
    futures = {executor.submit(prove_case, cases[k], library, cache, seconds): k for k in todo}
    for future in as_completed(futures):
        place = futures[future]
        outcomes[place], sound[place] = _result(cases[place], future)
        done += 1
        if progress:
            progress(done, len(cases), cases[place].id, outcomes[place])
    return [o | {"ok": fine and _as_expected(o)} for o, fine in zip(outcomes, sound, strict=True)]


def _result(case: Case, future: Future[Outcome]) -> tuple[Outcome, bool]:
    """Return an outcome, and whether it may be as expected: a process of ours that failed is never a pass."""
    try:
        return future.result(), True
    except TaskTimeout as error:
        return unknown(case, f"timeout: {error}", timeout=True), True
    except (WorkerDied, MemoryError) as error:
        return unknown(case, f"the process that worked on it ended: {error or 'out of memory'}"), False
    except Exception as error:  # any defect of ours ends here: this case is unknown, says why and is not ok
        return unknown(case, f"internal error: {type(error).__name__}: {error}"), False


def _as_expected(outcome: Outcome) -> bool:
    wanted, status = outcome["expect"] or PROVED, outcome["status"]
    if wanted in GRADES and wanted != OPEN:
        return status in (PROVED, TESTED) and GRADES.index(outcome["grade"]) <= GRADES.index(wanted)
    return status == wanted


def _library(cases: Sequence[Case], cache: Cache, jobs: int | None) -> tuple[Library, dict[str, CaseError]]:
    """Check the theorems that cases use; name the cases that use what there is not."""
    if not any(case.by for case in cases):
        return Library({}, {}), {}
    index, wrong, keys = indexing.build(), {}, set()
    for case in cases:
        for use in case.by:
            try:
                entry = index.entry(use.key.text)
            except (UnknownKey, BrokenRecord) as error:
                wrong[case.id] = CaseError('"by"', use.key.line, str(error))
                continue
            keys.add(entry.key)
            if entry.is_audit:
                wrong[case.id] = CaseError('"by"', use.key.line, f"{entry.key} is an audit, not a theorem")
    files = {key: entry.file for key, entry in index.entries.items()}
    files |= {alias: files[key] for alias, key in index.aliases.items()}
    return Library(files, batch.run(index, sorted(keys), cache, jobs=jobs)), wrong
