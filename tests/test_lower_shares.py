"""Shares of huge scores: of two equal maxima each has one half, and no number is wrong without a bound."""

import math
from typing import Any

import numpy as np
import pytest
from kernel_points import RECORDS, compare, drawn_huge, points, promised, runner, special, unbound

import dltsym
from dltsym import Scope, compile, exp, log
from dltsym.lower.kernel import Kernel

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
BIG = 1e20  # the unit in the last place is 16384 in double precision
TIED, THREE = np.array([BIG, BIG, -BIG]), np.array([2.0, 2.0, 5.0])
ROWS = {"S": np.array([[BIG, BIG], [BIG, -BIG], [0.0, BIG]]), "a": THREE, "b": np.array([3.0, 3.0])}
AT = {
    ("attention.argmax_ties", "on"): {"k": 3, "eps": 1.0, "M": BIG, "r": np.array([0.0, -BIG])},
    ("attention.argmax_ties", "winner"): {"k": 3, "eps": 1.0, "M": BIG, "r": np.array([0.0, -BIG])},
    ("attention.bounded_scores", "p"): {"eps": 1.0, "s": TIED, "w": THREE},
    ("attention.bounded_scores", "kl"): {"eps": 1.0, "s": TIED, "w": np.array([1.0, 2.0, 3.0])},
    ("attention.kl_prior", "p"): {"eps": 1e-20, "s": TIED / BIG, "w": THREE},
    ("attention.kl_prior", "kl"): {"eps": 1.0, "s": TIED, "w": np.array([1.0, 2.0, 3.0])},
    ("attention.semirelaxed_rate", "shifted"): {"rho": 1.0, "g": -TIED, "b": np.array([1.0, 2.0, 3.0])},
    ("attention.sinkhorn_duality", "error"): {"eps": 1.0, **ROWS},
    ("attention.sinkhorn_pythagoras", "progress"): {"eps": 1.0, **ROWS},
    ("information.softmax_lipschitz", "move"): {"eps": 1.0, "d": TIED, "w": np.array([0.25, 0.25, 0.5])},
}
SHARES = ("softmax", "lse[", "logaddexp", "softplus", "sigmoid")
UNKNOWN = {
    ("attention.entmax", "gap", 64): "finding W02: p**be - q**be is 0 in any precision for be = 1e-160, over be",
    ("information.lse_thermodynamics", "winner slope", 32): "a result that is subnormal in single precision",
    ("particles.kuramoto_limit", "unnormalised", 32): "an angle of 1e12 is known to 3e4 in single precision",
}
"""Numbers that may be wrong without a bound, and why no rewriting mends them."""


def tensor_kernel(key: str, of: str) -> Kernel:
    return unbound(RECORDS[key]).kernel("numpy", of, axes=())


def values(kernel: Kernel, env: dict[str, Any], dtype: type) -> list[Any]:
    """Return what numpy and torch compute in a type."""
    own = {n: dtype(x) if isinstance(x, float) else x.astype(dtype) for n, x in env.items() if not isinstance(x, int)}
    own |= {n: x for n, x in env.items() if isinstance(x, int)}
    tensors = {n: x if isinstance(x, int) else torch.tensor(x) for n, x in own.items()}
    return [kernel(**own), kernel.to("torch")(**tensors).numpy()]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("key", "of"), AT, ids=lambda x: x)
def test_equal_maxima_share(key: str, of: str, dtype: type) -> None:
    kernel = tensor_kernel(key, of)
    given = {n: x.astype(dtype).astype(float) if isinstance(x, np.ndarray) else x for n, x in AT[key, of].items()}
    given = {n: float(dtype(x)) if isinstance(x, float) else x for n, x in given.items()}
    true = kernel.oracle(**given)
    for got in values(kernel, given, dtype):
        np.testing.assert_allclose(got, true.mid(), rtol=16 * np.finfo(dtype).eps, atol=1e-30)


@pytest.mark.parametrize(("key", "of"), [row for row in AT if row[1] in ("p", "error")], ids=lambda x: x)
def test_the_bound_of_shares_is_finite_there(key: str, of: str) -> None:
    kernel, env = tensor_kernel(key, of), AT[key, of]
    largest = 2 * env["a"].sum() if of == "error" else 1.0
    assert (kernel.bound("float64", **env) <= 2 * largest * (1 + 1e-7)).all()  # of the kernel's share, and of ours


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("key", RECORDS)
def test_no_huge_score_makes_a_wrong_number_without_a_bound(key: str, dtype: type) -> None:
    record = unbound(RECORDS[key])
    for of in record.outputs:
        kernel = record.kernel("numpy", of).lowered
        if kernel is None or (key, of, 8 * np.dtype(dtype).itemsize) in UNKNOWN:
            continue
        if special(record, of, "torch") or not any(s in kernel.ir for s in SHARES):
            continue
        run, promise = runner(record, of, "numpy"), promised(record, of, "numpy")
        for env in points(record, {of: record.outputs[of]}, 20, dtype, seed=7, drawn=drawn_huge):
            if compare(record, of, run, env, dtype) is not None:
                assert compare(record, of, run, env, dtype, promise(env, dtype)) is None, (of, env)


