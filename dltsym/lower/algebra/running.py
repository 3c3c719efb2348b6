"""Running sums whose exponents cancel between the outside and the inside (hazard H8 of the dltsym design note).

``e^(c_t) sum_(s<=t) e^(u_s - c_s) r_s`` overflows where ``c`` falls far, although no term of it is large. With the
increment ``d_t = c_t - c_(t-1)`` it is the recurrence ``h_t = e^(d_t) h_(t-1) + e^(u_t) r_t``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dltsym.lower.algebra.forms import addends, coefficient, factors, is_minus_inf, is_zero, split_exp
from dltsym.lower.axes import Axis
from dltsym.lower.nodes import Node, anonymous

if TYPE_CHECKING:
    from dltsym.lower.algebra.constructors import Algebra


def increment(alg: Algebra, term: Node, axis: Axis, direction: int) -> Node | None:
    """Return how much a term grows from one place of an axis to the next, None where that has no simple form.

    Parameters
    ----------
    alg : Algebra
        Constructors.
    term : Node
        Multiple of an inclusive running sum along the axis, or of the index.
    axis : Axis
        Axis.
    direction : int
        1 or -1: which place is the next.

    Returns
    -------
    Node or None
    """
    moving = [f for f in factors(term) if axis in f.axes]
    if len(moving) != 1:
        return None
    f = moving[0]
    rest = [g for g in factors(term) if g is not f]
    if f.op == "iota":
        return alg.mul(*rest, alg.num(direction))
    if f.op == "scan" and f.data == ("sum", axis, direction, True):
        return alg.mul(*rest, f.args[0])
    return None


def opposed(alg: Algebra, term: Node, whole: Node) -> bool:
    """Tell whether an exponent holds a running sum at one place and, against it, the same at another place.

    Such a difference stays together: it is the sum between, which is formed as such (hazard H8).

    Parameters
    ----------
    alg : Algebra
        Constructors.
    term : Node
        Term.
    whole : Node
        The exponent it is in.

    Returns
    -------
    bool
    """
    k, f = coefficient(alg.table, term)
    if f.op != "scan" or f.data[0] != "sum":
        return False
    others = (coefficient(alg.table, t) for t in addends(whole) if t is not term)
    key = anonymous(f, f.axes)
    return any(m == -k and g.op == "scan" and anonymous(g, g.axes) == key for m, g in others)


def _common(alg: Algebra, outside: Node, inside: Node, axis: Axis, direction: int) -> tuple[Node, Node] | None:
    for t in addends(outside):
        if any(alg.neg(t) is u for u in addends(inside)):
            step = increment(alg, t, axis, direction)
            if step is not None:
                return t, step
    return None


def in_product(alg: Algebra, exponent: Node, node: Node) -> tuple[Node, Node] | None:
    """Rewrite ``e^E`` times a running sum or an affine recurrence from 0.

    Parameters
    ----------
    alg : Algebra
        Constructors.
    exponent : Node
        ``E``.
    node : Node
        Scan.

    Returns
    -------
    tuple or None
        The exponent and the scan that take their place.
    """
    monoid, axis, direction, inclusive = node.data
    if not inclusive or monoid not in ("sum", "affine") or (monoid == "affine" and not is_zero(node.args[2])):
        return None
    decay, body = (alg.one, node.args[0]) if monoid == "sum" else node.args[:2]
    hot, rest = split_exp(body)
    found = _common(alg, exponent, hot, axis, direction) if hot is not None else None
    if hot is None or found is None:
        return None
    term, step = found
    new = (alg.mul(decay, alg.exp(step)), alg.mul(alg.exp(alg.add(hot, term)), *rest), alg.zero)
    return alg.sub(exponent, term), alg.scan("affine", axis, direction, True, *new)


def in_logs(alg: Algebra, terms: list[Node]) -> list[Node] | None:
    """Rewrite ``E`` plus a running log-sum-exp, the logarithm of the above.

    Parameters
    ----------
    alg : Algebra
        Constructors.
    terms : list of Node
        Terms of a sum.

    Returns
    -------
    list of Node or None
        The terms that take their place.
    """
    for t in terms:
        k, f = coefficient(alg.table, t)
        if f.op != "scan" or f.data[0] not in ("lse", "log-affine") or not f.data[3] or abs(k) != 1:
            continue
        if f.data[0] == "log-affine" and not is_minus_inf(f.args[2]):
            continue
        rest = [x for x in terms if x is not t]
        decay, hot = (alg.zero, f.args[0]) if f.data[0] == "lse" else f.args[:2]
        found = _common(alg, alg.mul(alg.num(k), alg.add(*rest)) if rest else alg.zero, hot, f.data[1], f.data[2])
        if found is None:
            continue
        term, step = found
        new = alg.scan("log-affine", *f.data[1:], alg.add(decay, step), alg.add(hot, term), alg.minus_inf)
        left = [x for x in rest if x is not alg.mul(alg.num(k), term)]
        return [*left, *addends(alg.mul(alg.num(k), new))]
    return None
