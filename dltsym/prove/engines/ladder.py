"""Derivative ladder, contact and concavity certificates for an inequality in one variable at a time.

With the other variables fixed, ``f >= 0`` on an interval follows from ``f(c) >= 0`` and the signs of derivatives on the
two sides of a contact c inside it. See `dltsym.prove.ladder_core` for the climb and `dltsym.prove.domains` for the
interval. The author's hint ``x @ c`` comes first, then ends of the interval, 0, 1 and the other variables.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flint import fmpq

from dltsym.errors import NotationError, UnknownNode
from dltsym.notation.calculus import ZERO, derivative
from dltsym.notation.parse import parse_expr
from dltsym.notation.tree import Call, Decl, Div, Expr, Neg, Num, Rel, Sym
from dltsym.notation.walk import free_symbols, key, substitute, subterms
from dltsym.prove.certificates import UNWRITTEN
from dltsym.prove.domains import Domain, closed_at, domain, number, restrict
from dltsym.prove.engines import Engine
from dltsym.prove.exactsign import Exact
from dltsym.prove.flatten import Flat, flat
from dltsym.prove.generators import grade_of
from dltsym.prove.ladder_certificate import DIFFERENCE, Found, Reduction
from dltsym.prove.ladder_certificate import ladder as certificate
from dltsym.prove.ladder_core import Climb, Side, at_contact, climb, make_side, smooth
from dltsym.prove.ladder_factors import Piece, constant
from dltsym.prove.named import poly_expr
from dltsym.prove.problem import Problem
from dltsym.prove.region import Product, Sign
from dltsym.prove.replay.names import readable
from dltsym.prove.verdict import Row, Verdict, open_, proved

NAME, SECONDS, SECONDS_EACH = "ladder", 4.5, 1.5
PLACES = ((0, 1), (1, 1), (-1, 1), (1, 2), (2, 1), (1, 3), (2, 3), (3, 1), (1, 4), (3, 4), (-1, 2), (4, 1))


@dataclass(frozen=True)
class Attempt:
    """One function to prove non-negative, in one variable from one contact; `how` says what was done to the claim."""

    f: Expr
    how: str
    var: Sym
    contact: Expr
    rows: tuple[Row, ...] = ()
    reduction: Reduction = DIFFERENCE


@dataclass(frozen=True)
class Shape:
    """A function that is never negative exactly when the claim holds."""

    f: Expr
    how: str
    rows: tuple[Row, ...] = ()
    reduction: Reduction = DIFFERENCE

    def at(self, var: Sym, contact: Expr) -> Attempt:
        """Return the attempt in one variable from one contact.

        Parameters
        ----------
        var : Sym
            Variable.
        contact : Expr
            Contact.

        Returns
        -------
        Attempt
        """
        return Attempt(self.f, self.how, var, contact, self.rows, self.reduction)


def run(problem: Problem, seconds: float = SECONDS) -> Verdict:
    """Decide an inequality by a ladder.

    Parameters
    ----------
    problem : Problem
        Goal ``<`` or ``<=``.
    seconds : float
        When to stop trying.

    Returns
    -------
    Verdict
    """
    problem = readable(problem)
    started = time.process_time()
    whole = flat(problem)
    tried: list[str] = []
    for attempt in attempts(whole.problem):
        if time.process_time() - started > seconds:
            tried.append("time is over")
            break
        out = prove_at(problem, whole, attempt, min(seconds, SECONDS_EACH))
        if isinstance(out, Verdict):
            return out
        tried.append(f"{attempt.how} {attempt.var} @ {attempt.contact}: {out}")
    return open_(NAME, "; ".join(tried[:12]) or "no variable to climb in")


def prove_at(problem: Problem, whole: Flat, attempt: Attempt, seconds: float = SECONDS_EACH) -> Verdict | str:
    """Prove the goal from one contact.

    Parameters
    ----------
    problem : Problem
        Prepared problem.
    whole : Flat
        Its flat form.
    attempt : Attempt
        Function, variable and contact.
    seconds : float
        When to stop climbing on one side.

    Returns
    -------
    Verdict or str
        A proof, or why there is none.
    """
    flat = whole.problem
    strict, var, c = flat.goal.op == "<", attempt.var, attempt.contact
    dom = domain(flat, var)
    if contradictory(dom):
        return "the bounds of the variable contradict each other"
    near = closed_at(dom, c)
    base = Exact(restrict(flat, Domain(var, (), (), dom.rest)))
    inside = _inside(near, c, base)
    if inside is None:
        return "the contact is not proved to lie in the domain"
    sides = _sides(flat, near, c, base)
    at = at_contact(attempt.f, make_side(flat, near, c, 1))
    if at is None:
        return "not >= 0 at the contact"
    if strict and not at[1] and not _excluded(flat, dom, var, c):
        return "the contact is not excluded"
    everywhere = Exact(restrict(flat, near))
    rows = everywhere.defined(attempt.f, deep=True)
    if rows is None:
        return "not proved to be defined on the whole interval"
    done: list[tuple[Side, Climb]] = []
    for side in sides:
        got = climb(attempt.f, side, strict, time.process_time() + seconds)
        if got is None:
            return "no ladder to the right" if side.sign > 0 else "no ladder to the left"
        done.append((side, got))
    found = Found(attempt.f, attempt.reduction, near, c, at[2], base, everywhere, tuple(done))
    return _verdict(attempt, near, (*attempt.rows, *inside, at[0], *rows), done, _certificate(problem, whole, found))


def _certificate(problem: Problem, whole: Flat, found: Found) -> dict[str, Any]:
    try:
        return certificate(problem, whole, found)
    except UNWRITTEN as missing:
        return {"kind": "none", "why": str(missing)}


def _verdict(
    attempt: Attempt, near: Domain, rows: tuple[Row, ...], done: list[tuple[Side, Climb]], written: dict[str, Any]
) -> Verdict:
    method = "concave ends" if any("concave" in level for _, got in done for level in got.levels) else "ladder"
    chain = {("right" if side.sign > 0 else "left"): list(got.levels) for side, got in done}
    interval = Row(f"{attempt.var} in an interval: {near}", "exact", "other hypotheses on it are not used")
    every = dict.fromkeys((interval, *rows, *(r for _, got in done for r in got.rows)))
    return proved(
        NAME,
        "exact",
        tuple(every),
        method=method,
        reduction=attempt.how,
        function=str(attempt.f),
        variable=str(attempt.var),
        contact=str(attempt.contact),
        chain=chain,
        certificate=written,
    )


def contradictory(dom: Domain) -> bool:
    """Whether two rational ends exclude each other; a proof on an empty interval would be empty too.

    Parameters
    ----------
    dom : Domain
        Interval.

    Returns
    -------
    bool
    """
    for a in dom.lower:
        for b in dom.upper:
            low, high = number(a.end), number(b.end)
            if low is not None and high is not None and (low > high or (low == high and (a.strict or b.strict))):
                return True
    return False


def _inside(dom: Domain, c: Expr, base: Exact) -> tuple[Row, ...] | None:
    """Prove that the contact satisfies every limit of the domain."""
    need = [Rel(b.end, "<" if b.strict else "<=", c) for b in dom.lower]
    need += [Rel(c, "<" if b.strict else "<=", b.end) for b in dom.upper]
    rows = list(base.defined(c) or ()) if base.defined(c) is not None else None
    if rows is None:
        return None
    for rel in need:
        if key(rel.lhs) == key(rel.rhs) and rel.op == "<=":
            continue
        row = base.holds(rel)
        if row is None:
            return None
        rows.append(row)
    return tuple(rows)


def _sides(flat: Problem, dom: Domain, c: Expr, base: Exact) -> list[Side]:
    right = not any(key(b.end) == key(c) for b in dom.upper)
    left = not any(key(b.end) == key(c) for b in dom.lower)
    return [make_side(flat, dom, c, s) for s, wanted in ((1, right), (-1, left)) if wanted]


def _excluded(flat: Problem, dom: Domain, var: Sym, c: Expr) -> bool:
    """Whether a hypothesis says that the variable is not at the contact."""
    if any(key(b.end) == key(c) and b.strict for b in (*dom.lower, *dom.upper)):
        return True
    pairs = [(key(r.lhs), key(r.rhs)) for r in flat.known if r.op == "!="]
    return (key(var), key(c)) in pairs or (key(c), key(var)) in pairs


# ---- where to start ----


def attempts(flat: Problem) -> Iterator[Attempt]:
    """Yield functions, variables and contacts, the author's hint first.

    Parameters
    ----------
    flat : Problem
        Flat problem.

    Yields
    ------
    Attempt
    """
    shapes = list(_shapes(flat))
    hinted = hint_of(flat)
    seen = set()
    if hinted is not None:
        for shape in shapes:
            seen.add((shape.how, key(hinted[0]), key(hinted[1])))
            yield shape.at(*hinted)
    places = [(shape, var) for shape in shapes for var in _variables(shape.f)]
    for find in (_zeros, _ends, _critical):
        for shape, var in places:
            for c in find(flat, shape.f, var):
                if (shape.how, key(var), key(c)) not in seen:
                    seen.add((shape.how, key(var), key(c)))
                    yield shape.at(var, c)


def _variables(f: Expr) -> list[Sym]:
    return [s for s in sorted(free_symbols(f), key=lambda s: s.name) if _plain(s.decl) and smooth(f, s)]


def _shapes(flat: Problem) -> Iterator[Shape]:
    lhs, rhs = flat.goal.lhs, flat.goal.rhs
    gap = rhs + Neg(lhs) if lhs != ZERO else rhs
    yield Shape(gap, "difference")
    store = Exact(flat)
    q = store.form(gap)
    if q is not None and any(isinstance(t, Div) and number(t) is None for t in subterms(gap)):
        bottom, rows = store.bottom(q), store.defined(gap)
        if bottom is not None and rows is not None:
            top = q.num if bottom.positive else {m: -c for m, c in q.num.items()}
            why = Row(f"the denominator of {gap} has a sign", "exact", bottom.why)
            assert isinstance(bottom.proof, Product)
            pieces = (constant(fmpq(1 if bottom.positive else -1)), Piece(bottom.proof, -1))
            how = "numerator over a positive denominator"
            yield Shape(poly_expr(top, q), how, (why, *q.rows, *rows), Reduction("product", (), pieces))
    left, right = _positive(lhs, store), _positive(rhs, store)
    if left is not None and right is not None:
        f = Call("log", (rhs,)) + Neg(Call("log", (lhs,)))
        yield Shape(f, "difference of logs", (*left[0], *right[0]), Reduction("logs", (left[1], right[1])))


def _positive(side: Expr, store: Exact) -> tuple[tuple[Row, ...], Sign] | None:
    rows = store.defined(side) if free_symbols(side) else None
    got = store.sign(side, True) if rows is not None else None
    if rows is None or got is None or not got.positive:
        return None
    return (*rows, Row(f"{side} > 0", grade_of(store.form(side)), got.why)), got


def _zeros(flat: Problem, f: Expr, var: Sym) -> Iterator[Expr]:
    """Yield likely places where `f` vanishes: ends, small rationals, other variables and their inverses."""
    others: list[Expr] = [s for s in sorted(free_symbols(f), key=lambda s: s.name) if s != var]
    plain = [Num(Fraction(n, d)) for n, d in PLACES]
    inverse = [Div(Num(Fraction(1)), s) for s in others]
    base = Exact(restrict(flat, Domain(var, (), (), domain(flat, var).rest)))
    for c in {key(c): c for c in (*_ends(flat, f, var), *plain, *others, *inverse)}.values():
        if base.zero(substitute(f, {var: c})):
            yield c


def _ends(flat: Problem, _f: Expr, var: Sym) -> Iterator[Expr]:
    dom = domain(flat, var)
    yield from (b.end for b in (*dom.lower, *dom.upper))


def _critical(flat: Problem, f: Expr, var: Sym) -> Iterator[Expr]:
    """Solve ``f' = 0`` where a factor is linear in the variable, its logarithm or its exponential."""
    try:
        store = Exact(flat)
        q = store.form(derivative(f, var))
    except UnknownNode:
        return
    if q is None or len(q.num) > 60:
        return
    for factor in store.factors(q)[1]:
        mine = sorted({g for m in factor[0] for g, _ in m if var in free_symbols(q.gens[g].arg)})
        if len(mine) != 1 or any(e > 1 for m in factor[0] for g, e in m if g == mine[0]):
            continue
        gen = q.gens[mine[0]]
        if gen.arg != var and not (isinstance(gen.arg, Call) and gen.arg.args == (var,)):
            continue
        slope = {tuple(p for p in m if p[0] != mine[0]): c for m, c in factor[0].items() if (mine[0], 1) in m}
        rest = {m: -c for m, c in factor[0].items() if (mine[0], 1) not in m}
        value = (
            Div(poly_expr(rest, q), poly_expr(slope, q))
            if list(slope) != [()]
            else poly_expr({m: c / slope[()] for m, c in rest.items()}, q)
        )
        if gen.kind in ("log", "exp"):
            yield Call("exp" if gen.kind == "log" else "log", (value,))
        elif gen.arg == var:
            yield value


def hint_of(flat: Problem) -> tuple[Sym, Expr] | None:
    """Read ``x @ c`` (with ``+`` or ``int`` after it) from the author's hint.

    Parameters
    ----------
    flat : Problem
        Flat problem.

    Returns
    -------
    tuple of (Sym, Expr) or None
    """
    if "@" not in flat.hint:
        return None
    left, right = flat.hint.split("@", 1)
    names = {s.name: s for s in flat.symbols}
    words = right.replace("int", " ").split("+")[0] if right.strip().endswith(("+", "int")) else right
    var = names.get(left.split()[-1]) if left.split() else None
    if var is None or not _plain(var.decl):
        return None
    try:
        contact = parse_expr(words.strip(), names)
    except NotationError:
        return None
    return (var, contact) if var not in free_symbols(contact) else None


def _plain(decl: Decl) -> bool:
    return decl.sort == "real" and decl.lo is None and decl.hi is None


ENGINE = Engine(NAME, "exact", 300, ("<", "<="), 5.0, run)
