"""Probabilistic bounds for tokens, documents and contrastive pairs, held against small models with exact enumeration.

Probabilities are exact rationals; the bounds are what the records themselves compute. Each test has a control: the same
enumeration notices a bound with a wrong constant.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pytest

import dltsym

STATES = (Fraction(0), Fraction(3, 10), Fraction(1))
FIRST = (Fraction(2, 10), Fraction(5, 10), Fraction(3, 10))
AFTER = tuple(tuple(Fraction(x, 10) for x in row) for row in ((6, 2, 2), (1, 8, 1), (3, 3, 4)))
GUESS = (Fraction(5, 10), Fraction(2, 10), Fraction(3, 10), Fraction(6, 10))  # first step, then after each state
STEPS = 6
Path = tuple[Fraction, tuple[Fraction, ...], tuple[Fraction, ...], tuple[Fraction, ...]]


@cache
def kernel(key: str, of: str) -> Callable[..., Any]:
    """Return the numpy kernel of an output of a record."""
    record = dltsym.get(key)
    assert isinstance(record, dltsym.Theorem)
    return record.kernel("numpy", of=of)


@cache
def paths() -> tuple[Path, ...]:
    """Enumerate the chain: probability, losses, conditional means and predictable guesses of each path."""
    means = [sum((p * x for p, x in zip(law, STATES, strict=True)), Fraction(0)) for law in (FIRST, *AFTER)]

    def walk() -> Iterator[Path]:
        for path in itertools.product(range(3), repeat=STEPS):
            before = (-1, *path[:-1])
            laws = (AFTER[b] if b >= 0 else FIRST for b in before)
            chance = math.prod((law[s] for law, s in zip(laws, path, strict=True)), start=Fraction(1))
            losses = tuple(STATES[s] for s in path)
            yield chance, losses, tuple(means[b + 1] for b in before), tuple(GUESS[b + 1] for b in before)

    return tuple(walk())


def mean(values: Sequence[Fraction]) -> Fraction:
    """Return the exact mean."""
    return sum(values, Fraction(0)) / len(values)


def failing(bound: Callable[[Fraction], float]) -> Fraction:
    """Return the exact probability that the mean of the conditional means exceeds a bound in the mean loss."""
    known = {s: bound(s) for s in {mean(losses) for _, losses, _, _ in paths()}}
    return sum((p for p, losses, mu, _ in paths() if mean(mu) > known[mean(losses)]), Fraction(0))


def test_chain_is_a_law() -> None:
    assert sum(p for p, *_ in paths()) == 1
    late = sum(p for p, losses, mu, _ in paths() if sum(mu) - sum(losses) >= 1)
    assert late == Fraction(21839, 250000)
    assert late <= math.exp(-1 / 3)


@pytest.mark.parametrize("dlt", [0.05, 0.2, 0.5])
@pytest.mark.parametrize("tilt", [0.5, 2.0])
def test_catoni_for_tokens(tilt: float, dlt: float) -> None:
    bound = kernel("llm_bounds.token_catoni", "bound")
    assert failing(lambda s: bound(C=tilt, s=float(s), D=0.0, n=STEPS, dlt=dlt)) <= dlt
    assert failing(lambda s: bound(C=tilt, s=float(s), D=0.0, n=STEPS, dlt=0.999999)) > 0.1  # no price for confidence


@pytest.mark.parametrize("tilt", [0.5, 2.0])
def test_product_of_the_chain(tilt: float) -> None:
    def factor(x: Fraction, mu: Fraction) -> float:
        return math.exp(-tilt * x) / (1 - float(mu) * -math.expm1(-tilt))

    whole = sum(p * math.prod(map(factor, losses, mu)) for p, losses, mu, _ in paths())
    assert whole == pytest.approx({0.5: 0.92328744055824, 2.0: 0.42816121792261}[tilt], rel=1e-12)


@pytest.mark.parametrize("dlt", [0.05, 0.2, 0.5])
def test_azuma_for_tokens(dlt: float) -> None:
    bound = kernel("llm_bounds.token_bound", "bound")
    unit = {"V": 2, "al": 2 / 3}  # a range of one bit

    # A radius that is too small is noticed on independent tokens, in the tests of concentration.
    assert failing(lambda s: bound(s=float(s), D=0.0, n=STEPS, dlt=dlt, **unit)) <= dlt


@pytest.mark.parametrize("dlt", [0.05, 0.2, 0.5])
def test_empirical_freedman(dlt: float) -> None:
    width, grid = 1.2, (0.1, 0.5, 0.9)
    bound = kernel("concentration.freedman_empirical", "bound")
    c = math.log(len(grid) / dlt) / STEPS

    X, Y = (np.array([list(map(float, path[part])) for path in paths()]) for part in (1, 3))
    least = np.min([bound(s=s, C=c, n=STEPS, W=width, X=X, Y=Y) for s in grid], axis=0)
    gaps = (float(mean(mu) - mean(losses)) for _, losses, mu, _ in paths())
    rows = [(p, gap, float(cap)) for (p, *_), gap, cap in zip(paths(), gaps, least, strict=True)]
    assert sum(p for p, gap, cap in rows if gap > cap) <= dlt


@pytest.mark.parametrize(("s", "expected"), [(0.1, 0.99991805751255), (0.5, 0.99815942297581), (0.9, 0.99463676846277)])
def test_supermartingale_of_the_chain(s: float, expected: float) -> None:
    def factor(x: Fraction, mu: Fraction, y: Fraction) -> float:
        return (1 + s * float(y - x) / 1.2) * math.exp(-s * float(y - mu) / 1.2)

    whole = sum(p * math.prod(map(factor, losses, mu, guesses)) for p, losses, mu, guesses in paths())
    assert whole == pytest.approx(expected, rel=1e-12)
    assert whole <= 1


def binomial(n: int, p: Fraction) -> list[Fraction]:
    """Return the law of the number of successes."""
    return [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]


def subsampled(risk: Fraction, n: int, K: int, cap: Callable[[float], float]) -> Fraction:
    """Return the exact probability that the risk exceeds a bound in the mean over K indices of n documents."""
    total = Fraction(0)
    for k, chance in enumerate(binomial(n, risk)):
        for j, inner in enumerate(binomial(K, Fraction(k, n))):
            total += chance * inner * (risk > cap(j / K))
    return total


@pytest.mark.parametrize("risk", [Fraction(1, 10), Fraction(1, 2), Fraction(9, 10)])
@pytest.mark.parametrize("dlt", [0.05, 0.5])
def test_subsampled_documents(risk: Fraction, dlt: float) -> None:
    n, K = 12, 6
    bound = kernel("llm_bounds.subsampled_bound", "bound")

    @cache
    def cap(s: float) -> float:
        return float(bound(s=s, D=0.0, n=n, K=K, rho=K / (K + n), dlt=dlt, V=2, al=2 / 3))

    assert subsampled(risk, n, K, cap) <= dlt


@pytest.mark.parametrize(("n", "K", "kept"), [(5, 120, "K"), (120, 5, "n")])
def test_a_missing_term_of_the_subsample_bound_is_noticed(n: int, K: int, kept: str) -> None:
    """Five documents, or indices, are all right with probability 1/32; a bound without their term fails as often."""
    bound, huge = kernel("llm_bounds.subsampled_bound", "bound"), 10**12
    sizes = {"n": n if kept == "n" else huge, "K": K if kept == "K" else huge}

    def cap(s: float, n: int, K: int) -> float:
        return float(bound(s=s, D=0.0, n=n, K=K, rho=0.5, dlt=0.02, V=2, al=2 / 3))

    right = cache(lambda s: cap(s, n, K))
    assert subsampled(Fraction(1, 2), n, K, right) <= 0.02
    wrong = cache(lambda s: cap(s, **sizes))
    assert subsampled(Fraction(1, 2), n, K, wrong) > 0.02


JOINTS = (((45, 5), (5, 45)), ((40, 20), (10, 30)))
CRITICS = (((9.0, 1.0), (1.0, 9.0)), ((3.0, 1.0), (1.0, 2.0)), ((8.0, 4.0), (2.0, 6.0)), ((1.0, 5.0), (2.0, 0.5)))


def batches(joint: Sequence[Sequence[int]], e: Sequence[Sequence[float]], K: int, *, own: bool = True) -> float:
    """Average the estimate over all batches; without `own` the positive is left out of the denominator."""
    cells = [(x, y, Fraction(joint[x][y], 100)) for x in (0, 1) for y in (0, 1)]
    total = 0.0
    for batch in itertools.product(cells, repeat=K):
        chance = float(math.prod(p for _, _, p in batch))
        for i, (x, y, _) in enumerate(batch):
            mass = [e[x][other] for j, (_, other, _) in enumerate(batch) if own or j != i]
            total += chance * math.log(e[x][y] * len(mass) / sum(mass)) / K
    return total


@pytest.mark.parametrize("joint", JOINTS)
def test_infonce_below_information(joint: Sequence[Sequence[int]]) -> None:
    rows, columns = [sum(row) for row in joint], [sum(col) for col in zip(*joint, strict=True)]
    info = sum(joint[x][y] / 100 * math.log(100 * joint[x][y] / (rows[x] * columns[y])) for x in (0, 1) for y in (0, 1))
    found = [batches(joint, e, K) for e in CRITICS for K in (2, 3, 4)]
    assert max(found) <= info
    assert max(found) > info / 2
    assert max(batches(joint, e, 2, own=False) for e in CRITICS) > info


def test_infonce_enumeration_is_that_of_the_record() -> None:
    assert batches(JOINTS[0], CRITICS[0], 4) == pytest.approx(0.2809147420199, rel=1e-11)
    assert batches(JOINTS[1], CRITICS[2], 3) == pytest.approx(0.05775877014794, rel=1e-11)
