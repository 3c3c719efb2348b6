"""Certificates of a direct sign, and of the log rule.

``{"kind": "direct", "sign": SIGN, "lemmas": [LEMMA, ...]}``: the product is ``rhs - lhs``. With ``"log rule":
{"unit": n, "up": a, "down": b}`` the product is ``a - b``, ``n*(rhs - lhs) = log(a) - log(b)`` and ``b > 0``. Further
fields are those of `dltsym.prove.replay.setting`; SIGN and LEMMA are explained in `dltsym.prove.replay.signs`.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from dltsym.notation.tree import Call, Mul, Neg, Num, Rel
from dltsym.prove.problem import Problem
from dltsym.prove.replay.place import need, need_defined, need_zero, number, only
from dltsym.prove.replay.setting import FIELDS, setting
from dltsym.prove.replay.side import ZERO
from dltsym.prove.replay.signs import lemmas, prove

KIND = "direct"


def check(problem: Problem, certificate: Mapping[str, Any]) -> None:
    """Replay a direct sign.

    Parameters
    ----------
    problem : Problem
        Prepared problem.
    certificate : mapping
        Certificate of the form above.
    """
    only(certificate, *FIELDS, "sign", "lemmas", "log rule")
    here = setting(problem, certificate)
    place = lemmas(certificate.get("lemmas", []), here.place)
    need(here.goal.op in ("<", "<="), "a sign proves an inequality")
    gap = here.goal.rhs + Neg(here.goal.lhs)
    need_defined(gap, place)
    rule = certificate.get("log rule")
    if rule is not None:
        only(rule, "unit", "up", "down")
        unit, up, down = number(rule["unit"]), place.expr(rule["up"]), place.expr(rule["down"])
        need(unit > 0 and place.store.follows(Rel(ZERO, "<", down)), "the logarithms are not shown to be defined")
        logs = Call("log", (up,)) + Neg(Call("log", (down,)))
        scaled = Mul((Num(Fraction(unit)), gap))
        need_zero(scaled + Neg(logs), place, "the difference is not that of the logarithms")
        gap = up + Neg(down)
    got = prove(gap, certificate["sign"], place)
    need(got.positive and (got.strict or here.goal.op == "<="), "the sign does not prove the goal")
