"""Reports, the ratchet, the corpus, the search and the plots: what they show is what was found."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from oracle_subjects import BAD, candidate, contract, right, softmax_average

from dltsym import Scope, exp
from dltsym.errors import DomainError
from dltsym.implementation import Case
from dltsym.oracle import corpus, ratchet
from dltsym.oracle.candidate import Candidate
from dltsym.oracle.metrics import Comparison
from dltsym.oracle.report import Report
from dltsym.oracle.run import check
from dltsym.oracle.search import search
from dltsym.oracle.statement import Statement, spec_of
from dltsym.oracle.verdicts import of_row

CASES = (
    Case("odd", {"n": 21, "m": 34}, {"": (2,)}, seed=2),
    Case("up", {"n": 5, "m": 9}, values={"x": "normal + 300"}),
)
PLAIN: dict[str, Any] = {"relations": False, "canaries": False, "selftest": False}


def report_of(function: Any = right, **options: Any) -> Report:
    """Check a function."""
    return check(softmax_average(), candidate(function), dtypes=("f32",), cases=CASES, **(PLAIN | options))


# Reports


def test_the_table_has_a_row_for_each_output_and_a_replay_for_each_failure() -> None:
    report = report_of(BAD["no maximum"])
    table = report.table()
    assert "softmax_average  vs  candidate" in table
    assert [line.split()[0] for line in table.splitlines()[2:5]] == ["p", "y", "lse"]
    assert "FAIL  up n=5 m=9 seed=1: lse" in table
    assert table.count("replay: dltsym kernel replay 'softmax_average:f32:up:1'") == 1
    assert "\033" not in table


def test_colour_is_asked_for_and_never_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    report = report_of()
    assert "\033[32mpass" in report.table(colour=True)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\033" not in report.table()
    assert "\033" not in str(report)


def test_json_holds_everything_and_is_json() -> None:
    report = report_of(BAD["no maximum"], canaries=True, selftest=True)
    data = json.loads(json.dumps(report.json(), allow_nan=False))
    keys = {
        "schema", "theorem", "git", "kernel", "backend", "label", "device", "dtype", "arithmetic", "levels", "cases",
        "relations", "canaries", "mutation", "ratchet", "timing", "verdict", "exit_code", "hints",
    }  # fmt: skip
    assert keys - {"dtype"} <= data.keys()
    failed = next(c for c in data["cases"] if c["verdict"] == "fail")
    assert failed["replay"].startswith("dltsym kernel replay")
    assert {m["output"] for m in failed["metrics"]} == {"p", "y", "lse"}
    assert data["theorem"]["statement"]


def test_other_forms_hold_the_same_rows() -> None:
    report = report_of()
    assert report.markdown().count("\n") == len(report.rows) + 1
    tex = report.booktabs()
    assert tex.startswith(r"\begin{tabular}")
    assert tex.count(r"\\") == len(report.rows) + 1


# The ratchet


def test_the_ratchet_holds_what_was_measured_and_sees_what_is_worse(tmp_path: Path) -> None:
    report = report_of()
    assert ratchet.held_against(report, tmp_path) == []  # nothing recorded yet
    assert ratchet.held_against(report, tmp_path, update=True) == []
    (path,) = tmp_path.glob("*.json")
    assert ratchet.held_against(report, tmp_path) == []
    entries = ratchet.load(path)
    assert set(entries) == {f"candidate|{o}|f32" for o in ("p", "y", "lse")}
    ratchet.save(path, {k: replace(e, ratio=e.ratio / 10) for k, e in entries.items()})
    assert any("regressed: candidate p f32" in line for line in ratchet.held_against(report, tmp_path))


def test_small_changes_are_no_regression() -> None:
    old = {"k|y|f32": ratchet.Entry(0.4, "a"), "k|z|f32": ratchet.Entry(0.001, "a")}
    new = {"k|y|f32": ratchet.Entry(0.49, "b"), "k|z|f32": ratchet.Entry(0.05, "b")}
    assert ratchet.regressions(old, new) == []
    assert len(ratchet.regressions(old, {"k|y|f32": ratchet.Entry(0.51, "b")})) == 1


def test_what_failed_is_never_recorded(tmp_path: Path) -> None:
    ratchet.held_against(report_of(BAD["no maximum"]), tmp_path, update=True)
    (path,) = tmp_path.glob("*.json")
    assert "candidate|lse|f32" not in ratchet.load(path)


def test_a_broken_ratchet_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text("[1]", encoding="utf-8")
    with pytest.raises(DomainError, match="no ratchet"):
        ratchet.load(path)


# Search and corpus


def _exponential() -> Statement:
    v = Scope()
    x = v.real("x")
    return replace(spec_of({"y": exp(x)}), key="exponential")


def _good_exp(inputs: Any, _modes: Any) -> Any:
    return {"y": torch.exp(inputs["x"])}


def _bad_far_out(inputs: Any, _modes: Any) -> Any:
    """Be right but for a narrow band that no grid of cases meets."""
    x = inputs["x"]
    return {"y": torch.exp(x) * torch.where((x - 7.3).abs() < 0.05, 1.001, 1.0)}


@pytest.mark.parametrize(("call", "verdict"), [(_good_exp, "pass"), (_bad_far_out, "fail")])
def test_the_search_finds_what_cases_miss(call: Any, verdict: str) -> None:
    one = Candidate("exp", call, ("y",), contract)
    cases = (Case("grid", {}, {"x": (9,)}, values={"x": lambda _rng, shape: np.linspace(-5, 5, *shape)}),)
    quiet = check(_exponential(), one, dtypes=("f32",), cases=cases, **PLAIN)
    assert quiet.ok
    report = check(_exponential(), one, dtypes=("f32",), cases=cases, search=1, **PLAIN)
    assert report.verdict == verdict, report.table()
    assert "search f32:" in report.table()


def test_a_search_without_batches_is_said() -> None:
    def scalar(inputs: Any, _modes: Any) -> Any:
        return {"y": torch.tensor(float(inputs["x"])).exp()}

    report = check(
        _exponential(),
        Candidate("exp", scalar, ("y",), contract),
        dtypes=("f32",),
        cases=(Case("a", {}),),
        search=1,
        **PLAIN,
    )
    assert "nothing tried" in report.table()


def test_winners_are_kept_and_run_again(tmp_path: Path) -> None:
    bad = Candidate("exp", _bad_far_out, ("y",), contract)
    options = {"dtypes": ("f32",), "cases": (Case("a", {}),), "corpus": tmp_path, **PLAIN}
    assert not check(_exponential(), bad, search=1, **options).ok
    assert list(tmp_path.glob("exponential-f32-*.npz"))
    again = check(_exponential(), bad, **options)  # without a search
    assert [r.case.name.startswith(corpus.PREFIX) for r in again.failures] == [True]
    assert check(_exponential(), Candidate("exp", _good_exp, ("y",), contract), **options).ok


def test_the_search_climbs_in_arrays() -> None:
    def spiked(x: Any, w: Any) -> Any:
        good = right(x, w)
        return good | {"lse": good["lse"] * (1 + 3e-5 * torch.sigmoid(x.amax(-1) - 60))}

    worst = search(softmax_average(), candidate(spiked), "float32", 1.5)
    assert worst is not None
    assert worst.ratio > 20
    assert float(worst.prepared.inputs["x"].max()) > 40


# Plots


def test_a_plot_is_drawn_from_what_was_measured(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    report = report_of(BAD["all zeros"])
    report.plot(tmp_path / "ratios.png")
    assert (tmp_path / "ratios.png").stat().st_size > 1000


@pytest.mark.parametrize(("ill", "verdict"), [(0, "pass"), (5, "pass"), (6, "ill"), (10, "ill")])
def test_a_pass_that_saw_less_than_half_is_none(ill: int, verdict: str) -> None:
    parts = [Comparison("y", count=8, ill=min(ill, 8)), Comparison("y", count=2, ill=max(ill - 8, 0))]
    assert of_row(parts) == verdict
    assert of_row([*parts, Comparison("y", count=1, verdict="fail")]) == "fail"
    assert of_row([]) == of_row([Comparison("y")]) == "vacuous"
