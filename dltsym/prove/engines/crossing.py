"""A claim ``f != 0`` refuted where f changes sign: a continuous f has a zero between two points of a convex domain.

The zero need not be rational, so the witness is a bracket: two points on a line, and enclosures of f of both signs.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from flint import arb

from dltsym.errors import DltsymError
from dltsym.notation.evaluate import Evaluator, compile_expr
from dltsym.notation.tree import Add, Call, Const, Div, Mul, Neg, Num, Pow, Sym
from dltsym.notation.walk import expand_definitions, subterms
from dltsym.prove.certify import admissible
from dltsym.prove.engines import Engine
from dltsym.prove.problem import Problem, declared_bounds
from dltsym.prove.sample import candidates, interval
from dltsym.prove.setting import setting
from dltsym.prove.sums_linear import linear
from dltsym.prove.verdict import Verdict, open_, refuted

NAME, POINTS, HALVINGS, BITS = "crossing", 48, 40, 128
CONTINUOUS = ("exp", "log", "sqrt", "sin", "cos", "acos", "asin", "atan", "erf", "abs", "max", "min")
Point = dict[str, Fraction]


def run(problem: Problem) -> Verdict:
    """Look for a change of sign.

    Parameters
    ----------
    problem : Problem
        Goal with ``!=``, defined wherever the hypotheses hold.

    Returns
    -------
    Verdict
        ``refuted`` with a bracket, or ``open``.
    """
    gap = expand_definitions(problem.goal.lhs - problem.goal.rhs)
    if not _convex(problem):
        return open_(NAME, "the domain is not known to be convex")
    if not all(_continuous(part) for part in subterms(gap)):
        return open_(NAME, "not known to be continuous")
    f = compile_expr(gap)
    ends: dict[bool, Point] = {}
    for point in _points(problem):
        sign = _sign(f, point)
        if sign is not None:
            ends.setdefault(sign, point)
        if len(ends) == 2:
            return _bracket(f, ends[False], ends[True])
    return open_(NAME, "no change of sign was found")


def _convex(problem: Problem) -> bool:
    """Whether all symbols are real and all hypotheses are strict or weak bounds of affine forms."""
    known = [*problem.known, *(b for s in problem.symbols for b in declared_bounds(s))]
    if any(s.decl.sort != "real" for s in problem.symbols):
        return False
    return all(r.op in ("<", "<=") and all(isinstance(a, Sym) for a, _ in linear(r.lhs - r.rhs).terms) for r in known)


def _continuous(part: object) -> bool:
    if isinstance(part, Call):
        return part.name in CONTINUOUS
    if isinstance(part, Const):
        return part.name == "pi"
    return isinstance(part, Num | Sym | Neg | Add | Mul | Div | Pow)


def _points(problem: Problem) -> Iterator[Point]:
    s = setting(problem)
    for point in candidates(s, 0, POINTS):
        values = {x.name: point.get(x.name) for x in problem.symbols}
        if all(isinstance(v, Fraction | int) for v in values.values()) and admissible(s, point):
            yield {name: Fraction(v) for name, v in values.items()}  # type: ignore[arg-type]


def _ball(f: Evaluator, point: Point) -> arb:
    return f.ball(point, BITS)


def _sign(f: Evaluator, point: Point) -> bool | None:
    """Whether f is certainly positive at a point; None when its sign is not certain."""
    try:
        value = _ball(f, point)
    except DltsymError:
        return None
    if not value.is_finite() or value.contains(0):
        return None
    return bool(value > 0)


def _bracket(f: Evaluator, low: Point, high: Point) -> Verdict:
    """Halve the segment between a point where f is negative and one where it is positive."""
    for _ in range(HALVINGS):
        middle = {name: (low[name] + high[name]) / 2 for name in low}
        sign = _sign(f, middle)
        if sign is None:
            break
        low, high = (low, middle) if sign else (middle, high)
    witness = {name: f"between {low[name]} and {high[name]}" for name in sorted(low)}
    return refuted(
        NAME,
        {name: str(low[name]) if low[name] == high[name] else text for name, text in witness.items()},
        below={"point": {n: str(v) for n, v in low.items()}, "difference": interval(_ball(f, low))},
        above={"point": {n: str(v) for n, v in high.items()}, "difference": interval(_ball(f, high))},
        why="left side minus right side is continuous and changes its sign on the segment between the two points",
    )


ENGINE = Engine(NAME, "ball", 620, ("!=",), 2.0, run)
