"""`dltsym prove FILE.json` at the shell: what it prints, exit statuses, and files that mean harm."""

import json
import subprocess
import sys
from concurrent.futures import Future
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from click.testing import CliRunner

from dltsym import cases
from dltsym.cache import Cache
from dltsym.cli import main
from dltsym.pool import WorkerDied

ROOT = Path(__file__).parents[1]
CASE = {"id": "a", "symbols": {"x": "real"}, "claim": "x = x"}


def run(*arguments: str, status: int = 0, text: str | None = None) -> Any:
    result = CliRunner().invoke(main, ["prove", *arguments], input=text)
    assert result.exit_code == status, f"{result.output}\n{result.exception!r}"
    assert "Traceback" not in result.stderr
    return result


# The command line


def test_the_shipped_example() -> None:
    path = str(ROOT / "examples" / "cases.json")
    data = json.loads(run(path, "-q", "--json").stdout)
    assert [o["id"] for o in data] == [c.id for c in cases.read(cases.document(Path(path).read_bytes(), path))]
    assert [o["status"] for o in data] == ["proved"] * 4 + ["refuted", "vacuous", "open"]
    keys = {"id", "status", "grade", "engine", "seconds", "witness", "certificate", "rows", "reason", "timeout"}
    assert all(keys <= set(o) for o in data)
    assert data[4]["witness"]
    shown = run(path, "-q")
    assert "pinsker" in shown.stdout
    assert "7 cases" in shown.stdout


@pytest.mark.parametrize("error", [ZeroDivisionError("ours"), WorkerDied("it ended"), MemoryError()])
def test_a_failure_of_ours_is_not_the_open_that_was_expected(error: Exception) -> None:
    broken: Future[Any] = Future()
    broken.set_exception(error)
    read = cases.read(cases.document(json.dumps([CASE | {"expect": "open"}]).encode(), "cases.json"))
    [made] = cases.run(read, Cache(None), executor=Mock(submit=lambda *_: broken))
    assert (made["status"], made["ok"]) == ("open", False)
    assert made["reason"]


def test_one_bad_case_stops_no_other_and_the_order_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    rows = [CASE, CASE | {"id": "b", "claim": "x +* 1 = 2"}, CASE | {"id": "c", "claim": "x = 1"}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = run(str(path), "-o", str(tmp_path / "new" / "out.json"), "--no-cache", "-j", "2", status=1)
    data = json.loads((tmp_path / "new" / "out.json").read_text())
    assert [(o["id"], o["status"]) for o in data] == [("a", "proved"), ("b", "error"), ("c", "refuted")]
    assert data[1]["error"]["column"] == 4
    assert (data[1]["error"]["part"], data[1]["error"]["line"]) == ("claim", 2)
    assert f"{path}:2: b is error: claim, column 4" in result.stderr
    assert "  x +* 1 = 2\n     ^" in result.stderr
    assert len([line for line in result.stderr.splitlines() if line.startswith("[")]) == 3


def test_standard_input_and_misuse(tmp_path: Path) -> None:
    assert "1 case" in run("-", "-q", text=json.dumps([CASE])).stdout
    assert "line 1, column 2" in run("-", status=2, text="[").stderr
    assert "cannot be read" in run(str(tmp_path / "none.json"), status=2).stderr
    assert "Usage" in run(status=2).stderr
    assert "Usage" in run("-", "--timeout", "0", status=2).stderr
    assert "Usage" in run("-", "--timeout", "nan", status=2).stderr
    assert "Usage" in run("-", "--timeout", "inf", status=2).stderr
    (tmp_path / "file").touch()
    unwritable = str(tmp_path / "file" / "out.json")
    assert "file: " in run("-", "-q", "-o", unwritable, status=2, text=json.dumps([CASE])).stderr
    (tmp_path / "bytes.json").write_bytes(b'["\xff"]')
    assert "byte 0xff is not UTF-8" in run(str(tmp_path / "bytes.json"), status=2).stderr


# Hostile files: refused soon (the limit is only a guard against hanging), and never executed


def texts(*claims: str) -> bytes:
    """Write cases with hostile claims, and a good one behind them."""
    rows = [CASE | {"id": str(k), "claim": claim, "expect": "error"} for k, claim in enumerate(claims)]
    return json.dumps([*rows, CASE]).encode()


HOSTILE: dict[str, tuple[bytes, int]] = {
    "nested lists": (b"[" * 10**5, 2),
    "nested objects": (b'{"cases":' * 10**5, 2),
    "a long number": (b'[{"id": "a", "claim": ' + b"9" * 10**6 + b"}]", 2),
    "a long string": (b'[{"id": "a", "claim": "' + b"x" * (100 << 20) + b'"}]', 2),
    "many lines": (b'{"id": "a", "claim": "1 = 1"}\n' * 20_000, 2),
    "claims": (
        texts(
            "(" * 10**5, "x = " + "9" * 10**6, "x = 10**10**10", "__import__('os').mkdir('hacked') = 1",
            "x = __import__('os').mkdir('hacked')", "x = (lambda: x)()", "x = exec('x')", "x = x.__class__.__bases__",
        ),
        0,
    ),
    "huge sizes": (
        json.dumps([
            {"id": "a", "claim": "Sum(1/i**2, (i, 1, 10**12)) <= 2", "expect": "open"},
            {"id": "b", "symbols": {"X": "array 10**9"}, "claim": "X[1] = X[2]", "expect": "refuted"},
        ]).encode(),
        0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused(name: str, tmp_path: Path) -> None:
    content, status = HOSTILE[name]
    (tmp_path / "f.json").write_bytes(content)
    command = [sys.executable, "-m", "dltsym", "prove", "f.json", "--no-cache", "--timeout", "3"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == status, done.stderr[-2000:]
    assert "Traceback" not in done.stderr
    assert len(done.stderr) < 5000
    assert [p.name for p in tmp_path.iterdir()] == ["f.json"]
