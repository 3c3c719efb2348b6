"""Plain text of folds, cases, recurrences, order and iterations, as `dltsym.notation.parse_folds` reads it."""

from __future__ import annotations

from collections.abc import Callable

from dltsym.notation.folds import Binding, Cases, Fold, Iterate, Order, Recurrence, StateSpec
from dltsym.notation.tree import Expr, Rel, Sym

Text = Callable[[Expr | Rel], str]


def fold_text(node: Binding, text: Text) -> str:
    """Print a node that binds names in some of its parts.

    Parameters
    ----------
    node : Binding
        Node.
    text : callable
        Printer of its parts.

    Returns
    -------
    str

    Raises
    ------
    TypeError
        For another node.
    """
    match node:
        case Fold(op, body, limits):
            ranges = ", ".join(_range(v, lo, hi, text) for v, lo, hi in limits)
            return f"{op}_over({text(body)}, {ranges})"
        case Cases(branches, otherwise):
            pairs = [f"({' and '.join(map(text, cs))}, {text(e)})" for cs, e in branches]
            return f"cases({', '.join(pairs)}, {text(otherwise)})"
        case Recurrence(var, lo, at, state, init, step):
            return f"scan_over({text(step)}, ({state.name}, {text(init)}), {_range(var, lo, at, text)})"
        case Order(kind, body, var, lo, hi, at, k):
            tail = f", {text(k)}" if kind == "topk" else ""
            return f"{kind}_over({text(body)}, {_range(var, lo, hi, text)}, {text(at)}{tail})"
        case Iterate():
            return _iterate(node, text)
    raise TypeError(f"not an expression: {type(node).__name__}")


def _range(var: Sym, lo: Expr, hi: Expr, text: Text) -> str:
    return f"({var.name}, {text(lo)}, {text(hi)})"


def _state(s: StateSpec, text: Text) -> str:
    head = f"{s.symbol.name}[{', '.join(v.name for v in s.index)}]" if s.index else s.symbol.name
    ranges = "".join(f", {_range(v, lo, hi, text)}" for v, (lo, hi) in zip(s.index, s.ranges, strict=True))
    return f"({head}, {text(s.init)}, {text(s.step)}{ranges})"


def _iterate(node: Iterate, text: Text) -> str:
    verb = f"iterate{'_together' if node.simultaneous else ''}{'' if node.tol is None else '_until'}"
    first = [] if node.tol is None else [text(node.tol)]
    return f"{verb}({', '.join([*first, text(node.out), text(node.count), *(_state(s, text) for s in node.states)])})"
