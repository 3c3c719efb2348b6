"""Sums with a closed form, ``1**p + ... + n**p``, and triangles of a symmetric summand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from dltsym.notation.tree import Expr, Sym
from dltsym.notation.walk import key, substitute
from dltsym.prove.sums_domain import bounds
from dltsym.prove.sums_frame import total
from dltsym.prove.sums_linear import Linear, linear
from dltsym.prove.sums_poly import Mono, Poly, add, constant, multiply, scale, to_tree

MAX_POWER, MAX_MOVE = 10, 3
Forms = tuple[Linear, ...]


def power_range(mono: Mono, indices: tuple[Sym, ...], forms: Forms) -> Linear | None:
    """Return n for a sum of ``i**p`` over ``i = 1..n``, else None.

    Parameters
    ----------
    mono : tuple
        Summand.
    indices : tuple of Sym
        Bound indices.
    forms : tuple of Linear
        Domain.

    Returns
    -------
    Linear or None
    """
    if len(indices) != 1 or len(mono) != 1 or mono[0][0].expr != indices[0]:
        return None
    p, (lows, highs) = mono[0][1], bounds(indices[0], forms)
    if p.denominator != 1 or not 1 <= p <= MAX_POWER or lows != [Linear((), Fraction(1))] or len(highs) != 1:
        return None
    return highs[0] if highs[0].whole else None


@lru_cache(maxsize=MAX_POWER + 1)
def power_sum(p: int) -> tuple[Fraction, ...]:
    """Return the coefficients of the polynomial S with ``S(n) = 1**p + ... + n**p`` for every n >= 0.

    Parameters
    ----------
    p : int
        Exponent, at least 0.

    Returns
    -------
    tuple of Fraction
        Constant first.

    Examples
    --------
    >>> [str(c) for c in power_sum(2)]
    ['0', '1/6', '1/2', '1/3']
    """
    # n**(p+1) - (n-1)**(p+1) = sum over k <= p of -binomial(p+1, k) (-1)**(p+1-k) n**k, summed over 1..n.
    out = [Fraction(0)] * (p + 1) + [Fraction(1)]
    binomial = 1
    for k in range(p):
        for j, c in enumerate(power_sum(k)):
            out[j] += (-1) ** (p + 1 - k) * binomial * c
        binomial = binomial * (p + 1 - k) // (k + 1)
    return tuple(c / (p + 1) for c in out)


def compose(coefficients: tuple[Fraction, ...], at: Poly) -> Poly:
    """Evaluate a polynomial at an expanded form.

    Parameters
    ----------
    coefficients : tuple of Fraction
        Constant first.
    at : dict
        Where.

    Returns
    -------
    dict
    """
    out: Poly = {}
    for c in reversed(coefficients):
        out = add(multiply(out, at), scale(constant(1), c))
    return out


@dataclass(frozen=True)
class Half:
    """A triangle ``lo <= i < j <= hi`` (``i <= j`` unless strict), with the square and the diagonal around it."""

    indices: tuple[Sym, Sym]
    strict: bool
    square: Forms
    diagonal: Forms


def triangle(mono: Mono, indices: tuple[Sym, ...], forms: Forms, tidy: Callable[[Expr], Expr]) -> Half | None:
    """Recognise a triangle whose summand does not change when its indices change places.

    The summand must have a value everywhere: ``1/(X[i] - X[j])`` has none on the diagonal.

    Parameters
    ----------
    mono : tuple
        Summand.
    indices : tuple of Sym
        Bound indices.
    forms : tuple of Linear
        Domain.
    tidy : callable
        Sorts a tree.

    Returns
    -------
    Half or None
    """
    if len(indices) != 2 or len(forms) != 3 or not all(total(a.expr) and e > 0 and e.denominator == 1 for a, e in mono):
        return None
    for i, j in (indices, indices[::-1]):
        gap = linear(j) - linear(i)
        link = [f for f in forms if f in (gap, gap.plus(-1))]
        low = [f for f in forms if f.coefficient(i) == 1 and j not in f.symbols]
        high = [f for f in forms if f.coefficient(j) == -1 and i not in f.symbols]
        if len(link) == len(low) == len(high) == 1:
            body = to_tree({mono: Fraction(1)})
            if key(tidy(substitute(body, {i: j, j: i}))) != key(tidy(body)):
                return None
            (a,), (b,) = low, high
            diagonal = (a, b + linear(j) - linear(i))
            return Half((i, j), link[0] != gap, (*diagonal, b, a + linear(j) - linear(i)), diagonal)
    return None


@dataclass(frozen=True)
class Edge:
    """Another range for an index: the sum is the one over `forms`, plus (`inside`) or minus the terms `at`."""

    forms: Forms
    needs: Linear
    inside: bool
    at: tuple[Linear, ...]


def edges(v: Sym, low: Linear, high: Linear) -> list[Edge]:
    """Return the moves of the ends of ``low <= v <= high`` towards ``1`` or a bare symbol, and to a bare symbol.

    Ends that contain a bound index are left alone, so that nested sums and double sums keep the same shape.

    Parameters
    ----------
    v : Sym
        Index.
    low, high : Linear
        Its only bounds, whole.

    Returns
    -------
    list of Edge
        Each needs ``needs >= 0``, which says that the old and the new range both end where the terms say.
    """
    out, here = [], linear(v)
    plain = not any(s.decl.sort == "bound" for s in low.symbols | high.symbols)
    up = int(high.const) if high.terms and plain else 0
    if 0 < abs(up) <= MAX_MOVE:
        top = high.plus(-up)
        at = tuple(top.plus(t) for t in (range(1, up + 1) if up > 0 else range(up + 1, 1)))
        shorter = top if up > 0 else high
        out.append(Edge((here - low, top - here), shorter - low.plus(-1), up > 0, at))
    down = int(low.const) - (0 if low.terms else 1) if plain else 0
    if 0 < abs(down) <= MAX_MOVE:
        start = low.plus(-down)
        at = tuple(start.plus(t) for t in (range(down, 0) if down < 0 else range(down)))
        shorter = start if down < 0 else low
        out.append(Edge((here - start, high - here), high - shorter.plus(-1), down < 0, at))
    return out
