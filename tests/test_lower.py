"""Kernels: every record and every pattern against the ball oracle, and gradients."""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import arb
from kernel_points import (
    RECORDS,
    allowed,
    compare,
    exact,
    points,
    promised,
    runner,
    special,
    theorem,
    true_value,
    unbound,
)

from dltsym import Scope, log, sqrt
from dltsym.lower.closed import backends
from dltsym.lower.closed.oracle import exact as read
from dltsym.lower.closed.stable import log_ratio
from dltsym.lower.closed.wide import Wide, value, wide, wide_exp

torch = pytest.importorskip("torch")
POINTS = 50
TYPES = {"numpy-64": np.float64, "numpy-32": np.float32, "torch-64": np.float64, "torch-32": np.float32}


# Accuracy


@pytest.mark.parametrize("which", TYPES)
@pytest.mark.parametrize("key", RECORDS)
def test_random_points_of_every_record_agree_with_balls(key: str, which: str) -> None:
    record, dtype = unbound(RECORDS[key]), TYPES[which]
    for name in record.outputs:
        if special(record, name, which):
            continue
        run, promise, empty = runner(record, name, which), promised(record, name, which), 0
        for env in points(record, {name: record.outputs[name]}, POINTS, dtype, seed=1):
            told = compare(record, name, run, env, dtype)
            if told is None:
                continue
            limit = promise(env, dtype)
            assert compare(record, name, run, env, dtype, limit) is None, (name, env)
            empty += limit == math.inf and not told[0].endswith("is not infinite")  # no type holds such a value
        assert empty <= POINTS // 3, (name, empty)  # the bound of what overflows on the way promises nothing


def plain(x: Any, dtype: type) -> Any:
    """Round a published input to a type."""
    q = read(x) if not isinstance(x, tuple | Fraction | arb) else x
    if isinstance(q, tuple):
        return np.array([plain(y, dtype) for y in q], dtype)
    whole = isinstance(q, Fraction) and q.denominator == 1 and abs(q) < 2**24
    return int(q) if whole else dtype(float(q.mid()) if isinstance(q, arb) else float(q))


def tiny(x: Any) -> bool:
    """Tell whether something vanishes in single precision."""
    return bool(np.any(np.abs(np.asarray(x, float)) < 1e-37) and np.any(np.asarray(x, float)))


@pytest.mark.parametrize("which", TYPES)
@pytest.mark.parametrize("key", RECORDS)
def test_published_values(key: str, which: str) -> None:
    record, dtype = RECORDS[key], TYPES[which]
    single = dtype is np.float32
    record = unbound(record) if single else record  # rounded inputs may leave a hypothesis
    for item in record.values:
        name = item.of or next(iter(record.outputs))
        if name not in record.outputs:  # an algorithm computes it: test_theorem_kernels, test_eval
            continue
        names = {
            *record.kernel("numpy", name).inputs,
            *(k for k, s in record.symbols.items() if s.decl.sort == "integer"),
        }
        if single and any(tiny(plain(v, np.float64)) for v in item.inputs.values()):
            continue
        env = {k: plain(v, dtype) for k, v in item.inputs.items() if k in names}
        if special(record, name, which) or (single and abs(Fraction(item.expected)) > float(np.finfo(dtype).max)):
            continue
        assert compare(record, name, runner(record, name, which), env, dtype) is None, (name, env)


def test_the_comparison_would_notice_a_naive_formula() -> None:
    v = Scope()
    x = v.pos("x")
    record = theorem(v, y=log(1 + x))
    small = {"x": np.float64(1e-12)}
    assert compare(record, "y", lambda x: np.log(1 + x), small, np.float64) is not None
    assert compare(record, "y", record.kernel("numpy"), small, np.float64) is None


