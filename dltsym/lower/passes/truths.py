"""Relations, masks and case distinctions as truths of the tensor IR."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dltsym.lower.nodes import Node
from dltsym.lower.passes.integers import linear
from dltsym.lower.passes.places import Env, Lin
from dltsym.notation.folds import Cases
from dltsym.notation.tree import Index, Num, Rel

if TYPE_CHECKING:
    from dltsym.lower.passes.lower import Lowering


def relation(low: Lowering, r: Rel, env: Env) -> Node:
    """Lower a relation; integers are compared with all constants on one side.

    Parameters
    ----------
    r : Rel
        Relation.
    env : Env
        What names mean.

    Returns
    -------
    Node
        Truth-valued.
    """
    make, r = low.algebra, r.flipped()
    mask = _mask(low, r, env)
    if mask is not None:
        return mask
    a, b = linear(low, r.lhs, env), linear(low, r.rhs, env)
    if a is None or b is None:
        return make.cmp(r.op, low.expr(r.lhs, env), low.expr(r.rhs, env))
    return compare(low, r.op, a, b)


def compare(low: Lowering, op: str, a: Lin, b: Lin) -> Node:
    """Compare two integers.

    Parameters
    ----------
    op : {"<", "<=", "=", "!="}
        Relation.
    a, b : Lin
        Integers.

    Returns
    -------
    Node
        Truth-valued.
    """
    d = a - b
    if op == "<":
        op, d = "<=", Lin(d.atoms, d.const + 1)
    left = Lin(tuple((n, c) for n, c in d.atoms if c > 0))
    right = Lin(tuple((n, -c) for n, c in d.atoms if c < 0), -d.const)
    if op in ("=", "!=") and not left.atoms and len(right.atoms):
        left, right = Lin(right.atoms), Lin((), -right.const)
    return low.algebra.cmp(op, low.node(left), low.node(right))


def _mask(low: Lowering, r: Rel, env: Env) -> Node | None:
    sides = (r.lhs, r.rhs) if isinstance(r.lhs, Index) else (r.rhs, r.lhs)
    entry, number = sides
    if not isinstance(entry, Index) or entry.array.decl.entries != "bool" or r.op not in ("=", "!="):
        return None
    if not isinstance(number, Num) or number.value not in (0, 1):
        return None
    truth = low.element(entry, env)
    return truth if (number.value == 1) == (r.op == "=") else low.algebra.negate(truth)


def cases(low: Lowering, e: Cases, env: Env) -> Node:
    """Lower a case distinction: the first branch that holds; the others may be undefined or out of range.

    Parameters
    ----------
    e : Cases
        Distinction.
    env : Env
        What names mean.

    Returns
    -------
    Node
    """
    make, done, failed = low.algebra, [], []
    for conditions, value in e.branches:
        inner, held = env.under(*failed), []
        for c in conditions:
            held.append(relation(low, c, inner))
            inner = inner.under(held[-1])
        done.append((make.both(*held), low.expr(value, inner)))
        failed.append(make.negate(done[-1][0]))
    out = low.expr(e.otherwise, env.under(*failed))
    for condition, value in reversed(done):
        out = make.where(condition, value, out)
    return out
