"""What a fuzzer draws, and how one statement is put to the engines.

A `Drawn` is text in the grammar, so what is printed when a test fails is exactly what was asked. A false one carries a
point where its hypotheses hold and its goal does not; `fails_at` is the only judge of that, and knows no engine.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from small_records import problem, scope

from dltsym.errors import DltsymError
from dltsym.notation.evaluate import evaluate_exact, holds
from dltsym.notation.tree import Expr, Num, Rel, Sym
from dltsym.notation.walk import binders, children, free_symbols, rebuild
from dltsym.prove.decide import Effort, run_engine
from dltsym.prove.definedness import discharge
from dltsym.prove.engines import Engine, engines
from dltsym.prove.problem import Problem, declared_bounds
from dltsym.prove.replay import Rejected, kinds, replay
from dltsym.prove.verdict import PROVED, REFUTED, Verdict

Point = Mapping[str, Any]
APART = ("cas", "sampled")  # one starts a process for every question, the other is evidence and no proof
BRIEF = Effort(0.02, full_refuter=False)


@dataclass(frozen=True)
class Drawn:
    """One statement: declarations, goal and hypotheses as text, where it comes from, and a point where it fails."""

    kind: str
    declare: str
    goal: str
    given: tuple[str, ...] = ()
    point: Point | None = field(default=None, compare=False)

    def problem(self) -> Problem:
        """Read the text."""
        return problem(self.declare, self.goal, self.given)

    def __repr__(self) -> str:
        at = ", ".join(f"{k}={v}" for k, v in (self.point or {}).items() if not callable(v))
        tail = f"   fails at {at}" if at else ""
        return f"[{self.kind}] {self.declare} | {'; '.join(self.given)} |- {self.goal}{tail}"


@dataclass
class Tally:
    """How many statements were asked, and who proved how many of them, by kind and by engine."""

    kinds: dict[str, list[int]] = field(default_factory=dict)
    by: dict[str, int] = field(default_factory=dict)

    def count(self, kind: str, names: list[str]) -> None:
        """Add one statement and the engines that proved it."""
        row = self.kinds.setdefault(kind.split(":")[0], [0, 0])
        row[0] += 1
        row[1] += bool(names)
        for name in names:
            self.by[name] = self.by.get(name, 0) + 1

    @property
    def asked(self) -> int:
        """Number of statements."""
        return sum(n for n, _ in self.kinds.values())

    @property
    def share(self) -> float:
        """Fraction of them that some engine proved."""
        return sum(k for _, k in self.kinds.values()) / max(self.asked, 1)


# Points


def fraction(rng: random.Random, lo: Fraction | None = None, hi: Fraction | None = None) -> Fraction:
    """Draw a small rational between bounds, both excluded."""
    if lo is not None and hi is not None:
        return lo + (hi - lo) * Fraction(rng.randint(1, 11), 12)
    step = Fraction(rng.randint(1, 24), rng.randint(1, 8))
    if lo is not None:
        return lo + step
    return hi - step if hi is not None else rng.choice((-1, 1)) * step * rng.choice((0, 1, 1, 1, 1))


def entries(seed: str, lo: Fraction | None) -> Callable[[tuple[int, ...]], Fraction]:
    """Draw an array with an entry at every integer."""

    def entry(idx: tuple[int, ...]) -> Fraction:
        r = random.Random(f"{seed} {idx}")
        return Fraction(r.randint(-6 if lo is None else 1, 6), r.randint(1, 4)) + (lo or 0)

    return entry


def draw_point(p: Problem, rng: random.Random) -> Point:
    """Draw a value for every symbol between its declared bounds; sizes are small, indices come last."""
    out: dict[str, Any] = {}
    for s in sorted(p.symbols, key=lambda s: (s.decl.sort == "index", s.name)):
        ends = [None if b is None else evaluate_exact(b, out) for b in (s.decl.lo, s.decl.hi)]
        if s.decl.sort == "array":
            out[s.name] = entries(f"{s.name} {rng.random()}", ends[0])
        elif s.decl.sort == "real":
            out[s.name] = fraction(rng, *ends)
        else:
            lo = int(ends[0]) if ends[0] is not None else -2
            hi = int(ends[1]) if ends[1] is not None else max(lo, 0) + 3
            out[s.name] = rng.randint(lo, max(lo, hi))
    return out


def _every_index(rel: Rel, point: Point) -> Iterator[Point]:
    """Yield the point with every value of the index symbols of a hypothesis: it holds for all of them."""
    quantified: list[Sym] = sorted((s for s in free_symbols(rel) if s.decl.sort == "index"), key=lambda s: s.name)
    spans = []
    for s in quantified:
        lo, hi = (evaluate_exact(b, point) for b in (s.decl.lo, s.decl.hi) if b is not None)
        spans.append(range(int(lo or 0), int(hi or 0) + 1))
    for values in itertools.product(*spans):
        yield {**point, **{s.name: v for s, v in zip(quantified, values, strict=True)}}


def inside(p: Problem, point: Point) -> bool:
    """Whether a point satisfies every declared bound and every hypothesis, with certainty."""
    try:
        bounds = [r for s in p.symbols for r in declared_bounds(s)]
        return all(holds(r, point) for r in bounds) and all(
            holds(r, at) for r in p.given for at in _every_index(r, point)
        )
    except DltsymError:
        return False


def fails_at(p: Problem, point: Point) -> bool:
    """Whether the hypotheses certainly hold and the goal certainly does not."""
    return inside(p, point) and holds(p.goal, point) is False


def certified(drawn: Drawn, points: Iterator[Point] | None = None, count: int = 12) -> Drawn | None:
    """Return a statement with a point where it fails; None when no point was found, which says nothing."""
    p = drawn.problem()
    rng = random.Random(repr(drawn))
    tries = points or (draw_point(p, rng) for _ in range(count))
    try:
        at = next((x for x in tries if fails_at(p, x)), None)
    except DltsymError:
        return None
    return None if at is None else replace(drawn, point=at)


# Engines


def fitting(p: Problem, skip: tuple[str, ...] = APART) -> list[Engine]:
    """Return the engines that accept the relation of the goal."""
    return [e for e in engines() if p.goal.op in e.ops and e.name not in skip]


def provers(p: Problem, effort: Effort = BRIEF, skip: tuple[str, ...] = APART, first: bool = False) -> list[Verdict]:
    """Ask every engine by itself and return the proofs (only one when `first`); none when the goal may be undefined."""
    if discharge(p)[1]:
        return []
    out = []
    for engine in fitting(p, skip):
        verdict = run_engine(engine, p, effort)
        assert not verdict.evidence.get("internal"), f"{engine.name}: {verdict.evidence}"
        if verdict.status == PROVED:
            out.append(verdict)
            if first:
                break
    return out


def refuters(p: Problem, skip: tuple[str, ...] = APART, effort: Effort = BRIEF) -> list[str]:
    """Name the engines that claim to refute a goal."""
    return [e.name for e in fitting(p, skip) if run_engine(e, p, effort).status == REFUTED]


def certified_by(verdict: Verdict) -> bool:
    """Whether a proof has a certificate; the kind ``none`` says why there is none."""
    certificate = verdict.evidence.get("certificate")
    return isinstance(certificate, Mapping) and certificate.get("kind") in kinds()


def accepts(p: Problem, verdict: Verdict) -> bool:
    """Whether the certificate of a proof replays on a problem."""
    try:
        replay(p, verdict.evidence["certificate"])
    except Rejected:
        return False
    return True


# Shrinking


def _smaller(node: Expr | Rel) -> Iterator[Expr | Rel]:
    """Yield versions of a tree with one subterm replaced by a part of it, by a name it uses, or by 1 or 0."""
    below = children(node)
    if isinstance(node, Expr) and below:
        yield from (c for c in below if not (binders(node) and free_symbols(c) & set(binders(node))))
        yield from (Num(Fraction(1)), Num(Fraction(0)))
    for k, child in enumerate(below):
        for new in _smaller(child):
            yield rebuild(node, (*below[:k], new, *below[k + 1 :]))


def smallest(drawn: Drawn, fails: Callable[[Drawn], bool], rounds: int = 60) -> Drawn:
    """Return a shorter statement that fails in the same way: parts cut away one at a time, and hypotheses dropped."""
    for _ in range(rounds):
        v = scope(drawn.declare)
        goals = sorted({str(new) for new in _smaller(v.relations(drawn.goal)[0])}, key=lambda s: (len(s), s))
        options = [replace(drawn, given=(*drawn.given[:k], *drawn.given[k + 1 :])) for k in range(len(drawn.given))]
        options += [replace(drawn, goal=goal) for goal in goals if len(goal) < len(drawn.goal)]
        better = next((d for d in options if _still(d, fails)), None)
        if better is None:
            return drawn
        drawn = better
    return drawn


def _still(drawn: Drawn, fails: Callable[[Drawn], bool]) -> bool:
    try:
        return fails(drawn)
    except (DltsymError, TypeError, ArithmeticError):  # the cut left something that means nothing
        return False
