"""What a question may rest on: the relations of a problem with their names, and the index symbols that are fixed."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from dltsym.notation.tree import Rel, Sym
from dltsym.notation.walk import digest, free_symbols, key
from dltsym.prove.atoms import Store
from dltsym.prove.axioms import closure
from dltsym.prove.problem import Problem, repr_decl


def store_of(problem: Problem) -> Store:
    """Return the relations of a problem, each with its name in messages.

    Parameters
    ----------
    problem : Problem
        Problem.

    Returns
    -------
    Store
    """
    return _store_of(problem.context)


@lru_cache(maxsize=1024)
def _store_of(problem: Problem) -> Store:
    given = [(str(r), r) for r in problem.given]
    facts = [(f"{f.name}: {f.rel}", f.rel) for f in problem.facts]
    goals = [problem.goal] if problem.written is None else [problem.goal, problem.written]
    fixed = frozenset(closure(s for g in goals for s in free_symbols(g)))
    return make_store((*given, *facts), fixed)


def make_store(rels: Iterable[tuple[str, Rel]], fixed: frozenset[Sym]) -> Store:
    """Build a store; its key covers relations, the domains of their symbols and the fixed indices.

    Parameters
    ----------
    rels : iterable of (str, Rel)
        Relations with names.
    fixed : frozenset of Sym
        Index symbols that stand for one fixed index.

    Returns
    -------
    Store
    """
    rels = tuple((name, r.flipped()) for name, r in rels)
    texts = [key(r) for _, r in rels]
    marks = sorted(s.name for s in fixed)
    return Store(digest(*texts, "domains", *domains([r for _, r in rels]), "fixed", *marks), rels, fixed)


def domains(rels: Iterable[Rel]) -> list[str]:
    """Return texts of the domains of all symbols of some relations, and of the symbols that those mention.

    Parameters
    ----------
    rels : iterable of Rel
        Relations.

    Returns
    -------
    list of str
    """
    found: set[Sym] = set()
    todo = {s for r in rels for s in free_symbols(r)}
    while todo:
        s = todo.pop()
        if s not in found:
            found.add(s)
            d = s.decl
            ends = [b for b in (d.lo, d.hi, *(e for pair in d.shape for e in pair)) if b is not None]
            todo |= {t for b in ends for t in free_symbols(b)}
    return sorted(map(repr_decl, found))


@lru_cache(maxsize=4096)
def extended(store: Store, rel: Rel, local: tuple[Rel, ...]) -> Store:
    """Return a store with local hypotheses, in which the indices of `rel` and of those are fixed.

    Parameters
    ----------
    store : Store
        Store.
    rel : Rel
        The question.
    local : tuple of Rel
        Local hypotheses.

    Returns
    -------
    Store
    """
    fixed = store.fixed | frozenset(closure(s for r in (rel, *local) for s in free_symbols(r)))
    if not local and fixed == store.fixed:
        return store
    return make_store((*store.rels, *((str(r), r) for r in local)), fixed)
