"""The sampler: certified refutations, satisfiability witnesses and the grade ``tested``.

A refutation is one exact point where every hypothesis is certified and the goal is certified false. Passing is
evidence, never a proof.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from flint import arb

from dltsym.errors import DltsymError, UnknownNode
from dltsym.notation.evaluate import compile_expr, decide, exact_value
from dltsym.notation.tree import Rel
from dltsym.notation.walk import free_symbols
from dltsym.prove import matrices_points
from dltsym.prove.certify import admissible
from dltsym.prove.points import draw
from dltsym.prove.problem import Problem
from dltsym.prove.repair import adjust, difference, make_plan
from dltsym.prove.search import lowest, simplify
from dltsym.prove.setting import Check, Point, Setting, Table, setting
from dltsym.prove.verdict import Verdict, open_, proved, refuted

QUICK, FULL, TESTED = 16, 96, 64
SECONDS = 2.0  # of processor time, so that a busy machine gives the same verdicts
PRECS = (64, 128, 333)


def refute(problem: Problem, points: int = QUICK, seed: int = 0, effort: str = "quick") -> Verdict | None:
    """Look for a certified point where the hypotheses hold and the goal is false.

    Parameters
    ----------
    problem : Problem
        Problem.
    points : int
        Points to draw.
    seed : int
        Seed of the draws.
    effort : {"quick", "full"}
        ``full`` draws more points and then searches downhill on the margin.

    Returns
    -------
    Verdict or None
        A refutation, or None: nothing was found, which proves nothing.
    """
    if any(x.is_matrix for x in problem.symbols):
        found = matrices_points.refute(problem)
        return None if found is None else refuted("sample", found["witness"], lhs=found["lhs"], rhs=found["rhs"])
    s = setting(problem)
    try:
        for part in (s.problem.goal.lhs, s.problem.goal.rhs):
            compile_expr(part)
    except UnknownNode:
        return None
    full, seen, until = effort == "full", [], time.process_time() + SECONDS
    for point in candidates(s, seed, max(points, FULL) if full else points):
        truth, _ = decide(s.problem.goal, point, PRECS)
        if truth is False and admissible(s, point):
            return _refutation(problem, s, simplify(s, point))
        if time.process_time() > until:
            return None
        if full and truth is not None:
            seen.append(point)
    found = lowest(s, seen, seed, until) if full and s.problem.goal.op in ("<", "<=") else None
    return None if found is None else _refutation(problem, s, simplify(s, found))


def refute_at(problem: Problem, values: Point, seed: int = 0) -> Verdict | None:
    """Try to lift proposed values (of a solver's model, say) to a certified refutation.

    Parameters
    ----------
    problem : Problem
        Problem.
    values : dict
        Values of some symbols; the others are drawn.
    seed : int
        Seed of the draws.

    Returns
    -------
    Verdict or None
    """
    s = setting(problem)
    sorts = {x.name: x.decl.sort for x in s.symbols}  # a solved symbol has the value that the others give it
    kept = {k: v for k, v in values.items() if k in sorts and not isinstance(v, list | tuple)}
    fixed = {k: Fraction(v) if sorts[k] == "real" else v for k, v in kept.items()}
    try:
        for turn in range(1 if fixed.keys() >= {x.name for x in s.symbols} else 8):
            point = draw(s, seed, turn, fixed)
            if decide(s.problem.goal, point, PRECS)[0] is False and admissible(s, point):
                return _refutation(problem, s, point)
    except UnknownNode:
        return None
    return None


def candidates(s: Setting, seed: int, count: int) -> Iterator[Point]:
    """Draw points and move them onto the hypotheses; they are not certified yet.

    Parameters
    ----------
    s : Setting
        Prepared problem.
    seed, count : int
        Seed and number of points.

    Yields
    ------
    dict
    """
    for turn in range(count):
        point = candidate(s, seed, turn)
        if point is not None:
            yield point


def candidate(s: Setting, seed: int, turn: int) -> Point | None:
    """Draw one point and move it onto the hypotheses; it is not certified yet.

    Parameters
    ----------
    s : Setting
        Prepared problem.
    seed, turn : int
        Which point.

    Returns
    -------
    dict or None
        None when it cannot be moved.
    """
    try:
        return adjust(s, draw(s, seed, turn), make_plan(s, random.Random(f"plan {seed}:{turn}")))
    except DltsymError:
        return None


def find_point(problem: Problem, tries: int = 200, seed: int = 0) -> dict[str, str] | None:
    """Look for a certified point inside the hypotheses: they are satisfiable.

    Parameters
    ----------
    problem : Problem
        Problem; its goal is ignored.
    tries, seed : int
        Points to draw, and the seed.

    Returns
    -------
    dict or None
        Exact values as text; None means "not found", never "unsatisfiable".
    """
    if any(x.is_matrix for x in problem.symbols):
        return matrices_points.find(problem, tries, seed)
    s = setting(problem)
    point = next((p for p in candidates(s, seed, tries) if admissible(s, p)), None)
    return None if point is None else witness(problem, s, point)


def tested(problem: Problem, points: int = TESTED, seed: int = 1) -> Verdict:  # noqa: PT028 - not a test
    """Check the goal at random points inside the hypotheses.

    Parameters
    ----------
    problem : Problem
        Problem.
    points : int
        Effective points wanted: hypotheses certified, both sides enclosed tightly, no failure.
    seed : int
        Seed of the draws.

    Returns
    -------
    Verdict
        ``proved`` with grade ``tested``, ``refuted``, or ``open`` when too few points were effective.
    """
    s, drawn, gaps, bits, until = setting(problem), 0, [], 0, time.process_time() + SECONDS
    try:
        for point in candidates(s, seed, 6 * points):
            drawn += 1
            if time.process_time() > until:
                break
            if not admissible(s, point):
                continue
            margin = _passes(s.problem.goal, point)
            if isinstance(margin, bool):
                if margin is False:
                    return _refutation(problem, s, simplify(s, point))
                continue
            gaps.append(margin[0])
            bits = max(bits, margin[1])
            if len(gaps) == points:
                return proved(
                    "sampled",
                    "tested",
                    points=points,
                    drawn=drawn,
                    precision=bits,
                    seed=seed,
                    **_extreme(s.problem.goal, gaps),
                )
    except UnknownNode as err:
        return open_("sampled", f"unknown node: {err}")
    return open_("sampled", f"{len(gaps)} of {points} effective points in {drawn} draws", effective=len(gaps))


tested.__test__ = False  # type: ignore[attr-defined] # pytest would take the name for a test


def _extreme(goal: Rel, gaps: list[arb]) -> dict[str, str]:
    """Name the smallest margin of an inequality, or the largest difference that an equation leaves open."""
    if goal.op == "=":
        return {"largest_difference": interval(max(gaps, key=lambda g: float(g.upper())))[1]}
    return {"smallest_margin": interval(min(gaps, key=lambda g: float(abs(g).lower())))[0]}


def _passes(goal: Rel, point: Point) -> tuple[arb, int] | bool:
    """Return the margin and precision of a pass, False for a certified failure, True for "does not count"."""
    truth, prec = decide(goal, point, PRECS)
    if truth is False:
        return False
    bits = prec or PRECS[-1]
    try:
        gap = compile_expr(difference(goal)).ball(point, bits)
        size = compile_expr(goal.lhs).ball(point, bits)
    except DltsymError:
        return True
    if not gap.is_finite():
        return True
    if truth:
        return gap, bits
    # An equation between irrational numbers can only be compared to many digits.
    close = goal.op == "=" and abs(gap) < (1 + abs(size)) * arb(2) ** (-bits // 2)
    return (abs(gap), bits) if close else True


# Evidence


def witness(problem: Problem, s: Setting, point: Point) -> dict[str, str]:
    """Write a point as text, with the entries of arrays that were read and the symbols solved for.

    Parameters
    ----------
    problem : Problem
        Original problem.
    s : Setting
        The same, prepared.
    point : dict
        Point.

    Returns
    -------
    dict
    """
    solved, out = dict(s.solved), {}
    quantified = {x for x in problem.symbols if x.decl.sort == "index"} - free_symbols(s.problem.goal)
    for sym in (x for x in problem.symbols if x not in quantified):
        value = point.get(sym.name)
        if isinstance(value, Table):
            for idx in sorted(value.entries):
                out[f"{sym.name}[{', '.join(map(str, idx))}]"] = str(value.entries[idx])
        elif value is not None:
            out[sym.name] = str(value)
        elif sym in solved and sym.decl.sort != "array":
            f = compile_expr(solved[sym])
            exact = f.exact(point)
            out[sym.name] = str(exact_value(exact)) if exact is not None else f"{solved[sym]} = {f.ball(point).str(12)}"
    return out


def _refutation(problem: Problem, s: Setting, point: Point) -> Verdict:
    goal = s.problem.goal
    _, prec = decide(goal, point, PRECS)
    bits = prec or PRECS[-1]
    point = _used(s, point)
    lhs, rhs, gap = (compile_expr(e).ball(point, bits) for e in (goal.lhs, goal.rhs, goal.lhs - goal.rhs))
    solved = [f"{x}{'[...]' if x.decl.sort == 'array' else ''} := {value}" for x, value in s.solved]
    return refuted(
        "sample",
        witness(problem, s, point),
        lhs=interval(lhs),
        rhs=interval(rhs),
        difference=interval(gap),
        precision=bits,
        exact=prec == 0,
        hypotheses=[*(_at(c, point) for c in s.checks), *solved],
    )


def _used(s: Setting, point: Point) -> Point:
    """Return the point with only those array entries that goal and hypotheses read."""
    read: dict[str, set[tuple[int, ...]]] = {}
    spied = {k: _spy(v, read.setdefault(k, set())) if isinstance(v, Table) else v for k, v in point.items()}
    decide(s.problem.goal, spied, PRECS)
    admissible(s, {**point, **{k: v for k, v in spied.items() if not isinstance(point[k], Table)}})
    for row in s.checks:
        if not row.indices:
            decide(row.rel, spied, PRECS)
    for sym, formula in s.solved:
        if sym.decl.sort != "array":
            compile_expr(formula).ball(spied)  # the witness shows it
    keep = {
        k: Table({i: v.entries[i] for i in sorted(read[k])}, v.draw) for k, v in point.items() if isinstance(v, Table)
    }
    return {**point, **keep}


def _spy(table: Table, read: set[tuple[int, ...]]) -> Any:
    def entry(idx: tuple[int, ...]) -> Fraction:
        read.add(idx)
        return table(idx)

    return entry


def _at(row: Check, point: Point) -> str:
    rel = row.rel
    if row.indices:
        return f"{rel}: certified for all {', '.join(x.name for x in row.indices)}"
    try:
        left, right = (compile_expr(e).ball(point, 64).str(8) for e in (rel.lhs, rel.rhs))
    except DltsymError as err:
        return f"{rel}: {err}"
    return f"{rel}: {left} {rel.op} {right}"


def interval(ball: arb) -> list[str]:
    """Return decimal texts of two numbers between which a ball lies.

    Parameters
    ----------
    ball : arb
        Finite ball.

    Returns
    -------
    list of str
    """
    mid, rad, exp = ball.mid_rad_10exp(12)
    return [_decimal(int(mid - rad), int(exp)), _decimal(int(mid + rad), int(exp))]


def _decimal(digits: int, exp: int) -> str:
    if digits == 0:
        return "0"
    while digits % 10 == 0:
        digits, exp = digits // 10, exp + 1
    if exp > 20 or exp < -40:
        return f"{digits}e{exp}"
    if exp >= 0:
        return str(digits * 10**exp)
    text = str(abs(digits)).zfill(1 - exp)
    return f"{'-' * (digits < 0)}{text[:exp]}.{text[exp:]}"
