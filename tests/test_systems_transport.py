"""Sinkhorn attention and its relatives as systems: published numbers, certificates, masks, edges, and peers."""

import warnings
from typing import Any

import numpy as np
import ot
import pytest

import dltsym
from dltsym.errors import DomainError, DTypeError, ShapeError, UnknownKey
from dltsym.systems.certificates import marginal_errors
from dltsym.systems.masks import causal_mask, hall_deficit, support
from dltsym.systems.relaxation import causal_limit, family, unbalanced2
from dltsym.systems.transport import semirelaxed, sinkhorn

S = np.sin(np.outer(np.arange(1, 5), np.arange(2, 8)))
A, B = np.full(4, 1 / 4), np.full(6, 1 / 6)

HALL = np.array([[1, 0, 0, 0], [1, 0, 0, 0], [1, 1, 1, 1], [1, 1, 1, 1]], bool)
BLOCKS = np.kron(np.eye(2), np.ones((2, 3))).astype(bool)


# Published numbers


@pytest.mark.parametrize("eps", [1, 0.5, 0.25, 0.1, 1e-3])
def test_the_mass_is_one_at_every_temperature(eps: float) -> None:
    plan = sinkhorn(S, eps)
    assert abs(plan.P.sum() - 1) < 1e-12
    assert plan.row_error < 1e-12
    assert plan.column_l1 < 1e-11


@pytest.mark.parametrize(
    ("eps", "rate", "first", "value"),
    [(1, 0.162118475117145, 0.270475515568858, -0.168354442490028),
     (0.5, 0.432416384881897, 0.294665445337059, -0.285638535120332),
     (0.1, 0.861465782188294, 0.266610670938245, None)],
)  # fmt: skip
def test_a_balanced_plan_and_its_rate(eps: float, rate: float, first: float, value: float | None) -> None:
    plan = sinkhorn(S, eps)
    assert plan.converged
    assert plan.rate == pytest.approx(rate, rel=1e-10)
    assert plan.A[0, 0] == pytest.approx(first, rel=1e-10)
    assert plan.rate <= plan.birkhoff
    assert value is None or plan.value == pytest.approx(value, abs=1e-11)
    seen = plan.errors[-4] / plan.errors[-5]
    assert seen == pytest.approx(rate, rel=1e-2)


def test_the_hilbert_bound_is_that_of_the_record() -> None:
    for eps, bound in ((1, 0.479788117640787), (0.5, 0.876416222946783)):
        assert sinkhorn(S, eps, half_steps=1).birkhoff == pytest.approx(bound, rel=1e-12)
        assert sinkhorn(S.T, eps, half_steps=1).birkhoff == pytest.approx(bound, rel=1e-12)


@pytest.mark.parametrize(
    ("rho", "first", "value", "g", "rate"),
    [(1, 0.394995779443932, -0.342847768291127, -0.206796624985139, 0.300679661124665),
     (0.5, 0.434546285260900, -0.367030303982090, -0.140372950828448, None)],
)  # fmt: skip
def test_a_semi_relaxed_plan(rho: float, first: float, value: float, g: float, rate: float | None) -> None:
    plan = semirelaxed(S, 0.5, rho)
    assert plan.A[0, 0] == pytest.approx(first, rel=1e-11)
    assert plan.value == pytest.approx(value, abs=1e-12)
    assert plan.lower == pytest.approx(value, abs=1e-12)
    assert plan.g[0] == pytest.approx(g, rel=1e-11)
    assert rate is None or plan.rate == pytest.approx(rate, rel=1e-10)
    assert np.abs(plan.g + rho * np.log(plan.P.sum(0) / B)).max() < 1e-11
    assert plan.errors[-3] / plan.errors[-4] == pytest.approx(float(plan.rate), rel=2e-2)


def test_an_infinite_price_converges_by_oscillation() -> None:
    plan = semirelaxed(S, 0.5, 1000)
    assert plan.converged
    assert plan.half_steps <= 2 * 33
    assert plan.rate == pytest.approx(0.43225, abs=5e-6)


