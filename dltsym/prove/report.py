"""What checking a record gives: plain frozen data that prints, renders and serialises to JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from dltsym.prove.verdict import REFUTED, VACUOUS, Row


def as_written(op: str, evidence: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the evidence with the sides of a relation as they were written: engines turn > and >= round.

    Parameters
    ----------
    op : str
        Relation as written.
    evidence : mapping
        What an engine found, with enclosures of the sides and of left minus right where it refuted.

    Returns
    -------
    mapping

    Examples
    --------
    >>> as_written(">=", {"lhs": ["2", "2"], "rhs": ["1", "1"], "difference": ["1", "1"]})
    {'lhs': ['1', '1'], 'rhs': ['2', '2'], 'difference': ['-1', '-1']}
    """
    if op not in (">", ">=") or not {"lhs", "rhs"} <= set(evidence):
        return evidence
    out = {**evidence, "lhs": evidence["rhs"], "rhs": evidence["lhs"]}
    if isinstance(gap := evidence.get("difference"), list | tuple):
        out["difference"] = [str(-Decimal(end)) for end in reversed(gap)]
    return out


@dataclass(frozen=True)
class StepReport:
    """Verdict on one obligation: a step of a chain, a row an optimum or ODE asks for, a tight set, a break.

    `key` is the content hash of the problem that was decided: what a replay elsewhere is bound to.
    """

    relation: str
    reason: str
    grade: str
    engine: str
    seconds: float
    evidence: Mapping[str, Any]
    witness: Mapping[str, Any] | None
    rows: tuple[Row, ...] = ()
    role: str = "step"
    chain: str = ""
    cited: tuple[str, ...] = ()
    number: int = 0
    key: str = ""


@dataclass(frozen=True)
class ValueReport:
    """A published value against the certified one."""

    inputs: Mapping[str, Any]
    expected: str
    got: str
    digits_agree: int
    digits: int
    ok: bool
    of: str = ""
    source: str = ""

    @property
    def defect(self) -> str:
        """What is wrong with it, in words; with a remedy where its digits agree and are too few to be no equality."""
        name = "value" if self.of in ("", "value") else f"value {self.of}"
        few = "; so few digits claim equality: print six or more, or say digits= where it is rounded"
        enough = not self.ok and 0 < self.digits <= self.digits_agree
        return f"{name} expected {self.expected}, got {self.got}{few if enough else ''}"


@dataclass(frozen=True)
class MutantReport:
    """Negative control: `made` altered claims, `rejected` with a witness, the rest listed with the reason.

    Altered claims that are proved to be `true` as well (the original has slack there) are listed apart and not counted.
    """

    made: int = 0
    rejected: int = 0
    survivors: tuple[Mapping[str, str], ...] = ()
    true: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True)
class Report:
    """Everything known about one theorem.

    `grade` is the weakest of all steps, ``cited`` when a cited premise is used; `grade_without_cited` leaves the
    cited premises out. `problems` are defects in plain words: a record is `ok` when it has none.
    """

    key: str
    title: str
    area: str
    kind: str
    grade: str
    grade_without_cited: str
    steps: tuple[StepReport, ...]
    values: tuple[ValueReport, ...] = ()
    mutants: MutantReport = field(default_factory=MutantReport)
    cited: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether nothing is refuted, vacuous, unreproduced or malformed."""
        return not self.problems and self.grade not in (REFUTED, VACUOUS)

    def __str__(self) -> str:
        from dltsym.render.text import report_text

        return report_text(self)

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain data with the keys of the machine contract.

        Returns
        -------
        dict
        """
        return asdict(self) | {"ok": self.ok}


@dataclass(frozen=True)
class AuditReport:
    """Outcome of an audit: the verdict the machine reached, and the witness it evaluated."""

    key: str
    title: str
    source: str
    prints: str
    verdict: str
    declared: str
    witness: Mapping[str, Any]
    corrected: str
    values: tuple[ValueReport, ...] = ()
    problems: tuple[str, ...] = ()
    seconds: float = 0.0
    kind: str = "audit"
    area: str = "audits"

    @property
    def ok(self) -> bool:
        """Whether the machine reached the declared verdict and every value."""
        return not self.problems

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain data.

        Returns
        -------
        dict
        """
        return asdict(self) | {"ok": self.ok}
