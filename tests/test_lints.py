"""Lints: wrong attention code of many kinds is caught for the right reason, and right code is left alone."""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("torch")

import attention_code
import attention_mistakes
import torch
from attention_code import RIGHT
from attention_mistakes import WRONG

from dltsym import catalogue
from dltsym.errors import DomainError, KernelMapError, UnknownKey
from dltsym.lints import LINTS, Findings, Parameters, lint_attention, lint_parameters, lint_tolerance

CODE = Path(attention_code.__file__)
MISTAKES = Path(attention_mistakes.__file__)


def name(value: Any) -> str | None:
    return getattr(value, "__name__", None) or (type(value).__name__ if callable(value) else None)


def needs(function: Any) -> None:
    if "pot" in (name(function) or ""):
        pytest.importorskip("ot")


@pytest.mark.parametrize(("function", "options", "expected"), WRONG, ids=name)
def test_wrong_code_is_caught(function: Any, options: dict[str, Any], expected: set[str]) -> None:
    needs(function)
    found = lint_attention(function, **options)
    assert expected <= {*found.lints}, str(found)


@pytest.mark.parametrize(("function", "options"), RIGHT, ids=name)
def test_right_code_is_left_alone(function: Any, options: dict[str, Any]) -> None:
    needs(function)
    found = lint_attention(function, **options)
    assert found.ok, str(found)


@pytest.mark.parametrize("kernel", ["attention.one_sided_eot", "transport.sinkhorn"])
def test_our_kernels_are_left_alone(kernel: str) -> None:
    from importlib import import_module

    family, _, function = kernel.partition(".")
    found = lint_attention(getattr(import_module(f"dltsym.kernels.{family}"), function), "out[0]=o")
    assert found.ok, str(found)


def test_a_kernel_with_causal_mask_and_balanced_columns_is_caught_when_that_is_asked_for() -> None:
    from dltsym.kernels.transport import sinkhorn

    assert lint_attention(sinkhorn, {"causal": True, "T": 9, "out[0]": "o"}).lints == ("L6",)
    assert lint_attention(sinkhorn, {"causal": True, "marginal": '"relaxed"', "rho": "1.0", "out[0]": "o"}).ok


def test_every_finding_names_a_record() -> None:
    told = {lint.theorem for lint in LINTS.values()} | {"audits.masked_row", "attention.causal_sinkhorn"}
    assert told <= {*catalogue.keys()}


def test_what_was_measured_is_told() -> None:
    found = lint_attention(attention_mistakes.double_eps)
    assert "0.1 sqrt(d)" in found.findings[0].seen
    assert "eps is read as tau" in found.facts
    steps = lint_attention(attention_mistakes.full_iterations, half_steps=3)
    assert "3 half-steps are declared" in steps.findings[0].seen
    assert "5 half-steps" in steps.findings[0].seen


def test_a_meaning_that_is_declared_is_held_against_the_code() -> None:
    assert lint_attention(attention_code.with_multiplier).ok
    assert lint_attention(attention_code.with_multiplier, "temperature=tau").lints == ("L2",)
    assert lint_attention(attention_code.plan_for_attention, ignore=["L4"]).ok


def test_the_source_is_not_read() -> None:
    hidden = eval("lambda q, k, v: torch.softmax(q @ k.mT, -2) @ v", {"torch": torch})
    assert lint_attention(hidden).lints == ("L1",)


def test_threads_are_given_back() -> None:
    before = torch.get_num_threads()
    lint_attention(attention_code.plain)
    assert torch.get_num_threads() == before


# Parameters and matrices

