"""Positivstellensatz refutations: contradictory polynomial constraints, shown by one identity.

``0 = strict product + sum (product of constraints) * weight * square + sum (equation) * (any polynomial)``.
First products with given squares (a linear program, Handelman and sums of binomial squares), then semidefinite blocks,
then the same after a split by the sign of a sum of variables that are known not to be negative.

Source of the method: dltsym design note, section 3, E5b.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flint import fmpq, fmpq_mpoly

from dltsym.prove.polynomials import Poly, names
from dltsym.prove.replay.sos import Constraint
from dltsym.prove.replay.sos_terms import CTX, GENS, NIL, SIZE
from dltsym.prove.sos_basis import Shape, blocks, free_columns, small_squares, system
from dltsym.prove.sos_lp import solve as solve_linear
from dltsym.prove.sos_solve import Block, Solution, System, ldl
from dltsym.prove.sos_solve import solve as solve_semidefinite

LINEAR, SQUARES, CASES = 0, 1, 2
MAX_DEGREE, MAX_COLUMNS, MAX_SEEDS = 10, 1500, 6


@dataclass(frozen=True)
class Weighted:
    """``product of constraints * sum weight * root**2``."""

    of: tuple[int, ...]
    squares: tuple[tuple[fmpq, fmpq_mpoly], ...]


@dataclass(frozen=True)
class Identity:
    """A refutation: terms and multiples of equations that add up to zero."""

    terms: tuple[Weighted, ...]
    equal: tuple[tuple[int, fmpq_mpoly], ...]


@dataclass(frozen=True)
class Split:
    """Refutations in the three cases of the sign of a polynomial; the case is the last constraint."""

    poly: fmpq_mpoly
    positive: Identity | Split
    zero: Identity | Split
    negative: Identity | Split


Proof = Identity | Split


def refutation(
    constraints: Sequence[Constraint], seconds: float = 8.0, effort: int = CASES, about: tuple[int, ...] = (0,)
) -> Proof | None:
    """Show that constraints contradict each other.

    Parameters
    ----------
    constraints : sequence of Constraint
        Constraints; number 0 is the one that is most likely to be needed (the negated goal).
    seconds : float
        Processor time after which no further attempt is made.
    effort : int
        `LINEAR` for linear programs only, `SQUARES` for semidefinite programs too, `CASES` for splits as well.
    about : tuple of int
        Constraints of which one has to be used: the others are hypotheses, and may not be contradictory themselves.

    Returns
    -------
    Identity, Split or None
        None says nothing about the constraints.

    Examples
    --------
    >>> from dltsym.prove.replay.sos_terms import GENS
    >>> x, y = GENS[:2]
    >>> refutation([Constraint(2 * x * y - x**2 - y**2, ">")]) is None
    False
    >>> refutation([Constraint(3 * x * y - x**2 - y**2, ">")]) is None
    True
    """
    shape = Shape(tuple(constraints))
    until = time.process_time() + seconds
    trivial = next((k for k, c in enumerate(constraints) if _absurd(c)), None)
    if trivial is not None:
        return _from_constant(constraints, trivial) if trivial in about else None
    for attempt in _attempts(shape, effort, until):
        found = attempt()
        if found is not None and holds(constraints, found):  # hypotheses that contradict each other prove nothing
            return found if _mentioned(found) & set(about) else None
        if time.process_time() > until:
            return None
    return _by_cases(constraints, until - time.process_time()) if effort >= CASES else None


def _mentioned(proof: Identity) -> set[int]:
    return {k for t in proof.terms if t.squares for k in t.of} | {k for k, _ in proof.equal}


def of_polynomials(relations: Sequence[tuple[Poly, str]]) -> list[Constraint] | None:
    """Turn polynomials over named atoms into constraints over numbered ones.

    Parameters
    ----------
    relations : sequence of (Poly, str)
        ``poly op 0`` with any relation.

    Returns
    -------
    list of Constraint or None
        None when there are too many atoms.
    """
    place = {n: k for k, n in enumerate(dict.fromkeys(n for p, _ in relations for n in names(p)))}
    if len(place) > SIZE:
        return None
    out = []
    for poly, op in relations:
        dense = {}
        for mono, c in poly.items():
            e = [0] * SIZE
            for n, k in mono:
                e[place[n]] = k
            dense[tuple(e)] = fmpq(c.numerator, c.denominator)
        p = CTX.from_dict(dense)
        p = {"<": -p, "<=": -p, "!=": p * p}.get(op, p)
        out.append(Constraint(p, {"<": ">", "<=": ">=", "!=": ">"}.get(op, op)))
    return out


def holds(constraints: Sequence[Constraint], proof: Proof) -> bool:
    """Whether a refutation is one: multiply everything out.

    Parameters
    ----------
    constraints : sequence of Constraint
        Constraints.
    proof : Identity or Split
        What was found.

    Returns
    -------
    bool
    """
    if isinstance(proof, Split):
        cases = (Constraint(proof.poly, ">"), Constraint(proof.poly, "="), Constraint(-proof.poly, ">"))
        parts = (proof.positive, proof.zero, proof.negative)
        return all(holds([*constraints, c], p) for c, p in zip(cases, parts, strict=True))
    total, strict = NIL, False
    for term in proof.terms:
        product, positive = NIL + 1, all(constraints[k].op == ">" for k in term.of)
        if any(constraints[k].op == "=" for k in term.of) or any(w < 0 for w, _ in term.squares):
            return False
        for k in term.of:
            product *= constraints[k].poly
        total += product * sum((root * root * w for w, root in term.squares), NIL)
        positive &= any(w > 0 and root.is_constant() and not root.is_zero() for w, root in term.squares)
        strict |= positive
    total += sum((constraints[k].poly * p for k, p in proof.equal), NIL)
    return strict and total.is_zero() and all(constraints[k].op == "=" for k, _ in proof.equal)


def _absurd(c: Constraint) -> bool:
    if not c.poly.is_constant():
        return False
    value = c.poly.leading_coefficient() if not c.poly.is_zero() else fmpq(0)
    return {"=": value != 0, ">": value <= 0, ">=": value < 0}[c.op]


def _from_constant(constraints: Sequence[Constraint], k: int) -> Identity:
    c = constraints[k]
    value = c.poly.leading_coefficient() if not c.poly.is_zero() else fmpq(0)
    one = NIL + 1
    if c.op == "=":
        return Identity((Weighted((), ((fmpq(1), one),)),), ((k, NIL - 1 / value),))
    own = Weighted((k,), ((fmpq(1), one),))
    return Identity((own, Weighted((), ((-value, one),)))[: 2 if value else 1], ())


def _seeds(shape: Shape, degree: int) -> list[tuple[tuple[int, ...], fmpq_mpoly]]:
    """Return products that are positive, the negated goal first."""
    strict = [(of, p) for of, p in shape.products(2, degree) if all(shape.constraints[k].op == ">" for k in of)]
    return sorted(strict, key=lambda t: (0 not in t[0], len(t[0]) == 0, len(t[0]), t[0]))


def _attempts(shape: Shape, effort: int, until: float) -> Iterator[Callable[[], Identity | None]]:
    goal = shape.constraints[0].poly
    low = max(1, goal.total_degree())
    top = [d for d in range(low, min(max(low + 2, 4), MAX_DEGREE) + 1)]
    if not top:
        return
    for degree in top[:2]:
        yield lambda d=degree: _linear(shape, 2, d, False)
    yield lambda: _linear(shape, 2, top[0] + top[0] % 2, True)
    for degree in top[1:3]:
        yield lambda d=degree: _linear(shape, 3, d, False)
    yield lambda: _linear(shape, 3, top[0] + 1, True)
    for degree in dict.fromkeys((low, low + low % 2, low + 1, low + 2)) if effort > LINEAR else ():
        for most in (1, 2, 3):
            for of, seed in _seeds(shape, degree)[:MAX_SEEDS]:
                yield lambda m=most, d=degree, o=of, s=seed: _semidefinite(shape, m, d, o, s, until)


def _linear(shape: Shape, most: int, degree: int, squares: bool) -> Identity | None:
    """Try products of constraints with constants, or with squares of monomials and of sums of two."""
    seeds = _seeds(shape, degree)[: 3 * MAX_SEEDS]
    if not seeds:
        return None
    if squares:
        found: list[Block] = []
        for _, seed in seeds[:MAX_SEEDS]:
            if seed.is_zero():
                continue
            found += [b for b in blocks(shape, most, degree, seed) if b not in found]
        found = small_squares(found)
    else:
        found = [Block(of, p, (NIL + 1,)) for of, p in shape.products(most, degree)]
    free = {(k, str(m)): (k, m, c) for _, s in seeds if not s.is_zero() for k, m, c in free_columns(shape, degree, s)}
    if len(found) + len(free) > MAX_COLUMNS:
        return None
    own = tuple(Block(of, p, (NIL + 1,)) for of, p in seeds)
    return _identity(solve_linear(System(tuple(found), tuple(free.values()), NIL), own), tuple(free.values()), None)


def _semidefinite(
    shape: Shape, most: int, degree: int, of: tuple[int, ...], seed: fmpq_mpoly, until: float
) -> Identity | None:
    if seed.is_zero():
        return None
    whole = system(shape, most, degree, seed)
    if sum(len(b.pairs) for b in whole.blocks) > MAX_COLUMNS:
        return None
    found = solve_semidefinite(whole, until)
    return _identity(found, whole.free, Weighted(of, ((fmpq(1), NIL + 1),)))


def _identity(
    found: Solution | None, free: tuple[tuple[int, fmpq_mpoly, fmpq_mpoly], ...], first: Weighted | None
) -> Identity | None:
    """Write a solution as an identity: weights and squares from the LDL decomposition of every block."""
    if found is None:
        return None
    squares: dict[tuple[int, ...], list[tuple[fmpq, fmpq_mpoly]]] = {}
    if first is not None:
        squares[first.of] = list(first.squares)
    for block, matrix in zip(found.blocks, found.matrices, strict=True):
        parts = ldl(matrix)
        assert parts is not None
        for weight, column in zip(*parts, strict=True):
            root = sum((b * c for b, c in zip(block.basis, column, strict=True) if c != 0), NIL)
            squares.setdefault(block.of, []).append((weight, root))
    equal: dict[int, fmpq_mpoly] = {}
    for (k, m, _), c in zip(free, found.free, strict=True):
        equal[k] = equal.get(k, NIL) + m * c
    return Identity(
        tuple(Weighted(of, tuple(sq)) for of, sq in squares.items()),
        tuple((k, p) for k, p in equal.items() if not p.is_zero()),
    )


def _by_cases(constraints: Sequence[Constraint], seconds: float) -> Split | None:
    """Split by the sum of the variables that are known not to be negative, then by each of them."""
    shape = Shape(tuple(constraints))
    single = [GENS[k] for k in shape.variables if any(c.poly == GENS[k] and c.op == ">=" for c in constraints)]
    options: list[fmpq_mpoly] = ([sum(single, NIL)] if len(single) > 1 else []) + single
    for poly in options[:3]:
        if seconds <= 0:
            return None
        started = time.process_time()
        parts: list[Any] = []
        for case in (Constraint(-poly, ">"), Constraint(poly, "="), Constraint(poly, ">")):
            got = refutation([*constraints, case], min(seconds, 3.0), SQUARES, (0, len(constraints)))
            if got is None:
                break
            parts.append(got)
        seconds -= time.process_time() - started
        if len(parts) == 3:
            return Split(poly, parts[2], parts[1], parts[0])
    return None
