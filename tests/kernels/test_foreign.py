"""The oracle on functions that nobody here wrote: good ones pass, known-bad ones fail, and what it finds is pinned."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import foreign as statements
import numpy as np
import pytest
import torch
from torch.nn import functional as F

from dltsym import Case
from dltsym.oracle.report import Report
from dltsym.testing import assert_matches

ROW = "input=x, dim=-1"
MASK = "where(arange(m)[None] <= arange(n)[:, None] + m - n, 0, -inf) if causal else 0"
SDPA = f"query=q:nd, key=k:md, value=v:m dv, scale=1/tau, attn_mask=lp[None] - slope*dist + ({MASK}), out=o"
NORM = "input=x:d, normalized_shape=(d,), weight=g:d, bias=b:d, eps=eps"
SMALL = {"M": "uniform", "a": "simplex", "b": "simplex"}
PLANS = tuple(
    Case(f"{n}x{m}", {"n": n, "m": m}, values={**SMALL, "reg": reg, "rho": "0.7"}, seed=n)
    for n, m, reg in ((1, 1, "0.5"), (2, 3, "0.5"), (9, 17, "0.1"), (12, 12, "0.05"))
)
PLAIN = tuple(replace(c, values={k: x for k, x in c.values.items() if k != "rho"}) for c in PLANS)
HEADS = {"": (2,), "lp": (2,), "slope": (2,)}
QUERIES = tuple(
    Case(f"{n}x{m} {causal}", {"n": n, "m": m, "d": 8, "dv": 5}, HEADS, {"causal": causal}, {"lp": lp}, seed=n)
    for n, m, causal, lp in ((1, 1, False, "normal"), (7, 9, True, "normal + 300"), (9, 6, False, "normal, some -inf"))
)
ROWS = {
    "softmax": (F.softmax, statements.softmax, ROW, "x"),
    "log_softmax": (F.log_softmax, statements.log_softmax, ROW, "x"),
    "logsumexp": (torch.logsumexp, statements.logsumexp, ROW, "x"),
    "gelu": (F.gelu, statements.gelu, "input=x", "x"),
    "cross_entropy": (F.cross_entropy, statements.cross_entropy, "input=z:nc, target=y:n", "z"),
}


def failure(*args: Any, **options: Any) -> str:
    """Return the text of a check that must fail."""
    with pytest.raises(AssertionError) as caught:
        assert_matches(*args, selftest=False, **options)
    return str(caught.value)


def worst(report: Report, output: str) -> float:
    """Return the largest error of an output in units of its tolerance."""
    return max(row.worst[1].ratio for row in report.rows if row.output == output)


# Good functions: no false alarm


@pytest.mark.parametrize("name", ROWS)
def test_torch_in_single_and_double_precision(name: str) -> None:
    function, statement, mapping, wrt = ROWS[name]
    report = assert_matches(function, statement(), ("f32", "f64"), mapping, grads=(wrt,), cases=7, selftest=False)
    assert 0 < worst(report, "value") < 1


@pytest.mark.parametrize("dtype", ["bf16", "f16"])
@pytest.mark.parametrize("name", ["softmax", "gelu"])
def test_torch_in_half_precision(name: str, dtype: str) -> None:
    function, statement, mapping, _ = ROWS[name]
    assert_matches(function, statement(), dtype, mapping, cases=7, selftest=False)


def test_expm1_in_every_type() -> None:
    assert_matches(torch.expm1, statements.expm1(), ("f32", "f64", "bf16", "f16"), selftest=False)
    assert_matches(np.expm1, statements.expm1(), ("f32", "f64"), selftest=False)


def test_layer_norm_as_an_expression_of_the_user() -> None:
    wrt = ("x", "g", "b")
    report = assert_matches(F.layer_norm, statements.layer_norm(), ("f32", "f64"), NORM, grads=wrt, cases=7)
    assert worst(report, "dx") < 1
    assert report.found.selftest is not None
    assert not report.found.selftest.missed


def test_attention_of_torch() -> None:
    report = assert_matches(
        F.scaled_dot_product_attention, "attention.one_sided_eot", "f32", SDPA, cases=QUERIES, selftest=False,
        grads=("q", "k", "v", "lp", "slope"),
    )  # fmt: skip
    assert {"o", "dq", "dlp", "dslope"} <= {row.output for row in report.rows}


def test_transport_of_pot() -> None:
    ot = pytest.importorskip("ot", reason="POT is a peer in tests only: pip install dltsym[test]")

    def log_domain(a: Any, b: Any, M: Any, reg: float) -> Any:
        return ot.bregman.sinkhorn_log(a, b, M, reg, numItermax=10, stopThr=0, warn=False)

    def semi_relaxed(a: Any, b: Any, M: Any, reg: float, rho: float) -> Any:
        pair = (float("inf"), rho)
        return ot.unbalanced.sinkhorn_unbalanced(a, b, M, reg, pair, reg_type="kl", numItermax=10, stopThr=0)

    options = {"arrays": "numpy", "selftest": False}
    assert_matches(log_domain, statements.plan(10), ("f64", "f32"), "a=a:n, b=b:m, M=M:nm", cases=PLAIN, **options)
    assert_matches(semi_relaxed, statements.unbalanced(10), "f64", "a=a:n, b=b:m, M=M:nm", cases=PLANS, **options)


def loop(a: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Run a linear recurrence one step after another."""
    h, out = torch.zeros_like(x[..., 0]), []
    for t in range(x.shape[-1]):
        h = a[..., t] * h + x[..., t]
        out.append(h)
    return torch.stack(out, -1)


