"""Fixed-point iterations: named states, what a round puts in their place, and a result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from dltsym.errors import NotationError
from dltsym.notation.binding import Binding
from dltsym.notation.tree import Expr, Sym


@dataclass(frozen=True)
class StateSpec:
    """One state of an iteration.

    Attributes
    ----------
    symbol : Sym
        A bound array whose declaration has the ranges of its indices; a bound real number if it has none.
    index : tuple of Sym
        Bound indices of the entry that `init` and `step` give, one per range.
    init, step : Expr
        Entry before the first round, and the entry that a round puts in its place.
    """

    symbol: Sym
    index: tuple[Sym, ...]
    init: Expr
    step: Expr

    @property
    def ranges(self) -> tuple[tuple[Expr, Expr], ...]:
        """First and last value of each index."""
        return self.symbol.decl.shape

    @property
    def sides(self) -> tuple[Expr, ...]:
        """Ends of the ranges, start and step."""
        return (*(e for pair in self.ranges for e in pair), self.init, self.step)


@dataclass(frozen=True, repr=False)
class Iterate(Binding):
    """`out` after `count` rounds, each of which updates `states` in order, or all at once if `simultaneous`.

    With a tolerance the rounds end earlier, after the first in which no entry changed by more than `tol`.
    """

    states: tuple[StateSpec, ...]
    count: Expr
    out: Expr
    simultaneous: bool = False
    tol: Expr | None = None

    def __post_init__(self) -> None:
        for s in self.states:
            if len(s.index) != len(s.ranges):
                raise NotationError(f"the state {s.symbol.name} has {len(s.ranges)} indices, its update {len(s.index)}")
        if not self.states:
            raise NotationError("an iteration needs at least one state")

    @property
    def parts(self) -> tuple[Expr, ...]:
        """Output, rounds, the ends, start and step of each state, and the tolerance if there is one."""
        tail = () if self.tol is None else (self.tol,)
        return (self.out, self.count, *(e for s in self.states for e in s.sides), *tail)

    @property
    def bound(self) -> tuple[Sym, ...]:
        """The states, then the indices of each."""
        return (*(s.symbol for s in self.states), *(v for s in self.states for v in s.index))

    @property
    def scopes(self) -> tuple[frozenset[Sym], ...]:
        """Output and steps see the states; start and step of a state see its indices."""
        names, out = frozenset(s.symbol for s in self.states), []
        for s in self.states:
            own = frozenset(s.index)
            out += [frozenset()] * (2 * len(s.ranges)) + [own, own | names]
        return (names, frozenset(), *out, *(() if self.tol is None else (frozenset(),)))

    @property
    def tag(self) -> str:
        """Number of indices of each state, and how a round goes."""
        ranks = ",".join(str(len(s.index)) for s in self.states)
        return f"Iterate:{ranks}:{'together' if self.simultaneous else 'in order'}"

    def with_parts(self, new: tuple[Expr, ...]) -> Iterate:
        """Return the iteration over other parts; new ranges go into the declarations of the states.

        Parameters
        ----------
        new : tuple of Expr
            As many as `parts`.

        Returns
        -------
        Iterate
        """
        left, states = iter(new), []
        out, count = next(left), next(left)
        names: dict[Sym, Expr] = {}
        for s in self.states:
            shape = tuple((next(left), next(left)) for _ in s.ranges)
            symbol = s.symbol if shape == s.ranges else Sym(replace(s.symbol.decl, shape=shape))
            names |= {s.symbol: symbol} if symbol != s.symbol else {}
            states.append(StateSpec(symbol, s.index, next(left), next(left)))
        tol = None if self.tol is None else next(left)
        if names:  # the declaration is part of a symbol's identity
            from dltsym.notation.walk import substitute

            out = substitute(out, names)
            states = [replace(s, step=substitute(s.step, names)) for s in states]
        return Iterate(tuple(states), count, out, self.simultaneous, tol)

    def with_bound(self, names: Mapping[Sym, Sym]) -> Iterate:
        """Return the iteration over other names of states and indices.

        Parameters
        ----------
        names : mapping of Sym to Sym
            New names.

        Returns
        -------
        Iterate
        """
        states = tuple(
            replace(s, symbol=names.get(s.symbol, s.symbol), index=tuple(names.get(v, v) for v in s.index))
            for s in self.states
        )
        return replace(self, states=states)
