"""Tolerances: good kernels stay inside in every arithmetic, bad ones do not, and nothing is typed by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from statements import SAMPLES, softmaxes

from dltsym import Arithmetic, Scope, exp, log
from dltsym.oracle.gradients import gradient_reference
from dltsym.oracle.reference import reference
from dltsym.oracle.statement import kernel_of, spec_of
from dltsym.oracle.tolerance import gradient_tolerance, half_step, model_of, tolerance, units_of

TYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
SINGLE = Arithmetic()


def contract(io: str) -> Arithmetic:
    """Single precision inside, one rounding of the result."""
    return Arithmetic(io, "float64" if io == "float64" else "float32")


def rounded(x: dict[str, Any], io: str) -> dict[str, Any]:
    """Return inputs as a type holds them."""
    return {n: torch.as_tensor(v).to(getattr(torch, io)).double().numpy() for n, v in x.items()}


def computed(spec: Any, x: dict[str, Any], io: str) -> dict[str, np.ndarray]:
    """Run the generated code for torch in single precision, and round once."""
    kernel = kernel_of(spec, {}, "", "safe").to("torch")  # type: ignore[union-attr]
    acc = torch.float64 if io == "float64" else torch.float32
    out = kernel(**{n: torch.as_tensor(x[n]).to(acc) for n in kernel.inputs})
    out = out if isinstance(out, dict) else {kernel.outputs[0]: out}
    return {n: t.to(getattr(torch, io)).double().numpy() for n, t in out.items()}


def excess(y: np.ndarray, value: np.ndarray, limit: np.ndarray) -> float:
    """Return the largest error in units of a limit; exact where both are equal."""
    with np.errstate(all="ignore"):
        out = np.where((y == value) | np.isinf(limit), 0.0, np.abs(y - value) / limit)
    return float(np.max(np.where(np.isnan(out), np.inf, out)))


@pytest.mark.parametrize("io", ["float64", "float32", "float16", "bfloat16"])
@pytest.mark.parametrize("name", SAMPLES)
def test_good_kernels_stay_within_both_limits(name: str, io: str) -> None:
    spec, rng = spec_of(SAMPLES[name].outputs), np.random.default_rng(4)
    for _ in range(3):
        x = rounded(SAMPLES[name].draw(rng), io)
        found, allowed = reference(spec, x, {}), tolerance(spec, x, {}, contract(io))
        y = computed(spec, x, io)
        for n, v in found.values.items():
            assert allowed.limit[n].shape == v.shape
            assert excess(y[n], v, allowed.twin[n] + found.radius[n]) <= 1
            assert excess(y[n], v, allowed.worst[n] + found.radius[n]) <= 1
            assert (allowed.limit[n] == np.minimum(allowed.worst[n], allowed.twin[n])).all()


@pytest.mark.parametrize("name", ["softmax + 300", "attention", "norm", "loss"])
def test_small_errors_of_the_formula_are_seen(name: str) -> None:
    # The limit in single precision is a few millionths of the result, whatever the inputs.
    spec = spec_of(SAMPLES[name].outputs)
    x = rounded(SAMPLES[name].draw(np.random.default_rng(5)), "float32")
    found, allowed = reference(spec, x, {}), tolerance(spec, x, {}, SINGLE)
    for n, v in found.values.items():
        if n != "lse":
            assert excess(np.where(np.isfinite(v), v * (1 + 2e-4), v), v, allowed.limit[n]) > 1


def test_rows_without_entries_must_be_exact() -> None:
    sample = softmaxes()
    spec, x = spec_of(sample.outputs), {"x": np.random.default_rng(0).standard_normal((9, 4))}
    found, allowed = reference(spec, x, {}), tolerance(spec, x, {}, SINGLE)
    empty = np.isneginf(found.values["lse"])
    assert empty.sum() == 5
    for n in found.values:
        rows = np.moveaxis(allowed.limit[n], -1, 0)
        assert (rows[empty] == 0).all()
        assert (rows[~empty] > 0).any()


def test_results_that_a_type_cannot_hold_are_not_judged() -> None:
    v = Scope()
    n = v.count("n")
    x, i = v.array("x", n), v.index("i", n)
    spec = spec_of({"y": exp(x[i])})
    allowed = tolerance(spec, {"x": np.array([1.0, 11.0, 12.0])}, {}, contract("float16")).limit["y"]
    assert np.isfinite(allowed).tolist() == [True, True, False]
    flushed = tolerance(spec, {"x": np.array([-88.5, -200.0])}, {}, SINGLE).limit["y"]
    assert (flushed >= 2.0**-126).all()  # a subnormal result may be 0


def test_choices_that_rounding_decides_are_not_judged() -> None:
    spec = spec_of(SAMPLES["gates"].outputs)
    x = {"x": np.array([[1.0, 2.0, 3.0, 0.5], [1.0, 3.0, 1.5, np.nextafter(np.float32(-1.5), 0)]])}
    allowed = tolerance(spec, x, {}, SINGLE).limit["best"]
    assert allowed[0] < 1e-5
    assert allowed[1] > 1


# Contracts


def _product() -> tuple[Any, dict[str, Any]]:
    sample = SAMPLES["attention"]
    return spec_of(sample.outputs), rounded(sample.draw(np.random.default_rng(1)), "float32")


def _tf32(x: np.ndarray) -> np.ndarray:
    bits = np.asarray(x, np.float32).view(np.int32)
    return ((bits + 0x1000) & -0x2000).view(np.float32)


def _attention(x: dict[str, Any], dot: str, cast: torch.dtype | None = None) -> np.ndarray:
    q, k, u, tau = (np.asarray(x[n], np.float32) for n in ("q", "k", "u", "tau"))

    def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        if dot == "ieee":
            return a @ b
        high = _tf32(a), _tf32(b)
        if dot == "tf32":
            return high[0] @ high[1]
        low = _tf32(a - high[0]), _tf32(b - high[1])
        return high[0] @ high[1] + (high[0] @ low[1] + low[0] @ high[1])

    s = product(q, np.swapaxes(k, -1, -2)) / tau[..., None, None]
    p = np.exp(s - s.max(-1, keepdims=True))
    total = p.sum(-1, keepdims=True)
    p = p if cast is None else torch.from_numpy(p).to(cast).float().numpy()
    return (product(p, u) / total).astype(float)


@pytest.mark.parametrize("dot", ["ieee", "tf32x3", "tf32"])
def test_products_of_less_precision_need_their_contract(dot: str) -> None:
    spec, x = _product()
    value, y = reference(spec, x, {}).values["o"], _attention(x, dot)
    own = tolerance(spec, x, {}, replace(SINGLE, dot=dot))
    assert excess(y, value, own.limit["o"]) <= 1
    if dot == "tf32":
        for other in ("ieee", "tf32x3"):
            assert excess(y, value, tolerance(spec, x, {}, replace(SINGLE, dot=other)).limit["o"]) > 3


@pytest.mark.parametrize("io", ["float16", "bfloat16"])
def test_casts_of_weights_need_their_contract(io: str) -> None:
    spec, x = _product()
    value, y = reference(spec, x, {}).values["o"], _attention(x, "ieee", TYPES[io])
    plain = Arithmetic(io, casts=("out",))
    stored = {"o": "float32"}
    assert excess(y, value, tolerance(spec, x, {}, plain, stored).limit["o"]) > 10
    assert excess(y, value, tolerance(spec, x, {}, replace(plain, casts=("P", "out")), stored).limit["o"]) <= 1


def test_the_order_of_sums_that_a_contract_promises_counts() -> None:
    v = Scope()
    n = v.count("n")
    x = v.array("x", n)
    spec, known = spec_of({"s": v.sum(lambda i: x[i], n)}), {"x": np.ones(4096)}
    worst = {r: float(tolerance(spec, known, {}, Arithmetic(reductions=r)).worst["s"]) for r in (
        "sequential", "blocked", "tree")}  # fmt: skip
    assert worst["tree"] < worst["blocked"] / 5 < worst["sequential"] / 100
    assert model_of(Arithmetic(reductions="tree")).depth(4096) == 20


def test_the_form_of_a_statement_carries_its_own_rounding() -> None:
    v = Scope()
    n = v.count("n")
    x, i = v.array("x", n, lo=0), v.index("i", n)
    spec = spec_of({"y": log(1 + exp(x[i])) - log(2) - x[i] / 2 + 1 - 1})
    better = spec_of({"y": log((exp(x[i] / 2) + exp(-x[i] / 2)) / 2)})
    forms = replace(spec, trees=lambda m, form: (better if form else spec).trees(m, ""))
    known = {"x": np.array([50.0, 80.0])}
    plain, other = (tolerance(forms, known, {}, Arithmetic(form=f)).limit["y"] for f in ("", "symmetric"))
    assert (plain != other).all()
    assert (tolerance(better, known, {}, SINGLE).limit["y"] == other).all()


# Gradients


@pytest.mark.parametrize("io", ["float64", "float32"])
@pytest.mark.parametrize("name", ["attention", "norm", "norm + 100", "loss", "recurrence"])
def test_gradients_of_autograd_stay_within_the_limit(name: str, io: str) -> None:
    spec, rng = spec_of(SAMPLES[name].outputs), np.random.default_rng(3)
    x = rounded(SAMPLES[name].draw(rng), io)
    shapes = {n: v.shape for n, v in reference(spec, x, {}).values.items()}
    weights = rounded({n: rng.standard_normal(s) for n, s in shapes.items()}, io)
    found = gradient_reference(spec, x, {}, weights)
    allowed = gradient_tolerance(spec, x, {}, weights, contract(io))
    leaves = {n: torch.tensor(v, dtype=getattr(torch, io), requires_grad=True) for n, v in x.items()}
    kernel = kernel_of(spec, {}, "", "safe").to("torch")  # type: ignore[union-attr]
    out = kernel(**{n: leaves[n] for n in kernel.inputs})
    (key,) = kernel.outputs
    (out * torch.tensor(weights[key], dtype=out.dtype)).sum().backward()
    for n, leaf in leaves.items():
        y = leaf.grad.double().numpy()  # type: ignore[union-attr]
        assert allowed.limit[n].shape == y.shape
        assert excess(y, found.values[n], allowed.limit[n] + found.radius[n]) <= 1
        if name != "norm + 100":  # as it is written, single precision cannot tell there
            assert excess(0.999 * y, found.values[n], allowed.limit[n] + found.radius[n]) > 1


def test_weights_are_computed_again_from_a_rounded_log_sum() -> None:
    # exp(x - L) with the L that was saved is off by |L| roundings, which autograd does and the statement does not.
    sample = softmaxes(300.0)
    spec, x = spec_of(sample.outputs), rounded(sample.draw(np.random.default_rng(0)), "float32")
    weights = {"lse": np.ones((2, 7))}
    found = gradient_reference(spec, x, {}, weights)
    allowed = gradient_tolerance(spec, x, {}, weights, SINGLE)
    t = torch.tensor(x["x"], dtype=torch.float32)
    keep = torch.arange(9) <= torch.arange(7)[:, None] + 2
    lse = torch.logsumexp(t.masked_fill(~keep, -torch.inf), -1, keepdim=True)
    y = torch.where(keep, torch.exp(t - lse), 0.0).double().numpy()
    assert excess(y, found.values["x"], allowed.limit["x"] + found.radius["x"]) <= 1


# Numbers


def test_half_a_step_is_what_rounding_to_nearest_is_off_by() -> None:
    rng = np.random.default_rng(0)
    for io, dtype in TYPES.items():
        model = model_of(Arithmetic(io, io)) if io == "float32" else None
        x = rng.standard_normal(2000) * 10.0 ** rng.integers(-4, 4, 2000)
        y = torch.from_numpy(x).to(dtype).double().numpy()
        from dltsym.lower.interpret.model import MODELS

        half = half_step(np.abs(x), MODELS[io])
        assert (np.abs(y - x) <= half).all()
        assert np.max(np.abs(y - x) / half) > 0.99
        assert model is None or model.promised


def test_units_follow_from_the_contract() -> None:
    u = units_of(Arithmetic("bfloat16", dot="tf32", casts=("P", "out"), exp_ulp=4.0), gradient=True)
    assert (u.unit, u.cast, u.factors, u.exp, u.log) == (2.0**-22, 2.0**-8, 2.0**-10, 2.0, 1.0)
    assert u.sites == {"P", "out"}
    assert u.normal == 2.0**-126
    wide = units_of(Arithmetic("float64", "float64", dot="tf32"))
    assert (wide.unit, wide.cast, wide.factors) == (2.0**-51, 0.0, 0.0)
