"""Particles in motion: flows of tokens with their certificates, and counts of clusters."""

import math
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import dltsym
from dltsym import systems
from dltsym.errors import DomainError, DTypeError, ShapeError, UnknownKey

RULES = ("sa", "usa")
IDENTITY = np.eye(12)


def fixture(n: int, d: int) -> np.ndarray:
    """Return the tokens sin((i+1)(k+2)), normalised."""
    x = np.sin(np.outer(np.arange(1, n + 1), np.arange(2, d + 2)))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def grouped(*sizes: int) -> np.ndarray:
    """Return orthogonal clusters of the given sizes."""
    return np.repeat(IDENTITY[: len(sizes)], sizes, 0)


def test_importing_the_systems_is_light() -> None:
    code = "import sys, dltsym.systems; assert not {'numpy', 'scipy', 'sympy'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert systems.flow.__module__ == "dltsym.systems.flows"
    with pytest.raises(AttributeError):
        _ = systems.no_such_name
    assert dir(systems) == systems.__all__
    for name in systems.__all__:
        assert getattr(systems, name).__name__ == name


# Flows


@pytest.mark.parametrize(
    ("rule", "drift"),
    [
        ("sa", (0.0275823805400739, -0.107491086917719, 0.0130964745228422)),
        ("usa", (0.0766050116603612, -0.298536812468133, 0.0363730600436875)),
    ],
)
def test_drift_of_the_fixture(rule: str, drift: tuple[float, ...]) -> None:
    x = fixture(5, 3)
    np.testing.assert_allclose(systems.particle_drift(x, 2.0, rule)[0], drift, rtol=1e-13)
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((3, 3)))[0]
    np.testing.assert_allclose(
        systems.particle_drift(x @ turn, 2.0, rule), systems.particle_drift(x, 2.0, rule) @ turn, atol=1e-15
    )
    np.testing.assert_allclose(systems.particle_drift(x, 2.0, rule, V=np.eye(3))[0], drift, rtol=1e-13)
    np.testing.assert_allclose(systems.particle_drift(x, 2.0, rule, V=-np.eye(3))[0], np.negative(drift), rtol=1e-13)


@pytest.mark.parametrize(
    ("n", "d", "beta", "energy", "sa", "usa"),
    [
        (5, 3, 2.0, 0.626692702543989, 0.0841100306369561, 0.213178512032997),
        (4, 2, 1.0, 0.679943164102438, 0.0312761951554433, 0.0436328186943919),
    ],
)
def test_energy_and_its_rates(n: int, d: int, beta: float, energy: float, sa: float, usa: float) -> None:
    x = fixture(n, d)
    assert systems.energy(x, beta) == pytest.approx(energy, rel=1e-14)
    assert systems.energy_rate(x, beta) == pytest.approx(sa, rel=1e-13)
    assert systems.energy_rate(x, beta, "usa") == pytest.approx(usa, rel=1e-13)


def test_energy_has_a_limit_at_infinite_temperature_and_no_overflow_below() -> None:
    x = fixture(5, 3)
    limit = (x @ x.T).mean() / 2
    assert systems.energy(x, 0.0) == pytest.approx(limit, rel=1e-14)
    near = systems.flow(x, [0.0, 1e-9, -1e-9, 1e4, -1e4], times=[0.0])
    assert np.isfinite(near.energy).all()
    assert near.energy[0, 3] == pytest.approx(1 / (2e4 * 5), rel=1e-12)  # only i = j counts
    rising = systems.flow(x, [0.0, 1e-9, -1e-9], t=3.0)
    climb = rising.energy[-1] - rising.energy[0]
    assert climb[0] == pytest.approx(((rising.X[-1, 0] @ rising.X[-1, 0].T).mean() / 2) - limit, rel=1e-12)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("beta", [0.0, 2.0, -1.5])
def test_energy_balance_along_a_flow_is_kept_to_the_tolerance(rule: str, beta: float) -> None:
    residual = []
    for tol in (1e-7, 1e-11):
        run = systems.flow(fixture(5, 3), beta, t=5.0, rule=rule, rtol=tol, atol=tol)
        assert run.balance is not None
        residual.append(np.abs(run.balance).max())
        assert residual[-1] < 10 * tol
        assert (np.diff(run.energy) > -10 * tol).all()
        assert run.norm_error < 100 * tol
        assert np.abs(np.sqrt((run.X**2).sum(-1)) - 1).max() <= 2 * np.finfo(float).eps
    assert residual[1] < residual[0] / 100


