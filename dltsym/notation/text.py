"""Plain text of a tree, in the syntax that `dltsym.notation.parse` reads back."""

from __future__ import annotations

from dltsym.notation.binding import Binding
from dltsym.notation.matrices import (
    BUILDERS,
    MINUS,
    Det,
    Eye,
    Inverse,
    MatAdd,
    MatMul,
    MatrixNode,
    MatScale,
    Trace,
    Transpose,
    Zeros,
)
from dltsym.notation.text_folds import fold_text
from dltsym.notation.tree import (
    Add,
    Call,
    Const,
    Diff,
    Div,
    Expr,
    Index,
    Integral,
    Limit,
    Mul,
    Neg,
    Num,
    Pow,
    Rel,
    Sum,
    Sym,
)
from dltsym.notation.walk import apart

_ADD, _NEG, _MUL, _POW, _ATOM = 1, 2, 3, 4, 5
_MATRIX_CALLS: dict[type, str] = {node: name for name, (node, _) in BUILDERS.items()}


def to_text(node: Expr | Rel) -> str:
    """Print a tree as text; parsing the text gives the same tree.

    Parameters
    ----------
    node : Expr or Rel
        Tree.

    Returns
    -------
    str
    """
    if isinstance(node, Rel):
        return f"{_text(node.lhs)[0]} {node.op} {_text(node.rhs)[0]}"
    return _text(node)[0]


def _wrap(node: Expr, least: int) -> str:
    text, level = _text(node)
    return text if level >= least else f"({text})"


def _number(node: Num) -> tuple[str, int]:
    if node.text is not None:
        return node.text, _ATOM
    if node.value.denominator == 1:
        return str(node.value), (_ATOM if node.value >= 0 else _NEG)
    return str(node.value), _MUL if node.value >= 0 else _NEG


def _sum(args: tuple[Expr, ...]) -> str:
    out = _wrap(args[0], _NEG)
    for a in args[1:]:
        out += f" - {_wrap(a.arg, _MUL)}" if isinstance(a, Neg) else f" + {_wrap(a, _MUL)}"
    return out


def _limits(node: Sum) -> str:
    return ", ".join(f"({v.name}, {to_text(lo)}, {to_text(hi)})" for v, lo, hi in node.limits)


def _text(node: Expr) -> tuple[str, int]:
    match node:
        case Num():
            return _number(node)
        case Const(name):
            return name, _ATOM
        case Sym():
            return node.name, _ATOM
        case Neg(arg):
            return f"-{_wrap(arg, _MUL)}", _NEG
        case Add(args):
            return _sum(args), _ADD
        case Mul(args):
            return "*".join([_wrap(args[0], _MUL), *(_wrap(a, _POW) for a in args[1:])]), _MUL
        case Div(num, den):
            return f"{_wrap(num, _MUL)}/{_wrap(den, _POW)}", _MUL
        case Pow(base, exponent):
            return f"{_wrap(base, _ATOM)}**{_wrap(exponent, _ATOM)}", _POW
        case Call(name, args):
            return f"{name}({', '.join(map(to_text, args))})", _ATOM
        case Index(array, idx):
            return f"{array.name}[{', '.join(map(to_text, idx))}]", _ATOM
        case Sum():
            node = apart(node)
            return f"Sum({to_text(node.body)}, {_limits(node)})", _ATOM
        case Diff(body, var, order):
            tail = f", {order}" if order != 1 else ""
            return f"diff({to_text(body)}, {to_text(var)}{tail})", _ATOM
        case Integral():
            body, var, lo, hi = (node := apart(node)).body, node.var, node.lo, node.hi
            return f"Integral({to_text(body)}, ({var.name}, {to_text(lo)}, {to_text(hi)}))", _ATOM
        case Limit():
            body, var, point, side = (node := apart(node)).body, node.var, node.point, node.side
            tail = "" if side == "+-" else f', "{side}"'
            return f"limit({to_text(body)}, {var.name}, {to_text(point)}{tail})", _ATOM
        case MatrixNode():
            return _matrix(node)
        case Binding():
            return fold_text(apart(node), to_text), _ATOM
    raise TypeError(f"not an expression: {type(node).__name__}")


def _matrix(node: MatrixNode) -> tuple[str, int]:
    match node:
        case Eye() | Zeros() | Transpose() | Inverse() | Trace() | Det():
            name = _MATRIX_CALLS[type(node)]
            return f"{name}({', '.join(map(to_text, node.parts))})", _ATOM
        case MatAdd(args):
            out = _wrap(args[0], _NEG)
            for a in args[1:]:
                under = a.arg if isinstance(a, MatScale) and a.factor == MINUS else None
                out += f" + {_wrap(a, _MUL)}" if under is None else f" - {_wrap(under, _MUL)}"
            return out, _ADD
        case MatMul(args):
            return "@".join(_wrap(a, _POW) for a in args), _MUL
        case MatScale(factor, arg):
            if factor == MINUS:
                return f"-{_wrap(arg, _POW)}", _NEG
            return f"{_wrap(factor, _MUL)}*{_wrap(arg, _POW)}", _MUL
    raise TypeError(f"not an expression: {type(node).__name__}")
