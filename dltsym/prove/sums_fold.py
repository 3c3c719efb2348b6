"""Sums over index domains: merging, delta elimination, counting, splitting, and a canonical name for what is left.

A sum runs over the integer points of a set of linear constraints. Every rule below is an identity of such sums; a shape
that no rule understands stays as it is, as an opaque atom.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import permutations, product

from dltsym.notation.tree import Call, Decl, Expr, Index, Sum, Sym, bound_symbol
from dltsym.notation.walk import binders, children, free_symbols, fresh_binders, key, rebuild, substitute, subterms
from dltsym.prove import sums_read
from dltsym.prove.sums_closed import compose, edges, power_range, power_sum, triangle
from dltsym.prove.sums_domain import bounds, empty, has_index_atom, limits, nonempty, range_forms, reduce_forms
from dltsym.prove.sums_frame import Frame, Known, defined, in_ranges, total
from dltsym.prove.sums_linear import INTEGER_SORTS, Linear, at_least_zero, implied, linear, to_expr, unsatisfiable
from dltsym.prove.sums_pieces import outermost
from dltsym.prove.sums_poly import (
    Mono,
    Poly,
    TooBig,
    add,
    multiply,
    scale,
    single,
    sort_tree,
    to_tree,
)

MAX_INDICES, MAX_COPIES = 5, 4
Forms = tuple[Linear, ...]


def read_sum(expr: Sum, frame: Frame) -> Poly:
    """Return the expanded form of a sum node.

    Parameters
    ----------
    expr : Sum
        Sum with any limits.
    frame : Frame
        What is known around it.

    Returns
    -------
    dict
    """
    return _inner_sum(expr, frame) if frame.scope else outermost(expr, frame, _inner_sum)


def _inner_sum(expr: Sum, frame: Frame) -> Poly:
    expr = _renamed(expr)
    indices, forms = _domain(expr)
    if forms is None or has_index_atom(forms, indices):
        return single(expr)  # infinite, or a range such as i**2 <= n
    if empty(indices, forms, frame.facts):
        return {}
    return fold(sums_read.read(expr.body, frame.inside(forms)), indices, forms, frame)


def _renamed(expr: Sum) -> Sum:
    out = fresh_binders(expr)
    assert isinstance(out, Sum)
    return out


def _domain(expr: Sum) -> tuple[tuple[Sym, ...], Forms | None]:
    forms: list[Linear] = []
    indices = tuple(v for v, _, _ in expr.limits)
    for v, lo, hi in expr.limits:
        pair = range_forms(v, lo, hi)
        if pair is None:
            return indices, None
        forms += pair
    return indices, tuple(forms)


def fold(body: Poly, indices: Sequence[Sym], forms: Iterable[Linear], frame: Frame) -> Poly:
    """Sum an expanded body over the points of a domain.

    Parameters
    ----------
    body : dict
        Summand.
    indices : sequence of Sym
        Bound indices, unique.
    forms : iterable of Linear
        Domain, each form ``>= 0``.
    frame : Frame
        What is known around the sum.

    Returns
    -------
    dict

    Raises
    ------
    TooBig
        When there are too many indices.
    """
    if len(indices) > 2 * MAX_INDICES:
        raise TooBig(f"{len(indices)} indices in one sum")
    forms = tuple(forms)
    if empty(indices, forms, frame.facts):
        return {}
    domain = tuple(reduce_forms(forms, frame.facts))
    if not all(map(all, (bounds(v, domain) for v in indices))) and unsatisfiable((*forms, *frame.facts)):
        return {}  # the empty domain: contradictory constraints imply each other away
    return add(*(scale(_term(m, tuple(indices), domain, frame), c) for m, c in body.items()))


def _term(mono: Mono, indices: tuple[Sym, ...], forms: Forms, frame: Frame) -> Poly:
    if not indices:
        return {mono: Fraction(1)}
    for rule in (_merge, _delta, _unused, _shift, _ends, _known):
        out = rule(mono, indices, forms, frame)
        if out is not None:
            return out
    return _split(mono, indices, forms, frame)


def _merge(mono: Mono, indices: tuple[Sym, ...], forms: Forms, frame: Frame) -> Poly | None:
    """Unite an inner sum that depends on an outer index with the outer sum; a power becomes fresh copies."""
    for k, (a, e) in enumerate(mono):
        inner = a.expr
        if not isinstance(inner, Sum) or not free_symbols(inner) & set(indices):
            continue
        if e.denominator != 1 or not 1 <= e <= MAX_COPIES:
            continue
        rest: Poly = {(*mono[:k], *mono[k + 1 :]): Fraction(1)}
        more: list[Sym] = []
        added: list[Linear] = []
        for _ in range(e.numerator):
            copy = _renamed(inner)
            own, ranges = _domain(copy)
            if ranges is None or has_index_atom(ranges, (*own, *indices)):
                return None
            more += own
            added += ranges
            here = frame.inside((*forms, *added))
            rest = multiply(rest, sums_read.read(copy.body, here))
        return fold(rest, (*indices, *more), (*forms, *added), frame)
    return None


def _delta(mono: Mono, indices: tuple[Sym, ...], forms: Forms, frame: Frame) -> Poly | None:
    """Use ``delta(i, o)``: substitute ``i := o`` where o lies in the range of i (a row) or can be constrained to."""
    for k, (a, e) in enumerate(mono):
        if not (isinstance(a.expr, Call) and a.expr.name == "delta" and e == 1):
            continue
        gap = linear(a.expr.args[0]) - linear(a.expr.args[1])
        for v in indices:
            if abs(gap.coefficient(v)) != 1 or not gap.whole or has_index_atom((gap,), (v,)):
                continue
            there = linear(v) - gap.scaled(gap.coefficient(v))
            out = _pin(v, there, {(*mono[:k], *mono[k + 1 :]): Fraction(1)}, indices, forms, frame)
            if out is not None:
                return out
    return None


def _pin(v: Sym, there: Linear, rest: Poly, indices: tuple[Sym, ...], forms: Forms, frame: Frame) -> Poly | None:
    left = tuple(i for i in indices if i != v)
    target = to_expr(there)
    kept: list[Linear] = []
    for f in forms:
        g = linear(substitute(to_expr(f), {v: target}))
        if g.symbols & set(left):
            kept.append(g)
        elif implied(frame.facts, g.scaled(-1).plus(-1)):
            frame.note(f"not {at_least_zero(g)}", "exact", f"{v.name} = {target} is outside the range of the sum")
            return {}
        elif not frame.holds(g, f"{v.name} = {target} lies in the range of the sum"):
            return None
    here = frame.inside(kept)
    return fold(sums_read.rename(rest, {v: target}, here), left, kept, frame)


def _unused(mono: Mono, indices: tuple[Sym, ...], forms: Forms, frame: Frame) -> Poly | None:
    """Count an index that the summand does not mention: a factor ``hi - lo + 1`` where that is not negative."""
    used = frozenset().union(*(free_symbols(a.expr) for a, _ in mono))
    for v in indices:
        lows, highs = bounds(v, forms)
        if v in used or len(lows) != 1 or len(highs) != 1 or not (lows[0].whole and highs[0].whole):
            continue
        others = [f for f in forms if not f.coefficient(v)]
        left = tuple(i for i in indices if i != v)
        size = highs[0] - lows[0]
        if not implied((*frame.facts, *others), size.plus(1)):
            if not size.symbols & set(left):
                continue
            others.append(size)  # where the range of v is empty, nothing is added
        elif not size.symbols & set(left):
            frame.holds(size.plus(1), "number of terms of a sum")
        if not _separable(mono, indices, forms, frame):
            continue
        count = sums_read.read(to_expr(size.plus(1)), frame)
        return fold(multiply({mono: Fraction(1)}, count), left, others, frame)
    return None


def _shift(mono: Mono, indices: tuple[Sym, ...], forms: Forms, frame: Frame) -> Poly | None:
    """Fix the origin of every index: least offset 0 in array entries, or lower bound 1 where it indexes no array."""
    for v in indices:
        lows, _ = bounds(v, forms)
        offsets = _offsets(mono, v)
        step = -min(offsets) if offsets else 0
        if not offsets and len(lows) == 1 and not lows[0].terms and lows[0].whole:
            step = int(lows[0].const) - 1
        if step:
            target = to_expr(linear(v).plus(step))
            moved = [linear(substitute(to_expr(f), {v: target})) for f in forms]
            body = sums_read.rename({mono: Fraction(1)}, {v: target}, frame.inside(moved))
            return fold(body, indices, moved, frame)
    return None


def _offsets(mono: Mono, v: Sym) -> list[int]:
    entries = [i for a, _ in mono for t in subterms(a.expr) if isinstance(t, Index) for i in t.idx]
    return [int(f.const) for i in entries if (f := linear(i)).coefficient(v) == 1 and f.whole]


def _ends(mono: Mono, indices: tuple[Sym, ...], forms: Forms, frame: Frame) -> Poly | None:
    """Move the ends of a range to ``1`` (or a symbol) and to a symbol, and correct by single terms."""
    for v in indices:
        lows, highs = bounds(v, forms)
        mine = tuple(f for f in forms if f.coefficient(v))
        if len(lows) != 1 or len(highs) != 1 or len(mine) != 2 or not (lows[0].whole and highs[0].whole):
            continue
        for edge in edges(v, lows[0], highs[0]):
            others = tuple(f for f in forms if f not in mine)
            terms = [to_tree({mono: Fraction(1)})] if edge.inside else [to_tree({(t,): Fraction(1)}) for t in mono]
            if not (edge.inside or all(defined(t, frame) for t in terms)) or not frame.holds(edge.needs):
                continue
            frame.holds(edge.needs, "moving the end of a sum")
            out = fold({mono: Fraction(1)}, indices, (*others, *edge.forms), frame)
            left = tuple(i for i in indices if i != v)
            here = frame.inside(others)
            for at in edge.at:
                term = sums_read.rename({mono: Fraction(1)}, {v: to_expr(at)}, here)
                out = add(out, scale(fold(term, left, others, frame), 1 if edge.inside else -1))
            return out
    return None


def _known(mono: Mono, indices: tuple[Sym, ...], forms: Forms, frame: Frame) -> Poly | None:
    """Carry out the sum over one index when a hypothesis says what it is for all values of the others."""
    plain = replace(frame, sums=())
    for v in indices if frame.sums else ():
        mine = tuple((a, e) for a, e in mono if v in free_symbols(a.expr))
        others = tuple(f for f in forms if not f.coefficient(v))
        here = plain.inside(others)
        inner = fold({mine: Fraction(1)}, (v,), [f for f in forms if f.coefficient(v)], here)
        value = _value(inner, here, frame.sums)
        if value is None or not _separable(mono, indices, forms, frame):
            continue
        rest = tuple((a, e) for a, e in mono if v not in free_symbols(a.expr))
        return fold(multiply({rest: Fraction(1)}, value), tuple(i for i in indices if i != v), others, frame)
    return None


def _value(inner: Poly, here: Frame, known: tuple[Known, ...]) -> Poly | None:
    """Return the value of ``c * Sum(...)`` when the sum is an instance of a known one."""
    if len(inner) != 1:
        return None
    ((mono, c),) = inner.items()
    sums = [a for a, e in mono if isinstance(a.expr, Sum) and e == 1]
    if len(sums) != 1:
        return None
    others = {tuple((a, e) for a, e in mono if a != sums[0]): c}
    shown = free_symbols(sums[0].expr)
    free = sorted((s for s in shown if s.decl.sort in INTEGER_SORTS), key=lambda s: s.name)
    defined_by = frozenset().union(*(free_symbols(r.rhs) for r in here.rules))
    for k in known:
        if not shown <= free_symbols(k.total) | defined_by | set(free):
            continue  # its form cannot be that of a total without some of its symbols
        for values in product(free, repeat=len(k.indices)) if len(k.indices) <= 2 else ():
            at: dict[Sym, Expr] = dict(zip(k.indices, values, strict=True))
            same = sums_read.read(substitute(k.total, at), here) == {((sums[0], Fraction(1)),): Fraction(1)}
            if same and in_ranges(at, here, "index of a sum that a hypothesis gives"):
                return multiply(others, sums_read.read(substitute(k.value, at), here))
    return None


def _split(mono: Mono, indices: tuple[Sym, ...], forms: Forms, frame: Frame) -> Poly:
    """Write a sum as a product over connected components of its factors and constraints."""
    if not _separable(mono, indices, forms, frame):
        return _name(mono, indices, forms, frame)
    groups = _components([free_symbols(a.expr) for a, _ in mono] + [f.symbols for f in forms], indices)
    free = tuple((a, e) for a, e in mono if not free_symbols(a.expr) & set(indices))
    out: Poly = {free: Fraction(1)}
    for own in groups:
        factors = tuple((a, e) for a, e in mono if free_symbols(a.expr) & set(own))
        ranges = tuple(f for f in forms if f.symbols & set(own))
        out = multiply(out, _name(factors, own, ranges, frame))
    return out


def _separable(mono: Mono, indices: tuple[Sym, ...], forms: Forms, frame: Frame) -> bool:
    """Trap: ``Sum(1/c)`` over an empty range is 0 even for c = 0; so a partial factor leaves only a non-empty sum."""
    if all(total(a.expr) and e.denominator == 1 and e > 0 for a, e in mono):
        return True
    if nonempty(indices, forms, frame.facts):
        return True
    # Not inside the range: an empty range would prove anything.
    return all(defined(to_tree({((a, e),): Fraction(1)}), frame) for a, e in mono)


def _components(links: Iterable[Iterable[Sym]], indices: tuple[Sym, ...]) -> list[tuple[Sym, ...]]:
    home = {v: k for k, v in enumerate(indices)}
    for link in links:
        mine = [home[v] for v in indices if v in link]
        for v in indices:
            if home[v] in mine:
                home[v] = min(mine)
    return [tuple(v for v in indices if home[v] == k) for k in sorted(set(home.values()))]


def _name(mono: Mono, indices: tuple[Sym, ...], forms: Forms, frame: Frame) -> Poly:
    """Return one component as a canonical `Sum` node."""
    body: Poly = {mono: Fraction(1)}
    top = power_range(mono, indices, forms)
    if top is not None and frame.holds(top, "number of terms of a power sum"):
        return compose(power_sum(mono[0][1].numerator), sums_read.read(to_expr(top), frame))
    half = triangle(mono, indices, forms, lambda e: _tidy(e, frame.facts))
    if half is not None:
        (i, j), square, diagonal = half.indices, half.square, half.diagonal
        full = fold(body, (i, j), square, frame)
        equal = fold(sums_read.rename(body, {j: i}, frame.inside(diagonal)), (i,), diagonal, frame)
        return scale(add(full, scale(equal, -1 if half.strict else 1)), Fraction(1, 2))
    return single(canonical(to_tree({mono: Fraction(1)}), indices, forms, frame.facts))


def canonical(body: Expr, indices: Sequence[Sym], forms: Forms, facts: Forms) -> Sum:
    """Return the sum whose text is least among all orders of its indices, named by nesting height.

    Parameters
    ----------
    body : Expr
        Summand.
    indices : sequence of Sym
        Bound indices.
    forms, facts : tuple of Linear
        Domain and what is known around it.

    Returns
    -------
    Sum

    Raises
    ------
    TooBig
        When an index has no bounds, or there are too many.
    """
    if len(indices) > MAX_INDICES:
        raise TooBig(f"{len(indices)} indices in one sum")
    # Names by height: with equal names at different heights, renaming the outer index could capture the inner one.
    names = [_placeholder(_height(body), k) for k in range(len(indices))]
    best: tuple[str, Sum] | None = None
    for order in permutations(indices):
        to = dict(zip(order, names, strict=True))
        ranges = [linear(substitute(to_expr(f), to)) for f in forms]
        ends = limits(names, ranges, facts)
        if ends is None:
            raise TooBig("an index without bounds")
        tree = Sum(_tidy(substitute(body, to), (*facts, *ranges)), tuple(ends))
        text = key(tree)
        if best is None or text < best[0]:
            best = text, tree
    assert best is not None
    return best[1]


def _placeholder(height: int, k: int) -> Sym:
    return Sym(Decl(f"k{height}_{k}", "bound", uid=-1000 - 10 * height - k))


def _height(expr: Expr) -> int:
    below = max((_height(c) for c in children(expr)), default=0)
    return below + 1 if isinstance(expr, Sum) else below


def _tidy(expr: Expr, facts: Forms) -> Expr:
    """Sort a tree again after its indices were renamed; inner sums are named again under the new outer names."""
    if isinstance(expr, Sum):
        indices, forms = _domain(expr)
        if forms is None or has_index_atom(forms, indices):
            return expr
        fresh = {v: bound_symbol(v.name) for v in indices}
        moved = tuple(linear(substitute(to_expr(f), fresh)) for f in forms)
        return canonical(substitute(expr.body, fresh), tuple(fresh[v] for v in indices), moved, facts)
    kids = tuple(_tidy(c, facts) for c in children(expr))
    return sort_tree(rebuild(expr, kids)) if kids and not binders(expr) else expr
