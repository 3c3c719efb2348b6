"""Generators of the exact tower: which numbered polynomial variable stands for which tree, and back again."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction

from flint import fmpq_mpoly

from dltsym.notation.tree import Add, Call, Div, Expr, Mul, Neg, Num, Pow
from dltsym.notation.walk import key
from dltsym.prove.problem import Problem
from dltsym.prove.tower_field import Field, Frac, Relation, Unknown, fraction
from dltsym.prove.verdict import Row

MAX_SCALE = 64


class Again(Exception):
    """The tower must be built again with what `Memory` has learnt."""


@dataclass(frozen=True)
class Gen:
    """A generator: `arg` is the tree it stands for, `positive` says that this is known to be above zero.

    `kind` is ``symbol``, ``entry``, ``exp``, ``log``, ``root``, ``sin``, ``cos`` or ``opaque``.
    """

    kind: str
    arg: Expr
    positive: bool


@dataclass
class Memory:
    """What survives building the tower again: ring size, units of exponents, signs of factors, and their rows.

    `deep` lets z3 be asked for signs; `unsure` says that a sign was asked for in vain; `sums` says which are positive;
    `lowest` is the smallest constant in the whole exponents of one base.
    """

    deep: bool = False
    unsure: bool = False
    size: int = 16
    scale: dict[str, int] = field(default_factory=dict)
    signs: dict[str, tuple[int, bool]] = field(default_factory=dict)
    rows: dict[str, Row] = field(default_factory=dict)
    sums: dict[str, bool] = field(default_factory=dict)
    lowest: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Unit:
    """Basis element of exponents or angles: `value` is the piece ``m``; generators stand for ``m/scale``."""

    name: str
    value: Frac
    scale: int
    gens: tuple[int, ...]


class Tower:
    """State of one construction; the maps are in `tower_atoms` and `tower_map`."""

    def __init__(self, problem: Problem, memory: Memory, deadline: float) -> None:
        self.problem = problem
        self.memory = memory
        self.field = Field(memory.size, deadline)
        self.gens: list[Gen] = []
        self.numbers: dict[str, int] = {}
        self.exponents: list[Unit] = []
        self.angles: list[Unit] = []
        self.meaning: dict[int, tuple[str, Frac, int]] = {}
        self.known_pairs: dict[str, tuple[Frac, Frac]] = {}
        self.integers: set[int] = set()
        self.memo: dict[int, tuple[Expr, Frac]] = {}

    def generator(self, name: str, kind: str, arg: Expr, positive: bool = False) -> int:
        """Return the number of the generator called `name`, made on first use."""
        if name not in self.numbers:
            if len(self.gens) == self.memory.size:
                if self.memory.size >= 512:
                    raise Unknown("too many generators")
                self.memory.size *= 4
                raise Again
            self.numbers[name] = len(self.gens)
            self.gens.append(Gen(kind, arg, positive))
        return self.numbers[name]

    def var(self, number: int) -> Frac:
        """Return a generator as a fraction."""
        return self.field.poly(self.field.vars[number])

    def relate(self, gen: int, degree: int, value: Frac, unit: bool = True) -> None:
        """Add the relation ``gen**degree = value`` once."""
        if all(r.gen != gen for r in self.field.relations):
            self.field.relations.append(Relation(gen, degree, value.num, value.den, unit))

    def scale_of(self, name: str) -> int:
        """Return the unit in which multiples of the piece `name` are counted."""
        return self.memory.scale.get(name, 1)

    def count(self, name: str, c: Fraction) -> int:
        """Return ``c`` as a whole number of units of `name`; refine the unit and start again if it is not one."""
        n = c * self.scale_of(name)
        if n.denominator != 1:
            self.memory.scale[name] = new = math.lcm(self.scale_of(name), c.denominator)
            if new > MAX_SCALE:
                raise Unknown(f"a root of order {new} is needed")
            raise Again
        return int(n)

    def lowest(self, name: str, k: int) -> int:
        """Return the smallest constant of the exponents called `name`; start again if `k` is smaller than it was."""
        before = self.memory.lowest.setdefault(name, k)
        if k < before:
            self.memory.lowest[name] = k
            raise Again
        return before

    def bare(self, p: fmpq_mpoly) -> int | None:
        """Return the number of the generator that `p` is, if it is one."""
        if len(p) == 1 and p.total_degree() == 1 and p.leading_coefficient() == 1:
            return next(i for i, e in enumerate(p.monoms()[0]) if e)
        return None

    def tree(self, a: Frac) -> Expr:
        """Return a fraction as a tree."""
        top = poly_tree(a.num, self.gens)
        return top if a.den.is_one() else Div(top, poly_tree(a.den, self.gens))

    def name(self, a: Frac) -> str:
        """Return a text that is the same for equal fractions, in this construction and the next."""
        return key(self.tree(a))


def number_tree(c: Fraction) -> Expr:
    """Return a rational as a tree of whole numbers."""
    if c < 0:
        return Neg(number_tree(-c))
    return Num(c)


def _monomial(exponents: tuple[int, ...], c: Fraction, gens: list[Gen] | tuple[Gen, ...]) -> Expr:
    factors = [gens[i].arg if e == 1 else Pow(gens[i].arg, Num(Fraction(int(e)))) for i, e in enumerate(exponents) if e]
    if abs(c) != 1 or not factors:
        factors.insert(0, Num(abs(c)))
    body = factors[0] if len(factors) == 1 else Mul(tuple(factors))
    return Neg(body) if c < 0 else body


def poly_tree(p: fmpq_mpoly, gens: list[Gen] | tuple[Gen, ...]) -> Expr:
    """Return a polynomial over generators as a tree.

    Parameters
    ----------
    p : fmpq_mpoly
        Polynomial.
    gens : sequence of Gen
        What its variables stand for.

    Returns
    -------
    Expr
    """
    terms = [_monomial(e, fraction(c), gens) for e, c in p.terms()]
    return Num(Fraction(0)) if not terms else terms[0] if len(terms) == 1 else Add(tuple(terms))


def call(name: str, *args: Expr) -> Call:
    """Return a function call."""
    return Call(name, args)
