"""Checking records: one task per record, lemmas before their users, reports kept by content hash.

A task is a pure function of plain data, so any `concurrent.futures.Executor` can run it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from typing import Any

from dltsym.cache import Cache
from dltsym.coverage import coverage, plan, total
from dltsym.errors import CyclicLemma, suggest
from dltsym.formal import grades
from dltsym.index import Entry, Index, cycle, graph
from dltsym.pool import GuardedPool, cores
from dltsym.prove.verdict import GRADES, REFUTED, VACUOUS
from dltsym.task import Outcome, check_task, hurried

PRELOAD = ("dltsym.prove.ready", "dltsym.prove.check", "dltsym.task", "dltsym.catalogue", "dltsym.statement")
Progress = Callable[[int, int, str, Mapping[str, Any]], None]


def run(
    index: Index,
    keys: Iterable[str],
    cache: Cache,
    *,
    executor: Executor | None = None,
    jobs: int | None = None,
    timeout: float | None = 120,
    progress: Progress | None = None,
) -> dict[str, Outcome]:
    """Check records, each one once and after its lemmas.

    Parameters
    ----------
    index : Index
        Where to look records up.
    keys : iterable of str
        Keys of working records.
    cache : Cache
        Where reports and verdicts are kept; a report that is there is not made again.
    executor : Executor, optional
        Who runs the tasks; by default a `GuardedPool` of `jobs` workers with `timeout` seconds per record.
    jobs : int, optional
        Number of workers, by default one per core.
    timeout : float, optional
        Seconds per record.
    progress : callable, optional
        Called with number done, total, key and outcome; once at the start with 0 and no key.

    Returns
    -------
    dict of str to dict
        Reports as plain data, and ``{"error": ...}`` for records whose check failed; lemmas are included.
    """
    todo = sorted({name for key in keys for name in index.closure(key) if name in index.entries})
    schedule = _Schedule(index, cache, len(todo), progress)
    for key in todo:
        schedule.look_up(key)
    missing = [key for key in todo if key not in schedule.outcomes]
    if not missing:
        return schedule.outcomes
    if executor is not None:
        schedule.work(executor, missing)
        return schedule.outcomes
    workers = min(jobs or cores(), len(missing))
    with GuardedPool(workers, timeout=timeout, preload=PRELOAD) as pool:
        schedule.work(pool, missing)
    return schedule.outcomes


class _Schedule:
    """State of one run."""

    def __init__(self, index: Index, cache: Cache, total: int, progress: Progress | None) -> None:
        self.index, self.cache, self.total, self.progress = index, cache, total, progress
        self.outcomes: dict[str, Outcome] = {}
        self.edges = graph(index)
        self.names = {key: entry.file for key, entry in index.entries.items()}
        self.names |= {alias: self.names[key] for alias, key in index.aliases.items()}
        if progress:
            progress(0, total, "", {})

    def look_up(self, key: str) -> None:
        """Settle a record whose report is kept, or that rests on itself."""
        loop = cycle(self.edges, [key])
        if loop:
            self.settle(key, {"error": f"CyclicLemma: it rests on itself: {' -> '.join(loop)}"})
        elif (kept := self.cache.get(self.index.content(key))) is not None:
            self.settle(key, kept)

    def settle(self, key: str, outcome: Outcome) -> None:
        self.outcomes[key] = outcome
        if self.progress:
            self.progress(len(self.outcomes), self.total, key, outcome)

    def work(self, executor: Executor, missing: list[str]) -> None:
        """Submit every record when its lemmas are settled, those with many steps first: they take longest."""
        waiting = sorted(missing, key=lambda key: (-self.index.entries[key].row["steps"], key))
        running: dict[Future[Outcome], str] = {}
        while waiting or running:
            for key in [k for k in waiting if self.ready(k)]:
                waiting.remove(key)
                running[self.submit(executor, key)] = key
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                self.receive(running.pop(future), future)

    def ready(self, key: str) -> bool:
        return all(use in self.outcomes or use not in self.index.entries for use in self.edges[key])

    def submit(self, executor: Executor, key: str) -> Future[Outcome]:
        lemmas = {use: self.outcomes[use] for use in self.edges[key] if use in self.outcomes}
        return executor.submit(check_task, self.names[key], self.names, lemmas, self.cache)

    def receive(self, key: str, future: Future[Outcome]) -> None:
        try:
            outcome = future.result()
        except Exception as error:  # any defect of ours ends here: an error of this record, never a verdict
            notes = "".join(f"\n{note}" for note in getattr(error, "__notes__", ()))
            self.settle(key, {"error": f"{type(error).__name__}: {error}{notes}"})
            return
        keep(self.index, self.cache, key, outcome)
        self.settle(key, outcome)


def keep(index: Index, cache: Cache, key: str, outcome: Outcome) -> None:
    """Keep a report, and apart from it the little that `list` shows.

    Parameters
    ----------
    index : Index
        Index that it was made with.
    cache : Cache
        Where.
    key : str
        Record.
    outcome : dict
        Report as plain data.
    """
    if not hurried(outcome):
        cache.put(index.content(key), outcome)
        grade = outcome.get("grade") or outcome["verdict"]
        cache.put("grade " + index.content(key), {"grade": grade, "ok": outcome["ok"]})


def check_here(index: Index, key: str, cache: Cache) -> Outcome:
    """Check one record in this process, and before it the lemmas that it needs.

    Parameters
    ----------
    index : Index
        Where to look records up.
    key : str
        Key of a working record.
    cache : Cache
        Where reports are kept.

    Returns
    -------
    dict
        Report as plain data.

    Raises
    ------
    CyclicLemma
        When the record rests on itself.
    """
    loop = cycle(graph(index), [key])
    if loop:
        raise CyclicLemma(f"{key} rests on itself: {' -> '.join(loop)}")
    kept = cache.get(index.content(key))
    if kept is not None:
        return kept
    names = {name: entry.file for name, entry in index.entries.items()}
    names |= {alias: names[name] for alias, name in index.aliases.items()}
    lemmas = {use: check_here(index, use, cache) for use in index.uses(key) if use in index.entries}
    outcome = check_task(names[key], names, lemmas, cache)
    keep(index, cache, key, outcome)
    return outcome


def finish(index: Index, entry: Entry, outcome: Outcome) -> Outcome:
    """Add to a report what the catalogue knows: sources missing from the bibliography, pointers that lead nowhere.

    Parameters
    ----------
    index : Index
        Index.
    entry : Entry
        The record.
    outcome : dict
        Its report as plain data.

    Returns
    -------
    dict
    """
    found = list(outcome["problems"])
    for cite in entry.row["cites"]:
        if cite not in index.bibliography:
            hint = suggest(cite, index.bibliography)
            found.append(f"{entry.key}: no entry {cite!r} in references.bib{hint}")
    for key in entry.row["see"]:
        if index.aliases.get(key, key) not in index.entries:
            found.append(f"{entry.key}: see {key!r}: there is no such record{suggest(key, index.entries)}")
    audit = {"grade": outcome["verdict"], "steps": [], "cited": [], "uses": []} if entry.is_audit else {}
    if entry.is_audit:
        audit["mutants"] = {"made": 0, "rejected": 0, "survivors": []}
    known = grades.recorded(folder for pack in index.packs for folder in pack.folders)
    replayed = {} if entry.is_audit else grades.upgrade(outcome, known, grades.store())
    return {**outcome, **replayed, **audit, "problems": found, "ok": outcome["ok"] and not found}


def summary(index: Index, outcomes: Mapping[str, Outcome], broken: Mapping[str, str], seconds: float) -> dict[str, Any]:
    """Add up the reports of a run.

    Parameters
    ----------
    index : Index
        Index that they were made with.
    outcomes : mapping of str to dict
        Reports by key, errors included.
    broken : mapping of str to str
        Messages of the records that did not load.
    seconds : float
        How long it took.

    Returns
    -------
    dict
        The machine contract of ``dltsym verify``, with the reports under ``reports``.
    """
    reports = {k: finish(index, index.entries[k], o) for k, o in sorted(outcomes.items()) if "error" not in o}
    failed = dict(broken) | {k: o["error"] for k, o in outcomes.items() if "error" in o}
    theorems = [r for r in reports.values() if r["kind"] != "audit"]
    audits = [r for r in reports.values() if r["kind"] == "audit"]
    values = [v for r in reports.values() for v in r["values"]]
    tabled = {k: r for k, r in reports.items() if r["kind"] != "audit"}
    whole = set(index.entries) <= {*outcomes, *broken}
    rows = coverage(plan(index.packs), (*index.entries, *index.aliases), tabled, whole)
    grades = [s["grade"] for r in theorems for s in r["steps"] if s["role"] not in ("hypotheses", "break")]
    return {
        "ok": not failed and all(r["ok"] for r in reports.values()),
        "records": len(theorems),
        "steps_by_grade": {grade: grades.count(grade) for grade in (*GRADES, VACUOUS, REFUTED)},
        "values": {"total": len(values), "ok": sum(v["ok"] for v in values)},
        "mutants": {name: sum(r["mutants"][name] for r in theorems) for name in ("made", "rejected")},
        "coverage": [*rows, total(rows)],
        "audits": [{k: r[k] for k in ("key", "source", "verdict", "witness", "declared", "ok")} for r in audits],
        "broken": [
            {"key": k, "path": str(index.paths.get(k, "")), "error": text} for k, text in sorted(failed.items())
        ],
        "problems": [p for r in reports.values() for p in r["problems"]],
        "seconds": round(seconds, 3),
        "reports": reports,
    }  # fmt: skip
