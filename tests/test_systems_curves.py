"""Equiangular curves, tokens on the circle, and the mean field; against records and closed forms."""

import math

import numpy as np
import pytest

from dltsym import systems
from dltsym.errors import DltsymError, DomainError, DTypeError, ShapeError

RULES = ("sa", "usa")


# Equiangular tokens


def test_the_curve_has_the_values_of_the_record() -> None:
    for n, beta, t, rule, gamma in [
        (2, 1.0, 1.0, "sa", 0.579195336911065),
        (2, 1.0, 1.0, "usa", 0.947135985749308),
        (128, 1.0, 2.0, "sa", 0.285276830301801),
        (128, 1.0, 2.0, "usa", 0.390034806180112),
        (8, 0.0, 1.5, "sa", 0.704639416132405),
        (128, 0.0, 2.0, "usa", 0.295147004654848),
        (2, 0.0, 1.0, "sa", math.tanh(1)),
    ]:
        assert systems.curve(n, beta, times=[t], rule=rule).gamma[0] == pytest.approx(gamma, rel=1e-12)


@pytest.mark.parametrize("rule", RULES)
def test_the_curve_never_overshoots(rule: str) -> None:
    run = systems.curve(6, [[0.0], [4.0], [30.0], [-5.0]], t=300.0, g0=[0.0, -0.2, -0.1999, 0.5, 1.0], rule=rule)
    assert run.gamma.shape == (101, 4, 5)
    assert run.gamma.max() == 1
    assert run.gamma.min() >= -0.2
    assert (np.diff(run.gamma, axis=0) >= -1e-12).all()
    assert (run.gamma[..., 1] == -0.2).all()
    assert (run.gamma[..., 4] == 1).all()
    np.testing.assert_allclose(run.gap, 1 - run.gamma, atol=1e-16)


def test_the_gap_keeps_its_digits() -> None:
    run = systems.curve(5, 2.0, times=[20.0, 21.0])
    assert math.log(run.gap[0] / run.gap[1]) == pytest.approx(2, rel=1e-10)


@pytest.mark.parametrize(
    ("n", "beta", "g", "g0", "rule", "time"),
    [
        (128, 0.0, 0.999, 0.0, "sa", 5.87939643142896),
        (128, 1.0, 0.999, 0.0, "sa", 5.90902039681169),
        (128, 9.0, 0.999, 0.0, "sa", 82.5933575019809),
        (128, 1e-8, 0.999, 0.0, "sa", 5.87939643161994),
        (128, 50.0, 0.999, 0.0, "sa", 2.18221197329871e19),
        (2, 1.0, 0.999, 0.0, "sa", 4.27106768030934),
        (64, 2.0, 0.999, 0.0, "sa", 5.69937358199033),
        (16, 6.0, 0.999, 0.0, "sa", 20.5718588540999),
        (5, 2.0, 0.9, -0.1, "sa", 3.49309257538181),
        (128, 1.0, 0.5, 0.0, "sa", 2.45641147428664),
        (1024, 5.0, 0.5, 0.0, "sa", 3.82301746070270),
        (128, 1.0, 0.999, 0.0, "usa", 3.55785919589555),
        (2, 1.0, 0.999, 0.0, "usa", 1.74446010112815),
        (16, 2.0, 0.999, 0.0, "usa", 1.58833143922605),
    ],
)
def test_hitting_times(n: int, beta: float, g: float, g0: float, rule: str, time: float) -> None:
    found = systems.hitting_time(n, beta, g, g0, rule)
    assert found.time == pytest.approx(time, rel=1e-13)
    assert found.log_time == pytest.approx(math.log(time), rel=1e-13)
    if time < 1e6:
        there = systems.curve(n, beta, times=[float(found.time)], g0=g0, rule=rule)
        assert there.gap[0] == pytest.approx(1 - g, rel=1e-9)


