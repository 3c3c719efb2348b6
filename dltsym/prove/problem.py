"""`Problem`: one relation to decide under hypotheses, in the form every engine takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from dltsym.notation.binding import Binding
from dltsym.notation.calculus import evaluate_derivatives
from dltsym.notation.matrices import check_relation
from dltsym.notation.tree import Rel, Sym
from dltsym.notation.walk import digest, expand_lets, free_symbols, key, subterms


@dataclass(frozen=True)
class Fact:
    """A relation that may be used: a proved lemma instance, an earlier chain, or a cited premise."""

    name: str
    rel: Rel
    grade: str


@dataclass(frozen=True)
class Problem:
    """Decide `goal` from the declarations of its symbols, `given` and `facts`.

    `prepare` puts everything into the form that engines rely on: let-names expanded, derivatives carried out, every
    relation with ``=``, ``<``, ``<=`` or ``!=``; `written` is the goal before derivatives were carried out. Defined
    functions (``kl_bernoulli``) are still calls. A free ``index`` symbol means "for every value in its range": in the
    goal it is an arbitrary fixed index, in a hypothesis or fact the relation holds for all of them.
    """

    goal: Rel
    given: tuple[Rel, ...] = ()
    facts: tuple[Fact, ...] = ()
    hint: str = ""
    written: Rel | None = None

    @cached_property
    def symbols(self) -> tuple[Sym, ...]:
        """Every free symbol of goal, hypotheses, facts and of the bounds of those symbols, sorted by name."""
        found: set[Sym] = set()
        todo = set(free_symbols(self.goal)).union(*(free_symbols(r) for r in self.known))
        while todo:
            sym = todo.pop()
            if sym not in found:
                found.add(sym)
                d = sym.decl
                bounds = [b for b in (d.lo, d.hi, *(e for pair in d.shape for e in pair)) if b is not None]
                todo |= frozenset().union(*(free_symbols(b) for b in bounds))
        return tuple(sorted(found, key=lambda s: s.name))

    @cached_property
    def known(self) -> tuple[Rel, ...]:
        """Hypotheses and facts together."""
        return (*self.given, *(f.rel for f in self.facts))

    @cached_property
    def folds(self) -> bool:
        """Whether a fold, cases, an order or a loop occurs: engines that do not say otherwise know none of them."""
        rels = (self.goal, *self.known, *(() if self.written is None else (self.written,)))
        return any(isinstance(t, Binding) for r in rels for t in subterms(r))

    @cached_property
    def key(self) -> str:
        """Content hash of the mathematics: goal, hypotheses, facts with grades, domains, hint."""
        domains = [repr_decl(s) for s in self.symbols]
        facts = sorted(f"{key(f.rel)} {f.grade}" for f in self.facts)
        written = key(self.written) if self.written is not None else ""
        given = sorted(map(key, self.given))
        return digest(key(self.goal), written, *given, "facts", *facts, "domains", *domains, self.hint)

    def with_goal(self, goal: Rel, *extra: Rel) -> Problem:
        """Return the problem with another goal and further hypotheses.

        Parameters
        ----------
        goal : Rel
            New goal.
        *extra : Rel
            Hypotheses to add.

        Returns
        -------
        Problem
        """
        return replace(self, goal=goal.flipped(), given=(*self.given, *(r.flipped() for r in extra)), written=None)


def repr_decl(sym: Sym) -> str:
    """Return a text of the domain of a symbol; two symbols with the same text range over the same set.

    Parameters
    ----------
    sym : Sym
        Declared symbol.

    Returns
    -------
    str
    """
    d = sym.decl
    lo = "" if d.lo is None else ("(" if d.lo_open else "[") + key(d.lo)
    hi = "" if d.hi is None else key(d.hi) + (")" if d.hi_open else "]")
    shape = ",".join(f"{key(a)}..{key(b)}" for a, b in d.shape)
    return f"{d.name}:{d.sort}:{lo}:{hi}:{shape}" + ("" if d.entries == "real" else f":{d.entries}")


def prepare(goal: Rel, given: Iterable[Rel] = (), facts: Iterable[Fact] = (), hint: str = "") -> Problem:
    """Build a problem in the form that engines rely on.

    Parameters
    ----------
    goal : Rel
        What to decide.
    given : iterable of Rel
        Hypotheses.
    facts : iterable of Fact
        Usable facts.
    hint : str
        Engine hint of the author.

    Returns
    -------
    Problem
    """

    def normal(rel: Rel) -> Rel:
        return check_relation(evaluate_derivatives(expand_lets(rel)).flipped())

    return Problem(
        normal(goal),
        tuple(normal(r) for r in given),
        tuple(replace(f, rel=normal(f.rel)) for f in facts),
        hint,
        expand_lets(goal),
    )


def declared_bounds(sym: Sym) -> tuple[Rel, ...]:
    """Return the bounds of a scalar symbol as relations (``<`` or ``<=``); an array has none of its own.

    Parameters
    ----------
    sym : Sym
        Declared symbol.

    Returns
    -------
    tuple of Rel
    """
    if sym.decl.sort == "array":
        return ()
    return bounds_of(sym, sym)


def bounds_of(term: object, sym: Sym) -> tuple[Rel, ...]:
    """Return the bounds that the declaration of `sym` puts on `term` (the symbol, or an entry of the array).

    Parameters
    ----------
    term : Expr
        ``sym`` itself or ``sym[...]``.
    sym : Sym
        Declared symbol.

    Returns
    -------
    tuple of Rel
    """
    d = sym.decl
    out = []
    if d.lo is not None:
        out.append(Rel(d.lo, "<" if d.lo_open else "<=", term))  # type: ignore[arg-type]
    if d.hi is not None:
        out.append(Rel(term, "<" if d.hi_open else "<=", d.hi))  # type: ignore[arg-type]
    return tuple(out)


def nodes(problem: Problem) -> set[type]:
    """Return the node types that occur in the goal.

    Parameters
    ----------
    problem : Problem
        Problem.

    Returns
    -------
    set of type
    """
    return {type(t) for t in subterms(problem.goal)}
