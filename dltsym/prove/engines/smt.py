"""The glue engine: a relation between atoms follows from the facts by polynomial arithmetic (z3).

``unsat`` proves; a model is lifted to rational values and counts only if ball arithmetic certifies it.
"""

from __future__ import annotations

from fractions import Fraction

from dltsym.errors import UnknownNode
from dltsym.notation.tree import Num, Rel, Sym
from dltsym.notation.walk import digest, key
from dltsym.prove.engines import Engine, sos
from dltsym.prove.glue import Answer, contradiction, model, solve, version
from dltsym.prove.problem import Problem
from dltsym.prove.sample import refute_at
from dltsym.prove.shapes import FULL
from dltsym.prove.signs import Query, extended, store_of
from dltsym.prove.verdict import REFUTED, Verdict, open_, proved

NAME = "z3"


def run(problem: Problem) -> Verdict:
    """Decide a problem by z3 over abstracted atoms, first without and then with the definitions of functions.

    Parameters
    ----------
    problem : Problem
        Problem whose goal is defined wherever the hypotheses hold.

    Returns
    -------
    Verdict
        ``proved`` with the facts used, ``refuted`` at a certified point, or ``open`` with what z3 could not exclude.
    """
    if problem.facts and (found := sos.certificate(problem)) is not None:  # what facts are named for, mostly
        return sos.verdict(problem, found)
    query = _query(problem, problem.goal)
    best = Answer("unknown")
    for expand in (False, True):
        try:
            answer = solve(query, expand)
        except UnknownNode as err:
            return open_(NAME, str(err))
        if answer.status == "unsat":
            found = sos.certificate(problem, True)
            if found is not None:
                return sos.verdict(problem, found)
            known = {*map(str, problem.given), *(f"{f.name}: {f.rel}" for f in problem.facts)}
            core, text = answer.core()
            used = [name for name in core if name in known]
            evidence = {"core": list(core), "needs": list(answer.needs), "query": text, "z3": version()}
            return proved(NAME, answer.grade, used=used, **evidence)
        if answer.status == "sat":
            bad = refute_at(problem, _fitting(problem, answer))
            if bad is not None:
                return Verdict(REFUTED, REFUTED, NAME, 0.0, bad.evidence, bad.witness)
            best = answer
    if best.status == "sat":
        model = {n: str(v) for n, v in sorted(best.model.items())}
        return open_(NAME, "does not follow from the facts used", model=model, z3=version())
    return open_(NAME, "z3 gave up within its resource limit", z3=version())


def _fitting(problem: Problem, answer: Answer) -> dict[str, Fraction | int]:
    """Keep the values of a model that the sorts allow; the others are drawn anew."""
    whole = {s.name for s in problem.symbols if s.decl.sort != "real"}
    values = {n: int(v) if n in whole and v.denominator == 1 else v for n, v in answer.model.items()}
    return {n: v for n, v in values.items() if n not in whole or isinstance(v, int)}


def unsatisfiable(problem: Problem) -> tuple[str, ...]:
    """Return hypotheses, facts and laws that cannot hold together, none of them superfluous.

    Parameters
    ----------
    problem : Problem
        Problem; its goal plays no part, except that a free index of it is one fixed index.

    Returns
    -------
    tuple of str
        The contradictory set in words; empty when no contradiction was proved (which is not "satisfiable").
    """
    scalars = [s for s in problem.symbols if s.decl.sort not in ("array", "index", "matrix")]
    trivial = [Rel(s, "=", s) for s in scalars] or [Rel(Num(0), "=", Num(0))]  # type: ignore[arg-type]
    try:
        return contradiction(_query(problem, _joined(scalars) if scalars else trivial[0]))
    except UnknownNode:
        return ()


def allowed(problem: Problem) -> dict[str, Fraction]:
    """Return values of symbols and terms for which hypotheses and facts hold and the goal fails, as far as z3 knows.

    Parameters
    ----------
    problem : Problem
        Problem.

    Returns
    -------
    dict of str to Fraction
        A term such as ``kl(q, p)`` has a value that the facts alone allow it, not its true one. May be empty.
    """
    try:
        return model(_query(problem, problem.goal))
    except UnknownNode:
        return {}


def _joined(symbols: list[Sym]) -> Rel:
    total = symbols[0] + 0
    for s in symbols[1:]:
        total = total + s
    return Rel(total, "=", total)


def _query(problem: Problem, rel: Rel) -> Query:
    store = extended(store_of(problem), rel, ())
    return Query(digest(key(rel)), store, FULL, frozenset(), True, rel)


ENGINE = Engine(NAME, "smt", 400, ("=", "<", "<=", "!="), 16.0, run)
