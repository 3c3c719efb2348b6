"""Direct sign: the difference of both sides has a sign by the exact sign engine, at once or after one exponential.

The log rule: a difference that is a rational combination of logarithms plus a rest without logarithms is ``>= 0``
exactly when the product of the arguments, to their whole powers, times ``exp(rest)``, is ``>= 1``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from dltsym.notation.calculus import ONE, ZERO, mul
from dltsym.notation.tree import Call, Expr, Neg, Num, Pow
from dltsym.prove.certificates import UNWRITTEN
from dltsym.prove.engines import Engine
from dltsym.prove.exactsign import Exact
from dltsym.prove.flatten import Flat, flat
from dltsym.prove.generators import argument
from dltsym.prove.ladder_certificate import direct as certificate
from dltsym.prove.named import Quotient, form_tree, poly_expr
from dltsym.prove.problem import Problem
from dltsym.prove.region import Sign
from dltsym.prove.replay.names import readable
from dltsym.prove.verdict import Row, Verdict, open_, proved

NAME = "direct"


def run(problem: Problem) -> Verdict:
    """Decide an inequality by the sign of the difference of its sides.

    Parameters
    ----------
    problem : Problem
        Goal ``<`` or ``<=``.

    Returns
    -------
    Verdict
    """
    problem = readable(problem)
    whole = flat(problem)
    strict = whole.problem.goal.op == "<"
    gap = whole.problem.goal.rhs + Neg(whole.problem.goal.lhs)
    store = Exact(whole.problem)
    form = store.form(gap)
    if form is None:
        return open_(NAME, "the difference has no tower form")
    found = _sign(form, store, strict) or _log_rule(form, store, strict)
    if found is None:
        return open_(NAME, "no plan gives the difference a sign")
    rows = store.defined(gap, deep=True)
    if rows is None:
        return open_(NAME, "the expanded difference is not proved to be defined")
    return proved(
        NAME,
        "exact",
        (*rows, *found.rows),
        method="direct" if found.rule is None else "log rule",
        difference=str(found.shape),
        plan=found.sign.why or "constant",
        certificate=_certificate(problem, whole, found),
    )


@dataclass(frozen=True)
class _Found:
    sign: Sign
    shape: Expr
    rows: tuple[Row, ...]
    rule: tuple[int, Expr, Expr] | None = None


def _certificate(problem: Problem, whole: Flat, found: _Found) -> dict[str, Any]:
    try:
        return certificate(problem, whole, found.sign, found.rule)
    except UNWRITTEN as missing:
        return {"kind": "none", "why": str(missing)}


def _sign(form: Quotient, store: Exact, strict: bool) -> _Found | None:
    got = store.sign_of(form, strict)
    if got is None or not got.positive:
        return None
    return _Found(got, form_tree(form), form.rows)


def _log_rule(form: Quotient, store: Exact, strict: bool) -> _Found | None:
    product = exponentiated(form)
    if product is None:
        return None
    _, left, right = product
    rows = store.defined(left + Neg(right))
    again = store.form(left + Neg(right))
    if rows is None or again is None:
        return None
    got = store.sign_of(again, strict)
    if got is None or not got.positive:
        return None
    return _Found(got, form_tree(again), (*form.rows, *again.rows, *rows), product)


def exponentiated(form: Quotient) -> tuple[int, Expr, Expr] | None:
    """Return ``(n, a, b)`` with ``n*form = log(a) - log(b)``, for a sum of logarithms and a rest; else None.

    Parameters
    ----------
    form : Quotient
        Tower form.

    Returns
    -------
    tuple of Expr or None
    """
    logs = {g for g, gen in form.gens.items() if gen.kind == "log"}
    if any(g in logs for mono in form.den for g, _ in mono):
        return None
    scale = form.den.get(()) if list(form.den) == [()] else None
    if scale is None:
        return None
    counts: dict[str, Fraction] = {}
    rest = {}
    for mono, c in form.num.items():
        value = Fraction(int(c.p), int(c.q)) / Fraction(int(scale.p), int(scale.q))
        inside = [g for g, _ in mono if g in logs]
        if not inside:
            rest[mono] = c / scale
        elif len(mono) == 1 and mono[0][1] == 1:
            counts[mono[0][0]] = value
        else:
            return None
    if not counts:
        return None
    unit = math.lcm(*(v.denominator for v in counts.values()))
    if unit > 12 or max(abs(v * unit) for v in counts.values()) > 24:
        return None
    up = _product({g: int(v * unit) for g, v in counts.items() if v > 0}, form)
    down = _product({g: int(-v * unit) for g, v in counts.items() if v < 0}, form)
    if up is None or down is None:
        return None
    tail = mul(Num(Fraction(unit)), poly_expr(rest, form)) if rest else ZERO
    return unit, (mul(up, Call("exp", (tail,))) if rest else up), down


def _product(counts: dict[str, int], form: Quotient) -> Expr | None:
    out: Expr = ONE
    for g, n in sorted(counts.items()):
        arg = argument(form.gens[g])
        if arg is None:
            return None
        out = mul(out, Pow(arg, Num(Fraction(n))) if n > 1 else arg)
    return out


ENGINE = Engine(NAME, "exact", 280, ("<", "<="), 3.0, run)
