"""References: balls, certified programs, gradients, roots; and what must not count as known."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from statements import SAMPLES

from dltsym import Root, Scope, compile, exp, sqrt
from dltsym.errors import DomainError, UnknownKey
from dltsym.oracle import reference as module
from dltsym.oracle.gradients import gradient_reference
from dltsym.oracle.reference import reference
from dltsym.oracle.roots import root_gradient, root_reference
from dltsym.oracle.statement import kernel_of, roots_of, spec_of

NAMES = sorted(set(SAMPLES) - {"softmax - 300", "norm + 100"})


@pytest.mark.parametrize("name", NAMES)
def test_certified_values_hold_the_ball(name: str) -> None:
    spec, x = spec_of(SAMPLES[name].outputs), SAMPLES[name].draw(np.random.default_rng(1))
    certain, quick = reference(spec, x, {}, "ball"), reference(spec, x, {})
    assert certain.level == "ball"
    assert quick.level == "float64, certified" or quick.level == "ball"
    for n, v in certain.values.items():
        both = quick.radius[n] + certain.radius[n]
        assert np.array_equal(np.isfinite(v), np.isfinite(quick.values[n]))
        fine = np.isfinite(v)
        assert (np.abs(v - quick.values[n])[fine] <= both[fine]).all()
        if n in quick.tail:  # better than double: what is left of the reference is known too
            left = np.abs((v - quick.values[n]) + certain.tail[n] - quick.tail[n])[fine]
            assert (left <= 2.0**-56 * np.abs(v[fine]).max()).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_program_in_balls_agrees_with_the_expression_in_balls(name: str) -> None:
    spec, x = spec_of(SAMPLES[name].outputs), SAMPLES[name].draw(np.random.default_rng(3))
    certain, sharp = reference(spec, x, {}, "ball"), reference(spec, x, {}, "sharp")
    assert sharp.level == "float64, certified"
    for n, v in certain.values.items():
        assert np.array_equal(np.isfinite(v), np.isfinite(sharp.values[n]))
        fine = np.isfinite(v)
        off = np.abs((sharp.values[n] - v) + (sharp.tail[n] - certain.tail[n]))[fine]
        assert (off <= 2.0**-60 * np.abs(v[fine])).all()
        assert (sharp.radius[n][fine] <= 2.0**-52 * np.abs(v[fine])).all()


def test_the_zero_of_a_sum_that_cancels_is_taken_with_its_radius() -> None:
    v = Scope()
    x = v.pos("x")
    kernel = compile(sqrt(1 + x) * sqrt(2 + x) - sqrt((1 + x) * (2 + x)), backend="numpy")
    found = module.evaluated(kernel, {"x": np.array([0.3, 0.7])}, "sharp")
    (name,) = found.values
    assert (found.values[name] == 0).all()
    assert (found.radius[name] < 2.0**-400).all()


def test_a_program_that_is_not_certified_is_no_sharp_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "trust", lambda _kernel: "")
    spec, x = spec_of(SAMPLES["norm"].outputs), SAMPLES["norm"].draw(np.random.default_rng(0))
    assert reference(spec, x, {}, "sharp").level == "ball"


def test_products_of_matrices_in_balls_know_batches() -> None:
    spec, rng = spec_of("attention.one_sided_eot"), np.random.default_rng(0)
    x = {"q": rng.standard_normal((2, 1, 3, 4)), "k": rng.standard_normal((3, 5, 4)), "tau": np.array(2.0)}
    x |= {"v": rng.standard_normal((2, 1, 5, 3))}
    found, plain = reference(spec, x, {}, "sharp"), reference(spec, x, {}, "float64")
    assert found.values["o"].shape == (2, 3, 3, 3)
    np.testing.assert_allclose(found.values["o"], plain.values["o"], rtol=1e-13)


def test_every_statement_that_has_no_constants_is_better_than_double() -> None:
    spec, x = spec_of(SAMPLES["attention"].outputs), SAMPLES["attention"].draw(np.random.default_rng(0))
    found = reference(spec, x, {})
    assert found.level == "float64, certified"
    assert found.values["o"].shape == (2, 3, 6, 5)
    assert (found.radius["o"] <= 2.0**-50 * np.abs(found.values["o"]).max()).all()


def test_without_balls_the_level_says_uncertified(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda _name: None)
    spec, x = spec_of(SAMPLES["loss"].outputs), SAMPLES["loss"].draw(np.random.default_rng(0))
    assert reference(spec, x, {}).level == "float64"


def test_a_wrong_program_is_not_certified(monkeypatch: pytest.MonkeyPatch) -> None:
    from dltsym.oracle import certify

    spec = spec_of(SAMPLES["norm"].outputs)
    kernel = kernel_of(spec, {}, "", "safe")
    assert kernel is not None
    assert certify.trust(kernel)
    wrong = compile({"y": Fraction(1000001, 1000000) * kernel.asked.outputs["y"]}, axes={"y": "i j"}, backend="numpy")
    object.__setattr__(wrong, "asked", kernel.asked)  # a translation that changed the value
    assert not certify.trust(wrong)


# Gradients


@pytest.mark.parametrize("name", ["attention", "norm", "loss", "recurrence"])
def test_gradients_are_those_of_autograd(name: str) -> None:
    rng = np.random.default_rng(2)
    spec, x = spec_of(SAMPLES[name].outputs), SAMPLES[name].draw(rng)
    values = reference(spec, x, {}).values
    weights = {n: rng.standard_normal(v.shape) for n, v in values.items()}
    found = gradient_reference(spec, x, {}, weights)
    assert not found.unsupported
    leaves = {n: torch.tensor(v, dtype=torch.float64, requires_grad=True) for n, v in x.items()}
    kernel = kernel_of(spec, {}).to("torch")  # type: ignore[union-attr]
    out = kernel(**{n: leaves[n] for n in kernel.inputs})
    out = out if isinstance(out, dict) else {kernel.outputs[0]: out}
    sum((out[n] * torch.tensor(w)).sum() for n, w in weights.items()).backward()
    for n, leaf in leaves.items():
        assert found.values[n].shape == leaf.shape
        np.testing.assert_allclose(found.values[n], leaf.grad.numpy(), rtol=1e-9, atol=1e-11)  # type: ignore[union-attr]


def test_an_output_without_a_cotangent_does_not_count() -> None:
    spec, x = spec_of(SAMPLES["softmax"].outputs), SAMPLES["softmax"].draw(np.random.default_rng(0))
    ones = np.ones((2, 7))
    found = gradient_reference(spec, x, {}, {"lse": ones})
    np.testing.assert_allclose(found.values["x"].sum(-1), ones, rtol=1e-12)  # weights sum to 1


# Roots


def _root_spec(indexed: bool) -> Any:
    v = Scope()
    n = v.count("n")
    y = v.real("y")
    x = v.array("x", n, lo=0)[v.index("i", n)] if indexed else v.real("x", lo=0)
    from dltsym.operators import Operator
    from dltsym.oracle.statement import Statement, _described

    operator = Operator(lambda: {"y": Root(y, y * exp(y) - x, v.read(0), x)}, axes={})
    bare = Statement("lambert", "lambert", (), (), {}, grads=("x",), trees=lambda _m, _f: operator.statement())
    return _described(bare, {}, ())


@pytest.mark.parametrize("indexed", [True, False])
def test_roots_are_enclosed_and_differentiated(indexed: bool) -> None:
    from scipy.special import lambertw

    spec, x = _root_spec(indexed), np.array([0.0, 1e-9, 0.5, 1.0, 40.0, 1e5])
    found = reference(spec, {"x": x}, {})
    exact = lambertw(x).real
    assert found.level == "ball"
    assert (np.abs(found.values["y"] - exact) <= found.radius["y"] + 4e-16 * exact).all()
    assert (found.radius["y"] <= 1e-15 * exact + 1e-300).all()
    slope = gradient_reference(spec, {"x": x}, {}, {"y": np.ones(6)})
    np.testing.assert_allclose(slope.values["x"], np.exp(-exact) / (1 + exact), rtol=1e-12)


# Statements


def test_statements_come_from_text_kernels_and_mappings() -> None:
    v = Scope()
    a, b = v.pos("a"), v.pos("b")
    for what, names in (
        ("a*exp(b)", v),
        (a * exp(b), None),
        ({"value": a * exp(b)}, None),
        (compile(a * exp(b)), None),
    ):
        spec = spec_of(what, names=names)
        assert [i.name for i in spec.inputs] == ["a", "b"]
        assert reference(spec, {"a": 2.0, "b": 1.0}, {}).values["value"] == 2 * np.e
        assert spec.grads == ("a", "b")


def test_modes_and_inputs_are_checked() -> None:
    spec = spec_of("attention.one_sided_eot")
    with pytest.raises(UnknownKey, match="no mode"):
        reference(spec, {}, {"causl": True})
    with pytest.raises(UnknownKey, match="not among"):
        reference(spec, {}, {"causal": 1})
    with pytest.raises(DomainError, match="input q is missing"):
        reference(spec, {"k": np.ones((3, 2))}, {})
    fixed = spec_of("attention.one_sided_eot", modes={"causal": True})
    assert fixed.modes == {"causal": (True,)}
    with pytest.raises(UnknownKey, match="attention"):
        spec_of("attention.one_sided_eott")


def test_absent_inputs_have_their_value() -> None:
    spec, rng = spec_of("attention.one_sided_eot"), np.random.default_rng(0)
    x = {"q": rng.standard_normal((2, 3, 4)), "k": rng.standard_normal((2, 5, 4)), "v": rng.standard_normal((2, 5, 3))}
    x |= {"tau": np.array(2.0)}
    given = reference(spec, x | {"lp": np.zeros(5), "slope": np.array(0.0)}, {})
    left = reference(spec, x | {"lp": None}, {})
    assert np.array_equal(given.values["o"], left.values["o"])


def test_a_gradient_where_the_slope_may_vanish_is_not_known() -> None:
    spec = spec_of("pac_bayes.kl_inverse")
    inputs = {"q": np.array([0.2, 0.6, 0.2]), "c": np.array([0.0, 1e-40, 1e-3])}
    for root in roots_of(spec, {}):
        for wrt in ("q", "c"):
            found = root_gradient(spec, root, inputs, np.array([1.0, -2.0, 1.0]), wrt)
            assert np.isinf(found.radius[wrt]).tolist() == [True, True, False]


@pytest.mark.parametrize("level", ["auto", "sharp"])
def test_a_root_that_float64_loses_is_found_in_balls(level: str) -> None:
    spec = spec_of("pac_bayes.kl_inverse")
    inputs = {"q": np.array([0.6, 0.3]), "c": np.array([1e-30, 1e-12])}
    for root in roots_of(spec, {}):
        found = root_reference(spec, root, inputs)
        apart = np.sqrt(2 * inputs["q"] * (1 - inputs["q"]) * inputs["c"])  # to first order
        wanted = inputs["q"] + apart if root.name == "p" else 1 - inputs["q"] - apart
        assert (np.abs(found.values[root.name] - wanted) <= found.radius[root.name] + 1e-12).all()
        assert (found.radius[root.name] <= 2 * np.spacing(wanted)).all()
        slope = inputs["q"] * (1 - inputs["q"]) / apart * (1 if root.name == "p" else -1)
        given = root_gradient(spec, root, inputs, np.ones(2), "c", level)
        assert (np.abs(given.values["c"] - slope) <= given.radius["c"] + 1e-5 * np.abs(slope)).all()
        assert given.radius["c"][1] <= 1e-8 * abs(slope[1])
