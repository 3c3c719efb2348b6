"""Records: what a theorem file says, as frozen data. No behaviour beyond building a chain step by step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from dltsym.errors import MixedDirections, RecordError
from dltsym.notation.tree import Expr, Rel, Sym

UP, DOWN = ("<", "<="), (">", ">=")


@dataclass(frozen=True)
class Source:
    """A place in the literature: bibliography key and what to look at there."""

    key: str
    where: str = ""


@dataclass(frozen=True)
class Premise:
    """A hypothesis taken from the literature; a derivation that uses it is at best ``cited``."""

    name: str
    rel: Rel
    source: Source
    wording: str = ""


@dataclass(frozen=True)
class Lemma:
    """Use of another theorem by key, at an instance of its symbols; `part` picks one of several claims."""

    key: str
    at: tuple[tuple[str, Any], ...] = ()
    part: int = 0

    def __str__(self) -> str:
        return self.key


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
        if op in UP and any(s.op in DOWN for s in self.steps) or op in DOWN and any(s.op in UP for s in self.steps):
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
        For a chain without steps, or one over relations (``iff``).
    """
    ops = [s.op for s in chain.steps]
    if not ops:
        raise RecordError(f"the chain from {chain.start} has no step")
    if "iff" in ops or not isinstance(chain.start, Expr):
        raise RecordError(f"the chain from {chain.start} is over relations: it proves an equivalence")
    op = next((o for o in ("<", ">", "<=", ">=") if o in ops), "=")
    return Rel(chain.start, op, chain.steps[-1].to)  # pyright: ignore[reportArgumentType]


@dataclass(frozen=True)
class Convex:
    """Proof of an optimum: the feasible set is the curve ``param`` in one real `u`, and the objective is strictly
    convex along it (concave for a maximum). `inverse` gives `u` at a feasible point."""

    u: Sym
    inverse: Any
    param: Mapping[Sym, Any]


@dataclass(frozen=True)
class Gap:
    """Proof of an optimum: objective minus value equals `gap` (value minus objective for a maximum), and gap >= 0."""

    gap: Any
    by: Any = ()
    hint: str = ""


@dataclass(frozen=True)
class Optimum:
    """``sense`` is ``min`` or ``max`` of `objective` over `over` subject to the record's hypotheses and `subject_to`."""

    sense: str
    objective: Any
    over: tuple[Sym, ...]
    at: Mapping[Sym, Any]
    value: Any
    proof: Convex | Gap
    subject_to: Any = ()


@dataclass(frozen=True)
class Ode:
    """`solution` solves `equation` in the unknown symbol `unknown` of `var`, with ``unknown = initial`` at `start`."""

    unknown: Sym
    var: Sym
    equation: Any
    solution: Any
    start: Any
    initial: Any


@dataclass(frozen=True)
class Rate:
    """`quantity` is a power law in `var`: its elasticity ``var * d log(quantity)/d var`` equals `exponent`."""

    quantity: Any
    var: Sym
    exponent: Any


Claim = Rel | Optimum | Ode | Rate


@dataclass(frozen=True)
class PublishedValue:
    """A number from a source: inputs by symbol name, the expected decimal text, and how many digits must agree."""

    inputs: Mapping[str, Any]
    expected: str
    of: str
    digits: int
    source: str


@dataclass(frozen=True)
class Break:
    """A certified point outside the hypotheses where the claim fails: the hypothesis is not decoration."""

    at: Mapping[str, Any]
    why: str
    part: int = 0


@dataclass(frozen=True)
class Theorem:
    """A record: statement with hypotheses, derivation, tight set, values; everything else is a view of it."""

    title: str
    symbols: Mapping[str, Sym]
    claims: tuple[Claim, ...]
    source: Source
    given: tuple[Rel | Premise, ...] = ()
    proof: tuple[Derivation, ...] = ()
    kind: str = ""
    tight: tuple[Mapping[Sym, Expr], ...] = ()
    outputs: Mapping[str, Expr] = field(default_factory=dict)
    values: tuple[PublishedValue, ...] = ()
    breaks: tuple[Break, ...] = ()
    also: tuple[Source, ...] = ()
    aliases: tuple[str, ...] = ()
    key: str = ""
    prose: str = ""

    @property
    def area(self) -> str:
        """First part of the key."""
        return self.key.split(".")[0]

    def kernel(self, backend: str = "numpy", of: str | None = None) -> Any:
        """Return a callable that evaluates the outputs of the record.

        Parameters
        ----------
        backend : {"numpy", "torch", "ball"}
            Where it runs.
        of : str, optional
            One output; all of them as a dict when there are several and none is named.

        Returns
        -------
        Kernel
        """
        from dltsym.lower import kernel

        return kernel(self, backend, of)

    def check(self, **options: Any) -> Any:
        """Prove every step; see `dltsym.check`.

        Parameters
        ----------
        **options
            Passed to `dltsym.catalogue.check`.

        Returns
        -------
        Report
        """
        from importlib import import_module

        return import_module("dltsym.catalogue").check(self, **options)

    def _repr_latex_(self) -> str:
        from dltsym.render.latex import statement

        return statement(self)

    def __str__(self) -> str:
        from dltsym.render.text import summary

        return summary(self)


@dataclass(frozen=True)
class Audit:
    """A printed claim held against the machine: what the source says, the witness, the verdict, the correction.

    `claim` is the printed statement. `fixture`, when present, re-creates printed source code: it is called with a
    number namespace and the inputs `at`, and returns the values of the symbols that `claim` and `outputs` use.
    """

    title: str
    symbols: Mapping[str, Sym]
    source: Source
    prints: str
    claim: Rel
    verdict: str
    corrected: str
    given: tuple[Rel, ...] = ()
    at: Mapping[str, Any] = field(default_factory=dict)
    fixture: Callable[..., Mapping[str, Any]] | None = None
    outputs: Mapping[str, Expr] = field(default_factory=dict)
    values: tuple[PublishedValue, ...] = ()
    see: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    key: str = ""
    prose: str = ""

    @property
    def area(self) -> str:
        """First part of the key."""
        return self.key.split(".")[0]


VERDICTS = ("holds", "holds with correction", "refuted", "not reproducible", "citation only")


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


def premise(name: str, rel: Any, cite: tuple[str, str], wording: str = "") -> Premise:
    """Take a hypothesis from the literature.

    Parameters
    ----------
    name : str
        Name that steps use in ``by=``.
    rel : Rel or str
        The relation.
    cite : tuple of str
        Bibliography key and place.
    wording : str
        What the source says, in one's own words when it is long.

    Returns
    -------
    Premise
    """
    return Premise(name, rel, Source(*cite), wording)


def value(expected: str, source: str, of: str = "", digits: int | None = None, **inputs: Any) -> PublishedValue:
    """State a published or checked value.

    Parameters
    ----------
    expected : str
        Decimal or rational text.
    source : str
        Where it is printed.
    of : str
        Output of the record; empty for its only one.
    digits : int, optional
        Significant digits that must agree; by default all that are printed.
    **inputs : int, str, Fraction or nested tuple
        Inputs by symbol name; decimal text is exact.

    Returns
    -------
    PublishedValue

    Raises
    ------
    RecordError
        When `expected` is not text (a float would hide its digits).
    """
    if not isinstance(expected, str):
        raise RecordError(f"the expected value {expected!r} must be text, so that its digits are known")
    shown = len(expected.lower().split("e")[0].replace("-", "").replace("+", "").replace(".", "").lstrip("0"))
    return PublishedValue(inputs, expected, of, digits or max(shown, 1), source)
