"""Cases of the compiler's fuzzer: an expression, its axes and its data; how they are drawn, written down and read."""

import random
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Protocol

import numpy as np

from dltsym.notation.scope import Scope
from dltsym.notation.tree import Expr, Num, Sym
from dltsym.notation.walk import free_symbols

SIZES = ("n", "m", "d")


class Pick(Protocol):
    """Where choices come from."""

    def below(self, n: int) -> int:
        """Return a number from 0 to n - 1."""
        ...


class Random:
    """Choices of a seeded generator."""

    def __init__(self, seed: int) -> None:
        self.source = random.Random(seed)

    def below(self, n: int) -> int:
        return self.source.randrange(n)


@dataclass
class Case:
    """An expression, its axes, and values of its arrays.

    `kinds` says of each array how its entries are drawn: ``real``, ``large`` (300), ``pos``, ``nonneg``, ``unit``
    (between 0 and 1), ``decay`` (between -1 and 1), ``bool``, or the size name of what it indexes.
    """

    scope: Scope
    tree: Expr = field(default_factory=lambda: Num(Fraction(0)))
    axes: tuple[Sym, ...] = ()
    sizes: dict[str, int] = field(default_factory=dict)
    kinds: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    seed: int = 0

    def inputs(self, batch: tuple[int, ...] = (), seed: int | None = None) -> dict[str, Any]:
        """Draw values of the arrays and parameters that occur."""
        rng = np.random.default_rng(self.seed if seed is None else seed)
        values = {name: self._values(kind, shape, rng, batch) for name, (kind, shape) in self.kinds.items()}
        used = {s.name for s in free_symbols(self.tree)}
        return {name: x for name, x in values.items() if name in used} | self.sizes

    def _values(self, kind: str, shape: tuple[str, ...], rng: np.random.Generator, batch: tuple[int, ...]) -> Any:
        full = (*(batch if shape else ()), *(self.sizes[s] for s in shape))
        x = rng.standard_normal(full)
        match kind:
            case "real":
                return x if shape else float(x)
            case "large":
                return 300 * x
            case "pos":
                return np.exp(x) if shape else float(np.exp(x))
            case "nonneg":
                return np.where(rng.random(full) < 0.25, 0.0, np.abs(x))
            case "unit":
                return rng.uniform(0.05, 0.95, full)
            case "decay":
                return rng.uniform(-1, 1, full)
            case "bool":
                return rng.random(full) < 0.6
        return rng.integers(1, self.sizes[kind] + 1, full)


BOUNDS: dict[str, dict[str, Any]] = {
    "pos": {"lo": 0, "lo_open": True},
    "nonneg": {"lo": 0},
    "unit": {"lo": 0, "hi": 1, "lo_open": True, "hi_open": True},
    "decay": {"lo": -1, "hi": 1},
    "bool": {"entries": "bool"},
}


def declared(v: Scope, name: str, kind: str, shape: tuple[str, ...]) -> Sym:
    """Declare an array or a parameter of one of the kinds of `Case`."""
    if kind in SIZES:
        return v.array(name, tuple(v.symbols[s] for s in shape), entries="integer", lo=1, hi=v.symbols[kind])
    bounds = BOUNDS.get(kind, {})
    return v.array(name, tuple(v.symbols[s] for s in shape), **bounds) if shape else v.real(name, **bounds)


def case_of(text: str, axes: str = "", arrays: str = "", sizes: tuple[int, ...] = (2, 3, 4), seed: int = 0) -> Case:
    """Return the case that a line of `lower_regressions` describes.

    Parameters
    ----------
    text : str
        Expression.
    axes : str
        Axes with their sizes, ``"i:n j:m"``.
    arrays : str
        Arrays with their kinds and sizes, ``"r0:real:n,m r1:real"``.
    sizes : tuple of int
        Lengths of n, m and d.
    seed : int
        Seed of the data.
    """
    v = Scope()
    for s in SIZES:
        v.count(s)
    c = Case(v, sizes=dict(zip(SIZES, sizes, strict=True)), seed=seed)
    for word in arrays.split():
        name, kind, *shape = word.split(":")
        c.kinds[name] = (kind, tuple(shape[0].split(",")) if shape else ())
        declared(v, name, *c.kinds[name])
    c.axes = tuple(v.index(a, v.symbols[s]) for a, s in (word.split(":") for word in axes.split()))
    c.tree = v.parse(text)
    return c


def line_of(c: Case) -> str:
    """Return a case as a line of `lower_regressions`."""
    used = {s.name for s in free_symbols(c.tree)}
    arrays = " ".join(
        ":".join((name, kind, ",".join(shape)) if shape else (name, kind))
        for name, (kind, shape) in c.kinds.items()
        if name in used
    )
    axes = " ".join(f"{i.name}:{i.decl.hi}" for i in c.axes)
    return f"({str(c.tree)!r}, {axes!r}, {arrays!r}, {tuple(c.sizes.values())}, {c.seed})"
