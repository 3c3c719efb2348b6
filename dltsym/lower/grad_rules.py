"""The rule of each operation: what cotangent its arguments get from the cotangent of the node.

Every rule gets the node and its cotangent ``g`` and calls `Reverse.push` for each argument.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

from dltsym.errors import UnsupportedError
from dltsym.lower.axes import Axis
from dltsym.lower.nodes import Node
from dltsym.lower.ops import OPS

if TYPE_CHECKING:
    from dltsym.lower.algebra.constructors import Algebra
    from dltsym.lower.grad import Reverse

HALF = Fraction(1, 2)


def apply_rule(rev: Reverse, node: Node, g: Node) -> None:
    """Hand the cotangent of a node on to its arguments.

    Parameters
    ----------
    rev : Reverse
        Differentiation under way.
    node : Node
        Node that moves.
    g : Node
        Its cotangent.

    Raises
    ------
    UnsupportedError
        When the operation has no derivative here.
    """
    rule = _RULES.get(node.op)
    if rule is not None:
        rule(rev, node, g)
    elif node.op in OPS:
        _pointwise(rev, node, g)
    else:
        raise UnsupportedError(f"no derivative of {node.op} in {node!r}")


# Pointwise operations


def _add(rev: Reverse, node: Node, g: Node) -> None:
    for a in node.args:
        rev.push(a, (g,), node.axes)


def _mul(rev: Reverse, node: Node, g: Node) -> None:
    for k, a in enumerate(node.args):
        if rev.moves(a):
            others = node.args[:k] + node.args[k + 1 :]
            rev.push(a, (rev.times(g, rev.algebra.mul(*others)),), node.axes)


def _pow(rev: Reverse, node: Node, g: Node) -> None:
    (u,), (p,) = node.args, node.data
    if p < 1 and p.denominator != 1 and not rev.algebra.facts(u).nonzero:
        rev.report("W10", node)
    slope = rev.algebra.mul(rev.algebra.num(p), rev.algebra.power(u, p - 1))
    rev.push(u, (rev.times(g, slope),), node.axes)


def _log(rev: Reverse, node: Node, g: Node) -> None:
    """Divide by the operand, where possible in the exponent: the slope at a weight 0 is then no 0/0."""
    (u,) = node.args
    slope = _stripped(rev, g, node)
    if slope is None:
        if not rev.algebra.facts(u).nonzero:
            rev.report("W10", node)
        slope = rev.times(g, rev.algebra.power(u, -1))
    rev.push(u, (slope,), node.axes)


def _stripped(rev: Reverse, g: Node, node: Node) -> Node | None:
    """Divide `g` by u = exp(node), if every term has a factor u or an exponential with `node` in its exponent."""
    if g is node.args[0]:
        return rev.one
    match g.op:
        case "exp":
            exponent = _without(rev, g.args[0], node)
            return None if exponent is None else rev.algebra.exp(exponent)
        case "where" if g.args[2] is rev.zero:
            inside = _stripped(rev, g.args[1], node)
            return None if inside is None else rev.algebra.where(g.args[0], inside, rev.zero)
        case "add":
            parts = [_stripped(rev, a, node) for a in g.args]
            return None if None in parts else rev.algebra.add(*(p for p in parts if p is not None))
        case "mul" | "contract":
            args, bound = rev.table.open(g) if g.op == "contract" else (g.args, ())
            for k, a in enumerate(args):
                part = _stripped(rev, a, node)
                if part is not None:
                    rest = [*args[:k], part, *args[k + 1 :]]
                    return rev.algebra.contract(rest, bound) if bound else rev.algebra.mul(*rest)
    return None


def _without(rev: Reverse, exponent: Node, node: Node) -> Node | None:
    """Take `node` out of a sum."""
    if exponent is node:
        return rev.zero
    if exponent.op == "add" and any(a is node for a in exponent.args):
        return rev.algebra.add(*(a for a in exponent.args if a is not node))
    if exponent.op == "where" and _is_minus_inf(rev, exponent.args[2]):
        inside = _without(rev, exponent.args[1], node)
        return None if inside is None else rev.algebra.where(exponent.args[0], inside, exponent.args[2])
    return None


def _where(rev: Reverse, node: Node, g: Node) -> None:
    c, a, b = node.args
    masked = _is_minus_inf(rev, b) and _vanishes(g, node)  # a masked score: its softmax is 0 there already
    rev.push(a, (g if masked else rev.algebra.where(c, g, rev.zero),), node.axes)
    if rev.moves(b):
        rev.push(b, (rev.algebra.where(c, rev.zero, g),), node.axes)


def _is_minus_inf(rev: Reverse, b: Node) -> bool:
    return b is rev.algebra.neg(rev.table.make("const", (), ("inf",)))


def _vanishes(g: Node, node: Node) -> bool:
    """Whether `g` has a factor exp(node + ...) in each of its terms, so that it is 0 where `node` is -inf."""
    if g.op == "add":
        return all(_vanishes(a, node) for a in g.args)
    if g.op == "mul":
        return any(_vanishes(a, node) for a in g.args)
    if g.op != "exp":
        return False
    (x,) = g.args
    return x is node or (x.op == "add" and any(a is node for a in x.args))


def _choice(greater: bool) -> Callable[[Reverse, Node, Node], None]:
    def rule(rev: Reverse, node: Node, g: Node) -> None:
        # sorted arguments put a number first: at a tie with it the slope is 0, as for relu
        a, b = node.args
        first = rev.algebra.cmp("<=", b, a) if greater else rev.algebra.cmp("<=", a, b)
        rev.push(a, (rev.algebra.where(first, g, rev.zero),), node.axes)
        rev.push(b, (rev.algebra.where(first, rev.zero, g),), node.axes)

    return rule


def _abs(rev: Reverse, node: Node, g: Node) -> None:
    (u,) = node.args
    rev.push(u, (rev.times(g, rev.algebra.call("sign", u)),), node.axes)


def _pointwise(rev: Reverse, node: Node, g: Node) -> None:
    slopes = OPS[node.op].derivative or _MORE.get(node.op, ())
    if not slopes:
        raise UnsupportedError(f"{node.op} has no derivative in the table of operations: {node!r}")
    if node.op == "sqrt" and not rev.algebra.facts(node.args[0]).nonzero:
        rev.report("W10", node)
    names = dict(zip("uw", node.args, strict=False))
    for a, text in zip(node.args, slopes, strict=True):
        if rev.moves(a):
            rev.push(a, (rev.times(g, _build(rev.algebra, _parsed(text), names)),), node.axes)


_MORE = {"log_ndtr": ("exp(-u**2/2 - log_ndtr(u))/sqrt(2*pi)",)}


@lru_cache(maxsize=256)
def _parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _build(algebra: Algebra, tree: ast.expr, names: Mapping[str, Node]) -> Node:
    """Turn the text of a derivative in the op table into a node."""
    match tree:
        case ast.Constant(value=int(n)):
            return algebra.num(n)
        case ast.Name(id="pi"):
            return algebra.table.make("const", (), ("pi",))
        case ast.Name(id=name):
            return names[name]
        case ast.UnaryOp(op=ast.USub(), operand=a):
            return algebra.neg(_build(algebra, a, names))
        case ast.BinOp(left=a, op=ast.Pow(), right=ast.Constant(value=int(n))):
            return algebra.power(_build(algebra, a, names), Fraction(n))
        case ast.BinOp(left=a, op=op, right=b):
            x, y = _build(algebra, a, names), _build(algebra, b, names)
            match op:
                case ast.Add():
                    return algebra.add(x, y)
                case ast.Sub():
                    return algebra.sub(x, y)
                case ast.Mult():
                    return algebra.mul(x, y)
                case ast.Div():
                    return algebra.div(x, y)
        case ast.Call(func=ast.Name(id="sqrt"), args=[a]):
            return algebra.power(_build(algebra, a, names), HALF)
        case ast.Call(func=ast.Name(id=name), args=args):
            return algebra.call(name, *(_build(algebra, a, names) for a in args))
    raise UnsupportedError(f"cannot read the derivative {ast.unparse(tree)}")


# Sums and other folds


def _contract(rev: Reverse, node: Node, g: Node) -> None:
    args, bound = rev.open(node, g)
    axes = node.axes | set(bound)
    for k, a in enumerate(args):
        rev.push(a, (g, *args[:k], *args[k + 1 :]), axes)


def _reduce(rev: Reverse, node: Node, g: Node) -> None:
    monoid = node.data[0]
    args, bound = rev.open(node, g)
    axes = node.axes | set(bound)
    if len(args) != 1 or monoid not in ("sum", "prod", "max", "min", "lse"):
        raise UnsupportedError(f"no derivative of the reduction {monoid}: {node!r}")
    (x,) = args
    match monoid:
        case "sum":
            slope = g
        case "lse":
            slope = rev.times(g, rev.algebra.call("exp", rev.algebra.sub(x, node)))
        case "prod":
            slope = rev.algebra.mul(g, _others(rev, x, bound))
        case _:
            slope = rev.algebra.mul(g, _one_hot(rev, monoid, x, bound))
    rev.push(x, (slope,), axes)


def _others(rev: Reverse, x: Node, bound: tuple[Axis, ...]) -> Node:
    """Product of all other entries: prefix times suffix, because dividing by an entry fails at 0."""
    b, *rest = bound
    inner = rev.algebra.reduce("prod", x, tuple(rest)) if rest else x
    before, after = (rev.algebra.scan("prod", b, way, False, inner) for way in (1, -1))
    out = rev.algebra.mul(before, after)
    return rev.algebra.mul(out, _others(rev, x, tuple(rest))) if rest else out


def _one_hot(rev: Reverse, monoid: str, x: Node, bound: tuple[Axis, ...]) -> Node:
    """1 at the extreme entry, the one of smallest index, else 0."""
    b, *rest = bound
    inner = rev.algebra.reduce(monoid, x, tuple(rest)) if rest else x
    best = rev.algebra.reduce(f"arg{monoid}", inner, (b,))
    hot = rev.delta(rev.algebra.iota(b), best)
    return rev.algebra.mul(hot, _one_hot(rev, monoid, x, tuple(rest))) if rest else hot


def _take(rev: Reverse, node: Node, g: Node) -> None:
    args, (axis,) = rev.open(node, g)
    spot = node.args[1] if len(node.args) > 1 else rev.algebra.num(node.data[1])
    here = rev.delta(rev.algebra.iota(axis), spot)
    rev.push(args[0], (g, here), node.axes | {axis})


def _softmax(rev: Reverse, node: Node, g: Node) -> None:
    node, g = rev.apart(node, g, node.data[0])
    (x,), axes = node.args, node.data[0]
    p = node if node.op == "softmax" else rev.table.make("softmax", (x,), node.data)
    if node.op == "softmax":
        moved = rev.algebra.mul(p, rev.algebra.sub(g, rev.sum((p, g), axes)))
    else:
        moved = rev.algebra.sub(g, rev.algebra.mul(p, rev.sum((g,), axes)))
    rev.push(x, (moved,), node.axes)


# Scans: the adjoint of a scan is a scan the other way


def _scan(rev: Reverse, node: Node, g: Node) -> None:
    node, g = rev.apart(node, g, (node.data[1],))
    rule = _SCANS.get(node.data[0])
    if rule is None:
        raise UnsupportedError(f"no derivative of the scan {node.data[0]}: {node!r}")
    rule(rev, node, g)


def _again(rev: Reverse, node: Node, included: bool) -> Node:
    """Build the same scan, with or without the own entry."""
    monoid, axis, way, _ = node.data
    return rev.algebra.scan(monoid, axis, way, included, *node.args)


def _back(rev: Reverse, node: Node, g: Node, keep: Node) -> Node:
    """Sum over all later values t of ``g_t`` times the product of `keep` over what lies strictly between."""
    # With F_s = keep_s F_{s+1} + e_s, the next F is Sum_{t>s} e_t prod_{s<r<t} keep_r. An inclusive scan has the own
    # cotangent too, and there the cotangent at t has passed keep_t.
    _, axis, way, included = node.data
    entry = rev.algebra.mul(keep, g) if included else g
    later = rev.algebra.scan("affine", axis, -way, False, keep, entry, rev.zero)
    return rev.algebra.add(g, later) if included else later


def _scan_sum(rev: Reverse, node: Node, g: Node) -> None:
    _, axis, way, included = node.data
    rev.push(node.args[0], (rev.algebra.scan("sum", axis, -way, included, g),), node.axes)


def _scan_prod(rev: Reverse, node: Node, g: Node) -> None:
    (x,) = node.args
    moved = rev.algebra.mul(_back(rev, node, g, x), _again(rev, node, False))
    rev.push(x, (moved,), node.axes)


def _scan_extreme(rev: Reverse, node: Node, g: Node) -> None:
    (x,) = node.args
    before = _again(rev, node, False)
    record = rev.algebra.cmp("<", *((before, x) if node.data[0] == "max" else (x, before)))
    kept = rev.algebra.where(record, rev.zero, rev.one)
    rev.push(x, (rev.algebra.where(record, _back(rev, node, g, kept), rev.zero),), node.axes)


def _scan_lse(rev: Reverse, node: Node, g: Node) -> None:
    (x,) = node.args
    share, kept = _shares(rev, x, _again(rev, node, False))
    rev.push(x, (rev.algebra.mul(share, _back(rev, node, g, kept)),), node.axes)


def _shares(rev: Reverse, x: Node, y: Node) -> tuple[Node, Node]:
    """Shares of exp(x) and exp(y) in their sum; 0 and 1 where x is -inf, whatever y is."""
    if rev.algebra.facts(x).finite:
        gap = rev.algebra.sub(x, y)
        return rev.algebra.call("sigmoid", gap), rev.algebra.call("sigmoid", rev.algebra.neg(gap))
    empty = rev.algebra.cmp("=", x, rev.algebra.neg(rev.table.make("const", (), ("inf",))))
    gap = rev.algebra.sub(rev.algebra.where(empty, rev.zero, x), y)
    share = rev.algebra.where(empty, rev.zero, rev.algebra.call("sigmoid", gap))
    rest = rev.algebra.where(empty, rev.one, rev.algebra.call("sigmoid", rev.algebra.neg(gap)))
    return share, rest


def _scan_affine(rev: Reverse, node: Node, g: Node) -> None:
    a, b, start = node.args
    moved = _back(rev, node, g, a)
    rev.push(b, (moved,), node.axes)
    rev.push(a, (rev.algebra.mul(moved, _again(rev, node, False)),), node.axes)
    _, axis, way, included = node.data
    if rev.moves(start):
        rev.push(start, (g, rev.algebra.scan("prod", axis, way, included, a)), node.axes)


def _scan_log_affine(rev: Reverse, node: Node, g: Node) -> None:
    al, be, start = node.args
    _, axis, way, included = node.data
    own, kept = _shares(rev, be, rev.algebra.add(_again(rev, node, False), al))
    moved = _back(rev, node, g, kept)
    rev.push(be, (rev.algebra.mul(moved, own),), node.axes)
    rev.push(al, (rev.algebra.mul(moved, kept),), node.axes)
    if rev.moves(start):
        rev.push(start, (g, rev.algebra.scan("prod", axis, way, included, kept)), node.axes)


def _iterate(rev: Reverse, node: Node, g: Node) -> None:
    raise UnsupportedError(
        f"the symbolic derivative of an iteration with respect to {rev.wrt} is not built: it would have to keep the "
        "states of every round; autograd through the torch kernel does that"
    )


_SCANS: dict[str, Callable[[Reverse, Node, Node], None]] = {
    "sum": _scan_sum,
    "prod": _scan_prod,
    "max": _scan_extreme,
    "min": _scan_extreme,
    "lse": _scan_lse,
    "affine": _scan_affine,
    "log-affine": _scan_log_affine,
}
_RULES: dict[str, Callable[[Reverse, Node, Node], None]] = {
    "add": _add,
    "mul": _mul,
    "pow": _pow,
    "log": _log,
    "where": _where,
    "maximum": _choice(True),
    "minimum": _choice(False),
    "abs": _abs,
    "contract": _contract,
    "reduce": _reduce,
    "take": _take,
    "softmax": _softmax,
    "log_softmax": _softmax,
    "scan": _scan,
    "iterate": _iterate,
}
