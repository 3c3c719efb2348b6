"""Flat problems: array entries become scalars, and every domain becomes a plain hypothesis.

After `flatten` no scalar symbol of the goal carries a hidden bound, so an engine that fixes all variables but one can
see, and drop, every hypothesis that mentions it. Entries ``X[k]`` outside sums become fresh real scalars with the
bounds of their array and with the quantified hypotheses that match them; a sum that still mentions the array is then
independent of the scalar, which only makes the claim stronger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from dltsym.notation.tree import Decl, Expr, Index, Rel, Sym
from dltsym.notation.walk import (
    T,
    binders,
    children,
    expand_definitions,
    free_symbols,
    key,
    rebuild,
    substitute,
    subterms,
)
from dltsym.prove.problem import Problem, bounds_of, declared_bounds


def rewrite_free(node: T, rule: Callable[[Expr], Expr | None], bound: frozenset[Sym] = frozenset()) -> T:
    """Rewrite top-down where `rule` gives a result, leaving out terms that mention a bound variable.

    Parameters
    ----------
    node : Expr or Rel
        Tree.
    rule : callable
        Gets a term free of bound variables; returns its replacement, or None.
    bound : frozenset of Sym
        Variables bound outside.

    Returns
    -------
    Expr or Rel
    """
    if isinstance(node, Expr) and not (free_symbols(node) & bound):
        new = rule(node)
        if new is not None:
            return new
    inner = bound | frozenset(binders(node))
    return rebuild(node, tuple(rewrite_free(c, rule, inner) for c in children(node)))


def entries(node: Expr | Rel) -> list[Index]:
    """Return the array entries of a tree whose indices are not bound, each once.

    Parameters
    ----------
    node : Expr or Rel
        Tree.

    Returns
    -------
    list of Index
    """
    found: dict[str, Index] = {}

    def note(e: Expr) -> None:
        if isinstance(e, Index):
            found.setdefault(key(e), e)

    rewrite_free(node, note)
    return list(found.values())


def instances(rel: Rel, at: list[Index], problem: Problem) -> Iterator[tuple[Rel, dict[Sym, Expr]]]:
    """Yield a hypothesis at the entries of interest; its free index symbols hold for every value in their range.

    Parameters
    ----------
    rel : Rel
        Hypothesis.
    at : list of Index
        Entries that occur elsewhere.
    problem : Problem
        Where index ranges are looked up.

    Yields
    ------
    tuple of (Rel, dict)
        The hypothesis and the indices put in; `rel` itself when it has no free index symbol.
    """
    quantified = [s for s in sorted(free_symbols(rel), key=lambda s: s.name) if s.decl.sort == "index"]
    if not quantified:
        yield rel, {}
        return
    seen = set()
    shown = any(free_symbols(e) & set(quantified) for e in entries(rel))
    for values in _unify(quantified, entries(rel), at, {}) if shown else _hidden(quantified, problem):
        if len(values) == len(quantified) and all(_in_range(s, e, problem) for s, e in values.items()):
            new = substitute(rel, values)
            if key(new) not in seen:
                seen.add(key(new))
                yield new, values


def _hidden(quantified: list[Sym], problem: Problem) -> Iterator[dict[Sym, Expr]]:
    """Yield the indices of the goal for a hypothesis whose index no entry shows: ``Sum(A[i, k], (i, 1, m)) = 1``."""
    ends = [e for s in quantified for e in (s.decl.lo, s.decl.hi) if e is not None]
    if len(quantified) == 1 and not any(s.decl.sort == "index" for e in ends for s in free_symbols(e)):
        for k in sorted(free_symbols(problem.goal), key=lambda s: s.name):
            if k.decl.sort == "index":
                yield {quantified[0]: k}


def _unify(
    quantified: list[Sym], patterns: list[Index], at: list[Index], values: dict[Sym, Expr]
) -> Iterator[dict[Sym, Expr]]:
    open_ = [p for p in patterns if any(i in quantified and i not in values for i in p.idx)]
    if not open_:
        yield values
        return
    pattern = open_[0]
    for entry in at:
        if entry.array != pattern.array:
            continue
        new = dict(values)
        fits = True
        for mine, theirs in zip(pattern.idx, entry.idx, strict=True):
            if mine in quantified:
                fits &= key(new.setdefault(mine, theirs)) == key(theirs)  # type: ignore[arg-type]
        if fits:
            yield from _unify(quantified, patterns, at, new)


def _in_range(sym: Sym, value: Expr, problem: Problem) -> bool:
    d = sym.decl
    if isinstance(value, Sym) and value.decl.sort == "index" and value in free_symbols(problem.goal):
        v = value.decl
        if all(a is not None and b is not None and key(a) == key(b) for a, b in ((d.lo, v.lo), (d.hi, v.hi))):
            return True
    from dltsym.prove.signs import entails

    need = [Rel(a, "<=", b) for a, b in ((d.lo, value), (value, d.hi)) if a is not None and b is not None]
    return all(entails(r, problem) is not None for r in need)


@dataclass(frozen=True)
class Flat:
    """A flat problem; `cells` are the terms that its new scalars stand for, `uses` hypotheses at indices."""

    problem: Problem
    cells: dict[str, Expr] = field(default_factory=dict)
    uses: tuple[tuple[Rel, dict[str, Expr]], ...] = ()


def flatten(problem: Problem, keep: frozenset[str] = frozenset()) -> Problem:
    """Return an equivalent or stronger problem without array entries and without hidden bounds; see `flat`.

    Parameters
    ----------
    problem : Problem
        Prepared problem.
    keep : frozenset of str
        Defined functions to leave as calls.

    Returns
    -------
    Problem
    """
    return flat(problem, keep).problem


def flat(problem: Problem, keep: frozenset[str] = frozenset()) -> Flat:
    """Return an equivalent or stronger problem without array entries and without hidden bounds.

    Parameters
    ----------
    problem : Problem
        Prepared problem.
    keep : frozenset of str
        Defined functions to leave as calls.

    Returns
    -------
    Flat
        The other defined functions are expanded in the goal; the caller must check that the expanded goal is defined.
    """
    goal = expand_definitions(problem.goal, keep)
    wanted = entries(goal)
    found = [(rel, new, at) for rel in problem.known for new, at in instances(rel, wanted, problem)]
    known = [new for _, new, _ in found]
    extra = [b for e in wanted for b in bounds_of(e, e.array)]
    taken = {s.name for s in problem.symbols}
    cells = {key(e): Sym(Decl(_fresh_name(f"{e.array.name}_{k}", taken), "real")) for k, e in enumerate(wanted)}

    def cell(e: Expr) -> Expr | None:
        return cells.get(key(e)) if isinstance(e, Index) else None

    rels = [rewrite_free(r, cell) for r in (*known, *extra)]
    plain = _unbounded(replace(problem, goal=rewrite_free(goal, cell), given=tuple(rels), facts=(), written=None))
    uses = tuple((rel, {s.name: e for s, e in at.items()}) for rel, _, at in found if at)
    return Flat(plain, {s.name: e for s, e in zip(cells.values(), wanted, strict=True)}, uses)


def _fresh_name(name: str, taken: set[str]) -> str:
    while name in taken:  # two entries must never share a scalar
        name += "_"
    taken.add(name)
    return name


def bare(sym: Sym) -> Sym:
    """Return a scalar of the same name and sort without bounds.

    Parameters
    ----------
    sym : Sym
        Real, integer or index symbol.

    Returns
    -------
    Sym
    """
    return Sym(Decl(sym.name, "real" if sym.decl.sort == "real" else "integer"))


def _unbounded(problem: Problem) -> Problem:
    """Turn the declared bounds of scalars into hypotheses, except where an array still refers to the symbol."""
    pinned: set[Sym] = set()
    for t in (t for r in (problem.goal, *problem.given) for t in subterms(r)):
        if isinstance(t, Sym) and t.decl.sort == "array":
            d = t.decl
            parts = [e for e in (d.lo, d.hi, *(e for pair in d.shape for e in pair)) if e is not None]
            pinned |= _reach(parts)
    free = [s for s in problem.symbols if s.decl.sort in ("real", "integer", "index") and s not in pinned]
    new: dict[Sym, Expr] = {s: bare(s) for s in free}
    bounds = [b for s in problem.symbols for b in declared_bounds(s)]
    rels = {key(r): r for r in (substitute(r, new) for r in (*problem.given, *bounds))}
    return replace(problem, goal=substitute(problem.goal, new), given=tuple(rels.values()))


def _reach(parts: list[Expr]) -> set[Sym]:
    """Return the symbols of some trees and of the declared bounds of those symbols."""
    found: set[Sym] = set()
    todo = [s for e in parts for s in free_symbols(e)]
    while todo:
        sym = todo.pop()
        if sym not in found:
            found.add(sym)
            todo += [s for b in (sym.decl.lo, sym.decl.hi) if b is not None for s in free_symbols(b)]
    return found
