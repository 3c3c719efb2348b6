"""Folds of a triton kernel: streams over blocks with the monoids of the design note, 3.4, and sums inside one block.

A stream carries the state of its monoid from block to block, so no array over the streamed axis exists. A log-sum-exp
and every softmax-weighted sum of the same score share one maximum ``top`` and one sum ``total``. Where a row has seen
nothing yet, the maximum is -inf, and exp(top - top) would be nan: ``shift`` is the maximum with infinities replaced by
0. A row is dead where ``total == 0``; a nan in a row makes it nan and stays visible.
"""

from __future__ import annotations

from collections.abc import Sequence

from dltsym.functions.monoids import MONOIDS, lines, spell
from dltsym.lower.algebra.forms import factors
from dltsym.lower.axes import Axis
from dltsym.lower.nodes import Node
from dltsym.lower.printers.triton_rows import Loop, Rows
from dltsym.lower.printers.triton_terms import product_of
from dltsym.lower.printers.value import ATOM, TIMES, UNARY, Value

_INF = 'float("inf")'
_FOLDS = {"max": ("-", "tl.maximum", "tl.max"), "min": ("", "tl.minimum", "tl.min")}


def stream(rows: Rows, node: Node) -> Value:
    """Print a fold over a streamed axis, and return what holds its result.

    Parameters
    ----------
    rows : Rows
        State of printing.
    node : Node
        ``contract``, ``reduce`` or ``sqdist`` that depends on no other streamed axis.

    Returns
    -------
    Value
    """
    args, bound = rows.open(node)
    if node.op == "sqdist":
        return rows.refuse("a squared distance outside a sum over another axis")
    if len(bound) != 1:
        return rows.refuse(f"{len(bound)} streamed axes at once: {', '.join(a.size for a in bound)}")
    loop = rows.loops.setdefault((rows.stage(node), bound[0]), Loop(rows.stage(node), bound[0]))
    if node.op == "reduce":
        monoid = node.data[0]
        if monoid == "lse":
            m, low = _weights(rows, args[0], loop)[:2]
            return _named(rows, loop, "L", m, f"tl.where({low.code} == 0.0, -{_INF}, {m.code} + tl.log({low.code}))")
        if monoid in ("sum", *_FOLDS):
            return _fold(rows, monoid, args[0], loop)
        return _table(rows, monoid, args, loop)
    flat = [f for a in args for f in factors(a)]
    softs = [f for f in flat if f.op == "softmax" and f.data[0] == bound]
    if softs:
        flat.remove(softs[0])
    return _weighted(rows, softs[0].args[0] if softs else None, flat, loop)


def normaliser(rows: Rows, node: Node, log: bool) -> tuple[Value, ...]:
    """Stream a log-sum-exp and return its parts: the shift, and the sum of the shifted exponentials.

    Parameters
    ----------
    rows : Rows
        State of printing.
    node : Node
        A log-sum-exp.
    log : bool
        Whether the logarithm of the sum is asked for too.

    Returns
    -------
    tuple of Value
    """
    args, bound = rows.open(node)
    if len(bound) != 1 or not rows.is_stream(node):
        return (rows.value(node),) * 3  # this refuses it
    loop = rows.loops.setdefault((rows.stage(node), bound[0]), Loop(rows.stage(node), bound[0]))
    top, total = _weights(rows, args[0], loop)[:2]
    if log and id(args[0]) not in loop.logs:
        loop.logs[id(args[0])] = _named(rows, loop, "log_total", total, f"tl.log({total.code})")
    return (top, total, loop.logs[id(args[0])]) if log else (top, total)


def _named(rows: Rows, loop: Loop, stem: str, like: Value, text: str) -> Value:
    return rows.name(loop.done, stem, Value(text, like.axes, batch=False))


