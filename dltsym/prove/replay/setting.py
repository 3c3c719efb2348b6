"""What a certificate may use: the goal with its functions expanded, and the facts that hold wherever it is claimed.

Declared bounds of scalars become plain facts. ``names`` of a certificate gives fresh scalars (cells) in place of terms
such as ``X[k]``; the claim for every value of the cell is the stronger one. ``instances`` lists hypotheses on all
indices at the index where they are used, ``known`` lists relations that follow by the rules of `side`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dltsym.notation.parse import parse_expr, parse_relations
from dltsym.notation.tree import Decl, Expr, Index, Rel, Sym
from dltsym.notation.walk import T, children, expand_definitions, free_symbols, key, rebuild, substitute
from dltsym.prove.problem import Problem, bounds_of, declared_bounds
from dltsym.prove.replay import plain
from dltsym.prove.replay.defined import gap
from dltsym.prove.replay.place import Bad, Place, need
from dltsym.prove.replay.side import Store, integral

FIELDS = ("kind", "names", "instances", "known")


@dataclass(frozen=True)
class Setting:
    """The goal, and the place where it is claimed."""

    goal: Rel
    place: Place


def setting(problem: Problem, certificate: Mapping[str, Any], keep: frozenset[str] = frozenset()) -> Setting:
    """Build the setting of a certificate.

    Parameters
    ----------
    problem : Problem
        Prepared problem.
    certificate : mapping
        Certificate.
    keep : frozenset of str
        Defined functions to leave as calls in the goal.

    Returns
    -------
    Setting
    """
    names: dict[str, Expr] = {s.name: s for s in problem.symbols}
    facts = _facts(problem, certificate.get("instances", []), names)
    base = Store(facts)
    for text in certificate.get("known", []):
        (rel,) = parse_relations(text, names)
        need(gap(base, rel.lhs, rel.rhs) is None and base.follows(rel), f"{rel} does not follow")
        facts = (*facts, rel.flipped())
    cells: dict[str, Sym] = {}
    for name, text in certificate.get("names", {}).items():
        need(name.isidentifier() and name not in names, f"{name} is taken")
        term = parse_expr(text, names)
        need(not (isinstance(term, Sym) and term.decl.sort == "array"), "an array is no number")
        cells[plain.term(term)] = Sym(Decl(name, "real"))
        if isinstance(term, Index):
            facts = (*facts, *bounds_of(term, term.array))
    goal = expand_definitions(problem.goal, keep)
    moved = {key(r): r for r in (_moved(r, cells) for r in facts)}
    every = {**names, **{s.name: s for s in cells.values()}}
    return Setting(_moved(goal, cells), Place(every, Store(tuple(moved.values()))))


def _moved(node: T, cells: dict[str, Sym]) -> T:
    if not cells:
        return node
    if isinstance(node, Expr) and (cell := cells.get(plain.term(node))) is not None:
        return cell
    return rebuild(node, tuple(_moved(c, cells) for c in children(node)))


def _facts(problem: Problem, instances: list[Mapping[str, Any]], names: Mapping[str, Expr]) -> tuple[Rel, ...]:
    mine = _closure(free_symbols(problem.goal))
    scalars = [s for s in problem.symbols if s.decl.sort in ("real", "integer") or s in mine]
    facts = [b for s in scalars for b in declared_bounds(s)]
    facts += [r for r in problem.known if not _quantified(r)]
    base = Store(tuple(facts))
    for item in instances:
        (said,) = parse_relations(item["rel"], names)
        rel = next((r for r in problem.known if _term(r) == _term(said.flipped())), None)
        if rel is None:
            raise Bad(f"{said} is no hypothesis")
        at = {s: parse_expr(item["at"][s.name], names) for s in _quantified(rel)}
        need(set(item["at"]) == {s.name for s in at}, "an instance at other indices")
        for s, value in at.items():
            ends = [
                Rel(a, "<=", b) for a, b in ((s.decl.lo, value), (value, s.decl.hi)) if a is not None and b is not None
            ]
            inside = integral(value) and gap(base, value) is None and all(map(base.follows, ends))
            need(inside, f"{value} is not shown to lie in the range of {s}")
        facts.append(substitute(rel, at))
    return tuple(facts)


def _term(rel: Rel) -> tuple[str, str, str]:
    return plain.term(rel.lhs), rel.op, plain.term(rel.rhs)


def _quantified(rel: Rel) -> list[Sym]:
    return sorted((s for s in free_symbols(rel) if s.decl.sort == "index"), key=lambda s: s.name)


def _closure(symbols: frozenset[Sym]) -> set[Sym]:
    """Return symbols with those of their declared bounds: an index of the goal lies in its range."""
    found: set[Sym] = set()
    todo = list(symbols)
    while todo:
        s = todo.pop()
        if s not in found:
            found.add(s)
            d = s.decl
            todo += [t for b in (d.lo, d.hi) if b is not None for t in free_symbols(b)]
    return found
