"""The walk-through for kernel engineers: its files are written, its commands run, its outputs compared."""

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "howto" / "check-a-kernel.md"
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def unmeasured(text: str) -> str:
    """Hide what rounding decides, and with it the processor: the errors in the rows of outputs and relations."""
    rows = re.compile(r"^(?:\w+ +f\d+ |relation ).*$", re.MULTILINE)
    return rows.sub(lambda row: re.sub(r"[+-]?\d+(?:\.\d+(?:e[+-]\d+)?|e[+-]\d+)", "#", row[0]), text)


@pytest.mark.slow
def test_every_command_of_the_page(tmp_path: Path) -> None:
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    place = {"PATH": path, "NO_COLOR": "1", "COLUMNS": "200"}  # the cache is that of the tests
    wrong, ran = [], 0
    for kind, text in blocks:
        if kind != "console":
            file = tmp_path / text.split("\n", 1)[0].removeprefix("# ")
            file.parent.mkdir(exist_ok=True)
            file.write_text(text.split("\n", 1)[1] if kind == "text" else text)
            continue
        status = 0
        for command, said in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", text, re.MULTILINE):
            if command == "echo $?":
                wrong += [] if said.strip() == str(status) else [f"status {status}, not {said}"]
                continue
            done = subprocess.run(
                command,
                shell=True,
                cwd=tmp_path,
                env={**os.environ, **place},
                capture_output=True,
                text=True,
                check=False,
            )
            status, ran = done.returncode, ran + 1
            if not doctest.OutputChecker().check_output(unmeasured(said), unmeasured(done.stdout), FLAGS):
                wrong.append(f"$ {command}\n{done.stdout}{done.stderr}")
    assert wrong == []
    assert ran == 6