S = np.sin(np.outer(np.arange(1, 5), np.arange(2, 8)))
SOFT = np.exp(S) / np.exp(S).sum(1, keepdims=True)
COLUMN = np.exp(S) / np.exp(S).sum(0)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"weights": SOFT}, ()),
        ({"weights": SOFT, "scores": S, "eps": 1.0}, ()),
        ({"weights": COLUMN}, ("L1",)),
        ({"weights": SOFT / 4}, ("L4",)),
        ({"weights": SOFT, "scores": S, "eps": 0.5}, ("L2",)),
        ({"weights": np.full((4, 6), np.nan)}, ("L19",)),
        ({"weights": SOFT * 0}, ("L19",)),
        ({"weights": np.vstack([SOFT[:3], [-1, 2, 0, 0, 0, 0]])}, ("L19",)),
        ({"plan": SOFT}, ("L4",)),
        ({"plan": 1e-4 * SOFT}, ("L19",)),
        ({"plan": np.full((4, 6), 1 / 24), "balanced": True}, ()),
        ({"eps": 0.1, "scale": 0.125}, ("L2",)),
        ({"eps": 8.0}, ()),
        ({"eps": 1.0, "scale": 0.125}, ()),
        ({"half_steps": 4}, ("L5",)),
        ({"half_steps": 5, "balanced": True}, ()),
        ({"causal": True, "balanced": True}, ("L6",)),
        ({"causal": True}, ()),
        ({"mask": np.tri(5), "balanced": True}, ("L6", "L7")),
        ({"mask": np.tri(5)}, ()),
        ({"mask": [[1, 1, 0], [0, 0, 0], [1, 1, 1]]}, ("L7",)),
        ({"mask": [[1, 0, 0], [1, 0, 0], [1, 1, 1]], "balanced": True}, ("L7",)),
        ({"mask": [[1, 1, 0], [1, 1, 0], [0, 0, 1]], "balanced": True}, ()),
        ({"mask": [[1, 1, 1], [1, 1, 0]], "balanced": True}, ()),
        ({"mask": [[1, 1], [0, 1]], "balanced": True, "a": [0.25, 0.75], "b": [0.25, 0.75]}, ("L7",)),
        ({"mask": [[1, 1], [0, 1]], "balanced": True, "a": [0.5, 0.5], "b": [0.25, 0.75]}, ()),
        ({"weights": SOFT, "mask": np.tri(4, 6, 3)}, ("L7",)),
    ],
)
def test_parameters(given: dict[str, Any], expected: tuple[str, ...]) -> None:
    found = lint_attention(**given)
    assert found.lints == expected, str(found)


def test_a_prior_that_was_divided_along() -> None:
    prior = np.log([0.1, 0.2, 0.3, 0.1, 0.1, 0.2]) * np.ones((4, 1))
    inside = np.exp((S + prior) / 0.5)
    inside /= inside.sum(1, keepdims=True)
    assert lint_attention(weights=inside, scores=S, prior=prior, eps=0.5).lints == ("L3",)


def test_potentials_in_the_wrong_form() -> None:
    rows = -np.log(np.exp(S).mean(1))
    columns = np.zeros(6)
    assert lint_attention(scores=S, eps=1.0, potentials=(rows, columns)).ok
    counting = (rows - np.log(4), columns - np.log(6))
    found = lint_attention(scores=S, eps=1.0, potentials=counting)
    assert found.lints == ("L8",)
    assert "it is 1" in found.findings[0].seen


def test_half_steps_of_a_matrix() -> None:
    from dltsym.lints.family import half_steps

    every = half_steps(S, 1.0, 9)
    assert lint_attention(weights=every[6], scores=S, eps=1.0, half_steps=7).ok
    assert lint_attention(weights=every[2], scores=S, eps=1.0, half_steps=7).lints == ("L5",)
    assert np.allclose(every[0], SOFT, rtol=1e-14)


def test_feasible_masks_agree_with_matchings() -> None:
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching

    from dltsym.systems import support

    random = np.random.default_rng(0)
    for _ in range(40):
        keep = random.random((5, 5)) < 0.4
        size = int((maximum_bipartite_matching(csr_array(keep.astype(int)), "column") >= 0).sum())
        plans = support(keep)
        assert plans.carried == pytest.approx(size / 5, abs=1e-9)
        found = lint_attention(mask=keep, balanced=True)
        assert ("the mass can be carried" in str(found)) == (size < 5)
        if size == 5:  # a pair is used by some plan where the rest of the mask still has a matching
            rest = [np.delete(np.delete(keep, i, 0), j, 1) for i, j in np.argwhere(keep)]
            sizes = [(maximum_bipartite_matching(csr_array(r.astype(int)), "column") >= 0).sum() for r in rest]
            dying = sum(int(s) < 4 for s in sizes)
            assert plans.vanishing.sum() == dying
            assert (f"{dying} allowed pairs are in no plan" in str(found)) == (dying > 0)


