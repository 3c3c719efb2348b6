"""What a bound is about: which symbol plays which role, what was fixed before the data, who pays which part of delta.

A `Bound` is plain data beside the formulas of a record. It says nothing that the statement does not imply; it says it
in the terms in which people use bounds, so that a machine can hold a use against it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from dltsym.errors import NotationError, RecordError, suggest
from dltsym.notation.tree import Sym

UNITS = {
    "i.i.d. example": "independent, identically distributed examples",
    "i.i.d. document": "independent, identically distributed documents",
    "i.i.d. batch": "independent, identically distributed batches",
    "i.i.d. tuple": "independent, identically distributed tuples of an anchor, a positive and negatives",
    "U-statistic tuple": "tuples that share examples",
    "martingale token": "tokens, each conditioned on those before it",
    "subsample index": "indices drawn with replacement, given the data",
    "posterior draw": "independent draws from the posterior, given the data",
}
ABOUT = {
    "posterior average": "the risk averaged over the posterior: of no single draw, and not of the mean network",
    "hypothesis": "the risk of the hypothesis that was chosen",
    "majority vote": "the risk of the weighted majority vote",
    "context risk": "the risk of the next token on the contexts that were seen, not on fresh documents",
    "mean": "the mean of one random variable, fixed before the data",
}
HOLDS_FOR = {
    "all posteriors": "for all posteriors at once",
    "all hypotheses": "for all hypotheses at once",
    "one hypothesis": "for one hypothesis, fixed before the data",
}
BEFORE = {
    "prior": "the prior",
    "code": "the code of the hypotheses, its decoder included",
    "guesses": "each guess, before the step that it is about",
    "grid": "the grid",
    "subsample": "the hypothesis, before the indices of the subsample were drawn",
    "loss": "the loss and its range",
}
SIDES = ("upper", "lower")
Role = str | tuple[str, ...]


@dataclass(frozen=True)
class Bound:
    """How an output of a record is used as a bound.

    Attributes
    ----------
    units : mapping of str to str
        What each sample size counts, by symbol: one of `UNITS`. The first one is "n".
    about, holds_for : str
        What is bounded (one of `ABOUT`), and for what at once (one of `HOLDS_FOR`).
    events : tuple of pairs
        The ledger: each event that may fail, a premise of the record where there is one, and its share of the failure
        probability, as an expression.
    delta : str or tuple of str
        Symbol of the failure probability; several are added up.
    of : str
        Output, or result of the algorithm, that is the bound; never clipped.
    risk, emp_risk, complexity : str
        Symbols of what is bounded, of what was measured, and of the divergence or code length. The complexity has its
        unit, nat or bit, in its declaration.
    loss : pair or str
        Range of the loss: numbers, such as (0, 1), where another range is mapped to them; expressions in the symbols;
        or the symbol of the width, where any range of this width will do.
    before, free : tuple of str
        What was fixed before the data: words of `BEFORE`, and symbols. Symbols that may be chosen after them.
    tied : tuple of str
        Free symbols that other inputs speak of, such as a point of the grid that was paid for, or the number of the
        prior whose divergence is given: they have to be given, and no search may choose them.
    baseline : str
        Expression that a bound which says something has to beat, where the record knows it.
    side : {"upper", "lower"}
        Which side of the risk it is on.
    rises, falls : tuple of str
        Further symbols in which the bound does not decrease, or does not increase. The measured risk, the complexity,
        the width, the failure probability and the sample sizes need not be named.
    unsigned : tuple of str
        Symbols in which it is said to go nowhere, such as a sample size where the bound exceeds every loss.
    worst : tuple of str
        Symbols over which the bound is a maximum: a point of them proves nothing.
    gap : bool
        The output bounds the risk minus the measured risk.
    family, variant : str
        Of bounds that are printed under one name with different constants.
    """

    units: Mapping[str, str]
    about: str
    holds_for: str
    events: tuple[tuple[str, str], ...]
    delta: Role = "dlt"
    of: str = "bound"
    risk: str = ""
    emp_risk: str = ""
    complexity: str = ""
    loss: tuple[Any, Any] | str = (0, 1)
    before: tuple[str, ...] = ()
    free: tuple[str, ...] = ()
    tied: tuple[str, ...] = ()
    baseline: str = ""
    side: str = "upper"
    rises: tuple[str, ...] = ()
    falls: tuple[str, ...] = ()
    unsigned: tuple[str, ...] = ()
    worst: tuple[str, ...] = ()
    gap: bool = False
    family: str = ""
    variant: str = ""
    trees: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def deltas(self) -> tuple[str, ...]:
        """Symbols of the failure probability."""
        return (self.delta,) if isinstance(self.delta, str) else tuple(self.delta)

    @property
    def n(self) -> str:
        """Symbol of the sample size."""
        return next(iter(self.units), "")

    @property
    def width(self) -> str:
        """Symbol of the width of the loss range, where there is one."""
        return self.loss if isinstance(self.loss, str) else ""

    @property
    def rescaled(self) -> bool:
        """Whether losses of another range are mapped to the range of the statement."""
        return not isinstance(self.loss, str) and all(isinstance(x, int | Fraction) for x in self.loss)

    def signs(self) -> dict[str, int]:
        """Return 1 for symbols in which the bound does not decrease, -1 where it does not increase.

        Returns
        -------
        dict of str to int
        """
        up = 1 if self.side == "upper" else -1
        out = {name: up for name in (self.complexity, self.width) if name}
        out |= {self.emp_risk: 1} if self.emp_risk else {}
        out |= dict.fromkeys((*self.deltas, *self.units), -up)
        out |= dict.fromkeys(self.rises, 1) | dict.fromkeys(self.falls, -1)
        return {name: sign for name, sign in out.items() if name not in self.unsigned}


def read_bound(
    item: Bound, symbols: Mapping[str, Sym], outputs: Collection[str], premises: Collection[str],
    read: Callable[[Any], Any],
) -> Bound:  # fmt: skip
    """Check the form of a bound and read its expressions.

    Parameters
    ----------
    item : Bound
        As written.
    symbols : mapping of str to Sym
        Declared symbols.
    outputs, premises : collection of str
        Names of outputs and results, and of cited premises.
    read : callable
        Reads an expression in the declared symbols.

    Returns
    -------
    Bound
        With its expressions in `trees`.

    Raises
    ------
    RecordError
        Naming what is wrong, and what is allowed.
    """
    if not isinstance(item, Bound):
        raise RecordError(f"bound= takes Bound(...) or a list of them, not {item!r}")
    for text, known, what in (
        (item.of, outputs, "output"), (item.about, ABOUT, "about"), (item.holds_for, HOLDS_FOR, "holds_for"),
        (item.side, SIDES, "side"), *((u, UNITS, "unit") for u in item.units.values()),
    ):  # fmt: skip
        if text not in known:
            raise RecordError(f"bound: {what} {text!r} is not one of {', '.join(known)}{suggest(text, known)}")
    for what, name in _named(item):
        if name not in symbols:
            more = f"; words are {', '.join(BEFORE)}" if what == "before" else ""
            raise RecordError(f"bound: {what} {name!r} is not declared{suggest(name, symbols)}{more}")
    if item.complexity and symbols[item.complexity].decl.unit not in ("nat", "bit"):
        raise RecordError(f"bound: declare the complexity {item.complexity} with unit='nat' or unit='bit'")
    both = set(item.before) & set(item.free) or set(item.rises) & set(item.falls)
    if both:
        raise RecordError(f"bound: {min(both)} is named on two sides that exclude each other")
    if loose := set(item.tied) - set(item.free):
        raise RecordError(f"bound: {min(loose)} is tied and not among the free symbols")
    _check_ledger(item, premises)
    trees: dict[str, Any] = {}
    for name, text in _texts(item):
        try:
            trees[name] = read(text)
        except NotationError as error:
            raise RecordError(f"bound: {name} {text!r}: {error}") from None
    return Bound(**{k: v for k, v in vars(item).items() if k != "trees"}, trees=trees)


def _named(item: Bound) -> Iterator[tuple[str, str]]:
    """Yield every name that has to be a symbol, with the part that names it."""
    yield from (("units", n) for n in item.units)
    yield from (("delta", n) for n in item.deltas if n)
    for what in ("risk", "emp_risk", "complexity", "width"):
        if getattr(item, what):
            yield what, getattr(item, what)
    yield from (("before", n) for n in item.before if n not in BEFORE)
    for what in ("free", "rises", "falls", "unsigned", "worst"):
        yield from ((what, n) for n in getattr(item, what))


def _check_ledger(item: Bound, premises: Collection[str]) -> None:
    names = [name for name, _ in item.events]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise RecordError(f"bound: the event {twice[0]!r} is paid for twice; an event appears once")
    if not item.events and item.deltas != ("",):
        raise RecordError("bound: say in events= which event each part of delta pays for")
    if premises and not set(names) & set(premises) and item.events:
        raise RecordError(f"bound: no event is a premise of the record; there are {', '.join(premises)}")
    if not isinstance(item.loss, str) and len(item.loss) != 2:
        raise RecordError("bound: loss is a pair of ends, or the symbol of the width")


def _texts(item: Bound) -> Iterator[tuple[str, Any]]:
    for name, share in item.events:
        yield f"event {name}", share
    if not item.rescaled and not item.width:
        yield from (("loss from", item.loss[0]), ("loss to", item.loss[1]))
    if item.baseline:
        yield "baseline", item.baseline
