"""Printing claims as Coq text: only whitelisted nodes, everything in parentheses, exponents are ``nat`` literals.

Declared rewrites, and no others: defined functions are expanded before (``cosh``, ``kl_bernoulli``), ``a - b`` is
``a + (- b)``, ``b**(-3)`` is ``/ (b ^ 3)``, a power with another exponent is ``exp (e * ln b)``.
"""

from __future__ import annotations

import re

from dltsym.errors import DltsymError
from dltsym.notation.tree import Add, Call, Div, Expr, Mul, Neg, Num, Pow, Rel, Sym

CALLS = {"exp": "exp", "log": "ln", "sqrt": "sqrt"}
OPS = {"<": "<", "<=": "<=", "=": "=", "!=": "<>"}
MAX_EXPONENT = 64


class Refused(DltsymError):
    """A claim or a proof that is not exported, and why."""


def whole(e: Expr) -> int | None:
    """Return the value of an integer exponent, or None.

    Parameters
    ----------
    e : Expr
        Exponent.

    Returns
    -------
    int or None
    """
    match e:
        case Num(value) if value.denominator == 1:
            return int(value)
        case Neg(Num(value)) if value.denominator == 1:
            return -int(value)
    return None


def identifier(name: str) -> str:
    """Return the Coq name of a symbol; the prefix keeps it apart from the names of the libraries.

    Parameters
    ----------
    name : str
        Declared name.

    Returns
    -------
    str

    Raises
    ------
    Refused
        For a name that is not made of ASCII letters, digits and ``_``.
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name, re.ASCII):
        raise Refused(f"the name {name!r} has no Coq form")
    return f"v_{name}"


def coq(e: Expr) -> str:
    """Print an expression.

    Parameters
    ----------
    e : Expr
        Expression, defined functions expanded.

    Returns
    -------
    str

    Raises
    ------
    Refused
        For a node outside the whitelist; the message names it.
    """
    match e:
        case Num(value):
            top = f"{value.numerator}" if value >= 0 else f"(- {-value.numerator})"
            return top if value.denominator == 1 else f"({top} / {value.denominator})"
        case Sym() if e.decl.sort in ("real", "integer", "index"):
            return identifier(e.name)
        case Neg(Num(value)):
            return f"(- ({coq(Num(value))}))"  # Coq reads `- 1` as one numeral, which is not the opposite of 1
        case Neg(arg):
            return f"(- {coq(arg)})"
        case Add(args):
            return "(" + " + ".join(map(coq, args)) + ")"
        case Mul(args):
            return "(" + " * ".join(map(coq, args)) + ")"
        case Div(num, den):
            return f"({coq(num)} / {coq(den)})"
        case Pow():
            return _power(e)
        case Call(name, (arg,)) if name in CALLS:
            return f"({CALLS[name]} {coq(arg)})"
        case Call(name, _):
            raise Refused(f"the function {name} is not exported")
    raise Refused(f"the node {type(e).__name__} is not exported ({e})")


def _power(e: Pow) -> str:
    n = whole(e.exponent)
    if n is None:
        return coq(as_exp(e))
    if abs(n) > MAX_EXPONENT:
        raise Refused(f"the exponent {n} is not exported")
    return f"({coq(e.base)} ^ {n})" if n >= 0 else f"(/ ({coq(e.base)} ^ {-n}))"


def as_exp(e: Pow) -> Expr:
    """Return a power with a symbolic exponent as an exponential; its base must be positive.

    Parameters
    ----------
    e : Pow
        Power.

    Returns
    -------
    Expr
    """
    return Call("exp", (Mul((e.exponent, Call("log", (e.base,)))),))


def coq_rel(rel: Rel) -> str:
    """Print a relation with one of the operators ``=``, ``<``, ``<=`` and ``!=``.

    Parameters
    ----------
    rel : Rel
        Relation.

    Returns
    -------
    str
    """
    rel = rel.flipped()
    return f"({coq(rel.lhs)} {OPS[rel.op]} {coq(rel.rhs)})"
