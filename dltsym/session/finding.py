"""`Finding`: a verdict on one claim, with the hypotheses it rests on, that prints as one line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from dltsym.notation.tree import Rel
from dltsym.prove.facts import Used
from dltsym.prove.verdict import PROVED, Row, Verdict, weakest
from dltsym.session.state import Assumption

WORDS = {
    "boundary": "end points",
    "cas": "SymPy, cross-checked",
    "boxes": "ball arithmetic on boxes",
    "constants": "closed constants",
    "direct": "sign certificate",
    "finite": "finite family",
    "given": "stated",
    "ladder": "derivative ladder",
    "limits": "limit, cross-checked",
    "log form": "log normal form",
    "sampled": "random points",
    "sos": "sum of squares",
    "sums": "sum normal form",
    "tail": "domain in parts",
    "termwise": "term by term",
    "tower": "tower normal form",
}


class Text(str):
    """Text that a prompt shows as it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


@dataclass(frozen=True, repr=False)
class Finding:
    """What is known about one claim under the hypotheses that were in force.

    `grade` is the weakest of engine, side conditions and facts; `grade_without_cited` leaves cited premises out. `bare`
    is the grade of the engine and its rows alone. It has no truth value: unknown is neither true nor false.
    """

    claim: Rel
    verdict: Verdict
    given: tuple[Assumption, ...] = ()
    named: tuple[str, ...] = ()
    used: tuple[Used, ...] = ()
    grade: str = "open"
    grade_without_cited: str = "open"
    notes: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        raise TypeError("a finding has no truth value: ask for .status; unknown is neither true nor false")

    @property
    def status(self) -> str:
        """``proved``, ``tested`` (no failure at random points, no proof), ``refuted``, ``vacuous`` or ``open``."""
        return "tested" if self.verdict.status == PROVED and self.grade == "tested" else self.verdict.status

    @property
    def engine(self) -> str:
        """Who decided."""
        return self.verdict.engine

    @property
    def rows(self) -> tuple[Row, ...]:
        """Side conditions, each once, those of the facts included."""
        found = {r.text: r for r in (*self.verdict.rows, *(r for u in self.used for r in u.rows))}
        return tuple(found.values())

    @property
    def witness(self) -> Mapping[str, Any] | None:
        """The point of a refutation, exact values as text."""
        return self.verdict.witness if self.status == "refuted" else None

    @property
    def cited(self) -> list[str]:
        """Citations of the premises that were used."""
        return unique(c for u in self.used for c in u.cited)

    @property
    def uses(self) -> list[str]:
        """Keys of the theorems that were used, directly or through others."""
        return unique(k for u in self.used for k in u.uses)

    def __repr__(self) -> str:
        return "\n".join([_headline(self), *(f"  {note}" for note in self.notes)])

    __str__ = __repr__

    def _repr_latex_(self) -> str:
        from dltsym.notation.latex import to_latex

        words = f"{self.status}, {self.grade}" if self.status == PROVED else self.status
        return rf"$\displaystyle {to_latex(self.claim)} \qquad \text{{({words})}}$"


def unique(items: Iterable[str]) -> list[str]:
    """Return the items in order, each once.

    Parameters
    ----------
    items : iterable of str
        Items.

    Returns
    -------
    list of str
    """
    return list(dict.fromkeys(items))


def _headline(f: Finding) -> str:
    seconds = f"{f.verdict.seconds:.2g} s"
    if f.status == "proved":
        cited = f"   cited: {', '.join(f.cited)}; all other steps: {f.grade_without_cited}" if f.cited else ""
        return f"proved  {f.grade}  ({WORDS.get(f.engine, f.engine)}, {seconds}){cited}{_counted(f.rows)}"
    if f.status == "tested":
        return f"tested  ({f.verdict.evidence.get('points', 'random')} random points, no failure and no proof)"
    if f.status == "refuted":
        return f"refuted  at {point_text(f.witness or {})}:  lhs-rhs {gap_text(f)}   (certified, {bits_text(f)})"
    if f.status == "vacuous":
        return f"vacuous  no point satisfies {', '.join(f.verdict.evidence.get('contradiction', ()))}"
    return f"open  {f.verdict.evidence.get('reason', 'nothing is known')}"


def _counted(rows: tuple[Row, ...]) -> str:
    grades = [r.grade for r in rows]
    return f"   rows: {', '.join(f'{grades.count(g)} {g}' for g in unique(grades))}" if rows else ""


def point_text(point: Mapping[str, Any]) -> str:
    """Return a point as ``A=1, B=2``.

    Parameters
    ----------
    point : mapping
        Names to values.

    Returns
    -------
    str
    """
    return ", ".join(f"{k}={v}" for k, v in point.items()) or "every point"


def gap_text(f: Finding) -> str:
    """Return the enclosure of ``lhs - rhs`` of a refuted claim, in the direction in which it was written.

    Parameters
    ----------
    f : Finding
        Refutation.

    Returns
    -------
    str
    """
    lo, hi = (Decimal(x) for x in f.verdict.evidence["difference"])
    if f.claim.op in (">", ">="):  # engines see the flipped relation
        lo, hi = -hi, -lo
    return enclosure(lo, hi)


def enclosure(lo: Decimal, hi: Decimal, digits: int = 6) -> str:
    """Return an interval rounded outwards, or one number when it is exact.

    Parameters
    ----------
    lo, hi : Decimal
        Ends.
    digits : int
        Significant digits of the larger end.

    Returns
    -------
    str

    Examples
    --------
    >>> enclosure(Decimal("0.027544123"), Decimal("0.027544124"))
    'in [0.0275441, 0.0275442]'
    """
    if lo == hi:
        return f"= {lo.normalize():f}"
    step = Decimal(1).scaleb(max(lo, hi, key=abs).adjusted() - digits + 1)
    low = (lo / step).to_integral_value(ROUND_FLOOR) * step
    high = (hi / step).to_integral_value(ROUND_CEILING) * step
    return f"in [{low:f}, {high:f}]"


def bits_text(f: Finding) -> str:
    """Say how a refutation was evaluated.

    Parameters
    ----------
    f : Finding
        Refutation.

    Returns
    -------
    str
    """
    return "exact rationals" if f.verdict.evidence.get("exact") else f"{f.verdict.evidence.get('precision', '?')} bits"


def joint(claim: Rel, parts: Iterable[Finding], engine: str, **extra: Any) -> Finding:
    """Return the finding that a conclusion holds because all of some findings do, under the hypotheses of all of them.

    Parameters
    ----------
    claim : Rel
        Conclusion.
    parts : iterable of Finding
        What it rests on, proved.
    engine : str
        How they add up, in words.
    **extra
        Kept in `Finding.extra`.

    Returns
    -------
    Finding
    """
    parts = tuple(parts)
    own = tuple(Row(str(p.claim), p.verdict.grade, WORDS.get(p.engine, p.engine)) for p in parts)
    rows = (*own, *(r for p in parts for r in p.verdict.rows))
    grade = weakest(p.grade for p in parts)
    verdict = Verdict(
        PROVED, weakest(r.grade for r in rows), engine, sum(p.verdict.seconds for p in parts), {}, None, rows
    )
    return Finding(
        claim,
        verdict,
        tuple(dict.fromkeys(a for p in parts for a in p.given)),
        tuple(unique(n for p in parts for n in p.named)),
        tuple(u for p in parts for u in p.used),
        grade,
        weakest(p.grade_without_cited for p in parts),
        tuple(unique(n for p in parts for n in p.notes)),
        extra,
    )
