"""Move a drawn point onto the hypotheses: solve equations exactly, repair or tighten inequalities.

Nothing here is trusted: the point is certified afterwards (`dltsym.prove.setting.admissible`). Equations are solved
where they are affine in one group of unknowns (the entries of an array, or a real symbol) by a weighted correction
that keeps signs, so that a positive array is simply scaled; unit vectors come from the rational points of a sphere.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from flint import fmpq, fmpq_mat

from dltsym.errors import DltsymError
from dltsym.notation.evaluate import compile_expr, exact_value, holds
from dltsym.notation.tree import Expr, Index, Mul, Neg, Num, Pow, Rel, Sum, Sym
from dltsym.notation.walk import free_symbols
from dltsym.prove.certify import check, instances, number
from dltsym.prove.points import fits, span
from dltsym.prove.setting import Check, Point, Setting, Table

MAX_UNKNOWNS = 80
Place = tuple[str, tuple[int, ...] | None]


@dataclass(frozen=True)
class Plan:
    """How a point was adjusted: inequalities with the symbol they are solved for, and how close to go."""

    rows: tuple[tuple[Check, Sym, int | None], ...] = ()
    groups: tuple[str, ...] = ()


@lru_cache(maxsize=4096)
def difference(rel: Rel) -> Expr:
    """Return right minus left side of a relation.

    Parameters
    ----------
    rel : Rel
        Relation.

    Returns
    -------
    Expr
    """
    return rel.rhs + Neg(rel.lhs)


def make_plan(s: Setting, rng: random.Random, loose: float = 0.3) -> Plan:
    """Choose which inequalities become tight, in which symbol, and for what every equation is solved.

    Parameters
    ----------
    s : Setting
        Prepared problem.
    rng : random.Random
        Generator of the point.
    loose : float
        How often no inequality is made tight.

    Returns
    -------
    Plan
    """
    groups = []
    for row in s.equalities:
        found = sorted(n for n in (x.name for x in free_symbols(row.rel) if x.decl.sort in ("real", "array")))
        arrays = [x.name for x in free_symbols(row.rel) if x.decl.sort == "array"]
        pool = [n for n in sorted(arrays) or found if n not in groups] or found
        groups.append(rng.choice(pool) if pool else "")
    if rng.random() < loose:
        return Plan((), tuple(groups))
    rows, used = [], set(groups)
    order = list(s.inequalities)
    rng.shuffle(order)
    for row in sorted(order, key=lambda c: len(c.slack)):
        free = [x for x in row.slack if x.name not in used]
        if free and rng.random() < 0.9:
            sym = rng.choice(free)
            used.add(sym.name)
            rows.append((row, sym, rng.choice((None, None, None, None, 40, 10, 3))))
    return Plan(tuple(_sorted(rows)), tuple(groups))


def _sorted(rows: list) -> list:
    """Set a symbol only after the symbols that its new value is computed from."""
    out, left = [], list(rows)
    while left:
        targets = {sym for _, sym, _ in left}
        ready = [r for r in left if not (free_symbols(r[0].rel) & (targets - {r[1]}))] or left[:1]
        out += ready
        left = [r for r in left if r not in ready]
    return out


def adjust(s: Setting, point: Point, plan: Plan) -> Point:
    """Return the point moved onto the equations, made tight as planned, and repaired where an inequality fails.

    Parameters
    ----------
    s : Setting
        Prepared problem.
    point : dict
        Drawn point; it is changed.
    plan : Plan
        What to do.

    Returns
    -------
    dict
    """
    if s.equalities:
        solve(s, point, plan.groups)
    for row, sym, gap in plan.rows:
        toward(s, row, sym, point, gap)
    if s.equalities and plan.rows:
        solve(s, point, plan.groups)
    keep = set(plan.groups)
    for turn in range(6):
        broken = [row for row in s.inequalities if check(row, point, (64,)) is not True]
        if not broken:
            break
        for row in broken:
            free = [x for x in row.slack if x.name not in keep]
            if free:
                toward(s, row, free[turn % len(free)], point, 4 * turn)
            else:
                scan(s, row, point)
    return point


def toward(s: Setting, row: Check, sym: Sym, point: Point, gap: int | None) -> None:
    """Set an affine symbol to where an inequality is an equation, or 2**-gap of its size inside.

    Parameters
    ----------
    s : Setting
        Prepared problem.
    row : Check
        Inequality.
    sym : Sym
        Symbol in which it is affine.
    point : dict
        Point; changed when the new value fits the bounds of the symbol.
    gap : int or None
        How far inside; None for the boundary itself when it is exact.
    """
    try:
        every = list(instances(row.indices, point))
    except DltsymError:
        return
    for k, at in enumerate(every):  # of a family the last binding member wins
        now = {**at, sym.name: point[sym.name]}
        if (k == 0 or holds(row.rel, now, (64,)) is not True) and not _solve_for(s, row.rel, sym, now, gap):
            return
        point[sym.name] = now[sym.name]


def _solve_for(s: Setting, rel: Rel, sym: Sym, at: Point, gap: int | None) -> bool:
    g = difference(rel)
    here, there = number(g, {**at, sym.name: Fraction(0)}), number(g, {**at, sym.name: Fraction(1)})
    if here is None or there is None or there[0] == here[0]:
        return False
    slope = there[0] - here[0]
    root, exact = -here[0] / slope, here[1] and there[1]
    if gap is not None or not exact or rel.op == "<":
        size = max(abs(root), Fraction(1, 2**20))
        step = _binary(size, 2) * Fraction(1, 2 ** (40 if gap is None else gap))
        root = _outward(root, step, slope > 0)
    if gap is None or fits(root, span(s, sym, {k: v for k, v in at.items() if k != sym.name})):
        at[sym.name] = root
    return True


def _binary(x: Fraction, bits: int) -> Fraction:
    """Round a positive number to a few binary digits."""
    shift = x.denominator.bit_length() - x.numerator.bit_length() + bits
    return Fraction(max(round(x * Fraction(2) ** shift), 1)) / Fraction(2) ** shift


def _outward(x: Fraction, step: Fraction, up: bool) -> Fraction:
    k = x // step
    return (k + 2) * step if up else (k - 1) * step


def scan(s: Setting, row: Check, point: Point) -> None:
    """Repair an inequality that is affine in nothing: try other scales of one of its real symbols.

    Parameters
    ----------
    s : Setting
        Prepared problem.
    row : Check
        Inequality that fails.
    point : dict
        Point; changed on success.
    """
    for sym in sorted((x for x in free_symbols(row.rel) if x.decl.sort == "real"), key=lambda x: x.name):
        old = point.get(sym.name)
        if old is None:
            continue
        bounds = span(s, sym, {k: v for k, v in point.items() if k != sym.name})
        for factor in (2, Fraction(1, 2), -1, 8, Fraction(1, 8), 100, Fraction(1, 100)):
            new = old * factor
            if fits(new, bounds) and check(row, {**point, sym.name: new}, (64,)) is True:
                point[sym.name] = new
                return


# Equations


def solve(s: Setting, point: Point, groups: tuple[str, ...]) -> None:
    """Solve the remaining equations exactly for the chosen groups of unknowns.

    Parameters
    ----------
    s : Setting
        Prepared problem.
    point : dict
        Point; its groups are changed.
    groups : tuple of str
        One array or real symbol per equation.
    """
    try:
        unit = {g for c, g in zip(s.equalities, groups, strict=False) if _unit_vectors(c, point)}
        rows = [(difference(c.rel), at) for c in s.equalities for at in instances(c.indices, point)]
    except DltsymError:
        return
    places = _places(point, [g for g in dict.fromkeys(groups) if g not in unit])
    if not rows or not places or len(places) > MAX_UNKNOWNS or len(rows) > MAX_UNKNOWNS:
        return
    system = [_linear(g, at, places, point) for g, at in rows]
    kept = [r for r in system if r is not None and (r[1] != 0 or any(r[0]))]
    start = [_get(point, p) for p in places]
    x = _scaled(kept, start) if len(kept) > 1 else start
    moved = [b + sum(c * (v - u) for c, v, u in zip(a, x, start, strict=True) if c) for a, b in kept]
    weights = [abs(v) for v in x] if any(x) else [Fraction(1)] * len(x)
    shift = _least([a for a, _ in kept], weights, [-b for b in moved])
    for place, v, d in zip(places, x, shift or [], strict=False):
        _set(point, place, v + d)


def _places(point: Point, groups: list[str]) -> list[Place]:
    out: list[Place] = []
    for name in groups:
        value = point.get(name)
        if isinstance(value, Table):
            out += [(name, idx) for idx in sorted(value.entries)]
        elif value is not None:
            out.append((name, None))
    return out


def _get(point: Point, place: Place) -> Fraction:
    name, idx = place
    return Fraction(point[name]) if idx is None else point[name].entries[idx]


def _set(point: Point, place: Place, x: Fraction) -> None:
    name, idx = place
    if idx is None:
        point[name] = x
    else:
        point[name].entries[idx] = x


def _linear(g: Expr, at: Point, places: list[Place], point: Point) -> tuple[list[Fraction], Fraction] | None:
    """Return the slopes of a row in the unknowns that it reads, and its value; None where it is not rational."""
    read: set[Place] = set()
    now = {**at, **{k: v for k, v in point.items() if not isinstance(v, int)}}
    spied = {k: _spy(k, v, read) if isinstance(v, Table) else v for k, v in now.items()}
    value = _exact(g, spied)
    if value is None:
        return None
    slopes = [Fraction(0)] * len(places)
    for k, place in enumerate(places):
        if place in read or place[1] is None:
            x = _get(point, place)
            _set(point, place, x + 1)
            new = _exact(g, now if place[1] is not None else {**now, place[0]: x + 1})
            _set(point, place, x)
            slopes[k] = new - value if new is not None else Fraction(0)
    return slopes, value


def _spy(name: str, table: Table, read: set[Place]) -> Callable[[tuple[int, ...]], Fraction]:
    def entry(idx: tuple[int, ...]) -> Fraction:
        read.add((name, idx))
        return table(idx)

    return entry


def _exact(g: Expr, at: Point) -> Fraction | None:
    try:
        q = compile_expr(g).exact(at)
    except DltsymError:
        return None
    return None if q is None else exact_value(q)


def _scaled(rows: list, start: list[Fraction]) -> list[Fraction]:
    """Meet one equation after the other, roughly, by scaling: this keeps positive arrays positive."""
    x0 = [float(v) for v in start]
    system = [([float(c) for c in a], float(b)) for a, b in rows]
    x = list(x0)
    for _ in range(12):
        for a, b in system:
            gap = b + sum(c * (v - u) for c, v, u in zip(a, x, x0, strict=True))
            size = sum(c * c * abs(v) for c, v in zip(a, x, strict=True))
            if size:
                x = [v - gap * c * abs(v) / size for c, v in zip(a, x, strict=True)]
    return [Fraction(round(v * 4096), 4096) if abs(v) > 2**-12 else u for v, u in zip(x, start, strict=True)]


def _least(a: list[list[Fraction]], w: list[Fraction], b: list[Fraction]) -> list[Fraction] | None:
    """Return ``x = W A^T y`` with ``A W A^T y = b`` (smallest correction in the weights), None if there is none."""
    m = len(a)
    gram = [[sum((p * q * v for p, q, v in zip(r, t, w, strict=True) if p and q), Fraction(0)) for t in a] for r in a]
    full = fmpq_mat(m, m + 1, [_q(x) for i in range(m) for x in (*gram[i], b[i])])
    reduced, rank = full.rref()
    y = [Fraction(0)] * m
    for i in range(rank):
        lead = next(j for j in range(m + 1) if reduced[i, j] != 0)
        if lead == m:
            return None
        y[lead] = exact_value(reduced[i, m])
    return [v * sum((y[i] * a[i][k] for i in range(m) if y[i]), Fraction(0)) for k, v in enumerate(w)]


def _q(x: Fraction) -> fmpq:
    return fmpq(x.numerator, x.denominator)


HALF = Num(Fraction(1, 2))


def _unit_vectors(row: Check, point: Point) -> bool:
    """Solve ``Sum(X[i]**2, ...) = r**2`` by reflecting a coordinate vector, which keeps everything rational."""
    for body, square in ((row.rel.lhs, row.rel.rhs), (row.rel.rhs, row.rel.lhs)):
        entry = _squared(body)
        if entry is None or entry.array in free_symbols(square) or not isinstance(body, Sum):
            continue
        var, lo, hi = body.limits[0]
        for at in instances(row.indices, point):
            known = [number(e, at) for e in (lo, hi, Pow(square, HALF))]
            if any(e is None or not e[1] for e in known):
                return False
            first, last, radius = (e[0] for e in known if e is not None)
            index = []
            for k in range(int(first), int(last) + 1):
                values = [number(i, {**at, var.name: k}) for i in entry.idx]
                index.append(tuple(int(v[0]) for v in values if v is not None))
            _reflect(point[entry.array.name], index, radius, entry.array.decl.lo is not None)
        return True
    return False


def _squared(body: Expr) -> Index | None:
    if not (isinstance(body, Sum) and len(body.limits) == 1):
        return None
    match body.body:
        case Pow(Index() as x, Num(value)) if value == 2:
            return x
        case Mul((Index() as x, Index() as y)) if x == y:
            return x
    return None


def _reflect(table: Table, index: list[tuple[int, ...]], radius: Fraction, positive: bool) -> None:
    v = [table(i) for i in index]
    norm = sum(x * x for x in v)
    if norm == 0:
        v, norm = [Fraction(1)] * len(index), Fraction(len(index))
    for k, i in enumerate(index):
        x = radius * ((1 if k == 0 else 0) - 2 * v[0] * v[k] / norm)
        table.entries[i] = abs(x) if positive else x
