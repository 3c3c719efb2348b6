"""Hazards H3, H6, H7 and H8 of the dltsym design note: differences of a few terms."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from dltsym.lower.algebra.forms import addends, base, coefficient, conjuncts, factors, is_cut, number
from dltsym.lower.nodes import Node

if TYPE_CHECKING:
    from dltsym.lower.algebra.constructors import Algebra
    from dltsym.lower.passes.hazards import Walk

_HALF = Fraction(1, 2)


def quotient(walk: Walk, node: Node) -> Node | None:
    """Replace ``(e^(D A) - 1)/A`` by ``D phi1(D A)``, ``phi1(z) = (e^z - 1)/z`` (H3).

    Parameters
    ----------
    walk : Walk
        The pass.
    node : Node
        Product.

    Returns
    -------
    Node or None
    """
    alg = walk.alg
    for f in node.args:
        if f.op != "expm1":
            continue
        z = f.args[0]
        for p in node.args:
            b, k = base(p)
            if k >= 0 or k.denominator != 1:
                continue
            size = alg.div(z, b)
            if b is not z and not any(g is b for g in factors(z)):
                continue
            rest = [g for g in node.args if g is not f and g is not p]
            phi = alg.table.make("phi1", (walk.visit(z),))
            walk.applied["H3"] = None
            new = alg.mul(*rest, size, alg.power(b, k + 1))
            parts = [g for g in factors(walk.visit(new)) if number(g) != 1]
            return alg.table.make("mul", (*parts, phi)) if parts else phi
    return None


def _joined(walk: Walk, node: Node, used: Sequence[Node], new: Node, rule: str) -> Node:
    walk.applied[rule] = None
    rest = [walk.visit(t) for t in node.args if not any(t is u for u in used)]
    return new if not rest else walk.alg.table.make("add", (*rest, new))


def complement(walk: Walk, node: Node) -> Node | None:
    """Replace one plus or minus a function that comes close to one (H6, H7).

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
    one = next((t for t in node.args if t.op == "num"), None)
    if one is None:
        return None
    k = one.data[0]
    for t in node.args:
        c, f = coefficient(alg.table, t)
        if abs(c) != abs(k) or t is one:
            continue
        new = _complement(walk, k, c == k, f)
        if new is not None:
            return _joined(walk, node, (one, t), new, "H7" if f.op in ("reduce", "scan") else "H6")
    return None


def _complement(walk: Walk, k: Fraction, same: bool, f: Node) -> Node | None:
    # k + k f where `same`, else k - k f
    alg = walk.alg
    x = f.args[0] if f.args else f
    side = walk.visit(x if not same else alg.neg(x))

    def made(scale: Fraction, op: str, *args: Node, power: int = 1) -> Node:
        node = alg.table.make(op, args)
        node = node if power == 1 else alg.table.make("pow", (node,), (Fraction(power),))
        return node if scale == 1 else alg.table.make("mul", (alg.num(scale), node))

    match f.op:
        case "erf":
            return made(k, "erfc", side)
        case "tanh":
            doubled = walk.visit(alg.mul(alg.num(2 if same else -2), x))
            return made(2 * k, "sigmoid", doubled)
        case "cos":
            half = walk.visit(alg.mul(alg.num(_HALF), x))
            return made(2 * k, "cos" if same else "sin", half, power=2)
        case "kl_upper" | "kl_lower" if not same:
            other = "kl_lower" if f.op == "kl_upper" else "kl_upper"
            return made(k, other, walk.visit(alg.sub(alg.one, x)), walk.visit(f.args[1]))
        case "cosh" if not same:
            return made(-2 * k, "sinh", walk.visit(alg.mul(alg.num(_HALF), x)), power=2)
        case "pow" if not same and f.data[0] == 2 and x.op == "tanh":
            return made(k, "sech2", walk.visit(x.args[0]))
        case "reduce" | "scan" if not same and f.data[0] == "prod" and alg.facts(x).nonneg:
            return made(-k, "expm1", walk.visit(_log_fold(alg, f)))
    return None


def _log_fold(alg: Algebra, f: Node) -> Node:
    if f.op == "scan":
        return alg.scan("sum", *f.data[1:], alg.log(f.args[0]))
    (body,), axes = alg.table.open(f)
    return alg.contract((alg.log(body),), axes)


