"""Bounds as objects: a record's formula with its inputs, and all that a reader has to know to believe the number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache
from typing import Any

from dltsym.boundform import BEFORE, UNITS, Bound
from dltsym.bounds.amounts import Amount, Grid, as_ball
from dltsym.bounds.checks import IllegalBound, Lint
from dltsym.bounds.ledger import Ledger, Payment, merged
from dltsym.bounds.ranges import ends_of, range_of, shown
from dltsym.bounds.reading import (
    BITS,
    baseline_of,
    check_words,
    inputs_of,
    ledger_of,
    named,
)
from dltsym.catalogue import get
from dltsym.errors import DomainError, UnknownKey, suggest
from dltsym.index import build
from dltsym.lower.closed.oracle import exact, point
from dltsym.notation.balls import working
from dltsym.record import Theorem

__all__ = ["BoundObject", "bound", "pay", "union"]


@dataclass(frozen=True, eq=False)
class BoundObject:
    """A bound of a record at given inputs.

    Attributes
    ----------
    record : Theorem
        Where the formula stands.
    statement : Bound
        Roles of its symbols.
    inputs : mapping
        Exact inputs by symbol, in the units of the record; failure probabilities before any union.
    loss : pair of Fraction or None
        Range of the loss; None where it was not said.
    measured : Fraction, arb or None
        Measured risk in the units of the loss.
    unit : str
        What n counts, as the user says.
    chosen : mapping
        How each thing that had to be fixed before the data was fixed: ``"before"``, ``"data"`` or a `Grid`.
    baseline : Fraction or arb or None
        What a bound that says something has to beat.
    ledger : Ledger
        Failure probability.
    read_as : str
        What the user takes the bounded quantity for.
    posterior : {"distribution", "point mass"}
        Kind of the posterior.
    clip : Fraction or None
        Where the user wants the number cut off.
    given : mapping
        Inputs as they were given, by role or symbol, for lints.
    notes : tuple of str
        Conversions and assumptions, in words.
    """

    record: Theorem
    statement: Bound
    inputs: Mapping[str, Any]
    loss: tuple[Fraction, Fraction] | None
    measured: Any
    unit: str
    chosen: Mapping[str, Any]
    baseline: Any
    ledger: Ledger
    read_as: str
    posterior: str = "distribution"
    clip: Fraction | None = None
    given: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    parts: tuple[BoundObject, ...] = ()

    @property
    def key(self) -> str:
        """Key of the record."""
        return self.record.key

    @property
    def data_free(self) -> tuple[str, ...]:
        """What was fixed before the data, in words."""
        kept = [b for b in self.statement.before if self.chosen.get(b, "before") == "before"]
        return tuple(BEFORE.get(b, f"{b} = {shown(self.inputs[b])}" if b in self.inputs else b) for b in kept)

    @property
    def random(self) -> str:
        """What is random, in words."""
        units = self.statement.units.items()
        counted = [f"{name} = {shown(self.inputs.get(name, '?'))} {UNITS[u]}" for name, u in units]
        return "; ".join(counted) or "the sample inside the inputs"

    def __str__(self) -> str:
        from dltsym.bounds.words import described

        return described(self)


def bound(
    key: str, *, of: str | None = None, loss: Sequence[Any] | None = None, unit: str = "", log: str = "",
    baseline: Any = None, chosen: Mapping[str, Any] | None = None, read_as: str = "", posterior: str = "distribution",
    sample: str = "S", clip: Any = None, **values: Any,
) -> BoundObject:  # fmt: skip
    """Make a bound of a record at given inputs; nothing is computed and nothing judged yet.

    Parameters
    ----------
    key : str
        Record.
    of : str, optional
        Which of its bounds, if it has several.
    loss : pair, optional
        Smallest and largest loss. Statements about losses in [0, 1] are applied to the rescaled loss and mapped back.
    unit : str
        What n counts; that of the record by default.
    log : {"nat", "bit"}
        Unit of a complexity that is given as a plain number; that of the record by default.
    baseline : number or text, optional
        What a bound that says something has to beat, in the units of the loss.
    chosen : mapping, optional
        How what had to be fixed before the data was fixed: ``"before"`` (by default), ``"data"``, or ``Grid(size)``.
    read_as : str
        What the bounded quantity is taken for; that of the record by default.
    posterior : {"distribution", "point mass"}
        Kind of the posterior.
    sample : str
        Name of the sample, for ledgers of several bounds.
    clip : number, optional
        Where to cut the number off; at the end of the loss range by default.
    **values : number, text, Amount, Message or BoundObject
        Inputs by symbol or by role (``emp_risk``, ``kl``, ``bits``, ``n``, ``delta``). A bound in place of the measured
        risk brings its ledger with it.

    Returns
    -------
    BoundObject

    A record without such a bound is an `UnknownKey`; an input that is unknown or outside its domain a `DomainError`.

    Examples
    --------
    >>> b = bound("pac_bayes.maurer_pinsker", emp_risk="0.289307", kl=1724, n=30000, delta="0.05", loss=(0, 1))
    >>> b.ledger.delta, b.data_free
    (Fraction(1, 20), ('the prior', 'the loss and its range'))
    """
    record, statement = _stated(key, of)
    ends = None if loss is None else ends_of(loss)
    given = named(record, statement, values)
    parts = tuple(x for x in given.values() if isinstance(x, BoundObject))
    inner = {name: _nested(x, statement, name) for name, x in given.items() if isinstance(x, BoundObject)}
    given |= {name: number for name, (number, _) in inner.items()}
    inputs, notes = inputs_of(record, statement, given, ends, log)
    check_words(statement, chosen or {}, read_as, posterior, unit)
    _check(record, statement, inputs)
    measured = exact(given[statement.emp_risk]) if statement.emp_risk in given else None
    return BoundObject(
        record,
        statement,
        inputs,
        range_of(statement, inputs, ends, measured),
        measured,
        unit or next(iter(statement.units.values()), ""),
        dict(chosen or {}),
        baseline_of(statement, inputs, baseline),
        merged([ledger_of(statement, inputs, sample), *(p.ledger.inner for p in parts)]),
        read_as or statement.about,
        posterior,
        None if clip is None else exact(clip),
        {**given, **({"log": log} if log else {})},
        (*(note for _, note in inner.values()), *notes),
        parts,
    )


def union(what: BoundObject, over: str, size: int | None = None, weight: Any = None, reason: str = "") -> BoundObject:
    """Pay for a choice that the data made out of a finite or weighted set: every event gets its share of delta.

    Parameters
    ----------
    what : BoundObject
        Bound.
    over : str
        What was chosen: a symbol, or a word such as ``prior``.
    size : int, optional
        Members of the set, which were fixed before the data.
    weight : number, optional
        Weight of the member used, instead; weights were fixed before the data and sum to at most 1.
    reason : str
        In words.

    Returns
    -------
    BoundObject

    Raises
    ------
    DomainError
        Unless exactly one of `size` and `weight` is given, between 0 and 1 for a weight; and where there is no event
        to divide.
    """
    if (size is None) == (weight is None):
        raise DomainError("give the size of the set, or the weight of the member used")
    _payable(what)
    share = Fraction(1, Grid(size).size) if size is not None else exact(weight)
    if not isinstance(share, Fraction) or not 0 < share <= 1:
        raise DomainError(f"a weight is a number above 0 and at most 1, not {weight}")
    why = reason or (f"union over {size} values" if size is not None else "weighted union")
    return replace(what, ledger=what.ledger.add(Payment(over, share, reason=why)))


def pay(what: BoundObject, over: str, nats: Any, reason: str = "") -> BoundObject:
    """Pay for a choice of the data by nats of complexity, as a union over priors does.

    Parameters
    ----------
    what : BoundObject
        Bound.
    over : str
        What was chosen, such as ``prior``.
    nats : number, text or Amount
        Cost; text may be a constant expression such as ``"2*log(69) + log(pi**2/6)"``.
    reason : str
        In words.

    Returns
    -------
    BoundObject

    Raises
    ------
    DomainError
        When the bound has no complexity or no event of its own, or the cost is negative.
    """
    name = what.statement.complexity
    if not name:
        raise DomainError(f"{what.key} has no complexity to add nats to; use union")
    _payable(what)
    cost = nats.to("nat") if isinstance(nats, Amount) else exact(nats)
    if not as_ball(cost) >= 0:
        raise DomainError(f"a cost of {nats} is negative")
    unit = what.record.symbols[name].decl.unit
    with working(BITS):
        add = cost if unit == "nat" else Amount(cost, "nat").to("bit")
        total = _sum(what.inputs[name], add)
    paid = Payment(over, nats=cost, reason=reason or "added to the complexity")
    return replace(what, inputs={**what.inputs, name: total}, ledger=what.ledger.add(paid))


def _payable(what: BoundObject) -> None:
    """Refuse payments that would change nothing, or not all that they have to."""
    if not what.statement.events:
        raise DomainError(f"{what.key}: its failure probability is inside its inputs; pay for the choice there")


def _sum(a: Any, b: Any) -> Any:
    return a + b if isinstance(a, Fraction) and isinstance(b, Fraction) else as_ball(a) + as_ball(b)


@cache
def record_of(key: str) -> Theorem:
    """Return a record that declares a bound; it is read once.

    Parameters
    ----------
    key : str
        Record.

    Returns
    -------
    Theorem

    Raises
    ------
    UnknownKey
        For other records.
    """
    entries = build().entries
    if key not in entries:
        _family(key)
    record = get(key)
    if not isinstance(record, Theorem) or not record.bounds:
        there = [k for k, e in entries.items() if e.row.get("bounds")]
        raise UnknownKey(f"{key} declares no bound{suggest(key, there)}; there are {', '.join(sorted(there))}")
    return record


def _check(record: Theorem, statement: Bound, inputs: Mapping[str, Any]) -> None:
    """Hold inputs against domains and hypotheses; guesses too far below their losses have a lint of their own."""
    try:
        point(record, inputs)
    except DomainError as error:
        if "guesses" in statement.before and "violate" in str(error):
            raise IllegalBound(record.key, (Lint("A<-1", str(error)),)) from None
        raise


def _family(name: str) -> None:
    """Refuse a family of bounds by name: its members have different constants."""
    rows = {k: e.row.get("families", ()) for k, e in build().entries.items()}
    found = sorted(k for k, names in rows.items() if name and name.casefold() in (f.casefold() for f in names))
    members = [f"{k} ({b.variant})" for k in found for b in record_of(k).bounds if b.family]
    if members:
        why = f"bounds called {name} differ in their constants: {', '.join(dict.fromkeys(members))}"
        raise IllegalBound(name, (Lint("constant-variant-unnamed", why),))


def _stated(key: str, of: str | None) -> tuple[Theorem, Bound]:
    record = record_of(key)
    found = record.bounds
    names = [b.of for b in found]
    if of is not None and of not in names:
        raise UnknownKey(f"{key} has no bound {of!r}{suggest(of, names)}; there are {', '.join(names)}")
    return record, next(b for b in found if of in (None, b.of))


def _nested(inner: BoundObject, statement: Bound, name: str) -> tuple[Any, str]:
    """Return the certified end of a bound that stands for the measured risk."""
    from dltsym.bounds.values import evaluate as value_of

    if name != statement.emp_risk or inner.statement.side != "upper":
        raise DomainError(f"only an upper bound in place of the measured risk is understood, not of {name}")
    found = value_of(inner)
    return exact(found.certificate), f"{name}: certified at most {found.certificate!r} by {inner.key}"
