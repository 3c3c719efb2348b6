"""Where the parts of folds, cases, recurrences, orders and iterations have to be defined, and what else they need."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dltsym.notation.folds import Binding, Cases, Fold, Iterate, Order, Recurrence
from dltsym.notation.tree import Expr, Rel, Sym

NEGATED = {"=": "!=", "!=": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
Local = tuple[Rel, ...]


@dataclass(frozen=True)
class Need:
    """Under the local hypotheses `local`: `parts` are defined, `whole` are integers by their form, `rels` hold."""

    local: Local
    parts: tuple[Expr, ...] = ()
    whole: tuple[Expr, ...] = ()
    rels: tuple[Rel, ...] = ()


def needs(node: Binding) -> Iterator[Need]:
    """Yield what one node asks for, parts included; a state counts as an arbitrary real number, which is enough.

    Parameters
    ----------
    node : Binding
        Node.

    Yields
    ------
    Need

    Raises
    ------
    TypeError
        For another node.
    """
    match node:
        case Fold():
            yield from _fold(node)
        case Cases():
            yield from _cases(node)
        case Recurrence(var, lo, at, _, init, step):
            yield Need((), (init, lo, at), (lo, at))
            yield Need(_range(var, lo, at), (step,))
        case Order(_, body, var, lo, hi, at, k):
            yield Need((), (lo, hi, at, k), (lo, hi, at, k), (Rel(lo, "<=", at), Rel(at, "<=", hi)))
            yield Need(_range(var, lo, hi), (body,))
        case Iterate():
            yield from _iterate(node)
        case _:
            raise TypeError(f"nothing is known of {type(node).__name__}")


def _range(var: Sym, lo: Expr, hi: Expr) -> Local:
    return Rel(lo, "<=", var), Rel(var, "<=", hi)


def _fold(node: Fold) -> Iterator[Need]:
    inner: Local = ()
    for v, lo, hi in reversed(node.limits):  # outermost first: a range may mention the indices outside it
        filled = () if node.op == "prod" else (Rel(lo, "<=", hi),)
        yield Need(inner, (lo, hi), (lo, hi), filled)
        inner = (*inner, *_range(v, lo, hi))
    yield Need(inner, (node.body,))


def _cases(node: Cases) -> Iterator[Need]:
    failed: Local = ()
    for conditions, value in node.branches:
        here = failed
        for c in conditions:
            yield Need(here, (c.lhs, c.rhs))
            here = (*here, c.flipped())
        yield Need(here, (value,))
        if len(conditions) == 1:  # that several do not all hold is no relation
            (c,) = conditions
            failed = (*failed, Rel(c.lhs, NEGATED[c.op], c.rhs).flipped())
    yield Need(failed, (node.otherwise,))


def _iterate(node: Iterate) -> Iterator[Need]:
    yield Need((), (node.count, *(() if node.tol is None else (node.tol,))), (node.count,))
    for s in node.states:
        inner: Local = ()
        for v, (lo, hi) in zip(s.index, s.ranges, strict=True):
            yield Need((), (lo, hi), (lo, hi))
            inner = (*inner, *_range(v, lo, hi))
        yield Need(inner, (s.init, s.step))
    yield Need((), (node.out,))
