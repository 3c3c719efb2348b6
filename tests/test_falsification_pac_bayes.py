"""Probabilistic bounds against exact models: an enumerated violation probability is at most delta.

Two hypotheses err independently with probabilities 3/20 and 2/5 on twelve examples, and the prior is uniform. Every
bound is what its own record computes. A comparison closer than rounding counts as a violation, so the probabilities
are not too small. The controls evaluate the same records as if there were twice the examples, at a failure probability
so small that nothing else matters: the enumeration must notice it.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from itertools import product
from math import comb
from typing import Any

import numpy as np
import pytest

import dltsym

N = 12
RISKS = (Fraction(3, 20), Fraction(2, 5))
DELTAS = (0.05, 0.2, 0.5)
SHARE = np.linspace(0, 1, 65)  # posterior weight of the first hypothesis
CLOSE = 1e-9
Array = Any


def law(risk: Fraction, n: int = N) -> list[Fraction]:
    """Return the probabilities of 0..n errors."""
    return [comb(n, k) * risk**k * (1 - risk) ** (n - k) for k in range(n + 1)]


@lru_cache
def outcomes() -> tuple[Array, Array, tuple[Fraction, ...]]:
    """Return empirical risks of both hypotheses, and the probability of each pair."""
    pairs = list(product(range(N + 1), repeat=2))
    first, second = (law(risk) for risk in RISKS)
    weights = tuple(first[j] * second[k] for j, k in pairs)
    assert sum(weights) == 1
    risks = np.array(pairs) / N
    return risks[:, :1], risks[:, 1:], weights


def mixtures() -> tuple[Array, Array, Array]:
    """Return empirical risk (outcome, posterior), true risk and relative entropy (posterior)."""
    first, second, _ = outcomes()
    low, high = (float(r) for r in RISKS)
    t = np.clip(SHARE, 1e-300, 1)
    u = np.clip(1 - SHARE, 1e-300, 1)
    kl = np.log(2) + SHARE * np.log(t) + (1 - SHARE) * np.log(u)
    return SHARE * first + (1 - SHARE) * second, SHARE * low + (1 - SHARE) * high, np.maximum(kl, 0)


def probability(violated: Array) -> Fraction:
    """Add up the outcomes where some posterior violates the bound."""
    return sum((w for w, bad in zip(outcomes()[2], violated, strict=True) if bad), Fraction(0))


def evaluate(key: str, of: str, **inputs: Any) -> Array:
    return dltsym.get(key).kernel("numpy", of)(**inputs)


Run = Callable[[Array, Array, float, int], Array]


def plain(key: str, risk: str = "s", of: str = "bound", **fixed: Any) -> Run:
    """Return a bound as a function of empirical risk, relative entropy, failure probability and sample size."""
    return lambda s, D, dlt, n: evaluate(key, of, n=n, D=D, dlt=dlt, **{risk: s}, **fixed)


def least(key: str, name: str, choices: list[Any], **fixed: Any) -> Run:
    """Return the best bound over a parameter that may be chosen after the data."""
    return lambda s, D, dlt, n: np.min([plain(key, **fixed, **{name: x})(s, D, dlt, n) for x in choices], axis=0)


def bernstein(s: Array, D: Array, dlt: float, n: int) -> Array:
    """For losses 0 and 1 the mean square is the mean."""
    key = "pac_bayes.unexpected_bernstein"
    return np.min([evaluate(key, "bound", n=n, D=D, dlt=dlt, s=s, V=s, b=1, G=3, k=k) for k in (1, 2, 3)], axis=0)


POSTERIORS: dict[str, Run] = {
    "seeger_maurer": plain("pac_bayes.seeger_maurer"),
    "langford_seeger": plain("pac_bayes.langford_seeger"),
    "maurer_pinsker": plain("pac_bayes.maurer_pinsker"),
    "mcallester_1999": plain("pac_bayes.mcallester_1999"),
    "mcallester_finite": plain("pac_bayes.mcallester_finite"),
    "thiemann_lambda": plain("pac_bayes.thiemann_lambda", of="best"),
    "catoni_fixed": plain("pac_bayes.catoni_fixed", C=1),
    "catoni_uniform": least("pac_bayes.catoni_uniform", "C", [0.1, 0.3, 1, 2, 4]),
    "catoni_grid": least("pac_bayes.catoni_grid", "k", list(range(13)), al=0.8),
    "linear_hoeffding": lambda s, D, dlt, n: evaluate(
        "pac_bayes.linear_hoeffding", "bound", n=n, D=D, dlt=dlt, s=s, lam=10 * n / N
    ),
    "unexpected_bernstein": bernstein,
}


@pytest.mark.parametrize("name", POSTERIORS)
def test_bounds_for_all_posteriors_hold_at_once(name: str) -> None:
    s, r, D = mixtures()
    for dlt in DELTAS:
        bound = POSTERIORS[name](s, np.broadcast_to(D, s.shape), dlt, N)
        assert probability((r > bound - CLOSE).any(axis=1)) <= Fraction(dlt)


def alone(name: str, risk: Fraction, n: int, dlt: float, stated: int) -> Fraction:
    """Return the probability that a bound fails for the one posterior on one hypothesis, at a stated sample size."""
    s = np.arange(n + 1)[:, None] / n
    fails = (float(risk) > POSTERIORS[name](s, np.zeros_like(s), dlt, stated) + CLOSE)[:, 0]
    right, wrong = risk.numerator, risk.denominator - risk.numerator
    ways = sum(comb(n, k) * right**k * wrong ** (n - k) for k in map(int, np.flatnonzero(fails)))
    return Fraction(ways, risk.denominator**n)


@pytest.mark.parametrize("name", POSTERIORS)
def test_the_enumeration_notices_a_radius_that_is_too_small(name: str) -> None:
    # At a small delta an exponent that is too large outweighs every other slack: as if there were twice the examples.
    # Forms that are sharp for small radii only show it in the larger sample.
    tenths = [Fraction(k, 20) for k in (2, 6, 10, 14)]
    points = [(risk, 240, 1e-30) for risk in tenths] + [(Fraction(1, 10), 1500, 1e-8)]
    assert all(alone(name, *at, at[1]) <= Fraction(at[2]) for at in points)
    assert any(alone(name, *at, 2 * at[1]) > Fraction(at[2]) for at in points)


def test_both_sides_of_the_kl_bound_share_one_event() -> None:
    s, r, D = mixtures()
    found = []
    for dlt in DELTAS:
        upper, lower = (
            evaluate("pac_bayes.seeger_maurer", of, n=N, D=np.broadcast_to(D, s.shape), dlt=dlt, s=s)
            for of in ("bound", "lower")
        )
        found.append(float(probability(((r > upper - CLOSE) | (r < lower + CLOSE)).any(axis=1))))
    assert found == pytest.approx([0.0031659981564, 0.0056557401865, 0.0096054196293], rel=1e-9)


def test_the_mean_of_exponentials_is_rarely_large() -> None:
    first, second, _ = outcomes()
    kl = [kl_bernoulli(q[:, 0], float(r)) for q, r in zip((first, second), RISKS, strict=True)]
    mean = (np.exp(N * kl[0]) + np.exp(N * kl[1])) / 2
    moment = float(evaluate("pac_bayes.general_delta", "moment", n=N, p=0.15))
    for dlt in DELTAS:
        assert probability(mean > moment / dlt - CLOSE) <= Fraction(dlt)
    assert probability(mean > moment / 10) > Fraction(1, 10)


def kl_bernoulli(q: Array, p: float) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = q * np.log(q / p), (1 - q) * np.log((1 - q) / (1 - p))
    return sum(np.nan_to_num(x) for x in terms)


HYPOTHESES: dict[str, Run] = {
    "occam": plain("pac_bayes.occam", of="at_cost", W=1),
    "occam_kl": plain("pac_bayes.occam_kl"),
    "occam_binomial_tail": lambda s, D, dlt, n: np.array(
        [evaluate("pac_bayes.occam_binomial_tail", "bound", n=n, k=round(x * n), D=D, dlt=dlt) for x in s]
    ),
}


def occam_violation(name: str, dlt: float, n: int) -> Fraction:
    """Return the probability that the bound of one of both hypotheses, of prior 1/2 each, is violated."""
    bound = HYPOTHESES[name](np.arange(N + 1) / N, float(np.log(2)), dlt, n)
    fails = [float(r) > bound - CLOSE for r in RISKS]
    return 1 - np.prod(
        [1 - sum(w for w, bad in zip(law(r), f, strict=True) if bad) for r, f in zip(RISKS, fails, strict=True)]
    )


@pytest.mark.parametrize("name", HYPOTHESES)
def test_bounds_for_all_hypotheses_hold_at_once(name: str) -> None:
    for dlt in DELTAS:
        assert occam_violation(name, dlt, N) <= Fraction(dlt)
    assert occam_violation(name, 0.05, 40 * N) > Fraction(1, 10)


def test_draws_replace_the_empirical_risk() -> None:
    draws, (first, second, weights) = 5, outcomes()
    risk = float(sum(RISKS)) / 2
    chosen = law(Fraction(1, 2), draws)
    found = {}
    for n, dlt, dlt2 in ((N, 0.04, 0.03), (40 * N, 0.04, 0.03)):
        seen = [(j * first[:, 0] + (draws - j) * second[:, 0]) / draws for j in range(draws + 1)]
        bounds = [
            evaluate("pac_bayes.monte_carlo_layer", "bound", n=n, m=draws * n // N, D=0, dlt=dlt, dlt2=dlt2, s=s)
            for s in seen
        ]
        found[n] = sum(c * probability(risk > b - CLOSE) for c, b in zip(chosen, bounds, strict=True))
    assert found[N] <= Fraction(7, 100)
    assert found[40 * N] > Fraction(7, 100)
    assert sum(weights) == 1


def test_the_c_bound_holds_for_the_vote_of_two_voters() -> None:
    n = 8
    both, only = RISKS[0] * RISKS[1], RISKS[0] * (1 - RISKS[1]) + (1 - RISKS[0]) * RISKS[1]
    risk = float(both + only)  # a tie counts as an error
    pairs = [(e, d) for e in range(n + 1) for d in range(n + 1 - e)]
    chances = [comb(n, e) * comb(n - e, d) * both**e * only**d * (1 - both - only) ** (n - e - d) for e, d in pairs]
    assert sum(chances) == 1
    total = Fraction(0)
    for (e, d), chance in zip(pairs, chances, strict=True):
        at = {"n": n, "D": 0, "dlt": 0.05, "s": (e + d / 2) / n, "z": d / (2 * n)}
        twice, joint = (evaluate("pac_bayes.c_bound", of, **at) for of in ("twice", "separate"))
        total += chance if risk > (min(twice, joint) if twice < 1 else 1) - CLOSE else 0
    assert total <= Fraction(1, 10)  # two bounds, each of which fails with probability 1/20 at most


@pytest.mark.parametrize(("of", "many"), [("twice", 2.5), ("separate", 6)])
def test_the_c_bound_for_too_many_examples_is_noticed(of: str, many: float) -> None:
    """Of two voters at most one errs: the risk of a vote that loses ties is twice the Gibbs risk, and the C-bound.

    Found by trying five risks at three sizes. Two voters cannot show a factor below 2 in the examples for the first
    bound: the mean of their errors, which are 0 or 1/2, varies half as much as kl allows.
    """
    n, dlt, share = 600, 1e-60, Fraction(1, 5)
    ways = [comb(n, k) * 4 ** (n - k) for k in range(n + 1)]

    def failing(size: int) -> Fraction:
        total = Fraction(0)
        for k in range(n + 1):  # errors; the bounds rise with them
            at = {"n": size, "D": 0, "dlt": dlt, "s": k / (2 * n), "z": k / (2 * n)}
            if evaluate("pac_bayes.c_bound", of, **at) > float(share) - CLOSE:
                return total
            total += Fraction(ways[k], 5**n)
        return total

    assert failing(n) <= Fraction(dlt) < failing(round(many * n))
