"""`settle`: one claim under the hypotheses in force, from facts and side conditions to a finding."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from dltsym.errors import CyclicLemma, DltsymError, RecordError, UndeclaredSymbol, Undefined
from dltsym.notation.parse import parse_relations
from dltsym.notation.tree import Expr, Rel, Sym
from dltsym.prove.decide import decide
from dltsym.prove.definedness import discharge
from dltsym.prove.facts import Used, grade_with, inhabited, lemma_fact, premise_fact
from dltsym.prove.problem import Fact, Problem, prepare
from dltsym.prove.sample import find_point, refute
from dltsym.prove.vacuous import vacuous
from dltsym.prove.verdict import PROVED, VACUOUS, Verdict, open_
from dltsym.record import Lemma
from dltsym.session.finding import Finding
from dltsym.session.lemmas import Instance, Known, instances, known_of, library
from dltsym.session.state import RELATION, SESSION, Assumption, in_force, same_relation

_CONTACT = re.compile(r"^ladder\((\w+), *contact=(.+)\)$")  # the long form of "p @ q"


@dataclass(frozen=True)
class Question:
    """A claim with what it may use: assumptions in force, facts by name, lemmas, things proved before."""

    claim: Rel
    assumed: tuple[Assumption, ...]
    premises: tuple[Assumption, ...]
    lemmas: tuple[Lemma, ...]
    known: Mapping[str, Known]
    hint: str = ""
    extra: tuple[Rel, ...] = ()

    @property
    def given(self) -> tuple[Rel, ...]:
        """Hypotheses that are always available."""
        return (*(a.rel for a in self.assumed if not a.cite), *self.extra)

    @property
    def stated(self) -> tuple[Rel, ...]:
        """Everything in force, cited premises included."""
        return (*(a.rel for a in self.assumed), *self.extra)


def settle(claim: Rel, by: Any = (), hint: str = "", extra: Iterable[Rel] = (), without: str = "") -> Finding:
    """Decide a claim under the hypotheses in force.

    Parameters
    ----------
    claim : Rel
        Relation over the session's names.
    by : object or sequence
        Names of hypotheses, theorems, earlier derivations and findings, relations to be proved first.
    hint : str
        Hint for the engines.
    extra : iterable of Rel
        Further hypotheses.
    without : str
        Label of the chain that asks; it may not use itself.

    Returns
    -------
    Finding

    Raises
    ------
    Undefined
        When a term of the claim or of a hypothesis may have no value.
    """  # noqa: DOC502 - raised by the parts
    hint = _CONTACT.sub(r"\1 @ \2", hint)
    question = _question(claim, by, hint, tuple(extra), without)
    base = prepare(claim, question.given)
    point, empty = _satisfiable(prepare(claim, question.stated))
    if empty is not None:
        return Finding(claim, empty, question.assumed, grade=VACUOUS, grade_without_cited=VACUOUS)
    used = _facts(question, base)
    problem = prepare(claim, question.given, tuple(dict.fromkeys(u.fact for u in used)), hint)
    _one_of_each(problem)
    _defined(question, problem)
    verdict = _verdict(question, problem, used)
    grade, bare = (verdict.grade, verdict.grade)
    if verdict.status == PROVED:
        grade, bare = grade_with(used, verdict.grade)
    unused = [a.name for a in question.assumed if a.cite and a not in question.premises]
    notes = () if point else ("no point inside the hypotheses was found: they may be contradictory",)
    if verdict.status != PROVED and unused:
        notes = (*notes, f"cited and not used: {', '.join(dict.fromkeys(unused))}; name it in by=")
    assumed = (*question.assumed, *(Assumption(r) for r in question.extra))
    return Finding(claim, verdict, assumed, _names(question), used, grade, bare, notes, {"problem": problem})


def _one_of_each(problem: Problem) -> None:
    """Raise if two symbols share a name: engines tell symbols apart by name."""
    seen: set[str] = set()
    for sym in problem.symbols:
        if sym.name in seen and not sym.decl.uid:
            raise UndeclaredSymbol(f"{sym.name} was declared anew since a part of {problem.goal} was written")
        seen.add(sym.name)


def _names(question: Question) -> tuple[str, ...]:
    known = [n for k in question.known.values() for n in k.cited_names]
    return tuple(dict.fromkeys([*(a.name for a in question.premises), *known, *(str(u) for u in question.lemmas)]))


def _verdict(question: Question, problem: Problem, used: tuple[Used, ...]) -> Verdict:
    rows, empty = inhabited(problem, (question.claim, *question.extra), question.stated)
    missing = [*dict.fromkeys(m for u in used for m in u.missing), *empty]
    if missing:
        return open_("lemmas", "; ".join(missing), missing=missing)
    verdict = decide(problem)
    return replace(verdict, rows=(*verdict.rows, *rows)) if verdict.status == PROVED else verdict


@lru_cache(maxsize=128)
def _satisfiable(problem: Problem) -> tuple[bool, Verdict | None]:
    """Whether a point inside the hypotheses is known, and the verdict ``vacuous`` when they contradict each other."""
    if find_point(problem) is not None:
        return True, None
    return False, vacuous(problem)


# What may be used


def _question(claim: Rel, by: Any, hint: str, extra: tuple[Rel, ...], without: str) -> Question:
    assumed = in_force()
    premises: list[Assumption] = []
    lemmas: list[Lemma] = []
    known: dict[str, Known] = {}
    for use in by if isinstance(by, tuple | list) else (by,) if by is not None else ():
        if isinstance(use, str) and any(a.name == use for a in assumed):
            premises += [a for a in assumed if a.name == use and a.cite]
        elif isinstance(use, str) and use and use == without:
            raise CyclicLemma(f"the chain {use!r} cannot be used in its own proof")
        elif isinstance(use, Rel) or (isinstance(use, str) and RELATION.search(use)):
            for rel in SESSION.chain(use):
                _add(known, lemmas, known_of(_first(rel, claim, extra)))
        elif isinstance(use, str) and use:
            names = [a.name for a in assumed if a.name]
            lemmas.append(Lemma(library(use, names)))
        elif isinstance(use, Lemma):
            lemmas.append(replace(use, key=library(use.key)))
        elif isinstance(use, Instance):
            _add(known, lemmas, use.known, dict(use.at))
        elif use != "":
            _add(known, lemmas, known_of(use, without))
    return Question(claim, assumed, tuple(premises), tuple(lemmas), known, hint, extra)


def _add(known: dict[str, Known], lemmas: list[Lemma], item: Known, values: Mapping[str, Expr] | None = None) -> None:
    known[item.theorem.key] = item
    at = tuple(sorted({**item.same(), **(values or {})}.items()))
    lemmas += [Lemma(item.theorem.key, at, part) for part in range(len(item.theorem.claims))]


def _first(rel: Rel, claim: Rel, extra: tuple[Rel, ...]) -> Finding:
    """Prove a relation that a step wants to use."""
    if same_relation(rel, claim):
        raise CyclicLemma(f"{rel} cannot be used in its own proof")
    finding = settle(rel, extra=extra)
    if finding.status != PROVED:
        raise RecordError(f"by= names {rel}, which is not proved: {finding}")
    return finding


def _facts(question: Question, base: Problem) -> tuple[Used, ...]:
    premises = tuple(premise_fact(a.hypothesis) for a in question.premises)  # pyright: ignore[reportArgumentType]
    step = replace(base, facts=prepare(base.goal, (), [u.fact for u in premises]).facts)
    out = list(premises)
    for lemma in question.lemmas:
        known = question.known.get(lemma.key)
        own = [a for a in question.assumed if known is not None and a.cite and a.hypothesis in known.theorem.given]
        there = replace(step, facts=(*step.facts, *prepare(base.goal, (), [_assumed(a) for a in own]).facts))
        resolve, report_of = library.doors(question.known)
        every = instances(lemma, resolve(lemma.key), base, [u.fact.rel for u in premises])
        tried = [lemma_fact(one, there, SESSION.symbols, resolve, report_of) for one in every]
        good = [u for u in tried if not u.missing]
        out += good or tried[:1]
    return tuple(out)


def _assumed(a: Assumption) -> Fact:
    return premise_fact(a.hypothesis).fact  # pyright: ignore[reportArgumentType]


# Definedness


def _defined(question: Question, problem: Problem) -> None:
    """Raise unless every term of claim, hypotheses and cited premises has a value."""
    cited = prepare(problem.goal, [a.rel for a in question.premises]).given
    _, missing = discharge(replace(problem, given=(*problem.given, *cited)))
    if not missing:
        return
    text = "; ".join(missing)
    point = next((p for m in missing if (p := _outside(m, problem)) is not None), None)
    where = f"; it fails at {', '.join(f'{k}={v}' for k, v in point.items())}" if point else ", which was not proved"
    finding = Finding(question.claim, open_("definedness", text, missing=list(missing)), question.assumed)
    unused = [a.name for a in question.assumed if a.cite and a not in question.premises]
    also = f" (cited and not used: {', '.join(dict.fromkeys(unused))}; name it in by=)" if unused else ""
    raise Undefined(f"{text}{where}. Add it to given(...), if it is meant{also}", finding)


def _outside(missing: str, problem: Problem) -> Mapping[str, Any] | None:
    """Find a point where a side condition fails and every hypothesis that does not need it holds."""
    term, _, condition = missing.rpartition(" needs ")
    names: dict[str, Any] = {s.name: s for s in problem.symbols if isinstance(s, Sym)}
    try:
        (rel,) = parse_relations(condition, names)
        free = [r for r in problem.given if term not in str(r)]
        bad = refute(prepare(rel, free), points=48)
    except (DltsymError, RecursionError):  # it mentions an index of a sum, say
        return None
    return None if bad is None else bad.witness
