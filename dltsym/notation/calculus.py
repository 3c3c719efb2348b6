"""Derivatives on trees: scalar rules, function rows, and index calculus ``dX[i]/dX[k] = delta(i, k)``."""

from __future__ import annotations

from fractions import Fraction
from functools import partial

from dltsym.errors import UnknownNode
from dltsym.functions.table import FUNCTIONS
from dltsym.notation.binding import Binding
from dltsym.notation.calculus_folds import KINKS, Rules, fold_derivative, kink_derivative
from dltsym.notation.parse import row_text
from dltsym.notation.tree import (
    Add,
    Call,
    Const,
    Diff,
    Div,
    Expr,
    Index,
    Integral,
    Mul,
    Neg,
    Num,
    Pow,
    Sum,
    Sym,
)
from dltsym.notation.walk import T, free_symbols, fresh_binders, transform

ZERO, ONE = Num(Fraction(0)), Num(Fraction(1))


def add(*terms: Expr) -> Expr:
    """Add trees, dropping zeros.

    Parameters
    ----------
    *terms : Expr
        Terms.

    Returns
    -------
    Expr
    """
    kept = tuple(t for t in terms if t != ZERO)
    return kept[0] if len(kept) == 1 else Add(kept) if kept else ZERO


def mul(*factors: Expr) -> Expr:
    """Multiply trees, dropping ones; a zero factor gives zero.

    Parameters
    ----------
    *factors : Expr
        Factors.

    Returns
    -------
    Expr
    """
    if ZERO in factors:
        return ZERO
    kept = tuple(f for f in factors if f != ONE)
    return kept[0] if len(kept) == 1 else Mul(kept) if kept else ONE


def derivative(expr: Expr, var: Expr, kinks: bool = False) -> Expr:
    """Differentiate a tree once.

    Parameters
    ----------
    expr : Expr
        Tree without unevaluated derivatives.
    var : Sym or Index
        A real symbol or an array entry ``X[k]``.
    kinks : bool
        Differentiate what makes a choice (``max``, ``abs``, an order, cases) too. The result holds where the choice
        stays the same nearby: not at a tie, so it proves nothing.

    Returns
    -------
    Expr

    Raises
    ------
    UnknownNode
        For a node without a derivative rule (``abs``, ``max``, limits that depend on the variable).
    """
    if isinstance(var, Sym) and var not in free_symbols(expr):
        return ZERO
    match expr:
        case Num() | Const():
            return ZERO
        case Sym():
            return _leaf(expr, var, kinks)
        case Index():
            return _entry(expr, var, kinks)
        case Neg(arg):
            return Neg(d) if (d := derivative(arg, var, kinks)) != ZERO else ZERO
        case Add(args):
            return add(*(derivative(a, var, kinks) for a in args))
        case Mul(args):
            return add(*(mul(*args[:k], derivative(a, var, kinks), *args[k + 1 :]) for k, a in enumerate(args)))
        case Div(num, den):
            return _quotient(num, den, var, kinks)
        case Pow():
            return _power(expr, var, kinks)
        case Call():
            return _call(expr, var, kinks)
        case Sum():
            return _sum(expr, var, kinks)
        case Integral():
            return _integral(expr, var)
        case Binding():
            return fold_derivative(expr, var, Rules(partial(derivative, kinks=kinks), add, mul, kinks))
    raise UnknownNode(f"no derivative rule for {type(expr).__name__}")


def _leaf(expr: Sym, var: Expr, kinks: bool) -> Expr:
    if expr.decl.definition is not None:
        return derivative(expr.decl.definition, var, kinks)
    return ONE if expr == var else ZERO


