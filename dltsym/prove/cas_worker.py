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

from dltsym.errors import UnknownNode
from dltsym.notation.sympy_bridge import to_sympy
from dltsym.notation.tree import Rel, Sym


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


def main() -> None:
    """Answer the question on standard input."""
    rel, extra = pickle.loads(sys.stdin.buffer.read())
    sys.stdout.write(json.dumps(zero_by(rel, extra)) + "\n")


if __name__ == "__main__":
    main()
