"""Whether the limits exist and the integrals converge that a statement mentions.

An integral over a closed range converges because its integrand is continuous there: its side conditions say so. A
limit, or an integral with an infinite end, is defined only where its value is proved.
"""

from __future__ import annotations

from collections.abc import Iterator

from dltsym.notation.tree import Const, Expr, Integral, Limit, Neg, Rel, Sum
from dltsym.notation.walk import children, key, subterms
from dltsym.prove.integrals import NoValue, around, evaluated
from dltsym.prove.limits import Diverges
from dltsym.prove.problem import Problem

ENDS = (Const("oo"), Neg(Const("oo")))


def doubtful(problem: Problem, valued: bool) -> tuple[str, ...]:
    """Return the limits and improper integrals of a problem that are not shown to have a value.

    Parameters
    ----------
    problem : Problem
        Problem whose other side conditions hold.
    valued : bool
        Whether those of the goal are known to have one.

    Returns
    -------
    tuple of str
        What is needed; empty when all of them have one.
    """
    goals = [] if valued else [g for g in (problem.written, problem.goal) if g is not None]
    used = [r for r in (*goals, *problem.given) if any(isinstance(t, Integral | Limit) for t in subterms(r))]
    found = {key(e): f"{e} needs a finite value" for rel in used for e in _doubtful(rel, problem)}
    return tuple(found.values())


def _doubtful(node: Expr | Rel, problem: Problem) -> Iterator[Expr]:
    match node:
        case Limit():
            improper, inner = True, problem
        case Integral():
            improper, inner = _improper(node), problem.with_goal(problem.goal, *around(node, "<="))
        case Sum():
            ranges = (r for v, lo, hi in node.limits for r in (Rel(lo, "<=", v), Rel(v, "<=", hi)))
            improper, inner = False, problem.with_goal(problem.goal, *ranges)
        case _:
            improper, inner = False, problem
    if not improper:
        for child in children(node):
            yield from _doubtful(child, inner)
        return
    assert isinstance(node, Expr)
    try:
        evaluated(node, problem)
    except (NoValue, Diverges):
        yield node


def is_value(goal: Rel) -> bool:
    """Whether a goal is nothing but the value of one limit or integral, which then is what was computed.

    Parameters
    ----------
    goal : Rel
        Goal.

    Returns
    -------
    bool
        Proper integrals inside it are allowed.
    """
    for side, other in ((goal.lhs, goal.rhs), (goal.rhs, goal.lhs)):
        if goal.op == "=" and isinstance(side, Integral | Limit):
            return not any(map(_improper, (*(t for c in children(side) for t in subterms(c)), *subterms(other))))
    return False


def _improper(e: Expr | Rel) -> bool:
    return isinstance(e, Limit) or (isinstance(e, Integral) and (e.lo in ENDS or e.hi in ENDS))
