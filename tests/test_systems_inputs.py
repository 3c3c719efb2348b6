"""What the systems and the lints make of odd inputs: a clear error, never a raw one, a warning or a nan."""

import warnings
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dltsym import lints, systems
from dltsym.errors import DltsymError, DomainError, DTypeError, ShapeError
from dltsym.systems import certificates, inputs

X = systems.random_tokens((4, 3), 0)
M = np.array([[0.0, -1.0, 0.3], [-1.0, 0.0, 0.2], [0.5, 0.1, 0.0]])
MASSES = np.array([0.2, 0.3, 0.5])
A = np.array([[0.5, 0.5], [1.0, 0.0]])
THETA = np.array([0.1, 0.5, 2.0])
KEEP = np.array([[True, False], [True, True]])
CALLS: Mapping[str, tuple[Any, dict[str, Any]]] = {
    "energy": (systems.energy, {"X": X, "beta": 1.0}),
    "energy_rate": (systems.energy_rate, {"X": X, "beta": 1.0, "rule": "sa"}),
    "particle_drift": (systems.particle_drift, {"X": X, "beta": 1.0, "rule": "sa", "V": 2 * np.eye(3)}),
    "random_tokens": (systems.random_tokens, {"shape": (4, 3), "seed": 0}),
    "cluster_counts": (systems.cluster_counts, {"X": X, "delta": 0.01}),
    "curve": (systems.curve, {"n": 8, "beta": 1.0, "g0": 0.0, "rtol": 1e-6, "t": 0.5}),
    "envelope": (systems.envelope, {"t": 1.0, "n": 8, "beta": 1.0, "g0": 0.1}),
    "halfway_bound": (systems.halfway_bound, {"t": 1.0, "n": 8, "beta": 1.0, "rule": "usa"}),
    "hitting_time": (systems.hitting_time, {"n": 8, "beta": 1.0, "g": 0.5, "g0": 0.0}),
    "angle_drift": (systems.angle_drift, {"theta": THETA, "beta": 1.0}),
    "on_circle": (systems.on_circle, {"theta": THETA}),
    "mode_rates": (systems.mode_rates, {"beta": 1.0, "d": 3, "kmax": 2}),
    "mode_growth": (systems.mode_growth, {"beta": 1.0, "k": 2, "size": 1e-6, "n": 8}),
    "triangle_growth": (systems.triangle_growth, {"beta": 1.0, "size": 1e-6, "seed": 0}),
    "triangle_rate": (systems.triangle_rate, {"beta": 1.0}),
    "metastability_window": (
        systems.metastability_window, {"n": 4, "beta": 9.0, "eps": 0.01, "alpha": 0.1, "lam": 0.1},
    ),
    "circle_distance": (systems.circle_distance, {"a": THETA, "b": [0.2], "p": 2}),
    "sphere_distance": (systems.sphere_distance, {"X": X, "Y": X[:2], "p": 1}),
    "field": (systems.field, {"y": X[:2], "X": X, "beta": 1.0}),
    "sinkhorn": (systems.sinkhorn, {
        "S": M, "eps": 1.0, "a": MASSES, "b": MASSES, "tol": 1e-9, "limit": 101, "log_prior": MASSES, "start": MASSES,
        "end": "row", "mask": np.ones((3, 3), bool),
    }),
    "semirelaxed": (systems.semirelaxed, {"S": M, "eps": 1.0, "rho": 1.0, "a": MASSES, "half_steps": 3}),
    "family": (systems.family, {"S": M, "eps": 1.0, "rhos": [0.0, 1.0]}),
    "causal_limit": (systems.causal_limit, {"n": 4, "k": 10}),
    "unbalanced2": (systems.unbalanced2, {"rho": 1.0, "eps": 1.0}),
    "causal_mask": (systems.causal_mask, {"n": 3, "m": 4}),
    "support": (systems.support, {"mask": KEEP, "a": [0.4, 0.6], "b": [0.5, 0.5]}),
    "choose_temperature": (systems.choose_temperature, {"gap": 1.0, "keys": 10, "miss": 0.01}),
    "gaps": (systems.gaps, {"S": M}),
    "attention_sharpness": (systems.attention_sharpness, {"A": A, "axis": -1, "tol": 1e-3}),
    "score_bounds": (systems.score_bounds, {"S": M, "eps": 1.0}),
    "open_tensor": (systems.open_tensor, {"path": "nowhere.npy", "name": "x"}),
    "marginal_errors": (certificates.marginal_errors, {"P": np.full((2, 2), 0.25), "a": [0.5, 0.5], "b": [0.5, 0.5]}),
    "lint_tolerance": (lints.lint_tolerance, {"atol": 1e-3, "rtol": 1e-3, "shape": (4, 5), "of": "weights"}),
    "lint_attention": (lints.lint_attention, {
        "weights": A, "plan": np.full((2, 2), 0.25), "scores": A, "prior": A, "eps": 1.0, "scale": 1.0, "mask": KEEP,
        "balanced": True, "a": [0.5, 0.5], "b": [0.5, 0.5], "half_steps": 3, "dtype_unit": 1e-5,
        "potentials": ([0.0, 0.0], [0.0, 0.0]),
    }),
}  # fmt: skip
ODD: tuple[Any, ...] = (
    "abc", float("nan"), float("inf"), -float("inf"), -1, 0, 2.5, True, 2 + 1j, [], np.zeros((0, 3)), [[1, 2], [3]],
    1e308, -1e308, 1e-308, 5e-324, 1e-300, 700.0, np.longdouble(1), np.longdouble("1e4000"), np.float32(0.5),
    np.int8(3), np.array("x"), np.datetime64("2020-01-01"), object(), 10**400, [0.5], [[0.5]],
)  # fmt: skip


