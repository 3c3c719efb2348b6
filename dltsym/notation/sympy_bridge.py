"""Trees to SymPy and back: the only place, with the ``cas`` engine, where SymPy is imported.

`to_sympy` gives the canonical SymPy expression; symbols remember their declaration, so `from_sympy` finds them again.
SymPy reorders and rewrites (``sqrt(B/2)`` becomes ``sqrt(2)*sqrt(B)/2``): the value survives the round trip, the
spelling does not. Let-names and named functions that SymPy lacks (``sigmoid``, ``kl_bernoulli``) are expanded. SymPy's
sums follow another convention than ours when ``hi < lo - 1``; that is for the caller to exclude.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import reduce
from typing import Any

import sympy as sp

from dltsym.errors import UndeclaredSymbol, UnknownNode, suggest
from dltsym.functions.table import FUNCTIONS
from dltsym.notation.binding import Binding
from dltsym.notation.sympy_folds import BACK, RELATIONS, read_fold, write_fold
from dltsym.notation.tree import (
    Add,
    Call,
    Const,
    Decl,
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
from dltsym.notation.walk import expand_definitions, expand_lets, free_symbols

INTEGERS = ("integer", "index", "bound")
_TO: dict[str, Callable[..., Any]] = {
    "exp": sp.exp,
    "log": sp.log,
    "sqrt": sp.sqrt,
    "sin": sp.sin,
    "cos": sp.cos,
    "tan": sp.tan,
    "acos": sp.acos,
    "asin": sp.asin,
    "atan": sp.atan,
    "erf": sp.erf,
    "abs": sp.Abs,
    "max": sp.Max,
    "min": sp.Min,
    "delta": sp.KroneckerDelta,
    "binomial": sp.binomial,
    "sinh": sp.sinh,
    "cosh": sp.cosh,
    "tanh": sp.tanh,
    "sign": sp.sign,
    "floor": sp.floor,
    "erfc": sp.erfc,
    "lgamma": sp.loggamma,
    "digamma": sp.digamma,
    "trigamma": sp.trigamma,
    "ei": sp.Ei,
    "bessel_i": sp.besseli,
}
_FROM = {f: name for name, f in _TO.items() if name not in ("sqrt", "digamma", "trigamma")}
HALF = Num(Fraction(1, 2))


class DeclaredSymbol(sp.Symbol):
    """A SymPy symbol that remembers the declaration it came from."""

    __slots__ = ("sym",)

    def __new__(cls, sym: Sym, name: str, **assumptions: bool) -> DeclaredSymbol:
        """Return the symbol of `sym` printed as `name`."""
        out = sp.Symbol.__xnew__(cls, name, **assumptions)
        out.sym = sym
        return out

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (self.sym, self.name), dict(self._assumptions_orig)

    def _hashable_content(self) -> tuple[Any, ...]:
        d = self.sym.decl
        return (*super()._hashable_content(), d.sort, d.uid, str(d.lo), str(d.hi))


def assumptions(decl: Decl) -> dict[str, bool]:
    """Return the SymPy assumptions that a declaration allows: real or integer, and a sign from constant bounds.

    Parameters
    ----------
    decl : Decl
        Declaration.

    Returns
    -------
    dict of str to bool
    """
    out = {"integer": True} if decl.sort in INTEGERS else {"real": True}
    lo, hi = decl.lo, decl.hi
    if isinstance(lo, Num) and lo.value >= 0:
        out["positive" if lo.value > 0 or decl.lo_open else "nonnegative"] = True
    elif isinstance(hi, Num) and hi.value <= 0:
        out["negative" if hi.value < 0 or decl.hi_open else "nonpositive"] = True
    return out


def _side(side: str, at: Any) -> str:
    """Return the side of a limit; SymPy names one at infinity too."""
    return "-" if at == sp.oo else "+" if at == -sp.oo else side


class _Writer:
    """One conversion to SymPy: names of bound variables are kept apart from all others."""

    def __init__(self, free: frozenset[Sym], extra: Mapping[Sym, Mapping[str, bool]]) -> None:
        self.names = {s.name for s in free}
        self.extra = extra
        self.bound: dict[Sym, sp.Symbol] = {}

    def symbol(self, s: Sym) -> sp.Symbol:
        if s in self.bound:
            return self.bound[s]
        return DeclaredSymbol(s, s.name, **{**assumptions(s.decl), **self.extra.get(s, {})})

    def bind(self, s: Sym) -> sp.Symbol:
        name, k = s.name, 0
        while name in self.names:
            k += 1
            name = f"{s.name}_{k}"
        self.names.add(name)
        self.bound[s] = sp.Symbol(name, **assumptions(s.decl))
        return self.bound[s]

    def expr(self, e: Expr) -> Any:
        match e:
            case Num(value):
                return sp.Rational(value.numerator, value.denominator)
            case Const(name):
                return {"pi": sp.pi, "oo": sp.oo}[name]
            case Sym():
                return self.symbol(e)
            case Neg(arg):
                return -self.expr(arg)
            case Add(args):
                return sp.Add(*map(self.expr, args))
            case Mul(args):
                return sp.Mul(*map(self.expr, args))
            case Div(a, b):
                return self.expr(a) / self.expr(b)
            case Pow(a, b):
                return self.expr(a) ** self.expr(b)
            case Call(name, args) if name in _TO:
                return _TO[name](*map(self.expr, args))
            case Index(array, idx):
                return sp.IndexedBase(self.symbol(array))[tuple(map(self.expr, idx))]
        before = set(self.names)
        out = self.binder(e)
        self.names = before  # sums side by side may share a name, nested ones may not
        return out

    def binder(self, e: Expr) -> Any:
        match e:
            case Sum(body, limits):
                out = []
                for v, lo, hi in reversed(limits):
                    ends = self.expr(lo), self.expr(hi)
                    out.insert(0, (self.bind(v), *ends))
                return sp.Sum(self.expr(body), *out)
            case Integral(body, var, lo, hi):
                ends = self.expr(lo), self.expr(hi)
                x = self.bind(var)
                return sp.Integral(self.expr(body), (x, *ends))
            case Limit(body, var, point, side):
                at = self.expr(point)
                x = self.bind(var)
                return sp.Limit(self.expr(body), x, at, _side(side, at))
            case Diff(body, var, order):
                return sp.Derivative(self.expr(body), (self.expr(var), order))
            case Binding():
                return write_fold(e, self)
        raise UnknownNode(f"{type(e).__name__} {e} has no counterpart in SymPy")


def to_sympy(node: Expr | Rel, extra: Mapping[Sym, Mapping[str, bool]] | None = None) -> Any:
    """Return the canonical SymPy expression of a tree; `UnknownNode` is raised for what SymPy cannot hold.

    Parameters
    ----------
    node : Expr or Rel
        Tree; a relation stays unevaluated.
    extra : mapping of Sym to assumptions, optional
        Further SymPy assumptions, proved by the caller.

    Returns
    -------
    sympy.Basic

    Examples
    --------
    >>> from dltsym.notation.scope import Scope
    >>> v = Scope()
    >>> n = v.count("n")
    >>> X = v.array("X", n)
    >>> to_sympy(v.parse("Sum(X[i]**2, (i, 1, n))"))
    Sum(X[i]**2, (i, 1, n))
    """
    tree = expand_definitions(expand_lets(node), keep=frozenset(_TO))
    writer = _Writer(free_symbols(tree), extra or {})
    if isinstance(tree, Rel):
        return RELATIONS[tree.op](writer.expr(tree.lhs), writer.expr(tree.rhs), evaluate=False)
    return writer.expr(tree)


class _Reader:
    """One conversion from SymPy."""

    def __init__(self, names: Mapping[str, Expr], loose: bool) -> None:
        self.names = dict(names)
        self.loose = loose
        self.bound: dict[Any, Sym] = {}

    def symbol(self, s: sp.Symbol) -> Expr:
        if s in self.bound:
            return self.bound[s]
        if isinstance(s, DeclaredSymbol):
            return s.sym
        if s.name in self.names:
            return self.names[s.name]
        if self.loose:
            return Sym(Decl(s.name, "foreign"))
        raise UndeclaredSymbol(f"the SymPy symbol {s.name} is not declared{suggest(s.name, self.names)}")

    def bind(self, s: sp.Symbol, sort: str) -> Sym:
        self.bound[s] = bound_symbol(s.name, sort)
        return self.bound[s]

    def expr(self, e: Any) -> Expr:
        if isinstance(e, sp.Rational):
            value = Fraction(int(e.p), int(e.q))
            return Num(value) if value >= 0 else Neg(Num(-value))
        if isinstance(e, sp.Symbol):
            return self.symbol(e)
        if e in (sp.pi, sp.oo, -sp.oo, sp.E):
            return {sp.pi: Const("pi"), sp.oo: Const("oo"), sp.E: Call("exp", (Num(Fraction(1)),))}.get(
                e, Neg(Const("oo"))
            )
        if isinstance(e, sp.Add):
            return self.sum(e)
        if isinstance(e, sp.Mul):
            return self.product(e)
        if isinstance(e, sp.Pow):
            return self.power(e.base, e.exp)
        if isinstance(e, sp.Indexed):
            array = self.expr(e.base.label)
            if not isinstance(array, Sym):
                raise UnknownNode(f"{e} indexes something that is not an array")
            return Index(array, tuple(map(self.expr, e.indices)))
        if isinstance(e, sp.polygamma) and e.args[0] in (0, 1):
            return Call("trigamma" if e.args[0] else "digamma", (self.expr(e.args[1]),))
        if type(e) in _FROM:
            return self.call(_FROM[type(e)], tuple(map(self.expr, e.args)))
        before = dict(self.bound)
        out = self.binder(e)
        self.bound = before  # outside its sum, the same symbol is free again
        return out

    def sum(self, e: sp.Add) -> Expr:
        terms = []
        for t in e.as_ordered_terms():
            terms.append(Neg(self.expr(-t)) if t.could_extract_minus_sign() else self.expr(t))
        return Add(tuple(terms))

    def product(self, e: sp.Mul) -> Expr:
        if e.could_extract_minus_sign():
            return Neg(self.expr(-e))
        top, bottom = [], []
        for f in e.as_ordered_factors():
            if isinstance(f, sp.Rational):
                top += [sp.Integer(f.p)] if f.p != 1 else []
                bottom += [sp.Integer(f.q)] if f.q != 1 else []
            elif isinstance(f, sp.Pow) and f.exp.is_Rational and f.exp < 0:
                bottom.append(f.base**-f.exp)
            else:
                top.append(f)
        up, down = (tuple(map(self.expr, side)) for side in (top or [sp.Integer(1)], bottom))
        num = up[0] if len(up) == 1 else Mul(up)
        return num if not down else Div(num, down[0] if len(down) == 1 else Mul(down))

    def power(self, base: Any, exponent: Any) -> Expr:
        if exponent.is_Rational and exponent < 0:
            return Div(Num(Fraction(1)), self.expr(base**-exponent))
        if exponent == sp.S.Half:
            return Call("sqrt", (self.expr(base),))
        power = self.expr(exponent)
        return Call("exp", (power,)) if base == sp.E else Pow(self.expr(base), power)

    def call(self, name: str, args: tuple[Expr, ...]) -> Expr:
        if name in ("max", "min"):
            return reduce(lambda a, b: Call(name, (a, b)), args)
        if len(args) != len(FUNCTIONS[name].args):
            raise UnknownNode(f"{name} with {len(args)} arguments")
        return Call(name, args)

    def binder(self, e: Any) -> Expr:
        match e:
            case sp.Sum():
                limits = []
                for v, lo, hi in reversed([t.args for t in e.limits]):
                    ends = self.expr(lo), self.expr(hi)
                    limits.insert(0, (self.bind(v, "bound"), *ends))
                return Sum(self.expr(e.function), tuple(limits))
            case sp.Integral() if all(len(t) == 3 for t in e.limits):
                return self.integral(e.function, [tuple(t) for t in e.limits])
            case sp.Limit():
                body, v, point, side = e.args
                at = self.expr(point)
                var = self.bind(v, "boundreal")
                return Limit(self.expr(body), var, at, "+-" if point in (sp.oo, -sp.oo) else str(side))
            case sp.Derivative():
                out = self.expr(e.expr)
                for v, order in map(tuple, e.variable_count):
                    out = Diff(out, self.expr(v), int(order))
                return out
        fold = read_fold(e, self)
        if fold is not None:
            return fold
        hint = f"; an exact number is, Rational('{float(e)!r}')" if isinstance(e, sp.Float) else ""
        raise UnknownNode(f"{type(e).__name__} {e} is not part of the notation{hint}")

    def integral(self, body: Any, limits: list[tuple[Any, ...]]) -> Expr:
        if not limits:
            return self.expr(body)
        v, lo, hi = limits[-1]
        ends = self.expr(lo), self.expr(hi)
        var = self.bind(v, "boundreal")
        return Integral(self.integral(body, limits[:-1]), var, *ends)


def from_sympy(expr: Any, names: Mapping[str, Expr] | None = None, *, loose: bool = False) -> Any:
    """Return the tree of a SymPy expression or relation.

    A float, a matrix, a determinant or any other node outside the notation raises `UnknownNode`; a plain
    symbol that `names` does not have raises `UndeclaredSymbol`.

    Parameters
    ----------
    expr : sympy.Basic
        What to convert.
    names : mapping of str to Expr, optional
        Declared names for plain SymPy symbols; symbols made by `to_sympy` know their own.
    loose : bool
        Turn other plain symbols into placeholders, which a `Scope` replaces by its own symbol of that name.

    Returns
    -------
    Expr or Rel

    Examples
    --------
    >>> import sympy
    >>> from dltsym.notation.scope import Scope
    >>> v = Scope()
    >>> x = v.real("x")
    >>> from_sympy(sympy.Symbol("x") ** 2 / 3, v.symbols)
    x**2/3
    """
    reader = _Reader(names or {}, loose)
    op = next((op for kind, op in BACK.items() if isinstance(expr, kind)), None)
    return Rel(reader.expr(expr.lhs), op, reader.expr(expr.rhs)) if op else reader.expr(expr)
