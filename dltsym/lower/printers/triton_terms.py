"""Arithmetic of a triton kernel: sums, products with one division, powers, and numbers that the launcher computes."""

from __future__ import annotations

from fractions import Fraction

from dltsym.lower.nodes import Node
from dltsym.lower.printers.triton_rows import Loop, Rows, is_host
from dltsym.lower.printers.value import ATOM, PLUS, TIMES, UNARY, Value

_MATH = {"exp", "log", "log1p", "expm1", "sin", "cos", "tan", "sqrt", "erf", "erfc", "lgamma", "tanh", "sinh", "cosh"}
_POWERS = {Fraction(1, 2): "tl.sqrt({0})", Fraction(-1, 2): "tl.rsqrt({0})"}
_MOST = 4


def sum_(rows: Rows, node: Node, loop: Loop | None) -> Value:
    """Print a sum, from the left.

    Parameters
    ----------
    rows : Rows
        State of printing.
    node : Node
        ``add``.
    loop : Loop or None
        Loop that it is in.

    Returns
    -------
    Value
    """
    dims = rows.dims(node.axes)
    args = sorted((rows.value(a, loop) for a in node.args), key=lambda v: len(v.axes))
    whole = all(a.kind == "integer" for a in args)
    out = ""
    for a in args if whole else map(rows.real, args):
        text = rows.spread(a, dims).inside(TIMES if out else PLUS)
        minus = out and text.startswith("-")
        out = f"{out} - {text[1:]}" if minus else f"{out} + {text}" if out else text
    return Value(out, dims, "integer" if whole else "real", level=PLUS, batch=False)


def product(rows: Rows, node: Node, loop: Loop | None) -> Value:
    """Print a product: numbers first, all divisors in one denominator.

    Parameters
    ----------
    rows : Rows
        State of printing.
    node : Node
        ``mul``.
    loop : Loop or None
        Loop that it is in.

    Returns
    -------
    Value
    """
    args = list(node.args)
    sign = "-" if any(a.op == "num" and a.data[0] == -1 for a in args) else ""
    args = [a for a in args if not (a.op == "num" and a.data[0] == -1)]
    return product_of(rows, args, node, loop, sign)


def product_of(rows: Rows, args: list[Node], node: Node, loop: Loop | None, sign: str = "") -> Value:
    """Print the product of some nodes over the axes of `node`.

    Parameters
    ----------
    rows : Rows
        State of printing.
    args : list of Node
        Factors.
    node : Node
        What has their axes.
    loop : Loop or None
        Loop that they are in.
    sign : str
        Empty, or a minus.

    Returns
    -------
    Value
    """
    dims = rows.dims(node.axes)
    fixed = [a for a in args if is_host(a)]
    if len(fixed) > 1:
        args = [rows.table.make("mul", fixed), *(a for a in args if not is_host(a))]
    above = [a for a in args if not _divides(a)]
    below = [
        rows.table.make("pow", a.args, (-a.data[0],)) if a.data[0] != -1 else a.args[0] for a in args if _divides(a)
    ]
    tops, bottoms = ([rows.value(a, loop) for a in part] for part in (above, below))
    whole = not bottoms and all(v.kind == "integer" for v in tops)
    text = _times(rows, tops if whole else [rows.real(v) for v in tops], dims) if tops else "1.0"
    if bottoms:
        under = _times(rows, [rows.real(v) for v in bottoms], dims)
        text = f"{text} / ({under})" if len(bottoms) > 1 else f"{text} / {under}"
    return Value(sign + text, dims, "integer" if whole else "real", level=TIMES, batch=False)


def _divides(node: Node) -> bool:
    return node.op == "pow" and node.data[0] < 0 and node.data[0].denominator == 1 and not is_host(node)


def _times(rows: Rows, values: list[Value], dims: tuple) -> str:
    ordered = sorted(values, key=lambda v: len(v.axes))
    return " * ".join(rows.spread(v, dims).inside(UNARY) for v in ordered)


def power(rows: Rows, node: Node, loop: Loop | None) -> Value:
    """Print a power: small ones as products, the others through the logarithm.

    Parameters
    ----------
    rows : Rows
        State of printing.
    node : Node
        ``pow``.
    loop : Loop or None
        Loop that it is in.

    Returns
    -------
    Value
    """
    (u,), (p,) = node.args, node.data
    base = rows.real(rows.value(u, loop))
    if p in _POWERS:
        return Value(_POWERS[p].format(base.code), base.axes, batch=False)
    if p.denominator == 1 and 1 <= abs(p) <= _MOST:
        if not base.code.isidentifier() and abs(p) > 1:
            base = rows.name(rows.lines(u, loop if any(a in rows.streamed for a in u.axes) else None), "t0", base)
        text = " * ".join([base.inside(UNARY)] * abs(int(p)))
        if p < 0:
            text = f"1.0 / ({text})" if abs(p) > 1 else f"1.0 / {base.inside(ATOM)}"
        return Value(text, base.axes, level=TIMES if p != 1 else base.level, batch=False)
    if p.denominator == 1:
        return rows.refuse(f"the power {p}")
    return Value(f"tl.exp({float(p)!r} * tl.log({base.code}))", base.axes, batch=False)


def host_text(rows: Rows, node: Node) -> str:
    """Return Python text of a number made of numbers and sizes, for the launcher.

    Parameters
    ----------
    rows : Rows
        State of printing.
    node : Node
        Node without references.

    Returns
    -------
    str
    """
    args = [f"({host_text(rows, a)})" if a.args else host_text(rows, a) for a in node.args]
    match node.op:
        case "num":
            value: Fraction = node.data[0]
            return str(value) if value.denominator == 1 and value >= 0 else f"({value})"
        case "const":
            return f"math.{node.data[0]}"
        case "size":
            text = rows.sizes.text(node.data[0])
            return text if text.isidentifier() else f"({text})"
        case "add":
            return " + ".join(args)
        case "mul":
            return " * ".join(args)
        case "pow":
            exponent = node.data[0]
            return f"{args[0]} ** {exponent}" if exponent.denominator == 1 else f"{args[0]} ** ({exponent})"
    if node.op in _MATH:
        return f"math.{node.op}({', '.join(args)})"
    rows.refuse(f"{node.op} of a number has no form in the launcher")
    return "0"
