"""The command line: what machines read, what people read, exit statuses, and numbers that are never code."""

import json
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import click
import pytest
import record_files as files
from click.testing import CliRunner, Result

from dltsym.cli import main, say
from dltsym.cli.inputs import number, numbers

USER = files.USER.replace("LEMMA", "algebra.square")
VERBS = [
    "list", "show", "check", "latex", "cite", "audit", "eval", "kernel", "lint", "graph", "new", "info", "verify",
    "prove", "export", "formal", "sharpness", "temperature", "bound",
]  # fmt: skip


def run(*arguments: str, status: int = 0) -> Result:
    """Run the command line in this process."""
    result = CliRunner().invoke(main, list(arguments))
    assert result.exit_code == status, f"{result.output}\n{result.exception!r}"
    assert "Traceback" not in result.stderr
    return result


def read(*arguments: str, status: int = 0) -> Any:
    """Run a verb and parse its standard output as JSON."""
    return json.loads(run(*arguments, "--json", status=status).stdout)


def python(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user would."""
    command = [sys.executable, "-m", "dltsym", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


# Form


def test_every_verb_is_documented() -> None:
    assert list(main.commands) == VERBS
    shown = run("--help").output
    for name, command in main.commands.items():
        assert name in shown
        assert command.help
        assert all(p.help for p in command.params if isinstance(p, click.Option)), name
        assert run(name, "--help").output


def test_version() -> None:
    assert "0.1.0" in run("--version").output


@pytest.mark.parametrize("arguments", [
    ("chek",), ("check",), ("check", "a.b", "c.d"), ("list", "--no-such-option"), ("graph", "--format", "png"),
    ("verify", "-j", "0"), ("verify", "--timeout", "0"),
])  # fmt: skip
def test_misuse_is_status_2(arguments: tuple[str, ...]) -> None:
    assert "Usage" in run(*arguments, status=2).stderr


@pytest.mark.parametrize("verb", ["show", "check", "latex", "cite", "audit", "eval", "verify"])
def test_a_bad_key_suggests_near_ones(pack: Callable[..., Path], verb: str) -> None:
    pack(algebra__square=files.GOOD)
    result = run(verb, "algebra.sqare", status=2)
    assert result.stderr.startswith("Error: no record")
    assert "did you mean algebra.square" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("verb", ["show", "check", "latex", "cite", "eval"])
def test_a_broken_record_is_one_message(pack: Callable[..., Path], verb: str) -> None:
    pack(bad__raises=files.BROKEN)
    assert "no such theorem" in run(verb, "bad.raises", status=1).stderr


def test_table_and_counts() -> None:
    assert say.table(("A", "GRADE"), [("x", "exact"), ("long", "open")], paint=1).splitlines()[1].startswith("x   ")
    assert say.count(0, "step") == "0 steps"


# list and show


def test_list(pack: Callable[..., Path]) -> None:
    pack(algebra__square=files.GOOD, audits__slip=files.AUDIT, bad__raises=files.BROKEN)
    result = run("list", "--json")
    rows = json.loads(result.stdout)
    assert [row["key"] for row in rows] == ["algebra.square", "audits.slip"]
    assert set(rows[0]) >= {"key", "title", "area", "kind", "grade", "steps", "cites", "kernel", "checked"}
    assert (rows[0]["grade"], rows[0]["checked"]) == ("open", False)
    assert "bad.raises" in result.stderr
    shown = run("list", "SQUARE").stdout
    assert "algebra.square" in shown
    assert "unchecked" in shown
    assert "algebra.square" not in run("list", "cube").stdout


@pytest.mark.parametrize("hostile", ["dies", "exits", "raises", "crashes"])
def test_list_survives_hostile_records(pack: Callable[..., Path], tmp_path: Path, hostile: str) -> None:
    pack(algebra__square=files.GOOD, algebra__loud=files.PRINTS, **{f"bad__{hostile}": files.HOSTILE[hostile]})
    done = python("list", "--json", cwd=tmp_path)
    assert done.returncode == 0
    assert [row["key"] for row in json.loads(done.stdout)] == ["algebra.loud", "algebra.square"]
    assert f"bad.{hostile}" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_warm_list_loads_no_engine_and_no_record(pack: Callable[..., Path], tmp_path: Path) -> None:
    folder = pack(algebra__square=files.GOOD)
    run("list")
    trap = tmp_path / "trap"
    trap.mkdir()
    for name in ("sympy", "z3", "flint", "numpy", "torch", "rich"):
        (trap / f"{name}.py").write_text("raise SystemExit('loaded')\n")
    code = "import sys; sys.path.insert(0, sys.argv.pop(1)); from dltsym.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code, trap, "list"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "algebra.square" in done.stdout
    assert folder.is_dir()


def test_show(pack: Callable[..., Path]) -> None:
    pack(algebra__square=files.GOOD, audits__slip=files.AUDIT)
    shown = run("show", "algebra.square").stdout
    assert "(x + 1)**2 = x**2 + 2*x + 1" in shown
    assert "Not checked yet" in shown
    data = read("show", "algebra.square")
    assert data["claims"] == ["(x + 1)**2 = x**2 + 2*x + 1"]
    [x] = data["symbols"]
    assert x == {"name": "x", "sort": "real", "meaning": "a number", "unit": "1", "domain": "(-oo, oo)"}
    assert data["report"] is None
    assert read("show", "audits.slip")["verdict"] == "refuted"
    run("check", "algebra.square")
    assert read("show", "algebra.square")["report"]["grade"] == "exact"
    assert "exact" in run("show", "algebra.square").stdout


# check, audit, verify


def test_check(pack: Callable[..., Path]) -> None:
    pack(algebra__square=files.GOOD)
    data = read("check", "algebra.square")
    assert set(data) >= {"key", "grade", "steps", "values", "mutants", "cited"}
    step = next(s for s in data["steps"] if s["role"] == "step")
    assert set(step) >= {"relation", "reason", "grade", "engine", "seconds", "evidence", "witness"}
    assert set(data["values"][0]) >= {"inputs", "expected", "got", "digits_agree", "ok"}
    assert set(data["mutants"]) == {"made", "rejected", "survivors", "true"}
    assert data["values"][0]["ok"]
    assert "exact" in run("check", "algebra.square").stdout
    assert read("check", "algebra.square", "--no-cache")["grade"] == "exact"
    assert read("list")[0]["grade"] == "exact"


def test_check_of_a_false_claim_is_status_1(pack: Callable[..., Path]) -> None:
    pack(algebra__square=files.FALSE)
    data = read("check", "algebra.square", status=1)
    assert data["grade"] == "refuted"
    assert next(s for s in data["steps"] if s["grade"] == "refuted")["witness"]
    assert "PROBLEM" in run("check", "algebra.square", status=1).stdout


def test_audit(pack: Callable[..., Path]) -> None:
    pack(algebra__square=files.GOOD, audits__slip=files.AUDIT)
    assert read("audit", "audits.slip")["verdict"] == "refuted"
    assert [a["key"] for a in read("audit")] == ["audits.slip"]
    assert "refuted" in run("audit").stdout
    assert "is a theorem" in run("audit", "algebra.square", status=2).stderr
    pack(audits__slip=files.AUDIT.replace('verdict="refuted"', 'verdict="holds"'))
    run("audit", status=1)


def test_verify(pack: Callable[..., Path], tmp_path: Path) -> None:
    pack(algebra__square=files.GOOD, algebra__user=USER, audits__slip=files.AUDIT)
    result = run("verify")
    assert "exact" in result.stdout
    assert len([line for line in result.stderr.splitlines() if line.startswith("[")]) == 3
    on_disk = json.loads((tmp_path / "build" / "report.json").read_text())
    page = (tmp_path / "build" / "report.html").read_text()
    assert "algebra.square" in page
    data = read("verify", "-q", "--out", "elsewhere")
    assert set(data) >= {"records", "steps_by_grade", "values", "mutants", "audits", "broken", "seconds"}
    assert {k: v for k, v in data.items() if k != "seconds"} == {k: v for k, v in on_disk.items() if k != "seconds"}
    assert (tmp_path / "elsewhere" / "report.json").exists()


def test_verify_of_bad_records_is_status_1_and_checks_the_others(pack: Callable[..., Path]) -> None:
    pack(algebra__square=files.GOOD, bad__raises=files.BROKEN, bad__dies=files.HOSTILE["dies"])
    data = read("verify", status=1)
    assert data["records"] == 1
    assert data["reports"]["algebra.square"]["ok"]
    assert [b["key"] for b in data["broken"]] == ["bad.dies", "bad.raises"]
    assert "no such theorem" in data["broken"][1]["error"]
    result = run("verify", "-q", status=1)
    assert "BROKEN bad.raises" in result.stderr
    run("verify", "-q", "algebra")


@pytest.mark.parametrize("bad", ["FALSE", "BAD_VALUE", "NO_SOURCE"])
def test_verify_is_status_1_for_every_defect(pack: Callable[..., Path], bad: str) -> None:
    pack(algebra__square=getattr(files, bad))
    assert "PROBLEM" in run("verify", "-q", status=1).stderr


# latex, cite, graph, info


def test_latex_and_cite(pack: Callable[..., Path]) -> None:
    pack(algebra__square=files.GOOD, audits__slip=files.AUDIT)
    assert r"\begin{align" in run("latex", "algebra.square").stdout
    assert "boxed" in run("latex", "audits.slip").stdout
    run("latex", "--paper", "audits.slip", status=2)
    assert "@book{euclid" in run("cite", "algebra.square").stdout
    assert read("cite", "algebra.square", "--no-check")["cites"][0] == "euclid"
    assert run("latex", "--paper", "algebra.square").stdout.endswith("\\end{document}\n")


def test_graph(pack: Callable[..., Path]) -> None:
    folder = pack(algebra__square=files.GOOD, algebra__user=USER)
    assert read("graph") == {"algebra.square": [], "algebra.user": ["algebra.square"]}
    assert '"algebra.user" -> "algebra.square";' in run("graph").stdout
    assert "n1 --> n0" in run("graph", "--format", "mermaid").stdout
    files.write(folder, algebra__square=files.USER.replace("LEMMA", "algebra.user"))
    assert "rest on each other" in run("graph", status=1).stderr


def test_info(pack: Callable[..., Path], tmp_path: Path) -> None:
    pack(algebra__square=files.GOOD)
    data = read("info")
    assert data["cache"]["folder"] == str(tmp_path / "cache")
    assert data["packs"] == [{"name": "records", "folders": [str(tmp_path / "records")], "records": 1}]
    assert data["packages"]["sympy"].startswith("1.14")
    assert "python-flint" in run("info").stdout


# new


def test_new_writes_a_record_that_passes(pack: Callable[..., Path]) -> None:
    folder = pack()
    shown = run("new", "calculus/first_try").stdout
    assert "dltsym check calculus.first_try" in shown
    assert (folder / "calculus" / "first_try.py").exists()
    assert read("check", "calculus.first_try")["ok"]
    before = (folder / "calculus" / "first_try.py").read_text()
    assert "exists" in run("new", "calculus/first_try", status=2).stderr
    assert (folder / "calculus" / "first_try.py").read_text() == before


def test_new_makes_a_bibliography_where_there_is_none(pack: Callable[..., Path], tmp_path: Path) -> None:
    run("new", "calculus/other", "--in", str(tmp_path / "mine"), "--cite", "me2024")
    assert "me2024" in (tmp_path / "mine" / "references.bib").read_text()


@pytest.mark.parametrize("name", ["noarea", "../up/x", "/abs/x", "Upper/x", "a/b c", "a/", "_x/y", "a/1b", ""])
def test_new_refuses_bad_names(pack: Callable[..., Path], name: str) -> None:
    pack()
    assert "AREA/NAME" in run("new", "--", name, status=2).stderr


# eval


@pytest.mark.parametrize(("text", "value"), [
    ("3", Fraction(3)), ("-3", Fraction(-3)), ("+0.050", Fraction(1, 20)), (".5", Fraction(1, 2)), ("2.", Fraction(2)),
    ("1e-3", Fraction(1, 1000)), ("2.5E2", Fraction(250)), ("2/3", Fraction(2, 3)), ("-1/4", Fraction(-1, 4)),
])  # fmt: skip
def test_numbers_are_exact(text: str, value: Fraction) -> None:
    assert number(text) == value


@pytest.mark.parametrize("text", [
    "", "x", "1+1", "2**3", "__import__('os')", "1/0", "nan", "inf", "0x10", "1_000", "1e99999", "--1", "1//2", "٣",
    "1 2", "1/2/3", "[1, 2", "[1] 2", "[,]", "[1,,2]", "[1,]", "]", "[1 2]", "[" * 50 + "]" * 50, "9" * 5000,
])  # fmt: skip
def test_what_is_not_a_number_is_refused(text: str) -> None:
    with pytest.raises(click.UsageError):
        numbers(text)


def test_lists_nest() -> None:
    assert numbers(" [1, [1/2, .5], []] ") == (1, (Fraction(1, 2), Fraction(1, 2)), ())


def test_eval(pack: Callable[..., Path]) -> None:
    pack(algebra__square=files.GOOD, audits__slip=files.AUDIT)
    data = read("eval", "algebra.square", "--set", "x=2")
    assert (data["key"], data["value"]) == ("algebra.square", 9)
    ball = read("eval", "algebra.square", "--set", "x=1/3", "--backend", "ball", "--digits", "20")
    assert "1.777777777777777777" in ball["enclosure"]
    assert "1.7777" in run("eval", "algebra.square", "--set", "x=1/3", "--digits", "10").stdout
    assert read("eval", "algebra.square", "--set", "x=2", "--of", "square", "--backend", "torch")["value"] == 9


@pytest.mark.parametrize(("arguments", "said"), [
    (["--set", "x=__import__('os').system('true')"], "not a number"), (["--set", "z=1"], "has no input 'z'"),
    (["--set", "x"], "NAME=VALUE"), (["--set", "x=1", "--set", "x=2"], "twice"), ([], "x"),
    (["--set", "x=1", "--of", "squre"], "square"), (["--set", "x=1e4000"], "--backend ball"),
    (["--set", "x=1", "--backend", "numpy", "--digits", "5"], "--digits"),
])  # fmt: skip
def test_eval_refuses_clearly(pack: Callable[..., Path], arguments: list[str], said: str) -> None:
    pack(algebra__square=files.GOOD)
    assert said in run("eval", "algebra.square", *arguments, status=2).stderr


def test_eval_outside_the_domain_names_symbol_range_and_value(pack: Callable[..., Path]) -> None:
    pack(algebra__root=files.GOOD.replace("v.real", "v.nonneg"))
    said = run("eval", "algebra.root", "--set", "x=-2", status=2).stderr
    assert "x" in said
    assert "-2" in said
    assert "0" in said


def test_a_kernel_of_several_outputs_is_asked_which_one() -> None:
    for options in (["--grad", "C"], ["--backend", "triton"]):
        assert "--of" in run("kernel", "attention.one_sided_eot", *options, status=2).stderr


def test_audits_have_no_kernel(pack: Callable[..., Path]) -> None:
    pack(audits__slip=files.AUDIT)
    assert "is an audit" in run("eval", "audits.slip", status=2).stderr


# As a user would


def test_colour_is_for_terminals(pack: Callable[..., Path], tmp_path: Path) -> None:
    pack(algebra__square=files.GOOD)
    assert "\x1b" not in python("list", cwd=tmp_path).stdout
    coloured = CliRunner().invoke(main, ["list"], color=True).output
    assert "\x1b" in coloured
    assert "\x1b" not in CliRunner(env={"NO_COLOR": "1"}).invoke(main, ["list"], color=True).output


def test_a_cache_that_cannot_be_written_is_one_warning(
    pack: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack(algebra__square=files.GOOD)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DLTSYM_CACHE_DIR", str(tmp_path / "file" / "cache"))
    done = python("list", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stderr.count("cannot be written") == 1
    assert len(done.stderr.splitlines()) == 1
