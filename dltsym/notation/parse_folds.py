"""How the verbs of folds, cases, recurrences, order and iteration are read; see `dltsym.notation.parse`."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

from dltsym.notation.folds import FOLDS, Cases, Fold, Iterate, Order, Recurrence, StateSpec
from dltsym.notation.tree import Expr, Rel, Sym, bound_symbol

OPS: dict[type, str] = {ast.Eq: "=", ast.LtE: "<=", ast.Lt: "<", ast.GtE: ">=", ast.Gt: ">", ast.NotEq: "!="}
_WRITE = {
    "scan_over": "scan_over(step, (h, init), (s, lo, last))",
    "topk_over": "topk_over(body, (j, lo, hi), at, k)",
    "rank_over": "rank_over(body, (j, lo, hi), at)",
    "cases": "cases((condition, value), ..., otherwise)",
    "iterate": "iterate(out, rounds, (u[i], init, step, (i, lo, hi)), ...)",
    "iterate_until": "iterate_until(tol, out, rounds, (u[i], init, step, (i, lo, hi)), ...)",
}


@contextmanager
def _inside(reader: Any, names: dict[str, Sym]) -> Iterator[None]:
    outer, reader.names = reader.names, {**reader.names, **names}
    yield
    reader.names = outer


def _ranges(reader: Any, nodes: list[ast.expr]) -> tuple[dict[str, Sym], list[tuple[Sym, Expr, Expr]]]:
    """Read limits, outermost last; a limit sees the indices outside it."""
    names: dict[str, Sym] = {}
    limits: list[tuple[Sym, Expr, Expr]] = []
    for node in reversed(nodes):
        name, var, lo, hi = reader.triple(node, "bound")
        with _inside(reader, names):
            limits.insert(0, (var, reader.plain(lo), reader.plain(hi)))
        names[name] = var
    return names, limits


def _fold(op: str) -> Callable[[Any, ast.Call], Expr]:
    def read(reader: Any, node: ast.Call) -> Expr:
        if len(node.args) < 2:
            raise reader.fail(f"write {op}_over(body, (i, lo, hi))", node)
        names, limits = _ranges(reader, node.args[1:])
        with _inside(reader, names):
            body = reader.plain(node.args[0])
        return reader.shaped(node, lambda: Fold(op, body, tuple(limits)))

    return read


def _scan(reader: Any, node: ast.Call) -> Expr:
    pair = node.args[1] if len(node.args) == 3 else None
    if not (isinstance(pair, ast.Tuple) and len(pair.elts) == 2):
        raise reader.fail(f"write {_WRITE['scan_over']}", node)
    name, state = reader.bound(pair.elts[0], "boundreal")
    init = reader.plain(pair.elts[1])
    names, [(var, lo, at)] = _ranges(reader, node.args[2:])
    with _inside(reader, {**names, name: state}):
        return Recurrence(var, lo, at, state, init, reader.plain(node.args[0]))


def _order(kind: str, count: int) -> Callable[[Any, ast.Call], Expr]:
    def read(reader: Any, node: ast.Call) -> Expr:
        if len(node.args) != count:
            raise reader.fail(f"write {_WRITE[f'{kind}_over']}", node)
        names, [(var, lo, hi)] = _ranges(reader, node.args[1:2])
        rest = [reader.plain(a) for a in node.args[2:]]
        with _inside(reader, names):
            return Order(kind, reader.plain(node.args[0]), var, lo, hi, *rest)

    return read


def conditions(reader: Any, node: ast.AST) -> tuple[Rel, ...]:
    """Read a relation, a chain of them, or several joined by ``and``.

    Parameters
    ----------
    reader : object
        The reader of the text.
    node : ast.AST
        Where the condition stands.

    Returns
    -------
    tuple of Rel
    """
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
        return tuple(r for v in node.values for r in conditions(reader, v))
    if not isinstance(node, ast.Compare):
        raise reader.fail("expected a relation, or relations joined by and", node)
    for op in node.ops:
        if type(op) not in OPS:
            raise reader.fail(f"{type(op).__name__} is not a relation", node)
    sides = pairwise([reader.plain(s) for s in (node.left, *node.comparators)])
    return tuple(Rel(a, OPS[type(op)], b) for (a, b), op in zip(sides, node.ops, strict=True))


def _cases(reader: Any, node: ast.Call) -> Expr:
    branches: list[tuple[tuple[Rel, ...], Expr]] = []
    for a in node.args[:-1]:
        if not (isinstance(a, ast.Tuple) and len(a.elts) == 2):
            raise reader.fail(f"write {_WRITE['cases']}", a)
        branches.append((conditions(reader, a.elts[0]), reader.plain(a.elts[1])))
    if not branches:
        raise reader.fail(f"write {_WRITE['cases']}", node)
    return Cases(tuple(branches), reader.plain(node.args[-1]))


def _state(reader: Any, node: ast.AST) -> tuple[str, Sym, dict[str, Sym], Expr, ast.AST]:
    """Read all of a state but its step, which sees the other states."""
    if not (isinstance(node, ast.Tuple) and len(node.elts) >= 3):
        raise reader.fail("a state is written (u[i], init, step, (i, lo, hi)) or (u, init, step)", node)
    head, init, step, *ranges = node.elts
    places = _places(reader, head)
    names, limits = _ranges(reader, ranges)
    if [p.id for p in places] != [v.name for v, _, _ in limits] or len(names) != len(places):
        raise reader.fail("the indices of a state and its ranges must have the same names in the same order", node)
    shape = tuple((lo, hi) for _, lo, hi in limits)
    label = head.value if isinstance(head, ast.Subscript) else head
    name, _ = reader.bound(label, "boundreal")
    symbol = bound_symbol(name, "array", shape) if shape else bound_symbol(name, "boundreal")
    with _inside(reader, names):
        return name, symbol, {v.name: v for v, _, _ in limits}, reader.plain(init), step


def _places(reader: Any, head: ast.AST) -> list[ast.Name]:
    if not isinstance(head, ast.Subscript):
        return []
    places = list(head.slice.elts) if isinstance(head.slice, ast.Tuple) else [head.slice]
    plain = [p for p in places if isinstance(p, ast.Name)]
    if len(plain) != len(places):
        raise reader.fail("the indices of a state are names", head)
    return plain


def _iterate(together: bool, until: bool) -> Callable[[Any, ast.Call], Expr]:
    def read(reader: Any, node: ast.Call) -> Expr:
        args = node.args[1:] if until else node.args
        if len(args) < 3:
            raise reader.fail(f"write {_WRITE['iterate_until' if until else 'iterate']}", node)
        tol = reader.plain(node.args[0]) if until else None
        count = reader.plain(args[1])
        heads = [_state(reader, a) for a in args[2:]]
        states = {name: symbol for name, symbol, *_ in heads}
        if len(states) != len(heads):
            raise reader.fail("two states have the same name", node)
        specs = []
        for _, symbol, index, init, step in heads:
            with _inside(reader, {**states, **index}):
                specs.append(StateSpec(symbol, tuple(index.values()), init, reader.plain(step)))
        with _inside(reader, states):
            return Iterate(tuple(specs), count, reader.plain(args[0]), together, tol)

    return read


VERBS: dict[str, Callable[[Any, ast.Call], Expr]] = {
    **{f"{op}_over": _fold(op) for op in FOLDS},
    "scan_over": _scan,
    "topk_over": _order("topk", 4),
    "rank_over": _order("rank", 3),
    "cases": _cases,
    "iterate": _iterate(False, False),
    "iterate_until": _iterate(False, True),
    "iterate_together": _iterate(True, False),
    "iterate_together_until": _iterate(True, True),
}
