"""Domains of sums: index ranges as linear forms ``>= 0``, their reduction, emptiness, and limits in any order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dltsym.notation.tree import Call, Const, Expr, Rel, Sym
from dltsym.notation.walk import free_symbols, key
from dltsym.prove.problem import Problem, declared_bounds
from dltsym.prove.sums_linear import Linear, eliminate, implied, is_integer, linear, make, tight, to_expr


def integer_facts(problem: Problem, expr: Expr) -> tuple[Linear, ...]:
    """Return the linear relations that declarations, hypotheses and facts give, as forms ``>= 0``.

    An ``index`` symbol of a hypothesis is universally quantified: its range may be empty, so neither its bounds nor the
    hypothesis say anything about the other symbols, unless the symbol is fixed by the goal or by `expr`.

    Parameters
    ----------
    problem : Problem
        Problem.
    expr : Expr
        What is being rewritten; its free indices lie in their ranges.

    Returns
    -------
    tuple of Linear
    """
    fixed = free_symbols(problem.goal) | free_symbols(expr)
    loose = {s for s in problem.symbols if s.decl.sort == "index" and s not in fixed}
    symbols = sorted(fixed.union(problem.symbols), key=lambda s: (s.name, s.decl.uid))
    rels = [r for s in symbols for r in declared_bounds(s)]
    out: list[Linear] = []
    for rel in (*rels, *problem.known):
        if not free_symbols(rel) & loose:
            out += forms_of(rel)
    return tuple(dict.fromkeys(out))


def forms_of(rel: Rel) -> list[Linear]:
    """Return the forms ``>= 0`` that a relation gives; none when it is not linear in numbers.

    Parameters
    ----------
    rel : Rel
        Relation with ``<=``, ``<`` or ``=``; ``!=`` is no bound.

    Returns
    -------
    list of Linear
    """
    if rel.op not in ("<=", "<", "="):
        return []
    gap = linear(rel.rhs) - linear(rel.lhs)
    if not gap.terms or not all(isinstance(a, Sym) or is_integer(a) for a, _ in gap.terms):
        return []
    if rel.op == "=":
        return [gap, gap.scaled(-1)]
    return [gap.plus(-1)] if rel.op == "<" and gap.whole else [gap]


def range_forms(var: Expr, lo: Expr, hi: Expr) -> list[Linear] | None:
    """Return ``lo <= var <= hi`` as forms; ``max`` in `lo` and ``min`` in `hi` give several. None for ``oo``.

    Parameters
    ----------
    var, lo, hi : Expr
        Index and limits.

    Returns
    -------
    list of Linear or None
    """
    lows, highs = _parts(lo, "max"), _parts(hi, "min")
    if any(isinstance(a, Const) for e in (*lows, *highs) for a, _ in linear(e).terms):
        return None
    here = linear(var)
    return [here - linear(e) for e in lows] + [linear(e) - here for e in highs]


def _parts(end: Expr, name: str) -> tuple[Expr, ...]:
    if isinstance(end, Call) and end.name == name:
        return tuple(p for a in end.args for p in _parts(a, name))
    return (end,)


def reduce_forms(forms: Iterable[Linear], facts: Iterable[Linear]) -> list[Linear]:
    """Drop every form that the others and the facts imply.

    Parameters
    ----------
    forms, facts : iterable of Linear
        Domain and background.

    Returns
    -------
    list of Linear
    """
    kept = list(dict.fromkeys(tight(f) for f in forms))
    background = tuple(facts)
    for f in sorted(kept, key=lambda f: key(to_expr(f))):
        others = [g for g in kept if g != f]
        if _could_follow(f, others, background) and implied((*others, *background), f):
            kept = others
    return kept


def _could_follow(form: Linear, others: list[Linear], facts: tuple[Linear, ...]) -> bool:
    """Quick necessary test: every atom needs another bound from the same side."""
    return all(any(g.coefficient(a) * c > 0 for g in (*others, *facts)) for a, c in form.terms)


def bounds(var: Sym, forms: Iterable[Linear]) -> tuple[list[Linear], list[Linear]]:
    """Return the lower and the upper bounds that forms put on a symbol.

    Parameters
    ----------
    var : Sym
        Symbol.
    forms : iterable of Linear
        Domain.

    Returns
    -------
    tuple of list of Linear
        Lower bounds, upper bounds.
    """
    lows, highs = [], []
    for f in forms:
        c = f.coefficient(var)
        if c:
            rest = make({a: k for a, k in f.terms if a != var}, f.const).scaled(-1 / c)
            (lows if c > 0 else highs).append(rest)
    return lows, highs


def nonempty(indices: Sequence[Sym], forms: Iterable[Linear], facts: Iterable[Linear]) -> bool:
    """Return True when the domain certainly has a point: fibre by fibre, no range can be empty.

    Parameters
    ----------
    indices : sequence of Sym
        Bound indices.
    forms, facts : iterable of Linear
        Domain and background.

    Returns
    -------
    bool
    """
    left, rows, known = list(indices), list(forms), tuple(facts)
    while left:
        for v in reversed(left):
            lows, highs = bounds(v, rows)
            others = tuple(f for f in rows if not f.coefficient(v))
            unit = all(abs(f.coefficient(v)) in (0, 1) for f in rows)
            if (
                unit
                and all(b.whole for b in (*lows, *highs))
                and all(implied((*others, *known), h - a) for a in lows for h in highs)
            ):
                left.remove(v)
                rows = list(others)
                break
        else:
            return False
    return True


def empty(indices: Iterable[Sym], forms: Iterable[Linear], facts: Iterable[Linear]) -> bool:
    """Return True when the domain certainly has no point, because the range of one index is empty.

    Parameters
    ----------
    indices : iterable of Sym
        Bound indices.
    forms, facts : iterable of Linear
        Domain and background.

    Returns
    -------
    bool
    """
    rows, known = tuple(forms), tuple(facts)
    for v in indices:
        lows, highs = bounds(v, rows)
        if any(a.whole and b.whole and implied(known, (a - b).plus(-1)) for a in lows for b in highs):
            return True
    return False


def limits(
    order: Sequence[Sym], forms: Sequence[Linear], facts: Sequence[Linear]
) -> list[tuple[Sym, Expr, Expr]] | None:
    """Return summation limits of a domain, innermost first; `order` lists the indices outermost first.

    Parameters
    ----------
    order : sequence of Sym
        Indices, outermost first.
    forms, facts : sequence of Linear
        Domain and background.

    Returns
    -------
    list or None
        None when an index is unbounded.
    """
    rows, out = list(forms), []
    for v in reversed(order):
        rows = reduce_forms(rows, facts)
        lows, highs = bounds(v, rows)
        if not lows or not highs:
            return None
        out.append((v, _extreme("max", lows), _extreme("min", highs)))
        rows = [r for r in eliminate(rows, v) if r.symbols & set(order)]
    return out


def _extreme(name: str, ends: list[Linear]) -> Expr:
    trees = sorted((to_expr(e) for e in ends), key=key)
    out = trees[0]
    for t in trees[1:]:
        out = Call(name, (out, t))
    return out


def has_index_atom(forms: Iterable[Linear], indices: Iterable[Sym]) -> bool:
    """Return whether an index sits inside an opaque atom (``i**2 <= n``), which no rule here understands.

    Parameters
    ----------
    forms : iterable of Linear
        Domain.
    indices : iterable of Sym
        Bound indices.

    Returns
    -------
    bool
    """
    own = set(indices)
    return any(not isinstance(a, Sym) and free_symbols(a) & own for f in forms for a, _ in f.terms)
