"""`compare`: which of several bounds is tighter where, from certified numbers, and what is proved beyond them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise, permutations, product
from typing import Any

from dltsym.errors import DltsymError, RecordError
from dltsym.notation.evaluate import compile_expr, holds
from dltsym.notation.tree import Expr, Num, Rel, Sym
from dltsym.notation.walk import expand_lets, free_symbols
from dltsym.prove.sample import interval
from dltsym.prove.verdict import PROVED
from dltsym.session.finding import Finding, enclosure
from dltsym.session.given_values import at_values, inside, numbers
from dltsym.session.settle import settle
from dltsym.session.state import SESSION
from dltsym.session.threshold import Threshold, solve_for

PRECISIONS = (64, 128, 333, 1000)
MOST_POINTS, BISECTIONS = 2000, 40
Point = dict[str, Fraction]


@dataclass(frozen=True)
class Cell:
    """One point of the grid: an enclosure of each bound, and the tightest (``unknown`` when no order is certified)."""

    point: Mapping[str, Fraction]
    values: Mapping[str, str]
    tightest: str


@dataclass(frozen=True)
class Crossing:
    """`first` is certified smaller at `low` and larger at `high`; `exact` is the proved threshold, if there is one."""

    first: str
    second: str
    name: str
    low: Fraction
    high: Fraction
    exact: Threshold | None = None

    def __str__(self) -> str:
        where = f"{self.first} < {self.second} at {self.name} = {_short(self.low)}, > at {_short(self.high)}, certified"
        return where if self.exact is None else f"{where}\n    {self.exact}"


@dataclass(frozen=True, repr=False)
class Comparison:
    """Bounds on a grid, where they cross between its points, and which of them is proved below another everywhere."""

    bounds: Mapping[str, Expr]
    cells: tuple[Cell, ...]
    crossings: tuple[Crossing, ...]
    dominance: tuple[Finding, ...]

    @property
    def tightest(self) -> tuple[str, ...]:
        """Name of the tightest bound at each point of the grid, or ``unknown``."""
        return tuple(c.tightest for c in self.cells)

    def __repr__(self) -> str:
        names = list(self.cells[0].point) if self.cells else []
        head = [*names, *self.bounds, "tightest"]
        body = [
            [*(_short(c.point[n]) for n in names), *(c.values[b] for b in self.bounds), c.tightest] for c in self.cells
        ]
        widths = [max(len(r[k]) for r in (head, *body)) for k in range(len(head))]
        lines = ["  ".join(x.ljust(w) for x, w in zip(r, widths, strict=True)).rstrip() for r in (head, *body)]
        lines += [f"crossing: {c}" for c in self.crossings]
        lines += [f"everywhere: {f.claim}   {f.grade}" for f in self.dominance]
        return "\n".join(lines if self.cells else lines[1:])


def compare(
    bounds: Any, grid: Mapping[str, Sequence[Any]] | None = None, *, at: Mapping[str, Any] | None = None
) -> Comparison:
    """Say which of several upper bounds is the tightest at the points of a grid, and what is proved beyond the grid.

    Parameters
    ----------
    bounds : mapping of str to Expr or text, or sequence
        Bounds by name.
    grid : mapping of str to sequence of numbers
        Values of names; all combinations are evaluated.
    at : mapping, optional
        Values of the other names.

    Returns
    -------
    Comparison
        `cells` with certified enclosures, `crossings` between neighbouring points of a grid in one name, enclosed by
        certified bisection and solved when that can be proved, and `dominance`: relations proved for all values that
        the hypotheses allow. No order is claimed between points of the grid on the strength of the points.

    Raises
    ------
    RecordError
        When a name has no value, a value lies outside its domain, or there is nothing to compare.

    Examples
    --------
    >>> from dltsym import compare, counts
    >>> n = counts("n")
    >>> compare({"linear": "8/n", "root": "1/sqrt(n)"}, {"n": [4, 16, 256]}).tightest
    ('root', 'root', 'linear')
    """
    pairs = bounds.items() if isinstance(bounds, Mapping) else ((str(b), b) for b in bounds)
    named = {name: SESSION.expression(b) for name, b in pairs}
    if len(named) < 2:
        raise RecordError("compare takes two bounds or more")
    fixed = numbers(at or {})
    whole = {name: at_values(e, None, fixed) for name, e in named.items()}
    axes = {name: [_fraction(v) for v in values] for name, values in (grid or {}).items()}
    cells = tuple(_cells(whole, axes, named, fixed))
    dominance = tuple(_dominance(whole, cells))
    single = next(iter(axes)) if len(axes) == 1 else ""
    crossings = tuple(_crossings(whole, cells, single, named)) if single else ()
    return Comparison(named, cells, crossings, dominance)


def _fraction(value: Any) -> Fraction:
    tree = SESSION.read(str(value) if isinstance(value, Fraction) else value)
    q = compile_expr(tree).exact({}) if not free_symbols(tree) else None
    if q is None:
        raise RecordError(f"the grid value {value} is not an exact number")
    return Fraction(int(q.p), int(q.q))


def _cells(
    whole: Mapping[str, Expr], axes: Mapping[str, list[Fraction]], named: Mapping[str, Expr], fixed: Mapping[str, Any]
) -> Iterator[Cell]:
    if not axes:
        return
    for name in axes:
        if name not in SESSION.symbols:
            raise RecordError(f"the grid names {name}, which is not declared")
    points = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]
    if len(points) > MOST_POINTS:
        raise RecordError(f"the grid has {len(points)} points, at most {MOST_POINTS} are evaluated")
    for point in points:
        values = {**fixed, **{n: Num(q) for n, q in point.items()}}
        for e in named.values():
            inside(Rel(e, "=", e), None, values)
        missing = {s.name for e in whole.values() for s in free_symbols(e)} - set(point)
        if missing:
            raise RecordError(f"give a value to {', '.join(sorted(missing))} in grid= or at=")
        shown = {name: _shown(e, point) for name, e in whole.items()}
        yield Cell(point, shown, _tightest(whole, point))


def _shown(e: Expr, point: Point) -> str:
    ball = compile_expr(e).ball(point, 128)
    if not ball.is_finite():
        return "undefined"
    lo, hi = map(Decimal, interval(ball))
    return enclosure(lo, hi, 5).removeprefix("= ").removeprefix("in ")


def _tightest(whole: Mapping[str, Expr], point: Point) -> str:
    for name, e in whole.items():
        others = [o for other, o in whole.items() if other != name]
        if all(holds(Rel(e, "<", o), point, PRECISIONS) is True for o in others):
            return name
    for name, e in whole.items():  # equal ones are only known to be so when they are rational
        others = [o for other, o in whole.items() if other != name]
        if all(holds(Rel(e, "<=", o), point, PRECISIONS) is True for o in others):
            same = [m for m, o in whole.items() if holds(Rel(e, "=", o), point) is True]
            return " = ".join(same)
    return "unknown"


def _dominance(whole: Mapping[str, Expr], cells: tuple[Cell, ...]) -> Iterator[Finding]:
    for a, b in permutations(whole, 2):
        rel = Rel(whole[a], "<=", whole[b])
        if any(holds(rel, dict(c.point), PRECISIONS) is False for c in cells):
            continue
        try:
            found = settle(rel)
        except DltsymError:
            continue
        if found.status == PROVED:
            yield found


def _crossings(
    whole: Mapping[str, Expr], cells: tuple[Cell, ...], name: str, named: Mapping[str, Expr]
) -> Iterator[Crossing]:
    points = sorted(cell.point[name] for cell in cells)
    for a, b in permutations(whole, 2):
        below = Rel(whole[a], "<", whole[b])
        for low, high in pairwise(points):
            if _less(below, name, low) is True and _more(below, name, high) is True:
                ends = _bisected(below, name, low, high)
                yield Crossing(a, b, name, *ends, _solved(Rel(named[a], "<=", named[b]), SESSION.symbols[name]))


def _less(rel: Rel, name: str, x: Fraction) -> bool | None:
    return holds(rel, {name: x}, PRECISIONS)


def _more(rel: Rel, name: str, x: Fraction) -> bool | None:
    return holds(Rel(rel.rhs, "<", rel.lhs), {name: x}, PRECISIONS)


def _bisected(rel: Rel, name: str, low: Fraction, high: Fraction) -> tuple[Fraction, Fraction]:
    """Shrink an interval while the order at both ends stays certified."""
    low = _edge(lambda x: _less(rel, name, x), low, high, name)
    return low, _edge(lambda x: _more(rel, name, x), high, low, name)


def _edge(known: Callable[[Fraction], bool | None], good: Fraction, bad: Fraction, name: str) -> Fraction:
    """Move a point where a relation is certified towards one where it is not."""
    whole = SESSION.symbols[name].decl.sort != "real"
    for _ in range(200 if whole else BISECTIONS):
        mid = (good + bad) / 2
        mid = Fraction(mid.numerator // mid.denominator) if whole else mid
        if mid in (good, bad):
            break
        good, bad = (mid, bad) if known(mid) is True else (good, mid)
    return good


def _solved(rel: Rel, name: Sym) -> Threshold | None:
    if name not in free_symbols(expand_lets(rel)):
        return None
    try:
        found = solve_for(name, rel)
    except DltsymError:
        return None
    return None if found.condition is None else found


def _short(q: Fraction) -> str:
    return str(q) if q.denominator == 1 or len(str(q)) < 9 else f"{float(q):.14g}"
