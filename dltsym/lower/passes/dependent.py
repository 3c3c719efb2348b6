"""Reductions: full ranges, and ranges whose ends depend on an index (a scan, an affine scan, or a mask)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from dltsym.errors import ShapeError, UnsupportedError
from dltsym.functions.monoids import FOLDED
from dltsym.lower.axes import Axis, Slot
from dltsym.lower.nodes import Node
from dltsym.lower.passes.places import Env, Lin, fresh
from dltsym.lower.passes.segments import Segments, Span, segments
from dltsym.lower.passes.truths import compare
from dltsym.lower.report import Finding
from dltsym.lower.sizes import Poly, parse_size
from dltsym.notation.folds import Fold
from dltsym.notation.tree import Call, Expr, Sum, Sym

if TYPE_CHECKING:
    from dltsym.lower.passes.lower import Lowering

Limits = tuple[tuple[Sym, Expr, Expr], ...]
SCANS = ("sum", "prod", "max", "min", "lse")


def fold(low: Lowering, op: str, body: Expr, limits: Limits, env: Env) -> Node:
    """Lower a reduction, the outermost index first.

    Parameters
    ----------
    low : Lowering
        Where.
    op : str
        ``sum``, ``prod``, ``max``, ``min``, ``lse``, ``argmax`` or ``argmin``.
    body : Expr
        What is reduced.
    limits : tuple
        Indices with their ends, innermost first.
    env : Env
        What names mean.

    Returns
    -------
    Node
    """
    body, limits = _flat(op, body, limits)
    rest, axes, inside = list(limits), [], env
    while rest:
        span = _span(low, op, rest[-1], inside)
        starts, stops = ([f.const for f in side if not f.atoms] for side in (span.lows, span.highs))
        if not len(span.lows) == len(span.highs) == len(starts) == len(stops) == 1:
            break
        size = _length(low, starts[0], stops[0], span)
        axis, index = fresh(low.algebra, size, starts[0])
        axes.append((axis, starts[0]))
        inside = inside.bind({rest.pop()[0]: index})
    node = _moving(low, op, body, tuple(rest), inside) if rest else low.expr(body, inside)
    return reduced(low, op, node, axes) if axes else node


def _length(low: Lowering, start: Poly, stop: Poly, span: Span) -> Poly:
    size = stop - start + 1
    if size.constant is not None and size.constant < 0:
        return Poly()
    low.need(size, f"{span.text} goes backwards")
    return size


def _flat(op: str, body: Expr, limits: Limits) -> tuple[Expr, Limits]:
    while op in SCANS and (body.op if isinstance(body, Fold) else "sum" if isinstance(body, Sum) else "") == op:
        assert isinstance(body, Sum | Fold)
        body, limits = body.body, (*body.limits, *limits)
    return body, limits


def _span(low: Lowering, op: str, limit: tuple[Sym, Expr, Expr], env: Env) -> Span:
    var, lo, hi = limit
    return Span(var, _ends(low, "max", lo, env), _ends(low, "min", hi, env), f"{op} over {var} from {lo} to {hi}")


def _moving(low: Lowering, op: str, body: Expr, limits: Limits, env: Env) -> Node:
    *inner, limit = limits
    span = _span(low, op, limit, env)

    def make(e: Env) -> Node:
        return fold(low, op, body, tuple(inner), e) if inner else low.expr(body, e)

    if op in SCANS:
        known = scanned(low, op, None if inner else body, make, span, env)
        if known is not None:
            return known
    return _masked(low, op, make, span, env)


def _ends(low: Lowering, combine: str, e: Expr, env: Env) -> tuple[Lin, ...]:
    if isinstance(e, Sym) and e not in env.names and e.decl.definition is not None:
        return _ends(low, combine, e.decl.definition, env)
    if isinstance(e, Call) and e.name == combine:
        return tuple(dict.fromkeys(f for a in e.args for f in _ends(low, combine, a, env)))
    return (low.integer(e, env),)


def reduced(low: Lowering, op: str, body: Node, axes: list[tuple[Axis, Poly]]) -> Node:
    """Reduce a body over some axes.

    Parameters
    ----------
    low : Lowering
        Where.
    op : str
        Reduction.
    body : Node
        Body over the axes.
    axes : list of pairs
        Bound axes with the index at place 0, which an argmax counts from.

    Returns
    -------
    Node
    """
    make, bound = low.algebra, tuple(a for a, _ in axes)
    if op == "sum":
        return make.contract((body,), bound)
    out = make.reduce(op, body, bound)
    return make.add(out, low.node(Lin((), axes[0][1]))) if op in ("argmax", "argmin") else out


def neutral(low: Lowering, op: str) -> Node:
    """Return the value of an empty reduction.

    Parameters
    ----------
    low : Lowering
        Where.
    op : str
        Reduction.

    Returns
    -------
    Node

    Raises
    ------
    UnsupportedError
        For a fold that is made of a row of texts.
    """
    make = low.algebra
    if op in FOLDED:
        raise UnsupportedError(f"the range of {op}_over depends on an index; give it ends that do not")
    if op in ("sum", "prod"):
        return make.num(Fraction(int(op == "prod")))
    infinite = make.const("inf")
    return infinite if op in ("min", "argmin") else make.neg(infinite)


# Masks


def _masked(low: Lowering, op: str, make: Callable[[Env], Node], span: Span, env: Env) -> Node:
    start, stop = _hull(low, span)
    axis, index = fresh(low.algebra, _length(low, start, stop, span), start)
    conditions = [compare(low, "<=", f, index) for f in span.lows if f != Lin((), start)]
    conditions += [compare(low, "<=", index, f) for f in span.highs if f != Lin((), stop)]
    low.findings.append(Finding("W06", span.text))
    body = make(env.bind({span.var: index}).under(*conditions))
    held = low.algebra.both(*conditions)
    return reduced(low, op, low.algebra.where(held, body, neutral(low, op)), [(axis, start)])


def _hull(low: Lowering, span: Span) -> tuple[Poly, Poly]:
    # Any end that is the same for every index will do; conditions take care of the others.
    ends = []
    for side, sign in ((span.lows, -1), (span.highs, 1)):
        known = [f.const for f in side if not f.atoms] or [p for f in side if (p := f.end(sign)) is not None]
        if not known:
            raise UnsupportedError(f"the {span.text} has no end that sizes alone bound; write min(end, size)")
        ends.append(known[0])
    return ends[0], ends[1]


# Scans


@dataclass(frozen=True)
class Run:
    """How a range becomes a scan: the axis, its first index, whether the own entry counts, where it is read."""

    size: Poly
    start: Poly
    incl: bool
    read: int
    clip: bool


def runs(offset: Fraction | None, size: Poly, start: Poly, shift: Poly) -> list[Run]:
    """Return the ways to read ``start..t`` as a scan, the best first.

    Parameters
    ----------
    offset : Fraction or None
        Place, counted from `start`, of the last index at place 0 of the free axis; None when sizes decide it.
    size : Poly
        Size of the free axis.
    start : Poly
        First index of the range.
    shift : Poly
        Last index of the range at place 0 of the free axis.

    Returns
    -------
    list of Run
    """
    if offset is None or offset.denominator != 1:
        return []
    if offset >= 0:
        return [Run(size + int(offset), start, True, int(offset), False)]
    exclusive = [Run(size, start, False, 0, False)] if offset == -1 else []
    return [*exclusive, Run(size, shift, True, 0, True)]


def scanned(
    low: Lowering, op: str, body: Expr | None, make: Callable[[Env], Node], span: Span, env: Env
) -> Node | None:
    """Lower a reduction with one moving end as a scan along the axis of that end; None when there is no such form.

    Parameters
    ----------
    low : Lowering
        Where.
    op : str
        Monoid.
    body : Expr or None
        What is reduced; None when there are further indices inside.
    make : callable
        From an environment to the lowered body.
    span : Span
        The index.
    env : Env
        What names mean.

    Returns
    -------
    Node or None
    """
    if len(span.highs) == 1 and span.highs[0].axis is not None:
        return _along(low, op, body, make, span, env, 1)
    if len(span.lows) == 1 and span.lows[0].axis is not None and len(span.highs) == 1 and not span.highs[0].atoms:
        return _along(low, op, body, make, span, env, -1)
    return None


def _along(
    low: Lowering, op: str, body: Expr | None, make: Callable[[Env], Node], span: Span, env: Env, way: int
) -> Node | None:
    moving = (span.highs if way == 1 else span.lows)[0]
    axis = moving.axis
    assert axis is not None
    others = span.lows if way == 1 else span.highs
    fixed = [f.const for f in others if not f.atoms]
    if any(axis in n.axes for f in others for n, _ in f.atoms) or (way == -1 and len(fixed) != 1):
        return None
    size = parse_size(axis.size)
    ways = _forward(moving, others, fixed, size) if way == 1 else _backward(moving, fixed[0], size)
    clip = [f for f in others if f.atoms or f.const != (fixed[0] if fixed else None)]
    for run in ways:
        rows = [*clip, *([Lin((), fixed[0])] if run.clip else [])]
        before = len(low.checks), len(low.findings)
        try:
            found = _attempt(low, op, body, make, span, env, way, run, rows)
        except ShapeError:
            found = None
        if found is not None and (len(low.checks) == before[0] or run is ways[-1]):
            return found
        del low.checks[before[0] :], low.findings[before[1] :]
    return None


def _forward(moving: Lin, others: tuple[Lin, ...], fixed: list[Poly], size: Poly) -> list[Run]:
    if fixed:
        return runs((moving.const - fixed[0]).constant, size, fixed[0], moving.const)
    ends = [f.end(-1) for f in others]  # every lower end moves and is a mask: begin at or before all of them
    early = [(moving.const - p).constant if p is not None else None for p in ends]
    if any(e is None or e.denominator != 1 for e in early):
        return []
    ahead = max(0, *(int(e) for e in early if e is not None))
    return [Run(size + ahead, moving.const - ahead, True, ahead, False)]


def _backward(moving: Lin, stop: Poly, size: Poly) -> list[Run]:
    # Index at place 0 of the free axis is moving.const; the last one belonging to the axis is that plus size - 1.
    offset = (stop - (moving.const + size - 1)).constant
    if offset is None or offset.denominator != 1:
        return []
    if offset >= 0:
        return [Run(size + int(offset), moving.const, True, 0, False)]
    exclusive = [Run(size, moving.const - 1, False, 0, False)] if offset == -1 else []
    return [*exclusive, Run(size, moving.const, True, 0, True)]


def _attempt(
    low: Lowering,
    op: str,
    body: Expr | None,
    make: Callable[[Env], Node],
    span: Span,
    env: Env,
    way: int,
    run: Run,
    rows: list[Lin],
) -> Node | None:
    free = (span.highs if way == 1 else span.lows)[0].axis
    assert free is not None
    axis, index = fresh(low.algebra, run.size, run.start)
    held = [compare(low, "<=", f, index) if way == 1 else compare(low, "<=", index, f) for f in rows]
    inside = env.bind({span.var: index}).under(*held)
    if op == "sum" and body is not None:
        parts = segments(low, body, span, free, env, chained=way == 1 and not rows)
        if parts is None:
            return None
    else:
        parts = Segments(own=[lambda _: make(inside)])
    entry = low.algebra.mul(*(low.expr(f, inside) for f in parts.entry), *(f(index) for f in parts.own))
    decay = low.algebra.mul(*(f(index) for f in parts.decays)) if parts.decays else None
    if free in entry.axes or (decay is not None and free in decay.axes):
        return None
    if rows:
        entry = low.algebra.where(low.algebra.both(*held), entry, neutral(low, op))
        if any(f.atoms for f in rows):
            low.findings.append(Finding("W06", span.text))
    scan = _scan(low, op, axis, way, run.incl, entry, decay)
    outer = [low.expr(f, env) for f in parts.outer] + [f(span.highs[0]) for f in parts.beyond]
    return low.algebra.mul(*outer, read(low, scan, axis, free, run.read))


def _scan(low: Lowering, op: str, axis: Axis, way: int, incl: bool, node: Node, decay: Node | None) -> Node:
    make = low.algebra
    if decay is not None:
        return make.scan("affine", axis, way, incl, decay, node, make.num(Fraction(0)))
    if op == "min":
        return make.neg(make.scan("max", axis, way, incl, make.neg(node)))
    return make.scan(op, axis, way, incl, node)


def read(low: Lowering, node: Node, axis: Axis, free: Axis, at: int) -> Node:
    """Read a scan along `axis` at the places of a free axis, `at` further on.

    Parameters
    ----------
    low : Lowering
        Where.
    node : Node
        Scan.
    axis, free : Axis
        Its axis, and the one that reads.
    at : int
        Offset.

    Returns
    -------
    Node
    """
    make = low.algebra
    if at == 0 and axis.size == free.size:
        return make.table.rename(node, {axis: free})
    place = make.add(make.iota(free), make.num(Fraction(at)))
    return make.take(node, axis, Slot(1), place)
