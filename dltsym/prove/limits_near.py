"""Does a relation hold close enough to the point of a limit? Decided by the leading term of a one-sided series."""

from __future__ import annotations

from dataclasses import dataclass

from dltsym.notation.tree import Const, Expr, Neg, Rel, Sym
from dltsym.notation.walk import free_symbols
from dltsym.prove.limits_series import expand, over
from dltsym.prove.limits_work import ONE, ZERO, Grows, NoSeries, Series, Work, cut
from dltsym.prove.problem import Problem
from dltsym.prove.verdict import Row

OO = Const("oo")
SIZES = (3, 6, 9)


@dataclass(frozen=True)
class Near:
    """Close to `point`, but not there: from one side (``+``, ``-``), or from both (``+-``)."""

    var: Sym
    point: Expr
    side: str

    @property
    def sides(self) -> tuple[str, ...]:
        """The one-sided approaches; ``far`` for an infinite point."""
        if self.point in (OO, Neg(OO)):
            return ("far",)
        return ("+", "-") if self.side == "+-" else (self.side,)


def start(w: Work, point: Expr, side: str, ramified: int = 1) -> Series:
    """Return the series of the variable itself, with ``t**ramified`` for the distance.

    Parameters
    ----------
    w : Work
        Context.
    point : Expr
        Point of the limit.
    side : str
        ``+``, ``-`` or ``far``.
    ramified : int
        Power of t that the distance is.

    Returns
    -------
    Series
    """
    zeros = (ZERO,) * (w.size - 1)
    if side == "far":
        return Series(-ramified, (ONE if point == OO else w.normal(Neg(ONE)), *zeros))
    step = ONE if side == "+" else w.normal(Neg(ONE))
    at = w.normal(point)
    if at == ZERO:
        return Series(ramified, (step, *zeros))
    terms: list[Expr] = [ZERO] * max(w.size, ramified + 1)
    terms[0], terms[ramified] = at, step
    return cut(w, Series(0, tuple(terms)))


def holds_near(rel: Rel, near: Near, problem: Problem) -> Row | None:
    """Prove an inequality or ``!=`` in some neighbourhood of a point, the point itself left out.

    Parameters
    ----------
    rel : Rel
        Relation whose sides are defined there.
    near : Near
        Where.
    problem : Problem
        Declarations and hypotheses.

    Returns
    -------
    Row or None
        None means unknown.
    """
    rel = rel.flipped()
    # Trap: a neighbourhood for each y of an integral over y is not one for all of them.
    if rel.op == "=" or any(s.decl.uid and s != near.var for s in free_symbols(rel)):
        return None
    gap = rel.rhs + Neg(rel.lhs)
    rows: dict[str, Row] = {}
    for side in near.sides:
        found = next((w for size in SIZES if (w := _leading(gap, rel.op, near, side, size, problem))), None)
        if found is None:
            return None
        rows |= found.rows
    grades = [r.grade for r in rows.values()]
    return Row(str(rel), "smt" if "smt" in grades else "exact", f"close to {near.point}, by the leading term")


def _leading(gap: Expr, op: str, near: Near, side: str, size: int, problem: Problem) -> Work | None:
    w = Work(problem, size, near.var, Series(0, ()))
    try:
        w.start = start(w, near.point, side)
        try:
            s = expand(w, gap)
        except Grows as grows:  # a positive factor changes no sign
            s = expand(w, over(gap, Neg(grows.arg)))
    except NoSeries:
        return None
    wanted = "!=" if op == "!=" else "<"
    return w if s.coeffs and w.sign(s.coeffs[0], wanted) else None
