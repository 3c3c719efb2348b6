"""Sums over axes: the pair rule, log-sum-exp, deltas (C4, C5, C9, C10 of the dltsym design note, table 4.2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from dltsym.lower.algebra.deltas import apply_delta, has_delta
from dltsym.lower.algebra.forms import (
    addends,
    coefficient,
    conjuncts,
    factors,
    has_exp,
    is_cut,
    is_mask,
    is_minus_inf,
    is_one,
    is_zero,
    touches,
)
from dltsym.lower.algebra.normalised import nonpos_exponent, normalised
from dltsym.lower.algebra.running import opposed
from dltsym.lower.axes import Axis
from dltsym.lower.nodes import Node

if TYPE_CHECKING:
    from dltsym.lower.algebra.constructors import Algebra


def contract(alg: Algebra, given: Sequence[Node], bound: Sequence[Axis]) -> Node:
    """Return the sum of a product over the bound axes, in normal form.

    Parameters
    ----------
    alg : Algebra
        Constructors.
    given : sequence of Node
        Factors.
    bound : sequence of Axis
        Axes.

    Returns
    -------
    Node
    """
    if alg.raw:
        flat = [f for x in given for f in factors(x)]
        return alg.table.bind("contract", flat, bound) if bound else alg.mul(*flat)
    return _sum(alg, alg.mul(*given), list(dict.fromkeys(bound)))


def _sum(alg: Algebra, body: Node, bound: list[Axis]) -> Node:
    if is_zero(body) or not bound:
        return body
    unused = [alg.size(b.size) for b in bound if b not in body.axes]
    bound = [b for b in bound if b in body.axes]
    if not bound:
        return alg.mul(*unused, body)
    opened = _over_deltas(alg, body, bound)
    if opened is not None:
        return alg.mul(*unused, opened)
    inside, out = split_factors(alg, body, bound)
    if out or unused:
        return alg.mul(*unused, *out, _sum(alg, alg.mul(*inside), bound))
    flat, bound = _flatten(alg, inside, bound)
    if any(f is not g for f, g in zip(flat, inside, strict=False)) or len(flat) != len(inside):
        return _sum(alg, alg.mul(*flat), bound)
    for mask in (f for f in flat if is_mask(f)):
        done = apply_delta(alg, mask, [f for f in flat if f is not mask], bound)
        if done is not None:
            rest, left = done
            alg.note("C9")
            return _sum(alg, alg.mul(*rest), left)
    return _pair(alg, flat, bound)


def _over_deltas(alg: Algebra, body: Node, bound: list[Axis]) -> Node | None:
    # The only distribution: over a sum with a delta of a bound axis, which then goes away.
    parts = factors(body)
    for f in parts:
        if f.op == "add" and any(_delta_term(alg, t, bound) for t in f.args):
            rest = [g for g in parts if g is not f]
            alg.note("C9")
            return alg.add(*(_sum(alg, alg.mul(*rest, t), bound) for t in f.args))
    return None


def _delta_term(alg: Algebra, term: Node, bound: list[Axis]) -> bool:
    return any(
        (f.op == "where" and is_zero(f.args[2]) and has_delta(alg, f.args[0], bound))
        or (f.op == "exp" and is_cut(f.args[0]) and has_delta(alg, f.args[0].args[0], bound))
        or (f.op == "add" and any(_delta_term(alg, t, bound) for t in f.args))
        for f in factors(term)
    )


def split_factors(alg: Algebra, body: Node, bound: list[Axis]) -> tuple[list[Node], list[Node]]:
    """Split a product into factors with bound axes and those without; exponents and conditions are split too."""
    inside: list[Node] = []
    out: list[Node] = []
    for f in factors(body):
        if not touches(f, bound):
            out.append(f)
        elif _stays(alg, f, bound):
            inside.append(f)
        elif f.op == "exp":
            kept, free = split_exponent(alg, _alive(alg, f.args[0], bound), bound)
            kept, deltas = _without_deltas(alg, kept, bound)
            inside += [*factors(alg.exp(kept)), *deltas]
            out += [alg.exp(free)] if not is_zero(free) else []
        elif f.op == "where" and is_zero(f.args[2]):
            held, free = _split_mask(alg, f, bound)
            inside += held
            out += free
        else:
            inside.append(f)
    moved = [f for f in inside if not touches(f, bound) and not is_one(f)]
    return [f for f in inside if touches(f, bound)], [*out, *moved]


def _split_mask(alg: Algebra, f: Node, bound: list[Axis]) -> tuple[list[Node], list[Node]]:
    free = [c for c in conjuncts(f.args[0]) if not touches(c, bound)]
    kept = [c for c in conjuncts(f.args[0]) if touches(c, bound)]
    deltas = [c for c in kept if has_delta(alg, c, bound)]
    kept = [c for c in kept if c not in deltas]
    parts, out = list(factors(f.args[1])), []
    if free and not kept:
        out = [p for p in parts if not touches(p, bound)]
        parts = [p for p in parts if p not in out]
    body = alg.mul(*parts)
    if free and (out or alg.facts(body).finite):
        out = [alg.where(alg.both(*free), alg.mul(*out), alg.zero)]
    if free and not alg.facts(body).finite:  # what hides behind the mask stays behind it
        kept = [*free, *kept]
    masked = alg.where(alg.both(*kept), body, alg.zero)
    return [*(alg.mask(c) for c in deltas), *factors(masked)], out


def _without_deltas(alg: Algebra, x: Node, bound: list[Axis]) -> tuple[Node, list[Node]]:
    # A delta that moved into an exponent (C8) comes out again where it can be used up.
    if not is_cut(x) or not has_delta(alg, x.args[0], bound):
        return x, []
    held = conjuncts(x.args[0])
    deltas = [c for c in held if has_delta(alg, c, bound)]
    rest = [c for c in held if c not in deltas]
    return alg.where(alg.both(*rest), x.args[1], x.args[2]), [alg.mask(c) for c in deltas]


def split_exponent(alg: Algebra, x: Node, bound: Iterable[Axis]) -> tuple[Node, Node]:
    """Split an exponent into what depends on bound axes and what can come out."""
    if is_cut(x):
        c, y, low = x.args
        free = [k for k in conjuncts(c) if not touches(k, bound)]
        loose = [t for t in addends(y) if not touches(t, bound) and _below_inf(alg, t) and not opposed(alg, t, y)]
        kept, out = y, alg.zero
        if loose:  # what hides behind the mask may be anything, what comes out may not be +inf
            kept, out = alg.add(*(t for t in addends(y) if t not in loose)), alg.add(*loose)
        held = [k for k in conjuncts(c) if touches(k, bound)]
        rest = alg.where(alg.both(*held), kept, low)
        if free and (all(_below_inf(alg, t) for t in addends(kept)) or nonpos_exponent(alg.table, rest)):
            return rest, alg.where(alg.both(*free), out, low)
        return alg.where(alg.both(*free, *held), kept, low), out
    free = [t for t in addends(x) if not touches(t, bound) and not opposed(alg, t, x)]
    if not free:
        return x, alg.zero
    return alg.add(*(t for t in addends(x) if t not in free)), alg.add(*free)


def _below_inf(alg: Algebra, term: Node) -> bool:
    k, f = coefficient(alg.table, term)
    return alg.facts(term).finite or (k > 0 and f.op == "log" and alg.facts(f.args[0]).finite)


def _flatten(alg: Algebra, inside: list[Node], bound: list[Axis]) -> tuple[list[Node], list[Axis]]:
    # C10. A contraction that holds an exponential stays: merging two softmaxes would add their axes up. So does one
    # beside a factor that may be infinite: some of its terms may be 0.
    flat: list[Node] = []
    bound = list(bound)
    for f in inside:
        finite = all(alg.facts(g).finite for g in inside if g is not f)
        if f.op == "contract" and finite and not any(has_exp(a) for a in f.args):
            args, axes = alg.table.open(f)
            flat += args
            bound += axes
        else:
            flat.append(f)
    return flat, bound


def _pair(alg: Algebra, flat: list[Node], bound: list[Axis]) -> Node:
    hot = next((f for f in flat if f.op == "exp"), None)
    if hot is None:
        return _plain(alg, flat, bound)
    a = hot.args[0]
    others = [f for f in flat if f is not hot]
    weights = _weights(alg, a, others)
    rest = [f for f in others if f not in weights]
    if rest and _stays(alg, hot, bound):
        return alg.table.bind("contract", flat, bound)
    folded = alg.add(a, *(alg.log(w) for w in weights))
    over = [b for b in bound if b in folded.axes]
    if not rest:
        alg.note("C4")
        return alg.exp(lse(alg, folded, over))
    top = lse(alg, folded, over, alive=True)
    if _settled(top):
        return alg.table.bind("contract", flat, bound)
    alg.note("C4")
    inner = alg.mul(alg.exp(alg.sub(folded, top)), *rest)
    out = [f for f in factors(inner) if not touches(f, bound)]
    kept = [f for f in factors(inner) if touches(f, bound)]
    # Built directly: through the constructor it would come back here for as long as `top` does not cancel.
    return alg.mul(alg.exp(top), *out, alg.table.bind("contract", kept, bound))


def _stays(alg: Algebra, f: Node, bound: Iterable[Axis]) -> bool:
    # A probability in a derivative: nothing divides by its sum over another axis, and no term of that is large.
    known = normalised(alg.table, f.args[0]) if alg.slopes and f.op == "exp" else None
    return known is not None and not set(known[1]) <= set(bound)


def _alive(alg: Algebra, a: Node, bound: Iterable[Axis]) -> Node:
    # x - lse x is minus infinity over nothing, not nan: along another axis it is one term of many.
    known = None if is_cut(a) or alg.facts(a).finite else normalised(alg.table, a)
    if known is None or set(known[1]) <= set(bound):
        return a
    top = lse(alg, known[0], list(known[1]))
    return alg.where(alg.cmp("<", alg.minus_inf, top), a, alg.minus_inf) if may_be_dead(alg, top) else a


def _weights(alg: Algebra, a: Node, others: list[Node]) -> list[Node]:
    # A weight with more axes than the exponent is folded only where it has to be: zeros where the exponent is largest,
    # or a row that is masked, would leave 0/0 of an exponential that was normalised without it.
    weights: list[Node] = []
    axes = a.axes
    for f in sorted((f for f in others if _is_weight(alg, f)), key=lambda f: len(f.axes)):
        lost = not (alg.facts(f).positive and alg.facts(a).finite)
        if f.axes <= axes or (lost and axes <= f.axes):
            weights.append(f)
            axes |= f.axes
    return [f for f in others if f in weights]


def _is_weight(alg: Algebra, f: Node) -> bool:
    # A square or a positive part of a value of either sign is a value: its logarithm has no slope at 0.
    b = f.args[0] if f.op == "pow" else f
    return alg.facts(f).nonneg and alg.facts(b).nonneg and b.op not in ("abs", "maximum", "minimum")


def _settled(top: Node) -> bool:
    # The exponentials are normalised already, up to a number or sizes.
    if top.axes:
        return False
    return all(t.op in ("num", "size", "log", "mul") and _counts(t) for t in addends(top)) and not is_minus_inf(top)


def _counts(node: Node) -> bool:
    return node.op in ("num", "size") or (node.op in ("log", "mul", "pow") and all(_counts(a) for a in node.args))


def _plain(alg: Algebra, flat: list[Node], bound: list[Axis]) -> Node:
    masks = [f for f in flat if is_mask(f)]
    if len(masks) > 1:
        flat = [*(f for f in flat if not is_mask(f)), alg.mask(alg.both(*(m.args[0] for m in masks)))]
    if len(flat) == 1:
        known = alg.facts(flat[0]).sum_one
        if known and known <= set(bound):
            rest = [b for b in bound if b not in known]
            return alg.mul(*(alg.size(b.size) for b in rest))
    return alg.table.bind("contract", flat, bound)


def lse(alg: Algebra, x: Node, bound: list[Axis], alive: bool = False) -> Node:
    """Return a log-sum-exp over axes, in normal form (C5).

    Parameters
    ----------
    alg : Algebra
        Constructors.
    x : Node
        Exponents.
    bound : list of Axis
        Axes.
    alive : bool
        Whether a softmax over nothing may be taken to add up to 1, because a factor beside it is 0 there.

    Returns
    -------
    Node
    """
    if is_minus_inf(x) or not bound:
        return x
    unused = [alg.log(alg.size(b.size)) for b in bound if b not in x.axes]
    bound = [b for b in bound if b in x.axes]
    if not bound:
        return alg.add(x, *unused)
    known = normalised(alg.table, x)
    if known is not None and set(known[1]) <= set(bound):  # x - lse x
        total = alg.add(*unused, *(alg.log(alg.size(b.size)) for b in bound if b not in known[1]))
        top = alg.zero if alive else lse(alg, known[0], list(known[1]))
        return alg.where(alg.cmp("<", alg.minus_inf, top), total, alg.minus_inf) if may_be_dead(alg, top) else total
    kept, free = split_exponent(alg, x, bound)
    if unused or not is_zero(free):
        return alg.add(*unused, free, lse(alg, kept, bound, alive))
    if x.op == "reduce" and x.data[0] == "lse":
        (inner,), axes = alg.table.open(x)
        return lse(alg, inner, [*bound, *axes], alive)
    if x.op == "log":
        return alg.log(contract(alg, x.args, bound))
    value = alg.exp(x)
    if not any(has_exp(f) for f in factors(value)):  # logarithms of weights and masks only
        return alg.log(contract(alg, (value,), bound))
    parts = _components(x, bound)
    if len(parts) > 1:
        return alg.add(*(lse(alg, alg.add(*terms), axes, alive) for terms, axes in parts))
    return _by_axis(alg, x, bound) or alg.table.bind("reduce", (x,), bound, ("lse",))


def may_be_dead(alg: Algebra, top: Node) -> bool:
    """Tell whether a log-sum-exp may be minus infinity because of its terms; an axis that may be empty is no reason."""
    if top.op == "reduce" and top.data[0] == "lse":
        return may_be_dead(alg, top.args[0])
    if top.op == "add" or (top.op == "mul" and top.args[0].op == "num"):
        return any(may_be_dead(alg, a) for a in top.args)
    return not alg.facts(top).finite


def _components(x: Node, bound: list[Axis]) -> list[tuple[list[Node], list[Axis]]]:
    if is_cut(x):
        return [([x], bound)]
    parts: list[tuple[list[Node], set[Axis]]] = []
    for t in addends(x):
        terms, axes = [t], t.axes & set(bound)
        apart = []
        for p in parts:
            if p[1] & axes:
                terms, axes = [*p[0], *terms], p[1] | axes
            else:
                apart.append(p)
        parts = [*apart, (terms, set(axes))]
    return [(terms, [b for b in bound if b in axes]) for terms, axes in parts]


def _by_axis(alg: Algebra, x: Node, bound: list[Axis]) -> Node | None:
    # lse over i and j of s_ij - lse_j s_ij + c_i is lse_i c_i: done where the inner log-sum-exp cancels.
    if len(bound) < 2 or is_cut(x):
        return None
    for b in bound:
        free = [t for t in addends(x) if b not in t.axes]
        if not any(_negative_lse(t) for t in free):
            continue
        inner = lse(alg, alg.add(*(t for t in addends(x) if b in t.axes)), [b])
        left = alg.add(inner, *free)
        if len(addends(left)) < len(free) + len(addends(inner)):
            return lse(alg, left, [a for a in bound if a != b])
    return None


def _negative_lse(t: Node) -> bool:
    return t.op == "mul" and len(t.args) == 2 and t.args[1].op == "reduce" and t.args[1].data[0] == "lse"
