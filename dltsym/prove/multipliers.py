"""Multipliers for the termwise rule: a vanishing body times a constant may be added to the body to be proved.

The tangent makes the body flat where the vanishing body is 0 (Jensen); the secant makes it equal at both ends of the
range of an entry (a bounded variance). A multiplier is a guess: what is proved is the body with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dltsym.errors import UnknownNode
from dltsym.notation.calculus import ZERO, derivative
from dltsym.notation.tree import Div, Expr, Neg, Rel, Sym
from dltsym.notation.walk import free_symbols, substitute
from dltsym.prove.exactsign import Exact
from dltsym.prove.flatten import bare, flatten
from dltsym.prove.named import form_tree
from dltsym.prove.problem import Problem

MAX_TERMS = 6


def multipliers(problem: Problem, expr: Expr, zero: Expr) -> Iterator[Expr]:
    """Yield constants c for which ``expr + c*zero`` may be easier to prove than `expr`.

    Parameters
    ----------
    problem : Problem
        Hypotheses.
    expr : Expr
        Body at an arbitrary index.
    zero : Expr
        Body whose sum is 0.

    Yields
    ------
    Expr
        Free of the entries at that index.
    """
    flat = flatten(replace(problem, goal=Rel(zero, "<=", expr), written=None))
    store = Exact(flat)
    back = {bare(s): s for s in problem.symbols if s.decl.sort != "array"}
    for var in sorted(free_symbols(flat.goal) - set(problem.symbols), key=lambda s: s.name):
        for guess in (_tangent(flat, var), _secant(flat, var)):
            form = store.form(guess) if guess is not None else None
            if form is not None and len(form.num) <= MAX_TERMS:
                tree = substitute(form_tree(form), back)
                if free_symbols(tree) <= set(problem.symbols) and tree != ZERO:
                    yield tree


def _tangent(flat: Problem, var: Sym) -> Expr | None:
    zero, body = flat.goal.lhs, flat.goal.rhs
    try:
        rate, slope = derivative(zero, var), derivative(body, var)
    except UnknownNode:
        return None
    if rate == ZERO or var in free_symbols(rate):
        return None
    contact = Neg(Div(substitute(zero, {var: ZERO}), rate))
    return Neg(Div(substitute(slope, {var: contact}), rate))


def _secant(flat: Problem, var: Sym) -> Expr | None:
    low = next((r.lhs for r in flat.known if r.rhs == var and var not in free_symbols(r.lhs)), None)
    high = next((r.rhs for r in flat.known if r.lhs == var and var not in free_symbols(r.rhs)), None)
    if low is None or high is None or var not in free_symbols(flat.goal.lhs):
        return None
    rise, run = (substitute(e, {var: high}) + Neg(substitute(e, {var: low})) for e in (flat.goal.rhs, flat.goal.lhs))
    return Neg(Div(rise, run))
