"""The child process of the ``cas`` engine: SymPy says whether ``lhs - rhs`` is zero.

It reads a pickled question from its parent on standard input and prints one line of JSON. ``force=True`` is used
nowhere.
"""

from __future__ import annotations

import json
import pickle
import sys
from typing import Any

import sympy as sp

from dltsym.errors import UndeclaredSymbol, UnknownNode
from dltsym.notation.binding import Binding
from dltsym.notation.sympy_bridge import from_sympy, to_sympy
from dltsym.notation.tree import Expr, Integral, Rel, Sym
from dltsym.notation.walk import free_symbols, subterms


def zero_by(rel: Rel, extra: dict[Sym, dict[str, bool]]) -> dict[str, Any]:
    """Say by which calls SymPy reduces ``lhs - rhs`` to zero.

    Parameters
    ----------
    rel : Rel
        Equation.
    extra : dict
        Proved assumptions about symbols.

    Returns
    -------
    dict
        ``zero`` (bool), ``call`` and ``version``.
    """
    out = {"zero": False, "call": "", "version": sp.__version__}
    try:
        d = to_sympy(rel.lhs, extra) - to_sympy(rel.rhs, extra)
    except UnknownNode as err:
        return out | {"call": f"unknown node: {err}"}
    doit = ("doit", lambda e: e.doit())
    steps, calls = [doit, ("expand", sp.expand), ("simplify", sp.simplify), doit], []
    for name, step in steps:
        calls.append(name)
        d = step(d)
        if d is sp.S.Zero:
            return out | {"zero": True, "call": ", ".join(calls)}
        if d.has(sp.zoo, sp.nan):
            break
    return out | {"call": f"{', '.join(calls)} left {str(d)[:200]}"}


def antiderivative(body: Expr, var: Sym, extra: dict[Sym, dict[str, bool]]) -> dict[str, Any]:
    """Propose an antiderivative.

    Parameters
    ----------
    body : Expr
        Integrand.
    var : Sym
        Variable, a free real symbol.
    extra : dict
        Proved assumptions about symbols.

    Returns
    -------
    dict
        ``found``, text in the grammar of the notation, or None.
    """
    names = {s.name: s for s in free_symbols(body) | {var}}
    try:
        found = sp.integrate(to_sympy(body, extra), to_sympy(var, extra))
        tree = from_sympy(sp.simplify(found) if found.has(sp.Piecewise) else found, names, loose=True)
    except (UnknownNode, UndeclaredSymbol, NotImplementedError) as err:
        return {"found": None, "why": str(err)}
    fits = free_symbols(tree) <= free_symbols(body) | {var} and not any(
        isinstance(t, Integral | Binding) for t in subterms(tree)
    )
    return {"found": str(tree) if fits else None}


def main() -> None:
    """Answer the question on standard input: ``(relation, assumptions)`` or ``(integrand, variable, assumptions)``."""
    question = pickle.loads(sys.stdin.buffer.read())
    answer = zero_by(*question) if len(question) == 2 else antiderivative(*question)
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