def test_masses_of_a_mask_need_not_be_normalised() -> None:
    keep = np.array([[True, False], [True, True]])
    carried = "at most 0.75 of the mass can be carried"  # 1 of the 2 of the first query, all of the second
    assert carried in str(lint_attention(mask=keep, balanced=True, a=[2.0, 2.0], b=[1.0, 3.0]))


# Tolerances


def test_a_vacuous_tolerance() -> None:
    assert len(lint_tolerance(0.2, 0, shape=(100, 100)).findings) == 4
    assert lint_tolerance(1e-3, 0, shape=(100, 100)).ok
    assert lint_tolerance(0, 1e-2, shape=(100, 100)).ok
    assert lint_tolerance(0, 1.0, shape=(100, 100)).lints == ("L20",)
    assert lint_attention(attention_code.plain, tolerance=(1.0, 0.0)).lints == ("L20",)


def test_a_test_that_accepts_nan() -> None:
    def small(got: Any, expected: Any) -> None:
        assert not (np.abs(got - expected) > 1e-6).any()

    found = lint_tolerance(accepts=small)
    assert ["nan" in f.seen for f in found.findings] == [True]
    assert lint_tolerance(accepts=lambda got, expected: np.allclose(got, expected, 1e-4, 1e-7)).ok


def test_a_marginal_test_that_zeros_pass() -> None:
    def marginal(got: Any, expected: Any) -> bool:
        return bool((np.abs(got / 100 - 1 / 100) <= 0.05).all())

    assert "zeros" in lint_tolerance(accepts=marginal, of="rows", shape=(100, 100)).findings[0].seen


# Doors


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({}, KernelMapError),
        ({"what": attention_code.plain, "eps": 1.0}, KernelMapError),
        ({"what": lambda x, y: x}, KernelMapError),
        ({"eps": -1.0}, DomainError),
        ({"tolerance": (float("nan"), 0.0)}, DomainError),
        ({"mask": [True, False]}, DomainError),
        ({"weights": SOFT, "scores": S[:2], "eps": 1.0}, DomainError),
        ({"what": attention_code.plain, "ignore": ["L0"]}, UnknownKey),
    ],
)
def test_misuse(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        lint_attention(**options)


def test_findings_are_plain_data() -> None:
    found = lint_parameters(Parameters(eps=0.1, scale=0.125))
    assert isinstance(found, Findings)
    assert json.loads(json.dumps(found.json()))["findings"][0]["theorem"] == "attention.one_sided_eot"


def run(*words: str) -> Any:
    from dltsym.cli import main

    return CliRunner().invoke(main, ["lint", "attention", *words])


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        ([f"{MISTAKES}:printed_sinkhorn"], 1, "L1 wrong axis"),
        ([f"{CODE}:nothing"], 2, "no 'nothing'"),
        (["--tolerance", "0.05,0", "--shape", "100,100"], 1, "L20"),
        (["--tolerance", "x"], 2, "two numbers"),
        ([], 2, "name a function"),
    ],
)
def test_command(words: list[str], status: int, told: str) -> None:
    result = run(*words)
    assert (result.exit_code, told in result.output + str(result.stderr)) == (status, True), result.output


def test_a_hang_is_one_finding_after_one_wait() -> None:
    def hangs(q: Any, k: Any, v: Any) -> Any:
        calls.append(q.shape)
        time.sleep(60)

    calls: list[Any] = []
    found = lint_attention(hangs, timeout=0.2)
    assert (found.lints, len(calls)) == (("L24",), 1)
    assert "stopped after 0.2 s" in found.findings[0].seen


def test_a_failure_of_ours_is_no_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise IndexError("a defect")

    monkeypatch.setattr("dltsym.oracle.calling.Once._argument", broken)
    with pytest.raises(IndexError, match="a defect"):
        lint_attention(attention_code.plain)


def test_command_writes_json_and_survives_a_crash(tmp_path: Path) -> None:
    result = run(f"{CODE}:with_multiplier", "--map", "temperature=tau", "--json", "-")
    assert [f["lint"] for f in json.loads(result.output)["findings"]] == ["L2"]
    bad = tmp_path / "bad.py"
    bad.write_text("import os\n\n\ndef attend(q, k, v):\n    os._exit(3)\n", encoding="utf-8")
    assert run(f"{bad}:attend").exit_code == 4