def test_a_sequential_scan() -> None:
    assert_matches(loop, statements.scan(), ("f32", "f64"), grads=("a", "x"), cases=7, selftest=False)


def held(A: Any, B: Any, dt: float) -> tuple[Any, Any]:
    """Discretise scalar systems with scipy, one after another."""
    from scipy.signal import cont2discrete

    one, none = np.ones((1, 1)), np.zeros((1, 1))
    pairs = zip(A.reshape(-1, 1, 1), B.reshape(-1, 1, 1), strict=True)
    rows = [cont2discrete((a, b, one, none), dt)[:2] for a, b in pairs]
    return np.array([r[0][0, 0] for r in rows]), np.array([r[1][0, 0] for r in rows])


def slow(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Draw rates that decay little in a step of one half."""
    return -rng.uniform(0.1, 1.0, shape)


def fast(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Draw rates that decay much in it."""
    return -rng.uniform(4.0, 8.0, shape)


def holds(rates: Callable[..., Any]) -> tuple[Case, ...]:
    """Return cases of a zero-order hold."""
    return tuple(Case(f"{n}", {"n": n}, values={"A": rates, "B": "normal", "dt": "0.5"}, seed=n) for n in (1, 2, 17))


def test_zero_order_hold_of_scipy() -> None:
    """It squares a matrix exponential of both blocks: exact for slow systems; fast ones lose three digits of e^x."""
    options = {"map": "A=A:n, B=B:n, out[0]=decay, out[1]=gain", "arrays": "numpy"}
    assert_matches(held, statements.hold(), "f64", cases=holds(slow), selftest=False, **options)
    assert "decay" in failure(held, statements.hold(), "f64", cases=holds(fast), **options)


# Findings in good libraries


def test_torch_forgets_small_slopes_of_expm1() -> None:
    """Its backward pass adds 1 to the rounded result: below -17 the slope is 0 in single precision, for e^x."""
    text = failure(torch.expm1, statements.expm1(), "f32", grads=("x",), cases=18)
    assert "dx" in text
    assert "got -0" in text or "got 0" in text


@pytest.mark.parametrize("name", ["log_softmax", "logsumexp", "cross_entropy"])
def test_torch_rounds_on_the_way_in_half_precision(name: str) -> None:
    """On the CPU they store sums and logarithms in half precision; the contract that says so explains it."""
    function, statement, mapping, wrt = ROWS[name]
    text = failure(function, statement(), "f16", mapping, cases=18)
    assert "FAIL" in text
    options = {"grads": (wrt,), "cases": 7, "selftest": False}
    assert_matches(function, statement(), "f16", mapping, contract="acc=io", **options)


def test_torch_stores_the_mean_of_a_layer_norm_in_half_precision() -> None:
    assert_matches(F.layer_norm, statements.layer_norm(), "f16", NORM, cases=7, selftest=False)
    assert "dg" in failure(F.layer_norm, statements.layer_norm(), "f16", NORM, grads=("x", "g"), cases=23)


# Known-bad functions


def degree_two(a: torch.Tensor, b: torch.Tensor, M: torch.Tensor, reg: float) -> torch.Tensor:
    """Iterate a map that is homogeneous of degree 2 in the column scaling, as seen in the wild."""
    K, v = torch.exp(-M / reg), torch.ones_like(b)
    for _ in range(10):
        v = v / (K.T @ (1 / (K @ v)))
    return a[:, None] / (K @ v)[:, None] * K * v


def tanh_gelu(x: torch.Tensor) -> torch.Tensor:
    """Use the approximation where the theorem has the error function."""
    return F.gelu(x, approximate="tanh")


def rough_gelu(x: torch.Tensor) -> torch.Tensor:
    """Type the square root of 2 with four digits."""
    return x * (1 + torch.erf(x / 1.414)) / 2


def twice_scaled(q: Any, k: Any, v: Any, tau: float) -> Any:
    """Scale by the temperature and once more by the root of the head size."""
    return F.scaled_dot_product_attention(q / q.shape[-1] ** 0.5, k, v, scale=1 / tau)


def nothing(x: torch.Tensor) -> torch.Tensor:
    """Return zeros."""
    return torch.zeros_like(x)


def test_known_bad_functions_fail() -> None:
    assert "FAIL" in failure(degree_two, statements.plan(10), ("f64", "f32"), cases=PLAIN)
    assert "FAIL" in failure(tanh_gelu, statements.gelu(), "f32")
    assert "FAIL" in failure(rough_gelu, statements.gelu(), "f32")
    fixed = "lp=absent, slope=absent, out=o"
    assert "FAIL" in failure(
        twice_scaled, "attention.one_sided_eot", "f32", f"q=q:nd, k=k:md, v=v:m dv, {fixed}", cases=QUERIES[2:]
    )
    for statement in (statements.softmax, statements.gelu, statements.expm1):
        for dtype in ("f32", "bf16"):
            assert "FAIL" in failure(nothing, statement(), dtype)


def test_naive_gelu_is_never_passed_in_its_tail() -> None:
    """1 + erf cancels there: held to the statement without cancellation it fails, however small its results are."""

    def tail(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        return -rng.uniform(5.0, 9.5, shape)

    cases = (Case("tail", {"n": 64}, values={"x": tail}, seed=1),)
    assert "FAIL" in failure(F.gelu, statements.stable_gelu(), "f32", "input=x", cases=cases)


# A theorem of the user in a pack of the user

RECORD = '''"""Layer normalisation.

The rows of the input are centred and scaled to unit variance, up to a small constant.
"""

from dltsym import Operator, Scope, derive, sqrt

v = Scope()
d = v.count("d", "length of a row")
x, g, b = v.array("x", d, "row"), v.array("g", d, "scale"), v.array("b", d, "offset")
eps = v.pos("eps", "constant under the root")
i = v.index("i", d)
y = v.real("y", "a number")


def statement():
    mean = v.sum(lambda j: x[j], d) / d
    deviation = sqrt(v.sum(lambda j: (x[j] - mean) ** 2, d) / d + eps)
    return {"out": g[i] * (x[i] - mean) / deviation + b[i], "mean": mean, "rstd": 1 / deviation}


theorem = v.theorem(
    title="Layer normalisation",
    cite=("euclid", "I.1"),
    claim="(y + 1)**2 = y**2 + 2*y + 1",
    proof=derive("(y + 1)**2").eq("y**2 + 2*y + 1", "expand"),
    operator=Operator(statement, axes={"out": "i", "mean": "", "rstd": ""}, grads=("x", "g", "b")),
)
'''


def test_layer_norm_as_a_theorem_of_the_user(pack: Callable[..., Path]) -> None:
    pack(layers__norm=RECORD)
    mapping = "input=x:d, normalized_shape=(d,), weight=g:d, bias=b:d, eps=eps"
    right, wrong = "out[1]=mean[None], out[2]=rstd[None]", "out[2]=mean[None], out[1]=rstd[None]"
    norm = torch.native_layer_norm
    assert_matches(norm, "layers.norm", "f32", f"{mapping}, out[0]=out, {right}", cases=5, selftest=False)
    text = failure(norm, "layers.norm", "f32", f"{mapping}, out[0]=out, {wrong}", cases=5)
    assert "mean" in text
