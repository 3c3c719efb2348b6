"""From what a user gives to exact inputs on the scale and in the units of a record; every conversion leaves a note."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from dltsym.boundform import ABOUT, HOLDS_FOR, UNITS, Bound
from dltsym.bounds.amounts import Amount, Grid, Message, as_ball
from dltsym.bounds.ledger import Entry, Ledger
from dltsym.bounds.ranges import number_of, shown
from dltsym.bounds.rounding import up
from dltsym.errors import DomainError, suggest
from dltsym.lower.closed.oracle import exact
from dltsym.notation.balls import working
from dltsym.record import Theorem

__all__ = [
    "READ", "baseline_of", "check_words", "inputs_of", "ledger_of", "named", "plural", "shown",
]  # fmt: skip

ROLES = {"emp_risk": "emp_risk", "kl": "complexity", "complexity": "complexity", "bits": "complexity", "n": "n",
         "delta": "delta"}  # fmt: skip
READ = {
    **ABOUT,
    "single draw": "the risk of one draw from the posterior",
    "mean network": "the risk of the mean network",
    "document risk": "the risk on fresh documents",
}
POSTERIORS = ("distribution", "point mass")
CHOICES = ("before", "data")
BITS = 320
FACTORS = {"bit": "ln 2", "nat": "1/ln 2"}


def named(record: Theorem, statement: Bound, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return inputs by symbol; roles are replaced by the symbols that play them.

    Parameters
    ----------
    record : Theorem
        Record.
    statement : Bound
        Roles.
    values : mapping
        Inputs by symbol or role.

    Returns
    -------
    dict

    Raises
    ------
    DomainError
        For a name that is neither, and a symbol that is given twice.
    """
    out: dict[str, Any] = {}
    for name, value in values.items():
        symbol = symbol_of(record, statement, name)
        if symbol in out:
            raise DomainError(f"{record.key}: {symbol} is given twice")
        plain = name == "bits" and not isinstance(value, Amount | Message)
        out[symbol] = Amount(exact(value), "bit") if plain else value
    return out


def symbol_of(record: Theorem, statement: Bound, name: str) -> str:
    """Return the symbol of a name.

    Parameters
    ----------
    record : Theorem
        Record.
    statement : Bound
        Roles.
    name : str
        Symbol or role.

    Returns
    -------
    str

    Raises
    ------
    DomainError
        For a name that is neither.
    """
    declared = {k for k, s in record.symbols.items() if s.decl.sort != "let"}
    if name in declared:
        return name
    plays = getattr(statement, ROLES[name]) if name in ROLES else ""
    plays = plays[0] if isinstance(plays, tuple) else plays
    if not plays:
        raise DomainError(f"{record.key}: unknown input {name}{suggest(name, [*ROLES, *sorted(declared)])}")
    return plays


