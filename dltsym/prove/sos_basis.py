"""Which products of constraints and which monomials a certificate may use: degrees, gradings and parities.

If every constraint is homogeneous in some weights, a certificate may be taken homogeneous in them as well; if every
constraint keeps its sign pattern under ``x -> -x`` for some variables, squares need not mix monomials of different
parity. Both make the systems much smaller.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from flint import fmpq, fmpq_mat, fmpq_mpoly

from dltsym.prove.replay.sos import Constraint
from dltsym.prove.replay.sos_terms import CTX, ONE, SIZE
from dltsym.prove.sos_solve import Block, System

MAX_MONOMIALS, MAX_PARITIES = 70, 10
Grade = tuple[fmpq, ...]
Exponents = tuple[int, ...]


@dataclass(frozen=True)
class Shape:
    """Constraints with the variables that occur in them and what they have in common."""

    constraints: tuple[Constraint, ...]

    @cached_property
    def variables(self) -> tuple[int, ...]:
        """Numbers of the atoms that occur."""
        used = [c.poly.degrees() for c in self.constraints]
        return tuple(k for k in range(SIZE) if any(d[k] > 0 for d in used))

    @cached_property
    def weights(self) -> list[list[fmpq]]:
        """Weights of the variables in which every constraint is homogeneous."""
        rows = []
        for c in self.constraints:
            first, *others = [[e[k] for k in self.variables] for e in c.poly.monoms()] or [[0] * len(self.variables)]
            rows += [[int(a) - int(b) for a, b in zip(e, first, strict=True)] for e in others]
        n = len(self.variables)
        if not rows:
            return [[fmpq(int(i == k)) for i in range(n)] for k in range(n)]
        reduced, rank = fmpq_mat(rows).rref()
        echelon = reduced.tolist()[:rank]
        pivots = [next(k for k, c in enumerate(row) if c != 0) for row in echelon]
        out = []
        for k in (k for k in range(n) if k not in pivots):
            w = [fmpq(int(i == k)) for i in range(n)]
            for row, p in zip(echelon, pivots, strict=True):
                w[p] = -row[k]
            out.append(w)
        return out

    @cached_property
    def parities(self) -> list[Exponents]:
        """Sets of variables (as 0 and 1) whose change of sign keeps every inequality, and equations up to sign."""
        n = len(self.variables)
        if n > MAX_PARITIES:
            return []
        exponents = [[[int(e[k]) for k in self.variables] for e in c.poly.monoms()] for c in self.constraints]
        out = []
        for s in itertools.product((0, 1), repeat=n):
            odd = [{sum(a * b for a, b in zip(s, e, strict=True)) % 2 for e in es} for es in exponents]
            kept = all(len(o) <= 1 if c.op == "=" else o <= {0} for o, c in zip(odd, self.constraints, strict=True))
            if any(s) and kept:
                out.append(s)
        return out

    def grade(self, e: Exponents) -> Grade:
        """Return the weights of a monomial.

        Parameters
        ----------
        e : tuple of int
            Exponents.

        Returns
        -------
        tuple of fmpq
        """
        own = [int(e[k]) for k in self.variables]
        return tuple(sum((w * k for w, k in zip(ws, own, strict=True)), fmpq(0)) for ws in self.weights)

    def parity(self, e: Exponents) -> Exponents:
        """Return the parities of a monomial.

        Parameters
        ----------
        e : tuple of int
            Exponents.

        Returns
        -------
        tuple of int
        """
        return tuple(sum(a * int(e[k]) for a, k in zip(s, self.variables, strict=True)) % 2 for s in self.parities)

    def monomials(self, degree: int) -> Iterator[tuple[Exponents, fmpq_mpoly]]:
        """Yield the monomials up to a degree.

        Parameters
        ----------
        degree : int
            Highest degree.

        Yields
        ------
        tuple
        """
        for d in range(degree + 1):
            for chosen in itertools.combinations_with_replacement(self.variables, d):
                e = [0] * SIZE
                for k in chosen:
                    e[k] += 1
                yield tuple(e), CTX.from_dict({tuple(e): 1})

    def products(self, most: int, degree: int) -> Iterator[tuple[tuple[int, ...], fmpq_mpoly]]:
        """Yield products of at most so many inequalities, up to a degree; the empty one first.

        Parameters
        ----------
        most : int
            Number of factors.
        degree : int
            Highest degree.

        Yields
        ------
        tuple
        """
        rows = [k for k, c in enumerate(self.constraints) if c.op != "=" and not c.poly.is_constant()]
        for n in range(most + 1):
            for of in itertools.combinations_with_replacement(rows, n):
                product = ONE
                for k in of:
                    product = product * self.constraints[k].poly
                if product.total_degree() <= degree:
                    yield of, product


def head(p: fmpq_mpoly) -> Exponents:
    """Return the exponents of one monomial of a polynomial.

    Parameters
    ----------
    p : fmpq_mpoly
        Polynomial, not zero.

    Returns
    -------
    tuple of int
    """
    return p.monoms()[0]


def free_columns(shape: Shape, degree: int, seed: fmpq_mpoly) -> list[tuple[int, fmpq_mpoly, fmpq_mpoly]]:
    """Return the equations times monomials that fit the grade of the seed.

    Parameters
    ----------
    shape : Shape
        Constraints.
    degree : int
        Highest degree.
    seed : fmpq_mpoly
        What has to be cancelled.

    Returns
    -------
    list of (int, fmpq_mpoly, fmpq_mpoly)
        Number of the equation, monomial, product.
    """
    wanted = shape.grade(head(seed)), shape.parity(head(seed))
    out = []
    for k, c in enumerate(shape.constraints):
        if c.op != "=" or c.poly.is_zero():
            continue
        for _, m in shape.monomials(degree - c.poly.total_degree()):
            column = m * c.poly
            if (shape.grade(head(column)), shape.parity(head(column))) == wanted:
                out.append((k, m, column))
    return out


def blocks(shape: Shape, most: int, degree: int, seed: fmpq_mpoly) -> list[Block]:
    """Return the blocks of a certificate: products of constraints with the monomials that may stand in the squares.

    Parameters
    ----------
    shape : Shape
        Constraints.
    most : int
        Number of constraints in a product.
    degree : int
        Highest degree.
    seed : fmpq_mpoly
        What has to be cancelled.

    Returns
    -------
    list of Block
    """
    goal = shape.grade(head(seed))
    sign = shape.parity(head(seed))
    out = []
    for of, product in shape.products(most, degree):
        top = shape.grade(head(product))
        if shape.parity(head(product)) != sign:
            continue
        groups: dict[tuple[object, ...], list[fmpq_mpoly]] = {}
        for e, m in shape.monomials((degree - product.total_degree()) // 2):
            g = shape.grade(e)
            if all(t + 2 * a == b for t, a, b in zip(top, g, goal, strict=True)):
                groups.setdefault(shape.parity(e), []).append(m)
        out += [Block(of, product, tuple(ms)) for ms in groups.values() if len(ms) <= MAX_MONOMIALS]
    return out


def pruned(found: list[Block], seed: fmpq_mpoly, free: bool) -> list[Block]:
    """Without products of constraints, drop monomials whose square nothing can cancel.

    Parameters
    ----------
    found : list of Block
        Blocks.
    seed : fmpq_mpoly
        What has to be cancelled.
    free : bool
        Whether there are equations.

    Returns
    -------
    list of Block
    """
    if free or any(b.of for b in found):
        return found
    support = {tuple(map(int, e)) for e in seed.monoms()}
    basis = [tuple(map(int, head(m))) for b in found for m in b.basis]
    while True:
        cross = {_sum(a, b) for a, b in itertools.combinations(basis, 2)}
        kept = [m for m in basis if _sum(m, m) in support or _sum(m, m) in cross]
        if len(kept) == len(basis):
            break
        basis = kept
    good = set(basis)
    out = [Block(b.of, b.product, tuple(m for m in b.basis if tuple(map(int, head(m))) in good)) for b in found]
    return [b for b in out if b.basis]


def _sum(a: Exponents, b: Exponents) -> Exponents:
    return tuple(x + y for x, y in zip(a, b, strict=True))


def system(shape: Shape, most: int, degree: int, seed: fmpq_mpoly) -> System:
    """Set up the search for a certificate.

    Parameters
    ----------
    shape : Shape
        Constraints.
    most : int
        Number of constraints in a product.
    degree : int
        Highest degree.
    seed : fmpq_mpoly
        What has to be cancelled.

    Returns
    -------
    System
    """
    free = free_columns(shape, degree, seed)
    return System(tuple(pruned(blocks(shape, most, degree, seed), seed, bool(free))), tuple(free), seed)


def small_squares(found: list[Block]) -> list[Block]:
    """Return single squares for a linear program: of every monomial, and of sums and differences of two.

    Parameters
    ----------
    found : list of Block
        Blocks.

    Returns
    -------
    list of Block
        Blocks with one square each.
    """
    out = []
    for b in found:
        out += [Block(b.of, b.product, (m,)) for m in b.basis]
        for m, k in itertools.combinations(b.basis, 2):
            out += [Block(b.of, b.product, (m - k,)), Block(b.of, b.product, (m + k,))]
    return out
