"""One task: check one record and return its report as plain data. And the way back from plain data to a report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from dltsym.cache import Cache
from dltsym.errors import BrokenRecord, UnknownKey, suggest
from dltsym.packs import RecordFile, load_record
from dltsym.prove.report import AuditReport, MutantReport, Report, StepReport, ValueReport
from dltsym.prove.verdict import Row
from dltsym.record import Audit, Theorem

Outcome = dict[str, Any]


@dataclass(frozen=True)
class Memo:
    """Verdicts of single problems, kept in the cache; one that ran out of time is not kept."""

    cache: Cache

    def get(self, key: str) -> Outcome | None:
        """Look up a verdict.

        Parameters
        ----------
        key : str
            Content hash of the problem.

        Returns
        -------
        dict or None
        """
        return self.cache.get(key)

    def put(self, key: str, value: Outcome) -> None:
        """Keep a verdict.

        Parameters
        ----------
        key : str
            Content hash of the problem.
        value : dict
            Plain data.
        """
        if not hurried(value):
            self.cache.put(key, value)


def hurried(data: Any) -> bool:
    """Whether a verdict or report says that an engine ran out of time: on a quieter machine it may be another one.

    Parameters
    ----------
    data : dict or list
        Plain data; the field ``timeout`` counts wherever it stands.

    Returns
    -------
    bool

    Examples
    --------
    >>> hurried({"evidence": {"tried": [{"engine": "cas", "timeout": True}]}}), hurried({"reason": "timeout: no"})
    (True, False)
    """
    if isinstance(data, Mapping):
        return data.get("timeout") is True or any(map(hurried, data.values()))
    return isinstance(data, list | tuple) and any(map(hurried, data))


def check_task(
    file: RecordFile, names: Mapping[str, RecordFile], lemmas: Mapping[str, Outcome], cache: Cache
) -> Outcome:
    """Check one record.

    Parameters
    ----------
    file : RecordFile
        The record.
    names : mapping of str to RecordFile
        Every key and alias that a lemma may name.
    lemmas : mapping of str to dict
        Reports of the lemmas that it uses directly.
    cache : Cache
        Where verdicts of single steps are kept.

    Returns
    -------
    dict
        The report as plain data.
    """
    from dltsym.prove.check import check_audit, check_theorem

    record = load_record(file)
    if isinstance(record, Audit):
        report = check_audit(record).to_json()
    else:
        report = check_theorem(
            record, lambda key: lemma(names, key), lambda key: lemma_report(names, lemmas, key), memo=Memo(cache)
        ).to_json()
    # The same data whether it comes from the cache or not; NaN and Infinity are not JSON and become text.
    return json.loads(json.dumps(report, default=str), parse_constant=str)


def lemma(names: Mapping[str, RecordFile], key: str) -> Theorem:
    """Load the theorem that a step names.

    Parameters
    ----------
    names : mapping of str to RecordFile
        Every key and alias.
    key : str
        Key or alias.

    Returns
    -------
    Theorem

    Raises
    ------
    UnknownKey
        When there is no such theorem.
    """
    if key not in names:
        raise UnknownKey(f"no theorem has the key {key!r}{suggest(key, names)}")
    record = load_record(names[key])
    if not isinstance(record, Theorem):
        raise UnknownKey(f"{key} is an audit, and no step can rest on it")
    return record


def lemma_report(names: Mapping[str, RecordFile], lemmas: Mapping[str, Outcome], key: str) -> Report:
    """Return the report of the theorem that a step names.

    Parameters
    ----------
    names : mapping of str to RecordFile
        Every key and alias.
    lemmas : mapping of str to dict
        Reports of lemmas by key.
    key : str
        Key or alias.

    Returns
    -------
    Report

    Raises
    ------
    UnknownKey
        When there is no such theorem.
    BrokenRecord
        When it could not be checked.
    """
    data = lemmas.get(names[key].key if key in names else key)
    if data is None:
        raise UnknownKey(f"no theorem has the key {key!r}{suggest(key, names)}")
    if "error" in data:
        raise BrokenRecord(f"{key} could not be checked: {data['error'].splitlines()[0]}")
    report = restore(data)
    if not isinstance(report, Report):
        raise UnknownKey(f"{key} is an audit, and no step can rest on it")
    return report


def restore(data: Mapping[str, Any]) -> Report | AuditReport:
    """Build a report from its plain data.

    Parameters
    ----------
    data : mapping
        What ``to_json`` gives.

    Returns
    -------
    Report or AuditReport
    """
    kind = AuditReport if data["kind"] == "audit" else Report
    parts = {f.name: data[f.name] for f in fields(kind) if f.name in data}
    parts["values"] = tuple(ValueReport(**v) for v in data["values"])
    parts["problems"] = tuple(data["problems"])
    if kind is AuditReport:
        return AuditReport(**parts)
    steps = []
    for step in data["steps"]:
        rows = tuple(Row(**row) for row in step["rows"])
        steps.append(StepReport(**{**step, "rows": rows, "cited": tuple(step["cited"])}))
    mutants = data["mutants"]
    parts["mutants"] = MutantReport(
        mutants["made"], mutants["rejected"], tuple(mutants["survivors"]), tuple(mutants.get("true", ()))
    )
    return Report(**{**parts, "steps": tuple(steps), "cited": tuple(data["cited"]), "uses": tuple(data["uses"])})
