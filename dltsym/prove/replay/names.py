"""Names that the grammar can read: certificates are text."""

from __future__ import annotations

import re
from dataclasses import replace

from dltsym.notation.tree import Expr, Rel, Sym
from dltsym.notation.walk import substitute
from dltsym.prove.problem import Problem


def readable(problem: Problem) -> Problem:
    """Return a problem whose symbols all have names that the grammar can read; the others get one like their own.

    Parameters
    ----------
    problem : Problem
        Prepared problem.

    Returns
    -------
    Problem
        The same object when there is nothing to rename.
    """
    taken = {s.name for s in problem.symbols}
    new: dict[Sym, Expr] = {}
    for s in (s for s in problem.symbols if not s.name.isidentifier()):
        name = re.sub(r"\W", "_", f"i_{s.name}")
        while name in taken:
            name += "_"
        taken.add(name)
        new[s] = Sym(replace(s.decl, name=name))
    if not new:
        return problem

    def move(rel: Rel) -> Rel:
        return substitute(rel, new)

    facts = tuple(replace(f, rel=move(f.rel)) for f in problem.facts)
    written = None if problem.written is None else move(problem.written)
    return replace(
        problem, goal=move(problem.goal), given=tuple(map(move, problem.given)), facts=facts, written=written
    )
