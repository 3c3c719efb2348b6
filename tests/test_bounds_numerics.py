"""Certified numerics of bounds: inverses of relative entropy, extremes, binomial tails, Gaussian divergences."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import fuzz_inversion
import numpy as np
import pytest
import torch
from flint import arb

from dltsym.bounds import extremes, fast, gaussian, majority, moments, proved, twofold
from dltsym.bounds.inversion import kl_lower, kl_upper
from dltsym.errors import DomainError, DTypeError, ShapeError
from dltsym.lower.closed import inverse
from dltsym.lower.floats import Floats
from dltsym.notation.balls import REAL, working
from dltsym.notation.numbers import Balls

TABLE = [  # q, c, upper, 1 - upper, lower
    (0.0, 1e-8, 9.99999995000000038e-9, None, None),
    (0.0, 0.1, 0.0951625819640404268, None, None),
    (0.0, 50.0, 1.0, 1.92874984796e-22, None),
    (1e-12, 1e-3, 0.000999500188327061324, None, None),
    (0.01, 1e-4, 0.0114731281712507602, None, 0.00865750249713081926),
    (0.1, 0.02, 0.170383627568828463, None, 0.0506291539078151565),
    (0.3, 1e-7, 0.300204965672604730, None, None),
    (0.3, 10.0, None, 2.61096057100e-7, 4.35713100499129385e-16),
    (0.5, 1e-12, 0.500000707106781186, None, None),
    (0.5, 0.1, 0.712878631455823990, None, None),
    (0.9, 0.02, 0.949370846092184844, None, None),
    (0.99999, 1e-3, 1.0, 1.3685463e-49, None),
    (0.289307, 0.057761445192815, 0.45515770784482, None, None),
]


@pytest.mark.parametrize("mode", ["estimate", "certified"])
@pytest.mark.parametrize(("q", "c", "upper", "complement", "lower"), TABLE)
def test_the_table_of_inverses(q, c, upper, complement, lower, mode):
    p, r = kl_upper(q, c, mode=mode, complement=True)
    for got, want in ((p, upper), (r, complement), (kl_lower(q, c, mode=mode), lower)):
        assert want is None or got == pytest.approx(want, rel=2e-8 if want == upper and q == 0 else 2e-12)
    assert 1 - r == pytest.approx(p, rel=1e-15)
    assert kl_lower(1 - q, c) == pytest.approx(r, rel=1e-9)


def test_certificates_are_on_the_safe_side_and_within_two_units():
    assert fuzz_inversion.violations(*fuzz_inversion.cases(1500, 11)) == []


def test_the_search_notices_estimates_and_distant_bounds(monkeypatch):
    q, c = fuzz_inversion.cases(600, 12)
    for name, f in (("kl_upper", kl_upper), ("kl_lower", kl_lower)):
        monkeypatch.setattr(fuzz_inversion, name, lambda q, c, mode, f=f, **rest: f(q, c, **rest))
    assert len(fuzz_inversion.violations(q, c)) > 100
    certified = kl_upper(0.1, 0.02, mode="certified")
    far = math.nextafter(math.nextafter(certified, 1), 1)
    assert fuzz_inversion.faults(0.1, 0.02, math.nextafter(far, 1), 1)
    assert fuzz_inversion.faults(0.1, 0.02, math.nextafter(certified, 0), 1)
    assert not fuzz_inversion.faults(0.1, 0.02, certified, 1)


def test_estimates_are_accurate_to_a_few_units():
    q, c = fuzz_inversion.cases(800, 13)
    p, low = kl_upper(q, c), kl_lower(q, c)
    with working(160):
        for i in range(len(q)):
            if math.isinf(c[i]):
                continue
            want = float(REAL["kl_upper"](arb(q[i]), arb(c[i])))
            assert abs(p[i] - want) <= 4 * math.ulp(want), (q[i], c[i])
            want = float(REAL["kl_lower"](arb(q[i]), arb(c[i])))
            near = max(1.0, -math.log(want / q[i])) if want > 1e-300 else math.inf  # the digits that e**-s has
            assert abs(low[i] - want) <= 8 * near * math.ulp(want) or want < 1e-300, (q[i], c[i])


def test_blocks_and_threads_give_what_single_pairs_give():
    rng = np.random.default_rng(4)
    q, c = rng.uniform(size=70_000), 10.0 ** rng.uniform(-20, 2, 70_000)
    q[::7] = 0.0
    for f in (kl_upper, kl_lower):
        for mode in ("estimate", "certified"):
            p, r = f(q, c, mode=mode, complement=True)
            assert np.array_equal(p, f(q, c, mode=mode))
            for i in (0, 7, 16_383, 16_384, 35_000, 69_999):
                assert f(q[i], c[i], mode=mode, complement=True) == pytest.approx((p[i], r[i]), rel=1e-13)
        with pytest.raises(DomainError, match="at place 60000 "):
            f(np.where(np.arange(70_000) == 60_000, 1.5, q), c)


def test_the_fast_ways_are_taken_for_ordinary_pairs():
    rng = np.random.default_rng(6)
    q, c = 0.9 * rng.uniform(size=4000), 10.0 ** rng.uniform(-6, 0.2, 4000)
    p = np.empty(4000)
    assert fast.Estimator().solve(q, 1 - q, c, p, None).all()
    mean, rest = (q, 0.0), twofold.two_sum(1.0, -q)
    for upper in (True, False):
        p, left = (kl_upper if upper else kl_lower)(q, c, complement=True)
        assert proved.outward(mean, rest, c, p, upper)[1].mean() > 0.95
        assert proved.outward(rest, mean, c, left, not upper)[1].mean() > 0.95


def test_order_and_mirror():
    q, c = np.linspace(0, 1, 101), np.array([1e-9, 1e-3, 0.1, 1.0, 30.0])[:, None]
    for mode in ("estimate", "certified"):
        p = kl_upper(q, c, mode=mode)
        assert np.all(np.diff(p, axis=0) >= 0)
        assert np.all(np.diff(p, axis=1) >= 0)
        assert np.all(p[:, :-1] > q[:-1])
    up, low = kl_upper(q, c, mode="certified"), kl_lower(q, c, mode="certified")
    assert np.all(low <= q)
    assert np.all(q <= up)


@pytest.mark.parametrize(
    ("q", "c"), [(-1e-300, 1.0), (1.0000000000000002, 1.0), (0.5, -5e-324), (math.nan, 1.0), (0.5, math.nan)]
)
def test_nothing_outside_the_domain_is_clamped(q, c):
    for f in (kl_upper, kl_lower):
        for mode in ("estimate", "certified"):
            with pytest.raises(DomainError, match="mean lies in"):
                f([0.5, q], [1.0, c], mode=mode)
        with pytest.raises(DomainError, match="mean lies in"):
            f(torch.tensor([q], dtype=torch.float64), torch.tensor([c], dtype=torch.float64))


def test_arguments_of_other_kinds():
    with pytest.raises(DTypeError):
        kl_upper(["0.5"], [1.0])
    with pytest.raises(DTypeError):
        kl_upper(0.5, 2**53 + 1)
    with pytest.raises(DomainError, match="mode"):
        kl_upper(0.5, 1.0, mode="exact")
    with pytest.raises(DomainError, match="backend"):
        kl_upper(0.5, 1.0, backend="jax")
    assert isinstance(kl_upper(0, 1), float)
    assert kl_upper(np.float32(0.25), np.ones((2, 1, 3))).shape == (2, 1, 3)
    assert kl_upper(np.zeros((0, 2)), 1.0).shape == (0, 2)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_tensors_keep_their_type_and_round_outward(dtype):
    q, c = torch.rand(50, generator=torch.Generator().manual_seed(0)).to(dtype), torch.full((50,), 0.03, dtype=dtype)
    for f, side in ((kl_upper, 1), (kl_lower, -1)):
        out, rest = f(q, c, mode="certified", complement=True)
        wide = f(q.double().numpy(), c.double().numpy(), mode="certified")
        assert out.dtype == rest.dtype == dtype
        assert bool((side * (out.double() - torch.as_tensor(wide)) >= 0).all())
        assert torch.allclose(f(q, c).double(), torch.as_tensor(wide), rtol=4 * torch.finfo(dtype).eps)


def test_gradients_are_implicit():
    q = torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64, requires_grad=True)
    c = torch.tensor([0.02, 0.1, 1.0], dtype=torch.float64, requires_grad=True)
    for f in (inverse.kl_upper, inverse.kl_lower):
        assert torch.autograd.gradcheck(f, (q, c))
        assert torch.autograd.gradgradcheck(f, (q, c))
    p = inverse.kl_upper(q, c)
    (by_c,) = torch.autograd.grad(p.sum(), c)
    assert torch.allclose(by_c, p * (1 - p) / (p - q))


def test_pairs_of_doubles_hold_seventy_bits():
    rng = np.random.default_rng(0)
    x = np.concatenate([np.exp(rng.uniform(-600, 600, 200)), 1 + 10.0 ** rng.uniform(-15, -0.4, 200)])
    low = x * rng.uniform(-1, 1, 400) * 2.0**-54
    log, lost = twofold.logarithm((x, low))
    with working(200):
        for i in range(400):
            true = (arb(x[i]) + arb(low[i])).log()
            assert abs(arb(log[i]) + arb(lost[i]) - true) < abs(true) * arb(2) ** -70


# Extremes


def test_grid_catoni_does_not_stop_on_its_plateau():
    for args, want in (
        (("0.289307", 1724, 30000, "0.05", "1e-4"), 0.45602035999992),
        ((0, 35, 10000, "0.05", "1e-4"), 0.0061103584874463),
        (("0.11", 8000, 50000, "0.05", "1e-4"), 0.35766936450165),
    ):
        found = extremes.least_grid_catoni(*args)
        assert found.value == pytest.approx(want, abs=2e-14)
    found = extremes.least_grid_catoni("0.289307", 1724, 30000, "0.05", "1e-4", tol=1e-5, boxes=5000)
    assert found.limit <= 0.45602035999992 <= found.value
    assert found.gap <= 1e-5
    flat = extremes.least_grid_catoni("0.99", 8000, 500, "0.05", "1e-4", boxes=10)
    assert flat.value == flat.limit == 1.0
    with pytest.raises(DomainError):
        extremes.least_grid_catoni("1.5", 1, 10, "0.05", "1e-4")


def test_extremes_are_enclosed_and_a_narrow_well_is_found():
    def well(m: Any, x: Any) -> Any:
        return 1 - m.exp(-(((x - m.number("7.31")) * 300) ** 2)) + x / 10**6

    found = extremes.least(well, 0, 10, tol=1e-6)
    assert found.at == pytest.approx(7.31, abs=1e-4)
    assert found.gap <= 1.1e-6
    top = extremes.largest(lambda m, x: x * m.exp(-x), 0, 5, slope=lambda m, x: m.exp(-x) * (1 - x))
    assert top.value <= math.exp(-1) <= top.limit
    assert top.gap < 1e-9
    with pytest.raises(DomainError):
        extremes.least(well, 1, 0)


@pytest.mark.parametrize("m", [Balls(96), Floats()])
def test_helpers_of_algorithms(m):
    with m:
        low = m.least(lambda x: (x - 2) ** 2 + x, 0, 5, slope=lambda x: 2 * x - 3)
        found = [low, m.kl_upper("0.1", "0.02"), m.kl_lower("0.1", "0.02"), m.binomial_tail(5, 100, "0.1")]
        found.append(m.binomial_upper(8679, 30000, m.log(m.number("0.05")) - 1724))
        found.append(m.minimiser(lambda x: (x - 1) ** 2, 0, 3))
    want = (1.75, 0.170383627568828463, 0.0506291539078151565, 0.05757688648703, 0.454628049834517, 1.0)
    for got, value in zip(found, want, strict=True):
        middle = got if isinstance(got, float) else float(got.value.mid())
        assert middle == pytest.approx(value, rel=1e-7 if value == 1.0 else 1e-12)


def test_majority_vote_certificates_lie_above_what_is_reached():
    for joint, want, e, d in (
        (False, 0.36043570289947, 0.094443798183, 0.276855839524),
        (True, 0.34826317783077, 0.0898116, 0.2532463),
    ):
        found = majority.majority_vote_bound("0.2", "0.3", 1000, 2, "0.05", joint=joint)
        assert found.value == pytest.approx(want, abs=2e-13)
        assert found.reached <= found.value <= found.reached + 2e-13
        assert (found.joint_error, found.disagreement) == pytest.approx((e, d), abs=1e-7)
    coarse = majority.majority_vote_bound("0.2", "0.3", 1000, 2, "0.05", boxes=30)
    assert found.value < coarse.value <= 1
    assert majority.majority_vote_bound("0.49", "0.3", 50, 20, "0.05").value == 1.0
    low = majority.majority_vote_bound("0.05", "0.05", 5000, 1, "0.05")
    assert low.reached <= low.value <= low.reached + 2e-13
    for wrong in (("0.2", "0.5"), ("0.2", "-0.1"), ("1.1", "0")):
        with pytest.raises(DomainError):
            majority.majority_vote_bound(*wrong, 100, 1, "0.05")


def test_no_allowed_pair_beats_a_majority_vote_certificate():
    """Random pairs inside the region, for random data: all of them lie below."""
    rng = np.random.default_rng(5)
    for _ in range(6):
        r = rng.uniform(0.02, 0.4)
        d = rng.uniform(0, 1) * 2 * r * (1 - r)
        n, kl = int(rng.integers(50, 3000)), float(rng.uniform(0, 30))
        found = majority.majority_vote_bound(r, d, n, kl, "0.05", boxes=3000)
        a, radius = r - d / 2, (2 * kl + math.log((moments.xi(n) + n) / 0.05)) / n
        x, y = rng.uniform(0, 0.5, 40_000), rng.uniform(0, 0.5, 40_000)
        rest = 1 - a - d
        near = a * np.log(a / x) + d * np.log(d / y) + rest * np.log(rest / (1 - x - y)) <= radius
        near &= (2 * x + y < 1) & (y <= 2 * (np.sqrt(x) - x)) & (y < 0.5)
        best = np.max(1 - (1 - 2 * x - y)[near] ** 2 / (1 - 2 * y)[near], initial=0.0)
        assert best <= found.value


# Binomial tails and the moment


def test_binomial_inverse():
    for k, n, level, want in (
        (5, 100, math.log(0.05), 0.10225337764327),
        (100, 100, math.log(0.05), 1.0),
        (8679, 30000, math.log(0.05) - 1724, 0.454628049835),
        (0, 100, math.log(0.05), 1 - 0.05**0.01),
    ):
        bound = moments.binomial_upper(k, n, level, mode="certified")
        assert bound == pytest.approx(want, abs=6e-13)
        assert moments.binomial_upper(k, n, level) == pytest.approx(bound, rel=1e-13)
        assert bound <= kl_upper(k / n, -level / n, mode="certified") + 1e-15
    deep = moments.binomial_upper(5 * 10**5, 10**6, -1e5)
    assert deep == pytest.approx(moments.binomial_upper(5 * 10**5, 10**6, -1e5, mode="certified"), rel=1e-13)
    assert moments.binomial_log_tail(5 * 10**5, 10**6, deep) == pytest.approx(-1e5, rel=1e-13)
    assert moments.binomial_upper(10, 1000, -1e5, mode="certified") == 1.0
    assert moments.binomial_log_tail([5, 7, 3], [7, 7, 7], [0.9, 1.0, 1.0]).tolist()[1:] == [0.0, -math.inf]
    for k, n, level in ((-1, 5, -3.0), (6, 5, -3.0), (1, 0, -3.0), (1, 5, -0.1), (1, 5, math.nan), (0.5, 5, -3.0)):
        with pytest.raises(DomainError):
            moments.binomial_upper(k, n, level)
    with pytest.raises(DomainError):
        moments.binomial_log_tail(5, 10, 0.4)


def test_moment_of_relative_entropy():
    exact = {1: 2, 2: Fraction(5, 2), 3: Fraction(26, 9), 5: Fraction(2194, 625), 7: Fraction(472730, 117649)}
    exact[8] = Fraction(556403, 131072)
    assert {n: moments.xi(n, exact=True) for n in exact} == exact
    for n, want in ((20, 6.293584586000900), (100, 13.20996063021598), (1000, 40.30321292617815)):
        assert moments.xi(n) == pytest.approx(want, rel=4e-15)
    assert moments._large(250) == pytest.approx(float(moments.xi(250, exact=True)), rel=2e-15)
    sizes = np.array([[1, 20], [301, 10**5]])
    values = moments.xi(sizes)
    assert np.all((np.sqrt(sizes) <= values) & (values <= 2 * np.sqrt(sizes)))
    assert moments.xi(10**6) - math.sqrt(math.pi * 10**6 / 2) == pytest.approx(2 / 3, abs=2e-4)
    for wrong in (0, -3, 2.5, 10**10):
        with pytest.raises(DomainError):
            moments.xi(wrong)
    with pytest.raises(DomainError):
        moments.xi(301, exact=True)


# Gaussian divergence


def test_gaussian_divergence_values(tmp_path):
    kl = gaussian.gaussian_kl
    assert kl([0.3], [math.log(0.5)]).kl == pytest.approx(0.3631471805599453, rel=1e-15)
    assert kl([0.0], [math.log(1e-3)]).kl == pytest.approx(6.407755778982137, rel=1e-15)
    i = np.arange(10)
    found = kl(i / 10, -np.log1p(i))
    assert found.kl == pytest.approx(12.30429643865879, rel=1e-15)
    assert found.kl_at_best <= found.kl
    again = kl(i / 10, -np.log1p(i), 0.0, math.log(found.best_variance) / 2)
    assert again.kl == pytest.approx(found.kl_at_best, rel=1e-14)
    for step in (1e-7, -1e-7, 1e-8):  # rho**2/4 - rho**3/12...
        rho = 2 * math.log1p(step)
        assert kl([0.0], [rho / 2]).kl == pytest.approx(rho**2 / 4 + rho**3 / 12, rel=1e-14)
    for name, x in (("m", i / 10), ("s", -np.log1p(i))):
        np.save(tmp_path / f"{name}.npy", x)
    mapped = kl(tmp_path / "m.npy", str(tmp_path / "s.npy"), chunk=3)
    assert mapped.kl == pytest.approx(found.kl, rel=1e-15)
    assert mapped.count == 10


def test_gaussian_divergence_of_states_and_broken_weights():
    kl = gaussian.gaussian_kl
    x = torch.randn(64, 33, generator=torch.Generator().manual_seed(1)).to(torch.bfloat16)
    state, logs = {"a": x, "b": x[0]}, {"a": x * 0.01, "b": x[0] * 0.01}
    wide = kl(*(torch.cat([s["a"].reshape(-1), s["b"]]).double().numpy() for s in (state, logs)))
    assert kl(state, logs, chunk=100).kl == pytest.approx(wide.kl, rel=1e-14)
    assert kl([math.inf, 0.0], [0.0, 0.0]).kl == math.inf
    assert math.isnan(kl([math.nan, 0.0], [0.0, 0.0]).kl)
    assert kl([0.0, 0.0], [-math.inf, 0.0]).kl == math.inf
    with pytest.raises(ShapeError):
        kl(state, {"a": logs["a"]})
    with pytest.raises(ShapeError):
        kl([0.0, 1.0], [0.0])
    with pytest.raises(ShapeError):
        kl(np.zeros(0), np.zeros(0))
    with pytest.raises(DTypeError):
        kl([1, 2], [0.0, 0.0])
