"""Enclosures of bounds that are within rounding of 1, where plain balls reach beyond 1 and say nothing any more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from flint import arb

from dltsym.bounds.inversion import kl_lower, kl_upper
from dltsym.bounds.rounding import down, up
from dltsym.errors import Undecided
from dltsym.notation.balls import working
from dltsym.notation.calculus import evaluate_derivatives
from dltsym.notation.enclosed import Ball
from dltsym.notation.evaluate import Evaluator, compile_expr
from dltsym.notation.numbers import Balls
from dltsym.notation.searches import real
from dltsym.notation.tree import Call
from dltsym.notation.walk import expand_lets

__all__ = ["Certain", "Tree", "nested"]

Env = Mapping[str, Any]
BITS = 96
NEAR = arb(2) ** -64  # to 1: a factor of 2 in the rest is then none in binary64, and more bits sharpen anything else


class Certain(Balls):
    """Balls whose inverse of a binomial tail has an enclosure however close to 1 it is."""

    def binomial_upper(self, k: int, n: int, logdelta: Any) -> Ball:
        """Return the largest probability of success under which at most k successes are as likely as delta.

        Parameters
        ----------
        k, n : int
            Successes and trials.
        logdelta : number
            Logarithm of delta, below 0.

        Returns
        -------
        Ball
        """
        try:
            found = super().binomial_upper(k, n, logdelta)
        except Undecided:
            return self._near_one(int(k), int(n), real(self.number(logdelta)))
        return found if real(found).is_finite() else self._near_one(int(k), int(n), real(self.number(logdelta)))

    def _near_one(self, k: int, n: int, level: arb) -> Ball:
        # With j = n - k failures of probability q, C q^j (1 - q)^k <= tail <= C q^j, where C is n over k. So q is at
        # least the root of the right side, and at most twice it where the left side is above the level there.
        j = n - k
        with working(self.prec):
            ways = arb(n + 1).lgamma() - arb(k + 1).lgamma() - arb(j + 1).lgamma()
            least = ((level - ways) / j).exp()
            if not (2 * least < NEAR and j * arb(2).log() + k * (1 - 2 * least).log() >= 0):
                raise Undecided("the inverse of the tail is not close enough to 1")
            return Ball((1 - 2 * least).union(1 - least))


class Tree:
    """An expression; `inverse` where it is an inverse of relative entropy, whose arguments are trees again.

    Parameters
    ----------
    expr : Expr
        Expression.
    formula : Evaluator, optional
        The same, compiled already.
    """

    def __init__(self, expr: Any, formula: Evaluator | None = None) -> None:
        expr = evaluate_derivatives(expand_lets(expr))
        self.inverse = isinstance(expr, Call) and expr.name in ("kl_upper", "kl_lower")
        self.upper = isinstance(expr, Call) and expr.name == "kl_upper"
        self.parts = tuple(Tree(x) for x in expr.args) if self.inverse else ()
        self.formula = None if self.inverse else formula or compile_expr(expr)

    def ends(self, envs: Sequence[Env]) -> tuple[Any, Any]:
        """Return ends of enclosures at many inputs; nan where there is none.

        Parameters
        ----------
        envs : sequence of mapping
            Inputs.

        Returns
        -------
        tuple of ndarray
        """
        if self.formula is not None:
            low, high = np.empty(len(envs)), np.empty(len(envs))
            for k, env in enumerate(envs):
                ball = self.formula.ball(env, BITS)
                low[k], high[k] = (down(ball), up(ball)) if ball.is_finite() else (np.nan, np.nan)
            return low, high
        (q1, q2), (c1, c2) = (part.ends(envs) for part in self.parts)
        good = (q1 >= 0) & (q2 <= 1) & (c1 >= 0) & (c2 < np.inf)
        q1, q2, c1, c2 = (np.where(good, x, 0.5) for x in (q1, q2, c1, c2))
        far = kl_upper(q2, c2, mode="certified") if self.upper else kl_lower(q1, c2, mode="certified")
        near = kl_upper(q1, c1, mode="certified") if self.upper else kl_lower(q2, c1, mode="certified")
        toward = 0.0 if self.upper else 1.0  # a certificate is at most two units outside of the solution
        near = np.nextafter(np.nextafter(near, toward), toward)
        far, near = np.where(good, far, np.nan), np.where(good, near, np.nan)
        return (near, far) if self.upper else (far, near)


def nested(expr: Any, env: Env) -> arb:
    """Enclose an inverse of relative entropy whose arguments may be within rounding of the ends of their domain.

    Parameters
    ----------
    expr : Expr
        Expression.
    env : mapping
        Exact inputs.

    Returns
    -------
    arb
        Not finite where `expr` is nothing of the kind, or nothing is known.
    """
    tree = Tree(expr)
    if not tree.inverse:
        return arb.nan()
    low, high = (float(x[0]) for x in tree.ends([env]))
    return arb(low).union(arb(high)) if np.isfinite([low, high]).all() else arb.nan()
