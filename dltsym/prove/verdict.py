"""Grades, verdicts and reports: how each thing is known. Unknown is never true and never false."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

GRADES = ("formal", "exact", "smt", "cas", "ball", "tested", "cited", "open")
PROVED, REFUTED, VACUOUS, OPEN = "proved", "refuted", "vacuous", "open"
TESTED = "tested"


def weakest(grades: Any) -> str:
    """Return the weakest of some grades; ``refuted`` and ``vacuous`` outrank every grade.

    Parameters
    ----------
    grades : iterable of str
        Grades; an empty one counts as ``exact``, the grade of nothing to prove.

    Returns
    -------
    str
    """
    order = (*GRADES, VACUOUS, REFUTED)
    return max(grades, key=order.index, default="exact")


@dataclass(frozen=True)
class Row:
    """A side condition with its own verdict."""

    text: str
    grade: str
    why: str = ""


@dataclass(frozen=True)
class Verdict:
    """Outcome of one engine, or of all of them, on one problem.

    `status` is ``proved``, ``refuted``, ``vacuous`` or ``open``; `grade` is one of `GRADES` when proved, ``open``
    when open, else the status. `witness` maps names to exact values (text) for a refutation. `spent` is the processor
    time of the engine itself, `seconds` the time that all took.
    """

    status: str
    grade: str
    engine: str = ""
    seconds: float = 0.0
    evidence: Mapping[str, Any] = field(default_factory=dict)
    witness: Mapping[str, Any] | None = None
    rows: tuple[Row, ...] = ()
    spent: float = 0.0

    def __bool__(self) -> bool:
        raise TypeError("a verdict has no truth value: ask for .status; unknown is neither true nor false")


def proved(engine: str, grade: str, rows: tuple[Row, ...] = (), **evidence: Any) -> Verdict:
    """Build the verdict of a proof; its grade is the weakest of `grade` and the grades of its rows.

    Parameters
    ----------
    engine, grade : str
        Who proved it, and how strongly.
    rows : tuple of Row
        Side conditions, all of them proved.
    **evidence
        What a reader or a replay needs.

    Returns
    -------
    Verdict
    """
    return Verdict(PROVED, weakest([grade, *(r.grade for r in rows)]), engine, 0.0, evidence, None, rows)


def open_(engine: str, reason: str, **evidence: Any) -> Verdict:
    """Build the verdict "not decided", with the reason.

    Parameters
    ----------
    engine, reason : str
        Who stopped, and why.
    **evidence
        Anything more.

    Returns
    -------
    Verdict
    """
    return Verdict(OPEN, "open", engine, 0.0, {"reason": reason, **evidence})


def refuted(engine: str, witness: Mapping[str, Any], **evidence: Any) -> Verdict:
    """Build a refutation: an exact point, with certified enclosures in the evidence.

    Parameters
    ----------
    engine : str
        Who found it.
    witness : mapping
        Symbol names to exact values as text.
    **evidence
        Enclosures of both sides and of the hypotheses.

    Returns
    -------
    Verdict
    """
    return Verdict(REFUTED, REFUTED, engine, 0.0, evidence, witness)
