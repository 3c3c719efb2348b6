"""What the hunts for planted bugs found, as a record that documents read, and whether it is of the sources of today."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dltsym.implementation import DTYPES
from dltsym.oracle import mutants
from dltsym.oracle.labels import source_hash

SCHEMA = 1
VERDICTS = ("killed", "survived", "equivalent", "invalid", "unjudged")
SUITE = ("cases.py", mutants.FILE)
"""Files of a family that say what is planted and on which inputs it is looked for."""
PACKAGES = ("python", "platform", "dltsym", "torch", "triton", "numpy")


def stamp(family: str) -> dict[str, str]:
    """Return what a result of a family depends on, besides the oracle.

    Parameters
    ----------
    family : str
        Family, or any importable package with planted bugs.

    Returns
    -------
    dict
        ``source``, the hash of the kernels as labels know it; ``suite``, that of their cases and planted bugs;
        ``date``.
    """
    folder = mutants.folder_of(family)
    ours = mutants.package_of(family) == f"{mutants.HOME}.{family}"
    source = source_hash(family) if ours else _digest(sorted(folder.rglob("*.py")))
    suite = _digest([folder / name for name in SUITE])
    return {"source": source, "suite": suite, "date": datetime.now(UTC).strftime("%Y-%m-%d")}


def _digest(paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.name}\n".encode() + (path.read_bytes() if path.is_file() else b""))
    return digest.hexdigest()[:16]


def environment() -> dict[str, str]:
    """Return the versions of what was run.

    Returns
    -------
    dict
    """
    import platform
    from importlib.metadata import version

    packages = {p: version(p) for p in ("dltsym", "torch", "triton", "numpy")}
    return {"python": platform.python_version(), "platform": platform.platform(), **packages}


def stale(family: str, row: Mapping[str, Any]) -> str:
    """Say why a row of the record no longer holds.

    Parameters
    ----------
    family : str
        Family.
    row : mapping
        Its row.

    Returns
    -------
    str
        Empty while kernels, cases and planted bugs are those that were hunted; the rule of the labels.
    """
    now = stamp(family)
    changed = [
        what for key, what in (("source", "kernel"), ("suite", "cases or planted bugs")) if row.get(key) != now[key]
    ]
    return f"stale: {' and '.join(changed)} changed since {row.get('date')}" if changed else ""


def told(family: str, row: Mapping[str, Any] | None) -> str:
    """Return a row of the record in one line, for a table.

    Parameters
    ----------
    family : str
        Family.
    row : mapping or None
        Its row, if there is one.

    Returns
    -------
    str
    """
    if row is None:
        return "not hunted"
    short = {long: s for s, long in DTYPES.items()}
    types = ", ".join(short.get(d, d) for d in row["dtypes"])
    wrong = f"{len(row['false_alarms'])} false alarms in {row['good_runs']} runs"
    text = f"{row['killed']} of {row['observable']} caught, {wrong}"
    old = stale(family, row)
    return f"{text} ({types}, {row['date']}{f'; {old}' if old else ''})"


def record(reports: Sequence[Mapping[str, Any]], known: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Merge reports into a record.

    Parameters
    ----------
    reports : sequence of mapping
        What `MutationReport.json` gives, one for each family.
    known : mapping, optional
        An older record, whose rows are kept for families that are not among the reports.

    Returns
    -------
    dict
        ``families``, ``total``, and ``partial``: whether a family is missing, or was not hunted in all types.
    """
    rows = dict((known or {}).get("families", {})) | {r["family"]: _row(r) for r in reports}
    families = mutants.families_with_mutants()
    missing = [f for f in families if set(rows.get(f, {}).get("dtypes", ())) != set(DTYPES.values())]
    return {"schema": SCHEMA, "partial": missing, "total": total(rows.values()), "families": dict(sorted(rows.items()))}


def _row(report: Mapping[str, Any]) -> dict[str, Any]:
    """Keep what a table needs, and for every mutant by what it was caught."""
    kept = ("date", "source", "suite", "kernels", "dtypes", "stop", "mutants", "observable", *VERDICTS, "good_runs")
    row = {key: report[key] for key in kept if key in report}
    fates = [
        {
            "id": f["id"], "change": f["change"], "verdict": f["verdict"], "reason": f["reason"], "runs": f["runs"],
            "seen": sorted(f["seen"]), "caught": {k["dtype"]: _caught(k) for k in f["kills"]},
        }
        for f in report["fates"]
    ]  # fmt: skip
    more = ("by_dtype", "good", "false_alarms", "seconds", *PACKAGES)
    return row | {key: report[key] for key in more if key in report} | {"fates": fates}


def _caught(kill: Mapping[str, Any]) -> str:
    ratio = kill["ratio"]
    how = f" {ratio:.3g} times the tolerance" if isinstance(ratio, float) and ratio == ratio else ""
    return f"{kill['by']} {kill['output']}".strip() + how


def total(rows: Any) -> dict[str, Any]:
    """Add up rows.

    Parameters
    ----------
    rows : iterable of mapping
        Rows or reports of families.

    Returns
    -------
    dict
        Counts, ``rate`` (killed of observable), and ``by_dtype``: killed and observable by type, of those families
        alone that were hunted in full, without ``stop``; the other counts are of all families.
    """
    rows = list(rows)
    out: dict[str, Any] = {key: sum(r[key] for r in rows) for key in ("mutants", "observable", *VERDICTS, "good_runs")}
    out["false_alarms"] = sum(len(r["false_alarms"]) for r in rows)
    out["rate"] = out["killed"] / out["observable"] if out["observable"] else 1.0
    out["seconds"] = round(sum(r["seconds"] for r in rows), 1)
    by_dtype: dict[str, list[int]] = {}
    for dtype, (killed, observable) in ((d, pair) for r in rows for d, pair in r["by_dtype"].items()):
        before = by_dtype.setdefault(dtype, [0, 0])
        by_dtype[dtype] = [before[0] + killed, before[1] + observable]
    return out | {"by_dtype": by_dtype}


def line(reports: Sequence[Mapping[str, Any]]) -> str:
    """Return the counts of several families in one line; counts by type name the families that they cover.

    Parameters
    ----------
    reports : sequence of mapping
        Reports as data.

    Returns
    -------
    str
    """
    short = {long: s for s, long in DTYPES.items()}
    all_ = total(reports)
    kinds = "; ".join(f"{short.get(d, d)}: {k} of {n}" for d, (k, n) in all_["by_dtype"].items())
    full = [r["family"] for r in reports if r["by_dtype"]]
    if kinds and len(full) < len(reports):  # the others were hunted until one type showed the mutant
        kinds = f"by type, of {', '.join(full)} only: {kinds}"
    odd = "".join(f", {all_[v]} {v}" for v in ("invalid", "unjudged") if all_[v])
    return (
        f"total: {all_['killed']} of {all_['observable']} observable mutants caught ({100 * all_['rate']:.1f} %), "
        f"{all_['equivalent']} equivalent{odd}{f' ({kinds})' if kinds else ''}; "
        f"{all_['false_alarms']} false alarms in {all_['good_runs']} runs of good kernels; {all_['seconds']:.0f} s"
    )