def test_hitting_times_at_the_ends() -> None:
    hot = systems.hitting_time(128, [710.0, 1e6, 1e8], 0.999)
    np.testing.assert_allclose(hot.log_time, [702.596985541381, 999985.491216286, 99999980.8861706], rtol=1e-13)
    assert hot.time[0] == pytest.approx(math.exp(702.596985541381), rel=1e-10)
    assert hot.time[1] == math.inf
    swift = systems.hitting_time(128, [2000.0, 5000.0], 0.999, 0.5, "usa")
    assert (swift.time == 0).all()
    np.testing.assert_allclose(swift.log_time, [-1006.91551994602, -2507.83182163464], rtol=1e-13)
    slow = systems.hitting_time(2, 5000.0, 0.5, -0.5, "usa")
    assert slow.time == math.inf
    assert slow.log_time == pytest.approx(2500 - math.log(5000 * 0.75), rel=1e-6)  # Laplace
    assert systems.hitting_time(5, 2.0, 0.9, -0.25).time == math.inf
    assert systems.hitting_time(10, 2.0, 0.9, -1 / 9).log_time == math.inf
    assert systems.hitting_time(2, 2.0, 0.9, -1.0).time == math.inf
    assert systems.hitting_time(3, 2.0, 1.0).time == math.inf
    assert systems.hitting_time(3, 2.0, 0.3, 0.3).time == 0
    near = systems.hitting_time(2, 1.0, 1 - np.array([1e-10, 1e-12]))
    assert near.time[1] - near.time[0] == pytest.approx(math.log(1e2) / 2, rel=1e-4)
    for bad in ((1, 1.0, 0.5, 0.0), (3, -1.0, 0.5, 0.0), (3, 1.0, 0.5, 0.6), (3, 1.0, 1.5, 0.0), (3, 1.0, 0.5, -0.6)):
        with pytest.raises(DomainError):
            systems.hitting_time(*bad)
    with pytest.raises(ShapeError, match="broadcast"):
        systems.hitting_time(3, [1.0, 2.0], [0.1, 0.2, 0.3])
    with pytest.raises(DTypeError):
        systems.hitting_time(2.5, 1.0, 0.5)  # pyright: ignore[reportArgumentType]


def test_phase_curve() -> None:
    found = systems.phase_curve([5.0, 6.0, 10.0, 15.0, 25.0, 30.0], 128, 1e-3)
    assert math.isnan(found.beta[0])
    assert "5.879" in found.note
    expected = [2.18727254845997, 5.91239569365409, 6.75709638115313, 7.53995885985080, 7.78487727090633]
    np.testing.assert_allclose(found.beta[1:], expected, rtol=1e-13)
    assert systems.phase_curve(12.0, 32, 1e-3).beta == pytest.approx(5.49314219106709, rel=1e-13)
    first = systems.phase_curve(found.first_time, 128, 1e-3)
    assert first.beta == 0
    assert first.note == ""
    late = systems.phase_curve([1e5, 1e250], 128, 1e-3)
    back = systems.hitting_time(128, late.beta, 1 - 1e-3)
    np.testing.assert_allclose(back.log_time, np.log([1e5, 1e250]), rtol=1e-11)
    for delta in (0.0, 1.0, math.nan):
        with pytest.raises(DomainError):
            systems.phase_curve(6.0, 128, delta)


def test_envelope_holds_the_curve() -> None:
    lower, upper = systems.envelope(1.0, 8, 1.0)
    assert (lower, upper) == (pytest.approx(0.343625974426408), pytest.approx(0.444021904911849))
    beta, g0 = np.array([[0.0], [0.5], [3.0], [9.0]]), np.array([0.0, 0.3, 0.9])
    run = systems.curve(8, beta, times=[0.1, 1.0, 10.0, 100.0], g0=g0)
    for k, t in enumerate(run.times):
        low, high = systems.envelope(t, 8, beta, g0)
        assert ((low - 1e-12 <= run.gamma[k]) & (run.gamma[k] <= high + 1e-12)).all()
    with pytest.raises(DomainError):
        systems.envelope(1.0, 8, 1.0, -0.1)


