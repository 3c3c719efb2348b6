"""The verbs on kernels, each check in a process of its own; and checks inside a test run."""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryFile

import pytest
import torch
from click.testing import CliRunner, Result

from dltsym.cli import main
from dltsym.errors import UnsupportedError
from dltsym.oracle import replay, sandbox
from dltsym.oracle.adapters import candidate
from dltsym.oracle.run import check
from dltsym.oracle.sandbox import Request
from dltsym.oracle.statement import spec_of
from dltsym.testing import KernelConformance, assert_matches, kernels_in

KEY = "information.lse_two"
ABSENT = ("lp=absent, slope=absent",)
USER = """
import ctypes, os, time
import torch

def good(x, y):
    return torch.logaddexp(x, y)

def bad(x, y):
    return torch.logaddexp(x, 1.001 * y)

def dies(x, y):
    os.abort()

def sleeps(q, k, v, tau):
    time.sleep(30)

def spoils(q, k, v, tau):
    q.add_(1)
    return v

def hangs(x, y):
    while True:
        pass
"""


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Write a file of a user."""
    path = tmp_path_factory.mktemp("user") / "users_kernels.py"
    path.write_text(USER)
    return str(path)


def run(*arguments: str) -> Result:
    """Run the command line in this process."""
    return CliRunner().invoke(main, ["kernel", *arguments])


def test_a_key_is_still_a_verb() -> None:
    shown, named = run(KEY, "--signature"), run("KEY", "--signature", KEY)
    assert shown.exit_code == 0
    assert shown.output == named.output
    assert "kernel(" in shown.output
    assert run("--backend", "numpy", KEY).output.startswith("# kernel")
    assert "did you mean check" in run("chek").output.lower()
    assert run("no.such_key").exit_code == 2
    assert all(verb in run("--help").output for verb in ("list", "check", "bench", "mutate", "resources", "replay"))


def test_list() -> None:
    rows = json.loads(run("list", "--json").output)
    assert {"kernel", "key", "backend", "dtypes", "grads", "label"} == set(rows[0])
    assert "attention.one_sided_eot" in run("list").output


def test_a_good_function_and_its_record(user: str, tmp_path: Path) -> None:
    where = tmp_path / "record.json"
    done = run(
        "check", f"{user}:good", "--against", KEY, "--map", "x=a, y=b", "--json", str(where), "--dtype", "f32,f64"
    )
    assert done.exit_code == 0, done.output
    assert "pass" in done.output
    record = json.loads(where.read_text())
    assert record["verdict"] == "pass"
    assert record["exit_code"] == 0
    assert record["cases"]


def test_a_wrong_function_and_a_replay(user: str) -> None:
    done = run("check", f"{user}:bad", "--against", KEY, "--map", "x=a, y=b", "--cases", "2", "--no-selftest")
    assert done.exit_code == 1, done.output
    assert "FAIL" in done.output
    [first, *_] = [line for line in done.output.splitlines() if line.startswith("replay: ")]
    name = first.split("'")[1]
    again = run("replay", name)
    assert again.exit_code == 1, again.output
    assert "users_kernels.py:bad" in again.output


def test_a_crash_is_a_verdict(user: str) -> None:
    answer = sandbox.run(Request(f"{user}:dies", KEY, mapping=("x=a, y=b",), cases=1, selftest=False))
    assert answer.exit_code == sandbox.CRASH
    assert "SIGABRT" in answer.text
    assert "before the first case" in answer.text


def test_a_hang_is_a_verdict(user: str) -> None:
    request = Request(f"{user}:hangs", KEY, mapping=("x=a, y=b",), cases=1, selftest=False, canaries=False, timeout=1)
    answer = sandbox.answered(request)
    assert answer.exit_code == sandbox.CRASH
    assert "stopped after 1 s" in answer.text


def test_misuse_says_what_to_do(user: str) -> None:
    done = run("check", f"{user}:good")
    assert done.exit_code == 2
    assert "--against KEY" in done.output
    answer = sandbox.answered(Request(f"{user}:good", KEY))
    assert answer.exit_code == sandbox.USAGE
    assert "KernelMapError" in answer.text
    assert "--map" in answer.text
    assert run("check", f"{user}:good", "--against", KEY, "--dtype", "f23").exit_code == 2
    assert run("check", "no.kernel").exit_code == 2
    assert run("mutate").exit_code == 2
    assert run("replay", "nonsense").exit_code == 2


def test_what_is_missing_is_status_5(monkeypatch: pytest.MonkeyPatch, user: str) -> None:
    if not torch.cuda.is_available():
        answer = sandbox.answered(Request(f"{user}:good", KEY, device="cuda"))
        assert answer.exit_code == sandbox.MISSING
        assert run("bench", "attention").exit_code == 5
        assert run("bench", "attention", "--allow-skip").exit_code == 0
    from dltsym.cli import asking

    monkeypatch.setattr(asking, "find_spec", lambda name: None)
    for verb in (("check", f"{user}:good", "--against", KEY), ("mutate", "attention"), ("resources", "attention")):
        done = run(*verb)
        assert done.exit_code == 5
        assert "pip install dltsym[" in done.output
    monkeypatch.setattr(asking, "find_spec", lambda name: None if name == "triton" else name)
    done = run("check", "attention.one_sided_eot", "--cases", "1")
    assert done.exit_code == 5
    assert "pip install dltsym[gpu]" in done.output


def test_names_of_cases() -> None:
    assert replay.parsed("a.b:f32:x:y:3") == replay.Replay("a.b", "f32", "x:y", 3)
    assert replay.spread(list(range(10)), 3) == (0, 3, 6)
    assert replay.ours("attention.one_sided_eot") is not None


# In a test run


def test_the_text_of_a_failure_is_the_table() -> None:
    mapping = {"x": "a", "y": "b"}
    assert assert_matches(lambda x, y: torch.logaddexp(x, y), KEY, ("f32", "f64"), mapping, selftest=False).ok
    with pytest.raises(AssertionError) as caught:
        assert_matches(lambda x, y: torch.maximum(x, y), KEY, "f32", mapping, selftest=False)
    assert "max err/T" in str(caught.value)
    assert f"replay: dltsym kernel replay '{KEY}:f32:" in str(caught.value)


LAUNCH = """
import torch, triton, pytest
import triton.language as tl
from dltsym.errors import UnsupportedError
from dltsym.testing import assert_matches

