"""Integer expressions as linear forms."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from dltsym.lower.passes.places import Env, Lin
from dltsym.lower.sizes import name, poly
from dltsym.notation.tree import Add, Expr, Index, Mul, Neg, Num, Sym

if TYPE_CHECKING:
    from dltsym.lower.passes.lower import Lowering

ONE = Fraction(1)


def linear(low: Lowering, e: Expr, env: Env) -> Lin | None:
    """Return a linear form, or None.

    Parameters
    ----------
    e : Expr
        Expression.
    env : Env
        What names mean.

    Returns
    -------
    Lin or None
    """
    match e:
        case Num(value):
            return Lin((), poly(value)) if value.denominator == 1 else None
        case Sym():
            meaning = env.names.get(e)
            if meaning is not None:
                return meaning if isinstance(meaning, Lin) else None
            if e.decl.definition is not None:
                return linear(low, e.decl.definition, env)
            return Lin((), name(e.name)) if e.decl.sort == "integer" else None
        case Neg(arg):
            form = linear(low, arg, env)
            return None if form is None else form.times(-ONE)
        case Add(args):
            forms = [linear(low, a, env) for a in args]
            return None if None in forms else sum((f for f in forms if f), Lin())
        case Mul(args):
            return _product([linear(low, a, env) for a in args])
        case Index() if e.array.decl.entries == "integer":
            return Lin(((low.element(e, env), ONE),))
    return None


def _product(forms: list[Lin | None]) -> Lin | None:
    out = Lin((), poly(1))
    for f in forms:
        if f is None:
            return None
        a, b = (out, f) if not f.atoms else (f, out)
        number = b.const.constant
        if b.atoms or (a.atoms and number is None):
            return None
        if not a.atoms:
            out = Lin((), a.const * b.const)
        else:
            assert number is not None
            out = a.times(number) if number else Lin()
    return out
