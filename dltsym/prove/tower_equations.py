"""Using equality hypotheses in the exact tower, by linear elimination.

An equation that is linear in one symbol, array entry or opaque node, with a coefficient proved not to vanish, is solved
and substituted into the tree. What cannot be solved on trees (``log(a) = b``) is eliminated from the numerator.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flint import fmpq_mpoly

from dltsym.notation.tree import Add, Call, Expr, Index, Integral, Neg, Rel, Sum, Sym
from dltsym.notation.walk import children, free_symbols, key, rebuild, substitute, subterms
from dltsym.prove.problem import Problem
from dltsym.prove.tower_field import Frac, Unknown
from dltsym.prove.tower_map import to_frac
from dltsym.prove.tower_signs import entailed, nonzero
from dltsym.prove.tower_state import Tower

CALLS = frozenset(("exp", "log", "sqrt", "sin", "cos"))
MAX_EQUATIONS = 12


@dataclass(frozen=True)
class Solved:
    """An equation solved for `target`."""

    target: Expr
    value: Expr
    text: str

    def apply(self, node: Any) -> Any:
        """Return a tree or relation with the target replaced; the very same object when it does not occur."""
        if isinstance(self.target, Sym):
            return substitute(node, {self.target: self.value}) if self.target in free_symbols(node) else node
        return _replace(node, type(self.target), key(self.target), self.value)


def _replace(node: Any, kind: type, name: str, value: Expr) -> Any:
    if isinstance(node, kind) and key(node) == name:
        return value
    old = children(node)
    new = tuple(_replace(c, kind, name, value) for c in old)
    return node if all(a is b for a, b in zip(old, new, strict=True)) else rebuild(node, new)


def occurs(target: Expr, node: Expr) -> bool:
    """Return whether `target` occurs in `node`."""
    if isinstance(target, Sym):
        return target in free_symbols(node)
    name = key(target)
    return any(isinstance(s, type(target)) and key(s) == name for s in subterms(node))


def equations(
    problem: Problem,
    goal: Expr,
    construct: Callable[..., Any],
) -> tuple[tuple[Solved, ...], tuple[tuple[str, Expr], ...]]:
    """Return the equality hypotheses, those solved on trees in order of use and the differences of the others.

    Parameters
    ----------
    problem : Problem
        Its `given` and `facts` are read.
    goal : Expr
        What is to vanish; symbols that occur in it are solved for first.
    construct : callable
        `dltsym.prove.tower.construct`.

    Returns
    -------
    tuple
        Solved equations, and ``(text, difference)`` for the others.
    """
    solved: list[Solved] = []
    left: list[tuple[str, Expr]] = []
    for rel in [r for r in problem.known if r.op == "=" and applies(r, goal, problem)][:MAX_EQUATIONS]:
        now = rel
        for s in solved:
            now = s.apply(now)
            goal = s.apply(goal)
        found = _literal(now, goal) or _linear(now, goal, problem, construct)
        if found is None:
            left.append((str(rel), Add((now.lhs, Neg(now.rhs)))))
        elif found.target != found.value:
            solved.append(Solved(found.target, found.value, str(rel)))
    rest = []
    for text, e in left:
        for s in solved:
            e = s.apply(e)
        rest.append((text, e))
    return tuple(solved), tuple(rest)


def applies(rel: Rel, goal: Expr, problem: Problem) -> bool:
    """Return whether a hypothesis holds as it stands: an index that is not the goal's own needs a non-empty range."""
    mine = free_symbols(goal) | free_symbols(problem.goal)
    for s in free_symbols(rel):
        if s.decl.sort == "index" and s not in mine:
            lo, hi = s.decl.lo, s.decl.hi
            if lo is None or hi is None or entailed(Rel(lo, "<=", hi), problem) is None:
                return False
    return True


def _target(e: Expr) -> bool:
    """Return whether an equation may be solved for `e` by replacing it in trees."""
    if isinstance(e, Sym):
        return e.decl.sort == "real" and e.decl.definition is None
    return isinstance(e, Index | Sum | Integral) or (isinstance(e, Call) and e.name not in CALLS)


