"""What could not be made safe: findings about the normal form (dltsym design note, section 4.9)."""

from __future__ import annotations

from collections.abc import Callable

from dltsym.lower.algebra.constructors import Algebra
from dltsym.lower.algebra.forms import addends, coefficient, factors, is_cut, is_zero, split_exp
from dltsym.lower.algebra.normalised import normalised
from dltsym.lower.nodes import Node, bound_axes

Warn = Callable[[str, Node], None]


def watch(alg: Algebra, node: Node, warn: Warn, stable: Callable[[Node], bool]) -> None:
    """Report every form under a node that may lose accuracy.

    Parameters
    ----------
    alg : Algebra
        What is known of the inputs.
    node : Node
        Output of a program.
    warn : callable
        Takes the code of a finding and the node it is about.
    stable : callable
        Tells which differences are meant.
    """
    seen: set[int] = set()
    todo = [node]
    while todo:
        n = todo.pop()
        if id(n) not in seen:
            seen.add(id(n))
            if n.op != "add" or not stable(n):
                _look(alg, n, warn)
            todo.extend(reversed(n.args))


def _look(alg: Algebra, n: Node, warn: Warn) -> None:
    match n.op:
        case "add":
            _sum(alg, n, warn)
        case "log":
            if n.args[0].op == "contract" and any(_normal(alg, a) for a in n.args[0].args):
                warn("W01", n)
            elif not alg.facts(n.args[0]).positive and n.args[0].op == "ref":
                warn("W10", n)
        case "pow" if n.data[0] < 0 and n.args[0].op == "contract" and _shifted(alg, n.args[0]):
            warn("W01", n)
        case "pow" if n.data[0].denominator == 2 and 0 < n.data[0] < 1 and not alg.facts(n.args[0]).positive:
            warn("W10", n)
        case "phi1":
            warn("W10", n)
        case "sin" | "cos" if _counts(n.args[0]):
            warn("W08", n)
        case "order":
            warn("W13", n)
        case "reduce" if n.data[0] in ("argmax", "argmin"):
            warn("W13", n)
        case "where":
            if is_zero(n.args[2]) and not alg.facts(n.args[1]).finite and n.args[1].op != "log1pmx":
                warn("W12", n)
        case "iterate" if len(n.data) > 2:
            warn("W16", n)
    if n.op in ("contract", "reduce") and _outer(n):
        warn("W05", n)


def _normal(alg: Algebra, factor: Node) -> bool:
    return factor.op == "exp" and normalised(alg.table, factor.args[0]) is not None


def _shifted(alg: Algebra, total: Node) -> bool:
    # Where the largest of the exponentials has the weight 0, the others may be lost.
    rest = [a for a in total.args if not _normal(alg, a)]
    return len(rest) < len(total.args) and not all(alg.facts(a).positive for a in rest)


def _counts(angle: Node) -> bool:
    return angle.op == "iota" or any(_counts(a) for a in factors(angle)[:8] if a is not angle or a.op == "iota")


def _sum(alg: Algebra, n: Node, warn: Warn) -> None:
    if normalised(alg.table, n) is not None:
        return
    kinds: dict[tuple[str, str], set[bool]] = {}
    for t in n.args:
        k, f = coefficient(alg.table, t)
        inside, _ = split_exp(f)
        if inside is not None:
            kinds.setdefault(("W04" if _is_lse(inside) else "W02", "exp"), set()).add(k > 0)
        for g in factors(f):
            if g.op in ("contract", "lgamma") or _is_lse(g):
                kinds.setdefault(("W09" if g.op == "lgamma" else "W04", g.op), set()).add(k > 0)
    for code in sorted({code for (code, _), signs in kinds.items() if len(signs) == 2}):
        warn(code, n)


def _is_lse(node: Node) -> bool:
    return node.op == "reduce" and node.data[0] == "lse"


def _outer(n: Node) -> bool:
    # An exponent that adds a_ij and b_jk over the bound j holds every triple.
    if n.op == "reduce" and n.data[0] != "lse":
        return False
    inside = n.args[0] if n.op == "reduce" else next((a.args[0] for a in n.args if a.op == "exp"), None)
    if inside is None:
        return False
    inside = inside.args[1] if is_cut(inside) else inside
    bound = set(bound_axes(n))
    shapes = [t.axes for t in addends(inside) if t.axes & bound]
    return any(a & b & bound and a - b - bound and b - a - bound for a in shapes for b in shapes)
