"""Opening sums: a combination of sums over one range vanishes when its summand does, at every index in that range."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import count, islice, product

from dltsym.notation.tree import Add, Div, Expr, Index, Num, Rel, Sum, Sym, bound_symbol
from dltsym.notation.walk import free_symbols, key, substitute, subterms
from dltsym.prove.axioms import closure
from dltsym.prove.problem import Problem
from dltsym.prove.sums_domain import range_forms
from dltsym.prove.sums_frame import frame_of, in_ranges
from dltsym.prove.sums_linear import linear, to_expr
from dltsym.prove.sums_poly import Mono, Poly, to_tree
from dltsym.prove.verdict import Row

ZERO, ONE = Num(Fraction(0)), Num(Fraction(1))
MAX_CHOICES = 8
Prover = Callable[[Problem, bool], tuple[Row, ...] | None]
Limit = tuple[Sym, Expr, Expr]


@dataclass(frozen=True)
class Opened:
    """Terms ``c * Sum(f)`` at fixed `indices`: the sum of all ``c*f``, the ranges, and how many tuples."""

    body: Expr
    ranges: tuple[Rel, ...]
    count: Expr | None
    indices: tuple[Sym, ...]


def vanishes(left: Poly, problem: Problem, prove: Prover) -> tuple[Row, ...] | None:
    """Prove that a linear combination of sums is zero, by opening sums that run over the same range.

    First the sums over one domain, all indices at once. Then one index of each sum, so that a double sum meets a single
    one: ``Sum(h(r, c)/Z(r), r, c)`` becomes ``Sum(h(r, c), c)/Z(r)`` at a fixed r.

    Parameters
    ----------
    left : dict
        Combination, in expanded form.
    problem : Problem
        Where hypotheses and declarations come from.
    prove : callable
        Proves the goal of a problem about one summand, and returns the rows, or None; it is also told whether it may
        open sums in turn.

    Returns
    -------
    tuple of Row or None
        The rows, or None: unknown.
    """
    rows: list[Row] = []
    # From cheap to dear: without opening further sums, without spreading the rest.
    for deep, spread, groups in product((False, True), (False, True), (_whole, _outer)):
        for names in groups(left):
            mine = {m: c for m, c in left.items() if m in names}
            rest = {m: c for m, c in left.items() if m not in names}
            if len(mine) < len(names) or (spread and not rest):
                continue  # a term of this group was dealt with before
            found = _close(_open(mine, names, problem), rest if spread else {}, problem, lambda p, d=deep: prove(p, d))
            if found is not None:
                rows, left = [*rows, *found], {} if spread else rest
            if not left:
                return tuple(dict.fromkeys(rows))
    return None


Choice = dict[Mono, tuple[Limit, ...]]


def _whole(left: Poly) -> Iterator[Choice]:
    """Group terms by the whole domain of their sum."""
    groups: dict[str, Choice] = {}
    for m in left:
        if (s := the_sum(m)) is not None:
            groups.setdefault(key(Sum(ZERO, s.limits)), {})[m] = s.limits
    for name in sorted(groups):
        yield groups[name]


def _outer(left: Poly) -> Iterator[Choice]:
    """Group terms by one range that an index of their sum has; first with only the sums that favour this range."""
    groups: dict[str, dict[Mono, list[Limit]]] = {}
    first: dict[Mono, str] = {}
    for m in left:
        s = the_sum(m)
        for v, lo, hi in _candidates(s) if s is not None else ():
            name = key(Sum(ZERO, ((v, lo, hi),)))
            first.setdefault(m, name)
            groups.setdefault(name, {}).setdefault(m, []).append((v, lo, hi))
    for whole in (False, True):
        for name in sorted(groups):
            group = {m: found for m, found in groups[name].items() if whole or first[m] == name}
            if not any(len(the_sum(m).limits) > 1 for m in group):  # type: ignore[union-attr]
                continue
            for chosen in islice(product(*group.values()), MAX_CHOICES if whole else 1):
                yield {m: (limit,) for m, limit in zip(group, chosen, strict=True)}


def _candidates(s: Sum) -> list[Limit]:
    """Return the indices that can be fixed first, those on which an inner sum depends in front."""
    bound = {v for v, _, _ in s.limits}
    inner = {v for t in subterms(s.body) if isinstance(t, Sum) for v in free_symbols(t)}
    free = [(v, lo, hi) for v, lo, hi in s.limits if not (free_symbols(lo) | free_symbols(hi)) & bound]
    return sorted(free, key=lambda limit: limit[0] not in inner)


def the_sum(mono: Mono) -> Sum | None:
    """Return the only sum of a term that may be opened; None when there is none, or several, or a power of one.

    Parameters
    ----------
    mono : tuple
        Term.

    Returns
    -------
    Sum or None
    """
    found = [(a.expr, e) for a, e in mono if isinstance(a.expr, Sum) and e.denominator == 1 and e > 0]
    if len(found) != 1 or found[0][1] != 1:
        return None
    return found[0][0]  # type: ignore[return-value]


@lru_cache(maxsize=1024)
def _index(name: str, number: int) -> Sym:
    """Return the same symbol each time, so that summands of many goals are the same."""
    return bound_symbol(name)


def _unused(indices: list[Sym], taken: set[Sym]) -> list[Sym]:
    out: list[Sym] = []
    for v in indices:
        out.append(next(s for k in count() if (s := _index(v.name, k)) not in taken and s not in out))
    return out


def _open(terms: Poly, chosen: Choice, problem: Problem) -> Opened | None:
    """Write terms at fixed values of the chosen indices, which run over the same ranges."""
    limits = next(iter(chosen.values()))
    shown = [t for mono in terms for a, _ in mono for t in subterms(a.expr)]
    bound = {v for t in shown if isinstance(t, Sum) for v, _, _ in t.limits}
    names = _unused([v for v, _, _ in limits], {*problem.symbols, *bound, *(t for t in shown if isinstance(t, Sym))})
    parts: list[Expr] = []
    for mono, c in terms.items():
        s = the_sum(mono)
        assert s is not None
        to: dict[Sym, Expr] = dict(zip((v for v, _, _ in chosen[mono]), names, strict=True))
        others = to_tree({tuple((a, e) for a, e in mono if a.expr is not s): c})
        kept = tuple(limit for limit in s.limits if limit[0] not in to)
        parts.append(others * substitute(Sum(s.body, kept) if kept else s.body, to))
    to = dict(zip((v for v, _, _ in limits), names, strict=True))
    ranges: list[Rel] = []
    for v, lo, hi in limits:
        if range_forms(v, lo, hi) is None:
            return None
        ranges += [Rel(substitute(lo, to), "<=", to[v]), Rel(to[v], "<=", substitute(hi, to))]
    count = to_expr(linear(limits[0][2]) - linear(limits[0][1]) + linear(ONE)) if len(limits) == 1 else None
    return Opened(Add((*parts, ZERO)), tuple(ranges), count, tuple(names))


def _close(
    opened: Opened | None, rest: Poly, problem: Problem, prove: Callable[[Problem], tuple[Row, ...] | None]
) -> tuple[Row, ...] | None:
    """Prove that a summand vanishes, with everything else (if anything) spread over the terms of a non-empty range."""
    if opened is None:
        return None
    here = opened.ranges + at_each(problem, opened)
    if not rest:
        return prove(problem.with_goal(Rel(opened.body, "=", ZERO), *here))
    checked = _count_row(problem, opened)
    if checked is None or opened.count is None:
        return None
    body = Add((opened.body, Div(to_tree(rest), opened.count)))
    rows = prove(problem.with_goal(Rel(body, "=", ZERO), *here))
    return None if rows is None else (checked, *rows)


def at_each(problem: Problem, opened: Opened) -> tuple[Rel, ...]:
    """Return the equations about every index, at the index that is opened, where that lies in their range.

    Parameters
    ----------
    problem : Problem
        Where hypotheses and facts come from.
    opened : Opened
        Summand at a fixed index; nothing is returned for several.

    Returns
    -------
    tuple of Rel
        Without those about array entries: these are used as definitions.
    """
    if len(opened.indices) != 1:
        return ()
    (at,) = opened.indices
    frame = frame_of(problem, opened.body).inside(linear(r.rhs) - linear(r.lhs) for r in opened.ranges)
    out = []
    for rel in problem.known:
        every = closure(free_symbols(rel))
        plain = not any(isinstance(t, Index) for t in subterms(rel))
        if rel.op == "=" and len(every) == 1 and plain and in_ranges({every[0]: at}, frame, "a fact at one index"):
            out.append(substitute(rel, {every[0]: at}))
    return tuple(out)


def _count_row(problem: Problem, opened: Opened) -> Row | None:
    if opened.count is None or not linear(opened.count).whole:
        return None
    if not frame_of(problem, opened.count).holds(linear(opened.count).plus(-1)):
        return None
    return Row(str(Rel(ONE, "<=", opened.count)), "exact", "the sum is not empty")
