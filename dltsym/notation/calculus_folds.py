"""Derivatives of folds, cases, recurrences and iterations.

A choice (a largest entry, a branch, an order) that depends on the variable has no derivative where it changes, so these
rules refuse it, unless they are told to take it as constant (`Rules.kinks`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

from dltsym.errors import UnknownNode
from dltsym.notation.folds import Binding, Cases, Fold, Iterate, Order, Recurrence, StateSpec
from dltsym.notation.tree import Add, Call, Const, Expr, Index, Mul, Neg, Num, Rel, Sum, Sym, bound_symbol
from dltsym.notation.walk import B, binders, free_symbols, fresh_binders, substitute, transform

ZERO, ONE = Num(Fraction(0)), Num(Fraction(1))
KINKS = frozenset({"abs", "relu", "max", "min", "sign", "floor"})


@dataclass(frozen=True)
class Rules:
    """The derivative of any tree, sums and products that drop zeros and ones, and whether choices are constant."""

    of: Callable[[Expr, Expr], Expr]
    add: Callable[..., Expr]
    mul: Callable[..., Expr]
    kinks: bool


def _kinked(node: Binding, of: Expr) -> bool:
    """Say whether a choice inside depends on a variable: where it changes there is no derivative."""
    match node:
        case Fold(op):
            return op not in ("prod", "lse")
        case Iterate():
            return node.tol is not None
        case Cases(branches, _):
            return any(of in free_symbols(c) and not _at_infinity(c) for cs, _ in branches for c in cs)
    return isinstance(node, Order)


def _at_infinity(condition: Rel) -> bool:
    """Say whether a comparison is with an infinity: it changes at no real number."""
    ends = (e.arg if isinstance(e, Neg) else e for e in (condition.lhs, condition.rhs))
    return any(e == Const("oo") for e in ends)


def kink_derivative(call: Call, inner: list[Expr], mul: Callable[..., Expr]) -> Expr:
    """Differentiate a call of `KINKS` away from its kinks.

    Parameters
    ----------
    call : Call
        Call.
    inner : list of Expr
        Derivatives of its arguments.
    mul : callable
        Product.

    Returns
    -------
    Expr
    """
    first, *rest = call.args
    match call.name:
        case "abs":
            return mul(Call("sign", (first,)), inner[0])
        case "relu":
            return Cases((((Rel(first, ">", ZERO),), inner[0]),), ZERO)
        case "max" | "min":
            op = ">=" if call.name == "max" else "<="
            return Cases((((Rel(first, op, rest[0]),), inner[0]),), inner[1])
    return ZERO


def fold_derivative(node: Binding, var: Expr, rules: Rules) -> Expr:
    """Differentiate a node that binds names in some of its parts.

    Parameters
    ----------
    node : Binding
        Node.
    var : Sym or Index
        A real symbol or an array entry.
    rules : Rules
        The derivative of other trees.

    Returns
    -------
    Expr

    Raises
    ------
    UnknownNode
        When a range, a number of rounds, a stopping rule or a choice depends on the variable.
    """
    of = var.array if isinstance(var, Index) else var
    if of not in free_symbols(node):
        return ZERO
    if not rules.kinks and _kinked(node, of):
        raise UnknownNode(f"{node} may have no derivative by {var} where a choice changes")
    if free_symbols(var) & set(binders(node)):
        node = _fresh(node)
    match node:
        case Fold("argmax" | "argmin") | Order():
            return ZERO
        case Fold():
            _fixed(node, [e for _, lo, hi in node.limits for e in (lo, hi)], var)
            return _fold(node, var, rules)
        case Cases(branches, otherwise):
            values = [rules.of(e, var) for _, e in branches]
            last = rules.of(otherwise, var)
            if last == ZERO and all(v == ZERO for v in values):
                return ZERO
            return Cases(tuple((cs, v) for (cs, _), v in zip(branches, values, strict=True)), last)
        case Recurrence():
            _fixed(node, [node.lo, node.at], var)
            return _recurrence(node, var, rules)
        case Iterate():
            ends = [e for s in node.states for pair in s.ranges for e in pair]
            _fixed(node, [node.count, *ends, *(() if node.tol is None else (node.tol,))], var)
            if node.tol is not None:
                raise UnknownNode(f"the derivative of {node} depends on when it stops")
            return _iterate(node, var, rules)
    raise UnknownNode(f"no derivative rule for {type(node).__name__}")


def _fresh(node: B) -> B:
    return fresh_binders(node)  # type: ignore[type-var]


def _fixed(node: Expr, parts: list[Expr], var: Expr) -> None:
    of = var.array if isinstance(var, Index) else var
    if any(of in free_symbols(e) for e in parts):
        raise UnknownNode(f"a range or a number of rounds of {node} depends on {var}")


def _fold(node: Fold, var: Expr, rules: Rules) -> Expr:
    change = rules.of(node.body, var)
    if change == ZERO:
        return ZERO
    other = _fresh(node)
    if node.op == "lse":
        weight = Call("exp", (Add((node.body, Neg(other))),))
        return Sum(rules.mul(weight, change), node.limits)
    if node.op == "prod":
        same = tuple(Rel(a, "=", b) for a, b in zip(other.bound, node.bound, strict=True))
        return Sum(rules.mul(change, replace(other, body=Cases(((same, ONE),), other.body))), node.limits)
    if node.op not in ("max", "min"):
        raise UnknownNode(f"{node} has no derivative by a rule")
    if len(node.limits) > 1:
        inner = Fold(node.op, node.body, node.limits[:1])
        return rules.of(Fold(node.op, inner, node.limits[1:]), var)
    return substitute(change, {node.bound[0]: Fold(f"arg{node.op}", other.body, other.limits)})


def _recurrence(node: Recurrence, var: Expr, rules: Rules) -> Expr:
    """Carry the derivative along: ``d <- step_h d + step_var``, with the state before each step where it occurs."""
    start, own, gain = rules.of(node.init, var), rules.of(node.step, var), rules.of(node.step, node.state)
    d = bound_symbol(f"d{node.state.name}", "boundreal")
    before = replace(_fresh(node), at=Add((node.var, Neg(ONE))))
    step = substitute(rules.add(rules.mul(gain, d), own), {node.state: before})
    return ZERO if step == ZERO == start else Recurrence(node.var, node.lo, node.at, d, start, step)


def _iterate(node: Iterate, var: Expr, rules: Rules) -> Expr:
    """Give every state a tangent. It is updated just before its state, so that both read the same values."""
    nudge = bound_symbol("nudge", "boundreal")
    tangents = {s.symbol: _like(s.symbol) for s in node.states}

    def total(e: Expr) -> Expr:
        def shifted(t: Expr) -> Expr:
            if isinstance(t, Index) and t.array in tangents:
                return Add((t, Mul((nudge, Index(tangents[t.array], t.idx)))))
            scalar = isinstance(t, Sym) and t.decl.sort != "array" and t in tangents
            return Add((t, Mul((nudge, tangents[t])))) if scalar else t  # type: ignore[index]

        along = substitute(rules.of(transform(e, shifted), nudge), {nudge: ZERO})
        return rules.add(rules.of(e, var), transform(along, lambda t: _tidy(t, rules)))

    states: list[StateSpec] = []
    for s in node.states:
        states.append(StateSpec(tangents[s.symbol], s.index, rules.of(s.init, var), total(s.step)))
        states.append(s)
    return replace(node, states=tuple(states), out=total(node.out))


def _like(state: Sym) -> Sym:
    d = state.decl
    return bound_symbol(f"d{d.name}", d.sort, d.shape)


def _tidy(e: Expr, rules: Rules) -> Expr:
    """Drop what setting the nudge to zero has left."""
    match e:
        case Add(args):
            return rules.add(*args)
        case Mul(args):
            return rules.mul(*args)
    return e
