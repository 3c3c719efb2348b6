"""The table of coverage: what is planned and not there, and how well what is there is known."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import record_files as files
from click.testing import CliRunner

from dltsym import index
from dltsym.cli import main
from dltsym.cli.prove import coverage_table
from dltsym.coverage import coverage, derived, plan, total
from dltsym.errors import RecordError
from dltsym.packs import folder_pack


def step(grade: str, role: str = "step") -> dict[str, str]:
    return {"grade": grade, "role": role}


def report(*grades: str, values: tuple[bool, ...] = (), made: int = 0, rejected: int = 0) -> dict[str, Any]:
    return {
        "steps": [step("exact", "hypotheses"), *map(step, grades), step("ball", "break")],
        "values": [{"ok": ok} for ok in values],
        "mutants": {"made": made, "rejected": rejected},
    }


def test_cited_analysis_is_left_aside_and_nothing_else() -> None:
    assert derived(report("formal", "exact", "smt", "cas", "ball", "cited"))
    for weak in ("tested", "open", "refuted", "vacuous"):
        assert not derived(report("exact", weak))
    assert not derived(report("cited"))  # nothing of it was derived
    assert not derived(report())


def test_rows_add_up() -> None:
    planned = {"a": ["a.x", "a.y"], "b": ["b.z"]}
    reports = {
        "a.x": report("exact", "tested", "cited", values=(True, False), made=4, rejected=3),
        "c.extra": report("ball", made=1, rejected=1),
    }
    rows = coverage(planned, ["a.x", "c.extra"], reports, whole=True)
    assert [r["area"] for r in rows] == ["a", "b", "c"]
    assert rows[0] == {
        "area": "a", "planned": 2, "landed": 1, "missing": ["a.y"], "records": 1, "derived": 0, "steps": 2,
        "strong": 1, "values": {"total": 2, "ok": 1}, "mutants": {"made": 4, "rejected": 3},
    }  # fmt: skip
    assert (rows[1]["landed"], rows[1]["missing"]) == (0, ["b.z"])
    everything = total(rows)
    assert everything["missing"] == ["a.y", "b.z"]
    assert (everything["planned"], everything["landed"], everything["steps"]) == (3, 1, 3)
    assert [r["area"] for r in coverage(planned, ["a.x"], {"a.x": reports["a.x"]}, whole=False)] == ["a"]
    assert coverage(planned, ["a.x", "a.y"], reports, whole=False)[0]["missing"] == []  # an alias counts


def test_the_table_fits_100_columns() -> None:
    planned = {"area_of_many": [f"area_of_many.a_rather_long_name_{k}" for k in range(60)]}
    rows = coverage(planned, [], {"area_of_many.other": report("exact", made=10**6, rejected=10**6)}, whole=True)
    text = coverage_table([*rows, total(rows)])
    assert max(map(len, text.splitlines())) <= 100
    assert "planned, not there (60)" in text
    assert "area_of_many.a_rather_long_name_59" in text
    assert "not there" not in coverage_table([total([])])


@pytest.mark.parametrize(
    "text", ["algebra = 3", "algebra = ['A.b']", "algebra = ['x', 'x']", "algebra = [1]", "[", "[a]\nb = 1"]
)
def test_a_malformed_plan_is_one_clear_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "plan.toml").write_text(text, encoding="utf-8")
    with pytest.raises(RecordError, match=r"plan\.toml"):
        plan([folder_pack(tmp_path)])


def test_plans_of_several_packs_are_joined(tmp_path: Path) -> None:
    for name, text in (("one", "a = ['x']"), ("two", "a = ['x', 'y']\nb = ['z']"), ("three", "")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "plan.toml").write_text(text, encoding="utf-8")
    packs = [folder_pack(tmp_path / name) for name in ("one", "two", "three")]
    assert plan(packs) == {"a": ["a.x", "a.y"], "b": ["b.z"]}


def test_the_plan_of_the_core_pack_names_areas_and_keys() -> None:
    found = plan(index.packs())
    assert {"information", "attention", "particles", "concentration", "pac_bayes", "llm_bounds"} <= set(found)
    assert all(key.startswith(f"{area}.") for area, keys in found.items() for key in keys)


def test_verify_prints_and_writes_it(
    pack: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = pack(algebra__square=files.GOOD)
    (folder / "plan.toml").write_text("algebra = ['square', 'cube']\ngeometry = ['circle']\n", encoding="utf-8")
    monkeypatch.setenv("NO_COLOR", "1")
    out = tmp_path / "out"
    shown = CliRunner().invoke(main, ["verify", "-q", "--out", str(out)], color=False)
    assert shown.exit_code == 0, shown.output
    assert "\x1b" not in shown.output
    assert "algebra.cube, geometry.circle" in shown.output
    rows = json.loads((out / "report.json").read_text(encoding="utf-8"))["coverage"]
    assert [(r["area"], r["planned"], r["landed"]) for r in rows] == [
        ("algebra", 2, 1),
        ("geometry", 1, 0),
        ("all", 3, 1),
    ]
