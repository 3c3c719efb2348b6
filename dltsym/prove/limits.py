"""Exact limits: from one-sided series, or from continuity where the body is defined at the point."""

from __future__ import annotations

from dataclasses import dataclass

from dltsym.functions.table import FUNCTIONS
from dltsym.notation.calculus import derivative
from dltsym.notation.tree import Call, Const, Diff, Div, Expr, Integral, Limit, Mul, Neg, Pow, Rel, Sum, Sym
from dltsym.notation.walk import free_symbols, substitute, subterms
from dltsym.prove.definedness import conditions, prove
from dltsym.prove.limits_near import Near, start
from dltsym.prove.limits_series import expand, over
from dltsym.prove.limits_work import LOG, ZERO, Grows, NoSeries, Series, Work
from dltsym.prove.problem import Problem
from dltsym.prove.signs import entails
from dltsym.prove.tower import Unknown, difference, prove_zero
from dltsym.prove.verdict import Row

OO = Const("oo")
SIZES = (3, 5, 8, 11)


@dataclass(frozen=True)
class Value:
    """Proved value of limits and integrals: `way` says how, `rows` what it needs, `steps` what a replay needs."""

    expr: Expr
    way: str
    rows: tuple[Row, ...]
    steps: tuple[dict[str, str] | None, ...] = (None,)  # None: nothing that a replay knows


class Diverges(Exception):
    """The body is proved to have no finite limit."""


class Splits(Diverges):
    """The limits from both sides exist and differ."""


def limit_value(node: Limit, problem: Problem) -> Value | None:
    """Return the proved value of a limit; None means unknown.

    Parameters
    ----------
    node : Limit
        Limit whose body is defined near its point.
    problem : Problem
        Declarations and hypotheses.

    Returns
    -------
    Value or None

    Raises
    ------
    Splits
        When the limits from both sides differ; `Diverges` comes from a side that has no finite limit.
    """
    law = _power_law(node, problem)
    if law is not None:
        return law
    found: list[Value] = []
    for side in Near(node.var, node.point, node.side).sides:
        one = _one_sided(node, side, problem)
        if one is None:
            return _continuous(node, problem)
        found.append(one)
    first, *others = found
    for other in others:
        try:
            zero = prove_zero(difference(first.expr, other.expr), problem)
        except Unknown:
            return None
        if zero is None:
            if entails(Rel(first.expr, "!=", other.expr), problem) is not None:
                raise Splits(f"it tends to {first.expr} from the right and to {other.expr} from the left")
            return None
    return Value(first.expr, first.way, tuple(dict.fromkeys(r for v in found for r in v.rows)))


def _power_law(node: Limit, problem: Problem) -> Value | None:
    """Return 0 for ``c*x**p`` with ``p < 0`` at infinity, or ``p > 0`` at 0 from the right."""
    e, x = node.body, node.var
    while isinstance(e, Neg | Div | Mul):
        if isinstance(e, Div) and x in free_symbols(e.den):
            return None
        if isinstance(e, Mul):
            inner = [a for a in e.args if x in free_symbols(a)]
            if len(inner) != 1:
                return None
            e = inner[0]
        else:
            e = e.arg if isinstance(e, Neg) else e.num
    if not (isinstance(e, Pow) and e.base == x and x not in free_symbols(e.exponent)):
        return None
    falls = {(OO, "+-"): "<", (OO, "+"): "<", (OO, "-"): "<", (ZERO, "+"): ">"}.get((node.point, node.side))
    row = entails(Rel(e.exponent, falls, ZERO).flipped(), problem) if falls else None
    return None if row is None else Value(ZERO, "power law", (row,))


def _one_sided(node: Limit, side: str, problem: Problem) -> Value | None:
    for ramified in (1, 2):
        for size in SIZES:
            try:
                w = Work(problem, size, node.var, Series(0, ()))
                w.start = start(w, node.point, side, ramified)
                s = _expanded(w, node.body)
            except NoSeries:
                continue
            rows = tuple(w.rows.values())
            if s.val > 0:
                return Value(ZERO, "series", rows)
            if s.val == 0 and s.coeffs and LOG not in free_symbols(s.coeffs[0]):
                return Value(s.coeffs[0], "series", rows)
            if s.val == 0 and s.coeffs:
                slope = w.normal(derivative(s.coeffs[0], LOG))
                if LOG not in free_symbols(slope) and w.sign(slope, "!="):
                    raise Diverges(f"it behaves like ({slope})*log(t) with t -> 0, so it has no finite limit")
            if s.val < 0 and s.coeffs and w.sign(s.coeffs[0], "!="):
                raise Diverges(f"it behaves like ({s.coeffs[0]})*t**({s.val}) with t -> 0, so it has no finite limit")
    return _over_infinity(node, side, problem)


def _over_infinity(node: Limit, side: str, problem: Problem) -> Value | None:
    """Return 0 for a quotient whose numerator has a finite limit and whose denominator is unbounded."""
    if not isinstance(node.body, Div):
        return None
    top = _one_sided(Limit(node.body.num, node.var, node.point, side), side, problem)
    if top is None:
        return None
    try:
        _one_sided(Limit(node.body.den, node.var, node.point, side), side, problem)
    except Splits:
        return None
    except Diverges as why:
        return Value(ZERO, f"the denominator: {why}", top.rows)
    return None


def _expanded(w: Work, body: Expr) -> Series:
    try:
        return expand(w, body)
    except Grows as grows:
        rest = expand(w, over(body, Neg(grows.arg)))
        if rest.coeffs and w.sign(rest.coeffs[0], "!="):
            raise Diverges(f"it grows like exp({grows.arg}), so it has no finite limit") from None
        raise


def _continuous(node: Limit, problem: Problem) -> Value | None:
    """Put the point in, where the body is defined there and built from functions continuous on their domains."""
    if node.point in (OO, Neg(OO)) or any(jumps(t, node.var) for t in subterms(node.body)):
        return None
    at = substitute(node.body, {node.var: node.point})
    rows = []
    for condition in conditions(at):
        row = prove(condition, problem)
        if row is None:
            return None
        rows.append(row)
    return Value(at, "continuity", tuple(rows))


def jumps(t: object, var: Sym) -> bool:
    """Return whether a node, read as a function of a variable, is not known to be continuous where it is defined.

    Parameters
    ----------
    t : Expr
        Node.
    var : Sym
        Variable.

    Returns
    -------
    bool
    """
    if isinstance(t, Integral | Limit | Diff):
        return True
    if isinstance(t, Sum):
        return any(var in free_symbols(e) for _, lo, hi in t.limits for e in (lo, hi))
    smooth = ("abs", "max", "min", "xlogx", "kl_bernoulli", "binary_entropy")
    return isinstance(t, Call) and not FUNCTIONS[t.name].derivative and t.name not in smooth
