"""Contractions: binary grouping by cost, reuse of partial sums, sharing of diagonals and rows.

Source: dltsym design note, section 4.5.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from dltsym.lower.axes import Axis, Slot
from dltsym.lower.ir import Table
from dltsym.lower.nodes import Node, anonymous
from dltsym.lower.passes.rebuild import rewrite, subnodes
from dltsym.lower.program import Program
from dltsym.lower.report import Finding
from dltsym.lower.show import show
from dltsym.lower.sizes import parse_size

TYPICAL = {**dict.fromkeys("nmTLVNMB", 1024), **dict.fromkeys("dcpkDCP", 64), **dict.fromkeys("hHsSeErab", 16)}
_OTHER = 64


@dataclass(frozen=True)
class Frozen:
    """A contraction of three or more factors and the order that was chosen for it.

    Attributes
    ----------
    where : str
        The contraction as text.
    factors : tuple of tuple of Axis
        Axes of every factor.
    out : tuple of Axis
        Axes of the result.
    path : tuple of tuple of int
        Pairs of positions; a result goes to the end, as in `numpy.einsum_path`.
    """

    where: str
    factors: tuple[tuple[Axis, ...], ...]
    out: tuple[Axis, ...]
    path: tuple[tuple[int, ...], ...]


def factor(program: Program, typical: Mapping[str, int] | None = None) -> Program:
    """Group contractions, reuse partial sums and share entries.

    Parameters
    ----------
    program : Program
        Program after the cells.
    typical : mapping of str to int, optional
        Sizes for which to choose orders, besides `TYPICAL`.

    Returns
    -------
    Program
    """
    sizes = TYPICAL | dict(typical or {})
    program = reuse(program)
    table, frozen = program.table, {}

    def rule(node: Node) -> Node:
        return _grouped(table, node, sizes, frozen) if node.op == "contract" else node

    if any(n.op == "contract" and _loose(n) for n in subnodes(*(o.node for o in program.outputs))):
        program = replace(_mapped(program, rule), frozen=tuple(frozen))
    return share(program)


def cheaper(frozen: Iterable[Frozen], sizes: Mapping[str, int]) -> tuple[Finding, ...]:
    """Report the contractions for which another order is twice as cheap at given sizes.

    Parameters
    ----------
    frozen : iterable of Frozen
        Contractions of a program.
    sizes : mapping of str to int
        Sizes of a call.

    Returns
    -------
    tuple of Finding
    """
    found = []
    for f in frozen:
        best = _path(f.factors, f.out, sizes)
        if _cost(f.factors, f.out, f.path, sizes) > 2 * _cost(f.factors, f.out, best, sizes):
            found.append(Finding("W11", f.where))
    return tuple(found)


def length(axis: Axis, sizes: Mapping[str, int]) -> int:
    """Return the length of an axis at given sizes; unknown names count as typical.

    Parameters
    ----------
    axis : Axis
        Axis.
    sizes : mapping of str to int
        Sizes by name.

    Returns
    -------
    int
    """
    size = _size(axis.size)
    return max(1, size.at({n: sizes.get(n, _OTHER) for n in size.names}))


_size = cache(parse_size)


# Grouping


def _loose(node: Node) -> bool:
    # Not a sum of one array, and not a product of two that share every bound axis.
    alone = len(node.args) == 1 and node.args[0].axes
    pair = len(node.args) == 2 and all(a.axes >= frozenset(node.data[0]) for a in node.args)
    return not alone and not pair


def _grouped(table: Table, node: Node, sizes: Mapping[str, int], frozen: dict[Frozen, None]) -> Node:
    factors, bound = table.open(node)
    scalars = [f for f in factors if not f.axes]
    arrays = [f for f in factors if f.axes]
    if not arrays:
        return node
    parts = _summed(table, arrays, bound)
    left = [b for b in bound if sum(b in f.axes for f in parts) > 1]
    out = frozenset(a for f in parts for a in f.axes).difference(left)
    if len(parts) > 2:
        shapes = tuple(tuple(sorted(f.axes)) for f in parts)
        path = _path(shapes, tuple(sorted(out)), sizes)
        frozen[Frozen(show(node), shapes, tuple(sorted(out)), path)] = None
        for pair in path:
            parts = _step(table, parts, pair, out)
    elif len(parts) == 2:
        parts = _step(table, parts, (0, 1), out)
    return table.make("mul", (*scalars, parts[0])) if scalars else parts[0]


def _summed(table: Table, factors: Sequence[Node], bound: Sequence[Axis]) -> list[Node]:
    # An axis that one factor alone has is summed there first, unless that factor is all there is.
    parts = []
    for k, f in enumerate(factors):
        own = [b for b in bound if b in f.axes and not any(b in g.axes for q, g in enumerate(factors) if q != k)]
        parts.append(table.bind("contract", (f,), own) if own else f)
    return parts


def _step(table: Table, parts: Sequence[Node], pair: Sequence[int], out: frozenset[Axis]) -> list[Node]:
    chosen = [parts[k] for k in sorted(pair)]
    rest = [p for k, p in enumerate(parts) if k not in pair]
    needed = out.union(*(p.axes for p in rest))
    gone = sorted(frozenset().union(*(p.axes for p in chosen)) - needed)
    if len(chosen) == 1 and not gone:
        return [*rest, *chosen]
    return [*rest, table.bind("contract", chosen, gone) if gone else table.make("mul", chosen)]


def _path(
    shapes: Sequence[tuple[Axis, ...]], out: tuple[Axis, ...], sizes: Mapping[str, int]
) -> tuple[tuple[int, ...], ...]:
    """Choose the binary order with the fewest operations among those that stay in the cheapest memory class."""
    from opt_einsum.paths import DynamicProgramming, optimal

    axes = {a: length(a, sizes) for s in (*shapes, out) for a in s}
    letters = {a: chr(0x100 + k) for k, a in enumerate(sorted(axes))}
    inputs = [frozenset(letters[a] for a in s) for s in shapes]
    result = frozenset(letters[a] for a in out)
    lengths = {letters[a]: n for a, n in axes.items()}
    small = DynamicProgramming(minimize="size")(inputs, result, lengths, None)
    steps = [tuple(p) for p in small]
    room = max([_volume(s, sizes) for s in (*shapes, out)] + _intermediates(shapes, out, steps, sizes))
    if len(shapes) <= 6:
        path = optimal(inputs, result, lengths, memory_limit=room)
    else:
        path = DynamicProgramming(minimize="flops", cost_cap=False)(inputs, result, lengths, room)
    return tuple(tuple(p) for p in path)


def _volume(axes: Iterable[Axis], sizes: Mapping[str, int]) -> int:
    return math.prod(length(a, sizes) for a in axes)


def _walk(
    shapes: Sequence[tuple[Axis, ...]], out: tuple[Axis, ...], path: Sequence[Sequence[int]]
) -> list[tuple[frozenset[Axis], frozenset[Axis]]]:
    # For every step the axes of its loop and the axes of its result.
    parts, steps = [frozenset(s) for s in shapes], []
    for pair in path:
        inside = frozenset().union(*(parts[k] for k in pair))
        parts = [p for k, p in enumerate(parts) if k not in pair]
        result = inside & frozenset(out).union(*parts)
        parts.append(result)
        steps.append((inside, result))
    return steps


def _intermediates(
    shapes: Sequence[tuple[Axis, ...]], out: tuple[Axis, ...], path: Sequence[Sequence[int]], sizes: Mapping[str, int]
) -> list[int]:
    return [_volume(result, sizes) for _, result in _walk(shapes, out, path)]


def _cost(
    shapes: Sequence[tuple[Axis, ...]], out: tuple[Axis, ...], path: Sequence[Sequence[int]], sizes: Mapping[str, int]
) -> int:
    return sum(_volume(inside, sizes) for inside, _ in _walk(shapes, out, path))


# Partial sums


def reuse(program: Program) -> Program:
    """Use a sum that is needed anyway as part of a larger one.

    With Y = Contract(A'; F') and X = Contract(A; F), F' a part of F and A' used by F' only, X becomes
    Contract(A without A'; Y, F without F').

    Parameters
    ----------
    program : Program
        Program.

    Returns
    -------
    Program
    """
    table = program.table
    sums = [n for n in subnodes(*(o.node for o in program.outputs)) if n.op == "contract"]
    if not any(_may_hold(x, y) for x, y in itertools.permutations(sums, 2)):
        return program

    def rule(node: Node) -> Node:
        return _part(table, node, sums) if node.op == "contract" else node

    return _mapped(program, rule)


def _may_hold(x: Node, y: Node) -> bool:
    # Cheap test: every factor of Y looks like some factor of X, and X has more.
    if len(y.args) > len(x.args) or (len(y.args) == len(x.args) and len(y.data[0]) >= len(x.data[0])):
        return False
    looks = [_shape(a) for a in x.args]
    return all(_shape(a) in looks for a in y.args)


def _part(table: Table, node: Node, sums: Sequence[Node]) -> Node:
    below = set(subnodes(node))
    factors, bound = table.open(node)
    for y in sums:
        if y in below or len(y.args) > len(factors) or len(y.data[0]) >= len(bound) + (len(y.args) < len(factors)):
            continue
        if len(y.args) == len(factors) and len(y.data[0]) >= len(bound):
            continue
        pattern, own = table.open(y)
        found = _inside(table, pattern, own, factors, bound)
        if found is not None:
            names, rest, used = found
            part = table.rename(y, names)
            return table.bind("contract", (part, *rest), [b for b in bound if b not in used])
    return node


def _inside(
    table: Table, pattern: Sequence[Node], own: Sequence[Axis], factors: Sequence[Node], bound: Sequence[Axis]
) -> tuple[dict[Axis, Axis], list[Node], list[Axis]] | None:
    """Find the factors of Y among those of X: the renaming of Y's axes, the other factors, the bound axes used up."""
    for chosen in itertools.permutations(range(len(factors)), len(pattern)):
        names = _unify(table, pattern, [factors[k] for k in chosen])
        if names is None:
            continue
        used = [names[b] for b in own]
        rest = [f for k, f in enumerate(factors) if k not in chosen]
        free = {names[a] for p in pattern for a in p.axes if a not in own}
        single = len(set(used)) == len(used) and set(used) <= set(bound) and not free & set(used)
        if single and not any(b in f.axes for f in rest for b in used) and (rest or len(used) < len(bound)):
            return names, rest, used
    return None


