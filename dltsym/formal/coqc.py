"""Running ``coqc``: found on the path, bounded in time and memory, in a folder of its own."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

LEMMAS = Path(__file__).with_name("Ladder.v")
SECONDS, MEMORY = 120.0, 6 << 30


@dataclass(frozen=True)
class Run:
    """What one run of ``coqc`` gave."""

    ok: bool
    output: str


def command() -> str | None:
    """Return the path of ``coqc``, or None.

    Returns
    -------
    str or None
    """
    return shutil.which("coqc")


@lru_cache(maxsize=1)
def version() -> str:
    """Return the version of ``coqc``, "" when there is none.

    Returns
    -------
    str
    """
    path = command()
    if path is None:
        return ""
    said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=60, check=False).stdout
    found = re.search(r"version (\S+)", said)
    return found.group(1) if found else ""


def compile_file(path: Path, seconds: float = SECONDS) -> Run:
    """Compile one file in its folder, which is also where its ``Require`` is looked up.

    Parameters
    ----------
    path : Path
        File.
    seconds : float
        Time limit.

    Returns
    -------
    Run
    """
    arguments = [command() or "coqc", "-q", "-R", ".", "", path.name]
    process = subprocess.Popen(
        arguments, cwd=path.parent, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    if sys.platform == "linux":
        import resource

        resource.prlimit(process.pid, resource.RLIMIT_AS, (MEMORY, MEMORY))
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return Run(False, f"stopped after {seconds:g} s")
    except BaseException:
        process.kill()
        process.wait()
        raise
    return Run(process.returncode == 0, out if process.returncode == 0 else _errors(err))


def _errors(text: str) -> str:
    """Return the error without the warnings of the libraries."""
    at = text.find("Error")
    start = text.rfind("File", 0, at)
    return text[max(start, 0) :].strip()[:2000] or "no message"


def prepared(folder: Path) -> Run:
    """Put the generic lemmas into a folder and compile them.

    Parameters
    ----------
    folder : Path
        Where.

    Returns
    -------
    Run
    """
    target = folder / LEMMAS.name
    target.write_bytes(LEMMAS.read_bytes())
    return compile_file(target)


def replay(text: str, theorems: Sequence[str], folder: Path, seconds: float = SECONDS) -> Run:
    """Compile an inspected file and print what its theorems assume.

    Parameters
    ----------
    text : str
        Emitted file.
    theorems : sequence of str
        Names.
    folder : Path
        Folder with the compiled lemmas (see `prepared`).
    seconds : float
        Time limit.

    Returns
    -------
    Run
    """
    with tempfile.TemporaryDirectory(dir=folder) as own:
        for part in folder.glob(f"{LEMMAS.stem}.vo*"):
            (Path(own) / part.name).symlink_to(part)
        path = Path(own) / "Claim.v"
        path.write_text(text + "".join(f"Print Assumptions {name}.\n" for name in theorems), encoding="ascii")
        return compile_file(path, seconds)
