"""Bounds of rows that come through pipes, runs that are ended, and inputs that a bound does without."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from dltsym.bounds import bound, evaluate
from dltsym.bounds.lines import Table
from dltsym.bounds.outputs import complete_pair
from dltsym.cli import main
from dltsym.errors import DltsymError, DomainError

KEY = "pac_bayes.maurer_pinsker"
HEAD = "name,emp_risk,kl,n,delta\n"


def ran(*arguments: str) -> Result:
    """Run the verb."""
    return CliRunner().invoke(main, ["bound", *arguments])


def test_tables_come_from_pipes_too(tmp_path: Path) -> None:
    rows = "\ufeff# a comment\n" + HEAD + "a,0.1,100,1000,0.05\nb,0.1,100,-1,0.05\n"
    file, out, fifo = tmp_path / "rows.csv", tmp_path / "out.csv", tmp_path / "fifo"
    file.write_text(rows, encoding="utf-8")
    expected = ran(KEY, "--csv", str(file), "--loss", "0,1")
    piped = CliRunner().invoke(main, ["bound", KEY, "--csv", "-", "--loss", "0,1"], input=rows.encode())
    assert (piped.exit_code, piped.stdout) == (expected.exit_code, expected.stdout)
    os.mkfifo(fifo)
    writer = threading.Thread(target=lambda: fifo.write_text(rows, encoding="utf-8"))
    writer.start()
    done = ran(KEY, "--csv", str(fifo), "--out", str(out), "--loss", "0,1", "--certified")
    writer.join()
    assert done.exit_code == 1
    assert out.read_text().splitlines()[1].startswith("a,0.1,100,1000,0.05,0.33145")
    assert (tmp_path / "out.rejected.csv").read_text().splitlines()[1].startswith("4,")
    empty = CliRunner().invoke(main, ["bound", KEY, "--csv", "-", "--loss", "0,1"], input=b"")
    assert empty.exit_code == 2
    assert "standard input is empty" in empty.output
    wide = CliRunner().invoke(main, ["bound", KEY, "--csv", "-", "--loss", "0,1"], input=HEAD.encode("utf-16"))
    assert "standard input: this is UTF-16" in wide.output


def test_a_stream_is_read_in_chunks_and_never_kept() -> None:
    class Endless(io.RawIOBase):
        """Rows for ever; it cannot seek."""

        given = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            row = b"a,0.1,100,1000,0.05\n" if self.given else HEAD.encode()
            self.given += 1
            buffer[: len(row)] = row
            return len(row)

    table = Table("a stream", io.BufferedReader(Endless()), ("x",) * 5, b"", ",", 0, 0, 0)
    chunks = table.chunks()
    assert [len(next(chunks).lines) for _ in range(3)] == [16384] * 3
    chunks.close()
    assert table.file.closed


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_no_unfinished_file_stays_when_a_run_is_ended(tmp_path: Path, sent: signal.Signals) -> None:
    out = tmp_path / "out.csv"
    out.write_text("old\n")
    command = [sys.executable, "-m", "dltsym", "bound", KEY, "--csv", "-", "--out", str(out), "--loss", "0,1"]
    running = subprocess.Popen(
        command, stdin=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(sent, signal.SIG_DFL if sent != signal.SIGINT else signal.default_int_handler),
    )  # fmt: skip
    assert running.stdin is not None
    running.stdin.write((HEAD + "a,0.1,100,1000,0.05\n" * 20000).encode())
    running.stdin.flush()
    for _ in range(600):
        if any(p.stat().st_size for p in tmp_path.glob(".*.part")):
            break
        time.sleep(0.1)
    assert len([*tmp_path.glob(".*.part")]) == 2
    running.send_signal(sent)
    running.communicate(timeout=60)
    assert running.returncode == (130 if sent == signal.SIGINT else 128 + sent)
    assert [p.name for p in tmp_path.iterdir()] == ["out.csv"]
    assert out.read_text() == "old\n"


def test_a_pair_that_cannot_begin_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "apart.csv").mkdir()
    with (
        pytest.raises(DomainError, match="no ordinary file"),
        complete_pair(tmp_path / "out.csv", tmp_path / "apart.csv"),
    ):
        pass
    assert [p.name for p in tmp_path.iterdir()] == ["apart.csv"]


def test_a_bound_asks_only_for_what_it_needs(tmp_path: Path) -> None:
    key = "pac_bayes.c_bound"
    given = ["--loss", "0,1", "--set", "n=1000", "--set", "D=2", "--set", "dlt=0.05"]
    twice = ran(key, "--of", "twice", *given, "--set", "s=0.2")
    assert twice.exit_code == 0
    assert "certified   <= 0.5120518556" in twice.output
    asked = ran(key, "--of", "twice", *given)
    assert "missing input s (empirical Gibbs risk)" in asked.output
    assert " z " not in asked.output
    assert "missing input z" in ran(key, "--of", "separate", *given, "--set", "s=0.2").output
    with pytest.raises(DltsymError, match="missing input z"):
        evaluate(bound(key, of="separate", n=1000, D=2, dlt="0.05", s="0.2", loss=(0, 1)))
    file = tmp_path / "rows.csv"
    file.write_text("s\n0.2\n0.3\n")
    for more in ([], ["--certified"]):  # algorithms take no arrays
        done = ran(key, "--of", "twice", *given, "--csv", str(file), *more)
        assert done.exit_code == 0
        assert done.stdout.splitlines()[1].startswith("0.2,0.5120518556")
