"""Coverage: what a pack plans to have (its ``plan.toml``), what is there, and how well it is known, by area."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dltsym.errors import RecordError
from dltsym.packs import Pack
from dltsym.prove.verdict import GRADES

PLAN = "plan.toml"
CITED = "cited"
STRONG = GRADES[: GRADES.index("ball") + 1]
NOT_STEPS = ("hypotheses", "break")
Report = Mapping[str, Any]


def plan(found: Sequence[Pack]) -> dict[str, list[str]]:
    """Read which keys the packs plan.

    Parameters
    ----------
    found : sequence of Pack
        Packs.

    Returns
    -------
    dict of str to list of str
        Keys by area.

    Raises
    ------
    RecordError
        When a plan is not lists of names by area.
    """
    out: dict[str, list[str]] = {}
    for path in (folder / PLAN for pack in found for folder in pack.folders):
        if not path.is_file():
            continue
        try:
            areas = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise RecordError(f"{path}: {error}") from None
        for area, names in areas.items():
            good = isinstance(names, list) and all(isinstance(n, str) and re.fullmatch(r"[a-z]\w*", n) for n in names)
            if not good or len(set(names)) < len(names):
                raise RecordError(f"{path}: {area} is a list of different names of records, such as ['pinsker']")
            out.setdefault(area, [])
            out[area] += [key for name in names if (key := f"{area}.{name}") not in out[area]]
    return out


def coverage(
    planned: Mapping[str, Sequence[str]], landed: Iterable[str], reports: Mapping[str, Report], whole: bool
) -> list[dict[str, Any]]:
    """Add up by area how much of a plan is there and how well it is known.

    Parameters
    ----------
    planned : mapping of str to sequence of str
        Keys by area.
    landed : iterable of str
        Keys and aliases of the working records.
    reports : mapping of str to dict
        Reports of theorems by key.
    whole : bool
        Whether the reports are those of the whole catalogue, so that areas without any are listed too.

    Returns
    -------
    list of dict
        One row per area: ``planned``, ``landed`` and ``missing`` of the plan; ``records`` that were checked, those
        ``derived`` in full; ``steps`` that do not rest on cited analysis, and the ``strong`` ones among them, at
        ``ball`` or better; ``values`` and ``mutants``.
    """
    there = set(landed)
    areas = {key.split(".")[0] for key in reports} | (set(planned) if whole else set())
    rows = []
    for area in sorted(areas):
        keys = list(planned.get(area, ()))
        own = [r for key, r in sorted(reports.items()) if key.split(".")[0] == area]
        steps = [s["grade"] for r in own for s in _own_steps(r)]
        values = [v["ok"] for r in own for v in r["values"]]
        missing = [key for key in keys if key not in there]
        rows.append({
            "area": area,
            "planned": len(keys),
            "landed": len(keys) - len(missing),
            "missing": missing,
            "records": len(own),
            "derived": sum(map(derived, own)),
            "steps": len(steps),
            "strong": sum(grade in STRONG for grade in steps),
            "values": {"total": len(values), "ok": sum(values)},
            "mutants": {name: sum(r["mutants"][name] for r in own) for name in ("made", "rejected")},
        })  # fmt: skip
    return rows


def derived(report: Report) -> bool:
    """Whether every step of a record is at ``ball`` or better, those that rest on cited analysis left aside.

    Parameters
    ----------
    report : dict
        Report of a theorem.

    Returns
    -------
    bool
        False also for a record of cited analysis only.
    """
    grades = [s["grade"] for s in _own_steps(report)]
    return bool(grades) and all(grade in STRONG for grade in grades)


def _own_steps(report: Report) -> list[Mapping[str, Any]]:
    return [s for s in report["steps"] if s["role"] not in NOT_STEPS and s["grade"] != CITED]


def total(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Add up the rows of all areas.

    Parameters
    ----------
    rows : sequence of dict
        What `coverage` gives.

    Returns
    -------
    dict
        A row of the area ``all``.
    """
    counts = ("planned", "landed", "records", "derived", "steps", "strong")
    return {
        "area": "all",
        **{name: sum(row[name] for row in rows) for name in counts},
        "missing": [key for row in rows for key in row["missing"]],
        "values": {name: sum(row["values"][name] for row in rows) for name in ("total", "ok")},
        "mutants": {name: sum(row["mutants"][name] for row in rows) for name in ("made", "rejected")},
    }