def test_the_family_is_linear_at_both_ends() -> None:
    rhos = [0, 1e-12, 0.001, 0.01, 1e6, 1e12, np.inf]
    found = family(S, 0.5, rhos)
    assert found.from_softmax[[2, 3]] == pytest.approx([0.000472563441085, 0.00464612945354], rel=1e-9)
    assert found.from_softmax[0] == 0
    assert found.from_softmax[1] < 1e-11
    assert found.from_balanced[-1] < 1e-12
    assert found.from_balanced[-2] < 1e-11
    softmax = np.exp(2 * S) / np.exp(2 * S).sum(1, keepdims=True)
    assert np.abs(found.plans[0].A - softmax).max() < 1e-15
    assert found.plans[0].A[0, 0] == pytest.approx(0.507294837435672, rel=1e-13)
    assert all(abs(p.P.sum() - 1) < 1e-12 for p in found.plans)


def test_two_points_against_two_with_both_marginals_relaxed() -> None:
    assert unbalanced2(1).diagonal == pytest.approx(0.322053574849072, rel=1e-14)
    assert unbalanced2(0.5).mass == pytest.approx(0.827006481586282, rel=1e-14)
    half = sinkhorn([[0, -1], [-1, 0]], 1.0)
    assert unbalanced2(np.inf).diagonal == pytest.approx(half.P[0, 0], rel=1e-12)
    assert unbalanced2(1e9).off == pytest.approx(half.P[0, 1], rel=1e-8)


# Steps


@pytest.mark.parametrize("steps", [1, 3, 5])
def test_half_steps_are_those_of_the_record(steps: int) -> None:
    record = dltsym.get("attention.sinkhorn")
    plan = sinkhorn(S, 1.0, half_steps=steps)
    values = np.eye(6)
    statement = record.operator.statement(steps, "balanced", False)["o"]
    given = {"q": S, "k": np.eye(6), "v": values, "eps": 1.0, "rho": 1.0, "la": np.log(A), "lb": np.log(B)}
    kernel = dltsym.compile({"o": statement}, axes="i c", of="o", backend="numpy")
    out = kernel(**{name: given[name] for name in kernel.inputs})
    assert np.abs(plan.A - out).max() < 1e-14
    assert plan.half_steps == steps


def test_the_last_step_must_fit_the_count() -> None:
    with pytest.raises(DomainError, match="end='column'"):
        sinkhorn(S, 1.0, half_steps=20)
    plan = sinkhorn(S, 1.0, half_steps=20, end="column")
    assert plan.column_error < 1e-15 * 10
    assert plan.row_error > 1e-9
    free = sinkhorn(S, 1.0, end="column")
    assert free.half_steps % 2 == 0
    assert np.abs(free.A - sinkhorn(S, 1.0).A).max() < 1e-11


# Certificates


@pytest.mark.parametrize("eps", [1.0, 0.25])
@pytest.mark.parametrize("steps", [1, 3, 7, 4])
def test_bounds_hold_and_are_not_vacuous(eps: float, steps: int) -> None:
    exact = sinkhorn(S, eps)
    plan = sinkhorn(S, eps, half_steps=steps, end="row" if steps % 2 else "column")
    far = np.abs(np.log(plan.P / exact.P)).max()
    assert far <= plan.log_error * (1 + 1e-9)
    kl = (exact.P * np.log(exact.P / plan.P)).sum()
    assert 0 < plan.kl_lower <= kl
    assert plan.lower <= exact.value + 1e-13
    assert exact.value - plan.lower <= plan.gap + 1e-13
    assert plan.gap < 10


@pytest.mark.parametrize("rho", [0.1, 1.0, 50.0])
def test_bounds_of_a_semi_relaxed_plan_hold(rho: float) -> None:
    exact, plan = semirelaxed(S, 0.5, rho), semirelaxed(S, 0.5, rho, half_steps=3)
    assert np.abs(np.log(plan.A / exact.A)).max() <= plan.log_error
    assert 0 <= plan.value - exact.value <= plan.gap + 1e-13
    assert plan.value - plan.lower == pytest.approx(plan.gap, rel=1e-9)


