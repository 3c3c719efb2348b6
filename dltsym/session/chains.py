"""`calc`: chains whose steps are checked when they are added, and what they conclude."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from dltsym.chain import Derivation as Draft
from dltsym.chain import conclusion
from dltsym.errors import RecordError
from dltsym.notation.tree import Expr, Rel
from dltsym.prove.verdict import GRADES
from dltsym.session.finding import Finding, Text, joint
from dltsym.session.messages import demand
from dltsym.session.settle import settle
from dltsym.session.show import align, closing, display, table
from dltsym.session.state import SESSION


@dataclass(frozen=True)
class Step:
    """A proved link of a chain: the finding says how, `why` and `tag` are for the reader."""

    op: str
    to: Expr
    finding: Finding
    why: str = ""
    tag: str = ""


@dataclass(frozen=True, repr=False)
class Chain:
    """A chain in the making; every method checks one step and returns the longer chain, or raises."""

    start: Expr
    steps: tuple[Step, ...] = ()
    label: str = ""

    finding = None  # nothing can rest on a chain before it is closed

    def _draft(self) -> Draft:
        return drafted(self.start, self.steps)

    def _then(self, op: str, to: Any, by: Any, why: str, tag: str, hint: str) -> Chain:
        to = SESSION.expression(to)
        self._draft()._then(op, to, "", (), "")  # raises when the chain turns round
        here = self.steps[-1].to if self.steps else self.start
        found = settle(Rel(here, op, to), by, hint, without=self.label)
        step = Step(op, to, demand(found, len(self.steps) + 1), why, tag)
        return replace(self, steps=(*self.steps, step))

    def eq(self, to: Any, why: str = "", *, by: Any = (), tag: str = "", hint: str = "") -> Chain:
        """Add ``= to``, after it is proved.

        Parameters
        ----------
        to : Expr, str or number
            Next expression.
        why : str
            Reason for the reader.
        by : object or sequence
            Names of hypotheses, theorems such as ``thm.pinsker``, closed derivations, findings, relations.
        tag : str
            Tag of the line in LaTeX.
        hint : str
            Engine hint, for example ``"p @ q"`` for a contact of the derivative ladder.

        Returns
        -------
        Chain

        A step that is not proved raises `StepRefuted`, `StepOpen`, `SideConditionOpen`, `Undefined` or
        `VacuousHypotheses`; one that turns the chain round raises `MixedDirections`.
        """
        return self._then("=", to, by, why, tag, hint)

    def le(self, to: Any, why: str = "", *, by: Any = (), tag: str = "", hint: str = "") -> Chain:
        """Add ``<= to``, after it is proved; parameters and errors as in `eq`.

        Returns
        -------
        Chain
        """
        return self._then("<=", to, by, why, tag, hint)

    def lt(self, to: Any, why: str = "", *, by: Any = (), tag: str = "", hint: str = "") -> Chain:
        """Add ``< to``, after it is proved; parameters and errors as in `eq`.

        Returns
        -------
        Chain
        """
        return self._then("<", to, by, why, tag, hint)

    def ge(self, to: Any, why: str = "", *, by: Any = (), tag: str = "", hint: str = "") -> Chain:
        """Add ``>= to``, after it is proved; parameters and errors as in `eq`.

        Returns
        -------
        Chain
        """
        return self._then(">=", to, by, why, tag, hint)

    def gt(self, to: Any, why: str = "", *, by: Any = (), tag: str = "", hint: str = "") -> Chain:
        """Add ``> to``, after it is proved; parameters and errors as in `eq`.

        Returns
        -------
        Chain
        """
        return self._then(">", to, by, why, tag, hint)

    def relax(self, by: Any, why: str = "", *, op: str = "", tag: str = "") -> Chain:
        """Add the bound that one use of a lemma gives, after it is proved; see `dltsym.relax`.

        Parameters
        ----------
        by : Lemma, derivation or finding
            What bounds a term of the last expression.
        why, tag : str
            As in `eq`.
        op : str
            ``<=`` or ``>=``; by default the direction of the chain, else that of the first term that fits.

        Returns
        -------
        Chain
        """
        from dltsym.session.rewrite import relaxed

        way = next((s.op[0] + "=" for s in self.steps if s.op != "="), "")
        op, to, found = relaxed(self.steps[-1].to if self.steps else self.start, by, op or way)
        self._draft()._then(op, to, "", (), "")  # raises when the chain turns round
        return replace(self, steps=(*self.steps, Step(op, to, found, why, tag)))

    def close(self) -> Derivation:
        """Conclude.

        Returns
        -------
        Derivation

        Raises
        ------
        RecordError
            When there is no step.
        """
        if not self.steps:
            raise RecordError(f"the chain from {self.start} has no step")
        if len({s.finding.given for s in self.steps}) > 1:  # steps from several with-blocks: their hypotheses join
            every = dict.fromkeys(a.rel for s in self.steps for a in s.finding.given)
            demand(settle(Rel(self.start, "=", self.start), extra=every), doing="the hypotheses of all steps")
        return Derivation(self.start, self.steps, self.label)

    def __repr__(self) -> str:
        return "\n".join([f"{self.start}", *(f"  {s.op} {s.to}   {s.finding.grade}" for s in self.steps)])

    def _repr_latex_(self) -> str:
        return display(self.start, self.steps)


@dataclass(frozen=True, repr=False)
class Derivation:
    """A closed chain: what it proves, how well it is known, and how it prints. Usable in later steps by ``by=``."""

    start: Expr
    steps: tuple[Step, ...]
    label: str = ""

    @cached_property
    def claim(self) -> Rel:
        """First expression, strongest relation that the steps compose to, last expression."""
        return conclusion(drafted(self.start, self.steps))

    @cached_property
    def finding(self) -> Finding:
        """What is known about the claim, as a finding."""
        parts = [s.finding for s in self.steps]
        if len(parts) == 1:
            return replace(parts[0], claim=self.claim)
        return joint(self.claim, parts, "chain")

    @property
    def grade(self) -> str:
        """Weakest grade of the steps."""
        return self.finding.grade

    @property
    def grade_without_cited(self) -> str:
        """The same without the cited premises."""
        return self.finding.grade_without_cited

    @property
    def cited(self) -> list[str]:
        """Citations of the premises that were used."""
        return self.finding.cited

    @property
    def end(self) -> Expr:
        """Last expression."""
        return self.steps[-1].to

    @property
    def weakest(self) -> list[int]:
        """Numbers of the weakest steps."""
        worst = max((s.finding.grade for s in self.steps), key=GRADES.index)
        return [k for k, s in enumerate(self.steps, 1) if s.finding.grade == worst]

    def report(self) -> Text:
        """Return the table of steps, each with its grade, engine, facts and side conditions.

        Returns
        -------
        Text
        """
        return Text(table(self))

    def latex(self, env: str = "align", *, reasons: bool = True, label: str = "") -> str:
        r"""Return the chain as LaTeX, and below it a sentence with domain, grade and citations.

        Parameters
        ----------
        env : str
            ``align``, ``align*`` or ``aligned``.
        reasons : bool
            Print the reason of each step.
        label : str
            Label, by default that of the chain.

        Returns
        -------
        str
        """
        block = align(self.start, self.steps, env, reasons, label or self.label)
        return f"{block}\n{closing(self)}"

    def __repr__(self) -> str:
        cited = f" [{', '.join(self.cited)}]; all other steps: {self.grade_without_cited}" if self.cited else ""
        return f"{self.claim}   {self.grade}{cited}"

    def _repr_latex_(self) -> str:
        return display(self.start, self.steps)

    def to_json(self) -> dict[str, Any]:
        """Return the derivation as plain data.

        Returns
        -------
        dict
        """
        steps: list[Mapping[str, Any]] = [
            {"claim": str(s.finding.claim), "why": s.why, "grade": s.finding.grade, "engine": s.finding.engine}
            for s in self.steps
        ]
        return {
            "claim": str(self.claim),
            "grade": self.grade,
            "grade_without_cited": self.grade_without_cited,
            "cited": self.cited,
            "uses": self.finding.uses,
            "steps": steps,
        }


def drafted(start: Expr, steps: Sequence[Step]) -> Draft:
    """Return a chain as a record would write it down; raises when it turns round.

    Parameters
    ----------
    start : Expr
        First expression.
    steps : sequence of Step
        Steps.

    Returns
    -------
    Derivation
        Of `dltsym.chain`.
    """
    draft = Draft(start)
    for s in steps:
        draft = draft._then(s.op, s.to, "", (), "")
    return draft


def calc(start: Any, label: str = "") -> Chain:
    """Start a chain whose steps are checked as they are added; `derive` writes down the steps of a record unchecked.

    Parameters
    ----------
    start : Expr, str or number
        First expression, over the names of the session.
    label : str
        Label of the display.

    Returns
    -------
    Chain

    Examples
    --------
    >>> from dltsym import calc, reals
    >>> x, y = reals("x y")
    >>> calc("2*x*y").le("x**2 + y**2").close()
    2*x*y <= x**2 + y**2   exact
    """
    return Chain(SESSION.expression(start), label=label)


def one_step(start: Expr, op: str, to: Expr, finding: Finding, why: str = "") -> Derivation:
    """Return a derivation of one proved step.

    Parameters
    ----------
    start, to : Expr
        Both sides.
    op : str
        Relation.
    finding : Finding
        How the step is known.
    why : str
        Reason for the reader.

    Returns
    -------
    Derivation
    """
    return Derivation(start, (Step(op, to, finding, why),))
