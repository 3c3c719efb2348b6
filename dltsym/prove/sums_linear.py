"""Linear forms over integers and reals, and a sound test whether one follows from others (Fourier-Motzkin)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import gcd, lcm

from dltsym.notation.tree import Add, Call, Div, Expr, Mul, Neg, Num, Pow, Rel, Sym
from dltsym.notation.walk import free_symbols, key

INTEGER_SORTS = ("integer", "index", "bound")
MAX_ROWS = 120


@dataclass(frozen=True)
class Linear:
    """``sum(c * atom) + const``; the atoms are symbols or opaque expressions, sorted by key."""

    terms: tuple[tuple[Expr, Fraction], ...]
    const: Fraction

    def __hash__(self) -> int:
        kept = vars(self)  # it never changes
        if (found := kept.get("_hash")) is None:
            found = kept["_hash"] = hash((self.terms, self.const))
        return found

    def __add__(self, other: Linear) -> Linear:
        acc = dict(self.terms)
        for a, c in other.terms:
            acc[a] = acc.get(a, Fraction(0)) + c
        return make(acc, self.const + other.const)

    def scaled(self, c: Fraction | int) -> Linear:
        """Return the form times a number."""
        return make({a: k * c for a, k in self.terms}, self.const * c)

    def __sub__(self, other: Linear) -> Linear:
        return self + other.scaled(-1)

    def plus(self, c: int) -> Linear:
        """Return the form plus a whole number."""
        return Linear(self.terms, self.const + c)

    def coefficient(self, atom: Expr) -> Fraction:
        """Return the coefficient of an atom."""
        return next((c for a, c in self.terms if a == atom), Fraction(0))

    @property
    def symbols(self) -> frozenset[Sym]:
        """Every symbol that occurs, also inside opaque atoms."""
        return frozenset().union(*(free_symbols(a) for a, _ in self.terms))

    @property
    def whole(self) -> bool:
        """Whether the value is certainly an integer."""
        return self.const.denominator == 1 and all(c.denominator == 1 and is_integer(a) for a, c in self.terms)


def make(terms: Mapping[Expr, Fraction], const: Fraction) -> Linear:
    """Build a form from a mapping; zero coefficients are dropped.

    Parameters
    ----------
    terms : mapping of Expr to Fraction
        Coefficients.
    const : Fraction
        Constant.

    Returns
    -------
    Linear
    """
    kept = sorted(((a, c) for a, c in terms.items() if c), key=lambda t: key(t[0]))
    return Linear(tuple(kept), const)


def is_integer(expr: Expr) -> bool:
    """Return whether an expression certainly has an integer value.

    Parameters
    ----------
    expr : Expr
        Any expression.

    Returns
    -------
    bool
    """
    match expr:
        case Num(v):
            return v.denominator == 1
        case Sym():
            return expr.decl.sort in INTEGER_SORTS
        case Neg() | Add() | Mul():
            args = (expr.arg,) if isinstance(expr, Neg) else expr.args
            return all(map(is_integer, args))
        case Pow(base, Num(e)):
            return is_integer(base) and e.denominator == 1 and e >= 0
        case Call(name, args):
            return name == "delta" or (name in ("max", "min", "abs") and all(map(is_integer, args)))
    return False


@lru_cache(maxsize=4096)
def linear(expr: Expr) -> Linear:
    """Read an expression as a linear form; what is not linear becomes an opaque atom.

    Parameters
    ----------
    expr : Expr
        Any expression.

    Returns
    -------
    Linear

    Examples
    --------
    >>> from dltsym.notation.scope import Scope
    >>> v = Scope()
    >>> n = v.count("n")
    >>> str(to_expr(linear(v.parse("2*(n - 1) + n"))))
    '3*n - 2'
    """
    match expr:
        case Num(v):
            return Linear((), v)
        case Neg(arg):
            return linear(arg).scaled(-1)
        case Add(args):
            total = linear(args[0])
            for a in args[1:]:
                total += linear(a)
            return total
        case Mul(args):
            return _product(args)
        case Div(num, den):
            below = linear(den)
            if not below.terms and below.const:
                return linear(num).scaled(1 / below.const)
    return Linear(((expr, Fraction(1)),), Fraction(0))


def _product(args: Sequence[Expr]) -> Linear:
    scale, rest = Fraction(1), []
    for a in args:
        form = linear(a)
        if form.terms:
            rest.append((a, form))
        else:
            scale *= form.const
    if len(rest) == 1:
        return rest[0][1].scaled(scale)
    if not rest:
        return Linear((), scale)
    atom = Mul(tuple(sorted((a for a, _ in rest), key=key)))
    return make({atom: scale}, Fraction(0))


def to_expr(form: Linear) -> Expr:
    """Return the form as a tree, symbols first and the constant last.

    Parameters
    ----------
    form : Linear
        Linear form.

    Returns
    -------
    Expr
    """
    parts: list[Expr] = []
    for a, c in form.terms:
        size = a if abs(c) == 1 else Mul((Num(abs(c)), a))
        parts.append(size if c > 0 else Neg(size))
    if form.const or not parts:
        c = form.const
        parts.append(Neg(Num(-c)) if c < 0 and parts else Num(c))
    return parts[0] if len(parts) == 1 else Add(tuple(parts))


def at_least_zero(form: Linear) -> Rel:
    """Return ``form >= 0`` as a relation without minus signs, for rows and for the sign engine.

    Parameters
    ----------
    form : Linear
        Linear form.

    Returns
    -------
    Rel
    """
    up = make({a: c for a, c in form.terms if c > 0}, max(form.const, Fraction(0)))
    down = make({a: -c for a, c in form.terms if c < 0}, max(-form.const, Fraction(0)))
    return Rel(to_expr(down), "<=", to_expr(up))


def tight(form: Linear) -> Linear:
    """Scale ``form >= 0`` to coprime whole coefficients; over integers the constant is then rounded down.

    Parameters
    ----------
    form : Linear
        Linear form.

    Returns
    -------
    Linear
    """
    if not form.terms:
        return form
    scale = lcm(*(c.denominator for _, c in form.terms))
    common = gcd(*(int(c * scale) for _, c in form.terms))
    out = form.scaled(Fraction(scale, common))
    if all(is_integer(a) for a, _ in out.terms):
        return Linear(out.terms, Fraction(out.const.numerator // out.const.denominator))
    return out


def _related(facts: Iterable[Linear], start: Linear) -> list[Linear]:
    todo = list(dict.fromkeys(facts))
    atoms = {a for a, _ in start.terms}
    picked: list[Linear] = []
    grew = True
    while grew:
        grew = False
        for f in list(todo):
            mine = {a for a, _ in f.terms}
            if mine & atoms:
                atoms |= mine
                picked.append(f)
                todo.remove(f)
                grew = True
    return picked


def implied(facts: Iterable[Linear], form: Linear) -> bool:
    """Return True when ``form >= 0`` certainly follows from ``fact >= 0`` for all facts; False means unknown.

    Parameters
    ----------
    facts : iterable of Linear
        Forms known to be non-negative.
    form : Linear
        What should be non-negative.

    Returns
    -------
    bool
    """
    return _implied(tuple(facts), form)


@lru_cache(maxsize=8192)
def _implied(facts: tuple[Linear, ...], form: Linear) -> bool:
    if not form.terms:
        return form.const >= 0
    if form in facts:
        return True
    known = [tight(f) for f in _related(facts, form)]
    whole = tight(form)
    # Over integers "not L >= 0" is -L - 1 >= 0. Over reals it is -L > 0; refuting -L >= 0 is enough, if not necessary.
    denied = whole.scaled(-1).plus(-1) if whole.whole else whole.scaled(-1)
    return unsatisfiable([*known, denied])


def unsatisfiable(forms: Iterable[Linear]) -> bool:
    """Return True when no values make all forms ``>= 0``; False means unknown.

    Parameters
    ----------
    forms : iterable of Linear
        Forms.

    Returns
    -------
    bool
    """
    rows = list(dict.fromkeys(map(tight, forms)))
    while True:
        if any(not r.terms and r.const < 0 for r in rows):
            return True
        rows = [r for r in rows if r.terms]
        if not rows or len(rows) > MAX_ROWS:
            return False
        rows = eliminate(rows, min({a for r in rows for a, _ in r.terms}, key=lambda a: (_cost(rows, a), key(a))))


def _cost(rows: list[Linear], atom: Expr) -> int:
    signs = [r.coefficient(atom) for r in rows]
    return sum(c > 0 for c in signs) * sum(c < 0 for c in signs)


def eliminate(rows: Iterable[Linear], atom: Expr) -> list[Linear]:
    """Return forms without `atom` that hold whenever the given ones do: one Fourier-Motzkin step.

    Parameters
    ----------
    rows : iterable of Linear
        Forms known to be non-negative.
    atom : Expr
        What to eliminate.

    Returns
    -------
    list of Linear
    """
    rows = list(rows)
    up = [r for r in rows if r.coefficient(atom) > 0]
    down = [r for r in rows if r.coefficient(atom) < 0]
    rest = [r for r in rows if not r.coefficient(atom)]
    mixed = (tight(u.scaled(-d.coefficient(atom)) + d.scaled(u.coefficient(atom))) for u in up for d in down)
    return list(dict.fromkeys([*rest, *mixed]))
