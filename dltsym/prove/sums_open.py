"""Opening sums: a combination of sums over one range vanishes when its summand does, at every index in that range."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, product

from dltsym.notation.tree import Add, Div, Expr, Num, Rel, Sum, Sym, bound_symbol
from dltsym.notation.walk import free_symbols, key, substitute, subterms
from dltsym.prove.problem import Problem
from dltsym.prove.sums_domain import range_forms
from dltsym.prove.sums_frame import frame_of
from dltsym.prove.sums_linear import linear, to_expr
from dltsym.prove.sums_poly import Mono, Poly, to_tree
from dltsym.prove.verdict import Row

ZERO, ONE = Num(Fraction(0)), Num(Fraction(1))
MAX_CHOICES = 8
Prover = Callable[[Problem, bool], tuple[Row, ...] | None]
Limit = tuple[Sym, Expr, Expr]


@dataclass(frozen=True)
class Opened:
    """Terms ``c * Sum(f)`` at a fixed tuple of indices: the sum of all ``c*f``, the ranges, and how many tuples."""

    body: Expr
    ranges: tuple[Rel, ...]
    count: Expr | None


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
            found = _close(_open(mine, names), rest if spread else {}, problem, lambda p, d=deep: prove(p, d))
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


def _open(terms: Poly, chosen: Choice) -> Opened | None:
    """Write terms at fixed values of the chosen indices, which run over the same ranges."""
    limits = next(iter(chosen.values()))
    names = [bound_symbol(v.name) for v, _, _ in limits]
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
    return Opened(Add((*parts, ZERO)), tuple(ranges), count)


def _close(
    opened: Opened | None, rest: Poly, problem: Problem, prove: Callable[[Problem], tuple[Row, ...] | None]
) -> tuple[Row, ...] | None:
    """Prove that a summand vanishes, with everything else (if anything) spread over the terms of a non-empty range."""
    if opened is None:
        return None
    if not rest:
        return prove(problem.with_goal(Rel(opened.body, "=", ZERO), *opened.ranges))
    checked = _count_row(problem, opened)
    if checked is None or opened.count is None:
        return None
    body = Add((opened.body, Div(to_tree(rest), opened.count)))
    rows = prove(problem.with_goal(Rel(body, "=", ZERO), *opened.ranges))
    return None if rows is None else (checked, *rows)


def _count_row(problem: Problem, opened: Opened) -> Row | None:
    if opened.count is None or not linear(opened.count).whole:
        return None
    if not frame_of(problem, opened.count).holds(linear(opened.count).plus(-1)):
        return None
    return Row(str(Rel(ONE, "<=", opened.count)), "exact", "the sum is not empty")
