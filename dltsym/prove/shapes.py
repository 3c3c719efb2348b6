"""What can be read off the form of a tree: rational constants, integers, quantified indices, partial functions."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from dltsym.functions.table import FUNCTIONS
from dltsym.notation.folds import Binding, Fold, Order
from dltsym.notation.tree import Add, Call, Diff, Div, Expr, Index, Integral, Limit, Mul, Neg, Num, Pow, Rel, Sum, Sym
from dltsym.notation.walk import free_symbols, subterms

INTEGERS, BASE, FULL = 0, 1, 2
ZERO = Num(Fraction(0))


def rational(e: Expr) -> Fraction | None:
    """Return the value of a closed rational expression, or None.

    Parameters
    ----------
    e : Expr
        Tree.

    Returns
    -------
    Fraction or None
    """
    match e:
        case Num(value):
            return value
        case Neg(arg):
            value = rational(arg)
            return None if value is None else -value
        case Add(args) | Mul(args):
            values = [rational(a) for a in args]
            if any(v is None for v in values):
                return None
            out = Fraction(0) if isinstance(e, Add) else Fraction(1)
            for v in values:
                out = out + v if isinstance(e, Add) else out * v  # type: ignore[operator]
            return out
        case Div(a, b):
            top, below = rational(a), rational(b)
            return None if top is None or not below else top / below
    return None


def is_integer(e: Expr) -> bool:
    """Whether an expression is an integer by its form: integer symbols, ``+ - *``, powers, deltas, sums of integers.

    Parameters
    ----------
    e : Expr
        Tree.

    Returns
    -------
    bool
    """
    match e:
        case Num(value):
            return value.denominator == 1
        case Sym():
            return e.decl.sort in ("integer", "index", "bound")
        case Neg(arg):
            return is_integer(arg)
        case Add(args) | Mul(args):
            return all(map(is_integer, args))
        case Pow(base, Num(value)):
            return is_integer(base) and value.denominator == 1 and value >= 0
        case Call("delta" | "binomial", _) | Fold("argmax" | "argmin") | Order():
            return True
        case Index(array, _):
            return array.decl.entries != "real"
        case Sum(body, _):
            return is_integer(body)
    return False


def usable(rel: Rel, level: int) -> bool:
    """Whether a relation belongs to a level of `Atoms`.

    Parameters
    ----------
    rel : Rel
        Relation.
    level : int
        INTEGERS, BASE or FULL.

    Returns
    -------
    bool
    """
    if level == FULL:
        return True
    if level == INTEGERS:
        return is_integer(rel.lhs) and is_integer(rel.rhs) and not any(isinstance(t, Sum) for t in subterms(rel))
    return not any(_partial(t) for t in subterms(rel))


def _partial(t: Expr | Rel) -> bool:
    match t:
        case Div(_, den):
            return not rational(den)
        case Pow(_, exponent):
            c = rational(exponent)
            return c is None or c < 0 or c.denominator != 1
        case Call(name, _):
            return bool(FUNCTIONS[name].domain)
    return isinstance(t, Sum | Diff | Integral | Limit | Binding)


def quantified(rel: Rel) -> tuple[Sym, ...]:
    """Return the free index symbols of a hypothesis: they mean "for every"; sorted by name.

    Parameters
    ----------
    rel : Rel
        Hypothesis.

    Returns
    -------
    tuple of Sym
    """
    found = (s for s in free_symbols(rel) if s.decl.sort == "index")
    return tuple(sorted(found, key=lambda s: s.name))


def entries(e: Expr | Rel) -> Iterator[Index]:
    """Yield the array entries of a tree.

    Parameters
    ----------
    e : Expr or Rel
        Tree.

    Yields
    ------
    Index
    """
    yield from (t for t in subterms(e) if isinstance(t, Index))