v = Scope()
n = v.count("n")
x, w, u = v.array("x", n), v.array("w", n, lo=0, lo_open=True), v.array("u", n, lo=0)
i = v.index("i", n)
LOOSE = v.sum(lambda j: u[j] * exp(x[j]), n)
Z = v.sum(lambda j: w[j] * exp(x[j]), n)
FORMS = {
    "share": (w[i] * exp(x[i]) / Z, "softmax"),
    "scaled share": (3 * w[i] * exp(x[i]) / Z, "softmax"),
    "ratio": (exp(x[i]) / Z - 1, "max("),
    "divergence": (v.sum(lambda j: w[j] * exp(x[j]) / Z * x[j], n) - log(Z), "max("),
    "entropy": (log(v.sum(lambda j: exp(x[j]), n)) - x[i], "softmax"),
    "weights that may be 0": (u[i] * exp(x[i]) / LOOSE, "softmax"),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_are_right_at_every_scale_and_so_are_their_gradients(form: str) -> None:
    expression, word = FORMS[form]
    kernel, rng = compile(expression, backend="numpy"), np.random.default_rng(0)
    assert word in kernel.source
    for scale in (1.0, 1e4, 1e20):
        env = {"x": rng.standard_normal(5) * scale, "w": rng.random(5) + 0.1, "u": rng.random(5) * [0, 1, 1, 0, 1]}
        env = {name: env[name] for name in kernel.inputs}
        true, bound = kernel.oracle(**env), kernel.bound("float64", **env)
        for got in values(kernel, env, np.float64):
            assert (np.abs(true.error(got)) <= bound + true.rad()).all()
            if scale > 1e4:
                np.testing.assert_allclose(got, true.mid(), rtol=1e-12, atol=1e-30)
        if scale < 1e20 or word == "softmax":
            assert np.isfinite(bound).all()
    run = kernel.to("torch")
    if form != "weights that may be 0":  # the logarithm of 0 has no slope
        leaves = [torch.tensor(rng.standard_normal(5) ** 2 + 0.1, requires_grad=True) for _ in kernel.inputs]
        assert torch.autograd.gradcheck(lambda *a: run(**dict(zip(kernel.inputs, a, strict=True))), leaves)
    for name in kernel.inputs:
        assert kernel.grad(name).validate(trials=1).ok


@pytest.mark.parametrize(
    ("key", "of"), [row for row in AT if row[1] in ("kl", "shifted", "progress", "move", "p")], ids=lambda x: x
)
def test_gradients_of_records(key: str, of: str) -> None:
    kernel, rng = tensor_kernel(key, of).to("torch"), np.random.default_rng(1)
    names = list(kernel.inputs)
    leaves = [torch.tensor(rng.random(np.shape(AT[key, of][k])) + 0.2, requires_grad=True) for k in names]
    assert torch.autograd.gradcheck(lambda *a: kernel(**dict(zip(names, a, strict=True))), leaves)


def test_a_row_is_gone_over_once() -> None:
    source = tensor_kernel("attention.sinkhorn_duality", "error").source.partition("def kernel(")[2]
    assert source.count("_softmax(") == 1
    assert "exp(" not in source
    source = tensor_kernel("attention.kl_prior", "kl").source.partition("def kernel(")[2]
    assert source.count(".max(") == 1


def test_three_tied_terms_stay_shares() -> None:
    s = Scope()
    a, b, c = (s.real(name) for name in "abc")
    kernel = compile(exp(b) / (exp(a) + exp(b) + exp(c)), backend="numpy")
    env = {"a": np.float64(BIG), "b": np.float64(BIG), "c": np.float64(-BIG)}
    assert float(kernel(**env)) == 0.5
    assert float(kernel.bound("float64", **env)) <= 1.0 + 1e-9


def test_a_masked_row_is_still_nothing() -> None:
    s = Scope()
    size = s.count("size")
    y, m, g = s.array("y", size), s.array("m", size, entries="bool"), s.array("g", size, lo=0, lo_open=True)
    j = s.index("j", size)
    total = s.sum(lambda k: m[k] * g[k] * exp(y[k]), size)
    kernel = compile(m[j] * g[j] * exp(y[j]) / total, backend="numpy")
    env = {"y": np.array([BIG, BIG, 2 * BIG]), "m": np.array([True, True, False]), "g": np.ones(3)}
    assert kernel(**env).tolist() == [0.5, 0.5, 0.0]
    assert not kernel(**env | {"m": np.zeros(3, bool)}).any()


def test_a_logarithm_of_shares_has_a_finite_bound() -> None:
    row = compile(x[i] - log(v.sum(lambda j: exp(x[j]), n)), backend="numpy")
    env = {"x": np.array([BIG, BIG, 0.0]) / 3}
    assert np.isfinite(row.bound("float64", **env)).all()
    np.testing.assert_allclose(row(**env)[:2], -math.log(2), rtol=1e-15)
    assert dltsym.get("information.softmax_jacobian").kernel("numpy", "p", axes=()).source.count("_softmax(") == 2
