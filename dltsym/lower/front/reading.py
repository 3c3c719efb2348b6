"""What a caller may hand to the compiler, as trees: trees, text, records, SymPy expressions, or several named ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dltsym.errors import NotationError, UnsupportedError, suggest
from dltsym.lower.front.inputs import mentioned, used
from dltsym.notation.parse import parse_expr
from dltsym.notation.scope import Scope
from dltsym.notation.tree import Expr, Rel, Sym
from dltsym.notation.walk import subterms
from dltsym.record import Theorem


@dataclass(frozen=True)
class Question:
    """What is compiled.

    Attributes
    ----------
    title : str
        For the header and for messages.
    outputs : mapping of str to Expr
        Results by name.
    symbols : tuple of Sym
        Symbols in the order of the arguments.
    given : tuple of Rel
        Hypotheses.
    theorem : Theorem or None
        The record, if there is one.
    free : frozenset of str
        Arrays whose entries may sum to anything, whatever the hypotheses say: those that something is differentiated
        by, for a derivative looks beside the simplex.
    """

    title: str
    outputs: Mapping[str, Expr]
    symbols: tuple[Sym, ...]
    given: tuple[Rel, ...]
    theorem: Theorem | None = None
    free: frozenset[str] = frozenset()


def question(what: Any, names: Any = None, of: str | None = None, given: Iterable[Any] = ()) -> Question:
    """Read what a caller handed in.

    Parameters
    ----------
    what : Expr, Theorem, mapping, str or sympy.Expr
        What to compile.
    names : Scope or mapping of str to Sym, optional
        Names for text.
    of : str, optional
        One of several outputs.
    given : iterable of Rel or str
        Further hypotheses.

    Returns
    -------
    Question

    Raises
    ------
    NotationError
        For something that is no expression.
    UnsupportedError
        When there is no such output.
    """
    scope = names.symbols if isinstance(names, Scope) else dict(names or {})
    theorem = what if isinstance(what, Theorem) else None
    if theorem is not None:
        scope = {**theorem.symbols, **scope}
    title = theorem.key or theorem.title if theorem is not None else ""
    many = theorem.outputs if theorem is not None else what if isinstance(what, Mapping) else {"value": what}
    if of is not None and of not in many:
        raise UnsupportedError(f"there is no output {of!r}; there are {', '.join(many)}{suggest(of, many)}")
    if not many:
        raise UnsupportedError(f"{title or 'this'} has no numeric output")
    many = many if of is None else {of: many[of]}
    outputs = _trees(many, scope)
    found = used(outputs.values())
    known = tuple(r for g in given for r in _relations(g, {**{s.name: s for s in found}, **scope}))
    if theorem is not None:
        known = (*(r for r in theorem.given if isinstance(r, Rel)), *known)
    if theorem is not None:
        order = {s.name: k for k, s in enumerate(theorem.symbols.values())}
        found = tuple(sorted(found, key=lambda s: order.get(s.name, len(order))))
    for s in found:
        if s.decl.sort == "foreign":
            raise NotationError(f"the symbol {s.name} is not declared")
    return Question(title, outputs, found, known, theorem)


def _trees(many: Mapping[str, Any], scope: Mapping[str, Sym]) -> dict[str, Expr]:
    foreign = {k: v for k, v in many.items() if _is_sympy(v)}
    if foreign:
        from dltsym.lower.front.sympy_input import trees

        if len(foreign) != len(many):
            raise NotationError("SymPy expressions and trees cannot be compiled together; convert the former first")
        return trees(foreign)
    return {name: _tree(v, scope) for name, v in many.items()}


def _tree(what: Any, scope: Mapping[str, Sym]) -> Expr:
    if isinstance(what, str):
        return parse_expr(what, dict(scope))
    if isinstance(what, Expr):
        return what
    raise NotationError(f"{type(what).__name__} {what!r} is no expression that can be compiled")


def _relations(what: Any, scope: Mapping[str, Sym]) -> tuple[Rel, ...]:
    if isinstance(what, Rel):
        return (what,)
    return Scope(dict(scope)).relations(what)


def _is_sympy(what: Any) -> bool:
    return any((c.__module__ or "").split(".")[0] == "sympy" for c in type(what).__mro__)


def output_axes(outputs: Mapping[str, Expr], axes: Any) -> dict[str, tuple[Sym, ...]]:
    """Return the indices that are the axes of each output.

    Parameters
    ----------
    outputs : mapping of str to Expr
        Results.
    axes : str, sequence of str or Sym, or mapping of output names to those
        Indices in order; those that are left out follow as they first occur. Empty for the order of occurrence.

    Returns
    -------
    dict of str to tuple of Sym

    Raises
    ------
    UnsupportedError
        When an axis is no free index of an output, or a free index is missing from `axes`.
    """
    out = {}
    for name, tree in outputs.items():
        wanted = axes.get(name, ()) if isinstance(axes, Mapping) else axes
        free = {s.name: s for s in indices(tree)}
        chosen = _names(wanted)
        if not chosen:
            out[name] = tuple(free.values())
            continue
        unknown = [a for a in chosen if a not in free]
        if isinstance(axes, Mapping) or len(outputs) == 1:
            missing = [a for a in free if a not in chosen]
            if unknown or missing or len(set(chosen)) != len(chosen):
                raise UnsupportedError(
                    f"axes {', '.join(chosen)}: the free indices of {name} are {', '.join(free) or 'none'}"
                )
        elif set(free) - set(chosen):
            raise UnsupportedError(f"axes {', '.join(chosen)}: the free indices of {name} are {', '.join(free)}")
        out[name] = tuple(free[a] for a in chosen if a in free)
    return out


def _names(axes: str | Sequence[Any]) -> tuple[str, ...]:
    items = axes.replace(",", " ").split() if isinstance(axes, str) else axes
    return tuple(a.name if isinstance(a, Sym) else str(a) for a in items)


def indices(tree: Expr) -> tuple[Sym, ...]:
    """Return the free indices of a tree as they occur.

    Parameters
    ----------
    tree : Expr
        Tree.

    Returns
    -------
    tuple of Sym
    """
    return tuple(dict.fromkeys(s for s in mentioned(tree) if s.decl.sort == "index" and not s.decl.uid))


def letters(outputs: Iterable[Expr]) -> dict[tuple[str, int], str]:
    """Return the index that first stands in each dimension of each array, for messages.

    Parameters
    ----------
    outputs : iterable of Expr
        Trees.

    Returns
    -------
    dict
        From array name and dimension to the name of an index.
    """
    from dltsym.notation.tree import Index

    found: dict[tuple[str, int], str] = {}
    todo: list[Any] = list(outputs)
    seen: set[int] = set()
    while todo:
        tree = todo.pop(0)
        for t in subterms(tree):
            if isinstance(t, Sym) and t.decl.definition is not None and id(t.decl) not in seen:
                seen.add(id(t.decl))
                todo.append(t.decl.definition)
            if isinstance(t, Index):
                for k, i in enumerate(t.idx):
                    if isinstance(i, Sym):
                        found.setdefault((t.array.name, k), i.name)
    return found
