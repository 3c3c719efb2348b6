"""The words for relations: each holds for a right function, fails for a wrong one, and reads numpy and torch alike."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from oracle_subjects import candidate, contract, right, softmax_average

from dltsym.errors import DomainError
from dltsym.implementation import Case
from dltsym.operators import Law, Relation
from dltsym.oracle.prepare import Prepared, prepare
from dltsym.oracle.relations import run_one
from dltsym.relations import (
    adds,
    duplicated,
    euler,
    filled,
    gradient_shift,
    increasing,
    later,
    padded,
    permuted,
    rotated,
    scaled,
    shifted,
    split,
    sums_to,
    swapped,
    within,
)

CASE = Case("odd", {"n": 6, "m": 21}, {"": (2,)}, seed=2)


def outcome(one: Relation | Law, function: Any = right, dtype: str = "float32") -> Any:
    """Run a relation on the softmax average."""
    return run_one(softmax_average(), replace(candidate(function), kind="kernel"), one, _ready(dtype))


@cache
def _ready(dtype: str) -> Prepared:
    return prepare(softmax_average(), CASE, dtype, contract(dtype), ("x", "w"))


def wrong(**changes: Any) -> Any:
    """Return the right function with changed outputs."""
    return lambda x, w: (good := right(x, w)) | {o: f(good, x, w) for o, f in changes.items()}


PLACED = wrong(y=lambda good, x, w: good["y"] + 1e-3 * w[..., :1])
WEIGHTLESS = {"x": (-1, -1e4), "w": (-1, 7.0)}
TRUE = (
    (shifted("x", 300, {"lse": 300}), wrong(lse=lambda good, x, w: x.exp().sum(-1).log())),
    (shifted("x", -300, {"lse": -300}), wrong(lse=lambda good, x, w: good["lse"].clamp(min=-100))),
    (permuted({"x": -1, "w": -1}, {"p": -1}), PLACED),
    (permuted({"x": -2}, {"p": -2, "y": -1, "lse": -1}), wrong(lse=lambda good, x, w: good["lse"].sort(-1).values)),
    (scaled({"w": 2}, {"y": 2}, exact=True), wrong(y=lambda good, x, w: good["y"] + 1e-6)),
    (filled({"w": 1}, {"y": 1}), wrong(y=lambda good, x, w: 1.001 * good["y"])),
    (
        padded({"x": (-1, -1e4), "w": (-1, 7.0)}, only=("y", "lse")),
        wrong(y=lambda good, x, w: good["y"] + w.mean(-1, True)),
    ),
    (padded({"x": (-1, -1e4), "w": (-1, 7.0)}, first=True, only=("y", "lse")), PLACED),
    (adds("w", "y"), wrong(y=lambda good, x, w: good["y"] ** 2)),
    (split({"x": -1, "w": -1}, "lse", ["y"]), wrong(y=lambda good, x, w: w.mean(-1, keepdim=True) + 0 * good["y"])),
    (increasing("x", "lse"), wrong(lse=lambda good, x, w: -good["lse"])),
    (sums_to("p", 1), wrong(p=lambda good, x, w: good["p"] * 1.001)),
    (within("p", 0, 1), wrong(p=lambda good, x, w: good["p"] + 1)),
    (within("lse", lo=lambda x, out: x["x"].max(-1)), wrong(lse=lambda good, x, w: good["lse"] - 4)),
    (euler({"w": 1}, {"y": 1}), wrong(y=lambda good, x, w: good["y"] + 0.01)),
    (gradient_shift("x", {"lse": 1}), wrong(lse=lambda good, x, w: 1.01 * good["lse"])),
)
"""Relations of the softmax average, each with a wrong function that it sees."""


@pytest.mark.parametrize(("one", "bad"), TRUE, ids=lambda x: getattr(x, "name", None))
@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
def test_true_relations_hold(one: Any, bad: Any, dtype: str) -> None:
    found = outcome(one, dtype=dtype)
    assert found.verdict == "pass", found


@pytest.mark.parametrize(("one", "bad"), TRUE, ids=lambda x: getattr(x, "name", None))
def test_each_relation_sees_a_wrong_function(one: Any, bad: Any) -> None:
    assert outcome(one, bad).verdict == "fail"


def test_a_relation_that_needs_a_missing_output_is_skipped() -> None:
    found = outcome(shifted("x", 1, {"lse": 1}, only="lse"), lambda x, w: {"p": right(x, w)["p"]})
    assert found.verdict == "skip" or found.verdict == "crash"


def test_exact_relations_are_exact() -> None:
    one = scaled({"w": 2}, {"y": 2}, exact=True, only="y")
    assert outcome(one).verdict == "pass"
    calls = iter((False, True))

    def last_bit(good: Any, _x: Any, _w: Any) -> Any:
        return torch.nextafter(good["y"], torch.tensor(1e9)) if next(calls) else good["y"]

    last = wrong(y=last_bit)
    assert outcome(one, last).verdict == "fail"


# Numpy and torch


def _draws(**shapes: tuple[int, ...]) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {n: rng.standard_normal(s) for n, s in shapes.items()}


CHANGES: tuple[tuple[Relation, dict[str, Any]], ...] = (
    (shifted("a", 2), _draws(a=(3, 4))), (scaled({"a": 2, "b": 4}), _draws(a=(3,), b=())),
    (permuted({"a": -2, "b": -1}), _draws(a=(5, 3), b=(5,))), (permuted({"a": (-1, -2)}), _draws(a=(2, 5, 5))),
    (swapped("a", "b"), _draws(a=(3, 4), b=(3, 4))), (filled({"a": 7}, {}), _draws(a=(2, 2))),
    (padded({"a": (-2, 1.0), "b": (-1, -np.inf)}), _draws(a=(3, 2), b=(3,))),
    (duplicated({"a": -2, "b": -1}, "b"), _draws(a=(4, 2), b=(4,))), (later({"a": -2}, {"y": -1}), _draws(a=(7, 2))),
    (rotated("a"), _draws(a=(3, 5))), (rotated("a"), _draws(a=(2, 3, 4))), (adds("a", "y"), _draws(a=(3, 4))),
    (split({"a": -1}, "y"), _draws(a=(2, 7))), (increasing("a", "y"), _draws(a=(3,))),
)  # fmt: skip


@pytest.mark.parametrize(("one", "inputs"), CHANGES, ids=lambda x: getattr(x, "name", None))
def test_changes_are_the_same_for_numpy_and_torch(one: Relation, inputs: Mapping[str, Any]) -> None:
    before = {n: x.copy() for n, x in inputs.items()}
    plain = one.change(dict(inputs))
    tensors = one.change({n: torch.from_numpy(np.array(x)) for n, x in inputs.items()})
    pairs = [(plain, tensors)] if isinstance(plain, Mapping) else list(zip(plain, tensors, strict=True))
    for a, b in pairs:
        assert all(np.allclose(a[n], b[n].numpy(), atol=1e-15) for n in inputs)
    assert all(np.array_equal(before[n], inputs[n]) for n in inputs)  # nothing is changed in place


def test_rotations_keep_products() -> None:
    x = _draws(a=(6, 5))["a"]
    turned = np.asarray(rotated("a").change({"a": x})["a"])
    assert np.allclose(turned @ turned.T, x @ x.T)
    assert not np.allclose(turned, x)


def test_later_entries_hide_what_may_change() -> None:
    one = later({"k": -2}, {"y": -1})
    x = _draws(k=(9, 2))
    expected = one.expect({"y": np.ones(9), "z": np.ones(3)}, x)
    assert list(np.isnan(expected["y"])) == [False] * 6 + [True] * 3
    assert "z" not in expected
    assert np.array_equal(one.change(dict(x))["k"][:6], x["k"][:6])


def test_a_relation_that_compares_nothing_is_skipped() -> None:
    hidden = Relation("hidden", dict, lambda out, x: {"y": np.full(np.shape(out["y"]), np.nan)})
    other = Relation("other", dict, lambda out, x: {"absent": 1.0})
    for one in (hidden, replace(hidden, exact=True), other, replace(other, exact=True)):
        found = outcome(one)
        assert (found.verdict, found.message) == ("skip", "it leaves no entry to compare"), one


@pytest.mark.parametrize("error", [KeyError("w"), DomainError("no"), RuntimeError("boom")])
def test_a_candidate_that_raises_in_a_changed_call_crashes(error: Exception) -> None:
    def brittle(x: Any, w: Any) -> Any:
        if x.max() > 100:
            raise error
        return right(x, w)

    found = outcome(shifted("x", 300, {"lse": 300}), brittle)
    assert (found.verdict, type(error).__name__ in found.message) == ("crash", True)


def test_exact_relations_hold_bit_for_bit_in_our_kernels_only() -> None:
    one = Relation("again", lambda x: {**x, "x": x["x"] + 0.0}, lambda out, x: out, exact=True)
    calls = iter(range(10**6))

    def unsteady(x: Any, w: Any) -> Any:
        good = right(x, w)
        return good | {"lse": torch.nextafter(good["lse"], torch.tensor(1e9)) if next(calls) % 2 else good["lse"]}

    assert outcome(one, unsteady).verdict == "fail"
    assert run_one(softmax_average(), candidate(unsteady), one, _ready("float32")).verdict == "pass"
