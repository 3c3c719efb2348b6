"""Products in which an exponential may overflow where another underflows: 0 * inf is nan, and no rewriting undid it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from dltsym.lower.algebra.constructors import Algebra
from dltsym.lower.algebra.forms import addends, coefficient, is_cut
from dltsym.lower.nodes import Node
from dltsym.lower.program import Program
from dltsym.lower.report import Finding
from dltsym.lower.show import show

Span = tuple[bool, bool]
NEITHER = (False, False)
LARGE = 80  # beyond this an exponential leaves float32


def overflow(program: Program) -> Program:
    """Report the products that may be 0 times an overflow (finding W17).

    Parameters
    ----------
    program : Program
        Program with its cells.

    Returns
    -------
    Program
    """
    alg, memo = Algebra(program.table, {i.name: i for i in program.inputs}), {}
    found, seen, todo = [], set(), [o.node for o in reversed(program.outputs)]
    while todo:
        node = todo.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        todo.extend(reversed(node.args))
        if node.op == "mul" and _clashes([_span(alg, f, memo) for f in node.args]):
            found.append(Finding("W17", show(node)))
    return replace(program, findings=(*program.findings, *found)) if found else program


def _clashes(spans: list[Span]) -> bool:
    large = [k for k, (big, _) in enumerate(spans) if big]
    return any(small and any(k != m for k in large) for m, (_, small) in enumerate(spans))


def _span(alg: Algebra, node: Node, memo: dict[int, Span]) -> Span:
    """Return whether exponentials may make a node overflow, and underflow in all its terms."""
    found = memo.get(id(node))
    if found is None:
        found = memo[id(node)] = _found(alg, node, partial(_span, alg, memo=memo))
    return found


def _found(alg: Algebra, node: Node, span: partial[Span]) -> Span:
    match node.op:
        case "exp":
            return _power(alg, node.args[0])
        case "expm1":
            return _power(alg, node.args[0])[0], False
        case "pow":
            big, small = span(node.args[0])
            return (big, small) if node.data[0] > 0 else (small, big)
        case "mul" | "contract":
            return _either(map(span, node.args))
        case "add":
            spans = [span(a) for a in node.args]
            return any(big for big, _ in spans), all(small for _, small in spans)
        case "where":
            return _either(map(span, node.args[1:]))
        case "scan":
            return _either(map(span, node.args)) if node.data[0] in ("sum", "affine") else NEITHER
        case "reduce":
            return span(node.args[0]) if node.data[0] == "sum" else NEITHER
    return NEITHER


def _either(spans: Iterable[Span]) -> Span:
    big, small = False, False
    for one in spans:
        big, small = big or one[0], small or one[1]
    return big, small


def _power(alg: Algebra, x: Node) -> Span:
    inside = x.args[1] if is_cut(x) else x
    if _relative(alg, inside) or coefficient(alg.table, inside)[1].op in ("cross_entropy", "log_softmax"):
        return NEITHER
    facts = alg.facts(inside)
    low = facts.nonpos or (facts.hi is not None and facts.hi <= LARGE)
    high = facts.nonneg or (facts.lo is not None and facts.lo >= -LARGE)
    return not low, not high


def exceeds(alg: Algebra, x: Node) -> bool:
    """Tell whether nothing keeps the exponential of a node from overflowing.

    Parameters
    ----------
    alg : Algebra
        Owner of the facts.
    x : Node
        Exponent.

    Returns
    -------
    bool
    """
    return _power(alg, x)[0]


def _relative(alg: Algebra, x: Node) -> bool:
    # x - lse x, and what a running average is made of.
    terms = [coefficient(alg.table, t) for t in addends(x)]
    return len(terms) > 1 and any(k == -1 and _total(f) for k, f in terms)


def _total(node: Node) -> bool:
    if node.op in ("reduce", "scan"):
        return node.data[0] in ("lse", "log-affine")
    return node.op in ("logaddexp", "softplus")
