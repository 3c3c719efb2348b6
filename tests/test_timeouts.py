"""Budgets are kept and said, memory is bounded, Ctrl-C is prompt and leaves the cache as it should be."""

import hashlib
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cases as tables
import pytest
import record_files as files

from dltsym import cases as case_files
from dltsym.cache import Cache
from dltsym.cases.task import Library, prove_case
from dltsym.notation.walk import key
from dltsym.pool import GuardedPool, TaskTimeout, WorkerDied
from dltsym.prove import decide as deciding
from dltsym.prove.decide import NORMAL, Effort, decide, run_engine
from dltsym.prove.engines import Engine, engines
from dltsym.prove.problem import Problem
from dltsym.prove.verdict import OPEN, PROVED, Verdict, open_, proved
from dltsym.task import Memo, hurried

PROBLEM = tables.build("x**2 >= 0")
HARD = "diff(exp(exp(exp(x**2)))*sin(x**3), x, 8) = 0"


def spin(problem: Problem) -> Verdict:
    """Work for ever, in frames of ours, where a budget can stop it."""
    while True:
        key(problem.goal)


def block(seconds: float) -> None:
    """Wait in C for ever: no signal handler of Python runs meanwhile, and no budget can stop it."""
    with deciding.time_limit(seconds):
        sum(itertools.repeat(1, 10**15))


def eat() -> int:
    """Use more memory than there is."""
    return len([bytes(1 << 26) for _ in range(1 << 10)])


def engine(run: Callable[[Problem], Verdict], order: int = 1) -> Engine:
    return Engine(f"slow {order}", "exact", order, ("=", "<", "<=", "!="), 60.0, run)


# Budgets


def test_the_engines_of_a_step_share_ten_seconds() -> None:
    assert (NORMAL.seconds, NORMAL.in_all) == (10.0, 30.0)
    assert all(NORMAL.of(e, 10.0) <= 5.0 for e in engines())
    assert Effort(seconds=2.0).in_all == 6.0
    assert Effort(0.1).of(engine(spin)) == 6.0
    assert Effort(0.1).of(engine(spin), 0.5) == 0.25


def test_when_the_time_of_a_step_is_over_it_is_still_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    late = Engine("late", "tested", 900, ("<=",), 1.0, lambda _: proved("late", "tested"))
    monkeypatch.setattr(deciding, "engines", lambda: (*(engine(spin, k) for k in range(1, 40)), late))
    assert decide(PROBLEM, Effort(seconds=1.0)).engine == "late"


def test_an_engine_out_of_time_is_open_and_says_so_in_a_field() -> None:
    verdict = run_engine(engine(spin), PROBLEM, Effort(seconds=0.05))
    assert (verdict.status, verdict.evidence["timeout"]) == (OPEN, True)
    assert verdict.evidence["reason"].startswith("timeout")


def test_a_later_engine_gets_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    done = engine(lambda _: proved("last", "exact"), 2)
    monkeypatch.setattr(deciding, "engines", lambda: (engine(spin), done))
    assert decide(PROBLEM, Effort(seconds=1.0)).engine == "last"


def test_an_open_verdict_says_which_engines_ran_out_of_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    calls = iter([engine(spin, 1), engine(lambda _: open_("idle", "no idea"), 2)])
    both = tuple(calls)
    monkeypatch.setattr(deciding, "engines", lambda: both)
    memo = Memo(Cache(tmp_path))
    verdict = decide(PROBLEM, Effort(seconds=1.0), memo)
    assert verdict.evidence["timeout"] is True
    assert sorted(t.get("timeout", False) for t in verdict.evidence["tried"]) == [False, True]
    assert Cache(tmp_path).size() == (0, 0)  # more time, or a quieter machine, may settle it
    monkeypatch.setattr(deciding, "engines", lambda: both[1:])
    assert "timeout" not in decide(PROBLEM, Effort(seconds=1.0), memo).evidence
    assert Cache(tmp_path).size()[0] == 1


def test_more_time_is_another_question(tmp_path: Path) -> None:
    memo = Memo(Cache(tmp_path))
    assert decide(PROBLEM, Effort(seconds=1.0), memo).status == PROVED
    assert decide(PROBLEM, Effort(seconds=2.0), memo).status == PROVED
    assert Cache(tmp_path).size()[0] == 2


@pytest.mark.parametrize(("data", "late"), [
    ({"timeout": True}, True), ({"steps": [{"evidence": {"tried": ({"timeout": True},)}}]}, True), ({}, False),
    ({"timeout": False, "reason": '"timeout: "'}, False), ({"timeout": "yes"}, False), ({"a": [1, None, "b"]}, False),
])  # fmt: skip
def test_only_the_field_says_that_time_ran_out(data: dict[str, object], late: bool) -> None:
    assert hurried(data) is late


def test_a_case_that_cannot_even_be_stated_in_time_is_open() -> None:
    text = json.dumps([{"id": "a", "symbols": {"x": "real"}, "claim": HARD}])
    [case] = case_files.read(case_files.document(text.encode(), "f.json"))
    made = prove_case(case, Library({}, {}), Cache(None), 0.05)
    assert (made["status"], made["grade"], made["timeout"]) == ("open", "open", True)


# What a budget cannot stop, the pool does