def _zeros(rows: Rows, axes: Sequence[Axis], fill: str) -> str:
    """Return text of the initial state over some axes."""
    blocks = {rows.tile: "BLOCK_I", rows.col: "BLOCK_C"}
    if any(a not in blocks for a in axes):
        rows.refuse("a streamed reduction inside a sum, which depends on the axis of the sum")
    shape = ", ".join(blocks.get(a, "1") for a in axes)
    comma = "," if len(axes) == 1 else ""
    return f"tl.full(({shape}{comma}), {fill}, ACC)"


def _inside(rows: Rows, x: Node, loop: Loop, unit: str) -> Value:
    """Value of a score or a term, `unit` beyond the end of the streamed axis, as a block that has that axis."""
    value = rows.real(rows.value(x, loop))
    dims = rows.dims(x.axes | {loop.axis})
    text = f"tl.where({rows.spread(_in(rows, loop), dims).code}, {rows.spread(value, dims).code}, {unit})"
    text += ".to(ACC)" if value.pure else ""
    return rows.name(loop.body, "x", Value(text, dims, batch=False))


def _in(rows: Rows, loop: Loop) -> Value:
    return Value(f"in_{rows.letters[loop.axis]}", (loop.axis,), batch=False)


def _over(value: Value, axis: Axis) -> tuple[Axis, ...]:
    return tuple(a for a in value.axes if a != axis)


def _weights(rows: Rows, x: Node, loop: Loop) -> tuple[Value, Value, Value, Value]:
    """Stream the maximum and the sum of exponentials of a score; return m, l, the rescaling and the weights."""
    known = loop.weights.get(id(x))
    if known is not None:
        return known
    score = _inside(rows, x, loop, f"-{_INF}")
    axes, at = _over(score, loop.axis), score.axes.index(loop.axis)
    m, low, new, ms, a, p = (rows.unique(s) for s in ("top", "total", "new", "shift", "decay", "p"))
    loop.init += [f"{m} = {_zeros(rows, axes, f'-{_INF}')}", f"{low} = {_zeros(rows, axes, '0.0')}"]
    shift = rows.spread(Value(ms, axes, batch=False), score.axes).code
    loop.body += [
        f"{new} = tl.maximum({m}, tl.max({score.code}, {at}))",
        f"{ms} = tl.where(tl.abs({new}) == {_INF}, 0.0, {new})",
        f"{a} = tl.exp({m} - {ms})",
        f"{p} = tl.exp({score.code} - {shift})",
        f"{low} = {low} * {a} + tl.sum({p}, {at})",
        f"{m} = {new}",
    ]
    out = (
        Value(m, axes, batch=False),
        Value(low, axes, batch=False),
        Value(a, axes, batch=False),
        Value(p, score.axes, batch=False),
    )
    loop.weights[id(x)] = out
    return out


def _fold(rows: Rows, monoid: str, x: Node, loop: Loop) -> Value:
    if monoid == "sum":
        return _weighted(rows, None, [x], loop)
    sign, both, fold = _FOLDS[monoid]
    term = _inside(rows, x, loop, f"{sign}{_INF}")
    axes, at = _over(term, loop.axis), term.axes.index(loop.axis)
    state, bad = rows.unique("r"), rows.unique("bad")  # maxima skip nan, so nan is counted apart
    loop.init += [f"{state} = {_zeros(rows, axes, f'{sign}{_INF}')}", f"{bad} = {_zeros(rows, axes, '0.0')}"]
    loop.body += [
        f"{bad} = {bad} + tl.sum(tl.where({term.code} != {term.code}, 1.0, 0.0), {at})",
        f"{state} = {both}({state}, {fold}({term.code}, {at}))",
    ]
    like = Value(state, axes, batch=False)
    return _named(rows, loop, monoid, like, f'tl.where({bad} > 0.0, float("nan"), {state})')


