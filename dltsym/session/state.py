"""What a session knows: the declared names, and the hypotheses in force.

Names belong to one `Session` object (`SESSION`), as at a prompt. Hypotheses belong to a ``with given(...)`` block and
live in a context variable, so that threads and tasks do not see each other's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from dltsym.errors import NotationError, RecordError, UndeclaredSymbol, suggest
from dltsym.notation.scope import Scope
from dltsym.notation.tree import Decl, Expr, Rel, Sym
from dltsym.notation.walk import T, expand_lets, free_symbols, key
from dltsym.prove.problem import prepare
from dltsym.record import Premise, Source

RELATION = re.compile("[<>=\u2264\u2265\u2260]")
SHADOWED = ("beta", "delta", "gamma", "zeta")


@dataclass(frozen=True)
class Hyp:
    """A hypothesis with a name; with `cite` it comes from the literature and only steps that name it may use it."""

    name: str
    rel: Any
    cite: str = ""


@dataclass(frozen=True)
class Assumption:
    """One relation in force, with its name (may be empty) and its citation (empty for an ordinary hypothesis)."""

    rel: Rel
    name: str = ""
    cite: str = ""

    @property
    def hypothesis(self) -> Rel | Premise:
        """The same as a record would state it."""
        return Premise(self.name, self.rel, Source(self.cite)) if self.cite else self.rel


_IN_FORCE: ContextVar[tuple[Assumption, ...]] = ContextVar("hypotheses", default=())


class Session(Scope):
    """Declared names that may be declared anew, as at a prompt; what was written with an old one keeps its meaning."""

    def _add(self, decl: Decl) -> Sym:
        old = self.symbols.get(decl.name)
        if old is not None and old.decl == decl:
            return old
        if decl.name in SHADOWED:  # letters first, functions only where they are called
            if old is not None:
                self.drop(decl.name)
            self.symbols[decl.name] = Sym(decl)
            return self.symbols[decl.name]
        if old is None:
            return super()._add(decl)
        self.drop(decl.name)
        try:
            return super()._add(decl)
        except NotationError:
            self.symbols[decl.name] = old
            raise

    def users(self, name: str) -> list[str]:
        """Say what rests on a name.

        Parameters
        ----------
        name : str
            Declared name.

        Returns
        -------
        list of str
            Other names whose declaration mentions it, and hypotheses in force.
        """
        old = self.symbols[name]
        names = [s.name for s in self.symbols.values() if s != old and old in depends_on(s)]
        return names + [str(a.rel) for a in _IN_FORCE.get() if old in owned_symbols(a.rel)]

    def drop(self, name: str) -> None:
        """Forget a name.

        Parameters
        ----------
        name : str
            Declared name.

        Raises
        ------
        RecordError
            When another declared name or a hypothesis in force rests on it.
        """
        users = self.users(name)
        if users:
            raise RecordError(f"{name} cannot change now: {users[0]} rests on it")
        del self.symbols[name]

    def expression(self, what: Any) -> Expr:
        """Read an expression and make sure that its names are the declared ones.

        Parameters
        ----------
        what : str, Expr or number
            What to read.

        Returns
        -------
        Expr
        """
        return self._owned(self.read(what))

    def chain(self, what: Any) -> tuple[Rel, ...]:
        """Read a relation, or the links of a chain, and make sure that its names are the declared ones.

        Parameters
        ----------
        what : str or Rel
            What to read.

        Returns
        -------
        tuple of Rel
        """
        return tuple(self._owned(rel) for rel in self.relations(what))

    def _owned(self, node: Any) -> Any:
        for sym in sorted(owned_symbols(node), key=lambda s: s.name):
            if self.symbols.get(sym.name) != sym:
                why = " (it was declared anew since)" if sym.name in self.symbols else suggest(sym.name, self.symbols)
                raise UndeclaredSymbol(f"{node}: symbol {sym.name} is not declared in this session{why}")
        return node


def depends_on(sym: Sym) -> frozenset[Sym]:
    """Return the symbols in bounds, shape and definition of a symbol.

    Parameters
    ----------
    sym : Sym
        Declared symbol.

    Returns
    -------
    frozenset of Sym
    """
    d = sym.decl
    parts = [d.lo, d.hi, d.definition, *(e for pair in d.shape for e in pair)]
    return frozenset().union(*(free_symbols(e) for e in parts if e is not None))


def owned_symbols(node: T) -> frozenset[Sym]:
    """Return the free symbols of a tree and everything that their declarations mention.

    Parameters
    ----------
    node : Expr or Rel
        Tree.

    Returns
    -------
    frozenset of Sym
    """
    todo, found = set(free_symbols(node)) | set(free_symbols(expand_lets(node))), set()
    while todo:
        sym = todo.pop()
        found.add(sym)
        todo |= depends_on(sym) - found
    return frozenset(found)


SESSION = Session()


def hyp(name: str, rel: Any, cite: str = "") -> Hyp:
    """Name a hypothesis for `given`; with `cite` it is taken from the literature.

    Parameters
    ----------
    name : str
        Name for ``by=``.
    rel : str or Rel
        Relation, or chain of relations.
    cite : str
        Where it is proved. A step may use it only with ``by=name``, and is then graded ``cited``.

    Returns
    -------
    Hyp
    """
    return Hyp(name, rel, cite)


@contextmanager
def given(*what: Any) -> Iterator[tuple[Assumption, ...]]:
    """Put hypotheses in force inside a ``with`` block; blocks may be nested.

    Parameters
    ----------
    *what : str, Rel or Hyp
        Relations; text may be a chain such as ``"0 < q < p < 1"``.

    Yields
    ------
    tuple of Assumption
        Everything in force.

    Raises
    ------
    RecordError
        When two hypotheses have the same name, or one an empty name.
    """
    added = tuple(a for item in what for a in _assumed(item))
    taken = {a.name for a in _IN_FORCE.get() if a.name}
    for item in what:
        if isinstance(item, Hyp) and (item.name in taken or not item.name):
            raise RecordError(f"a hypothesis needs a name of its own, and {item.name!r} is not one")
        taken |= {item.name} if isinstance(item, Hyp) else set()
    token = _IN_FORCE.set((*_IN_FORCE.get(), *added))
    try:
        yield _IN_FORCE.get()
    finally:
        _IN_FORCE.reset(token)


@contextmanager
def cleared() -> Iterator[None]:
    """Put no hypothesis in force inside a ``with`` block.

    Yields
    ------
    None
    """
    token = _IN_FORCE.set(())
    try:
        yield
    finally:
        _IN_FORCE.reset(token)


def _assumed(item: Any) -> tuple[Assumption, ...]:
    if isinstance(item, Hyp):
        return tuple(Assumption(rel, item.name, item.cite) for rel in SESSION.chain(item.rel))
    return tuple(Assumption(rel) for rel in SESSION.chain(item))


def in_force() -> tuple[Assumption, ...]:
    """Return the hypotheses in force here.

    Returns
    -------
    tuple of Assumption
    """
    return _IN_FORCE.get()


def same_relation(a: Rel, b: Rel) -> bool:
    """Whether two relations state the same, up to the direction in which they are written.

    Parameters
    ----------
    a, b : Rel
        Relations.

    Returns
    -------
    bool
    """
    return key(prepare(a).goal) == key(prepare(b).goal)
