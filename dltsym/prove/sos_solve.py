"""Exact solutions of ``sum over blocks of <M, Q> = 0`` with positive semidefinite Q, by an interior point method.

Unknown are symmetric matrices Q, one per block, and free numbers. Everything that is found in floating point is rounded
to rationals and counts only if every Q passes an exact LDL decomposition.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations_with_replacement
from typing import Any

from flint import fmpq, fmpq_mat, fmpq_mpoly

DENOMINATORS = (1, 2, 3, 4, 6, 12, 60, 360, 1000, 10**5, 10**8)
SHARP, FLAT, BALL, TOP = 1e-3, 1e-4, 1e4, 10.0
MAX_UNKNOWNS, MAX_FREE, ROUNDS = 1200, 300, 6
MOST, CLOSE = 20, 2e-2
Matrix = list[list[fmpq]]


@dataclass(frozen=True)
class Block:
    """``product * basis' Q basis``; `of` says which constraints are multiplied."""

    of: tuple[int, ...]
    product: fmpq_mpoly
    basis: tuple[fmpq_mpoly, ...]

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Places of the upper triangle."""
        return list(combinations_with_replacement(range(len(self.basis)), 2))

    def columns(self) -> list[fmpq_mpoly]:
        """Return what each entry of the upper triangle contributes.

        Returns
        -------
        list of fmpq_mpoly
        """
        return [self.product * self.basis[i] * self.basis[j] * (1 if i == j else 2) for i, j in self.pairs]


@dataclass(frozen=True)
class System:
    """Blocks, free columns (equations times monomials), and a column that the others have to cancel."""

    blocks: tuple[Block, ...]
    free: tuple[tuple[int, fmpq_mpoly, fmpq_mpoly], ...]
    fixed: fmpq_mpoly


@dataclass(frozen=True)
class Solution:
    """A matrix for every block, and the numbers of the free columns."""

    blocks: tuple[Block, ...]
    matrices: tuple[Matrix, ...]
    free: tuple[fmpq, ...]


def ldl(matrix: Matrix) -> tuple[list[fmpq], Matrix] | None:
    """Decompose ``Q = L D L'`` exactly.

    Parameters
    ----------
    matrix : list of list of fmpq
        Symmetric matrix.

    Returns
    -------
    tuple or None
        Weights D, all positive, and the columns of L that belong to them; None if Q is not positive semidefinite.
    """
    n = len(matrix)
    rest = [row[:] for row in matrix]
    weights, columns = [], []
    for k in range(n):
        d = rest[k][k]
        if d < 0 or (d == 0 and any(rest[k][j] != 0 for j in range(k, n))):
            return None
        if d == 0:
            continue
        column = [rest[i][k] / d if i >= k else fmpq(0) for i in range(n)]
        for i in range(k, n):
            for j in range(k, n):
                rest[i][j] -= d * column[i] * column[j]
        weights.append(d)
        columns.append(column)
    return weights, columns


def solve(system: System, until: float) -> Solution | None:
    """Find positive semidefinite matrices by an interior point method, rounding and facial reduction.

    Parameters
    ----------
    system : System
        What has to cancel.
    until : float
        Processor time at which the search stops.

    Returns
    -------
    Solution or None
    """
    for _ in range(ROUNDS):
        space = _space(system)
        if space is None:
            return None
        start, directions, unknowns = space
        got, smallest = _rounded(system, start, directions, unknowns, until)
        if got is not None:
            return got
        if smallest is None:
            return None
        smaller = _facial(system, smallest)
        if smaller is None:
            return None
        system = smaller
    return None


# ---- exact linear algebra ----


def _space(system: System) -> tuple[list[fmpq], list[list[fmpq]], list[tuple[int, int, int]]] | None:
    """Solve the linear equations: a solution and a basis of directions, free columns first in every vector."""
    unknowns = [(b, i, j) for b, block in enumerate(system.blocks) for i, j in block.pairs]
    columns = [c for _, _, c in system.free] + [c for block in system.blocks for c in block.columns()]
    if len(columns) > MAX_UNKNOWNS:
        return None
    terms = [c.to_dict() for c in (*columns, -system.fixed)]
    rows: dict[Any, int] = {}
    for t in terms:
        for m in t:
            rows.setdefault(m, len(rows))
    table = [[0] * len(terms) for _ in rows]
    for k, t in enumerate(terms):
        for m, c in t.items():
            table[rows[m]][k] = c  # type: ignore[call-overload]
    reduced, rank = fmpq_mat(table).rref()
    echelon = reduced.tolist()[:rank]
    pivots = [next(k for k, c in enumerate(row) if c != 0) for row in echelon]
    n = len(columns)
    if pivots and pivots[-1] == n:
        return None
    loose = [k for k in range(len(system.free), n) if k not in set(pivots)]
    start = [fmpq(0)] * n
    for row, p in zip(echelon, pivots, strict=True):
        start[p] = row[n]
    directions = []
    for k in loose:
        v = [fmpq(0)] * n
        v[k] = fmpq(1)
        for row, p in zip(echelon, pivots, strict=True):
            if row[k] != 0:
                v[p] = -row[k]
        directions.append(v)
    return (start, directions, unknowns) if len(loose) <= MAX_FREE else None


def _exact(system: System, vector: list[fmpq], unknowns: list[tuple[int, int, int]]) -> Solution | None:
    """Read the matrices off a solution of the equations; None if one is not positive semidefinite."""
    matrices = [[[fmpq(0)] * len(b.basis) for _ in b.basis] for b in system.blocks]
    shift = len(system.free)
    for value, (b, i, j) in zip(vector[shift:], unknowns, strict=True):
        matrices[b][i][j] = matrices[b][j][i] = value
    if any(ldl(m) is None for m in matrices):
        return None
    return Solution(system.blocks, tuple(matrices), tuple(vector[:shift]))


# ---- floating point ----


def _rounded(
    system: System,
    start: list[fmpq],
    directions: list[list[fmpq]],
    unknowns: list[tuple[int, int, int]],
    until: float,
) -> tuple[Solution | None, list[Any] | None]:
    """Return an exact solution, or else the floating point matrices where the smallest eigenvalue is largest."""
    import numpy as np

    if not directions:
        return _exact(system, start, unknowns), None
    shift = len(system.free)
    base = np.array([float(int(c.p) / int(c.q)) for c in start[shift:]])
    steps = np.array([[float(int(c.p) / int(c.q)) for c in v[shift:]] for v in directions])
    y, t = _interior(system, base, steps, unknowns, until)
    if t < -1e-5:
        return None, None
    for d in DENOMINATORS:
        vector = start[:]
        for c, v in zip(y, directions, strict=True):
            q = fmpq(round(float(c) * d), d)
            if q != 0:
                vector = [a + q * b if b != 0 else a for a, b in zip(vector, v, strict=True)]
        got = _exact(system, vector, unknowns)
        if got is not None:
            return got, None
    return None, _matrices(system, base + y @ steps, unknowns)


def _matrices(system: System, vector: Any, unknowns: list[tuple[int, int, int]]) -> list[Any]:
    import numpy as np

    out = [np.zeros((len(b.basis), len(b.basis))) for b in system.blocks]
    for value, (b, i, j) in zip(vector, unknowns, strict=True):
        out[b][i, j] = out[b][j, i] = value
    return out


def _interior(
    system: System, base: Any, steps: Any, unknowns: list[tuple[int, int, int]], until: float
) -> tuple[Any, float]:
    """Maximise t so that every ``Q - t*I`` is positive definite, by damped Newton steps on the log det barrier."""
    import numpy as np

    count = len(steps)
    blocks = _matrices(system, base, unknowns)
    slopes = [np.zeros((count + 1, len(q), len(q))) for q in blocks]
    for column, (b, i, j) in zip(steps.T, unknowns, strict=True):
        slopes[b][:count, i, j] = slopes[b][:count, j, i] = column
    for s in slopes:
        s[count] = -np.eye(s.shape[1])
    x = np.zeros(count + 1)
    x[count] = min(min(float(np.linalg.eigvalsh(q)[0]) for q in blocks) - 1.0, TOP - 1.0)
    size = sum(len(q) for q in blocks) + 2
    weight, best = 1.0, (x[:count].copy(), float(x[count]))
    for _ in range(60):
        x = _centred(blocks, slopes, x, weight, until)
        if x[count] > best[1]:
            best = x[:count].copy(), float(x[count])
        if x[count] > SHARP or size / weight < 1e-9 or time.process_time() > until:
            break
        weight *= 4.0
    return best


def _centred(blocks: list[Any], slopes: list[Any], x: Any, weight: float, until: float) -> Any:
    """Newton's method for ``weight*t + sum log det(Q - t*I) + log(BALL**2 - |y|**2) + log(TOP - t)``."""
    import numpy as np

    n = len(x) - 1

    def value(z: Any) -> float:
        room, head = BALL**2 - z[:n] @ z[:n], TOP - z[n]
        if room <= 0 or head <= 0:
            return -np.inf
        out = weight * z[n] + np.log(room / BALL**2) + np.log(head)
        for q, s in zip(blocks, slopes, strict=True):
            try:
                low = np.linalg.cholesky(q + np.tensordot(z, s, 1))
            except np.linalg.LinAlgError:
                return -np.inf
            out += 2 * np.log(np.diag(low)).sum()
        return float(out)

    for _ in range(12):
        if time.process_time() > until:
            break
        grad, hess = np.zeros(n + 1), np.zeros((n + 1, n + 1))
        room, head = BALL**2 - x[:n] @ x[:n], TOP - x[n]
        grad[:n], grad[n] = -2 * x[:n] / room, weight - 1 / head
        hess[:n, :n] = 2 * np.eye(n) / room + 4 * np.outer(x[:n], x[:n]) / room**2
        hess[n, n] = 1 / head**2
        for q, s in zip(blocks, slopes, strict=True):
            inner = np.linalg.inv(q + np.tensordot(x, s, 1))
            w = inner @ s
            grad += np.trace(w, axis1=1, axis2=2)
            hess += w.reshape(n + 1, -1) @ w.transpose(0, 2, 1).reshape(n + 1, -1).T
        step = np.linalg.solve(hess + 1e-12 * np.trace(hess) / (n + 1) * np.eye(n + 1), grad)
        gain = float(step @ grad)
        if not np.isfinite(gain) or gain < 1e-6:
            break
        here, scale = value(x), 1.0
        while scale > 1e-8 and value(x + scale * step) < here + 0.1 * scale * gain:
            scale /= 2
        if scale <= 1e-8:
            break
        x = x + scale * step
    return x


