"""Text of IR nodes, for people: errors, findings, `Kernel.ir`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dltsym.lower.axes import Axis, Shift, Slot
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
    sum[%0.0<m](x[%0.0] * exp(x[%0.0]))
    """
    args = [show(a) for a in node.args]
    match node.op:
        case "num" | "const" | "size":
            return str(node.data[0])
        case "ref":
            name, places = node.data
            inside = ", ".join(_place(p, args) for p in places)
            return f"{name}[{inside}]" if places else name
        case "iota":
            return f"#({node.data[0].name})"
        case "add" | "mul" | "and" | "or":
            return "(" + _INFIX[node.op].join(args) + ")"
        case "cmp":
            return f"({args[0]} {node.data[0]} {args[1]})"
        case "contract":
            return f"sum[{_bound(node)}]({' * '.join(args)})"
        case "reduce":
            return f"{node.data[0]}[{_bound(node)}]({', '.join(args)})"
        case "take":
            return f"take[{_bound(node)} = {_place(node.data[1], args)}]({args[0]})"
    extra = f"[{', '.join(_datum(d) for d in node.data)}]" if node.data else ""
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


def _bound(node: Node) -> str:
    return ", ".join(f"{a.name}<{a.size}" for a in bound_axes(node))


def _place(place: Any, args: list[str]) -> str:
    match place:
        case Axis(name):
            return name
        case Shift(axis, by):
            return f"{axis.name}{by:+d}"
        case Slot(arg):
            return args[arg]
    return str(place)


def _datum(d: Any) -> str:
    if isinstance(d, tuple):
        return "(" + ", ".join(map(_datum, d)) + ")"
    return d.name if isinstance(d, Axis) else str(d)
