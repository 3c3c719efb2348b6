"""Sides of a box: what hypotheses say about each variable, given rational ends of the others (closed; None: no end).

Used by the replay of covers and of families. Exact where the terms are linear; other terms are enclosed by balls and
their ends rounded outwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from flint import arb

from dltsym.errors import DltsymError
from dltsym.notation.balls import working
from dltsym.notation.evaluate import evaluate, evaluate_exact
from dltsym.notation.tree import Add, Call, Decl, Div, Expr, Mul, Neg, Num, Pow, Rel, Sym
from dltsym.notation.walk import free_symbols, subterms, transform
from dltsym.prove.problem import Problem, declared_bounds
from dltsym.prove.replay import Rejected

End = Fraction | None
Span = tuple[End, End]
Box = Mapping[str, Span]
ZERO = Num(Fraction(0))
BITS, MAX_POWER = 128, 40
FREE: Span = (None, None)


def linear(expr: Expr, sym: Sym) -> tuple[Fraction, Expr] | None:
    """Write a tree as ``c*sym + rest`` with a rational c and a rest free of `sym`.

    Parameters
    ----------
    expr : Expr
        Tree.
    sym : Sym
        Variable.

    Returns
    -------
    tuple of (Fraction, Expr) or None
        None when the tree is not of that form.
    """
    if sym not in free_symbols(expr):
        return Fraction(0), expr
    parts: list[tuple[Fraction, Expr] | None]
    match expr:
        case Sym():
            return Fraction(1), ZERO
        case Neg(arg):
            parts, scale, join = [linear(arg, sym)], Fraction(-1), False
        case Add(args):
            parts, scale, join = [linear(a, sym) for a in args], Fraction(1), True
        case Mul(args):
            mine = [a for a in args if sym in free_symbols(a)]
            rest = [constant(a) for a in args if sym not in free_symbols(a)]
            scale = Fraction(1)
            for q in rest:
                scale *= q if q is not None else 0
            parts, join = [linear(mine[0], sym) if len(mine) == 1 and None not in rest else None], False
        case Div(num, den):
            q = constant(den) if sym not in free_symbols(den) else None
            parts, scale, join = [linear(num, sym) if q else None], 1 / q if q else Fraction(0), False
        case _:
            return None
    if any(p is None for p in parts):
        return None
    slope = scale * sum((p[0] for p in parts if p), Fraction(0))
    terms = [p[1] for p in parts if p and p[1] != ZERO]
    total = Add(tuple(terms)) if len(terms) > 1 else terms[0] if terms else ZERO
    return slope, total if join or total == ZERO else Num(scale) * total


def constant(expr: Expr) -> Fraction | None:
    """Return the value of a tree without symbols, when it is rational.

    Parameters
    ----------
    expr : Expr
        Tree.

    Returns
    -------
    Fraction or None
    """
    if free_symbols(expr):
        return None
    try:
        return evaluate_exact(expr, {})
    except DltsymError:
        return None


def span(expr: Expr, box: Box) -> Span:
    """Return ends between which a tree lies.

    Parameters
    ----------
    expr : Expr
        Tree.
    box : mapping
        Name to ends.

    Returns
    -------
    tuple
        Lower and upper end; None where none is known.
    """
    exact = constant(expr)
    if exact is not None:
        return exact, exact
    match expr:
        case Sym():
            return box.get(expr.name, FREE)
        case Neg(arg):
            lo, hi = span(arg, box)
            return None if hi is None else -hi, None if lo is None else -lo
        case Add(args):
            ends = [span(a, box) for a in args]
            return _total([e[0] for e in ends]), _total([e[1] for e in ends])
        case Mul(args):
            out = span(args[0], box)
            for a in args[1:]:
                out = _product(out, span(a, box))
            return _ball(expr, box) if out == FREE else out
        case Div(a, b):
            out = _product(span(a, box), _inverse(span(b, box)))
            return _ball(expr, box) if out == FREE else out
        case Pow(base, Num(n)) if n.denominator == 1 and 0 < n <= MAX_POWER:
            lo, hi = span(base, box)
            if lo is not None and hi is not None:
                low, high = sorted((lo ** int(n), hi ** int(n)))
                return (Fraction(0) if n % 2 == 0 and lo < 0 < hi else low), high
    found = _ball(expr, box)
    if found == FREE and nonnegative(expr):
        return Fraction(0), None
    return found


def nonnegative(expr: Expr) -> bool:
    """Say whether a tree is an even power, or a function, that is never negative.

    Parameters
    ----------
    expr : Expr
        Tree.

    Returns
    -------
    bool
    """
    if isinstance(expr, Pow):
        q = constant(expr.exponent)
        return q is not None and q > 0 and q % 2 == 0
    return isinstance(expr, Call) and expr.name in ("exp", "abs", "sqrt")


def _product(x: Span, y: Span) -> Span:
    (a, b), (c, d) = x, y
    if a is not None and b is not None and c is not None and d is not None:
        ends = (a * c, a * d, b * c, b * d)
        return min(ends), max(ends)
    for one, (lo, hi) in ((x, y), (y, x)):
        if one[0] is not None and one[0] == one[1]:  # a number times a half-line
            q = one[0]
            ends = [None if e is None else e * q for e in (lo, hi)]
            return (Fraction(0), Fraction(0)) if q == 0 else (ends[0], ends[1]) if q > 0 else (ends[1], ends[0])
    if a is not None and c is not None and a >= 0 and c >= 0:
        return a * c, None if b is None or d is None else b * d
    return FREE


def _inverse(x: Span) -> Span:
    lo, hi = x
    if lo is None or lo <= 0:
        return FREE
    return (Fraction(0) if hi is None else 1 / hi), 1 / lo


def _total(ends: list[End]) -> End:
    return None if None in ends else sum((e for e in ends if e is not None), Fraction(0))


def _ball(expr: Expr, box: Box) -> Span:
    at = {}
    for s in free_symbols(expr):
        lo, hi = box.get(s.name, FREE) if s.decl.sort != "array" else FREE
        if lo is None or hi is None or lo > hi:
            return FREE
        at[s.name] = hull(lo, hi)
    try:
        with working(BITS):
            value = evaluate(expr, at, BITS)
            return enclosing(value)
    except DltsymError:
        return FREE


def hull(lo: Fraction, hi: Fraction) -> arb:
    """Return a ball around an interval.

    Parameters
    ----------
    lo, hi : Fraction
        Ends.

    Returns
    -------
    arb
    """
    with working(BITS):
        a, b = (arb(q.numerator) / q.denominator for q in (lo, hi))
        return a.union(b)


def enclosing(value: arb) -> Span:
    """Return the exact ends of a finite ball.

    Parameters
    ----------
    value : arb
        Ball.

    Returns
    -------
    tuple of Fraction
        Both None for a ball that is not finite.
    """
    if not value.is_finite():
        return FREE
    pairs = [e.mid().man_exp() for e in (value.lower(), value.upper())]
    lo, hi = (Fraction(int(m)) * Fraction(2) ** int(e) for m, e in pairs)
    return lo, hi


def hypotheses(problem: Problem) -> tuple[Rel, ...]:
    """Return the bounds and hypotheses about scalars; facts are left out, and what holds for all values of an index.

    Parameters
    ----------
    problem : Problem
        Prepared problem.

    Returns
    -------
    tuple of Rel
    """
    asked = free_symbols(problem.goal)
    scalars = [
        s for s in problem.symbols if s.decl.sort in ("real", "integer") or (s.decl.sort == "index" and s in asked)
    ]
    rels = (*(r for s in scalars for r in declared_bounds(s)), *problem.given)
    return tuple(dict.fromkeys(r for r in rels if free_symbols(r) <= set(scalars)))


def confined(known: tuple[Rel, ...], sides: list[list[str]]) -> Box:
    """Walk the sides of a box: each follows from one hypothesis and the sides before it.

    Parameters
    ----------
    known : tuple of Rel
        Hypotheses.
    sides : list of [name, "lo" or "hi", value, hypothesis]
        Certificate, all texts.

    Returns
    -------
    dict
        Name to ends; None where there is none.

    Raises
    ------
    Rejected
        When a side does not follow.
    """
    texts = {str(r): r for r in known}
    symbols = {s.name: s for r in known for s in free_symbols(r)}
    box: dict[str, Span] = dict.fromkeys(symbols, FREE)
    for name, side, value, text in sides:
        if text not in texts or name not in symbols:
            raise Rejected("sides", f"{text} is no hypothesis about {name}")
        found = implied(texts[text], symbols[name], side, box)
        if found is None or str(found) != value:
            raise Rejected("sides", f"{text} does not give {name} the end {value}")
        lo, hi = box[name]
        box[name] = (found, hi) if side == "lo" else (lo, found)
    return box


def ends_of(box: Box, name: str) -> tuple[Fraction, Fraction]:
    """Return both ends of a variable.

    Parameters
    ----------
    box : dict
        Name to ends.
    name : str
        Variable.

    Returns
    -------
    tuple of Fraction

    Raises
    ------
    Rejected
        When one is missing, or they exclude each other.
    """
    lo, hi = box.get(name, FREE)
    if lo is None or hi is None:
        raise Rejected("sides", f"{name} is not confined")
    if lo > hi:
        raise Rejected("sides", f"the sides of {name} contradict each other")
    return lo, hi


def implied(rel: Rel, sym: Sym, side: str, box: Box) -> End:
    """Return the end that a hypothesis puts on one side of a variable, given ends of the other variables.

    Parameters
    ----------
    rel : Rel
        Hypothesis; linear in the variable, or in one even power of it.
    sym : Sym
        Variable.
    side : {"lo", "hi"}
        Which end.
    box : mapping
        Name to ends.

    Returns
    -------
    Fraction or None
    """
    if rel.op not in ("=", "<", "<=") or side not in ("lo", "hi"):
        return None
    wanted = 1 if side == "lo" else -1
    for diff in (rel.rhs + (-rel.lhs), rel.lhs + (-rel.rhs))[: 2 if rel.op == "=" else 1]:
        split = linear(diff, sym)  # c*sym + rest >= 0
        if split is None:
            found = _root(diff, sym, box)
            if found is None:
                continue
            return -found if side == "lo" else found
        c, rest = split
        if c * wanted > 0:
            top = span(rest, box)[1]
            return None if top is None else -top / c
    return None


def _root(diff: Expr, sym: Sym, box: Box) -> End:
    """Bound ``abs(sym)`` where ``diff >= 0`` is linear, with a negative slope, in one even power of the symbol."""
    powers = {t.exponent.value for t in _powers(diff, sym)}
    if len(powers) != 1:
        return None
    (k,) = powers
    hidden = Sym(Decl(f"{sym.name}^{k}", "real"))
    split = linear(transform(diff, lambda e: hidden if _is_power(e, sym) else e), hidden)
    if k % 2 or k <= 0 or split is None or split[0] >= 0 or sym in free_symbols(split[1]):
        return None
    top = span(split[1], box)[1]
    if top is None or top < 0:
        return None
    size = -top / split[0]
    with working(BITS):
        return enclosing((arb(size.numerator) / size.denominator).root(int(k)))[1] if size else Fraction(0)


def _is_power(e: Expr, sym: Sym) -> bool:
    return isinstance(e, Pow) and e.base == sym and isinstance(e.exponent, Num)


def _powers(e: Expr, sym: Sym) -> list[Pow]:
    return [t for t in subterms(e) if isinstance(t, Pow) and _is_power(t, sym)]
