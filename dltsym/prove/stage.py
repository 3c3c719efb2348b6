"""A stage: certified points inside the hypotheses of one problem, on which any number of relations are tried.

Points are drawn when they are asked for and certified once; so are the values there of a side that relations share.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache

from flint import arb, fmpq

from dltsym.errors import DomainError, UnknownNode
from dltsym.notation.evaluate import PRECISIONS, compare, compile_expr
from dltsym.notation.tree import Add, Expr, Num, Rel, Sum, Sym, bound_symbol
from dltsym.notation.walk import free_symbols, subterms
from dltsym.prove.certify import admissible
from dltsym.prove.problem import Problem
from dltsym.prove.sample import candidate, refute
from dltsym.prove.setting import Point, Setting, Table, setting

SECONDS = 4.0  # of processor time for drawing, so that a busy machine gives the same verdicts
MOST_KEPT = 20_000
ONE = Num(Fraction(1))


class Stage:
    """Points of one problem.

    Attributes
    ----------
    problem : Problem
        The problem; its goal says which symbols a relation may be about, and is not used otherwise.
    setting : Setting
        The same, prepared for sampling.
    """

    def __init__(self, problem: Problem, seed: int = 0) -> None:
        self.problem = problem
        self.setting: Setting = setting(problem)
        self._names, self._seed = free_symbols(problem.goal), seed
        self._drawn: list[tuple[Point | None, bool, int]] = []  # with the number of entries that were certified
        self._left = SECONDS
        self._solved: dict[Expr, Expr] = {}
        self._kept: dict[tuple[Expr, int, int], arb | fmpq | None] = {}

    def takes(self, rel: Rel) -> bool:
        """Whether a relation is about symbols of the problem, so that the points say something about it.

        Parameters
        ----------
        rel : Rel
            Relation.

        Returns
        -------
        bool
        """
        return free_symbols(rel) <= self._names

    def points(self, count: int, certified: bool = True) -> Iterator[tuple[int, Point]]:
        """Yield those of the first `count` points that are certified to lie inside, with their numbers.

        Parameters
        ----------
        count : int
            Points to draw.
        certified : bool
            False for all of them: where a search may start.

        Yields
        ------
        tuple of (int, dict)
        """
        for k in range(count):
            if k == len(self._drawn) and not self._draw():
                return
            point, inside, _ = self._drawn[k]
            if point is not None and (inside or not certified):
                yield k, point

    def _draw(self) -> bool:
        """Draw one more point. Trap: an alarm may ring in here, and must leave everything as it was."""
        started = time.process_time()
        if self._left <= 0:
            return False
        point = candidate(self.setting, self._seed, len(self._drawn))
        inside = point is not None and admissible(self.setting, point)
        self._drawn.append((point, inside, _entries(point)))
        self._left -= time.process_time() - started
        return True

    def refutes(self, rel: Rel, count: int) -> bool:
        """Whether a relation is certified to be false at one of the first points.

        Parameters
        ----------
        rel : Rel
            Prepared relation, in symbols of the problem.
        count : int
            Points to try.

        Returns
        -------
        bool
        """
        rel = self.solve(rel)
        try:
            return any(self.truth(rel, k) is False and self._still(k) for k, _ in self.points(count))
        except UnknownNode:
            return False

    def solve(self, rel: Rel) -> Rel:
        """Return a relation with the symbols that were solved for replaced.

        Parameters
        ----------
        rel : Rel
            Relation in symbols of the problem.

        Returns
        -------
        Rel
        """
        return Rel(self._side(rel.lhs), rel.op, self._side(rel.rhs))

    def _side(self, e: Expr) -> Expr:
        if not self.setting.rules:
            return e
        if e not in self._solved:
            self._solved[e] = self.setting.solve(Rel(e, "=", e)).lhs
        return self._solved[e]

    def truth(self, rel: Rel, k: int) -> bool | None:
        """Decide a relation at a point as `dltsym.notation.evaluate.holds` does.

        Parameters
        ----------
        rel : Rel
            Relation with ``=``, ``!=``, ``<`` or ``<=`` and without symbols that were solved for.
        k : int
            Number of the point.

        Returns
        -------
        bool or None
        """
        try:
            for prec in (0, *PRECISIONS):
                a = self._value(rel.lhs, k, prec)
                b = self._value(rel.rhs, k, prec) if a is not None else None
                truth = None if a is None or b is None else compare(a, rel.op, b)
                if truth is not None:
                    return truth
        except DomainError:  # undefined at this point
            return None
        return None

    def _value(self, e: Expr, k: int, prec: int) -> arb | fmpq | None:
        """Return the exact value for ``prec = 0``, else a ball."""
        slot = (e, k, prec)
        if slot not in self._kept:
            f, point = compile_expr(e), self._drawn[k][0] or {}
            if len(self._kept) > MOST_KEPT:
                self._kept.clear()
            self._kept[slot] = f.ball(point, prec) if prec else f.exact(point)
        return self._kept[slot]

    def _still(self, k: int) -> bool:
        """Whether a point is inside with the entries of arrays that a relation has brought in."""
        point, inside, size = self._drawn[k]
        if point is not None and _entries(point) != size:
            inside = admissible(self.setting, point)
            self._drawn[k] = point, inside, _entries(point)
        return inside


def _entries(point: Point | None) -> int:
    return 0 if point is None else sum(len(v.entries) for v in point.values() if isinstance(v, Table))


def stage_of(problem: Problem) -> Stage:
    """Return the stage of a problem; problems that differ in their goals only share it.

    Parameters
    ----------
    problem : Problem
        Prepared problem without matrices.

    Returns
    -------
    Stage
    """
    ends = (e for t in subterms(problem.goal) if isinstance(t, Sum) for _, lo, hi in t.limits for e in (lo, hi))
    sizes = frozenset(s for e in ends for s in free_symbols(e) if s.decl.sort == "integer")
    return _stage(problem.context, sizes)


@lru_cache(maxsize=64)
def _stage(problem: Problem, sizes: frozenset[Sym]) -> Stage:
    """Build a stage; the ends of sums are drawn small, so sums with these ends stand for those of the goal."""
    k = bound_symbol("k")
    sums = (Sum(ONE, ((k, ONE, n),)) for n in sorted(sizes, key=lambda s: s.name))
    total = Add((problem.goal.lhs, *sums))
    goal = Rel(total, "=", total)
    return Stage(Problem(goal, problem.given, problem.facts, "", problem.written))


def refuted(problem: Problem, points: int) -> bool:
    """Whether the goal is certified to be false at one of the first points: the answer of `refute` without a witness.

    Parameters
    ----------
    problem : Problem
        Prepared problem.
    points : int
        Points to draw.

    Returns
    -------
    bool
    """
    if any(x.is_matrix for x in problem.symbols):
        return refute(problem, points) is not None
    return stage_of(problem).refutes(problem.goal, points)
