"""Audits: a printed claim, its witness evaluated by the machine, and the verdict that follows."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from dltsym.errors import DltsymError, RecordError
from dltsym.notation.calculus import evaluate_derivatives
from dltsym.notation.evaluate import Balls, evaluate, holds
from dltsym.notation.tree import Rel
from dltsym.notation.walk import expand_lets
from dltsym.prove.decide import decide
from dltsym.prove.problem import declared_bounds, prepare
from dltsym.prove.report import AuditReport
from dltsym.prove.values import check_value, environment, holds_everywhere, strange
from dltsym.prove.verdict import OPEN, PROVED, REFUTED
from dltsym.record import Audit

PRECISION = 192
NOT_MATHEMATICS = ("not reproducible", "citation only")


def check_audit(audit: Audit) -> AuditReport:
    """Evaluate the witness of an audit and compare the verdict reached with the declared one.

    Parameters
    ----------
    audit : Audit
        Record.

    Returns
    -------
    AuditReport
        `problems` names a verdict that was not reached, a hypothesis that fails at the witness, a value that differs.
    """
    started = time.perf_counter()
    problems: list[str] = []
    env: dict[str, Any] = {}
    try:
        env = run_fixture(audit)
        outcome, witness = _outcome(audit, env)
    except DltsymError as err:
        outcome, witness = OPEN, {"error": str(err)}
    reached = {PROVED: ("holds",), REFUTED: ("refuted", "holds with correction")}.get(outcome, NOT_MATHEMATICS)
    if audit.verdict not in reached:
        problems.append(f"{audit.key}: declared {audit.verdict!r}, but the machine finds the printed claim {outcome}")
    values = tuple(check_value(v, audit.outputs, env | environment(v.inputs)) for v in audit.values)
    problems += [f"{audit.key}: value {v.of} printed {v.expected}, got {v.got}" for v in values if not v.ok]
    verdict = audit.verdict if audit.verdict in reached else outcome
    source = f"{audit.source.key} {audit.source.where}".strip()
    return AuditReport(
        audit.key,
        audit.title,
        source,
        audit.prints,
        verdict,
        audit.verdict,
        witness,
        audit.corrected,
        values,
        tuple(problems),
        time.perf_counter() - started,
    )


def run_fixture(audit: Audit) -> dict[str, Any]:
    """Return the witness of an audit: its inputs, and what its fixture computes from them in ball arithmetic.

    Parameters
    ----------
    audit : Audit
        Record.

    Returns
    -------
    dict
        Values by symbol name.

    Raises
    ------
    RecordError
        When the fixture returns a name that the audit does not declare.
    """
    inputs = environment(audit.at)
    if audit.fixture is None:
        return inputs
    results = dict(Balls(PRECISION).run(audit.fixture, **inputs))
    strange = sorted(set(results) - set(audit.symbols))
    if strange:
        raise RecordError(f"the fixture returns {strange[0]}, which the audit does not declare")
    return inputs | results


def _outcome(audit: Audit, env: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    problem = prepare(audit.claim, audit.given)
    if audit.verdict in NOT_MATHEMATICS:
        return audit.verdict, {"note": "no mathematical content to decide"}
    if not env and problem.symbols:
        verdict = decide(problem)
        return verdict.status, {**(verdict.witness or {}), **_plain(verdict.evidence)}
    wrong = strange(audit.symbols, env)
    if wrong:
        raise RecordError(f"the witness is not one: {wrong[0]}")
    bounds = [b for s in problem.symbols if s.name in env for b in declared_bounds(s)]
    outside = [str(h) for h in problem.given if holds_everywhere(h, env) is not True]
    outside += [str(b) for b in prepare(audit.claim, bounds).given if holds(b, env) is not True]
    if outside:
        raise RecordError(f"the witness does not certainly satisfy {outside[0]}")
    truth = holds(problem.goal, env)
    if truth is True and audit.fixture is None:  # one point can refute a claim, it cannot prove it
        truth = {PROVED: True, REFUTED: False}.get(decide(problem).status)
    witness = {k: _show(v) for k, v in env.items()} | _sides(audit.claim, env)
    return {True: PROVED, False: REFUTED, None: OPEN}[truth], witness


def _sides(rel: Rel, env: Mapping[str, Any]) -> dict[str, Any]:
    rel = evaluate_derivatives(expand_lets(rel))
    sides = {"its left side": rel.lhs, "its right side": rel.rhs}
    return {"printed claim": str(rel)} | {k: _show(evaluate(e, env, PRECISION)) for k, e in sides.items()}


def _show(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_show(v) for v in value]
    return value.str(18, radius=False) if type(value).__module__.startswith("flint") else str(value)


def _plain(evidence: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in evidence.items() if k in ("lhs", "rhs", "difference", "reason")}
