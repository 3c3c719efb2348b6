"""Labels say no more than was seen, records of devices are sound, and the GPU run goes through all stages."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dltsym import kernels
from dltsym.oracle import evidence, labels

pytest.importorskip("triton", reason="the triton backend is optional: pip install dltsym[gpu]")

HERE = Path(__file__).resolve().parent
RECORDS = sorted((HERE / "records").glob("*.json"))
STAGES = ("environment", "roofs", "compiled", "correctness", "sanitizer", "bites", "timing")
NAMES = list(kernels.everything())


def check_record(path: Path) -> list[str]:
    """Return what is wrong with a record."""
    text = path.read_text(encoding="utf-8")
    record = json.loads(text)
    wrong = []
    if len(text) > 2 * 2**20:
        wrong.append("more than 2 MB")
    if record.get("schema") != 1 or record.get("dry_run"):
        wrong.append("unknown schema, or a dry run")
    missing = [stage for stage in STAGES if stage not in record and stage not in record.get("errors", {})]
    if missing and not record.get("partial"):
        wrong.append(f"{', '.join(missing)} missing, and not marked partial")
    for row in record.get("timing", ()):
        if row.get("fraction", 0) > 1 and not row.get("suspect"):
            wrong.append(f"{row['title']}: faster than the floor, and not marked suspect")
    for name, row in record.get("correctness", {}).items():
        if row["passed"] and any(not case["passed"] for case in (*row.get("cases", ()), *row.get("large", ()))):
            wrong.append(f"{name} passed with a case that did not")
    told = record.get("environment", {})
    if not path.name.startswith(f"{told.get('device', '?').replace(' ', '-').lower()}-{record.get('date')}"):
        wrong.append("the name of the file tells another device or date")
    return wrong


def test_records_are_sound() -> None:
    assert {path.name: check_record(path) for path in RECORDS if check_record(path)} == {}


def test_what_is_claimed_of_devices_stands_in_a_record() -> None:
    for name, seen in labels.evidence().items():
        assert list(seen.ran) == evidence.ran(name, RECORDS), f"run: python -m dltsym.oracle.evidence {name}"


def test_evidence_is_of_kernels_that_exist() -> None:
    assert set(labels.evidence()) <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_no_label_claims_more_than_its_evidence(name: str) -> None:
    function, seen = kernels.everything()[name], labels.evidence().get(name)
    told, now = labels.label(function), labels.source_hash(name.split(".")[0])
    if told.startswith("ran on"):
        assert seen is not None
        assert any(
            row["hash"] == now and row["passed"] and row["record"] in {p.name for p in RECORDS} for row in seen.ran
        )
    if told.startswith(("ran on", "compiled", "interpreted")):
        assert seen is not None
        assert seen.interpreted["hash"] == now
        assert seen.interpreted["verdict"] == "pass"


def row(**changes: Any) -> dict[str, Any]:
    now = labels.source_hash(NAMES[0].split(".")[0])
    return {
        "hash": now,
        "date": "2030-01-02",
        "verdict": "pass",
        "passed": True,
        "device": "H100",
        "record": "r",
        **changes,
    }


NEVER: dict[str, Any] = {}
STATES = {
    "not checked": (NEVER, NEVER, ()),
    "not checked since it changed (checked on 2030-01-02)": (row(hash="old"), row(), (row(),)),
    "fails its check (fail, 2030-01-02)": (row(verdict="fail"), row(), (row(),)),
    "interpreted": (row(), NEVER, (row(),)),
    "interpreted ": (row(), row(hash="old"), ()),
    "interpreted  ": (row(), row(verdict="fail"), (row(),)),
    "compiled": (row(), row(), ()),
    "compiled ": (row(), row(), (row(passed=False),)),
    "compiled (record of 2030-01-02 is stale: kernel changed)": (row(), row(), (row(hash="old"),)),
    "ran on H100, 2030-01-02": (row(), row(), (row(date="2029-01-01"), row())),
}


@pytest.mark.parametrize("told", STATES)
def test_labels(told: str) -> None:
    function = kernels.everything()[NAMES[0]]
    assert labels.label(function, {NAMES[0]: labels.Evidence(*STATES[told])}) == told.strip()
    assert labels.label(function, {}) == "not checked"


def test_the_hash_follows_what_a_family_uses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {
        "a/__init__.py": "from dltsym.kernels import b\n",
        "a/cases.py": "1\n",
        "b/__init__.py": "import dltsym.kernels.helper\n",
        "b/triton_b.py": "1\n",
        "helper.py": "1\n",
        "other/__init__.py": "1\n",
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(labels, "_root", lambda: tmp_path)
    before = labels.source_hash("a")
    changes = {}
    for name, text in texts.items():
        (tmp_path / name).write_text(text + "#\n")
        changes[name] = labels.source_hash("a") != before
        (tmp_path / name).write_text(text)
    assert changes == {name: name not in ("a/cases.py", "other/__init__.py") for name in texts}


def test_every_kernel_has_realistic_inputs_for_a_device() -> None:
    sys.path.insert(0, str(HERE))
    from gpu_work import BUILDERS

    assert sorted(set(NAMES) - set(BUILDERS)) == []


@pytest.mark.unwatched
def test_the_gpu_run_goes_through_all_stages_and_its_dry_record_counts_for_nothing(tmp_path: Path) -> None:
    command = [sys.executable, HERE / "gpu_run.py", "--dry-run", "--kernels", "diffusion.step", "--mutants", "1"]
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    done = subprocess.run(
        [*command, "--out", tmp_path], env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    (path,) = tmp_path.glob("*.json")
    record = json.loads(path.read_text())
    assert record["errors"] == {}, done.stderr
    assert set(STAGES) <= set(record)
    assert done.returncode == 0, done.stdout
    assert "pass" in done.stdout
    assert all(record["bites"]["diffusion.step"]["nulls"].values())
    assert {r["pass"] for r in record["timing"] if "seconds" in r} == {"forward", "backward"}
    assert evidence.ran("diffusion.step", [path]) == []
    assert check_record(path)[0].startswith("unknown schema")


def test_a_run_that_was_cut_off_or_lies_is_seen(tmp_path: Path) -> None:
    good = {"schema": 1, "date": "2030-01-02", "environment": {"device": "H100"}, "timing": [], "correctness": {}}
    path = tmp_path / "h100-2030-01-02-abc.json"
    for change, told in (
        ({}, "not marked partial"),
        ({"partial": True, "timing": [{"title": "t", "fraction": 1.1}]}, "faster than the floor"),
        ({"partial": True, "correctness": {"k": {"passed": True, "cases": [{"passed": False}]}}}, "passed with a case"),
        ({"partial": True, "date": "2031-01-01"}, "another device or date"),
    ):
        path.write_text(json.dumps({**good, **change}))
        assert told in " ".join(check_record(path))
    path.write_text(json.dumps({**good, "partial": True}))
    assert check_record(path) == []
