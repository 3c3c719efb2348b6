"""Walking trees: children, rebuilding, free symbols, capture-free substitution and canonical keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from dltsym.functions.table import FUNCTIONS
from dltsym.notation.folds import Binding
from dltsym.notation.matrices import MatrixNode
from dltsym.notation.remembered import digest as digest
from dltsym.notation.tree import (
    Add,
    Call,
    Const,
    Diff,
    Div,
    Expr,
    Index,
    Integral,
    Limit,
    Mul,
    Neg,
    Num,
    Pow,
    Rel,
    Sum,
    Sym,
    bound_symbol,
)

T = TypeVar("T", Expr, Rel)
B = TypeVar("B", bound=Expr)


def children(node: Expr | Rel) -> tuple[Expr, ...]:
    """Return the direct subexpressions of a node, bound variables excluded.

    Parameters
    ----------
    node : Expr or Rel
        Any node.

    Returns
    -------
    tuple of Expr

    Raises
    ------
    TypeError
        For anything that is not a node.
    """
    match node:
        case Num() | Const() | Sym():
            return ()
        case Neg(arg):
            return (arg,)
        case Add(args) | Mul(args) | Call(_, args):
            return args
        case Div(a, b) | Pow(a, b):
            return (a, b)
        case Rel(a, _, b):
            return (a, b)
        case Index(array, idx):
            return (array, *idx)
        case Sum(body, limits):
            return (body, *(e for _, lo, hi in limits for e in (lo, hi)))
        case Diff(body, var, _):
            return (body, var)
        case Integral(body, _, lo, hi):
            return (body, lo, hi)
        case Limit(body, _, point, _):
            return (body, point)
        case MatrixNode() | Binding():
            return node.parts
    raise TypeError(f"not a node: {node!r}")


def rebuild(node: T, new: tuple[Expr, ...]) -> T:
    """Return `node` with its children replaced, in the order of `children`.

    Parameters
    ----------
    node : Expr or Rel
        Any node.
    new : tuple of Expr
        As many expressions as `children` gives.

    Returns
    -------
    Expr or Rel

    Raises
    ------
    TypeError
        For anything that is not a node.
    """
    match node:
        case Num() | Const() | Sym():
            return node
        case Neg():
            return Neg(*new)
        case Add() | Mul():
            return type(node)(tuple(new))
        case Call(name, _):
            return Call(name, tuple(new))
        case Div() | Pow():
            return type(node)(*new)
        case Rel(_, op, _):
            return Rel(new[0], op, new[1])
        case Index():
            return Index(new[0], tuple(new[1:]))
        case Sum(_, limits):
            pairs = zip(new[1::2], new[2::2], strict=True)
            return Sum(new[0], tuple((v, lo, hi) for (v, _, _), (lo, hi) in zip(limits, pairs, strict=True)))
        case Diff(_, _, order):
            return Diff(new[0], new[1], order)
        case Integral(_, var, _, _):
            return Integral(new[0], var, new[1], new[2])
        case Limit(_, var, _, side):
            return Limit(new[0], var, new[1], side)
        case MatrixNode() | Binding():
            return node.with_parts(new)
    raise TypeError(f"not a node: {node!r}")


def binders(node: Expr | Rel) -> tuple[Sym, ...]:
    """Return the variables that `node` itself binds.

    Parameters
    ----------
    node : Expr or Rel
        Any node.

    Returns
    -------
    tuple of Sym
    """
    if isinstance(node, Sum):
        return tuple(v for v, _, _ in node.limits)
    if isinstance(node, Binding):
        return node.bound
    return (node.var,) if isinstance(node, Integral | Limit) else ()


def _scopes(node: Expr | Rel) -> Iterator[tuple[Expr, frozenset[Sym]]]:
    """Yield each child with the names bound by `node` that it sees."""
    if isinstance(node, Binding):
        yield from zip(node.parts, node.scopes, strict=True)
    else:
        own = frozenset(binders(node))
        yield from ((c, own) for c in children(node))


def subterms(node: Expr | Rel) -> Iterator[Expr | Rel]:
    """Yield `node` and everything below it, parents first.

    Parameters
    ----------
    node : Expr or Rel
        Any node.

    Yields
    ------
    Expr or Rel
    """
    todo: list[Expr | Rel] = [node]
    while todo:
        here = todo.pop()
        yield here
        todo.extend(reversed(children(here)))


def free_symbols(node: Expr | Rel) -> frozenset[Sym]:
    """Return the symbols that occur free in `node` (let-names count as symbols).

    Parameters
    ----------
    node : Expr or Rel
        Any node.

    Returns
    -------
    frozenset of Sym
    """
    if isinstance(node, Sym):
        return frozenset((node,))
    kept = vars(node)  # nodes never change, so each remembers what was found out about it
    if (found := kept.get("_free")) is None:
        found = kept["_free"] = frozenset().union(*(free_symbols(c) - own for c, own in _scopes(node)))
    return found


def transform(node: T, rule: Callable[[Expr], Expr]) -> T:
    """Apply `rule` to every expression bottom-up.

    Parameters
    ----------
    node : Expr or Rel
        Tree to rewrite.
    rule : callable
        Gets a node whose children are already rewritten.

    Returns
    -------
    Expr or Rel
    """
    out = _rebuilt(node, [transform(c, rule) for c in children(node)])
    return out if isinstance(out, Rel) else rule(out)


def substitute(node: T, mapping: Mapping[Sym, Expr]) -> T:
    """Replace free symbols; bound variables are renamed apart, so nothing is captured.

    Parameters
    ----------
    node : Expr or Rel
        Tree.
    mapping : dict of Sym to Expr
        Replacements, made at once.

    Returns
    -------
    Expr or Rel
    """
    if isinstance(node, Sym):
        return mapping.get(node, node)
    if free_symbols(node).isdisjoint(mapping):
        return node
    own = binders(node)
    if own:
        incoming = frozenset().union(*(free_symbols(e) for e in mapping.values()))
        if any(v in incoming or v in mapping for v in own):
            node = fresh_binders(node)
    return _rebuilt(node, [substitute(c, mapping) for c in children(node)])


def _rebuilt(node: T, new: Sequence[Expr]) -> T:
    """Return `node` with other children; itself when they are the same, for it remembers what is known about it."""
    return node if all(a is b for a, b in zip(children(node), new, strict=True)) else rebuild(node, tuple(new))


def fresh_binders(node: T) -> T:
    """Return `node` with the variables it binds renamed to fresh ones.

    Parameters
    ----------
    node : Sum, Integral, Limit or Binding
        A binding node.

    Returns
    -------
    Expr
    """
    return _renamed(node, {v: bound_symbol(v.name, v.decl.sort, v.decl.shape) for v in binders(node)})


def _renamed(node: T, new: Mapping[Sym, Sym]) -> T:
    if isinstance(node, Sum):
        limits = tuple((new.get(v, v), substitute(lo, new), substitute(hi, new)) for v, lo, hi in node.limits)
        return Sum(substitute(node.body, new), limits)
    if isinstance(node, Binding):
        seen = (substitute(c, {v: s for v, s in new.items() if v in own}) for c, own in _scopes(node))
        return node.with_bound(new).with_parts(tuple(seen))
    assert isinstance(node, Integral | Limit)
    return replace(node, body=substitute(node.body, new), var=new.get(node.var, node.var))


def apart(node: B) -> B:
    """Return `node` with variables it binds renamed that are called like another symbol in their scope.

    Parameters
    ----------
    node : Expr
        Any node, about to be printed.

    Returns
    -------
    Expr
    """
    new: dict[Sym, Sym] = {}
    for v in binders(node):
        around = {s for c, own in _scopes(node) if v in own for s in free_symbols(c)} | set(binders(node))
        names, k, name = {new.get(s, s).name for s in around - {v}}, 0, v.name
        while name in names:
            k += 1
            name = f"{v.name}_{k}"
        if k:
            new[v] = Sym(replace(v.decl, name=name))
    return _renamed(node, new) if new else node  # type: ignore[return-value]


def expand_lets(node: T) -> T:
    """Replace every let-name by its definition, all the way down.

    Parameters
    ----------
    node : Expr or Rel
        Tree.

    Returns
    -------
    Expr or Rel
    """
    lets = {s: expand_lets(s.decl.definition) for s in free_symbols(node) if s.decl.definition is not None}
    return substitute(node, lets) if lets else node


def expand_definitions(node: T, keep: frozenset[str] = frozenset()) -> T:
    """Replace every defined function by its definition, except the names in `keep`.

    Parameters
    ----------
    node : Expr or Rel
        Tree.
    keep : frozenset of str
        Function names to leave alone.

    Returns
    -------
    Expr or Rel
    """
    from dltsym.notation.parse import row_text

    def rule(e: Expr) -> Expr:
        if isinstance(e, Call) and e.name not in keep and FUNCTIONS[e.name].definition is not None:
            return expand_definitions(row_text(e, FUNCTIONS[e.name].definition or ""), keep)
        return e

    return transform(node, rule)


def key(node: Expr | Rel) -> str:
    """Return a text that two trees share exactly when they are equal up to names of bound variables.

    Parameters
    ----------
    node : Expr or Rel
        Tree.

    Returns
    -------
    str
    """
    return _key(node, {})


def _key(node: Expr | Rel, depth: dict[Sym, int]) -> str:
    if isinstance(node, Sym):
        if node in depth:
            return f"${depth[node]}"
        return f"{node.name}'{node.decl.uid}" if node.decl.uid else node.name
    if isinstance(node, Num):
        return str(node.value)
    if isinstance(node, Const):
        return f"#{node.name}"
    first = 1 + max(depth.values(), default=-1)
    slot = "" if depth and not free_symbols(node).isdisjoint(depth) else f"_key{first if _binds(node) else 0}"
    if slot and (found := vars(node).get(slot)) is not None:  # else it has numbers of variables bound outside
        return found
    names = {v: first + k for k, v in enumerate(binders(node))}
    parts = (_key(c, depth | {v: names[v] for v in own} if own else depth) for c, own in _scopes(node))
    out = f"({_tag(node)} {' '.join(parts)})"
    if slot:
        vars(node)[slot] = out
    return out


def _tag(node: Expr | Rel) -> str:
    match node:
        case Binding():
            return node.tag
        case Call(name, _) | Rel(_, name, _):
            return name
        case Diff():
            return f"d{node.order}"
        case Limit():
            return f"lim{node.side}"
    return type(node).__name__


def _binds(node: Expr | Rel) -> bool:
    """Whether something in a tree is bound there: then its key depends on how many binders are around it."""
    if (found := vars(node).get("_binds")) is None:
        found = vars(node)["_binds"] = bool(binders(node)) or any(map(_binds, children(node)))
    return found
