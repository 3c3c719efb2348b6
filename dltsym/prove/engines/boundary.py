"""Ends of closed domains: functions with ``0 log 0 = 0`` are smooth inside only, so the end points are own cases.

For a symbol ``x`` with a closed numeric bound that is an argument of such a function, ``lo <= x`` means ``x = lo`` or
``lo < x``. Each case is a problem for the other engines: inside, where the definition may be expanded, and at the end
point, where the value of the function is known. All cases must be proved.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from dltsym.notation.tree import Call, Num, Rel, Sym
from dltsym.notation.walk import substitute, subterms, transform
from dltsym.prove.definedness import discharge
from dltsym.prove.engines import Engine, engines
from dltsym.prove.problem import Problem, at_end, declared_bounds
from dltsym.prove.replay.names import readable
from dltsym.prove.verdict import PROVED, Row, Verdict, open_, proved

NAME, ORDER = "boundary", 360
SPECIAL = ("kl_bernoulli", "xlogx", "binary_entropy")


def ends(sym: Sym, problem: Problem) -> tuple[tuple[Rel, Num], ...]:
    """Return the closed numeric bounds of a real scalar, each with the strict relation of the other case.

    Parameters
    ----------
    sym : Sym
        Symbol.
    problem : Problem
        Its hypotheses may bound the symbol too.

    Returns
    -------
    tuple of (Rel, Num)
    """
    if sym.decl.sort != "real":
        return ()
    known = (*declared_bounds(sym), *problem.known)
    closed = [r for r in known if r.op == "<=" and sym in (r.lhs, r.rhs)]
    found = {Rel(r.lhs, "<", r.rhs): e for r in closed for e in (r.lhs, r.rhs) if isinstance(e, Num)}
    return tuple((strict, end) for strict, end in found.items() if strict not in known)


def candidate(problem: Problem) -> Sym | None:
    """Return the first symbol whose end points are cases, or None.

    Parameters
    ----------
    problem : Problem
        Problem.

    Returns
    -------
    Sym or None
    """
    found = {
        t.args[0]
        for rel in (problem.goal, *problem.known)
        for t in subterms(rel)
        if isinstance(t, Call) and t.name in SPECIAL and isinstance(t.args[0], Sym) and ends(t.args[0], problem)
    }
    return min(found, key=lambda s: s.name, default=None)


def cases(problem: Problem, sym: Sym) -> Iterator[tuple[str, Problem]]:
    """Yield the cases that together cover the domain of `sym`.

    Parameters
    ----------
    problem : Problem
        Problem.
    sym : Sym
        Symbol with closed bounds.

    Yields
    ------
    tuple
        Condition as text, and the problem under it.
    """
    found = ends(sym, problem)
    inside = tuple(strict for strict, _ in found)
    yield ", ".join(map(str, inside)), replace(problem, given=(*problem.given, *inside), written=None)
    for _, end in found:
        yield f"{sym} = {end}", _at(problem, sym, end)


def _at(problem: Problem, sym: Sym, end: Num) -> Problem:
    def move(rel: Rel) -> Rel:
        return transform(substitute(rel, {sym: end}), at_end)

    facts = tuple(replace(f, rel=move(f.rel)) for f in problem.facts)
    return Problem(move(problem.goal), tuple(move(r) for r in problem.given), facts)


def run(problem: Problem) -> Verdict:
    """Prove every case of the first symbol with end points; cases may split again.

    Parameters
    ----------
    problem : Problem
        Problem with an inequality goal.

    Returns
    -------
    Verdict
    """
    problem = readable(problem)
    sym = candidate(problem)
    if sym is None:
        return open_(NAME, "no function with special end points")
    rows: list[Row] = []
    shown = []
    for label, case in cases(problem, sym):
        out = _prove(case)
        if out is None:
            return open_(NAME, f"the case {label} is not decided")
        rows += [Row(f"{label}: {case.goal}", out.grade, out.engine), *out.rows]
        shown.append({"case": label, "engine": out.engine, "evidence": dict(out.evidence)})
    return proved(NAME, "exact", tuple(rows), cases=shown, certificate=_certificate(sym, shown))


def _certificate(sym: Sym, shown: list[dict[str, Any]]) -> dict[str, Any]:
    """Write down a proof by cases; see `dltsym.prove.replay.cases`."""
    proofs = [(str(c["case"]), c["evidence"].get("certificate")) for c in shown]
    for label, proof in proofs:
        if not isinstance(proof, dict) or proof.get("kind", "none") == "none":
            return {"kind": "none", "why": f"the case {label} has no certificate"}
    (_, inside), *ends = proofs
    return {"kind": "cases", "symbol": sym.name, "inside": inside, "ends": {c.split(" = ")[1]: p for c, p in ends}}


def _prove(case: Problem) -> Verdict | None:
    side, missing = discharge(case)
    if missing:
        return None
    inequality = [e for e in engines() if e.order < 600 and case.goal.op in e.ops]
    equal = case.with_goal(Rel(case.goal.lhs, "=", case.goal.rhs))
    tries = [(e, case) for e in inequality]
    tries += [(e, equal) for e in engines() if e.order < ORDER and e.ops == ("=",)] if case.goal.op == "<=" else []
    for engine, goal in tries:
        out = engine.run(goal)
        if out.status == PROVED:
            return proved(out.engine or engine.name, out.grade, (*side, *out.rows), **out.evidence)
    return None


ENGINE = Engine(NAME, "exact", ORDER, ("<", "<=", "="), 8.0, run)
