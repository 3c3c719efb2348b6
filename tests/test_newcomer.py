"""What a newcomer does: the walk through in the README, the records of the guide, a pack of one's own, and mistakes."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE, OutputChecker
from pathlib import Path

import pytest
import record_files as files
from click.testing import CliRunner

from dltsym import catalogue, packs
from dltsym.cli import main
from dltsym.errors import BrokenRecord

ROOT = Path(__file__).resolve().parent.parent
GUIDE = (ROOT / "derivations" / "README.md").read_text("utf-8")
WALK = (ROOT / "README.md").read_text("utf-8").split("## Adding a theorem")[1].split("\n## ")[0]


def blocks(text: str, language: str) -> list[str]:
    """List the fenced blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands(text: str) -> list[tuple[str, str]]:
    """List the commands of the console blocks of a page with what they print."""
    found = [part for block in blocks(text, "console") for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    return [(head, rest) for head, _, rest in (part.partition("\n") for part in found)]


def unreplayed(text: str) -> str:
    """Show steps as they are before any replay, which depends on the machine and on how old the record is."""
    return re.sub(r"(?m)^formal(?: \(recorded\))? {2,}", "exact  ", text)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Run commands as a newcomer would: in an empty folder, with the core pack in use; exports stay."""
    monkeypatch.chdir(tmp_path)

    def run(line: str) -> subprocess.CompletedProcess[str]:
        name, _, value = line.removeprefix("export ").partition("=")
        if line.startswith("export "):
            monkeypatch.setenv(name, value.replace("$PWD", str(tmp_path)))
            return subprocess.CompletedProcess(line, 0, "", "")
        words = shlex.split(line)
        assert words[0] == "dltsym"
        command = [sys.executable, "-m", "dltsym", *words[1:]]
        return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)

    return run


# Pages


def test_the_walk_through_of_the_readme_runs(shell: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    [record] = blocks(WALK, "python")
    [entry] = blocks(WALK, "bibtex")
    todo = commands(WALK)
    verbs = [line.split()[1] for line, _ in todo if line.startswith("dltsym")]
    assert verbs == ["new", "check", "latex", "eval", "kernel"]
    for line, printed in todo:
        done = shell(line)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        same = OutputChecker().check_output(
            unreplayed(printed), unreplayed(done.stdout), ELLIPSIS | NORMALIZE_WHITESPACE
        )
        assert same, done.stdout
        if line.startswith("dltsym new"):
            [path] = Path("my_records").rglob("*.py")
            path.write_text(record, encoding="utf-8")
            Path("my_records/references.bib").write_text(entry, encoding="utf-8")


def test_the_records_of_the_guide_are_fine(pack: Callable[..., Path]) -> None:
    found = [block for block in blocks(GUIDE, "python") if "v.theorem(" in block]
    assert len(found) == 2
    head = '"""Prose."""\nfrom dltsym import Bound, Eq, Scope, derive, log, premise, sqrt, value\n\n'
    folder = pack(**{f"guide__record{k}": head + block for k, block in enumerate(found)})
    (folder / "references.bib").write_text("@misc{me2024,\n  title = {T},\n  author = {N, N.},\n  year = {2024},\n}\n")
    for key in [f"guide.record{k}" for k in range(len(found))]:
        result = CliRunner().invoke(main, ["check", key])
        assert result.exit_code == 0, result.output
        assert "note:" not in result.output
    assert "0.151469978465839" in CliRunner().invoke(main, [
        "bound", "guide.record1", "--loss", "0,1", *(f"--set={x}" for x in ("n=1000", "K=10", "dlt=0.05", "s=0.1"))
    ]).output  # fmt: skip


def test_the_commands_of_the_guide_run(shell: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    todo = [line for line, _ in commands(GUIDE)]
    assert [line.split()[1] for line in todo if line.startswith("dltsym")] == ["new", "check", "verify"]
    for line in todo:
        done = shell(line)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"


# Packs


def test_an_entry_point_makes_a_pack(tmp_path: Path) -> None:
    home = tmp_path / "site"
    files.write(home / "my_package" / "records", lemmas__square=files.GOOD)
    for folder in (home / "my_package", home / "my_package" / "records"):
        (folder / "__init__.py").write_text("")
    info = home / "my_package-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1\n")
    [entry] = blocks(GUIDE, "toml")
    (info / "entry_points.txt").write_text(re.sub(r'"?\]', "]", entry.split("#")[0].replace('."dltsym', ".dltsym"))
                                           .replace("[project.entry-points.", "[").replace('"', ""))  # fmt: skip
    env = {**os.environ, "PYTHONPATH": str(home), "DLTSYM_CACHE_DIR": str(tmp_path / "cache"), "DLTSYM_PACKS": "-core"}
    command = [sys.executable, "-m", "dltsym", "list"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=env)
    assert "lemmas.square" in done.stdout, done.stderr


def test_new_writes_into_the_pack_of_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted((ROOT / "derivations").rglob("*.py"))
    monkeypatch.setenv("DLTSYM_PACKS", "mine")  # it need not be there yet
    result = CliRunner().invoke(main, ["new", "lemmas/one"])
    assert "(pack mine)" in result.output
    assert (tmp_path / "mine" / "lemmas" / "one.py").is_file()
    monkeypatch.setenv("DLTSYM_PACKS", f"mine{os.pathsep}yours")
    result = CliRunner().invoke(main, ["new", "lemmas/two"])
    assert result.exit_code == 2
    assert "--in" in result.output
    result = CliRunner().invoke(main, ["new", "lemmas/two", "--in", "theirs"])
    assert f"export DLTSYM_PACKS={tmp_path / 'theirs'}" in result.output
    result = CliRunner().invoke(main, ["new", "information/pinsker", "--in", "mine"])
    assert result.exit_code == 2
    assert "information.pinsker is taken by" in result.output
    assert sorted((ROOT / "derivations").rglob("*.py")) == before


def test_without_the_variable_new_writes_into_the_checkout() -> None:
    from dltsym.cli import make

    assert make._home(packs.packs()) == ROOT / "derivations"


def test_a_key_that_is_taken_is_said_when_its_namesake_is_checked(
    pack: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = pack(algebra__square=files.GOOD)
    second = files.write(tmp_path / "second", algebra__square=files.FALSE)
    monkeypatch.setenv("DLTSYM_PACKS", os.pathsep.join(["-core", str(first), str(second)]))
    result = CliRunner().invoke(main, ["check", "algebra.square"])
    assert result.exit_code == 0
    assert f"note: this is {first / 'algebra' / 'square.py'}" in result.stderr
    assert str(second / "algebra" / "square.py") in result.stderr


# Mistakes

X = 'from dltsym import *\nv = Scope()\nx = v.real("x", "a number")\n'
MISTAKES = {  # what stands in the record, the line that is to blame, what is said
    "name": ('v.theorem(title="t", cite=("a", ""), claim="x <= xx + 1")', "xx is not declared; did you mean x?"),
    "word": ('v.theorem(title="t", cite=("a", ""), claims="x <= x")', "unexpected keyword argument 'claims'"),
    "missing": ('v.theorem(title="t", claim="x <= x")', "missing 1 required keyword-only argument: 'cite'"),
    "citation": ('v.theorem(title="t", cite="a", claim="x <= x")', "a citation is a pair"),
    "caret": ('v.theorem(title="t", cite=("a", ""), claim="x^2 >= 0")', r"powers are **"),
    "unicode": ('v.theorem(title="t", cite=("a", ""), claim="x ≤ x")', "write <="),
    "float": ("x <= x + 0.5", "0.5 is a float and not exact"),
    "mixture": ('x <= "x + 1"', "write the whole statement as text, or none of it"),
    "chain": ("0 <= x <= 1", "has no truth value; write a chain"),
    "unit": ('v.nonneg("D", "divergence", unit="nats")', "is written 'nat', not 'nats'"),
    "math": ("__import__('math').log(x)", "log, exp, sqrt and others come from dltsym, not math"),
    "twice": ('v.real("x", "again")', "x is declared twice"),
    "syntax": ("v.theorem(title='t' claim='x <= x')", "SyntaxError: invalid syntax. Perhaps you forgot a comma?"),
    "array": ('v.theorem(title="t", cite=("a", ""), claim=v.array("p", 3, "p") >= 0)', "write the entry p[i]"),
    "of": ('v.theorem(title="t", cite=("a", ""), claim="x <= x", values=value("1", "s", of=tanh(x)))',
           "of= is the name of an output, not the expression tanh(x)"),
    "output": ('v.theorem(title="t", cite=("a", ""), claim="x <= x", values=value("1", "s", of="tanh(x)"))',
               "no output tanh(x); there is value, and outputs={'name': expression} adds one"),
    "number": ('value("one", "s")', "the expected value 'one' is no number"),
    "break": ('v.theorem(title="t", cite=("a", ""), claim="x <= x", breaks=Break({"y": 1}, "w"))',
              "break (w): y is not declared"),
    "part": ('v.theorem(title="t", cite=("a", ""), claim="x <= x", breaks=Break({x: 1}, "w", part=1))',
             "part=1 counts the claims from 0, and there are 1"),
    "point": ('v.theorem(title="t", cite=("a", ""), claim="x <= x", breaks=[("x", 1)])', "breaks= takes Break("),
    "values": ('v.theorem(title="t", cite=("a", ""), claim="x <= x", values=["1"])', "values= takes value(...)"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_message_with_file_and_line(pack: Callable[..., Path], name: str) -> None:
    line, said = MISTAKES[name]
    folder = pack(bad__record=f"{X}theorem = {line}\n")
    result = CliRunner().invoke(main, ["check", "bad.record"])
    assert result.exit_code == 1
    assert said in result.stderr
    assert f'File "{folder / "bad" / "record.py"}", line 4' in result.stderr
    assert "dltsym.errors" not in result.stderr
    assert result.stderr.count("dltsym/notation") <= 1  # the one frame that says where Python gave up
    assert len(result.stderr.splitlines()) <= 8


def test_what_is_wrong_with_a_module_names_the_file(pack: Callable[..., Path]) -> None:
    folder = pack(bad__empty="")
    with pytest.raises(BrokenRecord, match=r"bad\.empty: a record file defines exactly one record") as caught:
        catalogue.get("bad.empty")
    assert str(folder / "bad" / "empty.py") in str(caught.value)


def test_a_record_that_is_too_long_or_silent_gets_a_note(pack: Callable[..., Path]) -> None:
    more = "\n".join(f'y{k} = v.real("y{k}", "another")' for k in range(60))
    pack(algebra__long=files.GOOD.replace("\ntheorem", f"{more}\n\ntheorem"),
         algebra__silent=files.GOOD.replace('"""The square of a sum."""', "").replace('"a number"', '""'))  # fmt: skip
    result = CliRunner().invoke(main, ["check", "algebra.long"])
    assert result.exit_code == 0
    assert re.search(r"note: \d+ lines of code; a record has fewer than 60", result.stderr)
    result = CliRunner().invoke(main, ["check", "algebra.silent"])
    assert "note: no docstring" in result.stderr
    assert "note: nothing says what x means" in result.stderr


def test_the_time_of_a_record_is_limited(pack: Callable[..., Path]) -> None:
    loop = "def slow(m, x):\n    while True:\n        pass\n\n\n"
    text = files.GOOD.replace("theorem = ", f"{loop}theorem = ").replace('outputs={"square": "(x + 1)**2"},', "")
    pack(algebra__slow=text.replace("values=", 'algorithm=slow, computes=("y",), values='))
    result = CliRunner().invoke(main, ["check", "algebra.slow", "--timeout", "3"])
    assert result.exit_code == 1
    assert "stopped after 3 s" in result.stderr


# Help


def verbs() -> list[tuple[str, ...]]:
    """List every verb, those of groups included."""
    out: list[tuple[str, ...]] = []
    for name, command in main.commands.items():
        out += [(name,), *((name, part) for part in getattr(command, "commands", ()))]
    return out


@pytest.mark.parametrize("verb", verbs(), ids=" ".join)
def test_every_help_has_an_example_and_the_exit_status(verb: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(main, [*verb, "--help"], prog_name="dltsym").output
    assert re.search(rf"^ +dltsym {verb[0]}", shown.split("Examples:")[1], re.MULTILINE)
    assert "Exit status:" in shown