def _unify(table: Table, pattern: Sequence[Node], target: Sequence[Node]) -> dict[Axis, Axis] | None:
    """Find the renaming of axes, one to one, that turns each pattern into its target."""
    names: dict[Axis, Axis] = {}
    for p, t in zip(pattern, target, strict=True):
        if len(p.axes) != len(t.axes) or _shape(p) != _shape(t):
            return None
        mine, theirs = sorted(p.axes), sorted(t.axes)
        for order in itertools.permutations(theirs):
            trial = dict(zip(mine, order, strict=True))
            fits = all(a.size == b.size and names.get(a, b) == b for a, b in trial.items())
            if fits and table.rename(p, trial) is t:
                names |= trial
                break
        else:
            return None
    return names if len(set(names.values())) == len(names) else None


# Diagonals and rows


def share(program: Program) -> Program:
    """Read ``x_ii`` and ``x_i0`` from ``x_ij`` where a contraction x_ij is computed anyway.

    Parameters
    ----------
    program : Program
        Program.

    Returns
    -------
    Program
    """
    table = program.table
    heavy = [n for n in subnodes(*(o.node for o in program.outputs)) if n.op == "contract" and len(n.args) == 2]
    entries: dict[tuple, list[tuple[Node, Node]]] = {}
    for found in heavy:
        # Its axes may be names that an outer binder gave: they are not free for `bind`.
        big = table.rename(found, {a: table.fresh(a.size) for a in sorted(found.axes)})
        for a, b in itertools.permutations(sorted(big.axes), 2):
            if a.size == b.size:
                small = table.rename(big, {b: a})
                entries.setdefault(_shape(small), []).append((small, _diagonal(table, big, b, a)))

    def rule(node: Node) -> Node:
        for small, diagonal in entries.get(_shape(node), ()) if node.op == "contract" else ():
            names = _unify(table, [small], [node])
            if names is not None:
                return table.rename(diagonal, names)
        return node

    there = {(_shape(n), len(n.axes)) for n in heavy}
    narrow = any((look, len(small.axes)) in there for look, found in entries.items() for small, _ in found)
    return _mapped(program, rule) if narrow else program


def _shape(node: Node) -> tuple:
    return anonymous(node, node.axes)


def _diagonal(table: Table, big: Node, drop: Axis, keep: Axis) -> Node:
    return table.bind("take", (big, table.make("iota", (), (keep,))), (drop,), (Slot(1),))


def _mapped(program: Program, rule: Callable[[Node], Node]) -> Program:
    memo: dict[Node, Node] = {}
    outputs = tuple(replace(o, node=rewrite(program.table, o.node, rule, memo)) for o in program.outputs)
    return replace(program, outputs=outputs)