def test_values_minus_the_identity_go_downhill_and_others_have_no_energy() -> None:
    x = fixture(5, 3)
    down = systems.flow(x, 1.0, t=2.0, V=-np.eye(3))
    assert down.balance is not None
    assert np.abs(down.balance).max() < 1e-8
    assert (np.diff(down.energy) < 0).all()
    other = systems.flow(x, 1.0, t=1.0, V=np.diag([1.0, 2.0, 0.5]))
    assert other.balance is None
    for way in ("balance=False",):
        assert systems.flow(x, 1.0, t=1.0, balance=False).balance is None, way


@pytest.mark.parametrize("rule", RULES)
def test_equiangular_particles_follow_the_curve(rule: str) -> None:
    times = np.linspace(0, 4, 9)
    run = systems.flow(np.eye(6), 2.0, times=times, rule=rule, rtol=1e-12, atol=1e-12)
    curve = systems.curve(6, 2.0, times=times, rule=rule)
    np.testing.assert_allclose(run.closest, curve.gamma, atol=1e-9)


def test_a_batch_is_its_entries() -> None:
    x, beta = systems.random_tokens((3, 1, 6, 4), 7), np.array([0.0, 1.0, 5.0, -2.0])
    together = systems.flow(x, beta, t=2.0)
    assert together.X.shape == (101, 3, 4, 6, 4)
    assert together.energy.shape == together.closest.shape == (101, 3, 4)
    for i, k in ((0, 0), (1, 2), (2, 3)):
        alone = systems.flow(x[i, 0], float(beta[k]), t=2.0)
        np.testing.assert_allclose(together.X[:, i, k], alone.X, atol=1e-7)
        np.testing.assert_allclose(together.energy[:, i, k], alone.energy, atol=1e-7)


def test_equal_seeds_give_equal_runs() -> None:
    assert np.array_equal(systems.random_tokens((5, 3), 1), systems.random_tokens((5, 3), 1))
    assert not np.array_equal(systems.random_tokens((5, 3), 1), systems.random_tokens((5, 3), 2))
    runs = [systems.flow(systems.random_tokens((5, 3), 1), 1.0, t=1.0).X for _ in range(2)]
    assert np.array_equal(*runs)


def test_a_run_ends_at_consensus_and_reports_its_progress() -> None:
    seen: list[tuple[float, float]] = []
    run = systems.flow(fixture(4, 2), 1.0, t=1e4, progress=lambda now, last: seen.append((now, last)))
    assert run.consensus is not None
    assert run.consensus < 100
    assert run.closest[-1] == pytest.approx(1, abs=1e-15)
    assert [now for now, _ in seen] == sorted(now for now, _ in seen)
    assert len(seen) == run.steps
    assert {last for _, last in seen} == {1e4}


def test_terminal_rate_is_two() -> None:
    run = systems.flow(systems.random_tokens((8, 4), 3), 0.5, times=np.linspace(8, 10, 5), rtol=1e-12, atol=1e-13)
    assert np.polyfit(run.times, np.log(1 - run.closest), 1)[0] == pytest.approx(-2, rel=1e-4)


