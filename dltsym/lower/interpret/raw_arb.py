"""The oracle: balls around the value of an expression as it is written.

It shares nothing with the compiler that it judges: no rewriting, no tensor IR, and no import from the rest of
`dltsym.lower`. Inputs are taken exactly; where balls are too wide the precision is doubled, and what stays wide at
4096 bits is an `Undecided` error, never a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from flint import arb, fmpq

from dltsym.errors import DomainError, ShapeError, Undecided
from dltsym.lower.interpret.raw_walk import Walk
from dltsym.notation import extended as ext
from dltsym.notation.balls import working
from dltsym.notation.calculus import evaluate_derivatives
from dltsym.notation.evaluate import evaluate_exact
from dltsym.notation.extended import DEAD, Value
from dltsym.notation.tree import Expr, Sym
from dltsym.notation.walk import expand_lets, free_symbols

MAX_PREC = 4096
RELATIVE, ABSOLUTE = 60, 1100  # bits; the second is below the smallest float64


@dataclass(frozen=True, eq=False)
class BallArray:
    """An array of balls; not-a-number where the formula has no value.

    Attributes
    ----------
    balls : numpy.ndarray of flint.arb
        Entries.
    """

    balls: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        """Batch axes, then the axes of the output."""
        return self.balls.shape

    def mid(self) -> np.ndarray:
        """Return the midpoints rounded to float64.

        Returns
        -------
        numpy.ndarray
        """
        return self._floats(lambda b: float(b.mid()) if b.is_finite() else float(b))

    def rad(self) -> np.ndarray:
        """Return the radii as float64, 0 for an exact infinity.

        Returns
        -------
        numpy.ndarray
        """
        return self._floats(lambda b: float(b.rad()) if not b.is_exact() else 0.0)

    def error(self, values: Any) -> np.ndarray:
        """Return the distance of numbers from the midpoints, without rounding the midpoints first.

        Parameters
        ----------
        values : array of float
            Numbers; they are broadcast against the balls.

        Returns
        -------
        numpy.ndarray
            Signed, value minus midpoint; 0 for equal infinities, nan where one is nan or infinite alone.
        """
        given = np.broadcast_to(np.asarray(values, dtype=np.float64), self.shape)
        out = np.empty(self.shape)
        with working(128):
            for at in np.ndindex(*self.shape):
                b: Any = self.balls[at]
                v = float(given[at])
                exact = b.is_finite() and np.isfinite(v)
                out[at] = float((arb(v) - b.mid()).mid()) if exact else 0.0 if float(b) == v else np.nan
        return out

    def _floats(self, f: Callable[[Any], float]) -> np.ndarray:
        out = np.empty(self.shape)
        for at in np.ndindex(*self.shape):
            out[at] = f(self.balls[at])
        return out


def oracle(
    outputs: Mapping[str, Expr],
    axes: Mapping[str, tuple[Sym, ...]],
    inputs: Mapping[str, Any],
    prec: int = 128,
) -> dict[str, BallArray]:
    """Evaluate expressions in balls of relative radius below 2**-60.

    Parameters
    ----------
    outputs : mapping of str to Expr
        Expressions; let-names are expanded and derivatives carried out.
    axes : mapping of str to tuple of Sym
        For each output its free indices in the order of the axes of the result.
    inputs : mapping of str to array or number
        Value of every array and parameter; of a size only if no array carries it. Leading axes are batch axes.
    prec : int
        Bits to begin with.

    Returns
    -------
    dict of str to BallArray
        A comparison that stays open, or a ball that stays too wide, at 4096 bits is an `Undecided` error.

    Raises
    ------
    DomainError
        For a free index without an axis.
    """
    written = {name: expand_lets(e) for name, e in outputs.items()}
    trees = {name: evaluate_derivatives(e) for name, e in written.items()}
    # An array may be gone from a derivative; its sizes and batch axes are those of the result all the same.
    both = (free_symbols(t) for t in (*written.values(), *trees.values()))
    free = sorted(frozenset().union(*both), key=lambda s: s.name)
    arrays = {s.name: plain(inputs[s.name]) for s in free if s.name in inputs}
    others = frozenset(inputs) - {s.name for s in free if s.decl.sort != "integer"}
    sizes = infer_sizes(free, arrays, {n: int(inputs[n]) for n in others if isinstance(inputs[n], int | np.integer)})
    ranges = {s: _range(s, sizes) for own in axes.values() for s in own}
    loose = [s.name for s in free if s.decl.sort == "index" and s not in ranges]
    if loose:
        raise DomainError(f"free indices without an axis: {', '.join(loose)}")
    batch = np.broadcast_shapes(*(a.shape[: a.ndim - _rank(s)] for s, a in _pairs(free, arrays)))
    out = {n: np.empty((*batch, *(len(ranges[s]) for s in axes[n])), dtype=object) for n in trees}
    for at in np.ndindex(*batch):
        data = {s.name: _datum(s, _part(a, at, _rank(s)), sizes) for s, a in _pairs(free, arrays)}
        data |= {n: fmpq(k) for n, k in sizes.items() if n not in data}
        for name, tree in trees.items():
            _fill(out[name][(*at, ...)], tree, [(s, ranges[s]) for s in axes[name]], data, prec)
    return {n: BallArray(b) for n, b in out.items()}


def _fill(out: np.ndarray, tree: Expr, axes: list[tuple[Sym, range]], data: Mapping[str, Any], prec: int) -> None:
    """Write the entries of one output; those that are too wide are computed again with more bits."""
    todo = list(np.ndindex(*out.shape))
    while todo:
        wide, failure = [], None
        with working(prec):
            value = _compiled(tree, axes, data)
            for at in todo:
                try:
                    b = out[at] = ext.ball(value(at))
                    if not narrow(b):
                        wide.append(at)
                except Undecided as e:
                    wide.append(at)
                    failure = e
        if wide and 2 * prec > MAX_PREC:
            raise failure or Undecided(f"{tree} at {wide[0]} is {out[wide[0]]} with {prec} bits")
        todo, prec = wide, 2 * prec


def narrow(b: Any) -> bool:
    """Say whether a ball is as narrow as the oracle promises.

    Parameters
    ----------
    b : arb
        Ball.

    Returns
    -------
    bool
    """
    if b.is_exact() or b.is_nan():
        return True
    return b.is_finite() and (b.rel_accuracy_bits() > RELATIVE or b.rad() < arb(2) ** -ABSOLUTE)


def _compiled(tree: Expr, axes: list[tuple[Sym, range]], data: Mapping[str, Any]) -> Callable[[tuple[int, ...]], Value]:
    slots = {s: k for k, (s, _) in enumerate(axes)}
    f = Walk(data, slots, Walk(data, slots, None)).at(tree)

    def value(at: tuple[int, ...]) -> Value:
        env: list[Any] = [r[i] for (_, r), i in zip(axes, at, strict=True)]
        return f(env + [None] * (len(slots) - len(env)))

    return value


# Inputs


def plain(x: Any) -> np.ndarray:
    """Return an array, tensor or number as numpy; half precision as float64.

    Parameters
    ----------
    x : array, tensor or number
        Input.

    Returns
    -------
    numpy.ndarray
    """
    if type(x).__module__.split(".")[0] == "torch":
        x = x.detach().cpu()
        x = x.double().numpy() if x.is_floating_point() else x.numpy()
    return np.asarray(x)


def _rank(s: Sym) -> int:
    return len(s.decl.shape)


def _pairs(free: list[Sym], arrays: Mapping[str, np.ndarray]) -> Iterator[tuple[Sym, np.ndarray]]:
    for s in free:
        if s.name in arrays:
            if arrays[s.name].ndim < _rank(s):
                raise ShapeError(f"{s.name} needs {_rank(s)} axes, got the shape {arrays[s.name].shape}")
            yield s, arrays[s.name]


def _part(a: np.ndarray, at: tuple[int, ...], rank: int) -> np.ndarray:
    own = a.shape[: a.ndim - rank]
    tail = at[len(at) - len(own) :]
    return a[tuple(0 if n == 1 else i for n, i in zip(own, tail, strict=True))]


def _datum(s: Sym, a: np.ndarray, sizes: Mapping[str, int]) -> Any:
    dead = s.decl.entries == "bool"  # a false mask leaves its term out; a weight of 0 is a number
    if not s.decl.shape:
        return ext.from_data(a.item() if isinstance(a, np.ndarray | np.generic) else a)
    starts = tuple(_whole(lo, sizes) for lo, _ in s.decl.shape)
    table: dict[tuple[int, ...], Value] = {}
    for at in product(*map(range, a.shape)):
        x = a[at]
        value = ext.from_data(x.item() if isinstance(x, np.generic) else x)
        table[tuple(i + k for i, k in zip(at, starts, strict=True))] = DEAD if dead and value == 0 else value

    def read(idx: tuple[int, ...]) -> Value:
        if idx not in table:
            raise DomainError(f"{s.name} has no entry {idx}")
        return table[idx]

    return read


def infer_sizes(free: list[Sym], arrays: Mapping[str, np.ndarray], sizes: dict[str, int]) -> dict[str, int]:
    """Read the sizes off the shapes of arrays.

    Parameters
    ----------
    free : list of Sym
        Symbols of the problem.
    arrays : mapping of str to numpy.ndarray
        Inputs.
    sizes : dict of str to int
        Sizes that are given; the others are added.

    Returns
    -------
    dict of str to int

    Raises
    ------
    ShapeError
        When two arrays disagree.
    """
    todo = [
        (f"{s.name}, axis {k}", hi - lo + 1, a.shape[a.ndim - _rank(s) + k])
        for s, a in _pairs(free, arrays)
        for k, (lo, hi) in enumerate(s.decl.shape)
    ]
    while todo:
        later = []
        for where, count, n in todo:
            unknown = sorted({t.name for t in free_symbols(expand_lets(count))} - set(sizes))
            if len(unknown) == 1:
                _solve(count, unknown[0], n, sizes)
            elif unknown:
                later.append((where, count, n))
            elif evaluate_exact(count, sizes) != n:
                raise ShapeError(f"{where} has {n} entries, but {count} is {evaluate_exact(count, sizes)}")
        if len(later) == len(todo):
            raise ShapeError(f"the sizes in {later[0][1]} cannot be told from the arrays")
        todo = later
    return sizes


def _solve(count: Expr, name: str, n: int, sizes: dict[str, int]) -> None:
    at = [evaluate_exact(count, {**sizes, name: k}) for k in (0, 1)]
    if None in at or at[0] == at[1]:
        raise ShapeError(f"{count} does not tell {name}")
    value = (n - at[0]) / (at[1] - at[0])  # type: ignore[operator]
    sizes[name] = int(value)
    if evaluate_exact(count, sizes) != n:
        raise ShapeError(f"no {name} makes {count} equal to {n}")


def _whole(e: Expr, sizes: Mapping[str, int]) -> int:
    value = evaluate_exact(expand_lets(e), sizes)
    if value is None or value.denominator != 1:
        raise DomainError(f"{e} is not an integer here")
    return int(value)


def _range(s: Sym, sizes: Mapping[str, int]) -> range:
    if s.decl.lo is None or s.decl.hi is None:
        raise DomainError(f"the index {s.name} has no range")
    return range(_whole(s.decl.lo, sizes), _whole(s.decl.hi, sizes) + 1)
