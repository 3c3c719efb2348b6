"""References: balls, certified programs, gradients, roots; and what must not count as known."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from statements import SAMPLES

from dltsym import Root, Scope, compile, exp
from dltsym.errors import DomainError, UnknownKey
from dltsym.oracle import reference as module
from dltsym.oracle.gradients import gradient_reference
from dltsym.oracle.reference import reference
from dltsym.oracle.statement import kernel_of, spec_of

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
