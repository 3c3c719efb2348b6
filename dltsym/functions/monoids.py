"""The one table of monoids: what folds are made of.

Backends know some rows by name (`NATIVE`) and call a library for them. Every other row of one argument is written
``<name>_over(body, (i, lo, hi))`` and folded from its texts, from the first entry to the last: by the oracle in balls,
by the compiler as a loop. Streaming kernels read their rows from here too.

A row holds texts; `functions` turns it into functions over numpy arrays or balls, `lines` into statements of any
language that writes calls and operators as Python does, such as Triton's. A new monoid is one row. In a text a
component of the earlier state ends in 1, of the later one in 2. Besides operators a text may call ``max min exp log
logaddexp where`` and

* ``ce(m, M)``: exp(m - M), 0 where m = -inf, also when M = -inf;
* ``alive(x, v)``: v, 0 where x = -inf;
* ``ratio(a, b)``: a / b, 0 where b = 0;
* ``above(v, i, w, j)``: whether w at place j comes before v at place i, largest first; the smaller place wins ties.

Source: dltsym design note, table 3.4.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any


@dataclass(frozen=True)
class Monoid:
    """One monoid.

    Attributes
    ----------
    name : str
        Name in the IR.
    takes : tuple of str
        What one entry is made of.
    state : tuple of str
        Components of a state.
    unit, lift, combine : tuple of str
        State of nothing, of one entry, of two states; one text per component.
    project : str
        Value of a state.
    lets : tuple of pairs of str
        Names that `combine` shares, with their texts, in order.
    commutative : bool
        Whether the order of states does not matter.
    """

    name: str
    takes: tuple[str, ...]
    state: tuple[str, ...]
    unit: tuple[str, ...]
    lift: tuple[str, ...]
    combine: tuple[str, ...]
    project: str
    lets: tuple[tuple[str, str], ...] = ()
    commutative: bool = True


_M = ("M", "max(m1, m2)")
_ROWS = (
    Monoid("sum", ("x",), ("s",), ("0",), ("x",), ("s1 + s2",), "s"),
    Monoid("prod", ("x",), ("s",), ("1",), ("x",), ("s1 * s2",), "s"),
    Monoid("max", ("x",), ("m",), ("-inf",), ("x",), ("max(m1, m2)",), "m"),
    Monoid("min", ("x",), ("m",), ("inf",), ("x",), ("min(m1, m2)",), "m"),
    Monoid("lse", ("x",), ("m", "s"), ("-inf", "0"), ("x", "alive(x, 1)"),
           ("M", "s1 * ce(m1, M) + s2 * ce(m2, M)"), "m + log(s)", (_M,)),
    Monoid("softmax_sum", ("x", "v"), ("m", "s", "A"), ("-inf", "0", "0"), ("x", "alive(x, 1)", "alive(x, v)"),
           ("M", "s1 * e1 + s2 * e2", "A1 * e1 + A2 * e2"), "ratio(A, s)",
           (_M, ("e1", "ce(m1, M)"), ("e2", "ce(m2, M)"))),
    Monoid("welford", ("x",), ("n", "mu", "q"), ("0", "0", "0"), ("1", "x", "0"),
           ("N", "mu1 + D * F", "q1 + q2 + D * D * n1 * F"), "ratio(q, n)",
           (("N", "n1 + n2"), ("D", "mu2 - mu1"), ("F", "ratio(n2, N)"))),
    Monoid("comoment", ("x", "y"), ("n", "mu", "nu", "q"), ("0", "0", "0", "0"), ("1", "x", "y", "0"),
           ("N", "mu1 + D * F", "nu1 + E * F", "q1 + q2 + D * E * n1 * F"), "ratio(q, n)",
           (("N", "n1 + n2"), ("D", "mu2 - mu1"), ("E", "nu2 - nu1"), ("F", "ratio(n2, N)"))),
    Monoid("argmax", ("x", "k"), ("v", "i"), ("-inf", "inf"), ("x", "k"),
           ("where(c, v2, v1)", "where(c, i2, i1)"), "i", (("c", "above(v1, i1, v2, i2)"),)),
    Monoid("argmin", ("x", "k"), ("v", "i"), ("inf", "inf"), ("x", "k"),
           ("where(c, v2, v1)", "where(c, i2, i1)"), "i", (("c", "above(-v1, i1, -v2, i2)"),)),
    # States h' = a h + b, composed: the later map is applied to the earlier one.
    Monoid("affine", ("x", "y"), ("a", "b"), ("1", "0"), ("x", "y"),
           ("a2 * a1", "a2 * b1 + b2"), "b", commutative=False),
    # The same for positive states, in logarithms.
    Monoid("log-affine", ("x", "y"), ("a", "b"), ("0", "-inf"), ("x", "y"),
           ("a1 + a2", "logaddexp(a2 + b1, b2)"), "b", commutative=False),
)  # fmt: skip
MONOIDS: dict[str, Monoid] = {row.name: row for row in _ROWS}
NATIVE = ("sum", "prod", "max", "min", "lse", "argmax", "argmin")
"""What sums and reductions are called for which every backend, error model and derivative has a form of its own."""
FOLDED = tuple(row.name for row in _ROWS if row.takes == ("x",) and row.name not in NATIVE)
"""The other rows of one argument."""

TRITON = {
    "max": "tl.maximum", "min": "tl.minimum", "exp": "tl.exp", "log": "tl.log", "where": "tl.where",
    "inf": "float('inf')",
}  # fmt: skip
"""Triton's names; ``ce``, ``alive``, ``ratio`` and ``above`` are expanded by `expand`."""