def _odd(value: Any) -> list[Any]:
    out = list(ODD)
    if isinstance(value, np.ndarray) and value.dtype == float:
        for x in (np.nan, np.inf, -np.inf, 1e308, -1e308, 5e-324):
            one, two = value.copy(), value.copy()
            one.flat[0], two.flat[0], two.flat[-1] = x, x, -x
            out += [one, two]
        out += [value * 0, value * 1e300, value[None], value[..., :1], value > 0, value.astype(np.longdouble)]
        out += [value.astype(complex), value.astype(object), np.ma.masked_array(value, value > 0.2)]
    return out


def _numbers(found: Any) -> dict[str, Any]:
    if is_dataclass(found) and not isinstance(found, type):
        found = {f.name: getattr(found, f.name) for f in fields(found)}
    return found if isinstance(found, dict) else {"": found}


def _silent(found: Any) -> list[str]:
    """Return what is nan; None is no number at all."""
    bad = []
    for name, x in _numbers(found).items():
        try:
            if x is not None and np.isnan(np.asarray(x, dtype=float)).any():
                bad.append(name)
        except (TypeError, ValueError):
            continue
    return bad


@pytest.mark.parametrize(
    ("name", "argument"), [(name, argument) for name, (_, given) in CALLS.items() for argument in given]
)
def test_an_odd_input_is_refused_by_name_or_gives_numbers(name: str, argument: str) -> None:
    function, given = CALLS[name]
    if argument == "balanced":
        return
    for value in _odd(given[argument]):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                found = function(**{**given, argument: value})
            except DltsymError:
                continue
        if name != "attention_sharpness":  # rows that are no probability vectors are nan there, with the reason
            assert _silent(found) == [], (argument, value)


def test_counts_are_integers_that_floating_point_can_count() -> None:
    with pytest.raises(DTypeError, match=r"k is 2\.5; the number of iterations is an integer"):
        systems.causal_limit(3, 2.5)  # type: ignore[arg-type]
    with pytest.raises(DTypeError, match=r"n is 2\.5"):
        systems.causal_limit(2.5, 3)  # type: ignore[arg-type]
    with pytest.raises(DTypeError, match="True"):
        inputs.count(True, "n")
    with pytest.raises(DomainError, match="1329 bits"):
        systems.causal_limit(4, 10**400)
    assert systems.causal_limit(np.int8(4), 1000).row_error == 0.0015  # type: ignore[arg-type]


def test_the_halfway_bound_beyond_the_range_of_exp() -> None:
    sa = systems.halfway_bound([0, 1e300], 8, 7000.0)
    assert np.isposinf(sa.bound).all()
    assert not sa.valid.any()
    usa = systems.halfway_bound([3.9, 4.0, 4.1], 8, 7000.0, "usa")
    assert usa.bound.tolist() == [np.inf, 0.5, 0.0]
    assert usa.valid.tolist() == [False, True, True]