PATTERNS = {
    "1 - exp(-x)": ("x", [1e-300, 1e-12, 1.0, 800.0]),
    "exp(x) - 1": ("x", [1e-300, 1e-12, 1.0]),
    "log(exp(x) - 1)": ("x", [1e-12, 1.0, 900.0]),
    "log(1 + x)": ("x", [1e-300, 1e-12, 1e300]),
    "log(1 + exp(x))": ("x", [1e-12, 900.0]),
    "log(1 + 1/x)": ("x", [5e-324, 1e-9, 1e300]),
    "log(1 - exp(-x))": ("x", [1e-12, 40.0]),
    "log(exp(x)/(exp(x) + exp(1)))": ("x", [1e-3, 50.0, 1e4]),
    "1 - exp(x)/(exp(x) + exp(1))": ("x", [1e-3, 50.0, 1e4]),
    "exp(x)/(1 + exp(x))": ("x", [1e-3, 1e4]),
    "1 - sigmoid(x)": ("x", [1e-3, 50.0]),
    "log(sigmoid(-x))": ("x", [1e-3, 900.0]),
    "1 - cos(x)": ("x", [1e-9, 1.0]),
    "cosh(x) - 1": ("x", [1e-9, 1.0]),
    "sqrt(1 + x) - 1": ("x", [1e-14, 1.0, 1e300]),
    "1 - x**2": ("x", [1 - 1e-9, 1e-9]),
    "(1 - x)**2/(3*x**2)": ("x", [1e-200, 1e200, 1 - 1e-9]),
    "x**3/(x**2 + x**3)": ("x", [1e-200, 1e200]),
    "x - log(1 + x)": ("x", [1e-9, 1e-3, 1e300]),
    "(1 + x)*log(1 + x) - x*log(x)": ("x", [5e-324, 1e-9, 1.0, 1e15, 1e300]),
    "sqrt(x)*sqrt(x)*sqrt(x)/x": ("x", [5e-324, 1e300]),
    "(x/3)**(5/2)/x**2": ("x", [1e-200, 1e200]),
    "exp(x)*exp(-x - 1)": ("x", [1.0, 1e4]),
    "exp(1000*x)/exp(999*x)": ("x", [1.0]),
    "phi1(x)/exp(x)": ("x", [1e-9, 900.0]),
    "log(x**2)": ("x", [1e-200, 1.0000001, 1e200]),
    "tanh(x)**2": ("x", [1e-9, 30.0]),
    "xlogx(x) - x*log(x)/2": ("x", [1e-300, 2.0]),
    "binary_entropy(x)": ("x", [5e-324, 1e-9, 1 - 1e-9]),
    "max(x, 1)*min(x, 1)*abs(x - 3)": ("x", [0.5, 2.0]),
    "x**(-2)*x**2 + delta(1, 1)*pi": ("x", [1e-200, 1e200]),
    "log(3/2) + x": ("x", [1.0]),
    "1 - 1/(1 + x)": ("x", [1e-300, 1e-9, 1.0, 1e300]),
    "(1 + x)**(1/x)": ("x", [1e-300, 1e-10, 0.4, 2.0, 1e10]),
    "log(3*cosh(1/x)**2)": ("x", [1e-300, 1e-3, 1.0, 1e300]),
    "(exp(x) - 1 - x)/x**2": ("x", [5e-324, 1e-200, 1e-8, 1.0, 2.0, 700.0]),
    "log((1 - x) + x/2)": ("x", [5e-324, 1e-20, 0.5, 1.0]),
}  # fmt: skip


@pytest.mark.parametrize("backend", ["numpy", "torch"])
@pytest.mark.parametrize("text", PATTERNS)
def test_pattern(text: str, backend: str) -> None:
    v = Scope()
    v.pos("x")
    record = theorem(v, y=text)
    name, values = PATTERNS[text]
    run = runner(record, "y", f"{backend}-64")
    for x in values:
        assert compare(record, "y", run, {name: np.float64(x)}, np.float64) is None, x


def test_balls_are_certified_and_sharp() -> None:
    ball = RECORDS["pac_bayes.maurer_pinsker"].kernel("ball")
    out = ball(n=10**18, D="1e300", dlt=5e-324, s=0)
    assert out["radius"].rel_accuracy_bits() > 90
    assert out["radius"].overlaps(arb(10) ** 282)
    numeric = RECORDS["pac_bayes.maurer_pinsker"].kernel("numpy")(n=10**18, D=1e300, dlt=5e-324, s=0)
    assert numeric["radius"] == pytest.approx(1e282, rel=1e-15)
    zero = RECORDS["information.pinsker"].kernel("ball", "bound")(q="0.3", p="0.3")
    assert zero.is_zero()


@pytest.mark.parametrize("key", RECORDS)
def test_every_record_has_every_backend(key: str) -> None:
    assert backends(RECORDS[key]) == ["numpy", "torch", "ball"]


def test_allowed_is_about_conditioning() -> None:
    v = Scope()
    x = v.real("x")
    record = theorem(v, y=sqrt(x**2) - 1)
    env = {"x": np.float64(1 + 1e-10)}
    expr = record.outputs["y"]
    truth = true_value(expr, {"x": exact(env["x"])})
    assert truth is not None
    assert float(arb(allowed(expr, env, truth, np.float64, record.symbols)).mid()) < 1e-12


# Gradients


def gentle(env: dict[str, Any]) -> bool:
    """Tell whether inputs are where gradients must not be nan: any end of a domain, no near-overflow of 1/x**2."""
    flat = [abs(float(x)) for v in env.values() for x in np.ravel(v)]
    return all(x == 0 or 1e-30 < x < 1e30 for x in flat) and float(env.get("eps", 1)) >= 1e-3


@pytest.mark.parametrize("key", RECORDS)
def test_no_gradient_is_nan(key: str) -> None:
    record = unbound(RECORDS[key])
    for name in record.outputs:
        if special(record, name, "torch"):
            continue
        run = record.kernel("torch", name)
        for env in filter(gentle, points(record, {name: record.outputs[name]}, 40, np.float64, seed=3)):
            reals = {k: v for k, v in env.items() if isinstance(v, np.generic | np.ndarray) and v.dtype.kind == "f"}
            leaves = {k: torch.tensor(np.asarray(v), requires_grad=True) for k, v in reals.items()}
            y = run(**env | leaves)
            if torch.isfinite(y) and y.requires_grad:
                found = torch.autograd.grad(y, list(leaves.values()), allow_unused=True)
                assert not any(g is not None and torch.isnan(g).any() for g in found), env


