"""Replay of covers: a box, cut into pieces, on each of which ball arithmetic shows that a difference is not negative.

The certificate lists how each side of the box follows from a hypothesis and, for every value of the integers, the cuts
in preorder as one text: a capital letter cuts that variable in the middle, a small letter ends a piece (``n`` natural
evaluation, ``c`` corner, ``m`` mean value, ``x`` a hypothesis fails). Nothing here searches: this file re-derives the
sides, takes its own derivatives and evaluates every piece again, and the cuts cover the box by construction.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from flint import arb, fmpq

from dltsym.errors import DomainError, UnknownNode
from dltsym.notation.balls import working
from dltsym.notation.calculus import derivative
from dltsym.notation.evaluate import Evaluator
from dltsym.notation.tree import Expr, Num, Rel, Sym
from dltsym.notation.walk import free_symbols, substitute
from dltsym.prove.problem import Problem
from dltsym.prove.replay import Certificate, Rejected
from dltsym.prove.replay.closed import closed, strict_ends
from dltsym.prove.replay.spans import Box, confined, ends_of, hypotheses, linear

KIND = "boxes"
BITS, MAX_MEMBERS, MAX_PIECES = 128, 5_000, 500_000
CUTS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
Side = tuple[fmpq, fmpq]


@dataclass(frozen=True)
class Claim:
    """``gap >= 0`` (``> 0`` if strict) wherever the hypotheses hold; no symbol has bounds of its own."""

    gap: Expr
    strict: bool
    hypotheses: tuple[Rel, ...]


def claim(problem: Problem, solve: tuple[tuple[str, str], ...] = ()) -> Claim:
    """Write the goal as ``gap >= 0``, some variables replaced by what linear equations say they are.

    Parameters
    ----------
    problem : Problem
        Prepared problem with an inequality goal.
    solve : tuple of (str, str)
        Names of real variables, each with the hypothesis, as text, to solve for it.

    Returns
    -------
    Claim

    Raises
    ------
    Rejected
        When the goal is no inequality or an equation cannot be solved.
    """
    if problem.goal.op not in ("<", "<="):
        raise Rejected("goal", f"{problem.goal} is no inequality")
    gap, known = problem.goal.rhs + (-problem.goal.lhs), hypotheses(problem)
    for name, text in solve:
        rel = next((r for r in known if str(r) == text and r.op == "="), None)
        free = () if rel is None else free_symbols(rel)
        sym = next((s for s in free if s.name == name and s.decl.sort == "real"), None)
        split = linear(rel.rhs + (-rel.lhs), sym) if rel is not None and sym is not None else None
        if split is None or split[0] == 0 or sym is None:
            raise Rejected("solve", f"{text} gives no value of {name}")
        value = {sym: Num(-1 / split[0]) * split[1]}
        gap, known = substitute(gap, value), tuple(substitute(r, value) for r in known if r is not rel)
    return Claim(gap, problem.goal.op == "<", known)


def members(c: Claim, box: Box) -> Iterator[tuple[dict[str, int], Claim]]:
    """Yield the claim at every value of its integers.

    Parameters
    ----------
    c : Claim
        Claim.
    box : dict
        Name to ends.

    Yields
    ------
    tuple
        Values of the integers, and the claim at them.

    Raises
    ------
    Rejected
        When there are too many.
    """
    whole = sorted((s for s in free_symbols(c.gap) if s.decl.sort != "real"), key=lambda s: s.name)
    ends = [ends_of(box, s.name) for s in whole]
    spans = [range(math.ceil(lo), math.floor(hi) + 1) for lo, hi in ends]
    if not 0 < math.prod(map(len, spans)) <= MAX_MEMBERS:
        raise Rejected("members", f"none, or more than {MAX_MEMBERS}")
    for values in itertools.product(*spans):
        at: dict[Sym, Expr] = {s: Num(Fraction(v)) for s, v in zip(whole, values, strict=True)}
        known = tuple(substitute(r, at) for r in c.hypotheses)
        point = {s.name: v for s, v in zip(whole, values, strict=True)}
        yield point, Claim(substitute(c.gap, at), c.strict, known)


def variables(c: Claim) -> tuple[Sym, ...]:
    """Return the real variables of a claim by name; anything else is refused.

    Parameters
    ----------
    c : Claim
        Claim at values of its integers.

    Returns
    -------
    tuple of Sym

    Raises
    ------
    Rejected
        For arrays, or more variables than there are letters.
    """
    found = tuple(sorted(free_symbols(c.gap), key=lambda s: s.name))
    if len(found) > len(CUTS) or any(s.decl.sort != "real" for s in found):
        raise Rejected("goal", "only a few real variables can be cut")
    return found


class Piece:
    """The evaluators of a claim on a box; `ends` settles a piece of it by a rule."""

    def __init__(self, c: Claim, box: Box) -> None:
        self.claim, self.box, self.symbols = c, box, variables(c)
        self.strict = strict_ends(c.hypotheses)
        self.gap = Evaluator(closed(c.gap, box, self.strict))
        self.tests = []
        for r in (r for r in c.hypotheses if r.op != "!=" and free_symbols(r) <= set(self.symbols)):
            try:
                self.tests.append((r.op, Evaluator(closed(r.lhs, box)), Evaluator(closed(r.rhs, box))))
            except UnknownNode:  # a hypothesis without a value at a point excludes nothing
                continue
        self.slopes: list[Evaluator] | None = None

    def ends(self, piece: list[Side], rule: str) -> bool:
        """Say whether a rule settles a piece.

        Parameters
        ----------
        piece : list of (fmpq, fmpq)
            Ends of each variable.
        rule : str
            ``n``, ``c``, ``m`` or ``x``.

        Returns
        -------
        bool
        """
        at = {s.name: arb(lo).union(arb(hi)) for s, (lo, hi) in zip(self.symbols, piece, strict=True)}
        if rule == "x":
            return any(fails(op, a.ball(at, BITS), b.ball(at, BITS)) for op, a, b in self.tests)
        value = self.gap.ball(at, BITS)
        if rule == "n" or not value.is_finite():
            return self._good(value)
        if self.slopes is None:
            slopes = [derivative(self.claim.gap, s) for s in self.symbols]
            self.slopes = [Evaluator(closed(g, self.box, self.strict)) for g in slopes]
        slopes = [g.ball(at, BITS) for g in self.slopes]
        if not all(g.is_finite() for g in slopes):
            return False
        face = [lo if g >= 0 else hi if g <= 0 else None for g, (lo, hi) in zip(slopes, piece, strict=True)]
        names = [s.name for s in self.symbols]
        if rule == "c":
            return self._good(
                self.gap.ball({n: at[n] if q is None else arb(q) for n, q in zip(names, face, strict=True)}, BITS)
            )
        middle = [(lo + hi) / 2 if q is None else q for q, (lo, hi) in zip(face, piece, strict=True)]
        value = self.gap.ball({n: arb(q) for n, q in zip(names, middle, strict=True)}, BITS)
        for n, q, m, g in zip(names, face, middle, slopes, strict=True):
            value = value if q is not None else value + g * (at[n] - m)
        return self._good(value)

    def _good(self, value: arb) -> bool:
        return bool(value.is_finite() and (value > 0 if self.claim.strict else value >= 0))


def fails(op: str, a: arb, b: arb) -> bool:
    """Say whether ``a op b`` is certainly false.

    Parameters
    ----------
    op : {"=", "<", "<="}
        Relation.
    a, b : arb
        Both sides on a piece.

    Returns
    -------
    bool
    """
    if not (a.is_finite() and b.is_finite()):
        return False
    return bool({"=": not a.overlaps(b), "<": a >= b, "<=": a > b}[op])


def walk(c: Claim, box: Box, tree: str) -> int:
    """Follow the cuts of one member and check every piece.

    Parameters
    ----------
    c : Claim
        Claim at values of its integers.
    box : dict
        Name to ends.
    tree : str
        Cuts and rules in preorder.

    Returns
    -------
    int
        Pieces on which the gap was shown not to be negative.

    Raises
    ------
    Rejected
        When a piece is not settled, or the tree does not cover the box exactly.
    """
    piece = Piece(c, box)
    todo = [
        [
            (fmpq(a.numerator, a.denominator), fmpq(b.numerator, b.denominator))
            for a, b in (ends_of(box, s.name) for s in piece.symbols)
        ]
    ]
    shown = 0
    if len(tree) > MAX_PIECES:
        raise Rejected("tree", f"more than {MAX_PIECES} pieces")
    for at, rule in enumerate(tree):
        if not todo:
            raise Rejected(f"tree, place {at}", "the box is covered already")
        now = todo.pop()
        if rule in CUTS[: len(now)]:
            k = CUTS.index(rule)
            lo, hi = now[k]
            middle = (lo + hi) / 2
            todo += [[*now[:k], half, *now[k + 1 :]] for half in ((middle, hi), (lo, middle))]
        elif rule not in "ncmx" or not piece.ends(now, rule):
            where = ", ".join(f"{s.name} in [{a}, {b}]" for s, (a, b) in zip(piece.symbols, now, strict=True))
            raise Rejected(f"tree, place {at}", f"{rule!r} does not settle {where or 'the point'}")
        shown += rule in "ncm"
    if todo:
        raise Rejected("tree", f"{len(todo)} pieces are not covered")
    return shown


def check(problem: Problem, certificate: Certificate) -> None:
    """Check a cover.

    Parameters
    ----------
    problem : Problem
        Prepared problem.
    certificate : mapping
        Keys ``solve``, ``sides``, ``members`` (values and tree of each) and ``boxes``.

    Raises
    ------
    Rejected
        When any part of it does not hold.
    """
    c = claim(problem, tuple((a, b) for a, b in certificate["solve"]))
    box = confined(c.hypotheses, certificate["sides"])
    listed, shown = certificate["members"], 0
    with working(BITS):
        for k, (values, member) in enumerate(members(c, box)):
            if k >= len(listed) or listed[k]["at"] != values:
                raise Rejected("members", f"{values} is missing")
            try:
                shown += walk(member, box, listed[k]["tree"])
            except (UnknownNode, DomainError) as err:
                raise Rejected("goal", str(err)) from err
    if k + 1 != len(listed) or certificate["boxes"] != sum(len(m["tree"]) for m in listed):
        raise Rejected("members", "more are listed than there are")
    if not shown:
        raise Rejected("tree", "nothing is left of the box: the hypotheses may contradict each other")
