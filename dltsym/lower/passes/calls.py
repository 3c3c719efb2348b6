"""Derivatives, powers and named functions."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from dltsym.errors import UnsupportedError
from dltsym.functions.table import FUNCTIONS
from dltsym.lower.axes import Shift, Slot
from dltsym.lower.nodes import Node
from dltsym.lower.ops import OPS
from dltsym.lower.passes.places import Env
from dltsym.lower.passes.truths import relation
from dltsym.notation.parse import row_text
from dltsym.notation.tree import Call, Diff, Expr, Index, Pow, Rel, Sym

if TYPE_CHECKING:
    from dltsym.lower.passes.lower import Lowering

ONE = Fraction(1)
_ROWS = {"max": "maximum", "min": "minimum"}


def derivative(low: Lowering, e: Diff, env: Env) -> Node:
    """Differentiate the normal form of a body by a real symbol or an array entry.

    Parameters
    ----------
    e : Diff
        Derivative.
    env : Env
        What names mean.

    Returns
    -------
    Node

    Raises
    ------
    UnsupportedError
        For a derivative by anything else.
    """
    from dltsym.lower.grad import gradient

    node, at = low.expr(e.body, env), []
    if isinstance(e.var, Index) and e.var.array.decl.entries == "real" and not e.var.array.decl.uid:
        entry, name = low.element(e.var, env), e.var.array.name
        at = [_shifted(low, p, entry) for p in entry.data[1]]
    elif isinstance(e.var, Sym) and e.var.decl.sort in ("real", "foreign"):
        name = e.var.name
    else:
        raise UnsupportedError(f"{e} is a derivative by {e.var}, which is no real parameter or array entry")
    for _ in range(e.order):
        node = gradient(low.algebra, node, name, at, low.findings)
    return node


def _shifted(low: Lowering, place: Any, entry: Node) -> Any:
    match place:
        case Shift(axis, by):
            return low.algebra.add(low.algebra.iota(axis), low.algebra.num(by))
        case Slot(arg):
            return entry.args[arg]
    return place


def power(low: Lowering, e: Pow, env: Env) -> Node:
    """Lower a power; an exponent that is no number gives ``exp(exponent * log(base))``.

    Parameters
    ----------
    e : Pow
        Power.
    env : Env
        What names mean.

    Returns
    -------
    Node
    """
    make = low.algebra
    base, exponent = low.expr(e.base, env), low.expr(e.exponent, env)
    if exponent.op == "num":
        return make.power(base, exponent.data[0])
    zero, sign = make.num(Fraction(0)), make.facts(base).sign
    whole = make.facts(exponent).integer
    size = make.call("abs", base) if whole and sign not in ("+", ">=0", "zero") else base
    grown = make.mul(exponent, make.call("log", size))
    if sign != "+":  # 0**0 is 1
        grown = make.where(make.cmp("=", exponent, zero), zero, grown)
    out = make.call("exp", grown)
    if size is base:
        return out
    half = make.call("floor", make.mul(make.num(Fraction(1, 2)), exponent))
    odd = make.cmp("!=", make.mul(make.num(Fraction(2)), half), exponent)
    return make.where(make.both(make.cmp("<", base, zero), odd), make.neg(out), out)


def call(low: Lowering, e: Call, env: Env) -> Node:
    """Lower a named function: by its row of operations, else by its definition.

    Parameters
    ----------
    e : Call
        Call.
    env : Env
        What names mean.

    Returns
    -------
    Node

    Raises
    ------
    UnsupportedError
        For a function that has neither.
    """
    make = low.algebra
    if e.name == "delta":
        truth = relation(low, Rel(e.args[0], "=", e.args[1]), env)
        return make.where(truth, make.num(ONE), make.num(Fraction(0)))
    if e.name == "binomial":
        return make.call("exp", make.call("log_binomial", *(low.expr(a, env) for a in e.args)))
    row = _ROWS.get(e.name, e.name)
    if row in OPS and row not in ("add", "mul", "pow"):
        return make.call(row, *(low.expr(a, env) for a in e.args))
    text = FUNCTIONS[e.name].definition if e.name in FUNCTIONS else None
    if text is None:
        raise UnsupportedError(f"the function {e.name} has no tensor form: {e}")
    tree = row_text(e, text)
    assert isinstance(tree, Expr)
    return low.expr(tree, env)
