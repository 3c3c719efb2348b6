"""Certificates of relations between closed constants: ``{"kind": "constants", "bits": n}`` separates them with balls.

Equal numbers are never shown to be equal by balls; two rational numbers are compared exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dltsym.notation.evaluate import evaluate, evaluate_exact
from dltsym.notation.walk import free_symbols
from dltsym.prove.problem import Problem
from dltsym.prove.replay.place import need, only

KIND, MAX_BITS = "constants", 8192


def check(problem: Problem, certificate: Mapping[str, Any]) -> None:
    """Replay the comparison of two constants.

    Parameters
    ----------
    problem : Problem
        Prepared problem.
    certificate : mapping
        Certificate of the form above.
    """
    only(certificate, "kind", "bits")
    goal, bits = problem.goal, certificate["bits"]
    need(not free_symbols(goal), "the goal has free symbols")
    need(type(bits) is int and 2 <= bits <= MAX_BITS, "no number of bits")
    a, b = evaluate_exact(goal.lhs, {}), evaluate_exact(goal.rhs, {})
    if a is not None and b is not None:
        holds = {"=": a == b, "<": a < b, "<=": a <= b, "!=": a != b}
        need(holds[goal.op], f"{goal} is false")
        return
    x, y = evaluate(goal.lhs, {}, bits), evaluate(goal.rhs, {}, bits)
    need(bool(x.is_finite() and y.is_finite()), "a side is not enclosed")
    need(bool(x < y if goal.op in ("<", "<=") else goal.op == "!=" and not x.overlaps(y)), f"{goal} is not separated")
