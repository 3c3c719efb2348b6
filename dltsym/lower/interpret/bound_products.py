"""Rules of the worst-case bound for products, quotients and powers; proofs in docs/explain/rounding.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from dltsym.lower.interpret.bound_functions import applied, function, moved
from dltsym.lower.interpret.bound_parts import TINY, ZERO, arithmetic, converted, error, growth, made, normal, settled
from dltsym.lower.interpret.functions import Fn
from dltsym.lower.interpret.model import U64, Model
from dltsym.lower.interpret.values import Array, Item, together
from dltsym.lower.interpret.walk import Walk
from dltsym.lower.nodes import Node


def multiplied(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Bound a product of operands, whatever its order; factors of negative power are divided by, as they are printed.

    Parameters
    ----------
    walk : Walk
        Evaluation.
    node : Node
        Product.
    args : list of Item
        Operands.

    Returns
    -------
    Item
    """
    below = [inverted(a) for a in node.args]
    above = [item for item, base in zip(args, below, strict=True) if base is None]
    top = product(above, walk.model) if above else Item(np.ones(()), host=True, whole=True, nonneg=True)
    under = [walk.item(base) if p == 1 else positive(walk, walk.item(base), p) for base, p in filter(None, below)]
    return divided(top, product(under, walk.model), walk.model) if under else top


def inverted(node: Node) -> tuple[Node, Fraction] | None:
    """Return base and exponent of what is divided by, for a factor with a negative exponent.

    Parameters
    ----------
    node : Node
        Factor.

    Returns
    -------
    tuple or None
    """
    if node.op != "pow" or node.data[0] >= 0 or node.data[0].denominator > 2:
        return None
    return node.args[0], -node.data[0]


def powered(walk: Walk, node: Node, args: list[Item]) -> Item:
    """Bound a constant power; a negative one divides by the positive one, as it is printed.

    Parameters
    ----------
    walk : Walk
        Evaluation.
    node : Node
        Power.
    args : list of Item
        The base.

    Returns
    -------
    Item
    """
    p, item = node.data[0], args[0]
    if p > 0:
        return positive(walk, item, p)
    if 2 * p == -1 and not item.host:
        return function("rsqrt")(walk, node, [item])
    one = Item(np.ones(()), host=True, whole=True, nonneg=True)
    return divided(one, item if p == -1 else positive(walk, item, -p), walk.model)


def positive(walk: Walk, item: Item, p: Fraction) -> Item:
    """Bound a positive power by the ends of the interval, and by 0 for an even one where it lies inside.

    Parameters
    ----------
    walk : Walk
        Evaluation.
    item : Item
        Base.
    p : Fraction
        Exponent.

    Returns
    -------
    Item
    """
    even, integer = p.denominator == 1 and p.numerator % 2 == 0, p.denominator == 1
    whole = item.whole and integer
    f = Fn(lambda x: _power(x, p), (0.0,) if even else (), kept=True)
    if whole and (np.abs(f.value(np.abs(item.v) + error(item))) * U64 <= 1).all():
        v, far = moved(f, item.v, error(item), item.nonneg)
        return made(v, np.ceil(far * (1 - 2.0**-40)), item.axes, host=item.host, whole=True, nonneg=even or item.nonneg)
    calls: Array | float = 1.0 if p in (2, 1) else 2.0 if 2 * p == 1 else 4.0 + 2 * float(p)
    if not integer and p.denominator & (p.denominator - 1):
        # The exponent is rounded too: x**(p(1 + d)) is x**p exp(p d log x).
        calls = calls + 2 * float(p) * _logarithm(item)
    return replace(applied(walk, item, f, calls), nonneg=even or not integer or item.nonneg)


def _logarithm(item: Item) -> Array:
    """Bound the logarithm of a number in size; that of no float64 exceeds 746."""
    ends = [np.log(np.maximum(np.abs(item.v) + s * error(item), 5e-324)) for s in (-1, 1)]
    return np.minimum(np.maximum(np.abs(ends[0]), np.abs(ends[1])), 746.0)


def _power(x: Array, p: Fraction) -> Array:
    if p == 2:
        return x * x
    if 2 * p == 1:
        return np.sqrt(x)
    return np.power(x, int(p) if p.denominator == 1 else float(p))


def divided(a: Item, b: Item, model: Model) -> Item:
    """Bound a quotient; it is infinite where the divisor may be 0.

    Parameters
    ----------
    a, b : Item
        Operands.
    model : Model
        Arithmetic.

    Returns
    -------
    Item
    """
    if a.whole and b.whole and not (a.host and b.host):
        a, b = converted(a, model), converted(b, model)
    items, model, host = arithmetic([a, b], model)
    (a, b), axes = together(items)
    v, size = a.v / b.v, np.abs(b.v)
    left = size - error(b)
    e = np.where(left > 0, (error(a) + np.abs(v) * error(b)) / np.where(left > 0, left, 1.0), np.inf)
    out = settled(v, e, model)
    if _dyadic(b) and (size <= 1).all():
        out = np.where(np.abs(v) + e > model.top, np.inf, e)
    gone = (np.isinf(b.v) & (error(b) == 0) & np.isfinite(a.v) & np.isfinite(error(a))) | ((a.v == 0) & (error(a) == 0))
    return made(v, np.where(gone & (left > 0), 0.0, out), axes, host=host, nonneg=a.nonneg and b.nonneg)


def product(args: list[Item], model: Model) -> Item:
    """Bound a product of operands, whatever its order.

    Parameters
    ----------
    args : list of Item
        Operands.
    model : Model
        Arithmetic.

    Returns
    -------
    Item
    """
    if len(args) == 1:
        return args[0]
    items, model, host = arithmetic(args, model)
    rounds = max(sum(not _dyadic(i) for i in items) - 1, 0)
    shrinks = any(_dyadic(i) and np.abs(i.v) < 1 for i in items)
    items, axes = together(items)
    facts = {"host": host, "whole": all(i.whole for i in items), "nonneg": all(i.nonneg for i in items)}
    v, e, size, high = np.ones(()), ZERO, np.ones(()), np.ones(())
    nil = np.zeros((), bool)
    for item in items:
        one, two = np.abs(item.v), error(item)
        e = e * one + size * two
        v, size, high = v * item.v, size * (one + two), high * np.maximum(one + two, 1.0)
        nil = nil | ((one == 0) & (two == 0))
    if facts["whole"] and (size * U64 <= 1).all():
        return made(v, e, axes, **facts)
    out = e
    if rounds:
        out = (
            out + (growth(rounds, model.u) + growth(rounds, U64)) * size + (len(items) - 1) * (model.eta + TINY) * high
        )
    elif shrinks:
        out = out + np.where(np.abs(v) - e < 2 * normal(model), (len(items) - 1) * (model.eta + TINY) * high, 0.0)
    out = np.where((high > model.top) | np.isinf(v), np.inf, out)
    fixed = (nil & np.isfinite(high) & (high <= model.top)) | (np.isinf(v) & _signed(items))
    return made(v, np.where(fixed, 0.0, out), axes, **facts)


def _dyadic(item: Item) -> bool:
    return item.v.ndim == 0 and not item.parts and bool(np.abs(np.frexp(item.v)[0]) == 0.5)


def _signed(items: Sequence[Item]) -> Array:
    # A product is exactly infinite when an exact infinity meets numbers of certain sign.
    fine, any_inf = np.ones((), bool), np.zeros((), bool)
    for item in items:
        inf, e = np.isinf(item.v), error(item)
        any_inf = any_inf | inf
        fine = fine & np.where(inf, e == 0, np.abs(item.v) > e)
    return fine & any_inf
