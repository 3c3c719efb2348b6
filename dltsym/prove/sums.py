"""Canonical form of sums with symbolic limits: equal sums become equal trees, so that the tower can finish a proof."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from dltsym.notation.tree import Call, Expr, Index, Rel, Sum
from dltsym.notation.walk import children, free_symbols, fresh_binders, key, rebuild, subterms
from dltsym.prove.problem import Fact, Problem
from dltsym.prove.sums_frame import Frame, Rule, definitions, frame_of
from dltsym.prove.sums_poly import TooBig, to_tree
from dltsym.prove.sums_read import read
from dltsym.prove.verdict import Row


def canonical_sums(
    expr: Expr, problem: Problem, rules: tuple[Rule, ...] | None = None
) -> tuple[Expr, tuple[Row, ...]] | None:
    """Rewrite the sums of an expression so that equal sums become trees with equal `key`.

    Equal to `expr` wherever that is defined and the hypotheses of `problem` hold. Outside of sums only array entries
    and deltas are touched.

    Parameters
    ----------
    expr : Expr
        Expression.
    problem : Problem
        Where hypotheses, facts and declarations come from.
    rules : tuple of Rule, optional
        Definitions of arrays to apply; by default those that the hypotheses give.

    Returns
    -------
    tuple or None
        The expression and the side conditions that were discharged; None when the expanded form is too large.

    Examples
    --------
    >>> from dltsym.notation.scope import Scope
    >>> from dltsym.prove.problem import prepare
    >>> v = Scope()
    >>> X = v.array("X", v.count("n"))
    >>> claim = v.relations("Sum(2*X[i] + 1, (i, 1, n)) = n + 2*Sum(X[j], (j, 1, n))")[0]
    >>> canonical_sums(claim.lhs, prepare(claim))[0]
    2*Sum(X[k0_0], (k0_0, 1, n)) + n
    """
    found = _canonical(expr, problem.context, definitions(problem) if rules is None else rules)
    return None if found is None else (_fresh(found[0]), found[1])


@lru_cache(maxsize=2048)
def _canonical(expr: Expr, problem: Problem, rules: tuple[Rule, ...]) -> tuple[Expr, tuple[Row, ...]] | None:
    """Rewrite an expression; of a problem only its context counts, and that is the same for many goals."""
    frame = frame_of(problem, expr, rules)
    try:
        return _walk(expr, frame), tuple(frame.rows or ())
    except (TooBig, RecursionError):
        return None


def _walk(expr: Expr, frame: Frame) -> Expr:
    if _own(expr):
        return to_tree(read(expr, frame))
    kids = children(expr)
    return rebuild(expr, tuple(_walk(c, frame) for c in kids)) if kids and _worth(expr) else expr


def _own(expr: Expr | Rel) -> bool:
    return isinstance(expr, Sum | Index) or (isinstance(expr, Call) and expr.name == "delta")


def _worth(expr: Expr) -> bool:
    return any(isinstance(t, Sum | Index | Call) for t in subterms(expr))


@lru_cache(maxsize=8192)
def _fresh(expr: Expr) -> Expr:
    """Give every bound index its own symbol: canonical names repeat, and engines may read a symbol as one thing."""
    # The same sum gets the same symbols each time, so that what is found out about it can be remembered.
    kids = children(expr)
    if not kids:
        return expr
    out = rebuild(expr, tuple(_fresh(c) for c in kids))
    return fresh_binders(out) if isinstance(out, Sum) else out


def has_sums(problem: Problem) -> bool:
    """Return whether the goal has anything for this procedure: a sum, an array entry or a delta.

    Parameters
    ----------
    problem : Problem
        Problem.

    Returns
    -------
    bool
    """
    return any(_own(t) for t in subterms(problem.goal))


def loose(rel: Rel, problem: Problem) -> bool:
    """Return whether a hypothesis speaks about every value of an index that the goal does not fix.

    Parameters
    ----------
    rel : Rel
        Hypothesis or fact.
    problem : Problem
        Problem.

    Returns
    -------
    bool
    """
    return any(s.decl.sort == "index" for s in free_symbols(rel) - free_symbols(problem.goal))


def canonical_problem(problem: Problem, rules: tuple[Rule, ...]) -> tuple[Problem, tuple[Row, ...]] | None:
    """Return the problem with its sums in canonical form, in the goal and in the hypotheses.

    A hypothesis about every index stays as it is: it serves as a definition or as a known sum.

    Parameters
    ----------
    problem : Problem
        Problem.
    rules : tuple of Rule
        Definitions of arrays to apply.

    Returns
    -------
    tuple or None
        Problem and rows, None when the goal is too large.
    """
    rows: list[Row] = []

    def rewrite(rel: Rel) -> Rel | None:
        left, right = canonical_sums(rel.lhs, problem, rules), canonical_sums(rel.rhs, problem, rules)
        if left is None or right is None:
            return None
        rows.extend((*left[1], *right[1]))
        return Rel(left[0], rel.op, right[0])

    def better(rel: Rel) -> Rel | None:
        if loose(rel, problem) or not any(isinstance(t, Sum | Index) for t in subterms(rel)):
            return rel
        new = rewrite(rel)
        if new is None:
            return rel
        return None if new.op == "=" and key(new.lhs) == key(new.rhs) else new

    goal = rewrite(problem.goal)
    if goal is None:
        return None
    given = tuple(r for old in problem.given if (r := better(old)) is not None)
    facts = tuple(Fact(f.name, r, f.grade) for f in problem.facts if (r := better(f.rel)) is not None)
    return replace(problem, goal=goal, given=given, facts=facts), tuple(dict.fromkeys(rows))