def _table(rows: Rows, monoid: str, args: Sequence[Node], loop: Loop) -> Value:
    """Stream any other row of the table of monoids."""
    row = MONOIDS.get(monoid)
    if row is None or not row.commutative or len(args) + ("k" in row.takes) != len(row.takes):
        return rows.refuse(f"the reduction {monoid}")
    entries = [rows.real(rows.value(a, loop)) for a in args]
    if "k" in row.takes:  # places are counted in the type of the sums
        entries.append(rows.real(Value(rows.letters[loop.axis], (loop.axis,), "integer", batch=False)))
        rows.counted[loop.axis] = None
    dims = rows.dims(frozenset((loop.axis,)).union(*(e.axes for e in entries)))
    axes, at = tuple(a for a in dims if a != loop.axis), dims.index(loop.axis)
    given = {t: f"({rows.spread(e, dims).code})" for t, e in zip(row.takes, entries, strict=True)}
    state, block = ([rows.unique(f"{s}{end}") for s in row.state] for end in ("", "_block"))
    for s, unit in zip(state, row.unit, strict=True):
        loop.init.append(f"{s} = {_zeros(rows, axes, spell(unit, {}))}")
    for b, lift, unit in zip(block, row.lift, row.unit, strict=True):
        loop.body.append(f"{b} = tl.where({rows.mask(dims)}, {spell(lift, given)}, {spell(unit, {})}).to(ACC)")
    name, several = f"_{monoid.replace('-', '_')}_pair", len(state) > 1
    second = [f"{s}_2" for s in row.state]
    rows.functions[name] = "\n    ".join(
        [f"def {name}({', '.join([*row.state, *second])}):", *lines(monoid, row.state, second),
         f"return {', '.join(row.state)}"]
    )  # fmt: skip
    left, parts = ", ".join(state), ", ".join(block)
    loop.body.append(f"{parts} = tl.reduce({f'({parts})' if several else parts}, {at}, {name})")
    loop.body.append(f"{left} = {name}({left}, {parts})")
    value = spell(row.project, dict(zip(row.state, state, strict=True)))
    return _named(rows, loop, "y", Value("", axes, batch=False), value)


def _weighted(rows: Rows, score: Node | None, terms: list[Node], loop: Loop) -> Value:
    """Stream a sum of products, with softmax weights when there is a score."""
    wide = [f for f in terms if rows.col in f.axes]
    flat = [f for f in terms if rows.col not in f.axes]
    if any(rows.tile in f.axes for f in wide):
        return rows.refuse("a term of a sum that has the rows and the columns of the output at once")
    weights = _weights(rows, score, loop) if score is not None else None
    left = _left(rows, weights[3] if weights else None, flat, loop)
    if not wide:
        if left is None:  # an empty product: the number of terms
            left = rows.name(
                loop.body, "x", Value(f"tl.where({_in(rows, loop).code}, 1.0, 0.0).to(ACC)", (loop.axis,), batch=False)
            )
        axes, text = _over(left, loop.axis), f"tl.sum({left.code}, {left.axes.index(loop.axis)})"
    else:
        axes, text = _columns(rows, left, wide, loop, _narrow(rows, weights is not None, flat))
    state = rows.unique("sums")
    loop.init.append(f"{state} = {_zeros(rows, axes, '0.0')}")
    if weights is None:
        loop.body.append(f"{state} = {state} + {text}")
        return Value(state, axes, batch=False)
    _, low, scale, _ = weights
    loop.body.append(f"{state} = {state} * {rows.spread(scale, axes).code} + {text}")
    total = rows.spread(low, axes).code
    return _named(rows, loop, "y", Value("", axes, batch=False), f"tl.where({total} == 0.0, 0.0, {state} / {total})")


def _left(rows: Rows, p: Value | None, terms: list[Node], loop: Loop) -> Value | None:
    """Product of the weights and of the terms without columns, 0 beyond the end."""
    if not terms:
        return p
    node = rows.table.make("mul", terms) if len(terms) > 1 else terms[0]
    if p is None and node.op == "ref" and loop.axis in node.axes:  # a load is 0 beyond the end already
        return rows.real(rows.value(node, loop))
    value = rows.real(product_of(rows, terms, node, loop) if len(terms) > 1 else rows.value(node, loop))
    dims = rows.dims(node.axes | {loop.axis} | (frozenset(p.axes) if p else frozenset()))
    guarded = f"tl.where({rows.spread(_in(rows, loop), dims).code}, {rows.spread(value, dims).code}, 0.0)"
    if p is not None:
        guarded = f"{rows.spread(p, dims).code} * {guarded}"
    return rows.name(loop.body, "x", Value(guarded, dims, batch=False))