_EXPAND = {
    "ce": "where({0} == -inf, 0.0, exp({0} - where({1} == -inf, 0.0, {1})))",
    "alive": "where({0} == -inf, 0.0, {1})",
    "ratio": "where({1} == 0, 0.0, {0} / where({1} == 0, 1.0, {1}))",
    "above": "({2} > {0}) | (({2} != {2}) & ({0} == {0})) | "  # nan is the largest
    "((({2} == {0}) | (({2} != {2}) & ({0} != {0}))) & ({3} < {1}))",
    "logaddexp": "where(max({0}, {1}) == -inf, -inf, max({0}, {1}) + log(exp({0} - max({0}, {1})) "
    "+ exp({1} - max({0}, {1}))))",
}


@dataclass(frozen=True)
class Functions:
    """A monoid over one kind of number: states are tuples."""

    unit: tuple[Any, ...]
    lift: Callable[..., tuple[Any, ...]]
    combine: Callable[[tuple[Any, ...], tuple[Any, ...]], tuple[Any, ...]]
    project: Callable[[tuple[Any, ...]], Any]

    def fold(self, entries: Iterable[tuple[Any, ...]]) -> Any:
        """Return the value of some entries, folded from left to right.

        Parameters
        ----------
        entries : iterable of tuple
            Entries; each a tuple of what `Monoid.takes` names.

        Returns
        -------
        object
        """
        state = self.unit
        for entry in entries:
            state = self.combine(state, self.lift(*entry))
        return self.project(state)


def functions(name: str, calls: Mapping[str, Any]) -> Functions:
    """Return a monoid as functions.

    Parameters
    ----------
    name : str
        A key of `MONOIDS`.
    calls : mapping of str to object
        What the functions of a text and ``inf`` mean, such as `ball_calls`.

    Returns
    -------
    Functions
    """
    row = MONOIDS[name]
    space = {**calls, "__builtins__": {}}

    def value(text: str, names: Mapping[str, Any]) -> Any:
        return eval(_code(text), space, dict(names))

    def combine(first: tuple[Any, ...], second: tuple[Any, ...]) -> tuple[Any, ...]:
        names = dict(zip((f"{s}1" for s in row.state), first, strict=True))
        names |= zip((f"{s}2" for s in row.state), second, strict=True)
        for let, text in row.lets:
            names[let] = value(text, names)
        return tuple(value(t, names) for t in row.combine)

    return Functions(
        tuple(value(t, {}) for t in row.unit),
        lambda *entry: tuple(value(t, dict(zip(row.takes, entry, strict=True))) for t in row.lift),
        combine,
        lambda state: value(row.project, dict(zip(row.state, state, strict=True))),
    )


