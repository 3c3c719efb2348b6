"""Candidates: forms and solutions that somebody, SymPy for example, suggests. Nothing here proves anything."""

from __future__ import annotations

import json
import math
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

from dltsym.errors import DltsymError
from dltsym.notation.parse import parse_expr
from dltsym.notation.tree import Call, Expr, Num, Pow, Rel, Sym
from dltsym.notation.walk import free_symbols, key
from dltsym.prove.exactsign import Exact
from dltsym.prove.named import Quotient, form_tree
from dltsym.prove.problem import Problem, prepare
from dltsym.prove.signs import entails
from dltsym.session.state import SESSION, in_force

SECONDS, ZERO = 8.0, Num(Fraction(0))


def consult(task: str, what: tuple[Any, ...], over: tuple[Sym, ...], problem: Problem) -> list[dict[str, Expr]]:
    """Ask SymPy in a fresh process, which is killed when it takes too long.

    Parameters
    ----------
    task : {"simpler", "solutions"}
        What to ask.
    what : tuple of Expr or Rel
        About what.
    over : tuple of Sym
        Unknowns.
    problem : Problem
        Hypotheses, from which proved signs are passed on.

    Returns
    -------
    list of dict of str to Expr
    """
    extra = {s: a for w in what for s in free_symbols(w) if (a := _sign(s, problem))}
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "PYTHONHASHSEED": "0"}
    command = [sys.executable, "-m", "dltsym.session.sympy_worker"]
    try:
        question = pickle.dumps((task, what, over, extra))
        done = subprocess.run(command, input=question, capture_output=True, timeout=SECONDS, env=env, check=False)
        said = done.stdout
    except subprocess.TimeoutExpired as late:
        said = late.stdout or b""
    return [idea for line in said.decode(errors="replace").splitlines() if (idea := _read(line, what))]


def _read(line: str, what: tuple[Any, ...]) -> dict[str, Expr]:
    names: dict[str, Expr] = {**SESSION.symbols, **{s.name: s for w in what for s in free_symbols(w)}}
    try:
        return {name: parse_expr(text, names) for name, text in json.loads(line).items()}
    except (DltsymError, ValueError):
        return {}


def _sign(s: Sym, problem: Problem) -> dict[str, bool]:
    """Return the sign of a symbol that the hypotheses prove."""
    if s.decl.sort == "array":
        return {}
    signs = {"positive": Rel(ZERO, "<", s), "negative": Rel(s, "<", ZERO), "nonzero": Rel(s, "!=", ZERO)}
    return next(({n: True} for n, rel in signs.items() if entails(rel, problem, deep=False) is not None), {})


def forms(e: Expr, extra: tuple[Rel, ...] = ()) -> Iterator[Expr]:
    """Yield forms that may equal an expression: its normal form, the root of that of its square, SymPy's.

    Parameters
    ----------
    e : Expr
        Expression.
    extra : tuple of Rel
        Further hypotheses.

    Yields
    ------
    Expr
        Shorter than `e`, each once, the shortest first.
    """
    problem = prepare(Rel(e, "=", e), (*(a.rel for a in in_force() if not a.cite), *extra))
    found = [*_own(problem), *(x for idea in consult("simpler", (e,), (), problem) for x in idea.values())]
    seen = {key(e)}
    for form in sorted(found, key=lambda x: (len(str(x)), str(x))):
        if key(form) not in seen and len(str(form)) < len(str(e)):
            seen.add(key(form))
            yield form


def _own(problem: Problem) -> Iterator[Expr]:
    e = problem.goal.lhs
    store = Exact(problem)
    plain = store.form(e)
    if plain is not None:
        yield form_tree(_whole(plain))
    square = store.form(Pow(e, Num(Fraction(2))))
    if square is not None and not any(g.kind == "root" for g in square.gens.values()):
        root = form_tree(_whole(square))
        yield Call("sqrt", (root,))
        yield -Call("sqrt", (root,))


def _whole(q: Quotient) -> Quotient:
    """Clear the fractions among the coefficients of a quotient: ``K/(2*n)``, not ``1/2*K/n``."""
    values = [*q.num.values(), *q.den.values()]
    scale = math.lcm(*(int(c.q) for c in values))
    common = math.gcd(*(int((c * scale).p) for c in values)) or 1
    num, den = ({m: c * scale / common for m, c in poly.items()} for poly in (q.num, q.den))
    return replace(q, num=num, den=den)
