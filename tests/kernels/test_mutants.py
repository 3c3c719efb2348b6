"""A small part of the hunt for planted bugs on every run, and the record of the whole hunt."""

import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from dltsym.oracle import extras, mutants, outcomes, planted, prepare
from dltsym.oracle.adapters import candidate
from dltsym.oracle.hunting import attempt, kernels_of
from dltsym.oracle.statement import spec_of

pytest.importorskip("triton", reason="the triton backend is optional: pip install dltsym[gpu]")

HERE = Path(__file__).resolve().parent
RECORD = HERE.parent.parent / "dltsym" / "kernels" / "mutation.json"
ALARMS = HERE / "alarms.json"
QUICK = {
    "attention": ("one_sided_eot", "E15", ""),
    "bpd": ("smoothed_bpd", "B08", "one token"),
    "contrastive": ("infonce", "N12", "two pairs"),
    "diffusion": ("step", "F01", "posterior"),
    "kl_inverse": ("kl_inverse", "K12", "usual"),
    "particles": ("particle_step", "P02", "2 sa project"),
    "router": ("router", "M01", "one"),
    "scan": ("selective_scan", "C19", ""),
    "ssd": ("ssd", "D03", "2 steps"),
    "transport": ("sinkhorn", "S07", "one query, one key"),
}
"""Family: kernel, a planted bug, a small case that shows it; by default the smallest with a few entries."""
pytestmark = pytest.mark.unwatched


def smallest(cases: Any) -> Any:
    """Return the smallest case in which a sum has two terms."""
    usable = [c for c in cases if min(c.sizes.values()) > 1] or list(cases)
    return min(usable, key=lambda c: sum(c.sizes.values()))


@cache
def prepared(family: str) -> tuple[Any, ...]:
    """Return statement, good kernel and one case with what is true of it."""
    kernel, _, name = QUICK[family]
    module = __import__(mutants.package_of(family), fromlist=["x"])
    told = kernels_of(module)[kernel]
    spec = spec_of(told.key)
    own = candidate(getattr(module, kernel), spec)
    case = next(c for c in told.cases if c.name == name) if name else smallest(told.cases)
    seen = extras.probe(spec, own, "float32", [case], own.grads)
    ready = prepare.prepare(
        spec, case, "float32", own.arithmetic("float32"), own.grads, own.fixed, seen.smooth, seen.stored
    )
    return spec, own, ready


@pytest.mark.parametrize("family", QUICK)
def test_a_planted_bug_is_caught_and_the_good_kernel_is_not_accused(family: str, tmp_path: Path) -> None:
    spec, own, ready = prepared(family)
    good, bits = attempt(spec, own, ready)
    assert good.result.verdict == "pass", good.result.message
    assert attempt(spec, own, ready, order="reverse")[1] == bits
    kernel, wanted, _ = QUICK[family]
    (planted,) = (m for m in mutants.load(family) if m.id == wanted)
    edited = mutants.opened(mutants.write(family, planted, tmp_path), tmp_path)
    found, _ = attempt(spec, candidate(getattr(edited, kernel), spec), ready)
    sys.path.remove(str(tmp_path))
    assert found.result.verdict == "fail", f"{planted.id} ({planted.change}) was not caught"


def test_every_family_is_hunted_in_here() -> None:
    assert sorted(QUICK) == mutants.families_with_mutants()


def test_the_record_adds_up() -> None:
    record = json.loads(RECORD.read_text())
    rows = record["families"]
    assert record["schema"] == outcomes.SCHEMA
    assert set(rows) <= set(mutants.families_with_mutants())
    assert record["total"] == outcomes.total(rows.values())
    for family, row in rows.items():
        fates = [f["verdict"] for f in row["fates"]]
        assert [row[v] for v in outcomes.VERDICTS] == [fates.count(v) for v in outcomes.VERDICTS], family
        assert row["observable"] == row["killed"] + row["survived"], family
        assert all(f["runs"] and not f["seen"] for f in row["fates"] if f["verdict"] == "equivalent"), family
        if not outcomes.stale(family, row):
            assert {f["id"] for f in row["fates"]} == {m.id for m in mutants.load(family)}, family


def test_counts_by_type_say_which_families_they_cover() -> None:
    rows = json.loads(RECORD.read_text())["families"]
    reports = [{"family": f, **row} for f, row in rows.items()]
    whole = [f for f, row in rows.items() if not row["stop"]]
    assert 0 < len(whole) < len(rows)
    told = outcomes.line(reports)
    assert f"(by type, of {', '.join(whole)} only: f32: " in told
    assert "by type" not in outcomes.line([r for r in reports if r["family"] in whole])
    assert "f32:" not in outcomes.line([r for r in reports if r["family"] not in whole])
    for family in rows:
        assert ("up to the first type" in planted.hunt(family, rows)) == (family not in whole)


def test_a_figure_of_other_sources_says_that_it_is_stale() -> None:
    family, row = next(iter(json.loads(RECORD.read_text())["families"].items()))
    now = outcomes.stamp(family)
    assert outcomes.stale(family, row | now) == ""
    assert "stale: kernel changed since" in outcomes.told(family, row | now | {"source": "0"})
    assert "stale: cases or planted bugs changed" in outcomes.told(family, row | now | {"suite": "0"})
    assert outcomes.told(family, None) == "not hunted"


def test_the_record_of_false_alarms_adds_up() -> None:
    record = json.loads(ALARMS.read_text())
    rows = record["rows"]
    assert record["total"]["runs"] == sum(r["runs"] for r in rows)
    assert record["total"]["alarms"] == sum(len(r["alarms"]) for r in rows)
    assert all(r["reason"] for r in record["findings"])
