"""Transport records side by side with POT: the same plans and values, and a certificate for a wrong plan."""

import warnings
from fractions import Fraction

import numpy as np
import ot
import pytest

import dltsym
from dltsym.algorithms import enclosed

SCORES = np.sin(np.outer(np.arange(1, 5), np.arange(2, 8)))
A, B = np.full(4, 1 / 4), np.full(6, 1 / 6)


def _found(key: str, of: str, scores: np.ndarray, a: int, b: int, **numbers: str) -> np.ndarray:
    """Return a result of a record at uniform weights 1/a and 1/b and float scores, taken exactly."""
    env = {k: Fraction(x) for k, x in numbers.items()}
    env |= {"S": [[Fraction(float(x)) for x in row] for row in scores]}
    env |= {"a": [Fraction(1, a)] * a, "b": [Fraction(1, b)] * b}
    ball = enclosed(dltsym.get(key).algorithm, env, of, 14)
    return np.array([[float(x) for x in row] for row in ball] if isinstance(ball, list) else float(ball))


def _entropic(plan: np.ndarray, reg: float) -> float:
    return float((-SCORES * plan).sum() + reg * (plan * np.log(plan / np.outer(A, B))).sum())


@pytest.mark.parametrize("eps", ["1", "1/2"])
def test_a_balanced_plan_and_its_value_agree(eps: str) -> None:
    reg = float(Fraction(eps))
    plan = ot.sinkhorn(A, B, -SCORES, reg, stopThr=1e-15, numItermax=1000)
    ours = _found("attention.sinkhorn_limit", "plan", SCORES, 4, 6, eps=eps)
    assert np.abs(plan - ours).max() < 1e-12
    value = _found("attention.sinkhorn_limit", "value", SCORES, 4, 6, eps=eps)
    assert abs(_entropic(plan, reg) - value) < 1e-12


@pytest.mark.parametrize("rho", ["1", "1/2"])
def test_a_semi_relaxed_plan_and_its_objective_agree(rho: str) -> None:
    price = float(Fraction(rho))
    plan = ot.unbalanced.sinkhorn_unbalanced(
        A, B, -SCORES, 0.5, (np.inf, price), reg_type="kl", stopThr=1e-15, numItermax=5000
    )
    ours = _found("attention.semirelaxed", "A", SCORES, 4, 6, eps="1/2", rho=rho) / 4
    assert np.abs(plan - ours).max() < 1e-8
    columns = plan.sum(0)
    theirs = _entropic(plan, 0.5) + price * (columns * np.log(columns / B)).sum()
    assert abs(theirs - _found("attention.semirelaxed", "objective", SCORES, 4, 6, eps="1/2", rho=rho)) < 1e-8


@pytest.mark.parametrize("rho", [0.5, 1.0, 10.0])
def test_an_unbalanced_plan_agrees_with_its_closed_form(rho: float) -> None:
    half, cost = np.full(2, 0.5), np.array([[0.0, 1.0], [1.0, 0.0]])
    plan = ot.unbalanced.sinkhorn_unbalanced(half, half, cost, 1.0, rho, reg_type="kl", stopThr=1e-15, numItermax=5000)
    record = dltsym.get("attention.unbalanced_2x2")
    for of, ours in (("diagonal", plan[0, 0]), ("off", plan[0, 1]), ("mass", plan.sum())):
        assert abs(record.kernel(of=of)(eps=1.0, rho=rho) - ours) < 1e-9


def _error(plan: np.ndarray, weights: np.ndarray) -> float:
    """Return what `attention.sinkhorn_pythagoras` certifies: a lower bound of the distance to the solution."""
    record = dltsym.get("information.gibbs_inequality")
    seen = plan.sum(0) > 0  # every term is a lower bound; that of an empty column would be infinite
    p, w = weights[seen], plan.sum(0)[seen]
    return float(record.kernel(of="kl")(p=p, w=w) - record.kernel(of="mass")(p=p, w=w))


def test_a_finite_plan_that_is_wrong_is_told_by_its_certificate() -> None:
    i, uniform = np.arange(50), np.full(50, 1 / 50)
    x = np.stack([np.sin(i), np.cos(2 * i)], 1)
    y = np.stack([np.cos(i) + 0.5, np.sin(3 * i) + 0.5], 1)
    cost = ot.dist(x, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wrong = ot.sinkhorn(uniform, uniform, cost, 2e-3)
        right = ot.bregman.sinkhorn_log(uniform, uniform, cost, 2e-3, numItermax=300)
    assert np.isfinite(wrong).all()
    assert wrong.sum() == pytest.approx(3.70e-4, rel=1e-2)
    assert _error(wrong, uniform) > 6
    assert right.sum() == pytest.approx(1)
    assert _error(right, uniform) < 0.1
