"""`Problem`: one relation to decide under hypotheses, in the form every engine takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache

from dltsym.errors import DltsymError
from dltsym.notation.binding import Binding
from dltsym.notation.calculus import evaluate_derivatives
from dltsym.notation.evaluate import evaluate_exact
from dltsym.notation.matrices import check_relation
from dltsym.notation.tree import Add, Call, Expr, Neg, Num, Rel, Sym
from dltsym.notation.walk import digest, expand_lets, free_symbols, key, subterms, transform

ZERO = Num(Fraction(0))


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

    def __hash__(self) -> int:
        kept = vars(self)  # it never changes
        if (found := kept.get("_hash")) is None:
            found = kept["_hash"] = hash((self.goal, self.given, self.facts, self.hint, self.written))
        return found

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
    def context(self) -> Problem:
        """The problem without its question: one object for all problems with these hypotheses, facts and symbols.

        Its goal mentions the symbols of the goal and says nothing. For what does not depend on the question.
        """
        written = None if self.written is None else free_symbols(self.written)
        return _context(self.given, self.facts, free_symbols(self.goal), written)

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

    def knowing(self, facts: Iterable[Fact]) -> Problem:
        """Return the problem with further facts.

        Parameters
        ----------
        facts : iterable of Fact
            Facts; those that are known already are left out.

        Returns
        -------
        Problem
        """
        more = tuple(replace(f, rel=normal(f.rel)) for f in facts)
        return replace(self, facts=tuple(dict.fromkeys((*self.facts, *more))))

    def stating(self, goal: Rel) -> Problem:
        """Return the problem with another goal as somebody writes it.

        Parameters
        ----------
        goal : Rel
            New goal; let-names and derivatives are carried out as `prepare` does.

        Returns
        -------
        Problem
        """
        return replace(self, goal=normal(goal), written=expand_lets(goal))


@lru_cache(maxsize=1024)
def _context(
    given: tuple[Rel, ...], facts: tuple[Fact, ...], goal: frozenset[Sym], written: frozenset[Sym] | None
) -> Problem:
    return Problem(_about(goal), given, facts, "", None if written is None else _about(written))


def _about(symbols: frozenset[Sym]) -> Rel:
    names: list[Sym] = sorted(symbols, key=lambda s: (s.name, s.decl.uid))
    total = Add((ZERO, *names))
    return Rel(total, "=", total)


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


def normal(rel: Rel) -> Rel:
    """Return a relation in the form that engines rely on.

    Parameters
    ----------
    rel : Rel
        Relation as written.

    Returns
    -------
    Rel
    """
    return check_relation(transform(evaluate_derivatives(expand_lets(rel)), at_end).flipped())


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
    return Problem(
        normal(goal),
        tuple(normal(r) for r in given),
        tuple(replace(f, rel=normal(f.rel)) for f in facts),
        hint,
        expand_lets(goal),
    )


def at_end(e: Expr) -> Expr:
    """Return the value of a function at an end of its domain, where it is not the value of its definition.

    ``0*log(0)`` is 0, so that ``kl_bernoulli(0, p)`` is ``-log(1 - p)`` and ``kl_bernoulli(1, p)`` is ``-log(p)``; both
    sides are real numbers for the same p.

    Parameters
    ----------
    e : Expr
        Node.

    Returns
    -------
    Expr
        ``e`` itself when it is no such call.
    """
    match e:
        case Call("kl_bernoulli", (q, p)) if (value := _rational(q)) in (0, 1):
            return Neg(Call("log", (p if value == 1 else Num(Fraction(1)) - p,)))
        case Call("xlogx" | "binary_entropy", (q,)) if _rational(q) in (0, 1):
            return Num(Fraction(0))
    return e


def _rational(e: Expr) -> Fraction | None:
    """Return the value of an expression without symbols, if it is rational."""
    if isinstance(e, Num):
        return e.value
    if free_symbols(e):
        return None
    try:
        return evaluate_exact(e, {})
    except DltsymError:
        return None


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