def inputs_of(
    record: Theorem, statement: Bound, given: Mapping[str, Any], ends: Any, log: str
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return exact inputs in the units and on the scale of the record, with a note on every conversion.

    Parameters
    ----------
    record : Theorem
        Record.
    statement : Bound
        Roles.
    given : mapping
        Inputs by symbol.
    ends : pair of Fraction or None
        Range of the loss.
    log : str
        Unit of a complexity that is given as a plain number.

    Returns
    -------
    dict and tuple of str
    """
    out, notes = {}, list[str]()
    for name, value in given.items():
        amount = value.amount() if isinstance(value, Message) else value
        unit = record.symbols[name].decl.unit
        if name == statement.complexity and log and not isinstance(amount, Amount) and log != unit:
            amount = Amount(exact(amount), unit)  # taken as it stands; a lint says so
        if isinstance(amount, Amount):
            out[name] = amount.to(unit) if unit in FACTORS else amount.value
            if unit != amount.unit and amount.unit in FACTORS:
                notes.append(f"{name}: {amount} = {shown(out[name])} {unit}s (times {FACTORS[amount.unit]})")
        else:
            out[name] = exact(amount)
    if ends is not None:
        if statement.width:
            out.setdefault(statement.width, ends[1] - ends[0])
        if statement.rescaled and statement.emp_risk in out:
            out[statement.emp_risk], note = _scaled(statement, out, ends)
            notes += [note] if note else []
    return out, tuple(notes)


def _scaled(statement: Bound, inputs: Mapping[str, Any], ends: tuple[Fraction, Fraction]) -> tuple[Any, str]:
    """Map the measured risk to the range of the statement."""
    lo, hi = ends
    a, b = (Fraction(x) for x in statement.loss)
    risk = inputs[statement.emp_risk]
    if (lo, hi) == (a, b):
        return risk, ""
    roles = {statement.emp_risk, statement.complexity, *statement.deltas, *statement.units}
    further = sorted(set(inputs) - {*roles, *statement.before, *statement.free})
    if further:
        raise DomainError(f"{', '.join(further)} would have to be rescaled with the loss; rescale all inputs yourself")
    with working(BITS):
        factor = (b - a) / (hi - lo)
        near = a + (risk - lo) * factor if isinstance(risk, Fraction) else None
        new = near if near is not None else as_ball(a) + (as_ball(risk) - as_ball(lo)) * as_ball(factor)
    return new, f"loss in [{lo}, {hi}] mapped to [{a}, {b}], and the bound back"


def check_words(statement: Bound, chosen: Mapping[str, Any], read_as: str, posterior: str, unit: str) -> None:
    """Raise unless every word is one that is known.

    Parameters
    ----------
    statement : Bound
        Roles.
    chosen : mapping
        How things were fixed.
    read_as, posterior, unit : str
        Words.

    Raises
    ------
    DomainError
        With what is allowed.
    """
    known = (*statement.before, *statement.free)
    for name, how in chosen.items():
        if name not in known:
            there = ", ".join(known) or "no such things"
            raise DomainError(f"{name} is not among what is fixed: {there}{suggest(name, known)}")
        if how not in CHOICES and not isinstance(how, Grid):
            raise DomainError(f"{name} was chosen {how!r}; say 'before', 'data' or Grid(size)")
    for text, allowed, what in (
        (read_as, READ, "read_as"),
        (unit, UNITS, "unit"),
        (posterior, POSTERIORS, "posterior"),
    ):
        if text and text not in allowed:
            raise DomainError(f"{what} {text!r} is not one of {', '.join(allowed)}{suggest(text, allowed)}")


def ledger_of(statement: Bound, inputs: Mapping[str, Any], sample: str) -> Ledger:
    """Write a ledger: one entry for each event.

    Parameters
    ----------
    statement : Bound
        Roles.
    inputs : mapping
        Exact inputs.
    sample : str
        Name of the sample.

    Returns
    -------
    Ledger
        Empty where no failure probability is given; a lint says so. A share that is not rational is rounded up.

    Raises
    ------
    DomainError
        When a share has no finite value.
    """
    entries = []
    for event, _ in statement.events:
        if any(name not in inputs for name in statement.deltas):
            continue
        share = number_of(statement.trees[f"event {event}"], inputs)
        if not isinstance(share, Fraction):
            if not share.is_finite():
                raise DomainError(f"no finite probability of the event {event!r} at these inputs")
            share = Fraction(up(share))
        entries.append(Entry(event, share, HOLDS_FOR[statement.holds_for], sample))
    return Ledger(tuple(entries))


def baseline_of(statement: Bound, inputs: Mapping[str, Any], baseline: Any) -> Any:
    """Return what a bound has to beat.

    Parameters
    ----------
    statement : Bound
        Roles.
    inputs : mapping
        Exact inputs.
    baseline : number, text or None
        As given.

    Returns
    -------
    Fraction, arb or None
    """
    if baseline is not None:
        return exact(baseline)
    tree = statement.trees.get("baseline")
    return None if tree is None else number_of(tree, inputs)


def plural(unit: str) -> str:
    """Return the plural of what a sample size counts.

    Parameters
    ----------
    unit : str
        Unit in the singular.

    Returns
    -------
    str

    Examples
    --------
    >>> plural("i.i.d. batch"), plural("subsample index")
    ('i.i.d. batches', 'subsample indices')
    """
    if unit.endswith("index"):
        return unit.removesuffix("index") + "indices"
    return unit + ("es" if unit.endswith(("ch", "s", "x")) else "s")
