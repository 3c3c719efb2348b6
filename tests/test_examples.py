"""The scripts that draw: they run, what they draw is what the theorems say, and the pages show all of it."""

import re
import runpy
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from dltsym.render.picture import DARK

pytest.importorskip("matplotlib", reason="matplotlib is not installed; pip install dltsym[plot]")

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = {p.stem: p.read_text("utf-8") for p in sorted((ROOT / "examples").glob("*.py"))}
DRAWN = [name for name, text in SCRIPTS.items() if "with picture(" in text]


def temperature_regimes(seen: dict[str, Any]) -> None:
    assert (seen["lower"] <= seen["missed"]).all()
    assert (seen["missed"] <= seen["upper"]).all()
    entropy = np.log(seen["m"]) - seen["from_uniform"]
    assert (entropy <= seen["ceiling"] + 1e-12).all()
    assert (seen["from_uniform"] <= seen["floor"]).all()
    assert np.interp(seen["rule"], seen["eps"], seen["missed"]) <= 0.01


def softmax_to_sinkhorn(seen: dict[str, Any]) -> None:
    between, rhos = seen["between"], seen["rhos"]
    assert between.from_softmax[1] / between.from_softmax[0] == pytest.approx(rhos[1] / rhos[0], rel=0.02)
    assert between.from_balanced[-2] / between.from_balanced[-1] == pytest.approx(rhos[1] / rhos[0], rel=0.02)
    assert all(p.converged for p in between.plans)


def finite_sinkhorn(seen: dict[str, Any]) -> None:
    counts, errors = seen["counts"], seen["errors"]
    assert errors["triangular"][-1] == pytest.approx(seen["creeping"][-1], rel=0.05)
    assert (errors["two rows, one column"][counts <= 20] >= seen["stuck"] - 2e-4).all()  # the leak of finite logits
    assert errors["two rows, one column"][counts == 10] == pytest.approx(seen["stuck"], rel=1e-3)
    slope = np.diff(np.log(errors["sines × 4"]))[-1] / np.diff(counts)[-1]
    assert np.exp(slope) == pytest.approx(seen["rates"]["sines × 4"], rel=1e-3)
    assert (seen["low"] <= seen["worst"]).all()


def clustering(seen: dict[str, Any]) -> None:
    circle, components = seen["circle"], seen["counts"].components
    assert np.abs(circle.balance).max() < 1e-5
    assert (np.diff(circle.energy) > -1e-6 * circle.energy[-1]).all()
    assert components[0] > components[-1]
    assert seen["expected"] == 6


def phase_curve(seen: dict[str, Any]) -> None:
    theirs = seen["phase_curve"](seen["orthogonal"][1:], seen["n"], seen["delta"]).beta
    assert theirs == pytest.approx(seen["betas"][1:], abs=1e-3)
    assert seen["orthogonal"][0] == pytest.approx(seen["first"], rel=1e-4)
    assert seen["random"] == pytest.approx(seen["orthogonal"], rel=0.15)


CHECKS = {f.__name__: f for f in (temperature_regimes, softmax_to_sinkhorn, finite_sinkhorn, clustering, phase_curve)}


def test_every_picture_is_checked_and_shown_once() -> None:
    assert sorted(CHECKS) == DRAWN
    pages = "".join(p.read_text("utf-8") for p in (ROOT / "docs").rglob("*.md"))
    assert sorted(re.findall(r"^```\{picture\} (\w+)$", pages, re.MULTILINE)) == DRAWN


@pytest.mark.parametrize("name", DRAWN)
def test_a_picture(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    CHECKS[name](runpy.run_path(str(ROOT / "examples" / f"{name}.py")))
    light, dark = ((tmp_path / "build/pictures" / f"{name}{more}.svg").read_text("utf-8") for more in ("", "-dark"))
    assert {ElementTree.fromstring(text).tag for text in (light, dark)} == {"{http://www.w3.org/2000/svg}svg"}
    assert set(re.findall(r"#[0-9a-f]{6}", light)) <= {*DARK, "#000000"}
    assert set(re.findall(r"#[0-9a-f]{6}", dark)) <= {*DARK.values(), "#000000"}
    assert "<image" not in light
    assert len(light) < 400_000


def test_the_keys_that_scripts_and_pages_name_are_records() -> None:
    from dltsym import catalogue

    known = set(catalogue.keys())
    areas = {key.split(".")[0] for key in known}
    pages = ("explain/attention-as-transport", "howto/run-a-flow", "howto/choose-a-temperature", "howto/sharpness")
    for text in (*SCRIPTS.values(), *((ROOT / "docs" / f"{page}.md").read_text("utf-8") for page in pages)):
        named = {m for m in re.findall(r"`([a-z_]+\.[a-z_0-9]+)`", text) if m.split(".")[0] in areas}
        named |= {m.replace("/", ".") for m in re.findall(r"\(/theorems/([a-z_]+/[a-z_0-9]+)\.md\)", text)}
        assert named - {"audits.index"} <= known
