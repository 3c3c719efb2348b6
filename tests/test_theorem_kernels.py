"""Every record with outputs has kernels: read, evaluated, doubted and differentiated, whatever it states."""

from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

import numpy as np
import pytest
from flint import arb
from kernel_points import RECORDS, exact, points, unbound

import dltsym
from dltsym import Scope, catalogue, compile, exp, kl_bernoulli, log, sigmoid
from dltsym.algorithms import enclosed, entry, place
from dltsym.cli.evaluating import floats, results
from dltsym.errors import DomainError, Undecided, UnknownNode, UnsupportedError
from dltsym.lower.kernel import Kernel
from dltsym.notation.numbers import Balls
from dltsym.notation.tree import Call
from dltsym.notation.walk import expand_lets, subterms
from dltsym.prove.computed import sized
from dltsym.prove.values import environment
from dltsym.record import Theorem

torch = pytest.importorskip("torch")
NO_TENSOR = ("ei", "bessel_i", "bessel_ie")
"""Functions without a tensor form; outputs with them have closed kernels only, which `test_lower` holds."""
LOOSE = 1e-9
"""A number without a bound may be that far from its value, relatively."""
SUBNORMAL = {
    "attention.entmax_threshold": "mean",  # sum w x / sum w, where no product w x keeps its digits
    "pac_bayes.catoni_fixed": "scaled",  # expm1(-C x) / expm1(-C), where C x keeps none
}
"""Outputs that a subnormal input makes a wrong number without a bound: quotients of what has underflowed."""
KINKED = ("abs", "max", "min", "floor", "sign")
THEOREMS = {key: t for key, t in catalogue.load().records.items() if isinstance(t, Theorem)}
COMPUTED = {key: t for key, t in THEOREMS.items() if t.algorithm is not None and not t.outputs}


def calls(key: str, of: str) -> set[str]:
    return {t.name for t in subterms(expand_lets(RECORDS[key].outputs[of])) if isinstance(t, Call)}


TENSORS = {key: [of for of in t.outputs if not calls(key, of) & set(NO_TENSOR)] for key, t in RECORDS.items()}
GRADIENTS = [(key, of) for key, outputs in TENSORS.items() for of in outputs]
WHOLE = [key for key, outputs in TENSORS.items() if len(outputs) == len(RECORDS[key].outputs)]
REFUSED = [(key, of) for key, outputs in TENSORS.items() for of in RECORDS[key].outputs if of not in outputs]


def real_inputs(kernel: Kernel) -> list[str]:
    return [i.name for i in kernel.arguments.inputs if i.entries == "real"]


def near(value: Any) -> Any:
    """Round inputs to floats; whole numbers stay."""
    if isinstance(value, tuple):
        return [near(item) for item in value]
    return float(value.mid()) if isinstance(value, arb) else floats(value)


def subnormal(x: Any) -> bool:
    return bool(np.any((np.abs(x) < np.finfo(float).tiny) & (np.asarray(x) != 0)))


def test_no_record_is_left_out() -> None:
    assert set(THEOREMS) == set(RECORDS) | set(COMPUTED)  # a statement without a numeric side would need a line here


@pytest.mark.parametrize("key", COMPUTED)
def test_floats_of_an_algorithm_agree_with_its_enclosures(key: str) -> None:
    """At every published value; how far rounding may lead is told by a run over balls of 53 bits."""
    code = COMPUTED[key].algorithm
    for value in COMPUTED[key].values:
        rounded = {name: near(x) for name, x in environment(value.inputs).items()}
        env = sized(COMPUTED[key].symbols, {name: exact(x) for name, x in rounded.items()})
        text = value.of or code.computes[0]
        name, at = place(text, code.computes)
        true, short = enclosed(code, env, text, 15), entry(code(Balls(53), env)[name], at, text)
        for backend in ("numpy", "torch"):
            got = entry(results(COMPUTED[key], rounded, name, backend), at, text)
            assert abs(true - got) <= 8 * short.rad() + 2.0**-48 * abs(true), (text, backend, true, got, short)


@pytest.mark.parametrize(("key", "of"), REFUSED)
def test_a_function_without_a_tensor_form_is_refused_by_name(key: str, of: str) -> None:
    for backend in ("numpy", "torch", "triton"):
        with pytest.raises(UnsupportedError, match="has no tensor form"):
            dltsym.get(key).kernel(backend, of, axes=())


@pytest.mark.parametrize("key", WHOLE)
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
    for of in TENSORS[key]:
        try:
            told = record.kernel("triton", of).source
        except UnsupportedError as error:
            told = str(error)
        assert "@triton.jit" in told or told.startswith("triton: ")


@pytest.mark.parametrize("key", WHOLE)
def test_the_translation_is_valid(key: str) -> None:
    told = dltsym.get(key).kernel("torch", None, axes=()).validate(trials=2)
    assert told.ok, told


@pytest.mark.parametrize("form", ["numpy", "torch"])
def test_log_odds_do_not_underflow_with_the_complement(form: str) -> None:
    kernel = dltsym.get("contrastive.pac_bayes_nozawa").kernel(form, "best", axes=())
    for D, n in ((0.5, 1000), (30.0, 1000), (5000.0, 1000), (47000.0, 47), (1e9, 2)):
        for w in (1e-9, 0.172, 0.999):
            env = {"w": w, "D": D, "u": 0.0, "n": n, "dlt": 0.05}
            true, got = kernel.oracle(**env), float(kernel(**env))
            assert np.isfinite(got)
            assert abs(true.error(got)) <= kernel.bound("float64", **env) < 1e-9 * got


