"""Branch and bound: cover a box by pieces on which ball arithmetic shows that a difference is not negative.

Each piece is evaluated naturally; then at its monotone corner, the variables with a slope of one sign fixed at their
lower or upper end; then in mean-value form around the centre of that face. What remains is cut in the middle. A tight
claim (equality inside or on the box) cannot be decided this way and stays open: no tolerance helps it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from flint import arb, fmpq

from dltsym.errors import InternalError, UnknownNode
from dltsym.notation.balls import working
from dltsym.notation.calculus import derivative
from dltsym.notation.tree import Expr, Rel
from dltsym.notation.walk import free_symbols
from dltsym.prove.boxes_tape import Tape
from dltsym.prove.replay.boxes import CUTS, Claim, fails, variables
from dltsym.prove.replay.closed import closed, strict_ends
from dltsym.prove.replay.spans import Box, ends_of

BITS, FINE_BITS = 64, 128
DEPTH, FINE = 48, 24  # halvings of one side at most, and from where on the precision is raised
AHEAD = 6  # a steep variable may be cut so many times more than the others
Coordinate = tuple[fmpq, fmpq, arb, int]  # both ends, the ball around them, halvings
Piece = tuple[Coordinate, ...]


@dataclass
class Budget:
    """What is left to spend, shared by the members of a family; `until` is processor time."""

    boxes: int
    until: float
    witnesses: int = 24

    def over(self) -> str:
        """Say what is used up; empty while nothing is."""
        if self.boxes <= 0:
            return "the boxes are used up"
        return "time is over" if time.process_time() > self.until else ""


@dataclass
class Cover:
    """Outcome on one box: the cuts when covered, or a point where the gap is negative, or the piece that is left."""

    tree: list[str] = field(default_factory=list)
    points: int = 0
    negative: dict[str, Fraction] | None = None
    stopped: str = ""
    left: str = ""


class Cutter:
    """Branch and bound on one claim in real variables."""

    def __init__(self, claim: Claim, box: Box) -> None:
        self.claim, self.box, self.symbols = claim, box, variables(claim)
        self.smooth, self.strict = True, strict_ends(claim.hypotheses)
        with working(BITS):
            self.value = self._tape(claim.gap)
            try:
                self.slopes = self._tape(*(derivative(claim.gap, s) for s in self.symbols))
            except UnknownNode:  # a kink, or a function without a rule: natural evaluation only
                self.smooth = False
            self.ops, self.tests = self._tests()
        self.bits = BITS

    def _tests(self) -> tuple[list[str], Tape]:
        """Compile the hypotheses that can exclude a piece; one without a value at a point excludes nothing."""
        rels = []
        for rel in (r for r in self.claim.hypotheses if _cuts(r) and free_symbols(r) <= set(self.symbols)):
            try:
                self._tape(rel.lhs, rel.rhs)
                rels.append(rel)
            except UnknownNode:
                continue
        return [r.op for r in rels], self._tape(*(e for r in rels for e in (r.lhs, r.rhs)))

    def _tape(self, *trees: Expr) -> Tape:
        return Tape(self.symbols, [closed(t, self.box, self.strict) for t in trees])

    def cover(self, budget: Budget) -> Iterator[Cover]:
        """Yield covers: one with a negative point for each that is met, and at last the outcome.

        Parameters
        ----------
        budget : Budget
            Boxes to evaluate.

        Yields
        ------
        Cover
        """
        out = Cover()
        with working(BITS):
            todo: list[Piece] = [tuple(_coordinate(*ends_of(self.box, s.name)) for s in self.symbols)]
        while todo:
            piece = todo.pop()
            budget.boxes -= 1
            with working(self._precision(piece)):
                rule, cut, point = self.settle(piece)
            if point is not None and budget.witnesses > 0:
                budget.witnesses -= 1
                yield Cover(negative=point)
            if not rule and (cut is None or (stopped := budget.over())):
                out.stopped = stopped if cut is not None else "a piece is too small to be cut again"
                out.left = f"{self.words(piece)}, {self._gap(piece)} ({len(todo)} more pieces were waiting)"
                break
            out.tree.append(rule or CUTS[cut])  # type: ignore[index]
            out.points += rule in ("n", "c", "m")
            if cut is not None and not rule:
                with working(self.bits):
                    todo += reversed(_halves(piece, cut))
        yield out

    def _gap(self, piece: Piece) -> str:
        with working(self.bits):
            (value,) = self.value.run([c[2] for c in piece])
            return f"with the gap in {value.str(6)}" if value.is_finite() else "where the gap has no finite enclosure"

    def _precision(self, piece: Piece) -> int:
        bits = FINE_BITS if any(c[3] >= FINE for c in piece) else BITS
        if bits != self.bits:
            self.bits = bits
            with working(bits):
                for tape in (self.value, self.tests, *([self.slopes] if self.smooth else [])):
                    tape.load()
        return bits

    def settle(self, piece: Piece) -> tuple[str, int | None, dict[str, Fraction] | None]:
        """Settle one piece, or say where to cut it, and give a point where the gap is negative if one was met.

        Parameters
        ----------
        piece : tuple
            Piece.

        Returns
        -------
        tuple
            Rule (empty: none), variable to cut (None: none is left), point.
        """
        balls = [c[2] for c in piece]
        if self.ops:
            ends = self.tests.run(balls)
            if any(fails(op, a, b) for op, a, b in zip(self.ops, ends[::2], ends[1::2], strict=True)):
                return "x", None, None
        (value,) = self.value.run(balls)
        if self._good(value):
            return "n", None, None
        widest = _widest(piece)
        if not value.is_finite() or not self.smooth or not piece:
            point = self._point([(c[0] + c[1]) / 2 for c in piece]) if not self.smooth or value < 0 else None
            return "", widest, point
        slopes = self.slopes.run(balls)
        if not all(g.is_finite() for g in slopes):
            return "", widest, None
        return self._by_slopes(piece, value, slopes)

    def _by_slopes(
        self, piece: Piece, value: arb, slopes: list[arb]
    ) -> tuple[str, int | None, dict[str, Fraction] | None]:
        face = [c[0] if g >= 0 else c[1] if g <= 0 else None for g, c in zip(slopes, piece, strict=True)]
        corner = value
        if any(q is not None for q in face):
            (corner,) = self.value.run([c[2] if q is None else arb(q) for q, c in zip(face, piece, strict=True)])
            if self._good(corner):
                return "c", None, None
        middle = [(c[0] + c[1]) / 2 if q is None else q for q, c in zip(face, piece, strict=True)]
        (centre,) = self.value.run([arb(q) for q in middle])
        mean, cut, most = centre, _widest(piece), arb(0)
        least = piece[cut][3] if cut is not None else 0
        for k, (q, m, g, c) in enumerate(zip(face, middle, slopes, piece, strict=True)):
            if q is None:
                mean = mean + g * (c[2] - m)
                size = abs(g).upper() * (c[1] - c[0])
                if size > most and c[3] < min(DEPTH, least + AHEAD) and not self.ops:
                    cut, most = k, size
        if self._good(mean):
            return "m", None, None
        if mean.is_finite() and corner.is_finite() and not mean.overlaps(corner):
            raise InternalError(f"two enclosures of {self.claim.gap} exclude each other on {self.words(piece)}")
        return "", cut, self._point(middle) if centre < 0 else None

    def _good(self, value: arb) -> bool:
        return bool(value.is_finite() and (value > 0 if self.claim.strict else value >= 0))

    def _point(self, at: list[fmpq]) -> dict[str, Fraction] | None:
        (value,) = self.value.run([arb(q) for q in at])
        if not (value.is_finite() and (value <= 0 if self.claim.strict else value < 0)):
            return None
        return {s.name: Fraction(int(q.p), int(q.q)) for s, q in zip(self.symbols, at, strict=True)}

    def words(self, piece: Piece) -> str:
        """Describe a piece.

        Parameters
        ----------
        piece : tuple
            Piece.

        Returns
        -------
        str
        """
        rows = (f"{s.name} in [{_short(c[0])}, {_short(c[1])}]" for s, c in zip(self.symbols, piece, strict=True))
        return ", ".join(rows) or "the only point"


def _cuts(rel: Rel) -> bool:
    """Whether a hypothesis can exclude a part of the box: it is no bound of one variable by a constant."""
    return rel.op != "!=" and (len(free_symbols(rel)) != 1 or not (free_symbols(rel) & {rel.lhs, rel.rhs}))


def _coordinate(lo: Fraction, hi: Fraction) -> Coordinate:
    a, b = fmpq(lo.numerator, lo.denominator), fmpq(hi.numerator, hi.denominator)
    return a, b, arb(a).union(arb(b)), 0


def _halves(piece: Piece, k: int) -> list[Piece]:
    lo, hi, _, depth = piece[k]
    mid = (lo + hi) / 2
    at = arb(mid)
    parts: tuple[Coordinate, ...] = (lo, mid, arb(lo).union(at), depth + 1), (mid, hi, at.union(arb(hi)), depth + 1)
    return [(*piece[:k], part, *piece[k + 1 :]) for part in parts]


def _widest(piece: Piece) -> int | None:
    """Return the variable that was cut least; None when every side is a point or too small."""
    open_ = [(c[3], k) for k, c in enumerate(piece) if c[0] < c[1] and c[3] < DEPTH]
    return min(open_)[1] if open_ else None


def _short(q: fmpq) -> str:
    text = str(q)
    return text if len(text) <= 14 else f"{int(q.p) / int(q.q):.14g}"