@pytest.mark.parametrize(
    ("key", "name", "inputs"),
    [
        ("pac_bayes.maurer_pinsker", "bound", {"D": 3.0, "dlt": 0.05, "s": 0.2, "n": 100}),
        ("information.pinsker", "kl", {"q": [0.3, 0.5, 0.9], "p": [0.30001, 0.1, 0.95]}),
        ("information.gibbs_identity", "gap", {"eps": 0.7, "s": [1.0, 1.0, -2.0], "p": [0.2, 0.3, 0.5]}),
        ("information.lse_sandwich", "lse", {"k": 2, "eps": 0.5, "M": 1.0, "D": 1.0, "r": [0.0, 0.0]}),
        ("information.softmax_jacobian", "jacobian", {"eps": 0.5, "s": [1.0, 1.0, 2.0], "a": 1, "b": 1}),
        ("contrastive.infonce_cap", "loss", {"F": [[1.0, 0.5], [0.5, 1.0]]}),
        ("scaling.chinchilla_optimum", "loss", {"C": 1e3, "A": 4.0, "B": 5.0, "E": 1.0, "al": 0.3, "be": 0.4}),
        ("concentration.freedman_empirical", "bound", {"s": 0.5, "W": 3.0, "C": 0.1, "X": [0.1, 1.0], "Y": [0.2, 0.5]}),
        ("concentration.hoeffding_lemma", "cumulant", {"p": [0.2, 0.7, 0.4], "h": [0.1, 2.0, -40.0]}),
        ("llm_bounds.compute_optimal", "gap", {"V": 100, "C": [0.1, 3.0], "S": 1.0}),
        ("ssm.zoh", "B_bar", {"a": [1e-3, -2.0], "b": 1.0, "h": 0.5}),
        ("particles.equiangular_ode", "gamma", {"n": 5, "t": 0.3, "g0": 0.2}),
        ("llm_bounds.prediction_smoothing", "bits", {"V": 100, "al": 0.2, "p": [0.0, 0.5, 1.0]}),
    ],
)  # fmt: skip
def test_gradients_are_right(key: str, name: str, inputs: dict[str, Any]) -> None:
    run = unbound(RECORDS[key]).kernel("torch", name)
    names = [k for k, v in inputs.items() if not isinstance(v, int)]
    ends = {0.0, 1.0}  # a finite difference would leave the domain there
    inner = [k for k in names if k != "p" or not ends & set(np.ravel(inputs[k]))]
    leaves = [torch.tensor(inputs[k], dtype=torch.float64, requires_grad=k in inner) for k in names]
    rest = {k: v for k, v in inputs.items() if k not in names}
    assert torch.autograd.gradcheck(lambda *xs: run(**rest, **dict(zip(names, xs, strict=True))), leaves)


def test_wide_numbers() -> None:
    for make in (np.asarray, torch.tensor):

        def array(*xs: float, make: Callable[..., Any] = make) -> Any:
            return make(np.array(xs))

        big = wide(array(1e300, 2.0, 5e-324))
        assert value(big * big / big).tolist() == [1e300, 2.0, 5e-324]
        assert value((1 - big) + big).tolist()[1] == 1.0
        near = wide_exp(array(-1e6, -1e6 - 1))
        assert value(near.sum(-1) / wide_exp(array(-1e6))).tolist() == pytest.approx([1 + math.exp(-1)])
        with np.errstate(over="ignore"):  # as kernels do
            far = log_ratio(array(1e300), array(5e-324))
        assert far.item() == pytest.approx(1435.2159, rel=1e-6)
        power = 2 ** wide(array(3.0))
        assert isinstance(power, Wide)
        assert value(power).item() == pytest.approx(8)
        signs = value(wide(array(-2.0, -2.0, -2.0)) ** array(3.0, 2.0, 0.5)).tolist()
        assert signs[:2] == pytest.approx([-8.0, 4.0])
        assert math.isnan(signs[2])
        assert value(wide(array(0.0, 4.0)) ** 0.5).tolist() == [0.0, 2.0]
        assert value(wide(array(0.0, 0.0)) ** array(-1.0, 0.0)).tolist() == [math.inf, 1.0]


def test_a_difference_that_vanishes_keeps_its_slope() -> None:
    x = torch.tensor([1.0, 1.0], dtype=torch.float64, requires_grad=True)
    (wide(x[:1]) - wide(x[1:])).value().backward(torch.ones(1))
    assert x.grad is not None
    assert x.grad.tolist() == [1.0, -1.0]
    z = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    (wide(z) * 3 + wide(torch.tensor(1e-200, dtype=torch.float64))).sum(-1).value().backward(torch.ones(1))
    assert z.grad is not None
    assert z.grad.tolist() == [3.0, 3.0]
