"""Every record with outputs has kernels: read, evaluated, doubted and differentiated, whatever it states."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from kernel_points import RECORDS, points

import dltsym
from dltsym import Scope, catalogue, compile, exp, kl_bernoulli, log, sigmoid
from dltsym.errors import DomainError, UnsupportedError
from dltsym.lower.kernel import Kernel
from dltsym.record import Theorem

torch = pytest.importorskip("torch")
GRADIENTS = [(key, of) for key, t in RECORDS.items() for of in t.outputs]


def real_inputs(kernel: Kernel) -> list[str]:
    return [i.name for i in kernel.arguments.inputs if i.entries == "real"]


def test_no_record_is_left_out() -> None:
    theorems = {key for key, t in catalogue.load().records.items() if isinstance(t, Theorem)}
    assert theorems == set(RECORDS)  # a statement without a numeric side would need a reason, and a line here


@pytest.mark.parametrize("key", RECORDS)
def test_what_a_kernel_says_of_itself(key: str) -> None:
    record = dltsym.get(key)
    for options in ({}, {"axes": ()}):
        for backend in ("numpy", "torch", "ball"):
            kernel = record.kernel(backend, **options)
            assert kernel.outputs == tuple(record.outputs)
            assert ("def kernel(" in kernel.source) == (backend != "ball")
            assert kernel.signature.startswith("kernel(")
            assert all(name in kernel.signature for name in (*kernel.inputs, *kernel.outputs))
            assert kernel.ir.count("\n") == len(record.outputs) - 1
            assert kernel.latex()
            assert all(str(f).startswith("W") for f in kernel.report)


@pytest.mark.parametrize("key", RECORDS)
def test_triton_prints_a_kernel_or_says_why_not(key: str) -> None:
    record = dltsym.get(key)
    for of in record.outputs:
        try:
            told = record.kernel("triton", of).source
        except UnsupportedError as error:
            told = str(error)
        assert "@triton.jit" in told or told.startswith("triton: ")


@pytest.mark.parametrize("key", RECORDS)
def test_the_translation_is_valid(key: str) -> None:
    told = dltsym.get(key).kernel("torch", axes=()).validate(trials=2)
    assert told.ok, told


@pytest.mark.parametrize(("key", "of"), GRADIENTS)
def test_the_gradients_are_valid(key: str, of: str) -> None:
    kernel = dltsym.get(key).kernel("torch", of, axes=())
    for name in real_inputs(kernel):
        told = kernel.grad(name).validate(trials=1)
        assert told.ok, (name, told)


def given(key: str, kernel: Kernel) -> Iterator[dict[str, Any]]:
    """Yield inputs that the closed kernel of the record takes: they satisfy its hypotheses."""
    record, found = dltsym.get(key), 0
    closed = record.kernel("numpy")
    for env in points(record, record.outputs, 400, np.float64, seed=2):
        rows = kernel.arguments.inputs
        tied = {i.name: _shares(env[i.name], i.sum_one) for i in rows if i.sum_one}
        tied |= {i.name: int(env[i.name]) for i in rows if i.entries == "integer" and not i.shape}
        try:
            closed(**env | tied)
        except DomainError:
            continue
        found += 1
        yield env | tied
        if found == 5:
            return
    assert found


def _shares(x: Any, axes: tuple[int, ...]) -> Any:
    x = np.clip(np.abs(x), 2.0**-20, 2.0**20)
    out = np.floor(x / x.sum(axes, keepdims=True) * 2**30) / 2**30
    first = tuple(0 if k in axes else slice(None) for k in range(x.ndim))
    out[first] += 1 - out.sum(axes)
    return out


@pytest.mark.parametrize("key", RECORDS)
def test_values_lie_within_their_bounds(key: str) -> None:
    record = dltsym.get(key)
    for of in record.outputs:
        kernel = record.kernel("numpy", of, axes=())
        run = kernel.to("torch")
        for env in given(key, kernel):
            env = {name: env[name] for name in kernel.inputs}
            balls, bound = kernel.oracle(**env), kernel.bound("float64", **env)
            tensors = {n: torch.tensor(x) if isinstance(x, np.ndarray | np.generic) else x for n, x in env.items()}
            for got in (kernel(**env), run(**tensors).numpy()):
                known = ~np.isnan(balls.mid()) & np.isfinite(bound)
                error = np.abs(balls.error(got))
                assert (error <= bound + balls.rad())[known].all(), (of, env, got, balls.mid(), bound)


@pytest.mark.parametrize("key", RECORDS)
def test_a_batch_is_a_stack(key: str) -> None:
    kernel = dltsym.get(key).kernel("numpy", axes=())
    some = list(given(key, kernel))
    env = {name: some[0][name] for name in kernel.inputs}
    arrays = {i.name for i in kernel.arguments.inputs if i.shape or i.entries == "real"}
    both = {name: np.stack([x, x]) if name in arrays else x for name, x in env.items()}
    one, two = kernel(**env), kernel(**both)
    for of in kernel.outputs:
        a, b = (x[of] if isinstance(x, dict) else x for x in (one, two))
        assert np.array_equal(np.stack([a, a]), b, equal_nan=True), of


# What the catalogue found; every case is a pattern, not the record

v = Scope()
n, m = v.count("n"), v.count("m")
x, y, z, a, b, c = (v.real(name) for name in "xyzabc")
p, h = v.prob("p"), v.real("h")
LARGE = {"x": 1000.0, "y": 998.0, "z": -1000.0, "a": 2.0, "b": -3.0, "c": 0.5}
QUOTIENTS = [
    exp(x) / (a + b * exp(x)),
    (a * exp(x) + b) / (b * exp(x) - a),
    exp(x) / (a * exp(y) + b * exp(x)),
    (a * exp(x) - b * exp(y)) / (a * exp(x) + b * exp(y)),
    (a * exp(x) + c * exp(z) + exp(y)) / (a * exp(x) + b * exp(y) + c * exp(z)),
    exp(2 * x) / (a + b * exp(x)) ** 2,
    (exp(x) + a) / ((b + c * exp(x)) * (a + b * exp(-z))) * exp(-z),
]


@pytest.mark.parametrize("quotient", QUOTIENTS, ids=str)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_quotient_of_sums_of_exponentials_with_weights_of_either_sign_does_not_overflow(
    quotient: Any, sign: int
) -> None:
    kernel = compile(quotient, backend="numpy")
    env = {name: np.float64(LARGE[name] * (sign if name in "xyz" else 1)) for name in kernel.inputs}
    for k in (kernel, *(kernel.grad(name) for name in kernel.inputs)):
        true = k.oracle(**env)
        assert np.abs(true.error(k(**env))) <= k.bound("float64", **env) + true.rad()
        assert np.isfinite(k.bound("float64", **env))


@pytest.mark.parametrize(
    ("mean", "at"),
    [
        (log(1 - p + p * exp(h)), {"p": 0.25, "h": 1000.0}),
        (log(1 - p + p * exp(h)), {"p": 0.0, "h": 1000.0}),
        (1 / (exp(h) + n - 1), {"n": 1, "h": 700.0}),
        (log(exp(h) + n - 1), {"n": 3, "h": 1000.0}),
    ],
    ids=str,
)
def test_terms_that_are_at_least_0_together_go_into_the_exponent(mean: Any, at: dict[str, float]) -> None:
    kernel = compile(mean, backend="numpy")
    env = {name: at[name] if name == "n" else np.float64(at[name]) for name in kernel.inputs}
    assert np.abs(kernel.oracle(**env).error(kernel(**env))) <= kernel.bound("float64", **env)


def test_the_logarithm_of_an_empty_axis_is_minus_infinity() -> None:
    w = Scope()
    size = w.integer("size", lo=0)
    r, t = w.array("r", size), w.real("t")
    kernel = compile(log(exp(t) + size * exp(2 * t)) + w.sum(lambda j: r[j], size), backend="numpy")
    assert "math.log(size) if size else -math.inf" in kernel.source
    assert float(kernel(r=np.zeros(0), t=1.5)) == 1.5


def test_a_gradient_does_not_use_that_shares_sum_to_1() -> None:
    w = Scope()
    size = w.count("size")
    P, Q = (w.array(name, size, lo=0, lo_open=True) for name in "PQ")
    kl = w.sum(lambda i: P[i] * log(P[i] / Q[i]), size)
    sums = [dltsym.Eq(w.sum(lambda i, X=X: X[i], size), 1) for X in (P, Q)]
    kernel = compile(kl, backend="numpy", given=sums)
    assert "log1pmx" in kernel.source
    half = np.array([0.25, 0.75])
    env = {"P": half, "Q": np.array([0.5, 0.5])}
    np.testing.assert_allclose(kernel.grad("P")(**env), np.log(half / 0.5) + 1, rtol=1e-15)
    np.testing.assert_allclose(kernel.grad("Q")(**env), -half / 0.5, rtol=1e-15)
    np.testing.assert_allclose(kernel.jac("P").jac("Q")(**env), np.diag([-2.0, -2.0]), rtol=1e-15)
    inner = compile(dltsym.diff(kl, P[w.index("i", size)]), backend="numpy", given=sums)
    np.testing.assert_allclose(inner(**env), np.log(half / 0.5) + 1, rtol=1e-15)


def test_an_array_that_a_derivative_lost_still_tells_the_shape() -> None:
    w = Scope()
    size = w.count("size", lo=2)
    u, t = w.array("u", size), w.array("t", size)
    slope = compile(w.sum(lambda i: u[i] - t[i], size), backend="numpy").grad("u")
    assert slope.oracle(u=np.zeros((4, 3)), t=np.zeros(3)).mid().tolist() == np.ones((4, 3)).tolist()
    assert slope.validate().ok


def test_inputs_are_drawn_where_there_is_a_value() -> None:
    w = Scope()
    count = w.integer("count", lo=50, hi=60)
    u = w.real("u")
    assert compile(log(count - 49) + u).validate().ok
    assert compile(log(log(u))).validate().ok  # half of the real numbers have no logarithm, nor have most of those


def test_the_bound_knows_that_torch_has_no_subnormal_sigmoid() -> None:
    kernel = compile(sigmoid(x))
    env = {"x": torch.tensor(-720.0, dtype=torch.float64)}
    true = kernel.oracle(**env)
    assert np.abs(true.error(kernel(**env).numpy())) <= kernel.bound("float64", **env)


def test_every_closed_kernel_has_the_views_of_a_kernel() -> None:
    closed = RECORDS["information.softmax_jacobian"].kernel("torch", "p")
    assert closed.signature == "kernel(m, eps, s[..., a:m], a) -> p"
    s = torch.linspace(-1, 1, 5, dtype=torch.float64)
    assert closed.check(lambda eps, s: torch.softmax(s / eps, -1), eps=0.5, s=s).passed
    assert not closed.check(lambda eps, s: torch.softmax(s / eps, -1) + 1e-9, eps=0.5, s=s).passed
    assert closed.validate(trials=1).ok
    assert closed.jac("s")(eps=0.5, s=s).shape == (5, 5)


def test_kl_of_bernoulli_laws_has_both_gradients() -> None:
    w = Scope()
    u, t = w.prob("u"), w.prob("t", open=True)
    kernel = compile(kl_bernoulli(u, t), backend="numpy")
    assert float(kernel.grad("t")(u=0.25, t=0.75)) == pytest.approx((0.75 - 0.25) / (0.75 * 0.25), rel=1e-14)
