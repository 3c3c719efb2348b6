"""Replaying every exportable step of some records: in parallel, with progress, kept by hash, written on record."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence, Set
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dltsym.cache import Cache
from dltsym.errors import DltsymError
from dltsym.formal.coqc import LEMMAS, prepared, replay, version
from dltsym.formal.export import Exported, Missed, exported
from dltsym.formal.grades import RECORD, fingerprint, here, lemmas, seal
from dltsym.formal.guards import axioms
from dltsym.formal.text import Refused
from dltsym.index import Index
from dltsym.pool import GuardedPool, cores

Entry = dict[str, Any]
Progress = Callable[[int, int, str, str], None]
EXPORT_SECONDS = 300.0


@dataclass
class Replays:
    """What a run has found: `entries` by the key of the problem, the rest as lines for people.

    `kept` of them were replayed here before; `same` more files are to the letter those on record, and were left alone.
    """

    entries: dict[str, Entry] = field(default_factory=dict)
    kept: int = 0
    same: int = 0
    missed: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def replay_all(
    index: Index,
    outcomes: Mapping[str, Mapping[str, Any]],
    cache: Cache,
    *,
    date: str,
    known: Set[str] = frozenset(),
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Replays:
    """Export and replay the steps of some records.

    Parameters
    ----------
    index : Index
        Where to look records up.
    outcomes : mapping of str to dict
        Reports of the records to do.
    cache : Cache
        Where replays are kept, see `dltsym.formal.grades.store`.
    date : str
        What to write as the date of a replay.
    known : set of str
        Seals of files that need no replay.
    jobs : int, optional
        How many ``coqc`` at once.
    progress : callable, optional
        Called with number done, number of all, record and result; first for the exports, then for the replays.

    Returns
    -------
    Replays

    Raises
    ------
    Refused
        When the generic lemmas do not compile.
    """
    out = Replays()
    todo = [key for key in sorted(outcomes) if not _settled(index, key, outcomes[key], cache, out)]
    if not todo:
        return out
    workers = jobs or cores()
    with (
        tempfile.TemporaryDirectory() as name,
        GuardedPool(
            workers, timeout=EXPORT_SECONDS, preload=("dltsym.prove.ready", "dltsym.formal.export")
        ) as exporters,
    ):
        folder = Path(name)
        built = prepared(folder)
        if not built.ok:
            raise Refused(f"the generic lemmas do not compile: {built.output}")
        exports = {exporters.submit(exported, index.entries[key].file, dict(outcomes[key])): key for key in todo}
        with ThreadPoolExecutor(workers) as pool:
            running: dict[Future[Entry], tuple[str, Exported]] = {}
            try:
                for done, future in enumerate(as_completed(exports), 1):
                    files = _sorted_out(index, exports[future], future, cache, out)
                    fresh = [step for step in files if sealed(step) not in known]
                    out.same += len(files) - len(fresh)
                    for step in fresh:
                        running[pool.submit(replayed, exports[future], step, folder, date)] = exports[future], step
                    if progress:
                        progress(done, len(exports), exports[future], f"exported, {len(fresh)} to replay")
                for done, future in enumerate(as_completed(running), 1):
                    key, step = running[future]
                    _note(key, step, future, cache, out)
                    if progress:
                        progress(done, len(running), key, step.relation)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)  # an interrupted run starts no further coqc
                raise
    return out


def _note(key: str, step: Exported, future: Future[Entry], cache: Cache, out: Replays) -> None:
    try:
        entry = future.result()
    except Refused as error:
        out.failed[step.key] = f"{key} step {step.step}, {step.relation}: {error}"
        return
    out.entries[step.key] = entry
    cache.put(f"replay {step.key}", entry)


def _slot(index: Index, key: str) -> str:
    return f"missed {fingerprint()} {lemmas()} {index.content(key)}"


def _settled(index: Index, key: str, outcome: Mapping[str, Any], cache: Cache, out: Replays) -> bool:
    """Note the replays that are kept; say whether they are all that can be had."""
    if "error" in outcome or outcome["kind"] == "audit":
        return True
    rows = {row["key"]: row["relation"] for row in outcome["steps"] if row.get("key")}
    kept = {
        k: {**entry, "record": key, "relation": said}  # the same problem may have been replayed for another record
        for k, said in rows.items()
        if (entry := here(k, cache)) is not None
    }
    out.entries |= kept
    out.kept += len(kept)
    known = cache.get(_slot(index, key))
    if known is None or not set(known["exported"]) <= set(kept):
        return False
    out.missed += known["lines"]
    return True


def _sorted_out(index: Index, key: str, future: Future[Any], cache: Cache, out: Replays) -> list[Exported]:
    """Return the files of a record that have not been replayed, and note the steps that are not exported."""
    try:
        found: list[Exported | Missed] = future.result()
    except DltsymError as error:
        out.missed.append(f"{key}: {error}")
        return []
    lines = [f"{key} step {s.step}, {s.relation}: {s.why}" for s in found if isinstance(s, Missed)]
    files = {s.key: s for s in found if isinstance(s, Exported)}
    out.missed += lines
    cache.put(_slot(index, key), {"exported": sorted(files), "lines": lines})
    todo = []
    for step in (s for s in files.values() if s.key not in out.entries):
        before = cache.get(f"replay {step.key}")
        if before is not None and before["seal"] == sealed(step):  # the exporter has changed, the file has not
            out.entries[step.key] = before | {"record": key, "relation": step.relation, "exporter": fingerprint()}
            out.kept += 1
            cache.put(f"replay {step.key}", out.entries[step.key])
        else:
            todo.append(step)
    return todo


def sealed(step: Exported) -> str:
    """Return the seal of a file under the Coq that is installed.

    Parameters
    ----------
    step : Exported
        The file.

    Returns
    -------
    str
    """
    return seal(step.claim, hashlib.sha256(step.text.encode()).hexdigest(), version())


def replayed(record: str, step: Exported, folder: Path, date: str) -> Entry:
    """Replay one file.

    Parameters
    ----------
    record : str
        Key of the record.
    step : Exported
        The file.
    folder : Path
        Folder with the compiled lemmas.
    date : str
        Date to write.

    Returns
    -------
    dict
        Entry for the store and the record file.

    Raises
    ------
    Refused
        When Coq does not accept it, or it rests on more than the axioms of classical reals.
    """
    run = replay(step.text, step.theorems, folder)
    if not run.ok:
        raise Refused(f"Coq does not accept the file: {run.output}")
    used = axioms(run.output)
    file = hashlib.sha256(step.text.encode()).hexdigest()
    return {
        "record": record, "relation": step.relation, "claim": step.claim, "file": file, "lemmas": lemmas(),
        "coq": version(), "seal": sealed(step), "axioms": sorted(used), "date": date,
        "exporter": fingerprint(),
    }  # fmt: skip


def write_record(folder: Path, entries: Mapping[str, Entry], date: str) -> Path:
    """Write the replays of a pack on record.

    Parameters
    ----------
    folder : Path
        Folder of the pack.
    entries : mapping of str to dict
        Replays by the key of the problem.
    date : str
        Date of the run.

    Returns
    -------
    Path
    """
    names = ("record", "relation", "claim", "file", "seal", "axioms")
    replays = {key: {name: entry[name] for name in names} for key, entry in entries.items() if entry}
    order = sorted(replays, key=lambda k: (replays[k]["record"], replays[k]["relation"], k))
    data = {"coq": version(), "date": date, "exporter": fingerprint(), "lemmas": lemmas()}
    path = folder / RECORD
    text = json.dumps(data | {"replays": {k: replays[k] for k in order}}, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
    return path


def write_files(found: Sequence[Exported], name: str, folder: Path) -> list[Path]:
    """Write exported files and the generic lemmas next to them.

    Parameters
    ----------
    found : sequence of Exported
        Files of one record.
    name : str
        Key of the record.
    folder : Path
        Where.

    Returns
    -------
    list of Path
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / LEMMAS.name).write_bytes(LEMMAS.read_bytes())
    out = []
    for step in found:
        path = folder / f"{name.replace('.', '_')}_{step.step}.v"
        tail = "".join(f"Print Assumptions {t}.\n" for t in step.theorems)
        path.write_text(step.text + "\n" + tail, encoding="ascii")
        out.append(path)
    return out


def write_records(index: Index, entries: Mapping[str, Entry], date: str) -> list[Path]:
    """Write the replays on record, in the folder of the pack of each record.

    Parameters
    ----------
    index : Index
        Where the records are.
    entries : mapping of str to dict
        Replays by the key of the problem.
    date : str
        Date of the run.

    Returns
    -------
    list of Path
    """
    packs: dict[Path, dict[str, Entry]] = {}
    for key, entry in entries.items():
        record = entry["record"]
        packs.setdefault(index.paths[record].parents[record.count(".")], {})[key] = entry
    return [write_record(folder, mine, date) for folder, mine in sorted(packs.items())]
