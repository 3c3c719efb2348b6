"""Exact integrals by the fundamental theorem: an antiderivative is found anywhere, and proved here.

With G continuous on the closed range, differentiable inside, ``dG/dx = f`` proved by the exact tower, the integral is
``G(hi) - G(lo)``; at an infinite end the value is a proved limit, which also shows that the integral converges. An
integrand with ``max``, ``min`` or ``abs`` of linear functions is split where their sign changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from dltsym.errors import NotationError, UnknownNode
from dltsym.notation.calculus import add, derivative
from dltsym.notation.parse import parse_expr
from dltsym.notation.tree import Call, Const, Decl, Div, Expr, Integral, Limit, Neg, Num, Rel, Sum, Sym
from dltsym.notation.walk import children, free_symbols, rebuild, substitute, subterms
from dltsym.prove.definedness import conditions, prove
from dltsym.prove.integrals_find import antiderivative
from dltsym.prove.limits import Diverges, Value, jumps, limit_value
from dltsym.prove.problem import Problem
from dltsym.prove.signs import entails
from dltsym.prove.tower import Unknown, difference, form_tree, prove_zero, rational_form
from dltsym.prove.verdict import Row

ZERO, ONE = Num(Fraction(0)), Num(Fraction(1))
OO = Const("oo")
MAX_SPLITS = 4
VARIABLE = Sym(Decl("integration_variable", "real"))


class NoValue(Exception):
    """A limit or integral has no proved value; the reason says which."""


def evaluated(e: Expr, problem: Problem) -> Value:
    """Replace every integral and limit of a tree by its proved value, innermost first.

    Parameters
    ----------
    e : Expr
        Tree, defined wherever the hypotheses hold.
    problem : Problem
        Declarations and hypotheses.

    Returns
    -------
    Value

    When one of them has no proved value, `NoValue` is raised.
    """
    rows: list[Row] = []
    ways: list[str] = []
    steps: list[dict[str, str] | None] = []

    def visit(node: Expr, given: Problem) -> Expr:
        if not any(isinstance(t, Integral | Limit) for t in subterms(node)):
            return node
        if isinstance(node, Sum):
            local = tuple(r for v, lo, hi in node.limits for r in (Rel(lo, "<=", v), Rel(v, "<=", hi)))
            inner = given.with_goal(given.goal, *local)
            return Sum(visit(node.body, inner), node.limits)
        if isinstance(node, Integral):
            inner = given.with_goal(given.goal, *around(node, "<="))
            node = Integral(visit(node.body, inner), node.var, visit(node.lo, given), visit(node.hi, given))
            return keep(node, integral_value(node, given))
        if isinstance(node, Limit):
            if any(isinstance(t, Integral | Limit) for t in subterms(node.body)):
                raise NoValue(f"{node} has a limit or an integral inside")
            node = Limit(node.body, node.var, visit(node.point, given), node.side)
            return keep(node, limit_value(node, given))
        return rebuild(node, tuple(visit(c, given) for c in children(node)))

    def keep(node: Expr, found: Value | None) -> Expr:
        if found is None:
            raise NoValue(f"no proved value for {node}")
        rows.extend(found.rows)
        ways.append(f"{node} = {found.expr} ({found.way})")
        bound = {s for s in free_symbols(node) if s.decl.uid}  # inside another integral or a sum
        steps.extend((None,) if bound else found.steps)
        return found.expr

    new = visit(e, problem)
    return Value(new, "; ".join(ways), tuple(dict.fromkeys(rows)), tuple(steps))


def around(node: Integral, op: str) -> tuple[Rel, ...]:
    """Return the range of the variable of an integral as relations.

    Parameters
    ----------
    node : Integral
        Integral.
    op : {"<", "<="}
        Open or closed.

    Returns
    -------
    tuple of Rel
    """
    below = () if _infinite(node.lo) else (Rel(node.lo, op, node.var),)
    above = () if _infinite(node.hi) else (Rel(node.var, op, node.hi),)
    return (*below, *above)


def _infinite(e: Expr) -> bool:
    return e in (OO, Neg(OO))


def integral_value(node: Integral, problem: Problem, splits: int = 0) -> Value | None:
    """Return the proved value of an integral; None means unknown.

    Parameters
    ----------
    node : Integral
        Integral without another one or a limit inside.
    problem : Problem
        Declarations and hypotheses.
    splits : int
        How often it was split already.

    Returns
    -------
    Value or None
    """
    if node.hi == Neg(OO) or node.lo == OO or any(jumps(t, node.var) for t in subterms(node.body)):
        return None
    rows: list[Row] = []
    if not (_infinite(node.lo) or _infinite(node.hi)):
        row = entails(Rel(node.lo, "<=", node.hi), problem)
        if row is None:
            return None
        rows.append(row)
    kinks = [t for t in subterms(node.body) if _kinked(t, node.var)]
    kink = kinks[-1] if kinks else None  # parents come first: the last one has none inside
    if isinstance(kink, Call):
        return _split(node, kink, problem, splits)
    for source, found in _candidates(node, problem):
        value = _by(node, found, problem)
        if value is not None:
            way = f"antiderivative {found} ({source})"
            rows += value.rows
            short = _tidy(value.expr, problem, rows)
            text = str(substitute(found, {node.var: VARIABLE}))
            step = {"antiderivative": text, "value": str(short)}
            return Value(short, way, tuple(dict.fromkeys(rows)), (step,))
    return None


def _candidates(node: Integral, problem: Problem) -> Iterator[tuple[str, Expr]]:
    inside = problem.with_goal(problem.goal, *around(node, "<"))
    own = antiderivative(node.body, node.var, inside)
    if own is not None:
        yield "by parts", own
    from dltsym.prove.engines.cas import propose

    text = propose(node.body, node.var, problem)
    if text is not None:
        names = {s.name: s for s in free_symbols(node.body) - {node.var}} | {"integration_variable": node.var}
        try:
            yield "SymPy", parse_expr(text, names)
        except NotationError:
            return


def _by(node: Integral, found: Expr, problem: Problem) -> Value | None:
    """Prove that `found` is an antiderivative on the whole range, and return the difference of its end values."""
    inside = problem.with_goal(problem.goal, *around(node, "<"))
    if any(jumps(t, node.var) for t in subterms(found)):
        return None
    try:
        slope = derivative(found, node.var)
        zero = prove_zero(difference(slope, node.body), inside)
    except (Unknown, UnknownNode):
        return None
    if zero is None:
        return None
    rows = list(zero.rows)
    for tree, local in ((found, around(node, "<=")), (slope, around(node, "<")), (node.body, around(node, "<="))):
        for condition in conditions(tree):
            row = prove(condition, problem, local)
            if row is None:
                return None
            rows.append(row)
    ends = []
    for point, side in ((node.hi, "-"), (node.lo, "+")):
        if not _infinite(point):
            ends.append(substitute(found, {node.var: point}))
            continue
        try:
            end = limit_value(Limit(found, node.var, point, side), problem)
        except Diverges as why:
            raise Diverges(f"{node} diverges: {found} has no limit at {point}; {why}") from None
        if end is None:
            return None
        ends.append(end.expr)
        rows += end.rows
    return Value(add(ends[0], Neg(ends[1])) if ends[1] != ZERO else ends[0], "", tuple(rows))


def _tidy(e: Expr, problem: Problem, rows: list[Row]) -> Expr:
    """Simplify with the tower; the signs that this rests on go to `rows`."""
    try:
        form = rational_form(e, problem)
    except Unknown:
        return e
    rows += form.rows
    return ZERO if form.num.is_zero() else form_tree(form)


def _kinked(t: object, x: Sym) -> bool:
    return isinstance(t, Call) and t.name in ("max", "min", "abs") and x in free_symbols(t)


def _split(node: Integral, kink: Call, problem: Problem, splits: int) -> Value | None:
    """Split the range where ``u - w`` of ``max(u, w)`` changes sign; ``abs(u)`` is ``max(u, -u)``."""
    u, w = (kink.args[0], Neg(kink.args[0])) if kink.name == "abs" else kink.args
    gap = add(u, Neg(w))
    rows: list[Row] = []
    slope = _tidy(derivative(gap, node.var), problem, rows)
    if splits >= MAX_SPLITS or node.var in free_symbols(slope):
        return None
    up = entails(Rel(ZERO, "<", slope), problem)
    if up is None and entails(Rel(slope, "<", ZERO), problem) is None:
        return None
    root = _tidy(Neg(Div(substitute(gap, {node.var: ZERO}), slope)), problem, rows)
    first, last = ((u, w) if kink.name == "min" else (w, u)) if up is not None else (
        (w, u) if kink.name == "min" else (u, w))  # fmt: skip
    parts: list[Expr] = []
    left = _infinite(node.lo) or entails(Rel(node.lo, "<=", root), problem) is not None
    right = _infinite(node.hi) or entails(Rel(root, "<=", node.hi), problem) is not None
    if left and right:
        pieces = [(node.lo, root, first), (root, node.hi, last)]
    elif not left and entails(Rel(root, "<=", node.lo), problem) is not None:
        pieces = [(node.lo, node.hi, last)]
    elif not right and entails(Rel(node.hi, "<=", root), problem) is not None:
        pieces = [(node.lo, node.hi, first)]
    else:
        return None
    for lo, hi, branch in pieces:
        value = integral_value(Integral(_swap(node.body, kink, branch), node.var, lo, hi), problem, splits + 1)
        if value is None:
            return None
        parts.append(value.expr)
        rows += value.rows
    return Value(add(*parts), f"split at {root}", tuple(rows))


def _swap(e: Expr, old: Expr, new: Expr) -> Expr:
    if e == old:
        return new
    kids = children(e)
    return rebuild(e, tuple(_swap(c, old, new) for c in kids)) if kids else e
