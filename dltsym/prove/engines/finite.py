"""E7: all free symbols of the goal are integers in constant ranges, so every member is evaluated.

Grade ``exact`` if every member is decided with rationals, else ``ball``. It says nothing beyond the range.
"""

from __future__ import annotations

from decimal import ROUND_FLOOR, Context
from fractions import Fraction
from typing import Any

from flint import arb

from dltsym.errors import DltsymError, UnknownNode
from dltsym.notation.evaluate import compile_expr
from dltsym.notation.tree import Rel
from dltsym.notation.walk import free_symbols
from dltsym.prove.boxes_sides import confine
from dltsym.prove.engines import Engine
from dltsym.prove.problem import Problem
from dltsym.prove.replay import Rejected
from dltsym.prove.replay.finite import above, excluded, gap, integers, members
from dltsym.prove.replay.spans import hypotheses
from dltsym.prove.sample import interval, refute_at
from dltsym.prove.verdict import Verdict, open_, proved

NAME = "finite"
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
    known = hypotheses(problem)
    sides, box = confine(known)
    try:
        symbols = integers(problem)
        family = list(members(symbols, box))
    except Rejected as why:
        return open_(NAME, why.why)
    tests = tuple(r for r in known if free_symbols(r) <= set(symbols))
    names, listed, exact = [s.name for s in symbols], [], True
    for values in family:
        at = dict(zip(names, values, strict=True))
        if excluded(tests, at):
            continue
        try:
            truth, bits, margin = _member(problem.goal, at, exact)
        except UnknownNode as err:
            return open_(NAME, f"unknown node: {err}")
        exact = exact and bits == 0
        shown = {name: str(value) for name, value in at.items()}
        if truth is None:
            return open_(NAME, f"undecided at {PRECS[-1]} bits", member=shown)
        if truth is False:
            bad = refute_at(problem, at)
            return bad if bad is not None else open_(NAME, "fails where the hypotheses are not certified", member=shown)
        listed.append([list(values), bits, margin])
    if not listed:
        return open_(NAME, "no member satisfies the hypotheses")
    return _proof(names, sides, listed)


def _proof(names: list[str], sides: list[list[str]], listed: list[list[Any]]) -> Verdict:
    columns = list(zip(*(values for values, _, _ in listed), strict=True))
    ranges = {name: [str(min(c)), str(max(c))] for name, c in zip(names, columns, strict=True)}
    bits = max(b for _, b, _ in listed)
    least = min((m for _, _, m in listed if m), key=Fraction, default="")
    more = {"smallest_margin": least} if least else {}
    certificate = {"kind": NAME, "sides": sides, "members": listed}
    return proved(
        NAME,
        "ball" if bits else "exact",
        members=len(listed),
        ranges=ranges,
        precision=bits,
        certificate=certificate,
        **more,
    )


def _member(goal: Rel, at: dict[str, int], exact: bool) -> tuple[bool | None, int, str]:
    """Decide one member; once a member was not rational, balls come first, because rationals may be huge."""
    order = (_exactly, _roughly) if exact or goal.op == "=" else (_roughly, _exactly)
    for way in order:
        truth, bits, margin = way(goal, at)
        if truth is not None:
            return truth, bits, margin
    return None, 0, ""


def _exactly(goal: Rel, at: dict[str, int]) -> tuple[bool | None, int, str]:
    try:
        a = compile_expr(goal.lhs).exact(at)
        b = compile_expr(goal.rhs).exact(at) if a is not None else None
    except UnknownNode:
        raise
    except DltsymError:
        return None, 0, ""
    if a is None or b is None:
        return None, 0, ""
    return {"=": a == b, "!=": a != b, "<": a < b, "<=": a <= b}[goal.op], 0, ""


def _roughly(goal: Rel, at: dict[str, int]) -> tuple[bool | None, int, str]:
    for bits in PRECS:
        try:
            apart = gap(goal, at, bits)
        except UnknownNode:
            raise
        except DltsymError:
            break
        if apart < 0 or (apart > 0 and goal.op == "="):
            return False, bits, ""
        if apart > 0 and (margin := _below(apart)):
            return True, bits, margin
    return None, 0, ""


def _below(apart: arb) -> str:
    """Return a positive decimal of six digits below a ball; empty when there is none."""
    text = str(Context(prec=6, rounding=ROUND_FLOOR).create_decimal(interval(apart)[0]))
    return text if above(apart, text) else ""


ENGINE = Engine(NAME, "ball", 605, ("=", "<", "<=", "!="), 5.0, run)
