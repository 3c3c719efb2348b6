"""Chains of steps: how a derivation is written, and what it concludes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from dltsym.errors import MixedDirections, RecordError
from dltsym.notation.tree import Expr, Rel

UP, DOWN = ("<", "<="), (">", ">=")


@dataclass(frozen=True)
class Lemma:
    """Use of another theorem by key, at an instance of its symbols; `part` picks one of several claims."""

    key: str
    at: tuple[tuple[str, Any], ...] = ()
    part: int = 0

    def __str__(self) -> str:
        return self.key

    def __call__(self, part: int = 0, **at: Any) -> Lemma:
        """Return the same theorem at given values of its symbols."""
        return replace(self, at=tuple(sorted({**dict(self.at), **at}.items())), part=part or self.part)


@dataclass(frozen=True)
class Step:
    """One link of a chain: ``previous op to``, with the reason shown to the reader and the facts it may use."""

    op: str
    to: Expr | Rel
    why: str = ""
    by: tuple[str | Lemma, ...] = ()
    hint: str = ""


@dataclass(frozen=True)
class Derivation:
    """A chain of steps from `start`; every method returns a longer chain."""

    start: Any
    steps: tuple[Step, ...] = ()
    name: str = ""

    def _then(self, op: str, to: Any, why: str, by: Any, hint: str) -> Derivation:
        if (op in UP and any(s.op in DOWN for s in self.steps)) or (op in DOWN and any(s.op in UP for s in self.steps)):
            raise MixedDirections(f"step {len(self.steps) + 1} of the chain from {self.start} turns round: {op} {to}")
        uses = by if isinstance(by, tuple | list) else (by,) if by else ()
        return replace(self, steps=(*self.steps, Step(op, to, why, tuple(uses), hint)))

    def eq(self, to: Any, why: str = "", *, by: Any = (), hint: str = "") -> Derivation:
        """Add ``= to``.

        Parameters
        ----------
        to : Expr or str
            Next expression.
        why : str
            Reason for the reader.
        by : str, Lemma or sequence
            Premises or earlier chains by name, theorems by `thm`.
        hint : str
            Engine hint, for example ``"p @ q"`` for the derivative ladder.

        Returns
        -------
        Derivation
        """
        return self._then("=", to, why, by, hint)

    def le(self, to: Any, why: str = "", *, by: Any = (), hint: str = "") -> Derivation:
        """Add ``<= to``; parameters as in `eq`.

        Returns
        -------
        Derivation
        """
        return self._then("<=", to, why, by, hint)

    def lt(self, to: Any, why: str = "", *, by: Any = (), hint: str = "") -> Derivation:
        """Add ``< to``; parameters as in `eq`.

        Returns
        -------
        Derivation
        """
        return self._then("<", to, why, by, hint)

    def ge(self, to: Any, why: str = "", *, by: Any = (), hint: str = "") -> Derivation:
        """Add ``>= to``; parameters as in `eq`.

        Returns
        -------
        Derivation
        """
        return self._then(">=", to, why, by, hint)

    def gt(self, to: Any, why: str = "", *, by: Any = (), hint: str = "") -> Derivation:
        """Add ``> to``; parameters as in `eq`.

        Returns
        -------
        Derivation
        """
        return self._then(">", to, why, by, hint)

    def iff(self, to: Any, why: str = "", *, by: Any = (), hint: str = "") -> Derivation:
        """Add an equivalent relation (the chain then runs over relations); parameters as in `eq`.

        Returns
        -------
        Derivation
        """
        return self._then("iff", to, why, by, hint)

    def named(self, name: str) -> Derivation:
        """Name the chain, so that later chains may use its conclusion with ``by=name``.

        Parameters
        ----------
        name : str
            Name, unique in the record.

        Returns
        -------
        Derivation
        """
        return replace(self, name=name)


def conclusion(chain: Derivation) -> Rel:
    """Return what a chain proves: its ends joined by the strongest relation that its steps compose to.

    Parameters
    ----------
    chain : Derivation
        A chain over expressions.

    Returns
    -------
    Rel

    Raises
    ------
    RecordError
        For a chain without steps, or one over relations (``iff``), or with a step that is neither = nor an order.
    MixedDirections
        When the chain turns round.
    """
    ops = [s.op for s in chain.steps]
    if not ops:
        raise RecordError(f"the chain from {chain.start} has no step")
    if "iff" in ops or not isinstance(chain.start, Expr):
        raise RecordError(f"the chain from {chain.start} is over relations: it proves an equivalence")
    strange = [o for o in ops if o not in ("=", *UP, *DOWN)]
    if strange:
        raise RecordError(f"the chain from {chain.start} has a step {strange[0]}; steps are =, <, <=, > or >=")
    if set(ops) & set(UP) and set(ops) & set(DOWN):
        raise MixedDirections(f"the chain from {chain.start} turns round: {' '.join(ops)}")
    op = next((o for o in ("<", ">", "<=", ">=") if o in ops), "=")
    return Rel(chain.start, op, chain.steps[-1].to)  # pyright: ignore[reportArgumentType]


def derive(start: Any) -> Derivation:
    """Start a chain at an expression, or at a relation for a chain of equivalences.

    Parameters
    ----------
    start : Expr, Rel or str
        First term.

    Returns
    -------
    Derivation
    """
    return Derivation(start)


def thm(key: str, part: int = 0, **at: Any) -> Lemma:
    """Refer to another theorem by key, at given values of its symbols.

    Symbols that are left out are matched by the checker, or stand for themselves.

    Parameters
    ----------
    key : str
        Dotted key.
    part : int
        Which claim, when it has several.
    **at : Expr, str or number
        Values of the symbols of that theorem.

    Returns
    -------
    Lemma
    """
    return Lemma(key, tuple(sorted(at.items())), part)
