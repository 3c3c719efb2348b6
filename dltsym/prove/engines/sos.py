"""The sum of squares engine: a relation follows from its hypotheses by one polynomial identity, in exact arithmetic.

Terms that are no polynomials are atoms with laws. With many constraints z3 says which of them contradict the negated
goal; only these enter the search. What is found counts only after the independent checker has expanded it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from typing import Any

from flint import fmpq_mpoly

from dltsym.errors import DltsymError
from dltsym.notation.tree import Add, Call, Const, Div, Expr, Index, Mul, Neg, Num, Pow, Rel, Sym
from dltsym.notation.walk import free_symbols, subterms
from dltsym.prove import sos_facts
from dltsym.prove.atoms import Known
from dltsym.prove.engines import Engine
from dltsym.prove.glue import check, minimal
from dltsym.prove.polynomials import Poly
from dltsym.prove.problem import Problem
from dltsym.prove.replay import replay
from dltsym.prove.replay import sos as checker
from dltsym.prove.replay.names import readable
from dltsym.prove.replay.side import ZERO, with_facts
from dltsym.prove.replay.sos import Constraint, Context
from dltsym.prove.replay.sos_terms import Unreadable
from dltsym.prove.sos import CASES, LINEAR, Proof, Split, refutation
from dltsym.prove.sos_facts import Usable
from dltsym.prove.verdict import Verdict, open_, proved

NAME = "sos"
CASE_NAMES = ("positive", "zero", "negative")
FEW, MANY, SECONDS, STEPS, TRY = 5, 14, 6.0, 1_500_000, 60_000


def run(problem: Problem) -> Verdict:
    """Search a certificate for a problem.

    Parameters
    ----------
    problem : Problem
        Problem whose goal is defined wherever the hypotheses hold.

    Returns
    -------
    Verdict
        ``proved`` with a certificate, or ``open``.
    """
    if any(_special(t) for t in subterms(problem.goal)):
        return open_(NAME, "left to the glue: the goal is no polynomial")
    found = certificate(problem)
    if found is None:
        return open_(NAME, "no certificate of small degree")
    return verdict(problem, found)


def verdict(problem: Problem, found: dict[str, Any]) -> Verdict:
    """Return the verdict of a certificate, with the hypotheses and facts that it uses.

    Parameters
    ----------
    problem : Problem
        Problem.
    found : dict
        Its certificate.

    Returns
    -------
    Verdict
    """
    used = [str(problem.given[u["given"]]) for u in _uses(found) if "given" in u]
    facts = [problem.facts[u["fact"]] for u in _uses(found) if "fact" in u]
    names = dict.fromkeys([*used, *(f"{f.name}: {f.rel}" for f in facts)])
    return proved(NAME, "exact", certificate=found, used=list(names))


def _uses(proof: dict[str, Any]) -> list[dict[str, Any]]:
    return proof["uses"] if "uses" in proof else [u for k in CASE_NAMES for u in _uses(proof[k])]


def _special(t: Expr | Rel) -> bool:
    """Whether a term makes other engines more promising; the glue comes back here with what z3 has found."""
    if isinstance(t, Pow):
        return bool(free_symbols(t.exponent))
    return not isinstance(t, Rel | Num | Const | Sym | Index | Neg | Add | Mul | Div) and not _root(t)


def _root(t: Expr | Rel) -> bool:
    return isinstance(t, Call) and t.name == "sqrt"


@lru_cache(maxsize=256)
def certificate(problem: Problem, patient: bool = False) -> dict[str, Any] | None:
    """Return a certificate that the checker accepts, or None.

    Parameters
    ----------
    problem : Problem
        Problem.
    patient : bool
        Whether it is known that the facts suffice, so that a longer search is worth its time.

    Returns
    -------
    dict or None
    """
    until = time.process_time() + (SECONDS if patient else SECONDS / 2)
    problem = readable(problem)
    try:
        sides = _signs(problem)
    except Unreadable:
        return None
    for expand in (False, True):
        ctx, found = sos_facts.collect(problem, expand, tuple(sides))
        data = _equation(ctx, found, until) if problem.goal.op == "=" else _search(ctx, found, until)
        if data is not None:
            rows = [{"rel": str(rel), "by": by} for rel, by in sides.items()]
            return _checked(problem, {"kind": NAME, **({"sides": rows} if rows else {}), **data})
        if time.process_time() > until:
            return None
    return None


def _search(ctx: Context, found: list[Usable], until: float, base: int = 0) -> dict[str, Any] | None:
    for facts, effort in _stages(sos_facts.relevant(found)):
        proof = refutation([u.constraint for u in facts], until - time.process_time(), effort)
        if proof is not None:
            sources = [*(u.source for u in facts), *({"case": base + k} for k in range(2))]
            return _data(ctx, sources, proof)
        if time.process_time() > until:
            return None
    return None


def _equation(ctx: Context, found: list[Usable], until: float) -> dict[str, Any] | None:
    """Refute both signs of the difference of the two sides of an equation."""
    goal = ctx.problem.goal
    gap = ctx.terms.read(goal.rhs + Neg(goal.lhs)).num
    if gap.is_zero():
        return None
    out: dict[str, Any] = {"split": str(ctx.terms.tree(gap))}
    for name, poly in (("positive", gap), ("negative", -gap)):
        case = Usable(Constraint(poly, ">"), {"case": 0}, name)
        part = _search(ctx, [case, *found[1:]], until, 1)
        if part is None:
            return None
        out[name] = part
    square = {"of": [0], "squares": [["1", "1"]]}
    zero = {
        "uses": [{"case": 0}],
        "terms": [square],
        "equal": [{"of": 1, "by": str(ctx.terms.tree(-gap))}],
    }
    return {**out, "zero": zero}


def _stages(every: list[Usable]) -> Iterator[tuple[list[Usable], int]]:
    """Yield constraints to try, and how hard; nothing more once z3 has found them to be consistent."""
    if len(every) <= FEW:
        yield every, LINEAR
    core = _core(every)
    if core is None:
        return
    if len(core) < len(every):
        yield core, LINEAR
    if len(every) > FEW:  # z3 drops signs of variables that it can do without; products of constraints need them
        yield every[:MANY], LINEAR
    yield core, CASES


def _signs(problem: Problem) -> dict[Rel, dict[str, Any]]:
    """Prove the signs of denominators that the checker does not see at once; it keeps the degree of the goal low."""
    ctx = checker.context(problem)
    out: dict[Rel, dict[str, Any]] = {}
    checker.polynomial(ctx, problem.goal)
    for f in ctx.open_signs:
        tree = ctx.terms.tree(f)
        for rel in (Rel(ZERO, "<", tree), Rel(tree, "<", ZERO)):
            nested = replace(problem, goal=rel, written=None, given=with_facts(ctx.store, *out).facts)
            found = certificate(nested)
            if found is not None:
                out[rel] = found
                break
    return out


def _checked(problem: Problem, data: dict[str, Any]) -> dict[str, Any] | None:
    try:
        replay(problem, data)
    except DltsymError:
        return None
    return data


def _core(found: list[Usable]) -> list[Usable] | None:
    """Return the constraints that are needed, by z3; None if they are consistent. Few are kept if it cannot say."""
    known = [Known(_plain(u.constraint), u.constraint.op, str(k)) for k, u in enumerate(found)]
    status, _ = check(known, None, STEPS, quick=len(found) <= FEW)
    if status != "unsat":
        return found if status == "unknown" and len(found) <= FEW else None
    needed = {int(k) for k in minimal(known[1:], (known[0].poly, known[0].op), TRY)}
    return [u for k, u in enumerate(found) if k == 0 or k in needed]


def _plain(c: Constraint) -> Poly:
    out: Poly = {}
    for powers, value in c.poly.to_dict().items():
        mono = tuple((f"x{k}", int(n)) for k, n in enumerate(powers) if n)
        out[mono] = Fraction(int(value.p), int(value.q))
    return out


# ---- certificates as data ----


def _data(ctx: Context, sources: list[dict[str, Any]], proof: Proof) -> dict[str, Any]:
    def text(p: fmpq_mpoly) -> str:
        return str(ctx.terms.tree(p))

    if isinstance(proof, Split):
        parts = {"positive": proof.positive, "zero": proof.zero, "negative": proof.negative}
        return {"split": text(proof.poly), **{k: _data(ctx, sources, p) for k, p in parts.items()}}
    used = sorted({k for t in proof.terms for k in t.of} | {k for k, _ in proof.equal})
    stated = [k for k in used if sources[k]]  # the negated goal has no source, and the number 0
    place = {k: stated.index(k) + 1 if sources[k] else 0 for k in used}
    return {
        "uses": [sources[k] for k in stated],
        "terms": [
            {"of": [place[k] for k in t.of], "squares": [[str(w), text(root)] for w, root in t.squares]}
            for t in proof.terms
        ],
        "equal": [{"of": place[k], "by": text(p)} for k, p in proof.equal],
    }


ENGINE = Engine(NAME, "exact", 275, ("=", "<", "<=", "!="), 10.0, run)
