"""The grade ``formal``: which steps have been replayed, here or on record, and what that does to a report.

A replay is bound to a seal, the hash of the claim, of the emitted file, of the generic lemmas and of the version of
Coq; and it counts only while the exporter is the one that made it (`fingerprint`) and the step asks for the same
problem. A replay of this machine lifts the grade of the step; one that is only on record, in the ``formal.json`` of a
pack, is shown as ``formal (recorded)`` and lifts nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from dltsym.cache import Cache, default_folder, digest
from dltsym.formal.coqc import LEMMAS, version
from dltsym.packs import packs
from dltsym.prove.verdict import weakest

RECORD = "formal.json"
REPLAYED, RECORDED = "formal", "formal (recorded)"
_SOURCES = ("formal", "functions", "form.py", "notation/calculus.py", "notation/parse.py", "notation/tree.py",
            "notation/walk.py", "prove/definedness.py", "prove/domains.py", "prove/engines/boundary.py",
            "prove/flatten.py", "prove/obligations.py", "prove/problem.py")  # fmt: skip
_FIELDS = ("record", "relation", "claim", "file", "lemmas", "coq", "seal", "axioms", "date", "exporter")


@lru_cache(maxsize=1)
def fingerprint() -> str:
    """Return the hash of everything that turns a step into a Coq file.

    Returns
    -------
    str
    """
    home = Path(__file__).resolve().parents[1]
    files = [f for name in _SOURCES for f in sorted((home / name).rglob("*.py") if "." not in name else [home / name])]
    return digest(
        *(f"{f.relative_to(home)} {hashlib.sha256(f.read_bytes()).hexdigest()}" for f in files if f.is_file())
    )


@lru_cache(maxsize=1)
def lemmas() -> str:
    """Return the hash of the file of generic lemmas.

    Returns
    -------
    str
    """
    return hashlib.sha256(LEMMAS.read_bytes()).hexdigest()


def seal(claim: str, file: str, coq: str) -> str:
    """Return the hash that a replay is bound to.

    Parameters
    ----------
    claim, file : str
        Hash of the claim and of the emitted file.
    coq : str
        Version of Coq.

    Returns
    -------
    str
    """
    return digest(claim, file, lemmas(), coq)


def store(enabled: bool = True) -> Cache:
    """Return where the replays of this machine are kept.

    Parameters
    ----------
    enabled : bool
        Whether to keep any.

    Returns
    -------
    Cache
    """
    return Cache(default_folder() if enabled else None, "formal replays")


def intact(entry: Mapping[str, Any]) -> bool:
    """Whether a replay was of what would be exported now.

    Parameters
    ----------
    entry : mapping
        Entry of the store or of a record file.

    Returns
    -------
    bool
    """
    if any(name not in entry for name in _FIELDS) or entry["exporter"] != fingerprint():
        return False
    return entry["lemmas"] == lemmas() and entry["seal"] == seal(entry["claim"], entry["file"], entry["coq"])


def here(key: str, cache: Cache) -> Mapping[str, Any] | None:
    """Return the replay of a problem on this machine, by the Coq that is installed if there is one.

    Parameters
    ----------
    key : str
        Key of the problem.
    cache : Cache
        See `store`.

    Returns
    -------
    mapping or None
    """
    entry = cache.get(f"replay {key}")
    if entry is None or not intact(entry) or version() not in ("", entry["coq"]):
        return None
    return entry


def recorded(folders: Iterable[Path], *, current: bool = True) -> dict[str, Mapping[str, Any]]:
    """Read the replays on record.

    Parameters
    ----------
    folders : iterable of Path
        Folders of the packs.
    current : bool
        Whether to leave out what another exporter or other lemmas made.

    Returns
    -------
    dict of str to mapping
        Entries by the key of the problem.
    """
    out: dict[str, Mapping[str, Any]] = {}
    for path in (folder / RECORD for folder in folders):
        if path.is_file():
            out |= _read(path, path.stat().st_mtime_ns, fingerprint() if current else "")
    return out


@lru_cache(maxsize=16)
def _read(path: Path, _stamp: int, exporter: str) -> dict[str, Mapping[str, Any]]:
    """Read a record file; with an exporter, only what is still intact under it."""
    data = json.loads(path.read_text(encoding="utf-8"))
    common = {name: data[name] for name in ("lemmas", "coq", "date", "exporter")}
    entries = {key: {**common, **entry} for key, entry in data["replays"].items()}
    return {key: entry for key, entry in entries.items() if not exporter or intact(entry)}


def on_record(*, current: bool = True) -> dict[str, Mapping[str, Any]]:
    """Return the replays on record in the packs in use.

    Parameters
    ----------
    current : bool
        See `recorded`.

    Returns
    -------
    dict of str to mapping
    """
    return recorded((folder for pack in packs() for folder in pack.folders), current=current)


def upgrade(outcome: Mapping[str, Any], on_record: Mapping[str, Mapping[str, Any]], cache: Cache) -> dict[str, Any]:
    """Return a report with the replays of its steps; the evidence of the weaker grade is kept.

    Parameters
    ----------
    outcome : mapping
        Report as plain data.
    on_record : mapping
        See `recorded`.
    cache : Cache
        See `store`.

    Returns
    -------
    dict
    """
    steps = [_lifted(step, on_record, cache) for step in outcome["steps"]]
    counted = [step["grade"] for step in steps if step["role"] not in ("break", "hypotheses")]
    lifted = steps != outcome["steps"] and counted and outcome["grade"] not in ("vacuous", "refuted")
    grades = {"grade": weakest(counted)} if lifted else {}
    if lifted and not outcome["cited"]:
        grades["grade_without_cited"] = grades["grade"]
    return {**outcome, **grades, "steps": steps}


def _lifted(step: Mapping[str, Any], on_record: Mapping[str, Mapping[str, Any]], cache: Cache) -> dict[str, Any]:
    key, grade = step.get("key", ""), step["grade"]
    if not key or grade in ("open", "cited", "refuted", "vacuous", "formal") or step["role"] in ("break", "hypotheses"):
        return dict(step)
    mine = here(key, cache)
    entry = mine or on_record.get(key)
    if entry is None:
        return dict(step)
    shown = REPLAYED if mine else RECORDED
    told = {"shown": shown, "weaker": grade} | {name: entry[name] for name in ("coq", "date", "file", "seal", "axioms")}
    return {**step, "grade": "formal" if mine else grade, "evidence": {**step["evidence"], "formal": told}}
