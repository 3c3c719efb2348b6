"""Kernels at the ends of their domains: forms that vanish there, inverses near 1, whole numbers, entries beside inf."""

import math
from fractions import Fraction

import numpy as np
import pytest
from flint import arb, fmpq
from kernel_points import theorem

from dltsym import Scope, binomial, compile, exp, kl_bernoulli, log
from dltsym.lower.closed.inverse import kl_upper_odds, kl_upper_rest
from dltsym.lower.closed.sums import dot
from dltsym.notation.balls_inverse import kl_upper

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_sum_of_products_that_cancels_keeps_its_digits(dtype: type) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 200)).astype(dtype)
    c = -(a * b)
    got, plain = dot(c, (a, b), a), a * b + c + a
    rows = [tuple(Fraction(float(t)) for t in row) for row in zip(a, b, c, got, strict=True)]
    assert all(abs(z + x * y + x - g) <= Fraction(float(np.finfo(dtype).eps)) * abs(g) for x, y, z, g in rows)
    assert not np.array_equal(got, plain)
    zero = dot(c, (a, b))
    assert [Fraction(float(z)) for z in zero] == [z + x * y for x, y, z, _ in rows]  # what rounding left is a number
    with np.errstate(all="ignore"):
        assert float(dot(1.0, (np.float64(1e308), np.float64(10.0)))) == math.inf


def test_a_sum_of_products_has_the_gradient_of_what_it_stands_for() -> None:
    x = torch.tensor([0.3, -0.25], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(dot(1, (4, x), -x).sum(), x)
    assert slope.tolist() == [3.0, 3.0]


ODDS = [(0.5, 1e-30), (0.5, 1e-12), (1e-300, 1e-3), (5e-324, 716.0), (0.4, 256.0), (0.3, 2000.0), (1 - 1e-12, 1e-11)]


@pytest.mark.parametrize(("q", "c"), ODDS)
def test_the_odds_of_an_inverse_keep_their_digits_at_both_ends(q: float, c: float) -> None:
    from flint import ctx

    before, ctx.prec = ctx.prec, 6000
    try:
        p, s = kl_upper(arb(q), arb(c)), arb(q)
        odds, rest = (p * (1 - s) / (s * (1 - p))).log(), 1 - p
        for array in (np.float64, lambda x: torch.tensor(x, dtype=torch.float64)):
            assert abs(odds - float(kl_upper_odds(array(q), array(c)))) <= 1e-14 * odds
            small = float(kl_upper_rest(array(q), array(c)))
            assert abs(rest - small) <= max(float(abs(c / (1 - q))), 16.0) * 1e-15 * rest + 1e-320
    finally:
        ctx.prec = before


def test_the_odds_of_an_inverse_have_both_slopes() -> None:
    x = torch.tensor([0.2, 0.3], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda y: kl_upper_odds(y[0], y[1]), (x,))


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_a_binomial_coefficient_lies_within_its_bound(backend: str) -> None:
    v = Scope()
    n, k = v.count("n"), v.integer("k", lo=0)
    kernel = compile(log(binomial(n, k)), backend=backend)
    for a, b in [(1, 0), (2, 1), (20, 10), (511, 1), (511, 255), (900, 3)]:
        true, bound = kernel.oracle(n=a, k=b), kernel.bound("float64", n=a, k=b)
        assert np.abs(true.error(np.asarray(kernel(n=a, k=b)))) <= bound + true.rad()
        assert bound <= 100 * 2.0**-53 * max(float(true.mid()), 1e-300)
    exact = float((arb(fmpq(math.comb(30, 12)))).log())
    assert float(kernel(n=30, k=12)) == pytest.approx(exact, rel=1e-15)


def test_whole_numbers_of_either_sign_are_read_as_numbers() -> None:
    v = Scope()
    n, x = v.integer("n"), v.real("x")
    kernel = compile(log(n + 3) + x * n, backend="numpy")
    assert float(kernel(n=-2, x=3.0)) == -6.0
    assert float(kernel.to("torch")(n=5, x=0.5)) == pytest.approx(math.log(8) + 2.5, rel=1e-15)


def test_the_gradient_of_an_entry_is_finite_where_another_entry_is_infinite() -> None:
    v = Scope()
    n = v.count("n")
    x, i = v.array("x", n), v.index("i", n)
    record = theorem(v, y=exp(x[i]) * v.sum(lambda j: x[j], n))
    run = record.kernel("torch")
    t = torch.tensor([1.0, 1000.0], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(run(x=t, i=1), t)
    assert slope.tolist() == pytest.approx([math.e * 1002, math.e], rel=1e-14)
    assert float(run(x=t.detach(), i=1)) == pytest.approx(math.e * 1001, rel=1e-14)
    with pytest.raises(Exception, match="must be a whole number in"):
        run(x=t, i=3)


def test_relative_entropy_over_arrays_holds_at_the_ends() -> None:
    v = Scope()
    n = v.count("n")
    q, p = v.array("q", n, lo=0, hi=1), v.array("p", n, lo=0, hi=1, lo_open=True, hi_open=True)
    kernel = compile(v.sum(lambda j: kl_bernoulli(q[j], p[j]), n), backend="numpy")
    for a, b in [(5e-324, 0.3), (0.8, 5e-324), (0.3, 1 - 2.0**-53), (0.3, 0.3 + 1e-9), (0.0, 0.5), (1.0, 0.25)]:
        env = {"q": np.array([a]), "p": np.array([b])}
        true, bound = kernel.oracle(**env), kernel.bound("float64", **env)
        assert np.abs(true.error(kernel(**env))) <= bound + true.rad()
        assert np.abs(true.error(kernel(**env))) <= 1e-14 * max(float(true.mid()), 1e-9) + true.rad()
    assert kernel.grad("q")(q=np.array([0.0]), p=np.array([0.5])).tolist() == [-math.inf]


@pytest.mark.parametrize("x", [5e-324, 1e-300, 0.3, 1e300])
def test_the_bound_of_a_power_knows_that_its_exponent_is_rounded(x: float) -> None:
    v = Scope()
    kernel = compile(v.pos("x") ** (v.read(27) / 50), backend="numpy")
    true, bound = kernel.oracle(x=x), kernel.bound("float64", x=x)
    assert np.abs(true.error(np.asarray(kernel(x=x)))) <= bound
    assert bound <= 3000 * 2.0**-53 * float(true.mid())
