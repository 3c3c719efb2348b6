"""Sums, reductions, recurrences, orders and iterations of the raw walk, by their definitions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

from flint import fmpq

from dltsym.errors import DomainError, Undecided, UnsupportedError
from dltsym.functions.monoids import ball_calls, functions
from dltsym.notation import extended as ext
from dltsym.notation.balls import NAN
from dltsym.notation.extended import DEAD, INF, NEG_INF, Value
from dltsym.notation.folds import Fold, Iterate, Order, Recurrence, StateSpec
from dltsym.notation.tree import Expr, Sum, Sym

if TYPE_CHECKING:
    from dltsym.lower.interpret.raw_walk import Walk

Fn = Callable[[list[Any]], Any]


@dataclass(frozen=True, eq=False)
class State:
    """The entries of a state between two updates; a scalar is the entry at ``()``."""

    table: dict[tuple[int, ...], Value]

    def read(self, name: str, at: tuple[int, ...]) -> Value:
        """Return an entry."""
        if at not in self.table:
            raise DomainError(f"{name} has no entry {at}")
        return self.table[at]


def loop(walk: Walk, node: Expr) -> Fn:
    """Return the closure of a node that goes over a range.

    Parameters
    ----------
    walk : Walk
        Owner of the closures.
    node : Expr
        Node.

    Returns
    -------
    callable

    Raises
    ------
    UnsupportedError
        For a node that has no value at a point.
    """
    match node:
        case Sum(body, limits):
            return _ranges(walk, limits, lambda: walk.at(body), ext.plus, walk.nothing)
        case Fold(op, body, limits) if op in _MONOIDS:
            combine, unit = _MONOIDS[op]
            return _ranges(walk, limits, lambda: walk.at(body), combine, unit)
        case Fold("lse", body, limits):
            return _log_sum_exp(walk, node)
        case Fold("argmax" | "argmin" as op, _, _):
            return _best(walk, node, ">" if op == "argmax" else "<")
        case Fold():
            return _folded(walk, node)
        case Recurrence():
            return _recurrence(walk, node)
        case Order():
            return _order(walk, node)
        case Iterate():
            return _iterate(walk, node)
    raise UnsupportedError(f"the ball oracle has no value for a {type(node).__name__}: {node}")


_MONOIDS = {
    "prod": (ext.times, fmpq(1)),
    "max": (ext.larger, NEG_INF),
    "min": (ext.smaller, INF),
}


def _ranges(
    walk: Walk,
    limits: tuple[tuple[Sym, Expr, Expr], ...],
    body: Callable[[], Fn],
    combine: Callable[[Value, Value], Value],
    unit: Value,
) -> Fn:
    slots = [walk.slot(v) for v, _, _ in limits]  # before the body is built: it has to know its names
    f = body()
    for slot, (_, lo, hi) in zip(slots, limits, strict=True):
        f = _one(f, slot, walk.whole(lo), walk.whole(hi), combine, unit)
    return f


def _one(body: Fn, slot: int, lo: Fn, hi: Fn, combine: Callable[[Value, Value], Value], unit: Value) -> Fn:
    def f(env: list[Any]) -> Value:
        outer, out = env[slot], unit
        for i in range(lo(env), hi(env) + 1):
            env[slot] = i
            out = combine(out, body(env))
        env[slot] = outer
        return ext.tame(out)

    return f


def _log_sum_exp(walk: Walk, node: Fold) -> Fn:
    def body() -> Fn:
        inside = walk.at(node.body)
        return lambda env: ext.exp(inside(env))

    total = _ranges(walk, node.limits, body, ext.plus, DEAD)
    return lambda env: ext.log(total(env))


def _folded(walk: Walk, node: Fold) -> Fn:
    ((var, lo, hi),) = node.limits
    slot, row = walk.slot(var), functions(node.op, ball_calls())
    f, first, last = walk.at(node.body), walk.whole(lo), walk.whole(hi)

    def run(env: list[Any]) -> Value:
        outer, state = env[slot], row.unit
        for i in range(first(env), last(env) + 1):
            env[slot] = i
            x = ext.ball(f(env))
            if ext.undefined(x):
                return NAN
            state = row.combine(state, row.lift(x))
        env[slot] = outer
        return ext.tame(ext.ball(row.project(state)))

    return run


class _Entries:
    """Values of a body at the places of one index, and which of two goes first in a descending order."""

    def __init__(self, walk: Walk, body: Expr, slot: int) -> None:
        self.walk, self.body, self.slot, self.f = walk, body, slot, walk.at(body)

    def value(self, env: list[Any], i: int) -> Value:
        outer, env[self.slot] = env[self.slot], i
        out = self.f(env)
        env[self.slot] = outer
        return out

    def beats(self, env: list[Any], i: int, j: int, op: str) -> bool:
        """Say whether value(i) op value(j), where nan beats every number."""
        x, y = self.value(env, i), self.value(env, j)
        if ext.undefined(x) or ext.undefined(y):
            return ext.undefined(x) and not ext.undefined(y)
        try:
            return ext.compare(op, x, y)
        except Undecided:
            sides = []
            for k, v in ((i, x), (j, y)):
                inner = list(env)
                inner[self.slot] = k
                sides.append(self.walk.exactly(self.body, v, inner))
            try:
                return ext.compare(op, *sides)
            except Undecided:
                raise Undecided(f"entries {i} and {j} of {self.body} may be equal") from None

    def before(self, env: list[Any], i: int, j: int) -> bool:
        """Say whether entry i comes before entry j: larger, or as large and of a smaller index."""
        if self.beats(env, i, j, ">"):
            return True
        return i < j and not self.beats(env, j, i, ">")


def _best(walk: Walk, node: Fold, op: str) -> Fn:
    ((var, lo, hi),) = node.limits
    slot = walk.slot(var)
    entries, start, end = _Entries(walk, node.body, slot), walk.whole(lo), walk.whole(hi)

    def f(env: list[Any]) -> Value:
        places = range(start(env), end(env) + 1)
        if not places:
            return NAN
        best = places[0]
        for i in places[1:]:
            if entries.beats(env, i, best, op):
                best = i
        return fmpq(best)

    return f


def _order(walk: Walk, node: Order) -> Fn:
    slot = walk.slot(node.var)
    entries = _Entries(walk, node.body, slot)
    lo, hi, at, k = (walk.whole(e) for e in (node.lo, node.hi, node.at, node.k))
    topk, one, zero = node.kind == "topk", fmpq(1), walk.nothing

    def f(env: list[Any]) -> Value:
        own, places = at(env), range(lo(env), hi(env) + 1)
        if own not in places:
            raise DomainError(f"{node} asks for entry {own} of {places.start}..{places.stop - 1}")
        rank = sum(entries.before(env, i, own) for i in places if i != own)
        return (one if rank < k(env) else zero) if topk else fmpq(rank)

    return f


def _recurrence(walk: Walk, node: Recurrence) -> Fn:
    var, state = walk.slot(node.var), walk.slot(node.state)
    lo, at, init, step = walk.whole(node.lo), walk.whole(node.at), walk.at(node.init), walk.at(node.step)
    outside = frozenset((var, state))
    used = tuple(s for s in walk.used(node.step, node.init, node.lo) if s not in outside)
    known = walk.keyed(lambda env: [State({(): init(env)})], used)  # the states so far; longer at every call

    def f(env: list[Any]) -> Value:
        states, first, last = known(env), lo(env), at(env)
        outer = env[var], env[state]
        while len(states) <= last - first + 1:
            env[var], env[state] = first + len(states) - 1, states[-1]
            states.append(State({(): ext.tame(step(env))}))
        env[var], env[state] = outer
        return states[max(last - first + 1, 0)].table[()]

    return f


def _iterate(walk: Walk, node: Iterate) -> Fn:
    slots = [walk.slot(s.symbol) for s in node.states]
    parts = [_StateLoop(walk, s) for s in node.states]
    count, out = walk.whole(node.count), walk.at(node.out)
    tol = None if node.tol is None else walk.at(node.tol)
    sides = [e for s in node.states for e in s.sides] + [node.count] + ([] if node.tol is None else [node.tol])
    own = frozenset((*slots, *(v for p in parts for v in p.slots)))
    used = tuple(s for s in walk.used(*sides) if s not in own)

    def rounds(env: list[Any]) -> list[State]:
        env = list(env)
        for slot, part in zip(slots, parts, strict=True):
            env[slot] = State({at: part.init(e) for at, e in part.places(env)})
        for _ in range(count(env)):
            if _round(env, slots, parts, node.simultaneous, tol):
                break
        return [env[slot] for slot in slots]

    final = walk.keyed(rounds, used)

    def f(env: list[Any]) -> Value:
        outer = [env[slot] for slot in slots]
        for slot, state in zip(slots, final(env), strict=True):
            env[slot] = state
        value = out(env)
        for slot, state in zip(slots, outer, strict=True):
            env[slot] = state
        return value

    return f


def _round(env: list[Any], slots: list[int], parts: list[_StateLoop], together: bool, tol: Fn | None) -> bool:
    """Update every state once; say whether no entry changed by more than the tolerance."""
    old = [env[slot] for slot in slots]
    new = []
    for slot, part in zip(slots, parts, strict=True):
        new.append(State({at: ext.tame(part.step(e)) for at, e in part.places(env)}))
        if not together:
            env[slot] = new[-1]
    for slot, state in zip(slots, new, strict=True):
        env[slot] = state
    if tol is None:
        return False
    limit = tol(env)
    gaps = (ext.plus(n.table[at], -o.table[at]) for n, o in zip(new, old, strict=True) for at in n.table)
    return all(ext.compare("<=", abs(gap), limit) for gap in gaps)


class _StateLoop:
    """The closures of one state of an iteration."""

    def __init__(self, walk: Walk, spec: StateSpec) -> None:
        self.slots = [walk.slot(v) for v in spec.index]
        self.ends = [(walk.whole(lo), walk.whole(hi)) for lo, hi in spec.ranges]
        self.init, self.step = walk.at(spec.init), walk.at(spec.step)

    def places(self, env: list[Any]) -> Iterator[tuple[tuple[int, ...], list[Any]]]:
        """Yield the index of each entry with the environment in which its update is evaluated."""
        for at in product(*(range(lo(env), hi(env) + 1) for lo, hi in self.ends)):
            outer = [env[s] for s in self.slots]
            for s, i in zip(self.slots, at, strict=True):
                env[s] = i
            yield at, env
            for s, i in zip(self.slots, outer, strict=True):
                env[s] = i
