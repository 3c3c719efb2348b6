"""`non_vacuous`: whether a bound says anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dltsym.notation.evaluate import holds
from dltsym.notation.tree import Rel
from dltsym.notation.walk import free_symbols
from dltsym.prove.verdict import PROVED
from dltsym.session.finding import Finding
from dltsym.session.given_values import at_values, inside, numbers
from dltsym.session.settle import settle
from dltsym.session.state import SESSION, in_force
from dltsym.session.threshold import Threshold, solve_for


@dataclass(frozen=True, repr=False)
class Vacuity:
    """Whether a bound says anything: ``yes``, ``no`` or ``unknown``, where, and from which value of a name on."""

    relation: Rel
    answer: str
    where: str
    finding: Finding | None = None
    threshold: Threshold | None = None

    def __bool__(self) -> bool:
        raise TypeError("the answer may be unknown: ask for .answer")

    def __repr__(self) -> str:
        grade = f"   {self.finding.grade}" if self.finding is not None and self.finding.status == PROVED else ""
        lines = [f"{self.answer}: {self.relation} {self.where}{grade}"]
        return "\n".join([*lines, repr(self.threshold)] if self.threshold else lines)


def non_vacuous(bound: Any, baseline: Any = 1, *, at: Mapping[str, Any] | None = None, solve: Any = None) -> Vacuity:
    """Say whether an upper bound is below what is known anyway, at a point or everywhere under the hypotheses.

    Parameters
    ----------
    bound, baseline : Expr, str or number
        Upper bound, and the value that makes it vacuous.
    at : mapping, optional
        Values of names. With all of them the answer is certified at that point.
    solve : str or Sym, optional
        Name for which the condition is solved as well.

    Returns
    -------
    Vacuity
        ``no`` means that the bound is certified vacuous at the point, or somewhere under the hypotheses.

    Examples
    --------
    >>> from dltsym import counts, non_vacuous, positives
    >>> D, n = positives("D"), counts("n")
    >>> non_vacuous("sqrt(D/(2*n))", at={"D": 50, "n": 100}).answer
    'yes'
    """
    rel = Rel(SESSION.expression(bound), "<", SESSION.expression(baseline))
    values = numbers(at or {})
    if solve is not None:
        n = SESSION.expression(solve)
        others = {k: v for k, v in values.items() if k != getattr(n, "name", "")}
        threshold = solve_for(n, rel, at=others)
    else:
        threshold = None
    point = at_values(rel, None, values)
    if not free_symbols(point):
        inside(rel, None, values)
        truth = holds(point, {}, (64, 128, 333, 1000))
        word = "unknown" if truth is None else "yes" if truth else "no"
        shown = ", ".join(f"{k} = {v}" for k, v in (at or {}).items())
        return Vacuity(rel, word, f"at {shown}" if shown else "", None, threshold)
    there = [at_values(a.rel, None, values) for a in in_force() if not a.cite]
    found = settle(point, extra=[r for r in there if free_symbols(r)])
    word = {"proved": "yes", "refuted": "no"}.get(found.status, "unknown")
    where = "everywhere under the hypotheses" if word == "yes" else f"at {dict(found.witness)}" if found.witness else ""
    return Vacuity(rel, word, where, found, threshold)
