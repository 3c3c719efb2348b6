"""Certificates of the termwise rule: a difference is a sum of terms, and every term is ``>= 0``.

``{"kind": "termwise", "reductions": [REDUCTION, ...], "lo": a, "hi": b, "indices": [i, ...], "body": text, "uses":
[relation, ...], "inner": INNER}``: the difference of the sides, reduced, is the sum of the body over one or two
independent indices from a to b, given the equations in `uses` (each says what one sum is); `inner` proves ``body >= 0``
(``> 0``) at arbitrary indices. With ``"place": k, "rest": text, "kept": INNER`` only one term is kept: the
difference is that sum plus the rest, and ``body[k] + rest >= 0``.

INNER is ``{"names": ..., "instances": ..., "known": ..., "proof": CERTIFICATE}`` with the fields of
`dltsym.prove.replay.setting`: the proof is about scalars in place of array entries and sums.

REDUCTION is ``{"how": "times", "by": d, "gap": g}``, where ``d > 0`` and ``d*(rhs - lhs) = g``, or ``{"how": "log",
"scale": c, "left": a, "right": b}``, where ``rhs - lhs = c*(log(a) - log(b))`` and the new difference is ``a - b``, the
other way round for negative c.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from dltsym.notation.parse import parse_expr
from dltsym.notation.tree import Add, Call, Decl, Expr, Mul, Neg, Num, Rel, Sum, Sym, bound_symbol
from dltsym.notation.walk import children, expand_definitions, free_symbols, rebuild, substitute
from dltsym.prove.problem import Problem
from dltsym.prove.replay import plain, replay
from dltsym.prove.replay.cases import SPECIAL
from dltsym.prove.replay.defined import gap as missing
from dltsym.prove.replay.place import Bad, Place, need, number, only
from dltsym.prove.replay.setting import setting
from dltsym.prove.replay.side import ZERO, Store, integral
from dltsym.prove.replay.totals import collected

KIND = "termwise"
Json = Mapping[str, Any]


def check(problem: Problem, certificate: Json) -> None:
    """Replay a termwise proof.

    Parameters
    ----------
    problem : Problem
        Prepared problem.
    certificate : mapping
        Certificate of the form above.
    """
    only(certificate, "kind", "reductions", "lo", "hi", "indices", "body", "uses", "inner", "place", "rest", "kept")
    place = setting(problem, {}, frozenset(SPECIAL)).place
    strict = problem.goal.op == "<"
    need(problem.goal.op in ("<", "<="), "the termwise rule proves an inequality")
    gap = _reduced(_start(problem, place.store), certificate["reductions"], place)
    lo, hi = place.expr(certificate["lo"]), place.expr(certificate["hi"])
    need(integral(lo) and integral(hi), "the ends of the range are no integers")
    indices = _indices(certificate["indices"], lo, hi, problem)
    names = {**place.names, **{s.name: s for s in indices}}
    body = parse_expr(certificate["body"], names)
    rest = parse_expr(certificate["rest"], place.names) if "place" in certificate else ZERO
    bound = {s: bound_symbol(s.name) for s in indices}
    total = Sum(substitute(body, bound), tuple((bound[s], lo, hi) for s in indices))
    _equal(gap, Add((total, rest)), certificate["uses"], place)
    if "place" not in certificate:
        need(not strict or place.store.follows(Rel(lo, "<=", hi)), "the range may be empty")
        _inner(problem, Rel(ZERO, problem.goal.op, body), certificate["inner"])
        return
    need(len(indices) == 1, "one term of a sum over one index is kept")
    at = place.expr(certificate["place"])
    inside = integral(at) and place.store.follows(Rel(lo, "<=", at)) and place.store.follows(Rel(at, "<=", hi))
    need(inside, f"{at} is not shown to lie in the range")
    _inner(problem, Rel(ZERO, "<=", body), certificate["inner"])
    kept = Add((substitute(body, {indices[0]: at}), rest))
    _inner(problem, Rel(ZERO, problem.goal.op, kept), certificate["kept"])


def _start(problem: Problem, store: Store) -> Expr:
    """Return the difference of the sides with defined functions expanded, as far as it is then defined."""
    for keep in (frozenset(), frozenset(SPECIAL)):
        goal = expand_definitions(problem.goal, keep)
        gap = Add((goal.rhs, Neg(goal.lhs)))
        if missing(store, gap) is None:
            return gap
    need(False, "the difference is not shown to be defined")
    return ZERO


def _reduced(gap: Expr, reductions: list[Json], place: Place) -> Expr:
    for step in reductions:
        if step["how"] == "times":
            only(step, "how", "by", "gap")
            by, new = place.expr(step["by"]), place.expr(step["gap"])
            need(place.store.follows(Rel(ZERO, "<", by)), f"{by} > 0 is not shown")
            _equal(Mul((by, gap)), new, [], place)
        else:
            only(step, "how", "scale", "left", "right")
            need(step["how"] == "log", "an unknown reduction")
            c, a, b = number(step["scale"]), place.expr(step["left"]), place.expr(step["right"])
            for side in (a, b):
                need(place.store.follows(Rel(ZERO, "<", side)), f"{side} > 0 is not shown")
            need(c != 0, "a logarithm times 0")
            logs = Add((Call("log", (a,)), Neg(Call("log", (b,)))))
            _equal(gap, Mul((Num(Fraction(c)), logs)), [], place)
            new = Add((a, Neg(b))) if c > 0 else Add((b, Neg(a)))
        gap = new
    return gap


def _indices(names: list[str], lo: Expr, hi: Expr, problem: Problem) -> list[Sym]:
    taken = {s.name for s in problem.symbols}
    need(0 < len(names) <= 2 and len(set(names)) == len(names), "one or two indices")
    need(all(n.isidentifier() and n not in taken for n in names), "an index has a name that is taken")
    return [Sym(Decl(n, "index", lo=lo, hi=hi)) for n in names]


def _equal(a: Expr, b: Expr, uses: list[str], place: Place) -> None:
    """Require that two trees with sums are equal, given equations for some of the sums.

    What was taken out of a sum has to be defined outside it: over an empty range ``Sum(c/n)`` is 0, and no ``c/n*n``.
    """
    gap = collected(Add((a, Neg(b))), place.store.follows)
    lacking = missing(place.store, gap)
    need(lacking is None, f"{lacking} is not shown, as the terms need when taken together")
    for text in uses:
        rel = place.rel(text)
        known = {(plain.term(r.lhs), r.op, plain.term(r.rhs)) for r in place.store.facts}
        need(rel.op == "=" and (plain.term(rel.lhs), "=", plain.term(rel.rhs)) in known, f"{rel} is not known")
        name, value = _solved(collected(Add((rel.lhs, Neg(rel.rhs))), place.store.follows))
        gap = _replaced(gap, name, value)
    need(place.store.zero(gap, frozenset(SPECIAL)), "the difference is not the sum of the terms")


def _solved(gap: Expr) -> tuple[str, Expr]:
    """Solve ``gap = 0`` for the first sum that occurs with a number as its coefficient."""
    atoms: dict[str, Expr] = {}
    poly = plain.read(gap, atoms)
    for mono, c in poly.items():
        name = mono[0][0] if len(mono) == 1 and mono[0][1] == 1 else ""
        others = [m for m in poly if m != mono and any(a == name for a, _ in m)]
        if name and isinstance(atoms[name], Sum) and not others:
            rest = {m: v for m, v in poly.items() if m != mono}
            return name, plain.tree(plain.scaled(rest, -1 / c), atoms)
    raise Bad("an equation that is not about one sum")


def _replaced(e: Expr, name: str, value: Expr) -> Expr:
    if isinstance(e, Sum) and plain.term(e) == name:
        return value
    return rebuild(e, tuple(_replaced(c, name, value) for c in children(e)))


def _inner(problem: Problem, goal: Rel, inner: Json) -> None:
    """Replay the proof of one term, with its array entries as scalars and its index as one fixed integer."""
    only(inner, "names", "instances", "known", "proof")
    header = {k: v for k, v in inner.items() if k != "proof"}
    here = setting(problem.with_goal(goal), header, frozenset(SPECIAL))
    facts = here.place.store.facts
    syms = frozenset().union(free_symbols(here.goal), *(free_symbols(r) for r in facts))
    fixed = {s: Sym(Decl(s.name, "integer")) for s in syms if s.decl.sort == "index"}
    flat = Problem(substitute(here.goal, fixed), tuple(substitute(r, fixed) for r in facts))
    replay(flat, inner["proof"])
