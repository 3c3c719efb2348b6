"""Certificates for many rows at once: formulas row by row over balls, inverses of relative entropy all together.

What is the same in all rows is done once: lints, units, unions, compiled formulas. Rows outside the domain, and those
that need more than the first precision, are left to the way of single bounds, which says what is wrong with them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb

from dltsym.bounds.amounts import Amount, as_ball
from dltsym.bounds.choosing import open_choices
from dltsym.bounds.columns import Column, exact_hypotheses
from dltsym.bounds.nearly import Tree
from dltsym.bounds.objects import BoundObject
from dltsym.bounds.reading import BITS
from dltsym.bounds.rounding import down, up
from dltsym.bounds.rowwise import judge
from dltsym.bounds.scale import back, clip, limits
from dltsym.bounds.values import PRECISIONS, SHARP, compiled, environment
from dltsym.lower.closed.domain import whole
from dltsym.notation.balls import working
from dltsym.notation.evaluate import holds
from dltsym.notation.tree import Num, Rel, Sym
from dltsym.notation.walk import free_symbols

__all__ = ["Certified", "Certifier"]

Env = Mapping[str, Any]


@dataclass(frozen=True)
class Certified:
    """Enclosures of a bound in a row: cut off at the range of the loss, and before; and its verdict."""

    low: float
    high: float
    low_unclipped: float
    high_unclipped: float
    verdict: str


class Certifier:
    """Certificates of rows that differ from a legal bound in a few inputs only.

    Parameters
    ----------
    sample : BoundObject
        Bound of one of the rows, unions included.
    columns : sequence of Column
        Inputs that differ.
    """

    def __init__(self, sample: BoundObject, columns: Sequence[Column]) -> None:
        self.sample, self.columns = sample, columns
        s, names = sample.statement, {c.symbol for c in columns}
        self.symbols = {n: sample.record.symbols[n] for n in names}
        used = [x for t in s.trees.items() if not t[0].startswith("event") for x in free_symbols(t[1])]
        self.able = (
            s.of in sample.record.outputs
            and not open_choices(sample)
            and not sample.parts
            and not names & {x.name for x in used}
            and all(isinstance(e, Num | None) for x in self.symbols.values() for e in (x.decl.lo, x.decl.hi))
            and not any(x.decl.shape for x in self.symbols.values())
        )
        if not self.able:
            return
        rels = tuple(g for g in sample.record.given if isinstance(g, Rel))
        self.hypotheses = exact_hypotheses(rels, frozenset(sample.inputs))
        self.same = {k: x for k, x in environment(sample).items() if k not in names}
        self.nats = {p.over: p.nats for p in sample.ledger.payments if p.nats}
        self.judge = judge(sample, names)
        self.formula = compiled(sample.record, s.of)
        self.tree = Tree(sample.record.outputs[s.of], self.formula)
        self.plain = s.rescaled and (sample.loss is None or sample.loss == tuple(map(Fraction, s.loss)))

    def rows(self, exact: Mapping[str, Sequence[Any]], places: Sequence[int]) -> dict[int, Certified]:
        """Return certificates of the rows that are done here.

        Parameters
        ----------
        exact : mapping of str to sequence of Fraction
            Inputs by symbol, as they stand in the file.
        places : sequence of int
            Rows.

        Returns
        -------
        dict of int to Certified
        """
        if not self.able:
            return {}
        envs = {
            k: env for k in places if (env := self._environment({n: exact[n][k] for n in self.symbols})) is not None
        }
        if not envs:
            return {}
        if self.tree.inverse and self.plain and not self.sample.statement.gap:
            return self._together(envs)
        return {k: x for k, env in envs.items() if (x := self._alone(env, exact, k)) is not None}

    def _environment(self, row: dict[str, Any]) -> Env | None:
        """Return the inputs of the formula, or None where a row is outside the domain."""
        what, s = self.sample, self.sample.statement
        if self.judge is not None and self.judge(row):
            return None
        raw = dict(row)
        for c in self.columns:
            unit = self.symbols[c.symbol].decl.unit
            if c.unit and c.unit != unit:
                raw[c.symbol] = Amount(row[c.symbol], c.unit).to(unit)
        if s.rescaled and what.loss is not None and s.emp_risk in raw:
            (a, b), (lo, hi) = ((Fraction(x) for x in pair) for pair in (s.loss, what.loss))
            raw[s.emp_risk] = a + (raw[s.emp_risk] - lo) * (b - a) / (hi - lo)
        if not all(_inside(x, raw[n]) for n, x in self.symbols.items()):
            return None
        if not all(holds(rel, {**what.inputs, **raw}) is True for rel in self.hypotheses):
            return None
        for name in s.deltas:
            if name in raw:
                raw[name] = raw[name] * what.ledger.weight
        if s.complexity in raw and self.nats:
            with working(BITS):
                for nats in self.nats.values():
                    add = nats if self.symbols[s.complexity].decl.unit == "nat" else Amount(nats, "nat").to("bit")
                    raw[s.complexity] = as_ball(raw[s.complexity]) + as_ball(add)
        return {**self.same, **raw}

    def _alone(self, env: Env, exact: Mapping[str, Sequence[Any]], k: int) -> Certified | None:
        risk = self.sample.statement.emp_risk
        what = replace(self.sample, measured=exact[risk][k]) if risk in exact else self.sample
        with working(PRECISIONS[0]):
            ball = back(what, self.formula.ball(env, PRECISIONS[0]))
        if not ball.is_finite() or (ball.rel_accuracy_bits() < SHARP and not ball.is_zero()):
            return None
        clipped = clip(ball, *limits(what))
        return self._judged(down(clipped), up(clipped), down(ball), up(ball))

    def _together(self, envs: Mapping[int, Env]) -> dict[int, Certified]:
        low, high = self.tree.ends(list(envs.values()))
        a, b = limits(self.sample)
        ends = [(-np.inf if a is None else f(as_ball(a)), np.inf if b is None else f(as_ball(b))) for f in (down, up)]
        low_cut, high_cut = (np.clip(x, *e) for x, e in zip((low, high), ends, strict=True))
        good = np.isfinite(low) & np.isfinite(high)
        rows = zip(envs, good, *(x.tolist() for x in (low_cut, high_cut, low, high)), strict=True)
        found = {k: self._judged(*numbers) for k, fine, *numbers in rows if fine}
        return {k: x for k, x in found.items() if x is not None}

    def _judged(self, low: float, high: float, lo: float, hi: float) -> Certified | None:
        base = self.sample.baseline
        if base is None:
            return Certified(low, high, lo, hi, "no baseline")
        with working(PRECISIONS[0]):
            limit = as_ball(base)
            above, below = arb(lo) >= limit, arb(hi) < limit
        if self.sample.statement.side != "upper":
            above, below = arb(hi) <= limit, arb(lo) > limit
        return Certified(low, high, lo, hi, "vacuous" if above else "non-vacuous") if above or below else None


def _inside(sym: Sym, x: Any) -> bool:
    d = sym.decl
    lo, hi = (end.value if isinstance(end, Num) else None for end in (d.lo, d.hi))
    if not isinstance(x, Fraction):  # a ball, of an amount in another unit
        return not whole(sym) and (lo is None or x > as_ball(lo)) and (hi is None or x < as_ball(hi))
    if whole(sym) and x.denominator != 1:
        return False
    above = lo is None or (x > lo if d.lo_open else x >= lo)
    return above and (hi is None or (x < hi if d.hi_open else x <= hi))