@pytest.mark.skipif(sys.platform != "linux", reason="memory limits and forked workers are those of Linux")
def test_the_pool_stops_what_does_not_listen_and_what_eats_memory() -> None:
    with GuardedPool(2, timeout=1.5) as pool:
        deaf, fine = pool.submit(block, 0.1), pool.submit(len, "abc")
        with pytest.raises(TaskTimeout, match=r"stopped after 1\.5 s"):
            deaf.result(60)
        assert fine.result(60) == 3
    with GuardedPool(1, timeout=50, memory=1 << 30) as pool:  # on a busy machine it takes a while to eat that much
        greedy, fine = pool.submit(eat), pool.submit(len, "abc")
        with pytest.raises((MemoryError, WorkerDied)):
            greedy.result(60)
        assert fine.result(60) == 3
    text = json.dumps([{"id": "a", "claim": "1 = 1"}])
    [case] = case_files.read(case_files.document(text.encode(), "f.json"))
    assert case_files._result(case, deaf)[0]["timeout"] is True
    assert [case_files._result(case, f)[0]["status"] for f in (deaf, greedy)] == ["open", "open"]


# Ctrl-C and two at once


def command(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    """Start the command line as a user would, with a cache of its own and a mark on everything it starts.

    Trap: where the tests run in the background of a shell, SIGINT is ignored, and children would inherit that.
    """
    environment = os.environ | {
        "DLTSYM_CACHE_DIR": str(folder / "cache"),
        "DLTSYM_PACKS": f"-core{os.pathsep}{folder / 'records'}",
        "DLTSYM_TEST_MARK": str(folder),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "dltsym", *arguments],
        cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip


def alive(folder: Path) -> list[str]:
    """List the processes that `command` started and that are still there."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and f"DLTSYM_TEST_MARK={folder}".encode() in (entry / "environ").read_bytes():
                found.append(entry.name)
        except OSError:
            continue
    return found


def intact(folder: Path) -> int:
    """Count the entries of the cache, after checking that each of them is whole."""
    entries = list((folder / "cache").glob("??/*.json"))
    for path in entries:
        checksum, _, body = path.read_bytes().partition(b"\n")
        assert hashlib.sha256(body).hexdigest() == checksum.decode()
    return len(entries)


SLOW = files.GOOD.replace('claim="(x + 1)**2 = x**2 + 2*x + 1"', f'claim="{HARD}"').replace(
    'proof=derive("(x + 1)**2").eq("x**2 + 2*x + 1", "expand"),\n    ', ""
)


@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")
@pytest.mark.parametrize("verb", ["prove", "verify"])
def test_an_interrupt_is_prompt_and_leaves_nothing_behind(verb: str, tmp_path: Path) -> None:
    (tmp_path / "records").mkdir()
    files.write(tmp_path / "records", algebra__square=files.GOOD, algebra__slow=SLOW)
    easy = {"id": "quick", "symbols": {"x": "real"}, "claim": "(x + 1)**2 = x**2 + 2*x + 1"}
    rows = [easy, {"id": "slow", "symbols": {"x": "real"}, "claim": HARD}]
    (tmp_path / "f.json").write_text(json.dumps(rows))
    arguments = ["prove", "f.json", "--timeout", "100"] if verb == "prove" else ["verify", "-j", "2"]
    running = command(tmp_path, *arguments)
    assert running.stderr is not None
    said = next(line for line in running.stderr if line.startswith("[1/2]"))
    assert "exact" in said
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert err == "Interrupted\n"
    assert out == ""
    deadline = time.monotonic() + 30
    while alive(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert alive(tmp_path) == []
    kept = intact(tmp_path)
    assert kept
    (tmp_path / "f.json").write_text(json.dumps([easy]))
    again = command(tmp_path, *(arguments if verb == "prove" else [*arguments, "algebra.square"]))
    assert again.communicate(timeout=120)[1].startswith("[1/1] exact")
    assert again.returncode == 0
    assert intact(tmp_path) >= kept


def test_two_runs_at_once_share_the_cache(tmp_path: Path) -> None:
    (tmp_path / "records").mkdir()
    user = files.USER.replace("LEMMA", "algebra.square")
    files.write(tmp_path / "records", algebra__square=files.GOOD, algebra__user=user, audits__slip=files.AUDIT)
    both = [command(tmp_path, "verify", "-q", "--json", "--out", f"out{k}") for k in range(2)]
    made = [json.loads(run.communicate(timeout=120)[0]) for run in both]
    assert [run.returncode for run in both] == [0, 0]

    def bare(data: object) -> object:
        if isinstance(data, dict):
            return {k: bare(v) for k, v in data.items() if k != "seconds"}
        return [bare(v) for v in data] if isinstance(data, list) else data

    assert bare(made[0]) == bare(made[1])
    assert intact(tmp_path)
    warm = command(tmp_path, "verify", "-q", "--json")
    assert bare(json.loads(warm.communicate(timeout=120)[0])) == bare(made[0])


def test_a_report_says_open_timeout_in_words() -> None:
    from dltsym.render.view import shown_grade

    assert shown_grade("open", {"timeout": True}) == "open (timeout)"
    assert shown_grade("open", {"reason": "no idea"}) == "open"
