"""The set D of admissible values of one variable, as an interval, with the other variables held fixed.

Only hypotheses that bound the variable by terms free of it describe D. Every other hypothesis that mentions it is
dropped before anything is proved on D: otherwise ``x != 1`` would hide a pole inside the interval. What the dropped
variable leaves behind (``l < x`` and ``x < u`` give ``l < u``) is added as hypotheses free of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from dltsym.notation.calculus import ZERO, add, mul
from dltsym.notation.tree import Add, Div, Expr, Mul, Neg, Num, Rel, Sym
from dltsym.notation.walk import free_symbols, key
from dltsym.prove.problem import Problem


@dataclass(frozen=True)
class Limit:
    """One bound of the variable: an end free of it, excluded if `strict`."""

    end: Expr
    strict: bool


@dataclass(frozen=True)
class Domain:
    """Interval of `var` between all `lower` and `upper` limits; `rest` are the hypotheses free of `var`."""

    var: Sym
    lower: tuple[Limit, ...]
    upper: tuple[Limit, ...]
    rest: tuple[Rel, ...]
    dropped: tuple[Rel, ...] = ()

    def relations(self) -> tuple[Rel, ...]:
        """Return the limits as relations.

        Returns
        -------
        tuple of Rel
        """
        ops = {True: "<", False: "<="}
        low = [Rel(b.end, ops[b.strict], self.var) for b in self.lower]
        return (*low, *(Rel(self.var, ops[b.strict], b.end) for b in self.upper))

    def __str__(self) -> str:
        return ", ".join(map(str, self.relations())) or f"{self.var} real"


def affine(expr: Expr, var: Sym) -> tuple[Fraction, Expr] | None:
    """Split ``c*var + rest`` with a rational `c` and `rest` free of `var`; None if the tree is not of that form.

    Parameters
    ----------
    expr : Expr
        Tree.
    var : Sym
        Variable.

    Returns
    -------
    tuple of (Fraction, Expr) or None
    """
    if var not in free_symbols(expr):
        return Fraction(0), expr
    match expr:
        case Sym():
            return Fraction(1), ZERO
        case Neg(arg):
            return _scaled(affine(arg, var), Fraction(-1))
        case Add(args):
            parts = [affine(a, var) for a in args]
            if any(p is None for p in parts):
                return None
            return sum((p[0] for p in parts if p), Fraction(0)), add(*(p[1] for p in parts if p))
        case Mul(args):
            numbers = [c for a in args if (c := number(a)) is not None]
            others = [a for a in args if number(a) is None]
            product = Fraction(1)
            for c in numbers:
                product *= c
            return _scaled(affine(others[0], var), product) if len(others) == 1 else None
        case Div(num, den):
            c = number(den)
            return _scaled(affine(num, var), 1 / c) if c else None
    return None


def number(expr: Expr) -> Fraction | None:
    """Return the value of a rational number, a negated one or a quotient of two; None for other trees.

    Parameters
    ----------
    expr : Expr
        Tree.

    Returns
    -------
    Fraction or None
    """
    match expr:
        case Num(value):
            return value
        case Neg(arg):
            c = number(arg)
            return None if c is None else -c
        case Div(num, den):
            a, b = number(num), number(den)
            return a / b if a is not None and b else None
    return None


def _scaled(pair: tuple[Fraction, Expr] | None, c: Fraction) -> tuple[Fraction, Expr] | None:
    return None if pair is None else (pair[0] * c, mul(Num(c), pair[1]))


def domain(problem: Problem, var: Sym) -> Domain:
    """Return the interval of `var` that the hypotheses describe.

    Parameters
    ----------
    problem : Problem
        Flat problem; no symbol has bounds of its own.
    var : Sym
        Variable.

    Returns
    -------
    Domain
    """
    lower: dict[str, Limit] = {}
    upper: dict[str, Limit] = {}
    rest, dropped = [], []
    for rel in problem.known:
        if var not in free_symbols(rel):
            rest.append(rel)
            continue
        split = affine(rel.rhs + Neg(rel.lhs), var) if rel.op != "!=" else None
        if split is None or split[0] == 0:
            dropped.append(rel)
            continue
        c, end = split
        written = _tidy(rel, var)
        end = written if written is not None else mul(Num(-1 / c), end)
        strict = rel.op == "<"
        for side in [lower, upper] if rel.op == "=" else [lower if c > 0 else upper]:
            old = side.get(key(end))
            side[key(end)] = Limit(end, strict or (old is not None and old.strict))
    low, high = tuple(lower.values()), tuple(upper.values())
    left = [Rel(a.end, "<" if a.strict or b.strict else "<=", b.end) for a in low for b in high]
    trivial = [r for r in left if number(r.lhs) is None or number(r.rhs) is None]
    return Domain(var, low, high, (*rest, *trivial), tuple(dropped))


def _tidy(rel: Rel, var: Sym) -> Expr | None:
    """Keep the author's spelling of an end when the variable stands alone on its side."""
    if rel.lhs == var:
        return rel.rhs
    return rel.lhs if rel.rhs == var else None


def restrict(problem: Problem, dom: Domain, *more: Rel) -> Problem:
    """Return the problem whose only knowledge of the variable is its domain and `more`.

    Parameters
    ----------
    problem : Problem
        Flat problem.
    dom : Domain
        Interval.
    *more : Rel
        Further hypotheses, such as one side of the contact.

    Returns
    -------
    Problem
    """
    return replace(problem, given=(*dom.rest, *dom.relations(), *more), facts=(), written=None)


def closed_at(dom: Domain, point: Expr) -> Domain:
    """Return the domain with the limits that equal `point` made closed.

    Parameters
    ----------
    dom : Domain
        Interval.
    point : Expr
        Contact or end point.

    Returns
    -------
    Domain
    """
    at = key(point)

    def relax(limits: tuple[Limit, ...]) -> tuple[Limit, ...]:
        return tuple(Limit(b.end, b.strict and key(b.end) != at) for b in limits)

    return replace(dom, lower=relax(dom.lower), upper=relax(dom.upper))
