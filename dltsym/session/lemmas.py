"""Facts of a session: theorems of the catalogue and what was proved before, through the same door as in records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from dltsym import catalogue
from dltsym.errors import CyclicLemma, RecordError, UnknownKey, suggest
from dltsym.notation.tree import Call, Const, Expr, Num, Rel, Sym
from dltsym.notation.walk import binders, children, expand_lets, free_symbols, key, subterms
from dltsym.prove.definedness import conditions
from dltsym.prove.facts import lemma_claim
from dltsym.prove.problem import Problem, prepare
from dltsym.prove.report import Report
from dltsym.prove.verdict import PROVED
from dltsym.record import Lemma, Source, Theorem
from dltsym.session.finding import Finding
from dltsym.session.shelf import find_key, theorem_keys
from dltsym.session.state import SESSION

MOST = 4
Doors = tuple[Callable[[str], Theorem], Callable[[str], Report]]


@dataclass(frozen=True)
class Known:
    """Something proved in this session, as a theorem with its report; `cited_names` are the premises it rests on."""

    theorem: Theorem
    report: Report
    cited_names: tuple[str, ...]

    def same(self) -> dict[str, Sym]:
        """Return the instance in which every name stands for itself."""
        now = SESSION.symbols
        mine = self.theorem.symbols.items()
        return {name: now[name] for name, sym in mine if name in now and sym.decl.sort != "index"}


@dataclass(frozen=True)
class Instance:
    """Something proved, at values of its symbols; names that are left out stand for themselves."""

    known: Known
    at: tuple[tuple[str, Expr], ...]


class Library:
    """Theorems by key or last part of a key, and the doors that `dltsym.prove.facts` asks for."""

    def __call__(self, name: str, others: Iterable[str] = ()) -> str:
        """Complete the key of a theorem; `others` are further names that could have been meant."""
        found = find_key(name)
        if found is not None:
            return found
        try:
            return catalogue.get(name).key
        except UnknownKey:
            tails = suggest(name, [*others, *theorem_keys()])
            raise UnknownKey(f"by= names {name!r}, which is no hypothesis and no theorem{tails}") from None

    def doors(self, known: Mapping[str, Known]) -> Doors:
        """Return how a theorem and its report are found by key, local ones first."""

        def resolve(name: str) -> Theorem:
            record = known[name].theorem if name in known else catalogue.get(name)
            if not isinstance(record, Theorem):
                raise UnknownKey(f"{name} is an audit, and no step can rest on it")
            return record

        def report_of(name: str) -> Report:
            report = known[name].report if name in known else catalogue.check(name)
            if not isinstance(report, Report):
                raise UnknownKey(f"{name} is an audit, and no step can rest on it")
            return report

        return resolve, report_of


library = Library()


def known_of(item: Any, without: str = "") -> Known:
    """Turn a finding, or anything with one for its claim, into a fact for later steps.

    Parameters
    ----------
    item : Finding or object with a ``finding``
        What was proved.
    without : str
        Label of the chain that asks.

    Returns
    -------
    Known

    Raises
    ------
    RecordError
        When it is not proved, or nothing that a step can use.
    CyclicLemma
        When it is a chain that is not closed.
    """
    item = getattr(item, "finding", item)
    if item is None:
        raise CyclicLemma(f"a chain can be used after .close(), and not in its own proof {without}".strip())
    if not isinstance(item, Finding):
        raise RecordError(f"by= takes names, theorems, findings and closed derivations, not {item!r}")
    if item.status != PROVED:
        raise RecordError(f"{item.claim} is not proved and cannot be used: {item}")
    return known_finding(item)


def known_finding(f: Finding) -> Known:
    """Return a proved finding as a theorem; its hypotheses are all that were in force when it was proved.

    Parameters
    ----------
    f : Finding
        Proved.

    Returns
    -------
    Known
    """
    assumed = [a for a in f.given if not a.cite or a.name in f.named]
    problem = prepare(f.claim, [a.rel for a in assumed])
    names = {s.name: s for s in problem.symbols if not s.decl.uid}
    title = f"{f.claim} [{', '.join(str(a.rel) for a in assumed)}]"
    given = tuple(a.hypothesis for a in assumed)
    # the claim was proved defined under the same hypotheses, so its conditions are part of what is known
    defined = tuple(c.rel.flipped() for c in conditions(expand_lets(f.claim)) if not c.local and not c.instead)
    theorem = Theorem(title, names, (problem.goal, *defined), Source(""), given, key=str(f.claim))
    report = Report(
        theorem.key, title, "session", "", f.grade, f.grade_without_cited, (), cited=tuple(f.cited), uses=tuple(f.uses)
    )
    return Known(theorem, report, tuple(a.name for a in assumed if a.cite))


# Instances


def instances(lemma: Lemma, theorem: Theorem, step: Problem, facts: Iterable[Rel]) -> tuple[Lemma, ...]:
    """Return the instances of a lemma that a step could mean, when it does not say.

    Parameters
    ----------
    lemma : Lemma
        Reference.
    theorem : Theorem
        What it refers to.
    step : Problem
        The step: its goal and hypotheses are searched for the terms of the lemma, the goal first.
    facts : iterable of Rel
        Further relations to search.

    Returns
    -------
    tuple of Lemma
        At least one; the lemma itself when nothing matches.
    """
    if lemma.at:
        return (lemma,)
    claim = prepare(lemma_claim(lemma, theorem)).goal
    free = {s for s in theorem.symbols.values() if s.decl.sort in ("real", "integer")}
    found: dict[str, Lemma] = {}
    for rel in (step.goal, *prepare(step.goal, facts).given, *step.given):
        for at in _matches(claim, rel, free):
            made = replace(lemma, at=tuple(sorted((s.name, e) for s, e in at.items())))
            found.setdefault(str([(n, key(e)) for n, e in made.at]), made)
    return tuple(found.values())[:MOST] or (lemma,)


def _matches(claim: Rel, rel: Rel, free: set[Sym]) -> Iterator[dict[Sym, Expr]]:
    """Yield values of symbols at which a term of the claim, the larger the better, is a term of the relation."""
    needed = free_symbols(claim) & free
    whole = [t for t in (*_terms(claim.lhs), *_terms(claim.rhs)) if free_symbols(t) >= needed]
    targets = [t for t in subterms(rel) if isinstance(t, Expr) and not any(binders(u) for u in subterms(t))]
    for pattern in sorted(whole, key=lambda t: -len(str(t))):
        for target in targets:
            at = match(pattern, target, free, {})
            if at is not None and all(not s.decl.uid for e in at.values() for s in free_symbols(e)):
                yield at


def _terms(e: Expr) -> Iterator[Expr]:
    return (t for t in subterms(e) if isinstance(t, Expr) and not isinstance(t, Sym | Num | Const))


def match(pattern: Expr, target: Expr, free: set[Sym], at: dict[Sym, Expr]) -> dict[Sym, Expr] | None:
    """Match a pattern with a term, node by node.

    Parameters
    ----------
    pattern, target : Expr
        Trees.
    free : set of Sym
        Symbols of the pattern that may stand for anything.
    at : dict of Sym to Expr
        Values found so far.

    Returns
    -------
    dict of Sym to Expr or None
    """
    if isinstance(pattern, Sym) and pattern in free:
        if pattern in at:
            return at if key(at[pattern]) == key(target) else None
        return {**at, pattern: target}
    if type(pattern) is not type(target) or binders(pattern):
        return at if key(pattern) == key(target) else None
    below = children(pattern), children(target)
    alike = not isinstance(pattern, Call) or pattern.name == target.name  # pyright: ignore[reportAttributeAccessIssue]
    if not below[0] or not alike or len(below[0]) != len(below[1]):
        return at if key(pattern) == key(target) else None
    found: dict[Sym, Expr] | None = at
    for a, b in zip(*below, strict=True):
        found = match(a, b, free, found) if found is not None else None
    return found
