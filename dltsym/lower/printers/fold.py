"""Positive vectors in front of the exponential of a larger array go into its exponent, which saves a pass over it.

``w_i exp((f_i + y_ij) / s)`` is ``exp((f_i + s log w_i + y_ij) / s)``: one logarithm per entry of a vector instead of
one product per entry of the array. The scale is not distributed, so nothing overflows that did not before, and the new
rounding error is that of reading f. Only arguments are folded: a computed weight may have underflowed.
"""

from __future__ import annotations

from collections import Counter

from dltsym.lower.algebra.constructors import Algebra
from dltsym.lower.nodes import Node
from dltsym.lower.passes.rebuild import rewrite, subnodes
from dltsym.lower.printers.share import Templates


def folded(alg: Algebra, roots: list[Node]) -> list[Node]:
    """Fold positive arguments into exponents that have a term with the same axes and that nothing else reads.

    Parameters
    ----------
    alg : Algebra
        Constructors.
    roots : list of Node
        Outputs.

    Returns
    -------
    list of Node
    """
    if not any(n.op == "mul" and any(a.op == "exp" for a in n.args) for n in subnodes(*roots)):
        return roots
    templates = Templates(alg.table)
    uses = templates.uses(roots)
    memo: dict[Node, Node] = {}

    def rule(node: Node) -> Node:
        return _folded(alg, node, templates, uses) if node.op == "mul" else node

    return [rewrite(alg.table, r, rule, memo) for r in roots]


def _folded(alg: Algebra, node: Node, templates: Templates, uses: Counter[int]) -> Node:
    table = alg.table
    for e in node.args:
        if e.op != "exp" or uses[id(templates.of(e)[0])] > 1 or uses[id(templates.of(e.args[0])[0])] > 1:
            continue
        terms, scales = _scaled(e.args[0])
        free = list(terms)
        gone = []
        for w in node.args:
            place = next((k for k, t in enumerate(terms) if t.axes == w.axes), None)
            if place is None or not w.axes < e.axes or not _weight(alg, w):
                continue
            log = table.make("log", (w,))
            back = [alg.power(s, -1) for s in scales]
            free[place] = table.make("add", (free[place], table.make("mul", (*back, log)) if back else log))
            gone.append(w)
        if gone:
            inside = table.make("add", free)
            exponent = table.make("exp", (table.make("mul", (inside, *scales)) if scales else inside,))
            rest = [exponent if a is e else a for a in node.args if a not in gone]
            return rest[0] if len(rest) == 1 else table.make("mul", rest)
    return node


def _scaled(x: Node) -> tuple[tuple[Node, ...], list[Node]]:
    """Return the terms of a sum and the scalars in front of it; no terms where that is not what it is."""
    if x.op == "add":
        return x.args, []
    sums = [a for a in x.args if a.op == "add"] if x.op == "mul" else []
    scales = [a for a in x.args if a.op != "add"]
    if len(sums) != 1 or any(s.axes or not _invertible(s) for s in scales):
        return (), []
    return sums[0].args, scales


def _invertible(scale: Node) -> bool:
    return (scale.op == "num" and scale.data[0] != 0) or (scale.op == "pow" and scale.data[0] < 0)


def _weight(alg: Algebra, node: Node) -> bool:
    known = alg.facts(node)
    above = known.lo is not None and (known.lo > 0 or (known.lo == 0 and known.lo_open))
    return node.op == "ref" and bool(node.axes) and above and known.finite
