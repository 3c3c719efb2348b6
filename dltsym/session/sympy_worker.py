"""A child process that asks SymPy for ideas: simpler forms, solutions. It is believed about nothing.

It reads a pickled question on standard input and prints one JSON line per idea, at once, so that a killed process has
still said what it had found.
"""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Iterator
from typing import Any

import sympy as sp

from dltsym.errors import UnknownNode
from dltsym.notation.sympy_bridge import from_sympy, to_sympy
from dltsym.notation.tree import Expr, Rel, Sym

Extra = dict[Sym, dict[str, bool]]


def simpler(what: tuple[Expr, ...], _over: tuple[Sym, ...], extra: Extra) -> Iterator[dict[str, str]]:
    """Yield other forms of an expression."""
    e = to_sympy(what[0], extra).doit()
    for form in (sp.cancel, sp.factor, sp.simplify, sp.expand, sp.powdenest, lambda x: sp.logcombine(sp.simplify(x))):
        yield {"form": text(form(e))}


def solutions(what: tuple[Rel, ...], over: tuple[Sym, ...], extra: Extra) -> Iterator[dict[str, str]]:
    """Yield solutions of equations for symbols."""
    equations = [to_sympy(r.lhs, extra) - to_sympy(r.rhs, extra) for r in what]
    names = {to_sympy(s, extra): s.name for s in over}
    for found in sp.solve([e.doit() for e in equations], list(names), dict=True):
        if set(found) == set(names):
            yield {names[s]: text(value) for s, value in found.items()}


def text(e: Any) -> str:
    """Return a SymPy expression in our grammar; empty when it has no place there."""
    try:
        return str(from_sympy(e))
    except UnknownNode:
        return ""


TASKS = {"simpler": simpler, "solutions": solutions}


def main() -> None:
    """Answer the question on standard input."""
    task, what, over, extra = pickle.loads(sys.stdin.buffer.read())
    for idea in TASKS[task](what, over, extra):
        sys.stdout.write(json.dumps(idea) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
