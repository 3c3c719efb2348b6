"""Laws of functions that a sum of squares certificate may use, each named and derived here from its arguments.

A law gives a relation and the conditions under which it holds; the checker proves these, and that every term of the
relation is defined.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from dltsym.functions.table import FUNCTIONS
from dltsym.notation.evaluate import evaluate
from dltsym.notation.parse import row_text
from dltsym.notation.tree import Call, Const, Diff, Div, Expr, Index, Integral, Limit, Mul, Neg, Num, Pow, Rel, Sum, Sym
from dltsym.notation.walk import free_symbols, subterms
from dltsym.prove.problem import bounds_of

ZERO, ONE = Num(Fraction(0)), Num(Fraction(1))
GRID = 10**9
INCREASING = ("exp", "log", "sqrt", "sigmoid", "softplus", "tanh", "sinh", "atan", "erf")
Local = tuple[Rel, ...]


@dataclass(frozen=True)
class Law:
    """`rel` holds if every relation of `sides` does; each of these comes with the local hypotheses it may use."""

    rel: Rel
    sides: tuple[tuple[Rel, Local], ...] = ()


Rows = tuple[Law, ...]


def rows(name: str, of: tuple[Expr, ...]) -> Rows:
    """Return the rows of a law at some terms; none when the terms have the wrong form.

    Parameters
    ----------
    name : str
        Law, a key of `LAWS`.
    of : tuple of Expr
        Terms it speaks about.

    Returns
    -------
    tuple of Law
    """
    return LAWS[name](*of)


def _table(e: Expr) -> Rows:
    """Rows of the function table: signs and bounds of a call."""
    if not isinstance(e, Call):
        return ()
    found = [row_text(e, text) for text in FUNCTIONS[e.name].facts]
    return tuple(Law(r.flipped()) for r in found if isinstance(r, Rel))


def _definition(e: Expr) -> Rows:
    """``f(u)`` is its definition, wherever that is defined."""
    if not isinstance(e, Call) or FUNCTIONS[e.name].definition is None:
        return ()
    body = row_text(e, FUNCTIONS[e.name].definition or "")
    return (Law(Rel(e, "=", body)),) if isinstance(body, Expr) else ()


def _bound(e: Expr) -> Rows:
    """``exp(u)*(1 - u) <= 1``, ``u - 1 <= u*log(u)``, and squares of the functions with branches."""
    if not isinstance(e, Call):
        return ()
    u = e.args[0]
    match e.name:
        case "exp":
            return (Law(Rel(e * (1 - u), "<=", ONE)),)
        case "log":
            return (Law(Rel(u - 1, "<=", u * e)),)
        case "abs":
            return (Law(Rel((e - u) * (e + u), "=", ZERO)),)
        case "max" | "min":
            return (Law(Rel((e - u) * (e - e.args[1]), "=", ZERO)),)
        case "delta":
            return (Law(Rel(e * e, "=", e)),)
    return ()


def _same(a: Expr, b: Expr) -> tuple[str, Expr, Expr] | None:
    if isinstance(a, Call) and isinstance(b, Call) and a.name == b.name and len(a.args) == len(b.args) == 1:
        return a.name, a.args[0], b.args[0]
    return None


def _tangent(a: Expr, b: Expr) -> Rows:
    """Put exp above its tangents and log below."""
    match _same(a, b):
        case "exp", u, w:
            return (Law(Rel(b * (u - w), "<=", a - b)),)
        case "log", u, w:
            return (Law(Rel(w * (a - b), "<=", u - w)),)
    return ()


def _increasing(a: Expr, b: Expr) -> Rows:
    """``(u - w)*(f(u) - f(w)) >= 0`` for an increasing function."""
    same = _same(a, b)
    if same is None or same[0] not in INCREASING:
        return ()
    return (Law(Rel(ZERO, "<=", (same[1] - same[2]) * (a - b))),)


def _order(a: Expr, b: Expr) -> Rows:
    """``f(u) <= f(w)`` if ``u <= w``, and strictly, for an increasing function."""
    same = _same(a, b)
    if same is None or same[0] not in INCREASING:
        return ()
    return tuple(Law(Rel(a, op, b), ((Rel(same[1], op, same[2]), ()),)) for op in ("<=", "<"))


def _beside(e: Expr) -> Rows:
    """Compare exp with 1, log and sqrt with 0, by their arguments."""
    if not isinstance(e, Call) or e.name not in ("exp", "log", "sqrt"):
        return ()
    here, there = {"exp": (ZERO, ONE), "log": (ONE, ZERO), "sqrt": (ZERO, ZERO)}[e.name]
    u = e.args[0]
    up = [Law(Rel(there, op, e), ((Rel(here, op, u), ()),)) for op in ("<=", "<")]
    return (*up, *(Law(Rel(e, op, there), ((Rel(u, op, here), ()),)) for op in ("<=", "<")))


def _root(e: Expr) -> Rows:
    """``base**(1/q)`` is not negative, and its power is the base."""
    if not isinstance(e, Pow) or not isinstance(e.exponent, Num) or e.exponent.value.numerator != 1:
        return ()
    return (Law(Rel(ZERO, "<=", e)), Law(Rel(Pow(e, Num(1 / e.exponent.value)), "=", e.base)))


def _power(e: Expr) -> Rows:
    """Call a power of a positive base positive, and on the side of 1 that base and exponent say."""
    if not isinstance(e, Pow):
        return ()
    base, x = e.base, e.exponent
    positive = (Rel(ZERO, "<", base), ())
    out = [Law(Rel(ZERO, "<", e), (positive,))]
    for large, rising in ((True, True), (True, False), (False, True), (False, False)):
        size = Rel(ONE, "<=", base) if large else Rel(base, "<=", ONE)
        sign = Rel(ZERO, "<=", x) if rising else Rel(x, "<=", ZERO)
        rel = Rel(ONE, "<=", e) if large == rising else Rel(e, "<=", ONE)
        out.append(Law(rel, (positive, (size, ()), (sign, ()))))
    return tuple(out)


def _product(a: Expr, b: Expr) -> Rows:
    """``exp(u)*exp(w) = exp(u + w)``."""
    match _same(a, b):
        case "exp", u, w:
            return (Law(Rel(a * b, "=", Call("exp", (u + w,)))),)
    return ()


def _logs(e: Expr) -> Rows:
    """Write the log of a product, quotient or power of positive terms as a sum of logs."""
    if not isinstance(e, Call) or e.name != "log" or not isinstance(e.args[0], Mul | Div | Pow):
        return ()
    parts: list[tuple[Expr, Expr]] = []
    _factors(e.args[0], ONE, parts)
    total: Expr = ZERO
    for f, k in parts:
        total = total + k * Call("log", (f,))
    return (Law(Rel(e, "=", total), tuple((Rel(ZERO, "<", f), ()) for f, _ in parts)),)


def _factors(e: Expr, k: Expr, out: list[tuple[Expr, Expr]]) -> None:
    match e:
        case Mul(args):
            for a in args:
                _factors(a, k, out)
        case Div(a, b):
            _factors(a, k, out)
            _factors(b, Neg(k), out)
        case Pow(a, x):
            _factors(a, k * x, out)
        case _:
            out.append((e, k))


def _value(e: Expr) -> Rows:
    """Enclose a closed constant by ball arithmetic."""
    if (
        free_symbols(e)
        or not isinstance(e, Call | Const)
        or any(isinstance(t, Sum | Integral | Limit | Diff) for t in subterms(e))
    ):
        return ()
    ball = evaluate(e, {}, 128)
    if not ball.is_finite():
        return ()
    low, high = ((x * GRID).floor().unique_fmpz() for x in (ball.lower(), ball.upper()))
    if low is None or high is None:
        return ()
    ends = Num(Fraction(int(low), GRID)), Num(Fraction(int(high) + 1, GRID))
    return (Law(Rel(ends[0], "<=", e)), Law(Rel(e, "<=", ends[1])))


def _entry(e: Expr) -> Rows:
    """Return the bounds that an array declares for its entries."""
    return tuple(Law(r) for r in bounds_of(e, e.array)) if isinstance(e, Index) else ()


def _sum(e: Expr) -> Rows:
    """Give a sum of terms of one sign that sign."""
    if not isinstance(e, Sum):
        return ()
    local = tuple(r for v, lo, hi in e.limits for r in (Rel(lo, "<=", v), Rel(v, "<=", hi)))
    return (
        Law(Rel(ZERO, "<=", e), ((Rel(ZERO, "<=", e.body), local),)),
        Law(Rel(e, "<=", ZERO), ((Rel(e.body, "<=", ZERO), local),)),
    )


LAWS: dict[str, Callable[..., Rows]] = {
    "table": _table,
    "definition": _definition,
    "bound": _bound,
    "tangent": _tangent,
    "increasing": _increasing,
    "order": _order,
    "beside": _beside,
    "root": _root,
    "power": _power,
    "product": _product,
    "logs": _logs,
    "value": _value,
    "entry": _entry,
    "sum": _sum,
}


def whole(rel: Rel) -> Rel:
    """Return ``a <= b - 1`` for ``a < b``; the caller knows that both sides are integers.

    Parameters
    ----------
    rel : Rel
        Strict relation.

    Returns
    -------
    Rel
    """
    return Rel(rel.lhs, "<=", rel.rhs - 1)


def at(rel: Rel, name: str) -> Sym | None:
    """Return the free index symbol of a relation with a given name.

    Parameters
    ----------
    rel : Rel
        Relation.
    name : str
        Name.

    Returns
    -------
    Sym or None
    """
    return next((s for s in free_symbols(rel) if s.name == name and s.decl.sort == "index"), None)


def indices(*rels: Rel) -> frozenset[Sym]:
    """Return the free index symbols of relations, with those that their ranges mention.

    Parameters
    ----------
    *rels : Rel
        Relations.

    Returns
    -------
    frozenset of Sym
    """
    found: set[Sym] = set()
    todo = {s for r in rels for s in free_symbols(r)}
    while todo:
        s = todo.pop()
        if s.decl.sort == "index" and s not in found:
            found.add(s)
            todo |= {t for b in (s.decl.lo, s.decl.hi) if b is not None for t in free_symbols(b)}
    return frozenset(found)
