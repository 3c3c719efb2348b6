"""Values of folds, cases and order, as closures ``f(B, E)`` like `dltsym.notation.closures`.

Every choice (a largest entry, a branch, an order, a stopping rule) is decided with certainty. A choice that stays open
makes the value unknown, which is a ball that is not finite, or `NotRational` on the exact path.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any

from flint import arb, fmpq

from dltsym.errors import UnknownNode
from dltsym.functions.monoids import ball_calls
from dltsym.functions.monoids import functions as monoid
from dltsym.notation.balls import MAX_BITS, NAN, REAL, NotRational
from dltsym.notation.choices import Choices, Closure, Path, Paths, Value, holds, known, loop, whole
from dltsym.notation.closures_loops import iteration, recurrence
from dltsym.notation.folds import Binding, Cases, Fold, Iterate, Order, Recurrence
from dltsym.notation.walk import free_symbols


def folded(node: Binding, slots: Any, exact: Path, ball: Path, functions: Mapping[str, Any] | None) -> Closure:
    """Compile a fold, cases, a recurrence, an order or an iteration.

    Parameters
    ----------
    node : Binding
        Node.
    slots : Slots
        Where the symbols live.
    exact, ball : callable
        The compilers of parts on both paths.
    functions : mapping or None
        None on the exact path, ``REAL`` on the ball path; anything else is an integrand.

    Returns
    -------
    callable

    Raises
    ------
    UnknownNode
        Inside an integral, where choices are not holomorphic.
    """
    if functions is not None and functions is not REAL:
        raise UnknownNode(f"{node} cannot be evaluated inside an integral")
    # Parts of choices are compiled on both paths: without the memo, nesting would double the work at every level.
    places = sorted((s.name, s.decl.uid, slots.of[s]) for s in free_symbols(node))
    at = (id(node), functions is not None, tuple(places))
    if at not in slots.memo:
        outer = dict(slots.of)
        slots.memo[at] = node, _compile(node, Paths(exact, ball, slots, functions is not None))
        slots.of = outer
    return slots.memo[at][1]


def _compile(node: Binding, paths: Paths) -> Closure:
    match node:
        case Fold("prod"):
            return _product(node, paths)
        case Fold("lse"):
            return _log_sum_exp(node, paths)
        case Fold("max" | "min"):
            return _extreme(node, paths)
        case Fold("argmax" | "argmin"):
            return _place(node, paths)
        case Fold():
            return _folded(node, paths)
        case Cases():
            return _cases(node, paths)
        case Recurrence():
            return recurrence(node, paths)
        case Order():
            return _order(node, paths)
        case Iterate():
            return iteration(node, paths)
    raise UnknownNode(f"{type(node).__name__} cannot be evaluated: {node}")


def _product(node: Fold, paths: Paths) -> Closure:
    each, balls = loop(node.limits, str(node), paths), paths.balls
    body = paths.value(node.body)

    def f(B: list, E: list) -> Any:
        out: Any = arb(1) if balls else fmpq(1)
        for _ in each(B, E):
            out = out * body(B, E)
            if not balls and max(out.p.bit_length(), out.q.bit_length()) > MAX_BITS:
                raise NotRational
        return out

    return f


def _log_sum_exp(node: Fold, paths: Paths) -> Closure:
    each, balls = loop(node.limits, str(node), paths), paths.balls
    body = paths.value(node.body)

    def f(B: list, E: list) -> Any:
        values = [body(B, E) for _ in each(B, E)]
        if len(values) == 1:
            return values[0]
        if not balls or not values or not all(x.is_finite() for x in values):
            return paths.give(None)
        top = max(x.mid() for x in values)
        return top + sum(((x - top).exp() for x in values), arb(0)).log()

    return f


def _folded(node: Fold, paths: Paths) -> Closure:
    each, balls = loop(node.limits, str(node), paths), paths.balls
    body, row = paths.value(node.body), monoid(node.op, ball_calls())

    def f(B: list, E: list) -> Any:
        values = [body(B, E) for _ in each(B, E)]
        if not balls or not all(x.is_finite() for x in values):
            return paths.give(None)
        return arb(row.fold((x,) for x in values))

    return f


def _extreme(node: Fold, paths: Paths) -> Closure:
    each, largest = loop(node.limits, str(node), paths), node.op == "max"
    body = paths.both(node.body)

    def f(B: list, E: list) -> Any:
        if not paths.balls:
            exact = [body.exact(B, E) for _ in each(B, E)]
            return paths.give((max(exact) if largest else min(exact)) if exact else None)
        for way in body.ways(E):
            values = [body.read(B, E, way) for _ in each(B, E)]
            if values and all(map(known, values)):
                return reduce(arb.max if largest else arb.min, [x for _, x in values])
        return NAN

    return f


def _place(node: Fold, paths: Paths) -> Closure:
    """Smallest index of the largest or smallest value."""
    each, largest = loop(node.limits, str(node), paths), node.op == "argmax"
    body = paths.both(node.body)

    def f(B: list, E: list) -> Any:
        for way in body.ways(E):
            best = _best([(i, body.read(B, E, way)) for i in each(B, E)], largest)
            if best is not None:
                return paths.give(best)
        return paths.give(None)

    return f


def _best(values: list[tuple[int, Value]], largest: bool) -> int | None:
    """Return the first index of the best value; None if that is not certain."""
    if not values or not all(known(x) for _, x in values):
        return None
    best, top = values[0]
    open_: list[Value] = []
    for i, x in values[1:]:
        beats = holds(top, "<", x) if largest else holds(x, "<", top)
        if beats is None:
            open_.append(x)
        elif beats:  # what could not be told apart from the old one may still be behind this one
            best, top = i, x
    return best if all(holds(x, "<", top) if largest else holds(top, "<", x) for x in open_) else None


def _cases(node: Cases, paths: Paths) -> Closure:
    branches = [([(paths.both(c.lhs), c.op, paths.both(c.rhs)) for c in cs], paths.value(e)) for cs, e in node.branches]
    otherwise = paths.value(node.otherwise)

    def f(B: list, E: list) -> Any:
        for conditions, value in branches:
            truth = _all(conditions, B, E)
            if truth is None:
                return paths.give(None)
            if truth:
                return value(B, E)
        return otherwise(B, E)

    return f


def _all(conditions: list[tuple[Choices, str, Choices]], B: list, E: list) -> bool | None:
    """Decide conditions in order: one that fails guards those behind it."""
    for left, op, right in conditions:
        truth = None
        for way in left.ways(E):
            truth = holds(left.read(B, E, way), op, right.read(B, E, way)) if truth is None else truth
        if truth is not True:
            return truth
    return True


def _order(node: Order, paths: Paths) -> Closure:
    text, topk = str(node), node.kind == "topk"
    at, k = (whole(paths.exact(e, paths.slots), f"the place or the number in {text}") for e in (node.at, node.k))
    each = loop(((node.var, node.lo, node.hi),), text, paths)
    body = paths.both(node.body)

    def f(B: list, E: list) -> Any:
        place, count = at(B, E), k(B, E)
        for way in body.ways(E):
            ahead = _ahead({i: body.read(B, E, way) for i in each(B, E)}, place)
            if ahead is None:
                continue
            before, most = ahead.count(True), len(ahead) - ahead.count(False)
            if topk and (before >= count or most < count):
                return paths.give(int(most < count))
            if not topk and before == most:
                return paths.give(before)
        return paths.give(None)

    return f


def _ahead(values: dict[int, Value], place: int) -> list[bool | None] | None:
    """Say of each other value whether it comes before the one at a place; None if some value is unknown."""
    own = values.pop(place, None)
    if own is None or not known(own) or not all(map(known, values.values())):
        return None
    # an earlier index goes first unless its value is less, a later one only if its value is greater
    return [holds(own, "<=" if i < place else "<", x) for i, x in values.items()]
