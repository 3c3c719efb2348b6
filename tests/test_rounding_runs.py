"""A few of the random runs of `rounding_runs`, and the runs that once alarmed."""

from __future__ import annotations

import numpy as np
import pytest
from rounding_runs import Kernels, Run, campaign, judged

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def test_random_runs_neither_alarm_nor_pass_the_bound() -> None:
    rows, bad = campaign(220, seed=20)
    assert not bad
    every = [f for f in rows.values() if f.runs]
    assert len(every) > 35
    assert sum(f.entries for f in every) > 50 * sum(f.silent for f in every)
    assert sum(f.entries for f in every) > 10 * sum(f.unjudged for f in every)
    rms = [(f.squares / max(1, f.entries)) ** 0.5 for f in every]
    assert 0.2 < np.median(rms) < 1  # deviations that are too large would see nothing


ONCE = {
    "a sum of weights kept in float16": Run("A2 log-softmax", "torch", "float16", "native", "offset", 30.0,
                                            {"n": 7, "m": 7}, 11000147),
    "an exponential of a large error": Run("A11 transport plan", "torch", "bfloat16", "native", "heavy", 300.0,
                                           {"n": 100, "m": 33}, 2649),
    "rounds that repeat their roundings": Run("A12 Sinkhorn", "torch", "float64", "float32", "offset", 0.001,
                                              {"n": 1, "m": 4}, 4925),
}  # fmt: skip


@pytest.mark.parametrize("run", ONCE.values(), ids=ONCE)
def test_runs_that_once_alarmed(run: Run) -> None:
    found = judged(run, Kernels().get(run))
    assert found.entries
    assert not found.alarms
    assert not found.violations
    assert np.isfinite(found.z_max)
