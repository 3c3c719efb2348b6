r"""LaTeX of folds, cases, recurrences, order and iterations: ``\prod``, ``\max``, a ``cases`` block, brackets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from dltsym.notation.folds import Binding, Cases, Fold, Iterate, Order, Recurrence
from dltsym.notation.tree import Add, Decl, Expr, Index, Neg, Num, Rel, Sym
from dltsym.notation.walk import substitute

_OPERATORS = {
    "prod": r"\prod", "max": r"\max", "min": r"\min", "lse": r"\operatorname*{LSE}",
    "argmax": r"\operatorname*{arg\,max}", "argmin": r"\operatorname*{arg\,min}",
}  # fmt: skip
BIG, OPEN, FUNCTION, ATOM = "big", "open", "function", "atom"


@dataclass(frozen=True)
class Printer:
    """What prints parts: a symbol, a tree on one line or not, a tree as the body of a big operator, a relation."""

    symbol: Callable[[Sym], str]
    line: Callable[[Expr], str]
    free: Callable[[Expr], str]
    body: Callable[[Expr], str]
    relation: Callable[[Rel], str]


def fold_latex(node: Binding, p: Printer) -> tuple[str, str]:
    """Print a node that binds names in some of its parts.

    Parameters
    ----------
    node : Binding
        Node.
    p : Printer
        Printers of its parts.

    Returns
    -------
    tuple of str
        LaTeX, and how it binds: ``big`` like a sum, ``open`` needs brackets in any company, ``function``, ``atom``.

    Raises
    ------
    TypeError
        For another node.
    """
    match node:
        case Fold("prod" | "lse" as op, body, limits):
            signs = [rf"{_OPERATORS[op]}_{{{p.symbol(v)}={p.line(lo)}}}^{{{p.line(hi)}}}" for v, lo, hi in limits]
            return f"{' '.join(reversed(signs))} {p.body(body)}", BIG
        case Fold(op, body, limits):
            ranges = [rf"{p.line(lo)} \le {p.symbol(v)} \le {p.line(hi)}" for v, lo, hi in limits]
            sign = _OPERATORS.get(op) or rf"\operatorname*{{{op}}}"
            return f"{sign}_{{{', '.join(ranges)}}} {p.body(body)}", BIG
        case Cases():
            return _cases(node, p), OPEN
        case Recurrence():
            return _recurrence(node, p), ATOM
        case Order(kind, body, var, lo, hi, at, k):
            family = rf"\left\{{{p.free(body)}\right\}}_{{{p.symbol(var)}={p.line(lo)}}}^{{{p.line(hi)}}}"
            if kind == "rank":
                return rf"\operatorname{{rank}}_{{{p.line(at)}}} {family}", FUNCTION
            return rf"\mathbf{{1}}\left[{p.line(at)} \in \operatorname{{top}}_{{{p.line(k)}}} {family}\right]", ATOM
        case Iterate():
            return _iterate(node, p), ATOM
    raise TypeError(f"not an expression: {type(node).__name__}")


def _cases(node: Cases, p: Printer) -> str:
    both, line = r" \text{ and } ", r" \\ "
    rows = [rf"{p.free(value)} & \text{{if }} {both.join(map(p.relation, cs))}" for cs, value in node.branches]
    rows.append(rf"{p.free(node.otherwise)} & \text{{otherwise}}")
    return rf"\begin{{cases}} {line.join(rows)} \end{{cases}}"


def _before(e: Expr) -> Expr:
    if isinstance(e, Num):
        value = e.value - 1
        return Num(value) if value >= 0 else Neg(Num(-value))
    return Add((e, Neg(Num(Fraction(1)))))


def _named(state: Sym, at: str, p: Printer) -> Sym:
    """Return the state as a symbol printed with a time step."""
    return Sym(Decl(state.name, "real", latex=f"{p.symbol(state)}_{{{at}}}", uid=state.decl.uid))


def _recurrence(node: Recurrence, p: Printer) -> str:
    def h(at: Expr) -> Sym:
        return _named(node.state, p.line(at), p)

    step = substitute(node.step, {node.state: h(_before(node.var))})
    rule = f"{p.symbol(h(node.var))} = {p.free(step)}"
    start = f"{p.symbol(h(_before(node.lo)))} = {p.free(node.init)}"
    return rf"\left[{p.symbol(h(node.at))} \;\middle|\; {rule},\; {start}\right]"


def _iterate(node: Iterate, p: Printer) -> str:
    def head(k: int) -> str:
        s = node.states[k]
        return p.line(Index(s.symbol, s.index)) if s.index else p.symbol(s.symbol)

    every = range(len(node.states))
    starts = [f"{head(k)} = {p.free(node.states[k].init)}" for k in every]
    steps = [rf"{head(k)} \leftarrow {p.free(node.states[k].step)}" for k in every]
    how = r"\text{ at once, }" if node.simultaneous and len(steps) > 1 else r"\;"
    until = "" if node.tol is None else rf"\text{{ or until changes are}} \le {p.line(node.tol)}"
    rounds = rf"({', '.join(steps)}){how}{p.line(node.count)} \text{{ times}}{until}"
    return rf"\left[{p.free(node.out)} \;\middle|\; {', '.join(starts)};\; {rounds}\right]"
