"""One Python function per row of the function table: ``log(x)`` builds the node, it computes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dltsym.errors import NotationError
from dltsym.functions.table import FUNCTIONS, lookup
from dltsym.notation.tree import Call, Const, Diff, Expr, Sym, as_expr

pi = Const("pi")


def _builder(name: str) -> Callable[..., Call]:
    row = FUNCTIONS[name]

    def build(*args: Any) -> Call:
        if len(args) != len(row.args):
            raise NotationError(f"{name} takes {len(row.args)} argument(s), got {len(args)}")
        return Call(name, tuple(as_expr(a) for a in args))

    build.__name__ = build.__qualname__ = name
    shown = f"{name}({', '.join(row.args)})"
    tail = f"Defined as ``{row.definition}``." if row.definition else "Primitive."
    build.__doc__ = f"{row.doc}\n\nBuilds the node ``{shown}``. {tail} Domain: {', '.join(row.domain) or 'all reals'}."
    return build


_BUILDERS = {name: _builder(name) for name in FUNCTIONS}


def __getattr__(name: str) -> Callable[..., Call]:
    row = lookup(name)
    if row is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _BUILDERS[row.name]


def diff(body: Any, var: Sym | Expr, order: int = 1) -> Diff:
    """Build the unevaluated derivative of `body`; the checker carries it out.

    Parameters
    ----------
    body : Expr or number
        What is differentiated.
    var : Sym or Index
        With respect to what.
    order : int
        How often.

    Returns
    -------
    Diff
    """
    return Diff(as_expr(body), var, order)
