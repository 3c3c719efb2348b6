"""The records ship: an editable install and a wheel in a clean environment list the same keys."""

import json
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
from importlib.metadata import version
from pathlib import Path
from zipfile import ZipFile

import pytest

import dltsym

ROOT = Path(__file__).resolve().parent.parent


def run(*command: str | Path, cwd: Path) -> str:
    """Run `command` in `cwd` and return what it prints; show its errors if it fails."""
    done = subprocess.run([str(c) for c in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel with the installed hatchling: nothing is downloaded."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder, cwd=ROOT)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def clean_python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel alone into a new environment that borrows its dependencies from this one.

    The borrowed folder stands in a .pth file, and Python does not read .pth files inside such a folder: the
    editable install that also lives there stays invisible.
    """
    folder = tmp_path_factory.mktemp("clean")
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    site = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'), end='')", cwd=folder)
    borrowed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (Path(site) / "borrowed.pth").write_text("\n".join(sorted(borrowed)) + "\n", encoding="utf-8")
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--quiet")
    run(*pip, "--no-deps", "--no-index", "--disable-pip-version-check", wheel, cwd=folder)
    return python


def keys(python: str | Path, cwd: Path) -> list[str]:
    """List the catalogue's keys as a machine would."""
    return [row["key"] for row in json.loads(run(python, "-m", "dltsym", "list", "--json", cwd=cwd))]


def test_wheel_holds_every_record_file(wheel: Path) -> None:
    inside = {name for name in ZipFile(wheel).namelist() if name.startswith("dltsym/theorems/core/")}
    on_disk = {
        f"dltsym/theorems/core/{path.relative_to(ROOT / 'derivations').as_posix()}"
        for path in (ROOT / "derivations").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert "dltsym/theorems/core/references.bib" in inside
    assert inside == on_disk


def test_wheel_holds_the_planted_bugs_of_every_family_and_the_evidence(wheel: Path) -> None:
    inside = set(ZipFile(wheel).namelist())
    folder = ROOT / "dltsym"
    data = [path for path in folder.rglob("*") if path.suffix in {".toml", ".json"} and "__pycache__" not in path.parts]
    assert {p.parent.name for p in data if p.name == "mutants.toml"} >= {"attention", "scan", "transport"}
    assert {path.relative_to(ROOT).as_posix() for path in data} <= inside


def test_clean_environment_runs_the_installed_wheel(clean_python: Path, tmp_path: Path) -> None:
    where = run(clean_python, "-c", "import dltsym; print(dltsym.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(clean_python.parent.parent)


def test_every_place_that_names_the_version_agrees() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    cited = re.search(r"^version: (\S+)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE)
    assert cited is not None
    assert {cited[1], dltsym.__version__, version("dltsym")} == {project["version"]}


def test_wheel_and_editable_install_list_the_same_records(clean_python: Path, tmp_path: Path) -> None:
    editable = keys(sys.executable, tmp_path)
    assert editable
    assert keys(clean_python, tmp_path) == editable
