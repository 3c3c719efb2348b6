"""Exponentials that no quotient cancelled go back to sums of exponentials (dltsym design note, section 4.4).

A sum of positive terms overflows only if its value does, so nothing is lost, and ``exp(x).sum()`` costs half of a
log-sum-exp. The exponent stays where something else uses it too, and where a weight that may be 0 stands beside an
exponential that may overflow.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, field, replace
from fractions import Fraction

from dltsym.lower.algebra.constructors import Algebra
from dltsym.lower.algebra.forms import addends, coefficient, factors, is_cut, number
from dltsym.lower.algebra.means import mean_of
from dltsym.lower.algebra.normalised import nonpos_exponent
from dltsym.lower.nodes import Node, anonymous
from dltsym.lower.passes.rebuild import below
from dltsym.lower.program import Program

_CARRIERS = frozenset({"reduce", "scan", "logaddexp", "softplus", "mul"})
_LINEAR = {"lse": "sum", "log-affine": "affine"}
Key = tuple[object, ...]


@dataclass
class _Walk:
    alg: Algebra
    users: dict[Key, set[Key]] = field(default_factory=dict)
    done: dict[int, Node] = field(default_factory=dict)


def residual(program: Program) -> Program:
    """Turn surviving exponentials of log-sum-exps back into sums.

    Parameters
    ----------
    program : Program
        Program in normal form.

    Returns
    -------
    Program
    """
    walk = _Walk(Algebra(program.table, program.inputs))
    seen: set[int] = set()
    for out in program.outputs:
        _count(walk, out.node, seen)
        walk.users.setdefault(_key(out.node), set()).add(("output", out.name))
    outputs = tuple(replace(o, node=_visit(walk, o.node)) for o in program.outputs)
    return replace(program, outputs=outputs)


def _key(node: Node) -> Key:
    return anonymous(node, node.axes)


def _count(walk: _Walk, node: Node, seen: set[int]) -> None:
    if id(node) in seen:
        return
    seen.add(id(node))
    for a in node.args:
        if a.op in _CARRIERS:
            walk.users.setdefault(_key(a), set()).add(_key(node))
        _count(walk, a, seen)


def _only(walk: _Walk, node: Node, *users: Node) -> bool:
    return walk.users.get(_key(node), set()) <= {_key(u) for u in users}


def _visit(walk: _Walk, node: Node) -> Node:
    done = walk.done.get(id(node))
    if done is None:
        done = walk.done[id(node)] = _rebuilt(walk, node)
    return done


def _rebuilt(walk: _Walk, node: Node) -> Node:
    table = walk.alg.table
    if not node.args:
        return node
    match node.op:
        case "exp":
            return _exponential(walk, node)
        case "mul":
            return _flat(walk, "mul", _unpaired(walk, node))
        case "add":
            return _flat(walk, "add", node.args)
        case "contract":
            args, axes = table.view(node)
            new = [_visit(walk, a) for a in args]
            if all(map(operator.is_, new, args)) and not any(a.op == "mul" for a in args):
                return node
            return table.bind("contract", [g for f in new for g in factors(f)], axes)
    return below(table, node, lambda n: _visit(walk, n))


def _flat(walk: _Walk, op: str, parts: tuple[Node, ...]) -> Node:
    # A sum inside a sum that was there before stays: it says in which order to add (hazard H2).
    join, split = (product, factors) if op == "mul" else (total, addends)
    new = [(f, _visit(walk, f)) for f in parts]
    flat = [g for f, n in new for g in (split(n) if f.op != op else (n,))]
    return join(walk.alg, flat)


def product(alg: Algebra, parts: list[Node]) -> Node:
    """Return a flat product as it is, its numbers merged.

    Parameters
    ----------
    alg : Algebra
        Constructors.
    parts : list of Node
        Factors.

    Returns
    -------
    Node
    """
    coef, rest = Fraction(1), []
    for f in parts:
        value = number(f)
        if value is None:
            rest.append(f)
        else:
            coef *= value
    if coef == 0:
        return alg.zero
    if coef != 1 or not rest:
        rest.append(alg.num(coef))
    return rest[0] if len(rest) == 1 else alg.table.make("mul", rest)


def total(alg: Algebra, parts: list[Node]) -> Node:
    """Return a flat sum as it is, its numbers merged.

    Parameters
    ----------
    alg : Algebra
        Constructors.
    parts : list of Node
        Terms.

    Returns
    -------
    Node
    """
    constant, rest = Fraction(0), []
    for t in parts:
        value = number(t)
        if value is None:
            rest.append(t)
        else:
            constant += value
    if constant or not rest:
        rest.append(alg.num(constant))
    return rest[0] if len(rest) == 1 else alg.table.make("add", rest)


def _exponential(walk: _Walk, node: Node) -> Node:
    inside = node.args[0]
    done = _expanded(walk, inside, node) or _sigmoids(walk, inside) or _averaged(walk, inside)
    return done or walk.alg.table.make("exp", (_visit(walk, inside),))


def _expanded(walk: _Walk, x: Node, user: Node) -> Node | None:
    # exp(lse a), exp(logaddexp(a, b)), exp(softplus a), where nothing else uses the logarithm.
    if x.op not in ("reduce", "scan", "logaddexp", "softplus") or not _only(walk, x, user):
        return None
    alg = walk.alg
    if x.op == "scan" and x.data[0] in _LINEAR:
        return alg.table.make("scan", [_raised(walk, a, x) for a in x.args], (_LINEAR[x.data[0]], *x.data[1:]))
    if x.op == "softplus":
        return total(alg, [alg.one, *addends(_raised(walk, x.args[0], x))])
    if x.op == "logaddexp":
        return total(alg, [t for a in x.args for t in addends(_raised(walk, a, x))])
    if x.data[0] != "lse":
        return None
    (body,), axes = alg.table.open(x)
    return alg.table.bind("contract", factors(_raised(walk, body, x)), axes)


def _raised(walk: _Walk, x: Node, user: Node) -> Node:
    done = _expanded(walk, x, user)
    return done if done is not None else _flat(walk, "mul", _weighted(walk.alg, x))


def _weighted(alg: Algebra, x: Node) -> tuple[Node, ...]:
    # exp(a + log w) is w exp(a) where exp(a) cannot overflow.
    inside = x.args[1] if is_cut(x) else x
    logs = [t for t in addends(inside) if t.op == "log"]
    rest = alg.add(*(t for t in addends(inside) if t.op != "log"))
    if is_cut(x):
        rest = alg.where(x.args[0], rest, x.args[2])
    safe = alg.facts(rest).nonpos or nonpos_exponent(alg.table, rest)
    if logs and safe and all(alg.facts(t.args[0]).finite for t in logs):
        return (*(t.args[0] for t in logs), *factors(alg.exp(rest)))
    return factors(alg.exp(x))


def _sigmoids(walk: _Walk, x: Node) -> Node | None:
    # A product of sigmoids: every term of the exponent is a negative multiple of a softplus.
    alg, parts = walk.alg, []
    for t in addends(x):
        k, f = coefficient(alg.table, t)
        if f.op != "softplus" or k.denominator != 1 or k > 0:
            return None
        one = alg.table.make("sigmoid", (_visit(walk, alg.neg(f.args[0])),))
        parts.append(one if k == -1 else alg.table.make("pow", (one,), (-k,)))
    return product(alg, parts)


def _averaged(walk: _Walk, x: Node) -> Node | None:
    # exp(lse(a + log w) - lse(a)) is the mean of w under softmax a, unless the logarithm is used elsewhere.
    found = mean_of(walk.alg, x)
    if found is None or not _only(walk, found.top, x):
        return None
    table = walk.alg.table
    inner = table.make("exp", (_visit(walk, found.exponent),))
    parts = [inner, *(_visit(walk, w) for w in found.weights)]
    return table.bind("contract", [g for f in parts for g in factors(f)], found.axes)


def _unpaired(walk: _Walk, node: Node) -> tuple[Node, ...]:
    # exp(L) times Contract(exp(a - L), r) with L = lse a is Contract(exp a, r).
    top = next(
        (f for f in node.args if f.op == "exp" and f.args[0].op == "reduce" and f.args[0].data[0] == "lse"), None
    )
    if top is None:
        return node.args
    alg, table, total_ = walk.alg, walk.alg.table, top.args[0]
    down = alg.neg(total_)
    for f in node.args:
        if f.op != "contract" or not _only(walk, total_, top, down):
            continue
        args, axes = table.open(f)
        hot = next((a for a in args if a.op == "exp"), None)
        if hot is None or not _only(walk, down, hot.args[0], hot.args[0].args[1] if is_cut(hot.args[0]) else down):
            continue
        body = alg.add(hot.args[0], total_)
        over = [a for a in axes if a in body.axes]
        if alg.reduce("lse", body, over) is total_:
            rest = [a for a in args if a is not hot]
            merged = table.bind("contract", [*_weighted(alg, body), *rest], axes)
            return (*(g for g in node.args if g is not f and g is not top), merged)
    return node.args
