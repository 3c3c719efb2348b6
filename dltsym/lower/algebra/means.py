"""Means under a softmax, read back from the exponent: ``exp(lse(a + log w) - lse(a))`` is ``sum softmax(a) w``."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from dltsym.lower.algebra.forms import addends, coefficient, factors, is_cut
from dltsym.lower.axes import Axis
from dltsym.lower.nodes import Node

if TYPE_CHECKING:
    from dltsym.lower.algebra.constructors import Algebra


@dataclass(frozen=True)
class Mean:
    """A mean: the log-sum-exp on top, and the terms ``exp(exponent)`` times `weights` over `axes` of the sum."""

    top: Node
    exponent: Node
    weights: tuple[Node, ...]
    axes: tuple[Axis, ...]


def mean_of(alg: Algebra, x: Node) -> Mean | None:
    """Read the exponent ``lse(a + log w) - lse(a)``.

    Parameters
    ----------
    alg : Algebra
        Constructors.
    x : Node
        Exponent.

    Returns
    -------
    Mean or None
    """
    if x.op != "add" or len(x.args) != 2:
        return None
    for up, down in (x.args, x.args[::-1]):
        k, below = coefficient(alg.table, down)
        if k == -1 and _is_lse(up) and _is_lse(below):
            found = _over(alg, up, below)
            if found is not None:
                return found
    return None


def _is_lse(node: Node) -> bool:
    return node.op == "reduce" and node.data[0] == "lse"


def _over(alg: Algebra, up: Node, below: Node) -> Mean | None:
    (body,), axes = alg.table.open(up)
    for exponent, weights in _stripped(alg, body):
        if alg.reduce("lse", exponent, axes) is below and all(alg.facts(w).finite for w in weights):
            return Mean(up, alg.sub(exponent, below), tuple(weights), axes)
    return None


def _stripped(alg: Algebra, body: Node) -> list[tuple[Node, list[Node]]]:
    cut = body if is_cut(body) else None
    inside = body.args[1] if cut else body
    logs = [t for t in addends(inside) if coefficient(alg.table, t)[1].op == "log"]
    found = []
    for chosen in [logs] if len(logs) < 2 else [logs, *([t] for t in logs)]:
        rest = alg.add(*(t for t in addends(inside) if t not in chosen))
        weights = [alg.exp(t) for t in chosen]
        if cut:
            if chosen:
                found.append((alg.where(cut.args[0], rest, cut.args[2]), weights))
            found.append((rest, [*weights, alg.mask(cut.args[0])]))
        elif chosen:
            found.append((rest, weights))
    return found


def unfolded(alg: Algebra, term: Node) -> Node:
    """Return a term with the means in its exponent written as contractions, as they are.

    Parameters
    ----------
    alg : Algebra
        Constructors.
    term : Node
        Product, or one factor.

    Returns
    -------
    Node
    """
    out: list[Node] = []
    for f in factors(term):
        out.extend(_factors(alg, f.args[0]) if f.op == "exp" else [f])
    return out[0] if len(out) == 1 else alg.mul(*out)


def _factors(alg: Algebra, x: Node) -> list[Node]:
    terms: dict[int, list[Any]] = {}
    for t in addends(x):
        k, f = coefficient(alg.table, t)
        for c, g in (coefficient(alg.table, a) for a in addends(f)):
            terms.setdefault(id(g), [Fraction(0), g])[0] += k * c
    out: list[Node] = []
    ups = [f for k, f in terms.values() if k > 0 and k.denominator == 1 and _is_lse(f)]
    downs = [f for k, f in terms.values() if k < 0 and _is_lse(f)]
    for up in ups:
        for below in downs:
            k = terms[id(up)][0]
            if not k or terms[id(below)][0] > -k:
                continue
            found = _over(alg, up, below)
            if found is not None:
                terms[id(up)][0] = Fraction(0)
                terms[id(below)][0] += k
                inner = [alg.table.make("exp", (found.exponent,)), *found.weights]
                mean = alg.table.bind("contract", [g for f in inner for g in factors(f)], found.axes)
                out.append(alg.power(mean, k))
    if not out:
        return [alg.table.make("exp", (x,))]
    rest = alg.add(*(alg.mul(alg.num(k), f) for k, f in terms.values() if k))
    return [*out, *factors(alg.exp(rest))]
