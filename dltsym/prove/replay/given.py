"""Certificates of goals that a hypothesis or fact states, or states up to factors that are not negative.

``{"kind": "given", "rel": relation}``: the relation is known and at least as strong as the goal. With ``"factor": k``
the goal is ``0 <= a*X``, the relation ``0 <= X`` for its factor k, and the others are ``>= 0`` by the rules of `side`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dltsym.notation.tree import Mul, Rel
from dltsym.notation.walk import key
from dltsym.prove.problem import Problem
from dltsym.prove.replay.defined import gap
from dltsym.prove.replay.place import need, only
from dltsym.prove.replay.setting import setting
from dltsym.prove.replay.side import ZERO

KIND = "given"
WEAKER = {"=": ("=", "<="), "<": ("<", "<=", "!="), "<=": ("<=",), "!=": ("!=",)}


def check(problem: Problem, certificate: Mapping[str, Any]) -> None:
    """Replay a look-up.

    Parameters
    ----------
    problem : Problem
        Prepared problem.
    certificate : mapping
        Certificate of the form above.
    """
    only(certificate, "kind", "rel", "factor")
    rel = next((r.flipped() for r in problem.known if key(r.flipped()) == certificate["rel"]), None)
    need(rel is not None, "no hypothesis or fact of this form")
    assert rel is not None
    goal = problem.goal
    if "factor" in certificate:
        place = setting(problem, {}).place
        need(goal.op == "<=" and goal.lhs == ZERO and isinstance(goal.rhs, Mul), "the goal is not 0 <= a*X")
        assert isinstance(goal.rhs, Mul)
        k = certificate["factor"]
        need(type(k) is int and 0 <= k < len(goal.rhs.args), "no factor of this number")
        for other in (*goal.rhs.args[:k], *goal.rhs.args[k + 1 :]):
            shown = gap(place.store, other) is None and place.store.follows(Rel(ZERO, "<=", other))
            need(shown, f"{other} >= 0 is not shown")
        goal = Rel(ZERO, "<=", goal.rhs.args[k])
    need(_states(rel, goal), f"{rel} does not state {goal}")


def _states(a: Rel, b: Rel) -> bool:
    if b.op not in WEAKER[a.op]:
        return False
    sides = (key(b.lhs), key(b.rhs))
    return sides == (key(a.lhs), key(a.rhs)) or (a.op in ("=", "!=") and sides == (key(a.rhs), key(a.lhs)))
