"""Reductions, cases, recurrences and order: nodes that bind names in some of their parts only.

Every kind has set semantics: an empty product is 1, an empty maximum, minimum or argmax has no value, an empty
log-sum-exp is the limit minus infinity and has no real value either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from dltsym.errors import NotationError
from dltsym.functions.monoids import FOLDED, NATIVE
from dltsym.notation.binding import Binding
from dltsym.notation.iteration import Iterate, StateSpec
from dltsym.notation.tree import Expr, Num, Rel, Sym

__all__ = ["FOLDS", "ORDERS", "Binding", "Cases", "Fold", "Iterate", "Order", "Recurrence", "StateSpec"]

FOLDS = (*NATIVE[1:], *FOLDED)
ORDERS = ("topk", "rank")
NOUGHT = Num(Fraction(0))
Limits = tuple[tuple[Sym, Expr, Expr], ...]
Conditions = tuple[Rel, ...]


@dataclass(frozen=True, repr=False)
class Fold(Binding):
    """``op`` of `body` over `limits` as in a `Sum`; ``argmax`` and ``argmin`` give the smallest best index.

    Besides the reductions that have a name in mathematics, any row of `dltsym.functions.monoids.FOLDED`.
    """

    op: str
    body: Expr
    limits: Limits

    def __post_init__(self) -> None:
        if self.op not in FOLDS:
            raise NotationError(f"unknown reduction {self.op!r}; one of {', '.join(FOLDS)}")
        if not self.limits or (len(self.limits) > 1 and self.op in ("argmax", "argmin", *FOLDED)):
            raise NotationError(f"{self.op} goes over {'no' if not self.limits else 'more than one'} index")

    @property
    def parts(self) -> tuple[Expr, ...]:
        """Body, then both ends of each range."""
        return (self.body, *(e for _, lo, hi in self.limits for e in (lo, hi)))

    @property
    def bound(self) -> tuple[Sym, ...]:
        """The indices, innermost first."""
        return tuple(v for v, _, _ in self.limits)

    @property
    def scopes(self) -> tuple[frozenset[Sym], ...]:
        """The body sees every index, a limit the indices outside it."""
        own = self.bound
        return (frozenset(own), *(frozenset(own[k + 1 :]) for k in range(len(own)) for _ in range(2)))

    @property
    def tag(self) -> str:
        """The operation."""
        return f"Fold:{self.op}"

    def with_parts(self, new: tuple[Expr, ...]) -> Fold:
        """Return the fold over other parts.

        Parameters
        ----------
        new : tuple of Expr
            As many as `parts`.

        Returns
        -------
        Fold
        """
        ends = zip(new[1::2], new[2::2], strict=True)
        return Fold(self.op, new[0], tuple((v, *pair) for v, pair in zip(self.bound, ends, strict=True)))

    def with_bound(self, names: Mapping[Sym, Sym]) -> Fold:
        """Return the fold over other index names.

        Parameters
        ----------
        names : mapping of Sym to Sym
            New names.

        Returns
        -------
        Fold
        """
        return replace(self, limits=tuple((names.get(v, v), lo, hi) for v, lo, hi in self.limits))


@dataclass(frozen=True, repr=False)
class Cases(Binding):
    """The value of the first branch whose conditions all hold, else `otherwise`; other branches need no value."""

    branches: tuple[tuple[Conditions, Expr], ...]
    otherwise: Expr

    def __post_init__(self) -> None:
        tidy = tuple(((c,) if isinstance(c, Rel) else tuple(c), e) for c, e in self.branches)
        if not tidy or not all(c for c, _ in tidy):
            raise NotationError("cases need at least one branch, and each branch a condition")
        object.__setattr__(self, "branches", tidy)

    @property
    def parts(self) -> tuple[Expr, ...]:
        """For each branch the sides of its conditions and its value; last the value otherwise."""
        inside = (e for cs, value in self.branches for e in (*(s for c in cs for s in (c.lhs, c.rhs)), value))
        return (*inside, self.otherwise)

    @property
    def tag(self) -> str:
        """The relations of every branch."""
        return f"Cases:{';'.join(','.join(c.op for c in cs) for cs, _ in self.branches)}"

    def with_parts(self, new: tuple[Expr, ...]) -> Cases:
        """Return the cases over other parts.

        Parameters
        ----------
        new : tuple of Expr
            As many as `parts`.

        Returns
        -------
        Cases
        """
        left, out = iter(new), []
        for conditions, _ in self.branches:
            sides = tuple(Rel(next(left), c.op, next(left)) for c in conditions)
            out.append((sides, next(left)))
        return Cases(tuple(out), next(left))

    def with_bound(self, names: Mapping[Sym, Sym]) -> Cases:
        """Return the cases as they are: they bind nothing.

        Parameters
        ----------
        names : mapping of Sym to Sym
            Ignored.

        Returns
        -------
        Cases
        """
        return self


@dataclass(frozen=True, repr=False)
class Recurrence(Binding):
    """The value after ``var = lo, ..., at`` of ``state <- step``, from `init`; equal to `init` where ``at < lo``."""

    var: Sym
    lo: Expr
    at: Expr
    state: Sym
    init: Expr
    step: Expr

    @property
    def parts(self) -> tuple[Expr, ...]:
        """Step, start, first and last index; only the step sees the bound names."""
        return (self.step, self.init, self.lo, self.at)

    @property
    def bound(self) -> tuple[Sym, ...]:
        """The index and the state."""
        return (self.var, self.state)

    @property
    def scopes(self) -> tuple[frozenset[Sym], ...]:
        """The step sees both names."""
        return (frozenset(self.bound), frozenset(), frozenset(), frozenset())

    @property
    def tag(self) -> str:
        """Its name."""
        return "Recurrence"

    def with_parts(self, new: tuple[Expr, ...]) -> Recurrence:
        """Return the recurrence over other parts.

        Parameters
        ----------
        new : tuple of Expr
            As many as `parts`.

        Returns
        -------
        Recurrence
        """
        step, init, lo, at = new
        return Recurrence(self.var, lo, at, self.state, init, step)

    def with_bound(self, names: Mapping[Sym, Sym]) -> Recurrence:
        """Return the recurrence over other names.

        Parameters
        ----------
        names : mapping of Sym to Sym
            New names.

        Returns
        -------
        Recurrence
        """
        return replace(self, var=names.get(self.var, self.var), state=names.get(self.state, self.state))


@dataclass(frozen=True, repr=False)
class Order(Binding):
    """Place of entry `at` among the values of `body` over ``var = lo..hi``, largest first, ties to the smaller index.

    ``topk``: 1 if the entry is among the first `k`, else 0. ``rank``: the number of entries before it, from 0 (`k` is
    unused and 0).
    """

    kind: str
    body: Expr
    var: Sym
    lo: Expr
    hi: Expr
    at: Expr
    k: Expr = NOUGHT

    def __post_init__(self) -> None:
        if self.kind not in ORDERS:
            raise NotationError(f"unknown order {self.kind!r}; one of {', '.join(ORDERS)}")

    @property
    def parts(self) -> tuple[Expr, ...]:
        """Body, both ends, the entry asked for, and k."""
        return (self.body, self.lo, self.hi, self.at, self.k)

    @property
    def bound(self) -> tuple[Sym, ...]:
        """The index."""
        return (self.var,)

    @property
    def scopes(self) -> tuple[frozenset[Sym], ...]:
        """The body sees the index."""
        return (frozenset(self.bound), *(frozenset(),) * 4)

    @property
    def tag(self) -> str:
        """The kind."""
        return f"Order:{self.kind}"

    def with_parts(self, new: tuple[Expr, ...]) -> Order:
        """Return the order over other parts.

        Parameters
        ----------
        new : tuple of Expr
            As many as `parts`.

        Returns
        -------
        Order
        """
        body, lo, hi, at, k = new
        return Order(self.kind, body, self.var, lo, hi, at, k)

    def with_bound(self, names: Mapping[Sym, Sym]) -> Order:
        """Return the order over another index name.

        Parameters
        ----------
        names : mapping of Sym to Sym
            New names.

        Returns
        -------
        Order
        """
        return replace(self, var=names.get(self.var, self.var))
