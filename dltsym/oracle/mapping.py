"""How a callable's own arguments and results are written in the symbols of a statement.

``softmax_scale=1/tau, q=q:bnhd, bias=lp[None]-slope*dist, out[1]=lse/ln2``: on the left what the callable calls a
thing, on the right what it is in the symbols of the statement, after a colon the order of the axes. Results on the
right are inverted. A left side that is no parameter but an input of the statement fixes that input (``tau=sqrt(d)``, or
``slope=absent``), which is then reported as untested.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dltsym.errors import KernelMapError
from dltsym.oracle.expressions import CASTS, Expression, parsed

LEFT = re.compile(r"""(?P<name>[A-Za-z_]\w*)(?:\[(?P<at>\d+)\]|\.(?P<attr>\w+)|\[(?P<q>['"])(?P<key>\w+)(?P=q)\])?\Z""")
ABSENT = "absent"


@dataclass(frozen=True)
class Place:
    """Where a result stands in what a callable returns: by position, by attribute or key, or the thing itself."""

    at: int | None = None
    attribute: str = ""
    key: str = ""

    def __str__(self) -> str:
        if self.at is not None:
            return f"out[{self.at}]"
        return f"out.{self.attribute}" if self.attribute else f"out[{self.key!r}]" if self.key else "out"


@dataclass(frozen=True)
class Buffer:
    """An array that is passed in for the callable to write an output into, of a type or that of the inputs."""

    output: str
    dtype: str = ""


@dataclass(frozen=True)
class Given:
    """What an argument is: an expression or a buffer, with the order of its axes if it is told."""

    value: Expression | Buffer
    layout: str = ""


@dataclass(frozen=True)
class Result:
    """What a result is: an expression in one output of the statement."""

    place: Place
    value: Expression
    layout: str = ""


@dataclass(frozen=True)
class Entries:
    """A mapping as it was read.

    Attributes
    ----------
    named : mapping of str to Given
        Arguments by name; some may turn out to fix inputs of the statement.
    positional : mapping of int to Given
        Arguments by position, written ``arg[0]``.
    results : tuple of Result
        Results.
    """

    named: Mapping[str, Given]
    positional: Mapping[int, Given]
    results: tuple[Result, ...]


def read(mapping: str | Iterable[str] | Mapping[str, Any] | None) -> Entries:
    """Read a mapping.

    Parameters
    ----------
    mapping : str, iterable of str, mapping or None
        Text; texts; or right sides by left side, where anything but a text stands for itself.

    Returns
    -------
    Entries

    Raises
    ------
    KernelMapError
        When it cannot be read, or says something twice.
    """
    named: dict[str, Given] = {}
    positional: dict[int, Given] = {}
    results: dict[str, Result] = {}
    for left, right in _pairs(mapping):
        found = LEFT.match(left)
        if found is None:
            raise KernelMapError(
                f"cannot read {left!r} in the mapping; write a parameter, arg[0], out, out[1] or out.o"
            )
        value, layout = _right(right)
        name, place = (
            found["name"],
            Place(int(found["at"]) if found["at"] else None, found["attr"] or "", found["key"] or ""),
        )
        doubled = str(place) in results if name == "out" else place.at in positional if name == "arg" else False
        if left in named or doubled:
            raise KernelMapError(f"the mapping says {left} twice")
        if name == "out" and not isinstance(value, Buffer):
            results[str(place)] = Result(place, value, layout)
        elif name == "arg" and place.at is not None:
            positional[place.at] = Given(value, layout)
        elif place == Place():
            named[name] = Given(value, layout)
        else:
            raise KernelMapError(f"cannot read {left!r} in the mapping; only arg[...] and out[...] have an index")
    return Entries(named, positional, tuple(results.values()))


def _pairs(mapping: str | Iterable[str] | Mapping[str, Any] | None) -> list[tuple[str, Any]]:
    if mapping is None:
        return []
    if isinstance(mapping, Mapping):
        return [(str(k).strip(), x) for k, x in mapping.items()]
    texts = [mapping] if isinstance(mapping, str) else list(mapping)
    out = []
    for item in (part for text in texts for part in _split(text, ",")):
        sides = _split(item, "=", once=True)
        if len(sides) != 2 or not all(s.strip() for s in sides):
            raise KernelMapError(f'cannot read {item.strip()!r} in the mapping; write it as "parameter=expression"')
        out.append((sides[0].strip(), sides[1].strip()))
    return out


def _split(text: str, mark: str, *, once: bool = False) -> list[str]:
    """Split at a mark outside brackets and quotes; a trailing empty part is dropped."""
    parts, depth, quote, start, k = [], 0, "", 0, 0
    while k < len(text):
        c = text[k]
        if quote:
            quote = "" if c == quote else quote
        elif c in "'\"":
            quote = c
        elif c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
        elif c == mark and depth == 0 and text[k - 1 : k + 2] not in ("<=", ">=") and not (once and parts):
            doubled = mark == "=" and (text[k : k + 2] == "==" or (k and text[k - 1] in "=<>!"))
            if not doubled:
                parts.append(text[start:k])
                start = k + 1
        k += 1
    return [*parts, text[start:]] if text[start:].strip() else parts


def _right(text: Any) -> tuple[Expression | Buffer, str]:
    """Read a right side with its layout; ``out(o)`` is a buffer for the output `o`, what is no text is a constant."""
    if not isinstance(text, str):
        return constant(text), ""
    value, layout = text, ""
    parts = _split(text, ":")
    if len(parts) > 2:
        raise KernelMapError(f"cannot read {text!r} in the mapping: it has two layouts")
    if len(parts) == 2:
        value, layout = parts[0], parts[1].strip()
        if not re.fullmatch(r"[A-Za-z_][\w ()]*|\([\w ()]*", layout):
            raise KernelMapError(f"cannot read the layout {layout!r} in the mapping; write axes such as bnhd or (bh)nd")
    buffer = re.fullmatch(r"\s*out\(\s*(\w+)\s*(?:,\s*(\w+)\s*)?\)\s*", value)
    if buffer and buffer[2] and buffer[2] not in CASTS:
        raise KernelMapError(f"{text!r}: the type of a buffer is one of {', '.join(CASTS)}")
    return (Buffer(buffer[1], buffer[2] or "") if buffer else parsed(value)), layout


def constant(value: Any) -> Expression:
    """Return an expression that stands for any object.

    Parameters
    ----------
    value : object
        Object.

    Returns
    -------
    Expression
    """
    return Expression(repr(value), ast.Constant(value), frozenset())


def inverse(tree: ast.expr, output: str) -> list[tuple[str, ast.expr | None]]:
    """Return the steps that lead from a result back to the output in it.

    Parameters
    ----------
    tree : expr
        Expression in which the output occurs exactly once.
    output : str
        Its name.

    Returns
    -------
    list of (str, expr or None)
        Operations from the outermost inwards, such as ``("mul", tree)``: multiply by the value of `tree`.
    """
    steps: list[tuple[str, ast.expr | None]] = []
    while not isinstance(tree, ast.Name):
        step, operand, tree = _undo(tree, output)
        steps.append((step, operand))
    return steps


OPPOSITE = {ast.Add: ("sub", "sub"), ast.Sub: ("add", "from"), ast.Mult: ("div", "div"), ast.Div: ("mul", "into")}
INVERSE = {
    "exp": "log",
    "log": "exp",
    "exp2": "log2",
    "log2": "exp2",
    "sqrt": "square",
    "expm1": "log1p",
    "log1p": "expm1",
}


def _undo(tree: ast.expr, output: str) -> tuple[str, ast.expr | None, ast.expr]:
    if isinstance(tree, ast.BinOp) and type(tree.op) in OPPOSITE:
        inside = _mentions(tree.left, output)
        step = OPPOSITE[type(tree.op)][0 if inside else 1]
        return (step, tree.right, tree.left) if inside else (step, tree.left, tree.right)
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
        return "neg", None, tree.operand
    if isinstance(tree, ast.Attribute):
        return "T", None, tree.value
    if isinstance(tree, ast.Call) and len(tree.args) == 1:
        name = ast.unparse(tree.func)
        if name in INVERSE:
            return INVERSE[name], None, tree.args[0]
    if isinstance(tree, ast.Subscript):
        at = tree.slice.elts if isinstance(tree.slice, ast.Tuple) else [tree.slice]
        if all((isinstance(a, ast.Constant) and a.value is None) or ast.unparse(a) == ":" for a in at):
            return "index", tree.slice, tree.value
    raise KernelMapError(f"cannot solve {ast.unparse(tree)!r} for {output}: use + - * /, exp, log, sqrt, .T or [None]")


def _mentions(tree: ast.expr, name: str) -> bool:
    return any(isinstance(x, ast.Name) and x.id == name for x in ast.walk(tree))


def axes_of(layout: str, known: Iterable[str]) -> list[tuple[str, ...]]:
    """Read a layout: for each dimension the axes in it; several in brackets are merged into one dimension.

    Parameters
    ----------
    layout : str
        Such as ``bnhd``, ``(bh)nd`` or ``b n h dv``.
    known : iterable of str
        Own axes of the array; every other letter is a batch. The second of two axes of one size is called ``n'``.

    Returns
    -------
    list of tuple of str

    Raises
    ------
    KernelMapError
        When an own axis is missing, or one occurs twice.

    Examples
    --------
    >>> axes_of("bnhd", ["n", "d"]), axes_of("(bh)ndv", ["n", "dv"])
    ([('b',), ('n',), ('h',), ('d',)], [('b', 'h'), ('n',), ('dv',)])
    """
    own = primed(known)
    longest = "|".join(sorted(map(re.escape, {*known}), key=len, reverse=True))
    words = r"\w+" if re.search(r"\w \w", layout) else (longest + "|" if longest else "") + r"\w"
    dims: list[tuple[str, ...]] = []
    group: list[str] | None = None
    seen: list[str] = []
    for token in re.findall(rf"\(|\)|{words}", layout):
        if token == "(":
            group = []
        elif token == ")":
            dims.append(tuple(group or ()))
            group = None
        else:
            seen.append(token)
            axis = token + "'" * (seen.count(token) - 1)
            if group is None:
                dims.append((axis,))
            else:
                group.append(axis)
    flat = [a for dim in dims for a in dim]
    if sorted(a for a in flat if a in own) != sorted(own) or any("'" in a for a in flat if a not in own):
        raise KernelMapError(
            f"the layout {layout!r} must name each of the axes {', '.join(own) or '(none)'} once, "
            f"such as {' '.join(['b', *map(_bare, own)])!r}"
        )
    return dims


def _bare(axis: str) -> str:
    return axis.rstrip("'")


def primed(axes: Iterable[str]) -> list[str]:
    """Tell axes of one size apart by primes.

    Parameters
    ----------
    axes : iterable of str
        Sizes of the axes.

    Returns
    -------
    list of str

    Examples
    --------
    >>> primed(["n", "n", "d"])
    ['n', "n'", 'd']
    """
    axes = list(axes)
    return [a + "'" * axes[:k].count(a) for k, a in enumerate(axes)]
