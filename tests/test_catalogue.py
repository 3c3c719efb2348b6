"""Packs, the guarded index, checking with lemmas, and what one bad record may not do to the others."""

import json
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import pytest
import record_files as files

from dltsym import batch, catalogue, index, packs, task
from dltsym.cache import open_cache
from dltsym.errors import BrokenRecord, CyclicLemma, UnknownKey
from dltsym.prove.report import AuditReport, Report

USER = files.USER.replace("LEMMA", "algebra.square")


class Here(Executor):
    """An executor that runs tasks at once, in this process."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.done.append(args[0].key)
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


# Discovery and loading


def test_records_are_found_by_place(pack: Callable[..., Path]) -> None:
    folder = pack(algebra__square=files.GOOD, algebra___draft=files.BROKEN, _old__square=files.BROKEN)
    assert catalogue.keys() == ["algebra.square"]
    found = catalogue.load()
    assert found.paths == {"algebra.square": folder / "algebra" / "square.py"}
    record = found.records["algebra.square"]
    assert (record.key, record.area, record.prose) == ("algebra.square", "algebra", "The square of a sum.")


def test_a_place_that_is_no_key_is_reported(pack: Callable[..., Path]) -> None:
    pack(loose=files.GOOD, Algebra__square=files.GOOD, algebra__square=files.GOOD)
    found = catalogue.load()
    assert set(found.records) == {"algebra.square"}
    assert set(found.broken) == {"loose", "Algebra.square"}
    assert "area folder" in str(found.broken["loose"])


@pytest.mark.parametrize("name", sorted(files.HOSTILE))
def test_a_hostile_record_hurts_nobody_else(pack: Callable[..., Path], name: str) -> None:
    pack(algebra__square=files.GOOD, **{f"bad__{name}": files.HOSTILE[name]})
    found = catalogue.load()
    assert set(found.records) == {"algebra.square"}
    assert set(found.broken) == {f"bad.{name}"}
    with pytest.raises(BrokenRecord, match=f"bad.{name}"):
        catalogue.get(f"bad.{name}")


def test_a_broken_record_shows_its_own_frames_only(pack: Callable[..., Path]) -> None:
    pack(bad__raises=files.BROKEN)
    text = str(catalogue.load().broken["bad.raises"])
    assert text.startswith("bad.raises: ValueError: no such theorem")
    assert "raises.py" in text
    assert "in f" in text
    assert "packs.py" not in text


def test_a_slow_record_is_stopped_once_and_remembered(
    pack: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "LOAD_LIMIT", 0.5)
    pack(algebra__square=files.GOOD, bad__slow=files.SLOW)
    assert "stopped after 0.5 s" in str(catalogue.load().broken["bad.slow"])
    monkeypatch.setattr(index, "GuardedPool", None)  # a second look starts no process
    rows, broken = catalogue.rows()
    assert [row["key"] for row in rows] == ["algebra.square"]
    assert set(broken) == {"bad.slow"}


def test_what_a_record_prints_goes_nowhere(pack: Callable[..., Path], capfd: pytest.CaptureFixture[str]) -> None:
    pack(algebra__square=files.PRINTS)
    assert [row["key"] for row in catalogue.rows()[0]] == ["algebra.square"]
    assert capfd.readouterr() == ("", "")


def test_an_edit_is_seen_at_once(pack: Callable[..., Path]) -> None:
    folder = pack(algebra__square=files.GOOD)
    before = catalogue.get("algebra.square")
    assert catalogue.get("algebra.square") is before
    path = folder / "algebra" / "square.py"
    stamp = path.stat()
    path.write_text(files.GOOD.replace("Square of x", "Square of X"), encoding="utf-8")
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))  # same size, same time: only the content differs
    assert catalogue.get("algebra.square").title == "Square of X + 1"


def test_loading_leaves_no_module_and_no_bytecode_behind(pack: Callable[..., Path]) -> None:
    folder = pack(algebra__square=files.GOOD)
    before = set(sys.modules)
    catalogue.get("algebra.square")
    assert not {name for name in set(sys.modules) - before if "square" in name}
    assert not list(folder.rglob("__pycache__"))


def test_a_key_may_be_taken_once_only(
    pack: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack(algebra__square=files.GOOD)
    other = files.write(tmp_path / "other", algebra__square=files.FALSE)
    monkeypatch.setenv("DLTSYM_PACKS", os.environ["DLTSYM_PACKS"] + os.pathsep + str(other))
    found = catalogue.load()
    assert found.records["algebra.square"].title == "Square of x + 1"
    assert list(found.broken) == ["other:algebra.square"]


def test_aliases_lead_to_the_record_and_collide_loudly(pack: Callable[..., Path]) -> None:
    aliased = files.GOOD.replace("    claim=", '    aliases=("old.name",),\n    claim=')
    pack(algebra__square=aliased)
    assert catalogue.get("old.name").key == "algebra.square"
    pack(algebra__thief=aliased)
    assert "old.name already leads to algebra.square" in str(catalogue.load().broken["algebra.thief"])


def test_a_pack_that_is_not_there_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DLTSYM_PACKS", f"-core{os.pathsep}{tmp_path / 'nowhere'}")
    assert "not a folder" in str(catalogue.load().broken["pack:nowhere"])


def test_an_installed_pack_that_does_not_import_is_reported() -> None:
    broken = packs._installed("theirs", "no_such_package_at_all")
    assert broken.folders == ()
    assert "no_such_package_at_all" in broken.error


def test_the_core_pack_enters_by_its_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DLTSYM_PACKS", raising=False)
    assert "core" in [p.name for p in packs.packs()]
    monkeypatch.setenv("DLTSYM_PACKS", "-core")
    assert "core" not in [p.name for p in packs.packs()]


# Looking things up


def test_unknown_keys_suggest_near_ones(pack: Callable[..., Path]) -> None:
    pack(algebra__square=files.GOOD)
    with pytest.raises(UnknownKey, match=r"did you mean algebra\.square"):
        catalogue.get("algebra.sqaure")


def test_find_matches_every_word(pack: Callable[..., Path]) -> None:
    pack(algebra__square=files.GOOD, audits__slip=files.AUDIT)
    assert catalogue.find("SQUARE euclid") == ["algebra.square", "audits.slip"]
    assert catalogue.find("lost square") == ["audits.slip"]
    assert catalogue.find("cube") == []


def test_rows_have_the_keys_of_the_contract(pack: Callable[..., Path]) -> None:
    pack(algebra__square=files.GOOD)
    [row] = catalogue.rows()[0]
    assert row == {
        "key": "algebra.square", "title": "Square of x + 1", "area": "algebra", "kind": "identity", "grade": "open",
        "checked": False, "steps": 1, "cites": ["euclid"], "kernel": ["numpy", "torch", "ball"],
    }  # fmt: skip
    assert json.loads(json.dumps(row)) == row


def test_the_graph_shows_uses_and_refuses_circles(pack: Callable[..., Path]) -> None:
    folder = pack(algebra__square=files.GOOD, algebra__user=USER)
    assert catalogue.graph() == {"algebra.square": [], "algebra.user": ["algebra.square"]}
    files.write(folder, algebra__square=files.USER.replace("LEMMA", "algebra.user"))
    with pytest.raises(CyclicLemma, match=r"algebra\.square -> algebra\.user -> algebra\.square"):
        catalogue.graph()


@pytest.mark.parametrize(("edges", "found"), [
    ({}, []), ({"a": ["a"]}, ["a", "a"]), ({"a": ["b"], "b": []}, []), ({"a": ["x"]}, []),
    ({"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []}, []),
    ({"a": ["b"], "b": ["c", "d"], "c": [], "d": ["b"]}, ["b", "d", "b"]),
])  # fmt: skip
def test_cycles(edges: dict[str, list[str]], found: list[str]) -> None:
    assert index.cycle(edges) == found


def test_a_long_chain_of_lemmas_is_no_problem() -> None:
    edges = {f"k{n}": [f"k{n + 1}"] for n in range(5000)}
    assert index.cycle(edges) == []
    assert index.cycle(edges | {"k5000": ["k0"]})[0] == "k0"


# Checking


def test_check_proves_and_remembers(pack: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    pack(algebra__square=files.GOOD)
    report = catalogue.check("algebra.square")
    assert isinstance(report, Report)
    assert report.ok, report.problems
    assert report.grade == "exact"
    assert catalogue.rows()[0][0]["grade"] == "exact"
    monkeypatch.setattr(batch, "check_task", None)
    assert catalogue.check("algebra.square") == report
    assert catalogue.check(catalogue.get("algebra.square")) == report
    with pytest.raises(TypeError):
        catalogue.check("algebra.square", cache=False)


def test_an_edited_lemma_makes_its_users_unchecked(pack: Callable[..., Path]) -> None:
    folder = pack(algebra__square=files.GOOD, algebra__user=USER)
    assert catalogue.check("algebra.user").ok
    assert {row["key"] for row in catalogue.rows()[0] if row["checked"]} == {"algebra.square", "algebra.user"}
    files.write(folder, algebra__square=files.GOOD + "\n")
    assert not any(row["checked"] for row in catalogue.rows()[0])


def test_a_record_made_by_hand_can_be_checked(pack: Callable[..., Path]) -> None:
    from dltsym import Scope, derive, thm

    pack(algebra__square=files.GOOD)
    v = Scope()
    y = v.real("y", "a number")
    theorem = v.theorem(
        title="by hand", cite=("euclid", ""), claim="(y + 1)**2 = y**2 + 2*y + 1",
        proof=derive("(y + 1)**2").eq("y**2 + 2*y + 1", by=thm("algebra.square", x=y)),
    )  # fmt: skip
    report = catalogue.check(theorem)
    assert report.grade == "exact", report.problems


def test_verify_adds_up(pack: Callable[..., Path]) -> None:
    pack(algebra__square=files.GOOD, algebra__user=USER, audits__slip=files.AUDIT)
    seen: list[tuple[int, int, str]] = []
    data = catalogue.verify(executor=Here(), progress=lambda done, total, key, _: seen.append((done, total, key)))
    assert data["ok"], data["problems"] + data["broken"]
    assert data["records"] == 2
    assert data["steps_by_grade"]["exact"] == 2
    assert data["values"] == {"total": 1, "ok": 1}
    assert data["mutants"]["made"] == data["mutants"]["rejected"] > 0
    [slip] = data["audits"]
    assert (slip["key"], slip["verdict"], slip["source"]) == ("audits.slip", "refuted", "euclid nowhere")
    assert slip["witness"]
    assert data["broken"] == []
    assert set(data["reports"]) == {"algebra.square", "algebra.user", "audits.slip"}
    assert [n for n, _, _ in seen] == [0, 1, 2, 3]
    assert {total for _, total, _ in seen} == {3}
    assert json.loads(json.dumps(data)) == data


def test_lemmas_are_checked_before_their_users_and_once(pack: Callable[..., Path]) -> None:
    pack(algebra__a_user=USER, algebra__square=files.GOOD)
    executor = Here()
    catalogue.verify(executor=executor)
    assert executor.done == ["algebra.square", "algebra.a_user"]
    catalogue.verify(executor=executor)
    assert len(executor.done) == 2
    catalogue.verify(executor=executor, cache=False)
    assert len(executor.done) == 4


@pytest.mark.parametrize("bad", ["FALSE", "BAD_VALUE", "NO_SOURCE"])
def test_verify_finds_what_is_wrong(pack: Callable[..., Path], bad: str) -> None:
    pack(algebra__square=getattr(files, bad))
    data = catalogue.verify(executor=Here())
    assert not data["ok"]
    assert any("algebra.square" in problem for problem in data["problems"])
    if bad == "NO_SOURCE":
        assert "did you mean euclid" in data["problems"][0]
    if bad == "FALSE":
        assert data["steps_by_grade"]["refuted"] == 1


def test_an_audit_that_is_wrong_or_points_nowhere_is_found(pack: Callable[..., Path]) -> None:
    pack(audits__slip=files.AUDIT, audits__lax=files.AUDIT.replace('verdict="refuted"', 'verdict="holds"'))
    data = catalogue.verify(executor=Here())
    assert not data["ok"]
    assert [a["ok"] for a in data["audits"]] == [False, False]
    assert "there is no such record" in "".join(data["reports"]["audits.slip"]["problems"])
    assert "declared 'holds'" in "".join(data["reports"]["audits.lax"]["problems"])


def test_audit_is_for_audits(pack: Callable[..., Path]) -> None:
    pack(algebra__square=files.GOOD, audits__slip=files.AUDIT)
    report = catalogue.audit("audits.slip")
    assert isinstance(report, AuditReport)
    assert report.verdict == "refuted"
    with pytest.raises(UnknownKey, match="is a theorem"):
        catalogue.audit("algebra.square")


def test_bad_lemmas_are_named(pack: Callable[..., Path]) -> None:
    pack(
        algebra__square=files.FALSE, algebra__user=USER, algebra__typo=USER.replace("algebra.square", "algebra.sqare"),
        algebra__broken=files.BROKEN, algebra__hopeless=USER.replace("algebra.square", "algebra.broken"),
        audits__slip=files.AUDIT, algebra__confused=USER.replace("algebra.square", "audits.slip"),
    )  # fmt: skip
    data = catalogue.verify(executor=Here())
    said = {key: " ".join(report["problems"]) for key, report in data["reports"].items()}
    assert "refuted" in said["algebra.user"]
    assert "did you mean algebra.square" in said["algebra.typo"]
    assert "algebra.broken" in said["algebra.hopeless"]
    assert "is an audit" in said["algebra.confused"]
    assert all(data["reports"][key]["grade"] not in ("exact", "smt") for key in said if key != "audits.slip")


def test_circles_are_broken_and_others_are_not(pack: Callable[..., Path]) -> None:
    one, two = (files.USER.replace("LEMMA", f"algebra.{name}") for name in ("two", "one"))
    pack(algebra__one=one, algebra__two=two, algebra__three=one, algebra__square=files.GOOD)
    data = catalogue.verify(executor=Here())
    assert [item["key"] for item in data["broken"]] == ["algebra.one", "algebra.three", "algebra.two"]
    assert "CyclicLemma" in data["broken"][0]["error"]
    assert data["reports"]["algebra.square"]["ok"]
    with pytest.raises(CyclicLemma):
        catalogue.check("algebra.one")


def test_a_check_that_hangs_or_dies_is_broken_and_others_are_not(pack: Callable[..., Path]) -> None:
    # The index sees a good record; only while the audit is evaluated does the fixture misbehave.
    fixture = "    fixture=lambda num, **inputs: MISBEHAVE,\n    at="
    loop = files.AUDIT.replace("    at=", fixture.replace("MISBEHAVE", "[None for _ in iter(int, 1)]"))
    dies = files.AUDIT.replace("    at=", fixture.replace("MISBEHAVE", "__import__('os')._exit(0)"))
    pack(algebra__square=files.GOOD, bad__loop=loop, bad__dies=dies)
    start = time.perf_counter()
    data = catalogue.verify(timeout=3)
    assert time.perf_counter() - start < 60
    assert {item["key"]: item["error"].split(":")[0] for item in data["broken"]} == {
        "bad.dies": "WorkerDied", "bad.loop": "TaskTimeout",
    }  # fmt: skip
    assert data["reports"]["algebra.square"]["ok"]
    assert not data["ok"]


def test_a_cached_run_starts_no_process(pack: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    pack(algebra__square=files.GOOD, algebra__user=USER)
    first = catalogue.verify()
    assert first["ok"], first
    monkeypatch.setattr(batch, "GuardedPool", None)
    monkeypatch.setattr(index, "GuardedPool", None)
    second = catalogue.verify()
    assert {k: v for k, v in second.items() if k != "seconds"} == {k: v for k, v in first.items() if k != "seconds"}


def test_verify_takes_keys_and_areas(pack: Callable[..., Path]) -> None:
    pack(algebra__square=files.GOOD, algebra__user=USER, bad__raises=files.BROKEN)
    assert set(catalogue.verify(["algebra.user"], executor=Here())["reports"]) == {"algebra.user"}
    assert set(catalogue.verify(["algebra"], executor=Here())["reports"]) == {"algebra.square", "algebra.user"}
    assert [b["key"] for b in catalogue.verify(["bad"], executor=Here())["broken"]] == ["bad.raises"]
    with pytest.raises(UnknownKey, match="did you mean algebra"):
        catalogue.verify(["algebr"], executor=Here())


def test_a_verdict_reached_in_a_hurry_is_not_kept(pack: Callable[..., Path]) -> None:
    pack(algebra__square=files.GOOD)
    memo = task.Memo(open_cache())
    memo.put(
        "a", {"status": "open", "evidence": {"tried": [{"reason": "timeout: budget of 2 s used up", "timeout": True}]}}
    )
    memo.put("b", {"status": "open", "evidence": {"tried": [{"reason": "unknown"}]}})
    assert memo.get("a") is None
    assert memo.get("b") is not None


def test_reports_survive_the_cache(pack: Callable[..., Path]) -> None:
    pack(algebra__square=files.GOOD)
    report = catalogue.check("algebra.square", cache=False)
    assert task.restore(json.loads(json.dumps(report.to_json()))) == report
