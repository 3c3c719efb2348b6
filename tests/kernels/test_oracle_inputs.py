"""Recipes of values and automatic cases: deterministic, exact in the type, inside the domain, odd in every size."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from oracle_subjects import softmax_average

from dltsym import Scope, log
from dltsym.errors import DomainError, ShapeError
from dltsym.implementation import Case
from dltsym.oracle.cases import automatic, length, make_inputs, replay
from dltsym.oracle.formats import FORMATS, rounded
from dltsym.oracle.spec import SpecInput
from dltsym.oracle.statement import spec_of
from dltsym.oracle.values import KINDS, draw, layout_of, settled, tensor

REAL = SpecInput("x", ("n", "m"))
OPEN = SpecInput("x", ("n",), lo=0.0, hi=1.0, lo_open=True, hi_open=True)


def drawn(recipe: Any, shape: tuple[int, ...] = (6, 50), seed: int = 0) -> Any:
    """Draw a recipe."""
    return draw(recipe, np.random.default_rng(seed), shape, REAL)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(), (1,), (7,), (2, 3, 5)])
def test_every_kind_has_every_shape(kind: str, shape: tuple[int, ...]) -> None:
    x = drawn(kind, shape)
    assert x.shape == shape
    assert np.isfinite(x).all()
    assert np.array_equal(x, drawn(kind, shape))


def test_factors_shifts_and_changes() -> None:
    plain = drawn("normal")
    assert np.allclose(drawn("12 normal"), 12 * plain)
    assert np.allclose(drawn("normal + 300"), plain + 300)
    assert np.allclose(drawn("1e-3 normal - 0.5"), plain / 1000 - 0.5)
    assert (drawn("-200, first 5")[:, 0] == 5).all()
    assert (drawn("-200, first 5")[:, 1:] == -200).all()
    half = drawn("half -inf")
    assert np.isneginf(half[:, :25]).all()
    assert np.isfinite(half[:, 25:]).all()
    assert 0.1 < np.isnan(drawn("normal, some nan")).mean() < 0.5
    assert (drawn("equal") == drawn("equal")[:1]).all()
    spikes = drawn("spike")
    assert ((spikes > 0).sum(-1) == 1).all()
    assert np.allclose(drawn("simplex").sum(-1), 1)
    assert np.array_equal(drawn(lambda rng, shape: np.full(shape, 2.0)), np.full((6, 50), 2.0))


@pytest.mark.parametrize("recipe", ["nromal", "normal + x", "half", "normal, third -inf", "12 12"])
def test_what_is_no_recipe_is_an_error(recipe: str) -> None:
    with pytest.raises(DomainError, match="no recipe"):
        drawn(recipe)


def test_a_function_of_another_shape_is_an_error() -> None:
    with pytest.raises(DomainError, match="shape"):
        drawn(lambda _rng, _shape: np.ones(3))


@pytest.mark.parametrize("dtype", FORMATS)
def test_rounding_stays_inside_the_domain(dtype: str) -> None:
    x = settled(np.array([1e-60, 0.3, 1 - 2.0**-53, 1 - 1e-9]), dtype, OPEN)
    assert ((x > 0) & (x < 1)).all()
    assert np.array_equal(x, rounded(x, dtype))


@pytest.mark.parametrize("layout", ["", "view", "transposed"])
def test_layouts_hold_the_same_values(layout: str) -> None:
    x = rounded(drawn("normal", (3, 4, 5)), "float16")
    t = tensor(x, "float16", REAL, layout)
    assert np.array_equal(t.double().numpy(), x)
    assert t.is_contiguous() == (layout == "")
    assert layout_of(f"12 normal, {layout}" if layout else "normal") == layout


def test_integers_and_truths_keep_their_types() -> None:
    assert tensor(np.ones(2), "float16", SpecInput("k", ("n",), "integer")).dtype == torch.int64
    assert tensor(np.ones(2), "float16", SpecInput("k", ("n",), "bool")).dtype == torch.bool


def test_inputs_are_exact_in_their_type_and_come_from_the_seed() -> None:
    spec, case = softmax_average(), Case("a", {"n": 5, "m": 9}, {"": (2,)}, seed=3)
    x = make_inputs(spec, case, "bf16")
    assert x["x"].shape == (2, 5, 9)
    assert np.array_equal(x["x"], rounded(x["x"], "bf16"))
    assert np.array_equal(x["w"], make_inputs(spec, case, "bf16")["w"])
    assert not np.array_equal(x["x"], make_inputs(spec, Case("a", {"n": 5, "m": 9}, {"": (2,)}, seed=4), "bf16")["x"])
    assert not np.allclose(x["x"][0, 0], x["w"][0])  # every input has a stream of its own
    assert replay(spec, case, "bf16") == "softmax_average:bf16:a:3"


def test_places_of_a_lookup_are_in_range() -> None:
    v = Scope(base=0)
    n, c = v.count("n"), v.count("c")
    z, i = v.array("z", (n, c)), v.index("i", n)
    label = v.array("label", n, lo=0, hi=c - 1, entries="integer")
    spec = spec_of({"loss": -log(z[i, label[i]])})
    places = make_inputs(spec, Case("a", {"n": 400, "c": 7}), "f32")["label"]
    assert set(places.ravel()) == set(range(7))


def test_lengths_of_axes() -> None:
    assert length("2*d", {"d": 4}) == 8
    with pytest.raises(ShapeError, match="size"):
        length("q", {"d": 4})


def test_automatic_cases_are_odd_and_different() -> None:
    cases = automatic(softmax_average(), block=16)
    assert len({c.name for c in cases}) == len(cases)
    assert {s for c in cases for s in c.sizes.values()} >= {1, 2, 15, 16, 52, 33}
    assert all(c.sizes["n"] != c.sizes["m"] for c in cases if c.name != "ones")
    assert any(c.batch.get("") == (2, 3) for c in cases)
    families = {c.name for c in cases}
    assert {"x+300", "x-300", "large", "zeros", "equal", "growing"} <= families
    for case in cases:
        assert all(np.isfinite(x).all() for x in make_inputs(softmax_average(), case, "f16").values())


def test_automatic_cases_stay_in_narrow_domains() -> None:
    v = Scope()
    p, c = v.prob("p"), v.pos("c")
    spec = spec_of({"y": p * c + log(1 + c)})
    for case in automatic(spec):
        x = make_inputs(spec, case, "bf16")
        assert (x["c"] > 0).all()
        assert ((x["p"] >= 0) & (x["p"] <= 1)).all()
        assert not math.isnan(float(x["p"].sum()))