def _entry(expr: Index, var: Expr, kinks: bool) -> Expr:
    of = var.array if isinstance(var, Index) else var
    places = frozenset().union(*(free_symbols(i) for i in expr.idx))
    if of in places and not (kinks and (isinstance(var, Index) or var.decl.sort in ("real", "boundreal"))):
        raise UnknownNode(f"cannot differentiate {expr} with respect to its index {var}")
    if not (isinstance(var, Index) and var.array == expr.array):
        return ZERO
    return mul(*(Call("delta", pair) if pair[0] != pair[1] else ONE for pair in zip(expr.idx, var.idx, strict=True)))


def _quotient(num: Expr, den: Expr, var: Expr, kinks: bool) -> Expr:
    dn, dd = derivative(num, var, kinks), derivative(den, var, kinks)
    if dd == ZERO:
        return Div(dn, den) if dn != ZERO else ZERO
    return Div(add(mul(dn, den), Neg(mul(num, dd))), Pow(den, Num(Fraction(2))))


def _power(expr: Pow, var: Expr, kinks: bool) -> Expr:
    base, exponent = expr.base, expr.exponent
    db, de = derivative(base, var, kinks), derivative(exponent, var, kinks)
    if de == ZERO:
        lower = exponent - 1 if not isinstance(exponent, Num) else Num(exponent.value - 1)
        body = ONE if lower == ZERO else base if lower == ONE else Pow(base, lower)
        return mul(exponent, body, db)
    return mul(expr, add(mul(de, Call("log", (base,))), Div(mul(exponent, db), base) if db != ZERO else ZERO))


def _call(expr: Call, var: Expr, kinks: bool) -> Expr:
    row = FUNCTIONS[expr.name]
    inner = [derivative(a, var, kinks) for a in expr.args]
    if all(d == ZERO for d in inner):
        return ZERO
    if kinks and expr.name in KINKS:
        return kink_derivative(expr, inner, mul)
    if not row.derivative:
        raise UnknownNode(f"{expr.name} is not differentiable everywhere")
    pairs = [(text, d) for text, d in zip(row.derivative, inner, strict=True) if d != ZERO]
    if any(not text for text, _ in pairs):
        raise UnknownNode(f"{expr.name} has no derivative by its parameter")
    outer = [(row_text(expr, text), d) for text, d in pairs]
    return add(*(mul(o, d) for o, d in outer if isinstance(o, Expr)))


def _sum(expr: Sum, var: Expr, kinks: bool) -> Expr:
    ends = frozenset().union(*(free_symbols(e) for _, lo, hi in expr.limits for e in (lo, hi)))
    if isinstance(var, Sym) and var in ends:
        raise UnknownNode(f"the range of {expr} depends on {var}")
    if free_symbols(var) & {v for v, _, _ in expr.limits}:
        return derivative(fresh_binders(expr), var, kinks)
    body = derivative(expr.body, var, kinks)
    return Sum(body, expr.limits) if body != ZERO else ZERO


def _integral(expr: Integral, var: Expr) -> Expr:
    if isinstance(var, Sym) and var in free_symbols(expr.lo) | free_symbols(expr.hi):
        if var in free_symbols(expr.body):
            raise UnknownNode("limits and integrand both depend on the variable")
        raise UnknownNode("a limit of integration depends on the variable")
    raise UnknownNode("differentiation under the integral sign needs its own premise")


def evaluate_derivatives(node: T) -> T:
    """Carry out every `Diff` node of a tree, innermost first.

    Parameters
    ----------
    node : Expr or Rel
        Tree.

    Returns
    -------
    Expr or Rel

    A derivative by anything but a real symbol or an array entry (a let-name, an integer, an expression) is an
    `UnknownNode`.
    """

    def rule(e: Expr) -> Expr:
        if not isinstance(e, Diff):
            return e
        by = e.var.decl.sort if isinstance(e.var, Sym) else "entry" if isinstance(e.var, Index) else "expression"
        if by not in ("real", "boundreal", "entry"):
            raise UnknownNode(f"{e} is a derivative by {e.var}, which is no real variable")
        body = e.body
        for _ in range(e.order):
            body = derivative(body, e.var)
        return body

    return transform(node, rule)