def test_enclosures_contain_the_plan() -> None:
    for plan, value in (
        (sinkhorn(S, 1.0, certify=True), -0.168354442490028),
        (semirelaxed(S, 1.0, 2, certify=True), None),
    ):
        sure = plan.certified
        assert sure is not None
        assert sure.A_radius.max() < 1e-12
        assert (np.abs(plan.A - sure.A) <= sure.A_radius + plan.A * np.expm1(plan.log_error) + 1e-14).all()
        assert value is None or abs(sure.value - value) < 1e-14
    with pytest.raises(DomainError, match="without masks"):
        sinkhorn(S, 1.0, mask=BLOCKS, certify=True)


def test_a_plan_that_a_mask_splits_has_the_rate_of_its_blocks() -> None:
    plan = sinkhorn(S, 0.5, mask=BLOCKS)
    parts = [sinkhorn(S[rows, cols], 0.5) for rows, cols in ((slice(2), slice(3)), (slice(2, 4), slice(3, 6)))]
    assert plan.converged
    assert np.abs(plan.A[:2, :3] - parts[0].A).max() < 1e-11
    assert (plan.A[:2, 3:] == 0).all()
    assert plan.rate == pytest.approx(max(float(p.rate) for p in parts), rel=1e-9)
    assert plan.support is not None
    assert plan.support.total


# Masks


@pytest.mark.parametrize(("n", "k"), [(2, 10), (4, 10_000), (7, 2_000)])
def test_a_causal_mask_creeps_as_predicted(n: int, k: int) -> None:
    plan = sinkhorn(np.zeros((n, n)), 1.0, half_steps=2 * k, end="column", mask="causal", masks="flag", bounds=False)
    said = causal_limit(n, k)
    record = dltsym.get("attention.causal_sinkhorn")
    below = np.diag(n * plan.P, -1)
    assert k * below == pytest.approx(record.kernel(of="sub")(n=n, k=k), rel=1e-9)
    assert k * plan.row_error == pytest.approx(float(record.kernel(of="rows")(n=n, k=k)), rel=1e-9)
    assert below == pytest.approx(said.subdiagonal, rel=0.06)
    assert plan.row_error == pytest.approx(said.row_error, rel=0.06)
    if n == 2:
        assert below[0] == pytest.approx(1 / 21)
    if n == 4:
        assert k * below == pytest.approx([1.49804156, 1.99726906, 1.49819122], rel=1e-6)


def test_a_causal_mask_is_refused_with_what_to_do() -> None:
    with pytest.raises(DomainError, match=r"causal_sinkhorn.*semirelaxed"):
        sinkhorn(np.zeros((5, 5)), 1.0, mask="causal")
    with pytest.raises(DomainError, match="causal"):
        sinkhorn(np.zeros((5, 5)), 1.0, log_prior=np.where(causal_mask(5), 0, -np.inf))
    assert semirelaxed(S[:, :4], 1.0, 1.0, mask="causal").converged
    softmax = semirelaxed(S[:, :4], 1.0, 0.0, mask="causal")
    plan = sinkhorn(S[:, :4], 1.0, b=softmax.P.sum(0), mask="causal")  # a target that the mask allows
    assert plan.converged
    assert np.abs(plan.A - softmax.A).max() < 1e-10


def test_an_infeasible_mask_is_refused_or_flagged_with_its_deficit() -> None:
    with pytest.raises(DomainError, match=r"rows \[0, 1\] see only columns \[0\].*0\.5"):
        sinkhorn(np.zeros((4, 4)), 1.0, mask=HALL)
    plan = sinkhorn(np.zeros((4, 4)), 1.0, mask=HALL, masks="flag", half_steps=400, end="column")
    assert plan.support is not None
    assert plan.support.deficit == 0.5
    assert plan.row_error >= 0.5 - 1e-12
    assert plan.gap == np.inf


@pytest.mark.parametrize(
    ("logits", "T", "error"),
    [(np.where(np.tri(4) > 0, 16.0, -16), 20, 0.0654169202159499),
     (np.where(np.tri(4) > 0, 16.0, -16), 100, 0.0143355424623359),
     (np.where(np.tri(4) > 0, 8.0, -8), 20, 0.0651233208106693),
     (np.where(HALL, 16.0, -16.0), 20, 0.499867563515262), (4 * S[:, :4], 20, 0.00826951197793105)],
)  # fmt: skip
def test_twenty_iterations_guarantee_nothing(logits: Any, T: int, error: float) -> None:
    plan = sinkhorn(logits, 1.0, half_steps=2 * T, end="column", bounds=False)
    assert plan.row_error == pytest.approx(error, rel=1e-10)