def _facial(system: System, matrices: list[Any]) -> System | None:
    """Restrict every block to what is orthogonal to its null vectors; None when no block gets smaller."""
    import numpy as np

    blocks, changed = [], False
    for block, q in zip(system.blocks, matrices, strict=True):
        values, vectors = np.linalg.eigh(q)
        null = vectors[:, values < FLAT * max(1.0, float(values[-1]))].T
        rows = _rational(null)
        if not rows:
            blocks.append(block)
            continue
        changed = True
        kept = tuple(_combined(block.basis, v) for v in _orthogonal(rows, len(block.basis)))
        if kept:
            blocks.append(Block(block.of, block.product, kept))
    return System(tuple(blocks), system.free, system.fixed) if changed else None


def _rational(null: Any) -> list[list[fmpq]]:
    """Row-reduce null vectors and round them to small denominators; rows that are not close to such are dropped."""
    import numpy as np

    rows, done = null.copy(), 0
    for col in range(rows.shape[1]):
        if done == len(rows):
            break
        k = done + int(np.argmax(np.abs(rows[done:, col])))
        if abs(rows[k, col]) < 1e-2:
            continue
        rows[[done, k]] = rows[[k, done]]
        rows[done] /= rows[done, col]
        for i in range(len(rows)):
            if i != done:
                rows[i] -= rows[i, col] * rows[done]
        done += 1
    near = [[Fraction(float(c)).limit_denominator(MOST) for c in row] for row in rows[:done]]
    gaps = [max(abs(float(a) - c) for a, c in zip(*pair, strict=True)) for pair in zip(near, rows[:done], strict=True)]
    return [[fmpq(c.numerator, c.denominator) for c in q] for q, gap in zip(near, gaps, strict=True) if gap < CLOSE]


def _orthogonal(rows: list[list[fmpq]], n: int) -> list[list[fmpq]]:
    """Return a basis of the vectors that are orthogonal to the rows."""
    reduced, rank = fmpq_mat(rows).rref()
    echelon = reduced.tolist()[:rank]
    pivots = [next(k for k, c in enumerate(row) if c != 0) for row in echelon]
    out = []
    for k in (k for k in range(n) if k not in set(pivots)):
        v = [fmpq(0)] * n
        v[k] = fmpq(1)
        for row, p in zip(echelon, pivots, strict=True):
            v[p] = -row[k]
        out.append(v)
    return out


def _combined(basis: tuple[fmpq_mpoly, ...], v: list[fmpq]) -> fmpq_mpoly:
    out = basis[0] * 0
    for b, c in zip(basis, v, strict=True):
        if c != 0:
            out += b * c
    return out
