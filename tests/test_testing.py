"""The suite that any pack inherits finds what is wrong with a pack."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import record_files as files

from dltsym import testing

USER = files.USER.replace("LEMMA", "algebra.square")


def test_conform_names_the_defect(pack: Callable[..., Path]) -> None:
    pack(algebra__square=files.GOOD, algebra__wrong=files.FALSE, audits__slip=files.AUDIT)
    assert testing.record_keys() == ["algebra.square", "algebra.wrong", "audits.slip"]
    assert testing.conform("algebra.square").grade == "exact"
    assert testing.conform("audits.slip").ok
    with pytest.raises(AssertionError, match=r"algebra\.wrong does not conform"):
        testing.conform("algebra.wrong")


def test_a_pack_inherits_the_suite_and_may_use_lemmas_of_others(pack: Callable[..., Path], tmp_path: Path) -> None:
    pack(algebra__square=files.GOOD)
    mine = files.write(tmp_path / "mine", algebra__user=USER, algebra__bad=files.BROKEN)
    module = tmp_path / "test_mine.py"
    module.write_text(
        "from pathlib import Path\nfrom dltsym.testing import Conformance\n"
        f"class TestMine(Conformance):\n    folders = (Path({str(mine)!r}),)\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(module)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "2 failed, 2 passed" in done.stdout, done.stdout + done.stderr
    assert "no such theorem" in done.stdout
