"""Small records for tests of the checker: a library of lemmas in memory, and what a check of a record says."""

from collections.abc import Iterable

from dltsym.notation.tree import Rel
from dltsym.prove.check import check_theorem
from dltsym.prove.problem import Fact, Problem, prepare
from dltsym.prove.report import Report
from dltsym.record import Theorem
from dltsym.statement import Scope

SOURCE = ("key", "place")
Library = dict[str, Theorem]


def report(theorem: Theorem, library: Library | None = None) -> Report:
    """Check a theorem, with lemmas from a library, without the negative control."""
    known = library or {}

    def report_of(key: str) -> Report:
        return report(known[key], known)

    return check_theorem(theorem, known.__getitem__, report_of, control=False)


def state(declare: str, claim: object = None, **parts: object) -> Theorem:
    """Build a theorem; `declare` is read as ``"x real; p prob; n count; X array n; k index n"``."""
    v = scope(declare)
    return v.theorem(title="t", cite=SOURCE, claim=claim, **parts)


def scope(declare: str) -> Scope:
    """Declare symbols from text: name, kind, sizes and bounds (``lo=0``, ``0<``)."""
    v = Scope()
    for row in filter(None, map(str.strip, declare.split(";"))):
        name, kind, *rest = row.split()
        options = dict(r.split("=") for r in rest if "=" in r)
        for side in [s for s in ("lo_open", "hi_open", "open") if s in options]:
            options[side] = True
        bounds = {k: v.parse(b) if isinstance(b, str) else b for k, b in options.items()}
        sizes = [v.parse(r) for r in rest if "=" not in r]
        if kind == "array":
            v.array(name, tuple(sizes), **bounds)
        elif kind == "let":
            v.let(name, rest[0])
        else:
            getattr(v, kind)(name, *sizes, **bounds)
    return v


def problem(declare: str, goal: str, given: Iterable[str] = (), facts: Iterable[str] = ()) -> Problem:
    """Build a problem from text."""
    v = scope(declare)
    rels: list[Rel] = [r for g in given for r in v.relations(g)]
    known = [Fact(f"fact {k}", r, "exact") for k, f in enumerate(facts) for r in v.relations(f)]
    return prepare(v.relations(goal)[0], rels, known)


def verdicts(made: Report) -> dict[str, str]:
    """Return grade by relation of every row but the satisfiability of the hypotheses."""
    return {s.relation: s.grade for s in made.steps if s.role != "hypotheses"}
