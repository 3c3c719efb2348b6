"""Which bound wins at the same inputs, which sharper records may be used as well, and where bounds cross."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

from flint import arb

from dltsym.boundform import Bound
from dltsym.bounds.amounts import Amount
from dltsym.bounds.checks import lint_bound
from dltsym.bounds.ledger import merged
from dltsym.bounds.objects import BoundObject, bound, pay, record_of
from dltsym.bounds.ranges import shown
from dltsym.bounds.reading import symbol_of
from dltsym.bounds.rounding import decimal, down
from dltsym.bounds.values import Evaluation, enclosure, evaluate, needed
from dltsym.errors import DltsymError, DomainError
from dltsym.index import build
from dltsym.lower.closed.oracle import exact
from dltsym.notation.balls import working
from dltsym.record import Theorem

__all__ = ["Crossing", "Ranking", "Suggestion", "compare", "crossover", "tighten"]

PRECISION = 192
HALVINGS = 60


@dataclass(frozen=True)
class Ranking:
    """Values of several bounds, the best one first.

    Attributes
    ----------
    rows : tuple of Evaluation
        Values by certificate.
    winner : str
        Key of the bound that is certainly the best; empty where enclosures overlap.
    margin : float
        Certified lead of the first over the second; 0 where there is none.
    """

    rows: tuple[Evaluation, ...]
    winner: str
    margin: float

    def __str__(self) -> str:
        width = max(len(r.key) for r in self.rows)
        lines = [f"{r.key.ljust(width)}  {certified(r):<22}  {r.verdict}" for r in self.rows]
        told = f"{self.winner} wins by at least {decimal(self.margin, -1, 6)}" if self.winner else "no certain winner"
        return "\n".join([*lines, told])


@dataclass(frozen=True)
class Suggestion:
    """A sharper bound that may be used at the same inputs: its value, its certain gain, and why it is legal."""

    bound: BoundObject
    value: Evaluation
    gain: float
    why: str

    def __str__(self) -> str:
        gain = decimal(self.gain, -1, 6)
        return f"{self.value.key}: certified {certified(self.value)}, {gain} better; {self.why}"


@dataclass(frozen=True)
class Crossing:
    """An interval of one input; on its two sides different bounds are certainly the smaller one."""

    over: str
    lo: float
    hi: float
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.before} is smaller for {self.over} <= {self.lo!r}, {self.after} for {self.over} >= {self.hi!r}"


def compare(bounds: Sequence[BoundObject], *, illegal: bool = False) -> Ranking:
    """Evaluate bounds of one quantity and say which one wins.

    Parameters
    ----------
    bounds : sequence of BoundObject
        Bounds, all upper or all lower.
    illegal : bool
        Whether bounds that lints object to are shown as well; they never win.

    Returns
    -------
    Ranking

    Raises
    ------
    DomainError
        For no bounds, or bounds on two sides.
    """
    if len({b.statement.side for b in bounds}) != 1:
        raise DomainError("compare needs bounds, all on one side")
    sign = 1 if bounds[0].statement.side == "upper" else -1
    found = sorted((evaluate(b, illegal=illegal) for b in bounds), key=lambda e: (not e.legal, sign * e.certificate))
    legal = [e for e in found if e.legal]
    margin = 0.0
    if len(legal) > 1:
        ahead, behind = legal[0].interval, legal[1].interval
        margin = max(0.0, _lead(behind[0], ahead[1]) if sign > 0 else _lead(ahead[0], behind[1]))
    winner = legal[0].key if legal and (len(legal) == 1 or margin > 0) else ""
    return Ranking(tuple(found), winner, margin)


def tighten(what: BoundObject) -> list[Suggestion]:
    """Look through the catalogue for sharper bounds of the same quantity that hold under what is already granted.

    Parameters
    ----------
    what : BoundObject
        Bound.

    Returns
    -------
    list of Suggestion
        The best one first; each is certainly sharper here, and no lint objects to it.
    """
    mine = evaluate(what)
    found = []
    for other, why in _others(what):
        try:
            value = evaluate(other)
        except DltsymError:
            continue  # an input is missing, or outside its domain there
        up = what.statement.side == "upper"
        gain = _lead(mine.interval[0], value.interval[1]) if up else _lead(value.interval[0], mine.interval[1])
        if gain > 0:
            found.append(Suggestion(other, value, gain, why))
    return sorted(found, key=lambda s: -s.gain)


def certified(value: Evaluation) -> str:
    """Return a certificate as text that is on its side of it.

    Parameters
    ----------
    value : Evaluation
        Value.

    Returns
    -------
    str
    """
    return decimal(value.certificate, 1 if value.side == "upper" else -1)


def _lead(larger: float, smaller: float) -> float:
    """Return a difference, rounded down."""
    with working(PRECISION):
        return down(arb(larger) - arb(smaller)) if larger - smaller < float("inf") else larger - smaller


def crossover(first: BoundObject, second: BoundObject, over: str, lo: Any, hi: Any, points: int = 33) -> list[Crossing]:
    """Find where two bounds cross when one input moves; both sides of a crossing are certified.

    Parameters
    ----------
    first, second : BoundObject
        Bounds.
    over : str
        Input, by role or symbol of the first one.
    lo, hi : number
        Where it moves.
    points : int
        Points at which the bounds are compared first.

    Returns
    -------
    list of Crossing
        In increasing order. A crossing between two neighbouring points where the same bound wins is missed.

    Raises
    ------
    DomainError
        For an empty interval.
    """
    a, b = exact(lo), exact(hi)
    if not a < b or points < 2:
        raise DomainError(f"{over} has to move from {lo} to something larger, with at least two points")
    whole = first.record.symbols[symbol_of(first.record, first.statement, over)].decl.sort == "integer"
    grid = [a + (b - a) * k / (points - 1) for k in range(points)]
    near = {Fraction(round(x)) if whole else Fraction(float(x)) for x in grid}  # what is certified is what is returned
    grid = sorted(x for x in near if a <= x <= b)
    signs = [(x, _sign(first, second, over, x)) for x in grid]
    known = [(x, s) for x, s in signs if s]
    return [_crossing(first, second, over, (x, s), (y, t), whole) for (x, s), (y, t) in pairwise(known) if s != t]


def _crossing(first: Any, second: Any, over: str, left: Any, right: Any, whole: bool) -> Crossing:
    (x, s), (y, t) = left, right
    for _ in range(HALVINGS):
        middle = (x + y) / 2
        middle = Fraction(int(middle)) if whole else Fraction(float(middle))
        if middle in (x, y):
            break
        sign = _sign(first, second, over, middle)
        if sign == 0:
            break
        x, y = (middle, y) if sign == s else (x, middle)
    names = {-1: first.key, 1: second.key}
    return Crossing(over, float(x), float(y), names[s], names[t])


def _sign(first: BoundObject, second: BoundObject, over: str, x: Fraction) -> int:
    """Return -1 where the first bound is certainly smaller, 1 where the second is, 0 where that is not known."""
    balls = []
    for what in (first, second):
        try:
            balls.append(enclosure(moved(what, over, x), PRECISION))
        except DomainError:
            return 0
    with working(PRECISION):
        return -1 if balls[0] < balls[1] else 1 if balls[0] > balls[1] else 0


def moved(what: BoundObject, over: str, x: Any) -> BoundObject:
    """Return a bound with one input replaced; what was paid is paid again, and bounds inside it stay.

    Parameters
    ----------
    what : BoundObject
        Bound.
    over : str
        Input, by role or symbol.
    x : number
        New value, in the units of the loss for the measured risk.

    Returns
    -------
    BoundObject
    """
    name = symbol_of(what.record, what.statement, over)
    given = {k: v for k, v in what.given.items() if k not in ("log", name)} | {name: x}
    made = _like(what, what.record, what.statement, given)
    for p in what.ledger.payments:
        made = pay(made, p.over, p.nats, p.reason) if p.nats else made
    weights = tuple(p for p in what.ledger.payments if not p.nats)
    made = replace(made, ledger=replace(made.ledger, payments=(*made.ledger.payments, *weights)))
    return made if name == what.statement.emp_risk else _with_parts(made, what)


def _with_parts(made: BoundObject, what: BoundObject) -> BoundObject:
    """Return a bound with the bounds that are inside another: they gave the measured risk, and may fail."""
    ledger = merged([made.ledger, *(p.ledger.inner for p in what.parts)])
    return replace(made, parts=what.parts, ledger=ledger)


def _like(what: BoundObject, record: Theorem, statement: Bound, given: Any) -> BoundObject:
    ends = what.loss if what.loss is not None and all(isinstance(x, Fraction) for x in what.loss) else None
    chosen = {k: v for k, v in what.chosen.items() if k in (*statement.before, *statement.free)}
    return bound(
        record.key, of=statement.of, loss=ends, unit=what.unit, baseline=what.baseline, chosen=chosen,
        posterior=what.posterior, **given,
    )  # fmt: skip


def _others(what: BoundObject) -> Iterator[tuple[BoundObject, str]]:
    """Yield the bounds of other records at the inputs of this one, with the reason why they may be used."""
    for key, entry in sorted(build().entries.items()):
        for of in entry.row.get("bounds", ()):
            record = record_of(key)
            statement = next(b for b in record.bounds if b.of == of)
            if (key, of) == (what.key, what.statement.of) or not _same_kind(what, statement):
                continue
            given = _carried(what, record, statement)
            if given is None:
                continue
            try:
                other = _with_parts(_like(what, record, statement, given), what)
            except DltsymError:
                continue  # outside its domain, or of an event that a bound inside has too
            other = replace(other, ledger=replace(other.ledger, payments=what.ledger.inner.payments))
            if not lint_bound(other):
                yield other, _reason(what, statement)


def _same_kind(what: BoundObject, other: Bound) -> bool:
    mine = what.statement
    if (other.side, other.gap, other.worst) != (mine.side, mine.gap, ()):
        return False
    if next(iter(other.units.values()), "") != next(iter(mine.units.values()), ""):
        return False
    point = what.posterior == "point mass" or mine.about == "hypothesis"
    if other.about == mine.about:
        return other.holds_for == mine.holds_for
    single = other.about == "hypothesis" and other.holds_for == "all hypotheses"
    average = other.about == "posterior average" and other.holds_for == "all posteriors"
    return point and (single or average) and mine.about in ("hypothesis", "posterior average")


def _carried(what: BoundObject, record: Theorem, statement: Bound) -> dict[str, Any] | None:
    """Return the inputs of this bound under the names of another, or None where the other needs more."""
    mine, out = what.statement, dict[str, Any]()
    roles = [(mine.emp_risk, statement.emp_risk), (mine.complexity, statement.complexity), (mine.n, statement.n)]
    roles += list(zip(mine.deltas, statement.deltas, strict=True)) if len(mine.deltas) == len(statement.deltas) else []
    for here, there in roles:
        if here and there and here in what.inputs:
            out[there] = what.inputs[here]
    if statement.emp_risk and what.measured is not None:
        out[statement.emp_risk] = what.measured
    if statement.complexity in out:
        unit = what.record.symbols[mine.complexity].decl.unit
        out[statement.complexity] = Amount(out[statement.complexity], unit)
    wanted = set(needed(record, statement.of)) - {statement.width} - set(statement.free)
    for name in wanted - set(out):
        twin = what.record.symbols.get(name)
        if name not in what.inputs or twin is None or twin.decl.meaning != record.symbols[name].decl.meaning:
            return None
        out[name] = what.inputs[name]
    return {k: v for k, v in out.items() if k in wanted}


def _reason(what: BoundObject, other: Bound) -> str:
    if other.about != what.statement.about:
        return "the posterior is a point mass, so a union over hypotheses is enough"
    if other.free:
        return f"it holds for all {', '.join(other.free)} at once"
    return f"same sample, same events' probability {shown(what.ledger.delta)}, {other.holds_for}"
