"""Input checks of kernels: shapes, declared bounds and whole numbers, each named in the error."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from dltsym.errors import DomainError
from dltsym.lower.closed.space import detach, space
from dltsym.notation.text import to_text
from dltsym.notation.tree import Expr, Neg, Num, Sym


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
    lo = "(-oo" if d.lo is None else f"{'(' if d.lo_open else '['}{to_text(d.lo)}"
    hi = "oo)" if d.hi is None else f"{to_text(d.hi)}{')' if d.hi_open else ']'}"
    meaning = f" ({d.meaning})" if d.meaning else ""
    what = f"{'every entry of ' if d.sort == 'array' else ''}{d.name}{meaning}"
    if whole(sym):
        return f"{what} must be a whole number in {lo}, {hi}"
    return f"{what} must be a finite number" if d.lo is d.hi is None else f"{what} must lie in {lo}, {hi}"


def whole(sym: Sym) -> bool:
    """Tell whether a symbol stands for whole numbers.

    Parameters
    ----------
    sym : Sym
        Symbol.

    Returns
    -------
    bool
    """
    return sym.decl.sort in ("integer", "index")


@lru_cache(maxsize=4096)
def _fixed(bound: Expr | None) -> float | None:
    """Return the value of a bound that is a number."""
    if isinstance(bound, Neg):
        inner = _fixed(bound.arg)
        return None if inner is None else -inner
    return float(bound.value) if isinstance(bound, Num) else None


def _limit(bound: Expr | None, values: Mapping[str, Any]) -> Any:
    return values.get(bound.name) if isinstance(bound, Sym) else _fixed(bound)


def check_inputs(key: str, symbols: tuple[Sym, ...], values: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Raise unless every input is finite and lies in its declared domain.

    Parameters
    ----------
    key : str
        Record, named in errors.
    symbols : tuple of Sym
        Inputs.
    values : mapping of str to array
        numpy arrays or torch tensors.
    given : mapping of str to object
        The inputs as they were given, for the message.

    Raises
    ------
    DomainError
        Naming symbol, domain and the first offending value.
    """
    for sym in symbols:
        x = detach(values[sym.name])
        if 0 in x.shape or _inside(sym, x, values):
            continue
        bad = _violations(sym, x, values)
        if bool(bad.any()):
            raise DomainError(f"{key}: {describe(sym)}, got {_first(x, bad, given.get(sym.name), whole(sym))}")


def _inside(sym: Sym, x: Any, values: Mapping[str, Any]) -> bool:
    """Tell quickly that everything is fine: two reductions per input."""
    d = sym.decl
    low, high = x.min(), x.max()
    if not (low > -_INF and high < _INF):  # also false when there is a nan
        return False
    for bound, strict, end in ((d.lo, d.lo_open, low), (d.hi, d.hi_open, -high)):
        limit = _fixed(bound)
        if limit is None:
            if isinstance(bound, Sym) and bound.name in values:
                return False
            continue
        limit = limit if bound is d.lo else -limit
        if not (end > limit if strict else end >= limit):
            return False
    return not whole(sym) or bool((x == x.round()).all())


_INF = float("inf")


def _violations(sym: Sym, x: Any, values: Mapping[str, Any]) -> Any:
    d = sym.decl
    bad = ~space(x).isfinite(x)
    if whole(sym):
        bad = bad | (x != x.round())
    for bound, low, strict in ((d.lo, True, d.lo_open), (d.hi, False, d.hi_open)):
        limit = _limit(bound, values)
        if limit is not None:
            limit = detach(limit)
            if sym.decl.sort == "array" and not isinstance(limit, int | float):
                limit = limit.reshape((*limit.shape, *(1,) * len(sym.decl.shape)))
            inside = (x > limit if strict else x >= limit) if low else (x < limit if strict else x <= limit)
            bad = bad | ~inside
    return bad


def _first(x: Any, bad: Any, original: Any, integral: bool) -> str:
    """Return the first offending value, where it is, and what it was before rounding to the type of the kernel."""
    x = space(x).broadcast_to(x, bad.shape)
    flat, mask = x.reshape(-1), bad.reshape(-1)
    at = int(mask.argmax() if space(x).__name__ == "numpy" else mask.int().argmax())
    found = flat[at].item()
    text = repr(int(found) if integral and abs(found) < 1e15 and found == int(found) else found)
    if flat.shape[0] == 1:
        rounded = isinstance(original, int | float) and original == original and float(original) != flat[0].item()
        return f"{original!r}, which is {text} in {str(x.dtype).removeprefix('torch.')}" if rounded else text
    place = []
    for size in reversed(x.shape):
        at, k = divmod(at, size)
        place.append(k)
    where = ", ".join(map(str, reversed(place)))
    return f"{text} at position {where if len(place) == 1 else f'({where})'} (counted from 0)"


def sizes(key: str, symbols: tuple[Sym, ...], values: Mapping[str, Any]) -> dict[str, int]:
    """Check the trailing axes of all arrays and return the sizes that they give to symbols.

    Parameters
    ----------
    key : str
        Record, named in errors.
    symbols : tuple of Sym
        Inputs.
    values : mapping of str to array
        Arrays.

    Returns
    -------
    dict of str to int

    Raises
    ------
    DomainError
        Naming the axis, the arrays and both numbers.
    """
    found: dict[str, tuple[int, str]] = {}
    for sym in symbols:
        rank = len(sym.decl.shape)
        if not rank or sym.name not in values:
            continue
        shape = tuple(values[sym.name].shape)
        if len(shape) < rank:
            axes = ", ".join(to_text(hi) for _, hi in sym.decl.shape)
            raise DomainError(f"{key}: {sym.name} needs the trailing axes ({axes}), got shape {shape}")
        for axis, (_, size) in zip(range(-rank, 0), sym.decl.shape, strict=True):
            got, place = shape[axis], f"axis {axis} of {sym.name}"
            if isinstance(size, Num) and got != size.value:
                raise DomainError(f"{key}: {place} has size {got}, but {to_text(size)} is declared")
            if not isinstance(size, Sym):
                continue
            wanted = found.setdefault(size.name, (_given(key, size, values, got), size.name))
            if got != wanted[0]:
                other = f"{size.name} = {wanted[0]}" if wanted[1] == size.name else f"{wanted[1]} has size {wanted[0]}"
                raise DomainError(f"{key}: {place} has size {got}, but {other}")
            if size.name not in values:
                found[size.name] = (got, place)
    return {name: n for name, (n, _) in found.items()}


def _given(key: str, size: Sym, values: Mapping[str, Any], got: int) -> int:
    if size.name not in values:
        return got
    n = detach(values[size.name])
    if 0 in n.shape or bool((n != n.reshape(-1)[0]).any()):
        raise DomainError(f"{key}: {size.name} is the size of an array and must be one number, got {n.tolist()!r}")
    first = n.reshape(-1)[0].item()
    if first != first or first in (_INF, -_INF) or first != int(first):
        raise DomainError(f"{key}: {describe(size)}, got {first!r}")
    return int(first)
