"""Planted bugs: the format of their file, edits that must apply, and the hunt in a small family."""

import sys
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import pytest

from dltsym.errors import BrokenRecord, UnknownKey
from dltsym.oracle import mutants
from dltsym.oracle.mutate import MutationReport, mutate

INIT = '''"""Logarithm of a sum of exponentials, three ways of writing it."""

from dltsym.implementation import Case, implements

from FAMILY import inner
from FAMILY.inner import lse as twin

CASES = tuple(Case(f"r{k}", {}, {"": (3,)}, {}, {"a": "12 normal"}, k) for k in range(2))


@implements("KEY", backend="torch", dtypes=("f32", "f64"), grads=("a", "b"), cases=CASES, reference=twin)
def lse(a, b):
    return inner.lse(a, b)
'''
INNER = '''"""What is edited."""

import torch


def lse(a, b):
    top = torch.maximum(a, b)
    spare = 1
    low = torch.minimum(a, b)
    return top + torch.log1p(torch.exp(low - top))
'''
MUTANTS = """
[[mutant]]
id = "L1"
change = "the smaller one is left out"
file = "inner.py"
old = "top + torch.log1p(torch.exp(low - top))"
new = "top"
exposed_by = "any"

[[mutant]]
id = "L2"
change = "nothing"
file = "inner.py"
old = "spare = 1"
new = "spare = 2"
equivalent = "control"

[[mutant]]
id = "L3"
change = "two edits: the difference has the wrong sign, and is put right again"
[[mutant.edit]]
file = "inner.py"
old = "low - top"
new = "top - low"
[[mutant.edit]]
file = "inner.py"
old = "return top + "
new = "return top * 1.0001 + "

[[mutant]]
id = "L4"
change = "does not run"
file = "inner.py"
old = "spare = 1"
new = "spare = speer"
"""


class Here(Executor):
    """Runs every task at once, in this process."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # what a task raises belongs to its future
            future.set_exception(error)
        return future


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Write a family of one kernel for a theorem of the catalogue."""
    folder = tmp_path_factory.mktemp("families")
    home = folder / "small_family"
    home.mkdir()
    (home / "__init__.py").write_text(INIT.replace("FAMILY", "small_family").replace("KEY", "information.lse_two"))
    (home / "inner.py").write_text(INNER)
    (home / mutants.FILE).write_text(MUTANTS)
    sys.path.insert(0, str(folder))
    yield "small_family"
    sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def report(family: str) -> MutationReport:
    """Hunt in this process."""
    return mutate(family, executor=Here(), stop=False, quick=True)


def test_the_hunt(report: MutationReport) -> None:
    fates = {f.mutant.id: f.verdict for f in report.fates}
    assert fates == {"L1": "killed", "L2": "equivalent", "L3": "killed", "L4": "invalid"}
    assert (report.observable, report.rate, report.alarms, report.runs) == (2, 1.0, (), 4)
    assert not report.ok
    assert report.by_dtype("float32") == (2, 2)


def test_what_a_report_says(report: MutationReport) -> None:
    text, data = report.table(), report.json()
    assert "2 of 2 observable mutants caught (100 %)" in text
    assert "0 false alarms in 4 runs" in text
    assert "the same bits on 4 runs (control)" in text
    assert "speer" in text
    assert (data["killed"], data["observable"], data["by_dtype"]["float64"]) == (2, 2, [2, 2])
    assert data["fates"][0]["kills"][0]["by"].startswith("information.lse_two:f32:")


def test_edits_must_apply_as_often_as_they_say(family: str, tmp_path: Path) -> None:
    assert mutants.check_edits(family) == []
    folder, good = mutants.folder_of(family), mutants.load(family)[0]
    for old, count, told in (("nowhere", 1, "0 times"), ("top", 1, "times in inner.py, not 1"), ("", 1, "0 times")):
        wrong = mutants.Mutant("X", "", (mutants.Edit("inner.py", old, "x", count),))
        assert told in mutants.problems(folder, [wrong])[0]
        with pytest.raises(BrokenRecord):
            mutants.write(family, wrong, tmp_path)
    same = mutants.Mutant("X", "", (mutants.Edit("inner.py", "spare = 1", "spare = 1"),))
    assert "changes nothing" in mutants.problems(folder, [same])[0]
    assert "no file" in mutants.problems(folder, [mutants.Mutant("X", "", (mutants.Edit("x.py", "a", "b"),))])[0]
    assert mutants.problems(folder, [good]) == []


def test_the_edited_family_imports_its_own_files(family: str, tmp_path: Path) -> None:
    import torch

    name = mutants.write(family, mutants.load(family)[0], tmp_path)
    edited = mutants.opened(name, tmp_path)
    assert edited.inner.__name__ == f"{name}.inner"
    assert edited.lse(torch.tensor(1.0), torch.tensor(1.0)) == 1.0
    sys.path.remove(str(tmp_path))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no \\[\\[mutant\\]\\]"),
        ("[[mutant]]\nid='a'\n", "missing field"),
        ("[[mutant]]\nid='a'\nchange='b'\nfile='c'\nold='d'\nnew='e'\nolder='f'\n", "unknown field older"),
        ("[[mutant]]\nid='a'\nchange='b'\nfile='c'\nold='d'\nnew='e'\n" * 2, "two mutants a"),
        ("[[mutant]", "line 1"),
    ],
)
def test_a_file_of_mutants_that_is_wrong_says_how(text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / mutants.FILE
    path.write_text(text)
    with pytest.raises(BrokenRecord, match=told):
        mutants.read(path)


@pytest.mark.parametrize("name", mutants.families_with_mutants())
def test_every_edit_of_our_families_applies(name: str) -> None:
    assert mutants.check_edits(name) == []


def test_unknown_families_are_named() -> None:
    with pytest.raises(UnknownKey, match="there are attention"):
        mutants.load("attenton")
