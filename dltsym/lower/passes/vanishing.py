"""Nothing times the logarithm of nothing is nothing: factors that may be 0 beside factors that may be infinite.

``z log z`` is 0 at ``z = 0``, and so is what a mask leaves out, whatever stands beside it (dltsym design note, tables
3.5 and 3.6). The infinite factor is replaced by 0 where its weight is 0, which serves the gradient too: the value does
not move there but in the weight itself. An exponential that may overflow is 1 where an odd function beside it is 0, as
the sine of the angle between a token and itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dltsym.lower.algebra.constructors import Algebra
from dltsym.lower.algebra.forms import addends, base, coefficient, factors, is_cut, is_mask, is_minus_inf
from dltsym.lower.algebra.sums import may_be_dead
from dltsym.lower.axes import Axis
from dltsym.lower.nodes import Node
from dltsym.lower.ops import OPS
from dltsym.lower.passes.overflow import exceeds
from dltsym.lower.passes.rebuild import rewrite
from dltsym.lower.program import Program
from dltsym.lower.report import Finding
from dltsym.lower.show import show

_LOGARITHMS = frozenset({"log", "log1p", "log1mexp", "log_softmax"})
_ODD = frozenset(op.name for op in OPS.values() if op.sign == "odd") | {"sin", "tan", "sinh"}
_DEAD = frozenset({"reduce", "where"})
_THROUGH = frozenset({"add", "mul", "contract", "where", "take", "logaddexp"})


def vanishing(program: Program) -> Program:
    """Let factors that are 0 hide logarithms that are infinite.

    Parameters
    ----------
    program : Program
        Program after the cells.

    Returns
    -------
    Program
    """
    alg = Algebra(program.table, program.inputs, floors=dict(program.floors))
    memo: dict[Node, Node] = {}
    found: dict[Finding, None] = {}

    def rule(node: Node) -> Node:
        if node.op == "mul":
            return program.table.make("mul", _hidden(alg, node.args, None, found))
        if node.op == "contract":
            args, bound = program.table.view(node)
            apart = _apart(alg, list(args), bound) or _apart(alg, list(args[::-1]), bound)
            if apart is not None:
                return apart
            new = _hidden(alg, args, bound, found)
            return node if new is args else program.table.bind("contract", new, bound)
        if node.op == "exp" or (node.op == "reduce" and node.data[0] == "lse"):
            return program.table.make(node.op, [_nothing(alg, x) for x in node.args], node.data)
        if node.op == "pow" and node.data[0] < 0:
            return program.table.make("pow", [_living(alg, x) for x in node.args], node.data)
        return node

    outputs = tuple(replace(o, node=rewrite(program.table, o.node, rule, memo)) for o in program.outputs)
    return replace(program, outputs=outputs, findings=tuple(dict.fromkeys((*program.findings, *found))))


def _hidden(
    alg: Algebra, parts: Sequence[Node], bound: Sequence[Axis] | None, found: dict[Finding, None]
) -> Sequence[Node]:
    out = list(parts)
    for k, f in enumerate(parts):
        if f.op == "exp" and ((below := _over_nothing(alg, f.args[0])) or exceeds(alg, f.args[0])):
            small = [w for w in parts if (w.op in _ODD or (below and w.op == "contract")) and w.axes <= f.axes]
            zeros = [alg.cmp("!=", w, alg.zero) for w in small]
            if zeros:
                out[k] = alg.table.make("exp", (alg.table.make("where", (alg.both(*zeros), f.args[0], alg.zero)),))
        if alg.facts(f).finite or is_mask(f):
            continue
        sinks = _sinks(alg, f)
        weights = [w for w in parts if w is not f and (is_mask(w) or (sinks and _vanishes(alg, w, f)))]
        if bound is not None:  # a product of matrices stays one
            wide = [w for w in weights if not (w.axes <= f.axes or f.axes <= w.axes)]
            weights = [w for w in weights if w not in wide]
            for w in wide:
                found[Finding("W12", f"{show(w)} * {show(f)}")] = None
        if weights:
            held = [w.args[0] if is_mask(w) else alg.cmp("!=", w, alg.zero) for w in weights]
            out[k] = alg.table.make("where", (alg.both(*held), f, alg.zero))
    return parts if all(a is b for a, b in zip(out, parts, strict=True)) else out


def _apart(alg: Algebra, args: Sequence[Node], bound: Sequence[Axis]) -> Node | None:
    # A product of matrices: the finite entries in one product, and in another whether a weight meets an infinite one.
    if len(args) != 2:
        return None
    w, f = args
    k, log = coefficient(alg.table, f)
    if w.axes <= f.axes or f.axes <= w.axes or alg.facts(f).finite or log.op != "log" or is_mask(w):
        return None
    if not (alg.facts(w).nonneg and _vanishes(alg, w, f) and alg.facts(log.args[0]).nonneg):
        return None
    table, alive = alg.table, alg.cmp("!=", log.args[0], alg.zero)
    finite = table.bind("contract", (w, table.make("where", (alive, f, alg.zero))), bound)
    met = table.bind("contract", (alg.mask(alg.cmp("!=", w, alg.zero)), alg.mask(alg.negate(alive))), bound)
    return table.make("where", (alg.cmp("<", alg.zero, met), alg.mul(alg.num(k), alg.minus_inf), finite))


def _over_nothing(alg: Algebra, x: Node) -> bool:
    # The exponent of a quotient by a masked sum, which is infinite where all is masked: nothing over nothing is 0.
    inside = x.args[1] if is_cut(x) else x
    terms = (coefficient(alg.table, t) for t in addends(inside))
    return any(k < 0 and f.op in _DEAD and may_be_dead(alg, f) for k, f in terms)


def _nothing(alg: Algebra, node: Node) -> Node:
    # The logarithm of nothing over nothing, as a quotient of two masked sums leaves it, is minus infinity and not nan.
    # Only inside an exponential: by itself the difference of two such logarithms has no value, and nan says so.
    terms = [coefficient(alg.table, t) for t in addends(node) if not alg.facts(t).finite]
    if all(k > 0 for k, _ in terms):
        return node
    alive = [alg.cmp("<", alg.minus_inf, f) for k, f in terms if k > 0 and f.op in _DEAD and may_be_dead(alg, f)]
    return alg.table.make("where", (alg.both(*alive), node, alg.minus_inf)) if alive else node


def _living(alg: Algebra, node: Node) -> Node:
    # The sum of the weights of a softmax over nothing: nothing over nothing is nothing.
    table = alg.table
    if node.op != "contract":
        return node
    args, bound = table.view(node)
    for p in args:
        if p.op == "softmax" and set(p.data[0]) <= set(bound) and not alg.facts(p.args[0]).finite:
            most = table.bind("reduce", (p,), p.data[0], ("max",))
            return table.make("where", (alg.cmp("<", alg.zero, most), node, alg.one))
    return node


def _sinks(alg: Algebra, f: Node) -> bool:
    """Tell whether a factor may be infinite because of a logarithm."""
    if alg.facts(f).finite:
        return False
    if f.op in _LOGARITHMS or is_minus_inf(f):
        return True
    if f.op in ("reduce", "scan"):
        return f.data[0] in ("lse", "log-affine") or (f.data[0] == "sum" and _sinks(alg, f.args[0]))
    if f.op == "pow":
        return f.data[0] > 0 and _sinks(alg, f.args[0])
    return f.op in _THROUGH and any(_sinks(alg, a) for a in f.args)


def _vanishes(alg: Algebra, w: Node, f: Node) -> bool:
    known = alg.facts(w)
    if known.positive and (w.op != "exp" or alg.facts(w.args[0]).finite):
        return False
    return known.nonneg or any(base(p)[0] is b for b in _under_logs(f) for p in factors(w))


def _under_logs(f: Node) -> list[Node]:
    if f.op == "log":
        parts = [base(p)[0] for p in factors(f.args[0])]
        return [*parts, *(p.args[0] for p in parts if p.op == "abs")]
    return [b for a in f.args for b in _under_logs(a)] if f.op in ("add", "mul", "pow") else []
