"""Replay of reductions: a goal follows from easier ones, each with a certificate of its own.

``{"kind": "reduction", "rule": text, "parts": [CERTIFICATE, ...]}``; `ways` writes down the few goals that each rule
asks for, so a certificate only names the rule.

- *cases*: ``|u|``, ``max`` and ``min`` are one thing where a difference is ``>= 0`` and another where it is ``<= 0``;
- *squares*: ``a <= b`` follows from ``0 <= b`` and ``a**2 <= b**2``; one root is brought to a side of its own first;
- *inverses*: what is within a radius of relative entropy is below its inverse, see `dltsym.prove.replay.inverses`;
- *means*: a sum inside a function is called m, with ``m = sum`` as a hypothesis; the claim holds for every such m.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import Any

from dltsym.notation.calculus import ONE, ZERO, add, mul
from dltsym.notation.tree import Add, Call, Decl, Div, Expr, Mul, Neg, Num, Pow, Rel, Sum, Sym
from dltsym.notation.walk import binders, children, key, rebuild, subterms
from dltsym.prove.problem import Problem
from dltsym.prove.replay import replay
from dltsym.prove.replay.inverses import certain, inverses
from dltsym.prove.replay.place import need, only
from dltsym.prove.replay.side import Store

KIND = "reduction"
TWO = Num(Fraction(2))


@dataclass(frozen=True)
class Reduction:
    """One way to prove a goal: all `parts`, each a goal under more hypotheses, give it."""

    rule: str
    parts: tuple[Problem, ...]


def check(problem: Problem, certificate: Mapping[str, Any]) -> None:
    """Replay a reduction.

    Parameters
    ----------
    problem : Problem
        Goal ``<`` or ``<=``.
    certificate : mapping
        Certificate of the form above.
    """
    only(certificate, "kind", "rule", "parts")
    need(problem.goal.op in ("<", "<=", "="), "only these relations are reduced")
    way = next((w for w in ways(problem) if w.rule == certificate["rule"]), None)
    need(way is not None, "no such reduction of this goal")
    assert way is not None
    need(len(way.parts) == len(certificate["parts"]), "another number of parts")
    for part, inner in zip(way.parts, certificate["parts"], strict=True):
        replay(part, inner)


def ways(problem: Problem) -> Iterator[Reduction]:
    """Yield the reductions of a goal.

    Parameters
    ----------
    problem : Problem
        Goal ``<`` or ``<=``, defined wherever the hypotheses hold; ``=`` where it mentions an inverse.

    Yields
    ------
    Reduction
    """
    if problem.goal.op == "=":
        yield from by_definition(problem)
        return
    cases = _cases(problem)
    if cases is not None:
        yield cases
        return
    yield from by_definition(problem)
    yield from _squares(problem)
    yield from _means(problem)


def by_definition(problem: Problem) -> Iterator[Reduction]:
    """Yield the reductions of a goal about an inverse of relative entropy.

    Parameters
    ----------
    problem : Problem
        Goal ``<``, ``<=`` or ``=``, defined wherever the hypotheses hold.

    Yields
    ------
    Reduction
    """
    for rule, goals in inverses(problem):
        yield Reduction(rule, tuple(problem.with_goal(goal, *given) for goal, given in goals))


# ---- cases ----


def _cases(problem: Problem) -> Reduction | None:
    """Split at the first absolute value, maximum or minimum outside sums."""
    for term in subterms(problem.goal):
        if not isinstance(term, Call) or term.name not in ("abs", "max", "min"):
            continue
        if any(key(term) in {key(t) for t in subterms(b)} for b in _binding(problem.goal)):
            continue
        first, second = (term.args[0], ZERO) if term.name == "abs" else term.args
        low = second if term.name != "abs" else Neg(first)
        if term.name == "min":
            first, low = low, first
        other = ZERO if term.name == "abs" else term.args[1]
        ends = ((Rel(other, "<=", term.args[0]), first), (Rel(term.args[0], "<=", other), low))
        parts = tuple(problem.with_goal(_put(problem.goal, term, value), case) for case, value in ends)
        return Reduction(f"cases of {term}", parts)
    return None


def _binding(goal: Rel) -> list[Expr]:
    return [t for t in subterms(goal) if not isinstance(t, Rel) and binders(t)]


def _put(node: Rel, old: Expr, new: Expr) -> Rel:
    def swap(e: Expr | Rel) -> Expr | Rel:
        if not isinstance(e, Rel) and key(e) == key(old):
            return new
        kids = children(e)
        return rebuild(e, tuple(swap(c) for c in kids)) if kids else e  # type: ignore[arg-type, return-value]

    return swap(node)  # type: ignore[return-value]


# ---- squares ----


def _squares(problem: Problem) -> Iterator[Reduction]:
    """Bring one root to a side of its own and square, where the larger side is not negative."""
    goal = problem.goal
    terms = _terms(goal.rhs, 1) + _terms(goal.lhs, -1)  # goal: their sum is >= 0
    for k, (c, term) in enumerate(terms):
        if not _is_root(term):
            continue
        rest = add(*(e if s > 0 else Neg(e) for j, (s, e) in enumerate(terms) if j != k))
        small, big = (Neg(rest), term) if c > 0 else (term, rest)
        sign = Rel(ZERO, "<=", _rootless(big))
        parts = (*([] if sign.rhs == ONE else [sign]), Rel(_square(small), goal.op, _square(big)))
        yield Reduction(f"square of {small} {goal.op} {big}", tuple(map(problem.with_goal, parts)))


def _terms(e: Expr, sign: int) -> list[tuple[int, Expr]]:
    match e:
        case Add(args):
            return [t for a in args for t in _terms(a, sign)]
        case Neg(arg):
            return _terms(arg, -sign)
    return [(sign, e)] if key(e) != key(ZERO) else []


def _is_root(e: Expr) -> bool:
    match e:
        case Call("sqrt", _):
            return True
        case Mul(args):
            return any(map(_is_root, args))
        case Div(num, den):
            return _is_root(num) or _is_root(den)
    return False


def _rootless(e: Expr) -> Expr:
    """Return an expression without roots at the top: it has the sign of `e`, or ``e = 0``."""
    match e:
        case Call("sqrt", _):
            return ONE
        case Mul(args):
            return mul(*map(_rootless, args))
        case Div(num, den):
            return mul(_rootless(num), _rootless(den)) if _rootless(den) != den else Div(_rootless(num), den)
    return e


def _square(e: Expr) -> Expr:
    """Return the square, with roots at the top written without one (they are defined where the goal is)."""
    match e:
        case Call("sqrt", (u,)):
            return u
        case Neg(arg):
            return _square(arg)
        case Mul(args):
            return mul(*map(_square, args))
        case Div(num, den):
            return Div(_square(num), _square(den))
        case Add() if any(_is_root(t) for _, t in _terms(e, 1)):
            terms = _terms(e, 1)
            mixed = [(a * b, mul(TWO, s, t)) for (a, s), (b, t) in combinations(terms, 2)]
            return add(*(_square(t) for _, t in terms), *(p if sign > 0 else Neg(p) for sign, p in mixed))
    return Pow(e, TWO)


# ---- means ----


def _means(problem: Problem) -> Iterator[Reduction]:
    """Give a name to every sum inside a function or power; its value and its sign are hypotheses."""
    inner = {key(s): s for side in (problem.goal.lhs, problem.goal.rhs) for s in _inner_sums(side, False)}
    if not inner:
        return
    taken = {s.name for s in problem.symbols}
    names = (n for n in (f"m{k}" for k in range(1, 99)) if n not in taken)
    store = Store(certain(problem))
    goal, given = problem.goal, []
    for total in inner.values():
        name = Sym(Decl(next(names), "real"))
        goal = _put(goal, total, name)
        given.append(Rel(total, "=", name))
        sign = next((op for op in ("<", "<=") if store.follows(Rel(ZERO, op, total))), None)
        given += [Rel(ZERO, sign, name)] if sign else []
    rule = "; ".join(f"{r.rhs} = {r.lhs}" for r in given if r.op == "=")
    yield Reduction(rule, (problem.with_goal(goal, *given),))


def _inner_sums(e: Expr, inside: bool) -> Iterator[Expr]:
    match e:
        case Sum():
            if inside:
                yield e
        case Add(args):
            for a in args:
                yield from _inner_sums(a, inside)
        case Neg(arg):
            yield from _inner_sums(arg, inside)
        case _ if not binders(e):  # a sum under a binder may depend on its variable
            for c in children(e):
                yield from _inner_sums(c, True)
