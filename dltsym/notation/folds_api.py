"""How folds, recurrences, order and iterations are written in Python: every call makes fresh indices.

A range is ``n``, that many places from `base` (1 unless said otherwise), or a pair ``(lo, hi)`` with both ends
included. Indices are named after the parameters of the function that gives the body.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from dltsym.errors import NotationError
from dltsym.notation.folds import Cases, Fold, Iterate, Order, Recurrence, StateSpec
from dltsym.notation.tree import Expr, Num, Rel, Sum, Sym, as_expr, bound_symbol

Body = Callable[..., Any]


def span(limits: Any, base: int = 1) -> tuple[Expr, Expr]:
    """Return both ends of a range.

    Parameters
    ----------
    limits : Expr, int or tuple
        A size, or a pair of ends.
    base : int
        Number of the first place, if a size is given.

    Returns
    -------
    tuple of Expr
    """
    if isinstance(limits, tuple):
        lo, hi = limits
        return as_expr(lo), as_expr(hi)
    size = as_expr(limits)
    if base == 1:
        return as_expr(1), size
    last = as_expr(size.value - 1 + base) if isinstance(size, Num) else size - (1 - base)
    return as_expr(base), last


def _names(body: Body, wanted: int, what: str) -> list[str]:
    given = inspect.signature(body).parameters.values()
    names = [p.name for p in given if p.default is p.empty]  # lambda i, x=x: ... binds x, as loops need
    if len(names) != wanted:
        raise NotationError(f"the body of {what} takes {len(names)} indices, expected {wanted}")
    return names


def _limits(what: str, args: tuple[Any, ...], base: int) -> tuple[Expr, tuple[tuple[Sym, Expr, Expr], ...]]:
    *ranges, body = args
    if not ranges or not callable(body):
        raise NotationError(f"write {what}(n, lambda j: ...), or more ranges and as many parameters")
    syms = [bound_symbol(name) for name in _names(body, len(ranges), what)]
    limits = tuple((s, *span(r, base)) for s, r in zip(syms, ranges, strict=True))
    return as_expr(body(*syms)), limits


def sum_over(*args: Any, base: int = 1) -> Sum:
    """Sum over fresh indices.

    Parameters
    ----------
    *args : ranges, then a function of the indices
        ``sum_over(n, lambda k: x[k])``; with several ranges, as many parameters.
    base : int
        Number of the first place for a range given as a size.

    Returns
    -------
    Sum

    Examples
    --------
    >>> from dltsym.notation.scope import Scope
    >>> v = Scope()
    >>> n = v.count("n")
    >>> x = v.array("x", n)
    >>> sum_over(n, lambda k: x[k] ** 2)
    Sum(x[k]**2, (k, 1, n))
    """
    return Sum(*_limits("sum_over", args, base))


def _over(op: str, says: str) -> Callable[..., Fold]:
    def over(*args: Any, base: int = 1) -> Fold:
        return Fold(op, *_limits(over.__name__, args, base))

    over.__name__ = over.__qualname__ = f"{op}_over"
    over.__doc__ = f"""{says}

    Parameters
    ----------
    *args : ranges, then a function of the indices
        As in `sum_over`.
    base : int
        As in `sum_over`.

    Returns
    -------
    Fold
    """
    return over


prod_over = _over("prod", "Multiply over fresh indices; an empty product is 1.")
max_over = _over("max", "Take the largest value over fresh indices; an empty range has none.")
min_over = _over("min", "Take the smallest value over fresh indices; an empty range has none.")
lse_over = _over("lse", "Take the logarithm of the sum of exponentials over fresh indices.")
argmax_over = _over("argmax", "Return the smallest index at which the largest value is taken; over one range.")
argmin_over = _over("argmin", "Return the smallest index at which the smallest value is taken; over one range.")


def fold_over(op: str, *args: Any, base: int = 1) -> Fold:
    """Fold over fresh indices with a row of the table of monoids.

    Parameters
    ----------
    op : str
        ``prod``, ``max``, ``min``, ``lse``, ``argmax``, ``argmin``, or another name in
        `dltsym.functions.monoids.FOLDED`, such as ``welford``, the mean square deviation from the mean.
    *args : ranges, then a function of the indices
        As in `sum_over`.
    base : int
        As in `sum_over`.

    Returns
    -------
    Fold

    Examples
    --------
    >>> from dltsym.notation.scope import Scope
    >>> v = Scope()
    >>> n = v.count("n")
    >>> x = v.array("x", n)
    >>> fold_over("welford", n, lambda k: x[k])
    welford_over(x[k], (k, 1, n))
    """
    return Fold(op, *_limits("fold_over", args, base))


def scan_over(limits: Any, step: Body, init: Any = 0, *, base: int = 1) -> Recurrence:
    """Return what a recurrence has reached: ``h <- step(s, h)`` for every ``s`` of a range in order, from `init`.

    Parameters
    ----------
    limits : Expr, int or tuple
        ``t`` for the first place up to ``t`` itself, or a pair of ends; an empty range gives `init`.
    step : callable
        Function of the index and the value before.
    init : Expr or number
        Value before the first step.
    base : int
        Number of the first place.

    Returns
    -------
    Recurrence

    Examples
    --------
    >>> from dltsym.notation.scope import Scope
    >>> v = Scope()
    >>> n = v.count("n")
    >>> a, b = v.array("a", n), v.array("b", n)
    >>> t = v.index("t", n)
    >>> scan_over(t, lambda s, h: a[s] * h + b[s])
    scan_over(a[s]*h + b[s], (h, 0), (s, 1, t))
    """
    name, state = _names(step, 2, "scan_over")
    var, value = bound_symbol(name), bound_symbol(state, "boundreal")
    lo, at = span(limits) if isinstance(limits, tuple) else (as_expr(base), as_expr(limits))
    return Recurrence(var, lo, at, value, as_expr(init), as_expr(step(var, value)))


def topk_over(limits: Any, body: Body, *, at: Any, k: Any, base: int = 1) -> Order:
    """Return 1 if entry `at` is among the `k` largest values of the body, else 0; the smallest index wins ties.

    Parameters
    ----------
    limits : Expr, int or tuple
        Range.
    body : callable
        Function of the index.
    at, k : Expr or int
        Which entry, and how many are taken.
    base : int
        Number of the first place for a range given as a size.

    Returns
    -------
    Order
    """
    var = bound_symbol(*_names(body, 1, "topk_over"))
    return Order("topk", as_expr(body(var)), var, *span(limits, base), as_expr(at), as_expr(k))


def rank_over(limits: Any, body: Body, *, at: Any, base: int = 1) -> Order:
    """Return how many values come before entry `at` when the largest is first and the smallest index wins ties.

    Parameters
    ----------
    limits : Expr, int or tuple
        Range.
    body : callable
        Function of the index.
    at : Expr or int
        Which entry.
    base : int
        Number of the first place for a range given as a size.

    Returns
    -------
    Order
    """
    var = bound_symbol(*_names(body, 1, "rank_over"))
    return Order("rank", as_expr(body(var)), var, *span(limits, base), as_expr(at))


def _conditions(condition: Any) -> tuple[Rel, ...]:
    if isinstance(condition, tuple):
        return tuple(r for c in condition for r in _conditions(c))
    return (condition if isinstance(condition, Rel) else Rel(as_expr(condition), "!=", as_expr(0)),)


def cases(*branches: Any) -> Cases:
    """Choose by conditions: the first branch whose conditions hold, else the last argument.

    Parameters
    ----------
    *branches : pairs, then a value
        ``(condition, value)``; a condition is a relation, a tuple of relations that must all hold, or an entry of a
        mask, which holds where it is not 0.

    Returns
    -------
    Cases

    Raises
    ------
    NotationError
        When a branch is not a pair.

    Examples
    --------
    >>> from dltsym.notation.scope import Scope
    >>> x = Scope().real("x")
    >>> cases((x < 0, -x), x)
    cases((x < 0, -x), x)
    """
    *pairs, otherwise = branches
    if not all(isinstance(p, tuple) and len(p) == 2 for p in pairs):
        raise NotationError("write cases((condition, value), ..., otherwise)")
    return Cases(tuple((_conditions(c), as_expr(e)) for c, e in pairs), as_expr(otherwise))


def _called(body: Any, states: Mapping[str, Sym], index: tuple[Sym, ...], what: str) -> Expr:
    """Call a body: parameters named like states get the states, the others the indices in order."""
    if not callable(body):
        return as_expr(body)
    names, free = list(inspect.signature(body).parameters), list(index)
    wanted = [name for name in names if name not in states]
    if len(wanted) != len(free):
        raise NotationError(f"{what} takes {len(wanted)} indices, the state has {len(free)}")
    return as_expr(body(*(states[name] if name in states else free.pop(0) for name in names)))


def _indices(name: str, body: Any, states: Mapping[str, Any], rank: int) -> tuple[Sym, ...]:
    names = [p for p in inspect.signature(body).parameters if p not in states] if callable(body) else []
    return tuple(bound_symbol(names[k] if k < len(names) else f"{name}_{k + 1}") for k in range(rank))


def iterate(
    count: Any,
    states: Mapping[str, tuple[Any, Any, Any]],
    out: Body,
    *,
    simultaneous: bool = False,
    tol: Any = None,
    base: int = 1,
) -> Iterate:
    """Repeat an update: every round replaces the states in the order given, or all at once.

    Parameters
    ----------
    count : Expr or int
        Number of rounds.
    states : mapping of str to (shape, init, step)
        A shape is a range or a tuple of ranges in brackets ``[n, m]``, ``[]`` for a number. `init` and `step` are
        values or functions: parameters named like states receive them, the others the indices of the entry.
    out : callable
        Function of states, by name.
    simultaneous : bool
        Whether every update of a round reads the states as the round found them.
    tol : Expr or number, optional
        End after the first round in which no entry changed by more than this.
    base : int
        Number of the first place for a range given as a size.

    Returns
    -------
    Iterate

    Examples
    --------
    >>> from dltsym.notation.scope import Scope
    >>> v = Scope()
    >>> n = v.count("n")
    >>> A = v.array("A", (n, n))
    >>> power = {"x": ([n], 1, lambda x, i: sum_over(n, lambda j: A[i, j] * x[j]))}
    >>> iterate(3, power, lambda x: x[1])
    iterate(x[1], 3, (x[i], 1, Sum(A[i, j]*x[j], (j, 1, n)), (i, 1, n)))
    """
    shapes = {name: _ranges(shape, base) for name, (shape, _, _) in states.items()}
    symbols = {
        name: bound_symbol(name, "array", shape) if shape else bound_symbol(name, "boundreal")
        for name, shape in shapes.items()
    }
    specs = []
    for name, (_, init, step) in states.items():
        index = _indices(name, step, states, len(shapes[name]))
        start = _called(init, {}, index, f"the start of {name}")
        specs.append(StateSpec(symbols[name], index, start, _called(step, symbols, index, f"the update of {name}")))
    result = _called(out, symbols, (), "the result")
    return Iterate(tuple(specs), as_expr(count), result, simultaneous, None if tol is None else as_expr(tol))


def _ranges(shape: Any, base: int) -> tuple[tuple[Expr, Expr], ...]:
    return tuple(span(r, base) for r in (shape if isinstance(shape, list) else [shape]))
