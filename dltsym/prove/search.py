"""Directed search: walk downhill on the relative margin of an inequality, then make a witness simple.

The objective is ``(rhs - lhs)/(|rhs| + |lhs|)``, which does not fade where both sides vanish together. It only guides:
what is found counts after it has been certified.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from dltsym.errors import DltsymError
from dltsym.notation.evaluate import Evaluator, compile_expr, decide, holds
from dltsym.notation.tree import Sym
from dltsym.prove.certify import admissible, check
from dltsym.prove.points import fits, span
from dltsym.prove.repair import Plan, adjust, make_plan
from dltsym.prove.setting import Point, Setting, Table

STARTS, MOVES, PATIENCE, PREC = 5, 600, 70, 128
WORST = math.inf


class _Margin:
    """The relative margin of the goal as a float; infinite outside the hypotheses."""

    def __init__(self, s: Setting) -> None:
        self.s = s
        goal = s.problem.goal
        self.sides: tuple[Evaluator, Evaluator] = (compile_expr(goal.lhs), compile_expr(goal.rhs))

    def value(self, point: Point) -> float:
        try:
            low, high = (f.ball(point, PREC) for f in self.sides)
        except DltsymError:
            return WORST
        gap, size = high - low, abs(high) + abs(low)
        if not gap.is_finite() or gap.contains(0) or not size > 0:
            return WORST
        return float((gap / size).mid())

    def inside(self, point: Point) -> bool:
        for sym in self.s.symbols:
            if sym.decl.sort == "real" and not fits(point[sym.name], span(self.s, sym, point)):
                return False
        return all(check(row, point, (64,)) is not False for row in self.s.checks)


def lowest(s: Setting, points: list[Point], seed: int, until: float) -> Point | None:
    """Search downhill from the most promising points.

    Parameters
    ----------
    s : Setting
        Prepared problem.
    points : list of dict
        Points that were drawn.
    seed : int
        Seed of the moves.
    until : float
        Processor time at which to stop.

    Returns
    -------
    dict or None
        A certified refutation.
    """
    margin = _Margin(s)
    ranked = sorted(((margin.value(p), k) for k, p in enumerate(points) if margin.inside(p)), key=lambda t: t)
    for value, k in _diverse(ranked, points):
        found = _descend(s, margin, points[k], (value, until), random.Random(f"search {seed}:{k}"))
        if found is not None:
            return found
    return None


def _diverse(ranked: list[tuple[float, int]], points: list[Point]) -> Iterator[tuple[float, int]]:
    """Take the best points, but from different places: the best one and then some that are far down the list."""
    finite = [r for r in ranked if r[0] < WORST]
    step = max(len(finite) // STARTS, 1)
    yield from (finite[:2] + finite[2::step])[: STARTS + 2]


def _descend(s: Setting, margin: _Margin, here: Point, stop: tuple[float, float], rng: random.Random) -> Point | None:
    (best, until), reach, plan = stop, 0.5, make_plan(s, rng, 0.0)
    corners, turn, last = list(_corners(s, here)), 0, 0
    while turn - last < PATIENCE and turn < MOVES and time.process_time() < until:
        turn += 1
        if turn - last == PATIENCE // 2:  # stuck: another choice of what is tight
            reach, plan = 0.5, make_plan(s, rng, 0.0)
        trial = corners.pop() if corners else _move(s, here, reach, rng)
        if trial is None:
            return None
        try:
            trial = adjust(s, trial, plan if turn % 4 else Plan((), plan.groups))
        except DltsymError:
            continue
        value = margin.value(trial) if margin.inside(trial) else WORST
        if value < best:
            here, best, reach, last = trial, value, min(reach * 2, 4.0), turn
            if value < 0 and holds(s.problem.goal, trial) is False and admissible(s, trial):
                return trial
        else:
            reach = max(reach * 0.85, 1e-9)
    return None


def _corners(s: Setting, point: Point) -> Iterator[Point]:
    """Put one real value after the other on the ends of its range that belong to it."""
    for sym in (x for x in s.symbols if x.decl.sort == "real"):
        r = span(s, sym, point)
        for end in (r[0], r[2]):
            if end is not None and end != point[sym.name] and fits(end, r):
                yield {**_copy(point), sym.name: end}


def _copy(point: Point) -> Point:
    return {k: v.copy() if isinstance(v, Table) else v for k, v in point.items()}


def _move(s: Setting, point: Point, reach: float, rng: random.Random) -> Point | None:
    """Change one value, all values, the distance of two values, or two values together."""
    out = _copy(point)
    reals = [x for x in s.symbols if x.decl.sort == "real"]
    tables = [t for t in out.values() if isinstance(t, Table) and t.entries]
    if s.equalities:  # exact solutions have long denominators, and solving again would multiply them
        for t in tables:
            t.entries = {k: short(x, 16) for k, x in t.entries.items()}
    if not reals and not tables:
        return None
    if tables and (not reals or rng.random() < 0.5):
        chosen = rng.choice(tables)
        for idx in rng.sample(sorted(chosen.entries), rng.randint(1, len(chosen.entries))):
            chosen.entries[idx] = short(chosen.entries[idx] + _step(chosen.entries[idx], reach, rng))
        return out
    if rng.random() < 0.1:
        return _snap(s, out, rng.choice(reals), rng)
    kind = rng.randrange(4) if len(reals) > 1 else 0
    if kind == 0:
        _nudge(s, out, [rng.choice(reals)], reach, rng)
    elif kind == 1:
        _nudge(s, out, reals, reach, rng)
    else:
        a, b = rng.sample([x.name for x in reals], 2)
        gap = out[a] - out[b]
        if kind == 3 or not gap:  # both together
            step = short(_step(out[b], reach, rng))
            out[a], out[b] = out[a] + step, out[b] + step
        else:
            out[a] = out[b] + short(gap * Fraction(rng.uniform(-1, 1) * (1 + reach)))
    return out


def _snap(s: Setting, point: Point, sym: Sym, rng: random.Random) -> Point:
    """Put a value on an end of its range, or on a simple number next to it."""
    r, x = span(s, sym, point), point[sym.name]
    ends = [e for e in (r[0], r[2], *map(x.limit_denominator, (1, 2, 4))) if e is not None and e != x and fits(e, r)]
    point[sym.name] = rng.choice(ends) if ends else x
    return point


def _nudge(s: Setting, point: Point, syms: list[Sym], reach: float, rng: random.Random) -> None:
    for sym in syms:
        x, (lo, _, hi, _) = point[sym.name], span(s, sym, point)
        if lo is not None and hi is not None and hi > lo and rng.random() < 0.5:
            step = (hi - lo) * Fraction(rng.gauss(0, reach / 4))
        else:
            step = _step(x, reach, rng)
        new = short(x + step)
        bounds = (lo, True, hi, True)
        if not fits(new, bounds):  # halfway to the end that was overrun
            end = lo if lo is not None and new <= lo else hi
            new = (x + end) / 2 if end is not None else new
        point[sym.name] = new


def _step(x: Fraction, reach: float, rng: random.Random) -> Fraction:
    return (abs(x) if x else Fraction(1)) * Fraction(rng.gauss(0, reach))


def short(x: Fraction, bits: int = 30) -> Fraction:
    """Round a rational to some binary digits.

    Parameters
    ----------
    x : Fraction
        Number.
    bits : int
        How many.

    Returns
    -------
    Fraction
    """
    if x == 0:
        return x
    shift = x.denominator.bit_length() - x.numerator.bit_length() + bits
    return Fraction(round(x * 2**shift), 2**shift) if shift >= 0 else Fraction(round(x))


def simplify(s: Setting, point: Point) -> Point:
    """Replace the values of a refutation by simpler ones while it stays certified.

    Parameters
    ----------
    s : Setting
        Prepared problem.
    point : dict
        Certified refutation.

    Returns
    -------
    dict
    """

    def works(trial: Point) -> bool:
        return decide(s.problem.goal, trial)[0] is False and admissible(s, trial)

    for name in sorted(point):
        for trial in _simpler(point[name]):
            if works({**point, name: trial}):
                point = {**point, name: trial}
                break
    return point


def _simpler(value: Any) -> Iterator[Any]:
    if isinstance(value, Table):
        for rounding in (round, lambda x: x.limit_denominator(4), lambda x: x.limit_denominator(100)):
            entries = {k: Fraction(rounding(x)) for k, x in value.entries.items()}
            if entries != value.entries:
                yield Table(entries, value.draw)
    elif isinstance(value, Fraction) and value.denominator > 1:
        tried = {value}
        for most in (1, 2, 4, 10, 100, 1000, 10**4):
            x = value.limit_denominator(most)
            if x not in tried and x.denominator < value.denominator:
                tried.add(x)
                yield x
