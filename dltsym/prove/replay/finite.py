"""Replay of finite families: every member is evaluated again, with rationals or with balls at the stated precision.

The certificate lists how the range of each integer follows, and the members: their values, the bits that decide them
(0: rationals) and, for balls, a number below the distance of both sides. A member that is not listed must be excluded
by a hypothesis that is certainly false there.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from fractions import Fraction

from flint import arb, fmpq

from dltsym.errors import DltsymError
from dltsym.notation.balls import working
from dltsym.notation.evaluate import compile_expr, decide
from dltsym.notation.tree import Rel, Sym
from dltsym.notation.walk import free_symbols
from dltsym.prove.problem import Problem
from dltsym.prove.replay import Certificate, Rejected
from dltsym.prove.replay.spans import Box, confined, ends_of, hypotheses

KIND = "finite"
MAX_MEMBERS, MAX_BITS = 20_000, 4096


def integers(problem: Problem) -> tuple[Sym, ...]:
    """Return the symbols of the goal by name, when all of them are integers.

    Parameters
    ----------
    problem : Problem
        Prepared problem.

    Returns
    -------
    tuple of Sym

    Raises
    ------
    Rejected
        When the goal is no family over integers.
    """
    found = tuple(sorted(free_symbols(problem.goal), key=lambda s: s.name))
    if not found or any(s.decl.sort not in ("integer", "index") for s in found):
        raise Rejected("goal", "the goal is not a family over integers")
    return found


def members(symbols: tuple[Sym, ...], box: Box) -> Iterator[tuple[int, ...]]:
    """Yield the values in a box, in lexicographic order.

    Parameters
    ----------
    symbols : tuple of Sym
        Integers.
    box : dict
        Name to ends.

    Yields
    ------
    tuple of int

    Raises
    ------
    Rejected
        When there is none, or too many.
    """
    spans = [range(math.ceil(lo), math.floor(hi) + 1) for lo, hi in (ends_of(box, s.name) for s in symbols)]
    total = math.prod(map(len, spans))
    if not 0 < total <= MAX_MEMBERS:
        raise Rejected("members", f"{total} members, at least 1 and at most {MAX_MEMBERS} are walked")
    yield from itertools.product(*spans)


def excluded(tests: tuple[Rel, ...], at: dict[str, int]) -> bool:
    """Say whether a hypothesis is certainly false at a member.

    Parameters
    ----------
    tests : tuple of Rel
        Hypotheses about these integers alone.
    at : dict
        Values.

    Returns
    -------
    bool
    """
    for rel in tests:
        try:
            if decide(rel, at, (128, 512))[0] is False:
                return True
        except DltsymError:
            continue
    return False


def gap(rel: Rel, at: dict[str, int], bits: int) -> arb:
    """Return what must be positive for a strict proof by balls: ``rhs - lhs``, its size for ``!=``.

    Parameters
    ----------
    rel : Rel
        Goal.
    at : dict
        Values.
    bits : int
        Precision.

    Returns
    -------
    arb
    """
    lhs, rhs = (compile_expr(e).ball(at, bits) for e in (rel.lhs, rel.rhs))
    with working(bits):
        return abs(rhs - lhs) if rel.op == "!=" else rhs - lhs


def above(apart: arb, margin: str) -> bool:
    """Say whether a ball lies above a positive margin.

    Parameters
    ----------
    apart : arb
        Ball.
    margin : str
        Number.

    Returns
    -------
    bool
    """
    least = Fraction(margin)
    with working(256):
        return least > 0 and bool(apart.is_finite() and apart > arb(fmpq(least.numerator, least.denominator)))


def check(problem: Problem, certificate: Certificate) -> None:
    """Check a finite family.

    Parameters
    ----------
    problem : Problem
        Prepared problem.
    certificate : mapping
        Keys ``sides`` and ``members``, a list of ``[values, bits, margin]``.

    Raises
    ------
    Rejected
        When any member is missing or not decided as stated.
    """
    symbols, known = integers(problem), hypotheses(problem)
    box = confined(known, certificate["sides"])
    tests = tuple(r for r in known if free_symbols(r) <= set(symbols))
    listed = [(tuple(values), bits, margin) for values, bits, margin in certificate["members"]]
    if not listed:
        raise Rejected("members", "no member is listed")
    waiting = list(reversed(listed))
    for values in members(symbols, box):
        at = {s.name: v for s, v in zip(symbols, values, strict=True)}
        if waiting and waiting[-1][0] == values:
            _member(problem.goal, at, *waiting.pop()[1:])
        elif not excluded(tests, at):
            raise Rejected("members", f"{at} is missing")
    if waiting:
        raise Rejected("members", f"{waiting[-1][0]} is not in the family")


def _member(goal: Rel, at: dict[str, int], bits: int, margin: str) -> None:
    try:
        if bits == 0:
            a, b = compile_expr(goal.lhs).exact(at), compile_expr(goal.rhs).exact(at)
            fine = a is not None and b is not None and _compare(a, goal.op, b) and margin == ""
        else:
            fine = goal.op != "=" and above(gap(goal, at, min(bits, MAX_BITS)), margin)
    except DltsymError as err:
        raise Rejected("members", f"{at}: {err}") from err
    if not fine:
        raise Rejected("members", f"{at} is not shown by {bits} bits and margin {margin}")


def _compare(a: fmpq, op: str, b: fmpq) -> bool:
    return bool({"=": a == b, "!=": a != b, "<": a < b, "<=": a <= b}[op])
