"""What has to hold for a tree to mean a real number: the checker's own collector of side conditions."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from dltsym.functions.table import FUNCTIONS
from dltsym.notation.parse import row_text
from dltsym.notation.tree import Add, Call, Const, Div, Expr, Index, Mul, Neg, Num, Pow, Rel, Sum, Sym
from dltsym.notation.walk import children
from dltsym.prove.replay.side import ZERO, Store, integral, with_facts

NEVER = Rel(Num(Fraction(1)), "=", ZERO)
Choice = tuple[Rel, ...]


def gap(store: Store, *exprs: Expr) -> Rel | None:
    """Return the first side condition that does not follow from the facts; None when the trees are defined.

    Parameters
    ----------
    store : Store
        Facts.
    *exprs : Expr
        Trees.

    Returns
    -------
    Rel or None
    """
    for expr in exprs:
        for choice, local in _conditions(expr, ()):
            shown = store.shown.get((choice, local))
            if shown is None:
                here = with_facts(store, *local)
                shown = store.shown[choice, local] = any(here.follows(rel) for rel in choice)
            if not shown:
                return choice[0]
    return None


def _conditions(e: Expr, local: Choice) -> Iterator[tuple[Choice, Choice]]:
    """Yield relations of which one has to hold, with the ranges of bound indices."""
    match e:
        case Sum():
            inner = local
            for v, lo, hi in reversed(e.limits):
                for end in (lo, hi):
                    yield from _conditions(end, inner)
                    if not integral(end):
                        yield (NEVER,), inner
                inner = (*inner, Rel(lo, "<=", v), Rel(v, "<=", hi))
            yield from _conditions(e.body, inner)
            return
        case Num() | Sym() | Neg() | Add() | Mul() | Div() | Pow() | Call() | Index() | Const("pi"):
            pass
        case _:  # what this module does not know is not defined
            yield (NEVER,), local
            return
    for child in children(e):
        yield from _conditions(child, local)
    for choice in _own(e):
        yield choice, local


def _own(e: Expr) -> Iterator[Choice]:
    match e:
        case Div(_, den):
            if not (isinstance(den, Num) and den.value):
                yield (Rel(den, "!=", ZERO),)
        case Call(name, args):
            if name in ("delta", "binomial"):
                yield from ((NEVER,) for a in args if not integral(a))
            for text in FUNCTIONS[name].domain:
                rel = row_text(e, text)
                assert isinstance(rel, Rel)
                yield (rel,)
        case Pow(base, Num(value)):
            if value.denominator != 1:
                yield (Rel(ZERO, "<=" if value > 0 else "<", base),)
            elif value < 0:
                yield (Rel(base, "!=", ZERO),)
        case Pow(base, exponent) if integral(exponent):
            yield Rel(base, "!=", ZERO), Rel(ZERO, "<=", exponent)
        case Pow(base, Neg(Num(value))):
            yield from _own(Pow(base, Num(-value)))
        case Pow(base, _):
            yield (Rel(ZERO, "<", base),)
        case Index(array, idx):
            for i, (lo, hi) in zip(idx, array.decl.shape, strict=True):
                yield (Rel(lo, "<=", i),)
                yield (Rel(i, "<=", hi),)
                if not integral(i):
                    yield (NEVER,)
