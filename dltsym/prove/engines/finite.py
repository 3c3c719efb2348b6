"""Engine ``finite``: all free symbols of the goal are integers in constant ranges, so every member is evaluated.

Grade ``exact`` if every member is decided with rationals, else ``ball``. It says nothing beyond the range.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from dltsym.errors import DltsymError, UnknownNode
from dltsym.notation.evaluate import decide
from dltsym.notation.tree import Expr, Rel, Sym
from dltsym.notation.walk import free_symbols
from dltsym.prove.certify import number
from dltsym.prove.engines import Engine
from dltsym.prove.points import tightest
from dltsym.prove.problem import Problem, declared_bounds
from dltsym.prove.sample import refute_at
from dltsym.prove.setting import Point
from dltsym.prove.verdict import Verdict, open_, proved

MAX_MEMBERS = 5000
PRECS = (64, 128, 256, 512, 1024, 2048)


def run(problem: Problem) -> Verdict:
    """Decide every member of a finite family.

    Parameters
    ----------
    problem : Problem
        Problem.

    Returns
    -------
    Verdict
    """
    symbols = sorted(free_symbols(problem.goal), key=lambda s: s.name)
    if not symbols or any(s.decl.sort not in ("integer", "index") for s in symbols):
        return open_("finite", "the goal is not a family over integers")
    spans = [_range(problem, s) for s in symbols]
    missing = [s.name for s, r in zip(symbols, spans, strict=True) if r is None]
    if missing:
        return open_("finite", f"no constant range is known for {', '.join(missing)}")
    total = math.prod(len(r) for r in spans if r is not None)
    if not 0 < total <= MAX_MEMBERS:
        return open_("finite", f"{total} members, at least 1 and at most {MAX_MEMBERS} are walked")
    try:
        return _walk(problem, list(_members(symbols, spans)))
    except UnknownNode as err:
        return open_("finite", f"unknown node: {err}")


def _walk(problem: Problem, members: list[Point]) -> Verdict:
    names = frozenset(members[0])
    own = [r for s in problem.symbols if s.name in names for r in declared_bounds(s)]
    tests = [r for r in (*own, *problem.given) if frozenset(s.name for s in free_symbols(r)) <= names]
    bits, used = 0, []
    for member in members:
        if any(_holds(r, member) is False for r in tests):  # outside the hypotheses
            continue
        truth, prec = decide(problem.goal, member, PRECS)
        shown = {name: str(value) for name, value in member.items()}
        if truth is None:
            return open_("finite", "a member is undecided", member=shown)
        if truth is False:
            found = refute_at(problem, member)
            return (
                found
                if found is not None
                else open_("finite", "a member fails, its hypotheses are not certified", member=shown)
            )
        bits = max(bits, prec)
        used.append(member)
    if not used:
        return open_("finite", "no member satisfies the hypotheses")
    ends = {name: [str(min(m[name] for m in used)), str(max(m[name] for m in used))] for name in sorted(names)}
    return proved("finite", "ball" if bits else "exact", members=len(used), ranges=ends, precision=bits)


def _holds(rel: Rel, member: Point) -> bool | None:
    try:
        return decide(rel, member, PRECS[:2])[0]
    except DltsymError:
        return None


def _members(symbols: list[Sym], spans: list[Any]) -> Iterator[Point]:
    for values in itertools.product(*spans):
        yield {s.name: v for s, v in zip(symbols, values, strict=True)}


def _range(problem: Problem, sym: Sym, depth: int = 4) -> range | None:
    """Return a constant range that surely contains an integer symbol."""
    rows = []
    for rel in (*declared_bounds(sym), *problem.given):
        for mine, bound, side in ((rel.lhs, rel.rhs, "hi"), (rel.rhs, rel.lhs, "lo")):
            if mine == sym and rel.op in ("<", "<=", "="):
                value = _end(problem, bound, side, depth)
                rows.append((side, value, rel.op == "<"))
                if rel.op == "=":
                    other = "lo" if side == "hi" else "hi"
                    rows.append((other, _end(problem, bound, other, depth), False))
    lo, lo_open, hi, hi_open = tightest(rows)
    if lo is None or hi is None:
        return None
    return range(math.floor(lo) + 1 if lo_open else math.ceil(lo), math.ceil(hi) if hi_open else math.floor(hi) + 1)


def _end(problem: Problem, bound: Expr, side: str, depth: int) -> tuple[Fraction, bool] | None:
    """Return a constant that a bound does not exceed on its side: its value, or the end of the range of a symbol."""
    if isinstance(bound, Sym) and depth and bound.decl.sort in ("integer", "index"):
        inner = _range(problem, bound, depth - 1)
        return (Fraction(max(inner) if side == "hi" else min(inner)), True) if inner else None
    if free_symbols(bound):
        return None
    value = number(bound, {})
    return value if value is not None and value[1] else None


ENGINE = Engine("finite", "ball", 800, ("=", "<", "<=", "!="), 5.0, run)