def test_scores_whose_differences_overflow_are_refused() -> None:
    for call in (lambda: systems.score_bounds([1e308, -1e308], 1), lambda: systems.gaps([1e308, -np.inf])):
        with pytest.raises(DomainError, match="near the end of floating point"):
            call()
    found = systems.score_bounds([np.longdouble(1), np.longdouble(0)], np.longdouble(1))
    assert float(found["gap"]) == 1.0
    with pytest.raises(DomainError, match="the quotient overflows"):
        systems.sinkhorn(M, 5e-324)


def test_a_plan_of_rounding_errors_is_refused() -> None:
    refused = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        scores, masses = rng.normal(size=(4, 4)), [rng.dirichlet(np.ones(4)) for _ in "ab"]
        try:
            plan = systems.sinkhorn(scores, 1e-20, *masses, limit=201)
        except DomainError as error:
            refused += "rounding decides" in str(error)
        else:
            assert np.isfinite(plan.A).all()
    assert refused


def test_prices_at_the_ends_of_floating_point() -> None:
    free, most = systems.unbalanced2(np.inf), systems.unbalanced2(1e308)
    assert (most.diagonal, most.off, most.mass) == pytest.approx((free.diagonal, free.off, 1.0), rel=1e-12)
    with pytest.raises(DomainError, match="at least 1e-300"):
        systems.semirelaxed(M, 1.0, 5e-324)
    with pytest.raises(DomainError, match="not negative"):
        systems.family(M, 1.0, [0.0, -1.0])


def test_runs_that_leave_floating_point_are_stopped() -> None:
    for call in (
        lambda: systems.angle_flow(THETA, 700.0, times=[0.1], rule="usa"),
        lambda: systems.curve(8, 1.0, times=[0.5], rtol=1e-300),
    ):
        with pytest.raises(DomainError, match="left floating point"):
            call()
    with pytest.raises(DomainError, match="nothing is left"):
        systems.mode_growth(1.0, 2, n=16, size=1e-18)
    with pytest.raises(ShapeError, match="no temperature"):
        systems.flow(X, [], t=1.0)
    with pytest.raises(DomainError, match="overflows below"):
        systems.energy(X, 5e-324)
    assert systems.flow(X, 1.0, t=1e6, V=np.eye(3)).consensus is not None  # the identity ends as no values do


def test_angles_are_those_of_the_floats() -> None:
    turns = 1e15
    exact = np.arctan2(np.sin(turns), np.cos(turns))
    assert systems.circle_distance([turns], [exact]) == pytest.approx(0.0, abs=1e-15)
    with pytest.raises(DomainError, match="do not resolve a turn"):
        systems.angle_drift([1e308, -1e308], 1.0)


def test_masked_arrays_and_files_that_are_not_there() -> None:
    hidden = np.ma.masked_array(A, A < 1)
    for call in (lambda: systems.attention_sharpness(hidden), lambda: systems.gaps(hidden),
                 lambda: systems.sinkhorn(M, 1.0, mask=np.ma.masked_array(M > -2, M > 0)),
                 lambda: lints.lint_attention(weights=hidden)):  # fmt: skip
        with pytest.raises(DTypeError, match="masked array"):
            call()
    with pytest.raises(DomainError, match="cannot be read: No such file"):
        systems.attention_sharpness(Path("nowhere.npy"))


def test_masses_of_a_batch_of_plans() -> None:
    plan = np.full((2, 2), 0.25)
    two = certificates.marginal_errors(plan, a=[[0.5, 0.5], [0.25, 0.75]])
    assert two["row_error"].tolist() == [0.0, 1.0]


def test_lints_of_numbers_that_are_none() -> None:
    assert lints.lint_attention(weights=[[1e308, 1e308], [1, 0]]).lints == ("L19",)
    assert "L8" in lints.lint_attention(scores=A, eps=1.0, potentials=([1e308, 0.0], [1e308, 0.0])).lints
    with pytest.raises(DTypeError, match="bool"):
        lints.lint_attention(mask=[[0.0, -1e9], [0.0, 0.0]])
    assert lints.lint_attention(mask=[[1, 1], [0, 1]]).ok
    with pytest.raises(DomainError, match="two sizes"):
        lints.lint_tolerance(1e-3, 0, shape=(4, 0))