def test_the_deficit_is_the_largest_over_all_sets_of_rows() -> None:
    rng = np.random.default_rng(7)
    for _ in range(60):
        n, m = rng.integers(1, 6, 2)
        mask = rng.random((n, m)) < 0.45
        a, b = (rng.dirichlet(np.ones(k)) for k in (n, m))
        for masses in ((None, None), (a, b)):
            x, y = (np.full(k, 1 / k) if w is None else w for k, w in zip((n, m), masses, strict=True))
            sets = [[bool(c >> i & 1) for i in range(n)] for c in range(1, 2**n)]
            worst = max(1 - y[mask[rows].any(0)].sum() / x[rows].sum() for rows in sets)
            assert hall_deficit(mask, *masses) == pytest.approx(max(worst, 0.0), abs=1e-6)


def test_vanishing_entries_are_those_outside_every_perfect_matching() -> None:
    from itertools import permutations

    rng = np.random.default_rng(8)
    for _ in range(40):
        mask = rng.random((4, 4)) < 0.6
        plans = [p for p in permutations(range(4)) if all(mask[i, p[i]] for i in range(4))]
        found = support(mask)
        assert found.feasible == bool(plans)
        kept = np.zeros((4, 4), bool)
        for p in plans:
            kept[range(4), p] = True
        assert not plans or (found.vanishing == (mask & ~kept)).all()


def test_fully_masked_rows_and_columns() -> None:
    mask = np.ones((4, 6), bool)
    mask[2] = False
    with pytest.raises(DomainError, match="every key from query 2"):
        semirelaxed(S, 0.5, 1.0, mask=mask)
    mask[:, 1] = False
    plan = semirelaxed(S, 0.5, 1.0, mask=mask, masks="flag")
    assert plan.A.sum(1) == pytest.approx([1, 1, 0, 1])
    assert plan.empty_rows.tolist() == [False, False, True, False]
    assert plan.g[1] == 0
    assert np.isfinite(plan.A).all()
    mask[2, [0, 2, 3, 4, 5]] = True
    column = semirelaxed(S, 0.5, 1.0, mask=mask)
    rest = semirelaxed(S[:, [0, 2, 3, 4, 5]], 0.5, 1.0)
    assert column.row_error < 1e-14
    assert column.converged
    assert np.abs(column.A[:, [0, 2, 3, 4, 5]] - rest.A).max() < 1e-11
    with pytest.raises(DomainError, match="key 1 from every query"):
        sinkhorn(S, 0.5, mask=mask)


# Inputs


def test_batches_priors_zero_masses_and_one_entry() -> None:
    batch = sinkhorn(np.stack([S, 2 * S, S]), [1, 1, 0.5])
    assert batch.A.shape == (3, 4, 6)
    assert np.abs(batch.A[1] - batch.A[2]).max() < 1e-12
    assert np.abs(batch.A[0] - sinkhorn(S, 1.0).A).max() < 1e-12
    prior = np.log([0.1, 0.2, 0.3, 0.1, 0.2, 0.1])
    assert np.abs(sinkhorn(S, 1.0, log_prior=prior).A - sinkhorn(S, 1.0).A).max() < 1e-11
    one = semirelaxed(S, 1.0, 0, log_prior=prior).A[0]
    assert one == pytest.approx(np.exp(S[0] + prior) / np.exp(S[0] + prior).sum())
    zero = sinkhorn(S, 0.5, a=[0.5, 0.5, 0, 0], b=[0.4, 0.6, 0, 0, 0, 0])
    assert np.abs(zero.P[:2, :2] - sinkhorn(S[:2, :2], 0.5, [0.5, 0.5], [0.4, 0.6]).P).max() < 1e-12
    assert zero.P[2:].sum() == 0
    assert sinkhorn([[3.0]], 1.0).A.tolist() == [[1.0]]
    assert sinkhorn(np.zeros((0, 4, 6)), 1.0).A.shape == (0, 4, 6)


