"""Input checks of kernels: declared bounds, integers, shapes and hypotheses, each named in the error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dltsym.errors import DomainError
from dltsym.notation.tree import Num, Rel, Sym
from dltsym.notation.walk import expand_lets, free_symbols
from dltsym.record import Theorem


def describe(sym: Sym) -> str:
    """Return the domain of a symbol in words.

    Parameters
    ----------
    sym : Sym
        Declared symbol.

    Returns
    -------
    str

    Examples
    --------
    >>> from dltsym.notation.scope import Scope
    >>> describe(Scope().prob("p", "mean", open=True))
    'p (mean) must lie in (0, 1)'
    """
    d = sym.decl
    lo = "(-oo" if d.lo is None else f"{'(' if d.lo_open else '['}{d.lo}"
    hi = "oo)" if d.hi is None else f"{d.hi}{')' if d.hi_open else ']'}"
    kind = "integer " if d.sort in ("integer", "index") else ""
    meaning = f" ({d.meaning})" if d.meaning else ""
    every = "every entry of " if d.sort == "array" else ""
    return f"{every}{d.name}{meaning} must {'be an ' + kind + 'in' if kind else 'lie in'} {lo}, {hi}"


def check_inputs(theorem: Theorem, symbols: tuple[Sym, ...], values: Mapping[str, Any]) -> None:
    """Raise unless every input lies in its declared domain and satisfies the hypotheses that only mention inputs.

    Parameters
    ----------
    theorem : Theorem
        Record.
    symbols : tuple of Sym
        Inputs.
    values : mapping of str to array
        numpy arrays or torch tensors.

    Raises
    ------
    DomainError
        Naming symbol, domain and the first offending value.
    """
    for sym in symbols:
        x = values[sym.name]
        if sym.decl.sort == "array":
            _check_rank(theorem, sym, x, values)
        for bad in _violations(sym, x, values):
            if bool(bad.any()):
                raise DomainError(f"{theorem.key}: {describe(sym)}, got {_first(x, bad)}")
    for rel in theorem.given:
        if isinstance(rel, Rel):
            _check_hypothesis(theorem, rel, values)


def _violations(sym: Sym, x: Any, values: Mapping[str, Any]) -> list[Any]:
    d = sym.decl
    bad = [x != x]
    if d.sort in ("integer", "index"):
        bad.append(x != x.round())
    for bound, low, strict in ((d.lo, True, d.lo_open), (d.hi, False, d.hi_open)):
        limit = _limit(bound, values)
        if limit is not None:
            inside = (x > limit if strict else x >= limit) if low else (x < limit if strict else x <= limit)
            bad.append(~inside)
    return bad


def _limit(bound: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(bound, Num):
        return float(bound.value)
    return values.get(bound.name) if isinstance(bound, Sym) else None


def _first(x: Any, bad: Any) -> str:
    flat, mask = x.reshape(-1), bad.reshape(-1)
    where = int(mask.argmax() if x.__class__.__module__.startswith("numpy") else mask.int().argmax())
    return f"{flat[where].item()!r}" + (f" at flat position {where}" if flat.shape[0] > 1 else "")


def _check_rank(theorem: Theorem, sym: Sym, x: Any, values: Mapping[str, Any]) -> None:
    rank = len(sym.decl.shape)
    if len(x.shape) < rank:
        raise DomainError(f"{theorem.key}: {sym.name} needs at least {rank} axes, got shape {tuple(x.shape)}")
    for axis, (_, size) in zip(range(-rank, 0), sym.decl.shape, strict=True):
        wanted = _limit(size, values)
        if wanted is not None and x.shape[axis] != int(wanted):
            raise DomainError(f"{theorem.key}: axis {axis} of {sym.name} has size {x.shape[axis]}, but {size} = {int(wanted)}")


def _check_hypothesis(theorem: Theorem, rel: Rel, values: Mapping[str, Any]) -> None:
    names = {s.name for s in free_symbols(expand_lets(rel))}
    scalars = all(theorem.symbols[n].decl.sort != "array" and n in values for n in names)
    sides = [_limit(side, values) for side in (rel.lhs, rel.rhs)]
    if not scalars or any(s is None for s in sides):
        return
    a, b = sides
    good = {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b, "=": a == b, "!=": a != b}[rel.op]
    if not bool(good.all() if not isinstance(good, bool) else good):
        raise DomainError(f"{theorem.key}: the inputs violate the hypothesis {rel}")
