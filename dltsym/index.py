"""The index: what every record says about itself, read without trusting any record.

A record file is code. Here it runs in a guarded process with a time limit, once per content; what it says is kept as
plain data, so that `list` imports no record at all. A file that raises is tried again each time (what it needs may
have been installed since); one that hung or killed its process is not, unless asked with ``retry=True``.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dltsym.cache import Cache, digest, open_cache
from dltsym.errors import BrokenRecord, UnknownKey, suggest
from dltsym.packs import (
    Pack,
    RecordFile,
    bib_keys,
    bibliographies,
    folder_pack,
    lemmas,
    load_record,
    packs,
    read,
    record_paths,
    sources,
)
from dltsym.pool import GuardedPool, TaskTimeout, WorkerDied
from dltsym.record import Audit

LOAD_LIMIT = 5.0
PRELOAD = (  # what most records need, once for all of them
    "dltsym.catalogue", "dltsym.statement", "dltsym.notation.calls", "dltsym.lower.closed.wide",
    "dltsym.lower.closed.stable", "dltsym.lower.closed.inverse", "dltsym.lower.front.doors", "dltsym.lower.compiler",
    "dltsym.lower.printers.base", "dltsym.lower.printers.dispatch", "dltsym.lower.printers.targets.numpy",
)  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """A working record: its file and what it says about itself (see `describe`)."""

    file: RecordFile
    row: dict[str, Any]

    @property
    def key(self) -> str:
        """Key of the record."""
        return self.file.key

    @property
    def is_audit(self) -> bool:
        """Whether it is an audit."""
        return self.row["record"] == "audit"


@dataclass(frozen=True)
class Index:
    """Working records and broken ones by key, aliases, every file, the packs read, the keys of their bibliographies."""

    entries: dict[str, Entry] = field(default_factory=dict)
    broken: dict[str, BrokenRecord] = field(default_factory=dict)
    paths: dict[str, Path] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    packs: tuple[Pack, ...] = ()
    bibliography: frozenset[str] = frozenset()

    def entry(self, key: str) -> Entry:
        """Look a record up by key or alias.

        Parameters
        ----------
        key : str
            Dotted key.

        Returns
        -------
        Entry

        Raises
        ------
        BrokenRecord
            When its file could not be loaded.
        UnknownKey
            With near matches, when there is none.
        """  # noqa: DOC502 - the stored error is raised
        found = self.entries.get(self.aliases.get(key, key))
        if found is not None:
            return found
        if key in self.broken:
            raise self.broken[key]
        hint = suggest(key, [*self.entries, *self.aliases, *self.broken])
        raise UnknownKey(f"no record has the key {key!r}{hint}")

    def uses(self, key: str) -> list[str]:
        """List the keys of the theorems that a record uses directly, aliases resolved, unknown ones as written.

        Parameters
        ----------
        key : str
            Key of a working record.

        Returns
        -------
        list of str
        """
        return sorted({self.aliases.get(use, use) for use in self.entries[key].row["uses"]})

    def closure(self, key: str) -> list[str]:
        """List everything that a record rests on, itself included, sorted.

        Parameters
        ----------
        key : str
            Key of a working record.

        Returns
        -------
        list of str
        """
        seen, todo = set(), [key]
        while todo:
            name = todo.pop()
            if name not in seen:
                seen.add(name)
                todo += self.uses(name) if name in self.entries else []
        return sorted(seen)

    def content(self, key: str) -> str:
        """Hash what the verdict on a record depends on besides the engines: its text and that of all its lemmas.

        Parameters
        ----------
        key : str
            Key of a working record.

        Returns
        -------
        str
        """
        parts = []
        for name in self.closure(key):
            entry = self.entries.get(name)
            parts += [name, entry.file.sha if entry else "missing"]
        return digest("report", key, *parts)


def describe(file: RecordFile) -> dict[str, Any]:
    """Load a record and say what `list` has to know about it, as plain data.

    Parameters
    ----------
    file : RecordFile
        What to load.

    Returns
    -------
    dict
    """
    from dltsym.lower.front.doors import backends

    record = load_record(file)
    common = {
        "title": str(record.title), "area": record.area, "cites": sources(record), "aliases": _texts(record.aliases),
    }  # fmt: skip
    if isinstance(record, Audit):
        own = {"record": "audit", "kind": "audit", "steps": 0, "kernel": [], "uses": [], "see": _texts(record.see)}
        return common | own
    steps = sum(len(chain.steps) for chain in record.proof)
    return common | {
        "record": "theorem", "kind": str(record.kind), "steps": steps, "kernel": backends(record),
        "uses": sorted(lemmas(record)), "see": [], "bounds": [str(b.of) for b in record.bounds],
        "families": [str(b.family) for b in record.bounds],
    }  # fmt: skip


def _texts(items: Sequence[Any]) -> list[str]:
    return [str(item) for item in items]


def build(
    folders: Sequence[Path] | None = None, *, also: Sequence[Path] = (), cache: Cache | None = None, retry: bool = False
) -> Index:
    """Read the index of the packs in use.

    Parameters
    ----------
    folders : sequence of Path, optional
        Folders to read instead of the packs in use.
    also : sequence of Path
        Folders to read besides.
    cache : Cache, optional
        Where earlier readings are kept; by default the user's cache.
    retry : bool
        Try records again that hung or died before.

    Returns
    -------
    Index
    """
    cache = cache or open_cache()
    found = packs() if folders is None else tuple(folder_pack(Path(f).resolve()) for f in folders)
    known = {folder for pack in found for folder in pack.folders}
    found += tuple(folder_pack(f) for f in (Path(f).resolve() for f in also) if f not in known)
    index = Index(packs=found, bibliography=frozenset(bib_keys(bibliographies(found))))
    files = _files(index)
    rows = {file.key: _kept(cache, file, retry) for file in files}
    rows |= _fresh(cache, [file for file in files if rows[file.key] is None])
    for file in files:
        _enter(index, file, rows[file.key] or {})
    _enter_aliases(index)
    return index


def _files(index: Index) -> list[RecordFile]:
    files = []
    for pack in index.packs:
        if pack.error:
            index.broken[f"pack:{pack.name}"] = BrokenRecord(pack.error)
        for key, path in record_paths(pack):
            try:
                file = read(key, path, pack.name)
            except BrokenRecord as error:
                index.broken[key] = error
                index.paths.setdefault(key, path)
                continue
            if key in index.paths:
                other = index.paths[key]
                index.broken[f"{pack.name}:{key}"] = BrokenRecord(f"{path}: the key {key} is taken by {other}")
                continue
            index.paths[key] = path
            files.append(file)
    return files


def _slot(file: RecordFile) -> str:
    return digest("row", file.key, file.sha)


def _kept(cache: Cache, file: RecordFile, retry: bool) -> dict[str, Any] | None:
    row = cache.get(_slot(file))
    return None if row is not None and retry and "error" in row else row


def _fresh(cache: Cache, files: Sequence[RecordFile]) -> dict[str, dict[str, Any]]:
    """Load records in guarded processes; a single slow file delays the others at most once."""
    if not files:
        return {}
    rows: dict[str, dict[str, Any]] = {}
    with GuardedPool(1 if len(files) < 8 else 2, timeout=LOAD_LIMIT, preload=PRELOAD) as pool:
        futures = {file: pool.submit(describe, file) for file in files}
        for file, future in futures.items():
            try:
                rows[file.key] = future.result()
            except (TaskTimeout, WorkerDied) as error:
                rows[file.key] = {"error": f"{file.key}: {file.path} did not load: {error}"}
            except BrokenRecord as error:
                rows[file.key] = {"error": str(error)}
                continue
            except Exception as error:  # record files are code and raise anything: the record is broken, and says why
                said = "".join(traceback.format_exception(error))
                rows[file.key] = {"error": f"{file.key}: {said}"}
                continue
            cache.put(_slot(file), rows[file.key])
    return rows


def _enter(index: Index, file: RecordFile, row: dict[str, Any]) -> None:
    if "error" in row:
        index.broken[file.key] = BrokenRecord(row["error"])
    else:
        index.entries[file.key] = Entry(file, row)


def _enter_aliases(index: Index) -> None:
    for key, entry in list(index.entries.items()):
        wanted = entry.row["aliases"]
        taken = [alias for alias in wanted if alias in index.paths or alias in index.aliases]
        if taken:
            other = index.aliases.get(taken[0], taken[0])
            index.broken[key] = BrokenRecord(f"{key}: the alias {taken[0]} already leads to {other}")
            del index.entries[key]
        else:
            index.aliases.update(dict.fromkeys(wanted, key))


def graph(index: Index) -> dict[str, list[str]]:
    """Return which theorem uses which.

    Parameters
    ----------
    index : Index
        Index.

    Returns
    -------
    dict of str to list of str
    """
    return {key: index.uses(key) for key in index.entries}


def cycle(edges: dict[str, list[str]], among: Iterable[str] | None = None) -> list[str]:
    """Find a chain of uses that comes back to its start.

    Parameters
    ----------
    edges : dict of str to list of str
        Who uses whom.
    among : iterable of str, optional
        Where to start looking.

    Returns
    -------
    list of str
        First and last are the same; empty when there is none.

    Examples
    --------
    >>> cycle({"a": ["b"], "b": ["c"], "c": ["b"]})
    ['b', 'c', 'b']
    """
    done: set[str] = set()
    for start in edges if among is None else among:
        path: list[str] = []
        stack = [(start, iter(edges.get(start, ())))] if start not in done else []
        while stack:
            node, rest = stack[-1]
            path[len(stack) - 1 :] = [node]
            following = next((n for n in rest if n not in done), None)
            if following is None:
                done.add(node)
                stack.pop()
            elif following in path:
                return [*path[path.index(following) :], following]
            else:
                stack.append((following, iter(edges.get(following, ()))))
    return []