@pytest.mark.parametrize("shift", [300.0, -1e4, 1e8])
def test_a_shift_of_the_scores_changes_nothing(shift: float) -> None:
    assert np.abs(sinkhorn(S + shift, 1.0).A - sinkhorn(S, 1.0).A).max() < 1e-15 * max(1, abs(shift)) * 10 + 1e-12


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [(lambda: sinkhorn(S, 0.0), DomainError, "positive"),
     (lambda: sinkhorn(S, np.nan), DomainError, "eps"),
     (lambda: sinkhorn(np.where(S > 0.9, np.nan, S), 1.0), DomainError, "S"),
     (lambda: sinkhorn(np.where(S > 0.9, np.inf, S), 1.0), DomainError, "S"),
     (lambda: sinkhorn(S[0], 1.0), ShapeError, "n, m"),
     (lambda: sinkhorn(S, 1.0, a=[1, 1, 1, 1]), DomainError, "sum to 1"),
     (lambda: sinkhorn(S, 1.0, a=[1.5, -0.5, 0, 0]), DomainError, "negative"),
     (lambda: sinkhorn(S, 1.0, b=A), ShapeError, "6 masses"),
     (lambda: sinkhorn(S, 1.0, mask=np.ones((4, 6))), DTypeError, "bool"),
     (lambda: sinkhorn(S, 1.0, mask="casual"), UnknownKey, "causal"),
     (lambda: sinkhorn(S, 1.0, mask=np.ones((6, 4), bool)), ShapeError, "fit"),
     (lambda: sinkhorn(S, 1.0, half_steps=0), DomainError, "half_steps"),
     (lambda: semirelaxed(S, 1.0, -1), DomainError, "rho"),
     (lambda: semirelaxed(S, 1.0, np.nan), DomainError, "rho"),
     (lambda: family(S, 1.0, []), DomainError, "empty"),
     (lambda: causal_limit(1, 3), DomainError, "two tokens")],
)  # fmt: skip
def test_what_does_not_fit_is_told(call: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        call()


# Peers


def test_pot_finds_the_same_plans() -> None:
    w = np.array([0.1, 0.2, 0.3, 0.4])
    ours = sinkhorn(S, 0.5, a=w)
    theirs = ot.sinkhorn(w, B, -S, 0.5, stopThr=1e-15, numItermax=2000)
    assert np.abs(ours.P - theirs).max() < 1e-11
    loose = ot.unbalanced.sinkhorn_unbalanced(
        A, B, -S, 0.5, (np.inf, 3.0), reg_type="kl", stopThr=1e-15, numItermax=5000
    )
    assert np.abs(semirelaxed(S, 0.5, 3.0).P - loose).max() < 1e-8


def test_where_pot_is_finite_and_wrong_we_are_right() -> None:
    i, uniform = np.arange(50), np.full(50, 1 / 50)
    x, y = np.stack([np.sin(i), np.cos(2 * i)], 1), np.stack([np.cos(i) + 0.5, np.sin(3 * i) + 0.5], 1)
    cost = ot.dist(x, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wrong = ot.sinkhorn(uniform, uniform, cost, 1e-3)
    assert wrong.sum() == pytest.approx(2.03e-4, rel=1e-2)
    said = marginal_errors(wrong)
    assert said["mass"] == pytest.approx(2.03e-4, rel=1e-2)
    assert said["row_error"] > 0.99
    assert said["kl_lower"] > 6
    ours = sinkhorn(-cost, 1e-3, limit=401, bounds=False)
    assert abs(ours.P.sum() - 1) < 1e-12
    assert ours.kl_lower < 0.2
    assert ours.value - ours.lower <= ours.gap + 1e-9


def test_geomloss_finds_the_same_value_where_it_installs() -> None:
    geomloss = pytest.importorskip("geomloss.ot", reason="geomloss is not installed")
    torch = pytest.importorskip("torch", reason="geomloss needs torch")
    cost = torch.tensor(-S, dtype=torch.float64)
    theirs = geomloss.solve(cost, reg=0.5, a=torch.tensor(A), b=torch.tensor(B), max_iter=500)
    ours = sinkhorn(S, 0.5)
    assert np.abs(ours.P - theirs.plan.numpy()).max() < 1e-4
    assert float(theirs.value) == pytest.approx(float(ours.value), abs=1e-4)
