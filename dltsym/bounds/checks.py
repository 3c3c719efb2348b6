"""Lints of bounds: uses that the statement does not cover, each with its reason and the numbers that show it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import pi
from typing import TYPE_CHECKING, Any

from flint import arb

from dltsym.boundform import ABOUT, BEFORE
from dltsym.bounds.amounts import Amount, Grid, Message, as_ball
from dltsym.bounds.ledger import Payment
from dltsym.bounds.ranges import BITS, shown
from dltsym.bounds.reading import READ, plural
from dltsym.errors import DltsymError
from dltsym.lower.closed.oracle import exact
from dltsym.notation.balls import working

if TYPE_CHECKING:
    from dltsym.bounds.objects import BoundObject

__all__ = ["BOUND_LINTS", "IllegalBound", "Lint", "lint_bound"]

BOUND_LINTS: Mapping[str, str] = {
    "prior-depends-on-data": "fix the prior or the code before the data, or pay for the choice: union, or pay in nats",
    "lambda-depends-on-data": "fix the parameter before the data, use a record that holds for all of them, or a grid",
    "grid-unpaid": "pay with union(bound, name, size): it divides every event among the grid",
    "Y-not-predictable": "a guess may use what came before its step, and nothing else",
    "A<-1": "choose a larger scale, so that no guess lies more than the scale below its loss",
    "kraft-sum>1": 'normalise the lengths: Message(payload, "normalised") adds log2(pi^2/6) bits',
    "negative-extra-bits": "lengths that are not negative, of a code that was fixed before the data",
    "length-0": "a message has at least one bit, or a prefix-free code of its own",
    "bits-in-nats-slot": "say bits(x): it is multiplied by ln 2, and the ledger shows it",
    "unit-mismatch": "count n in the unit that the statement is about",
    "loss-range-missing": "say loss=(lo, hi)",
    "clip-before-rescale": "clip last, at the end of the loss range: 1 is that only for losses up to 1",
    "delta-missing": "give delta: a bound without it holds with no stated probability",
    "delta-double-spent": "divide delta among the statements that are used together",
    "context-risk-read-as-document-risk": "say that only the next token is drawn anew, on the contexts that were seen",
    "constant-variant-unnamed": "name the record: constants differ",
    "optimum-not-certified": "a maximum is bounded from above by branch and bound, never by its value at a point",
    "flops-as-nats": "a description length is needed: compute counts what was run, not what was chosen",
    "subsample-indices-reused": "draw the indices after the hypothesis is fixed, or pay with union",
    "expectation-versus-single-draw": "report the average over the posterior, or use a bound for single hypotheses",
    "baseline-missing": "say baseline=, in the units of the loss: what a trivial predictor attains",
}


@dataclass(frozen=True)
class Lint:
    """One objection to the use of a bound.

    Attributes
    ----------
    id : str
        One of `BOUND_LINTS`.
    reason : str
        Why the statement does not cover this use, with numbers.
    numbers : mapping
        The same numbers as data, as text.
    """

    id: str
    reason: str
    numbers: Mapping[str, str] = field(default_factory=dict)

    @property
    def advice(self) -> str:
        """What to do."""
        return BOUND_LINTS[self.id]

    def __str__(self) -> str:
        return f"{self.id}: {self.reason}\n    {self.advice}"


class IllegalBound(DltsymError):
    """A bound is used for what its statement does not cover; `lints` say why.

    Parameters
    ----------
    key : str
        Record.
    lints : tuple of Lint
        Objections.
    """

    def __init__(self, key: str, lints: tuple[Lint, ...]) -> None:
        super().__init__("\n".join([f"{key}: this use of the bound is not covered", *(f"  {x}" for x in lints)]))
        self.lints = lints


def lint_bound(what: BoundObject) -> list[Lint]:
    """Return the objections to a bound and to the bounds inside it; payments in its ledger clear theirs.

    Parameters
    ----------
    what : BoundObject
        Bound.

    Returns
    -------
    list of Lint

    Examples
    --------
    >>> from dltsym.bounds import bound
    >>> b = bound("pac_bayes.maurer_pinsker", emp_risk=0, kl=1, n=10, delta="0.05", loss=(0, 1),
    ...           chosen={"prior": "data"})
    >>> [x.id for x in lint_bound(b)]
    ['prior-depends-on-data']
    """
    found = [x for check in _CHECKS for x in check(what)]
    return found + [x for part in what.parts for x in lint_bound(part)]


def _choices(what: BoundObject) -> Iterator[Lint]:
    for name in what.statement.before:
        how, paid = what.chosen.get(name, "before"), what.ledger.paid(name)
        if how == "before":
            continue
        grid = isinstance(how, Grid)
        numbers = {"chosen": name, "grid": str(how.size)} if isinstance(how, Grid) else {"chosen": name}
        short = [p for p in paid if isinstance(how, Grid) and _short(p, how.size)]
        elsewhere = [p for p in paid if p.nats and len(what.ledger.entries) > 1 and name not in ("prior", "code")]
        if paid and grid and not short and not elsewhere:
            continue
        if paid and not grid and _covers(name, paid):
            continue
        yield Lint(_id_of(name, grid or bool(paid)), _why(what, name, how, short, elsewhere), numbers)


def _short(p: Payment, size: int) -> bool:
    """Whether a payment is not certainly enough for a union over so many members."""
    if not p.nats:
        return p.weight > Fraction(1, size)
    with working(BITS):
        return not as_ball(p.nats) >= arb(size).log()


def _covers(name: str, paid: Any) -> bool:
    """Whether a payment covers a choice of any kind: a countable union over priors or codes does."""
    return name in ("prior", "code") and any(p.nats or p.weight < 1 for p in paid)


def _id_of(name: str, grid: bool) -> str:
    words = {"prior": "prior-depends-on-data", "code": "prior-depends-on-data", "guesses": "Y-not-predictable",
             "subsample": "subsample-indices-reused"}  # fmt: skip
    if name in words and not (grid and name in ("prior", "code")):
        return words[name]
    return "grid-unpaid" if grid or name in BEFORE else "lambda-depends-on-data"


def _why(what: BoundObject, name: str, how: Any, short: Any, elsewhere: Any) -> str:
    shown_name = BEFORE.get(name, f"{name} = {shown(what.inputs[name])}" if name in what.inputs else name)
    if short and isinstance(how, Grid):
        p = short[0]
        kept = f"{shown(p.nats)} nats were paid for it" if p.nats else f"{p.weight} of each event was kept for it"
        return f"{shown_name} was one of {how.size}, and only {kept}"
    if elsewhere:
        events = ", ".join(e.event for e in what.ledger.entries)
        return f"{shown_name} was paid for in the complexity, but it enters each of the events {events}"
    if isinstance(how, Grid):
        return f"{shown_name} was chosen with the data out of {how.size}, and nothing is paid for it"
    return f"{shown_name} depends on the data; the statement holds for one that was fixed before"


def _messages(what: BoundObject) -> Iterator[Lint]:
    for name, given in what.given.items():
        if isinstance(given, Message):
            yield from _message(name, given)
        elif isinstance(given, Amount) and given.unit != "flop" and not as_ball(given.value) >= 0:
            yield Lint("negative-extra-bits", f"{name} = {given}: a prior above 1", {"bits": str(given)})


def _message(name: str, m: Message) -> Iterator[Lint]:
    payload, extra = exact(m.payload), exact(m.extra)
    numbers = {"payload": shown(payload), "extra": shown(extra)}
    if not as_ball(extra) >= 0:
        gain = f"the prior is inflated by 2^{shown(-extra)}" if isinstance(extra, Fraction) else "the prior is inflated"
        yield Lint("negative-extra-bits", f"{name}: {shown(extra)} further bits: {gain}", numbers)
    if m.overhead != "prefix-free" and not as_ball(payload) > 0:
        yield Lint("length-0", f"{name}: {shown(payload)} bits have no log2 l", numbers)
    if m.overhead == "2 log2 l":
        yield Lint("kraft-sum>1", f"{name}: weights 2^-(l + 2 log2 l) of all messages sum to pi^2/6 = {pi**2 / 6:.6f}",
                   numbers | {"sum": f"{pi**2 / 6:.12f}"})  # fmt: skip


def _units(what: BoundObject) -> Iterator[Lint]:
    s, name = what.statement, what.statement.complexity
    given = what.given.get(name)
    if isinstance(given, Amount) and given.unit == "flop":
        yield Lint("flops-as-nats", f"{name} = {given} of floating point; the statement is about "
                   f"{what.record.symbols[name].decl.meaning}", {"given": str(given)})  # fmt: skip
    log = what.given.get("log")
    if name and log and not isinstance(given, Amount | Message) and log != what.record.symbols[name].decl.unit:
        unit = what.record.symbols[name].decl.unit
        right = Amount(exact(given), str(log)).to(unit)
        yield Lint("bits-in-nats-slot", f"{name} = {shown(exact(given))} stands in a slot of {unit}s and is in {log}s: "
                   f"{shown(right)} {unit}s", {"given": shown(exact(given)), "converted": shown(right)})  # fmt: skip
    first = next(iter(s.units.values()), "")
    if first and what.unit != first:
        yield Lint("unit-mismatch", f"n = {shown(what.inputs[s.n]) if s.n in what.inputs else '?'} counts "
                   f"{plural(what.unit)}, the statement {plural(first)}",
                   {"counted": what.unit, "needed": first})  # fmt: skip


def _ranges(what: BoundObject) -> Iterator[Lint]:
    s = what.statement
    if what.loss is None and (s.rescaled or (s.width and s.width not in what.inputs)):
        yield Lint("loss-range-missing", "the range of the loss is not said")
    if what.clip is not None and what.loss is None:
        yield Lint("clip-before-rescale", f"cut off at {shown(what.clip)}, and the range of the loss is not said",
                   {"clip": shown(what.clip)})  # fmt: skip
    if what.clip is not None and what.loss is not None:
        hi = what.loss[1]
        if as_ball(what.clip) < as_ball(hi):
            yield Lint("clip-before-rescale", f"cut off at {shown(what.clip)}, below the largest loss {shown(hi)}",
                       {"clip": shown(what.clip), "largest loss": shown(hi)})  # fmt: skip
    if what.baseline is not None and what.loss is not None and as_ball(what.baseline) > as_ball(what.loss[1]):
        yield Lint("baseline-missing", f"a baseline of {shown(what.baseline)} lies above the largest loss "
                   f"{shown(what.loss[1])}", {"baseline": shown(what.baseline)})  # fmt: skip


def _ledger(what: BoundObject) -> Iterator[Lint]:
    missing = [name for name in what.statement.deltas if name and name not in what.inputs]
    if missing:
        yield Lint("delta-missing", f"no failure probability is given: {', '.join(missing)}")
    if what.ledger.delta >= 1:
        yield Lint("delta-double-spent", f"the events fail with probability up to {shown(what.ledger.delta)}",
                   {"delta": shown(what.ledger.delta)})  # fmt: skip


def _reading(what: BoundObject) -> Iterator[Lint]:
    about, read = what.statement.about, what.read_as
    if read == about:
        return
    point = what.posterior == "point mass" and about == "posterior average"
    if point and read in ("single draw", "hypothesis", "mean network"):
        return
    told = {"bounded": about, "read as": read}
    if about == "context risk":
        yield Lint(
            "context-risk-read-as-document-risk", f"bounded is {ABOUT[about]}; it was read as {READ[read]}", told
        )
    elif about == "posterior average":
        yield Lint("expectation-versus-single-draw", f"bounded is {ABOUT[about]}; it was read as {READ[read]}", told)
    else:
        yield Lint("unit-mismatch", f"bounded is {ABOUT[about]}; it was read as {READ[read]}", told)


def _maximum(what: BoundObject) -> Iterator[Lint]:
    at = [name for name in what.statement.worst if name in what.inputs]
    if at:
        yield Lint("optimum-not-certified", f"the bound is a maximum over {', '.join(what.statement.worst)}; its value "
                   f"at one {', '.join(at)} can be too small", {n: shown(what.inputs[n]) for n in at})  # fmt: skip


_CHECKS: tuple[Callable[[BoundObject], Iterator[Lint]], ...] = (
    _choices, _messages, _units, _ranges, _ledger, _reading, _maximum,
)  # fmt: skip
