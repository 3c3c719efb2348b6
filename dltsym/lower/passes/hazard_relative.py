"""Hazards H4 and H5 of the dltsym design note: divergences of nearly equal distributions.

All of it is one identity, ``sum a log(a/b) + sum (b - a) = -sum a log1pmx((b - a)/a)`` with
``log1pmx(t) = log(1+t) - t``. Every term on the right is nonnegative, so nothing cancels once ``b - a`` is formed as a
difference. With logits, ``a = softmax x`` and ``b = softmax y``, the left side is ``log1p(sum a (e^t - 1 - t))`` where
``t = (y - x) - sum a (y - x)``.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from dltsym.lower.algebra.forms import addends, base, coefficient, factors, is_cut, is_one, number, touches
from dltsym.lower.algebra.normalised import normalised
from dltsym.lower.axes import Axis
from dltsym.lower.ir import Table
from dltsym.lower.nodes import Node

if TYPE_CHECKING:
    from dltsym.lower.algebra.constructors import Algebra
    from dltsym.lower.passes.hazards import Walk

_FAR = Fraction(8)  # e^8 is a number in every type; below it no term of the series form cancels


def divergence(walk: Walk, node: Node) -> Node | None:
    """Replace ``sum p (log p - log q)`` (H4 for softmaxes, H5 for weights of equal sums).

    Parameters
    ----------
    walk : Walk
        The pass.
    node : Node
        Contraction.

    Returns
    -------
    Node or None
    """
    args, axes = walk.alg.table.open(node)
    for gap in args:
        if gap.op != "add":
            continue
        for p in args:
            if p is gap:
                continue
            others = [a for a in args if a is not p and a is not gap]
            done = _softmaxes(walk, node, p, gap, others, axes) if p.op == "exp" else None
            done = done or _weights(walk, p, gap, others, axes)
            if done is not None:
                return done
    return None


def _softmaxes(walk: Walk, node: Node, p: Node, gap: Node, others: list[Node], axes: tuple[Axis, ...]) -> Node | None:
    alg, table = walk.alg, walk.alg.table
    first = normalised(table, p.args[0])
    second = normalised(table, alg.sub(p.args[0], gap)) if first else None
    if first is None or not set(first[1]) <= set(axes):
        return None
    if second is None or set(first[1]) != set(second[1]):
        if _opposed(table, p.args[0], gap):
            walk.warn("W04", node)
        return None
    (x, over), y = first, second[0]
    if any(touches(o, over) for o in others):
        return None
    if is_cut(x) or is_cut(y) or not (alg.facts(x).finite and alg.facts(y).finite):
        walk.warn("W04", node)
        return None
    weight, step = walk.visit(p), walk.visit(alg.sub(y, x))
    mean = table.bind("contract", [weight, step], over)
    t = table.make("add", (step, table.make("mul", (alg.num(-1), mean))))
    largest = table.bind("reduce", (t,), over, ("max",))
    clamped = table.make("minimum", (t, alg.num(_FAR)))
    series = table.bind("contract", [weight, table.make("expm1mx", (clamped,))], over)
    plain = table.bind("contract", [weight, walk.keep(gap, "H4")], over)
    small = table.make("cmp", (largest, alg.num(_FAR)), ("<=",))
    value = table.make("where", (small, table.make("log1p", (series,)), plain))
    return _summed(walk, others, value, [a for a in axes if a not in over])


def _opposed(table: Table, own: Node, gap: Node) -> bool:
    # The gap holds log p and another logarithm against it.
    signs = {id(f): k for k, f in (coefficient(table, t) for t in gap.args)}
    inside = own.args[1] if is_cut(own) else own
    total = next((f for k, f in (coefficient(table, t) for t in addends(inside)) if k == -1 and f.op == "reduce"), None)
    if total is None or id(total) not in signs:
        return False
    others = [f for _, f in (coefficient(table, t) for t in gap.args) if f is not total]
    return any(f.op in ("reduce", "logaddexp", "log", "softplus") and signs[id(f)] > 0 for f in others)


def _summed(walk: Walk, others: list[Node], value: Node, axes: list[Axis]) -> Node:
    table = walk.alg.table
    parts = [g for o in others for g in factors(walk.visit(o))]
    if axes:
        return table.bind("contract", [*parts, value], axes)
    return table.make("mul", (*parts, value)) if parts else value


def _weights(walk: Walk, p: Node, gap: Node, others: list[Node], axes: tuple[Axis, ...]) -> Node | None:
    alg = walk.alg
    if p.op == "exp" or not alg.facts(p).nonneg or not alg.facts(p).finite:
        return None
    parts = _logs(alg, gap)
    found = _partner(alg, p, parts) if parts is not None else None
    over = [a for a in axes if not any(a in o.axes for o in others)]
    if found is None or not over:
        return None
    c, q = found
    if not _mass(alg, q) or alg.contract([p], over) is not alg.contract([q], over):
        return None
    walk.applied["H5"] = None
    value = relative_term(walk, c, p, q)
    return walk.alg.table.bind("contract", [*(walk.visit(o) for o in others), value], axes)


def _mass(alg: Algebra, node: Node) -> bool:
    return alg.facts(node).nonneg and alg.facts(node).finite


def _logs(alg: Algebra, node: Node) -> list[tuple[Fraction, Node]] | None:
    """Return a sum of logarithms as (coefficient, logarithm) pairs, None if it is something else."""
    pairs = [coefficient(alg.table, t) for t in addends(node)]
    return pairs if all(f.op in ("log", "log1p") for _, f in pairs) else None


def _partner(alg: Algebra, a: Node, logs: list[tuple[Fraction, Node]]) -> tuple[Fraction, Node] | None:
    # The sum is c (log a - log b): c from the coefficient of a part of log a, then b.
    whole = alg.add(*(alg.mul(alg.num(k), f) for k, f in logs))
    own = alg.log(a)
    k, lead = coefficient(alg.table, addends(own)[0])
    c = next((m / k for m, f in logs if f is lead), None)
    if not c or not k:
        return None
    b = alg.exp(alg.add(own, alg.mul(alg.num(-1 / c), whole)))
    return (c, b) if not any(f.op in ("exp", "log") for f in factors(b)) else None


def relative_term(walk: Walk, c: Fraction, a: Node, b: Node) -> Node:
    """Return ``c (a log(a/b) - a + b)`` without cancellation.

    Parameters
    ----------
    walk : Walk
        The pass.
    c : Fraction
        Factor.
    a, b : Node
        Nonnegative values.

    Returns
    -------
    Node
    """
    alg, table = walk.alg, walk.alg.table
    gap = difference(alg, b, a)
    if alg.facts(a).positive:
        ratio = walk.visit(alg.div(gap, a))
        return _scaled(alg, -c, walk.visit(a), table.make("log1pmx", (ratio,)))
    empty = alg.cmp("=", a, alg.zero)
    ratio = walk.visit(alg.div(gap, alg.where(empty, alg.one, a)))
    near = walk.visit(alg.both(alg.cmp("!=", a, alg.zero), *_within(alg, gap, a)))
    close = _scaled(alg, Fraction(-1), walk.visit(a), table.make("log1pmx", (ratio,)))
    logs = table.make("xlogx", (walk.visit(a),)), table.make("xlogy", (walk.visit(a), walk.visit(b)))
    far = table.make("add", (logs[0], _scaled(alg, Fraction(-1), logs[1]), walk.visit(gap)))
    return _scaled(alg, c, table.make("where", (near, close, far)))


def _within(alg: Algebra, gap: Node, a: Node) -> tuple[Node, Node]:
    # Whether -1/2 <= gap/a <= 8, for a > 0 and without the quotient, which overflows for tiny a. Beyond, b/a is better
    # than 1 + gap/a, whose last digits are those of 1, and it cannot overflow as a logarithm.
    return alg.cmp("<=", alg.mul(alg.num(Fraction(-1, 2)), a), gap), alg.cmp("<=", gap, alg.mul(alg.num(_FAR), a))


def _scaled(alg: Algebra, c: Fraction, *parts: Node) -> Node:
    flat = [f for p in parts for f in factors(p) if not is_one(f)]
    for f in [f for f in flat if f.op == "num"]:
        flat.remove(f)
        c *= f.data[0]
    if c != 1:
        flat.append(alg.num(c))
    return flat[0] if len(flat) == 1 else alg.table.make("mul", flat)


def difference(alg: Algebra, b: Node, a: Node) -> Node:
    """Return ``b - a`` over a common denominator, a difference of squares as a product.

    Parameters
    ----------
    alg : Algebra
        Constructors.
    b, a : Node
        Values.

    Returns
    -------
    Node
    """
    below = [f for f in (*factors(b), *factors(a)) if f.op == "pow" and f.data[0] < 0]
    if below:
        scale = alg.mul(*(alg.power(f, -1) for f in dict.fromkeys(below)))
        return alg.div(difference(alg, alg.mul(b, scale), alg.mul(a, scale)), scale)
    (p, m), (q, n) = _root(alg, b), _root(alg, a)
    if m == n == 2:
        return alg.mul(alg.sub(p, q), alg.add(p, q))
    return alg.sub(b, a)


def _root(alg: Algebra, x: Node) -> tuple[Node, int]:
    parts = [base(f) for f in factors(x)]
    square = all(k == 2 for b, k in parts if b.op != "num") and any(b.op != "num" for b, _ in parts)
    values = [alg.power(b, Fraction(1, 2)) for b, _ in parts if b.op == "num"]
    if not square or any(v.op != "num" for v in values):
        return x, 1
    return alg.mul(*values, *(b for b, _ in parts if b.op != "num")), 2


def divergence_terms(walk: Walk, node: Node) -> Node | None:
    """Replace ``sum a log(a/b)`` over a few terms of a sum whose ``a`` and ``b`` have equal sums (H5).

    Parameters
    ----------
    walk : Walk
        The pass.
    node : Node
        Sum.

    Returns
    -------
    Node or None
    """
    alg = walk.alg
    groups: dict[int, tuple[Node, list[tuple[Fraction, Node]], list[Node]]] = {}
    for t in node.args:
        read = _log_term(alg, t)
        if read is not None:
            a, logs = read
            known = groups.setdefault(id(a), (a, [], []))
            known[1].extend(logs)
            known[2].append(t)
    found: dict[Fraction, list[tuple[Node, Node, list[Node]]]] = {}
    for a, logs, terms in groups.values():
        if is_one(a):
            for c, b in _ones(alg, node, logs):
                found.setdefault(c, []).append((a, b, terms))
        elif _mass(alg, a):
            partner = _partner(alg, a, logs)
            if partner is not None and _mass(alg, partner[1]):
                found.setdefault(partner[0], []).append((a, partner[1], terms))
    for c, triples in found.items():
        for chosen in [triples, *([t] for t in triples)]:
            done = _closed(walk, node, c, chosen)
            if done is not None:
                return done
    return None


def _log_term(alg: Algebra, term: Node) -> tuple[Node, list[tuple[Fraction, Node]]] | None:
    k, rest = coefficient(alg.table, term)
    for f in factors(rest):
        logs = _logs(alg, f)
        if logs is not None:
            return alg.mul(*(g for g in factors(rest) if g is not f)), [(k * c, x) for c, x in logs]
    return None


def _ones(alg: Algebra, node: Node, logs: list[tuple[Fraction, Node]]) -> list[tuple[Fraction, Node]]:
    # -c log b with a term -c: b is read off, and c b must stand there too.
    out = []
    for t in node.args:
        value = number(t)
        if value:
            whole = alg.add(*(alg.mul(alg.num(k / value), f) for k, f in logs))
            b = alg.exp(whole)
            if not any(f.op in ("exp", "log") for f in factors(b)) and _mass(alg, b):
                out.append((-value, b))
    return out


def _closed(walk: Walk, node: Node, c: Fraction, chosen: list[tuple[Node, Node, list[Node]]]) -> Node | None:
    alg = walk.alg
    change = alg.add(*(alg.mul(alg.num(s), x) for a, b, _ in chosen for s, x in ((c, b), (-c, a))))
    linear = [] if number(change) == 0 else list(addends(change))
    used = [t for _, _, terms in chosen for t in terms]
    left = [t for t in node.args if not any(t is u for u in used)]
    for t in linear:
        if not any(t is x for x in left):
            return None
        left = [x for x in left if x is not t]
    walk.applied["H5"] = None
    new = [relative_term(walk, c, a, b) for a, b, _ in chosen]
    rest = [walk.visit(t) for t in left]
    return new[0] if len(new) + len(rest) == 1 else alg.table.make("add", (*rest, *new))


def remainder(walk: Walk, node: Node) -> Node | None:
    """Replace ``e^z - 1 - z`` and ``log(1+z) - z`` by functions of their own (H5).

    Parameters
    ----------
    walk : Walk
        The pass.
    node : Node
        Sum.

    Returns
    -------
    Node or None
    """
    alg = walk.alg
    for t in node.args:
        k, f = coefficient(alg.table, t)
        if f.op not in ("expm1", "log1p"):
            continue
        wanted = [alg.mul(alg.num(-k), z) for z in addends(f.args[0])]
        left = [x for x in node.args if x is not t and not any(x is w for w in wanted)]
        if len(left) + 1 + len(wanted) != len(node.args):
            continue
        walk.applied["H5"] = None
        name = "expm1mx" if f.op == "expm1" else "log1pmx"
        new = _scaled(alg, k, alg.table.make(name, (walk.visit(f.args[0]),)))
        rest = [walk.visit(x) for x in left]
        return new if not rest else alg.table.make("add", (*rest, new))
    return None
