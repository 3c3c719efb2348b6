"""Undoing the outermost operation of a relation: each layer is a small lemma in fresh names, proved both ways.

``sqrt(t) <= s`` holds just when ``t <= s**2``, if ``t`` and ``s`` are not negative. The lemma is proved once for all
real ``t`` and ``s`` of the signs at hand, and then used at the expressions of the relation like any other theorem.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from dltsym.errors import ProofError
from dltsym.notation.calls import exp, log, sqrt
from dltsym.notation.tree import Add, Call, Decl, Div, Expr, Mul, Neg, Num, Pow, Rel, Sym
from dltsym.notation.walk import children, free_symbols, substitute
from dltsym.prove.problem import Problem
from dltsym.prove.signs import entails
from dltsym.prove.verdict import PROVED, open_
from dltsym.session.finding import Finding
from dltsym.session.lemmas import Instance, known_of
from dltsym.session.messages import demand
from dltsym.session.powers import minus, over, plus, times, to_power
from dltsym.session.settle import settle
from dltsym.session.state import cleared

ZERO, ONE = Num(Fraction(0)), Num(Fraction(1))
FLIP = {"<=": ">=", ">=": "<=", "<": ">", ">": "<", "=": "=", "!=": "!="}
SIGNS = {">": (True, False), ">=": (False, False), "<": (True, True), "<=": (False, True), "": (False, None)}

Make = Callable[[Mapping[str, Sym]], Expr]


@dataclass(frozen=True)
class Layer:
    """One undone layer: both relations, the right side without needless ones, and the proofs of both directions."""

    to: Rel
    tidy: Expr
    proofs: tuple[Finding, ...]


def undone(rel: Rel, n: Sym, tidy: Expr, problem: Problem) -> Layer | None:
    """Undo the outermost operation on the left of a relation.

    Parameters
    ----------
    rel : Rel
        Relation; `n` occurs once, on the left.
    n : Sym
        What is solved for.
    tidy : Expr
        Right side in a shorter form, carried along.
    problem : Problem
        Hypotheses, for the signs of the parts.

    Returns
    -------
    Layer or None
    """
    for parts, shape, image, short in _shapes(rel.lhs, n, tidy):
        parts = {**parts, "s": rel.rhs}
        free = {"exp": "t", "log": "s"}.get(getattr(rel.lhs, "name", ""))  # a sign there would only hide the lemma
        signs = {name: "" if name == free else sign(e, problem) for name, e in parts.items()}
        fresh = {name: _fresh(name, signs[name]) for name in parts}
        at = tuple(sorted((fresh[name].name, e) for name, e in parts.items()))
        back = {fresh[name]: e for name, e in parts.items()}
        for op in (rel.op, FLIP[rel.op]):
            a, b = Rel(shape(fresh), rel.op, fresh["s"]), Rel(fresh["t"], op, image(fresh))
            there, here = lemma(a, b), lemma(b, a)
            if there.status != PROVED or here.status != PROVED:
                continue
            to = substitute(b, back)
            proofs = (
                demand(settle(to, Instance(known_of(there), at), extra=(rel,)), doing=str(rel)),
                demand(settle(rel, Instance(known_of(here), at), extra=(to,)), doing=str(to)),
            )
            return Layer(to, short, proofs)
    return None


@lru_cache(maxsize=256)
def lemma(premise: Rel, conclusion: Rel) -> Finding:
    """Decide an implication from nothing but itself and the domains of its names.

    Parameters
    ----------
    premise, conclusion : Rel
        Relations.

    Returns
    -------
    Finding
        Open when it is not defined.
    """
    try:
        with cleared():
            return settle(conclusion, extra=(premise,))
    except ProofError as error:
        return Finding(conclusion, open_("statement", str(error)))


def sign(e: Expr, problem: Problem) -> str:
    """Return ``>``, ``>=``, ``<``, ``<=`` for the sign of an expression that the hypotheses prove, or empty.

    Parameters
    ----------
    e : Expr
        Expression.
    problem : Problem
        Hypotheses.

    Returns
    -------
    str
    """
    return next((op for op in (">", ">=", "<", "<=") if entails(Rel(e, op, ZERO), problem) is not None), "")


def _fresh(name: str, op: str) -> Sym:
    strict, below = SIGNS[op]
    low = {"lo": ZERO, "lo_open": strict} if below is False else {}
    high = {"hi": ZERO, "hi_open": strict} if below else {}
    return Sym(Decl(f"{name}__", "real", **low, **high))  # pyright: ignore[reportArgumentType]


def _shapes(e: Expr, n: Sym, c: Expr) -> Iterator[tuple[dict[str, Expr], Make, Make, Expr]]:
    """Yield the parts of the left side, how it is made of them, what remains on the right, and that in short."""
    if sum(n in free_symbols(a) for a in children(e)) != 1:
        return
    match e:
        case Neg(arg):
            yield {"t": arg}, lambda v: Neg(v["t"]), lambda v: Neg(v["s"]), minus(c)
        case Add(args) | Mul(args):
            inner = next(a for a in args if n in free_symbols(a))
            others = tuple(a for a in args if a is not inner)
            rest = others[0] if len(others) == 1 else type(e)(others)
            parts = {"t": inner, "r": rest}
            if isinstance(e, Add):
                yield parts, lambda v: v["t"] + v["r"], lambda v: v["s"] - v["r"], plus(c, minus(rest))
            else:
                yield parts, lambda v: v["t"] * v["r"], lambda v: v["s"] / v["r"], over(c, rest)
        case Div(num, den) if n in free_symbols(num):
            yield {"t": num, "r": den}, lambda v: v["t"] / v["r"], lambda v: v["s"] * v["r"], times(c, den)
        case Div(num, den):
            yield {"t": den, "r": num}, lambda v: v["r"] / v["t"], lambda v: v["r"] / v["s"], over(num, c)
        case Pow(base, Num() as k) if k.value:
            root = Num(1 / k.value)
            yield {"t": base}, lambda v: Pow(v["t"], k), lambda v: to_power(v["s"], root), to_power(c, root)
        case Call("sqrt", (arg,)):
            yield {"t": arg}, lambda v: sqrt(v["t"]), lambda v: v["s"] ** 2, to_power(c, Num(Fraction(2)))
        case Call("exp", (arg,)):
            yield {"t": arg}, lambda v: exp(v["t"]), lambda v: log(v["s"]), log(c)
        case Call("log", (arg,)):
            yield {"t": arg}, lambda v: log(v["t"]), lambda v: exp(v["s"]), exp(c)