def _literal(rel: Rel, goal: Expr) -> Solved | None:
    """Read ``s = expr`` as it is written."""
    pairs = [(a, b) for a, b in ((rel.lhs, rel.rhs), (rel.rhs, rel.lhs)) if _target(a) and not occurs(a, b)]
    pairs.sort(key=lambda ab: (not occurs(ab[0], goal), not isinstance(ab[0], Sym)))
    return Solved(*pairs[0], str(rel)) if pairs else None


def _linear(rel: Rel, goal: Expr, problem: Problem, construct: Callable[..., Any]) -> Solved | None:
    """Solve an equation for a generator that is linear in it."""
    try:
        return construct(problem, lambda t: _solve(t, rel, goal))[0]
    except Unknown:
        return None


def _solve(t: Tower, rel: Rel, goal: Expr) -> Solved | None:
    num = to_frac(t, Add((rel.lhs, Neg(rel.rhs)))).num
    used = [i for i, n in enumerate(num.degrees()) if n > 0]
    best: list[tuple[tuple, int, fmpq_mpoly]] = []
    for i in used:
        target = t.gens[i].arg
        if num.degrees()[i] != 1 or not _target(target):
            continue
        if any(occurs(target, t.gens[j].arg) for j in used if j != i):
            continue
        a = num.derivative(i)
        rank = (not occurs(target, goal), not a.is_constant(), not isinstance(target, Sym), len(a), i)
        best.append((rank, i, a))
    for _, i, a in sorted(best, key=lambda b: b[0]):
        if is_unit(t, a):
            value = t.field.normal(a * t.field.vars[i] - num, a)
            return Solved(t.gens[i].arg, t.tree(value), str(rel))
    return None


def is_unit(t: Tower, p: fmpq_mpoly) -> bool:
    """Return whether every factor of a polynomial is proved not to vanish."""
    return all(nonzero(t, f) for f, _ in t.field.factors(Frac(p, t.field.one))[1])


def eliminate(t: Tower, num: fmpq_mpoly, left: list[tuple[str, fmpq_mpoly]]) -> tuple[fmpq_mpoly, tuple[str, ...]]:
    """Eliminate generators from a numerator by equations ``p = 0`` that are linear in them.

    Parameters
    ----------
    t : Tower
        Construction that owns the polynomials.
    num : fmpq_mpoly
        Numerator.
    left : list of (str, fmpq_mpoly)
        Equations with their texts.

    Returns
    -------
    tuple
        A polynomial that vanishes only where the numerator does (given the equations), and the equations used.
    """
    uses, todo = [], list(left)
    while todo and not num.is_zero():
        text, p = todo.pop(0)
        found = _pivot(t, p, num)
        if found is None:
            continue
        i, a = found
        uses.append(text)
        num = substitute_poly(t, num, i, a, p)
        todo = [(name, substitute_poly(t, q, i, a, p)) for name, q in todo]
    return num, tuple(uses)


def _pivot(t: Tower, p: fmpq_mpoly, num: fmpq_mpoly) -> tuple[int, fmpq_mpoly] | None:
    """Return the last generator of `num` that `p` is linear in, with its coefficient; None if there is none."""
    if p.is_zero():
        return None
    degrees, wanted = p.degrees(), num.degrees()
    for i in reversed(range(len(t.gens))):
        if degrees[i] == 1 and wanted[i] > 0:
            a = p.derivative(i)
            if is_unit(t, a):
                return i, a
    return None


def substitute_poly(t: Tower, q: fmpq_mpoly, i: int, a: fmpq_mpoly, p: fmpq_mpoly) -> fmpq_mpoly:
    """Replace generator `i` in `q` by the root of ``p = a*g + b``, times a power of ``a`` that clears it."""
    top = int(q.degrees()[i])
    b = a * t.field.vars[i] - p
    groups: dict[int, dict] = {}
    for e, c in q.to_dict().items():
        groups.setdefault(int(e[i]), {})[(*e[:i], 0, *e[i + 1 :])] = c
    out = t.field.ctx.constant(0)
    for k, part in groups.items():
        clear = t.field.product(t.field.poly_power(b, k), t.field.poly_power(a, top - k))
        out += t.field.product(t.field.ctx.from_dict(part), clear)
    return t.field.reduce(out)[0]
