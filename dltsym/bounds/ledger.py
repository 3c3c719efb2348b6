"""The ledger of a bound: which event may fail, with which probability, and what was paid for choices made later."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from dltsym.bounds.rounding import decimal
from dltsym.errors import DltsymError, DomainError

__all__ = ["Doubly", "Entry", "Ledger", "Payment"]


class Doubly(DltsymError):
    """An event would appear in a ledger twice."""


@dataclass(frozen=True)
class Payment:
    """What was paid for a choice: a union over `size` members, one member of a given weight, or nats of complexity.

    Attributes
    ----------
    over : str
        What was chosen, such as ``alpha``.
    weight : Fraction
        Share of the failure probability that the member used has; 1 where nats were paid.
    nats : object
        Added to the complexity; 0 otherwise.
    reason : str
        In words.
    """

    over: str
    weight: Fraction = Fraction(1)
    nats: Any = Fraction(0)
    reason: str = ""

    def __str__(self) -> str:
        if self.weight != 1:
            share = f"1/{self.weight.denominator}" if self.weight.numerator == 1 else str(self.weight)
            return f"{self.over}: {share} of each event, {self.reason}"
        shown = decimal(self.nats, 0, 8) if isinstance(self.nats, Fraction) else self.nats.str(8, radius=False)
        return f"{self.over}: {shown} nats, {self.reason}"


@dataclass(frozen=True)
class Entry:
    """An event that may fail, on a sample, with probability at most `delta` in all."""

    event: str
    delta: Fraction
    reason: str
    sample: str = "S"

    def __str__(self) -> str:
        return f"{self.event} on {self.sample}: {_short(self.delta)}, {self.reason}"


@dataclass(frozen=True)
class Ledger:
    """Entries, and payments for what was chosen with the data."""

    entries: tuple[Entry, ...] = ()
    payments: tuple[Payment, ...] = ()

    @property
    def delta(self) -> Fraction:
        """Probability that something fails."""
        return sum((e.delta for e in self.entries), Fraction(0))

    @property
    def weight(self) -> Fraction:
        """What the failure probability in a formula is multiplied by."""
        out = Fraction(1)
        for p in self.payments:
            out *= p.weight
        return out

    @property
    def inner(self) -> Ledger:
        """What a bound inside another one brings: nats went into its own complexity, and pay for nothing outside."""
        return replace(self, payments=tuple(p for p in self.payments if not p.nats))

    def paid(self, what: str) -> tuple[Payment, ...]:
        """Return the payments for a choice.

        Parameters
        ----------
        what : str
            What was chosen.

        Returns
        -------
        tuple of Payment
        """
        return tuple(p for p in self.payments if p.over == what)

    def add(self, payment: Payment) -> Ledger:
        """Write down a payment.

        Parameters
        ----------
        payment : Payment
            What was paid.

        Returns
        -------
        Ledger

        Raises
        ------
        DomainError
            When it is for something that was paid for already.
        """
        if self.paid(payment.over):
            raise DomainError(f"{payment.over} is paid for already: {self.paid(payment.over)[0]}")
        return replace(self, payments=(*self.payments, payment))

    def json(self) -> dict[str, Any]:
        """Return plain data.

        Returns
        -------
        dict
        """
        return {
            "delta": _short(self.delta),
            "entries": [
                {"event": e.event, "delta": _short(e.delta), "reason": e.reason, "sample": e.sample}
                for e in self.entries
            ],
            "payments": [str(p) for p in self.payments],
        }


def merged(ledgers: Iterable[Ledger], shared: Iterable[str] = ()) -> Ledger:
    """Add ledgers; an event that is named as shared, and is the same in all, is paid for once.

    An event that was divided by a union is another event than the undivided one, so payments have to agree.

    Parameters
    ----------
    ledgers : iterable of Ledger
        Ledgers.
    shared : iterable of str
        Events that are one and the same.

    Returns
    -------
    Ledger

    Raises
    ------
    Doubly
        When an event appears twice on one sample.
    """
    seen: dict[tuple[str, str], tuple[Entry, set[str]]] = {}
    once = set(shared)
    payments: list[Payment] = []
    for ledger in ledgers:
        payments += [p for p in ledger.payments if p not in payments]
        paid = {str(p) for p in ledger.payments}
        for e in ledger.entries:
            if (e.event, e.sample) not in seen:
                seen[e.event, e.sample] = e, paid
                continue
            before, other = seen[e.event, e.sample]
            if e.event not in once or before.delta != e.delta or other != paid:
                why = "with two probabilities" if before.delta != e.delta else "and not named as shared"
                why = "after different payments" if e.event in once and before.delta == e.delta else why
                raise Doubly(
                    f"the event {e.event!r} on {e.sample} appears twice, {why} "
                    f"({_short(before.delta)} and {_short(e.delta)})"
                )
    return Ledger(tuple(e for e, _ in seen.values()), tuple(payments))


def _short(x: Fraction) -> str:
    return str(x) if x.denominator < 1000 and 10**6 % x.denominator else decimal(x, 1, 8)
