"""Running sums whose exponents cancel between the outside and the inside (hazard H8 of the dltsym design note).

``e^(c_t) sum_(s<=t) e^(u_s - c_s) r_s`` overflows where ``c`` falls far, although no term of it is large. With the
increment ``d_t = c_t - c_(t-1)`` it is the recurrence ``h_t = e^(d_t) h_(t-1) + e^(u_t) r_t``. Without the own
term, the sum over ``s < t``, it is ``e^(d_t)`` times what that recurrence held before place ``t``.
"""

from __future__ import annotations

from dataclasses import dataclass
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
    if f.op == "add":
        steps = [increment(alg, t, axis, direction) for t in f.args if axis in t.axes]
        return None if None in steps else alg.mul(*rest, alg.add(*(s for s in steps if s is not None)))
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
    if monoid not in ("sum", "affine") or (monoid == "affine" and not is_zero(node.args[2])):
        return None
    decay, body = (alg.one, node.args[0]) if monoid == "sum" else node.args[:2]
    hot, rest = split_exp(body)
    found = _common(alg, exponent, hot, axis, direction) if hot is not None else None
    if hot is None or found is None:
        return None
    term, step = found
    new = (alg.mul(decay, alg.exp(step)), alg.mul(alg.exp(alg.add(hot, term)), *rest), alg.zero)
    left = alg.sub(exponent, term) if inclusive else alg.add(exponent, alg.neg(term), step)
    return left, alg.scan("affine", axis, direction, inclusive, *new)


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
        if f.op != "scan" or f.data[0] not in ("lse", "log-affine") or abs(k) != 1:
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
        own = () if f.data[3] else addends(alg.mul(alg.num(k), step))
        return [*left, *own, *addends(alg.mul(alg.num(k), new))]
    return None


@dataclass(frozen=True)
class Carried:
    """A running sum as ``e^top`` times the states of ``h <- factor h + term``, ``top`` its running log-sum-exp."""

    top: Node
    factor: Node
    term: Node

    def average(self, alg: Algebra, node: Node) -> Node:
        """Return the average of the running sum `node`, a recurrence in which no exponent is positive."""
        return alg.table.make("scan", (self.factor, self.term, alg.zero), ("affine", *node.data[1:]))


def carried(alg: Algebra, node: Node) -> Carried | None:
    """Divide a running sum that holds exponentials by its own running log-sum-exp.

    With ``L_t`` the running log-sum-exp of ``a``, the sum of ``e^(a_t) r_t`` divided by ``e^(L_t)`` obeys
    ``g_t = e^(L_(t-1) - L_t) g_(t-1) + e^(a_t - L_t) r_t``, in which no exponent is positive. The same holds for an
    affine recurrence with nonnegative factors. The sum without the own term is ``e^(L_(t-1)) g_(t-1)``.

    Parameters
    ----------
    alg : Algebra
        Constructors.
    node : Node
        Scan, ``sum`` or ``affine`` from 0.

    Returns
    -------
    Carried or None
        None for another node, or without exponentials.
    """
    if node.op != "scan" or node.data[0] not in ("sum", "affine"):
        return None
    monoid, axis, direction, inclusive = node.data
    if monoid == "affine" and not is_zero(node.args[2]):
        return None
    decay, body = (alg.one, node.args[0]) if monoid == "sum" else node.args[:2]
    hot, rest = split_exp(body)
    hot = alg.zero if hot is None and decay.op == "exp" else hot
    if hot is None or not alg.facts(hot).finite or not alg.facts(decay).nonneg:
        return None
    kind, logs = ("lse", (hot,)) if monoid == "sum" else ("log-affine", (alg.log(decay), hot, alg.minus_inf))
    top = alg.scan(kind, axis, direction, True, *logs)
    before = alg.scan(kind, axis, direction, False, *logs)
    moving = alg.add(*(t for t in addends(hot) if increment(alg, t, axis, direction) is not None))
    step = alg.add(alg.add(before, alg.neg(moving)), alg.add(moving, alg.neg(top)))
    factor = alg.exp(alg.add(alg.log(decay), step))
    term = alg.mul(alg.exp(alg.sub(hot, top)), *rest)
    return Carried(top if inclusive else before, factor, term)