def roots(walk: Walk, node: Node) -> Node | None:
    """Replace ``sqrt a - sqrt b`` by ``(a - b)/(sqrt a + sqrt b)`` where ``a - b`` is simpler (H6).

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
        if f.op != "pow" or f.data[0] != _HALF:
            continue
        a = f.args[0]
        for other in node.args:
            c, g = coefficient(alg.table, other)
            root = alg.mul(alg.num(-c / k), g)
            if other is t or c * k >= 0 or not alg.facts(root).nonneg:
                continue
            gap = alg.sub(a, alg.power(root, 2))
            whole = alg.add(f, root)
            if len(addends(gap)) < len(addends(a)) and _apart(alg, a, root):
                new = alg.mul(alg.num(k), gap, alg.power(whole, -1))
                return _joined(walk, node, (t, other), walk.visit(new), "H6")
    return None


def _apart(alg: Algebra, a: Node, root: Node) -> bool:
    return alg.facts(a).positive or alg.facts(root).positive


def log_ratio(walk: Walk, node: Node) -> Node | None:
    """Replace ``log a - log b`` by ``log1p((a - b)/b)``, or its mirror where ``a < b`` (H6).

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
    alg, table = walk.alg, walk.alg.table
    for t in node.args:
        k, f = coefficient(table, t)
        if k <= 0 or not _plain_log(alg, f):
            continue
        for other in node.args:
            c, g = coefficient(table, other)
            if c != -k or not _plain_log(alg, g) or f.axes != g.axes:
                continue
            a, b = walk.visit(f.args[0]), walk.visit(g.args[0])
            up = table.make("log1p", (alg.div(alg.sub(a, b), b),))
            down = table.make("mul", (alg.num(-1), table.make("log1p", (alg.div(alg.sub(b, a), a),))))
            new = table.make("where", (table.make("cmp", (b, a), ("<=",)), up, down))
            new = new if k == 1 else table.make("mul", (alg.num(k), new))
            return _joined(walk, node, (t, other), new, "H6")
    return None


def _plain_log(alg: Algebra, f: Node) -> bool:
    if f.op != "log" or f.height or not f.args[0].axes:
        return False
    known = alg.facts(f.args[0])
    return known.positive and known.finite


def prefix_difference(walk: Walk, node: Node) -> Node | None:
    """Replace a difference of running sums of the same terms by the sum between (H8).

    Parameters
    ----------
    walk : Walk
        The pass.
    node : Node
        Exponent, with or without a mask.

    Returns
    -------
    Node or None
    """
    alg = walk.alg
    cut = node if is_cut(node) else None
    if node.op != "add" and cut is None:
        return None
    inside = cut.args[1] if cut else node
    for t in addends(inside):
        k, c = coefficient(alg.table, t)
        if not _running(c):
            continue
        for other in addends(inside):
            m, d = coefficient(alg.table, other)
            if k <= 0 or m != -k or not _running(d) or c.data[2:] != d.data[2:] or c.data[1].size != d.data[1].size:
                continue
            here, there = c.data[1], d.data[1]
            if here == there or alg.table.rename(d.args[0], {there: here}) is not c.args[0]:
                continue
            between = _between(walk, c, d, cut)
            rest = [walk.visit(x) for x in addends(inside) if x is not t and x is not other]
            scaled = between if k == 1 else alg.table.make("mul", (alg.num(k), between))
            new = scaled if not rest else alg.table.make("add", (*rest, scaled))
            if cut:
                new = alg.table.make("where", (walk.visit(cut.args[0]), new, cut.args[2]))
            walk.applied["H8"] = None
            return new
    return None


def _running(node: Node) -> bool:
    return node.op == "scan" and node.data[0] == "sum"


def _between(walk: Walk, c: Node, d: Node, cut: Node | None) -> Node:
    # Sum over r of (s, t] where s < t, less the sum over (t, s] where t < s; a mask may rule one of them out.
    alg = walk.alg
    held = conjuncts(cut.args[0]) if cut else ()
    forward = c.data[2] == 1
    parts = []
    for sign, one, two in ((1, c, d), (-1, d, c)):
        t, s = alg.iota(one.data[1]), alg.iota(two.data[1])
        low, high = (s, t) if forward else (t, s)
        excluded = any(h.op == "cmp" and h.data[0] in ("<", "<=") and h.args == (high, low) for h in held)
        if excluded:
            continue
        op = "<" if c.data[3] else "<="
        body = alg.table.make("where", (alg.cmp(op, low, high), walk.visit(one.args[0]), alg.zero))
        piece = alg.table.make("scan", (body,), one.data)
        parts.append(piece if sign == 1 else alg.table.make("mul", (alg.num(-1), piece)))
    return parts[0] if len(parts) == 1 else alg.table.make("add", parts)
