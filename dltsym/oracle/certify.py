"""Whether a compiled program can stand for the expression that it was compiled from: both, side by side, in balls."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from dltsym.errors import DltsymError
from dltsym.lower.checks.draw import draw, draw_sizes, least_sizes, ranges_of_places
from dltsym.lower.interpret.bound import running
from dltsym.lower.interpret.model import F64
from dltsym.lower.interpret.values import sizes_of
from dltsym.lower.kernel import Kernel
from dltsym.lower.nodes import Node, bound_axes
from dltsym.lower.sizes import parse_size
from dltsym.notation.calculus import evaluate_derivatives
from dltsym.notation.folds import Fold, Iterate, Order, Recurrence
from dltsym.notation.tree import Expr, Sum
from dltsym.notation.walk import children, expand_lets

WIDE, DOUBLE = "wide", "double"
ENOUGH = 16
"""So many entries have to agree with the balls, from at least two draws; of a single number, so many draws:"""
SINGLE = 4
DRAWS = 24
SHORT = 3.0
"""Length of a range in the estimate of work."""
HEAVY = 1e6
"""Expressions whose single entry takes more work have no certificate: they would take minutes."""
LENGTHS = (2, 3, 4, 1)
"""Sizes that are drawn: all different as long as there are enough of them."""
EXTENDED = frozenset(
    [
        "add",
        "mul",
        "pow",
        "contract",
        "softmax",
        "log_softmax",
        "reduce",
        "exp",
        "log",
        "log1p",
        "expm1",
        "sqrt",
        "abs",
        "maximum",
        "minimum",
        "where",
        "cmp",
        "and",
        "or",
        "not",
        "num",
        "size",
        "ref",
        "iota",
        "scan",
        "take",
        "sign",
        "step",
        "order",
        "xlogx",
        "xlogy",
        "sigmoid",
        "softplus",
        "logaddexp",
    ]
)
"""Operations whose generated numpy code has no constants in double precision."""


@lru_cache(maxsize=512)
def trust(kernel: Kernel) -> str:
    """Hold a program against its expression at small random inputs.

    Parameters
    ----------
    kernel : Kernel
        Program for numpy.

    Returns
    -------
    str
        ``"wide"`` if it keeps extended precision too, ``"double"`` if not, empty when it disagrees or fewer than
        `ENOUGH` entries could be compared.
    """
    trees = {n: expand_lets(e) for n, e in kernel.asked.outputs.items()}
    derived = [evaluate_derivatives(e) for e in trees.values()]
    if max(work(e) for e in derived) > HEAVY:
        return ""
    least, places = least_sizes([*trees.values(), *derived]), ranges_of_places(derived)
    rng, compared, draws, wide = np.random.default_rng(0), 0, 0, True
    single = not any(o.axes for o in kernel.final.outputs)
    for _ in range(DRAWS):
        try:
            sizes = _sizes(draw_sizes(kernel.final.inputs, rng, one=False, least=least), rng, least)
            found = _agreeing(kernel, draw(kernel.final.inputs, sizes, rng, 1.0, places))
        except DltsymError:
            continue
        if found is None:
            return ""
        compared, draws, wide = compared + found[0], draws + (found[0] > 0), wide and found[1]
        if draws >= (SINGLE if single else 2) and (single or compared >= ENOUGH):
            return WIDE if wide and _extended(kernel) else DOUBLE
    return ""


def _sizes(drawn: Mapping[str, int], rng: np.random.Generator, least: Mapping[str, int]) -> dict[str, int]:
    """Make sizes small: balls of an expression as written take long."""
    pool = [*rng.permutation(LENGTHS), *rng.permutation(LENGTHS), *LENGTHS * len(drawn)]
    return {n: max(int(k), least.get(n, 1)) for n, k in zip(drawn, pool, strict=False)}


def work(tree: Expr) -> float:
    """Estimate the operations that one entry of an expression takes as it is written, every range being short.

    Parameters
    ----------
    tree : Expr
        Expression.

    Returns
    -------
    float
    """
    memo: dict[int, float] = {}

    def one(e: Any) -> float:
        done = memo.get(id(e))
        if done is None:
            inside = 1.0 + sum(one(c) for c in children(e))
            ranges = len(e.limits) if isinstance(e, Sum | Fold) else isinstance(e, Order | Recurrence | Iterate)
            done = memo[id(e)] = inside * SHORT**ranges
        return done

    return one(tree)


def _agreeing(kernel: Kernel, known: Mapping[str, Any]) -> tuple[int, bool] | None:
    """Return the number of entries compared, and whether extended precision was kept; None for a disagreement."""
    from dltsym.oracle.reference import wide_run

    balls = kernel.oracle(**known)
    balls = balls if isinstance(balls, dict) else {kernel.outputs[0]: balls}
    out = kernel(**known)
    out = out if isinstance(out, dict) else {kernel.outputs[0]: out}
    shapes = {n: np.shape(x) for n, x in out.items()}
    long = wide_run(kernel, known, shapes)
    with np.errstate(all="ignore"):
        bound = running(kernel.final, known, F64)
    count = 0
    for name, one in balls.items():
        e = np.broadcast_to(bound[name][1], one.shape)
        seen = np.isfinite(one.mid()) & np.isfinite(e)
        far = np.abs(one.error(np.asarray(out[name], float)))
        if not (far <= e + one.rad())[seen].all():
            return None
        count += int(seen.sum())
        if long is not None:
            with np.errstate(all="ignore"):
                high = long[name].astype(float)
                rest = (long[name] - high).astype(float)
                off = np.abs(one.error(high) + rest)
            slack = e * 2.0**-10 + one.rad() + 2.0**-1070
            long = long if (off <= slack)[seen & np.isfinite(high)].all() else None
    return count, long is not None


def _extended(kernel: Kernel) -> bool:
    todo, seen = [o.node for o in kernel.final.outputs], set()
    while todo:
        node = todo.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if node.op == "const" and "inf" in node.data[0]:
            continue
        if node.op not in EXTENDED or (node.op == "num" and node.data[0].denominator & (node.data[0].denominator - 1)):
            return False
        if node.op == "pow" and 2 % node.data[0].denominator:
            return False
        todo += node.args
    return np.finfo(np.longdouble).nmant >= 63


def cost(kernel: Kernel, known: Mapping[str, Any]) -> float:
    """Return the number of scalar operations of a program at given inputs, batches included.

    Parameters
    ----------
    kernel : Kernel
        Program.
    known : mapping of str to ndarray
        Inputs.

    Returns
    -------
    float
    """
    sizes = sizes_of(kernel.final, known)
    shapes = [np.shape(known[i.name])[: np.ndim(known[i.name]) - len(i.shape)] for i in kernel.final.inputs]
    batch = float(np.prod(np.broadcast_shapes(*shapes), dtype=float))
    total, todo, seen = 0.0, [o.node for o in kernel.final.outputs], set()

    def entries(node: Node) -> float:
        axes = {*node.axes, *bound_axes(node)}
        return float(np.prod([max(parse_size(a.size).at(sizes), 1) for a in axes], dtype=float))

    while todo:
        node = todo.pop()
        if id(node) not in seen:
            seen.add(id(node))
            total += entries(node) * max(len(node.args), 1)
            todo += node.args
    return batch * total


__all__ = ["DOUBLE", "ENOUGH", "WIDE", "cost", "trust"]