def test_halfway_bound_says_where_it_holds() -> None:
    found = systems.halfway_bound([0.0, 1.0, 2.0], 2, 0.0)
    assert found.valid.tolist() == [False, True, True]
    assert found.bound[:2].tolist() == pytest.approx([0.973867020527338, 0.5], rel=1e-13)  # below 1: false at t = 0
    assert systems.halfway_bound(math.e, 2, 1.0).bound == pytest.approx(0.5, rel=1e-14)
    assert systems.curve(2, 1.0, times=[math.e]).gap[0] == pytest.approx(0.0218572797765630, rel=1e-11)
    for rule in RULES:
        t, beta = np.linspace(0, 60, 13), 1.5
        bound = systems.halfway_bound(t, 5, beta, rule)
        gap = systems.curve(5, beta, times=t, rule=rule).gap
        assert bound.valid.any()
        assert (gap <= bound.bound)[bound.valid].all()
    assert not systems.halfway_bound(1e5, 2, 800.0).valid


# The circle


def test_angles_are_tokens_and_kuramoto_is_solved() -> None:
    angles = np.random.default_rng(1).uniform(0, 6, 7)
    tangent = np.stack([-np.sin(angles), np.cos(angles)], -1)
    for rule in RULES:
        for beta in (0.0, 3.0, -2.0):
            moved = (systems.particle_drift(systems.on_circle(angles), beta, rule) * tangent).sum(-1)
            np.testing.assert_allclose(moved, systems.angle_drift(angles, beta, rule), atol=1e-14)
    np.testing.assert_allclose(systems.angle_drift(angles, 0.0), np.sin(angles - angles[:, None]).mean(1), atol=1e-15)
    run = systems.angle_flow([0.0, math.pi / 2], 0.0, times=[1.0, 3.0])
    difference = run.theta[:, 1] - run.theta[:, 0]
    assert difference[0] == pytest.approx(0.705026843555238, rel=1e-9)
    np.testing.assert_allclose(np.cos(difference), np.tanh(run.times), atol=1e-10)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("beta", [-1.0, -0.7, -0.66, -0.5, 0.0, 2.0])
def test_triangle_threshold(beta: float, rule: str) -> None:
    found = systems.triangle_growth(beta, rule)
    assert found.measured == pytest.approx(found.predicted, abs=5e-6)
    assert (found.measured > 0) == (beta > -2 / 3)


def test_triangle_rates_of_the_record_and_the_fate_of_a_noisy_triangle() -> None:
    assert systems.triangle_rate(-1.0, "usa") == pytest.approx(-0.412180317675032)
    assert systems.triangle_rate(-1.0) == pytest.approx(-0.337362163243706)
    assert systems.triangle_rate(2.0, "usa") == pytest.approx(2 / math.e)
    corners = 2 * np.pi / 3 * np.arange(3) + 1e-3 * np.random.default_rng(5).standard_normal(3)
    beta = np.array([-1.0, -0.7, -0.6, 0.0, 2.0])
    run = systems.flow(systems.on_circle(corners), beta, times=[600.0], rtol=1e-6, atol=1e-7, balance=False)
    np.testing.assert_allclose(run.closest[0], [-0.5, -0.5, 1, 1, 1], atol=1e-3)


@pytest.mark.parametrize(("beta", "k"), [(1.0, 1), (4.0, 3), (9.0, 1), (25.0, 7), (49.0, 10)])
@pytest.mark.parametrize("rule", RULES)
def test_modes_of_the_uniform_law_grow_as_predicted(beta: float, k: int, rule: str) -> None:
    found = systems.mode_growth(beta, k, rule=rule)
    assert found.measured == pytest.approx(found.predicted, rel=1e-6)


