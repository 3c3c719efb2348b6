"""Random inputs of a kernel: sizes that are all different, entries inside their declared bounds, places in range."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from dltsym.errors import UnsupportedError
from dltsym.lower.program import Input
from dltsym.lower.sizes import parse_size
from dltsym.notation.evaluate import evaluate_exact
from dltsym.notation.folds import Fold
from dltsym.notation.tree import Call, Expr, Index, Rel, Sum, Sym
from dltsym.notation.walk import children, expand_lets, free_symbols

LENGTHS = (2, 3, 4, 5, 7, 6, 8, 9, 11, 13)
Range = tuple[Expr, Expr]


def draw_sizes(
    inputs: Sequence[Input],
    rng: np.random.Generator,
    one: bool = False,
    least: Mapping[str, int] | None = None,
    places: Mapping[str, Range] | None = None,
) -> dict[str, int]:
    """Draw a length for every size name; all are different, so that a transposed axis shows.

    Parameters
    ----------
    inputs : sequence of Input
        Arguments.
    rng : numpy.random.Generator
        Source of randomness.
    one : bool
        Let one size be 1, or its smallest value.
    least : mapping of str to int, optional
        Smallest values.
    places : mapping of str to pair of Expr, optional
        For numbers that are places of an array the first and the last place; see `ranges_of_places`.

    Returns
    -------
    dict of str to int

    Raises
    ------
    UnsupportedError
        When no assignment gives every axis an entry.
    """
    least = least or {}
    texts = [parse_size(t) for i in inputs for t in i.shape]
    lengths = {n for t in texts for n in t.names}
    counts = [i for i in inputs if _is_count(i) and i.name not in lengths]
    names = sorted(lengths | {i.name for i in counts})
    for _ in range(200):
        pool = list(rng.permutation(LENGTHS[: max(5, len(names))]))
        sizes = {n: int(pool.pop()) for n in names}
        if one and names:
            short = str(rng.choice(names))
            sizes[short] = max(1, least.get(short, 1))
        sizes |= {i.name: _count(i, sizes[i.name]) for i in counts}
        sizes |= {i.name: _placed(sizes, i, places[i.name]) for i in counts if places and i.name in places}
        if all(sizes[n] >= least.get(n, 1) for n in lengths) and all(t.at(sizes) >= 1 for t in texts):
            return sizes
    raise UnsupportedError(f"no sizes drawn for {', '.join(names)} give every axis an entry")


def _is_count(i: Input) -> bool:
    return not i.shape and i.entries == "integer"


def _count(i: Input, drawn: int) -> int:
    """Return the `drawn`-th positive number of a declared range, or its last number if the range is shorter."""
    found = drawn - 1 + (1 if i.lo is None else max(int(i.lo), 1))
    return found if i.hi is None else min(found, int(i.hi))


def _placed(sizes: Mapping[str, int], i: Input, ends: Range) -> int:
    """Return the drawn number, or the nearest place: a number that names an entry may not lie beyond the last one."""
    lo, hi = (evaluate_exact(expand_lets(e), sizes) for e in ends)
    drawn = sizes[i.name]
    return drawn if lo is None or hi is None else int(max(lo, min(drawn, hi)))


def draw(
    inputs: Sequence[Input],
    sizes: Mapping[str, int],
    rng: np.random.Generator,
    scale: float = 1.0,
    places: Mapping[str, Range] | None = None,
) -> dict[str, Any]:
    """Draw the arguments of a kernel in float64.

    Parameters
    ----------
    inputs : sequence of Input
        Arguments.
    sizes : mapping of str to int
        Sizes.
    rng : numpy.random.Generator
        Source of randomness.
    scale : float
        Spread of entries without two bounds.
    places : mapping of str to pair of Expr, optional
        For integer arrays the numbers that their entries may be; see `ranges_of_places`.

    Returns
    -------
    dict of str to array or number
    """
    out: dict[str, Any] = {}
    for i in inputs:
        shape = tuple(parse_size(t).at(sizes) for t in i.shape)
        if _is_count(i):
            out[i.name] = sizes[i.name]
        elif i.entries == "bool":
            out[i.name] = _mask(shape, rng)
        elif i.entries == "integer":
            lo, hi = _span(i, sizes, (places or {}).get(i.name))
            out[i.name] = rng.integers(lo, hi + 1, size=shape)
        else:
            out[i.name] = _reals(i, shape, rng, scale)
    return out


def _mask(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    mask = rng.random(shape) < 0.6
    if shape and shape[0] > 1:
        mask[0] = False  # one row is dead
    return mask


def _span(i: Input, sizes: Mapping[str, int], found: Range | None) -> tuple[int, int]:
    if found is not None:
        ends = [evaluate_exact(expand_lets(e), sizes) for e in found]
        if None not in ends:
            return int(ends[0]), int(ends[1])  # type: ignore[arg-type]
    lo = i.base if i.lo is None else int(i.lo)
    return lo, lo + 1 if i.hi is None else int(i.hi)


def _reals(i: Input, shape: tuple[int, ...], rng: np.random.Generator, scale: float) -> Any:
    lo, hi = (None if b is None else float(b) for b in (i.lo, i.hi))
    x = rng.standard_normal(shape) * scale
    if lo is not None and hi is not None:
        x = lo + (hi - lo) * rng.uniform(0.01, 0.99, shape)
    elif lo is not None:
        x = lo + np.abs(x) + 1e-3
    elif hi is not None:
        x = hi - np.abs(x) - 1e-3
    if lo == 0 and not i.lo_open and shape:
        x = np.where(rng.random(shape) < 0.2, 0.0, x)
    if i.sum_one:
        x = _shares(np.abs(x) + 1e-3, i.sum_one)
    return x if shape else float(x)


def _shares(x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """Return multiples of a power of two near the shares of `x` that sum to 1 exactly: balls see every rounding."""
    rest = [k for k in range(x.ndim) if k not in axes]
    flat = x.transpose(*rest, *axes).reshape(*(x.shape[k] for k in rest), -1)
    out = np.floor(flat / flat.sum(-1, keepdims=True) * 2**30) / 2**30
    out[..., 0] += 1 - out.sum(-1)
    order = np.argsort([*rest, *axes])
    return out.reshape([x.shape[k] for k in (*rest, *axes)]).transpose(*order)


def ranges_of_places(trees: Sequence[Expr | Rel]) -> dict[str, Range]:
    """Find what integer arrays and integers index: the range of numbers that their entries may be.

    Parameters
    ----------
    trees : sequence of Expr
        Expressions, let-names expanded.

    Returns
    -------
    dict of str to pair of Expr
        Of a name that indexes several axes the range of the last one.
    """
    return dict(pair for tree in trees for pair in _places(tree, {}))


def _places(e: Expr | Rel, bound: dict[Sym, Range]) -> Iterator[tuple[str, Range]]:
    if isinstance(e, Sym) and e.decl.sort == "integer" and e.decl.lo is not None and e.decl.hi is not None:
        yield e.name, (e.decl.lo, e.decl.hi)  # a count of k out of n
    if isinstance(e, Index):
        own = e.array.decl
        if own.entries == "integer" and own.lo is not None and own.hi is not None:
            yield own.name, (own.lo, own.hi)
        for k, i in enumerate(e.idx):
            if isinstance(i, Index) and i.array.decl.entries == "integer":
                yield i.array.name, e.array.decl.shape[k]
            elif isinstance(i, Sym) and i.decl.sort == "integer":
                yield i.name, e.array.decl.shape[k]
    if isinstance(e, Call) and e.name == "delta":
        yield from _matched(*e.args, bound)
    if isinstance(e, Rel):
        yield from _matched(e.lhs, e.rhs, bound)
    inner = bound | {v: (lo, hi) for v, lo, hi in e.limits} if isinstance(e, Sum | Fold) else bound
    for child in children(e):
        yield from _places(child, inner)


def _matched(a: Expr, b: Expr, bound: Mapping[Sym, Range]) -> Iterator[tuple[str, Range]]:
    for x, y in ((a, b), (b, a)):
        if isinstance(x, Index) and x.array.decl.entries == "integer" and isinstance(y, Sym):
            if y in bound:
                yield x.array.name, bound[y]
            elif y.decl.sort == "index" and y.decl.lo is not None and y.decl.hi is not None:
                yield x.array.name, (y.decl.lo, y.decl.hi)


def least_sizes(trees: Sequence[Expr]) -> dict[str, int]:
    """Return the declared smallest values of the sizes in some expressions.

    Parameters
    ----------
    trees : sequence of Expr
        Expressions.

    Returns
    -------
    dict of str to int
    """
    out = {}
    for s in {s for t in trees for s in free_symbols(t)}:
        for e in (e for pair in s.decl.shape for e in pair):
            for size in free_symbols(e):
                lo = None if size.decl.lo is None else evaluate_exact(size.decl.lo, {})
                out[size.name] = 1 if lo is None else int(lo)
    return out