@cache
def _code(text: str) -> Any:
    return compile(text, "<monoid>", "eval")


def ball_calls() -> dict[str, Any]:
    """Return the meaning of the functions of a text over balls; ``-inf`` is the exact ball.

    Returns
    -------
    dict
    """
    from flint import arb

    from dltsym.errors import Undecided

    low = arb("-inf")

    def dead(x: Any) -> bool:
        return bool(arb(x) == low)

    def log(x: Any) -> Any:
        return low if x == 0 else arb(x).log()

    def logaddexp(x: Any, y: Any) -> Any:
        if dead(x) or dead(y):
            return y if dead(x) else x
        top = arb(x).max(arb(y))
        return top + ((x - top).exp() + (y - top).exp()).log()

    def above(v: Any, i: Any, w: Any, j: Any) -> bool:
        v, w = arb(v), arb(w)
        if not (v < w or v > w or v == w):
            raise Undecided(f"the order of {v} and {w}")
        return bool(w > v or (w == v and j < i))

    return {
        "inf": arb("inf"), "max": lambda a, b: arb(a).max(arb(b)), "min": lambda a, b: arb(a).min(arb(b)),
        "exp": lambda x: arb(x).exp(), "log": log, "where": lambda c, a, b: a if c else b,
        "logaddexp": logaddexp, "above": above,
        "ce": lambda m, top: arb(0) if dead(m) else (m - top).exp(),
        "alive": lambda x, v: arb(0) if dead(x) else v,
        "ratio": lambda a, b: arb(0) if b == 0 else arb(a) / b,
    }  # fmt: skip


def lines(name: str, first: Iterable[str], second: Iterable[str], spelling: Mapping[str, str] = TRITON) -> list[str]:
    """Return the statements that fold a second state into a first.

    Parameters
    ----------
    name : str
        A key of `MONOIDS`.
    first, second : iterable of str
        Names of the components of the states; the first are assigned.
    spelling : mapping of str to str
        How functions are written; what is missing is expanded into others.

    Returns
    -------
    list of str

    Examples
    --------
    >>> lines("affine", ("a", "b"), ("c", "d"))
    ['a, b = c * a, c * b + d']
    """
    row = MONOIDS[name]
    first = tuple(first)
    names = dict(zip((f"{s}1" for s in row.state), first, strict=True))
    names |= zip((f"{s}2" for s in row.state), second, strict=True)
    out = []
    for let, text in row.lets:
        names[let] = f"{first[0]}_{let}"
        out.append(f"{names[let]} = {spell(text, names, spelling)}")
    return [*out, f"{', '.join(first)} = {', '.join(spell(t, names, spelling) for t in row.combine)}"]


def spell(text: str, names: Mapping[str, str], spelling: Mapping[str, str] = TRITON) -> str:
    """Return a text of the table with other names, in the spelling of a language.

    Parameters
    ----------
    text : str
        Text of a row.
    names : mapping of str to str
        What to call its variables.
    spelling : mapping of str to str
        How functions are written.

    Returns
    -------
    str
    """

    class Rename(ast.NodeTransformer):
        def visit_Call(self, node: ast.Call) -> ast.AST:
            args = [self.visit(a) for a in node.args]
            called = node.func.id if isinstance(node.func, ast.Name) else ""
            if called not in spelling and called in _EXPAND:
                given = [f"({ast.unparse(a)})" for a in args]
                expanded = ast.parse(_EXPAND[called].format(*given), mode="eval").body
                return _Spelling(spelling).visit(expanded)
            return ast.Call(ast.parse(spelling[called], mode="eval").body, args, [])

        def visit_Name(self, node: ast.Name) -> ast.AST:
            return ast.parse(names.get(node.id) or spelling.get(node.id, node.id), mode="eval").body

    return ast.unparse(Rename().visit(ast.parse(text, mode="eval")))


class _Spelling(ast.NodeTransformer):
    """Writes functions and ``inf`` of an expansion as a language does; its other names are written already."""

    def __init__(self, spelling: Mapping[str, str]) -> None:
        self._spelling = spelling

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.parse(self._spelling.get(node.id, node.id), mode="eval").body
