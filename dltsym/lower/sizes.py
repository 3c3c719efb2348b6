"""Arithmetic of sizes: polynomials in size names with exact coefficients, and their one canonical text."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

from dltsym.errors import UnsupportedError

Monomial = tuple[str, ...]


@dataclass(frozen=True)
class Poly:
    """A polynomial; `terms` maps sorted tuples of names to non-zero coefficients, in canonical order."""

    terms: tuple[tuple[Monomial, Fraction], ...] = ()
    names: frozenset[str] = field(init=False, compare=False, default=frozenset())

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", frozenset(n for m, _ in self.terms for n in m))

    def __add__(self, other: Poly | int) -> Poly:
        return _poly([*self.terms, *poly(other).terms])

    def __mul__(self, other: Poly | int) -> Poly:
        return _poly([(tuple(sorted(a + b)), x * y) for a, x in self.terms for b, y in poly(other).terms])

    def __neg__(self) -> Poly:
        return Poly(tuple((m, -c) for m, c in self.terms))

    def __sub__(self, other: Poly | int) -> Poly:
        return self + -poly(other)

    @property
    def constant(self) -> Fraction | None:
        """The value when no name occurs, else None."""
        return None if self.names else self.terms[0][1] if self.terms else Fraction(0)

    @property
    def text(self) -> str:
        """Canonical Python text."""
        return _text(self)

    def at(self, values: Mapping[str, int]) -> int:
        """Return the value at given sizes.

        Parameters
        ----------
        values : mapping of str to int
            Sizes.

        Returns
        -------
        int
        """
        total: Fraction | int = 0
        for monomial, c in self.terms:
            part: Fraction | int = c.numerator if c.denominator == 1 else c
            for name in monomial:
                part *= values[name]
            total += part
        return int(total)


def poly(value: Poly | int | Fraction) -> Poly:
    """Return a number as a polynomial.

    Parameters
    ----------
    value : Poly, int or Fraction
        Number; a polynomial is returned as it is.

    Returns
    -------
    Poly
    """
    if isinstance(value, Poly):
        return value
    return Poly((((), Fraction(value)),)) if value else Poly()


def name(text: str) -> Poly:
    """Return one size name as a polynomial.

    Parameters
    ----------
    text : str
        Name.

    Returns
    -------
    Poly
    """
    return Poly((((text,), Fraction(1)),))


def at_least(p: Poly, low: int, floors: Mapping[str, int]) -> bool:
    """Tell whether a polynomial is at least `low` for all sizes not below their floors; False when it is not clear.

    Parameters
    ----------
    p : Poly
        Polynomial.
    low : int
        Bound.
    floors : mapping of str to int
        Smallest value of each size; 0 where none is given.

    Returns
    -------
    bool
    """
    shifted = poly(-low)
    for monomial, c in p.terms:
        part = poly(c)
        for n in monomial:
            part = part * (name(n) + floors.get(n, 0))
        shifted = shifted + part
    return all(c >= 0 for _, c in shifted.terms)


@lru_cache(maxsize=4096)
def parse_size(text: str) -> Poly:
    """Read a canonical size text.

    Parameters
    ----------
    text : str
        Such as ``2*n - 1``.

    Returns
    -------
    Poly
    """
    return _read(ast.parse(text, mode="eval").body)


@dataclass(frozen=True)
class Carrier:
    """A dimension that tells a size: its text is ``factor * size + rest``, both in sizes that are known before."""

    text: str
    factor: Poly
    rest: Poly

    def solve(self, length: int, sizes: Mapping[str, int]) -> int | None:
        """Return the size for a length of the dimension, None if there is none.

        Parameters
        ----------
        length : int
            Length of the dimension.
        sizes : mapping of str to int
            Sizes that are known.

        Returns
        -------
        int or None
        """
        factor = self.factor.at(sizes)
        value, left = divmod(length - self.rest.at(sizes), factor) if factor else (0, 1)
        return None if left else value


@lru_cache(maxsize=1024)
def carriers(texts: tuple[str, ...]) -> Mapping[str, Carrier]:
    """Return the sizes that dimensions tell, in an order in which each follows from those before.

    Parameters
    ----------
    texts : tuple of str
        Canonical texts of the dimensions of the arrays.

    Returns
    -------
    mapping of str to Carrier
    """
    found = {t: Carrier(t, poly(1), Poly()) for t in texts if t.isidentifier()}
    rest = [t for t in dict.fromkeys(texts) if t not in found]
    for _ in range(len(rest)):
        for text in rest:
            p = parse_size(text)
            unknown = sorted(p.names - found.keys())
            if len(unknown) != 1:
                continue
            inside = [(m, c) for m, c in p.terms if unknown[0] in m]
            if len(inside) == 1 and inside[0][0].count(unknown[0]) == 1:
                own = Poly((inside[0],))
                others = tuple(n for n in inside[0][0] if n != unknown[0])
                found[unknown[0]] = Carrier(text, Poly(((others, inside[0][1]),)), p - own)
    return found


def _read(node: ast.expr) -> Poly:
    match node:
        case ast.Constant(value=int(value)):
            return poly(value)
        case ast.Name(id=text):
            return name(text)
        case ast.UnaryOp(op=ast.USub(), operand=a):
            return -_read(a)
        case ast.BinOp(left=a, op=ast.Add(), right=b):
            return _read(a) + _read(b)
        case ast.BinOp(left=a, op=ast.Sub(), right=b):
            return _read(a) - _read(b)
        case ast.BinOp(left=a, op=ast.Mult(), right=b):
            return _read(a) * _read(b)
    raise UnsupportedError(f"{ast.unparse(node)!r} is no size")


def _poly(terms: list[tuple[Monomial, Fraction]]) -> Poly:
    total: dict[Monomial, Fraction] = {}
    for m, c in terms:
        total[m] = total.get(m, Fraction(0)) + c
    return Poly(tuple((m, total[m]) for m in sorted(total, key=lambda m: (-len(m), m)) if total[m]))


@lru_cache(maxsize=4096)
def _text(p: Poly) -> str:
    out = ""
    for monomial, c in p.terms:
        if c.denominator != 1:
            raise UnsupportedError(f"a size with the fraction {c}*{'*'.join(monomial) or 1} need not be an integer")
        size = abs(c.numerator)
        body = "*".join([*([] if size == 1 and monomial else [str(size)]), *monomial])
        sign = "-" if c < 0 else "+"
        out += f" {sign} {body}" if out else ("-" if c < 0 else "") + body
    return out or "0"
