"""The catalogue: every record of every pack, and what is known about each.

A record that cannot be loaded, or that hangs or ends its process, is listed as broken and hurts nobody else.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dltsym import batch, task
from dltsym import index as indexing
from dltsym.cache import Cache, open_cache
from dltsym.errors import BrokenRecord, CyclicLemma, UnknownKey, suggest
from dltsym.index import Index
from dltsym.packs import Record, load_record
from dltsym.prove.report import AuditReport, Report
from dltsym.record import Audit, Theorem


@dataclass(frozen=True)
class Catalogue:
    """Loaded records, broken ones with the reason, and the file of each, by key."""

    records: dict[str, Record] = field(default_factory=dict)
    broken: dict[str, BrokenRecord] = field(default_factory=dict)
    paths: dict[str, Path] = field(default_factory=dict)


def load(paths: Sequence[Path] | None = None) -> Catalogue:
    """Load every record into this process, after a guarded process has shown that it loads.

    Parameters
    ----------
    paths : sequence of Path, optional
        Folders to read instead of the packs in use.

    Returns
    -------
    Catalogue
    """
    index = indexing.build(paths)
    out = Catalogue(broken=dict(index.broken), paths=dict(index.paths))
    for key, entry in index.entries.items():
        try:
            out.records[key] = load_record(entry.file)
        except BrokenRecord as error:
            out.broken[key] = error
    return out


def snapshot() -> Index:
    """Read what the packs hold now, once for many look-ups.

    Returns
    -------
    Index
    """
    return indexing.build()


def get(key: str, *, index: Index | None = None) -> Record:
    """Load one record.

    Parameters
    ----------
    key : str
        Dotted key, or an alias.
    index : Index, optional
        A `snapshot` to look it up in; by default the packs are read again, so that an edited file is seen.

    Returns
    -------
    Theorem or Audit

    Raises
    ------
    UnknownKey
        With near matches.
    BrokenRecord
        When its file does not load.

    Notes
    -----
    Only this record is imported.
    """  # noqa: DOC502 - raised by the index
    return load_record((index or indexing.build()).entry(key).file)


def keys() -> list[str]:
    """List the keys of all working records.

    Returns
    -------
    list of str
    """
    return sorted(indexing.build().entries)


def find(text: str) -> list[str]:
    """List the keys of the records whose key, title, kind or sources contain every word of a text.

    Parameters
    ----------
    text : str
        Words, in any case.

    Returns
    -------
    list of str
    """
    words = text.casefold().split()
    found = []
    for key, entry in sorted(indexing.build().entries.items()):
        row = entry.row
        hay = " ".join([key, row["title"], row["kind"], *row["cites"], *row["aliases"]]).casefold()
        found += [key] if all(word in hay for word in words) else []
    return found


def graph(index: Index | None = None) -> dict[str, list[str]]:
    """Return which theorem uses which.

    Parameters
    ----------
    index : Index, optional
        As in `get`.

    Returns
    -------
    dict of str to list of str

    Raises
    ------
    CyclicLemma
        When a theorem rests on itself.
    """
    edges = indexing.graph(index or indexing.build())
    loop = indexing.cycle(edges)
    if loop:
        raise CyclicLemma(f"these theorems rest on each other: {' -> '.join(loop)}")
    return edges


def rows() -> tuple[list[dict[str, Any]], dict[str, BrokenRecord]]:
    """Return what `list` shows, without importing any record, and the broken records.

    Returns
    -------
    tuple of list of dict and dict
        The grade is that of the last check of the same content, ``open`` with ``checked`` false when there was none.
    """
    cache = open_cache()
    index = indexing.build(cache=cache)
    shown = ("title", "area", "kind", "steps", "cites", "kernel")
    out = []
    for key, entry in sorted(index.entries.items()):
        known = cache.get("grade " + index.content(key))
        grade = {"grade": known["grade"] if known else "open", "checked": known is not None}
        out.append({"key": key, **{name: entry.row[name] for name in shown}, **grade})
    return out, index.broken


def check(record: str | Record, *, cache: bool = True, index: Index | None = None) -> Report | AuditReport:
    """Prove every step of a theorem, or evaluate an audit, in this process.

    Parameters
    ----------
    record : str, Theorem or Audit
        Key, or a record; one that is not in the catalogue is checked afresh each time.
    cache : bool
        Whether a kept report may be used.
    index : Index, optional
        As in `get`.

    Returns
    -------
    Report or AuditReport

    Raises
    ------
    UnknownKey
        With near matches.
    BrokenRecord
        When its file does not load.
    CyclicLemma
        When it rests on itself.
    """  # noqa: DOC502 - raised below
    if not isinstance(record, str | Theorem | Audit):
        raise UnknownKey(
            f"check takes a key, a theorem or an audit, not {record!r}; build one with Scope().theorem(...)"
        )
    store = open_cache(cache)
    index = index or indexing.build()
    name = record if isinstance(record, str) else record.key
    if isinstance(record, str) or (name in index.entries and load_record(index.entries[name].file) is record):
        entry = index.entry(name)
        return task.restore(batch.finish(index, entry, batch.check_here(index, entry.key, store)))
    return _check_loose(record, index, store)


def _check_loose(record: Record, index: Index, store: Cache) -> Report | AuditReport:
    """Check a record that was built by hand."""
    from dltsym.prove.check import check_audit, check_theorem

    if not isinstance(record, Theorem):
        return check_audit(record)
    names = {name: entry.file for name, entry in index.entries.items()}
    names |= {alias: names[name] for alias, name in index.aliases.items()}

    def report_of(key: str) -> Report:
        return task.restore(batch.check_here(index, index.entry(key).key, store))  # type: ignore[return-value]

    return check_theorem(record, lambda key: task.lemma(names, key), report_of, memo=task.Memo(store))


def audit(key: str) -> AuditReport:
    """Evaluate an audit: what a source prints against what the machine finds.

    Parameters
    ----------
    key : str
        Key of an audit.

    Returns
    -------
    AuditReport

    Raises
    ------
    UnknownKey
        When the key is not that of an audit.
    """
    report = check(key)
    if not isinstance(report, AuditReport):
        index = indexing.build()
        near = suggest(key, (k for k, e in index.entries.items() if e.is_audit))
        raise UnknownKey(f"{key} is a theorem, not an audit{near}")
    return report


def verify(
    keys: Sequence[str] | None = None,
    *,
    executor: Executor | None = None,
    cache: bool = True,
    jobs: int | None = None,
    timeout: float | None = 120,
    progress: batch.Progress | None = None,
) -> dict[str, Any]:
    """Check records in parallel and add everything up.

    Parameters
    ----------
    keys : sequence of str, optional
        Keys, aliases or areas; all records by default.
    executor : Executor, optional
        Who runs the tasks instead of guarded processes of our own.
    cache : bool
        Whether kept reports and verdicts may be used.
    jobs : int, optional
        Number of processes, by default one per core.
    timeout : float, optional
        Seconds per record.
    progress : callable, optional
        Called with number done, total, key and report; once at the start with 0 and no key.

    Returns
    -------
    dict
        The machine contract of ``dltsym verify``; ``ok`` says whether nothing is wrong.

    Raises
    ------
    UnknownKey
        When an item of `keys` matches no record and no area.
    """  # noqa: DOC502 - raised by select
    started = time.perf_counter()
    index = indexing.build(retry=True)
    chosen, broken = select(index, keys)
    outcomes = batch.run(
        index, chosen, open_cache(cache), executor=executor, jobs=jobs, timeout=timeout, progress=progress
    )
    messages = {key: str(index.broken[key]) for key in broken}
    wanted = {key: outcomes[key] for key in chosen}
    return batch.summary(index, wanted, messages, time.perf_counter() - started)


def select(index: Index, items: Sequence[str] | None) -> tuple[list[str], list[str]]:
    """Return the keys of the working and of the broken records that some keys, aliases or areas name.

    Parameters
    ----------
    index : Index
        Index.
    items : sequence of str or None
        What to look for; nothing means everything.

    Returns
    -------
    tuple of list of str

    Raises
    ------
    UnknownKey
        When an item names nothing.
    """
    if not items:
        return sorted(index.entries), sorted(index.broken)
    names = [*index.entries, *index.broken]
    chosen: set[str] = set()
    for item in items:
        wanted = index.aliases.get(item, item)
        hits = {name for name in names if name == wanted or name.startswith(wanted + ".")}
        if not hits:
            areas = {name.split(".")[0] for name in names}
            raise UnknownKey(f"no record and no area is called {item!r}{suggest(item, [*names, *areas])}")
        chosen |= hits
    return sorted(chosen & set(index.entries)), sorted(chosen & set(index.broken))
