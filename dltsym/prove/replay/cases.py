"""Certificates that treat the closed ends of a domain as cases of their own.

``{"kind": "cases", "symbol": x, "inside": CERTIFICATE, "ends": {"0": CERTIFICATE, ...}}``: the ends are closed bounds
of x, `inside` proves the claim with strict bounds in their place, the others prove it with x replaced by the end, where
the functions of `SPECIAL` have the values that make them continuous.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from dltsym.notation.tree import Call, Expr, Neg, Num, Rel, Sym
from dltsym.notation.walk import substitute, transform
from dltsym.prove.problem import Problem, declared_bounds
from dltsym.prove.replay import replay
from dltsym.prove.replay.place import need, number, only
from dltsym.prove.replay.side import ZERO
from dltsym.prove.replay.spans import constant

KIND = "cases"
SPECIAL = ("kl_bernoulli", "xlogx", "binary_entropy")


def check(problem: Problem, certificate: Mapping[str, Any]) -> None:
    """Replay a proof by cases.

    Parameters
    ----------
    problem : Problem
        Prepared problem.
    certificate : mapping
        Certificate of the form above.
    """
    only(certificate, "kind", "symbol", "inside", "ends")
    sym = next((s for s in problem.symbols if s.name == certificate["symbol"]), None)
    need(sym is not None and sym.decl.sort == "real", "no real scalar of this name")
    assert sym is not None
    ends = [Num(number(text)) for text in certificate["ends"]]
    known = (*declared_bounds(sym), *problem.known)
    strict = []
    for end in ends:
        closed = [r for r in known if r.op == "<=" and {r.lhs, r.rhs} == {sym, end}]
        need(bool(closed), f"{end} is no closed end of {sym}")
        strict += [Rel(r.lhs, "<", r.rhs) for r in closed]
    replay(replace(problem, given=(*problem.given, *strict), written=None), certificate["inside"])
    for end, text in zip(ends, certificate["ends"], strict=True):
        replay(_at(problem, sym, end), certificate["ends"][text])


def _at(problem: Problem, sym: Sym, end: Num) -> Problem:
    def move(rel: Rel) -> Rel:
        return transform(substitute(rel, {sym: end}), _value)

    facts = tuple(replace(f, rel=move(f.rel)) for f in problem.facts)
    return Problem(move(problem.goal), tuple(map(move, problem.given)), facts)


def _value(e: Expr) -> Expr:
    """Return the value at an end of a domain: ``0*log(0) = 0``."""
    match e:
        case Call("kl_bernoulli", (q, p)) if (end := constant(q)) in (0, 1):
            return Neg(Call("log", (p if end == 1 else Num(Fraction(1)) + Neg(p),)))
        case Call("xlogx" | "binary_entropy", (q,)) if constant(q) in (0, 1):
            return ZERO
    return e
