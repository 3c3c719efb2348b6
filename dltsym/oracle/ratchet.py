"""The ratchet: the largest error of each output, kept per platform; a kernel may not become worse unnoticed."""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dltsym.errors import DomainError
from dltsym.oracle.formats import SHORT

if TYPE_CHECKING:
    from dltsym.oracle.report import Report

FACTOR, STEP = 1.25, 0.05
"""A ratio above both ``FACTOR * old`` and ``old + STEP`` is a regression."""


@dataclass(frozen=True)
class Entry:
    """A record: the largest ratio of error and tolerance, and the case in which it was seen."""

    ratio: float
    case: str


def platform_name(environment: Mapping[str, str]) -> str:
    """Return the name of a platform: the interpreter with its versions, or GPU, driver, torch and triton.

    Parameters
    ----------
    environment : mapping of str to str
        From `dltsym.oracle.report.environment`.

    Returns
    -------
    str
        Fit for a file name.

    Examples
    --------
    >>> platform_name({"interpreter": "yes", "triton": "3.6.0", "torch": "2.13.0+cpu", "numpy": "2.4.1"})[:38]
    'interpreter-triton3.6.0-torch2.13.0-nu'
    """
    versions = [f"{p}{environment.get(p, '').split('+')[0]}" for p in ("triton", "torch", "numpy")]
    if environment.get("gpu"):
        parts = [environment["gpu"], f"driver{environment.get('driver', '')}", *versions[:2]]
    else:
        parts = ["interpreter" if environment.get("interpreter") == "yes" else "cpu", *versions, platform.machine()]
    return re.sub(r"[^A-Za-z0-9.+-]+", "_", "-".join(parts))


def load(path: Path) -> dict[str, Entry]:
    """Read the records of a platform; none where there is no file.

    Parameters
    ----------
    path : Path
        File.

    Returns
    -------
    dict of str to Entry

    Raises
    ------
    DomainError
        For a file that holds something else.
    """
    if not path.exists():
        return {}
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        return {k: Entry(float(e["ratio"]), str(e["case"])) for k, e in held["entries"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        raise DomainError(
            f"{path} is no ratchet: {e}; delete it and write it again with DLTSYM_UPDATE_RATCHET=1"
        ) from None


def measured_by(report: Report) -> dict[str, Entry]:
    """Return the largest ratio of each output and type of a report that passed.

    Parameters
    ----------
    report : Report
        Report.

    Returns
    -------
    dict of str to Entry
        By ``kernel|output|type``.
    """
    out = {}
    for row in report.rows:
        case, worst = row.worst
        if row.verdict == "pass":
            out[f"{report.candidate.name}|{row.output}|{SHORT[row.dtype]}"] = Entry(worst.ratio, case.replay)
    return out


def regressions(old: Mapping[str, Entry], new: Mapping[str, Entry]) -> list[str]:
    """Say which outputs became worse.

    Parameters
    ----------
    old, new : mapping of str to Entry
        Records and what was measured now.

    Returns
    -------
    list of str
    """
    out = []
    for key, entry in new.items():
        if key in old and entry.ratio > max(FACTOR * old[key].ratio, old[key].ratio + STEP):
            name, output, dtype = key.split("|")
            told = f"err/T {entry.ratio:.3g} on {entry.case}, record {old[key].ratio:.3g} on {old[key].case}"
            out.append(f"regressed: {name} {output} {dtype}: {told}")
    return out


def held_against(report: Report, folder: Path, *, update: bool = False) -> list[str]:
    """Hold a report against the records of its platform.

    Parameters
    ----------
    report : Report
        Report.
    folder : Path
        Folder of the records.
    update : bool
        Write what was measured now, better or worse, in place of the old records.

    Returns
    -------
    list of str
        What became worse; nothing where records are written.
    """
    path = folder / f"{platform_name(report.environment)}.json"
    old, new = load(path), measured_by(report)
    if update:
        save(path, {**old, **new})
        return []
    return regressions(old, new)


def save(path: Path, entries: Mapping[str, Entry]) -> None:
    """Write the records of a platform, sorted, so that a commit shows what changed.

    Parameters
    ----------
    path : Path
        File.
    entries : mapping of str to Entry
        Records.
    """
    data: dict[str, Any] = {k: {"ratio": float(f"{e.ratio:.4g}"), "case": e.case} for k, e in sorted(entries.items())}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"schema": 1, "entries": data}, indent=1) + "\n", encoding="utf-8")
