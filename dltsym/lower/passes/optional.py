"""Cells that change rounding or memory behaviour and are therefore opt-in: sdpa, logmm, sqdist_gemm.

Source: dltsym design note, sections 4.2, 4.3 (H9) and 4.6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from dltsym.errors import UnsupportedError
from dltsym.lower.axes import Axis
from dltsym.lower.ir import Table
from dltsym.lower.nodes import Node
from dltsym.lower.passes.rebuild import terms, total
from dltsym.lower.program import Input

NAMES = ("sdpa", "logmm", "sqdist_gemm")


def optional_cells(table: Table, inputs: Mapping[str, Input], names: tuple[str, ...]) -> Callable[[Node], Node]:
    """Return the rule that applies the chosen cells, in the order of `NAMES`.

    Parameters
    ----------
    table : Table
        Owner of the nodes.
    inputs : mapping of str to Input
        Arguments of the kernel.
    names : tuple of str
        Chosen cells.

    Returns
    -------
    callable

    Raises
    ------
    UnsupportedError
        For an unknown name.
    """
    unknown = [n for n in names if n not in NAMES]
    if unknown:
        raise UnsupportedError(f"no cell is called {', '.join(unknown)}; the opt-in cells are {', '.join(NAMES)}")
    rules = {"sdpa": _sdpa, "logmm": _logmm, "sqdist_gemm": _sqdist}
    chosen = [rules[n] for n in NAMES if n in names]

    def rule(node: Node) -> Node:
        for one in chosen:
            found = one(table, inputs, node)
            if found is not node:
                return found
        return node

    return rule


def _sdpa(table: Table, inputs: Mapping[str, Input], node: Node) -> Node:
    """Find ``Sum_j softmax_j(s Sum_k Q_ik K_jk) V_jc``."""
    # Side conditions: plain refs over (i, k), (j, k), (j, c), three different axes, s a scalar, and a mask over (i, j).
    if node.op != "contract" or len(node.args) != 2 or len(node.data[0]) != 1:
        return node
    factors, (j,) = table.open(node)
    for p, v in (factors, factors[::-1]):
        if p.op != "softmax" or p.data[0] != (j,) or not _plain(v, j):
            continue
        (i,), (c,) = p.axes - {j} or (None,), v.axes - {j} or (None,)
        score, mask = _unmask(p.args[0])
        scale, product = _scaled(table, score)
        if None in (i, c) or i == c or product.op != "contract" or scale.axes or len(product.args) != 2:
            continue
        (a, b), (k, *more) = table.open(product)
        q, key = (a, b) if i in a.axes else (b, a)
        if not more and q.axes == {i, k} and key.axes == {j, k} and _plain(q, k) and _plain(key, k):
            extra = () if mask is None else (mask,)
            return table.bind("sdpa", (q, key, v, scale, *extra), (j, k))
    return node


def _plain(node: Node, axis: Axis) -> bool:
    # A two-dimensional array, read as it is.
    places = node.data[1] if node.op == "ref" else ()
    return len(places) == 2 and all(isinstance(p, Axis) for p in places) and len(set(places)) == 2 and axis in places


def _unmask(score: Node) -> tuple[Node, Node | None]:
    if score.op == "where" and _is_minus_infinity(score.args[2]):
        return score.args[1], score.args[0]
    return score, None


def _is_minus_infinity(node: Node) -> bool:
    return node.op == "mul" and [a.data[0] for a in node.args if a.op in ("num", "const")] == [Fraction(-1), "inf"]


def _scaled(table: Table, score: Node) -> tuple[Node, Node]:
    factors = score.args if score.op == "mul" else (score,)
    scalars = [f for f in factors if not f.axes]
    rest = [f for f in factors if f.axes]
    scale = table.num(1) if not scalars else scalars[0] if len(scalars) == 1 else table.make("mul", scalars)
    return scale, rest[0] if len(rest) == 1 else score


def _logmm(table: Table, inputs: Mapping[str, Input], node: Node) -> Node:
    """Find ``lse_j (a_ij + b_jk)`` whose summands each miss one axis of the other."""
    # Not a question of truth but of accuracy: the scaled product loses terms that lie more than about 87 (float32)
    # below the two maxima. That is why the cell is opt-in and W05 stays.
    if node.op != "reduce" or node.data[0] != "lse" or len(node.data[1]) != 1:
        return node
    (x,), (j,) = table.open(node)
    parts = terms(table, x)
    over = [n for n in parts if j in n.axes]
    sides = sorted({n.axes for n in over}, key=sorted)
    wide = [s for s in sides if not any(s < t for t in sides)]
    if len(wide) != 2 or wide[0] <= wide[1] or len(over) != len(parts):
        return node
    left = {n: parts[n] for n in over if n.axes <= wide[0]}
    right = {n: parts[n] for n in over if n not in left}
    return table.bind("logmm", (total(table, left), total(table, right)), (j,))


def _sqdist(table: Table, inputs: Mapping[str, Input], node: Node) -> Node:
    """Find ``Sum_k (x_ik - y_jk)^2``: the difference of two values that each miss an axis of the other."""
    if node.op != "contract" or len(node.args) != 1 or len(node.data[0]) != 1:
        return node
    (square,), (k,) = table.open(node)
    if square.op != "pow" or square.data != (Fraction(2),):
        return node
    parts = terms(table, square.args[0])
    if len(parts) != 2 or sorted(parts.values()) != [-1, 1]:
        return node
    (x, y) = parts
    if k not in x.axes or k not in y.axes or x.axes <= y.axes or y.axes <= x.axes:
        return node
    return table.bind("sqdist", (x, y), (k,))
