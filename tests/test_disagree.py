"""Engines that contradict each other, or the refuter, fail the run; a case on which two of them differ is a bug."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterable
from pathlib import Path

import cases
import pytest
import record_files as files
from click.testing import CliRunner
from fuzz_case import Drawn, fitting
from fuzz_order import false_order, true_order
from fuzz_sums import false_sum, true_sum
from fuzz_traps import trap

from dltsym.cli import main
from dltsym.errors import DltsymError
from dltsym.prove.decide import Effort, run_engine
from dltsym.prove.definedness import discharge
from dltsym.prove.engines import Engine, engines
from dltsym.prove.problem import Problem
from dltsym.prove.sample import refute
from dltsym.prove.verdict import PROVED, REFUTED, Verdict, open_, proved, refuted

SWEEP = os.environ.get("DLTSYM_SWEEP") == "all"
BRIEF = Effort(0.2 if SWEEP else 0.01, full_refuter=False)
SLOW = ("cas",) if SWEEP else ("cas", "z3", "boxes", "finite")
"""Left out of the sample: they fill their budget on every statement that they cannot decide."""


def opinions(p: Problem, skip: tuple[str, ...] = (), effort: Effort = BRIEF) -> dict[str, Verdict]:
    """Ask the refuter and every engine by itself."""
    bad = refute(p, points=24)
    out = {"refuter": open_("refuter", "no counterexample") if bad is None else bad}
    if not discharge(p)[1]:
        out |= {e.name: run_engine(e, p, effort) for e in fitting(p, ("sampled", *skip))}
    return out


def contradictions(questions: Iterable[tuple[str, Problem]], skip: tuple[str, ...] = ()) -> list[str]:
    """Say where one proves what another refutes, and where an engine contradicts itself."""
    found = []
    for name, p in questions:
        said = opinions(p, skip)
        yes = [k for k, v in said.items() if v.status == PROVED]
        no = [k for k, v in said.items() if v.status == REFUTED]
        if yes and no:
            found.append(f"{name}: {', '.join(yes)} proves and {', '.join(no)} refutes {p.goal}")
        found += [f"{name}: {k}: {v.evidence['reason']}" for k, v in said.items() if v.evidence.get("internal")]
    return found


ROWS = list(cases.ALL.values())


@pytest.mark.parametrize("part", range(6))
def test_engines_agree_on_the_tables(part: int) -> None:
    """Every row, true or false; without the sweep the slow engines see every ninth one."""
    rows = ROWS[part::6]
    assert contradictions([(c.id, cases.build(c)) for c in rows], SLOW) == []
    some = [] if SWEEP else rows[part::9]
    assert contradictions([(c.id, cases.build(c)) for c in some], ("cas",)) == []


@pytest.mark.parametrize("draw", [true_order, false_order, true_sum, false_sum, trap], ids=lambda d: d.__name__)
def test_engines_agree_on_drawn_statements(draw: Callable[[random.Random], Drawn | None]) -> None:
    drawn = [d for seed in range(200 if SWEEP else 12) if (d := draw(random.Random(f"agree {seed}"))) is not None]
    assert len(drawn) > 6
    assert contradictions([(repr(d), p) for d in drawn if (p := readable(d)) is not None], SLOW) == []


def readable(drawn: Drawn) -> Problem | None:
    """Read a statement; a slip may have made it meaningless."""
    try:
        return drawn.problem()
    except DltsymError:
        return None


# A planted liar


def liar(name: str, verdict: Verdict, order: int = 1) -> Engine:
    """Return an engine that always gives the same answer."""
    return Engine(name, "exact", order, ("=", "<", "<=", "!="), 1.0, lambda _: verdict)


YES = liar("yes", proved("yes", "exact"))
NO = liar("no", refuted("no", {"x": "0"}))


def test_a_lying_engine_is_named_with_the_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fuzz_case.engines", lambda: (*engines(), YES))
    rows = [cases.ALL["M05"], cases.ALL["M16"], cases.ALL["I17"]]
    found = contradictions([(c.id, cases.build(c)) for c in rows], SLOW)
    assert [f.split(": ")[0] for f in found] == ["M05", "M16"]
    assert all("yes proves and refuter" in f for f in found), found


def test_an_engine_that_refutes_what_others_prove_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fuzz_case.engines", lambda: (*engines(), NO))
    found = contradictions([("I17", cases.build(cases.ALL["I17"]))], SLOW)
    assert len(found) == 1
    assert "tower" in found[0]
    assert "no refutes" in found[0]


PLANT = """
import dltsym.prove.control as control
import dltsym.prove.decide as decide
from dltsym.prove.engines import Engine, engines
from dltsym.prove.verdict import proved

planted = Engine("planted", "exact", 1, ("=", "<", "<=", "!="), 1.0, lambda _: proved("planted", "exact"))
control.engines = decide.engines = lambda: (planted, *engines())
"""


def test_verify_fails_when_an_engine_lies(pack: Callable[..., Path]) -> None:
    """The records are checked in processes of their own: a record that plants the engine there, and nowhere else."""
    doc, rest = files.GOOD.split("\n", 1)
    pack(algebra__square=files.GOOD, algebra__planted=doc + PLANT + rest)
    out = CliRunner().invoke(main, ["verify", "-q", "--no-cache"])
    assert out.exit_code == 1, out.output
    said = [line for line in out.stderr.splitlines() if "internal error" in line]
    assert said, out.stderr
    assert all("planted proves the refuted mutant" in line for line in said)
    assert "algebra.planted" in out.stderr
    assert "algebra.square" not in out.stderr