def test_scaled_time_of_usa() -> None:
    x = fixture(5, 3)
    fast = systems.flow(x, 3.0, times=[0.5], rule="usa", rtol=1e-11, atol=1e-11)
    slow = systems.flow(x, 3.0, times=[0.5 * math.exp(3)], rule="usa", scaled=True, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(fast.X, slow.X, atol=1e-9)
    assert slow.balance is not None
    assert np.abs(slow.balance).max() < 1e-9
    cold = systems.flow(x, 1e6, t=5.0, rule="usa", scaled=True)
    assert np.isfinite(cold.X).all()
    with pytest.raises(DomainError, match="scaled=True"):
        systems.flow(x, 1e6, t=5.0, rule="usa")
    with pytest.raises(DomainError, match="unit of time of USA"):
        systems.flow(x, 1.0, t=5.0, scaled=True)


@pytest.mark.parametrize("method", ["RK45", "Radau", "BDF", "LSODA"])
def test_other_solvers_agree(method: str) -> None:
    other = systems.flow(fixture(4, 2), 2.0, times=[1.0], method=method, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(other.X, systems.flow(fixture(4, 2), 2.0, times=[1.0]).X, atol=1e-5)


def test_corner_cases_of_flows() -> None:
    one = systems.flow([[0.6, 0.8]], 2.0, t=1.0)
    np.testing.assert_allclose(one.X[-1], [[0.6, 0.8]], atol=1e-15)
    assert one.closest[-1] == 1
    line = systems.flow([[1.0], [-1.0]], 2.0, t=3.0)
    assert (line.X == [[[1.0], [-1.0]]]).all()
    padded = np.pad(fixture(5, 3), ((0, 0), (0, 13)))
    np.testing.assert_allclose(systems.flow(padded, 2.0, times=[2.0]).X[..., 3:], 0, atol=1e-300)
    rest = systems.flow([[1.0, 0.0], [-1.0, 0.0], [-1.0, 0.0]], 3.0, t=2.0)  # antipodal points do not move
    assert rest.closest[-1] == pytest.approx(-1)
    still = systems.flow(fixture(5, 3), 1.0, t=0.0)
    np.testing.assert_allclose(still.X[0], fixture(5, 3), atol=1e-15)
    assert np.isfinite(systems.flow(fixture(5, 3), [1e5, 1e12], t=3.0).X).all()
    assert np.isfinite(systems.particle_drift(fixture(5, 3), [[-1e12], [-1e5], [1e12]])).all()


BAD_FLOWS: list[tuple[Any, dict[str, Any], type[Exception], str]] = [
    ([[1.0, math.nan]], {}, DomainError, r"X0\[0, 1\] is nan"),
    ([[1.0, math.inf]], {}, DomainError, "finite"),
    ([[1.0, 0.0], [0.0, 0.0]], {}, DomainError, r"X0\[1\] is a row of zeros"),
    ([[1.0, 0.0], [0.0, 0.0]], {"normalise": True}, DomainError, "row of zeros"),
    ([[1.0, 1.0]], {}, DomainError, "normalise=True"),
    (np.empty((0, 3)), {}, ShapeError, "empty axis"),
    (np.empty((3, 0)), {}, ShapeError, "empty axis"),
    ([1.0, 0.0], {}, ShapeError, r"\(2,\)"),
    ([[1.0], [1.0, 0.0]], {}, ShapeError, "rectangular"),
    ([[1j, 0]], {}, DTypeError, "real"),
    ([["a", "b"]], {}, DTypeError, "real"),
    ([[True, False]], {}, DTypeError, "real"),
    ([[1.0, 0.0]], {"beta": math.nan}, DomainError, "finite"),
    ([[1.0, 0.0]], {"beta": 1e300}, DomainError, "rounding"),
    (np.tile([[1.0, 0.0]], (3, 1, 1)), {"beta": [1.0, 2.0]}, ShapeError, "batch"),
    ([[1.0, 0.0]], {"t": -1.0}, DomainError, "not negative"),
    ([[1.0, 0.0]], {"t": math.nan}, DomainError, "finite"),
    ([[1.0, 0.0]], {"times": [0.0, 1.0]}, DomainError, "either"),
    ([[1.0, 0.0]], {"t": None}, DomainError, "either"),
    ([[1.0, 0.0]], {"t": None, "times": [1.0, 0.5]}, DomainError, "increasing"),
    ([[1.0, 0.0]], {"t": None, "times": []}, DomainError, "increasing"),
    ([[1.0, 0.0]], {"rule": "SA"}, UnknownKey, "sa"),
    ([[1.0, 0.0]], {"method": "Euler"}, UnknownKey, "DOP853"),
    ([[1.0, 0.0]], {"rtol": 0.0}, DomainError, "positive"),
    ([[1.0, 0.0]], {"V": np.eye(3)}, ShapeError, "dimension 2"),
    ([[1.0, 0.0]], {"V": [[1.0, math.nan], [0.0, 1.0]]}, DomainError, "V"),
]


@pytest.mark.parametrize(("x", "options", "error", "match"), BAD_FLOWS)
def test_hostile_input_is_refused(x: Any, options: dict[str, Any], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        systems.flow(x, **({"beta": 1.0, "t": 1.0} | options))


def test_rows_are_normalised_when_asked_without_overflow() -> None:
    x = fixture(5, 3)
    scales = np.array([1e300, 1e-300, 1.0, 5e-324 / 5e-324, 3.0])[:, None]
    np.testing.assert_allclose(systems.particle_drift(x * scales, 1.0, normalise=True), systems.particle_drift(x, 1.0))


# Clusters


@pytest.mark.parametrize(
    ("sizes", "participation", "entropy"),
    [
        ((9, 3), 1.6, 1.75476535060332),
        ((10, 2), 1.38461538461538, 1.56919258321420),
        ((12,), 1, 1),
        ((4, 4, 4), 3, 3),
        ((1,) * 12, 12, 12),
    ],
)
def test_three_counts_of_orthogonal_clusters(sizes: tuple[int, ...], participation: float, entropy: float) -> None:
    counts = systems.cluster_counts(grouped(*sizes))
    assert counts.participation == pytest.approx(participation, rel=1e-13)
    assert counts.entropy == pytest.approx(entropy, rel=1e-13)
    assert counts.components == len(sizes)
    assert sorted(np.bincount(counts.labels)) == sorted(sizes)


def test_counts_see_signs_only_in_the_graph_and_are_ordered() -> None:
    antipodal = systems.cluster_counts(np.repeat([[1.0, 0.0], [-1.0, 0.0]], 6, 0))
    assert antipodal.participation == antipodal.entropy == pytest.approx(1)
    assert antipodal.components == 2
    x = systems.random_tokens((4, 3, 7, 5), 0)
    counts = systems.cluster_counts(x, 0.4)
    assert counts.participation.shape == counts.components.shape == (4, 3)
    assert counts.labels.shape == (4, 3, 7)
    gram = x @ np.swapaxes(x, -1, -2)
    np.testing.assert_allclose(counts.participation, 49 / (gram**2).sum((-1, -2)), rtol=1e-12)
    assert ((counts.participation >= 1) & (counts.participation <= counts.entropy + 1e-12)).all()
    assert (counts.entropy <= 5 + 1e-12).all()
    assert systems.cluster_counts(x[1, 2], 0.4).components == counts.components[1, 2]


def test_an_inner_product_on_the_threshold_is_no_edge() -> None:
    pair = np.array([[1.0, 0.0], [0.5, math.sqrt(0.75)]])
    assert systems.cluster_counts(pair, 0.5).components == 2
    assert systems.cluster_counts(pair, 0.5 + 1e-9).components == 1
    chain = systems.on_circle(0.1 * np.arange(1500))  # more rows than one block; neighbours link all of them
    assert systems.cluster_counts(chain, 0.006).components == 1
    assert systems.cluster_counts([[1.0, 0.0], [-1.0, 0.0]], 2.0).components == 2
    for delta in (0.0, -1.0, 2.5, math.nan):
        with pytest.raises(DomainError, match="delta"):
            systems.cluster_counts(pair, delta)
    with pytest.raises(DomainError, match="row of zeros"):
        systems.cluster_counts([[1.0, 0.0], [0.0, 0.0]], normalise=True)


@pytest.mark.parametrize(("beta", "least", "most"), [(4.0, 2, 3), (9.0, 3, 4), (25.0, 5, 7)])
def test_clusters_on_the_circle_at_time_30(beta: float, least: int, most: int) -> None:
    found = systems.metastability_run(128, beta, times=[30.0], batch=2, seed=0, tol=1e-6).components
    assert ((found >= least) & (found <= most)).all(), found


def test_three_dimensions_end_in_one_cluster_unless_it_takes_too_long() -> None:
    x = systems.random_tokens((12, 10, 3), 0)
    single = {}
    for beta in (0.5, 2.0, 5.0):
        run = systems.flow(x, beta, times=[300.0], rtol=1e-6, atol=1e-6, balance=False)
        single[beta] = int((systems.cluster_counts(run.X).components == 1).sum())
    assert single[0.5] == single[2.0] == 12
    assert 0 < single[5.0] < 12


def test_systems_take_their_formulas_from_records() -> None:
    table = dltsym.get("particles.mean_field").outputs
    assert {"sa", "usa", "average", "log_mass", "field"} <= set(table)
