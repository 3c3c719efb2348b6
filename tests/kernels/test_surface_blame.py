"""Whose fault something is: the callable's, the mapping's, the oracle's own; and functions of one input at a time."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from dltsym import Scope, exp
from dltsym.errors import InternalError, KernelMapError
from dltsym.implementation import Case
from dltsym.oracle import calling, calls, hints, replay, run, sandbox, search
from dltsym.oracle.adapters import candidate, resolve
from dltsym.oracle.gradients import gradient_reference
from dltsym.oracle.prepare import prepare
from dltsym.oracle.replay import cases as chosen
from dltsym.oracle.sandbox import Request
from dltsym.oracle.spec import Spec
from dltsym.oracle.statement import spec_of
from dltsym.oracle.tolerance import gradient_tolerance

PLAIN = Case("plain", {"n": 5, "d": 7})
MANY = Case("many", {"n": 5, "d": 7}, batch={"": (2, 3)}, seed=2)


@cache
def softmax() -> Spec:
    """Softmax of the rows of x plus a prior."""
    v = Scope()
    n, d = v.count("n"), v.count("d")
    x, b = v.array("x", (n, d)), v.array("b", d)
    i, c = v.index("i", n), v.index("c", d)
    return spec_of({"p": exp(x[i, c] + b[c]) / v.sum(lambda e: exp(x[i, e] + b[e]), d)})


def report(function: Callable[..., Any], mapping: str = "", *cases: Case, **options: Any) -> Any:
    """Check on a case without batches and one with."""
    own = candidate(function, softmax(), mapping)
    more = {"relations": False, "canaries": False, "selftest": False, "dtypes": ["f32"]} | options
    return run.check(softmax(), own, cases=cases or (PLAIN, MANY), **more)


def right(x: Any, b: Any) -> Any:
    """Return what is right for any batches."""
    return torch.softmax(x + b[..., None, :], -1)


def single(x: Any, b: Any) -> Any:
    """Return what is right, for one input at a time."""
    _rows, _columns = x.shape
    return torch.softmax(x + b, 1)


def silent(x: Any, b: Any) -> Any:
    """Sum over the wrong axis where there are batches."""
    return torch.softmax(x + b[..., None, :], 1)


@pytest.mark.parametrize("function", [single, silent])
def test_a_function_of_one_input_at_a_time_is_told_how_to_say_so(function: Any) -> None:
    found = report(function)
    assert found.verdict in ("crash", "fail")
    (words,) = [h for h in found.more["hints"] if "one input at a time" in h]
    assert '--map "x=x:nd, b=b:d"' in words
    assert report(function, "x=x:nd, b=b:d").ok


def test_a_function_that_fails_without_batches_too_gets_no_such_advice() -> None:
    for function in (lambda x, b: right(x, b) * 1.01, lambda x, b: right(x, b)[..., :-1]):
        found = report(function)
        assert not found.ok
        assert not [h for h in found.more.get("hints", ()) if "one input" in h]
    assert "hints" not in report(right).more


def test_a_complex_result_does_not_lose_its_imaginary_part() -> None:
    found = report(lambda x, b: right(x, b) + 1j)
    assert found.verdict == "crash"
    assert "complex64" in found.failures[0].message
    assert report(lambda x, b: right(x, b) + 1j, "out.real=p").ok


def test_an_entry_of_one_array_is_no_result() -> None:
    found = report(right, "out[0]=p")
    assert {r.kind for r in found.failures} == {"map"}
    assert "one array and no tuple" in found.failures[0].message
    assert report(lambda x, b: (right(x, b), 0), "out[0]=p").ok


def test_who_ends_the_program_crashes() -> None:
    def ends(x: Any, b: Any) -> Any:
        raise SystemExit(0)

    found = report(ends)
    assert [r.verdict for r in found.results] == ["crash", "crash"]
    assert "ended the program" in found.failures[0].message


def test_a_result_in_a_coarser_type_is_named_as_that() -> None:
    found = report(lambda x, b: right(x, b).half())
    assert found.verdict == "fail"
    assert "comes in float16" in found.more["hints"][0]
    assert not found.more["diagnosis"]
    assert not hints.coarse("p", "float64", prepare(softmax(), PLAIN, "f32", run_contract("float32")))


def run_contract(dtype: str) -> Any:
    """Return what is promised by default."""
    return candidate(right, softmax()).arithmetic(dtype)


# Gradients of parts


def halves(x: Any, b: Any) -> Any:
    """Compute in single precision and return the type of the inputs, for one input at a time."""
    return torch.softmax(x.float() + b.float(), 1).to(x.dtype)


PARTS = Case("parts", {"n": 5, "d": 7}, batch={"x": (40,)}, seed=5)


@pytest.mark.parametrize("dtype", ["f16", "bf16"])
def test_gradients_of_parts_are_added_without_further_roundings(dtype: str) -> None:
    for seed in range(4):
        found = report(halves, "x=x:nd, b=b:d", PARTS, dtypes=[dtype], grads=("x", "b"), seed=seed)
        assert found.ok, str(found)


def test_parts_that_are_wrong_still_fail() -> None:
    class Off(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, b: Any) -> Any:
            return b.clone()

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:  # type: ignore[override]
            return 1.1 * g

    found = report(lambda x, b: halves(x, Off.apply(b)), "x=x:nd, b=b:d", PARTS, dtypes=["f16"], grads=("x", "b"))
    assert {r.output: r.verdict for r in found.rows} == {"p": "pass", "dx": "pass", "db": "fail"}


def test_only_sums_over_parts_are_charged_their_roundings() -> None:
    arithmetic = run_contract("float16")
    ready = prepare(softmax(), PARTS, "f16", arithmetic, ("x", "b"))
    known = (softmax(), ready.inputs, ready.modes, ready.cotangents)
    whole, parts = (gradient_tolerance(*known, arithmetic, None, p).limit for p in ((), (-1,)))
    assert np.array_equal(whole["x"], parts["x"])
    assert (parts["b"] > whole["b"]).all()
    each = []  # the gradient of every part
    for k in range(40):
        one = {"x": ready.inputs["x"][k], "b": ready.inputs["b"]}
        each.append(gradient_reference(softmax(), one, {}, {"p": ready.cotangents["p"][k]}).values["b"])
    extra = parts["b"] - whole["b"]
    assert (extra <= 2.0**-11 * np.abs(each).sum(0) * 1.01 + 40 * 2.0**-25).all()
    assert (extra >= 2.0**-12 * np.abs(each).sum(0)).all()
    own = candidate(right, softmax())
    assert own.parts is not None
    assert own.parts({"x": (40, 5, 7), "b": (7,)}) == ()
    looped = candidate(halves, softmax(), "x=x:nd, b=b:d")
    assert looped.parts is not None
    assert looped.parts({"x": (40, 5, 7), "b": (7,)}) == (-1,)


# Errors


def file(folder: Path, text: str) -> str:
    """Write a file of a user."""
    path = folder / "users_file.py"
    path.write_text("import torch\n" + text)
    return str(path)


GOOD = "def f(a, b):\n    return torch.logaddexp(a, b)\n"
QUICK = {"cases": 2, "canaries": False, "selftest": False, "relations": False}


@pytest.mark.parametrize("text", ["1 / 0", "def f(:", "import sys; sys.exit(0)", "raise KeyError('mine')"])
def test_a_file_that_cannot_be_imported_is_misuse(tmp_path: Path, text: str) -> None:
    with pytest.raises(KernelMapError, match=r"users_file\.py cannot be imported: \w+"):
        resolve(file(tmp_path, text) + ":f")


def test_an_error_of_the_oracle_is_not_put_on_the_callable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    request = Request(file(tmp_path, GOOD) + ":f", "information.lse_two", **QUICK)  # type: ignore[arg-type]
    monkeypatch.setattr(run, "prepare", trouble)
    with pytest.raises(ZeroDivisionError) as found:
        sandbox.answered(request)
    assert not sandbox.by_candidate(found.value)
    answer = sandbox.broken(request, "case", found.value)
    assert answer.exit_code == sandbox.INTERNAL
    assert answer.data["verdict"] == "error"
    assert "dltsym itself failed" in answer.text
    assert "a mistake of ours" in answer.text
    assert "CRASH" not in answer.text


def test_an_error_behind_the_door_is_the_callables() -> None:
    def raises(x: Any, b: Any) -> Any:
        raise OverflowError("mine")

    for function in (raises, lambda x, b: math_domain(-1.0)):
        with pytest.raises((OverflowError, ValueError)) as found:
            candidate(function, softmax()).call({"x": torch.zeros(2, 3), "b": torch.zeros(3)}, {})
        assert sandbox.by_candidate(found.value)


def trouble(*_: Any, **__: Any) -> Any:
    """Be a mistake of ours."""
    raise ZeroDivisionError("a mistake of ours")


@pytest.mark.parametrize(
    ("home", "name"),
    [(calls, "tensor"), (calls, "layouts"), (calling, "kept"), (calling, "Evaluator"), (calls, "_type")],
)
def test_an_error_of_ours_on_the_way_to_a_candidate_is_no_crash_of_it(
    home: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = candidate(right, softmax())
    ready = prepare(softmax(), Case("one", {"n": 3, "d": 4}), "f32", own.arithmetic("float32"))
    assert run.judge(softmax(), own, ready).verdict == "pass"
    monkeypatch.setattr(home, name, trouble)
    with pytest.raises(InternalError, match=r"dltsym itself failed in the case .*a mistake of ours"):
        run.judge(softmax(), own, ready)


def test_an_error_of_ours_is_an_internal_error_of_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    request = Request(file(tmp_path, GOOD) + ":f", "information.lse_two", **QUICK)  # type: ignore[arg-type]
    monkeypatch.setattr(calls, "layouts", trouble)
    with pytest.raises(InternalError) as found:
        sandbox.answered(request)
    assert not sandbox.by_candidate(found.value)


def test_errors_of_a_callable_stay_its_own_in_every_place() -> None:
    class Slope(torch.autograd.Function):
        @staticmethod
        def forward(_: Any, x: Any) -> Any:  # type: ignore[override]
            return x.clone()

        @staticmethod
        def backward(_: Any, *slopes: Any) -> Any:
            raise LookupError("no way back")

    def unsplit(x: Any, b: Any) -> Any:
        return right(Slope.apply(x), b)

    def ragged(x: Any, b: Any) -> Any:
        return ([[1.0], [1.0, 2.0]],)

    def raises(x: Any, b: Any) -> Any:
        raise LookupError("no such thing")

    for function, grads, text in (
        (unsplit, ("x",), "no way back"),
        (ragged, (), "inhomogeneous"),
        (raises, (), "no such thing"),
    ):
        own = candidate(function, softmax())
        ready = prepare(softmax(), Case("one", {"n": 3, "d": 4}), "f32", own.arithmetic("float32"), grads)
        found = run.judge(softmax(), own, ready)
        assert found.verdict == "crash"
        assert text in found.message


def math_domain(x: float) -> float:
    """Raise in C, where there is no frame."""
    import math

    return math.sqrt(x)


def test_a_mapping_that_fits_no_case_is_misuse(tmp_path: Path) -> None:
    what = file(tmp_path, "def f(a, b):\n    return {'y': torch.logaddexp(a, b)}\n") + ":f"
    answer = sandbox.answered(Request(what, "information.lse_two", **QUICK))  # type: ignore[arg-type]
    assert answer.exit_code == sandbox.USAGE
    assert "out['y']" in answer.text


def test_what_is_no_message_in_the_pipe_is_passed_over() -> None:
    message = {"done": 0, "total": 1, "label": "x"}
    assert sandbox._message(json.dumps(message).encode()) == message
    for line in (b"hello", b"3", b'{"answer": 3}', b'{"answer": {"exit_code": 0}}', b'{"label": "x"}', b"\xff"):
        assert sandbox._message(line) is None


def test_a_replay_has_the_seed_of_the_case() -> None:
    own = candidate(right, softmax())
    wanted = replay.parsed("statement:f32:batch:77")
    request = Request("u:f", "u:s", only=wanted.case, seed=wanted.seed)
    (case,) = chosen(softmax(), own, right, request)
    assert case.seed + request.seed == 77


def test_a_search_finds_an_input_that_the_callable_cannot_take() -> None:
    def picky(x: Any, b: Any) -> Any:
        if bool((x.abs() > 30).any()):
            raise RuntimeError("too large")
        return right(x, b)

    own = candidate(picky, softmax())
    worst = search.search(softmax(), own, "float32", 2.0)
    assert worst is not None
    assert np.abs(worst.prepared.inputs["x"]).max() > 30
    assert run.judge(softmax(), own, worst.prepared).verdict == "crash"
    assert search.search(softmax(), candidate(single, softmax()), "float32", 1.0) is None
