"""Termwise rule: an inequality between sums follows from the same inequality between their terms.

The difference of both sides is written with one range for all sums (products of sums give two indices, and the body is
made symmetric in them); constants are spread over the range by an equality such as ``Sum(P) = 1`` or evenly. Multiples
of sums that are known to vanish may be added. The body at an arbitrary index is then given to the other inequality
engines, with array entries as scalars. `Sum >= term` keeps one term and drops the others, which must not be negative.

Traps: spreading evenly, and any strict claim, need a range that is not empty; index symbols in hypotheses hold for
every value, which is how they are used at the arbitrary index.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import permutations
from typing import Any

from dltsym.notation.calculus import ONE, ZERO, add, mul
from dltsym.notation.tree import Decl, Div, Expr, Neg, Num, Rel, Sym
from dltsym.notation.walk import expand_definitions, key, substitute
from dltsym.prove.atoms import is_integer
from dltsym.prove.certificates import shown
from dltsym.prove.definedness import conditions, discharge
from dltsym.prove.engines import Engine, boundary, direct, ladder, smt
from dltsym.prove.exactsign import Exact
from dltsym.prove.flatten import entries, flat
from dltsym.prove.ladder_certificate import header, used
from dltsym.prove.multipliers import multipliers
from dltsym.prove.problem import Problem
from dltsym.prove.replay.names import readable
from dltsym.prove.signs import entails
from dltsym.prove.stage import refuted
from dltsym.prove.sumterms import (
    NotAPolynomial,
    Term,
    common_range,
    has_sum,
    log_of_sum,
    null_bodies,
    numbered,
    split,
    together,
)
from dltsym.prove.verdict import PROVED, Row, Verdict, open_, proved, weakest

NAME, SECONDS, SECONDS_EACH = "termwise", 7.0, 2.0
MULTIPLIERS = tuple(Fraction(*p) for p in ((-1, 1), (1, 1), (-2, 1), (2, 1), (-1, 2), (1, 2)))


@dataclass(frozen=True)
class Claim:
    """``gap >= 0`` (``> 0`` if strict) under the hypotheses of `problem`; `how` and `rows` led from the goal here."""

    problem: Problem
    gap: Expr
    strict: bool
    how: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    steps: tuple[dict[str, str], ...] = ()


@dataclass(frozen=True)
class Body:
    """A body to prove at arbitrary indices, and how it came about."""

    expr: Expr
    indices: tuple[Sym, ...]
    note: str
    rows: tuple[Row, ...]
    uses: tuple[str, ...] = ()


def run(problem: Problem) -> Verdict:
    """Decide an inequality between sums term by term.

    Parameters
    ----------
    problem : Problem
        Goal ``<`` or ``<=``.

    Returns
    -------
    Verdict
    """
    problem = readable(problem)
    if not has_sum(problem.goal):
        return open_(NAME, "there is no sum")
    until = time.process_time() + SECONDS
    reasons = []
    for keep in (frozenset(), frozenset(boundary.SPECIAL)):
        goal = expand_definitions(problem.goal, keep)
        gap = add(goal.rhs, Neg(goal.lhs))
        missing = [str(c) for c in conditions(gap) if not _condition(c.rel, c.instead, c.local, problem)]
        if not missing:
            break
    else:
        return open_(NAME, f"the expanded goal is not proved to be defined: {missing[0]}")
    start = Claim(problem, gap, problem.goal.op == "<")
    for claim in _reductions(start):
        try:
            out = _one_term(claim)
            out = out if out is not None else _termwise(claim, until)
        except NotAPolynomial as err:
            reasons.append(str(err))
            continue
        if isinstance(out, Verdict):
            return out
        reasons.append(out)
    return open_(NAME, "; ".join(reasons))


def _condition(rel: Rel, instead: tuple[Rel, ...], local: tuple[Rel, ...], problem: Problem) -> bool:
    return any(entails(r, problem, local) is not None for r in (rel, *instead))


def _reductions(claim: Claim) -> Iterator[Claim]:
    """Yield the claim, and the same after clearing denominators or taking the exponential of one logarithm."""
    top, bottom = together(claim.gap)
    if not has_sum(bottom):
        yield claim
    else:
        row = entails(Rel(ZERO, "<", bottom), claim.problem)
        if row is not None:
            step = {"how": "times", "by": str(bottom), "gap": str(top)}
            yield replace(
                claim,
                gap=top,
                how=(*claim.how, f"times {bottom}"),
                rows=(*claim.rows, row),
                steps=(*claim.steps, step),
            )
        yield claim
    for total, other, c in log_of_sum(claim.gap):
        gap = add(total, Neg(other)) if c > 0 else add(other, Neg(total))
        step = {"how": "log", "scale": str(c), "left": str(total), "right": str(other)}
        how = (*claim.how, f"exponential of both sides: {gap} >= 0")
        yield replace(claim, gap=gap, how=how, steps=(*claim.steps, step))


# ---- termwise ----


def _termwise(claim: Claim, until: float) -> Verdict | str:
    terms = split(claim.gap)
    if Exact(claim.problem).zero(add(*(t.body for t in terms if not t.indices))):
        terms = [t for t in terms if t.indices]
    where = common_range(terms)
    if where is None:
        return "the sums have no common range"
    if not all(is_integer(end) for end in where):
        return "the ends of the range are not proved to be integers"
    filled = entails(Rel(where[0], "<=", where[1]), claim.problem)
    if claim.strict and filled is None:
        return "the range may be empty"
    tried = 0
    for body in _bodies(claim, terms, where, filled):
        tried += 1
        out = _prove_body(claim, body)
        if out is not None:
            extra = (filled,) if claim.strict and filled is not None else ()
            return _verdict(claim, body, out, where, extra)
        if time.process_time() > until:
            return f"time is over after {tried} bodies"
    return f"none of {tried} bodies is proved"


def _verdict(claim: Claim, body: Body, inner: Verdict, where: tuple[Expr, Expr], extra: tuple[Row, ...]) -> Verdict:
    rows = (*claim.rows, *body.rows, *extra, *inner.rows)
    return proved(
        NAME,
        inner.grade,
        rows,
        method="termwise",
        reductions=list(claim.how),
        range=f"{where[0]}..{where[1]}",
        body=f"{body.expr} {'>' if claim.strict else '>='} 0",
        how=body.note,
        inner={"engine": inner.engine or inner.evidence.get("method", ""), **dict(inner.evidence)},
        certificate=_certificate(claim, body, inner, where),
    )


def _certificate(claim: Claim, body: Body, inner: Verdict, where: tuple[Expr, Expr], **more: Any) -> dict[str, Any]:
    """Write down a termwise proof; see `dltsym.prove.replay.termwise`."""
    proofs = {"inner": inner.evidence.get("certificate"), **{k: v for k, v in more.items() if k == "kept"}}
    for proof in proofs.values():
        if not isinstance(proof, dict) or proof.get("proof", {}).get("kind", "none") == "none":
            return {"kind": "none", "why": f"the proof of a term by {inner.engine} has no certificate"}
    written = {
        "kind": NAME,
        "reductions": list(claim.steps),
        "lo": str(where[0]),
        "hi": str(where[1]),
        "indices": [s.name for s in body.indices],
        "body": str(body.expr),
        "uses": list(dict.fromkeys(body.uses)),
        **more,
        **proofs,
    }
    return shown(claim.problem, written)


def _bodies(claim: Claim, terms: list[Term], where: tuple[Expr, Expr], filled: Row | None) -> Iterator[Body]:
    degree = max(len(t.indices) for t in terms)
    if degree > 2:
        return
    generic = _generic(claim.problem, where, degree)
    equal = null_bodies(claim.problem, terms, *where) if degree == 1 else []
    size = add(where[1], Neg(where[0]), ONE) if where[0] != ONE else where[1]
    weights: list[tuple[Expr, str, tuple[Row, ...]]] = []
    known = {str(r) for r in claim.problem.known}
    for body, var, value, text in equal:
        row = entails(Rel(value, "!=", ZERO), claim.problem)
        if row is not None:
            weights.append((Div(substitute(body, {var: generic[0]}), value), text, (row,)))
    if filled is not None:
        weights.append((Div(ONE, size), "evenly", (filled,)))
    if all(len(t.indices) == degree for t in terms):
        weights.insert(0, (ZERO, "nothing to spread", ()))
    found = [(_at(terms, generic, w), note, rows) for w, note, rows in weights]
    zeros = _vanishing(equal, weights, generic)
    for expr, note, rows in found:
        yield Body(expr, generic, note, rows, _named(known, note))
    for expr, note, rows in found:
        for zero, text, more in zeros:
            for c in (*multipliers(claim.problem, expr, zero), *map(Num, MULTIPLIERS)):
                uses = _named(known, note, *text.split(", spread "))
                yield Body(add(expr, mul(c, zero)), generic, f"{note}; plus {c} times ({text})", (*rows, *more), uses)


def _named(known: set[str], *notes: str) -> tuple[str, ...]:
    """Return the notes that are equations among the hypotheses; a sum that is spread over itself needs none."""
    return tuple(n for n in notes if n in known)


def _generic(problem: Problem, where: tuple[Expr, Expr], count: int) -> tuple[Sym, ...]:
    taken = {s.name for s in problem.symbols}
    names = [n for n in (*"ijkl", *(f"i{k}" for k in range(99))) if n not in taken]
    return tuple(Sym(Decl(n, "index", lo=where[0], hi=where[1])) for n in names[:count])


def _at(terms: list[Term], generic: tuple[Sym, ...], weight: Expr) -> Expr:
    """Return the body at the generic indices; missing indices are filled with the weight; symmetric in the indices."""
    orders = list(permutations(generic))
    out = []
    for t in terms:
        spread = [weight] * (len(generic) - len(t.indices))
        for order in orders if t.indices and len(orders) > 1 else orders[:1]:
            at = dict(zip(t.indices, order, strict=False))
            share = Fraction(1, len(orders)) if t.indices and len(orders) > 1 else Fraction(1)
            out.append(mul(Num(share), substitute(t.body, at), *spread))
    return add(*out)


def _vanishing(
    equal: list[tuple[Expr, Sym, Expr, str]], weights: list[tuple[Expr, str, tuple[Row, ...]]], generic: tuple[Sym, ...]
) -> list[tuple[Expr, str, tuple[Row, ...]]]:
    """Return bodies whose sum over the range is known to be zero."""
    out = []
    for body, var, value, text in equal:
        here = substitute(body, {var: generic[0]})
        for w, note, rows in weights:
            if w != ZERO and note != text:
                out.append((add(here, Neg(mul(value, w))), f"{text}, spread {note}", rows))
    return out[:6]


def _prove_body(claim: Claim, body: Body) -> Verdict | None:
    """Prove the body at arbitrary indices with the engines for one inequality."""
    goal = Rel(ZERO, "<" if claim.strict else "<=", body.expr)
    inner = replace(claim.problem, goal=goal, written=None)
    plain, rows, names, top = _plain(inner)
    if refuted(plain, 8):  # a filter only: sums count as numbers here
        return None
    for engine in (direct, ladder, boundary):
        out = ladder.run(plain, SECONDS_EACH) if engine is ladder else engine.run(plain)
        if out.status == PROVED:
            evidence = {"numbers": names, **dict(out.evidence)} if names else dict(out.evidence)
            evidence["certificate"] = used(top, out.evidence.get("certificate", {}))
            every = (*rows, *out.rows)
            return replace(
                out,
                engine=engine.NAME,
                rows=every,
                evidence=evidence,
                grade=weakest([out.grade, *(r.grade for r in rows)]),
            )
    for case, known in ((plain, rows), (inner, ())):
        more, missing = discharge(case)
        out = smt.ENGINE.run(case) if not missing else None
        if out is not None and out.status == PROVED:
            proof = out.evidence.get("certificate") if case is plain else None
            written = {"certificate": used(top, proof)} if isinstance(proof, dict) else {}
            evidence = {**{k: e for k, e in out.evidence.items() if k != "certificate"}, **written}
            return replace(out, engine="smt", rows=(*known, *more, *out.rows), evidence=evidence)
    return None


def _plain(inner: Problem) -> tuple[Problem, tuple[Row, ...], dict[str, str], dict[str, Any]]:
    """Return the flat problem with sums replaced by numbers of the same sign, and what its scalars stand for."""
    whole = flat(inner, frozenset(boundary.SPECIAL))  # each engine expands what is defined
    (goal, *known), sums = numbered((whole.problem.goal, *whole.problem.given))
    back: dict[Sym, Expr] = {Sym(Decl(name, "real")): e for name, e in whole.cells.items()}
    cells, said = {**whole.cells, **{n.name: substitute(t, back) for t, n in sums}}, []
    rows = []
    for total, name in sums:
        for op in ("<", "<="):
            row = entails(Rel(ZERO, op, total), inner)
            if row is not None:
                rows.append(row)
                known.append(Rel(ZERO, op, name))
                said.append(Rel(ZERO, op, cells[name.name]))
                break
    top = header(replace(whole, cells=cells), tuple(said))
    return replace(whole.problem, goal=goal, given=tuple(known)), tuple(rows), {n.name: str(t) for t, n in sums}, top


# ---- one term ----


def _one_term(claim: Claim) -> Verdict | None:
    """Prove ``Sum(b) + rest >= 0`` from ``b >= 0`` and one term: ``b[k] + rest >= 0``."""
    terms = split(claim.gap)
    where = common_range(terms)
    if where is None or any(len(t.indices) > 1 for t in terms) or not all(is_integer(end) for end in where):
        return None
    generic = _generic(claim.problem, where, 1)
    summed = add(*(substitute(t.body, {t.indices[0]: generic[0]}) for t in terms if t.indices))
    rest = add(*(t.body for t in terms if not t.indices))
    places = _places(rest)
    if not places:
        return None
    weak = replace(claim, strict=False)
    inside = _prove_body(weak, Body(summed, generic, "every term", ()))
    if inside is None:
        return None
    for k in filter(is_integer, places):
        rows = [entails(r, claim.problem) for r in (Rel(where[0], "<=", k), Rel(k, "<=", where[1]))]
        if any(r is None for r in rows):
            continue
        goal = Rel(ZERO, "<" if claim.strict else "<=", add(substitute(summed, {generic[0]: k}), rest))
        kept = _prove_body(claim, Body(goal.rhs, (), f"term {k}", ()))
        if kept is not None:
            every = (*claim.rows, *(r for r in rows if r is not None), *inside.rows, *kept.rows)
            return proved(
                NAME,
                weakest([inside.grade, kept.grade]),
                every,
                method="one term",
                reductions=list(claim.how),
                term=str(k),
                kept=str(goal),
                dropped=f"{summed} >= 0",
                certificate=_kept(claim, Body(summed, generic, "", ()), inside, kept, where, str(k), str(rest)),
            )
    return None


def _kept(
    claim: Claim, body: Body, inside: Verdict, kept: Verdict, where: tuple[Expr, Expr], place: str, rest: str
) -> dict[str, Any]:
    more = {"place": place, "rest": rest, "kept": kept.evidence.get("certificate")}
    return _certificate(claim, body, inside, where, **more)


def _places(rest: Expr) -> list[Expr]:
    """Return the indices at which arrays are read outside sums."""
    found = {key(i): i for e in entries(rest) for i in e.idx}
    return list(found.values())


ENGINE = Engine(NAME, "exact", 350, ("<", "<="), 8.0, run)
