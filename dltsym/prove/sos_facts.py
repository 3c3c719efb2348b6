"""What a sum of squares certificate may use in a problem: its relations, declared bounds, and laws of its atoms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import Any

from dltsym.errors import DltsymError
from dltsym.functions.table import FUNCTIONS
from dltsym.notation.tree import Call, Const, Expr, Index, Pow, Rel, Sum, Sym
from dltsym.notation.walk import free_symbols
from dltsym.prove.problem import Problem, declared_bounds
from dltsym.prove.replay import sos as checker
from dltsym.prove.replay.side import integral, with_facts
from dltsym.prove.replay.sos import Constraint, Context
from dltsym.prove.replay.sos_laws import INCREASING, rows
from dltsym.prove.replay.sos_terms import Unreadable
from dltsym.prove.shapes import entries, quantified

MOST_TERMS, MOST_PAIRED, MOST_ATOMS, MOST_FACTS = 80, 4, 24, 90
Source = dict[str, Any]


@dataclass(frozen=True)
class Usable:
    """A constraint with where it comes from."""

    constraint: Constraint
    source: Source
    text: str


def collect(problem: Problem, expand: bool, sides: tuple[Rel, ...] = ()) -> tuple[Context, list[Usable]]:
    """Collect the constraints that the checker accepts; number 0 is the negated goal.

    Parameters
    ----------
    problem : Problem
        Problem.
    expand : bool
        Use definitions of functions, and laws of pairs of atoms.
    sides : tuple of Rel
        Relations that are proved already.

    Returns
    -------
    Context
        The checker's context with all atoms.
    list of Usable
        Constraints; the first one has no source.
    """
    ctx = checker.context(problem)
    ctx.store = with_facts(ctx.store, *sides)
    goal = checker.negation(problem.goal)
    out = [Usable(checker.polynomial(ctx, goal), {}, f"not {problem.goal}")]
    for source in _stated(ctx):
        _add(ctx, source, out)
    done: set[int] = set()
    while len(done) < min(len(ctx.terms.atoms), MOST_ATOMS) and len(out) < MOST_FACTS:
        number = min(set(range(len(ctx.terms.atoms))) - done)
        done.add(number)
        for source in _about(ctx, ctx.terms.atoms[number], expand):
            _add(ctx, source, out)
    for source in _pairs(ctx, expand):
        _add(ctx, source, out)
    return ctx, out


def _stated(ctx: Context) -> Iterator[Source]:
    yield from ({"given": k} for k in range(len(ctx.problem.given)))
    yield from ({"fact": k} for k in range(len(ctx.problem.facts)))


def _add(ctx: Context, source: Source, out: list[Usable]) -> None:
    """Add a constraint if the checker takes its source; what was read for one that it rejects is forgotten."""
    before = dict(ctx.terms.partial)
    try:
        rel = checker.source(ctx, source)
        if rel.op == "<" and integral(rel.lhs) and integral(rel.rhs):
            source = {**source, "whole": True}
            rel = checker.source(ctx, source)
        constraint = checker.polynomial(ctx, rel)
        usable = checker.undefined(ctx) is None
    except (DltsymError, Unreadable, IndexError, KeyError):
        usable = False
    if not usable:
        ctx.terms.partial.clear()
        ctx.terms.partial.update(before)
        return
    if len(constraint.poly) > MOST_TERMS or (constraint.poly.is_zero() and constraint.op != ">"):
        return
    if not any(u.constraint.op == constraint.op and u.constraint.poly == constraint.poly for u in out):
        out.append(Usable(constraint, source, str(rel)))


def _about(ctx: Context, e: Expr, expand: bool) -> Iterator[Source]:
    text = [str(e)]
    match e:
        case Sym():
            yield from ({"bound": text[0], "row": k} for k in range(len(declared_bounds(e))))
        case Index():
            yield from ({"law": "entry", "of": text, "row": k} for k in range(2))
            yield from _instances(ctx, e)
        case Sum():
            yield from ({"law": "sum", "of": text, "row": k} for k in range(2))
        case Const():
            yield from ({"law": "value", "of": text, "row": k} for k in range(2))
        case Pow():
            law = "root" if not free_symbols(e.exponent) else "power"
            yield from ({"law": law, "of": text, "row": k} for k in range(2 if law == "root" else 5))
        case Call():
            names = ["table", "bound", "beside", *(["logs", "definition"] if expand else [])]
            names += [] if free_symbols(e) else ["value"]
            for name in names:
                yield from ({"law": name, "of": text, "row": k} for k in range(len(rows(name, (e,)))))


def _instances(ctx: Context, e: Index) -> Iterator[Source]:
    """Hypotheses about every entry of an array, at one entry."""
    known = [("given", k, r) for k, r in enumerate(ctx.problem.given)]
    known += [("fact", k, f.rel) for k, f in enumerate(ctx.problem.facts)]
    for kind, k, rel in known:
        every = quantified(rel)
        for pattern in dict.fromkeys(entries(rel)) if every else ():
            if pattern.array != e.array:
                continue
            at = {p: i for p, i in zip(pattern.idx, e.idx, strict=True) if p in every}
            if set(at) == set(every) and any(p != i for p, i in at.items()):
                yield {kind: k, "at": {p.name: str(i) for p, i in at.items() if isinstance(p, Sym)}}


def _pairs(ctx: Context, expand: bool) -> Iterator[Source]:
    calls: dict[str, list[Call]] = {}
    for e in list(ctx.terms.atoms):
        if isinstance(e, Call) and e.name in INCREASING and len(FUNCTIONS[e.name].args) == 1:
            calls.setdefault(e.name, []).append(e)
    for name, group in calls.items():
        for a, b in permutations(group[:MOST_PAIRED], 2):
            yield from ({"law": "order", "of": [str(a), str(b)], "row": k} for k in range(2))
            if expand and name in ("exp", "log"):
                yield {"law": "tangent", "of": [str(a), str(b)], "row": 0}
        for a, b in combinations(group[:MOST_PAIRED], 2) if expand else ():
            yield {"law": "increasing", "of": [str(a), str(b)], "row": 0}
            if name == "exp":
                yield {"law": "product", "of": [str(a), str(b)], "row": 0}


def relevant(found: list[Usable]) -> list[Usable]:
    """Keep the constraints that share an atom with the negated goal, directly or through others.

    Parameters
    ----------
    found : list of Usable
        Constraints, the negated goal first.

    Returns
    -------
    list of Usable
    """
    used = [{k for k, d in enumerate(u.constraint.poly.degrees()) if d > 0} for u in found]
    reached, kept = set(used[0]), {0}
    grown = True
    while grown:
        grown = False
        for k, own in enumerate(used):
            if k not in kept and (not own or own & reached):
                kept.add(k)
                reached |= own
                grown = True
    return [found[k] for k in sorted(kept)]
