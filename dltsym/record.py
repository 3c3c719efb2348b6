"""Records: what a theorem file says, as frozen data. No behaviour beyond building a chain step by step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from dltsym.algorithms import Algorithm
from dltsym.boundform import Bound
from dltsym.chain import Derivation, Lemma, Step, conclusion, derive, thm
from dltsym.errors import RecordError
from dltsym.notation.tree import Expr, Rel, Sym
from dltsym.operators import Operator

__all__ = [
    "VERDICTS",
    "Audit",
    "Bound",
    "Break",
    "Claim",
    "Convex",
    "Derivation",
    "Gap",
    "Lemma",
    "Ode",
    "Optimum",
    "Premise",
    "PublishedValue",
    "Rate",
    "Source",
    "Step",
    "Theorem",
    "cited",
    "conclusion",
    "derive",
    "premise",
    "thm",
    "value",
]  # fmt: skip


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
class Convex:
    """Proof of an optimum by strict convexity along a curve (concavity for a maximum).

    The feasible set is the curve `param` in one real `u`; `inverse` gives `u` at a feasible point.
    """

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
    """The ``min`` or ``max`` of `objective` over `over`, subject to the record's hypotheses and `subject_to`."""

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
    """A number from a source: inputs by symbol name, the expected decimal text, and how many digits must agree.

    `rounded` says that the record names the number of digits itself, so a short value need not be exact.
    """

    inputs: Mapping[str, Any]
    expected: str
    of: str
    digits: int
    source: str
    rounded: bool = False


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
    operator: Operator | None = None
    algorithm: Algorithm | None = None
    bounds: tuple[Bound, ...] = ()
    key: str = ""
    prose: str = ""

    @property
    def area(self) -> str:
        """First part of the key."""
        return self.key.split(".")[0]

    def kernel(self, backend: str = "numpy", of: str | None = None, **options: Any) -> Any:
        """Return a callable that evaluates the outputs of the record, or results of its algorithm.

        Without further options this is the closed kernel: scalars with extended exponents, where a free index is an
        integer argument. With an option of `dltsym.compile`, for Triton, and for outputs that have no closed kernel
        (scans, orders, iterations, masks) it is the tensor kernel, where free indices are the axes of the result.

        Parameters
        ----------
        backend : {"numpy", "torch", "ball", "triton"}
            Where it runs.
        of : str, optional
            One output; all of them as a dict when there are several and none is named.
        **options
            Options of `dltsym.compile`, such as ``axes="i c"``; ``axes=()`` takes the indices as they occur.

        Returns
        -------
        Kernel
        """
        from dltsym.lower.front.doors import kernel

        return kernel(self, backend, of, options)

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
        from dltsym.catalogue import check

        return check(self, **options)

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
    return Premise(name, rel, cited(cite), wording)


def cited(where: Any) -> Source:
    """Read a citation: a pair of bibliography key and place.

    Parameters
    ----------
    where : tuple of str
        ``("maurer2004", "Theorem 5")``.

    Returns
    -------
    Source

    Raises
    ------
    RecordError
        For anything else.
    """
    if not (isinstance(where, tuple | list) and len(where) == 2 and all(isinstance(w, str) for w in where)):
        raise RecordError(f"a citation is a pair (bibliography key, place), not {where!r}")
    return Source(*where)


def value(expected: str, source: str, of: str = "", digits: int | None = None, **inputs: Any) -> PublishedValue:
    """State a published or checked value.

    Parameters
    ----------
    expected : str
        Decimal or rational text.
    source : str
        Where it is printed.
    of : str
        Name of an output of the record; empty for its only one, which without ``outputs=`` is the right side of the
        claim under the name ``value``.
    digits : int, optional
        Significant digits that must agree; by default all that are printed, and a value of fewer than six digits must
        then be exact.
    **inputs : int, str, Fraction or nested tuple
        Inputs by symbol name; decimal text is exact.

    Returns
    -------
    PublishedValue

    Raises
    ------
    RecordError
        When `expected` is not the text of a number (a float would hide its digits), or `of` is no name.
    """
    if not isinstance(expected, str):
        raise RecordError(f"the expected value {expected!r} must be text, so that its digits are known")
    try:
        Fraction(expected)
    except (ValueError, ZeroDivisionError):
        raise RecordError(f"the expected value {expected!r} is no number, such as '0.459' or '1/3'") from None
    if not isinstance(of, str):
        raise RecordError(
            f"value {expected}: of= is the name of an output, not the expression {of}; "
            f"say outputs={{'name': expression}} and of='name'"
        )
    shown = len(expected.lower().split("e")[0].replace("-", "").replace("+", "").replace(".", "").lstrip("0"))
    return PublishedValue(inputs, expected, of, digits or max(shown, 1), source, digits is not None)