@pytest.mark.parametrize(("key", "of"), GRADIENTS)
def test_the_gradients_are_valid(key: str, of: str) -> None:
    kernel = dltsym.get(key).kernel("torch", of, axes=())
    for name in real_inputs(kernel):
        try:
            told = kernel.grad(name).validate(trials=1)
            if not (told.entries or told.problems):
                told = kernel.grad(name).validate(trials=8)  # few draws meet a narrow domain
        except UnknownNode as error:
            kink = next(f for f in KINKED if str(error).startswith(f"{f} is not differentiable everywhere"))
            assert kink in calls(key, of)
            continue
        assert told.ok, (name, told)


def given(record: Theorem, kernel: Kernel) -> list[dict[str, Any]]:
    """Return some inputs that the closed kernel of a record takes: they satisfy its hypotheses."""
    closed, rows, found = record.kernel("numpy"), kernel.arguments.inputs, list[dict[str, Any]]()
    drawn = points(record, record.outputs, 400, np.float64, seed=2)
    for env in chain(islice(published(record, kernel), 2), drawn, published(record, kernel)):
        tied = {i.name: _shares(env[i.name], i.sum_one) for i in rows if i.sum_one}
        tied |= {i.name: int(env[i.name]) for i in rows if i.entries == "integer" and not i.shape and i.name in env}
        try:
            closed(**{name: 1.0 * x if np.ndim(x) else x for name, x in (env | tied).items()})
        except DomainError:
            continue
        found.append({name: x for name, x in (env | tied).items() if name in kernel.inputs})
        if len(found) == 5:
            break
    return found


def published(record: Theorem, kernel: Kernel) -> Iterator[dict[str, Any]]:
    """Yield the inputs of published values that are inputs of a kernel."""
    rows = kernel.arguments.inputs
    for value in record.values:
        env = sized(record.symbols, environment(value.inputs))
        if all(i.name in env for i in rows):
            kinds = {"bool": bool, "integer": np.int64}
            sizes = {name: int(x) for name, x in env.items() if record.symbols[name].decl.sort == "integer"}
            yield sizes | {
                i.name: kinds.get(i.entries, float)(near(env[i.name]))
                if not i.shape
                else np.array(near(env[i.name]), kinds.get(i.entries, float))
                for i in rows
            }


def reached(key: str, of: str | None) -> tuple[Kernel, list[dict[str, Any]]]:
    """Return a kernel of a record with inputs; where chance never meets its hypotheses, one that knows none."""
    for record in (RECORDS[key], unbound(RECORDS[key])):
        kernel = record.kernel("numpy", of, axes=())
        if found := given(record, kernel):
            return kernel, found
    raise AssertionError(f"{key}: no inputs")


def _shares(x: Any, axes: tuple[int, ...]) -> Any:
    x = np.clip(np.abs(x), 2.0**-20, 2.0**20)
    out = np.floor(x / x.sum(axes, keepdims=True) * 2**30) / 2**30
    first = tuple(0 if k in axes else slice(None) for k in range(x.ndim))
    out[first] += 1 - out.sum(axes)
    return out


@pytest.mark.parametrize("key", RECORDS)
def test_values_lie_within_their_bounds(key: str) -> None:
    for of in TENSORS[key]:
        kernel, found = reached(key, of)
        run = kernel.to("torch")
        judged = 0
        for env in found:
            tensors = {n: torch.tensor(x) if isinstance(x, np.ndarray | np.generic) else x for n, x in env.items()}
            try:
                balls, bound = kernel.oracle(**env), kernel.bound("float64", **env)
                results = kernel(**env), run(**tensors).numpy()
            except Undecided:
                continue
            except DomainError as error:  # a power of a count that no float holds
                assert "int too " in str(error), error  # noqa: PT017 - either this or a result
                continue
            known = ~np.isnan(balls.mid()) & np.isfinite(bound)
            judged += int(known.sum())
            for got in results:
                error = np.abs(balls.error(got))
                assert (error <= bound + balls.rad())[known].all(), (of, env, got, balls.mid(), bound)
                free = np.isinf(bound) & np.isfinite(got) & ~np.isnan(balls.mid())  # no bound is no excuse
                free &= SUBNORMAL.get(key) != of or not any(map(subnormal, env.values()))
                assert (error <= LOOSE * np.abs(balls.mid()) + balls.rad())[free].all(), (of, env, got, balls.mid())
        assert judged, of


@pytest.mark.parametrize("key", WHOLE)
def test_a_batch_is_a_stack(key: str) -> None:
    kernel, (env, *_) = reached(key, None)
    arrays = {i.name for i in kernel.arguments.inputs if i.shape or i.entries == "real"}
    both = {name: np.stack([x, x]) if name in arrays else x for name, x in env.items()}
    one, two = kernel(**env), kernel(**both)
    for of in kernel.outputs:
        a, b = (x[of] if isinstance(x, dict) else x for x in (one, two))
        pair = np.stack([a, a])
        assert np.array_equal(pair, b if np.ndim(b) else np.broadcast_to(b, pair.shape), equal_nan=True), of


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
