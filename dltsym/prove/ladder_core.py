"""The derivative ladder: ``g(c) >= 0`` and ``g' >= 0`` to the right of c give ``g >= 0`` there, level by level.

One side of the contact at a time. A level takes out factors that are never negative, checks the value at the contact,
and differentiates what is left; the last level is a sign. Everything is proved with the other variables held fixed and
on the whole interval of the variable (see `dltsym.prove.domains`); each level must be defined on that interval,
contact included, because the mean value theorem needs it.

Strict claims: the part off the contact is strict if the last sign is, or if some level is strictly positive at the
contact; the contact itself must be excluded by a hypothesis or have ``f(c) > 0``.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

from dltsym.errors import UnknownNode
from dltsym.notation.calculus import ZERO, derivative
from dltsym.notation.tree import Add, Call, Const, Div, Expr, Mul, Neg, Num, Pow, Rel, Sym
from dltsym.notation.walk import children, free_symbols, substitute
from dltsym.prove.domains import Domain, closed_at, restrict
from dltsym.prove.exactsign import Exact
from dltsym.prove.generators import grade_of
from dltsym.prove.ladder_factors import Piece, almost_all, isolated, leaf_pieces, pieces_of, unsigned
from dltsym.prove.named import Quotient, form_tree, poly_expr
from dltsym.prove.problem import Problem
from dltsym.prove.region import Sign
from dltsym.prove.verdict import Row

MAX_LEVEL, MAX_SIZE, MAX_RUNGS = 6, 250, 40
SMOOTH = frozenset(("exp", "log", "sqrt", "sin", "cos", "atan", "acos", "asin", "erf", "tan"))


def smooth(expr: Expr, var: Sym) -> bool:
    """Whether a tree is built from smooth functions of `var` only (definedness is checked apart).

    Parameters
    ----------
    expr : Expr
        Tree with defined functions expanded.
    var : Sym
        Variable.

    Returns
    -------
    bool
    """
    if var not in free_symbols(expr):
        return True
    match expr:
        case Sym() | Num() | Const():
            return True
        case Neg() | Add() | Mul() | Div() | Pow():
            pass
        case Call(name, _) if name in SMOOTH:
            pass
        case _:
            return False
    return all(smooth(c, var) for c in children(expr))


@dataclass(frozen=True)
class Side:
    """One side of the contact: `sign` +1 to the right, -1 to the left.

    `closed` proves things on the side with the contact, `open` without it, `base` at the contact.
    """

    dom: Domain
    contact: Expr
    sign: int
    closed: Exact
    open: Exact
    base: Exact


Value = str | Sign  # "zero", "ball", or the proof of a sign


@dataclass(frozen=True)
class Level:
    """``g = pieces * rest`` with pieces that are never negative, and the value of `rest` at the contact."""

    pieces: tuple[Piece, ...]
    rest: Expr
    value: Value = "zero"


@dataclass(frozen=True)
class Ends:
    """A concave end: values at the contact and at the other end, and the sign of minus the second derivative."""

    near: Value
    far: Value
    bend: Sign
    segment: Exact


@dataclass(frozen=True)
class Climb:
    """A ladder, finished or not: its levels as text, the rows it rests on, and what a certificate needs."""

    levels: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    steps: tuple[Level, ...] = ()
    end: tuple[Piece, ...] | Ends = ()

    def then(self, text: str, rows: tuple[Row, ...], *steps: Level) -> Climb:
        """Return the ladder with one more line.

        Parameters
        ----------
        text : str
            What was done.
        rows : tuple of Row
            Its rows.
        *steps : Level
            A new level, if it starts one.

        Returns
        -------
        Climb
        """
        return Climb((*self.levels, text), (*self.rows, *rows), (*self.steps, *steps))

    def valued(self, value: Value) -> Climb:
        """Return the ladder with the value at the contact of its last level.

        Parameters
        ----------
        value : str or Sign
            Value.

        Returns
        -------
        Climb
        """
        return replace(self, steps=(*self.steps[:-1], replace(self.steps[-1], value=value)))


@dataclass(frozen=True)
class Rung:
    """What is left to prove: ``g >= 0``, or ``g > 0`` if `strict`, off the contact; `below` led here."""

    g: Expr
    strict: bool
    level: int
    below: Climb


def make_side(problem: Problem, dom: Domain, contact: Expr, sign: int) -> Side:
    """Build the provers of one side of a contact.

    Parameters
    ----------
    problem : Problem
        Flat problem.
    dom : Domain
        Interval of the variable, already closed at the contact.
    contact : Expr
        Contact, free of the variable.
    sign : int
        +1 for the right side, -1 for the left.

    Returns
    -------
    Side
    """
    off = Rel(contact, "<", dom.var) if sign > 0 else Rel(dom.var, "<", contact)
    on = replace(off, op="<=")
    base = replace(problem, given=dom.rest, facts=(), written=None)
    return Side(dom, contact, sign, Exact(restrict(problem, dom, on)), Exact(restrict(problem, dom, off)), Exact(base))


def climb(f: Expr, side: Side, strict: bool, until: float = math.inf) -> Climb | None:
    """Prove ``f >= 0`` (or ``> 0``) on one side of the contact, the contact excluded.

    Breadth first: a level is tried as it stands, with its positive factors taken out, and divided by the coefficient
    of its only logarithm or exponential.

    Parameters
    ----------
    f : Expr
        Function of the variable, smooth.
    side : Side
        Where.
    strict : bool
        Whether ``> 0`` is needed.
    until : float
        Moment (`time.process_time`) at which the search stops.

    Returns
    -------
    Climb or None
    """
    queue = deque([Rung(f, strict, 0, Climb())])
    for _ in range(MAX_RUNGS):
        if not queue or time.process_time() > until:
            return None
        rung = queue.popleft()
        q = side.open.form(rung.g)
        if q is None or len(q.num) > MAX_SIZE:
            continue
        leaf = _leaf(rung, q, side)
        if leaf is not None:
            return leaf
        for h, below in _stripped(rung, q, side):
            done = _concave_ends(h, side, rung.strict)
            if done is not None:
                return replace(below.then(done.levels[0], done.rows), end=done.end)
            up = _step(h, side, rung, below) if rung.level < MAX_LEVEL else None
            if isinstance(up, Climb):
                return up
            if up is not None:
                queue.append(up)
    return None


def _step(h: Expr, side: Side, rung: Rung, below: Climb) -> Rung | Climb | None:
    """Check the value at the contact and go on with the derivative."""
    found = at_contact(h, side)
    rows = side.closed.defined(h) if found is not None else None
    if found is None or rows is None:
        return None
    try:
        slope = derivative(h, side.dom.var)
    except UnknownNode:
        return None
    strict, below = rung.strict and not found[1], below.valued(found[2])
    if slope == ZERO:
        return None if strict else below.then(f"constant, {found[0].text}", (*rows, found[0]))
    inner = side.open.defined(slope)  # h may be defined, and not differentiable: sqrt at 0
    if inner is None:
        return None
    below = below.then(f"value at {side.contact}: {found[0].why}", (*rows, *inner, found[0]))
    return Rung(slope if side.sign > 0 else Neg(slope), strict, rung.level + 1, below)


def at_contact(h: Expr, side: Side) -> tuple[Row, bool, Value] | None:
    """Prove that a function is ``>= 0`` at the contact; say whether it is ``> 0``, and how.

    Parameters
    ----------
    h : Expr
        Function, defined at the contact.
    side : Side
        Where.

    Returns
    -------
    tuple of (Row, bool, Value) or None
    """
    value = substitute(h, {side.dom.var: side.contact})
    if side.base.defined(value) is None:
        return None
    return nonnegative(value, side.base)


def nonnegative(value: Expr, base: Exact) -> tuple[Row, bool, Value] | None:
    """Prove ``value >= 0``; say whether it is ``> 0``, and how. Closed constants are compared by enclosures.

    Parameters
    ----------
    value : Expr
        Tree, defined.
    base : Exact
        Prover.

    Returns
    -------
    tuple of (Row, bool, Value) or None
    """
    text = f"{_short(value)} >= 0"
    if base.zero(value):
        return Row(text, grade_of(base.form(value)), "equals 0"), False, "zero"
    got = base.sign(value)
    if got is not None:
        row = Row(text, grade_of(base.form(value)), got.why or "constant")
        return (row, got.strict, got) if got.positive else None
    if not free_symbols(value):
        from dltsym.notation.evaluate import evaluate

        for prec in (64, 192):
            ball = evaluate(value, {}, prec)
            if ball.is_finite() and ball > 0:
                return Row(text, "exact", f"constant in {ball.str(12)}"), True, "ball"
    return None


def _leaf(rung: Rung, q: Quotient, side: Side) -> Climb | None:
    got = side.open.sign_of(q, rung.strict)
    op = ">" if rung.strict else ">="
    nearly = got is None and rung.strict and rung.level > 0 and almost_all(q, side.open, side.dom.var)
    if nearly:
        got, op = side.open.sign_of(q), "> (but at isolated points)"
    if got is None or not got.positive:
        return None
    rows = side.open.defined(rung.g)
    if rows is None:
        return None
    row = Row(f"{_short(rung.g)} {op} 0", grade_of(q), got.why or "constant")
    text = f"last: {_short(form_tree(q))} {op} 0 by {got.why or 'inspection'}"
    end = leaf_pieces(q, side.open, side.dom.var) if nearly else pieces_of(got)
    return replace(rung.below.then(text, (*rows, row, *q.rows)), end=end)


def _stripped(rung: Rung, q: Quotient, side: Side) -> Iterator[tuple[Expr, Climb]]:
    """Yield what is left of a level once factors that are never negative are taken out, in up to three shapes."""
    g, strict = rung.g, rung.strict
    bottom = side.open.bottom(q)
    if bottom is not None:
        rest, pieces, taken = unsigned(q, side.open, side.dom.var, strict, rung.level > 0, bottom)
        what = "positive" if strict else "never negative"
        rows = (*q.rows, Row(f"the factor taken out of {_short(g)} is {what}", "exact", "; ".join(taken)))
        shapes = [(poly_expr(rest, q), pieces), isolated(rest, q, side.open, side.dom.var, pieces)]
        for h, factor in (shape for shape in shapes if shape is not None):
            text = f"level {rung.level}: {_short(g)} = ({what}) * ({_short(h)})"
            yield h, rung.below.then(text, rows, Level(factor, h))
    if bottom is None or list(q.den) != [()]:
        yield g, rung.below.then(f"level {rung.level}: {_short(g)}", (), Level((), g))


def _concave_ends(h: Expr, side: Side, strict: bool) -> Climb | None:
    """Accept a concave function that is not negative at the contact and at the other end of the interval."""
    ends = side.dom.upper if side.sign > 0 else side.dom.lower
    if len(ends) != 1:
        return None
    far = closed_at(side.dom, ends[0].end)
    on = Rel(side.contact, "<=", side.dom.var) if side.sign > 0 else Rel(side.dom.var, "<=", side.contact)
    whole = Exact(restrict(side.closed.problem, far, on))
    near, there = at_contact(h, side), at_contact(h, replace(side, contact=ends[0].end))
    if near is None or there is None or (strict and not there[1]):
        return None
    try:
        bend = derivative(derivative(h, side.dom.var), side.dom.var)
    except UnknownNode:
        return None
    got = side.open.sign(Neg(bend))
    rows, inner = whole.defined(h), side.open.defined(bend)
    if got is None or not got.positive or rows is None or inner is None:
        return None
    text = f"concave ({got.why}), {near[0].why} at {side.contact}, {there[0].why} at {ends[0].end}"
    return Climb((text,), (*rows, *inner, near[0], there[0]), (), Ends(near[2], there[2], got, whole))


def _short(expr: Expr) -> str:
    text = str(expr)
    return text if len(text) <= 160 else text[:157] + "..."