def _narrow(rows: Rows, weighted: bool, flat: list[Node]) -> bool:
    """Whether a left factor may go to the type of the columns: weights, at most 1, and entries as they are."""
    if weighted or len(flat) != 1:
        return weighted and not flat
    return flat[0].op == "ref" and rows.inputs[flat[0].data[0]].entries == "real"


def _columns(
    rows: Rows, left: Value | None, wide: list[Node], loop: Loop, narrow: bool
) -> tuple[tuple[Axis, ...], str]:
    """Text of the sum over a block of left times columns."""
    assert rows.col is not None
    node = rows.table.make("mul", wide) if len(wide) > 1 else wide[0]
    dims = rows.dims(node.axes | {loop.axis})
    if node.op == "ref" and rows.inputs[node.data[0]].entries == "real":
        value, cast = rows.load(node, loop, storage=True), True
    else:
        inner = rows.real(product_of(rows, wide, node, loop) if len(wide) > 1 else rows.value(node, loop))
        text = f"tl.where({rows.spread(_in(rows, loop), dims).code}, {rows.spread(inner, dims).code}, 0.0)"
        value, cast = rows.name(loop.body, "v", Value(text, dims, batch=False)), False
    if left is not None and rows.tile in left.axes and rows.tile is not None:
        weights = f"{left.code}.to({value.code}.dtype)" if cast and narrow else left.code
        columns = f"{value.code}.to(ACC)" if cast and not narrow else value.code
        return (rows.tile, rows.col), f"tl.dot({weights}, {columns}, input_precision=PREC).to(ACC)"
    block = f"{value.code}.to(ACC)" if cast else value.code
    text = block if left is None else f"{rows.spread(left, dims).code} * {block}"
    return (rows.col,), f"tl.sum({text}, {dims.index(loop.axis)})"


def inner(rows: Rows, node: Node, loop: Loop | None) -> Value:
    """Print a sum over an axis that fits in one block.

    Parameters
    ----------
    rows : Rows
        State of printing.
    node : Node
        ``contract`` or ``sqdist`` with a streamed axis among its own.
    loop : Loop or None
        Loop that it is in.

    Returns
    -------
    Value
    """
    if node.op == "reduce":
        return rows.refuse(
            f"two streamed axes: the reduction {node.data[0]} over {node.data[-1][0].size} is inside another"
        )
    args, bound = rows.open(node)
    if len(bound) != 1:
        return rows.refuse(f"a sum over {len(bound)} axes at once inside another: {', '.join(a.size for a in bound)}")
    if node.op == "sqdist":
        return _distance(rows, args, bound[0], node, loop)
    groups: dict[Axis | None, list[Node]] = {}
    outside: list[Node] = []
    for f in (f for a in args for f in factors(a)):
        own = [a for a in f.axes if a in rows.letters and a != bound[0]]
        if bound[0] not in f.axes:
            outside.append(f)
        elif len(own) > 1:
            return _refuse_joint(rows, f)
        else:
            groups.setdefault(own[0] if own else None, []).append(f)
    summed = _summed(rows, groups, bound[0], node, loop)
    if not outside:
        return summed
    dims = rows.dims(node.axes)
    parts = [rows.spread(rows.real(rows.value(f, loop)), dims).inside(UNARY) for f in outside]
    return Value(" * ".join([*parts, rows.spread(summed, dims).inside(UNARY)]), dims, level=TIMES, batch=False)


def _refuse_joint(rows: Rows, f: Node) -> Value:
    square = f.op == "pow" and f.data[0] == 2 and f.args[0].op == "add"
    hint = '; cells=("sqdist_gemm",) expands a squared distance about a common centre' if square else ""
    return rows.refuse(f"a sum over {f!r}, which is not a product of rows and columns{hint}")


