"""The checks of the GPU run reject what they must, without a device: nan, integers, results that nobody judged."""

import math

import gpu_check
import gpu_device
import gpu_suite
import gpu_work
import numpy as np
import pytest
import torch

TRUE = np.array([1.0, 2.0, -np.inf])
STEP = np.array([5e-7, 0.0, 0.0])
LIMIT = np.array([1e-6, 1e-6, 1e-6])


def solved(**arrays: np.ndarray) -> gpu_suite.Solved:
    """Return a case with one output y."""
    known = {"in/x": np.ones(3), "value/y": TRUE, "limit/y": LIMIT, "radius/y": np.zeros(3)}
    return gpu_suite.Solved("family.kernel", "case", "f32", {}, {"x": "float32"}, ("y",), known | arrays)


@pytest.mark.parametrize(
    ("got", "passes"),
    [
        (TRUE, True),
        (TRUE + STEP, True),
        (TRUE + 4 * STEP, False),
        (np.array([np.nan, 2.0, -np.inf]), False),
        (np.array([1.0, np.inf, -np.inf]), False),
        (np.array([1.0, 2.0, -1e30]), False),
        (TRUE[:2], False),
    ],
)
def test_results_are_held_against_their_tolerance(got: np.ndarray, passes: bool) -> None:
    assert (gpu_suite.worst({"y": got}, solved())[0] <= 1) == passes
    assert gpu_suite.worst({}, solved())[0] == math.inf


def test_entries_that_no_tolerance_sees_are_not_judged() -> None:
    blind = solved(**{"limit/y": np.array([np.inf, np.nan, 5.0]), "value/y": np.array([1.0, 2.0, 3.0])})
    assert gpu_suite.judged(solved()) == {"y"}
    assert gpu_suite.judged(blind) == set()
    assert gpu_suite.worst({"y": np.zeros(3)}, blind)[0] == 0.0
    assert gpu_check.unjudged("family.kernel", [blind]) == ["y in f32"]
    assert gpu_check.unjudged("family.kernel", [blind, solved()]) == []


def test_large_calls_allow_neither_nan_nor_other_integers() -> None:
    true = torch.tensor([1.0, 2.0, -math.inf], dtype=torch.float64)
    near, off = true.float() + 1e-7, true.float() + 1e-3
    ratio = gpu_check._ratio
    assert ratio(near, near, true, 2.0**-24) <= 1
    assert ratio(off, near, true, 2.0**-24) > 1
    assert ratio(torch.tensor([math.nan, 2.0, -math.inf]), near, true, 2.0**-24) == math.inf
    spoiled = torch.full((3,), math.nan)
    assert ratio(off, spoiled, true, 2.0**-24) > 1  # a twin that breaks down allows nothing
    whole = torch.tensor([3, 4])
    assert ratio(whole, whole, whole, 0.0) == 0
    assert ratio(whole + 1, whole, whole, 0.0) == math.inf


def test_slow_calls_are_timed_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    timer = gpu_device.Timer("cpu", 50)
    assert timer.measure([lambda: None])["runs"] == 100
    monkeypatch.setattr(gpu_device, "PATIENCE", 0.0)
    assert timer.measure([lambda: None])["runs"] == 2 * gpu_device.FEWEST


@pytest.mark.filterwarnings("ignore:flex_attention called without:UserWarning")
def test_flex_attention_as_a_peer_computes_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_work, "_compiled", lambda function: function)
    given = next(iter(gpu_work.works("attention.one_sided_eot", "cpu", "f32", "tiny"))).inputs()

    def plain(x: gpu_work.Inputs) -> torch.Tensor:
        return torch.softmax(x["q"] @ x["k"].mT / x["tau"] + x["lp"][..., None, :], -1) @ x["v"]

    exact = plain(gpu_check._double(given))
    assert gpu_check._ratio(gpu_work._flex(given), plain(given), exact, 2.0**-24) <= 1
