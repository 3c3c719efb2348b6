"""Values of algorithms: enclosures against printed digits, and against everything that the record says of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from dltsym.algorithms import Algorithm, enclosed
from dltsym.errors import DltsymError
from dltsym.form import sizes
from dltsym.notation.tree import Rel, Sym, as_expr
from dltsym.prove.problem import prepare
from dltsym.prove.report import ValueReport
from dltsym.prove.values import check_value, compared, environment, holds_everywhere, strange, written
from dltsym.record import Premise, PublishedValue, Theorem


@dataclass(frozen=True)
class _Runs:
    """Results of the algorithm at one point, by precision."""

    env: dict[str, Any]
    found: dict[int, Any] = field(default_factory=dict)


def check_values(theorem: Theorem) -> tuple[tuple[ValueReport, ...], list[str]]:
    """Hold every published value of a record against a certified enclosure.

    Parameters
    ----------
    theorem : Theorem
        Record.

    Returns
    -------
    tuple of ValueReport and list of str
        The reports, and what is wrong with the results of the algorithm besides: they violate a statement of the
        record about them.
    """
    code = theorem.algorithm
    if code is None:
        return tuple(check_value(v, theorem.outputs) for v in theorem.values), []
    points: dict[str, _Runs] = {}
    reports, problems = [], list[str]()
    for item in theorem.values:
        name = item.of or next(iter((*theorem.outputs, *code.computes)))
        if name in theorem.outputs:
            reports.append(check_value(item, theorem.outputs))
        else:
            reports.append(_check(theorem, code, item, name, points))
    for runs in points.values():
        problems += _contradictions(theorem, code, runs)
    return tuple(reports), list(dict.fromkeys(f"{theorem.key}: {p}" for p in problems))


def _check(theorem: Theorem, code: Algorithm, item: PublishedValue, name: str, points: dict[str, _Runs]) -> ValueReport:
    shown = {k: written(v) for k, v in item.inputs.items()}
    try:
        where = repr(sorted(shown.items()))
        if where not in points:
            points[where] = _Runs(sized(theorem.symbols, environment(item.inputs)))
        runs = points[where]
        ball = enclosed(code, runs.env, name, item.digits, runs.found)
        if isinstance(ball, list):
            return _failed(item, shown, name, f"{name} is an array; name an entry, such as {name}[1]")
        target = Fraction(item.expected)
    except (DltsymError, ValueError, ZeroDivisionError) as err:
        return _failed(item, shown, name, str(err))
    exact = bool(ball.is_exact()) and bool(ball * target.denominator == target.numerator)
    return compared(item, ball, exact, shown, name)


def _failed(item: PublishedValue, shown: Mapping[str, str], name: str, why: str) -> ValueReport:
    return ValueReport(dict(shown), item.expected, f"error: {why}", 0, item.digits, False, name, item.source)


def sized(symbols: Mapping[str, Sym], env: dict[str, Any]) -> dict[str, Any]:
    """Return an environment with the sizes that its arrays give to symbols.

    Parameters
    ----------
    symbols : mapping of str to Sym
        Declarations.
    env : dict
        Exact values by name; what is given stays.

    Returns
    -------
    dict
    """
    return env | {name: Fraction(size) for name, size in sizes(symbols, env).items()}


def _contradictions(theorem: Theorem, code: Algorithm, runs: _Runs) -> list[str]:
    """Name the statements about results that are declared symbols which these enclosures certainly violate."""
    results = [r for r in runs.found.values() if r]
    named = [n for n in code.computes if n in theorem.symbols]
    if not results or not named:
        return []
    env = sized(theorem.symbols, runs.env | {n: _nested(results[-1][n]) for n in named})
    wrong = [w for w in strange(theorem.symbols, env) if w.startswith((*named, "an entry"))]
    if wrong:
        return [f"the algorithm {code.name}: {wrong[0]}"]
    rels = [g.rel if isinstance(g, Premise) else g for g in theorem.given]
    rels += [c for c in theorem.claims if isinstance(c, Rel)]
    zero = as_expr(0)
    said = prepare(Rel(zero, "=", zero), rels).given
    bad = [r for r in said if holds_everywhere(r, env) is False]
    return [f"the results of the algorithm {code.name} violate {r}" for r in bad]


def _nested(value: Any) -> Any:
    return tuple(map(_nested, value)) if isinstance(value, list) else value