def _summed(rows: Rows, groups: dict[Axis | None, list[Node]], k: Axis, node: Node, loop: Loop | None) -> Value:
    shared = groups.pop(None, [])
    order = list(rows.dims(frozenset(a for a in groups if a is not None)))
    if len(order) > 2:
        return rows.refuse(f"a sum over a product of {len(order)} blocks")
    if not order:
        return rows.refuse("a sum without a streamed axis inside another")
    parts = [groups[a] for a in order]
    parts[0] = [*shared, *parts[0]]
    if len(parts) == 1:
        term = _block(rows, parts[0], k, loop, storage=False)
        return Value(f"tl.sum({term.code}, {term.axes.index(k)})", _over(term, k), batch=False)
    raw = all(len(p) == 1 and p[0].op == "ref" and rows.inputs[p[0].data[0]].entries == "real" for p in parts)
    left, right = (_block(rows, p, k, loop, storage=raw) for p in parts)
    text = f"tl.dot({left.code}, tl.trans({right.code}), input_precision=PREC).to(ACC)"
    made = Value(text, rows.dims(node.axes), batch=False)
    return rows.name(rows.lines(node, loop), "t0", made)


def _block(rows: Rows, terms: list[Node], k: Axis, loop: Loop | None, storage: bool) -> Value:
    """Product of terms over (axis, k), 0 beyond the end of k."""
    node = rows.table.make("mul", terms) if len(terms) > 1 else terms[0]
    inside = loop if any(a in rows.streamed for a in node.axes) else None
    if node.op == "ref":
        return rows.load(node, inside, storage=True) if storage else rows.real(rows.value(node, inside))
    value = rows.real(rows.value(node, inside))
    dims = rows.dims(node.axes)
    letter = Value(f"in_{rows.letters[k]}", (k,), batch=False)
    text = f"tl.where({rows.spread(letter, dims).code}, {rows.spread(value, dims).code}, 0.0)"
    return rows.name(rows.lines(node, inside), "t0", Value(text, dims, batch=False))


def _distance(rows: Rows, args: Sequence[Node], k: Axis, node: Node, loop: Loop | None) -> Value:
    """Squared distance by one product, after the entry at place 0 of the streamed axis is taken off both sides."""
    sides = sorted(args, key=lambda a: any(x in rows.streamed for x in a.axes))
    if any(len(rows.dims(a.axes)) != 2 for a in sides) or rows.dims(sides[0].axes) == rows.dims(sides[1].axes):
        return rows.refuse("a squared distance that is not between rows and columns")
    centre = _at_zero(rows, sides[1], next(a for a in rows.dims(sides[1].axes) if a in rows.streamed))
    minus = rows.table.make("mul", (rows.table.num(-1), centre))
    blocks = [_block(rows, [rows.table.make("add", (s, minus))], k, loop, storage=False) for s in sides]
    dims = rows.dims(node.axes)
    norms = []
    for b in blocks:
        section = loop.body if loop and any(a in rows.streamed for a in b.axes) else rows.at.setdefault(0, [])
        norms.append(
            rows.name(section, "q", Value(f"tl.sum({b.code} * {b.code}, {b.axes.index(k)})", _over(b, k), batch=False))
        )
    product = f"tl.dot({blocks[0].code}, tl.trans({blocks[1].code}), input_precision=PREC).to(ACC)"
    squares = " + ".join(rows.spread(n, dims).inside(ATOM) for n in norms)
    return Value(f"tl.maximum({squares} - 2.0 * {product}, 0.0)", dims, batch=False)


def _at_zero(rows: Rows, node: Node, axis: Axis) -> Node:
    """Return a node at place 0 of an axis."""
    if axis not in node.axes:
        return node
    if node.op == "iota":
        return rows.table.num(0)
    if node.op == "ref":
        places = tuple(0 if p == axis else p for p in node.data[1])
        return rows.table.make("ref", node.args, (node.data[0], places))
    return rows.table.make(node.op, tuple(_at_zero(rows, a, axis) for a in node.args), node.data)
