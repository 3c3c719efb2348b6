r"""What every surface shows, once: mixed text, grades, derivation rows.

Prose of records is *mixed text*: words with mathematics between dollar signs (``\$`` is a dollar). A step is shown as
proved only if its grade says so; `status_of` is the one place that decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dltsym.errors import NotationError
from dltsym.notation.latex import RELATION_LATEX, to_latex
from dltsym.notation.parse import parse_expr, parse_relations
from dltsym.notation.tree import Expr, Sym
from dltsym.record import Lemma, Optimum, Premise, Source, Theorem

if TYPE_CHECKING:
    from dltsym.prove.report import Report

OBLIGATIONS = ("step", "converse", "claim", "tight")
ROLE_WORDS = {
    "step": "step",
    "converse": "converse",
    "claim": "claim",
    "tight": "tight set",
    "break": "break",
    "hypotheses": "hypotheses",
}
PROVED_GRADES = ("formal", "exact", "smt", "cas", "ball")
_MATH = re.compile(r"(?<!\\)\$(.+?)(?<!\\)\$", re.DOTALL)
GRADE_MEANING = {
    "formal": "replayed by Coq",
    "exact": "exact algebra",
    "smt": "z3 answered unsat",
    "cas": "SymPy says so",
    "ball": "certified by ball arithmetic on a stated box or family",
    "tested": "no failure at random points; not a proof",
    "cited": "rests on a statement assumed from the literature",
    "open": "nothing known",
    "refuted": "false, with a certified witness",
    "vacuous": "no point satisfies the hypotheses",
    "unchecked": "not checked here",
}


_AREAS = {"llm": "LLM", "moe": "MoE", "pac": "PAC", "ssm": "SSM", "bayes": "Bayes"}


def area_title(area: str) -> str:
    """Return the name of an area for a heading.

    Parameters
    ----------
    area : str
        First part of a key.

    Returns
    -------
    str

    Examples
    --------
    >>> area_title("llm_bounds"), area_title("scaling")
    ('LLM bounds', 'Scaling')
    """
    words = " ".join(_AREAS.get(w, w) for w in area.split("_"))
    return words[:1].upper() + words[1:]


@dataclass(frozen=True)
class StepView:
    """One row of a derivation: ``op to`` in LaTeX, the reason as mixed text, the grade, as shown, and what it means."""

    op: str
    to: str
    why: str
    uses: tuple[str, ...]
    sources: tuple[Source, ...]
    grade: str
    shown: str
    status: str
    engine: str = ""
    witness: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class ChainView:
    """A chain: its name (may be empty), the LaTeX of its start, its steps."""

    name: str
    start: str
    steps: tuple[StepView, ...]


def split_math(text: str) -> Iterator[tuple[bool, str]]:
    r"""Split mixed text into ``(is mathematics, piece)``; ``\$`` outside mathematics becomes a dollar sign.

    Parameters
    ----------
    text : str
        Mixed text.

    Yields
    ------
    tuple of bool and str

    Examples
    --------
    >>> list(split_math("at $r = s$ only"))
    [(False, 'at '), (True, 'r = s'), (False, ' only')]
    """
    for k, piece in enumerate(_MATH.split(text)):
        if piece:
            yield k % 2 == 1, piece if k % 2 else piece.replace(r"\$", "$")


def status_of(grade: str) -> str:
    """Say how a grade may be shown: ``proved``, ``cited``, ``tested``, or the failure itself.

    Parameters
    ----------
    grade : str
        Grade or verdict.

    Returns
    -------
    str
    """
    return "proved" if grade in PROVED_GRADES else grade or "unchecked"


def shown_grade(grade: str, evidence: Mapping[str, Any]) -> str:
    """Return the words for the grade of an obligation: where time ran out, and where a replay is only on record.

    Parameters
    ----------
    grade : str
        Grade or verdict.
    evidence : mapping
        Evidence of the obligation.

    Returns
    -------
    str

    Examples
    --------
    >>> shown_grade("open", {"timeout": True}), shown_grade("exact", {"formal": {"shown": "formal (recorded)"}})
    ('open (timeout)', 'formal (recorded)')
    """
    if "formal" in evidence:
        return str(evidence["formal"]["shown"])
    return f"{grade} (timeout)" if grade == "open" and evidence.get("timeout") is True else grade


def relation_glyph(op: str, status: str) -> str:
    r"""Return the LaTeX of a relation sign, marked when the relation is not known to hold.

    Parameters
    ----------
    op : str
        Relation, or ``iff``.
    status : str
        From `status_of`.

    Returns
    -------
    str
        A question mark stands over an open or only tested relation, a cross over a refuted or vacuous one.
    """
    sign = RELATION_LATEX[op]
    if status in ("open", "tested"):
        return rf"\mathrel{{\overset{{?}}{{{sign}}}}}"
    if status in ("refuted", "vacuous"):
        return rf"\mathrel{{\overset{{\times}}{{{sign}}}}}"
    return sign


def derivation(theorem: Theorem, report: Report | None = None) -> tuple[ChainView, ...]:
    """Return the chains of a record with the verdict of each step, or ``unchecked`` without a report.

    Parameters
    ----------
    theorem : Theorem
        Record.
    report : Report, optional
        What the checker said.

    Returns
    -------
    tuple of ChainView
    """
    premises = {g.name: g.source for g in theorem.given if isinstance(g, Premise)}
    rows = {(s.chain, s.number, s.role): s for s in report.steps} if report else {}
    chains = []
    for k, chain in enumerate(theorem.proof, 1):
        label = (chain.name or f"chain {k}") if len(theorem.proof) > 1 else ""
        steps = []
        for number, step in enumerate(chain.steps, 1):
            found = [rows[label, number, role] for role in ("step", "converse") if (label, number, role) in rows]
            worst = max(found, key=lambda r: _rank(r.grade), default=None)
            uses = tuple(u.key for u in step.by if isinstance(u, Lemma))
            named = tuple(premises[u] for u in step.by if isinstance(u, str) and u in premises)
            why = step.why or ", ".join(u for u in step.by if isinstance(u, str))
            grade = worst.grade if worst else "unchecked"
            steps.append(
                StepView(
                    step.op,
                    to_latex(step.to),
                    why,
                    uses,
                    named,
                    grade,
                    shown_grade(grade, worst.evidence) if worst else grade,
                    status_of(grade),
                    worst.engine if worst else "",
                    worst.witness if worst else None,
                )
            )
        chains.append(ChainView(chain.name, to_latex(chain.start), tuple(steps)))
    return tuple(chains)


def _rank(grade: str) -> int:
    order = tuple(GRADE_MEANING)
    return order.index(grade) if grade in order else len(order)


def relation_latex(text: str, symbols: Mapping[str, Sym]) -> str | None:
    """Return LaTeX for the text of a relation or expression of a report, or None when it cannot be read.

    Parameters
    ----------
    text : str
        Text in the grammar of `dltsym.notation.parse`.
    symbols : mapping of str to Sym
        Symbols of the record.

    Returns
    -------
    str or None
    """
    names: dict[str, Expr] = dict(symbols)
    try:
        if not re.search(r"[<>=]", text):
            return to_latex(parse_expr(text, names))
        first, *rest = parse_relations(text, names)
    except NotationError:
        return None
    return to_latex(first) + "".join(f" {RELATION_LATEX[r.op]} {to_latex(r.rhs)}" for r in rest)


def lemma_keys(theorem: Theorem) -> tuple[str, ...]:
    """Return the keys of the theorems that a derivation uses, in order of use.

    Parameters
    ----------
    theorem : Theorem
        Record.

    Returns
    -------
    tuple of str
    """
    uses = [u for chain in theorem.proof for step in chain.steps for u in step.by]
    uses += [u for claim in theorem.claims if isinstance(claim, Optimum) for u in getattr(claim.proof, "by", ())]
    return _unique(u.key for u in uses if isinstance(u, Lemma))


def _unique(items: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(items))


def grade_sentence(report: Report | None) -> str:
    """Return one sentence of mixed text with the grade of a record and what it rests on.

    Parameters
    ----------
    report : Report, optional
        What the checker said.

    Returns
    -------
    str
    """
    if report is None:
        return "This derivation was not checked in this rendering."
    counted = [s for s in report.steps if s.role in OBLIGATIONS]
    bad = [s for s in counted if status_of(s.grade) not in ("proved", "cited")]
    if report.grade in ("refuted", "vacuous"):
        return f"WARNING: this derivation is {report.grade} and must not be used."
    text = f"Grade: {report.grade} ({GRADE_MEANING.get(report.grade, '')})"
    if report.grade == "cited":
        text += f"; all other steps: {report.grade_without_cited}"
    warning = f" WARNING: {len(bad)} of {len(counted)} obligations are not proved." if bad else ""
    return f"{text}.{warning}"


def computed_text(theorem: Theorem) -> str:
    """Say which results of a record are computed by code, because they have no formula.

    Parameters
    ----------
    theorem : Theorem
        Record.

    Returns
    -------
    str
        Empty without an algorithm.
    """
    code = theorem.algorithm
    if code is None:
        return ""
    return f"{', '.join(code.computes)}: computed by an algorithm, {code.name}, in enclosures; it proves nothing."
