"""The inverses of Bernoulli relative entropy on extended values: balls, rationals and infinities."""

from __future__ import annotations

from collections.abc import Callable

from flint import arb

from dltsym.errors import Undecided
from dltsym.notation import extended as ext
from dltsym.notation.balls import NAN, REAL
from dltsym.notation.extended import Value

__all__ = ["kl_lower", "kl_upper"]


def _inverse(f: Callable[[arb, arb], arb], end: int) -> Callable[[Value, Value], Value]:
    def run(q: Value, c: Value) -> Value:
        if ext.undefined(q) or ext.undefined(c):
            return NAN
        signs = ext.sign(q), ext.sign(ext.plus(arb(1), -q)), ext.sign(c)
        if -1 in signs:
            return NAN
        if None in signs:
            raise Undecided("it is not known whether a mean lies in [0, 1] and a radius is not negative")
        if ext.infinite(c):
            return arb(end)
        return f(ext.ball(q), ext.ball(c))

    return run


kl_upper = _inverse(REAL["kl_upper"], 1)
"""The largest p with ``kl(q, p) <= c``; nan outside the domain, `Undecided` where a ball does not tell."""
kl_lower = _inverse(REAL["kl_lower"], 0)
"""The smallest p with ``kl(q, p) <= c``; nan outside the domain, `Undecided` where a ball does not tell."""