def test_mode_rates() -> None:
    for beta, k, rate in [(1.0, 1, 0.446389965896535), (25.0, 7, 0.725796513190406), (49.0, 10, 0.730528771878060)]:
        assert systems.mode_rates(beta, k)[k] == pytest.approx(rate, rel=1e-13)
    assert [int(np.argmax(systems.mode_rates(b, 20))) for b in (1, 2, 5, 16, 81)] == [1, 2, 3, 6, 13]
    assert systems.mode_rates(9.0, 4, d=3)[4] == pytest.approx(0.703144760846832, rel=1e-13)
    assert systems.mode_rates(1e-8, 2).tolist() == pytest.approx([0, 0.5, 5e-9])
    assert systems.mode_rates(1e3, 60).max() == pytest.approx(2 / math.e, rel=1e-3)
    assert np.isinf(systems.mode_rates(1e3, 2, rule="usa")[1:]).all()
    with pytest.raises(DomainError):
        systems.mode_growth(1.0, 64)
    with pytest.raises(DomainError, match="degrees count from 0"):
        systems.mode_rates(1.0, -1)
    with pytest.raises(DomainError, match="must be positive"):
        systems.triangle_growth(1.0, t=0.0)
    with pytest.raises(DltsymError):
        systems.mode_rates(-1.0, 3)


def test_metastable_clusters_live_through_their_window() -> None:
    window = systems.metastability_window(8, 20.0, 0.01, 0.0, 0.1)
    assert window.margin == pytest.approx(0.447139977504615, rel=1e-13)
    assert not window.empty
    assert systems.metastability_window(8, 2.0, 0.01, 0.0, 0.1).empty
    assert systems.metastability_window(8, 1e5, 0.01, 0.0, 0.1).end == math.inf
    with pytest.raises(DomainError):
        systems.metastability_window(8, 20.0, 0.1, 0.0, 0.1)
    centre = np.repeat([0.0, np.pi], 4)
    angles = centre + 0.1 * np.random.default_rng(0).uniform(-1, 1, 8)  # caps 1 - cos 0.1 < 0.01
    cap = math.acos(1 - 2 * 0.01)
    window = systems.metastability_window(8, 20.0, 0.01, math.cos(math.pi - 2 * cap), 0.1)
    times = [window.start, 2 * window.start]
    run = systems.metastability_run(8, 20.0, times=times, X0=systems.on_circle(angles))
    assert times[-1] < window.end
    assert (run.components == 2).all()
    inside = run.run.X[:, :4] @ run.run.X[:, :4].transpose(0, 2, 1)
    assert (2 - 2 * inside).max() <= 2 * math.exp(-0.1 * 20)


# The mean field


def test_field_of_a_law_at_its_tokens_is_their_drift() -> None:
    x = systems.random_tokens((7, 3), 1)
    np.testing.assert_allclose(systems.field(x, x, 2.0), systems.particle_drift(x, 2.0), atol=1e-15)
    poles = np.array([[0.0, 1.0], [0.0, -1.0]])
    np.testing.assert_allclose(systems.field(poles, poles[[0, 0, 1]], 3.0), 0, atol=1e-16)
    with pytest.raises(ShapeError):
        systems.field(x, poles, 1.0)


@pytest.mark.parametrize("p", [1, 2])
def test_distances_on_the_circle(p: int) -> None:
    rng = np.random.default_rng(3)
    for n, m in ((1, 1), (9, 6), (8, 8), (5, 1)):
        a, b = rng.uniform(-9, 9, n), rng.uniform(-9, 9, m)
        by_assignment = systems.sphere_distance(systems.on_circle(a), systems.on_circle(b), p)
        assert systems.circle_distance(a, b, p) == pytest.approx(by_assignment, rel=1e-12)
        assert systems.circle_distance(a, b + 2 * np.pi, p) == pytest.approx(by_assignment, rel=1e-9)
    assert systems.circle_distance(a, a, p) == 0
    for bad in ([], [math.nan], [[1.0]]):
        with pytest.raises(DltsymError):
            systems.circle_distance(bad, [1.0], p)
    with pytest.raises(DomainError):
        systems.circle_distance([1.0], [1.0], 3)


def test_particles_settle_as_their_number_doubles() -> None:
    def quantile(u: np.ndarray) -> np.ndarray:
        return 2 * np.pi * u + 0.5 * np.sin(2 * np.pi * u)

    found = systems.refine(quantile, [16, 32, 64], 2.0, 4.0)
    assert (np.diff(found.end) < -0.3 * found.end[:-1]).all()
    assert (found.end <= math.exp(4.0) * found.start).all()
    with pytest.raises(DomainError):
        systems.refine(quantile, [0], 2.0, 1.0)
