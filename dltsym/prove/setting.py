"""What a point must satisfy: a problem prepared for sampling.

An equation that can be solved for a real symbol or an array is substituted, so that points can meet it. A point
is a dict from symbol name to int, Fraction or `Table`; it counts only if every bound, hypothesis and fact is certified.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache, reduce
from typing import Any

from dltsym.notation.tree import Expr, Index, Rel, Sum, Sym
from dltsym.notation.walk import T, free_symbols, substitute, subterms
from dltsym.prove.isolate import degree, entry_formula, isolate, replace_entries
from dltsym.prove.problem import Problem, bounds_of, declared_bounds

Point = dict[str, Any]
ASSUMED = ("cited", "open")


class Table:
    """An array at a point: drawn entries by index tuple, more of them drawn when they are read."""

    def __init__(self, entries: dict[tuple[int, ...], Fraction], draw: Any) -> None:
        self.entries = entries
        self.draw = draw

    def __call__(self, idx: tuple[int, ...]) -> Fraction:
        """Return an entry, drawing it when it is read for the first time.

        Parameters
        ----------
        idx : tuple of int
            Index.

        Returns
        -------
        Fraction
        """
        if idx not in self.entries:
            self.entries[idx] = self.draw()
        return self.entries[idx]

    def copy(self) -> Table:
        """Return a table with its own entries."""
        return Table(dict(self.entries), self.draw)


@dataclass(frozen=True)
class Check:
    """A relation that a point must satisfy for all values of its index symbols.

    A consequence (``assumed`` is false) may stay undecided, because it follows from the rest.
    """

    rel: Rel
    assumed: bool = True

    @cached_property
    def indices(self) -> tuple[Sym, ...]:
        """Free index symbols: the relation holds for all of them."""
        return tuple(sorted((s for s in free_symbols(self.rel) if s.decl.sort == "index"), key=lambda s: s.name))

    @cached_property
    def slack(self) -> tuple[Sym, ...]:
        """Real symbols in which both sides are affine: the relation can be repaired or made tight in them."""
        found = (s for s in free_symbols(self.rel) if s.decl.sort == "real")
        both = self.rel.lhs, self.rel.rhs
        return tuple(sorted((s for s in found if max(degree(e, s) for e in both) == 1), key=lambda s: s.name))


@dataclass(frozen=True)
class Setting:
    """A problem whose solvable equalities are substituted, with everything a point has to satisfy."""

    problem: Problem
    solved: tuple[tuple[Sym, Expr], ...]
    symbols: tuple[Sym, ...]
    rules: tuple[_Rules, ...] = ()

    def solve(self, rel: Rel) -> Rel:
        """Return a relation with the symbols that were solved for replaced, as they are in the goal.

        Parameters
        ----------
        rel : Rel
            Relation in symbols of the original problem.

        Returns
        -------
        Rel
        """
        return reduce(lambda r, rules: rules.apply(r), self.rules, rel)

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        """Bounds of scalars, hypotheses and facts."""
        # The value of an index symbol is checked at the point: as a check its bounds would hold for every value.
        bounds = [r for s in self.symbols if s.decl.sort != "index" for r in declared_bounds(s)]
        facts = (Check(f.rel, f.grade in ASSUMED) for f in self.problem.facts)
        return (*map(Check, (*bounds, *self.problem.given)), *facts)

    @cached_property
    def equalities(self) -> tuple[Check, ...]:
        """Equations that are left for numbers."""
        return tuple(c for c in self.checks if c.rel.op == "=" and c.assumed)

    @cached_property
    def inequalities(self) -> tuple[Check, ...]:
        """Inequalities that can be repaired, bounds of one symbol by a constant left out."""
        return tuple(c for c in self.checks if c.rel.op in ("<", "<=") and c.assumed and len(free_symbols(c.rel)) > 1)

    @cached_property
    def sizes(self) -> frozenset[str]:
        """Names of integers that are limits of sums, sizes of arrays or ranges of indices: drawn small."""
        trees = [self.problem.goal, *(c.rel for c in self.checks)]
        ends = [e for r in trees for t in subterms(r) if isinstance(t, Sum) for _, lo, hi in t.limits for e in (lo, hi)]
        ends += [e for s in self.symbols for pair in s.decl.shape for e in pair]
        ends += [e for s in self.symbols if s.decl.sort == "index" for e in (s.decl.lo, s.decl.hi) if e is not None]
        return frozenset(s.name for e in ends for s in free_symbols(e) if s.decl.sort == "integer")

    @cached_property
    def ranges(self) -> dict[str, tuple[tuple[str, Expr, bool], ...]]:
        """Bounds ``(side, expression, open)`` of each scalar, from its declaration and from hypotheses about it."""
        out: dict[str, list[tuple[str, Expr, bool]]] = {s.name: [] for s in self.symbols}
        for rel in (c.rel for c in self.checks if c.rel.op in ("<", "<=", "=") and not c.indices):
            sides = ((rel.lhs, rel.rhs, "hi"), (rel.rhs, rel.lhs, "lo"))
            for sym, bound, side in sides:
                if isinstance(sym, Sym) and sym.decl.sort != "array" and sym not in free_symbols(bound):
                    out[sym.name] += [(side, bound, rel.op == "<")]
                    out[sym.name] += [("lo" if side == "hi" else "hi", bound, False)] if rel.op == "=" else []
        return {name: tuple(rows) for name, rows in out.items()}


@lru_cache(maxsize=512)
def setting(problem: Problem) -> Setting:
    """Prepare a problem for sampling.

    Parameters
    ----------
    problem : Problem
        Problem.

    Returns
    -------
    Setting
    """
    asked = free_symbols(
        problem.goal
    )  # an index of hypotheses alone stands for all values: drawing one would need a value
    symbols = tuple(s for s in problem.symbols if s.decl.sort != "index" or s in asked)
    solved, used = [], []
    while found := _entries(problem, symbols) or _scalar(problem, symbols):
        sym, value, rules = found
        symbols = tuple(s for s in symbols if s != sym)
        solved = [*((s, rules.apply(e)) for s, e in solved), (sym, value)]
        problem = rules.everywhere(problem)
        used.append(rules)
    return Setting(problem, tuple(solved), symbols, tuple(used))


@dataclass(frozen=True)
class _Rules:
    """A replacement of a symbol, or of the entries of an array, with the equation that it meets."""

    target: Sym | Index
    value: Expr
    used: Rel
    needs: tuple[Rel, ...]

    def apply(self, node: T) -> T:
        if isinstance(self.target, Index):
            return replace_entries(node, self.target, self.value)  # type: ignore[return-value]
        return substitute(node, {self.target: self.value})

    def everywhere(self, problem: Problem) -> Problem:
        sym = self.target.array if isinstance(self.target, Index) else self.target
        given = [*(r for r in problem.given if r is not self.used), *bounds_of(self.target, sym), *self.needs]
        facts = tuple(replace(f, rel=self.apply(f.rel)) for f in problem.facts if f.rel is not self.used)
        return replace(
            problem, goal=self.apply(problem.goal), given=tuple(map(self.apply, given)), facts=facts, written=None
        )


def _equations(problem: Problem) -> list[Rel]:
    return [r for r in (*problem.given, *(f.rel for f in problem.facts if f.grade in ASSUMED)) if r.op == "="]


def _entries(problem: Problem, symbols: tuple[Sym, ...]) -> tuple[Sym, Expr, _Rules] | None:
    for rel in _equations(problem):
        found = entry_formula(rel)
        if found is not None and found[0].array in symbols:
            return found[0].array, found[1], _Rules(*found, rel, ())
    return None


def _scalar(problem: Problem, symbols: tuple[Sym, ...]) -> tuple[Sym, Expr, _Rules] | None:
    in_domains = frozenset().union(*(free_symbols(e) for s in symbols for e in _domain(s)))
    equations = _equations(problem)
    for rel in equations:
        free = free_symbols(rel)
        usable = [s for s in free if s.decl.sort == "real" and s in symbols and s not in in_domains]
        if any(s.decl.sort == "index" for s in free):
            continue
        others = [free_symbols(e) for e in equations if e is not rel]
        alone = (rel.lhs, rel.rhs)
        for sym in sorted(usable, key=lambda s: (s not in alone, sum(s in o for o in others), s.name)):
            solution = isolate(rel, sym)
            if solution is not None:
                return sym, solution[0], _Rules(sym, solution[0], rel, solution[1])
    return None


def _domain(sym: Sym) -> list[Expr]:
    d = sym.decl
    return [e for e in (d.lo, d.hi, *(e for pair in d.shape for e in pair)) if e is not None]