@triton.jit
def kernel(a, b, o, BLOCK: tl.constexpr):
    tl.store(o, tl.load(a) + tl.load(b))

def launch(a, b):
    o = torch.empty_like(a)
    kernel[(1,)](a, b, o, 1)
    return o

try:
    assert_matches(launch, "information.lse_two")
except UnsupportedError as error:
    print(error)
"""


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU to launch on")
def test_a_kernel_that_cannot_run_here_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("triton", reason="the triton backend is optional: pip install dltsym[gpu]")
    monkeypatch.setenv("TRITON_INTERPRET", "0")
    (tmp_path / "launch.py").write_text(LAUNCH)
    done = subprocess.run([sys.executable, tmp_path / "launch.py"], capture_output=True, text=True, check=False)
    assert "TRITON_INTERPRET=1" in done.stdout, done.stderr


def test_kernels_of_a_pack_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "packed.py").write_text(
        f'from dltsym import implements\n\n@implements("{KEY}", backend="torch", dtypes=("f32",))\n'
        "def lse(a, b):\n    import torch\n    return torch.logaddexp(a, b)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    [(name, function)] = kernels_in(("packed",)).items()
    assert name == "lse"

    class Mine(KernelConformance):
        modules = ("packed",)

    Mine().test_kernel_matches_its_theorem(function, "float32")


def test_marked_tests_are_skipped_with_one_reason(tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    (tmp_path / "test_it.py").write_text("import pytest\n\n@pytest.mark.gpu\ndef test_it():\n    assert False\n")
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "1 skipped" in done.stdout, done.stdout + done.stderr
    assert "no CUDA device" in done.stdout


def test_a_marker_of_another_project_is_its_own(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n    gpu: ours, of another framework\n")
    (tmp_path / "test_it.py").write_text("import pytest\n\n@pytest.mark.gpu\ndef test_it():\n    pass\n")
    command = [sys.executable, "-m", "pytest", "-q", "--strict-markers", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_what_a_function_does_on_the_first_call_of_all_is_a_crash_too(user: str) -> None:
    for name, told in (("sleeps", "was stopped after 1 s"), ("spoils", "changed its input q")):
        request = Request(f"{user}:{name}", "attention.one_sided_eot", mapping=ABSENT, timeout=1)
        answer = sandbox.answered(request)
        assert answer.exit_code == sandbox.CRASH, answer.text
        assert told in answer.text


def test_where_it_died_is_told() -> None:
    with TemporaryFile() as log:
        log.write(b"Fatal Python error: Aborted\n\nCurrent thread (most recent call first):\n  File mine.py, line 3\n")
        log.write(b"  File ours.py\n" * 300)
        ended = subprocess.run([sys.executable, "-c", "raise SystemExit(3)"], check=False)
        answer = sandbox._obituary(Request("mine.py:f", KEY), ended, log, "", 0.0)  # type: ignore[arg-type]
    assert "mine.py, line 3" in answer.text
    assert len(answer.text.splitlines()) < 20


def test_a_hang_is_not_waited_for_again_and_again() -> None:
    def hangs(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        raise TimeoutError("stopped")

    spec = spec_of(KEY)
    report = check(spec, candidate(hangs, spec, "x=a, y=b"), dtypes=("f32", "f64"), selftest=False)
    assert report.exit_code == 4
    assert [r.verdict for r in report.results[:3]] == ["crash", "crash", "skip"]
    assert "had to be stopped" in report.table()


def test_a_result_in_a_coarser_type_is_not_allowed_its_rounding() -> None:
    def rounded(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return torch.logaddexp(x, y).half()

    spec = spec_of(KEY)
    report = check(spec, candidate(rounded, spec, "x=a, y=b"), dtypes=("f32",), selftest=False)
    assert report.exit_code == 1


def test_so_many_cases_are_cases_that_it_takes() -> None:
    spec = spec_of("attention.one_sided_eot")
    own = candidate(lambda q, k, v, tau: v, spec, {**dict.fromkeys(("lp", "slope"), "absent"), "out": "o"})
    chosen = replay.cases(spec, own, "", Request("", spec.key, cases=4))
    assert len(chosen) == 4
    assert not any(c.modes.get("causal") for c in chosen)


def test_in_process_refusal_names_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    from dltsym.kernels.attention import one_sided_eot

    monkeypatch.setenv("TRITON_INTERPRET", "0")
    with pytest.raises(UnsupportedError, match="one_sided_eot launches a Triton kernel"):
        assert_matches(one_sided_eot, "attention.one_sided_eot", device="cpu")
