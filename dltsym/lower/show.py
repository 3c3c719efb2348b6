"""Text of IR nodes, for people: errors, findings, `Kernel.ir`."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from dltsym.lower.axes import Axis, Shift, Slot, mentioned
from dltsym.lower.nodes import Node, bound_axes

if TYPE_CHECKING:
    from dltsym.lower.program import Program

_INFIX = {"add": " + ", "mul": " * ", "and": " and ", "or": " or "}


def show(node: Node) -> str:
    """Return a node as one line of text.

    Parameters
    ----------
    node : Node
        Node.

    Returns
    -------
    str

    Examples
    --------
    >>> from dltsym.lower.ir import Axis, Table
    >>> t, j = Table(), Axis("j", "m")
    >>> x = t.make("ref", (), ("x", (j,)))
    >>> t.bind("contract", (t.make("exp", (x,)), x), (j,))
    sum[j<m](x[j] * exp(x[j]))
    """
    return _text(node, _letters(node))


def _letters(node: Node) -> dict[str, str]:
    """Give the axes that have no name of the author's a letter, in the order in which they are met."""
    names, seen, todo = {a.name: a.name for a in node.axes if a.name[0] not in "%#"}, set(), [node]
    free = (c + str(k or "") for k in count() for c in "jklpqrstuvw" if c + str(k or "") not in names.values())
    while todo:
        at = todo.pop()
        if id(at) not in seen:
            seen.add(id(at))
            for a in mentioned(at.data):
                if a.name not in names:
                    names[a.name] = next(free) if a.name[0] in "%#" else a.name
            todo.extend(reversed(at.args))
    return names


def _text(node: Node, names: dict[str, str]) -> str:
    args = [_text(a, names) for a in node.args]
    match node.op:
        case "num" | "const" | "size":
            return str(node.data[0])
        case "ref":
            name, places = node.data
            inside = ", ".join(_place(p, args, names) for p in places)
            return f"{name}[{inside}]" if places else name
        case "iota":
            return f"#({names[node.data[0].name]})"
        case "add" | "mul" | "and" | "or":
            return "(" + _INFIX[node.op].join(args) + ")"
        case "cmp":
            return f"({args[0]} {node.data[0]} {args[1]})"
        case "contract":
            return f"sum[{_bound(node, names)}]({' * '.join(args)})"
        case "reduce":
            return f"{node.data[0]}[{_bound(node, names)}]({', '.join(args)})"
        case "take":
            return f"take[{_bound(node, names)} = {_place(node.data[1], args, names)}]({args[0]})"
    extra = f"[{', '.join(_datum(d, names) for d in node.data)}]" if node.data else ""
    return f"{node.op}{extra}({', '.join(args)})"


def show_axes(axes: tuple[Axis, ...]) -> str:
    """Return the axes of a result with their sizes, after its batch dimensions.

    Parameters
    ----------
    axes : tuple of Axis
        Axes.

    Returns
    -------
    str
    """
    return f"[..., {', '.join(f'{a.name}:{a.size}' for a in axes)}]" if axes else ""


def show_program(program: Program) -> str:
    """Return a program as text, one line per output.

    Parameters
    ----------
    program : Program
        Program.

    Returns
    -------
    str
    """
    return "\n".join(f"{o.name}{show_axes(o.axes)} = {show(o.node)}" for o in program.outputs)


def _bound(node: Node, names: dict[str, str]) -> str:
    return ", ".join(f"{names[a.name]}<{a.size}" for a in bound_axes(node))


def _place(place: Any, args: list[str], names: dict[str, str]) -> str:
    match place:
        case Axis(name):
            return names[name]
        case Shift(axis, by):
            return f"{names[axis.name]}{by:+d}"
        case Slot(arg):
            return args[arg]
    return str(place)


def _datum(d: Any, names: dict[str, str]) -> str:
    if isinstance(d, tuple):
        return "(" + ", ".join(_datum(x, names) for x in d) + ")"
    return names[d.name] if isinstance(d, Axis) else str(d)
