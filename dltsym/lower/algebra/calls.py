"""Logarithms and the other pointwise operations (C1, C3, C7 of the dltsym design note, table 4.2)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from dltsym.errors import UnsupportedError
from dltsym.lower.algebra.forms import (
    coefficient,
    factors,
    has_exp,
    is_cut,
    is_minus_inf,
    is_one,
    is_zero,
    number,
    split_exp,
)
from dltsym.lower.algebra.terms import total_log
from dltsym.lower.nodes import Node
from dltsym.lower.ops import OPS

if TYPE_CHECKING:
    from dltsym.lower.algebra.constructors import Algebra

_ODD = frozenset(name for name, row in OPS.items() if row.sign == "odd") - {"log1p", "expm1"}
_EVEN = frozenset({"abs", "cos", "cosh", "log_cosh", "sech2"})


def log(alg: Algebra, x: Node) -> Node:
    """Return a logarithm in normal form.

    Parameters
    ----------
    alg : Algebra
        Constructors.
    x : Node
        Argument.

    Returns
    -------
    Node
    """
    make = alg.table.make
    if alg.raw:
        return make("log", (x,))
    if is_one(x):
        return alg.zero
    if is_zero(x):
        return alg.minus_inf
    if x.op == "num" and x.data[0] > 0 and x.data[0].numerator == 1:
        return alg.neg(make("log", (alg.num(1 / x.data[0]),)))
    if x.op == "mul":
        return _log_product(alg, x)
    return _log_factor(alg, x)


def _log_product(alg: Algebra, x: Node) -> Node:
    known, unknown = [], []
    for f in x.args:
        (known if alg.facts(f).nonneg else unknown).append(f)
    if len(unknown) == 1 and number(unknown[0]) is None:  # the others are >= 0, so this one is where it is defined
        known, unknown = x.args, []
    elif len(unknown) == 2 and number(unknown[0]) == -1 and unknown[1].op == "expm1":
        known, unknown = [*known, alg.mul(*unknown)], []
    if unknown and not known:
        return alg.table.make("log", (x,))
    parts = [_log_factor(alg, f) if f.op != "num" else log(alg, f) for f in known]
    if unknown:
        parts.append(log(alg, alg.mul(*unknown)))
    alg.note("C3")
    return alg.add(*parts)


def _log_factor(alg: Algebra, x: Node) -> Node:
    make = alg.table.make
    match x.op:
        case "exp":
            return x.args[0]
        case "pow":
            k, b = x.data[0], x.args[0]
            even = k.denominator == 1 and k % 2 == 0
            return alg.mul(alg.num(k), log(alg, call(alg, "abs", (b,)) if even else b))
        case "where":
            return _log_where(alg, x)
        case "add":
            return _log_sum(alg, x)
        case "mul" if number(x.args[0]) == -1 and len(x.args) == 2 and x.args[1].op == "expm1":
            return call(alg, "log1mexp", (alg.neg(x.args[1].args[0]),))
        case "expm1":
            y = x.args[0]
            return alg.add(y, call(alg, "log1mexp", (y,)))
        case "cosh":
            return call(alg, "log_cosh", x.args)
        case "sech2":  # it underflows where its logarithm is a number like any other
            return alg.mul(alg.num(-2), call(alg, "log_cosh", x.args))
        case "reduce" if x.data[0] == "prod" and alg.facts(x.args[0]).nonneg:
            (body,), bound = alg.table.open(x)
            return alg.contract((log(alg, body),), bound)
    return make("log", (x,))


def _log_where(alg: Algebra, x: Node) -> Node:
    c, a, b = x.args
    if is_zero(b) or is_zero(a) or (alg.facts(x).nonneg and (has_exp(a) or has_exp(b))):
        return alg.where(c, log(alg, a), log(alg, b))
    return alg.table.make("log", (x,))


def _log_sum(alg: Algebra, x: Node) -> Node:
    units = [t for t in x.args if is_one(t)]
    if not units:
        return alg.table.make("log", (x,))
    alg.note("C7")
    return call(alg, "log1p", (alg.add(*(t for t in x.args if not is_one(t))),))


def call(alg: Algebra, op: str, args: Sequence[Node]) -> Node:
    """Return a pointwise operation in normal form.

    Parameters
    ----------
    alg : Algebra
        Constructors.
    op : str
        Row of `dltsym.lower.ops.OPS`.
    args : sequence of Node
        Operands.

    Returns
    -------
    Node

    Raises
    ------
    UnsupportedError
        If there is no such operation.
    """
    if op not in OPS:
        raise UnsupportedError(f"{op!r} is no operation of the tensor compiler")
    match op:
        case "add":
            return alg.add(*args)
        case "mul":
            return alg.mul(*args)
        case "exp" | "log":
            return getattr(alg, op)(args[0])
    if alg.raw:
        return alg.table.make(op, args)
    if len(args) == 2:
        return _binary(alg, op, args[0], args[1])
    x = args[0]
    match op:
        case "sqrt":
            return alg.power(x, Fraction(1, 2))
        case "rsqrt":
            return alg.power(x, Fraction(-1, 2))
        case "sigmoid":
            return alg.exp(alg.neg(call(alg, "softplus", (alg.neg(x),))))
        case "logsigmoid":
            return alg.neg(call(alg, "softplus", (alg.neg(x),)))
        case "softplus":
            return _softplus(alg, x)
        case "expm1":
            return _expm1(alg, x)
        case "log1p":
            return _log1p(alg, x)
        case "abs" | "sign" | "step" | "floor":
            return _stepwise(alg, op, x)
    return _symmetric(alg, op, x)


def _softplus(alg: Algebra, x: Node) -> Node:
    if is_minus_inf(x):
        return alg.zero
    if is_zero(x):
        return log(alg, alg.num(2))
    if is_cut(x):
        return alg.where(x.args[0], _softplus(alg, x.args[1]), alg.zero)
    return alg.table.make("softplus", (x,))


def _expm1(alg: Algebra, x: Node) -> Node:
    k, y = coefficient(alg.table, x)
    if is_minus_inf(x):
        return alg.num(-1)
    if is_zero(x):
        return alg.zero
    if y.op == "log":
        return alg.sub(alg.power(y.args[0], k), alg.one)
    if k == -1 and y.op == "softplus":  # 1 - sigmoid
        return alg.neg(alg.exp(alg.neg(call(alg, "softplus", (alg.neg(y.args[0]),)))))
    if k == 1 and y.op == "softplus":
        return alg.exp(y.args[0])
    return alg.table.make("expm1", (x,))


def _log1p(alg: Algebra, x: Node) -> Node:
    if is_zero(x):
        return alg.zero
    k, y = coefficient(alg.table, x)
    if y.op == "expm1" and k == 1:
        return y.args[0]
    if number(x) is not None:
        return log(alg, alg.num(x.data[0] + 1))
    if has_exp(x):
        return log(alg, alg.add(alg.one, x)) if alg.add(alg.one, x).op != "add" else alg.table.make("log1p", (x,))
    return alg.table.make("log1p", (x,))


def _stepwise(alg: Algebra, op: str, x: Node) -> Node:
    known = alg.facts(x)
    if op == "floor" and known.integer:
        return x
    if op == "abs" and known.nonneg:
        return x
    if op in ("sign", "step") and known.positive:
        return alg.one
    if op == "step" and known.nonpos:
        return alg.zero
    if op == "abs" and known.nonpos:
        return alg.neg(x)
    if op == "abs" and x.op == "mul":
        out = [f for f in x.args if alg.facts(f).nonneg]
        rest = [f for f in x.args if not alg.facts(f).nonneg]
        value = number(rest[0]) if rest else None
        if value is not None:
            out, rest = [*out, alg.num(abs(value))], rest[1:]
        if out and rest:
            return alg.mul(*out, call(alg, "abs", (alg.mul(*rest),)))
    return alg.table.make(op, (x,))


def _symmetric(alg: Algebra, op: str, x: Node) -> Node:
    k, rest = coefficient(alg.table, x)
    if k < 0 and x.op == "mul" and op in _ODD:
        return alg.neg(call(alg, op, (alg.mul(alg.num(-k), rest),)))
    if k < 0 and x.op == "mul" and op in _EVEN:
        return call(alg, op, (alg.mul(alg.num(-k), rest),))
    return alg.table.make(op, (x,))


def _binary(alg: Algebra, op: str, a: Node, b: Node) -> Node:
    if op in ("maximum", "minimum"):
        return _extreme(alg, op, a, b)
    if op == "logaddexp":
        return total_log(alg, [a, b])
    if op == "xlogy":
        if is_one(b) or is_zero(a):
            return alg.zero
        inside, rest = split_exp(b)
        if inside is not None and not rest and alg.facts(inside).finite:
            return alg.mul(a, inside)
        if all(alg.facts(f).positive for f in factors(a)) and alg.facts(a).finite:
            return alg.mul(a, log(alg, b))
    return alg.table.make(op, (a, b))


def _extreme(alg: Algebra, op: str, a: Node, b: Node) -> Node:
    if a is b:
        return a
    fa, fb = alg.facts(a), alg.facts(b)
    above = fa.lo is not None and fb.hi is not None and fa.lo >= fb.hi
    below = fa.hi is not None and fb.lo is not None and fa.hi <= fb.lo
    if above or below:
        return a if above == (op == "maximum") else b
    powers = [x for x in (a, b) if x.op == "exp"]
    if len(powers) == 2 or (powers and (is_one(a) or is_one(b))):
        return alg.exp(_extreme(alg, op, *(alg.zero if is_one(x) else x.args[0] for x in (a, b))))
    if powers and op == "minimum" and powers[0].args[0].op != op:
        a, b = b if a is powers[0] else a, _below(alg, powers[0], b if a is powers[0] else a)
    return alg.table.make(op, (a, b))


def _below(alg: Algebra, power: Node, limit: Node) -> Node:
    # min(c, e^u): cut u a little above log c, lest the derivative be 0 times an overflow.
    if limit.axes or not alg.facts(limit).positive:
        return power
    value = number(limit)
    top = (
        alg.add(log(alg, limit), alg.one)
        if value is None
        else alg.num(math.ceil(math.log(value.numerator) - math.log(value.denominator)) + 1)
    )
    return alg.exp(_extreme(alg, "minimum", power.args[0], top))
