"""What the hunts for planted bugs found, in words: read from the record beside the kernels, never typed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from dltsym import kernels
from dltsym.implementation import DTYPES
from dltsym.oracle import mutants, outcomes

MUTATION = "mutation.json"
"""File beside the kernels that ``dltsym kernel mutate --all --json`` writes."""
SHORT = {long: s for s, long in DTYPES.items()}


def mutation(path: Path | None = None) -> dict[str, Mapping[str, Any]]:
    """Read what the hunts for planted bugs found, by family.

    Parameters
    ----------
    path : Path, optional
        File; by default the one beside the kernels.

    Returns
    -------
    dict
        Empty where there is no record.
    """
    path = path or Path(str(files(kernels))) / MUTATION
    if not path.is_file():
        return {}
    rows = json.loads(path.read_text(encoding="utf-8"))["families"]
    return dict(rows) if isinstance(rows, dict) else {row["family"]: row for row in rows}


def hunt(family: str, known: Mapping[str, Mapping[str, Any]] | None = None) -> str:
    """Say how many planted bugs of a family the check catches.

    Parameters
    ----------
    family : str
        Family.
    known : mapping, optional
        Records by family.

    Returns
    -------
    str
        Markdown.
    """
    row = (mutation() if known is None else known).get(family)
    if row is None:
        count = len(mutants.load(family)) if family in mutants.families_with_mutants() else 0
        return f"{count} planted bugs of `{family}` are on file; how many the check catches is not on record."
    alarms, old = len(row["false_alarms"]), outcomes.stale(family, row)
    kinds = {v: sum(f["verdict"] == v for f in row["fates"]) for v in ("equivalent", "invalid", "unjudged")}
    rest = "".join(f", {count} {verdict}" for verdict, count in kinds.items() if count)
    return (
        f"{row['killed']} of the {row['observable']} planted bugs of `{family}` that change a result were caught"
        f"{rest}{', each hunted up to the first type that shows it' if row.get('stop') else ''}; "
        f"{alarms} false alarms in {row['good_runs']} runs of good kernels ({row.get('date', 'no date')})."
        + (f" This is {old}." if old else "")
    )


def total(known: Mapping[str, Mapping[str, Any]] | None = None) -> str:
    """Say what the hunts in all families found together.

    Parameters
    ----------
    known : mapping, optional
        Records by family.

    Returns
    -------
    str
        Markdown.
    """
    rows = mutation() if known is None else known
    missing = sorted(set(mutants.families_with_mutants()) - set(rows))
    if not rows:
        return "No hunt is on record."
    killed, seen = sum(r["killed"] for r in rows.values()), sum(r["observable"] for r in rows.values())
    alarms, runs = sum(len(r["false_alarms"]) for r in rows.values()), sum(r["good_runs"] for r in rows.values())
    left = f" Not on record: {', '.join(missing)}." if missing else ""
    return f"**{killed} of {seen} bugs that change a result were caught, {alarms} false alarms in {runs} runs.**{left}"


def mutants_of(family: str, known: Mapping[str, Mapping[str, Any]] | None = None) -> list[dict[str, str]]:
    """List the planted bugs of a family with what became of each.

    Parameters
    ----------
    family : str
        Family.
    known : mapping, optional
        Records by family.

    Returns
    -------
    list of dict of str to str
    """
    row = (mutation() if known is None else known).get(family)
    return [{"id": f["id"], "change": f["change"], "fate": _fate(f)} for f in (row["fates"] if row is not None else ())]


def _fate(fate: Mapping[str, Any]) -> str:
    if fate["verdict"] != "killed":
        reason = fate.get("reason") or fate.get("equivalent") or ""
        return f"{fate['verdict']}: {reason}" if reason else str(fate["verdict"])
    caught = fate.get("caught") or {k["dtype"]: f"{k['by']} {k['output']}".strip() for k in fate["kills"]}
    return "caught by " + "; ".join(f"{text} ({SHORT.get(d, d)})" if d else text for d, text in caught.items())
