"""E10, computer algebra: SymPy's ``doit`` and ``simplify`` in a killable child process, and numbers that agree.

For integrals, limits, and as a last resort for identities. SymPy is believed only when it says "zero", only after both
sides agreed numerically without it, and only for the grade ``cas``. "Not zero" means nothing.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from dltsym.notation.tree import Decl, Expr, Rel, Sum, Sym
from dltsym.notation.walk import children, free_symbols, substitute, subterms
from dltsym.prove.cas_check import CrossCheckFailed, gaps
from dltsym.prove.engines import Engine
from dltsym.prove.problem import Problem
from dltsym.prove.signs import entails
from dltsym.prove.tower_signs import ZERO
from dltsym.prove.verdict import Row, Verdict, open_, proved

NAME, SECONDS, MAX_NODES = "cas", 10.0, 400


def run(problem: Problem) -> Verdict:
    """Ask SymPy whether ``lhs - rhs`` is zero, and check its answer by numbers.

    Parameters
    ----------
    problem : Problem
        Goal with ``=``.

    Returns
    -------
    Verdict

    Raises
    ------
    CrossCheckFailed
        When SymPy says zero and the numbers differ.
    """
    goal = problem.goal
    if sum(1 for _ in subterms(goal)) > MAX_NODES:
        return open_(NAME, f"more than {MAX_NODES} nodes")
    rows = _ranges(problem)
    if rows is None:
        return open_(NAME, "a sum may have a range that SymPy reads in another way")
    answer = ask(goal, {s: a for s in free_symbols(goal) if (a := _assumed(s, problem))})
    if not answer.get("zero"):
        late = {"timeout": True} if answer.get("timeout") else {}
        return open_(NAME, f"SymPy: {answer['call']}", version=answer.get("version", ""), **late)
    found = gaps(problem)
    if not found:
        return open_(NAME, "SymPy says zero, but no point gave numbers to check it by", call=answer["call"])
    bad = [g for g in found if not g.agrees]
    if bad:
        where = f"at {bad[0].point} the sides differ by {bad[0].size:.3g}"
        raise CrossCheckFailed(f"SymPy reduces {goal} to zero, but {where}")
    checks = [{"point": g.point, "difference": f"{g.size:.1e}"} for g in found]
    return proved(NAME, "cas", rows, call=answer["call"], version=answer["version"], cross_check=checks)


def ask(goal: Rel, extra: dict[Sym, dict[str, bool]], seconds: float = SECONDS) -> dict[str, Any]:
    """Put the question to a fresh Python process, which is killed when it takes too long.

    Parameters
    ----------
    goal : Rel
        Equation.
    extra : dict
        Proved assumptions about symbols.
    seconds : float
        Budget.

    Returns
    -------
    dict
        Keys ``zero``, ``call`` and ``version``.
    """
    return _child((goal, extra), seconds)


def _child(question: tuple[Any, ...], seconds: float) -> dict[str, Any]:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "PYTHONHASHSEED": "0"}
    command = [sys.executable, "-m", "dltsym.prove.cas_worker"]
    try:
        done = subprocess.run(
            command, input=pickle.dumps(question), capture_output=True, timeout=seconds, env=env, check=False
        )
    except subprocess.TimeoutExpired:
        return {"zero": False, "timeout": True, "call": f"timeout after {seconds:g} s"}
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        return {"zero": False, "call": f"failed: {' '.join(last)}"}
    return json.loads(done.stdout)


def propose(body: Expr, var: Sym, problem: Problem, seconds: float = SECONDS / 2) -> str | None:
    """Ask SymPy for an antiderivative; it is a proposal that nobody believes before it is proved.

    Parameters
    ----------
    body : Expr
        Integrand.
    var : Sym
        Variable.
    problem : Problem
        Where signs of the other symbols come from.
    seconds : float
        Budget.

    Returns
    -------
    str or None
        Text in the grammar of the notation, where the variable is called ``integration_variable``.
    """
    x = Sym(Decl("integration_variable", "real"))
    extra = {s: a for s in free_symbols(body) - {var} if (a := _assumed(s, problem))}
    return _child((substitute(body, {var: x}), x, extra), seconds).get("found")


def _assumed(s: Sym, problem: Problem) -> dict[str, bool]:
    """Return what SymPy may assume about a symbol beyond its declaration: a sign that the hypotheses prove."""
    if s.decl.sort == "array":
        return {}
    signs = {"positive": Rel(ZERO, "<", s), "negative": Rel(s, "<", ZERO), "nonzero": Rel(s, "!=", ZERO)}
    for name, rel in signs.items():
        if entails(rel, problem, deep=False) is not None:
            return {name: True}
    return {}


def _ranges(problem: Problem) -> tuple[Row, ...] | None:
    """Prove ``lo <= hi + 1`` for every sum, where SymPy's convention and ours agree; None when one is open."""
    rows = []
    for rel, local in _sums(problem.goal, ()):
        row = entails(rel, problem, local, deep=False)
        if row is None:
            return None
        rows.append(row)
    return tuple(dict.fromkeys(rows))


def _sums(node: Expr | Rel, local: tuple[Rel, ...]) -> Iterator[tuple[Rel, tuple[Rel, ...]]]:
    if isinstance(node, Sum):
        for v, lo, hi in reversed(node.limits):
            yield Rel(lo, "<=", hi + 1), local
            yield from (pair for end in (lo, hi) for pair in _sums(end, local))
            local = (*local, Rel(lo, "<=", v), Rel(v, "<=", hi))
        yield from _sums(node.body, local)
        return
    for child in children(node):
        yield from _sums(child, local)


ENGINE = Engine(NAME, "cas", 700, ("=",), SECONDS + 4, run)
