"""Recurrences, orders and fixed-point iterations: scans where the step is affine, loops where it is not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from dltsym.errors import ShapeError, UnsupportedError
from dltsym.lower.algebra.forms import has_exp
from dltsym.lower.axes import Axis, Slot
from dltsym.lower.ir import State
from dltsym.lower.nodes import Node
from dltsym.lower.passes.dependent import Run, read, runs
from dltsym.lower.passes.integers import linear
from dltsym.lower.passes.places import Env, Lin, fresh
from dltsym.lower.passes.truths import compare
from dltsym.lower.report import Finding
from dltsym.lower.sizes import parse_size, poly
from dltsym.notation.folds import Cases, Iterate, Order, Recurrence, StateSpec
from dltsym.notation.tree import Add, Call, Div, Expr, Mul, Neg, Num, Sum, Sym

if TYPE_CHECKING:
    from dltsym.lower.passes.lower import Lowering

ZERO, ONE = Num(Fraction(0)), Num(Fraction(1))
Affine = tuple[Expr, Expr]


def affine(low: Lowering, e: Expr, state: Sym) -> Affine | None:
    """Return (a, b) with ``e = a * state + b``, both free of the state; None when there is no such form.

    Parameters
    ----------
    low : Lowering
        Where.
    e : Expr
        Step.
    state : Sym
        State.

    Returns
    -------
    tuple of Expr or None
    """
    if state not in low.free(e):
        return ZERO, e
    match e:
        case Sym() if e == state:
            return ONE, ZERO
        case Sym() if e.decl.definition is not None:
            return affine(low, e.decl.definition, state)
        case Neg(arg):
            return _each(low, (arg,), state, lambda xs: Neg(xs[0]))
        case Add(args):
            return _each(low, args, state, lambda xs: Add(xs))
        case Div(a, b) if state not in low.free(b):
            return _each(low, (a,), state, lambda xs: Div(xs[0], b))
        case Sum(body, limits):
            return _each(low, (body,), state, lambda xs: Sum(xs[0], limits))
        case Cases(branches, otherwise):
            if any(state in low.free(side) for cs, _ in branches for c in cs for side in (c.lhs, c.rhs)):
                return None
            values = (*(v for _, v in branches), otherwise)
            return _each(low, values, state, lambda xs: Cases(
                tuple((c, x) for (c, _), x in zip(branches, xs, strict=False)), xs[-1]))  # fmt: skip
        case Mul(args):
            inside = [k for k, a in enumerate(args) if state in low.free(a)]
            if len(inside) == 1:
                k = inside[0]
                return _each(low, (args[k],), state, lambda xs: _times(args, k, xs[0]))
    return None


def _times(args: tuple[Expr, ...], k: int, x: Expr) -> Expr:
    return x if x == ZERO else Mul((*args[:k], x, *args[k + 1 :]))


def _each(low: Lowering, args: tuple[Expr, ...], state: Sym, make: Callable[[tuple[Expr, ...]], Expr]) -> Affine | None:
    parts = [affine(low, a, state) for a in args]
    if any(p is None for p in parts):
        return None
    sides = []
    for k in range(2):
        side = tuple(p[k] for p in parts if p is not None)
        sides.append(ZERO if all(x == ZERO for x in side) else make(side))
    return sides[0], sides[1]


@dataclass(frozen=True)
class _Chain:
    """A recurrence as a scan: the monoid and its arguments, and what meets the start."""

    monoid: str
    parts: tuple[Expr, ...]
    start: str


def _chain(low: Lowering, e: Recurrence) -> _Chain | None:
    known = affine(low, e.step, e.state)
    if known is not None:
        a, b = known
        if a == ONE:
            return _Chain("sum", (b,), "add")
        return _Chain("prod", (a,), "mul") if b == ZERO else _Chain("affine", (a, b), "")
    if isinstance(e.step, Call) and e.step.name == "max":
        rest = [x for x in e.step.args if x != e.state]
        if len(rest) == 1 and e.state not in low.free(rest[0]):
            return _Chain("max", (rest[0],), "maximum")
    return None


def recurrence(low: Lowering, e: Recurrence, env: Env) -> Node:
    """Lower a recurrence: a scan when the step is affine in the state (or a maximum with it), else a loop.

    Parameters
    ----------
    low : Lowering
        Where.
    e : Recurrence
        Recurrence.
    env : Env
        What names mean.

    Returns
    -------
    Node

    Raises
    ------
    UnsupportedError
        When its ends are no integers with fixed start.
    """
    lo, at = low.integer(e.lo, env), low.integer(e.at, env)
    if lo.atoms:
        raise UnsupportedError(f"the recurrence of {e.state.name} starts at {e.lo}, which depends on an index")
    chain = _chain(low, e)
    if chain is None or (at.atoms and at.axis is None):
        return _rounds(low, e, lo, at, env)
    init = low.expr(e.init, env)
    if not at.atoms:  # one entry before the first step holds the start
        return _last(low, e, chain, lo, at, init, env)
    free = at.axis
    assert free is not None
    ways = runs((at.const - lo.const).constant, parse_size(free.size), lo.const, at.const)
    if not ways:
        return _rounds(low, e, lo, at, env)
    for run in ways[:-1]:
        before = len(low.checks)
        try:
            return _scanned(low, e, chain, run, lo, free, init, env)
        except ShapeError:  # the last step of this form lies outside an array
            del low.checks[before:]
    return _scanned(low, e, chain, ways[-1], lo, free, init, env)


def _scanned(low: Lowering, e: Recurrence, chain: _Chain, run: Run, lo: Lin, free: Axis, init: Node, env: Env) -> Node:
    make = low.algebra
    axis, index = fresh(make, run.size, run.start)
    inside, held = env.bind({e.var: index}), None
    if run.clip:
        held = compare(low, "<=", lo, index)
        inside = inside.under(held)
    args = [low.expr(p, inside) for p in chain.parts]
    if held is not None:
        rest = {"sum": (0,), "prod": (1,), "affine": (1, 0)}.get(chain.monoid)
        idle = [make.num(Fraction(q)) for q in rest] if rest else [make.neg(make.const("inf"))]
        args = [make.where(held, x, q) for x, q in zip(args, idle, strict=True)]
    return _joined(low, chain, axis, run.incl, args, init, lambda n: read(low, n, axis, free, run.read))


def _joined(
    low: Lowering, chain: _Chain, axis: Axis, incl: bool, args: list[Node], init: Node, at: Callable[[Node], Node]
) -> Node:
    make = low.algebra
    if chain.monoid == "affine":
        return at(make.scan("affine", axis, 1, incl, *args, init))
    done = at(make.scan(chain.monoid, axis, 1, incl, *args))
    if chain.start == "add":
        return make.add(init, done)
    return make.mul(init, done) if chain.start == "mul" else make.call("maximum", init, done)


def _last(low: Lowering, e: Recurrence, chain: _Chain, lo: Lin, at: Lin, init: Node, env: Env) -> Node:
    make = low.algebra
    size = at.const - lo.const + 1
    axis, index = fresh(make, size, lo.const)
    args = [low.expr(p, env.bind({e.var: index})) for p in chain.parts]
    if chain.monoid != "affine":
        if chain.monoid == "sum":
            return make.add(init, make.contract((args[0],), (axis,)))
        done = make.reduce(chain.monoid, args[0], (axis,))
        return make.mul(init, done) if chain.monoid == "prod" else make.call("maximum", init, done)
    scan = make.scan("affine", axis, 1, True, *args, init)
    low.need(size - 1, f"the recurrence of {e.state.name} takes no step")
    return make.take(scan, axis, Slot(1), low.node(Lin((), size - 1)))


# Loops


def _rounds(low: Lowering, e: Recurrence, lo: Lin, at: Lin, env: Env) -> Node:
    # Each entry of the free axes stops at its own last step; the counter is a state like any other.
    make = low.algebra
    stop = at.end(1)
    if stop is None:
        raise UnsupportedError(f"the last step {e.at} of the recurrence of {e.state.name} is bounded by no size")
    low.findings.append(Finding("W06", f"recurrence of {e.state.name} up to {e.at}"))
    axes: frozenset[Axis] = frozenset().union(*(n.axes for n, _ in at.atoms))
    while True:
        order = tuple(sorted(axes))
        names = (make.table.fresh("1").name, make.table.fresh("1").name)
        count = make.ref(f"${names[0]}", ())
        index = Lin(((count, Fraction(1)),))
        held = compare(low, "<=", index, at)
        here = make.ref(f"${names[1]}", order)
        inside = env.bind({e.var: index, e.state: lambda *_, here=here: here}).under(held)
        init = low.expr(e.init, env)
        step = make.where(held, low.expr(e.step, inside), here)
        if (init.axes | step.axes) <= axes:
            break
        axes = axes | init.axes | step.axes
    counter = State(f"${names[0]}", (), low.node(lo), make.add(count, make.num(1)))
    moved = {a: make.table.fresh(a.size) for a in order}
    state = State(f"${names[1]}", tuple(moved.values()), make.table.rename(init, moved), make.table.rename(step, moved))
    rounds = low.node(Lin((), stop - lo.const + 1))
    return make.table.iterate(rounds, (state, counter), here, True)


def order(low: Lowering, e: Order, env: Env) -> Node:
    """Lower the place of one entry among many: 0 or 1 for ``topk``, a number for ``rank``.

    Parameters
    ----------
    low : Lowering
        Where.
    e : Order
        Order.
    env : Env
        What names mean.

    Returns
    -------
    Node

    Raises
    ------
    UnsupportedError
        When k or a range depends on an index or on data.
    """
    make = low.algebra
    lo, hi, at = low.integer(e.lo, env), low.integer(e.hi, env), low.integer(e.at, env)
    k = linear(low, e.k, env)
    count = k.const.constant if k is not None and not k.atoms else None
    if lo.atoms or hi.atoms or count is None:
        raise UnsupportedError(f"the range and the k of {e} have to be the same for every index")
    axis, index = fresh(make, hi.const - lo.const + 1, lo.const)
    body = low.expr(e.body, env.bind({e.var: index}))
    node = make.order(e.kind, axis, int(count), body)
    place = at - lo
    free = place.axis
    if free is not None and free.size == axis.size and place.const == poly(0):
        node = make.table.rename(node, {axis: free})
    else:
        low.inside(e, place, parse_size(axis.size), env)
        node = make.take(node, axis, Slot(1), low.guarded(place, env))
    low.findings.append(Finding("W13", str(e)))
    return make.where(node, make.num(Fraction(1)), make.num(Fraction(0))) if e.kind == "topk" else node


def iteration(low: Lowering, e: Iterate, env: Env) -> Node:
    """Lower a fixed-point iteration; positive states that meet exponentials are carried as logarithms.

    Parameters
    ----------
    low : Lowering
        Where.
    e : Iterate
        Iteration.
    env : Env
        What names mean.

    Returns
    -------
    Node

    Raises
    ------
    UnsupportedError
        When the number of rounds depends on an index.
    """
    count = low.integer(e.count, env)
    if any(n.axes for n, _ in count.atoms):
        raise UnsupportedError(f"the number of rounds {e.count} depends on an index")
    before = len(low.checks), len(low.findings)
    logs = _build(low, e, env, count, logs=True)
    if logs is not None:
        return logs
    del low.checks[before[0] :], low.findings[before[1] :]
    plain = _build(low, e, env, count, logs=False)
    assert plain is not None
    return plain


def _build(low: Lowering, e: Iterate, env: Env, count: Lin, *, logs: bool) -> Node | None:
    if logs and e.tol is not None:  # the tolerance is about the states themselves
        return None
    extra: tuple[Axis, ...] = ()
    given = [f"${low.algebra.table.fresh('1').name}" for _ in e.states]
    while True:
        readers = {s.symbol: _reader(low, n, extra, logs) for s, n in zip(e.states, given, strict=True)}
        found = [_state(low, s, n, readers, env, extra, logs) for s, n in zip(e.states, given, strict=True)]
        if any(f is None for f in found):
            return None
        states, more = [f[0] for f in found if f], frozenset().union(*(f[1] for f in found if f))
        if more <= frozenset(extra):
            break
        extra = tuple(sorted(more | frozenset(extra)))
    if logs and not any("lse" in _monoids(s.step) for s in states) and not all(_positive(s) for s in e.states):
        return None
    out = low.expr(e.out, env.bind(readers))
    tol = None if e.tol is None else low.expr(e.tol, env)
    if logs and has_exp(out) and low.algebra.facts(out).nonneg:  # its logarithm may be asked for
        logarithm = low.algebra.call("log", out)
        return low.algebra.call("exp", low.algebra.table.iterate(low.node(count), states, logarithm, e.simultaneous))
    return low.algebra.table.iterate(low.node(count), states, out, e.simultaneous, tol)


def _positive(s: StateSpec) -> bool:
    lo = s.symbol.decl.lo
    return isinstance(lo, Num) and lo.value >= 0


def _reader(low: Lowering, name: str, extra: tuple[Axis, ...], logs: bool) -> Callable[..., Node]:
    def entry(places: tuple[Any, ...], slots: tuple[Node, ...] = ()) -> Node:
        node = low.algebra.ref(name, (*places, *extra), *slots)
        return low.algebra.call("exp", node) if logs else node

    return entry


def _state(
    low: Lowering,
    s: StateSpec,
    name: str,
    readers: Mapping[Sym, Any],
    env: Env,
    extra: tuple[Axis, ...],
    logs: bool,
) -> tuple[State, frozenset[Axis]] | None:
    make = low.algebra
    own, names = [], {}
    for v, (lo, hi) in zip(s.index, s.ranges, strict=True):
        first = low.integer(lo, env)
        last = low.integer(hi, env)
        if first.atoms or last.atoms:
            raise UnsupportedError(f"the range of the state {s.symbol.name} depends on an index")
        axis, names[v] = fresh(make, last.const - first.const + 1, first.const)
        own.append(axis)
    inside = env.bind(names)
    init, step = low.expr(s.init, inside), low.expr(s.step, inside.bind(readers))
    if logs:
        if any(make.facts(n).sign not in ("+", ">=0", "zero") for n in (init, step)):
            return None
        init, step = make.call("log", init), make.call("log", step)
    moved = {a: make.table.fresh(a.size) for a in extra}
    init, step = (make.table.rename(n, moved) for n in (init, step))
    state = State(name, (*own, *moved.values()), init, step)
    return state, (init.axes | step.axes) - frozenset((*own, *moved.values()))


def _monoids(node: Node) -> set[str]:
    seen: set[int] = set()
    found: set[str] = set()
    todo = [node]
    while todo:
        n = todo.pop()
        if id(n) not in seen:
            seen.add(id(n))
            found |= {n.data[0]} if n.op == "reduce" else set()
            todo += n.args
    return found
