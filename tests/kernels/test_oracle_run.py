"""The check itself: good candidates pass, each bad one fails, null kernels pass nowhere, nothing unknown passes."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from oracle_subjects import BAD, BROKEN_RELATION, candidate, right, softmax_average

from dltsym.errors import DomainError
from dltsym.implementation import Case
from dltsym.oracle.candidate import Candidate
from dltsym.oracle.run import check, judge, prepare, run_case

CASES = (
    Case("ones", {"n": 1, "m": 1}),
    Case("odd", {"n": 21, "m": 34}, {"": (2,)}, seed=2),
    Case("cut", {"n": 9, "m": 65}, values={"x": "normal, view", "w": "view"}, seed=3),
    Case("large", {"n": 7, "m": 40}, values={"x": "12 normal"}, seed=4),
    Case("up", {"n": 7, "m": 40}, values={"x": "normal + 300"}, seed=5),
    Case("down", {"n": 7, "m": 40}, values={"x": "normal - 300"}, seed=6),
)
PLAIN = {"relations": False, "canaries": False, "selftest": False}


def checked(function: Any, dtypes: Any = ("f32",), **options: Any) -> Any:
    """Check a function on the cases of this file."""
    return check(softmax_average(), candidate(function), dtypes=dtypes, cases=CASES, **(PLAIN | options))


@pytest.mark.parametrize("dtype", ["f64", "f32", "f16", "bf16"])
def test_a_good_candidate_passes(dtype: str) -> None:
    report = checked(right, (dtype,))
    assert report.verdict == "pass", report.table()
    assert report.exit_code == 0
    assert {r.output for r in report.rows} == {"p", "y", "lse"}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_candidate_fails(name: str) -> None:
    report = checked(BAD[name])
    assert report.exit_code == 1, report.table()
    assert report.failures
    assert all(f.replay.startswith("softmax_average:f32:") for f in report.failures)


@pytest.mark.parametrize("dtype", ["f64", "f32", "f16", "bf16"])
def test_zeros_pass_nowhere(dtype: str) -> None:
    report = checked(BAD["all zeros"], (dtype,))
    assert {r.verdict for r in report.rows if r.output != "lse"} == {"fail"}
    assert not any(r.verdict == "pass" and r.case.name != "ones" for r in report.results)


def test_gradients_are_judged() -> None:
    def leaky(x: Any, w: Any) -> Any:
        good = right(x, w)
        return {**good, "y": good["y"] + 0.001 * (w - w.detach()).sum(-1, keepdim=True)}

    cases = CASES[1:3]
    spec = softmax_average()
    for function, code in ((right, 0), (leaky, 1)):
        report = check(spec, candidate(function), dtypes=("f32",), cases=cases, grads=("x", "w"), **PLAIN)
        assert report.exit_code == code, report.table()
        assert {"dx", "dw"} <= {r.output for r in report.rows}


def test_outputs_that_autograd_does_not_reach_are_named() -> None:
    part = candidate(lambda x, w: right(x, w) | {"lse": right(x, w)["lse"].detach()})
    report = check(softmax_average(), part, dtypes=("f32",), cases=CASES[1:2], grads=("x",), **PLAIN)
    assert "gradients through lse are untested" in report.table()


def test_gradients_that_are_missing_are_zero_and_fail() -> None:
    def cut(x: Any, w: Any) -> Any:
        return {**right(x, w), "y": right(x, w.detach())["y"]}

    report = check(softmax_average(), candidate(cut), dtypes=("f32",), cases=CASES[1:2], grads=("w",), **PLAIN)
    assert [r.output for r in report.rows if r.verdict == "fail"] == ["dw"]


@pytest.mark.parametrize("error", [RuntimeError("boom"), ValueError("bad"), IndexError("far")])
def test_an_exception_is_a_crash(error: Exception) -> None:
    def broken(_x: Any, _w: Any) -> Any:
        raise error

    report = checked(broken)
    assert (report.verdict, report.exit_code) == ("crash", 4)
    assert str(error) in report.table()


def test_a_changed_input_is_a_crash() -> None:
    def call(inputs: Any, _modes: Any) -> Any:
        out = right(inputs["x"], inputs["w"])
        inputs["x"].mul_(2)
        return out

    spoiled = replace(candidate(right), call=call)
    result = run_case(softmax_average(), spoiled, CASES[1], "f32")
    assert (result.verdict, result.kind) == ("crash", "mutated input")


def test_a_missing_output_fails() -> None:
    report = checked(lambda x, w: {"p": right(x, w)["p"]})
    assert report.exit_code == 1
    assert "not returned" in report.table()


def test_two_runs_must_give_the_same_bits() -> None:
    calls = iter(range(10**6))

    def unsteady(x: Any, w: Any) -> Any:
        good = right(x, w)
        return {**good, "lse": torch.nextafter(good["lse"], torch.tensor(1e9)) if next(calls) % 2 else good["lse"]}

    report = check(softmax_average(), candidate(unsteady), dtypes=("f32",), cases=CASES[1:2], **PLAIN)
    assert "different bits" in report.table()
    assert report.exit_code == 1


def test_no_case_is_no_pass() -> None:
    report = check(softmax_average(), candidate(right), dtypes=("f32",), cases=(), **PLAIN)
    assert (report.ok, report.exit_code) == (False, 3)


def test_what_a_candidate_does_not_take_is_skipped_and_said() -> None:
    narrow = candidate(right, dtypes=("float32",))
    report = check(softmax_average(), narrow, dtypes=("f32", "bf16"), cases=CASES[:2], **PLAIN)
    assert [r.verdict for r in report.results].count("skip") == 2
    assert "does not take" in report.table()
    none = check(softmax_average(), narrow, dtypes=("bf16",), cases=CASES[:2], **PLAIN)
    assert none.exit_code == 3


@pytest.mark.parametrize("gone", ["w", "bf16", "empty"])
def test_what_was_asked_for_and_never_judged_is_no_pass(gone: str) -> None:
    spec, case = softmax_average(), CASES[1]
    absent = replace(spec, inputs=tuple(replace(i, absent=1.0) if i.name == "w" else i for i in spec.inputs))
    weighted = candidate(lambda x, w: right(x, w))
    unweighted = replace(weighted, call=lambda x, m: weighted.call({"w": torch.ones(34), **x}, m))
    if gone == "w":
        left = replace(case, values={"w": "absent"})
        report = check(absent, unweighted, dtypes=("f32",), cases=(left,), grads=("x", "w"), **PLAIN)
    elif gone == "bf16":
        only = replace(case, dtypes=("f32",))
        report = check(spec, weighted, dtypes=("f32", "bf16"), cases=(only,), **PLAIN)
    else:
        report = check(spec, weighted, dtypes=("f32",), cases=(replace(case, batch={"": (0,)}),), **PLAIN)
        assert {r.verdict for r in report.rows} == {"vacuous"}
    assert (report.verdict, report.exit_code) == ("vacuous", 3)
    assert {"w": "dw", "bf16": "in bf16 by any case: p, y, lse", "empty": "vacuous"}[gone] in report.table()


def test_an_empty_case_beside_others_says_nothing() -> None:
    cases = (CASES[1], replace(CASES[1], batch={"": (0,)}))
    assert check(softmax_average(), candidate(right), dtypes=("f32",), cases=cases, **PLAIN).ok
    flat = candidate(lambda x, w: right(x, w) | {"y": torch.zeros(len(x), 1)} if x.numel() == 0 else right(x, w))
    assert check(softmax_average(), flat, dtypes=("f32",), cases=cases, **PLAIN).exit_code == 1


def test_a_gradient_that_the_statement_does_not_have_is_an_error() -> None:
    with pytest.raises(DomainError, match="no gradient by z"):
        check(softmax_average(), candidate(right), dtypes=("f32",), cases=CASES[1:2], grads=("z",), **PLAIN)


def test_outputs_that_are_left_out_are_named() -> None:
    part = candidate(right, outputs=("p",))
    report = check(softmax_average(), part, dtypes=("f32",), cases=CASES[1:2], **PLAIN)
    assert report.ok
    assert "does not return: y, lse" in report.table()


def test_a_bias_within_the_tolerance_rings_the_bell_for_kernels_of_others() -> None:
    case = Case("wide", {"n": 4, "m": 300}, seed=3)
    spec, options = softmax_average(), {"dtypes": ("f32",), "cases": (case,), **PLAIN}
    first = torch.from_numpy(prepare(spec, case, "f32", candidate(right).arithmetic("float32")).inputs["w"])

    def biased(x: Any, w: Any, always: bool = True) -> Any:
        off = 2.0**-20 if always or torch.equal(w.double(), first) else 0.0
        return right(x, w) | {"y": right(x, w)["y"] + off}

    assert check(spec, candidate(right), **options).more["notes"] == []
    judged = check(spec, candidate(biased), **options)
    assert (judged.exit_code, judged.failures) == (1, ()), judged.table()
    assert "5 of 5 inputs are beyond 6" in judged.table()
    listed = check(spec, candidate(lambda x, w: biased(x, w, always=False)), **options)
    assert listed.ok, listed.table()
    assert "1 of 5 inputs are beyond 6" in listed.table()
    assert check(spec, candidate(biased, kind="kernel"), **options).ok


def test_prepared_cases_are_judged_as_often_as_needed() -> None:
    spec, good = softmax_average(), candidate(right)
    ready = prepare(spec, CASES[1], "f32", good.arithmetic("float32"), ("x",))
    assert judge(spec, good, ready).verdict == "pass"
    assert judge(spec, candidate(BAD["base 2"]), ready).verdict == "fail"


def test_progress_comes_before_each_case() -> None:
    told: list[tuple[int, int, str]] = []
    checked(right, progress=lambda *state: told.append(state))
    assert [done for done, _, _ in told] == list(range(len(CASES)))
    assert told[0][1:] == (len(CASES), "softmax_average:f32:ones:1")


def test_a_case_with_an_unknown_input_is_an_error() -> None:
    case = Case("typo", {"n": 2, "m": 2}, values={"y": "normal"})
    with pytest.raises(DomainError, match="no input y"):
        check(softmax_average(), candidate(right), dtypes=("f32",), cases=(case,))


def test_inputs_that_the_mapping_fixes_are_fixed_before_the_reference() -> None:
    seen: list[Any] = []

    def call(inputs: Any, modes: Any) -> Any:
        seen.append(inputs["w"].clone())
        return candidate(right).call(inputs, modes)

    fixed = Candidate(
        "fixed", call, ("y",), candidate(right).arithmetic, fixed={"w": lambda z: 1 / z["m"]}, untested=("w",)
    )
    report = check(softmax_average(), fixed, dtypes=("f32",), cases=CASES[1:2], **PLAIN)
    assert report.ok
    assert np.allclose(seen[0], 1 / 34)
    assert "untested" in report.table()


# Relations, null kernels, wrong formulas


def test_relations_hold_for_a_good_candidate_and_see_a_bad_one() -> None:
    spec, cases = softmax_average(), CASES[1:3]
    options = {"cases": cases, "grads": ("x", "w"), "canaries": False, "selftest": False}
    good = check(spec, candidate(right), dtypes=("f32", "bf16"), **options)
    assert {r.verdict for r in good.found.relations} == {"pass"}, good.table()
    bad = check(spec, candidate(BAD["no maximum"]), dtypes=("f32",), **options)
    assert {r.name for r in bad.found.relations if r.verdict == "fail"} >= {"x + 300", "x - 300"}


def test_a_relation_that_does_not_hold_fails_a_good_candidate() -> None:
    spec = replace(softmax_average(), relations=(BROKEN_RELATION,))
    report = check(spec, candidate(right), dtypes=("f32",), cases=CASES[1:2], canaries=False, selftest=False)
    assert report.exit_code == 1
    assert "lse - 1" in report.table()


def test_null_kernels_are_rejected_unless_the_check_is_blind() -> None:
    spec, good = softmax_average(), candidate(right)
    sharp = check(spec, good, dtypes=("f32",), cases=CASES, relations=False, selftest=False)
    assert sharp.found.canaries.passed == ()
    blind = check(spec, good, dtypes=("f32",), cases=CASES[:1], relations=False, selftest=False)
    assert blind.found.canaries.passed  # one number: the first input is the log-sum-exp
    assert (blind.verdict, blind.exit_code) == ("vacuous", 3)


def test_wrong_formulas_are_caught_and_the_score_is_told() -> None:
    report = check(softmax_average(), candidate(right), dtypes=("f32",), cases=CASES, relations=False)
    score = report.found.selftest
    assert len(score.tried) >= 10
    assert score.missed == ()
    assert f"{len(score.tried)}/{len(score.tried)} wrong formulas rejected" in report.table()


def test_a_check_that_catches_no_wrong_formula_is_vacuous() -> None:
    spec = softmax_average()
    easy = Case("one column", {"n": 3, "m": 1}, values={"x": "zeros", "w": "zeros"})
    report = check(spec, candidate(right), dtypes=("f32",), cases=(easy,), relations=False, canaries=False)
    assert not report.found.selftest.enough
    assert report.exit_code == 3
