"""Solve one equation for one symbol, so that sampled points can meet it whatever functions it contains.

Only inverses that give back the equation wherever the solution is defined are used; everything else that the equation
needs comes back as a condition. Not every solution is found (one branch of a root), which is all a sampler needs.
"""

from __future__ import annotations

from fractions import Fraction

from dltsym.notation.tree import Add, Call, Div, Expr, Index, Mul, Neg, Num, Pow, Rel, Sum, Sym
from dltsym.notation.walk import free_symbols, substitute, subterms, transform

ZERO, ONE = Num(Fraction(0)), Num(Fraction(1))
Solution = tuple[Expr, tuple[Rel, ...]]


def degree(expr: Expr, sym: Sym) -> int:
    """Return the degree of a tree in a symbol: 0, 1, or 9 for anything that is not visibly affine.

    Parameters
    ----------
    expr : Expr
        Tree.
    sym : Sym
        Symbol.

    Returns
    -------
    int
    """
    match expr:
        case Sym():
            return int(expr == sym)
        case Neg(arg):
            return degree(arg, sym)
        case Add(args):
            return max(degree(a, sym) for a in args)
        case Mul(args):
            total = sum(degree(a, sym) for a in args)
            return total if total < 2 else 9
        case Div(a, b) if degree(b, sym) == 0:
            return degree(a, sym)
        case Pow(base, Num(value)) if value == 1:
            return degree(base, sym)
        case Sum(body, limits):
            inside = any(sym in free_symbols(e) for _, lo, hi in limits for e in (lo, hi))
            return 9 if inside else degree(body, sym)
    return 9 if sym in free_symbols(expr) else 0


def isolate(rel: Rel, sym: Sym) -> Solution | None:
    """Solve an equation for a real symbol.

    Parameters
    ----------
    rel : Rel
        Equation.
    sym : Sym
        Symbol to solve for.

    Returns
    -------
    tuple or None
        A value in the other symbols, and relations under which it solves the equation wherever it is defined.
    """
    left, right = (sum(t == sym for t in subterms(e)) for e in (rel.lhs, rel.rhs))
    if left + right == 1:
        return _peel(rel.lhs, rel.rhs, sym, ()) if left else _peel(rel.rhs, rel.lhs, sym, ())
    if max(degree(rel.lhs, sym), degree(rel.rhs, sym)) > 1:
        return None
    gap = Add((rel.lhs, Neg(rel.rhs)))
    at_zero, at_one = substitute(gap, {sym: ZERO}), substitute(gap, {sym: ONE})
    return Div(Neg(at_zero), Add((at_one, Neg(at_zero)))), ()


def _peel(expr: Expr, value: Expr, sym: Sym, needs: tuple[Rel, ...]) -> Solution | None:
    """Undo the outermost operation of ``expr = value`` until the symbol stands alone."""
    match expr:
        case Sym():
            return value, needs
        case Neg(arg):
            return _peel(arg, Neg(value), sym, needs)
        case Add(args) | Mul(args):
            inner = next(a for a in args if sym in free_symbols(a))
            others = tuple(a for a in args if a is not inner)
            rest = others[0] if len(others) == 1 else type(expr)(others)
            return _peel(inner, Add((value, Neg(rest))) if isinstance(expr, Add) else Div(value, rest), sym, needs)
        case Div(num, den) if sym in free_symbols(num):
            return _peel(num, Mul((value, den)), sym, (*needs, Rel(den, "!=", ZERO)))
        case Div(num, den):
            return _peel(den, Div(num, value), sym, (*needs, Rel(num, "!=", ZERO)))
        case Pow(base, Num(n)) if n != 0:
            more = () if n.denominator == 1 else (Rel(ZERO, "<=", value),)  # a root is never negative
            return _peel(base, Pow(value, Num(1 / n)), sym, (*needs, *more))
        case Call("exp", (arg,)):
            return _peel(arg, Call("log", (value,)), sym, needs)
        case Call("log", (arg,)):
            return _peel(arg, Call("exp", (value,)), sym, needs)
        case Call("sqrt", (arg,)):
            return _peel(arg, Pow(value, Num(Fraction(2))), sym, (*needs, Rel(ZERO, "<=", value)))
    return None


def entry_formula(rel: Rel) -> tuple[Index, Expr] | None:
    """Recognise ``A[i] = e`` for every index of an array that does not occur in `e`.

    Parameters
    ----------
    rel : Rel
        Equation.

    Returns
    -------
    tuple or None
        The entry with its index symbols, and the formula.
    """
    for entry, value in ((rel.lhs, rel.rhs), (rel.rhs, rel.lhs)):
        if not isinstance(entry, Index) or entry.array in free_symbols(value):
            continue
        own, free = set(entry.idx), {s for s in free_symbols(value) if s.decl.sort == "index"}
        whole = all(
            isinstance(i, Sym) and i.decl.sort == "index" and (i.decl.lo, i.decl.hi) == span
            for i, span in zip(entry.idx, entry.array.decl.shape, strict=True)
        )
        if whole and len(own) == len(entry.idx) and free <= own:
            return entry, value
    return None


def replace_entries(node: Expr | Rel, entry: Index, value: Expr) -> Expr | Rel:
    """Replace every entry of an array by a formula in its indices.

    Parameters
    ----------
    node : Expr or Rel
        Tree.
    entry : Index
        ``A[i, j]`` with index symbols.
    value : Expr
        Formula in them.

    Returns
    -------
    Expr or Rel
    """

    def rule(e: Expr) -> Expr:
        if isinstance(e, Index) and e.array == entry.array:
            return substitute(value, dict(zip(entry.idx, e.idx, strict=True)))  # type: ignore[arg-type]
        return e

    return transform(node, rule)
