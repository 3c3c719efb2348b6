"""Hypotheses that no integers satisfy, though reals do: parity, divisibility, an interval between two integers.

Equations between integers are solved exactly, variable by variable (Knuth, TAOCP vol. 2, 4.5.2); the inequalities that
remain bound integer forms, and a form whose smallest value is above its largest has none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from math import ceil, floor, gcd, lcm

from dltsym.notation.tree import Expr, Rel
from dltsym.notation.walk import free_symbols, key
from dltsym.prove.problem import Problem, declared_bounds
from dltsym.prove.sums_linear import is_integer, linear

Row = dict[str, int]  # coefficients by name; the constant has the name ""
MOST, MOST_ROUNDS = 60, 400


@dataclass(frozen=True)
class _Fact:
    """``sum of coefficients times integers (= or <=) 0``; a strict inequality has been tightened by 1."""

    row: tuple[tuple[str, int], ...]
    equal: bool


def no_integers(problem: Problem) -> tuple[str, ...]:
    """Return hypotheses that no integers satisfy, none of them superfluous.

    Parameters
    ----------
    problem : Problem
        Problem. Of its goal only the free index symbols matter: each is one integer in its range.

    Returns
    -------
    tuple of str
        Empty when no contradiction was found.
    """
    fixed = free_symbols(problem.goal)
    every = {s for s in problem.symbols if s.decl.sort == "index"} - fixed  # they speak about a range, maybe empty
    known = [r for r in problem.known if not free_symbols(r) & every]
    known += [b for s in problem.symbols if s not in every for b in declared_bounds(s)]
    facts: dict[str, _Fact] = {}
    for rel in known:
        fact = _read(rel)
        if fact is not None and len(facts) < MOST:
            facts[str(rel)] = fact
    if not _impossible(facts.values()):
        return ()
    for text in reversed(list(facts)):
        fewer = {k: f for k, f in facts.items() if k != text}
        if _impossible(fewer.values()):
            facts = fewer
    return tuple(facts)


def _read(rel: Rel) -> _Fact | None:
    """Read a relation between integer forms; the coefficients of the result are integers."""
    rel = rel.flipped()
    if rel.op == "!=":
        return None
    form = linear(rel.lhs - rel.rhs)
    if not form.terms or not all(_whole(a) for a, _ in form.terms):
        return None
    scale = lcm(form.const.denominator, *(c.denominator for _, c in form.terms))
    row = {key(a): int(c * scale) for a, c in form.terms} | {"": int(form.const * scale)}
    if rel.op == "<":
        row[""] += 1
    return _Fact(tuple(sorted(row.items())), rel.op == "=")


def _whole(atom: Expr) -> bool:
    return is_integer(atom) and not any(s.decl.sort == "bound" for s in free_symbols(atom))


def _impossible(facts: Iterable[_Fact]) -> bool:
    equations = [dict(f.row) for f in facts if f.equal]
    bounds = [dict(f.row) for f in facts if not f.equal]
    fresh = count()
    for _ in range(MOST_ROUNDS):
        if not equations:
            return _empty(bounds)
        row = equations.pop()
        names = [n for n, c in row.items() if n and c]
        divisor = gcd(*(row[n] for n in names))
        if not names or row[""] % divisor:
            if names or row[""]:
                return True
            continue
        row = {n: c // divisor for n, c in row.items() if c or not n}
        name = min(names, key=lambda n: (abs(row[n]), n))
        if abs(row[name]) == 1:
            image = {n: -c * row[name] for n, c in row.items() if n != name}
        else:  # a new integer for the quotients: the other coefficients become remainders
            image = {n: -(c // row[name]) for n, c in row.items() if n != name} | {f"new {next(fresh)}": 1}
            equations.append(_replaced(row, name, image))
        equations = [_replaced(r, name, image) for r in equations]
        bounds = [_replaced(r, name, image) for r in bounds]
    return False


def _replaced(row: Row, name: str, image: Row) -> Row:
    times = row.get(name, 0)
    if not times:
        return row
    out = {n: c for n, c in row.items() if n != name}
    for n, c in image.items():
        out[n] = out.get(n, 0) + times * c
    return {n: c for n, c in out.items() if c or not n}


def _empty(bounds: list[Row]) -> bool:
    """Whether two of the bounds ``row <= 0`` leave no integer for a form."""
    least: dict[tuple[tuple[str, int], ...], int] = {}
    most: dict[tuple[tuple[str, int], ...], int] = {}
    for row in bounds:
        names = sorted(n for n, c in row.items() if n and c)
        if not names:
            if row[""] > 0:
                return True
            continue
        divisor = gcd(*(row[n] for n in names)) * (1 if row[names[0]] > 0 else -1)
        form = tuple((n, row[n] // divisor) for n in names)
        edge = Fraction(-row[""], divisor)
        if divisor > 0:
            most[form] = min(floor(edge), most.get(form, floor(edge)))
        else:
            least[form] = max(ceil(edge), least.get(form, ceil(edge)))
    return any(form in most and low > most[form] for form, low in least.items())
