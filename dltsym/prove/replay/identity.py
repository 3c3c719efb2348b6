"""Certificates of identities: ``{"kind": "identity", "lemmas": [LEMMA, ...]}``.

Nothing has to be found for one but the facts that make it defined: the normal form of `algebra` decides, after sums
have been brought into that of `totals`. With ``"logs": true`` the logarithms of both sides are compared, which are
positive by the rules of `side`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dltsym.notation.tree import Call, Neg, Rel
from dltsym.prove.problem import Problem
from dltsym.prove.replay.place import need, need_defined, need_zero, only
from dltsym.prove.replay.setting import setting
from dltsym.prove.replay.side import ZERO
from dltsym.prove.replay.signs import lemmas
from dltsym.prove.replay.totals import collected

KIND = "identity"


def check(problem: Problem, certificate: Mapping[str, Any]) -> None:
    """Replay an identity.

    Parameters
    ----------
    problem : Problem
        Prepared problem.
    certificate : mapping
        Certificate of the form above.
    """
    only(certificate, "kind", "lemmas", "logs")
    here = setting(problem, {})
    lhs, rhs = here.goal.lhs, here.goal.rhs
    place = lemmas(certificate.get("lemmas", []), here.place)
    need(here.goal.op == "=", "an identity proves an equation")
    for side in (lhs, rhs):
        need_defined(side, place)
    if "logs" in certificate:
        need(certificate["logs"] is True, "logs is true or left out")
        for side in (lhs, rhs):
            need(place.store.follows(Rel(ZERO, "<", side)), f"{side} > 0 is not shown")
        lhs, rhs = Call("log", (lhs,)), Call("log", (rhs,))
    gap = collected(lhs + Neg(rhs), place.store.follows)
    need_defined(gap, place)
    need_zero(gap, place, "the two sides differ")
