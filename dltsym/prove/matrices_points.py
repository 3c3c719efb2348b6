"""Counterexamples to matrix identities: exact rational matrices of small sizes that meet every hypothesis."""

from __future__ import annotations

import random
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from flint import fmpq, fmpq_mat

from dltsym.notation.matrices import (
    Det,
    Eye,
    Inverse,
    MatAdd,
    MatMul,
    Matrix,
    MatrixSym,
    MatScale,
    Trace,
    Transpose,
    Zeros,
)
from dltsym.notation.tree import Add, Div, Expr, Mul, Neg, Num, Pow, Rel, Sym
from dltsym.prove.problem import Problem, declared_bounds

TRIES, MAX_SIZE, MAX_POWER = 400, 3, 64
SCALARS = tuple(Fraction(p, q) for p, q in ((1, 2), (2, 1), (-1, 1), (1, 3), (3, 1), (1, 1), (0, 1), (-2, 3), (1, 7)))
Env = dict[str, Any]


class NoValue(Exception):
    """A tree has no exact value at a point."""


def refute(problem: Problem, tries: int = TRIES, seed: int = 0) -> dict[str, Any] | None:
    """Look for matrices that meet every hypothesis and not the goal.

    Parameters
    ----------
    problem : Problem
        Problem about matrices.
    tries, seed : int
        Points to draw, and the seed.

    Returns
    -------
    dict or None
        ``witness`` (names to exact values as text), ``lhs`` and ``rhs``; None when nothing was found.
    """
    for env in _inside(problem, tries, seed):
        try:
            if _holds(problem.goal, env):
                continue
            sides = [_text(value(e, env)) for e in (problem.goal.lhs, problem.goal.rhs)]
        except (NoValue, ZeroDivisionError):
            continue
        return {"witness": _shown(problem, env), "lhs": sides[0], "rhs": sides[1]}
    return None


def find(problem: Problem, tries: int = TRIES, seed: int = 0) -> dict[str, str] | None:
    """Look for matrices that meet every hypothesis.

    Parameters
    ----------
    problem : Problem
        Problem; its goal is ignored.
    tries, seed : int
        Points to draw, and the seed.

    Returns
    -------
    dict or None
        Exact values as text; None means "not found".
    """
    env = next(_inside(problem, tries, seed), None)
    return None if env is None else _shown(problem, env)


def _inside(problem: Problem, tries: int, seed: int) -> Iterator[Env]:
    rng = random.Random(f"matrices {seed}")
    bounds = [r for s in problem.symbols if not isinstance(s, MatrixSym) for r in declared_bounds(s)]
    for turn in range(tries):
        try:
            env = _draw(problem, rng, turn)
            good = all(_holds(r, env) for r in (*bounds, *problem.known))
        except (NoValue, ZeroDivisionError):
            continue
        if good:
            yield env


def _shown(problem: Problem, env: Env) -> dict[str, str]:
    return {s.name: _text(env[s.name]) for s in problem.symbols}


def _draw(problem: Problem, rng: random.Random, turn: int) -> Env:
    env: Env = {}
    top = 1 + turn % MAX_SIZE
    for s in problem.symbols:
        if s.decl.sort in ("integer", "index"):
            env[s.name] = fmpq(rng.randint(1, top))
        elif s.decl.sort == "real":
            c = rng.choice(SCALARS)
            env[s.name] = fmpq(c.numerator, c.denominator)
        elif not isinstance(s, MatrixSym):
            raise NoValue
    for s in problem.symbols:
        if isinstance(s, MatrixSym):
            env[s.name] = _matrix(rng, *(_whole(value(e, env)) for e in s.shape))
    return env


def _whole(x: Any) -> int:
    if not isinstance(x, fmpq) or x.q != 1 or not 1 <= x <= 8:
        raise NoValue
    return int(x.p)


def _matrix(rng: random.Random, rows: int, columns: int) -> fmpq_mat:
    """Draw a matrix: small integers, or one of the forms that projections, isometries and triangles have."""
    kind = rng.choice(("any", "any", "any", "unit", "diagonal", "symmetric", "permutation", "nilpotent", "zero"))
    entry = {
        "any": lambda i, j: rng.randint(-2, 2),
        "unit": lambda i, j: int(i == j),
        "diagonal": lambda i, j: rng.randint(0, 1) if i == j else 0,
        "zero": lambda i, j: 0,
        "nilpotent": lambda i, j: rng.randint(-1, 1) if i < j else 0,
    }
    if kind == "permutation":
        order = rng.sample(range(max(rows, columns)), max(rows, columns))
        entry["permutation"] = lambda i, j: int(order[i] == j)
    if kind == "symmetric":
        table = {(i, j): rng.randint(-2, 2) for i in range(8) for j in range(i + 1)}
        entry["symmetric"] = lambda i, j: table[max(i, j), min(i, j)]
    return fmpq_mat(rows, columns, [entry[kind](i, j) for i in range(rows) for j in range(columns)])


def _holds(rel: Rel, env: Env) -> bool:
    a, b = value(rel.lhs, env), value(rel.rhs, env)
    if rel.op in ("=", "!="):
        return (a == b) == (rel.op == "=")
    return a < b if rel.op == "<" else a <= b


def value(e: Expr, env: Env) -> Any:
    """Return the exact value of a tree.

    Parameters
    ----------
    e : Expr
        Matrix or number.
    env : dict
        Values of the symbols.

    Returns
    -------
    fmpq or fmpq_mat

    Raises
    ------
    NoValue
        For a node without an exact value, or a singular inverse.
    """
    match e:
        case Num(q):
            return fmpq(q.numerator, q.denominator)
        case Sym():
            return env[e.name]
        case Neg(arg):
            return -value(arg, env)
        case Add(args) | MatAdd(args):
            return _fold([value(a, env) for a in args], False)
        case Mul(args) | MatMul(args):
            return _fold([value(a, env) for a in args], True)
        case Div(a, b):
            return value(a, env) / value(b, env)
        case Pow(base, Num(n)) if n.denominator == 1 and abs(n) <= MAX_POWER:
            return value(base, env) ** int(n)
        case Matrix() | Trace() | Det():
            return _matrix_value(e, env)
    raise NoValue


def _matrix_value(e: Expr, env: Env) -> Any:
    match e:
        case Eye(size):
            n = _whole(value(size, env))
            return fmpq_mat(n, n, [int(i == j) for i in range(n) for j in range(n)])
        case Zeros(rows, columns):
            return fmpq_mat(_whole(value(rows, env)), _whole(value(columns, env)))
        case MatScale(factor, arg):
            return value(factor, env) * value(arg, env)
        case Transpose(arg):
            return value(arg, env).transpose()
        case Inverse(arg):
            return value(arg, env).inv()
        case Det(arg):
            return value(arg, env).det()
        case Trace(arg):
            m = value(arg, env)
            return sum((m[i, i] for i in range(m.nrows())), fmpq(0))
    raise NoValue


def _fold(values: list[Any], product: bool) -> Any:
    out = values[0]
    for v in values[1:]:
        out = out * v if product else out + v
    return out


def _text(x: Any) -> str:
    if isinstance(x, fmpq_mat):
        return str([[str(x[i, j]) for j in range(x.ncols())] for i in range(x.nrows())]).replace("'", "")
    return str(x)
