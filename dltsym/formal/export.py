"""From a record to Coq files, one for every step whose proof can be exported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dltsym.cache import digest
from dltsym.errors import DltsymError
from dltsym.form import same
from dltsym.formal.claims import Claim, claims, prove
from dltsym.formal.guards import HEADER, compare
from dltsym.formal.text import Refused, coq_rel
from dltsym.notation.tree import Rel
from dltsym.packs import RecordFile, load_record
from dltsym.prove.decide import BudgetOver, time_limit
from dltsym.prove.obligations import Obligation, obligations
from dltsym.prove.problem import Problem, prepare
from dltsym.record import Theorem

STEP_SECONDS = 10.0  # processor time for the file of one step
WEAKER = ("exact", "smt", "cas", "ball", "tested")


@dataclass(frozen=True)
class Exported:
    """A file: `step` is the number of the step in the report, `key` identifies what it proves."""

    step: int
    relation: str
    key: str
    text: str
    theorems: tuple[str, ...]
    claim: str


@dataclass(frozen=True)
class Missed:
    """A step that is not exported, and why."""

    step: int
    relation: str
    why: str


def statement_text(found: tuple[Claim, ...]) -> str:
    """Return the text that stands for a claim in its seal: theorems and conditions of definedness.

    Parameters
    ----------
    found : tuple of Claim
        Theorems.

    Returns
    -------
    str
    """
    return digest(
        *(
            " ".join(
                [*(s.name for s in c.symbols), *map(coq_rel, c.given), c.conclusion(), "rows", *map(coq_rel, c.rows)]
            )
            for c in found
        )
    )


def export(problem: Problem, evidence: Mapping[str, Any]) -> tuple[str, tuple[str, ...], str]:
    """Return the Coq file of one problem, past every guard that needs no Coq.

    Parameters
    ----------
    problem : Problem
        What was proved.
    evidence : mapping
        Evidence of the verdict.

    Returns
    -------
    text : str
        The file.
    theorems : tuple of str
        Names of its theorems.
    claim : str
        Hash of the claim.
    """
    found = claims(problem)
    each = _evidence(evidence, len(found))
    text = HEADER + "".join(f"\n{prove(c, f'claim_{k}', each[k])}" for k, c in enumerate(found))
    return text, compare(text, problem, found), statement_text(found)


def _evidence(evidence: Mapping[str, Any], cases: int) -> list[Mapping[str, Any]]:
    """Return the evidence of every case: a proof by cases keeps one per case, nested where cases split again."""
    out = list(_leaves(evidence))
    return out if len(out) == cases else out[:1] * cases


def _leaves(evidence: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    inner = evidence.get("cases")
    if not inner:
        certificate = evidence.get("certificate")
        yield {**evidence, **(certificate if isinstance(certificate, Mapping) else {})}
        return
    for case in inner:
        yield from _leaves(case.get("evidence", {}))


def exported(file: RecordFile, report: Mapping[str, Any]) -> list[Exported | Missed]:
    """Export every proved step of the record in a file.

    Parameters
    ----------
    file : RecordFile
        Record.
    report : mapping
        Its report as plain data.

    Returns
    -------
    list of Exported or Missed
    """
    record = load_record(file)
    return list(steps(record, report)) if isinstance(record, Theorem) else []


def steps(theorem: Theorem, report: Mapping[str, Any]) -> Iterator[Exported | Missed]:
    """Export every proved step of a record.

    Parameters
    ----------
    theorem : Theorem
        Record.
    report : mapping
        Its report as plain data, made from this very record.

    Yields
    ------
    Exported or Missed
    """
    rows = list(enumerate(report["steps"]))[1:]
    for (number, row), ob in zip(rows, obligations(theorem), strict=False):
        relation = row["relation"]
        if relation != str(ob.goal) or row["grade"] not in WEAKER:
            yield Missed(number, relation, f"its grade is {row['grade']}")
            continue
        try:
            with time_limit(STEP_SECONDS):
                text, names, claim = export(stated(theorem, ob), row["evidence"])
        except (DltsymError, RecursionError, BudgetOver) as error:
            plain = isinstance(error, (Refused, BudgetOver))
            yield Missed(number, relation, str(error) if plain else f"{type(error).__name__}: {error}")
            continue
        yield Exported(number, relation, row["key"], text, names, claim)


def stated(theorem: Theorem, ob: Obligation) -> Problem:
    """Return an obligation as a problem without its facts: a proof that needs none of them proves more.

    Parameters
    ----------
    theorem : Theorem
        Record.
    ob : Obligation
        One of its obligations.

    Returns
    -------
    Problem
    """
    given = [g for g in theorem.given if isinstance(g, Rel) and not any(same(g, r) for r in ob.drop)]
    return prepare(ob.goal, ob.extra if ob.alone else (*given, *ob.extra), (), ob.hint)
